# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every simulated behaviour of Windows with its evidence, in one table. ``docs/lab-behaviours.md`` is printed from it.

evidence: ``recorded`` (a capture of a real host, published), ``documented`` (with the page), ``inferred`` (nobody has
shown it). Inferred behaviours have variants, and an endpoint of a fleet file can choose one::

    behaviours: {cmdlet_shows_policy: after_reboot}

The product has to be right under every variant.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

Evidence = t.Literal["recorded", "documented", "inferred"]


@dataclass(frozen=True)
class Behaviour:
    """``variants``: the values to choose from, the first is the default; empty where there is nothing to choose."""

    name: str
    evidence: Evidence
    what: str
    source: str
    variants: tuple[str, ...] = ()


_SCHANNEL = "learn.microsoft.com/windows/win32/secauthn"
_MANAGE_TLS = "learn.microsoft.com/windows-server/security/tls/manage-tls"
_TLS_REGISTRY = "learn.microsoft.com/windows-server/security/tls/tls-registry-settings"
_CSS = "github.com/microsoft/CSS-Exchange, Shared/TLS/Tests/Data"
_AZURE = "github.com/microsoft/azure-devops-tls12, AzureDevOpsTls12Analysis.ps1"
_ENGINE = "PowerShell 7.6.9 asked (docs/lab.md); its source of 2016, which 5.1 shares, reads the same"
_PYPSRP = "github.com/jborean93/pypsrp, recorded exchanges"

TABLE: tuple[Behaviour, ...] = (
    # The suite list
    Behaviour(
        "tls_cipher_suite_list_object",
        "recorded",
        "Get-TlsCipherSuite writes one List object; Write-Output takes it apart.",
        f"{_CSS}/GetTlsCipherSuite.xml",
    ),
    Behaviour(
        "tls_cipher_suite_unresolved",
        "recorded",
        "A configured name that the release cannot resolve is shown with id 0, without cipher and protocols.",
        "github.com/microsoft/CSS-Exchange, HealthChecker tests, E16 GetAllTlsSettings.xml",
    ),
    Behaviour(
        "policy_replaces_local_list",
        "documented",
        "A policy list replaces the local list; the two are not merged.",
        f"{_SCHANNEL}/cipher-suites-in-schannel",
    ),
    Behaviour(
        "default_suites",
        "documented",
        "Suites that a release supports, and those that it enables.",
        f"{_SCHANNEL}/cipher-suites-in-schannel",
    ),
    Behaviour(
        "local_list_of_31",
        "inferred",
        "Windows 10 1709 and later hold the TLS 1.3 and the pre-shared-key names in their local list: 31 entries.",
        "Cisco's note on error -3000, step 9 (output of a healthy host)",
    ),
    Behaviour("policy_after_reboot", "documented", "A changed suite order takes effect at the next boot.", _MANAGE_TLS),
    Behaviour("curves_after_reboot", "documented", "A changed curve order takes effect at the next boot.", _MANAGE_TLS),
    Behaviour(
        "local_list_in_force",
        "inferred",
        "When a change of the local list takes effect.",
        f"{_SCHANNEL}/prioritizing-schannel-cipher-suites (CNG: at once) against {_MANAGE_TLS} (next boot)",
        ("after_reboot", "at_once"),
    ),
    Behaviour(
        "cmdlet_shows_policy",
        "inferred",
        "When Get-TlsCipherSuite shows a changed policy list.",
        "not found anywhere",
        ("at_once", "after_reboot"),
    ),
    Behaviour(
        "cmdlet_tls13_before_windows_11",
        "inferred",
        "How Get-TlsCipherSuite shows a TLS 1.3 name on a release without TLS 1.3.",
        "not found anywhere",
        ("resolved", "unresolved"),
    ),
    Behaviour(
        "policy_multi_sz",
        "inferred",
        "A policy list of type REG_MULTI_SZ.",
        "github.com/fbprogmbh/Hardening-Audit-Tool-AuditTAP/issues/448 (ignored)",
        ("ignored", "used"),
    ),
    Behaviour(
        "policy_expand_sz",
        "inferred",
        "A policy list of type REG_EXPAND_SZ.",
        "not found anywhere",
        ("used", "ignored"),
    ),
    Behaviour(
        "policy_empty",
        "inferred",
        "A policy list that is an empty string.",
        "not found anywhere",
        ("no_suites", "fallback_local"),
    ),
    Behaviour(
        "policy_spaces",
        "inferred",
        "Spaces around a name of the policy list.",
        "not found anywhere",
        ("trimmed", "unresolved"),
    ),
    Behaviour(
        "policy_trailing_comma",
        "inferred",
        "An empty name after the last comma of the policy list.",
        f"{_MANAGE_TLS} can be read as allowing it",
        ("ignored", "list_ignored"),
    ),
    Behaviour(
        "policy_over_1023",
        "inferred",
        "A policy list of more than 1023 characters.",
        "github.com/microsoft/azure-devops-tls12/issues/6 (newer releases accept more, older truncate)",
        ("used", "truncated"),
    ),
    Behaviour(
        "policy_duplicates",
        "inferred",
        "A name that stands in the list twice.",
        "not found anywhere",
        ("first_counts", "last_counts"),
    ),
    Behaviour(
        "policy_name_case",
        "inferred",
        "A name of the list in another case.",
        "the cmdlet's -Name is documented as case sensitive; nothing on the list",
        ("exact", "ignored"),
    ),
    Behaviour(
        "suffixed_names_on_10",
        "inferred",
        "A name with a curve suffix on Windows 10 and later.",
        f"{_MANAGE_TLS} implies that it is offered",
        ("not_offered", "offered"),
    ),
    # The switches
    Behaviour(
        "protocol_switches",
        "documented",
        "Enabled 0 switches a protocol off for everybody, DisabledByDefault for those who do not ask for it.",
        _TLS_REGISTRY,
    ),
    Behaviour(
        "protocol_defaults",
        "documented",
        "Protocols of the client role by release.",
        f"{_SCHANNEL}/protocols-in-tls-ssl--schannel-ssp-",
    ),
    Behaviour(
        "disabled_by_default_client",
        "inferred",
        "Whether the updater gets a protocol that is disabled by default.",
        "documented for callers that ask for it explicitly; whether the updater does is unknown",
        ("off", "on"),
    ),
    Behaviour(
        "winhttp_defaults",
        "inferred",
        "Whether the updater takes the protocols of WinHTTP and its DefaultSecureProtocols, which on Windows 7, "
        "Server 2008 R2 and 2012 lacks TLS 1.2 where it is missing.",
        "KB3140245 on WinHTTP; whether the updater uses it is unknown",
        ("not_taken", "taken"),
    ),
    Behaviour(
        "mdm_minimum_tls",
        "inferred",
        "OverrideMinimumEnabledTLSVersionClient above TLS 1.2, as a value of PolicyManager or of the SSL policy's key.",
        "documented as a policy of an MDM; neither its place in the registry nor the form of its value is",
        ("ignored", "counts"),
    ),
    Behaviour(
        "algorithm_switches",
        "documented",
        "Ciphers, Hashes and KeyExchangeAlgorithms: Enabled 0 switches off, 0xFFFFFFFF or missing leaves on.",
        "learn.microsoft.com, restrict cryptographic algorithms and protocols in Schannel (KB245030)",
    ),
    Behaviour(
        "enabled_one_for_algorithms",
        "inferred",
        "Enabled 1, neither 0 nor 0xFFFFFFFF, below Ciphers, Hashes or KeyExchangeAlgorithms.",
        f"{_AZURE} takes it as disabled, CipherPunk as enabled",
        ("enabled", "disabled"),
    ),
    Behaviour(
        "switch_of_suite",
        "inferred",
        "Which switch belongs to which suite: by the parts of its name.",
        f"{_AZURE} does so for ECDH and Diffie-Hellman",
    ),
    Behaviour(
        "pkcs_off_kills_ecdhe_rsa",
        "inferred",
        "KeyExchangeAlgorithms\\PKCS off and suites that sign with RSA.",
        "KB245030, text of 2003",
        ("no", "yes"),
    ),
    Behaviour(
        "tls13_needs_ecdh",
        "inferred",
        "KeyExchangeAlgorithms\\ECDH off and TLS 1.3.",
        "not found anywhere",
        ("yes", "no"),
    ),
    Behaviour(
        "hash_switch_for_tls13",
        "inferred",
        "Ciphers and Hashes switched off and TLS 1.3 suites.",
        "not found anywhere",
        ("yes", "no"),
    ),
    Behaviour(
        "hash_off_and_signatures",
        "inferred",
        "Hashes\\SHA256 off and a server whose certificate or key exchange is signed with SHA256.",
        "not found anywhere",
        ("accepted", "refused"),
    ),
    Behaviour(
        "dh_client_limits",
        "documented",
        "ClientMinKeyBitLength (default 1024) and ClientMaxKeyBitLength.",
        _TLS_REGISTRY,
    ),
    Behaviour(
        "curve_list",
        "documented",
        "The curve list orders and enables: a curve not in it is off.",
        "learn.microsoft.com/windows-server/security/tls/tls-schannel-ssp-changes-in-windows-10-and-windows-server",
    ),
    Behaviour("curves_empty", "inferred", "A curve list without any name.", "not found anywhere", ("none", "defaults")),
    Behaviour(
        "curves_local_value",
        "inferred",
        "EccCurves beside the local suite list.",
        "by analogy with the policy value",
        ("used", "ignored"),
    ),
    Behaviour(
        "signature_list",
        "inferred",
        "The list of signature algorithms (…\\Local\\SSL\\00010003) on Windows 10 and later; on Windows 7 to 8.1 it is "
        "obeyed (KB2973337).",
        "support.microsoft.com/help/2973337 for Windows 7 to 8.1; for later releases not found anywhere",
        ("obeyed", "ignored"),
    ),
    Behaviour(
        "fips_mode",
        "documented",
        "FIPS mode takes curve25519 away; AES with NIST curves stays.",
        f"{_SCHANNEL}/tls-elliptic-curves-in-windows-10-1607-and-later",
    ),
    Behaviour(
        "suite_cmdlets_with_policy",
        "inferred",
        "Enable-TlsCipherSuite and Disable-TlsCipherSuite while a policy list is set.",
        "not found anywhere",
        ("silent", "error"),
    ),
    Behaviour(
        "cim_list_argument",
        "inferred",
        "A list in the arguments of a CIM method; over remoting it arrives as ArrayList.",
        "not found anywhere",
        ("refused", "taken"),
    ),
    Behaviour(
        "new_item_force_empties",
        "documented",
        "New-Item -Force on an existing registry key makes it anew, without its values.",
        "PowerShell documentation of New-Item (MicrosoftDocs/PowerShell-Docs)",
    ),
    Behaviour(
        "policy_refresh_only_on_change",
        "documented",
        "A refresh skips the registry extension while no policy has another version, unless forced.",
        "technet.microsoft.com/library/cc959482 (NoGPOListChanges)",
    ),
    Behaviour(
        "policy_cleanup",
        "inferred",
        "Values that policy wrote and does not name any more are removed at the next processing.",
        "two articles on ntuser.pol (fleexlab.blogspot.com, sdmsoftware.com)",
    ),
    Behaviour(
        "group_policy_cmdlets",
        "inferred",
        "Error ids of Get-GPO and Get-GPRegistryValue for what does not exist; the zero at the end of a string.",
        "common knowledge of users; not recorded",
    ),
    # Asking
    Behaviour(
        "terminating_error_runs_on",
        "recorded",
        "A terminating error (missing command, binding error) ends what the client sees: after a first statement with "
        "the output of one more, after a later one at once. All later statements run all the same, unseen. Only "
        "ErrorAction Stop that promotes an error really ends the batch.",
        "PowerShell 7.6.9 asked, its builds for Windows and for Linux (docs/lab.md); not seen on 5.1",
    ),
    Behaviour(
        "batch_after_error",
        "inferred",
        "Statements after one that wrote an error which ends only itself.",
        "PowerShell goes on; a host with $ErrorActionPreference Stop in its session does not",
        ("goes_on", "stops"),
    ),
    Behaviour(
        "jea_no_scripts", "recorded", "A NoLanguage session refuses script text with ScriptsNotAllowed.", _PYPSRP
    ),
    Behaviour(
        "win_reboot_scripts",
        "documented",
        "The four scripts of ansible.windows.win_reboot: what they send and what they expect back.",
        "github.com/ansible-collections/ansible.windows, plugins/plugin_utils/_reboot.py (3.8.0)",
    ),
    Behaviour(
        "logon_ui_key",
        "documented",
        "LogonUI makes the volatile key Winlogon\\AutoLogonChecked when it is about to show its prompt.",
        "github.com/ansible-collections/ansible.windows, plugins/plugin_utils/_reboot.py (3.8.0)",
    ),
    Behaviour(
        "shutdown_exit_codes",
        "documented",
        "shutdown.exe: 5 denied, 1116 nothing to call off, 1190 somebody has ordered a shutdown already, 1191 others "
        "are logged on and no force was asked for; any countdown but 0 is by force.",
        "learn.microsoft.com/windows/win32/debug/system-error-codes; 1190 in ansible.windows _reboot.py",
    ),
    Behaviour(
        "schtasks_create_xml",
        "documented",
        "schtasks.exe /create /xml FILE /tn NAME registers a task from its definition; /f replaces one of that name.",
        "learn.microsoft.com/windows-server/administration/windows-commands/schtasks-create",
    ),
    Behaviour(
        "schtasks_exit_codes",
        "inferred",
        "schtasks.exe ends with 0, or with 1 where it could not do it, also where /query or /delete finds no task.",
        "its texts are localized, so only the code counts; not found on a page",
        ("zero_or_one",),
    ),
    Behaviour(
        "schtasks_encoding",
        "inferred",
        "A task definition that calls itself UTF-16 and is not is refused.",
        "the message 'unable to switch the encoding', in many forums",
        ("refused",),
    ),
    Behaviour(
        "task_start_when_available",
        "documented",
        "A start that was missed is caught up with 10 minutes late, only with StartWhenAvailable and an end boundary.",
        "learn.microsoft.com/windows/win32/taskschd/tasksettings-startwhenavailable",
    ),
    Behaviour(
        "task_actions_in_order",
        "documented",
        "Up to 32 actions run one after the other.",
        "learn.microsoft.com/windows/win32/taskschd/task-actions",
    ),
    Behaviour(
        "task_goes_on_after_a_failed_action",
        "inferred",
        "An action that fails keeps the next one from nothing; a task may delete itself in its last one.",
        "not found on a page",
        ("goes_on",),
    ),
    Behaviour(
        "reg_import",
        "documented",
        "A .reg file adds keys, sets values with their types, and takes away what is marked with a minus.",
        "support.microsoft.com/help/310516",
    ),
    Behaviour(
        "constrained_method_call",
        "inferred",
        "ToFileTime() of a DateTime in a session of ConstrainedLanguage.",
        "about_Language_Modes lists DateTime among the core types; nobody has shown it with win_reboot",
        ("core_types", "refused"),
    ),
    Behaviour(
        "jea_select_object",
        "documented",
        "The Select-Object of a restricted session takes fixed properties only; the real one needs its module name.",
        "learn.microsoft.com/powershell/scripting/security/remoting/jea/session-configurations",
    ),
    Behaviour(
        "registry_slash",
        "recorded",
        "A key with a slash in its name is found by the registry provider, in every form of its path; only New-Item "
        "takes the slash for a separator.",
        _ENGINE,
    ),
    Behaviour(
        "empty_key_itemproperty",
        "inferred",
        "Get-ItemProperty of a key without values.",
        "source of PowerShell 7; not tried on 5.1",
        ("nothing", "object"),
    ),
    Behaviour(
        "stdregprov_missing_code",
        "inferred",
        "Return code of a StdRegProv getter for a value that does not exist.",
        "public scripts expect 1, others 2",
        ("1", "2"),
    ),
    Behaviour(
        "stdregprov_wrong_type_code",
        "inferred",
        "Return code of a StdRegProv getter for a value of another type.",
        "not found anywhere",
        ("1", "2"),
    ),
    Behaviour(
        "stdregprov_denied_code",
        "documented",
        "StdRegProv answers 5 where the account may not read.",
        "learn.microsoft.com/previous-versions/windows/desktop/regprov/stdregprov",
    ),
    Behaviour(
        "encryptable_volume",
        "documented",
        "Win32_EncryptableVolume: ProtectionStatus, and GetKeyProtectors by type; 0x80310008 without BitLocker.",
        "learn.microsoft.com/windows/win32/secprov/getkeyprotectors-win32-encryptablevolume",
    ),
    Behaviour(
        "get_content_bytes",
        "inferred",
        "Get-Content of bytes with -Raw.",
        "PowerShell 5.1 documentation of -Encoding Byte; the shape over remoting was not recorded",
        ("one_array", "single_bytes"),
    ),
    Behaviour(
        "services_denied",
        "inferred",
        "Get-Service for an account that may not open the service manager.",
        "reports of users; kind of the error not recorded",
        ("terminating", "non_terminating"),
    ),
    Behaviour(
        "tls_module_on_powershell_7",
        "inferred",
        "Get-TlsCipherSuite in a PowerShell 7 session.",
        "module compatibility differs by release",
        ("native", "deserialized", "missing"),
    ),
    Behaviour(
        "registry_redirection",
        "documented",
        "A 32-bit session sees SOFTWARE\\WOW6432Node and SysWOW64 in place of SOFTWARE and System32.",
        "learn.microsoft.com/windows/win32/winprog64/shared-registry-keys",
    ),
    Behaviour(
        "local_gpo_in_rsop",
        "inferred",
        "A row of the local group policy in RSoP.",
        "expected with the id LocalGPO; not shown",
        ("shown", "missing"),
    ),
    Behaviour(
        "update_error_code",
        "recorded",
        "A handshake that fails ends the definition update with -3000.",
        "Cisco's note on error -3000",
    ),
    Behaviour(
        "update_success_lines",
        "inferred",
        "Log lines of a successful definition update.",
        "by the form of the failing ones",
        ("status_0",),
    ),
    Behaviour(
        "curl_schannel_exit_codes",
        "documented",
        "curl: 0 done, 5 proxy name, 6 name, 7 connect, 28 timeout, 35 TLS, 56 receive or proxy refused.",
        "curl.se/docs/manpage.html",
    ),
    # Evidence of a failing update
    Behaviour(
        "pktmon_words",
        "documented",
        "pktmon start takes --capture and --pkt-size, older ones --etw and -p; its help names them.",
        "learn.microsoft.com, pktmon start; the same page of November 2020",
    ),
    Behaviour(
        "capi2_channel",
        "documented",
        "The CAPI2 log is off by default; wevtutil gl says so, sl switches it, cl empties it, with exit code 0.",
        "learn.microsoft.com, wevtutil; archive/blogs/instan, using-wevtutil",
    ),
    Behaviour(
        "capture_exit_codes",
        "inferred",
        "pktmon and netsh trace end with 1, without a file, where a capture runs or the account has no right.",
        "nobody wrote them down; the product looks for the file too",
    ),
    Behaviour(
        "capture_file",
        "inferred",
        "The ETL files are written by what is public of the format; Windows never read or wrote one of them.",
        "github.com/microsoft/etl2pcapng, fox-it/dissect.etl, jdu2600/Windows10EtwEvents",
    ),
    Behaviour(
        "schannel_events",
        "documented",
        "36887 and 36888 carry AlertDesc; from Windows 11 21H2 on the calling process stands in front.",
        "github.com/jdu2600/Windows10EtwEvents, manifest/Schannel.tsv",
    ),
    Behaviour(
        "curl_certificates",
        "documented",
        "curl.exe from 7.88 on prints the chain by %{certs}; exit codes 5, 6, 7, 28, 35, 56, 60.",
        "github.com/curl/curl, docs/cmdline-opts, docs/libcurl/libcurl-errors.md",
    ),
    Behaviour(
        "curl_schannel_codes",
        "inferred",
        "Which SEC_E code curl prints for an alert, an untrusted root, a wrong clock, a blocked revocation.",
        "learn.microsoft.com, schannel-error-codes-for-tls-and-ssl-alerts; curl/curl, lib/vtls/schannel.c",
    ),
    Behaviour(
        "support_bundle",
        "documented",
        "ipsupporttool.exe -o FOLDER leaves a ZIP, whatever its extension.",
        "github.com/CiscoSecurity/amp-05-windows-tune, Diag_Analyzer_v2.py",
    ),
)

BY_NAME: dict[str, Behaviour] = {behaviour.name: behaviour for behaviour in TABLE}
SWITCHABLE: dict[str, tuple[str, ...]] = {b.name: b.variants for b in TABLE if len(b.variants) > 1}


class Behaviours:
    """The variants of one endpoint."""

    def __init__(
        self, chosen: t.Mapping[str, t.Any] | None = None, observed: t.Mapping[str, str] | None = None
    ) -> None:
        self._chosen: dict[str, str] = {}
        self._observed = {
            name: variant for name, variant in (observed or {}).items() if variant in SWITCHABLE.get(name, ())
        }
        for name, value in (chosen or {}).items():
            variants = SWITCHABLE.get(name)
            if variants is None:
                raise ValueError(f"unknown behaviour {name!r}; the switchable ones are {', '.join(sorted(SWITCHABLE))}")
            text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
            if text not in variants:
                raise ValueError(f"behaviour {name} has the variants {', '.join(variants)}, not {value!r}")
            self._chosen[name] = text

    def __getitem__(self, name: str) -> str:
        return self._chosen.get(name) or self._observed.get(name) or BY_NAME[name].variants[0]

    def __contains__(self, name: str) -> bool:
        return name in self._chosen


def as_markdown() -> str:
    """The table for ``docs/lab-behaviours.md``."""
    lines = [
        "# What the lab simulates, and how sure we are",
        "",
        "Printed from `lab/machine/behaviours.py`; a test keeps the two equal.",
        "",
        "*recorded*: a published capture of a real host shows it. *documented*: the page says so.",
        "*inferred*: nobody has shown it. Where it has variants (the default first), an endpoint of a fleet file can",
        "choose one (`behaviours: {name: variant}`), and the collection's verdict has to be right under each.",
        "",
        "| behaviour | evidence | what | variants | source |",
        "|---|---|---|---|---|",
    ]
    for b in TABLE:
        variants = ", ".join(f"`{variant}`" for variant in b.variants)
        lines.append(f"| `{b.name}` | {b.evidence} | {b.what} | {variants} | {b.source} |")
    return "\n".join(lines) + "\n"
