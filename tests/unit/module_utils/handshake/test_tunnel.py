# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a host and port are written down by people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from ansible_collections.fleetops.tetra.plugins.module_utils.handshake import tls_library, tunnel


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("proxy.corp:6050", "proxy.corp", 6050),
        ("http://proxy.corp:6050/", "proxy.corp", 6050),
        ("10.0.0.1", "10.0.0.1", 443),
        ("[2001:db8::1]:8080", "2001:db8::1", 8080),
        ("2001:db8::1", "2001:db8::1", 443),
        (" host ", "host", 443),
    ],
)
def test_endpoints(text: str, host: str, port: int) -> None:
    found = tunnel.parse_endpoint(text, 443)
    assert (found.host, found.port) == (host, port)
    assert tunnel.parse_endpoint(str(found)) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "host:port"),
        ("host", "port is missing"),
        ("host:0", "between"),
        ("host:99999", "between"),
        ("https://host:1", "not supported"),
        ("user:hunter2@host:1", "not supported"),
        ("a b:1", "characters"),
        ("h:1:2", "host:port"),
        ("host\r\nX:1", "characters"),
        ("h\u00f6st:1", "characters"),
        ("x" * 300 + ":1", "characters"),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        tunnel.parse_endpoint(text)
    assert "hunter2" not in str(caught.value)


@given(st.text(max_size=40))
def test_any_text(text: str) -> None:
    try:
        found = tunnel.parse_endpoint(text, 443)
    except ValueError:
        return
    assert found.host.isascii() and "\n" not in found.host and 0 < found.port < 65536


@given(st.binary(max_size=200))
def test_any_bytes_are_no_hello(data: bytes) -> None:
    assert isinstance(tls_library.offered_suites(data), tuple)


def test_missing_or_old_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls_library, "IMPORT_ERROR", "ModuleNotFoundError")
    with pytest.raises(tls_library.LibraryError, match="not installed"):
        tls_library.require()
    monkeypatch.setattr(tls_library, "IMPORT_ERROR", None)
    monkeypatch.delattr(SSL.Context, "set_tls13_ciphersuites")
    with pytest.raises(tls_library.LibraryError, match=r"25\.2"):
        tls_library.require()
