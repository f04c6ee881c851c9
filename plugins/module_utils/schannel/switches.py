# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Schannel's switches for the client role: protocols, ciphers, hashes, key exchanges and their key lengths.

Microsoft documents 0 and 0xFFFFFFFF for ``Enabled`` below Ciphers, Hashes and KeyExchangeAlgorithms (KB245030); a
missing value is *on*. Microsoft's own checker reads 1 as off, other tools as on: such a value leaves the answer open.
``DisabledByDefault`` other than 0 leaves a protocol to programs that ask for it by themselves.
That a switch hits the suites that carry its name follows from the names; for TLS 1.3 it is not verified.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers import reasons as r
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.kleene import NO, UNKNOWN, YES, all_of
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.reasons import HOLDS, Factor, Findings
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import (
    Answer,
    Evidence,
    Reason,
    ReasonCode,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import ABSENT, OK, SCHANNEL_KEYS
from ansible_collections.fleetops.tetra.plugins.module_utils.observations.worlds import ALL, Worlds
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import open_questions as q
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import (
    TLS_1_2,
    TLS_1_3,
    SuiteAlgorithms,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import Release

_ALGORITHM_KEYS = tuple(name for name in SCHANNEL_KEYS if not name.startswith("Protocols"))
_KNOWN_CIPHERS = frozenset(name.split("\\")[1] for name in _ALGORITHM_KEYS if name.startswith("Ciphers"))
_KNOWN_HASHES = frozenset(name.split("\\")[1] for name in _ALGORITHM_KEYS if name.startswith("Hashes"))
_DIFFIE_HELLMAN, _PKCS = "KeyExchangeAlgorithms\\Diffie-Hellman", "KeyExchangeAlgorithms\\PKCS"
_TLS13_CLIENT = "Protocols\\TLS 1.3\\Client"
_ALL_ONES = 0xFFFFFFFF
_WINHTTP_TLS_1_2 = 0x800
_WINHTTP_WITHOUT_TLS_1_2 = frozenset({"7_2008r2", "8_2012"})
"""Releases whose WinHTTP leaves TLS 1.2 out unless DefaultSecureProtocols names it (KB3140245)."""
_DEFAULT_DH_MINIMUM = 1024
_USUAL_KEY_LENGTH = 2048

NOTE_CALLER = "TLS 1.2 is left to programs that ask for it by themselves; whether the Tetra updater does is not known."
NOTE_SWITCH_VALUE = "A Schannel switch holds a value that is not documented; tools read it in both ways."
NOTE_TLS13_SWITCH = "Whether the switches for ciphers, hashes and ECDH bind TLS 1.3 is not verified."
NOTE_PKCS = "PKCS is off; whether ECDHE_RSA and DHE_RSA suites go on working then is not verified."
NOTE_SIGNATURE = "Without SHA256 the client may no longer accept the server's signatures; that depends on the server."
NOTE_KEY_LENGTH = "The size of the server's Diffie-Hellman group is not known."
NOTE_WINHTTP = "Whether the Tetra updater takes WinHTTP's defaults, and so DefaultSecureProtocols, is not known."
NOTE_WINHTTP_ABSENT = "Without this value WinHTTP leaves TLS 1.2 out on this release (KB3140245)."
NOTE_WIN8 = (
    "Microsoft's table enables TLS 1.2 for clients on this release, while Microsoft's own checker asks for an explicit "
    "DisabledByDefault = 0."
)


class Switches:
    """The switches of one endpoint. Each is looked at once; findings are told only through ``findings``."""

    def __init__(
        self,
        schannel: t.Mapping[str, t.Any],
        release: Release | None,
        findings: Findings,
        minimum: Factor = HOLDS,
        answers: q.Answers = q.NONE,
        worlds: Worlds = ALL,
    ) -> None:
        self._takes_defaults = answers.of(q.UPDATER_WINHTTP)
        self._usable = schannel["status"] in (OK, ABSENT)
        self._keys = schannel["keys"]
        self._section = schannel
        self._release = release
        self._findings = findings
        self._worlds = worlds
        self.minimum = minimum
        """Whether an MDM policy leaves TLS 1.2 to clients."""
        self._factors: dict[str, Factor] = {}
        self.untouched = self._usable and all(
            self._keys[name]["status"] in (OK, ABSENT) and not self._keys[name]["values"] for name in _ALGORITHM_KEYS
        )
        """No value at all below Ciphers, Hashes and KeyExchangeAlgorithms."""
        self._protocols: dict[int, Factor] = {}
        self.caller_decides = False
        """TLS 1.2 depends on what the program asks for; a handshake by another program proves nothing about it."""

    def tell_to(self, findings: Findings) -> None:
        """From now on findings go there."""
        self._findings = findings

    # Protocols -----------------------------------------------------------------------------------------------------

    def protocol(self, version: int) -> Factor:
        """TLS 1.2 (771) or TLS 1.3 (772) for clients."""
        found = self._protocols.get(version)
        if found is None:
            found = self._protocols[version] = self._tls12() if version == TLS_1_2 else self._tls13()
        return found

    def _tls12(self) -> Factor:
        state, factor = self._protocol_key("Protocols\\TLS 1.2\\Client", TLS_1_2)
        if state == "off":
            self._findings.add("TETRA-PROTOCOL-OFF", factor.reasons[0]["evidence"])
        if factor.answer == NO:
            return factor
        winhttp, minimum = self._winhttp(), self.minimum
        if minimum.answer != YES:
            self.caller_decides = True  # a handshake of another program may have been one of TLS 1.3
        if winhttp.answer == YES == minimum.answer:
            return factor
        answer = all_of((factor.answer, winhttp.answer, minimum.answer))
        return Factor(answer, factor.reasons + winhttp.reasons + minimum.reasons)

    def _tls13(self) -> Factor:
        if self._release is not None and self._release.tls13_client == "unsupported":
            self._tell_forced_tls13()
            proof = r.evidence("release_table", self._release.title(), None, "This release has no TLS 1.3.")
            return Factor(NO, (r.reason(r.UNSUPPORTED_BY_RELEASE, proof),))
        return self._protocol_key(_TLS13_CLIENT, TLS_1_3)[1]

    def _tell_forced_tls13(self) -> None:
        key = self._keys[_TLS13_CLIENT]
        state, value = _switch(key, "enabled")
        if self._readable(key) and state == "on":
            self._findings.add("TETRA-TLS13-FORCED", r.evidence("registry", f"{key['path']}\\Enabled", value))

    def _protocol_key(self, name: str, version: int) -> tuple[str, Factor]:
        key = self._keys[name]
        path = key["path"]
        if not self._readable(key):
            return "unread", Factor(UNKNOWN, (self._unread(key),))
        enabled_state, enabled = _switch(key, "enabled")
        default_state, default = _switch(key, "disabledbydefault")
        if enabled_state == "off":
            proof = r.evidence("registry", f"{path}\\Enabled", 0, "Switched off.")
            return "off", Factor(NO, (r.reason(r.PROTOCOL_DISABLED, proof, key=name),))
        if "wrong" in (enabled_state, default_state):
            value_name, value = ("Enabled", enabled) if enabled_state == "wrong" else ("DisabledByDefault", default)
            proof = r.evidence("registry", f"{path}\\{value_name}", value, "Not a REG_DWORD.")
            self._findings.add("TETRA-SWITCH-VALUE", proof)
            self._findings.note(NOTE_SWITCH_VALUE)
            return "open", Factor(UNKNOWN, (r.reason(r.PROTOCOL_DISABLED, proof, key=name),))
        if default_state == "on":
            proof = r.evidence("registry", f"{path}\\DisabledByDefault", default, NOTE_CALLER)
            return "caller", self._left_to_the_caller(proof, version, name)
        if default_state == "off":
            return "on", HOLDS
        return self._release_default(version, path, name)

    def _release_default(self, version: int, path: str, name: str) -> tuple[str, Factor]:
        if self._release is None:
            proof = r.evidence("facts", "os", None, "The default of an unknown release is unknown.")
            return "open", Factor(UNKNOWN, (r.reason(r.NOT_READ, proof),))
        default = self._release.tls12_client if version == TLS_1_2 else self._release.tls13_client
        if default == "disabled_by_default":
            proof = r.evidence("registry", f"{path}\\DisabledByDefault", None, NOTE_CALLER)
            return "caller", self._left_to_the_caller(proof, version, name)
        if version == TLS_1_2 and self._release.key == "8_2012":
            self._findings.note(NOTE_WIN8)
        return "on", HOLDS

    def _left_to_the_caller(self, proof: Evidence, version: int, name: str) -> Factor:
        if version == TLS_1_2:
            if self._takes_defaults == NO:
                return HOLDS  # it asks for its protocols by itself
            if not self._worlds.counts("disabled_by_default_client", "off"):
                return HOLDS
            if not self._worlds.counts("disabled_by_default_client", "on"):
                self._findings.add("TETRA-PROTOCOL-DEFAULT", proof)
                return Factor(NO, (r.reason(r.PROTOCOL_DISABLED, proof, key=name),))
            self.caller_decides = True
            self._findings.ask(q.UPDATER_WINHTTP)
            self._findings.add("TETRA-PROTOCOL-DEFAULT", proof)
            self._findings.note(NOTE_CALLER)
        return Factor(UNKNOWN, (r.reason(r.PROTOCOL_DISABLED, proof, key=name),))

    def _winhttp(self) -> Factor:
        value = self._section["winhttp_default_secure_protocols"]
        absent = value["status"] == ABSENT
        if absent and (self._release is None or self._release.key not in _WINHTTP_WITHOUT_TLS_1_2):
            return HOLDS
        if value["status"] == OK and value["type"] == "REG_DWORD" and value["data"] & _WINHTTP_TLS_1_2:
            return HOLDS
        proof = r.registry_evidence(value, NOTE_WINHTTP_ABSENT if absent else None)
        if self._takes_defaults == NO or not self._worlds.counts("winhttp_defaults", "taken"):
            return HOLDS
        if not absent and value["status"] != OK:
            return Factor(UNKNOWN, (r.reason(r.NOT_READ, proof),))
        if not self._worlds.counts("winhttp_defaults", "not_taken"):
            self._findings.add("TETRA-WINHTTP-PROTOCOLS", proof)
            return Factor(NO, (r.reason(r.PROTOCOL_DISABLED, proof),))
        self.caller_decides = True
        self._findings.ask(q.UPDATER_WINHTTP)
        self._findings.add("TETRA-WINHTTP-PROTOCOLS", proof)
        self._findings.note(NOTE_WINHTTP)
        return Factor(NO if self._takes_defaults == YES else UNKNOWN, (r.reason(r.PROTOCOL_DISABLED, proof),))

    # Algorithms ----------------------------------------------------------------------------------------------------

    def suite(self, suite: SuiteAlgorithms) -> tuple[Factor, ...]:
        """The conditions of an accepted suite apart from protocol and curve. Tells findings."""
        if self.untouched and suite.cipher in _KNOWN_CIPHERS and suite.hash in _KNOWN_HASHES:
            return ()
        if suite.tls13:
            return (
                self._tls13_softened(f"Ciphers\\{suite.cipher}", r.CIPHER_DISABLED),
                self._tls13_softened(f"Hashes\\{suite.hash}", r.HASH_DISABLED),
                self._tls13_softened("KeyExchangeAlgorithms\\ECDH", r.KEY_EXCHANGE_DISABLED),
                self._signatures(suite),
            )
        conditions = [
            self.switch(f"Ciphers\\{suite.cipher}", r.CIPHER_DISABLED, "TETRA-CIPHER-OFF"),
            self.switch(f"Hashes\\{suite.hash}", r.HASH_DISABLED, "TETRA-HASH-OFF"),
            self._signatures(suite),
        ]
        conditions += self._key_exchange(suite)
        return tuple(conditions)

    def quiet(self, suite: SuiteAlgorithms) -> Answer:
        """The same for any other suite: the answer alone, no findings."""
        if self.untouched and suite.cipher in _KNOWN_CIPHERS and suite.hash in _KNOWN_HASHES:
            return YES
        silent = Findings()
        told, self._findings = self._findings, silent
        try:
            return all_of(factor.answer for factor in self.suite(suite))
        finally:
            self._findings = told

    def switch(self, name: str, code: ReasonCode, rule: str) -> Factor:
        """One ``Enabled`` switch, by its key below SCHANNEL."""
        found = self._factors.get(name)
        if found is None:
            found = self._factors[name] = self._look(name, code)
        if found.reasons and rule:
            self._tell(found, code, rule)
        return found

    def _tell(self, found: Factor, code: ReasonCode, rule: str) -> None:
        first = found.reasons[0]
        if first["code"] == r.NOT_READ:
            return
        self._findings.add(rule if found.answer == NO else "TETRA-SWITCH-VALUE", first["evidence"])
        if found.answer == UNKNOWN:
            self._findings.note(NOTE_SWITCH_VALUE)

    def _look(self, name: str, code: ReasonCode) -> Factor:
        key = self._keys.get(name)
        if key is None:
            proof = r.evidence("registry", name, None, "This switch is not among the facts.")
            return Factor(UNKNOWN, (r.reason(r.NOT_READ, proof),))
        if not self._readable(key):
            return Factor(UNKNOWN, (self._unread(key),))
        if not key["values"]:
            return HOLDS
        state, value = _switch(key, "enabled")
        if state == "missing" or value == _ALL_ONES:
            return HOLDS
        path = f"{key['path']}\\Enabled"
        if state == "off":
            return Factor(NO, (r.reason(code, r.evidence("registry", path, 0, "Switched off."), key=name),))
        if state == "on" and value == 1 and not self._worlds.counts("enabled_one_for_algorithms", "disabled"):
            return HOLDS
        proof = r.evidence("registry", path, value, "Only 0 and 0xFFFFFFFF as REG_DWORD are documented.")
        if state == "on" and value == 1 and not self._worlds.counts("enabled_one_for_algorithms", "enabled"):
            return Factor(NO, (r.reason(code, proof, key=name),))
        return Factor(UNKNOWN, (r.reason(code, proof, key=name),))

    def _tls13_softened(self, name: str, code: ReasonCode) -> Factor:
        found = self.switch(name, code, "")
        if found.answer != NO:
            return found
        binds = "tls13_needs_ecdh" if name.endswith("ECDH") else "hash_switch_for_tls13"
        if not self._worlds.counts(binds, "yes"):
            return HOLDS
        if not self._worlds.counts(binds, "no"):
            return found
        self._findings.note(NOTE_TLS13_SWITCH)
        return Factor(UNKNOWN, found.reasons)

    def _signatures(self, suite: SuiteAlgorithms) -> Factor:
        """Certificates and key exchange are signed with SHA256 almost everywhere."""
        if suite.hash == "SHA256" or suite.authentication == "PSK":
            return HOLDS  # the suite's own hash already says it
        found = self.switch("Hashes\\SHA256", r.HASH_DISABLED, "")
        if found.answer == YES:
            return HOLDS
        if found.answer == NO:
            if not self._worlds.counts("hash_off_and_signatures", "refused"):
                return HOLDS
            # Where they are seen to be refused, the answer still depends on what the server signs with.
            self._worlds.counts("hash_off_and_signatures", "accepted")
            self._findings.add("TETRA-HASH-OFF", found.reasons[0]["evidence"])
        self._findings.note(NOTE_SIGNATURE)
        return Factor(UNKNOWN, found.reasons)

    def _key_exchange(self, suite: SuiteAlgorithms) -> list[Factor]:
        conditions: list[Factor] = []
        if suite.key_exchange == "ECDHE":
            conditions.append(
                self.switch("KeyExchangeAlgorithms\\ECDH", r.KEY_EXCHANGE_DISABLED, "TETRA-KEY-EXCHANGE-OFF")
            )
        elif suite.key_exchange == "DHE":
            conditions.append(self.switch(_DIFFIE_HELLMAN, r.KEY_EXCHANGE_DISABLED, "TETRA-KEY-EXCHANGE-OFF"))
        if suite.key_exchange == "RSA":
            conditions.append(self.switch(_PKCS, r.KEY_EXCHANGE_DISABLED, "TETRA-PKCS-OFF"))
        elif suite.authentication == "RSA":
            conditions.append(self._pkcs_beside(_PKCS))
        return [*conditions, *self.lengths(suite)]

    def lengths(self, suite: SuiteAlgorithms) -> list[Factor]:
        """The limits on key lengths that bind what the server answers; they take no suite out of the Client Hello."""
        limits: list[Factor] = []
        if suite.key_exchange == "DHE":
            limits.append(self._key_length(_DIFFIE_HELLMAN, "TETRA-DH-KEY-LENGTH"))
        if suite.key_exchange != "RSA" and suite.authentication == "RSA":
            limits.append(self._key_length(_PKCS, "TETRA-RSA-KEY-LENGTH"))
        return limits

    def _pkcs_beside(self, name: str) -> Factor:
        found = self.switch(name, r.KEY_EXCHANGE_DISABLED, "")
        if found.answer != NO:
            return found
        if not self._worlds.counts("pkcs_off_kills_ecdhe_rsa", "yes"):
            return HOLDS
        self._findings.add("TETRA-PKCS-OFF", found.reasons[0]["evidence"])
        if not self._worlds.counts("pkcs_off_kills_ecdhe_rsa", "no"):
            return found
        self._findings.note(NOTE_PKCS)
        return Factor(UNKNOWN, found.reasons)

    def _key_length(self, name: str, rule: str) -> Factor:
        key = self._keys[name]
        if not self._readable(key):
            return Factor(UNKNOWN, (self._unread(key),))
        if not key["values"]:
            return HOLDS
        lowest, low_path = _number(key, "clientminkeybitlength")
        highest, high_path = _number(key, "clientmaxkeybitlength")
        if lowest is None and highest is None:
            return HOLDS
        for value, path in ((lowest, low_path), (highest, high_path)):
            if value is not None and not isinstance(value, int):
                return self._length_reason(UNKNOWN, path, value, rule, "Not a REG_DWORD.")
        minimum = lowest if lowest is not None else _DEFAULT_DH_MINIMUM
        if highest is not None and 0 < highest < minimum:
            answer: Answer = NO if rule == "TETRA-DH-KEY-LENGTH" else UNKNOWN
            return self._length_reason(answer, high_path, highest, rule, f"Below the smallest allowed size, {minimum}.")
        if highest is not None and highest < _USUAL_KEY_LENGTH:
            return self._length_reason(UNKNOWN, high_path, highest, rule, "Most servers use 2048 bits or more.")
        if minimum > _USUAL_KEY_LENGTH:
            return self._length_reason(UNKNOWN, low_path, lowest, rule, "Many servers use 2048 bits.")
        return HOLDS

    def _length_reason(self, answer: Answer, path: str, value: t.Any, rule: str, note: str) -> Factor:
        proof = r.evidence("registry", path, value, note)
        self._findings.add(rule, proof)
        if answer == UNKNOWN:
            self._findings.note(NOTE_KEY_LENGTH)
        return Factor(
            answer,
            (
                r.reason(
                    r.KEY_LENGTH_OUT_OF_RANGE, proof, key=_DIFFIE_HELLMAN if rule == "TETRA-DH-KEY-LENGTH" else _PKCS
                ),
            ),
        )

    def _readable(self, key: t.Mapping[str, t.Any]) -> bool:
        return self._usable and key["status"] in (OK, ABSENT)

    def _unread(self, key: t.Mapping[str, t.Any]) -> Reason:
        why = key.get("reason") if self._usable else self._section.get("reason")
        proof = r.evidence("registry", key["path"], None, why)
        if self._usable:
            self._findings.add("TETRA-SWITCH-UNREAD", proof)
        return r.reason(r.NOT_READ, proof)


def _switch(key: t.Mapping[str, t.Any], wanted: str) -> tuple[str, t.Any]:
    """``missing``, ``off`` (0), ``on`` (another REG_DWORD) or ``wrong`` (another type), and the data."""
    if key["status"] == ABSENT:
        return "missing", None
    for name, value in key["values"].items():
        if name.lower() == wanted:
            data = value.get("data")
            if value.get("type") != "REG_DWORD":
                return "wrong", data
            return ("off" if data == 0 else "on"), data
    return "missing", None


def _number(key: t.Mapping[str, t.Any], wanted: str) -> tuple[t.Any, str]:
    """A REG_DWORD of the key (its data as text where it has another type), and its full path."""
    if key["status"] != ABSENT:
        for name, value in key["values"].items():
            if name.lower() == wanted:
                data = value.get("data")
                return (data if value.get("type") == "REG_DWORD" else str(data)), f"{key['path']}\\{name}"
    return None, f"{key['path']}\\{wanted}"
