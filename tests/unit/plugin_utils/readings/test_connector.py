# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connector is absent only where every service that came back is certainly another."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

import pytest

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import PSObject, Refusal
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.connector import connector
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import Reply
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.survey import Survey

DRIVER = {"PSChildName": "CiscoAMPCEFWDriver", "ImagePath": "system32\\drivers\\ciscoampcefwdriver.sys", "Start": 1}
RPC = {"PSChildName": "RpcSs", "ImagePath": "C:\\Windows\\system32\\svchost.exe -k rpcss", "Start": 2}


def status(*services: t.Any, refusals: t.Sequence[Refusal] = (), complete: bool = True, rpc: t.Any = "running") -> str:
    rpc = RPC if rpc == "running" else rpc
    services = (rpc, *services, rpc) if rpc is not None else services
    reply = Reply([PSObject((), one) if isinstance(one, dict) else one for one in services], list(refusals), complete)
    registry: t.Any = SimpleNamespace(data=lambda key, name: None)
    survey = Survey(registry, Reply(), Reply(), reply, {})
    plan: t.Any = SimpleNamespace(connector=None)
    found: str = connector(survey, plan, {})["status"]
    return found


def test_drivers_alone_are_no_connector() -> None:
    assert status() == "absent"
    assert status(DRIVER) == "absent"
    assert status(DRIVER, {**DRIVER, "ImagePath": None}) == "absent"
    assert status({"PSChildName": "CiscoAMP", "ImagePath": "C:\\other\\service.exe"}) == "absent"


@pytest.mark.parametrize(
    "service",
    [
        {"PSChildName": "CiscoAMP", "ImagePath": None, "Start": 2},
        {"PSChildName": "CiscoAMP_8.4.1", "ImagePath": 42},
        {"PSChildName": "CiscoAMP", "ImagePath": PSObject((), {})},
        {"PSChildName": None, "ImagePath": "C:\\Program Files\\Cisco\\AMP\\8.4.1\\sfc.exe"},
        {"PSChildName": ["CiscoAMP"], "ImagePath": "x"},
        {"PSChildName": "CiscoAMP\x00", "ImagePath": "x"},
        {},
        "CiscoAMP",
        42,
        None,
    ],
)
def test_a_service_that_cannot_be_read_may_be_the_connector(service: t.Any) -> None:
    assert status(DRIVER, service) == "error"


def test_a_list_that_did_not_end_proves_no_absence() -> None:
    assert status(DRIVER, complete=False) == "error"
    assert status(refusals=[Refusal("PermissionDenied", "x")]) == "denied"


def test_a_session_that_shows_no_service_at_all_proves_no_absence() -> None:
    """Get-ItemProperty with a pattern is silent where nothing fits, and where something hides what fits."""
    for rpc in (None, {**RPC, "ImagePath": None}, {**RPC, "PSChildName": "Other"}):
        assert status(DRIVER, rpc=rpc) == status(rpc=rpc) == "error"
