# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Which machine answers under an inventory name, by what it says of itself.

The computer name, the DNS domain and the machine GUID (``MachineGuid`` below ``SOFTWARE\\Microsoft\\Cryptography``).
None of them proves anything alone: clones share a GUID, re-imaging changes it, machines are renamed and change their
domain. What is not known is never a difference.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.reasons import evidence
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.rules import finding
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Finding


class Identity(t.NamedTuple):
    """Each part is None where the endpoint does not let it be read."""

    computer_name: str | None
    domain: str | None
    machine_guid: str | None

    @property
    def is_known(self) -> bool:
        return any(self)

    @property
    def machine(self) -> str | None:
        """What no two machines share; None where it is not known."""
        if self.machine_guid is None or self.computer_name is None:
            return None
        return f"{self.machine_guid} {self.computer_name}".casefold()


_WORDS = {"computer_name": "computer name", "domain": "domain", "machine_guid": "machine GUID"}
_LONGEST = 255


def identity_of(facts: t.Mapping[str, t.Any]) -> Identity:
    """The identity in a facts document, however damaged it is."""
    section = facts.get("os")
    known = section if isinstance(section, t.Mapping) else {}
    return Identity(*(_text(known.get(name)) for name in Identity._fields))


def read_identity(document: t.Mapping[str, t.Any]) -> Identity:
    """The identity that was kept."""
    return Identity(*(_text(document.get(name)) for name in Identity._fields))


def differences(kept: Identity, seen: Identity) -> list[str]:
    """In words, what is known on both sides and not the same."""
    found = []
    for name, before, after in zip(Identity._fields, kept, seen, strict=True):
        if before is not None and after is not None and before.casefold() != after.casefold():
            found.append(f"{_WORDS[name]} {after}, before {before}")
    return found


def stranger_finding(host: str, sentence: str) -> Finding:
    """The finding that another machine answers than the name says."""
    return finding("TETRA-IDENTITY", evidence("facts", "os", host, sentence))


def _text(value: t.Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST else None
