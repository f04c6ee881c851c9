# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which orders were in force on an endpoint, and which variant of Windows it is, by what its cmdlets showed.

The cmdlets are an observation of their own. The lab's variants are tried until one shows the same; where a list shows
that is not the configured one, it is taken for the one in force.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine import build
from ansible_collections.fleetops.tetra.lab.machine.behaviours import SWITCHABLE
from ansible_collections.fleetops.tetra.lab.machine.cmdlets.tls import shown_lists, suite_object

Definition = dict[str, t.Any]
VARIANTS = (
    "cmdlet_tls13_before_windows_11",
    "policy_multi_sz",
    "policy_expand_sz",
    "policy_empty",
    "policy_spaces",
    "policy_trailing_comma",
    "policy_over_1023",
    "suffixed_names_on_10",
    "curves_empty",
    "curves_local_value",
)
"""Variants that a cmdlet can show."""
NOT_IN_FORCE = "TLS_RSA_WITH_AES_128_CBC_SHA"
"""Stands for an order in force that nobody knows, but for that the update failed with it."""


def explain(
    definition: Definition, facts: t.Mapping[str, t.Any], verdict: t.Mapping[str, t.Any], assumed: list[str]
) -> None:
    """Adds ``behaviours`` and ``in_force`` to the definition, and sentences about what stays unexplained.

    Raises FleetError where the definition is none that the lab can be.
    """
    wanted = _observed(facts)
    if wanted is None:
        _shown(definition, with_curves=False)
    waits = (verdict.get("cause") or {}).get("code") == "not_rebooted"
    if wanted is not None and not _chosen(definition, wanted):
        names = [name for name, _number in wanted[0]]
        for order in (None, ",".join(names)):
            trial = {**definition, "in_force": {"policy": order}, "behaviours": {"cmdlet_shows_policy": "after_reboot"}}
            if _chosen(trial, wanted):
                definition.update(in_force=trial["in_force"], behaviours=trial["behaviours"])
                return
        assumed.append(
            f"The configured order counts: Get-TlsCipherSuite showed {len(names)} suites that neither list explains."
        )
    elif waits:
        definition["in_force"] = {"policy": NOT_IN_FORCE}
        definition.setdefault("behaviours", {})["cmdlet_shows_policy"] = "at_once"
        assumed.append("What is configured is not in force until a restart, since the last update failed.")


def _observed(facts: t.Mapping[str, t.Any]) -> tuple[list[tuple[str, int]], list[str] | None] | None:
    """(suites with their ids, curves) that the cmdlets showed; None where they did not speak."""
    suites, curves = facts["cipher_suites"], facts["curves"]["cmdlet"]
    if suites["status"] != "ok":
        return None
    shown = [(str(row["name"]), int(row["id"])) for row in suites["suites"]]
    return shown, list(curves["names"]) if curves["status"] == "ok" else None


def _chosen(definition: Definition, wanted: tuple[list[tuple[str, int]], list[str] | None]) -> bool:
    """Whether a variant shows what was observed; the first that does is put into the definition."""
    given = dict(definition.get("behaviours") or {})
    worlds = [given, *({**given, name: value} for name in VARIANTS for value in SWITCHABLE[name][1:])]
    for world in worlds:
        if _shown({**definition, "behaviours": world}, with_curves=wanted[1] is not None) == wanted:
            if world:
                definition["behaviours"] = world
            return True
    return False


def _shown(definition: Definition, with_curves: bool) -> tuple[list[tuple[str, int]], list[str] | None]:
    outside = ("transport", "inventory")
    state = build.build("rehearsal", {key: value for key, value in definition.items() if key not in outside})
    lists = shown_lists(state)
    suites = [(name, int(suite_object(name, state).props["CipherSuite"])) for name in lists.suites]
    return suites, list(lists.curves) if with_curves else None
