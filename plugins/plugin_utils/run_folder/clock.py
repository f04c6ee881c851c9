# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The time of day as the documents write it."""

from __future__ import annotations

from datetime import UTC, datetime

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import written


def now() -> str:
    """UTC in whole seconds: ``2026-11-24T03:43:00Z``."""
    return written(datetime.now(UTC))
