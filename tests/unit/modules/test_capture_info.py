# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""capture_info, run as Ansible runs a module: a process of its own, arguments in, JSON out; and make capture's tool."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.capture import files, wire
from ansible_collections.fleetops.tetra.tests.captures import hellos, scenarios
from ansible_collections.fleetops.tetra.tests.unit.endpoint_facts import endpoint
from ansible_collections.fleetops.tetra.tests.unit.modules.module_process import run_module

pytestmark = pytest.mark.needs("openssl")
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """(failing, good)."""
    failing, good = tmp_path / "failing.pcap", tmp_path / "good.pcap"
    failing.write_bytes(files.pcap(wire.frames(wire.segments(hellos.note_conversation()), "sll"), 113))
    good.write_bytes(files.pcap(wire.frames(wire.segments(scenarios.made("good-proxy"))), 1))
    return failing, good


def run(**arguments: t.Any) -> tuple[int, dict[str, t.Any]]:
    return run_module("capture_info", arguments)


def test_a_pair(pair: tuple[Path, Path]) -> None:
    code, result = run(path=str(pair[0]), good=str(pair[1]), _ansible_check_mode=True)
    assert (code, result["changed"]) == (0, False)
    assert result["capture"]["verdict"] == "no_suite_in_common"
    assert result["good"]["verdict"] == "established"
    assert result["comparison"]["first"]["stage"] in ("way", "hello")


def test_the_hello_against_the_facts(pair: tuple[Path, Path], tmp_path: Path) -> None:
    facts = endpoint()
    code, result = run(path=str(pair[0]), facts=facts)
    expectation = result["capture"]["connections"][0]["expectation"]
    assert (code, expectation["answer"]) == (0, "differs")
    assert "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" in expectation["missing"]
    record = tmp_path / "pc.json"
    record.write_text(json.dumps({"facts": facts}), encoding="utf-8")
    assert run(path=str(pair[0]), record=str(record))[1]["capture"] == result["capture"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"path": "/nowhere"}, "cannot be opened"),
        ({"path": __file__}, "is no capture"),
        ({"path": __file__, "most": 0}, "between 1 and 100000"),
        ({"path": __file__, "max_size": 0}, "between 1 and 1024"),
        ({"path": __file__, "addresses": ["x"]}, "no IP address"),
        ({"path": __file__, "allow_list": ["TLS_NONSENSE"]}, "no cipher suite"),
        ({"path": __file__, "record": __file__}, "no record"),
    ],
)
def test_bad_input_gets_one_sentence(arguments: dict[str, t.Any], words: str) -> None:
    code, result = run(**arguments)
    assert (code, result["failed"]) == (1, True)
    assert words in result["msg"]
    assert "\n" not in result["msg"]


def test_a_capture_of_20_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "huge.pcap"
    with path.open("wb") as out:
        out.write(files.pcap([], 1))
        out.truncate(20_000_000_000)  # sparse: it takes no room
    code, result = run(path=str(path))
    assert (code, result["failed"]) == (1, True)
    assert "has 20.0 GB, more than max_size allows (16.0 GB)" in result["msg"]
    assert "editcap" in result["msg"] and "\n" not in result["msg"]


def test_what_a_capture_answers_for_the_fleet(tmp_path: Path) -> None:
    path = tmp_path / "modern.pcap"
    path.write_bytes(files.pcap(wire.frames(wire.segments(scenarios.made("good-modern"))), 1))
    assert run(path=str(path))[1]["answers"] == {"updater_offers_tls13": "yes"}


def test_facts_that_are_none(pair: tuple[Path, Path]) -> None:
    code, result = run(path=str(pair[0]), facts={"schema": "something"})
    assert (code, "no facts document" in result["msg"]) == (1, True)


def test_make_capture(pair: tuple[Path, Path]) -> None:
    command = [sys.executable, str(ROOT / "tools" / "capture.py"), str(pair[0]), "--good", str(pair[1])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "no_suite_in_common" in done.stdout
    assert "Alert 40 handshake_failure" in done.stdout
    assert "First difference:" in done.stdout
    wrong = subprocess.run([*command[:2], __file__], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
