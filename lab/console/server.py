# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated console over HTTP(S): versions 1 and 3, paging, log-in, quota, and the ways in which it misbehaves.

Runs in threads of its own and is a context manager::

    with ConsoleServer(computers) as console:
        ask(console.url)
"""

from __future__ import annotations

import base64
import datetime
import http.server
import json
import ssl
import threading
import time
import types
import typing as t
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from ansible_collections.fleetops.tetra.lab.console.computers import SimulatedComputer, guid_of

CLIENT_ID = "0123456789abcdef0123"
API_KEY = "lab-console-key-e5c8"
ORGANIZATION = guid_of("organization")
EVENT_TYPES: tuple[tuple[int, str], ...] = (
    (553648130, "Policy Update"),
    (553648179, "Endpoint IOC Definition Update Success"),
    (2164260914, "Endpoint IOC Definition Update Failure"),
    (553648170, "Reboot Pending"),
)
"""Ids and names of two public dumps of ``/v1/event_types``. None is of Tetra."""


@dataclass
class Misbehaviour:
    """How the console is not as it should be. Numbers count requests of version 1 from 1."""

    busy_at: dict[int, int] = field(default_factory=dict)
    """request -> HTTP status, once each"""
    quota: int | None = None
    """requests until 429"""
    reset: int = 1
    """seconds until the quota is free again, as the header says"""
    slow: float = 0.0
    """seconds before each answer"""
    endless: bool = False
    """the next page is the same page again, under an address that differs"""
    next_at: str | None = None
    """address that the next page is said to be at"""
    cut_at: int | None = None
    """this request's body ends in the middle"""
    moves_at: int | None = None
    """from this request on the first computer is gone, so that pages shift by one; it is back at the next reading"""
    no_total: bool = False
    redirect: str | None = None


@dataclass
class ConsoleServer:
    """Computers and policies behind an address of loopback. ``now`` is the console's clock."""

    computers: t.Sequence[SimulatedComputer]
    policies: dict[str, bytes] = field(default_factory=dict)
    events: list[dict[str, t.Any]] = field(default_factory=list)
    misbehaviour: Misbehaviour = field(default_factory=Misbehaviour)
    tls: ssl.SSLContext | None = None
    scope: bool = True
    now: t.Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC)
    requests: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _free_at: float = 0.0

    def __enter__(self) -> ConsoleServer:
        console = self

        class Handler(_Handler):
            served = console

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: types.TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The base address of both versions."""
        host, port = self._server.server_address[:2]
        return f"{'https' if self.tls else 'http'}://{host!s}:{port}"

    def count(self, path: str) -> tuple[int, int | None]:
        """(number of this request, seconds to wait where the quota is spent)."""
        with self._lock:
            self.requests.append(path)
            number = len(self.requests)
            quota = self.misbehaviour.quota
            if quota is None:
                return number, None
            if self._free_at and time.monotonic() >= self._free_at:
                self.misbehaviour.quota, self._free_at = None, 0.0
                return number, None
            if number > quota:
                self._free_at = self._free_at or time.monotonic() + self.misbehaviour.reset
                return number, self.misbehaviour.reset
            return number, None


class _Handler(http.server.BaseHTTPRequestHandler):
    served: ConsoleServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        number, wait = self.served.count(self.path)
        odd = self.served.misbehaviour
        if odd.slow:
            time.sleep(odd.slow)
        if odd.redirect:
            self._send(302, b"", {"Location": odd.redirect})
        elif wait is not None:
            self._errors(429, "Too Many Requests", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(wait)})
        elif number in odd.busy_at:
            self._errors(odd.busy_at.pop(number), "Busy")
        elif parts.path.startswith("/v3/"):
            self._v3(parts.path, parse_qs(parts.query))
        else:
            self._v1(parts.path, parse_qs(parts.query), number)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.path == "/iroh/oauth2/token":
            if self._basic() and b"grant_type=client_credentials" in body:
                self._json(200, {"access_token": "first-token", "token_type": "bearer", "expires_in": 600})
            else:
                self._json(401, {"error": "invalid_client"})
        elif self.path == "/v3/access_tokens":
            if self.headers.get("Authorization") == "Bearer first-token":
                self._json(200, {"access_token": "second-token"})
            else:
                self._json(401, {"meta": {"errors": [{"message": "Unauthorized"}]}})
        else:
            self._json(404, {})

    def _basic(self) -> bool:
        wanted = base64.b64encode(f"{CLIENT_ID}:{API_KEY}".encode()).decode()
        return self.headers.get("Authorization") == f"Basic {wanted}"

    def _v1(self, path: str, query: dict[str, list[str]], number: int) -> None:
        if not self._basic():
            self._errors(401, "Unauthorized", details="Unknown API key or Client ID")
        elif not self.served.scope:
            self._errors(403, "Forbidden")
        elif path == "/v1/computers":
            self._list(path, query, number, self._computers(query, number))
        elif path == "/v1/event_types":
            rows = [{"id": number, "name": name, "description": ""} for number, name in EVENT_TYPES]
            self._list(path, query, number, rows)
        elif path == "/v1/events":
            kinds = {int(kind) for kind in query.get("event_type[]", [])}
            rows = [row for row in self.served.events if not kinds or row["event_type_id"] in kinds]
            self._list(path, query, number, rows)
        elif path == "/v1/policies":
            self._list(path, query, number, [self._policy(name) for name in self.served.policies])
        else:
            self._xml(path.removeprefix("/v1/policies/").removesuffix(".xml"))

    def _v3(self, path: str, query: dict[str, list[str]]) -> None:
        within = f"/v3/organizations/{ORGANIZATION}/policies"
        if self.headers.get("Authorization") != "Bearer second-token":
            self._json(401, {"meta": {"errors": [{"message": "Unauthorized"}]}})
        elif path == "/v3/organizations":
            self._page_v3([{"organizationIdentifier": ORGANIZATION, "name": "Lab"}], query)
        elif path == within:
            self._page_v3([self._policy(name) for name in self.served.policies], query)
        else:
            self._xml(path.removeprefix(f"{within}/").removesuffix("/xml"))

    def _page_v3(self, rows: list[dict[str, t.Any]], query: dict[str, list[str]]) -> None:
        if "size" not in query:
            self._json(400, {"data": {}, "meta": {"errors": [{"attribute": "size", "message": "size is missing"}]}})
            return
        start, size = int(query.get("start", ["0"])[0]), int(query["size"][0])
        meta = {"start": start, "size": size, "total": len(rows)}
        self._json(200, {"data": rows[start : start + size], "meta": meta})

    def _policy(self, name: str) -> dict[str, t.Any]:
        guid = guid_of("policy", name)
        return {
            "name": name,
            "description": "",
            "guid": guid,
            "product": "windows",
            "default": False,
            "serial_number": 42,
            "links": {"policy": f"{self.served.url}/v1/policies/{guid}"},
        }

    def _xml(self, guid: str) -> None:
        found = [xml for name, xml in self.served.policies.items() if guid_of("policy", name) == guid]
        if not found:
            self._errors(404, "Not Found")
            return
        self._send(200, found[0], {"Content-Type": "application/xml"})

    def _computers(self, query: dict[str, list[str]], number: int) -> t.Sequence[SimulatedComputer]:
        found: t.Sequence[SimulatedComputer] = self.served.computers
        names, groups = query.get("hostname[]"), query.get("group_guid[]")
        if names:
            found = [one for one in found if any(name.casefold() in one.hostname.casefold() for name in names)]
        if groups:
            found = [one for one in found if any(guid_of("group", name) in groups for name in one.groups)]
        moves = self.served.misbehaviour.moves_at
        if moves is not None and number == moves:
            found = found[1:]
        return found

    def _list(
        self,
        path: str,
        query: dict[str, list[str]],
        number: int,
        rows: t.Sequence[SimulatedComputer | dict[str, t.Any]],
    ) -> None:
        odd, url = self.served.misbehaviour, self.served.url
        offset, limit = int(query.get("offset", ["0"])[0]), min(500, int(query.get("limit", ["500"])[0]))
        now = self.served.now()
        begin = 0 if odd.endless else offset
        shown = [
            row.row(now, url) if isinstance(row, SimulatedComputer) else row for row in rows[begin : begin + limit]
        ]
        links = {"self": f"{url}{self.path}"}
        if odd.endless or offset + limit < len(rows):
            rest = "".join(
                f"&{name}={value}"
                for name, values in query.items()
                if name not in ("offset", "limit")
                for value in values
            )
            links["next"] = odd.next_at or f"{url}{path}?limit={limit}&offset={offset + limit}{rest}"
        results: dict[str, int] = {"current_item_count": len(shown), "index": offset, "items_per_page": limit}
        if not odd.no_total:
            results["total"] = (
                len(self.served.computers) if path == "/v1/computers" and not _filtered(query) else len(rows)
            )
        answer = {"version": "v1.2.0", "metadata": {"links": links, "results": results}, "data": shown}
        body = json.dumps(answer).encode()
        self._send(200, body[: len(body) // 2] if odd.cut_at == number else body, {"Content-Type": "application/json"})

    def _errors(
        self, status: int, description: str, headers: dict[str, str] | None = None, details: str | None = None
    ) -> None:
        error = {"error_code": status, "description": description, "details": [details or description]}
        self._json(status, {"version": "v1.0.0", "data": {}, "errors": [error]}, headers)

    def _json(self, status: int, answer: t.Any, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(answer).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True


def _filtered(query: dict[str, list[str]]) -> bool:
    return any(name in query for name in ("hostname[]", "group_guid[]"))
