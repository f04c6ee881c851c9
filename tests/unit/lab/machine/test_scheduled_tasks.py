# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's task scheduler: what schtasks.exe takes and refuses, and when a task runs."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.machine import restarting
from ansible_collections.fleetops.tetra.lab.machine.registry import Value
from ansible_collections.fleetops.tetra.tests.unit.lab.machine.conftest import Asked, Reply, command

XML = r"C:\Windows\task.xml"
KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\X"
DEFINITION = """<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <Triggers><TimeTrigger><StartBoundary>{start}</StartBoundary>{end}</TimeTrigger></Triggers>
  <Principals><Principal id="Author"><UserId>{user}</UserId></Principal></Principals>
  <Settings><StartWhenAvailable>{late}</StartWhenAvailable></Settings>
  <Actions Context="Author">{actions}</Actions>
</Task>
"""
REG = 'Windows Registry Editor Version 5.00\r\n\r\n[{key}]\r\n"ran"=dword:00000001\r\n'


def tool(asked: Asked, *arguments: str) -> tuple[int, Reply]:
    reply = asked(
        command(r"C:\Windows\System32\schtasks.exe", *arguments),
        command("Get-Variable", Name="LASTEXITCODE", ValueOnly=True),
    )
    return int(reply.output[-1]), reply


def definition(asked: Asked, minutes: float = 10, **more: t.Any) -> bytes:
    start = asked.state.now() + datetime.timedelta(minutes=minutes)
    end = "" if more.get("end") is None else f"<EndBoundary>{(start + more['end']).isoformat()}</EndBoundary>"
    programs = more.get("actions", [(r"C:\Windows\System32\reg.exe", r'import "C:\Windows\x.reg"')])
    actions = "".join(f"<Exec><Command>{one}</Command><Arguments>{two}</Arguments></Exec>" for one, two in programs)
    text = DEFINITION.format(
        start=start.isoformat(),
        end=end,
        user=more.get("user", "S-1-5-18"),
        late=more.get("late", "true"),
        actions=actions,
    )
    return b"\xff\xfe" + text.encode("utf-16-le")


def register(asked: Asked, data: bytes, name: str = "n") -> int:
    asked.state.files.write(XML, data, asked.state.now())
    asked.state.files.write(
        r"C:\Windows\x.reg", b"\xff\xfe" + REG.format(key=KEY).encode("utf-16-le"), asked.state.now()
    )
    return tool(asked, "/create", "/xml", XML, "/tn", name, "/f")[0]


def pass_minutes(asked: Asked, minutes: float) -> t.Any:
    asked.state.clock_ahead += datetime.timedelta(minutes=minutes)
    return asked.endpoint.wake()


def has_run(asked: Asked) -> bool:
    return asked.state.registry.get(KEY, "ran") == Value(4, 1)


def test_a_task_is_registered_found_and_deleted(windows: type[Asked]) -> None:
    asked = windows()
    assert tool(asked, "/query", "/tn", "n")[0] == 1
    assert register(asked, definition(asked)) == 0
    assert tool(asked, "/query", "/tn", "N")[0] == 0
    assert r"C:\Windows\System32\Tasks\n" in asked.state.dump()["files"]
    assert tool(asked, "/delete", "/tn", "n", "/f")[0] == 0
    code, reply = tool(asked, "/delete", "/tn", "n", "/f")
    assert (code, [error.error_id for error in reply.errors]) == (1, ["NativeCommandError"])
    assert (asked.endpoint.due_in(), asked.endpoint.unmatched) == (None, [])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[2:].decode("utf-16-le").encode("utf-8"),
        lambda data: data[:-60],
        lambda data: data.replace("S-1-5-18".encode("utf-16-le"), "S-1-5-99".encode("utf-16-le")),
        lambda data: data.replace("TimeTrigger".encode("utf-16-le"), "BootTrigger".encode("utf-16-le")),
        lambda data: data.replace("+00:00".encode("utf-16-le"), "someday".encode("utf-16-le")),
    ],
    ids=["another encoding than it says", "cut short", "unknown account", "no start", "no time"],
)
def test_a_definition_that_is_none_is_refused(windows: type[Asked], spoil: t.Callable[[bytes], bytes]) -> None:
    asked = windows()
    assert register(asked, spoil(definition(asked))) == 1
    assert asked.state.tasks == {}


def test_what_else_is_refused(windows: type[Asked]) -> None:
    asked = windows()
    assert tool(asked, "/create", "/xml", r"C:\none.xml", "/tn", "n", "/f")[0] == 1
    assert register(asked, definition(asked)) == 0
    assert tool(asked, "/create", "/xml", XML, "/tn", "n")[0] == 1
    filtered = windows(account="filtered")
    assert register(filtered, definition(filtered)) == 1
    stopped = windows(task_scheduler="stopped")
    assert register(stopped, definition(stopped)) == 1
    assert tool(asked, "/change", "/tn", "n")[0] == 1
    assert asked.endpoint.unmatched == ["schtasks.exe /change /tn n"]


def test_a_task_runs_once_at_its_time(windows: type[Asked]) -> None:
    asked = windows()
    register(asked, definition(asked))
    assert 590 <= (asked.endpoint.due_in() or 0) <= 600
    assert (pass_minutes(asked, 9), has_run(asked)) == (None, False)
    assert (pass_minutes(asked, 2), has_run(asked)) == (None, True)
    assert asked.endpoint.due_in() is None


@pytest.mark.parametrize(
    ("late", "end", "runs"),
    [("true", datetime.timedelta(days=1), True), ("true", None, False), ("false", datetime.timedelta(days=1), False)],
)
def test_a_missed_start_is_caught_up_with_only_where_that_is_asked_for_with_an_end(
    windows: type[Asked], late: str, end: datetime.timedelta | None, runs: bool
) -> None:
    asked = windows()
    register(asked, definition(asked, late=late, end=end))
    asked.state.off = True
    pass_minutes(asked, 30)
    restarting.boot(asked.state)
    pass_minutes(asked, 9)
    assert not has_run(asked)
    pass_minutes(asked, 2)
    assert has_run(asked) is runs


def test_a_task_restarts_deletes_files_and_itself_in_the_order_of_its_actions(windows: type[Asked]) -> None:
    asked = windows()
    system = r"C:\Windows\System32"
    asked.state.files.write(r"C:\Windows\f\a.txt", b"a", asked.state.now())
    asked.state.files.write(r"C:\b.txt", b"b", asked.state.now())
    actions = [
        (rf"{system}\cmd.exe", r'/d /c move /y "C:\Windows\f\a.txt" "C:\a.txt"'),
        (rf"{system}\cmd.exe", r'/d /c del /f /q "C:\b.txt"'),
        (rf"{system}\shutdown.exe", '/r /t 60 /c "Why not"'),
        (rf"{system}\cmd.exe", r'/d /c rd /s /q "C:\Windows\f"'),
        (rf"{system}\schtasks.exe", "/delete /tn n /f"),
        (rf"{system}\notepad.exe", ""),
    ]
    register(asked, definition(asked, actions=actions))
    assert pass_minutes(asked, 11) is None
    files = asked.state.dump()["files"]
    assert r"C:\a.txt" in files and r"C:\b.txt" not in files
    assert (asked.state.files.is_folder(r"C:\Windows\f"), asked.state.tasks) == (False, {})
    assert asked.endpoint.unmatched == [rf"scheduled: {system}\notepad.exe "]
    restart = pass_minutes(asked, 1)
    assert restart is not None and restart.after == 0.0
