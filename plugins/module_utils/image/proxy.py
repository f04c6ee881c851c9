# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The machine's WinHTTP proxy as it stands in the hive SOFTWARE."""

from __future__ import annotations

import re
import struct

from ansible_collections.fleetops.tetra.plugins.module_utils.documents import facts as d
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.module_utils.image.registry import OfflineRegistry

WINHTTP_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections"
WINHTTP_VALUE = "WinHttpSettings"
_FLAG_PROXY = 2
_USER_INFO = re.compile(r"(?:(?<=^)|(?<=//)|(?<=[=; ]))[^/@=; ]*@")


def winhttp_section(registry: OfflineRegistry) -> d.WinHttpProxy:
    """``proxy.winhttp``: what ``netsh winhttp show proxy`` would say."""
    fact = registry.value_fact(WINHTTP_KEY, WINHTTP_VALUE)
    if fact["status"] == facts.ABSENT:
        return {**facts.section(facts.OK), "server": None, "bypass": None}
    data = fact["data"]
    if fact["status"] == facts.OK and fact["type"] == "REG_BINARY" and isinstance(data, str):
        parsed = parse_winhttp(bytes.fromhex(data))
        if parsed is not None:
            return {**facts.section(facts.OK), "server": parsed[0], "bypass": parsed[1]}
    return {
        **facts.section(facts.ERROR, "The WinHTTP proxy setting has an unknown form."),
        "server": None,
        "bypass": None,
    }


def parse_winhttp(blob: bytes) -> tuple[str | None, str | None] | None:
    """(server, bypass list) of a ``WinHttpSettings`` value; both None for direct access; None for an unknown form.

    Layout as ``netsh winhttp set proxy`` writes it: a version, a counter, flags (1 direct, 2 proxy), then two strings
    in the system's code page, each behind its length as a 32-bit number.
    """
    if len(blob) < 12:
        return None
    (flags,) = struct.unpack_from("<I", blob, 8)
    if not flags & _FLAG_PROXY:
        return None, None
    position = 12
    texts: list[str] = []
    for _part in range(2):
        if position + 4 > len(blob):
            return None
        (length,) = struct.unpack_from("<I", blob, position)
        position += 4
        if position + length > len(blob):
            return None
        texts.append(blob[position : position + length].decode("latin-1"))
        position += length
    return _without_credentials(texts[0]) or None, texts[1] or None


def _without_credentials(proxy: str) -> str:
    """A proxy list without user names and passwords, which nobody should have put there."""
    return _USER_INFO.sub("", proxy)
