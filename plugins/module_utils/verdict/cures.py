# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Everything there is to mend, in order: for each fault its owner, its exact place, what stands there and what should.

The way is that of the accepted suite with the fewest faults; what only other suites need is not listed. One restart at
the end serves all. The order: what Windows lacks, versions, switches, groups, signature algorithms, the list, restart.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers import reasons as r
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import (
    Cure,
    CureOwner,
    Evidence,
    PolicyOrigin,
    Reason,
    SuiteVerdict,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import (
    LOCAL_KEY,
    OK,
    POLICY_KEY,
    SUITES_VALUE,
    WINHTTP_VALUE,
    schannel_path,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.origin import decide_origin
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import algorithms
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.signatures import default_signatures
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import Release

NOBODY: CureOwner = {"kind": "none", "name": None, "guid": None}
_ORDER = ("release", "update", "protocol", "winhttp", "mdm", "cipher", "hash", "key_exchange", "key_length", "curves",
          "signatures", "list", "dead_end", "other", "restart")  # fmt: skip
_LISTS = (r.NOT_IN_POLICY_LIST, r.NOT_IN_LOCAL_LIST, r.WRONG_POLICY_TYPE, r.UNRESOLVED_NAME, r.CONTRADICTION)
_SKIPPED = (r.NOT_READ, r.NOT_IN_FORCE_YET)
_WORDS = {
    "cipher": "The cipher {0} is switched off, or its switch has a value that nobody has documented.",
    "hash": "The hash {0} is switched off, or its switch has a value that nobody has documented.",
    "key_exchange": "The key exchange {0} is switched off, or its switch has a value that nobody has documented.",
}


def cures(
    facts: Facts,
    suites: t.Mapping[str, SuiteVerdict],
    release: Release | None,
    origin: PolicyOrigin,
    waits: bool,
    dead_end: bool,
) -> list[Cure]:
    """``waits``: what is configured would do, but may not be in force. ``dead_end``: TLS 1.3 spoils what 1.2 has."""
    found: list[Cure] = []
    way = _easiest(suites, release)
    if way is not None:
        for reason in suites[way]["reasons"]:
            cure = _of(reason, way, facts, suites, release, origin)
            if cure is not None and (cure["fault"], cure["place"]) not in [(o["fault"], o["place"]) for o in found]:
                found.append(cure)
    elif release is not None and suites and not any(name in release.supported for name in suites):
        found.append(_cure("release", f"{release.title()} has none of the accepted suites.", None, None,
                           "Windows 10, Server 2016 or later", restart=False))  # fmt: skip
    if dead_end:
        found.append(_dead_end(facts, suites, release, origin))
    found.sort(key=lambda cure: _ORDER.index(cure["fault"]))
    if any(cure["restart"] for cure in found) or (waits and not found):
        what = "One restart puts all of it in force." if found else "What is configured would do; a restart brings it."
        found.append(_cure("restart", what, None, None, None, restart=True))
    return found


def _easiest(suites: t.Mapping[str, SuiteVerdict], release: Release | None) -> str | None:
    """The accepted TLS 1.2 suite with the fewest faults; ``None`` where one works, or none can."""
    ways: list[tuple[int, str]] = []
    for name, suite in suites.items():
        if algorithms(name).tls13 or (release is not None and name not in release.supported):
            continue
        if suite["usable"] == "yes":
            return None
        faults = {_fault(reason) for reason in suite["reasons"] if reason["code"] not in _SKIPPED}
        ways.append((len(faults), name))
    return min(ways, key=lambda way: way[0])[1] if ways else None


def _fault(reason: Reason) -> tuple[str, str]:
    return ("list", "") if reason["code"] in _LISTS else (reason["code"], str(reason["evidence"]["path"]))


def _of(
    reason: Reason,
    way: str,
    facts: Facts,
    suites: t.Mapping[str, SuiteVerdict],
    release: Release | None,
    origin: PolicyOrigin,
) -> Cure | None:
    code, proof = reason["code"], reason["evidence"]
    if code in _SKIPPED:
        return None
    if code in _LISTS:
        return _list(facts, [name for name in suites if release is None or name in release.supported], release, origin)
    if code == r.UNSUPPORTED_BY_RELEASE:
        update = "KB2919355" if release is not None and release.builds[0] >= 9600 else "KB3042058"
        what = f"The suite {way} came to this release with an update that nobody has seen."
        return _cure("update", what, None, None, update)
    if code == r.NO_USABLE_CURVE:
        return _curves(facts, proof, release)
    if code == r.NO_USABLE_SIGNATURE:
        wanted = None if release is None else list(default_signatures(release))
        what = "No signature algorithm is offered for sure that fits the servers' RSA certificate."
        return _cure("signatures", what, proof["path"], proof["value"], wanted)
    return _switch(reason, proof)


def _switch(reason: Reason, proof: Evidence) -> Cure:
    key = reason.get("key")
    if reason["code"] == r.PROTOCOL_DISABLED:
        if key is not None:
            what = "TLS 1.2 is off for clients, or left to programs that ask for it."
            return _cure("protocol", what, schannel_path(key), proof["value"], "Enabled = 1, DisabledByDefault = 0")
        if str(proof["path"]).endswith(WINHTTP_VALUE):
            what = "WinHTTP's default protocols leave TLS 1.2 out."
            wanted = _with_tls12(proof["value"])
            return _cure("winhttp", what, proof["path"], proof["value"], wanted)
        mdm: CureOwner = {"kind": "mdm", "name": None, "guid": None}
        return _cure("mdm", "A device management may leave no TLS 1.2.", proof["path"], proof["value"], "1.2", mdm)
    if reason["code"] == r.KEY_LENGTH_OUT_OF_RANGE:
        return _cure(
            "key_length", "The allowed key lengths may exclude the server's.", proof["path"], proof["value"], None
        )
    kind = reason.get("switch") or "other"
    name = (key or str(proof["path"])).rpartition("\\")[2]
    words = _WORDS.get(kind, "{0} keeps the suite from being used.")
    return _cure(kind if kind in _ORDER else "other", words.format(name), proof["path"], proof["value"], 0xFFFFFFFF)


def _with_tls12(value: t.Any) -> int:
    return value | 0x800 if isinstance(value, int) else 0xA80  # KB3140245: TLS 1.0, 1.1 and 1.2


def _curves(facts: Facts, proof: Evidence, release: Release | None) -> Cure:
    section = facts["curves"]
    value = section["policy"] if section["policy"]["status"] == OK else section["local"]
    names = value["data"] if value["status"] == OK and isinstance(value["data"], list) else []
    wanted = ["NistP256", *(name for name in names if name.strip() and name.strip().lower() != "nistp256")]
    owner = NOBODY
    if section["policy"]["status"] == OK:
        owner = _owner(decide_origin(facts, "EccCurves"))
    what = "NistP256, which every server has, is not offered for sure."
    return _cure("curves", what, f"{value['path']}\\{value['name']}", proof["value"], wanted, owner)


def _list(facts: Facts, wanted: list[str], release: Release | None, origin: PolicyOrigin) -> Cure:
    policy, local = facts["policy_order"], facts["local_order"]
    if policy["status"] == OK:
        data = policy["data"]
        items = data.split(",") if isinstance(data, str) else data if isinstance(data, list) else []
        names = [name.strip() for name in items if name.strip()]
        text = ",".join([*wanted, *(name for name in names if name not in wanted)])
        what = "The policy list does not hold for sure an accepted suite that this Windows can use."
        return _cure("list", what, f"{POLICY_KEY}\\{SUITES_VALUE}", r.plain(data), text, _owner(origin))
    what = "The local list does not hold for sure an accepted suite that this Windows can use."
    place = f"{LOCAL_KEY}\\{SUITES_VALUE}"
    if release is None or release.has_cmdlets:
        commands = [f"Enable-TlsCipherSuite -Name {name} -Position 0" for name in reversed(wanted)]
        return _cure("list", what, place, r.plain(local["data"]), commands)
    listed = local["data"] if isinstance(local["data"], list) else []
    return _cure("list", what, place, r.plain(listed), [*wanted, *(name for name in listed if name not in wanted)])


def _dead_end(
    facts: Facts, suites: t.Mapping[str, SuiteVerdict], release: Release | None, origin: PolicyOrigin
) -> Cure:
    """Whatever TLS 1.3 lacks; where it is its suite, the list."""
    for name, suite in suites.items():
        if algorithms(name).tls13 and suite["usable"] != "yes":
            for reason in suite["reasons"]:
                cure = _of(reason, name, facts, suites, release, origin)
                if cure is not None:
                    cure["what"] = f"TLS 1.3 is offered and a server with it may find nothing in common. {cure['what']}"
                    return cure
    what = "TLS 1.3 is offered and a server with it may find nothing in common."
    return _cure("dead_end", what, schannel_path("Protocols\\TLS 1.3\\Client"), None, "Enabled = 0")


def _owner(origin: PolicyOrigin) -> CureOwner:
    gpo = origin["gpo"] or {"name": None, "guid": None}
    return {"kind": origin["origin"], "name": gpo["name"], "guid": gpo["guid"]}


def _cure(
    fault: str,
    what: str,
    place: str | None,
    present: t.Any,
    wanted: t.Any,
    owner: CureOwner | None = None,
    restart: bool = True,
) -> Cure:
    owner = owner or NOBODY
    return {
        "fault": fault,
        "what": what,
        "owner": {"kind": owner["kind"], "name": owner["name"], "guid": owner["guid"]},
        "place": place,
        "present": r.plain(present),
        "wanted": r.plain(wanted),
        "restart": restart,
    }
