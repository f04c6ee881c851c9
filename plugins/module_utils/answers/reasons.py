# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Why a suite is not, or perhaps not, offered: reason codes, evidence, and the collector of findings and notes."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.kleene import YES
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.rules import finding
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import (
    Answer,
    Evidence,
    Finding,
    ListKind,
    Reason,
    ReasonCode,
    SwitchKind,
)

NOT_IN_POLICY_LIST: t.Final = "not_in_policy_list"
NOT_IN_LOCAL_LIST: t.Final = "not_in_local_list"
UNSUPPORTED_BY_RELEASE: t.Final = "unsupported_by_release"
UNRESOLVED_NAME: t.Final = "unresolved_name"
PROTOCOL_DISABLED: t.Final = "protocol_disabled"
CIPHER_DISABLED: t.Final = "cipher_disabled"
HASH_DISABLED: t.Final = "hash_disabled"
KEY_EXCHANGE_DISABLED: t.Final = "key_exchange_disabled"
KEY_LENGTH_OUT_OF_RANGE: t.Final = "key_length_out_of_range"
NO_USABLE_CURVE: t.Final = "no_usable_curve"
NO_USABLE_SIGNATURE: t.Final = "no_usable_signature"
WRONG_POLICY_TYPE: t.Final = "wrong_policy_type"
NOT_READ: t.Final = "not_read"
NOT_IN_FORCE_YET: t.Final = "not_in_force_yet"
CONTRADICTION: t.Final = "contradiction"

REASON_CODES: tuple[ReasonCode, ...] = (
    NOT_IN_POLICY_LIST,
    NOT_IN_LOCAL_LIST,
    UNSUPPORTED_BY_RELEASE,
    UNRESOLVED_NAME,
    PROTOCOL_DISABLED,
    CIPHER_DISABLED,
    HASH_DISABLED,
    KEY_EXCHANGE_DISABLED,
    KEY_LENGTH_OUT_OF_RANGE,
    NO_USABLE_CURVE,
    NO_USABLE_SIGNATURE,
    WRONG_POLICY_TYPE,
    NOT_READ,
    NOT_IN_FORCE_YET,
    CONTRADICTION,
)

_LONGEST_VALUE = 1100


class Factor(t.NamedTuple):
    """One condition of a suite: whether it holds, and the reasons where it does not, or may not, hold."""

    answer: Answer
    reasons: tuple[Reason, ...]


HOLDS = Factor(YES, ())


class Findings:
    """Collects findings (each rule and place once) and notes (each sentence once), in the order of their discovery."""

    def __init__(self) -> None:
        self.rows: list[Finding] = []
        self.notes: list[str] = []
        self.questions: list[str] = []
        """Ids of open questions (``schannel/open_questions.py``) that something hangs on."""
        self._seen: set[tuple[str, t.Any]] = set()

    def add(self, rule: str, evidence: Evidence, title: str | None = None) -> None:
        mark = (rule, evidence["path"])
        if mark not in self._seen:
            self._seen.add(mark)
            self.rows.append(finding(rule, evidence, title))

    def take(self, other: Findings) -> None:
        """All that another has collected, as if it had been told here."""
        for row in other.rows:
            mark = (row["rule"], row["evidence"]["path"])
            if mark not in self._seen:
                self._seen.add(mark)
                self.rows.append(row)
        for question in other.questions:
            self.ask(question)
        for sentence in other.notes:
            self.note(sentence)

    def ask(self, question: str) -> None:
        if question not in self.questions:
            self.questions.append(question)

    def note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)


def evidence(source: str, path: str | None, value: t.Any = None, note: str | None = None) -> Evidence:
    """Evidence: ``source`` is registry, cmdlet, release_table, probe, log, file, service, session, facts, rsop,
    registry_pol, mdm or domain_policy."""
    return {
        "source": source,
        "path": None if path is None else text(path),
        "value": plain(value),
        "note": None if note is None else text(note),
    }


def registry_evidence(value: t.Mapping[str, t.Any], note: str | None = None) -> Evidence:
    """Evidence from a registry value of the facts; where it was not read, the note says why."""
    data = value.get("data") if value.get("status") == "ok" else None
    if note is None and value.get("status") != "ok":
        note = value.get("reason") or f"Status {value.get('status')}."
    return evidence("registry", f"{value['path']}\\{value['name']}", data, note)


SWITCHES: dict[ReasonCode, SwitchKind] = {
    PROTOCOL_DISABLED: "protocol",
    CIPHER_DISABLED: "cipher",
    HASH_DISABLED: "hash",
    KEY_EXCHANGE_DISABLED: "key_exchange",
    KEY_LENGTH_OUT_OF_RANGE: "key_length",
}
"""The codes that a switch of Schannel stands behind, and its kind."""


def reason(code: ReasonCode, proof: Evidence, about: ListKind | None = None, key: str | None = None) -> Reason:
    """``about``: the list of suites that it is about; ``key``: the key below SCHANNEL, where a switch is."""
    return {"code": code, "evidence": proof, "list": about, "switch": SWITCHES.get(code), "key": key}


def plain(value: t.Any) -> t.Any:
    """A value fit for output: text without control characters and of bounded length, lists of bounded length."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        shown = [plain(item) for item in value[:64]]
        return [*shown, f"and {len(value) - 64} more"] if len(value) > 64 else shown
    return value if value is None or isinstance(value, (int, float, bool)) else text(str(value))


def text(value: t.Any) -> str:
    """At most 1100 characters, control characters shown as ``\\xNN``."""
    shown: str = value if isinstance(value, str) else str(value)
    if len(shown) > _LONGEST_VALUE:
        shown = f"{shown[:_LONGEST_VALUE]} ... ({len(shown)} characters)"
    if shown.isprintable():
        return shown
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in shown)
