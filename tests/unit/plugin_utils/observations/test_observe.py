# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observing a machine shows the variant that it plays, and says why where it cannot."""

from __future__ import annotations

import hashlib
import json
import pathlib
import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.machine import behaviours, observed, restarting
from ansible_collections.fleetops.tetra.lab.machine.build import build
from ansible_collections.fleetops.tetra.plugins.module_utils.observations.document import OPEN, read_file
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Answer, command
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.experiments import EXPERIMENTS, RESTART
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.observe import (
    NOT_ALLOWED,
    Allowed,
    NotWindows,
    observe,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.probes import NOT_HERE, all_probes
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.raw import plain_statements
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.task import keep
from ansible_collections.fleetops.tetra.tests.unit.lab_session import Breaking, InProcess, NearWindows

WHEN = "2026-11-24T22:00:00Z"
WINDOWS = {"release": "10_21h2"}


def seen(mapping: dict[str, t.Any], writes: bool = False) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    session = InProcess("pc", build("pc", {**WINDOWS, **mapping}))
    document = observe(session, WHEN, Allowed(writes=writes))
    return document, {row["behaviour"]: row["variant"] for row in document["rows"]}


def names_probed() -> set[str]:
    return {probe.behaviour for probe in all_probes(t.cast(t.Any, None))}


def test_every_inferred_row_of_the_lab_is_asked_or_has_a_reason() -> None:
    inferred = {row.name for row in behaviours.TABLE if row.evidence == "inferred"}
    assert inferred <= names_probed() | set(NOT_HERE)
    assert not names_probed() & set(NOT_HERE)
    assert set(OPEN) <= names_probed()


def test_what_is_believed_of_each_is_written_down() -> None:
    """Else learning could not tell what was believed wrongly."""
    for name in names_probed():
        row = behaviours.BY_NAME.get(name)
        assert name in observed.BELIEFS or (row is not None and row.variants), name
    assert set(observed.BELIEFS) <= names_probed()


def test_what_cannot_be_observed_needs_a_domain() -> None:
    assert set(NOT_HERE) == {"policy_cleanup", "set_gpregistryvalue_over_remoting"}


ANYWHERE = ("batch_after_error", "empty_key_itemproperty", "get_content_bytes", "stdregprov_missing_code")
CASES = [
    *(
        (name, variant, {})
        for name in (*ANYWHERE, "stdregprov_wrong_type_code")
        for variant in behaviours.SWITCHABLE[name]
    ),
    *(("cmdlet_shows_policy", variant, {}) for variant in behaviours.SWITCHABLE["cmdlet_shows_policy"]),
    *(("suite_cmdlets_with_policy", variant, {}) for variant in behaviours.SWITCHABLE["suite_cmdlets_with_policy"]),
    *(("cim_list_argument", variant, {}) for variant in behaviours.SWITCHABLE["cim_list_argument"]),
    *(
        ("cmdlet_tls13_before_windows_11", variant, {})
        for variant in behaviours.SWITCHABLE["cmdlet_tls13_before_windows_11"]
    ),
]


@pytest.mark.parametrize("name,variant,more", CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_the_variant_that_a_machine_plays_is_seen(name: str, variant: str, more: dict[str, t.Any]) -> None:
    document, found = seen({"behaviours": {name: variant}, **more}, writes=True)
    row = next(row for row in document["rows"] if row["behaviour"] == name)
    assert found[name] == variant, row["reason"]
    assert row["answers"]


def test_reading_is_the_default_and_changes_nothing() -> None:
    state = build("pc", WINDOWS)
    before = state.registry.dump()
    document = observe(InProcess("pc", state), WHEN)
    assert state.registry.dump() == before
    for probe in all_probes(t.cast(t.Any, None)):
        row = next(row for row in document["rows"] if row["behaviour"] == probe.behaviour)
        assert (row["reason"] == NOT_ALLOWED) is probe.writes


def test_what_is_written_is_put_back() -> None:
    state = build("pc", WINDOWS)
    before = state.registry.dump()
    observe(InProcess("pc", state), WHEN, Allowed(writes=True))
    assert state.registry.dump() == before


def test_the_file_is_one_that_a_judgement_takes(tmp_path: pathlib.Path) -> None:
    document, _found = seen({})
    path, digest = keep(tmp_path, document)
    content = path.read_bytes()
    assert digest == hashlib.sha256(content).hexdigest()
    observation = read_file(path.name, content, digest)
    assert observation.build == document["windows"]["build"] and observation.kind == "client"
    assert observation.behaviours["batch_after_error"] == "goes_on"


def test_names_are_not_kept() -> None:
    session = InProcess("pc", build("pc", {**WINDOWS, "computer_name": "SECRETBOX"}))
    document = observe(session, WHEN, words=["secret-host.example"])
    assert "SECRETBOX" not in json.dumps(document)


def test_what_is_no_windows_is_one_sentence() -> None:
    class Nothing:
        def ask(self, _statements: t.Any) -> t.Any:
            return Answer([])

        def version_table(self) -> dict[str, t.Any]:
            return {}

        def session(self) -> t.Any:
            return self

    with pytest.raises(NotWindows, match=r"^The endpoint does not say which Windows it is"):
        observe(t.cast(t.Any, Nothing()), WHEN)


# What shows in a Client Hello -----------------------------------------------------------------------------------------


def watched(mapping: dict[str, t.Any], restarts: bool = True) -> dict[str, dict[str, t.Any]]:
    """Behaviour → row of a machine that may be written to and restarted, and whose curl.exe reaches us."""
    state = build("pc", {"release": "11_24h2_2025", **mapping})

    def restart() -> None:
        restarting.boot(state)
        state.boot(state.now())

    before = state.registry.dump()
    session = InProcess("pc", state)
    document = observe(session, WHEN, Allowed(True, restart if restarts else None, "127.0.0.1"))
    assert state.registry.dump() == before and not document["left_changed"]
    assert not [name for name in session.unmatched if "Stream" not in name]
    return {row["behaviour"]: row for row in document["rows"]}


IN_A_HELLO = [one.behaviour for one in EXPERIMENTS if one.behaviour != "mdm_minimum_tls"]


@pytest.mark.parametrize("place", [0, 1])
def test_the_variants_that_a_machine_plays_are_seen_in_its_client_hello(place: int) -> None:
    """All first variants at once, and all second ones: each experiment looks at its own behaviour alone."""
    played = {name: behaviours.SWITCHABLE[name][place] for name in (*IN_A_HELLO, "local_list_in_force")}
    rows = watched({"behaviours": played})
    assert {name: rows[name]["variant"] for name in played} == played
    assert all({"hello"} & set().union(*rows[name]["answers"]) for name in played)


def test_a_lowest_version_that_counts_is_seen_and_one_that_does_not_settles_nothing() -> None:
    assert watched({"behaviours": {"mdm_minimum_tls": "counts"}})["mdm_minimum_tls"]["variant"] == "counts"
    assert watched({})["mdm_minimum_tls"]["variant"] is None


def test_without_restarts_only_what_counts_at_once_is_settled() -> None:
    rows = watched({"behaviours": {"enabled_one_for_algorithms": "disabled"}}, restarts=False)
    assert rows["enabled_one_for_algorithms"]["variant"] == "disabled"
    assert rows["switch_of_suite"]["variant"] == "by_name"
    assert rows["policy_multi_sz"]["variant"] is None and rows["policy_multi_sz"]["reason"] == RESTART
    assert rows["policy_after_reboot"]["variant"] == "after_reboot"


def test_beliefs_that_have_no_row_in_the_lab() -> None:
    rows = watched({})
    told = {
        "client_hello_shape": "as_predicted",
        "program_that_does_not_ask": "gets_tls12",
        "switch_of_suite": "by_name",
    }
    told |= {"curl_schannel_codes": "as_documented", "schtasks_encoding": "refused", "capture_exit_codes": "one"}
    told |= {"task_goes_on_after_a_failed_action": "goes_on", "default_suites": "as_documented"}
    assert {name: rows[name]["variant"] for name in told} == told


def test_a_list_that_is_set_already_is_left_alone() -> None:
    rows = watched({"policy": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"})
    assert rows["policy_multi_sz"]["variant"] is None and "left alone" in rows["policy_multi_sz"]["reason"]


def test_a_session_that_speaks_tls_is_not_cut_off() -> None:
    state = build("pc", WINDOWS)
    document = observe(InProcess("pc", state), WHEN, Allowed(True, None, "127.0.0.1", over_tls=True))
    rows = {row["behaviour"]: row for row in document["rows"]}
    assert rows["policy_empty"]["variant"] is None and "observe over HTTP" in rows["policy_empty"]["reason"]


def test_an_endpoint_that_does_not_reach_us_settles_nothing_of_it() -> None:
    state = build("pc", {**WINDOWS, "release": "10_1607_2016"})  # it has no curl.exe
    rows = {
        row["behaviour"]: row for row in observe(InProcess("pc", state), WHEN, Allowed(True, None, "127.0.0.1"))["rows"]
    }
    assert rows["client_hello_shape"]["variant"] is None and "did not reach" in rows["client_hello_shape"]["reason"]


# What the connector's log tells ---------------------------------------------------------------------------------------

WINHTTP = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\WinHttp"
ON_FOR_THE_UPDATER = {"behaviours": {"disabled_by_default_client": "on"}}
OFF_BY_DEFAULT = {"schannel": {"Protocols\\TLS 1.2\\Client": {"DisabledByDefault": 1}}}


@pytest.mark.parametrize(
    "mapping,name,variant",
    [
        ({**OFF_BY_DEFAULT, **ON_FOR_THE_UPDATER, "release": "10_21h2"}, "disabled_by_default_client", "on"),
        (OFF_BY_DEFAULT, "disabled_by_default_client", None),  # TLS 1.3 may have carried it
        ({"release": "10_21h2"}, "disabled_by_default_client", None),
        (
            {"release": "10_21h2", "registry": {WINHTTP: {"DefaultSecureProtocols": 0x80}}},
            "winhttp_defaults",
            "not_taken",
        ),
        ({"release": "10_21h2", "registry": {WINHTTP: {"DefaultSecureProtocols": 0x800}}}, "winhttp_defaults", None),
        ({"registry": {WINHTTP: {"DefaultSecureProtocols": 0x80}}}, "winhttp_defaults", None),
        ({}, "update_success_lines", "status_0"),
    ],
)
def test_what_an_update_since_the_boot_tells(mapping: dict[str, t.Any], name: str, variant: str | None) -> None:
    """The log of the simulated connector ends with a successful update."""
    row = watched(mapping, restarts=False)[name]
    assert row["variant"] == variant, row["reason"]


# A conversation that breaks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", ["Get-Content", "Get-TlsCipherSuite", "Get-Item", "Set-ItemProperty"])
def test_a_lost_conversation_is_opened_anew_and_costs_no_other_row(name: str, after: bool) -> None:
    near = NearWindows(**WINDOWS)
    state = near.state
    before = state.registry.dump()
    breaking = Breaking(near, lambda found, _given: found == name, after)
    document = observe(breaking, WHEN, Allowed(writes=True))
    assert breaking.renewed == 1 and not breaking.left
    whole = observe(InProcess("pc", build("pc", WINDOWS)), WHEN, Allowed(writes=True))
    variants = [{row["behaviour"]: row["variant"] for row in one["rows"]} for one in (document, whole)]
    assert variants[0] == variants[1]
    assert state.registry.dump() == before


def is_of_the_hosts_file(_name: str, given: dict[str | None, t.Any]) -> bool:
    return str(given.get("LiteralPath")).endswith("hosts")


def test_one_that_breaks_twice_at_the_same_question_costs_that_row_only() -> None:
    breaking = Breaking(
        NearWindows(**WINDOWS), lambda name, given: str(given.get("LiteralPath")).endswith("hosts"), False, times=2
    )
    rows = {row["behaviour"]: row for row in observe(breaking, WHEN)["rows"]}
    assert (
        rows["get_content_bytes"]["variant"] is None and rows["get_content_bytes"]["reason"] == "The connection broke."
    )
    assert rows["batch_after_error"]["variant"] == "goes_on" and rows["schtasks_exit_codes"]["variant"] == "zero_or_one"


def test_a_question_that_holds_bytes_can_be_written_down() -> None:
    """Set-Content of a task's definition; its zero bytes and its mark come back from the file."""
    asked = [(command("Set-Content", LiteralPath="C:\\x", Value=b"\xff\xfe<\x00"),)]
    (told,) = json.loads(json.dumps(plain_statements(asked)))
    assert dict(told[0]["parameters"])["Value"] == {"bytes": "//48AA=="}
