# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of findings against the code, both ways, and against its page."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.answers import rules
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate, unknown_verdict
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts as e

ROOT = Path(__file__).resolve().parents[4]
TLS12 = "Protocols\\TLS 1.2\\Client"
Facts = dict[str, t.Any]


def changed(facts: Facts, *path: str, value: t.Any) -> Facts:
    inner: t.Any = facts
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return facts


def session(**values: t.Any) -> Facts:
    facts = e.endpoint()
    facts["psrp"].update(status=f.OK, reason=None, configuration_name="Other", **values)
    return facts


def curves_value(data: t.Any, type_: str) -> Facts:
    value = f.registry_value(f.POLICY_KEY, f.CURVES_VALUE, type=type_, data=data)
    return changed(e.endpoint(), "curves", "policy", value=value)


def local_absent() -> Facts:
    facts = e.unread(e.endpoint(), "cipher_suites", f.UNSUPPORTED)
    facts["local_order"] = f.registry_value(f.LOCAL_KEY, f.SUITES_VALUE, f.ABSENT, "It does not exist.")
    return facts


def winhttp(data: int) -> Facts:
    value = f.registry_value(f.WINHTTP_KEY, f.WINHTTP_VALUE, type="REG_DWORD", data=data)
    return changed(e.endpoint(), "schannel", "winhttp_default_secure_protocols", value=value)


def minimum_tls(data: str) -> Facts:
    value = f.registry_value(f.MDM_KEY, f.MINIMUM_TLS_VALUE, type="REG_SZ", data=data)
    return changed(e.endpoint("11_24h2_2025"), "policy_origin", "mdm", "values", value=[value])


def other_id() -> Facts:
    facts = e.endpoint(policy=e.ECDHE_128)
    facts["cipher_suites"]["suites"][0]["id"] = 5
    return facts


def key_exchange(key: str, name: str, data: int) -> Facts:
    return e.set_switch(e.endpoint(), f"KeyExchangeAlgorithms\\{key}", name, data)


GOOD = f"{e.ECDHE_256},{e.CBC}"
STATES: dict[str, t.Callable[[], Facts]] = {
    "TETRA-NO-SUITE": lambda: e.endpoint(policy=e.CBC),
    "TETRA-SUITES-UNKNOWN": lambda: e.set_policy(e.endpoint(), [e.CBC], "REG_MULTI_SZ"),
    "TETRA-NOT-ALL-SUITES": lambda: e.endpoint(policy=e.ECDHE_128),
    "TETRA-TLS13-ONLY": lambda: e.endpoint("11_23h2", policy=e.TLS13_128),
    "TETRA-TLS13-DEAD-END": lambda: e.endpoint("11_23h2", policy=f"TLS_AES_256_GCM_SHA384,{e.ECDHE_128}"),
    "TETRA-ONE-SUITE": lambda: e.endpoint("8.1_2012r2"),
    "TETRA-STRICT": e.endpoint,
    "TETRA-POLICY-LIST": lambda: e.endpoint(policy=GOOD),
    "TETRA-POLICY-TYPE": lambda: e.set_policy(e.endpoint(), GOOD, "REG_EXPAND_SZ"),
    "TETRA-POLICY-EMPTY": lambda: e.set_policy(e.endpoint(), ""),
    "TETRA-POLICY-LENGTH": lambda: e.endpoint(policy=",".join([GOOD, *(f"TLS_FILLER_{n:03d}" for n in range(80))])),
    "TETRA-LIST-SPELLING": lambda: e.set_policy(e.endpoint(), f"{e.CBC}; {e.ECDHE_128}"),
    "TETRA-LIST-EMPTY-ITEM": lambda: e.set_policy(e.endpoint(), f"{GOOD},"),
    "TETRA-LIST-DUPLICATE": lambda: e.endpoint(policy=f"{GOOD},{e.CBC}"),
    "TETRA-LIST-UNKNOWN-NAME": lambda: e.endpoint(policy=f"{GOOD},TLS_MADE_UP"),
    "TETRA-LIST-SUFFIX": lambda: e.endpoint(policy=f"{e.ECDHE_128}_P256"),
    "TETRA-LIST-UNSUPPORTED": lambda: e.endpoint("8.1_2012r2", policy=GOOD),
    "TETRA-LOCAL-LIST": local_absent,
    "TETRA-UPDATE-DEPENDENT": lambda: e.set_policy(e.set_local(e.endpoint("8.1_2012r2"), [e.CBC]), e.DHE_128),
    "TETRA-NO-TLS13-SUITE": lambda: e.endpoint("2022", policy=GOOD),
    "TETRA-TLS13-CLAIM": lambda: e.endpoint("10_22h2"),
    "TETRA-SOURCES-DIFFER": lambda: e.set_policy(e.endpoint(policy=e.CBC), GOOD),
    "TETRA-ID-DIFFERS": other_id,
    "TETRA-PROTOCOL-OFF": lambda: e.set_switch(e.endpoint(), TLS12, "Enabled", 0),
    "TETRA-PROTOCOL-DEFAULT": lambda: e.endpoint("7_2008r2"),
    "TETRA-MDM-MINIMUM-TLS": lambda: minimum_tls("1.3"),
    "TETRA-WINHTTP-PROTOCOLS": lambda: winhttp(0xA0),
    "TETRA-CIPHER-OFF": lambda: e.set_switch(e.endpoint(), "Ciphers\\AES 128/128", "Enabled", 0),
    "TETRA-HASH-OFF": lambda: e.set_switch(e.endpoint(), "Hashes\\SHA384", "Enabled", 0),
    "TETRA-KEY-EXCHANGE-OFF": lambda: key_exchange("ECDH", "Enabled", 0),
    "TETRA-PKCS-OFF": lambda: key_exchange("PKCS", "Enabled", 0),
    "TETRA-SWITCH-VALUE": lambda: key_exchange("ECDH", "Enabled", 1),
    "TETRA-DH-KEY-LENGTH": lambda: key_exchange("Diffie-Hellman", "ClientMaxKeyBitLength", 1024),
    "TETRA-RSA-KEY-LENGTH": lambda: key_exchange("PKCS", "ClientMinKeyBitLength", 4096),
    "TETRA-CURVES": lambda: e.set_curves(e.endpoint(), ["curve25519"]),
    "TETRA-CURVES-VALUE": lambda: curves_value("NistP256", "REG_SZ"),
    "TETRA-CURVES-DIFFER": lambda: e.set_curves(e.endpoint(), ["NistP384"], shown=False),
    "TETRA-FIPS": lambda: e.set_fips(e.endpoint()),
    "TETRA-REBOOT": lambda: e.set_local_gpo(e.endpoint(policy=GOOD), GOOD, e.AFTER_BOOT),
    "TETRA-REBOOT-PENDING": lambda: changed(e.endpoint(), "reboot", "pending", "windows_update", value=True),
    "TETRA-PROBE-OK": lambda: e.set_probe(e.endpoint(), "tls_ok"),
    "TETRA-PROBE-FAILED": lambda: e.set_probe(e.endpoint(), "tls_failed"),
    "TETRA-PROBE-NETWORK": lambda: e.set_probe(e.endpoint(), "dns"),
    "TETRA-PROBE-CONTRADICTS": lambda: e.set_probe(e.endpoint(policy=e.CBC), "tls_ok"),
    "TETRA-PROBE-HOST": lambda: e.set_probe(e.endpoint(), "tls_ok", host="www.example.com"),
    "TETRA-CONNECTOR-ABSENT": lambda: e.unread(e.endpoint(), "connector", f.ABSENT),
    "TETRA-CONNECTOR-STOPPED": lambda: changed(e.endpoint(), "connector", "service", "state", value="Stopped"),
    "TETRA-CONNECTOR-UNKNOWN": lambda: e.unread(e.endpoint(), "connector", f.DENIED),
    "TETRA-OFF": lambda: changed(e.endpoint(), "connector", "tetra", "enabled", value=False),
    "TETRA-OWN-SERVER": lambda: changed(e.endpoint(), "connector", "tetra", "update_server", value="http://t.corp"),
    "TETRA-UPDATE-FAILED": lambda: e.set_last_update(e.endpoint(), "failed", -2108),
    "TETRA-RELEASE-UNKNOWN": lambda: e.unread(e.endpoint(), "os", f.ERROR),
    "TETRA-RELEASE-NEAREST": lambda: changed(e.endpoint(), "os", "build", value=19050),
    "TETRA-SESSION": lambda: session(process_bits=32, edition="Desktop"),
    "TETRA-READ-FAILED": lambda: e.unread(e.endpoint(), "fips", f.DENIED),
    "TETRA-POLICY-OUT-OF-STEP": lambda: e.set_domain_gpo(e.endpoint(policy=GOOD), e.CBC),
}
OPTIONS = {"TETRA-NOT-ALL-SUITES": {"require": "all"}}


@pytest.mark.parametrize("rule", STATES)
def test_every_rule_is_told_by_a_state(rule: str) -> None:
    told = {item["rule"]: item for item in evaluate(STATES[rule](), OPTIONS.get(rule))["findings"]}
    assert rule in told
    assert told[rule]["severity"] == rules.RULES[rule].severity
    source, _colon, _text = rules.RULES[rule].evidence.partition(": ")
    assert told[rule]["evidence"]["source"] in re.findall(r"`(\w+)`", source)


def test_the_catalogue_holds_no_rule_that_nothing_tells() -> None:
    spoken = (ROOT / "plugins" / "module_utils").rglob("*.py")
    code = "".join(path.read_text(encoding="utf-8") for path in spoken if path.name != "rules.py")
    silent = set(rules.RULES) - set(STATES) - {"TETRA-NOT-AUDITED"}
    assert all(f'"{rule}"' in code for rule in silent), silent
    assert set(STATES) <= set(rules.RULES)


def test_every_rule_that_the_code_names_is_in_the_catalogue() -> None:
    for folder in ("module_utils", "plugin_utils", "action", "modules", "filter"):
        for path in (ROOT / "plugins" / folder).rglob("*.py"):
            named = set(re.findall(r'"(TETRA-[A-Z0-9-]*[A-Z0-9])"', path.read_text(encoding="utf-8")))
            assert named <= set(rules.RULES), path


def test_an_endpoint_that_could_not_be_asked() -> None:
    (told,) = unknown_verdict("host", "unreachable", "Connection refused.")["findings"]
    assert (told["rule"], told["evidence"]["note"]) == ("TETRA-NOT-AUDITED", "Connection refused.")


def test_every_rule_is_complete() -> None:
    for rule in rules.RULES.values():
        assert re.fullmatch(r"TETRA-[A-Z0-9-]+", rule.id)
        assert rule.severity in rules.SEVERITIES
        assert all((rule.title, rule.meaning, rule.fix, rule.source))
        assert re.fullmatch(r"`\w+`(?: or `\w+`)*: .+[^.]\.", rule.evidence)
        assert not rule.title.endswith(".")
        assert rule.meaning.endswith(".") and rule.fix.endswith(".")


def test_the_page_is_the_catalogue() -> None:
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == rules.render_markdown()
