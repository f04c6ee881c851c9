# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The evidence of whose setting the policy list is: RSoP, local GPO, MDM, archive. Nothing is decided here."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents import facts as d
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import local_gpo
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import PSObject
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.details import Plan
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.files import (
    file_bytes,
    file_modified,
    file_status,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import Reply
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.survey import Survey
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.system import utc

_NOTHING_SET = "No policy sets the suite or curve order here, so there is nothing to attribute."


def policy_origin(survey: Survey, plan: Plan, replies: t.Mapping[str, Reply]) -> d.PolicySources:
    rsop = _rsop(replies)
    local = _local_gpo(plan, replies)
    mdm = _mdm(survey)
    archive = _archive(plan, replies)
    lgpo = survey.registry.value(facts.LGPO_KEY, facts.LGPO_VALUE)
    status: d.Status = facts.OK
    reason: str | None = None
    for part in (rsop, local, mdm, archive, lgpo):
        if part["status"] not in (facts.OK, facts.ABSENT, facts.NOT_READ):
            status, reason = part["status"], part["reason"]
            break
    return {
        **facts.section(status, reason),
        "rsop": rsop,
        "local_gpo": local,
        "mdm": mdm,
        "archive": archive,
        "lgpo_processing_disabled": lgpo,
    }


def _rsop(replies: t.Mapping[str, Reply]) -> d.Rsop:
    rows, gpos = replies.get("rsop_rows"), replies.get("rsop_gpos")
    if rows is None or gpos is None:
        return {**facts.section(facts.NOT_READ, _NOTHING_SET), "rows": [], "gpos": []}
    for reply in (rows, gpos):
        if not reply.complete or reply.refusals:
            status, reason = reply.why_not()
            # A namespace or class that does not exist says that nothing is recorded here, not that no GPO applies.
            status = facts.UNSUPPORTED if status == facts.ABSENT else status
            return {**facts.section(status, reason), "rows": [], "gpos": []}
    objects = [obj for obj in rows.values if isinstance(obj, PSObject)]
    found: list[d.RsopGpo] = [
        {
            "id": _text(gpo.get("id")),
            "name": _text(gpo.get("name")),
            "guid": _text(gpo.get("guidName")),
            "enabled": gpo.get("enabled") if isinstance(gpo.get("enabled"), bool) else None,
        }
        for gpo in gpos.values
        if isinstance(gpo, PSObject)
    ]
    return {**facts.section(facts.OK), "rows": [_row(obj) for obj in objects], "gpos": found}


def _row(obj: PSObject) -> d.RsopRow:
    kind, precedence = _number(obj.get("valueType")), _number(obj.get("precedence"))
    return {
        "registry_key": _text(obj.get("registryKey")),
        "value_name": _text(obj.get("valueName")),
        "value_type": kind,
        "value": _row_value(kind, obj.get("value")),
        "precedence": precedence,
        "gpo_id": _text(obj.get("GPOID")),
        "som_id": _text(obj.get("SOMID")),
        "deleted": obj.get("deleted") is True,
        "created": utc(obj.get("creationTime")),
    }


def _row_value(kind: int, value: t.Any) -> str | list[str]:
    """The bytes of a row: text for REG_SZ and REG_EXPAND_SZ, texts for REG_MULTI_SZ, else hex."""
    if isinstance(value, list) and all(isinstance(item, int) and 0 <= item < 256 for item in value):
        value = bytes(value)
    if not isinstance(value, bytes):
        return ""
    if kind in (1, 2):
        return value.decode("utf-16-le", "replace").rstrip("\0")
    if kind == 7:
        return [item for item in value.decode("utf-16-le", "replace").split("\0") if item]
    return value.hex()


def _local_gpo(plan: Plan, replies: t.Mapping[str, Reply]) -> d.LocalGpo:
    path = plan.registry_pol
    if "local_gpo_bytes" not in replies:
        return local_gpo.unread_local_gpo(facts.NOT_READ, _NOTHING_SET, path)
    modified = file_modified(replies["local_gpo_file"])
    data = file_bytes(replies["local_gpo_bytes"])
    if data is not None:
        return local_gpo.local_gpo_section(data, path, modified)
    found = file_status(replies["local_gpo_file"])
    status, reason = found if found[0] != facts.OK else replies["local_gpo_bytes"].why_not()
    if found[0] == facts.OK and not replies["local_gpo_bytes"].refusals and replies["local_gpo_bytes"].complete:
        # An empty file answers nothing.
        return local_gpo.local_gpo_section(b"", path, modified)
    return local_gpo.unread_local_gpo(status, reason or "It could not be read.", path)


def _archive(plan: Plan, replies: t.Mapping[str, Reply]) -> d.Archive:
    reply = replies.get("archive")
    if reply is None:
        return {**facts.section(facts.NOT_READ, _NOTHING_SET), "path": plan.archive, "modified": None}
    status, reason = file_status(reply)
    return {**facts.section(status, reason), "path": plan.archive, "modified": file_modified(reply)}


def _mdm(survey: Survey) -> d.Mdm:
    values = [survey.registry.value(key, name) for key, name in facts.MDM_PLACES]
    wins = survey.registry.value(facts.MDM_CONFLICT_KEY, facts.MDM_CONFLICT_VALUE)
    if survey.is_redirected:
        reason = "A 32-bit session sees another part of the registry: use a 64-bit session configuration."
        return {**facts.section(facts.UNSUPPORTED, reason), "values": values, "mdm_wins_over_gp": wins}
    for part in (*values, wins):
        if part["status"] not in (facts.OK, facts.ABSENT):
            return {**facts.section(part["status"], part["reason"]), "values": values, "mdm_wins_over_gp": wins}
    return {**facts.section(facts.OK), "values": values, "mdm_wins_over_gp": wins}


def _text(value: t.Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: t.Any) -> int:
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else 0
