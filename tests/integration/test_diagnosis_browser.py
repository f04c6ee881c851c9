# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a diagnosed endpoint in a real browser, reached from the report: one axis, suites side by side.

Pictures of the page are left in build/screenshots/ to be looked at.
"""

from __future__ import annotations

import json
import shutil
import typing as t
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from ansible_collections.fleetops.tetra.plugins.module_utils.triage.rank import diagnose
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.build import Options, build_report
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.diagnosis_page import write_fleet
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import diagnose_task
from ansible_collections.fleetops.tetra.tests.integration.test_report_browser import SCREENSHOTS, XSS
from ansible_collections.fleetops.tetra.tests.unit.lab_session import NearWindows
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.changes.test_evidence_taking import (
    ARGUMENTS,
    BAD,
    no_wait,
)
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories

pytestmark = pytest.mark.needs("chromium", "chromedriver")
HOST = f"pc-{XSS}"


@pytest.fixture
def driver() -> t.Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--lang=en",
        "--window-size=1280,1600",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    yield made
    made.quit()


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report over one failing endpoint whose name is an attack, and its diagnosis in the same results folder."""
    windows = NearWindows(policy=BAD, release="11_23h2")
    found, taken = diagnose_task.gather_evidence(windows.session, HOST, ARGUMENTS, no_wait)
    diagnosis = diagnose(found, evaluate(found["facts"]))
    diagnose_task.file_diagnosis(tmp_path / "diagnoses", found, diagnosis, taken, ARGUMENTS)
    write_fleet(tmp_path / "diagnoses")
    factories.write_run(tmp_path / "tonight", [factories.result(HOST, "non_compliant")])
    return Path(build_report(Options([str(tmp_path / "tonight")], formats=["html"]))["files"]["html"])


def texts(driver: webdriver.Chrome, selector: str) -> list[str]:
    return [one.text for one in driver.find_elements(By.CSS_SELECTOR, selector)]


def test_from_the_report_to_the_page_of_an_endpoint(driver: webdriver.Chrome, report: Path) -> None:
    driver.get(report.as_uri())
    driver.find_element(By.CSS_SELECTOR, "#diagnoses summary").click()
    driver.get_log("browser")
    driver.get_log("performance")
    driver.find_element(By.LINK_TEXT, HOST).click()
    assert driver.find_element(By.TAG_NAME, "h1").text == HOST
    assert driver.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = {one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"}
    assert asked == {driver.current_url}, "the page asks for nothing but itself"

    # One axis: the dots of all three rows lie from left to right as their rows of the table do in time.
    rows = [row.split(" ", 2) for row in texts(driver, "#timeline tbody tr")]
    assert {row[1] for row in rows} == {"log", "packets", "events"}
    dots = driver.find_elements(By.CSS_SELECTOR, "svg circle")
    places = [(one.rect["x"], one.rect["y"]) for one in dots]
    assert len(places) == len(rows)
    assert [x for x, _y in places] == sorted(x for x, _y in places)
    assert len({round(y) for _x, y in places}) == 3, "log, packets and events each on a line of their own"
    packets = [row[2] for row in rows if row[1] == "packets"]
    hello, alert = (
        next(at for at, what in enumerate(packets) if word in what) for word in ("Client Hello", "Alert 40")
    )
    assert hello < alert
    assert any("Update failed with error -3000" in row[2] for row in rows if row[1] == "log")
    assert any("Schannel 36887" in row[2] for row in rows)
    width = driver.execute_script("return document.documentElement.clientWidth")
    assert all(0 < x < width for x, _y in places)

    # Offered beside accepted, each suite one row.
    suites = [row.split() for row in texts(driver, "#suites tbody tr")]
    assert ["1", "TLS_RSA_WITH_AES_128_CBC_SHA", "0x002f", "no"] in suites
    assert ["not", "offered", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "yes"] in suites
    assert driver.title.startswith("pc-")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    driver.save_screenshot(str(SCREENSHOTS / "diagnosis.png"))


def test_the_page_over_all_diagnoses(driver: webdriver.Chrome, report: Path) -> None:
    driver.get((report.parents[2] / "diagnoses" / "index.html").as_uri())
    assert driver.find_element(By.TAG_NAME, "h1").text == "1 diagnosed endpoint"
    driver.find_element(By.LINK_TEXT, HOST).click()
    assert driver.find_element(By.TAG_NAME, "h1").text == HOST
