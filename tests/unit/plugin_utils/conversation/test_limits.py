# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of an answer."""

from __future__ import annotations

import pytest

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import limits
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.limits import (
    Meter,
    body_limit,
    check_envelope,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError


def head(status: int = 200, **headers: str) -> None:
    Meter("pc-1").head(status, {name.replace("_", "-"): value for name, value in headers.items()}.get)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
def test_no_redirect_is_taken(status: int) -> None:
    with pytest.raises(SessionError, match="pc-1 answers with an HTTP redirect"):
        head(status)


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate, gzip", "X"])
def test_no_coding_is_taken(coding: str) -> None:
    with pytest.raises(SessionError, match="compressed"):
        head(content_encoding=coding)


def test_a_length_is_believed_before_anything_is_read() -> None:
    head(content_length=str(limits.MAX_BODY), content_encoding="identity")
    for length in (str(limits.MAX_BODY + 1), "9" * 400):
        with pytest.raises(SessionError, match="more than an answer can hold"):
            head(content_length=length)


def test_a_larger_envelope_that_is_asked_for_may_come() -> None:
    assert body_limit(153600) == body_limit(None) == limits.MAX_BODY
    assert body_limit(4 * 1024 * 1024) == 8 * 1024 * 1024


def test_a_conversation_has_an_end_in_bytes_and_in_answers() -> None:
    meter = Meter("pc-1")
    for _number in range(limits.MAX_CONVERSATION // limits.MAX_BODY):
        meter.take(limits.MAX_BODY)
    with pytest.raises(SessionError, match="more than an answer can hold"):
        meter.take(1)
    meter = Meter("pc-1")
    for _number in range(limits.MAX_ANSWERS):
        meter.take(0)
    with pytest.raises(SessionError, match="never comes to an end"):
        meter.take(0)


@pytest.mark.parametrize(
    "envelope",
    [
        b'<!DOCTYPE x [<!ENTITY a "b">]><x/>',
        b"<x/>" * 50_000,
        "<x/>".encode("utf-16"),
        "<x/>".encode("utf-16-be"),
        b'<?xml version="1.0" encoding="utf-7"?><x/>',
    ],
)
def test_what_windows_never_sends_reaches_no_parser(envelope: bytes) -> None:
    with pytest.raises(SessionError):
        check_envelope(envelope, "pc-1")


def test_what_windows_sends_does() -> None:
    for start in (b"", b"\xef\xbb\xbf", b'<?xml version="1.0" encoding="UTF-8"?>'):
        check_envelope(start + b"<s:Envelope><![CDATA[x]]></s:Envelope>", "pc-1")
