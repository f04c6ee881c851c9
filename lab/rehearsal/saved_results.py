# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the run folder of a real audit. Nothing in it is trusted; what cannot be used is named."""

from __future__ import annotations

import json
import pathlib
import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.lab.errors import FleetError

RUN_SCHEMA = "fleetops.tetra/run/1"
RESULT_SCHEMA = "fleetops.tetra/result/1"


@dataclass
class SavedResults:
    """The records of one run that hold facts, and why the others do not."""

    folder: pathlib.Path
    policy: dict[str, t.Any]
    """Options of the judgement, as ``run.json`` has them."""
    records: list[dict[str, t.Any]] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """Endpoint → why it cannot be rehearsed, one sentence."""


def read(folder: pathlib.Path) -> SavedResults:
    """The run in a folder, or the run before a remediation in its folder. Raises FleetError with one sentence."""
    if not folder.is_dir():
        raise FleetError(f"The results folder {folder} does not exist.")
    for place in (folder / "before", folder):  # the folder of a remediation looks like a run without records
        if (place / "run.json").is_file() and (place / "hosts").is_dir():
            return _read(place)
    inside = sorted(path.parent.name for path in folder.glob("*/run.json"))
    hint = f"; did you mean {folder / inside[0]}?" if inside else "."
    raise FleetError(f"{folder} is no run folder: it has no run.json with a folder hosts beside it{hint}")


def _read(folder: pathlib.Path) -> SavedResults:
    info = _document(folder / "run.json")
    if info is None or info.get("schema") != RUN_SCHEMA or not isinstance(info.get("hosts"), list):
        raise FleetError(f"{folder / 'run.json'} is damaged: it is no document {RUN_SCHEMA}.")
    policy = info.get("policy")
    saved = SavedResults(folder, policy if isinstance(policy, dict) else {})
    wanted = [str(host) for host in info["hosts"]]
    found: dict[str, dict[str, t.Any]] = {}
    for path in sorted((folder / "hosts").glob("*.json")):
        record = _document(path)
        if record is None or record.get("schema") != RESULT_SCHEMA or not isinstance(record.get("host"), str):
            saved.left_out[path.name] = "The record is damaged."
        elif record.get("token") != info.get("token"):
            saved.left_out[record["host"]] = "Its record belongs to another run."
        else:
            found[record["host"]] = record
    for host in wanted:
        reason = _unusable(found.get(host))
        if reason is None:
            saved.records.append(found[host])
        else:
            saved.left_out.setdefault(host, reason)
    if not saved.records:
        raise FleetError(f"No endpoint of the run in {folder} has facts, so there is nothing to rehearse on.")
    return saved


def _unusable(record: t.Mapping[str, t.Any] | None) -> str | None:
    if record is None:
        return "It has no record: it was not audited."
    if isinstance(record.get("facts"), dict) and isinstance(record.get("verdict"), dict):
        return None
    error = record.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    return f"It could not be asked: {message}" if message else "Its record has no facts."


def _document(path: pathlib.Path) -> dict[str, t.Any] | None:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None
