#!/usr/bin/python
# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.server_info: which cipher suites a definition server accepts, measured by handshakes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import written
from ansible_collections.fleetops.tetra.plugins.module_utils.handshake import measure, tls_library, tunnel
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST, TETRA_HOSTS
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import IDS


def _endpoint(module: AnsibleModule, option: str, text: str, default_port: int | None) -> tunnel.Endpoint:
    try:
        return tunnel.parse_endpoint(text, default_port)
    except ValueError as error:
        module.fail_json(msg=f"{option} cannot be used: {error}.")
        raise


def _suites(module: AnsibleModule) -> list[str]:
    wanted: list[str] = module.params["suites"] or []
    if not wanted:
        return list(module.params["allow_list"] or ALLOW_LIST)
    if wanted == ["all"]:
        return list(dict.fromkeys([*tls_library.all_offerable(), *(module.params["allow_list"] or ALLOW_LIST)]))
    return wanted


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str"},
            "region": {"type": "str", "choices": sorted(TETRA_HOSTS)},
            "port": {"type": "int", "default": 443},
            "server_name": {"type": "str"},
            "proxy": {"type": "str"},
            "suites": {"type": "list", "elements": "str"},
            "allow_list": {"type": "list", "elements": "str"},
            "details": {"type": "bool", "default": False},
            "timeout": {"type": "float", "default": 10.0},
            "pause": {"type": "float", "default": 0.2},
            "max_connections": {"type": "int", "default": 100},
            "ca_file": {"type": "path"},
        },
        mutually_exclusive=[("host", "region")],
        supports_check_mode=True,
    )
    p = module.params
    try:
        tls_library.require()
    except tls_library.LibraryError as error:
        if tls_library.IMPORT_ERROR is not None:
            module.fail_json(msg=missing_required_lib("pyOpenSSL>=25.2"), exception=tls_library.IMPORT_ERROR)
        module.fail_json(msg=str(error))
    if not 0.1 <= p["timeout"] <= 300:
        module.fail_json(msg=f"timeout is {p['timeout']:g}; it must lie between 0.1 and 300 seconds.")
    if not 0 <= p["pause"] <= 60:
        module.fail_json(msg=f"pause is {p['pause']:g}; it must lie between 0 and 60 seconds.")
    if not 1 <= p["max_connections"] <= 1000:
        module.fail_json(msg=f"max_connections is {p['max_connections']}; it must lie between 1 and 1000.")
    target = _endpoint(module, "host", p["host"] or TETRA_HOSTS[p["region"] or "nam"], p["port"])
    proxy = _endpoint(module, "proxy", p["proxy"], None) if p["proxy"] else None
    if p["server_name"] is not None and not tunnel.HOST.fullmatch(p["server_name"]):
        module.fail_json(msg="server_name is no host name.")
    if p["ca_file"] is not None and not Path(p["ca_file"]).is_file():
        module.fail_json(msg=f"ca_file {p['ca_file']} does not exist.")
    suites = _suites(module)
    unknown = [name for name in [*suites, *(p["allow_list"] or [])] if name not in IDS]
    if unknown:
        module.fail_json(msg=f"{unknown[0]!r} is no cipher suite known here; use IANA names without curve suffix.")
    measured_at = written(dt.datetime.now(dt.UTC))
    try:
        result = measure.measure(
            target,
            suites,
            server_name=p["server_name"],
            proxy=proxy,
            timeout=p["timeout"],
            pause=p["pause"],
            max_connections=p["max_connections"],
            ca_file=p["ca_file"],
            allow_list=p["allow_list"],
            details=p["details"],
        )
    except tls_library.LibraryError as error:
        module.fail_json(msg=str(error))
    result["measured_at"] = measured_at
    if not result["reached"]:
        module.fail_json(msg=result["problem"], **result)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
