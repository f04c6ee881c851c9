# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A run folder added to the store: what changed since the run before, and how many are what."""

from __future__ import annotations

import typing as t
from collections import Counter
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import moment
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.visible import visible
from ansible_collections.fleetops.tetra.plugins.module_utils.history.spans import ABSENT, State
from ansible_collections.fleetops.tetra.plugins.plugin_utils.history.store import HistoryError, Store
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import read_run

_LONGEST = 200


class Added(t.NamedTuple):
    """``again``: the run was in already and nothing was done."""

    run_id: str
    endpoints: int
    changed: int
    again: bool


def add(store: Store, folder: Path, site_of: t.Callable[[t.Mapping[str, t.Any]], str] | None = None) -> Added:
    """Adds one run. ``site_of``: record -> site. Errors: HistoryError, ResultsError.

    A run that began before the newest of the store is refused, since what came after it was told already.
    """
    run = read_run(folder)
    info = run.info
    token, run_id, started_at = str(info["token"]), str(info["run_id"]), str(info["started_at"])
    if moment(started_at) is None:
        raise HistoryError(f"The run {run_id} does not say when it began: {started_at!r}.")
    states = {str(record["host"]): state_of(record, site_of) for record in run.records()}
    return add_states(store, run_id, token, started_at, str(info.get("playbook") or ""), states)


def add_states(
    store: Store, run_id: str, token: str, started_at: str, playbook: str, states: t.Mapping[str, State]
) -> Added:
    """The same for a run that is read already. Errors: HistoryError."""
    with store.begin() as connection:
        if token in store.tokens(connection):
            return Added(run_id, len(states), 0, True)
        known = store.runs(connection)
        if known and started_at < known[-1].started_at:
            raise HistoryError(
                f"The run {run_id} began at {started_at}, before the newest run of the store ({known[-1].run_id},"
                f" {known[-1].started_at}): make the store anew and add the runs in their order."
            )
        seq = store.add_run(connection, run_id, token, started_at, playbook)
        lasting = store.lasting(connection)
        ended: list[int] = []
        begun: list[tuple[int | None, str, State]] = []
        for host, state in states.items():
            before = lasting.get(host)
            if before is None:
                begun.append((None, host, state))
            elif before[2] != state:
                ended.append(before[1])
                begun.append((before[0], host, state))
        for host, (number, span, state) in lasting.items():
            if host not in states and state.state != ABSENT:
                ended.append(span)
                begun.append((number, host, State(ABSENT, "", "", state.release, state.site)))
        store.change(connection, seq, ended, begun)
        store.count(connection, seq, Counter(states.values()))
    return Added(run_id, len(states), len(begun), False)


def state_of(record: t.Mapping[str, t.Any], site_of: t.Callable[[t.Mapping[str, t.Any]], str] | None = None) -> State:
    """What history keeps of a record. ``owner``: the GPO, or the kind of owner, of the policy that counts."""
    verdict = record["verdict"]
    facts = record.get("facts") or {}
    system = facts.get("os") or {}
    cause = (verdict.get("cause") or {}).get("code") or ((record.get("error") or {}).get("kind") or "")
    return State(
        _short(verdict["state"]),
        _short(cause),
        _short(_owner(verdict)),
        _short(" ".join(str(system[name]) for name in ("product", "display_version") if system.get(name))),
        _short(site_of(record) if site_of is not None else ""),
    )


def _owner(verdict: t.Mapping[str, t.Any]) -> t.Any:
    origin = verdict.get("policy_origin") or {}
    if origin.get("origin") in (None, "none"):
        return ""
    return (origin.get("gpo") or {}).get("name") or origin.get("origin")


def _short(text: t.Any) -> str:
    return visible(str(text))[:_LONGEST] if text else ""
