# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The TLS servers that endpoints of this process shake hands with: one for each kind, made on demand."""

from __future__ import annotations

import threading

from ansible_collections.fleetops.tetra.lab.tls_server import CISCO, TlsServer

# What the Tetra servers accept, by Cisco's note (2022). The lab does not share the product's list.
ACCEPTED = (
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_AES_128_GCM_SHA256",
)
DH_BITS = 2048
RSA_BITS = 2048

_lock = threading.Lock()
Kind = tuple[tuple[str, ...], tuple[str, ...] | None, int, str, str | None]
_running: dict[Kind, TlsServer] = {}


def server(
    suites: tuple[str, ...] = ACCEPTED,
    curves: tuple[str, ...] | None = None,
    proxy_status: int = 200,
    authority: str | None = None,
    after_hello: str | None = None,
) -> TlsServer:
    """The running server of that kind, with a proxy in front that answers CONNECT with ``proxy_status``."""
    key = (suites, curves, proxy_status, authority or CISCO, after_hello)
    with _lock:
        if key not in _running:
            made = TlsServer(
                suites,
                curves=curves,
                proxy=True,
                proxy_status=proxy_status,
                authority=key[3],
                after_hello=after_hello,
            )
            _running[key] = made.start()
        return _running[key]


def close() -> None:
    """Stops them all."""
    with _lock:
        for running in _running.values():
            running.close()
        _running.clear()
