# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results in the shape of docs/documents.md, for the tests and the benchmark of the report."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import empty_facts
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.fleet import Fleet, FleetBuilder, RunInfo
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder import results as results_folder

ALLOW_LIST = (
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_AES_128_GCM_SHA256",
)
POLICY_PATH = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Cryptography\Configuration\SSL\00010002"
RELEASES = (
    ("Microsoft Windows 10 Enterprise", "22H2", 19045, "client"),
    ("Microsoft Windows 11 Enterprise", "23H2", 22631, "client"),
    ("Microsoft Windows Server 2019 Standard", "1809", 17763, "server"),
    ("Microsoft Windows Server 2022 Datacenter", "21H2", 20348, "server"),
    ("Microsoft Windows Server 2012 R2 Standard", None, 9600, "server"),
)
STATES = ("compliant", "non_compliant", "unknown", "not_applicable")

Document = dict[str, t.Any]


def evidence(value: t.Any = None, note: str | None = None) -> Document:
    return {"source": "registry", "path": POLICY_PATH, "value": value, "note": note}


def verdict(
    state: str, *, policy_value: str = "TLS_RSA_WITH_AES_128_CBC_SHA256", gpo: str = "TLS baseline"
) -> Document:
    usable = state in ("compliant", "not_applicable")
    answer = {"compliant": "yes", "not_applicable": "yes", "non_compliant": "no", "unknown": "unknown"}[state]
    code = "not_read" if state == "unknown" else "not_in_policy_list"
    reasons = [] if usable else [{"code": code, "evidence": evidence(policy_value)}]
    return {
        "schema": "fleetops.tetra/verdict/1",
        "host": "filled in",
        "state": state,
        "reachability": {"answer": answer, "usable": list(ALLOW_LIST[:2]) if usable else []},
        "strictness": {
            "answer": "no" if usable else answer,
            "outside": ["TLS_RSA_WITH_AES_128_CBC_SHA"] if usable else [],
        },
        "suites": {
            name: {
                "usable": ("yes" if usable and name in ALLOW_LIST[:2] else "no") if state != "unknown" else "unknown",
                "reasons": [] if usable and name in ALLOW_LIST[:2] else reasons,
            }
            for name in ALLOW_LIST
        },
        "findings": [
            {
                "rule": "TETRA-NO-SUITE",
                "severity": "high",
                "title": "None of the suites that the Tetra servers accept is offered",
                "evidence": evidence(policy_value),
                "source": "Cisco support note",
            }
        ]
        if state == "non_compliant"
        else [],
        "cause": {"code": "cipher_mismatch", "confirm": "A capture shows alert 40 right after the Client Hello."}
        if state == "non_compliant"
        else None,
        "in_force": "unknown" if state == "unknown" else "yes",
        "either_way": {"in_force": answer, "if_not_in_force": answer},
        "policy_origin": {
            "origin": "unknown" if state == "unknown" else "domain_gpo" if state == "non_compliant" else "none",
            "gpo": {"name": gpo, "guid": "{31B2F340-016D-11D2-945F-00C04FB984F9}"}
            if state == "non_compliant"
            else None,
            "matches_registry": True if state == "non_compliant" else None,
            "evidence": [evidence(policy_value)] if state == "non_compliant" else [],
        },
        "notes": [],
        "next_step": {
            "compliant": "Nothing to do.",
            "not_applicable": "Nothing to do: TETRA is switched off on this endpoint.",
            "non_compliant": f"Add the four suites to the SSL Cipher Suite Order of the GPO {gpo}, then reboot.",
            "unknown": "Make the endpoint reachable over WinRM and audit it again.",
        }[state],
        "allow_list": {"names": list(ALLOW_LIST), "source": "Cisco support note", "date": "2022-08-04"},
        "cures": [
            {
                "fault": "list",
                "what": "The policy list does not hold for sure an accepted suite that this Windows can use.",
                "owner": {"kind": "domain_gpo", "name": gpo, "guid": None},
                "place": POLICY_PATH,
                "present": policy_value,
                "wanted": ",".join(ALLOW_LIST),
                "restart": True,
            },
            {
                "fault": "restart",
                "what": "One restart puts all of it in force.",
                "owner": {"kind": "none", "name": None, "guid": None},
                "place": None,
                "present": None,
                "wanted": None,
                "restart": True,
            },
        ]
        if state == "non_compliant"
        else [],
        "settles": {
            "observation": "Ask Get-TlsCipherSuite.",
            "question": None,
            "if_good": "compliant",
            "if_bad": "non_compliant",
        }
        if state == "unknown"
        else None,
        "open_questions": [],
    }


def facts(host: str, release: int = 0) -> Document:
    product, version, build, kind = RELEASES[release % len(RELEASES)]
    empty: Document = {**empty_facts(host, collected_at="2026-11-24T03:43:00Z")}
    return {
        **empty,
        "os": {
            "status": "ok",
            "reason": None,
            "product": product,
            "display_version": version,
            "build": build,
            "ubr": 1,
            "edition": "Enterprise",
            "kind": kind,
            "computer_name": host.upper()[:15],
            "architecture": "64-bit",
        },
        "connector": {
            "status": "ok",
            "reason": None,
            **{name: empty["connector"][name] for name in ("install_dir", "folder", "service")},
            "version": "8.4.1.30299",
            "tetra": {"status": "ok", "reason": None, "enabled": True, "update_server": None},
            "definitions": {"status": "ok", "reason": None, "version": "91942"},
            "last_update": {
                "status": "ok",
                "reason": None,
                "result": "failed",
                "code": -3000,
                "time": None,
                "line": None,
            },
        },
    }


def result(
    host: str,
    state: str = "compliant",
    *,
    token: str = "token-1",
    release: int = 0,
    started_at: str | None = "2026-11-24T03:43:00Z",
    error: Document | None = None,
    **options: t.Any,
) -> Document:
    judged = verdict(state, **options)
    judged["host"] = host
    if state == "unknown" and error is None:
        error = {"kind": "unreachable", "message": "No connection to 192.0.2.7:5986: connection refused."}
    return {
        "schema": "fleetops.tetra/result/1",
        "token": token,
        "host": host,
        "facts": None if state == "unknown" else facts(host, release),
        "verdict": judged,
        "timing": {"started_at": started_at, "seconds": 0.71, "pipelines": 2},
        "error": error,
    }


def fleet_results(count: int) -> t.Iterator[Document]:
    """A mixed fleet: most endpoints fine, four GPOs that break others, some unreachable; the evidence differs."""
    for number in range(count):
        kind = number % 20
        host = f"pc-{number:05d}.example.com"
        release = number % len(RELEASES)
        if kind < 13:
            yield result(host, release=release)
        elif kind < 17:
            yield result(
                host, "non_compliant", release=release, gpo=f"TLS baseline {kind}", policy_value=f"TLS_RSA_{number}"
            )
        elif kind < 19:
            message = f"No connection to 192.0.2.{number % 250}:5986: connection refused."
            yield result(host, "unknown", error={"kind": "unreachable", "message": message})
        else:
            yield result(host, "not_applicable", release=release)


def run_info(
    hosts: t.Sequence[str],
    *,
    run_id: str = "20261124T034300Z",
    token: str = "token-1",
    started_at: str = "2026-11-24T03:43:00Z",
) -> Document:
    return {
        "schema": "fleetops.tetra/run/1",
        "run_id": run_id,
        "token": token,
        "started_at": started_at,
        "playbook": "fleetops.tetra.compliance",
        "check_mode": False,
        "collection_version": "1.0.0",
        "ansible_version": "2.19.14",
        "python_version": "3.11.7",
        "policy": {"allow_list": list(ALLOW_LIST), "require": "any", "strict": False},
        "process": {"pid": 4711, "started": 1},
        "hosts": list(hosts),
    }


def write_run(folder: pathlib.Path, results: t.Iterable[Document], **options: t.Any) -> pathlib.Path:
    """A run folder on disk, in the layout of docs/documents.md."""
    names = []
    for one in results:
        names.append(one["host"])
        results_folder.write_record(folder, {**one, "token": options.get("token", "token-1")})
    results_folder.write_json(folder / "run.json", run_info(names, **options))
    return folder


def fleet_of(results: t.Iterable[Document], path: str = "/results/run-1", **options: t.Any) -> Fleet:
    """A fleet of one run."""
    run = RunInfo(path, run_info([], **options))
    builder = FleetBuilder()
    builder.add_run(run)
    for one in results:
        builder.add(run, one)
    return builder.build()


AWKWARD_HOSTS = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "<!--<script>",
    "a&b\"c'd",
    "{{ 7 * 7 }}",
    "line\u2028paragraph\u2029",
    "tab\tnewline\nreturn\r",
    "bell\x07null\x00escape\x1b[31m",
    "\ufffe\uffff",
    "\ud800lone",
    "=HYPERLINK(1)",
    "서버-01",
    "a/b",
    "CON",
    "]]>",
)
"""Names that break naive HTML, JSON in HTML, XML, CSV or file names."""
