# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""When and how many: a maintenance window, and places for endpoints that restart at the same time."""

from __future__ import annotations

import collections.abc as c
import contextlib
import fcntl
import os
import re
import typing as t
from datetime import datetime
from datetime import time as time_of_day
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.reboot import OtherWay
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.restart import RestartOptions
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import pause
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.private import make_folder, open_lock

_LOOK_AGAIN = 0.5
_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class WindowError(ValueError):
    """A maintenance window cannot be understood; the message says how one is written."""


class MaintenanceWindow:
    """``HH:MM-HH:MM`` in the controller's local time; one that ends before it begins goes over midnight."""

    def __init__(self, text: str) -> None:
        match = _WINDOW.fullmatch(text.strip())
        if match is None:
            raise WindowError(f"The maintenance window '{text}' is not written as HH:MM-HH:MM, such as 22:00-05:00.")
        self._text = text.strip()
        self._start = time_of_day(int(match[1]), int(match[2]))
        self._end = time_of_day(int(match[3]), int(match[4]))
        if self._start == self._end:
            raise WindowError(f"The maintenance window '{text}' is never open: leave it out where any time will do.")

    def is_open(self, now: datetime) -> bool:
        moment = now.time()
        if self._start <= self._end:
            return self._start <= moment < self._end
        return moment >= self._start or moment < self._end

    def closed(self, now: datetime) -> str | None:
        """A sentence why no endpoint may be started now, or None."""
        if self.is_open(now):
            return None
        return f"The maintenance window {self._text} is not open; it is {now:%H:%M} on the controller."


def window_of(text: str | None) -> t.Callable[[], str | None]:
    """Asked each time anew: a sentence why nothing may be started now, or None. Raises WindowError."""
    if not text:
        return lambda: None
    window = MaintenanceWindow(text)
    return lambda: window.closed(datetime.now())


def restart_options(
    arguments: t.Mapping[str, t.Any], other_way: OtherWay | None, host: str = "", run_id: str | None = None
) -> RestartOptions:
    """From the options that every task with a restart has. Raises WindowError."""
    return RestartOptions(
        arguments["reboot_when"],
        frozenset(arguments["named_roles"]),
        other_way,
        window_of(arguments["maintenance_window"]),
        countdown=arguments["reboot_countdown"],
        put_off=float(arguments["reboot_put_off"]),
        then=arguments["reboot_then"],
        on_battery=arguments["on_battery"],
        hook_before=tuple(arguments["hook_before"]),
        hook_after=tuple(arguments["hook_after"]),
        about=(host, run_id),
        update_seconds=float(arguments["update_seconds"]),
    )


class WaveError(ValueError):
    """The waves cannot be understood; the message says how they are written."""


def check_waves(value: object) -> None:
    """Raises WaveError for anything but numbers from 1 and shares from 1% to 100%: with 0 Ansible takes all at once."""
    waves = value if isinstance(value, list) else [value]
    for wave in waves or [0]:
        match = None if isinstance(wave, bool) else re.fullmatch(r"0*([1-9]\d*)(%?)", str(wave).strip())
        if match is None or (match[2] and int(match[1]) > 100):
            raise WaveError(
                f"The wave '{wave}' is neither a number of endpoints from 1 nor a share from 1% to 100%; waves are "
                "written as [1, 10, 50, 250]."
            )


class NoRebootSlot(Exception):
    """A place for a restart was waited for until nothing may be restarted any more."""


class RebootSlots:
    """At most so many endpoints of a run restart (or download) at once, over all of Ansible's processes.

    Each place is a locked file below the run folder; the lock of a process that was killed is free again at once.
    """

    def __init__(self, run_folder: Path, places: int, what: str = "reboots") -> None:
        self._folder = run_folder / what
        self._places = places

    @contextlib.contextmanager
    def taken(self, give_up: t.Callable[[], bool] = lambda: False) -> c.Iterator[None]:
        """Waits for a place as long as it takes: each holder has a deadline of its own, so one becomes free.

        Raises NoRebootSlot once ``give_up`` says that waiting is of no use any more.
        """
        make_folder(self._folder)
        descriptor = self._try()
        while descriptor is None:
            if give_up():
                raise NoRebootSlot
            pause.sleep(_LOOK_AGAIN)
            descriptor = self._try()
        try:
            yield
        finally:
            os.close(descriptor)

    def _try(self) -> int | None:
        for number in range(self._places):
            descriptor = open_lock(self._folder / f"{number}.lock")
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                continue
            return descriptor
        return None
