# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The product's own questions, put to simulated endpoints that answer in every way that Windows might.

However an endpoint answers (a batch that stops, return code 1 or 2, bytes in one piece or many), the verdict is the one
that the fleet file expects. Without the wire: the objects go through CLIXML as they would.
"""

from __future__ import annotations

import pathlib
import typing as t
from xml.etree import ElementTree

import pytest
from psrpcore.types import PSCryptoProvider, serialize

from ansible_collections.fleetops.tetra.lab import fleet
from ansible_collections.fleetops.tetra.lab.comparison import differences
from ansible_collections.fleetops.tetra.lab.fleet import EndpointDefinition
from ansible_collections.fleetops.tetra.lab.machine.behaviours import SWITCHABLE
from ansible_collections.fleetops.tetra.lab.machine.endpoint import Endpoint
from ansible_collections.fleetops.tetra.lab.pipeline import (
    Blocking,
    Caller,
    Command,
    NonTerminatingError,
    Output,
    TerminatingError,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import clixml
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Answer,
    PSObject,
    Refusal,
    Statement,
    UInt32,
    command,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect

ASKING = (
    "batch_after_error",
    "empty_key_itemproperty",
    "stdregprov_missing_code",
    "stdregprov_wrong_type_code",
    "get_content_bytes",
    "services_denied",
    "tls_module_on_powershell_7",
)
ENDPOINTS = (
    "note-failing",
    "note-healthy",
    "w7-tls12-on",
    "s2012r2-default",
    "w11-23h2-default",
    "policy-without-the-four",
    "aes128-off",
    "aes-keys-all-ones",
    "tls12-client-off",
    "origin-mdm",
    "connector-absent",
    "tetra-off",
    "own-update-server",
    "policy-xml-unreadable",
    "account-without-rights",
    "account-without-rights-aes-key",
    "wmi-broken-policy",
    "powershell-2",
    "powershell-7",
    "session-32-bit",
    "jea-audit",
    "jea-audit-failing",
    "policy-denied",
    "errors-in-korean",
)
_FLEET = pathlib.Path(fleet.__file__).parent / "fleets" / "mixed.yml"
MIXED = {definition.name: definition for definition in fleet.load(_FLEET)}


class Direct:
    """Asks a simulated endpoint without a wire."""

    def __init__(self, endpoint: Endpoint, caller: Caller) -> None:
        self._endpoint = endpoint
        self._caller = caller

    def ask(self, statements: t.Sequence[Statement]) -> Answer:
        batches = self._endpoint.session(self._caller)
        made = [
            tuple(Command(one.name, parameters=tuple((k, _sent(v)) for k, v in one.parameters)) for one in statement)
            for statement in statements
        ]
        if batches is not None and batches.version == "2.0":
            made = made[:1]
        output: list[t.Any] = []
        refusals: list[Refusal] = []
        failed = False
        events = self._endpoint.invoke(made, self._caller)
        reply: t.Any = None
        while True:
            try:
                event = events.send(reply)
            except StopIteration:
                return Answer(output, refusals, failed)
            reply = event.work() if isinstance(event, Blocking) else None
            if isinstance(event, Output):
                text = ElementTree.tostring(serialize(event.wire(), PSCryptoProvider()), encoding="unicode")
                output.append(clixml.parse(text))
            elif isinstance(event, (NonTerminatingError, TerminatingError)):
                details = event.details
                target = None if details.target is None else str(details.target)
                refusals.append(Refusal(details.category, details.error_id, details.command, target))
                failed = failed or isinstance(event, TerminatingError)

    def version_table(self) -> dict[str, t.Any]:
        table = self._endpoint.application_private_data(self._caller)["PSVersionTable"]
        return {str(name): str(value) for name, value in table.items()}

    def configuration(self) -> str | None:
        return self._caller.configuration


def _sent(value: t.Any) -> t.Any:
    """As the server hands it to the machine: numbers without their type."""
    if isinstance(value, dict):
        return {name: _sent(item) for name, item in value.items()}
    return value.value if isinstance(value, UInt32) else value


def verdict_of(definition: EndpointDefinition, behaviours: dict[str, str]) -> tuple[dict[str, t.Any], list[str]]:
    chosen = {**behaviours, **definition.machine.get("behaviours", {})}
    endpoint = Endpoint.from_mapping(definition.name, {**definition.machine, "behaviours": chosen})
    caller = Caller("lab", definition.transport.configuration)
    facts = collect(Direct(endpoint, caller), definition.name, "2026-11-24T03:43:00Z")
    return evaluate(facts), endpoint.unmatched


WORLDS: list[dict[str, str]] = [{}, *({name: variant} for name in ASKING for variant in SWITCHABLE[name][1:])]


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_verdict_stands_however_the_endpoint_answers(name: str) -> None:
    definition = MIXED[name]
    for world in WORLDS:
        verdict, unmatched = verdict_of(definition, world)
        assert unmatched == []
        if name == "powershell-7" and world == {"tls_module_on_powershell_7": "missing"}:
            assert verdict["state"] in ("compliant", "unknown")  # less was read; what was read is good
            continue
        assert differences(name, definition.expect, {"host": name, "verdict": verdict}) == [], world


def test_objects_arrive_as_things() -> None:
    endpoint = Endpoint.from_mapping("pc", {"release": "10_22h2"})
    key = r"Registry::HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
    statement: Statement = (command("Get-ItemProperty", LiteralPath=key),)
    (found,) = Direct(endpoint, Caller("lab")).ask([statement]).output
    assert isinstance(found, PSObject)
    assert found.get("CurrentBuildNumber") == "19045"
