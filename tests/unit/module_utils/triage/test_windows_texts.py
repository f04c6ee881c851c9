# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Windows answers in text and bytes: whatever comes, an answer or unknown, and no secret."""

from __future__ import annotations

import struct
import typing as t

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.image.proxy import parse_winhttp
from ansible_collections.fleetops.tetra.plugins.module_utils.triage import timeline
from ansible_collections.fleetops.tetra.plugins.module_utils.triage import windows_texts as texts

ASCII = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)


def blob(server: str, bypass: str, pac: str, flags: int) -> bytes:
    parts = [struct.pack("<III", 0x28, 1, flags)]
    for text in (server, bypass, pac):
        parts += [struct.pack("<I", len(text)), text.encode("ascii")]
    return b"".join(parts) + bytes(32)


@given(ASCII, ASCII, ASCII, st.integers(0, 15))
@example("", "", "http://@", 4)
@example("", "", "@", 4)
def test_a_proxy_setting_that_windows_wrote(server: str, bypass: str, pac: str, flags: int) -> None:
    found = texts.winhttp(blob(server, bypass, pac, flags))
    assert found is not None
    assert found.detect is bool(flags & 8)
    if "@" not in pac:
        assert found.pac == ((pac or None) if flags & 4 else None)
    if "@" not in server:
        assert found.server == ((server or None) if flags & 2 else None)
        assert parse_winhttp(blob(server, bypass, pac, flags))[:1] == (found.server,)  # type: ignore[index]


@given(st.binary(max_size=120))
def test_a_proxy_setting_of_any_bytes(data: bytes) -> None:
    found = texts.winhttp(data)
    assert found is None or isinstance(found, texts.WinHttp)


@given(
    ASCII.filter(lambda text: "@" not in text and "/" not in text), st.sampled_from(["", "http=", "http://", "a:1;"])
)
@example("user:geheim", "")
def test_no_password_of_a_proxy_is_told(secret: str, before: str) -> None:
    secret = "".join(one for one in secret if one not in "=; ")
    found = texts.winhttp(
        blob(f"{before}{secret}-geheim@proxy.example.com:8080", "", f"http://u:{secret}-geheim@h/p", 6)
    )
    assert found is not None and found.server is not None and found.pac is not None
    assert "geheim" not in found.server + found.pac
    assert found.pac == "http://h/p"
    assert found.server.endswith("proxy.example.com:8080")


@pytest.mark.parametrize("length", range(12, 20))
def test_the_setting_of_direct_access_in_its_short_form(length: int) -> None:
    data = (bytes.fromhex("180000000000000001000000") + bytes(8))[:length]
    assert texts.winhttp(data) == texts.WinHttp(None, None, None, False)


XML = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.sampled_from(
            ["<Events>", "</Events>", "<Event>", "</Event>", "<System>", "</System>", "<EventID>36887</EventID>",
             "<EventID>²</EventID>", "<TimeCreated SystemTime='x'/>", "<Data Name='AlertDesc'>40</Data>",
             "<Data>1</Data>", "<UserData>", "</UserData>", "<Result value='800B0109'/>", "<!DOCTYPE x>", "&lol;",
             "<?xml version='1.0'?>", "<channel enabled='false'/>", "\x00", "\ufeff"]
        ),
        max_size=12,
    ).map("".join),
)  # fmt: skip


@given(st.lists(XML, max_size=4))
def test_events_of_any_text(lines: list[str]) -> None:
    try:
        found = texts.events(lines)
    except ValueError as error:
        assert "\n" not in str(error)
        return
    for one in found:
        assert isinstance(one["id"], int)
        assert all(len(value) <= 300 for value in one["data"].values())
    assert texts.channel_enabled(lines) in (True, False, None)


@pytest.mark.parametrize("number", ["²", "9" * 5000, "-1", "3.5", ""])
def test_an_event_whose_number_is_none(number: str) -> None:
    (found,) = texts.events([f"<Events><Event><System><EventID>{number}</EventID></System></Event></Events>"])
    assert found["id"] == 0


def event(number: int, provider: str, data: t.Mapping[str, str]) -> str:
    from xml.sax.saxutils import escape, quoteattr

    inner = "".join(f"<Data Name={quoteattr(name)}>{escape(value)}</Data>" for name, value in data.items())
    return (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
        f"<Provider Name={quoteattr(provider)}/><EventID Qualifiers='0'>{number}</EventID>"
        f"<TimeCreated SystemTime='2026-11-24T03:43:00.1234567Z'/></System><EventData>{inner}</EventData></Event>"
    )


NAME = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)


@given(st.lists(st.tuples(st.integers(1, 65535), NAME, st.dictionaries(NAME, NAME, max_size=4)), max_size=5))
def test_events_come_back_as_they_were_written(rows: list[tuple[int, str, dict[str, str]]]) -> None:
    lines = ["<Events>", *(event(*row) for row in rows), "</Events>"]
    found = [(one["id"], one["provider"], one["data"]) for one in texts.events(lines)]
    assert found == rows


@given(st.lists(st.text(max_size=120), max_size=5))
@example(["fleetops.tetra=²|²|x|1|1", "curl: (35) x"])
@example(["fleetops.tetra="])
@example(["curl: (99999999999999999999) x", "fleetops.tetra=200|200|1.2.3.4|nan|inf"])
def test_curl_of_any_text(lines: list[str]) -> None:
    found = texts.attempt(lines)
    assert found is None or isinstance(found["http"], int)
    assert texts.curl_version(lines) is None or len(texts.curl_version(lines) or ()) == 3
    assert isinstance(texts.certificates(lines), list)


@given(st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.text(max_size=120)), max_size=4))
@example({"1": "v2.30|Action=Block|Active=TRUE|Dir=Out|RPort=²|Name=x|"})
@example({"1": "v2.30|Action=Block|Active=TRUE|Dir=Out|RPort=1-²|Name=x|"})
def test_firewall_rules_of_any_text(values: dict[str, t.Any]) -> None:
    assert isinstance(texts.blocking_rules(values), list)


@given(st.integers(0, 65535), st.integers(0, 65535))
def test_a_range_of_ports_blocks_what_lies_in_it(low: int, high: int) -> None:
    rule = f"v2.30|Action=Block|Active=TRUE|Dir=Out|Protocol=6|RPort2_10={low}-{high}|Name=x|"
    assert bool(texts.blocking_rules({"1": rule})) is (low <= 443 <= high)


@given(st.lists(st.text(max_size=80), max_size=5))
def test_hosts_files_of_any_text(lines: list[str]) -> None:
    assert all(len(pair) == 2 for pair in texts.pinned(lines, {"tetra-defs.amp.cisco.com"}))


@given(st.text(max_size=120), st.text(max_size=30), st.one_of(st.none(), st.integers(-900, 900)))
@example("(1, +0 ms) Feb 29 07:30:23 [1]: x", "2026-03-01T00:00:00Z", 0)
@example("(1, +0 ms) Feb ²9 07:30:23 [1]: x", "2026-03-01T00:00:00Z", 0)
@example("(1, +0 ms) Aug 04 07:30:23 [1]: x", "0001-01-01T00:00:00Z", 0)
@example("(1, +0 ms) Aug 04 07:30:23 [1]: x", "9999-12-31T00:00:00Z", 0)
def test_times_of_any_log_line(line: str, taken_at: str, offset: int | None) -> None:
    assert timeline.log_time(line, taken_at, offset) is None or offset is not None


@given(st.text(max_size=60))
@example("http://[x")
@example("http://h:99999/")
def test_the_server_of_any_address(text: str) -> None:
    host, port = texts.server_of(text)
    assert isinstance(host, str) and 0 <= port <= 65535


SCRIPT = """// PROXY old.example.com:1
function FindProxyForURL(url, host) { /* SOCKS commented.example.com:2 */
  if (dnsDomainIs(host, ".cisco.com")) return "PROXY user:geheim@proxy.example.com:8080; DIRECT";
  return "SOCKS5 10.0.0.1:1080";
}"""


def test_a_proxy_script_is_read_and_not_run() -> None:
    assert texts.proxy_script(SCRIPT) == texts.ProxyScript(("proxy.example.com:8080", "10.0.0.1:1080"), True, True)
    assert texts.proxy_script("while (true) {} // FindProxyForURL") == texts.ProxyScript((), False, False)
    assert texts.proxy_script("<html>Not found</html>") is None


@given(st.text(max_size=200))
def test_a_proxy_script_of_any_text(text: str) -> None:
    found = texts.proxy_script("FindProxyForURL" + text)
    assert found is not None and len(found.proxies) <= 20


@pytest.mark.parametrize("text", ["file://c:/x.pac", "http://", "http://a b", "-o x", "http://a\n-o"])
def test_an_address_of_a_script_that_curl_must_not_get(text: str) -> None:
    assert texts.script_address(text) is None


def test_the_address_of_a_script() -> None:
    assert texts.script_address("http://wpad.example.com/proxy.pac") == "http://wpad.example.com/proxy.pac"
