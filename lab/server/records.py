# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Error records and states as Windows writes them.

Recorded shape (a terminating Write-Error over WinRM, Windows 10 1803): an ErrorRecord with its message as ToString,
the exception as an object with adapted properties and ``Type: message`` as ToString, and the category as five note
properties plus ``ErrorCategory_Message`` of the form ``Category: (name:type) [command], Reason``. psrpcore's own
ErrorRecord leaves out ToString and the colon of the category, so the record is built here.
"""

from __future__ import annotations

import enum
import functools
import typing as t

from psrpcore.types import (
    ErrorCategory,
    PSDict,
    PSInt,
    PSInt64,
    PSInvocationState,
    PSList,
    PSNoteProperty,
    PSObject,
    add_note_property,
)
from psrpcore.types._base import PSObjectMeta

from ansible_collections.fleetops.tetra.lab.pipeline import ErrorDetails

_RUNTIME = ("System.Management.Automation.RuntimeException", "System.SystemException")
_BASES: dict[str, tuple[str, ...]] = {
    "System.Management.Automation.RuntimeException": ("System.SystemException",),
    "System.Management.Automation.CommandNotFoundException": _RUNTIME,
    "System.Management.Automation.PipelineStoppedException": _RUNTIME,
    "System.Management.Automation.ParameterBindingException": _RUNTIME,
    "System.Management.Automation.ItemNotFoundException": (
        "System.Management.Automation.SessionStateException",
        *_RUNTIME,
    ),
    "System.Management.Automation.PSArgumentException": ("System.ArgumentException", "System.SystemException"),
    "Microsoft.Management.Infrastructure.CimException": ("System.SystemException",),
    "System.Security.SecurityException": ("System.SystemException",),
    "System.UnauthorizedAccessException": ("System.SystemException",),
    "System.ComponentModel.Win32Exception": (
        "System.Runtime.InteropServices.ExternalException",
        "System.SystemException",
    ),
}
_HRESULT = -2146233087
"""COR_E_SYSTEM, the value of the recorded RuntimeException."""

STOPPED = ErrorDetails(
    message="The pipeline has been stopped.",
    error_id="PipelineStopped",
    category="OperationStopped",
    exception="System.Management.Automation.PipelineStoppedException",
)


def error_record(details: ErrorDetails) -> PSObject:
    """The ErrorRecord of these details, ready to serialise."""
    reason = details.exception.rpartition(".")[2]
    invocation = _invocation(details.command) if details.command else None
    record = _object(("System.Management.Automation.ErrorRecord", "System.Object"), details.message)
    category = getattr(ErrorCategory, details.category, ErrorCategory.NotSpecified)
    summary = f"{details.category}: ({details.target_name}:{details.target_type}) [{details.command or ''}], {reason}"
    for name, value in (
        ("Exception", _exception(details)),
        ("TargetObject", details.target),
        ("FullyQualifiedErrorId", details.error_id),
        ("InvocationInfo", invocation),
        ("ErrorCategory_Category", PSInt(category.value)),
        ("ErrorCategory_Activity", details.command or ""),
        ("ErrorCategory_Reason", reason),
        ("ErrorCategory_TargetName", details.target_name),
        ("ErrorCategory_TargetType", details.target_type),
        ("ErrorCategory_Message", summary),
        ("SerializeExtendedInfo", invocation is not None),
        *(_extended(details.command or "") if invocation is not None else ()),
    ):
        add_note_property(record, name, value)
    return record


def _invocation(command: str) -> PSObject:
    """InvocationInfo of a cmdlet that was called by a client: it has no script, so no lines (recorded)."""
    info = _object((f"{_AUTOMATION}.InvocationInfo", "System.Object"), f"{_AUTOMATION}.InvocationInfo")
    info.PSObject.adapted_properties = [
        PSNoteProperty(name, value)
        for name, value in (
            ("MyCommand", command),
            ("BoundParameters", _dictionary()),
            ("UnboundArguments", _list()),
            ("ScriptLineNumber", PSInt(0)),
            ("OffsetInLine", PSInt(0)),
            ("HistoryId", PSInt64(1)),
            *((name, "") for name in ("ScriptName", "Line", "Statement", "PositionMessage", "PSScriptRoot")),
            ("PSCommandPath", None),
            ("InvocationName", command),
            ("PipelineLength", PSInt(0)),
            ("PipelinePosition", PSInt(0)),
            ("ExpectingInput", False),
            ("CommandOrigin", "Internal"),
            ("DisplayScriptPosition", None),
        )
    ]
    return info


def _extended(command: str) -> tuple[tuple[str, t.Any], ...]:
    """What RemoteStreamOptions AddInvocationInfo, which pypsrp and PowerShell ask for, adds to a record (recorded)."""
    return (
        ("InvocationInfo_BoundParameters", _dictionary()),
        ("InvocationInfo_CommandOrigin", _enumeration("CommandOrigin", 1, "Internal")),
        ("InvocationInfo_ExpectingInput", False),
        ("InvocationInfo_InvocationName", command),
        ("InvocationInfo_Line", ""),
        ("InvocationInfo_OffsetInLine", PSInt(0)),
        ("InvocationInfo_HistoryId", PSInt64(1)),
        ("InvocationInfo_PipelineIterationInfo", _numbers(("System.Int32[]", "System.Array", "System.Object"))),
        ("InvocationInfo_PipelineLength", PSInt(0)),
        ("InvocationInfo_PipelinePosition", PSInt(0)),
        ("InvocationInfo_PSScriptRoot", ""),
        ("InvocationInfo_PSCommandPath", None),
        ("InvocationInfo_PositionMessage", ""),
        ("InvocationInfo_ScriptLineNumber", PSInt(0)),
        ("InvocationInfo_ScriptName", ""),
        ("InvocationInfo_UnboundArguments", _list()),
        ("SerializeExtent", False),
        ("CommandInfo_CommandType", _enumeration("CommandTypes", 8, "Cmdlet")),
        ("CommandInfo_Definition", f"\r\n{command} [<CommonParameters>]\r\n"),
        ("CommandInfo_Name", command),
        ("CommandInfo_Visibility", _enumeration("SessionStateEntryVisibility", 0, "Public")),
        ("PipelineIterationInfo", _numbers((_ITERATION, "System.Object"), 0, 1)),
        ("PSMessageDetails", None),
    )


_AUTOMATION = "System.Management.Automation"
_CORE = "System.Private.CoreLib, Version=10.0.0.0, Culture=neutral, PublicKeyToken=7cec85d7bea7798e"
_ITERATION = f"System.Collections.ObjectModel.ReadOnlyCollection`1[[System.Int32, {_CORE}]]"


def _dictionary() -> t.Any:
    value = PSDict()
    name = f"System.Collections.Generic.Dictionary`2[[System.String, {_CORE}],[System.Object, {_CORE}]]"
    value.PSObject.type_names = [name, "System.Object"]
    return value


def _list() -> t.Any:
    value = PSList()
    value.PSObject.type_names = [f"System.Collections.Generic.List`1[[System.Object, {_CORE}]]", "System.Object"]
    return value


def _numbers(types: tuple[str, ...], *numbers: int) -> t.Any:
    value = PSList(PSInt(number) for number in numbers)
    value.PSObject.type_names = list(types)
    return value


@functools.cache
def _enumeration(name: str, number: int, text: str) -> t.Any:
    """psrpcore writes an enumeration as number, type names and ToString only for a Python enum."""
    make: t.Any = enum.Enum
    member = make(name, {text: number})[text]
    member.PSObject = PSObjectMeta([f"{_AUTOMATION}.{name}", "System.Enum", "System.ValueType", "System.Object"])
    return member


def pipeline_state(state: PSInvocationState, error: ErrorDetails | None = None) -> PSObject:
    """The PIPELINE_STATE message (MS-PSRP 2.2.2.21)."""
    message = _object((), None)
    add_note_property(message, "PipelineState", PSInt(state.value))
    if error is not None:
        add_note_property(message, "ExceptionAsErrorRecord", error_record(error))
    return message


def _exception(details: ErrorDetails) -> PSObject:
    names = (details.exception, *_BASES.get(details.exception, ()), "System.Exception", "System.Object")
    exception = _object(tuple(dict.fromkeys(names)), f"{details.exception}: {details.message}")
    data = PSDict()
    data.PSObject.type_names = ["System.Collections.ListDictionaryInternal", "System.Object"]
    properties: tuple[tuple[str, t.Any], ...] = (
        ("Message", details.message),
        ("Data", data),
        ("InnerException", None),
        ("TargetSite", None),
        ("StackTrace", None),
        ("HelpLink", None),
        ("Source", None),
        ("HResult", PSInt(_HRESULT)),
    )
    exception.PSObject.adapted_properties = [PSNoteProperty(name, value) for name, value in properties]
    return exception


def _object(type_names: t.Sequence[str], to_string: str | None) -> PSObject:
    value: t.Any = PSObject()
    value.PSObject.type_names = list(type_names)
    value.PSObject.to_string = to_string
    return t.cast(PSObject, value)
