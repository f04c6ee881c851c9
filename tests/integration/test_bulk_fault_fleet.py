# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of which every third endpoint fails in one of many ways: all are accounted for, none is wrong.

``TETRA_FAULT_ENDPOINTS`` says how many endpoints; ``make prove-faults`` takes a thousand.
"""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.lab.running import running_fleet
from ansible_collections.fleetops.tetra.lab.transport import DEFAULT_PASSWORD
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import read_run

ANSIBLE_PLAYBOOK = str(Path(sys.executable).parent / "ansible-playbook")
ENDPOINTS = int(os.environ.get("TETRA_FAULT_ENDPOINTS", "100"))
# Fault of the lab → (the rest of its transport, kind of error; None where the second try goes well).
FAULTS: dict[str, tuple[dict[str, t.Any], str | None]] = {
    "refused": ({}, "unreachable"),
    "wrong_password": ({}, "authentication"),
    "wrong_password sealed": ({"auth": "ntlm"}, "authentication"),
    "access_denied": ({}, "authentication"),
    "hangs:open": ({}, "timeout"),
    "hangs:pipeline": ({}, "timeout"),
    "http_500:open": ({}, "session"),
    "http_500:pipeline": ({}, "session"),
    "reset_mid_answer:open": ({}, "session"),
    "reset_mid_answer:pipeline": ({}, "session"),
    "garbage:open": ({}, "session"),
    "garbage:pipeline": ({}, "session"),
    "wrong_shape:open": ({}, "session"),
    "tls_error:expired": ({"scheme": "https"}, "tls"),
    "tls_error:self_signed": ({"scheme": "https"}, "tls"),
    "tls_error:wrong_name": ({"scheme": "https"}, "tls"),
    "hostile:redirect_307": ({}, "session"),
    "hostile:huge_chunked": ({}, "session"),
    "hostile:gzip_bomb": ({"auth": "ntlm"}, "session"),
    "quota:1": ({}, None),
    "quota:2": ({}, "session"),
    "unready:1": ({}, None),
    "dropped:1": ({}, None),
}
FAILING = "TLS_RSA_WITH_AES_128_CBC_SHA,TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"


def fleet() -> tuple[dict[str, t.Any], dict[str, tuple[str, str | None]]]:
    """(the fleet, host → (state, kind of error) that must come out)."""
    endpoints: dict[str, t.Any] = {}
    expected: dict[str, tuple[str, str | None]] = {}
    names = list(FAULTS)
    for number in range(ENDPOINTS):
        host = f"pc-{number:05d}"
        endpoint: dict[str, t.Any] = {"release": "10_22h2", "describe": "One of many."}
        transport: dict[str, t.Any] = {"auth": ("basic", "ntlm")[number % 4 == 1]}
        if number % 4 == 2:
            transport["scheme"] = "https"
        state = "compliant"
        if number % 5 == 0:
            endpoint["policy"], state = FAILING, "non_compliant"
        kind = None
        if number % 10 < 3:
            name = names[(number // 10 * 3 + number % 10) % len(names)]
            fault, _colon, how = name.partition(" ")[0].partition(":")
            more, kind = FAULTS[name]
            value: t.Any = int(how) if how.isdigit() else how or True
            transport = {"auth": "basic", **more, "faults": {fault: value}}
            state = state if kind is None else "unknown"
        endpoints[host] = {**endpoint, "transport": transport}
        expected[host] = (state, kind)
    return {"schema": "fleetops.tetra/fleet/1", "describe": "Faults.", "endpoints": endpoints}, expected


def test_every_endpoint_is_accounted_for_and_none_is_wrong(checkout: Path, tmp_path: Path) -> None:
    document, expected = fleet()
    with running_fleet(document, tmp_path / "lab") as running:
        command = [ANSIBLE_PLAYBOOK, "-vvvvv", "-i", str(running.inventory), "fleetops.tetra.compliance"]
        command += ["-e", f"tetra_results_dir={tmp_path / 'results'}", "-e", "tetra_run_id=run"]
        # Only those that hang may reach it, however slow this machine is.
        command += ["-e", f"tetra_timeout={25 + ENDPOINTS // 4}", "-e", "tetra_at_once=40"]
        environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "False"}
        done = subprocess.run(
            command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=1800, check=False
        )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    run = read_run(tmp_path / "results" / "run")
    found = {
        record["host"]: (record["verdict"]["state"], record["error"]["kind"] if record["error"] else None)
        for record in run.records()
    }
    assert run.problems == []
    assert found == expected
    assert DEFAULT_PASSWORD not in done.stdout + done.stderr
    for path in (tmp_path / "results").rglob("*"):
        if path.is_file():
            assert DEFAULT_PASSWORD.encode() not in path.read_bytes(), path
