# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file module, called through pytest-ansible's dispatcher as a user's test would call it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def localhost(ansible_adhoc: Any, tmp_path: Path) -> Any:
    """pytest-ansible's manager for a localhost that uses this interpreter."""
    inventory = tmp_path / "hosts"
    inventory.write_text(f"localhost ansible_connection=local ansible_python_interpreter={sys.executable}\n")
    return ansible_adhoc(inventory=str(inventory), connection="local", host_pattern="localhost").localhost


def test_a_folder_without_windows_fails_with_one_sentence(localhost: Any, tmp_path: Path) -> None:
    contacted = getattr(localhost, "fleetops.tetra.image_info")(path=str(tmp_path)).contacted
    result = contacted["localhost"]
    assert result["failed"] is True
    assert "Traceback" not in result["msg"]
    assert "Windows" in result["msg"]


def test_an_unknown_option_is_refused(localhost: Any) -> None:
    result = getattr(localhost, "fleetops.tetra.image_info")(path="/nowhere", fast=True).contacted["localhost"]
    assert result["failed"] is True
    assert "fast" in result["msg"]
