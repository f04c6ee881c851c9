# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Where the console's API is: by region, or a base address of one's own (a private cloud, a gateway, a lab).

Hosts as in Cisco's developer pages: ``api.amp.cisco.com``, ``api.eu.amp.cisco.com``, ``api.apjc.amp.cisco.com`` for
version 1 and 3, and ``visibility.*`` for the first of version 3's two tokens.
"""

from __future__ import annotations

import ipaddress
import typing as t
from urllib.parse import urlsplit

from ansible_collections.fleetops.tetra.plugins.module_utils.console.errors import ConsoleError

REGIONS: t.Final[t.Mapping[str, str]] = {"nam": "amp.cisco.com", "eu": "eu.amp.cisco.com", "apjc": "apjc.amp.cisco.com"}


class Addresses(t.NamedTuple):
    """Base addresses without a slash at the end; ``token`` is where version 3 begins to log on."""

    api: str
    token: str


def addresses(region: str = "nam", base_url: str | None = None, token_url: str | None = None) -> Addresses:
    """The addresses to use. Errors: ConsoleError for an unknown region and an address that cannot be trusted."""
    domain = REGIONS.get(region)
    if domain is None:
        raise ConsoleError(f"There is no region {region!r}; choose one of {', '.join(REGIONS)}, or set a base address.")
    api = _checked(base_url, "base address") if base_url else f"https://api.{domain}"
    if token_url:
        return Addresses(api, _checked(token_url, "token address"))
    token = f"{api}/iroh/oauth2/token" if base_url else f"https://visibility.{domain}/iroh/oauth2/token"
    return Addresses(api, token)


def same_place(base: str, url: str) -> bool:
    """Whether an address lies on the same scheme, host and port, so that credentials may be sent there."""
    try:
        ours, theirs = urlsplit(base), urlsplit(url)
        return (ours.scheme, ours.hostname, _port(ours)) == (theirs.scheme, theirs.hostname, _port(theirs)) and (
            theirs.username is None and theirs.password is None
        )
    except ValueError:
        return False


def host_of(url: str) -> str:
    """The host of an address, for sentences."""
    return urlsplit(url).hostname or url


def _port(parts: t.Any) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _checked(url: str, what: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConsoleError(f"The {what} is no address: write it as https://console.example.") from None
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise ConsoleError(f"The {what} is no address: write it as https://console.example.")
    if parts.username is not None or parts.password is not None:
        raise ConsoleError(f"The {what} holds a user or password; give credentials by their own options.")
    if parts.query or parts.fragment:
        raise ConsoleError(f"The {what} must end with its path; leave out what stands behind ? or #.")
    if parts.scheme == "http" and not _loopback(host):
        raise ConsoleError(
            f"The {what} begins with http, so the credentials would cross the network in clear: use https."
        )
    return url.rstrip("/")


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
