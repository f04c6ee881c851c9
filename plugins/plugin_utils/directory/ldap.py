# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""One LDAP conversation with a domain controller: encrypted, paged, and with that server only.

Messages are sansldap's, log-on and sealing pyspnego's; here are the socket, TLS and the pages. Nothing is read over a
connection that is neither TLS nor sealed. A referral is never followed: it would be another server's answer.
"""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.listing import first_line
from ansible_collections.fleetops.tetra.plugins.plugin_utils.directory.errors import DirectoryError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.directory.log_on import LogOn

Transport = t.Literal["ldaps", "starttls", "ldap"]
PORTS: t.Final[dict[str, int]] = {"ldaps": 636, "starttls": 389, "ldap": 389}
PAGE: t.Final = 500
_MOST_BYTES: t.Final = 64 * 1024 * 1024
"""One answer that is longer is no answer of a domain controller."""
_READ_ONLY_PART_OF_SECURITY: t.Final = 7
"""Owner, group and access list, without the audit list, which an ordinary user may not read."""

_WHY = {
    "52e": "the user name or the password is wrong",
    "525": "the user does not exist",
    "530": "the account may not log on at this hour",
    "531": "the account may not log on from here",
    "532": "the password has expired",
    "533": "the account is disabled",
    "701": "the account has expired",
    "773": "the password has to be changed first",
    "775": "the account is locked",
}
"""``data 52e`` and others in Active Directory's diagnostic message: Win32 error codes (MS-ERREF 2.2)."""


class Row(t.NamedTuple):
    """One object: its distinguished name and its attributes, by their names in lower case."""

    dn: str
    values: t.Mapping[str, tuple[bytes, ...]]

    def text(self, name: str) -> str | None:
        values = self.values.get(name.lower())
        return values[0].decode("utf-8", "replace") if values else None

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(value.decode("utf-8", "replace") for value in self.values.get(name.lower(), ()))

    def number(self, name: str) -> int | None:
        try:
            return int(self.text(name) or "")
        except ValueError:
            return None

    def raw(self, name: str) -> bytes | None:
        values = self.values.get(name.lower())
        return values[0] if values else None


class LdapSession:
    """``with LdapSession(...) as ldap``. Raises DirectoryError."""

    def __init__(
        self,
        server: str,
        log_on: LogOn,
        transport: Transport = "ldaps",
        ca_file: str | None = None,
        timeout: float = 30.0,
        port: int | None = None,
    ) -> None:
        self._server, self._log_on, self._transport = server, log_on, transport
        self._ca_file, self._timeout = ca_file, timeout
        self._port = port or PORTS[transport]
        self._socket: socket.socket | ssl.SSLSocket | None = None
        self._context: t.Any = None
        self._incoming = b""
        import sansldap

        self._client = sansldap.LDAPClient()
        self._ldap = sansldap

    def __enter__(self) -> LdapSession:
        try:
            self._socket = socket.create_connection((self._server, self._port), self._timeout)
            if self._transport == "starttls":
                self._start_tls()
            elif self._transport == "ldaps":
                self._encrypt()
            self._bind()
        except BaseException as error:
            self.__exit__()
            raise self._said(error) from error
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None

    def root(self) -> Row:
        """RootDSE: what the server says of itself."""
        (row,) = self._read(
            "",
            "base",
            "(objectClass=*)",
            ["defaultNamingContext", "configurationNamingContext", "dnsHostName"],
            page=False,
        )
        return row

    def search(
        self,
        base: str,
        filter_: str,
        attributes: t.Sequence[str],
        scope: t.Literal["base", "one", "sub"] = "sub",
    ) -> t.Iterator[Row]:
        """Page by page, objects as they come. Raises DirectoryError; half of an answer is never an answer."""
        try:
            yield from self._read(base, scope, filter_, attributes)
        except DirectoryError:
            raise
        except Exception as error:
            raise self._said(error) from error

    # Talking ---------------------------------------------------------------------------------------------------------

    def _read(
        self, base: str, scope: str, filter_: str, attributes: t.Sequence[str], page: bool = True
    ) -> t.Iterator[Row]:
        cookie = b""
        scopes = {
            "base": self._ldap.SearchScope.BASE,
            "one": self._ldap.SearchScope.ONE_LEVEL,
            "sub": self._ldap.SearchScope.SUBTREE,
        }
        while True:
            controls: list[t.Any] = [self._ldap.PagedResultControl(True, PAGE, cookie)] if page else []
            if any(name.lower() == "ntsecuritydescriptor" for name in attributes):
                controls.append(self._security_control())
            number = self._client.search_request(
                base_object=base,
                scope=scopes[scope],
                filter=self._ldap.LDAPFilter.from_string(filter_),
                attributes=list(attributes),
                controls=controls,
            )
            done = None
            for message in self._answers(number):
                if isinstance(message, self._ldap.SearchResultEntry):
                    yield Row(
                        message.object_name,
                        {each.name.split(";")[0].lower(): tuple(each.values) for each in message.attributes},
                    )
                elif isinstance(message, self._ldap.SearchResultDone):
                    done = message
            self._refuse(done, f"the search below {base or 'its root'}")
            received = done.controls if done is not None else []
            paged = [each for each in received if isinstance(each, self._ldap.PagedResultControl)]
            cookie = paged[0].cookie if paged else b""
            if not cookie:
                return

    def _security_control(self) -> t.Any:
        # LDAP_SERVER_SD_FLAGS_OID (MS-ADTS 3.1.1.3.4.1.11): a sequence of one integer.
        return self._ldap.LDAPControl(
            "1.2.840.113556.1.4.801", True, bytes((0x30, 3, 2, 1, _READ_ONLY_PART_OF_SECURITY))
        )

    def _answers(self, number: int) -> t.Iterator[t.Any]:
        self._send()
        while True:
            for message in self._client.receive(self._received()):
                if message.message_id not in (number, 0):
                    continue
                yield message
                if not isinstance(message, (self._ldap.SearchResultEntry, self._ldap.SearchResultReference)):
                    return

    def _send(self) -> None:
        data = self._client.data_to_send()
        if self._context is not None:
            sealed = self._context.wrap(data).data
            data = len(sealed).to_bytes(4, "big") + sealed
        self._connected().sendall(data)

    def _received(self) -> bytes:
        if self._context is None:
            return self._more()
        while len(self._incoming) < 4:
            self._incoming += self._more()
        length = int.from_bytes(self._incoming[:4], "big")
        if length > _MOST_BYTES:
            raise DirectoryError(
                f"{self._server} answered with {length} bytes in one piece, more than a domain controller does."
            )
        while len(self._incoming) < 4 + length:
            self._incoming += self._more()
        sealed, self._incoming = self._incoming[4 : 4 + length], self._incoming[4 + length :]
        data: bytes = self._context.unwrap(sealed).data
        return data

    def _more(self) -> bytes:
        data = self._connected().recv(65536)
        if not data:
            raise DirectoryError(f"{self._server} ended the connection in the middle of an answer.")
        return data

    def _connected(self) -> socket.socket:
        if self._socket is None:
            raise DirectoryError(f"There is no connection to {self._server}.")
        return self._socket

    # Beginning -------------------------------------------------------------------------------------------------------

    def _encrypt(self) -> None:
        context = ssl.create_default_context(cafile=self._ca_file)
        self._socket = context.wrap_socket(self._connected(), server_hostname=self._server)

    def _start_tls(self) -> None:
        number = self._client.extended_request(self._ldap.ExtendedOperations.LDAP_START_TLS.value)
        for message in self._answers(number):
            self._refuse(message, "StartTLS")
        self._encrypt()

    def _bind(self) -> None:
        if self._log_on.method == "simple":
            self._bind_simple()
        else:
            self._bind_negotiate()

    def _bind_simple(self) -> None:
        if self._transport == "ldap":
            raise DirectoryError(
                f"A simple log-on to {self._server} would send the password in clear: take the transport ldaps."
            )
        if not self._log_on.user or not self._log_on.password:
            raise DirectoryError(f"A simple log-on to {self._server} needs a user and a password.")
        number = self._client.bind_simple(self._log_on.user, self._log_on.password)
        for message in self._answers(number):
            self._refuse(message, "the log-on")

    def _bind_negotiate(self) -> None:
        import spnego
        import spnego.channel_bindings

        sealed = self._transport == "ldap"
        needed = spnego.ContextReq.mutual_auth
        if sealed:
            needed |= spnego.ContextReq.sequence_detect | spnego.ContextReq.replay_detect
            needed |= spnego.ContextReq.integrity | spnego.ContextReq.confidentiality
        else:
            # Inside TLS a domain controller refuses a log-on that asks for signing or sealing once more.
            needed |= spnego.ContextReq.no_integrity
        context = spnego.client(
            self._log_on.user,
            self._log_on.password,
            hostname=self._server,
            service="ldap",
            protocol=self._log_on.method,
            context_req=needed,
            channel_bindings=self._channel_bindings(),
        )
        token = context.step()
        while True:
            number = self._client.bind_sasl("GSS-SPNEGO", cred=token)
            (message,) = self._answers(number)
            if message.result.result_code != self._ldap.LDAPResultCode.SASL_BIND_IN_PROGRESS:
                self._refuse(message, "the log-on")
            if message.server_sasl_creds or not context.complete:
                token = context.step(message.server_sasl_creds or b"")
            if message.result.result_code != self._ldap.LDAPResultCode.SASL_BIND_IN_PROGRESS:
                break
        if sealed:
            self._context = context

    def _channel_bindings(self) -> t.Any:
        """``tls-server-end-point`` (RFC 5929): the log-on counts for this certificate's connection only."""
        if not isinstance(self._socket, ssl.SSLSocket):
            return None
        from cryptography import x509
        from spnego.channel_bindings import GssChannelBindings

        der = self._socket.getpeercert(binary_form=True) or b""
        algorithm = x509.load_der_x509_certificate(der).signature_hash_algorithm
        name = algorithm.name if algorithm is not None and algorithm.name not in ("md5", "sha1") else "sha256"
        return GssChannelBindings(application_data=b"tls-server-end-point:" + hashlib.new(name, der).digest())

    def _refuse(self, message: t.Any, what: str) -> None:
        """Raises DirectoryError unless the server said success."""
        code = message.result.result_code if message is not None else None
        if code == self._ldap.LDAPResultCode.SUCCESS:
            return
        if code == self._ldap.LDAPResultCode.REFERRAL:
            raise DirectoryError(
                f"{self._server} refers {what} to another server. That is not followed, since its answer would be "
                "another's: name a domain controller of the domain that is meant."
            )
        said = message.result.diagnostics_message if message is not None else ""
        raise DirectoryError(f"{self._server} refused {what}: {_reason(said, code)}.")

    def _said(self, error: BaseException) -> BaseException:
        if isinstance(error, DirectoryError) or not isinstance(error, Exception):
            return error
        where = f"{self._server}, port {self._port}"
        if isinstance(error, ssl.SSLCertVerificationError):
            return DirectoryError(
                f"The certificate of {where} is not trusted: {error.verify_message.rstrip('.')}. "
                "Use the name that it is for, and name its issuer's certificate (ca_file)."
            )
        if isinstance(error, TimeoutError):
            return DirectoryError(f"{where} did not answer within {self._timeout:g} seconds.")
        if isinstance(error, OSError):
            return DirectoryError(f"There is no conversation with {where}: {error.strerror or error}.")
        return DirectoryError(f"The conversation with {where} failed: {first_line(error)}.")


def _reason(said: str, code: t.Any) -> str:
    for number, sentence in _WHY.items():
        if f"data {number}" in said.lower() or f"({int(number, 16)})" in said:
            return sentence
    text = said.strip().rstrip("\0.") or getattr(code, "name", str(code)).lower().replace("_", " ")
    return text.splitlines()[0]
