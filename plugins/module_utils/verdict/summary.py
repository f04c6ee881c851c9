# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Many verdicts as a few numbers."""

from __future__ import annotations

import collections
import collections.abc as c
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import STATE_UNKNOWN, STATES


class SummaryError(ValueError):
    """The input is no list of verdicts. The message is one sentence."""


def summarise(documents: c.Iterable[t.Any]) -> dict[str, t.Any]:
    """Counts over verdicts, records of a run, or results of the audit task.

    ``{total, states: {STATE: count}, reachability: {yes, no, unknown: count}, hosts: {STATE: [names, sorted]},
    causes: [{code, count}], origins: [{origin, gpo, count}], findings: [{rule, count}]}``; rankings have the most
    frequent first. Whatever holds no verdict counts as ``unknown``. An endpoint is named by ``host``; one without
    a name is counted all the same. Raises SummaryError.
    """
    rows = [_row(document) for document in documents]
    hosts: dict[str, list[str]] = {state: [] for state in STATES}
    for row in rows:
        if row["host"] is not None:
            hosts[row["state"]].append(row["host"])
    states = collections.Counter(row["state"] for row in rows)
    answers = collections.Counter(row["reachability"] for row in rows)
    return {
        "total": len(rows),
        "states": {state: states[state] for state in STATES},
        "reachability": {answer: answers[answer] for answer in ("yes", "no", "unknown")},
        "hosts": {state: sorted(names) for state, names in hosts.items()},
        "causes": _ranked("code", (row["cause"] for row in rows if row["cause"] is not None)),
        "origins": _origins(rows),
        "findings": _ranked("rule", (rule for row in rows for rule in row["rules"])),
    }


def _row(document: t.Any) -> dict[str, t.Any]:
    if not isinstance(document, c.Mapping):
        raise SummaryError(f"A verdict is a mapping, not {type(document).__name__}.")
    inner = document.get("verdict")
    verdict = inner if isinstance(inner, c.Mapping) else document
    state = verdict.get("state")
    reachable = verdict.get("reachability")
    answer = reachable.get("answer") if isinstance(reachable, c.Mapping) else reachable
    cause = verdict.get("cause")
    origin = verdict.get("policy_origin")
    host = document.get("host", verdict.get("host"))
    return {
        "host": str(host) if host is not None else None,
        "state": state if state in STATES else STATE_UNKNOWN,
        "reachability": answer if answer in ("yes", "no") else "unknown",
        "cause": cause.get("code") if isinstance(cause, c.Mapping) else cause if isinstance(cause, str) else None,
        "origin": _origin(origin) if isinstance(origin, c.Mapping) else None,
        "rules": _rules(verdict.get("findings")),
    }


def _origin(origin: c.Mapping[str, t.Any]) -> tuple[str, str | None]:
    gpo = origin.get("gpo")
    name = gpo.get("name") if isinstance(gpo, c.Mapping) else None
    return str(origin.get("origin")), str(name) if name is not None else None


def _rules(findings: t.Any) -> list[str]:
    """Each rule once for an endpoint."""
    if not isinstance(findings, (list, tuple)):
        return []
    rules = (item.get("rule") for item in findings if isinstance(item, c.Mapping))
    return list(dict.fromkeys(str(rule) for rule in rules if rule is not None))


def _origins(rows: c.Iterable[c.Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
    counted = collections.Counter(row["origin"] for row in rows if row["origin"] is not None)
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or ""))
    return [{"origin": origin, "gpo": gpo, "count": count} for (origin, gpo), count in ordered]


def _ranked(name: str, codes: c.Iterable[t.Any]) -> list[dict[str, t.Any]]:
    counted = collections.Counter(str(code) for code in codes)
    return [
        {name: code, "count": count} for code, count in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    ]
