# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""HTTP to the console: time limits, tries again, quota, proxy, CA; credentials to the configured place only.

Tries again are urllib3's (``Retry``): connections that fail, 429, 500, 502, 503, 504, with its growing pauses; where an
answer says when the quota is free again (``x-ratelimit-reset``), that long, as far as the time limit allows.
"""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.plugins.module_utils.console.addresses import host_of, same_place
from ansible_collections.fleetops.tetra.plugins.module_utils.console.errors import ConsoleError
from ansible_collections.fleetops.tetra.plugins.module_utils.console.pages import refusal
from ansible_collections.fleetops.tetra.plugins.module_utils.console.rate_limit import rate_limit

try:
    import requests
    import requests.adapters
    import requests.auth
    import urllib3
    import urllib3.util.retry

    REQUESTS_IMPORT_ERROR: ImportError | None = None
except ImportError as exc:
    REQUESTS_IMPORT_ERROR = exc

MOST_BYTES: t.Final = 64 * 1024 * 1024
_CHUNK: t.Final = 256 * 1024
_BUSY: t.Final = (429, 500, 502, 503, 504)
_AGENT: t.Final = "fleetops.tetra"
_SAID: t.Final[t.Mapping[int, str]] = {
    400: "refuses the request",
    401: "refuses the credentials: the key is wrong, or belongs to another region",
    403: "does not let these credentials read this: give the API client a scope that may read",
    404: "knows no such address: check the region, the base address and the version of the API",
    429: "allows no more requests for now",
}


@dataclass(frozen=True)
class Limits:
    """Seconds: ``connect`` and ``read`` of one request, ``whole`` for everything; ``tries`` again of one request."""

    connect: float = 10.0
    read: float = 60.0
    whole: float = 600.0
    tries: int = 4


@dataclass(frozen=True)
class Route:
    """``proxy``: ``None`` for what the environment says, empty for none. ``ca``: a file, ``None`` for the system's."""

    proxy: str | None = None
    ca: str | None = None


@dataclass
class Transport:
    """One HTTP session with a clock. Use it as a context manager."""

    base: tuple[str, ...]
    limits: Limits = field(default_factory=Limits)
    route: Route = field(default_factory=Route)
    requests_made: int = 0

    def __post_init__(self) -> None:
        """Raises ConsoleError where the library is missing."""
        if REQUESTS_IMPORT_ERROR is not None:
            raise ConsoleError(
                "Asking the console needs the Python library requests on the controller; install it with pip."
            ) from REQUESTS_IMPORT_ERROR
        self._ends = time.monotonic() + self.limits.whole
        self._session = requests.Session()
        self._session.headers["User-Agent"] = _AGENT
        if self.route.proxy is not None:
            self._session.trust_env = False
            if self.route.proxy:
                self._session.proxies = {"http": self.route.proxy, "https": self.route.proxy}
        adapter = requests.adapters.HTTPAdapter(max_retries=_patient(self.limits.tries, self.left))
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_error: object) -> None:
        self._session.close()

    def left(self) -> float:
        """Seconds until the time limit."""
        return self._ends - time.monotonic()

    def ask(
        self,
        url: str,
        what: str,
        auth: t.Any,
        query: t.Sequence[tuple[str, str]] = (),
        form: t.Mapping[str, str] | None = None,
        accept: str = "application/json",
        method: str | None = None,
    ) -> bytes:
        """The body of an answer with status 200. ``auth`` as requests takes it: (user, password) or a callable.

        Errors: ConsoleError, in one sentence that names ``what`` was asked and never a credential.
        """
        if not any(same_place(base, url) for base in self.base):
            raise ConsoleError(
                f"The console names {host_of(url)} for {what}, which is not where it was asked: refused."
            )
        host = host_of(url)
        if self.left() <= 0:
            raise ConsoleError(self._late(host, what))
        self.requests_made += 1
        try:
            answer = self._session.request(
                method or ("GET" if form is None else "POST"),
                url,
                params=list(query) or None,
                data=form,
                headers={"Accept": accept},
                auth=auth,
                timeout=(min(self.limits.connect, self.left()), min(self.limits.read, self.left())),
                allow_redirects=False,
                stream=True,
                # Given here and not to the session, where REQUESTS_CA_BUNDLE of the environment would win.
                verify=self.route.ca or True,
            )
            with answer:
                body = self._body(answer, what)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            if self.left() <= 0:
                raise ConsoleError(self._late(host, what)) from None
            raise ConsoleError(_failure(host, what, error, self.limits, self.route)) from None
        if answer.status_code == 200:
            return body
        raise ConsoleError(_refused(host, what, answer, body))

    def _body(self, answer: requests.Response, what: str) -> bytes:
        parts: list[bytes] = []
        size = 0
        for part in answer.iter_content(_CHUNK):
            size += len(part)
            if size > MOST_BYTES:
                raise ConsoleError(
                    f"The console's answer for {what} has more than {MOST_BYTES >> 20} MiB: not read on."
                )
            if self.left() <= 0:
                raise ConsoleError(self._late(host_of(answer.url), what))
            parts.append(part)
        return b"".join(parts)

    def _late(self, host: str, what: str) -> str:
        return f"The console {host} was not done within {self.limits.whole:g} s: stopped at {what}."


class Bearer:
    """The second kind of credentials: a token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: t.Any) -> t.Any:
        """Adds the header to a prepared request, as requests wants it."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _patient(tries: int, left: t.Callable[[], float]) -> t.Any:
    """urllib3's tries again, with the console's own headers and our time limit."""

    class Patient(urllib3.util.retry.Retry):
        def get_retry_after(self, response: t.Any) -> float | None:
            said = rate_limit(response.headers)
            if said.reset is not None and response.status in (429, 503):
                if said.reset > max(0.0, left()):
                    raise ConsoleError(
                        f"The console allows no more requests for {said.reset} s, longer than the time limit: ask again"
                        " later, or give it more time."
                    )
                return float(said.reset)
            return None

        def get_backoff_time(self) -> float:
            return float(max(0.0, min(super().get_backoff_time(), left())))

    return Patient(
        total=tries,
        redirect=0,
        status_forcelist=_BUSY,
        allowed_methods=None,
        backoff_factor=0.5,
        backoff_max=30,
        backoff_jitter=0.25,
        raise_on_redirect=False,
        raise_on_status=False,
    )


def _failure(host: str, what: str, error: Exception, limits: Limits, route: Route) -> str:
    """A sentence by the kind of the failure. Its own text is left out: it may hold a proxy's password."""
    last = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(error, requests.exceptions.ProxyError):
        return f"The proxy refuses the way to the console {host}, or cannot be reached ({what})."
    if isinstance(error, requests.exceptions.SSLError):
        by = f"the CA file {route.ca}" if route.ca else "the system's CAs; name your own CA file if it is another's"
        return f"The certificate of the console {host} cannot be trusted by {by} ({what})."
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return f"The console {host} does not answer within {limits.connect:g} s ({what})."
    if isinstance(error, requests.exceptions.Timeout) or isinstance(last, urllib3.exceptions.ReadTimeoutError):
        return f"The console {host} sent nothing for {limits.read:g} s ({what})."
    if isinstance(error, (requests.exceptions.ChunkedEncodingError, urllib3.exceptions.ProtocolError)):
        return f"The connection to the console {host} broke within an answer ({what})."
    if isinstance(error, OSError) and "CA" in str(error) and route.ca and "invalid path" in str(error):
        return f"The CA file {route.ca} cannot be read."
    if isinstance(error, requests.exceptions.ConnectionError):
        return f"The console {host} cannot be reached: its name, the port or the way there ({what})."
    return f"The console {host} could not be asked for {what} ({type(error).__name__})."


def _refused(host: str, what: str, answer: requests.Response, body: bytes) -> str:
    status = answer.status_code
    if 300 <= status < 400:
        return f"The console {host} sends to another address for {what} (HTTP {status}), which is refused."
    said = _SAID.get(status, "fails" if status >= 500 else "gives an unexpected answer")
    details = refusal(body[:65536])
    reset = rate_limit(answer.headers).reset if status == 429 else None
    free = f", free again in {reset} s" if reset is not None else ""
    return f"The console {host} {said} (HTTP {status}{free}) at {what}{': ' + details if details else ''}."
