# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Which elliptic curves the client offers, and whether that is enough for ECDHE and TLS 1.3.

The policy value ``EccCurves`` orders and enables: a curve that it does not name is off ("TLS (Schannel SSP) changes in
Windows 10 and Windows Server 2016"). The server's curves are not known; NistP256 is the one that every server has. So:
NistP256 is enough; other known curves leave the answer open; none at all is not enough. A name with a space or in
another case than Microsoft's pages spell it may or may not be recognised, as in a list of suites.
FIPS mode takes curve25519 away. Before Windows 10 the curve is part of the suite's name.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers import reasons as r
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.kleene import NO, UNKNOWN, YES, agree
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.reasons import HOLDS, Factor, Findings
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Answer, Evidence, Reason
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import ABSENT, OK
from ansible_collections.fleetops.tetra.plugins.module_utils.observations.worlds import ALL, Worlds
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import open_questions as q
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.suite_sources import answered
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import Release

NOTE_SERVER = "Which curves the server has is not known; NistP256 is the one that every server has."
NOTE_LOCAL = "Whether Windows uses a local list of curves is known by analogy with the policy only."
NOTE_VALUE = "What Windows does with an empty or wrongly typed list of curves is not documented."
NOTE_SPELLING = "Whether Windows recognises a curve that is not spelled exactly is not known."
NOTE_UNSHOWN = "Get-TlsEccCurve did not answer: a list of curves that waits for a restart would be seen there only."
NOTE_FIPS = "FIPS mode is on; that AES-GCM with the NIST curves stays usable follows from the lists, it is not tried."

_NEEDED = frozenset({"NistP256", "nistP256"})
"""As the pages for Windows 10 and for Windows 11 24H2 spell it."""
_NOT_IN_FIPS = "curve25519"
_KNOWN_FORMS = ("curve25519", "x25519", "nistp", "brainpoolp", "secp", "numsp", "ec192wapi", "wtls", "x962p")

Curves = tuple[str, ...]


class _Reading(t.NamedTuple):
    """One possible list of curves and where it stands."""

    names: Curves
    proof: Evidence


def offered_curves(facts: Facts, release: Release | None) -> Curves | None:
    """The curves in the order offered, FIPS mode taken into account; ``None`` where there is more than one reading."""
    lists = {reading.names for reading in _readings(facts, release, Findings())}
    if len(lists) != 1:
        return None
    return tuple(name for name in lists.pop() if not (_fips(facts) and name.lower() == _NOT_IN_FIPS))


def curve_factor(
    facts: Facts, release: Release | None, findings: Findings, answers: q.Answers = q.NONE, worlds: Worlds = ALL
) -> Factor:
    """Whether a usable curve is offered."""
    fips = _fips(facts)
    if fips:
        value = facts["fips"].get("value") or {}
        if value.get("status") == OK:
            findings.add("TETRA-FIPS", r.registry_evidence(value))
        findings.note(NOTE_FIPS)
    if release is not None and release.suffixed:
        return HOLDS
    readings = _readings(facts, release, findings, worlds)
    if not readings:
        section = facts["curves"]
        value = section["policy"] if section["policy"]["status"] not in (OK, ABSENT) else section["local"]
        return Factor(UNKNOWN, (r.reason(r.NOT_READ, r.registry_evidence(value, section.get("reason"))),))
    found_enough = [_with_server(reading.names, _enough(reading.names, fips), answers) for reading in readings]
    unread = _unread(facts, release, fips, readings)
    answer = agree(found_enough) if not unread else UNKNOWN
    if answer == YES:
        return HOLDS
    open_ones = [reading for reading, found in zip(readings, found_enough, strict=True) if found != YES]
    reasons = list(unread)
    if open_ones:
        proof = open_ones[0].proof
        if _spelling_decides(open_ones[0].names):
            findings.note(NOTE_SPELLING)
            proof = {**proof, "note": NOTE_SPELLING}
        elif answer == UNKNOWN:
            findings.note(NOTE_SERVER)
            findings.ask(q.SERVER_GROUPS)
        findings.add("TETRA-CURVES", proof)
        reasons.insert(0, r.reason(r.NO_USABLE_CURVE, proof))
    return Factor(answer, tuple(reasons))


def _unread(facts: Facts, release: Release | None, fips: bool | None, readings: list[_Reading]) -> list[Reason]:
    """What was not read and may change the answer."""
    found = []
    cmdlet = facts["curves"]["cmdlet"]
    if not answered(facts, release, cmdlet):
        why = cmdlet.get("reason") or NOTE_UNSHOWN
        found.append(r.reason(r.NOT_READ, r.evidence("cmdlet", "Get-TlsEccCurve", None, r.text(why))))
    if fips is None and any(_enough(one.names, True) != _enough(one.names, False) for one in readings):
        value = facts["fips"]["value"]
        found.append(r.reason(r.NOT_READ, r.registry_evidence(value, facts["fips"].get("reason"))))
    return found


def _enough(names: Curves, fips: bool | None) -> Answer:
    if not _NEEDED.isdisjoint(names):
        return YES
    lower = {name.strip().lower() for name in names}
    without = lower - {_NOT_IN_FIPS}
    if any(name.startswith(_KNOWN_FORMS) for name in without):
        return UNKNOWN
    return UNKNOWN if _NOT_IN_FIPS in lower and not fips else NO


def _with_server(names: Curves, answer: Answer, answers: q.Answers) -> Answer:
    """What a measurement of the server makes of an offer that hangs on it."""
    if answer != UNKNOWN:
        return answer
    told = [answers.groups.get(name.lower(), UNKNOWN) for name in names]
    if YES in told:
        return YES
    return NO if told and all(found == NO for found in told) else UNKNOWN


def _spelling_decides(names: Curves) -> bool:
    """Whether the needed curve is there, but not as it should be written."""
    return any(name.strip().lower() == "nistp256" and name not in _NEEDED for name in names)


def _fips(facts: Facts) -> bool | None:
    section = facts["fips"]
    if section["status"] == ABSENT:
        return False
    return section.get("enabled") if section["status"] == OK else None


def _readings(facts: Facts, release: Release | None, findings: Findings, worlds: Worlds = ALL) -> list[_Reading]:
    section = facts["curves"]
    if section["status"] not in (OK, ABSENT) or _deciding(section)["status"] not in (OK, ABSENT):
        return []  # whatever the cmdlet shows: the list may wait for a reboot
    stored = _policy(section, release, findings, facts["source"] != "image", worlds)
    cmdlet = section["cmdlet"]
    if cmdlet["status"] != OK or facts["source"] == "image":
        return stored
    names = tuple(cmdlet["names"])
    if any(_same(reading.names, names, _fips(facts)) for reading in stored):
        return stored
    shown = _Reading(names, r.evidence("cmdlet", "Get-TlsEccCurve", ",".join(names)))
    if not stored:
        return [shown] if _deciding(section)["status"] == ABSENT else []
    findings.add("TETRA-CURVES-DIFFER", shown.proof)
    return [*stored, shown]


def _deciding(section: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
    """The value that holds the list: the policy's, or the local one where no policy sets it."""
    value: t.Mapping[str, t.Any] = section["policy"] if section["policy"]["status"] != ABSENT else section["local"]
    return value


def _same(one: Curves, other: Curves, fips: bool | None) -> bool:
    if one == other:
        return True
    left, right = ({name.lower() for name in names} for names in (one, other))
    return left == right or (fips is not False and left - {_NOT_IN_FIPS} == right - {_NOT_IN_FIPS})


def _policy(
    section: t.Mapping[str, t.Any], release: Release | None, findings: Findings, live: bool, worlds: Worlds
) -> list[_Reading]:
    value = section["policy"]
    if value["status"] == ABSENT:
        return _local(section, release, findings, live, worlds)
    if value["status"] != OK:
        return []
    return _stored(value, lambda: _local(section, release, findings, live, worlds), findings, worlds)


def _local(
    section: t.Mapping[str, t.Any], release: Release | None, findings: Findings, live: bool, worlds: Worlds
) -> list[_Reading]:
    value = section["local"]
    if value["status"] == ABSENT:
        return _default(release)
    if value["status"] != OK:
        return []
    readings = _stored(value, lambda: _default(release), findings, worlds)
    if len(readings) > 1:
        return readings
    default = _default(release)
    if default and _same(default[0].names, readings[0].names, None):
        return readings
    if not worlds.counts("curves_local_value", "ignored"):
        return readings
    if default and not worlds.counts("curves_local_value", "used"):
        return default
    # That Windows reads a local list of curves is known by analogy only; the cmdlet can tell.
    cmdlet = section["cmdlet"]
    both = [*readings, *default]
    if cmdlet["status"] == OK and live:
        told = [reading for reading in both if _same(reading.names, tuple(cmdlet["names"]), None)]
        return told[:1] or both
    findings.note(NOTE_LOCAL)
    return both


def _default(release: Release | None) -> list[_Reading]:
    if release is None:
        return []
    proof = r.evidence("release_table", release.title(), ",".join(release.curves))
    return [_Reading(release.curves, proof)]


def _stored(
    value: t.Mapping[str, t.Any],
    otherwise: t.Callable[[], list[_Reading]],
    findings: Findings,
    worlds: Worlds,
) -> list[_Reading]:
    proof = r.registry_evidence(value)
    data = value["data"]
    if value["type"] == "REG_MULTI_SZ" and any(name.strip() for name in data):
        whole = _Reading(tuple(name for name in data if name.strip()), proof)
        end = data.index("") if "" in data else len(data)
        if not any(data[end:]):
            return [whole]
        # An empty string before others ends the value for a program that reads up to the first one.
        findings.add("TETRA-CURVES-VALUE", proof)
        findings.note(NOTE_VALUE)
        before = _Reading(tuple(name for name in data[:end] if name.strip()), proof)
        rest = [before] if before.names else otherwise()
        return [whole, *rest] if rest else []
    findings.add("TETRA-CURVES-VALUE", proof)
    findings.note(NOTE_VALUE)
    items = data if isinstance(data, list) else data.split(",") if isinstance(data, str) else []
    if value["type"] == "REG_MULTI_SZ" and not worlds.counts("curves_empty", "defaults"):
        return [_Reading((), proof)]
    rest = otherwise()  # nothing: it could not be read
    if value["type"] == "REG_MULTI_SZ" and not worlds.counts("curves_empty", "none"):
        return rest
    return [_Reading(tuple(name for name in items if name.strip()), proof), *rest] if rest else []
