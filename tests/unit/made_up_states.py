# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints made up at random for proofs over many thousand of them, and the same with a part that was not read.

Nothing is left out: odd forms of the policy value, contradicting sources, switches of every value, signs of a pending
change, images, handshakes of the endpoint itself. A generator of its own, not hypothesis, since it has to be fast.
"""

from __future__ import annotations

import copy
import random
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts as e

Facts = dict[str, t.Any]
Path = tuple[t.Any, ...]

RELEASES = (
    "7_2008r2", "8_2012", "8.1_2012r2", "10_1607_2016", "10_1809_2019", "10_21h2", "10_22h2", "2022", "11_23h2",
    "11_24h2_2025",
)  # fmt: skip
ALGORITHMS = tuple(key for key in f.SCHANNEL_KEYS if not key.startswith("Protocols"))
PROTOCOLS = tuple(key for key in f.SCHANNEL_KEYS if key.startswith("Protocols"))
_CURVES = ("curve25519", "NistP256", "NistP384", "nistp256", " NistP256", "brainpoolP256r1", "")
_OTHERS = (
    e.CBC, "TLS_MADE_UP_NAME", "TLS_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    f"{e.ECDHE_256}_P384", f"{e.DHE_128}_P256", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
)  # fmt: skip
_OUTCOMES = ("tls_ok", "tls_ok", "tls_ok", "tls_failed", "dns", "other")


def some_facts(rng: random.Random) -> Facts:
    """One endpoint; about half of them have something odd, and half a successful handshake of their own."""
    facts = e.endpoint(rng.choice(RELEASES), rng.choice(("client", "server")))
    release = e.release_of(facts)
    if rng.random() < 0.4:
        e.set_local(facts, _names(rng, release.local_list), "REG_SZ" if rng.random() < 0.05 else "REG_MULTI_SZ")
    elif rng.random() < 0.1:
        facts["local_order"] = f.registry_value(f.LOCAL_KEY, f.SUITES_VALUE, f.ABSENT, "None.")
    if rng.random() < 0.5:
        _policy(rng, facts, _names(rng, release.local_list))
    if rng.random() < 0.8:
        _show(facts)
    else:
        e.show(facts, [] if rng.random() < 0.2 else _names(rng, release.local_list))
    for key in rng.sample(ALGORITHMS, rng.choice((0, 0, 0, 1, 2))):
        e.set_switch(facts, key, "Enabled", rng.choice((0, 0, 1, 0xFFFFFFFF)))
    for key in rng.sample(PROTOCOLS, rng.choice((0, 0, 1, 2))):
        e.set_switch(facts, key, rng.choice(("Enabled", "DisabledByDefault")), rng.choice((0, 1)))
    if release.tls12_client != "enabled" and rng.random() < 0.8:
        e.set_switch(facts, "Protocols\\TLS 1.2\\Client", "DisabledByDefault", 0)
    if rng.random() < 0.1:
        key = rng.choice(("KeyExchangeAlgorithms\\Diffie-Hellman", "KeyExchangeAlgorithms\\PKCS"))
        name = rng.choice(("ClientMinKeyBitLength", "ClientMaxKeyBitLength"))
        e.set_switch(facts, key, name, rng.choice((512, 1024, 2048, 4096)))
    if rng.random() < 0.25:
        names = rng.sample(_CURVES, rng.randint(0, 3))
        e.set_curves(facts, names, shown=rng.random() < 0.7)
        if rng.random() < 0.3:
            facts["curves"]["local"] = {**facts["curves"]["policy"], "path": f.LOCAL_KEY}
            facts["curves"]["policy"] = f.registry_value(f.POLICY_KEY, f.CURVES_VALUE, f.ABSENT, "None.")
    if rng.random() < 0.5:
        data = rng.choice((0xA00, 0x800, 0xA0, 0))
        facts["schannel"]["winhttp_default_secure_protocols"] = f.registry_value(
            f.WINHTTP_KEY, f.WINHTTP_VALUE, type="REG_DWORD", data=data
        )
    if rng.random() < 0.1:
        e.set_fips(facts)
    if rng.random() < 0.1:
        value = facts["policy_origin"]["mdm"]["values"][1]
        value.update(status=f.OK, reason=None, type="REG_SZ", data=rng.choice(("1.2", "1.3", "odd")))
    if "signature_algorithms" in facts and rng.random() < 0.3:
        _signatures(rng, facts)
    _in_force(rng, facts)
    if rng.random() < 0.15:
        facts["source"] = "image"
    elif rng.random() < 0.5:
        host = "tetra-defs.eu.amp.cisco.com" if rng.random() < 0.1 else "tetra-defs.amp.cisco.com"
        e.set_probe(facts, rng.choice(_OUTCOMES), host=host)
    return facts


def _names(rng: random.Random, known: t.Sequence[str]) -> list[str]:
    names = rng.sample(list(known), rng.randint(0, min(6, len(known))))
    names += [name for name in (*ALLOW_LIST, *_OTHERS) if rng.random() < 0.3]
    rng.shuffle(names)
    return list(dict.fromkeys(names)) or [e.CBC]


def _policy(rng: random.Random, facts: Facts, names: list[str]) -> None:
    kind = rng.random()
    text = ",".join(names)
    if kind < 0.6:
        e.set_policy(facts, text)
    elif kind < 0.7:
        e.set_policy(facts, names, "REG_MULTI_SZ")
    elif kind < 0.75:
        e.set_policy(facts, text, rng.choice(("REG_EXPAND_SZ", "REG_SZ_OR_EXPAND_SZ")))
    else:
        filler = ",".join(f"TLS_FILLER_{number:03d}" for number in range(70))
        odd = (f"{text},", text.replace(",", ", "), text.lower(), "", f"{filler},{text}", f"{e.CBC}\0,{text}", ",,")
        e.set_policy(facts, rng.choice(odd))


def _show(facts: Facts) -> None:
    policy = facts["policy_order"]
    if policy["status"] == f.OK and isinstance(policy["data"], str) and policy["type"] == "REG_SZ":
        e.show(facts, [name for name in policy["data"].split(",") if name])
    else:
        data = facts["local_order"]["data"]
        e.show(facts, data if isinstance(data, list) else e.release_of(facts).local_list)


def _signatures(rng: random.Random, facts: Facts) -> None:
    names = ("RSA/SHA1", "ECDSA/SHA256", "RSA/SHA256", "RSAE-PSS/SHA256", "RSA/SHA512", "rsa/sha256", "DSA/SHA1", "")
    data = rng.sample(names, rng.randint(0, 4))
    value = facts["signature_algorithms"]["local"]
    value.update(status=f.OK, reason=None, type=rng.choice(("REG_MULTI_SZ",) * 9 + ("REG_SZ",)), data=data)
    if value["type"] == "REG_SZ":
        value["data"] = ",".join(data)
    if rng.random() < 0.1:
        policy = facts["signature_algorithms"]["policy"]
        policy.update(status=f.OK, reason=None, type="REG_MULTI_SZ", data=rng.sample(names, rng.randint(0, 3)))


def _in_force(rng: random.Random, facts: Facts) -> None:
    if rng.random() < 0.1:
        facts["reboot"]["changed_by_us"] = rng.choice((e.BEFORE_BOOT, e.AFTER_BOOT))
        facts["reboot"]["mark"].update(status=f.OK, reason=None, type="REG_SZ", data=facts["reboot"]["changed_by_us"])
    policy = facts["policy_order"]
    if policy["status"] == f.OK and isinstance(policy["data"], str) and rng.random() < 0.4:
        e.set_local_gpo(facts, policy["data"], rng.choice((e.BEFORE_BOOT, e.AFTER_BOOT)))
    if rng.random() < 0.2:
        modified = rng.choice((e.BEFORE_BOOT, e.AFTER_BOOT))
        facts["policy_origin"]["archive"] = f.section(f.OK, None, path="ntuser.pol", modified=modified)
    if rng.random() < 0.2:
        e.set_last_update(facts, "failed", rng.choice((-3000, -2108)), rng.choice((e.BEFORE_BOOT, e.AFTER_BOOT, None)))
    kind = rng.random()
    if kind < 0.05:
        facts["connector"]["tetra"]["update_server"] = "tetra-defs.eu.amp.cisco.com"
    elif kind < 0.08:
        facts["connector"]["tetra"]["enabled"] = False


# Less information --------------------------------------------------------------------------------------------------

EXPERIMENTS = (("probe",), ("connector", "last_update"))
"""What was tried, not what is configured: a handshake and an update. Taken away, they leave what the configuration
says (docs/decisions/0023)."""


def parts_of(facts: Facts, prefix: Path = (), left_out: t.Sequence[Path] = EXPERIMENTS) -> list[Path]:
    """The path of every section, part and value that has a status, but for experiments."""
    found = [prefix] if "status" in facts and prefix not in left_out else []
    for key, value in facts.items():
        inner = enumerate(value) if isinstance(value, list) else [(None, value)]
        for place, item in inner:
            if isinstance(item, dict):
                found += parts_of(item, (*prefix, key) if place is None else (*prefix, key, place), left_out)
    return found


def without(facts: Facts, path: Path, status: str = f.NOT_READ) -> Facts:
    """The same, but this part was not read: whatever it holds is gone. Experiments stay as they are."""
    less = copy.deepcopy(facts)
    part: t.Any = less
    for key in path:
        part = part[key]
    _forget(part, path, status)
    return less


def _forget(part: Facts, path: Path, status: str) -> None:
    for key, value in part.items():
        inner = (*path, key)
        if inner in EXPERIMENTS or key in ("path", "name"):
            continue
        if isinstance(value, dict) and "status" in value:
            _forget(value, inner, status)
        elif key == "keys":
            for name, found in value.items():
                _forget(found, (*inner, name), status)
        elif key == "values" and isinstance(value, list):
            for found in value:
                _forget(found, inner, status)
        elif isinstance(value, list) and key != "data":
            part[key] = []
        elif isinstance(value, dict):
            part[key] = {} if key != "pending" else dict.fromkeys(value)
        else:
            part[key] = None
    part.update(status=status, reason="It was not read.")


STATUSES = (f.NOT_READ, f.DENIED, f.ERROR)


def less_information(facts: Facts, rng: random.Random, most: int = 4) -> t.Iterator[tuple[str, Facts]]:
    """The same endpoint with a part less, ``most`` times; what was taken away, and what is left."""
    paths = parts_of(facts)
    for path in rng.sample(paths, min(most, len(paths))):
        yield "/".join(map(str, path)), without(facts, path, rng.choice(STATUSES))


def broken_rule(before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any]) -> str | None:
    """What less information did that it must not: anything but *yes* or *no* into *unknown*. ``None`` where all is
    well. States count only where both endpoints are judged at all."""
    pairs = [("answer", before["reachability"]["answer"], after["reachability"]["answer"])]
    pairs.append(("strictness", before["strictness"]["answer"], after["strictness"]["answer"]))
    if "not_applicable" not in (before["state"], after["state"]):
        pairs.append(("state", before["state"], after["state"]))
    for what, old, new in pairs:
        if new not in (old, "unknown"):
            return f"{what}: {old} became {new}"
    return None
