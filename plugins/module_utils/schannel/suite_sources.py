# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Which list of suites counts on this endpoint: every reading that the sources leave open.

A policy list replaces the local list. ``Get-TlsCipherSuite`` shows the configured list verbatim; whether it shows a
changed policy before the reboot is not verified. So where cmdlet and registry agree, that is the list; where they do
not, both are kept, and the answer is sure only where both give the same.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from functools import lru_cache

from ansible_collections.fleetops.tetra.plugins.module_utils.answers import reasons as r
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.reasons import Findings
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import (
    Evidence,
    ListKind,
    Reason,
    ReasonCode,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import ABSENT, OK
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.reading import SuiteRows, suite_rows
from ansible_collections.fleetops.tetra.plugins.module_utils.observations.worlds import ALL, Worlds
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import suite_list
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import suite_id
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.suite_list import SuiteList
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import Release

NOTE_POLICY_TYPE = "Whether Windows uses a policy list of another type than REG_SZ is not verified."
NOTE_POLICY_TYPE_UNSEEN = "The type of the policy list could not be told from REG_EXPAND_SZ; it is taken to be REG_SZ."
NOTE_EMPTY = "What Windows does with an empty list of suites is not documented."
NOTE_EMPTY_ITEM = "Whether Windows reads a policy list with an empty item or passes over all of it is not verified."
NOTE_LENGTH = "Whether names behind the 1023rd character of the policy list count is not known."
NOTE_CUT = "Windows reads such a value up to the first zero; whether names behind it count is not verified."
WORLD_EMPTY = "In a world in which Windows passes over an empty policy list, the local list counts."
WORLD_EMPTY_ITEM = (
    "In a world in which Windows passes over a list that has an empty item (a comma at the end, or two in a row), the "
    "local list counts."
)
WORLD_TYPE = "In a world in which Windows passes over a policy list of type {0}, the local list counts."
WORLD_LENGTH = "In a world in which Windows reads 1023 characters and no more, the names behind them do not count."
WORLD_CUT = "In a world in which Windows reads up to the first zero, the names behind it do not count."
NOTE_LOCAL = "There is no local list; that Windows then uses the release's default order is not verified."
NOTE_UNSHOWN = (
    "Get-TlsCipherSuite did not answer: a list that waits for a restart, or a name that this Windows cannot resolve, "
    "would be seen there only."
)
NOTE_SHOWN = "Whether Get-TlsCipherSuite shows a changed list before the reboot is not verified."

_EMPTY = suite_list.from_names(())


ReadingKind = t.Union[ListKind, t.Literal["cmdlet", "default"]]  # noqa: UP007 - pylint of ansible-test knows no |


@dataclass(frozen=True)
class Reading:
    """One list that may count. ``kind``: ``policy``, ``local``, ``default`` (the release's) or ``cmdlet``.

    ``shown``: the cmdlet shows this very list, so ids and protocols are known. ``doubt``: the reason code of what makes
    this reading one of several, or ``None``; ``world``: in which world it counts, in one sentence.
    """

    kind: ReadingKind
    suites: SuiteList
    proof: Evidence
    shown: bool = False
    doubt: ReasonCode | None = None
    world: str | None = None


class Shown:
    """The cmdlet's rows. Endpoints with the same rows share one object."""

    def __init__(self, rows: SuiteRows) -> None:
        self.by_name: dict[str, tuple[str, int, tuple[int, ...]]] = {}
        self.by_id: dict[int, tuple[str, int, tuple[int, ...]]] = {}
        for row in rows:
            self.by_name.setdefault(row[0], row)
            if row[1]:
                self.by_id.setdefault(row[1], row)
        self.suites = suite_list.from_names(row[0] for row in rows)
        self.proof: Evidence = r.evidence("cmdlet", "Get-TlsCipherSuite", self.suites.text)

    def row_of(self, name: str) -> tuple[str, int, tuple[int, ...]] | None:
        """The row that shows a suite, by its exact name or else by its id."""
        row = self.by_name.get(name)
        if row is None:
            number = suite_id(name)
            row = self.by_id.get(number) if number is not None else None
        return row


@dataclass(frozen=True)
class Sources:
    """``readings``: the lists that may be configured. ``other``: what the cmdlet shows where that is none of them.
    ``unread``: a further list may count that could not be read, or the cmdlet did not answer; the reason why.
    ``ignored``: where the type of the
    policy's list could not be told, the list that counts if it is one that Windows ignores; it can only spoil a yes."""

    readings: tuple[Reading, ...]
    other: Reading | None
    shown: Shown | None
    unread: Reason | None
    ignored: Reading | None = None


def list_sources(facts: Facts, release: Release | None, findings: Findings, worlds: Worlds = ALL) -> Sources:
    found = _sources(facts, release, findings, worlds)
    if found.unread is None and not answered(facts, release, facts["cipher_suites"]):
        told = facts["cipher_suites"].get("reason")
        proof = r.evidence("cmdlet", "Get-TlsCipherSuite", None, r.text(told) if told else NOTE_UNSHOWN)
        found = replace(found, unread=r.reason(r.NOT_READ, proof))
        findings.note(NOTE_UNSHOWN)
    policy = facts["policy_order"]
    if policy["status"] != OK or policy["type"] != "REG_SZ_OR_EXPAND_SZ" or any(one.shown for one in found.readings):
        return found
    findings.add(
        "TETRA-POLICY-TYPE", r.registry_evidence(policy), "The registry type of the policy list could not be told"
    )
    unread: list[Reason] = []
    local = _local(facts, release, Findings(), unread)
    why = found.unread or (unread[0] if unread else None)
    return replace(found, ignored=local[0] if local else None, unread=why)


def answered(facts: Facts, release: Release | None, section: t.Mapping[str, t.Any]) -> bool:
    """Whether a cmdlet that this release has was heard. An image, and a state to come (``absent``), has none: it is
    judged by its next start."""
    if facts["source"] == "image" or (release is not None and not release.has_cmdlets):
        return True
    return bool(section["status"] in (OK, ABSENT))


def _sources(facts: Facts, release: Release | None, findings: Findings, worlds: Worlds) -> Sources:
    has_cmdlets = release is None or release.has_cmdlets
    shown = _shown(facts["cipher_suites"]) if has_cmdlets and facts["source"] != "image" else None
    unread: list[Reason] = []
    stored = _policy(facts, release, findings, unread, worlds)
    why = unread[0] if unread else None
    if shown is None:
        return Sources(tuple(stored), None, None, why)
    if not stored:
        # The cmdlet takes policies into account (microsoft/CSS-Exchange), but may lag behind a list nobody could read.
        return Sources((Reading("cmdlet", shown.suites, shown.proof, True),), None, shown, why)
    if len(stored) == 1 and stored[0].kind == "default":
        return Sources((Reading("local", shown.suites, shown.proof, True),), None, shown, why)
    key = shown.suites.key
    matching = [reading for reading in stored if reading.suites.key == key]
    if matching and all(reading.doubt is None for reading in stored):
        return Sources((_as_shown(matching[0], shown),), None, shown, why)
    if matching:
        seen = [_as_shown(reading, shown) if reading in matching else reading for reading in stored]
        return Sources(tuple(seen), None, shown, why)
    findings.add("TETRA-SOURCES-DIFFER", shown.proof)
    findings.note(NOTE_SHOWN)
    return Sources(tuple(stored), Reading("cmdlet", shown.suites, shown.proof, True), shown, why)


def _as_shown(reading: Reading, shown: Shown) -> Reading:
    return Reading(reading.kind, shown.suites, reading.proof, True, reading.doubt, reading.world)


def _shown(section: t.Mapping[str, t.Any]) -> Shown | None:
    if section["status"] != OK:
        return None
    return _shared(suite_rows(section["suites"]))


@lru_cache(maxsize=1024)
def _shared(rows: SuiteRows) -> Shown:
    return Shown(rows)


def _policy(
    facts: Facts, release: Release | None, findings: Findings, unread: list[Reason], worlds: Worlds
) -> list[Reading]:
    value = facts["policy_order"]
    status = value["status"]
    if status == ABSENT:
        return _local(facts, release, findings, unread)
    proof = r.registry_evidence(value)
    if status != OK:
        unread.append(r.reason(r.NOT_READ, proof))
        return []
    findings.add("TETRA-POLICY-LIST", proof)
    kind, data = value["type"], value["data"]
    doubt: ReasonCode
    if kind in ("REG_SZ", "REG_SZ_OR_EXPAND_SZ", None) and isinstance(data, str):
        if kind != "REG_SZ":
            findings.note(NOTE_POLICY_TYPE_UNSEEN)
        readings, doubt = _from_text(data, proof, findings, None, worlds), r.NOT_IN_POLICY_LIST
        odd = suite_list.from_text(data).oddities
        if not odd & {suite_list.EMPTY, suite_list.EMPTY_ITEMS}:
            return readings
        world = WORLD_EMPTY if suite_list.EMPTY in odd else WORLD_EMPTY_ITEM
        open_point = ("policy_empty", "no_suites", "fallback_local")
        if suite_list.EMPTY not in odd:
            # What was seen of a comma at the end says nothing about two in a row.
            only_last = suite_list.ends_with_a_comma_only(data)
            open_point = ("policy_trailing_comma", "ignored", "list_ignored") if only_last else ("", "", "")
    else:
        world = WORLD_TYPE.format(kind)
        findings.add("TETRA-POLICY-TYPE", proof, f"The policy list has the registry type {kind}, not REG_SZ")
        open_point = _TYPES_SEEN.get(str(kind), ("", "", ""))
        if not open_point[0] or worlds.only(open_point[0]) is None:
            findings.note(NOTE_POLICY_TYPE)
        readings, doubt = _odd_type(data, proof, findings), r.WRONG_POLICY_TYPE
    # Used as it stands, or passed over for the local list.
    behaviour, used, passed_over = open_point
    if behaviour and not worlds.counts(behaviour, passed_over):
        return readings
    local = _local(facts, release, findings, unread)
    if behaviour and not worlds.counts(behaviour, used):
        return local
    return [
        *readings,
        *(replace(reading, doubt=reading.doubt or doubt, world=reading.world or world) for reading in local),
    ]


_TYPES_SEEN = {
    "REG_MULTI_SZ": ("policy_multi_sz", "used", "ignored"),
    "REG_EXPAND_SZ": ("policy_expand_sz", "used", "ignored"),
}
"""Registry type → the behaviour that is open, its variant that uses the list, and the one that passes it over."""


def _odd_type(data: t.Any, proof: Evidence, findings: Findings) -> list[Reading]:
    if isinstance(data, str):
        return _from_text(data, proof, findings, r.WRONG_POLICY_TYPE)
    if isinstance(data, list):
        # One name an item, or (a script that wrapped the whole text into a list) a comma list in the items.
        return [
            Reading("policy", suite_list.from_text(",".join(names)), proof, doubt=r.WRONG_POLICY_TYPE)
            for names in _with_cut(data, findings)
        ]
    return [Reading("policy", _EMPTY, proof, doubt=r.WRONG_POLICY_TYPE)]


def _with_cut(names: list[str], findings: Findings) -> list[list[str]]:
    """A REG_MULTI_SZ, and what is left of it where an empty string stands before other names: it ends the value for a
    program that reads up to the first empty string."""
    end = names.index("") if "" in names else len(names)
    if not any(names[end:]):
        return [names]
    findings.note(NOTE_CUT)
    return [names, names[:end]]


def _from_text(
    data: str, proof: Evidence, findings: Findings, doubt: ReasonCode | None, worlds: Worlds = ALL
) -> list[Reading]:
    whole = suite_list.from_text(data)
    tell_oddities(whole, proof, findings, "policy")
    if suite_list.EMPTY in whole.oddities:
        return [Reading("policy", _EMPTY, proof, doubt=doubt or r.NOT_IN_POLICY_LIST)]
    readings = [Reading("policy", whole, proof, doubt=doubt)]
    if suite_list.TOO_LONG in whole.oddities and worlds.counts("policy_over_1023", "truncated"):
        if not worlds.counts("policy_over_1023", "used"):
            readings.clear()
        cut = suite_list.truncated(data)
        # No doubt of its own: where the cmdlet shows one of the two, that is the one.
        readings.append(Reading("policy", cut, proof, doubt=doubt, world=WORLD_LENGTH))
    before, _zero, behind = data.rstrip("\0").partition("\0")
    if behind:
        findings.note(NOTE_CUT)
        names = suite_list.from_text(before)
        readings.append(Reading("policy", names, proof, doubt=doubt or r.NOT_IN_POLICY_LIST, world=WORLD_CUT))
    return readings


def tell_oddities(suites: SuiteList, proof: Evidence, findings: Findings, kind: ListKind) -> None:
    """Findings about the spelling of a list."""
    odd = suites.oddities
    if not odd:
        return
    if suite_list.EMPTY in odd:
        findings.add("TETRA-POLICY-EMPTY" if kind == "policy" else "TETRA-LOCAL-LIST", proof)
        findings.note(NOTE_EMPTY)
    if suite_list.TOO_LONG in odd and kind == "policy":
        findings.add("TETRA-POLICY-LENGTH", proof, f"The policy list has {suites.length} characters; 1023 are allowed")
        findings.note(NOTE_LENGTH)
    if odd & {suite_list.SPACES, suite_list.CASE, suite_list.SEPARATOR, suite_list.CONTROL}:
        findings.add("TETRA-LIST-SPELLING", proof)
    if suite_list.EMPTY_ITEMS in odd:
        findings.add("TETRA-LIST-EMPTY-ITEM", proof)
        if kind == "policy":
            findings.note(NOTE_EMPTY_ITEM)
    if suite_list.DUPLICATES in odd:
        findings.add("TETRA-LIST-DUPLICATE", proof)


def _local(facts: Facts, release: Release | None, findings: Findings, unread: list[Reason]) -> list[Reading]:
    value = facts["local_order"]
    if value["status"] == OK and value["type"] == "REG_MULTI_SZ" and isinstance(value["data"], list):
        suites = suite_list.from_names(value["data"])
        if suites.names:
            proof = r.evidence("registry", f"{value['path']}\\{value['name']}", suites.text)
            tell_oddities(suites, proof, findings, "local")
            lists = _with_cut(value["data"], findings)
            if len(lists) == 1:
                return [Reading("local", suites, proof)]
            findings.add("TETRA-LIST-EMPTY-ITEM", proof)
            return [Reading("local", suite_list.from_names(names), proof, doubt=r.NOT_IN_LOCAL_LIST) for names in lists]
    proof = r.registry_evidence(value)
    if value["status"] not in (OK, ABSENT):
        unread.append(r.reason(r.NOT_READ, proof))
        return []
    findings.add("TETRA-LOCAL-LIST", proof)
    findings.note(NOTE_LOCAL)
    if release is None:
        unread.append(r.reason(r.NOT_READ, r.evidence("facts", "os", None, "The release's default list is unknown.")))
        return []
    default = suite_list.from_names(release.local_list)
    table = r.evidence("release_table", release.title(), None, "The release's default list.")
    if value["status"] == ABSENT:
        return [Reading("default", default, table)]
    data = value["data"]
    items = data if isinstance(data, list) else data.split(",") if isinstance(data, str) else []
    return [
        Reading("local", suite_list.from_names(items), proof, doubt=r.NOT_IN_LOCAL_LIST),
        Reading("default", default, table, doubt=r.NOT_IN_LOCAL_LIST),
    ]
