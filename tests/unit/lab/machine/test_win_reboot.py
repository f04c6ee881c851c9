# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripts of ansible.windows.win_reboot on a simulated endpoint; the real plugin runs in tests/integration."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.machine.restarting import LOGON_UI
from ansible_collections.fleetops.tetra.lab.pipeline import (
    Caller,
    Command,
    HostExit,
    NonTerminatingError,
    Output,
    Restart,
    TerminatingError,
)

END = (
    "; If (-not $?) { If (Get-Variable LASTEXITCODE -ErrorAction SilentlyContinue) "
    "{ exit $LASTEXITCODE } Else { exit 1 } }"
)
BOOT_TIME = (
    "(Get-CimInstance -ClassName Win32_OperatingSystem -Property LastBootUpTime).LastBootUpTime.ToFileTime()" + END
)
KEY = r"HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon\AutoLogonChecked"
TEST = f"Get-Item -LiteralPath '{KEY}' -ErrorAction Stop; 'success-1'{END}"
ABORT = rf"C:\Windows\System32\shutdown.exe /a{END}"
RESTART = (
    r"""$ErrorActionPreference = 'Continue'

if ($%s) {
    Remove-Item -LiteralPath '%s' -Force -ErrorAction SilentlyContinue
}

$stdout = $null
$stderr = . { C:\Windows\System32\shutdown.exe /r /t %s /c %s | Set-Variable stdout } 2>&1 | ForEach-Object ToString

If (Get-Variable LASTEXITCODE -ErrorAction SilentlyContinue) {
    $rc = $LASTEXITCODE
} Else {
    $rc=1
}

ConvertTo-Json -Compress -InputObject @{
    stdout = (@($stdout) -join "`n")
    stderr = (@($stderr) -join "`n")
    rc = $rc
}
"""
    + END
)


def events(ask: t.Any, text: str, configuration: str = "Microsoft.PowerShell") -> list[t.Any]:
    return list(ask.endpoint.invoke([(Command(text, is_script=True),)], Caller("lab", configuration)))


def restart(delay: int = 2, message: str = "'Now'", forget: bool = True) -> str:
    return RESTART % (forget, KEY, delay, message)


def test_the_boot_time_is_a_filetime(windows: t.Any) -> None:
    ask = windows()
    (only,) = events(ask, BOOT_TIME)
    assert only.value == (int(ask.state.boot_time.timestamp()) + 11644473600) * 10**7


@pytest.mark.parametrize("mapping", [{"wmi": "denied"}, {"wmi": "broken"}, {"account": "user"}])
def test_a_boot_time_that_is_refused_ends_with_exit_code_1(windows: t.Any, mapping: dict[str, t.Any]) -> None:
    refused, null, code = events(windows(**mapping), BOOT_TIME)
    assert isinstance(refused, NonTerminatingError)
    assert null.details.error_id == "InvokeMethodOnNull"
    assert code == HostExit(1)


@pytest.mark.parametrize("forget", [True, False])
def test_the_order_to_restart(windows: t.Any, forget: bool) -> None:
    ask = windows(boot_seconds=3)
    order, said = events(ask, restart(7, "'It''s time'", forget))
    assert isinstance(order, Restart)
    assert (order.after, order.duration, order.wanted()) == (7, 3, True)
    assert json.loads(said.value) == {"stdout": "", "stderr": "", "rc": 0}
    assert (ask.state.registry.find(LOGON_UI) is None) == forget
    assert order.up is not None
    before = ask.state.dump()
    order.up()
    assert ask.state.registry.find(LOGON_UI) is not None
    assert ask.state.dump() == before


def test_a_restart_that_somebody_ordered_is_called_off(windows: t.Any) -> None:
    ask = windows(shutdown_scheduled=True)
    (said,) = events(ask, restart())
    assert json.loads(said.value)["rc"] == 1190
    assert "(1190)" in json.loads(said.value)["stderr"]
    assert events(ask, ABORT) == []
    order, _said = events(ask, restart())
    assert events(ask, ABORT) == []
    assert not order.wanted()
    assert events(ask, ABORT)[-1] == HostExit(1116)


def test_without_rights_nothing_is_restarted(windows: t.Any) -> None:
    (said,) = events(windows(account="filtered"), restart())
    assert json.loads(said.value)["rc"] == 5


def test_the_prompt_is_there_or_the_script_fails(windows: t.Any) -> None:
    ask = windows()
    key, text = events(ask, TEST)
    assert isinstance(key, Output)
    assert text.value == "success-1"
    ask.state.registry.delete(LOGON_UI)
    (end,) = events(ask, TEST)
    assert isinstance(end, TerminatingError)
    assert end.details.error_id.startswith("PathNotFound")


def test_language_modes(windows: t.Any) -> None:
    sessions = {
        "jea": {"jea": True},
        "constrained": {"language_mode": "ConstrainedLanguage"},
        "restricted": {"language_mode": "RestrictedLanguage"},
    }
    ask = windows(sessions=sessions)
    assert events(ask, BOOT_TIME, "jea")[0].details.error_id == "ScriptsNotAllowed"
    assert events(ask, BOOT_TIME, "restricted")[0].details.error_id == "LabScriptNotSimulated"
    assert isinstance(events(ask, BOOT_TIME, "constrained")[0], Output)
    ask = windows(sessions=sessions, behaviours={"constrained_method_call": "refused"})
    refused, code = events(ask, BOOT_TIME, "constrained")
    assert refused.details.error_id == "MethodInvocationNotSupportedInConstrainedLanguage"
    assert code == HostExit(1)


@pytest.mark.parametrize(
    "text",
    [
        "Get-Date",
        BOOT_TIME.removesuffix(END),
        f"Remove-Item -LiteralPath 'C:\\' -Recurse{END}",
        restart() + "; Get-Date",
        restart().replace("shutdown.exe /r", "shutdown.exe /s"),
        f"Get-Item -LiteralPath '{KEY}' -ErrorAction Stop; Get-Date{END}",
    ],
)
def test_other_text_is_not_run_and_noted(windows: t.Any, text: str) -> None:
    ask = windows()
    (end,) = events(ask, text)
    assert end.details.error_id == "LabScriptNotSimulated"
    assert ask.endpoint.unmatched
