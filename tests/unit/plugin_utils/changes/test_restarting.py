# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarting a simulated endpoint natively and by another way, and the roles and users that hold a restart."""

from __future__ import annotations

import typing as t
from datetime import timedelta

import pytest

from ansible_collections.fleetops.tetra.lab.machine import restarting
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import reboot, win_reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.tests.unit.lab_session import InProcess, NearWindows

ROOT = r"C:\Windows"
SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"


class Endpoint:
    """An endpoint whose restart takes until the next wait."""

    def __init__(self, **mapping: t.Any) -> None:
        self.windows = NearWindows(**mapping)
        self.left = 100.0
        self.handed_over = 0
        self.comes_back = True

    @property
    def state(self) -> t.Any:
        return self.windows.state

    def session(self) -> InProcess:
        return self.windows.session

    def renew(self) -> InProcess:
        return self.windows.session

    def hand_over(self) -> None:
        self.handed_over += 1

    def __call__(self, seconds: float) -> bool:
        """The wait: time goes by, and what was ordered happens."""
        self.left -= seconds
        if self.comes_back and self.state.scheduled_shutdown:
            restarting.boot(self.state)
        return self.left > 0

    def restart(self, other: reboot.OtherWay | None = None) -> reboot.Restarted:
        return reboot.restart_and_wait(self, reboot.boot_time(self.session()), self, ROOT, other)


def test_the_native_way_needs_a_later_boot_time() -> None:
    endpoint = Endpoint()
    before = endpoint.state.boot_time
    done = endpoint.restart()
    assert endpoint.state.boot_time > before
    assert done == reboot.Restarted(
        before.strftime("%Y-%m-%dT%H:%M:%SZ"), endpoint.state.boot_time.strftime("%Y-%m-%dT%H:%M:%SZ"), "native"
    )
    assert endpoint.handed_over == 0


def test_two_restarts_in_a_row_are_told_apart() -> None:
    endpoint = Endpoint()
    first, second = endpoint.restart(), endpoint.restart()
    assert (first.after, endpoint.left > 0) == (second.before, True)
    assert second.after > second.before


@pytest.mark.parametrize("answers", [True, False])
def test_one_that_does_not_restart_is_given_up_in_time(answers: bool) -> None:
    endpoint = Endpoint()
    endpoint.comes_back = False
    before = reboot.boot_time(endpoint.session())
    if not answers:
        endpoint.state.wmi = "broken"
    with pytest.raises(ChangeError) as caught:
        reboot.restart_and_wait(endpoint, before, endpoint, ROOT)
    assert caught.value.code == "timed_out"
    assert ("answers, but" in str(caught.value)) is answers
    assert endpoint.left <= 0


def test_a_clock_that_was_set_is_no_restart() -> None:
    endpoint = Endpoint()
    endpoint.comes_back = False
    before = reboot.boot_time(endpoint.session())
    endpoint.state.boot_time += timedelta(seconds=4)
    with pytest.raises(ChangeError, match="was not restarted"):
        reboot.wait_for_boot(endpoint, before, endpoint)


def test_a_refusal_is_known_at_once() -> None:
    endpoint = Endpoint(account="filtered")
    with pytest.raises(ChangeError) as caught:
        endpoint.restart()
    assert caught.value.code == "restart_refused"
    assert endpoint.left == 100.0


def test_a_restart_that_somebody_ordered_for_later_is_called_off_for_ours() -> None:
    endpoint = Endpoint(shutdown_scheduled=True)
    assert endpoint.restart().method == "native"


def test_by_win_reboot_nothing_is_ordered_twice() -> None:
    endpoint = Endpoint()
    given: list[dict[str, t.Any]] = []

    def run(options: dict[str, t.Any]) -> dict[str, t.Any]:
        given.append(options)
        restarting.boot(endpoint.state)
        return {"rebooted": True, "failed": False}

    done = endpoint.restart(win_reboot.WinReboot(run))
    assert (done.method, done.note) == ("win_reboot", None)
    assert given == [{"msg": reboot.REASON, "reboot_timeout": 100.0}]
    assert endpoint.handed_over == 2, "the connection belongs to the plugin while it works"
    assert endpoint.left == 100.0, "what the plugin has seen is not waited for again"


def test_where_win_reboot_orders_nothing_the_native_way_is_taken_and_told() -> None:
    endpoint = Endpoint()
    refused = {"rebooted": False, "failed": True, "msg": "refused", "stderr": "ScriptsNotAllowed"}
    done = endpoint.restart(win_reboot.WinReboot(lambda _options: refused))
    assert (done.method, done.note) == ("native", win_reboot.REFUSED)


def test_where_win_reboot_ordered_one_and_gave_up_nothing_is_ordered_again() -> None:
    endpoint = Endpoint()
    endpoint.comes_back = False
    with pytest.raises(ChangeError) as caught:
        endpoint.restart(win_reboot.WinReboot(lambda _options: {"rebooted": True, "failed": True}))
    assert caught.value.code == "timed_out"
    assert endpoint.state.scheduled_shutdown is None


def test_the_connection_is_taken_back_when_the_plugin_breaks() -> None:
    endpoint = Endpoint()

    def breaks(_options: dict[str, t.Any]) -> dict[str, t.Any]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        endpoint.restart(win_reboot.WinReboot(breaks))
    assert endpoint.handed_over == 2


@pytest.mark.parametrize(
    ("service", "role"), [("NTDS", "domain_controller"), ("ClusSvc", "cluster_node"), ("vmms", "hyper_v_host")]
)
def test_roles_that_are_restarted_by_name_only(service: str, role: str) -> None:
    windows = NearWindows(registry={rf"{SERVICES}\{service}": {"Type": 16}})
    assert [name for name, _words in reboot.special_roles(windows.session)] == [role]
    assert reboot.special_roles(NearWindows().session) == []


@pytest.mark.parametrize(
    ("mapping", "asks"),
    [
        ({"bitlocker": "tpm_pin"}, True),
        ({"bitlocker": "tpm_pin_suspended"}, False),
        ({"bitlocker": "tpm"}, False),
        ({"bitlocker": "off"}, False),
        ({"bitlocker": "absent", "release": "2022"}, False),
        ({"bitlocker": "tpm_pin", "wmi": "denied"}, False),
    ],
)
def test_an_endpoint_that_asks_for_a_pin_at_startup_is_restarted_by_name_only(
    mapping: dict[str, t.Any], asks: bool
) -> None:
    windows = NearWindows(**mapping)
    assert reboot.special_roles(windows.session) == ([reboot.BITLOCKER_PIN] if asks else [])
    assert windows.unmatched == []


@pytest.mark.parametrize(("users", "answer"), [([], False), (["kim"], True), (["kim", "lee"], True)])
def test_who_is_logged_on(users: list[str], answer: bool) -> None:
    assert reboot.users_logged_on(NearWindows(logged_on_users=users).session) is answer
