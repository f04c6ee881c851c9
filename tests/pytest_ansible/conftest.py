# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small fleet of the lab, as pytest-ansible's hosts. The lab is a process of its own: Ansible's finder of
collections, which pytest-ansible sets up in this one, knows nothing of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
FAILING = "TLS_RSA_WITH_AES_128_CBC_SHA"


@pytest.fixture(scope="session")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    work = tmp_path_factory.mktemp("lab")
    definition = yaml.safe_load((CHECKOUT / "lab" / "fleets" / "small.yml").read_text(encoding="utf-8"))
    # One that tests may change.
    definition["endpoints"]["to-repair"] = {
        "release": "10_22h2", "boot_seconds": 1, "policy": FAILING, "origin": "direct", "connector": {"log": "failed"},
    }  # fmt: skip
    fleet = work / "fleet.yml"
    fleet.write_text(yaml.safe_dump(definition), encoding="utf-8")
    lab = [sys.executable, "-m", "ansible_collections.fleetops.tetra.lab", "serve"]
    process = subprocess.Popen(
        [*lab, "--fleet", str(fleet), "--work-dir", str(work / "lab")], stdout=subprocess.PIPE, text=True
    )
    try:
        said = process.stdout.readline() if process.stdout is not None else ""
        assert "simulated endpoints are up" in said, said
        yield work / "lab" / "inventory.yml"
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def endpoints(ansible_adhoc: Any, inventory: Path) -> Callable[[str], Any]:
    """Hosts of the lab by a pattern; a module is a method of theirs, by ``getattr`` where its name has dots."""

    def chosen(pattern: str) -> Any:
        return ansible_adhoc(inventory=str(inventory), host_pattern=pattern, connection="psrp")[pattern]

    return chosen


@pytest.fixture
def play(inventory: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a playbook of the collection, or the text of one, on the lab."""

    def run(book: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        if "\n" in book:
            path = tmp_path / "play.yml"
            path.write_text(book, encoding="utf-8")
            book = str(path)
        command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory), book, *arguments]
        environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "False"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)

    return run
