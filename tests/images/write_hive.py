# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write keys and values into a hive with hivex. Runs under the system's Python, which has Debian's python3-hivex.

Usage: write_hive.py HIVE < keys.json; the JSON maps key paths to lists of [value name, type number, hex data].
"""

from __future__ import annotations

import json
import sys

import hivex


def main() -> None:
    hive = hivex.Hivex(sys.argv[1], write=True)
    for path, values in json.load(sys.stdin).items():
        node = hive.root()
        for part in path.split("\\"):
            child = hive.node_get_child(node, part)
            node = hive.node_add_child(node, part) if child is None else child
        records = [{"key": name, "t": kind, "value": bytes.fromhex(data)} for name, kind, data in values]
        hive.node_set_values(node, records)
    hive.commit(None)


main()
