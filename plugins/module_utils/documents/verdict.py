# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The verdict ``fleetops.tetra/verdict/1`` as types; ``docs/schemas/verdict-1.json`` says the same."""

from __future__ import annotations

import typing as t

Answer = t.Literal["yes", "no", "unknown"]
State = t.Literal["compliant", "non_compliant", "unknown", "not_applicable"]
Severity = t.Literal["high", "medium", "low", "info"]
InForce = t.Literal["yes", "after_reboot", "unknown"]
Origin = t.Literal["domain_gpo", "local_gpo", "mdm", "direct", "none", "unknown"]
ReasonCode = t.Literal[
    "not_in_policy_list", "not_in_local_list", "unsupported_by_release", "unresolved_name", "protocol_disabled",
    "cipher_disabled", "hash_disabled", "key_exchange_disabled", "key_length_out_of_range", "no_usable_curve",
    "no_usable_signature",
    "wrong_policy_type", "not_read", "not_in_force_yet", "contradiction",
]  # fmt: skip


ListKind = t.Literal["policy", "local"]
SwitchKind = t.Literal["protocol", "cipher", "hash", "key_exchange", "key_length"]


class Evidence(t.TypedDict):
    """What a statement rests on. ``path`` is a registry path, a section, a cmdlet, a file, by ``source``."""

    source: str | None
    path: str | None
    value: t.Any
    note: str | None


class Reason(t.TypedDict):
    """Why a suite is not, or perhaps not, offered.

    ``list``: the list that it is about. ``switch``: the kind of Schannel's switch, ``key`` its key below SCHANNEL; a
    switch without a key lies elsewhere (WinHTTP, MDM). Verdicts of 1.0.0 do not hold these three.
    """

    code: ReasonCode
    evidence: Evidence
    list: t.NotRequired[ListKind | None]
    switch: t.NotRequired[SwitchKind | None]
    key: t.NotRequired[str | None]


class SuiteVerdict(t.TypedDict):
    """One suite of the allow list."""

    usable: Answer
    reasons: list[Reason]


class Finding(t.TypedDict):
    """One rule of ``docs/rules.md`` that speaks."""

    rule: str
    severity: Severity
    title: str
    evidence: Evidence
    source: str | None


class Reachability(t.TypedDict):
    """``usable``: the accepted suites that are offered, in the order offered."""

    answer: Answer
    usable: list[str]


class Strictness(t.TypedDict):
    """``outside``: suites that are offered and not accepted."""

    answer: Answer
    outside: list[str]


class Cause(t.TypedDict):
    """The likely cause of a failing update, and what would confirm it."""

    code: str
    confirm: str | None


class EitherWay(t.TypedDict):
    """Reachability if the configured list is in force, and if it is not."""

    in_force: Answer
    if_not_in_force: Answer


class Gpo(t.TypedDict):
    """A group policy object."""

    name: str | None
    guid: str | None


class PolicyOrigin(t.TypedDict):
    """Who owns the policy list."""

    origin: Origin
    gpo: Gpo | None
    matches_registry: bool | None
    evidence: list[Evidence]


class AllowList(t.TypedDict):
    """What was judged against; ``date`` is ``YYYY-MM-DD``, ``None`` for a list of the user's."""

    names: list[str]
    source: str
    date: str | None


class CureOwner(t.TypedDict):
    """Who keeps a setting."""

    kind: Origin
    name: str | None
    guid: str | None


class Cure(t.TypedDict):
    """One thing to mend. ``place``: a registry value or key; ``present``: what stands there, ``wanted``: should."""

    fault: str
    what: str
    owner: CureOwner
    place: str | None
    present: t.Any
    wanted: t.Any
    restart: bool


class Settles(t.TypedDict):
    """The single observation that would settle an unknown. ``question``: the id of an open question, or ``None``."""

    observation: str
    question: str | None
    if_good: State
    if_bad: State


class Waiver(t.TypedDict):
    """One waiver that was used; ``expires`` is ``YYYY-MM-DD``."""

    rule: str
    image: str
    reason: str
    expires: str


class Waived(t.TypedDict):
    """What the state would be without the waivers."""

    state: t.Literal["non_compliant", "unknown"]
    waivers: list[Waiver]


class Verdict(t.TypedDict):
    """The judgement of one endpoint."""

    schema: t.Literal["fleetops.tetra/verdict/1"]
    host: str
    state: State
    reachability: Reachability
    strictness: Strictness
    suites: dict[str, SuiteVerdict]
    findings: list[Finding]
    cause: Cause | None
    in_force: InForce
    either_way: EitherWay
    policy_origin: PolicyOrigin
    notes: list[str]
    next_step: str
    allow_list: AllowList
    waived: t.NotRequired[Waived]
    cures: t.NotRequired[list[Cure]]
    settles: t.NotRequired[Settles | None]
    open_questions: t.NotRequired[list[str]]
