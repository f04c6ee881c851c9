# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of the documents are held equal to the JSON Schemas: same members, same required ones, same values."""

from __future__ import annotations

import types
import typing
from typing import Any

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.capture import document as capture
from ansible_collections.fleetops.tetra.plugins.module_utils.documents import (
    before_image,
    cure,
    domain_gpos,
    facts,
    gate,
    identity,
    journal,
    plan,
    progress,
    record,
    remediation,
    run,
    verdict,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.triage import evidence, rank
from ansible_collections.fleetops.tetra.tests.schemas import load

DOCUMENTS: dict[str, Any] = {
    "facts-1": facts.Facts,
    "verdict-1": verdict.Verdict,
    "plan-1": plan.Plan,
    "cure-1": cure.Cure,
    "before-image-1": before_image.BeforeImage,
    "domain-gpos-1": domain_gpos.DomainGpos,
    "plans-1": remediation.Plans,
    "remediation-1": remediation.Summary,
    "capture-1": capture.Capture,
    "evidence-1": evidence.Evidence,
    "diagnosis-1": rank.Diagnosis,
    "gate-1": gate.Gate,
    "identity-1": identity.BoundIdentity,
    "progress-1": progress.ProgressDocument,
    "run-1": run.Run,
    "journal-1": journal.JournalEntry,
    "result-1": record.Record,
}
_NAMES = {str: "string", int: "integer", bool: "boolean", float: "number", type(None): "null"}

Shape = Any
"""A type or a schema as plain data: a set of alternatives, each a name of a JSON type, a literal, a list of a shape, a
mapping to a shape, or an object with its members."""


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_type_says_what_the_schema_says(name: str) -> None:
    of_type, of_schema = shape_of_type(DOCUMENTS[name]), shape_of_schema(load(name), name)
    assert differences(name, of_type, of_schema) == []


def test_a_difference_is_seen() -> None:
    """The comparison itself: a member that is missing, a literal too many, another type, a requirement."""

    class Small(typing.TypedDict):
        a: typing.Literal["x", "y"]
        b: typing.NotRequired[int]
        c: list[str]

    def schema(**changes: Any) -> dict[str, Any]:
        names = {"type": "array", "items": {"type": "string"}}
        properties: dict[str, Any] = {"a": {"enum": ["x", "y"]}, "b": {"type": "integer"}, "c": names}
        return {"type": "object", "properties": properties | changes, "required": ["a", "c"]}

    def compare(document: dict[str, Any]) -> list[str]:
        return differences("small", shape_of_type(Small), shape_of_schema(document, "run-1"))

    assert compare(schema()) == []
    assert compare(schema(a={"enum": ["x"]}))
    assert compare(schema(a={"enum": ["x", "z"]}))
    assert compare(schema(b={"type": "string"}))
    assert compare(schema(b={"type": ["integer", "null"]}))
    assert compare(schema(c={"type": "array", "items": {"type": "integer"}}))
    assert compare(schema(d={"type": "string"}))
    assert compare({**schema(), "required": ["a", "b", "c"]})


def shape_of_type(found: Any) -> Shape:
    if isinstance(found, type) and typing.is_typeddict(found):
        hints = typing.get_type_hints(found, include_extras=True)
        members = {}
        for name, hint in hints.items():
            optional = typing.get_origin(hint) is typing.NotRequired
            members[name] = (not optional, shape_of_type(typing.get_args(hint)[0] if optional else hint))
        return [("object", members)]
    origin = typing.get_origin(found)
    if origin is typing.Literal:
        return [("literal", value) for value in typing.get_args(found)]
    if origin in (typing.Union, types.UnionType):
        return [shape for part in typing.get_args(found) for shape in shape_of_type(part)]
    if origin is list:
        return [("array", shape_of_type(typing.get_args(found)[0]))]
    if origin is dict:
        return [("mapping", shape_of_type(typing.get_args(found)[1]))]
    if found is Any:
        return []
    return [("type", _NAMES[found])]


def shape_of_schema(node: dict[str, Any], document: str) -> Shape:
    if "$ref" in node:
        return shape_of_schema(*_resolved(node["$ref"], document))
    for word in ("anyOf", "oneOf"):
        if word in node:
            return [shape for part in node[word] for shape in shape_of_schema(part, document)]
    if "const" in node:
        return [("literal", node["const"])]
    if "enum" in node:
        return [("type", "null") if value is None else ("literal", value) for value in node["enum"]]
    kinds = node.get("type", [])
    found: Shape = []
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind == "array":
            found.append(("array", shape_of_schema(node.get("items", {}), document)))
        elif kind == "object":
            found.append(_object(node, document))
        else:
            found.append(("type", kind))
    return found


def _object(node: dict[str, Any], document: str) -> tuple[str, Any]:
    if "properties" not in node:
        rest = node.get("additionalProperties")
        return "mapping", shape_of_schema(rest, document) if isinstance(rest, dict) else []
    members = {}
    inherited: dict[str, Any] = {}
    required = set(node.get("required", []))
    for part in node.get("allOf", []):
        base, _where = _resolved(part["$ref"], document)
        inherited |= base["properties"]
        required |= set(base.get("required", []))
    for name, child in (node["properties"] | inherited).items():
        members[name] = (name in required, shape_of_schema(child, document))
    return "object", members


def _resolved(reference: str, document: str) -> tuple[dict[str, Any], str]:
    file, _hash, pointer = reference.partition("#")
    where = file.removesuffix(".json") or document
    node: Any = load(where)
    for part in [part for part in pointer.split("/") if part]:
        node = node[part]
    return node, where


def differences(where: str, one: Shape, other: Shape) -> list[str]:
    """What the type (``one``) and the schema (``other``) say differently, each with its place."""
    found: list[str] = []
    simple_one = {item for item in one if item[0] in ("type", "literal")}
    simple_other = {item for item in other if item[0] in ("type", "literal")}
    if simple_one != simple_other:
        only = sorted(map(str, simple_one - simple_other)), sorted(map(str, simple_other - simple_one))
        found.append(f"{where}: only the type has {only[0]}, only the schema has {only[1]}")
    for kind in ("array", "mapping"):
        left = [item[1] for item in one if item[0] == kind]
        right = [item[1] for item in other if item[0] == kind]
        if len(left) != len(right):
            found.append(f"{where}: {len(left)} and {len(right)} of {kind}")
        for part, same in zip(left, right, strict=False):
            found += differences(f"{where}[]", part, same)
    left = [item[1] for item in one if item[0] == "object"]
    right = [item[1] for item in other if item[0] == "object"]
    if len(left) != len(right):
        found.append(f"{where}: {len(left)} and {len(right)} kinds of object")
    for members, same in zip(left, right, strict=False):
        if members.keys() != same.keys():
            found.append(f"{where}: only one of them has {sorted(members.keys() ^ same.keys())}")
        for name in members.keys() & same.keys():
            if members[name][0] != same[name][0]:
                found.append(f"{where}.{name}: required in one of them only")
            found += differences(f"{where}.{name}", members[name][1], same[name][1])
    return found
