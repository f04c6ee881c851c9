# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing a simulated endpoint: registry, files, policy, suites, restart, definition update."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.machine import group_policy
from ansible_collections.fleetops.tetra.lab.machine.policy_file import (
    Entry,
    PolicyFileError,
    read_registry_pol,
    write_registry_pol,
)
from ansible_collections.fleetops.tetra.lab.machine.registry import DWORD, MULTI_SZ, SZ, Value
from ansible_collections.fleetops.tetra.lab.machine.schannel_model import LOCAL_KEY, POLICY_KEY
from ansible_collections.fleetops.tetra.lab.pipeline import Caller, Command, Restart

GOOD = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
BAD = "TLS_RSA_WITH_AES_128_CBC_SHA"
AT = f"Registry::{POLICY_KEY}"
SFC = r"C:\Program Files\Cisco\AMP\7.5.3.20938\sfc.exe"
LOG = SFC + ".log"


def command(name: str, *positional: t.Any, **named: t.Any) -> Command:
    given: list[tuple[str | None, t.Any]] = [(key, None if value is True else value) for key, value in named.items()]
    return Command(name, parameters=(*given, *((None, value) for value in positional)))


def cim(method: str, **arguments: t.Any) -> Command:
    given = {"hDefKey": 0x80000002, **arguments}
    return command("Invoke-CimMethod", ClassName="StdRegProv", MethodName=method, Arguments=given)


def restarts(ask: t.Any, *arguments: str) -> list[Restart]:
    shutdown = command(r"C:\Windows\System32\shutdown.exe", *arguments)
    return [event for event in ask.endpoint.invoke([(shutdown,)], Caller("lab")) if isinstance(event, Restart)]


@pytest.mark.parametrize(
    "kind,value,stored",
    [
        ("String", "a,b", Value(SZ, "a,b")),
        ("MultiString", ["a", "b"], Value(MULTI_SZ, ("a", "b"))),
        ("DWord", -1, Value(DWORD, 0xFFFFFFFF)),
        ("DWord", 0xFFFFFFFF, Value(DWORD, 0xFFFFFFFF)),
    ],
)
def test_a_typed_value_is_stored_as_that_type(windows: t.Any, kind: str, value: t.Any, stored: Value) -> None:
    ask = windows(policy="old")
    reply = ask(command("Set-ItemProperty", LiteralPath=AT, Name="Functions", Value=value, Type=kind))
    assert (reply.output, reply.errors, reply.end) == ([], [], None)
    assert ask.state.registry.get(POLICY_KEY, "Functions") == stored


def test_writing_to_a_missing_key_and_with_a_wrong_value(windows: t.Any) -> None:
    ask = windows()
    missing = ask(command("Set-ItemProperty", LiteralPath=r"HKLM:\SOFTWARE\Nope", Name="x", Value="y"))
    assert missing.errors[0].error_id == "PathNotFound,Microsoft.PowerShell.Commands.SetItemPropertyCommand"
    wrong = ask(command("Set-ItemProperty", LiteralPath=r"HKLM:\SOFTWARE", Name="x", Value="y", Type="DWord"))
    assert (wrong.errors[0].category, wrong.end) == ("WriteError", None)


def test_new_item_with_force_empties_a_key_and_without_refuses(windows: t.Any) -> None:
    ask = windows(policy="A", curves={"policy": ["NistP256"]})
    refused = ask(command("New-Item", Path=AT))
    assert refused.errors[0].category == "ResourceExists"
    assert ask.state.registry.get(POLICY_KEY, "EccCurves") is not None
    ask(command("New-Item", Path=AT, Force=True))
    assert ask.state.registry.find(POLICY_KEY).values == {}


def test_a_key_and_the_missing_ones_above_it(windows: t.Any) -> None:
    ask = windows()
    ask.state.registry.delete(POLICY_KEY.rpartition("\\")[0])
    assert len(ask(command("New-Item", Path=AT)).errors) == 1
    assert len(ask(command("New-Item", Path=AT.rpartition("\\")[0])).output) == 1
    assert len(ask(command("New-Item", Path=AT)).output) == 1
    assert ask(command("Remove-Item", LiteralPath=AT)).errors == []
    assert ask.state.registry.find(POLICY_KEY) is None


def test_removing_a_value_twice(windows: t.Any) -> None:
    ask = windows(policy="A")
    asked = command("Remove-ItemProperty", LiteralPath=AT, Name="functions")
    assert ask(asked).errors == []
    assert ask(asked).errors[0].category == "InvalidArgument"


def test_keys_with_a_slash_are_written_through_wmi(windows: t.Any) -> None:
    ask = windows(behaviours={"cim_list_argument": "refused"})
    key = r"SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Ciphers\AES 128/128"
    codes = [
        int(ask(one).output[0].ReturnValue)
        for one in (
            cim("SetDWORDValue", sSubKeyName=key, sValueName="Enabled", uValue=0),
            cim("CreateKey", sSubKeyName=key),
            cim("SetDWORDValue", sSubKeyName=key, sValueName="Enabled", uValue=0xFFFFFFFF),
            cim("DeleteValue", sSubKeyName=key, sValueName="Nope"),
        )
    ]
    assert codes == [2, 0, 0, 2]
    assert ask.state.registry.get(f"HKEY_LOCAL_MACHINE\\{key}", "Enabled") == Value(DWORD, 0xFFFFFFFF)
    refused = ask(cim("SetMultiStringValue", sSubKeyName=key, sValueName="x", sValue=["a"]))
    assert refused.errors[0].category == "InvalidArgument"


@pytest.mark.parametrize("mapping", [{"account": "filtered"}, {"write_denied": [POLICY_KEY]}])
def test_a_write_that_is_denied_changes_nothing(windows: t.Any, mapping: dict[str, t.Any]) -> None:
    ask = windows(policy="A", **mapping)
    before = ask.state.dump()
    reply = ask(command("Set-ItemProperty", LiteralPath=AT, Name="Functions", Value="B"))
    assert reply.errors[0].category == "PermissionDenied"
    (answer,) = ask(cim("SetStringValue", sSubKeyName=POLICY_KEY.partition("\\")[2], sValueName="x", sValue="y")).output
    assert int(answer.ReturnValue) == 5
    assert ask.state.dump() == before
    assert len(ask(command("Get-ItemProperty", LiteralPath=AT)).output) == 1


def test_a_file_is_replaced_by_a_move(windows: t.Any) -> None:
    ask = windows(policy="A", origin="local_gpo")
    pol = group_policy.REGISTRY_POL
    data = write_registry_pol([Entry("a", "b", SZ, b"x\0\0\0")])
    assert ask(command("Set-Content", LiteralPath=f"{pol}.tmp", Value=data, Encoding="Byte")).errors == []
    refused = ask(command("Move-Item", LiteralPath=f"{pol}.tmp", Destination=pol))
    assert refused.errors[0].error_id.startswith("MoveFileInfoItemIOError,")
    assert ask(command("Move-Item", LiteralPath=f"{pol}.tmp", Destination=pol, Force=True)).errors == []
    assert (ask.state.files.find(pol).data, ask.state.files.find(f"{pol}.tmp")) == (data, None)


def test_a_full_disk_leaves_a_truncated_file_and_an_error(windows: t.Any) -> None:
    ask = windows(free_bytes=3)
    reply = ask(command("Set-Content", LiteralPath=r"C:\ProgramData\x.bin", Value=b"12345", Encoding="Byte"))
    assert reply.errors[0].category == "WriteError"
    assert ask.state.files.find(r"C:\ProgramData\x.bin").data == b"123"


def test_folders_are_made_once(windows: t.Any) -> None:
    ask = windows()
    made = command("New-Item", Path=r"C:\ProgramData\fleetops.tetra", ItemType="Directory")
    assert len(ask(made).output) == 1
    assert ask(made).errors[0].category == "ResourceExists"
    assert (
        ask(command("Set-Content", LiteralPath=r"C:\ProgramData\none\x", Value="a")).errors[0].category
        == "ObjectNotFound"
    )


def gpupdate(*more: str) -> Command:
    return command(r"C:\Windows\System32\gpupdate.exe", "/target:computer", *more)


def test_a_refresh_follows_the_local_policy_when_its_version_changed(windows: t.Any) -> None:
    ask = windows(policy=BAD, origin="local_gpo")
    key = POLICY_KEY.partition("\\")[2]
    now = ask.state.now()
    pol = write_registry_pol([Entry(key, "Functions", SZ, f"{GOOD}\0".encode("utf-16-le"))])
    ask.state.files.write(group_policy.REGISTRY_POL, pol, now)
    ask(gpupdate())
    assert ask.state.registry.get(POLICY_KEY, "Functions").data == BAD, "the version is the same"
    ask.state.files.write(group_policy.GPT_INI, b"[General]\r\nVersion=4\r\n", now)
    ask(gpupdate())
    assert ask.state.registry.get(POLICY_KEY, "Functions").data == GOOD
    assert [row.data.decode("utf-16-le") for row in ask.state.rsop_rows] == [f"{GOOD}\0"]
    assert ask.state.offer().suites == (BAD,), "in force only after a boot"


def test_a_policy_that_goes_takes_its_value_along(windows: t.Any) -> None:
    ask = windows(policy=BAD, origin="local_gpo")
    ask.state.registry.set(POLICY_KEY, "ByHand", Value(SZ, "stays"))
    ask.state.files.write(group_policy.REGISTRY_POL, write_registry_pol([]), ask.state.now())
    ask(gpupdate("/force"))
    assert ask.state.registry.get(POLICY_KEY, "Functions") is None
    assert ask.state.registry.get(POLICY_KEY, "ByHand") is not None


def test_domain_policy_comes_back(windows: t.Any) -> None:
    ask = windows(policy=BAD, origin={"kind": "domain_gpo", "comes_back": True}, domain="corp.example")
    ask(command("Set-ItemProperty", LiteralPath=AT, Name="Functions", Value=GOOD))
    ask(gpupdate())
    assert ask.state.registry.get(POLICY_KEY, "Functions").data == GOOD, "skipped: no new version"
    (restart,) = restarts(ask, "/r", "/t", "0")
    assert restart.up is not None
    restart.up()
    assert ask.state.offer().suites == (BAD,)


def test_a_refresh_that_does_not_take(windows: t.Any) -> None:
    ask = windows(policy=BAD, origin={"kind": "domain_gpo"}, refresh="ignored")
    ask(command("Set-ItemProperty", LiteralPath=AT, Name="Functions", Value=GOOD))
    ask(gpupdate("/force"))
    assert ask.state.registry.get(POLICY_KEY, "Functions").data == GOOD


def test_a_damaged_policy_file_is_skipped(windows: t.Any) -> None:
    for damaged in (b"", b"PReg", b"PReg\1\0\0\0[\0", write_registry_pol([Entry("k", "v", SZ, b"abcd")])[:-3]):
        if damaged[:8] == b"PReg\1\0\0\0":
            with pytest.raises(PolicyFileError):
                read_registry_pol(damaged)
        ask = windows(policy=BAD)
        ask.state.files.write(group_policy.REGISTRY_POL, damaged, ask.state.now())
        ask(gpupdate("/force"))
        assert ask.state.registry.get(POLICY_KEY, "Functions").data == BAD


def test_enable_and_disable_edit_the_local_list(windows: t.Any) -> None:
    ask = windows(release="10_22h2", local=[BAD])
    assert ask(command("Enable-TlsCipherSuite", Name=GOOD, Position=0)).end is None
    assert ask.state.registry.get(LOCAL_KEY, "Functions") == Value(MULTI_SZ, (GOOD, BAD))
    assert ask(command("Enable-TlsCipherSuite", Name="TLS_NOPE")).end is not None
    ask(command("Disable-TlsCipherSuite", Name=BAD))
    assert ask.state.registry.get(LOCAL_KEY, "Functions") == Value(MULTI_SZ, (GOOD,))
    assert ask.state.offer().suites == (BAD,)
    now = windows(release="10_22h2", local=[BAD], behaviours={"local_list_in_force": "at_once"})
    now(command("Enable-TlsCipherSuite", Name=GOOD))
    assert now.state.offer().suites == (BAD, GOOD)
    denied = windows(account="filtered")(command("Enable-TlsCipherSuite", Name=GOOD))
    assert denied.end.category == "PermissionDenied"


def test_a_restart_puts_the_configured_list_in_force(windows: t.Any) -> None:
    ask = windows(
        policy=GOOD, in_force={"policy": BAD}, pending_reboot=["servicing", "update", "rename"], boot_seconds=2
    )
    before = ask.state.boot_time
    (restart,) = restarts(ask, "/r", "/t", "0", "/d", "p:2:4", "/c", "why")
    assert (restart.duration, ask.state.offer().suites) == (2.0, (BAD,))
    assert restart.up is not None
    restart.up()
    assert (ask.state.offer().suites, ask.state.boot_time > before) == ((GOOD,), True)
    assert "rebootpending" not in str(ask.state.registry.dump()).lower()


def test_who_may_not_restart_and_who_never_comes_back(windows: t.Any) -> None:
    assert restarts(windows(account="filtered"), "/r", "/t", "0") == []
    assert restarts(windows(), "/s") == []
    assert restarts(windows(boot_seconds="never"), "/r", "/t", "0")[0].duration is None


@pytest.mark.parametrize("suite,end", [(GOOD, "bUpdated = TRUE, state: 20, status: 0"), (BAD, "status: -3000")])
def test_a_definition_update_shakes_hands_and_writes_its_log(windows: t.Any, suite: str, end: str) -> None:
    ask = windows(release="10_22h2", policy=suite, connector={"log": "never"})
    ask(command(SFC, "-forceupdate"))
    lines = ask.state.files.find(LOG).data.decode()
    assert end in lines
    ask(command("Start-Process", FilePath=SFC, ArgumentList="-forceupdate", NoNewWindow=True))
    again = ask.state.files.find(LOG).data.decode()
    assert again.startswith(lines)
    assert ("bUpdated = FALSE, state: 20, status: 0" in again) == (suite == GOOD)


@pytest.mark.parametrize("connector", [{"tetra": False}, {"service": "Stopped"}, {"skiptetra": True}])
def test_an_update_that_nobody_makes(windows: t.Any, connector: dict[str, t.Any]) -> None:
    ask = windows(connector={"log": "never", **connector})
    before = ask.state.files.find(LOG).data
    assert ask(command(SFC, "-forceupdate")).end is None
    assert ask.state.files.find(LOG).data == before


def test_system32_has_another_sfc(windows: t.Any) -> None:
    ask = windows()
    before = ask.state.dump()
    ask(command("sfc.exe", "-forceupdate"))
    assert ask.state.dump() == before
    assert len(ask.endpoint.unmatched) == 1


def test_somebody_is_logged_on(windows: t.Any) -> None:
    explorer = command("Get-Process", Name="explorer")
    assert len(windows(logged_on_users=["kim"])(explorer).output) == 1
    nobody = windows()(explorer)
    assert nobody.errors[0].error_id == "NoProcessFoundForGivenName,Microsoft.PowerShell.Commands.GetProcessCommand"


def test_one_gpo_governs_several_endpoints(windows: t.Any) -> None:
    governed = [
        windows(policy=BAD, origin={"kind": "domain_gpo", "gpo": "Shared"}, domain="one.example") for _name in "ab"
    ]
    stranger = windows(policy=BAD, origin={"kind": "domain_gpo", "gpo": "Other"}, domain="one.example")
    host = windows(release="2022", domain="one.example", gpo_management=True)
    which = {"Name": "shared", "Key": POLICY_KEY, "ValueName": "Functions"}
    (before,) = host(command("Get-GPRegistryValue", **which)).output
    assert (before.Value, str(before.Type)) == (f"{BAD}\0", "String")
    assert host(command("Set-GPRegistryValue", **which, Type="String", Value=GOOD)).end is None
    for ask in (*governed, stranger):
        ask(gpupdate())
    assert [ask.state.registry.get(POLICY_KEY, "Functions").data for ask in governed] == [GOOD, GOOD]
    assert stranger.state.registry.get(POLICY_KEY, "Functions").data == BAD
    host(command("Remove-GPRegistryValue", **which))
    governed[0](gpupdate())
    assert governed[0].state.registry.get(POLICY_KEY, "Functions") is None


def test_what_a_management_host_refuses(windows: t.Any) -> None:
    which = {"Key": POLICY_KEY, "ValueName": "Functions"}
    assert windows()(command("Get-GPO", Name="x")).end.error_id == "CommandNotFoundException"
    host = windows(release="2022", domain="two.example", gpo_management=True, policy=BAD, origin="domain_gpo")
    assert host(command("Get-GPO", Name="nope")).end.error_id.startswith("GpoWithNameNotFound,")
    missing = host(command("Get-GPRegistryValue", Name="TLS hardening", Key=POLICY_KEY, ValueName="Nope"))
    assert missing.end.error_id.startswith("UnableToRetrievePolicyRegistryItem,")
    reader = windows(release="2022", domain="two.example", gpo_management=True, account="user")
    denied = reader(command("Set-GPRegistryValue", Name="TLS hardening", **which, Type="String", Value=GOOD))
    assert denied.end.category == "PermissionDenied"


def test_a_gpo_that_loses_is_named_and_takes_over_where_the_winner_is_emptied(windows: t.Any) -> None:
    other = "TLS_RSA_WITH_AES_256_CBC_SHA"
    origin = {"kind": "domain_gpo", "gpo": "Wins", "losing": [{"gpo": "Loses", "value": other}]}
    ask = windows(policy=BAD, origin=origin, domain="three.example")
    names = {gpo.id: gpo.name for gpo in ask.state.gpos}
    assert [(names[row.gpo_id], row.precedence) for row in ask.state.rsop_rows] == [("Wins", 1), ("Loses", 2)]
    host = windows(release="2022", domain="three.example", gpo_management=True)
    host(command("Remove-GPRegistryValue", Name="Wins", Key=POLICY_KEY, ValueName="Functions"))
    ask(gpupdate())
    assert ask.state.registry.get(POLICY_KEY, "Functions").data == other
    assert [(names[row.gpo_id], row.precedence) for row in ask.state.rsop_rows] == [("Loses", 1)]


def test_a_policy_that_is_disabled_takes_the_value_away(windows: t.Any) -> None:
    ask = windows(policy=BAD, origin="domain_gpo", domain="four.example")
    host = windows(release="2022", domain="four.example", gpo_management=True)
    which = {"Name": "TLS hardening", "Key": POLICY_KEY, "ValueName": "Functions"}
    host(command("Set-GPRegistryValue", **which, Disable=True))
    (held,) = host(command("Get-GPRegistryValue", **which)).output
    assert (str(held.PolicyState), held.HasValue) == ("Delete", False)
    ask(gpupdate())
    assert ask.state.registry.get(POLICY_KEY, "Functions") is None
    assert [row.deleted for row in ask.state.rsop_rows] == [True]


def test_a_domain_controller_may_have_a_change_later_or_never(windows: t.Any) -> None:
    governed = [
        windows(policy=BAD, origin={"kind": "domain_gpo"}, domain="five.example", replication_seconds=seconds)
        for seconds in (0, 3600, "never")
    ]
    host = windows(release="2022", domain="five.example", gpo_management=True)
    which = {"Name": "TLS hardening", "Key": POLICY_KEY, "ValueName": "Functions"}
    host(command("Set-GPRegistryValue", **which, Type="String", Value=GOOD))
    for ask in governed:
        ask(gpupdate("/force"))
    assert [ask.state.registry.get(POLICY_KEY, "Functions").data for ask in governed] == [GOOD, BAD, BAD]
