# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observations by the commands of their users: a machine is observed, its file settles a verdict, a bad one not."""

from __future__ import annotations

import hashlib
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import read_run
from ansible_collections.fleetops.tetra.tests.integration import machine_state
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks

SPACED = "TLS_RSA_WITH_AES_128_CBC_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
PLAYED = {"policy_spaces": "unresolved", "enabled_one_for_algorithms": "disabled"}
ENDPOINTS: dict[str, dict[str, t.Any]] = {
    "disposable": {"release": "10_22h2", "behaviours": PLAYED, "boot_seconds": 0.3},
    "hangs-on-it": {"release": "10_22h2", "policy": SPACED, "behaviours": PLAYED},
    "other-release": {"release": "10_21h2", "policy": SPACED, "behaviours": PLAYED},
}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[RunningFleet]:
    document = {"schema": "fleetops.tetra/fleet/1", "describe": "To be observed.", "endpoints": ENDPOINTS}
    with running_fleet(document, tmp_path_factory.mktemp("lab")) as running:
        yield running


def judged(playbooks: Playbooks, observations: list[dict[str, str]], run_id: str) -> tuple[int, str, dict[str, t.Any]]:
    policy = json.dumps({"tetra_policy": {"observations": observations}})
    done = playbooks.run("-e", policy, "--limit", "hangs-on-it,other-release", run_id=run_id)
    folder = playbooks.results / run_id
    records = {one["host"]: one["verdict"] for one in read_run(folder).records()} if folder.exists() else {}
    return done.returncode, done.stdout + done.stderr, records


def test_a_machine_is_observed_and_its_file_settles_what_hung_on_it(
    fleet: RunningFleet, checkout: Path, tmp_path: Path
) -> None:
    playbooks = Playbooks(fleet, checkout, tmp_path / "results")
    before = machine_state.state_of(fleet, "disposable")
    more = {"tetra_observe_dir": tmp_path / "seen", "tetra_observe_writes": "true", "tetra_observe_restarts": "true"}
    done = playbooks.run("fleetops.tetra.observe", "--limit", "disposable", **{**more, "tetra_timeout": 300})
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = (tmp_path / "seen").glob("*.json")
    assert {"policy_spaces": "unresolved"}.items() <= variants(file).items()
    assert not machine_state.without_traces(machine_state.changes(before, machine_state.state_of(fleet, "disposable")))

    code, _said, verdicts = judged(playbooks, [], "without")
    assert (code, {name: one["state"] for name, one in verdicts.items()}) == (
        0,
        {"hangs-on-it": "unknown", "other-release": "unknown"},
    )
    named = {"file": str(file), "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    code, said, verdicts = judged(playbooks, [named], "with")
    assert code == 0, said
    assert {name: one["state"] for name, one in verdicts.items()} == {
        "hangs-on-it": "non_compliant",
        "other-release": "unknown",  # its Windows was not observed, and a note says so
    }
    assert any(named["sha256"] in note for note in verdicts["hangs-on-it"]["notes"])
    assert any(note.startswith("No observation of this run is about") for note in verdicts["other-release"]["notes"])

    edited = tmp_path / "edited.json"
    edited.write_bytes(file.read_bytes().replace(b'"unresolved"', b'"trimmed"', 1))
    contrary = {"file": str(edited), "sha256": hashlib.sha256(edited.read_bytes()).hexdigest()}
    for number, (given, sentence) in enumerate(
        [
            ([{**named, "file": str(edited)}], "is not the one that the list names"),
            ([{"file": str(file)}], "has no digest in the list"),
            ([named, contrary], "contradict each other about policy_spaces"),
            ([{**named, "file": str(tmp_path / "none.json")}], "none.json"),
        ]
    ):
        code, said, verdicts = judged(playbooks, t.cast(t.Any, given), f"bad-{number}")
        assert code != 0, said
        assert sentence in " ".join(said.split()), said
        assert "Traceback" not in said
        assert not [one for one in verdicts.values() if one["state"] in ("compliant", "non_compliant")]


def variants(file: Path) -> dict[str, str]:
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    return {row["behaviour"]: row["variant"] for row in rows if row["variant"] is not None}
