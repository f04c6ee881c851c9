# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""fleetops.tetra.record: facts of a module and the verdict of a filter become the record that an audit would write."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.plain_data import plain
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.checking import fault
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import Record
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import unknown_verdict
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.identity import stranger_finding
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder import results
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.begin import join_run
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.identities import Identities
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import ResultsError


def file_record(host: str, arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Files the record and says where. Facts of another host, and a verdict that is not one of these facts, are
    refused: a record has to stand for itself. Raises ResultsError or OSError."""
    run = join_run(Path(arguments["run"]))
    if host not in results.read_run_info(run.path)["hosts"]:
        raise ResultsError(f"{host} is not in the list of endpoints of {run.path}.")
    facts, verdict, error = (plain(arguments[name]) for name in ("facts", "verdict", "error"))
    if facts is None:
        error = error or {"kind": "internal", "message": "Nothing was gathered."}
        kind, message = str(error.get("kind")), str(error.get("message"))
        policy = run.policy or None
        verdict = unknown_verdict(host, kind, message, policy)
    else:
        _same_host(host, facts, verdict)
        error = None
    record: t.Any = results.make_record(host, run.token, verdict, facts, plain(arguments["timing"]), error)
    wrong = fault(Record, record)
    if wrong is not None:
        raise ResultsError(f"facts, verdict, timing and error make no record: {wrong}.")
    stranger = (
        None
        if facts is None
        else Identities(run.results_dir, tuple(arguments["accept_identity"])).stranger(host, facts)
    )
    if stranger is not None:
        record["verdict"]["findings"].append(stranger_finding(host, stranger))
    path = results.write_record(run.path, record)
    return {"changed": False, "record": str(path), "state": record["verdict"]["state"]}


def read_saved(host: str, folder: str) -> dict[str, t.Any]:
    """What the record of this host holds, and the policy of its run. Raises ResultsError where there is no run."""
    run = results.read_run(folder)
    record = run.record_of(host)
    return {"changed": False, **{name: record[name] for name in ("facts", "verdict", "timing", "error")},
            "policy": run.info["policy"] or {}}  # fmt: skip


def _same_host(host: str, facts: t.Any, verdict: t.Any) -> None:
    for name, document in (("facts", facts), ("verdict", verdict)):
        named = document.get("host") if isinstance(document, dict) else None
        if named != host:
            raise ResultsError(f"{name} is about {named!r}, and would be filed under {host!r}.")
