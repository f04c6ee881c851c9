# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Does the endpoint reach Tetra in every possible world, in none, or in some (``docs/decisions/0023``)?

A world fixes what nobody has read or documented: how Windows takes an odd value, what a denied key holds, which list is
in force, whether the updater offers TLS 1.3, what the servers can do besides their suites. *Yes* is an endpoint that
gets through in all of them, *no* one that does in none.

What holds for each suite by itself (list, release, switches) is monotone: Kleene's logic is exact there, and no world
is enumerated. Where things interact they are: a list of suites is judged for each way to read it; and the version,
since a server with TLS 1.3 settles on it first and then needs a suite, a group and a signature algorithm of that
version, whatever TLS 1.2 would have had.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.kleene import (
    NO,
    UNKNOWN,
    YES,
    agree,
    all_of,
    any_of,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Answer
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import cipher_suites, suite_list
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import open_questions as q
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.effective import Endpoint
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.suite_sources import Reading


class Outcome(t.NamedTuple):
    """``answer``: over all worlds of one list. ``by_tls12``, ``by_tls13``: where that version is spoken; the latter is
    ``None`` where it cannot be. ``offers_tls13``: whether Windows puts it into the hello of a program that wants it."""

    answer: Answer
    by_tls12: Answer
    by_tls13: Answer | None
    offers_tls13: Answer


class Reach:
    """The worlds of one endpoint."""

    def __init__(
        self, endpoint: Endpoint, accepted: t.Sequence[str], require_all: bool, answers: q.Answers = q.NONE
    ) -> None:
        self._answers = answers
        self._endpoint = endpoint
        self._accepted = tuple(accepted)
        self._require_all = require_all
        self.modern = frozenset(name for name in accepted if cipher_suites.algorithms(name).tls13)
        self.outcomes: list[Outcome] = []

    def under(self, reading: Reading | None) -> Answer:
        """Under one reading of the list; ``None`` is a list that could not be read."""
        outcome = self._outcome(reading)
        self.outcomes.append(outcome)
        if not self._require_all:
            return outcome.answer
        return all_of((outcome.answer, self._every_suite(reading)))

    @property
    def dead_end(self) -> bool:
        """TLS 1.2 would do by every list, but a hello that offers TLS 1.3 as well may end with nothing."""
        return any(found.by_tls12 == YES != found.answer for found in self.outcomes)

    def _outcome(self, reading: Reading | None) -> Outcome:
        by_tls12 = self._tls12(reading)
        offers = self._offers_tls13(reading)
        spoken = all_of((offers, self._answers.of(q.UPDATER_TLS13), self._answers.of(q.SERVER_TLS13)))
        if spoken == NO or not self.modern:
            # A server that takes no suite of TLS 1.3 does not settle on it.
            return Outcome(by_tls12, by_tls12, None, offers)
        by_tls13 = any_of(self._endpoint.if_its_protocol_is_on(name, reading) for name in self.modern)
        if spoken == YES:
            return Outcome(by_tls13, by_tls12, by_tls13, offers)
        # Whether the updater offers TLS 1.3, and whether the server has it, is open: both ways are worlds.
        if by_tls12 != by_tls13:
            for question in (q.UPDATER_TLS13, q.SERVER_TLS13):
                if self._answers.of(question) == UNKNOWN:
                    self._endpoint.findings.ask(question)
        return Outcome(agree((by_tls12, by_tls13)), by_tls12, by_tls13, offers)

    def _tls12(self, reading: Reading | None) -> Answer:
        found = {name: self._suite(name, reading) for name in self._accepted if name not in self.modern}
        answer = any_of(found.values())
        if answer == YES and reading is not None and self._group_may_be_refused(reading, found):
            return UNKNOWN
        return answer

    def _offers_tls13(self, reading: Reading | None) -> Answer:
        protocol = self._endpoint.switches.protocol(cipher_suites.TLS_1_3).answer
        if protocol == NO or reading is None:
            return NO if protocol == NO else UNKNOWN
        return all_of(
            (protocol, any_of(self._endpoint.listed_and_possible(name, reading) for name in _modern(reading)))
        )

    def _suite(self, name: str, reading: Reading | None) -> Answer:
        if reading is not None:
            return self._endpoint.under(name, reading)[0]
        return NO if self._endpoint.conditions(name)[0] == NO else UNKNOWN

    def _group_may_be_refused(self, reading: Reading, found: t.Mapping[str, Answer]) -> bool:
        """A DHE suite whose group this endpoint may refuse stands first: the server may choose it, and all is lost.
        The limits on key lengths bind the server's answer, they do not take the suite out of the Client Hello."""
        orders = [order for variant, order in _orders(reading) if self._endpoint.worlds.counts(_TWICE, variant)]
        return any(self._refused_first(order, found) for order in orders)

    def _refused_first(self, order: t.Sequence[str], found: t.Mapping[str, Answer]) -> bool:
        for name in order:
            if found.get(name) == YES:
                return False
            if name in found and self._endpoint.group_may_be_refused(name):
                return True
        return False

    def _every_suite(self, reading: Reading | None) -> Answer:
        """``require: all``: every accepted suite that the release can have."""
        answers: list[Answer] = []
        for name in self._accepted:
            possible = self._endpoint.supports(name)
            if possible == NO:
                continue
            found = self._suite(name, reading)
            answers.append(found if possible == YES or found == YES else UNKNOWN)
        return all_of(answers) if answers else NO


_TWICE: t.Final = "policy_duplicates"


def _orders(reading: Reading) -> list[tuple[str, tuple[str, ...]]]:
    """The order of a list by which of two equal names counts; one where no name stands there twice."""
    first = reading.suites.plain
    if reading.kind != "policy" or suite_list.DUPLICATES not in reading.suites.oddities:
        return [("first_counts", first)]
    last = suite_list.from_names(tuple(reversed(reading.suites.names))).plain[::-1]
    return [("first_counts", first), ("last_counts", last)]


def _modern(reading: Reading) -> t.Iterator[str]:
    names = (*reading.suites.plain, *reading.suites.doubtful)
    return (name for name in dict.fromkeys(names) if cipher_suites.is_tls13(name))
