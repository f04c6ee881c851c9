# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""One HTTP/1.1 connection to one endpoint, for many of them in one process.

The protocol is h11's, the sockets and TLS are asyncio's. requests costs some 2 ms of CPU a request and a thread an
endpoint; aiohttp costs what h11 does, but hides which connection a request takes, and a log-in holds for a connection
(docs/decisions/0030). Nothing is followed, unpacked or kept: ``limits`` says what an answer may be.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import os
import ssl
import typing as t
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.limits import MAX_HEADERS, Meter
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError

H11_ERROR: ImportError | None = None
try:
    import h11
except ImportError as error:
    H11_ERROR = error

_CHUNK = 65536
_USER_AGENT = "Python PSRP Client"
Headers = t.Sequence[tuple[str, str]]


class ConnectTimedOut(TimeoutError):
    """The endpoint did not take the connection in time."""


class ReadTimedOut(TimeoutError):
    """The endpoint took the request and did not answer it in time."""


class ProxyRefused(OSError):
    """The controller's proxy did not open the way."""


class NotHttp(OSError):
    """The other side does not speak HTTP."""


@dataclass(frozen=True)
class Target:
    """Where the connection goes; what is secret is not shown."""

    host: str
    port: int
    tls: bool
    path: str = "wsman"
    verify: bool | str = True
    """True: the usual authorities; False: any certificate; a text: the file or folder of the authorities."""
    certificate: str | None = None
    certificate_key: str | None = None
    certificate_key_password: str | None = field(default=None, repr=False)
    proxy: str | None = field(default=None, repr=False)
    connect_timeout: float = 30.0

    @property
    def authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.authority}/{self.path}"


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    """Names in lower case; of several with one name the values are joined by a comma."""
    body: bytes


class HttpConnection:
    """Requests one after the other. A connection that was closed is opened again with the next request."""

    def __init__(self, target: Target, meter: Meter) -> None:
        self.target = target
        self.generation = 0
        """Grows with every new connection: what was agreed on an earlier one (a log-in) is lost."""
        self._meter = meter
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._protocol: t.Any = None

    async def connect(self) -> None:
        """Opens the connection where there is none that lives. Raises OSError, ssl.SSLError or SessionError."""
        if self._reader is not None and self._writer is not None:
            if not (self._reader.at_eof() or self._writer.is_closing()) and self._protocol.our_state is h11.IDLE:
                return
            self.close()
        try:
            async with asyncio.timeout(self.target.connect_timeout):
                self._reader, self._writer = await self._open()
        except TimeoutError as late:
            self.close()
            raise ConnectTimedOut from late
        self._protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEADERS)
        self.generation += 1

    def certificate(self) -> bytes | None:
        """The endpoint's certificate (DER), on TLS."""
        tls = self._writer.get_extra_info("ssl_object") if self._writer is not None else None
        return tls.getpeercert(binary_form=True) if tls is not None else None

    async def post(self, headers: Headers, body: bytes, seconds: float) -> Response:
        """One request and its answer. Raises OSError, ReadTimedOut or SessionError; the connection is lost then."""
        await self.connect()
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(headers, body)
        except TimeoutError as late:
            self.close()
            raise ReadTimedOut from late
        except h11.RemoteProtocolError as error:
            ended = self._reader is not None and self._reader.at_eof()
            self.close()
            if ended:
                raise ConnectionResetError("the connection ended in the middle of an answer") from error
            raise NotHttp from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends the connection at once."""
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            writer.transport.abort() if not self.target.tls else writer.close()

    async def _exchange(self, headers: Headers, body: bytes) -> Response:
        reader, writer, protocol = self._reader, self._writer, self._protocol
        if reader is None or writer is None:
            raise ConnectionError("The connection is not open.")
        target = f"/{self.target.path}"
        if self.target.proxy is not None and not self.target.tls:
            target = self.target.url
            headers = [*headers, *_proxy_headers(self.target.proxy)]
        fields = [
            ("Host", self.target.authority),
            ("User-Agent", _USER_AGENT),
            ("Accept-Encoding", "identity"),
            ("Accept", "*/*"),
            *headers,
            ("Content-Length", str(len(body))),
        ]
        request = protocol.send(h11.Request(method="POST", target=target, headers=fields))
        if body:
            request += protocol.send(h11.Data(data=body))
        writer.write(request + protocol.send(h11.EndOfMessage()))
        await writer.drain()
        answer = await _receive(reader, protocol, self._meter)
        if protocol.our_state is h11.DONE and protocol.their_state is h11.DONE:
            protocol.start_next_cycle()
        return answer

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        target = self.target
        context = _context(target) if target.tls else None
        if target.proxy is None:
            return await asyncio.open_connection(
                target.host, target.port, ssl=context, server_hostname=target.host if context else None
            )
        proxy = urlsplit(target.proxy if "//" in target.proxy else f"//{target.proxy}")
        if not proxy.hostname or (proxy.scheme not in ("", "http")):
            raise SessionError("unreachable", f"The proxy for {target.host} is none that can be used: name http://…")
        try:
            reader, writer = await asyncio.open_connection(proxy.hostname, proxy.port or 80)
        except OSError as error:
            raise ProxyRefused from error
        if context is not None:
            await self._tunnel(reader, writer)
            await writer.start_tls(context, server_hostname=target.host)
        return reader, writer

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEADERS)
        place = self.target.authority
        fields = [("Host", place), *_proxy_headers(str(self.target.proxy))]
        writer.write(protocol.send(h11.Request(method="CONNECT", target=place, headers=fields)))
        try:
            while True:
                event = protocol.next_event()
                if event is h11.NEED_DATA:
                    protocol.receive_data(await reader.read(_CHUNK))
                elif isinstance(event, h11.Response):
                    break
            opened = 200 <= event.status_code < 300
        except (h11.RemoteProtocolError, OSError) as error:
            writer.transport.abort()
            raise ProxyRefused from error
        if not opened:
            writer.transport.abort()
            raise ProxyRefused(f"HTTP {event.status_code}")


async def _receive(reader: asyncio.StreamReader, protocol: t.Any, meter: Meter) -> Response:
    status, size = 0, 0
    headers: dict[str, str] = {}
    parts: list[bytes] = []
    while True:
        event = protocol.next_event()
        if event is h11.NEED_DATA:
            protocol.receive_data(await reader.read(_CHUNK))
        elif isinstance(event, h11.Response):
            status = event.status_code
            for name, value in event.headers:
                key, text = name.decode("ascii"), value.decode("latin-1")
                headers[key] = f"{headers[key]}, {text}" if key in headers else text
            meter.head(status, headers.get)
        elif isinstance(event, h11.Data):
            size += len(event.data)
            if size > meter.limit:
                raise meter.too_large()
            parts.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            meter.take(size)
            return Response(status, headers, b"".join(parts))
        elif isinstance(event, h11.ConnectionClosed):
            raise ConnectionResetError("the connection ended before an answer")


def _proxy_headers(proxy: str) -> list[tuple[str, str]]:
    parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    if parts.username is None:
        return []
    account = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return [("Proxy-Authorization", "Basic " + base64.b64encode(account.encode("latin-1", "replace")).decode())]


def _context(target: Target) -> ssl.SSLContext:
    return _contexts(
        target.verify,
        target.certificate,
        target.certificate_key,
        target.certificate_key_password,
    )


@functools.lru_cache(maxsize=64)
def _contexts(verify: bool | str, certificate: str | None, key: str | None, password: str | None) -> ssl.SSLContext:
    """As urllib3 makes them; once for all endpoints that share the files, since loading authorities costs 20 ms."""
    from requests.utils import DEFAULT_CA_BUNDLE_PATH
    from urllib3.util.ssl_ import create_urllib3_context

    context: ssl.SSLContext = create_urllib3_context()
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.check_hostname = True
        context.verify_mode = ssl.CERT_REQUIRED
        given = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH
        authorities = Path(given if verify is True else verify)
        if not authorities.exists():
            raise SessionError("tls", "The file that ansible_psrp_ca_cert names does not exist.")
        if authorities.is_dir():
            context.load_verify_locations(capath=authorities)
        else:
            context.load_verify_locations(cafile=authorities)
    if certificate is not None:
        context.load_cert_chain(certificate, key, password)
    return context
