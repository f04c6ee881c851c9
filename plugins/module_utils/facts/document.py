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

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import (
    Facts,
    RegistryData,
    RegistryKey,
    RegistryType,
    RegistryValue,
    Section,
    SectionName,
    Source,
    Status,
    ValueOfKey,
)

SCHEMA: t.Final = "fleetops.tetra/facts/1"

OK: t.Final = "ok"
ABSENT: t.Final = "absent"
DENIED: t.Final = "denied"
UNSUPPORTED: t.Final = "unsupported"
ERROR: t.Final = "error"
NOT_READ: t.Final = "not_read"
STATUSES: tuple[Status, ...] = (OK, ABSENT, DENIED, UNSUPPORTED, ERROR, NOT_READ)

SOURCES: tuple[Source, ...] = ("live", "image")

SECTIONS: tuple[SectionName, ...] = (
    "os",
    "cipher_suites",
    "local_order",
    "policy_order",
    "curves",
    "signature_algorithms",
    "schannel",
    "fips",
    "policy_origin",
    "reboot",
    "connector",
    "proxy",
    "probe",
    "psrp",
)

REGISTRY_TYPE_NAMES: t.Final[dict[int, RegistryType]] = {
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
SIGNATURE_LOCAL_KEY = (
    r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Cryptography\Configuration\Local\SSL\00010003"
)
SIGNATURE_POLICY_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Cryptography\Configuration\SSL\00010003"
"""NCRYPT_SCHANNEL_SIGNATURE_INTERFACE; both hold the value ``Functions``."""
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


@t.overload
def section(status: Status, reason: str | None = None) -> Section: ...


@t.overload
def section(status: Status, reason: str | None = None, **values: t.Any) -> dict[str, t.Any]: ...


def section(status: Status, reason: str | None = None, **values: t.Any) -> t.Any:
    """``status`` and ``reason``, with which every section begins: ``{**section(OK), "names": [...]}``.

    With values it is a plain mapping of no type, as tests build it.
    """
    return {"status": status, "reason": reason, **values}


def registry_value(
    path: str,
    name: str,
    status: Status = OK,
    reason: str | None = None,
    type: RegistryType | None = None,
    data: RegistryData = None,
) -> RegistryValue:
    """One registry value. ``path`` carries the hive in full; ``data`` is as stored (str, [str], int, hex)."""
    return {"status": status, "reason": reason, "path": path, "name": name, "type": type, "data": data}


def registry_key(
    path: str,
    status: Status = OK,
    reason: str | None = None,
    values: dict[str, ValueOfKey] | None = None,
) -> RegistryKey:
    """One registry key with all its values: ``values`` is ``{NAME: {type, data}}``."""
    return {"status": status, "reason": reason, "path": path, "values": values if values is not None else {}}


def schannel_path(key: str) -> str:
    """The full path of one of ``SCHANNEL_KEYS``."""
    return f"{SCHANNEL_KEY}\\{key}"


def empty_facts(
    host: str,
    source: Source = "live",
    collected_at: str | None = None,
    status: Status = NOT_READ,
    reason: str | None = "Not asked.",
) -> Facts:
    """A facts document in which nothing was read. Readers fill in what they know and leave the rest.

    ``collected_at`` is UTC, ``YYYY-MM-DDTHH:MM:SSZ``. ``status`` and ``reason`` are those of every section and value.
    """

    def value(path: str, value_name: str) -> RegistryValue:
        return registry_value(path, value_name, status, reason)

    return {
        "schema": SCHEMA,
        "host": host,
        "collected_at": collected_at,
        "source": source,
        "os": {
            "status": status,
            "reason": reason,
            "product": None,
            "build": None,
            "ubr": None,
            "edition": None,
            "display_version": None,
            "kind": None,
            "computer_name": None,
            "architecture": None,
        },
        "cipher_suites": {"status": status, "reason": reason, "suites": []},
        "local_order": value(LOCAL_KEY, SUITES_VALUE),
        "policy_order": value(POLICY_KEY, SUITES_VALUE),
        "curves": {
            "status": status,
            "reason": reason,
            "policy": value(POLICY_KEY, CURVES_VALUE),
            "local": value(LOCAL_KEY, CURVES_VALUE),
            "cmdlet": {"status": status, "reason": reason, "names": []},
        },
        "signature_algorithms": {
            "status": status,
            "reason": reason,
            "policy": value(SIGNATURE_POLICY_KEY, SUITES_VALUE),
            "local": value(SIGNATURE_LOCAL_KEY, SUITES_VALUE),
        },
        "schannel": {
            "status": status,
            "reason": reason,
            "keys": {key: registry_key(schannel_path(key), status, reason) for key in SCHANNEL_KEYS},
            "winhttp_default_secure_protocols": value(WINHTTP_KEY, WINHTTP_VALUE),
        },
        "fips": {"status": status, "reason": reason, "enabled": None, "value": value(FIPS_KEY, FIPS_VALUE)},
        "policy_origin": {
            "status": status,
            "reason": reason,
            "rsop": {"status": status, "reason": reason, "rows": [], "gpos": []},
            "local_gpo": {
                "status": status,
                "reason": reason,
                "path": None,
                "modified": None,
                "size": None,
                "entries": [],
                "entry_count": 0,
            },
            "mdm": {
                "status": status,
                "reason": reason,
                "values": [value(key, item) for key, item in MDM_PLACES],
                "mdm_wins_over_gp": value(MDM_CONFLICT_KEY, MDM_CONFLICT_VALUE),
            },
            "archive": {"status": status, "reason": reason, "path": None, "modified": None},
            "lgpo_processing_disabled": value(LGPO_KEY, LGPO_VALUE),
        },
        "reboot": {
            "status": status,
            "reason": reason,
            "last_boot": None,
            "pending": {"component_based_servicing": None, "windows_update": None, "file_rename": None},
            "changed_by_us": None,
            "mark": value(OUR_KEY, CHANGED_AT),
        },
        "connector": {
            "status": status,
            "reason": reason,
            "version": None,
            "install_dir": None,
            "folder": None,
            "service": {"status": status, "reason": reason, "name": None, "state": None, "start_mode": None},
            "tetra": {"status": status, "reason": reason, "enabled": None, "update_server": None},
            "definitions": {"status": status, "reason": reason, "version": None},
            "last_update": {
                "status": status,
                "reason": reason,
                "result": None,
                "code": None,
                "time": None,
                "line": None,
            },
        },
        "proxy": {
            "status": status,
            "reason": reason,
            "winhttp": {"status": status, "reason": reason, "server": None, "bypass": None},
            "policy": {"status": status, "reason": reason, "server": None, "port": None, "type": None},
        },
        "probe": {
            "status": status,
            "reason": reason,
            "host": None,
            "via_proxy": None,
            "exit_code": None,
            "outcome": None,
            "detail": None,
        },
        "psrp": {
            "status": status,
            "reason": reason,
            "configuration_name": None,
            "powershell_version": None,
            "edition": None,
            "process_bits": None,
            "language_mode": None,
            "administrator": None,
        },
    }


def empty_section(name: str, status: Status = NOT_READ, reason: str | None = "Not asked.") -> t.Any:
    """The section ``name`` with the given status and every value in place, all of them unknown."""
    return t.cast(dict[str, t.Any], empty_facts("", status=status, reason=reason))[name]
