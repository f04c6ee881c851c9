# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook golden_image on images made by real tools and on a build machine in the lab: exit codes and reports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ansible_collections.fleetops.tetra.lab.running import running_fleet
from ansible_collections.fleetops.tetra.tests.images import disks, states

pytestmark = pytest.mark.needs(*disks.TOOLS)
CHECKOUT = Path(__file__).resolve().parents[2]
PLAYBOOK = CHECKOUT / "playbooks" / "golden_image.yml"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with good.qcow2, bad.vhdx and unapplied.wim."""
    folder = tmp_path_factory.mktemp("golden")
    made = folder / "made"
    (folder / "images").mkdir()
    for name, state, kind in (
        ("good.qcow2", states.default_state(20348, "server"), "qcow2"),
        ("bad.vhdx", states.policy_state(states.WEAK), "vhdx"),
    ):
        volume = disks.ntfs_of(states.write_tree(state, made / name), folder / "windows.ntfs", 16 * MIB)
        disks.convert(volume, folder / "images" / name, kind)
        volume.unlink()
    root = states.write_tree(states.unapplied_policy_state(states.WEAK), made / "unapplied")
    disks.wim_of(root, folder / "images" / "unapplied.wim", compression="LZX")
    return folder / "images"


def gate(
    tmp_path: Path, *arguments: str, **variables: t.Any
) -> tuple[int, dict[str, dict[str, t.Any]], subprocess.CompletedProcess[str]]:
    """(exit code, records by name, process) of one run of the playbook."""
    variables = {"tetra_results_dir": str(tmp_path / "results"), "tetra_run_id": "run", **variables}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), str(PLAYBOOK), *arguments]
    command += ["-e", json.dumps(variables)]
    environment = {**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false"}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=300, check=False
    )
    records = {}
    for path in (tmp_path / "results" / "run" / "hosts").glob("*.json"):
        record = json.loads(path.read_text())
        records[record["host"]] = record
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, records, done


def states_of(records: dict[str, dict[str, t.Any]]) -> dict[str, str]:
    """Name → state."""
    return {name: record["verdict"]["state"] for name, record in records.items()}


def test_a_good_image_passes_and_leaves_a_report(tmp_path: Path, images: Path) -> None:
    code, records, done = gate(tmp_path, tetra_images=str(images / "good.qcow2"))
    assert code == 0, done.stdout + done.stderr
    assert states_of(records) == {"good.qcow2": "compliant"}
    report = tmp_path / "results" / "run" / "report"
    names = ["index.html", "junit.xml", "report.csv", "report.json", "report.sarif"]
    assert sorted(path.name for path in report.iterdir()) == names


def test_a_folder_of_images_is_one_run_with_one_report(tmp_path: Path, images: Path) -> None:
    code, records, _done = gate(tmp_path, tetra_images=str(images))
    assert code == 2
    expected = {"good.qcow2": "compliant", "bad.vhdx": "non_compliant", "unapplied.wim": "non_compliant"}
    assert states_of(records) == expected
    suites = ElementTree.parse(tmp_path / "results" / "run" / "report" / "junit.xml").getroot()
    assert {suite.get("name") for suite in suites} == set(expected)
    rules = [row["rule"] for row in records["unapplied.wim"]["verdict"]["findings"]]
    assert "TETRA-POLICY-OUT-OF-STEP" in rules and "TETRA-NO-SUITE" in rules


@pytest.mark.parametrize("content", [b"", b"no image at all" * 100])
def test_an_image_that_cannot_be_read_is_unknown_and_ends_with_4(tmp_path: Path, images: Path, content: bytes) -> None:
    (tmp_path / "broken.vhdx").write_bytes(content)
    wanted = ["broken.vhdx", "missing.qcow2", {"path": str(images / "good.qcow2"), "name": "good"}]
    code, records, _done = gate(tmp_path, tetra_images=wanted)
    assert code == 4
    assert states_of(records) == {"broken.vhdx": "unknown", "missing.qcow2": "unknown", "good": "compliant"}
    assert records["broken.vhdx"]["error"]["kind"] == "image"
    assert "There is no file" in records["missing.qcow2"]["error"]["message"]


def test_unknown_images_may_be_tolerated_but_never_all_of_them(tmp_path: Path, images: Path) -> None:
    (tmp_path / "broken.vhdx").write_bytes(bytes(5000))
    both = ["broken.vhdx", str(images / "good.qcow2")]
    assert gate(tmp_path, tetra_images=both, tetra_fail_on="non_compliant")[0] == 0
    assert gate(tmp_path, tetra_images="broken.vhdx", tetra_fail_on="non_compliant")[0] == 4


def test_nothing_to_judge_is_no_green_gate(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, _records, done = gate(tmp_path, tetra_images="empty")
    assert (code, "holds no image file" in done.stdout + done.stderr) == (4, True)
    assert gate(tmp_path)[0] == 4
    assert gate(tmp_path, tetra_images=[])[0] == 4
    assert gate(tmp_path, tetra_images=[{"file": "x"}])[0] == 4


def test_waivers_excuse_until_their_day_and_are_told(tmp_path: Path, images: Path) -> None:
    row = {"rule": "TETRA-NO-SUITE", "image": "bad.vhdx", "reason": "Replaced soon", "expires": "2999-12-31"}
    file = tmp_path / "waivers.yml"
    file.write_text(json.dumps([row, {**row, "image": "gone.vhdx"}]))
    bad = [str(images / "bad.vhdx"), str(images / "good.qcow2")]
    code, records, done = gate(tmp_path, tetra_images=bad, tetra_waivers=str(file))
    assert code == 0, done.stdout
    assert states_of(records) == {"bad.vhdx": "not_applicable", "good.qcow2": "compliant"}
    assert records["bad.vhdx"]["verdict"]["waived"] == {"state": "non_compliant", "waivers": [row]}
    assert "bad.vhdx: Waived until 2999-12-31: Replaced soon" in done.stdout
    assert "gone.vhdx: TETRA-NO-SUITE" in done.stdout
    junit = (tmp_path / "results" / "run" / "report" / "junit.xml").read_text()
    assert "<skipped" in junit and "Replaced soon" in junit

    file.write_text(json.dumps([{**row, "expires": "2020-01-31"}]))
    code, records, done = gate(tmp_path, tetra_images=bad, tetra_waivers=str(file))
    assert code == 2
    assert states_of(records)["bad.vhdx"] == "non_compliant"
    assert "expired on 2020-01-31" in done.stdout

    file.write_text(json.dumps([{**row, "rule": "TETRA-TYPO"}]))
    code, _records, done = gate(tmp_path, tetra_images=bad, tetra_waivers=str(file))
    assert (code, "TETRA-TYPO" in done.stdout + done.stderr) == (4, True)
    assert gate(tmp_path, tetra_images=bad, tetra_waivers="nowhere.yml")[0] == 4


def test_an_inventory_of_windows_hosts_does_not_disturb_images(tmp_path: Path, images: Path) -> None:
    inventory = tmp_path / "hosts.yml"
    variables = {
        "ansible_connection": "psrp",
        "ansible_python_interpreter": "C:/Python/python.exe",
        "ansible_become": True,
        "ansible_become_method": "runas",
    }
    inventory.write_text(json.dumps({"all": {"hosts": {"vm1": None, "localhost": None}, "vars": variables}}))
    good = str(images / "good.qcow2")
    code, _records, done = gate(tmp_path, "-i", str(inventory), tetra_images=good)
    assert code == 0, done.stdout + done.stderr
    code, _records, done = gate(tmp_path, "-i", str(inventory), "--limit", "vm1", tetra_images=str(images / "bad.vhdx"))
    assert code == 2, done.stdout + done.stderr


def test_the_running_build_machine(tmp_path: Path) -> None:
    fleet = {
        "schema": "fleetops.tetra/fleet/1",
        "endpoints": {
            "good-vm": {"release": "2022", "kind": "server"},
            "bad-vm": {"release": "2022", "kind": "server", "policy": states.WEAK},
            "lost-vm": {"release": "2022", "kind": "server", "transport": {"faults": {"refused": True}}},
        },
    }
    with running_fleet(fleet, tmp_path / "lab") as running:
        inventory = ("-i", str(running.inventory))
        code, records, done = gate(tmp_path, *inventory, tetra_hosts="good-vm")
        assert code == 0, done.stdout + done.stderr
        assert states_of(records) == {"good-vm": "compliant"}
        assert gate(tmp_path, *inventory, tetra_hosts="bad-vm")[0] == 2
        assert gate(tmp_path, *inventory, tetra_hosts="lost-vm")[0] == 4
        assert gate(tmp_path, *inventory, tetra_hosts="no-such-vm")[0] == 4
