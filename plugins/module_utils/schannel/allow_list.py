# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What Cisco's Tetra definition servers accept, and what they are called.

Data with a date: users can override the list (option ``allow_list``), ``fleetops.tetra.server_info`` can measure it.
"""

from __future__ import annotations

import re

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import AllowList

ALLOW_LIST: tuple[str, ...] = (
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_AES_128_GCM_SHA256",
)
SOURCE = 'Cisco support note "Cisco Secure Endpoint - Tetra definition update failure (3000 error)"'
DATE = "2022-08-04"
"""Day of the captures in the note; ISO 8601."""

TETRA_HOSTS: dict[str, str] = {
    "nam": "tetra-defs.amp.cisco.com",
    "eu": "tetra-defs.eu.amp.cisco.com",
    "apjc": "tetra-defs.apjc.amp.cisco.com",
}
"""Definition servers of Cisco's public cloud by region."""

_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ADDRESS = re.compile(r"[0-9a-f.]*:[0-9a-f:.]*")
"""An IPv6 address, as host_of leaves it; an IPv4 address is a host name by form."""
_CLOUD_SUFFIX = ".amp.cisco.com"


def describe(names: tuple[str, ...] | None = None) -> AllowList:
    """``{names, source, date}`` of the list that a verdict used; ``names`` is an override or ``None``."""
    if names is None or names == ALLOW_LIST:
        return {"names": list(ALLOW_LIST), "source": SOURCE, "date": DATE}
    return {"names": list(names), "source": "given by the user", "date": None}


def host_of(server: str) -> str:
    """The host of an update server setting: an URL, ``host:port`` or a bare name; lower case, no final dot. Empty where
    there is none."""
    start, scheme, rest = server.strip().partition("://")
    rest = (rest if scheme else start).split("/", 1)[0].rpartition("@")[2]
    if rest.startswith("["):
        return rest[1:].partition("]")[0].lower()
    return rest.partition(":")[0].rstrip(".").lower()


def names_a_host(server: str) -> bool:
    """Whether the setting names a host at all: a DNS name or an address."""
    host = host_of(server)
    return _ADDRESS.fullmatch(host) is not None or (len(host) < 254 and _HOST.fullmatch(host) is not None)


def is_cisco_cloud(server: str) -> bool:
    """Whether an update server setting names Cisco's public cloud, for which the allow-list holds."""
    host = host_of(server)
    return host in TETRA_HOSTS.values() or (host.startswith("tetra-defs.") and host.endswith(_CLOUD_SUFFIX))
