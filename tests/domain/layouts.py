# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layouts that a real domain controller holds, each below an organisational unit of its own.

``LAYOUTS``: name → (links by place, places that block, expected). Places are ``top``, ``mid`` and ``low`` below each
other; ``!`` enforced, ``-`` disabled. Expected are the GPOs in the order of writing, by Microsoft's rules (MS-GPOL
3.2.5.1).
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.domain.population import Member, Policy, Population

READER, READER_PASSWORD = "reader", "Reader-1-of-the-lab"
BAD, GOOD = "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
PLACES = {"top": "OU={0}", "mid": "OU=Mid,OU={0}", "low": "OU=Low,OU=Mid,OU={0}"}
LAYOUTS: dict[str, tuple[dict[str, str], str, str]] = {
    "one": ({"low": "a"}, "", "a"),
    "inherited": ({"top": "a"}, "", "a"),
    "three": ({"top": "a", "mid": "b", "low": "c"}, "", "a b c"),
    "order": ({"top": "a b"}, "", "a b"),
    "reverse": ({"top": "b a"}, "", "b a"),
    "disabled": ({"top": "a-", "mid": "b"}, "", "b"),
    "enforced": ({"top": "a!", "mid": "b"}, "", "b a"),
    "enforced-twice": ({"top": "a!", "mid": "b!"}, "", "b a"),
    "enforced-thrice": ({"top": "a!", "mid": "b!", "low": "c!"}, "", "c b a"),
    "enforced-together": ({"top": "a! b!"}, "", "a b"),
    "enforced-disabled": ({"top": "a!-", "low": "b"}, "", "b"),
    "enforced-between": ({"mid": "a b! c"}, "", "a c b"),
    "blocked": ({"top": "a", "mid": "b"}, "mid", "b"),
    "blocked-below": ({"top": "a", "mid": "b"}, "low", ""),
    "blocked-enforced": ({"top": "a!", "mid": "b", "low": "c"}, "low", "c a"),
    "blocked-twice": ({"top": "a", "mid": "b", "low": "c"}, "mid low", "c"),
    "blocked-between": ({"mid": "a b! c"}, "low", "b"),
    "twice": ({"top": "a", "low": "a"}, "", "a a"),
    "mixed": ({"top": "a! b", "low": "b!"}, "", "b b a"),
    "nothing": ({}, "", ""),
}
_READ = "(A;CI;RPLCLORC;;;{0})"
_APPLY = "(OA;CI;CR;edacfd8f-ffb3-11d1-b41d-00a0c968f939;;{0})"
_ADMINS = "O:DAG:DAD:P(A;CI;RPWPCCDCLCLOLORCWOWDSDDTSW;;;DA)(A;CI;RPWPCCDCLCLOLORCWOWDSDDTSW;;;SY)(A;CI;RPLCLORC;;;AU)"
FILTERED: dict[str, tuple[dict[str, t.Any], tuple[str, ...], bool]] = {
    "everybody": ({}, (), True),
    "computers": ({"security": _ADMINS + _APPLY.format("DC")}, (), True),
    "nobody": ({"security": _ADMINS}, (), False),
    "controllers": ({"security": _ADMINS + _APPLY.format("DD")}, (), False),
    "denied": (
        {
            "security": _ADMINS.replace("D:P", "D:P(OD;CI;CR;edacfd8f-ffb3-11d1-b41d-00a0c968f939;;DC)")
            + _APPLY.format("AU")
        },
        (),
        False,
    ),
    "half-off": ({"flags": 2}, (), False),
    "all-off": ({"flags": 3}, (), False),
    "user-off": ({"flags": 1}, (), True),
}
"""name → (the GPO, the computer's groups, whether it applies)"""


def population() -> Population:
    found = Population(users={READER: READER_PASSWORD})
    for name, (links, blocks, _expected) in LAYOUTS.items():
        found.ous += [place.format(name) for place in PLACES.values()]
        found.policies += [Policy(f"{name}-{letter}", suites=f"{GOOD}, {letter}") for letter in "abc"]
        for place, value in links.items():
            named = " ".join(f"{name}-{one}" for one in value.split())
            found.links[PLACES[place].format(name)] = named
        found.blocks |= {PLACES[place].format(name) for place in blocks.split()}
        found.members.append(Member(computer_of(name), PLACES["low"].format(name)))
    for name, (gpo, groups, _applies) in FILTERED.items():
        found.ous.append(f"OU=f-{name}")
        found.policies.append(Policy(f"f-{name}", suites=BAD, **gpo))
        found.links[f"OU=f-{name}"] = f"f-{name}"
        found.members.append(Member(computer_of(f"f-{name}"), f"OU=f-{name}", groups=groups))
    return found


def computer_of(layout: str) -> str:
    return f"PC-{layout}"[:15].upper()
