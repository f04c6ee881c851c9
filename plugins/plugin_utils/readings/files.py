# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Files from the answers: their bytes, their times, and why one could not be read."""

from __future__ import annotations

from ansible_collections.fleetops.tetra.plugins.module_utils.documents import facts as d
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import PSObject
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import Reply
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.system import utc


def file_bytes(reply: Reply) -> bytes | None:
    """The bytes that ``Get-Content`` gave, as one array or one by one; None where there are none."""
    if not reply.complete or reply.refusals or not reply.values:
        return None
    parts: list[bytes] = []
    for value in reply.values:
        if isinstance(value, bytes):
            parts.append(value)
        elif isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 256:
            parts.append(bytes([value]))
        elif isinstance(value, list) and all(isinstance(item, int) and 0 <= item < 256 for item in value):
            parts.append(bytes(value))
        else:
            return None
    return b"".join(parts)


def file_status(reply: Reply) -> tuple[d.Status, str | None]:
    """Status and reason of ``Get-Item`` on one file."""
    if any(isinstance(value, PSObject) for value in reply.values):
        return facts.OK, None
    return reply.why_not()


def file_modified(reply: Reply) -> str | None:
    """Last write time in UTC."""
    for obj in reply.values:
        if isinstance(obj, PSObject):
            text = obj.get("LastWriteTimeUtc")
            # A property of kind UTC is written with Z; one that lost its kind on the way still is UTC.
            return utc(text) or (utc(f"{text}Z") if isinstance(text, str) else None)
    return None
