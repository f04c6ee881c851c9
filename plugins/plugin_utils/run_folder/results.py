# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The run folder: one JSON file per endpoint, written atomically, read without trusting anything in it.

``docs/documents.md`` lays the files down. A reader always answers for every host that should have been audited: a
record that is missing, damaged or of another run becomes an ``unknown`` that says so.
"""

from __future__ import annotations

import errno
import json
import os
import typing as t
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.checking import fault
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.cure import Timing
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import Error, ErrorKind, Record
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.run import Run as RunDocument
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Verdict
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import unknown_verdict
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.file_names import encode_name
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.private import for_owner, make_folder

RUN_SCHEMA: t.Final = "fleetops.tetra/run/1"
RESULT_SCHEMA: t.Final = "fleetops.tetra/result/1"
RUN_FILE = "run.json"
HOSTS_FOLDER = "hosts"
PROGRESS_FILE = "progress.json"
GATE_FILE = "gate.json"
"""Left by the gate when a run has come to its end."""
STATES = ("compliant", "non_compliant", "unknown", "not_applicable")


class ResultsError(Exception):
    """A run folder cannot be used at all; the message is one sentence."""


@dataclass(frozen=True)
class Problem:
    """A file in a run folder that was not taken at its word."""

    file: str
    kind: ErrorKind | t.Literal["unlisted_record"]
    """``damaged_record``, ``foreign_record`` or ``unlisted_record``."""
    host: str | None
    message: str


@dataclass
class Run:
    """One run folder, or several read as one."""

    folders: list[Path]
    info: RunDocument
    """``run.json`` of the first folder, with ``hosts`` being the hosts of all of them."""
    problems: list[Problem] = field(default_factory=list)
    _tokens: dict[Path, str] = field(default_factory=dict)

    @property
    def hosts(self) -> list[str]:
        return list(self.info["hosts"])

    def records(self) -> t.Iterator[Record]:
        """One record for every host that should have been audited, in the order of ``run.json``; one at a time in
        memory. ``problems`` is complete once this has come to its end."""
        self.problems.clear()
        for host in self.info["hosts"]:
            yield self._record(host)
        self.problems.extend(self._strays())

    def record_of(self, host: str) -> Record:
        """The record of one host; ``unknown`` where there is none, or none that can be used."""
        return self._record(host)

    def _record(self, host: str) -> Record:
        found: list[Record] = []
        failed: list[tuple[_NotUsable, Problem]] = []
        for folder, token in self._tokens.items():
            path = record_path(folder, host)
            try:
                found.append(read_record(path, host, token))
            except FileNotFoundError:
                continue
            except _NotUsable as error:
                failed.append((error, Problem(str(path), error.kind, host, str(error))))
        self.problems.extend(problem for _error, problem in failed)
        if found:
            return max(found, key=_started)
        if failed:
            return unknown_record(host, failed[0][0].kind, str(failed[0][0]), token=None)
        sentence = "The run ended without a record of this endpoint: it was never reached, or its worker was killed."
        return unknown_record(host, "not_audited", sentence, token=None)

    def _strays(self) -> t.Iterator[Problem]:
        expected = {f"{encode_name(host)}.json" for host in self.info["hosts"]}
        for folder in self.folders:
            try:
                names = sorted(path.name for path in (folder / HOSTS_FOLDER).iterdir())
            except OSError:
                continue
            for name in names:
                if name.endswith(".json") and name not in expected:
                    path = str(folder / HOSTS_FOLDER / name)
                    yield Problem(path, "unlisted_record", None, f"{path} belongs to no endpoint of this run.")


class _NotUsable(Exception):
    def __init__(self, kind: t.Literal["damaged_record", "foreign_record"], message: str) -> None:
        super().__init__(message)
        self.kind = kind


def record_path(folder: Path, host: str) -> Path:
    return folder / HOSTS_FOLDER / f"{encode_name(host)}.json"


def write_json(path: Path, document: t.Any) -> None:
    """Writes the whole file or nothing: a reader, or a killed run, never sees half of it."""
    write_text(path, json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":")))


def write_text(path: Path, text: str) -> None:
    """As ``write_json``."""
    make_folder(path.parent)
    temporary = path.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        with open(temporary, "x", encoding="utf-8", opener=for_owner) as handle:
            handle.write(text)
            handle.flush()
            # A name that points to nothing after a power failure would be a record that says nothing.
            os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def disk_sentence(error: OSError) -> str:
    """One sentence for a file of the controller that could not be written."""
    where = error.filename or "A file of the controller"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk of the controller is full ({where}): make room and start again with the same tetra_run_id; what "
            "was written down until now counts."
        )
    return f"{where} cannot be written: {error.strerror or error}."


def write_record(folder: Path, record: Record) -> Path:
    """Writes the record of one endpoint into a run folder and gives its path."""
    path = record_path(folder, record["host"])
    write_json(path, record)
    return path


def make_record(
    host: str,
    token: str | None,
    verdict: Verdict,
    facts: Facts | None = None,
    timing: Timing | None = None,
    error: Error | None = None,
) -> Record:
    """A document ``fleetops.tetra/result/1``."""
    return {
        "schema": RESULT_SCHEMA,
        "token": token,
        "host": host,
        "facts": facts,
        "verdict": verdict,
        "timing": timing,
        "error": error,
    }


def unknown_record(
    host: str,
    kind: ErrorKind,
    message: str,
    token: str | None,
    policy: dict[str, t.Any] | None = None,
    timing: Timing | None = None,
) -> Record:
    """The record of an endpoint about which nothing is known; ``kind`` is one of ``error.kind``."""
    verdict = unknown_verdict(host, kind, message, policy)
    return make_record(host, token, verdict, timing=timing, error={"kind": kind, "message": message})


def read_record(path: Path, host: str, token: str) -> Record:
    """The record of ``host``, provided that it is one, of this host and of this run.

    Raises FileNotFoundError, or an error with ``kind`` that says in one sentence what is wrong with the file.
    """
    found = _load(path)
    if isinstance(found, dict) and found.get("token") != token and fault(Record, found) is None:
        raise _NotUsable("foreign_record", f"{path} was written by another run and does not count in this one.")
    wrong = fault(Record, found)
    if wrong is not None:
        raise _NotUsable("damaged_record", f"{path} is not a whole record of fleetops.tetra: {wrong}.")
    record = t.cast(Record, found)
    facts, verdict = record["facts"], record["verdict"]
    if record["host"] != host or (facts is None and verdict["state"] != "unknown"):
        raise _NotUsable("damaged_record", f"{path} does not hold a verdict about {host}.")
    return record


def read_run_info(folder: Path) -> RunDocument:
    """``run.json`` of a run folder. Raises ResultsError with one sentence."""
    path = folder / RUN_FILE
    try:
        info = _load(path)
    except FileNotFoundError:
        raise ResultsError(f"{folder} is not a run folder: it holds no {RUN_FILE}.") from None
    if info is None or info.get("schema") != RUN_SCHEMA:
        raise ResultsError(f"{path} is damaged, or not of a version that this release reads ({RUN_SCHEMA}).")
    wrong = fault(RunDocument, info)
    if wrong is not None:
        raise ResultsError(f"{path} is damaged: {wrong}.")
    return t.cast(RunDocument, info)


def read_run(folders: Path | str | t.Sequence[Path | str]) -> Run:
    """A run folder, or several (slices of one fleet, a repeated part) read as one run.

    A host counts as expected when any of the folders expects it; of several good records the one that was started
    last counts. Raises ResultsError when a folder is no run folder.
    """
    paths = [Path(folders)] if isinstance(folders, (str, Path)) else [Path(folder) for folder in folders]
    if not paths:
        raise ResultsError("No run folder was named.")
    infos = [read_run_info(path) for path in paths]
    hosts = list(dict.fromkeys(host for info in infos for host in info["hosts"]))
    return Run(
        folders=paths,
        info={**infos[0], "hosts": hosts},
        _tokens={path: info["token"] for path, info in zip(paths, infos, strict=True)},
    )


def _load(path: Path) -> dict[str, t.Any] | None:
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _started(record: Record) -> str:
    timing = record["timing"]
    started = timing.get("started_at") if isinstance(timing, dict) else None
    return started if isinstance(started, str) else ""
