# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What no endpoint's configuration can tell: questions about the updater and the servers, each with an id.

One answer for a fleet (a capture of an update, a measurement of the server by ``server_info``, an option) stands in the
policy of the run as ``answers`` and counts for every endpoint, live or on saved results.
"""

from __future__ import annotations

import collections.abc as c
import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.kleene import NO, UNKNOWN, YES
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Answer

UPDATER_TLS13: t.Final = "updater_offers_tls13"
UPDATER_WINHTTP: t.Final = "updater_takes_winhttp_defaults"
SERVER_TLS13: t.Final = "server_has_tls13"
SERVER_GROUPS: t.Final = "server_groups"
SERVER_SIGNATURES: t.Final = "server_signature_algorithms"

QUESTIONS: dict[str, str] = {
    UPDATER_TLS13: "Does the updater offer TLS 1.3? A capture of one update shows it (supported_versions).",
    UPDATER_WINHTTP: "Does the updater take WinHTTP's and Windows' default protocols, or ask for its own? A capture of "
    "one update from an endpoint with TLS 1.2 off by default shows it.",
    SERVER_TLS13: "Do the servers have TLS 1.3? server_info measures it.",
    SERVER_GROUPS: "Which groups do the servers accept beside NistP256? server_info measures it.",
    SERVER_SIGNATURES: "Which signature algorithms do the servers use beside RSA/SHA256? server_info measures it.",
}
_YES_OR_NO = (UPDATER_TLS13, UPDATER_WINHTTP, SERVER_TLS13)
_NAMES = 100


class AnswersError(ValueError):
    """The answers cannot be meant. The message is one sentence."""


@dataclass(frozen=True)
class Answers:
    """``known``: a question about updater or version → yes or no. ``groups``, ``signatures``: names, as Windows spells
    them, lower case → whether the servers take them."""

    known: t.Mapping[str, Answer] = field(default_factory=dict)
    groups: t.Mapping[str, Answer] = field(default_factory=dict)
    signatures: t.Mapping[str, Answer] = field(default_factory=dict)

    def of(self, question: str) -> Answer:
        return self.known.get(question, UNKNOWN)


NONE = Answers()


def read_answers(given: t.Any) -> Answers:
    """A mapping of questions: yes or no, or ``{accepted: [names], refused: [names]}``. Raises AnswersError."""
    if given is None:
        return NONE
    if not isinstance(given, c.Mapping):
        raise AnswersError("The option answers must be a mapping of questions to answers.")
    unknown = sorted(str(key) for key in given if key not in QUESTIONS)
    if unknown:
        raise AnswersError(f"The option answers has no question {unknown[0][:60]!r}; there are {', '.join(QUESTIONS)}.")
    known = {name: _yes_or_no(name, given[name]) for name in _YES_OR_NO if given.get(name) is not None}
    return Answers(known, _names(given, SERVER_GROUPS), _names(given, SERVER_SIGNATURES))


def _yes_or_no(name: str, value: t.Any) -> Answer:
    if value in (True, "yes"):
        return YES
    if value in (False, "no"):
        return NO
    raise AnswersError(f"The answer {name} must be yes or no.")


def _names(given: t.Mapping[str, t.Any], question: str) -> dict[str, Answer]:
    value = given.get(question)
    if value is None:
        return {}
    if not isinstance(value, c.Mapping) or not set(value) <= {"accepted", "refused"}:
        raise AnswersError(f"The answer {question} must be a mapping of the lists accepted and refused.")
    found: dict[str, Answer] = {}
    words: tuple[tuple[str, Answer], ...] = (("refused", NO), ("accepted", YES))
    for word, answer in words:
        names = value.get(word) or []
        if not isinstance(names, (list, tuple)) or len(names) > _NAMES or not all(isinstance(n, str) for n in names):
            raise AnswersError(f"The answer {question} must name at most {_NAMES} of them in {word}.")
        found.update({str(name).strip().lower(): answer for name in names})
    return found
