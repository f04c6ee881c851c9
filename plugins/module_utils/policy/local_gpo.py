# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The local group policy of an endpoint or image, as the facts section ``policy_origin.local_gpo``."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents import facts as d
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import registry_pol

MACHINE_POL = r"C:\Windows\System32\GroupPolicy\Machine\Registry.pol"
"""Where Windows keeps the computer half. A 32-bit process is redirected and must not be used to read it."""
GPT_INI = r"C:\Windows\System32\GroupPolicy\gpt.ini"
SSL_KEY = r"SOFTWARE\Policies\Microsoft\Cryptography\Configuration\SSL\00010002"
"""Key of the policies *SSL Cipher Suite Order* and *ECC Curve Order*, as a policy file spells it (no hive)."""
SSL_VALUES = ("Functions", "EccCurves")
_HIVE = "HKEY_LOCAL_MACHINE\\"
KNOWN_VALUES: t.Final[tuple[tuple[str, str], ...]] = tuple(
    (key.removeprefix(_HIVE), value)
    for key, value in (
        *((f.POLICY_KEY, value) for value in SSL_VALUES),
        *((f.LOCAL_KEY, value) for value in SSL_VALUES),
        (f.FIPS_KEY, f.FIPS_VALUE),
        *((f.schannel_path(key), value) for key in f.SCHANNEL_KEYS for value in f.SCHANNEL_VALUES),
    )
)
"""Key (no hive) and name of everything that a policy file can set or remove and that decides what is offered."""


def local_gpo_section(data: bytes, path: str = MACHINE_POL, modified: str | None = None) -> d.LocalGpo:
    """Reads the bytes of a Registry.pol.

    ``modified`` is the file's last write time (UTC, ISO 8601 with ``Z``) or ``None``. ``entries`` holds, in the order
    of the file, what sets or removes a value that the verdict goes by; ``entry_count`` counts the whole file. A
    damaged file gives status ``error``, never an exception.
    """
    try:
        pol = registry_pol.parse(data)
    except registry_pol.PolError as error:
        return _section("error", f"{path} cannot be read as a policy file: {error}.", path, modified, len(data), [], 0)
    entries: list[d.PolEntry] = []
    for entry in pol.entries:
        if _concerns_the_verdict(entry):
            kind, plain = registry_pol.plain(entry)
            key, value = _printable(entry.key), _printable(entry.value)
            entries.append({"key": key, "value": value, "type": kind, "data": plain})
    return _section("ok", None, path, modified, len(data), entries, len(pol.entries))


def unread_local_gpo(status: d.Status, reason: str, path: str = MACHINE_POL) -> d.LocalGpo:
    """The section where there was nothing to read; ``status`` is ``absent``, ``denied``, ``error`` or ``not_read``."""
    return _section(status, reason, path, None, None, [], 0)


def entry_for(section: t.Mapping[str, t.Any], value: str) -> tuple[str, dict[str, t.Any] | None]:
    """What a section's entries do to one of the two SSL values: (``set`` | ``deleted`` | ``none``, the entry)."""
    action, found = "none", None
    for row, entry in _entries(section):
        if entry.key.lower() == SSL_KEY.lower() and entry.value.lower() == value.lower():
            action, found = "set", row
        elif registry_pol.removes(entry, SSL_KEY, value):
            action, found = "deleted", row
    return action, found


def as_pol(section: t.Mapping[str, t.Any]) -> registry_pol.RegistryPol:
    """The entries of a section as a policy file again."""
    return registry_pol.RegistryPol(tuple(entry for _row, entry in _entries(section)))


def _entries(section: t.Mapping[str, t.Any]) -> t.Iterator[tuple[dict[str, t.Any], registry_pol.Entry]]:
    rows = section.get("entries")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict):
            key, value = str(row.get("key") or ""), str(row.get("value") or "")
            kind, data = registry_pol.from_plain(row.get("type"), row.get("data"))
            yield row, registry_pol.Entry(key, value, kind, data)


def _concerns_the_verdict(entry: registry_pol.Entry) -> bool:
    if entry.raw is not None:
        return False
    return any(
        (entry.key.lower() == key.lower() and entry.value.lower() == value.lower())
        or registry_pol.removes(entry, key, value)
        for key, value in KNOWN_VALUES
    )


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
