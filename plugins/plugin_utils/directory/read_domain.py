# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Directory and SYSVOL of one domain → ``Domain``; nothing is judged here."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import iso_from_filetime, written
from ansible_collections.fleetops.tetra.plugins.module_utils.domain import security
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.layout import (
    Computer,
    Container,
    Domain,
    Gpo,
    Kind,
    Sysvol,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.links import blocks_inheritance, parse_links
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.names import domain_of, key_of
from ansible_collections.fleetops.tetra.plugins.plugin_utils.directory.ldap import LdapSession, Row
from ansible_collections.fleetops.tetra.plugins.plugin_utils.directory.sysvol import SysvolReader

_CONTAINERS: t.Final = "(|(objectClass=organizationalUnit)(objectClass=domainDNS))"
_GPOS: t.Final = "(objectClass=groupPolicyContainer)"
_COMPUTERS: t.Final = "(&(objectCategory=computer)(objectClass=computer))"
_GROUPS: t.Final = "(objectClass=group)"
_DISABLED, _CONTROLLER = 0x2, 0x2000
"""Bits of userAccountControl: ACCOUNTDISABLE, SERVER_TRUST_ACCOUNT (MS-ADTS 2.2.16)."""


def read_domain(ldap: LdapSession, sysvol: SysvolReader) -> Domain:
    """Raises DirectoryError where the directory cannot be read; what is missing in it is unread."""
    root = ldap.root()
    base, configuration = root.text("defaultNamingContext") or "", root.text("configurationNamingContext")
    name = domain_of(base)
    containers = {each.key: each for each in _containers(ldap, base, configuration)}
    gpos = {each.key: each for each in _gpos(ldap, base, name, sysvol)}
    return Domain(name, containers, gpos, tuple(_computers(ldap, base)))


def _containers(ldap: LdapSession, base: str, configuration: str | None) -> t.Iterator[Container]:
    wanted = ["objectClass", "gPLink", "gPOptions"]
    for row in ldap.search(base, _CONTAINERS, wanted):
        kind: Kind = "domain" if key_of(row.dn) == key_of(base) else "ou"
        yield _container(row, kind)
    if configuration:
        for row in ldap.search(f"CN=Sites,{configuration}", "(objectClass=site)", wanted):
            yield _container(row, "site")


def _container(row: Row, kind: Kind) -> Container:
    links, blocks = parse_links(row.text("gPLink")), blocks_inheritance(row.text("gPOptions"))
    unread = f"{links.odd!r} is no link" if links.odd else "gPOptions is no number" if blocks is None else None
    return Container(row.dn, key_of(row.dn), kind, links.links, bool(blocks), unread)


def _gpos(ldap: LdapSession, base: str, domain: str, sysvol: SysvolReader) -> t.Iterator[Gpo]:
    wanted = [
        "cn", "displayName", "gPCFileSysPath", "versionNumber", "flags", "gPCMachineExtensionNames", "gPCWQLFilter",
        "nTSecurityDescriptor", "whenChanged",
    ]  # fmt: skip
    for row in ldap.search(base, _GPOS, wanted):
        guid, path = row.text("cn") or "", row.text("gPCFileSysPath")
        yield Gpo(
            key=key_of(row.dn),
            guid=guid.upper(),
            name=row.text("displayName") or guid,
            path=path,
            version=row.number("versionNumber"),
            flags=row.number("flags") or 0,
            extensions=row.text("gPCMachineExtensionNames") or "",
            wmi_filter=row.text("gPCWQLFilter"),
            security=_security(row),
            changed_at=_generalized(row.text("whenChanged")),
            sysvol=sysvol.read(domain, guid, path) if path else Sysvol(unread="the directory does not name its folder"),
        )


def _security(row: Row) -> security.Descriptor | None:
    data = row.raw("nTSecurityDescriptor")
    try:
        return security.parse_descriptor(data) if data else None
    except security.SecurityError:
        return None


class _Groups:
    """Who is a member of which groups, nested ones too."""

    def __init__(self, rows: t.Iterable[Row]) -> None:
        self._of: dict[str, list[str]] = {}
        self._sids: dict[str, str] = {}
        self._by_sid: dict[str, str] = {}
        for row in rows:
            key, data = key_of(row.dn), row.raw("objectSid")
            if data is None:
                continue
            self._sids[key] = security.sid_of(data)
            self._by_sid[self._sids[key]] = key
            for member in row.texts("member"):
                self._of.setdefault(key_of(member), []).append(key)

    def of(self, member: str, primary: str | None) -> set[str]:
        """SIDs of all groups of an object; ``primary`` is the SID of its primary group."""
        found: set[str] = {primary} if primary else set()
        todo = [*self._of.get(member, ()), *([self._by_sid[primary]] if primary in self._by_sid else [])]
        while todo:
            key = todo.pop()
            sid = self._sids[key]
            if sid not in found or sid == primary:
                found.add(sid)
                todo += [each for each in self._of.get(key, ()) if self._sids[each] not in found]
        return found


def _computers(ldap: LdapSession, base: str) -> t.Iterator[Computer]:
    groups = _Groups(ldap.search(base, _GROUPS, ["objectSid", "member"]))
    wanted = [
        "name", "sAMAccountName", "dNSHostName", "operatingSystem", "operatingSystemVersion", "objectSid",
        "primaryGroupID", "lastLogonTimestamp", "userAccountControl",
    ]  # fmt: skip
    for row in ldap.search(base, _COMPUTERS, wanted):
        control = row.number("userAccountControl") or 0
        yield Computer(
            name=(row.text("sAMAccountName") or row.text("name") or row.dn).rstrip("$"),
            dn=row.dn,
            dns_name=row.text("dNSHostName"),
            system=row.text("operatingSystem"),
            system_version=row.text("operatingSystemVersion"),
            sids=_sids(row, groups),
            last_logon=iso_from_filetime(row.number("lastLogonTimestamp") or 0),
            enabled=not control & _DISABLED,
            is_controller=bool(control & _CONTROLLER),
        )


def _sids(row: Row, groups: _Groups) -> frozenset[str] | None:
    data, primary = row.raw("objectSid"), row.number("primaryGroupID")
    if data is None:
        return None
    own = security.sid_of(data)
    of_primary = f"{own.rpartition('-')[0]}-{primary}" if primary else None
    return frozenset({own, *groups.of(key_of(row.dn), of_primary)})


def _generalized(text: str | None) -> str | None:
    """``20261124201801.0Z`` → ISO in UTC."""
    try:
        return written(datetime.datetime.strptime((text or "")[:14], "%Y%m%d%H%M%S"))
    except ValueError:
        return None
