# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""How many endpoints a remediation may lose before it starts, and restarts, no further one.

A budget is a number of hosts (``3``, ``"3"``) or a share of the fleet (``"5%"``, of all endpoints of the job, rounded
down). It is spent when the failures are *more* than it allows: with ``0`` the first failure stops the run.
Unlike Ansible's ``max_fail_percentage`` it is kept over the whole job and over all its starts, not per batch. What
counts are endpoints that were lost or failed once the job had touched them; one that was never there counts apart, and
stops nothing.

A rate (``"3/10"``) stops the job where so many of the first so many endpoints that came to an end have failed.
"""

from __future__ import annotations

import collections.abc as c
import re
from dataclasses import dataclass


class BudgetError(ValueError):
    """The budget option cannot be understood; the message says what is allowed."""


@dataclass(frozen=True)
class Rate:
    """``failed`` of the first ``of`` endpoints stop the job."""

    failed: int
    of: int

    def is_reached(self, firsts: c.Sequence[bool]) -> bool:
        """``firsts``: whether each endpoint that came to an end has failed, in order."""
        return sum(firsts[: self.of]) >= self.failed

    def sentence(self, firsts: c.Sequence[bool]) -> str:
        seen = firsts[: self.of]
        return f"{sum(seen)} of the first {len(seen)} endpoints failed, and {self.failed} of {self.of} stop the run."


@dataclass(frozen=True)
class FailureBudget:
    allowed: int
    """Failures that the job survives."""
    rate: Rate | None = None

    def is_spent(self, failures: int) -> bool:
        return failures > self.allowed

    def sentence(self, failures: int) -> str:
        return f"The failure budget is spent: {failures} endpoints failed and {self.allowed} were allowed."

    def stopped(self, failures: int, firsts: c.Sequence[bool] = ()) -> str | None:
        """Why no further endpoint is started or restarted, or None."""
        if self.is_spent(failures):
            return self.sentence(failures)
        if self.rate is not None and self.rate.is_reached(firsts):
            return self.rate.sentence(firsts)
        return None


def parse_rate(value: object) -> Rate | None:
    """``"3/10"``; nothing for no rate. Raises BudgetError."""
    text = "" if value is None else str(value).strip()
    if not text:
        return None
    match = re.fullmatch(r"(\d{1,6})\s*/\s*(\d{1,6})", text)
    if match and 0 < int(match[1]) <= int(match[2]):
        return Rate(int(match[1]), int(match[2]))
    raise BudgetError(f"The failure rate '{text}' is not written as 3/10: three of the first ten endpoints.")


def parse_budget(value: object, fleet_size: int, rate: object = None) -> FailureBudget:
    """Raises BudgetError for anything but a whole number of hosts from 0 or a percentage from 0% to 100%."""
    text = str(value).strip()
    if not isinstance(value, bool):
        if re.fullmatch(r"\d{1,9}", text):
            return FailureBudget(int(text), parse_rate(rate))
        percent = re.fullmatch(r"(\d{1,3})\s*%", text)
        if percent and int(percent[1]) <= 100:
            return FailureBudget(fleet_size * int(percent[1]) // 100, parse_rate(rate))
    raise BudgetError(f"The failure budget '{text}' is neither a number of hosts such as 3 nor a share such as 5%.")
