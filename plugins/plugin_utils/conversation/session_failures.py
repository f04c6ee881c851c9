# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Why a conversation with an endpoint failed, in one sentence.

The exceptions of requests, urllib3, pypsrp, pyspnego and ssl are told apart by class, and their own texts are left out:
they may hold a URL with credentials, or text in the endpoint's language.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.wsman_faults import (
    FAULTS,
    OPERATION_TIMED_OUT,
)


@dataclass(frozen=True)
class EndpointAddress:
    """The endpoint as the connection addresses it, for sentences."""

    host: str
    port: int | None
    protocol: str
    auth: str
    configuration: str
    has_user: bool = True
    sends_channel_binding: bool = True
    read_timeout: float | None = None
    operation_timeout: float | None = None

    def __str__(self) -> str:
        return f"{self.host} port {self.port}" if self.port else self.host


_OURS = "ansible_collections"
"""The package of our own exceptions (http_client)."""
_NO_SUCH_CONFIGURATION = 2150858752
_WSMAN_ACCESS_DENIED = {5, 0x80070005}


def explain(error: BaseException, place: EndpointAddress, seconds: float | None = None) -> SessionError:
    """The SessionError for whatever was raised while talking to ``place``."""
    if isinstance(error, SessionError):
        return error  # whatever it was raised from, it has its sentence
    chain = list(_chain(error))
    if any(isinstance(item, DeadlineExceeded) for item in chain):
        after = f" within {seconds:g} seconds" if seconds else ""
        return SessionError("timeout", f"{place} did not finish answering{after}.")
    for item in chain:
        if isinstance(item, SessionError):
            return item
    for rule in (_tls, _authentication, _proxy, _name, _refused, _timeout, _wsman, _http, _reset, _settings):
        found = rule(chain, place)
        if found is not None:
            return found
    return SessionError("session", f"The conversation with {place} failed ({type(error).__name__}).")


def _chain(error: BaseException | None) -> t.Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        item = waiting.pop(0)
        if item is None or id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        waiting.extend([item.__cause__, item.__context__, getattr(item, "reason", None)])
        waiting.extend(arg for arg in item.args if isinstance(arg, BaseException))
        waiting = [entry for entry in waiting if isinstance(entry, BaseException)]


def _is(item: BaseException, *names: str) -> bool:
    """Whether the exception, or one of its bases, is ``package.Class``."""
    classes = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(item).__mro__}
    return not classes.isdisjoint(names)


def _find(chain: list[BaseException], *names: str) -> BaseException | None:
    return next((item for item in chain if _is(item, *names)), None)


def _tls(chain: list[BaseException], place: EndpointAddress) -> SessionError | None:
    for item in chain:
        if isinstance(item, ssl.SSLCertVerificationError):
            why = item.verify_message or "it cannot be verified"
            return SessionError(
                "tls",
                f"The certificate of {place} is not trusted ({why}): name its issuer in ansible_psrp_ca_cert.",
            )
    if any(isinstance(item, ssl.SSLError) and item.reason == "WRONG_VERSION_NUMBER" for item in chain):
        return SessionError(
            "tls", f"{place} does not speak TLS: use the HTTPS port, or set ansible_psrp_protocol to http."
        )
    if any(isinstance(item, (ssl.SSLError, ssl.CertificateError)) for item in chain) or _find(
        chain, "requests.SSLError", "urllib3.SSLError"
    ):
        return SessionError(
            "tls",
            f"The TLS handshake with {place} failed: it may be the port for HTTP, or the two have no TLS version or "
            "suite in common.",
        )
    # Subclasses of OSError are failures of the connection, which other rules explain.
    plain = (i for i in chain if i.__class__.__name__ == "OSError")
    bad_file = next((i for i in plain if "TLS CA certificate bundle" in str(i)), None)
    if bad_file is not None:
        return SessionError("tls", "The file that ansible_psrp_ca_cert names does not exist.")
    return None


def _authentication(chain: list[BaseException], place: EndpointAddress) -> SessionError | None:
    refused = _find(chain, "pypsrp.AuthenticationError")
    unready = _find(chain, "spnego.FeatureMissingError", "spnego.SpnegoError", "spnego.NativeError")
    if (refused or unready) and not place.has_user and place.auth in ("ntlm", "negotiate", "credssp", "basic"):
        return SessionError(
            "authentication",
            f"The {place.auth} log-in to {place} has no user: set ansible_user and ansible_password, or get a Kerberos "
            "ticket first.",
        )
    if refused and place.protocol == "https" and not place.sends_channel_binding:
        return SessionError(
            "authentication",
            f"{place} refuses the log-in with {place.auth}. ansible_psrp_negotiate_send_cbt is off, and a listener "
            "whose CbtHardeningLevel is Strict refuses every log-in without channel binding; else the user or password "
            "is wrong.",
        )
    if refused:
        return SessionError(
            "authentication",
            f"{place} refuses the log-in with {place.auth}: the user or password is wrong, or the listener does not "
            f"allow this method.",
        )
    if unready:
        return SessionError(
            "authentication",
            f"The {place.auth} log-in to {place} could not be prepared: look at the Kerberos ticket, the user name "
            "with its realm, and the name that the endpoint is addressed by.",
        )
    missing = _find(chain, "builtins.ImportError")
    if missing is not None and ("gssapi" in str(missing) or "krb5" in str(missing) or "credssp" in str(missing)):
        return SessionError(
            "authentication", f"The {place.auth} log-in needs a Python package that the controller does not have."
        )
    return None


def _proxy(chain: list[BaseException], place: EndpointAddress) -> SessionError | None:
    if _find(chain, "requests.ProxyError", "urllib3.ProxyError", f"{_OURS}.ProxyRefused"):
        return SessionError("unreachable", f"The controller's HTTP proxy does not let {place} be reached.")
    return None


def _name(chain: list[BaseException], place: EndpointAddress) -> SessionError | None:
    if any(isinstance(item, socket.gaierror) for item in chain) or _find(chain, "urllib3.NameResolutionError"):
        return SessionError("unreachable", f"The name {place.host} cannot be resolved.")
    if _find(chain, "requests.InvalidURL", "requests.MissingSchema", "urllib3.LocationParseError"):
        return SessionError("unreachable", f"{place.host!r} is not a name or address that can be connected to.")
    return None


def _refused(chain: list[BaseException], place: EndpointAddress) -> SessionError | None:
    if any(isinstance(item, ConnectionRefusedError) for item in chain):
        return SessionError(
            "unreachable", f"{place} refuses the connection: no WinRM listener there, or a firewall answers for it."
        )
    return None


def _timeout(chain: list[BaseException], place: EndpointAddress) -> SessionError | None:
    if _find(chain, "requests.ConnectTimeout", "urllib3.ConnectTimeoutError", f"{_OURS}.ConnectTimedOut"):
        return SessionError("unreachable", f"{place} does not answer: the host is down, or a firewall drops it.")
    if _find(chain, "requests.ReadTimeout", "urllib3.ReadTimeoutError") or any(
        isinstance(item, TimeoutError) for item in chain
    ):
        read, operation = place.read_timeout, place.operation_timeout
        if read is not None and operation is not None and read <= operation:
            return SessionError(
                "timeout",
                f"{place} was not waited for long enough: ansible_psrp_read_timeout ({read:g}) has to be longer than "
                f"ansible_psrp_operation_timeout ({operation:g}).",
            )
        return SessionError("timeout", f"{place} took the request and did not answer it in time.")
    return None


def _wsman(chain: list[BaseException], place: EndpointAddress) -> SessionError | None:
    fault = _find(chain, "pypsrp.WSManFaultError")
    if fault is None:
        return None
    code = _fault_code(fault)
    if code in _WSMAN_ACCESS_DENIED:
        return SessionError(
            "authentication",
            f"{place} knows the account but does not let it use the session configuration {place.configuration}: add "
            "it to Remote Management Users, or to the configuration's permissions.",
        )
    known = FAULTS.get(code) if code is not None else None
    if known is not None:
        what = f"{known.words} {place.configuration}" if code == _NO_SUCH_CONFIGURATION else known.words
        return SessionError("session", f"{place} {what} (WS-Man fault {code}).", known.transient)
    return SessionError("session", f"{place} answered with a WS-Man fault (code {code}).")


SLOW_TO_BEGIN = "took the session, and did not begin it in time: PowerShell was still starting there."


def took_too_long(error: BaseException) -> bool:
    """Whether WS-Man only says that an operation has not ended yet: the same request may be sent again."""
    fault = _find(list(_chain(error)), "pypsrp.WSManFaultError")
    return fault is not None and _fault_code(fault) == OPERATION_TIMED_OUT


def _fault_code(fault: BaseException) -> int | None:
    code = fault.args[0] if fault.args else None
    try:
        return int(code) if code is not None else None
    except (TypeError, ValueError):
        return None


_HTTP = {
    403: "it forbids the request (HTTP 403)",
    404: "there is no WS-Man service at that path (HTTP 404)",
    407: "a proxy on the way asks for its own log-in (HTTP 407)",
    503: "its WinRM service is not ready (HTTP 503)",
}


def _http(chain: list[BaseException], place: EndpointAddress) -> SessionError | None:
    error = _find(chain, "pypsrp.WinRMTransportError")
    if error is None:
        return None
    code = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], int) else None
    if code is None:
        return SessionError("session", f"{place} answered with an HTTP error.")
    sentence = f"{place} does not serve WS-Man: {_HTTP.get(code, f'it answers HTTP {code}')}."
    return SessionError("session", sentence, code == 503)


def _reset(chain: list[BaseException], place: EndpointAddress) -> SessionError | None:
    unreachable = {101: "no route to its network", 113: "no route to it"}
    for item in chain:
        if isinstance(item, OSError) and item.errno in unreachable:
            return SessionError("unreachable", f"{place} cannot be reached: {unreachable[item.errno]}.")
    # Of all HTTPException only these two; the others mean that the connection ended.
    if any(type(item) in (http.client.HTTPException, http.client.LineTooLong) for item in chain) or _find(
        chain, f"{_OURS}.NotHttp"
    ):
        return SessionError("session", f"{place} gave an answer that is not WS-Man or PSRP.")
    if any(isinstance(item, ConnectionError) for item in chain) or _find(
        chain, "urllib3.ProtocolError", "urllib3.IncompleteRead", "requests.ChunkedEncodingError"
    ):
        if place.protocol == "http" and place.port in (443, 5986):
            return SessionError(
                "tls",
                f"{place} does not speak HTTP: it is the usual port for HTTPS, so set ansible_psrp_protocol to https.",
            )
        told = f"{place} broke the connection off in the middle of an answer"
        if place.protocol == "http" and place.port not in (80, 5985):
            told += "; where it is a port for HTTPS, set ansible_psrp_protocol to https"
        return SessionError("session", f"{told}.", True)
    if _find(chain, "requests.ConnectionError"):
        return SessionError("unreachable", f"{place} cannot be reached.")
    return None


def _settings(chain: list[BaseException], place: EndpointAddress) -> SessionError | None:
    for item in chain:
        if not isinstance(item, ValueError):
            continue
        text = str(item)
        if "Cannot use message encryption" in text:
            return SessionError(
                "authentication",
                f"The {place.auth} log-in cannot encrypt messages: use HTTPS, or set ansible_psrp_message_encryption "
                "to never in a laboratory.",
            )
        if "username must be specified" in text or "password must be specified" in text:
            return SessionError(
                "authentication", f"The {place.auth} log-in needs ansible_user and ansible_password for {place.host}."
            )
        if "is not supported, please select one of" in text:
            return SessionError("authentication", f"{place.auth!r} is no log-in method of ansible_psrp_auth.")
        if "For certificate auth" in text:
            return SessionError(
                "authentication",
                "The certificate log-in needs ansible_psrp_protocol https, ansible_psrp_certificate_pem and "
                "ansible_psrp_certificate_key_pem.",
            )
    if _find(chain, "pypsrp.WinRMError", "xml.ParseError", "builtins.SyntaxError"):
        return SessionError("session", f"{place} gave an answer that is not WS-Man or PSRP.")
    return None
