# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The report itself: what every format renders."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import written
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.compare import compare
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.diagnosed import Diagnosed
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.fleet import Document, Entry, Fleet
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.summary import summarize

SCHEMA: t.Final = "fleetops.tetra/report/1"
DEFAULT_TITLE: t.Final = "Tetra definitions: TLS readiness of the fleet"


@dataclass(slots=True)
class Report:
    """One report over a fleet; read only once made."""

    fleet: Fleet
    title: str = DEFAULT_TITLE
    where: str | None = None
    policy: Document | None = None
    """The policy that saved facts were judged again with; None where the verdicts are those of the run."""
    comparison: Document | None = None
    made_at: str = ""
    summary: Document = field(default_factory=dict)
    diagnosed: Diagnosed | None = None
    """What diagnoses of these endpoints found out, where there are any."""

    @property
    def entries(self) -> list[Entry]:
        return self.fleet.entries


def make_report(
    fleet: Fleet,
    *,
    title: str = DEFAULT_TITLE,
    where: str | None = None,
    policy: Document | None = None,
    earlier: Fleet | None = None,
    now: datetime.datetime | None = None,
) -> Report:
    """Counts and compares; ``earlier`` is the fleet of an earlier run, selected by the same ``where``."""
    moment = now or datetime.datetime.now(datetime.UTC)
    return Report(
        fleet=fleet,
        title=title,
        where=where,
        policy=policy,
        comparison=compare(earlier, fleet) if earlier is not None else None,
        made_at=written(moment),
        summary=summarize(fleet.entries),
    )
