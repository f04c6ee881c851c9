# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``lab rehearse``: the remediation playbook on endpoints that are simulated from saved results.

``OUT/fleet.yml`` is the fleet, ``OUT/check/`` an audit of it (does it get the saved verdicts?), ``OUT/remediation/``
the folder of the remediation, ``OUT/rehearsal.json`` the summary.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import typing as t

import yaml

from ansible_collections.fleetops.tetra.lab import comparison
from ansible_collections.fleetops.tetra.lab import fleet as fleets
from ansible_collections.fleetops.tetra.lab.errors import FleetError
from ansible_collections.fleetops.tetra.lab.rehearsal import endpoint, saved_results, summary
from ansible_collections.fleetops.tetra.lab.rehearsal.endpoint import CannotRehearse, Rehearsed
from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet

FLEET, CHECK, REMEDIATION, SUMMARY = "fleet.yml", "check", "remediation", "rehearsal.json"
_DESCRIBE = "Made by a rehearsal of saved results."
_MAX_REBOOTS = re.compile(r"tetra_max_reboots[\"']?\s*[:=]\s*[\"']?(\d+)")


def main(arguments: t.Sequence[str]) -> int:
    """The exit code of the rehearsed playbook, or 2 where there is nothing to rehearse."""
    given = list(arguments)
    split = given.index("--") if "--" in given else len(given)
    options = _parser().parse_args(given[:split])
    options.playbook_arguments = given[split + 1 :]
    try:
        return _rehearse(options)
    except FleetError as problem:
        print(f"lab: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lab rehearse",
        description="Run the remediation on endpoints that are simulated from saved results.",
        usage="%(prog)s --results RUN_FOLDER [options] [-- options of ansible-playbook]",
    )
    parser.add_argument("--results", required=True, type=pathlib.Path, help="run folder of an audit or a remediation")
    parser.add_argument(
        "--out", type=pathlib.Path, default=pathlib.Path("build/rehearsal"), help="folder for the results"
    )
    parser.add_argument("--reboot-minutes", type=_minutes, default=5.0, help="how long a restart takes (default: 5)")
    parser.add_argument(
        "--account",
        choices=(endpoint.AS_AUDITED, endpoint.ADMINISTRATOR),
        default=endpoint.AS_AUDITED,
        help="rights of the remediation's account: those that the audit saw (default), or those of an administrator",
    )
    parser.add_argument("--gpo-host", help="name of the management host that changes domain GPOs (tetra_gpo_host)")
    return parser


def _minutes(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number <= 1440:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of minutes from 0 to 1440")
    return number


def _rehearse(options: argparse.Namespace) -> int:
    playbook = _ansible_playbook()
    saved = saved_results.read(options.results)
    made, left_out = _endpoints(saved, options.account)
    fleet = _fleet(made, options.gpo_host)
    out = _prepared(options.out)
    text = yaml.safe_dump(fleet, sort_keys=False, allow_unicode=True, width=120)
    (out / FLEET).write_text(text, encoding="utf-8")
    print(f"Rehearsing on {len(made)} simulated endpoints of {options.results}", flush=True)
    with running_fleet(fleets.from_mapping(fleet, str(out / FLEET)), out / "lab") as running:
        wrong = _check(playbook, running, saved, made, out)
        code = _remediate(playbook, running, saved, out, options.playbook_arguments)
    pace = pace_of(options.playbook_arguments, options.reboot_minutes)
    if not (out / REMEDIATION / "remediation.json").is_file():
        raise FleetError("The remediation ended without a summary; what ansible-playbook said stands above.")
    document = {
        **summary.summarise(out / REMEDIATION, made, wrong, pace),
        "made_at": f"{_now():%Y-%m-%dT%H:%M:%SZ}",
        "results": str(saved.folder),
        "account": options.account,
        "exit_code": code,
        "left_out": left_out,
    }
    (out / SUMMARY).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print("\n".join(["", *summary.sentences(document), f"Rehearsal: {out / SUMMARY}", *_reports(out)]))
    return code


def _endpoints(saved: saved_results.SavedResults, account: str) -> tuple[list[Rehearsed], dict[str, str]]:
    """The endpoints that can be rehearsed, and why the others cannot. Raises FleetError where none can."""
    made, left_out = [], dict(saved.left_out)
    for record in saved.records:
        try:
            made.append(endpoint.rehearsed(record["facts"], record["verdict"], _now(), account))
        except CannotRehearse as problem:
            left_out[record["host"]] = f"It cannot be simulated: {problem}"
    if not made:
        host, why = next(iter(left_out.items()))
        raise FleetError(f"None of {len(left_out)} endpoints can be rehearsed; {host}: {why}")
    return made, left_out


def _fleet(made: t.Sequence[Rehearsed], gpo_host: str | None) -> dict[str, t.Any]:
    endpoints = {one.name: one.definition for one in made}
    if gpo_host is not None:
        endpoints.setdefault(gpo_host, {"release": "2022", "connector": "absent"})
        endpoints[gpo_host].update(gpo_management=True, domain=_domain(made))
    return {"schema": fleets.SCHEMA, "describe": _DESCRIBE, "endpoints": endpoints}


def _domain(made: t.Sequence[Rehearsed]) -> str:
    """The domain of the GPOs that the endpoints name. Raises FleetError."""
    found = sorted({name for one in made for name in endpoint.domains_of(one.definition)})
    if len(found) != 1:
        named = ", ".join(found) or "none"
        raise FleetError(f"A management host needs the GPOs of exactly one domain in the results; there are: {named}.")
    return found[0]


def _prepared(out: pathlib.Path) -> pathlib.Path:
    """The empty folder for the results. Raises FleetError for one that holds something else than a rehearsal."""
    out = out.absolute()
    try:
        if out.is_dir() and any(out.iterdir()):
            fleet = out / FLEET
            if not fleet.is_file() or _DESCRIBE not in fleet.read_text(encoding="utf-8"):
                raise FleetError(f"{out} holds something else than a rehearsal: name another folder with --out.")
            shutil.rmtree(out)
        out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise FleetError(f"{out} cannot be used for the rehearsal: {problem.strerror}.") from None
    return out


def _check(
    playbook: str,
    running: RunningFleet,
    saved: saved_results.SavedResults,
    made: t.Sequence[Rehearsed],
    out: pathlib.Path,
) -> dict[str, list[str]]:
    """Audits the simulated endpoints: endpoint → differences of its verdict from the saved one."""
    variables: dict[str, t.Any] = {"tetra_policy": saved.policy} if saved.policy else {}
    command = [playbook, "-i", str(running.inventory), "fleetops.tetra.compliance", "-e", json.dumps(variables)]
    done = subprocess.run(
        [*command, *_folders(out, CHECK)], env=_environment(), capture_output=True, text=True, check=False
    )
    if not (out / CHECK / "hosts").is_dir():
        print(done.stdout + done.stderr, file=sys.stderr)
        raise FleetError("The simulated endpoints could not be audited; what ansible-playbook said stands above.")
    again = comparison.records(out / CHECK)
    by_host = {record["host"]: record for record in saved.records}
    return {one.name: summary.differences(by_host[one.name], again.get(one.name)) for one in made}


def _remediate(
    playbook: str,
    running: RunningFleet,
    saved: saved_results.SavedResults,
    out: pathlib.Path,
    arguments: t.Sequence[str],
) -> int:
    """Runs the playbook with the user's arguments; our folders win over theirs."""
    variables: dict[str, t.Any] = {"tetra_policy": saved.policy} if saved.policy else {}
    command = [playbook, "-i", str(running.inventory), "fleetops.tetra.remediation", "-e", json.dumps(variables)]
    done = subprocess.run([*command, *arguments, *_folders(out, REMEDIATION)], env=_environment(), check=False)
    return done.returncode


def _folders(out: pathlib.Path, run_id: str) -> list[str]:
    return ["-e", json.dumps({"tetra_results_dir": str(out), "tetra_run_id": run_id})]


def _environment() -> dict[str, str]:
    return {**os.environ, "ANSIBLE_LOCALHOST_WARNING": "False"}


def _ansible_playbook() -> str:
    beside = pathlib.Path(sys.executable).parent / "ansible-playbook"
    found = str(beside) if beside.is_file() else shutil.which("ansible-playbook")
    if found is None:
        raise FleetError("ansible-playbook was not found; install ansible-core or activate its environment.")
    return found


def pace_of(arguments: t.Sequence[str], reboot_minutes: float) -> summary.Pace:
    """The pace that the options of ansible-playbook allow."""
    return summary.Pace(reboot_minutes, _forks(arguments), _max_reboots(arguments))


def _forks(arguments: t.Sequence[str]) -> int:
    """How many endpoints ansible-playbook works on at once."""
    text = " ".join(arguments)
    given = re.search(r"(?:^|\s)(?:-f\s*|--forks[ =])(\d+)", text)
    if given:
        return max(1, int(given[1]))
    try:
        from ansible import constants
    except ImportError:
        return 5
    return max(1, int(getattr(constants, "DEFAULT_FORKS", 5)))


def _max_reboots(arguments: t.Sequence[str]) -> int:
    """The limit of the user's extra variables, also of those in files; 0 for none."""
    texts = []
    for argument in arguments:
        texts.append(argument)
        if argument.startswith("@") and pathlib.Path(argument[1:]).is_file():
            texts.append(pathlib.Path(argument[1:]).read_text(encoding="utf-8", errors="replace"))
    found = [int(one) for text in texts for one in _MAX_REBOOTS.findall(text)]
    return found[-1] if found else 0


def _reports(out: pathlib.Path) -> list[str]:
    folder = out / REMEDIATION
    names = (
        ("Before", folder / "before" / "report" / "index.html"),
        ("After", folder / "after" / "report" / "index.html"),
    )
    return [f"{title}: {path}" for title, path in names if path.is_file()]


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)
