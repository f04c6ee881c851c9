# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Whether a security descriptor lets a computer apply a GPO (MS-DTYP 2.4.5, 2.5.3.2; MS-GPOL 3.2.5.1.6).

A computer applies a GPO that it may read and whose extended right *Apply Group Policy* it has. Entries are looked at in
their order: the first that decides counts, so a deny before an allow wins, as Windows orders them.
"""

from __future__ import annotations

import struct
import typing as t
import uuid

APPLY_GROUP_POLICY: t.Final = uuid.UUID("edacfd8f-ffb3-11d1-b41d-00a0c968f939")
EVERYONE, AUTHENTICATED_USERS, ENTERPRISE_DOMAIN_CONTROLLERS = "S-1-1-0", "S-1-5-11", "S-1-5-9"

_ALLOW, _DENY, _ALLOW_OBJECT, _DENY_OBJECT = 0, 1, 5, 6
_INHERIT_ONLY = 0x08
_DACL_PRESENT = 0x0004
_CONTROL_ACCESS, _READ_PROPERTY = 0x100, 0x10
_GENERIC_ALL, _GENERIC_READ = 0x10000000, 0x80000000
_MOST_ENTRIES = 4096


class SecurityError(ValueError):
    """The bytes are no security descriptor that could be understood."""


class Entry(t.NamedTuple):
    """One entry of an access control list. ``of`` is the property, set or right that it is about; None for all."""

    allows: bool
    mask: int
    sid: str
    of: uuid.UUID | None = None


class Descriptor(t.NamedTuple):
    """``entries`` is None where there is no list at all: everybody may do everything."""

    owner: str | None
    entries: tuple[Entry, ...] | None
    odd: bool = False
    """Whether an entry of a kind was left out that could decide (conditional, callback)."""


def parse_descriptor(data: bytes) -> Descriptor:
    """A self-relative security descriptor. Raises SecurityError."""
    try:
        _revision, _sbz, control, owner, _group, _sacl, dacl = struct.unpack_from("<BBHIIII", data)
        who = _sid(data, owner) if owner else None
        if not control & _DACL_PRESENT or not dacl:
            return Descriptor(who, None)
        return _with_entries(data, dacl, who)
    except (struct.error, IndexError, ValueError) as error:
        raise SecurityError("it is cut short or damaged") from error


def may_apply(descriptor: Descriptor, sids: t.Collection[str]) -> bool:
    """Whether a token with these SIDs reads the GPO and applies it."""
    if descriptor.entries is None:
        return True
    return _granted(descriptor.entries, sids, _READ_PROPERTY, None) and _granted(
        descriptor.entries, sids, _CONTROL_ACCESS, APPLY_GROUP_POLICY
    )


def applies_to_nobody(descriptor: Descriptor) -> bool:
    """Whether no entry allows anybody to apply the GPO."""
    if descriptor.entries is None:
        return False
    return not any(
        entry.allows and _rights(entry.mask) & _CONTROL_ACCESS and entry.of in (None, APPLY_GROUP_POLICY)
        for entry in descriptor.entries
    )


def _granted(entries: t.Iterable[Entry], sids: t.Collection[str], right: int, of: uuid.UUID | None) -> bool:
    for entry in entries:
        about = entry.of is None or entry.of == of
        if about and entry.sid in sids and _rights(entry.mask) & right:
            return entry.allows
    return False


def _rights(mask: int) -> int:
    """Generic rights as they map for objects of a directory (MS-ADTS 5.1.3.2)."""
    if mask & _GENERIC_ALL:
        mask |= _CONTROL_ACCESS | _READ_PROPERTY
    if mask & _GENERIC_READ:
        mask |= _READ_PROPERTY
    return mask


def _with_entries(data: bytes, dacl: int, owner: str | None) -> Descriptor:
    _revision, _sbz, _size, count, _sbz2 = struct.unpack_from("<BBHHH", data, dacl)
    if count > _MOST_ENTRIES:
        raise SecurityError("it has more entries than any that exists")
    found, odd, position = [], False, dacl + 8
    for _index in range(count):
        kind, flags, size = struct.unpack_from("<BBH", data, position)
        if size < 8 or position + size > len(data):
            raise SecurityError("an entry goes beyond its end")
        if not flags & _INHERIT_ONLY:
            entry = _entry(data[position : position + size], kind)
            odd = odd or entry is None
            found += [entry] if entry else []
        position += size
    return Descriptor(owner, tuple(found), odd)


def _entry(data: bytes, kind: int) -> Entry | None:
    (mask,) = struct.unpack_from("<I", data, 4)
    if kind in (_ALLOW, _DENY):
        return Entry(kind == _ALLOW, mask, _sid(data, 8))
    if kind not in (_ALLOW_OBJECT, _DENY_OBJECT):
        return None
    (present,) = struct.unpack_from("<I", data, 8)
    position, of = 12, None
    if present & 1:
        of, position = uuid.UUID(bytes_le=data[position : position + 16]), position + 16
    position += 16 if present & 2 else 0
    return Entry(kind == _ALLOW_OBJECT, mask, _sid(data, position), of)


def _sid(data: bytes, position: int) -> str:
    return sid_of(data[position:])


def sid_of(data: bytes) -> str:
    """``S-1-5-21-…`` of the bytes of a SID; more bytes may follow. Raises SecurityError."""
    if len(data) < 8 or data[1] > 15 or len(data) < 8 + 4 * data[1]:
        raise SecurityError("a SID in it is cut short")
    authority = int.from_bytes(data[2:8], "big")
    parts = struct.unpack_from(f"<{data[1]}I", data, 8)
    return "-".join(["S", str(data[0]), str(authority), *map(str, parts)])
