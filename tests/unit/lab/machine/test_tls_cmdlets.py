# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-TlsCipherSuite and Get-TlsEccCurve, against what real hosts gave."""

from __future__ import annotations

import pathlib
import typing as t
from xml.etree import ElementTree

import pytest
from psrpcore.types import PSCryptoProvider, serialize

from ansible_collections.fleetops.tetra.lab.pipeline import Command

_RECORDED = pathlib.Path(__file__).parents[4].resolve().parent / "shared" / "data" / "recorded"
_NS = "{http://schemas.microsoft.com/powershell/2004/04}"


def command(name: str, **named: t.Any) -> Command:
    return Command(name, parameters=tuple(named.items()))


def _tree(element: ElementTree.Element) -> t.Any:
    """An element for comparing: without namespace, the number of a reference resolved by order, ToString first."""
    tag = element.tag.replace(_NS, "")
    children = sorted(
        (_tree(child) for child in element), key=lambda child: child[0] not in ("TN", "TNRef", "ToString")
    )
    attributes = {name: value for name, value in element.attrib.items() if name == "N"}
    # An empty string is written <S></S> by Windows and <S /> by ElementTree.
    return (
        tag,
        attributes,
        (element.text or "").strip(),
        [child for child in children if child[0] not in ("TN", "TNRef")],
    )


@pytest.mark.skipif(not _RECORDED.is_dir(), reason="the recorded output of real hosts is not beside this checkout")
def test_the_list_object_is_the_recorded_one(windows: t.Any) -> None:
    recorded = ElementTree.parse(_RECORDED / "GetTlsCipherSuite.xml").getroot()
    names = [element.text for element in recorded.iter(f"{_NS}S") if element.get("N") == "Name"]
    reply = windows(policy=",".join(str(name) for name in names))(command("Get-TlsCipherSuite"))
    assert len(reply.output) == 1
    made = serialize(reply.output[0], PSCryptoProvider())
    assert _tree(made) == _tree(recorded[0])
    recorded_types = [[one.text for one in element] for element in recorded.iter(f"{_NS}TN")]
    assert [[one.text for one in element] for element in made.iter("TN")] == recorded_types


def test_write_output_takes_the_list_apart_and_select_keeps_what_is_asked(windows: t.Any) -> None:
    reply = windows()(
        (
            command("Get-TlsCipherSuite"),
            command("Write-Output"),
            command("Microsoft.PowerShell.Utility\\Select-Object", Property=["Name", "CipherSuite", "Protocols"]),
        )
    )
    rows = reply.rows("Name", "CipherSuite", "Protocols")
    assert len(rows) == 31
    assert rows[0] == ("TLS_AES_256_GCM_SHA384", 0x1302, [772])
    assert ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0xC030, [771, 65277]) in rows
    assert "Selected." in reply.output[0].PSObject.type_names[0]


def test_select_on_the_list_itself_finds_nothing(windows: t.Any) -> None:
    reply = windows()((command("Get-TlsCipherSuite"), command("Select-Object", Property=["Name"])))
    assert reply.rows("Name") == [(None,)]


def test_names_that_the_release_cannot_resolve_have_no_id(windows: t.Any) -> None:
    reply = windows(policy="TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384_P256,TLS_NO_SUCH,TLS_RSA_WITH_AES_128_CBC_SHA")(
        (command("Get-TlsCipherSuite"), command("Write-Output"))
    )
    assert reply.rows("Name", "CipherSuite", "Cipher", "Protocols") == [
        ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384_P256", 0, None, []),
        ("TLS_NO_SUCH", 0, None, []),
        ("TLS_RSA_WITH_AES_128_CBC_SHA", 0x2F, "AES", [769, 770, 771, 65279, 65277]),
    ]


@pytest.mark.parametrize("variant,shown", [("at_once", 1), ("after_reboot", 31)])
def test_when_a_policy_is_shown(windows: t.Any, variant: str, shown: int) -> None:
    ask = windows(
        policy="TLS_RSA_WITH_AES_128_CBC_SHA", in_force={"policy": None}, behaviours={"cmdlet_shows_policy": variant}
    )
    reply = ask((command("Get-TlsCipherSuite"), command("Write-Output")))
    assert len(reply.output) == shown


def test_there_is_no_cmdlet_before_windows_10(windows: t.Any) -> None:
    reply = windows(release="8.1_2012r2", kind="server")(
        command("Write-Output", InputObject="before"),
        command("Get-TlsCipherSuite"),
        command("Write-Output", InputObject=1),
    )
    assert reply.output == ["before"]
    assert reply.end is not None
    assert (reply.end.error_id, reply.end.category, reply.end.target) == (
        "CommandNotFoundException",
        "ObjectNotFound",
        "Get-TlsCipherSuite",
    )


def test_curves_are_one_list_of_strings(windows: t.Any) -> None:
    assert [list(value) for value in windows()(command("Get-TlsEccCurve")).output] == [
        ["curve25519", "NistP256", "NistP384"]
    ]
    ask = windows(curves={"policy": ["NistP384"]})
    assert ask((command("Get-TlsEccCurve"), command("Write-Output"))).output == ["NistP384"]


def test_name_is_a_case_sensitive_part(windows: t.Any) -> None:
    ask = windows()
    assert list(ask(command("Get-TlsCipherSuite", Name="aes")).output[0]) == []
    assert len(ask(command("Get-TlsCipherSuite", Name="TLS_PSK")).output[0]) == 6
