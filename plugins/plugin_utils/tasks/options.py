# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The options of the actions, as Ansible's argument specs. The documentation of each module says the same."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.declared import (
    BY_NAME,
    ROLE_NAMES,
    choices,
    default,
    default_in,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.option_spec import OptionSpec, OptionSpecs

OBSERVATIONS: t.Final[OptionSpec] = {
    "type": "list",
    "elements": "dict",
    "options": {"file": {"type": "path", "required": True}, "sha256": {"type": "str"}},
}
POLICY: t.Final[OptionSpec] = {
    "type": "dict",
    "options": {
        "allow_list": {"type": "list", "elements": "str"},
        "require": {"type": "str", "choices": ["any", "all"], "default": "any"},
        "strict": {"type": "bool", "default": False},
        "observations": OBSERVATIONS,
        "answers": {"type": "dict"},
    },
}
ASKING: t.Final[OptionSpecs] = {
    "timeout": {"type": "int", "default": default("tetra_timeout")},
    "probe": {"type": "bool", "default": default("tetra_probe")},
    "probe_host": {"type": "str"},
    "probe_port": {"type": "int"},
    "probe_proxy": {"type": "str", "default": default("tetra_probe_proxy")},
}
ENDPOINT_INFO: t.Final = ASKING
ACCEPT_IDENTITY: t.Final[OptionSpec] = {
    "type": "list",
    "elements": "str",
    "default": default("tetra_accept_identity"),
}
AUDIT: t.Final[OptionSpecs] = {
    **ASKING,
    "run": {"type": "path"},
    "accept_identity": ACCEPT_IDENTITY,
    "policy": POLICY,
    "return_facts": {"type": "bool", "default": False},
    "as_image": {"type": "bool", "default": False},
    "domain_policy": {"type": "path"},
}
BULK_AUDIT: t.Final[OptionSpecs] = {
    **ASKING,
    "run": {"type": "path", "required": True},
    "hosts": {"type": "list", "elements": "str"},
    "accept_identity": ACCEPT_IDENTITY,
    "policy": POLICY,
    "as_image": AUDIT["as_image"],
    "domain_policy": AUDIT["domain_policy"],
    "processes": {"type": "int", "default": default("tetra_processes")},
    "at_once": {"type": "int", "default": default("tetra_at_once")},
}
RECORD: t.Final[OptionSpecs] = {
    "run": {"type": "path", "required": True},
    "facts": {"type": "dict"},
    "verdict": {"type": "dict"},
    "error": {"type": "dict"},
    "timing": {"type": "dict"},
    "accept_identity": ACCEPT_IDENTITY,
}
RECORD_INFO: t.Final[OptionSpecs] = {"run": {"type": "path", "required": True}}
FAIL_ON: t.Final[OptionSpec] = {
    "type": "str",
    "choices": choices("tetra_fail_on"),
    "default": default("tetra_fail_on"),
}
RUN_BEGIN: t.Final[OptionSpecs] = {
    "results_dir": {"type": "path", "required": True},
    "run_id": {"type": "str"},
    "hosts": {"type": "list", "elements": "str", "required": True},
    "playbook": {"type": "str"},
    "policy": POLICY,
    "domain_policy": {"type": "path"},
    "fail_on": FAIL_ON,
    "engine": {"type": "str", "choices": choices("tetra_engine"), "default": default("tetra_engine")},
}
GATE: t.Final[OptionSpecs] = {
    "run": {"type": "path"},
    "token": {"type": "str", "no_log": False},
    "results_dir": {"type": "path"},
    "report": {
        "type": "dict",
        "options": {
            "counts": {"type": "dict", "required": True},
            "hosts_by_state": {"type": "dict", "required": True},
            "asked": {"type": "int", "required": True},
        },
    },
    "fail_on": FAIL_ON,
    "report_failed": {"type": "bool", "default": False},
}
IMAGE_FIND: t.Final[OptionSpecs] = {
    "images": {"type": "raw", "required": True},
    "recursive": {"type": "bool", "default": False},
}
IMAGE_AUDIT: t.Final[OptionSpecs] = {
    "path": {"type": "path", "required": True},
    "name": {"type": "str", "required": True},
    "volume": {"type": "str"},
    "run": {"type": "path"},
    "policy": POLICY,
    "domain_policy": AUDIT["domain_policy"],
}
WAIVE: t.Final[OptionSpecs] = {"file": {"type": "path", "required": True}, "run": {"type": "path"}}
CHECK_VARIABLES: t.Final[OptionSpecs] = {
    "own": {"type": "list", "elements": "str", "default": []},
}
OBSERVE: t.Final[OptionSpecs] = {
    "dest": {"type": "path", "default": default_in("tetra_observe_dir", "observe")},
    "writes": {"type": "bool", "default": False},
    "restarts": {"type": "bool", "default": False},
    "listen": {"type": "str", "default": "auto"},
    "timeout": {"type": "int", "default": default_in("tetra_timeout", "observe")},
}
PREFLIGHT: t.Final[OptionSpecs] = {"timeout": ASKING["timeout"]}
PLAN: t.Final[OptionSpec] = {
    "type": "dict",
    "options": {
        "cure": {"type": "str", "choices": ["add_suites", "not_configured"], "default": "add_suites"},
        "drop_to_fit": {"type": "list", "elements": "str"},
        "change_domain_gpo": {"type": "bool", "default": False},
        "allow_list": {"type": "list", "elements": "str"},
    },
}
REBOOT_METHOD: t.Final[OptionSpec] = {
    "type": "str",
    "choices": choices("tetra_reboot_method"),
    "default": default("tetra_reboot_method"),
}
NAMED_ROLES: t.Final[OptionSpec] = {
    "type": "list",
    "elements": "str",
    "choices": list(ROLE_NAMES),
    "default": default("tetra_named_roles"),
}
CIVIL: t.Final[OptionSpecs] = {
    "reboot_countdown": {"type": "int", "default": default("tetra_reboot_countdown")},
    "reboot_put_off": {"type": "int", "default": default("tetra_reboot_put_off")},
    "reboot_then": {"type": "str", "choices": choices("tetra_reboot_then"), "default": default("tetra_reboot_then")},
    "on_battery": {"type": "str", "choices": choices("tetra_on_battery"), "default": default("tetra_on_battery")},
    "update_seconds": {"type": "int", "default": default("tetra_update_seconds")},
    "hook_before": {"type": "list", "elements": "str", "default": default("tetra_hook_before")},
    "hook_after": {"type": "list", "elements": "str", "default": default("tetra_hook_after")},
}
MAX_FAILURES: t.Final[OptionSpec] = {"type": "str", "default": default("tetra_max_failures")}
CURE: t.Final[OptionSpecs] = {
    "run": {"type": "path", "required": True},
    "accept_identity": ACCEPT_IDENTITY,
    "plan": PLAN,
    "max_failures": MAX_FAILURES,
    "max_failure_rate": {"type": "str"},
    "reboot_when": {"type": "str", "choices": choices("tetra_reboot_when"), "default": default("tetra_reboot_when")},
    "reboot_method": REBOOT_METHOD,
    "named_roles": NAMED_ROLES,
    **CIVIL,
    "max_reboots": {"type": "int", "default": default("tetra_max_reboots")},
    "max_downloads": {"type": "int", "default": default("tetra_max_downloads")},
    "download_site": {"type": "str"},
    "maintenance_window": {"type": "str"},
    "deadline": {"type": "int", "default": default("tetra_deadline")},
    "commit_confirm": {"type": "int", "default": default("tetra_commit_confirm")},
    "when_stopped": {"type": "str", "choices": choices("tetra_when_stopped"), "default": default("tetra_when_stopped")},
    "gpo_deadline": {"type": "int", "default": default("tetra_gpo_deadline")},
    "update_definitions": {"type": "bool", "default": default("tetra_update_definitions")},
    "debug_logging": {"type": "bool", "default": default("tetra_debug_logging")},
    "as_image": AUDIT["as_image"],
    "probe": {"type": "bool", "default": default_in("tetra_probe", "remediation")},
    "probe_host": ASKING["probe_host"],
    "probe_port": ASKING["probe_port"],
    "probe_proxy": ASKING["probe_proxy"],
}
ROLLOUT: t.Final[OptionSpecs] = {
    **CURE,
    "hosts": {"type": "list", "elements": "str"},
    "rings": {"type": "raw"},
    "waves": {"type": "raw", "default": default("tetra_waves")},
    "max_unavailable": {"type": "str"},
    "site_variable": {"type": "str", "default": "tetra_site"},
    "ring_variable": {"type": "str", "default": "tetra_ring"},
    "windows_variable": {"type": "str", "default": "tetra_windows"},
    "approve_within": {"type": "int", "default": default("tetra_approve_within")},
    "approve_by_another": {"type": "bool", "default": default("tetra_approve_by_another")},
    "ticket": {"type": "str"},
    "processes": {"type": "int", "default": default("tetra_processes")},
}
ROLLOUT_ORDER: t.Final[OptionSpecs] = {
    "run": {"type": "path", "required": True},
    "order": {"type": "str", "choices": ["pause", "go_on", "abort", "approve", "skip"], "required": True},
    "ring": {"type": "str"},
    "host": {"type": "str"},
    "who": {"type": "str"},
    "ticket": {"type": "str"},
}
DEFINITIONS_UPDATE: t.Final[OptionSpecs] = {
    "timeout": {"type": "int", "default": 600},
    "debug_logging": {"type": "bool", "default": default("tetra_debug_logging")},
}
DIAGNOSE: t.Final[OptionSpecs] = {
    "folder": {"type": "path", "required": True},
    "timeout": {"type": "int", "default": default_in("tetra_timeout", "diagnose")},
    "capture": {"type": "bool", "default": default("tetra_capture")},
    "capture_megabytes": {"type": "int", "default": 16},
    "end_after_minutes": {"type": "int", "default": default("tetra_end_after_minutes")},
    "request_seconds": {"type": "int", "default": default("tetra_request_seconds")},
    "keep_days": {"type": "int", "default": default("tetra_keep_days")},
    "support_bundle": {"type": "bool", "default": default("tetra_support_bundle")},
    "site": {"type": "str"},
    "hosts": {"type": "list", "elements": "str"},
    "addresses": {"type": "list", "elements": "str"},
    "issuers": {"type": "list", "elements": "str"},
}
REBOOT: t.Final[OptionSpecs] = {
    "only_waiting": {"type": "bool", "default": True},
    "reboot_when": {"type": "str", "choices": ["always", "no_user"], "default": default("tetra_reboot_when")},
    "reboot_method": REBOOT_METHOD,
    "named_roles": NAMED_ROLES,
    **CIVIL,
    "maintenance_window": CURE["maintenance_window"],
    "results_dir": {"type": "path"},
    "deadline": {"type": "int", "default": BY_NAME["tetra_deadline"].default_of_role("tetra_reboot")},
}
REMEDIATION_BEGIN: t.Final[OptionSpecs] = {
    "results_dir": {"type": "path", "required": True},
    "run_id": {"type": "str"},
    "hosts": {"type": "list", "elements": "str", "required": True},
    "policy": POLICY,
    "plan": PLAN,
    "max_failures": MAX_FAILURES,
    "max_failure_rate": {"type": "str"},
    "waves": {"type": "raw", "default": default("tetra_waves")},
    "maintenance_window": {"type": "str"},
    "rollout": {"type": "str", "choices": choices("tetra_rollout"), "default": default("tetra_rollout")},
    "rings": {"type": "raw"},
    "max_unavailable": {"type": "str"},
    "ring_variable": {"type": "str", "default": "tetra_ring"},
    "windows_variable": {"type": "str", "default": "tetra_windows"},
    "ticket": {"type": "str"},
    "reboot_method": REBOOT_METHOD,
    "slices_declared": {"type": "bool", "default": default("tetra_slices_declared")},
    "commit_confirm": CURE["commit_confirm"],
    "deadline": CURE["deadline"],
    "reboot_when": CURE["reboot_when"],
    "gpo_host": {"type": "str"},
    "fail_on": FAIL_ON,
}
REMEDIATION_PLAN: t.Final[OptionSpecs] = {
    "run": {"type": "path", "required": True},
    "hosts": {"type": "list", "elements": "str", "required": True},
    "plan": PLAN,
    "lost_before": {"type": "str", "choices": choices("tetra_lost_before"), "default": default("tetra_lost_before")},
}
REMEDIATION_REPORT: t.Final[OptionSpecs] = {
    "run": {"type": "path", "required": True},
    "max_failures": MAX_FAILURES,
    "max_failure_rate": {"type": "str"},
    "batch": {"type": "list", "elements": "str"},
    "final": {"type": "bool", "default": False},
    "domain_gpos": {"type": "bool", "default": False},
    "fail_on": FAIL_ON,
}
CHANGING: t.Final[OptionSpecs] = {
    "results_dir": {"type": "path"},
    "timeout": {"type": "int", "default": 300},
}
SCHANNEL: t.Final[OptionSpecs] = {
    **CHANGING,
    "protocols": {"type": "dict"},
    "ciphers": {"type": "dict"},
    "hashes": {"type": "dict"},
    "key_exchanges": {"type": "dict", "no_log": False},
    "key_lengths": {"type": "dict", "no_log": False},
    "force": {"type": "bool", "default": default("tetra_force")},
}
CIPHER_ORDER: t.Final[OptionSpecs] = {
    **CHANGING,
    "where": {"type": "str", "choices": ["auto", "policy", "local"], "default": "auto"},
    "state": {"type": "str", "choices": ["present", "not_configured"], "default": "present"},
    "suites": {"type": "list", "elements": "str"},
    "ensure": {"type": "list", "elements": "str"},
    "remove": {"type": "list", "elements": "str"},
    "position": {"type": "str", "choices": ["front", "end"], "default": "front"},
    "new_policy": {"type": "str", "choices": ["local_gpo", "registry"], "default": "local_gpo"},
    "allow_unknown": {"type": "bool", "default": False},
}
DOMAIN_GPO: t.Final[OptionSpecs] = {
    "gpo": {"type": "str"},
    "domain": {"type": "str"},
    "server": {"type": "str"},
    "suites": {"type": "list", "elements": "str"},
    "allow_unknown": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "not_configured", "restored"], "default": "present"},
    "results_dir": {"type": "path", "default": default("tetra_results_dir")},
    "run": {"type": "path"},
    "plan": PLAN,
    "timeout": ASKING["timeout"],
}
ROLLBACK: t.Final[OptionSpecs] = {
    "results_dir": {"type": "path", "required": True},
    "run_id": {"type": "str"},
    "from_endpoint": {"type": "bool", "default": default("tetra_from_endpoint")},
    "force": {"type": "bool", "default": default("tetra_force")},
    "reboot": {"type": "bool", "default": default("tetra_reboot")},
    "reboot_when": REBOOT["reboot_when"],
    "reboot_method": REBOOT_METHOD,
    "named_roles": CURE["named_roles"],
    **CIVIL,
    "maintenance_window": CURE["maintenance_window"],
    "deadline": CURE["deadline"],
}


def wrong_diagnose(arguments: t.Mapping[str, t.Any]) -> str | None:
    """Why options of a diagnosis cannot be meant, one sentence; None where they can."""
    limits = {
        "capture_megabytes": (1, 64),
        "end_after_minutes": (5, 240),
        "request_seconds": (2, 120),
        "keep_days": (0, 3650),
    }
    for name, (least, most) in limits.items():
        if not least <= arguments[name] <= most:
            return f"{name} is {arguments[name]}; it must lie between {least} and {most}."
    for text in arguments["addresses"] or []:
        try:
            ipaddress.ip_address(text)
        except ValueError:
            return f"addresses holds {text!r}, which is no IP address."
    return None
