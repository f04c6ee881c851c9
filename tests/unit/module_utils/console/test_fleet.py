# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of the console as computers and as a fleet: shapes, doubles, clones, names."""

from __future__ import annotations

import typing as t

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.console.computers import Computer, computer
from ansible_collections.fleetops.tetra.plugins.module_utils.console.fleet import fleet_of, gathered
from ansible_collections.fleetops.tetra.plugins.module_utils.console.names import agree, full_key, short_key

ROW: dict[str, t.Any] = {
    "connector_guid": "AAAA-1",
    "hostname": " PC1.corp.example ",
    "active": True,
    "connector_version": "7.5.3.20938",
    "operating_system": "Windows 10",
    "os_version": "10.0.19044.1466",
    "group_guid": "g-1",
    "install_date": "2022-03-01T17:46:01Z",
    "network_addresses": [{"mac": "22-88-FE-2c-89-5c", "ip": ""}],
    "policy": {"guid": "p-1", "name": "Triage"},
    "groups": [{"guid": "g-1", "name": "Triage"}],
    "last_seen": "2022-03-31T17:46:01Z",
    "faults": [],
    "av_update_definitions": {
        "status": "definitions OUTDATED",
        "detection_engine": "TETRA 64 bit",
        "updated_at": "2022-03-31T18:05:13+00:00",
    },
    "risk_score": 7,
}


def made(**change: t.Any) -> Computer:
    one = computer({**ROW, **change})
    assert one is not None
    return one


def test_a_row_in_its_shape() -> None:
    one = made()
    assert one["hostname"] == "PC1.corp.example"
    assert one["guid"] == "aaaa-1"
    assert one["windows"] is True
    assert one["macs"] == ["22:88:fe:2c:89:5c"]
    assert one["definitions"] == {
        "state": "outdated",
        "said": "definitions OUTDATED",
        "engine": "TETRA 64 bit",
        "version": None,
        "updated_at": "2022-03-31T18:05:13Z",
    }
    assert one["missing"] == []
    assert one["other"] == {"risk_score": 7}


def test_words_that_nobody_attested_are_unknown_and_kept() -> None:
    for word in ("Definitions Up To Date", "Within Policy", "정의가 최신입니다"):
        definitions = made(av_update_definitions={"status": word})["definitions"]
        assert (definitions["state"], definitions["said"]) == ("unknown", word)


def test_what_a_row_has_not_is_told() -> None:
    row = {name: value for name, value in ROW.items() if name not in ("av_update_definitions", "last_seen")}
    one = computer(row)
    assert one is not None
    assert one["definitions"]["state"] == "absent"
    assert one["missing"] == ["last_seen", "av_update_definitions"]
    assert one["last_seen"] is None
    assert made(last_seen="0001-01-01T00:00:00Z")["last_seen"] is None


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*ROW, "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
            max_leaves=8,
        ),
    )
)
def test_no_row_is_too_odd(row: dict[str, t.Any]) -> None:
    one = computer(row)
    assert (one is None) == (
        not isinstance(row.get("connector_guid"), str | int | float)
        or isinstance(row.get("connector_guid"), bool)
        or not "".join(c for c in str(row["connector_guid"]) if c.isprintable()).strip()
    )
    fleet_of(gathered([row])[0])


def test_the_computer_seen_last_stands_for_its_name() -> None:
    old = {**ROW, "connector_guid": "old", "last_seen": "2022-01-01T00:00:00Z", "active": False}
    fleet = fleet_of(gathered([old, ROW])[0])
    assert [one["guid"] for one in fleet.computers] == ["aaaa-1"]
    assert fleet.duplicates == {"pc1.corp.example": ["old"]}
    assert fleet.perhaps_two == []


def test_two_that_may_be_two_machines_are_told() -> None:
    other = {**ROW, "connector_guid": "b", "network_addresses": [{"mac": "00:00:00:00:00:01"}], "last_seen": None}
    assert fleet_of(gathered([ROW, other])[0]).perhaps_two == ["pc1.corp.example"]


def test_a_cloned_identity_is_told_and_nothing_merged() -> None:
    rows = [ROW, {**ROW, "hostname": "PC2"}, ROW]
    fleet = fleet_of(gathered(rows)[0])
    assert [one["hostname"] for one in fleet.computers] == ["PC1.corp.example", "PC2"]
    assert fleet.clones == {"aaaa-1": ["pc1.corp.example", "pc2"]}


def test_what_is_not_meant_is_left_out() -> None:
    rows = [
        {**ROW, "connector_guid": "1", "demo": True},
        {**ROW, "connector_guid": "2", "operating_system": "Ubuntu 22.04"},
        {**ROW, "connector_guid": "3", "operating_system": None},
        {**ROW, "connector_guid": "4", "hostname": "John's Laptop"},
        {**ROW, "connector_guid": None},
    ]
    found, odd = gathered(rows)
    fleet = fleet_of(found, odd)
    assert (fleet.computers, fleet.nameless, fleet.odd) == ([], ["4"], 1)


def test_names() -> None:
    assert full_key(" PC1.Corp.Example. ") == "pc1.corp.example"
    assert short_key("PC1$") == "pc1"
    assert [full_key(name) for name in ("John's Laptop", "10.0.0.7", "", None, "a" * 64, "-x")] == [None] * 6
    assert agree("pc1", "PC1.corp.example") == "same"
    assert agree("pc1.a.example", "pc1.b.example") == "different"
    assert agree("ABCDEFGHIJKLMNO", "abcdefghijklmnopq.corp.example") == "probable"
    assert agree("abcdefghijklmnx", "abcdefghijklmnopq") == "different"
    assert agree("John's", "John's") == "different"


@given(st.text(max_size=20), st.text(max_size=20))
def test_agreement_knows_no_order(one: str, other: str) -> None:
    answers = {agree(*pair) for pair in ((one, other), (other, one))}
    assert len(answers) == 1
