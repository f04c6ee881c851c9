# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was observed is played as recorded, on its release only; learning prints what we believed wrongly."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.errors import FleetError
from ansible_collections.fleetops.tetra.lab.machine import observed
from ansible_collections.fleetops.tetra.lab.machine.build import build

ROOT = pathlib.Path(__file__).resolve().parents[4]


def write(folder: pathlib.Path, name: str, build_number: int = 19044, **variants: str | None) -> pathlib.Path:
    document = {
        "schema": observed.SCHEMA,
        "observed_at": "2026-11-24T22:00:00Z",
        "windows": {"product": "Windows 10 21H2", "build": build_number, "ubr": 1, "kind": "client"},
        "powershell": {"version": "5.1", "edition": "Desktop"},
        "rows": [
            {"behaviour": key, "variant": value, "reason": None, "answers": []} for key, value in variants.items()
        ],
    }
    path = folder / name
    path.write_text(json.dumps(document))
    return path


def test_the_lab_plays_what_was_observed(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a.json", cmdlet_shows_policy="after_reboot", policy_multi_sz=None)
    monkeypatch.setattr(observed, "variants", lambda number, server: observed_variants(number, server, tmp_path))
    state = build("pc", {"release": "10_21h2"})
    assert state.behaviours["cmdlet_shows_policy"] == "after_reboot"
    assert state.behaviours["policy_multi_sz"] == "ignored"
    assert build("pc", {"release": "10_22h2"}).behaviours["cmdlet_shows_policy"] == "at_once"
    chosen = build("pc", {"release": "10_21h2", "behaviours": {"cmdlet_shows_policy": "at_once"}})
    assert chosen.behaviours["cmdlet_shows_policy"] == "at_once"
    assert observed.releases("cmdlet_shows_policy", tmp_path)[0].source == "a.json"


observed_variants = observed.variants


def test_files_that_contradict_each_other_or_are_none(tmp_path: pathlib.Path) -> None:
    write(tmp_path, "a.json", cmdlet_shows_policy="after_reboot")
    write(tmp_path, "b.json", cmdlet_shows_policy="at_once")
    with pytest.raises(FleetError, match=r"a\.json and b\.json contradict each other about cmdlet_shows_policy"):
        observed.load(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / "c.json").write_text("{}")
    with pytest.raises(FleetError, match="is no observation file"):
        observed.load(other)


def learn(tmp_path: pathlib.Path, *files: t.Any) -> t.Any:
    code = (
        "import pathlib, sys; sys.path.insert(0, 'tools'); import learn_observations as learning\n"
        f"learning.observed.FOLDER = pathlib.Path({str(tmp_path / 'taken')!r})\nsys.exit(learning.main())"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, files)], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_learning_prints_what_we_believed_wrongly(tmp_path: pathlib.Path) -> None:
    given = write(tmp_path, "a.json", cmdlet_shows_policy="after_reboot", batch_after_error="goes_on")
    done = learn(tmp_path, given)
    assert done.returncode == 0, done.stderr
    assert "cmdlet_shows_policy is after_reboot; we believed at_once." in done.stdout
    assert "batch_after_error is" not in done.stdout
    assert (tmp_path / "taken" / "a.json").read_bytes() == given.read_bytes()
    contrary = write(tmp_path, "b.json", cmdlet_shows_policy="at_once")
    refused = learn(tmp_path, contrary)
    assert refused.returncode == 2 and "contradict each other" in refused.stderr
    assert not (tmp_path / "taken" / "b.json").exists()
    missing = learn(tmp_path, tmp_path / "no.json")
    assert missing.returncode == 2 and "Traceback" not in missing.stderr
