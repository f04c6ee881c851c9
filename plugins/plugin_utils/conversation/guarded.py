# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Ansible's ``psrp`` connection, held to the limits of ``limits``.

The plugin opens the runspace in the same step in which it makes the HTTP client, and requests follows redirects and
unpacks what it gets. So the client is exchanged in that step, for every time that this connection connects: a restart
by ansible.windows uses the same connection.
"""

from __future__ import annotations

import sys
import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.limits import (
    Meter,
    body_limit,
    check_envelope,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError

try:
    from pypsrp.exceptions import WinRMTransportError
    from requests.adapters import BaseAdapter
except ImportError:
    if not t.TYPE_CHECKING:
        BaseAdapter = object
        WinRMTransportError = RuntimeError

_CLIENT = "WSMan"
_GUARDED = "_fleetops_tetra_guarded"


def guard_connection(connection: t.Any, place: object) -> None:
    """From now on whatever this connection connects to is held to the limits. Raises SessionError."""
    if getattr(connection, _GUARDED, False):
        return
    module = sys.modules[type(connection).__module__]
    original = getattr(module, _CLIENT, None)
    if original is None:
        raise SessionError(
            "connection_plugin", "This collection does not know the psrp connection plugin of the installed Ansible."
        )
    connect = connection._connect

    def guarded_client(*args: t.Any, **options: t.Any) -> t.Any:
        client = original(*args, **options)
        guard_transport(client.transport, place, options.get("max_envelope_size"))
        return client

    def guarded_connect() -> t.Any:
        vars(module)[_CLIENT] = guarded_client
        try:
            return connect()
        finally:
            vars(module)[_CLIENT] = original

    connection._connect = guarded_connect
    setattr(connection, _GUARDED, True)


def guard_transport(transport: t.Any, place: object, envelope_size: t.Any = None) -> None:
    """Holds the HTTP client of pypsrp to the limits: its answers before and after they are unsealed."""
    build, send = transport._build_session, transport.send

    def guarded_session() -> t.Any:
        session = build()
        meter = Meter(place, body_limit(envelope_size))
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Guard(session.get_adapter(scheme), meter))
        return session

    def guarded_send(*args: t.Any, **options: t.Any) -> bytes:
        try:
            envelope: bytes = send(*args, **options)
        except WinRMTransportError as error:
            # pypsrp looks for a fault in it next.
            check_envelope(str(error.args[2] if len(error.args) > 2 else "").encode(errors="replace"), place)
            raise
        check_envelope(envelope, place)
        return envelope

    transport._build_session = guarded_session
    transport.send = guarded_send


class _Guard(BaseAdapter):
    """Every answer passes here, those to the messages of a log-in too."""

    def __init__(self, inner: t.Any, meter: Meter) -> None:
        super().__init__()
        self._inner = inner
        self._meter = meter

    def send(self, request: t.Any, *args: t.Any, **options: t.Any) -> t.Any:
        response = self._inner.send(request, *args, **options)
        try:
            self._meter.head(response.status_code, response.headers.get)
        except BaseException:
            response.close()
            raise
        # Set on the object, since pypsrp takes the certificate from a urllib3 response and from nothing else.
        response.raw.stream = _CappedBody(response.raw, self._meter).stream
        response.connection = self
        return response

    def close(self) -> None:
        self._inner.close()


class _CappedBody:
    """The body of an answer. It is read late: pypsrp takes the certificate from the connection before."""

    def __init__(self, raw: t.Any, meter: Meter) -> None:
        self._raw = raw
        self._meter = meter

    def stream(self, amount: int = 65536, decode_content: bool | None = None) -> t.Iterator[bytes]:
        """As urllib3 does, but decoded by nobody."""
        size = 0
        while part := self._raw.read(min(amount, 65536), decode_content=False):
            size += len(part)
            if size > self._meter.limit:
                self._raw.close()
                raise self._meter.too_large()
            yield part
        self._meter.take(size)
