# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every endpoint module through pytest-ansible's hosts, as a user's test calls them, and roles and playbooks beside."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

GOOD = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
ROOT = Path(__file__).resolve().parents[2]
ALL_ENDPOINT_MODULES = set(
    yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]["any_endpoint"]
)
CALLED: dict[str, tuple[str, dict[str, Any], Callable[[dict[str, Any]], bool]]] = {
    "audit": ("failing", {"timeout": 30}, lambda r: r["state"] == "non_compliant" and r["cause"] == "cipher_mismatch"),
    "bulk_audit": ("failing", {"run": "/nowhere"}, lambda r: r["failed"] and "is not a run folder" in r["msg"]),
    "cipher_order": ("failing", {"ensure": [GOOD], "results_dir": "{tmp}/results"},
                     lambda r: r["changed"] is False and r["failed"] and "Old baseline" in r["msg"]),
    "cure": ("failing", {"run": "/nowhere"}, lambda r: r["failed"] and "/nowhere" in r["msg"]),
    "definitions_update": ("healthy", {"timeout": 30}, lambda r: r["result"] in ("updated", "up_to_date", "unknown")),
    "diagnose": ("healthy", {"folder": "{tmp}/diagnoses", "capture": False, "timeout": 120},
                 lambda r: bool(r["sentence"])),
    "domain_gpo": ("healthy", {"gpo": "No such", "suites": [GOOD], "timeout": 30},
                   lambda r: r["failed"] and "GroupPolicy" in r["msg"]),
    "endpoint_info": ("healthy", {"timeout": 30}, lambda r: r["facts"]["schema"] == "fleetops.tetra/facts/1"),
    "observe": ("healthy", {"dest": "{tmp}/seen", "timeout": 60}, lambda r: not r.get("failed")),
    "preflight": ("wrong-password", {"timeout": 30}, lambda r: r["ready"] is False and bool(r["sentence"])),
    "reboot": ("healthy", {"deadline": 60}, lambda r: r["event"] == "not_needed" and not r["changed"]),
    "rollback": ("healthy", {"results_dir": "{tmp}/results"}, lambda r: not r["changed"]),
    "schannel": ("to-repair", {"protocols": {"TLS 1.0": "disabled"}, "results_dir": "{tmp}/results"},
                 lambda r: r["changed"] and r["before_image"]),
}  # fmt: skip


def test_every_endpoint_module_is_called_here() -> None:
    assert set(CALLED) >= ALL_ENDPOINT_MODULES


@pytest.mark.parametrize("module", sorted(CALLED))
def test_an_endpoint_module_answers(endpoints: Callable[[str], Any], tmp_path: Path, module: str) -> None:
    host, options, holds = CALLED[module]
    given = {
        name: value.format(tmp=tmp_path) if isinstance(value, str) else value
        for name, value in options.items()
        if not name.startswith("_")
    }
    contacted = getattr(endpoints(host), f"fleetops.tetra.{module}")(**given).contacted
    result = dict(contacted[host])
    result.setdefault("failed", False)
    assert "Traceback" not in json.dumps(result, default=str)
    assert holds(result), result


ROLES: dict[str, tuple[str, str]] = {
    "tetra_audit": ("healthy,failing", "tetra_audit_timeout: 30"),
    "tetra_gather": ("healthy", "tetra_gather_timeout: 30"),
    "tetra_judge": ("healthy", "tetra_judge_from: {tmp}/audited"),
    "tetra_reboot": ("healthy", "tetra_reboot_results_dir: {tmp}/results"),
    "tetra_report": ("healthy", "tetra_report_path: [{tmp}/audited]"),
    "tetra_remediate": ("healthy", "tetra_remediate_results_dir: {tmp}/results"),
    "tetra_verify": ("healthy", "tetra_verify_update_timeout: 10"),
}


def test_every_role_is_played_here() -> None:
    assert set(ROLES) == {path.name for path in (ROOT / "roles").iterdir()}


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_ends_well(play: Callable[..., Any], tmp_path: Path, role: str) -> None:
    hosts, variables = ROLES[role]
    if "/audited" in variables:
        begun = play("fleetops.tetra.compliance", "-e", f"tetra_results_dir={tmp_path}", "-e", "tetra_run_id=audited")
        assert begun.returncode == 0, begun.stdout + begun.stderr
    done = play(
        f"- hosts: {hosts}\n  gather_facts: false\n  roles:\n    - role: fleetops.tetra.{role}\n      vars:\n"
        f"        {variables.format(tmp=tmp_path)}\n"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed=0" in done.stdout


BOOKS: dict[str, tuple[list[str], int]] = {
    "compliance": (["-e", "tetra_fail_on=non_compliant"], 2),
    "diagnose": (["-e", "tetra_hosts=healthy", "-e", "tetra_capture=false"], 0),
    "golden_image": (["-e", "tetra_hosts=failing"], 2),
    "observe": (["--limit", "healthy", "-e", "tetra_observe_dir={tmp}/seen"], 0),
    "preflight": (["--limit", "healthy"], 0),
    "remediation": (["--limit", "healthy,failing", "-e", "tetra_run_id=tonight"], 0),
    "rollback": (["--limit", "healthy"], 2),
}


@pytest.mark.parametrize("book", sorted(BOOKS))
def test_a_playbook_that_asks_endpoints_ends_as_it_says(play: Callable[..., Any], tmp_path: Path, book: str) -> None:
    arguments, code = BOOKS[book]
    given = [one.format(tmp=tmp_path) for one in arguments]
    done = play(f"fleetops.tetra.{book}", "-e", f"tetra_results_dir={tmp_path}/results", *given)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
