# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Image files on the controller: which ones a user means, their record in a run folder, and waivers over a run."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import written
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.cure import Timing
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import ErrorKind, Record
from ansible_collections.fleetops.tetra.plugins.module_utils.image.disks.detect import looks_like_an_image
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.domain_values import DomainPolicy
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict import waivers as w
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.domain_join import evaluate_joined
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder import results

try:
    import yaml
except ImportError as error:
    YAML_ERROR: ImportError | None = error
else:
    YAML_ERROR = None

SUFFIXES = (
    ".vhdx", ".vhd", ".avhdx", ".avhd", ".vmdk", ".qcow2", ".raw", ".img", ".vdi", ".ffu", ".iso", ".ova", ".box",
    ".wim", ".esd", ".swm",
)  # fmt: skip
"""Endings of files that are meant to be judged, or refused by name; others are known by their content."""
WAIVER_FILE_LIMIT = 1024 * 1024
_VOLUME_MARKS = ("windows", "system")


class ImagesError(Exception):
    """No image can be meant by this. The message is one sentence."""


@dataclass(frozen=True)
class Image:
    """One image to judge. ``name`` is unique in its run."""

    name: str
    path: str
    volume: str | None = None

    def document(self) -> dict[str, str | None]:
        """As plain JSON."""
        return {"name": self.name, "path": self.path, "volume": self.volume}


class Found(t.NamedTuple):
    """``left_out``: files and folders of a folder that hold no image, so that nobody takes them for judged."""

    images: list[Image]
    left_out: list[str]


def find_images(wanted: t.Any, folder: Path, recursive: bool = False) -> Found:
    """The images that ``wanted`` names: a path, a mapping {path, name, volume}, or a list of these.

    A folder that is no Windows volume itself stands for the image files in it: by name, and by content whatever the
    name; with ``recursive`` in its folders too. Relative paths start at ``folder``. A file that does not exist is kept,
    so that it is missed in the run.
    """
    rows = wanted if isinstance(wanted, list) else [wanted]
    found: list[Image] = []
    left_out: list[str] = []

    def take(image: Image) -> None:
        images, others = _expand(image, folder, recursive)
        found.extend(images)
        left_out.extend(others)

    for row in rows:
        if isinstance(row, str) and row.strip():
            take(Image("", row))
        elif isinstance(row, dict) and isinstance(row.get("path"), str) and set(row) <= {"path", "name", "volume"}:
            volume = row.get("volume")
            name = row.get("name")
            if not isinstance(name, (str, type(None))) or isinstance(volume, (dict, list, bool)):
                raise ImagesError("An image has name and volume as plain text.")
            image = Image(name or "", row["path"], None if volume is None else str(volume))
            take(image)
        else:
            raise ImagesError("An image is a path, or a mapping with path and, if wanted, name and volume.")
    if not found:
        raise ImagesError("There is no image to judge: name files, or a folder that holds some.")
    return Found(_with_names(found), left_out)


def _expand(image: Image, folder: Path, recursive: bool) -> tuple[list[Image], list[str]]:
    path = (folder / Path(image.path).expanduser()).absolute()
    here = Image(image.name, str(path), image.volume)
    if not path.is_dir() or _is_volume(path):
        return [here], []
    if image.name or image.volume is not None:
        raise ImagesError(f"{path} holds several images; name and volume belong to a single one.")
    inside, others = _sorted_out(path, recursive)
    if not inside:
        raise ImagesError(f"{path} holds no image file ({', '.join(SUFFIXES)}) and is no Windows volume.")
    return [Image("", str(child)) for child in inside], [str(child) for child in others]


def _sorted_out(path: Path, recursive: bool) -> tuple[list[Path], list[Path]]:
    """(images, all else) in a folder. Later parts of an image are neither."""
    inside: list[Path] = []
    others: list[Path] = []
    for child in sorted(path.iterdir()):
        if child.is_dir() and not child.is_symlink():
            if _is_volume(child):
                inside.append(child)
            elif recursive:
                images, more = _sorted_out(child, recursive)
                inside += images
                others += more
            else:
                others.append(child)
        elif _is_later_part(child):
            continue
        elif child.suffix.lower() in SUFFIXES or (child.is_file() and looks_like_an_image(str(child))):
            inside.append(child)
        else:
            others.append(child)
    return inside, others


def _is_volume(path: Path) -> bool:
    return any(child.name.lower() in _VOLUME_MARKS for child in path.iterdir())


def _is_later_part(path: Path) -> bool:
    """Extents of a VMDK with a descriptor and later parts of a split WIM belong to another file."""
    stem, suffix = path.stem, path.suffix.lower()
    if suffix == ".vmdk":
        base, _dash, part = stem.rpartition("-")
        is_extent = part == "flat" or (part[:1] in ("s", "f") and part[1:].isdigit())
        return bool(base) and is_extent and path.with_name(base + path.suffix).exists()
    if suffix == ".swm":
        base = stem.rstrip("0123456789")
        return base != stem and path.with_name(base + path.suffix).exists()
    return False


def _with_names(found: list[Image]) -> list[Image]:
    short = [image.name or Path(image.path).name or image.path for image in found]
    named: list[Image] = []
    for image, name in zip(found, short, strict=True):
        unique = name if image.name or short.count(name) == 1 else image.path
        if image.volume is not None and not image.name:
            unique = f"{unique}:{image.volume}"
        named.append(Image(unique, image.path, image.volume))
    names = [image.name for image in named]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ImagesError(f"Two images have the name {twice!r}; give each a name of its own.")
    return named


def image_record(
    image: str,
    token: str | None,
    policy: dict[str, t.Any] | None,
    answer: t.Mapping[str, t.Any],
    started: datetime,
    domain: DomainPolicy | None = None,
) -> Record:
    """The record of what fleetops.tetra.image_info answered about an image; ``domain`` as for ``evaluate_joined``."""
    seconds = round((datetime.now(UTC) - started).total_seconds(), 3)
    timing: Timing = {"started_at": written(started), "seconds": seconds, "pipelines": 0}
    facts = answer.get("facts")
    if answer.get("failed") or not isinstance(facts, dict):
        kind: ErrorKind = "image" if answer.get("kind") == "image" else "internal"
        message = " ".join(str(answer.get("msg") or "The module that reads images gave no answer.").split())[:1000]
        return results.unknown_record(image, kind, message, token, policy, timing)
    return results.make_record(image, token, evaluate_joined(facts, policy, domain), t.cast(Facts, facts), timing)


def read_waivers(path: Path) -> list[w.Waiver]:
    """The waivers in a YAML or JSON file. Raises WaiverError with one sentence."""
    try:
        if path.stat().st_size > WAIVER_FILE_LIMIT:
            raise w.WaiverError(f"{path} is larger than a waiver file can sensibly be.")
        document = _load(path.read_text(encoding="utf-8"), path.suffix == ".json")
    except w.WaiverError:
        raise
    except OSError as error:
        raise w.WaiverError(f"The waiver file {path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise w.WaiverError(f"The waiver file {path} is neither YAML nor JSON.") from None
    try:
        return w.parse(document)
    except w.WaiverError as error:
        raise w.WaiverError(f"{path}: {error}") from None


def _load(text: str, is_json: bool) -> t.Any:
    """Raises ValueError for text that is neither."""
    if is_json:
        return json.loads(text)
    if YAML_ERROR is not None:
        raise w.WaiverError("Reading a waiver file in YAML needs the Python library PyYAML, which Ansible itself uses.")
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def waive(folder: Path, waivers: t.Sequence[w.Waiver]) -> dict[str, list[str]]:
    """Apply waivers to the records of a run; sentences by ``waived``, ``expired`` and ``unused``."""
    today = datetime.now(UTC).date()
    used: set[w.Waiver] = set()
    told: dict[str, list[str]] = {"waived": [], "expired": [], "unused": []}
    for record in list(results.read_run(folder).records()):
        verdict, relevant = w.apply(record["verdict"], waivers, today)
        used.update(relevant)
        host = record["host"]
        told["expired"] += [
            f"{host}: {waiver.rule} expired on {waiver.expires.isoformat()}: {waiver.reason}"
            for waiver in relevant
            if waiver.expires < today
        ]
        if not relevant or record["facts"] is None:
            continue
        if verdict["state"] != record["verdict"]["state"]:
            told["waived"].append(f"{host}: {verdict['next_step']}")
        results.write_record(folder, {**record, "verdict": verdict})
    told["unused"] = [f"{waiver.image}: {waiver.rule}" for waiver in waivers if waiver not in used]
    return told
