# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The files of a connector log: which belong together, in what order, and their lines in constant memory.

How rotated files are named is not documented: every ``sfc.exe*.log*`` of a folder counts, ordered by last write time.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import stat
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.connector.log_lines import MAX_LINE_CHARS

MAX_FILES = 200

_NAME = re.compile(r"sfc\.exe.*\.log.*", re.IGNORECASE)
_MARKS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8"))
_CHUNK = 256 * 1024


class LogError(Exception):
    """No log can be read there; the text is one sentence."""


@dataclasses.dataclass(frozen=True, slots=True)
class LogFile:
    path: Path
    size: int
    """Bytes."""
    modified: dt.datetime
    """Last write time, UTC."""


def log_files(path: Path, siblings: bool = True) -> list[LogFile]:
    """The files of one log, oldest first.

    ``path`` is the log, or the folder that holds it. With ``siblings`` the rotated files beside the log belong to it.
    Errors: ``LogError`` where there is nothing to read.
    """
    try:
        if path.is_dir():
            found = _matching(path)
            if not found:
                raise LogError(f"{path} holds no file named like sfc.exe.log.")
        elif siblings and _NAME.fullmatch(path.name):
            found = [_log_file(path), *(file for file in _matching(path.parent) if file.path.name != path.name)]
        else:
            found = [_log_file(path)]
    except FileNotFoundError:
        raise LogError(f"{path} does not exist.") from None
    except OSError as error:
        raise LogError(f"{path} cannot be read: {error.strerror or error}.") from None
    if len(found) > MAX_FILES:
        raise LogError(f"{path.parent} holds {len(found)} log files, more than the {MAX_FILES} that are read.")
    return sorted(found, key=lambda file: (file.modified, file.path.name))


def _matching(folder: Path) -> list[LogFile]:
    return [_log_file(path) for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_file()]


def _log_file(path: Path) -> LogFile:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise LogError(f"{path} is not a file.")
    return LogFile(path, found.st_size, dt.datetime.fromtimestamp(found.st_mtime, dt.UTC))


def file_lines(files: t.Iterable[LogFile]) -> t.Iterator[str]:
    """The lines of the files, one after the other. Errors: ``LogError``."""
    for file in files:
        try:
            with file.path.open("rb") as stream:
                yield from lines_of(stream)
        except OSError as error:
            raise LogError(f"{file.path} cannot be read: {error.strerror or error}.") from None


def lines_of(stream: t.BinaryIO) -> t.Iterator[str]:
    """The lines of a binary stream, without their ends; the rest of a line that is too long is dropped.

    UTF-8 (or ASCII) unless a byte order mark says otherwise; bytes that are none become U+FFFD.
    """
    head = stream.read(3)
    encoding = next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8")
    mark_size = 3 if head.startswith(_MARKS[2][0]) else 0 if encoding == "utf-8" else 2
    newline = "\n".encode(encoding)
    limit = MAX_LINE_CHARS * 4
    pending, dropping = head[mark_size:], False
    more = True
    while more:
        chunk = stream.read(_CHUNK)
        more = bool(chunk)
        pending += chunk
        end = _end_of_lines(pending, newline)
        if end:
            for line in pending[: end - len(newline)].decode(encoding, "replace").split("\n"):
                if not dropping:
                    yield line[:MAX_LINE_CHARS]
                dropping = False
            pending = pending[end:]
        if len(pending) > limit:
            if not dropping:
                yield pending[:limit].decode(encoding, "replace")[:MAX_LINE_CHARS]
            dropping = True
            pending = pending[-1:] if encoding != "utf-8" and len(pending) % 2 else b""
    if pending and not dropping:
        yield pending.decode(encoding, "replace")[:MAX_LINE_CHARS]


def _end_of_lines(data: bytes, newline: bytes) -> int:
    """Where the last whole line ends, its line end included; 0 where there is none. UTF-16 is looked at in pairs."""
    position = data.rfind(newline)
    while position >= 0 and position % len(newline):
        position = data.rfind(newline, 0, position + len(newline) - 1)
    return position + len(newline) if position >= 0 else 0
