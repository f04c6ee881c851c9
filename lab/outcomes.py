# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a fleet in a remediation, held against what the fleet file says under ``after``.

What ``after`` of an endpoint may name; all but ``detail`` and ``blocked`` are compared as they stand in
``remediation.json``:

| key | compared with |
|---|---|
| ``event`` | how it ended: ``proven``, ``nothing_to_do``, ``blocked``, ``failed``, … |
| ``state`` | the verdict's state afterwards |
| ``changed`` | whether something on the endpoint is other than before |
| ``update`` | the result of the definition update |
| ``blocked`` | the code of a reason why the plan is blocked |
| ``detail`` | a part of the sentence that tells how it ended |

A list stands for "one of these". An endpoint without ``after`` needs nothing: it is expected to be left alone.
"""

from __future__ import annotations

import json
import pathlib
import typing as t

from ansible_collections.fleetops.tetra.lab.errors import FleetError
from ansible_collections.fleetops.tetra.lab.fleet import EndpointDefinition

SUMMARY = "remediation.json"
KEYS = ("event", "state", "changed", "update", "blocked", "detail")


def expected(definition: EndpointDefinition) -> dict[str, t.Any]:
    """What has to become of the endpoint. Raises FleetError for something that cannot be compared."""
    unknown = [key for key in definition.after if key not in KEYS]
    if unknown:
        raise FleetError(f"endpoint {definition.name!r}: after: unknown key {unknown[0]!r}; use {', '.join(KEYS)}.")
    return definition.after or {
        "event": "nothing_to_do",
        "state": definition.expect.get("state"),
        "changed": False,
    }


def differences(definition: EndpointDefinition, found: t.Mapping[str, t.Any] | None) -> list[str]:
    """One sentence for each thing that is not as expected; ``found`` is the endpoint's part of the summary."""
    if found is None:
        return [f"{definition.name}: not in the summary"]
    return [
        f"{definition.name}: {key} should be {wanted}, but is {_value(key, found)}"
        for key, wanted in expected(definition).items()
        if not _agrees(key, wanted, found)
    ]


def load(folder: pathlib.Path) -> dict[str, dict[str, t.Any]]:
    """The summary's endpoints by name. Raises FleetError where there is none."""
    path = folder / SUMMARY
    try:
        hosts = json.loads(path.read_text(encoding="utf-8"))["hosts"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FleetError(f"The summary {path} cannot be read: {error}.") from None
    return dict(hosts)


def _agrees(key: str, wanted: t.Any, found: t.Mapping[str, t.Any]) -> bool:
    value = _value(key, found)
    if key == "blocked":
        return bool(wanted in value)
    if key == "detail":
        return bool(wanted in value)
    return value in wanted if isinstance(wanted, list) else bool(value == wanted)


def _value(key: str, found: t.Mapping[str, t.Any]) -> t.Any:
    if key == "blocked":
        return [entry.get("code") for entry in found.get("blocked") or []]
    if key == "detail":
        return str(found.get("detail") or "")
    return found.get("after" if key == "state" else key)
