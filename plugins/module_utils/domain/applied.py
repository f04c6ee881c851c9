# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Which GPOs a computer applies, in the order in which their values are written (MS-GPOL 3.2.5.1).

Site, domain and organisational units from the top down, within one container by the order of its links; a container
that blocks inheritance keeps out what comes from above. Enforced links are written after all others, that of the
nearest container first, so the highest wins. A GPO with its computer half off, or one that its security filter keeps
from the computer, is not applied. What the endpoint alone can tell (a WMI filter) makes a GPO *possible*.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.domain import security
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.layout import Computer, Container, Domain, Gpo
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.names import ancestors_of


class Applied(t.NamedTuple):
    """``possibly`` says why it is not certain; None for certain."""

    gpo: Gpo
    at: str
    """The distinguished name of the container that it is linked at."""
    enforced: bool = False
    possibly: str | None = None


class Chain(t.NamedTuple):
    """``applied`` is in the order of writing: the last one wins. ``doubts`` are why GPOs may be missing from it."""

    applied: tuple[Applied, ...]
    doubts: tuple[str, ...] = ()


def chain_of(domain: Domain, computer: Computer) -> Chain:
    """Never raises; a link to a GPO that does not exist is no GPO."""
    containers, doubts = _containers(domain, computer)
    normal: list[tuple[Container, str]] = []
    enforced: list[tuple[Container, str]] = []
    for container in containers:
        if container.blocks:
            normal = []
        here = [link for link in container.links if not link.disabled]
        normal += [(container, link.gpo) for link in here if not link.enforced]
        # What is enforced higher up is written later.
        enforced = [(container, link.gpo) for link in here if link.enforced] + enforced
    ordered = [(container, gpo, False) for container, gpo in normal]
    ordered += [(container, gpo, True) for container, gpo in enforced]
    applied = []
    for container, key, is_enforced in ordered:
        gpo = domain.gpos.get(key)
        if gpo is None or gpo.computer_half_is_off:
            continue
        possibly = _possibly(gpo, computer)
        if possibly is not False:
            applied.append(Applied(gpo, container.name, is_enforced, possibly))
    return Chain(tuple(applied), doubts)


def _containers(domain: Domain, computer: Computer) -> tuple[list[Container], tuple[str, ...]]:
    """From the site down to the nearest organisational unit."""
    found, doubts = [], []
    above = list(reversed(ancestors_of(computer.dn)))
    site = domain.containers.get(computer.site) if computer.site else None
    linked_sites = any(each.kind == "site" and (each.links or each.unread) for each in domain.containers.values())
    if computer.site is None and linked_sites:
        doubts.append("its site is not known, and GPOs are linked at sites")
    for container in [site, *(domain.containers.get(key) for key in above)]:
        if container is None:
            continue
        found.append(container)
        if container.unread is not None:
            doubts.append(f"the links of {container.name} could not be read: {container.unread}")
    return found, tuple(doubts)


def _possibly(gpo: Gpo, computer: Computer) -> str | t.Literal[False] | None:
    """False where the GPO is not applied, None where it is, else why that is not certain."""
    if gpo.security is None:
        return "its security filter could not be read"
    if gpo.security.odd:
        return "its security filter holds a condition"
    if computer.sids is None:
        return "the computer's groups could not be read"
    if not security.may_apply(gpo.security, _token(computer)):
        return False
    return "its WMI filter is answered on the computer" if gpo.wmi_filter else None


def _token(computer: Computer) -> frozenset[str]:
    sids = (computer.sids or frozenset()) | {security.EVERYONE, security.AUTHENTICATED_USERS}
    return sids | {security.ENTERPRISE_DOMAIN_CONTROLLERS} if computer.is_controller else sids
