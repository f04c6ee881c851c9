# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The endpoint that is observed: how it is asked, what it was found to be, and what an observation may use."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass, field

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import POLICY_KEY, SUITES_VALUE
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_registry import RemoteRegistry
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Answer,
    AnswerError,
    SessionError,
    Statement,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.hello import Listener
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.raw import plain_statements

Document = dict[str, t.Any]
Seen = tuple[str | None, str | None]
"""(variant, or None; why nothing was settled, or what was seen)"""


class Endpoint(t.Protocol):
    """A way to talk to the endpoint that can begin anew."""

    def session(self) -> t.Any: ...

    def renew(self) -> t.Any: ...


@dataclass
class Keeper:
    """Passes questions on and keeps what was asked and answered, as it came over the wire where the session has it.

    A conversation that is lost is opened anew for the next question; the one that was lost raises SessionError.
    """

    endpoint: Endpoint
    kept: list[Document] = field(default_factory=list)

    def ask(self, statements: t.Sequence[Statement]) -> Answer:
        entry: Document = {"statements": plain_statements(statements)}
        self.kept.append(entry)
        session = self.endpoint.session()
        if hasattr(session, "recorded"):
            session.recorded = []
        try:
            answer: Answer = session.ask(statements)
        except AnswerError as error:
            entry.update(output=[], refusals=[], failed=True, error=str(error))
            return Answer([], [], failed=True)
        except SessionError as error:
            entry.update(output=[], refusals=[], failed=True, error=str(error))
            self.endpoint.renew()
            raise
        raw = session.recorded[-1][1] if getattr(session, "recorded", None) else answer.output
        entry.update(
            output=[item if isinstance(item, (str, int, bool, float)) or item is None else repr(item) for item in raw],
            refusals=[asdict(refusal) for refusal in answer.refusals],
            failed=answer.failed,
            error=None,
        )
        return answer

    def unkept(self, statement: Statement) -> Answer:
        """For an answer that is too long to be kept, or holds what is not for a file."""
        answer: Answer = self.endpoint.session().ask([statement])
        return answer

    def version_table(self) -> Document:
        table: Document = self.endpoint.session().version_table()
        return table

    def configuration(self) -> str | None:
        name: str | None = self.endpoint.session().configuration()
        return name


@dataclass
class Windows:
    """``listener``: where the endpoint's programs can say hello to; ``restart``: restarts the endpoint and waits for
    it, or None where it may not be; ``over_tls``: this very session needs TLS; ``left_changed``: values that could not
    be put back."""

    asker: Keeper
    build: int
    kind: str
    core: bool
    listener: Listener | None = None
    restart: t.Callable[[], None] | None = None
    over_tls: bool = False
    facts: Facts | None = None
    left_changed: list[str] = field(default_factory=list)

    def ask(self, *statements: Statement) -> Answer:
        return self.asker.ask(statements)

    def keep_hello(self, hello: Document | None) -> None:
        """Keeps a hello among the raw answers."""
        self.asker.kept.append({"hello": hello})

    def restart_now(self) -> None:
        if self.restart is not None:
            self.restart()

    def has_policy_list(self) -> bool:
        """Raises ChangeError where it cannot be said."""
        return bool(RemoteRegistry(self.asker).read(POLICY_KEY, SUITES_VALUE)["status"] != "absent")
