# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is on this connection: Basic with every request, NTLM and Negotiate once per connection."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import pathlib
import typing as t
from dataclasses import dataclass, field

import spnego
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from ansible_collections.fleetops.tetra.lab.server.http import HttpRequest
from ansible_collections.fleetops.tetra.lab.transport import Transport

Headers = tuple[tuple[str, str], ...]

_USER_FILE = "NTLM_USER_FILE"
_SPOILED = "-which-the-endpoint-does-not-know"


@dataclass(frozen=True)
class Accounts:
    """The one account that an endpoint knows.

    pyspnego's acceptor takes accounts only from the file that an environment variable names. The variable is set for
    the moment of each step; steps never overlap, as they all happen on one event loop.
    """

    user: str
    password: str = field(repr=False)
    file: pathlib.Path

    @classmethod
    def of(cls, transport: Transport, folder: pathlib.Path) -> Accounts:
        """The account of this transport, its file in the folder (readable by its owner only)."""
        spoil = "wrong_password" in transport.faults
        password = transport.password + (_SPOILED if spoil else "")
        domain, _separator, user = transport.user.rpartition("\\")
        line = f"{domain}:{user}:{password}"
        name = base64.b32encode(hmac.digest(b"lab account file", line.encode(), "sha256")).decode().rstrip("=").lower()
        path = folder / f"{name[:24]}.accounts"
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(line + "\n")
        return cls(transport.user, password, path)


class Authenticator:
    """The authentication state of one TCP connection."""

    def __init__(self, transport: Transport, accounts: Accounts, certificate_hash: bytes | None) -> None:
        self._transport = transport
        self._accounts = accounts
        self._bindings = None
        if certificate_hash is not None and transport.channel_binding == "strict":
            self._bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + certificate_hash)
        self._negotiation: spnego.ContextProxy | None = None
        self.context: spnego.ContextProxy | None = None
        """The security context that seals messages, once NTLM has succeeded."""
        self.user: str | None = None

    @property
    def negotiating(self) -> bool:
        """Whether the client owes the next token of an exchange."""
        return self._negotiation is not None

    def check(self, request: HttpRequest) -> tuple[bool, Headers]:
        """Whether the request may go on, and the headers that its answer carries either way."""
        scheme, _space, value = request.headers.get("authorization", "").partition(" ")
        scheme = scheme.lower()
        if scheme == "basic" and self._accepts("basic"):
            self.user = self._basic(value)
            return self.user is not None, () if self.user else self.challenges()
        if scheme in ("negotiate", "ntlm") and self._accepts(scheme):
            return self._step(scheme, value)
        if not scheme and self.context is not None:
            return True, ()
        return False, self.challenges()

    def challenges(self) -> Headers:
        """What a client without valid credentials is told."""
        names = {"negotiate": "Negotiate", "ntlm": "NTLM", "basic": 'Basic realm="WSMAN"'}
        return tuple(
            ("WWW-Authenticate", names[name]) for name in ("negotiate", "ntlm", "basic") if self._accepts(name)
        )

    def _accepts(self, scheme: str) -> bool:
        if scheme == "basic" and not self._transport.tls and not self._transport.allow_unencrypted:
            return False
        return scheme in self._transport.auth

    def _basic(self, value: str) -> str | None:
        try:
            user, colon, password = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        known = user.lower() == self._accounts.user.lower()
        right = hmac.compare_digest(password.encode(), self._accounts.password.encode())
        return self._accounts.user if colon and known and right else None

    def _step(self, scheme: str, value: str) -> tuple[bool, Headers]:
        try:
            token = base64.b64decode(value, validate=True)
            if self._negotiation is None or _begins(token):
                self.context = self.user = None
                self._negotiation = self._with_accounts(
                    lambda: spnego.server(protocol=scheme, channel_bindings=self._bindings)
                )
            negotiation = self._negotiation
            reply = self._with_accounts(lambda: negotiation.step(token))
        except (SpnegoError, binascii.Error, ValueError):
            self._negotiation = self.context = self.user = None
            return False, self.challenges()
        header = (
            ((("WWW-Authenticate"), f"{'Negotiate' if scheme == 'negotiate' else 'NTLM'} {_text(reply)}"),)
            if reply
            else ()
        )
        if not negotiation.complete:
            return False, header
        self.context, self._negotiation = negotiation, None
        self.user = self._accounts.user
        return True, header

    def _with_accounts(self, act: t.Callable[[], t.Any]) -> t.Any:
        before = os.environ.get(_USER_FILE)
        os.environ[_USER_FILE] = str(self._accounts.file)
        try:
            return act()
        finally:
            if before is None:
                del os.environ[_USER_FILE]
            else:
                os.environ[_USER_FILE] = before


def _begins(token: bytes) -> bool:
    """Whether this is the first token of an exchange: an NTLM negotiate message or a SPNEGO NegTokenInit."""
    return token[:12] == b"NTLMSSP\x00\x01\x00\x00\x00" or token[:1] == b"\x60"


def _text(token: bytes) -> str:
    return base64.b64encode(token).decode()
