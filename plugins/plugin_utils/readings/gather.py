# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Asking one endpoint for its facts; whatever goes wrong on the way is an error in one sentence, never an exception."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.cure import Timing
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded, deadline
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Connection, Session
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session_failures import explain
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import ProbeOptions, collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now


@dataclass(frozen=True)
class Pace:
    """How time is kept: ``limit`` raises DeadlineExceeded in its block in time, ``sleep`` waits."""

    limit: t.Callable[[float], t.ContextManager[None]] = deadline
    sleep: t.Callable[[float], None] = time.sleep


ALARM = Pace()
"""For a process that asks one endpoint."""
PAUSE = 2.0
"""Seconds before what failed for a passing reason is tried once more; a quota frees itself within seconds."""


@dataclass(frozen=True)
class Gathered:
    """What asking one endpoint came to: facts, or why there are none."""

    facts: Facts | None
    error: SessionError | None
    timing: Timing


def gather(
    connection: Connection,
    host: str,
    seconds: float,
    probe: ProbeOptions | None = None,
    as_image: bool = False,
    pace: Pace = ALARM,
) -> Gathered:
    """Asks one endpoint for its facts within so many seconds. Never raises for what the endpoint or the wire does.

    What fails for a passing reason (a quota, WinRM not ready, a connection that drops) is asked once more, from the
    beginning and within the same limit: reading twice does no harm.
    """
    started, begun = now(), time.monotonic()
    session = Session(connection, sleep=pace.sleep)
    document: Facts | None = None
    error: SessionError | None = None
    try:
        with pace.limit(seconds):
            try:
                document = _ask(session, host, started, probe, as_image)
            except SessionError as lost:
                if not lost.transient:
                    raise
                session.abandon()
                pace.sleep(PAUSE)
                document = _ask(session, host, started, probe, as_image)
    except (SessionError, DeadlineExceeded) as lost:
        error = explain(lost, session.place, seconds)
    except Exception as fault:
        error = SessionError(
            "internal", f"The collection could not make sense of the answers ({type(fault).__name__})."
        )
    if error is not None:
        session.abandon()
    timing: Timing = {
        "started_at": started,
        "seconds": round(time.monotonic() - begun, 3),
        "pipelines": session.pipelines,
    }
    return Gathered(document, error, timing)


def _ask(session: Session, host: str, started: str, probe: ProbeOptions | None, as_image: bool) -> Facts:
    session.open()
    return collect(session, host, started, probe, as_image)


def probe_options(arguments: t.Mapping[str, t.Any]) -> ProbeOptions:
    return ProbeOptions(arguments["probe_host"], arguments["probe_port"], arguments["probe_proxy"])
