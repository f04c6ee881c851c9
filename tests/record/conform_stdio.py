# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds the lab to the PowerShell of the Windows that this runs on: python conform_stdio.py --dest FILE pwsh.exe -s …

Asks every reading case of ``tests/engine/test_conformance.py`` of the engine and of a lab machine that plays it, and
compares what the product sees of each. The state that they need (``TetraTest`` below HKLM's SOFTWARE and on C:) is made
by the engine's own cmdlets and by reg.exe, and taken away again.

Writes one JSON file, prints a line for each case that differs, and ends with 0, or with 2 and one sentence where
nothing could be asked. A difference is a finding for the project, not a failure of the run.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import pathlib
import sys
import typing as t

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from observe_stdio import namespace, parsed, parser_of

BASE = "ansible_collections.fleetops.tetra"
REG = r"C:\Windows\System32\reg.exe"


def main(arguments: t.Sequence[str] | None = None) -> int:
    options = parsed(parser_of(__doc__, "conformance.json"), arguments)
    namespace()
    cases = importlib.import_module(f"{BASE}.tests.engine.test_conformance")
    lab = importlib.import_module(f"{BASE}.tests.unit.lab_session")
    building = importlib.import_module(f"{BASE}.lab.machine.build")
    words = importlib.import_module(f"{BASE}.plugins.plugin_utils.conversation.statements")
    remote = importlib.import_module(f"{BASE}.plugins.plugin_utils.conversation.remote_endpoint")
    stdio = importlib.import_module(f"{BASE}.tests.record.stdio")
    endpoint = remote.RemoteEndpoint(stdio.StdioConnection(options.command, options.seconds))
    try:
        endpoint.session().open()
        version = str(endpoint.session().version_table().get("PSVersion"))
        modern = version.split(".", maxsplit=1)[0] not in ("2", "3", "4", "5")
        put_state(endpoint, cases, words, modern)
    except (words.SessionError, OSError) as error:
        print(f"Nothing was asked: {error}", file=sys.stderr)
        return 2
    rows = []
    try:
        for name, statements in cases.CASES.items():
            sent = [one.name for statement in statements for one in statement]
            if cases._writes(name) or (modern and any(one.endswith("Get-WmiObject") for one in sent)):
                continue
            played = lab.InProcess("pc", state_of(cases, building, "7.6" if modern else "5.1"))
            rows.append(row(name, ask(endpoint, statements, words), ask(played, statements, words)))
    finally:
        take_state_away(endpoint, cases, words)
        endpoint.hand_over()
    equal = sum(one["equal"] for one in rows)
    document = {"schema": "fleetops.tetra/conformance/1", "powershell": version, "cases": rows}
    options.dest.parent.mkdir(parents=True, exist_ok=True)
    options.dest.write_text(json.dumps(document, indent=1, ensure_ascii=False, default=repr) + "\n", encoding="utf-8")
    for one in rows:
        if not one["equal"]:
            print(f"differs: {one['case']}\n  engine: {one['engine']}\n  lab:    {one['lab']}")
    print(f"PowerShell {version}: {equal} of {len(rows)} cases as the lab answers. {options.dest}")
    return 0


def ask(asked: t.Any, statements: t.Any, words: t.Any) -> dict[str, t.Any]:
    """What the product sees."""
    try:
        answer = asked.session().ask(statements)
    except words.AnswerError as error:
        return {"unreadable": str(error)}
    except words.SessionError as error:
        asked.renew()
        return {"lost": str(error)}
    return {
        "output": [plain(value) for value in answer.output],
        "refusals": [dataclasses.asdict(one) for one in answer.refusals],
        "failed": answer.failed,
    }


def plain(value: t.Any) -> t.Any:
    if dataclasses.is_dataclass(value):
        properties = {key: plain(item) for key, item in sorted(value.properties.items())}
        return {"types": [name for name in value.types if "Object" not in name][:1], "properties": properties}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else repr(value)


def row(name: str, engine: dict[str, t.Any], lab: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"case": name, "equal": engine == lab, "engine": engine, "lab": lab}


def state_of(cases: t.Any, building: t.Any, version: str) -> t.Any:
    """A lab machine in the state of the cases."""
    state = building.build("pc", {"release": "10_22h2", "powershell": version})
    for path, values in cases.KEYS.items():
        state.registry.create(path)
        for name, (kind, data) in values.items():
            given = data.hex() if isinstance(data, bytes) else data
            state.registry.set(path, name, cases.make_value(kind, given))
    for path, content in cases.FILES.items():
        state.files.write(path, content, state.now())
    return state


def put_state(endpoint: t.Any, cases: t.Any, words: t.Any, modern: bool) -> None:
    def run(command: t.Any) -> None:
        endpoint.session().ask([(command,)])

    for path, values in cases.KEYS.items():
        if "/" not in path:
            run(words.command("New-Item", Path=f"Registry::{path}"))
        for name, (kind, data) in values.items():
            text = data.hex() if isinstance(data, bytes) else "\\0".join(data) if isinstance(data, list) else str(data)
            run(words.command(REG, "add", path, "/v", name, "/t", kind, "/d", text, "/f"))
    how = {"AsByteStream": True} if modern else {"Encoding": "Byte"}
    for path, content in cases.FILES.items():
        folder = path.rpartition("\\")[0]
        run(words.command("New-Item", Path=folder, ItemType="Directory", Force=True))
        run(words.command("Set-Content", LiteralPath=path, Value=content, **how))


def take_state_away(endpoint: t.Any, cases: t.Any, words: t.Any) -> None:
    try:
        endpoint.session().ask([(words.command(REG, "delete", cases.KEY, "/f"),)])
        endpoint.session().ask([(words.command("Remove-Item", LiteralPath=cases.FOLDER, Recurse=True, Force=True),)])
    except (words.SessionError, words.AnswerError) as error:
        print(f"{cases.KEY} and {cases.FOLDER} could not be taken away: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
