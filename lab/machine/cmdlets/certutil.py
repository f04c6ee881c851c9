# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""certutil.exe -f -urlcache URL: a program of Windows that fetches a URL and asks for no version of TLS."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, output
from ansible_collections.fleetops.tetra.lab.machine.handshake import place_of, shake_at
from ansible_collections.fleetops.tetra.lab.pipeline import Blocking, Event

_REFUSED = 0x80072F7D - (1 << 32)
"""ERROR_WINHTTP_SECURE_FAILURE as certutil returns it."""


def run(call: Call, _path: str, arguments: list[str]) -> t.Generator[Event, t.Any, None]:
    words = [word.lower() for word in arguments]
    place = place_of(arguments[-1]) if arguments else None
    if words[:-1] != ["-f", "-urlcache"] or place is None:
        call.unmatched(f"certutil.exe {' '.join(arguments)}")
        call.variables.last_exit_code = 1
        return
    wanted = call.state.offer()
    result = yield Blocking(lambda: shake_at(wanted, place, 5.0, b"GET / HTTP/1.1\r\n\r\n"))
    call.variables.last_exit_code = 0 if result.outcome == "ok" else _REFUSED
    yield output(
        "CertUtil: -URLCache command completed successfully." if result.outcome == "ok" else "CertUtil failed."
    )
