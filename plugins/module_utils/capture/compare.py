# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A succeeding and a failing connection side by side: what differs first, and what else."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.listing import some
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.connections import Connection, Hello

Stage = t.Literal["way", "connection", "proxy", "hello", "answer", "certificate", "end"]
STAGES: t.Final[tuple[Stage, ...]] = ("way", "connection", "proxy", "hello", "answer", "certificate", "end")


class Difference(t.TypedDict):
    """One difference. ``good`` and ``failing`` are what stands there; ``matters`` is False for what is only another
    way of saying the same, for example another order of suites."""

    stage: Stage
    what: str
    good: t.Any
    failing: t.Any
    matters: bool
    sentence: str


class Comparison(t.TypedDict):
    """``first`` is the first difference that matters, in the order in which a connection proceeds."""

    first: Difference | None
    differences: list[Difference]
    suites: list[dict[str, t.Any]]


def compare(good: Connection, failing: Connection, accepted: t.Collection[str]) -> Comparison:
    """What differs. ``suites``: every suite of either hello with its place in both (or None) and whether the servers
    accept it: the two lists side by side."""
    differences = [
        *_way(good, failing),
        *_hello(good["hello"], failing["hello"], accepted),
        *_answer(good, failing),
    ]
    order = {stage: number for number, stage in enumerate(STAGES)}
    differences.sort(key=lambda one: order[one["stage"]])
    return {
        "first": next((one for one in differences if one["matters"]), None),
        "differences": differences,
        "suites": side_by_side(good["hello"], failing["hello"], accepted),
    }


def side_by_side(good: Hello | None, failing: Hello | None, accepted: t.Collection[str]) -> list[dict[str, t.Any]]:
    """``[{name, hex, good, failing, accepted}]``: places counted from 1, those of the failing hello first."""
    left = [suite["name"] for suite in good["suites"]] if good else []
    right = [suite["name"] for suite in failing["suites"]] if failing else []
    hexes = {suite["name"]: suite["hex"] for hello in (good, failing) if hello is not None for suite in hello["suites"]}
    return [
        {
            "name": name,
            "hex": hexes.get(name),
            "good": left.index(name) + 1 if name in left else None,
            "failing": right.index(name) + 1 if name in right else None,
            "accepted": name in accepted,
        }
        for name in dict.fromkeys([*right, *left])
    ]


def _difference(
    stage: Stage, what: str, good: t.Any, failing: t.Any, sentence: str, matters: bool = True
) -> Difference:
    return {
        "stage": stage, "what": what, "good": good, "failing": failing, "matters": matters, "sentence": sentence,
    }  # fmt: skip


def _way(good: Connection, failing: Connection) -> t.Iterator[Difference]:
    ways = [
        f"through a proxy at {one['server']}:{one['server_port']}" if one["via"] else "direct"
        for one in (good, failing)
    ]
    if bool(good["via"]) != bool(failing["via"]) or (good["via"] and ways[0] != ways[1]):
        yield _difference("way", "proxy", ways[0], ways[1], f"The good one goes {ways[0]}, the failing one {ways[1]}.")
    kinds = good["answer"]["kind"], failing["answer"]["kind"]
    for kind, words in (("no_connection", "was never answered"), ("refused", "was refused")):
        if kinds[1] == kind and kinds[0] != kind:
            yield _difference("connection", "tcp", kinds[0], kinds[1], f"The failing one's TCP connection {words}.")
    statuses = [one["via"]["status"] if one["via"] else None for one in (good, failing)]
    if good["via"] and failing["via"] and statuses[0] != statuses[1]:
        sentence = f"The proxy answered {statuses[0]} to the good one and {statuses[1]} to the failing one."
        yield _difference("proxy", "status", statuses[0], statuses[1], sentence)


def _hello(good: Hello | None, failing: Hello | None, accepted: t.Collection[str]) -> t.Iterator[Difference]:
    if good is None or failing is None:
        if good is not None:
            yield _difference("hello", "sent", True, False, "The failing one sent no Client Hello.")
        return
    for what, words in (("suites", "suites"), ("groups", "groups"), ("signature_algorithms", "signature algorithms")):
        left, right = ([item["name"] for item in t.cast(t.Any, hello)[what]] for hello in (good, failing))
        if left == right:
            continue
        lacking = [name for name in left if name not in right]
        extra = [name for name in right if name not in left]
        if not lacking and not extra:
            yield _difference(
                "hello", what, left, right, f"The same {words} are offered in another order.", matters=False
            )
            continue
        parts = [
            f"{some(lacking)} are missing from" if lacking else "",
            f"{some(extra)} stand only in" if extra else "",
        ]
        sentence = f"Of the {words}, {' and '.join(part for part in parts if part)} the failing hello."
        if what == "suites":
            usable = [name for name in right if name in accepted]
            sentence += f" {some(usable) if usable else 'None'} of what it offers is accepted by the servers."
        yield _difference("hello", what, left, right, sentence, matters=bool(lacking))
    for what, words in (("versions", "versions"), ("server_name", "server name"), ("alpn", "application protocols")):
        left, right = t.cast(t.Any, good)[what], t.cast(t.Any, failing)[what]
        if left != right:
            sentence = (
                f"The {words} of the hello differ: {_words(left)} in the good one, {_words(right)} in the failing one."
            )
            yield _difference("hello", what, left, right, sentence, matters=what != "alpn")


def _answer(good: Connection, failing: Connection) -> t.Iterator[Difference]:
    left, right = good["answer"], failing["answer"]
    if left["kind"] != right["kind"]:
        yield _difference("answer", "kind", _told(good), _told(failing), f"{_told(good)} against {_told(failing)}.")
    elif left["suite"] and right["suite"] and left["suite"] != right["suite"]:
        names = left["suite"]["name"], right["suite"]["name"]
        yield _difference(
            "answer", "suite", *names, f"{names[0]} was chosen for the good one, {names[1]} for the failing one."
        )
    elif left["kind"] == "suite" and left["extensions"] != right["extensions"]:
        sentence = "The Server Hello has other extensions: somebody else may have answered."
        yield _difference("answer", "extensions", left["extensions"], right["extensions"], sentence, matters=False)
    issuers = [one["certificate"]["issuer"] if one["certificate"] else None for one in (good, failing)]
    if issuers[0] and issuers[1] and issuers[0] != issuers[1]:
        sentence = f"The certificate was issued by {issuers[0]} for the good one, by {issuers[1]} for the failing one."
        yield _difference("certificate", "issuer", issuers[0], issuers[1], sentence)
    if good["established"] and not failing["established"] and left["kind"] == right["kind"] == "suite":
        sentence = "The good one went on to encrypted data, the failing one did not."
        yield _difference("end", "established", True, False, sentence)


def _told(one: Connection) -> str:
    answer = one["answer"]
    if answer["suite"] is not None:
        return f"Server Hello with {answer['suite']['name']}"
    if answer["alert"] is not None:
        return f"alert {answer['alert']} ({answer['alert_name']})"
    return {
        "silence": "silence",
        "reset": "a reset",
        "closed": "an end without an alert",
        "refused": "a refused connection",
        "no_connection": "no connection",
        "proxy_refused": "the proxy's refusal",
        "not_tls": "something that is not TLS",
    }.get(answer["kind"], "nothing")


def _words(value: t.Any) -> str:
    if isinstance(value, list):
        return ", ".join(f"0x{item:04x}" if isinstance(item, int) else str(item) for item in value) or "none"
    return "none" if value is None else str(value)
