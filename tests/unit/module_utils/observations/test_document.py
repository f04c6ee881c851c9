# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observation files: what is taken, and what is refused in one sentence."""

from __future__ import annotations

import hashlib
import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.lab.machine import behaviours
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.reasons import Findings
from ansible_collections.fleetops.tetra.plugins.module_utils.observations.document import (
    OPEN,
    SCHEMA,
    ObservationError,
    from_document,
    read_file,
    read_list,
    read_plain,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.observations.worlds import NOTE_OTHER_RELEASE, Worlds

WINDOWS = {"product": "Windows 11 24H2", "build": 26100, "ubr": 4351, "kind": "client"}


def document(windows: dict[str, t.Any] | None = None, **variants: str | None) -> dict[str, t.Any]:
    rows = [{"behaviour": name, "variant": variant} for name, variant in variants.items()]
    return {
        "schema": SCHEMA,
        "observed_at": "2026-11-24T20:00:00Z",
        "windows": {**WINDOWS, **(windows or {})},
        "rows": rows,
    }


def read(content: t.Any, name: str = "a.json") -> t.Any:
    data = json.dumps(content).encode()
    return read_file(name, data, hashlib.sha256(data).hexdigest())


def test_what_a_verdict_leaves_open_is_what_the_lab_can_switch() -> None:
    for name, variants in OPEN.items():
        assert behaviours.BY_NAME[name].variants == variants
        assert behaviours.BY_NAME[name].evidence == "inferred"


def test_rows_that_settled_nothing_are_left_out() -> None:
    found = read(document(policy_multi_sz="ignored", policy_spaces=None))
    assert found.behaviours == {"policy_multi_sz": "ignored"}
    assert read_plain(found.plain()) == found
    assert found.title() == "Windows 11 24H2 (build 26100.4351)"


@pytest.mark.parametrize("digest", [None, "", "abc", "0" * 63, 7, "g" * 64])
def test_a_file_without_a_digest_is_refused(digest: t.Any) -> None:
    with pytest.raises(ObservationError, match="has no digest in the list"):
        read_file("a.json", b"{}", digest)


def test_an_edited_file_is_refused() -> None:
    content = json.dumps(document(policy_multi_sz="ignored")).encode()
    digest = hashlib.sha256(content).hexdigest()
    assert read_file("a.json", content, digest.upper()).sha256 == digest
    with pytest.raises(ObservationError, match="is not the one that the list names"):
        read_file("a.json", content.replace(b"ignored", b"used   "), digest)


@pytest.mark.parametrize(
    "content,words",
    [
        ([], "is no observation file"),
        ({"schema": "fleetops.tetra/facts/1"}, "is no observation file"),
        ({"schema": SCHEMA}, "lacks windows or rows"),
        ({"schema": SCHEMA, "windows": {}, "rows": [1]}, "a row without a behaviour"),
        (document({"build": "26100"}), "does not say which Windows"),
        (document({"kind": "workstation"}), "does not say which Windows"),
        (document({"build": True}), "does not say which Windows"),
        (document(policy_multi_sz="perhaps"), "knows ignored and used only"),
        (document(**{"Policy Multi": "ignored"}), "that is no name"),
    ],
)
def test_what_is_no_observation_is_one_sentence(content: t.Any, words: str) -> None:
    with pytest.raises(ObservationError, match=words) as caught:
        read(content)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_a_file_that_contradicts_itself() -> None:
    content = document(policy_multi_sz="ignored")
    content["rows"].append({"behaviour": "policy_multi_sz", "variant": "used"})
    with pytest.raises(ObservationError, match="contradicts itself about policy_multi_sz"):
        read(content)


def test_two_files_that_contradict_each_other() -> None:
    one = read(document(policy_multi_sz="ignored"))
    other = read(document({"ubr": 5000}, policy_multi_sz="used"), "b.json")
    with pytest.raises(ObservationError, match=r"a\.json and b\.json contradict each other about policy_multi_sz"):
        read_list([one.plain(), other.plain()])
    elsewhere = read(document({"build": 22631}, policy_multi_sz="used"), "c.json")
    server = read(document({"kind": "server"}, policy_multi_sz="used"), "d.json")
    assert len(read_list([one.plain(), elsewhere.plain(), server.plain()])) == 3


def facts(build: int = 26100, kind: str = "client", status: str = "ok") -> dict[str, t.Any]:
    return {"os": {"status": status, "build": build, "kind": kind}}


def test_only_worlds_of_this_release_and_build_are_left_out() -> None:
    seen = [read(document(policy_multi_sz="ignored"))]
    findings = Findings()
    worlds = Worlds(seen, facts(), findings)
    assert worlds.counts("policy_multi_sz", "ignored") and not findings.notes
    assert not worlds.counts("policy_multi_sz", "used")
    assert len(findings.notes) == 1 and seen[0].sha256 in findings.notes[0] and "26100.4351" in findings.notes[0]
    assert worlds.counts("policy_empty", "fallback_local") and worlds.only("policy_empty") is None
    assert worlds.only("policy_multi_sz") == "ignored"
    for other in (facts(22631), facts(kind="server"), facts(status="denied")):
        assert Worlds(seen, other).counts("policy_multi_sz", "used")
    assert Worlds().counts("policy_multi_sz", "used")


def test_a_note_says_that_the_observations_are_about_another_release() -> None:
    findings = Findings()
    Worlds([read(document(policy_multi_sz="ignored"))], facts(22631), findings)
    assert findings.notes == [NOTE_OTHER_RELEASE]


def test_a_misspelt_world_is_a_mistake_of_the_code() -> None:
    with pytest.raises(KeyError):
        Worlds().counts("policy_multisz", "used")
    with pytest.raises(ValueError, match="no variant"):
        Worlds().counts("policy_multi_sz", "yes")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["behaviour", "variant", "build", "x"]), inner)
    ),
    max_leaves=8,
)


@given(windows=JSON, rows=JSON)
def test_nothing_but_an_observation_error_is_raised(windows: t.Any, rows: t.Any) -> None:
    try:
        from_document("a", "0" * 64, {"schema": SCHEMA, "windows": windows, "rows": rows})
    except ObservationError:
        pass
