# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real PowerShell, fresh for each test. Without one the tests are skipped, unless TETRA_REQUIRE_ENGINE forbids it."""

from __future__ import annotations

import os
import typing as t

import pytest

from ansible_collections.fleetops.tetra.tests.engine.build import NoCompiler
from ansible_collections.fleetops.tetra.tests.engine.finding import REQUIRED, engine_or_reason, required
from ansible_collections.fleetops.tetra.tests.engine.machine import COUNTS, Engine, Front, Template
from ansible_collections.fleetops.tetra.tests.engine.process import stop_prefix

MakeEngine = t.Callable[..., Engine]
READING_CASES = 45
"""Cases that test_conformance asks of one machine; a test there holds the number."""


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Template]:
    program, reason = engine_or_reason()
    if program is None:
        if required():
            pytest.fail(f"{REQUIRED} is set, and there is no engine: {reason}", pytrace=False)
        pytest.skip(reason)
    try:
        made = Template(program, tmp_path_factory.mktemp("engine"))
    except NoCompiler as missing:
        if required():
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))
    yield made
    stop_prefix(made.prefix)


@pytest.fixture(scope="session")
def front(template: Template, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Front]:
    made = Front(tmp_path_factory.mktemp("front"))
    yield made
    made.stop()


@pytest.fixture
def engine(template: Template, front: Front) -> t.Iterator[MakeEngine]:
    """``engine(mapping={"release": "10_22h2"}, keys={…}, files={…}, configurations={…})``: see ``EngineMachine``."""
    made: list[Engine] = []

    def make(**given: t.Any) -> Engine:
        while made:
            made.pop().close()
        made.append(Engine(front, template, **given))
        return made[0]

    yield make
    while made:
        made.pop().close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marker ``long_engine``: make test takes a short form."""
    if os.environ.get("TETRA_ENGINE_LONG", "") in ("", "0"):
        for item in items:
            if item.get_closest_marker("long_engine"):
                item.add_marker(pytest.mark.skip(reason="long: make test-engine runs it"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of xdist hands its counts over."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["engine_counts"] = dict(COUNTS)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: t.Any) -> None:
    COUNTS.update(getattr(node, "workeroutput", {}).get("engine_counts", {}))


def pytest_terminal_summary(terminalreporter: t.Any) -> None:
    """What was asked of the engine, for the note of who ran it."""
    passed = [report.nodeid for report in terminalreporter.stats.get("passed", []) if "tests/engine/" in report.nodeid]
    if not COUNTS or not passed:
        return
    states = sum("test_machine_states" in nodeid and "same_record" in nodeid for nodeid in passed)
    cases = sum("lab_answers_as_the_engine[" in nodeid for nodeid in passed)
    if any("answers_every_question" in nodeid for nodeid in passed):
        cases = READING_CASES + sum("changes_what_the_engine_changes" in nodeid for nodeid in passed)
    product = sum("test_whole_product" in nodeid for nodeid in passed)
    known = ("test_machine_states", "test_conformance", "test_whole_product", "test_harness")
    attacks = sum(not any(name in nodeid for name in known) for nodeid in passed)
    terminalreporter.write_sep("-", "the real PowerShell")
    terminalreporter.write_line(
        f"{COUNTS['machines']} machines, {COUNTS['processes']} processes, {COUNTS['pipelines']} pipelines: "
        f"{states} machine states like the lab's, {cases} cases of conformance, {product} runs of the whole product, "
        f"{attacks} tests that attack, with {COUNTS['attacks']} single attacks on the JEA roles."
    )
