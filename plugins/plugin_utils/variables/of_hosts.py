# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The names of the variables of all hosts of a play: of the task, of inventory, groups, their files, and facts set."""

from __future__ import annotations

import typing as t

_PREFIX: t.Final = "tetra_"


def names_by_host(task_vars: t.Mapping[str, t.Any]) -> dict[str, str | None]:
    """Each visible name that begins with ``tetra_``, with the first host that has it; None where the task itself has.

    Values are not looked at, so no template of another host is evaluated.
    """
    found: dict[str, str | None] = {name: None for name in task_vars if str(name).startswith(_PREFIX)}
    hostvars = task_vars.get("hostvars")
    for host in task_vars.get("ansible_play_hosts_all") or ():
        for name in _raw(hostvars, host):
            if isinstance(name, str) and name.startswith(_PREFIX):
                found.setdefault(name, str(host))
    return found


def _raw(hostvars: t.Any, host: str) -> t.Iterable[t.Any]:
    if hostvars is None:
        return ()
    get = getattr(hostvars, "raw_get", None)
    # An undefined marker of Ansible, for a host that left the inventory, is no mapping.
    found = get(host) if get is not None else hostvars.get(host)
    return found if isinstance(found, t.Mapping) else ()
