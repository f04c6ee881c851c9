# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session puts on the wire is, byte for byte, what pypsrp by itself makes of the same pipeline."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st
from pypsrp.complex_objects import Pipeline
from pypsrp.powershell import RunspacePool
from pypsrp.serializer import Serializer
from pypsrp.wsman import WSMan

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import pipelines
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.cmdlets import READS
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Session
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Command, Statement, UInt32
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.wire_serializer import WireSerializer
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings import survey


class Sent(BaseException):
    """Instead of sending it."""

    def __init__(self, message: t.Any) -> None:
        super().__init__("sent")
        self.message = message


def message_of(statements: t.Sequence[Statement], protocol_version: str = "2.3") -> t.Any:
    def fragment(message: t.Any, *_more: t.Any) -> None:
        raise Sent(message)

    pool = RunspacePool(WSMan("nowhere.invalid"))
    pool.protocol_version = protocol_version
    pool._fragmenter = SimpleNamespace(fragment=fragment, serializer=None)
    connection: t.Any = SimpleNamespace(transport="psrp", connected=True, runspace=pool, get_option=lambda option: None)
    try:
        Session(connection).ask(statements)
    except Sent as sent:
        return sent.message
    raise AssertionError("nothing was sent")


def as_pypsrp(message: t.Any) -> bytes:
    """As ``pypsrp.messages.Message.pack`` makes it, commands copied as pypsrp copies them.

    Of what was made before, only the first command is there.
    """
    message.ready = None
    message.pipeline.__class__ = Pipeline
    element = Serializer().serialize(message)
    assert element is not None
    return ElementTree.tostring(element, encoding="utf-8", method="xml")


texts = st.text(st.characters(exclude_categories=()), max_size=20)
scalars = texts | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.none()
values = st.recursive(
    scalars | st.binary(max_size=8) | st.builds(UInt32, st.integers(0, 2**32 - 1)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def commands(names: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[Command, ...]]:
    parameters = st.lists(st.tuples(st.none() | texts, values), max_size=4).map(tuple)
    one = st.builds(Command, names, parameters, st.booleans())
    return st.lists(one, min_size=1, max_size=3).map(tuple)


# Anything may stand first; behind it only what reads.
reading = st.builds("{}\\{}".format, texts.filter(lambda text: ".exe" not in text), st.sampled_from(sorted(READS)))
statements = st.builds(
    lambda first, more: [first, *more], commands(texts.filter(bool)), st.lists(commands(reading), max_size=3)
)


@settings(max_examples=150, deadline=None)
@given(statements, st.sampled_from(["2.2", "2.3"]))
def test_a_pipeline_goes_out_as_pypsrp_would_send_it(given_statements: list[Statement], protocol_version: str) -> None:
    pipelines._READY.clear()
    expected = as_pypsrp(message_of(given_statements, protocol_version))
    for _time in ("made", "made before"):
        sent = WireSerializer().serialize(message_of(given_statements, protocol_version))
        assert isinstance(sent, bytes)
        assert sent == expected


def test_values_that_are_equal_and_not_the_same_are_not_mixed_up() -> None:
    pipelines._READY.clear()
    sent = []
    for value in (1, True, 1.0, "1", 1):
        statement = [(Command("Microsoft.PowerShell.Utility\\Get-Random", (("Count", value),)),)]
        sent.append(WireSerializer().serialize(message_of(statement)))
    assert len(set(sent)) == 4
    assert sent[0] == sent[4]


def test_the_first_batch_of_an_audit_goes_out_as_pypsrp_would_send_it() -> None:
    batch = [question.statement for question in survey.questions()]
    pipelines._READY.clear()
    expected = as_pypsrp(message_of(batch))
    sent = WireSerializer().serialize(message_of(batch))
    assert sent == expected
    assert sent.count(b'N="Cmd"') > 10
