# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The probe: a TLS handshake that the endpoint's own Schannel makes, through ``curl.exe`` of Windows.

curl tells when its TLS handshake was complete (``time_appconnect``), whatever the request came to afterwards. So a
server that drops the request, or a certificate that curl refuses, is not taken for a handshake that failed.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.documents import facts as d
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Command, command
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import NOT_ASKED, Question, Reply

_FIRST_BUILD_WITH_CURL = 17063
_TIMES = re.compile(r"fleetops\.tetra=(\d+)\.(\d+)")
_OUTCOMES: dict[int, d.ProbeOutcome] = {
    0: "tls_ok",
    5: "proxy",
    6: "dns",
    7: "connect",
    28: "timeout",
    35: "tls_failed",
    56: "proxy",
    59: "tls_failed",
    97: "proxy",
}
_DETAILS: dict[d.ProbeOutcome, str] = {
    "tls_ok": "The handshake came to its end.",
    "tls_failed": "The handshake failed: nothing in common with the server, or the server refused.",
    "dns": "The endpoint cannot resolve the server's name.",
    "connect": "The endpoint cannot connect to the server.",
    "proxy": "The proxy cannot be reached or does not let the endpoint through.",
    "timeout": "No answer in time.",
}


@dataclass(frozen=True)
class Target:
    """``proxy`` is ``host:port`` or None for a direct way; ``seconds`` is curl's own limit."""

    host: str
    port: int = 443
    proxy: str | None = None
    seconds: int = 20


def questions(target: Target, system_root: str) -> list[Question]:
    """curl and its exit code; a pipeline of their own."""
    arguments = [
        "--silent",
        "--output",
        "NUL",
        "--head",
        "--ssl-no-revoke",
        "--max-time",
        str(target.seconds),
        "--write-out",
        "fleetops.tetra=%{time_appconnect}",
    ]
    if target.proxy is not None:
        arguments += ["--proxy", f"http://{target.proxy}"]
    else:
        arguments += ["--noproxy", "*"]
    arguments.append(f"https://{target.host}:{target.port}/")
    curl = Command(f"{system_root}\\System32\\curl.exe", tuple((None, argument) for argument in arguments))
    return [
        Question("curl", (curl,), frozenset({curl.name.lower()})),
        Question("exit_code", (command("Get-Variable", Name="LASTEXITCODE", ValueOnly=True),)),
    ]


def not_probed(reason: str = "Not asked for.") -> d.Probe:
    return facts.empty_facts("", reason=reason)["probe"]


def probe(target: Target, replies: t.Mapping[str, Reply], build: int | None) -> d.Probe:
    curl, code = replies.get("curl", NOT_ASKED), replies.get("exit_code", NOT_ASKED)
    times = [match for value in curl.values if isinstance(value, str) for match in _TIMES.finditer(value)]
    number = next((int(v) for v in code.values if isinstance(v, int) and not isinstance(v, bool)), None)
    about: d.Probe = {
        **not_probed(),
        "host": f"{target.host}:{target.port}",
        "via_proxy": target.proxy,
    }
    if any(refusal.is_missing_command for refusal in curl.refusals):
        older = build is not None and build < _FIRST_BUILD_WITH_CURL
        reason = "curl.exe came with Windows 10 1803." if older else "The endpoint has no curl.exe to probe with."
        return {**about, **facts.section(facts.UNSUPPORTED, reason)}
    if number is None or not times:
        # Without curl's own line the code may be that of an earlier program: curl did not start.
        failed = curl if curl.refusals or not curl.complete or not times else code
        status, reason = failed.why_not()
        if failed.complete and not failed.refusals:
            status, reason = facts.ERROR, "curl.exe did not report, so nothing is known of a handshake."
        status = facts.ERROR if status == facts.ABSENT else status
        return {**about, **facts.section(status, reason)}
    handshake = any(int(match.group(1)) or int(match.group(2)) for match in times)
    outcome: d.ProbeOutcome = "tls_ok" if handshake else _OUTCOMES.get(number, "other")
    detail = _DETAILS.get(outcome, f"curl ended with code {number}.")
    return {**about, **facts.section(facts.OK), "exit_code": number, "outcome": outcome, "detail": detail}
