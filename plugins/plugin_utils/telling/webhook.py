# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A body to a webhook: signed, tried again where the receiver is busy, never sent on. Its address is a secret."""

from __future__ import annotations

import time
import typing as t
import uuid
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ansible_collections.fleetops.tetra.plugins.module_utils.telling.messages import SecretError, signatures
from ansible_collections.fleetops.tetra.plugins.plugin_utils.telling.errors import TellingError

try:
    import requests
    import requests.adapters
    import urllib3.util.retry

    REQUESTS_IMPORT_ERROR: ImportError | None = None
except ImportError as exc:
    REQUESTS_IMPORT_ERROR = exc

_LOOPBACK: t.Final = ("localhost", "127.0.0.1", "::1")
_BUSY: t.Final = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Hook:
    """``secret`` signs the body; ``proxy``: ``None`` for what the environment says; ``timeout``: seconds a request."""

    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    ca: str | None = None
    proxy: str | None = field(default=None, repr=False)
    timeout: float = 30.0
    tries: int = 3

    @property
    def host(self) -> str:
        """All that may be shown of the address."""
        return urlsplit(self.url).hostname or "?"


def post(hook: Hook, body: bytes) -> int:
    """The status of the answer, 200 to 299. Errors: TellingError."""
    if REQUESTS_IMPORT_ERROR is not None:
        raise TellingError(
            "A webhook needs the Python library requests on the controller; install it with pip."
        ) from REQUESTS_IMPORT_ERROR
    parts = urlsplit(hook.url)
    if not parts.hostname or parts.scheme not in ("https", "http"):
        raise TellingError("The webhook's address is none: it begins with https:// and a host.")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise TellingError(
            f"The webhook at {hook.host} has an address with http: use https, since the address is a key."
        )
    headers = {"Content-Type": "application/json", "User-Agent": "fleetops.tetra"}
    if hook.secret:
        try:
            headers |= signatures(body, hook.secret, f"msg_{uuid.uuid4().hex}", int(time.time()))
        except SecretError as error:
            raise TellingError(str(error)) from None
    with requests.Session() as session:
        if hook.proxy is not None:
            session.trust_env = False
            session.proxies = {"http": hook.proxy, "https": hook.proxy} if hook.proxy else {}
        retry = urllib3.util.retry.Retry(
            total=hook.tries, redirect=0, status_forcelist=_BUSY, allowed_methods=None, backoff_factor=0.5,
            backoff_max=30, raise_on_redirect=False, raise_on_status=False, retry_after_max=120,
        )  # fmt: skip
        session.mount(f"{parts.scheme}://", requests.adapters.HTTPAdapter(max_retries=retry))
        try:
            # Given here and not to the session, where REQUESTS_CA_BUNDLE of the environment would win.
            answer = session.post(
                hook.url,
                data=body,
                headers=headers,
                timeout=hook.timeout,
                allow_redirects=False,
                verify=hook.ca or True,
            )
        except requests.RequestException as error:
            raise TellingError(_failure(hook, error)) from None
    if not 200 <= answer.status_code < 300:
        raise TellingError(f"The webhook at {hook.host} answers with HTTP {answer.status_code}: {_why(answer)}.")
    return answer.status_code


def _why(answer: t.Any) -> str:
    status = answer.status_code
    if 300 <= status < 400:
        return "it sends elsewhere, which is refused"
    return {
        400: "it does not take this body; see the format",
        401: "it does not take the signature or the address' key",
        403: "it does not take the signature or the address' key",
        404: "it is not there any more",
        410: "it is not there any more",
        413: "the body is too large for it",
        429: "it is too busy",
    }.get(status, "it fails" if status >= 500 else "it refuses")


def _failure(hook: Hook, error: Exception) -> str:
    """By the kind of the failure; its own text may hold the address."""
    if isinstance(error, requests.exceptions.SSLError):
        by = f"the CA file {hook.ca}" if hook.ca else "the system's CAs"
        return f"The certificate of the webhook at {hook.host} cannot be trusted by {by}."
    if isinstance(error, requests.exceptions.ProxyError):
        return f"The proxy refuses the way to the webhook at {hook.host}, or cannot be reached."
    if isinstance(error, requests.exceptions.Timeout):
        return f"The webhook at {hook.host} does not answer within {hook.timeout:g} s."
    return f"The webhook at {hook.host} cannot be reached."
