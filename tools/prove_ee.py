# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the steps of the execution environment in docs/ee in clean Debian folders, without a container engine.

Usage: prove_ee.py TARBALL ANSIBLE_WINDOWS WORK   (as root; needs debootstrap and the network)

ansible-builder makes its build context; every instruction of the Dockerfile that it writes is carried out with chroot,
each stage in a folder of its own. So what is shown is that the packages named by the collection install, build and
import; no image is built. Where Galaxy is not reached, ansible.windows is copied from ANSIBLE_WINDOWS (an
``ansible_collections/ansible`` folder) and left out of the context.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from dockerfile_parse import DockerfileParser

CHECKOUT = Path(__file__).resolve().parent.parent
DEFINITION = CHECKOUT / "docs" / "ee" / "execution-environment.yml"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

CHECK = """
set -e
python3 -c "import pypsrp, spnego, gssapi, krb5, h11, greenlet, jmespath, OpenSSL; print('imports: ok')"
ansible-doc -t module fleetops.tetra.audit > /dev/null && echo "ansible-doc: ok"
command -v kinit
ansible-galaxy collection list 2>/dev/null | grep fleetops
"""


def run(command: list[str], **more: object) -> None:
    print("+", shlex.join(command), flush=True)
    subprocess.run(command, check=True, **more)  # type: ignore[call-overload]


class Stage:
    """One FROM of the Dockerfile: a root folder, its variables and its working folder."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.root = root
        self.environment = dict(environment)
        self.folder = "/"

    def inside(self, path: str) -> Path:
        return self.root / str(Path(self.folder) / path).lstrip("/")

    def run(self, script: str) -> None:
        passed = {name: value for name, value in os.environ.items() if name.startswith("PIP_") and "FIND" not in name}
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LC_ALL": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
            **passed,
            **self.environment,
        }
        run(
            ["chroot", str(self.root), "/bin/sh", "-c", f"cd {shlex.quote(self.folder)} && {script}"],
            env=environment,
            stdin=subprocess.DEVNULL,
        )


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target / source.name if target.is_dir() else target)


def substituted(text: str, variables: dict[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda found: variables.get(found[1], ""), text)


def carry_out(context: Path, debian: Path, work: Path, ansible_windows: Path) -> Stage:
    dockerfile = DockerfileParser(str(context / "Dockerfile"))
    stages: dict[str, Stage] = {}
    arguments: dict[str, str] = {}
    stage: Stage | None = None
    for step in dockerfile.structure:
        kind, value = step["instruction"], step["value"]
        if kind == "FROM":
            image, _as, name = value.partition(" AS ")
            base = stages.get(image)
            root = work / name
            run(["cp", "-a", str(base.root if base else debian), str(root)])
            stage = stages[name] = Stage(root, arguments)
            if base:
                stage.environment.update(base.environment)
        elif kind == "ARG":
            name, equals, given = value.partition("=")
            if stage is None and equals:
                arguments[name] = given.strip('"')
        elif stage is None:
            continue
        elif kind == "ENV":
            name, _equals, given = value.partition("=")
            stage.environment[name] = given
        elif kind == "WORKDIR":
            stage.folder = value
            stage.inside("").mkdir(parents=True, exist_ok=True)
        elif kind == "COPY":
            source, target = re.sub(r"--from=\S+ ", "", value).split()
            taken = re.match(r"--from=(\S+) ", value)
            where = stages[taken[1]].root / source.lstrip("/") if taken else context / source
            copy(where, stage.inside(target))
        elif kind == "RUN":
            if "collection install" in value:
                value = value.replace("collection install", "collection install --no-deps --offline")
            stage.run(value)
            if "collection install" in value:
                copy(ansible_windows, stage.root / "usr/share/ansible/collections/ansible_collections/ansible")
    assert stage is not None
    return stage


def main(arguments: list[str]) -> int:
    tarball, ansible_windows, work = (Path(each).resolve() for each in arguments)
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        print("Running the steps of the execution environment needs root and debootstrap.", file=sys.stderr)
        return 2
    shutil.rmtree(work, ignore_errors=True)
    (work / "definition").mkdir(parents=True)
    definition = DEFINITION.read_text(encoding="utf-8").replace("      - name: ansible.windows\n", "")
    (work / "definition" / DEFINITION.name).write_text(definition, encoding="utf-8")
    shutil.copy2(tarball, work / "definition")
    builder = ["ansible-builder", "create", "-f", DEFINITION.name, "-c", "context", "--output-filename", "Dockerfile"]
    run(builder, cwd=work / "definition")
    debian = work / "debian"
    run(
        ["debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", str(debian)],
        stdout=subprocess.DEVNULL,
    )
    shutil.copy2(CERTIFICATES, debian / "etc/ssl/certs/ca-certificates.crt")
    shutil.copy2("/etc/resolv.conf", debian / "etc/resolv.conf")
    final = carry_out(work / "definition" / "context", debian, work, ansible_windows)
    final.run(CHECK)
    print("All steps of the execution environment ran in a clean Debian. No image was built.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
