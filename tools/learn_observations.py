# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns observation files into data of the project, and prints what we believed wrongly: make learn FILES="a.json …".

Ends with 2 and one sentence where a file cannot be used; then nothing is taken over.
"""

from __future__ import annotations

import hashlib
import json
import pathlib
import sys

from ansible_collections.fleetops.tetra.lab.machine import behaviours, observed
from ansible_collections.fleetops.tetra.plugins.module_utils.observations.document import (
    Observation,
    ObservationError,
    from_document,
    read_list,
)


def believed(behaviour: str) -> str | None:
    known = behaviours.BY_NAME.get(behaviour)
    return observed.BELIEFS.get(behaviour) or (known.variants[0] if known is not None and known.variants else None)


def wrong(observation: Observation) -> list[str]:
    """One sentence for each belief that this Windows does not share."""
    return [
        f"{observation.title()}: {behaviour} is {variant}; we believed {believed(behaviour)}."
        for behaviour, variant in observation.behaviours.items()
        if variant != believed(behaviour)
    ]


def learn(paths: list[pathlib.Path], folder: pathlib.Path) -> list[str]:
    """Takes the files over; the sentences to print. Raises ObservationError or OSError before anything is written."""
    files = [path for given in paths for path in (sorted(given.rglob("*.json")) if given.is_dir() else [given])]
    if not files:
        raise ObservationError("There is no observation file.")
    known = sorted(folder.glob("*.json"))
    seen: list[Observation] = []
    for path in (*known, *files):
        content = path.read_bytes()
        try:
            document = json.loads(content)
        except ValueError:
            raise ObservationError(f"{path} is not JSON.") from None
        seen.append(from_document(path.name, hashlib.sha256(content).hexdigest(), document))
    read_list([one.plain() for one in seen])
    new = seen[len(known) :]
    folder.mkdir(parents=True, exist_ok=True)
    for path in files:
        (folder / path.name).write_bytes(path.read_bytes())
    told = [
        f"{one.title()}: {len(one.behaviours)} behaviours settled ({one.file}, sha256 {one.sha256})." for one in new
    ]
    return [*told, *(sentence for one in new for sentence in wrong(one))]


def main() -> int:
    try:
        sentences = learn([pathlib.Path(name) for name in sys.argv[1:]], observed.FOLDER)
    except (ObservationError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(sentences))
    return 0


if __name__ == "__main__":
    sys.exit(main())
