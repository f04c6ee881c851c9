# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tshark sees in a capture, brought into the form in which our reader's answer is compared."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

Talk = dict[str, list[Any]]
"""``hellos``: (JA3 string, server name); ``answers``: (version, suite, extensions) ; ``alerts``: (side, number)."""

OPTIONS = (
    "-o", "tcp.reassemble_out_of_order:TRUE", "-o", "tcp.desegment_tcp_streams:TRUE",
    "-o", "tls.desegment_ssl_records:TRUE", "-o", "tcp.check_checksum:FALSE", "-o", "ip.defragment:TRUE",
    "-d", "tcp.port==8080,http", "-d", "tcp.port==443,tls",
)  # fmt: skip


def _values(tree: Any, name: str) -> list[Any]:
    """All values of a field anywhere below, in order; ``--no-duplicate-keys`` makes lists of those that repeat."""
    if isinstance(tree, dict):
        found = []
        for key, value in tree.items():
            if key == name:
                found += value if isinstance(value, list) else [value]
            else:
                found += _values(value, name)
        return found
    if isinstance(tree, list):
        return [one for item in tree for one in _values(item, name)]
    return []


def talks(path: Path) -> dict[tuple[str, int, str, int], Talk]:
    """By (client, port, server, port) of each TCP stream; the client is who opened it or sent the hello."""
    command = ["tshark", "-r", str(path), *OPTIONS, "-T", "json", "--no-duplicate-keys", "-Y", "tcp"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    packets = json.loads(done.stdout or "[]")
    streams: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for packet in packets:
        layers = packet["_source"]["layers"]
        stream = _values(layers, "tcp.stream")
        if stream:
            streams[stream[0]].append(layers)
    return dict(_talk(rows) for rows in streams.values())


def _ends(layers: dict[str, Any]) -> tuple[str, int, str, int]:
    ip = "ip" if "ip" in layers else "ipv6"
    one = layers[ip] if isinstance(layers[ip], dict) else layers[ip][-1]
    return (
        one[f"{ip}.src"], int(layers["tcp"]["tcp.srcport"]), one[f"{ip}.dst"], int(layers["tcp"]["tcp.dstport"]),
    )  # fmt: skip


def _talk(rows: list[dict[str, Any]]) -> tuple[tuple[str, int, str, int], Talk]:
    first = _ends(rows[0])
    client = first if "0x0002" in str(rows[0]["tcp"].get("tcp.flags")) else None
    talk: Talk = {"hellos": [], "answers": [], "alerts": []}
    alerts: list[tuple[tuple[str, int, str, int], int]] = []
    for layers in rows:
        ends = _ends(layers)
        tls = layers.get("tls")
        if tls is None:
            continue
        names = _values(tls, "tls.handshake.extensions_server_name")
        for number, text in enumerate(_values(tls, "tls.handshake.ja3_full")):
            client = ends
            talk["hellos"].append((text, names[number] if number < len(names) else None))
        talk["answers"] += _values(tls, "tls.handshake.ja3s_full")
        alerts += [(ends, int(value)) for value in _values(tls, "tls.alert_message.desc")]
    client = client or first
    talk["alerts"] = [("client" if ends == client else "server", number) for ends, number in alerts]
    return client, talk
