# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages out of fragments: as pypsrp puts them together, in one pass, within limits."""

from __future__ import annotations

import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypsrp.exceptions import FragmentError
from pypsrp.powershell import Fragmenter
from pypsrp.serializer import Serializer

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import fragments
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.fragments import OnePassFragmenter
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.wire_serializer import WireSerializer

OUTPUT, STATE = 0x00041004, 0x00041006


def message(text: str, kind: int = OUTPUT) -> bytes:
    return struct.pack("<II", 1, kind) + b"\0" * 32 + b"\xef\xbb\xbf" + text.encode()


def cut(number: int, data: bytes, size: int) -> list[bytes]:
    parts = [data[start : start + size] for start in range(0, len(data), size)]
    return [
        struct.pack(">QQBI", number, index, (index == 0) | (index == len(parts) - 1) << 1, len(part)) + part
        for index, part in enumerate(parts)
    ]


def quick() -> OnePassFragmenter:
    made: OnePassFragmenter = OnePassFragmenter.in_place_of(Fragmenter(32768, WireSerializer()))
    return made


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.text(st.characters(codec="utf-8"), max_size=40), st.integers(7, 90)), max_size=6),
    st.integers(1, 5),
)
def test_messages_come_out_as_from_pypsrp(texts: list[tuple[str, int]], answers: int) -> None:
    pieces = [piece for number, (text, size) in enumerate(texts) for piece in cut(number, message(text), size)]
    bodies = [b"".join(pieces[start::answers]) for start in range(answers)] if answers == 1 else [b"".join(pieces)]
    theirs, ours = Fragmenter(32768, WireSerializer()), quick()
    for body in bodies:
        found = [(one.message_type, one.data.data) for one in ours.defragment(body)]
        assert found == [(one.message_type, one.data.data) for one in theirs.defragment(body)]
    assert [text for text, _size in texts] == [text for _kind, text in found]


def test_other_messages_are_pypsrps() -> None:
    state = '<Obj RefId="0"><MS><I32 N="PipelineState">4</I32></MS></Obj>'
    (found,) = quick().defragment(b"".join(cut(1, message(state, STATE), 30)))
    (theirs,) = Fragmenter(32768, Serializer()).defragment(b"".join(cut(1, message(state, STATE), 30)))
    assert found.data.state == theirs.data.state == 4


@pytest.mark.parametrize("body", [b"\0" * 20, cut(1, message("x" * 90), 40)[1], cut(1, b"short", 9)[0]])
def test_what_is_no_fragment_is_an_error_of_one_kind(body: bytes) -> None:
    with pytest.raises((FragmentError, struct.error)):
        quick().defragment(body)


def test_a_body_of_empty_fragments_costs_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut anew for each of them, two megabytes of these cost a minute."""
    body = b"".join(struct.pack(">QQBI", 7, part, part == 0, 0) for part in range(90_000))
    begun = time.process_time()
    assert quick().defragment(body) == []
    assert time.process_time() - begun < 20


def test_more_objects_than_an_answer_can_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "MAX_MESSAGES", 5)
    body = b"".join(cut(number, message("x"), 500)[0] for number in range(6))
    with pytest.raises(SessionError, match="more objects"):
        quick().defragment(body)
    with pytest.raises(SessionError, match="does not end"):
        quick().defragment(b"".join(cut(number, message("x" * 90), 50)[0] for number in range(7)))
