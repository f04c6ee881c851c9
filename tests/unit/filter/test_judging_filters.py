# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters verdict, effective_suites, compliance_summary and client_hello; at the end within a real playbook."""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
import types
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.fleetops.tetra.plugins.filter.client_hello import client_hello
from ansible_collections.fleetops.tetra.plugins.filter.compliance_summary import compliance_summary
from ansible_collections.fleetops.tetra.plugins.filter.effective_suites import effective_suites
from ansible_collections.fleetops.tetra.plugins.filter.plan import plan
from ansible_collections.fleetops.tetra.plugins.filter.verdict import verdict
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts as e


class Text(str):
    """A string of another type, as Ansible's tagged ones."""


def lazy(value: t.Any) -> t.Any:
    """The same data in types that are no plain dict, list and str."""
    if isinstance(value, dict):
        return types.MappingProxyType({Text(key): lazy(item) for key, item in value.items()})
    if isinstance(value, list):
        return collections.UserList(lazy(item) for item in value)
    return Text(value) if isinstance(value, str) else value


def is_plain(value: t.Any) -> bool:
    """Exactly the built-in types: a subclass or a look-alike would not survive Ansible's templating."""
    if value.__class__.__name__ == "dict":
        return all(key.__class__.__name__ == "str" and is_plain(item) for key, item in value.items())
    if value.__class__.__name__ == "list":
        return all(is_plain(item) for item in value)
    return value is None or value.__class__.__name__ in ("str", "int", "float", "bool")


def test_verdict_takes_lazy_data_and_gives_plain_data() -> None:
    facts = e.endpoint(policy=e.CBC)
    judged = verdict(lazy(facts))
    assert judged == verdict(facts)
    assert judged["state"] == "non_compliant"
    assert is_plain(judged)


def test_verdict_with_options() -> None:
    facts = e.endpoint("10_22h2")
    assert list(verdict(facts, allow_list=lazy([e.CBC]))["suites"]) == [e.CBC]
    assert verdict(facts, require="all")["state"] == "non_compliant"
    assert verdict(facts, strict=True)["state"] == "non_compliant"


def test_effective_suites() -> None:
    found = effective_suites(lazy(e.set_switch(e.endpoint(), "Ciphers\\AES 128/128", "Enabled", 0)))
    assert is_plain(found)
    rows = {row["name"]: row for row in found}
    assert rows[e.ECDHE_256]["offered"] == "yes"
    assert rows[e.ECDHE_128]["offered"] == "no"
    assert rows[e.ECDHE_128]["reasons"][0]["code"] == "cipher_disabled"
    assert rows["TLS_PSK_WITH_AES_256_GCM_SHA384"]["on_demand"] is True
    assert rows[e.TLS13_128] == {**rows[e.TLS13_128], "offered": "no", "listed": True, "allow_listed": True}
    assert list(rows)[:2] == ["TLS_AES_256_GCM_SHA384", e.TLS13_128]


def test_compliance_summary_of_verdicts_and_results() -> None:
    verdicts = [verdict(facts) for facts in (e.endpoint(), e.endpoint(policy=e.CBC), {"schema": "something else"})]
    found = compliance_summary(lazy(verdicts))
    assert is_plain(found)
    assert found["states"] == {"compliant": 1, "non_compliant": 1, "unknown": 1, "not_applicable": 0}
    assert found["causes"] == [{"code": "cipher_mismatch", "count": 1}]
    assert found["hosts"]["non_compliant"] == ["host"]
    counted = compliance_summary([{"host": "a", "verdict": verdicts[0]}, {"host": "b"}])
    assert counted["hosts"]["compliant"] == ["a"]
    assert counted["hosts"]["unknown"] == ["b"]
    assert compliance_summary([])["total"] == 0


def test_client_hello_of_the_note() -> None:
    hello = client_hello(lazy(e.endpoint("10_1809_2019", policy=",".join(e.FAILING_HELLO))))
    assert is_plain(hello)
    assert [suite["name"] for suite in hello["suites"]] == e.FAILING_HELLO
    assert hello["suites"][0] == {"name": e.FAILING_HELLO[0], "id": 0x3C, "hex": "0x003c"}
    assert hello["versions"] == [771]
    assert hello["open"] == []
    assert hello["curves"] == ["curve25519", "NistP256", "NistP384"]


def test_client_hello_after_the_plan() -> None:
    facts = e.set_domain_gpo(e.endpoint("11_21h2", policy=e.CBC), e.CBC)
    after = client_hello(facts, lazy(plan(facts, change_domain_gpo=True)))
    assert e.ECDHE_256 in [suite["name"] for suite in after["suites"]]
    assert [suite["name"] for suite in client_hello(facts)["suites"]] == [e.CBC]


@pytest.mark.parametrize("judge", [verdict, effective_suites, client_hello])
def test_what_is_no_document_of_facts_gets_one_sentence(judge: t.Callable[[t.Any], t.Any]) -> None:
    for value in ("text", 7, [1], None):
        with pytest.raises(
            AnsibleFilterError, match=rf"^fleetops\.tetra\.{judge.__name__} takes the facts of an endpoint"
        ):
            judge(value)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda facts: verdict(facts, require="some"), "fleetops.tetra.verdict: The option require must be any or all"),
        (lambda facts: verdict(facts, allow_list=[]), "fleetops.tetra.verdict: The option allow_list must be a list"),
        (lambda facts: verdict(facts, allow_list=["x y"]), "fleetops.tetra.verdict: .* is no cipher suite name"),
        (
            lambda facts: verdict(facts, strict="maybe"),
            "fleetops.tetra.verdict: The option strict must be true or false",
        ),
        (lambda facts: effective_suites(facts, "x"), "fleetops.tetra.effective_suites: The option allow_list"),
        (lambda facts: client_hello(facts, 7), "fleetops.tetra.client_hello: The plan must be a plan document"),
        (
            lambda facts: client_hello(facts, [{"action": "x"}]),
            "fleetops.tetra.client_hello: The plan cannot be applied",
        ),
        (lambda facts: compliance_summary("text"), "fleetops.tetra.compliance_summary takes a list"),
        (lambda facts: compliance_summary([7]), "fleetops.tetra.compliance_summary: A verdict is a mapping"),
    ],
)
def test_a_wrong_option_gets_one_sentence(call: t.Callable[[t.Any], t.Any], sentence: str) -> None:
    with pytest.raises(AnsibleFilterError, match=sentence) as caught:
        call(e.endpoint())
    assert "\n" not in str(caught.value)


def test_nothing_nested_without_end_hangs_a_filter() -> None:
    endless: dict[str, t.Any] = {}
    endless["self"] = endless
    with pytest.raises(AnsibleFilterError, match="nested too deeply"):
        verdict(endless)


PLAY = """
- hosts: localhost
  gather_facts: false
  vars:
    wanted: "{{ facts | combine({'host': inventory_hostname}) }}"
  tasks:
    - ansible.builtin.assert:
        that:
          - (wanted | fleetops.tetra.verdict).state == 'non_compliant'
          - (wanted | fleetops.tetra.verdict).host == 'localhost'
          - (wanted | fleetops.tetra.effective_suites | selectattr('offered', 'eq', 'yes') | list | length) == 1
          - ([wanted] | map('fleetops.tetra.verdict') | fleetops.tetra.compliance_summary).states.non_compliant == 1
          - (wanted | fleetops.tetra.client_hello).suites | map(attribute='id') | list == [60]
"""


def test_within_a_playbook(tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
    (tmp_path / "facts.json").write_text(json.dumps({"facts": e.endpoint(policy=e.CBC)}), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local"]
    done = subprocess.run(
        [*command, "-e", f"@{tmp_path}/facts.json", str(tmp_path / "play.yml")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["verdict", "effective_suites", "compliance_summary", "client_hello"])
def test_the_documentation_names_the_options(name: str) -> None:
    path = Path(__file__).resolve().parents[3] / "plugins" / "filter" / f"{name}.yml"
    documented = yaml.safe_load(path.read_text(encoding="utf-8"))["DOCUMENTATION"]["options"]
    code = {"verdict": verdict, "effective_suites": effective_suites, "client_hello": client_hello}.get(
        name, compliance_summary
    )
    arguments = list(code.__code__.co_varnames[1 : code.__code__.co_argcount])
    assert list(documented) == ["_input", *arguments]
