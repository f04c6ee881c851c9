# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connector's ipsupporttool.exe: ``-o FOLDER`` leaves a ZIP named CiscoAMP_Support_Tool... with its log."""

from __future__ import annotations

import io
import typing as t
import zipfile

from ansible_collections.fleetops.tetra.lab.machine.call import Call
from ansible_collections.fleetops.tetra.lab.pipeline import Event


def run(call: Call, path: str, arguments: list[str]) -> t.Iterator[Event]:
    state = call.state
    if len(arguments) != 2 or arguments[0] != "-o":
        call.unmatched(f"{path} {' '.join(arguments)}")
        call.variables.last_exit_code = 1
        return
    call.variables.last_exit_code = 0
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in state.files:
            if "\\cisco\\amp\\" in file.path.lower() and file.name.lower().endswith((".log", ".xml")):
                archive.writestr(file.path[3:].replace("\\", "/"), file.data)
        archive.writestr("Program Files/Cisco/AMP/client.pem", b"secret identity")
    state.files.write(f"{arguments[1]}\\CiscoAMP_Support_Tool_2026_11_24.7z", kept.getvalue(), state.now())
    yield from ()
