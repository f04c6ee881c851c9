# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Reading a facts document that may come from anywhere: a file of last month, a hand-made test, a damaged record.

``read_facts`` never raises: what is broken becomes a section with status ``error``, and the verdict ``unknown``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts, RegistryValue, Status
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import (
    ERROR,
    NOT_READ,
    OK,
    SCHANNEL_KEYS,
    SCHEMA,
    SECTIONS,
    SOURCES,
    STATUSES,
    empty_facts,
    empty_section,
    registry_key,
    registry_value,
    schannel_path,
)

SuiteRows = tuple[tuple[str, int, tuple[int, ...]], ...]
"""Rows of ``Get-TlsCipherSuite``: name, id, protocols."""

_Field = tuple[str, str]
"""Name and kind: ``text``, ``number``, ``flag`` (each or null), ``part`` (a nested section), ``value`` (a registry
value), ``values`` (a list of them), ``names`` (a list of strings), ``rows`` (a list of mappings), ``suites``,
``mapping``."""

_PARTS: dict[str, tuple[_Field, ...]] = {
    "os": (
        ("product", "text"), ("build", "number"), ("ubr", "number"), ("edition", "text"), ("display_version", "text"),
        ("kind", "text"), ("computer_name", "text"), ("architecture", "text"),
    ),
    "cipher_suites": (("suites", "suites"),),
    "curves": (("policy", "value"), ("local", "value"), ("cmdlet", "part")),
    "curves.cmdlet": (("names", "names"),),
    "signature_algorithms": (("policy", "value"), ("local", "value")),
    "schannel": (("keys", "keys"), ("winhttp_default_secure_protocols", "value")),
    "fips": (("enabled", "flag"), ("value", "value")),
    "policy_origin": (
        ("rsop", "part"), ("local_gpo", "part"), ("mdm", "part"), ("archive", "part"),
        ("lgpo_processing_disabled", "value"),
    ),
    "policy_origin.rsop": (("rows", "rows"), ("gpos", "rows")),
    "policy_origin.local_gpo": (
        ("path", "text"), ("modified", "text"), ("size", "number"), ("entries", "rows"), ("entry_count", "number"),
    ),
    "policy_origin.mdm": (("values", "values"), ("mdm_wins_over_gp", "value")),
    "policy_origin.archive": (("path", "text"), ("modified", "text")),
    "reboot": (("last_boot", "text"), ("pending", "mapping"), ("changed_by_us", "text"), ("mark", "value")),
    "connector": (
        ("version", "text"), ("install_dir", "text"), ("folder", "text"), ("service", "part"), ("tetra", "part"),
        ("definitions", "part"), ("last_update", "part"),
    ),
    "connector.service": (("name", "text"), ("state", "text"), ("start_mode", "text")),
    "connector.tetra": (("enabled", "flag"), ("update_server", "text")),
    "connector.definitions": (("version", "text"),),
    "connector.last_update": (("result", "text"), ("code", "number"), ("time", "text"), ("line", "text")),
    "proxy": (("winhttp", "part"), ("policy", "part")),
    "proxy.winhttp": (("server", "text"), ("bypass", "text")),
    "proxy.policy": (("server", "text"), ("port", "number"), ("type", "text")),
    "probe": (
        ("host", "text"), ("via_proxy", "text"), ("exit_code", "number"), ("outcome", "text"), ("detail", "text"),
    ),
    "psrp": (
        ("configuration_name", "text"), ("powershell_version", "text"), ("edition", "text"), ("process_bits", "number"),
        ("language_mode", "text"), ("administrator", "flag"),
    ),
}  # fmt: skip


_SOUND: set[tuple[str, bytes]] = set()
"""Sections that were found sound, by name and mark."""
_MOST_SOUND = 4096


def read_facts(document: t.Any, marks: t.Mapping[str, bytes] | None = None) -> Facts:
    """Any input → a complete facts document. Never raises, never changes the input.

    ``marks``: for sections of this document what tells their content apart, so that one is checked once.

    What is missing becomes ``not_read``, what has the wrong shape ``error``; the reason says which field is wrong. A
    document of another schema gives a document whose sections are all ``error``. Sound parts are shared with the input.
    """
    if not isinstance(document, dict):
        return _refused("", "The facts are no mapping.")
    host = document.get("host")
    host = host if isinstance(host, str) else ""
    if document.get("schema") != SCHEMA:
        return _refused(
            host, f"The schema of the facts is {_brief(document.get('schema'))}; this release reads {SCHEMA}."
        )
    source = document.get("source")
    collected = document.get("collected_at")
    facts: dict[str, t.Any] = {
        "schema": SCHEMA,
        "host": host,
        "collected_at": collected if isinstance(collected, str) else None,
        "source": source if source in SOURCES else "live",
    }
    for name in SECTIONS:
        found = document.get(name)
        if found is None:
            facts[name] = empty_section(name, NOT_READ, "The document does not hold this section.")
        elif marks is not None and (name, marks[name]) in _SOUND:
            facts[name] = found
        elif name in ("local_order", "policy_order"):
            facts[name] = found if _value_fault(found) is None else _repaired_value(found, empty_section(name))
        else:
            facts[name] = _read_section(name, found)
        if marks is not None and facts[name] is found:
            if len(_SOUND) >= _MOST_SOUND:
                _SOUND.clear()
            _SOUND.add((name, marks[name]))
    return t.cast(Facts, facts)


def _refused(host: str, sentence: str) -> Facts:
    return empty_facts(host, status=ERROR, reason=sentence)


def _read_section(name: str, found: t.Any) -> dict[str, t.Any]:
    if not isinstance(found, dict):
        return _empty_part(name, f"The section {name} is no mapping.")
    if found.get("status") not in STATUSES:
        return _empty_part(name, f"The section {name} has no known status.")
    repaired: dict[str, t.Any] | None = None
    good: t.Any
    for field, kind in _PARTS[name]:
        value = found.get(field)
        if kind == "part":
            part = f"{name}.{field}"
            good = (
                _empty_part(part, "Missing in the document.", NOT_READ) if value is None else _read_section(part, value)
            )
        elif kind == "value":
            if value is not None and _value_fault(value) is None:
                continue
            good = _repaired_value(value, _empty_part(name)[field])
        elif kind == "keys":
            good = _read_keys(value)
        elif _FITS[kind](value):
            if field in found:
                continue
            repaired = repaired if repaired is not None else dict(found)
            repaired[field] = None
            continue
        elif found["status"] == OK:
            return _empty_part(name, f"In the section {name}, {field} has the wrong type.")
        else:
            good = _empty_part(name)[field]
        if good is not value:
            repaired = repaired if repaired is not None else dict(found)
            repaired[field] = good
    return found if repaired is None else repaired


def _empty_part(name: str, reason: str = "Not asked.", status: Status = ERROR) -> dict[str, t.Any]:
    section_name, _dot, part = name.partition(".")
    whole = empty_section(section_name, status, reason)
    return t.cast(dict[str, t.Any], whole[part]) if part else whole


def _read_keys(found: t.Any) -> dict[str, t.Any]:
    if not isinstance(found, dict):
        found = {}
    repaired: dict[str, t.Any] | None = None
    for name in SCHANNEL_KEYS:
        key = found.get(name)
        fault = "Missing in the document." if key is None else _key_fault(key)
        if fault is not None:
            good = registry_key(schannel_path(name), NOT_READ if key is None else ERROR, fault)
        elif key.get("values") is None:
            good = registry_key(key["path"], key["status"], key.get("reason"))
        else:
            continue
        repaired = repaired if repaired is not None else dict(found)
        repaired[name] = good
    return found if repaired is None else repaired


def _key_fault(key: t.Any) -> str | None:
    if not isinstance(key, dict) or key.get("status") not in STATUSES or not isinstance(key.get("path"), str):
        return "The key is no registry key of the facts."
    values = key.get("values")
    if values is None and key["status"] != OK:
        return None
    if not isinstance(values, dict):
        return "The key's values are no mapping."
    for name, value in values.items():
        if (
            not isinstance(name, str)
            or not isinstance(value, dict)
            or not _data_fits(value.get("type"), value.get("data"))
        ):
            return "A value of the key has the wrong shape."
    return None


def _value_fault(value: t.Any) -> str | None:
    if not isinstance(value, dict):
        return "The value is no registry value of the facts."
    status = value.get("status")
    if status not in STATUSES:
        return "The value has no known status."
    if not isinstance(value.get("path"), str) or not isinstance(value.get("name"), str):
        return "The value does not say where it lies."
    if status == OK and not ("type" in value and "data" in value and _data_fits(value["type"], value["data"])):
        return f"The data does not fit the registry type {_brief(value.get('type'))}."
    return None


def _repaired_value(value: t.Any, empty: RegistryValue) -> RegistryValue:
    fault = "Missing in the document." if value is None else _value_fault(value)
    return registry_value(empty["path"], empty["name"], NOT_READ if value is None else ERROR, fault)


def _data_fits(kind: t.Any, data: t.Any) -> bool:
    if kind in ("REG_SZ", "REG_EXPAND_SZ", "REG_SZ_OR_EXPAND_SZ"):
        return isinstance(data, str)
    if kind == "REG_MULTI_SZ":
        return _are_texts(data)
    if kind == "REG_DWORD":
        return isinstance(data, int) and not isinstance(data, bool) and 0 <= data <= 0xFFFFFFFF
    if kind == "REG_QWORD":
        return isinstance(data, int) and not isinstance(data, bool) and 0 <= data <= 0xFFFFFFFFFFFFFFFF
    if kind == "REG_BINARY":
        return data is None or isinstance(data, str)
    if kind == "REG_NONE":
        return data is None or isinstance(data, (str, list))
    return kind is None and (isinstance(data, (str, int)) or _are_texts(data))


def _are_texts(data: t.Any) -> bool:
    return isinstance(data, list) and all(isinstance(item, str) for item in data)


def suite_rows(suites: t.Any) -> SuiteRows:
    """The cmdlet's rows as one hashable value. Raises TypeError or KeyError where they have another shape."""
    return tuple([(row["name"], row["id"], tuple(row["protocols"])) for row in suites])


def _are_suites(data: t.Any) -> bool:
    if not isinstance(data, list):
        return False
    try:
        return _are_sound_rows(suite_rows(data))
    except (TypeError, KeyError, IndexError):
        return False


_SOUND_ROWS: set[tuple[str, int, tuple[int, ...]]] = set()
"""Rows that were found sound. What is equal to one is as good: a flag, or a number with a point, in its place."""


def _are_sound_subclasses(rows: SuiteRows) -> bool:
    """The same for texts and numbers that are more than that, as Ansible's are."""
    return all(
        isinstance(name, str) and isinstance(number, int) and all(isinstance(protocol, int) for protocol in protocols)
        for name, number, protocols in rows
    )


def _are_sound_rows(rows: SuiteRows) -> bool:
    if _SOUND_ROWS.issuperset(rows):
        return True
    names, numbers, protocols = zip(*rows, strict=True)
    if not set(map(type, names)) <= {str} or not set(map(type, numbers)) <= {int, bool}:
        return _are_sound_subclasses(rows)
    if not all(number.__class__ is int for found in set(protocols) for number in found):
        return _are_sound_subclasses(rows)
    if len(_SOUND_ROWS) + len(rows) > _MOST_SOUND:
        _SOUND_ROWS.clear()
    if len(rows) <= _MOST_SOUND:
        _SOUND_ROWS.update(rows)
    return True


_FITS: dict[str, t.Callable[[t.Any], bool]] = {
    "text": lambda value: value is None or isinstance(value, str),
    "number": lambda value: value is None or (isinstance(value, int) and not isinstance(value, bool)),
    "flag": lambda value: value is None or isinstance(value, bool),
    "names": _are_texts,
    "rows": lambda value: isinstance(value, list) and all(isinstance(row, dict) for row in value),
    "values": lambda value: isinstance(value, list) and all(_value_fault(item) is None for item in value),
    "mapping": lambda value: isinstance(value, dict),
    "suites": _are_suites,
}


def _brief(value: t.Any) -> str:
    text = value if isinstance(value, str) else type(value).__name__ if value is not None else "missing"
    return "".join(char if char.isprintable() else "?" for char in text[:60])
