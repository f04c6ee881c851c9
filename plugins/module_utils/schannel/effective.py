# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Which suites this endpoint's TLS client really offers, and for each that it does not: why not.

A suite is offered when it is in the list that counts, the release can use it, and nothing switches it off. Each of
these may be yes, no or unknown; a suite is *unknown* when nothing denies it and something is unknown. Where the sources
leave more than one list open, each is judged by itself.
"""

from __future__ import annotations

import collections.abc as c
import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.plugins.module_utils.answers import reasons as r
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.kleene import NO, UNKNOWN, YES, agree, all_of
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.reasons import (
    Factor,
    Findings,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import (
    Answer,
    Evidence,
    ListKind,
    Reason,
    ReasonCode,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import OK
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.reading import read_facts
from ansible_collections.fleetops.tetra.plugins.module_utils.observations.document import Observation
from ansible_collections.fleetops.tetra.plugins.module_utils.observations.worlds import ALL, Worlds
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import cipher_suites, suite_list
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import open_questions as q
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import TLS_1_2, TLS_1_3
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.curves import curve_factor
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.minimum_tls import minimum_tls
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.signatures import signature_factor
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.suite_sources import (
    Reading,
    Shown,
    Sources,
    list_sources,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.switches import Switches
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import (
    Match,
    Release,
    release_for,
)

NOTE_SUFFIX = "Whether a name with a curve suffix is offered on Windows 10 and later is not verified."
NOTE_SPELLING = "Whether Windows recognises a name that is not spelled exactly is not known."
WORLD_OF_SPELLING = {
    suite_list.SPACES: "The name stands there with a space; if Windows keeps it, it knows no such name.",
    suite_list.CASE: "The name stands there in another case; if case counts, Windows knows no such name.",
    suite_list.SEPARATOR: "A semicolon stands in the name; if only commas separate, there is no such name.",
    suite_list.CONTROL: "A control character stands in the name; if Windows keeps it, there is no such name.",
}
NOTE_NO_SUCH_FORM = "This suite carries no curve, so a name with a curve suffix is no name of it."
NOTE_OLDER = "Older protocols can carry this suite as well; whether they are on was not read."
NOTE_UPDATE = "The DHE suite came to this release with an update, which the local list does not show."
NOTE_UPDATE_SHOWN = "On this release the DHE suite came with KB3042058 or KB2919355; the local list shows it."


class _Primed(t.NamedTuple):
    """What the settings other than the list come to, and what was told on the way."""

    common: dict[str, tuple[Answer, tuple[Reason, ...]]]
    in_hello: dict[str, Answer]
    curves: Factor | None
    signatures: dict[bool, Factor]
    findings: Findings


_Offer = tuple[tuple[str, Answer], ...]
_LISTED: dict[tuple[t.Any, ...], _Offer] = {}
_OFFERED: dict[tuple[t.Any, ...], _Offer] = {}
_MOST_REMEMBERED = 1024
_MOST_ROWS = 8192
_CONDITIONS: dict[tuple[t.Any, ...], _Primed] = {}
_ROWS: dict[tuple[t.Any, ...], Answer] = {}
"""What a row of the cmdlet says about a name on a release."""
_QUICK: dict[tuple[t.Any, ...], dict[str, Answer]] = {}
"""By release and common settings: what they say about each suite."""
_UPDATE_SUITES = frozenset({"TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"})


@dataclass
class SuiteAnswer:
    """One suite under all readings."""

    usable: Answer
    reasons: list[Reason] = field(default_factory=list)


class Endpoint:
    """One endpoint, judged suite by suite. Build it from sound facts (``read_facts``)."""

    def __init__(
        self,
        facts: Facts,
        findings: Findings | None = None,
        answers: q.Answers = q.NONE,
        observations: c.Sequence[Observation] = (),
        settings: tuple[t.Any, ...] | None = None,
    ) -> None:
        """``settings``: what tells apart all that the conditions of a suite beside its list rest on; see ``prime``."""
        self._settings = settings
        self._answers = answers
        self.facts = facts
        self.findings = findings if findings is not None else Findings()
        self.worlds = worlds = Worlds(observations, facts, self.findings) if observations else ALL
        self.match: Match | None = _release(facts, self.findings)
        self.release: Release | None = self.match.release if self.match else None
        self.sources: Sources = list_sources(facts, self.release, self.findings, worlds)
        minimum = minimum_tls(facts, self.release, self.findings, worlds)
        self.switches = Switches(facts["schannel"], self.release, self.findings, minimum, answers, worlds)
        self._curves: Factor | None = None
        self._signatures: dict[bool, Factor] = {}
        self._common: dict[str, tuple[Answer, tuple[Reason, ...]]] = {}
        self._in_hello: dict[str, Answer] = {}
        """The conditions of a suite without those that only the server's answer meets: signatures."""
        self._under_reading: dict[tuple[str, int], tuple[Answer, tuple[Reason, ...]]] = {}
        self._quick_cache: dict[str, Answer] = {}

    def prime(self, names: c.Sequence[str]) -> None:
        """Takes the conditions of these suites from an endpoint with the same settings, findings and all, or keeps them
        for the next. Before Windows 10 they hang on the list as well, and with observations on more; then it does
        nothing."""
        if self.release is None or self.release.suffixed or self.worlds is not ALL:
            return
        if self.switches.minimum is not r.HOLDS:
            return
        if self._settings is None:
            for name in names:
                self.conditions(name)
            return
        key = (self._settings, *names)
        found = _CONDITIONS.get(key)
        if found is None:
            told = Findings()
            before, self.findings = self.findings, told
            self.switches.tell_to(told)
            for name in names:
                self.conditions(name)
            self.findings = before
            self.switches.tell_to(before)
            found = _Primed(dict(self._common), dict(self._in_hello), self._curves, dict(self._signatures), told)
            if len(_CONDITIONS) >= _MOST_REMEMBERED:
                _CONDITIONS.clear()
            _CONDITIONS[key] = found
        self._common.update(found.common)
        self._in_hello.update(found.in_hello)
        self._signatures.update(found.signatures)
        self._curves = found.curves
        self.findings.take(found.findings)

    # One suite -----------------------------------------------------------------------------------------------------

    def answer(self, name: str) -> SuiteAnswer:
        """A suite under every reading of the configured list, and under what the cmdlet shows where that differs."""
        readings = self.all_readings()
        answers = [self.under(name, reading) for reading in readings]
        if self.sources.unread is not None:
            answers.append(self._unread(name, self.sources.unread))
        usable = agree(answer for answer, _reasons in answers)
        if usable == YES:
            return SuiteAnswer(YES)
        reasons: list[Reason] = []
        for (found, why), reading in zip(answers, [*readings, None], strict=False):
            for item in why:
                if item not in reasons:
                    reasons.append(item)
            doubted = reading is not None and (
                (reading.doubt is not None and found != YES) or reading.world is not None
            )
            if reading is not None and doubted:
                reasons += [item for item in (_doubt(reading, self.sources),) if item not in reasons]
        if self.sources.other is not None and len({found for found, _why in answers}) > 1:
            reasons.append(r.reason(r.CONTRADICTION, self.sources.other.proof, _list_of(readings[0])))
        if not reasons:
            reasons.append(_doubt(readings[0], self.sources))
        return SuiteAnswer(usable, reasons)

    def all_readings(self) -> tuple[Reading, ...]:
        other = self.sources.other
        return self.sources.readings if other is None else (*self.sources.readings, other)

    def under(self, name: str, reading: Reading) -> tuple[Answer, tuple[Reason, ...]]:
        """A suite under one reading of the list: the answer and the reasons against it."""
        key = (name, id(reading))  # the readings live as long as this endpoint
        found = self._under_reading.get(key)
        if found is None:
            found = self._under_reading[key] = self._judge(name, reading)
        return found

    def _judge(self, name: str, reading: Reading) -> tuple[Answer, tuple[Reason, ...]]:
        listed = self._listed(name, reading)
        answer, reasons = self.conditions(name)
        if listed.answer == YES:
            return answer, reasons
        if listed.answer == NO and answer == YES:
            return NO, listed.reasons
        return all_of((answer, listed.answer)), listed.reasons + reasons

    def _unread(self, name: str, why: Reason) -> tuple[Answer, tuple[Reason, ...]]:
        answer, reasons = self.conditions(name)
        return (NO if answer == NO else UNKNOWN), (why, *reasons)

    def _listed(self, name: str, reading: Reading) -> Factor:
        suites, shown = reading.suites, self.sources.shown if reading.shown else None
        if shown is not None:
            resolved = self._resolved(name, shown, _list_of(reading))
            if resolved is not None:
                return resolved
        if name in suites.exact:
            return r.HOLDS
        forms = suites.suffixed.get(name)
        if forms and (self.release is None or not self.release.suffixed or self._exists(forms)):
            if self.release is not None and self.release.suffixed:
                return r.HOLDS
            self.findings.add("TETRA-LIST-SUFFIX", reading.proof)
            if not self.worlds.counts("suffixed_names_on_10", "not_offered"):
                return r.HOLDS
            if not self.worlds.counts("suffixed_names_on_10", "offered"):
                return Factor(NO, (r.reason(r.UNRESOLVED_NAME, reading.proof, _list_of(reading)),))
            self.findings.note(NOTE_SUFFIX)
            return Factor(
                UNKNOWN, (r.reason(r.UNRESOLVED_NAME, _with_note(reading.proof, NOTE_SUFFIX), _list_of(reading)),)
            )
        if name in suites.doubtful:
            seen = self._spelling_seen(name, reading)
            if seen is not None:
                return seen
            self.findings.note(NOTE_SPELLING)
            world = WORLD_OF_SPELLING[suites.doubtful[name]]
            return Factor(UNKNOWN, (r.reason(r.UNRESOLVED_NAME, _with_note(reading.proof, world), _list_of(reading)),))
        code: ReasonCode = r.NOT_IN_POLICY_LIST if reading.kind == "policy" else r.NOT_IN_LOCAL_LIST
        proof = _with_note(reading.proof, NOTE_NO_SUCH_FORM) if forms else reading.proof
        return Factor(NO, (r.reason(code, proof, _list_of(reading)),))

    def _exists(self, forms: t.Iterable[str]) -> bool:
        """Whether the release knows one of these names with a curve suffix."""
        return self.release is not None and not self.release.supported.isdisjoint(forms)

    def _spelling_seen(self, name: str, reading: Reading) -> Factor | None:
        """What was observed of a name of a policy list with spaces around it, or in another case."""
        if reading.kind != "policy" or reading.doubt == r.WRONG_POLICY_TYPE:
            return None
        spellings = [item for item in reading.suites.names if name in item.upper()]
        for behaviour, known, not_known, spelled in (
            ("policy_spaces", "trimmed", "unresolved", _without_spaces),
            ("policy_name_case", "ignored", "exact", str.upper),
        ):
            fits = [spelled(item) == name for item in spellings]
            if any(fits) and not self.worlds.counts(behaviour, not_known):
                return r.HOLDS
            if fits and all(fits) and not self.worlds.counts(behaviour, known):
                return Factor(NO, (r.reason(r.UNRESOLVED_NAME, reading.proof, _list_of(reading)),))
        return None

    def _resolved(self, name: str, shown: Shown, about: ListKind) -> Factor | None:
        """What the cmdlet's id and protocols say; ``None`` where it does not show this very name."""
        row = shown.row_of(name)
        if row is None:
            return None
        found, number, protocols = row
        known = cipher_suites.suite_id(found)
        wanted = TLS_1_3 if cipher_suites.algorithms(name).tls13 else TLS_1_2
        release = self.release
        if number and wanted in protocols and (known is None or known == number) and release is not None:
            claimed = wanted == TLS_1_3 and release.tls13_client == "unsupported"
            if not claimed and (name in release.supported or not (self.match and self.match.exact)):
                return r.HOLDS
        proof = r.evidence("cmdlet", "Get-TlsCipherSuite", f"{found}: id {number}, protocols {list(protocols[:8])}")
        if number == 0:
            proof["note"] = "The release could not resolve this name."
            return Factor(NO, (r.reason(r.UNRESOLVED_NAME, proof, about),))
        if known is not None and number != known:
            self.findings.add("TETRA-ID-DIFFERS", proof)
            return Factor(UNKNOWN, (r.reason(r.CONTRADICTION, proof, about),))
        if wanted not in protocols:
            proof["note"] = f"{cipher_suites.PROTOCOL_NAMES[wanted]} is not among its protocols."
            return Factor(NO, (r.reason(r.UNRESOLVED_NAME, proof, about),))
        if release is None:
            return r.HOLDS if wanted == TLS_1_2 else self._tls13_of_unknown_release(proof)
        if wanted == TLS_1_3 and release.tls13_client == "unsupported":
            if self.worlds.counts("cmdlet_tls13_before_windows_11", "unresolved"):
                self.findings.add("TETRA-TLS13-CLAIM", proof)
            return r.HOLDS
        return Factor(UNKNOWN, (r.reason(r.CONTRADICTION, proof, about),))

    @staticmethod
    def _tls13_of_unknown_release(proof: Evidence) -> Factor:
        return Factor(UNKNOWN, (r.reason(r.NOT_READ, _with_note(proof, "The release is not known.")),))

    # Everything but the list ---------------------------------------------------------------------------------------

    def conditions(self, name: str) -> tuple[Answer, tuple[Reason, ...]]:
        found = self._common.get(name)
        if found is None:
            factors = self._factors(name)
            self._in_hello[name] = all_of(factor.answer for factor in factors)
            if factors[0].answer != NO and cipher_suites.algorithms(name).authentication in (None, "RSA"):
                factors.append(self.signature(cipher_suites.algorithms(name).tls13))
            found = self._common[name] = (
                all_of(factor.answer for factor in factors),
                tuple(item for factor in factors for item in factor.reasons),
            )
        return found

    def _factors(self, name: str) -> list[Factor]:
        support = self._support(name)
        if support.answer == NO:
            return [support]
        suite = cipher_suites.algorithms(name)
        version = TLS_1_3 if suite.tls13 else TLS_1_2
        protocol = self.switches.protocol(version)
        if protocol.answer == NO and suite.protocols[:1] != (version,):
            older: tuple[Reason, ...] = tuple(
                {**item, "evidence": _with_note(item["evidence"], NOTE_OLDER)} for item in protocol.reasons
            )
            protocol = Factor(UNKNOWN, tuple(older))
        return [support, protocol, *self._by_algorithms(suite)]

    def _by_algorithms(self, suite: cipher_suites.SuiteAlgorithms) -> list[Factor]:
        factors = list(self.switches.suite(suite))
        if suite.tls13 or suite.key_exchange == "ECDHE":
            factors.append(self.curves())
        return factors

    def supports(self, name: str) -> Answer:
        """Whether the release can have this suite at all; *unknown* as well where it came with an update."""
        told, self.findings = self.findings, _SILENT
        try:
            return self._support(name).answer
        finally:
            self.findings = told

    def listed_and_possible(self, name: str, reading: Reading) -> Answer:
        """Whether a suite is offered, as far as neither its protocol nor a group is concerned."""
        told, self.findings = self.findings, _SILENT
        try:
            listed, support = self._listed(name, reading).answer, self._support(name).answer
        finally:
            self.findings = told
        return all_of((listed, support, self.switches.quiet(cipher_suites.algorithms(name))))

    def if_its_protocol_is_on(self, name: str, reading: Reading | None) -> Answer:
        """A suite in the worlds in which its protocol is on: the list, the switches and the groups decide."""
        told, self.findings = self.findings, _SILENT
        try:
            listed: Answer = UNKNOWN if reading is None else self._listed(name, reading).answer
            support = self._support(name).answer
        finally:
            self.findings = told
        if NO in (listed, support):
            return NO
        suite = cipher_suites.algorithms(name)
        factors = [*self._by_algorithms(suite), self.signature(suite.tls13)]
        return all_of((listed, support, *(factor.answer for factor in factors)))

    def group_may_be_refused(self, name: str) -> bool:
        """A Client Hello may carry this suite, while the limits on key lengths may refuse what the server answers."""
        limits = self.switches.lengths(cipher_suites.algorithms(name))
        if all_of(limit.answer for limit in limits) == YES:
            return False
        return all_of(factor.answer for factor in self._factors(name) if factor not in limits) != NO

    def signature(self, tls13: bool) -> Factor:
        """Whether an offered signature algorithm fits the server. It takes no suite out of the Client Hello."""
        found = self._signatures.get(tls13)
        if found is None:
            found = self._signatures[tls13] = signature_factor(
                self.facts, self.release, tls13, self.findings, self._answers, self.worlds
            )
        return found

    def curves(self) -> Factor:
        if self._curves is None:
            self._curves = curve_factor(self.facts, self.release, self.findings, self._answers, self.worlds)
        return self._curves

    def _support(self, name: str) -> Factor:
        release = self.release
        if release is None:
            return self._support_without_release()
        if name not in release.supported and not self._suffixed_form(name, release):
            proof = r.evidence("release_table", self._title(), None, "Not among the suites of this release.")
            return Factor(NO, (r.reason(r.UNSUPPORTED_BY_RELEASE, proof),))
        if release.suffixed and name in _UPDATE_SUITES:
            return self._update_dependent(name)
        return r.HOLDS

    def _support_without_release(self) -> Factor:
        proof = r.evidence("facts", "os", self.facts["os"]["build"], "The Windows release is not known.")
        return Factor(UNKNOWN, (r.reason(r.NOT_READ, proof),))

    def _suffixed_form(self, name: str, release: Release) -> bool:
        """Before Windows 10 an ECDHE suite exists only with a curve in its name."""
        if not release.suffixed:
            return False
        forms = (form for reading in self.all_readings() for form in reading.suites.suffixed.get(name, ()))
        return any(form in release.supported for form in forms)

    def _update_dependent(self, name: str) -> Factor:
        value = self.facts["local_order"]
        # The update brought both, so either name in the list shows that it is there.
        if value["status"] == OK and isinstance(value["data"], list) and not _UPDATE_SUITES.isdisjoint(value["data"]):
            self.findings.note(NOTE_UPDATE_SHOWN)
            return r.HOLDS
        proof = r.registry_evidence(value, NOTE_UPDATE)
        self.findings.add("TETRA-UPDATE-DEPENDENT", proof)
        self.findings.note(NOTE_UPDATE)
        return Factor(UNKNOWN, (r.reason(r.UNSUPPORTED_BY_RELEASE, proof),))

    def _title(self) -> str:
        return self.release.title(self.facts["os"]["kind"]) if self.release else "unknown release"

    # Every suite ---------------------------------------------------------------------------------------------------

    def offered(self, reading: Reading) -> list[tuple[str, Answer]]:
        """(plain name, yes | unknown) of everything that is offered, or perhaps offered, in order, under one reading.

        Suites that are used only when an application asks for them (NULL, pre-shared key, SSL 2.0) are left out.
        """
        shown = self.sources.shown if reading.shown else None
        exact = self.match is not None and self.match.exact
        key = (reading.suites, shown, self.release.key if self.release else None, exact, self.worlds.key)
        settings = self._common_settings()
        if settings is not None:
            # Nothing but the list and these settings decides: endpoints with the same ones have the same answer.
            found = _OFFERED.get((key, settings))
            if found is None:
                found = _remember(_OFFERED, (key, settings), tuple(self._offer(key, reading, self._quick(settings))))
            return list(found)
        return self._offer(key, reading, None)

    def _quick(self, settings: tuple[str, ...]) -> dict[str, Answer] | None:
        if self.release is None or self.worlds is not ALL:
            return None
        if len(_QUICK) >= _MOST_REMEMBERED:
            _QUICK.clear()
        return _QUICK.setdefault((self.release.key, *settings), {})

    def _common_settings(self) -> tuple[str, ...] | None:
        """What decides beside the list where no algorithm is switched; ``None`` where more than that decides."""
        if self.release is None or self.release.suffixed or not self.switches.untouched:
            return None
        if self.switches.protocol(TLS_1_2).answer != YES:
            return None
        return (self.switches.protocol(TLS_1_3).answer, self.curves().answer)

    def _offer(
        self, key: tuple[t.Any, ...], reading: Reading, quick: dict[str, Answer] | None
    ) -> list[tuple[str, Answer]]:
        listed = _LISTED.get(key)
        if listed is None:
            listed = _remember(_LISTED, key, self._ordinary(reading))
        found: list[tuple[str, Answer]] = []
        for name, answer in listed:
            known = self._in_hello.get(name)
            if known is None and quick is not None:
                known = quick.get(name)
                if known is None:
                    known = quick[name] = self._quick_conditions(name)
            answer = all_of((answer, known if known is not None else self._quick_conditions(name)))
            if answer != NO:
                found.append((name, answer))
        return found

    def _ordinary(self, reading: Reading) -> tuple[tuple[str, Answer], ...]:
        """The names of the list that an ordinary program offers, without those that are not listed for sure."""
        told, self.findings = self.findings, _SILENT
        try:
            names: t.Iterable[str] = reading.suites.plain
            if self.release is not None:  # what the release does not have is not offered
                known, suffixed = self.release.supported, reading.suites.suffixed
                names = [name for name in names if name in known or name in suffixed]
            rows = [(name, self._listed_answer(name, reading)) for name in names]
            return tuple((name, answer) for name, answer in rows if answer != NO and not self.only_on_demand(name))
        finally:
            self.findings = told

    def _listed_answer(self, name: str, reading: Reading) -> Answer:
        """What ``_listed`` answers; what hangs on nothing but a row and the release is looked up."""
        row = self.sources.shown.row_of(name) if reading.shown and self.sources.shown is not None else None
        if row is None:
            return YES if name in reading.suites.exact else self._listed(name, reading).answer
        key = (name, row, self.release.key if self.release else None, self.match is not None and self.match.exact)
        found = _ROWS.get(key)
        if found is None:
            if len(_ROWS) >= _MOST_ROWS:
                _ROWS.clear()
            found = _ROWS[key] = self._listed(name, reading).answer
        return found

    def only_on_demand(self, name: str) -> bool:
        if self.release is not None and name in self.release.explicit_only:
            return True
        return "_NULL_" in name or name.startswith(("TLS_PSK_", "SSL_CK_"))

    def _quick_conditions(self, name: str) -> Answer:
        """What ``conditions`` answers, without reasons and findings, for the suites that nobody asked about."""
        found = self._quick_cache.get(name)
        if found is None:
            told, self.findings = self.findings, _SILENT
            support = self._support(name).answer
            self.findings = told
            found = support
            if support != NO:
                suite = cipher_suites.algorithms(name)
                version = TLS_1_3 if suite.tls13 else TLS_1_2
                protocol = self.switches.protocol(version).answer
                if protocol == NO and suite.protocols[:1] != (version,):
                    protocol = UNKNOWN  # an older protocol may carry it
                curve = self.curves().answer if suite.tls13 or suite.key_exchange == "ECDHE" else YES
                found = all_of((support, protocol, curve, self.switches.quiet(suite)))
            self._quick_cache[name] = found
        return found


def _remember(memory: dict[tuple[t.Any, ...], _Offer], key: tuple[t.Any, ...], offer: _Offer) -> _Offer:
    if len(memory) >= _MOST_REMEMBERED:
        memory.clear()
    memory[key] = offer
    return offer


class _Silent(Findings):
    """Takes findings and notes and keeps none."""

    def add(self, rule: str, evidence: Evidence, title: str | None = None) -> None:
        pass

    def note(self, sentence: str) -> None:
        pass


_SILENT = _Silent()


def _without_spaces(item: str) -> str:
    return item.strip(" ")


def _with_note(proof: Evidence, note: str) -> Evidence:
    return {**proof, "note": note}


def _list_of(reading: Reading) -> ListKind:
    """The list that a reading is of. What the cmdlet alone shows may be either; the local one is what it changes."""
    return "policy" if reading.kind == "policy" else "local"


def _doubt(reading: Reading, sources: Sources) -> Reason:
    first = sources.readings[0] if sources.readings else reading
    if reading.world is None:
        return r.reason(reading.doubt or r.CONTRADICTION, first.proof, _list_of(first))
    return r.reason(reading.doubt or r.NOT_IN_POLICY_LIST, _with_note(first.proof, reading.world), _list_of(first))


def _release(facts: Facts, findings: Findings) -> Match | None:
    section = facts["os"]
    build = section.get("build") if section["status"] == OK else None
    match = release_for(build, section.get("kind")) if isinstance(build, int) else None
    if match is None:
        findings.add("TETRA-RELEASE-UNKNOWN", r.evidence("facts", "os", build, section.get("reason")))
    elif not match.exact:
        findings.add("TETRA-RELEASE-NEAREST", r.evidence("facts", "os", build, match.note))
        findings.note(str(match.note))
    return match


def effective_suites(document: t.Any, allow_list: c.Sequence[str] = ()) -> list[dict[str, t.Any]]:
    """Every suite of the lists that may count, and of ``allow_list``: offered or not, and why.

    ``[{name, id, offered: yes|no|unknown, on_demand: bool, allow_listed: bool, listed: bool, reasons: [...]}]`` in the
    order of the list; allow-listed suites that no list names come last. ``on_demand``: used only when an application
    asks for it, so never part of an ordinary Client Hello.
    """
    endpoint = Endpoint(read_facts(document))
    names: dict[str, bool] = {}
    for reading in endpoint.all_readings():
        for name in reading.suites.plain[:1000]:
            names.setdefault(name, True)
    for name in allow_list:
        names.setdefault(name, False)
    rows = []
    for name, listed in names.items():
        answer = endpoint.answer(name)
        rows.append(
            {
                "name": r.text(name),
                "id": cipher_suites.suite_id(name),
                "offered": answer.usable,
                "on_demand": endpoint.only_on_demand(name),
                "allow_listed": name in allow_list,
                "listed": listed,
                "reasons": answer.reasons,
            }
        )
    return rows
