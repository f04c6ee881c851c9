# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One observation answers an open question for the whole fleet: a live audit keeps it, saved results are rejudged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.fleetops.tetra.lab.capture import files, wire
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.tests.captures import scenarios
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks
from ansible_collections.fleetops.tetra.tests.integration.test_report_module import play
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts as e
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories

DEAD_END = f"TLS_AES_256_GCM_SHA384,{e.ECDHE_128}"
"""A server with TLS 1.3 settles on it and finds nothing: reached only by an updater that does not offer it."""
ANSWER = {"updater_offers_tls13": "no"}


def audited(host: str) -> dict[str, Any]:
    facts = {**e.endpoint("11_23h2", policy=DEAD_END), "host": host}
    return {**factories.result(host), "facts": facts, "verdict": json.loads(json.dumps(evaluate(facts)))}


def test_a_capture_of_one_endpoint_rejudges_the_saved_results_of_all(tmp_path: Path) -> None:
    run = factories.write_run(tmp_path / "run", [audited(f"pc-{number}") for number in range(3)])
    capture = tmp_path / "update.pcap"
    capture.write_bytes(files.pcap(wire.frames(wire.segments(scenarios.made("good"))), 1))
    done = play(
        tmp_path,
        [
            {"fleetops.tetra.report": {"path": str(run)}, "register": "before"},
            {
                "fleetops.tetra.capture_info": {"path": str(capture), "record": str(run / "hosts" / "pc-1.json")},
                "register": "seen",
            },
            {
                "fleetops.tetra.report": {"path": str(run), "policy": {"answers": "{{ seen.answers }}"}},
                "register": "after",
            },
            {
                "ansible.builtin.assert": {
                    "that": [
                        f"seen.answers == {ANSWER}",
                        "before.counts.unknown == 3",
                        "after.counts.compliant == 3",
                        "after.counts.unknown == 0",
                    ]
                }
            },
        ],
    )
    assert done.returncode == 0, done.stdout + done.stderr
    saved = json.loads((run / "report" / "report.json").read_text(encoding="utf-8"))
    assert saved["policy"]["answers"] == ANSWER


def test_a_live_audit_judges_by_the_answer_and_the_run_keeps_it(playbooks: Playbooks) -> None:
    done = playbooks.run("fleetops.tetra.compliance", "-e", json.dumps({"tetra_policy": {"answers": ANSWER}}))
    assert done.returncode == 0, done.stdout + done.stderr
    run = playbooks.results / "run"
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["policy"]["answers"] == ANSWER
    records = [json.loads(path.read_text(encoding="utf-8")) for path in (run / "hosts").iterdir()]
    judged = [record for record in records if record["facts"] is not None]
    assert judged
    for record in judged:
        expected = json.loads(json.dumps(evaluate(record["facts"], {"answers": ANSWER})))
        assert record["verdict"] == expected, record["host"]
