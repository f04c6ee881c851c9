# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""One endpoint, from its connection to its observation file on the controller."""

from __future__ import annotations

import hashlib
import json
import re
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded, deadline
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Connection, Session
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session_failures import explain
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.observe import (
    Document,
    NotWindows,
    observe,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now

_NAMES = ("inventory_hostname", "ansible_host", "ansible_user", "ansible_password", "ansible_psrp_user")


class ObserveError(Exception):
    """Nothing was observed. The message is one sentence."""


def observe_endpoint(
    connection: Connection, variables: t.Mapping[str, t.Any], folder: Path, writes: bool, seconds: float
) -> dict[str, t.Any]:
    """The result of a task: ``{file, sha256, settled, open, windows}``. Raises ObserveError."""
    words = [part for name in _NAMES for part in re.split(r"[\\@]", str(variables.get(name) or ""))]
    session = Session(connection)
    try:
        with deadline(seconds):
            session.open()
            document = observe(session, now(), writes, words)
    except (SessionError, DeadlineExceeded) as lost:
        session.abandon()
        raise ObserveError(str(explain(lost, session.place, seconds))) from lost
    except NotWindows as error:
        raise ObserveError(str(error)) from error
    try:
        path, digest = keep(folder, document)
    except OSError as error:
        raise ObserveError(f"The folder {folder} cannot be written: {error.strerror}.") from error
    settled = {row["behaviour"]: row["variant"] for row in document["rows"] if row["variant"] is not None}
    unsettled = [row["behaviour"] for row in document["rows"] if row["variant"] is None]
    about = {"windows": document["windows"], "settled": settled, "open": unsettled}
    return {"changed": False, "file": str(path), "sha256": digest, **about}


def keep(folder: Path, document: Document) -> tuple[Path, str]:
    """Writes the file under a name that says which Windows and which PowerShell; gives path and digest."""
    windows, version = document["windows"], document["powershell"]["version"]
    stamp = re.sub(r"[^0-9]", "", document["observed_at"])
    content = (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
    digest = hashlib.sha256(content).hexdigest()
    # Two machines of one release may be asked in the same second.
    name = f"{windows['kind']}-{windows['build']}-powershell-{version.split('.')[0] or 'x'}-{stamp}-{digest[:8]}.json"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    return path, digest
