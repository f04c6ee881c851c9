# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of a simulated endpoint, taken straight from its state: what the readings would find, without the wire.

So thousands of states can be judged and held against what the simulated Schannel really does.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.fleetops.tetra.lab.machine import build
from ansible_collections.fleetops.tetra.lab.machine.cmdlets.tls import shown_lists, suite_object
from ansible_collections.fleetops.tetra.lab.machine.registry import (
    TYPE_NAMES,
    AccessDeniedError,
    KeyMissingError,
    Value,
)
from ansible_collections.fleetops.tetra.lab.machine.schannel_model import Offer
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import local_gpo
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST

Facts = dict[str, t.Any]
DH_BITS = RSA_BITS = 2048
_POL = "C:\\Windows\\System32\\GroupPolicy\\Machine\\Registry.pol"
_NOT_A_STATE = ("expect", "transport", "describe")


def state_of(mapping: t.Mapping[str, t.Any], behaviours: t.Mapping[str, str] | None = None) -> WindowsState:
    """The simulated endpoint of a fleet file's mapping, with other behaviours if given."""
    given = {key: value for key, value in mapping.items() if key not in _NOT_A_STATE}
    if behaviours is not None:
        given["behaviours"] = dict(behaviours)
    return build.build("host", given)


def read(state: WindowsState) -> Facts:
    facts = f.empty_facts("host", collected_at="2026-11-24T03:43:00Z")
    identity = state.identity
    facts["os"].update(status=f.OK, reason=None, product=identity.product, build=identity.build, ubr=identity.ubr,
                       kind="server" if identity.server else "client")  # fmt: skip
    facts["policy_order"] = _value(state, f.POLICY_KEY, f.SUITES_VALUE)
    facts["local_order"] = _value(state, f.LOCAL_KEY, f.SUITES_VALUE)
    shown = shown_lists(state)
    if state.release.has_cmdlets:
        rows = [suite_object(name, state).props for name in shown.suites]
        facts["cipher_suites"] = f.section(f.OK, None, suites=[_row(row) for row in rows])
    else:
        facts["cipher_suites"] = f.section(f.UNSUPPORTED, "No such cmdlet.", suites=[])
    facts["curves"] = f.section(
        f.OK,
        None,
        policy=_value(state, f.POLICY_KEY, f.CURVES_VALUE),
        local=_value(state, f.LOCAL_KEY, f.CURVES_VALUE),
        cmdlet=f.section(f.OK, None, names=list(shown.curves))
        if state.release.has_cmdlets
        else f.section(f.UNSUPPORTED, "No such cmdlet.", names=[]),
    )
    facts["signature_algorithms"] = f.section(
        f.OK,
        None,
        policy=_value(state, f.SIGNATURE_POLICY_KEY, f.SUITES_VALUE),
        local=_value(state, f.SIGNATURE_LOCAL_KEY, f.SUITES_VALUE),
    )
    facts["schannel"] = f.section(
        f.OK,
        None,
        keys={key: _key(state, f.schannel_path(key)) for key in f.SCHANNEL_KEYS},
        winhttp_default_secure_protocols=_value(state, f.WINHTTP_KEY, f.WINHTTP_VALUE),
    )
    fips = _value(state, f.FIPS_KEY, f.FIPS_VALUE)
    facts["fips"] = f.section(f.OK, None, enabled=bool(fips["data"]), value=fips)
    boot = state.boot_time.strftime("%Y-%m-%dT%H:%M:%SZ")
    facts["reboot"].update(status=f.OK, reason=None, last_boot=boot, mark=_value(state, f.OUR_KEY, f.CHANGED_AT))
    facts["policy_origin"].update(status=f.OK, reason=None)
    values = [_value(state, key, name) for key, name in f.MDM_PLACES]
    facts["policy_origin"]["mdm"].update(status=f.OK, reason=None, values=values)
    pol = state.files.find(_POL)
    if pol is not None:
        modified = pol.modified.strftime("%Y-%m-%dT%H:%M:%SZ")
        facts["policy_origin"]["local_gpo"] = local_gpo.local_gpo_section(pol.data, _POL, modified)
    else:
        facts["policy_origin"]["local_gpo"] = local_gpo.unread_local_gpo(f.ABSENT, "The file does not exist.")
    facts["connector"] = _connector(state)
    return facts


def _row(properties: dict[str, t.Any]) -> dict[str, t.Any]:
    protocols = [int(number) for number in properties["Protocols"].base]
    return {"name": properties["Name"], "id": int(properties["CipherSuite"]), "protocols": protocols}


def _plain(value: Value) -> t.Any:
    if isinstance(value.data, tuple):
        return list(value.data)
    return value.data.hex() if isinstance(value.data, bytes) else value.data


def _value(state: WindowsState, path: str, name: str) -> dict[str, t.Any]:
    try:
        value = state.registry.open(path).value(name)
    except KeyMissingError:
        value = None
    except AccessDeniedError:
        return f.registry_value(path, name, f.DENIED, "Access is denied.")
    if value is None:
        return f.registry_value(path, name, f.ABSENT, "It does not exist.")
    return f.registry_value(path, name, type=TYPE_NAMES[value.type], data=_plain(value))


def _key(state: WindowsState, path: str) -> dict[str, t.Any]:
    try:
        key = state.registry.open(path)
    except KeyMissingError:
        return f.registry_key(path, f.ABSENT, "It does not exist.")
    except AccessDeniedError:
        return f.registry_key(path, f.DENIED, "Access is denied.")
    values = {name: {"type": TYPE_NAMES[value.type], "data": _plain(value)} for name, value in key.values.values()}
    return f.registry_key(path, values=values)


def _connector(state: WindowsState) -> dict[str, t.Any]:
    section = f.empty_section("connector", f.NOT_READ, "Not looked at.")
    logs = [file.data for file in state.files if file.path.lower().endswith("sfc.exe.log")]
    codes = re.findall(rb"PerformTetraUpdate: bUpdated = FALSE, state: \d+, status: (-?\d+)", b"".join(logs))
    if codes and int(codes[-1]):
        section.update(status=f.OK, reason=None)
        section["service"] = f.section(f.OK, None, name="CiscoAMP", state="Running", start_mode="Auto")
        section["last_update"] = f.section(f.OK, None, result="failed", code=int(codes[-1]), time=None, line=None)
    return section


def gets_through(offer: Offer, *, tls13: bool = True, groups: t.Collection[str] | None = None) -> bool:
    """Whether a server that accepts only what Tetra accepts, with an RSA certificate and 2048 bits, takes the offer.

    A server with TLS 1.3 settles on the version first; it prefers the suites in the order of the allow-list.
    ``groups``: in small letters, those that it has; ``None``: any.
    """
    smallest, largest = offer.rsa_bits
    if smallest > RSA_BITS or (largest is not None and largest < RSA_BITS):
        return False
    shared = [name for name in offer.curves if groups is None or name.lower() in groups]
    modern = {name for name in offer.suites if "_WITH_" not in name}
    rsa = [name for name in offer.signatures if name.startswith("RSA") and not name.endswith("/SHA1")]
    if modern and tls13:
        return bool(modern & set(ALLOW_LIST)) and bool(shared) and any("PSS" in name for name in rsa)
    if not rsa:
        return False
    smallest, largest = offer.dh_bits
    for name in ALLOW_LIST:
        if name in offer.suites and "_WITH_" in name and (shared or name.startswith("TLS_DHE_")):
            refused = smallest > DH_BITS or (largest is not None and largest < DH_BITS)
            return not (name.startswith("TLS_DHE_") and refused)
    return False
