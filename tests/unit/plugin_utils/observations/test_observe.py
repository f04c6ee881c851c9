# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observing a machine shows the variant that it plays, and says why where it cannot."""

from __future__ import annotations

import hashlib
import json
import pathlib
import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.machine import behaviours
from ansible_collections.fleetops.tetra.lab.machine.build import build
from ansible_collections.fleetops.tetra.plugins.module_utils.observations.document import OPEN, read_file
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Answer
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.observe import (
    NOT_ALLOWED,
    NotWindows,
    observe,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.probes import NOT_HERE, PROBES
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.task import keep
from ansible_collections.fleetops.tetra.tests.unit.lab_session import InProcess

WHEN = "2026-11-24T22:00:00Z"
WINDOWS = {"release": "10_21h2"}


def seen(mapping: dict[str, t.Any], writes: bool = False) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    session = InProcess("pc", build("pc", {**WINDOWS, **mapping}))
    document = observe(session, WHEN, writes)
    return document, {row["behaviour"]: row["variant"] for row in document["rows"]}


def test_every_inferred_row_of_the_lab_is_asked_or_has_a_reason() -> None:
    inferred = {row.name for row in behaviours.TABLE if row.evidence == "inferred"}
    probed = {probe.behaviour for probe in PROBES}
    assert inferred <= probed | set(NOT_HERE)
    assert not probed & set(NOT_HERE)
    assert set(OPEN) <= probed | set(NOT_HERE)


ANYWHERE = ("batch_after_error", "empty_key_itemproperty", "get_content_bytes", "stdregprov_missing_code")
CASES = [
    *(
        (name, variant, {})
        for name in (*ANYWHERE, "stdregprov_wrong_type_code")
        for variant in behaviours.SWITCHABLE[name]
    ),
    *(("cmdlet_shows_policy", variant, {}) for variant in behaviours.SWITCHABLE["cmdlet_shows_policy"]),
    *(("suite_cmdlets_with_policy", variant, {}) for variant in behaviours.SWITCHABLE["suite_cmdlets_with_policy"]),
    *(("cim_list_argument", variant, {}) for variant in behaviours.SWITCHABLE["cim_list_argument"]),
    *(
        ("cmdlet_tls13_before_windows_11", variant, {})
        for variant in behaviours.SWITCHABLE["cmdlet_tls13_before_windows_11"]
    ),
]


@pytest.mark.parametrize("name,variant,more", CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_the_variant_that_a_machine_plays_is_seen(name: str, variant: str, more: dict[str, t.Any]) -> None:
    document, found = seen({"behaviours": {name: variant}, **more}, writes=True)
    row = next(row for row in document["rows"] if row["behaviour"] == name)
    assert found[name] == variant, row["reason"]
    assert row["answers"]


def test_reading_is_the_default_and_changes_nothing() -> None:
    state = build("pc", WINDOWS)
    before = state.registry.dump()
    document = observe(InProcess("pc", state), WHEN)
    assert state.registry.dump() == before
    for probe in PROBES:
        row = next(row for row in document["rows"] if row["behaviour"] == probe.behaviour)
        assert (row["reason"] == NOT_ALLOWED) is probe.writes


def test_what_is_written_is_put_back() -> None:
    state = build("pc", WINDOWS)
    before = state.registry.dump()
    observe(InProcess("pc", state), WHEN, writes=True)
    assert state.registry.dump() == before


def test_the_file_is_one_that_a_judgement_takes(tmp_path: pathlib.Path) -> None:
    document, _found = seen({})
    path, digest = keep(tmp_path, document)
    content = path.read_bytes()
    assert digest == hashlib.sha256(content).hexdigest()
    observation = read_file(path.name, content, digest)
    assert observation.build == document["windows"]["build"] and observation.kind == "client"
    assert observation.behaviours["batch_after_error"] == "goes_on"


def test_names_are_not_kept() -> None:
    session = InProcess("pc", build("pc", {**WINDOWS, "computer_name": "SECRETBOX"}))
    document = observe(session, WHEN, words=["secret-host.example"])
    assert "SECRETBOX" not in json.dumps(document)


def test_what_is_no_windows_is_one_sentence() -> None:
    class Nothing:
        def ask(self, _statements: t.Any) -> t.Any:
            return Answer([])

        def version_table(self) -> dict[str, t.Any]:
            return {}

    with pytest.raises(NotWindows, match=r"^The endpoint does not say which Windows it is"):
        observe(t.cast(t.Any, Nothing()), WHEN)
