# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
r"""The registry of a Windows that is not running: its hives under the names that a running one gives them.

``HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet`` exists only while Windows runs; here it is the control set that
``Select\Default`` names, the one that the next start takes. ``Select\Current``, the one of the last start, may be
another.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents import facts as d
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.module_utils.image.hive import Hive, Key, Value
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import DamagedError

MACHINE = "HKEY_LOCAL_MACHINE\\"
CURRENT = "CurrentControlSet"


class OfflineRegistry:
    """Reads keys and values by the paths that the facts document uses."""

    def __init__(self, system: Hive, software: Hive) -> None:
        """:raises ImageError: SYSTEM does not say which control set counts, or does not have it."""
        self._hives = {"SYSTEM": system, "SOFTWARE": software}
        select = system.key("Select")
        number = _control_set(select, "Default")
        if number is None:
            raise DamagedError(r"The hive SYSTEM does not say which control set the next start takes (Select\Default).")
        self.control_set = f"ControlSet{number:03d}"
        """The control set that counts, e.g. ``ControlSet001``."""
        if system.key(self.control_set) is None:
            raise DamagedError(f"The hive SYSTEM names {self.control_set} for the next start, but does not have it.")
        last = _control_set(select, "Current")
        self.note = (
            None
            if last in (None, number)
            else f"The next start takes {self.control_set}; ControlSet{last:03d}, of the last one, is not judged."
        )
        """What a reader should know about the control sets."""

    def key(self, path: str) -> Key | None:
        """The key at a full path such as ``HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\…``."""
        hive_name, _separator, rest = path.removeprefix(MACHINE).partition("\\")
        hive = self._hives[hive_name.upper()]
        if hive_name.upper() == "SYSTEM" and rest.upper().startswith(CURRENT.upper() + "\\"):
            rest = self.control_set + rest[len(CURRENT) :]
        return hive.key(rest)

    def data(self, path: str, name: str) -> t.Any:
        """The data of a value, or None where key or value do not exist."""
        key = self.key(path)
        value = key.value(name) if key is not None else None
        return None if value is None else value.data

    def text(self, path: str, name: str) -> str | None:
        """The data of a string value; None for anything else."""
        data = self.data(path, name)
        return data if isinstance(data, str) and data else None

    def number(self, path: str, name: str) -> int | None:
        """The data of a number; None for anything else."""
        data = self.data(path, name)
        return data if isinstance(data, int) else None

    def value_fact(self, path: str, name: str) -> d.RegistryValue:
        """A value as the facts document writes it."""
        key = self.key(path)
        if key is None:
            return facts.registry_value(path, name, facts.ABSENT, "The key does not exist.")
        value = key.value(name)
        if value is None:
            return facts.registry_value(path, name, facts.ABSENT, "The value does not exist.")
        problem = _problem(value)
        if problem is not None:
            return facts.registry_value(path, name, facts.ERROR, problem, value.type_name, value.raw.hex())
        return facts.registry_value(path, name, type=value.type_name, data=value.data)

    def key_fact(self, path: str) -> d.RegistryKey:
        """A key with its values as the facts document writes it. The default value has the empty name."""
        key = self.key(path)
        if key is None:
            return facts.registry_key(path, facts.ABSENT, "The key does not exist.")
        values: dict[str, d.ValueOfKey] = {}
        for value in key.values():
            data = value.raw.hex() if _problem(value) is not None else value.data
            values[value.name] = {"type": value.type_name, "data": data}
        return facts.registry_key(path, values=values)


def _control_set(select: Key | None, name: str) -> int | None:
    value = select.value(name) if select is not None else None
    number = value.data if value is not None and value.type_name == "REG_DWORD" else None
    return number if isinstance(number, int) and 0 < number <= 999 else None


def _problem(value: Value) -> str | None:
    if value.type_name is None:
        return f"The value has the registry type {value.type}, which is not expected here."
    if value.data is None:
        return f"The value is a {value.type_name} of {len(value.raw)} bytes."
    return None
