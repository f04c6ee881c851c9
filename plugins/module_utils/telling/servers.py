# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The weekly look at the definition servers: what server_info measured, held against the allow-list."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.listing import some
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.visible import visible, visible_all
from ansible_collections.fleetops.tetra.plugins.module_utils.telling.messages import Notice

SCHEMA: t.Final = "fleetops.tetra/servers/1"
Answer = t.Literal["none", "drift", "unknown"]


class Seen(t.TypedDict):
    """One server. ``answer``: whether it accepts what the list says; ``problem``: why it could not be asked."""

    host: str
    answer: Answer
    missing: list[str]
    extra: list[str]
    untested: list[str]
    accepted: list[str]
    inspection: str
    problem: str | None
    measured_at: str | None


class Look(t.TypedDict):
    """All servers. ``answer``: the worst of them, where ``drift`` is worse than ``unknown``."""

    schema: str
    answer: Answer
    measured_at: str | None
    allow_list: list[str]
    servers: list[Seen]
    sentences: list[str]


class LookError(Exception):
    """What was given is no result of a measurement. The text is one sentence."""


def look(results: t.Sequence[t.Any], allow_list: t.Sequence[str]) -> Look:
    """``results``: what the module returned for each server, failures too. Errors: LookError."""
    if not results:
        raise LookError("No server was measured: give results of fleetops.tetra.server_info.")
    servers = [_seen(number, result) for number, result in enumerate(results, 1)]
    answers = {one["answer"] for one in servers}
    answer: Answer = "drift" if "drift" in answers else "unknown" if "unknown" in answers else "none"
    times = sorted(one["measured_at"] for one in servers if one["measured_at"])
    return {
        "schema": SCHEMA,
        "answer": answer,
        "measured_at": times[-1] if times else None,
        "allow_list": list(allow_list),
        "servers": servers,
        "sentences": [_sentence(one) for one in servers],
    }


def notice_of(seen: Look) -> Notice:
    """What a message says of it."""
    number = len(seen["servers"])
    drifted = sum(one["answer"] == "drift" for one in seen["servers"])
    first = {
        "none": f"All {number} definition servers accept what the allow-list says.",
        "drift": f"{drifted} of {number} definition servers no longer accept what the allow-list says: measure again,"
        " then judge with their own list (option allow_list).",
        "unknown": f"Not all of {number} definition servers could be measured.",
    }[seen["answer"]]
    facts: dict[str, str] = {one["host"]: one["answer"] for one in seen["servers"]}
    foot = f"Measured {seen['measured_at'] or 'never'}."
    return Notice("Tetra definition servers", [first], facts, seen["sentences"], foot, {**seen})


def _seen(number: int, result: t.Any) -> Seen:
    drift = result.get("drift") if isinstance(result, dict) else None
    if not isinstance(result, dict) or (not isinstance(drift, dict) and not result.get("failed")):
        raise LookError(f"Result {number} is none of fleetops.tetra.server_info: it holds no drift.")
    drift = drift if isinstance(drift, dict) else {}
    reached = result.get("reached") is True
    said = drift.get("answer") if reached else None
    answer: Answer = "none" if said == "none" else "drift" if said == "drift" else "unknown"
    problem = result.get("problem") or result.get("msg")
    seen: Seen = {
        "host": _name(result, number),
        "answer": answer,
        "missing": _names(drift.get("missing")),
        "extra": _names(drift.get("extra")),
        "untested": _names(drift.get("untested")),
        "accepted": _names(result.get("accepted")),
        "inspection": str((result.get("inspection") or {}).get("answer") or "unknown"),
        "problem": None
        if reached and not result.get("problem")
        else visible(str(problem or "It was not reached."))[:500],
        "measured_at": result.get("measured_at") if isinstance(result.get("measured_at"), str) else None,
    }
    return t.cast(Seen, visible_all(seen))


def _name(result: t.Mapping[str, t.Any], number: int) -> str:
    """With the port where it is none of HTTPS, so that two servers of one host stay two."""
    host, port = result.get("host"), result.get("port")
    if not host:
        return f"server {number}"
    return str(host) if port in (443, None) else f"{host}:{port}"


def _names(found: t.Any) -> list[str]:
    return [str(name) for name in found] if isinstance(found, list) else []


def _sentence(seen: Seen) -> str:
    parts = []
    if seen["missing"]:
        parts.append(f"refuses {some(seen['missing'])}")
    if seen["extra"]:
        parts.append(f"accepts {some(seen['extra'])}, which the list does not name")
    if seen["untested"]:
        parts.append(f"could not be asked for {some(seen['untested'])}")
    if seen["inspection"] == "suspected":
        parts.append("is seen through somebody who decrypts, so that this may be that one's answer")
    if not parts and seen["answer"] == "none":
        parts.append("accepts what the list says")
    if seen["problem"]:
        parts.append(f"could not be measured: {seen['problem'].rstrip('.')}")
    return f"{seen['host']} {' and '.join(parts) or 'could not be measured'}."
