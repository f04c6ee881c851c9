# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registry and files through the cmdlets: what is there, what is not, what is refused, and how Windows says so."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.pipeline import Command

POLICY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Cryptography\Configuration\SSL\00010002"
SCHANNEL = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL"
HKLM = 0x80000002


def command(name: str, **named: t.Any) -> Command:
    return Command(name, parameters=tuple((key, None if value is True else value) for key, value in named.items()))


def cim(method: str, key: str, value: str | None = None) -> Command:
    arguments = {"hDefKey": HKLM, "sSubKeyName": key} | ({"sValueName": value} if value is not None else {})
    return command("Invoke-CimMethod", ClassName="StdRegProv", MethodName=method, Arguments=arguments)


def test_absent_denied_and_there_are_three_different_things(windows: t.Any) -> None:
    ask = windows(policy="A", denied=[r"HKLM\SOFTWARE\Secret"])
    paths = [
        f"Registry::{POLICY}",
        r"Registry::HKEY_LOCAL_MACHINE\SOFTWARE\Nope",
        r"Registry::HKEY_LOCAL_MACHINE\SOFTWARE\Secret",
    ]
    reply = ask(command("Get-ItemProperty", LiteralPath=paths))
    assert [(value.Functions, value.PSPath) for value in reply.output] == [
        ("A", f"Microsoft.PowerShell.Core\\Registry::{POLICY}")
    ]
    assert [(error.category, error.error_id.partition(",")[0], error.target) for error in reply.errors] == [
        ("ObjectNotFound", "PathNotFound", r"HKEY_LOCAL_MACHINE\SOFTWARE\Nope"),
        ("PermissionDenied", "System.Security.SecurityException", r"HKEY_LOCAL_MACHINE\SOFTWARE\Secret"),
    ]
    assert reply.end is None


def test_types_arrive_as_net_types(windows: t.Any) -> None:
    ask = windows(
        registry={
            r"HKLM\SOFTWARE\Types": {
                "text": "x",
                "expand": {"type": "REG_EXPAND_SZ", "data": "%SystemRoot%\\x"},
                "all": 0xFFFFFFFF,
                "many": ["a", "b"],
                "bytes": {"type": "REG_BINARY", "data": "00ff"},
                "wide": {"type": "REG_QWORD", "data": 5},
            }
        }
    )
    (value,) = ask(command("Get-ItemProperty", LiteralPath=r"HKLM:\SOFTWARE\Types")).output
    assert (value.text, value.expand, value.all, list(value.many), value.bytes, value.wide) == (
        "x",
        "C:\\Windows\\x",
        0xFFFFFFFF,
        ["a", "b"],
        b"\x00\xff",
        5,
    )
    assert type(value.wide).__name__ == "PSInt64"


def test_a_key_without_values_gives_no_object_unless_switched(windows: t.Any) -> None:
    path = f"Registry::{SCHANNEL}\\Ciphers"
    assert windows()(command("Get-ItemProperty", LiteralPath=path)).output == []
    ask = windows(behaviours={"empty_key_itemproperty": "object"})
    assert len(ask(command("Get-ItemProperty", LiteralPath=path)).output) == 1


def test_a_key_with_a_slash_shows_as_child_and_is_found_by_name(windows: t.Any) -> None:
    ask = windows(schannel={"Ciphers\\AES 128/128": {"Enabled": 0}})
    (child,) = ask(command("Get-ChildItem", LiteralPath=f"Registry::{SCHANNEL}\\Ciphers")).output
    assert child.Name == f"{SCHANNEL}\\Ciphers\\AES 128/128"
    assert list(child.Property) == ["Enabled"]
    assert child.PSObject.type_names[0] == "Microsoft.Win32.RegistryKey"
    for start in ("Registry::HKEY_LOCAL_MACHINE", "HKLM:"):
        path = f"{start}\\{SCHANNEL.partition(chr(92))[2]}\\Ciphers\\AES 128/128"
        named = ask(command("Get-ItemProperty", LiteralPath=path))
        assert [(int(key.Enabled), key.PSChildName) for key in named.output] == [(0, "AES 128/128")]
    listed = ask(cim("EnumValues", SCHANNEL.partition("\\")[2] + "\\Ciphers\\AES 128/128"))
    assert [(int(v.ReturnValue), list(v.sNames), list(v.Types)) for v in listed.output] == [(0, ["Enabled"], [4])]


@pytest.mark.parametrize("code", [1, 2])
def test_codes_of_stdregprov(windows: t.Any, code: int) -> None:
    ask = windows(
        schannel={"Ciphers\\AES 128/128": {"Enabled": 0xFFFFFFFF}},
        denied=[r"HKLM\SOFTWARE\Secret"],
        behaviours={"stdregprov_missing_code": code},
    )
    key = SCHANNEL.partition("\\")[2] + "\\Ciphers\\AES 128/128"
    (found,) = ask(cim("GetDWORDValue", key, "Enabled")).output
    assert (int(found.ReturnValue), int(found.uValue), type(found.uValue).__name__) == (0, 0xFFFFFFFF, "PSUInt")
    (missing,) = ask(cim("GetDWORDValue", key, "Nope")).output
    assert (int(missing.ReturnValue), missing.uValue) == (code, None)
    (no_key,) = ask(cim("EnumValues", "SOFTWARE\\Nope")).output
    assert (int(no_key.ReturnValue), no_key.sNames) == (2, None)
    (denied,) = ask(cim("EnumValues", "SOFTWARE\\Secret")).output
    assert int(denied.ReturnValue) == 5
    (wrong,) = ask(cim("GetStringValue", key, "Enabled")).output
    assert int(wrong.ReturnValue) == 1


def test_wildcards_and_names(windows: t.Any) -> None:
    ask = windows()
    services = ask(
        command("Get-ItemProperty", Path=r"HKLM:\SYSTEM\CurrentControlSet\Services\CiscoAMP*", Name="ImagePath")
    )
    assert sorted(value.PSChildName for value in services.output) == ["CiscoAMPCEFWDriver", "CiscoAMP_7.5.3"]
    missing = ask(command("Get-ItemProperty", LiteralPath=f"Registry::{SCHANNEL}", Name="Nope"))
    assert missing.errors[0].error_id.startswith("System.Management.Automation.PSArgumentException,")
    assert ask(command("Get-ItemProperty", Path=r"HKLM:\SOFTWARE\Nothing*")).errors == []


def test_a_32_bit_session_sees_another_software_key_and_system32(windows: t.Any) -> None:
    ask = windows(policy="A", origin="local_gpo")
    amp = command("Get-ItemProperty", LiteralPath=r"HKLM:\SOFTWARE\Immunet Protect")
    pol = command("Get-Item", LiteralPath=r"C:\Windows\System32\GroupPolicy\Machine\Registry.pol")
    native = command("Get-Item", LiteralPath=r"C:\Windows\Sysnative\GroupPolicy\Machine\Registry.pol")
    assert (len(ask(amp).output), len(ask(pol).output), len(ask(native).output)) == (1, 1, 0)
    narrow = "Microsoft.PowerShell32"
    assert [len(ask(one, configuration=narrow).output) for one in (amp, pol, native)] == [0, 0, 1]
    assert len(ask(command("Get-ItemProperty", LiteralPath=f"Registry::{POLICY}"), configuration=narrow).output) == 1
    (architecture,) = ask(command("Get-Item", LiteralPath="Env:PROCESSOR_ARCHITECTURE"), configuration=narrow).output
    assert architecture.Value == "x86"


def test_files_as_bytes_and_as_lines(windows: t.Any) -> None:
    ask = windows(files={r"C:\Temp\a.txt": "one\r\ntwo\r\n", r"C:\Temp\empty.txt": ""})
    (data,) = ask(command("Get-Content", LiteralPath=r"C:\Temp\a.txt", Encoding="Byte", Raw=True)).output
    assert data == b"one\r\ntwo\r\n"
    lines = ask(command("Get-Content", LiteralPath=r"C:\Temp\a.txt")).output
    assert lines == ["one", "two"]
    assert [prop.name for prop in lines[0].PSObject.extended_properties][-1] == "ReadCount"
    assert ask(command("Get-Content", LiteralPath=r"C:\Temp\empty.txt", Encoding="Byte", Raw=True)).output == []
    missing = ask(command("Get-Content", LiteralPath=r"C:\Temp\b.txt"))
    assert missing.errors[0].error_id == "PathNotFound,Microsoft.PowerShell.Commands.GetContentCommand"


def test_bytes_one_by_one_where_switched(windows: t.Any) -> None:
    ask = windows(files={r"C:\Temp\a.bin": {"hex": "0102"}}, behaviours={"get_content_bytes": "single_bytes"})
    assert ask(command("Get-Content", LiteralPath=r"C:\Temp\a.bin", Encoding="Byte", Raw=True)).output == [1, 2]


def test_byte_parameters_differ_between_the_two_powershells(windows: t.Any) -> None:
    ask = windows(files={r"C:\Temp\a.bin": {"hex": "01"}}, sessions={"PowerShell.7": {"powershell": "7.4"}})
    old, new = {"Encoding": "Byte"}, {"AsByteStream": True}
    path = r"C:\Temp\a.bin"
    assert ask(command("Get-Content", LiteralPath=path, **new)).end.error_id.startswith("NamedParameterNotFound")
    seven = "PowerShell.7"
    assert ask(command("Get-Content", LiteralPath=path, **old), configuration=seven).end is not None
    assert ask(command("Get-Content", LiteralPath=path, Raw=True, **new), configuration=seven).output == [b"\x01"]


def test_select_string_finds_lines(windows: t.Any) -> None:
    ask = windows(connector={"log": "failed"})
    log = r"C:\Program Files\Cisco\AMP\7.5.3.20938\sfc.exe.log"
    reply = ask(
        (
            command("Select-String", LiteralPath=log, Pattern="PerformTetraUpdate", SimpleMatch=True),
            command("Select-Object", ExpandProperty="Line"),
            command("Select-Object", Last=1),
        )
    )
    assert len(reply.output) == 1
    assert reply.output[0].endswith("PerformTetraUpdate: sig count: 0, version: 0")


def test_denied_files_are_not_missing_files(windows: t.Any) -> None:
    ask = windows(connector={"version": "8.4.2.30317"})
    reply = ask(command("Get-Content", LiteralPath=r"C:\Program Files\Cisco\AMP\policy.xml", Raw=True))
    assert reply.errors[0].category == "PermissionDenied"
