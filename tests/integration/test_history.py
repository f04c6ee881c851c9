# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The history playbook, as a user runs it, and its page in a browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from selenium import webdriver

from ansible_collections.fleetops.tetra.tests.integration.test_report_browser import driver as browser
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories

driver = browser
"""The fixture."""


def runs(folder: Path) -> list[str]:
    made = []
    for week, state in enumerate(["compliant", "non_compliant", "compliant", "non_compliant"]):
        results = [factories.result(f"pc{number}", state if number < 3 else "compliant") for number in range(9)]
        began = f"2026-11-{1 + 7 * week:02}T03:00:00Z"
        path = folder / f"run{week}"
        factories.write_run(path, results, run_id=f"run{week}", token=f"token-{week}", started_at=began)
        made.append(str(path))
    return made


def play(folder: Path, added: list[str]) -> subprocess.CompletedProcess[str]:
    variables = {
        "tetra_history_add": added,
        "tetra_history_store": str(folder / "h.sqlite"),
        "tetra_history_page": str(folder / "h.html"),
    }
    command = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        "fleetops.tetra.history",
        "-e",
        json.dumps(variables),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env={**os.environ})


def test_runs_become_a_history(tmp_path: Path) -> None:
    done = play(tmp_path, runs(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"relapsed": 3' in done.stdout
    assert "changed=1" in done.stdout
    again = play(tmp_path, [str(tmp_path / "run3")])
    assert again.returncode == 0
    assert "changed=0" in again.stdout
    older = play(tmp_path, [str(tmp_path / "nowhere")])
    assert older.returncode == 2
    assert "Traceback" not in older.stdout + older.stderr


@pytest.mark.needs("chromium", "chromedriver")
def test_the_page_draws_its_lines_without_a_network(tmp_path: Path, driver: webdriver.Chrome) -> None:
    assert play(tmp_path, runs(tmp_path)).returncode == 0
    driver.get(f"file://{tmp_path}/h.html")
    assert driver.find_elements("css selector", ".u-wrap canvas")
    shown = driver.find_element("tag name", "main").text
    assert "6 compliant, 3 non-compliant, 0 unknown at the newest run" in shown
    assert "Broken again: drift" in shown
    wrong = [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
    assert wrong == []
    driver.save_screenshot(os.environ.get("TETRA_SCREENSHOT") or str(tmp_path / "history.png"))
