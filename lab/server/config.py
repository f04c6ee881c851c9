# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service's configuration as ``winrm get winrm/config`` tells it; the form is recorded."""

from __future__ import annotations

from ansible_collections.fleetops.tetra.lab.transport import Transport

_NAMESPACE = "http://schemas.microsoft.com/wbem/wsman/1/config"


def service_configuration(transport: Transport) -> str:
    """The cfg:Config element. Only what the transport decides differs from the recorded defaults."""
    negotiate = "negotiate" in transport.auth or "ntlm" in transport.auth
    authentication = "".join(
        f"<cfg:{name}>{value}</cfg:{name}>"
        for name, value in (
            ("Basic", _bool("basic" in transport.auth)),
            ("Kerberos", _bool(negotiate)),
            ("Negotiate", _bool(negotiate)),
            ("Certificate", "false"),
            ("CredSSP", "false"),
            ("CbtHardeningLevel", transport.channel_binding.capitalize()),
        )
    )
    return (
        f'<cfg:Config xmlns:cfg="{_NAMESPACE}"><cfg:MaxEnvelopeSizekb>500</cfg:MaxEnvelopeSizekb>'
        "<cfg:MaxTimeoutms>60000</cfg:MaxTimeoutms><cfg:MaxBatchItems>32000</cfg:MaxBatchItems>"
        "<cfg:MaxProviderRequests>4294967295</cfg:MaxProviderRequests><cfg:Service>"
        "<cfg:MaxConcurrentOperationsPerUser>1500</cfg:MaxConcurrentOperationsPerUser>"
        f"<cfg:AllowUnencrypted>{_bool(transport.allow_unencrypted)}</cfg:AllowUnencrypted>"
        f"<cfg:Auth>{authentication}</cfg:Auth><cfg:AllowRemoteAccess>true</cfg:AllowRemoteAccess></cfg:Service>"
        "<cfg:Winrs><cfg:AllowRemoteShellAccess>true</cfg:AllowRemoteShellAccess></cfg:Winrs></cfg:Config>"
    )


def _bool(value: bool) -> str:
    return "true" if value else "false"
