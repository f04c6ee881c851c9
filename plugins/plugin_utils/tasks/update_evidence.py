# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The one definition update of a diagnosis, with all that is logged and captured meanwhile."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.connector import xml_paths
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import ABSENT, NOT_READ, OK
from ansible_collections.fleetops.tetra.plugins.module_utils.triage import evidence as e
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.timeline import log_time
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import definitions
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.evidence_taking import (
    EvidenceTaking,
    Options,
    Taken,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_files import RemoteFiles
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker, PSObject, command
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings import event_logs
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import select
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now

LEAST_FREE = 1_000_000_000
"""Bytes that must be free beside the capture itself."""
_DEBUG = "549755813887"
_LEVEL = ("Object", "config", "agent", "log", "level")
_TRAY = ("Object", "config", "ui", "log", "level")
_SERIAL = ("Object", "config", "janus", "policy", "serial_number")
_OTHER_LOGS = 4
_LINES = 40
_Values = t.Mapping[tuple[str, ...], str]


def take(
    asker: Asker,
    facts: t.Any,
    found: e.Evidence,
    system_root: str,
    arguments: t.Mapping[str, t.Any],
    wait: t.Callable[[float], bool],
) -> Taken:
    """Asks for one update and fills ``update``, ``logging`` and ``capi2_events`` of the evidence.

    Raises SessionError when the conversation is lost.
    """
    try:
        sfc = definitions.sfc_exe(asker, facts)
    except definitions.CannotUpdate as error:
        status = ABSENT if "no such file" in str(error) else NOT_READ
        found["update"] = e.section("update", status, str(error))
        return Taken(why_not="No update could be asked for, so nothing was captured.")
    install_dir = facts["connector"]["install_dir"]
    before = _policy(asker, install_dir)
    taking = EvidenceTaking(asker, system_root, sfc, _options(found, arguments, before.get(_LEVEL) == _DEBUG))
    if arguments["capture"] and not taking.options.capture:
        taking.taken.why_not = "The disk is nearly full, so nothing was captured."
    elif not arguments["capture"]:
        taking.taken.why_not = "No capture was asked for."
    began, started = now(), time.monotonic()
    try:
        taking.begin()
    except ChangeError as error:
        taking.taken.why_not = str(error)
    try:
        update = definitions.update(asker, facts, wait, policy=None)
        lines = definitions.read_lines(asker, f"{sfc}.log") or []
        others = _other_lines(asker, sfc.rpartition("\\")[0])
        if taking.taken.capi2 in ("on_already", "switched_on"):
            found["capi2_events"] = event_logs.read_events(asker, system_root, event_logs.CAPI2)
        if arguments["support_bundle"]:
            taking.taken.bundle = taking.bundle(wait)
    finally:
        taken = taking.end(wait, time.monotonic() - started)
    offset = found["clock"]["utc_offset_minutes"]

    def timed(told: t.Iterable[str], prefix: str = "") -> list[e.LogLine]:
        return [{"time": log_time(line, found["taken_at"], offset), "text": f"{prefix}{line}"[:500]} for line in told]

    result = update["result"] if update["result"] != "unknown" else None
    found["update"] = e.section(
        "update",
        reason=update["reason"],
        result=result,
        code=update["code"],
        line=update["line"],
        signatures=update["signatures"],
        began=began,
        lines=timed(lines[-_LINES:]),
    )
    other = [line for name, told in others for line in timed(told[-_LINES:], f"{name}: ")]
    found["logging"] = _logging(before, _policy(asker, install_dir), taken, other)
    found["notes"] += _notes(found["logging"])
    return taken


def _options(found: e.Evidence, arguments: t.Mapping[str, t.Any], already: bool) -> Options:
    megabytes, disk = int(arguments["capture_megabytes"]), found["disk"]
    room = disk["status"] != OK or disk["free_bytes"] > LEAST_FREE + megabytes * 1_000_000
    return Options(megabytes, float(arguments["end_after_minutes"]), bool(arguments["capture"]) and room, not already)


def _policy(asker: Asker, install_dir: str | None) -> _Values:
    """Log levels and serial number of the policy; empty where it cannot be read."""
    if install_dir is None:
        return {}
    try:
        data = RemoteFiles(asker).read(f"{install_dir}\\policy.xml")
        return xml_paths.read_paths(data or b"", [_LEVEL, _TRAY, _SERIAL])
    except (ChangeError, xml_paths.XmlError):
        return {}


def _logging(before: _Values, after: _Values, taken: Taken, other: list[e.LogLine]) -> e.Logging:
    level, tray = before.get(_LEVEL), before.get(_TRAY)
    ended = before[_SERIAL] != after[_SERIAL] if _SERIAL in before and _SERIAL in after else None
    connector = "by_policy" if level == _DEBUG else "switched_on" if taken.logging else "not_switched_on"
    made: e.Logging = e.section(
        "logging",
        connector=connector,
        tray=None if tray is None else "debug" if tray == _DEBUG else "default",
        capi2=taken.capi2,
        ended_by_policy=ended,
        other_lines=other,
    )
    return made


def _notes(logging: e.Logging) -> list[str]:
    found = []
    if logging["connector"] == "by_policy":
        found.append("Debug logging was on already by the policy, and was left on.")
    if logging["tray"] == "debug":
        found.append("The tray's debug logging is on by the policy.")
    elif logging["tray"] == "default":
        found.append("The tray logs at its default level: only the policy can raise it (Client User Interface).")
    if logging["ended_by_policy"]:
        found.append("The policy was updated meanwhile, which ends debug logging: the log may tell less.")
    if logging["capi2"] == "refused":
        found.append("Windows refused to switch its log of certificate checks (CAPI2) on.")
    return found


def _other_lines(asker: Asker, folder: str) -> list[tuple[str, list[str]]]:
    """Lines about the update in the logs beside ``sfc.exe.log``; the tray's is among them, its name not documented."""
    pattern = f"{folder}\\*.log"
    answer = asker.ask([(command("Get-ChildItem", Path=pattern, ErrorAction="Continue"), select("FullName"))])
    names = [thing.get("FullName") for thing in answer.output if isinstance(thing, PSObject)]
    paths = [name for name in names if isinstance(name, str)]
    others = [path for path in paths if not path.rpartition("\\")[2].lower().startswith("sfc.exe")]
    found = [(path.rpartition("\\")[2], definitions.read_lines(asker, path) or []) for path in others[:_OTHER_LOGS]]
    return [(name, lines) for name, lines in found if lines]
