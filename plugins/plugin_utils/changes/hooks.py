# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A command of the controller before and after a restart: drain a load balancer, open a change ticket.

It is started without a shell, with the endpoint as JSON on its input, and has to end with 0 in time.
"""

from __future__ import annotations

import collections.abc as c
import json
import subprocess
import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.pause import blocking

SECONDS = 300.0
_LAST = 200


class HookError(Exception):
    """The command could not be run, or did not end with 0; the message is a clause without a full stop."""


class HookInput(t.TypedDict):
    """What a command reads: one JSON object."""

    host: str
    when: t.Literal["before", "after"]
    run_id: str | None
    boot_time: str | None


def run_hook(argv: c.Sequence[str], about: HookInput, seconds: float = SECONDS) -> None:
    """Raises HookError. What the command prints is not kept, but for the end of its error text in the message."""
    try:
        done = blocking(
            lambda: subprocess.run(
                list(argv), input=json.dumps(about).encode(), capture_output=True, timeout=seconds, check=False
            )
        )
    except subprocess.TimeoutExpired as error:
        raise HookError(f"the command {argv[0]} did not end within {seconds:g} seconds") from error
    except (OSError, ValueError) as error:
        raise HookError(f"the command {argv[0]} could not be started: {error}") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()[-_LAST:]
        raise HookError(f"the command {argv[0]} ended with {done.returncode}{f': {said}' if said else ''}")
