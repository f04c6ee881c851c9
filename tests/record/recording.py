# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real endpoint answered to the product's own questions, stored so that it can be answered again.

A recording is JSON: ``{schema, recorded_at, host, version_table, configuration, pipelines, facts}``; a pipeline is
``{statements, output, refusals, failed, error}`` with ``output`` as the CLIXML that came over the wire. Names of
accounts, computers and addresses, and the password, are replaced (``Redaction``).
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import asdict, dataclass, field

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import clixml
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Answer,
    AnswerError,
    PSObject,
    Refusal,
    SessionError,
    Statement,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.raw import Redaction, plain_statements

__all__ = ["Recorder", "Redaction", "Replay", "StaleRecordingError", "load", "plain_statements"]

SCHEMA = "fleetops.tetra/recording/1"


class StaleRecordingError(Exception):
    """The product asks what was not asked when the recording was made."""


class RecordedSession(t.Protocol):
    """A session that keeps raw answers."""

    recorded: list[t.Any] | None

    def ask(self, statements: t.Sequence[Statement]) -> Answer: ...

    def version_table(self) -> dict[str, t.Any]: ...

    def configuration(self) -> str | None: ...


@dataclass
class Recorder:
    """Passes questions on to a session and keeps what was asked and answered."""

    session: RecordedSession
    pipelines: list[dict[str, t.Any]] = field(default_factory=list)

    def ask(self, statements: t.Sequence[Statement]) -> Answer:
        entry: dict[str, t.Any] = {"statements": plain_statements(statements)}
        self.pipelines.append(entry)
        self.session.recorded = []
        try:
            answer = self.session.ask(statements)
        except SessionError as error:
            entry.update(output=[], refusals=[], failed=True, error={"kind": error.kind, "message": str(error)})
            raise
        raw = self.session.recorded[-1][1] if self.session.recorded else []
        entry.update(
            output=[item if isinstance(item, str | int | bool | float | None) else repr(item) for item in raw],
            refusals=[asdict(refusal) for refusal in answer.refusals],
            failed=answer.failed,
            error=None,
        )
        return answer

    def version_table(self) -> dict[str, t.Any]:
        return self.session.version_table()

    def configuration(self) -> str | None:
        return self.session.configuration()

    def document(self, host: str, recorded_at: str, facts: dict[str, t.Any]) -> dict[str, t.Any]:
        """The whole recording, not yet redacted."""
        return {
            "schema": SCHEMA,
            "recorded_at": recorded_at,
            "host": host,
            "version_table": self.version_table(),
            "configuration": self.configuration(),
            "pipelines": self.pipelines,
            "facts": facts,
        }


@dataclass
class Replay:
    """Answers the product's questions out of a recording."""

    recording: dict[str, t.Any]
    _used: set[int] = field(default_factory=set)

    def ask(self, statements: t.Sequence[Statement]) -> Answer:
        """Raises StaleRecordingError for a question that was not recorded."""
        asked = plain_statements(statements)
        for number, entry in enumerate(self.recording["pipelines"]):
            if number not in self._used and entry["statements"] == asked:
                self._used.add(number)
                return _answer(entry)
        raise StaleRecordingError("The questions have changed since this was recorded: record the endpoint again.")

    def version_table(self) -> dict[str, t.Any]:
        return dict(self.recording["version_table"])

    def configuration(self) -> str | None:
        value = self.recording["configuration"]
        return None if value is None else str(value)


def _answer(entry: dict[str, t.Any]) -> Answer:
    error = entry["error"]
    if error is not None:
        raise AnswerError(error["message"]) if error["kind"] == "answer" else SessionError(**error)
    values = [
        clixml.parse(item) if isinstance(item, str) and item.startswith("<") else item for item in entry["output"]
    ]
    kept = [value for value in values if not _is_error_record(value)]
    return Answer(kept, [Refusal(**refusal) for refusal in entry["refusals"]], failed=entry["failed"])


def _is_error_record(value: t.Any) -> bool:
    return isinstance(value, PSObject) and any(name.endswith("ErrorRecord") for name in value.types)


def load(text: str) -> dict[str, t.Any]:
    """A recording. Raises ValueError where the text is none."""
    document = json.loads(text)
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ValueError(f"This is not a recording ({SCHEMA}).")
    return document
