# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pktmon.exe, netsh.exe (trace) and wevtutil.exe (qe, gl, sl, cl) of a simulated endpoint.

pktmon's letters changed with servicing: ``--capture --pkt-size`` and ``etl2pcap``, before ``--etw -p`` and ``pcapng``.
A capture holds what the connector's updates put on the wire meanwhile; it is written when it ends.
"""

from __future__ import annotations

import typing as t
from xml.sax.saxutils import escape

from ansible_collections.fleetops.tetra.lab.capture import files, wire
from ansible_collections.fleetops.tetra.lab.machine.call import Call, output
from ansible_collections.fleetops.tetra.lab.machine.conditions import Captured
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState
from ansible_collections.fleetops.tetra.lab.pipeline import Event

_NEW_HELP = "pktmon start { -c | --capture | -t | --trace } [--comp <selection>] [--pkt-size <bytes>] [-f <name>]"
_OLD_HELP = "pktmon start --etw [-p <bytes>] [-k <mask>] [-c <components>] [-f <name>] [-s <MB>] [-l <mode>]"


def pktmon(call: Call, _path: str, arguments: list[str]) -> t.Iterator[Event]:
    old = call.state.conditions.capture_tool == "pktmon-2004"
    words = list(arguments)
    verb = words[0].lower() if words else ""
    if verb == "start" and words[1:] == ["help"]:
        call.variables.last_exit_code = 0
        yield output(_OLD_HELP if old else _NEW_HELP)
    elif verb == "start":
        wanted = "--etw" if old else "--capture"
        fits = wanted in words and ("-p" if old else "--pkt-size") in words and "real-time" not in words
        call.variables.last_exit_code = _start(call.state, "pktmon", _after(words, "-f")) if fits else 1
    elif verb == "stop":
        call.variables.last_exit_code = stop(call.state, "pktmon")
    elif verb == ("pcapng" if old else "etl2pcap") and len(words) >= 2:
        call.variables.last_exit_code = _convert(call.state, words[1], _after(words, "-o" if old else "--out"))
    else:
        call.unmatched(f"pktmon.exe {' '.join(arguments)}")
        call.variables.last_exit_code = 1


def netsh(call: Call, _path: str, arguments: list[str]) -> t.Iterator[Event]:
    words = [word.lower() for word in arguments]
    if words[:2] == ["trace", "start"]:
        file = next((word.partition("=")[2] for word in arguments if word.lower().startswith("tracefile=")), "")
        call.variables.last_exit_code = _start(call.state, "netsh", file) if "capture=yes" in words else 1
    elif words == ["trace", "stop"]:
        call.variables.last_exit_code = stop(call.state, "netsh")
    else:
        call.unmatched(f"netsh.exe {' '.join(arguments)}")
        call.variables.last_exit_code = 1
    yield output("")


def _after(words: list[str], option: str) -> str:
    return words[words.index(option) + 1] if option in words and words.index(option) + 1 < len(words) else ""


def _start(state: WindowsState, tool: str, path: str) -> int:
    conditions = state.conditions
    running = conditions.capture is not None and conditions.capture.running
    if (
        not path
        or conditions.foreign_capture
        or running
        or conditions.capture_fault == "denied"
        or not state.account.may_write
    ):
        return 1
    conditions.capture = Captured(tool, path)
    state.files.write(path, b"", state.now())
    return 0


def stop(state: WindowsState, tool: str) -> int:
    """Ends a capture and writes its file; the exit code. Somebody else's is ended as well: there is one a machine."""
    conditions = state.conditions
    if conditions.foreign_capture:
        conditions.foreign_capture = False
        return 0
    capture = conditions.capture
    if capture is None or not capture.running or capture.tool != tool:
        return 1
    capture.running = False
    rows = [frame for one in capture.conversations for frame in wire.frames(wire.segments(one))]
    rows.sort(key=lambda row: row.at)
    kind: t.Literal["netsh", "pktmon"] = "netsh" if tool == "netsh" else "pktmon"
    data = files.etl(rows, kind, packets=conditions.capture_fault != "empty")
    state.files.write(capture.path, data, state.now())
    return 0


def _convert(state: WindowsState, source: str, target: str) -> int:
    capture = state.conditions.capture
    if capture is None or not target or state.files.find(source) is None:
        return 1
    rows = [frame for one in capture.conversations for frame in wire.frames(wire.segments(one))]
    rows.sort(key=lambda row: row.at)
    state.files.write(target, files.pcapng(rows, 1), state.now())
    return 0


CAPI2 = "Microsoft-Windows-CAPI2/Operational"


def wevtutil(call: Call, _path: str, arguments: list[str]) -> t.Iterator[Event]:
    verb, log = (arguments[0].lower(), arguments[1]) if len(arguments) > 1 else ("", "")
    call.variables.last_exit_code = 0
    if verb == "qe" and "/f:xml" in arguments:
        yield from _query(call.state, log, arguments)
    elif verb == "gl" and log == CAPI2 and "/f:xml" in arguments:
        yield from map(output, _CHANNEL.format(enabled=str(call.state.conditions.capi2).lower()).splitlines())
    elif verb in ("sl", "cl") and log == CAPI2:
        call.variables.last_exit_code = set_log(call.state, arguments) if call.state.account.may_write else 5
    else:
        call.unmatched(f"wevtutil.exe {' '.join(arguments)}")
        call.variables.last_exit_code = 1


def set_log(state: WindowsState, arguments: t.Sequence[str]) -> int:
    """``sl LOG /e:true|false`` and ``cl LOG``; the exit code."""
    around = state.conditions
    if arguments[0] == "cl":
        around.events = [one for one in around.events if one.log != arguments[1]]
    elif arguments[2:] in (["/e:true"], ["/e:false"]):
        around.capi2 = arguments[2] == "/e:true"
    else:
        return 87
    return 0


_CHANNEL = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="Microsoft-Windows-CAPI2/Operational" isolation="Application" enabled="{enabled}" type="Operational" \
owningPublisher="Microsoft-Windows-CAPI2" classic="false" xmlns="http://schemas.microsoft.com/win/2004/08/events">
  <logging>
    <retention>false</retention>
    <maxSize>1052672</maxSize>
  </logging>
</channel>"""


def _query(state: WindowsState, log: str, arguments: t.Sequence[str]) -> t.Iterator[Event]:
    most = next((int(word[3:]) for word in arguments if word.startswith("/c:")), 1_000_000)
    found = [one for one in state.conditions.events if one.log == log]
    yield output("<Events>")
    for one in found[::-1][:most]:
        data = "".join(f"<Data Name='{name}'>{escape(value)}</Data>" for name, value in one.data)
        yield output(
            "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
            f"<Provider Name='{one.provider}'/><EventID>{one.id}</EventID>"
            f"<TimeCreated SystemTime='{one.time:%Y-%m-%dT%H:%M:%S}.000000000Z'/></System>"
            + (f"<UserData>{one.xml}</UserData>" if one.xml else f"<EventData>{data}</EventData>")
            + "</Event>"
        )
    yield output("</Events>")
