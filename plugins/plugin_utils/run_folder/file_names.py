# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""File names for inventory names.

An inventory name may hold a slash, be called ``CON``, stand beside another that differs in case only, or be longer than
a file name may be. A simple name (lower case, digits, ``.``, ``-``, ``_``) stays as it is; every other name becomes a
readable part, ``~`` and a digest of the exact name, so that two names never share a file on any file system.
"""

from __future__ import annotations

import hashlib
import re

_SIMPLE = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,78}[a-z0-9_-])?")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")
_READABLE = 60


def encode_name(host: str) -> str:
    """The file name, without its ending, for an inventory name. The same on every system and in every run."""
    if _SIMPLE.fullmatch(host) and not _RESERVED.fullmatch(host):
        return host
    readable = re.sub(r"[^a-z0-9_-]", "_", host.lower())[:_READABLE]
    digest = hashlib.sha256(host.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{readable}~{digest}"
