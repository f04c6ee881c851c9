# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What Windows' programs print for a diagnosis, brought into plain data: curl.exe, wevtutil.exe, registry values.

Events: data is read by name, never by position (names were added in front with Windows 11). Firewall rules: [MS-GPFAS]
2.2.2.19. WinHttpSettings: version, counter, flags, then three strings with their lengths (observed by others).
"""

from __future__ import annotations

import re
import struct
import typing as t
from urllib.parse import urlsplit
from xml.etree import ElementTree

from ansible_collections.fleetops.tetra.plugins.module_utils.triage.evidence import Attempt, Event, Rule, Target

MARK: t.Final = "fleetops.tetra="
WRITE_OUT: t.Final = (
    MARK + "%{http_code}|%{http_connect}|%{remote_ip}|%{time_connect}|%{time_appconnect}\\n"
)  # curl makes the line's end of it
_FAILURE = re.compile(r"curl: \((\d{1,5})\) ?(.*)")
_VERSION = re.compile(r"curl (\d{1,5})\.(\d{1,5})\.(\d{1,5})")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_COMMENT = re.compile(r"/\*.*?\*/|(?<!:)//[^\n]*", re.DOTALL)
_NAMED_PROXY = re.compile(r"\b(?:PROXY|HTTPS?|SOCKS[45]?)[ \t]+([A-Za-z0-9_.@:\[\]-]+)")
_DIRECT = re.compile(r"\bDIRECT\b")
_FETCHED = re.compile(r"https?://[!-~]{1,500}", re.IGNORECASE)
_SCHEME = re.compile(r"(?:https?|socks)(?:://|=)")
MOST_EVENTS: t.Final = 200


def attempt(lines: t.Iterable[str]) -> Attempt | None:
    """What one curl.exe said; None where the line that it was told to print is missing.

    The code stands in the message, since old versions cannot print it.
    """
    text = "\n".join(lines)
    found = next((line for line in reversed(text.splitlines()) if line.startswith(MARK)), None)
    if found is None:
        return None
    parts = (found.removeprefix(MARK).split("|") + [""] * 5)[:5]
    failure = _FAILURE.search(text)
    return {
        "exit": _number(failure.group(1)) if failure else 0,
        "error": failure.group(2).strip()[:300] if failure else "",
        "http": _number(parts[0]),
        "connect": _number(parts[1]),
        "address": parts[2].strip(),
        "connected": _seconds(parts[3]) > 0,
        "handshake": _seconds(parts[4]) > 0,
    }


What = t.Literal["definition server", "proxy", "revocation", "roots"]


def reached(host: str, port: int, what: What, found: Attempt | None, proxy: bool = False) -> Target:
    """What one request says of name and port; ``proxy``: whether they are those of the proxy it went through.

    5 and 6: the name of proxy or server does not resolve. 7: it resolved, nobody listens.
    """
    target: Target = {
        "host": host, "port": port, "what": what, "resolves": "unknown", "connects": "unknown", "address": None,
    }  # fmt: skip
    if found is None or found["exit"] is None:
        return target
    if found["connected"] or found["address"] or found["exit"] == 7:
        target["resolves"] = "yes"
    elif found["exit"] == (5 if proxy else 6):
        target["resolves"] = "no"
    if found["connected"]:
        target["connects"] = "yes"
    elif found["exit"] in (7, 28):
        target["connects"] = "no"
    target["address"] = found["address"] or None
    return target


def server_of(url: str) -> tuple[str, int]:
    """(host, port) of an address of HTTP; an empty host where there is none."""
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return "", 0


def curl_version(lines: t.Iterable[str]) -> tuple[int, int, int] | None:
    """The version that ``curl.exe --version`` names."""
    found = _VERSION.search("\n".join(lines))
    return None if found is None else (int(found[1]), int(found[2]), int(found[3]))


def certificates(lines: t.Iterable[str]) -> list[str]:
    """The certificates (PEM) that curl printed, leaf first."""
    return _PEM.findall("\n".join(line.strip() for line in lines))


def events(lines: t.Iterable[str]) -> list[Event]:
    """The events in the XML of ``wevtutil qe … /f:xml /e:Events``, newest first. Raises ValueError for other text."""
    text = "\n".join(lines).strip().removeprefix("\ufeff")
    if not text:
        return []
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("the events have a document type declaration, which none of Windows has")
    try:
        root = ElementTree.fromstring(text if text.startswith("<Events") else f"<Events>{text}</Events>")
    except ElementTree.ParseError as error:
        raise ValueError(f"the events are not well-formed XML ({error})") from None
    return [_event(one) for one in root if _bare(one.tag) == "Event"][:MOST_EVENTS]


def channel_enabled(lines: t.Iterable[str]) -> bool | None:
    """``enabled`` in the XML of ``wevtutil gl LOG /f:xml``; None where the text does not say."""
    text = "\n".join(lines).strip().removeprefix("\ufeff")
    if not text or "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        root = ElementTree.fromstring(re.sub(r"^<\?xml[^>]*\?>", "", text))
    except ElementTree.ParseError:
        return None
    value = root.get("enabled") if _bare(root.tag) == "channel" else None
    return {"true": True, "false": False}.get(value or "")


def _event(root: ElementTree.Element) -> Event:
    found: Event = {"time": "", "id": 0, "provider": "", "data": {}}
    for element in root.iter():
        name, value = _bare(element.tag), (element.text or "").strip()
        if name == "Provider":
            found["provider"] = element.get("Name", "")
        elif name == "EventID" and _is_number(value):
            found["id"] = int(value)
        elif name == "TimeCreated":
            found["time"] = element.get("SystemTime", "")[:35]
        elif name == "Data" and element.get("Name"):
            found["data"][element.get("Name", "")[:60]] = value[:300]
        elif name == "Result":
            found["data"]["Result"] = (element.get("value") or value)[:20]
        elif name in ("URL", "SSLAdditionalPolicyInfo", "CertificateChain", "EventAuxInfo"):
            for key in ("serverName", "ProcessName"):
                if element.get(key):
                    found["data"][key] = element.get(key, "")[:300]
            if name == "URL" and value:
                found["data"]["URL"] = value[:300]
    return found


def blocking_rules(values: t.Mapping[str, t.Any]) -> list[Rule]:
    """Of the registry's firewall rules the active outbound ones that block TCP to port 443, 80 or everything."""
    found: list[Rule] = []
    for text in values.values():
        if not isinstance(text, str) or "Action=Block" not in text:
            continue
        fields: dict[str, list[str]] = {}
        for part in text.split("|"):
            name, mark, value = part.partition("=")
            if mark:
                fields.setdefault(name.lower(), []).append(value)
        one = {name: given[0] for name, given in fields.items()}
        if one.get("dir", "").lower() != "out" or one.get("active", "").lower() != "true":
            continue
        ports = [*fields.get("rport", []), *fields.get("rport2_10", [])]
        if one.get("protocol", "6") not in ("6", "256") or (ports and not any(_covers(port) for port in ports)):
            continue
        program = one.get("app")
        if program is not None and not program.lower().endswith(("sfc.exe", "curl.exe")):
            continue
        found.append({"name": one.get("name", "?")[:100], "program": program, "port": ", ".join(ports) or None})
    return found


def _covers(port: str) -> bool:
    low, _mark, high = port.partition("-")
    return _is_number(low) and _is_number(high or low) and int(low) <= 443 <= int(high or low)


class WinHttp(t.NamedTuple):
    """``detect``: whether the proxy is looked for automatically; ``pac``: the address of a script."""

    server: str | None
    bypass: str | None
    pac: str | None
    detect: bool


def winhttp(blob: bytes) -> WinHttp | None:
    """The value WinHttpSettings; None where it is too short or contradicts itself."""
    if len(blob) < 12:
        return None
    flags = int.from_bytes(blob[8:12], "little")
    at, texts = 12, []
    for _number_of in range(3):
        if at + 4 > len(blob):
            texts.append("")
            continue
        (length,) = struct.unpack_from("<I", blob, at)
        if at + 4 + length > len(blob):
            return None
        texts.append(blob[at + 4 : at + 4 + length].decode("ascii", "replace").strip("\0"))
        at += 4 + length
    server, bypass, pac = (_without_credentials(text) or None for text in texts)
    return WinHttp(server if flags & 2 else None, bypass, pac if flags & 4 else None, bool(flags & 8))


class ProxyScript(t.NamedTuple):
    """What a proxy script (PAC) names, without running it: its proxies, whether it sends anything directly, and whether
    it has a rule that names Cisco."""

    proxies: tuple[str, ...]
    direct: bool
    names_cisco: bool


def proxy_script(text: str) -> ProxyScript | None:
    """None for what is no proxy script. It is read, not run: a script of an endpoint's net has no place here, and its
    answer would depend on the endpoint's address and name service."""
    if "FindProxyForURL" not in text:
        return None
    code = _COMMENT.sub("", text)
    found = dict.fromkeys(_without_credentials(name)[:100] for name in _NAMED_PROXY.findall(code))
    return ProxyScript(tuple(found)[:20], bool(_DIRECT.search(code)), "cisco.com" in code.lower())


def script_address(text: str) -> str | None:
    """The address of a proxy script, where it is one that curl may fetch."""
    return text if _FETCHED.fullmatch(text) else None


def _without_credentials(text: str) -> str:
    """What stands behind user name and password. Where an entry has them, those before it are lost: they may be part
    of the password."""
    if "@" not in text:
        return text
    scheme = _SCHEME.match(text)
    return (scheme[0] if scheme else "") + text.rpartition("@")[2]


def pinned(lines: t.Iterable[str], names: t.Collection[str]) -> list[tuple[str, str]]:
    """(address, name) of the lines of a hosts file that name one of these hosts, or a host of Cisco's cloud."""
    found = []
    for line in lines:
        words = line.partition("#")[0].split()
        for name in words[1:]:
            plain = name.rstrip(".").lower()
            if plain in names or plain.endswith(".amp.cisco.com"):
                found.append((words[0], plain))
    return found


def _bare(tag: str) -> str:
    return tag.rpartition("}")[2]


def _number(text: str) -> int:
    return int(text) if _is_number(text.strip()) else 0


def _is_number(text: str) -> bool:
    """Whether int() takes it: superscripts are digits, too, and thousands of digits are refused."""
    return text.isdecimal() and len(text) < 10


def _seconds(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return 0.0
