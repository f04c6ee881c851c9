# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""One endpoint, from connection to record. Whatever goes wrong on the way becomes a record with state ``unknown``."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.visible import visible_all
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import Record
from ansible_collections.fleetops.tetra.plugins.module_utils.observations.document import (
    ObservationError,
    read_file,
    read_list,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.domain_values import (
    DomainPolicy,
    read_domain_policy_file,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Connection
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.gather import gather, probe_options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.judge import judge
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder import results
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.begin import RunFolder, join_run
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.identities import Identities

FACT_NAME = "fleetops_tetra"


def audit_endpoint(
    connection: Connection,
    host: str,
    arguments: t.Mapping[str, t.Any],
    delegated_to: str | None = None,
) -> tuple[Record, Path | None]:
    """Reads, judges and records one endpoint; gives the record and its path where a run was named.

    Raises ResultsError or OSError when the record cannot be written, DomainPolicyError before anything is asked.
    """
    domain = chosen_domain(arguments["domain_policy"])
    run = join_run(Path(arguments["run"])) if arguments["run"] else None
    policy = chosen_policy(arguments["policy"], run)
    token = run.token if run is not None else None
    if delegated_to is not None:
        sentence = (
            f"The task is delegated to {delegated_to}, whose facts would be filed under {host}: take delegate_to away."
        )
        record = results.unknown_record(host, "delegated", sentence, token, policy)
    else:
        probe = probe_options(arguments) if arguments["probe"] else None
        gathered = gather(connection, host, arguments["timeout"], probe, arguments["as_image"])
        # The build machine of an image is another one each time, under the same name.
        keeps = run is not None and not arguments["as_image"]
        identities = Identities(run.results_dir, tuple(arguments["accept_identity"])) if run and keeps else None
        record = judge(host, gathered, token, policy, domain, identities)
    return record, results.write_record(run.path, record) if run is not None else None


def task_result(record: Record, path: Path | None, return_facts: bool) -> dict[str, t.Any]:
    """What the task hands back: slim, since thousands of these stay in the controller's memory."""
    verdict = record["verdict"]
    cause = verdict["cause"]
    summary = {
        "state": verdict["state"],
        "cause": cause["code"] if cause else None,
        "usable": list(verdict["reachability"]["usable"]),
        "in_force": verdict["in_force"],
    }
    result: dict[str, t.Any] = {
        "changed": False,
        **summary,
        "reachability": verdict["reachability"]["answer"],
        "next_step": verdict["next_step"],
        "error": record["error"],
        "record": str(path) if path is not None else None,
        "ansible_facts": {FACT_NAME: summary},
    }
    result = visible_all(result)
    if return_facts:
        result["facts"] = record["facts"]
        result["verdict"] = verdict
    return result


def chosen_policy(given: dict[str, t.Any] | None, run: RunFolder | None) -> dict[str, t.Any] | None:
    """The policy of this judgement: what the task says, else what the run says, else the defaults. Observation files
    are read, and stand in the policy as what was seen in them. Raises ResultsError where one cannot be used."""
    if given is not None:
        return with_observations({name: value for name, value in given.items() if value is not None})
    return run.policy if run is not None and run.policy else None


def with_observations(policy: dict[str, t.Any]) -> dict[str, t.Any]:
    """``policy`` with what was seen in place of the observation files that it names. Raises ResultsError."""
    files = policy.get("observations")
    if not files:
        return policy
    try:
        found = [read_file(Path(one["file"]).name, Path(one["file"]).read_bytes(), one["sha256"]) for one in files]
        plain = [one.plain() for one in found]
        read_list(plain)
    except OSError as error:
        raise results.ResultsError(f"The observation file {error.filename} cannot be read: {error.strerror}.") from None
    except ObservationError as error:
        raise results.ResultsError(str(error)) from None
    return {**policy, "observations": plain}


def chosen_domain(path: str | None) -> DomainPolicy | None:
    """The policy of the domain in that file on the controller. Raises DomainPolicyError."""
    return read_domain_policy_file(Path(path).absolute()) if path else None
