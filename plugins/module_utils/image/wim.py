# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""WIM, ESD and SWM files: the list of images is read here, the few files needed are unpacked by wimlib-imagex or 7zz.

LZX and LZMS in pure Python would take minutes for one hive, and both tools do them right. They run as processes of
their own with limits on time and file size, into a folder that only this account may enter and that is always removed.
"""

from __future__ import annotations

import asyncio
import ctypes
import glob
import os
import re
import resource
import shutil
import signal
import struct
import tempfile
import typing as t
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from ansible_collections.fleetops.tetra.plugins.module_utils.image.folder import FolderTree
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import (
    DamagedError,
    FileSource,
    ImageError,
    Source,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.image.tree import File

MARKS = (b"MSWIM\0\0\0", b"WLPWM\0\0\0")
XML_LIMIT = 16 * 1024 * 1024
FILE_LIMIT = 512 * 1024 * 1024
"""Bytes that one unpacked file may have."""
SECONDS = 300
"""How long one call of a tool may take."""
_PR_SET_PDEATHSIG = 1


def _load_libc() -> t.Any:
    """The C library where it knows prctl (Linux). Elsewhere a tool outlives a module that is killed."""
    try:
        library = ctypes.CDLL(None)
    except OSError:
        return None
    return library if hasattr(library, "prctl") else None


_LIBC = _load_libc()


@dataclass(frozen=True)
class WimImage:
    """One image in a WIM file, as its XML describes it."""

    index: int
    name: str

    @property
    def label(self) -> str:
        """How messages call it."""
        return f"image {self.index} ({self.name})" if self.name else f"image {self.index}"


def images(file: FileSource) -> list[WimImage]:
    """The images in a WIM file.

    :raises ImageError: the header or the XML is damaged.
    """
    if file.size < 208:
        raise DamagedError(f"{file.path} is cut off after {file.size} bytes; this is no whole WIM file.")
    header = file.read_at(0, 208)
    part, _parts, count = struct.unpack_from("<HHI", header, 40)
    size_flags, offset, original = struct.unpack_from("<QQQ", header, 72)
    size = size_flags & 0xFFFFFFFFFFFFFF
    if part != 1:
        raise ImageError(f"{file.path} is part {part} of a split WIM; give the first part.")
    if size_flags >> 56 & 4 or size != original or not 0 < size <= XML_LIMIT:
        raise DamagedError(f"{file.path} is damaged: its description has an impossible size.")
    text = file.read_at(offset, size).decode("utf-16", errors="replace")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise DamagedError(f"{file.path} is damaged: its description is not what Windows writes.")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        raise DamagedError(f"{file.path} is damaged: its description is no XML.") from None
    found = []
    for element in root.iter("IMAGE"):
        index = element.get("INDEX", "")
        if index.isascii() and index.isdigit() and len(index) < 10:
            name = (element.findtext("NAME") or element.findtext("DISPLAYNAME") or "").strip()
            found.append(WimImage(int(index), re.sub(r"[\x00-\x1f\x7f]", "?", name)[:200]))
    if not found or len(found) != count:
        raise DamagedError(f"{file.path} is damaged: it counts {count} images and describes {len(found)}.")
    return sorted(found, key=lambda image: image.index)


def choose(path: str, found: t.Sequence[WimImage], wanted: str | None) -> WimImage:
    """The image of that index or name, or the only one.

    :raises ImageError: no such image, or several and none chosen.
    """
    listed = ", ".join(image.label for image in found)
    if wanted is None:
        if len(found) == 1:
            return found[0]
        raise ImageError(f"{path} holds several images ({listed}); choose one with the option volume.")
    for image in found:
        if str(image.index) == wanted:
            return image
    named = [image for image in found if image.name == wanted]
    if len(named) == 1:
        return named[0]
    raise ImageError(f"{path} has no image {wanted!r}; it holds {listed}.")


class WimTree:
    """The files of one image of a WIM as a FileTree; what ``fetch`` named is there, nothing else."""

    def __init__(self, path: str, image: WimImage, count: int) -> None:
        """:raises ImageError: neither tool is installed."""
        self._path = path
        self._image = image
        self._count = count
        self._tool = shutil.which("wimlib-imagex") or shutil.which("7zz")
        if self._tool is None:
            raise ImageError(
                f"{path} is a WIM file: install wimlib-imagex (Debian package wimtools) or 7zz to have it read."
            )
        self._folder = Path(tempfile.mkdtemp(prefix="tetra-wim-"))
        self._tree = FolderTree(str(self._folder))

    @property
    def tool(self) -> str:
        """The name of the tool that unpacks."""
        return Path(self._tool or "").name

    @property
    def bytes_read(self) -> int:
        """Bytes of the unpacked files that were read."""
        return self._tree.bytes_read

    def find(self, path: str) -> File | None:
        return self._tree.find(path)

    def entries(self, path: str) -> list[File]:
        return self._tree.entries(path)

    def open(self, file: File) -> Source:
        return self._tree.open(file)

    def fetch(self, patterns: t.Sequence[str]) -> None:
        """Unpack the files that match; a pattern that matches nothing is no error."""
        if self.tool == "wimlib-imagex":
            command = [str(self._tool), "extract", self._path, str(self._image.index)]
            command += [f"/{pattern}" for pattern in patterns]
            command += [f"--dest-dir={self._folder}", "--nullglob", "--preserve-dir-structure", "--no-acls"]
            command += ["--no-attributes", "--quiet"]
            if self._path.lower().endswith(".swm"):
                command.append(f"--ref={glob.escape(self._path[:-4])}*.swm")
        else:
            prefix = f"{self._image.index}/" if self._count > 1 else ""
            command = [str(self._tool), "x", "-y", "-ssc-", "-bd", "-bso0", "-bsp0", f"-o{self._folder}", "--"]
            command += [self._path, *(prefix + pattern for pattern in patterns)]
        self._run(command)
        if self.tool != "wimlib-imagex" and self._count > 1 and (self._folder / str(self._image.index)).is_dir():
            self._tree = FolderTree(str(self._folder / str(self._image.index)))

    def _run(self, command: list[str]) -> None:
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "WIMLIB_IMAGEX_IGNORE_CASE": "1"}
        try:
            code, errors = asyncio.run(_finish(command, environment))
        except TimeoutError:
            raise ImageError(f"{self._path} could not be unpacked by {self.tool} within {SECONDS} seconds.") from None
        except OSError as error:
            raise ImageError(f"{self.tool} could not be started: {error.strerror}.") from None
        if code:
            said = [line.strip() for line in errors.decode("utf-8", errors="replace").splitlines() if line.strip()]
            what = next((line for line in said if "ERROR" in line.upper()), said[0] if said else "no reason given")
            text = re.sub(r"^\[?ERROR\]?:?\s*", "", what)[:300].rstrip(".")
            raise ImageError(f"{self._path} could not be unpacked by {self.tool}: {text}.")

    def close(self) -> None:
        """Remove the unpacked files."""
        self._tree.close()
        shutil.rmtree(self._folder, ignore_errors=True)


async def _finish(command: list[str], environment: dict[str, str]) -> tuple[int | None, bytes]:
    """Exit code and error output. AnsibleModule.run_command has no time limit, so it cannot do this.

    Raises TimeoutError and OSError; the tool never outlives the call.
    """
    process = await asyncio.create_subprocess_exec(
        *command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, env=environment, preexec_fn=_limits
    )
    try:
        async with asyncio.timeout(SECONDS):
            errors = (await process.communicate())[1]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, errors


def _limits() -> None:
    """Set in the tool's process: it dies with this one, and neither fills the disk nor leaves a core file."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_LIMIT, FILE_LIMIT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
