# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A definition update as a task of its own."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import definitions
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.countdown import Countdown
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded, deadline
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Connection, Session
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session_failures import explain
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now

_GRACE = 60.0
_SENTENCES = {"updated": "New definitions were fetched.", "up_to_date": "The definitions are up to date."}


def update_task(
    connection: Connection, host: str, arguments: t.Mapping[str, t.Any], check_only: bool, delegated_to: str | None
) -> dict[str, t.Any]:
    """The task's result. ``changed`` is true where new definitions were fetched."""
    if delegated_to is not None:
        return _failed(f"The task is delegated to {delegated_to} in place of {host}: take delegate_to away.")
    session = Session(connection)
    seconds = float(arguments["timeout"])
    try:
        with deadline(seconds + _GRACE):
            session.open()
            facts = collect(session, host, now())
            if check_only:
                tool = definitions.sfc_exe(session, facts)
                return {
                    "changed": False,
                    **definitions.unknown("Check mode."),
                    "msg": f"{tool} would be asked for an update.",
                }
            found = definitions.update(session, facts, Countdown(seconds), arguments["debug_logging"])
    except definitions.CannotUpdate as error:
        return _failed(str(error))
    except (SessionError, DeadlineExceeded) as lost:
        session.abandon()
        return _failed(str(explain(lost, session.place, seconds)))
    known = _SENTENCES.get(found["result"]) or f"The definition update failed with {found['code']}."
    told = {name: value for name, value in found.items() if name != "reason"}
    return {"changed": found["result"] == "updated", **told, "msg": found["reason"] or known}


def _failed(message: str) -> dict[str, t.Any]:
    return {"changed": False, "failed": True, "msg": message, "result": "unknown"}
