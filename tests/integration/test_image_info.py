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

from ansible_collections.fleetops.tetra.plugins.module_utils.policy import local_gpo, registry_pol
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


@pytest.fixture(scope="module")
def results(images: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, t.Any]]:
    """The results of all cases, as tasks of one playbook in check mode."""
    folder = tmp_path_factory.mktemp("play")
    (folder / "broken").write_bytes(b"this is no image" * 100)
    (folder / "empty").mkdir()
    data = registry_pol.sz(",".join(states.WEAK))
    pol = registry_pol.replace(registry_pol.RegistryPol(), local_gpo.SSL_KEY, "Functions", registry_pol.REG_SZ, data)
    (folder / "Registry.pol").write_bytes(pol.serialise())
    good, bad, wim = (str(images[name]) for name in ("good", "bad", "wim"))
    cases: dict[str, dict[str, t.Any]] = {
        "good": {"path": good, "host": "golden"},
        "bad": {"path": bad},
        "another list": {"path": bad, "allow_list": ["TLS_RSA_WITH_AES_128_CBC_SHA256"]},
        "strict": {"path": good, "strict": True},
        "wim": {"path": wim, "volume": "Client"},
        "domain": {"path": good, "domain_policy": str(folder / "Registry.pol")},
        "missing": {"path": str(folder / "missing.vhdx")},
        "broken": {"path": str(folder / "broken")},
        "empty": {"path": str(folder / "empty")},
        "index": {"path": wim, "volume": "3"},
        "several": {"path": wim},
        "options": {"path": str(folder / "broken"), "allow_list": []},
        "no policy": {"path": good, "domain_policy": str(folder / "broken")},
    }
    tasks: list[dict[str, t.Any]] = [
        {"fleetops.tetra.image_info": arguments, "register": f"found{number}", "ignore_errors": True, "name": "Look"}
        for number, arguments in enumerate(cases.values())
    ]
    found = ", ".join(f"found{number}" for number in range(len(cases)))
    keep = {"content": f"{{{{ [{found}] | to_json }}}}", "dest": str(folder / "results.json")}
    tasks.append({"ansible.builtin.copy": keep, "check_mode": False, "name": "Keep"})
    path = folder / "play.json"
    path.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks, "name": "Play"}]))
    environment = {**os.environ, "TMPDIR": str(folder / "tmp"), "ANSIBLE_LOCALHOST_WARNING": "false"}
    (folder / "tmp").mkdir()
    command = [str(Path(sys.executable).with_name("ansible-playbook")), str(path), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert [left.name for left in (folder / "tmp").rglob("tetra-*")] == []
    return dict(zip(cases, json.loads((folder / "results.json").read_text()), strict=True))


def test_a_good_image(results: dict[str, dict[str, t.Any]]) -> None:
    result = results["good"]
    assert (result["failed"], result["changed"], result["verdict"]["state"]) == (False, False, "compliant")
    assert (result["facts"]["host"], result["facts"]["source"]) == ("golden", "image")
    about = result["image"]
    assert (about["format"], about["volume"], about["size"], about["notes"]) == ("qcow2", "partition 3", 32 * MIB, [])
    assert 0 < about["bytes_read"] < MIB


def test_a_bad_image_and_options_of_the_judgement(results: dict[str, dict[str, t.Any]]) -> None:
    assert results["bad"]["verdict"]["state"] == "non_compliant"
    assert results["bad"]["facts"]["host"] == "x"
    assert results["another list"]["verdict"]["state"] == "compliant"
    assert results["strict"]["verdict"]["state"] == "non_compliant"


def test_an_image_of_a_wim(results: dict[str, dict[str, t.Any]]) -> None:
    assert results["wim"]["verdict"]["state"] == "non_compliant"
    assert results["wim"]["image"]["volume"] == "image 2 (Client)"


def test_what_a_domain_join_would_undo(results: dict[str, dict[str, t.Any]]) -> None:
    verdict = results["domain"]["verdict"]
    assert verdict["state"] == "non_compliant"
    assert verdict["findings"][0]["rule"] == "TETRA-DOMAIN-JOIN"


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("missing", "image", "There is no file or folder"),
        ("broken", "image", "no Windows image"),
        ("empty", "image", "There is no hive SYSTEM"),
        ("index", "image", "has no image '3'"),
        ("several", "image", "choose one with the option volume"),
        ("options", "options", "allow_list"),
        ("no policy", "options", "cannot be read as the policy of a domain"),
    ],
)
def test_bad_input_is_one_sentence(results: dict[str, dict[str, t.Any]], name: str, kind: str, words: str) -> None:
    result = results[name]
    assert (result["failed"], result["kind"]) == (True, kind)
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
