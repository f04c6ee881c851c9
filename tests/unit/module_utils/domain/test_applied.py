# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which GPOs apply to a computer: layouts written by hand, with the winner that Microsoft's rules give.

Sources: MS-GPOL 3.2.5.1 (order, enforced, blocked, disabled), "Group Policy hierarchy" on learn.microsoft.com.
"""

from __future__ import annotations

import dataclasses
import typing as t
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.domain.applied import chain_of
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.layout import Computer, Container, Domain, Gpo
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.links import Link
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.names import key_of
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.security import (
    APPLY_GROUP_POLICY,
    AUTHENTICATED_USERS,
    Descriptor,
    Entry,
)

SITE = "CN=Seoul,CN=Sites,CN=Configuration,DC=lab,DC=test"
PLACES = {
    "site": SITE,
    "domain": "DC=lab,DC=test",
    "sales": "OU=Sales,DC=lab,DC=test",
    "desk": "OU=Desk,OU=Sales,DC=lab,DC=test",
}
SALES, OTHERS, PC = "S-1-5-21-1-2-3-2001", "S-1-5-21-1-2-3-2002", "S-1-5-21-1-2-3-1105"
READ, APPLY = 0x10, 0x100


def allow(sid: str) -> tuple[Entry, ...]:
    return Entry(True, READ, sid), Entry(True, APPLY, sid, APPLY_GROUP_POLICY)


MEMBERS = allow(AUTHENTICATED_USERS)
EVERY_MEMBER = Descriptor(None, MEMBERS)


def layout(
    links: dict[str, str],
    blocks: t.Collection[str] = (),
    gpos: t.Mapping[str, dict[str, t.Any]] | None = None,
    site: bool = True,
) -> tuple[Domain, Computer]:
    """``links``: by place the GPOs in the order of gPLink; ``!`` behind a name is enforced, ``-`` disabled."""
    names = {name.rstrip("!-") for value in links.values() for name in value.split()}
    made = {
        name: Gpo(**{"key": name, "guid": name, "name": name, "security": EVERY_MEMBER, **(gpos or {}).get(name, {})})
        for name in names
    }
    containers = {}
    for place, dn in PLACES.items():
        found = tuple(Link(name.rstrip("!-"), "!" in name, "-" in name) for name in links.get(place, "").split())
        kind = place if place in ("site", "domain") else "ou"
        containers[key_of(dn)] = Container(dn, key_of(dn), kind, found, place in blocks)  # type: ignore[arg-type]
    computer = Computer(
        "PC1", f"CN=PC1,{PLACES['desk']}", sids=frozenset({PC, SALES}), site=key_of(SITE) if site else None
    )
    return Domain("lab.test", containers, made, (computer,)), computer


def applied(domain: Domain, computer: Computer) -> str:
    chain = chain_of(domain, computer)
    return " ".join(each.gpo.name + ("?" if each.possibly else "") for each in chain.applied)


@pytest.mark.parametrize(
    ("links", "blocks", "expected"),
    [
        ({"domain": "a"}, "", "a"),
        ({"site": "a", "domain": "b", "sales": "c", "desk": "d"}, "", "a b c d"),
        ({"domain": "a b"}, "", "a b"),
        ({"domain": "b a"}, "", "b a"),
        ({"domain": "a-", "sales": "b"}, "", "b"),
        ({"domain": "a!", "sales": "b"}, "", "b a"),
        ({"domain": "a!", "sales": "b!"}, "", "b a"),
        ({"site": "a!", "domain": "b!", "desk": "c!"}, "", "c b a"),
        ({"domain": "a! b!"}, "", "a b"),
        ({"domain": "a!-", "desk": "b"}, "", "b"),
        ({"domain": "a", "sales": "b"}, "sales", "b"),
        ({"domain": "a", "sales": "b"}, "desk", ""),
        ({"domain": "a!", "sales": "b", "desk": "c"}, "desk", "c a"),
        ({"site": "a", "domain": "b"}, "domain", "b"),
        ({"site": "a!", "domain": "b"}, "domain", "b a"),
        ({"domain": "a", "sales": "b", "desk": "c"}, "sales desk", "c"),
        ({"domain": "a", "desk": "a"}, "", "a a"),
        ({"domain": "a! b", "desk": "b!"}, "", "b b a"),
        ({"sales": "a b! c"}, "", "a c b"),
        ({"sales": "a b! c"}, "desk", "b"),
    ],
)
def test_the_order_of_containers(links: dict[str, str], blocks: str, expected: str) -> None:
    assert applied(*layout(links, blocks.split())) == expected


FILTERS: dict[str, tuple[dict[str, t.Any], str]] = {
    "the computer half is off": ({"flags": 2}, "b"),
    "both halves are off": ({"flags": 3}, "b"),
    "only the user half is off": ({"flags": 1}, "b a"),
    "a group that the computer is in": ({"security": Descriptor(None, allow(SALES))}, "b a"),
    "a group that it is not in": ({"security": Descriptor(None, allow(OTHERS))}, "b"),
    "the computer itself": ({"security": Descriptor(None, allow(PC))}, "b a"),
    "read only": ({"security": Descriptor(None, allow(AUTHENTICATED_USERS)[:1])}, "b"),
    "apply without read": ({"security": Descriptor(None, allow(AUTHENTICATED_USERS)[1:])}, "b"),
    "denied before": (
        {"security": Descriptor(None, (Entry(False, APPLY, SALES, APPLY_GROUP_POLICY), *MEMBERS))},
        "b",
    ),
    "denied to others": (
        {"security": Descriptor(None, (Entry(False, APPLY, OTHERS, APPLY_GROUP_POLICY), *MEMBERS))},
        "b a",
    ),
    "every extended right": ({"security": Descriptor(None, (Entry(True, READ | APPLY, SALES),))}, "b a"),
    "another extended right": (
        {"security": Descriptor(None, (Entry(True, READ, SALES), Entry(True, APPLY, SALES, uuid.uuid4())))},
        "b",
    ),
    "everything by generic rights": ({"security": Descriptor(None, (Entry(True, 0x10000000, SALES),))}, "b a"),
    "no list at all": ({"security": Descriptor(None, None)}, "b a"),
    "an empty list": ({"security": Descriptor(None, ())}, "b"),
    "an unread list": ({"security": None}, "b a?"),
    "a conditional entry": ({"security": Descriptor(None, allow(SALES), odd=True)}, "b a?"),
    "a WMI filter": ({"wmi_filter": "[lab.test;{1};0]"}, "b a?"),
    "a WMI filter and a security filter": (
        {"wmi_filter": "[lab.test;{1};0]", "security": Descriptor(None, allow(OTHERS))},
        "b",
    ),
}


@pytest.mark.parametrize("filtered", FILTERS)
def test_what_filters_a_gpo(filtered: str) -> None:
    gpo, expected = FILTERS[filtered]
    assert applied(*layout({"domain": "b", "sales": "a"}, gpos={"a": gpo})) == expected


def test_groups_that_could_not_be_read_make_every_gpo_possible() -> None:
    domain, computer = layout({"domain": "a"})
    assert applied(domain, dataclasses.replace(computer, sids=None)) == "a?"


def test_a_link_to_a_gpo_that_does_not_exist_is_no_gpo() -> None:
    domain, computer = layout({"domain": "a b"})
    kept = Domain(domain.name, domain.containers, {"a": domain.gpos["a"]}, domain.computers)
    assert applied(kept, computer) == "a"


def test_an_unknown_site_is_a_doubt_only_where_a_site_has_links() -> None:
    assert chain_of(*layout({"domain": "a"}, site=False)).doubts == ()
    (doubt,) = chain_of(*layout({"site": "a"}, site=False)).doubts
    assert doubt == "its site is not known, and GPOs are linked at sites"


_NAMES = st.sampled_from(["a", "b", "c", "a!", "b!", "c!", "a-", "b-"])
_LINKS = st.dictionaries(st.sampled_from(list(PLACES)), st.lists(_NAMES, max_size=4).map(" ".join), max_size=4)
_BLOCKS = st.sets(st.sampled_from(["domain", "sales", "desk"]))


@given(_LINKS, _BLOCKS, st.sampled_from(list(PLACES)))
def test_an_enforced_link_at_the_top_always_wins(links: dict[str, str], blocks: set[str], place: str) -> None:
    above = list(PLACES)[: list(PLACES).index(place)]
    links = {
        where: " ".join(name for name in value.split() if not (where in above and "!" in name))
        for where, value in links.items()
    }
    links[place] = f"{links.get(place, '')} top!".strip()
    assert applied(*layout(links, blocks)).split()[-1] == "top"


@given(_LINKS, _BLOCKS)
def test_a_gpo_that_is_linked_nowhere_never_matters(links: dict[str, str], blocks: set[str]) -> None:
    assert "unlinked" not in applied(*layout({**links, "site": links.get("site", "") + " unlinked-"}, blocks))


@given(_LINKS, _BLOCKS)
def test_blocking_takes_away_and_never_adds(links: dict[str, str], blocks: set[str]) -> None:
    open_, blocked = applied(*layout(links)).split(), applied(*layout(links, blocks)).split()
    rest = iter(open_)
    assert all(name in rest for name in blocked), "the same order, with some left out"
