# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Names of computers: how one of the console and one of an inventory or directory are brought together.

Rules: without the blanks around it, without regard to case, cut at the first dot (recordings show short names;
a domain member's form is not documented). What is no host name has no key and is never joined. NetBIOS names are cut
at 15 characters, so two names whose first 15 agree are *probable*, never *same*.
"""

from __future__ import annotations

import re
import typing as t

NETBIOS_LENGTH: t.Final = 15
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*")
_ADDRESS = re.compile(r"[0-9.]+")


def full_key(name: t.Any) -> str | None:
    """A host name in lower case with its domain, or ``None`` for what is none (``John's Laptop``, an address)."""
    if not isinstance(name, str):
        return None
    folded = name.strip().removesuffix("$").rstrip(".").casefold()
    if len(folded) > 253 or not _HOST.fullmatch(folded) or _ADDRESS.fullmatch(folded):
        return None
    return folded


def short_key(name: t.Any) -> str | None:
    """The same without its domain."""
    full = full_key(name)
    return full.partition(".")[0] if full else None


def domain_of(name: t.Any) -> str | None:
    """The domain of a full name."""
    full = full_key(name)
    return full.partition(".")[2] or None if full else None


def agree(one: t.Any, other: t.Any) -> t.Literal["same", "probable", "different"]:
    """Whether two names mean one computer: ``same`` where the short names agree and no two domains contradict."""
    first, second = short_key(one), short_key(other)
    if first is None or second is None:
        return "different"
    domains = {domain for domain in (domain_of(one), domain_of(other)) if domain}
    if first == second:
        return "same" if len(domains) < 2 else "different"
    cut = len(first) != len(second) and min(len(first), len(second)) == NETBIOS_LENGTH
    if cut and first[:NETBIOS_LENGTH] == second[:NETBIOS_LENGTH] and len(domains) < 2:
        return "probable"
    return "different"
