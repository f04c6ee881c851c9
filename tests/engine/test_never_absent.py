# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Never absent without proof: what a real PowerShell leaves out, hides or refuses makes nothing green.

Each of these gave *compliant* or *not_applicable* before, on this engine.
"""

from __future__ import annotations

import time
import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.commit_confirm import CommitConfirm
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.windows_folders import WindowsFolders
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.cmdlets import MANAGEMENT, READS, UTILITY
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Answer, command, exit_code
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings import probe
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import ask_all
from ansible_collections.fleetops.tetra.tests.engine.conftest import MakeEngine
from ansible_collections.fleetops.tetra.tests.engine.machine import DEFAULT, Engine
from ansible_collections.fleetops.tetra.tests.engine.windows_modules import WMI_DENIED, files

CONTROL = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control"
SCHANNEL = f"{CONTROL}\\SecurityProviders\\SCHANNEL"
TLS12 = "Protocols\\TLS 1.2\\Client"
POLICY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\Cryptography\\Configuration\\SSL\\00010002"
LOCAL = f"{CONTROL}\\Cryptography\\Configuration\\Local\\SSL\\00010002"
FIPS = f"{CONTROL}\\Lsa\\FipsAlgorithmPolicy"
ON = ("REG_DWORD", 1)
OFF = ("REG_DWORD", 0)
TLS12_OFF = {f"{SCHANNEL}\\{TLS12}": {"Enabled": OFF}}


def machine(engine: MakeEngine, keys: t.Any = None, wmi: str = "", **given: t.Any) -> Engine:
    mapping = {"release": "10_22h2", **given.pop("mapping", {})}
    return engine(mapping=mapping, keys=keys or {}, files=files(wmi), **given)


def facts_of(one: Engine, configuration: str = DEFAULT) -> t.Any:
    return collect(one.session(configuration), "pc", "2026-11-24T00:00:00Z")


def state(facts: t.Any) -> str:
    found: str = evaluate(facts)["state"]
    return found


def parts(facts: t.Any, where: str = "") -> dict[str, t.Any]:
    """Everything of a facts document that has a status, by its path."""
    found = {}
    for name, value in facts.items():
        if isinstance(value, dict):
            found.update({f"{where}/{name}": value} if "status" in value else {})
            found.update(parts(value, f"{where}/{name}"))
    return found


def invented(facts: t.Any, truth: t.Any) -> list[str]:
    """What is told as absent and is not, or as read and is otherwise."""
    known = parts(truth)
    wrong = []
    for path, part in parts(facts).items():
        true = known.get(path)
        if part["status"] == "absent" and true is not None and true["status"] != "absent":
            wrong.append(path)
        if part["status"] == "ok" and "data" in part and true is not None and part["data"] != true["data"]:
            wrong.append(path)
    return wrong


HIDING = {
    "functions and aliases of a profile": (
        "function global:Get-ChildItem {}; function global:Get-ItemProperty {}; function global:Get-Item {};"
        "function global:Select-Object {}; function global:Get-Content {}; function global:Write-Output {};"
        "Set-Alias -Scope Global Get-Service Get-Date"
    ),
    **{
        f"default of {name}": f"$global:PSDefaultParameterValues = @{{'{name}' = {value}}}"
        for name, value in {
            "Get-ChildItem:Exclude": "'*'",
            "Get-ItemProperty:Exclude": "'*'",
            "Get-Item:Exclude": "'*'",
            "*:Exclude": "'*'",
            "Get-ChildItem:Name": "$true",
            "Get-ItemProperty:Name": "'nothing'",
            "Select-Object:ExcludeProperty": "'*'",
            "Microsoft.PowerShell.Utility\\Select-Object:ExcludeProperty": "'Property'",
            "Select-Object:Last": "1",
            "Select-Object:Skip": "1",
            "Get-*:OutVariable": "'x'",
        }.items()
    },
}


def test_what_a_session_hides_is_never_absent(engine: MakeEngine) -> None:
    """(c), and P7: the endpoint has no log."""
    with machine(engine, TLS12_OFF) as one:
        for log in one.machine.host_path("C:\\Program Files\\Cisco").rglob("sfc.exe.log"):
            log.unlink()
        truth = facts_of(one)
        assert state(truth) == "non_compliant"
        assert truth["schannel"]["keys"][TLS12]["values"] == {"Enabled": {"type": "REG_DWORD", "data": 0}}
        assert truth["schannel"]["keys"]["Hashes\\SHA"]["status"] == "absent"
        assert truth["connector"]["last_update"]["status"] == "absent"
        for name, text in HIDING.items():
            one.script(text)
            found = facts_of(one)
            assert invented(found, truth) == [], name
            assert state(found) in ("unknown", "non_compliant"), name
            one.script("$global:PSDefaultParameterValues = @{}")


@pytest.mark.long_engine
def test_one_refused_parent_of_schannel_keys_is_no_absence_of_all(engine: MakeEngine) -> None:
    """(a)"""
    allowed = ",".join(f"'Registry::{SCHANNEL}\\{name}'" for name in ("Ciphers", "Hashes", "KeyExchangeAlgorithms"))
    narrow = (
        "@{ SchemaVersion = '2.0.0.0'; SessionType = 'Default'\n FunctionDefinitions = @{\n"
        "  Name = 'Microsoft.PowerShell.Management\\Get-ChildItem'\n  ScriptBlock = { [CmdletBinding()] param("
        f"[ValidateSet({allowed})] [string[]]$LiteralPath, [string[]]$Path)\n"
        "   & $ExecutionContext.InvokeCommand.GetCmdlet('Microsoft.PowerShell.Management\\Get-ChildItem') "
        "@PSBoundParameters }\n } }"
    )
    with machine(engine, TLS12_OFF, configurations={"narrow": narrow}, ahead=False) as one:
        found = facts_of(one, "narrow")
        # A parent without any key below it proves that its children do not exist; the others are not known.
        assert (found["schannel"]["status"], found["schannel"]["keys"][TLS12]["status"]) == ("error", "error")
        assert state(found) == "unknown"


def test_a_session_without_the_registry_knows_nothing(engine: MakeEngine) -> None:
    """(b)"""
    visible = ", ".join(f"'{module}\\{name}'" for name, module in READS.items() if module in (MANAGEMENT, UTILITY))
    blind = (
        "@{ SchemaVersion = '2.0.0.0'; SessionType = 'RestrictedRemoteServer'; LanguageMode = 'NoLanguage'\n"
        f"VisibleCmdlets = {visible}\nVisibleProviders = 'FileSystem', 'Environment' }}"
    )
    with machine(engine, configurations={"blind": blind}, ahead=False) as one:
        asked = (command("Get-ItemProperty", LiteralPath=f"Registry::{FIPS}", ErrorAction="Continue"),)
        (refusal,) = one.ask([asked], "blind").refusals
        assert (refusal.category, refusal.error_id.partition(",")[0]) == ("ObjectNotFound", "ProviderNotFound")
        found = facts_of(one, "blind")
        absent = [path for path, part in parts(found).items() if part["status"] == "absent"]
        assert (absent, found["connector"]["status"], state(found)) == ([], "error", "unknown")


@pytest.mark.parametrize("broken", [(99, b"\1\0"), ("REG_DWORD", b"\1\0")], ids=["unknown type", "broken length"])
def test_a_value_that_cannot_be_read_is_not_absent(engine: MakeEngine, broken: t.Any) -> None:
    """(d), P1"""
    keys = {
        POLICY: {"Functions": broken, "EccCurves": ("REG_MULTI_SZ", ["NistP256"])},
        f"{SCHANNEL}\\{TLS12}": {"Enabled": broken, "DisabledByDefault": OFF},
    }
    with machine(engine, keys) as one:
        found = facts_of(one)
        assert (found["policy_order"]["status"], state(found)) == ("error", "unknown")
        assert found["policy_order"]["reason"] == "The value exists and could not be read."
        assert found["curves"]["policy"]["data"] == ["NistP256"]
        assert found["schannel"]["keys"][TLS12]["status"] == "error"


def test_names_that_nobody_needs_make_no_key_unreadable(engine: MakeEngine) -> None:
    """P5, P6, P10"""
    text = ("REG_SZ", "x")
    odd = {"": text, "Enabled-old": ON, "[x]": ON, "*": ON}
    keys = {
        POLICY: {"PSObject": text, "Functions": ("REG_SZ", "TLS_RSA_WITH_AES_128_CBC_SHA"), **odd},
        LOCAL: {"PSBase": text},
        FIPS: {"PSTypeNames": text, "enabled": ON},
        f"{SCHANNEL}\\{TLS12}": {"ENABLED": OFF, "PSExtended": text, **odd},
        f"{SCHANNEL}\\Hashes\\SHA": {"enabled": ON, "PSAdapted": text},
        f"{SCHANNEL}\\Hashes\\SHA256": {"PSObject": text},
    }
    with machine(engine, keys) as one:
        found = facts_of(one)
        assert found["policy_order"]["data"] == "TLS_RSA_WITH_AES_128_CBC_SHA"
        assert found["curves"]["policy"]["status"] == "absent"
        assert (found["local_order"]["status"], found["fips"]["enabled"]) == ("ok", True)
        switches = {name: key["values"] for name, key in found["schannel"]["keys"].items() if key["status"] == "ok"}
        assert switches == {
            TLS12: {"Enabled": {"type": "REG_DWORD", "data": 0}},
            "Hashes\\SHA": {"Enabled": {"type": "REG_DWORD", "data": 1}},
            "Hashes\\SHA256": {},
        }


@pytest.mark.long_engine
def test_slashed_keys_are_read_without_wmi(engine: MakeEngine) -> None:
    keys = {f"{SCHANNEL}\\Ciphers\\AES 128/128": {"Enabled": OFF}, f"{SCHANNEL}\\Ciphers\\AES 256/256": {}}
    with machine(engine, keys, wmi=WMI_DENIED) as one:
        ciphers = facts_of(one)["schannel"]["keys"]
        assert ciphers["Ciphers\\AES 128/128"]["values"] == {"Enabled": {"type": "REG_DWORD", "data": 0}}
        assert (ciphers["Ciphers\\AES 256/256"]["status"], ciphers["Ciphers\\AES 256/256"]["values"]) == ("ok", {})
        assert ciphers["Ciphers\\Triple DES 168"]["status"] == "absent"


@pytest.mark.long_engine
def test_a_missing_drive_says_nothing_of_its_files(engine: MakeEngine) -> None:
    """P8"""
    key = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\CiscoAMP"
    image = {"ImagePath": ("REG_SZ", '"Q:\\AMP\\8.4.1\\sfc.exe"'), "Start": ("REG_DWORD", 2)}
    with machine(engine, {key: image}, mapping={"connector": "absent"}) as one:
        connector = facts_of(one)["connector"]
        told = {name: connector[name]["status"] for name in ("tetra", "definitions", "last_update")}
        assert (connector["status"], set(told.values())) == ("ok", {"error"})


REG = "C:\\windows\\system32\\reg.exe"


class _Endpoint:
    """As much of ``reboot.Endpoint`` as the guard needs."""

    def __init__(self, session: t.Any) -> None:
        self._session = session

    def session(self) -> t.Any:
        return self._session


def guard_of(session: t.Any, system_root: str = "C:\\windows") -> t.Any:
    return CommitConfirm(t.cast("t.Any", _Endpoint(session)), WindowsFolders(system_root, "C:\\ProgramData"))


def test_the_exit_code_of_an_earlier_program_proves_nothing(engine: MakeEngine) -> None:
    """(e): a program that is missing or cannot start (as AppLocker refuses one) leaves the code of the one before."""
    broken = {f"C:\\broken\\System32\\{name}.exe": b"no program" for name in ("curl", "schtasks")}
    with engine(files=broken) as one:
        earlier = one.ask([(command(REG, "query", "HKLM"),)])
        assert earlier.output
        assert not earlier.refusals
        code = (command("Get-Variable", Name="LASTEXITCODE", ValueOnly=True),)
        missing = one.ask([(command("C:\\windows\\nowhere\\schtasks.exe", "/query"),), code])
        assert missing.output == [0], "the variable keeps what the program before left there"
        refused = one.ask([(command("C:\\broken\\System32\\schtasks.exe", "/query"),), code])
        assert (refused.output[-1:], refused.refusals[0].error_id) == ([0], "NativeCommandFailed")
        target = probe.Target("tetra-defs.amp.cisco.com")
        told = {}
        for root in ("C:\\Windows", "C:\\broken"):
            replies = ask_all(one.session(), probe.questions(target, root))
            assert replies["exit_code"].values == [0]
            found = probe.probe(target, replies, 19045)
            told[root] = (found["status"], found["outcome"])
        assert told == {"C:\\Windows": ("unsupported", None), "C:\\broken": ("error", None)}
        # A guard that was never seen is not registered, and one that cannot be asked for is not told to be gone.
        assert not guard_of(one.session(), "C:\\windows\\nowhere")._is_registered(one.session())
        with pytest.raises(ChangeError, match="schtasks"):
            guard_of(one.session(), "C:\\broken").disarm([])
        assert (exit_code(missing), exit_code(refused)) == (None, None)
        ran = one.ask([(command(REG, "query", "HKLM\\Nothing"),), code])
        assert exit_code(ran) not in (None, 0)


def test_what_stands_behind_a_failed_statement_runs_unseen(engine: MakeEngine) -> None:
    """Why a write stands first in its batch: the client sees Completed or Failed, and the files are there."""
    with engine() as one:
        for name, before in {"first": [], "later": ["Get-Date"]}.items():
            answer = _unchecked(one, [*before, "Get-Nothing"], [f"C:\\{name}{number}" for number in range(3)])
            assert answer.refusals[0].is_missing_command
            assert answer.failed is (name == "later")
            assert len(answer.output) < 3
            # The next pipeline may be answered before they have run.
            end = time.monotonic() + 60
            while not all(one.file(f"C:\\{name}{number}") is not None for number in range(3)):
                assert time.monotonic() < end, "the later statements did not run"
                time.sleep(0.1)


def _unchecked(one: Engine, names: list[str], files_to_write: list[str]) -> Answer:
    """A batch past ``writes_stand_first``."""
    session = one.session()
    first, *more = [(command(f"Test\\{name}" if name == "Get-Nothing" else name),) for name in names]
    writes = [
        (
            command("New-Item", Path=path, ItemType="File"),
            command("Select-Object", Property=["FullName"]),
        )
        for path in files_to_write
    ]
    batch = _Unchecked([first, *more, *writes])
    return session.ask(batch)


class _Unchecked(list[t.Any]):
    """The rule looks at what follows the first statement; this batch shows it nothing."""

    def __getitem__(self, key: t.Any) -> t.Any:
        return [] if isinstance(key, slice) else super().__getitem__(key)
