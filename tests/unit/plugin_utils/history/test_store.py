# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run folders into the store and what it tells: changes only, whole or not at all, on SQLite and PostgreSQL."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import shutil
import socket
import sqlite3
import stat
import subprocess
import tempfile
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.history.spans import State
from ansible_collections.fleetops.tetra.plugins.plugin_utils.history import page
from ansible_collections.fleetops.tetra.plugins.plugin_utils.history.add import add, state_of
from ansible_collections.fleetops.tetra.plugins.plugin_utils.history.store import HistoryError, Store
from ansible_collections.fleetops.tetra.plugins.plugin_utils.history.trend import one_life, trend
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.history_task import history_task
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories

BEGIN = datetime.datetime(2026, 1, 5, tzinfo=datetime.UTC)
NOW = BEGIN + datetime.timedelta(days=60)


def run_folder(folder: Path, week: int, states: dict[str, str]) -> Path:
    """A run of that week in which each endpoint came out as said."""
    began = (BEGIN + datetime.timedelta(days=7 * week)).strftime("%Y-%m-%dT%H:%M:%SZ")
    results = [factories.result(host, state) for host, state in states.items()]
    path = folder / f"run{week}"
    return factories.write_run(path, results, run_id=f"run{week}", token=f"token{week}", started_at=began)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> t.Iterator[Store]:
    if request.param == "sqlite":
        made = Store(str(tmp_path / "deep" / "history.sqlite"))
        yield made
        made.close()
        return
    with PostgreSQL() as address:
        made = Store(address)
        yield made
        made.close()


def test_a_year_in_three_weeks(store: Store, tmp_path: Path) -> None:
    weeks = [
        {"a": "compliant", "b": "non_compliant", "c": "unknown"},
        {"a": "non_compliant", "b": "compliant", "c": "unknown"},
        {"a": "compliant", "b": "non_compliant", "d": "compliant"},
    ]
    added = [add(store, run_folder(tmp_path, week, states)) for week, states in enumerate(weeks)]
    assert [(one.endpoints, one.changed) for one in added] == [(3, 3), (3, 2), (3, 4)]
    found = trend(store, NOW)
    assert [run.run_id for run in found.runs] == ["run0", "run1", "run2"]
    states = {line["name"]: line["values"] for line in found.lines["state"]}
    assert states == {"compliant": [1, 1, 2], "non_compliant": [1, 1, 1], "unknown": [1, 1, 0]}
    _runs, spans, events = one_life(store, "b")
    assert [(event.kind, event.run.run_id) for event in events] == [
        ("broken", "run0"),
        ("repaired", "run1"),
        ("relapsed", "run2"),
    ]
    assert [(span.first, span.last) for span in spans] == [(1, 1), (2, 2), (3, None)]
    assert [span.is_.state for span in one_life(store, "c")[1]] == ["unknown", "absent"]
    assert found.repairs.median == 7.0
    with pytest.raises(HistoryError, match="knows no endpoint 'x'"):
        one_life(store, "x")


def test_a_run_is_added_once_and_in_order(store: Store, tmp_path: Path) -> None:
    second = run_folder(tmp_path, 1, {"a": "compliant"})
    assert not add(store, second).again
    assert add(store, second).again
    with pytest.raises(HistoryError, match=r"The run run0 began at .* before the newest run of the store \(run1"):
        add(store, run_folder(tmp_path, 0, {"a": "compliant"}))
    assert len(trend(store, NOW).runs) == 1


def test_what_is_old_is_forgotten_but_not_the_newest(store: Store, tmp_path: Path) -> None:
    for week in range(4):
        add(
            store,
            run_folder(tmp_path, week, {"a": "non_compliant" if week < 2 else "compliant", f"only{week}": "unknown"}),
        )
    with store.begin() as connection:
        assert store.forget(connection, "2026-01-20T00:00:00Z") == 3
    store.vacuum()
    found = trend(store, NOW)
    assert [run.run_id for run in found.runs] == ["run3"]
    with pytest.raises(HistoryError, match="knows no endpoint 'only0'"):
        one_life(store, "only0")
    assert [span.is_.state for span in one_life(store, "a")[1]] == ["compliant"]
    with store.begin() as connection:
        assert store.forget(connection, "2036-01-01T00:00:00Z") == 0


def test_a_run_that_cannot_be_added_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(str(tmp_path / "history.sqlite"))
    add(store, run_folder(tmp_path, 0, {"a": "compliant"}))

    def full(*_arguments: t.Any) -> None:
        raise HistoryError("The store is full.")

    monkeypatch.setattr(store, "count", full)
    with pytest.raises(HistoryError, match="full"):
        add(store, run_folder(tmp_path, 1, {"a": "non_compliant"}))
    monkeypatch.undo()
    assert len(trend(store, NOW).runs) == 1
    assert [span.is_.state for span in one_life(store, "a")[1]] == ["compliant"]
    store.close()


def test_stores_that_cannot_be_used(tmp_path: Path) -> None:
    newer = tmp_path / "newer.sqlite"
    Store(str(newer)).close()
    assert stat.S_IMODE(newer.stat().st_mode) == 0o600
    with sqlite3.connect(newer) as connection:
        connection.execute("UPDATE tetra_meta SET value = '9'")
    connection.close()
    with pytest.raises(HistoryError, match="is of version 9, this collection reads 1"):
        Store(str(newer))
    garbage = tmp_path / "garbage.sqlite"
    garbage.write_text("no database" * 500)
    with pytest.raises(HistoryError, match="cannot be used: file is not a database"):
        Store(str(garbage))
    with pytest.raises(HistoryError, match="address cannot be used"):
        Store("oracle+none://x")
    with pytest.raises(HistoryError) as caught:
        Store("postgresql+psycopg://tetra:db-secret@127.0.0.1:1/tetra")
    assert "db-secret" not in str(caught.value)
    (tmp_path / "file").write_text("")
    with pytest.raises(HistoryError, match="cannot be made"):
        Store(str(tmp_path / "file" / "history.sqlite"))


def test_what_history_keeps_of_a_record() -> None:
    record: dict[str, t.Any] = {
        "host": "a",
        "facts": {"os": {"product": "Windows 11", "display_version": "24H2"}, "site": "Seoul"},
        "verdict": {
            "state": "non_compliant",
            "cause": {"code": "no_suite_offered"},
            "policy_origin": {"origin": "domain_gpo", "gpo": {"name": "Baseline\u202e 2019", "guid": "x"}},
        },
        "error": None,
    }
    wanted = State("non_compliant", "no_suite_offered", "Baseline\\u202e 2019", "Windows 11 24H2", "Seoul")
    assert state_of(record, lambda found: str(found["facts"]["site"])) == wanted
    record.update(facts=None, error={"kind": "unreachable"}, verdict={"state": "unknown", "cause": None})
    assert state_of(record) == State("unknown", "unreachable", "", "", "")


ARGUMENTS: dict[str, t.Any] = {
    "add": [], "site_by": None, "exceptions": None, "page": None, "title": "History", "host": None,
    "level_days": 14.0, "level_share": 0.95, "keep_days": None, "now": "2026-03-06T00:00:00Z",
}  # fmt: skip


def test_the_task_and_its_page(tmp_path: Path) -> None:
    folders = [
        run_folder(tmp_path, week, {"<b>x": "non_compliant", "kiosk-1": "non_compliant", "pc": state})
        for week, state in enumerate(["non_compliant", "compliant", "non_compliant"])
    ]
    arguments = {**ARGUMENTS, "store": str(tmp_path / "h.sqlite"), "page": str(tmp_path / "h.html"), "exceptions": "x"}
    excused = {"exceptions": [{"hosts": "kiosk-*", "owner": "retail", "reason": "r", "expires": "2026-03-20"}]}
    result = history_task({**arguments, "add": folders, "host": "pc"}, excused)
    assert (result["changed"], result["broken"], result["excused"]) == (True, 2, 1)
    assert [event["kind"] for event in result["life"]["events"]] == ["broken", "repaired", "relapsed"]
    assert history_task({**arguments, "add": folders}, excused)["changed"] is False
    json.dumps(result)
    text = Path(arguments["page"]).read_text(encoding="utf-8")
    assert "<b>x" not in text
    assert "&lt;b&gt;x" in text
    assert "2026-03-20" in text
    assert stat.S_IMODE(Path(arguments["page"]).stat().st_mode) == 0o600
    for wrong, sentence in (
        ({"level_share": 2}, "share above 0"),
        ({"keep_days": 0}, "number of days from 1"),
        ({"site_by": "a ==="}, "not a JMESPath"),
        ({"now": "soon"}, "write a time as"),
    ):
        with pytest.raises(HistoryError, match=sentence):
            history_task({**arguments, **wrong}, excused)
    with pytest.raises(HistoryError, match="holds no run"):
        history_task({**ARGUMENTS, "store": str(tmp_path / "empty.sqlite")})


def test_vendored_files_have_the_recorded_checksums() -> None:
    folder = page.ASSETS / "vendor" / "uplot"
    recorded = re.findall(
        r"^ {4}([0-9a-f]{64})  (\S+)$", (folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(name for _sum, name in recorded) == ["LICENSE", "uPlot.iife.min.js", "uPlot.min.css"]
    for checksum, name in recorded:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == checksum


class PostgreSQL:
    """A PostgreSQL of its own on loopback, run as an account that is not root."""

    def __enter__(self) -> str:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found or os.getuid() != 0:
            if os.environ.get("CI"):
                pytest.fail("needs PostgreSQL's server, which .ci/run installs with apt-get, and root", pytrace=False)
            pytest.skip("needs PostgreSQL's server (Debian package postgresql) and root")
        self._bin = found[-1].parent
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        # Below /tmp, since the other account may not enter the checkout.
        self._data = Path(tempfile.mkdtemp(prefix="pg.", dir="/tmp"))
        shutil.chown(self._data, "postgres")
        self._as("initdb", "-D", str(self._data), "-A", "trust", "-U", "tetra", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self._as("pg_ctl", "-D", str(self._data), "-o", options, "-l", str(self._data / "log"), "-w", "start")
        return f"postgresql+psycopg://tetra@127.0.0.1:{port}/postgres"

    def __exit__(self, *_error: object) -> None:
        self._as("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._data)

    def _as(self, tool: str, *arguments: str) -> None:
        command = ["runuser", "-u", "postgres", "--", str(self._bin / tool), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
