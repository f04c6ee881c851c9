# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Which names that begin with ``tetra_`` a run may use, and what was meant by another."""

from __future__ import annotations

import difflib
import fnmatch
import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.declared import BY_NAME, INTERNAL

_PREFIX: t.Final = "tetra_"


def unknown_names(names: t.Iterable[str], own: t.Any = (), of_roles: t.Collection[str] = ()) -> list[str]:
    """The names of a run that nothing here reads, in order. ``own``: patterns of the site's own names; ``of_roles``:
    the variables of the roles."""
    patterns = [own] if isinstance(own, str) else [str(one) for one in own or ()]
    known = {*BY_NAME, *INTERNAL, *of_roles}
    return sorted(
        {
            name
            for name in names
            if name.startswith(_PREFIX)
            and name not in known
            and not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
        }
    )


def sentence(
    unknown: t.Sequence[str], of_roles: t.Collection[str] = (), hosts: t.Mapping[str, str | None] | None = None
) -> str:
    """What is wrong, what was meant, and what to do. ``hosts``: the host whose variable a name is, where one is."""
    told = []
    for name in unknown[:5]:
        near = difflib.get_close_matches(name, [*BY_NAME, *of_roles], n=1, cutoff=0.6)
        host = (hosts or {}).get(name)
        where = f"of {host}" if host is not None else ""
        meant = f"did you mean {near[0]}?" if near else ""
        more = ", ".join(part for part in (where, meant) if part)
        told.append(f"{name} ({more})" if more else name)
    rest = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
    return (
        f"No playbook or role of fleetops.tetra reads {', '.join(told)}{rest}: correct the name, or, if it is "
        "your own, name it in tetra_own_variables. Nothing was asked."
    )
