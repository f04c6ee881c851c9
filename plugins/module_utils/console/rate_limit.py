# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""How many requests the console still allows, by the headers of an answer.

3,000 an hour. Recorded answers write ``x-ratelimit-*``, Cisco's prose ``X-Rate-Limit-*``; both are read. No
``Retry-After`` is documented, but one that is sent counts.
"""

from __future__ import annotations

import re
import typing as t

_SECONDS = re.compile(r"[0-9]{1,6}")


class RateLimit(t.NamedTuple):
    """``remaining`` requests until ``reset`` seconds have passed; ``None`` where the answer does not say."""

    remaining: int | None
    reset: int | None


def rate_limit(headers: t.Mapping[str, str]) -> RateLimit:
    """Reads the headers without regard to case. What is no whole number up to 999,999 is not said."""
    plain = {name.casefold().replace("-", ""): value for name, value in headers.items()}
    remaining = _number(plain.get("xratelimitremaining"))
    reset = _number(plain.get("retryafter"))
    return RateLimit(remaining, reset if reset is not None else _number(plain.get("xratelimitreset")))


def _number(text: str | None) -> int | None:
    stripped = (text or "").strip()
    return int(stripped) if _SECONDS.fullmatch(stripped) else None
