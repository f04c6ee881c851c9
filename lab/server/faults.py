# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults that the service answers with. Code, subcode and wording are Windows's."""

from __future__ import annotations

from ansible_collections.fleetops.tetra.lab.server.soap import ADDRESSING_FAULT, Fault

_INVALID_SELECTORS = (
    "The WS-Management service cannot process the request because the request contained invalid selectors for the "
    "resource. "
)
_UNEXPECTED = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/UnexpectedSelectors"


def timed_out() -> Fault:
    """Nothing to receive within OperationTimeout. Recorded."""
    text = "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.  "
    return Fault(2150858793, "w:TimedOut", text, side="Receiver")


def aborted() -> Fault:
    """The process that serves the shell has died. Code and sentence are ERROR_OPERATION_ABORTED's (Microsoft's list of
    system error codes); the subcode is inferred."""
    text = "The I/O operation has been aborted because of either a thread exit or an application request. "
    return Fault(995, "w:InternalError", text, side="Receiver")


def unknown_shell(shell_id: str) -> Fault:
    """Code, subcode and detail recorded; the inner message is documented (Windows Error 0x8033805B)."""
    return Fault(
        2150858843,
        "w:InvalidSelectors",
        _INVALID_SELECTORS,
        message=f"The request for the Windows Remote Shell with ShellId {shell_id} failed because the shell was not "
        "found on the server. Possible causes are: the specified ShellId is incorrect or the shell no longer exists on "
        "the server. Provide the correct ShellId or create a new shell and retry the operation. ",
        detail=_UNEXPECTED,
    )


def unknown_command() -> Fault:
    """Recorded."""
    return Fault(
        2150858843,
        "w:InvalidSelectors",
        _INVALID_SELECTORS,
        message="The Windows Remote Shell received a request to perform an operation on a command identifier that does "
        "not exist. Either the command has completed execution or the client specified an invalid command identifier. ",
        detail=_UNEXPECTED,
    )


def unknown_resource(resource_uri: str) -> Fault:
    """A session configuration that does not exist. Wording documented (about_Remote_Troubleshooting); code inferred."""
    text = (
        f"The WS-Management service cannot process the request. The resource URI ({resource_uri}) was not found in the "
        "WS-Management catalog. The catalog contains the metadata that describes resources, or logical endpoints. "
    )
    return Fault(2150858752, "a:DestinationUnreachable", text, action=ADDRESSING_FAULT)


def access_denied() -> Fault:
    """The account may not use this session configuration. Documented (code 5); form inferred."""
    return Fault(5, "w:AccessDenied", "Access is denied. ")


def too_many_shells() -> Fault:
    """Code documented (wsmerror.h, ERROR_WSMAN_QUOTA_MAX_SHELLS); subcode documented (MS-WSMV 3.1.4.5.2.1)."""
    return Fault(
        2150859173,
        "w:QuotaLimit",
        "The WS-Management service cannot process the request. This user is allowed a maximum number of 30 concurrent "
        "shells, which has been exceeded. Close existing shells or raise the quota for this user. ",
    )


def unsupported_action(action: str) -> Fault:
    """An action that the lab leaves out. Form documented (WS-Addressing); wording the lab's own."""
    return Fault(
        2150858753,
        "a:ActionNotSupported",
        f"The action {action} is not supported by the simulated endpoint.",
        action=ADDRESSING_FAULT,
    )


def bad_content(text: str) -> Fault:
    """A body that is not what its action needs. Code documented (0x80338041); wording the lab's own."""
    return Fault(2150858817, "w:SchemaValidationError", f"The SOAP message does not match its schema: {text}")


def internal(text: str) -> Fault:
    """Something in the lab went wrong."""
    return Fault(1359, "w:InternalError", f"The lab could not answer: {text}", side="Receiver")
