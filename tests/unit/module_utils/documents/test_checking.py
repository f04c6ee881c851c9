# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What passes the check of documents passes the JSON Schema, and what does not fails, at random."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.documents import record as documents
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.before_image import BeforeImage
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.checking import fault
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.cure import Cure
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.journal import JournalEntry
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.run import Run
from ansible_collections.fleetops.tetra.tests.schemas import complaints, validator

FOLDER = Path(__file__).resolve().parents[3] / "data" / "1.0.0" / "results"


def files(pattern: str) -> list[Any]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob(pattern))]


KINDS: dict[str, tuple[Any, list[Any]]] = {
    "result-1": (documents.Record, files("*/hosts/*.json") + files("*/*/hosts/*.json")),
    "run-1": (Run, files("*/run.json")),
    "cure-1": (Cure, files("*/cures/*.json")),
    "before-image-1": (BeforeImage, files("backups/*/*.json")),
    "journal-1": (
        JournalEntry,
        [json.loads(line) for path in FOLDER.glob("*/journal/*.jsonl") for line in path.read_text().splitlines()],
    ),
}  # fmt: skip
_VALUES: list[Any] = [None, True, False, 0, -1, 1.5, "", "ok", "yes", [], {}, ["a"], {"status": "ok"}, [{}]]


@pytest.mark.parametrize("name", KINDS)
def test_whole_documents_pass(name: str) -> None:
    shape, found = KINDS[name]
    assert found
    assert [fault(shape, one) for one in found] == [None] * len(found)


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_document_is_refused_where_the_schema_refuses_it(name: str, data: st.DataObject) -> None:
    shape, found = KINDS[name]
    document = copy.deepcopy(data.draw(st.sampled_from(found)))
    here = document
    while True:
        inner = [key for key, value in _items(here) if isinstance(value, (dict, list)) and value]
        if not inner or not data.draw(st.booleans()):
            break
        here = here[data.draw(st.sampled_from(inner))]
    places = [key for key, _value in _items(here)]
    where = data.draw(st.sampled_from(places))
    if isinstance(here, dict) and data.draw(st.booleans()):
        value = here.pop(where)
        if data.draw(st.booleans()):
            here[f"{where}s"] = value
    else:
        here[where] = data.draw(st.sampled_from(_VALUES))
    told, complained = fault(shape, document), complaints(name, document)
    if told is not None:
        assert complained, told
    else:
        # Patterns, ranges and the rule on reasons are the schema's alone.
        errors = [leaf for error in validator(name).iter_errors(document) for leaf in _leaves(error)]
        assert all(_of_the_schema_alone(error) for error in errors), complained


def _items(value: Any) -> list[tuple[Any, Any]]:
    return list(value.items()) if isinstance(value, dict) else list(enumerate(value))


def _leaves(error: jsonschema.ValidationError) -> list[jsonschema.ValidationError]:
    """The errors of the alternative that fits best; the error itself where there is no alternative."""
    if not error.context:
        return [error]
    by_alternative: dict[Any, list[jsonschema.ValidationError]] = {}
    for inner in error.context:
        by_alternative.setdefault(inner.schema_path[0], []).extend(_leaves(inner))
    return min(by_alternative.values(), key=lambda found: sum(not _of_the_schema_alone(one) for one in found))


def _of_the_schema_alone(error: jsonschema.ValidationError) -> bool:
    about_reason = error.absolute_path and error.absolute_path[-1] == "reason" and "else" in error.absolute_schema_path
    return bool(
        error.validator in ("pattern", "minimum", "maximum", "minLength", "minItems", "contentEncoding")
        or about_reason
        or (error.validator == "type" and "then" in error.absolute_schema_path)
    )


def test_the_phrase_names_the_member() -> None:
    whole = KINDS["result-1"][1][0]
    damaged = copy.deepcopy(whole)
    damaged["verdict"]["reachability"]["answer"] = "maybe"
    assert fault(documents.Record, damaged) == "verdict.reachability.answer is none of yes, no, unknown"
    assert fault(documents.Record, {**whole, "token": 5}) == "token is not a text"
    assert fault(documents.Record, []) == "it is not a mapping"
    assert "'more'" in str(fault(documents.Record, {**whole, "more": 1}))
