# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the collection's software bill of materials: CycloneDX 1.6 as JSON, valid by its schema.

Usage: sbom.py TARBALL RUNTIME_VENV OUT

The main component is the tarball with its sha256; below it stands every Python package of an environment that was
installed from requirements/runtime.lock (versions, licences, what needs what, as cyclonedx-py reads them), and the
collections that galaxy.yml names. The same input gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def of_environment(venv: Path) -> dict[str, Any]:
    command = [
        "cyclonedx-py",
        "environment",
        "--output-reproducible",
        "--sv",
        "1.6",
        "--of",
        "JSON",
        str(venv / "bin" / "python"),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def manifest_of(tarball: Path) -> dict[str, Any]:
    with tarfile.open(tarball) as packed:
        member = packed.extractfile("MANIFEST.json")
        if member is None:
            raise SystemExit(f"{tarball} holds no MANIFEST.json: it is no collection.")
        info: dict[str, Any] = json.load(member)["collection_info"]
    return info


def component_of_collection(name: str, version: str | None, **more: Any) -> dict[str, Any]:
    named = {"bom-ref": f"collection:{name}", "type": "library", "name": name, "purl": f"pkg:generic/{name}", **more}
    if version is not None:
        named |= {"version": version, "purl": f"pkg:generic/{name}@{version}"}
    return named


def bill(tarball: Path, venv: Path) -> dict[str, Any]:
    info = manifest_of(tarball)
    name = f"{info['namespace']}.{info['name']}"
    licences = [{"license": {"id": licence}} for licence in info["license"]]
    hashes = [{"alg": "SHA-256", "content": hashlib.sha256(tarball.read_bytes()).hexdigest()}]
    document = of_environment(venv)
    document["metadata"]["component"] = component_of_collection(
        name, info["version"], licenses=licences, hashes=hashes, description=info["description"]
    )
    needed = [
        component_of_collection(needed, None, properties=[{"name": "ansible:version-range", "value": versions}])
        for needed, versions in sorted(info["dependencies"].items())
    ]
    packages = [each for each in document.get("components", []) if each["name"] not in ("pip", "setuptools")]
    document["components"] = packages + needed
    kept = {each["bom-ref"] for each in document["components"]}
    known = [each for each in document.get("dependencies", []) if each["ref"] in kept]
    document["dependencies"] = [
        {"ref": f"collection:{name}", "dependsOn": sorted(kept)},
        *known,
        *({"ref": each["bom-ref"]} for each in needed),
    ]
    return document


def main(arguments: list[str]) -> int:
    tarball, venv, out = map(Path, arguments)
    text = json.dumps(bill(tarball, venv), indent=2, sort_keys=True) + "\n"
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if wrong is not None:
        print(f"The bill of materials is not valid CycloneDX 1.6: {wrong}", file=sys.stderr)
        return 1
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    print(f"{out}: {len(json.loads(text)['components'])} components, valid CycloneDX 1.6")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
