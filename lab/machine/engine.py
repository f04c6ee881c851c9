# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the statements of a pipeline: finds commands, binds parameters, passes objects on, ends where Windows ends.

Everything that the lab does not know answers as an error and is noted in ``unmatched``; nothing is silently empty.
"""

from __future__ import annotations

import dataclasses
import typing as t
from functools import partial

from ansible_collections.fleetops.tetra.lab.machine.binding import BINDING, bind, error_action
from ansible_collections.fleetops.tetra.lab.machine.call import (
    Call,
    Cmdlet,
    TerminateError,
    forwarded,
)
from ansible_collections.fleetops.tetra.lab.machine.commands import Runspace, entry_of, find, not_found
from ansible_collections.fleetops.tetra.lab.machine.messages import message
from ansible_collections.fleetops.tetra.lab.machine.objects import PSObj, items, plain, to_text, to_wire
from ansible_collections.fleetops.tetra.lab.machine.role_capability import Entry
from ansible_collections.fleetops.tetra.lab.machine.views import find_file
from ansible_collections.fleetops.tetra.lab.machine.win_reboot import script as win_reboot_script
from ansible_collections.fleetops.tetra.lab.pipeline import (
    Blocking,
    Command,
    ErrorDetails,
    Event,
    HostExit,
    NonTerminatingError,
    Output,
    Restart,
    Statement,
    TerminatingError,
    Wait,
)
from ansible_collections.fleetops.tetra.lab.server.records import error_record

_PARENT = "System.Management.Automation.ParentContainsErrorRecordException"
"""What stands for the exception of a first statement's terminating error (recorded)."""


def run(runspace: Runspace, statements: t.Sequence[Statement]) -> t.Generator[Event, t.Any, None]:
    """Runs the statements in order; see ``Machine.invoke``.

    Recorded: a statement that ends with a terminating error does not keep the later ones from running. After the first
    one the client still sees the output of the next, after a later one nothing more. Only ErrorAction Stop ends all.
    """
    stops = runspace.state.behaviours["batch_after_error"] == "stops"
    for number, statement in enumerate(statements):
        errors: list[Event] = []
        try:
            yield from forwarded(_statement(runspace, statement), partial(_noting, errors))
        except TerminateError as end:
            later = statements[number + 1 :]
            if isinstance(end, StopError) or not later:
                yield TerminatingError(end.details)
            elif number == 0:
                yield NonTerminatingError(dataclasses.replace(end.details, exception=_PARENT))
                yield from _shown_once(runspace, later[0])
                yield from _unseen(runspace, later[1:])
            else:
                yield from _unseen(runspace, later)
                yield TerminatingError(end.details)
            return
        if errors and stops:
            return


def _noting(errors: list[Event], event: Event) -> Event:
    if isinstance(event, NonTerminatingError):
        errors.append(event)
    return _on_the_wire(event)


class StopError(TerminateError):
    """A non-terminating error that ErrorAction Stop promotes: nothing runs after it."""


def _shown_once(runspace: Runspace, statement: Statement) -> t.Generator[Event, t.Any, None]:
    """The statement behind a first one that failed: its output is seen."""
    try:
        yield from forwarded(_statement(runspace, statement), _on_the_wire)
    except TerminateError as end:
        yield NonTerminatingError(end.details)


def _unseen(runspace: Runspace, statements: t.Sequence[Statement]) -> t.Generator[Event, t.Any, None]:
    """Statements that run without that the client sees anything of them."""
    for statement in statements:
        try:
            yield from forwarded(_statement(runspace, statement), _unseen_event)
        except StopError:
            return
        except TerminateError:
            continue


def _unseen_event(event: Event) -> Event | None:
    return event if isinstance(event, (Wait, Blocking, HostExit, Restart)) else None


def _on_the_wire(event: Event) -> Event:
    return Output(event.value, to_wire) if isinstance(event, Output) else event


def _statement(runspace: Runspace, statement: Statement) -> t.Generator[Event, t.Any, None]:
    """One pipeline of commands. Commands run one after the other; nothing the lab answers depends on interleaving."""
    objects: list[t.Any] = []
    for number, command in enumerate(statement):
        last = number == len(statement) - 1
        produced: list[t.Any] = []
        source = _command(runspace, command, objects, number > 0)
        yield from forwarded(source, partial(_of_command, command, None if last else produced))
        objects = produced


def _of_command(command: Command, produced: list[t.Any] | None, event: Event) -> Event | None:
    """``produced`` takes the output where another command follows."""
    if isinstance(event, NonTerminatingError) and command.merge_errors:
        event = Output(error_record(event.details))
    if isinstance(event, Output) and produced is not None:
        produced.append(event.value)
        return None
    return event if isinstance(event, (Output, NonTerminatingError, Wait, Blocking, HostExit, Restart)) else None


def _command(
    runspace: Runspace, command: Command, inputs: list[t.Any], has_input: bool
) -> t.Generator[Event, t.Any, None]:
    if command.is_script:
        yield from _script(runspace, command.name)
        return
    if command.name.lower().endswith(".exe"):
        yield from _native(runspace, command, inputs)
        return
    cmdlet, entry = find(runspace, command.name)
    call = Call(
        cmdlet,
        {},
        inputs,
        runspace.state,
        runspace.session,
        runspace.variables,
        runspace.unmatched,
        has_input,
        start_native=lambda path, words: _started(runspace, path, words),
        command_names=lambda: list(runspace.cmdlets.values()),
    )
    bind(call, command, entry)
    if call.switch("WhatIf"):
        return
    action = error_action(call)
    source = t.cast(t.Generator[Event, t.Any, None], _through(call, entry, command.name))
    yield from forwarded(source, partial(_by_action, action))


def _by_action(action: str, event: Event) -> Event | None:
    if isinstance(event, NonTerminatingError):
        if action == "stop":
            raise StopError(event.details)
        if action in ("silentlycontinue", "ignore"):
            return None
    return event


def _script(runspace: Runspace, text: str) -> t.Generator[Event, t.Any, None]:
    session = runspace.session
    if not session.scripts_allowed:
        sentence = message(runspace.state.identity.language, "scripts_not_allowed")
        raise TerminateError(ErrorDetails(sentence, "ScriptsNotAllowed", "InvalidOperation"))
    constrained = session.language_mode == "ConstrainedLanguage"
    methods = not constrained or runspace.state.behaviours["constrained_method_call"] == "core_types"
    known = win_reboot_script(text, methods)
    if known is None or session.language_mode == "RestrictedLanguage":
        runspace.unmatched(f"script text: {text[:200]!r}")
        raise TerminateError(ErrorDetails("The lab runs no script text.", "LabScriptNotSimulated", "NotImplemented"))
    yield from known(lambda command: _command(runspace, command, [], False), runspace.variables)


def _through(call: Call, entry: Entry, name: str) -> t.Iterator[Event]:
    """What comes between a role's function and its cmdlet: piped objects, and providers that are not visible."""
    if entry.kind == "function":
        for item in call.inputs:
            yield NonTerminatingError(
                ErrorDetails(
                    message(call.state.identity.language, "input_not_bound"),
                    f"InputObjectNotBound,{name}",
                    "InvalidArgument",
                    BINDING,
                    name,
                    target=to_text(plain(item)),
                )
            )
        call.inputs.clear()
        call.has_input = False
    elif entry.kind == "limited" and call.has_input:
        # The cmdlet binds by property name what the entry left out, and has the last word.
        for parameter in ("LiteralPath", "Path"):
            given = [value for item in call.inputs if (value := _property(item, parameter)) is not None]
            if parameter in call.cmdlet.parameters and parameter not in call.arguments and given:
                call.arguments[parameter] = given
    yield from _with_providers(call)


def _property(item: t.Any, name: str) -> t.Any:
    value = plain(item)
    if isinstance(value, dict):
        return next((found for key, found in value.items() if str(key).lower() == name.lower()), None)
    if not isinstance(value, PSObj):
        return None
    try:
        return value.get(name)
    except KeyError:
        return None


_PROVIDERS = {"registry::": "registry", "hklm:": "registry", "hkcu:": "registry", "env:": "environment"}


def _with_providers(call: Call) -> t.Iterator[Event]:
    """A path of a provider that the session does not show is refused, and no proof of absence."""
    shown = call.session.providers
    if shown is None or not any(call.has(name) for name in ("LiteralPath", "Path")):
        yield from call.cmdlet.run(call)
        return
    for name in ("LiteralPath", "Path"):
        kept = []
        for path in call.texts(name):
            provider = next((one for start, one in _PROVIDERS.items() if path.lower().startswith(start)), "filesystem")
            if provider in shown:
                kept.append(path)
                continue
            error_id = "ProviderNotFound" if "::" in path else "DriveNotFound"
            where = path.partition(":")[0]
            yield NonTerminatingError(
                call.error(
                    "path_not_found",
                    path,
                    error_id=error_id,
                    category="ObjectNotFound",
                    exception=f"System.Management.Automation.{error_id}Exception",
                    target=where,
                )
            )
        if call.has(name):
            if not kept:
                return
            call.arguments[name] = kept
    yield from call.cmdlet.run(call)


def _native(runspace: Runspace, command: Command, inputs: list[t.Any]) -> t.Generator[Event, t.Any, None]:
    session = runspace.session
    if session.visible is not None and entry_of(session, command.name) is None:
        raise not_found(runspace, command.name)
    arguments: list[str] = []
    for name, value in command.parameters:
        if name is not None:
            arguments.append(f"-{name}")
        if name is None or value is not None:
            arguments += [to_text(plain(item)) for item in items(value)]
    execution = _started(runspace, command.name, arguments, inputs)
    if execution is None:
        raise not_found(runspace, command.name)
    yield from execution


def _started(
    runspace: Runspace, name: str, arguments: list[str], inputs: t.Sequence[t.Any] = ()
) -> t.Generator[Event, t.Any, None] | None:
    """A running program; ``None`` where this endpoint has none of that name."""
    path = name.strip('"') if "\\" in name else f"C:\\Windows\\System32\\{name}"
    file = find_file(runspace.state, runspace.session, path)
    if file is None:
        return None
    runner = runspace.natives.get(file.name.lower())
    if runner is None:
        runspace.unmatched(f"native command {name}")
        return None
    identity = Cmdlet(file.name, "", "", {}, lambda call: iter(()))
    session, variables = runspace.session, runspace.variables
    call = Call(identity, {}, list(inputs), runspace.state, session, variables, runspace.unmatched, bool(inputs))
    return t.cast(t.Generator[Event, t.Any, None], runner(call, file.path, arguments))
