# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What answers for the cmdlets and programs that an engine under wine has not: TLS, CIM, GroupPolicy, curl.exe, ...

The lab's own cmdlets answer (their shapes are recorded), over the engine's registry and files: before a call both are
read from the engine, afterwards what changed is written there. So the parts that are PowerShell's own stay real.
"""

from __future__ import annotations

import contextlib
import datetime
import socketserver
import threading
import time
import typing as t

from ansible_collections.fleetops.tetra.lab.machine import scheduled_tasks
from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, RunspaceVariables, TerminateError
from ansible_collections.fleetops.tetra.lab.machine.cmdlets import CMDLETS, NATIVES
from ansible_collections.fleetops.tetra.lab.machine.cmdlets.tls import LIST_TYPE, NUMBERS_TYPE, STRINGS_TYPE
from ansible_collections.fleetops.tetra.lab.machine.objects import STRING_ARRAY, Byte, Long, PSObj, UInt, ULong, to_text
from ansible_collections.fleetops.tetra.lab.machine.registry import Registry, Value
from ansible_collections.fleetops.tetra.lab.machine.sessions import SessionConfiguration
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState
from ansible_collections.fleetops.tetra.lab.pipeline import (
    Blocking,
    ErrorDetails,
    NonTerminatingError,
    Output,
    Restart,
    TerminatingError,
    Wait,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import CATEGORIES
from ansible_collections.fleetops.tetra.tests.engine.raw_values import to_raw, to_value

HIVE = "HKEY_LOCAL_MACHINE"
_WATCHED = (
    "SOFTWARE\\Policies\\Microsoft",
    "SOFTWARE\\fleetops.tetra",
    "SOFTWARE\\Immunet Protect",
    "SYSTEM\\CurrentControlSet\\Control\\Cryptography",
    "SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL",
    "SYSTEM\\CurrentControlSet\\Control\\Lsa\\FipsAlgorithmPolicy",
)
"""What the cmdlets and programs that are stood in for look at or change."""


class Peer(t.Protocol):
    """The other end: runs on the engine (stand_ins/bridge.c)."""

    def dump(self, key: str) -> dict[str, dict[str, tuple[int, bytes]]] | None: ...

    def change(self, *words: str) -> int: ...


class Files(t.Protocol):
    """The engine's files."""

    def read_files(self, state: WindowsState) -> None: ...

    def write_files(self, state: WindowsState, before: t.Mapping[str, str]) -> None: ...


class Bridge:
    """One machine's bridge: a port on loopback and the state that its answers come from."""

    def __init__(self, state: WindowsState, session: SessionConfiguration, files: Files) -> None:
        self.state = state
        self.session = session
        self.files = files
        self.calls: list[str] = []
        self.unmatched: list[str] = []
        self.on_restart: t.Callable[[Restart], None] = lambda event: None
        self.lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"bridge": self})
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="bridge", daemon=True).start()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: str, peer: Peer) -> str:
        kind, what, rest = request.split("\n", 2)
        with self.lock:
            before = self.take_over(peer, _asked_key(what, rest))
            known_files = self.state.files.dump()
            self.calls.append(what.rpartition("\\")[2])
            result = self._program(what, rest) if kind == "program" else self._cmdlet(what, rest)
            self.hand_back(peer, before)
            self.files.write_files(self.state, known_files)
        return result

    def take_over(self, peer: Peer, more: t.Sequence[str] = ()) -> dict[str, dict[str, Value]]:
        """Puts the engine's keys and files into the state; gives the watched keys as they are now."""
        for key in (*_WATCHED, *more):
            dumped = peer.dump(key)
            replace(self.state.registry, key, dumped or {})
        self.files.read_files(self.state)
        return _watched(self.state.registry)

    def hand_back(self, peer: Peer, before: dict[str, dict[str, Value]]) -> None:
        """Writes to the engine what has changed in the state since."""
        for words in changes(before, _watched(self.state.registry)):
            code = peer.change(*words)
            if code:
                self.unmatched.append(f"the engine refused {words[0]} {words[1]}: code {code}")

    def _call(self, cmdlet: Cmdlet, arguments: dict[str, t.Any], inputs: list[t.Any]) -> Call:
        variables = RunspaceVariables()
        return Call(cmdlet, arguments, inputs, self.state, self.session, variables, self.unmatched.append)

    def _cmdlet(self, name: str, text: str) -> str:
        cmdlet = CMDLETS[name.lower()]
        arguments = {key: value for key, value in read_value(iter(text.split())).items() if key in cmdlet.parameters}
        words: list[str] = []
        call = self._call(cmdlet, arguments, [])
        try:
            for event in _run(iter(cmdlet.run(call)), self.on_restart):
                if isinstance(event, Output):
                    words += ["output", *write_value(event.value)]
                else:
                    words += _error("error", event.details)
        except TerminateError as end:
            words += _error("fatal", end.details)
        return " ".join(words)

    def _program(self, path: str, line: str) -> str:
        name = path.rpartition("\\")[2].lower()
        if name == WAKE:
            scheduled_tasks.run_due(self.state, self.unmatched.append)
            return "0\n"
        identity = Cmdlet(name, "", "", {}, lambda call: iter(()))
        call = self._call(identity, {}, [])
        output, errors = [], []
        for event in _run(iter(NATIVES[name](call, path, arguments_of(line))), self.on_restart):
            if isinstance(event, Output):
                output.append(to_text(event.value))
            else:
                errors.append(event.details.message)
        code = call.variables.last_exit_code or 0
        return (
            f"{code}\n{''.join(f'{one}{chr(10)}' for one in output)}\x01{''.join(f'{one}{chr(10)}' for one in errors)}"
        )


WAKE = "tetra-wake.exe"
"""Not a program of Windows: the tests start it where the task scheduler's time has come."""


def _run(events: t.Any, restart: t.Callable[[Restart], None]) -> t.Iterator[Output | NonTerminatingError]:
    reply: t.Any = None
    while True:
        try:
            event = events.send(reply) if hasattr(events, "send") else next(events)
        except StopIteration:
            return
        reply = None
        if isinstance(event, Blocking):
            reply = event.work()
        elif isinstance(event, Wait):
            time.sleep(event.seconds)
        elif isinstance(event, Restart):
            restart(event)
        elif isinstance(event, TerminatingError):
            raise TerminateError(event.details)
        elif isinstance(event, (Output, NonTerminatingError)):
            yield event


def _asked_key(name: str, text: str) -> list[str]:
    """The key that a call of StdRegProv is about."""
    if name != "Invoke-CimMethod":
        return []
    arguments = read_value(iter(text.split())).get("Arguments") or {}
    key = next((value for given, value in arguments.items() if given.lower() == "ssubkeyname"), None)
    return [key] if key and not any(key.lower().startswith(known.lower()) for known in _WATCHED) else []


def _error(kind: str, details: ErrorDetails) -> list[str]:
    category = CATEGORIES.index(details.category)
    identity = details.error_id.partition(",")[0]
    return [kind, text_word(details.message), text_word(identity), str(category), *write_value(details.target)]


# ---- values on the wire of the bridge ------------------------------------------------------------------------------


_LISTS = {LIST_TYPE: "Suites", NUMBERS_TYPE: "UInt32s", STRINGS_TYPE: "Strings", STRING_ARRAY[0]: "String[]"}
"""Lists that are of one type on the engine."""


def text_word(text: str) -> str:
    data = text.encode("utf-16-be", "surrogatepass")
    return data.hex() or "-"


def write_value(value: t.Any) -> list[str]:
    """The words of a value of the lab (stand_ins/cmdlets.cs reads them)."""
    if value is None:
        return ["n"]
    if isinstance(value, bool):
        return ["t" if value else "f"]
    for kind, word in ((UInt, "u"), (ULong, "U"), (Long, "I"), (Byte, "y")):
        if isinstance(value, kind):
            return [word, str(int(value))]
    if isinstance(value, int):
        return ["i" if -(2**31) <= value < 2**31 else "I", str(value)]
    if isinstance(value, str):
        return ["s", text_word(value)]
    if isinstance(value, bytes):
        return ["b", str(len(value)), *map(str, value)]
    if isinstance(value, datetime.datetime):
        return ["D", text_word(value.isoformat())]
    if isinstance(value, dict):
        words = ["d", str(len(value))]
        for key, item in value.items():
            words += [text_word(str(key)), *write_value(item)]
        return words
    if isinstance(value, list):
        return _list("", value)
    if isinstance(value, PSObj):
        if isinstance(value.base, list):
            return _list(_LISTS.get(value.types[0], ""), value.base)
        if value.base is not None and not value.notes:
            return write_value(value.base)
        words = ["o", str(len(value.types)), *map(text_word, value.types)]
        properties = {**value.props, **value.notes}
        words.append(str(len(properties)))
        for name, item in properties.items():
            words += [text_word(name), *write_value(item)]
        return words
    raise TypeError(f"the bridge cannot send a {type(value).__name__}")


def _list(kind: str, items: list[t.Any]) -> list[str]:
    words = ["l", text_word(kind), str(len(items))]
    for item in items:
        words += write_value(item)
    return words


def read_value(words: t.Iterator[str]) -> t.Any:
    """A value that the engine sent."""
    kind = next(words)
    if kind == "n":
        return None
    if kind in "tf":
        return kind == "t"
    if kind == "s":
        return read_text(next(words))
    if kind in "iu":
        return int(next(words))
    if kind == "b":
        return bytes(int(next(words)) for _item in range(int(next(words))))
    if kind == "l":
        return [read_value(words) for _item in range(int(next(words)))]
    if kind == "d":
        return {read_text(next(words)): read_value(words) for _item in range(int(next(words)))}
    raise ValueError(f"the engine sent {kind!r}")


def read_text(word: str) -> str:
    return "" if word == "-" else bytes.fromhex(word).decode("utf-16-be", "surrogatepass")


def arguments_of(line: str) -> list[str]:
    """The arguments of a command line, as CommandLineToArgvW cuts them (learn.microsoft.com)."""
    found: list[str] = []
    current, quoted, started, at = "", False, False, 0
    while at < len(line):
        letter = line[at]
        if letter == "\\":
            run = len(line[at:]) - len(line[at:].lstrip("\\"))
            at += run
            is_quote = at < len(line) and line[at] == '"'
            current += "\\" * (run // 2 if is_quote else run)
            started = True
            if is_quote and run % 2:
                current += '"'
                at += 1
            continue
        if letter == '"':
            quoted, started = not quoted, True
        elif letter in " \t" and not quoted:
            if started:
                found.append(current)
            current, started = "", False
        else:
            current, started = current + letter, True
        at += 1
    if started:
        found.append(current)
    return found[1:]


# ---- the registry ----------------------------------------------------------------------------------------------------


def replace(registry: Registry, key: str, found: t.Mapping[str, t.Mapping[str, tuple[int, bytes]]]) -> None:
    """Makes a part of the state's registry what the engine has."""
    with contextlib.suppress(Exception):
        registry.delete(f"{HIVE}\\{key}")
    for path, values in found.items():
        registry.create(f"{HIVE}\\{path}")
        for name, (kind, data) in values.items():
            registry.set(f"{HIVE}\\{path}", name, to_value(kind, data))


def _watched(registry: Registry) -> dict[str, dict[str, Value]]:
    return flat(registry)


def flat(registry: Registry) -> dict[str, dict[str, Value]]:
    """Key path below HKEY_LOCAL_MACHINE → value name → value, for all keys that a boot keeps."""
    found: dict[str, dict[str, Value]] = {}

    def walk(prefix: str, key: t.Any) -> None:
        for child in key.children.values():
            if child.volatile:
                continue
            path = f"{prefix}\\{child.name}" if prefix else child.name
            found[path] = dict(child.values.values())
            walk(path, child)

    root = registry.find(HIVE)
    if root is not None:
        walk("", root)
    return found


def changes(before: dict[str, dict[str, Value]], after: dict[str, dict[str, Value]]) -> t.Iterator[tuple[str, ...]]:
    """The words for the engine that make the one into the other."""
    gone = [path for path in before if path not in after]
    for path in gone:
        if not any(path.startswith(f"{other}\\") for other in gone):
            yield "DELK", _word(path)
    for path, values in after.items():
        old = before.get(path)
        if old is None:
            yield "MAKE", _word(path)
        for name in old or {}:
            if name not in values:
                yield "DELV", _word(path), _word(name)
        for name, value in values.items():
            if (old or {}).get(name) != value:
                yield "SET", _word(path), _word(name), str(value.type), to_raw(value).hex() or "-"


def _word(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").hex() or "-"


class _Handler(socketserver.StreamRequestHandler):
    bridge: Bridge

    def handle(self) -> None:
        words = self.rfile.readline().split()
        if len(words) != 2 or words[0] != b"CALL":
            return
        request = _unword(words[1])
        try:
            result = self.bridge.answer(request, self)
        except Exception as problem:  # The test that looks at ``unmatched`` tells it.
            self.bridge.unmatched.append(f"{request[:100]!r}: {type(problem).__name__}: {problem}")
            result = "1\n\x01the bridge failed" if request.startswith("program") else ""
        self._say("RESULT", _word(result))

    def dump(self, key: str) -> dict[str, dict[str, tuple[int, bytes]]]:
        self._say("DUMP", _word(key))
        found: dict[str, dict[str, tuple[int, bytes]]] = {}
        values: dict[str, tuple[int, bytes]] = {}
        while (words := self.rfile.readline().split()) and words[0] != b"END":
            if words[0] == b"V":
                data = b"" if words[3] == b"-" else bytes.fromhex(words[3].decode())
                values[_unword(words[1])] = (int(words[2]), data)
            elif words[0] == b"K":
                values = found.setdefault(_unword(words[1]), {})
        return found

    def change(self, *words: str) -> int:
        self._say(*words)
        answer = self.rfile.readline().split()
        return int(answer[1]) if len(answer) == 2 else -1

    def _say(self, *words: str) -> None:
        self.wfile.write((" ".join(words) + "\n").encode())


def _unword(word: bytes) -> str:
    return "" if word == b"-" else bytes.fromhex(word.decode()).decode("utf-16-le", "surrogatepass")
