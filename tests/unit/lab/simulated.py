# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of simulated endpoints, read by the product's own questions without a wire."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.fleetops.tetra.lab.machine.endpoint import Endpoint
from ansible_collections.fleetops.tetra.lab.pipeline import Caller
from ansible_collections.fleetops.tetra.lab.transport import Transport
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import ProbeOptions, collect
from ansible_collections.fleetops.tetra.tests.unit.lab.test_asking_variants import Direct

_OUTSIDE = ("describe", "expect", "after", "inventory", "repeat", "transport")


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


def facts_of(
    name: str, definition: t.Mapping[str, t.Any], probe: ProbeOptions | None = None
) -> tuple[dict[str, t.Any], Endpoint]:
    """(facts, endpoint) of an endpoint of a fleet file."""
    machine = {key: value for key, value in definition.items() if key not in _OUTSIDE}
    transport = Transport.from_mapping(definition.get("transport"), name)
    endpoint = Endpoint.from_mapping(name, machine)
    asker = Direct(endpoint, Caller("lab", transport.configuration))
    return collect(asker, name, f"{now():%Y-%m-%dT%H:%M:%SZ}", probe), endpoint
