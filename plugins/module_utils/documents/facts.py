# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The facts document ``fleetops.tetra/facts/1`` as types; ``docs/schemas/facts-1.json`` says the same.

Times are UTC, ``YYYY-MM-DDTHH:MM:SSZ``, with or without a fraction. ``None`` is *not known*, never *no*.
"""

from __future__ import annotations

import typing as t

Status = t.Literal["ok", "absent", "denied", "unsupported", "error", "not_read"]
Source = t.Literal["live", "image"]
SectionName = t.Literal[
    "os", "cipher_suites", "local_order", "policy_order", "curves", "signature_algorithms", "schannel", "fips",
    "policy_origin", "reboot",
    "connector", "proxy", "probe", "psrp",
]  # fmt: skip
RegistryType = t.Literal[
    "REG_SZ", "REG_EXPAND_SZ", "REG_MULTI_SZ", "REG_DWORD", "REG_QWORD", "REG_BINARY", "REG_NONE",
    "REG_SZ_OR_EXPAND_SZ",
]  # fmt: skip
RegistryData = t.Union[str, list[str], int, None]  # noqa: UP007 - pylint of ansible-test knows no |
"""As stored: text, lines, a number, the bytes of a REG_BINARY in hex; ``None`` where there is no value."""
ProbeOutcome = t.Literal["tls_ok", "tls_failed", "dns", "connect", "proxy", "timeout", "other"]
UpdateResult = t.Literal["updated", "up_to_date", "failed", "never"]


class Section(t.TypedDict):
    """Base of all sections and their parts. ``reason`` says why a status is not ``ok``."""

    status: Status
    reason: str | None


class RegistryValue(Section):
    """One registry value; ``path`` carries the hive in full."""

    path: str
    name: str
    type: RegistryType | None
    data: RegistryData


class ValueOfKey(t.TypedDict):
    """One value of a registry key that was read as a whole."""

    type: RegistryType | None
    data: RegistryData


class RegistryKey(Section):
    """One registry key with all its values by name."""

    path: str
    values: dict[str, ValueOfKey]


class Os(Section):
    """Section ``os``: the Windows release."""

    product: str | None
    build: int | None
    ubr: int | None
    edition: str | None
    display_version: str | None
    kind: t.Literal["client", "server"] | None
    computer_name: str | None
    architecture: str | None
    domain: t.NotRequired[str | None]
    """The primary DNS suffix; missing in documents of 1.0."""
    machine_guid: t.NotRequired[str | None]


class SuiteRow(t.TypedDict):
    """One cipher suite as Get-TlsCipherSuite shows it; ``id`` 0 and no protocols: a name not known to Windows."""

    name: str
    id: int
    protocols: list[int]


class CipherSuites(Section):
    """Section ``cipher_suites``: what Get-TlsCipherSuite shows, in order."""

    suites: list[SuiteRow]


class CurveNames(Section):
    """What Get-TlsEccCurve shows."""

    names: list[str]


class Curves(Section):
    """Section ``curves``: both lists of curves, and the cmdlet's."""

    policy: RegistryValue
    local: RegistryValue
    cmdlet: CurveNames


class SignatureAlgorithms(Section):
    """Section ``signature_algorithms``: the list of CNG, and one of the same name below Policies."""

    policy: RegistryValue
    local: RegistryValue


class Schannel(Section):
    """Section ``schannel``: keys below SCHANNEL by their name relative to it, and the value of WinHTTP."""

    keys: dict[str, RegistryKey]
    winhttp_default_secure_protocols: RegistryValue


class Fips(Section):
    """Section ``fips``."""

    enabled: bool | None
    value: RegistryValue


class RsopRow(t.TypedDict):
    """One row of RSOP_RegistryPolicySetting; the lowest ``precedence`` wins."""

    registry_key: str
    value_name: str
    value_type: int | None
    value: RegistryData
    precedence: int | None
    gpo_id: str | None
    som_id: str | None
    deleted: bool | None
    created: str | None


class RsopGpo(t.TypedDict):
    """One row of RSOP_GPO."""

    id: str
    name: str | None
    guid: str | None
    enabled: bool | None


class Rsop(Section):
    """The resultant set of policy."""

    rows: list[RsopRow]
    gpos: list[RsopGpo]


class PolEntry(t.TypedDict):
    """One entry of a Registry.pol; ``type`` is ``None`` for a type that has no name, its data in hex."""

    key: str
    value: str
    type: str | None
    data: RegistryData


class LocalGpo(Section):
    """The Registry.pol of the local GPO; ``size`` in bytes, ``entry_count`` counts all, ``entries`` holds ours."""

    path: str | None
    modified: str | None
    size: int | None
    entries: list[PolEntry]
    entry_count: int


class Mdm(Section):
    """What an MDM asks for."""

    values: list[RegistryValue]
    mdm_wins_over_gp: RegistryValue


class Archive(Section):
    """The Registry.pol that Windows keeps of the last refresh."""

    path: str | None
    modified: str | None


class PolicySources(Section):
    """Section ``policy_origin``: everything that tells who owns the policy list."""

    rsop: Rsop
    local_gpo: LocalGpo
    mdm: Mdm
    archive: Archive
    lgpo_processing_disabled: RegistryValue


class PendingReboot(t.TypedDict):
    """The pending flags of Windows."""

    component_based_servicing: bool | None
    windows_update: bool | None
    file_rename: bool | None


class Reboot(Section):
    """Section ``reboot``."""

    last_boot: str | None
    pending: PendingReboot
    changed_by_us: str | None
    mark: t.NotRequired[RegistryValue]
    """Where ``changed_by_us`` stands, so that a mark that could not be read is none that is absent."""


class Service(Section):
    """The connector's service."""

    name: str | None
    state: str | None
    start_mode: str | None


class Tetra(Section):
    """Tetra in the connector's policy."""

    enabled: bool | None
    update_server: str | None


class Definitions(Section):
    """The definitions at hand."""

    version: str | None


class LastUpdate(Section):
    """The last definition update that the connector's log tells of."""

    result: UpdateResult | None
    code: int | None
    time: str | None
    line: str | None


class Connector(Section):
    """Section ``connector``: Cisco Secure Endpoint."""

    version: str | None
    install_dir: str | None
    folder: str | None
    service: Service
    tetra: Tetra
    definitions: Definitions
    last_update: LastUpdate


class WinHttpProxy(Section):
    """The machine's WinHTTP proxy."""

    server: str | None
    bypass: str | None


class PolicyProxy(Section):
    """The proxy of the connector's policy."""

    server: str | None
    port: int | None
    type: str | int | None


class Proxy(Section):
    """Section ``proxy``."""

    winhttp: WinHttpProxy
    policy: PolicyProxy


class Probe(Section):
    """Section ``probe``: a handshake that the endpoint made itself with curl.exe."""

    host: str | None
    via_proxy: str | None
    exit_code: int | None
    outcome: ProbeOutcome | None
    detail: str | None


class Psrp(Section):
    """Section ``psrp``: the remote session itself."""

    configuration_name: str | None
    powershell_version: str | None
    edition: t.Literal["Desktop", "Core"] | None
    process_bits: t.Literal[32, 64] | None
    language_mode: str | None
    administrator: bool | None


class Facts(t.TypedDict):
    """Everything that is known of one endpoint."""

    schema: t.Literal["fleetops.tetra/facts/1"]
    host: str
    collected_at: str | None
    source: Source
    os: Os
    cipher_suites: CipherSuites
    local_order: RegistryValue
    policy_order: RegistryValue
    curves: Curves
    signature_algorithms: t.NotRequired[SignatureAlgorithms]
    """Not in documents of 1.0.0."""
    schannel: Schannel
    fips: Fips
    policy_origin: PolicySources
    reboot: Reboot
    connector: Connector
    proxy: Proxy
    probe: Probe
    psrp: Psrp
