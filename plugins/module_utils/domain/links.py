# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""``gPLink`` and ``gPOptions`` of a container (MS-ADTS; MS-GPOL 2.2.2 and 3.2.5.1.5)."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.domain.names import key_of

_LINK: t.Final = re.compile(r"\[LDAP://([^\]]*?);\s*(-?\d{1,10})\s*\]", re.IGNORECASE)
_DISABLED, _ENFORCED, _BLOCKS = 1, 2, 1


class Link(t.NamedTuple):
    """One GPO at one container. ``gpo`` is the key of its distinguished name."""

    gpo: str
    enforced: bool = False
    disabled: bool = False


class Links(t.NamedTuple):
    """In the order of the attribute: the last one has the highest precedence. ``odd`` is what is no link in it."""

    links: tuple[Link, ...] = ()
    odd: str | None = None


def parse_links(value: str | None) -> Links:
    """``[LDAP://cn={GUID},cn=policies,…;0][…;2]``. Never raises: what is not understood is told as ``odd``."""
    text = (value or "").strip()
    found = tuple(
        Link(key_of(matched[1]), bool(int(matched[2]) & _ENFORCED), bool(int(matched[2]) & _DISABLED))
        for matched in _LINK.finditer(text)
    )
    rest = _LINK.sub("", text).strip()
    return Links(found, rest or None)


def blocks_inheritance(options: str | int | None) -> bool | None:
    """``gPOptions``: 1 keeps out what is not enforced. None for what is no number."""
    try:
        return bool(int(options or 0) & _BLOCKS)
    except ValueError:
        return None
