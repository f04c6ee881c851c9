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
import socket
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.countdown import Countdown
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded, deadline
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.remote_endpoint import RemoteEndpoint
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Connection
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session_failures import explain
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.observe import (
    Allowed,
    NotWindows,
    observe,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.windows import Document
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now

_NAMES = ("inventory_hostname", "ansible_host", "ansible_user", "ansible_password", "ansible_psrp_user")


class ObserveError(Exception):
    """Nothing was observed. The message is one sentence."""


@dataclass(frozen=True)
class Wanted:
    """``listen``: ``auto``, ``none``, or the address of this machine as the endpoint reaches it."""

    folder: Path
    writes: bool
    restarts: bool
    listen: str
    seconds: float


def observe_endpoint(connection: Connection, variables: t.Mapping[str, t.Any], wanted: Wanted) -> dict[str, t.Any]:
    """The result of a task: ``{changed, file, sha256, settled, open, windows, left_changed}``. Raises ObserveError."""
    words = [part for name in _NAMES for part in re.split(r"[\\@]", str(variables.get(name) or ""))]
    endpoint = RemoteEndpoint(connection)
    try:
        with deadline(wanted.seconds):
            endpoint.session().open()
            document = observe(endpoint, now(), _allowed(connection, endpoint, wanted), words)
    except (SessionError, DeadlineExceeded) as lost:
        place = endpoint.session().place
        endpoint.renew()
        raise ObserveError(str(explain(lost, place, wanted.seconds))) from lost
    except NotWindows as error:
        raise ObserveError(str(error)) from error
    try:
        path, digest = keep(wanted.folder, document)
    except OSError as error:
        raise ObserveError(f"The folder {wanted.folder} cannot be written: {error.strerror}.") from error
    settled = {row["behaviour"]: row["variant"] for row in document["rows"] if row["variant"] is not None}
    unsettled = [row["behaviour"] for row in document["rows"] if row["variant"] is None]
    left = document["left_changed"]
    about = {"windows": document["windows"], "settled": settled, "open": unsettled, "left_changed": left}
    return {"changed": bool(left), "file": str(path), "sha256": digest, **about}


def _allowed(connection: Connection, endpoint: RemoteEndpoint, wanted: Wanted) -> Allowed:
    address: str | None = wanted.listen
    if wanted.listen == "auto":
        address = own_address(str(connection.get_option("remote_addr")))
    elif wanted.listen == "none":
        address = None

    def restart() -> None:
        before = reboot.boot_time(endpoint.session())
        reboot.restart_and_wait(endpoint, before, Countdown(wanted.seconds), r"C:\Windows")

    over_tls = connection.get_option("protocol") == "https"
    return Allowed(wanted.writes, restart if wanted.restarts else None, address, over_tls)


def own_address(remote: str) -> str | None:
    """The address from which this machine reaches another one; nothing is sent."""
    try:
        family, kind, _protocol, _name, place = socket.getaddrinfo(remote, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as tried:
            tried.connect(place)
            return str(tried.getsockname()[0])
    except OSError:
        return None


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
