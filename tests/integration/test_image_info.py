# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.image_info as Ansible runs it: results, refusals, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.tests.images import disks, states

pytestmark = pytest.mark.needs(*disks.TOOLS)
MODULE = "ansible_collections.fleetops.tetra.plugins.modules.image_info"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A good QCOW2, a bad VHDX, and a WIM with two images."""
    folder = tmp_path_factory.mktemp("info")
    good = states.write_tree(states.default_state(20348, "server"), folder / "good")
    bad = states.write_tree(states.policy_state(states.WEAK), folder / "bad")
    made = {}
    for name, root, kind in (("good", good, "qcow2"), ("bad", bad, "vhdx")):
        volume = disks.ntfs_of(root, folder / f"{name}.ntfs", 16 * MIB)
        made[name] = disks.convert(disks.disk_of([volume], folder / f"{name}.raw", 32 * MIB), folder / name / "x", kind)
    made["wim"] = disks.wim_of(good, folder / "install.wim", "Server", compression="LZX")
    disks.wim_of(bad, made["wim"], "Client", append=True)
    return made


def play(tmp_path: Path, arguments: dict[str, t.Any], *options: str) -> tuple[int, dict[str, t.Any]]:
    """(exit code, result) of the module as a task of a playbook."""
    out = tmp_path / "result.json"
    out.unlink(missing_ok=True)
    tasks = [
        {"fleetops.tetra.image_info": arguments, "register": "found", "ignore_errors": True, "name": "Look"},
        {
            "ansible.builtin.copy": {"content": "{{ found | to_json }}", "dest": str(out)},
            "check_mode": False,
            "name": "Keep",
        },
        {"ansible.builtin.fail": {"msg": "no"}, "when": "found is failed", "name": "End"},
    ]
    path = tmp_path / "play.json"
    path.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks, "name": "Play"}]))
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp"), "ANSIBLE_LOCALHOST_WARNING": "false"}
    (tmp_path / "tmp").mkdir(exist_ok=True)
    command = [str(Path(sys.executable).with_name("ansible-playbook")), str(path), *options]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200, check=False)
    assert "Traceback" not in done.stdout + done.stderr
    assert [found.name for found in (tmp_path / "tmp").rglob("tetra-*")] == []
    return done.returncode, json.loads(out.read_text())


def test_a_good_image(tmp_path: Path, images: dict[str, Path]) -> None:
    code, result = play(tmp_path, {"path": str(images["good"]), "host": "golden"}, "--check")
    assert (code, result["changed"], result["verdict"]["state"]) == (0, False, "compliant")
    assert (result["facts"]["host"], result["facts"]["source"]) == ("golden", "image")
    about = result["image"]
    assert (about["format"], about["volume"], about["size"], about["notes"]) == ("qcow2", "partition 3", 32 * MIB, [])
    assert 0 < about["bytes_read"] < MIB


def test_a_bad_image_and_options_of_the_judgement(tmp_path: Path, images: dict[str, Path]) -> None:
    code, result = play(tmp_path, {"path": str(images["bad"])})
    assert (code, result["verdict"]["state"]) == (0, "non_compliant")
    assert result["facts"]["host"] == "x"
    accepted = {"path": str(images["bad"]), "allow_list": ["TLS_RSA_WITH_AES_128_CBC_SHA256"]}
    assert play(tmp_path, accepted)[1]["verdict"]["state"] == "compliant"
    strict = {"path": str(images["good"]), "strict": True}
    assert play(tmp_path, strict)[1]["verdict"]["state"] == "non_compliant"


def test_an_image_of_a_wim(tmp_path: Path, images: dict[str, Path]) -> None:
    code, result = play(tmp_path, {"path": str(images["wim"]), "volume": "Client"})
    assert (code, result["verdict"]["state"]) == (0, "non_compliant")
    assert result["image"]["volume"] == "image 2 (Client)"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"path": "missing.vhdx"}, "There is no file or folder"),
        ({"path": "broken"}, "no Windows image"),
        ({"path": "empty"}, "There is no hive SYSTEM"),
        ({"path": "WIM", "volume": "3"}, "has no image '3'"),
        ({"path": "WIM"}, "choose one with the option volume"),
        ({"path": "broken", "allow_list": []}, "allow_list"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, images: dict[str, Path], arguments: dict[str, t.Any], words: str
) -> None:
    (tmp_path / "broken").write_bytes(b"this is no image" * 100)
    (tmp_path / "empty").mkdir()
    path = images["wim"] if arguments["path"] == "WIM" else tmp_path / arguments["path"]
    code, result = play(tmp_path, {**arguments, "path": str(path)})
    assert code == 2
    assert words in result["msg"]
    assert "\n" not in result["msg"]
    assert "exception" not in result or "Traceback" not in str(result["exception"])


def test_a_cancelled_task_leaves_nothing_behind(tmp_path: Path, images: dict[str, Path]) -> None:
    """SIGTERM while a tool unpacks: the module ends, its folder is gone, and so is the tool."""
    slow = tmp_path / "bin"
    slow.mkdir()
    tool = slow / "wimlib-imagex"
    tool.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/tool.pid\nexec sleep 100\n")
    tool.chmod(0o755)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {**os.environ, "PATH": f"{slow}:{os.environ['PATH']}", "TMPDIR": str(temporary)}
    process = subprocess.Popen(
        [sys.executable, "-m", MODULE], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment
    )
    assert process.stdin is not None
    arguments = {"path": str(images["wim"]), "volume": "1"}
    process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
    process.stdin.close()
    pid_file = tmp_path / "tool.pid"
    while not (pid_file.exists() and pid_file.read_text().strip()) and process.poll() is None:
        time.sleep(0.02)
    assert [found.name[:10] for found in temporary.iterdir()] == ["tetra-wim-"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) != 0
    assert list(temporary.iterdir()) == []
    # The kernel ends the tool with the module; a process that is gone has no state, one that is dying is a zombie.
    status = Path(f"/proc/{pid_file.read_text().strip()}/stat")
    for _try in range(500):
        if not status.exists() or ") Z " in status.read_text():
            break
        time.sleep(0.02)
    else:
        pytest.fail("the tool still runs")
