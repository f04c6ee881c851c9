# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarting a simulated endpoint natively and by another way, and the roles and users that hold a restart."""

from __future__ import annotations

import functools
import json
import pathlib
import sys
import typing as t
from datetime import timedelta

import pytest

from ansible_collections.fleetops.tetra.lab.machine import restarting
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import reboot, win_reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.restart import Restart, RestartHeld, RestartOptions
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
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


@pytest.mark.parametrize("tells", [True, False], ids=["tells its boot time", "does not tell it any more"])
def test_one_that_is_ordered_to_and_does_not_go_down_is_given_up_in_time_and_the_order_taken_back(tells: bool) -> None:
    endpoint = Endpoint()
    endpoint.comes_back = False
    before = reboot.boot_time(endpoint.session())
    if not tells:
        endpoint.state.wmi = "broken"
    with pytest.raises(ChangeError) as caught:
        reboot.restart_and_wait(endpoint, before, endpoint, ROOT)
    assert caught.value.code == "lingering"
    assert (endpoint.left <= 0, endpoint.state.scheduled_shutdown) == (True, None)


def test_one_that_went_down_and_does_not_come_back_is_lost() -> None:
    endpoint = Endpoint()
    endpoint.comes_back = False
    before = reboot.boot_time(endpoint.session())

    def down(seconds: float) -> bool:
        endpoint.state.scheduled_shutdown = None
        endpoint.windows.session.ask = gone  # type: ignore[method-assign]
        return False

    def gone(_statements: t.Any) -> t.NoReturn:
        raise SessionError("unreachable", "Nothing answers.")

    with pytest.raises(ChangeError, match="did not come back") as caught:
        reboot.restart_and_wait(endpoint, before, t.cast("t.Any", down), ROOT)
    assert caught.value.code == "timed_out"


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


def held(endpoint: Endpoint, **options: t.Any) -> str:
    """The code of what holds a restart, ``restarted``, or the code of the error."""
    restart = Restart(endpoint, RestartOptions(**{"countdown": 0, **options}), ROOT)
    found = restart.held()
    if found is not None:
        return found.code
    try:
        restart.make(endpoint)
    except RestartHeld as error:
        return error.held.code
    except ChangeError as error:
        return error.code
    return "restarted"


def test_a_restart_that_somebody_has_announced_is_not_raced() -> None:
    endpoint = Endpoint(shutdown_scheduled=True)
    endpoint.comes_back = False
    assert held(endpoint) == "announced"
    assert endpoint.state.scheduled_shutdown is not None, "it is not called off"


@pytest.mark.parametrize(
    ("countdown", "expected"), [(0, "others"), (60, "restarted")], ids=["without force", "with a countdown"]
)
def test_where_others_are_logged_on_windows_refuses_what_is_not_forced(countdown: int, expected: str) -> None:
    endpoint = Endpoint(logged_on_users=["kim"])
    assert held(endpoint, countdown=countdown) == expected


def test_a_shutdown_that_an_application_blocks_is_called_off_and_told() -> None:
    endpoint = Endpoint(shutdown_blocked=True)
    endpoint.comes_back = False
    before = endpoint.state.boot_time
    assert held(endpoint) == "lingering"
    assert (endpoint.state.scheduled_shutdown, endpoint.state.boot_time) == (None, before)


def _spied(given: list[t.Any], ask: t.Any, statements: t.Any) -> t.Any:
    given.extend(command for statement in statements for command in statement)
    return ask(statements)


def test_whoever_reads_the_message_has_the_countdown_and_nobody_waits_for_nobody() -> None:
    for users, countdown in ((["kim"], "30"), ([], "0")):
        endpoint = Endpoint(logged_on_users=users)
        given: list[t.Any] = []
        ask = endpoint.windows.session.ask

        endpoint.windows.session.ask = functools.partial(_spied, given, ask)  # type: ignore[method-assign]
        assert held(endpoint, countdown=30) == "restarted"
        (order,) = [
            dict(enumerate(value for _name, value in one.parameters)) for one in given if "shutdown" in one.name
        ]
        assert (order[0], order[1], order[2]) == ("/r", "/t", countdown)
        assert reboot.REASON in order.values()


@pytest.mark.parametrize("battery", [None, "charging", "discharging", "low"])
def test_an_endpoint_on_its_battery_waits_unless_that_is_allowed(battery: str | None) -> None:
    holds = battery in ("discharging", "low")
    assert held(Endpoint(battery=battery)) == ("battery" if holds else "restarted")
    assert held(Endpoint(battery=battery), on_battery="restart") == "restarted"


def test_updates_that_wait_for_the_restart_have_time_of_their_own() -> None:
    options = RestartOptions(update_seconds=1800.0)
    waiting = Endpoint(pending_reboot=["update"])
    assert Restart(waiting, options, ROOT).extra_seconds() == 1800.0
    assert Restart(Endpoint(), options, ROOT).extra_seconds() == 0.0


@pytest.mark.parametrize(
    ("leaves_after", "then", "expected"),
    [(2, "hold", "restarted"), (99, "hold", "users"), (99, "force", "restarted")],
)
def test_a_restart_is_put_off_while_somebody_is_logged_on(leaves_after: int, then: str, expected: str) -> None:
    endpoint = Endpoint(logged_on_users=["kim"])
    options = RestartOptions(when="no_user", put_off=300.0, then=then, countdown=60)
    restart, looks = Restart(endpoint, options, ROOT), []

    def wait(seconds: float) -> bool:
        looks.append(seconds)
        if len(looks) == leaves_after:
            endpoint.state.logged_on_users.clear()
        return len(looks) < 10

    restart.put_off(wait)
    found = restart.held()
    assert (found.code if found else None) == (None if expected == "restarted" else expected)
    if found is None:
        restart.make(endpoint)
    assert len(looks) == min(leaves_after, 10)


def test_special_servers_are_known_by_their_services() -> None:
    services = {
        f"{SERVICES}\\{name}": {"Type": 16} for name in ("MSSQLSERVER", "MSExchangeIS", "Tssdis", "RDAgentBootLoader")
    }
    found = [role for role, _words in reboot.special_roles(Endpoint(registry=services).session())]
    assert sorted(found) == ["exchange", "remote_desktop", "sql_server", "virtual_desktop"]
    assert held(Endpoint(registry=services)) == "role"
    assert held(Endpoint(registry=services), named_roles=frozenset(found)) == "restarted"


# Commands of the controller ------------------------------------------------------------------------------------------


def command_that(tmp_path: pathlib.Path, ends_with: int) -> tuple[str, ...]:
    script = tmp_path / f"hook-{ends_with}.py"
    script.write_text(
        f"import pathlib, sys\nwith pathlib.Path({str(tmp_path / 'heard')!r}).open('a') as heard:\n"
        f"    heard.write(sys.stdin.read() + '\\n')\nsys.stderr.write('the pool is locked')\nsys.exit({ends_with})\n",
        encoding="utf-8",
    )
    return sys.executable, str(script)


def test_commands_before_and_after_read_the_endpoint(tmp_path: pathlib.Path) -> None:
    endpoint, hook = Endpoint(), command_that(tmp_path, 0)
    assert held(endpoint, hook_before=hook, hook_after=hook, about=("pc", "tonight")) == "restarted"
    first, second = [json.loads(line) for line in (tmp_path / "heard").read_text(encoding="utf-8").splitlines()]
    assert (first["host"], first["run_id"], first["when"], second["when"]) == ("pc", "tonight", "before", "after")
    assert first["boot_time"] < second["boot_time"]


def test_a_command_that_fails_before_holds_and_one_after_is_noted(tmp_path: pathlib.Path) -> None:
    endpoint, bad = Endpoint(), command_that(tmp_path, 3)
    restart = Restart(endpoint, RestartOptions(hook_before=bad, countdown=0), ROOT)
    with pytest.raises(RestartHeld, match=r"ended with 3: the pool is locked, so the restart waits\."):
        restart.make(endpoint)
    assert endpoint.state.scheduled_shutdown is None
    done = Restart(endpoint, RestartOptions(hook_after=bad, countdown=0), ROOT).make(endpoint)
    assert str(done.note).startswith("After the restart the command ")
    missing = Restart(endpoint, RestartOptions(hook_before=("/no/such/command",), countdown=0), ROOT)
    with pytest.raises(RestartHeld, match="could not be started"):
        missing.make(endpoint)


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
