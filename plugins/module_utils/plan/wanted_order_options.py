# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What a task may want of a list of cipher suites, checked before any endpoint is looked at."""

from __future__ import annotations

import collections.abc as c
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_change import WantedError
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import suite_id

AUTO, POLICY, LOCAL = "auto", "policy", "local"
PRESENT, NOT_CONFIGURED = "present", "not_configured"
FRONT, END = "front", "end"
LOCAL_GPO, REGISTRY = "local_gpo", "registry"
CHOICES: dict[str, tuple[str, ...]] = {
    "where": (AUTO, POLICY, LOCAL),
    "state": (PRESENT, NOT_CONFIGURED),
    "position": (FRONT, END),
    "new_policy": (LOCAL_GPO, REGISTRY),
}

_SPELLED_LIKE_A_SUITE = re.compile(r"[A-Z][A-Z0-9_]{2,127}")


@dataclass(frozen=True)
class OrderOptions:
    where: str = AUTO
    """``policy``: the list of *SSL Cipher Suite Order*. ``local``: the local list. ``auto``: the policy list where one
    is set, else the local list, so the one that counts."""
    state: str = PRESENT
    suites: tuple[str, ...] | None = None
    """The whole list, in order."""
    ensure: tuple[str, ...] = ()
    """Names that must be listed; what is missing goes to ``position``, in this order."""
    remove: tuple[str, ...] = ()
    position: str = FRONT
    new_policy: str = LOCAL_GPO
    """Where a policy list is written while nobody has set one: the local GPO, or the registry directly."""
    allow_unknown: bool = False
    """Lets pass names that this collection does not know."""

    @property
    def named(self) -> tuple[str, ...]:
        """The names that are wanted in the list."""
        return self.suites if self.suites is not None else self.ensure


def parse_order_options(options: c.Mapping[str, t.Any]) -> OrderOptions:
    """Raises WantedError. Options that are None count as not given."""
    given = {name: value for name, value in options.items() if value is not None}
    unheard_of = sorted(set(given) - set(OrderOptions.__dataclass_fields__))
    if unheard_of:
        raise WantedError(f"A cipher suite order has no option '{unheard_of[0]}'.")
    for name, choices in CHOICES.items():
        if given.get(name, choices[0]) not in choices:
            raise WantedError(f"{name} is one of {', '.join(choices)}, not '{given[name]}'.")
    allow_unknown = given.get("allow_unknown", False)
    if not isinstance(allow_unknown, bool):
        raise WantedError("allow_unknown is true or false.")
    wanted = OrderOptions(
        where=given.get("where", AUTO),
        state=given.get("state", PRESENT),
        suites=_names(given["suites"], "suites", allow_unknown) if "suites" in given else None,
        ensure=_names(given.get("ensure", ()), "ensure", allow_unknown),
        remove=_names(given.get("remove", ()), "remove", True),
        position=given.get("position", FRONT),
        new_policy=given.get("new_policy", LOCAL_GPO),
        allow_unknown=allow_unknown,
    )
    _refuse_contradictions(wanted)
    return wanted


def _refuse_contradictions(wanted: OrderOptions) -> None:
    if wanted.state == NOT_CONFIGURED:
        if wanted.suites is not None or wanted.ensure or wanted.remove:
            raise WantedError("state: not_configured takes the list away, so suites, ensure and remove go not with it.")
        if wanted.where == LOCAL:
            raise WantedError("Only the policy list can be not_configured; Windows always has a local list.")
        return
    if wanted.suites is not None:
        if not wanted.suites:
            raise WantedError("suites is empty; an empty list would leave Windows without any cipher suite.")
        if wanted.ensure or wanted.remove:
            raise WantedError("suites is the whole list, so ensure and remove go not with it.")
        return
    if not wanted.ensure and not wanted.remove:
        raise WantedError("Nothing is wanted: name suites, ensure, remove, or state: not_configured.")
    both = [name for name in wanted.ensure if name in wanted.remove]
    if both:
        raise WantedError(f"{both[0]} stands under ensure and under remove.")


def _names(value: t.Any, option: str, allow_unknown: bool) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, c.Sequence) or not all(isinstance(one, str) for one in value):
        raise WantedError(f"{option} is a list of cipher suite names.")
    # Text that Ansible has tagged with its origin is made plain.
    names = tuple(str(one) for one in value)
    for name in names:
        if suite_id(name) is not None:
            continue
        if suite_id(name.strip().upper()) is not None:
            raise WantedError(f"{option} names '{name}'; Windows spells it {name.strip().upper()}.")
        if not _SPELLED_LIKE_A_SUITE.fullmatch(name):
            raise WantedError(f"{option} names '{name[:80]}', which is not spelled like a cipher suite.")
        if not allow_unknown:
            raise WantedError(
                f"{option} names '{name}', which is no cipher suite that this collection knows; "
                "allow_unknown: true lets it pass."
            )
    twice = next((name for number, name in enumerate(names) if name in names[:number]), None)
    if twice is not None:
        raise WantedError(f"{option} names {twice} twice.")
    return names
