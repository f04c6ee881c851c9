# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The product's whole conversation before an endpoint that answers what refers to itself, and odd texts and numbers."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Session
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import PSObject, command
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.gather import gather
from ansible_collections.fleetops.tetra.tests.second_model import answers, psrp

ITSELF = (
    '<Obj RefId="0"><TN RefId="0"><T>System.Management.Automation.PSDriveInfo</T></TN><Props><S N="Name">HKLM</S>'
    '<Obj N="Provider" RefId="1"><TN RefId="1"><T>System.Management.Automation.ProviderInfo</T></TN>'
    '<Props><Ref N="Drive" RefId="0" /></Props></Obj></Props></Obj>'
)
"""A drive names its provider, and the provider its drive (as in recorded answers)."""


class Xml(str):
    """CLIXML as it stands."""


@pytest.fixture(autouse=True)
def as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    made = psrp.to_clixml
    monkeypatch.setattr(psrp, "to_clixml", lambda value: str(value) if isinstance(value, Xml) else made(value))


def test_an_object_that_refers_to_itself_is_read_and_costs_nothing_else() -> None:
    def said(_statements: t.Any) -> t.Iterator[t.Any]:
        yield Xml(ITSELF)
        yield "Basis_XP_Härtung _X_ \\r"
        yield 1 << 31

    session = Session(t.cast(t.Any, psrp.Connection(said, {"PSVersion": "5.1"})))
    session.open()
    drive, text, number = session.ask([(command("Get-Item", LiteralPath="HKLM:"),)]).output
    assert isinstance(drive, PSObject) and drive.get("Name") == "HKLM"
    assert drive.get("Provider").get("Drive") is None or isinstance(drive.get("Provider").get("Drive"), PSObject)
    assert (text, number) == ("Basis_XP_Härtung _X_ \\r", 1 << 31)


def test_an_endpoint_that_adds_such_an_object_to_each_answer_is_judged_as_ever() -> None:
    model = answers.all_endpoints()["default-22h2"]

    def said(statements: t.Any) -> t.Iterator[t.Any]:
        yield Xml(ITSELF)
        yield from model.answer(statements)

    plain = gather(t.cast(t.Any, model.connection()), "pc", 60)
    odd = gather(t.cast(t.Any, psrp.Connection(said, {"PSVersion": "5.1.19045.1", "PSEdition": "Desktop"})), "pc", 60)
    assert plain.facts is not None and odd.facts is not None, odd.error
    assert evaluate(odd.facts)["state"] == evaluate(plain.facts)["state"] == "compliant"
