# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every cause that can be told apart, simulated on an endpoint with real handshakes, and ranked first."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.capture import files, wire
from ansible_collections.fleetops.tetra.lab.machine.conditions import Captured
from ansible_collections.fleetops.tetra.plugins.module_utils.capture import document
from ansible_collections.fleetops.tetra.plugins.module_utils.triage import evidence as e
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.causes import CAUSES
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.rank import Diagnosis, diagnose
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import definitions
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings import beyond_tls
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import ProbeOptions, collect, probe_target
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.tests.unit.lab_session import NearWindows

GOOD = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
BAD = "TLS_RSA_WITH_AES_128_CBC_SHA,TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"
MIDDLEBOX = "CN=Example Corp Inspection CA,O=Example Corp"
PROXY = {"server": "proxy.example.com", "port": 8080}
BLOCK = "v2.30|Action=Block|Active=TRUE|Dir=Out|Protocol=6|RPort=443|Name=Block the web|"
Mapping = dict[str, t.Any]


def behind(status: str, **more: t.Any) -> Mapping:
    return {"tetra": {"proxy": status, **more}, "connector": {"proxy": PROXY, "policy_readable": True}}


SIMULATED: dict[str, Mapping] = {
    "no_suite_in_common": {"policy": BAD},
    "algorithm_switched_off": {
        "schannel": {"Ciphers\\AES 128/128": {"Enabled": 0}, "Ciphers\\AES 256/256": {"Enabled": 0}}
    },
    "tls_1_2_off": {"schannel": {"Protocols\\TLS 1.2\\Client": {"Enabled": 0, "DisabledByDefault": 1}}},
    "no_group_in_common": {
        "curves": {"policy": ["curve25519"]}, "tetra": {"curves": ["nistP256"]},
        "policy": GOOD,
    },
    "restart_pending": {"policy": f"{GOOD},{BAD}", "in_force": {"policy": BAD}},
    "server_refuses_otherwise": {"tetra": {"suites": ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"]}},
    "server_fault": {"tetra": {"after_hello": "fault"}},
    "interception": {"tetra": {"authority": MIDDLEBOX}},
    "proxy_authentication": behind("407"),
    "proxy_rule": behind("403"),
    "proxy_upstream": behind("502"),
    "proxy_unreachable": behind("refused"),
    "proxy_name": behind("dns"),
    "name_resolution": {"tetra": {"outcome": "dns"}},
    "hosts_file": {"conditions": {"hosts": ["10.0.0.99 tetra-defs.amp.cisco.com"]}},
    "windows_firewall": {"conditions": {"firewall": [BLOCK]}},
    "connection_refused": {"tetra": {"outcome": "refused"}},
    "connection_dropped": {"tetra": {"outcome": "timeout"}},
    "reset_after_hello": {"tetra": {"after_hello": "reset"}},
    "silence_after_hello": {"tetra": {"after_hello": "silence"}},
    "not_tls": {"tetra": {"after_hello": "page"}},
    "root_missing": {"conditions": {"roots": "missing", "root_update": "blocked"}},
    "revocation_blocked": {"conditions": {"revocation": "blocked"}},
    "clock_wrong": {"conditions": {"clock_minutes_ahead": 20 * 365 * 24 * 60}},
    "disk_full": {"conditions": {"free_megabytes": 100}},
    "service_stopped": {"connector": {"service": "Stopped"}},
    "connector_broken": {"connector": {"damaged": True}},
    "connector_missing": {"connector": "absent"},
    "tetra_off": {"connector": {"tetra": False, "policy_readable": True}},
    "isolated": {"conditions": {"isolated": True}},
    "own_update_server": {
        "connector": {"update_server": "tetra.example.com", "policy_readable": True}, "tetra": {"outcome": "refused"},
    },
    "download_interrupted": {"tetra": {"interrupted": True}},
    "definitions_damaged": {"conditions": {"corrupt_definitions": True}},
    "does_not_try": {"conditions": {"no_attempt": True}},
    "works_now": {"connector": {"log": "failed"}},
}  # fmt: skip
PAIRS: list[tuple[Mapping, set[str]]] = [
    ({"policy": BAD, "conditions": {"free_megabytes": 100}}, {"no_suite_in_common", "disk_full"}),
    ({**SIMULATED["proxy_authentication"], "policy": BAD}, {"proxy_authentication", "no_suite_in_common"}),
    (
        {"tetra": {"outcome": "dns"}, "conditions": {"free_megabytes": 100}},
        {"name_resolution", "disk_full"},
    ),
    (
        {"tetra": {"authority": MIDDLEBOX}, "conditions": {"clock_minutes_ahead": -20 * 365 * 24 * 60}},
        {"interception", "clock_wrong"},
    ),
    ({"connector": {"service": "Stopped"}, "policy": BAD}, {"service_stopped", "no_suite_in_common"}),
]  # fmt: skip


def gathered(mapping: Mapping, folder: Path) -> e.Evidence:
    """What diagnose gathers, without the parts that write to the endpoint."""
    windows = NearWindows(**mapping)
    facts = collect(windows.session, "pc", now())
    found = e.empty_evidence("pc", now(), facts)
    windows.state.conditions.capture = Captured("pktmon", "C:\\x.etl")
    began = now()
    try:
        update = definitions.update(windows.session, facts, lambda _seconds: False)
        known = {name: update[name] for name in ("result", "code", "line", "signatures")}
        found["update"] = e.section("update", began=began, **{**known, "result": known["result"]})
        if update["result"] == "unknown":
            found["update"]["result"] = None
    except definitions.CannotUpdate as error:
        status = "absent" if "no such file" in str(error) else "not_read"
        found["update"] = e.section("update", status, str(error))
    rows = [
        frame for one in windows.state.conditions.capture.conversations for frame in wire.frames(wire.segments(one))
    ]
    if rows:
        path = folder / "taken.pcapng"
        path.write_bytes(files.pcapng(rows, 1))
        wanted = document.Wanted(addresses=frozenset({"198.51.100.7", "203.0.113.8"}))
        found["capture"] = document.read(path, wanted, facts=facts)
    target = probe_target(facts, ProbeOptions(seconds=3))
    sections = beyond_tls.read_beyond_tls(windows.session, target, "C:\\Windows", None, now())
    found.update(sections)  # type: ignore[typeddict-item]
    assert windows.unmatched == []
    return found


def diagnosed(mapping: Mapping, folder: Path) -> Diagnosis:
    evidence = gathered(mapping, folder)
    return diagnose(evidence, evaluate(evidence["facts"]))


def test_every_cause_is_simulated() -> None:
    assert set(SIMULATED) == set(CAUSES)
    assert len(CAUSES) >= 25


@pytest.mark.parametrize("code", SIMULATED)
def test_a_simulated_cause_is_ranked_first(code: str, tmp_path: Path) -> None:
    found = diagnosed(SIMULATED[code], tmp_path)
    told = [(one["code"], one["points"]) for one in found["causes"]]
    assert found["cause"] == code, told
    first = found["causes"][0]
    assert first["speaks_for"] and first["settle"] and first["mend"]
    assert "\n" not in found["sentence"]
    assert "secret-unlock" not in str(found)


def test_a_proxy_script_beside_a_connector_without_a_proxy(tmp_path: Path) -> None:
    script = 'function FindProxyForURL(url, host) { return "PROXY proxy.example.com:8080"; }'
    mapping = {"tetra": {"outcome": "timeout"}, "conditions": {"pac": script}}
    evidence = gathered(mapping, tmp_path)
    assert (evidence["pac"]["url"], evidence["pac"]["proxies"]) == (
        "http://wpad.example.com/proxy.pac", ["proxy.example.com:8080"],
    )  # fmt: skip
    found = diagnose(evidence, evaluate(evidence["facts"]))
    assert found["cause"] == "connection_dropped"
    assert any(said["source"] == "proxy script" for said in found["causes"][0]["speaks_for"])


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ({}, {"definition server": ("yes", "yes")}),
        ({"tetra": {"outcome": "dns"}}, {"definition server": ("no", "unknown")}),
        ({"tetra": {"outcome": "refused"}}, {"definition server": ("yes", "no")}),
        ({"tetra": {"outcome": "timeout"}}, {"definition server": ("unknown", "no")}),
        (behind("407"), {"definition server": ("yes", "yes"), "proxy": ("yes", "yes")}),
        (behind("refused"), {"definition server": ("yes", "yes"), "proxy": ("yes", "no")}),
        (behind("dns"), {"definition server": ("yes", "yes"), "proxy": ("no", "unknown")}),
    ],
)
def test_name_and_connection_of_each_server(mapping: Mapping, expected: Mapping, tmp_path: Path) -> None:
    found = gathered(mapping, tmp_path)["reach"]
    assert found["status"] == "ok"
    told = {one["what"]: (one["resolves"], one["connects"]) for one in found["targets"]}
    assert {what: told[what] for what in told if what != "roots"} == expected


def test_revocation_servers_are_among_the_servers(tmp_path: Path) -> None:
    found = gathered(SIMULATED["revocation_blocked"], tmp_path)["reach"]["targets"]
    dead = [one for one in found if one["what"] == "revocation"]
    assert dead and all((one["port"], one["connects"]) == (80, "no") for one in dead)


def test_one_alert_is_not_told_as_three_causes(tmp_path: Path) -> None:
    found = diagnosed(SIMULATED["no_suite_in_common"], tmp_path)
    assert [one["code"] for one in found["causes"] if one["confidence"] != "possible"] == ["no_suite_in_common"]
    assert "Also" not in found["sentence"]


def merged(one: Mapping, other: Mapping) -> Mapping:
    """Two conditions on one endpoint; they must not contradict each other."""
    found = dict(one)
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(found.get(key), dict):
            found[key] = merged(found[key], value)
        else:
            assert found.get(key, value) == value, key
            found[key] = value
    return found


STANDING = ("no_suite_in_common", "algorithm_switched_off", "tls_1_2_off", "disk_full")
"""Seen on the endpoint itself, so they are told beside whatever ends the way. Of two causes on the way the first one
hides the second: a proxy that refuses hides the middlebox behind it, and no evidence can tell both."""
BESIDE = ("service_stopped", "isolated", "clock_wrong", "name_resolution", "hosts_file", "connector_broken")
MORE = [(one, other) for at, one in enumerate(STANDING) for other in (*STANDING[at + 1 :], *BESIDE)]


@pytest.mark.parametrize(("one", "other"), MORE)
def test_what_stands_on_the_endpoint_is_told_beside_anything(one: str, other: str, tmp_path: Path) -> None:
    found = diagnosed(merged(SIMULATED[one], SIMULATED[other]), tmp_path)
    likely = {cause["code"] for cause in found["causes"] if cause["confidence"] != "possible"}
    assert {one, other} <= likely, [(cause["code"], cause["points"]) for cause in found["causes"]]


@pytest.mark.parametrize(
    ("mapping", "codes"), PAIRS, ids=lambda value: "+".join(sorted(value)) if isinstance(value, set) else ""
)
def test_two_causes_at_once_are_both_told(mapping: Mapping, codes: set[str], tmp_path: Path) -> None:
    found = diagnosed(mapping, tmp_path)
    likely = {one["code"] for one in found["causes"] if one["confidence"] != "possible"}
    assert codes <= likely, [(one["code"], one["points"]) for one in found["causes"]]
