# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What a cure is given and what it hands back: options, what the controller brings, and the outcome."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.plugins.module_utils.documents import cure as documents
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.before_image import GpoState
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import Plan, Step
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Verdict
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.failure_budget import FailureBudget
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImageStore
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.restart import ALWAYS, RestartOptions
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import Journal
from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.declared import default

Event = t.Union[documents.End, t.Literal["running", "planned"]]  # noqa: UP007 - pylint of ansible-test knows no |


class Looked(t.TypedDict):
    """What was read of an endpoint at one time, and what it means."""

    facts: Facts
    verdict: Verdict


class CureEnd(Exception):
    """The cure has come to its end. ``unrecorded``: another process writes down what becomes of the endpoint."""

    def __init__(self, event: Event, detail: str | None = None, unrecorded: bool = False) -> None:
        super().__init__(event)
        self.event = event
        self.detail = detail
        self.unrecorded = unrecorded


PENDING: t.Final = "pending"
UNDO: t.Final = "undo"


@dataclass(frozen=True)
class CureOptions:
    plan: t.Mapping[str, t.Any] = field(default_factory=dict)
    """Options of the plan."""
    reboot_when: str = ALWAYS
    """``always``, ``no_user`` (hold the restart while somebody is logged on) or ``never``."""
    restart: RestartOptions = field(default_factory=RestartOptions)
    """Countdown, putting off, battery, updates; who and when stand here, since the plan asks for them too."""
    named_roles: frozenset[str] = frozenset()
    """Roles of ``reboot.special_roles`` for which a restart was allowed by name."""
    deadline: float = float(default("tetra_deadline"))
    """Seconds for the whole cure of one endpoint."""
    gpo_deadline: float = 900.0
    """Seconds of these in which the endpoint has to follow a domain GPO that was changed."""
    update_definitions: bool = True
    commit_confirm: float = 0
    """Minutes after which the endpoint puts its old values back unless it was proven, 0 for never."""
    when_stopped: str = PENDING
    """What becomes of a change whose restart is not made any more since the budget is spent: ``pending`` (it counts
    after the next restart, whoever makes it) or ``undo``."""
    check_only: bool = False
    """Check mode: plan and say what would be done."""

    def out_of_time(self) -> str:
        return f"The endpoint was not done within {self.deadline:g} seconds."


class Look(t.Protocol):
    """Reads and judges the endpoint anew. Raises SessionError."""

    def __call__(self, asker: Asker, proving: bool) -> tuple[Facts, Verdict]:
        """(facts, verdict); ``proving`` lets the endpoint make a handshake of its own."""


class Update(t.Protocol):
    """Triggers a definition update and waits for what it comes to."""

    def __call__(self, asker: Asker, facts: Facts, wait: reboot.Waiter) -> documents.Update:
        """``{result: updated|up_to_date|failed|unknown, code, line, cause, reason}``."""

    def obstacle(self, asker: Asker, facts: Facts) -> str | None:
        """A sentence why this endpoint cannot be asked for an update, or None."""


def _any_number(_give_up: t.Callable[[], bool]) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext()


@dataclass
class CureContext:
    """What the controller brings: where things are written, how many failures are allowed, how to look."""

    host: str
    run_id: str
    token: str
    journal: Journal
    store: BeforeImageStore
    budget: FailureBudget
    look: Look
    update: Update
    may_start: t.Callable[[], str | None] = lambda: None
    """A sentence why no endpoint may be started now (maintenance window), or None."""
    reboot_slot: t.Callable[[t.Callable[[], bool]], contextlib.AbstractContextManager[None]] = _any_number
    """Held while the endpoint restarts; limits how many do so at once. Waiting for it uses up no deadline, and is given
    up (NoRebootSlot) once the function that it is given says so."""
    download_slot: t.Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext
    """Held while the connector downloads its definitions; limits how many of a site do so at once. Waiting for it uses
    up no deadline."""
    gpo_value: t.Callable[[Step, Facts], GpoState | None] = lambda _step, _facts: None
    """What the domain GPO of a step holds (given the step and the facts), where this run changed it; else None."""
    gpo_changed: t.Callable[[], bool] = lambda: False
    """Whether this run changed a domain GPO because of this endpoint, among others."""
    stranger: t.Callable[[Facts], str | None] = lambda _facts: None
    """A sentence where the facts are those of another machine than answered under this name before, or None."""
    file: t.Callable[[Outcome], None] = lambda _outcome: None
    """Files the outcome; called before the journal says that the endpoint has come to its end."""
    wave: int | None = None
    other_way: reboot.OtherWay | None = None
    """How to restart in place of the native way."""


@dataclass
class Outcome:
    """What became of one endpoint; ``event`` is an end of the journal, or ``planned`` in check mode."""

    host: str
    event: Event
    detail: str | None = None
    changed: bool = False
    plan: Plan | None = None
    before: Looked | None = None
    """The first look."""
    after: Looked | None = None
    """The last look, where there was one."""
    before_image: str | None = None
    before_image_on_endpoint: bool | None = None
    """Whether the endpoint took its own copy, where there was an image."""
    undone: list[documents.Undone] | None = None
    update: documents.Update | None = None
    restart: documents.Restart | None = None
    """A restart that was seen."""
    elsewhere: bool = False
    """Another process cured the endpoint, and filed what became of it."""
    unrecorded: bool = False
    """The end could not be written down on the controller."""
