# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What can go wrong while an endpoint is changed. Each message is one sentence for a reader."""

from __future__ import annotations


class ChangeError(Exception):
    """The change could not be made, or could not be seen to be made. ``code`` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NotWritable(ChangeError):
    """The account may not write; nothing was changed."""

    def __init__(self, message: str) -> None:
        super().__init__("not_writable", message)
