# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Asks one endpoint what it does, and makes an observation file of the answers (``docs/observations.md``)."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.observations.document import SCHEMA
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import release_for
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import PSObject, SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.hello import Listener
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.probes import (
    CURRENT_VERSION,
    NOT_HERE,
    Probe,
    all_probes,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.raw import Redaction
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.windows import (
    Document,
    Endpoint,
    Keeper,
    Windows,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import going_on, provider_path, select

NOT_ALLOWED = "It changes something: allow it on a machine that nobody needs (tetra_observe_writes)."


class NotWindows(Exception):
    """The endpoint does not say which Windows it is. The message is one sentence."""


@dataclass(frozen=True)
class Allowed:
    """What an observation may do beside reading. ``writes``: change something for a moment; ``restart``: restarts the
    endpoint and waits for it; ``address``: this machine as the endpoint reaches it, for a listener of our own;
    ``over_tls``: the session itself needs TLS, so that TLS settings are left alone."""

    writes: bool = False
    restart: t.Callable[[], None] | None = None
    address: str | None = None
    over_tls: bool = False


READING = Allowed()


def observe(endpoint: Endpoint, observed_at: str, allowed: Allowed = READING, words: t.Iterable[str] = ()) -> Document:
    """The observation file of one endpoint. ``words``: what must not stand in it, beside what the endpoint itself says
    of its name and account. A conversation that is lost on the way is opened anew; what was asked then is asked once
    more. Raises NotWindows, or SessionError where the endpoint cannot be asked at all."""
    keeper = Keeper(endpoint)
    try:
        windows, about, named = _identify(keeper)
    except SessionError:
        windows, about, named = _identify(keeper)
    windows.restart, windows.over_tls = (allowed.restart if allowed.writes else None), allowed.over_tls
    windows.facts = _facts(endpoint, observed_at)
    words = [*words, *([allowed.address] if allowed.address else [])]
    with contextlib.ExitStack() as stack:
        if allowed.address is not None:
            with contextlib.suppress(OSError):
                windows.listener = stack.enter_context(Listener(allowed.address))
        rows = [_row(keeper, windows, probe, allowed.writes) for probe in all_probes(windows)]
    rows += [{"behaviour": name, "variant": None, "reason": why, "answers": []} for name, why in NOT_HERE.items()]
    table = keeper.version_table()
    hidden = {word: "NAME" for word in (*named, *words) if len(word) > 2}
    powershell = {"version": str(table.get("PSVersion") or ""), "edition": str(table.get("PSEdition") or "Desktop")}
    document: Document = Redaction(hidden)(rows)
    return {
        "schema": SCHEMA,
        "observed_at": observed_at,
        "writes": allowed.writes,
        "windows": about,
        "powershell": powershell,
        "rows": document,
        "left_changed": windows.left_changed,
    }


def _facts(endpoint: Endpoint, observed_at: str) -> Facts | None:
    """What the audit reads of it, for probes that hold the log against the settings."""
    for _try in range(2):
        try:
            return collect(endpoint.session(), "observed", observed_at)
        except SessionError:
            endpoint.renew()
    return None


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
    for last_try in (False, True):
        try:
            row["variant"], row["reason"] = probe.look(windows)
            break
        except ChangeError as error:
            row["reason"] = str(error)
            break
        except SessionError as error:
            row["reason"] = str(error)  # the keeper has begun anew: asked once more
            if last_try:
                break
    row["answers"] = keeper.kept[first:]
    return row
