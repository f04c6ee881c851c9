# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What a task may want of Schannel's switches for clients, checked before any endpoint is looked at.

The names are those of the keys below SCHANNEL (schema of the DSC module SChannelDsc, Microsoft's page on the registry
settings of TLS). What is wanted comes down to single registry values.
"""

from __future__ import annotations

import collections.abc as c
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import State
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.steps import (
    ALGORITHM_ON,
    PROTOCOL_ON,
    nothing,
    present,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_change import WantedError

ENABLED, DISABLED, DISABLED_BY_DEFAULT, DEFAULT = "enabled", "disabled", "disabled_by_default", "default"
_ALGORITHM_STATES: dict[str, State] = {
    ENABLED: present("REG_DWORD", ALGORITHM_ON),
    DISABLED: present("REG_DWORD", 0),
    DEFAULT: nothing(),
}
_PROTOCOL_STATES: dict[str, dict[str, State]] = {
    ENABLED: {"Enabled": present("REG_DWORD", PROTOCOL_ON), "DisabledByDefault": present("REG_DWORD", 0)},
    DISABLED: {"Enabled": present("REG_DWORD", 0), "DisabledByDefault": present("REG_DWORD", 1)},
    DISABLED_BY_DEFAULT: {"Enabled": present("REG_DWORD", PROTOCOL_ON), "DisabledByDefault": present("REG_DWORD", 1)},
    DEFAULT: {"Enabled": nothing(), "DisabledByDefault": nothing()},
}
_NAMES: dict[str, tuple[str, ...]] = {
    "protocols": ("SSL 2.0", "SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3", "DTLS 1.0", "DTLS 1.2"),
    "ciphers": (
        "AES 128/128",
        "AES 256/256",
        "DES 56/56",
        "NULL",
        "RC2 40/128",
        "RC2 56/128",
        "RC2 128/128",
        "RC4 40/128",
        "RC4 56/128",
        "RC4 64/128",
        "RC4 128/128",
        "Triple DES 168",
    ),
    "hashes": ("MD5", "SHA", "SHA256", "SHA384", "SHA512"),
    "key_exchanges": ("Diffie-Hellman", "ECDH", "PKCS"),
    "key_lengths": ("Diffie-Hellman", "PKCS"),
}
_KEYS = {
    "protocols": "Protocols\\{}\\Client",
    "ciphers": "Ciphers\\{}",
    "hashes": "Hashes\\{}",
    "key_exchanges": "KeyExchangeAlgorithms\\{}",
    "key_lengths": "KeyExchangeAlgorithms\\{}",
}
_LENGTHS = {"min": "ClientMinKeyBitLength", "max": "ClientMaxKeyBitLength"}
_SHORTEST, _LONGEST = 512, 16384


@dataclass(frozen=True)
class WantedValue:
    """One value; ``key`` is relative to SCHANNEL."""

    key: str
    name: str
    state: State


@dataclass(frozen=True)
class SwitchOptions:
    values: tuple[WantedValue, ...]
    force: bool = False
    """Lets a change pass after which the endpoint does not reach the Tetra servers any more, and one after which the
    listener has only suites of which nobody knows whether they work."""


def parse_switch_options(options: c.Mapping[str, t.Any]) -> SwitchOptions:
    """Raises WantedError. Options that are None count as not given."""
    given = {name: value for name, value in options.items() if value is not None}
    unheard_of = sorted(set(given) - {*_NAMES, "force"})
    if unheard_of:
        raise WantedError(f"There is no group of switches '{unheard_of[0]}'; there are {', '.join(_NAMES)}.")
    force = given.get("force", False)
    if not isinstance(force, bool):
        raise WantedError("force is true or false.")
    values = tuple(value for group in _NAMES for value in _group(group, given.get(group, {})))
    if not values:
        raise WantedError("Nothing is wanted: name a switch and its state.")
    return SwitchOptions(values, force)


def _group(group: str, wanted: t.Any) -> list[WantedValue]:
    if not isinstance(wanted, c.Mapping):
        raise WantedError(f"{group} is a mapping of names to states.")
    values: list[WantedValue] = []
    for given, state in wanted.items():
        # A key NULL without quotes is nothing at all to YAML.
        spelled = "NULL" if given is None else str(given).strip()
        name = next((known for known in _NAMES[group] if known.lower() == spelled.lower()), None)
        if name is None:
            raise WantedError(f"{group} names '{str(given)[:80]}'; it may name {', '.join(_NAMES[group])}.")
        key = _KEYS[group].format(name)
        values.extend(WantedValue(key, value, state_) for value, state_ in _states(group, name, state).items())
    twice = next((one for number, one in enumerate(values) if _place(one) in map(_place, values[:number])), None)
    if twice is not None:
        raise WantedError(f"{group} names {twice.key} twice.")
    return values


def _place(value: WantedValue) -> tuple[str, str]:
    return value.key, value.name


def _states(group: str, name: str, state: t.Any) -> dict[str, State]:
    if group == "key_lengths":
        return _lengths(name, state)
    known: c.Mapping[str, t.Any] = _PROTOCOL_STATES if group == "protocols" else _ALGORITHM_STATES
    if not isinstance(state, str) or state not in known:
        raise WantedError(f"{name} of {group} is one of {', '.join(known)}, not '{str(state)[:80]}'.")
    return _PROTOCOL_STATES[state] if group == "protocols" else {"Enabled": _ALGORITHM_STATES[state]}


def _lengths(name: str, wanted: t.Any) -> dict[str, State]:
    if not isinstance(wanted, c.Mapping) or not wanted or set(wanted) - set(_LENGTHS):
        raise WantedError(f"key_lengths of {name} is a mapping with min, max or both.")
    states = {_LENGTHS[side]: _length(name, side, bits) for side, bits in wanted.items() if bits is not None}
    shortest, longest = (states.get(value, nothing())["data"] for value in _LENGTHS.values())
    if isinstance(shortest, int) and isinstance(longest, int) and shortest > longest:
        raise WantedError(f"key_lengths of {name} has a min of {shortest} above its max of {longest}.")
    return states


def _length(name: str, side: str, bits: t.Any) -> State:
    if bits == DEFAULT:
        return nothing()
    number = int(bits) if isinstance(bits, str) and bits.isascii() and bits.isdigit() else bits
    if isinstance(number, bool) or not isinstance(number, int) or not _SHORTEST <= number <= _LONGEST:
        raise WantedError(
            f"{side} of {name} is a number of bits from {_SHORTEST} to {_LONGEST}, or default, not '{str(bits)[:80]}'."
        )
    # A number that Ansible has tagged with its origin is no plain one, and does not go over the wire.
    return present("REG_DWORD", int(number))
