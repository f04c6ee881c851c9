# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Select-String over files and over strings from the pipeline."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, TerminateError, output
from ansible_collections.fleetops.tetra.lab.machine.cmdlets.content import decode, split_lines
from ansible_collections.fleetops.tetra.lab.machine.objects import PSObj, array, plain, to_text
from ansible_collections.fleetops.tetra.lab.machine.paths import places
from ansible_collections.fleetops.tetra.lab.machine.views import find_file
from ansible_collections.fleetops.tetra.lab.pipeline import Event, NonTerminatingError

_TYPE = "Microsoft.PowerShell.Commands.MatchInfo"


def run(call: Call) -> t.Iterator[Event]:
    patterns = _patterns(call)
    if not call.has("Path") and not call.has("LiteralPath"):
        given = [call.arguments["InputObject"]] if "InputObject" in call.arguments else call.inputs
        lines = [to_text(plain(value)) for value in given]
        yield from _search(call, patterns, lines, "InputStream", "InputStream")
        return
    for at in places(call):
        if isinstance(at, NonTerminatingError):
            yield at
            continue
        file = find_file(call.state, call.session, at.path) if at.provider == "FileSystem" else None
        if file is None and "*" in at.given:
            yield call.path_not_found(at.path)
        elif file is None:
            # Recorded; the same as for a file that cannot be read, without a target. (2016: the same.)
            yield NonTerminatingError(
                call.error(
                    "path_not_found",
                    at.path,
                    error_id="ProcessingFile",
                    category="InvalidArgument",
                    exception="System.ArgumentException",
                )
            )
        elif file.denied or file.locked:
            yield NonTerminatingError(
                call.error(
                    "file_locked" if file.locked else "file_denied",
                    at.path,
                    error_id="ProcessingFile",
                    category="InvalidArgument",
                    exception="System.ArgumentException",
                )
            )
        else:
            text = decode(file.data, call.text("Encoding", "utf8").lower(), call.session.core)
            yield from _search(call, patterns, split_lines(text), file.path, file.name)


def _patterns(call: Call) -> list[tuple[str, re.Pattern[str]]]:
    flags = 0 if call.switch("CaseSensitive") else re.IGNORECASE
    found = []
    for text in call.texts("Pattern"):
        try:
            found.append((text, re.compile(re.escape(text) if call.switch("SimpleMatch") else text, flags)))
        except re.error:
            raise TerminateError(
                call.error(
                    "cannot_convert",
                    "Pattern",
                    text,
                    error_id="InvalidRegex",
                    category="InvalidArgument",
                    exception="System.ArgumentException",
                )
            ) from None
    return found


def _search(
    call: Call, patterns: list[tuple[str, re.Pattern[str]]], lines: list[str], path: str, name: str
) -> t.Iterator[Event]:
    any_line = False
    for number, line in enumerate(lines, 1):
        hit = next((text for text, pattern in patterns if pattern.search(line)), None)
        if (hit is None) != call.switch("NotMatch"):
            continue
        any_line = True
        if call.switch("Quiet"):
            yield output(True)
            return
        yield output(
            PSObj(
                (_TYPE, "System.Object"),
                props={
                    "IgnoreCase": not call.switch("CaseSensitive"),
                    "LineNumber": number,
                    "Line": line,
                    "Filename": name,
                    "Path": path,
                    "Pattern": hit or patterns[0][0],
                    "Context": None,
                    "Matches": array([], ("System.Text.RegularExpressions.Match[]", "System.Array", "System.Object")),
                },
                text=line if path == "InputStream" else f"{path}:{number}:{line}",
            )
        )
        if call.switch("List"):
            return
    if call.switch("Quiet") and not any_line and call.session.core:
        yield output(False)


CMDLETS = (
    Cmdlet(
        "Select-String",
        "Microsoft.PowerShell.Utility",
        "Microsoft.PowerShell.Commands.SelectStringCommand",
        {
            "InputObject": Parameter(pipeline=True),
            "Pattern": Parameter(position=0, mandatory=True),
            "Path": Parameter(position=1),
            "LiteralPath": Parameter(),
            "SimpleMatch": Parameter(switch=True),
            "CaseSensitive": Parameter(switch=True),
            "Quiet": Parameter(switch=True),
            "List": Parameter(switch=True),
            "NotMatch": Parameter(switch=True),
            "AllMatches": Parameter(switch=True),
            "Encoding": Parameter(),
        },
        run,
        one_of=(),
    ),
)
