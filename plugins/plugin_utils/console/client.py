# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The console's lists, whole: pages followed, doubles noticed, an endless list refused."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, urljoin

from ansible_collections.fleetops.tetra.plugins.module_utils.console.addresses import Addresses
from ansible_collections.fleetops.tetra.plugins.module_utils.console.errors import ConsoleError
from ansible_collections.fleetops.tetra.plugins.module_utils.console.pages import Row, page
from ansible_collections.fleetops.tetra.plugins.module_utils.console.pages_v3 import SIZE, access_token, page_v3
from ansible_collections.fleetops.tetra.plugins.plugin_utils.console.transport import Bearer, Transport

PAGE_ROWS: t.Final = 500
"""The largest page of version 1, and its default."""
_MOST_PAGES: t.Final = 20_000

Query = t.Sequence[tuple[str, str]]


class Read(t.NamedTuple):
    """``notes``: sentences about what did not add up."""

    rows: list[Row]
    notes: list[str]


@dataclass(frozen=True)
class Credentials:
    """Of version 1 (client id and API key) or 3 (client id and secret). Never shown."""

    client_id: str
    key: str = field(repr=False)

    def __post_init__(self) -> None:
        """Raises ConsoleError where a half is missing."""
        if not self.client_id.strip() or not self.key.strip():
            raise ConsoleError("The console needs a client id and an API key; set both, by option or environment.")


@dataclass
class Console:
    """The API of version 1 by Basic authentication."""

    transport: Transport
    addresses: Addresses
    credentials: Credentials

    def computers(self, query: Query = (), only: t.Container[str] | None = None) -> Read:
        """All computers that the query selects (``hostname[]``, ``group_guid[]``, ``last_seen_within``, …).

        ``only``: the members of a row that are kept, where there are so many rows that the others cost too much.
        """
        return self._whole("computers", query, only)

    def event_types(self) -> Read:
        """Ids and names of the kinds of events."""
        return self._whole("event_types", ())

    def events(self, query: Query) -> Read:
        """Events that the query selects."""
        return self._whole("events", query)

    def policies(self) -> Read:
        """The policies' rows, without their settings."""
        return self._whole("policies", ())

    def policy_xml(self, row: Row) -> bytes:
        """The XML of one policy."""
        guid = _guid(row)
        links = row.get("links")
        linked = links.get("policy_xml") if isinstance(links, dict) else None
        url = linked if isinstance(linked, str) and linked else f"{self.addresses.api}/v1/policies/{guid}.xml"
        return self.transport.ask(url, f"the XML of policy {guid}", self._auth(), accept="application/xml, */*")

    def _auth(self) -> tuple[str, str]:
        return self.credentials.client_id, self.credentials.key

    def _whole(self, what: str, query: Query, only: t.Container[str] | None = None) -> Read:
        """All pages. Where the console counted more than it gave, the list moved while it was read: read once more."""
        first = self._once(what, query, only)
        if not first.notes:
            return first
        second = self._once(what, query, only)
        merged = list({_key(row): row for row in (*first.rows, *second.rows)}.values())
        return Read(merged, second.notes)

    def _once(self, what: str, query: Query, only: t.Container[str] | None) -> Read:
        found: dict[str, Row] = {}
        total: int | None = None
        for rows, said in self._pages(what, query):
            found.update((_key(row), row if only is None else _part(row, only)) for row in rows)
            total = said if said is not None else total
        if total is not None and len(found) < total:
            return Read(list(found.values()), [f"The console counts {total} {what} and gave {len(found)}."])
        return Read(list(found.values()), [])

    def _pages(self, what: str, query: Query) -> Iterator[tuple[list[Row], int | None]]:
        url: str | None = f"{self.addresses.api}/v1/{what}"
        parameters: Query = [("limit", str(PAGE_ROWS)), *query]
        asked: set[str] = set()
        known: set[str] = set()
        stale = 0
        while url is not None:
            if url in asked or len(asked) >= _MOST_PAGES or stale > 1:
                raise ConsoleError(f"The console's list of {what} does not end: page {len(asked)} was there before.")
            asked.add(url)
            answer = page(self.transport.ask(url, what, self._auth(), parameters), what)
            keys = {_key(row) for row in answer.rows}
            stale = 0 if keys - known else stale + 1
            known |= keys
            yield answer.rows, answer.total
            url = urljoin(url, answer.next) if answer.next and answer.rows else None
            parameters = ()


@dataclass
class ConsoleV3:
    """The API of version 3: a token for a token, then everything below an organization."""

    transport: Transport
    addresses: Addresses
    credentials: Credentials
    organization: str | None = None
    _token: str | None = field(default=None, repr=False)

    def organizations(self) -> list[Row]:
        """The organizations that the credentials reach: ``organizationIdentifier``, ``name``."""
        return list(self._list(f"{self.addresses.api}/v3/organizations", "organizations"))

    def policies(self) -> Read:
        """The policies' rows of the organization."""
        return Read(list(self._list(f"{self._within()}/policies", "policies")), [])

    def policy_xml(self, row: Row) -> bytes:
        """The XML of one policy."""
        guid = _guid(row)
        what = f"the XML of policy {guid}"
        return self.transport.ask(f"{self._within()}/policies/{guid}/xml", what, self._bearer(), accept="*/*")

    def _bearer(self) -> Bearer:
        if self._token is None:
            pair = (self.credentials.client_id, self.credentials.key)
            form = {"grant_type": "client_credentials"}
            first = access_token(
                self.transport.ask(self.addresses.token, "the first token", pair, form=form), "the first token"
            )
            url = f"{self.addresses.api}/v3/access_tokens"
            body = self.transport.ask(url, "the second token", Bearer(first), method="POST")
            self._token = access_token(body, "the second token")
        return Bearer(self._token)

    def _within(self) -> str:
        if self.organization is None:
            ids = [str(row.get("organizationIdentifier") or "") for row in self.organizations()]
            if len(ids) != 1 or not ids[0]:
                raise ConsoleError(
                    f"These credentials reach {len(ids)} organizations of the console; name the one to read by its"
                    " identifier."
                )
            self.organization = ids[0]
        return f"{self.addresses.api}/v3/organizations/{quote(self.organization, safe='')}"

    def _list(self, url: str, what: str) -> Iterator[Row]:
        start = 0
        for _page in range(_MOST_PAGES):
            query = [("size", str(SIZE)), *([("start", str(start))] if start else [])]
            answer = page_v3(self.transport.ask(url, what, self._bearer(), query), what)
            yield from answer.rows
            start += len(answer.rows)
            if not answer.rows or (len(answer.rows) < SIZE if answer.total is None else start >= answer.total):
                return
        raise ConsoleError(f"The console's list of {what} does not end.")


def _part(row: Row, only: t.Container[str]) -> Row:
    return {name: value for name, value in row.items() if name in only}


def _guid(row: Row) -> str:
    guid = row.get("guid")
    if not isinstance(guid, str) or not guid.strip():
        raise ConsoleError("A policy of the console has no GUID.")
    return quote(guid.strip(), safe="")


def _key(row: Row) -> str:
    """What makes a row one: the GUID with the name (one GUID may be several machines), an event's whole self."""
    if "connector_guid" in row and "hostname" in row:
        return f"{row['connector_guid']}\0{row['hostname']}"
    return str(row.get("guid") or sorted((str(name), str(value)) for name, value in row.items()))
