# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Computers of the console as hosts of an inventory: their names, variables and groups. Plain data, fit for a cache."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.listing import some
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.visible import visible_all
from ansible_collections.fleetops.tetra.plugins.module_utils.console.computers import Computer
from ansible_collections.fleetops.tetra.plugins.module_utils.console.errors import ConsoleError
from ansible_collections.fleetops.tetra.plugins.module_utils.console.failing import Judged
from ansible_collections.fleetops.tetra.plugins.module_utils.console.names import full_key
from ansible_collections.fleetops.tetra.plugins.plugin_utils.console.gather import Computers
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.where import Where


class Host(t.TypedDict):
    """``groups``: ``kind_NAME``, not yet made safe for Ansible."""

    variables: dict[str, t.Any]
    groups: list[str]


class Hosts(t.TypedDict):
    """``warnings``: sentences that a user must see, from a cache too."""

    hosts: dict[str, Host]
    warnings: list[str]


def hosts_of(
    found: Computers,
    name_form: str = "console",
    name_case: str = "lower",
    domain: str | None = None,
    where: str | None = None,
) -> Hosts:
    """Errors: ConsoleError for options that cannot be meant."""
    if name_form == "full" and not full_key(domain):
        raise ConsoleError("The option name_form is full, so the option domain must say which domain to append.")
    try:
        chosen = Where(where) if where else None
    except ReportError as error:
        raise ConsoleError(str(error)) from None
    clones = {guid for guid, names in found.fleet.clones.items() if len(names) > 1}
    hosts: dict[str, Host] = {}
    collisions: list[str] = []
    for judged in found.judged:
        one = judged["computer"]
        key = full_key(one["hostname"])
        name = _name(one, name_form, name_case, domain)
        variables = _variables(judged, found.fleet.duplicates.get(key or "", []), one["guid"] in clones)
        if chosen is not None and not chosen.selects({"host": name, **variables}):
            continue
        if name in hosts:
            collisions.append(name)
            continue
        hosts[name] = {"variables": visible_all(variables), "groups": visible_all(_groups(judged))}
    return {"hosts": hosts, "warnings": _warnings(found, collisions, chosen)}


def _name(one: Computer, form: str, case: str, domain: str | None) -> str:
    name = (one["hostname"] or "").strip().removesuffix("$").rstrip(".")
    if form == "short":
        name = name.partition(".")[0]
    elif form == "full" and "." not in name:
        name = f"{name}.{(domain or '').strip('.')}"
    return name.lower() if case == "lower" else name.upper() if case == "upper" else name


def _variables(judged: Judged, duplicates: list[str], clone: bool) -> dict[str, t.Any]:
    one = judged["computer"]
    definitions = one["definitions"]
    age = judged["age_hours"]
    return {
        "secure_endpoint_guid": one["guid"],
        "secure_endpoint_hostname": one["hostname"],
        "secure_endpoint_active": one["active"],
        "secure_endpoint_connector_version": one["connector_version"],
        "secure_endpoint_operating_system": one["operating_system"],
        "secure_endpoint_os_version": one["os_version"],
        "secure_endpoint_policy": one["policy"]["name"],
        "secure_endpoint_policy_guid": one["policy"]["guid"],
        "secure_endpoint_groups": [group["name"] or group["guid"] for group in one["groups"]],
        "secure_endpoint_last_seen": one["last_seen"],
        "secure_endpoint_definitions_standing": judged["standing"],
        "secure_endpoint_definitions_why": judged["why"],
        "secure_endpoint_definitions_said": definitions["said"],
        "secure_endpoint_definitions_version": definitions["version"],
        "secure_endpoint_definitions_updated_at": definitions["updated_at"],
        "secure_endpoint_definitions_age_hours": None if age is None else round(age, 1),
        "secure_endpoint_machine_guid": one["machine_guid"],
        "secure_endpoint_macs": one["macs"],
        "secure_endpoint_duplicates": duplicates,
        "secure_endpoint_cloned_identity": clone,
    }


def _groups(judged: Judged) -> list[str]:
    one = judged["computer"]
    groups = [f"definitions_{judged['standing']}"]
    if one["policy"]["name"]:
        groups.append(f"policy_{one['policy']['name']}")
    groups += [f"group_{group['name']}" for group in one["groups"] if group["name"]]
    if one["connector_version"]:
        groups.append(f"connector_{one['connector_version']}")
    return groups


def _warnings(found: Computers, collisions: list[str], chosen: Where | None) -> list[str]:
    fleet = found.fleet
    said = [*found.notes]
    if fleet.nameless:
        said.append(
            f"{len(fleet.nameless)} computers of the console have a name that is no host name and were left out:"
            f" {some(fleet.nameless)}."
        )
    if fleet.clones:
        said.append(
            f"{len(fleet.clones)} connector GUIDs are shared by several names, as images with a connector identity"
            f" baked in do: {some(sorted(fleet.clones))}."
        )
    if fleet.perhaps_two:
        said.append(f"Several rows of the console may be several machines of one name: {some(fleet.perhaps_two)}.")
    if collisions:
        said.append(f"Names that are the same in this form stand for the first of them only: {some(collisions)}.")
    problem = chosen.problem() if chosen is not None else None
    return [*said, problem] if problem else said
