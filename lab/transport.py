# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``transport:`` part of an endpoint: how it is reached, and what goes wrong on the way."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.lab import checks
from ansible_collections.fleetops.tetra.lab.errors import FleetError

DEFAULT_USER = "tetra-audit"
DEFAULT_PASSWORD = "rehearsal-only-Pa55"
"""The lab's password. It opens nothing but simulated endpoints on loopback, and is never printed all the same."""
DEFAULT_CONFIGURATION = "Microsoft.PowerShell"

SCHEMES = ("http", "https")
AUTHENTICATIONS = ("basic", "negotiate", "ntlm")
CHANNEL_BINDINGS = ("relaxed", "strict")

STAGES = ("open", "pipeline")
"""When a fault strikes: at the first request that opens a runspace, or at the first answer of a pipeline."""
TLS_ERRORS = ("expired", "self_signed", "wrong_name")
STAGED_FAULTS = {
    "hangs": "open",
    "http_500": "open",
    "reset_mid_answer": "pipeline",
    "garbage": "open",
    "wrong_shape": "pipeline",
}
"""Faults that take a stage, and the stage meant by ``true``."""
PLAIN_FAULTS = ("refused", "wrong_password", "access_denied")
ATTACKS = (
    "redirect_301",
    "redirect_302",
    "redirect_303",
    "redirect_307",
    "redirect_308",
    "redirect_nowhere",
    "not_modified",
    "huge_declared",
    "huge_undeclared",
    "huge_chunked",
    "gzip_bomb",
    "deflate_bomb",
    "many_headers",
    "entity_bomb",
    "many_elements",
    "deep_elements",
)
"""What the fault ``hostile`` answers a client that has logged in (lab/server/hostile.py)."""
PASSING_FAULTS = ("quota", "slow_start", "died", "unready", "dropped")
"""Faults of the first openings of a runspace: so many of them, 1 for ``true``."""
FAULTS = (*STAGED_FAULTS, *PLAIN_FAULTS, *PASSING_FAULTS, "tls_error", "lost_answer", "hostile")


@dataclass(frozen=True)
class Transport:
    """How one endpoint is reached."""

    scheme: str = "http"
    auth: tuple[str, ...] = ("basic",)
    """What the endpoint accepts; the inventory uses the first."""
    user: str = DEFAULT_USER
    password: str = field(default=DEFAULT_PASSWORD, repr=False)
    channel_binding: str = "relaxed"
    """``strict`` refuses an NTLM client over TLS that does not bind its authentication to the certificate."""
    allow_unencrypted: bool = True
    """``false`` (the Windows default) refuses Basic over HTTP and any message that is not sealed."""
    configurations: tuple[str, ...] = ()
    """Session configurations that may be opened; the inventory uses the first. Empty: those that the machine has."""
    delay: float = 0.0
    """Seconds before every answer."""
    faults: t.Mapping[str, str] = field(default_factory=dict)
    """Fault → its stage, kind or number, or an empty text."""

    @property
    def tls(self) -> bool:
        return self.scheme == "https"

    @property
    def configuration(self) -> str:
        """The session configuration that the inventory names."""
        return self.configurations[0] if self.configurations else DEFAULT_CONFIGURATION

    def fails(self, fault: str, stage: str) -> bool:
        """Whether this fault strikes at this stage."""
        return self.faults.get(fault) == stage

    @property
    def lost_answer(self) -> int:
        """Which writing pipeline, counted from 1, loses its answer; 0 for none."""
        return int(self.faults.get("lost_answer", 0))

    @classmethod
    def from_mapping(cls, mapping: t.Any, where: str) -> Transport:
        """Reads the part of a fleet file; ``where`` names it in complaints."""
        given = checks.as_mapping({} if mapping is None else mapping, where)
        checks.known_keys(given, tuple(cls.__dataclass_fields__), where)
        values: dict[str, t.Any] = {}
        for key, value in given.items():
            values[key] = _READERS[key](value, f"{where}: {key}")
        transport = cls(**values)
        _contradictions(transport, where)
        return transport


def _contradictions(transport: Transport, where: str) -> None:
    if "tls_error" in transport.faults and not transport.tls:
        raise FleetError(f"{where} has the fault 'tls_error', which needs scheme https.")
    if transport.channel_binding == "strict" and not transport.tls:
        raise FleetError(f"{where} has channel_binding strict, which needs scheme https.")
    if not transport.tls and not transport.allow_unencrypted and transport.auth == ("basic",):
        raise FleetError(
            f"{where} lets nobody in: basic over http needs allow_unencrypted: true, or choose negotiate or https."
        )


def _authentications(value: t.Any, where: str) -> tuple[str, ...]:
    names = tuple(checks.one_of(name, AUTHENTICATIONS, where) for name in _one_or_many(value, where))
    if not names:
        raise FleetError(f"{where} is empty: name at least one of {', '.join(AUTHENTICATIONS)}.")
    return names


def _configurations(value: t.Any, where: str) -> tuple[str, ...]:
    names = tuple(checks.as_text(name, where) for name in _one_or_many(value, where))
    if not names:
        raise FleetError(f"{where} is empty: an endpoint has at least one session configuration.")
    return names


def _faults(value: t.Any, where: str) -> dict[str, str]:
    if isinstance(value, list):
        value = {checks.one_of(name, FAULTS, where): True for name in value}
    given = checks.as_mapping(value, where)
    checks.known_keys(given, FAULTS, where)
    return {name: _fault(name, how, f"{where}: {name}") for name, how in given.items() if how is not False}


def _fault(name: str, how: t.Any, where: str) -> str:
    if name == "tls_error":
        return checks.one_of(TLS_ERRORS[0] if how is True else how, TLS_ERRORS, where)
    if name == "hostile":
        return checks.one_of(ATTACKS[0] if how is True else how, ATTACKS, where)
    if name == "lost_answer" or name in PASSING_FAULTS:
        return str(checks.as_count(1 if how is True else how, where))
    if name in STAGED_FAULTS:
        return checks.one_of(STAGED_FAULTS[name] if how is True else how, STAGES, where)
    checks.as_bool(how, where)
    return ""


def _one_or_many(value: t.Any, where: str) -> list[t.Any]:
    return [value] if isinstance(value, str) else checks.as_list(value, where)


_READERS: dict[str, t.Callable[[t.Any, str], t.Any]] = {
    "scheme": lambda value, where: checks.one_of(value, SCHEMES, where),
    "auth": _authentications,
    "user": checks.as_text,
    "password": checks.as_text,
    "channel_binding": lambda value, where: checks.one_of(value, CHANNEL_BINDINGS, where),
    "allow_unencrypted": checks.as_bool,
    "configurations": _configurations,
    "delay": checks.as_seconds,
    "faults": _faults,
}
