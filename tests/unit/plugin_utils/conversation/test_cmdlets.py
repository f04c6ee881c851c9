# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every cmdlet goes out by its module, and nothing that writes stands behind a statement that can fail."""

from __future__ import annotations

import ast
import itertools
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.cmdlets import READS, WRITES, qualified
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Session
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Command,
    Statement,
    WriteNotFirstError,
    command,
    writes_stand_first,
)

PLUGINS = Path(__file__).resolve().parents[4] / "plugins"
READ: Statement = (command("Get-Item", LiteralPath="C:\\"), command("Select-Object", Property=["Name"]))
CODE: Statement = (command("Get-Variable", Name="LASTEXITCODE", ValueOnly=True),)
PROGRAM: Statement = (command("C:\\Windows\\System32\\schtasks.exe", "/create"),)


def cim(method: str) -> Statement:
    return (command("Invoke-CimMethod", ClassName="StdRegProv", MethodName=method),)


WRITING: list[Statement] = [
    PROGRAM,
    cim("SetDWORDValue"),
    cim("CreateKey"),
    *((command(name, LiteralPath="C:\\x"),) for name in sorted(set(WRITES) - {"Invoke-CimMethod"})),
    (READ[0], command("Remove-Item")),
    (Command("Unknown-Verb"),),
    (Command("Another\\New-Thing"),),
]


@pytest.mark.parametrize("write", WRITING, ids=lambda statement: statement[-1].name)
def test_a_write_stands_first_or_is_refused(write: Statement) -> None:
    writes_stand_first([write])
    writes_stand_first([write, CODE])
    for before, after in itertools.product([[READ], [write], [CODE, READ]], [[], [CODE]]):
        with pytest.raises(WriteNotFirstError):
            writes_stand_first([*before, write, *after])


def test_reading_stands_anywhere() -> None:
    curl = (command("C:\\Windows\\System32\\curl.exe", "--head"),)
    writes_stand_first([READ, CODE, curl, CODE, cim("EnumValues"), cim("GetDWORDValue")])


def test_the_session_sends_no_such_batch() -> None:
    """Before it even connects."""
    session = Session(_NoConnection())
    with pytest.raises(WriteNotFirstError, match="remove-item writes"):
        session.ask([READ, (command("Remove-Item", LiteralPath="C:\\x"),)])
    assert session.pipelines == 0


class _NoConnection:
    transport = "psrp"
    connected = False
    runspace = None

    def close(self) -> None:
        raise AssertionError("nothing was opened")

    def _connect(self) -> None:
        raise AssertionError("nothing may be opened")

    def get_option(self, option: str) -> None:
        return None


def test_a_cmdlet_goes_out_with_its_module() -> None:
    assert command("get-itemproperty").name == "Microsoft.PowerShell.Management\\Get-ItemProperty"
    assert command("Get-TlsCipherSuite").name == "TLS\\Get-TlsCipherSuite"
    assert command("C:\\Windows\\System32\\gpupdate.exe").name == "C:\\Windows\\System32\\gpupdate.exe"
    for name, module in {**READS, **WRITES}.items():
        assert qualified(name) == f"{module}\\{name}" == qualified(qualified(name))
    with pytest.raises(ValueError, match="Get-Culture has no module"):
        command("Get-Culture")


def test_no_code_goes_past_the_table() -> None:
    """Commands are made by ``command`` alone (with a name it knows), but for programs called by their path."""
    for path in sorted(PLUGINS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
                continue
            first = node.args[0]
            if node.func.id in ("command", "going_on") and isinstance(first, ast.Constant):
                assert qualified(first.value), path
            if node.func.id == "Command" and path.name != "statements.py":
                # A program by its path, in a text of its own or in a variable; a cmdlet by its plain name is neither.
                where = f"{path.name}:{node.lineno} names a cmdlet without its module"
                kept = getattr(first, "id", getattr(first, "attr", "")).lstrip("_")
                assert isinstance(first, ast.JoinedStr) or kept == "program", where
