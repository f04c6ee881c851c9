# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enable-TlsCipherSuite and Disable-TlsCipherSuite: they edit the local list (CNG configuration)."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, TerminateError
from ansible_collections.fleetops.tetra.lab.machine.registry import MULTI_SZ, SZ, AccessDeniedError, Value
from ansible_collections.fleetops.tetra.lab.machine.schannel_model import LOCAL_KEY, POLICY_KEY
from ansible_collections.fleetops.tetra.lab.machine.sessions import SessionConfiguration
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState
from ansible_collections.fleetops.tetra.lab.machine.views import open_key
from ansible_collections.fleetops.tetra.lab.pipeline import Event

_BOTTOM = 0xFFFFFFFF


def _names(call: Call) -> list[str]:
    """The local list, if the account may change it. Raises what the cmdlets raise: errors that end the pipeline."""
    try:
        open_key(call.state, call.session, LOCAL_KEY, "write")
    except AccessDeniedError:
        raise TerminateError(
            call.error(
                "registry_denied",
                error_id="System.UnauthorizedAccessException",
                category="PermissionDenied",
                exception="System.UnauthorizedAccessException",
                target=call.text("Name"),
            )
        ) from None
    policy = call.state.registry.get(POLICY_KEY, "Functions")
    if policy is not None and policy.type == SZ and call.state.behaviours["suite_cmdlets_with_policy"] == "error":
        raise TerminateError(
            call.error(
                "parameter_sets",
                error_id="System.InvalidOperationException",
                category="InvalidOperation",
                exception="System.InvalidOperationException",
                target=call.text("Name"),
            )
        )
    value = call.state.registry.get(LOCAL_KEY, "Functions")
    return list(value.data) if value is not None and value.type == MULTI_SZ else list(call.state.release.local_list)


def _store(call: Call, names: list[str]) -> None:
    call.state.registry.set(LOCAL_KEY, "Functions", Value(MULTI_SZ, tuple(names)))


def _enable(call: Call) -> t.Iterator[Event]:
    names, name = _names(call), call.text("Name")
    if name not in call.state.release.supported:
        raise TerminateError(
            call.error(
                "cannot_convert",
                "Name",
                name,
                error_id="System.ArgumentException",
                category="InvalidArgument",
                exception="System.ArgumentException",
                target=name,
            )
        )
    position = call.number("Position", _BOTTOM)
    if name in names:
        names.remove(name)
    names.insert(min(position, len(names)), name)
    _store(call, names)
    yield from ()


def _disable(call: Call) -> t.Iterator[Event]:
    names, name = _names(call), call.text("Name")
    _store(call, [known for known in names if known != name])
    yield from ()


def _available(state: WindowsState, session: SessionConfiguration) -> bool:
    missing_on_core = session.core and state.behaviours["tls_module_on_powershell_7"] == "missing"
    return state.release.has_cmdlets and not missing_on_core


_NAMESPACE = "Microsoft.WindowsAuthenticationProtocols.Commands"
CMDLETS = (
    Cmdlet(
        "Enable-TlsCipherSuite",
        "TLS",
        f"{_NAMESPACE}.EnableTlsCipherSuite",
        {"Name": Parameter(position=0, mandatory=True), "Position": Parameter(position=1)},
        _enable,
        available=_available,
    ),
    Cmdlet(
        "Disable-TlsCipherSuite",
        "TLS",
        f"{_NAMESPACE}.DisableTlsCipherSuite",
        {"Name": Parameter(position=0, mandatory=True)},
        _disable,
        available=_available,
    ),
)
