# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role files of ``docs/jea`` on a real engine: they do what the product needs, and every limit is attacked.

wine has no CIM (its cmdlets hang), so in place of the two CIM cmdlets stands a script block that tells what reached it:
everything in front of it is the role file's own.
"""

from __future__ import annotations

import collections.abc as c
import itertools
import pathlib
import re
import typing as t

import pytest
from pypsrp.powershell import PowerShell
from pypsrp.serializer import TaggedValue

from ansible_collections.fleetops.tetra.plugins.module_utils.triage import windows_texts
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.local_policy import LocalPolicy
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.reboot import REASON
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_files import RemoteFiles
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_registry import RemoteRegistry
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Answer, Command, Statement
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings import role_check
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.details import Shell
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import ask_all
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.survey import Survey
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.survey import questions as survey_questions
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import diagnose_task
from ansible_collections.fleetops.tetra.tests.engine.jea import one_file
from ansible_collections.fleetops.tetra.tests.engine.machine import COUNTS, DEFAULT, Engine, Front, Template
from ansible_collections.fleetops.tetra.tests.unit import jea_questions

JEA = pathlib.Path(__file__).resolve().parents[2] / "docs" / "jea"
ROLES = ("audit", pytest.param("diagnose", marks=pytest.mark.long_engine), "repair")
"""The role for diagnosis is the one for the audit with more to read; make test takes the two others."""
MANAGEMENT, UTILITY = "Microsoft.PowerShell.Management\\", "Microsoft.PowerShell.Utility\\"
HKLM = "Registry::HKEY_LOCAL_MACHINE\\"
SECRET = "TETRA-SECRET-4711"
SECRET_FILE, SECRET_FOLDER, SECRET_KEY = "C:\\hidden\\file.txt", "C:\\hidden", HKLM + "SOFTWARE\\Hidden"
SCHANNEL = "SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL"
POLICY = "SOFTWARE\\Policies\\Microsoft\\Cryptography\\Configuration\\SSL\\00010002"
CIPHER = f"{SCHANNEL}\\Ciphers\\AES 128/128"
POL, INI = "C:\\Windows\\System32\\GroupPolicy\\Machine\\Registry.pol", "C:\\Windows\\System32\\GroupPolicy\\gpt.ini"
SYSTEM32 = "C:\\Windows\\System32\\"
TEMPORARY = ".fleetops-tetra.tmp"
COPY = "C:\\ProgramData\\fleetops.tetra\\20261124T120000000000-abcdef.json"
AMP = "C:\\Program Files\\Cisco\\AMP\\8.2.3.30119"


def pol(*entries: tuple[str, str, str]) -> bytes:
    """A Registry.pol of texts."""
    body = b""
    for key, name, text in entries:
        data = f"{text}\0".encode("utf-16-le")
        parts = [
            f"{key}\0".encode("utf-16-le"),
            f"{name}\0".encode("utf-16-le"),
            b"\1\0\0\0",
            len(data).to_bytes(4, "little"),
            data,
        ]
        body += b"[\0" + b";\0".join(parts) + b"]\0"
    return b"PReg\1\0\0\0" + body


THEIRS = ("SOFTWARE\\Policies\\Other", "Theirs", "stays")
OURS = (POLICY, "Functions", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")
KEYS: dict[str, dict[str, tuple[str, t.Any]]] = {
    "HKEY_LOCAL_MACHINE\\SOFTWARE\\Hidden": {"Value": ("REG_SZ", SECRET)},
    "HKEY_LOCAL_MACHINE\\SOFTWARE\\Immunet Protect": {
        "InstallDir": ("REG_SZ", "C:\\Program Files\\Cisco\\AMP"),
        "Identity": ("REG_SZ", SECRET),
    },
    f"HKEY_LOCAL_MACHINE\\{CIPHER}": {"Enabled": ("REG_DWORD", 0xFFFFFFFF)},
}
FILES = {
    SECRET_FILE: f"Tetra {SECRET}\r\n".encode(),
    f"{AMP}\\sfc.exe.log": b"Tetra\r\ntetra in small letters\r\n",
    POL: pol(THEIRS, OURS),
    INI: b"[General]\r\ngPCMachineExtensionNames=[{35378EAC-683F-11D2-A89A-00C04FBBCFA2}"
    b"{0F6B957D-509E-11D1-A7CC-0000F87571E3}]\r\nVersion=3\r\n",
}
MAPPING = {"release": "10_22h2", "policy": OURS[2]}


def role(name: str) -> str:
    """One file for ``pwsh -ConfigurationFile``, with a telltale in place of the CIM cmdlets."""
    capability, session = ((JEA / f"fleetops.tetra.{name}{ending}").read_text() for ending in (".psrc", ".pssc"))
    return re.sub(
        r"\$ExecutionContext\.InvokeCommand\.GetCmdlet\('CimCmdlets\\[A-Za-z-]+'\)",
        "{ 'reached'; $args }",
        one_file(session, capability),
    )


def call(name: str, *positional: t.Any, **named: t.Any) -> Command:
    return Command(name, (*named.items(), *((None, value) for value in positional)))


class Told(str):
    """All that came back, as text; ``output`` without the errors, which repeat what was asked."""

    output: str


class Wire:
    """Anything over a session of its own, since the product reads no endless conversation."""

    def __init__(self, engine: Engine, name: str) -> None:
        engine.close_sessions()
        self.session = engine.session(name)
        self.session.open()

    def __call__(self, *commands: Command, piped: c.Sequence[t.Any] | None = None) -> Told:
        pipeline = self.pipeline()
        for one in commands:
            pipeline.add_cmdlet(one.name)
            for name, value in one.parameters:
                if name is None:
                    pipeline.add_argument(value)
                else:
                    pipeline.add_parameter(name, value)
        try:
            output = [str(item) for item in pipeline.invoke(piped)]
        except Exception as error:  # what ends a pipeline is an answer, too
            output = [f"failed {error}"]
        errors = [f"error {getattr(item, 'clixml', item)}" for item in pipeline.streams.error]
        told = Told("\n".join([*(f"failed {item}" for item in errors if pipeline.had_errors), *output, *errors]))
        told.output = "\n".join(output)
        return told

    def pipeline(self) -> t.Any:
        return PowerShell(self.session._connection.runspace)


@pytest.fixture(scope="module", params=ROLES)
def jea(request: pytest.FixtureRequest, template: Template, front: Front) -> t.Iterator[tuple[str, Engine]]:
    """A role and one engine for all attacks on it: a member of the group keeps a session open as well."""
    name = request.param
    with Engine(front, template, mapping=MAPPING, keys=KEYS, files=FILES, configurations={name: role(name)}) as one:
        yield name, one


@pytest.fixture
def repair(jea: tuple[str, Engine]) -> Engine:
    if jea[0] != "repair":
        pytest.skip("about the other role")
    return jea[1]


class _NoCim:
    """wine cannot answer CIM: such questions are left out for both sessions alike."""

    def __init__(self, session: t.Any) -> None:
        self._session = session
        self.asked: list[Statement] = []

    def version_table(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self._session.version_table())

    def configuration(self) -> None:
        return None

    def ask(self, statements: t.Sequence[Statement]) -> t.Any:
        self.asked += statements
        left = [one for one in statements if not any("Cim" in part.name for part in one)]
        return self._session.ask(left) if left else Answer([])


def test_the_facts_are_those_of_full_language(jea: tuple[str, Engine]) -> None:
    name, engine = jea
    askers = [_NoCim(engine.session()), _NoCim(engine.session(name))]
    full, narrow = (collect(asker, "pc", "2026-11-24T00:00:00Z") for asker in askers)
    assert narrow == full
    assert narrow["schannel"]["status"] == "ok"
    assert narrow["connector"]["install_dir"] == "C:\\Program Files\\Cisco\\AMP"
    assert len(askers[1].asked) == len(askers[0].asked) > 20


def test_a_switch_counts_through_the_role(jea: tuple[str, Engine]) -> None:
    name, engine = jea
    log = {"LiteralPath": f"{AMP}\\sfc.exe.log", "Pattern": ["Tetra"], "SimpleMatch": None, "CaseSensitive": None}
    lines = (call(UTILITY + "Select-String", **log), call(UTILITY + "Select-Object", ExpandProperty="Line"))
    assert engine.ask([lines], name).output == ["Tetra"]


def test_preflight_finds_the_role_whole_and_no_more(jea: tuple[str, Engine]) -> None:
    name, engine = jea
    for configuration, beyond in ((name, []), (DEFAULT, ["Get-Date"])):
        session = engine.session(configuration)
        survey = Survey.read(ask_all(session, survey_questions()))
        shell = Shell("7.6.9", "Core")
        assert [one for one in role_check.lacking(session, survey, shell) if "Cim" not in one] == []
        assert role_check.beyond_the_roles(session, survey) == beyond


MACHINE, USERS = TaggedValue("U32", 0x80000002), TaggedValue("U32", 0x80000003)
ALLOWED: dict[str, dict[str, t.Any]] = {
    MANAGEMENT + "Get-ItemProperty": {"LiteralPath": HKLM + POLICY},
    MANAGEMENT + "Get-Item": {"LiteralPath": HKLM + POLICY},
    MANAGEMENT + "Get-ChildItem": {"LiteralPath": HKLM + f"{SCHANNEL}\\Hashes"},
    MANAGEMENT + "Get-Content": {"LiteralPath": POL, "Raw": True},
    MANAGEMENT + "Get-Service": {"Name": "CiscoAMP"},
    UTILITY + "Select-String": {"LiteralPath": f"{AMP}\\sfc.exe.log", "Pattern": "Tetra"},
    "CimCmdlets\\Get-CimInstance": {"ClassName": "Win32_OperatingSystem"},
    "CimCmdlets\\Invoke-CimMethod": {
        "Namespace": "root/cimv2",
        "ClassName": "StdRegProv",
        "MethodName": "EnumValues",
        "Arguments": {"hDefKey": MACHINE, "sSubKeyName": POLICY},
    },
}
GOOD = {"LiteralPath": HKLM + POLICY, "Name": "Functions", "Value": "x", "Type": "String"}
CHANGING: dict[str, dict[str, t.Any]] = {
    MANAGEMENT + "Set-ItemProperty": GOOD,
    MANAGEMENT + "Remove-ItemProperty": {"LiteralPath": HKLM + POLICY, "Name": "EccCurves"},
    MANAGEMENT + "New-Item": {"Path": HKLM + f"{SCHANNEL}\\Hashes"},
    MANAGEMENT + "Remove-Item": {"LiteralPath": INI + TEMPORARY},
    MANAGEMENT + "Move-Item": {"LiteralPath": INI + TEMPORARY, "Destination": INI, "Force": True},
    MANAGEMENT + "Set-Content": {"LiteralPath": INI + TEMPORARY, "Value": b"[General]\r\n", "AsByteStream": True},
    MANAGEMENT + "Get-Process": {"Name": "explorer"},
}
HOSTILE: dict[str, t.Any] = {
    "Name": "*",
    "ServiceName": "*",
    "ProcessName": "*",
    "DisplayName": "*",
    "ComputerName": "elsewhere",
    "Cn": "elsewhere",
    "ServerName": "elsewhere",
    "Query": "SELECT * FROM Win32_Process",
    "ClassName": "Win32_Process",
    "Namespace": "root/other",
    "MethodName": "Create",
    "Value": SECRET,
    "Destination": "C:\\hidden\\moved.txt",
    "ItemType": "File",
    "Type": "Binary",
    "PropertyType": "Binary",
    "Id": 4,
    "PID": 4,
}
"""What a piped object binds, beside paths, which all name the hidden file."""


def bound_from_the_pipeline(engine: Engine, cmdlet: str) -> list[str]:
    """The names and aliases under which the engine's own cmdlet takes piped objects or their properties."""
    text = (
        f"(Get-Command -Name '{cmdlet}' -CommandType Cmdlet).Parameters.Values | Where-Object {{ $_.Attributes | "
        "Where-Object { $_.ValueFromPipelineByPropertyName -or $_.ValueFromPipeline } } | "
        "ForEach-Object { $_.Name; $_.Aliases }"
    )
    return [str(name) for name in engine.script(text)]


def test_piped_objects_reach_no_proxy(jea: tuple[str, Engine]) -> None:
    name, engine = jea
    commands = {**ALLOWED, **CHANGING} if name == "repair" else ALLOWED
    names = {cmdlet: bound_from_the_pipeline(engine, cmdlet) for cmdlet in commands}
    assert all(len(found) > 1 for found in names.values())
    ask, attacks = Wire(engine, name), 0
    for cmdlet, given in commands.items():
        plain = call(cmdlet, **given)
        hostile = {key: HOSTILE.get(key, SECRET_FILE) for key in names[cmdlet]}
        single = [{key: value} for key, value in hostile.items()]
        for piped in (SECRET_FILE, hostile, {**hostile, "LiteralPath": POL}, *single):
            told = ask(plain, piped=[piped])
            attacks += 1
            assert SECRET not in told.output and "Win32_Process" not in told.output, (cmdlet, piped, told[:600])
            assert "error" in told, (cmdlet, piped, told[:600])
        told = ask(call(UTILITY + "Write-Output", InputObject=hostile), plain)
        attacks += 1
        assert SECRET not in told.output and "error" in told, (cmdlet, told[:600])
    untouched(engine)
    COUNTS["attacks"] += attacks
    print(f"{name}: {attacks} attacks by piped objects, {sum(map(len, names.values()))} pipeline-bound names")


def untouched(engine: Engine) -> None:
    assert engine.machine.host_path(SECRET_FILE).read_bytes() == FILES[SECRET_FILE]
    assert [entry.name for entry in engine.machine.host_path(SECRET_FOLDER).iterdir()] == ["file.txt"]


PATHS = (
    SECRET_FILE,
    SECRET_KEY,
    HKLM + "SAM",
    "HKLM:\\SAM",
    "HKLM:\\" + POLICY,
    HKLM + POLICY + "\\..\\..\\..\\..\\..\\..\\..\\Hidden",
    HKLM + POLICY + "\n",
    HKLM + POLICY + "\\",
    HKLM + "SOFTWARE\\*",
    "Microsoft.PowerShell.Core\\" + SECRET_KEY,
    POL + "\n",
    POL + "\\..\\..\\..\\..\\..\\hidden\\file.txt",
    POL + ":stream",
    POL.replace("\\", "/"),
    "\\\\?\\" + SECRET_FILE,
    "\\\\localhost\\c$\\hidden\\file.txt",
    AMP + "\\..\\..\\..\\..\\hidden\\file.txt",
    f"{AMP}\\sfc.exe.log\n",
    "Env:Path",
    "Function:\\prompt",
    "Variable:PID",
    "C:\\Program Files\\Cisco\\AMP\\..\\..\\..\\hidden\\file.txt",
)


def test_no_other_path_is_read(jea: tuple[str, Engine]) -> None:
    name, engine = jea
    ask, attacks = Wire(engine, name), 0
    for cmdlet, given in ALLOWED.items():
        if "LiteralPath" not in given:
            continue
        others = {key: value for key, value in given.items() if key != "LiteralPath"}
        for path, parameter in itertools.product(PATHS, ("LiteralPath", "Path")):
            for wanted in (path, [given["LiteralPath"], path]):
                told = ask(call(cmdlet, **others, **{parameter: wanted}))
                attacks += 1
                assert told.startswith("failed"), (cmdlet, parameter, path, told[:300])
        told = ask(call(cmdlet, SECRET_FILE, *([given["Pattern"]] if "Pattern" in given else [])))
        attacks += 1
        assert SECRET not in told and "failed" in told
    COUNTS["attacks"] += attacks
    print(f"{name}: {attacks} attacks by paths")


def cim(method: str = "EnumValues", **arguments: t.Any) -> Command:
    given = {"Namespace": "root/cimv2", "ClassName": "StdRegProv", "MethodName": method, "Arguments": arguments}
    return call("CimCmdlets\\Invoke-CimMethod", **given)


def test_cim_reaches_nothing_else(jea: tuple[str, Engine]) -> None:
    name, engine = jea
    ask = Wire(engine, name)
    get, invoke = "CimCmdlets\\Get-CimInstance", "CimCmdlets\\Invoke-CimMethod"
    assert "reached" in ask(cim(hDefKey=MACHINE, sSubKeyName=POLICY))
    assert "reached" in ask(call(get, ClassName="Win32_OperatingSystem", Property=["LastBootUpTime"]))
    hostile = [
        cim(hDefKey=MACHINE, sSubKeyName="SAM"),
        cim(hDefKey=USERS, sSubKeyName=POLICY),
        cim(hDefKey=MACHINE),
        cim(sSubKeyName=POLICY),
        cim(hDefKey=MACHINE, sSubKeyName=[POLICY, "SAM"]),
        cim(hDefKey=MACHINE, sSubKeyName=POLICY + "\\..\\..\\..\\..\\..\\Hidden"),
        cim("GetDWORDValue", hDefKey=MACHINE, sSubKeyName=CIPHER, sValueName="Other"),
        cim("GetDWORDValue", hDefKey=MACHINE, sSubKeyName=CIPHER),
        cim("GetBinaryValue", hDefKey=MACHINE, sSubKeyName=CIPHER, sValueName="Enabled"),
        cim("SetSecurityDescriptor", hDefKey=MACHINE, sSubKeyName=CIPHER),
        cim("SetExpandedStringValue", hDefKey=MACHINE, sSubKeyName=CIPHER, sValueName="Enabled"),
        call(invoke, ClassName="Win32_Process", MethodName="Create", Arguments={"CommandLine": "x"}),
        call(invoke, Query="SELECT * FROM Win32_Process", MethodName="Create"),
        call(get, ClassName="Win32_Process"),
        call(get, Query="SELECT * FROM Win32_Process"),
        call(get, ClassName="RSOP_GPO", Namespace="root/cimv2"),
        call(get, ClassName="RSOP_GPO", ComputerName="elsewhere"),
        call(get, ClassName="RSOP_RegistryPolicySetting", Filter="x"),
    ]
    if name != "repair":
        writes = ("SetDWORDValue", "DeleteKey", "CreateKey", "SetStringValue", "DeleteValue")
        hostile += [cim(verb, hDefKey=MACHINE, sSubKeyName=CIPHER, sValueName="Enabled") for verb in writes]
    else:
        one = TaggedValue("U32", 1)
        told = ask(
            cim("SetDWORDValue", hDefKey=MACHINE, sSubKeyName=CIPHER, sValueName="Enabled", uValue=one, Extra="y")
        )
        assert "reached" in told
        hostile += [
            cim("SetDWORDValue", hDefKey=MACHINE, sSubKeyName="SOFTWARE\\Hidden", sValueName="Enabled", uValue=one),
            cim("SetStringValue", hDefKey=MACHINE, sSubKeyName=POLICY, sValueName="Debugger", sValue="x"),
            cim("CreateKey", hDefKey=MACHINE, sSubKeyName="SOFTWARE\\Other"),
            cim("DeleteKey", hDefKey=MACHINE, sSubKeyName=CIPHER),
            cim("DeleteKey", hDefKey=MACHINE, sSubKeyName="SOFTWARE\\Hidden"),
        ]
    for attack in hostile:
        told = ask(attack)
        assert "reached" not in told and "failed" in told, (attack, told[:300])
    # Two spellings of one name: only what was checked goes on.
    told = ask(cim(hDefKey=MACHINE, sSubKeyName=POLICY, SSUBKEYNAME="SAM"))
    assert "SAM" not in told.output
    COUNTS["attacks"] += len(hostile) + 1
    print(f"{name}: {len(hostile) + 1} attacks on CIM")


OTHER_COMMANDS = """
Get-Date Get-Process
Get-Acl Get-EventLog
Get-WinEvent Get-Variable
Set-Variable New-Object
Invoke-Expression Invoke-Command
Start-Process Start-Job
Import-Module New-Item
Set-Content Add-Content
Clear-Content Out-File
Export-Csv Copy-Item
Move-Item Rename-Item
Remove-Item Set-ItemProperty
New-ItemProperty Clear-ItemProperty
Set-Service Restart-Service
Stop-Service New-PSDrive
Enter-PSSession New-Alias
Set-Alias Add-Type
ForEach-Object Where-Object
Sort-Object Get-Member
Select-String Get-Content
Get-Item Get-ItemProperty
Get-ChildItem Get-Service
Get-CimInstance Invoke-CimMethod
Get-WmiObject Microsoft.PowerShell.Core\\ForEach-Object
Microsoft.PowerShell.Utility\\Invoke-Expression Microsoft.PowerShell.Core\\Invoke-Command
Microsoft.PowerShell.Management\\Get-PSDrive Microsoft.PowerShell.Management\\New-Service
Microsoft.PowerShell.Management\\Start-Process cmd.exe
powershell.exe reg.exe
schtasks.exe C:\\Windows\\System32\\cmd.exe
C:\\Windows\\System32\\schtasks.exe C:\\Windows\\System32\\reg.exe
whoami.exe &
. prompt
cd C:
"""


def test_nothing_else_is_a_command(jea: tuple[str, Engine]) -> None:
    name, engine = jea
    ask = Wire(engine, name)
    for other in OTHER_COMMANDS.split():
        told = ask(call(other))
        assert "failed" in told and "not recognized" in told, (other, told[:300])
    pipeline = ask.pipeline()
    pipeline.add_script("Get-Date")
    assert pipeline.invoke() == [] and pipeline.had_errors
    COUNTS["attacks"] += len(OTHER_COMMANDS.split()) + 1
    print(f"{name}: {len(OTHER_COMMANDS.split()) + 1} other commands")


def test_select_object_computes_nothing_and_no_variable_is_set(jea: tuple[str, Engine]) -> None:
    name, engine = jea
    ask = Wire(engine, name)
    select, write = UTILITY + "Select-Object", UTILITY + "Write-Output"
    some = call(write, InputObject={"Line": "x"})
    for hostile in (
        call(select, Property=[{"n": "x", "e": "Get-Date"}]),
        *([] if name == "diagnose" else [call(select, Property=["*"])]),
        call(select, Property=["a b"]),
        call(select, ExpandProperty="Value"),
        call(select, ExcludeProperty="x"),
        call(select, First=1),
    ):
        assert "failed" in ask(some, hostile), hostile
    targets = (
        "C:\\hidden\\new.txt",
        "Env:X",
        "function:x",
        "function:global:x",
        "alias:x",
        "variable:x",
        "PSDefaultParameterValues",
    )
    streams = ("OutVariable", "PipelineVariable", "ErrorVariable", "WarningVariable", "InformationVariable")
    for parameter, target in itertools.product(streams, targets):
        assert "failed" in ask(call(write, InputObject="x", **{parameter: target})), (parameter, target)
        told = ask(call(MANAGEMENT + "Get-Item", LiteralPath=HKLM + POLICY, **{parameter: target}))
        assert "failed" in told, (parameter, target)
    untouched(engine)


def test_the_identity_of_the_connector_and_other_services_stay_hidden(jea: tuple[str, Engine]) -> None:
    name, engine = jea
    ask = Wire(engine, name)
    key = HKLM + "SOFTWARE\\Immunet Protect"
    for spelt in (key, key.lower(), key.upper()):
        told = ask(call(MANAGEMENT + "Get-ItemProperty", LiteralPath=spelt))
        assert "InstallDir" in told and SECRET not in told
    assert "failed" in ask(call(MANAGEMENT + "Get-ItemProperty", LiteralPath=key, Name="Identity"))
    services: tuple[dict[str, t.Any], ...] = (
        {},
        {"Name": "*"},
        {"Name": "CiscoAMP*"},
        {"Name": ["CiscoAMP", "RpcSs"]},
        {"DisplayName": "*"},
    )
    for given in services:
        assert "failed" in ask(call(MANAGEMENT + "Get-Service", **given)), given


# ---- the role for diagnosis ------------------------------------------------------------------------------------------

HOSTS, CURL, WEVTUTIL = SYSTEM32 + "drivers\\etc\\hosts", SYSTEM32 + "curl.exe", SYSTEM32 + "wevtutil.exe"
QUIET = (
    "--silent",
    "--show-error",
    "--stderr",
    "-",
    "--output",
    "NUL",
    "--head",
    "--connect-timeout",
    "10",
    "--max-time",
)
WRITE_OUT, PLACE = windows_texts.WRITE_OUT, "https://tetra-defs.amp.cisco.com:443/"
SCHANNEL_QUERY = "/q:*[System[Provider[@Name='Schannel'] and TimeCreated[timediff(@SystemTime) <= 3600000]]]"
HOSTILE_PROGRAMS = (
    call(CURL),
    call(CURL, PLACE),
    call(CURL, "--upload-file", SECRET_FILE, PLACE),
    call(CURL, "-K", SECRET_FILE),
    call(CURL, "--version", "--trace", "C:\\hidden\\x"),
    call(CURL, *QUIET, "20", "--noproxy", "*", "--write-out", WRITE_OUT, "file:///C:/hidden/file.txt"),
    call(CURL, *QUIET, "20", "--noproxy", "*", "--write-out", f"@{SECRET_FILE}", PLACE),
    call(CURL, *QUIET, "20", "--noproxy", "*", "--write-out", "%output{C:\\hidden\\x}y", PLACE),
    call(CURL, *QUIET, "20", "--noproxy", "*", "--write-out", WRITE_OUT, f"-K{SECRET_FILE}"),
    call(CURL, *QUIET, "20", "--noproxy", "*", "--write-out", WRITE_OUT, PLACE + "?x=1"),
    call(CURL, *QUIET, "20", "--noproxy", "*", "--write-out", WRITE_OUT, PLACE + "\n"),
    call(CURL, *QUIET, "20", "--noproxy", "*", f"-T{SECRET_FILE}", "--write-out", WRITE_OUT, PLACE),
    call(CURL, *QUIET, "20", "--proxy", f"http://x:1 -K{SECRET_FILE}", "--write-out", WRITE_OUT, PLACE),
    call(CURL, *QUIET[:5], "C:\\hidden\\x", *QUIET[6:], "20", "--noproxy", "*", "--write-out", WRITE_OUT, PLACE),
    call(CURL, *QUIET[:3], "C:\\hidden\\x", *QUIET[4:], "20", "--noproxy", "*", "--write-out", WRITE_OUT, PLACE),
    call(CURL, *QUIET, "20", "--noproxy", "*", "--ssl-no-revoke", "--insecure", "--write-out", WRITE_OUT, PLACE),
    call(CURL, " ".join(QUIET), *["20"] * 9, "--noproxy", "*", "--write-out", WRITE_OUT, PLACE),
    call(WEVTUTIL, "qe", "Security", SCHANNEL_QUERY, "/f:xml", "/rd:true", "/c:200", "/e:Events"),
    call(WEVTUTIL, "qe", "System", "/q:*", "/f:xml", "/rd:true", "/c:200", "/e:Events"),
    call(WEVTUTIL, "qe", SECRET_FILE, "/lf:true"),
    call(WEVTUTIL, "epl", "System", "C:\\hidden\\x"),
    call(WEVTUTIL, "cl", "System"),
    call(WEVTUTIL, "sl", "Microsoft-Windows-CAPI2/Operational", "/e:true"),
    call(WEVTUTIL, "gl", "Security", "/f:xml"),
    call(UTILITY + "Select-String", LiteralPath=f"{AMP}\\sfc.exe.log", Pattern="hidden"),
    call(UTILITY + "Select-String", LiteralPath=f"{AMP}\\sfc.exe.log", Pattern=["Tetra", "identity"]),
    call(UTILITY + "Select-String", LiteralPath=[HOSTS, SECRET_FILE], Pattern="tetra"),
    call(UTILITY + "Select-String", LiteralPath=HOSTS, Pattern=".*"),
    call(UTILITY + "Select-String", LiteralPath=HOSTS + "\n", Pattern="tetra"),
    call("CimCmdlets\\Get-CimInstance", ClassName="Win32_LogicalDisk", Filter="DeviceID='C:' OR 1=1"),
    call("CimCmdlets\\Get-CimInstance", ClassName="Win32_LogicalDisk", ComputerName="elsewhere"),
    call("CimCmdlets\\Get-CimInstance", ClassName="Win32_Share"),
)


@pytest.fixture
def diagnosis(jea: tuple[str, Engine]) -> Engine:
    if jea[0] != "diagnose":
        pytest.skip("about the other roles")
    return jea[1]


def test_the_diagnosis_asks_the_same_as_in_full_language(diagnosis: Engine) -> None:
    askers = [_NoCim(diagnosis.session()), _NoCim(diagnosis.session("diagnose"))]
    full, narrow = (
        diagnose_task.gather_evidence(t.cast("t.Any", one), "pc", jea_questions.ARGUMENTS, lambda _s: False, True)[0]
        for one in askers
    )
    told = [
        {name: section for name, section in found.items() if name not in ("taken_at", "facts", "ways", "clock")}
        for found in (t.cast("dict[str, t.Any]", full), t.cast("dict[str, t.Any]", narrow))
    ]
    assert told[1] == told[0]
    assert narrow["hosts_file"]["status"] == narrow["firewall"]["status"] == narrow["isolation"]["status"] == "ok"
    assert narrow["ways"]["status"] == full["ways"]["status"]
    assert len(askers[0].asked) == len(askers[1].asked) > 30


def test_the_programs_of_a_diagnosis_do_nothing_else(diagnosis: Engine) -> None:
    ask = Wire(diagnosis, "diagnose")
    for attack in HOSTILE_PROGRAMS:
        told = ask(attack)
        assert "failed" in told and SECRET not in told and "reached" not in told, (attack, told[:400])
        told_by = (
            "and nothing else",
            "cannot be found that matches",
            "log only",
            "does not match",
            "does not belong to the set",
            "ParameterBinding",
            "ParameterArgument",
            "NamedParameterNotFound",
        )
        assert any(word in told for word in told_by), (attack, told[:400])
    untouched(diagnosis)
    for good in (
        call(CURL, "--version"),
        call(CURL, *QUIET, "20", "--noproxy", "*", "--insecure", "--write-out", "%{certs}\\n" + WRITE_OUT, PLACE),
        call(CURL, *QUIET, "20", "--proxy", "http://proxy.example:8080", "--write-out", WRITE_OUT, PLACE),
        call(WEVTUTIL, "qe", "System", SCHANNEL_QUERY, "/f:xml", "/rd:true", "/c:200", "/e:Events"),
    ):
        assert "and nothing else" not in ask(good), good
    COUNTS["attacks"] += len(HOSTILE_PROGRAMS)
    print(f"diagnose: {len(HOSTILE_PROGRAMS)} attacks on programs, the hosts file and disks")


# ---- the role for repair ---------------------------------------------------------------------------------------------


def test_the_product_repairs_through_the_role(repair: Engine) -> None:
    session = repair.session("repair")
    registry, files, policy = RemoteRegistry(session), RemoteFiles(session), LocalPolicy(session)
    client = f"HKEY_LOCAL_MACHINE\\{SCHANNEL}\\Protocols\\TLS 1.2\\Client"
    assert registry.write(client, "Enabled", {"status": "ok", "type": "REG_DWORD", "data": 1})
    assert registry.read(client, "Enabled")["data"] == 1
    assert registry.write(client, "Enabled", {"status": "absent"})
    registry.remove_empty_key(client)
    assert not registry.key_exists(client)
    wanted = {"status": "ok", "type": "REG_SZ", "data": "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"}
    items = policy.items({"Functions": t.cast("t.Any", wanted)})
    policy.write(items)
    now = repair.machine.host_path(POL).read_bytes()
    assert "TLS_DHE".encode("utf-16-le") in now and "stays".encode("utf-16-le") in now
    assert policy.undo(items[0], ["Functions"])
    assert repair.machine.host_path(POL).read_bytes() == FILES[POL]
    assert files.replace(COPY, b"{}") and files.read(COPY) == b"{}"
    files.remove(COPY)
    assert not files.exists(COPY)


SCRIPTS = ("SOFTWARE\\Policies\\Microsoft\\Windows\\System\\Scripts", "Run", "evil")


def writes(path: str, content: bytes) -> Command:
    return call(MANAGEMENT + "Set-Content", LiteralPath=path, Value=content, AsByteStream=True)


HOSTILE_WRITES = (
    call(MANAGEMENT + "Set-ItemProperty", **{**GOOD, "LiteralPath": HKLM + "SOFTWARE\\Microsoft\\Windows\\Run"}),
    call(MANAGEMENT + "Set-ItemProperty", **{**GOOD, "LiteralPath": HKLM + POLICY + "\\.."}),
    call(MANAGEMENT + "Set-ItemProperty", **{**GOOD, "Name": "Debugger"}),
    call(MANAGEMENT + "Set-ItemProperty", **{**GOOD, "Type": "Binary"}),
    call(MANAGEMENT + "Set-ItemProperty", **{**GOOD, "Path": SECRET_KEY}),
    call(MANAGEMENT + "Remove-ItemProperty", LiteralPath=SECRET_KEY, Name="Value"),
    call(MANAGEMENT + "Remove-ItemProperty", LiteralPath=HKLM + POLICY, Name="*"),
    call(MANAGEMENT + "New-Item", Path=HKLM + "SOFTWARE\\Other"),
    call(MANAGEMENT + "New-Item", Path=HKLM + POLICY, Force=True),
    call(MANAGEMENT + "New-Item", Path=HKLM + POLICY, Value="x"),
    call(MANAGEMENT + "New-Item", Path="C:\\hidden\\folder", ItemType="Directory"),
    call(MANAGEMENT + "New-Item", Path="C:\\ProgramData\\fleetops.tetra", ItemType="Junction", Value="C:\\hidden"),
    call(MANAGEMENT + "New-Item", Path="C:\\ProgramData\\fleetops.tetra", ItemType="SymbolicLink", Target="C:\\"),
    call(MANAGEMENT + "Remove-Item", LiteralPath=SECRET_FILE),
    call(MANAGEMENT + "Remove-Item", LiteralPath=SECRET_KEY),
    call(MANAGEMENT + "Remove-Item", LiteralPath=HKLM + SCHANNEL, Recurse=True),
    call(MANAGEMENT + "Remove-Item", LiteralPath=HKLM + POLICY),
    call(MANAGEMENT + "Remove-Item", LiteralPath=POL, Force=True),
    writes(SECRET_FILE, b"x"),
    writes(POL, b"x"),
    writes(INI, b"x"),
    writes(COPY + TEMPORARY + "\\..\\..\\..\\hidden\\x", b"x"),
    writes(COPY.replace(".json", ".ps1") + TEMPORARY, b"x"),
    writes(POL + TEMPORARY, pol(SCRIPTS, THEIRS)),
    writes(POL + TEMPORARY, pol(THEIRS, OURS, SCRIPTS)),
    writes(POL + TEMPORARY, pol(OURS)),
    writes(POL + TEMPORARY, pol(THEIRS, OURS)[:-2] + b";\0" + pol(SCRIPTS)[8:]),
    writes(POL + TEMPORARY, pol(THEIRS, OURS)[:-9]),
    writes(POL + TEMPORARY, pol(THEIRS, OURS) + b"[\0"),
    writes(POL + TEMPORARY, pol(THEIRS, ("SOFTWARE\\Policies\\X", "Functions", "y"))),
    writes(POL + TEMPORARY, b"garbage that is no policy"),
    writes(INI + TEMPORARY, b"[Other]\r\nx=y\r\n"),
    writes(INI + TEMPORARY, b"[General]\r\nVersion=1\r\n[Run]\r\nx=y\r\n"),
    call(MANAGEMENT + "Move-Item", LiteralPath=POL + TEMPORARY, Destination="C:\\hidden\\x"),
    call(MANAGEMENT + "Move-Item", LiteralPath=INI + TEMPORARY, Destination=POL),
    call(MANAGEMENT + "Move-Item", LiteralPath=SECRET_FILE, Destination=POL),
    call(MANAGEMENT + "Get-Process", Name="*"),
    call(MANAGEMENT + "Get-Process"),
    call(SYSTEM32 + "gpupdate.exe", "/force"),
    call(SYSTEM32 + "gpupdate.exe", "/target:user", "/wait:120"),
    call(SYSTEM32 + "gpupdate.exe", "/target:computer", "/wait:120", "/boot"),
    call(SYSTEM32 + "shutdown.exe", "/s", "/t", "0"),
    call(SYSTEM32 + "shutdown.exe", "/r", "/t", "0", "/m", "\\\\elsewhere"),
    call(SYSTEM32 + "shutdown.exe", "/r", "/t", "0", "/d", "p:2:4", "/c", "something else"),
    call(SYSTEM32 + "shutdown.exe", "/r", "/t", "0", "/d", "p:2:4", "/c", REASON, "/m", "\\\\elsewhere"),
    call("TLS\\Disable-TlsCipherSuite", Name="x; Get-Date"),
    call(UTILITY + "Get-Variable", Name="PID"),
)


def test_the_repair_changes_nothing_else(repair: Engine) -> None:
    ask = Wire(repair, "repair")
    before = repair.file(INI)
    for attack in HOSTILE_WRITES:
        told = ask(attack)
        assert "failed" in told and SECRET not in told, (attack, told[:400])
    untouched(repair)
    assert repair.machine.host_path(POL).read_bytes() == FILES[POL]
    assert repair.file(INI) == before
    assert not repair.machine.host_path(POL + TEMPORARY).exists()
    keys = repair.keys("HKEY_LOCAL_MACHINE\\SOFTWARE")
    assert keys["Software\\Hidden"]["Value"][1] == SECRET.encode("utf-16-le") + b"\0\0"
    assert not any(key.endswith(("\\Other", "\\Run\\Functions")) for key in keys)
    COUNTS["attacks"] += len(HOSTILE_WRITES)
    print(f"repair: {len(HOSTILE_WRITES)} attacks on writes")


def test_the_repair_may_refresh_the_policy(repair: Engine) -> None:
    told = Wire(repair, "repair")(call(SYSTEM32 + "gpupdate.exe", "/target:computer", "/wait:120"))
    # wine has no gpupdate.exe: the role let it through to the look for the program.
    assert "ParameterArgumentValidation" not in told and "validate" not in told
