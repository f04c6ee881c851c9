# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""An endpoint as a line of the Common Event Format (CEF, version 0), and a line as a message of syslog (RFC 5424).

CEF: ArcSight's "Implementing ArcSight Common Event Format": in the header backslash and bar are escaped, in the
extension backslash, equals sign and line breaks.
"""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import moment
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.visible import visible
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import Record

State = t.Literal["compliant", "non_compliant", "unknown", "not_applicable"]
_LONGEST: t.Final = 512
_SEVERITY: t.Final[t.Mapping[str, int]] = {"non_compliant": 7, "unknown": 5, "compliant": 1, "not_applicable": 0}
"""CEF: 0 to 10; 7 is the lowest of *high*."""
SYSLOG_SEVERITY: t.Final[t.Mapping[str, int]] = {
    "non_compliant": 4,
    "unknown": 5,
    "compliant": 6,
    "not_applicable": 6,
}
"""RFC 5424: 4 warning, 5 notice, 6 informational."""
FACILITIES: t.Final[t.Mapping[str, int]] = {
    "user": 1, "daemon": 3, "auth": 4, "authpriv": 10, **{f"local{number}": 16 + number for number in range(8)},
}  # fmt: skip
_NAMES: t.Final[t.Mapping[str, str]] = {
    "non_compliant": "Endpoint cannot fetch Tetra definitions",
    "unknown": "Whether the endpoint can fetch Tetra definitions is unknown",
    "compliant": "Endpoint can fetch Tetra definitions",
    "not_applicable": "Endpoint fetches no Tetra definitions",
}


def cef(record: Record, run_id: str, version: str) -> str:
    """One line without a line break."""
    verdict = record["verdict"]
    state = verdict["state"]
    origin = verdict["policy_origin"]
    timing = record["timing"]
    at = moment(timing["started_at"]) if timing is not None else None
    pairs: list[tuple[str, t.Any]] = [
        ("rt", None if at is None else int(at.timestamp() * 1000)),
        ("dhost", record["host"]),
        ("outcome", state),
        ("cat", "compliance"),
        ("externalId", f"{run_id}/{record['host']}"),
        ("cs1Label", "cause"),
        ("cs1", (verdict["cause"] or {"code": ""})["code"] or (record["error"] or {"kind": ""})["kind"]),
        ("cs2Label", "ownerOfTheSetting"),
        ("cs2", (origin["gpo"] or {"name": None})["name"] or origin["origin"]),
        ("cs3Label", "run"),
        ("cs3", run_id),
        ("msg", verdict["next_step"]),
    ]
    head = "|".join(
        _head(part)
        for part in ("fleetops", "fleetops.tetra", version, f"tetra:{state}", _NAMES[state], str(_SEVERITY[state]))
    )
    return f"CEF:0|{head}|" + " ".join(
        f"{name}={_value(value)}" for name, value in pairs if value is not None and _value(value)
    )


def syslog(line: str, severity: int, facility: str, hostname: str, when: datetime.datetime, process: int) -> bytes:
    """A message of RFC 5424 with a byte order mark before the text, as its section 6.4 wants of UTF-8."""
    stamp = when.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    host = "".join(mark for mark in hostname if "!" <= mark <= "~")[:255] or "-"
    head = f"<{FACILITIES[facility] * 8 + severity}>1 {stamp} {host} fleetops.tetra {process} CEF - "
    return head.encode("ascii") + b"\xef\xbb\xbf" + line.encode("utf-8")


def _head(text: str) -> str:
    return visible(text).replace("\\", "\\\\").replace("|", "\\|")


def _value(value: t.Any) -> str:
    text = visible(str(value)).strip()
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 1]}…"
    return text.replace("\\", "\\\\").replace("=", "\\=")
