# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vendored library is the file that its README names."""

from __future__ import annotations

import hashlib
import re

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report import html


def test_vendored_files_have_the_recorded_checksums() -> None:
    folder = html.ASSETS / "vendor" / "tabulator"
    recorded = dict(
        re.findall(r"^ {4}([0-9a-f]{64})  (\S+)$", (folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert sorted(recorded.values()) == ["LICENSE", "tabulator.min.css", "tabulator.min.js"]
    for checksum, name in recorded.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == checksum
