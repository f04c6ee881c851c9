# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What all disks have in common that keep their content in blocks of one size (clusters, grains)."""

from __future__ import annotations

import abc

from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import DamagedError, in_blocks


class BlockDisk(abc.ABC):
    """A virtual disk, read block by block. A format sets these three and says where a block lies."""

    _name: str
    """The file, for sentences."""
    _block_size: int
    """Bytes."""
    size: int
    """Length of the virtual disk in bytes."""

    def read_at(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``. Raises ImageError where they do not exist."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise DamagedError(f"The disk in {self._name} ends at {self.size}, but byte {offset + length} is needed.")
        return in_blocks(offset, length, self._block_size, self._read_block)

    @abc.abstractmethod
    def _read_block(self, number: int, inside: int, take: int) -> bytes:
        """``take`` bytes from byte ``inside`` of a block; they never reach into the next one."""

    def _damaged(self, what: str) -> DamagedError:
        return DamagedError(f"{self._name} is damaged: {what}.")
