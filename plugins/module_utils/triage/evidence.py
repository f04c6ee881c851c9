# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""All that was gathered about one failing endpoint: ``fleetops.tetra/evidence/1``.

Nothing is judged here. Every section carries ``status`` and ``reason`` as a section of the facts does; what was not
asked is ``not_read``, and proves nothing.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import NOT_READ, OK

SCHEMA: t.Final = "fleetops.tetra/evidence/1"
Status = t.Literal["ok", "absent", "denied", "unsupported", "error", "not_read"]


class Section(t.TypedDict):
    status: str
    reason: str | None


class Attempt(t.TypedDict):
    """One run of the endpoint's own curl.exe. ``exit`` is curl's code, None where it did not say; ``handshake`` whether
    TLS came to its end; ``connect`` what a proxy answered, 0 where there was none; seconds from the start."""

    exit: int | None
    error: str
    handshake: bool
    http: int
    connect: int
    address: str
    connected: bool


class Ways(Section):
    """The same request by several ways; a name that is missing was not tried.

    ``default`` (the connector's way, revocation as Windows has it), ``no_revocation``, ``insecure``, ``direct``,
    ``proxy``, ``ipv4``, ``ipv6``.
    """

    host: str
    port: int
    proxy: str | None
    proxy_source: str | None
    version: str | None
    attempts: dict[str, Attempt]


class Target(t.TypedDict):
    """A server and port that an update needs, or may. ``resolves``, ``connects``: unknown where a proxy does it."""

    host: str
    port: int
    what: t.Literal["definition server", "proxy", "revocation", "roots"]
    resolves: t.Literal["yes", "no", "unknown"]
    connects: t.Literal["yes", "no", "unknown"]
    address: str | None


class Reach(Section):
    """Name resolution and TCP, to each server and port."""

    targets: list[Target]


class Issuer(Section):
    """The certificate that the endpoint's curl.exe was shown. Times in UTC."""

    issuer: str | None
    subject: str | None
    not_before: str | None
    not_after: str | None
    points: list[str]
    """URLs of revocation lists and OCSP responders in it."""


class Roots(Section):
    """``present`` and ``absent``: of the roots that Cisco's health checker looks for. ``update``: on, off or unknown;
    ``update_reachable``: whether Windows' list of roots can be fetched, None where not tried."""

    present: list[str]
    absent: list[str]
    update: str
    update_reachable: bool | None


class Revocation(Section):
    """``points``: URL → whether it answered."""

    points: dict[str, bool]


class Clock(Section):
    """``ahead``: seconds that the endpoint's clock is before the controller's; ``tolerance``: half the round trip;
    ``utc_offset_minutes``: the endpoint's local time minus UTC."""

    ahead: float
    tolerance: float
    utc_offset_minutes: int | None


class Disk(Section):
    drive: str
    free_bytes: int


class Rule(t.TypedDict):
    name: str
    program: str | None
    port: str | None


class Firewall(Section):
    """Enabled outbound rules that block, and whether what no rule names is blocked."""

    blocking: list[Rule]
    default_blocks: bool | None


class Pinned(t.TypedDict):
    address: str
    name: str


class Hosts(Section):
    """Lines of the hosts file that name a definition server or Cisco's cloud."""

    pinned: list[Pinned]


class Isolation(Section):
    isolated: bool


class SystemProxy(Section):
    """``per_machine``: whether the proxy settings of users are those of the machine; ``pac``: address of a script."""

    winhttp_server: str | None
    winhttp_bypass: str | None
    winhttp_pac: str | None
    detect: bool | None
    per_machine: bool | None


class Pac(Section):
    """The proxy script (PAC) that Windows' setting names, read and not run: ``proxies`` that it names, whether it sends
    anything ``direct``, and whether it has a rule that ``names_cisco``."""

    url: str | None
    size: int
    proxies: list[str]
    direct: bool | None
    names_cisco: bool | None


class History(Section):
    """local.xml: when definitions were last asked for and had. UTC, None where it does not say."""

    last_checked: str | None
    last_success: str | None
    registered: bool | None
    disabled: bool | None


class Event(t.TypedDict):
    """An event of Windows. ``data``: named values as text."""

    time: str
    id: int
    provider: str
    data: dict[str, str]


class Events(Section):
    """``level``: what Schannel is told to log (0 to 7), None where not known."""

    events: list[Event]
    level: int | None


class LogLine(t.TypedDict):
    time: str | None
    text: str


class Update(Section):
    """The definition update that was asked for. ``began``: UTC."""

    result: str | None
    code: int | None
    line: str | None
    signatures: int | None
    began: str | None
    lines: list[LogLine]


class Logging(Section):
    """What was logged while the update ran.

    ``connector``: debug level ``by_policy`` already, ``switched_on`` for the diagnosis, or ``not_switched_on``;
    ``tray``: its level by the policy, ``debug`` or ``default``, the only place that sets it; ``capi2``: the log of
    certificate checks, ``on_already``, ``switched_on`` or ``refused``. None where it is not known.
    ``ended_by_policy``: whether the policy was updated meanwhile, which ends debug logging. ``other_lines``: lines
    about the update in other logs beside sfc.exe.log (the tray's), their file's name in front.
    """

    connector: str | None
    tray: str | None
    capi2: str | None
    ended_by_policy: bool | None
    other_lines: list[LogLine]


class Capturing(Section):
    """How packets were captured: ``tool`` pktmon or netsh, ``file`` on the controller, ``bytes``."""

    tool: str | None
    file: str | None
    bytes: int
    converted: bool


class Network(t.TypedDict):
    """Where the endpoint stands. ``site``: as the inventory says; ``subnet``: of its address."""

    site: str | None
    subnet: str | None
    proxy: str | None


class Evidence(t.TypedDict):
    """The document. ``facts`` and ``capture`` are documents of their own, or None."""

    schema: t.Literal["fleetops.tetra/evidence/1"]
    host: str
    taken_at: str
    facts: t.Any
    capture: t.Any
    network: Network
    ways: Ways
    reach: Reach
    issuer: Issuer
    roots: Roots
    revocation: Revocation
    clock: Clock
    disk: Disk
    firewall: Firewall
    hosts_file: Hosts
    isolation: Isolation
    system_proxy: SystemProxy
    pac: Pac
    history: History
    schannel_events: Events
    capi2_events: Events
    update: Update
    logging: Logging
    capturing: Capturing
    notes: list[str]


_NOTHING: dict[str, dict[str, t.Any]] = {
    "ways": {"host": "", "port": 443, "proxy": None, "proxy_source": None, "version": None, "attempts": {}},
    "reach": {"targets": []},
    "issuer": {"issuer": None, "subject": None, "not_before": None, "not_after": None, "points": []},
    "roots": {"present": [], "absent": [], "update": "unknown", "update_reachable": None},
    "revocation": {"points": {}},
    "clock": {"ahead": 0.0, "tolerance": 0.0, "utc_offset_minutes": None},
    "disk": {"drive": "", "free_bytes": 0},
    "firewall": {"blocking": [], "default_blocks": None},
    "hosts_file": {"pinned": []},
    "isolation": {"isolated": False},
    "system_proxy": {
        "winhttp_server": None, "winhttp_bypass": None, "winhttp_pac": None, "detect": None, "per_machine": None,
    },
    "pac": {"url": None, "size": 0, "proxies": [], "direct": None, "names_cisco": None},
    "history": {"last_checked": None, "last_success": None, "registered": None, "disabled": None},
    "schannel_events": {"events": [], "level": None},
    "capi2_events": {"events": [], "level": None},
    "update": {"result": None, "code": None, "line": None, "signatures": None, "began": None, "lines": []},
    "logging": {"connector": None, "tray": None, "capi2": None, "ended_by_policy": None, "other_lines": []},
    "capturing": {"tool": None, "file": None, "bytes": 0, "converted": False},
}  # fmt: skip
SECTIONS: t.Final = tuple(_NOTHING)


def section(name: str, status: str = OK, reason: str | None = None, **values: t.Any) -> t.Any:
    """A section with what is known of it; the rest as where nothing is known. Errors: ``KeyError`` for a wrong name."""
    empty = _NOTHING[name]
    unknown = set(values) - set(empty)
    if unknown:
        raise KeyError(f"{name} has no {min(unknown)}")
    copied = {key: value.copy() if isinstance(value, (dict, list)) else value for key, value in empty.items()}
    return {"status": status, "reason": reason, **copied, **values}


def empty_evidence(host: str, taken_at: str, facts: t.Any = None) -> Evidence:
    """Evidence of which nothing but the facts was gathered."""
    made: dict[str, t.Any] = {name: section(name, NOT_READ, "Not asked.") for name in SECTIONS}
    return t.cast(
        Evidence,
        {
            "schema": SCHEMA,
            "host": host,
            "taken_at": taken_at,
            "facts": facts,
            "capture": None,
            "network": {"site": None, "subnet": None, "proxy": None},
            **made,
            "notes": [],
        },
    )
