# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON Schemas in docs/schemas against what the code emits."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.answers import reasons
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts_document
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict import evaluate as verdict
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImageStore
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation import journal
from ansible_collections.fleetops.tetra.tests.schemas import NAMES, SCHEMAS, complaints, load


@pytest.mark.parametrize("name", NAMES)
def test_schemas_are_schemas(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(load(name))


def test_the_documents_of_the_guide_have_schemas_and_the_schemas_are_in_the_guide() -> None:
    guide = (SCHEMAS.parent / "documents.md").read_text(encoding="utf-8")
    named = {
        load(name)["properties"]["schema"]["const"].removeprefix("fleetops.tetra/")
        for name in NAMES
        if "schema" in load(name).get("properties", {})
    }
    in_guide = set(re.findall(r"`(?:fleetops\.tetra/)?([a-z-]+/[0-9])`", guide))
    assert named == in_guide
    for name in set(NAMES) - {name.replace("/", "-") for name in named}:
        assert f"`{name}.json`" in guide


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
    document["cipher_suites"].update(status="absent", reason="Nothing is shown yet.")
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


def test_the_schema_of_the_journal_knows_every_event(tmp_path: Path) -> None:
    assert set(load("journal-1")["properties"]["event"]["enum"]) == set(journal.EVENTS)
    guide = (SCHEMAS.parent / "documents.md").read_text(encoding="utf-8").split("### journal entry", 1)[1]
    written = journal.Journal(tmp_path, "token")
    for number, event in enumerate(journal.EVENTS):
        assert f"`{event}`" in guide.split("### cure", 1)[0]
        written.append("host", event, detail="why" if number % 2 else None, wave=number or None)
    entries = written.entries("host")
    assert len(entries) == len(journal.EVENTS)
    assert [complaint for entry in entries for complaint in complaints("journal-1", entry)] == []
    ends = {*journal.GOOD_ENDS, *journal.HELD_ENDS, *journal.FAILED_ENDS}
    assert set(load("cure-1")["properties"]["event"]["enum"]) == ends


def test_before_images_of_every_kind(tmp_path: Path) -> None:
    absent, number = {"status": "absent", "type": None, "data": None}, {"status": "ok", "type": "REG_DWORD", "data": 1}
    names = {"status": "ok", "type": "REG_MULTI_SZ", "data": ["a"]}
    file = {"status": "ok", "content": "UFJlZw=="}
    items: list[dict[str, Any]] = [
        {"kind": "registry_value", "path": "K", "name": "Enabled", "before": absent, "after": number},
        {"kind": "registry_value", "path": "K", "name": "Functions", "before": names, "after": names,
         "by": "enable_suite"},
        {"kind": "file", "path": "C:\\x", "before": {"status": "absent", "content": None}, "after": file},
        {"kind": "gpo_value", "path": "K", "name": "Functions", "guid": "{1}", "gpo": None, "domain": "corp.example",
         "before": {**absent, "disabled": True}, "after": {"status": "ok", "type": "REG_SZ", "data": "a,b"}},
    ]  # fmt: skip
    image = BeforeImageStore(tmp_path).keep("host", "run", "token", items)
    assert complaints("before-image-1", image.as_dict()) == []
    for number_of, item in enumerate(items):
        wrong = {**image.as_dict(), "items": [{**item, "secret": "x"}]}
        assert complaints("before-image-1", wrong), number_of


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
