# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Is one of the values that a plan would write on the endpoint written again and again by Group Policy Preferences?

Such a value would not last, so the plan is blocked and names the GPO. What cannot be read here speaks against nothing:
a change that does not last is found out by the proof after the restart.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import Blocked, Step
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.steps import SCHANNEL
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import registry_preferences
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_files import RemoteFiles
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker, PSObject, command
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import select

_NAMES_OUR_KEYS = "SCHANNEL"


def obstacle(asker: Asker, program_data: str, steps: t.Sequence[Step], facts: Facts) -> Blocked | None:
    """An entry of a plan's ``blocked``, or None. Raises SessionError."""
    switches = [step for step in steps if step["target"] == SCHANNEL]
    if not switches:
        return None
    for path in _copies(asker, f"{program_data}\\{registry_preferences.HISTORY}"):
        try:
            items = registry_preferences.items(RemoteFiles(asker).read(path) or b"")
        except ChangeError:
            continue
        for step in switches:
            if any(registry_preferences.writes(item, step["path"], step["name"]) for item in items):
                return _blocked(step, registry_preferences.gpo_of_path(path), facts)
    return None


def _copies(asker: Asker, pattern: str) -> list[str]:
    """The copies that speak of Schannel at all; mostly there is none."""
    statement = (
        command(
            "Select-String",
            Path=pattern,
            Pattern=_NAMES_OUR_KEYS,
            SimpleMatch=True,
            List=True,
            ErrorAction="SilentlyContinue",
        ),
        select("Path"),
    )
    paths = [obj.get("Path") for obj in asker.ask([statement]).output if isinstance(obj, PSObject)]
    return [path for path in paths if isinstance(path, str)]


def _blocked(step: Step, guid: str | None, facts: Facts) -> Blocked:
    gpos = facts["policy_origin"]["rsop"].get("gpos") or []
    names = [gpo.get("name") for gpo in gpos if guid and str(gpo.get("guid") or "").upper() == guid]
    name = names[0] if names else None
    who = " ".join(part for part in (name, guid) if part)
    after = step["after"]
    return {
        "code": "owned_by_preferences",
        "owner": {"kind": "domain_gpo", "name": name, "guid": guid},
        "why": f"Group Policy Preferences of the GPO {who} write {step['path']}\\{step['name']} at each policy "
        "refresh; a value written on the endpoint would not last.",
        "what_to_do": "Change or remove the registry item in that GPO (Preferences, Windows Settings, Registry).",
        "wanted": {"path": step["path"], "name": step["name"], "type": after["type"], "data": after["data"]},
    }
