# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Folders of an endpoint, from its facts."""

from __future__ import annotations

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.windows_folders import WindowsFolders


def folders_of(facts: Facts) -> WindowsFolders:
    """By the paths of its local group policy and of the policy's archive; the usual ones where these are not known."""
    origin, usual = facts["policy_origin"], WindowsFolders()
    policy = str(origin["local_gpo"].get("path") or "")
    root = policy[: max(policy.lower().find("\\system32\\"), 0)]
    data = str(origin["archive"].get("path") or "").rpartition("\\")[0]
    return WindowsFolders(root or usual.system_root, data or usual.program_data)
