# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gpupdate.exe: processes policy. Its text is localized, so only what it does counts."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine import group_policy
from ansible_collections.fleetops.tetra.lab.machine.call import Call, output
from ansible_collections.fleetops.tetra.lab.pipeline import Event, Wait

_SECONDS = 0.05
_TEXT = {
    "en-US": ("Updating policy...", "", "Computer Policy update has completed successfully."),
    "ko-KR": ("정책을 업데이트하고 있습니다...", "", "컴퓨터 정책을 업데이트했습니다."),
}


def run(call: Call, _path: str, arguments: list[str]) -> t.Iterator[Event]:
    lowered = [argument.lower() for argument in arguments]
    unknown = [a for a in lowered if a not in ("/target:computer", "/force") and not a.startswith("/wait:")]
    if unknown:
        call.unmatched(f"gpupdate.exe {' '.join(arguments)}")
        call.variables.last_exit_code = 1
        return
    yield Wait(_SECONDS)
    if call.state.refresh_takes:
        group_policy.refresh(call.state, "/force" in lowered)
    call.variables.last_exit_code = 0
    for line in _TEXT.get(call.state.identity.language, _TEXT["en-US"]):
        yield output(line)
