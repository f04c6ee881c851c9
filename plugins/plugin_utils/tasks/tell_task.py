# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""fleetops.tetra.tell: a run folder and a history in, files and messages out. Every way is tried."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
import socket
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import Record
from ansible_collections.fleetops.tetra.plugins.module_utils.history.exceptions import exemptions, soon
from ansible_collections.fleetops.tetra.plugins.module_utils.telling import cef as cef_lines
from ansible_collections.fleetops.tetra.plugins.module_utils.telling.messages import Notice, message, notice_of
from ansible_collections.fleetops.tetra.plugins.module_utils.telling.ocsf import ocsf
from ansible_collections.fleetops.tetra.plugins.module_utils.telling.summary import OverTime, Summary, Told
from ansible_collections.fleetops.tetra.plugins.module_utils.telling.tickets import body
from ansible_collections.fleetops.tetra.plugins.plugin_utils.history.store import Store
from ansible_collections.fleetops.tetra.plugins.plugin_utils.history.trend import trend, unexcused
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.writing import write_atomically
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.collection import collection_version
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import Run, read_run
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.history_task import site_by
from ansible_collections.fleetops.tetra.plugins.plugin_utils.telling import mail, syslog, webhook
from ansible_collections.fleetops.tetra.plugins.plugin_utils.telling.errors import TellingError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.telling.metrics import run_metrics
from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.option_spec import OptionSpecs

Arguments = dict[str, t.Any]
TELL: t.Final[OptionSpecs] = {
    "run": {"type": "path", "required": True},
    "store": {"type": "str", "no_log": False},
    "exceptions": {"type": "path"},
    "level_days": {"type": "float", "default": 14.0},
    "level_share": {"type": "float", "default": 0.95},
    "site_by": {"type": "str"},
    "metrics": {"type": "path"},
    "ocsf": {"type": "path"},
    "tickets": {"type": "path"},
    "syslog": {
        "type": "dict",
        "options": {
            "host": {"type": "str", "required": True},
            "port": {"type": "int"},
            "protocol": {"type": "str", "choices": ["tls", "tcp", "udp"], "default": "tls"},
            "ca_cert": {"type": "path"},
            "facility": {"type": "str", "choices": list(cef_lines.FACILITIES), "default": "local0"},
            "states": {
                "type": "list",
                "elements": "str",
                "choices": ["compliant", "non_compliant", "unknown", "not_applicable"],
                "default": ["non_compliant", "unknown"],
            },
            "timeout": {"type": "float", "default": 10.0},
        },
    },
    "webhooks": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "no_log": False,
        "options": {
            "url": {"type": "str", "required": True, "no_log": True},
            "format": {"type": "str", "choices": ["plain", "teams", "slack"], "default": "plain"},
            "secret": {"type": "str", "no_log": True},
            "ca_cert": {"type": "path"},
            "proxy": {"type": "str", "no_log": True},
            "timeout": {"type": "float", "default": 30.0},
            "tries": {"type": "int", "default": 3},
        },
    },
    "mail": {
        "type": "dict",
        "options": {
            "host": {"type": "str", "required": True},
            "port": {"type": "int"},
            "security": {"type": "str", "choices": ["starttls", "tls", "none"], "default": "starttls"},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "sender": {"type": "str", "required": True},
            "to": {"type": "list", "elements": "str", "required": True},
            "subject": {"type": "str"},
            "attach": {"type": "list", "elements": "path", "default": []},
            "ca_cert": {"type": "path"},
            "timeout": {"type": "float", "default": 30.0},
        },
    },
    "strict": {"type": "bool", "default": False},
}
WEBHOOK_SECRET: t.Final = "TETRA_WEBHOOK_SECRET"
MAIL_PASSWORD: t.Final = "TETRA_MAIL_PASSWORD"
_SOON_DAYS: t.Final = 30
_KEY: t.Final = re.compile(r"tetra-[0-9a-z-]{1,120}")
_WORLD_READABLE: t.Final = 0o644
"""node_exporter runs under an account of its own, and the metrics name no endpoint."""


class Way(t.TypedDict):
    """One way of telling, and what came of it."""

    way: str
    told: bool
    sentence: str


def tell_task(arguments: Arguments, excused: t.Any = None) -> dict[str, t.Any]:
    """The result of the module; ``excused``: what the file of exceptions holds.

    Errors: ResultsError, HistoryError, ExceptionsError, TellingError (options that cannot be meant).
    """
    check_options([arguments["syslog"], arguments["mail"], *arguments["webhooks"]])
    run = read_run(Path(arguments["run"]))
    summary = Summary(site_by(arguments["site_by"]))
    for record in run.records():
        summary.take(record)
    notes: list[str] = []
    over_time = _over_time(arguments, str(run.info["token"]), excused, notes)
    told = summary.told(
        str(run.info["run_id"]), str(run.info.get("playbook") or ""), str(run.info["started_at"]), over_time
    )
    ways = list(_ways(arguments, run, told))
    problems = [one["sentence"] for one in ways if not one["told"]]
    return {
        "changed": any(one["told"] for one in ways),
        "failed": bool(problems) and bool(arguments["strict"]),
        "msg": " ".join(problems or [told["headline"]]),
        "ways": ways,
        "problems": problems,
        "notes": notes,
        "told": {**told, "tickets": [{**one, "hosts": one["hosts"][:20]} for one in told["tickets"]]},
    }


def _ways(arguments: Arguments, run: Run, told: Told) -> Iterator[Way]:
    version = collection_version() or "0"
    if arguments["metrics"]:
        path = Path(arguments["metrics"])
        yield one_way(
            "metrics",
            lambda: write(path, [run_metrics(told, version)], _WORLD_READABLE),
        )
    if arguments["ocsf"]:
        yield one_way("ocsf", lambda: write(Path(arguments["ocsf"]), _events(run, told, version)))
    if arguments["tickets"]:
        yield one_way("tickets", lambda: _tickets(Path(arguments["tickets"]), told))
    if arguments["syslog"]:
        yield one_way("syslog", lambda: _syslog(arguments["syslog"], run, told, version))
    for number, hook in enumerate(arguments["webhooks"], 1):
        yield one_way(f"webhook {number}", lambda hook=hook: send_webhook(hook, notice_of(told)))  # type: ignore[misc]
    if arguments["mail"]:
        yield one_way("mail", lambda: send_mail(arguments["mail"], notice_of(told)))


def one_way(way: str, act: t.Callable[[], str]) -> Way:
    """Does it, or says why not."""
    try:
        return {"way": way, "told": True, "sentence": act()}
    except (TellingError, ReportError) as error:
        return {"way": way, "told": False, "sentence": str(error)}


def write(path: Path, chunks: t.Iterable[str], mode: int | None = None) -> str:
    """A file, whole or not at all; the sentence about it. Errors: ReportError."""
    size = write_atomically(path, chunks, mode)
    return f"{path} has {size:,} bytes."


def _events(run: Run, told: Told, version: str) -> Iterator[str]:
    now = int(time.time() * 1000)
    for record in run.records():
        yield json.dumps(ocsf(record, told["run_id"], version, now), ensure_ascii=False, separators=(",", ":")) + "\n"


def _tickets(folder: Path, told: Told) -> str:
    """One file for each owner, and all in tickets.json; those that an earlier run wrote and nobody needs now go."""
    index = folder / "tickets.json"
    keys = {ticket["key"] for ticket in told["tickets"]}
    for key in _former(index) - keys:
        with contextlib.suppress(OSError):
            (folder / f"{key}.md").unlink()
    for ticket in told["tickets"]:
        write_atomically(folder / f"{ticket['key']}.md", [body(ticket, told["run_id"])])
    bodies = [{**ticket, "body": body(ticket, told["run_id"])} for ticket in told["tickets"]]
    document = {"run_id": told["run_id"], "tickets": bodies}
    write_atomically(index, [json.dumps(document, ensure_ascii=False, indent=1), "\n"])
    return f"{folder} holds {len(bodies)} tickets."


def _former(index: Path) -> set[str]:
    try:
        found = json.loads(index.read_text(encoding="utf-8"))
        keys = {str(ticket["key"]) for ticket in found["tickets"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {key for key in keys if _KEY.fullmatch(key)}


def _syslog(options: Arguments, run: Run, told: Told, version: str) -> str:
    receiver = syslog.Receiver(
        options["host"],
        options["port"] or syslog.PORTS[options["protocol"]],
        options["protocol"],
        options["ca_cert"],
        options["timeout"],
    )
    here, process = socket.gethostname(), os.getpid()

    def messages(records: t.Iterable[Record]) -> Iterator[bytes]:
        for record in records:
            state = record["verdict"]["state"]
            if state in options["states"]:
                line = cef_lines.cef(record, told["run_id"], version)
                now = datetime.datetime.now(datetime.UTC)
                severity = cef_lines.SYSLOG_SEVERITY[state]
                yield cef_lines.syslog(line, severity, options["facility"], here, now, process)

    number = syslog.send(receiver, messages(run.records()))
    unsure = "; over UDP nobody knows whether they arrived" if receiver.protocol == "udp" else ""
    return f"{number:,} endpoints told to the syslog server {receiver.name}{unsure}."


def send_webhook(options: Arguments, notice: Notice) -> str:
    """The sentence about it. Errors: TellingError."""
    secret = options["secret"] or os.environ.get(WEBHOOK_SECRET) or None
    hook = webhook.Hook(
        options["url"], secret, options["ca_cert"], options["proxy"], options["timeout"], options["tries"]
    )
    status = webhook.post(hook, message(notice, options["format"]))
    return f"The webhook at {hook.host} took it (HTTP {status})."


def send_mail(options: Arguments, notice: Notice) -> str:
    """The sentence about it. Errors: TellingError."""
    post = mail.Post(
        options["host"],
        options["port"] or mail.PORTS[options["security"]],
        options["security"],
        options["sender"],
        options["to"],
        options["username"],
        options["password"] or os.environ.get(MAIL_PASSWORD) or None,
        options["ca_cert"],
        options["timeout"],
    )
    mail.send(post, mail.compose(notice, post, options["subject"], [Path(name) for name in options["attach"]]))
    return f"The mail server {post.name} took the mail to {len(post.to)} recipients."


def _over_time(arguments: Arguments, token: str, excused: t.Any, notes: list[str]) -> OverTime | None:
    if not arguments["store"]:
        return None
    now = datetime.datetime.now(datetime.UTC)
    granted = exemptions(excused) if arguments["exceptions"] else []
    store = Store(arguments["store"])
    try:
        with store.begin() as connection:
            newest = store.newest_token(connection)
        if newest != token:
            notes.append(f"The newest run of the store {store.name} is another one: nothing is told over time.")
            return None
        found = trend(store, now, arguments["level_days"], arguments["level_share"])
    finally:
        store.close()
    open_ones, covered = unexcused(found, granted, now.date())
    happened: t.Mapping[str, int] = found.happened.get(found.runs[-1].seq, {})
    return {
        "runs": len(found.runs),
        "broken_new": happened.get("broken", 0),
        "repaired": happened.get("repaired", 0),
        "relapsed": happened.get("relapsed", 0),
        "broken": len(open_ones),
        "excused": len(covered),
        "expiring": len(soon(granted, now.date(), _SOON_DAYS)),
        "repair_days": found.repairs.median,
        "level_days": found.level.days,
        "level_due": found.level.due,
        "level_kept": found.level.kept,
        "level_met": found.level.met,
    }


def check_options(given: t.Sequence[Arguments | None]) -> None:
    """Options of ways. Errors: TellingError where one cannot be meant."""
    for options in given:
        if not options:
            continue
        if not 0 < options["timeout"] <= 600:
            raise TellingError(f"The option timeout is {options['timeout']:g}; it is a number of seconds up to 600.")
        port = options.get("port")
        if port is not None and not 0 < port < 65536:
            raise TellingError(f"The option port is {port}; it is a number from 1 to 65535.")
        if not 0 <= options.get("tries", 0) <= 10:
            raise TellingError(f"The option tries is {options['tries']}; it is a number from 0 to 10.")
