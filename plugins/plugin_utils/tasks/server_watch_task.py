# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""fleetops.tetra.server_watch: measurements of servers in, a file, metrics and an alarm out."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.plugins.module_utils.telling.servers import Look, look, notice_of
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.tell_task import (
    TELL,
    Arguments,
    Way,
    check_options,
    one_way,
    send_mail,
    send_webhook,
    write,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.telling.metrics import server_metrics
from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.option_spec import OptionSpecs

SERVER_WATCH: t.Final[OptionSpecs] = {
    "results": {"type": "list", "elements": "dict", "required": True},
    "allow_list": {"type": "list", "elements": "str"},
    "json": {"type": "path"},
    "metrics": {"type": "path"},
    "webhooks": TELL["webhooks"],
    "mail": TELL["mail"],
    "always": {"type": "bool", "default": False},
}
_WORLD_READABLE: t.Final = 0o644


def server_watch_task(arguments: Arguments) -> dict[str, t.Any]:
    """The result of the module. Errors: LookError, TellingError (options that cannot be meant)."""
    check_options([*arguments["webhooks"], arguments["mail"]])
    seen = look(arguments["results"], arguments["allow_list"] or ALLOW_LIST)
    ways = list(_ways(arguments, seen))
    notice = notice_of(seen)
    return {
        "changed": any(one["told"] for one in ways),
        "msg": " ".join([notice.lines[0], *seen["sentences"]]),
        "ways": ways,
        "problems": [one["sentence"] for one in ways if not one["told"]],
        **seen,
    }


def _ways(arguments: Arguments, seen: Look) -> t.Iterator[Way]:
    if arguments["json"]:
        text = json.dumps(seen, ensure_ascii=False, indent=1)
        yield one_way("json", lambda: write(Path(arguments["json"]), [text, "\n"]))
    if arguments["metrics"]:
        yield one_way("metrics", lambda: write(Path(arguments["metrics"]), [_metrics(seen)], _WORLD_READABLE))
    if seen["answer"] == "none" and not arguments["always"]:
        return
    notice = notice_of(seen)
    for number, hook in enumerate(arguments["webhooks"], 1):
        yield one_way(f"webhook {number}", lambda hook=hook: send_webhook(hook, notice))  # type: ignore[misc]
    if arguments["mail"]:
        yield one_way("mail", lambda: send_mail(arguments["mail"], notice))


def _metrics(seen: Look) -> str:
    return server_metrics(
        [
            {
                "host": one["host"],
                "drift": one["answer"],
                "accepted": len(one["accepted"]),
                "missing": len(one["missing"]),
                "extra": len(one["extra"]),
            }
            for one in seen["servers"]
        ],
        seen["measured_at"] or "",
    )
