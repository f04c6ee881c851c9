# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab gives the answers that a real PowerShell gave: 413 recorded requests, all but those of one reasoned table."""

from __future__ import annotations

import logging
import pathlib

import pytest

from ansible_collections.fleetops.tetra.tests.conftest import CHECKOUT
from ansible_collections.fleetops.tetra.tests.unit.lab.recorded_engine import (
    Case,
    ask,
    cases,
    denied_endpoint,
    endpoint,
    seen,
)

RECORDINGS: pathlib.Path = CHECKOUT.parent / "shared" / "powershell" / "recordings"

EXCEPTIONS = {
    "Get-Item file whole": "a disk's sizes and the folders of wine's user; the product asks for named properties",
    "batch: 60 statements": "the recorded request is cut; batches of sixty are asked of the engine itself",
    "Get-Content 2 MB AsByteStream Raw": "the recorded file is cut; the shape is that of the smaller files",
    "Set-Content 2 MB": "the recorded request is cut; the shape is that of the smaller files",
}
"""Why a difference cannot matter."""


def _all() -> list[Case]:
    return cases(RECORDINGS) if RECORDINGS.is_dir() else []


def _excepted(case: Case) -> bool:
    return case.name in EXCEPTIONS or not case.whole


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings of a real PowerShell lie on our machines only")
def test_the_exceptions_are_few() -> None:
    found = _all()
    excepted = [case.name for case in found if _excepted(case)]
    assert len(found) >= 413
    assert len(excepted) <= len(found) * 0.02, excepted


@pytest.mark.parametrize("file", sorted({case.file for case in _all()}))
def test_the_lab_answers_as_the_engine_did(file: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    different = {}
    for case in _all():
        if case.file != file or _excepted(case):
            continue
        machine = denied_endpoint() if case.file == "denied" else endpoint(case.state)
        real, played = seen(case.answer), seen(ask(machine, case.request))
        if real != played:
            different[case.name] = (real, played)
    assert not different, "\n".join(
        f"{name}:\n  engine {one}\n  lab    {other}" for name, (one, other) in different.items()
    )
