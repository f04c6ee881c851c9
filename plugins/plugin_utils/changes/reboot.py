# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Restarting an endpoint, and knowing that it has restarted.

The native way needs no script text: ``shutdown.exe`` is started as a command; then new runspaces are opened until
Windows tells a later boot time, or the deadline has passed. That the connection breaks on the way is expected. This
works where scripts are refused (JEA, a strict language mode, an AMSI provider that kills them) and
``ansible.windows.win_reboot`` therefore cannot.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import re
import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import FORMAT
from ansible_collections.fleetops.tetra.plugins.module_utils.documents import cure as documents
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded, deadline
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Answer,
    Asker,
    PSObject,
    SessionError,
    UInt32,
    command,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import provider_path, select
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.system import utc

Waiter = t.Callable[[float], bool]

ANNOUNCED, OTHERS, LINGERING = "announced", "others_logged_on", "lingering"
# System errors of learn.microsoft.com: ERROR_SHUTDOWN_IS_SCHEDULED and ERROR_SHUTDOWN_USERS_LOGGED_ON.
_REFUSED = {
    1190: (ANNOUNCED, "Somebody has announced a restart or a shutdown already."),
    1191: (OTHERS, "Windows refuses a restart without force, since others are logged on."),
}
_SECONDS_TO_CALL_OFF = 30.0
"""One that is lost does not answer that either."""
_OF_A_SESSION = ("explorer", "rdpinit", "rdpshell")
"""A desktop, and what stands for one where a remote application is used."""
_DISCHARGING = (1, 4, 5)
_UPDATE_WAITS = (
    r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending",
    r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired",
)

NATIVE, WIN_REBOOT = "native", "win_reboot"
USERS_UNKNOWN, ROLES_UNKNOWN = "users_unknown", "roles_unknown"
ROLES_NOT_READ = "whether this is a domain controller, a cluster node or another special role could not be read"
REASON = "Cipher suites for Cisco Secure Endpoint (fleetops.tetra)"
"""What a user on the endpoint reads, and the event log keeps."""

# Windows reckons the boot time from the clock, so it moves a little when the clock is set; that is no restart.
_DRIFT = timedelta(seconds=5)

_SERVICES = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services"
# The registry keys of services that exist only with the role; a plain member has none of them.
_ROLES = {
    "domain_controller": ("NTDS", "a domain controller"),
    "cluster_node": ("ClusSvc", "a cluster node"),
    "hyper_v_host": ("vmms", "a Hyper-V host"),
    "remote_desktop": ("Tssdis", "a Remote Desktop connection broker"),
    "virtual_desktop": ("RDAgentBootLoader", "an Azure Virtual Desktop host"),
    "sql_server": ("MSSQLSERVER", "a SQL Server"),
    "exchange": ("MSExchangeIS", "an Exchange server"),
}
"""The services' names are those of Microsoft's products; a named instance of SQL Server has another one."""
# Key protectors that wait for somebody at startup: TPM with a PIN, with a startup key, with both. They exist on the
# system volume only (Win32_EncryptableVolume.GetKeyProtectors on learn.microsoft.com).
_ENCRYPTION = "root/cimv2/Security/MicrosoftVolumeEncryption"
_PROTECTED = "SELECT * FROM Win32_EncryptableVolume WHERE ProtectionStatus <> 0"
_WAITING_PROTECTORS = (4, 5, 6)
BITLOCKER_PIN = ("bitlocker_pin", "one whose BitLocker asks for a PIN or a key at startup")


class Endpoint(t.Protocol):
    """A way to talk to the endpoint that can begin anew."""

    def session(self) -> Asker:
        """The present session."""

    def renew(self) -> Asker:
        """Forgets the present session; the next question opens a new one."""

    def hand_over(self) -> None:
        """Ends the present session in order, so that another plugin can use the connection."""


class TimeLeft(t.Protocol):
    """A wait with an end."""

    @property
    def left(self) -> float:
        """Seconds."""

    def __call__(self, seconds: float) -> bool:
        """Sleeps; False when time is up."""


OtherWay = t.Callable[[Endpoint, float], str | None]
"""Restarts an endpoint within so many seconds; a sentence where no restart was ordered."""


@dataclass(frozen=True)
class Restarted:
    """A restart that was seen. ``note``: why the native way was taken where another one was wanted."""

    before: str
    after: str
    method: str
    note: str | None = None

    def as_dict(self) -> documents.Restart:
        return {
            "boot_time_before": self.before,
            "boot_time_after": self.after,
            "method": self.method,
            "note": self.note,
        }


def boot_time(asker: Asker) -> str:
    """The last boot (UTC, ``YYYY-MM-DDTHH:MM:SSZ``). Raises ChangeError where Windows does not tell."""
    when = _clock(asker, "LastBootUpTime")
    if when is None:
        raise ChangeError(
            "no_boot_time", "Windows does not tell when it was started, so a restart could not be proven."
        )
    return when


def clock(asker: Asker) -> str | None:
    """The endpoint's own time (UTC): boot times are told by this clock, which may differ from the controller's."""
    return _clock(asker, "LocalDateTime")


def _clock(asker: Asker, name: str) -> str | None:
    # PowerShell 2.0 has no CIM cmdlets, PowerShell 7 no WMI cmdlets; a cmdlet that is missing ends its pipeline.
    for cmdlet, class_parameter in (("Get-CimInstance", "ClassName"), ("Get-WmiObject", "Class")):
        parameters: dict[str, t.Any] = {class_parameter: "Win32_OperatingSystem", "Property": [name]}
        statement = (command(cmdlet, **parameters, ErrorAction="Continue"), select(name))
        for item in asker.ask([statement]).output:
            when = utc(item.get(name)) if isinstance(item, PSObject) else None
            if when is not None:
                return when
    return None


def special_roles(asker: Asker) -> list[tuple[str, str]]:
    """(option name, words) of the roles for which an endpoint is restarted only when it was named.

    Raises ChangeError where it cannot be said whether the endpoint has one.
    """
    keys = {f"{_SERVICES}\\{service}".lower(): (role, words) for role, (service, words) in _ROLES.items()}
    statement = (
        command("Get-Item", LiteralPath=[provider_path(key) for key in keys], ErrorAction="Continue"),
        select("Name"),
    )
    answer = asker.ask([statement])
    names = [str(item.get("Name")).lower() for item in answer.output if isinstance(item, PSObject)]
    if len(names) + sum(refusal.is_missing for refusal in answer.refusals) < len(keys):
        raise ChangeError(ROLES_UNKNOWN, f"{ROLES_NOT_READ.capitalize()}.")
    found = [keys[name] for name in names if name in keys]
    return [*found, BITLOCKER_PIN] if asks_for_pin(asker) else found


def asks_for_pin(asker: Asker) -> bool:
    """Whether BitLocker is known to wait for somebody at startup. False also where that cannot be read, as it is where
    Windows has no BitLocker; a protection that is suspended waits for nobody."""
    statements = [
        (
            command(
                "Invoke-CimMethod",
                Namespace=_ENCRYPTION,
                Query=_PROTECTED,
                MethodName="GetKeyProtectors",
                Arguments={"KeyProtectorType": UInt32(kind)},
                ErrorAction="Continue",
            ),
            select("ReturnValue", "VolumeKeyProtectorID"),
        )
        for kind in _WAITING_PROTECTORS
    ]
    return any(
        isinstance(item, PSObject) and item.get("ReturnValue") == 0 and item.get("VolumeKeyProtectorID")
        for item in asker.ask(statements).output
    )


def users_logged_on(asker: Asker) -> bool:
    """Whether somebody works on the endpoint: a desktop, or a remote application without one.

    Raises ChangeError where it cannot be said.
    """
    answer = asker.ask([(command("Get-Process", Name=list(_OF_A_SESSION), ErrorAction="Continue"), select("Id"))])
    if any(isinstance(item, PSObject) for item in answer.output):
        return True
    if answer.refusals and all(
        refusal.is_missing or "NoProcessFound" in refusal.error_id for refusal in answer.refusals
    ):
        return False
    raise ChangeError(
        USERS_UNKNOWN, "Whether somebody is logged on could not be read, so the endpoint was not restarted."
    )


def runs_on_battery(asker: Asker) -> bool:
    """Whether a battery is known to be discharging, low or critical (Win32_Battery on learn.microsoft.com).

    False also where that cannot be read, as it is where there is no battery.
    """
    statement = (
        command("Get-CimInstance", ClassName="Win32_Battery", Property=["BatteryStatus"], ErrorAction="Continue"),
        select("BatteryStatus"),
    )
    return any(
        isinstance(item, PSObject) and item.get("BatteryStatus") in _DISCHARGING
        for item in asker.ask([statement]).output
    )


def update_waits(asker: Asker) -> bool:
    """Whether Windows Update, or its servicing, has work for the next restart; then that one may take long."""
    statement = (
        command("Get-Item", LiteralPath=[provider_path(key) for key in _UPDATE_WAITS], ErrorAction="Continue"),
        select("Name"),
    )
    return any(isinstance(item, PSObject) for item in asker.ask([statement]).output)


@dataclass(frozen=True)
class Order:
    """How the native way orders a restart.

    ``countdown``: seconds in which whoever is logged on reads the message and saves what is open. shutdown.exe closes
    applications by force after any countdown but 0 (its documentation: ``/f`` is implied).
    """

    countdown: int = 0


def restart_and_wait(
    endpoint: Endpoint,
    before: str,
    wait: TimeLeft,
    system_root: str,
    other: OtherWay | None = None,
    order: Order | None = None,
) -> Restarted:
    """Restarts the endpoint, by the other way where one is given, and waits for a boot time later than ``before``.

    Raises ChangeError with code ``restart_refused``, ``others_logged_on``, ``announced``, ``lingering`` or
    ``timed_out``.
    """
    note = other(endpoint, wait.left) if other is not None else None
    native = other is None or note is not None
    if native:
        restart(endpoint.session(), system_root, order or Order())
    # The other way has waited already; what it found is looked at even where that used up the time.
    after = None if native else _later_boot(endpoint, before)
    try:
        after = after or wait_for_boot(endpoint, before, wait)
    except ChangeError as error:
        if error.code == "timed_out" and _call_off(endpoint, system_root):
            raise ChangeError(
                LINGERING,
                "The endpoint answers and did not go down within the time allowed: an application seems to keep it "
                "from shutting down. The restart was called off.",
            ) from error
        raise
    return Restarted(before, after, NATIVE if native else WIN_REBOOT, note)


def restart(asker: Asker, system_root: str = r"C:\Windows", order: Order | None = None) -> None:
    """Orders the restart. A connection that breaks over it is no error; a refusal is (ChangeError).

    A restart that somebody has announced is not raced: code ``announced``. Where others are logged on, Windows refuses
    one without force: code ``others_logged_on``.
    """
    tool = f"{system_root}\\System32\\shutdown.exe"
    seconds = str((order or Order()).countdown)
    with contextlib.suppress(SessionError):
        # p:2:4 is "operating system: reconfiguration (planned)" in the list that shutdown.exe prints.
        answer = asker.ask([(command(tool, "/r", "/t", seconds, "/d", "p:2:4", "/c", REASON),)])
        if answer.failed or answer.refusals:
            code, sentence = _REFUSED.get(
                _number_in(answer), ("restart_refused", "The endpoint refused to be restarted.")
            )
            raise ChangeError(code, sentence)


def _number_in(answer: Answer) -> int:
    """The system error that shutdown.exe prints behind its localized sentence; 0 where there is none."""
    for refusal in answer.refusals:
        match = re.search(r"\((\d{1,5})\)\s*$", refusal.target or "")
        if match:
            return int(match[1])
    return 0


def _call_off(endpoint: Endpoint, system_root: str) -> bool:
    """Whether a shutdown was still going on, and is called off now."""
    with contextlib.suppress(SessionError, DeadlineExceeded), deadline(_SECONDS_TO_CALL_OFF):
        answer = endpoint.renew().ask([(command(f"{system_root}\\System32\\shutdown.exe", "/a"),)])
        return not answer.failed and not answer.refusals
    return False


def wait_for_boot(endpoint: Endpoint, before: str, wait: Waiter) -> str:
    """The boot time once it is later than ``before``. Raises ChangeError with code ``timed_out`` when time is up."""
    seen_again = False
    for seconds in _pauses():
        if not wait(seconds):
            break
        with contextlib.suppress(SessionError, ChangeError):
            now = boot_time(endpoint.renew())
            seen_again = True
            if _is_later(now, before):
                return now
    if seen_again:
        raise ChangeError("timed_out", "The endpoint answers, but was not restarted within the time allowed.")
    raise ChangeError("timed_out", "The endpoint did not come back after the restart within the time allowed.")


def _later_boot(endpoint: Endpoint, before: str) -> str | None:
    with contextlib.suppress(SessionError, ChangeError):
        now = boot_time(endpoint.renew())
        return now if _is_later(now, before) else None
    return None


def _is_later(now: str, before: str) -> bool:
    return _moment(now) - _moment(before) > _DRIFT


def _pauses() -> c.Iterator[float]:
    """Short at first for a fast machine, then longer, so that a slow one is not pestered."""
    seconds = 1.0
    while True:
        yield seconds
        seconds = min(seconds * 1.5, 15.0)


def _moment(text: str) -> datetime:
    return datetime.strptime(text, FORMAT)
