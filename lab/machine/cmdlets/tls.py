# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-TlsCipherSuite and Get-TlsEccCurve.

Both read the configuration. A name that the release cannot resolve is shown as it was configured, with id 0.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, output
from ansible_collections.fleetops.tetra.lab.machine.objects import PSObj, UInt
from ansible_collections.fleetops.tetra.lab.machine.schannel_model import (
    ConfiguredLists,
    configured_lists,
    is_tls13,
    number_of,
    split_suffix,
)
from ansible_collections.fleetops.tetra.lab.machine.sessions import SessionConfiguration
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState
from ansible_collections.fleetops.tetra.lab.pipeline import Event

SUITE_TYPE = "Microsoft.WindowsAuthenticationProtocols.Commands.TlsCipherSuite"
LIST_TYPE = (
    f"System.Collections.Generic.List`1[[{SUITE_TYPE}, Microsoft.WindowsAuthenticationProtocols.Commands, "
    "Version=10.0.0.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35]]"
)
NUMBERS_TYPE = (
    "System.Collections.Generic.List`1[[System.UInt32, mscorlib, Version=4.0.0.0, Culture=neutral, "
    "PublicKeyToken=b77a5c561934e089]]"
)
STRINGS_TYPE = (
    "System.Collections.Generic.List`1[[System.String, mscorlib, Version=4.0.0.0, Culture=neutral, "
    "PublicKeyToken=b77a5c561934e089]]"
)
_TLS_1_0, _TLS_1_1, _TLS_1_2, _TLS_1_3, _DTLS_1_0, _DTLS_1_2 = 769, 770, 771, 772, 65279, 65277
_BLOCKS = {"AES": 16, "3DES": 8, "DES": 8, "RC4": 1, "NULL": 1, "CHACHA20_POLY1305": 1}
_HASH_BITS = {"MD5": 128, "SHA": 160, "SHA256": 256, "SHA384": 384}


def shown_lists(state: WindowsState) -> ConfiguredLists:
    """The orders that the cmdlets show."""
    configured = configured_lists(state.configuration)
    policy_in_play = configured.from_policy or state.in_force.from_policy
    if policy_in_play and state.behaviours["cmdlet_shows_policy"] == "after_reboot":
        return state.in_force
    return configured


def suite_object(name: str, state: WindowsState) -> PSObj:
    """One TlsCipherSuite."""
    plain, suffix = split_suffix(name)
    release = state.release
    resolved = name in release.supported and not (suffix and not release.suffixed)
    if is_tls13(name) and release.tls13_client == "unsupported":
        resolved = state.behaviours["cmdlet_tls13_before_windows_11"] == "resolved" and number_of(name) != 0
    if not resolved:
        return _suite(name, 0, 0, None, None, 0, None, 0, 0, 0, None, ())
    number = number_of(plain)
    exchange, certificate = _exchange(plain)
    cipher, bits = _cipher(plain)
    gcm = "_GCM_" in plain or "POLY1305" in plain
    digest = "" if gcm else plain.rpartition("_")[2]
    largest = 65536 if exchange in ("ECDH", "") else 16384 if exchange == "RSA" else 4096
    return _suite(
        name,
        number,
        largest,
        certificate,
        exchange,
        0 if gcm else _HASH_BITS.get(digest, 0),
        digest,
        _BLOCKS.get(cipher, 1),
        bits,
        0,
        cipher,
        _protocols(plain),
    )


def _suite(
    name: str,
    number: int,
    largest: int,
    certificate: str | None,
    exchange: str | None,
    hash_bits: int,
    digest: str | None,
    block: int,
    bits: int,
    smallest: int,
    cipher: str | None,
    protocols: t.Sequence[int],
) -> PSObj:
    properties: dict[str, t.Any] = {
        "KeyType": UInt(0),
        "Certificate": certificate,
        "MaximumExchangeLength": UInt(largest),
        "MinimumExchangeLength": UInt(smallest),
        "Exchange": exchange,
        "HashLength": UInt(hash_bits),
        "Hash": digest,
        "CipherBlockLength": UInt(block),
        "CipherLength": UInt(bits),
        "BaseCipherSuite": UInt(number),
        "CipherSuite": UInt(number),
        "Cipher": cipher,
        "Name": name,
        "Protocols": PSObj((NUMBERS_TYPE, "System.Object"), base=[UInt(version) for version in protocols]),
    }
    return PSObj((SUITE_TYPE, "System.Object"), props=properties, text=SUITE_TYPE)


def _exchange(plain: str) -> tuple[str, str]:
    """(Exchange, Certificate); empty for TLS 1.3 suites."""
    head = plain.partition("_WITH_")[0] if "_WITH_" in plain else ""
    return {
        "TLS_ECDHE_RSA": ("ECDH", "RSA"),
        "TLS_ECDHE_ECDSA": ("ECDH", "ECDSA"),
        "TLS_DHE_RSA": ("DH", "RSA"),
        "TLS_DHE_DSS": ("DH", "DSA"),
        "TLS_RSA": ("RSA", "RSA"),
        "TLS_PSK": ("PSK", ""),
    }.get(head, ("", ""))


def _cipher(plain: str) -> tuple[str, int]:
    for part, found in (
        ("AES_256", ("AES", 256)),
        ("AES_128", ("AES", 128)),
        ("3DES_EDE", ("3DES", 168)),
        ("RC4_128", ("RC4", 128)),
        ("CHACHA20_POLY1305", ("CHACHA20_POLY1305", 256)),
        ("NULL", ("NULL", 0)),
        ("DES_CBC", ("DES", 56)),
    ):
        if part in plain:
            return found
    return "", 0


def _protocols(plain: str) -> tuple[int, ...]:
    if is_tls13(plain):
        return (_TLS_1_3,)
    if plain.endswith(("_SHA256", "_SHA384")):
        return (_TLS_1_2, _DTLS_1_2)
    return (_TLS_1_0, _TLS_1_1, _TLS_1_2, _DTLS_1_0, _DTLS_1_2)


def _get_suites(call: Call) -> t.Iterator[Event]:
    wanted = call.text("Name")
    names = [name for name in shown_lists(call.state).suites if wanted in name]
    suites = [suite_object(name, call.state) for name in names]
    if call.session.core and call.state.behaviours["tls_module_on_powershell_7"] == "deserialized":
        # Windows compatibility: the module runs in Windows PowerShell and its objects come through remoting.
        for suite in suites:
            suite.types = tuple(f"Deserialized.{name}" for name in suite.types)
        yield output(PSObj((f"Deserialized.{LIST_TYPE}", "Deserialized.System.Object"), base=suites))
        return
    yield output(PSObj((LIST_TYPE, "System.Object"), base=suites))


def _get_curves(call: Call) -> t.Iterator[Event]:
    wanted = call.text("Name")
    names = [name for name in shown_lists(call.state).curves if wanted in name]
    yield output(PSObj((STRINGS_TYPE, "System.Object"), base=names))


def _available(state: WindowsState, session: SessionConfiguration) -> bool:
    missing_on_core = session.core and state.behaviours["tls_module_on_powershell_7"] == "missing"
    return state.release.has_cmdlets and not missing_on_core


CMDLETS = (
    Cmdlet(
        "Get-TlsCipherSuite",
        "TLS",
        "Microsoft.WindowsAuthenticationProtocols.Commands.GetTlsCipherSuite",
        {"Name": Parameter(position=0)},
        _get_suites,
        available=_available,
    ),
    Cmdlet(
        "Get-TlsEccCurve",
        "TLS",
        "Microsoft.WindowsAuthenticationProtocols.Commands.GetTlsEccCurve",
        {"Name": Parameter(position=0)},
        _get_curves,
        available=_available,
    ),
)
