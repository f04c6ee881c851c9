# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What our reader sees, in the same form as ``tshark.talks`` gives."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.capture import files, flows
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.connections import _addresses, _client
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.fingerprints import ja3
from ansible_collections.fleetops.tetra.tests.captures.tshark import Talk


def talks(path: Path) -> dict[tuple[str, int, str, int], Talk]:
    found: dict[tuple[str, int, str, int], Talk] = {}
    for flow in flows.flows(path, files.Source(), flows.Table()):
        side = _client(flow)
        ours, theirs = flow.directions[side].talker.said, flow.directions[1 - side].talker.said
        ends = _addresses(flow.key)
        found[(*ends[side], *ends[1 - side])] = {
            "hellos": [(ja3(hello)[0], hello.server_name) for hello in ours.client_hellos],
            # JA3S has the version of the record's handshake field, which TLS 1.3 keeps at 771.
            "answers": [
                f"{min(one.version, 771)},{one.suite},{'-'.join(map(str, one.extensions))}"
                for one in theirs.server_hellos
            ],
            "alerts": [("client", one.description) for one in ours.alerts]
            + [("server", one.description) for one in theirs.alerts],
        }
    return found
