# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set-Content: empties the file first, then writes. A full disk leaves what fitted."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, TerminateError
from ansible_collections.fleetops.tetra.lab.machine.cmdlets.content import encoding_name
from ansible_collections.fleetops.tetra.lab.machine.cmdlets.item_writes import file_error
from ansible_collections.fleetops.tetra.lab.machine.objects import items, plain, to_text
from ansible_collections.fleetops.tetra.lab.machine.paths import places
from ansible_collections.fleetops.tetra.lab.machine.views import file_path, may_write_file
from ansible_collections.fleetops.tetra.lab.pipeline import Event, NonTerminatingError


def run(call: Call) -> t.Iterator[Event]:
    data = _data(call)
    files = call.state.files
    for at in places(call):
        if isinstance(at, NonTerminatingError):
            yield at
            continue
        path = file_path(call.session, at.path)
        present = files.find(path)
        if at.provider != "FileSystem":
            call.unmatched(f"Set-Content on provider {at.provider}")
            yield call.path_not_found(at.given)
        elif files.is_folder(path):
            # Recorded on 7.6; terminating.
            raise TerminateError(
                call.error(
                    "not_supported",
                    error_id="System.NotSupportedException",
                    category="NotSpecified",
                    exception="System.NotSupportedException",
                )
            )
        elif not files.is_folder(path.rpartition("\\")[0]):
            exception = "System.IO.DirectoryNotFoundException"
            yield file_error(
                call, "path_not_found", "GetContentWriterDirectoryNotFoundError", "ObjectNotFound", exception, path
            )
        elif not may_write_file(call.state, path) or (present is not None and present.denied):
            exception = "System.UnauthorizedAccessException"
            yield file_error(
                call, "file_denied", "GetContentWriterUnauthorizedAccessError", "PermissionDenied", exception, path
            )
        elif present is not None and present.locked:
            # Recorded on 7.6; terminating.
            raise TerminateError(
                call.error(
                    "file_locked",
                    path,
                    error_id="System.IO.IOException",
                    category="NotSpecified",
                    exception="System.IO.IOException",
                )
            )
        elif files.free_bytes is not None and len(data) > files.free_bytes + (len(present.data) if present else 0):
            room = files.free_bytes + (len(present.data) if present else 0)
            files.write(path, data[:room], call.state.now())
            files.free_bytes = 0
            yield file_error(call, "disk_full", "GetContentWriterIOError", "WriteError", "System.IO.IOException", path)
        else:
            if files.free_bytes is not None:
                files.free_bytes += (len(present.data) if present else 0) - len(data)
            files.write(path, data, call.state.now())


def _data(call: Call) -> bytes:
    encoding = call.text("Encoding").lower()
    if encoding == "byte" and call.session.core:
        raise TerminateError(call.transformation("Encoding", call.text("Encoding")))
    values = [call.arguments["Value"]] if "Value" in call.arguments else call.inputs
    if encoding == "byte" or call.switch("AsByteStream"):
        data = b""
        for value in values:
            for item in items(value):
                inner = plain(item)
                if isinstance(inner, bytes):
                    data += inner
                elif isinstance(inner, int) and 0 <= inner < 256:
                    data += bytes([inner])
                else:
                    raise TerminateError(call.conversion("Value", to_text(inner)))
        return data
    text = "".join(f"{to_text(plain(item))}\r\n" for value in values for item in items(value))
    if call.switch("NoNewline"):
        text = text.replace("\r\n", "")
    return text.encode(encoding_name(encoding, call.session.core), "replace")


CMDLETS = (
    Cmdlet(
        "Set-Content",
        "Microsoft.PowerShell.Management",
        "Microsoft.PowerShell.Commands.SetContentCommand",
        {
            "Path": Parameter(position=0),
            "LiteralPath": Parameter(),
            "Value": Parameter(position=1, mandatory=True, pipeline=True, nullable=True),
            "Encoding": Parameter(),
            "AsByteStream": Parameter(switch=True, since=(6,)),
            "NoNewline": Parameter(switch=True, since=(5,)),
            "Force": Parameter(switch=True),
        },
        run,
        one_of=("Path", "LiteralPath"),
    ),
)
