# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m ansible_collections.fleetops.tetra.lab``."""

from __future__ import annotations

import sys

from ansible_collections.fleetops.tetra.lab.cli import main

if __name__ == "__main__":
    sys.exit(main())
