# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domain GPOs: named where changing them is not allowed, changed once for all their endpoints where it is, put back."""

from __future__ import annotations

import contextlib
import json
import threading
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.fleetops.tetra.lab.comparison import differences, records
from ansible_collections.fleetops.tetra.lab.machine import domains, group_policy
from ansible_collections.fleetops.tetra.lab.machine.endpoint import Endpoint
from ansible_collections.fleetops.tetra.lab.machine.schannel_model import POLICY_KEY
from ansible_collections.fleetops.tetra.lab.running import running_fleet
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImageStore
from ansible_collections.fleetops.tetra.tests.integration import machine_state
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks
from ansible_collections.fleetops.tetra.tests.integration.machine_state import State
from ansible_collections.fleetops.tetra.tests.unit.test_schemas import complaints

PLAYBOOK = "fleetops.tetra.remediation"
DOMAIN = "gpo.example"
BASELINE, SERVERS, HALF_WAY = "Old baseline", "Servers", "Half way"
WITHOUT_THE_FOUR = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA"
WITH_THE_FOUR = ",".join([*ALLOW_LIST, WITHOUT_THE_FOUR])
GOVERNED = ["far", "hasty", "newer", "older", "pc-0001", "pc-0002"]
PERMITTED = {"tetra_change_domain_gpo": "true"}


def read(path: Path) -> dict[str, t.Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


class Domain:
    """The domain of the fleet, its endpoints, and the playbooks on them."""

    def __init__(self, playbooks: Playbooks) -> None:
        self.playbooks = playbooks
        self.gpos = domains.domain(DOMAIN)

    def versions(self) -> dict[str, int]:
        return {gpo.name: gpo.version for gpo in self.gpos.gpos.values()}

    def held(self, name: str) -> t.Any:
        """What a GPO holds."""
        gpo = self.gpos.find(name)
        assert gpo is not None
        setting = gpo.values.get((POLICY_KEY.lower(), "functions"))
        return setting[2].data if setting and setting[2] else None

    def states(self) -> dict[str, State]:
        return machine_state.states_of(self.playbooks.fleet)

    def run(self, run_id: str, *arguments: str, **extra: t.Any) -> tuple[int, dict[str, t.Any], str]:
        """(exit code, summary, what was said)."""
        extra = {"tetra_max_failures": "3", "tetra_gpo_deadline": 3, "tetra_deadline": 60, **extra}
        done = self.playbooks.run(PLAYBOOK, "--forks", "10", *arguments, run_id=run_id, **extra)
        folder = self.playbooks.results / run_id
        summary = read(folder / "remediation.json")
        document = read(folder / "domain_gpos.json")
        if document:
            assert complaints("domain-gpos-1", document) == []
            assert complaints("domain-gpos-1", {**document, "gpos": summary.get("domain_gpos", [])}) == []
        return done.returncode, summary, done.stdout + done.stderr

    def module(self, host: str, *arguments: str, **options: t.Any) -> tuple[int, str]:
        """A play with one task of the module, for what it does alone."""
        task = {"fleetops.tetra.domain_gpo": {"results_dir": str(self.playbooks.results), **options}}
        play = self.playbooks.results.parent / "play.yml"
        play.write_text(yaml.safe_dump([{"hosts": host, "gather_facts": False, "tasks": [task]}]), encoding="utf-8")
        done = self.playbooks.run(str(play), "-v", *arguments)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def domain(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Domain]:
    domains.forget()
    fleet_file = checkout / "lab" / "fleets" / "domain-gpo.yml"
    with running_fleet(fleet_file, tmp_path_factory.mktemp("gpo-lab")) as fleet:
        yield Domain(Playbooks(fleet, checkout, tmp_path_factory.mktemp("gpo") / "results"))
    domains.forget()


def of(summary: t.Mapping[str, t.Any], name: str) -> dict[str, t.Any]:
    """A GPO's part of the summary."""
    return dict(next(change for change in summary["domain_gpos"] if change["name"] == name))


def left_alone(domain: Domain, before: dict[str, State], versions: dict[str, int]) -> None:
    assert domain.versions() == versions
    assert domain.states() == before


# In this order: each test begins where the one before it ended.


def test_without_permission_nothing_is_written_and_each_gpo_is_named_with_its_endpoints_and_value(
    domain: Domain,
) -> None:
    before, versions = domain.states(), domain.versions()
    code, summary, said = domain.run("listed")
    assert code == 0, said
    left_alone(domain, before, versions)
    first = records(domain.playbooks.results / "listed" / "before")
    fleet = domain.playbooks.fleet.fleet
    assert [str(one) for host in fleet for one in differences(host.name, host.expect, first.get(host.name))] == []

    baseline = of(summary, BASELINE)
    assert baseline["endpoints"] == GOVERNED
    assert (baseline["before"]["data"], baseline["after"]["data"]) == (WITHOUT_THE_FOUR, WITH_THE_FOUR)
    assert (baseline["outcome"], baseline["conflicts"], baseline["ends"]) == (None, [], {"blocked": GOVERNED})
    guid = domain.gpos.find(BASELINE)
    assert guid is not None and baseline["guid"] == guid.guid
    assert f"Domain GPO {BASELINE} {guid.guid} (6 endpoints: {', '.join(GOVERNED)}): " in said
    assert f"Functions has to become {WITH_THE_FOUR}." in said
    plans = read(domain.playbooks.results / "listed" / "plans.json")
    (blocked,) = plans["pc-0001"]["blocked"]
    assert (blocked["code"], blocked["wanted"]["data"]) == ("owned_by_domain_gpo", WITH_THE_FOUR)

    servers = of(summary, SERVERS)
    assert (servers["endpoints"], servers["rivals"]) == (["two-gpos"], [BASELINE])
    half_way = of(summary, HALF_WAY)
    assert [conflict["code"] for conflict in half_way["conflicts"]] == ["different_values"]
    assert half_way["after"] is None


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        (None, "A domain GPO can be changed only on a management host"),
        ("nobody", "The management host nobody (tetra_gpo_host) is not in the inventory"),
        ("pc-0001", "This host has no GroupPolicy module"),
        ("gpo-reader", "could not be changed: the account has no right to it."),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_touched(
    domain: Domain, host: str | None, sentence: str
) -> None:
    before, versions = domain.states(), domain.versions()
    extra = {"tetra_gpo_host": host} if host else {}
    code, summary, said = domain.run(f"refused-{host}", **PERMITTED, **extra)
    assert code == 2
    assert sentence in said
    assert "Traceback" not in said
    left_alone(domain, before, versions)
    assert "Cure in waves" not in said
    if summary:
        assert of(summary, BASELINE)["ends"] == {"blocked": GOVERNED}
        assert of(summary, BASELINE)["outcome"]["event"] == "failed"
        assert sentence in summary["hosts"]["pc-0001"]["detail"]
        assert summary["failed"] == []


def test_check_mode_says_what_would_be_done_and_does_nothing(domain: Domain) -> None:
    before, versions = domain.states(), domain.versions()
    code, _summary, said = domain.run("checked", "--check", "--diff", **PERMITTED, tetra_gpo_host="gpo-admin")
    assert code == 0, said
    left_alone(domain, before, versions)
    assert not (domain.playbooks.results / "backups" / "gpo-admin").exists()
    assert f"{BASELINE} " in said and "added   TLS_AES_128_GCM_SHA256" in said


@contextlib.contextmanager
def refreshing_by_itself(domain: Domain, name: str) -> t.Iterator[None]:
    """As soon as the GPO is changed, the endpoint refreshes its policy, as Windows does every ninety minutes."""
    machine = domain.playbooks.fleet.machines[name]
    assert isinstance(machine, Endpoint)
    over = threading.Event()

    def refresh() -> None:
        while domain.held(BASELINE) == WITHOUT_THE_FOUR and not over.wait(0.02):
            pass
        group_policy.refresh(machine.state)

    thread = threading.Thread(target=refresh)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_one_change_of_each_gpo_cures_all_its_endpoints(domain: Domain) -> None:
    before, versions = domain.states(), domain.versions()
    with refreshing_by_itself(domain, "hasty"):
        code, summary, said = domain.run("cured", **PERMITTED, tetra_gpo_host="gpo-admin")
    assert code == 2, "one endpoint cannot follow"
    assert domain.versions() == {**versions, BASELINE: versions[BASELINE] + 1, SERVERS: versions[SERVERS] + 1}
    assert domain.held(BASELINE) == WITH_THE_FOUR
    cured = ["hasty", "newer", "older", "pc-0001", "pc-0002"]
    assert of(summary, BASELINE)["ends"] == {"proven": cured, "unproven": ["far"]}
    assert of(summary, SERVERS)["ends"] == {"proven": ["two-gpos"]}
    for name in (*cured, "two-gpos"):
        entry = summary["hosts"][name]
        by_itself = name == "hasty"
        assert (entry["after"], entry["update"], entry["changed"]) == ("compliant", "updated", not by_itself), name
    far = summary["hosts"]["far"]
    assert f"The GPO {BASELINE} " in far["detail"] and "did not follow" in far["detail"]
    assert f"Did not follow it, or are not proven ({BASELINE} " in said
    assert [summary["hosts"][name]["event"] for name in ("split", "split-behind")] == ["blocked", "blocked"]

    after = domain.states()
    untouched = ("far", "split", "split-behind", "gpo-reader")
    assert {name: after[name] for name in untouched} == {name: before[name] for name in untouched}
    for name in (*cured, "two-gpos"):
        found = machine_state.without_traces(machine_state.changes(before[name], after[name]))
        assert set(found) == {f"{POLICY_KEY}\\Functions"}, name
    # What the management host keeps is its copy of the before-images.
    on_host = machine_state.changes(before["gpo-admin"], after["gpo-admin"])
    assert on_host and all("\\fleetops.tetra" in place for place in on_host)


def test_a_second_run_changes_nothing(domain: Domain) -> None:
    before, versions = domain.states(), domain.versions()
    code, summary, said = domain.run("again", **PERMITTED, tetra_gpo_host="gpo-admin")
    assert code == 2, "the one that cannot follow is still tried"
    left_alone(domain, before, versions)
    baseline = of(summary, BASELINE)
    assert (baseline["endpoints"], baseline["outcome"]["event"]) == (["far"], "already")
    assert {name for name, entry in summary["hosts"].items() if entry["changed"]} == set()
    assert "changed=0" in said and "changed=1" not in said


def test_a_gpo_is_put_back_unless_somebody_changed_it_since(domain: Domain) -> None:
    versions = domain.versions()
    code, said = domain.module("gpo-admin", "--check", state="restored")
    assert (code, domain.versions()) == (0, versions), said
    gpo = domain.gpos.find(SERVERS)
    assert gpo is not None
    key, name, value = gpo.values[POLICY_KEY.lower(), "functions"]
    assert value is not None
    gpo.set(key, name, type(value)(value.type, f"{value.data},TLS_RSA_WITH_AES_128_CBC_SHA"))
    since = domain.held(SERVERS)
    code, said = domain.module("gpo-admin", state="restored")
    assert code == 0, said
    assert "was changed by somebody since and was left so." in said
    assert (domain.held(BASELINE), domain.held(SERVERS)) == (WITHOUT_THE_FOUR, since)
    (kept,) = BeforeImageStore(domain.playbooks.results).unrestored("gpo-admin", of_gpos=True)
    assert kept.items[0]["gpo"] == SERVERS
    code, said = domain.module("gpo-admin", state="restored", gpo=BASELINE)
    assert code == 0 and "is left to put back" in said and "changed=0" in said


def test_the_examples_of_the_module_work_alone(domain: Domain, checkout: Path) -> None:
    """The documented tasks, as they stand there, with the names of this domain."""
    gpo = domain.gpos.find(BASELINE)
    assert gpo is not None
    text = yaml.safe_load((checkout / "plugins" / "modules" / "domain_gpo.yml").read_text(encoding="utf-8"))["EXAMPLES"]
    text = text.replace("TLS hardening", BASELINE).replace("{31B2F340-016D-11D2-945F-00C04FB984F9}", gpo.guid)
    tasks = yaml.safe_load(text)
    seen = []
    for task in tasks:
        options = {**task["fleetops.tetra.domain_gpo"], "results_dir": str(domain.playbooks.results)}
        task = {**task, "fleetops.tetra.domain_gpo": options, "register": "done"}
        seen.append([task, {"ansible.builtin.assert": {"that": "done.changed"}}])
    play = domain.playbooks.results.parent / "examples.yml"
    hosts = ["pc-0001", "gpo-admin", "gpo-admin"]
    plays = [{"hosts": h, "gather_facts": False, "tasks": one} for h, one in zip(hosts, seen, strict=True)]
    play.write_text(yaml.safe_dump(plays), encoding="utf-8")
    versions = domain.versions()
    done = domain.playbooks.run(str(play))
    assert done.returncode == 0, done.stdout + done.stderr
    # Set, taken away, and both undone by the last one: each is a change of its own.
    assert domain.versions()[BASELINE] == versions[BASELINE] + 4
    assert domain.held(BASELINE) == WITHOUT_THE_FOUR


BAD_INPUT: list[tuple[dict[str, t.Any], str]] = [
    ({"gpo": "Nowhere", "state": "not_configured"}, "There is no GPO Nowhere in this host's domain."),
    ({"gpo": BASELINE, "state": "not_configured", "suites": ["TLS_AES_128_GCM_SHA256"]}, "has no suites"),
    ({"gpo": BASELINE}, "Say what the GPO should hold"),
    ({"suites": ["TLS_AES_128_GCM_SHA256"]}, "Say which GPO"),
    ({"gpo": BASELINE, "suites": []}, "suites is empty"),
    ({"gpo": BASELINE, "suites": ["TLS_NONSENSE"]}, "no cipher suite that this collection knows"),
    ({"gpo": BASELINE, "suites": ["TLS_RSA_WITH_AES_128_CBC_SHA"]}, "it would cure nothing"),
    ({"gpo": BASELINE, "run": "there"}, "mutually exclusive"),
]


def test_bad_input_is_refused_in_one_sentence(domain: Domain) -> None:
    versions = domain.versions()
    tasks: list[dict[str, t.Any]] = []
    for options, sentence in BAD_INPUT:
        task = {"fleetops.tetra.domain_gpo": {"results_dir": str(domain.playbooks.results), **options}}
        tasks.append({**task, "register": "done", "ignore_errors": True})
        tasks.append({"ansible.builtin.assert": {"that": ["done is failed", f"{json.dumps(sentence)} in done.msg"]}})
    play = domain.playbooks.results.parent / "bad.yml"
    play.write_text(yaml.safe_dump([{"hosts": "gpo-admin", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    done = domain.playbooks.run(str(play))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert domain.versions() == versions
