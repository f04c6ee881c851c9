# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances of the CIM classes that the lab knows."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine.group_policy import LOCAL_GPO
from ansible_collections.fleetops.tetra.lab.machine.objects import UInt, ULong
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState

CIMV2 = "root/cimv2"
RSOP = "root/rsop/computer"
ENCRYPTION = "root/cimv2/security/microsoftvolumeencryption"
NAMESPACES = (CIMV2, RSOP, ENCRYPTION)
CLASSES = {
    CIMV2: {
        "win32_operatingsystem": "Win32_OperatingSystem",
        "win32_service": "Win32_Service",
        "win32_computersystem": "Win32_ComputerSystem",
        "win32_logicaldisk": "Win32_LogicalDisk",
        "win32_battery": "Win32_Battery",
        "stdregprov": "StdRegProv",
    },
    ENCRYPTION: {"win32_encryptablevolume": "Win32_EncryptableVolume"},
    RSOP: {"rsop_registrypolicysetting": "RSOP_RegistryPolicySetting", "rsop_gpo": "RSOP_GPO"},
}
KEYS = {
    "Win32_OperatingSystem": ("Name",),
    "Win32_Service": ("Name",),
    "Win32_ComputerSystem": ("Name",),
    "Win32_LogicalDisk": ("DeviceID",),
    "Win32_Battery": ("DeviceID",),
    "RSOP_RegistryPolicySetting": ("id", "precedence"),
    "RSOP_GPO": ("id",),
    "Win32_EncryptableVolume": ("DeviceID",),
}
_NOT_ACTIVATED = 0x80310008
_PROTECTORS = {"off": (), "tpm": (1, 3), "tpm_pin": (3, 4), "tpm_pin_suspended": (3, 4)}
"""Types of key protectors of the system volume: 1 TPM, 3 numerical password, 4 TPM and PIN."""


def namespace(text: str) -> str:
    """One spelling for a namespace."""
    return text.replace("\\", "/").strip("/").lower()


def instances(state: WindowsState, class_name: str) -> list[dict[str, t.Any]]:
    """All instances of a class, as properties in order."""
    if class_name == "Win32_OperatingSystem":
        return [_operating_system(state)]
    if class_name == "Win32_Service":
        return _services(state)
    if class_name == "Win32_ComputerSystem":
        return [_computer(state)]
    if class_name == "Win32_LogicalDisk":
        free = ULong(state.free_megabytes * 1_000_000)
        return [{"DeviceID": "C:", "DriveType": UInt(3), "FreeSpace": free, "Size": ULong(256_000_000_000)}]
    if class_name == "Win32_Battery":
        status = {"charging": 2, "discharging": 1, "low": 4}
        return [{"DeviceID": "1", "BatteryStatus": UInt(status[state.battery])}] if state.battery else []
    if class_name == "RSOP_RegistryPolicySetting":
        return _policy_settings(state)
    if class_name == "Win32_EncryptableVolume":
        protected = state.bitlocker in ("tpm", "tpm_pin")
        return [{"DeviceID": "Volume{1}", "DriveLetter": "C:", "ProtectionStatus": UInt(int(protected))}]
    if class_name == "RSOP_GPO":
        return _gpos(state)
    return []


def key_protectors(state: WindowsState, kind: int) -> dict[str, t.Any]:
    """What GetKeyProtectors of the system volume answers; ``kind`` 0 for all."""
    kinds = _PROTECTORS[state.bitlocker]
    if not kinds:
        return {"VolumeKeyProtectorID": None, "ReturnValue": UInt(_NOT_ACTIVATED)}
    found = [f"{{0000000{one}-0000-0000-0000-000000000000}}" for one in kinds if kind in (0, one)]
    return {"VolumeKeyProtectorID": found, "ReturnValue": UInt(0)}


def _operating_system(state: WindowsState) -> dict[str, t.Any]:
    identity = state.identity
    minutes = int(state.utc_offset.total_seconds() // 60)
    version = (
        "6.1"
        if identity.build < 9200
        else "6.2"
        if identity.build < 9600
        else "6.3"
        if identity.build < 10240
        else "10.0"
    )
    return {
        "Caption": identity.caption,
        "CreationClassName": "Win32_OperatingSystem",
        "CSName": identity.computer_name,
        "CurrentTimeZone": minutes,
        "LastBootUpTime": state.local(state.boot_time),
        "LocalDateTime": state.local(state.now()),
        "Name": f"{identity.caption}|C:\\Windows|\\Device\\Harddisk0\\Partition3",
        "Status": "OK",
        "BuildNumber": str(identity.build),
        "BuildType": "Multiprocessor Free",
        "FreePhysicalMemory": ULong(2097152),
        "Locale": "0412" if identity.language == "ko-KR" else "0409",
        "NumberOfUsers": UInt(len(state.logged_on_users)),
        "OperatingSystemSKU": UInt(7 if identity.server else 4),
        "OSArchitecture": "64-bit",
        "OSLanguage": UInt(1042 if identity.language == "ko-KR" else 1033),
        "ProductType": UInt(3 if identity.server else 1),
        "SystemDirectory": "C:\\Windows\\system32",
        "SystemDrive": "C:",
        "Version": f"{version}.{identity.build}",
        "WindowsDirectory": "C:\\Windows",
    }


def _services(state: WindowsState) -> list[dict[str, t.Any]]:
    return [
        {
            "Name": service.name,
            "DisplayName": service.display_name,
            "PathName": service.path,
            "Started": service.state == "Running",
            "StartMode": service.start_mode,
            "State": service.state,
            "Status": "OK",
            "SystemName": state.identity.computer_name,
            "ProcessId": UInt(1944 if service.state == "Running" else 0),
            "ExitCode": UInt(0),
        }
        for service in state.services.values()
    ]


def _computer(state: WindowsState) -> dict[str, t.Any]:
    domain = state.identity.domain
    return {
        "Name": state.identity.computer_name,
        "Domain": domain or "WORKGROUP",
        "PartOfDomain": domain is not None,
        "DomainRole": 3 if state.identity.server else 1,
        "UserName": state.logged_on_users[0] if state.logged_on_users else None,
        "SystemType": "x64-based PC",
    }


def _policy_settings(state: WindowsState) -> list[dict[str, t.Any]]:
    return [
        {
            "command": None,
            "creationTime": state.local(row.created) if row.created else None,
            "deleted": row.deleted,
            "GPOID": row.gpo_id,
            "id": f"{{{number:08X}-0000-0000-0000-000000000000}}",
            "name": row.value_name,
            "precedence": UInt(row.precedence),
            "registryKey": row.key,
            "SOMID": row.som_id,
            "value": row.data,
            "valueName": row.value_name,
            "valueType": UInt(row.type),
        }
        for number, row in enumerate(state.rsop_rows, 1)
        if state.rsop_logging
    ]


def _gpos(state: WindowsState) -> list[dict[str, t.Any]]:
    if not state.rsop_logging:
        return []
    gpos = list(state.gpos)
    # The local policy is listed where it is empty, too: gpresult shows it as not applied, empty.
    if state.behaviours["local_gpo_in_rsop"] == "shown" and LOCAL_GPO not in gpos:
        gpos.append(LOCAL_GPO)
    domain = state.identity.domain
    return [
        {
            "accessDenied": False,
            "enabled": gpo.enabled,
            "extensionIds": None,
            "fileSystemPath": f"\\\\{domain}\\SysVol\\{domain}\\Policies\\{gpo.guid}\\Machine",
            "filterAllowed": True,
            "filterId": None,
            "guidName": gpo.guid,
            "id": gpo.id,
            "name": gpo.name,
            "version": UInt(7),
        }
        for gpo in gpos
    ]
