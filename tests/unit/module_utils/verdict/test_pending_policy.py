# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An image whose local policy is not applied yet is judged by the worse of registry and policy."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import local_gpo, registry_pol
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import windows_releases
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts as e

WEAK = "TLS_RSA_WITH_AES_128_CBC_SHA256,TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"
STRONG = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
RULE = "TETRA-POLICY-OUT-OF-STEP"


def image(registry: str | None = None, pol: registry_pol.RegistryPol | None = None, source: str = "image") -> f.Facts:
    """Facts of a Windows 10 whose policy list is ``registry`` and whose Registry.pol is ``pol``."""
    match = windows_releases.release_for(19045, "client")
    assert match is not None
    facts = f.empty_facts("golden", source, "2026-11-24T04:00:00Z")
    facts["os"].update(status="ok", reason=None, build=19045, kind="client")
    local = list(match.release.local_list)
    facts["local_order"] = f.registry_value(f.LOCAL_KEY, "Functions", type="REG_MULTI_SZ", data=local)
    if registry is None:
        facts["policy_order"] = f.registry_value(f.POLICY_KEY, "Functions", f.ABSENT, "None.")
    else:
        facts["policy_order"] = f.registry_value(f.POLICY_KEY, "Functions", type="REG_SZ", data=registry)
    facts["schannel"] = f.empty_section("schannel", f.ABSENT, "None.")
    facts["schannel"].update(status="ok", reason=None)
    facts["signature_algorithms"] = f.empty_section("signature_algorithms", f.ABSENT, "None.")
    facts["curves"] = f.empty_section("curves", f.ABSENT, "None.")
    facts["curves"].update(status="ok", reason=None)
    facts["fips"] = f.section("ok", enabled=False, value=f.registry_value(f.FIPS_KEY, "Enabled", f.ABSENT, "None."))
    facts["policy_origin"].update(status="ok", reason=None)
    facts["policy_origin"]["lgpo_processing_disabled"] = f.registry_value(f.LGPO_KEY, f.LGPO_VALUE, f.ABSENT, "None.")
    facts["policy_origin"]["local_gpo"] = (
        local_gpo.unread_local_gpo(f.ABSENT, "None.") if pol is None else local_gpo.local_gpo_section(pol.serialise())
    )
    facts["connector"] = f.empty_section("connector", f.ABSENT, "None.")
    return facts


def setting(text: str) -> registry_pol.RegistryPol:
    """A Registry.pol that sets the list."""
    empty = registry_pol.RegistryPol()
    return registry_pol.replace(empty, local_gpo.SSL_KEY, "Functions", registry_pol.REG_SZ, registry_pol.sz(text))


def rules(verdict: dict[str, t.Any]) -> list[str]:
    """The rules of its findings."""
    return [row["rule"] for row in verdict["findings"]]


def test_a_weak_policy_that_waits_makes_a_good_image_fail() -> None:
    assert evaluate(image())["state"] == "compliant"
    verdict = evaluate(image(None, setting(WEAK)))
    assert verdict["state"] == "non_compliant"
    assert verdict["reachability"]["answer"] == "no"
    assert verdict["policy_origin"]["origin"] == "local_gpo"
    assert verdict["policy_origin"]["matches_registry"] is False
    assert RULE in rules(verdict)
    assert len(rules(verdict)) == len(set(rules(verdict)))
    assert any("Registry.pol" in note for note in verdict["notes"])


def test_a_good_policy_that_waits_does_not_make_a_weak_image_pass() -> None:
    verdict = evaluate(image(WEAK, setting(STRONG)))
    assert verdict["state"] == "non_compliant"
    assert RULE in rules(verdict) or verdict["policy_origin"]["origin"] == "unknown"


def test_a_policy_that_removes_the_list_is_judged_by_the_local_list() -> None:
    disabled = registry_pol.disable(registry_pol.RegistryPol(), local_gpo.SSL_KEY, "Functions")
    assert evaluate(image(STRONG, disabled))["state"] == "compliant"
    assert evaluate(image(None, disabled))["state"] == "compliant"


def test_a_list_of_curves_that_waits_counts_as_well() -> None:
    def curves(*names: str) -> registry_pol.RegistryPol:
        data = registry_pol.multi_sz(names)
        return registry_pol.replace(
            registry_pol.RegistryPol(), local_gpo.SSL_KEY, "EccCurves", registry_pol.REG_MULTI_SZ, data
        )

    good = f"{STRONG},{WEAK}"
    assert evaluate(image(good))["state"] == "compliant"
    assert evaluate(image(good, curves("NistP256")))["state"] == "compliant"
    assert evaluate(image(good, curves("brainpoolP256r1")))["state"] != "compliant"
    applied = image(good, curves("NistP256"))
    applied["curves"]["policy"] = f.registry_value(
        f.POLICY_KEY, "EccCurves", type="REG_MULTI_SZ", data=["brainpoolP256r1"]
    )
    assert evaluate(applied)["state"] != "compliant"


def test_the_cmdlets_of_a_build_machine_say_nothing_about_a_policy_that_waits() -> None:
    facts = e.endpoint()
    facts["source"] = "image"
    facts["policy_origin"]["local_gpo"] = local_gpo.local_gpo_section(setting(WEAK).serialise())
    assert evaluate(facts)["state"] == "non_compliant"
    facts["policy_origin"]["local_gpo"] = local_gpo.local_gpo_section(setting(STRONG).serialise())
    assert evaluate(facts)["state"] == "compliant"


def test_an_applied_policy_changes_nothing() -> None:
    facts = image(STRONG, setting(STRONG))
    assert evaluate(facts)["state"] == "compliant"
    assert not any("worse of the two" in note for note in evaluate(facts)["notes"])


def test_a_live_endpoint_is_judged_by_its_registry() -> None:
    facts = image(None, setting(WEAK), source="live")
    facts["cipher_suites"]["status"] = f.ABSENT  # nobody has asked a cmdlet yet
    facts["reboot"].update(status=f.OK, last_boot="2026-11-20T06:00:00Z")
    assert evaluate(facts)["reachability"]["answer"] == "yes"


def test_local_policy_that_is_switched_off_does_not_count() -> None:
    facts = image(None, setting(WEAK))
    off = f.registry_value(f.LGPO_KEY, f.LGPO_VALUE, type="REG_DWORD", data=1)
    facts["policy_origin"]["lgpo_processing_disabled"] = off
    assert evaluate(facts)["state"] == "compliant"


@pytest.mark.parametrize("status", ["error", "not_read", "denied"])
def test_a_local_policy_that_could_not_be_read_never_passes(status: str) -> None:
    facts = image()
    facts["policy_origin"]["local_gpo"] = local_gpo.unread_local_gpo(status, "It could not be read.")
    verdict = evaluate(facts)
    assert (verdict["state"], verdict["reachability"]["answer"]) == ("unknown", "unknown")
    assert "Registry.pol" in verdict["next_step"]
    weak = copy.deepcopy(facts)
    weak["policy_order"] = f.registry_value(f.POLICY_KEY, "Functions", type="REG_SZ", data=WEAK)
    assert evaluate(weak)["state"] == "non_compliant"


def dword(number: int) -> bytes:
    return number.to_bytes(4, "little")


SCHANNEL = f.SCHANNEL_KEY.removeprefix("HKEY_LOCAL_MACHINE\\")


@pytest.mark.parametrize(
    ("key", "value", "number", "state"),
    [
        (rf"{SCHANNEL}\Protocols\TLS 1.2\Client", "Enabled", 0, "non_compliant"),
        (rf"{SCHANNEL}\protocols\tls 1.2\client", "ENABLED", 0, "non_compliant"),
        (rf"{SCHANNEL}\Protocols\TLS 1.2\Client", "Enabled", 1, "compliant"),
        (rf"{SCHANNEL}\Ciphers\Triple DES 168", "Enabled", 0, "compliant"),
        (rf"{SCHANNEL}\Protocols\SSL 2.0\Client", "Enabled", 0, "compliant"),
    ],
)
def test_a_switch_that_waits_counts_as_the_list_does(key: str, value: str, number: int, state: str) -> None:
    pol = registry_pol.replace(registry_pol.RegistryPol(), key, value, registry_pol.REG_DWORD, dword(number))
    assert evaluate(image(None, pol))["state"] == state


def test_both_ciphers_off_by_a_policy_that_waits() -> None:
    pol = registry_pol.RegistryPol()
    for cipher in ("AES 128/128", "AES 256/256"):
        key = rf"{SCHANNEL}\Ciphers\{cipher}"
        pol = registry_pol.replace(pol, key, "Enabled", registry_pol.REG_DWORD, dword(0))
    assert evaluate(image(None, pol))["state"] == "non_compliant"


def test_a_removal_that_waits_does_not_make_a_switched_off_image_pass() -> None:
    facts = image(None, registry_pol.RegistryPol())
    key = r"Protocols\TLS 1.2\Client"
    facts["schannel"]["keys"][key] = f.registry_key(
        f.schannel_path(key), values={"Enabled": {"type": "REG_DWORD", "data": 0}}
    )
    assert evaluate(facts)["state"] == "non_compliant"
    pol = registry_pol.delete(registry_pol.RegistryPol(), rf"{SCHANNEL}\{key}", "Enabled")
    removing = registry_pol.RegistryPol(
        (registry_pol.Entry(rf"{SCHANNEL}\{key}", "**del.Enabled", registry_pol.REG_SZ, registry_pol.sz(" ")),)
    )
    for waiting in (pol, removing):
        facts["policy_origin"]["local_gpo"] = local_gpo.local_gpo_section(waiting.serialise())
        assert evaluate(facts)["state"] == "non_compliant"


def test_what_waits_in_a_cured_image_is_told_by_the_facts_alone() -> None:
    """The entries of the facts are enough: they lead to the same policy as the file that they were read from."""
    pol = setting(STRONG)
    pol = registry_pol.replace(pol, rf"{SCHANNEL}\Ciphers\AES 128/128", "Enabled", registry_pol.REG_DWORD, dword(0))
    pol = registry_pol.replace(pol, r"SOFTWARE\Other", "Value", registry_pol.REG_DWORD, dword(7))
    section = local_gpo.local_gpo_section(pol.serialise())
    assert section["entry_count"] == 3
    assert [entry["key"] for entry in section["entries"]] == [local_gpo.SSL_KEY, rf"{SCHANNEL}\Ciphers\AES 128/128"]
    again = local_gpo.as_pol(section)
    assert again.entries == pol.entries[:2]
    assert local_gpo.entry_for(section, "Functions")[0] == "set"
    assert local_gpo.entry_for(section, "EccCurves") == ("none", None)
