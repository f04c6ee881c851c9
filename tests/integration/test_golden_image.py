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
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import local_gpo, registry_pol
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.domain_values import read_domain_policy_file
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.domain_join import evaluate_joined
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


def windows_inventory(tmp_path: Path) -> tuple[str, str]:
    """Options for an inventory whose variables are those of Windows hosts."""
    inventory = tmp_path / "hosts.yml"
    variables = {
        "ansible_connection": "psrp",
        "ansible_python_interpreter": "C:/Python/python.exe",
        "ansible_become": True,
        "ansible_become_method": "runas",
    }
    inventory.write_text(json.dumps({"all": {"hosts": {"vm1": None, "localhost": None}, "vars": variables}}))
    return "-i", str(inventory)


def weak_policy(tmp_path: Path) -> str:
    """The Registry.pol of a GPO that sets a list without the accepted suites."""
    data = registry_pol.sz(",".join(states.WEAK))
    empty = registry_pol.RegistryPol()
    pol = registry_pol.replace(empty, local_gpo.SSL_KEY, "Functions", registry_pol.REG_SZ, data)
    (tmp_path / "Registry.pol").write_bytes(pol.serialise())
    return str(tmp_path / "Registry.pol")


def test_a_good_image_passes_and_leaves_a_report_whatever_the_inventory_says(tmp_path: Path, images: Path) -> None:
    code, records, done = gate(tmp_path, *windows_inventory(tmp_path), tetra_images=str(images / "good.qcow2"))
    assert code == 0, done.stdout + done.stderr
    assert states_of(records) == {"good.qcow2": "compliant"}
    report = tmp_path / "results" / "run" / "report"
    names = ["index.html", "junit.xml", "report.csv", "report.json", "report.sarif"]
    assert sorted(path.name for path in report.iterdir()) == names


def test_many_images_are_one_run_with_one_report(tmp_path: Path, images: Path) -> None:
    """A folder, an image under another name, and what cannot be read: a finding is told before a doubt."""
    (tmp_path / "empty.vhdx").touch()
    (tmp_path / "text.vhdx").write_bytes(b"no image at all" * 100)
    again = {"path": str(images / "good.qcow2"), "name": "good again"}
    wanted = [str(images), "empty.vhdx", "text.vhdx", "missing.qcow2", again]
    code, records, _done = gate(tmp_path, *windows_inventory(tmp_path), "--limit", "vm1", tetra_images=wanted)
    assert code == 2
    assert states_of(records) == {
        "good.qcow2": "compliant",
        "good again": "compliant",
        "bad.vhdx": "non_compliant",
        "unapplied.wim": "non_compliant",
        "empty.vhdx": "unknown",
        "text.vhdx": "unknown",
        "missing.qcow2": "unknown",
    }
    assert records["text.vhdx"]["error"]["kind"] == "image"
    assert "There is no file" in records["missing.qcow2"]["error"]["message"]
    suites = ElementTree.parse(tmp_path / "results" / "run" / "report" / "junit.xml").getroot()
    assert {suite.get("name") for suite in suites} == set(records)
    rules = [row["rule"] for row in records["unapplied.wim"]["verdict"]["findings"]]
    assert "TETRA-POLICY-OUT-OF-STEP" in rules and "TETRA-NO-SUITE" in rules


def test_an_unknown_image_ends_with_4_unless_that_is_tolerated(tmp_path: Path, images: Path) -> None:
    (tmp_path / "broken.vhdx").write_bytes(bytes(5000))
    both = ["broken.vhdx", str(images / "good.qcow2")]
    code, _records, done = gate(tmp_path, tetra_images=both)
    assert code == 4
    assert "Unknown: broken.vhdx." in done.stdout
    assert gate(tmp_path, tetra_images=both, tetra_fail_on="non_compliant")[0] == 0


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "no endpoint"),
        ({"tetra_images": "empty"}, "holds no image file"),
        ({"tetra_images": "GOOD", "tetra_waivers": "typo.json"}, "TETRA-TYPO"),
        ({"tetra_images": "GOOD", "tetra_domain_policy": "typo.json"}, "no JSON document"),
    ],
)
def test_where_nothing_can_be_judged_nothing_is(
    tmp_path: Path, images: Path, variables: dict[str, str], words: str
) -> None:
    (tmp_path / "empty").mkdir()
    row = {"rule": "TETRA-TYPO", "image": "x", "reason": "y", "expires": "2999-12-31"}
    text = json.dumps([row]) if "tetra_waivers" in variables else "{"
    (tmp_path / "typo.json").write_text(text)
    wanted = {name: str(images / "good.qcow2") if value == "GOOD" else value for name, value in variables.items()}
    code, records, done = gate(tmp_path, **wanted)
    assert (code, records) == (4, {})
    assert words in (done.stdout + done.stderr).replace("No endpoint", "no endpoint")


def test_a_run_whose_tasks_are_all_skipped_is_no_green_gate(tmp_path: Path, images: Path) -> None:
    code, records, _done = gate(tmp_path, "--skip-tags", "always", tetra_images=str(images / "good.qcow2"))
    assert (code, records) == (4, {})


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


def test_what_a_domain_join_would_undo(tmp_path: Path, images: Path) -> None:
    """A good image and a good build machine without a connector: the list of the domain would spoil both."""
    fleet = {
        "schema": "fleetops.tetra/fleet/1",
        "endpoints": {"good-vm": {"release": "2022", "kind": "server", "connector": "absent"}},
    }
    with running_fleet(fleet, tmp_path / "lab") as running:
        wanted = {"tetra_images": str(images / "good.qcow2"), "tetra_hosts": "good-vm"}
        code, records, done = gate(
            tmp_path, "-i", str(running.inventory), tetra_domain_policy=weak_policy(tmp_path), **wanted
        )
    assert code == 2, done.stdout + done.stderr
    assert states_of(records) == {"good-vm": "non_compliant", "good.qcow2": "non_compliant"}
    for record in records.values():
        (proof,) = [row for row in record["verdict"]["findings"] if row["rule"] == "TETRA-DOMAIN-JOIN"]
        assert proof["severity"] == "high"
        assert proof["evidence"]["path"].endswith("00010002\\Functions")
        assert proof["evidence"]["value"] == ",".join(states.WEAK)
        assert "Registry.pol" in proof["evidence"]["note"]
        assert "Registry.pol" in record["verdict"]["next_step"]


def test_the_running_build_machine(tmp_path: Path) -> None:
    """None has a connector yet, and its absence excuses nothing."""
    server = {"release": "2022", "kind": "server", "connector": "absent"}
    fleet = {
        "schema": "fleetops.tetra/fleet/1",
        "endpoints": {
            "good-vm": server,
            "bad-vm": {**server, "policy": states.WEAK},
            "lost-vm": {**server, "transport": {"faults": {"refused": True}}},
        },
    }
    with running_fleet(fleet, tmp_path / "lab") as running:
        inventory = ("-i", str(running.inventory))
        code, records, done = gate(tmp_path, *inventory, tetra_hosts="good-vm")
        assert code == 0, done.stdout + done.stderr
        assert states_of(records) == {"good-vm": "compliant"}
        code, records, _done = gate(tmp_path, *inventory, tetra_hosts="good-vm:bad-vm:lost-vm")
        assert code == 2
        assert states_of(records) == {"good-vm": "compliant", "bad-vm": "non_compliant", "lost-vm": "unknown"}
        assert gate(tmp_path, *inventory, tetra_hosts="lost-vm")[0] == 4
        assert gate(tmp_path, *inventory, tetra_hosts="no-such-vm")[0] == 4


def test_a_build_machine_is_repaired_inside_the_build(tmp_path: Path) -> None:
    """What is repaired, what only waits for a restart, and what belongs to a domain; a second run changes nothing."""
    server: dict[str, t.Any] = {"release": "2022", "kind": "server", "connector": "absent", "boot_seconds": 1}
    weak = ",".join(states.WEAK)
    fleet = {
        "schema": "fleetops.tetra/fleet/1",
        "endpoints": {
            "bad-vm": {**server, "policy": states.WEAK, "origin": "local_gpo", "pending_reboot": ["update"]},
            "unapplied-vm": {**server, "origin": {"kind": "local_gpo", "value": weak}},
            "waiting-vm": {**server, "pending_reboot": ["servicing", "rename"]},
            "domain-vm": {**server, "policy": states.WEAK, "origin": {"kind": "domain_gpo", "gpo": "Old baseline"}},
        },
    }
    with running_fleet(fleet, tmp_path / "lab") as running:
        inventory = ("-i", str(running.inventory))
        machines = {name: machine.state for name, machine in running.machines.items()}  # type: ignore[attr-defined]
        boots = {name: state.boot_time for name, state in machines.items()}
        code, records, done = gate(tmp_path, *inventory, tetra_hosts="*-vm", tetra_image_repair=True)
        assert code == 2, done.stdout + done.stderr
        assert states_of(records) == {
            "bad-vm": "compliant",
            "unapplied-vm": "compliant",
            "waiting-vm": "compliant",
            "domain-vm": "non_compliant",
        }
        assert "blocked: The domain GPO Old baseline" in done.stdout
        run = tmp_path / "results" / "run"
        events = {path.stem: json.loads(path.read_text())["event"] for path in (run / "repair" / "cures").glob("*")}
        assert events == {
            "bad-vm": "proven",
            "unapplied-vm": "proven",
            "waiting-vm": "nothing_to_do",
            "domain-vm": "blocked",
        }
        assert len(list((run / "backups").rglob("*.json"))) == 2
        for record in records.values():
            assert set(record["facts"]["reboot"]["pending"].values()) == {False}
        restarted = {name for name, state in machines.items() if state.boot_time != boots[name]}
        assert restarted == {"bad-vm", "unapplied-vm", "waiting-vm"}

        # What the member of the domain told is what a good machine would get by joining it.
        domain = read_domain_policy_file(run / "hosts" / "domain-vm.json")
        joined = evaluate_joined(records["waiting-vm"]["facts"], None, domain)
        assert joined["state"] == "non_compliant"
        assert "Functions in the GPO Old baseline (domain-vm.json)" in joined["next_step"]

        before = {name: (state.boot_time, state.registry.dump()) for name, state in machines.items()}
        code, _records, done = gate(tmp_path, *inventory, tetra_hosts="*-vm:!domain-vm", tetra_image_repair=True)
        assert code == 0, done.stdout + done.stderr
        assert {name: (state.boot_time, state.registry.dump()) for name, state in machines.items()} == before
        assert "changed=1" not in done.stdout
