# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception of the report package."""

from __future__ import annotations


class ReportError(Exception):
    """The report cannot be made; the text is one sentence for the user: what, where, what to do."""
