# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripts that ``ansible.windows.win_reboot`` sends, carried out by the lab's own commands.

There are four: the boot time, the order to restart, calling off somebody else's restart, and the test whether LogonUI
has shown its prompt. Each is read for what it asks (class and property, delay and message, key and text), and what it
asks is put to the commands that answer everybody; so a refused WMI or a user without rights shows here too. Any other
script text is nobody's, see ``engine``.
"""

from __future__ import annotations

import functools
import json
import re
import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import RunspaceVariables, TerminateError
from ansible_collections.fleetops.tetra.lab.machine.objects import Long, get_property
from ansible_collections.fleetops.tetra.lab.pipeline import (
    Command,
    ErrorDetails,
    Event,
    HostExit,
    NonTerminatingError,
    Output,
)

Events = t.Generator[Event, t.Any, None]
Execute = t.Callable[[Command], Events]
Part = t.Callable[["re.Match[str]", Execute, RunspaceVariables], t.Generator[Event, t.Any, bool]]
"""Runs what a script asks; the result is PowerShell's ``$?``."""

_EPOCH = -11644473600
"""A FILETIME counts from 1601: seconds between that and 1970."""
_QUOTED = r"'(?:[^']|'')*'"
_END = re.compile(
    r"""\s*;\s*If\s*\(-not\s+\$\?\)\s*\{\s*If\s*\(Get-Variable\s+LASTEXITCODE\s+-ErrorAction\s+SilentlyContinue\)\s*
    \{\s*exit\s+\$LASTEXITCODE\s*\}\s*Else\s*\{\s*exit\s+1\s*\}\s*\}\s*$""",
    re.VERBOSE | re.IGNORECASE,
)
"""The end of every script: a failure becomes the exit code."""
_BOOT_TIME = re.compile(
    r"""\(Get-CimInstance\s+-ClassName\s+(?P<class>\w+)\s+-Property\s+(?P<property>\w+)\)
    \.(?P=property)\.ToFileTime\(\)""",
    re.VERBOSE | re.IGNORECASE,
)
_RESTART = re.compile(
    rf"""\$ErrorActionPreference\s*=\s*'Continue'\s*
    if\s*\(\$(?P<forget>True|False)\)\s*\{{\s*Remove-Item\s+-LiteralPath\s+(?P<key>{_QUOTED})\s+-Force\s+
        -ErrorAction\s+SilentlyContinue\s*\}}\s*
    \$stdout\s*=\s*\$null\s*
    \$stderr\s*=\s*\.\s*\{{\s*(?P<tool>\S+\\shutdown\.exe)\s+/r\s+/t\s+(?P<delay>\d+)\s+/c\s+(?P<message>{_QUOTED})\s*
        \|\s*Set-Variable\s+stdout\s*\}}\s*2>&1\s*\|\s*ForEach-Object\s+ToString\s*
    If\s*\(Get-Variable\s+LASTEXITCODE\s+-ErrorAction\s+SilentlyContinue\)\s*\{{\s*\$rc\s*=\s*\$LASTEXITCODE\s*\}}\s*
    Else\s*\{{\s*\$rc\s*=\s*1\s*\}}\s*
    ConvertTo-Json\s+-Compress\s+-InputObject\s+@\{{\s*
        stdout\s*=\s*\(@\(\$stdout\)\s+-join\s+"`n"\)\s*
        stderr\s*=\s*\(@\(\$stderr\)\s+-join\s+"`n"\)\s*
        rc\s*=\s*\$rc\s*\}}\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_ABORT = re.compile(r"(?P<tool>\S+\\shutdown\.exe)\s+/a", re.IGNORECASE)
_TEST = re.compile(
    rf"Get-Item\s+-LiteralPath\s+(?P<key>{_QUOTED})\s+-ErrorAction\s+Stop;\s*(?P<text>{_QUOTED})", re.IGNORECASE
)
_NULL_METHOD = ErrorDetails(
    "You cannot call a method on a null-valued expression.",
    "InvokeMethodOnNull",
    "InvalidOperation",
)
_CONSTRAINED = ErrorDetails(
    "Cannot invoke method. Method invocation is supported only on core types in this language mode.",
    "MethodInvocationNotSupportedInConstrainedLanguage",
    "InvalidOperation",
)


def script(text: str, methods_allowed: bool) -> t.Callable[[Execute, RunspaceVariables], Events] | None:
    """What runs the script; None for text that ``win_reboot`` does not send.

    ``methods_allowed``: False in a language mode that refuses ``.ToFileTime()``.
    """
    end = _END.search(text)
    if end is None:
        return None
    body = text[: end.start()]
    for pattern, part in _PARTS:
        asked = pattern.fullmatch(body)
        if asked is not None:
            chosen = _refused if part is _boot_time and not methods_allowed else part
            return functools.partial(_run, chosen, asked)
    return None


def _run(part: Part, asked: re.Match[str], execute: Execute, variables: RunspaceVariables) -> Events:
    fine = yield from part(asked, execute, variables)
    if not fine:
        yield HostExit(1 if variables.last_exit_code is None else variables.last_exit_code)


def _boot_time(
    asked: re.Match[str], execute: Execute, _variables: RunspaceVariables
) -> t.Generator[Event, t.Any, bool]:
    given = (("ClassName", asked["class"]), ("Property", asked["property"]))
    outputs, errors = yield from _collected(execute, Command("Get-CimInstance", parameters=given))
    yield from errors
    for value in outputs:
        moment = get_property(value, asked["property"])
        yield Output(Long((int(moment.timestamp()) - _EPOCH) * 10**7))
    if not outputs:
        yield NonTerminatingError(_NULL_METHOD)
    return bool(outputs)


def _refused(
    _asked: re.Match[str], _execute: Execute, _variables: RunspaceVariables
) -> t.Generator[Event, t.Any, bool]:
    yield NonTerminatingError(_CONSTRAINED)
    return False


def _restart(asked: re.Match[str], execute: Execute, variables: RunspaceVariables) -> t.Generator[Event, t.Any, bool]:
    if asked["forget"].lower() == "true":
        key = (("LiteralPath", _unquoted(asked["key"])), ("Force", None), ("ErrorAction", "SilentlyContinue"))
        yield from execute(Command("Remove-Item", parameters=key))
    words = ("/r", "/t", asked["delay"], "/c", _unquoted(asked["message"]))
    order = Command(asked["tool"], parameters=tuple((None, word) for word in words))
    outputs, errors = yield from _collected(execute, order)
    said = {
        "stdout": "\n".join(str(line) for line in outputs),
        "stderr": "\n".join(error.details.message for error in errors),
        "rc": 1 if variables.last_exit_code is None else variables.last_exit_code,
    }
    yield Output(json.dumps(said, separators=(",", ":"), ensure_ascii=False))
    return True


def _abort(asked: re.Match[str], execute: Execute, variables: RunspaceVariables) -> t.Generator[Event, t.Any, bool]:
    yield from execute(Command(asked["tool"], parameters=((None, "/a"),)))
    return variables.last_exit_code == 0


def _test(asked: re.Match[str], execute: Execute, _variables: RunspaceVariables) -> t.Generator[Event, t.Any, bool]:
    key = (("LiteralPath", _unquoted(asked["key"])), ("ErrorAction", "Stop"))
    yield from execute(Command("Get-Item", parameters=key))
    yield Output(_unquoted(asked["text"]))
    return True


_PARTS: tuple[tuple[re.Pattern[str], Part], ...] = (
    (_BOOT_TIME, _boot_time),
    (_RESTART, _restart),
    (_ABORT, _abort),
    (_TEST, _test),
)


def _collected(
    execute: Execute, command: Command
) -> t.Generator[Event, t.Any, tuple[list[t.Any], list[NonTerminatingError]]]:
    """Outputs and errors of one command; everything else that happens goes on to the server."""
    outputs: list[t.Any] = []
    errors: list[NonTerminatingError] = []
    source = execute(command)
    reply: t.Any = None
    while True:
        try:
            event = source.send(reply)
        except StopIteration:
            return outputs, errors
        except TerminateError as end:
            errors.append(NonTerminatingError(end.details))
            return outputs, errors
        reply = None
        if isinstance(event, Output):
            outputs.append(event.value)
        elif isinstance(event, NonTerminatingError):
            errors.append(event)
        else:
            reply = yield event


def _unquoted(text: str) -> str:
    """A single-quoted PowerShell string without its quotes."""
    return text[1:-1].replace("''", "'")
