# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Facts about TLS from the answers: suites, their orders, curves, Schannel switches, FIPS."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents import facts as d
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import PSObject
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.details import (
    FIRST_BUILD_WITH_TLS_CMDLETS,
    needed,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import Reply
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import (
    NOTHING_PROVEN,
    enum_types,
    typed,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.survey import Survey

Replies = t.Mapping[str, Reply]

_NO_CMDLET = "Windows before Windows 10 and Server 2016 does not have this cmdlet."


def cipher_suites(survey: Survey, replies: Replies) -> d.CipherSuites:
    """``Get-TlsCipherSuite`` in its order, whatever shape it came in."""
    reply = replies.get("suites")
    if reply is None:
        return {**facts.section(facts.UNSUPPORTED, _no_cmdlet(survey)), "suites": []}
    if not reply.complete or (reply.refusals and not reply.values):
        return {**facts.section(*reply.why_not()), "suites": []}
    suites = []
    for obj in flat(reply.values):
        suite = _suite(obj)
        if suite is None:
            reason = "Get-TlsCipherSuite answered with something that is not a cipher suite."
            return {**facts.section(facts.ERROR, reason), "suites": []}
        suites.append(suite)
    if reply.refusals:
        return {**facts.section(facts.ERROR, "Get-TlsCipherSuite broke off with an error."), "suites": []}
    return {**facts.section(facts.OK), "suites": suites}


def flat(values: t.Iterable[t.Any]) -> t.Iterator[t.Any]:
    """The members of lists that were not taken apart on the way, and everything else."""
    for value in values:
        if isinstance(value, list):
            yield from flat(value)
        else:
            yield value


def _suite(obj: t.Any) -> d.SuiteRow | None:
    if not isinstance(obj, PSObject):
        return None
    name, number, protocols = obj.get("Name"), obj.get("CipherSuite"), obj.get("Protocols")
    if protocols is None:
        protocols = []
    if isinstance(protocols, int) and not isinstance(protocols, bool):
        protocols = [protocols]
    if not isinstance(name, str) or not isinstance(number, int) or isinstance(number, bool) or number < 0:
        return None
    if not isinstance(protocols, list) or not all(isinstance(p, int) and not isinstance(p, bool) for p in protocols):
        return None
    return {"name": name, "id": int(number), "protocols": [int(protocol) for protocol in protocols]}


def curves(survey: Survey, replies: Replies) -> d.Curves:
    policy = survey.registry.value(facts.POLICY_KEY, facts.CURVES_VALUE, policy_types(replies))
    local = survey.registry.value(facts.LOCAL_KEY, facts.CURVES_VALUE)
    reply = replies.get("curves")
    cmdlet: d.CurveNames
    if reply is None:
        cmdlet = {**facts.section(facts.UNSUPPORTED, _no_cmdlet(survey)), "names": []}
    elif not reply.complete or reply.refusals:
        cmdlet = {**facts.section(*reply.why_not()), "names": []}
    else:
        names = list(flat(reply.values))
        if all(isinstance(name, str) for name in names):
            cmdlet = {**facts.section(facts.OK), "names": names}
        else:
            reason = "Get-TlsEccCurve answered with something that is not a name."
            cmdlet = {**facts.section(facts.ERROR, reason), "names": []}
    return {**facts.section(*_overall([policy, local])), "policy": policy, "local": local, "cmdlet": cmdlet}


def signature_algorithms(survey: Survey) -> d.SignatureAlgorithms:
    policy = survey.registry.value(facts.SIGNATURE_POLICY_KEY, facts.SUITES_VALUE)
    local = survey.registry.value(facts.SIGNATURE_LOCAL_KEY, facts.SUITES_VALUE)
    return {**facts.section(*_overall([policy, local])), "policy": policy, "local": local}


def policy_order(survey: Survey, replies: Replies) -> d.RegistryValue:
    return survey.registry.value(facts.POLICY_KEY, facts.SUITES_VALUE, policy_types(replies))


def local_order(survey: Survey) -> d.RegistryValue:
    return survey.registry.value(facts.LOCAL_KEY, facts.SUITES_VALUE)


def policy_types(replies: Replies) -> dict[str, d.RegistryType | None] | None:
    reply = replies.get("policy_types")
    return enum_types(reply) if reply is not None else None


def fips(survey: Survey) -> d.Fips:
    value = survey.registry.value(facts.FIPS_KEY, facts.FIPS_VALUE)
    if value["status"] == facts.ABSENT:
        return {**facts.section(facts.OK), "enabled": False, "value": value}
    enabled = value["data"] != 0 if value["status"] == facts.OK and isinstance(value["data"], int) else None
    if value["status"] == facts.OK and enabled is None:
        return {**facts.section(facts.ERROR, "The FIPS switch is not a number."), "enabled": None, "value": value}
    return {**facts.section(value["status"], value["reason"]), "enabled": enabled, "value": value}


def schannel(survey: Survey, replies: Replies) -> d.Schannel:
    """The switches of Schannel: of each key the values that count, whatever else lies there."""
    keys = {name: _schannel_key(name, survey, replies) for name in facts.SCHANNEL_KEYS}
    winhttp = survey.registry.value(facts.WINHTTP_KEY, facts.WINHTTP_VALUE)
    return {**facts.section(*_overall(keys.values())), "keys": keys, "winhttp_default_secure_protocols": winhttp}


def _schannel_key(name: str, survey: Survey, replies: Replies) -> d.RegistryKey:
    path = facts.schannel_path(name)
    about = survey.schannel_keys().get(path.lower())
    if about is None:
        return _schannel_missing(path, survey)
    names = needed(about.names)
    if not about.whole:
        return facts.registry_key(path, facts.ERROR, "The names of the key's values came incomplete.")
    if not names:
        return facts.registry_key(path)
    answer = survey.schannel_values.key(path)
    if answer.status == facts.OK:
        values = {value: typed(answer.properties.get(value.lower())) for value in names}
        contradicted = _contradicted(path, values, replies) if "/" in name else None
        return contradicted or _with_values(path, values)
    if "/" in name:
        return _by_stdregprov(path, names, replies)
    # Its parent lists the key, so it is not absent.
    status = facts.ERROR if answer.status == "empty" or answer.status == facts.ABSENT else answer.status
    return facts.registry_key(path, status, answer.reason or "The values of the key were not handed over.")


def _schannel_missing(path: str, survey: Survey) -> d.RegistryKey:
    """Why a key is not among those that exist: it is absent, or its siblings could not be listed."""
    parent = path.rpartition("\\")[0]
    refused = survey.schannel.refused(parent) or survey.schannel.refused(path)
    if refused is not None and refused[0] == facts.ABSENT:
        return facts.registry_key(path, facts.ABSENT, "The key does not exist.")
    if refused is not None:
        return facts.registry_key(path, refused[0], f"The keys could not be listed: {refused[1]}")
    if survey.all_listed(parent):
        return facts.registry_key(path, facts.ABSENT, "The key does not exist.")
    why = survey.schannel.why_not() if survey.schannel.refusals or not survey.schannel.complete else None
    return facts.registry_key(path, *(_never_absent(why) if why else (facts.ERROR, NOTHING_PROVEN)))


def _contradicted(path: str, values: t.Mapping[str, d.ValueOfKey | None], replies: Replies) -> d.RegistryKey | None:
    """The key as unreadable, where StdRegProv answers and tells something else than the registry provider."""
    told = _told_by_stdregprov(path, list(values), replies)
    if told is None or all(_agrees(value, told[name]) for name, value in values.items()):
        return None
    reason = "The registry provider and StdRegProv tell different things of this key."
    return facts.registry_key(path, facts.ERROR, reason)


def _agrees(value: d.ValueOfKey | None, told: d.ValueOfKey | None) -> bool:
    """Whether WMI, as far as it told anything, told this value; it tells the data of a REG_DWORD only."""
    if told is None or value is None or told["data"] is not None:
        return told in (None, value)
    return told["type"] in (_TEXTS if value["type"] in _TEXTS else (value["type"],))


_TEXTS = ("REG_SZ", "REG_EXPAND_SZ", "REG_SZ_OR_EXPAND_SZ")
"""The registry provider does not tell the two apart."""


def _told_by_stdregprov(path: str, names: list[str], replies: Replies) -> dict[str, d.ValueOfKey | None] | None:
    """The values by WMI, with None for what it did not tell; None where it did not answer."""
    listing = replies.get(f"enum:{path}")
    types = enum_types(listing) if listing is not None else None
    if types is None:
        return None
    values: dict[str, d.ValueOfKey | None] = {}
    for name in names:
        kind = types.get(name.lower())
        reply = replies.get(f"dword:{path}:{name}")
        if kind != "REG_DWORD" or reply is None:
            values[name] = {"type": kind, "data": None} if kind is not None else None
            continue
        obj = next((value for value in reply.values if isinstance(value, PSObject)), None)
        number = obj.get("uValue") if obj is not None and obj.get("ReturnValue") == 0 else None
        values[name] = typed(number, kind) if number is not None else None
    return values


def _by_stdregprov(path: str, names: list[str], replies: Replies) -> d.RegistryKey:
    """The values of a key that the registry provider lists and does not read."""
    listing = replies.get(f"enum:{path}")
    values = _told_by_stdregprov(path, names, replies)
    if values is not None:
        return _with_values(path, values)
    if listing is None:
        return facts.registry_key(
            path, facts.UNSUPPORTED, "The key has values, which need PowerShell 3.0 and WMI to be read."
        )
    if listing.refusals or not listing.complete:
        return facts.registry_key(path, *_never_absent(listing.why_not()))
    code = next((obj.get("ReturnValue") for obj in listing.values if isinstance(obj, PSObject)), None)
    if code == 5:
        return facts.registry_key(path, facts.DENIED, "The account may not read the key (StdRegProv code 5).")
    return facts.registry_key(path, facts.ERROR, f"The values of the key could not be listed (code {code}).")


def _with_values(path: str, values: t.Mapping[str, d.ValueOfKey | None]) -> d.RegistryKey:
    unread = [name or "(Default)" for name, value in values.items() if value is None]
    known = {name: value for name, value in values.items() if value is not None}
    if unread:
        reason = f"The values {', '.join(unread)} exist and could not be read."
        return facts.registry_key(path, facts.ERROR, reason, known)
    return facts.registry_key(path, values=known)


def _never_absent(why: tuple[d.Status, str]) -> tuple[d.Status, str]:
    return (facts.ERROR, why[1]) if why[0] == facts.ABSENT else why


def _overall(parts: t.Iterable[d.RegistryValue | d.RegistryKey]) -> tuple[d.Status, str | None]:
    """The status of a section by its parts: what was read or is absent is fine, else the first that is not."""
    for part in parts:
        if part["status"] not in (facts.OK, facts.ABSENT):
            return part["status"], part["reason"]
    return facts.OK, None


def _no_cmdlet(survey: Survey) -> str:
    known = survey.build is not None and survey.build < FIRST_BUILD_WITH_TLS_CMDLETS
    return _NO_CMDLET if known else "The cmdlet was not asked for."
