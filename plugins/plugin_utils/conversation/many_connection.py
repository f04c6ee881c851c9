# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The connection of one of many endpoints: what Ansible's ``psrp`` plugin is to a session, without its own process.

pypsrp speaks the protocol, as on the other path; only its transport is exchanged.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.fragments import OnePassFragmenter
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.many_transport import ManyTransport
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError

try:
    from pypsrp.complex_objects import RunspacePoolState
    from pypsrp.host import PSHost, PSHostUserInterface
    from pypsrp.powershell import RunspacePool
    from pypsrp.wsman import WSMan
except ImportError:
    pass

DEFAULTS: t.Final[dict[str, t.Any]] = {
    "remote_addr": None,
    "remote_user": None,
    "remote_password": None,
    "port": None,
    "protocol": None,
    "path": "wsman",
    "auth": "negotiate",
    "cert_validation": "validate",
    "ca_cert": None,
    "connection_timeout": 30,
    "read_timeout": 30,
    "message_encryption": "auto",
    "proxy": None,
    "ignore_proxy": False,
    "operation_timeout": 20,
    "max_envelope_size": 153600,
    "configuration_name": "Microsoft.PowerShell",
    "reconnection_retries": 0,
    "reconnection_backoff": 2.0,
    "certificate_key_pem": None,
    "certificate_pem": None,
    "credssp_auth_mechanism": "auto",
    "credssp_disable_tlsv1_2": False,
    "credssp_minimum_version": 2,
    "negotiate_delegate": None,
    "negotiate_hostname_override": None,
    "negotiate_send_cbt": True,
    "negotiate_service": "WSMAN",
}
"""The options of ``ansible.builtin.psrp`` that this connection honours, by their names there, with its defaults."""


class ManyConnection:
    """Only inside ``bridge.run``."""

    transport = "psrp"
    _fleetops_tetra_guarded = True
    """The limits are in its transport."""

    def __init__(self, options: t.Mapping[str, t.Any], place: t.Any = None) -> None:
        self._options = {**DEFAULTS, **options}
        self._place = place if place is not None else self._options["remote_addr"]
        self._client: t.Any = None
        self.runspace: t.Any = None
        self.connected = False

    def get_option(self, option: str) -> t.Any:
        return self._options[option]

    def _connect(self) -> ManyConnection:
        self.drop()
        options = client_options(self._options)
        self._client = WSMan(**options)
        self._client.transport = ManyTransport(options, self._place)
        # As the psrp plugin makes it.
        nothing: t.Any = None
        host = PSHost(nothing, nothing, False, "Ansible PSRP Host", nothing, PSHostUserInterface(), nothing)
        self.runspace = RunspacePool(self._client, host=host, configuration_name=self._options["configuration_name"])
        self.runspace._fragmenter = OnePassFragmenter.in_place_of(self.runspace._fragmenter)
        self.runspace.open()
        self.connected = True
        return self

    def close(self) -> None:
        """Ends the runspace in order where it is open."""
        try:
            if self.runspace is not None and self.runspace.state == RunspacePoolState.OPENED:
                self.runspace.close()
        finally:
            self.drop()

    def drop(self) -> None:
        """Lets go of the socket, whatever state the conversation is in."""
        self.runspace, self.connected = None, False
        client, self._client = self._client, None
        if client is not None:
            client.transport.close()


def client_options(given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options as pypsrp names them; what the psrp plugin makes of its own in ``_build_kwargs``.

    Raises SessionError for a port that is no number.
    """
    protocol, port = given["protocol"], given["port"]
    try:
        number = int(port) if port is not None else None
    except (TypeError, ValueError):
        raise SessionError("connection_plugin", f"The port {port!r} is no number.") from None
    if protocol is None:
        protocol = "http" if number == 5985 else "https"
    if number is None:
        number = 5986 if protocol == "https" else 5985
    validation: bool | str = True
    if given["cert_validation"] == "ignore":
        validation = False
    elif given["ca_cert"] is not None:
        validation = str(given["ca_cert"])
    same = (
        "path", "auth", "proxy", "connection_timeout", "max_envelope_size", "operation_timeout", "read_timeout",
        "reconnection_retries", "certificate_key_pem", "certificate_pem", "credssp_auth_mechanism",
        "credssp_disable_tlsv1_2", "credssp_minimum_version", "negotiate_send_cbt", "negotiate_delegate",
        "negotiate_hostname_override", "negotiate_service",
    )  # fmt: skip
    return {
        **{name: given[name] for name in same},
        "server": given["remote_addr"],
        "port": number,
        "username": given["remote_user"],
        "password": given["remote_password"],
        "ssl": protocol == "https",
        "cert_validation": validation,
        "encryption": given["message_encryption"],
        "no_proxy": bool(given["ignore_proxy"]),
        "reconnection_backoff": float(given["reconnection_backoff"]),
    }
