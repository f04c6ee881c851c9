# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Facts → verdict. ``evaluate`` is the only maker of verdicts (``docs/documents.md``).

Pure: no clock, no network, no state. Any facts document gives a verdict; what is not known never turns green.
Where the sources leave more than one behaviour of Windows open, the answer is computed under each; only what all agree
on is answered, with a note.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.fleetops.tetra.plugins.module_utils.answers import reasons as r
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.kleene import (
    NO,
    UNKNOWN,
    YES,
    agree,
    all_of,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.reasons import Findings
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.rules import finding
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import (
    Answer,
    Cure,
    Evidence,
    PolicyOrigin,
    Reachability,
    Reason,
    State,
    SuiteVerdict,
    Verdict,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import InForce as InForceAnswer
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import DENIED, ERROR, OK, SECTIONS
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.reading import read_facts
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.origin import decide_origin
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import allow_list, cipher_suites
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.effective import Endpoint, SuiteAnswer
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.open_questions import Answers, read_answers
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict import (
    cures,
    in_force,
    next_step,
    pending_policy,
    probe,
    settling,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.cause import (
    CONFIRM,
    CONNECTOR_STOPPED,
    NOT_ASKED,
    Situation,
    likely_cause,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.connector_state import (
    failed_update,
    not_applicable,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.policy_options import Options, read_options
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.remembering import Memory
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.worlds import Reach

SCHEMA: t.Final = "fleetops.tetra/verdict/1"

COMPLIANT: t.Final = "compliant"
NON_COMPLIANT: t.Final = "non_compliant"
STATE_UNKNOWN: t.Final = "unknown"
NOT_APPLICABLE: t.Final = "not_applicable"
STATES: tuple[State, ...] = (COMPLIANT, NON_COMPLIANT, STATE_UNKNOWN, NOT_APPLICABLE)

NOTE_TLS13 = "Both recorded updates used TLS 1.2; whether the updater offers TLS 1.3 is not known."
NOTE_DEAD_END = (
    "Whether the updater offers TLS 1.3 is not known; if it does, "
    "a server with TLS 1.3 settles on it and finds no suite."
)
NOTE_PROBE = "The answer rests on the handshake that the endpoint made itself, not on its configuration."

_NOT_GREEN = (NON_COMPLIANT, STATE_UNKNOWN)
_STATE_OF: dict[Answer, State] = {YES: COMPLIANT, NO: NON_COMPLIANT, UNKNOWN: STATE_UNKNOWN}


def evaluate(facts: t.Any, policy: t.Any = None) -> Verdict:
    """Judges one endpoint.

    ``facts``: a facts document; anything else gives the state ``unknown``. ``policy``: ``{allow_list, require,
    strict, observations, answers}`` or ``None``. Raises OptionsError for a policy that cannot be meant.

    Endpoints that differ only in what is their own are judged once (``remembering.py``): what lies deeper in a verdict
    than its lists may be shared, so it is read and never changed.
    """
    return MEMORY.judge(facts, policy)


def evaluate_anew(facts: t.Any, policy: t.Any = None, marks: t.Mapping[str, bytes] | None = None) -> Verdict:
    """The same, without a look at what is remembered. ``marks``: as ``read_facts`` takes them."""
    document, options = read_facts(facts, marks), read_options(policy)
    settings = None if marks is None else (marks[""], *(marks[name] for name in _SETTINGS))
    verdict = _judged(document, options, settings)
    if verdict["state"] == STATE_UNKNOWN:
        verdict["settles"] = settling.settles(document, verdict.get("open_questions", []), _trial(options))
        _name_the_observation(verdict)
    return verdict


MEMORY: t.Final = Memory(evaluate_anew)
"""Of this process."""


def _trial(options: Options) -> settling.Judge:
    def state(facts: Facts, answers: t.Mapping[str, t.Any]) -> State:
        more = read_answers(answers)
        known = options.answers
        merged = Answers(
            {**known.known, **more.known}, {**known.groups, **more.groups}, {**known.signatures, **more.signatures}
        )
        return _judged(facts, replace(options, answers=merged))["state"]

    return state


def _name_the_observation(verdict: Verdict) -> None:
    """A step that says what is missing, in place of one that only says that something is."""
    told = verdict.get("settles")
    if told is None or not verdict["next_step"].startswith("Read what is missing"):
        return
    verdict["next_step"] = (
        f"{told['observation']} At best the endpoint is then {told['if_good'].replace('_', '-')}, else "
        f"{told['if_bad'].replace('_', '-')}."
    )


_SETTINGS = ("os", "curves", "signature_algorithms", "schannel", "fips")
"""The sections that decide about a suite beside the lists."""


def _judged(document: Facts, options: Options, settings: tuple[t.Any, ...] | None = None) -> Verdict:
    verdict = _Judgement(document, options, settings).verdict()
    if pending_policy.is_unreadable(document):
        return pending_policy.doubted(verdict)
    later = pending_policy.facts_after_policy(document)
    if later is None:
        return verdict
    return pending_policy.worse(verdict, _Judgement(later, options).verdict(), pending_policy.NOTE)


def unknown_verdict(host: str, code: str, sentence: str, policy: t.Any = None) -> Verdict:
    """The verdict of an endpoint that could not be asked. ``code``: the kind of the error (``docs/documents.md``);
    ``sentence``: what happened."""
    options = read_options(policy)
    proof = r.evidence("session", code, None, r.text(sentence))
    return {
        "schema": SCHEMA,
        "host": host,
        "state": STATE_UNKNOWN,
        "reachability": {"answer": UNKNOWN, "usable": []},
        "strictness": {"answer": UNKNOWN, "outside": []},
        "suites": {name: {"usable": UNKNOWN, "reasons": [r.reason(r.NOT_READ, proof)]} for name in options.allow_list},
        "findings": [finding("TETRA-NOT-AUDITED", proof)],
        "cause": {"code": NOT_ASKED, "confirm": CONFIRM[NOT_ASKED]},
        "in_force": UNKNOWN,
        "either_way": {"in_force": UNKNOWN, "if_not_in_force": UNKNOWN},
        "policy_origin": {"origin": "unknown", "gpo": None, "matches_registry": None, "evidence": []},
        "notes": [],
        "next_step": next_step.NOT_OPENED if code == "image" else next_step.NOT_ASKED,
        "allow_list": allow_list.describe(options.allow_list),
    }


class _Judgement:
    """One evaluation, step by step."""

    def __init__(self, facts: Facts, options: Options, settings: tuple[t.Any, ...] | None = None) -> None:
        self.facts = facts
        self.options = options
        self.findings = Findings()
        self.endpoint = Endpoint(facts, self.findings, options.answers, options.observations, settings)
        self.accepted = options.allow_list
        self.reach = Reach(self.endpoint, self.accepted, options.require == "all", options.answers)
        self.suites: dict[str, SuiteAnswer] = {}

    def verdict(self) -> Verdict:
        exempt = not_applicable(self.facts, self.findings)
        self.endpoint.prime(self.accepted)
        self.suites = {name: self.endpoint.answer(name) for name in self.accepted}
        sources = self.endpoint.sources
        readings = sources.readings
        answers = [self.reach.under(reading) for reading in readings]
        if sources.unread is not None or not readings:
            answers.append(self.reach.under(None))
        if sources.ignored is not None:
            answers.append(self.reach.under(sources.ignored))
        configured = agree(answers)
        shown = self.reach.under(sources.other) if sources.other is not None else None
        origin = decide_origin(self.facts)
        owned = origin["origin"] in ("domain_gpo", "local_gpo") and origin["matches_registry"] is True
        force = in_force.judge(
            self.facts, self.endpoint.release, sources, configured, shown, owned, self.endpoint.worlds
        )
        seen = probe.outcome(self.facts, self.findings)
        answer, state_in_force = self._final(configured, force, seen)
        order, outside, strictness = self._strictness()
        self._mark_not_in_force(answer, force)
        usable = [name for name in order if name in self.suites and self.suites[name].usable == YES]
        reachability: Reachability = {"answer": answer, "usable": usable}
        state = self._state(answer, strictness, exempt)
        self._tell(answer, force, origin, strictness, outside)
        suites = {name: (found.usable, found.reasons) for name, found in self.suites.items()}
        cause = None
        if exempt is None:
            failed = seen is not None and seen.outcome == "tls_failed"
            reached = answer if failed else self._by_one_suite(answer)
            told = seen.outcome if seen is not None else None
            situation = Situation(self.facts, reached, self._by_one_suite(configured), bool(force.signs), told, suites)
            cause = likely_cause(situation)
        mend = self._cures(suites, origin, force, answer, configured) if state in _NOT_GREEN else []
        step = next_step.choose(state, exempt, cause, state_in_force, force, origin, configured)
        if cause is None or cause["code"] != CONNECTOR_STOPPED:
            step = next_step.all_of_them(step, mend, origin)
        return {
            "schema": SCHEMA,
            "host": self.facts["host"],
            "state": state,
            "reachability": reachability,
            "strictness": {"answer": strictness, "outside": outside},
            "suites": {name: {"usable": found.usable, "reasons": found.reasons} for name, found in self.suites.items()},
            "findings": self.findings.rows,
            "cause": cause,
            "in_force": state_in_force,
            "either_way": {"in_force": configured, "if_not_in_force": force.otherwise},
            "policy_origin": origin,
            "notes": self.findings.notes,
            "next_step": step,
            "allow_list": allow_list.describe(self.accepted),
            "cures": mend,
            "settles": None,
            "open_questions": list(self.findings.questions) if state == STATE_UNKNOWN else [],
        }

    def _cures(
        self,
        suites: t.Mapping[str, tuple[Answer, list[Reason]]],
        origin: PolicyOrigin,
        force: in_force.InForce,
        answer: Answer,
        configured: Answer,
    ) -> list[Cure]:
        rows: dict[str, SuiteVerdict] = {name: {"usable": u, "reasons": why} for name, (u, why) in suites.items()}
        waits = configured == YES and bool(force.signs)
        dead_end = answer == UNKNOWN and self.reach.dead_end
        return cures.cures(self.facts, rows, self.endpoint.release, origin, waits, dead_end)

    # Reachability --------------------------------------------------------------------------------------------------

    def _by_one_suite(self, answer: Answer) -> Answer:
        """An answer under ``require: all`` as it is for a connection, for which one suite is enough."""
        modern = self.reach.modern
        classic = (found.usable for name, found in self.suites.items() if name not in modern)
        return YES if self.options.require == "all" and YES in classic else answer

    def _only_modern(self) -> bool:
        modern = self.reach.modern
        classic = [found.usable for name, found in self.suites.items() if name not in modern]
        return all(found == NO for found in classic) and any(self.suites[name].usable == YES for name in modern)

    def _final(
        self, configured: Answer, force: in_force.InForce, seen: probe.Seen | None
    ) -> tuple[Answer, InForceAnswer]:
        """Reachability in the end, and whether the configured list is in force."""
        answer: Answer = configured
        if force.signs and configured != force.otherwise:
            answer = NO if configured == NO and self.endpoint.sources.other is None else UNKNOWN
        elif force.unread and configured == YES:
            answer = UNKNOWN
        if seen is None or seen.outcome not in ("tls_ok", "tls_failed"):
            return answer, force.state
        if seen.outcome == "tls_failed":
            return NO if seen.sure else agree((answer, NO)), force.state
        return self._after_a_handshake(answer, configured, force, seen.sure)

    def _after_a_handshake(
        self, answer: Answer, configured: Answer, force: in_force.InForce, sure: bool
    ) -> tuple[Answer, InForceAnswer]:
        """curl.exe got through: what is in force now lets *its* handshake pass, and nothing more."""
        if configured == NO:
            proof = r.evidence("probe", self.facts["probe"]["host"], "tls_ok")
            self.findings.add("TETRA-PROBE-CONTRADICTS", proof)
            return UNKNOWN, in_force.AFTER_REBOOT
        if not sure:
            return answer, force.state
        if configured == YES:
            if answer != YES and self._shakes_hands_as_curl():
                self.findings.note(NOTE_PROBE)
                answer = YES
            return answer, force.state if force.signs else YES
        if not force.signs and not force.unread and self._shakes_hands_as_curl() and not self._rests_on_unread():
            self.findings.note(NOTE_PROBE)
            return YES, force.state
        return answer, force.state

    def _shakes_hands_as_curl(self) -> bool:
        """The updater's hello can be no other than curl's: TLS 1.2, and not only for a program that asks for it."""
        switches = self.endpoint.switches
        if self.options.require == "all" or switches.protocol(cipher_suites.TLS_1_3).answer != NO:
            return False
        return switches.protocol(cipher_suites.TLS_1_2).answer == YES or not switches.caller_decides

    def _rests_on_unread(self) -> bool:
        """A handshake shows what Windows makes of what it was told, not what nobody has read."""
        if self.endpoint.release is None or self.endpoint.sources.unread is not None:
            return True
        reasons = (item["code"] for found in self.suites.values() for item in found.reasons)
        return r.NOT_READ in reasons

    def _mark_not_in_force(self, answer: Answer, force: in_force.InForce) -> None:
        if answer != UNKNOWN or force.otherwise == YES:
            return
        reasons = [r.reason(r.NOT_IN_FORCE_YET, sign) for sign in force.signs]
        reasons = reasons or [r.reason(r.NOT_READ, place) for place in force.unread]
        for found in self.suites.values():
            if found.usable == YES and reasons:
                found.usable = UNKNOWN
                found.reasons = list(reasons)

    # Strictness ----------------------------------------------------------------------------------------------------

    def _strictness(self) -> tuple[list[str], list[str], Answer]:
        """The suites in the order offered, those outside the list, and the answer."""
        readings = self.endpoint.all_readings()
        if not readings:
            return [], [], UNKNOWN
        sources = self.endpoint.sources
        offers = [dict(self.endpoint.offered(reading)) for reading in readings]
        names = [name for name in offers[0] if name not in self.suites]
        if sources.unread is not None:
            return list(offers[0]), [], UNKNOWN
        if sources.ignored is not None:
            offers.append(dict(self.endpoint.offered(sources.ignored)))
        outside = [name for name in names if all(offer.get(name) == YES for offer in offers)]
        if outside:
            return list(offers[0]), [r.text(name) for name in outside[:200]], NO
        open_ones = any(name not in self.suites for offer in offers for name in offer)
        return list(offers[0]), [], UNKNOWN if open_ones else YES

    # The rest ------------------------------------------------------------------------------------------------------

    def _state(self, answer: Answer, strictness: Answer, exempt: str | None) -> State:
        if exempt is not None:
            return NOT_APPLICABLE
        return _STATE_OF[all_of((answer, strictness)) if self.options.strict else answer]

    def _tell(
        self,
        answer: Answer,
        force: in_force.InForce,
        origin: PolicyOrigin,
        strictness: Answer,
        outside: list[str],
    ) -> None:
        add, facts = self.findings.add, self.facts
        self._tell_answer(answer)
        if force.signs and answer != NO:
            add("TETRA-REBOOT", force.signs[0])
            self.findings.note(in_force.NOTE)
        waiting = in_force.pending_flags(facts)
        if waiting is not None:
            add("TETRA-REBOOT-PENDING", waiting)
        failed = failed_update(facts)
        if failed is not None:
            add("TETRA-UPDATE-FAILED", failed)
        if strictness == NO:
            add("TETRA-STRICT", r.evidence("facts", "strictness.outside", len(outside), "Number of suites."))
        if origin["matches_registry"] is False:
            add("TETRA-POLICY-OUT-OF-STEP", r.registry_evidence(facts["policy_order"], "See policy_origin."))
        self._tell_list()
        self._tell_session()
        for name in SECTIONS:
            status = facts[name]["status"]
            if status in (ERROR, DENIED):
                add("TETRA-READ-FAILED", r.evidence("facts", name, status, r.plain(facts[name].get("reason"))))

    def _tell_answer(self, answer: Answer) -> None:
        classic = {name: found.usable for name, found in self.suites.items()}
        proof = r.evidence("facts", "suites", None, ", ".join(f"{name}: {found}" for name, found in classic.items()))
        if all(found == NO for found in classic.values()):
            self.findings.add("TETRA-NO-SUITE", proof)
        elif answer == NO and self.options.require == "all":
            self.findings.add("TETRA-NOT-ALL-SUITES", proof)
        elif answer == UNKNOWN:
            self.findings.add("TETRA-SUITES-UNKNOWN", proof)
        if self.reach.dead_end and answer == UNKNOWN:
            self.findings.add("TETRA-TLS13-DEAD-END", proof)
            self.findings.note(NOTE_DEAD_END)
        if self._only_modern():
            self.findings.add("TETRA-TLS13-ONLY", proof)
            self.findings.note(NOTE_TLS13)
        release = self.endpoint.release
        if release is not None and release.suffixed and answer == YES:
            self.findings.add("TETRA-ONE-SUITE", r.evidence("release_table", release.title(), None))

    def _tell_list(self) -> None:
        release, readings = self.endpoint.release, self.endpoint.sources.readings
        if release is None or not readings:
            return
        reading = readings[0]
        if release.supported.issuperset(reading.suites.exact):
            unknown = []
        else:
            unknown = [
                name for name in reading.suites.exact if name not in release.supported and not _tls13_or_psk(name)
            ]
        forms = {form for name in self.suites for form in (name, *reading.suites.suffixed.get(name, ()))}
        wanted = [name for name in unknown if name in forms]
        useless = [name for name in wanted if release.suffixed or name in self.suites]
        if useless:
            proof: Evidence = {**reading.proof, "value": r.plain(useless), "note": None}
            self.findings.add("TETRA-LIST-UNSUPPORTED", proof)
        if unknown:
            proof = {**reading.proof, "value": r.plain(unknown), "note": f"{len(unknown)} names."}
            self.findings.add("TETRA-LIST-UNKNOWN-NAME", proof)
        if release.tls13_client != "unsupported" and reading.kind == "policy":
            modern = any(cipher_suites.is_tls13(name) for name in reading.suites.exact)
            if not modern and self.endpoint.switches.protocol(cipher_suites.TLS_1_3).answer != NO:
                self.findings.add("TETRA-NO-TLS13-SUITE", reading.proof)

    def _tell_session(self) -> None:
        session = self.facts["psrp"]
        if session["status"] != OK:
            return
        if session.get("process_bits") == 32 or session.get("edition") == "Core":
            proof = r.evidence(
                "session",
                session.get("configuration_name"),
                session.get("powershell_version"),
                f"{session.get('process_bits')} bit, edition {session.get('edition')}.",
            )
            self.findings.add("TETRA-SESSION", proof)


def _tls13_or_psk(name: str) -> bool:
    """Names that Windows itself lists on releases that cannot use them."""
    return cipher_suites.is_tls13(name) or name.startswith("TLS_PSK_")
