# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ready pipelines in docs/ci: they parse, and their own command passes a good image and fails a bad one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import hcl2
import pytest
import yaml

from ansible_collections.fleetops.tetra.lab.running import running_fleet
from ansible_collections.fleetops.tetra.tests.images import disks, states

pytestmark = pytest.mark.needs(*disks.TOOLS)
CHECKOUT = Path(__file__).resolve().parents[2]
CI = CHECKOUT / "docs" / "ci"
FORMATS = ["html", "json", "csv", "junit", "sarif"]
MIB = 1024 * 1024


def load(name: str) -> t.Any:
    """A pipeline in YAML."""
    return yaml.safe_load((CI / name).read_text())


def github() -> list[str]:
    """The commands of the GitHub Actions workflow."""
    steps = load("github-actions.yml")["jobs"]["gate"]["steps"]
    assert all(("run" in step) != ("uses" in step) for step in steps)
    return [step["run"] for step in steps if "run" in step]


def gitlab() -> list[str]:
    """The commands of the GitLab job."""
    job = load("gitlab-ci.yml")["golden-image"]
    return [*job["before_script"], *job["script"]]


def azure() -> list[str]:
    """The commands of the Azure pipeline."""
    return [step["script"] for step in load("azure-pipelines.yml")["steps"] if "script" in step]


def jenkins() -> list[str]:
    """The shell steps of the Jenkinsfile."""
    text = (CI / "Jenkinsfile").read_text()
    code = re.sub(r"'''.*?'''", "''", text, flags=re.DOTALL)
    code = re.sub(r"'[^'\n]*'|//[^\n]*", "", code)
    assert code.count("{") == code.count("}") > 5
    assert re.match(r"pipeline\s*\{", code.strip())
    return re.findall(r"sh '''(.*?)'''", text, flags=re.DOTALL)


def packer() -> dict[str, t.Any]:
    """The build block of the Packer template."""
    with (CI / "golden_image.pkr.hcl").open() as file:
        document = hcl2.load(file)
    (build,) = document["build"]
    return dict(build)


def shell_local(build: dict[str, t.Any], kind: str) -> dict[str, t.Any]:
    """The shell-local block of a kind (provisioner, post-processor)."""
    for block in build[kind]:
        for name, content in block.items():
            if name.strip('"') == "shell-local":
                return dict(content)
    raise AssertionError(f"no shell-local {kind}")


def packer_command(kind: str) -> str:
    """Its one command, without the quotation that some versions of the parser keep."""
    (command,) = shell_local(packer(), kind)["inline"]
    command = str(command)
    return command[1:-1].replace('\\"', '"') if command.startswith('"') else command.replace('\\"', '"')


def gate_command(name: str) -> str:
    """The command that judges the image, of the pipeline of that name."""
    if name == "packer":
        return packer_command("post-processor")
    commands = {"github": github, "gitlab": gitlab, "azure": azure, "jenkins": jenkins}[name]()
    (command,) = [command for command in commands if "golden_image" in command]
    return command


def shell(command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a pipeline's command as its runner would: bash, stop at the first error, Ansible on the PATH."""
    path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path, "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / "build" / "dev"), **variables}
    (folder / "docs").symlink_to(CHECKOUT / "docs") if not (folder / "docs").exists() else None
    return subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """A good and a bad image."""
    folder = tmp_path_factory.mktemp("ci")
    made = {}
    for good, state in ((True, states.default_state(20348, "server")), (False, states.policy_state(states.WEAK))):
        volume = disks.ntfs_of(states.write_tree(state, folder / str(good)), folder / f"{good}.ntfs", 16 * MIB)
        made[good] = disks.convert(volume, folder / f"image with a space {good}.qcow2", "qcow2")
    return made


def pipelines_by_command() -> dict[str, list[str]]:
    """The pipelines that run the same command, which is run once for all of them."""
    found: dict[str, list[str]] = {}
    for name in ("github", "gitlab", "azure", "jenkins", "packer"):
        lines = (line.strip() for line in gate_command(name).strip().splitlines())
        found.setdefault("\n".join(lines), []).append(name)
    return found


@pytest.mark.parametrize(
    "command", [pytest.param(key, id="+".join(row)) for key, row in pipelines_by_command().items()]
)
def test_the_pipeline_passes_a_good_image_and_fails_a_bad_one(
    command: str, images: dict[bool, Path], tmp_path: Path
) -> None:
    for good, code in ((True, 0), (False, 2)):
        folder = tmp_path / str(good)
        folder.mkdir()
        done = shell(command, folder, IMAGE=str(images[good]))
        assert done.returncode == code, done.stdout + done.stderr
        report = folder / "results" / "gate" / "report"
        assert {path.name for path in report.iterdir()} >= {"junit.xml", "report.sarif", "index.html"}


def test_the_paths_that_pipelines_publish_are_those_that_the_gate_writes() -> None:
    for file in sorted(CI.iterdir()):
        for path in re.findall(r"results/[\w./*-]+", file.read_text()):
            assert path.startswith("results/gate/report"), (file, path)


def test_what_pipelines_install_is_what_the_collection_needs() -> None:
    needed = {line.split("=")[0].strip().lower() for line in (CHECKOUT / "requirements.txt").read_text().splitlines()}
    for commands in (github(), gitlab(), azure(), jenkins()):
        (line,) = re.findall(r"pip install ([^\n]+)", "\n".join(commands))
        assert set(line.split()) == {"ansible-core", "pypsrp", "jmespath"}
        assert set(line.split()) <= needed
        assert "ansible-galaxy collection install fleetops.tetra" in "\n".join(commands)


def test_the_packer_template_audits_the_running_machine(tmp_path: Path) -> None:
    build = packer()
    given = [str(item).strip('"') for item in shell_local(build, "provisioner")["environment_vars"]]
    assert [item.partition("=")[0] for item in given] == ["VM_HOST", "VM_PORT", "VM_USER", "VM_PASSWORD", "REPAIR"]
    fleet = {
        "schema": "fleetops.tetra/fleet/1",
        "endpoints": {
            "good": {"release": "2022", "kind": "server", "transport": {"auth": ["ntlm"]}},
            "bad": {
                "release": "2022",
                "kind": "server",
                "policy": states.WEAK,
                "origin": "direct",
                "boot_seconds": 1,
                "transport": {"auth": ["ntlm"]},
            },
        },
    }
    with running_fleet(fleet, tmp_path / "lab") as running:
        hosts = yaml.safe_load(running.inventory.read_text())
        for name, repair, code in (("good", "false", 0), ("bad", "false", 2), ("bad", "true", 0)):
            found = _variables(hosts, name)
            folder = tmp_path / f"{name}-{repair}"
            folder.mkdir()
            done = shell(
                packer_command("provisioner"),
                folder,
                VM_HOST="127.0.0.1",
                VM_PORT=str(found["ansible_port"]),
                VM_USER=str(found["ansible_user"]),
                VM_PASSWORD=str(found["ansible_password"]),
                VM_AUTH=str(found["ansible_psrp_auth"]),
                VM_PROTOCOL=str(found["ansible_psrp_protocol"]),
                REPAIR=repair,
            )
            assert done.returncode == code, done.stdout + done.stderr
            assert str(found["ansible_password"]) not in done.stdout + done.stderr


def _variables(inventory: t.Any, host: str) -> dict[str, t.Any]:
    """All variables of a host in an inventory file."""
    found: dict[str, t.Any] = {}
    for group in inventory.values():
        found.update(group.get("vars") or {})
        found.update((group.get("hosts") or {}).get(host) or {})
    return found
