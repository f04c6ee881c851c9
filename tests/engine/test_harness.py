# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to the real engine itself: it answers, its registry is the one that the test wrote, and it may die."""

from __future__ import annotations

import json

import pytest

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Command,
    SessionError,
    command,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.tests.engine.conftest import MakeEngine
from ansible_collections.fleetops.tetra.tests.engine.jea import one_file
from ansible_collections.fleetops.tetra.tests.engine.process import EngineTrouble, parse_packet

KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\TetraTest"


def _read(path: str, *names: str) -> tuple[Command, ...]:
    return (
        command("Microsoft.PowerShell.Management\\Get-ItemProperty", LiteralPath=f"Registry::{path}"),
        command("Microsoft.PowerShell.Utility\\Select-Object", Property=list(names)),
    )


def test_the_engine_answers_with_the_registry_that_the_test_wrote(engine: MakeEngine) -> None:
    keys = {
        KEY: {"a": ("REG_SZ", "text \u00fc"), "list": ("REG_MULTI_SZ", ["x", "y"]), "Basis_XP": ("REG_DWORD", 7)},
        f"{KEY}\\AES 128/128": {"Enabled": ("REG_DWORD", 0)},
    }
    with engine(keys=keys, files={"C:\\Program Files\\Cisco\\x.log": b"Tetra here\r\n"}) as one:
        answer = one.ask([_read(KEY, "a", "list"), _read(f"{KEY}\\AES 128/128", "Enabled"), _read(f"{KEY}\\no", "a")])
        assert [obj.get("a") for obj in answer.output[:1]] == ["text \u00fc"]
        assert list(answer.output[0].get("list")) == ["x", "y"]
        assert answer.output[1].get("Enabled") == 0
        assert [refusal.error_id.partition(",")[0] for refusal in answer.refusals] == ["PathNotFound"]
        assert not answer.failed
        assert one.script("$ExecutionContext.SessionState.LanguageMode.ToString()") == ["FullLanguage"]
        written = command(
            "Microsoft.PowerShell.Management\\Set-ItemProperty", LiteralPath=f"Registry::{KEY}", Name="new", Value="1"
        )
        assert not one.ask([(written,)]).refusals
        assert one.keys(KEY)["Software\\TetraTest"]["new"] == (1, b"1\0\0\0")


def test_a_session_configuration_is_served(engine: MakeEngine) -> None:
    text = "@{ SchemaVersion = '2.0.0.0'; SessionType = 'Default'; LanguageMode = 'ConstrainedLanguage' }"
    with engine(keys={KEY: {"a": ("REG_SZ", "b")}}, configurations={"narrow": text}, ahead=False) as one:
        assert one.ask([_read(KEY, "a")], "narrow").output[0].get("a") == "b"
        with pytest.raises(SessionError):
            one.ask([_read(KEY, "a")], "missing")


def test_a_process_that_dies_ends_the_conversation_with_one_sentence(engine: MakeEngine) -> None:
    with engine() as one:
        one.ask([_read(KEY, "a")])
        one.machine.shells[0].process.kill()
        with pytest.raises(SessionError):
            one.ask([_read(KEY, "a")])
        assert one.machine.trouble == ["the engine's process has ended."]


@pytest.mark.parametrize("line", [b"An unknown element", b"<Data PSGuid='x'>AA==</Data>", b"<Data>AA==</Data>", b"<a"])
def test_what_is_no_packet_is_told(line: bytes) -> None:
    with pytest.raises(EngineTrouble, match="the engine printed"):
        parse_packet(line)


def test_a_role_capability_is_served_as_one_file(engine: MakeEngine) -> None:
    session = (
        "@{ SessionType = 'RestrictedRemoteServer'; LanguageMode = 'NoLanguage'\n RoleDefinitions = @{ 'a' = @{} } }"
    )
    role = (
        "# a role\n@{\n  ModulesToImport = 'Microsoft.PowerShell.Management'\n  VisibleCmdlets = @(\n"
        "    @{ Name = 'Microsoft.PowerShell.Management\\Get-ItemProperty' # one key\n"
        f"       Parameters = @{{ Name = 'LiteralPath'; ValidateSet = 'Registry::{KEY}' }} }}\n"
        "    'Microsoft.PowerShell.Utility\\Select-Object'\n  )\n  VisibleProviders = 'Registry'\n}\n"
    )
    with engine(
        keys={KEY: {"a": ("REG_SZ", "b")}}, configurations={"jea": one_file(session, role)}, ahead=False
    ) as one:
        answer = one.ask([_read(KEY, "a")], "jea")
        assert [obj.get("a") for obj in answer.output] == ["b"]
        refused = one.ask([_read("HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft", "a")], "jea")
        assert [refusal.error_id.partition(",")[0] for refusal in refused.refusals] == [
            "ParameterArgumentValidationError"
        ]
        missing = one.ask([(command("Microsoft.PowerShell.Management\\Get-Item", LiteralPath="C:\\"),)], "jea")
        assert missing.refusals[0].is_missing_command


def test_the_audit_reads_every_section_of_a_machine_with_stand_ins(engine: MakeEngine) -> None:
    with engine(mapping={"release": "10_22h2", "policy": ["TLS_RSA_WITH_AES_128_CBC_SHA"]}) as one:
        facts = collect(one.session(), "pc", "2026-01-01T00:00:00Z", None)
        bridge = one.machine.bridge
        assert bridge is not None
        assert bridge.unmatched == []
        assert {"Get-TlsCipherSuite", "Get-TlsEccCurve", "Get-CimInstance", "Invoke-CimMethod"} >= set(bridge.calls)
    read = {name: section["status"] for name, section in facts.items() if isinstance(section, dict)}
    assert read.pop("probe") == "not_read"
    assert set(read.values()) == {"ok"}, read
    assert "TLS_RSA_WITH_AES_128_CBC_SHA" in json.dumps(facts["cipher_suites"])
