# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""server_info, run as Ansible runs a module: a process of its own, arguments in, JSON out."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.tls_server import TlsServer
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.tests.unit.modules.module_process import run_module

TETRA = "tetra-defs.amp.cisco.com"


def run(**arguments: t.Any) -> tuple[int, dict[str, t.Any]]:
    return run_module("server_info", arguments)


def test_default_is_the_allow_list() -> None:
    with TlsServer(ALLOW_LIST) as server:
        code, result = run(host="127.0.0.1", port=server.port, server_name=TETRA, pause=0, _ansible_check_mode=True)
    assert (code, result["changed"], result["accepted"]) == (0, False, list(ALLOW_LIST))
    assert result["drift"]["answer"] == "none"
    assert result["measured_at"].endswith("Z")


def test_all_through_a_proxy() -> None:
    with TlsServer(ALLOW_LIST, proxy=True) as server:
        code, result = run(region="eu", proxy=f"127.0.0.1:{server.proxy_port}", suites=["all"], pause=0)
        targets = set(server.connect_targets)
    assert (code, sorted(result["accepted"]), result["unknown"]) == (0, sorted(ALLOW_LIST), [])
    assert targets == {"tetra-defs.eu.amp.cisco.com:443"}
    assert result["proxy"] == f"127.0.0.1:{server.proxy_port}"


def test_a_server_that_cannot_be_asked_fails_with_what_was_seen() -> None:
    with TlsServer(ALLOW_LIST, proxy=True, proxy_status=407) as server:
        code, result = run(proxy=f"127.0.0.1:{server.proxy_port}")
    assert (code, result["failed"], result["reached"]) == (1, True, False)
    assert "407" in result["msg"] and "\n" not in result["msg"]
    assert result["unknown"] == list(ALLOW_LIST)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"host": "a b"}, "host cannot be used"),
        ({"host": "x:99999"}, "between 1 and 65535"),
        ({"host": "x", "region": "eu"}, "mutually exclusive"),
        ({"region": "mars"}, "region"),
        ({"proxy": "http://user:hunter2@proxy:1"}, "not supported"),
        ({"proxy": "proxy"}, "port is missing"),
        ({"suites": ["TLS_NONSENSE"]}, "TLS_NONSENSE"),
        ({"suites": ["all", "TLS_AES_128_GCM_SHA256"]}, "'all'"),
        ({"allow_list": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256_P256"]}, "without curve suffix"),
        ({"timeout": 0}, "timeout"),
        ({"pause": -1}, "pause"),
        ({"max_connections": 0}, "max_connections"),
        ({"ca_file": "/nowhere/roots.pem"}, "does not exist"),
        ({"server_name": "x y"}, "server_name"),
    ],
)
def test_bad_input_gets_one_sentence_before_any_connection(arguments: dict[str, t.Any], words: str) -> None:
    code, result = run(**arguments)
    assert code == 1
    assert words in result["msg"]
    assert "\n" not in result["msg"] and "hunter2" not in result["msg"]
