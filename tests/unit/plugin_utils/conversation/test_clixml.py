# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CLIXML into plain Python: recorded output of real Windows first, then the corners."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import clixml
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import AnswerError, PSObject

RECORDED = Path(__file__).resolve().parents[5] / "shared" / "data" / "recorded"
recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded files lie beside the checkout only")


@recorded
def test_the_recorded_suite_list_is_one_list_of_eight_suites() -> None:
    values = clixml.parse((RECORDED / "GetTlsCipherSuite.xml").read_text(encoding="utf-8-sig"))
    assert len(values) == 1
    suites = values[0]
    assert isinstance(suites, list)
    assert len(suites) == 8
    assert suites[0].types[0] == "Microsoft.WindowsAuthenticationProtocols.Commands.TlsCipherSuite"
    assert suites[2].get("Name") == "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
    assert suites[2].get("CipherSuite") == 49200
    assert suites[2].get("Protocols") == [771, 65277]
    assert suites[2].get("hash") == ""


@recorded
def test_the_recorded_policy_value_is_one_text() -> None:
    values = clixml.parse((RECORDED / "TlsCipherGPOPath.xml").read_text(encoding="utf-8-sig"))
    assert len(values) == 1
    assert values[0].startswith("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384_P384,")


@recorded
def test_the_recorded_local_list_is_a_list_of_texts() -> None:
    values = clixml.parse((RECORDED / "TlsCipherLocalPath.xml").read_text(encoding="utf-8-sig"))
    names = [value for item in values for value in (item if isinstance(item, list) else [item])]
    assert names
    assert all(isinstance(name, str) and name.startswith(("TLS_", "SSL_CK_")) for name in names)


def test_a_text_with_note_properties_is_the_text() -> None:
    line = '<Obj RefId="0"><S>a line</S><MS><S N="PSPath">C:\\x</S><I64 N="ReadCount">1</I64></MS></Obj>'
    assert clixml.parse(line) == "a line"


def test_bytes_with_note_properties_are_bytes() -> None:
    kind = '<TN RefId="0"><T>System.Byte[]</T></TN>'
    data = f'<Obj RefId="0">{kind}<BA>UFJlZw==</BA><MS><I64 N="ReadCount">4</I64></MS></Obj>'
    assert clixml.parse(data) == b"PReg"


def test_an_empty_byte_array_is_empty() -> None:
    assert clixml.parse("<BA></BA>") == b""


def test_an_enumeration_keeps_name_and_number() -> None:
    obj = clixml.parse(
        '<Obj RefId="0"><TN RefId="0"><T>System.ServiceProcess.ServiceControllerStatus</T><T>System.Enum</T>'
        "<T>System.ValueType</T><T>System.Object</T></TN><ToString>Running</ToString><I32>4</I32></Obj>"
    )
    assert isinstance(obj, PSObject)
    assert (obj.text, obj.get("value")) == ("Running", 4)


def test_a_wide_number_is_told_from_a_narrow_one() -> None:
    assert isinstance(clixml.parse("<I64>1</I64>"), clixml.Int64)
    assert not isinstance(clixml.parse("<I32>1</I32>"), clixml.Int64)


def test_references_and_shared_type_names_are_followed() -> None:
    value = clixml.parse(
        '<Obj RefId="0"><LST><Obj RefId="1"><TN RefId="0"><T>X</T></TN><Props><S N="Name">a</S></Props></Obj>'
        '<Obj RefId="2"><TNRef RefId="0"/><Props><S N="Name">b</S></Props></Obj><Ref RefId="1"/></LST></Obj>'
    )
    assert [item.get("Name") for item in value] == ["a", "b", "a"]
    assert value[1].types == ("X",)


def test_control_characters_and_pairs_come_back() -> None:
    assert clixml.parse("<S>a_x000A_b_x005F_x000A_</S>") == "a\nb_x000A_"
    assert clixml.parse("<S>_xD83D__xDE00_</S>") == "\U0001f600"


def test_a_dictionary_is_a_dictionary() -> None:
    text = '<Obj RefId="0"><DCT><En><S N="Key">a</S><I32 N="Value">1</I32></En></DCT></Obj>'
    assert clixml.parse(text) == {"a": 1}


def test_a_secure_string_is_never_read() -> None:
    assert clixml.parse("<SS>0102</SS>") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "<S>",
        "<Unknown>1</Unknown>",
        "<I32>x</I32>",
        "<BA>A</BA>",
        '<Obj RefId="0"><TNRef RefId="9"/></Obj>',
        '<Ref RefId="7"/>',
        '<!DOCTYPE x [<!ENTITY a "b">]><S>&a;</S>',
        '<Obj RefId="0"><Props><S>no name</S></Props></Obj>',
        '<Obj RefId="0"><DCT><En><Nil N="Key"/><S N="Value">1</S></En></DCT></Obj>',
        "<C>99999999999</C>",
    ],
)
def test_what_is_no_clixml_is_one_error(text: str) -> None:
    with pytest.raises(AnswerError):
        clixml.parse(text)


def test_depth_does_not_break_the_reader() -> None:
    with pytest.raises(AnswerError):
        clixml.parse('<Obj RefId="0"><LST>' * 5000 + "</LST></Obj>" * 5000)


@settings(max_examples=300)
@given(st.text(alphabet=st.sampled_from('<>/ ObjTNSLI32RefId="0x_D8'), max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        clixml.parse(text)
    except AnswerError:
        pass


@pytest.mark.parametrize("text", ["Basis_XP_Härtung", "_X", "_x", "_X0041", "Basis_x005F_XP", "_x0041_", "_X0041_"])
def test_a_text_with_an_underscore_and_an_x_stays_as_it_is(text: str) -> None:
    """PowerShell writes every ``_x`` and ``_X`` as ``_x005F_x`` (recorded for Basis_XP on 7.6)."""
    wire = re.sub("_(?=[xX])", "_x005F_", text)
    assert clixml.parse(f"<S>{wire}</S>") == text


def test_an_object_that_names_itself_is_read() -> None:
    found = clixml.parse(
        '<Obj RefId="0"><TN RefId="0"><T>A</T></TN><MS><S N="Name">x</S><Ref N="Me" RefId="0" />'
        '<Obj N="Child" RefId="1"><MS><Ref N="Parent" RefId="0" /></MS></Obj></MS></Obj>'
    )
    assert (found.get("Name"), found.get("Me").get("Name")) == ("x", "x")
    assert found.get("Child").get("Parent").get("Name") == "x"
