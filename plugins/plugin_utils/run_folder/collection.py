# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Which version of the collection this is, by the file that its kind of installation has."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_VERSION = re.compile(r"^version:\s*[\"']?([0-9A-Za-z.+-]+)", re.MULTILINE)


@cache
def collection_version() -> str | None:
    """By MANIFEST.json of an installed collection, else galaxy.yml of a checkout; None where neither says."""
    try:
        manifest = json.loads((_ROOT / "MANIFEST.json").read_text(encoding="utf-8"))
        version = manifest["collection_info"]["version"]
        return version if isinstance(version, str) else None
    except (OSError, ValueError, KeyError, TypeError):
        pass
    try:
        found = _VERSION.search((_ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    except OSError:
        return None
    return found.group(1) if found else None
