# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-Content: text with note properties on every line, or bytes."""

from __future__ import annotations

import codecs
import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, TerminateError, output
from ansible_collections.fleetops.tetra.lab.machine.filesystem import File
from ansible_collections.fleetops.tetra.lab.machine.objects import BYTE_ARRAY, OBJECT_ARRAY, Byte, Long, PSObj
from ansible_collections.fleetops.tetra.lab.machine.paths import places, provider_notes
from ansible_collections.fleetops.tetra.lab.machine.views import file_path, find_file
from ansible_collections.fleetops.tetra.lab.pipeline import Event, NonTerminatingError

_ENCODINGS = {
    "utf8": "utf-8",
    "utf-8": "utf-8",
    "unicode": "utf-16-le",
    "bigendianunicode": "utf-16-be",
    "ascii": "ascii",
    "default": "cp1252",
    "oem": "cp437",
    "string": "utf-16-le",
    "utf32": "utf-32-le",
    "utf7": "utf-7",
}


def run(call: Call) -> t.Iterator[Event]:
    encoding = call.text("Encoding").lower()
    if encoding == "byte" and call.session.core:
        raise TerminateError(call.transformation("Encoding", call.text("Encoding")))
    as_bytes = encoding == "byte" or call.switch("AsByteStream")
    for at in places(call):
        if isinstance(at, NonTerminatingError):
            if call.switch("AsByteStream") or encoding == "byte":
                # The parameter is the file system's own; without its drive nobody knows it.
                raise TerminateError(
                    call.error(
                        "parameter_missing",
                        "AsByteStream" if call.switch("AsByteStream") else "Encoding",
                        error_id="NamedParameterNotFound",
                        category="InvalidArgument",
                        exception="System.Management.Automation.ParameterBindingException",
                    )
                )
            yield at
            continue
        file = find_file(call.state, call.session, at.path) if at.provider == "FileSystem" else None
        problem = _problem(call, at.path, file)
        if problem is not None or file is None:
            yield problem or call.path_not_found(at.path)
        elif as_bytes:
            yield from _bytes(call, file)
        else:
            yield from _text(call, file, encoding)


def _problem(call: Call, path: str, file: File | None) -> NonTerminatingError | None:
    if file is None:
        if not call.state.files.is_folder(file_path(call.session, path)):
            return call.path_not_found(path)
        if call.session.core:
            return NonTerminatingError(
                call.error(
                    "file_denied",
                    path,
                    error_id="GetContainerContentException",
                    category="InvalidOperation",
                    exception="System.InvalidOperationException",
                )
            )
        key, error_id = "file_denied", "GetContentReaderUnauthorizedAccessError"
    elif file.denied:
        key, error_id = "file_denied", "GetContentReaderUnauthorizedAccessError"
    elif file.locked:
        return NonTerminatingError(
            call.error(
                "file_locked",
                path,
                error_id="GetContentReaderIOError",
                category="ReadError",
                exception="System.IO.IOException",
                target=path,
            )
        )
    else:
        return None
    return NonTerminatingError(
        call.error(
            key,
            path,
            error_id=error_id,
            category="PermissionDenied",
            exception="System.UnauthorizedAccessException",
            target=path,
        )
    )


def _bytes(call: Call, file: File) -> t.Iterator[Event]:
    data = file.data
    if call.has("TotalCount"):
        data = data[: call.number("TotalCount", 0)]
    if call.has("Tail"):
        data = data[-call.number("Tail", 0) :] if call.number("Tail", 0) else b""
    if not data:
        return
    whole = call.switch("Raw") or call.number("ReadCount", 1) == 0
    notes = {**provider_notes("FileSystem", file.path, "C"), "ReadCount": Long(len(data) if whole else 1)}
    if call.has("ReadCount") and whole and not call.switch("Raw") and call.session.core:
        yield output(PSObj(OBJECT_ARRAY, base=[Byte(number) for number in data], notes=notes))
        return
    if whole and call.state.behaviours["get_content_bytes"] == "one_array":
        yield output(PSObj(BYTE_ARRAY, base=data, notes=notes))
        return
    for number in data:
        yield output(PSObj(("System.Byte", "System.ValueType", "System.Object"), base=Byte(number), notes=dict(notes)))


def _text(call: Call, file: File, encoding: str) -> t.Iterator[Event]:
    text = decode(file.data, encoding, call.session.core)
    notes = {**provider_notes("FileSystem", file.path, "C"), "ReadCount": Long(1)}
    if call.switch("Raw"):
        if text:
            yield output(PSObj(("System.String", "System.Object"), base=text, notes=notes))
        return
    lines = split_lines(text)
    if call.has("TotalCount"):
        lines = lines[: call.number("TotalCount", 0)]
    if call.has("Tail"):
        lines = lines[-call.number("Tail", 0) :] if call.number("Tail", 0) else []
    for number, line in enumerate(lines, 1):
        yield output(PSObj(("System.String", "System.Object"), base=line, notes={**notes, "ReadCount": Long(number)}))


def split_lines(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if lines and lines[-1] == "" else lines


def decode(data: bytes, encoding: str, core: bool) -> str:
    """A byte order mark wins; else the encoding asked for; else ANSI (Windows PowerShell) or UTF-8 (PowerShell 7)."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    return data.decode(encoding_name(encoding, core), "replace")


def encoding_name(encoding: str, core: bool) -> str:
    """Python's name for an -Encoding; ANSI (Windows PowerShell) or UTF-8 (PowerShell 7) where none is given."""
    return _ENCODINGS.get(encoding, "utf-8" if core else "cp1252")


CMDLETS = (
    Cmdlet(
        "Get-Content",
        "Microsoft.PowerShell.Management",
        "Microsoft.PowerShell.Commands.GetContentCommand",
        {
            "Path": Parameter(position=0, pipeline=True),
            "LiteralPath": Parameter(),
            "ReadCount": Parameter(),
            "TotalCount": Parameter(),
            "Tail": Parameter(since=(3,)),
            "Raw": Parameter(switch=True, since=(3,)),
            "Force": Parameter(switch=True),
            "Encoding": Parameter(),
            "AsByteStream": Parameter(switch=True, since=(6,)),
        },
        run,
        one_of=("Path", "LiteralPath"),
    ),
)
