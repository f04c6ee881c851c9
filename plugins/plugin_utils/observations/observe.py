# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Asks one endpoint what it does, and makes an observation file of the answers (``docs/observations.md``)."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass, field

from ansible_collections.fleetops.tetra.plugins.module_utils.observations.document import SCHEMA
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import release_for
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Answer,
    AnswerError,
    Asker,
    PSObject,
    SessionError,
    Statement,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.probes import (
    CURRENT_VERSION,
    NOT_HERE,
    PROBES,
    Probe,
    Windows,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.raw import Redaction, plain_statements
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import going_on, provider_path, select

Document = dict[str, t.Any]
NOT_ALLOWED = "It changes something: allow it on a machine that nobody needs (tetra_observe_writes)."


class NotWindows(Exception):
    """The endpoint does not say which Windows it is. The message is one sentence."""


@dataclass
class Keeper:
    """Passes questions on and keeps what was asked and answered, as it came over the wire where the session has it."""

    inner: t.Any
    kept: list[Document] = field(default_factory=list)

    def ask(self, statements: t.Sequence[Statement]) -> Answer:
        entry: Document = {"statements": plain_statements(statements)}
        self.kept.append(entry)
        if hasattr(self.inner, "recorded"):
            self.inner.recorded = []
        try:
            answer: Answer = self.inner.ask(statements)
        except AnswerError as error:
            entry.update(output=[], refusals=[], failed=True, error=str(error))
            return Answer([], [], failed=True)
        raw = self.inner.recorded[-1][1] if getattr(self.inner, "recorded", None) else answer.output
        entry.update(
            output=[item if isinstance(item, (str, int, bool, float)) or item is None else repr(item) for item in raw],
            refusals=[asdict(refusal) for refusal in answer.refusals],
            failed=answer.failed,
            error=None,
        )
        return answer

    def version_table(self) -> Document:
        table: Document = self.inner.version_table()
        return table

    def configuration(self) -> str | None:
        name: str | None = self.inner.configuration()
        return name


def observe(asker: Asker, observed_at: str, writes: bool = False, words: t.Iterable[str] = ()) -> Document:
    """The observation file of one endpoint. ``words``: what must not stand in it, beside what the endpoint itself says
    of its name and account. Raises NotWindows, or SessionError where the conversation is lost."""
    keeper = Keeper(asker)
    windows, about, named = _identify(keeper)
    rows = [_row(keeper, windows, probe, writes) for probe in PROBES]
    rows += [{"behaviour": name, "variant": None, "reason": why, "answers": []} for name, why in NOT_HERE.items()]
    table = keeper.version_table()
    hidden = {word: "NAME" for word in (*named, *words) if len(word) > 2}
    powershell = {"version": str(table.get("PSVersion") or ""), "edition": str(table.get("PSEdition") or "Desktop")}
    document: Document = Redaction(hidden)(rows)
    return {
        "schema": SCHEMA,
        "observed_at": observed_at,
        "writes": writes,
        "windows": about,
        "powershell": powershell,
        "rows": document,
    }


def _identify(keeper: Keeper) -> tuple[Windows, Document, list[str]]:
    names = ("ProductName", "CurrentBuildNumber", "UBR", "EditionID", "DisplayVersion", "InstallationType")
    asked = going_on("Get-ItemProperty", LiteralPath=provider_path(CURRENT_VERSION))
    answer = keeper.ask([(asked, select("PSPath", *names))])
    obj = next((item for item in answer.output if isinstance(item, PSObject)), None)
    build = str(obj.get("CurrentBuildNumber")) if obj is not None else ""
    if obj is None or not build.isdigit():
        raise NotWindows("The endpoint does not say which Windows it is, so nothing was observed.")
    kind = "client" if str(obj.get("InstallationType") or "Client").lower() == "client" else "server"
    match = release_for(int(build), kind)
    ubr = obj.get("UBR")
    about = {
        "product": match.release.title(kind) if match is not None and match.exact else str(obj.get("ProductName")),
        "build": int(build),
        "ubr": int(ubr) if isinstance(ubr, int) and ubr > 0 else None,
        "kind": kind,
        "edition": obj.get("EditionID"),
        "display_version": obj.get("DisplayVersion"),
    }
    wanted = ["Env:COMPUTERNAME*", "Env:USERNAME*", "Env:USERDOMAIN*", "Env:USERDNSDOMAIN*"]
    environment = keeper.ask([(going_on("Get-ChildItem", Path=wanted), select("Name", "Value"))])
    named = [str(item.get("Value")) for item in environment.output if isinstance(item, PSObject)]
    core = str(keeper.version_table().get("PSVersion") or "5.1").split(".", maxsplit=1)[0] not in ("2", "3", "4", "5")
    return Windows(keeper, int(build), kind, core), about, named


def _row(keeper: Keeper, windows: Windows, probe: Probe, writes: bool) -> Document:
    row: Document = {"behaviour": probe.behaviour, "variant": None, "reason": NOT_ALLOWED, "answers": []}
    if probe.writes and not writes:
        return row
    first = len(keeper.kept)
    try:
        row["variant"], row["reason"] = probe.look(windows)
    except SessionError as error:
        row["reason"] = str(error)
        # What is lost stays lost for the other rows, too; the next question says so.
    row["answers"] = keeper.kept[first:]
    return row
