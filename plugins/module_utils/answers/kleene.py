# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Answers that may be unknown: ``yes``, ``no``, ``unknown``, and how they combine (Kleene's logic)."""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Answer

YES: t.Final = "yes"
NO: t.Final = "no"
UNKNOWN: t.Final = "unknown"


def all_of(answers: c.Iterable[Answer]) -> Answer:
    """``no`` as soon as one is, else ``unknown`` as soon as one is, else ``yes`` (also for nothing at all)."""
    result: Answer = YES
    for answer in answers:
        if answer == NO:
            return NO
        if answer == UNKNOWN:
            result = UNKNOWN
    return result


def any_of(answers: c.Iterable[Answer]) -> Answer:
    """``yes`` as soon as one is, else ``unknown`` as soon as one is, else ``no`` (also for nothing at all)."""
    result: Answer = NO
    for answer in answers:
        if answer == YES:
            return YES
        if answer == UNKNOWN:
            result = UNKNOWN
    return result


def agree(answers: c.Iterable[Answer]) -> Answer:
    """The answer that all readings give; ``unknown`` where they differ or there is none."""
    found = set(answers)
    return found.pop() if len(found) == 1 else UNKNOWN
