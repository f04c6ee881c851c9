# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What a definition update that was asked for came to, from the log before and after asking.

``sfc.exe -forceupdate`` only tells the service; its exit code means nothing that is documented. The log decides: the
first update in it that was not there before. Lines are compared whole (tick count, date, thread and all), so neither
the endpoint's clock nor a log that was rotated in between matters.
"""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.connector import log


class Finished(t.TypedDict):
    """A definition update that came to its end."""

    result: t.Literal["updated", "up_to_date", "failed"]
    code: int | None
    line: str | None
    signatures: int | None
    definitions_version: int | None


def updates_after(before: t.Iterable[str], after: t.Iterable[str]) -> list[log.Update]:
    """The finished updates that ``after`` tells of and ``before`` did not, in the log's order.

    An update counts as finished with the line that sums it up (``PerformTetraUpdate: bUpdated = …``) and its status.
    """
    seen = collections.Counter(update.line for update in log.updates(before) if update.judged)
    new = []
    for update in log.updates(after):
        if not update.judged or update.result is None:
            continue
        if seen[update.line] > 0:
            seen[update.line] -= 1
        else:
            new.append(update)
    return new


def outcome(before: t.Iterable[str], after: t.Iterable[str]) -> Finished | None:
    """The first new update as ``{result, code, line, signatures, definitions_version}``; ``None``: not finished yet.

    ``result`` is ``updated``, ``up_to_date`` or ``failed``.
    """
    found = updates_after(before, after)
    if not found:
        return None
    first = found[0]
    result = first.result
    if result is None or result == "never":
        return None
    return {
        "result": result,
        "code": first.code,
        "line": first.line,
        "signatures": first.signatures,
        "definitions_version": first.definitions_version,
    }
