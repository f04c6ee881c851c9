# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""One endpoint for longer than one conversation: over a restart, and over connections that break."""

from __future__ import annotations

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Connection, Session


def would_change_another(host: str, delegated_to: str) -> str:
    """Why a task that changes endpoints is refused: its before-images and records would be filed under ``host``."""
    return f"The task would change {delegated_to} in place of {host}: take delegate_to away."


class RemoteEndpoint:
    """A way to talk to an endpoint that can begin anew; one runspace at a time."""

    def __init__(self, connection: Connection) -> None:
        self._session = Session(connection)

    @property
    def pipelines(self) -> int:
        """How many were sent so far."""
        return self._session.pipelines

    def session(self) -> Session:
        return self._session

    def hand_over(self) -> None:
        """Ends the present conversation in order: another plugin uses the connection next."""
        self._session.end()

    def renew(self) -> Session:
        """The next question opens a new runspace; the old one is not closed in order, since its server may be gone."""
        self._session.abandon()
        return self._session
