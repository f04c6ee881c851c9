# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""One page of version 1: ``{version, metadata: {links, results}, data}``, checked before anything is used of it.

Shapes: recorded answers of 2018-2022 that integrations publish. ``index`` is not computed with, since it differs among
recordings; the address of the next page is followed.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.console.errors import ConsoleError

Row = dict[str, t.Any]
_MOST_DETAILS = 3
_LONGEST_DETAIL = 200


class Page(t.NamedTuple):
    """``total``: how many rows all pages have together, where the console says so."""

    rows: list[Row]
    next: str | None
    total: int | None


def parsed(text: str | bytes, what: str) -> dict[str, t.Any]:
    """A JSON object. Errors: ConsoleError that names ``what`` was asked for."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ConsoleError(f"The console's answer for {what} is no JSON, or was cut short.") from None
    if not isinstance(found, dict):
        raise ConsoleError(f"The console's answer for {what} is no JSON object.")
    return found


def page(text: str | bytes, what: str) -> Page:
    """The rows of a list's page. Errors: ConsoleError."""
    answer = parsed(text, what)
    rows = answer.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConsoleError(f"The console's answer for {what} has no list of rows in 'data'.")
    metadata = answer.get("metadata")
    links = metadata.get("links") if isinstance(metadata, dict) else None
    results = metadata.get("results") if isinstance(metadata, dict) else None
    following = links.get("next") if isinstance(links, dict) else None
    total = results.get("total") if isinstance(results, dict) else None
    return Page(
        rows,
        following if isinstance(following, str) and following else None,
        total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None,
    )


def row(text: str | bytes, what: str) -> Row:
    """The single row of an answer. Errors: ConsoleError."""
    data = parsed(text, what).get("data")
    if not isinstance(data, dict):
        raise ConsoleError(f"The console's answer for {what} has no row in 'data'.")
    return data


def refusal(text: str | bytes) -> str:
    """What an error's body says (``errors[].details`` or ``description``), shortened; empty where it says nothing."""
    try:
        errors = json.loads(text)["errors"]
        said = [
            str(detail) for error in errors for detail in (error.get("details") or [error.get("description")]) if detail
        ]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return ""
    shown = ", ".join(detail[:_LONGEST_DETAIL] for detail in said[:_MOST_DETAILS])
    return "".join(letter if letter.isprintable() else " " for letter in shown)
