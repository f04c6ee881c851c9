# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the real PowerShell is that the tests ask.

``TETRA_PWSH`` names the program that starts it; else a ``pwsh`` on the PATH serves. What has no drive ``HKLM:`` (a
build for Linux) cannot stand for a Windows endpoint.
"""

from __future__ import annotations

import functools
import os
import pathlib
import shutil
import tempfile

from ansible_collections.fleetops.tetra.tests.engine.process import EngineProcess, EngineTrouble, ask_once

REQUIRED = "TETRA_REQUIRE_ENGINE"
"""Set to 1, a missing engine fails the tests instead of skipping them."""
PROGRAM = "TETRA_PWSH"


@functools.cache
def engine_or_reason() -> tuple[pathlib.Path | None, str]:
    """(the program that starts the engine, "") or (None, why there is none, in one sentence)."""
    return look()


def look(seconds: float = 60.0) -> tuple[pathlib.Path | None, str]:
    """Like ``engine_or_reason``, asked anew; ``seconds``: how long an engine may take to answer."""
    named = os.environ.get(PROGRAM)
    if named:
        program = pathlib.Path(named)
        if not (program.is_file() and os.access(program, os.X_OK)):
            return None, f"{PROGRAM} names {named}, which is no program."
    else:
        found = shutil.which("pwsh")
        if found is None:
            return None, f"No real PowerShell is here: set {PROGRAM} (docs/development.md), or put a pwsh on the PATH."
        program = pathlib.Path(found)
    with tempfile.TemporaryDirectory(prefix="tetra-engine-") as folder:
        process = EngineProcess([str(program), "-s", "-NoLogo", "-NoProfile"], pathlib.Path(folder) / "prefix")
        try:
            answers = ask_once(process, "Test-Path", seconds, LiteralPath="HKLM:\\SOFTWARE")
        except EngineTrouble as trouble:
            return None, f"{program} is no PowerShell that answers: {trouble}"
        finally:
            process.kill()
            process.end_prefix()
    if answers != ["true"]:
        return None, f"{program} has no registry (HKLM:), so it cannot stand for a Windows endpoint."
    return program, ""


def required() -> bool:
    return os.environ.get(REQUIRED, "") not in ("", "0")
