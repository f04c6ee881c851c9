# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an endpoint to its facts, over the wire, against simulated Windows in its awkward ways."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

import pytest

from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import ProbeOptions
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.gather import Gathered, gather
from ansible_collections.fleetops.tetra.tests.unit.lab_session import Connection

POLICY = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA"
SCHANNEL = r"HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL"

ENDPOINTS: dict[str, dict[str, t.Any]] = {
    "plain": {},
    "policy": {"policy": POLICY, "origin": {"kind": "domain_gpo", "gpo": "Baseline"}},
    "local-gpo": {"policy": POLICY, "origin": "local_gpo"},
    "single-bytes": {"policy": POLICY, "origin": "local_gpo", "behaviours": {"get_content_bytes": "single_bytes"}},
    "multi-sz": {"policy": {"type": "REG_MULTI_SZ", "data": ["TLS_RSA_WITH_AES_128_CBC_SHA"]}},
    "expand-sz": {"policy": {"type": "REG_EXPAND_SZ", "data": POLICY}},
    "denied": {
        "policy": POLICY,
        "denied": [r"HKLM\SOFTWARE\Policies\Microsoft\Cryptography\Configuration\SSL\00010002"],
    },
    "switches": {
        "schannel": {
            "Ciphers\\AES 128/128": {"Enabled": 0},
            "Ciphers\\AES 256/256": {"Enabled": 0xFFFFFFFF},
            "Hashes\\SHA256": {"Enabled": 0},
            "Protocols\\TLS 1.2\\Client": {"Enabled": 1, "DisabledByDefault": 0},
            "KeyExchangeAlgorithms\\ECDH": {},
        }
    },
    "wide": {"registry": {f"{SCHANNEL}\\Hashes\\SHA384": {"Enabled": {"type": "REG_QWORD", "data": 1}}}},
    "user": {"account": "user", "policy": POLICY, "schannel": {"Ciphers\\AES 128/128": {"Enabled": 0}}},
    "user-without-services": {"account": "user", "behaviours": {"services_denied": "non_terminating"}},
    "filtered": {"account": "filtered"},
    "broken-wmi": {"wmi": "broken", "policy": POLICY},
    "powershell-2": {"release": "7_2008r2", "powershell": "2.0"},
    "server-2012": {"release": "8.1_2012r2", "kind": "server"},
    "thirty-two-bits": {
        "sessions": {"narrow": {"bits": 32}},
        "transport": {"configurations": ["narrow"]},
    },
    "powershell-7": {
        "sessions": {"PowerShell.7": {"powershell": "7.4"}},
        "transport": {"configurations": ["PowerShell.7"]},
        "behaviours": {"tls_module_on_powershell_7": "missing"},
    },
    "powershell-7-deserialized": {
        "sessions": {"PowerShell.7": {"powershell": "7.4"}},
        "transport": {"configurations": ["PowerShell.7"]},
        "behaviours": {"tls_module_on_powershell_7": "deserialized"},
    },
    "stops-after-errors": {"policy": POLICY, "behaviours": {"batch_after_error": "stops"}},
    "empty-keys-are-objects": {"behaviours": {"empty_key_itemproperty": "object"}},
    "korean": {"language": "ko-KR", "policy": POLICY, "account": "user"},
    "no-connector": {"connector": "absent"},
    "proxy": {"winhttp_proxy": {"server": "proxy.example.com:8080", "bypass": "<local>"}},
}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFleet]:
    endpoints = {}
    for name, mapping in ENDPOINTS.items():
        transport = {"auth": ["basic"], "user": "lab", **mapping.get("transport", {})}
        endpoints[name] = {"release": "10_22h2", "describe": name, **mapping, "transport": transport}
    document = {"schema": "fleetops.tetra/fleet/1", "describe": "For reading.", "endpoints": endpoints}
    with running_fleet(document, tmp_path_factory.mktemp("lab")) as running:
        yield running


Ask = t.Callable[..., dict[str, t.Any]]


@pytest.fixture(scope="module")
def gathered(fleet: RunningFleet) -> t.Callable[..., Gathered]:
    """Gathers an endpoint once for all tests, or anew with a probe."""
    kept: dict[str, Gathered] = {}

    def get(name: str, probe: ProbeOptions | None = None) -> Gathered:
        if probe is None and name in kept:
            return kept[name]
        configuration = ENDPOINTS[name].get("transport", {}).get("configurations", ["Microsoft.PowerShell"])[0]
        connection = Connection(fleet.ports[name], configuration)
        found = gather(connection, name, 30, probe)
        connection.close()
        if probe is None:
            kept[name] = found
        return found

    return get


@pytest.fixture(scope="module")
def facts(gathered: t.Callable[..., Gathered]) -> Ask:
    def get(name: str, probe: ProbeOptions | None = None) -> dict[str, t.Any]:
        found = gathered(name, probe)
        assert found.error is None, str(found.error)
        assert found.facts is not None
        return found.facts

    return get


def test_a_healthy_endpoint_takes_two_pipelines_and_everything_is_read(
    facts: Ask, gathered: t.Callable[..., Gathered]
) -> None:
    found = facts("plain")
    assert gathered("plain").timing["pipelines"] == 2
    assert (found["os"]["build"], found["os"]["kind"], found["os"]["architecture"]) == (19045, "client", "AMD64")
    for name in (
        "os",
        "cipher_suites",
        "local_order",
        "curves",
        "schannel",
        "fips",
        "reboot",
        "connector",
        "proxy",
        "psrp",
    ):
        assert found[name]["status"] == "ok", (name, found[name]["reason"])
    assert found["policy_order"]["status"] == "absent"
    assert found["policy_origin"]["rsop"]["status"] == "not_read"
    assert found["connector"]["service"]["state"] == "Running"
    assert found["connector"]["service"]["start_mode"] == "Auto"
    assert found["psrp"]["administrator"] is True
    assert found["psrp"]["process_bits"] == 64
    assert found["psrp"]["edition"] == "Desktop"
    assert found["reboot"]["pending"] == {
        "component_based_servicing": False,
        "windows_update": False,
        "file_rename": False,
    }


@pytest.mark.parametrize("name", sorted(set(ENDPOINTS) - {"denied"}))
def test_no_endpoint_loses_its_local_list(facts: Ask, name: str) -> None:
    assert facts(name)["local_order"]["status"] == "ok"
    assert facts(name)["local_order"]["type"] == "REG_MULTI_SZ"


def test_a_policy_value_has_its_true_type_and_its_origin(facts: Ask, gathered: t.Callable[..., Gathered]) -> None:
    found = facts("policy")
    assert gathered("policy").timing["pipelines"] == 2
    assert (found["policy_order"]["type"], found["policy_order"]["data"]) == ("REG_SZ", POLICY)
    row = next(row for row in found["policy_origin"]["rsop"]["rows"] if row["precedence"] == 1)
    assert (row["value_name"], row["value"], row["value_type"]) == ("Functions", POLICY, 1)
    assert any(gpo["name"] == "Baseline" for gpo in found["policy_origin"]["rsop"]["gpos"])
    assert facts("multi-sz")["policy_order"]["type"] == "REG_MULTI_SZ"
    assert facts("expand-sz")["policy_order"]["type"] == "REG_EXPAND_SZ"


@pytest.mark.parametrize("name", ["local-gpo", "single-bytes"])
def test_the_local_policy_file_is_read(facts: Ask, name: str) -> None:
    local = facts(name)["policy_origin"]["local_gpo"]
    assert local["status"] == "ok"
    assert local["modified"].endswith("Z")
    assert [entry["value"] for entry in local["entries"]] == ["Functions"]
    assert local["entries"][0]["data"] == POLICY


def test_denied_is_not_absent(facts: Ask) -> None:
    found = facts("denied")
    assert found["policy_order"]["status"] == "denied"
    assert found["curves"]["policy"]["status"] == "denied"
    assert found["cipher_suites"]["status"] == "ok"


def test_switches_are_read_with_and_without_a_slash(facts: Ask) -> None:
    keys = facts("switches")["schannel"]["keys"]
    assert keys["Ciphers\\AES 128/128"]["values"] == {"Enabled": {"type": "REG_DWORD", "data": 0}}
    assert keys["Ciphers\\AES 256/256"]["values"] == {"Enabled": {"type": "REG_DWORD", "data": 0xFFFFFFFF}}
    assert keys["Hashes\\SHA256"]["values"] == {"Enabled": {"type": "REG_DWORD", "data": 0}}
    assert keys["Protocols\\TLS 1.2\\Client"]["values"]["Enabled"]["data"] == 1
    assert (keys["KeyExchangeAlgorithms\\ECDH"]["status"], keys["KeyExchangeAlgorithms\\ECDH"]["values"]) == ("ok", {})
    assert keys["Ciphers\\Triple DES 168"]["status"] == "absent"
    assert keys["Protocols\\TLS 1.3\\Client"]["status"] == "absent"
    assert facts("wide")["schannel"]["keys"]["Hashes\\SHA384"]["values"]["Enabled"]["type"] == "REG_QWORD"


def test_a_user_loses_what_needs_wmi_and_nothing_else(facts: Ask) -> None:
    found = facts("user")
    assert found["cipher_suites"]["status"] == "ok"
    assert found["policy_order"]["type"] == "REG_SZ_OR_EXPAND_SZ"
    assert found["policy_order"]["data"] == POLICY
    assert found["reboot"]["status"] == "denied"
    assert found["policy_origin"]["rsop"]["status"] == "denied"
    # The registry provider reads a key with a slash in its name; that needs no WMI.
    assert found["schannel"]["keys"]["Ciphers\\AES 128/128"]["status"] == "ok"
    assert found["schannel"]["keys"]["Ciphers\\AES 256/256"]["status"] == "absent"
    assert found["connector"]["service"]["status"] in ("denied", "error")
    assert found["psrp"]["administrator"] is False
    assert facts("filtered")["psrp"]["administrator"] is False
    assert facts("user-without-services")["connector"]["service"]["status"] in ("denied", "error")


def test_errors_are_told_apart_in_any_language(facts: Ask) -> None:
    found, other = facts("korean"), facts("user")
    for name in ("reboot", "policy_order", "cipher_suites"):
        assert found[name]["status"] == other[name]["status"]
    assert found["reboot"]["reason"].isascii()


def test_broken_wmi_is_an_error_and_no_absence(facts: Ask) -> None:
    found = facts("broken-wmi")
    assert found["reboot"]["status"] == "error"
    assert found["policy_origin"]["rsop"]["status"] not in ("ok", "absent", "not_read")
    assert found["cipher_suites"]["status"] == "ok"


def test_old_windows_has_no_cmdlet_but_its_registry(facts: Ask) -> None:
    for name in ("powershell-2", "server-2012"):
        assert facts(name)["cipher_suites"]["status"] == "unsupported"
        assert facts(name)["curves"]["cmdlet"]["status"] == "unsupported"
        assert facts(name)["reboot"]["last_boot"] is not None
        assert facts(name)["connector"]["status"] == "ok"
    assert facts("powershell-2")["psrp"]["powershell_version"].startswith("2.")


def test_a_narrow_session_is_noticed(facts: Ask) -> None:
    found = facts("thirty-two-bits")
    assert found["psrp"]["process_bits"] == 32
    assert found["os"]["architecture"] == "AMD64"
    assert found["policy_origin"]["mdm"]["status"] == "unsupported"


def test_powershell_7_is_noticed(facts: Ask) -> None:
    assert facts("powershell-7")["psrp"]["edition"] == "Core"
    assert facts("powershell-7")["cipher_suites"]["status"] == "unsupported"
    assert facts("powershell-7")["reboot"]["status"] == "ok"
    assert facts("powershell-7-deserialized")["cipher_suites"]["suites"]


def test_a_session_that_stops_after_errors_gives_the_same_facts(facts: Ask) -> None:
    found, usual = facts("stops-after-errors"), facts("policy")
    for name in ("os", "cipher_suites", "local_order", "policy_order", "curves", "schannel", "fips"):
        assert found[name]["status"] == usual[name]["status"], (name, found[name]["reason"])
    assert found["policy_order"]["data"] == POLICY


def test_keys_without_values_are_there(facts: Ask) -> None:
    for name in ("plain", "empty-keys-are-objects"):
        assert facts(name)["schannel"]["winhttp_default_secure_protocols"]["status"] == "absent"


def test_no_connector_is_an_absence(facts: Ask) -> None:
    assert facts("no-connector")["connector"]["status"] == "absent"


def test_the_machine_proxy_is_read(facts: Ask) -> None:
    assert facts("proxy")["proxy"]["winhttp"]["server"] == "proxy.example.com:8080"
    assert facts("plain")["proxy"]["winhttp"] == {"status": "ok", "reason": None, "server": None, "bypass": None}


def test_the_endpoint_proves_it_by_a_handshake_of_its_own(facts: Ask) -> None:
    probe = facts("plain", ProbeOptions(proxy="none"))["probe"]
    assert (probe["status"], probe["outcome"], probe["exit_code"]) == ("ok", "tls_ok", 0)
    failing = facts("multi-sz", ProbeOptions(proxy="none"))["probe"]
    assert failing["outcome"] in ("tls_ok", "tls_failed")
    assert facts("server-2012", ProbeOptions())["probe"]["status"] == "unsupported"
