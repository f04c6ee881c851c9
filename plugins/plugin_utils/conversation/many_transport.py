# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""pypsrp's HTTP transport, for many endpoints on one event loop.

It takes and gives what pypsrp's own does, raises the same errors, and honours the same options; the log-in is
pyspnego's and the sealing of messages pypsrp's. Each message is one wait of the bridge.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
import os
import re
import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import bridge
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.http_client import (
    ConnectTimedOut,
    HttpConnection,
    NotHttp,
    ProxyRefused,
    ReadTimedOut,
    Response,
    Target,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.limits import (
    Meter,
    body_limit,
    check_envelope,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError

try:
    import spnego
    from pypsrp.encryption import WinRMEncryption
    from pypsrp.exceptions import AuthenticationError, WinRMTransportError
    from pypsrp.negotiate import HTTPNegotiateAuth
    from spnego.channel_bindings import GssChannelBindings
except ImportError:
    pass

_SEALING = ("kerberos", "negotiate", "ntlm")
_OFFERED = ("Negotiate", "Kerberos", "NTLM")
_TOKEN = re.compile(r"(Kerberos|Negotiate|NTLM)\s*([^,]*),?", re.IGNORECASE)
_BOUNDARY = re.compile(r"boundary=[\" ']([^\"']{1,80})[\" ']")
_RETRIED = (425, 429, 503)
_PLAIN = "application/soap+xml;charset=UTF-8"
_LONGEST_PAUSE = 30.0
_MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
NO_CREDSSP = (
    "CredSSP is not spoken by the engine for many endpoints: use Kerberos or NTLM, or set tetra_engine to per_host."
)


class ManyTransport:
    """What ``pypsrp.wsman.WSMan`` calls its transport. ``options`` are those of the connection as pypsrp names them."""

    def __init__(self, options: t.Mapping[str, t.Any], place: t.Any) -> None:
        self._options = options
        self._place = place
        self._auth = str(options["auth"])
        target = Target(
            host=str(options["server"]),
            port=int(options["port"]),
            tls=bool(options["ssl"]),
            path=str(options["path"]),
            verify=options["cert_validation"],
            certificate=options["certificate_pem"] if self._auth == "certificate" else None,
            certificate_key=options["certificate_key_pem"] if self._auth == "certificate" else None,
            proxy=_proxy(options),
            connect_timeout=float(options["connection_timeout"]),
        )
        self.endpoint = target.url
        self._meter = Meter(place, body_limit(options["max_envelope_size"]))
        self._http = HttpConnection(target, self._meter)
        self._sealed = _must_seal(self._auth, target.tls, str(options["encryption"]))
        self._seal: t.Any = None
        self._seal_of = 0
        self._fixed = self._fixed_headers()

    def send(self, message: bytes, *, retries_on_read_timeout: int = 0, timeout: t.Any = None) -> bytes:
        """As pypsrp's; called by pypsrp inside ``bridge.run``."""
        return bridge.wait(self._send(message, retries_on_read_timeout, timeout))

    def close(self) -> None:
        self._http.close()

    async def _send(self, message: bytes, retries: int, timeout: t.Any) -> bytes:
        seconds = float(timeout if timeout is not None else self._options["read_timeout"])
        backoff = float(self._options["reconnection_backoff"])
        attempt = 0
        while True:
            try:
                return await self._deliver(message, seconds)
            except (ReadTimedOut, ConnectTimedOut):
                if attempt >= retries:
                    raise
                self._seal = None
                attempt += 1
                await asyncio.sleep(min(backoff * (2**attempt - 1), _LONGEST_PAUSE))

    async def _deliver(self, message: bytes, seconds: float) -> bytes:
        body, kind = message, _PLAIN
        if self._sealed:
            await self._connect()
            if self._seal is None or self._seal_of != self._http.generation:
                await self._exchange(b"", None, seconds)
                if self._seal is None:
                    raise AuthenticationError("no security context")
            packed, body = self._seal.wrap_message(message)
            kind = f'{packed};protocol="{self._seal.protocol}";boundary="Encrypted Boundary"'
        response = await self._exchange(body, kind, seconds)
        envelope = self._unsealed(response)
        if response.body:
            check_envelope(envelope, self._place)
        if response.status == 401:
            raise AuthenticationError(f"refused with {self._auth}")
        if response.status >= 400:
            raise WinRMTransportError("http", response.status, envelope.decode("utf-8", "replace"))
        return envelope

    def _unsealed(self, response: Response) -> bytes:
        kind = response.headers.get("content-type", "")
        if not kind.startswith(("multipart/encrypted;", "multipart/x-multi-encrypted;")):
            return response.body
        boundary = _BOUNDARY.search(kind)
        if self._seal is None or boundary is None:
            raise SessionError("session", f"{self._place} gave an answer that is not WS-Man or PSRP.")
        return t.cast(bytes, self._seal.unwrap_message(response.body, boundary[1]))

    async def _exchange(self, body: bytes, kind: str | None, seconds: float) -> Response:
        """One message and, where the endpoint asks for it, the log-in before it."""
        headers = [*self._fixed, ("Content-Type", kind)] if kind is not None else self._fixed
        for attempt in range(int(self._options["reconnection_retries"]) + 1):
            await self._connect()
            response = await self._http.post(headers, body, seconds)
            if response.status == 401 and self._auth in _SEALING:
                response = await self._log_in(response, headers, body, seconds)
            if response.status not in _RETRIED or attempt == int(self._options["reconnection_retries"]):
                return response
            await self._pause(attempt)
        raise AssertionError("the last attempt returns")

    async def _connect(self) -> None:
        for attempt in range(int(self._options["reconnection_retries"]) + 1):
            try:
                await self._http.connect()
                return
            except (ConnectionError, ConnectTimedOut):
                if attempt == int(self._options["reconnection_retries"]):
                    raise
            await self._pause(attempt)

    async def _pause(self, attempt: int) -> None:
        """As urllib3: the first try again is at once."""
        seconds = float(self._options["reconnection_backoff"]) * 2**attempt if attempt else 0.0
        await asyncio.sleep(min(seconds, _LONGEST_PAUSE))

    async def _log_in(self, refused: Response, headers: t.Any, body: bytes, seconds: float) -> Response:
        """The exchange of tokens that pypsrp makes, on this connection."""
        asked = refused.headers.get("www-authenticate", "")
        offer = next((name for name in _OFFERED if name.upper() in asked.upper()), None)
        if offer is None:
            raise AuthenticationError("no common method")
        provider = self._auth
        if offer.lower() != provider:
            if provider == "negotiate":
                provider = offer.lower()
            elif offer != "Negotiate":
                raise AuthenticationError("no common method")
        generation = self._http.generation
        context = self._context(provider)
        token = context.step()
        response = refused
        while not context.complete or token is not None:
            value = f"{offer} {base64.b64encode(token or b'').decode()}"
            response = await self._http.post([*headers, ("Authorization", value)], body, seconds)
            if self._http.generation != generation:
                raise AuthenticationError("the connection ended during the log-in")
            match = _TOKEN.search(response.headers.get("www-authenticate", ""))
            answer = base64.b64decode(match[2]) if match is not None else b""
            if not answer:
                break
            token = context.step(answer)
        if context.complete and response.status != 401 and self._sealed:
            protocol = WinRMEncryption.KERBEROS if offer == "Kerberos" else WinRMEncryption.SPNEGO
            self._seal, self._seal_of = WinRMEncryption(context, protocol), generation
        return response

    def _context(self, provider: str) -> t.Any:
        options = self._options
        bindings = None
        certificate = self._http.certificate() if options["negotiate_send_cbt"] is not False else None
        if certificate is not None:
            data = b"tls-server-end-point:" + _certificate_hash(certificate)
            bindings = GssChannelBindings(application_data=data)
        wanted = spnego.ContextReq.default
        if options["negotiate_delegate"]:
            wanted |= spnego.ContextReq.delegate
        return spnego.client(
            options["username"],
            options["password"],
            hostname=options["negotiate_hostname_override"] or options["server"],
            service=options["negotiate_service"] or "host",
            channel_bindings=bindings,
            context_req=wanted,
            protocol=provider,
            options=spnego.NegotiateOptions.wrapping_winrm if self._sealed else spnego.NegotiateOptions.none,
        )

    def _fixed_headers(self) -> list[tuple[str, str]]:
        options = self._options
        headers = [("Connection", "Keep-Alive" if self._auth in _SEALING else "keep-alive")]
        if self._auth == "basic":
            if options["username"] is None:
                raise ValueError("For basic auth, the username must be specified")
            if options["password"] is None:
                raise ValueError("For basic auth, the password must be specified")
            account = f"{options['username']}:{options['password']}".encode("latin-1", "replace")
            headers.append(("Authorization", "Basic " + base64.b64encode(account).decode()))
        elif self._auth == "certificate":
            if options["certificate_pem"] is None or options["certificate_key_pem"] is None or not options["ssl"]:
                raise ValueError("For certificate auth, three options must be set")
            headers.append(("Authorization", _MUTUAL))
        elif self._auth == "credssp":
            raise SessionError("authentication", NO_CREDSSP)
        elif self._auth not in _SEALING:
            raise ValueError(f"The specified auth {self._auth!r} is not supported, please select one of the known")
        return headers


def _must_seal(auth: str, tls: bool, encryption: str) -> bool:
    """As pypsrp decides it. Raises ValueError where the log-in cannot seal what has to be."""
    required = encryption == "always" if tls else encryption != "never"
    if required and auth not in (*_SEALING, "credssp"):
        raise ValueError(f"Cannot use message encryption with auth {auth!r}")
    return required


def _proxy(options: t.Mapping[str, t.Any]) -> str | None:
    """The proxy that the options name, else the environment's, which requests knows how to read."""
    if options["proxy"] is not None:
        return str(options["proxy"])
    if options["no_proxy"] or not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    return _environment_proxy("https" if options["ssl"] else "http", str(options["server"]))


@functools.lru_cache(maxsize=4096)
def _environment_proxy(scheme: str, server: str) -> str | None:
    from requests.utils import get_environ_proxies, select_proxy

    url = f"{scheme}://{server}/"
    found = select_proxy(url, get_environ_proxies(url))
    return str(found) if found else None


@functools.lru_cache(maxsize=4096)
def _certificate_hash(certificate: bytes) -> bytes:
    try:
        digest: t.Any = HTTPNegotiateAuth._get_certificate_hash
        return bytes(digest(certificate))
    except ValueError:
        return hashlib.sha256(certificate).digest()


__all__ = ["ConnectTimedOut", "ManyTransport", "NotHttp", "ProxyRefused", "ReadTimedOut"]
