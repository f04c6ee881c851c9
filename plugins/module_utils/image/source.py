# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Random access to bytes: the one interface that every layer of an image offers to the layer above.

A file, a disk inside a container, a partition, a file inside NTFS: each has a size and answers reads.
Nothing here writes.
"""

from __future__ import annotations

import os
import stat
import typing as t
from collections import OrderedDict
from pathlib import Path


class ImageError(Exception):
    """The image cannot be judged. The message is one sentence for the user: what, where, what to do."""


class DamagedError(ImageError):
    """A structure inside the image contradicts itself or ends too early."""


class UnreadableFileError(ImageError):
    """One file inside the image cannot be read (system compression, encryption, a link); others may well be."""


def placed(error: ImageError, path: str) -> ImageError:
    """The same error with a sentence that names the image, and for damage says what to do."""
    sentence = str(error)
    if isinstance(error, DamagedError) and "again" not in sentence:
        sentence = f"{sentence.rstrip('.')}; copy or build the image again."
    return type(error)(sentence if path in sentence else f"{path}: {sentence}")


class Source(t.Protocol):
    """Bytes with a size."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    def read_at(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``; raises ImageError where they do not exist."""


def in_blocks(offset: int, length: int, block_size: int, read: t.Callable[[int, int, int], bytes]) -> bytes:
    """Bytes that may span blocks of one size; ``read(number, inside, take)`` gives a part of one block."""
    parts = []
    while length > 0:
        number, inside = divmod(offset, block_size)
        take = min(length, block_size - inside)
        parts.append(read(number, inside, take))
        offset += take
        length -= take
    return b"".join(parts)


class FileSource:
    """A file or block device on this machine, opened read-only. Counts what it reads."""

    def __init__(self, path: str, follow_links: bool = True) -> None:
        """:raises ImageError: the file is missing, may not be read, or is no file at all."""
        self.path = path
        self.bytes_read = 0
        self._beside: list[FileSource] = []
        try:
            # O_NONBLOCK: opening a FIFO that nobody writes to must not hang.
            flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
            self._fd = os.open(path, flags if follow_links else flags | os.O_NOFOLLOW)
        except FileNotFoundError:
            raise ImageError(f"There is no file {path}; give the path of an image on this machine.") from None
        except PermissionError:
            raise ImageError(f"This account may not read {path}; run as an account that can.") from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise ImageError(f"Cannot open {path}: {reason}.") from None
        try:
            mode = os.fstat(self._fd).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
                raise ImageError(f"{path} is neither a file nor a block device.")
            self.size = os.lseek(self._fd, 0, os.SEEK_END)
        except BaseException:
            os.close(self._fd)
            raise

    def read_at(self, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise DamagedError(
                f"{self.path} ends at byte {self.size}, but byte {max(offset, 0) + max(length, 0)} is needed: "
                "it is cut off or damaged; copy it again."
            )
        parts = []
        while length:
            try:
                part = os.pread(self._fd, length, offset)
            except OSError as error:
                raise ImageError(f"Cannot read {self.path} at byte {offset}: {error.strerror}.") from None
            if not part:
                raise DamagedError(f"{self.path} became shorter while it was read.")
            parts.append(part)
            offset += len(part)
            length -= len(part)
            self.bytes_read += len(part)
        return b"".join(parts)

    def beside(self, name: str) -> FileSource:
        """A file in the same folder that belongs to this one; it is closed with this one."""
        source = FileSource(str(Path(self.path).parent / name), follow_links=False)
        self._beside.append(source)
        return source

    @property
    def total_read(self) -> int:
        """Bytes read from this file and from those beside it."""
        return self.bytes_read + sum(source.total_read for source in self._beside)

    def close(self) -> None:
        """Release the file and those beside it; a second call does nothing."""
        for source in self._beside:
            source.close()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class BytesSource:
    """Bytes in memory."""

    def __init__(self, data: bytes, name: str = "data") -> None:
        self._data = data
        self._name = name
        self.size = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise DamagedError(f"{self._name} is cut off or damaged: byte {offset + length} of {self.size} is needed.")
        return self._data[offset : offset + length]


class SliceSource:
    """A part of another source: a partition."""

    def __init__(self, parent: Source, offset: int, size: int, name: str) -> None:
        self._parent = parent
        self._offset = offset
        self._name = name
        self.size = size

    def read_at(self, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise DamagedError(f"{self._name} is cut off or damaged: byte {offset + length} of {self.size} is needed.")
        return self._parent.read_at(self._offset + offset, length)


class CachedSource:
    """Whole blocks of another source, the latest ones kept: many small reads cost one read of the file.

    Keeps at most ``blocks`` blocks of ``block_size`` bytes, so memory is bounded whatever the image claims.
    """

    def __init__(self, parent: Source, block_size: int = 4096, blocks: int = 2048) -> None:
        self._parent = parent
        self._block_size = block_size
        self._limit = blocks
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self.size = parent.size

    def read_at(self, offset: int, length: int) -> bytes:
        size = self._block_size
        first, last = offset // size, (offset + length - 1) // size
        if offset < 0 or length <= 0 or last - first >= 16:
            return self._parent.read_at(offset, length)
        if offset + length > self.size:
            return self._parent.read_at(offset, length)  # raises with the parent's own words
        data = b"".join(self._block(number) for number in range(first, last + 1))
        start = offset - first * size
        return data[start : start + length]

    def _block(self, number: int) -> bytes:
        block = self._blocks.get(number)
        if block is None:
            start = number * self._block_size
            block = self._parent.read_at(start, min(self._block_size, self.size - start))
            self._blocks[number] = block
            if len(self._blocks) > self._limit:
                self._blocks.popitem(last=False)
        else:
            self._blocks.move_to_end(number)
        return block


def read_all(source: Source, limit: int, name: str) -> bytes:
    """The whole of a source that must be small.

    :raises ImageError: it is larger than ``limit`` bytes.
    """
    if source.size > limit:
        raise ImageError(f"{name} has {source.size} bytes, more than the {limit} that such a file can sensibly have.")
    return source.read_at(0, source.size)
