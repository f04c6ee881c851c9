# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a fleet in a remediation, held against its fleet file."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab import fleet as fleets
from ansible_collections.fleetops.tetra.lab import outcomes
from ansible_collections.fleetops.tetra.lab.comparison import main
from ansible_collections.fleetops.tetra.lab.errors import FleetError


def _definition(**more: t.Any) -> fleets.EndpointDefinition:
    document = {"schema": fleets.SCHEMA, "endpoints": {"one": {"release": "10_22h2", **more}}}
    (definition,) = fleets.from_mapping(document)
    return definition


def _found(**more: t.Any) -> dict[str, t.Any]:
    return {"event": "nothing_to_do", "after": "compliant", "changed": False, "detail": None, "blocked": [], **more}


def test_an_endpoint_without_after_is_expected_to_be_left_alone() -> None:
    definition = _definition(expect={"state": "compliant"})
    assert outcomes.differences(definition, _found()) == []
    assert outcomes.differences(definition, _found(changed=True)) == ["one: changed should be False, but is True"]
    assert outcomes.differences(definition, None) == ["one: not in the summary"]


@pytest.mark.parametrize(
    ("after", "found", "wrong"),
    [
        ({"event": "proven", "state": "compliant"}, {"event": "proven"}, 0),
        ({"event": ["failed", "timed_out"]}, {"event": "timed_out"}, 0),
        ({"event": ["failed", "timed_out"]}, {"event": "proven"}, 1),
        ({"blocked": "owned_by_mdm"}, {"blocked": [{"code": "owned_by_mdm"}]}, 0),
        ({"blocked": "owned_by_mdm"}, {"blocked": [{"code": "owner_unknown"}]}, 1),
        ({"detail": "come back"}, {"detail": "It did not come back."}, 0),
        ({"detail": "come back"}, {}, 1),
        ({"update": "updated"}, {"update": "failed"}, 1),
    ],
)
def test_what_after_names_is_compared(after: dict[str, t.Any], found: dict[str, t.Any], wrong: int) -> None:
    assert len(outcomes.differences(_definition(after=after), _found(**found))) == wrong


def test_a_word_that_does_not_exist_is_refused() -> None:
    with pytest.raises(FleetError, match="after: unknown key 'evnt'"):
        outcomes.expected(_definition(after={"evnt": "proven"}))


def test_the_folder_of_a_remediation_is_compared_whole(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = tmp_path / "fleet.yml"
    endpoint = "{release: 10_22h2, expect: {state: compliant}}"
    fleet.write_text(f"schema: {fleets.SCHEMA}\nendpoints: {{one: {endpoint}}}\n")
    hosts = tmp_path / "run" / "before" / "hosts"
    hosts.mkdir(parents=True)
    (hosts / "one.json").write_text(json.dumps({"host": "one", "verdict": {"state": "compliant"}}))
    summary = tmp_path / "run" / "remediation.json"
    arguments = ["--fleet", str(fleet), "--results", str(tmp_path / "run")]
    summary.write_text(json.dumps({"hosts": {"one": _found()}}))
    assert main(arguments) == 0
    assert "1 of 1 endpoints ended as the fleet file expects" in capsys.readouterr().out
    summary.write_text(json.dumps({"hosts": {"one": _found(event="failed")}}))
    assert main(arguments) == 1
    assert "one: event should be nothing_to_do, but is failed" in capsys.readouterr().out
    summary.write_text("{")
    assert main(arguments) == 2
    assert "cannot be read" in capsys.readouterr().err
