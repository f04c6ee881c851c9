# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""fleetops.tetra.console_info: options in, what the console says out, its lists as files."""

from __future__ import annotations

import datetime
import json
import time
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.visible import visible_all
from ansible_collections.fleetops.tetra.plugins.module_utils.console.errors import ConsoleError
from ansible_collections.fleetops.tetra.plugins.module_utils.console.failing import Judged, Limits, as_csv
from ansible_collections.fleetops.tetra.plugins.module_utils.console.names import agree, short_key
from ansible_collections.fleetops.tetra.plugins.module_utils.console.views import views
from ansible_collections.fleetops.tetra.plugins.plugin_utils.console import gather
from ansible_collections.fleetops.tetra.plugins.plugin_utils.console.access import ACCESS, Access, open_access
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.writing import write_atomically
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import read_run
from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.option_spec import OptionSpecs

Arguments = dict[str, t.Any]
CONSOLE_INFO: t.Final[OptionSpecs] = {
    **ACCESS,
    "gather": {
        "type": "list",
        "elements": "str",
        "choices": ["computers", "policies", "events"],
        "default": ["computers"],
    },
    "filters": {
        "type": "dict",
        "default": {},
        "options": {
            "hostname": {"type": "list", "elements": "str"},
            "group_guid": {"type": "list", "elements": "str"},
            "last_seen_within": {"type": "int"},
            "last_seen_over": {"type": "int"},
        },
    },
    "definitions_hours": {"type": "float", "default": 24.0},
    "silent_days": {"type": "float", "default": 7.0},
    "include_demo": {"type": "bool", "default": False},
    "only_windows": {"type": "bool", "default": True},
    "return_all": {"type": "bool", "default": False},
    "csv": {"type": "path"},
    "json": {"type": "path"},
    "events_days": {"type": "int", "default": 7},
    "events_most": {"type": "int", "default": 1000},
    "inventory": {"type": "list", "elements": "str"},
    "run": {"type": "path"},
    "host": {"type": "str"},
    "wait": {"type": "int", "default": 0},
    "wait_every": {"type": "int", "default": 60},
}
_MOST_WAIT: t.Final = 24 * 3600


def console_task(arguments: Arguments, from_file: t.Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    """The result of the module. Errors: ConsoleError, ReportError (a file that cannot be written), ResultsError."""
    if arguments["host"]:
        return t.cast(dict[str, t.Any], visible_all(_one_host(arguments, from_file)))
    now = datetime.datetime.now(datetime.UTC)
    wanted = arguments["gather"]
    with open_access(arguments, from_file) as access:
        result: dict[str, t.Any] = {"changed": False, "asked": access.transport.base[0]}
        if "computers" in wanted:
            result.update(_computers(access, arguments, now))
        if "policies" in wanted:
            result["policies"] = gather.policies(access)
        if "events" in wanted:
            since = now - datetime.timedelta(days=arguments["events_days"])
            result["events"] = gather.events(access, since, arguments["events_most"])
        result["requests"] = access.transport.requests_made
    return t.cast(dict[str, t.Any], visible_all(result))


def _computers(access: Access, arguments: Arguments, now: datetime.datetime) -> dict[str, t.Any]:
    found = gather.computers(
        access,
        now,
        Limits(arguments["definitions_hours"], arguments["silent_days"]),
        gather.query_of(arguments["filters"] or {}),
        arguments["include_demo"],
        arguments["only_windows"],
    )
    failing = [one for one in found.judged if one["standing"] == "failing"]
    listed = found.judged if arguments["return_all"] else failing
    if arguments["csv"]:
        write_atomically(Path(arguments["csv"]), [as_csv(listed)])
    if arguments["json"]:
        write_atomically(Path(arguments["json"]), [json.dumps(visible_all(listed), ensure_ascii=False, indent=1), "\n"])
    result: dict[str, t.Any] = {
        "computers": listed,
        "counts": gather.counts(found.judged),
        "duplicates": found.fleet.duplicates,
        "clones": found.fleet.clones,
        "nameless": found.fleet.nameless,
        "perhaps_two": found.fleet.perhaps_two,
        "notes": found.notes,
    }
    if arguments["inventory"] is not None or arguments["run"]:
        result["views"] = _views(found.judged, arguments)
    return result


def _one_host(arguments: Arguments, from_file: t.Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    """What the console says of one computer; asked again until its definitions are fresh or the waiting is over."""
    name, wait, every = arguments["host"], arguments["wait"], arguments["wait_every"]
    key = short_key(name)
    if key is None:
        raise ConsoleError(f"The option host is {name!r}, which is no host name.")
    if not 0 <= wait <= _MOST_WAIT or not 1 <= every <= 3600:
        raise ConsoleError(f"The option wait is a number of seconds up to {_MOST_WAIT}, wait_every one from 1 to 3600.")
    limits = Limits(arguments["definitions_hours"], arguments["silent_days"])
    began = time.monotonic()
    asked = 0
    while True:
        now = datetime.datetime.now(datetime.UTC)
        with open_access(arguments, from_file) as access:
            found = gather.computers(
                access, now, limits, [("hostname[]", key)], arguments["include_demo"], arguments["only_windows"]
            )
            asked += access.transport.requests_made
            place = access.transport.base[0]
        same = [one for one in found.judged if agree(name, one["computer"]["hostname"]) == "same"]
        computer = same[0] if len(same) == 1 else None
        waited = time.monotonic() - began
        if (computer is not None and computer["standing"] == "fresh") or waited + every > wait:
            return {
                "changed": False,
                "asked": place,
                "computer": computer,
                "sentence": _about(name, same),
                "waited": round(waited),
                "requests": asked,
                "notes": found.notes,
            }
        time.sleep(every)


def _about(name: str, same: list[Judged]) -> str:
    if not same:
        return f"The console knows no computer {name}."
    if len(same) > 1:
        return f"The console knows {len(same)} computers that may be {name}: none is taken for it."
    return same[0]["why"]


def _views(judged: t.Iterable[Judged], arguments: Arguments) -> t.Any:
    states: dict[str, str] = {}
    if arguments["run"]:
        run = read_run(Path(arguments["run"]))
        states = {str(record["host"]): str(record["verdict"]["state"]) for record in run.records()}
    return views(judged, arguments["inventory"] or [], states)
