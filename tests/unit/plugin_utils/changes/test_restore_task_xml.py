# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two files of a guard: values survive the way through a .reg file, and the task says when, who and what."""

from __future__ import annotations

import typing as t
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.lab.machine import reg_file as importer
from ansible_collections.fleetops.tetra.lab.machine.registry import Registry, Value, make_value
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.restore_task_xml import (
    KEPT_FOR,
    RestoreError,
    reg_file,
    task_xml,
)

KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\Ciphers\AES 128/128"
START = datetime(2026, 11, 24, 7, 30, tzinfo=UTC)
TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=60)
STATES = st.one_of(
    st.tuples(st.sampled_from(["REG_SZ", "REG_EXPAND_SZ"]), TEXT),
    st.tuples(st.just("REG_MULTI_SZ"), st.lists(TEXT.filter(bool), max_size=40)),
    st.tuples(st.just("REG_DWORD"), st.integers(0, 2**32 - 1)),
    st.tuples(st.just("REG_QWORD"), st.integers(0, 2**64 - 1)),
    st.tuples(st.just("REG_BINARY"), st.binary(max_size=90).map(bytes.hex)),
)


def imported(registry: Registry, data: bytes) -> Registry:
    importer.apply(registry, data)
    return registry


@given(STATES)
def test_a_value_comes_back_with_its_type(given_state: tuple[str, t.Any]) -> None:
    kind, data = given_state
    registry = Registry()
    registry.set(KEY, "v", Value(1, "changed"))
    imported(registry, reg_file([(KEY, "v", {"status": "ok", "type": kind, "data": data})]))
    assert registry.get(KEY, "v") == make_value(kind, data)


def test_a_value_that_was_absent_goes_and_its_neighbour_stays() -> None:
    registry = Registry()
    registry.set(KEY, "v", Value(1, "changed"))
    registry.set(KEY, "w", Value(4, 7))
    absent = {"status": "absent", "type": None, "data": None}
    imported(registry, reg_file([(KEY, "v", absent)], [r"HKEY_LOCAL_MACHINE\SOFTWARE\fleetops.tetra"]))
    assert (registry.get(KEY, "v"), registry.get(KEY, "w")) == (None, Value(4, 7))


def test_a_key_that_is_named_goes_with_all_that_is_in_it() -> None:
    registry = Registry()
    registry.set(r"HKLM\SOFTWARE\ours\below", "v", Value(4, 7))
    imported(registry, reg_file([], [r"HKEY_LOCAL_MACHINE\SOFTWARE\ours"]))
    assert registry.find(r"HKLM\SOFTWARE\ours") is None
    assert registry.find(r"HKLM\SOFTWARE") is not None


def test_the_file_is_as_regedit_writes_it() -> None:
    data = reg_file(
        [
            (KEY, "Enabled", {"status": "ok", "type": "REG_DWORD", "data": 0xFFFFFFFF}),
            (KEY, 'a "b" \\', {"status": "ok", "type": "REG_SZ", "data": 'c "d" \\'}),
            (KEY, "m", {"status": "ok", "type": "REG_MULTI_SZ", "data": ["TLS_A", "B"]}),
        ]
    )
    assert data.startswith(b"\xff\xfe")
    assert data[2:].decode("utf-16-le").split("\r\n") == [
        "Windows Registry Editor Version 5.00",
        "",
        f"[{KEY}]",
        '"Enabled"=dword:ffffffff',
        "",
        f"[{KEY}]",
        r'"a \"b\" \\"="c \"d\" \\"',
        "",
        f"[{KEY}]",
        '"m"=hex(7):54,00,4c,00,53,00,5f,00,41,00,00,00,42,00,00,00,00,00',
        "",
    ]


def test_a_type_that_a_reg_file_does_not_know_is_refused() -> None:
    with pytest.raises(RestoreError, match="REG_LINK, which the endpoint could not restore"):
        reg_file([(KEY, "v", {"status": "ok", "type": "REG_LINK", "data": ""})])


def test_the_task_runs_as_local_system_once_also_late_and_on_batteries() -> None:
    data = task_xml(START, [("C:\\a.exe", 'import "C:\\x & y"'), ("C:\\b.exe", "/r")], "Why <this> is here.")
    assert data.startswith(b"\xff\xfe<\x00")
    root = ElementTree.fromstring(data)
    space = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
    found = {one.tag.removeprefix(space): one.text for one in root.iter() if not len(one)}
    assert found["StartBoundary"] == "2026-11-24T07:30:00+00:00"
    assert datetime.fromisoformat(str(found["EndBoundary"])) - START == KEPT_FOR > timedelta(days=7)
    assert (found["UserId"], found["StartWhenAvailable"], found["DeleteExpiredTaskAfter"]) == (
        "S-1-5-18",
        "true",
        "PT0S",
    )
    assert found["DisallowStartIfOnBatteries"] == found["StopIfGoingOnBatteries"] == "false"
    actions = [(one[0].text, one[1].text) for one in root.iter(f"{space}Exec")]
    assert actions == [("C:\\a.exe", 'import "C:\\x & y"'), ("C:\\b.exe", "/r")]
