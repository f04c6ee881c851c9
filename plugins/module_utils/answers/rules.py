# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Every finding that a verdict can carry: a stable id, what it means, what shows it, what cures it, and the source.

``docs/rules.md`` is made from this catalogue (``render_markdown``); a test keeps the two and the code together.
Ids never change their meaning; a rule that goes leaves its id unused.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Evidence, Finding, Severity

SEVERITIES = ("high", "medium", "low", "info")

_LEARN = "https://learn.microsoft.com"
SUITES_PAGE = f"{_LEARN}/windows/win32/secauthn/cipher-suites-in-schannel"
PROTOCOLS_PAGE = f"{_LEARN}/windows/win32/secauthn/protocols-in-tls-ssl--schannel-ssp-"
MANAGE_TLS = f"{_LEARN}/windows-server/security/tls/manage-tls"
REGISTRY_PAGE = f"{_LEARN}/windows-server/security/tls/tls-registry-settings"
KB245030 = (
    f"{_LEARN}/troubleshoot/windows-server/certificates-and-public-key-infrastructure-pki/"
    "restrict-cryptographic-algorithms-protocols-schannel"
)
CHANGES_PAGE = f"{_LEARN}/windows-server/security/tls/tls-schannel-ssp-changes-in-windows-10-and-windows-server"
CHECKER = "https://github.com/microsoft/azure-devops-tls12"
EXCHANGE = "https://github.com/microsoft/CSS-Exchange"
CURVES_PAGE = f"{_LEARN}/windows/win32/secauthn/tls-elliptic-curves-in-windows-10-1607-and-later"
SIGNATURES_PAGE = "https://support.microsoft.com/help/2973337"
FIPS_PAGE = (
    f"{_LEARN}/windows/security/threat-protection/security-policy-settings/"
    "system-cryptography-use-fips-compliant-algorithms-for-encryption-hashing-and-signing"
)
CISCO_NOTE = 'Cisco support note "Cisco Secure Endpoint - Tetra definition update failure (3000 error)"'
CISCO_TROUBLE = 'Cisco TechNote 214787 "Troubleshooting TETRA definitions update failures"'
CISCO_SERVER = 'Cisco TechNote 213237 "AMP TETRA on-prem server configuration steps"'
MDM_PAGE = f"{_LEARN}/windows/client-management/mdm/policy-csp-cryptography#overrideminimumenabledtlsversionclient"
RSOP_PAGE = f"{_LEARN}/previous-versions/windows/desktop/Policy/rsop-registrypolicysetting"


@dataclass(frozen=True)
class Rule:
    """``severity``: high (updates fail because of it), medium (may fail, or the answer is doubtful), low (untidy, or
    rests on one leg), info (worth knowing)."""

    id: str
    severity: Severity
    title: str
    meaning: str
    fix: str
    source: str
    evidence: str
    """Where it stands (``source`` of the evidence, between back quotes) and what it shows."""


_ALL: tuple[Rule, ...] = (
    # The answer itself
    Rule("TETRA-NO-SUITE", "high", "None of the suites that the Tetra servers accept is offered",
         "The server answers such a Client Hello with a fatal alert, handshake_failure (40); the connector logs -3000.",
         "Put the accepted suites into the list that counts (policy or local), or switch on what switches them off; "
         "the reasons of each suite say which.", CISCO_NOTE,
         "`facts`: every accepted suite with its answer; the reasons below `suites` in the verdict name the fact "
         "behind each."),
    Rule("TETRA-SUITES-UNKNOWN", "medium", "It cannot be told whether an accepted suite is offered",
         "A fact that decides was not read, or Windows documents more than one behaviour for it.",
         "Read what is missing (rights, cmdlet), or let the endpoint make a handshake itself (tetra_probe).",
         CISCO_NOTE,
         "`facts`: every accepted suite with its answer; the reasons below `suites` in the verdict name the fact "
         "behind each."),
    Rule("TETRA-NOT-ALL-SUITES", "medium", "Not every accepted suite that this release can have is offered",
         "Asked for by the option require: all. The endpoint can still reach Tetra if one suite is left.",
         "Add the missing names to the list that counts.", CISCO_NOTE,
         "`facts`: every accepted suite with its answer; the reasons below `suites` in the verdict name the fact "
         "behind each."),
    Rule("TETRA-TLS13-ONLY", "medium", "Only the TLS 1.3 suite is left",
         "Both recorded updates used TLS 1.2; whether the updater offers TLS 1.3 is not known.",
         "Enable one of the accepted TLS 1.2 suites as well.", CISCO_NOTE,
         "`facts`: every accepted suite with its answer; the reasons below `suites` in the verdict name the fact "
         "behind each."),
    Rule("TETRA-TLS13-DEAD-END", "medium", "TLS 1.3 is offered, but not with the suite that the server accepts",
         "A server that has TLS 1.3 settles on the version first and then finds no suite: handshake_failure, although "
         "an accepted TLS 1.2 suite is offered. Whether the updater offers TLS 1.3 is not known.",
         "Add TLS_AES_128_GCM_SHA256 to the list, or switch TLS 1.3 off for clients.", "RFC 8446, section 4.1.1",
         "`facts`: every accepted suite with its answer; the reasons below `suites` in the verdict name the fact "
         "behind each."),
    Rule("TETRA-ONE-SUITE", "low", "The endpoint reaches Tetra through a single suite",
         "On Windows 7 to 8.1 and Server 2008 R2 to 2012 R2 only the DHE suite exists; one change to the list, to the "
         "Diffie-Hellman switch or on the server side ends the updates.",
         "Move to a release with ECDHE_RSA and GCM (Windows 10 or Server 2016 and later).", CHANGES_PAGE,
         "`release_table`: the release by its build number."),
    Rule("TETRA-STRICT", "info", "Suites outside the accepted list are offered",
         "Harmless for the update. Suites that an application must ask for (pre-shared key, NULL) do not count.",
         "Only where the option strict asks for it: take them out of the list.", SUITES_PAGE,
         "`facts`: how many suites; their names stand in `strictness.outside`."),
    # The list
    Rule("TETRA-POLICY-LIST", "info", "A policy sets the order of cipher suites",
         "The policy list replaces the local list; what it does not name is not used.",
         "Nothing, as long as it holds an accepted suite that this release can use.", SUITES_PAGE,
         "`registry`: the policy value Functions, as stored."),
    Rule("TETRA-POLICY-TYPE", "medium", "The policy list has the wrong registry type",
         "The policy writes one REG_SZ. For REG_MULTI_SZ one project reports that Windows ignores the value "
         "and uses the "
         "local list; for REG_EXPAND_SZ nothing is known. An account without WMI cannot tell it from REG_SZ.",
         "Write the value as REG_SZ, names separated by commas.",
         "https://github.com/fbprogmbh/Hardening-Audit-Tool-AuditTAP/issues/448",
         "`registry`: the policy value Functions, as stored; the title names its type."),
    Rule("TETRA-POLICY-EMPTY", "medium", "The policy list is empty",
         "What Windows does with an empty list is not documented: no suite at all, or the local list.",
         "Fill the list or set the policy to Not configured.", MANAGE_TLS,
         "`registry`: the policy value Functions: empty, or commas and spaces."),
    Rule("TETRA-POLICY-LENGTH", "medium", "The policy list is longer than 1023 characters",
         "Microsoft documents 1023 characters as the limit; what lies behind it may not count.",
         "Shorten the list; the accepted suites come first.", MANAGE_TLS,
         "`registry`: the policy value Functions; the title counts its characters."),
    Rule("TETRA-LIST-SPELLING", "medium", "The list of suites is not strictly comma delimited",
         "Spaces, semicolons, lower case or control characters: whether Windows recognises such a name is not known.",
         "Write the names in upper case, separated by single commas.", MANAGE_TLS,
         "`registry`: the value Functions that holds the list, as stored."),
    Rule("TETRA-LIST-EMPTY-ITEM", "medium", "The list of suites has empty items",
         "Two commas in a row, or one at the end. Microsoft's wording allows the last one; whether Windows passes over "
         "such a list is not verified.",
         "Remove the extra commas.", MANAGE_TLS,
         "`registry`: the value Functions that holds the list, as stored."),
    Rule("TETRA-LIST-DUPLICATE", "low", "The list of suites names a suite more than once",
         "The effect is documented nowhere; the first one is taken to count.", "Remove the later ones.", MANAGE_TLS,
         "`registry`: the value Functions that holds the list, as stored."),
    Rule("TETRA-LIST-UNKNOWN-NAME", "low", "The list holds names that this release does not know",
         "Get-TlsCipherSuite shows them with id 0 and no protocols, or the release's table lacks them. They "
         "are not used.",
         "Correct or remove the names.", EXCHANGE,
         "`registry` or `cmdlet` or `release_table`: the names that the table of the release lacks, and the list "
         "that holds them."),
    Rule("TETRA-LIST-SUFFIX", "medium", "An accepted suite is listed only with a curve suffix",
         "From Windows 10 on the suffix is not needed, and the cmdlet cannot resolve such a name; whether it "
         "is offered "
         "is not known.", "Write the name without _P256, _P384 or _P521.", MANAGE_TLS,
         "`registry` or `cmdlet`: the list that holds the name with its suffix."),
    Rule("TETRA-LIST-UNSUPPORTED", "medium", "The list names accepted suites that this release cannot use",
         "The name is shown, the suite is never offered.",
         "Do not count on it; on Windows 7 to 8.1 and Server 2008 R2 to 2012 R2 add "
         "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256.", SUITES_PAGE,
         "`registry` or `cmdlet`: the accepted names that the table of the release lacks, and the list that holds "
         "them."),
    Rule("TETRA-LOCAL-LIST", "low", "The local list is missing, empty or of the wrong type",
         "Every Windows holds its default list there. What applies without it is not documented.",
         "Set the order by policy, or restore the list with Enable-TlsCipherSuite.", MANAGE_TLS,
         "`registry`: the local value Functions, or that there is none."),
    Rule("TETRA-UPDATE-DEPENDENT", "medium", "The DHE suite may be missing until an update is installed",
         "On Windows 7 to 8.1 and Server 2008 R2 to 2012 R2 it came with KB3042058 or KB2919355; the local "
         "list does not "
         "show it.", "Install the update, or let the endpoint make a handshake itself (tetra_probe).", SUITES_PAGE,
         "`registry`: the local value Functions, which names neither of the two DHE suites that came with the "
         "update."),
    Rule("TETRA-NO-TLS13-SUITE", "low", "TLS 1.3 is on, but the list holds no TLS 1.3 suite",
         "The client then has to fall back to TLS 1.2. A listener of this host that negotiates TLS 1.3, such as WinRM "
         "over HTTPS, can become unreachable.", "Keep one TLS 1.3 suite in the list.",
         "https://github.com/diyan/pywinrm/issues/363",
         "`registry`: the policy value Functions."),
    Rule("TETRA-TLS13-CLAIM", "low", "The cmdlet shows a TLS 1.3 suite on a release without TLS 1.3",
         "Microsoft lists TLS 1.3 for Windows 11 and Server 2022 and later only; the release's table wins.",
         "Count on the TLS 1.2 suites.", PROTOCOLS_PAGE,
         "`cmdlet`: name, id and protocols as Get-TlsCipherSuite shows them."),
    Rule("TETRA-SOURCES-DIFFER", "medium", "The cmdlet and the registry tell different lists",
         "A change that waits for a reboot looks like this; so does a value that Windows ignores.",
         "Reboot and read again, or let the endpoint make a handshake itself (tetra_probe).", EXCHANGE,
         "`cmdlet`: the list that Get-TlsCipherSuite shows; what the registry holds stands in the reasons of each "
         "suite."),
    Rule("TETRA-ID-DIFFERS", "medium", "The cmdlet gives a suite another id than the standard does",
         "Name and id must belong together (IANA TLS parameters).", "Look at the endpoint by hand.", EXCHANGE,
         "`cmdlet`: name, id and protocols as Get-TlsCipherSuite shows them."),
    # Switches
    Rule("TETRA-PROTOCOL-OFF", "high", "TLS 1.2 is switched off for clients",
         "Enabled = 0 switches a protocol off, whatever the application asks for.",
         r"Set Protocols\TLS 1.2\Client Enabled = 1 and DisabledByDefault = 0, or remove both.", REGISTRY_PAGE,
         "`registry`: Protocols\\TLS 1.2\\Client, value Enabled: 0."),
    Rule("TETRA-PROTOCOL-DEFAULT", "medium", "TLS 1.2 is disabled by default for clients",
         "Only a program that asks for TLS 1.2 by itself gets it; whether the updater does is not known.",
         r"Set Protocols\TLS 1.2\Client DisabledByDefault = 0 and Enabled = 1.", PROTOCOLS_PAGE,
         "`registry`: Protocols\\TLS 1.2\\Client, value DisabledByDefault; no value where it is the release's own "
         "default."),
    Rule("TETRA-MDM-MINIMUM-TLS", "medium", "An MDM policy may leave no TLS 1.2 to clients",
         "OverrideMinimumEnabledTLSVersionClient raises the lowest TLS version of clients (Windows 11 24H2 and later). "
         "Microsoft documents neither where Windows keeps the policy nor the form of its value; the value found is not "
         "clearly TLS 1.2 or lower, so the answer stays open.",
         "Set the policy to 1.2 or take it back in the device management, or capture an update.", MDM_PAGE,
         "`registry`: the value of that name in the mirror of the MDM policies or beside the policy list, as "
         "stored."),
    Rule("TETRA-WINHTTP-PROTOCOLS", "medium", "DefaultSecureProtocols leaves out TLS 1.2",
         "Counts for programs that use WinHTTP. The updater's CONNECT request suggests that it does not, but "
         "that is no "
         "proof.", "Add 0x800 to DefaultSecureProtocols or remove the value.", CHECKER,
         "`registry`: the value DefaultSecureProtocols of WinHTTP, a bit for each protocol."),
    Rule("TETRA-CIPHER-OFF", "high", "A cipher that accepted suites need is switched off",
         "Three of the four accepted suites use AES 128/128. Hardening guides switch it off.",
         r"Remove Enabled = 0 below SCHANNEL\Ciphers.", KB245030,
         "`registry`: the value Enabled of that cipher: 0."),
    Rule("TETRA-HASH-OFF", "high", "A hash that accepted suites need is switched off",
         "Switching off SHA256 or SHA384 takes away the suites built on it; without SHA256 the client may also stop "
         "accepting the server's signatures.", r"Remove Enabled = 0 below SCHANNEL\Hashes.", KB245030,
         "`registry`: the value Enabled of that hash: 0."),
    Rule("TETRA-KEY-EXCHANGE-OFF", "high", "A key exchange that accepted suites need is switched off",
         "ECDH carries the ECDHE suites, Diffie-Hellman the DHE suite.",
         r"Remove Enabled = 0 below SCHANNEL\KeyExchangeAlgorithms.", CHECKER,
         "`registry`: the value Enabled of that key exchange: 0."),
    Rule("TETRA-PKCS-OFF", "low", "The key exchange PKCS is switched off",
         "Takes away the suites with RSA key exchange. Whether ECDHE_RSA suffers too is not verified; it is "
         "taken to go "
         "on working.", "Leave PKCS on and remove the RSA suites from the list instead.", KB245030,
         "`registry`: KeyExchangeAlgorithms\\PKCS, value Enabled: 0."),
    Rule("TETRA-SWITCH-VALUE", "medium", "A Schannel switch has a value that is not documented",
         "Documented are 0 and 0xFFFFFFFF as REG_DWORD below Ciphers, Hashes and KeyExchangeAlgorithms. Tools "
         "read other "
         "values in both ways.", "Write 0xFFFFFFFF as REG_DWORD, or remove the value.", KB245030,
         "`registry`: the switch and its value, as stored."),
    Rule("TETRA-SWITCH-UNREAD", "medium", "A Schannel switch could not be read",
         "It may switch off what an accepted suite needs; what rests on it is unknown.",
         "Read it with sufficient rights, then judge again.", KB245030,
         "`registry`: the key below SCHANNEL, and why it could not be read."),
    Rule("TETRA-TLS13-FORCED", "low", "TLS 1.3 is switched on for a release that does not have it",
         "Microsoft: enabling TLS 1.3 before Windows 11 and Server 2022 is not a safe system configuration. No suite "
         "is counted because of it.", r"Remove Protocols\TLS 1.3\Client.", PROTOCOLS_PAGE,
         "`registry`: Protocols\\TLS 1.3\\Client, value Enabled."),
    Rule("TETRA-DH-KEY-LENGTH", "medium", "The allowed Diffie-Hellman group sizes may exclude the server's",
         "ClientMinKeyBitLength and ClientMaxKeyBitLength bound the group that the server may choose; its size is not "
         "known.", "Allow 2048 to 4096 bits, or remove the values.", REGISTRY_PAGE,
         "`registry`: the limit below Diffie-Hellman that is out of the usual, in bits."),
    Rule("TETRA-RSA-KEY-LENGTH", "medium", "The allowed RSA key sizes may exclude the server's certificate",
         "ClientMinKeyBitLength and ClientMaxKeyBitLength below PKCS bound RSA keys; whether they bind the server's "
         "certificate in ECDHE suites is not known.", "Allow 2048 to 4096 bits, or remove the values.", REGISTRY_PAGE,
         "`registry`: the limit below PKCS that is out of the usual, in bits."),
    Rule("TETRA-CURVES", "medium", "The enabled curves may not suit the server",
         "ECDHE and TLS 1.3 need a curve that both sides have. NistP256 is the safe minimum; without it the outcome "
         "depends on the server.", "Add NistP256 to the ECC curve order.", CHECKER,
         "`registry` or `cmdlet` or `release_table`: the list of curves that counts, or that may count."),
    Rule("TETRA-CURVES-VALUE", "medium", "The list of curves is empty or of the wrong type",
         "EccCurves is a REG_MULTI_SZ with one curve a line; what Windows makes of anything else is not documented.",
         "Write the curves as REG_MULTI_SZ, or remove the value.", CURVES_PAGE,
         "`registry`: the value EccCurves, as stored."),
    Rule("TETRA-CURVES-DIFFER", "low", "The cmdlet and the registry tell different curves",
         "A new curve policy counts after the next reboot.", "Reboot and read again.", MANAGE_TLS,
         "`cmdlet`: the curves that Get-TlsEccCurve shows."),
    Rule("TETRA-SIGNATURES", "medium", "The signature algorithms may not suit the server",
         "A server with an RSA certificate signs its key exchange with RSA/SHA256, in TLS 1.3 with RSAE-PSS/SHA256. A "
         "client that offers none it can use gets a fatal alert 40, whatever suites it has.",
         "Put RSA/SHA256 and, with TLS 1.3, RSAE-PSS/SHA256 back into the list.", SIGNATURES_PAGE,
         "`registry` or `release_table`: the list of signature algorithms that counts, or that may count."),
    Rule("TETRA-FIPS", "info", "FIPS mode is on",
         "curve25519 is not available then; AES-GCM with the NIST curves stays usable.", "Nothing.", FIPS_PAGE,
         "`registry`: the value Enabled of FipsAlgorithmPolicy."),
    # In force
    Rule("TETRA-REBOOT", "medium", "A change of the list waits for a reboot",
         "Microsoft: a new order takes effect on the next boot. What the endpoint offers until then may be "
         "the old list.",
         "Reboot, then update the definitions again.", MANAGE_TLS,
         "`file` or `cmdlet` or `log` or `facts`: the sign: a Registry.pol younger than the boot, another list in "
         "the cmdlet, a failed update since the boot, or a change of ours."),
    Rule("TETRA-REBOOT-PENDING", "info", "Windows waits for a reboot for a reason of its own",
         "No flag of Windows is set by a change of the list, so this says nothing about whether the list is in force. "
         "But the reboot will put in force what is configured by then, and servicing can reset the local list.",
         "Reboot when it suits, and audit again.", MANAGE_TLS,
         "`facts`: the flags that are set. Pending renames of files alone are too common to be told."),
    Rule("TETRA-PROBE-OK", "info", "The endpoint's own handshake with Tetra succeeded",
         "Proof that network, proxy and suites fit, for a program that asks for its protocols by itself.",
         "Nothing.", "https://curl.se/docs/manpage.html",
         "`probe`: the host and what curl.exe ended with."),
    Rule("TETRA-PROBE-FAILED", "high", "The endpoint's own handshake with Tetra failed in TLS",
         "Whatever the configuration says, this endpoint does not reach Tetra now.",
         "Follow the cause; after a change reboot first and probe again.", "https://curl.se/docs/manpage.html",
         "`probe`: the host and what curl.exe ended with."),
    Rule("TETRA-PROBE-NETWORK", "medium", "The endpoint's own handshake never got to TLS",
         "Name lookup, connection or proxy failed before any TLS. The answer on suites stands for itself.",
         "Cure the network first.", CISCO_TROUBLE,
         "`probe`: the host and what curl.exe ended with."),
    Rule("TETRA-PROBE-CONTRADICTS", "medium", "The endpoint reaches Tetra, although its configuration says it cannot",
         "Most likely the change of configuration waits for a reboot, and the next boot will break the updates.",
         "Correct the list before the next reboot.", MANAGE_TLS,
         "`probe`: the host of the handshake; the reasons of each suite say what the configuration lacks."),
    Rule("TETRA-PROBE-HOST", "low", "The endpoint's own handshake was made with another host",
         "Only a handshake with the server that the connector uses proves anything.",
         "Probe the Tetra host of the region.", CISCO_NOTE,
         "`probe`: the host that was asked."),
    # The machine
    Rule("TETRA-IDENTITY", "high", "Another machine answers than the name says",
         "A name that answers as another machine than before, or a machine under two names, may be an address that was "
         "given away, a wrong DNS entry or a planted answer: what is judged here may not be what is repaired. Clones "
         "share a machine GUID, and setting up anew changes it. No repair is begun until the name is accepted.",
         "Look which machine answers; then name it in tetra_accept_identity.", "docs/compliance.md",
         "`facts`: what differs, or the other name."),
    # The connector
    Rule("TETRA-CONNECTOR-ABSENT", "info", "Cisco Secure Endpoint is not installed",
         "There is nothing to update. In a golden image the connector is usually installed later, so there the suites "
         "are judged all the same.", "Nothing.", CISCO_NOTE,
         "`facts`: why nothing of the connector was found."),
    Rule("TETRA-CONNECTOR-STOPPED", "high", "The connector's service does not run",
         "Without it nothing is updated, whatever TLS could do.", "Start the service; look at the connector's health.",
         CISCO_TROUBLE,
         "`service`: the service and its state, or that there is none."),
    Rule("TETRA-CONNECTOR-UNKNOWN", "info", "The connector could not be looked at",
         "Whether Tetra is on, and from which server it updates, is not known; the suites are judged for "
         "Cisco's cloud.",
         "Read with administrator rights, or ask the console.", CISCO_NOTE,
         "`facts` or `file`: what could not be read, and why."),
    Rule("TETRA-OFF", "info", "Tetra is switched off in the connector's policy",
         "No definitions are fetched.", "Nothing, unless it should be on.", CISCO_NOTE,
         "`file`: the switch of Tetra in policy.xml or local.xml."),
    Rule("TETRA-OWN-SERVER", "info", "Definitions come from an own update server",
         "The accepted list is that server's, not the cloud's.", "Measure that server with fleetops.tetra.server_info.",
         CISCO_SERVER,
         "`file`: the update server in policy.xml."),
    Rule("TETRA-UPDATE-FAILED", "medium", "The last definition update failed",
         "-3000 (4294964296) is documented only as Unknown_Error: a missing common suite is one cause among several.",
         "See the cause.", CISCO_NOTE,
         "`log`: the line of sfc.exe.log, and its code."),
    # The platform and the reading
    Rule("TETRA-RELEASE-UNKNOWN", "medium", "The Windows release is not known",
         "Without the build number the release's tables cannot be used; Vista, Server 2008 and older are in none.",
         "Read CurrentBuildNumber.", SUITES_PAGE,
         "`facts`: the build number, or why there is none."),
    Rule("TETRA-RELEASE-NEAREST", "low", "The Windows build is in no table",
         "It is judged like the nearest older release.", "Update the collection.", SUITES_PAGE,
         "`facts`: the build number."),
    Rule("TETRA-SESSION", "low", "The session is not a 64-bit Windows PowerShell",
         "A 32-bit process or PowerShell 7 can see other parts of the registry and other cmdlets.",
         "Use the session configuration Microsoft.PowerShell.",
         f"{_LEARN}/windows/win32/winprog64/registry-redirector",
         "`session`: the session configuration, the PowerShell version, bits and edition."),
    Rule("TETRA-READ-FAILED", "medium", "A part of the facts could not be read",
         "Refused, failed, or damaged in the document; what rests on it is unknown.",
         "Read it again with sufficient rights.", "docs/documents.md",
         "`facts`: the section of the facts, its status, and the reason."),
    Rule("TETRA-POLICY-OUT-OF-STEP", "medium", "The registry does not match the policy that owns it",
         "Somebody changed the value after the policy was applied, or the policy has not been applied yet; "
         "the next full "
         "refresh puts the policy's value back.", "Change the policy itself; then refresh it.", RSOP_PAGE,
         "`registry`: the policy value Functions; what its owner asks for stands in `policy_origin`."),
    Rule("TETRA-DOMAIN-JOIN", "high", "The policy of the domain would undo what is right here",
         "The domain sets or removes a value, and with it the machine is judged worse than it is now. The first "
         "refresh of "
         "the policy after the join writes it.",
         "Correct that value in the GPO before a machine like this joins the domain.", MANAGE_TLS,
         "`domain_policy`: the GPO that was handed over, its value, and what the machine holds."),
    Rule("TETRA-NOT-AUDITED", "high", "The endpoint could not be asked",
         "Nothing is known about it.", "See the error; cure the connection and audit again.", "docs/documents.md",
         "`session`: the kind of error and its sentence."),
)  # fmt: skip

RULES: dict[str, Rule] = {rule.id: rule for rule in _ALL}


def finding(rule_id: str, evidence: Evidence, title: str | None = None) -> Finding:
    """One finding of a verdict. ``title`` replaces the rule's own where it can be more exact."""
    rule = RULES[rule_id]
    return {
        "rule": rule.id,
        "severity": rule.severity,
        "title": title or rule.title,
        "evidence": evidence,
        "source": rule.source,
    }


def render_markdown() -> str:
    """The text of ``docs/rules.md``."""
    lines = [
        "# Rules",
        "",
        "Every finding of a verdict names one of these rules.",
        "Made from `plugins/module_utils/answers/rules.py` (the function `render_markdown`); a test compares the two.",
        "",
        "Severity: *high* updates fail because of it, *medium* they may fail or the answer is doubtful,",
        "*low* untidy or resting on one leg, *info* worth knowing.",
        "",
        "| rule | severity | finding |",
        "|---|---|---|",
    ]
    lines += [f"| [{rule.id}](#{rule.id.lower()}) | {rule.severity} | {rule.title} |" for rule in _ALL]
    for rule in _ALL:
        lines += ["", f"## {rule.id}", "", f"**{rule.title}** ({rule.severity})", "", rule.meaning, ""]
        lines += [f"*Evidence:* {rule.evidence}", "", f"*Fix:* {rule.fix}", "", f"*Source:* {rule.source}"]
    return "\n".join(lines) + "\n"
