# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""fleetops.tetra.domain_policy_info: options in, what the policies of a domain do out."""

from __future__ import annotations

import collections
import datetime
import json
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import written
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.visible import visible_all
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.findings import findings, gpo_infos
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.forecast import Forecast, ForecastOf
from ansible_collections.fleetops.tetra.plugins.plugin_utils.directory.ldap import LdapSession
from ansible_collections.fleetops.tetra.plugins.plugin_utils.directory.log_on import LogOn
from ansible_collections.fleetops.tetra.plugins.plugin_utils.directory.read_domain import read_domain
from ansible_collections.fleetops.tetra.plugins.plugin_utils.directory.sysvol import SysvolReader
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.writing import write_atomically

Arguments = dict[str, t.Any]
DOMAIN_POLICY_INFO: t.Final[dict[str, dict[str, t.Any]]] = {
    "server": {"type": "str", "required": True},
    "transport": {"type": "str", "choices": ["ldaps", "starttls", "ldap"], "default": "ldaps"},
    "ca_file": {"type": "path"},
    "user": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "method": {"type": "str", "choices": ["negotiate", "kerberos", "ntlm", "simple"], "default": "negotiate"},
    "timeout": {"type": "float", "default": 30.0},
    "stale_days": {"type": "int", "default": 90},
    "return_all": {"type": "bool", "default": False},
    "json": {"type": "path"},
}


def domain_policy_task(arguments: Arguments) -> dict[str, t.Any]:
    """The result of the module. Errors: DirectoryError, ReportError (a file that cannot be written)."""
    log_on = LogOn(arguments["user"], arguments["password"], arguments["method"])
    server, timeout = arguments["server"], arguments["timeout"]
    transport, ca_file = arguments["transport"], arguments["ca_file"]
    with (
        LdapSession(server, log_on, transport, ca_file, timeout) as ldap,
        SysvolReader(server, log_on, timeout) as sysvol,
    ):
        domain = read_domain(ldap, sysvol)
    now = datetime.datetime.now(datetime.UTC)
    stale_before = written(now - datetime.timedelta(days=arguments["stale_days"]))
    forecast, gpos = Forecast(domain), gpo_infos(domain)
    computers = [forecast.of(computer, stale_before) for computer in domain.computers]
    living = [
        each for each in computers if each["enabled"] and not each["stale"] and each["prediction"] != "not_windows"
    ]
    whole = {
        "domain": domain.name,
        "server": server,
        "gpos": gpos,
        "findings": findings(domain, gpos),
        "counts": dict(collections.Counter(each["prediction"] for each in living)),
        "left_out": len(computers) - len(living),
        "by_gpo": _by_gpo(living),
        "sentence": _sentence(living),
    }
    named = visible_all({**whole, "computers": computers})
    if arguments["json"]:
        write_atomically(Path(arguments["json"]), [json.dumps(named, indent=1), "\n"])
    kept = (
        computers if arguments["return_all"] else [each for each in living if each["prediction"] == "fails_by_policy"]
    )
    return {"changed": False, **visible_all({**whole, "computers": kept})}


def _by_gpo(computers: t.Iterable[ForecastOf]) -> list[dict[str, t.Any]]:
    """``{guid, name, linked_at, computers}``, the GPO that stops most first."""
    stopped: collections.Counter[tuple[str, str, str]] = collections.Counter()
    for each in computers:
        stopped.update((culprit["guid"], culprit["name"], culprit["linked_at"]) for culprit in each["culprits"])
    return [
        {"guid": guid, "name": name, "linked_at": at, "computers": count}
        for (guid, name, at), count in sorted(stopped.items(), key=lambda one: (-one[1], one[0][1]))
    ]


def _sentence(computers: t.Sequence[ForecastOf]) -> str:
    """Of 3,412 computers 214 will fail: 209 by GPO Baseline 2019 linked at OU=Sales, …; unknown told apart."""
    failing = sum(each["prediction"] == "fails_by_policy" for each in computers)
    unknown = sum(each["prediction"] == "unknown" for each in computers)
    said = f"Of {len(computers):,} computers {failing:,} will fail by policy"
    named = [f"{one['computers']:,} by GPO {one['name']} linked at {one['linked_at']}" for one in _by_gpo(computers)]
    said += f": {', '.join(named)}" if named else ""
    return f"{said}. Of {unknown:,} it cannot be told from here." if unknown else f"{said}."
