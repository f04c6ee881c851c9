# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What Windows makes of a setting: it is set, curl.exe of Windows says hello to a server of ours, and it is put back.

curl.exe is built on Schannel, so its Client Hello is Schannel's. Whether a setting of that kind counts at once is tried
first with one whose effect is beyond doubt (a policy list of one suite, a cipher that is switched off); where it does
not, each further one needs a restart, and is left alone unless restarts are allowed.
"""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import State
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import (
    CURVES_VALUE,
    LOCAL_KEY,
    MDM_KEY,
    MINIMUM_TLS_VALUE,
    POLICY_KEY,
    SCHANNEL_KEY,
    SIGNATURE_LOCAL_KEY,
    SUITES_VALUE,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import algorithms
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_registry import RemoteRegistry
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import command
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.hello import Heard
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.windows import Seen, Windows

A: t.Final = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
B: t.Final = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
C: t.Final = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"
TLS_1_2, TLS_1_3 = 771, 772
_P384, _RSA_SHA512 = 0x0018, 0x0601
_PADDING = ",".join(f"TLS_FLEETOPS_TETRA_NO_SUCH_SUITE_{number:03}" for number in range(32))
NO_LISTENER = "It shows in the Client Hello of a program, and no address was given for the endpoint to say hello to."
NO_HELLO = "curl.exe of the endpoint did not reach the listener"
RESTART = "A changed setting of this kind does not count at once, and no restart was allowed (tetra_observe_restarts)."
STAYED = "The Client Hello did not change, not even where a change is beyond doubt."

Kind = t.Literal["policy", "local", "switch"]
Setting = tuple[str, str, State]
"""(key, name, how it shall stand)"""


def _policy(kind: str, data: t.Any) -> tuple[Setting, ...]:
    return ((POLICY_KEY, SUITES_VALUE, _value(kind, data)),)


def _switch(key: str, name: str, number: int) -> tuple[Setting, ...]:
    return ((f"{SCHANNEL_KEY}\\{key}", name, _value("REG_DWORD", number)),)


def _value(kind: str, data: t.Any) -> State:
    return {"status": "ok", "type": kind, "data": data}


@dataclass(frozen=True)
class Experiment:
    """``settings``: what is set for it. ``judge``: (hello before, hello then, curl's exit code) → variant or None;
    either hello is ``None`` where no program could say one."""

    behaviour: str
    what: str
    kind: Kind
    settings: tuple[Setting, ...]
    judge: t.Callable[[Heard, Heard | None, int | None], str | None]


def _only(variant: str, otherwise: str, *suites: str) -> t.Callable[[Heard, Heard | None, int | None], str | None]:
    """``variant`` where exactly these suites are offered, ``otherwise`` where the hello is as before."""

    def judge(before: Heard, now: Heard | None, _code: int | None) -> str | None:
        if now is not None and now.suites == before.suites:
            return otherwise
        if now is None:
            return variant if not suites else None
        return variant if set(now.suites) == set(suites) else None

    return judge


def _beside(with_it: str, without: str) -> t.Callable[[Heard, Heard | None, int | None], str | None]:
    """Whether A is offered beside C, which stands in the list beyond doubt."""

    def judge(_before: Heard, now: Heard | None, _code: int | None) -> str | None:
        if now is None or C not in now.suites or set(now.suites) - {A, C}:
            return None
        return with_it if A in now.suites else without

    return judge


def _twice(_before: Heard, now: Heard | None, _code: int | None) -> str | None:
    orders: dict[tuple[str, ...], str] = {(A, C): "first_counts", (C, A): "last_counts"}
    return orders.get(now.suites) if now is not None else None


def _no_curve(before: Heard, now: Heard | None, _code: int | None) -> str | None:
    if now is not None and now.groups == before.groups:
        return "defaults"
    without = now is None or not any(algorithms(name).key_exchange == "ECDHE" for name in now.suites)
    return "none" if without or (now is not None and not now.groups) else None


def _local_curve(before: Heard, now: Heard | None, _code: int | None) -> str | None:
    if now is None or before.groups == (_P384,):
        return None
    return {(_P384,): "used", before.groups: "ignored"}.get(now.groups)


def _signatures(before: Heard, now: Heard | None, _code: int | None) -> str | None:
    if now is None or before.signatures == (_RSA_SHA512,):
        return None
    return {(_RSA_SHA512,): "obeyed", before.signatures: "ignored"}.get(now.signatures)


def _gone(before: Heard, now: Heard | None) -> set[str]:
    return set(before.suites) - set(now.suites if now is not None else ())


def _of(names: t.Iterable[str], **wanted: t.Any) -> set[str]:
    """The suites with these algorithms."""
    return {name for name in names if all(getattr(algorithms(name), key) == value for key, value in wanted.items())}


def _enabled_one(before: Heard, now: Heard | None, _code: int | None) -> str | None:
    with_it, gone = _of(before.suites, cipher="AES 256/256"), _gone(before, now)
    if not with_it or gone - with_it:
        return None
    return "enabled" if not gone else "disabled" if _of(with_it, tls13=False) <= gone else None


def _pkcs(before: Heard, now: Heard | None, _code: int | None) -> str | None:
    gone = _gone(before, now)
    if not (plain := _of(before.suites, key_exchange="RSA")) or not plain <= gone:
        return None
    signed = _of(before.suites, authentication="RSA", tls13=False) - plain
    return ("yes" if signed <= gone else "no" if not signed & gone else None) if signed else None


def _binds_tls13(**switched: str) -> t.Callable[[Heard, Heard | None, int | None], str | None]:
    """Whether what takes the older suites with these algorithms away takes those of TLS 1.3 away as well."""

    def judge(before: Heard, now: Heard | None, _code: int | None) -> str | None:
        gone = _gone(before, now)
        older, modern = _of(before.suites, tls13=False, **switched), _of(before.suites, tls13=True)
        if "cipher" in switched:
            modern = _of(modern, **switched)
        if not older or not older <= gone or not modern:
            return None
        return "yes" if modern <= gone else "no" if not modern & gone else None

    return judge


def _sha256(before: Heard, now: Heard | None, code: int | None) -> str | None:
    signed = _of(before.suites, hash="SHA256", tls13=False)
    if not signed or not signed <= _gone(before, now) or now is None:
        return None
    return {0: "accepted", 35: "refused"}.get(code if code is not None else -1)


def _minimum(before: Heard, now: Heard | None, _code: int | None) -> str | None:
    if TLS_1_2 not in before.versions:
        return None
    # That a value of this form changes nothing says nothing about one of another form.
    return "counts" if now is None or TLS_1_2 not in now.versions else None


EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(
        "policy_multi_sz", "A list of type REG_MULTI_SZ.", "policy", _policy("REG_MULTI_SZ", [A]),
        _only("used", "ignored", A),
    ),
    Experiment(
        "policy_expand_sz", "A list of type REG_EXPAND_SZ.", "policy", _policy("REG_EXPAND_SZ", A),
        _only("used", "ignored", A),
    ),
    Experiment("policy_empty", "An empty list.", "policy", _policy("REG_SZ", ""), _only("no_suites", "fallback_local")),
    Experiment(
        "policy_spaces", "A space before a name.", "policy", _policy("REG_SZ", f"{C}, {A}"),
        _beside("trimmed", "unresolved"),
    ),
    Experiment(
        "policy_trailing_comma", "A comma at the end.", "policy", _policy("REG_SZ", f"{A},"),
        _only("ignored", "list_ignored", A),
    ),
    Experiment(
        "policy_over_1023", "A name behind the 1023rd character.", "policy", _policy("REG_SZ", f"{C},{_PADDING},{A}"),
        _beside("used", "truncated"),
    ),
    Experiment("policy_duplicates", "A name twice.", "policy", _policy("REG_SZ", f"{A},{C},{A}"), _twice),
    Experiment(
        "policy_name_case", "A name in another case.", "policy", _policy("REG_SZ", f"{C},{A.lower()}"),
        _beside("ignored", "exact"),
    ),
    Experiment(
        "suffixed_names_on_10", "A name with a curve.", "policy", _policy("REG_SZ", f"{C},{A}_P256"),
        _beside("offered", "not_offered"),
    ),
    Experiment(
        "curves_empty", "A list of curves without a name.", "policy",
        ((POLICY_KEY, CURVES_VALUE, _value("REG_MULTI_SZ", [])),), _no_curve,
    ),
    Experiment(
        "curves_local_value", "A local list of curves.", "policy",
        ((LOCAL_KEY, CURVES_VALUE, _value("REG_MULTI_SZ", ["NistP384"])),), _local_curve,
    ),
    Experiment(
        "signature_list", "A list of signature algorithms.", "policy",
        ((SIGNATURE_LOCAL_KEY, SUITES_VALUE, _value("REG_MULTI_SZ", ["RSA/SHA512"])),), _signatures,
    ),
    Experiment(
        "mdm_minimum_tls", "A lowest version of an MDM.", "policy",
        tuple((key, MINIMUM_TLS_VALUE, _value("REG_SZ", "1.3")) for key in (MDM_KEY, POLICY_KEY)), _minimum,
    ),
    Experiment(
        "enabled_one_for_algorithms", "Enabled 1 of a cipher.", "switch", _switch("Ciphers\\AES 256/256", "Enabled", 1),
        _enabled_one,
    ),
    Experiment(
        "pkcs_off_kills_ecdhe_rsa", "PKCS off.", "switch", _switch("KeyExchangeAlgorithms\\PKCS", "Enabled", 0), _pkcs
    ),
    Experiment(
        "tls13_needs_ecdh", "ECDH off and TLS 1.3.", "switch", _switch("KeyExchangeAlgorithms\\ECDH", "Enabled", 0),
        _binds_tls13(key_exchange="ECDHE"),
    ),
    Experiment(
        "hash_switch_for_tls13", "AES 128 off and TLS 1.3.", "switch", _switch("Ciphers\\AES 128/128", "Enabled", 0),
        _binds_tls13(cipher="AES 128/128"),
    ),
    Experiment(
        "hash_off_and_signatures", "SHA256 off, and a server that signs with it.", "switch",
        _switch("Hashes\\SHA256", "Enabled", 0), _sha256,
    ),
)  # fmt: skip

_SWITCHES: tuple[tuple[str, dict[str, str]], ...] = (
    ("Ciphers\\AES 128/128", {"cipher": "AES 128/128"}),
    ("Ciphers\\AES 256/256", {"cipher": "AES 256/256"}),
    ("Hashes\\SHA", {"hash": "SHA"}),
    ("Hashes\\SHA384", {"hash": "SHA384"}),
    ("KeyExchangeAlgorithms\\Diffie-Hellman", {"key_exchange": "DHE"}),
    ("KeyExchangeAlgorithms\\ECDH", {"key_exchange": "ECDHE"}),
)
"""Switch → the algorithm of the suites that it is believed to take away."""


def say_hello(windows: Windows, program: str = "curl.exe") -> tuple[Heard | None, int | None, str | None]:
    """(hello, exit code, why there is none). A program of the endpoint connects to our listener."""
    listener = windows.listener
    if listener is None:
        return None, None, NO_LISTENER
    listener.forget()
    tool = rf"C:\Windows\System32\{program}"
    if program == "curl.exe":
        words = ["--silent", "--insecure", "--head", "--output", "NUL", "--noproxy", "*", "--max-time", "10"]
    else:
        words = ["-f", "-urlcache"]
    asked = windows.ask((command(tool, *words, listener.url),))
    code = windows.ask((command("Get-Variable", Name="LASTEXITCODE", ValueOnly=True),)).output
    number = next((value for value in code if isinstance(value, int)), None)
    heard = listener.first()
    windows.keep_hello(heard.plain() if heard is not None else None)
    if heard is not None:
        return heard, number, None
    told = asked.refusals[0].sentence() if asked.refusals else f"exit code {number}"
    return None, number, f"{NO_HELLO} ({told})."


@contextlib.contextmanager
def setting(windows: Windows, settings: t.Sequence[Setting]) -> t.Iterator[str | None]:
    """Values that stand so for as long as they are looked at; gives why not, or None. A restart brings them into force
    where the caller asks for one; what stood there before is back afterwards, and tells where it could not be."""
    undo: list[tuple[str, str, State, int]] = []
    try:
        try:
            for key, name, wanted in settings:
                registry = RemoteRegistry(windows.asker)
                before = registry.read(key, name)
                undo.append((key, name, before, registry.missing_keys(key)))
                registry.write(key, name, wanted)
        except ChangeError as error:
            yield str(error)
        else:
            yield None
    finally:
        left = [
            f"{key}\\{name}"
            for key, name, before, made in reversed(undo)
            if not _put_back(windows, key, name, before, made)
        ]
        windows.left_changed += left


def _put_back(windows: Windows, key: str, name: str, before: State, made: int) -> bool:
    registry = RemoteRegistry(windows.asker)
    try:
        registry.write(key, name, before)
        registry.remove_made_keys(key, made)
    except ChangeError:
        return False
    return True


class Hellos:
    """The experiments of one endpoint. The hello before is the same for all, and so is what tells whether a kind of
    setting counts at once."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._before: tuple[Heard | None, int | None, str | None] | None = None
        self._at_once: dict[Kind, bool | None] = {}

    def before(self) -> tuple[Heard | None, str | None]:
        if self._before is None:
            self._before = say_hello(self._windows)
        return self._before[0], self._before[2]

    def counts_at_once(self, kind: Kind) -> bool | None:
        """None where it could not be tried."""
        if kind not in self._at_once:
            self._at_once[kind] = self._try(kind)
        return self._at_once[kind]

    def _try(self, kind: Kind) -> bool | None:
        before, _why = self.before()
        if before is None or A not in before.suites or len(before.suites) < 2:
            return None
        settings = _CONTROLS[kind]
        with setting(self._windows, settings) as why_not:
            if why_not is not None:
                return None
            now, _code, _why = say_hello(self._windows)
        if now is None or now.suites == before.suites:
            return False
        gone = _gone(before, now)
        return (
            now.suites == (A,) if kind != "switch" else bool(gone) and gone <= _of(before.suites, cipher="AES 128/128")
        )

    def look(self, one: Experiment) -> Seen:
        before, why = self.before()
        if before is None:
            return None, why
        if one.kind == "policy" and self._windows.has_policy_list():
            return None, "A policy list is set already, so it was left alone."
        at_once = self.counts_at_once(one.kind)
        if at_once is None:
            return None, "A change whose effect is beyond doubt could not be tried."
        if not at_once and self._windows.restart is None:
            return None, RESTART
        variant, said = self._look(one, before, not at_once)
        if not at_once:
            self._windows.restart_now()  # so that the next one begins as this one did
        return variant, said

    def _look(self, one: Experiment, before: Heard, restart: bool) -> Seen:
        with setting(self._windows, one.settings) as why_not:
            if why_not is not None:
                return None, why_not
            if restart:
                self._windows.restart_now()
            now, code, why = say_hello(self._windows)
        return one.judge(before, now, code), (why if now is None else f"Offered: {', '.join(now.suites)}.")

    def policy_in_force(self) -> Seen:
        """When a changed policy list counts."""
        return self._when("policy")

    def local_in_force(self) -> Seen:
        """When a changed local list counts."""
        if self._windows.has_policy_list():
            return None, "A policy list is set, so the local list does not count."
        return self._when("local")

    def _when(self, kind: Kind) -> Seen:
        before, why = self.before()
        if before is None:
            return None, why
        at_once = self.counts_at_once(kind)
        if at_once is None:
            return None, "A list of one suite could not be tried."
        return ("at_once" if at_once else "after_reboot"), "By the Client Hello right after the change."

    def switches(self) -> Seen:
        """Which switch takes which suites away."""
        before, why = self.before()
        if before is None:
            return None, why
        if not self.counts_at_once("switch"):
            return None, STAYED
        told: list[str] = []
        for key, wanted in _SWITCHES:
            believed = _of(before.suites, tls13=False, **wanted)
            with setting(self._windows, _switch(key, "Enabled", 0)) as why_not:
                if why_not is not None:
                    return None, why_not
                now, _code, _why = say_hello(self._windows)
            gone = {name for name in _gone(before, now) if not algorithms(name).tls13}
            if gone != believed:
                told.append(f"{key} off takes away {', '.join(sorted(gone)) or 'nothing'}")
        return ("differs", "; ".join(told) + ".") if told else ("by_name", None)

    def asks_for_nothing(self) -> Seen:
        """Whether a program that asks for no version gets TLS 1.2 as this Windows stands."""
        heard, _code, why = say_hello(self._windows, "certutil.exe")
        if heard is None:
            return None, (why or "").replace("curl.exe", "certutil.exe")
        return ("gets_tls12" if TLS_1_2 in heard.versions else "does_not"), f"Versions: {list(heard.versions)}."


_CONTROLS: dict[Kind, tuple[Setting, ...]] = {
    "policy": _policy("REG_SZ", A),
    "local": ((LOCAL_KEY, SUITES_VALUE, _value("REG_MULTI_SZ", [A])),),
    "switch": _switch("Ciphers\\AES 128/128", "Enabled", 0),
}
