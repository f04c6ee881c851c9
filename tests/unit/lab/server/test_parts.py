# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure parts of the server: fragments, envelopes, CLIXML, records, HTTP and what nonsense does to them."""

from __future__ import annotations

import asyncio
import types
import typing as t
import uuid
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psrpcore import ClientRunspacePool, PSRemotingCrypto, PSRPPayload, StreamType
from psrpcore import types as ps
from pypsrp.encryption import WinRMEncryption
from pypsrp.powershell import Fragmenter
from pypsrp.wsman import NAMESPACES, WSMan

from ansible_collections.fleetops.tetra.lab.pipeline import ErrorDetails, Output
from ansible_collections.fleetops.tetra.lab.server import (
    clixml,
    evidence,
    faults,
    fragments,
    http,
    records,
    sealing,
    soap,
)
from ansible_collections.fleetops.tetra.lab.server.answers import Answers
from ansible_collections.fleetops.tetra.lab.server.runspace import Runspace

POOL = uuid.UUID("16840332-d453-4eb7-ae92-f5e4b2062e24")
PIPELINE = uuid.UUID("1a811757-f836-45d1-a084-ce2da3cacb34")


# -- fragments ---------------------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 200_000))
def test_pypsrp_puts_the_fragments_together_again(size: int) -> None:
    text = "x" * size
    pieces = fragments.to_fragments(
        7, ps.PSRPMessageType.PipelineOutput.value, clixml.BOM + f"<S>{text}</S>".encode(), POOL, PIPELINE
    )
    assert all(len(piece) <= 32768 for piece in pieces)
    assert all(len(piece) == 32768 for piece in pieces[:-1])
    fragmenter = Fragmenter(500_000, types.SimpleNamespace(deserialize=lambda value, *_: value))  # type: ignore[arg-type]
    messages = [message for piece in pieces for message in fragmenter.defragment(piece)]
    assert len(messages) == 1
    assert (messages[0].rpid, messages[0].pid) == (POOL, PIPELINE)
    message: t.Any = messages[0].data
    assert str(message.data).count("x") == size
    assert fragments.pipeline_of(pieces[0]) == PIPELINE


def test_a_fragment_too_short_for_a_header() -> None:
    with pytest.raises(ValueError, match="shorter"):
        fragments.pipeline_of(b"\x00" * 40)


# -- envelopes ---------------------------------------------------------------------------------------------------------


def _request(message_id: str = "uuid:1", timeout: str = "PT20S") -> bytes:
    wsman = WSMan("127.0.0.1", ssl=False)
    identifier, header = wsman._create_header("urn:act", "urn:resource", timeout=5)
    envelope = ElementTree.Element(f"{{{NAMESPACES['s']}}}Envelope")
    envelope.append(header)
    ElementTree.SubElement(envelope, f"{{{NAMESPACES['s']}}}Body")
    data: bytes = ElementTree.tostring(envelope)
    return data.replace(f"uuid:{identifier}".encode(), message_id.encode()).replace(b"PT5S", timeout.encode())


def test_a_request_is_read() -> None:
    asked = soap.parse(_request())
    assert (asked.action, asked.resource_uri, asked.message_id) == ("urn:act", "urn:resource", "uuid:1")
    assert (asked.timeout, asked.max_envelope, asked.shell_id) == (20.0, 153600, "")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT20S", 20.0),
        ("PT0.5S", 0.5),
        ("PT1M30S", 90.0),
        ("P1DT1H", 90000.0),
        ("PT60.000S", 60.0),
        ("P", None),
        ("", None),
    ],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert soap.duration(text) == seconds


@pytest.mark.parametrize("body", [b"", b"no xml", b"<a/>", b"\xff\xfe", b"<s:Envelope/>", b"<!DOCTYPE a><a>"])
def test_what_is_no_envelope(body: bytes) -> None:
    with pytest.raises(soap.NotSoap):
        soap.parse(body)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_an_envelope_or_none(body: bytes) -> None:
    try:
        soap.parse(body)
    except soap.NotSoap:
        pass


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=40))
def test_the_message_id_comes_back_whatever_it_is(identifier: str) -> None:
    asked = soap.Request("a", identifier, "r", "to", 1.0, 1, {}, None)
    for envelope in (soap.answer(asked, "urn:b", ""), soap.fault(identifier, faults.timed_out(), "127.0.0.1")):
        header = ElementTree.fromstring(envelope).find("s:Header/wsa:RelatesTo", NAMESPACES)
        assert header is not None
        assert header.text == identifier


def test_pypsrp_reads_the_faults() -> None:
    for fault, code in (
        (faults.timed_out(), 2150858793),
        (faults.unknown_command(), 2150858843),
        (faults.access_denied(), 5),
    ):
        read = WSMan._parse_wsman_fault(soap.fault("uuid:1", fault, "here").decode())
        assert (read.code, read.machine) == (code, "here")


# -- sealing -----------------------------------------------------------------------------------------------------------


class _Mirror:
    """A security context that reverses, so that both sides of the framing can be seen."""

    def wrap_winrm(self, data: bytes) -> t.Any:
        class Wrapped(t.NamedTuple):
            header: bytes
            data: bytes
            padding_length: int

        return Wrapped(b"signature-of-16b", data[::-1], 0)

    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes:
        if header != b"signature-of-16b":
            raise ValueError("wrong signature")
        return data[::-1]


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=1, max_size=2000))
def test_sealed_messages_are_pypsrps(envelope: bytes) -> None:
    context: t.Any = _Mirror()
    theirs = WinRMEncryption(context, WinRMEncryption.SPNEGO)
    _header, body = theirs.wrap_message(envelope)
    assert sealing.unseal(body, context) == envelope
    assert sealing.seal(envelope, context) == body
    assert theirs.unwrap_message(sealing.seal(envelope, context), "Encrypted Boundary") == envelope


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_nonsense_is_not_unsealed(body: bytes) -> None:
    context: t.Any = _Mirror()
    with pytest.raises(sealing.NotSealed):
        sealing.unseal(body, context)
    with pytest.raises(sealing.NotSealed):
        sealing.unseal(b"--Encrypted Boundary\r\nLength=1--Encrypted Boundary\r\n" + body, context)


# -- CLIXML ------------------------------------------------------------------------------------------------------------


def _thing(name: str) -> ps.PSCustomObject:
    value = ps.PSCustomObject(PSTypeName="Thing")
    ps.add_note_property(value, "Name", name)
    return value


def test_equal_objects_are_converted_once_and_others_are_not_mixed_up() -> None:
    cipher = PSRemotingCrypto()
    first = clixml.to_clixml(_thing("a"), cipher)
    assert clixml.to_clixml(_thing("a"), cipher) is first
    assert clixml.to_clixml(_thing("b"), cipher) == first.replace(b">a<", b">b<")
    typed = ps.PSUInt(5)
    assert clixml.to_clixml(typed, cipher) == clixml.BOM + b"<U32>5</U32>"
    assert clixml.to_clixml(5, cipher) == clixml.BOM + b"<I32>5</I32>"
    assert clixml.to_clixml(True, cipher) == clixml.BOM + b"<B>true</B>"


def test_secrets_are_not_remembered() -> None:
    runs = []
    for _turn in range(2):
        cipher = PSRemotingCrypto()
        cipher.register_key(uuid.uuid4().bytes * 2)
        runs.append(clixml.to_clixml(ps.PSSecureString("secret"), cipher))
    assert b"<SS>" in runs[0]
    assert runs[0] != runs[1]


def test_memory_forgets_the_oldest() -> None:
    memory: clixml.Memory[str, int] = clixml.Memory(2)
    memory.put("a", 1)
    memory.put("b", 2)
    assert memory.get("a") == 1
    memory.put("c", 3)
    assert (memory.get("a"), memory.get("b"), memory.get("c")) == (1, None, 3)


def test_psrpcores_own_client_reads_what_the_runspace_writes() -> None:
    """A second client library: it takes a message in where pypsrp only looks at parts of it."""
    client = ClientRunspacePool()
    client.open()
    sent: list[bytes] = []
    runspace = Runspace(
        {"PSVersionTable": {"PSVersion": "5.1.1.1"}}, lambda pipeline, kind, pieces: sent.extend(pieces)
    )
    payload = client.data_to_send()
    assert payload is not None
    runspace.receive(payload.data)
    for piece in sent:
        client.receive_data(PSRPPayload(piece, StreamType.default, None))
    events = []
    while (event := client.next_event()) is not None:
        events.append(type(event).__name__)
    assert events == ["SessionCapabilityEvent", "ApplicationPrivateDataEvent", "RunspacePoolStateEvent"]
    assert client.state == ps.RunspacePoolState.Opened
    assert str(client.application_private_data["PSVersionTable"]["PSVersion"]) == "5.1.1.1"


def test_an_error_record_has_the_recorded_shape() -> None:
    details = ErrorDetails(
        message="error",
        error_id="Microsoft.PowerShell.Commands.WriteErrorException",
        exception="Microsoft.PowerShell.Commands.WriteErrorException",
        command="Write-Error",
    )
    text = clixml.to_clixml(("test", details), PSRemotingCrypto(), lambda: records.error_record(details))
    record = ElementTree.fromstring(text.removeprefix(clixml.BOM))
    notes = {note.get("N"): note.text for note in record.iterfind("MS/*")}
    assert record.findtext("ToString") == "error"
    assert notes["ErrorCategory_Message"] == "NotSpecified: (:) [Write-Error], WriteErrorException"
    # An engine sends what was called along with it (recorded on 7.6); the short form is of Windows PowerShell 5.1.
    assert (notes["ErrorCategory_Category"], notes["SerializeExtendedInfo"]) == ("0", "true")
    (exception,) = record.iterfind("MS/Obj[@N='Exception']")
    assert exception.findtext("ToString") == "Microsoft.PowerShell.Commands.WriteErrorException: error"
    assert {prop.get("N") for prop in exception.iterfind("Props/*")} == {
        "Message", "Data", "InnerException", "TargetSite", "StackTrace", "HelpLink", "Source", "HResult",
    }  # fmt: skip


def test_output_with_a_converter() -> None:
    assert Output(2).wire() == 2
    assert Output(2, lambda value: value * 3).wire() == 6


# -- answers and HTTP --------------------------------------------------------------------------------------------------


def test_answers_are_bounded_and_keep_messages_apart() -> None:
    answers = Answers()
    answers.put([b"a" * 10, b"b" * 10])
    answers.put([b"c" * 10], apart=True)
    answers.put([b"d" * 50])
    answers.finish()
    assert answers.take(25) == ([b"a" * 10, b"b" * 10], False)
    assert answers.take(25) == ([b"c" * 10], False)
    assert answers.take(25) == ([b"d" * 50], True), "one fragment goes, however large"
    assert answers.take(25) == ([], True)


def test_waiting_for_an_answer_ends() -> None:
    async def run() -> list[bool]:
        answers = Answers()
        early = await answers.wait(0.01)
        asyncio.get_running_loop().call_later(0.01, answers.put, [b"x"])
        return [early, await answers.wait(30)]

    assert asyncio.run(run()) == [False, True]


async def _read(data: bytes) -> http.HttpRequest | None:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return await http.read_request(reader)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_request_or_refused(data: bytes, ended: bool) -> None:
    try:
        asyncio.run(_read(data + (b"\r\n\r\n" if ended else b"")))
    except http.BadRequest as problem:
        assert problem.status in (400, 411, 413)


def test_a_request_with_its_body() -> None:
    request = asyncio.run(_read(b"POST /wsman?x HTTP/1.1\r\nContent-Length: 3\r\nConnection: Close\r\n\r\nabc"))
    assert request is not None
    assert (request.method, request.path, request.body, request.keep_alive) == ("POST", "/wsman", b"abc", False)
    assert asyncio.run(_read(b"")) is None


def test_the_documentation_prints_the_evidence() -> None:
    page = (Path(__file__).parents[4] / "docs" / "lab.md").read_text(encoding="utf-8")
    assert evidence.as_markdown() in page
    assert {fact.evidence for fact in evidence.FACTS} == {"recorded", "documented", "inferred"}
