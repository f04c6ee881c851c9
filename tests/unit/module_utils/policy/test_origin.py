# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose setting it is: every line of the decision table, and what happens where evidence is missing."""

from __future__ import annotations

import copy
import json
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as fx
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import local_gpo, registry_pol
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.origin import decide_origin

LIST = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
OTHER = "TLS_RSA_WITH_AES_128_CBC_SHA"
GUID = "{31B2F340-016D-11D2-945F-00C04FB984F9}"
DOMAIN_ID = f"cn={GUID},cn=policies,cn=system,DC=corp,DC=example"
DOMAIN_GPO = {"id": DOMAIN_ID, "name": "TLS baseline", "guid": GUID, "enabled": True}
LOCAL_GPO = {"id": "LocalGPO", "name": "Local Group Policy", "guid": "Local Group Policy", "enabled": True}


def row(value: str | None = LIST, precedence: int = 1, gpo_id: str = DOMAIN_ID, **more: t.Any) -> dict[str, t.Any]:
    own = {
        "registry_key": local_gpo.SSL_KEY,
        "value_name": "Functions",
        "value_type": 1,
        "value": value,
        "precedence": precedence,
        "gpo_id": gpo_id,
        "som_id": "1",
        "deleted": value is None,
        "created": None,
    }
    return {**own, **more}


def pol(*entries: tuple[str, str, str]) -> dict[str, t.Any]:
    file = registry_pol.RegistryPol(tuple(registry_pol.Entry(k, v, 1, registry_pol.sz(d)) for k, v, d in entries))
    return local_gpo.local_gpo_section(file.serialise(), modified="2026-01-02T03:04:05Z")


def state(
    registry: str | None = LIST,
    rows: t.Sequence[dict[str, t.Any]] | None = (),
    local: str | dict[str, t.Any] | None = None,
    mdm: str | None = None,
    mdm_wins: int | None = None,
    **more: t.Any,
) -> dict[str, t.Any]:
    """Facts as a readable endpoint gives them. ``rows=None``: RSoP denied."""
    facts = fx.empty_facts("pc")
    if registry is None:
        facts["policy_order"] = fx.registry_value(fx.POLICY_KEY, "Functions", "absent", "There is no such value.")
    else:
        facts["policy_order"] = fx.registry_value(fx.POLICY_KEY, "Functions", type="REG_SZ", data=registry)
    origin = facts["policy_origin"]
    origin["status"] = "ok"
    if rows is None:
        origin["rsop"] = fx.section("denied", "The account may not read RSoP.", rows=[], gpos=[])
    else:
        origin["rsop"] = fx.section("ok", rows=list(rows), gpos=[DOMAIN_GPO, LOCAL_GPO])
    if isinstance(local, dict):
        origin["local_gpo"] = local
    elif local is None:
        origin["local_gpo"] = local_gpo.unread_local_gpo("absent", "There is no local Registry.pol.")
    else:
        origin["local_gpo"] = pol((local_gpo.SSL_KEY, "Functions", local))
    value = fx.registry_value(fx.MDM_KEY, "TLSCipherSuites", "absent", "There is no such value.")
    wins = fx.registry_value(fx.MDM_CONFLICT_KEY, "MDMWinsOverGP", "absent", "There is no such value.")
    if mdm is not None:
        value = fx.registry_value(fx.MDM_KEY, "TLSCipherSuites", type="REG_SZ", data=mdm)
    if mdm_wins is not None:
        wins = fx.registry_value(fx.MDM_CONFLICT_KEY, "MDMWinsOverGP", type="REG_DWORD", data=mdm_wins)
    origin["mdm"] = fx.section("ok", values=[value], mdm_wins_over_gp=wins)
    origin["lgpo_processing_disabled"] = fx.registry_value(fx.LGPO_KEY, fx.LGPO_VALUE, "absent", "None.")
    facts.update(more)
    return facts


def answer(facts: dict[str, t.Any]) -> tuple[str, str | None, bool | None]:
    verdict = decide_origin(facts)
    json.dumps(verdict)
    assert set(verdict) == {"origin", "gpo", "matches_registry", "evidence"}
    assert all(set(item) == {"source", "path", "value", "note"} for item in verdict["evidence"])
    gpo = verdict["gpo"]
    return verdict["origin"], gpo and (gpo["guid"] or gpo["name"]), verdict["matches_registry"]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(state(rows=[row()]), ("domain_gpo", GUID, True), id="domain GPO"),
        pytest.param(state(rows=[row(OTHER)]), ("domain_gpo", GUID, False), id="registry edited after processing"),
        pytest.param(state(None, rows=[row()]), ("domain_gpo", GUID, False), id="value removed after processing"),
        pytest.param(
            state(rows=[row(), row(OTHER, 2, "LocalGPO")], local=OTHER),
            ("domain_gpo", GUID, True),
            id="domain GPO over local GPO",
        ),
        pytest.param(
            state(rows=[row(OTHER, 2), row(LIST, 1, "LocalGPO")], local=LIST),
            ("local_gpo", "Local Group Policy", True),
            id="precedence decides",
        ),
        pytest.param(
            state(rows=[row(precedence=1, gpo_id="LocalGPO")]),
            ("local_gpo", "Local Group Policy", True),
            id="local GPO by RSoP alone",
        ),
        pytest.param(state(local=LIST), ("local_gpo", "Local Group Policy", True), id="local GPO without a row"),
        pytest.param(
            state(OTHER, local=LIST), ("local_gpo", "Local Group Policy", False), id="local GPO, registry edited"
        ),
        pytest.param(state(None, local=LIST), ("local_gpo", "Local Group Policy", False), id="local GPO never applied"),
        pytest.param(state(None, rows=[row(None)]), ("domain_gpo", GUID, True), id="Disabled by domain GPO"),
        pytest.param(state(rows=[row(None)]), ("direct", GUID, False), id="Disabled, then written by hand"),
        pytest.param(
            state(rows=[row(None, value_name="**del.Functions", deleted=False)]),
            ("direct", GUID, False),
            id="Disabled, told by the name",
        ),
        pytest.param(
            state(None, local=pol((local_gpo.SSL_KEY, "**del.Functions", " "))),
            ("local_gpo", "Local Group Policy", True),
            id="Disabled by local GPO",
        ),
        pytest.param(
            state(local=pol((local_gpo.SSL_KEY, "**Del.functions", " "))),
            ("direct", None, False),
            id="Disabled by local GPO, then written by hand",
        ),
        pytest.param(state(mdm=LIST.replace(",", ";")), ("mdm", None, True), id="MDM"),
        pytest.param(state(mdm=OTHER), ("mdm", None, None), id="MDM, registry differs"),
        pytest.param(state(None, mdm=LIST), ("mdm", None, None), id="MDM, not in the registry"),
        pytest.param(state(rows=[row()], mdm=LIST), ("domain_gpo", GUID, True), id="GPO over MDM by default"),
        pytest.param(state(rows=[row(OTHER)], mdm=LIST, mdm_wins=1), ("mdm", None, True), id="MDM wins over GP"),
        pytest.param(
            state(local=OTHER, mdm=LIST, mdm_wins=0),
            ("local_gpo", "Local Group Policy", False),
            id="local GPO over MDM",
        ),
        pytest.param(state(), ("direct", None, None), id="direct write"),
        pytest.param(state(None), ("none", None, None), id="not configured"),
        pytest.param(state(rows=None), ("unknown", None, None), id="RSoP denied"),
        pytest.param(
            state(rows=None, local=LIST), ("local_gpo", "Local Group Policy", True), id="RSoP denied, Registry.pol"
        ),
        pytest.param(
            state(OTHER, rows=None, local=LIST), ("unknown", None, None), id="RSoP denied, Registry.pol differs"
        ),
        pytest.param(state(rows=None, mdm=LIST), ("mdm", None, True), id="RSoP denied, MDM matches"),
        pytest.param(state(rows=None, mdm=OTHER), ("unknown", None, None), id="RSoP denied, MDM differs"),
        pytest.param(state(None, rows=None), ("none", None, None), id="RSoP denied, no value"),
        pytest.param(state(rows=[row(gpo_id="strange")]), ("unknown", None, True), id="row of no known GPO"),
    ],
)
def test_decision_table(facts: dict[str, t.Any], expected: tuple[str, str | None, bool | None]) -> None:
    assert answer(facts) == expected


def test_losing_gpos_are_named() -> None:
    facts = state(rows=[row(), row(OTHER, 2, "LocalGPO")])
    notes = [str(item["note"]) for item in decide_origin(facts)["evidence"]]
    assert "Local Group Policy sets it as well and lost (precedence 2)." in notes


@pytest.mark.parametrize("rows", [[row(precedence=2)], [row(), row(gpo_id="LocalGPO")], [row(precedence=0)]])
def test_without_one_winner_nobody_is_named(rows: list[dict[str, t.Any]]) -> None:
    assert answer(state(rows=rows)) == ("unknown", None, None)


def test_rsop_switched_off_proves_nothing() -> None:
    facts = state()
    facts["policy_origin"]["rsop"]["gpos"] = []
    assert answer(facts)[0] == "unknown"
    notes = " ".join(str(item["note"]) for item in decide_origin(facts)["evidence"])
    assert "switched off" in notes


def test_local_processing_switched_off() -> None:
    facts = state(local=LIST)
    facts["policy_origin"]["lgpo_processing_disabled"] = fx.registry_value(
        fx.LGPO_KEY, fx.LGPO_VALUE, type="REG_DWORD", data=1
    )
    assert answer(facts) == ("direct", None, None)


@pytest.mark.parametrize("section", ["local_gpo", "mdm"])
def test_direct_needs_every_other_owner_ruled_out(section: str) -> None:
    facts = state()
    facts["policy_origin"][section]["status"] = "denied"
    assert answer(facts)[0] == "unknown"


def test_denied_mdm_value_is_not_absent() -> None:
    facts = state()
    facts["policy_origin"]["mdm"]["values"][0]["status"] = "denied"
    assert answer(facts)[0] == "unknown"


def test_registry_denied() -> None:
    facts = state(rows=[row()])
    facts["policy_order"] = fx.registry_value(fx.POLICY_KEY, "Functions", "denied", "The account may not read it.")
    assert answer(facts) == ("domain_gpo", GUID, None)
    facts = state()
    facts["policy_order"] = fx.registry_value(fx.POLICY_KEY, "Functions", "denied", "The account may not read it.")
    assert answer(facts)[0] == "unknown"


def test_type_counts_for_the_match() -> None:
    facts = state(rows=[row()])
    facts["policy_order"].update(type="REG_MULTI_SZ", data=LIST.split(","))
    assert answer(facts) == ("domain_gpo", GUID, False)
    facts["policy_order"].update(type="REG_SZ_OR_EXPAND_SZ", data=LIST)
    assert answer(facts) == ("domain_gpo", GUID, True)


def test_other_values_and_other_keys_are_not_ours() -> None:
    facts = state(
        rows=[row(value_name="EccCurves"), row(registry_key=r"SOFTWARE\Policies\Other")],
        local=pol((local_gpo.SSL_KEY, "EccCurves", "x"), (local_gpo.SSL_KEY, "**del.EccCurves", " ")),
    )
    assert answer(facts) == ("direct", None, None)


def test_gpo_without_a_name_keeps_its_guid() -> None:
    facts = state(rows=[row()])
    facts["policy_origin"]["rsop"]["gpos"] = []
    assert decide_origin(facts)["gpo"] == {"name": None, "guid": GUID}


def test_damaged_registry_pol_is_told() -> None:
    facts = state(local=local_gpo.local_gpo_section(b"PReg\x01\x00\x00\x00["))
    assert answer(facts)[0] == "unknown"
    assert any("cannot be read as a policy file" in str(item["note"]) for item in decide_origin(facts)["evidence"])


KNOWING = [state(rows=[row()]), state(local=LIST), state(mdm=LIST), state(), state(None), state(rows=[row(None)])]
junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KNOWING), st.data())
def test_damaged_facts_never_raise(facts: dict[str, t.Any], data: st.DataObject) -> None:
    damaged = copy.deepcopy(facts)
    spots: list[tuple[t.Any, t.Any]] = []

    def walk(node: t.Any) -> None:
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            spots.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key])

    walk({name: damaged[name] for name in ("policy_order", "policy_origin")})
    for _round in range(data.draw(st.integers(1, 3))):
        node, key = data.draw(st.sampled_from(spots))
        node[key] = data.draw(junk)
    answer(damaged)


@settings(max_examples=60, deadline=None)
@given(junk)
def test_any_facts_never_raise(facts: t.Any) -> None:
    assert answer(facts)[0] == "unknown"


@pytest.mark.parametrize("facts", KNOWING)
@pytest.mark.parametrize("section", ["rsop", "local_gpo", "mdm"])
def test_taking_evidence_away_names_no_other_owner(facts: dict[str, t.Any], section: str) -> None:
    before = answer(facts)[0]
    poorer = copy.deepcopy(facts)
    poorer["policy_origin"][section] = {"status": "denied", "reason": "No right."}
    allowed = {before, "unknown"}
    if facts["policy_order"]["status"] == "absent":
        allowed.add("none")  # without a value nothing is configured, whoever may have disabled it
    assert answer(poorer)[0] in allowed
