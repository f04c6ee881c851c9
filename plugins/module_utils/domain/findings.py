# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What is wrong with the policies of a domain, whichever computers there are.

Only GPOs that write a value which the verdict knows, or that could, are looked at.
"""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.listing import some
from ansible_collections.fleetops.tetra.plugins.module_utils.domain import security
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.layout import Container, Domain, Gpo
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.settings import (
    Setting,
    System,
    fails_under,
    settings_of,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import RELEASES

Code = t.Literal[
    "no_accepted_suite", "gpos_fight", "linked_nowhere", "computer_half_off", "filtered_to_nobody", "extension_missing",
    "versions_differ", "not_read", "by_preferences", "link_without_gpo", "link_not_understood",
]  # fmt: skip


class Finding(t.TypedDict):
    """One sentence about one GPO, or about one container where ``guid`` is None."""

    code: Code
    guid: str | None
    name: str | None
    sentence: str


class GpoInfo(t.TypedDict):
    """One GPO that touches what the verdict knows."""

    guid: str
    name: str
    settings: list[dict[str, t.Any]]
    stops: list[str]
    """Releases on which its values alone leave no accepted suite."""
    links: list[dict[str, t.Any]]
    """``{at, enforced, disabled}``"""
    wmi_filter: str | None
    version_in_directory: int | None
    version_in_sysvol: int | None
    changed_at: str | None
    unread: str | None


def _tells(gpo: Gpo) -> bool:
    """Whether it writes, or could write, a value that the verdict knows."""
    return bool(settings_of(gpo.sysvol.pol) or gpo.sysvol.unread or gpo.sysvol.preferences)


def gpo_infos(domain: Domain) -> list[GpoInfo]:
    """Those that tell, by name."""
    links = _links(domain)
    return [
        {
            "guid": gpo.guid,
            "name": gpo.name,
            "settings": [setting._asdict() for setting in settings_of(gpo.sysvol.pol)],
            "stops": _stops(gpo),
            "links": [
                {"at": container.name, "enforced": link.enforced, "disabled": link.disabled}
                for container, link in links[gpo.key]
            ],
            "wmi_filter": gpo.wmi_filter,
            "version_in_directory": gpo.version,
            "version_in_sysvol": gpo.sysvol.version,
            "changed_at": gpo.changed_at,
            "unread": gpo.sysvol.unread,
        }
        for gpo in sorted(domain.gpos.values(), key=lambda each: (each.name.lower(), each.guid))
        if _tells(gpo)
    ]


def _stops(gpo: Gpo) -> list[str]:
    """Titles of the releases that its values alone keep from every accepted suite."""
    if gpo.sysvol.unread or not settings_of(gpo.sysvol.pol):
        return []
    found = []
    for release in RELEASES:
        for kind, title in (("client", release.client), ("server", release.server)):
            if title is None:
                continue
            if fails_under(System(release.builds[0], kind), gpo.sysvol.pol):  # type: ignore[arg-type]
                found.append(title)
    return found


def findings(domain: Domain, infos: t.Iterable[GpoInfo]) -> list[Finding]:
    """In the order of names; a GPO that touches nothing of ours has none. ``infos``: those of ``gpo_infos``."""
    links = _links(domain)
    stopped = {info["guid"]: info["stops"] for info in infos}
    found: list[Finding] = []
    for gpo in sorted(domain.gpos.values(), key=lambda each: (each.name.lower(), each.guid)):
        if _tells(gpo):
            found += [_finding(code, gpo, said) for code, said in _of_gpo(gpo, links[gpo.key], stopped[gpo.guid])]
    found += _fights(domain, links)
    for container in sorted(domain.containers.values(), key=lambda each: each.key):
        found += [_at(code, said) for code, said in _of_container(domain, container)]
    return found


def _of_gpo(
    gpo: Gpo, links: t.Sequence[tuple[Container, t.Any]], stopped: t.Sequence[str]
) -> t.Iterator[tuple[Code, str]]:
    if gpo.sysvol.unread:
        yield "not_read", f"What it sets is not known: {gpo.sysvol.unread}."
    if stopped:
        yield "no_accepted_suite", f"Its values leave no accepted suite on {some(stopped)}."
    if not [link for _container, link in links if not link.disabled]:
        yield "linked_nowhere", "It is linked nowhere, so it changes nothing."
    if gpo.computer_half_is_off:
        yield "computer_half_off", "Its computer half is switched off, so these values are not applied."
    if gpo.security is not None and security.applies_to_nobody(gpo.security):
        yield "filtered_to_nobody", "Nobody may apply it."
    if settings_of(gpo.sysvol.pol) and not gpo.has_registry_extension:
        said = "The directory does not name the registry extension for it, so clients leave its Registry.pol alone."
        yield "extension_missing", said
    if gpo.sysvol.version is not None and gpo.version is not None and _half(gpo.version) != _half(gpo.sysvol.version):
        both = f"{_half(gpo.version)} in the directory and {_half(gpo.sysvol.version)} in SYSVOL"
        yield "versions_differ", f"Its computer half has version {both}: it is being replicated, or half written."
    if gpo.sysvol.preferences:
        named = sorted({f"{path}\\{name}" for _action, path, name in gpo.sysvol.preferences})
        yield "by_preferences", f"It writes by preferences, which may be filtered on the computer: {some(named)}."


def _fights(domain: Domain, links: t.Mapping[str, t.Sequence[tuple[Container, t.Any]]]) -> t.Iterator[Finding]:
    """Two linked GPOs that set one value differently."""
    by_place: dict[tuple[str, str], list[tuple[Gpo, Setting]]] = collections.defaultdict(list)
    for gpo in sorted(domain.gpos.values(), key=lambda each: (each.name.lower(), each.guid)):
        linked = any(not link.disabled for _container, link in links[gpo.key])
        if linked and not gpo.computer_half_is_off and gpo.has_registry_extension and not gpo.sysvol.unread:
            for setting in settings_of(gpo.sysvol.pol):
                by_place[setting.path, setting.name].append((gpo, setting))
    for (path, name), setters in by_place.items():
        if len({(setting.type, setting.data) for _gpo, setting in setters}) > 1:
            first = setters[0][0]
            others = some([gpo.name for gpo, _setting in setters[1:]])
            yield _finding(
                "gpos_fight", first, f"{path}\\{name} is set differently by {others}; the last one in order wins."
            )


def _of_container(domain: Domain, container: Container) -> t.Iterator[tuple[Code, str]]:
    if container.unread:
        yield "link_not_understood", f"The links of {container.name} are not known: {container.unread}."
    for link in container.links:
        if link.gpo not in domain.gpos and not link.disabled:
            yield "link_without_gpo", f"{container.name} links {link.gpo}, which does not exist or cannot be read."


def _links(domain: Domain) -> dict[str, list[tuple[Container, t.Any]]]:
    found: dict[str, list[tuple[Container, t.Any]]] = {key: [] for key in domain.gpos}
    for container in sorted(domain.containers.values(), key=lambda each: each.key):
        for link in container.links:
            if link.gpo in found:
                found[link.gpo].append((container, link))
    return found


def _half(version: int) -> int:
    """The computer half."""
    return version & 0xFFFF


def _finding(code: Code, gpo: Gpo, sentence: str) -> Finding:
    return {"code": code, "guid": gpo.guid, "name": gpo.name, "sentence": sentence}


def _at(code: Code, sentence: str) -> Finding:
    return {"code": code, "guid": None, "name": None, "sentence": sentence}
