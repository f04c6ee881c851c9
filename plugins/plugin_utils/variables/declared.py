# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Every variable of the playbooks, once: type, default, choices, and a sentence.

From here come the checks of the playbooks' and roles' defaults (``tests/unit/plugin_utils/variables``), the defaults of
the actions' options, ``docs/variables.md``, and the names that a run may use (``names.py``).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

ALL: t.Final = (
    "compliance", "console", "diagnose", "golden_image", "history", "observe", "preflight", "remediation", "report",
    "rollback", "servers", "tell",
)  # fmt: skip
ROLES: t.Final = (
    "tetra_audit", "tetra_gather", "tetra_judge", "tetra_reboot", "tetra_remediate", "tetra_report", "tetra_verify",
)  # fmt: skip
NO_DEFAULT: t.Final = object()


@dataclass(frozen=True)
class Variable:
    """One variable. ``otherwise``: the default of single playbooks where that is another; ``roles``: the roles that
    have it under a name of their own (``tetra_timeout`` is ``tetra_audit_timeout``)."""

    name: str
    type: str
    sentence: str
    default: t.Any = NO_DEFAULT
    playbooks: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    otherwise: t.Mapping[str, t.Any] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    roles_otherwise: t.Mapping[str, t.Any] = field(default_factory=dict)

    def default_in(self, playbook: str) -> t.Any:
        """Its default in one playbook; ``NO_DEFAULT`` where there is none."""
        return self.otherwise.get(playbook, self.default)

    def default_of_role(self, role: str) -> t.Any:
        return self.roles_otherwise.get(role, self.default)


_ASKING = ("compliance", "diagnose", "golden_image", "observe", "preflight", "remediation")
_JUDGING = ("compliance", "golden_image", "remediation")
_CHANGING = ("golden_image", "remediation", "rollback")
ROLE_NAMES: t.Final = (
    "domain_controller", "cluster_node", "hyper_v_host", "remote_desktop", "virtual_desktop", "sql_server", "exchange",
    "bitlocker_pin",
)  # fmt: skip

VARIABLES: tuple[Variable, ...] = (
    Variable("tetra_hosts", "str", "Which hosts of the inventory, as a pattern.", "all",
             ("compliance", "diagnose", "golden_image", "observe", "preflight", "remediation", "rollback"),
             otherwise={"golden_image": "all:!all", "diagnose": "tetra_chosen"}),
    Variable("tetra_results_dir", "path", "Where run folders and before-images go.", "tetra-results",
             ("compliance", "console", "diagnose", "golden_image", "remediation", "rollback", "servers"),
             roles=("tetra_remediate", "tetra_reboot")),
    Variable("tetra_run_id", "str", "The name of the run folder; without it the time of day.", NO_DEFAULT,
             (*_JUDGING, "rollback"), roles=("tetra_remediate",)),
    Variable("tetra_fail_on", "str", "Which findings end the run with 2.", "none", (*_JUDGING, "report"),
             ("none", "non_compliant", "unknown"), {"golden_image": "unknown", "report": NO_DEFAULT}),
    Variable("tetra_policy", "dict", "How to judge: allow_list, require, strict, observations.", NO_DEFAULT, _JUDGING,
             roles=("tetra_audit", "tetra_judge", "tetra_remediate", "tetra_verify", "tetra_report")),
    Variable("tetra_domain_policy", "path", "The policy of a domain that an image will join.", NO_DEFAULT,
             ("golden_image",)),
    Variable("tetra_probe", "bool", "Whether the endpoint makes a handshake of its own.", False, _JUDGING,
             otherwise={"remediation": True}, roles=("tetra_audit", "tetra_gather", "tetra_remediate"),
             roles_otherwise={"tetra_remediate": True}),
    Variable("tetra_probe_host", "str", "The host of that handshake.", NO_DEFAULT, ("remediation",),
             roles=("tetra_audit", "tetra_gather", "tetra_remediate", "tetra_verify")),
    Variable("tetra_probe_port", "int", "Its port.", NO_DEFAULT, ("remediation",),
             roles=("tetra_audit", "tetra_gather", "tetra_remediate", "tetra_verify")),
    Variable("tetra_probe_proxy", "str", "Its proxy: auto, none, or host:port.", "auto", ("remediation",),
             roles=("tetra_audit", "tetra_gather", "tetra_remediate", "tetra_verify")),
    Variable("tetra_timeout", "int", "Seconds for the questions to one endpoint.", 120, _ASKING,
             otherwise={"diagnose": 600, "observe": 300},
             roles=("tetra_audit", "tetra_gather", "tetra_remediate", "tetra_verify")),
    Variable("tetra_serial", "str", "How many endpoints at once, as Ansible's serial.", "100%",
             ("compliance", "diagnose", "preflight"), otherwise={"diagnose": 10}),
    Variable("tetra_strategy", "str", "Ansible's strategy for the questions.", "linear",
             ("compliance", "preflight", "remediation")),
    Variable("tetra_engine", "str", "Whether all endpoints are asked in one task, or each in its own.", "bulk",
             ("compliance",), ("bulk", "per_host")),
    Variable("tetra_processes", "int", "Processes of the bulk engine; 0 is one for each processor.", 0,
             ("compliance", "remediation")),
    Variable("tetra_at_once", "int", "Endpoints that one process of the bulk engine asks at once.", 250,
             ("compliance",)),
    Variable("tetra_accept_identity", "list",
             "Inventory names, or all, that may answer as another machine than before.", [],
             ("compliance", "remediation"), roles=("tetra_judge",)),
    Variable("tetra_images", "raw", "The images to judge: a file, a folder, a pattern, or a list of them.", NO_DEFAULT,
             ("golden_image",)),
    Variable("tetra_images_recursive", "bool", "Whether folders in folders of images count.", False, ("golden_image",)),
    Variable("tetra_image_repair", "bool", "Whether a build machine is repaired.", False, ("golden_image",)),
    Variable("tetra_waivers", "path", "A file of accepted findings.", NO_DEFAULT, ("golden_image",)),
    Variable("tetra_plan", "dict", "Options of the plan: cure, drop_to_fit, change_domain_gpo, allow_list.", NO_DEFAULT,
             ("golden_image", "remediation"), roles=("tetra_remediate",)),
    Variable("tetra_max_failures", "str", "So many endpoints may fail, as a number or in percent.", "5%",
             ("golden_image", "remediation"), otherwise={"golden_image": 1}, roles=("tetra_remediate",)),
    Variable("tetra_max_failure_rate", "str", "So many of the first so many endpoints stop the run, such as 3/10.",
             NO_DEFAULT, ("remediation",), roles=("tetra_remediate",)),
    Variable("tetra_when_stopped", "str", "What becomes of a change whose restart the budget does not allow any more.",
             "pending", ("remediation",), ("pending", "undo"), roles=("tetra_remediate",)),
    Variable("tetra_lost_before", "str", "When endpoints that an earlier start lost are taken up.", "last",
             ("remediation",), ("last", "leave")),
    Variable("tetra_max_reboots", "int", "So many endpoints restart at once; 0 is no limit.", 0, ("remediation",),
             roles=("tetra_remediate",)),
    Variable("tetra_max_downloads", "int", "So many of a site (tetra_site) download at once; 0 is no limit.", 0,
             ("remediation",), roles=("tetra_remediate",)),
    Variable("tetra_waves", "list", "How many endpoints each wave holds; the last number repeats.", [1, 10, 50, 250],
             ("remediation", "rollback"), otherwise={"rollback": ["100%"]}),
    Variable("tetra_rollout", "str", "Whether endpoints are cured in waves, or one after another in a window.", "waves",
             ("remediation",), ("waves", "continuous")),
    Variable("tetra_rings", "list", "The rings of a continuous rollout, in order.", NO_DEFAULT, ("remediation",)),
    Variable("tetra_max_unavailable", "str", "So many endpoints are under way at once, as a number or in percent.",
             NO_DEFAULT, ("remediation",)),
    Variable("tetra_approve_within", "int", "Seconds for which a rollout waits for an approval.", 86400,
             ("remediation",)),
    Variable("tetra_approve_by_another", "bool", "Whether another than the starter has to approve a ring.", False,
             ("remediation",)),
    Variable("tetra_ticket", "str", "The number of a ticket, kept with every order.", NO_DEFAULT, ("remediation",)),
    Variable("tetra_windows", "dict", "When this endpoint may be taken up: zone, open, blackout.", NO_DEFAULT,
             ("remediation",)),
    Variable("tetra_ring", "str", "The tag by which this endpoint gets into a ring.", NO_DEFAULT, ("remediation",)),
    Variable("tetra_maintenance_window", "str", "When endpoints may be changed and restarted.", NO_DEFAULT,
             ("remediation", "rollback"), roles=("tetra_remediate", "tetra_reboot")),
    Variable("tetra_slices_declared", "bool", "That a budget for each job slice is meant.", False, ("remediation",),
             roles=("tetra_remediate",)),
    Variable("tetra_reboot", "bool", "Whether a rollback restarts the endpoint.", False, ("rollback",)),
    Variable("tetra_reboot_when", "str", "Whether a restart waits for users to log off.", "always",
             ("remediation", "rollback"), ("always", "no_user", "never"), roles=("tetra_remediate",)),
    Variable("tetra_reboot_method", "str", "How endpoints are restarted.", "native", ("remediation", "rollback"),
             ("native", "win_reboot"), roles=("tetra_remediate",)),
    Variable("tetra_reboot_countdown", "int", "Seconds for saving, where somebody is logged on; 0 forces nothing.", 60,
             ("remediation", "rollback"), roles=("tetra_remediate",)),
    Variable("tetra_reboot_put_off", "int", "With no_user: seconds for which the controller looks again.", 0,
             ("remediation", "rollback"), roles=("tetra_remediate",)),
    Variable("tetra_reboot_then", "str", "What comes after them.", "hold", ("remediation", "rollback"),
             ("hold", "force"), roles=("tetra_remediate",)),
    Variable("tetra_on_battery", "str", "Whether an endpoint on its battery is restarted.", "hold",
             ("remediation", "rollback"), ("hold", "restart"), roles=("tetra_remediate", "tetra_reboot")),
    Variable("tetra_update_seconds", "int", "Seconds beyond the deadline where Windows updates wait.", 1800,
             ("remediation", "rollback"), roles=("tetra_remediate", "tetra_reboot")),
    Variable("tetra_hook_before", "list", "A command of the controller before each restart, as its arguments.", [],
             ("remediation", "rollback"), roles=("tetra_remediate", "tetra_reboot")),
    Variable("tetra_hook_after", "list", "The same after it.", [], ("remediation", "rollback"),
             roles=("tetra_remediate", "tetra_reboot")),
    Variable("tetra_named_roles", "list", "Special roles whose holders may be restarted.", [], _CHANGING, ROLE_NAMES,
             roles=("tetra_remediate", "tetra_reboot")),
    Variable("tetra_deadline", "int", "Seconds for all that is done to one endpoint.", 1800, _CHANGING,
             roles=("tetra_remediate", "tetra_reboot"), roles_otherwise={"tetra_reboot": 900}),
    Variable("tetra_commit_confirm", "int", "Minutes after which an unproven endpoint puts itself back; 0 is never.", 0,
             ("remediation",), roles=("tetra_remediate",)),
    Variable("tetra_update_definitions", "bool", "Whether the definitions are updated as a proof.", True,
             ("golden_image", "remediation"), otherwise={"golden_image": False},
             roles=("tetra_remediate", "tetra_verify")),
    Variable("tetra_debug_logging", "bool", "Whether the connector logs more during that update.", False,
             ("remediation",), roles=("tetra_remediate", "tetra_verify")),
    Variable("tetra_change_domain_gpo", "bool", "Whether domain GPOs may be changed.", NO_DEFAULT, ("remediation",)),
    Variable("tetra_gpo_host", "str", "The management host on which GPOs are changed.", NO_DEFAULT, ("remediation",)),
    Variable("tetra_gpo_server", "str", "The domain controller on which GPOs are changed.", NO_DEFAULT,
             ("remediation",)),
    Variable("tetra_gpo_deadline", "int", "Seconds in which an endpoint has to follow a changed GPO.", 900,
             ("remediation",)),
    Variable("tetra_from_endpoint", "bool", "Whether before-images on the endpoint count too.", False, ("rollback",)),
    Variable("tetra_force", "bool", "Whether a policy file that is damaged, and not by us, is replaced.", False,
             ("rollback",)),
    Variable("tetra_observe_dir", "path", "Where observation files go.", "tetra-observations", ("observe",)),
    Variable("tetra_observe_writes", "bool", "Whether an observation may change something for a moment.", False,
             ("observe",)),
    Variable("tetra_observe_restarts", "bool", "Whether an observation may restart the endpoint too.", False,
             ("observe",)),
    Variable("tetra_observe_listen", "str", "The controller's address as an observed endpoint reaches it.", "auto",
             ("observe",)),
    Variable("tetra_console_region", "str", "The region of the console.", "nam", ("console",)),
    Variable("tetra_console_base_url", "str", "The address of the console's API.", NO_DEFAULT, ("console",)),
    Variable("tetra_console_credentials_file", "path", "The file with the API's credentials.", NO_DEFAULT,
             ("console",)),
    Variable("tetra_console_ca_cert", "path", "The certificates that the console's is checked against.", NO_DEFAULT,
             ("console",)),
    Variable("tetra_console_proxy", "str", "The proxy to the console.", NO_DEFAULT, ("console",)),
    Variable("tetra_console_definitions_hours", "int", "Definitions older than so many hours are told.", 24,
             ("console",)),
    Variable("tetra_console_silent_days", "int", "Computers not seen for so many days are told.", 7, ("console",)),
    Variable("tetra_console_run", "path", "A run folder to compare the console with.", NO_DEFAULT, ("console",)),
    Variable("tetra_from", "path", "The run folder in which endpoints to diagnose are looked for.", NO_DEFAULT,
             ("diagnose",)),
    Variable("tetra_where", "str", "The expression over its results that chooses them.", NO_DEFAULT, ("diagnose",)),
    Variable("tetra_capture", "bool", "Whether packets are captured.", True, ("diagnose",)),
    Variable("tetra_support_bundle", "bool", "Whether the connector is asked for a support bundle.", False,
             ("diagnose",)),
    Variable("tetra_diagnose_unproven", "bool", "Whether an endpoint that a cure leaves unproven is diagnosed.", False,
             ("remediation",)),
    Variable("tetra_keep_days", "int", "Days after which what was captured goes.", 7, ("diagnose", "remediation")),
    Variable("tetra_end_after_minutes", "int", "Minutes after which the endpoint itself ends a capture.", 15,
             ("diagnose",)),
    Variable("tetra_request_seconds", "int", "Seconds for one request of the endpoint.", 20, ("diagnose",)),
    Variable("tetra_site", "str", "Where the endpoint stands.", NO_DEFAULT, ("diagnose", "remediation")),
    Variable("tetra_issuers", "list", "Words of which one names the right issuer of the servers.", NO_DEFAULT,
             ("diagnose", "remediation")),
    Variable("tetra_addresses", "list", "Addresses whose connections count, whatever their name.", NO_DEFAULT,
             ("diagnose",)),
    Variable("tetra_history_store", "path", "The file of the history.", "tetra-results/history.sqlite",
             ("history", "tell"), otherwise={"tell": NO_DEFAULT}),
    Variable("tetra_history_add", "list", "Run folders to add.", [], ("history",)),
    Variable("tetra_history_page", "path", "The page to write.", "tetra-results/history.html", ("history",)),
    Variable("tetra_history_exceptions", "path", "A file of excused endpoints.", NO_DEFAULT, ("history", "tell")),
    Variable("tetra_history_site_by", "str", "What tells the site of an endpoint.", NO_DEFAULT, ("history", "tell")),
    Variable("tetra_history_keep_days", "int", "Days after which runs leave the history.", NO_DEFAULT, ("history",)),
    Variable("tetra_history_level_days", "int", "Days in which breakages are to be repaired.", 14, ("history", "tell")),
    Variable("tetra_history_level_share", "float", "The share of them that has to be.", 0.95, ("history", "tell")),
    Variable("tetra_tell_run", "path", "The run folder that others are told of.", NO_DEFAULT, ("tell",)),
    Variable("tetra_tell_metrics", "path", "The file of metrics for node_exporter's textfile collector.", NO_DEFAULT,
             ("tell",)),
    Variable("tetra_tell_ocsf", "path", "The file of OCSF events, one a line.", NO_DEFAULT, ("tell",)),
    Variable("tetra_tell_tickets", "path", "The folder of the tickets, one for each owner of a setting.", NO_DEFAULT,
             ("tell",)),
    Variable("tetra_tell_syslog", "dict", "The syslog server that gets CEF: host, port, protocol.", NO_DEFAULT,
             ("tell",)),
    Variable("tetra_tell_webhooks", "list", "The webhooks: url, format, secret.", NO_DEFAULT,
             ("servers", "tell")),
    Variable("tetra_tell_mail", "dict", "The mail: host, security, sender, to, attach.", NO_DEFAULT,
             ("servers", "tell")),
    Variable("tetra_tell_strict", "bool", "Whether somebody who could not be told makes the run fail.", False,
             ("tell",)),
    Variable("tetra_servers", "list", "The definition servers to measure.",
             ["tetra-defs.amp.cisco.com", "tetra-defs.eu.amp.cisco.com", "tetra-defs.apjc.amp.cisco.com"],
             ("servers",)),
    Variable("tetra_servers_port", "int", "Their port.", 443, ("servers",)),
    Variable("tetra_servers_proxy", "str", "The proxy to them, as host:port.", NO_DEFAULT, ("servers",)),
    Variable("tetra_servers_ca_file", "path", "The certificates that theirs are checked against.", NO_DEFAULT,
             ("servers",)),
    Variable("tetra_servers_allow_list", "list", "What they should accept, in place of the list of 2022.", NO_DEFAULT,
             ("servers",)),
    Variable("tetra_servers_suites", "list", "What is offered to them; all for every suite.", NO_DEFAULT,
             ("servers",)),
    Variable("tetra_servers_metrics", "path", "The file of their metrics.", NO_DEFAULT, ("servers",)),
    Variable("tetra_own_variables", "list", "Names of your own that begin with tetra_; * is anything.", [], ALL),
)  # fmt: skip

INTERNAL: frozenset[str] = frozenset(
    {
        "tetra_all", "tetra_asleep", "tetra_audit_result", "tetra_console", "tetra_contact", "tetra_seen",
        "tetra_chosen", "tetra_cured", "tetra_diagnosis",
        "tetra_history", "tetra_told", "tetra_measured", "tetra_watched", "tetra_done", "tetra_end",
        "tetra_failed", "tetra_found", "tetra_gate", "tetra_image", "tetra_judged", "tetra_kept", "tetra_nothing",
        "tetra_planned",
        "tetra_repair", "tetra_replanned", "tetra_report", "tetra_report_made", "tetra_results",
        "tetra_rollback", "tetra_rollback_ended",
        "tetra_rollout_ended", "tetra_run", "tetra_unread", "tetra_waiting", "tetra_waived", "tetra_wave",
        "tetra_remediate_result",
        "tetra_remediate_begun", "tetra_remediate_beginning", "tetra_remediate_hosts",
        "tetra_verify_audit", "tetra_verify_update", "tetra_gather_result", "tetra_judge_saved", "tetra_judge_result",
        "tetra_judge_filed",
        "tetra_remediate_planned", "tetra_verify_result", "tetra_verify_console_before",
        "tetra_verify_console_after", "tetra_reboot_result",
    }
)  # fmt: skip
"""What playbooks and roles register; another playbook of the same command may have done so."""

BY_NAME: dict[str, Variable] = {one.name: one for one in VARIABLES}


def default(name: str) -> t.Any:
    """The declared default of a variable, for the options of the actions."""
    return BY_NAME[name].default


def default_in(name: str, playbook: str) -> t.Any:
    """The declared default of a variable in one playbook."""
    return BY_NAME[name].default_in(playbook)


def choices(name: str) -> list[str]:
    """What a variable may be."""
    return list(BY_NAME[name].choices)


def render_markdown() -> str:
    """The text of ``docs/variables.md``."""
    lines = [
        "# Variables",
        "",
        "Every variable of the playbooks. A `tetra_` name that is not here ends a run before anything is asked, with",
        "the nearest name that is; names of your own are allowed by `tetra_own_variables`, e.g. `[tetra_site_*]`.",
        "A role has those in its column under its own name: `tetra_timeout` is `tetra_audit_timeout`.",
        "",
        "Made from `plugins/plugin_utils/variables/declared.py` (`render_markdown`); a test compares them.",
        "",
        "| variable | type | default | what | playbooks | roles |",
        "|---|---|---|---|---|---|",
    ]
    for one in VARIABLES:
        choices = f" One of {', '.join(f'`{choice}`' for choice in one.choices)}." if one.choices else ""
        books = "all" if one.playbooks == ALL else ", ".join(one.playbooks)
        what = f"{one.sentence}{choices}"
        lines.append(f"| `{one.name}` | {one.type} | {_defaults(one)} | {what} | {books} | {', '.join(one.roles)} |")
    return "\n".join(lines) + "\n"


def _defaults(one: Variable) -> str:
    told = [] if one.default is NO_DEFAULT else [f"`{_shown(one.default)}`"]
    told += [f"{book}: `{_shown(value)}`" for book, value in one.otherwise.items() if value is not NO_DEFAULT]
    told += [f"{role}: `{_shown(value)}`" for role, value in one.roles_otherwise.items()]
    return "; ".join(told)


def _shown(value: t.Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
