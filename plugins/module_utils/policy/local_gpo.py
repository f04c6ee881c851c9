# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The local group policy of an endpoint or image, as the facts section ``policy_origin.local_gpo``."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents import facts as d
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import registry_pol

MACHINE_POL = r"C:\Windows\System32\GroupPolicy\Machine\Registry.pol"
"""Where Windows keeps the computer half. A 32-bit process is redirected and must not be used to read it."""
GPT_INI = r"C:\Windows\System32\GroupPolicy\gpt.ini"
SSL_KEY = r"SOFTWARE\Policies\Microsoft\Cryptography\Configuration\SSL\00010002"
"""Key of the policies *SSL Cipher Suite Order* and *ECC Curve Order*, as a policy file spells it (no hive)."""
SSL_VALUES = ("Functions", "EccCurves")


def local_gpo_section(data: bytes, path: str = MACHINE_POL, modified: str | None = None) -> d.LocalGpo:
    """Reads the bytes of a Registry.pol.

    ``modified`` is the file's last write time (UTC, ISO 8601 with ``Z``) or ``None``. ``entries`` holds, in the order
    of the file, what sets or removes one of the two SSL values; ``entry_count`` counts the whole file. A damaged file
    gives status ``error``, never an exception.
    """
    try:
        pol = registry_pol.parse(data)
    except registry_pol.PolError as error:
        return _section("error", f"{path} cannot be read as a policy file: {error}.", path, modified, len(data), [], 0)
    entries: list[d.PolEntry] = []
    for entry in pol.entries:
        if _concerns_ssl(entry):
            kind, plain = registry_pol.plain(entry)
            key, value = _printable(entry.key), _printable(entry.value)
            entries.append({"key": key, "value": value, "type": kind, "data": plain})
    return _section("ok", None, path, modified, len(data), entries, len(pol.entries))


def unread_local_gpo(status: d.Status, reason: str, path: str = MACHINE_POL) -> d.LocalGpo:
    """The section where there was nothing to read; ``status`` is ``absent``, ``denied``, ``error`` or ``not_read``."""
    return _section(status, reason, path, None, None, [], 0)


def entry_for(section: t.Mapping[str, t.Any], value: str) -> tuple[str, dict[str, t.Any] | None]:
    """What a section's entries do to one of the two SSL values: (``set`` | ``deleted`` | ``none``, the entry).

    The section holds only entries that concern the two values, so a ``**DeleteKeys`` in it removes their key.
    """
    action, found = "none", None
    removing = (f"**del.{value.lower()}", "**delvals", "**delvals.", "**deletekeys")
    entries = section.get("entries")
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict):
            continue
        name = str(entry.get("value") or "").lower()
        listed = [part.strip() for part in str(entry.get("data") or "").lower().split(";")]
        if name == value.lower():
            action, found = "set", entry
        elif name in removing or (name == "**deletevalues" and value.lower() in listed):
            action, found = "deleted", entry
    return action, found


def _concerns_ssl(entry: registry_pol.Entry) -> bool:
    if entry.raw is not None:
        return False
    for value in SSL_VALUES:
        if entry.key.lower() == SSL_KEY.lower() and entry.value.lower() == value.lower():
            return True
        if registry_pol.removes(entry, SSL_KEY, value):
            return True
    return False


def _printable(text: str) -> str:
    """Without lone surrogates, which JSON files in UTF-8 cannot hold."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _section(
    status: d.Status,
    reason: str | None,
    path: str,
    modified: str | None,
    size: int | None,
    entries: list[d.PolEntry],
    entry_count: int,
) -> d.LocalGpo:
    return {
        "status": status,
        "reason": reason,
        "path": path,
        "modified": modified,
        "size": size,
        "entries": entries,
        "entry_count": entry_count,
    }
