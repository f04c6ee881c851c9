# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Times of the documents: text in UTC with ``Z``."""

from __future__ import annotations

import datetime
import typing as t

FORMAT: t.Final = "%Y-%m-%dT%H:%M:%SZ"
"""How the documents write a time: UTC in whole seconds."""
_FILETIME_EPOCH: t.Final = datetime.datetime(1601, 1, 1, tzinfo=datetime.UTC)


def written(when: datetime.datetime) -> str:
    """A time as the documents write it. An aware one is brought to UTC, one without a zone is taken to be UTC."""
    return (when if when.tzinfo is None else when.astimezone(datetime.UTC)).strftime(FORMAT)


def iso_from_filetime(value: int) -> str | None:
    """A FILETIME (100 ns since 1601, UTC) as the documents write times; None for 0 and for times beyond year 9999."""
    if value <= 0:
        return None
    try:
        return written(_FILETIME_EPOCH + datetime.timedelta(microseconds=value // 10))
    except OverflowError:
        return None


def moment(text: t.Any) -> datetime.datetime | None:
    """``2026-11-24T03:43:00Z`` (fractions and offsets too) → an aware time; anything else → ``None``."""
    if not isinstance(text, str) or not 10 < len(text) < 40:
        return None
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
