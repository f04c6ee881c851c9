# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The endpoints of one or several runs, as small as a report needs them.

Facts are large and stay in the run folder; of each result the fleet keeps the verdict, the error and a few facts that a
reader looks for. Equal parts of verdicts are kept once: on a fleet most endpoints share theirs with hundreds of others.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.visible import visible, visible_all
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.run import Run

Document = dict[str, t.Any]

_IDENTITY: t.Final = ("schema", "host", "state")


@dataclass(frozen=True, slots=True)
class Entry:
    """One endpoint in a report."""

    host: str
    run_id: str
    """The run that this result comes from."""
    state: str
    verdict: Document
    """Without schema, host and state."""
    system: Document
    """See ``system_facts``."""
    facts_read: bool
    """False for an endpoint that could not be asked."""
    error: Document | None
    measured_at: str
    """UTC; the start of the run where the endpoint has no record of its own."""
    seconds: float | None


@dataclass(slots=True)
class RunInfo:
    """Where results come from; ``info`` is run.json."""

    path: str
    info: Run

    @property
    def run_id(self) -> str:
        return str(self.info.get("run_id") or "")

    @property
    def started_at(self) -> str:
        return str(self.info.get("started_at") or "")


@dataclass(slots=True)
class Fleet:
    """The latest result of every endpoint, in the order in which the endpoints were first seen."""

    runs: list[RunInfo] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """Sentences about damaged or foreign files and other things a reader must know."""


class FleetBuilder:
    """Takes results one by one; where a host occurs again, its latest result counts."""

    def __init__(self, selects: t.Callable[[t.Mapping[str, t.Any]], bool] | None = None) -> None:
        """Only results that ``selects`` accepts are shown; without it all are."""
        self._selects = selects
        self._fleet = Fleet()
        self._by_host: dict[str, Entry | str] = {}
        self._shared: dict[str, t.Any] = {}

    def add_run(self, run: RunInfo) -> None:
        self._fleet.runs.append(run)

    def add_problem(self, sentence: str) -> None:
        self._fleet.problems.append(sentence)

    def add(self, run: RunInfo, result: t.Mapping[str, t.Any]) -> None:
        """``result`` is a ``fleetops.tetra/result/1`` document."""
        host = str(result["host"])
        measured_at = str((result.get("timing") or {}).get("started_at") or run.started_at)
        earlier = self._by_host.get(host)
        # A host that a later run did not reach is unknown as of that run's start: later news replaces earlier news,
        # also good news.
        if earlier is not None and measured_at < (earlier if isinstance(earlier, str) else earlier.measured_at):
            return
        # A result that is not selected leaves its time behind, or an older one that is selected would come back.
        selected = self._selects is None or self._selects(result)
        self._by_host[host] = self._entry(run, result, measured_at) if selected else measured_at

    def build(self) -> Fleet:
        self._fleet.entries = [entry for entry in self._by_host.values() if isinstance(entry, Entry)]
        return self._fleet

    @property
    def first_problem(self) -> str:
        return self._fleet.problems[0] if self._fleet.problems else ""

    def _entry(self, run: RunInfo, result: t.Mapping[str, t.Any], measured_at: str) -> Entry:
        verdict = result["verdict"]
        timing = result.get("timing") or {}
        parts: Document = {name: self._share(part) for name, part in verdict.items() if name not in _IDENTITY}
        return Entry(
            host=str(result["host"]),
            run_id=run.run_id,
            state=str(verdict["state"]),
            verdict=parts,
            system=visible_all(system_facts(result.get("facts"))),
            facts_read=result.get("facts") is not None,
            error=self._share(result.get("error")),
            measured_at=visible(measured_at),
            seconds=timing.get("seconds"),
        )

    def _share(self, part: t.Any) -> t.Any:
        """The first object equal to ``part`` that was seen."""
        if part is None or isinstance(part, bool):
            return part
        text = json.dumps(part, sort_keys=True)
        known = self._shared.get(text)
        if known is None:
            # What an endpoint said is shown on pages, in cells and on terminals; the record keeps it as it was.
            known = self._shared[text] = visible_all(part)
        return known


def system_facts(facts: t.Mapping[str, t.Any] | None) -> Document:
    """What a reader wants to know of an endpoint beside its verdict; every value may be None.

    ``{computer_name, product, display_version, build, ubr, edition, kind, connector, tetra_enabled, definitions,
    last_update: {result, code, time}, last_boot, proxy, probe}``
    """
    facts = facts or {}
    system = _section(facts, "os")
    connector = _section(facts, "connector")
    last_update = _section(connector, "last_update")
    proxy = _section(facts, "proxy")
    policy_proxy = _section(proxy, "policy").get("server")
    port = _section(proxy, "policy").get("port")
    return {
        **{
            name: system.get(name)
            for name in ("computer_name", "product", "display_version", "build", "ubr", "edition", "kind")
        },
        "connector": connector.get("version"),
        "tetra_enabled": _section(connector, "tetra").get("enabled"),
        "definitions": _section(connector, "definitions").get("version"),
        "last_update": {name: last_update.get(name) for name in ("result", "code", "time")},
        "last_boot": _section(facts, "reboot").get("last_boot"),
        "proxy": (f"{policy_proxy}:{port}" if port else policy_proxy) or _section(proxy, "winhttp").get("server"),
        "probe": _section(facts, "probe").get("outcome"),
    }


def _section(document: t.Mapping[str, t.Any], name: str) -> t.Mapping[str, t.Any]:
    section = document.get(name)
    return section if isinstance(section, t.Mapping) else {}
