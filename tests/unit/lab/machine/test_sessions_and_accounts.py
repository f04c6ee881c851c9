# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions, accounts, binding, WMI: who may ask what, and how a refusal looks."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.errors import FleetError
from ansible_collections.fleetops.tetra.lab.machine import role_capability
from ansible_collections.fleetops.tetra.lab.machine.sessions import SessionConfiguration
from ansible_collections.fleetops.tetra.lab.pipeline import Command

RSOP = {"Namespace": "root/rsop/computer"}
MANAGEMENT = "Microsoft.PowerShell.Management"
POL = r"C:\Windows\System32\GroupPolicy\Machine\Registry.pol"
JEA = {"sessions": {"audit": {"jea": True}}}


def command(name: str, *positional: t.Any, **named: t.Any) -> Command:
    given: list[tuple[str | None, t.Any]] = [(key, None if value is True else value) for key, value in named.items()]
    return Command(name, parameters=(*given, *((None, value) for value in positional)))


def test_a_binding_error_ends_the_pipeline(windows: t.Any) -> None:
    reply = windows()(
        command("Write-Output", InputObject=1), command("Get-Item", NoSuch=1), command("Write-Output", InputObject=2)
    )
    assert reply.output == [1]
    assert reply.end is not None
    assert reply.end.error_id == "NamedParameterNotFound,Microsoft.PowerShell.Commands.GetItemCommand"
    assert reply.end.exception == "System.Management.Automation.ParameterBindingException"


def test_mandatory_positional_and_too_many(windows: t.Any) -> None:
    ask = windows()
    assert ask(command("Invoke-CimMethod", ClassName="StdRegProv")).end.error_id.startswith("MissingMandatoryParameter")
    assert ask(command("Test-Path", "C:\\Windows")).output == [True]
    assert ask(command("Get-Date", "a")).end.error_id.startswith("PositionalParameterNotFound")
    assert ask(command("Get-Item", Path="a", LiteralPath="b")).end.error_id.startswith("AmbiguousParameterSet")


def test_error_action(windows: t.Any) -> None:
    missing = r"HKLM:\SOFTWARE\Nope"
    ask = windows()
    after = command("Write-Output", InputObject="after")
    stopped = ask(command("Get-Item", LiteralPath=missing, ErrorAction="Stop"), after)
    assert (stopped.output, stopped.end.category) == ([], "ObjectNotFound")
    silent = ask(command("Get-Item", LiteralPath=missing, ErrorAction="SilentlyContinue"), after)
    assert (silent.output, silent.errors) == (["after"], [])
    goes_on = ask(command("Get-Item", LiteralPath=missing, ErrorAction=2), after)
    assert (goes_on.output, len(goes_on.errors)) == (["after"], 1)


def test_a_batch_that_is_cut_short(windows: t.Any) -> None:
    ask = windows(behaviours={"batch_after_error": "stops"})
    reply = ask(command("Get-Item", LiteralPath=r"HKLM:\SOFTWARE\Nope"), command("Write-Output", InputObject=1))
    assert (reply.output, len(reply.errors), reply.end) == ([], 1, None)


def test_errors_of_a_command_can_join_its_output(windows: t.Any) -> None:
    merged = Command("Get-Item", parameters=(("LiteralPath", r"HKLM:\SOFTWARE\Nope"),), merge_errors=True)
    reply = windows()(merged)
    assert reply.errors == []
    assert reply.output[0].PSObject.type_names[0] == "System.Management.Automation.ErrorRecord"


def test_a_jea_session_has_the_roles_commands_and_no_scripts(windows: t.Any) -> None:
    ask = windows(**JEA)
    script = ask(Command("Get-Date", is_script=True), configuration="audit")
    assert (script.end.error_id, script.output) == ("ScriptsNotAllowed", [])
    assert len(ask(command("Get-TlsCipherSuite"), configuration="audit").output) == 1
    assert ask(command("Set-ItemProperty"), configuration="audit").end.error_id == "CommandNotFoundException"
    proxy = ask((command("Get-TlsEccCurve"), command("Select-Object", Property=["PSPath"])), configuration="audit")
    assert proxy.end.error_id.startswith("ParameterArgumentValidationError")
    real = command("Microsoft.PowerShell.Utility\\Select-Object", Last=1)
    assert len(ask((command("Get-TlsEccCurve"), command("Write-Output"), real), configuration="audit").output) == 1


@pytest.mark.parametrize(
    "asked,error_id",
    [
        (command("Get-Content", LiteralPath=POL), "CommandNotFoundException"),
        (command(f"{MANAGEMENT}\\Get-Date"), "CommandNotFoundException"),
        (
            command(
                "CimCmdlets\\Invoke-CimMethod",
                Namespace="root/cimv2",
                ClassName="StdRegProv",
                MethodName="CreateKey",
                Arguments={},
            ),
            "ParameterArgumentValidationError",
        ),
        (command("CimCmdlets\\Invoke-CimMethod", ClassName="StdRegProv"), "MissingMandatoryParameter"),
        (command("CimCmdlets\\Get-CimInstance", ClassName="Win32_Process"), "ParameterArgumentValidationError"),
        (command(f"{MANAGEMENT}\\Get-Content", LiteralPath=r"C:\Windows\win.ini"), "ParameterArgumentValidationError"),
        (command(f"{MANAGEMENT}\\Get-Content", LiteralPath=POL + "\n"), "ParameterArgumentValidationError"),
        (command(f"{MANAGEMENT}\\Get-Content", LiteralPath=[POL, "C:\\x"]), "ParameterArgumentValidationError"),
        (command(f"{MANAGEMENT}\\Get-Content", Path=r"C:\Windows\win.ini"), "NamedParameterNotFound"),
        (command(f"{MANAGEMENT}\\Get-Service", Name="*"), "ParameterArgumentValidationError"),
        (command(f"{MANAGEMENT}\\Get-Service"), "MissingMandatoryParameter"),
    ],
)
def test_the_shipped_role_lets_nobody_ask_for_more(windows: t.Any, asked: Command, error_id: str) -> None:
    assert windows(**JEA)(asked, configuration="audit").end.error_id.startswith(error_id)


def test_curl_is_not_in_the_role_unless_it_is_added(windows: t.Any) -> None:
    curl = r"C:\Windows\System32\curl.exe"
    asked = command(curl, "-s", "-w", "%{exitcode}", "https://t/")
    assert windows(**JEA)(asked, configuration="audit").end.error_id == "CommandNotFoundException"
    ask = windows(sessions={"audit": {"jea": True, "external": [curl]}})
    assert ask(asked, configuration="audit").output == ["0"]


@pytest.mark.parametrize(
    "text", ["", "@{", "@{ A = }", "@{ A = 'x' } y", "@( 'x' )", "@{ A = $env:X }", '@{ A = "$x" }']
)
def test_a_role_file_that_is_not_understood_is_one_sentence(tmp_path: pathlib.Path, text: str) -> None:
    path = tmp_path / "x.psrc"
    path.write_text(text)
    with pytest.raises(FleetError, match="is not understood"):
        role_capability.load(path)


ROLE = r"""
@{
    ModulesToImport = 'Microsoft.PowerShell.Management'
    VisibleCmdlets = @(
        'TLS\Get-TlsCipherSuite'
        @{
            Name = 'Microsoft.PowerShell.Management\Get-Content'
            Parameters = @{ Name = 'LiteralPath'; ValidatePattern = 'C:\\a', 'C:\\b' }
        }
    )
    VisibleFunctions = 'M?Get-Item', 'M\Get-Hidden'
    FunctionDefinitions = @(
        @{
            Name = 'M\Get-Item'
            ScriptBlock = {
                param(
                    # 'not a parameter', [ValidateSet('x')]
                    [Parameter(Mandatory, ParameterSetName = 'A')][ValidateSet('one', "two, '2'")] [string[]]$Path,
                    [ValidatePattern('^[a-z]+(\.it''s)?\z')][string]$Name, [switch]$Force = $(if (1) { $true })
                )
                & { 'anything' } @PSBoundParameters
            }
        }
        @{ Name = 'M\Get-Hidden'; ScriptBlock = { 'x' } }
    )
    VisibleProviders = 'Registry'
}
"""


def test_a_role_file_is_read_as_the_engine_reads_it(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x.psrc"
    path.write_text(ROLE)
    role = role_capability.load(path)
    assert sorted(role.visible) == [
        "M\\Get-Item",
        "Microsoft.PowerShell.Management\\Get-Content",
        "TLS\\Get-TlsCipherSuite",
    ]
    assert role.providers == {"registry"}
    assert role.modules == ("Microsoft.PowerShell.Management", "TLS")
    limited = role.visible["Microsoft.PowerShell.Management\\Get-Content"]
    assert limited.kind == "limited"
    pattern = limited.parameters["LiteralPath"]
    assert pattern.accepts("c:\\B") and not pattern.accepts("C:\\ab") and not pattern.accepts("C:\\a\\b")
    function = role.visible["M\\Get-Item"]
    assert function.kind == "function" and list(function.parameters) == ["Path", "Name", "Force"]
    path_limit, name_limit = function.parameters["Path"], function.parameters["Name"]
    assert path_limit.values == ("one", "two, '2'") and path_limit.mandatory and path_limit.sets == ("A",)
    assert name_limit.accepts("ab.it's") and not name_limit.accepts("ab\n")


def limited(windows: t.Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, text: str) -> t.Any:
    path = tmp_path / "role.psrc"
    path.write_text(text)
    monkeypatch.setattr(role_capability, "shipped", lambda name: path)
    return windows(**JEA)


def test_a_limited_entry_hands_piped_objects_to_the_cmdlet(
    windows: t.Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hole of a plain limited entry, as the engine has it: the object's property is bound behind the entry."""
    entry = (
        "@{ VisibleCmdlets = 'Microsoft.PowerShell.Utility\\Write-Output', @{ Name = 'Microsoft.PowerShell.Management"
        "\\Get-Item'; Parameters = @{ Name = 'Path'; ValidateSet = 'C:\\Windows' }, @{ Name = 'Force' } } }"
    )
    ask = limited(windows, tmp_path, monkeypatch, entry)
    hostile = command(
        "Microsoft.PowerShell.Utility\\Write-Output", InputObject={"LiteralPath": "C:\\Windows\\System32"}
    )
    reply = ask((hostile, command("Microsoft.PowerShell.Management\\Get-Item", Force=True)), configuration="audit")
    assert len(reply.output) == 1


def test_a_function_of_a_role_binds_nothing_from_the_pipeline(windows: t.Any) -> None:
    hostile = command("Microsoft.PowerShell.Utility\\Write-Output", InputObject={"LiteralPath": "C:\\Windows"})
    read = command(f"{MANAGEMENT}\\Get-Item", LiteralPath=r"C:\Windows\System32\ntdll.dll")
    reply = windows(**JEA)((hostile, read), configuration="audit")
    assert [error.error_id for error in reply.errors][:1] == [f"InputObjectNotBound,{MANAGEMENT}\\Get-Item"]


def test_a_provider_that_is_not_visible_proves_no_absence(
    windows: t.Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = limited(
        windows,
        tmp_path,
        monkeypatch,
        "@{ VisibleCmdlets = 'Microsoft.PowerShell.Management\\Get-Item'; VisibleProviders = 'FileSystem' }",
    )
    for path, error_id in (
        (r"Registry::HKEY_LOCAL_MACHINE\SOFTWARE", "ProviderNotFound"),
        ("HKLM:\\SOFTWARE", "DriveNotFound"),
    ):
        reply = ask(command(f"{MANAGEMENT}\\Get-Item", LiteralPath=path), configuration="audit")
        assert [error.error_id.partition(",")[0] for error in reply.errors] == [error_id] and not reply.output


def test_script_text_elsewhere_is_an_error_and_noted(windows: t.Any) -> None:
    ask = windows()
    assert ask(Command("$x = 1", is_script=True)).end.error_id == "LabScriptNotSimulated"
    assert ask.endpoint.unmatched == ["script text: '$x = 1'"]


def test_an_unknown_session_configuration(windows: t.Any) -> None:
    assert windows()(command("Get-Date"), configuration="nope").end.error_id == "SessionConfigurationNotFound"


def test_a_plain_user_is_refused_wmi_rsop_and_services_but_not_the_registry(windows: t.Any) -> None:
    ask = windows(account="user")
    for refused in (
        command("Get-CimInstance", ClassName="Win32_OperatingSystem"),
        command("Get-CimInstance", ClassName="RSOP_GPO", **RSOP),
        command("Invoke-CimMethod", ClassName="StdRegProv", MethodName="EnumKey"),
    ):
        reply = ask(refused)
        assert (reply.output, reply.errors[0].category) == ([], "PermissionDenied")
        assert reply.errors[0].error_id.startswith("HRESULT 0x80041003,")
    services = ask(command("Get-Service", Name="CiscoAMP*"), command("Write-Output", InputObject=1))
    # The error ends its own statement; what comes after it runs and is seen.
    assert [int(number) for number in services.output] == [1]
    assert services.errors[0].error_id.startswith("System.InvalidOperationException,")
    assert len(ask(command("Get-ItemProperty", LiteralPath=r"HKLM:\SOFTWARE\Immunet Protect")).output) == 1


@pytest.mark.parametrize("account,elevated", [("administrator", True), ("filtered", False), ("user", False)])
def test_only_an_elevated_administrator_opens_the_hive_of_local_service(
    windows: t.Any, account: str, elevated: bool
) -> None:
    reply = windows(account=account)(command("Get-Item", LiteralPath=r"Registry::HKEY_USERS\S-1-5-19"))
    assert (len(reply.output) == 1) is elevated
    assert elevated or reply.errors[0].category == "PermissionDenied"


def test_broken_wmi_is_neither_denied_nor_absent(windows: t.Any) -> None:
    reply = windows(wmi="broken")(command("Get-CimInstance", ClassName="Win32_OperatingSystem"))
    assert (reply.errors[0].category, reply.errors[0].target) == ("MetadataError", "root\\cimv2:Win32_OperatingSystem")


def test_powershell_2_has_wmi_but_no_cim(windows: t.Any) -> None:
    ask = windows(release="7_2008r2", powershell="2.0")
    assert ask(command("Get-CimInstance", ClassName="Win32_Service")).end.error_id == "CommandNotFoundException"
    (found,) = ask(command("Get-WmiObject", Class="Win32_OperatingSystem", Property=["LastBootUpTime"])).output
    assert found.LastBootUpTime.endswith("+540")
    (listed,) = ask(
        command("Invoke-WmiMethod", Class="StdRegProv", Name="EnumKey", ArgumentList=[0x80000002, "SOFTWARE"])
    ).output
    assert (int(listed.ReturnValue), "Microsoft" in listed.sNames) == (0, True)
    table = ask.endpoint.application_private_data(_caller())["PSVersionTable"]
    assert "PSEdition" not in table


def _caller() -> t.Any:
    from ansible_collections.fleetops.tetra.lab.pipeline import Caller

    return Caller("lab")


def test_rsop_of_a_domain_gpo(windows: t.Any) -> None:
    ask = windows(policy="A,B", origin={"kind": "domain_gpo", "gpo": "TLS"}, domain="corp.example")
    (row,) = ask(
        command("Get-CimInstance", ClassName="RSOP_RegistryPolicySetting", Filter="valueName='Functions'", **RSOP)
    ).output
    assert (row.precedence, row.valueType, bytes(row.value).decode("utf-16-le")) == (1, 1, "A,B\0")
    (gpo,) = ask(
        command("Get-CimInstance", ClassName="RSOP_GPO", Filter="name LIKE 'T%' AND enabled = TRUE", **RSOP)
    ).output
    assert (gpo.name, gpo.id) == ("TLS", row.GPOID)


@pytest.mark.parametrize("text", ["valueName", "no such = 1", "valueName = 'x' AND", "(valueName = 'x'"])
def test_a_filter_that_is_not_understood_is_an_error_and_noted(windows: t.Any, text: str) -> None:
    ask = windows(policy="A", origin="local_gpo")
    reply = ask(command("Get-CimInstance", ClassName="RSOP_RegistryPolicySetting", Filter=text, **RSOP))
    assert reply.errors[0].error_id.startswith("HRESULT 0x80041017,")
    assert ask.endpoint.unmatched


def test_services_and_their_states(windows: t.Any) -> None:
    ask = windows(connector={"service": "Stopped"})
    (service,) = ask(command("Get-Service", Name="CiscoAMP*")).output
    assert (service.Name, str(service.Status)) == ("CiscoAMP_7.5.3", "Stopped")
    missing = ask(command("Get-Service", Name="Nope"))
    assert missing.errors[0].error_id.startswith("NoServiceFoundForGivenName,")


def test_errors_in_korean_keep_their_codes(windows: t.Any) -> None:
    korean, english = windows(language="ko-KR"), windows()
    asked = command("Get-Item", LiteralPath=r"HKLM:\SOFTWARE\Nope")
    one, other = korean(asked).errors[0], english(asked).errors[0]
    assert one.message != other.message
    assert (one.error_id, one.category, one.exception, one.target) == (
        other.error_id,
        other.category,
        other.exception,
        other.target,
    )


@pytest.mark.parametrize(
    "mapping,code",
    [
        ({}, 0),
        ({"policy": "TLS_RSA_WITH_AES_128_CBC_SHA"}, 35),
        ({"policy": "TLS_RSA_WITH_RC4_128_SHA"}, 35),
        ({"tetra": {"outcome": "dns"}}, 6),
        ({"tetra": {"outcome": "refused"}}, 7),
        ({"tetra": {"outcome": "timeout"}}, 28),
    ],
)
def test_curl_makes_a_real_handshake(windows: t.Any, mapping: dict[str, t.Any], code: int) -> None:
    ask = windows(release="10_22h2", **mapping)
    curl = command(
        r"C:\Windows\System32\curl.exe", "-sS", "-o", "NUL", "-w", "%{exitcode}", "https://tetra-defs.amp.cisco.com/"
    )
    reply = ask(curl, command("Get-Variable", Name="LASTEXITCODE", ValueOnly=True))
    assert reply.output == [str(code), code]
    assert (len(reply.errors) == 0) == (code == 0)


@pytest.mark.parametrize("proxy,code", [("ok", 0), ("407", 56), ("dns", 5), ("refused", 7)])
def test_curl_through_a_proxy(windows: t.Any, proxy: str, code: int) -> None:
    ask = windows(release="10_22h2", tetra={"proxy": proxy})
    curl = command(r"C:\Windows\System32\curl.exe", "-s", "-x", "http://proxy:6050", "-w", "%{exitcode}", "https://t/")
    assert ask(curl).output == [str(code)]


def test_there_is_no_curl_before_1803(windows: t.Any) -> None:
    reply = windows(release="10_1709")(command(r"C:\Windows\System32\curl.exe", "https://t/"))
    assert reply.end.error_id == "CommandNotFoundException"


def test_language_mode_can_be_asked(windows: t.Any) -> None:
    ask = windows(sessions={"c": {"language_mode": "ConstrainedLanguage"}})
    reply = ask(
        (
            command("Get-Variable", Name="ExecutionContext", ValueOnly=True),
            command("Select-Object", ExpandProperty="SessionState"),
            command("Select-Object", ExpandProperty="LanguageMode"),
        ),
        configuration="c",
    )
    assert reply.output[0].name == "ConstrainedLanguage"


@pytest.mark.parametrize("version,plays", [("2.0", "5.1"), ("5.1", "5.1"), ("7.4", "7.6"), ("7.6", "7.6")])
def test_a_session_says_which_engine_it_plays(version: str, plays: str) -> None:
    assert SessionConfiguration(version=version).plays == plays
