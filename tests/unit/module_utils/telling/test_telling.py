# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings for a SIEM and bodies of messages, read back by what others made: jc, py-ocsf-models, slack_sdk,
standardwebhooks."""

from __future__ import annotations

import base64
import datetime
import json
import typing as t

import jc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from slack_sdk.models.blocks import Block
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.visible import visible
from ansible_collections.fleetops.tetra.plugins.module_utils.telling import cef, messages
from ansible_collections.fleetops.tetra.plugins.module_utils.telling.ocsf import ocsf
from ansible_collections.fleetops.tetra.plugins.module_utils.telling.summary import Summary, Told, headline
from ansible_collections.fleetops.tetra.plugins.module_utils.telling.tickets import body
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories

STATES = ("compliant", "non_compliant", "unknown", "not_applicable")
NOW = datetime.datetime(2026, 11, 24, 3, 43, tzinfo=datetime.UTC)
TEXTS = st.text(max_size=60) | st.sampled_from(["a=b c=d", "x|y\\", "\\=", "line\nbreak", "end\\", " blank ", "`a``b`"])


def record(host: str = "pc1", state: str = "non_compliant", **options: t.Any) -> t.Any:
    made: t.Any = factories.result(host, state, **options)
    return made


def told(number: int = 30, **options: t.Any) -> Told:
    summary = Summary()
    for one in factories.fleet_results(number):
        made: t.Any = one
        summary.take(made)
    return summary.told("run-1", "fleetops.tetra.compliance", "2026-11-24T03:43:00Z", **options)


def cure(**more: t.Any) -> dict[str, t.Any]:
    owner = {"kind": "domain_gpo", "name": "Baseline 2019", "guid": "{31B2F340-016D-11D2-945F-00C04FB984F9}"}
    return {
        "fault": "list", "what": "Put accepted suites into the list", "owner": owner, "place": factories.POLICY_PATH,
        "present": ["TLS_RSA_WITH_AES_128_CBC_SHA256"], "wanted": list(factories.ALLOW_LIST), "restart": True, **more,
    }  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_ocsf_takes_each_state_as_a_compliance_finding(state: str) -> None:
    event = ocsf(record(state=state), "run-1", "1.1.0", 0)
    # The library wants two members of a device that the schema only recommends and nobody has asked for.
    device = {"ip": "", "region": "", **event["device"]}
    read = ComplianceFinding.model_validate(json.loads(json.dumps({**event, "device": device})))
    assert read.compliance.status_id is not None
    wanted = {"compliant": 1, "unknown": 2, "non_compliant": 3, "not_applicable": 99}
    assert read.compliance.status_id.value == wanted[state]
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert event["time"] == int(NOW.timestamp() * 1000)


def test_a_finding_keeps_its_uid_and_an_event_does_not() -> None:
    one, other = (ocsf(record(state=state, token=state), "r", "1", 0) for state in ("non_compliant", "compliant"))
    assert one["finding_info"]["uid"] == other["finding_info"]["uid"]
    assert one["metadata"]["uid"] != other["metadata"]["uid"]
    assert "remediation" not in other


@given(host=TEXTS, gpo=TEXTS, step=TEXTS, run=TEXTS)
def test_cef_is_read_back_whatever_a_name_holds(host: str, gpo: str, step: str, run: str) -> None:
    made = record("pc1", gpo=gpo or "g")
    made["verdict"]["next_step"] = step
    made["host"] = host
    line = cef.cef(made, run, "1.1.0")
    assert "\n" not in line and "\r" not in line
    read = jc.parse("cef", line, quiet=True)
    assert isinstance(read, list)
    found = read[0]
    assert (found["deviceVersion"], found["outcome"], found["agentSeverity"]) == ("1.1.0", "non_compliant", "7")
    # jc takes escaped signs back; blanks at the end of a value belong to no value in CEF.
    for key, value in (("dhost", host), ("myOwner", gpo), ("msg", step)):
        if value.strip() and key in found:
            assert found[key].replace("\\\\", "\\") == visible(value).strip().replace("\\\\", "\\")


def test_a_header_of_cef_escapes_its_own_signs() -> None:
    assert cef.cef(record(), "r", "1|2\\3").split("fleetops.tetra|")[1].startswith("1\\|2\\\\3|")


def test_a_message_of_syslog_is_read_back_by_another() -> None:
    text = cef.cef(record("büro-pc"), "run-1", "1.1.0")
    message = cef.syslog(text, 4, "local0", "controller one", NOW, 42)
    read = jc.parse("syslog", message.decode("utf-8"), quiet=True)
    assert isinstance(read, list)
    assert read[0]["priority"] == 16 * 8 + 4
    assert (read[0]["hostname"], read[0]["appname"], read[0]["proc_id"]) == ("controllerone", "fleetops.tetra", 42)
    assert read[0]["message"].lstrip("\ufeff") == text


def test_a_standard_webhook_is_verified_by_its_own_library() -> None:
    content = messages.message(messages.notice_of(told()), "plain")
    secret = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
    at = int(datetime.datetime.now(datetime.UTC).timestamp())
    headers = messages.signatures(content, secret, "msg_1", at)
    assert Webhook(secret).verify(content, headers)["run_id"] == "run-1"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(content.replace(b"run-1", b"run-2"), headers)
    with pytest.raises(messages.SecretError, match="fewer than 16"):
        messages.signatures(content, "short", "msg_1", at)
    with pytest.raises(messages.SecretError, match="base64"):
        messages.signatures(content, "whsec_%%%", "msg_1", at)


def test_slack_reads_its_blocks_and_no_name_is_markup() -> None:
    made = record("pc1", gpo="<!channel> & <http://evil|click>")
    summary = Summary()
    summary.take(made)
    sent = json.loads(messages.message(messages.notice_of(summary.told("run-1", "p", "s")), "slack"))
    for block in sent["blocks"]:
        parsed = Block.parse(block)
        assert parsed is not None
        parsed.validate_json()
    assert "<!channel>" not in json.dumps(sent)
    assert all(len(block["text"]["text"]) <= 3000 for block in sent["blocks"] if "text" in block)


def test_a_card_for_teams_is_small_and_shows_names_as_they_are() -> None:
    summary = Summary()
    for number in range(400):
        made = record(f"pc{number}", gpo=f"[GPO](http://evil/{number}) *{'x' * 200}*")
        made["verdict"]["policy_origin"]["gpo"]["guid"] = f"{{{number}}}"
        summary.take(made)
    content = messages.message(messages.notice_of(summary.told("run-1", "p", "s")), "teams")
    assert len(content) < 28_000
    sent = json.loads(content)
    assert [attachment["contentType"] for attachment in sent["attachments"]] == [
        "application/vnd.microsoft.card.adaptive"
    ]
    card = sent["attachments"][0]["content"]
    assert {one["type"] for one in card["body"]} == {"TextBlock", "FactSet"}
    assert "[GPO](" not in json.dumps(card)
    assert "And 395 more." in json.dumps(card)


def test_a_ticket_says_who_keeps_how_many_and_what_to_set() -> None:
    summary = Summary()
    for number in range(214):
        made = record(f"pc{number:03}", gpo="Baseline 2019")
        made["verdict"]["cures"] = [cure(), cure(fault="restart", what="Restart")]
        summary.take(made)
    found = summary.told("run-1", "p", "s")["tickets"]
    assert [ticket["title"] for ticket in found] == ["GPO Baseline 2019 keeps 214 endpoints from updating"]
    text = body(found[0], "run-1")
    assert f"Value to set: `{','.join(factories.ALLOW_LIST)}`" in text
    assert "Stands there: `TLS_RSA_WITH_AES_128_CBC_SHA256`" in text
    assert "- and 164 more, see tickets.json" in text


def test_an_endpoint_with_two_owners_is_in_both_tickets_and_none_is_lost() -> None:
    made = record("pc1", gpo="Baseline 2019")
    made["verdict"]["cures"] = [cure(), cure(owner={"kind": "mdm", "name": None, "guid": None}, what="Mend the MDM")]
    summary = Summary()
    summary.take(made)
    renamed = record("pc2", gpo="Renamed")
    renamed["verdict"]["policy_origin"]["gpo"]["guid"] = cure()["owner"]["guid"]
    summary.take(renamed)
    found = summary.told("run-1", "p", "s")["tickets"]
    assert sorted(ticket["key"] for ticket in found) == [
        "tetra-domain-gpo-31b2f340-016d-11d2-945f-00c04fb984f9",
        "tetra-mdm",
    ]
    assert {host for ticket in found for host in ticket["hosts"]} == {"pc1", "pc2"}


@given(present=TEXTS, place=TEXTS)
def test_no_value_ends_its_span_in_a_ticket(present: str, place: str) -> None:
    made = record("pc1")
    made["verdict"]["cures"] = [cure(present=present, place=place)]
    summary = Summary()
    summary.take(made)
    lines = body(summary.told("r", "p", "s")["tickets"][0], "run-1").splitlines()
    shown = next(line for line in lines if line.startswith("- Stands there: ")).removeprefix("- Stands there: ")
    fence = len(shown) - len(shown.lstrip("`"))
    assert shown.endswith("`" * fence)


def test_a_headline_does_not_hide_the_unknown() -> None:
    said = headline({"compliant": 5, "non_compliant": 0, "unknown": 95, "not_applicable": 0})
    assert "0 of 100" in said and "95 are unknown" in said
