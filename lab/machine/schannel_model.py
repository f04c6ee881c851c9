# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulated Schannel client really offers: from registry, release and behaviours to suites, versions and curves.

One half of the handshake oracle, written from the documentation of Windows and sharing no logic with the product.
Only the tables of suites and releases are common. What the documentation leaves open is decided by ``Behaviours``.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.lab.machine.behaviours import Behaviours
from ansible_collections.fleetops.tetra.lab.machine.registry import (
    DWORD,
    EXPAND_SZ,
    MULTI_SZ,
    SZ,
    Registry,
    Value,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import IDS
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import Release

POLICY_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Cryptography\Configuration\SSL\00010002"
LOCAL_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Cryptography\Configuration\Local\SSL\00010002"
SCHANNEL_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL"
SIGNATURE_KEY = LOCAL_KEY[:-8] + "00010003"
FIPS_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Lsa\FipsAlgorithmPolicy"
WINHTTP_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\WinHttp"
MDM_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\PolicyManager\current\device\Cryptography"
TLS_1_2, TLS_1_3 = 771, 772
_ALL_ON = 0xFFFFFFFF
_POLICY_LIMIT = 1023
_SUFFIXES = {"_P256": "NistP256", "_P384": "NistP384", "_P521": "NistP521"}
_KNOWN_CURVES = {"curve25519", "nistp256", "nistp384", "nistp521"}
_FIPS_REFUSES = ("_RC4_", "_MD5", "_NULL_", "_DES_", "_CHACHA20_")


@dataclass(frozen=True)
class ConfiguredLists:
    """The two orders as configured at one moment; ``None`` where the release's own order counts."""

    suites: tuple[str, ...]
    from_policy: bool
    curves: tuple[str, ...]


@dataclass(frozen=True)
class Offer:
    """The Client Hello that Schannel sends, and the limits it holds a server to.

    ``suites``: plain IANA names in order. ``versions``: 771 and/or 772. ``curves``: Windows names in order.
    ``dh_bits``, ``rsa_bits``: smallest and largest key accepted from a server, ``None`` for no maximum.
    """

    suites: tuple[str, ...] = ()
    versions: tuple[int, ...] = ()
    curves: tuple[str, ...] = ()
    dh_bits: tuple[int, int | None] = (1024, None)
    rsa_bits: tuple[int, int | None] = (1024, None)
    sha256_signatures: bool = True
    """Whether a certificate or key exchange signed with SHA256 is accepted."""
    signatures: tuple[str, ...] = ()
    """Signature algorithms as CNG names them, in order."""


@dataclass(frozen=True)
class Configuration:
    """What decides an offer."""

    release: Release
    registry: Registry
    behaviours: Behaviours = field(default_factory=Behaviours)


def configured_lists(configuration: Configuration) -> ConfiguredLists:
    """The suite and curve orders that the registry asks for now; at boot they become the ones in force."""
    policy = _policy_names(configuration)
    suites = policy if policy is not None else _local_names(configuration)
    return ConfiguredLists(tuple(suites), policy is not None, _curve_names(configuration))


def offer(configuration: Configuration, in_force: ConfiguredLists) -> Offer:
    """The offer of a program that starts now. Orders are those in force, the switches are read at once."""
    switches = _Switches(configuration)
    versions = tuple(v for v in (TLS_1_2, TLS_1_3) if switches.version_on(v))
    curves = tuple(name for name in in_force.curves if not (switches.fips and name.lower() == "curve25519"))
    suites: list[str] = []
    names = in_force.suites
    if configuration.behaviours["policy_duplicates"] == "last_counts":
        names = tuple(dict.fromkeys(reversed(names)))[::-1]
    for name in names:
        found = resolve(name, configuration)
        if found is None or found[0] in suites or name in configuration.release.explicit_only:
            continue
        plain, curve = found
        if curve is not None and configuration.release.suffixed and curve.lower() not in map(str.lower, curves):
            continue
        if switches.suite_on(plain, versions, bool(curves)):
            suites.append(plain)
    used = tuple(v for v in versions if any((v == TLS_1_3) == is_tls13(name) for name in suites))
    return Offer(
        tuple(suites),
        used,
        curves,
        switches.key_bits("Diffie-Hellman"),
        switches.key_bits("PKCS"),
        switches.accepts_sha256_signatures(),
        signature_names(configuration),
    )


def default_signatures(release: Release) -> tuple[str, ...]:
    """As captured from Server 2016 and 2022; older ones by KB2973337."""
    names = "RSA/SHA256 RSA/SHA384 RSA/SHA1 ECDSA/SHA256 ECDSA/SHA384 ECDSA/SHA1 DSA/SHA1 RSA/SHA512 ECDSA/SHA512"
    pss = "RSAE-PSS/SHA256 RSAE-PSS/SHA384 RSAE-PSS/SHA512 " if max(release.builds) >= 17763 else ""
    return tuple((pss + names).split())


def signature_names(configuration: Configuration) -> tuple[str, ...]:
    value = configuration.registry.get(SIGNATURE_KEY, "Functions")
    default = default_signatures(configuration.release)
    ignored = configuration.behaviours["signature_list"] == "ignored" and not configuration.release.suffixed
    if value is None or value.type != MULTI_SZ or ignored:
        return default
    known = (*default, "RSAE-PSS/SHA256", "RSAE-PSS/SHA384", "RSAE-PSS/SHA512")
    return tuple(name for name in value.data if name in known)


def is_tls13(name: str) -> bool:
    return name.startswith(("TLS_AES_", "TLS_CHACHA20_"))


def resolve(name: str, configuration: Configuration) -> tuple[str, str | None] | None:
    """(plain name, curve of the suffix or ``None``) of a configured name that the release can use, else ``None``."""
    if configuration.behaviours["policy_name_case"] == "ignored":
        name = name.upper()
    release = configuration.release
    plain, curve = split_suffix(name)
    if name in release.supported:
        return plain, curve
    offered = configuration.behaviours["suffixed_names_on_10"] == "offered"
    if curve and not release.suffixed and plain in release.supported and offered:
        return plain, curve
    return None


def split_suffix(name: str) -> tuple[str, str | None]:
    return (name[:-5], _SUFFIXES[name[-5:]]) if name[-5:] in _SUFFIXES else (name, None)


def number_of(plain: str) -> int:
    """The id of a plain name, 0 for one that nobody knows."""
    return IDS.get(plain, 0)


def _policy_names(configuration: Configuration) -> list[str] | None:
    """The names of the policy list, ``None`` where no policy counts."""
    behaviours = configuration.behaviours
    value = configuration.registry.get(POLICY_KEY, "Functions")
    if value is None:
        return None
    if value.type == MULTI_SZ:
        return list(value.data) if behaviours["policy_multi_sz"] == "used" else None
    if value.type not in (SZ, EXPAND_SZ) or (value.type == EXPAND_SZ and behaviours["policy_expand_sz"] == "ignored"):
        return None
    text: str = value.data
    if not text.strip():
        return [] if behaviours["policy_empty"] == "no_suites" else None
    if len(text) > _POLICY_LIMIT and behaviours["policy_over_1023"] == "truncated":
        text = text[:_POLICY_LIMIT]
    names = text.split(",")
    if behaviours["policy_spaces"] == "trimmed":
        names = [name.strip() for name in names]
    if names[-1] == "":
        if behaviours["policy_trailing_comma"] == "list_ignored":
            return None
        names = names[:-1]
    return names


def _local_names(configuration: Configuration) -> t.Sequence[str]:
    value = configuration.registry.get(LOCAL_KEY, "Functions")
    return value.data if value is not None and value.type == MULTI_SZ else configuration.release.local_list


def _curve_names(configuration: Configuration) -> tuple[str, ...]:
    release, behaviours = configuration.release, configuration.behaviours
    if release.suffixed:
        return (*release.curves, "NistP521")
    for key in (POLICY_KEY, LOCAL_KEY):
        value = configuration.registry.get(key, "EccCurves")
        if (
            value is None
            or value.type != MULTI_SZ
            or (key == LOCAL_KEY and behaviours["curves_local_value"] == "ignored")
        ):
            continue
        names = tuple(name for name in value.data if name.lower() in _KNOWN_CURVES)
        if not value.data and behaviours["curves_empty"] == "defaults":
            continue
        return names
    return release.curves


class _Switches:
    """The values below SCHANNEL, read once."""

    def __init__(self, configuration: Configuration) -> None:
        self._registry = configuration.registry
        self._release = configuration.release
        self._behaviours = configuration.behaviours
        fips = configuration.registry.get(FIPS_KEY, "Enabled")
        self.fips = fips is not None and fips.type == DWORD and fips.data != 0

    def _number(self, key: str, name: str) -> int | None:
        value: Value | None = self._registry.get(f"{SCHANNEL_KEY}\\{key}", name)
        return int(value.data) if value is not None and value.type == DWORD else None

    def version_on(self, version: int) -> bool:
        release = self._release
        default = release.tls12_client if version == TLS_1_2 else release.tls13_client
        if default == "unsupported":
            return False
        if version == TLS_1_2 and (self._minimum_is_tls13() or self._left_out_by_winhttp()):
            return False
        key = f"Protocols\\TLS 1.{version - 769}\\Client"
        enabled, by_default = self._number(key, "Enabled"), self._number(key, "DisabledByDefault")
        if enabled == 0:
            return False
        hidden = default == "disabled_by_default" if by_default is None else by_default != 0
        return not hidden or self._behaviours["disabled_by_default_client"] == "on"

    def _left_out_by_winhttp(self) -> bool:
        if self._behaviours["winhttp_defaults"] == "not_taken":
            return False
        value = self._registry.get(WINHTTP_KEY, "DefaultSecureProtocols")
        if value is None:
            return self._release.key in ("7_2008r2", "8_2012")
        return value.type != DWORD or not int(value.data) & 0x800

    def _minimum_is_tls13(self) -> bool:
        """An MDM raised the lowest version, if that is where and how Windows keeps it."""
        found = (self._registry.get(key, "OverrideMinimumEnabledTLSVersionClient") for key in (MDM_KEY, POLICY_KEY))
        raised = any(value is not None and str(value.data).endswith(("1.3", "772")) for value in found)
        return raised and self._behaviours["mdm_minimum_tls"] == "counts"

    def _algorithm_on(self, key: str) -> bool:
        enabled = self._number(key, "Enabled")
        if enabled is None or enabled == _ALL_ON:
            return True
        return enabled != 0 and self._behaviours["enabled_one_for_algorithms"] == "enabled"

    def suite_on(self, name: str, versions: t.Collection[int], has_curve: bool) -> bool:
        modern = is_tls13(name)
        if (TLS_1_3 if modern else TLS_1_2) not in versions:
            return False
        if self.fips and any(part in f"{name}_" for part in _FIPS_REFUSES):
            return False
        if modern and self._behaviours["hash_switch_for_tls13"] == "no":
            keys = []
        else:
            keys = [f"Ciphers\\{_cipher_key(name)}", f"Hashes\\{_hash_key(name)}"]
        keys += [f"KeyExchangeAlgorithms\\{part}" for part in self._exchanges(name)]
        if not all(self._algorithm_on(key) for key in keys):
            return False
        return has_curve or not (modern or name.startswith("TLS_ECDHE_"))

    def _exchanges(self, name: str) -> list[str]:
        if is_tls13(name):
            return ["ECDH"] if self._behaviours["tls13_needs_ecdh"] == "yes" else []
        found = []
        if name.startswith("TLS_ECDHE_"):
            found.append("ECDH")
        elif name.startswith("TLS_DHE_"):
            found.append("Diffie-Hellman")
        elif name.startswith("TLS_RSA_"):
            found.append("PKCS")
        signs_with_rsa = name.startswith(("TLS_ECDHE_RSA_", "TLS_DHE_RSA_"))
        if signs_with_rsa and self._behaviours["pkcs_off_kills_ecdhe_rsa"] == "yes":
            found.append("PKCS")
        return found

    def accepts_sha256_signatures(self) -> bool:
        return self._behaviours["hash_off_and_signatures"] == "accepted" or self._algorithm_on("Hashes\\SHA256")

    def key_bits(self, exchange: str) -> tuple[int, int | None]:
        key = f"KeyExchangeAlgorithms\\{exchange}"
        smallest = self._number(key, "ClientMinKeyBitLength")
        return 1024 if smallest is None else smallest, self._number(key, "ClientMaxKeyBitLength")


def _cipher_key(name: str) -> str:
    for part, key in (
        ("_AES_128_", "AES 128/128"),
        ("_AES_256_", "AES 256/256"),
        ("_3DES_", "Triple DES 168"),
        ("_RC4_128_", "RC4 128/128"),
        ("_DES_", "DES 56/56"),
        ("_NULL_", "NULL"),
    ):
        if part in name:
            return key
    return "none"  # no switch is known for the others; a key of that name never exists


def _hash_key(name: str) -> str:
    last = name.rpartition("_")[2]
    return last if last in ("MD5", "SHA", "SHA256", "SHA384") else "none"
