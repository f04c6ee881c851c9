# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small machine of the tests' own, and clients that nobody here wrote."""

from __future__ import annotations

import time
import typing as t

from psrpcore import types as ps
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from ansible_collections.fleetops.tetra.lab.pipeline import (
    Blocking,
    Caller,
    Clixml,
    Command,
    ErrorDetails,
    Event,
    HostExit,
    NonTerminatingError,
    Output,
    Restart,
    Statement,
    TerminatingError,
    Wait,
)
from ansible_collections.fleetops.tetra.lab.running import RunningFleet

PATH_NOT_FOUND = ErrorDetails(
    message="Cannot find path 'HKLM:\\Nowhere' because it does not exist.",
    error_id="PathNotFound,Microsoft.PowerShell.Commands.GetItemPropertyCommand",
    category="ObjectNotFound",
    exception="System.Management.Automation.ItemNotFoundException",
    command="Get-ItemProperty",
    target="HKLM:\\Nowhere",
    target_name="HKLM:\\Nowhere",
    target_type="String",
)
RECORDED = (
    b'<Obj RefId="0"><TN RefId="0"><T>Recorded.Type</T><T>System.Object</T></TN><MS><S N="a">1 &amp; 2</S></MS></Obj>'
)


class Echo:
    """Answers a handful of made-up cmdlets; everything else is not found, as on Windows."""

    def __init__(self) -> None:
        self.callers: list[Caller] = []
        self.boots: list[int] = []
        self.statements: list[tuple[Statement, ...]] = []
        self.version_table: dict[str, t.Any] = {
            "PSVersion": "5.1.17763.1",
            "PSEdition": "Desktop",
            "BuildVersion": "10.0.17763.1",
            "WSManStackVersion": "3.0",
        }

    def application_private_data(self, caller: Caller) -> dict[str, t.Any]:
        return {"PSVersionTable": dict(self.version_table)}

    def invoke(self, statements: t.Sequence[Statement], caller: Caller) -> t.Generator[Event, t.Any, None]:
        self.callers.append(caller)
        self.statements.append(tuple(statements))
        for statement in statements:
            for command in statement:
                yield from self._command(command, caller)

    def _command(self, command: Command, caller: Caller) -> t.Generator[Event, t.Any, None]:
        name = command.name.lower()
        if name == "get-object":
            value = ps.PSCustomObject(PSTypeName="Selected.Thing")
            ps.add_note_property(value, "Name", "TLS_AES_128_GCM_SHA256")
            ps.add_note_property(value, "CipherSuite", ps.PSUInt(0x1301))
            ps.add_note_property(value, "Protocols", [ps.PSUInt(771), ps.PSUInt(772)])
            yield Output(value)
        elif name == "get-parameters":
            yield Output(repr(command.parameters))
        elif name == "get-recorded":
            yield Output(Clixml(RECORDED))
        elif name == "get-many":
            for number in range(3000):
                yield Output(f"{number:05} " + "x" * 100)
        elif name == "get-large":
            yield Output("y" * 300_000)
        elif name == "get-null":
            yield Output(None)
        elif name == "get-itemproperty":
            yield NonTerminatingError(PATH_NOT_FOUND)
        elif name == "start-sleep":
            yield Wait(float(dict(command.parameters)["Seconds"]))
        elif name == "test-handshake":
            yield Output((yield Blocking(lambda: f"worked {time.monotonic() > 0}")))
        elif name == "restart-computer":
            yield Restart(0.05, dict(command.parameters).get("For"), up=lambda: self.boots.append(1))
        elif name == "break":
            raise RuntimeError("a bug of the machine")
        elif command.is_script and name.endswith("exit $lastexitcode"):
            yield Output("script")
            yield HostExit(7)
        elif command.is_script and name == "echo input":
            yield Output(repr(caller.extra["input"]))
        else:
            yield TerminatingError(
                ErrorDetails(
                    message=f"The term '{command.name[:40]}' is not recognized as the name of a cmdlet, function, "
                    "script file, or operable program.",
                    error_id="CommandNotFoundException",
                    category="ObjectNotFound",
                    exception="System.Management.Automation.CommandNotFoundException",
                    target=command.name[:40],
                    target_name=command.name[:40],
                    target_type="String",
                )
            )


def echo(name: str, mapping: dict[str, t.Any]) -> Echo:
    return Echo()


def client(fleet: RunningFleet, name: str, **changes: t.Any) -> WSMan:
    """pypsrp's client for this endpoint, as its inventory would set it up."""
    transport = next(endpoint.transport for endpoint in fleet.fleet if endpoint.name == name)
    auth = changes.get("auth", transport.auth[0])
    options: dict[str, t.Any] = {
        "port": fleet.ports[name],
        "username": transport.user,
        "password": transport.password,
        "ssl": transport.tls,
        "auth": auth,
        "encryption": "never" if auth == "basic" else "auto",
        "cert_validation": str(fleet.ca_file) if transport.tls else True,
        "no_proxy": True,
        "connection_timeout": 5,
        "read_timeout": 5,
        "operation_timeout": 4,
        "reconnection_backoff": 0.01,
    }
    options.update(changes)
    return WSMan("127.0.0.1", **options)


def ask(pool: RunspacePool, *cmdlets: str) -> PowerShell:
    """Runs cmdlets, each a statement of its own, in one pipeline."""
    pipeline = PowerShell(pool)
    for number, cmdlet in enumerate(cmdlets):
        if number:
            pipeline.add_statement()
        pipeline.add_cmdlet(cmdlet)
    pipeline.invoke()
    return pipeline
