# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ETL files by others' knowledge of the format: the structures of airbus-cert/etl-parser, turned round by construct.

Every byte of a header, a record and a packet event is laid out by its definitions (taken from Windows' headers and from
manifests of real machines), none by ours. Nothing but Windows' kernel writes ETL files of its own; this is as near as a
test without Windows comes. And the packets of a file as fox-it/dissect.etl reads them.
"""

from __future__ import annotations

import typing as t
from pathlib import Path
from uuid import UUID

from ansible_collections.fleetops.tetra.lab.capture.wire import Frame

BUFFER = 65536
START = 133_000_000_000_000_000
"""FILETIME of the session's start, 2022-06-17."""
FIRST = 7_000_000_000
_TIME_ZONE_ENDS = 244
_CAPTURE, _PKTMON = UUID("2ed6006e-4729-4609-b423-3ee7bcd678ef"), UUID("4d4f80d9-c8bd-4d73-bb5b-19c90402c5ac")


def written(rows: t.Sequence[Frame], tool: t.Literal["netsh", "pktmon"], fragment: int = 0, clock: int = 1) -> bytes:
    """A trace with these packets.

    ``fragment``: bytes of a packet an event at most, as Windows 7 splits them. ``clock``: 1 performance counter at ten
    million a second, 2 system time, 3 processor cycles at 2.4 GHz.
    """
    events = []
    for number, row in enumerate(rows):
        passed = round((row.at - rows[0].at) * 10_000_000)
        stamp = START + passed if clock == 2 else FIRST + passed * (240 if clock == 3 else 1)
        if tool == "pktmon":
            events.append(_event(stamp, _PKTMON, 160, 0x10, _pktmon(number, row)))
            continue
        size = fragment or len(row.kept)
        parts = [row.kept[at : at + size] for at in range(0, len(row.kept), size)]
        for place, part in enumerate(parts):
            keyword = 0x1 | (place == 0) << 30 | (place == len(parts) - 1) << 31
            events.append(_event(stamp, _CAPTURE, 1001, keyword, _capture(part)))
    chunks = list(_chunks(events))
    return _buffers([[_session(len(chunks) + 1, clock)], *chunks])


def _chunks(events: t.Sequence[bytes]) -> t.Iterator[list[bytes]]:
    chunk: list[bytes] = []
    for event in events:
        if sum(map(len, chunk)) + len(event) > BUFFER - 100:
            yield chunk
            chunk = []
        chunk.append(event)
    yield chunk


def _guid(value: UUID) -> dict[str, t.Any]:
    first, second, third = value.fields[:3]
    return {"inner": {"data1": first, "data2": second, "data3": third, "data4": list(value.bytes[8:])}}


def _event(stamp: int, provider: UUID, number: int, keyword: int, payload: bytes) -> bytes:
    from construct import Container
    from etl.event import EventHeader, EventRecord

    size = EventHeader.sizeof() + len(payload)
    header = {
        "marker": {"version": size, "type": {"enum": "EVENT_HEADER_EVENT64"}, "flags": 0xC0},
        "flags": Container(EVENT_HEADER_FLAG_EXTENDED_INFO=False, EVENT_HEADER_FLAG_64_BIT_HEADER=True),
        "event_property": {},
        "thread_id": 4, "process_id": 8, "timestamp": stamp, "provider_id": _guid(provider),
        "event_descriptor": {
            "Id": number, "Version": 0, "Channel": 16, "Level": 4, "Opcode": 0, "Task": 0, "Keyword": keyword,
        },
        "processor_time": 0, "activity_id": _guid(UUID(int=0)),
    }  # fmt: skip
    return bytes(EventRecord.build({"event_header": header, "extended_data": None, "user_data": payload}))


def _capture(part: bytes) -> bytes:
    from etl.parsers.etw.Microsoft_Windows_NDIS_PacketCapture import Microsoft_Windows_NDIS_PacketCapture_1001_0 as One

    values = {"MiniportIfIndex": 7, "LowerIfIndex": 7, "FragmentSize": len(part), "Fragment": part}
    return bytes(One.pattern.build({**values, "GftFlowEntryId": 0, "GftOffloadInformation": 0}))


def _pktmon(number: int, row: Frame) -> bytes:
    from etl.parsers.etw.Microsoft_Windows_PktMon import Microsoft_Windows_PktMon_160_0 as One

    values = {
        "PktGroupId": number + 1, "PktNumber": 1, "AppearanceCount": 1, "DirTag": 2, "PacketType": 1, "ComponentId": 9,
        "EdgeId": 1, "FilterId": 0, "DropReason": 0, "DropLocation": 0, "OriginalPayloadSize": row.wire,
        "LoggedPayloadSize": len(row.kept), "Payload": row.kept,
    }  # fmt: skip
    return bytes(One.pattern.build(values))


def _session(buffers: int, clock: int) -> bytes:
    from etl.parsers.kernel.header import EventTraceHeader
    from etl.system import SystemTraceRecord

    moment = dict.fromkeys(("year", "month", "day_of_week", "day", "hour", "minute", "second", "milliseconds"), 0)
    zone = {"bias": 0, "standard_name": [0] * 64, "standard_date": moment, "standard_bias": 0,
            "delight_name": [0] * 64, "delight_date": moment, "delight_bias": 0}  # fmt: skip
    values: dict[str, t.Any] = dict.fromkeys(
        ("Version", "ProviderVersion", "TimerResolution", "MaxFileSize", "LogFileMode", "StartBuffers", "EventsLost",
         "LoggerName", "LogFileName", "BuffersLost"), 0,
    )  # fmt: skip
    values |= {
        "BufferSize": BUFFER, "NumberOfProcessors": 1, "EndTime": START, "BuffersWritten": buffers, "PointerSize": 8,
        "CPUSpeed": 2400, "TimeZoneInformation": zone, "BootTime": START, "PerfFreq": 10_000_000, "StartTime": START,
        "ReservedFlags": clock, "SessionNameString": {"string": [0, 0]}, "LogFileNameString": {"string": [0, 0]},
    }  # fmt: skip
    mof = EventTraceHeader.pattern.build(values)
    # etl-parser leaves out the four bytes that align BootTime on 64-bit Windows; dissect.etl has them.
    mof = mof[:_TIME_ZONE_ENDS] + bytes(4) + mof[_TIME_ZONE_ENDS:]
    header = {
        "marker": {"version": 2, "type": {"enum": "SYSTEM_TRACE_MARKER_64"}, "flags": 0xC0},
        "header": {"size": 32 + len(mof), "type": 0, "group": 0},
        "thread_id": 0, "process_id": 0, "system_time": START if clock == 2 else FIRST,
        "kernel_time": 0, "user_time": 0,
    }  # fmt: skip
    return bytes(SystemTraceRecord.build({"system_header": header, "mof_data": mof}))


def _buffers(chunks: t.Iterable[t.Sequence[bytes]]) -> bytes:
    from etl.etl import EtlChunk
    from etl.wmi import WmiBufferHeader

    found = []
    for number, chunk in enumerate(chunks):
        payload = b"".join(record + bytes(-len(record) % 8) for record in chunk)
        saved = WmiBufferHeader.sizeof() + len(payload)
        wnode = {
            "buffer_size": BUFFER, "saved_offset": saved, "current_offset": saved, "reference_count": 0,
            "timestamp": FIRST, "sequence_number": number, "clock": {"type": 0, "frequency": 0},
            "client_context": {"processor_index": 0, "logger_id": 1}, "state": 0,
        }  # fmt: skip
        header = {"wnode": wnode, "offset": saved, "buffer_flag": {}, "buffer_type": 4 if not number else 0,
                  "padding": bytes(16)}  # fmt: skip
        found.append(EtlChunk.build({"header": header, "payload": payload, "padding": b"\xff" * (BUFFER - saved)}))
    return b"".join(map(bytes, found))


def packets_by_others(path: Path) -> list[tuple[float, bytes]]:
    """(seconds since 1970, bytes) of the packet events in order of time: container and clock by fox-it/dissect.etl,
    the payload by etl-parser. Of pktmon's the first appearance counts."""
    from dissect.etl.etl import ETL
    from etl.parsers.etw.Microsoft_Windows_NDIS_PacketCapture import Microsoft_Windows_NDIS_PacketCapture_1001_0 as Ndis
    from etl.parsers.etw.Microsoft_Windows_PktMon import Microsoft_Windows_PktMon_160_0 as PktMon

    found: list[tuple[float, bytes]] = []
    with path.open("rb") as file:
        for record in ETL(file):
            header = record.header
            # Raw, since this version of dissect.etl turns the GUID of an event the other way round.
            provider = bytes(getattr(header.header, "ProviderId", b""))
            if provider == _CAPTURE.bytes_le:
                found.append((header.timestamp.timestamp(), bytes(Ndis.pattern.parse(bytes(header.payload)).Fragment)))
            elif provider == _PKTMON.bytes_le:
                values = PktMon.pattern.parse(bytes(header.payload))
                if values.AppearanceCount == 1:
                    found.append((header.timestamp.timestamp(), bytes(values.Payload)))
    return sorted(found, key=lambda one: one[0])
