# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observes the Windows that this runs on: python observe_stdio.py [--writes] --dest FOLDER powershell.exe -s …

Needs pypsrp and this checkout, neither Ansible nor WinRM. Ends with 2 and one sentence where nothing was observed.
"""

from __future__ import annotations

import argparse
import importlib
import pathlib
import sys
import types
import typing as t

ROOT = pathlib.Path(__file__).resolve().parents[2]


def namespace() -> None:
    """Makes this checkout importable as ansible_collections.fleetops.tetra where it does not lie in such folders."""
    for name, path in (
        ("ansible_collections", None),
        ("ansible_collections.fleetops", None),
        ("ansible_collections.fleetops.tetra", ROOT),
        *((f"ansible_collections.fleetops.tetra.{part}", ROOT / part) for part in ("lab", "plugins", "tests")),
        *((f"ansible_collections.fleetops.tetra.tests.{part}", ROOT / "tests" / part) for part in ("record", "unit")),
    ):
        try:
            importlib.import_module(name)
        except ImportError:
            module = types.ModuleType(name)
            module.__path__ = [str(path)] if path is not None else []
            sys.modules[name] = module


def parser_of(description: str | None, dest: str) -> argparse.ArgumentParser:
    """Where to write to, for how long an answer is waited for, and the PowerShell that is asked."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--dest", type=pathlib.Path, default=pathlib.Path(dest))
    parser.add_argument("--seconds", type=float, default=120, help="how long one answer may take")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    return parser


def parsed(parser: argparse.ArgumentParser, arguments: t.Sequence[str] | None) -> argparse.Namespace:
    """Ends the program where no PowerShell is named."""
    options = parser.parse_args(arguments)
    if not options.command:
        parser.error("name the program, such as: powershell.exe -s -NoLogo -NoProfile")
    return options


def main(arguments: t.Sequence[str] | None = None) -> int:
    parser = parser_of(__doc__, "tetra-observations")
    parser.add_argument("--writes", action="store_true", help="also what changes something, on a disposable machine")
    parser.add_argument("--listen", default="127.0.0.1", help="where its curl.exe says hello; empty: nowhere")
    options = parsed(parser, arguments)
    namespace()
    base = "ansible_collections.fleetops.tetra"
    observing = importlib.import_module(f"{base}.plugins.plugin_utils.observations.observe")
    task = importlib.import_module(f"{base}.plugins.plugin_utils.observations.task")
    statements = importlib.import_module(f"{base}.plugins.plugin_utils.conversation.statements")
    clock = importlib.import_module(f"{base}.plugins.plugin_utils.run_folder.clock")
    stdio = importlib.import_module(f"{base}.tests.record.stdio")
    remote = importlib.import_module(f"{base}.plugins.plugin_utils.conversation.remote_endpoint")
    endpoint = remote.RemoteEndpoint(stdio.StdioConnection(options.command, options.seconds))
    allowed = observing.Allowed(writes=options.writes, address=options.listen or None)
    try:
        endpoint.session().open()
        document = observing.observe(endpoint, clock.now(), allowed)
        path, digest = task.keep(options.dest, document)
    except (statements.SessionError, observing.NotWindows, OSError) as error:
        print(f"Nothing was observed: {error}", file=sys.stderr)
        return 2
    finally:
        endpoint.hand_over()
    for row in document["rows"]:
        print(f"{row['behaviour']:40} {row['variant'] or '-':16} {row['reason'] or ''}")
    print(f"{path} sha256 {digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
