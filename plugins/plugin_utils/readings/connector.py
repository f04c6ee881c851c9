# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Facts about the connector from the answers: version, folders, service, Tetra, its last definition update, proxy."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.connector import (
    local_xml,
    log,
    paths,
    policy_xml,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.connector.xml_paths import XmlError
from ansible_collections.fleetops.tetra.plugins.module_utils.documents import facts as d
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import PSObject
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.details import Plan
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.files import (
    file_bytes,
    file_modified,
    file_status,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import NOT_ASKED, Reply
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.survey import DOUBT, Survey
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.system import (
    moment,
    utc_offset_minutes,
    winhttp_proxy,
)

Replies = t.Mapping[str, Reply]

_ABSENT = "No service of the connector is installed."
_NOT_UNDERSTOOD = "A service came back whose name or image could not be read: it may be the connector's."
_STATES = {
    1: "Stopped",
    2: "StartPending",
    3: "StopPending",
    4: "Running",
    5: "ContinuePending",
    6: "PausePending",
    7: "Paused",
}
_START_MODES = {0: "Boot", 1: "System", 2: "Auto", 3: "Manual", 4: "Disabled"}


def connector(survey: Survey, plan: Plan, replies: Replies) -> d.Connector:
    service = survey.connector_service()
    folder = survey.registry.data(paths.REGISTRY_KEY, "InstallDir")
    install_dir = folder if isinstance(folder, str) else None
    if service is None or plan.connector is None:
        if survey.services.complete and not survey.services.refusals:
            absent: tuple[d.Status, str] = (facts.ABSENT, _ABSENT)
            why = absent if _all_understood(survey) else (facts.ERROR, _NOT_UNDERSTOOD)
            why = why if survey.shows_services() else (facts.ERROR, DOUBT)
        else:
            why = survey.services.why_not()
        return {**facts.empty_facts("", status=why[0], reason=why[1])["connector"], "install_dir": install_dir}
    layout = plan.connector
    return {
        **facts.section(facts.OK),
        "version": layout.version,
        "install_dir": install_dir or layout.install_dir,
        "folder": layout.folder,
        "service": _service(service, replies),
        "tetra": _tetra(replies),
        "definitions": _definitions(replies),
        "last_update": _last_update(replies),
    }


def _all_understood(survey: Survey) -> bool:
    """Whether every service that came back is certainly another than the connector's."""
    for obj in survey.services.values:
        name = obj.get("PSChildName") if isinstance(obj, PSObject) else None
        image = obj.get("ImagePath") if isinstance(obj, PSObject) else None
        if not isinstance(name, str) or not name.isprintable():
            return False
        if not isinstance(image, str) and paths.has_connector_name(name):
            return False
    return True


def _service(service: tuple[str, str, int | None], replies: Replies) -> d.Service:
    name, _image, start = service
    mode = _START_MODES.get(start) if start is not None else None
    reply = replies.get("service", NOT_ASKED)
    for obj in reply.values:
        if not isinstance(obj, PSObject):
            continue
        state = obj.get("Status")
        if isinstance(state, PSObject):
            number = state.get("value")
            state = _STATES.get(number) if isinstance(number, int) else state.text
        elif isinstance(state, int):
            state = _STATES.get(state)
        if isinstance(state, str):
            return {**facts.section(facts.OK), "name": name, "state": state, "start_mode": mode}
        return {
            **facts.section(facts.ERROR, "The service's state is none."),
            "name": name,
            "state": None,
            "start_mode": mode,
        }
    return {**facts.section(*reply.why_not()), "name": name, "state": None, "start_mode": mode}


def _tetra(replies: Replies) -> d.Tetra:
    data = file_bytes(replies.get("policy_xml", NOT_ASKED))
    skipped = _skip_tetra(replies)
    if data is not None:
        return policy_xml.tetra_section(data, skipped)
    if skipped:
        # Installed without Tetra: no policy can switch it on.
        return {**facts.section(facts.OK), "enabled": False, "update_server": None}
    status, reason = _why(replies, "policy_xml")
    return {**facts.section(status, reason), "enabled": None, "update_server": None}


def _skip_tetra(replies: Replies) -> bool | None:
    data = file_bytes(replies.get("local_xml", NOT_ASKED))
    if data is None:
        return None
    try:
        return local_xml.read_local(data).skip_tetra
    except XmlError:
        return None


def _definitions(replies: Replies) -> d.Definitions:
    data = file_bytes(replies.get("local_xml", NOT_ASKED))
    if data is not None:
        return local_xml.definitions_section(data)
    status, reason = _why(replies, "local_xml")
    return {**facts.section(status, reason), "version": None}


def _last_update(replies: Replies) -> d.LastUpdate:
    reply = replies.get("log_lines", NOT_ASKED)
    lines = [value for value in reply.values if isinstance(value, str)]
    if reply.refusals or not reply.complete:
        # Select-String does not say of a missing file that it is missing (seen on 7.6); the question beside it does.
        file = file_status(replies.get("log_file", NOT_ASKED))
        status, reason = file if file[0] == facts.ABSENT else _why(replies, "log_lines")
        return {**facts.section(status, reason), "result": None, "code": None, "time": None, "line": None}
    modified = moment(file_modified(replies.get("log_file", NOT_ASKED)))
    return log.last_update_section(lines, modified, utc_offset_minutes(replies))


def _why(replies: Replies, name: str) -> tuple[d.Status, str]:
    reply = replies.get(name, NOT_ASKED)
    if reply.complete and not reply.refusals:
        return facts.ERROR, "The file is empty, or holds something else than bytes."
    return reply.why_not()


def proxy(survey: Survey, replies: Replies) -> d.Proxy:
    """The ways out that the endpoint knows of: the machine's WinHTTP proxy and the connector policy's."""
    winhttp = winhttp_proxy(survey)
    data = file_bytes(replies.get("policy_xml", NOT_ASKED))
    policy: d.PolicyProxy
    if data is not None:
        policy = policy_xml.proxy_section(data)
    elif "policy_xml" in replies:
        status, reason = _why(replies, "policy_xml")
        policy = {**facts.section(status, reason), "server": None, "port": None, "type": None}
    else:
        policy = {**facts.section(facts.NOT_READ, _ABSENT), "server": None, "port": None, "type": None}
    return {**facts.section(winhttp["status"], winhttp["reason"]), "winhttp": winhttp, "policy": policy}
