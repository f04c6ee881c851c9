# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The error of everything that asks or reads the console."""

from __future__ import annotations


class ConsoleError(Exception):
    """The console could not be asked, or its answer not be used. The text is one sentence without any secret."""
