# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registry items of Group Policy Preferences: read from the copy that an endpoint keeps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.policy.registry_preferences import (
    Item,
    gpo_of_path,
    items,
    writes,
)

SCHANNEL = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL"
XML = r"""<?xml version="1.0" encoding="utf-8"?>
<RegistrySettings clsid="{A3CCFC41-DFDB-43a5-8D26-0FE8B954DA51}"><Collection name="TLS">
<Registry name="Enabled"><Properties action="U" hive="HKEY_LOCAL_MACHINE" key="SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Ciphers\AES 128/128" name="Enabled" type="REG_DWORD" value="00000000"/></Registry>
<Registry name="x"><Properties action="D" hive="HKEY_LOCAL_MACHINE" key="SOFTWARE\R&amp;D" name="" type="REG_SZ" value=""/></Registry>
</Collection></RegistrySettings>"""  # noqa: E501


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_items_are_read_in_every_encoding(encoding: str) -> None:
    assert items(XML.encode(encoding)) == [
        Item("U", f"{SCHANNEL}\\Ciphers\\AES 128/128", "Enabled"),
        Item("D", r"HKEY_LOCAL_MACHINE\SOFTWARE\R&D", ""),
    ]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (Item("U", f"{SCHANNEL}\\Ciphers\\AES 128/128", "enabled"), True),
        (Item("D", f"{SCHANNEL}\\ciphers\\aes 128/128", "Enabled"), True),
        (Item("U", f"{SCHANNEL}\\Ciphers\\AES 128/128", "Other"), False),
        (Item("U", f"{SCHANNEL}\\Ciphers\\AES 256/256", "Enabled"), False),
        (Item("D", f"{SCHANNEL}\\Ciphers", ""), True),
        (Item("R", f"{SCHANNEL}\\Ciphers\\AES 128/128", ""), True),
        (Item("U", f"{SCHANNEL}\\Ciphers", ""), False),
    ],
)
def test_an_item_writes_its_value_and_what_is_below_a_key_that_it_takes_away(item: Item, expected: bool) -> None:
    assert writes(item, f"{SCHANNEL}\\Ciphers\\AES 128/128", "Enabled") is expected


def test_the_folder_names_the_gpo() -> None:
    guid = "{0df5a5c1-7b1e-4c6e-9e57-0e3e0f1b2a11}"
    path = rf"C:\ProgramData\Microsoft\Group Policy\History\{guid}\Machine\Preferences\Registry\Registry.xml"
    assert gpo_of_path(path) == guid.upper()
    assert gpo_of_path(r"C:\Registry.xml") is None


@given(st.binary(max_size=400))
def test_rubbish_tells_nothing(content: bytes) -> None:
    for item in items(content):
        assert item.key
