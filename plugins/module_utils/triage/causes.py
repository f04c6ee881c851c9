# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The causes of a failing definition update that can be told apart: title, what would settle it, and the mend in order.

Which there are: Cisco TechNote 214787 (name lookup, certificate and revocation check, interruption, proxy), the note on
error -3000 (suites), TechNote 118121 (servers, no decryption) and 213237 (own update server).
"""

from __future__ import annotations

import typing as t


class Cause(t.NamedTuple):
    title: str
    settle: str
    mend: tuple[str, ...]


_AGAIN: t.Final = "Ask for an update again and look at the newest PerformTetraUpdate line of the log."
_EXCEPT: t.Final = "Except the definition servers (and *.amp.cisco.com) from TLS inspection: Cisco does not allow it."

CAUSES: t.Final[dict[str, Cause]] = {
    "no_suite_in_common": Cause(
        "The endpoint offers no cipher suite that the definition servers accept",
        "A capture shows a Client Hello without an accepted suite and alert 40 right after it.",
        ("Run fleetops.tetra.remediation for this endpoint, or change the GPO that it names.", "Restart.", _AGAIN),
    ),
    "algorithm_switched_off": Cause(
        "A cipher, hash or key exchange that the accepted suites need is switched off",
        "The Client Hello lacks the suites built on that algorithm.",
        ("Run fleetops.tetra.remediation, which names the switch.", "Restart.", _AGAIN),
    ),
    "tls_1_2_off": Cause(
        "TLS 1.2 is switched off for clients",
        "The Client Hello offers less than TLS 1.2, or alert 70 came back.",
        ("Run fleetops.tetra.remediation, which switches TLS 1.2 on.", "Restart.", _AGAIN),
    ),
    "no_group_in_common": Cause(
        "The endpoint offers no elliptic curve that the servers have",
        "A suite in common stands in the Client Hello, NistP256 does not, and alert 40 came back.",
        ("Put NistP256 into the list of curves (EccCurves).", "Restart.", _AGAIN),
    ),
    "restart_pending": Cause(
        "The settings would do, but are not in force before a restart",
        "The Client Hello follows the list that stood there before.",
        ("Restart the endpoint: fleetops.tetra.reboot.", _AGAIN),
    ),
    "server_refuses_otherwise": Cause(
        "The server refuses although a suite is in common",
        "fleetops.tetra.server_info finds another list than the allow-list, or a direct handshake succeeds.",
        ("Measure the servers with fleetops.tetra.server_info.", "Compare with the capture of a good endpoint."),
    ),
    "server_fault": Cause(
        "The server, or a middlebox that answers for it, reports a fault of its own",
        "Other endpoints fail at the same time by the same alert.",
        ("Try again later.", "Ask those who run the proxy whether it reaches the servers."),
    ),
    "interception": Cause(
        "Somebody between the endpoint and the server decrypts the traffic",
        "The certificate that the endpoint is shown comes from an authority of your own, and not over another way.",
        (_EXCEPT, _AGAIN),
    ),
    "proxy_authentication": Cause(
        "The proxy asks for authentication, which the updater does not send",
        "The proxy answers CONNECT with 407.",
        ("Let the proxy pass CONNECT to the definition servers without authentication.", _AGAIN),
    ),
    "proxy_rule": Cause(
        "A rule of the proxy forbids the tunnel",
        "The proxy answers CONNECT with 403 or another refusal.",
        ("Allow CONNECT to the definition servers on port 443.", _AGAIN),
    ),
    "proxy_upstream": Cause(
        "The proxy cannot reach the definition servers",
        "The proxy answers CONNECT with 502, 503 or 504.",
        ("Let the proxy resolve and reach the definition servers.", _AGAIN),
    ),
    "proxy_unreachable": Cause(
        "The proxy cannot be connected to",
        "A TCP connection to the proxy's port fails from the endpoint.",
        ("Check address and port of the proxy in the connector's policy.", "Open the way to it.", _AGAIN),
    ),
    "proxy_name": Cause(
        "The name of the proxy does not resolve",
        "curl.exe on the endpoint ends with code 5.",
        ("Correct the proxy's name in the connector's policy, or the name service.", _AGAIN),
    ),
    "name_resolution": Cause(
        "The name of the definition server does not resolve",
        "curl.exe on the endpoint ends with code 6.",
        ("Let the endpoint resolve the definition servers' names.", _AGAIN),
    ),
    "hosts_file": Cause(
        "The hosts file leads the definition server's name elsewhere",
        "Without the line the name resolves to another address, which answers.",
        ("Take the line out of the hosts file.", _AGAIN),
    ),
    "windows_firewall": Cause(
        "A rule of the Windows firewall blocks the way out",
        "With the rule off the connection succeeds.",
        ("Change the rule, or allow sfc.exe to port 443.", _AGAIN),
    ),
    "connection_refused": Cause(
        "The TCP connection to the server is refused",
        "A reset comes in answer to the opening packet.",
        ("Open port 443 to the definition servers by name.", _AGAIN),
    ),
    "connection_dropped": Cause(
        "The TCP connection to the server is never answered",
        "Opening packets leave, and nothing comes back.",
        ("Open port 443 to the definition servers by name, or give the connector a proxy.", _AGAIN),
    ),
    "reset_after_hello": Cause(
        "The connection is reset right after the Client Hello",
        "The reset has another TTL than the server's answer to the opening packet.",
        ("Find the device on the way that resets by server name.", _EXCEPT, _AGAIN),
    ),
    "silence_after_hello": Cause(
        "The Client Hello is never answered",
        "The capture shows the hello acknowledged, or sent again and again.",
        ("Look for a device that drops large or unknown hellos, and at the path's MTU.", _AGAIN),
    ),
    "not_tls": Cause(
        "Something that does not speak TLS answers",
        "The answer to the hello starts like a page.",
        ("Find the portal or block page on the way.", _AGAIN),
    ),
    "root_missing": Cause(
        "The root of the servers' certificate is missing, and Windows may not fetch it",
        "The handshake succeeds with the check switched off (curl -k), and the root is not in the store.",
        ("Install the root, or allow root updates (ctldl.windowsupdate.com).", _AGAIN),
    ),
    "revocation_blocked": Cause(
        "The revocation check cannot reach its servers",
        "The handshake succeeds without the check (curl --ssl-no-revoke).",
        ("Allow plain HTTP to the revocation servers that the certificate names.", _AGAIN),
    ),
    "clock_wrong": Cause(
        "The endpoint's clock is wrong",
        "With the right time the certificate is valid.",
        ("Let the endpoint synchronise its clock.", _AGAIN),
    ),
    "disk_full": Cause(
        "The disk has too little room for definitions",
        "With a gigabyte free the update succeeds.",
        ("Free at least 1 GB on the connector's drive.", _AGAIN),
    ),
    "service_stopped": Cause(
        "The connector's service does not run",
        "The service runs, and the next update succeeds.",
        ("Start the service.", _AGAIN),
    ),
    "connector_broken": Cause(
        "The connector's program files are missing",
        "The service's program does not exist.",
        ("Repair or install the connector again.", _AGAIN),
    ),
    "connector_missing": Cause(
        "Cisco Secure Endpoint is not installed",
        "Neither service nor folder exist.",
        ("Install the connector, or take the endpoint off the list.",),
    ),
    "tetra_off": Cause(
        "The Tetra engine is switched off for this endpoint",
        "The policy or the installation says so.",
        ("Nothing has to be mended; switch Tetra on in the policy if it is wanted.",),
    ),
    "isolated": Cause(
        "The endpoint is isolated",
        "The console shows the isolation, and its end lets the update pass.",
        ("End the isolation in the console when the incident is over.", _AGAIN),
    ),
    "own_update_server": Cause(
        "The endpoint's own update server is what fails",
        "The policy names a server of your own; Cisco's is not asked.",
        ("Check that server: reachable, certificate trusted, suites.", _AGAIN),
    ),
    "download_interrupted": Cause(
        "The download breaks off",
        "The capture shows data, then a reset.",
        ("Look for a size or time limit of the proxy.", "Try again."),
    ),
    "definitions_damaged": Cause(
        "The net is in order, and the engine refuses the definitions",
        "The handshake succeeds, and the update fails all the same.",
        ("Ask for an update with debug logging and give the bundle to Cisco's support.",),
    ),
    "does_not_try": Cause(
        "The connector does not ask for definitions",
        "No new line in the log after an update was asked for.",
        ("Check the update interval in the policy.", "Restart the connector's service.", _AGAIN),
    ),
    "works_now": Cause(
        "The update succeeds now",
        "The newest update in the log succeeded.",
        ("Nothing: the failure was of the past.",),
    ),
}
"""By code."""
