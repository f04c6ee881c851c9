# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The view over many diagnoses, the timeline, and the pages: what an endpoint says never becomes markup."""

from __future__ import annotations

import html
import json
import re
import typing as t
from pathlib import Path
from urllib.parse import unquote

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.triage import evidence as e
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.fleet import fleet_view
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.rank import Diagnosis, diagnose
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.timeline import log_time, timeline
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.evidence_taking import Taken
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.build import Options, build_report
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.diagnosis_page import write_fleet, write_page
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import diagnose_task
from ansible_collections.fleetops.tetra.tests.unit.lab_session import NearWindows
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.changes.test_evidence_taking import (
    ARGUMENTS,
    BAD,
    no_wait,
)
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories


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


def test_the_fleet_answers_what_its_captures_settle() -> None:
    found = [told(f"pc-{number}", None) for number in range(3)]
    for one, answers in zip(found, ({"updater_offers_tls13": "no"}, {"updater_offers_tls13": "no"}, {}), strict=True):
        one["answers"] = answers
    assert fleet_view(found)["answers"] == {"updater_offers_tls13": "no"}
    found[2]["answers"] = {"updater_offers_tls13": "yes"}
    assert fleet_view(found)["answers"] == {}


def test_a_report_links_to_the_pages_of_its_endpoints(tmp_path: Path) -> None:
    results = tmp_path / "results"
    evidence = e.empty_evidence("PC-0815", "2026-11-24T03:43:00Z")
    evidence["disk"] = e.section("disk", drive="C:", free_bytes=1)
    taken = Taken(why_not="none")
    diagnose_task.file_diagnosis(results / "diagnoses", evidence, diagnose(evidence), taken, ARGUMENTS)
    other = {**evidence, "host": "elsewhere"}
    diagnose_task.file_diagnosis(results / "diagnoses", other, diagnose(other), taken, ARGUMENTS)  # type: ignore[arg-type]
    factories.write_run(results / "tonight", [factories.result("PC-0815", "compliant")])
    made = build_report(Options([str(results / "tonight")], formats=["html"]))
    page = Path(made["files"]["html"])
    text = page.read_text(encoding="utf-8")
    (link,) = re.findall(r'<a href="([^"]*diagnoses[^"]*)">PC-0815</a>', text)
    assert (page.parent / unquote(link)).resolve() == next((results / "diagnoses").glob("pc-0815*/index.html"))
    assert "elsewhere" not in text
    assert evidence["disk"]["drive"] == "C:" and diagnose(evidence)["sentence"] in html.unescape(text)
