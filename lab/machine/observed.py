# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What real Windows were seen to do (``lab/observations``), by release: the lab plays that unless told otherwise."""

from __future__ import annotations

import functools
import json
import pathlib
import typing as t

from ansible_collections.fleetops.tetra.lab.errors import FleetError

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "observations"
SCHEMA = "fleetops.tetra/observation/1"


BELIEFS: dict[str, str] = {
    "capture_exit_codes": "one",
    "capture_file": "read",
    "client_hello_shape": "as_predicted",
    "curl_schannel_codes": "as_documented",
    "default_suites": "as_documented",
    "group_policy_cmdlets": "as_believed",
    "jea_names": "answered",
    "local_list_of_31": "with_tls13",
    "policy_after_reboot": "after_reboot",
    "program_that_does_not_ask": "gets_tls12",
    "registry_slash": "addressed",
    "schtasks_exit_codes": "zero_or_one",
    "switch_of_suite": "by_name",
    "terminating_error_runs_on": "one_more",
}
"""What is believed where the lab has nothing to switch: behaviour → variant."""


class Seen(t.NamedTuple):
    """One behaviour on one release. ``source``: the file."""

    build: int
    kind: str
    behaviour: str
    variant: str
    source: str


@functools.cache
def load(folder: pathlib.Path = FOLDER) -> tuple[Seen, ...]:
    """All that was settled. Raises FleetError where a file is no observation, or two contradict each other."""
    found: dict[tuple[int, str, str], Seen] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if document["schema"] != SCHEMA:
                raise ValueError
            windows = document["windows"]
            rows = [
                Seen(int(windows["build"]), str(windows["kind"]), str(row["behaviour"]), str(row["variant"]), path.name)
                for row in document["rows"]
                if row["variant"] is not None
            ]
        except (KeyError, TypeError, ValueError):
            raise FleetError(f"{path} is no observation file ({SCHEMA}).") from None
        for seen in rows:
            other = found.setdefault(seen[:3], seen)
            if other.variant != seen.variant:
                raise FleetError(
                    f"{other.source} and {seen.source} contradict each other about {seen.behaviour} on build "
                    f"{seen.build}: take one of them away."
                )
    return tuple(found.values())


def variants(build: int, server: bool, folder: pathlib.Path = FOLDER) -> dict[str, str]:
    """Behaviour → variant that was seen on this release."""
    kind = "server" if server else "client"
    return {seen.behaviour: seen.variant for seen in load(folder) if (seen.build, seen.kind) == (build, kind)}


def releases(behaviour: str, folder: pathlib.Path = FOLDER) -> list[Seen]:
    """Where a behaviour was seen."""
    return [seen for seen in load(folder) if seen.behaviour == behaviour]
