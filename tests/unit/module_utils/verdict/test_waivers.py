# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waivers: documented exceptions with an end, never silent ones."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.verdict import waivers as w

TODAY = datetime.date(2026, 11, 24)
ROW = {"rule": "TETRA-NO-SUITE", "image": "kiosk.vhdx", "reason": "Replaced in January", "expires": "2027-01-31"}


def verdict(*rules: str, state: str = "non_compliant", host: str = "kiosk.vhdx") -> dict[str, t.Any]:
    """The parts of a verdict that waivers look at."""
    findings = [{"rule": rule, "severity": "info" if rule == "TETRA-STRICT" else "high"} for rule in rules]
    return {"host": host, "state": state, "findings": findings, "notes": ["a note"], "next_step": "Do something."}


def test_a_waiver_of_every_objection_excuses_an_image_and_says_so() -> None:
    before = verdict("TETRA-NO-SUITE", "TETRA-STRICT")
    after, relevant = w.apply(before, w.parse([ROW]), TODAY)
    assert after["state"] == "not_applicable"
    assert after["waived"] == {"state": "non_compliant", "waivers": [ROW]}
    assert after["next_step"] == "Waived until 2027-01-31: Replaced in January"
    assert after["findings"] == before["findings"]
    assert after["notes"] == ["a note", "TETRA-NO-SUITE is waived until 2027-01-31: Replaced in January"]
    assert len(relevant) == 1
    assert before["state"] == "non_compliant" and "waived" not in before


def test_one_objection_without_a_waiver_keeps_the_state() -> None:
    after, _relevant = w.apply(verdict("TETRA-NO-SUITE", "TETRA-PROTOCOL-OFF"), w.parse([ROW]), TODAY)
    assert after["state"] == "non_compliant"
    assert "waived" not in after
    assert after["notes"][-1] == "Not waived: TETRA-PROTOCOL-OFF."
    both = w.parse([ROW, {**ROW, "rule": "TETRA-PROTOCOL-OFF", "expires": "2026-12-01"}])
    after, _relevant = w.apply(verdict("TETRA-NO-SUITE", "TETRA-PROTOCOL-OFF"), both, TODAY)
    assert after["state"] == "not_applicable"
    assert after["next_step"].startswith("Waived until 2026-12-01")


@pytest.mark.parametrize(("day", "state"), [("2026-11-24", "not_applicable"), ("2026-11-23", "non_compliant")])
def test_the_last_day_counts_and_an_expired_waiver_fails(day: str, state: str) -> None:
    after, relevant = w.apply(verdict("TETRA-NO-SUITE"), w.parse([{**ROW, "expires": day}]), TODAY)
    assert after["state"] == state
    assert len(relevant) == 1
    if state == "non_compliant":
        assert "expired on 2026-11-23 and does not count" in after["notes"][1]


def test_a_waiver_is_about_its_image_only() -> None:
    for image, hit in (("kiosk.*", True), ("*", True), ("kiosk", False), ("KIOSK.vhdx", False), ("other.vhdx", False)):
        after, _relevant = w.apply(verdict("TETRA-NO-SUITE"), w.parse([{**ROW, "image": image}]), TODAY)
        assert (after["state"] == "not_applicable") is hit


def test_a_good_image_and_one_that_could_not_be_read_are_not_touched() -> None:
    for found in (verdict(state="compliant"), verdict("TETRA-NOT-AUDITED", state="unknown")):
        after, relevant = w.apply(found, w.parse([ROW, {**ROW, "rule": "TETRA-SUITES-UNKNOWN"}]), TODAY)
        assert after == found
        assert relevant == []


def test_an_unknown_image_without_serious_findings_fails_by_one_rule_that_can_be_waived() -> None:
    waivers = w.parse([{**ROW, "rule": "TETRA-SUITES-UNKNOWN"}])
    after, _relevant = w.apply(verdict(state="unknown"), waivers, TODAY)
    assert after["waived"]["state"] == "unknown"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("text", "is a list of waivers"),
        ({"waivers": 3}, "is a list of waivers"),
        ({"other": []}, "is a list of waivers"),
        ([3], "Waiver 1 is no mapping"),
        ([ROW, {}], "Waiver 2 lacks expires, image, reason, rule"),
        ([{**ROW, "until": "x"}], "unknown field until"),
        ([{**ROW, "rule": "TETRA-TYPO"}], "'TETRA-TYPO', which does not exist"),
        ([{**ROW, "rule": ["x"]}], "which does not exist"),
        ([{**ROW, "rule": "TETRA-NOT-AUDITED"}], "cannot be waived"),
        ([{**ROW, "reason": " "}], "needs reason"),
        ([{**ROW, "reason": "two\nlines"}], "needs reason"),
        ([{**ROW, "image": None}], "needs image"),
        ([{**ROW, "expires": "31.01.2027"}], "needs expires as a day"),
        ([{**ROW, "expires": "2027-02-31"}], "needs expires as a day"),
        ([{**ROW, "expires": 20270131}], "needs expires as a day"),
        ([{**ROW, "expires": datetime.datetime(2027, 1, 31)}], "needs expires as a day"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(document: t.Any, words: str) -> None:
    with pytest.raises(w.WaiverError, match=words):
        w.parse(document)


def test_an_empty_file_and_yaml_dates_are_fine() -> None:
    assert w.parse(None) == w.parse([]) == w.parse({"waivers": []}) == []
    assert w.parse([{**ROW, "expires": datetime.date(2027, 1, 31)}]) == w.parse([ROW])


PLAIN = st.none() | st.booleans() | st.integers() | st.text()
JSON = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
FIELDS = {"rule": JSON, "image": JSON, "reason": JSON, "expires": JSON}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.fixed_dictionaries({}, optional=FIELDS)) | JSON)
def test_any_document_is_parsed_or_refused(document: t.Any) -> None:
    try:
        w.parse(document)
    except w.WaiverError as error:
        assert str(error).count("\n") == 0
