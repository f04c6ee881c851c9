# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of made-up endpoints for tests: a sound one of any release, and what can be changed about it."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import (
    TLS_1_2,
    TLS_1_3,
    algorithms,
    split_curve_suffix,
    suite_id,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.signatures import default_signatures
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import BY_KEY, Release

Facts = dict[str, t.Any]

ECDHE_256 = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
ECDHE_128 = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
DHE_128 = "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"
TLS13_128 = "TLS_AES_128_GCM_SHA256"
CBC = "TLS_RSA_WITH_AES_128_CBC_SHA256"
FAILING_HELLO = [
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_DHE_DSS_WITH_AES_128_CBC_SHA256",
    "TLS_DHE_DSS_WITH_AES_128_CBC_SHA",
    "TLS_DHE_DSS_WITH_AES_256_CBC_SHA256",
    "TLS_DHE_DSS_WITH_AES_256_CBC_SHA",
]
"""The Client Hello of Cisco's note that ends in alert 40."""

BOOT = "2026-11-20T06:00:00Z"
BEFORE_BOOT = "2026-11-19T12:00:00Z"
AFTER_BOOT = "2026-11-21T12:00:00Z"
NOW = "2026-11-24T03:43:00Z"
_GONE = "It does not exist."


def endpoint(release: str = "10_21h2", kind: str = "client", *, policy: str | None = None) -> Facts:
    """An endpoint in its default state, everything read, updated and up to date; ``policy`` sets a policy list."""
    known = BY_KEY[release]
    facts = f.empty_facts("host", collected_at=NOW)
    facts["os"] = f.section(
        f.OK, None, product=known.title(kind), build=known.builds[0], ubr=1, edition=None, display_version=None,
        kind=kind, computer_name="HOST", architecture="64-bit",
    )  # fmt: skip
    set_local(facts, known.local_list)
    facts["policy_order"] = f.registry_value(f.POLICY_KEY, f.SUITES_VALUE, f.ABSENT, _GONE)
    cmdlet = f.section(f.OK, None, names=list(known.curves))
    if not known.has_cmdlets:
        cmdlet = f.section(f.UNSUPPORTED, "This release has no such cmdlet.", names=[])
    facts["curves"] = f.section(
        f.OK,
        None,
        policy=f.registry_value(f.POLICY_KEY, f.CURVES_VALUE, f.ABSENT, _GONE),
        local=f.registry_value(f.LOCAL_KEY, f.CURVES_VALUE, f.ABSENT, _GONE),
        cmdlet=cmdlet,
    )
    facts["signature_algorithms"] = f.section(
        f.OK,
        None,
        policy=f.registry_value(f.SIGNATURE_POLICY_KEY, f.SUITES_VALUE, f.ABSENT, _GONE),
        local=f.registry_value(
            f.SIGNATURE_LOCAL_KEY, f.SUITES_VALUE, type="REG_MULTI_SZ", data=list(default_signatures(known))
        ),
    )
    keys = {key: f.registry_key(f.schannel_path(key), f.ABSENT, _GONE) for key in f.SCHANNEL_KEYS}
    winhttp = f.registry_value(f.WINHTTP_KEY, f.WINHTTP_VALUE, f.ABSENT, _GONE)
    facts["schannel"] = f.section(f.OK, None, keys=keys, winhttp_default_secure_protocols=winhttp)
    fips = f.registry_value(f.FIPS_KEY, f.FIPS_VALUE, type="REG_DWORD", data=0)
    facts["fips"] = f.section(f.OK, None, enabled=False, value=fips)
    facts["policy_origin"] = f.section(
        f.OK,
        None,
        rsop=f.section(f.OK, None, rows=[], gpos=[{"id": "LocalGPO", "name": "Local Group Policy", "guid": None,
                                                   "enabled": True}]),
        local_gpo=f.section(f.ABSENT, _GONE, path=None, modified=None, size=None, entries=[], entry_count=0),
        mdm=f.section(
            f.OK, None,
            values=[f.registry_value(key, name, f.ABSENT, _GONE) for key, name in f.MDM_PLACES],
            mdm_wins_over_gp=f.registry_value(f.MDM_CONFLICT_KEY, f.MDM_CONFLICT_VALUE, f.ABSENT, _GONE),
        ),
        archive=f.section(f.ABSENT, _GONE, path=None, modified=None),
        lgpo_processing_disabled=f.registry_value(f.LGPO_KEY, f.LGPO_VALUE, f.ABSENT, _GONE),
    )  # fmt: skip
    facts["reboot"] = f.section(
        f.OK, None, last_boot=BOOT, changed_by_us=None, mark=f.registry_value(f.OUR_KEY, f.CHANGED_AT, f.ABSENT, _GONE),
        pending={"component_based_servicing": False, "windows_update": False, "file_rename": False},
    )  # fmt: skip
    facts["connector"] = f.section(
        f.OK, None, version="8.4.2.30317", install_dir="C:\\Program Files\\Cisco\\AMP", folder="8.4.2.30317",
        service=f.section(f.OK, None, name="CiscoAMP", state="Running", start_mode="Auto"),
        tetra=f.section(f.OK, None, enabled=True, update_server="tetra-defs.amp.cisco.com"),
        definitions=f.section(f.OK, None, version="93812"),
        last_update=f.section(f.OK, None, result="updated", code=0, time=AFTER_BOOT, line=None),
    )  # fmt: skip
    if policy is not None:
        set_policy(facts, policy)
    show_configured(facts)
    return facts


def release_of(facts: Facts) -> Release:
    return next(release for release in BY_KEY.values() if facts["os"]["build"] in release.builds)


def set_policy(facts: Facts, data: t.Any, type_: str = "REG_SZ") -> Facts:
    """A policy list; the cmdlet goes on showing what it showed (``show_configured`` follows)."""
    facts["policy_order"] = f.registry_value(f.POLICY_KEY, f.SUITES_VALUE, type=type_, data=data)
    return facts


def set_local(facts: Facts, names: t.Sequence[str], type_: str = "REG_MULTI_SZ") -> Facts:
    data = list(names) if type_ == "REG_MULTI_SZ" else ",".join(names)
    facts["local_order"] = f.registry_value(f.LOCAL_KEY, f.SUITES_VALUE, type=type_, data=data)
    return facts


def show(facts: Facts, names: t.Sequence[str]) -> Facts:
    """Get-TlsCipherSuite shows these names, resolved as the release can; nothing on releases without the cmdlet."""
    known = release_of(facts)
    if not known.has_cmdlets:
        facts["cipher_suites"] = f.section(f.UNSUPPORTED, "This release has no such cmdlet.", suites=[])
        return facts
    rows = []
    for name in names:
        resolved = name in known.supported or name in known.local_list
        number = suite_id(name) or 0
        protocols = [version for version in algorithms(name).protocols if version in (TLS_1_2, TLS_1_3)]
        rows.append({"name": name, "id": number if resolved else 0, "protocols": protocols if resolved else []})
    facts["cipher_suites"] = f.section(f.OK, None, suites=rows)
    return facts


def show_configured(facts: Facts) -> Facts:
    """The cmdlet shows the configured list: the policy's if there is one of type REG_SZ, else the local one."""
    policy = facts["policy_order"]
    if policy["status"] == f.OK and policy["type"] == "REG_SZ":
        return show(facts, [name for name in policy["data"].split(",") if name])
    return show(facts, facts["local_order"]["data"] or [])


def set_switch(facts: Facts, key: str, name: str, data: t.Any, type_: str = "REG_DWORD") -> Facts:
    """One value below SCHANNEL."""
    keys = facts["schannel"]["keys"]
    values = {**keys[key]["values"], name: {"type": type_, "data": data}}
    keys[key] = f.registry_key(f.schannel_path(key), values=values)
    return facts


def set_curves(facts: Facts, names: t.Sequence[str], *, shown: bool = True) -> Facts:
    """A policy list of curves; ``shown``: the cmdlet shows it."""
    facts["curves"]["policy"] = f.registry_value(f.POLICY_KEY, f.CURVES_VALUE, type="REG_MULTI_SZ", data=list(names))
    if shown and facts["curves"]["cmdlet"]["status"] == f.OK:
        facts["curves"]["cmdlet"] = f.section(f.OK, None, names=list(names))
    return facts


def set_signatures(facts: Facts, names: t.Sequence[str]) -> Facts:
    """The list of signature algorithms of CNG."""
    facts["signature_algorithms"]["local"] = f.registry_value(
        f.SIGNATURE_LOCAL_KEY, f.SUITES_VALUE, type="REG_MULTI_SZ", data=list(names)
    )
    return facts


def set_fips(facts: Facts) -> Facts:
    value = f.registry_value(f.FIPS_KEY, f.FIPS_VALUE, type="REG_DWORD", data=1)
    facts["fips"] = f.section(f.OK, None, enabled=True, value=value)
    return facts


def set_winhttp(facts: Facts, data: int) -> Facts:
    """DefaultSecureProtocols of WinHTTP; 0x800 is TLS 1.2."""
    value = f.registry_value(f.WINHTTP_KEY, f.WINHTTP_VALUE, type="REG_DWORD", data=data)
    facts["schannel"]["winhttp_default_secure_protocols"] = value
    return facts


def set_probe(facts: Facts, outcome: str, detail: str | None = None, host: str = "tetra-defs.amp.cisco.com") -> Facts:
    codes = {"tls_ok": 0, "tls_failed": 35, "dns": 6, "connect": 7, "proxy": 56, "timeout": 28, "other": 60}
    facts["probe"] = f.section(
        f.OK, None, host=host, via_proxy=None, exit_code=codes[outcome], outcome=outcome, detail=detail
    )
    return facts


def set_last_update(facts: Facts, result: str, code: int | None, time: str | None = AFTER_BOOT) -> Facts:
    line = f"PerformTetraUpdate: bUpdated = FALSE, state: 20, status: {code}"
    facts["connector"]["last_update"] = f.section(f.OK, None, result=result, code=code, time=time, line=line)
    return facts


def set_local_gpo(facts: Facts, text: str, modified: str) -> Facts:
    """The local Registry.pol sets the policy list, and was written at that time."""
    entry = {"key": f.POLICY_KEY.split("\\", 1)[1], "value": f.SUITES_VALUE, "type": "REG_SZ", "data": text}
    facts["policy_origin"]["local_gpo"] = f.section(
        f.OK, None, path="C:\\Windows\\System32\\GroupPolicy\\Machine\\Registry.pol", modified=modified, size=100,
        entries=[entry], entry_count=1,
    )  # fmt: skip
    return facts


def set_domain_gpo(facts: Facts, text: str, name: str = "Baseline") -> Facts:
    """RSoP's winning row sets the policy list."""
    guid = "{31B2F340-016D-11D2-945F-00C04FB984F9}"
    identifier = f"cn={guid},cn=policies,cn=system,DC=corp,DC=example"
    rsop = facts["policy_origin"]["rsop"]
    rsop["gpos"] = [*rsop["gpos"], {"id": identifier, "name": name, "guid": guid, "enabled": True}]
    rsop["rows"] = [
        {
            "registry_key": f.POLICY_KEY.split("\\", 1)[1], "value_name": f.SUITES_VALUE, "value_type": 1,
            "value": text, "precedence": 1, "gpo_id": identifier, "som_id": "DC=corp,DC=example", "deleted": False,
            "created": BEFORE_BOOT,
        }
    ]  # fmt: skip
    return facts


def unread(facts: Facts, section: str, status: str = f.NOT_READ) -> Facts:
    """A section that was not read, or denied, after all."""
    facts[section] = f.empty_section(section, status, "It could not be read.")
    return facts


def plain(name: str) -> str:
    return split_curve_suffix(name)[0]
