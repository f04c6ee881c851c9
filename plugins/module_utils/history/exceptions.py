# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Exceptions: endpoints that somebody answers for until a day. Without owner, reason and expiry there is none."""

from __future__ import annotations

import datetime
import fnmatch
import typing as t


class ExceptionsError(Exception):
    """A file of exceptions that cannot be meant. The text is one sentence."""


class Exemption(t.NamedTuple):
    """``hosts``: a pattern with ``*`` and ``?``; ``expires``: the last day on which it counts."""

    hosts: str
    owner: str
    reason: str
    expires: datetime.date

    def covers(self, host: str, day: datetime.date) -> bool:
        """Whether it excuses the endpoint on that day."""
        return day <= self.expires and fnmatch.fnmatchcase(host.casefold(), self.hosts.casefold())


def exemptions(document: t.Any) -> list[Exemption]:
    """``{exceptions: [{hosts, owner, reason, expires}]}``. Errors: ExceptionsError, by the number of the entry."""
    entries = document.get("exceptions") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ExceptionsError("The file of exceptions holds a list named 'exceptions'; there is none.")
    return [_exemption(number, entry) for number, entry in enumerate(entries, 1)]


def soon(entries: t.Iterable[Exemption], day: datetime.date, days: int) -> list[Exemption]:
    """Those that run out within so many days, and those that have run out, earliest first."""
    return sorted((one for one in entries if (one.expires - day).days <= days), key=lambda one: one.expires)


def _exemption(number: int, entry: t.Any) -> Exemption:
    wanted = ("hosts", "owner", "reason", "expires")
    if not isinstance(entry, dict) or set(entry) != set(wanted):
        raise ExceptionsError(f"Exception {number} must have hosts, owner, reason and expires, and nothing else.")
    for name in wanted[:3]:
        if not isinstance(entry[name], str) or not entry[name].strip():
            raise ExceptionsError(f"Exception {number} has no text in {name!r}.")
    expires = entry["expires"]
    if isinstance(expires, str):
        try:
            expires = datetime.date.fromisoformat(expires)
        except ValueError:
            raise ExceptionsError(
                f"Exception {number} expires at {entry['expires']!r}; write a day as 2027-03-31."
            ) from None
    if isinstance(expires, datetime.datetime):
        expires = expires.date()
    if not isinstance(expires, datetime.date):
        raise ExceptionsError(f"Exception {number} has no day in 'expires'; write it as 2027-03-31.")
    return Exemption(entry["hosts"].strip(), entry["owner"].strip(), entry["reason"].strip(), expires)
