# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Whose setting is the policy list of cipher suites (*SSL Cipher Suite Order*)?

The evidence is in the facts: the registry value, RSoP (what the last policy processing was asked to do), the local
``Registry.pol``, the MDM mirror. Rules, first match:

1. MDM with *MDM wins over GP* set, and an MDM value: ``mdm``.
2. RSoP's winning row (precedence 1) of a domain GPO: ``domain_gpo``; of the local GPO: ``local_gpo``.
   A winning row that deletes the value, and a value in the registry all the same: ``direct``, written by hand later.
3. The local ``Registry.pol`` sets the value: ``local_gpo``, unless local policy processing is switched off.
   Where RSoP cannot speak, this counts only if the registry holds the same value.
4. An MDM value: ``mdm``. Where RSoP cannot speak, again only if the registry holds the same list.
5. The registry has no value: ``none``.
6. The registry has a value and all of the above could be read: ``direct``.
7. Else ``unknown``.

RSoP tells what policy processing was asked to write, not that the value is still there: ``matches_registry`` keeps the
two apart. RSoP without any GPO in it counts as switched off: after a run of policy processing, at least the local GPO
is recorded.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.reasons import evidence
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import (
    Evidence,
    Gpo,
    Origin,
    PolicyOrigin,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import CURVES_VALUE, SUITES_VALUE
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import local_gpo

_RSOP = r"root\rsop\computer: RSOP_RegistryPolicySetting"
_ROW_KEYS = tuple((hive + local_gpo.SSL_KEY).lower() for hive in ("", "HKLM\\", "HKEY_LOCAL_MACHINE\\"))
_GUID = re.compile(r"\{?([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}?")
_RSOP_TYPES = {1: ("REG_SZ", "REG_SZ_OR_EXPAND_SZ"), 2: ("REG_EXPAND_SZ", "REG_SZ_OR_EXPAND_SZ"), 7: ("REG_MULTI_SZ",)}
_MAX_LOSERS = 5
"""So many GPOs that lost are named in the evidence."""
_LOCAL_NOTE = "That RSoP calls the local GPO LocalGPO is expected, not verified."
_MDM_NOTE = "How the MDM client writes the list into the registry is not documented; lists are compared name by name."


def decide_origin(facts: t.Mapping[str, t.Any], value: str = SUITES_VALUE) -> PolicyOrigin:
    """Facts in, ``verdict.policy_origin`` out: ``{origin, gpo: {name, guid} | None, matches_registry, evidence}``.

    ``value``: ``Functions``, or ``EccCurves`` for the list of curves, which another GPO may set.
    ``origin`` is ``domain_gpo``, ``local_gpo``, ``mdm``, ``direct``, ``none`` or ``unknown``. ``matches_registry`` is
    ``None`` where nobody owns the value or the two cannot be compared. Never raises; damaged facts give ``unknown``.
    """
    return _Decision(facts, value).make()


def is_ssl_row(row: t.Mapping[str, t.Any], value: str) -> bool:
    """Whether a row of RSoP sets or removes this value (``Functions``, ``EccCurves``) of the SSL policy's key."""
    if str(row.get("value_name") or "").lower() not in (value.lower(), f"**del.{value.lower()}"):
        return False
    return str(row.get("registry_key") or "").lower() in _ROW_KEYS


def gpo_of(row: t.Mapping[str, t.Any], gpos: t.Any) -> tuple[Origin, Gpo | None]:
    """Whose row of RSoP this is: (``local_gpo`` | ``domain_gpo`` | ``unknown``, its ``{name, guid}``).

    ``gpos`` are the GPOs of the same RSoP.
    """
    gpo_id = str(row.get("gpo_id") or "")
    known = next((gpo for gpo in _mappings(gpos) if str(gpo.get("id") or "").lower() == gpo_id.lower()), {})
    name = known.get("name") if isinstance(known.get("name"), str) else None
    if gpo_id.lower() == "localgpo" or str(known.get("guid") or "").lower() == "localgpo":
        return "local_gpo", {"name": name or "Local Group Policy", "guid": None}
    guid = _GUID.search(str(known.get("guid") or "")) or _GUID.search(gpo_id)
    if guid:
        return "domain_gpo", {"name": name, "guid": f"{{{guid.group(1).upper()}}}"}
    return "unknown", None


class _Decision:
    def __init__(self, facts: t.Mapping[str, t.Any], value: str) -> None:
        origin = _mapping(_mapping(facts).get("policy_origin"))
        curves = _mapping(_mapping(facts).get("curves"))
        self.value = value
        self.registry = _mapping(_mapping(facts).get("policy_order") if value == SUITES_VALUE else curves.get("policy"))
        self.rsop = _mapping(origin.get("rsop"))
        self.local = _mapping(origin.get("local_gpo"))
        self.mdm = _mapping(origin.get("mdm"))
        self.local_disabled = _mapping(origin.get("lgpo_processing_disabled"))
        self.evidence: list[Evidence] = []

    def make(self) -> PolicyOrigin:
        self._tell_registry()
        rsop_speaks = self._rsop_speaks()
        rows = self._rows() if rsop_speaks else []
        local_action, local_entry = self._local()
        mdm_value = self._mdm_value()

        if mdm_value is not None and self._mdm_wins():
            self._tell_mdm(mdm_value, "MDM wins over group policy on this endpoint.")
            return self._answer("mdm", None, self._mdm_matches(mdm_value))
        if rows:
            return self._by_rows(rows, mdm_value)
        if local_action != "none" and local_entry is not None:
            matches = self._matches(local_action == "deleted", local_entry.get("type"), local_entry.get("data"))
            if rsop_speaks or (matches is True and local_action == "set") or not self._present():
                self._tell_local(local_action, local_entry)
                self._tell_same_value(rsop_speaks)
                if local_action == "deleted" and self._present():
                    return self._answer("direct", None, False)
                return self._answer("local_gpo", {"name": "Local Group Policy", "guid": None}, matches)
            self._tell_local(local_action, local_entry)
            return self._answer("unknown", None, None)
        if mdm_value is not None:
            matches = self._mdm_matches(mdm_value)
            self._tell_mdm(mdm_value, None)
            self._tell_same_value(rsop_speaks)
            if rsop_speaks or matches or not self._present():
                return self._answer("mdm", None, matches)
            return self._answer("unknown", None, None)
        if self.registry.get("status") == "absent":
            return self._answer("none", None, None)
        if self._present() and rsop_speaks and self._was_read(self.local) and self._mdm_was_read():
            self._tell("registry", self.registry.get("path"), None, "No GPO and no MDM policy sets this value.")
            return self._answer("direct", None, None)
        self._tell_unread()
        return self._answer("unknown", None, None)

    # RSoP ----------------------------------------------------------------------------------------------------------

    def _rsop_speaks(self) -> bool:
        if self.rsop.get("status") != "ok":
            return False
        return bool(_mappings(self.rsop.get("rows")) or _mappings(self.rsop.get("gpos")))

    def _rows(self) -> list[t.Mapping[str, t.Any]]:
        return [row for row in _mappings(self.rsop.get("rows")) if is_ssl_row(row, self.value)]

    def _by_rows(self, rows: list[t.Mapping[str, t.Any]], mdm_value: t.Mapping[str, t.Any] | None) -> PolicyOrigin:
        winners = [row for row in rows if row.get("precedence") == 1]
        if len({str(row.get("gpo_id")).lower() for row in winners}) != 1:
            note = f"RSoP has {len(rows)} rows for the value and no single winner (precedence 1) among them."
            self._tell("rsop", _RSOP, None, note)
            return self._answer("unknown", None, None)
        answer = self._by_row(winners[0], mdm_value)
        for row in [row for row in rows if row.get("precedence") != 1][:_MAX_LOSERS]:
            gpo = gpo_of(row, self.rsop.get("gpos"))[1]
            name = gpo["name"] if gpo and gpo["name"] else row.get("gpo_id")
            note = f"{name} sets it as well and lost (precedence {row.get('precedence')})."
            self._tell("rsop", _RSOP, _short(row.get("value")), note)
        return answer

    def _by_row(self, row: t.Mapping[str, t.Any], mdm_value: t.Mapping[str, t.Any] | None) -> PolicyOrigin:
        deleted = row.get("deleted") is True or str(row.get("value_name") or "").lower().startswith("**del.")
        kind, gpo = gpo_of(row, self.rsop.get("gpos"))
        matches = self._matches(deleted, None, row.get("value"), row.get("value_type"))
        name = gpo["name"] if gpo and gpo["name"] else row.get("gpo_id")
        self._tell(
            "rsop",
            _RSOP,
            None if deleted else _short(row.get("value")),
            f"{name} {'disables the policy' if deleted else 'sets the value'} (precedence {row.get('precedence')}).",
        )
        if kind == "local_gpo":
            self._tell("rsop", _RSOP, str(row.get("gpo_id")), _LOCAL_NOTE)
        if kind == "unknown":
            self._tell("rsop", _RSOP, _short(row.get("gpo_id")), "RSoP does not say which GPO this id belongs to.")
            return self._answer("unknown", None, matches)
        if mdm_value is not None:
            self._tell_mdm(mdm_value, "An MDM policy sets it too, but is not set to win over group policy.")
        if deleted and self._present():
            self._tell(
                "registry",
                self.registry.get("path"),
                None,
                "The policy is Disabled, yet the value is there: it was written by hand afterwards.",
            )
            return self._answer("direct", gpo, False)
        if matches is False:
            self._tell(
                "registry",
                self.registry.get("path"),
                None,
                "The registry differs from what RSoP recorded; a forced policy refresh puts the GPO's value back.",
            )
        return self._answer(kind, gpo, matches)

    # The local GPO -------------------------------------------------------------------------------------------------

    def _local(self) -> tuple[str, t.Mapping[str, t.Any] | None]:
        if self.local.get("status") != "ok":
            return "none", None
        action, entry = local_gpo.entry_for(self.local, self.value)
        if action != "none" and self.local_disabled.get("status") == "ok" and self.local_disabled.get("data") == 1:
            self._tell(
                "registry",
                self.local_disabled.get("path"),
                "1",
                "Local policy processing is switched off, so the local Registry.pol does not count.",
            )
            return "none", None
        return action, entry

    def _tell_local(self, action: str, entry: t.Mapping[str, t.Any]) -> None:
        note = "disables the policy" if action == "deleted" else "sets the value"
        self._tell("registry_pol", self.local.get("path"), _short(entry.get("data")), f"The local GPO {note}.")
        if action == "set" and not self._present():
            self._tell("registry", self.registry.get("path"), None, "The local GPO's value is not in the registry.")

    # MDM -----------------------------------------------------------------------------------------------------------

    def _mdm_value(self) -> t.Mapping[str, t.Any] | None:
        if self.mdm.get("status") != "ok":
            return None
        for value in _mappings(self.mdm.get("values")):
            if value.get("status") == "ok" and str(value.get("name") or "").lower() in _MDM_NAMES[self.value]:
                return value
        return None

    def _mdm_was_read(self) -> bool:
        values = _mappings(self.mdm.get("values"))
        return self._was_read(self.mdm) and all(self._was_read(value) for value in values)

    def _mdm_wins(self) -> bool:
        wins = _mapping(self.mdm.get("mdm_wins_over_gp"))
        return wins.get("status") == "ok" and wins.get("data") == 1

    def _mdm_matches(self, value: t.Mapping[str, t.Any]) -> bool | None:
        """True where both hold the same names in the same order. Never False: the written form is not documented."""
        if not self._present():
            return None
        return True if _names(value.get("data")) == _names(self.registry.get("data")) else None

    def _tell_mdm(self, value: t.Mapping[str, t.Any], note: str | None) -> None:
        self._tell("mdm", value.get("path"), _short(value.get("data")), f"{note} {_MDM_NOTE}" if note else _MDM_NOTE)

    # The registry, and telling -------------------------------------------------------------------------------------

    def _present(self) -> bool:
        return self.registry.get("status") == "ok"

    def _matches(self, deleted: bool, kind: t.Any, data: t.Any, number: t.Any = None) -> bool | None:
        status = self.registry.get("status")
        if status == "absent":
            return deleted
        if status != "ok":
            return None
        if deleted:
            return False
        types: tuple[t.Any, ...] = (kind, "REG_SZ_OR_EXPAND_SZ")
        if number is not None:
            types = _RSOP_TYPES.get(number, ()) if isinstance(number, int) else ()
        found = self.registry.get("type")
        if found == "REG_SZ_OR_EXPAND_SZ" and kind not in (None, "REG_SZ", "REG_EXPAND_SZ"):
            return False
        return found in types and data == self.registry.get("data")

    @staticmethod
    def _was_read(section: t.Mapping[str, t.Any]) -> bool:
        return section.get("status") in ("ok", "absent")

    def _tell_registry(self) -> None:
        status = self.registry.get("status")
        if status == "ok":
            self._tell("registry", self.registry.get("path"), _short(self.registry.get("data")), None)
        elif status == "absent":
            self._tell("registry", self.registry.get("path"), None, "There is no policy value.")
        else:
            self._tell(
                "registry",
                self.registry.get("path"),
                None,
                f"The policy value is not known: {self.registry.get('reason') or status or 'not read'}",
            )

    def _tell_same_value(self, rsop_speaks: bool) -> None:
        if not rsop_speaks:
            self._tell(
                "rsop", _RSOP, None, "RSoP could not be read: a domain GPO with the same value cannot be ruled out."
            )

    def _tell_unread(self) -> None:
        if not self._rsop_speaks():
            reason = self.rsop.get("reason") or "RSoP holds no GPO at all; its logging may be switched off."
            self._tell("rsop", _RSOP, None, str(reason))
        if not self._was_read(self.local):
            self._tell("registry_pol", self.local.get("path"), None, str(self.local.get("reason") or "Not read."))
        if not self._mdm_was_read():
            self._tell("mdm", None, None, str(self.mdm.get("reason") or "The MDM policies could not be read."))

    def _tell(self, source: str, path: t.Any, value: str | None, note: str | None) -> None:
        self.evidence.append(evidence(source, path if isinstance(path, str) else None, value, note))

    def _answer(self, origin: Origin, gpo: Gpo | None, matches: bool | None) -> PolicyOrigin:
        return {"origin": origin, "gpo": gpo, "matches_registry": matches, "evidence": self.evidence}


_MDM_NAMES = {
    SUITES_VALUE: ("tlsciphersuites", "sslciphersuiteorder"),
    CURVES_VALUE: ("configureellipticcurvecryptography", "sslcurveorder"),
}


def _names(data: t.Any) -> list[str]:
    parts = data if isinstance(data, list) else re.split(r"[;,]", data) if isinstance(data, str) else []
    return [str(part).strip().upper() for part in parts if str(part).strip()]


def _short(data: t.Any) -> str | None:
    """Data as text for evidence, at most 300 characters."""
    if data is None:
        return None
    text = ",".join(str(part) for part in data) if isinstance(data, list) else str(data)
    return text if len(text) <= 300 else f"{text[:297]}..."


def _mapping(value: t.Any) -> t.Mapping[str, t.Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: t.Any) -> list[t.Mapping[str, t.Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
