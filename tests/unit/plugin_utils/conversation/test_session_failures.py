# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exceptions of the wire become one sentence, and nothing secret gets into it."""

from __future__ import annotations

import signal
import socket
import ssl
import time
import typing as t

import pytest
import requests
import urllib3
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError
from spnego.exceptions import NoCredentialError

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded, deadline
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session_failures import (
    EndpointAddress,
    explain,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError

PLACE = EndpointAddress("pc-1", 5986, "https", "kerberos", "Microsoft.PowerShell")
SECRET = "hunter2"


def wrapped(inner: BaseException, outer: BaseException) -> BaseException:
    """``outer`` as it looks when it was raised while ``inner`` was handled."""
    outer.__context__ = inner
    return outer


def verification() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


def wrong_version() -> ssl.SSLError:
    error = ssl.SSLError(1, "wrong version number")
    error.reason = "WRONG_VERSION_NUMBER"
    return error


def url_error(inner: BaseException) -> requests.ConnectionError:
    return requests.ConnectionError(f"http://user:{SECRET}@proxy/ failed", inner)


CASES: list[tuple[BaseException, str, str]] = [
    (AuthenticationError(f"user {SECRET}"), "authentication", "refuses the log-in with kerberos"),
    (NoCredentialError(base_error=None, context_msg="no ticket"), "authentication", "Kerberos ticket"),
    (wrapped(verification(), requests.exceptions.SSLError("x")), "tls", "self-signed certificate"),
    (wrapped(wrong_version(), requests.exceptions.SSLError("x")), "tls", "does not speak TLS"),
    (requests.exceptions.SSLError("x"), "tls", "The TLS handshake with pc-1 port 5986 failed"),
    (url_error(ConnectionRefusedError(111, "refused")), "unreachable", "refuses the connection"),
    (url_error(socket.gaierror(-2, "unknown")), "unreachable", "The name pc-1 cannot be resolved."),
    (requests.ConnectTimeout("x"), "unreachable", "does not answer"),
    (requests.ReadTimeout("x"), "timeout", "did not answer it in time"),
    (
        url_error(urllib3.exceptions.ProtocolError("x", ConnectionResetError(104, "reset"))),
        "session",
        "broke the connection",
    ),
    (url_error(OSError(113, "no route")), "unreachable", "no route to it"),
    (requests.exceptions.ProxyError(f"http://u:{SECRET}@p"), "unreachable", "HTTP proxy"),
    (WinRMTransportError("http", 503, SECRET), "session", "not ready (HTTP 503)"),
    (WinRMTransportError("http", 500, SECRET), "session", "HTTP 500"),
    (WSManFaultError(5, SECRET, SECRET, None, None, None), "authentication", "Remote Management Users"),
    (WSManFaultError("2150859174", None, None, None, None, None), "session", "no room for another session"),
    (WSManFaultError(None, SECRET, None, None, None, None), "session", "WS-Man fault"),
    (ValueError("For basic auth, the password must be specified"), "authentication", "needs ansible_user"),
    (ValueError("Cannot use message encryption with auth 'basic'"), "authentication", "cannot encrypt messages"),
    (OSError("Could not find a suitable TLS CA certificate bundle, invalid path: x"), "tls", "ansible_psrp_ca_cert"),
    (DeadlineExceeded(), "timeout", "within 5 seconds"),
    (RuntimeError(SECRET), "session", "RuntimeError"),
]


@pytest.mark.parametrize(("error", "kind", "part"), CASES, ids=lambda value: type(value).__name__)
def test_each_failure_has_its_sentence(error: BaseException, kind: str, part: str) -> None:
    found = explain(error, PLACE, 5)
    assert (found.kind, part in str(found)) == (kind, True), str(found)
    assert SECRET not in str(found)
    assert str(found).endswith(".")
    assert "\n" not in str(found)


def test_an_own_error_is_found_below_others() -> None:
    own = SessionError("session", "As it is.")
    assert explain(wrapped(own, RuntimeError("outer")), PLACE) is own


def test_a_deadline_rings_and_leaves_no_alarm_behind() -> None:
    with pytest.raises(DeadlineExceeded), deadline(0.05):
        time.sleep(5)
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_a_deadline_gives_an_outer_alarm_its_time_back() -> None:
    signal.setitimer(signal.ITIMER_REAL, 60)
    try:
        with deadline(5):
            assert signal.getitimer(signal.ITIMER_REAL)[0] <= 5
        assert 50 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60
        with deadline(600):
            assert signal.getitimer(signal.ITIMER_REAL)[0] <= 60
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def test_no_deadline_sets_no_alarm() -> None:
    with deadline(0):
        assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_sentences_name_the_setting_that_is_wrong() -> None:
    def told(error: BaseException, **about: t.Any) -> str:
        return str(explain(error, EndpointAddress(**{**_PC, **about})))

    late, refused, lost = requests.ReadTimeout(), AuthenticationError("x"), requests.ConnectionError(ConnectionError())
    assert "has to be longer than ansible_psrp_operation_timeout (20)" in told(
        late, read_timeout=5, operation_timeout=20
    )
    assert "did not answer it in time" in told(late, read_timeout=30, operation_timeout=20)
    assert "negotiate_send_cbt is off" in told(refused, sends_channel_binding=False)
    assert "the user or password is wrong, or" in told(refused)
    assert "has no user: set ansible_user" in told(refused, has_user=False)
    assert "set ansible_psrp_protocol to https" in told(lost, protocol="http")
    assert "in the middle of an answer" in told(lost)


_PC = {"host": "pc", "port": 5986, "protocol": "https", "auth": "ntlm", "configuration": "Microsoft.PowerShell"}
