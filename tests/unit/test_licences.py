# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/licences.py: a package whose licence is unknown or does not fit is told, whatever its metadata look like."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def licences(checkout: Path) -> t.Any:
    spec = importlib.util.spec_from_file_location("licences", checkout / "tools" / "licences.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def venv_with(folder: Path, **packages: str) -> Path:
    for name, metadata in packages.items():
        info = folder / "lib" / "python3.11" / "site-packages" / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{metadata}\n", encoding="utf-8"
        )
    return folder


@pytest.mark.parametrize(
    ("metadata", "expression", "fits"),
    [
        ("License-Expression: MIT", "MIT", True),
        ("License-Expression: Apache-2.0 OR LicenseRef-Proprietary", None, None),
        ("License-Expression: GPL-2.0-only", "GPL-2.0-only", False),
        ("License-Expression: GPL-2.0-only OR MIT", "GPL-2.0-only OR MIT", True),
        ("License-Expression: MIT AND GPL-2.0-only", "MIT AND GPL-2.0-only", False),
        ("License-Expression: GPL-3.0-or-later WITH GCC-exception-3.1", None, True),
        ("Classifier: License :: OSI Approved :: MIT License", "MIT", True),
        ("Classifier: License :: OSI Approved :: BSD License\nLicense: Proprietary", "BSD-3-Clause", True),
        ("Classifier: License :: OSI Approved", None, False),
        ("Classifier: License :: Other/Proprietary License", None, False),
        ("License: MPL 2.0", "MPL-2.0", True),
        ("License: do what you like", "do what you like", False),
        ("", None, False),
    ],
)
def test_what_the_metadata_say(
    licences: t.Any, tmp_path: Path, metadata: str, expression: str | None, fits: bool | None
) -> None:
    (package,) = licences.packages_of(venv_with(tmp_path, some=metadata))
    said = licences.expression_of(package)
    if expression is not None:
        assert said == expression
    if fits is not None:
        assert (licences.complaint("some 1.0", said) is None) is fits


def test_a_tool_may_be_free_without_being_compatible_and_the_product_may_not(
    licences: t.Any, checkout: Path, tmp_path: Path
) -> None:
    venv = venv_with(tmp_path, some="License-Expression: CNRI-Python", fine="License-Expression: ISC")
    script = [sys.executable, str(checkout / "tools" / "licences.py")]
    assert subprocess.run([*script, "--tools", str(venv)], capture_output=True, check=False).returncode == 0
    done = subprocess.run([*script, "--product", str(venv)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"some 1.0 in {venv}: CNRI-Python is not among the licences that are allowed there.\n"


def test_an_environment_without_packages_is_no_pass(checkout: Path, tmp_path: Path) -> None:
    script = [sys.executable, str(checkout / "tools" / "licences.py"), "--product", str(tmp_path)]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"{tmp_path}: no package was found there.\n")
