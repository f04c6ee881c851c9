# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""policy.xml and local.xml: what is read, and that nothing else ever is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.connector import local_xml, policy_xml
from ansible_collections.fleetops.tetra.plugins.module_utils.connector.xml_paths import XmlError, read_paths
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as fx

POLICY = """<?xml version="1.0" encoding="UTF-8"?>
<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo/><Object><config>
 <agent><scansettings><tetra><enable>{enable}</enable>
  <updater><enable>{updates}</enable><server>{server}</server><interval>3600</interval></updater>
 </tetra></scansettings></agent>
 <proxy><server>{proxy}</server><port>{port}</port><type>http_proxy</type><authtype>basic</authtype>
  <username>proxyuser</username><password>hunter2</password></proxy>
</config></Object></Signature>"""
LOCAL = """<config><agent><uuid>6f1c2d1e-secret</uuid><engine>{engine}</engine></agent>
<install><switches><skiptetra>{skip}</skiptetra></switches></install>
<janus><business><uuid>biz-secret</uuid></business></janus></config>"""
ENGINES = '{"engineDefinitions":[{"defVersion":"2:87001","x":1},{"defVersion":"3:5"}]}'
NEWER = f"<stats><definitions>{ENGINES}</definitions></stats>"
OLDER = "<tetra><defversions>90:86999</defversions></tetra>"


def policy(
    enable: str = "1",
    updates: str = "1",
    server: str = "tetra-defs.amp.cisco.com",
    proxy: str = "proxy.corp",
    port: str = "6050",
) -> bytes:
    return POLICY.format(enable=enable, updates=updates, server=server, proxy=proxy, port=port).encode()


def test_policy() -> None:
    assert policy_xml.read_policy(policy()) == policy_xml.Policy(
        True, True, "tetra-defs.amp.cisco.com", "proxy.corp", 6050, "http_proxy"
    )
    assert policy_xml.tetra_section(policy()) == {
        "status": "ok",
        "reason": None,
        "enabled": True,
        "update_server": "tetra-defs.amp.cisco.com",
    }
    assert policy_xml.proxy_section(policy()) == {
        "status": "ok",
        "reason": None,
        "server": "proxy.corp",
        "port": 6050,
        "type": "http_proxy",
    }


def test_sections_have_the_shape_of_the_contract() -> None:
    connector, proxy = fx.empty_section("connector"), fx.empty_section("proxy")
    for data in (policy(), b"", b"<x/>"):
        assert set(policy_xml.tetra_section(data)) == set(connector["tetra"])
        assert set(policy_xml.proxy_section(data)) == set(proxy["policy"])
        assert set(local_xml.definitions_section(data)) == set(connector["definitions"])


@pytest.mark.parametrize(
    ("enable", "updates", "skip", "enabled"),
    [
        ("1", "1", None, True),
        ("0", "1", None, False),
        ("1", "0", None, False),
        ("1", "1", True, False),
        ("", "1", None, None),
        ("yes", "1", None, None),
        ("", "0", None, False),
    ],
)
def test_tetra_switches(enable: str, updates: str, skip: bool | None, enabled: bool | None) -> None:
    assert policy_xml.tetra_section(policy(enable, updates), skip)["enabled"] is enabled


@pytest.mark.parametrize("address", ["http://user:hunter2@updates.corp:8080/av", "user:hunter2@updates.corp"])
def test_no_credentials_whatever_the_policy_holds(address: str) -> None:
    data = policy(server=address, proxy=address)
    told = json.dumps([policy_xml.tetra_section(data), policy_xml.proxy_section(data)])
    assert "hunter2" not in told and "proxyuser" not in told
    assert "updates.corp" in told


def test_odd_proxy() -> None:
    assert policy_xml.proxy_section(policy(port="99999"))["port"] is None
    assert policy_xml.proxy_section(policy(proxy=""))["status"] == "absent"


@pytest.mark.parametrize(
    ("engine", "version"),
    [
        (NEWER, "87001"),
        (OLDER, "86999"),
        (NEWER + OLDER, "87001"),
        ("", None),
        ("<tetra><defversions>90:0</defversions></tetra>", None),
        ("<tetra><defversions>86999</defversions></tetra>", None),
        ("<stats><definitions>[1]</definitions></stats>" + OLDER, "86999"),
        ("<stats><definitions>" + "[" * 50_000 + "</definitions></stats>", None),
    ],
)
def test_definitions(engine: str, version: str | None) -> None:
    data = LOCAL.format(engine=engine, skip="0").encode()
    section = local_xml.definitions_section(data)
    assert section["version"] == version
    assert section["status"] == ("ok" if version else "absent")
    assert "secret" not in repr(local_xml.read_local(data))


def test_skip_tetra() -> None:
    assert local_xml.read_local(LOCAL.format(engine="", skip="1").encode()).skip_tetra is True
    assert local_xml.read_local(b"<config/>").skip_tetra is None


BOMB = b'<!DOCTYPE a [<!ENTITY b "' + b"x" * 1000 + b'"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'
OUTSIDE = b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'


@pytest.mark.parametrize(
    "data",
    [
        BOMB,
        OUTSIDE,
        b"<a>" * 200,
        b"",
        b"<a",
        b"\xff\xfe\x00",
        b"<a>\xff</a>",
        b'<?xml version="1.0" encoding="x-none"?><a/>',
        b" " * (17 * 1024 * 1024),
    ],
)
def test_hostile_and_broken_xml_is_refused_in_one_sentence(data: bytes) -> None:
    for read in (policy_xml.tetra_section, policy_xml.proxy_section, local_xml.definitions_section):
        section = read(data)
        assert section["status"] == "error"
        assert "\n" not in section["reason"] and len(section["reason"]) < 200


def test_text_without_end() -> None:
    with pytest.raises(XmlError, match="more text"):
        read_paths(b"<a><b>" + b"x" * 100_000 + b"</b></a>", [("b",)])


def test_text_of_inner_elements_is_not_taken() -> None:
    assert read_paths(b"<a><b>one<c>two</c>three</b><b>four</b></a>", [("b",)]) == {("b",): "onethree"}


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.integers(0, len(policy())).map(lambda cut: policy()[:cut])))
def test_any_bytes(data: bytes) -> None:
    assert policy_xml.tetra_section(data)["status"] in ("ok", "error")
    assert local_xml.definitions_section(data)["status"] in ("ok", "absent", "error")
