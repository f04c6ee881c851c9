# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of real endpoints (make record), read and judged again, and how a recording keeps no names."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Answer,
    Refusal,
    SessionError,
    command,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.tests.record.recording import (
    Recorder,
    Redaction,
    Replay,
    StaleRecordingError,
    load,
)

FOLDER = Path(__file__).resolve().parents[3] / "data" / "recorded"
RECORDINGS = sorted(FOLDER.glob("*.json"))


@pytest.mark.skipif(not RECORDINGS, reason="no real endpoint was recorded into tests/data/recorded yet (make record)")
def test_recordings_of_real_endpoints() -> None:
    for path in RECORDINGS:
        recording = load(path.read_text(encoding="utf-8"))
        facts = collect(Replay(recording), recording["facts"]["host"], recording["recorded_at"])
        assert {name for name in facts if isinstance(facts[name], dict) and facts[name]["status"] == "error"} == set()
        assert facts["cipher_suites"] == recording["facts"]["cipher_suites"], path.name
        assert evaluate(facts)["state"] in {"compliant", "non_compliant", "not_applicable"}, path.name


class Scripted:
    """A session that gives one answer, then is lost."""

    def __init__(self) -> None:
        self.recorded: list[object] | None = None
        self.asked = 0

    def ask(self, statements: object) -> Answer:
        self.asked += 1
        if self.asked > 1:
            raise SessionError("timeout", "srv-017 did not answer.")
        assert self.recorded is not None
        self.recorded.append((statements, ["<S>SRV-017</S>", "<S>CORP\\jane sees SRV-0171</S>"]))
        return Answer(["SRV-017"], [Refusal("PermissionDenied", "Denied", "Get-Item", "C:\\Users\\jane")])

    def version_table(self) -> dict[str, object]:
        return {"PSVersion": "5.1"}

    def configuration(self) -> str | None:
        return None


def recorded_document() -> dict[str, object]:
    recorder = Recorder(Scripted())
    recorder.ask([(command("Get-Item", LiteralPath="C:\\Users\\srv-017"),)])
    with pytest.raises(SessionError):
        recorder.ask([(command("Get-Date"),)])
    facts = {"host": "srv-017.example.org", "os": {"computer_name": "SRV-017"}}
    variables = {"ansible_user": "CORP\\jane", "ansible_password": "Secret-Word1"}
    return Redaction.of(variables, facts).document(
        recorder.document("srv-017.example.org", "2026-11-24T04:00:00Z", facts)
    )


def test_a_recording_keeps_no_name_but_its_questions() -> None:
    first, second = recorded_document()["pipelines"]  # type: ignore[misc]
    assert first["output"] == ["<S>COMPUTER</S>", "<S>ACCOUNT sees SRV-0171</S>"]
    assert first["refusals"][0]["target"] == "C:\\Users\\ACCOUNT"
    assert first["statements"][0][0]["parameters"] == [["LiteralPath", "C:\\Users\\srv-017"]]
    assert second["error"] == {"kind": "timeout", "message": "COMPUTER did not answer."}


def test_a_replay_answers_what_was_asked_and_nothing_else() -> None:
    replay = Replay(recorded_document())
    answer = replay.ask([(command("Get-Item", LiteralPath="C:\\Users\\srv-017"),)])
    assert answer.output == ["COMPUTER", "ACCOUNT sees SRV-0171"]
    assert answer.refusals[0].is_denied
    with pytest.raises(SessionError, match="COMPUTER did not answer"):
        replay.ask([(command("Get-Date"),)])
    with pytest.raises(StaleRecordingError):
        replay.ask([(command("Get-Process"),)])
