# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What the policy of a domain says: a GPO's ``Registry.pol``, or what one member of the domain told of its GPOs.

Both become the same thing, the entries of a policy file. From a member's facts only what its RSoP gives to a domain GPO
is taken, and that is the list of suites and the list of curves; RSoP is not asked for more.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.reading import read_facts
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import registry_pol
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.local_gpo import SSL_KEY, SSL_VALUES
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.origin import gpo_of, is_ssl_row

_WHAT = "Give a GPO's Machine\\Registry.pol, or the record or facts of a domain member as JSON."
_NO_RSOP = (
    "{name} does not tell what its domain sets, since RSoP could not be read there. Audit that member with "
    "administrator rights, or give the GPO's Registry.pol."
)


class DomainPolicyError(Exception):
    """The file says nothing about a domain's policy. The message is one sentence, and what to give instead."""


@dataclass(frozen=True)
class DomainPolicy:
    """``name``: the file, for a reader. ``gpos``: value name in lower case → name or GUID of its GPO, where known."""

    name: str
    pol: registry_pol.RegistryPol
    gpos: t.Mapping[str, str]

    def owner(self, value: str) -> str:
        """Where a value has to be changed: the GPO and the file, as far as known."""
        gpo = self.gpos.get(value.lower())
        return f"the GPO {gpo} ({self.name})" if gpo else f"the GPO of {self.name}"


def read_domain_policy_file(path: Path) -> DomainPolicy:
    """Raises DomainPolicyError."""
    try:
        if not path.is_file():
            raise DomainPolicyError(f"There is no file {path}. {_WHAT}")
        if path.stat().st_size > registry_pol.MAX_FILE_BYTES:
            raise DomainPolicyError(f"{path} is larger than a policy file or a record can sensibly be. {_WHAT}")
        data = path.read_bytes()
    except OSError as error:
        raise DomainPolicyError(f"{path} cannot be read: {error.strerror}. {_WHAT}") from None
    return read_domain_policy(data, path.name)


def read_domain_policy(data: bytes, name: str) -> DomainPolicy:
    """The bytes of a file → what it sets. Raises DomainPolicyError; ``name`` is for its sentence."""
    if not data.strip():
        raise DomainPolicyError(f"{name} is empty. {_WHAT}")
    if data.lstrip()[:1] == b"{" or data[:4] == b"\xef\xbb\xbf{":
        return _of_member(_document(data, name), name)
    try:
        return DomainPolicy(name, registry_pol.parse(data), {})
    except registry_pol.PolError as error:
        raise DomainPolicyError(f"{name} cannot be read as the policy of a domain: {error}. {_WHAT}") from None


def _document(data: bytes, name: str) -> Facts:
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise DomainPolicyError(f"{name} is no JSON document. {_WHAT}") from None
    facts = document.get("facts", document)
    if not isinstance(facts, dict) or facts.get("schema") != f.SCHEMA:
        raise DomainPolicyError(f"{name} holds no facts of an endpoint. {_WHAT}")
    return read_facts(facts)


def _of_member(facts: Facts, name: str) -> DomainPolicy:
    rsop = facts["policy_origin"]["rsop"]
    if rsop["status"] != f.OK or not (rsop["rows"] or rsop["gpos"]):
        held = (facts["policy_order"], facts["curves"]["policy"])
        if any(value["status"] != f.ABSENT for value in held):
            raise DomainPolicyError(_NO_RSOP.format(name=name))
        return DomainPolicy(name, registry_pol.RegistryPol(), {})
    entries, gpos = [], {}
    for value in SSL_VALUES:
        winners = [row for row in rsop["rows"] if is_ssl_row(row, value) and row.get("precedence") == 1]
        if not winners:
            continue
        kind, gpo = gpo_of(winners[0], rsop["gpos"])
        if kind == "unknown" or len({str(row.get("gpo_id")).lower() for row in winners}) > 1:
            raise DomainPolicyError(f"RSoP in {name} does not say which GPO sets {value}. {_WHAT}")
        if kind == "domain_gpo" and gpo is not None:
            entries.append(_entry(winners[0], value, name))
            gpos[value.lower()] = str(gpo["name"] or gpo["guid"])
    return DomainPolicy(name, registry_pol.RegistryPol(tuple(entries)), gpos)


def _entry(row: t.Mapping[str, t.Any], value: str, name: str) -> registry_pol.Entry:
    """The entry of a policy file that leads to this row of RSoP."""
    if row.get("deleted") is True or str(row.get("value_name") or "").lower().startswith("**del."):
        return registry_pol.Entry(SSL_KEY, f"**del.{value}", registry_pol.REG_SZ, registry_pol.sz(" "))
    kind, data = row.get("value_type"), row.get("value")
    if kind in (registry_pol.REG_SZ, registry_pol.REG_EXPAND_SZ) and isinstance(data, str):
        return registry_pol.Entry(SSL_KEY, value, kind, registry_pol.sz(data))
    if kind == registry_pol.REG_MULTI_SZ and isinstance(data, list) and all(isinstance(text, str) for text in data):
        return registry_pol.Entry(SSL_KEY, value, kind, registry_pol.multi_sz(data))
    raise DomainPolicyError(f"RSoP in {name} gives {value} in a form that is not understood. {_WHAT}")
