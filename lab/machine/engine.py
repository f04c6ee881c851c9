# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the statements of a pipeline: finds commands, binds parameters, passes objects on, ends where Windows ends.

Everything that the lab does not know answers as an error and is noted in ``unmatched``; nothing is silently empty.
"""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass, field

from psrpcore.types import PSObject

from ansible_collections.fleetops.tetra.lab.machine.call import (
    Call,
    Cmdlet,
    Parameter,
    RunspaceVariables,
    TerminateError,
)
from ansible_collections.fleetops.tetra.lab.machine.messages import message
from ansible_collections.fleetops.tetra.lab.machine.objects import PSObj, is_list, items, plain, to_text, to_wire
from ansible_collections.fleetops.tetra.lab.machine.role_capability import Entry, Limit
from ansible_collections.fleetops.tetra.lab.machine.sessions import RESTRICTED_PROXIES, SessionConfiguration
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState
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

COMMON_PARAMETERS: dict[str, Parameter] = {
    "ErrorAction": Parameter(),
    "WarningAction": Parameter(),
    "InformationAction": Parameter(since=(5,)),
    "ProgressAction": Parameter(since=(7, 4)),
    "ErrorVariable": Parameter(),
    "WarningVariable": Parameter(),
    "OutVariable": Parameter(),
    "OutBuffer": Parameter(),
    "PipelineVariable": Parameter(since=(4,)),
    "WhatIf": Parameter(switch=True),
    "Confirm": Parameter(switch=True),
    "Verbose": Parameter(switch=True),
    "Debug": Parameter(switch=True),
}
_PARENT = "System.Management.Automation.ParentContainsErrorRecordException"
"""What stands for the exception of a first statement's terminating error (recorded)."""
_READERS = ("Get-", "Select-", "Test-", "Write-")
"""Verbs without -WhatIf and -Confirm: they change nothing."""
_ALIASES = {"LiteralPath": ("PSPath", "LP"), "ErrorAction": ("ea",), "PropertyType": ("Type",)}
_ACTIONS = {0: "silentlycontinue", 1: "stop", 2: "continue", 3: "inquire", 4: "ignore"}
_BINDING = "System.Management.Automation.ParameterBindingException"
_VALIDATION = "System.Management.Automation.ParameterBindingValidationException"

NativeRunner = t.Callable[[Call, str, list[str]], t.Iterator[Event]]


@dataclass
class Runspace:
    """What a pipeline runs in."""

    state: WindowsState
    session: SessionConfiguration
    cmdlets: t.Mapping[str, Cmdlet]
    """By lower-case name."""
    proxies: t.Mapping[str, Cmdlet]
    """Replacements in a restricted session."""
    natives: t.Mapping[str, NativeRunner]
    """By lower-case file name."""
    variables: RunspaceVariables = field(default_factory=RunspaceVariables)
    unmatched: t.Callable[[str], None] = field(default=lambda text: None)


def run(runspace: Runspace, statements: t.Sequence[Statement]) -> t.Generator[Event, t.Any, None]:
    """Runs the statements in order; see ``Machine.invoke``.

    Recorded: a statement that ends with a terminating error does not keep the later ones from running. After the first
    one the client still sees the output of the next, after a later one nothing more. Only ErrorAction Stop ends all.
    """
    stops = runspace.state.behaviours["batch_after_error"] == "stops"
    for number, statement in enumerate(statements):
        wrote_error = False
        execution = _statement(runspace, statement)
        reply: t.Any = None
        while True:
            try:
                event = execution.send(reply)
            except StopIteration:
                break
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
            wrote_error = wrote_error or isinstance(event, NonTerminatingError)
            if isinstance(event, Output):
                event = Output(event.value, to_wire)
            reply = yield event
        if wrote_error and stops:
            return


class StopError(TerminateError):
    """A non-terminating error that ErrorAction Stop promotes: nothing runs after it."""


def _shown_once(runspace: Runspace, statement: Statement) -> t.Generator[Event, t.Any, None]:
    """The statement behind a first one that failed: its output is seen."""
    try:
        for event in _events(_statement(runspace, statement)):
            yield Output(event.value, to_wire) if isinstance(event, Output) else event
    except TerminateError as end:
        yield NonTerminatingError(end.details)


def _unseen(runspace: Runspace, statements: t.Sequence[Statement]) -> t.Generator[Event, t.Any, None]:
    """Statements that run without that the client sees anything of them."""
    for statement in statements:
        execution = _statement(runspace, statement)
        reply: t.Any = None
        while True:
            try:
                event = execution.send(reply)
            except StopIteration:
                break
            except StopError:
                return
            except TerminateError:
                break
            reply = None
            if isinstance(event, (Wait, Blocking, HostExit, Restart)):
                reply = yield event


def _events(execution: t.Generator[Event, t.Any, None]) -> t.Generator[Event, t.Any, None]:
    reply: t.Any = None
    while True:
        try:
            event = execution.send(reply)
        except StopIteration:
            return
        reply = yield event


def _statement(runspace: Runspace, statement: Statement) -> t.Generator[Event, t.Any, None]:
    """One pipeline of commands. Commands run one after the other; nothing the lab answers depends on interleaving."""
    objects: list[t.Any] = []
    for number, command in enumerate(statement):
        last = number == len(statement) - 1
        produced: list[t.Any] = []
        source = _command(runspace, command, objects, number > 0)
        reply: t.Any = None
        while True:
            try:
                event = source.send(reply)
            except StopIteration:
                break
            reply = None
            if isinstance(event, NonTerminatingError) and command.merge_errors:
                event = Output(error_record(event.details))
            if isinstance(event, Output) and not last:
                produced.append(event.value)
            elif isinstance(event, (Output, NonTerminatingError, Wait, Blocking, HostExit, Restart)):
                reply = yield event
        objects = produced


def _command(
    runspace: Runspace, command: Command, inputs: list[t.Any], has_input: bool
) -> t.Generator[Event, t.Any, None]:
    if command.is_script:
        yield from _script(runspace, command.name)
        return
    if command.name.lower().endswith(".exe"):
        yield from _native(runspace, command, inputs)
        return
    cmdlet, entry = _find(runspace, command.name)
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
    _bind(call, command, entry)
    if call.switch("WhatIf"):
        return
    action = _error_action(call)
    source = t.cast(t.Generator[Event, t.Any, None], _through(call, entry, command.name))
    reply: t.Any = None
    while True:
        try:
            event = source.send(reply)
        except StopIteration:
            return
        reply = None
        if isinstance(event, NonTerminatingError):
            if action == "stop":
                raise StopError(event.details)
            if action in ("silentlycontinue", "ignore"):
                continue
        reply = yield event


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


def _not_found(runspace: Runspace, name: str, module_is_missing: bool = False) -> TerminateError:
    return TerminateError(
        ErrorDetails(
            message(runspace.state.identity.language, "command_missing", name),
            "CouldNotAutoLoadModule" if module_is_missing else "CommandNotFoundException",
            "ObjectNotFound",
            "System.Management.Automation.CommandNotFoundException",
            command=None,
            target=name,
            target_name=name,
            target_type="String",
        )
    )


def available(cmdlet: Cmdlet, state: WindowsState, session: SessionConfiguration) -> bool:
    """Whether this Windows and this PowerShell have the cmdlet."""
    if session.number < cmdlet.since or (cmdlet.core is not None and cmdlet.core != session.core):
        return False
    return cmdlet.available(state, session)


_ITSELF = Entry()


def _find(runspace: Runspace, name: str) -> tuple[Cmdlet, Entry]:
    """The cmdlet and what the session allows of it. Raises CommandNotFoundException."""
    session = runspace.session
    module, _separator, short = name.rpartition("\\")
    cmdlet = runspace.cmdlets.get(short.lower())
    if cmdlet is not None and module and module.lower() != cmdlet.module.lower():
        cmdlet = None
    found = _ITSELF
    if session.visible is not None:
        # In a restricted session proxy functions hide cmdlets of the same name, unless these are asked for by module.
        if session.restricted and not module and short.lower() in map(str.lower, RESTRICTED_PROXIES):
            proxy = runspace.proxies.get(short.lower())
            if proxy is None:
                runspace.unmatched(f"restricted proxy {short}")
                raise _not_found(runspace, name)
            return proxy, _ITSELF
        entry = _entry(session, name)
        if entry is None:
            raise _not_found(runspace, name)
        found = session.visible[entry]
    if cmdlet is None:
        runspace.unmatched(f"command {name}")
        modules = {known.module.lower() for known in runspace.cmdlets.values()}
        raise _not_found(runspace, name, bool(module) and module.lower() not in modules)
    if not available(cmdlet, runspace.state, session):
        # No session lacks a module of PowerShell itself; the others come and go as a whole (seen on 7.6).
        raise _not_found(runspace, name, bool(module) and not cmdlet.module.startswith("Microsoft.PowerShell."))
    return cmdlet, found


def _entry(session: SessionConfiguration, name: str) -> str | None:
    """The entry of the visible commands that a name means. A plain entry answers to its name with and without module, a
    function to exactly its own."""
    for entry, found in (session.visible or {}).items():
        if entry.lower() == name.lower():
            return entry
        either_form = found.kind == "plain" and ":" not in entry and ("\\" in entry) != ("\\" in name)
        if either_form and entry.rpartition("\\")[2].lower() == name.rpartition("\\")[2].lower():
            return entry
    return None


def _through(call: Call, entry: Entry, name: str) -> t.Iterator[Event]:
    """What comes between a role's function and its cmdlet: piped objects, and providers that are not visible."""
    if entry.kind == "function":
        for item in call.inputs:
            yield NonTerminatingError(
                ErrorDetails(
                    message(call.state.identity.language, "input_not_bound"),
                    f"InputObjectNotBound,{name}",
                    "InvalidArgument",
                    _BINDING,
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
    if session.visible is not None and _entry(session, command.name) is None:
        raise _not_found(runspace, command.name)
    arguments: list[str] = []
    for name, value in command.parameters:
        if name is not None:
            arguments.append(f"-{name}")
        if name is None or value is not None:
            arguments += [to_text(plain(item)) for item in items(value)]
    execution = _started(runspace, command.name, arguments, inputs)
    if execution is None:
        raise _not_found(runspace, command.name)
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


def _bind(call: Call, command: Command, entry: Entry = _ITSELF) -> None:
    """Fills ``call.arguments``. Raises binding errors as PowerShell does: they end the pipeline."""
    shown, limits = call.cmdlet.parameters, entry.parameters
    if limits is not None:
        shown = {name: parameter for name, parameter in shown.items() if name in limits}
    known = {**COMMON_PARAMETERS, **shown}
    number, core = call.session.number, call.session.core
    there = {name: one for name, one in known.items() if number >= one.since and one.core in (None, core)}
    if call.cmdlet.name.startswith(_READERS):
        there.pop("WhatIf"), there.pop("Confirm")
    usable = {name.lower(): name for name in there}
    aliases = {alias.lower(): name for name, one in there.items() for alias in (*one.aliases, *_ALIASES.get(name, ()))}
    positional: list[t.Any] = []
    for name, value in command.parameters:
        if name is None:
            positional.append(value)
            continue
        found = _named(call, name.removeprefix("-").lower(), usable, aliases)
        if found is not None and found in call.arguments:
            raise TerminateError(_binding(call, "parameter_twice", "ParameterAlreadyBound", name))
        if found is None:
            call.unmatched(f"parameter {call.cmdlet.name} -{name}")
            raise TerminateError(
                call.error(
                    "parameter_missing",
                    name,
                    error_id="NamedParameterNotFound",
                    category="InvalidArgument",
                    exception=_BINDING,
                )
            )
        parameter = known[found]
        if parameter.switch:
            if isinstance(plain(value), str):
                raise TerminateError(_binding(call, "cannot_convert", "CannotConvertArgument", found, value))
            # A cmdlet takes a switch without a value for on, a role's function for off (seen on 7.6).
            value = entry.kind == "plain" if value is None else bool(plain(value))
        elif found not in COMMON_PARAMETERS:
            _check_empty(call, found, parameter, value)
        _check_values(call, found, parameter, value)
        call.arguments[found] = value
    slots = sorted(
        (parameter.position, name)
        for name, parameter in call.cmdlet.parameters.items()
        if parameter.position is not None and name not in call.arguments and name.lower() in usable
    )
    for value in positional:
        if not slots:
            raise TerminateError(
                call.error(
                    "positional_missing",
                    to_text(value),
                    error_id="PositionalParameterNotFound",
                    category="InvalidArgument",
                    exception=_BINDING,
                )
            )
        _position, name = slots.pop(0)
        _check_empty(call, name, known[name], value)
        _check_values(call, name, known[name], value)
        call.arguments[name] = value
    _check_limits(call, limits or {})
    _check_mandatory(call)


def _check_limits(call: Call, limits: t.Mapping[str, Limit]) -> None:
    """What the attributes of a role's function refuse."""
    given = [name for name in limits if name in call.arguments]
    sets = [set(limits[name].sets) for name in given if limits[name].sets]
    if len(sets) > 1 and not set.intersection(*sets):
        raise TerminateError(
            call.error(
                "parameter_sets", error_id="AmbiguousParameterSet", category="InvalidArgument", exception=_BINDING
            )
        )
    missing = [name for name, limit in limits.items() if limit.mandatory and not limit.sets and name not in given]
    if missing:
        raise TerminateError(
            call.error(
                "mandatory_missing",
                " ".join(missing),
                error_id="MissingMandatoryParameter",
                category="InvalidArgument",
                exception=_BINDING,
            )
        )
    for name, limit in limits.items():
        if name in call.arguments:
            for item in items(call.arguments[name]):
                if not limit.accepts(to_text(plain(item))):
                    raise _not_accepted(call, name, item)


def _named(call: Call, wanted: str, usable: t.Mapping[str, str], aliases: t.Mapping[str, str]) -> str | None:
    """The parameter that a name, an alias or the beginning of one means. Raises where it may mean several."""
    exact = usable.get(wanted) or aliases.get(wanted)
    if exact is not None or not wanted:
        return exact
    found = {name for known in (usable, aliases) for key, name in known.items() if key.startswith(wanted)}
    own = {name for name in found if name not in COMMON_PARAMETERS}
    if len(own or found) > 1:
        raise TerminateError(_binding(call, "ambiguous_parameter", "AmbiguousParameter", wanted))
    return next(iter(own or found), None)


def _binding(call: Call, key: str, error_id: str, *arguments: t.Any, category: str = "InvalidArgument") -> ErrorDetails:
    texts = [to_text(plain(argument)) for argument in arguments]
    return call.error(key, *texts, error_id=error_id, category=category, exception=_BINDING)


def _check_empty(call: Call, name: str, parameter: Parameter, value: t.Any) -> None:
    """Null, an empty text or an empty list where the parameter takes none."""
    if parameter.nullable or not (parameter.mandatory or name in call.cmdlet.one_of):
        return
    inner = plain(value)
    elements = items(value)
    missing = ""
    if value is None or None in elements:
        missing = "Null"
    elif inner == "" or "" in [plain(item) for item in elements]:
        missing = "EmptyString"
    elif is_list(value) and not elements:
        missing = "EmptyArray"
    if missing:
        key = "null_not_allowed" if missing == "Null" else "empty_not_allowed"
        error_id = f"ParameterArgumentValidationError{missing}NotAllowed"
        raise TerminateError(_binding(call, key, error_id, name, category="InvalidData"))


def _check_values(call: Call, name: str, parameter: Parameter, value: t.Any) -> None:
    if not parameter.values:
        return
    lowered = {item.lower() for item in parameter.values}
    for item in items(value):
        if to_text(item).lower() in lowered:
            continue
        if parameter.enumeration:
            if isinstance(plain(item), int):
                continue
            raise TerminateError(_binding(call, "enum_missing", "CannotConvertArgumentNoMessage", name, item))
        raise _not_accepted(call, name, item)


def _not_accepted(call: Call, name: str, item: t.Any) -> TerminateError:
    return TerminateError(
        call.error(
            "not_in_set",
            name,
            to_text(item),
            error_id="ParameterArgumentValidationError",
            category="InvalidData",
            exception=_VALIDATION,
        )
    )


def _check_mandatory(call: Call) -> None:
    missing = [
        name
        for name, parameter in call.cmdlet.parameters.items()
        if parameter.mandatory and name not in call.arguments and not (parameter.pipeline and call.has_input)
    ]
    given = [name for name in call.cmdlet.one_of if name in call.arguments]
    piped = call.has_input and any(call.cmdlet.parameters[name].pipeline for name in call.cmdlet.one_of)
    if len(given) > 1:
        raise TerminateError(
            call.error(
                "parameter_sets", error_id="AmbiguousParameterSet", category="InvalidArgument", exception=_BINDING
            )
        )
    if call.cmdlet.one_of and not given and not piped:
        missing.append(call.cmdlet.one_of[0])
    if missing:
        raise TerminateError(
            call.error(
                "mandatory_missing",
                " ".join(missing),
                error_id="MissingMandatoryParameter",
                category="InvalidArgument",
                exception=_BINDING,
            )
        )


def _error_action(call: Call) -> str:
    value = plain(call.arguments.get("ErrorAction"))
    if isinstance(value, PSObj) and isinstance(value.base, int):
        value = value.base
    if isinstance(value, PSObject) and isinstance(value, int):
        value = int(value)
    if isinstance(value, int):
        return _ACTIONS.get(value, "continue")
    if value is None:
        return "continue"
    text = to_text(value).lower()
    if text not in _ACTIONS.values() or is_list(value):
        raise TerminateError(call.conversion("ErrorAction", value))
    return text
