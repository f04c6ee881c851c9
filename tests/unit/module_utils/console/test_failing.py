# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of failing computers, policies with their findings, and three views held against each other."""

from __future__ import annotations

import csv
import datetime
import io
import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.console.policy_xml import policy_xml
from ansible_collections.fleetops.tetra.plugins.module_utils.console import addresses as places
from ansible_collections.fleetops.tetra.plugins.module_utils.console.computers import Computer, computer
from ansible_collections.fleetops.tetra.plugins.module_utils.console.errors import ConsoleError
from ansible_collections.fleetops.tetra.plugins.module_utils.console.failing import COLUMNS, Limits, as_csv, judge
from ansible_collections.fleetops.tetra.plugins.module_utils.console.policies import settings_of
from ansible_collections.fleetops.tetra.plugins.module_utils.console.rate_limit import RateLimit, rate_limit
from ansible_collections.fleetops.tetra.plugins.module_utils.console.views import views

NOW = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.UTC)


def made(
    name: str = "PC1", seen: float = 1, age: float | None = 1, status: str | None = "x", **more: t.Any
) -> Computer:
    def ago(hours: float) -> str:
        return (NOW - datetime.timedelta(hours=hours)).isoformat()

    row: dict[str, t.Any] = {"connector_guid": f"guid-{name}", "hostname": name, "last_seen": ago(seen), **more}
    if status is not None:
        row["av_update_definitions"] = {"status": status, "updated_at": None if age is None else ago(age)}
    one = computer({"operating_system": "Windows 11", **row})
    assert one is not None
    return one


@pytest.mark.parametrize(
    ("one", "standing", "why"),
    [
        (made(age=3), "fresh", "The definitions are 3 hours old."),
        (made(age=30), "failing", "The definitions are 30 hours old, more than 24."),
        (made(age=3, status="Definitions Outdated"), "failing", "The console says 'Definitions Outdated'."),
        (made(age=None, status="Definitions Up To Date"), "unknown", "The console does not say when"),
        (made(status=None), "unknown", "The console shows no definitions"),
        (made(seen=24 * 8, status="Definitions Outdated"), "stale_connector", "has not called for 8 days"),
        (made(last_seen=None), "stale_connector", "has never called"),
    ],
)
def test_where_a_computer_stands(one: Computer, standing: str, why: str) -> None:
    judged = judge(one, NOW)
    assert judged["standing"] == standing
    assert why in judged["why"]


def test_the_limits_are_the_users() -> None:
    assert judge(made(age=30), NOW, Limits(age=48))["standing"] == "fresh"
    assert judge(made(seen=24 * 8), NOW, Limits(silence=10))["standing"] == "fresh"


def test_the_table_holds_no_formula_and_no_hidden_mark() -> None:
    odd = made(policy={"name": "=cmd|' /C calc'!A1"}, groups=[{"name": "a\u202eb"}, {"guid": "g2"}])
    rows = list(csv.DictReader(io.StringIO(as_csv([judge(odd, NOW)]))))
    assert list(rows[0]) == list(COLUMNS)
    assert rows[0]["policy"] == "'=cmd|' /C calc'!A1"
    assert "\u202e" not in rows[0]["groups"]
    assert rows[0]["groups"].endswith(" | g2")


def findings(**policy: t.Any) -> dict[str, tuple[str, str]]:
    settings = settings_of({"guid": "p", "name": "Protect", "serial_number": 42}, policy_xml(**policy))
    assert settings["status"] == "ok"
    return {finding["setting"]: (finding["level"], finding["sentence"]) for finding in settings["findings"]}


def test_a_policy_that_is_in_order() -> None:
    levels = {setting: level for setting, (level, _sentence) in findings().items()}
    assert levels == {
        "TETRA": "ok",
        "TETRA definition updates": "ok",
        "Update server": "ok",
        "Update interval": "ok",
        "Connector log level": "ok",
        "Tray log level": "ok",
        "Allow user to update TETRA definitions": "unknown",
    }


def test_every_setting_of_the_note_is_judged() -> None:
    found = findings(tetra=False, server="updates.corp.example", debug=True, interval=14400, proxy=("proxy.corp", 6050))
    assert found["TETRA"] == ("warning", "TETRA: off, so its endpoints fetch no Tetra definitions.")
    assert found["Update server"][0] == "warning"
    assert "updates.corp.example" in found["Update server"][1]
    assert found["Connector log level"][0] == "notice"
    assert found["Proxy"] == (
        "notice",
        "Updates go through the proxy proxy.corp:6050: it must let CONNECT pass unopened.",
    )
    assert "every 14400 s" in found["Update interval"][1]


@pytest.mark.parametrize(
    "xml", [b"", b"<html>log in</html>", b"{}", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", b"<a>"]
)
def test_what_is_no_policy_is_told(xml: bytes) -> None:
    settings = settings_of({"guid": "p"}, xml)
    assert settings["status"] == "error"
    assert (settings["reason"] or "").startswith("policy XML: ")
    assert settings["findings"] == []


def test_three_views() -> None:
    judged = [
        judge(made("OLD1", age=50), NOW),
        judge(made("NEW1.corp.example"), NOW),
        judge(made("ABCDEFGHIJKLMNO", age=50), NOW),
        judge(made("QUIET", seen=999), NOW),
        judge(made("ELSEWHERE"), NOW),
    ]
    inventory = ["old1", "new1", "abcdefghijklmnopq", "quiet", "nowhere"]
    states = {"old1": "compliant", "new1": "non_compliant", "abcdefghijklmnopq": "compliant"}
    found = views(judged, inventory, states)
    assert found["only_console"] == ["ELSEWHERE"]
    assert found["only_inventory"] == ["nowhere"]
    assert found["never_audited"] == ["ELSEWHERE", "nowhere", "quiet"]
    assert found["silent"] == ["quiet"]
    assert found["contradictions"] == {"failing_but_compliant": ["old1"], "fresh_but_non_compliant": ["new1"]}
    probable = next(member for member in found["members"] if member["name"] == "abcdefghijklmnopq")
    assert (probable["match"], probable["contradiction"]) == ("probable", None)


def test_the_quota_in_both_spellings() -> None:
    assert rate_limit({"X-RateLimit-Remaining": "7", "x-ratelimit-reset": " 30 "}) == RateLimit(7, 30)
    assert rate_limit({"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "5", "Retry-After": "9"}) == RateLimit(0, 9)
    assert rate_limit({"x-ratelimit-reset": "soon", "retry-after": "-1"}) == RateLimit(None, None)


def test_addresses() -> None:
    assert places.addresses("eu") == (
        "https://api.eu.amp.cisco.com",
        "https://visibility.eu.amp.cisco.com/iroh/oauth2/token",
    )
    assert places.addresses(base_url="https://gate.example/amp/").api == "https://gate.example/amp"
    assert places.same_place("https://a.example", "https://a.example:443/v1")
    for other in ("http://a.example", "https://a.example.evil", "https://u:p@a.example", "https://a.example:444", "//"):
        assert not places.same_place("https://a.example", other)


@pytest.mark.parametrize(
    "wrong",
    [
        "http://console.example",
        "ftp://x",
        "console.example",
        "https://u:p@x",
        "https://x/?a=1",
        "https://[::1",
        "https://",
    ],
)
def test_an_address_that_cannot_be_trusted_is_refused(wrong: str) -> None:
    with pytest.raises(ConsoleError) as caught:
        places.addresses(base_url=wrong)
    assert "u:p" not in str(caught.value)
    with pytest.raises(ConsoleError, match="no region 'us'"):
        places.addresses("us")
