# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""States of a Windows that an image can hold, and their hives and files.

What a release's hives hold comes from the release tables; a scenario changes a few values.
"""

from __future__ import annotations

import copy
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.policy import registry_pol
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import windows_releases
from ansible_collections.fleetops.tetra.tests.images.hives import Keys, write_hive

LOCAL = r"Control\Cryptography\Configuration\Local\SSL\00010002"
POLICY = r"Policies\Microsoft\Cryptography\Configuration\SSL\00010002"
SCHANNEL = r"Control\SecurityProviders\SCHANNEL"
WEAK = [
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
]
"""None of the suites that the Tetra servers accept."""
GPT_INI = (
    b"[General]\r\ngPCMachineExtensionNames=[{35378EAC-683F-11D2-A89A-00C04FBBCFA2}"
    b"{D02B1F72-3407-48AE-BA88-E8213C6761F1}]\r\nVersion=1\r\n"
)


@dataclass
class State:
    """What is written into an image. Paths of SYSTEM are below the current control set."""

    build: int
    kind: str = "client"
    system: Keys = field(default_factory=dict)
    software: Keys = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def copy(self) -> State:
        """A state of its own."""
        return copy.deepcopy(self)


def default_state(build: int, kind: str = "client") -> State:
    """A Windows of that build as it is after installation."""
    match = windows_releases.release_for(build, kind)
    assert match is not None
    release = match.release
    system: Keys = {
        LOCAL: {"Functions": ("REG_MULTI_SZ", list(release.local_list))},
        r"Control\ProductOptions": {"ProductType": ("REG_SZ", "WinNT" if kind == "client" else "ServerNT")},
        r"Control\ComputerName\ComputerName": {"ComputerName": ("REG_SZ", "GOLDEN")},
        r"Control\Session Manager\Environment": {"PROCESSOR_ARCHITECTURE": ("REG_SZ", "AMD64")},
        r"Control\Lsa\FipsAlgorithmPolicy": {"Enabled": ("REG_DWORD", 0)},
        SCHANNEL + r"\Protocols\SSL 2.0\Client": {"DisabledByDefault": ("REG_DWORD", 1)},
        SCHANNEL + r"\Ciphers": {},
    }
    software: Keys = {
        r"Microsoft\Windows NT\CurrentVersion": {
            "ProductName": ("REG_SZ", release.title(kind)),
            "CurrentBuildNumber": ("REG_SZ", str(build)),
            "UBR": ("REG_DWORD", 1234),
            "EditionID": ("REG_SZ", "Enterprise" if kind == "client" else "ServerStandard"),
            "InstallationType": ("REG_SZ", "Client" if kind == "client" else "Server"),
        },
        r"Microsoft\Windows\CurrentVersion\Internet Settings\WinHttp": {},
    }
    return State(build, kind, system, software)


def policy_state(suites: t.Sequence[str], build: int = 19045) -> State:
    """The policy list says this."""
    state = default_state(build)
    state.software[POLICY] = {"Functions": ("REG_SZ", ",".join(suites))}
    return state


def unapplied_policy_state(suites: t.Sequence[str], build: int = 19045) -> State:
    """The local GPO holds the policy in its Registry.pol, but Windows never applied it to the registry."""
    state = default_state(build)
    pol = registry_pol.replace(
        registry_pol.RegistryPol(),
        "SOFTWARE\\" + POLICY,
        "Functions",
        registry_pol.REG_SZ,
        registry_pol.sz(",".join(suites)),
    )
    state.files["Windows/System32/GroupPolicy/Machine/Registry.pol"] = pol.serialise()
    state.files["Windows/System32/GroupPolicy/gpt.ini"] = GPT_INI
    return state


def tls12_off_state(build: int = 19045) -> State:
    """The TLS 1.2 client is switched off."""
    state = default_state(build)
    state.system[SCHANNEL + r"\Protocols\TLS 1.2\Client"] = {
        "Enabled": ("REG_DWORD", 0),
        "DisabledByDefault": ("REG_DWORD", 1),
    }
    return state


def aes128_off_state(build: int = 19045) -> State:
    """AES 128 is switched off."""
    state = default_state(build)
    state.system[SCHANNEL + r"\Ciphers\AES 128/128"] = {"Enabled": ("REG_DWORD", 0)}
    return state


def system_keys(state: State) -> Keys:
    """SYSTEM with two control sets: 002 counts, and 001 holds a list that would be judged otherwise."""
    keys: Keys = {
        "Select": {
            "Current": ("REG_DWORD", 2),
            "Default": ("REG_DWORD", 2),
            "Failed": ("REG_DWORD", 0),
            "LastKnownGood": ("REG_DWORD", 1),
        },
        "ControlSet001\\" + LOCAL: {"Functions": ("REG_MULTI_SZ", WEAK)},
    }
    for path, values in state.system.items():
        keys["ControlSet002\\" + path] = values
    return keys


def write_tree(state: State, root: Path) -> Path:
    """The state as a folder that looks like the root of a Windows volume."""
    config = root / "Windows" / "System32" / "config"
    config.mkdir(parents=True)
    write_hive(config / "SYSTEM", system_keys(state))
    write_hive(config / "SOFTWARE", state.software)
    for name, data in state.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root
