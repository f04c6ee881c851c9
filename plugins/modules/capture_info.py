#!/usr/bin/python
# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.capture_info: what became of the connections to definition servers in a packet capture."""

from __future__ import annotations

import ipaddress
import json
import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fleetops.tetra.plugins.module_utils.capture import document
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.errors import CaptureError
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.judge import Expected
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import IDS


def _wanted(module: AnsibleModule) -> document.Wanted:
    addresses = set()
    for text in module.params["addresses"] or []:
        try:
            addresses.add(str(ipaddress.ip_address(text)))
        except ValueError:
            module.fail_json(msg=f"addresses holds {text!r}, which is no IP address.")
    names = frozenset(name.rstrip(".").lower() for name in module.params["hosts"] or [])
    return document.Wanted(names, frozenset(addresses), module.params["all_connections"], module.params["most"])


def _expected(module: AnsibleModule) -> Expected:
    suites = tuple(module.params["allow_list"] or ALLOW_LIST)
    unknown = [name for name in suites if name not in IDS]
    if unknown:
        module.fail_json(msg=f"allow_list holds {unknown[0]!r}, which is no cipher suite that is known here.")
    return Expected(suites=suites, issuers=tuple(module.params["issuers"] or ()))


def _facts(module: AnsibleModule) -> t.Any:
    given = module.params["facts"]
    if given is not None:
        if not str(given.get("schema")).startswith("fleetops.tetra/facts/"):
            module.fail_json(msg="facts is no facts document of this collection: its schema is another.")
        return given
    if module.params["record"] is None:
        return None
    path = Path(module.params["record"])
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        facts = record["facts"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        module.fail_json(msg=f"record: {path} is no record of an audited endpoint ({type(error).__name__}).")
        raise
    if facts is None:
        module.fail_json(msg=f"record: {path} holds no facts: the endpoint was not read.")
    return facts


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "good": {"type": "path"},
            "hosts": {"type": "list", "elements": "str"},
            "addresses": {"type": "list", "elements": "str"},
            "all_connections": {"type": "bool", "default": False},
            "most": {"type": "int", "default": 1000},
            "allow_list": {"type": "list", "elements": "str"},
            "issuers": {"type": "list", "elements": "str"},
            "facts": {"type": "dict"},
            "record": {"type": "path"},
            "max_size": {"type": "int", "default": 16},
        },
        mutually_exclusive=[("facts", "record")],
        supports_check_mode=True,
    )
    if not 1 <= module.params["most"] <= 100_000:
        module.fail_json(msg=f"most is {module.params['most']}; it must lie between 1 and 100000.")
    if not 1 <= module.params["max_size"] <= 1024:
        module.fail_json(msg=f"max_size is {module.params['max_size']}; it must lie between 1 and 1024 gigabytes.")
    wanted, expected, facts = _wanted(module), _expected(module), _facts(module)
    size = module.params["max_size"] * 1_000_000_000
    try:
        capture = document.read(Path(module.params["path"]), wanted, expected, facts, size)
        good = module.params["good"] and document.read(Path(module.params["good"]), wanted, expected, None, size)
    except CaptureError as error:
        module.fail_json(msg=str(error))
    comparison = document.compare(good, capture, expected.suites) if good else None
    answers = capture["answers"]
    module.exit_json(changed=False, capture=capture, good=good or None, comparison=comparison, answers=answers)


if __name__ == "__main__":
    main()
