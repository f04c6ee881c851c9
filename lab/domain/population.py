# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the domain: organisational units, groups, computers, group policies and their links.

Everything is written into the database and SYSVOL before the controller starts: a thousand objects cost a second.
"""

from __future__ import annotations

import base64
import os
import struct
import subprocess
import typing as t
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.fleetops.tetra.lab.domain.controller import BASE, REALM, Controller
from ansible_collections.fleetops.tetra.lab.errors import FleetError
from ansible_collections.fleetops.tetra.lab.machine.policy_file import Entry, write_registry_pol

REGISTRY = "[{35378EAC-683F-11D2-A89A-00C04FBBCFA2}{D02B1F72-3407-48AE-BA88-E8213C6761F1}]"
"""The extension that reads Registry.pol, and the tool that Microsoft's editor names with it."""
SSL_KEY = r"SOFTWARE\Policies\Microsoft\Cryptography\Configuration\SSL\00010002"
SITE = "Default-First-Site-Name"
_SYSTEMS = {
    "10_22h2": ("Windows 10 Enterprise", "10.0 (19045)"),
    "11_24h2": ("Windows 11 Enterprise", "10.0 (26100)"),
    "2012r2": ("Windows Server 2012 R2 Standard", "6.3 (9600)"),
    "2019": ("Windows Server 2019 Standard", "10.0 (17763)"),
    "2022": ("Windows Server 2022 Standard", "10.0 (20348)"),
}
_SZ, _DWORD = 1, 4


@dataclass
class Policy:
    """One GPO. ``values``: (key without hive, name, text or number); ``suites`` is short for the list's value."""

    name: str
    suites: str | None = None
    values: list[tuple[str, str, str | int]] = field(default_factory=list)
    flags: int = 0
    extensions: str = REGISTRY
    version: int = 1
    sysvol_version: int | None = None
    security: str | None = None
    """SDDL of its access list; the default lets every authenticated computer apply it."""
    wmi_filter: str | None = None
    pol: bytes | None = None
    preferences: str | None = None
    path: str | None = None
    guid: str = field(default_factory=lambda: "{" + str(uuid.uuid4()).upper() + "}")

    @property
    def dn(self) -> str:
        return f"CN={self.guid},CN=Policies,CN=System,{BASE}"

    def content(self) -> bytes:
        values = [*([(SSL_KEY, "Functions", self.suites)] if self.suites is not None else []), *self.values]
        return registry_pol(values) if self.pol is None else self.pol


@dataclass
class Member:
    """One computer account."""

    name: str
    ou: str = ""
    """Relative to the domain, such as ``OU=Desk,OU=Sales``; empty for CN=Computers."""
    release: str = "10_22h2"
    groups: tuple[str, ...] = ()
    enabled: bool = True
    system: str | None = None
    version: str | None = None
    spns: tuple[str, ...] = ()


@dataclass
class Population:
    """``links``: by place (``""`` for the domain, ``site``, or a relative name) the GPOs in the order of gPLink; a
    ``!`` behind a name is enforced, a ``-`` disabled."""

    ous: list[str] = field(default_factory=list)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Groups, and the groups that they are members of."""
    policies: list[Policy] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    blocks: set[str] = field(default_factory=set)
    members: list[Member] = field(default_factory=list)
    users: dict[str, str] = field(default_factory=dict)
    """Ordinary users and their passwords; made by samba-tool, half a second each."""

    def write(self, controller: Controller) -> None:
        """Into a controller that is not started yet."""
        for policy in self.policies:
            _write_sysvol(controller, policy)
        _ldb("ldbadd", controller, "\n".join(self._added()))
        _ldb("ldbmodify", controller, "\n".join(self._modified()))
        for user, password in self.users.items():
            controller.tool("user", "create", user, password)

    def dn_of(self, place: str) -> str:
        if place == "site":
            return f"CN={SITE},CN=Sites,CN=Configuration,{BASE}"
        return f"{place},{BASE}" if place else BASE

    def _added(self) -> t.Iterator[str]:
        for ou in sorted(self.ous, key=lambda each: each.count(",")):
            yield _entry(self.dn_of(ou), objectClass="organizationalUnit")
        for group in self.groups:
            yield _entry(f"CN={group},CN=Users,{BASE}", objectClass="group", sAMAccountName=group)
        for policy in self.policies:
            yield from _policy_entries(policy)
        for member in self.members:
            place = member.ou or "CN=Computers"
            system, version = _SYSTEMS.get(member.release, (None, None))
            yield _entry(
                f"CN={member.name},{place},{BASE}",
                objectClass="computer",
                sAMAccountName=f"{member.name}$",
                userAccountControl=str(0x1000 | (0 if member.enabled else 2)),
                dNSHostName=f"{member.name.lower()}.{REALM.lower()}",
                operatingSystem=member.system or system,
                operatingSystemVersion=member.version or version,
                servicePrincipalName=list(member.spns),
            )

    def _modified(self) -> t.Iterator[str]:
        guids = {policy.name: policy.dn for policy in self.policies}
        for place, names in self.links.items():
            value = "".join(_link(name, guids) for name in names.split())
            yield f"dn: {self.dn_of(place)}\nchangetype: modify\nreplace: gPLink\ngPLink: {value}\n"
        for place in self.blocks:
            yield f"dn: {self.dn_of(place)}\nchangetype: modify\nreplace: gPOptions\ngPOptions: 1\n"
        for group, parents in self.groups.items():
            for parent in parents:
                yield _membership(parent, f"CN={group},CN=Users,{BASE}")
        for member in self.members:
            for group in member.groups:
                yield _membership(group, f"CN={member.name},{member.ou or 'CN=Computers'},{BASE}")


def _link(written: str, dns: t.Mapping[str, str]) -> str:
    """``name``, ``name!`` (enforced), ``name-`` (disabled) as gPLink has it; an unknown name is a DN of its own."""
    name = written.rstrip("!-")
    marks = written[len(name) :]
    return f"[LDAP://{dns.get(name, name)};{2 * ('!' in marks) + ('-' in marks)}]"


def registry_pol(values: t.Iterable[tuple[str, str, str | int]]) -> bytes:
    """The bytes of a Registry.pol with these texts and numbers."""
    return write_registry_pol(
        [
            Entry(key, name, _DWORD, struct.pack("<I", value))
            if isinstance(value, int)
            else Entry(key, name, _SZ, f"{value}\0".encode("utf-16-le"))
            for key, name, value in values
        ]
    )


def _policy_entries(policy: Policy) -> t.Iterator[str]:
    yield _entry(
        policy.dn,
        objectClass=["groupPolicyContainer"],
        displayName=policy.name,
        gPCFileSysPath=policy.path or f"\\\\{REALM.lower()}\\sysvol\\{REALM.lower()}\\Policies\\{policy.guid}",
        gPCFunctionalityVersion="2",
        versionNumber=str(policy.version),
        flags=str(policy.flags),
        gPCMachineExtensionNames=policy.extensions or None,
        gPCWQLFilter=policy.wmi_filter,
        nTSecurityDescriptor=policy.security,
    )
    for half in ("Machine", "User"):
        yield _entry(f"CN={half},{policy.dn}", objectClass="container")


def _write_sysvol(controller: Controller, policy: Policy) -> None:
    folder = controller.sysvol / "Policies" / policy.guid
    (folder / "Machine").mkdir(parents=True)
    (folder / "User").mkdir()
    version = policy.version if policy.sysvol_version is None else policy.sysvol_version
    (folder / "GPT.INI").write_bytes(f"[General]\r\nVersion={version}\r\n".encode())
    if policy.content() != registry_pol([]):
        (folder / "Machine" / "Registry.pol").write_bytes(policy.content())
    if policy.preferences is not None:
        target = folder / "Machine" / "Preferences" / "Registry" / "Registry.xml"
        target.parent.mkdir(parents=True)
        target.write_text(policy.preferences, encoding="utf-8")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def _entry(dn: str, **attributes: str | list[str] | None) -> str:
    lines = [f"dn: {dn}"]
    for name, values in attributes.items():
        for value in values if isinstance(values, list) else [values]:
            if value is not None:
                lines.append(_line(name, value))
    return "\n".join(lines) + "\n"


def _line(name: str, value: str) -> str:
    plain = value.isascii() and value.isprintable() and value[:1] not in (" ", ":", "<") and not value.endswith(" ")
    return f"{name}: {value}" if plain else f"{name}:: {base64.b64encode(value.encode()).decode()}"


def _membership(group: str, member: str) -> str:
    return f"dn: CN={group},CN=Users,{BASE}\nchangetype: modify\nadd: member\nmember: {member}\n"


def _ldb(program: str, controller: Controller, ldif: str) -> None:
    if not ldif.strip():
        return
    file: Path = controller.folder / f"{program}.ldif"
    file.write_text(ldif, encoding="utf-8")
    done = subprocess.run(
        [program, "-H", str(controller.database), "--controls=relax:0", str(file)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin"},
    )
    if done.returncode:
        raise FleetError(f"{program} did not take the population: {(done.stderr or done.stdout).strip()[-800:]}")
