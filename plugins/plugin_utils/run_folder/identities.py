# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Which machine answered under which inventory name, kept from run to run in ``results_dir/identities``.

A name is bound by its first answer. One that answers as another machine later, or a machine that answers under two
names, is told and not repaired until the name is accepted.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.identity import BoundIdentity
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.identity import (
    Identity,
    differences,
    identity_of,
    read_identity,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.file_names import encode_name
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.private import for_owner, make_folder
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import write_json

SCHEMA: t.Final = "fleetops.tetra/identity/1"
FOLDER = "identities"
ALL = "all"
_RELEASE = "Where that is right (it was set up anew, renamed, cloned), name it in tetra_accept_identity."


@dataclass(frozen=True)
class Identities:
    """``accepted``: inventory names whose new identity is taken, or ``all``."""

    results_dir: Path
    accepted: tuple[str, ...] = ()

    def stranger(self, host: str, facts: t.Mapping[str, t.Any]) -> str | None:
        """A sentence where another machine answers under this name than before, or under another name as well.

        Binds the name where nothing is known of it. Raises OSError where nothing can be kept.
        """
        seen = identity_of(facts)
        if not seen.is_known:
            return None
        path = self.results_dir / FOLDER / f"{encode_name(host)}.json"
        kept = _read(path)
        accepted = host in self.accepted or ALL in self.accepted
        if kept is not None and not accepted:
            other = differences(read_identity(kept), seen)
            if other:
                return f"Another machine answers under this name than before: {'; '.join(other)}. {_RELEASE}"
        shared = self._shared(host, seen, accepted)
        if shared is not None:
            return f"The same machine answers under the name {shared} as well. {_RELEASE}"
        merged = _merged(read_identity(kept) if kept is not None and not accepted else None, seen)
        if kept is None or read_identity(kept) != merged:
            bound: BoundIdentity = {
                "schema": SCHEMA,
                "host": host,
                "bound_at": now(),
                "computer_name": merged.computer_name,
                "domain": merged.domain,
                "machine_guid": merged.machine_guid,
            }
            write_json(path, bound)
        return None

    def _shared(self, host: str, seen: Identity, accepted: bool) -> str | None:
        """The other name of this machine, where it has one; else the machine is noted under this one."""
        if seen.machine is None:
            return None
        name = hashlib.sha256(seen.machine.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        path = self.results_dir / FOLDER / "machines" / f"{name}.json"
        known = _read(path)
        other = known.get("host") if known is not None else None
        if isinstance(other, str) and other != host and not accepted and self._still_answers(other, seen):
            return other
        if other != host:
            make_folder(path.parent)
            text = json.dumps({"schema": SCHEMA, "host": host})
            if known is None:
                # Two names of one machine may be asked at the same moment: one of them is first.
                with (
                    contextlib.suppress(FileExistsError),
                    open(path, "x", encoding="ascii", opener=for_owner) as handle,
                ):
                    handle.write(text)
                    return None
                return self._shared(host, seen, accepted)
            write_json(path, {"schema": SCHEMA, "host": host})
        return None

    def _still_answers(self, other: str, seen: Identity) -> bool:
        """Whether the other name is still bound to this machine; it may have been given another since."""
        kept = _read(self.results_dir / FOLDER / f"{encode_name(other)}.json")
        return kept is None or read_identity(kept).machine == seen.machine


def _merged(kept: Identity | None, seen: Identity) -> Identity:
    """What is known now, and what was known before of what cannot be read now."""
    if kept is None:
        return seen
    return Identity(*(after if after is not None else before for before, after in zip(kept, seen, strict=True)))


def _read(path: Path) -> t.Mapping[str, t.Any] | None:
    """What is kept; a damaged file is none, so that the name is bound anew."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and document.get("schema") == SCHEMA else None
