# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What RSoP tells about the domain GPOs behind the SSL policy: their domain, and those that set a value and lost."""

from __future__ import annotations

import collections.abc as c
import re
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.policy.origin import gpo_of, is_ssl_row

_PARTS = re.compile(r"(?:^|,)\s*DC=([^,]+)", re.IGNORECASE)


def domain_of(facts: c.Mapping[str, t.Any], guid: str) -> str | None:
    """The DNS name of the domain that holds the GPO, from its directory name; None where RSoP does not tell."""
    rsop = _rsop(facts)
    ids = [str(gpo.get("id") or "") for gpo in _mappings(rsop.get("gpos"))]
    ids += [str(row.get("gpo_id") or "") for row in _mappings(rsop.get("rows"))]
    found = next((one for one in ids if guid.strip("{}").lower() in one.lower() and _PARTS.search(one)), None)
    return ".".join(part.strip().lower() for part in _PARTS.findall(found)) if found else None


def names_a_gpo(facts: c.Mapping[str, t.Any]) -> bool:
    """Whether RSoP has any row of the SSL policy."""
    return bool(_mappings(_rsop(facts).get("rows")))


def losers(facts: c.Mapping[str, t.Any], value: str) -> tuple[str, ...]:
    """Names (or ids) of the GPOs that set this value as well and lost, in the order of their precedence."""
    rsop = _rsop(facts)
    rows = [row for row in _mappings(rsop.get("rows")) if is_ssl_row(row, value) and _precedence(row) > 1]
    found = []
    for row in sorted(rows, key=_precedence):
        gpo = gpo_of(row, rsop.get("gpos"))[1]
        found.append(str((gpo and gpo["name"]) or row.get("gpo_id")))
    return tuple(dict.fromkeys(found))


def _precedence(row: c.Mapping[str, t.Any]) -> int:
    number = row.get("precedence")
    return number if isinstance(number, int) else 0


def _rsop(facts: c.Mapping[str, t.Any]) -> c.Mapping[str, t.Any]:
    rsop = (facts.get("policy_origin") or {}).get("rsop")
    return rsop if isinstance(rsop, dict) else {}


def _mappings(value: t.Any) -> list[c.Mapping[str, t.Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
