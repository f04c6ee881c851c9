# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""C:\\Windows\\System32\\curl.exe, built on Schannel: makes a real handshake with the suites in force.

Options are taken as curl takes them; the ones that do not matter here are accepted. Only HTTPS to one address.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, output
from ansible_collections.fleetops.tetra.lab.machine.handshake import shake
from ansible_collections.fleetops.tetra.lab.pipeline import Blocking, ErrorDetails, Event, NonTerminatingError
from ansible_collections.fleetops.tetra.lab.tls_client import HandshakeResult

_WITH_VALUE = {
    "-o", "--output", "-w", "--write-out", "-x", "--proxy", "-m", "--max-time", "--connect-timeout", "-H", "--header",
    "-A", "--user-agent", "-X", "--request", "--tls-max", "--noproxy", "--proxy-header",
}  # fmt: skip
_FLAGS = {
    "-s", "--silent", "-S", "--show-error", "-I", "--head", "-k", "--insecure", "-v", "--verbose", "-q", "--disable",
    "--ssl-no-revoke", "--ssl-revoke-best-effort", "--tlsv1.2", "--tlsv1.3", "--http1.1", "-f", "--fail",
    "--suppress-connect-headers", "-4", "--ipv4", "-N", "--no-buffer", "--proxytunnel", "-p",
}  # fmt: skip
_LONG = {"-o": "--output", "-w": "--write-out", "-x": "--proxy", "-m": "--max-time"}


def run(call: Call, _path: str, arguments: list[str]) -> t.Generator[Event, t.Any, None]:
    options, flags, addresses, unknown = _parse(arguments)
    if unknown or len(addresses) != 1:
        call.unmatched(f"curl.exe {' '.join(arguments)}")
        yield from _end(call, 2, f"curl: option {unknown or addresses}: is unknown", options, None, flags)
        return
    if not addresses[0].lower().startswith("https://"):
        call.unmatched(f"curl.exe {addresses[0]}")
        yield from _end(call, 1, "curl: (1) Protocol not supported or disabled in libcurl", options, None, flags)
        return
    wanted = call.state.offer()
    route = call.state.route
    through_proxy = bool(options.get("--proxy"))
    limit = float(options.get("--max-time") or options.get("--connect-timeout") or 20)
    if not through_proxy and route.outcome == "timeout":
        yield from _end(
            call, 28, f"curl: (28) Connection timed out after {int(limit * 1000)} milliseconds", options, None, flags
        )
        return
    result = yield Blocking(lambda: shake(wanted, route, limit, through_proxy))
    yield from _end(call, *_exit(result, addresses[0]), options, result, flags)


def _parse(arguments: list[str]) -> tuple[dict[str, str], set[str], list[str], str | None]:
    options: dict[str, str] = {}
    flags: set[str] = set()
    addresses: list[str] = []
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        if word in _WITH_VALUE:
            if not waiting:
                return options, flags, addresses, word
            options[_LONG.get(word, word)] = waiting.pop(0)
        elif word in _FLAGS:
            flags.add(word)
        elif word.startswith("-") and not word.startswith("--") and all(f"-{x}" in _FLAGS for x in word[1:]):
            flags.update(f"-{letter}" for letter in word[1:])
        elif word.startswith("-"):
            return options, flags, addresses, word
        else:
            addresses.append(word)
    return options, flags, addresses, None


def _exit(result: HandshakeResult, address: str) -> tuple[int, str]:
    """curl's exit code and message."""
    host = address.partition("://")[2].partition("/")[0].partition(":")[0]
    if result.outcome == "ok":
        return 0, ""
    if result.outcome == "refused":
        if result.detail == "dns":
            return 6, f"curl: (6) Could not resolve host: {host}"
        if result.detail == "proxy dns":
            return 5, "curl: (5) Could not resolve proxy"
        return 7, f"curl: (7) Failed to connect to {host} port 443"
    if result.outcome == "timeout":
        return 28, "curl: (28) Operation timed out"
    if result.outcome == "proxy":
        return 56, f"curl: (56) CONNECT tunnel failed, response {result.proxy_status}"
    if result.outcome == "nothing_offered":
        return 35, "curl: (35) schannel: AcquireCredentialsHandle failed: SEC_E_ALGORITHM_MISMATCH (0x80090331)"
    return 35, (
        "curl: (35) schannel: next InitializeSecurityContext failed: SEC_E_ILLEGAL_MESSAGE (0x80090326) - "
        "This error usually occurs when a fatal SSL/TLS alert is received (e.g. handshake failed)."
    )


def _end(
    call: Call,
    code: int,
    message: str,
    options: dict[str, str],
    result: HandshakeResult | None,
    flags: set[str],
) -> t.Iterator[Event]:
    call.variables.last_exit_code = code
    if message and not ({"-s", "--silent"} & flags and not {"-S", "--show-error"} & flags):
        # What a native command writes to stderr comes as an error record.
        yield NonTerminatingError(
            ErrorDetails(
                message,
                "NativeCommandError",
                "NotSpecified",
                "System.Management.Automation.RemoteException",
                command="curl.exe",
                target=message,
                target_name=message,
                target_type="String",
            )
        )
    text = options.get("--write-out")
    if text:
        values = {
            "http_code": "200" if code == 0 else "000",
            "response_code": "200" if code == 0 else "000",
            "http_connect": str(
                (result.proxy_status if result else None) or (200 if "--proxy" in options and code in (0, 35) else 0)
            ).zfill(3),
            "exitcode": str(code),
            "errormsg": message.partition(") ")[2],
            "ssl_verify_result": "0",
            "remote_ip": "127.0.0.1" if result and result.outcome != "refused" else "",
            "time_appconnect": "0.050000" if code == 0 else "0.000000",
            "time_total": "0.100000",
        }
        for name, value in values.items():
            text = text.replace(f"%{{{name}}}", value)
        for line in text.replace("\\r", "").replace("\\n", "\n").rstrip("\n").split("\n"):
            yield output(line)
