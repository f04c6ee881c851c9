# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own exceptions."""

from __future__ import annotations


class FleetError(Exception):
    """A fleet file says something that the lab cannot serve; the message is one sentence for its author."""
