# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Windows' event logs by ``wevtutil.exe``: its XML, since its texts are localized."""

from __future__ import annotations

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.module_utils.triage import evidence as e
from ansible_collections.fleetops.tetra.plugins.module_utils.triage import windows_texts as texts
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker, Command
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import Question, Reply, ask_all

SCHANNEL = "System"
CAPI2 = "Microsoft-Windows-CAPI2/Operational"
"""Off by default; what it logs is kept when it is switched off again."""
_SECTIONS = {SCHANNEL: "schannel_events", CAPI2: "capi2_events"}
_WHICH = {SCHANNEL: "Provider[@Name='Schannel']", CAPI2: "Level<=3"}
_MINUTES = 60
OFF = "The CAPI2 log is switched off, so it tells nothing of this time."


def read_events(asker: Asker, system_root: str, log: str, level: int | None = None) -> e.Events:
    """Events of the last hour, newest first. Raises SessionError when the conversation is lost."""
    name = _SECTIONS[log]
    query = f"*[System[{_WHICH[log]} and TimeCreated[timediff(@SystemTime) <= {_MINUTES * 60_000}]]]"
    reply = _wevtutil(
        asker, system_root, "qe", log, f"/q:{query}", "/f:xml", "/rd:true", f"/c:{texts.MOST_EVENTS}", "/e:Events"
    )
    section: e.Events
    if not reply.values:
        if reply.complete and not reply.refusals:
            section = e.section(name, level=level)
            return section
        status, reason = reply.why_not()
        section = e.section(name, facts.ERROR if status == facts.ABSENT else status, reason)
        return section
    try:
        found = texts.events(_lines(reply))
    except ValueError as error:
        section = e.section(name, facts.ERROR, f"The endpoint's events cannot be read: {error}.")
        return section
    section = e.section(name, events=found, level=level)
    return section


def is_enabled(asker: Asker, system_root: str, log: str) -> bool | None:
    """Whether a log is switched on; None where the endpoint does not say."""
    return texts.channel_enabled(_lines(_wevtutil(asker, system_root, "gl", log, "/f:xml")))


def is_empty(asker: Asker, system_root: str, log: str) -> bool:
    """Whether a log certainly holds no event."""
    reply = _wevtutil(asker, system_root, "qe", log, "/f:xml", "/c:1", "/e:Events")
    if not reply.complete or reply.refusals or not reply.values:
        return False
    try:
        return not texts.events(_lines(reply))
    except ValueError:
        return False


def _wevtutil(asker: Asker, system_root: str, *arguments: str) -> Reply:
    program = f"{system_root}\\System32\\wevtutil.exe"
    statement = (Command(program, tuple((None, argument) for argument in arguments)),)
    return ask_all(asker, [Question("events", statement, frozenset({program.lower()}))])["events"]


def _lines(reply: Reply) -> list[str]:
    return [str(value) for value in reply.values if isinstance(value, str)]
