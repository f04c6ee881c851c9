# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Text files written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import pathlib
import tempfile
import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.private import make_folder


def write_atomically(path: pathlib.Path, chunks: t.Iterable[str], mode: int | None = None) -> int:
    """Writes ``chunks`` as UTF-8 and gives the number of bytes.

    The text goes to a temporary file in the same folder, which then replaces ``path`` in one step, so that a reader
    sees the old report or the new one. Only the owner reads it, if ``mode`` does not say otherwise. Raises ReportError
    when it cannot be written.
    """
    temporary: pathlib.Path | None = None
    try:
        make_folder(path.parent)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        temporary = pathlib.Path(name)
        # surrogatepass would write invalid UTF-8: a lone surrogate from an endpoint becomes "?"
        with open(handle, "w", encoding="utf-8", errors="replace", newline="\n") as stream:
            stream.writelines(chunks)
            stream.flush()
            if mode is not None:
                os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
            size = os.fstat(stream.fileno()).st_size
        temporary.replace(path)
        temporary = None
    except OSError as exc:
        raise ReportError(f"The report cannot be written to {path}: {exc.strerror or exc}.") from exc
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
    return size
