# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Who reads the domain, and how: the same for LDAP and SMB."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LogOn:
    """``user`` is ``NAME@REALM`` or ``DOMAIN\\NAME``; without a user the ticket in Kerberos' cache counts."""

    user: str | None = None
    password: str | None = None
    method: str = "negotiate"
    """``negotiate`` (Kerberos where there is a ticket or a KDC, else NTLM), ``kerberos``, ``ntlm``, or ``simple``."""

    def __repr__(self) -> str:
        return f"LogOn({self.user!r}, {self.method!r})"
