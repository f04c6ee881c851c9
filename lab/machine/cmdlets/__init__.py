# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the lab, by lower-case name."""

from __future__ import annotations

from ansible_collections.fleetops.tetra.lab.machine.call import Cmdlet
from ansible_collections.fleetops.tetra.lab.machine.cmdlets import (
    add_member,
    certutil,
    cim,
    content,
    curl,
    date,
    foreach_object,
    get_command,
    gpupdate,
    group_policy_cmdlets,
    item_writes,
    items,
    processes,
    properties,
    property_writes,
    schtasks,
    select_object,
    select_string,
    services,
    set_content,
    sfc,
    shutdown,
    support_tool,
    tls,
    tls_writes,
    tracing,
    variables,
    whoami,
    wmi,
    write_output,
)
from ansible_collections.fleetops.tetra.lab.machine.commands import NativeRunner

_MODULES = (
    add_member,
    cim,
    content,
    date,
    foreach_object,
    get_command,
    group_policy_cmdlets,
    item_writes,
    items,
    processes,
    properties,
    property_writes,
    select_object,
    select_string,
    services,
    set_content,
    tls,
    tls_writes,
    variables,
    wmi,
    write_output,
)
CMDLETS: dict[str, Cmdlet] = {cmdlet.name.lower(): cmdlet for module in _MODULES for cmdlet in module.CMDLETS}
PROXIES: dict[str, Cmdlet] = {"select-object": select_object.RESTRICTED, "get-command": CMDLETS["get-command"]}
NATIVES: dict[str, NativeRunner] = {
    "certutil.exe": certutil.run,
    "curl.exe": curl.run,
    "gpupdate.exe": gpupdate.run,
    "ipsupporttool.exe": support_tool.run,
    "netsh.exe": tracing.netsh,
    "pktmon.exe": tracing.pktmon,
    "schtasks.exe": schtasks.run,
    "sfc.exe": sfc.run,
    "shutdown.exe": shutdown.run,
    "wevtutil.exe": tracing.wevtutil,
    "whoami.exe": whoami.run,
}
