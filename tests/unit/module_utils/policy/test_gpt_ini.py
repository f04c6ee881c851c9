# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gpt.ini: the version counts, the extension is named, everything else keeps its bytes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.policy import gpt_ini

REGISTRY = f"[{gpt_ini.REGISTRY_EXTENSION}{gpt_ini.MACHINE_TOOL}]"
SCRIPTS = "[{42B5FAAE-6536-11D2-AE5A-0000F87571E3}{40B6664F-4972-11D1-A7CA-0000F87571E3}]"
OLDER = f"[{gpt_ini.REGISTRY_EXTENSION}{gpt_ini.OTHER_MACHINE_TOOL}]"
AUDIT = "[{00000000-0000-0000-0000-000000000001}{F3CCC681-B74C-4060-9F26-CD84525DCA2A}]"


def test_first_change_makes_the_file() -> None:
    assert gpt_ini.after_machine_change(b"") == (
        f"[General]\r\ngPCMachineExtensionNames={REGISTRY}\r\nVersion=1\r\n".encode()
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, 1),
        (0, 1),
        (1, 2),
        (65534, 65535),
        (65535, 1),
        (0x00050000, 0x00050001),
        (0x0005FFFF, 0x00050001),
        (0xFFFFFFFF, 0xFFFF0001),
    ],
)
def test_version_arithmetic(before: int | None, after: int) -> None:
    assert gpt_ini.next_version(before) == after


def test_halves() -> None:
    ini = gpt_ini.parse(b"[General]\r\nVersion=196610\r\n")
    assert (ini.version, ini.user_version, ini.machine_version) == (196610, 3, 2)
    assert gpt_ini.parse(b"[Other]\r\nVersion=7\r\n").version is None


def test_only_the_lines_concerned_change() -> None:
    before = (
        f"; a comment\r\n[General]\r\ngPCUserExtensionNames=[{{A}}{{B}}]\r\n  version = 4 \r\n"
        f"displayName=caf\xe9\r\ngpcmachineextensionnames={SCRIPTS}\r\n\r\n[Other]\r\nVersion=9\r\n"
    ).encode("latin-1")
    after = gpt_ini.after_machine_change(before)
    assert after == before.replace(b"version = 4 ", b"version = 5 ").replace(
        SCRIPTS.encode(), (REGISTRY + SCRIPTS).encode()
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (AUDIT + SCRIPTS, AUDIT + REGISTRY + SCRIPTS),
        (AUDIT, AUDIT + REGISTRY),
        (
            f"[{gpt_ini.REGISTRY_EXTENSION}{{FFFFFFFF-0000-0000-0000-000000000000}}]" + SCRIPTS,
            f"[{gpt_ini.REGISTRY_EXTENSION}{gpt_ini.MACHINE_TOOL}{{FFFFFFFF-0000-0000-0000-000000000000}}]" + SCRIPTS,
        ),
        (REGISTRY.lower(), REGISTRY.lower()),
        (OLDER, OLDER),
        ("", REGISTRY),
    ],
)
def test_groups_stay_whole_and_sorted(before: str, after: str) -> None:
    ini = gpt_ini.parse(f"[General]\r\ngPCMachineExtensionNames={before}\r\nVersion=3\r\n".encode())
    assert gpt_ini.add_registry_extension(ini).serialise().decode() == (
        f"[General]\r\ngPCMachineExtensionNames={after}\r\nVersion=3\r\n"
    )


def test_files_that_end_or_begin_oddly() -> None:
    assert gpt_ini.after_machine_change(b"[General]\nVersion=3") == (
        f"[General]\nVersion=4\ngPCMachineExtensionNames={REGISTRY}\n".encode()
    )
    assert gpt_ini.after_machine_change(b"\xef\xbb\xbf[General]\r\nVersion=3\r\n").startswith(
        b"\xef\xbb\xbf[General]\r\nVersion=4\r\n"
    )
    assert gpt_ini.after_machine_change(b"[Other]\r\nx=1") == (
        f"[Other]\r\nx=1\r\n[General]\r\ngPCMachineExtensionNames={REGISTRY}\r\nVersion=1\r\n".encode()
    )
    wide = b"\xff\xfe" + "[General]\r\nVersion=3\r\n".encode("utf-16-le")
    assert gpt_ini.after_machine_change(wide)[2:].decode("utf-16-le") == (
        f"[General]\r\nVersion=4\r\ngPCMachineExtensionNames={REGISTRY}\r\n"
    )


@pytest.mark.parametrize(
    "data",
    [
        b"[General]\r\nVersion=abc\r\n",
        b"[General]\r\nVersion=-1\r\n",
        b"[General]\r\nVersion=4294967296\r\n",
        b"[General]\r\nVersion=\r\n",
        b"[General]\r\ngPCMachineExtensionNames={A}{B}\r\n",
        b"\xff\xfe[",
        b"x" * 2_000_000,
    ],
)
def test_what_is_refused(data: bytes) -> None:
    with pytest.raises(gpt_ini.GptIniError):
        gpt_ini.after_machine_change(data)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=120),
        st.lists(
            st.sampled_from(
                [
                    b"[General]",
                    b"[Other]",
                    b"Version=3",
                    b"version=65535",
                    b"x=y",
                    b" ",
                    b"\r\n",
                    b"\n",
                    b"gPCMachineExtensionNames=",
                    REGISTRY.encode(),
                    SCRIPTS.encode(),
                    b"\r",
                    b";",
                ]
            ),
            max_size=12,
        ).map(b"".join),
    )
)
def test_any_text(data: bytes) -> None:
    try:
        ini = gpt_ini.parse(data)
        assert ini.serialise() == data
        once = gpt_ini.after_machine_change(data)
        version = ini.version
    except gpt_ini.GptIniError:
        return
    after = gpt_ini.parse(once)
    assert after.version == gpt_ini.next_version(version)
    assert gpt_ini.REGISTRY_EXTENSION in [group[0].upper() for group in after.machine_extensions]
    assert gpt_ini.add_registry_extension(after) == after
