# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON Schemas in docs/schemas against what the code emits."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from ansible_collections.fleetops.tetra.plugins.module_utils import facts as facts_document
from ansible_collections.fleetops.tetra.plugins.module_utils import reasons, verdict

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"
NAMES = sorted(path.stem for path in SCHEMAS.glob("*.json"))


def load(name: str) -> dict[str, Any]:
    document = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def validator(name: str) -> jsonschema.Draft202012Validator:
    resources = [(load(other)["$id"], Resource.from_contents(load(other))) for other in NAMES]
    return jsonschema.Draft202012Validator(load(name), registry=Registry().with_resources(resources))


def complaints(name: str, document: Any) -> list[str]:
    """What is wrong with a document, as ``path: sentence``. The document must survive JSON unchanged."""
    assert json.loads(json.dumps(document)) == document, "not plain JSON"
    found = validator(name).iter_errors(document)
    return [f"{'/'.join(str(part) for part in error.absolute_path)}: {error.message[:300]}" for error in found]


@pytest.mark.parametrize("name", NAMES)
def test_schemas_are_schemas(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(load(name))


def test_the_documents_of_the_guide_have_schemas() -> None:
    guide = (SCHEMAS.parent / "documents.md").read_text(encoding="utf-8")
    named = {
        load(name)["properties"]["schema"]["const"] for name in NAMES if "const" in load(name)["properties"]["schema"]
    }
    assert all(schema in guide for schema in named)
    for schema in ("facts/1", "verdict/1", "plan/1", "run/1", "result/1"):
        assert f"fleetops.tetra/{schema}" in named


def test_facts_of_which_nothing_was_read() -> None:
    document = facts_document.empty_facts("host", collected_at="2026-11-24T03:43:00Z")
    assert complaints("facts-1", document) == []


def test_ids_of_ssl_2_suites_have_three_bytes() -> None:
    """Windows 10 1507 and 1511 still hold two of them in their list."""
    document = facts_document.empty_facts("host", collected_at="2026-11-24T03:43:00Z")
    rows = [{"name": "SSL_CK_DES_192_EDE3_CBC_WITH_MD5", "id": 0x0700C0, "protocols": [2]}]
    document["cipher_suites"].update(status="ok", reason=None, suites=rows)
    assert complaints("facts-1", document) == []


def failing_endpoint() -> dict[str, Any]:
    """A Windows 10 whose policy lists none of the four suites."""
    document = facts_document.empty_facts("host", collected_at="2026-11-24T03:43:00Z")
    document["os"].update(status="ok", reason=None, product="Windows 10 Pro", build=19045, kind="client")
    document["policy_order"].update(
        status="ok", reason=None, type="REG_SZ", data="TLS_RSA_WITH_AES_128_CBC_SHA256,TLS_RSA_WITH_AES_256_CBC_SHA256"
    )
    return document


def test_verdicts() -> None:
    judged = verdict.evaluate(failing_endpoint())
    assert judged["state"] == "non_compliant"
    assert complaints("verdict-1", judged) == []
    empty = facts_document.empty_facts("host", collected_at="2026-11-24T03:43:00Z")
    for document in (verdict.evaluate(empty), verdict.unknown_verdict("host", "unreachable", "It was not reached.")):
        assert document["state"] == "unknown"
        assert complaints("verdict-1", document) == []


def test_the_schema_of_verdicts_knows_every_reason_code() -> None:
    item = load("verdict-1")["properties"]["suites"]["additionalProperties"]["properties"]["reasons"]["items"]
    assert set(reasons.REASON_CODES) == set(item["properties"]["code"]["enum"]) == guide_reasons()


def guide_reasons() -> set[str]:
    """The reason codes that docs/documents.md names."""
    guide = (SCHEMAS.parent / "documents.md").read_text(encoding="utf-8")
    paragraph = guide.split("Reason codes:", 1)[1].split("\n\n", 1)[0]
    return set(paragraph.replace("`", "").replace(",", " ").replace(".", " ").split())


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda facts: facts.pop("fips"), ""),
        (lambda facts: facts["os"].update(status="fine"), "os"),
        (lambda facts: facts["os"].update(status="ok"), "os"),  # ok carries no reason
        (lambda facts: facts["os"].update(secret="x"), "os"),
        (lambda facts: facts["policy_order"].update(type="REG_LINK"), "policy_order"),
        (lambda facts: facts["schannel"]["keys"].pop("Ciphers\\AES 128/128"), "schannel"),
    ],
)
def test_the_schema_of_facts_refuses(change: Any, where: str) -> None:
    document = copy.deepcopy(facts_document.empty_facts("host", collected_at="2026-11-24T03:43:00Z"))
    change(document)
    found = complaints("facts-1", document)
    assert found
    assert all(complaint.startswith(where) for complaint in found)
