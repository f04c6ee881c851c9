# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The view over many diagnoses, the timeline, and the pages: what an endpoint says never becomes markup."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.triage import evidence as e
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.fleet import fleet_view
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.rank import Diagnosis, diagnose
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.timeline import log_time, timeline
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.diagnosis_page import write_fleet, write_page
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import diagnose_task
from ansible_collections.fleetops.tetra.tests.unit.lab_session import NearWindows
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.changes.test_evidence_taking import (
    ARGUMENTS,
    BAD,
    no_wait,
)


def told(host: str, proxy: str | None, **sections: t.Any) -> Diagnosis:
    evidence = e.empty_evidence(host, "2026-11-24T03:43:00Z")
    evidence["network"] = {"site": "Bern", "subnet": None, "proxy": proxy}
    t.cast(t.Any, evidence).update(sections)
    return diagnose(evidence)


def test_endpoints_behind_one_proxy_are_one_sentence() -> None:
    issuer = e.section("issuer", issuer="CN=Inspection CA", subject="CN=x")
    ways = e.section("ways", host="tetra-defs.amp.cisco.com", attempts={
        "default": {"exit": 60, "error": "SEC_E_UNTRUSTED_ROOT (0x80090325)", "handshake": False, "http": 0,
                    "connect": 200, "address": "", "connected": True},
    })  # fmt: skip
    many = [told(f"pc-{number}", "proxy.example.com:8080", issuer=issuer, ways=ways) for number in range(214)]
    disk = told("full", None, disk=e.section("disk", drive="C:", free_bytes=1))
    view = fleet_view([*many, disk])
    assert view["sentences"][0] == (
        "214 endpoints behind proxy proxy.example.com:8080: "
        "somebody between the endpoint and the server decrypts the traffic."
    )
    assert view["by_cause"]["disk_full"] == ["full"]
    assert len(view["tls_1_3"]["not_seen"]) == 215


def test_a_diagnosis_of_nothing_is_unknown() -> None:
    found = told("pc", None)
    assert (found["cause"], found["confidence"], found["causes"]) == ("unknown", None, [])


@pytest.mark.parametrize(
    ("taken", "offset", "expected"),
    [
        ("2022-08-04T05:31:00Z", 120, "2022-08-04T05:30:23Z"),
        ("2022-01-02T00:00:00Z", 0, "2021-08-04T07:30:23Z"),
        ("2022-08-04T05:31:00Z", None, None),
    ],
)
def test_log_lines_get_their_year(taken: str, offset: int | None, expected: str | None) -> None:
    line = "(978223515, +0 ms) Aug 04 07:30:23 [11944]: PerformTetraUpdate: bUpdated = FALSE, state: 20, status: -3000"
    assert log_time(line, taken, offset) == expected


def test_the_page_of_an_endpoint(tmp_path: Path) -> None:
    windows = NearWindows(policy=BAD, release="11_23h2")
    found, taken = diagnose_task.gather_evidence(windows.session, "pc<script>", ARGUMENTS, no_wait)
    assert {one["source"] for one in timeline(found)} == {"log", "packets", "events"}
    diagnosis = diagnose(found, evaluate(found["facts"]))
    place = diagnose_task.file_diagnosis(tmp_path, found, diagnosis, taken, ARGUMENTS)
    page = (place / "index.html").read_text(encoding="utf-8")
    assert "<script" not in page and "pc&lt;script&gt;" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert (
        "Alert 40 handshake_failure" in page and "Update failed with error -3000" in page and "Schannel 36887" in page
    )
    rows = re.findall(r"<tr><td>(not offered|\d+)</td><td><code>(TLS_\w+)</code>.*?(yes|no)</td></tr>", page)
    assert ("not offered", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "yes") in rows
    assert ("1", "TLS_RSA_WITH_AES_128_CBC_SHA", "no") in rows
    view, path = write_fleet(tmp_path)
    assert view["by_cause"] == {"no_suite_in_common": ["pc<script>"]}
    assert "<script" not in path.read_text(encoding="utf-8")
    assert json.loads((tmp_path / "fleet.json").read_text(encoding="utf-8")) == view


def test_a_page_of_nothing_and_a_folder_of_nothing(tmp_path: Path) -> None:
    evidence = e.empty_evidence("pc", "2026-11-24T03:43:00Z")
    assert write_page(tmp_path / "pc", evidence, diagnose(evidence)).is_file()
    with pytest.raises(ReportError, match="holds no diagnosis"):
        write_fleet(tmp_path / "none")
