# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The console asked over real HTTP: pages, log-in, quota, faults, and what a console can try to do to us."""

from __future__ import annotations

import datetime
import ssl
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.certificates import Authority
from ansible_collections.fleetops.tetra.lab.console.computers import SimulatedComputer, guid_of
from ansible_collections.fleetops.tetra.lab.console.policy_xml import policy_xml
from ansible_collections.fleetops.tetra.lab.console.server import (
    API_KEY,
    CLIENT_ID,
    ORGANIZATION,
    ConsoleServer,
    Misbehaviour,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.console.addresses import addresses
from ansible_collections.fleetops.tetra.plugins.module_utils.console.errors import ConsoleError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.console.client import Console, ConsoleV3, Credentials
from ansible_collections.fleetops.tetra.plugins.plugin_utils.console.transport import Limits, Route, Transport

NOW = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.UTC)
QUICK = Limits(connect=5, read=20, whole=60, tries=3)


def computers(count: int) -> list[SimulatedComputer]:
    return [SimulatedComputer(f"PC{number:05d}", NOW, NOW) for number in range(count)]


def client(server: ConsoleServer, key: str = API_KEY, limits: Limits = QUICK, route: Route | None = None) -> Console:
    places = addresses(base_url=server.url)
    transport = Transport((places.api,), limits, route or Route(proxy=""))
    return Console(transport, places, Credentials(CLIENT_ID, key))


def names(rows: t.Iterable[dict[str, t.Any]]) -> list[str]:
    return sorted(row["hostname"] for row in rows)


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (1, 1), (500, 1), (501, 2), (1700, 4)])
def test_every_page_is_read(count: int, requests: int) -> None:
    with ConsoleServer(computers(count)) as server:
        read = client(server).computers()
    assert names(read.rows) == [f"PC{number:05d}" for number in range(count)]
    assert read.notes == []
    assert len(server.requests) == requests


def test_a_query_is_asked_of_the_console_on_every_page() -> None:
    fleet = [*computers(600), SimulatedComputer("SRV1", NOW, NOW, groups=("Servers",))]
    with ConsoleServer(fleet) as server:
        read = client(server).computers([("group_guid[]", guid_of("group", "Workstations"))])
    assert len(read.rows) == 600
    assert all("group_guid" in request for request in server.requests)


def test_a_list_that_moves_between_pages_is_read_again() -> None:
    with ConsoleServer(computers(1200), misbehaviour=Misbehaviour(moves_at=2)) as server:
        read = client(server).computers()
    assert names(read.rows) == [f"PC{number:05d}" for number in range(1200)]
    assert read.notes == []
    assert len(server.requests) == 6


def test_a_list_that_ends_too_early_is_told() -> None:
    with ConsoleServer(computers(700), misbehaviour=Misbehaviour(next_at="")) as server:
        server.misbehaviour.next_at = f"{server.url}/v1/computers?limit=500&offset=100000"
        read = client(server).computers()
    assert len(read.rows) == 500
    assert read.notes == ["The console counts 700 computers and gave 500."]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_passes_by_is_tried_again(status: int) -> None:
    with ConsoleServer(computers(900), misbehaviour=Misbehaviour(busy_at={2: status})) as server:
        read = client(server).computers()
    assert len(read.rows) == 900
    assert len(server.requests) == 3


def test_the_quota_is_waited_for() -> None:
    with ConsoleServer(computers(1700), misbehaviour=Misbehaviour(quota=2, reset=1)) as server:
        read = client(server).computers()
    assert len(read.rows) == 1700


SENTENCES: dict[str, tuple[Misbehaviour, str]] = {
    "quota": (Misbehaviour(quota=1, reset=3000), "allows no more requests for 3000 s, longer than the time limit"),
    "endless": (Misbehaviour(endless=True), "list of computers does not end: page 3 was there before"),
    "foreign next": (Misbehaviour(next_at="https://evil.example/v1/computers"), "names evil.example for computers"),
    "cut": (Misbehaviour(cut_at=2), "for computers is no JSON, or was cut short"),
    "redirect": (Misbehaviour(redirect="https://evil.example/"), "sends to another address for computers (HTTP 302)"),
    "broken": (Misbehaviour(busy_at=dict.fromkeys(range(1, 9), 500)), "fails (HTTP 500) at computers: Busy."),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_a_console_that_misbehaves_gets_one_sentence(case: str) -> None:
    odd, sentence = SENTENCES[case]
    with ConsoleServer(computers(1200), misbehaviour=odd) as server, pytest.raises(ConsoleError) as caught:
        client(server).computers()
    assert sentence in str(caught.value)
    assert API_KEY not in str(caught.value)


def test_the_time_limit_ends_everything() -> None:
    limits = Limits(connect=5, read=20, whole=0.5, tries=3)
    with (
        ConsoleServer(computers(3000), misbehaviour=Misbehaviour(slow=0.3)) as server,
        pytest.raises(ConsoleError, match=r"not done within 0\.5 s: stopped at computers"),
    ):
        client(server, limits=limits).computers()


def test_a_wrong_key_and_a_key_without_scope() -> None:
    with ConsoleServer(computers(1)) as server:
        with pytest.raises(ConsoleError, match="the key is wrong, or belongs to another region") as caught:
            client(server, key="another-key").computers()
        assert "another-key" not in str(caught.value)
        server.scope = False
        with pytest.raises(ConsoleError, match="scope that may read"):
            client(server).computers()


def test_nobody_listens() -> None:
    with ConsoleServer([]) as server:
        asked = client(server, limits=Limits(connect=2, read=2, whole=10, tries=0))
    with pytest.raises(ConsoleError, match="cannot be reached"):
        asked.computers()


def test_half_of_the_credentials_is_refused() -> None:
    with pytest.raises(ConsoleError, match="set both"):
        Credentials("id", " ")
    assert "secret" not in repr(Credentials("id", "secret"))


def test_https_needs_a_ca_that_knows_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = authority.listener().context
    assert isinstance(tls, ssl.SSLContext)
    with ConsoleServer(computers(3), tls=tls) as server:
        read = client(server, route=Route(proxy="", ca=str(authority.file))).computers()
        assert len(read.rows) == 3
        quick = Limits(connect=5, read=5, whole=20, tries=0)
        with pytest.raises(
            ConsoleError, match=r"certificate of the console 127\.0\.0\.1 cannot be trusted by the system"
        ):
            client(server, limits=quick, route=Route(proxy="")).computers()


def test_a_password_of_the_proxy_is_never_said() -> None:
    with ConsoleServer([]) as server:
        route = Route(proxy="http://user:proxy-secret@127.0.0.1:1")
        limits = Limits(connect=2, read=2, whole=10, tries=0)
        with pytest.raises(ConsoleError) as caught:
            client(server, limits=limits, route=route).computers()
    assert "proxy-secret" not in str(caught.value)
    assert "The proxy refuses the way" in str(caught.value)


def v3(server: ConsoleServer, key: str = API_KEY, organization: str | None = None) -> ConsoleV3:
    places = addresses(base_url=server.url)
    transport = Transport((places.api, places.token), QUICK, Route(proxy=""))
    return ConsoleV3(transport, places, Credentials(CLIENT_ID, key), organization)


def test_version_3_takes_a_token_for_a_token() -> None:
    policies = {f"Policy {number}": policy_xml() for number in range(230)}
    with ConsoleServer([], policies=policies) as server:
        console = v3(server)
        read = console.policies()
        assert len(read.rows) == 230
        assert console.policy_xml(read.rows[7]) == policy_xml()
        assert console.organization == ORGANIZATION
        with pytest.raises(ConsoleError, match=r"refuses the credentials.*the first token"):
            v3(server, key="wrong").policies()
    assert "second-token" not in repr(console)


def test_policies_of_version_1() -> None:
    with ConsoleServer([], policies={"Protect": policy_xml(interval=900)}) as server:
        console = client(server)
        (row,) = console.policies().rows
        assert b"<interval>900</interval>" in console.policy_xml(row)
