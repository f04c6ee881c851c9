# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the account of the session may do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """``kind``: ``administrator``, ``filtered`` (an administrator whose token UAC filtered), ``user``."""

    kind: str = "administrator"

    @property
    def elevated(self) -> bool:
        return self.kind == "administrator"

    @property
    def may_use_wmi(self) -> bool:
        """Plain users have no remote access to WMI namespaces, RSoP least of all."""
        return self.kind != "user"

    @property
    def may_query_services(self) -> bool:
        return self.kind != "user"

    @property
    def may_write(self) -> bool:
        """HKEY_LOCAL_MACHINE and the folders of Windows."""
        return self.elevated


KINDS = ("administrator", "filtered", "user")
