# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The facts document ``fleetops.tetra/facts/1``: names, and the builders of its parts.

The shape is laid down in ``docs/documents.md``. A fact is stored as it was found; nothing is judged here.
"""

from __future__ import annotations

import typing as t

SCHEMA = "fleetops.tetra/facts/1"

OK = "ok"
ABSENT = "absent"
DENIED = "denied"
UNSUPPORTED = "unsupported"
ERROR = "error"
NOT_READ = "not_read"
STATUSES = (OK, ABSENT, DENIED, UNSUPPORTED, ERROR, NOT_READ)

SOURCES = ("live", "image")

SECTIONS = (
    "os",
    "cipher_suites",
    "local_order",
    "policy_order",
    "curves",
    "schannel",
    "fips",
    "policy_origin",
    "reboot",
    "connector",
    "proxy",
    "probe",
    "psrp",
)

REGISTRY_TYPE_NAMES: t.Final[dict[int, str]] = {
    0: "REG_NONE",
    1: "REG_SZ",
    2: "REG_EXPAND_SZ",
    3: "REG_BINARY",
    4: "REG_DWORD",
    7: "REG_MULTI_SZ",
    11: "REG_QWORD",
}
"""The numbers of the registry (winnt.h) for the types that a facts document knows by name."""

# Where the values lie. Paths are written with the hive in full, as the documents do.
POLICY_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Cryptography\Configuration\SSL\00010002"
LOCAL_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Cryptography\Configuration\Local\SSL\00010002"
SUITES_VALUE = "Functions"
CURVES_VALUE = "EccCurves"
SCHANNEL_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL"
WINHTTP_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\WinHttp"
WINHTTP_VALUE = "DefaultSecureProtocols"
FIPS_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Lsa\FipsAlgorithmPolicy"
FIPS_VALUE = "Enabled"
MDM_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\PolicyManager\current\device\Cryptography"
MINIMUM_TLS_VALUE = "OverrideMinimumEnabledTLSVersionClient"
"""Lowest TLS version for clients, set by an MDM (Policy CSP Cryptography, Windows 11 24H2 and later). Where Windows
keeps it is not documented: the mirror of the MDM policies and the key of the SSL policy are asked for it."""
MDM_VALUES = ("TLSCipherSuites", MINIMUM_TLS_VALUE)
MDM_PLACES = (*((MDM_KEY, name) for name in MDM_VALUES), (POLICY_KEY, MINIMUM_TLS_VALUE))
"""Key and name of every value of the section ``policy_origin.mdm``."""
MDM_CONFLICT_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\PolicyManager\current\device\ControlPolicyConflict"
MDM_CONFLICT_VALUE = "MDMWinsOverGP"
LGPO_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\System"
LGPO_VALUE = "DisableLGPOProcessing"
OUR_KEY: t.Final = r"HKEY_LOCAL_MACHINE\SOFTWARE\fleetops.tetra"
"""Where a cure leaves the time of its change until the change is proven."""
CHANGED_AT: t.Final = "ChangedAt"
"""UTC by the endpoint's own clock, ``YYYY-MM-DDTHH:MM:SSZ``."""

SCHANNEL_KEYS = (
    "Protocols\\TLS 1.2\\Client",
    "Protocols\\TLS 1.3\\Client",
    "Ciphers\\AES 128/128",
    "Ciphers\\AES 256/256",
    "Ciphers\\Triple DES 168",
    "Hashes\\SHA",
    "Hashes\\SHA256",
    "Hashes\\SHA384",
    "KeyExchangeAlgorithms\\Diffie-Hellman",
    "KeyExchangeAlgorithms\\ECDH",
    "KeyExchangeAlgorithms\\PKCS",
)
"""Keys below ``SCHANNEL_KEY`` that the section ``schannel`` always names."""
SCHANNEL_VALUES = ("Enabled", "DisabledByDefault", "ClientMinKeyBitLength", "ClientMaxKeyBitLength")
"""The values of these keys that Windows' TLS client goes by; whatever else lies there is not asked for."""

Facts = dict[str, t.Any]
"""A facts document; plain JSON."""


def section(status: str, reason: str | None = None, **values: t.Any) -> dict[str, t.Any]:
    """One section: ``status``, ``reason`` and its values."""
    return {"status": status, "reason": reason, **values}


def registry_value(
    path: str,
    name: str,
    status: str = OK,
    reason: str | None = None,
    type: str | None = None,
    data: t.Any = None,
) -> dict[str, t.Any]:
    """One registry value. ``path`` carries the hive in full; ``data`` is as stored (str, [str], int, hex)."""
    return {"status": status, "reason": reason, "path": path, "name": name, "type": type, "data": data}


def registry_key(
    path: str,
    status: str = OK,
    reason: str | None = None,
    values: dict[str, dict[str, t.Any]] | None = None,
) -> dict[str, t.Any]:
    """One registry key with all its values: ``values`` is ``{NAME: {type, data}}``."""
    return {"status": status, "reason": reason, "path": path, "values": values if values is not None else {}}


def schannel_path(key: str) -> str:
    """The full path of one of ``SCHANNEL_KEYS``."""
    return f"{SCHANNEL_KEY}\\{key}"


def empty_facts(host: str, source: str = "live", collected_at: str | None = None) -> Facts:
    """A facts document in which nothing was read. Readers fill in what they know and leave the rest.

    ``collected_at`` is UTC, ``YYYY-MM-DDTHH:MM:SSZ``.
    """
    facts: Facts = {"schema": SCHEMA, "host": host, "collected_at": collected_at, "source": source}
    for name in SECTIONS:
        facts[name] = empty_section(name)
    return facts


def empty_section(name: str, status: str = NOT_READ, reason: str | None = "Not asked.") -> dict[str, t.Any]:
    """The section ``name`` with the given status and every value in place, all of them unknown."""

    def value(path: str, value_name: str) -> dict[str, t.Any]:
        return registry_value(path, value_name, status, reason)

    def part(**values: t.Any) -> dict[str, t.Any]:
        return section(status, reason, **values)

    if name == "os":
        return part(
            product=None,
            build=None,
            ubr=None,
            edition=None,
            display_version=None,
            kind=None,
            computer_name=None,
            architecture=None,
        )
    if name == "cipher_suites":
        return part(suites=[])
    if name == "local_order":
        return value(LOCAL_KEY, SUITES_VALUE)
    if name == "policy_order":
        return value(POLICY_KEY, SUITES_VALUE)
    if name == "curves":
        return part(policy=value(POLICY_KEY, CURVES_VALUE), local=value(LOCAL_KEY, CURVES_VALUE), cmdlet=part(names=[]))
    if name == "schannel":
        keys = {key: registry_key(schannel_path(key), status, reason) for key in SCHANNEL_KEYS}
        return part(keys=keys, winhttp_default_secure_protocols=value(WINHTTP_KEY, WINHTTP_VALUE))
    if name == "fips":
        return part(enabled=None, value=value(FIPS_KEY, FIPS_VALUE))
    if name == "policy_origin":
        return part(
            rsop=part(rows=[], gpos=[]),
            local_gpo=part(path=None, modified=None, size=None, entries=[], entry_count=0),
            mdm=part(
                values=[value(key, item) for key, item in MDM_PLACES],
                mdm_wins_over_gp=value(MDM_CONFLICT_KEY, MDM_CONFLICT_VALUE),
            ),
            archive=part(path=None, modified=None),
            lgpo_processing_disabled=value(LGPO_KEY, LGPO_VALUE),
        )
    if name == "reboot":
        return part(
            last_boot=None,
            pending={"component_based_servicing": None, "windows_update": None, "file_rename": None},
            changed_by_us=None,
        )
    if name == "connector":
        return part(
            version=None,
            install_dir=None,
            folder=None,
            service=part(name=None, state=None, start_mode=None),
            tetra=part(enabled=None, update_server=None),
            definitions=part(version=None),
            last_update=part(result=None, code=None, time=None, line=None),
        )
    if name == "proxy":
        return part(winhttp=part(server=None, bypass=None), policy=part(server=None, port=None, type=None))
    if name == "probe":
        return part(host=None, via_proxy=None, exit_code=None, outcome=None, detail=None)
    if name == "psrp":
        return part(
            configuration_name=None,
            powershell_version=None,
            edition=None,
            process_bits=None,
            language_mode=None,
            administrator=None,
        )
    raise KeyError(name)
