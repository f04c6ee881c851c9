# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rehearsal showed: from the folder of the rehearsed remediation to one document and sentences for a reader."""

from __future__ import annotations

import json
import math
import pathlib
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.lab import comparison, outcomes
from ansible_collections.fleetops.tetra.lab.rehearsal.endpoint import Rehearsed

SCHEMA = "fleetops.tetra/rehearsal/1"
Document = dict[str, t.Any]
_NAMED = 25
"""Lines of one kind on the terminal."""
_IN_A_LINE = 12
NOT_IN_RUN = "not_in_run"
"""The rehearsed playbook was told to leave this endpoint out (limit, tetra_hosts)."""
NOT_STARTED = "not_started"
_UNKNOWN = "unknown"
_DONE = ("proven",)
_LEFT = ("nothing_to_do",)
_HELD = ("blocked", "held")
COMPARED = ("state", "reachability", "usable", "cause", "in_force", "origin", "gpo")
"""What has to be the same in the verdict on a simulated endpoint and in the saved one."""


@dataclass(frozen=True)
class Pace:
    """How long a restart takes, and how many may be under way at once."""

    reboot_minutes: float
    forks: int
    max_reboots: int = 0
    """0 for no limit beside ``forks``."""

    @property
    def at_once(self) -> int:
        return min(self.forks, self.max_reboots) if self.max_reboots else self.forks


def differences(saved: t.Mapping[str, t.Any], again: t.Mapping[str, t.Any] | None) -> list[str]:
    """One sentence for each thing in which the verdict on the simulated endpoint differs from the saved one."""
    if again is None:
        return ["The simulated endpoint was not audited."]
    before, after = comparison.found_in(saved), comparison.found_in(again)
    return [
        f"{key.replace('_', ' ')}: saved {_shown(before[key])}, simulated {_shown(after[key])}."
        for key in COMPARED
        if before[key] != after[key]
    ]


def summarise(
    folder: pathlib.Path, rehearsed: t.Sequence[Rehearsed], wrong: t.Mapping[str, list[str]], pace: Pace
) -> Document:
    """folder: of the rehearsed remediation. wrong: endpoint → differences of its verdict. Raises FleetError."""
    ends = outcomes.load(folder)
    plans = _read(folder / "plans.json")
    cures = {one["host"]: one for one in map(_read, sorted((folder / "cures").glob("*.json"))) if "host" in one}
    restarts = _restarts(folder)
    waves = _waves(folder, restarts, pace)
    by_host = {host: wave["number"] for wave in waves for host in wave["endpoints"]}
    endpoints: Document = {}
    for one in rehearsed:
        end = ends.get(one.name) or {"event": NOT_IN_RUN}
        plan = (cures.get(one.name) or {}).get("plan") or plans.get(one.name) or {}
        endpoints[one.name] = {
            "event": end.get("event") or NOT_STARTED,
            "detail": end.get("detail"),
            "changed": bool(end.get("changed")),
            "before": end.get("before"),
            "after": end.get("after"),
            "steps": [
                {name: step[name] for name in ("target", "action", "path", "name", "why")}
                for step in _list(plan, "steps")
            ],
            "blocked": [
                {"code": entry["code"], "owner": entry["owner"], "why": entry["why"]} for entry in _list(end, "blocked")
            ],
            "restarts": restarts.get(one.name, 0),
            "wave": by_host.get(one.name),
            "unread": one.unread,
            "assumed": one.assumed,
            "differences": wrong.get(one.name, []),
        }
    minutes = sum(wave["minutes"] for wave in waves)
    return {
        "schema": SCHEMA,
        "endpoints": endpoints,
        "restarts": sum(restarts.values()),
        "waves": waves,
        "estimate": {
            "minutes": minutes,
            "reboot_minutes": pace.reboot_minutes,
            "at_once": pace.at_once,
            "how": "In each wave: restarts, divided by how many may be under way at once, rounded up, times the "
            "minutes of one restart. The time for looking and writing is left out.",
        },
    }


def sentences(document: t.Mapping[str, t.Any]) -> list[str]:
    """For the terminal; the document has everything."""
    endpoints: Document = document["endpoints"]
    lines = [f"{len(endpoints)} endpoints were rehearsed."]
    left_out = document.get("left_out") or {}
    lines += _group("Left out, since they cannot be rehearsed", [f"{host}: {why}" for host, why in left_out.items()])
    wrong = {host: one["differences"] for host, one in endpoints.items() if one["differences"]}
    lines.append(f"{len(endpoints) - len(wrong)} of {len(endpoints)} simulated endpoints get the saved verdict.")
    lines += _group("Another verdict than the saved one", [f"{host}: {' '.join(why)}" for host, why in wrong.items()])
    unread = {host: one["unread"] for host, one in endpoints.items() if one["unread"]}
    lines += _group(
        "Rehearsed as far as they could be read", [f"{host}: {' '.join(why)}" for host, why in unread.items()]
    )
    done, held = _of(endpoints, _DONE), _of(endpoints, _HELD)
    lines += _group("Would be cured", _together(done, _cured), len(done))
    lines += _group("Not ours to change, or held", _together(held, _blocked), len(held))
    lines += _group("Would not be started", [host for host, _one in _of(endpoints, (NOT_STARTED,))])
    lines += _group("Not known well enough to plan", [host for host, _one in _of(endpoints, (_UNKNOWN,))])
    known = (*_DONE, *_HELD, *_LEFT, NOT_IN_RUN, NOT_STARTED, _UNKNOWN)
    others = [(host, one) for host, one in endpoints.items() if one["event"] not in known]
    lines += _group(
        "Would fail, or not be reached", [f"{host}: {one['event']}: {one['detail']}" for host, one in others]
    )
    lines.append(f"Nothing to do: {len(_of(endpoints, _LEFT))}.")
    if _of(endpoints, (NOT_IN_RUN,)):
        lines.append(f"Left out by the options of the run: {len(_of(endpoints, (NOT_IN_RUN,)))}.")
    lines.append(_estimate(document))
    return lines


def _estimate(document: t.Mapping[str, t.Any]) -> str:
    estimate, waves = document["estimate"], document["waves"]
    return (
        f"{document['restarts']} restarts in {len(waves)} waves: about {estimate['minutes']:g} minutes, with "
        f"{estimate['reboot_minutes']:g} minutes for a restart and at most {estimate['at_once']} at once."
    )


def _cured(one: t.Mapping[str, t.Any]) -> str:
    by_reason: dict[tuple[str, str], list[str]] = {}
    for step in one["steps"]:
        by_reason.setdefault((step["target"], step["why"]), []).append(step["name"])
    what = [f"{target.replace('_', ' ')}: {', '.join(names)}. {why}" for (target, why), names in by_reason.items()]
    times = {0: "no restart", 1: "one restart"}.get(one["restarts"], f"{one['restarts']} restarts")
    return f"{' '.join(what) or 'Nothing is written.'} Then {times}."


def _blocked(one: t.Mapping[str, t.Any]) -> str:
    if not one["blocked"]:
        return str(one["detail"])
    entry = one["blocked"][0]
    owner = " ".join(str(part) for part in (entry["owner"]["kind"], entry["owner"]["name"]) if part)
    return entry["why"] if owner == "none" else f"Owner: {owner.replace('_', ' ')}. {entry['why']}"


def _together(endpoints: t.Sequence[tuple[str, t.Any]], tell: t.Callable[[t.Any], str]) -> list[str]:
    """One line for all endpoints of which the same is to be told, in the order of their waves."""
    found: dict[str, list[str]] = {}
    for host, one in endpoints:
        wave = f" (wave {one['wave']})" if one["wave"] else ""
        found.setdefault(tell(one), []).append(f"{host}{wave}")
    lines = []
    for text, hosts in found.items():
        more = f" and {len(hosts) - _IN_A_LINE} more" if len(hosts) > _IN_A_LINE else ""
        lines.append(f"{text} {len(hosts)}: {', '.join(hosts[:_IN_A_LINE])}{more}")
    return lines


def _of(endpoints: t.Mapping[str, t.Any], events: t.Collection[str]) -> list[tuple[str, t.Any]]:
    found = [(host, one) for host, one in endpoints.items() if one["event"] in events]
    return sorted(found, key=lambda pair: (pair[1]["wave"] or 0, pair[0]))


def _group(title: str, lines: t.Sequence[str], count: int | None = None) -> list[str]:
    if not lines:
        return []
    more = [f"  and {len(lines) - _NAMED} more"] if len(lines) > _NAMED else []
    return [f"{title} ({len(lines) if count is None else count}):", *(f"  {line}" for line in lines[:_NAMED]), *more]


def _restarts(folder: pathlib.Path) -> dict[str, int]:
    """Endpoint → restarts, by the journal."""
    found: dict[str, int] = {}
    for path in sorted((folder / "journal").glob("*.jsonl")):
        if path.name == "failures.jsonl":
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = _parsed(line)
            if entry.get("event") == "rebooting":
                found[str(entry["host"])] = found.get(str(entry["host"]), 0) + 1
    return found


def _waves(folder: pathlib.Path, restarts: t.Mapping[str, int], pace: Pace) -> list[Document]:
    waves = []
    for number, path in enumerate(sorted((folder / "waves").glob("*.json")), start=1):
        hosts = sorted(_read(path).get("hosts") or {})
        count = sum(restarts.get(host, 0) for host in hosts)
        minutes = math.ceil(count / pace.at_once) * pace.reboot_minutes
        waves.append({"number": number, "endpoints": hosts, "restarts": count, "minutes": minutes})
    return waves


def _list(document: t.Mapping[str, t.Any], name: str) -> list[t.Any]:
    value = document.get(name)
    return value if isinstance(value, list) else []


def _read(path: pathlib.Path) -> Document:
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except OSError:
        return {}


def _parsed(text: str) -> Document:
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _shown(value: t.Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "nothing"
    return "nothing" if value is None else str(value)
