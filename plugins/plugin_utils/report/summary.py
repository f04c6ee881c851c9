# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A fleet in numbers and in plain sentences.

Everything is counted per endpoint. Shares are fractions of all endpoints, 0 … 1.
"""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.fleet import Document, Entry
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.labels import (
    CAUSES,
    ERROR_KINDS,
    ORIGINS,
    REASONS,
    SEVERITIES,
    STATES,
    label,
)

NO_CAUSE: t.Final = "cause_not_established"
FIRST_WINDOWS_11: t.Final = 22000
"""From this build on the client is Windows 11; its registry value ProductName still says Windows 10."""
NOTHING_TO_DO: t.Final = "Nothing to do"
"""How the next step of an endpoint begins that needs none (module_utils/verdict/next_step.py)."""
OUTSIDE_LIST: t.Final = "suites_outside_list"
"""An endpoint that can fetch definitions, but offers more than a strict policy allows."""


UNKNOWN_LABELS: t.Final = {**CAUSES, **REASONS, **ERROR_KINDS}


def summarize(entries: t.Sequence[Entry]) -> Document:
    """Shape of the result: see ``summary`` in docs/schemas/report-1.json. Linear in the number of endpoints."""
    total = len(entries)
    states = collections.Counter(entry.state for entry in entries)
    failing = [entry for entry in entries if entry.state == "non_compliant"]
    unknown = [entry for entry in entries if entry.state == "unknown"]
    otherwise = [entry for entry in entries if still_failing(entry)]
    compliant = [entry for entry in entries if entry.state == "compliant"]
    summary: Document = {
        "endpoints": total,
        "states": {state: _share(states[state], total) for state in STATES},
        "reachability": _answers(entries, "reachability"),
        "strictness": _answers(entries, "strictness"),
        "strict_only": sum(1 for entry in failing if _answer(entry, "reachability") == "yes"),
        "after_reboot": sum(1 for entry in entries if entry.verdict.get("in_force") == "after_reboot"),
        "causes": _ranking((cause_code(entry) for entry in failing), CAUSES),
        "unknown_because": _ranking((unknown_code(entry) for entry in unknown), UNKNOWN_LABELS),
        "failing_otherwise": len(otherwise),
        "other_causes": _ranking((cause_code(entry) for entry in otherwise), CAUSES),
        "reasons": _ranking((code for entry in failing for code in sorted(reason_codes(entry))), REASONS),
        "owners": _owners(failing),
        "systems": _systems(entries),
        "findings": _findings(entries),
        "next_steps": _next_steps(failing, unknown, compliant),
    }
    summary["sentences"] = sentences(summary)
    return summary


def cause_code(entry: Entry) -> str:
    cause = entry.verdict.get("cause") or {}
    return str(cause.get("code") or (OUTSIDE_LIST if _answer(entry, "reachability") == "yes" else NO_CAUSE))


def unknown_code(entry: Entry) -> str:
    """Why an endpoint is unknown: the error's kind, else the most frequent reason of suites that are not known."""
    if entry.error and entry.error.get("kind"):
        return str(entry.error["kind"])
    suites: t.Mapping[str, t.Any] = entry.verdict.get("suites") or {}
    counts = collections.Counter(
        str(reason.get("code"))
        for suite in suites.values()
        if suite.get("usable") == "unknown"
        for reason in suite.get("reasons") or []
    )
    if counts:
        return min(counts, key=lambda code: (-counts[code], code))
    cause = entry.verdict.get("cause") or {}
    return str(cause.get("code") or "not_read")


def still_failing(entry: Entry) -> bool:
    """Whether an endpoint that TLS lets through has a cause of failing updates all the same."""
    return entry.state == "compliant" and bool(entry.verdict.get("cause"))


def reason_codes(entry: Entry) -> set[str]:
    """Why allow-listed suites are not usable, each reason once."""
    suites: t.Mapping[str, t.Any] = entry.verdict.get("suites") or {}
    return {
        str(reason.get("code"))
        for suite in suites.values()
        if suite.get("usable") != "yes"
        for reason in suite.get("reasons") or []
    }


def system_name(entry: Entry) -> str:
    """Product and version, such as "Windows 10 Enterprise 22H2"; "Windows release not known" where it was not read."""
    product = str(entry.system.get("product") or "").strip()
    if not product:
        return "Windows release not known"
    build = entry.system.get("build")
    if isinstance(build, int) and build >= FIRST_WINDOWS_11 and entry.system.get("kind") != "server":
        product = product.replace("Windows 10", "Windows 11")
    version = str(entry.system.get("display_version") or "").strip()
    name = product if version and version in product else f"{product} {version}".strip()
    return name.removeprefix("Microsoft ")


def owner_name(entry: Entry) -> str:
    """Whose setting decides, such as "Domain GPO: TLS baseline"."""
    origin = entry.verdict.get("policy_origin") or {}
    name = label(ORIGINS, str(origin.get("origin") or "unknown"))
    gpo = origin.get("gpo") or {}
    return f"{name}: {gpo['name']}" if gpo.get("name") and origin.get("origin") == "domain_gpo" else name


def _answer(entry: Entry, question: str) -> str:
    return str((entry.verdict.get(question) or {}).get("answer") or "unknown")


def _answers(entries: t.Sequence[Entry], question: str) -> Document:
    counts = collections.Counter(_answer(entry, question) for entry in entries)
    return {answer: counts[answer] for answer in ("yes", "no", "unknown")}


def _share(count: int, total: int) -> Document:
    return {"count": count, "share": round(count / total, 6) if total else 0.0}


def _ranking(codes: t.Iterable[str], table: t.Mapping[str, str]) -> list[Document]:
    counts = collections.Counter(codes)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"code": code, "label": label(table, code), "count": count} for code, count in ranked]


def _owners(failing: t.Sequence[Entry]) -> list[Document]:
    """Whose setting makes endpoints fail, most endpoints first."""
    counts: collections.Counter[tuple[str, str, str, str]] = collections.Counter()
    for entry in failing:
        origin = entry.verdict.get("policy_origin") or {}
        gpo = origin.get("gpo") or {}
        code = str(origin.get("origin") or "unknown")
        counts[(code, owner_name(entry), str(gpo.get("name") or ""), str(gpo.get("guid") or ""))] += 1
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [
        {"origin": code, "label": words, "gpo": {"name": name, "guid": guid} if name or guid else None, "count": count}
        for (code, words, name, guid), count in ranked
    ]


def _systems(entries: t.Sequence[Entry]) -> list[Document]:
    table: dict[str, collections.Counter[str]] = {}
    for entry in entries:
        table.setdefault(system_name(entry), collections.Counter())[entry.state] += 1
    ranked = sorted(table.items(), key=lambda item: (-item[1].total(), item[0]))
    return [
        {"name": name, "count": counts.total(), "states": {state: counts[state] for state in STATES}}
        for name, counts in ranked
    ]


def _findings(entries: t.Sequence[Entry]) -> list[Document]:
    counts: collections.Counter[str] = collections.Counter()
    first: dict[str, Document] = {}
    for entry in entries:
        seen = set()
        for finding in entry.verdict.get("findings") or []:
            rule = str(finding.get("rule"))
            if rule in seen:
                continue
            seen.add(rule)
            counts[rule] += 1
            first.setdefault(rule, finding)
    rows = [
        {
            "rule": rule,
            "severity": str(first[rule].get("severity") or "info"),
            "title": str(first[rule].get("title") or rule),
            "count": count,
        }
        for rule, count in counts.items()
    ]
    return sorted(rows, key=lambda row: (_severity_rank(row["severity"]), -row["count"], row["rule"]))


def _severity_rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _next_steps(failing: t.Sequence[Entry], unknown: t.Sequence[Entry], compliant: t.Sequence[Entry]) -> list[Document]:
    """What to do, for the most endpoints first; failing endpoints before unknown ones, what can wait last."""
    rows: list[Document] = []
    for state, group in (("non_compliant", failing), ("unknown", unknown), ("compliant", compliant)):
        steps = (str(entry.verdict.get("next_step") or "") for entry in group)
        counts = collections.Counter(step for step in steps if step and not step.startswith(NOTHING_TO_DO))
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        rows.extend({"step": step, "state": state, "count": count} for step, count in ranked)
    return rows


def sentences(summary: t.Mapping[str, t.Any]) -> Document:
    """``{headline, cannot, unknown, otherwise, reboot, not_applicable, next}``; None for nothing to say."""
    total = summary["endpoints"]
    counts = {state: summary["states"][state]["count"] for state in STATES}
    if not total:
        return {
            "headline": "No endpoint was audited.",
            "cannot": None,
            "unknown": None,
            "otherwise": None,
            "reboot": None,
            "not_applicable": None,
            "next": "Check the inventory, the limit and the option where: nothing was selected.",
        }
    return {
        "headline": f"{counts['compliant']:,} of {_endpoints(total)} can fetch Tetra definitions, as far as TLS is"
        " concerned.",
        "cannot": _cannot(summary, counts["non_compliant"]),
        "unknown": _because(counts["unknown"], "could not be judged", summary["unknown_because"]),
        "otherwise": _otherwise(summary),
        "reboot": _counted(
            summary["after_reboot"], "needs a reboot", "need a reboot", "before the configured settings are in force."
        ),
        "not_applicable": _counted(
            counts["not_applicable"],
            "does not",
            "do not",
            "fetch Tetra definitions from Cisco's servers, so the question does not apply.",
        ),
        "next": _what_next(summary, counts),
    }


def _cannot(summary: t.Mapping[str, t.Any], count: int) -> str | None:
    strict_only = summary["strict_only"]
    if not count:
        return None
    if not strict_only:
        return _because(count, "cannot", summary["causes"])
    blocked = count - strict_only
    strict = (
        f"{_endpoints(strict_only)} can, but {_verb(strict_only, 'offers', 'offer')} suites outside the list, which"
        " this run's policy forbids."
    )
    causes = [row for row in summary["causes"] if row["code"] != OUTSIDE_LIST]
    return strict if not blocked else f"{_because(blocked, 'cannot', causes)} {strict}"


def _otherwise(summary: t.Mapping[str, t.Any]) -> str | None:
    what = f"can, yet {_verb(summary['failing_otherwise'], 'its', 'their')} updates fail for another reason"
    return _because(summary["failing_otherwise"], what, summary["other_causes"])


def _counted(count: int, one: str, many: str, rest: str) -> str | None:
    return f"{_endpoints(count)} {_verb(count, one, many)} {rest}" if count else None


def _because(count: int, what: str, ranking: t.Sequence[t.Mapping[str, t.Any]]) -> str | None:
    if not count:
        return None
    text = f"{_endpoints(count)} {what}"
    if not ranking:
        return text + "."
    top = ranking[0]
    if len(ranking) == 1:
        return f"{text}: {_lower_first(top['label'])}."
    return f"{text}; the most common reason: {_lower_first(top['label'])} ({top['count']:,})."


def _what_next(summary: t.Mapping[str, t.Any], counts: t.Mapping[str, int]) -> str:
    if summary["next_steps"]:
        step = summary["next_steps"][0]
        return f"Start with this, it concerns {_endpoints(step['count'])}: {step['step']}"
    if counts["non_compliant"] or counts["unknown"]:
        return "Open the endpoints in the table below: each tells what was found and what to do."
    return "Nothing needs to be done."


def _endpoints(count: int) -> str:
    return f"{count:,} {_verb(count, 'endpoint', 'endpoints')}"


def _verb(count: int, one: str, many: str) -> str:
    return one if count == 1 else many


def _lower_first(text: str) -> str:
    """ "No cipher suite" → "no cipher suite"; "TLS 1.2 is off" stays."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text
