# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page as text: nothing an endpoint said can become markup, and it asks the network for nothing.

tests/integration/test_report_browser.py opens it in a browser.
"""

from __future__ import annotations

import base64
import hashlib
import html as html_library
import html.parser as html_parser
import json
import re
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report import html, page_data
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.report import make_report
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories


class Elements(html_parser.HTMLParser):
    """Tags with their attributes, and the text of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self._in_script = True
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = self._in_script and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data


def page(*results: factories.Document, **options: t.Any) -> str:
    return "".join(html.render(make_report(factories.fleet_of(results), **options)))


def awkward() -> str:
    results = []
    for host in factories.AWKWARD_HOSTS:
        result = factories.result(host, "non_compliant", gpo=host, policy_value=host)
        result["facts"]["os"]["product"] = host
        result["verdict"]["findings"][0]["title"] = host
        result["verdict"]["cause"]["code"] = host
        result["verdict"]["policy_origin"]["origin"] = host
        results += [result, factories.result(host + "2", "unknown", error={"kind": host, "message": host})]
    return page(*results, title=factories.AWKWARD_HOSTS[0], where=factories.AWKWARD_HOSTS[1])


def test_nothing_from_an_endpoint_becomes_markup() -> None:
    plain = Elements(page(factories.result("a", "non_compliant")))
    for tag, attributes in Elements(awkward()).tags:
        assert tag in {name for name, _attributes in plain.tags} | {"code", "article", "ol", "li"}
        assert not [name for name in attributes if name.startswith("on")]
        assert tag != "img"
    assert len(Elements(awkward()).scripts) == len(plain.scripts) == 3


def test_the_policy_lets_only_the_scripts_of_the_page_run() -> None:
    elements = Elements(awkward())
    (policy,) = [
        attributes["content"]
        for tag, attributes in elements.tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    hashes = {
        f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
        for script in elements.scripts[1:]
    }
    assert set(re.findall(r"sha256-[^']+", policy)) == hashes
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.split("script-src", 1)[1].split(";", 1)[0]


def test_the_page_names_no_address_to_load_from() -> None:
    for tag, attributes in Elements(awkward()).tags:
        for name in ("src", "href", "action", "srcset", "data"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, name, value)
    styles = "".join(re.findall(r"<style>(.*?)</style>", page(), re.DOTALL))
    assert len(styles) > 30_000
    assert not re.search(r"@import|url\((?!data:)", styles, re.IGNORECASE)
    assert "sourceMappingURL" not in page()


def test_the_data_in_the_page_is_what_the_results_said() -> None:
    data = json.loads(Elements(awkward()).scripts[0])
    hosts = [row[data["row"].index("host")] for row in data["rows"]]
    assert hosts[::2] == list(factories.AWKWARD_HOSTS)


@given(st.text(), st.text())
def test_embedded_json_cannot_end_its_element(host: str, value: str) -> None:
    data = {"rows": [[host, value]], "pools": {"x": [value]}}
    text = "".join(page_data.embedded_json(data))
    assert json.loads(text) == data
    assert text.isascii()
    assert not set("<>&") & set(text)


def test_the_summary_reads_without_javascript() -> None:
    text = re.sub(r"<script.*?</script>|<style.*?</style>", "", page(*factories.fleet_results(20)), flags=re.DOTALL)
    words = html_library.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)))
    assert "13 of 20 endpoints can fetch Tetra definitions, as far as TLS is concerned." in words
    assert "4 endpoints cannot: no cipher suite in common with the server." in words
    assert "2 endpoints could not be judged: could not be reached." in words
    assert "Add the four suites to the SSL Cipher Suite Order of the GPO TLS baseline 13, then reboot." in words


def test_problems_and_policy_are_told() -> None:
    fleet = factories.fleet_of([factories.result("a")])
    fleet.problems.append("hosts/x.json is <damaged>.")
    text = "".join(html.render(make_report(fleet, policy={"require": "all", "strict": True})))
    assert "hosts/x.json is &lt;damaged&gt;." in text
    assert "every allow-listed suite that the release can have, and none outside the list" in text
    assert "Saved facts were judged again" in text


def test_equal_verdicts_are_in_the_page_once() -> None:
    data = page_data.page_data(make_report(factories.fleet_of(factories.fleet_results(400))))
    assert len(data["rows"]) == 400
    assert len(data["pools"]["suites"]) == 4 * 20 + 2
    assert len(data["pools"]["state"]) == 4


def test_the_licence_of_the_table_library_goes_along() -> None:
    assert "Permission is hereby granted, free of charge" in page()


@pytest.mark.parametrize("name", ["page.html.j2", "page.css", "page.js", html.TABLE_LIBRARY, html.TABLE_STYLE])
def test_the_assets_are_there_and_end_no_element(name: str) -> None:
    text = html.asset(name)
    assert text
    if not name.endswith("j2"):
        assert "</script" not in text.lower()
        assert "</style" not in text.lower()
        assert "<!--" not in text
