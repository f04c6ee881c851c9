# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Observation files (``fleetops.tetra/observation/1``, ``docs/observations.md``), and what a judgement keeps of them.

A file says what one Windows was seen to do, behaviour by behaviour. A run names the files that it trusts with their
digest; what is left of each in the policy of the run is an ``Observation``: which Windows, and the variant of each
behaviour.
"""

from __future__ import annotations

import collections.abc as c
import hashlib
import json
import re
import typing as t
from dataclasses import dataclass

SCHEMA = "fleetops.tetra/observation/1"

OPEN: t.Final[dict[str, tuple[str, ...]]] = {
    "local_list_in_force": ("after_reboot", "at_once"),
    "cmdlet_shows_policy": ("at_once", "after_reboot"),
    "cmdlet_tls13_before_windows_11": ("resolved", "unresolved"),
    "policy_multi_sz": ("ignored", "used"),
    "policy_expand_sz": ("used", "ignored"),
    "policy_empty": ("no_suites", "fallback_local"),
    "policy_spaces": ("trimmed", "unresolved"),
    "policy_trailing_comma": ("ignored", "list_ignored"),
    "policy_over_1023": ("used", "truncated"),
    "policy_duplicates": ("first_counts", "last_counts"),
    "policy_name_case": ("exact", "ignored"),
    "suffixed_names_on_10": ("not_offered", "offered"),
    "disabled_by_default_client": ("off", "on"),
    "winhttp_defaults": ("not_taken", "taken"),
    "mdm_minimum_tls": ("ignored", "counts"),
    "enabled_one_for_algorithms": ("enabled", "disabled"),
    "pkcs_off_kills_ecdhe_rsa": ("no", "yes"),
    "tls13_needs_ecdh": ("yes", "no"),
    "hash_switch_for_tls13": ("yes", "no"),
    "hash_off_and_signatures": ("accepted", "refused"),
    "curves_empty": ("none", "defaults"),
    "curves_local_value": ("used", "ignored"),
    "signature_list": ("obeyed", "ignored"),
}
"""The behaviours that a verdict computes in several worlds, with the variants that no source decides."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[a-z0-9_]{1,60}")
_KEYS = ("file", "sha256", "observed_at", "product", "build", "ubr", "kind", "behaviours")


class ObservationError(ValueError):
    """An observation that cannot be used. The message is one sentence."""


@dataclass(frozen=True)
class Observation:
    """What is kept of one file. ``kind``: ``client`` or ``server``; ``behaviours``: name → variant seen."""

    file: str
    sha256: str
    observed_at: str
    product: str
    build: int
    ubr: int | None
    kind: t.Literal["client", "server"]
    behaviours: c.Mapping[str, str]

    def title(self) -> str:
        """Which Windows, for a reader."""
        return f"{self.product} (build {self.build}{f'.{self.ubr}' if self.ubr is not None else ''})"

    def plain(self) -> dict[str, t.Any]:
        """As it stands in the policy of a run."""
        return {**{key: getattr(self, key) for key in _KEYS[:-1]}, "behaviours": dict(self.behaviours)}


def read_file(name: str, content: bytes, sha256: t.Any) -> Observation:
    """The observation in a file, whose digest the run has named. Raises ObservationError."""
    wanted = sha256.strip().lower() if isinstance(sha256, str) else ""
    if not _DIGEST.fullmatch(wanted):
        raise ObservationError(
            f"The observation file {name} has no digest in the list: name its sha256 (64 hexadecimal digits) beside it."
        )
    found = hashlib.sha256(content).hexdigest()
    if found != wanted:
        raise ObservationError(
            f"The observation file {name} is not the one that the list names: its sha256 is {found}, not {wanted}."
        )
    try:
        document = json.loads(content)
    except ValueError:
        raise ObservationError(f"The observation file {name} is not JSON.") from None
    return from_document(name, wanted, document)


def from_document(name: str, sha256: str, document: t.Any) -> Observation:
    """What a judgement keeps of a document. Rows without a variant (nothing was settled) are left out."""
    if not isinstance(document, c.Mapping) or document.get("schema") != SCHEMA:
        raise ObservationError(f"{name} is no observation file ({SCHEMA}).")
    windows, rows = document.get("windows"), document.get("rows")
    if not isinstance(windows, c.Mapping) or not isinstance(rows, list):
        raise ObservationError(f"The observation file {name} lacks windows or rows.")
    behaviours: dict[str, str] = {}
    for row in rows:
        if not isinstance(row, c.Mapping) or not isinstance(row.get("behaviour"), str):
            raise ObservationError(f"The observation file {name} holds a row without a behaviour.")
        behaviour, variant = row["behaviour"], row.get("variant")
        if variant is None:
            continue
        if behaviours.setdefault(behaviour, str(variant)) != str(variant):
            raise ObservationError(f"The observation file {name} contradicts itself about {behaviour[:60]}.")
    return read_plain(
        {
            "file": name,
            "sha256": sha256,
            "observed_at": document.get("observed_at"),
            **{key: windows.get(key) for key in ("product", "build", "ubr", "kind")},
            "behaviours": behaviours,
        }
    )


def read_plain(value: t.Any) -> Observation:
    """An observation as it stands in the policy of a run. Raises ObservationError."""
    if not isinstance(value, c.Mapping) or sorted(map(str, value)) != sorted(_KEYS):
        raise ObservationError(f"An observation must have exactly {', '.join(_KEYS)}.")
    name = str(value["file"])[:200]
    ubr, behaviours = value["ubr"], value["behaviours"]
    if not isinstance(value["sha256"], str) or not _DIGEST.fullmatch(value["sha256"]):
        raise ObservationError(f"The observation {name} has no sha256.")
    if not _is_number(value["build"]) or not (ubr is None or _is_number(ubr)) or value["kind"] not in _KINDS:
        raise ObservationError(
            f"The observation {name} does not say which Windows it is about (build, ubr and kind: client or server)."
        )
    if not isinstance(behaviours, c.Mapping) or not all(
        isinstance(word, str) and _WORD.fullmatch(word) for pair in behaviours.items() for word in pair
    ):
        raise ObservationError(f"The observation {name} holds a behaviour that is no name, or a variant that is none.")
    for behaviour, variant in behaviours.items():
        if behaviour in OPEN and variant not in OPEN[behaviour]:
            raise ObservationError(
                f"The observation {name} saw {variant!r} for {behaviour}, which knows {' and '.join(OPEN[behaviour])} "
                "only."
            )
    return Observation(
        name,
        value["sha256"],
        str(value["observed_at"]),
        str(value["product"])[:100],
        value["build"],
        ubr,
        value["kind"],
        dict(behaviours),
    )


_KINDS = ("client", "server")


def _is_number(value: t.Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10_000_000


def read_list(values: t.Any) -> tuple[Observation, ...]:
    """The observations of a policy. Raises ObservationError, also where two contradict each other."""
    if values is None:
        return ()
    if not isinstance(values, (list, tuple)):
        raise ObservationError("The option observations must be a list.")
    found = tuple(read_plain(value) for value in values)
    seen: dict[tuple[int, str, str], tuple[str, Observation]] = {}
    for one in found:
        for behaviour, variant in one.behaviours.items():
            other = seen.setdefault((one.build, one.kind, behaviour), (variant, one))
            if other[0] != variant:
                raise ObservationError(
                    f"The observations {other[1].file} and {one.file} contradict each other about {behaviour} on "
                    f"{one.title()}: leave one of them out."
                )
    return found
