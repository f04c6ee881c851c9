# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The single observation that would settle an unknown, and what the verdict would be either way.

The first candidates are tried out: the endpoint is judged once with the good answer in its place and once with the bad
one. The first that gives a definite verdict both ways is named; else the first that gives one at all.
"""

from __future__ import annotations

import copy
import itertools
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Settles, State
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import open_questions as q

Judge = t.Callable[[Facts, t.Mapping[str, t.Any]], State]
"""Facts and answers → state."""
_BAD_LIST = "TLS_RSA_WITH_AES_128_CBC_SHA"
_MOST = 3


def settles(facts: Facts, questions: t.Sequence[str], judge: Judge) -> Settles | None:
    """``None`` where no single observation is known that would give a definite verdict."""
    best: Settles | None = None
    for observation, question, good, bad in itertools.islice(_candidates(facts, questions), _MOST):
        found: Settles = {
            "observation": observation,
            "question": question,
            "if_good": judge(*good),
            "if_bad": judge(*bad),
        }
        definite = (found["if_good"] != "unknown") + (found["if_bad"] != "unknown")
        if definite == 2:
            return found
        if definite and best is None:
            best = found
    return best


Case = tuple[Facts, t.Mapping[str, t.Any]]


def _candidates(facts: Facts, questions: t.Sequence[str]) -> t.Iterator[tuple[str, str | None, Case, Case]]:
    for observation, good, bad in _unread(facts):
        yield observation, None, (good, {}), (bad, {})
    for question in questions:
        if question == q.UPDATER_WINHTTP:
            yield q.QUESTIONS[question], question, (facts, {question: "no"}), (facts, {question: "yes"})
        elif question == q.SERVER_GROUPS:
            data = facts["curves"]["policy"]["data"]
            shown = facts["curves"]["cmdlet"]["names"] or (data if isinstance(data, list) else [])
            yield _of_names(facts, question, shown)
        elif question == q.SERVER_SIGNATURES:
            data = facts["signature_algorithms"]["local"]["data"]
            yield _of_names(facts, question, data if isinstance(data, list) else [])
        else:
            yield q.QUESTIONS[question], question, (facts, {question: "no"}), (facts, {question: "yes"})


def _of_names(facts: Facts, question: str, names: t.Sequence[str]) -> tuple[str, str | None, Case, Case]:
    accepted: dict[str, t.Any] = {question: {"accepted": list(names)[:20]}}
    refused: dict[str, t.Any] = {question: {"refused": list(names)[:20]}}
    return q.QUESTIONS[question], question, (facts, accepted), (facts, refused)


def _unread(facts: Facts) -> t.Iterator[tuple[str, Facts, Facts]]:
    """Places that were not read, with what they may hold at best and at worst."""
    number = 0
    for key in f.SCHANNEL_KEYS:  # the document may hold others, of any shape
        found = facts["schannel"]["keys"][key]
        if found["status"] not in (f.OK, f.ABSENT) and number < _MOST:
            number += 1
            off = f.registry_key(found["path"], values={"Enabled": {"type": "REG_DWORD", "data": 0}})
            yield (
                f"Read {found['path']} with sufficient rights.",
                _with(facts, ("schannel", "keys", key), f.registry_key(found["path"], f.ABSENT)),
                _with(facts, ("schannel", "keys", key), off),
            )
    for path, good, bad in (
        (("policy_order",), None, ("REG_SZ", _BAD_LIST)),
        (("local_order",), None, ("REG_MULTI_SZ", [_BAD_LIST])),
        (("schannel", "winhttp_default_secure_protocols"), ("REG_DWORD", 0x800), ("REG_DWORD", 0)),
        (("signature_algorithms", "local"), None, ("REG_MULTI_SZ", ["RSA/SHA1"])),
        (("signature_algorithms", "policy"), None, ("REG_MULTI_SZ", ["RSA/SHA1"])),
        (("curves", "policy"), None, ("REG_MULTI_SZ", ["brainpoolP256r1"])),
        (("curves", "local"), None, ("REG_MULTI_SZ", ["brainpoolP256r1"])),
    ):
        value: t.Any = facts
        for part in path:
            value = value[part]
        if value["status"] not in (f.OK, f.ABSENT):
            where = f"{value['path']}\\{value['name']}"
            yield f"Read {where} with sufficient rights.", _value(facts, path, good), _value(facts, path, bad)
    if facts["cipher_suites"]["status"] not in (f.OK, f.ABSENT) and facts["source"] == "live":
        none = {**facts["cipher_suites"], "status": f.ABSENT}
        other = {"status": f.OK, "reason": None, "suites": [{"name": _BAD_LIST, "id": 0x2F, "protocols": [771]}]}
        yield "Ask Get-TlsCipherSuite.", _with(facts, ("cipher_suites",), none), _with(facts, ("cipher_suites",), other)
    if facts["reboot"]["status"] != f.OK and facts["source"] == "live":
        yield (
            "Read the boot time (Win32_OperatingSystem.LastBootUpTime).",
            _with(facts, ("reboot",), {**facts["reboot"], "status": f.ABSENT}),
            facts,
        )


def _value(facts: Facts, path: tuple[str, ...], held: tuple[str, t.Any] | None) -> Facts:
    part: t.Any = facts
    for name in path:
        part = part[name]
    if held is None:
        return _with(facts, path, f.registry_value(part["path"], part["name"], f.ABSENT, "Supposed to be absent."))
    kind: t.Any = held[0]
    return _with(facts, path, f.registry_value(part["path"], part["name"], type=kind, data=held[1]))


def _with(facts: Facts, path: tuple[str, ...], value: t.Any) -> Facts:
    changed: t.Any = copy.copy(facts)
    part = changed
    for name in path[:-1]:
        part[name] = copy.copy(part[name])
        if part[name].get("status") not in (None, f.OK):
            part[name]["status"] = f.OK
        part = part[name]
    part[path[-1]] = value
    made: Facts = changed
    return made
