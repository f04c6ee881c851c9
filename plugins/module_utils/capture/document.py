# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A capture file as one document: every connection to a definition server, with its verdict.

``fleetops.tetra/capture/1``; what it holds: docs/documents.md.
"""

from __future__ import annotations

import collections.abc as c
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.kleene import NO, YES
from ansible_collections.fleetops.tetra.plugins.module_utils.capture import compare as comparing
from ansible_collections.fleetops.tetra.plugins.module_utils.capture import files, flows, judge
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.connections import Connection, describe, written
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.expectation import Expectation, hold_against
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import TETRA_HOSTS, is_cisco_cloud
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import TLS_1_3
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.open_questions import UPDATER_TLS13

SCHEMA: t.Final = "fleetops.tetra/capture/1"
FAILURES: t.Final[tuple[judge.Code, ...]] = (
    "no_suite_in_common",
    "no_group_in_common",
    "version",
    "interception",
    "certificate_rejected",
    "handshake_refused",
    "proxy_refused",
    "connection_refused",
    "never_answered",
    "reset",
    "alert",
    "not_tls",
    "closed_early",
    "interrupted",
)
"""Codes of connections that failed, those that say most first."""


class Judged(t.TypedDict):
    """A connection, its number in the capture (from 0, in the order in which connections began), its verdict, and the
    hello that the endpoint's facts predict, where facts were given."""

    number: int
    connection: Connection
    verdict: judge.CaptureVerdict
    expectation: Expectation | None


class CaptureFile(t.TypedDict):
    """What was read of the file. ``complete`` is False where reading ended early (``problem`` says why)."""

    path: str
    format: str
    compressed: bool
    packets: int
    bytes: int
    snaplen: int
    cut_packets: int
    connections: int
    first_time: str | None
    last_time: str | None
    complete: bool
    problem: str | None


Settled = t.Literal["yes", "no"]


class Capture(t.TypedDict):
    """The document. ``verdict``: of all connections to definition servers the failure that says most, or
    ``established``; ``no_connection`` where there was none, ``incomplete`` where that cannot be told. ``sentence``
    tells it. ``answers``: what this settles of the open questions of every verdict (schannel/open_questions.py)."""

    schema: t.Literal["fleetops.tetra/capture/1"]
    file: CaptureFile
    connections: list[Judged]
    others: int
    verdict: str
    sentence: str
    offers_tls_1_3: bool | None
    answers: dict[str, Settled]
    notes: list[str]


@dataclass(frozen=True)
class Wanted:
    """Which connections are told: by names (besides Cisco's own), by addresses, or all; at most ``most``."""

    names: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    everything: bool = False
    most: int = 1000


def is_wanted(one: Connection, wanted: Wanted) -> bool:
    """Whether a connection goes to a definition server: by server name, by what a proxy was asked for, by address."""
    if wanted.everything or one["server"] in wanted.addresses:
        return True
    target = one["via"]["target"] if one["via"] else None
    named = [one["server_name"] or "", (target or "").rpartition(":")[0].lower()]
    return any(name and (name in wanted.names or is_cisco_cloud(name)) for name in named)


def read(
    path: Path,
    wanted: Wanted | None = None,
    expected: judge.Expected | None = None,
    facts: t.Any = None,
    max_size: int = files.DEFAULT_MAX_SIZE,
) -> Capture:
    """Reads a capture. Raises CaptureError where it is none or cannot be opened."""
    wanted, expected = wanted or Wanted(), expected or judge.Expected()
    source, table = files.Source(), flows.Table()
    found: list[tuple[int, Judged]] = []
    others = handshakes = dropped = 0
    for flow in flows.flows(path, source, table, max_size):
        one = describe(flow)
        handshakes += one["hello"] is not None
        if not is_wanted(one, wanted):
            others += 1
        elif len(found) >= wanted.most:
            dropped += 1
        else:
            judged: Judged = {
                "number": 0,
                "connection": one,
                "verdict": judge.judge(one, expected),
                "expectation": hold_against(one["hello"], facts) if facts is not None and one["hello"] else None,
            }
            found.append((flow.started, judged))
    found.sort(key=lambda pair: pair[0])
    connections = [judged for _time, judged in found]
    for number, judged in enumerate(connections):
        judged["number"] = number
    counts = table.counts
    verdict, sentence = _whole(connections, handshakes, counts, source)
    offers = [one["verdict"]["offers_tls_1_3"] for one in connections if one["verdict"]["offers_tls_1_3"] is not None]
    return {
        "schema": SCHEMA,
        "file": {
            "path": str(path),
            "format": source.format,
            "compressed": source.compressed,
            "packets": counts.packets,
            "bytes": counts.bytes,
            "snaplen": source.snaplen,
            "cut_packets": counts.cut,
            "connections": counts.connections,
            "first_time": written(counts.first_time) if counts.packets else None,
            "last_time": written(counts.last_time) if counts.packets else None,
            "complete": source.problem is None,
            "problem": source.problem,
        },
        "connections": connections,
        "others": others,
        "verdict": verdict,
        "sentence": sentence,
        "offers_tls_1_3": any(offers) if offers else None,
        "answers": fleet_answers(connections),
        "notes": [*source.notes, *_notes(connections, counts, dropped)],
    }


def fleet_answers(connections: c.Iterable[Judged]) -> dict[str, Settled]:
    """Whether the updater offers TLS 1.3, for the whole fleet; empty where the hellos do not tell.

    A hello that offers it says yes. One that does not says no only where the endpoint's settings offer it: Windows 10
    has no TLS 1.3 to offer. Hellos that contradict each other come from more than one program and settle nothing.
    """
    said: set[Settled] = set()
    for one in connections:
        hello, expectation = one["connection"]["hello"], one["expectation"]
        if hello is None or hello["encrypted"]:
            continue
        if TLS_1_3 in hello["versions"]:
            said.add(YES)
        elif expectation is not None and TLS_1_3 in expectation["predicted_versions"]:
            said.add(NO)
    return {UPDATER_TLS13: said.pop()} if len(said) == 1 else {}


def failing_one(capture: Capture) -> Judged | None:
    """The connection whose failure says most; of several alike the last."""
    for code in FAILURES:
        alike = [one for one in capture["connections"] if one["verdict"]["code"] == code]
        if alike:
            return alike[-1]
    return None


def good_one(capture: Capture) -> Judged | None:
    """The last established connection."""
    return next((one for one in reversed(capture["connections"]) if one["verdict"]["code"] == "established"), None)


def compare(good: Capture, failing: Capture, accepted: c.Collection[str]) -> dict[str, t.Any]:
    """``{good, failing, first, differences, suites, sentence}``: numbers of the connections that were compared."""
    left = good_one(good)
    right = failing_one(failing) or (failing["connections"][-1] if failing["connections"] else None)
    if left is None or right is None:
        lacking = "The good capture has no established" if left is None else "The failing capture has no"
        return {
            "good": left and left["number"], "failing": right and right["number"], "first": None, "differences": [],
            "suites": [], "sentence": f"{lacking} connection to a definition server, so nothing can be compared.",
        }  # fmt: skip
    found = comparing.compare(left["connection"], right["connection"], accepted)
    first = found["first"]
    return {
        "good": left["number"],
        "failing": right["number"],
        **found,
        "sentence": first["sentence"] if first else "Nothing that matters differs between the two connections.",
    }


def _whole(connections: list[Judged], handshakes: int, counts: flows.Counts, source: files.Source) -> tuple[str, str]:
    if not connections:
        if not counts.packets:
            return "no_connection", source.problem or "The capture holds no packet."
        if not counts.segments:
            unknown = ", ".join(str(number) for number in sorted(counts.other_links))
            why = f": its link type {unknown} is not known here" if counts.other_links else ""
            return "no_connection", f"The capture holds no TCP packet that can be read{why}."
        if counts.cut:
            most = f"{source.snaplen} bytes" if 0 < source.snaplen < 65_535 else "the beginning"
            return (
                "incomplete",
                f"The capture kept only {most} of {counts.cut} packets, so hellos are not whole: capture with size 0.",
            )
        if not handshakes:
            return "no_connection", f"No TLS handshake is in the capture ({counts.connections} TCP connections)."
        hosts = ", ".join(TETRA_HOSTS.values())
        return "no_connection", f"No connection to a definition server ({hosts}) is in the capture."
    for code in FAILURES:
        alike = [one for one in connections if one["verdict"]["code"] == code]
        if alike:
            more = f" ({len(alike)} of {len(connections)} connections)" if len(connections) > 1 else ""
            return code, f"{alike[-1]['verdict']['sentence']}{more}"
    good = [one for one in connections if one["verdict"]["code"] == "established"]
    chosen = good[-1] if good else connections[-1]
    return chosen["verdict"]["code"], chosen["verdict"]["sentence"]


def _notes(connections: list[Judged], counts: flows.Counts, dropped: int) -> list[str]:
    found = []
    if counts.cut:
        found.append(f"{counts.cut} packets were cut by the capture's size limit: capture with size 0 (tcpdump -s 0).")
    if any(one["connection"]["hello"] and one["connection"]["hello"]["encrypted"] for one in connections):
        found.append("A Client Hello is encrypted: the name and the suites shown are those of its outer one.")
    if counts.other_links and counts.segments:
        kinds = ", ".join(str(number) for number in sorted(counts.other_links))
        found.append(f"{sum(counts.other_links.values())} frames of link type {kinds} could not be read.")
    if counts.given_up:
        found.append(f"{counts.given_up} connections were given up early, since too many were open at a time.")
    if dropped:
        found.append(f"{dropped} more connections to definition servers were left out.")
    return found
