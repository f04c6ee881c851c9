# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records what the lab answers an audit, for ``replay``: ``{endpoint: [[status, envelope], …]}``."""

from __future__ import annotations

import asyncio
import typing as t
from pathlib import Path

import yaml

from ansible_collections.fleetops.tetra.lab.running import running_fleet
from ansible_collections.fleetops.tetra.plugins.plugin_utils.bulk.worker import ON_THE_LOOP
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import bridge
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.http_client import HttpConnection, Response
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.many_connection import ManyConnection
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.gather import gather

PREFIX = "ansible_psrp_"
NAMES = {
    "ansible_host": "remote_addr",
    "ansible_port": "port",
    "ansible_user": "remote_user",
    "ansible_password": "remote_password",
}


def options_of(variables: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options of the psrp connection in an inventory of the lab."""
    found = {name.removeprefix(PREFIX): value for name, value in variables.items() if name.startswith(PREFIX)}
    return found | {option: variables[name] for name, option in NAMES.items() if name in variables}


def record(fleet: Path, work: Path) -> dict[str, list[tuple[int, str]]]:
    """Every endpoint of the fleet that takes Basic over HTTP, has no fault, and can be audited."""
    with running_fleet(fleet, work) as running:
        group = yaml.safe_load(running.inventory.read_text(encoding="utf-8"))["windows"]
        plain = {
            endpoint.name
            for endpoint in running.fleet
            if endpoint.transport.scheme == "http"
            and endpoint.transport.auth[0] == "basic"
            and not endpoint.transport.faults
            and not endpoint.transport.configurations
        }
        hosts = {name: {**group["vars"], **own} for name, own in group["hosts"].items() if name in plain}
        found = {name: asyncio.run(_one(name, options_of(variables))) for name, variables in hosts.items()}
    return {name: answers for name, answers in found.items() if answers}


async def _one(name: str, options: dict[str, t.Any]) -> list[tuple[int, str]]:
    answers: list[tuple[int, str]] = []
    original = HttpConnection.post

    async def post(self: HttpConnection, *arguments: t.Any) -> Response:
        response = await original(self, *arguments)
        answers.append((response.status, response.body.decode("utf-8")))
        return response

    connection = ManyConnection(options)
    HttpConnection.post = post  # type: ignore[method-assign]
    try:
        gathered = await bridge.run(lambda: gather(connection, name, 60, pace=ON_THE_LOOP), 60)
        if gathered.facts is not None:
            await bridge.run(connection.close, 10)
    finally:
        HttpConnection.post = original  # type: ignore[method-assign]
        connection.drop()
    return answers if gathered.facts is not None else []
