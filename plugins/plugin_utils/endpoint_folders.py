# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of an endpoint, from its facts."""

from __future__ import annotations

import typing as t


def system_root(facts: t.Mapping[str, t.Any]) -> str:
    """Where Windows lies, by the path of its local group policy."""
    path = str(facts["policy_origin"]["local_gpo"].get("path") or "")
    folder = path.lower().find("\\system32\\")
    return path[:folder] if folder > 0 else r"C:\Windows"
