# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""C:\\Windows\\System32\\curl.exe, built on Schannel: makes a real handshake with the suites in force.

Options are taken as curl takes them; the ones that do not matter here are accepted. Only HTTPS to one address.
"""

from __future__ import annotations

import base64
import typing as t
from dataclasses import replace

from ansible_collections.fleetops.tetra.lab.machine import conditions
from ansible_collections.fleetops.tetra.lab.machine.call import Call, output
from ansible_collections.fleetops.tetra.lab.machine.handshake import place_of, shake, shake_at, trust_of
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState
from ansible_collections.fleetops.tetra.lab.pipeline import Blocking, ErrorDetails, Event, NonTerminatingError
from ansible_collections.fleetops.tetra.lab.tls_client import HandshakeResult

_WITH_VALUE = {
    "-o", "--output", "-w", "--write-out", "-x", "--proxy", "-m", "--max-time", "--connect-timeout", "-H", "--header",
    "-A", "--user-agent", "-X", "--request", "--tls-max", "--noproxy", "--proxy-header", "--stderr",
    "--max-filesize",
}  # fmt: skip
_FLAGS = {
    "-s", "--silent", "-S", "--show-error", "-I", "--head", "-k", "--insecure", "-v", "--verbose", "-q", "--disable",
    "--ssl-no-revoke", "--ssl-revoke-best-effort", "--tlsv1.2", "--tlsv1.3", "--http1.1", "-f", "--fail",
    "--suppress-connect-headers", "-4", "--ipv4", "-6", "--ipv6", "-V", "--version",
    "-N", "--no-buffer", "--proxytunnel", "-p",
}  # fmt: skip
_LONG = {"-o": "--output", "-w": "--write-out", "-x": "--proxy", "-m": "--max-time"}


def run(call: Call, _path: str, arguments: list[str]) -> t.Generator[Event, t.Any, None]:
    options, flags, addresses, unknown = _parse(arguments)
    if flags & {"-V", "--version"} and not addresses:
        version = call.state.conditions.curl_version
        call.variables.last_exit_code = 0
        yield output(f"curl {version} (Windows) libcurl/{version} Schannel zlib/1.3 WinIDN")
        return
    if len(addresses) == 1 and addresses[0].lower().startswith("http://"):
        yield from _plain(call, addresses[0], options, flags)
        return
    if unknown or len(addresses) != 1:
        call.unmatched(f"curl.exe {' '.join(arguments)}")
        yield from _end(call, 2, f"curl: option {unknown or addresses}: is unknown", options, None, flags)
        return
    if not addresses[0].lower().startswith("https://"):
        call.unmatched(f"curl.exe {addresses[0]}")
        yield from _end(call, 1, "curl: (1) Protocol not supported or disabled in libcurl", options, None, flags)
        return
    wanted = call.state.offer()
    given = place_of(addresses[0])
    if given is not None:
        # A server that is named by its number and port is the one that listens there, not a part of the simulation.
        result = yield Blocking(lambda: shake_at(wanted, given, 5.0, request=_REQUEST))
        if result.outcome == "ok" and not flags & {"-k", "--insecure"}:
            result = replace(result, outcome="closed", detail="certificate verify failed")
        yield from _end(call, *_exit(result, addresses[0], call.state), options, result, flags)
        return
    route = call.state.route
    if conditions.firewall_blocks(call.state, "curl.exe"):
        route = replace(route, outcome="timeout")
    if conditions.pinned(call.state) is not None:
        route = replace(route, outcome="refused")
    if call.state.registry.get(conditions.IMMUNET, "unlock_code") is not None:
        route = replace(route, outcome="timeout")
    through_proxy = bool(options.get("--proxy"))
    limit = float(options.get("--max-time") or options.get("--connect-timeout") or 20)
    if not through_proxy and route.outcome == "timeout":
        yield from _end(
            call, 28, f"curl: (28) Connection timed out after {int(limit * 1000)} milliseconds", options, None, flags
        )
        return
    check = not flags & {"-k", "--insecure"}
    trust = trust_of(call.state) if check else None
    if trust is not None and flags & {"--ssl-no-revoke"}:
        trust = replace(trust, revocation=True)
    short = min(limit, 3.0)  # nobody waits for curl's own patience here
    result = yield Blocking(lambda: shake(wanted, route, short, through_proxy, trust=trust, request=_REQUEST))
    yield from _end(call, *_exit(result, addresses[0], call.state), options, result, flags)


_REQUEST = b"HEAD / HTTP/1.1\r\nHost: tetra-defs.amp.cisco.com\r\n\r\n"
_UNTRUSTED = "SEC_E_UNTRUSTED_ROOT (0x80090325) - The certificate chain was issued by an authority that is not trusted."
_EXPIRED = "SEC_E_CERT_EXPIRED (0x80090328) - The received certificate has expired."
_OFFLINE = "CRYPT_E_REVOCATION_OFFLINE (0x80092013) - The revocation function was unable to check revocation."


def _plain(call: Call, address: str, options: dict[str, str], flags: set[str]) -> t.Iterator[Event]:
    """A request over plain HTTP: lists of revoked certificates, Windows' list of roots."""
    around = call.state.conditions
    if address == conditions.PAC and "--output" not in options:
        for line in around.pac.splitlines():
            yield output(line)
        call.variables.last_exit_code = 0
        return
    dead = around.root_update == "blocked" if "windowsupdate" in address else around.revocation == "blocked"
    if dead:
        yield from _end(call, 28, "curl: (28) Connection timed out after 10001 milliseconds", options, None, flags)
    else:
        yield from _end(call, 0, "", options, HandshakeResult("ok"), flags)


def _connected(code: int, result: HandshakeResult | None) -> bool:
    """Whether TCP was; the lab's own limit of time stands for curl's."""
    return result is not None and (code in (0, 35, 56, 60) or (code == 28 and bool(result.offered)))


def _pem(data: bytes) -> str:
    text = base64.b64encode(data).decode("ascii")
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----"])


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


def _exit(result: HandshakeResult, address: str, state: WindowsState) -> tuple[int, str]:
    """curl's exit code and message."""
    host = address.partition("://")[2].partition("/")[0].partition(":")[0]
    if result.outcome == "ok":
        return 0, ""
    if result.detail == "interrupted":
        return 56, "curl: (56) Recv failure: Connection was reset"
    if "certificate verify failed" in result.detail:
        if state.conditions.revocation == "blocked":
            return 35, f"curl: (35) schannel: next InitializeSecurityContext failed: {_OFFLINE}"
        late = abs(state.clock_ahead.total_seconds()) > 86_400
        return 60, f"curl: (60) schannel: {_EXPIRED if late else _UNTRUSTED}"
    if result.outcome == "alert" and result.alert in (70, 80):
        code = "SEC_E_UNSUPPORTED_FUNCTION (0x80090302)" if result.alert == 70 else "SEC_E_INTERNAL_ERROR (0x80090304)"
        return 35, f"curl: (35) schannel: next InitializeSecurityContext failed: {code}"
    if "wrong version number" in result.detail:
        return 35, "curl: (35) schannel: next InitializeSecurityContext failed: SEC_E_INVALID_TOKEN (0x80090308)"
    if result.outcome == "closed" and ("reset" in result.detail.lower() or "unexpected eof" in result.detail.lower()):
        return 35, "curl: (35) Recv failure: Connection was reset"
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
    if message and options.get("--stderr") == "-":
        yield output(message)
    elif message and not ({"-s", "--silent"} & flags and not {"-S", "--show-error"} & flags):
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
            "remote_ip": conditions.pinned(call.state) or ("127.0.0.1" if _connected(code, result) else ""),
            "time_total": "0.100000",
            "time_connect": "0.020000" if _connected(code, result) else "0.000000",
            "time_appconnect": "0.060000" if code in (0, 56) and result and result.suite else "0.000000",
            "certs": "\n".join(_pem(one) for one in result.chain) if result else "",
        }
        for name, value in values.items():
            text = text.replace(f"%{{{name}}}", value)
        for line in text.replace("\\r", "").replace("\\n", "\n").rstrip("\n").split("\n"):
            yield output(line)
