# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be known before a restart, on endpoints that do not tell it. The restart: ``test_restarting.py``."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.tests.unit.lab_session import Breaking, NearWindows

SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
FORM = "%Y-%m-%dT%H:%M:%SZ"


@pytest.mark.parametrize("minutes", [-480, 0, 540])
@pytest.mark.parametrize("language", ["en-US", "ko-KR"])
def test_times_are_told_in_utc_whatever_the_endpoint_calls_them(minutes: int, language: str) -> None:
    pc = NearWindows(utc_offset_minutes=minutes, language=language)
    assert reboot.boot_time(pc.session) == pc.state.boot_time.strftime(FORM)
    told = reboot.clock(pc.session)
    assert told is not None
    then = datetime.datetime.strptime(told, FORM).replace(tzinfo=datetime.UTC)
    assert abs(pc.state.now() - then) < datetime.timedelta(minutes=5)


def test_the_boot_time_is_told_without_cim_cmdlets() -> None:
    pc = NearWindows(release="7_2008r2", powershell="2.0")
    assert reboot.boot_time(pc.session) == pc.state.boot_time.strftime(FORM)
    assert reboot.clock(pc.session) is not None


@pytest.mark.parametrize("wmi", ["broken", "denied"])
def test_without_a_boot_time_no_restart_could_be_proven(wmi: str) -> None:
    pc = NearWindows(wmi=wmi)
    assert reboot.clock(pc.session) is None
    with pytest.raises(ChangeError) as caught:
        reboot.boot_time(pc.session)
    assert caught.value.code == "no_boot_time"


@pytest.mark.parametrize("service", ["NTDS", "ClusSvc", "vmms"])
def test_a_role_that_cannot_be_read_is_not_taken_for_none(service: str) -> None:
    key = rf"{SERVICES}\{service}"
    pc = NearWindows(registry={key: {"Type": 16}}, denied=[key])
    with pytest.raises(ChangeError) as caught:
        reboot.special_roles(pc.session)
    assert caught.value.code == "roles_unknown"


def test_several_roles_are_all_told() -> None:
    pc = NearWindows(registry={rf"{SERVICES}\{name}": {"Type": 16} for name in ("NTDS", "vmms")})
    assert [role for role, _words in reboot.special_roles(pc.session)] == ["domain_controller", "hyper_v_host"]


def test_who_is_logged_on_is_not_guessed() -> None:
    pc = NearWindows(sessions={"narrow": {"jea": True}})
    pc.session = type(pc.session)("pc", pc.state, "narrow")
    with pytest.raises(ChangeError) as caught:
        reboot.users_logged_on(pc.session)
    assert caught.value.code == "users_unknown"


def test_a_connection_that_breaks_over_the_order_is_no_error() -> None:
    pc = NearWindows()
    asked: list[str] = []

    def is_order(name: str, _parameters: dict[str | None, t.Any]) -> bool:
        asked.append(name)
        return name.endswith("shutdown.exe")

    reboot.restart(Breaking(pc, is_order, after=True))
    assert asked == [r"C:\Windows\System32\shutdown.exe"]


def test_an_endpoint_whose_connection_breaks_again_and_again_is_asked_until_it_is_back() -> None:
    pc = NearWindows()
    before = reboot.boot_time(pc.session)
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        if len(waits) == 5:
            pc.state.boot(pc.state.now() + datetime.timedelta(minutes=1))
        return True

    flaky = Breaking(pc, lambda _name, _parameters: True, after=False, times=4)
    assert reboot.wait_for_boot(flaky, before, wait) == pc.state.boot_time.strftime(FORM)
    assert len(waits) == 5
    assert waits == sorted(waits), "a slow one is not pestered"


def test_nobody_waits_beyond_the_time_allowed() -> None:
    pc = NearWindows()
    lost = Breaking(pc, lambda _name, _parameters: True, after=False, times=1_000_000)
    with pytest.raises(SessionError):
        lost.ask([])
        reboot.boot_time(lost)
    waits = iter([True, True, False])
    with pytest.raises(ChangeError, match="did not come back"):
        reboot.wait_for_boot(lost, "2026-11-20T06:00:00Z", lambda _seconds: next(waits))
