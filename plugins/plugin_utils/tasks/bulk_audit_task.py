# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""All endpoints of a play, from their variables to their records."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.visible import visible_all
from ansible_collections.fleetops.tetra.plugins.plugin_utils.bulk.messages import Job, Orders
from ansible_collections.fleetops.tetra.plugins.plugin_utils.bulk.progress import Progress
from ansible_collections.fleetops.tetra.plugins.plugin_utils.bulk.supervisor import Supervisor, Tally
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import bridge, http_client, session
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.gather import probe_options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.begin import join_run
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.identities import Identities
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import STATES, read_run_info
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.audit import chosen_domain, chosen_policy
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.host_options import HostOptions

_NAMED = 100


class EngineMissing(Exception):
    """A Python package that the engine needs is not installed; the message is one sentence."""


def audit_many(hosts: t.Sequence[str], options: HostOptions, arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Asks and judges every host and files its record; gives the task's result.

    Raises EngineMissing, ResultsError and DomainPolicyError before anything is asked.
    """
    check_engine()
    domain = chosen_domain(arguments["domain_policy"])
    run = join_run(Path(arguments["run"]))
    policy = chosen_policy(arguments["policy"], run)
    # The build machine of an image is another one each time, under the same name.
    identities = None if arguments["as_image"] else Identities(run.results_dir, tuple(arguments["accept_identity"]))
    orders = Orders(run.path, run.token, policy, domain, arguments["as_image"], identities)
    probe = probe_options(arguments) if arguments["probe"] else None
    processes = arguments["processes"] or len(os.sched_getaffinity(0))

    def jobs() -> t.Iterator[Job]:
        for host in hosts:
            found, refused = options.of(host)
            yield Job(host, found, float(arguments["timeout"]), probe, refused)

    supervisor = Supervisor(orders, len(hosts), processes, arguments["at_once"])
    tally = supervisor.run(jobs(), Progress(run.path, len(read_run_info(run.path)["hosts"])).told)
    return task_result(tally)


def task_result(tally: Tally) -> dict[str, t.Any]:
    """Slim, since Ansible keeps and prints it; the records say the rest."""
    result = {
        "changed": False,
        "endpoints": tally.total,
        "counts": {state: tally.states[state] for state in STATES},
        "hosts_by_state": {state: tally.hosts.get(state, [])[:_NAMED] for state in STATES},
        "causes": dict(tally.causes.most_common()),
        "errors": dict(tally.errors.most_common()),
        "lost_processes": tally.deaths,
        "not_filed": tally.failed[:_NAMED],
    }
    return t.cast(dict[str, t.Any], visible_all(result))


def check_engine() -> None:
    """Raises EngineMissing where the engine cannot run."""
    needed = {"pypsrp": session.PYPSRP_ERROR, "h11": http_client.H11_ERROR, "greenlet": bridge.GREENLET_ERROR}
    missing = [name for name, error in needed.items() if error is not None]
    if missing:
        raise EngineMissing(
            f"The Python that runs Ansible does not have {' and '.join(missing)}: install it there, or set "
            "tetra_engine to per_host."
        )
