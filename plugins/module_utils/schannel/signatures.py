# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Which signature algorithms the client offers, and whether one fits a server with an RSA certificate.

CNG keeps them as ``Functions`` below ``…\\Local\\SSL\\00010003`` (NCRYPT_SCHANNEL_SIGNATURE_INTERFACE), a REG_MULTI_SZ
in order of preference: ``RSAE-PSS/SHA256``, ``RSA/SHA256``, ``ECDSA/SHA256``. The servers' certificates are RSA (all
accepted TLS 1.2 suites say so). TLS 1.2 is signed with RSA/SHA256 nearly everywhere; TLS 1.3
forbids that and takes RSAE-PSS (RFC 8446, 4.2.3). That the list is obeyed is documented for Windows 7 to 8.1
(KB2973337, which mends TLS 1.2 by adding RSA/SHA512 to it; cited from memory, the page itself could not be read again);
for later releases it is one of two worlds. Whether a value of this name below Policies counts is not documented, and no
ADMX of Microsoft writes one.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers import reasons as r
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.kleene import NO, UNKNOWN, YES, agree
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.reasons import HOLDS, Factor, Findings
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts, RegistryValue
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Answer, Evidence, Reason
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import ABSENT, OK
from ansible_collections.fleetops.tetra.plugins.module_utils.observations.worlds import ALL, Worlds
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import open_questions as q
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import Release

NOTE_OBEYED = (
    "That Windows 10 and later obey the list of signature algorithms is not documented; the default may count."
)
NOTE_SERVER = "Which signature algorithms the servers take beside RSA/SHA256 (TLS 1.3: RSAE-PSS/SHA256) is not known."
NOTE_POLICY = "Whether a list of signature algorithms below Policies counts is not documented."
NOTE_VALUE = "What Windows does with an empty or wrongly typed list of signature algorithms is not documented."
NOTE_SPELLING = "Whether Windows recognises a signature algorithm that is not spelled exactly is not known."

Names = tuple[str, ...]

_PSS: Names = ("RSAE-PSS/SHA256", "RSAE-PSS/SHA384", "RSAE-PSS/SHA512")
_CLASSIC: Names = (
    "RSA/SHA256", "RSA/SHA384", "RSA/SHA1", "ECDSA/SHA256", "ECDSA/SHA384", "ECDSA/SHA1", "DSA/SHA1", "RSA/SHA512",
    "ECDSA/SHA512",
)  # fmt: skip
_FIRST_BUILD_WITH_PSS = 17763
"""Server 2019, by captures of 2016 (without) and 2022 (with); which release between them was the first is not known."""
_SURE = {False: frozenset({"RSA/SHA256"}), True: frozenset({"RSAE-PSS/SHA256"})}
_PERHAPS = {False: frozenset({"RSA/SHA384", "RSA/SHA512", *_PSS}), True: frozenset(_PSS[1:])}
"""By whether the version is TLS 1.3."""


class _Reading(t.NamedTuple):
    names: Names
    proof: Evidence


def default_signatures(release: Release) -> Names:
    """What a release holds in its local list: Windows Server 2016 and 2022 as captured, older ones by KB2973337."""
    return (*_PSS, *_CLASSIC) if release.builds[0] >= _FIRST_BUILD_WITH_PSS else _CLASSIC


def offered_signatures(facts: Facts, release: Release | None) -> Names | None:
    """The algorithms in the order offered; ``None`` where there is more than one world."""
    lists = {reading.names for reading in _readings(facts, release, Findings())}
    return lists.pop() if len(lists) == 1 and not _unread(facts, release) else None


def signature_factor(
    facts: Facts,
    release: Release | None,
    tls13: bool,
    findings: Findings,
    known: q.Answers = q.NONE,
    worlds: Worlds = ALL,
) -> Factor:
    """Whether an offered algorithm fits what the server signs with."""
    unread = _unread(facts, release)
    readings = _readings(facts, release, findings, worlds)
    answers = [_with_server(reading.names, tls13, known) for reading in readings]
    answer = UNKNOWN if unread else agree(answers)
    if answer == YES:
        return HOLDS
    reasons = list(unread)
    against = [one for one, found in zip(readings, answers, strict=True) if found != YES]
    if against:
        note = _note(against[0].names, tls13, answers)
        if note == NOTE_SERVER:
            findings.ask(q.SERVER_SIGNATURES)
        findings.add("TETRA-SIGNATURES", against[0].proof)
        findings.note(note)
        reasons.insert(0, r.reason(r.NO_USABLE_SIGNATURE, {**against[0].proof, "note": note}))
    return Factor(answer, tuple(reasons))


def _note(names: Names, tls13: bool, answers: list[Answer]) -> str:
    if _fits(names, tls13) == NO:
        return NOTE_OBEYED if YES in answers else "No entry fits an RSA certificate with SHA256 or better."
    return NOTE_SPELLING if _by_spelling(names, tls13) else NOTE_SERVER


def _fits(names: Names, tls13: bool) -> Answer:
    if not _SURE[tls13].isdisjoint(names):
        return YES
    if not _PERHAPS[tls13].isdisjoint(names) or _by_spelling(names, tls13):
        return UNKNOWN
    return NO


def _with_server(names: Names, tls13: bool, known: q.Answers) -> Answer:
    """What a measurement of the server makes of an offer that hangs on it."""
    answer = _fits(names, tls13)
    if answer != UNKNOWN or _by_spelling(names, tls13):
        return answer
    told = [known.signatures.get(name.lower(), UNKNOWN) for name in names if name in _PERHAPS[tls13]]
    if YES in told:
        return YES
    return NO if told and all(found == NO for found in told) else UNKNOWN


def _by_spelling(names: Names, tls13: bool) -> bool:
    wanted = _SURE[tls13] | _PERHAPS[tls13]
    return any(name not in wanted and name.strip().upper() in wanted for name in names)


def _unread(facts: Facts, release: Release | None) -> list[Reason]:
    section = facts["signature_algorithms"]
    found = [
        r.reason(r.NOT_READ, r.registry_evidence(value, None if value.get("reason") else section.get("reason")))
        for value in (section["local"], section["policy"])
        if value["status"] not in (OK, ABSENT)
    ]
    if release is None:
        proof = r.evidence("facts", "os", None, "What an unknown release does with this list is unknown.")
        found.append(r.reason(r.NOT_READ, proof))
    return found


def _readings(facts: Facts, release: Release | None, findings: Findings, worlds: Worlds = ALL) -> list[_Reading]:
    section = facts["signature_algorithms"]
    found: list[_Reading] = []
    if section["policy"]["status"] == OK:
        findings.note(NOTE_POLICY)
        found += _stored(section["policy"], findings)
    local = section["local"]
    obeyed = release is not None and release.suffixed
    if local["status"] == OK:
        if not obeyed and not worlds.counts("signature_list", "obeyed"):
            return [*found, *_default(release)]
        found += _stored(local, findings)
        obeyed = obeyed or not worlds.counts("signature_list", "ignored")
        if obeyed and isinstance(local["data"], list) and any(local["data"]):
            return found
    return [*found, *_default(release)]


def _default(release: Release | None) -> list[_Reading]:
    if release is None:
        return []
    proof = r.evidence("release_table", release.title(), ",".join(default_signatures(release)))
    return [_Reading(default_signatures(release), proof)]


def _stored(value: RegistryValue, findings: Findings) -> list[_Reading]:
    proof = r.registry_evidence(value)
    data = value["data"]
    items = data if isinstance(data, list) else data.split(",") if isinstance(data, str) else []
    if value["type"] == "REG_MULTI_SZ":
        end = items.index("") if "" in items else len(items)
        whole = _Reading(tuple(name for name in items if name), proof)
        if whole.names and not any(items[end:]):
            return [whole]
        findings.note(NOTE_VALUE)
        return [whole, _Reading(tuple(items[:end]), proof)]
    findings.note(NOTE_VALUE)
    return [_Reading(tuple(name for name in items if name), proof)]
