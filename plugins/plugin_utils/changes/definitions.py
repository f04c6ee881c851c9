# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Asking the connector for its definitions, and reading in its log what came of it.

``sfc.exe -forceupdate`` only tells the service, whose update goes on when the session that asked has ended. The tool is
found through the service's image path, because System32 has another program of that name. What it says is not
documented; the log decides (``connector/trigger.py``).
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.connector.trigger import Finished, outcome
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.cure import ConfirmedCause, Update
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts, LastUpdate
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as fact_names
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_files import RemoteFiles
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker, SessionError, command

Waiter = t.Callable[[float], bool]

LOG_LINES = 200
"""Lines that name the update; one update writes about ten."""
_PAUSE = 2.0
_LONGEST_PAUSE = 15.0


class CannotUpdate(Exception):
    """There is nothing on this endpoint that could be asked for an update; the message is one sentence."""


def update(
    asker: Asker, facts: Facts, wait: Waiter, debug: bool = False, policy: t.Mapping[str, t.Any] | None = None
) -> Update:
    """``{result, code, line, signatures, definitions_version, cause, reason}``.

    ``result`` is ``updated``, ``up_to_date``, ``failed`` or ``unknown``; ``cause`` is the most likely reason of a
    failure as the verdict would name it; ``reason`` says in one sentence why it is unknown. ``wait(seconds)`` is False
    when time is up. Raises CannotUpdate, or SessionError when the conversation is lost.
    """
    tool = sfc_exe(asker, facts)
    log = f"{tool}.log"
    before = read_lines(asker, log)
    if before is None:
        return unknown("The connector's log could not be read, so nobody could say what came of an update.")
    if debug:
        _run(asker, tool, "-l", "start")
    try:
        if not _run(asker, tool, "-forceupdate"):
            return unknown("The endpoint refused to start sfc.exe; the account may not have the right to it.")
        return _follow(asker, facts, log, before, wait, policy)
    finally:
        if debug:
            with contextlib.suppress(SessionError):
                _run(asker, tool, "-l", "stop")


def sfc_exe(asker: Asker, facts: Facts) -> str:
    """The full path of the connector's tool. Raises CannotUpdate where there is none."""
    connector = facts["connector"]
    if connector["status"] == fact_names.ABSENT:
        raise CannotUpdate("Cisco Secure Endpoint is not installed, so there is nothing to update.")
    if connector["status"] != fact_names.OK or not connector.get("folder"):
        raise CannotUpdate(f"Where the connector lies could not be read: {connector.get('reason')}")
    tool = f"{connector['folder']}\\sfc.exe"
    try:
        found = RemoteFiles(asker).exists(tool)
    except ChangeError as error:
        raise CannotUpdate(str(error)) from error
    if not found:
        raise CannotUpdate(f"The connector's service names {tool}, but no such file exists: repair the connector.")
    return tool


def read_lines(asker: Asker, log: str) -> list[str] | None:
    """The newest lines of the log that name the update; empty where there is no log yet, None where it is not known."""
    statement = (
        command(
            "Select-String",
            LiteralPath=log,
            Pattern=["Tetra", "AVStat"],
            SimpleMatch=True,
            CaseSensitive=True,
            ErrorAction="Continue",
        ),
        command("Select-Object", ExpandProperty="Line"),
        command("Select-Object", Last=LOG_LINES),
    )
    answer = asker.ask([statement])
    if answer.refusals:
        # Select-String calls a missing file an invalid argument, so its absence is asked for.
        with contextlib.suppress(ChangeError):
            if not RemoteFiles(asker).exists(log):
                return []
        return None
    return [line for line in answer.output if isinstance(line, str)]


def unknown(reason: str) -> Update:
    return {
        "result": "unknown",
        "code": None,
        "line": None,
        "signatures": None,
        "definitions_version": None,
        "cause": None,
        "reason": reason,
    }


def _follow(
    asker: Asker,
    facts: Facts,
    log: str,
    before: list[str],
    wait: Waiter,
    policy: t.Mapping[str, t.Any] | None,
) -> Update:
    pause = _PAUSE
    while True:
        after = read_lines(asker, log)
        found = outcome(before, after) if after is not None else None
        if found is not None:
            cause = _cause(facts, found, policy) if found["result"] == "failed" else None
            return {**found, "cause": cause, "reason": None}
        if not wait(pause):
            return unknown("The log told of no finished update within the time allowed.")
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def _cause(facts: Facts, found: Finished, policy: t.Mapping[str, t.Any] | None) -> ConfirmedCause | None:
    """What the verdict would say about this endpoint with this update as its last one."""
    last: LastUpdate = {
        "status": fact_names.OK,
        "reason": None,
        "result": "failed",
        "code": found["code"],
        "time": None,
        "line": found["line"],
    }
    told: Facts = {**facts, "connector": {**facts["connector"], "last_update": last}}
    cause = evaluate(told, policy)["cause"]
    return {"code": cause["code"], "confirm": cause["confirm"] or ""} if cause else None


def _run(asker: Asker, tool: str, *arguments: str) -> bool:
    return not asker.ask([(command(tool, *arguments),)]).refusals
