# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""How many endpoints a remediation may lose before it starts no further one.

A budget is a number of hosts (``3``, ``"3"``) or a share of the fleet (``"5%"``, of all endpoints of the job, rounded
down). It is spent when the failures are *more* than it allows: with ``0`` the first failure stops the run.
Unlike Ansible's ``max_fail_percentage`` it is kept over the whole job, not per batch, and counts unreachable, rescued,
timed-out and unproven endpoints.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


class BudgetError(ValueError):
    """The budget option cannot be understood; the message says what is allowed."""


@dataclass(frozen=True)
class FailureBudget:
    allowed: int
    """Failures that the job survives."""

    def is_spent(self, failures: int) -> bool:
        return failures > self.allowed

    def sentence(self, failures: int) -> str:
        return f"The failure budget is spent: {failures} endpoints failed and {self.allowed} were allowed."


def parse_budget(value: object, fleet_size: int) -> FailureBudget:
    """Raises BudgetError for anything but a whole number of hosts from 0 or a percentage from 0% to 100%."""
    text = str(value).strip()
    if not isinstance(value, bool):
        if re.fullmatch(r"\d{1,9}", text):
            return FailureBudget(int(text))
        percent = re.fullmatch(r"(\d{1,3})\s*%", text)
        if percent and int(percent[1]) <= 100:
            return FailureBudget(fleet_size * int(percent[1]) // 100)
    raise BudgetError(f"The failure budget '{text}' is neither a number of hosts such as 3 nor a share such as 5%.")
