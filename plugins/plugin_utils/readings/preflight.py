# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Why a first contact with an endpoint fails, in one sentence, and what else its variables and its session tell."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded, deadline
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Connection, Session
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session_failures import explain
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings import role_check
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.details import Shell
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import ask_all
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.survey import Survey, questions
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.system import psrp

PSRP_NAMES: t.Final[dict[str, str]] = {
    "ansible_winrm_host": "ansible_psrp_host",
    "ansible_winrm_user": "ansible_psrp_user",
    "ansible_winrm_port": "ansible_psrp_port",
    "ansible_winrm_scheme": "ansible_psrp_protocol",
    "ansible_winrm_path": "ansible_psrp_path",
    "ansible_winrm_transport": "ansible_psrp_auth",
    "ansible_winrm_server_cert_validation": "ansible_psrp_cert_validation",
    "ansible_winrm_ca_trust_path": "ansible_psrp_ca_cert",
    "ansible_winrm_cert_pem": "ansible_psrp_certificate_pem",
    "ansible_winrm_cert_key_pem": "ansible_psrp_certificate_key_pem",
    "ansible_winrm_message_encryption": "ansible_psrp_message_encryption",
    "ansible_winrm_proxy": "ansible_psrp_proxy",
    "ansible_winrm_connection_timeout": "ansible_psrp_connection_timeout",
    "ansible_winrm_operation_timeout_sec": "ansible_psrp_operation_timeout",
    "ansible_winrm_read_timeout_sec": "ansible_psrp_read_timeout",
    "ansible_winrm_kerberos_delegation": "ansible_psrp_negotiate_delegate",
    "ansible_winrm_kerberos_hostname_override": "ansible_psrp_negotiate_hostname_override",
    "ansible_winrm_service": "ansible_psrp_negotiate_service",
}
"""Variables that ``winrm`` reads and ``psrp`` does not, and what takes their place. psrp reads the variables for the
password under their winrm names as well."""


def examine(
    connection: Connection, variables: t.Mapping[str, t.Any], seconds: float, delegated_to: str | None = None
) -> dict[str, t.Any]:
    """``{ready, sentence, kind, advice}`` of one endpoint. Never raises for what the endpoint or the wire does."""
    advice = unread_variables(variables)
    session = Session(connection)
    try:
        if delegated_to is not None:
            raise SessionError("delegated", "The task is delegated, so it would try the wrong host.")
        with deadline(seconds):
            session.open()
            table = session.version_table()
            shell = Shell(_text(table.get("PSVersion")), _text(table.get("PSEdition")))
            survey = Survey.read(ask_all(session, questions(), shell.runs_batches))
            limited = role_check.is_of_a_site(session.configuration()) and survey.build is not None
            lacking = role_check.lacking(session, survey, shell) if limited else []
            beyond = role_check.beyond_the_roles(session, survey) if limited else []
    except (SessionError, DeadlineExceeded) as lost:
        session.abandon()
        error = explain(lost, session.place, seconds)
        return {"ready": False, "sentence": str(error), "kind": error.kind, "advice": advice}
    about = psrp(survey, shell, session.configuration())
    readable = survey.build is not None
    sentence = (
        f"{session.place} answers: Windows build {survey.build}, PowerShell {about['powershell_version']}, session "
        f"configuration {about['configuration_name']}."
        if readable
        else f"{session.place} opens a session, but does not let the registry be read: {_first(survey)}"
    )
    advice += session_advice(about, survey)
    if lacking:
        sentence = (
            f"{session.place} answers, but its session configuration {about['configuration_name']} does not let the "
            f"audit ask with {', '.join(lacking)}: compare it with docs/jea."
        )
    if beyond:
        advice.append(
            f"The session configuration {about['configuration_name']} allows more than the roles of docs/jea: "
            f"{', '.join(beyond)} was answered."
        )
    ready = readable and not lacking
    return {"ready": ready, "sentence": sentence, "kind": None if ready else "answer", "advice": advice}


def unread_variables(variables: t.Mapping[str, t.Any]) -> list[str]:
    """One sentence for each winrm variable of the host that psrp does not read and that has no psrp twin beside it."""
    return [
        f"{old} is not read by psrp: use {new}."
        for old, new in PSRP_NAMES.items()
        if old in variables and new not in variables
    ]


def session_advice(about: t.Mapping[str, t.Any], survey: Survey) -> list[str]:
    """What the session itself says about how well it can be asked."""
    advice = []
    if survey.is_redirected:
        advice.append("The session is a 32-bit one and sees another part of the registry: use a 64-bit configuration.")
    if about["edition"] == "Core":
        advice.append("The session is PowerShell 7: the TLS cmdlets may be missing or answer in another form.")
    if about["administrator"] is False:
        advice.append("The account is no full administrator: WMI, RSoP and service state may be refused.")
    version = str(about["powershell_version"] or "")
    if version.startswith("2."):
        advice.append("PowerShell 2.0 takes one question at a time and has no CIM cmdlets: the audit is slower there.")
    return advice


def _first(survey: Survey) -> str:
    from_registry = survey.registry.key(r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion")
    return from_registry.reason or "the answer was empty."


def _text(value: t.Any) -> str | None:
    return value if isinstance(value, str) else None
