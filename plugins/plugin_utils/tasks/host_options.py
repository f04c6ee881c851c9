# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The options of Ansible's ``psrp`` connection for each of many hosts, as Ansible itself resolves them.

Ansible gives variables, templates and vault; the names and defaults are the plugin's own. What a play sets for its
tasks (``vars`` of the play) is not among the variables of its hosts.
"""

from __future__ import annotations

import typing as t

from ansible import constants as C

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import ErrorKind
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.many_connection import DEFAULTS
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import other_plugin

_PLUGIN = "psrp"
_OURS = ("psrp", "ansible.builtin.psrp", "ansible.legacy.psrp")


def options_of_play(task: t.Any, play_context: t.Any, hostvars: t.Any) -> HostOptions:
    """Those of a task that runs once for many hosts: Ansible's own objects in, the task's keywords among them."""
    keys = {**task.dump_attrs(), "timeout": play_context.timeout}
    keys.pop("retries", None)
    if play_context.password:
        keys["password"] = play_context.password
    return HostOptions(hostvars, keys, play_context.connection)


def hosts_of_play(batch: t.Iterable[str], wanted: t.Collection[str] | None) -> list[str]:
    """The hosts of a batch, in its order; ``wanted`` None for all."""
    return [host for host in batch if wanted is None or host in wanted]


class HostOptions:
    """``task_keys`` are the keywords of the task that stand for options (``remote_user``, ``port``, ``password``)."""

    def __init__(self, hostvars: t.Any, task_keys: t.Mapping[str, t.Any], connection: str) -> None:
        self._hostvars = hostvars
        self._task_keys = dict(task_keys)
        self._connection = connection
        self._names = frozenset(C.config.get_plugin_vars("connection", _PLUGIN))
        self._fixed: dict[tuple[t.Any, ...], dict[str, t.Any]] = {}

    def of(self, host: str) -> tuple[dict[str, t.Any], tuple[ErrorKind, str] | None]:
        """(options, None), or ({}, (kind, sentence)) for a host that cannot be asked in this way."""
        try:
            known = self._hostvars[host]
            plugin = str(known.get("ansible_connection", self._connection))
            if plugin not in _OURS:
                return {}, ("connection_plugin", other_plugin(plugin))
            variables = {name: known[name] for name in self._names if name in known}
            return self._resolved(variables), None
        except Exception as problem:
            kind = type(problem).__name__.removeprefix("Ansible")
            sentence = f"The connection variables of this endpoint cannot be worked out ({kind})."
            return {}, ("not_audited", sentence)

    def _resolved(self, variables: dict[str, t.Any]) -> dict[str, t.Any]:
        """Resolving 30 options costs a millisecond, so those that are no host's own are resolved once for a group."""
        own = {name: variables.pop(name) for name in ("inventory_hostname", "ansible_host") if name in variables}
        port = variables.pop("ansible_port", None)
        key = tuple(sorted((name, str(type(value)), str(value)) for name, value in variables.items()))
        fixed = self._fixed.get(key)
        if fixed is None:
            found = C.config.get_plugin_options("connection", _PLUGIN, keys=self._task_keys, variables=variables)
            fixed = self._fixed[key] = {name: _plain(found.get(name)) for name in DEFAULTS}
        options = dict(fixed)
        if "ansible_psrp_host" not in variables:
            options["remote_addr"] = str(own.get("ansible_host", own.get("inventory_hostname")))
        if port is not None and "ansible_psrp_port" not in variables:
            options["port"] = port
        return options


def _plain(value: t.Any) -> t.Any:
    """Without the tags that Ansible puts on values, which another process has no use for."""
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value
