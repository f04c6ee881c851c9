# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The connector's ``local.xml``: which definitions it has, and whether it was installed without Tetra.

The version of the definitions lies in one of two places, by release: as JSON in ``agent/engine/stats/definitions``, or
as ``x:n`` in ``agent/engine/tetra/defversions``. The file also holds the connector's identity, which is never kept.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.connector.xml_paths import XmlError, read_paths
from ansible_collections.fleetops.tetra.plugins.module_utils.documents import facts as d

_DEFINITIONS = ("agent", "engine", "stats", "definitions")
_OLDER_DEFINITIONS = ("agent", "engine", "tetra", "defversions")
_SKIP_TETRA = ("install", "switches", "skiptetra")


@dataclasses.dataclass(frozen=True, slots=True)
class LocalConfig:
    definitions: str | None
    """Version of the Tetra definitions; ``None`` where there are none yet, or Tetra is off."""
    skip_tetra: bool | None
    """Whether the connector was installed without Tetra; ``None`` where the file does not say."""


def read_local(data: bytes) -> LocalConfig:
    """Reads the bytes of a local.xml. Errors: ``XmlError``."""
    found = read_paths(data, (_DEFINITIONS, _OLDER_DEFINITIONS, _SKIP_TETRA))
    version = _from_json(found.get(_DEFINITIONS, "")) or _version(found.get(_OLDER_DEFINITIONS))
    return LocalConfig(version, {"1": True, "0": False}.get(found.get(_SKIP_TETRA, "")))


def definitions_section(data: bytes) -> d.Definitions:
    """The facts section ``connector.definitions``."""
    try:
        version = read_local(data).definitions
    except XmlError as error:
        return {"status": "error", "reason": f"local.xml: {error}.", "version": None}
    if version is None:
        reason = "local.xml names no definitions: none were downloaded yet, or Tetra is off."
        return {"status": "absent", "reason": reason, "version": None}
    return {"status": "ok", "reason": None, "version": version}


def _from_json(text: str) -> str | None:
    try:
        engines = json.loads(text)["engineDefinitions"]
        return _version(engines[0]["defVersion"])
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return None


def _version(text: t.Any) -> str | None:
    """The part behind the colon of ``x:n``; nothing for a missing one and for 0."""
    match = re.fullmatch(r"[^:]*:\s*([0-9A-Za-z._-]{1,64})", text.strip()) if isinstance(text, str) else None
    return match.group(1) if match and match.group(1).strip("0") else None
