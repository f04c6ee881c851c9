# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""One page of version 3: ``{data, meta: {start, size, total}}`` (developer.cisco.com, JSON envelope format)."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.console.errors import ConsoleError
from ansible_collections.fleetops.tetra.plugins.module_utils.console.pages import Row, parsed

SIZE: t.Final = 100


class PageV3(t.NamedTuple):
    """``total`` as the console says it; ``None`` where it does not."""

    rows: list[Row]
    total: int | None


def page_v3(text: str | bytes, what: str) -> PageV3:
    """The rows of a list's page. Errors: ConsoleError."""
    answer = parsed(text, what)
    rows, meta = answer.get("data"), answer.get("meta")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConsoleError(f"The console's answer for {what} has no list of rows in 'data'.")
    total = meta.get("total") if isinstance(meta, dict) else None
    return PageV3(rows, total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None)


def access_token(text: str | bytes, what: str) -> str:
    """The token of either step. Errors: ConsoleError."""
    token = parsed(text, what).get("access_token")
    if not isinstance(token, str) or not token or not token.isprintable() or not token.isascii() or " " in token:
        raise ConsoleError(f"The console's answer for {what} holds no token.")
    return token
