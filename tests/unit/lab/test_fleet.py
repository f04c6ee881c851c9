# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleet files: what is read, and the one sentence that a mistake gets."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.lab import fleet as fleets
from ansible_collections.fleetops.tetra.lab import inventory
from ansible_collections.fleetops.tetra.lab.errors import FleetError
from ansible_collections.fleetops.tetra.lab.transport import DEFAULT_PASSWORD, Transport

SCHEMA = "fleetops.tetra/fleet/1"


def _fleet(**endpoints: t.Any) -> dict[str, t.Any]:
    return {"schema": SCHEMA, "endpoints": endpoints}


def _complaint(document: t.Any) -> str:
    with pytest.raises(FleetError) as wrong:
        fleets.from_mapping(document, "fleet.yml")
    sentence = str(wrong.value)
    assert "\n" not in sentence
    return sentence


def test_the_parts_go_to_their_readers() -> None:
    mapping = {
        "describe": "default Server 2019",
        "release": "windows_server_2019",
        "policy": {"functions": "TLS_AES_128_GCM_SHA256"},
        "transport": {"scheme": "https", "auth": "negotiate", "faults": ["hangs"]},
        "inventory": {"ansible_psrp_port": 1},
        "expect": {"state": "compliant", "reachability": "yes"},
    }
    (endpoint,) = fleets.from_mapping(_fleet(one=mapping))
    assert endpoint.machine == {"release": "windows_server_2019", "policy": {"functions": "TLS_AES_128_GCM_SHA256"}}
    assert endpoint.expect == {"state": "compliant", "reachability": "yes"}
    assert (endpoint.transport.tls, endpoint.transport.auth) == (True, ("negotiate",))
    assert endpoint.transport.fails("hangs", "open")
    assert not endpoint.transport.fails("hangs", "pipeline")


def test_repeat_makes_numbered_endpoints() -> None:
    names = [endpoint.name for endpoint in fleets.from_mapping(_fleet(host={"repeat": 3}, other={}))]
    assert names == ["host-0001", "host-0002", "host-0003", "other"]


def test_the_password_shows_nowhere() -> None:
    assert DEFAULT_PASSWORD not in repr(Transport())
    assert DEFAULT_PASSWORD not in repr(fleets.from_mapping(_fleet(one={})))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (None, ["fleet.yml must be a mapping"]),
        ([], ["fleet.yml must be a mapping, but is a list"]),
        ({"endpoints": {}}, ["schema: fleetops.tetra/fleet/1"]),
        ({"schema": SCHEMA, "endpoint": {}}, ["'endpoint'", "Did you mean 'endpoints'?"]),
        ({"schema": SCHEMA, "endpoints": {}}, ["no endpoints"]),
        ({"schema": SCHEMA, "endpoints": {1: {}}}, ["key 1", "quotes"]),
        (_fleet(one=None), ["endpoint 'one'", "must be a mapping"]),
        (_fleet(one={"transport": {"shceme": "https"}}), ["endpoint 'one'", "'shceme'", "Did you mean 'scheme'?"]),
        (_fleet(one={"transport": {"scheme": "htps"}}), ["endpoint 'one'", "'htps'", "Did you mean 'https'?"]),
        (_fleet(one={"transport": {"auth": []}}), ["endpoint 'one'", "auth is empty"]),
        (_fleet(one={"transport": {"auth": ["kerberos"]}}), ["'kerberos'", "basic, negotiate, ntlm"]),
        (_fleet(one={"transport": {"faults": ["refsued"]}}), ["'refsued'", "Did you mean 'refused'?"]),
        (_fleet(one={"transport": {"faults": {"hangs": "pipelin"}}}), ["hangs", "'pipeline'?"]),
        (_fleet(one={"transport": {"faults": {"refused": "yes"}}}), ["refused must be true or false"]),
        (_fleet(one={"transport": {"faults": {"tls_error": "expired"}}}), ["tls_error", "needs scheme https"]),
        (_fleet(one={"transport": {"delay": -1}}), ["delay", "0 to 3600"]),
        (_fleet(one={"transport": {"delay": True}}), ["delay", "number of seconds"]),
        (_fleet(one={"transport": {"allow_unencrypted": "no"}}), ["allow_unencrypted", "true or false"]),
        (_fleet(one={"transport": {"allow_unencrypted": False}}), ["lets nobody in", "negotiate or https"]),
        (_fleet(one={"transport": {"channel_binding": "strict"}}), ["channel_binding strict", "https"]),
        (_fleet(one={"transport": {"configurations": []}}), ["configurations is empty"]),
        (_fleet(one={"transport": {"user": ""}}), ["user", "must be a text"]),
        (_fleet(one={"expect": {"state": "complaint"}}), ["expect: state", "Did you mean 'compliant'?"]),
        (_fleet(one={"repeat": 0}), ["repeat must be a number from 1"]),
        (_fleet(**{"one-0001": {}, "one": {"repeat": 1}}), ["'one-0001' twice"]),
        (_fleet(one={"repeat": 4000}, two={"repeat": 4000}), ["more than 5000"]),
        (_fleet(one={"describe": ["x"]}), ["describe must be a text"]),
    ],
)
def test_a_mistake_gets_one_sentence_with_the_place(document: t.Any, words: list[str]) -> None:
    sentence = _complaint(document)
    for word in words:
        assert word in sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("endpoints: [", ["line 1", "not valid YAML"]),
        ("a: 1\nb: {\n  c: 1,\n  c: 2}\n", ["'c' stands twice", "line 4"]),
        ("a: !!python/object:os.system {}\n", ["not valid YAML"]),
    ],
)
def test_a_broken_file_gets_one_sentence_with_the_line(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "fleet.yml"
    path.write_text(text)
    with pytest.raises(FleetError) as wrong:
        fleets.load(path)
    for word in [str(path), *words]:
        assert word in str(wrong.value)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="cannot be read"):
        fleets.load(tmp_path / "missing.yml")
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FleetError, match="not UTF-8"):
        fleets.load(tmp_path / "binary.yml")


def test_merge_keys_of_yaml_work(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yml"
    first = "  a: &a {release: r, transport: {scheme: https}}"
    path.write_text(f"schema: {SCHEMA}\nendpoints:\n{first}\n  b: {{<<: *a, release: s}}\n")
    one, second = fleets.load(path)
    assert (one.machine, second.machine) == ({"release": "r"}, {"release": "s"})
    assert second.transport.tls


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(sorted(Transport.__dataclass_fields__))


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, JSON, max_size=4))
def test_any_transport_is_read_or_refused_in_one_sentence(mapping: dict[str, t.Any]) -> None:
    try:
        transport = Transport.from_mapping(mapping, "here")
    except FleetError as problem:
        assert str(problem).startswith("here")
    else:
        assert transport.scheme in ("http", "https")


def _variables(**mapping: t.Any) -> dict[str, t.Any]:
    (endpoint,) = fleets.from_mapping(_fleet(one=mapping))
    return inventory.variables(endpoint, 4711, "/lab/ca.pem")


def test_inventory_variables_follow_the_transport() -> None:
    basic = _variables()
    assert (basic["ansible_port"], basic["ansible_psrp_auth"]) == (4711, "basic")
    assert basic["ansible_psrp_message_encryption"] == "never"
    assert "ansible_psrp_ca_cert" not in basic
    sealed = _variables(transport={"auth": ["ntlm", "basic"]})
    assert sealed["ansible_psrp_auth"] == "ntlm"
    assert "ansible_psrp_message_encryption" not in sealed
    tls = _variables(transport={"scheme": "https", "configurations": ["Jea", "Microsoft.PowerShell"]})
    assert (tls["ansible_psrp_ca_cert"], tls["ansible_psrp_configuration_name"]) == ("/lab/ca.pem", "Jea")


def test_an_endpoint_may_change_its_variables() -> None:
    changed = _variables(
        inventory={"ansible_user": "{{ nowhere_defined }}", "ansible_password": None, "ansible_winrm_port": 5985}
    )
    assert changed["ansible_user"] == "{{ nowhere_defined }}"
    assert changed["ansible_winrm_port"] == 5985
    assert "ansible_password" not in changed


def test_the_inventory_file_is_private_and_valid(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yml"
    inventory.write(path, {"a/b": {"ansible_port": 1}, "CON": {"ansible_port": 2}})
    assert path.stat().st_mode & 0o077 == 0
    document = yaml.safe_load(path.read_text())
    assert list(document) == ["windows"]
    assert list(document["windows"]["hosts"]) == ["a/b", "CON"]
    assert document["windows"]["vars"]["ansible_connection"] == "psrp"
