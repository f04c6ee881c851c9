# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small files of an endpoint: the old content stays whole until the new one takes its place, whatever goes wrong."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError, NotWritable
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_files import RemoteFiles
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.tests.unit.lab_session import Breaking, Connection, Fresh, Windows

PATH = r"C:\Windows\System32\GroupPolicy\Machine\Registry.pol"
TEMPORARY = f"{PATH}.fleetops-tetra.tmp"
OLD, NEW = b"PReg\x01\x00\x00\x00" + b"old" * 20, b"PReg\x01\x00\x00\x00" + b"new" * 40


def holding(windows: Fresh, content: bytes | None = OLD, **mapping: t.Any) -> Windows:
    pc = windows(files={PATH: {"hex": content.hex()}} if content is not None else {}, **mapping)
    pc.session.recorded = []
    return pc


def asked(pc: Windows) -> list[tuple[str, dict[str | None, t.Any]]]:
    return [
        (command.name.rpartition("\\")[2], dict(command.parameters))
        for statements, _output in pc.session.recorded or []
        for statement in statements
        for command in statement
    ]


@pytest.mark.parametrize("variant", ["one_array", "single_bytes"])
@pytest.mark.parametrize("content", [b"", b"\x00", bytes(range(256)), OLD])
def test_a_file_is_read_as_it_is(windows: Fresh, variant: str, content: bytes) -> None:
    pc = holding(windows, content, behaviours={"get_content_bytes": variant})
    assert RemoteFiles(pc.session).read(PATH) == content
    assert pc.unmatched == []


def test_a_file_that_is_not_there_is_nothing(windows: Fresh) -> None:
    files = RemoteFiles(windows().session)
    assert files.read(PATH) is None
    assert not files.exists(PATH)
    files.remove(PATH)


def test_a_file_that_may_not_be_read_is_not_taken_for_an_absent_one(windows: Fresh) -> None:
    pc = holding(windows, denied_files=[PATH])
    with pytest.raises(NotWritable, match="could not be read"):
        RemoteFiles(pc.session).read(PATH)
    with pytest.raises(ChangeError):
        RemoteFiles(pc.session).replace(PATH, NEW)
    assert pc.file(PATH) == OLD


@pytest.mark.parametrize("content", [None, b"", OLD])
def test_a_file_is_replaced_and_never_written_in_place(windows: Fresh, content: bytes | None) -> None:
    pc = holding(windows, content)
    assert RemoteFiles(pc.session).replace(PATH, NEW)
    assert pc.file(PATH) == NEW
    assert pc.file(TEMPORARY) is None
    written = [parameters["LiteralPath"] for name, parameters in asked(pc) if name == "Set-Content"]
    assert written == [TEMPORARY]
    assert not RemoteFiles(pc.session).replace(PATH, NEW)
    assert len([name for name, _parameters in asked(pc) if name == "Set-Content"]) == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300))
def test_any_bytes_arrive_as_they_were_sent(windows: Fresh, content: bytes) -> None:
    pc = holding(windows)
    RemoteFiles(pc.session).replace(PATH, content)
    assert pc.file(PATH) == content


def test_powershell_7_spells_bytes_in_another_way(windows: Fresh) -> None:
    pc = holding(windows, sessions={"PowerShell.7": {"powershell": "7.4"}})
    pc.connection = Connection(pc.connection.get_option("port"), "PowerShell.7")
    pc = _with_session(pc)
    assert RemoteFiles(pc.session).replace(PATH, NEW)
    assert pc.file(PATH) == NEW
    assert pc.unmatched == []


def _with_session(pc: Windows) -> Windows:
    pc.endpoint = type(pc.endpoint)(pc.connection)
    return pc


def test_missing_folders_are_made_and_those_that_are_there_are_kept(windows: Fresh) -> None:
    pc = windows(files={r"C:\Windows\System32\GroupPolicy\gpt.ini": "[General]"})
    assert RemoteFiles(pc.session).replace(PATH, NEW)
    assert pc.file(PATH) == NEW
    assert pc.file(r"C:\Windows\System32\GroupPolicy\gpt.ini") == b"[General]"


@pytest.mark.parametrize("free", [0, 16, len(NEW) - 1])
@pytest.mark.parametrize("content", [None, OLD])
def test_a_full_disk_costs_nothing_of_the_old_file(windows: Fresh, free: int, content: bytes | None) -> None:
    pc = holding(windows, content, free_bytes=free)
    with pytest.raises(ChangeError, match="could not be written"):
        RemoteFiles(pc.session).replace(PATH, NEW)
    assert pc.file(PATH) == content
    assert pc.file(TEMPORARY) is None, "what fitted is taken away again"


def test_an_account_without_the_right_is_told_apart(windows: Fresh) -> None:
    pc = holding(windows, account="filtered")
    with pytest.raises(NotWritable, match="the account has no right to it"):
        RemoteFiles(pc.session).replace(PATH, NEW)
    assert (pc.file(PATH), pc.file(TEMPORARY)) == (OLD, None)


def test_a_folder_that_cannot_be_made_is_named(windows: Fresh) -> None:
    pc = windows(account="filtered")
    with pytest.raises(NotWritable, match="folder"):
        RemoteFiles(pc.session).replace(PATH, NEW)


def test_a_file_that_another_process_holds_stays_as_it_is(windows: Fresh) -> None:
    pc = holding(windows)

    def lock_it(name: str, _parameters: dict[str | None, t.Any]) -> bool:
        found = pc.state.files.find(PATH)
        assert found is not None
        found.locked = name == "Move-Item"
        return False

    with pytest.raises(ChangeError, match="could not be replaced"):
        RemoteFiles(Breaking(pc, lock_it, after=False)).replace(PATH, NEW)
    assert (pc.file(PATH), pc.file(TEMPORARY)) == (OLD, None)


def test_what_a_killed_run_left_behind_is_used_up(windows: Fresh) -> None:
    pc = holding(windows)
    pc.state.files.write(TEMPORARY, b"half of", pc.state.now())
    RemoteFiles(pc.session).replace(PATH, NEW)
    assert (pc.file(PATH), pc.file(TEMPORARY)) == (NEW, None)


class Cutting(Breaking):
    """Part of what is written is lost without an error."""

    def ask(self, statements: t.Any) -> t.Any:
        cut = []
        for statement in statements:
            commands = []
            for command in statement:
                parameters = tuple(
                    (name, value[:5] if name == "Value" and isinstance(value, bytes) else value)
                    for name, value in command.parameters
                )
                commands.append(type(command)(command.name, parameters, command.merge_errors))
            cut.append(tuple(commands))
        return super().ask(cut)


def test_a_short_write_without_an_error_is_found_before_anything_is_replaced(windows: Fresh) -> None:
    pc = holding(windows)
    with pytest.raises(ChangeError) as caught:
        RemoteFiles(Cutting(pc, lambda _name, _parameters: False, after=False)).replace(PATH, NEW)
    assert caught.value.code == "not_kept"
    assert (pc.file(PATH), pc.file(TEMPORARY)) == (OLD, None)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("cmdlet", ["Set-Content", "Move-Item", "Get-Content"])
def test_after_a_lost_connection_the_file_is_old_or_new_and_the_next_try_finishes(
    windows: Fresh, cmdlet: str, after: bool
) -> None:
    pc = holding(windows)
    breaking = Breaking(pc, lambda name, _parameters: name == cmdlet, after)
    with pytest.raises(SessionError):
        RemoteFiles(breaking).replace(PATH, NEW)
    assert pc.file(PATH) in (OLD, NEW)
    RemoteFiles(breaking.renew()).replace(PATH, NEW)
    assert (pc.file(PATH), pc.file(TEMPORARY)) == (NEW, None)


def test_a_file_is_taken_away(windows: Fresh) -> None:
    pc = holding(windows)
    RemoteFiles(pc.session).remove(PATH)
    assert pc.file(PATH) is None
    assert RemoteFiles(pc.session).exists(PATH.rpartition("\\")[0]), "its folder stays"


def test_a_file_that_may_not_be_taken_away_is_named(windows: Fresh) -> None:
    pc = holding(windows, account="filtered")
    with pytest.raises(NotWritable, match="could not be removed"):
        RemoteFiles(pc.session).remove(PATH)
    assert pc.file(PATH) == OLD
