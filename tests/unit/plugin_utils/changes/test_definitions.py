# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking the connector of a simulated endpoint for its definitions."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

import pytest

from ansible_collections.fleetops.tetra.lab.machine import connector
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import definitions
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Answer,
    SessionError,
    Statement,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.tests.unit.lab_session import NearWindows

BAD = "TLS_RSA_WITH_AES_128_CBC_SHA"
FOLDER = r"C:\Program Files\Cisco\AMP\7.5.3.20938"
LOG = rf"{FOLDER}\sfc.exe.log"


def never(_seconds: float) -> bool:
    """Time is up at once."""
    return False


class Watched:
    """Passes questions on and keeps how the connector's tool was started."""

    def __init__(self, windows: NearWindows) -> None:
        self._inner = windows.session
        self.started: list[tuple[t.Any, ...]] = []
        self.breaks_at: str | None = None

    def ask(self, statements: Sequence[Statement]) -> Answer:
        for statement in statements:
            if statement[0].name.endswith("sfc.exe"):
                words = tuple(value for _name, value in statement[0].parameters)
                self.started.append(words)
                if self.breaks_at in words:
                    raise SessionError("unreachable", "The connection broke.")
        return self._inner.ask(statements)

    def version_table(self) -> dict[str, t.Any]:
        return self._inner.version_table()

    def configuration(self) -> str | None:
        return self._inner.configuration()


def update(windows: NearWindows, wait: t.Callable[[float], bool] = never, **options: t.Any) -> dict[str, t.Any]:
    facts = collect(windows.session, "pc", "2026-11-24T03:43:00Z")
    return definitions.update(windows.session, facts, wait, **options)


@pytest.mark.parametrize(
    ("mapping", "result", "code"),
    [
        ({"connector": {"log": "never"}}, "updated", 0),
        ({"connector": {"log": "none"}}, "updated", 0),
        ({"connector": {"log": "updated"}}, "up_to_date", 0),
        ({"connector": {"log": "failed"}}, "updated", 0),
        ({"policy": BAD}, "failed", -3000),
        ({"policy": BAD, "connector": {"log": "updated"}}, "failed", -3000),
        ({"tetra": {"outcome": "refused"}}, "failed", -3000),
    ],
)
def test_the_log_says_what_came_of_it(mapping: dict[str, t.Any], result: str, code: int) -> None:
    found = update(NearWindows(**mapping))
    assert (found["result"], found["code"], found["reason"]) == (result, code, None)
    assert "bUpdated" in found["line"]


def test_a_failure_names_the_cause_that_the_verdict_would_name() -> None:
    assert update(NearWindows(policy=BAD))["cause"]["code"] == "cipher_mismatch"
    assert update(NearWindows(connector={"log": "never"}))["cause"] is None
    elsewhere = update(NearWindows(tetra={"outcome": "refused"}))["cause"]
    assert elsewhere is None or elsewhere["code"] != "cipher_mismatch"


@pytest.mark.parametrize("mapping", [{"connector": {"service": "Stopped"}}, {"connector": {"tetra": False}}])
def test_an_update_that_the_log_never_tells_of_is_unknown(mapping: dict[str, t.Any]) -> None:
    found = update(NearWindows(**mapping))
    assert (found["result"], found["code"]) == ("unknown", None)
    assert found["reason"] == "The log told of no finished update within the time allowed."


def test_a_log_that_cannot_be_read_proves_nothing_and_nothing_is_started() -> None:
    windows = NearWindows()
    log = windows.state.files.find(LOG)
    assert log is not None
    log.denied = True
    watched = Watched(windows)
    facts = collect(windows.session, "pc", "2026-11-24T03:43:00Z")
    assert definitions.update(watched, facts, never)["result"] == "unknown"
    assert watched.started == []


def test_what_a_scheduled_update_wrote_before_is_not_taken_for_ours() -> None:
    windows = NearWindows(connector={"service": "Stopped", "log": "failed"})
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        if len(waits) == 3:
            connector.log_update(windows.state, FOLDER, "updated")
        return True

    assert update(windows, wait)["result"] == "updated"
    assert len(waits) == 3
    assert waits == sorted(waits)


def test_a_log_that_is_rotated_meanwhile_is_followed() -> None:
    windows = NearWindows(connector={"service": "Stopped", "log": "failed"})

    def wait(_seconds: float) -> bool:
        windows.state.files.write(LOG, b"", windows.state.now())
        connector.log_update(windows.state, FOLDER, "failed")
        return True

    assert update(windows, wait)["result"] == "failed"


@pytest.mark.parametrize(
    ("mapping", "words"),
    [({"connector": "absent"}, "not installed"), ({"connector": {"damaged": True}}, "repair the connector")],
)
def test_without_the_tool_there_is_one_sentence(mapping: dict[str, t.Any], words: str) -> None:
    with pytest.raises(definitions.CannotUpdate, match=words):
        update(NearWindows(**mapping))


def test_debug_logging_is_on_around_the_update_and_off_whatever_happens() -> None:
    windows = NearWindows()
    facts = collect(windows.session, "pc", "2026-11-24T03:43:00Z")
    watched = Watched(windows)
    definitions.update(watched, facts, never, debug=True)
    assert watched.started == [("-l", "start"), ("-forceupdate",), ("-l", "stop")]

    watched = Watched(windows)
    watched.breaks_at = "-forceupdate"
    with pytest.raises(SessionError):
        definitions.update(watched, facts, never, debug=True)
    assert watched.started[-1] == ("-l", "stop")
    assert not windows.state.debug_logging
