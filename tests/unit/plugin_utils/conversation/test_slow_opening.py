# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session that begins slowly, after a boot or while Windows is patched, is waited for until the time is up."""

from __future__ import annotations

import typing as t

import pytest
from pypsrp.complex_objects import RunspacePoolState
from pypsrp.exceptions import WSManFaultError
from pypsrp.powershell import RunspacePool
from pypsrp.wsman import WSMan

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Session
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError

NOT_YET, NO_ROOM, DIED = 2150858793, 2150859173, 995


def fault(code: int) -> WSManFaultError:
    return WSManFaultError(str(code), "endpoint", "in its own language", "", "", "")


class SlowConnection:
    """The psrp plugin, as it is after an opening whose first Receive brought ``events[0]``."""

    transport = "psrp"
    _fleetops_tetra_guarded = True

    def __init__(self, *events: BaseException) -> None:
        self._events = list(events)
        self._connected = False
        self.opened = 0
        self.runspace: t.Any = None

    @property
    def connected(self) -> bool:
        return self._connected

    def get_option(self, option: str) -> t.Any:
        return {"remote_addr": "pc", "port": 5985}.get(option)

    def close(self) -> None:
        self.runspace = None

    def _connect(self) -> None:
        self.opened += 1
        self.runspace = RunspacePool(WSMan("nowhere.invalid"))
        self.runspace.state = RunspacePoolState.NEGOTIATION_SENT
        self.runspace._receive = self._receive
        try:
            self._receive()
        except WSManFaultError as error:
            raise RuntimeError("psrp connection failure during runspace open") from error

    def _receive(self) -> None:
        if self._events:
            raise self._events.pop(0)
        self.runspace.state = RunspacePoolState.OPENED


def test_a_slow_beginning_is_waited_for_in_the_same_session() -> None:
    connection = SlowConnection(*[fault(NOT_YET)] * 5)
    Session(connection).open()
    assert (connection.opened, connection.connected) == (1, True)


def test_what_ends_the_waiting_is_told_in_words() -> None:
    connection = SlowConnection(fault(NOT_YET), fault(NOT_YET), DeadlineExceeded())
    with pytest.raises(SessionError, match="did not begin it in time: PowerShell was still starting there") as late:
        Session(connection).open()
    assert late.value.kind == "timeout"
    with pytest.raises(SessionError, match="MaxShellsPerUser"):
        Session(SlowConnection(fault(NOT_YET), fault(NO_ROOM))).open()


def test_a_process_that_died_is_told_in_words() -> None:
    with pytest.raises(SessionError, match="lost the process of the session in the middle: PowerShell died there"):
        Session(SlowConnection(fault(DIED))).open()
