# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Beginning a run and joining it.

A run begins before any endpoint is asked: ``run.json`` names every endpoint that should be audited, so that one which
is never reached is missed. The token in it is new for every run; records carry it.
"""

from __future__ import annotations

import fcntl
import os
import platform
import re
import typing as t
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.run import Run as RunDocument
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.private import make_folder, open_lock
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.process import Process
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import (
    GATE_FILE,
    HOSTS_FOLDER,
    PROGRESS_FILE,
    RUN_FILE,
    RUN_SCHEMA,
    ResultsError,
    read_run_info,
    write_json,
)

_RUN_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_LOCK_FILE = ".lock"
_PARTS = ("before", "after")
"""The run folders of a remediation."""
NO_ENDPOINT = (
    "No endpoint was tested: the inventory is empty, or tetra_hosts, --limit or --tags left nothing of it: look for a "
    "typo."
)


@dataclass(frozen=True)
class RunFolder:
    """A run that was begun: where its records go and the token that they carry."""

    path: Path
    run_id: str
    token: str
    policy: dict[str, t.Any]

    @property
    def results_dir(self) -> Path:
        """The folder of all runs; a remediation's own run folders lie one deeper."""
        folder = self.path.parent
        is_part = self.path.name in _PARTS and all((folder / name / RUN_FILE).exists() for name in _PARTS)
        return folder.parent if is_part else folder


def begin_run(
    results_dir: Path,
    run_id: str | None,
    hosts: t.Sequence[str],
    process: Process,
    about: dict[str, t.Any],
    policy: dict[str, t.Any],
) -> RunFolder:
    """Makes ``results_dir/run_id`` and writes its ``run.json`` for the given hosts.

    ``about`` holds ``playbook``, ``check_mode``, ``collection_version`` and ``ansible_version``. Without a ``run_id``
    the time of day is taken. A folder that another living run is writing to is refused; one of a run that has ended is
    used again with a new token, so that no record of the earlier run counts. Raises ResultsError.
    """
    started = now()
    wanted = run_id or started.replace(":", "-")
    if not _RUN_ID.fullmatch(wanted):
        raise ResultsError(
            f"The run id {wanted!r} cannot be a folder name: use letters, digits, '.', '_' and '-', 128 at most."
        )
    try:
        make_folder(results_dir)
        with _locked(results_dir):
            folder = results_dir / wanted
            if run_id is None:
                number = 1
                while (folder / RUN_FILE).exists():
                    number += 1
                    folder = results_dir / f"{wanted}-{number}"
            elif (busy := _living_writer(folder, process)) is not None:
                raise ResultsError(
                    f"{folder} is in use by a run that is still going on (process {busy}): wait for its end, or choose "
                    "another tetra_run_id."
                )
            token = uuid.uuid4().hex
            make_folder(folder / HOSTS_FOLDER)
            info: RunDocument = {
                "schema": RUN_SCHEMA,
                "run_id": folder.name,
                "token": token,
                "started_at": started,
                "playbook": about.get("playbook"),
                "check_mode": bool(about.get("check_mode")),
                "collection_version": about.get("collection_version"),
                "ansible_version": about.get("ansible_version"),
                "python_version": platform.python_version(),
                "policy": policy,
                "process": process.as_dict(),
                "hosts": list(hosts),
            }
            (folder / GATE_FILE).unlink(missing_ok=True)
            (folder / PROGRESS_FILE).unlink(missing_ok=True)
            write_json(folder / RUN_FILE, info)
    except OSError as error:
        raise ResultsError(f"The results folder {results_dir} cannot be written: {error.strerror}.") from error
    return RunFolder(folder, folder.name, token, policy)


def join_run(folder: Path) -> RunFolder:
    """The run that was begun in ``folder``. Raises ResultsError."""
    info = read_run_info(folder)
    policy = info["policy"]
    return RunFolder(folder, folder.name, info["token"], policy if isinstance(policy, dict) else {})


def runs_begun_by(results_dir: Path, process: Process) -> list[Path]:
    """The run folders that this process began, oldest first."""
    found = []
    for path in results_dir.glob(f"*/{RUN_FILE}"):
        try:
            info = read_run_info(path.parent)
        except ResultsError:
            continue
        if Process.from_dict(info["process"]) == process:
            found.append((path.stat().st_mtime_ns, path.parent))
    return [folder for _when, folder in sorted(found)]


def _living_writer(folder: Path, process: Process) -> int | None:
    try:
        info = read_run_info(folder)
    except ResultsError:
        return None
    writer = Process.from_dict(info["process"])
    return writer.pid if writer != process and writer.is_alive() else None


@contextmanager
def _locked(folder: Path) -> t.Iterator[None]:
    """Two runs that begin at the same time must not take the same folder."""
    descriptor = open_lock(folder / _LOCK_FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
