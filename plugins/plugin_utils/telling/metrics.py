# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Metrics of a run as a file for node_exporter's textfile collector, by prometheus_client.

The file is OpenMetrics, of which only what Prometheus' older text format knows too is used (gauges), since the textfile
collector reads that one. No label holds what grows with the fleet: no host, no GPO; causes and sites are cut at a fixed
number, the rest goes together as ``other``. No timestamps (the collector refuses them): when the run began is a metric.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Iterator

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import moment
from ansible_collections.fleetops.tetra.plugins.module_utils.telling.summary import Told
from ansible_collections.fleetops.tetra.plugins.plugin_utils.telling.errors import TellingError

try:
    from prometheus_client import registry
    from prometheus_client.core import GaugeMetricFamily
    from prometheus_client.openmetrics import exposition

    PROMETHEUS_IMPORT_ERROR: ImportError | None = None
except ImportError as exc:
    PROMETHEUS_IMPORT_ERROR = exc

MOST_CAUSES: t.Final = 30
MOST_SITES: t.Final = 100
OTHER: t.Final = "other"
_DAY: t.Final = 86400.0


class Server(t.TypedDict):
    """A definition server as it was measured: ``drift`` is ``none``, ``drift`` or ``unknown``."""

    host: str
    drift: str
    accepted: int
    missing: int
    extra: int


def run_metrics(told: Told, version: str) -> str:
    """The text for one run. Errors: TellingError where the library is missing."""
    return _text(lambda: _of_run(told, version))


def server_metrics(servers: t.Sequence[Server], measured_at: str) -> str:
    """The text for the weekly look at the servers. Errors: TellingError where the library is missing."""
    return _text(lambda: _of_servers(servers, measured_at))


def _text(families: t.Callable[[], Iterator[t.Any]]) -> str:
    if PROMETHEUS_IMPORT_ERROR is not None:
        raise TellingError(
            "Metrics need the Python library prometheus-client on the controller; install it with pip."
        ) from PROMETHEUS_IMPORT_ERROR

    class Collector(registry.Collector):
        def collect(self) -> Iterable[t.Any]:
            return families()

    whole = registry.CollectorRegistry(auto_describe=False)
    whole.register(Collector())
    return str(exposition.generate_latest(whole), "utf-8")  # type: ignore[no-untyped-call]


def _gauge(name: str, about: str, value: float | None) -> Iterator[t.Any]:
    """None where there is nothing to say: a gauge that is missing is told from one that is 0."""
    if value is not None:
        yield GaugeMetricFamily(name, about, value=value)


def _by(name: str, about: str, label: str, values: t.Mapping[str, float]) -> Iterator[t.Any]:
    family = GaugeMetricFamily(name, about, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    yield family


def _of_run(told: Told, version: str) -> Iterator[t.Any]:
    began = moment(told["started_at"])
    build = GaugeMetricFamily("tetra_build_info", "The collection that judged.", labels=["version"])
    build.add_metric([version], 1)
    yield build
    yield from _gauge(
        "tetra_run_start_timestamp_seconds", "When the run began.", None if began is None else began.timestamp()
    )
    yield from _gauge("tetra_expected_endpoints", "Endpoints that the run should have audited.", told["expected"])
    yield from _by("tetra_endpoints", "Endpoints by their verdict.", "state", told["states"])
    causes = _bounded(told["causes"], MOST_CAUSES)
    yield from _by("tetra_non_compliant_by_cause_endpoints", "Non-compliant endpoints.", "cause", causes)
    yield from _by("tetra_non_compliant_by_owner_endpoints", "Non-compliant endpoints.", "owner", told["owners"])
    if told["sites"]:
        yield _sites(told["sites"])
    over = told["over_time"]
    if over is None:
        return
    yield from _by(
        "tetra_changed_endpoints",
        "Endpoints by what happened to them at the newest run.",
        "event",
        {"broken": over["broken_new"], "repaired": over["repaired"], "relapsed": over["relapsed"]},
    )
    yield from _gauge("tetra_broken_endpoints", "Broken endpoints without an exception.", over["broken"])
    yield from _gauge("tetra_excused_endpoints", "Broken endpoints that an exception covers.", over["excused"])
    yield from _gauge("tetra_expiring_exceptions", "Exceptions that run out within 30 days or have.", over["expiring"])
    days = over["repair_days"]
    yield from _gauge("tetra_repair_median_seconds", "From broken to repaired.", None if days is None else days * _DAY)
    yield from _gauge("tetra_level_limit_seconds", "The service level's time for a repair.", over["level_days"] * _DAY)
    yield from _gauge("tetra_level_due_breakages", "Breakages that are old enough to be judged.", over["level_due"])
    yield from _gauge("tetra_level_kept_breakages", "Of those, repaired in time.", over["level_kept"])


def _of_servers(servers: t.Sequence[Server], measured_at: str) -> Iterator[t.Any]:
    at = moment(measured_at)
    yield from _gauge(
        "tetra_server_measured_timestamp_seconds",
        "When the servers were asked.",
        None if at is None else at.timestamp(),
    )
    family = GaugeMetricFamily(
        "tetra_server_drift",
        "Whether the server is as the allow-list says, one of them 1.",
        labels=["server", "answer"],
    )
    for server in servers:
        for answer in ("none", "drift", "unknown"):
            family.add_metric([server["host"], answer], float(server["drift"] == answer))
    yield family
    for kind in ("accepted", "missing", "extra"):
        values = {server["host"]: float(server[kind]) for server in servers}
        yield from _by(f"tetra_server_{kind}_suites", f"Suites of the server: {kind}.", "server", values)


def _sites(sites: t.Mapping[str, t.Mapping[str, int]]) -> t.Any:
    family = GaugeMetricFamily("tetra_site_endpoints", "Endpoints by site and verdict.", labels=["site", "state"])
    whole = {name: sum(states.values()) for name, states in sites.items()}
    kept = sorted(whole, key=lambda name: (-whole[name], name))
    if len(kept) > MOST_SITES:
        kept = kept[: MOST_SITES - 1]
    rest: dict[str, int] = {}
    for name, states in sites.items():
        for state, number in states.items():
            if name in kept:
                family.add_metric([name, state], number)
            else:
                rest[state] = rest.get(state, 0) + number
    for state, number in rest.items():
        family.add_metric([OTHER, state], number)
    return family


def _bounded(values: t.Mapping[str, int], most: int) -> dict[str, int]:
    if len(values) <= most:
        return dict(values)
    ordered = sorted(values, key=lambda name: (-values[name], name))
    rest = sum(values[name] for name in ordered[most - 1 :])
    return {**{name: values[name] for name in ordered[: most - 1]}, OTHER: rest}
