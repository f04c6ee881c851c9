# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/how-sure-are-we.md from the behaviours and the observations: make how-sure."""

from __future__ import annotations

import pathlib
import sys
import typing as t

from ansible_collections.fleetops.tetra.lab.machine import behaviours, observed
from ansible_collections.fleetops.tetra.plugins.module_utils.observations.document import OPEN
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import RELEASES, Release
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.probes import NOT_HERE, all_probes

PAGE = pathlib.Path(__file__).resolve().parents[1] / "docs" / "how-sure-are-we.md"
ORDER = ("recorded", "observed", "documented", "inferred")
BELIEFS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("What else shapes the Client Hello (signature algorithms)", ("client_hello_shape", "signature_list")),
    ("Get-ChildItem and slashed keys on 5.1", ("registry_slash",)),
    ("When a changed list counts", ("policy_after_reboot", "local_list_in_force")),
    ("What the cmdlet shows under a policy", ("cmdlet_shows_policy",)),
    (
        "Which switch binds which suite, and TLS 1.3",
        ("switch_of_suite", "tls13_needs_ecdh", "hash_switch_for_tls13", "pkcs_off_kills_ecdhe_rsa"),
    ),
    (
        "Whether a program that does not ask gets TLS 1.2",
        ("program_that_does_not_ask", "disabled_by_default_client", "winhttp_defaults"),
    ),
    ("JEA names", ("jea_names",)),
    ("Set-GPRegistryValue's value over remoting", ("set_gpregistryvalue_over_remoting",)),
    (
        "Suite cmdlets under a policy, schtasks codes and encodings",
        ("suite_cmdlets_with_policy", "schtasks_exit_codes", "schtasks_encoding"),
    ),
    ("Default lists and curves by release", ("default_suites",)),
)
"""The ten beliefs on which most hangs, and the behaviours by which each is observed."""

_HEAD = """# How sure are we

Made by `make how-sure` from `lab/machine/behaviours.py` and the observation files in `lab/observations`; a test keeps
it so.

*recorded*: a published capture of a real host shows it. *observed*: a real Windows of this release was asked
([observations](observations.md)). *documented*: a page says so. *inferred*: nobody has shown it.

A verdict computes {open} of the inferred behaviours in every way that is left open, and is *unknown* where that makes
the difference; an observation of the release takes the other ways out. So what is inferred costs answers, never their
truth.
"""


def render(folder: pathlib.Path = observed.FOLDER) -> str:
    """The page, as Markdown."""
    lines = [_HEAD.format(open=len(OPEN)), _standing(folder), "## By release", ""]
    lines += [f"| release | {' | '.join(ORDER)} | still inferred, and open in a verdict |", "|---|---|---|---|---|---|"]
    for release, server in _releases():
        title = release.title("server" if server else "client")
        known = {b.name: _evidence(b, release, server, folder) for b in behaviours.TABLE}
        counts = " | ".join(str(sum(1 for found in known.values() if found == kind)) for kind in ORDER)
        still = sum(1 for name in OPEN if known[name] == "inferred")
        lines.append(f"| {title} ({', '.join(map(str, release.builds))}) | {counts} | {still} of {len(OPEN)} |")
    lines += ["", "## The ten beliefs", "", "| belief | asked as | observed on |", "|---|---|---|"]
    for belief, names in BELIEFS:
        asked = ", ".join(f"`{name}`" + (" (not by the playbook)" if name in NOT_HERE else "") for name in names)
        lines.append(f"| {belief} | {asked} | {_where(names, folder)} |")
    lines += ["", "## By behaviour", ""]
    lines += ["| behaviour | evidence | open in a verdict | asked by `fleetops.tetra.observe` | observed on |"]
    lines += ["|---|---|---|---|---|"]
    probes = {probe.behaviour: probe for probe in all_probes(t.cast(t.Any, None))}
    for b in sorted(behaviours.TABLE, key=lambda one: (ORDER.index(one.evidence), one.name)):
        probe = probes.get(b.name)
        asked = "-" if probe is None else "with writes" if probe.writes else "yes"
        ways = " or ".join(f"`{variant}`" for variant in OPEN[b.name]) if b.name in OPEN else "-"
        lines.append(f"| `{b.name}` | {b.evidence} | {ways} | {asked} | {_where((b.name,), folder)} |")
    return "\n".join(lines) + "\n"


def _standing(folder: pathlib.Path) -> str:
    seen = observed.load(folder)
    if not seen:
        return (
            "**No Windows has been observed yet**: `lab/observations` holds no file, and nothing below is *observed*.\n"
        )
    files = sorted({one.source for one in seen})
    names = ", ".join(f"`{name}`" for name in files)
    return f"Observed so far: {len(seen)} behaviours, in {len(files)} files ({names}).\n"


def _releases() -> t.Iterator[tuple[Release, bool]]:
    for release in RELEASES:
        if release.client is not None:
            yield release, False
        if release.server is not None:
            yield release, True


def _evidence(row: behaviours.Behaviour, release: Release, server: bool, folder: pathlib.Path) -> str:
    """A recording of some host stands above what a page says; what this very release was seen to do, above a guess."""
    seen = any(row.name in observed.variants(build, server, folder) for build in release.builds)
    return "observed" if seen and row.evidence != "recorded" else row.evidence


def _where(names: t.Iterable[str], folder: pathlib.Path) -> str:
    found = [
        f"{one.kind} {one.build}: {one.behaviour} `{one.variant}`"
        for name in names
        for one in observed.releases(name, folder)
    ]
    return "; ".join(found) or "-"


def main() -> int:
    PAGE.write_text(render(), encoding="utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
