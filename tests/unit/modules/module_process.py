# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real module run as Ansible runs it: a process of its own, arguments on standard input, JSON back."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t


def run_module(name: str, arguments: dict[str, t.Any]) -> tuple[int, dict[str, t.Any]]:
    """The exit code and the result of ``plugins/modules/<name>.py``; a traceback fails the test."""
    done = subprocess.run(
        [sys.executable, "-m", f"ansible_collections.fleetops.tetra.plugins.modules.{name}"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr + done.stdout
    return done.returncode, json.loads(done.stdout)
