# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""fleetops.tetra.console_info: options in, what the console says out, its lists as files."""

from __future__ import annotations

import datetime
import json
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.visible import visible_all
from ansible_collections.fleetops.tetra.plugins.module_utils.console.failing import Judged, Limits, as_csv
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
}


def console_task(arguments: Arguments, from_file: t.Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    """The result of the module. Errors: ConsoleError, ReportError (a file that cannot be written), ResultsError."""
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


def _views(judged: t.Iterable[Judged], arguments: Arguments) -> t.Any:
    states: dict[str, str] = {}
    if arguments["run"]:
        run = read_run(Path(arguments["run"]))
        states = {str(record["host"]): str(record["verdict"]["state"]) for record in run.records()}
    return views(judged, arguments["inventory"] or [], states)
