# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small readers of an image: WinHTTP settings, paths of the connector, times."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import iso_from_filetime
from ansible_collections.fleetops.tetra.plugins.module_utils.image.connector import volume_path
from ansible_collections.fleetops.tetra.plugins.module_utils.image.proxy import parse_winhttp


def blob(flags: int, server: bytes, bypass: bytes) -> bytes:
    """A WinHttpSettings value."""
    head = struct.pack("<III", 0x28, 7, flags)
    return head + struct.pack("<I", len(server)) + server + struct.pack("<I", len(bypass)) + bypass + bytes(32)


def test_winhttp_settings() -> None:
    assert parse_winhttp(blob(3, b"proxy.example:8080", b"<local>")) == ("proxy.example:8080", "<local>")
    assert parse_winhttp(blob(3, b"proxy.example:8080", b"")) == ("proxy.example:8080", None)
    assert parse_winhttp(blob(1, b"", b"")) == (None, None)
    assert parse_winhttp(blob(3, b"http=user:secret@proxy:80;https=https://u:p@other:81", b"")) == (
        "http=proxy:80;https=https://other:81",
        None,
    )
    assert parse_winhttp(b"") is None
    assert parse_winhttp(blob(3, b"proxy", b"")[:14]) is None


@given(st.binary(max_size=80))
def test_any_winhttp_value_is_read_or_refused(data: bytes) -> None:
    found = parse_winhttp(data)
    assert found is None or len(found) == 2


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (r"C:\Program Files\Cisco\AMP", "Program Files/Cisco/AMP"),
        ("c:\\Program Files\\Cisco\\AMP\\", "Program Files/Cisco/AMP"),
        (r"D:\Cisco", None),
        (r"\\server\share\x", None),
        (r"C:\..\..\etc", None),
        (r"C:\*\[a]", None),
        ("C:\\", None),
        ("", None),
    ],
)
def test_paths_on_the_volume_of_windows(path: str, expected: str | None) -> None:
    assert volume_path(path) == expected


def test_filetimes() -> None:
    assert iso_from_filetime(132_000_000_000_000_000) == "2019-04-17T18:40:00Z"
    assert iso_from_filetime(0) is None
    assert iso_from_filetime(2**64 - 1) is None
