# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab on the command line: ``serve``, ``run``, ``compare`` and ``rehearse``."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import logging
import os
import pathlib
import signal
import sys
import typing as t

from ansible_collections.fleetops.tetra.lab import fleet as fleets
from ansible_collections.fleetops.tetra.lab.errors import FleetError
from ansible_collections.fleetops.tetra.lab.running import Endpoints

INVENTORY_VARIABLE = "TETRA_LAB_INVENTORY"
REQUESTS_FILE = "requests.json"
_STOPPING = 10.0
"""Seconds that a command gets to end after a signal before it is killed."""


def main(arguments: t.Sequence[str] | None = None) -> int:
    """Runs one subcommand and gives its exit code: 0 done, 1 something failed, 2 wrong use or a wrong fleet file."""
    logging.basicConfig(level=logging.WARNING, format="lab: %(message)s", stream=sys.stderr)
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] in (["compare"], ["rehearse"]):
        return _elsewhere(*given)
    options = _parser().parse_args(given)
    try:
        return asyncio.run(_serve(options) if options.subcommand == "serve" else _run(options))
    except FleetError as problem:
        print(f"lab: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description="Simulated Windows endpoints for rehearsals and tests.")
    commands = parser.add_subparsers(dest="subcommand", required=True, metavar="serve | run | compare | rehearse")
    serve = commands.add_parser("serve", help="keep a fleet running until interrupted")
    run = commands.add_parser("run", help="run a command while the fleet runs, and end with its exit code")
    commands.add_parser("compare", help="compare a run's verdicts with what the fleet file expects")
    commands.add_parser("rehearse", help="run the remediation on endpoints simulated from saved results")
    for command in (serve, run):
        command.add_argument("--fleet", required=True, type=pathlib.Path, help="fleet file (YAML)")
        command.add_argument(
            "--work-dir", required=True, type=pathlib.Path, help="directory for certificates and the inventory"
        )
        command.add_argument(
            "--inventory", type=pathlib.Path, help="where to write the inventory (default: in the work directory)"
        )
        command.add_argument(
            "--port-base", type=_port, default=0, help="first of consecutive ports (default: free ports)"
        )
    run.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="{inventory} becomes the inventory's path"
    )
    return parser


def _port(text: str) -> int:
    number = int(text) if text.isdecimal() else -1
    if not 1024 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port from 1024 to 65535")
    return number


async def _started(options: argparse.Namespace) -> tuple[Endpoints, pathlib.Path]:
    endpoints = Endpoints(fleets.load(options.fleet), options.work_dir)
    endpoints.prepare()
    path: pathlib.Path = options.inventory or options.work_dir / "inventory.yml"
    try:
        await endpoints.start(options.port_base)
        path.parent.mkdir(parents=True, exist_ok=True)
        endpoints.write_inventory(path)
    except BaseException:
        await endpoints.stop()
        raise
    return endpoints, path.resolve()


async def _stopped(endpoints: Endpoints, options: argparse.Namespace) -> None:
    await endpoints.stop()
    counted = json.dumps(endpoints.counters, indent=1, sort_keys=True)
    (options.work_dir / REQUESTS_FILE).write_text(counted + "\n", encoding="utf-8")


async def _serve(options: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    endpoints, path = await _started(options)
    try:
        print(f"{len(endpoints.listeners)} simulated endpoints are up; inventory: {path}", flush=True)
        await stop.wait()
    finally:
        await _stopped(endpoints, options)
        path.unlink(missing_ok=True)
    return 0


async def _run(options: argparse.Namespace) -> int:
    words = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not words:
        print("lab: run needs a command after --.", file=sys.stderr)
        return 2
    endpoints, path = await _started(options)
    try:
        words = [word.replace("{inventory}", str(path)) for word in words]
        environment = {**os.environ, INVENTORY_VARIABLE: str(path)}
        try:
            process = await asyncio.create_subprocess_exec(*words, env=environment)
        except OSError as problem:
            print(f"lab: {words[0]} cannot be run: {problem.strerror}.", file=sys.stderr)
            return 127 if isinstance(problem, FileNotFoundError) else 126
        return await _ended(process)
    finally:
        await _stopped(endpoints, options)


async def _ended(process: asyncio.subprocess.Process) -> int:
    """The exit code of the command; signals go on to it (Ctrl+C in a terminal has reached it already)."""
    loop = asyncio.get_running_loop()
    killer: list[asyncio.TimerHandle] = []

    def pass_on(number: int) -> None:
        if process.returncode is None:
            if number != signal.SIGINT or not sys.stdin.isatty():
                process.send_signal(number)
            killer.append(loop.call_later(_STOPPING, _kill, process))

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, pass_on, number)
    code = await process.wait()
    for timer in killer:
        timer.cancel()
    return 128 - code if code < 0 else code


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()


def _elsewhere(subcommand: str, *arguments: str) -> int:
    """The subcommands that have files of their own, loaded when they are asked for."""
    name = {"compare": "comparison", "rehearse": "rehearsal.command"}[subcommand]
    module = importlib.import_module(f"ansible_collections.fleetops.tetra.lab.{name}")
    return int(module.main(list(arguments)) or 0)
