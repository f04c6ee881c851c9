# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The connector's ``policy.xml``: is Tetra on, where does it update from, through which proxy.

Places as in the tool of Cisco's engineers (amp-05-health-checker-windows). From connector 8.1.3 on the file is not
readable on the endpoint. The proxy's user and password are never looked at.
"""

from __future__ import annotations

import dataclasses
import re

from ansible_collections.fleetops.tetra.plugins.module_utils.connector.xml_paths import XmlError, read_paths
from ansible_collections.fleetops.tetra.plugins.module_utils.documents import facts as d

_CONFIG = ("Object", "config")
_TETRA = (*_CONFIG, "agent", "scansettings", "tetra")
_ENABLE = (*_TETRA, "enable")
_UPDATER_ENABLE = (*_TETRA, "updater", "enable")
_UPDATER_SERVER = (*_TETRA, "updater", "server")
_PROXY_SERVER = (*_CONFIG, "proxy", "server")
_PROXY_PORT = (*_CONFIG, "proxy", "port")
_PROXY_TYPE = (*_CONFIG, "proxy", "type")
_WANTED = (_ENABLE, _UPDATER_ENABLE, _UPDATER_SERVER, _PROXY_SERVER, _PROXY_PORT, _PROXY_TYPE)
_USER_INFO = re.compile(r"(?:(?<=^)|(?<=//))[^/@]*@")


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """What the policy says; ``None`` where it does not say, or says something else than expected."""

    tetra_enabled: bool | None
    updates_enabled: bool | None
    update_server: str | None
    proxy_server: str | None
    proxy_port: int | None
    proxy_type: str | None


def read_policy(data: bytes) -> Policy:
    """Reads the bytes of a policy.xml. Errors: ``XmlError``; also where nothing of a connector policy is in it."""
    found = read_paths(data, _WANTED)
    if not found:
        raise XmlError("the file is XML, but no connector policy")
    port = found.get(_PROXY_PORT, "")
    return Policy(
        _switch(found.get(_ENABLE)),
        _switch(found.get(_UPDATER_ENABLE)),
        _address(found.get(_UPDATER_SERVER)),
        _address(found.get(_PROXY_SERVER)),
        int(port) if re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65536 else None,
        found.get(_PROXY_TYPE) or None,
    )


def tetra_section(data: bytes, skip_tetra: bool | None = None) -> d.Tetra:
    """The facts section ``connector.tetra``.

    ``enabled`` is false where the policy switches the engine or its updates off, or where the connector was installed
    without Tetra (``skip_tetra``, from local.xml).
    """
    try:
        policy = read_policy(data)
    except XmlError as error:
        return {"status": "error", "reason": f"policy.xml: {error}.", "enabled": None, "update_server": None}
    enabled = policy.tetra_enabled
    if skip_tetra or policy.updates_enabled is False:
        enabled = False
    return {"status": "ok", "reason": None, "enabled": enabled, "update_server": policy.update_server}


def proxy_section(data: bytes) -> d.PolicyProxy:
    """The facts section ``proxy.policy``; ``absent`` where the policy names no proxy."""
    try:
        policy = read_policy(data)
    except XmlError as error:
        return _proxy("error", f"policy.xml: {error}.")
    if policy.proxy_server is None:
        return _proxy("absent", "The policy names no proxy.")
    return _proxy("ok", None, policy.proxy_server, policy.proxy_port, policy.proxy_type)


def _proxy(
    status: d.Status, reason: str | None, server: str | None = None, port: int | None = None, kind: str | None = None
) -> d.PolicyProxy:
    return {"status": status, "reason": reason, "server": server, "port": port, "type": kind}


def _switch(text: str | None) -> bool | None:
    return {"1": True, "0": False}.get(text or "")


def _address(text: str | None) -> str | None:
    """A host or URL without user and password, which have no place in it but could have been put there."""
    return _USER_INFO.sub("", text) or None if text else None
