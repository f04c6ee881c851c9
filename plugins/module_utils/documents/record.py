# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The record ``fleetops.tetra/result/1`` as types; ``docs/schemas/result-1.json`` says the same."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.cure import Timing
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Verdict

ErrorKind = t.Literal[
    "unreachable", "authentication", "tls", "timeout", "connection_plugin", "session", "answer", "unsupported", "image",
    "delegated", "not_audited", "damaged_record", "foreign_record", "internal",
]  # fmt: skip


class Error(t.TypedDict):
    """Why an endpoint could not be audited."""

    kind: ErrorKind
    message: str


class Record(t.TypedDict):
    """What a run knows of one endpoint; ``facts`` is ``None`` where it could not be asked.

    A file always has ``token`` and ``timing``; one made in memory (outside a run, or missing in one) may not.
    """

    schema: t.Literal["fleetops.tetra/result/1"]
    token: str | None
    host: str
    facts: Facts | None
    verdict: Verdict
    timing: Timing | None
    error: Error | None
