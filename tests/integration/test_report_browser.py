# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML report in a real browser: it works from a file, asks for nothing, and is used with keys alone.

Pictures of the page are left in build/screenshots/ to be looked at.
"""

from __future__ import annotations

import json
import shutil
import typing as t
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report import html
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.report import make_report
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories

pytestmark = pytest.mark.needs("chromium", "chromedriver")

SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"
WIDE = (1280, 800)
NARROW = (390, 800)
ROWS = "#table .tabulator-row"
XSS = "<img src=x onerror=\"document.title='broken into'\">"
"""Chromium would run this the moment that it became markup."""


class Page:
    """The report in a browser, with the few things that the tests do to it."""

    def __init__(self, driver: webdriver.Chrome, path: Path) -> None:
        self.driver = driver
        self.path = path

    def open(self, size: tuple[int, int] = WIDE, scheme: str = "light") -> Page:
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        self.driver.get(self.path.as_uri())
        self.driver.execute_script("localStorage.clear()")
        self.driver.get(self.path.as_uri())
        self.wait(lambda: self.script("return document.documentElement.dataset.ready") == "yes")
        return self

    def script(self, text: str, *arguments: t.Any) -> t.Any:
        return self.driver.execute_script(text, *arguments)

    def wait(self, condition: t.Callable[[], t.Any]) -> None:
        WebDriverWait(self.driver, 20, poll_frequency=0.05).until(lambda _driver: condition())

    def one(self, selector: str) -> t.Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        return str(self.one(selector).text)

    def keys(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def hosts(self) -> list[str]:
        """Names in the rows that are drawn, from the top."""
        return list(
            self.script(
                "return [...document.querySelectorAll(arguments[0])]"
                ".sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)"
                ".map((row) => row.querySelector('[tabulator-field=host]').textContent)",
                ROWS,
            )
        )

    def shown(self, words: str) -> None:
        self.wait(lambda: self.text("#shown") == words)

    def picture(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(SCREENSHOTS / f"{name}.png"))


@pytest.fixture(scope="module")
def driver() -> t.Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    # Tests run as root in containers, where Chromium has no sandbox and little shared memory.
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--lang=en"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    yield made
    made.quit()


@pytest.fixture(scope="module")
def results() -> list[factories.Document]:
    """300 endpoints of a mixed fleet and one whose every text is an attack."""
    hostile = factories.result(f"pc-{XSS}", "non_compliant", gpo=XSS, policy_value=XSS)
    hostile["facts"]["os"].update(product=XSS, computer_name=XSS)
    hostile["verdict"]["findings"][0]["title"] = XSS
    hostile["verdict"]["cause"] = {"code": XSS, "confirm": XSS}
    hostile["verdict"]["notes"] = [XSS]
    hostile["verdict"]["next_step"] = XSS
    return [*factories.fleet_results(300), hostile]


@pytest.fixture(scope="module")
def page(driver: webdriver.Chrome, results: list[factories.Document], tmp_path_factory: pytest.TempPathFactory) -> Page:
    earlier = factories.fleet_of(
        [factories.result(one["host"], "compliant") for one in results[:20]]
        + [factories.result(one["host"], one["verdict"]["state"]) for one in results[20:-1]],
        run_id="20261023T034300Z",
        started_at="2026-10-23T03:43:00Z",
    )
    fleet = factories.fleet_of(results)
    fleet.problems.append(f"hosts/{XSS}.json was written by another run and does not count in this one.")
    path = tmp_path_factory.mktemp("report") / "index.html"
    path.write_text("".join(html.render(make_report(fleet, earlier=earlier))), encoding="utf-8")
    return Page(driver, path)


def test_it_opens_from_a_file_without_errors_and_without_a_request(page: Page) -> None:
    page.driver.get_log("browser")
    page.driver.get_log("performance")
    page.open()
    page.picture("wide-light")
    assert page.driver.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")]
    asked = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    assert asked
    assert {url for url in asked if not url.startswith("data:")} == {page.path.as_uri()}


def test_the_first_screen_tells_a_manager_what_matters(page: Page) -> None:
    page.open()
    seen = page.script(
        "return [...document.querySelectorAll('h2, h3, .card, .sentences li, .steps li')]"
        ".filter((e) => e.getBoundingClientRect().bottom <= innerHeight && e.offsetParent).map((e) => e.innerText)"
    )
    words = " ".join(" ".join(seen).split())
    assert "195 of 301 endpoints can fetch Tetra definitions, as far as TLS is concerned." in words
    assert "61 endpoints cannot; the most common reason: no cipher suite in common with the server (60)." in words
    assert "30 endpoints could not be judged: could not be reached." in words
    assert "What to do next" in words
    assert "Add the four suites to the SSL Cipher Suite Order of the GPO TLS baseline 13, then reboot." in words


def test_search_and_filters_narrow_the_table(page: Page) -> None:
    page.open()
    page.shown("301 in this report")
    page.one("#search").send_keys("pc-0001 2019")
    page.shown("1 of 301 shown")
    assert page.hosts() == ["pc-00012.example.com"]
    page.one("#filters [type=reset]").click()
    page.shown("301 in this report")
    Select(page.one("[data-select=state]")).select_by_visible_text("Unknown")
    page.shown("30 of 301 shown")
    Select(page.one("[data-select=system]")).select_by_visible_text("Windows release not known")
    page.shown("30 of 301 shown")
    page.one(".card.compliant").click()
    page.shown("0 of 301 shown")
    assert "No endpoint matches." in page.text("#table")
    assert page.one(".card.compliant").get_attribute("aria-pressed") == "true"
    page.one("#filters [type=reset]").click()
    page.shown("301 in this report")
    assert page.one(".card.compliant").get_attribute("aria-pressed") == "false"


def test_a_bar_a_step_and_a_finding_lead_to_their_endpoints(page: Page) -> None:
    page.open()
    page.one(".ranking button[data-filter=owner]").click()
    page.shown("15 of 301 shown")
    page.one("#filters [type=reset]").click()
    page.shown("301 in this report")
    page.one(".steps button").click()
    page.shown("15 of 301 shown")
    assert page.text("#chips").startswith("Next step: Add the four suites")
    page.one("#chips button").click()
    page.shown("301 in this report")
    page.one(".findings button").click()
    page.shown("61 of 301 shown")
    page.one("#filters [type=reset]").click()
    page.one(".ranking button[data-filter=reason]").click()
    page.shown("61 of 301 shown")


def test_the_comparison_filters_too(page: Page) -> None:
    page.open()
    assert "4 Newly broken" in page.text(".changes")
    page.one("button[data-filter=change][data-value=newly_broken]").click()
    page.shown("4 of 301 shown")
    assert page.hosts() == [f"pc-{number:05d}.example.com" for number in (13, 14, 15, 16)]


def test_failing_endpoints_come_first_and_headings_sort_with_mouse_and_keys(page: Page) -> None:
    page.open()
    assert page.hosts()[0].startswith("pc-<img")
    heading = page.one(".tabulator-col[tabulator-field=host]")
    heading.click()
    page.wait(lambda: heading.get_attribute("aria-sort") == "descending")
    page.wait(lambda: page.hosts()[0] == "pc-00299.example.com")
    heading.send_keys(Keys.ENTER)
    page.wait(lambda: heading.get_attribute("aria-sort") == "ascending")
    page.wait(lambda: page.hosts()[1] == "pc-00000.example.com")


def test_an_endpoint_is_opened_with_keys_alone(page: Page) -> None:
    page.open()
    page.one("#search").send_keys("pc-000")
    page.shown("100 of 301 shown")
    focused = "return document.activeElement.id || document.activeElement.className"
    for _press in range(20):
        page.keys(Keys.TAB)
        if page.script(focused) == "table":
            break
    assert page.script(focused) == "table"
    page.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    current = "return document.getElementById(arguments[0].getAttribute('aria-activedescendant'))?.textContent || ''"
    page.wait(lambda: page.script(current, page.one("#table")).startswith("pc-00015.example.com"))
    page.picture("wide-light-table")
    page.keys(Keys.ENTER)
    page.wait(lambda: page.one("#detail").is_displayed())
    page.picture("wide-light-endpoint")
    said = page.text("#detail")
    assert page.text("#detail-host") == "pc-00015.example.com"
    for words in (
        "Cannot fetch definitions",
        "Add the four suites to the SSL Cipher Suite Order of the GPO TLS baseline 15, then reboot.",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "Not in the group policy's cipher suite list",
        factories.POLICY_PATH,
        "TLS_RSA_15",
        "Domain GPO: TLS baseline 15",
        "TETRA-NO-SUITE",
    ):
        assert words in said
    steps = [item.text for item in page.driver.find_elements(By.CSS_SELECTOR, "#detail ol.cures > li")]
    assert [step.splitlines()[0] for step in steps] == [
        "The policy list does not hold for sure an accepted suite that this Windows can use.",
        "One restart puts all of it in force.",
    ]
    assert factories.POLICY_PATH in steps[0]
    page.keys(Keys.ESCAPE)
    page.wait(lambda: not page.one("#detail").is_displayed())
    assert page.script(focused) == "table"
    page.keys(Keys.END)
    page.wait(lambda: page.script(current, page.one("#table")).startswith("pc-00099.example.com"))
    page.keys(Keys.HOME)
    page.wait(lambda: page.script(current, page.one("#table")).startswith("pc-00013.example.com"))


def test_next_and_previous_walk_through_what_is_shown(page: Page) -> None:
    page.open()
    Select(page.one("[data-select=state]")).select_by_visible_text("Unknown")
    page.shown("30 of 301 shown")
    page.one(ROWS).click()
    page.wait(lambda: page.text("#detail-host") == "pc-00017.example.com")
    assert "connection refused" in page.text("#detail")
    previous, following = page.driver.find_elements(By.CSS_SELECTOR, ".detail-head button")[:2]
    assert not previous.is_enabled()
    following.click()
    page.wait(lambda: page.text("#detail-host") == "pc-00018.example.com")


def test_hostile_names_and_values_stay_text(page: Page) -> None:
    page.open()
    page.one("#search").send_keys("onerror")
    page.shown("1 of 301 shown")
    page.one(ROWS).click()
    page.wait(lambda: page.one("#detail").is_displayed())
    assert page.text("#detail-host") == f"pc-{XSS}"
    assert page.text("#detail").count(XSS) >= 10
    assert page.script("return document.querySelectorAll('img, [onerror]').length") == 0
    assert page.driver.title == html_title()


def html_title() -> str:
    return make_report(factories.fleet_of([])).title


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast_in_light_and_dark(page: Page, scheme: str) -> None:
    page.open(scheme=scheme)
    page.picture(f"wide-{scheme}")
    luminance = page.script(_LUMINANCE, "body")
    assert luminance < 0.1 if scheme == "dark" else luminance > 0.8
    assert page.script(_LOW_CONTRAST) == []
    page.script("document.getElementById('endpoints').scrollIntoView()")
    page.one(ROWS).click()
    page.wait(lambda: page.one("#detail").is_displayed())
    page.picture(f"wide-{scheme}-endpoint")
    assert page.script(_LOW_CONTRAST) == []


def test_the_button_changes_the_theme_and_the_page_remembers_it(page: Page) -> None:
    page.open(scheme="light")
    page.one("#theme").click()
    assert page.script(_LUMINANCE, "body") < 0.1
    page.driver.refresh()
    page.wait(lambda: page.script("return document.documentElement.dataset.ready") == "yes")
    assert page.script(_LUMINANCE, "body") < 0.1
    assert page.text("#theme") == "Light theme"


def test_a_narrow_screen_needs_no_sideways_scrolling(page: Page) -> None:
    page.open(size=NARROW)
    page.picture("narrow-light")
    assert page.script("return document.documentElement.scrollWidth <= innerWidth")
    page.script("document.getElementById('endpoints').scrollIntoView()")
    page.picture("narrow-light-table")
    page.one(ROWS).click()
    page.wait(lambda: page.one("#detail").is_displayed())
    page.picture("narrow-light-endpoint")
    assert page.script("const d = document.getElementById('detail'); return d.scrollWidth <= d.clientWidth")


def test_landmarks_names_and_roles(page: Page) -> None:
    page.open()
    assert page.script("return document.documentElement.lang") == "en"
    for selector in (
        "header",
        "main",
        "footer",
        "h1",
        "#filters[role=search]",
        "#shown[role=status]",
        "#table[role=grid]",
    ):
        assert len(page.driver.find_elements(By.CSS_SELECTOR, selector)) == 1, selector
    unnamed = page.script(
        "return [...document.querySelectorAll('button, input, select, [role=grid], dialog, section')].filter((e) =>"
        " !(e.innerText || e.closest('label')?.innerText || e.getAttribute('aria-label')"
        " || e.getAttribute('aria-labelledby'))).map((e) => e.outerHTML)"
    )
    assert unnamed == []
    assert page.one("#table").get_attribute("aria-rowcount") == "302"
    assert page.one(ROWS).get_attribute("aria-rowindex") == "2"


def test_only_rows_in_view_are_drawn(page: Page) -> None:
    page.open()
    assert 10 <= len(page.driver.find_elements(By.CSS_SELECTOR, ROWS)) <= 80


def test_an_empty_report_opens(driver: webdriver.Chrome, tmp_path: Path) -> None:
    path = tmp_path / "empty.html"
    path.write_text("".join(html.render(make_report(factories.fleet_of([])))), encoding="utf-8")
    empty = Page(driver, path).open()
    assert "No endpoint was audited." in empty.text("main")
    assert driver.get_log("browser") == []


_RELATIVE = """
const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
function rgba(color) {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data].map((value) => value / 255);
}
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
function background(element) {
  for (let e = element; e; e = e.parentElement) {
    const color = rgba(getComputedStyle(e).backgroundColor);
    if (color[3] > 0.99) return color;
  }
  return [1, 1, 1, 1];
}
"""
_LUMINANCE = _RELATIVE + "return luminance(background(document.querySelector(arguments[0])));"
_LOW_CONTRAST = (
    _RELATIVE
    + """
const low = [];
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!own || !element.checkVisibility() || element.disabled || element.tagName === "OPTION") continue;
  const [a, b] = [luminance(rgba(getComputedStyle(element).color)), luminance(background(element))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) low.push([element.tagName, element.className, element.textContent.slice(0, 40), ratio.toFixed(2)]);
}
return low;
"""
)
"""Text below WCAG 2.2's contrast of 4.5 (success criterion 1.4.3)."""
