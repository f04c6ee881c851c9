# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboard and the alerts, over a real Prometheus that scrapes what we write."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import socket
import subprocess
import threading
import time
import typing as t
from pathlib import Path

import pytest
import requests
import yaml
from grafana_foundation_sdk.models.dashboard import Dashboard

from ansible_collections.fleetops.tetra.plugins.plugin_utils.telling.metrics import run_metrics, server_metrics
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.telling.test_metrics import told

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "docs/grafana/tetra.json").read_text())


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    servers = server_metrics(
        [{"host": "a.example", "drift": "drift", "accepted": 3, "missing": 1, "extra": 0}], "2026-11-24T03:43:00Z"
    )
    served = folder / "served"
    served.mkdir()
    (served / "metrics").write_text(run_metrics(told(), "1.1.0").removesuffix("# EOF\n") + servers)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_arguments: object) -> None:
            pass

        def guess_type(self, _path: t.Any) -> str:
            return "application/openmetrics-text; version=1.0.0; charset=utf-8"

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(served)))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ROOT / "docs/prometheus/tetra.rules.yml")],
        "scrape_configs": [
            {"job_name": "tetra", "static_configs": [{"targets": [f"127.0.0.1:{server.server_address[1]}"]}]}
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    process = subprocess.Popen(
        [
            "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(60)
    server.shutdown()
    server.server_close()


def asked(prometheus: str, path: str, wanted: t.Callable[[t.Any], bool], **query: str) -> t.Any:
    ends = time.monotonic() + 90
    while True:
        found: t.Any = None
        with contextlib.suppress(requests.RequestException, ValueError):
            found = requests.get(f"{prometheus}/api/v1/{path}", params=query, timeout=30, proxies={"http": ""}).json()
        if found and found["status"] == "success" and wanted(found["data"]):
            return found["data"]
        assert time.monotonic() < ends, found
        time.sleep(0.3)


def test_grafana_reads_the_dashboard() -> None:
    read = Dashboard.from_json(DASHBOARD)
    assert read.title == "Tetra definitions"
    assert read.panels is not None
    assert len(read.panels) == len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


@pytest.mark.needs("prometheus")
def test_every_query_of_the_dashboard_finds_something(prometheus: str) -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            found = asked(prometheus, "query", lambda data: bool(data["result"]), query=target["expr"])
            assert found["result"], panel["title"]


@pytest.mark.needs("prometheus", "promtool")
def test_the_alerts_are_rules_and_fire(prometheus: str) -> None:
    rules = str(ROOT / "docs/prometheus/tetra.rules.yml")
    done = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    wanted = {"TetraServerDrift", "TetraLevelMissed"}
    found = asked(
        prometheus,
        "alerts",
        lambda data: wanted <= {alert["labels"]["alertname"] for alert in data["alerts"]},
    )
    assert "TetraBrokenAgain" not in {alert["labels"]["alertname"] for alert in found["alerts"]}
