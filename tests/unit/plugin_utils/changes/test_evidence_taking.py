# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence taken on a simulated endpoint: both off again whatever happens, nothing left, others' captures untouched."""

from __future__ import annotations

import datetime
import typing as t
from collections.abc import Sequence
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.machine import conditions, scheduled_tasks
from ansible_collections.fleetops.tetra.plugins.module_utils.triage import rank
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.evidence_taking import FOLDER, TASK
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Answer,
    SessionError,
    Statement,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import diagnose_task
from ansible_collections.fleetops.tetra.tests.unit.lab_session import NearWindows

BAD = "TLS_RSA_WITH_AES_128_CBC_SHA,TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"
ARGUMENTS: dict[str, t.Any] = {
    "capture": True, "capture_megabytes": 16, "end_after_minutes": 15, "request_seconds": 3, "keep_days": 7,
    "site": "Bern",
    "hosts": None, "addresses": ["198.51.100.7", "203.0.113.8"], "issuers": None, "support_bundle": False,
}  # fmt: skip


def no_wait(_seconds: float) -> bool:
    return False


def left_behind(windows: NearWindows) -> list[str]:
    """What a diagnosis may leave on an endpoint, and must not."""
    state = windows.state
    found = [path for path in state.dump()["files"] if FOLDER in path.lower() or TASK in path.lower()]
    found += [name for name in state.tasks if name == TASK]
    capture = state.conditions.capture
    found += ["a capture runs"] * bool(capture and capture.running)
    found += ["debug logging"] * state.debug_logging
    found += ["the certificate log"] * state.conditions.capi2
    found += ["certificate events" for one in state.conditions.events if "CAPI2" in one.log][:1]
    return found


@pytest.mark.parametrize("tool", ["pktmon", "pktmon-2004", "netsh"])
def test_a_capture_with_what_windows_has(tool: str) -> None:
    windows = NearWindows(policy=BAD, conditions={"capture_tool": tool})
    found, taken = diagnose_task.gather_evidence(windows.session, "pc", ARGUMENTS, no_wait)
    assert taken.data is not None
    assert found["capturing"]["status"] == "ok", found["capturing"]
    assert found["capturing"]["tool"] == tool.partition("-")[0]
    assert found["capturing"]["converted"] is (tool != "netsh")
    assert found["capture"]["verdict"] == "no_suite_in_common"
    assert found["update"]["code"] == -3000
    assert found["network"]["subnet"] == "192.0.2.0/24"
    assert [event["id"] for event in found["schannel_events"]["events"]] == [36887]
    assert left_behind(windows) == []
    assert windows.unmatched == []


@pytest.mark.parametrize("fault", ["busy", "denied", "empty"])
def test_no_capture_is_one_sentence_and_the_rest_goes_on(fault: str) -> None:
    windows = NearWindows(policy=BAD, conditions={"capture_tool": "netsh", "capture_fault": fault})
    found, _capture = diagnose_task.gather_evidence(windows.session, "pc", ARGUMENTS, no_wait)
    assert found["update"]["code"] == -3000
    if fault == "empty":
        assert "no packet" in found["capture"]["sentence"]
    else:
        assert "did not begin to capture" in (found["capturing"]["reason"] or "")
    assert windows.state.conditions.foreign_capture is (fault == "busy"), "what others capture is theirs"
    assert left_behind(windows) == []


def test_a_disk_that_is_nearly_full_takes_no_capture() -> None:
    windows = NearWindows(policy=BAD, conditions={"free_megabytes": 700})
    found, taken = diagnose_task.gather_evidence(windows.session, "pc", ARGUMENTS, no_wait)
    assert taken.data is None
    assert found["capturing"]["reason"] == "The disk is nearly full, so nothing was captured."
    assert windows.state.conditions.capture is None
    assert left_behind(windows) == []


def test_debug_logging_that_the_policy_has_on_is_left_on() -> None:
    windows = NearWindows(policy=BAD, connector={"policy_readable": True})
    path = "C:\\Program Files\\Cisco\\AMP\\policy.xml"
    file = windows.state.files.find(path)
    assert file is not None
    file.data = file.data.replace(b"<level>0</level>", b"<level>549755813887</level>")
    windows.state.debug_logging = True
    found, _capture = diagnose_task.gather_evidence(windows.session, "pc", ARGUMENTS, no_wait)
    assert any("on already by the policy" in note for note in found["notes"])
    assert windows.state.debug_logging


MIDDLEBOX: dict[str, t.Any] = {"tetra": {"authority": "CN=Example Corp Inspection CA"}}


def test_the_certificate_log_is_on_during_the_update_and_off_again() -> None:
    windows = NearWindows(**MIDDLEBOX)
    found, _capture = diagnose_task.gather_evidence(windows.session, "pc", ARGUMENTS, no_wait)
    assert found["logging"]["capi2"] == "switched_on"
    (event,) = found["capi2_events"]["events"]
    assert (event["id"], event["data"]["Result"], event["data"]["serverName"]) == (
        30, "800B0109", "tetra-defs.amp.cisco.com",
    )  # fmt: skip
    assert left_behind(windows) == []
    assert windows.unmatched == []


def test_a_certificate_log_that_is_on_already_stays_on_with_its_events() -> None:
    windows = NearWindows(**MIDDLEBOX, conditions={"capi2": True})
    found, _capture = diagnose_task.gather_evidence(windows.session, "pc", ARGUMENTS, no_wait)
    assert found["logging"]["capi2"] == "on_already"
    assert [event["id"] for event in found["capi2_events"]["events"]] == [30]
    assert left_behind(windows) == ["the certificate log", "certificate events"]


def test_an_older_event_of_the_certificate_log_is_kept() -> None:
    windows = NearWindows(policy=BAD)
    windows.state.conditions.capi2 = True
    conditions.log_certificate_check(windows.state, "800B0109")
    windows.state.conditions.capi2 = False
    diagnose_task.gather_evidence(windows.session, "pc", ARGUMENTS, no_wait)
    assert left_behind(windows) == ["certificate events"]


def test_without_the_right_to_it_the_certificate_log_is_left_alone() -> None:
    windows = NearWindows(policy=BAD, account="filtered")
    found, _capture = diagnose_task.gather_evidence(windows.session, "pc", ARGUMENTS, no_wait)
    assert found["logging"]["capi2"] in (None, "refused")
    assert left_behind(windows) == []


def test_a_policy_that_arrives_meanwhile_and_the_trays_level_are_noticed() -> None:
    windows = NearWindows(policy=BAD, connector={"policy_readable": True}, conditions={"policy_arrives": True})
    tray = b"(1, +0 ms) Nov 24 07:30:23 [12]: Tetra update asked for by the user\r\n"
    state = windows.state
    folder = next(path for path in state.dump()["files"] if path.lower().endswith("sfc.exe.log")).rpartition("\\")[0]
    state.files.write(f"{folder}\\iptray.log", tray, state.now())
    found, _capture = diagnose_task.gather_evidence(windows.session, "pc", ARGUMENTS, no_wait)
    logging = found["logging"]
    assert (logging["connector"], logging["tray"], logging["ended_by_policy"]) == ("switched_on", "default", True)
    assert [line["text"].partition(": ")[0] for line in logging["other_lines"]] == ["iptray.log"]
    assert any("policy was updated meanwhile" in note for note in found["notes"])
    assert any("tray logs at its default level" in note for note in found["notes"])
    assert left_behind(windows) == []


def test_without_a_task_scheduler_nothing_is_switched_on() -> None:
    windows = NearWindows(policy=BAD, task_scheduler="stopped")
    found, taken = diagnose_task.gather_evidence(windows.session, "pc", ARGUMENTS, no_wait)
    assert taken.data is None
    assert "nothing was begun" in (found["capturing"]["reason"] or "")
    assert windows.state.conditions.capture is None
    assert left_behind(windows) == []


def test_check_mode_switches_nothing_on() -> None:
    windows = NearWindows(policy=BAD)
    before = windows.dump()
    found, taken = diagnose_task.gather_evidence(windows.session, "pc", ARGUMENTS, no_wait, check_only=True)
    assert taken.data is None
    assert found["update"]["status"] == "not_read"
    assert windows.dump() == before


class Dying:
    """An asker whose controller dies at a statement: it is carried out or not, and no other one follows."""

    def __init__(self, windows: NearWindows, at: int, after: bool) -> None:
        self._inner = windows.session
        self.left = at
        self._after = after
        self.dead = False

    def ask(self, statements: Sequence[Statement]) -> Answer:
        if self.dead:
            raise SessionError("unreachable", "The controller is dead.")
        self.left -= 1
        if self.left == 0:
            self.dead = True
            if self._after:
                self._inner.ask(statements)
            raise SessionError("unreachable", "The controller died.")
        return self._inner.ask(statements)

    def version_table(self) -> dict[str, t.Any]:
        return self._inner.version_table()

    def configuration(self) -> str | None:
        return self._inner.configuration()


def count_of_questions() -> int:
    windows = NearWindows(policy=BAD)
    asker = Dying(windows, 10_000, after=False)
    diagnose_task.gather_evidence(asker, "pc", ARGUMENTS, no_wait)
    return 10_000 - asker.left


@pytest.mark.parametrize("after", [False, True], ids=["before it is carried out", "after"])
def test_an_endpoint_whose_controller_dies_ends_it_by_itself(after: bool) -> None:
    total, worst = count_of_questions(), []
    for at in range(1, total + 1):
        windows = NearWindows(policy=BAD)
        with pytest.raises(SessionError):
            diagnose_task.gather_evidence(Dying(windows, at, after), "pc", ARGUMENTS, no_wait)
        before = left_behind(windows)
        windows.state.clock_ahead += datetime.timedelta(minutes=16)
        scheduled_tasks.run_due(windows.state, lambda _text: None)
        running = [item for item in left_behind(windows) if not item.startswith("C:")]
        assert running == [], (at, before)
        worst.append(len(before))
    assert max(worst) > 3, "no death came between on and off"


def test_the_files_of_a_diagnosis(tmp_path: Path) -> None:
    from ansible_collections.fleetops.tetra.plugins.module_utils.capture import document
    from ansible_collections.fleetops.tetra.tests.schemas import complaints

    windows = NearWindows(policy=BAD)
    found, taken = diagnose_task.gather_evidence(windows.session, "pc", ARGUMENTS, no_wait)
    told = rank.diagnose(found, evaluate(found["facts"]))
    place = diagnose_task.file_diagnosis(tmp_path / "diagnoses", found, told, taken, ARGUMENTS)
    assert {path.name for path in place.iterdir()} >= {"capture.pcap", "diagnosis.json", "evidence.json", "log.txt"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in (place, *place.iterdir()))
    assert document.read(place / "capture.pcap")["verdict"] == "no_suite_in_common"
    assert complaints("evidence-1", found) == []
    assert complaints("diagnosis-1", told) == []
    assert (place / "capture.pcap").exists()
    nothing = diagnose_task.file_diagnosis(tmp_path / "none", found, told, taken, {**ARGUMENTS, "keep_days": 0})
    assert not (nothing / "capture.pcap").exists()


def test_what_was_captured_is_kept_as_long_as_the_option_says(tmp_path: Path) -> None:
    windows = NearWindows(policy=BAD)
    wanted = {**ARGUMENTS, "support_bundle": True}
    found, taken = diagnose_task.gather_evidence(windows.session, "pc", wanted, no_wait)
    told = rank.diagnose(found, evaluate(found["facts"]))
    long_ago = {**told, "taken_at": "2020-01-01T00:00:00Z"}
    old = {**found, "taken_at": "2020-01-01T00:00:00Z"}
    place = diagnose_task.file_diagnosis(tmp_path, old, long_ago, taken, wanted)  # type: ignore[arg-type]
    assert {path.name for path in place.iterdir()} == {"diagnosis.json", "index.html"}
    page = (place / "index.html").read_text(encoding="utf-8")
    assert told["causes"][0]["title"] in page and "was taken away" in page
    assert "Alert 40 handshake_failure" not in page
    assert (place / "index.html").stat().st_mode & 0o077 == 0
    with_none = diagnose_task.file_diagnosis(tmp_path, {**found, "host": "b"}, told, taken, {**wanted, "keep_days": 0})  # type: ignore[arg-type]
    kept = {path.name for path in with_none.iterdir()}
    assert "capture.pcap" not in kept and "evidence.json" in kept


def test_a_support_bundle_leaves_its_logs_and_nothing_of_the_identity(tmp_path: Path) -> None:
    windows = NearWindows(policy=BAD)
    wanted = {**ARGUMENTS, "support_bundle": True}
    found, taken = diagnose_task.gather_evidence(windows.session, "pc", wanted, no_wait)
    assert taken.bundle is not None
    told = rank.diagnose(found, evaluate(found["facts"]))
    place = diagnose_task.file_diagnosis(tmp_path, found, told, taken, wanted)
    assert [path.name for path in (place / "bundle").iterdir()] == ["sfc.exe.log"]
    assert (place / "bundle" / "sfc.exe.log").stat().st_mode & 0o077 == 0
    assert any("version 7.5.3.20938 was taken" in note for note in found["notes"])
    assert not any(b"secret identity" in path.read_bytes() for path in place.rglob("*") if path.is_file())
    assert left_behind(windows) == []
    windows.state.files.remove("C:\\Program Files\\Cisco\\AMP\\7.5.3.20938\\ipsupporttool.exe")
    again, nothing = diagnose_task.gather_evidence(windows.session, "pc", wanted, no_wait)
    assert nothing.bundle is None
    assert any("missing or was refused" in note for note in again["notes"])
