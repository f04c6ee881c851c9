# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The options of a plan, checked before any endpoint is looked at."""

from __future__ import annotations

import collections.abc as c
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import IDS

ADD_SUITES = "add_suites"
NOT_CONFIGURED = "not_configured"
CURES = (ADD_SUITES, NOT_CONFIGURED)


class PlanError(ValueError):
    """An option makes no sense, or the facts are no facts. The message is one sentence; nothing was touched."""


@dataclass(frozen=True)
class PlanOptions:
    cure: str = ADD_SUITES
    """``add_suites``: put the allow-listed suites at the front of the list that counts. ``not_configured``: take the
    policy's value away, so that the release's own list counts (both are cures of Cisco's note)."""
    drop_to_fit: tuple[str, ...] = ()
    """Names that may be given up, in this order, when a policy list would pass 1023 characters."""
    change_domain_gpo: bool = False
    """Allows steps on a domain GPO; without it the plan names the GPO and the value that it should hold."""
    allow_list: tuple[str, ...] = ALLOW_LIST


def parse_options(options: c.Mapping[str, t.Any] | None) -> PlanOptions:
    """Raises PlanError for an unknown option, an unknown suite or an empty list."""
    given = dict(options or {})
    known = PlanOptions()
    unknown = sorted(set(given) - set(known.__dataclass_fields__))
    if unknown:
        raise PlanError(
            f"The plan has no option '{unknown[0]}'; its options are {', '.join(sorted(known.__dataclass_fields__))}."
        )
    cure = given.get("cure", known.cure)
    if cure not in CURES:
        raise PlanError(f"The cure '{cure}' is unknown; it is {ADD_SUITES} or {NOT_CONFIGURED}.")
    allow_list = _names(given.get("allow_list"), "allow_list") or ALLOW_LIST
    unheard_of = [name for name in allow_list if name not in IDS]
    if unheard_of:
        raise PlanError(f"The allow list names '{unheard_of[0]}', which is no cipher suite that this collection knows.")
    if given.get("allow_list") is not None and not given["allow_list"]:
        raise PlanError("The allow list is empty; leave the option out to use the list of the Tetra servers.")
    change_domain_gpo = given.get("change_domain_gpo", False)
    if not isinstance(change_domain_gpo, bool):
        raise PlanError("change_domain_gpo is true or false.")
    drop_to_fit = _names(given.get("drop_to_fit"), "drop_to_fit")
    wanted = [name for name in drop_to_fit if name in allow_list]
    if wanted:
        raise PlanError(f"drop_to_fit names '{wanted[0]}', which the allow list wants to be there.")
    return PlanOptions(cure, drop_to_fit, change_domain_gpo, allow_list)


def _names(value: t.Any, option: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, c.Sequence) or not all(isinstance(name, str) for name in value):
        raise PlanError(f"{option} is a list of cipher suite names.")
    return tuple(dict.fromkeys(str(name) for name in value))
