# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection that is lost between a write and its answer: each write of a cure loses its answer on one endpoint, and
every endpoint is cured all the same, with nothing else changed."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.lab.running import running_fleet
from ansible_collections.fleetops.tetra.tests.integration import machine_state
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks

WITHOUT: t.Final = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA"
USUAL: t.Final[dict[str, t.Any]] = {"release": "10_22h2", "boot_seconds": 0.2}
KINDS: t.Final[dict[str, tuple[int, dict[str, t.Any]]]] = {
    "gpo": (15, {**USUAL, "policy": WITHOUT, "origin": "local_gpo"}),
    "list": (13, {**USUAL, "release": "10_21h2", "local": WITHOUT.split(",")}),
    "tls12": (
        12,
        {**USUAL, "schannel": {"Protocols\\TLS 1.2\\Client": {"Enabled": 0, "DisabledByDefault": 1}}},
    ),
}
"""Kind: (writes that lose their answer, each once; the endpoint). The last number is beyond the last write."""


def test_a_write_whose_answer_is_lost_is_found_out_and_gone_on_from(checkout: Path, tmp_path: Path) -> None:
    endpoints = {
        f"{kind}-{number:02}": {**endpoint, "transport": {"faults": {"lost_answer": number}}}
        for kind, (count, endpoint) in KINDS.items()
        for number in range(1, count + 1)
    }
    options = {"tetra_waves": "[50]", "tetra_max_failures": "100%", "tetra_deadline": 60}
    document = {"schema": "fleetops.tetra/fleet/1", "endpoints": endpoints}
    with running_fleet(document, tmp_path / "lab") as fleet:
        playbooks = Playbooks(fleet, checkout, tmp_path / "results")
        before = machine_state.states_of(fleet)
        done = playbooks.run("fleetops.tetra.remediation", "--forks", "25", **options)
        folder = playbooks.results / "run"
        hosts = json.loads((folder / "remediation.json").read_text(encoding="utf-8"))["hosts"]
        plans = json.loads((folder / "plans.json").read_text(encoding="utf-8"))
        assert {name: entry["detail"] for name, entry in hosts.items() if entry["event"] != "proven"} == {}
        assert done.returncode == 0, done.stdout + done.stderr
        for kind, (count, _endpoint) in KINDS.items():
            lost = [fleet.counters[f"{kind}-{number:02}"]["connections"] for number in range(1, count)]
            # One of them is the restart, which ends the connection anyway.
            assert sorted(lost)[1] > fleet.counters[f"{kind}-{count:02}"]["connections"]
        wrong = {
            name: machine_state.differs_from_plan(state, machine_state.state_of(fleet, name), plans[name]["steps"])
            for name, state in before.items()
        }
        assert {name: sentences for name, sentences in wrong.items() if sentences} == {}
