# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: where the collection is found, and what happens when a system tool is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
BUILD = CHECKOUT / "build"
COLLECTIONS = BUILD / "dev"
RECORDED = CHECKOUT.parent / "shared" / "data" / "recorded"


def _link_checkout() -> None:
    """Makes build/dev/ansible_collections/fleetops/tetra lead to this checkout, so that absolute imports work."""
    link = COLLECTIONS / "ansible_collections" / "fleetops" / "tetra"
    if link.is_symlink() and link.resolve() == CHECKOUT:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    temporary = link.with_name(f".tetra-{os.getpid()}")
    temporary.symlink_to(CHECKOUT)
    temporary.replace(link)


_link_checkout()
if str(COLLECTIONS) not in sys.path:
    sys.path.insert(0, str(COLLECTIONS))
# Processes that a test starts find the same collection and keep their files under build/.
os.environ.setdefault("ANSIBLE_COLLECTIONS_PATH", f"{COLLECTIONS}:{BUILD / 'dependencies'}")
os.environ.setdefault("ANSIBLE_HOME", str(BUILD / "home" / ".ansible"))
os.environ.setdefault("PYTHONPATH", str(COLLECTIONS))


def _has(tool: str) -> bool:
    if tool.startswith("system-python:"):
        check = ["/usr/bin/python3", "-c", f"import {tool.removeprefix('system-python:')}"]
        return Path(check[0]).exists() and subprocess.run(check, capture_output=True, check=False).returncode == 0
    return shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is not None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Marker ``needs``: a command (``chromium``) or a module of /usr/bin/python3 (``system-python:samba``) from apt.

    Without it the test is skipped with a reason; with CI set it fails, since .ci/run installs all of them.
    """
    for mark in item.iter_markers("needs"):
        missing = [tool for tool in mark.args if not _has(tool)]
        if missing:
            reason = f"needs {', '.join(missing)}, which .ci/run installs with apt-get"
            if os.environ.get("CI"):
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the collection."""
    return CHECKOUT


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder of recorded Windows answers that lies beside the checkout on the development machines."""
    if not RECORDED.is_dir():
        pytest.skip("the recorded answers (../shared/data/recorded) are not on this machine")
    return RECORDED
