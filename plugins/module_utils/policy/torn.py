# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What a power failure makes of a file that was being replaced: a part of what was written, zeros, or nothing.

NTFS brings its own structures back after a crash, not the data of files: a file that was renamed into place may be
there with its full length and zeros in it, or shorter than it was.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.policy import gpt_ini, registry_pol

Damage = t.Literal["whole", "torn", "damaged"]
"""``torn``: no policy at all, or a part of what we wrote or put back; ``damaged``: of nobody knows whom."""


def damage_of_pol(present: bytes | None, before: bytes | None, after: bytes | None, nobody_counted_on: bool) -> Damage:
    """Of a ``Registry.pol``. ``before`` and ``after`` are those of a before-image.

    ``nobody_counted_on``: ``gpt.ini`` is as we left it, so no editor has saved the policy since. A part of what we
    wrote may be a policy in its own right; then it is ours only as long as nobody counted on.
    """
    if present in (before, after):
        return "whole"
    if present is None:
        return "torn" if nobody_counted_on else "whole"
    if not present.startswith(registry_pol.HEADER[:4]):
        return "torn"
    part = _is_part(present, before, after)
    if _is_pol(present):
        return "torn" if part and nobody_counted_on else "whole"
    return "torn" if part else "damaged"


def damage_of_ini(present: bytes | None, before: bytes | None, after: bytes | None) -> Damage:
    """Of a ``gpt.ini``."""
    if present in (before, after):
        return "whole"
    if present is None or not present.strip(b"\0") or _is_part(present, before, after):
        return "torn"
    try:
        gpt_ini.after_machine_change(present)
    except gpt_ini.GptIniError:
        return "damaged"
    return "whole"


def _is_part(present: bytes, before: bytes | None, after: bytes | None) -> bool:
    """Shorter than a file of ours, or with zeros where its end should be."""
    left = present.rstrip(b"\0")
    return any(whole is not None and len(left) < len(whole) and whole.startswith(left) for whole in (before, after))


def _is_pol(content: bytes) -> bool:
    try:
        registry_pol.parse(content)
    except registry_pol.PolError:
        return False
    return True
