# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every Windows computer of the Cisco Secure Endpoint console as a host of the inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: secure_endpoint
short_description: The computers of the Cisco Secure Endpoint console
version_added: 1.1.0
description:
  - Every Windows computer that the console knows becomes a host, with connector, policy, groups and the age of its
    definitions as variables.
  - The file must end in C(.secure_endpoint.yml) or C(.secure_endpoint.yaml).
  - How names are brought together with those of other inventories stands in C(docs/console.md). Of several rows with
    one name the one seen last stands for it; rows that share a connector GUID are marked and never merged.
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
  - fleetops.tetra.console
options:
  plugin:
    description: Name of this plugin.
    type: str
    required: true
    choices: [fleetops.tetra.secure_endpoint]
  name_form:
    description:
      - Whether hosts are named as the console writes them, without their domain (V(short)), or with O(domain) where the
        console's name has none (V(full)).
    type: str
    choices: [console, short, full]
    default: console
  name_case:
    description: Whether names are kept as they are or brought into one case. Ansible's names know two cases.
    type: str
    choices: [keep, lower, upper]
    default: lower
  domain:
    description: The domain that O(name_form=full) appends.
    type: str
  filters:
    description:
      - Filters that the console itself applies. C(hostname) and C(group_guid) are lists, C(last_seen_within) and
        C(last_seen_over) numbers of days.
    type: dict
    default: {}
  where:
    description:
      - A JMESPath expression over one host's variables, such as V(secure_endpoint_definitions_standing == 'failing').
      - Where it is not true the host is left out.
    type: str
  include_demo:
    description: Whether the console's fabricated computers become hosts.
    type: bool
    default: false
  only_windows:
    description: Whether other systems are left out, and computers whose system the console does not tell.
    type: bool
    default: true
  groups_by:
    description:
      - Groups that are made without more ado, named C(secure_endpoint_policy_NAME), C(secure_endpoint_group_NAME),
        C(secure_endpoint_definitions_STANDING) and C(secure_endpoint_connector_VERSION).
    type: list
    elements: str
    choices: [policy, group, definitions, connector]
    default: [policy, group, definitions, connector]
  definitions_hours:
    description: Definitions older than this count as failing.
    type: float
    default: 24.0
  silent_days:
    description:
      - A connector that has not called for so many days stands in C(secure_endpoint_definitions_stale_connector).
    type: float
    default: 7.0
author:
  - The fleetops.tetra authors (@fleetops)
"""

EXAMPLES = r"""
# fleet.secure_endpoint.yml: all computers of the European cloud; the key comes from the environment
# (TETRA_CONSOLE_CLIENT_ID, TETRA_CONSOLE_API_KEY).
plugin: fleetops.tetra.secure_endpoint
region: eu

---
# failing.secure_endpoint.yml: what fails, by full name, with the variables of the connection, kept for an hour
plugin: fleetops.tetra.secure_endpoint
region: eu
credentials_file: console.vault.yml
name_form: full
domain: corp.example
where: "secure_endpoint_definitions_standing == 'failing'"
compose:
  ansible_connection: "'ansible.builtin.psrp'"
keyed_groups:
  - key: secure_endpoint_operating_system
    prefix: system
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: build/cache
cache_timeout: 3600
"""

import datetime
import typing as t

import ansible.template
from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ansible_collections.fleetops.tetra.plugins.module_utils.console.errors import ConsoleError
from ansible_collections.fleetops.tetra.plugins.module_utils.console.failing import Limits
from ansible_collections.fleetops.tetra.plugins.plugin_utils.console.access import ACCESS, open_access
from ansible_collections.fleetops.tetra.plugins.plugin_utils.console.gather import computers, query_of
from ansible_collections.fleetops.tetra.plugins.plugin_utils.console.hosts import Hosts, hosts_of

_ENDINGS = (".secure_endpoint.yml", ".secure_endpoint.yaml")


def _never_a_template(variables: dict[str, t.Any]) -> dict[str, t.Any]:
    """What the console says is no template; since ansible-core 2.19 that goes without saying."""
    if hasattr(ansible.template, "trust_as_template"):
        return variables
    from ansible.utils.unsafe_proxy import wrap_var

    marked: dict[str, t.Any] = wrap_var(variables)
    return marked


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):  # type: ignore[misc]
    """Options → hosts (plugin_utils/console/hosts.py) → Ansible's inventory."""

    NAME = "fleetops.tetra.secure_endpoint"

    def verify_file(self, path: str) -> bool:
        """Only files whose names say that they are meant."""
        return bool(super().verify_file(path)) and path.endswith(_ENDINGS)

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Reads the console, or the cache of an earlier reading."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        self.load_cache_plugin()
        key = self.get_cache_key(path)
        use = self.get_option("cache") and cache
        try:
            hosts: Hosts | None = self._cache.get(key) if use else None
            if hosts is None:
                hosts = self._ask()
                if self.get_option("cache"):
                    self._cache[key] = hosts
        except ConsoleError as error:
            raise AnsibleParserError(str(error)) from None
        for sentence in hosts["warnings"]:
            self.display.warning(sentence)
        self._fill(hosts)

    def _ask(self) -> Hosts:
        options = {name: self.get_option(name) for name in ACCESS}
        named = options["credentials_file"]
        now = datetime.datetime.now(datetime.UTC)
        with open_access(options, self.loader.load_from_file(named, cache="none") if named else None) as access:
            found = computers(
                access,
                now,
                Limits(self.get_option("definitions_hours"), self.get_option("silent_days")),
                query_of(self.get_option("filters") or {}),
                self.get_option("include_demo"),
                self.get_option("only_windows"),
                whole=False,
            )
        names = {name: self.get_option(name) for name in ("name_form", "name_case", "domain", "where")}
        return hosts_of(found, **names)

    def _fill(self, hosts: Hosts) -> None:
        strict = self.get_option("strict")
        compose, groups, keyed = (self.get_option(name) for name in ("compose", "groups", "keyed_groups"))
        made: dict[str, str] = {}
        wanted = tuple(f"{kind}_" for kind in self.get_option("groups_by"))
        for name, entry in hosts["hosts"].items():
            variables = _never_a_template(entry["variables"])
            self.inventory.add_host(name)
            for variable, value in variables.items():
                self.inventory.set_variable(name, variable, value)
            for group in entry["groups"]:
                if group.startswith(wanted):
                    if group not in made:
                        made[group] = self.inventory.add_group(self._sanitize_group_name(f"secure_endpoint_{group}"))
                    self.inventory.add_child(made[group], name)
            if compose:
                self._set_composite_vars(compose, variables, name, strict=strict)
            if groups:
                self._add_host_to_composed_groups(groups, variables, name, strict=strict)
            if keyed:
                self._add_host_to_keyed_groups(keyed, variables, name, strict=strict)
