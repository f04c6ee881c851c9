# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every endpoint of the mixed fleet, once as a running build machine in the lab and once as an image: the same facts.

Sections that only a running Windows can tell are left out; of the others every fact must be equal, in every format. So
must the state be, unless the image leaves open what a cmdlet told.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.running import running_fleet
from ansible_collections.fleetops.tetra.plugins.module_utils.image.opened import open_image
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.tests.images import disks
from ansible_collections.fleetops.tetra.tests.images.lab_image import write_state

pytestmark = pytest.mark.needs(*disks.TOOLS)

CHECKOUT = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024
FLEET = CHECKOUT / "lab" / "fleets" / "mixed.yml"
SAME = ("local_order", "policy_order", "schannel", "fips", "os")
READ_BY_BOTH = (*SAME, "curves", "policy_origin", "connector")
NOT_COMPARED = ("reason", "state", "machine_guid")
"""Wording, whether a service runs, and a value that a 32-bit session does not see."""


def live_and_image(folder: Path) -> dict[str, tuple[dict[str, t.Any], dict[str, t.Any]]]:
    """(live facts, image facts) of every endpoint that could be asked, by name."""
    with running_fleet(FLEET, folder / "lab") as running:
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(running.inventory)]
        command += [str(CHECKOUT / "playbooks" / "golden_image.yml"), "-f", "4", "-e", "tetra_hosts=all"]
        command += ["-e", f"tetra_results_dir={folder / 'results'}", "-e", "tetra_run_id=live"]
        done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=False, timeout=500)
        states = {name: machine.state for name, machine in running.machines.items()}  # type: ignore[attr-defined]
    found = {}
    for path in (folder / "results" / "live" / "hosts").glob("*.json"):
        record = json.loads(path.read_text())
        if record["facts"] is None:
            continue
        name = record["host"]
        with open_image(str(write_state(states[name], folder / "images" / name))) as image:
            found[name] = (record["facts"], image.windows.facts(name, "2026-11-24T04:00:00Z"))
    assert len(found) > 20, done.stdout[-3000:] + done.stderr[-3000:]
    return found


def plain(value: t.Any) -> t.Any:
    """A fact without its wording."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in NOT_COMPARED}
    if value == "REG_SZ_OR_EXPAND_SZ":
        return "REG_SZ"
    if isinstance(value, str):
        # A 32-bit session reaches the same folder by another name.
        return value.replace("\\Sysnative\\", "\\System32\\")
    return [plain(item) for item in value] if isinstance(value, list) else value


def was_denied(value: t.Any) -> bool:
    """Whether the account was refused something, which no image refuses."""
    if isinstance(value, dict):
        refused = value.get("status") in ("denied", "unsupported", "error")
        return refused or any(was_denied(item) for item in value.values())
    return any(was_denied(item) for item in value) if isinstance(value, list) else False


def comparable(live: dict[str, t.Any], image: dict[str, t.Any]) -> dict[str, tuple[t.Any, t.Any]]:
    """Section name → (live, image), for what both can read."""
    pairs = {name: (live[name], image[name]) for name in SAME}
    for name in ("policy", "local"):
        pairs[f"curves.{name}"] = (live["curves"][name], image["curves"][name])
    for name in ("mdm", "lgpo_processing_disabled", "local_gpo", "archive"):
        pairs[f"policy_origin.{name}"] = (live["policy_origin"][name], image["policy_origin"][name])
    pairs["proxy"] = (live["proxy"], image["proxy"])
    pairs["connector"] = (live["connector"], image["connector"])
    if live["connector"]["last_update"]["time"] is None:
        # Without WMI a live endpoint does not tell its time zone; the hive always does.
        image["connector"]["last_update"]["time"] = None
    return {
        name: (before, after)
        for name, (before, after) in pairs.items()
        if before["status"] != "not_read" and not was_denied(before)
    }


def test_an_image_tells_what_the_live_endpoint_told(tmp_path: Path) -> None:
    compared = dict.fromkeys(("local_order", "policy_order", "schannel", "policy_origin.local_gpo", "connector"), 0)
    different = []
    states = []
    found = live_and_image(tmp_path)
    for host, (live, image) in found.items():
        assert live["source"] == "image"
        if not was_denied({name: live[name] for name in READ_BY_BOTH}):
            states.append((host, evaluate(live)["state"], evaluate(image)["state"]))
        for name, (before, after) in comparable(live, image).items():
            if plain(after) != plain(before):
                different.append((host, name, plain(before), plain(after)))
            if name in compared:
                compared[name] += 1
    assert different == []
    assert all(count > 3 for count in compared.values()), compared
    assert [row for row in states if row[1] != row[2] != "unknown"] == []
    assert len([row for row in states if row[1] == row[2]]) > 60, states
    host = next(host for host, (live, _image) in found.items() if is_rich(live))
    every_format_tells(found[host][0], tmp_path / "images" / host, tmp_path)


def is_rich(live: dict[str, t.Any]) -> bool:
    """Whether an endpoint has something in every part of an image that is read."""
    local = live["policy_origin"]["local_gpo"]
    parts = (live["policy_order"], local, live["connector"], live["connector"]["last_update"])
    return all(part["status"] == "ok" for part in parts) and local["entries"] != []


def every_format_tells(live: dict[str, t.Any], root: Path, folder: Path) -> None:
    """The live facts against those of its image in every format."""
    volume = disks.ntfs_of(root, folder / "windows.ntfs", 32 * MIB)
    disk = disks.disk_of([volume], folder / "disk.raw", 48 * MIB)
    images = {kind: disks.convert(disk, folder / f"image.{kind}", kind) for kind in disks.FORMATS}
    images["wim"] = disks.wim_of(root, folder / "image.wim", compression="LZX")
    for kind, path in images.items():
        with open_image(str(path)) as image:
            told = image.windows.facts(live["host"], "2026-11-24T04:00:00Z")
        for name, (before, after) in comparable(live, told).items():
            assert plain(after) == plain(before), (kind, name)
