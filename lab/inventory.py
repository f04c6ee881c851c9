# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Ansible inventory of a running fleet."""

from __future__ import annotations

import os
import pathlib
import typing as t

import yaml

from ansible_collections.fleetops.tetra.lab.fleet import EndpointDefinition
from ansible_collections.fleetops.tetra.lab.transport import DEFAULT_CONFIGURATION

GROUP = "windows"
_COMMON: dict[str, t.Any] = {
    "ansible_connection": "psrp",
    "ansible_host": "127.0.0.1",
    # A proxy of this machine has no business on loopback.
    "ansible_psrp_ignore_proxy": True,
    # Short, so that one hanging endpoint does not hold up a rehearsal; a real fleet wants the defaults.
    "ansible_psrp_connection_timeout": 5,
    "ansible_psrp_operation_timeout": 4,
    "ansible_psrp_read_timeout": 6,
    "ansible_psrp_reconnection_retries": 0,
    "ansible_psrp_reconnection_backoff": 0,
}


def variables(endpoint: EndpointDefinition, port: int, authority: str) -> dict[str, t.Any]:
    """The variables of one host."""
    transport = endpoint.transport
    auth = transport.auth[0]
    values: dict[str, t.Any] = {
        "ansible_port": port,
        "ansible_user": transport.user,
        "ansible_password": transport.password,
        "ansible_psrp_protocol": transport.scheme,
        "ansible_psrp_auth": auth,
    }
    if transport.tls:
        values["ansible_psrp_ca_cert"] = authority
    elif auth == "basic":
        values["ansible_psrp_message_encryption"] = "never"
    if transport.configuration != DEFAULT_CONFIGURATION:
        values["ansible_psrp_configuration_name"] = transport.configuration
    values.update(endpoint.inventory)
    return {name: value for name, value in values.items() if value is not None}


def build(hosts: t.Mapping[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    """The inventory: one group with what all have in common."""
    return {GROUP: {"vars": dict(_COMMON), "hosts": dict(hosts)}}


def write(path: pathlib.Path, hosts: t.Mapping[str, dict[str, t.Any]]) -> None:
    """Writes the inventory, readable by its owner only: it holds the lab's password."""
    text = "# Written by the lab; the endpoints are simulated and live on this machine only.\n" + yaml.safe_dump(
        build(hosts), sort_keys=False, allow_unicode=True, width=120
    )
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    part.replace(path)
