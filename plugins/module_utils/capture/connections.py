# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""One connection as plain data: who, by which way, what was offered, what was answered, and how it ended."""

from __future__ import annotations

import datetime as dt
import ipaddress
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.capture import certificates, fingerprints, names
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.tcp import Flow
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.tls import ClientHello, HandshakeSide, ServerHello

AnswerKind = t.Literal[
    "suite", "alert", "reset", "closed", "silence", "refused", "no_connection", "proxy_refused", "not_tls", "none"
]


class NamedNumber(t.TypedDict):
    """A number on the wire with its name. ``hex``: four digits."""

    name: str
    id: int
    hex: str


class Hello(t.TypedDict):
    """A Client Hello. ``versions`` are those it offers, highest first (without supported_versions the highest one
    alone is told); ``time`` in UTC with microseconds."""

    time: str
    server_name: str | None
    suites: list[NamedNumber]
    signalling: list[str]
    groups: list[NamedNumber]
    key_shares: list[NamedNumber]
    signature_algorithms: list[NamedNumber]
    versions: list[int]
    version_names: list[str]
    record_version: int
    extensions: list[int]
    alpn: list[str]
    encrypted: bool
    ja3: str
    ja3_text: str
    ja4: str


class Answer(t.TypedDict):
    """What came back. ``after_ms``: since the hello (or the CONNECT, or the SYN) that it answers."""

    kind: AnswerKind
    time: str | None
    after_ms: float | None
    suite: NamedNumber | None
    version: int | None
    group: NamedNumber | None
    extensions: list[int]
    alert: int | None
    alert_name: str | None
    alert_meaning: str | None
    retry: bool


class ClientAlert(t.TypedDict):
    time: str
    alert: int
    alert_name: str
    alert_meaning: str | None


class ProxyTunnel(t.TypedDict):
    """A proxy's tunnel. ``status`` is None where no answer was seen."""

    target: str | None
    status: int | None
    headers: dict[str, str]


class TimelineRow(t.TypedDict):
    """One row of the timeline. ``at``: seconds since the connection began."""

    time: str
    at: float
    who: t.Literal["client", "server"]
    what: str


class Connection(t.TypedDict):
    """``ending``: open, fin or reset; ``ended_by``: client, server or nobody. Bytes are TCP's, as far as seen."""

    client: str
    client_port: int
    server: str
    server_port: int
    started: str
    server_name: str | None
    via: ProxyTunnel | None
    hello: Hello | None
    hellos: int
    answer: Answer
    client_alerts: list[ClientAlert]
    certificate: certificates.Chain | None
    established: bool
    encrypted_alert: bool
    ending: t.Literal["open", "fin", "reset"]
    ended_by: t.Literal["client", "server", "nobody"]
    bytes_sent: int
    bytes_received: int
    ttl: dict[str, int | None]
    syns: bool
    lost: int
    cut: bool
    incomplete: str | None
    timeline: list[TimelineRow]


def written(nanoseconds: int) -> str:
    """A time of a capture as text: UTC, microseconds."""
    try:
        moment = dt.datetime.fromtimestamp(nanoseconds // 1_000_000_000, dt.UTC)
    except (ValueError, OverflowError, OSError):
        moment = dt.datetime.fromtimestamp(0, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds // 1000 % 1_000_000:06d}Z"


def named(numbers: t.Iterable[int], name: t.Callable[[int], str]) -> list[NamedNumber]:
    return [{"name": name(number), "id": number, "hex": f"0x{number:04x}"} for number in numbers]


def describe(flow: Flow) -> Connection:
    """A finished flow as plain data. Which side is the client is told by what was said, not by who came first."""
    side = _client(flow)
    ours, theirs = flow.directions[side].talker.said, flow.directions[1 - side].talker.said
    addresses = _addresses(flow.key)
    (client, client_port), (server, server_port) = addresses[side], addresses[1 - side]
    hello = _hello(ours.client_hellos[-1]) if ours.client_hellos else None
    answer = _answer(flow, side)
    target = ours.connect.target if ours.connect else None
    name = (hello["server_name"] if hello else None) or (_host(target) if target else None)
    chain = certificates.describe(theirs.certificates, name) if theirs.certificates else None
    ending, by = _ending(flow, side)
    here, there = flow.directions[side], flow.directions[1 - side]
    return {
        "client": client,
        "client_port": client_port,
        "server": server,
        "server_port": server_port,
        "started": written(flow.started),
        "server_name": name,
        "via": _via(ours, theirs),
        "hello": hello,
        "hellos": len(ours.client_hellos),
        "answer": answer,
        "client_alerts": [
            {
                "time": written(one.time),
                "alert": one.description,
                "alert_name": names.alert(one.description),
                "alert_meaning": names.MEANINGS.get(one.description),
            }
            for one in ours.alerts
            if one.description != 0
        ],
        "certificate": chain,
        "established": _established(ours, theirs),
        "encrypted_alert": bool(theirs.server_hellos) and ours.first_application == ENCRYPTED_ALERT,
        "ending": ending,
        "ended_by": by,
        "bytes_sent": _span(here.base, here.last),
        "bytes_received": _span(there.base, there.last),
        "ttl": {"opening": there.ttl, "data": there.data_ttl, "reset": flow.reset_ttl},
        "syns": bool(flow.syn_time[side]),
        "lost": here.lost + there.lost,
        "cut": here.cut or there.cut,
        "incomplete": _incomplete(flow, side),
        "timeline": _timeline(flow, side),
    }


def _client(flow: Flow) -> int:
    for side in (0, 1):
        said = flow.directions[side].talker.said
        if said.client_hellos or (said.connect and said.connect.target):
            return side
    for side in (0, 1):
        said = flow.directions[side].talker.said
        if said.server_hellos or (said.connect and said.connect.status):
            return 1 - side
    opener = flow.opener()
    if opener is not None:
        # A lone answer to a SYN that was not captured comes from the server.
        return opener
    ports = flow.key[-4:]
    return 0 if ports[0:2] >= ports[2:4] else 1


def _addresses(key: bytes) -> list[tuple[str, int]]:
    half = (len(key) - 4) // 2
    return [
        (str(ipaddress.ip_address(key[start : start + half])), int.from_bytes(key[port : port + 2], "big"))
        for start, port in ((0, 2 * half), (half, 2 * half + 2))
    ]


def _host(target: str) -> str:
    return target.rpartition(":")[0].strip("[]").rstrip(".").lower() or target.lower()


def _via(ours: HandshakeSide, theirs: HandshakeSide) -> ProxyTunnel | None:
    if ours.connect is None and (theirs.connect is None or theirs.kind != "http"):
        return None
    answer = theirs.connect
    return {
        "target": ours.connect.target if ours.connect else None,
        "status": answer.status if answer else None,
        "headers": dict(answer.headers) if answer else {},
    }


def _hello(hello: ClientHello) -> Hello:
    text, digest = fingerprints.ja3(hello)
    versions = sorted(set(hello.versions), reverse=True) or [hello.version]
    return {
        "time": written(hello.time),
        "server_name": hello.server_name.rstrip(".").lower() if hello.server_name else None,
        "suites": named((number for number in hello.suites if number not in names.SIGNALLING), names.suite),
        "signalling": [f"0x{number:04x}" for number in hello.suites if number in names.SIGNALLING],
        "groups": named(hello.groups, names.group),
        "key_shares": named(hello.key_shares, names.group),
        "signature_algorithms": named(hello.signatures, names.signature),
        "versions": versions,
        "version_names": [names.version(number) for number in versions],
        "record_version": hello.record_version,
        "extensions": list(hello.extensions),
        "alpn": [one.decode("utf-8", "replace") for one in hello.alpn],
        "encrypted": hello.encrypted,
        "ja3": digest,
        "ja3_text": text,
        "ja4": fingerprints.ja4(hello),
    }


def _answer(flow: Flow, side: int) -> Answer:
    ours, theirs = flow.directions[side].talker.said, flow.directions[1 - side].talker.said
    asked = _asked(flow, side)
    found: Answer = {
        "kind": "none", "time": None, "after_ms": None, "suite": None, "version": None, "group": None, "extensions": [],
        "alert": None, "alert_name": None, "alert_meaning": None, "retry": False,
    }  # fmt: skip

    def at(kind: AnswerKind, time: int | None) -> Answer:
        found["kind"] = kind
        if time:
            found["time"] = written(time)
            found["after_ms"] = round((time - asked) / 1e6, 3) if asked else None
        return found

    fatal = [one for one in theirs.alerts if one.level == 2 or one.description != 0]
    picked = [one for one in theirs.server_hellos if not one.retry]
    found["retry"] = len(picked) < len(theirs.server_hellos)
    if picked:
        _choose(found, picked[-1], theirs)
        return at("suite", picked[-1].time)
    if fatal:
        found["alert"] = fatal[0].description
        found["alert_name"], found["alert_meaning"] = (
            names.alert(fatal[0].description),
            names.MEANINGS.get(fatal[0].description),
        )
        return at("alert", fatal[0].time)
    if theirs.server_hellos:
        _choose(found, theirs.server_hellos[-1], theirs)
        return at("suite", theirs.server_hellos[-1].time)
    refused = (
        theirs.connect is not None and theirs.connect.status is not None and not 200 <= theirs.connect.status < 300
    )
    if theirs.connect is not None and refused and not ours.client_hellos:
        return at("proxy_refused", theirs.connect.time)
    closed = next(((time, how) for time, who, how in flow.closed if who == 1 - side), None)
    spoke = flow.directions[1 - side].data_ttl is not None
    if not spoke and not flow.syn_time[1 - side] and flow.syn_time[side]:
        if closed is not None and closed[1] == "reset":
            return at("refused", closed[0])
        return at("no_connection", None)
    if theirs.kind == "other" or theirs.damaged:
        return at("not_tls", theirs.first_time)
    if not ours.client_hellos and not (ours.connect and ours.connect.target):
        return at("none", None)
    if closed is not None:
        return at("reset" if closed[1] == "reset" else "closed", closed[0])
    return at("silence", None)


def _choose(found: Answer, hello: ServerHello, theirs: HandshakeSide) -> None:
    found["suite"] = named([hello.suite], names.suite)[0]
    found["version"] = hello.version
    found["extensions"] = list(hello.extensions)
    group = hello.group if hello.group is not None else theirs.key_exchange_group
    found["group"] = named([group], names.group)[0] if group is not None else None


def _asked(flow: Flow, side: int) -> int:
    ours = flow.directions[side].talker.said
    if ours.client_hellos:
        return ours.client_hellos[-1].time
    if ours.connect is not None:
        return ours.connect.time
    return flow.syn_time[side]


ENCRYPTED_ALERT: t.Final = 19
"""Bytes of an alert's record in TLS 1.3: two of the alert, its type, and the tag."""


def _established(ours: HandshakeSide, theirs: HandshakeSide) -> bool:
    """Whether both sides went on to encrypted talk. Where TLS 1.3 ended with an encrypted alert is not to be seen."""
    if not theirs.server_hellos:
        return False
    if theirs.server_hellos[-1].version >= 772:
        return ours.first_application > ENCRYPTED_ALERT
    return (ours.change_cipher and theirs.change_cipher) or (ours.application and theirs.application)


def _ending(flow: Flow, side: int) -> tuple[t.Literal["open", "fin", "reset"], t.Literal["client", "server", "nobody"]]:
    if not flow.closed:
        return "open", "nobody"
    first = next((one for one in flow.closed if one[2] == "reset"), flow.closed[0])
    by: t.Literal["client", "server"] = "client" if flow.closed[0][1] == side else "server"
    return ("reset" if first[2] == "reset" else "fin"), by


def _span(base: int | None, last: int) -> int:
    return 0 if base is None else (last - base) & 0xFFFFFFFF


_CUT: t.Final = "The capture kept only the beginning of each packet"


def _incomplete(flow: Flow, side: int) -> str | None:
    """Why not all can be said of this connection, one sentence, or None."""
    ours, theirs = flow.directions[side], flow.directions[1 - side]
    said, heard = ours.talker.said, theirs.talker.said
    if ours.cut and not said.client_hellos:
        return (
            "The capture kept only the beginning of each packet, so the Client Hello is not whole: capture with size 0."
        )
    if said.lost_in == "hello" and not said.client_hellos:
        return "Packets with the Client Hello are missing from the capture."
    if theirs.cut and not heard.server_hellos and not heard.alerts:
        return f"{_CUT}, so the answer is not whole: capture with size 0."
    if heard.lost_in == "hello" and not heard.server_hellos and not heard.alerts:
        return "Packets with the answer are missing from the capture."
    if heard.server_hellos and not said.client_hellos:
        return "The capture has the answer and not the Client Hello: it began too late, or packets are missing."
    if said.damaged and not said.client_hellos:
        return f"The Client Hello cannot be read: {said.damaged}."
    if not flow.syn_time[side] and not said.client_hellos and not heard.server_hellos:
        return "The capture began after the connection did."
    return None


def _highest(hello: ClientHello) -> str:
    return names.version(max(hello.versions or [hello.version]))


def _timeline(flow: Flow, side: int) -> list[TimelineRow]:
    ours, theirs = flow.directions[side].talker.said, flow.directions[1 - side].talker.said
    rows: list[tuple[int, t.Literal["client", "server"], str]] = []
    for who, time in (("client", flow.syn_time[side]), ("server", flow.syn_time[1 - side])):
        if time:
            rows.append((time, "client" if who == "client" else "server", "SYN" if who == "client" else "SYN, ACK"))
    if ours.connect and ours.connect.target:
        rows.append((ours.connect.time, "client", f"CONNECT {ours.connect.target}"))
    if theirs.connect and theirs.connect.status:
        rows.append((theirs.connect.time, "server", f"HTTP status {theirs.connect.status}"))
    rows += [
        (
            one.time,
            "client",
            f"Client Hello, {len(one.suites)} suites, {names.version(max(one.versions or [one.version]))}",
        )
        for one in ours.client_hellos
    ]
    for hello in theirs.server_hellos:
        told = f"Server Hello, {names.suite(hello.suite)}, {names.version(hello.version)}"
        rows.append((hello.time, "server", "Hello Retry Request" if hello.retry else told))
    if theirs.certificates:
        rows.append((theirs.certificate_time, "server", f"Certificate, {len(theirs.certificates)} in the chain"))
    rows += [(one.time, "client", f"Alert {one.description} {names.alert(one.description)}") for one in ours.alerts]
    rows += [(one.time, "server", f"Alert {one.description} {names.alert(one.description)}") for one in theirs.alerts]
    rows += [
        (time, "client" if who == side else "server", "RST" if how == "reset" else "FIN")
        for time, who, how in flow.closed
    ]
    rows.sort(key=lambda row: row[0])
    return [
        {"time": written(time), "at": round((time - flow.started) / 1e9, 6), "who": who, "what": what}
        for time, who, what in rows
    ]
