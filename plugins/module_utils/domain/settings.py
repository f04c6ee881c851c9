# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Which values of a ``Registry.pol`` the verdict knows, and what a release does under them.

A policy is judged on a machine whose release is known and whose every other setting is Windows' default, with the
policy applied and in force. So a prediction speaks about the policy, never about the machine.
"""

from __future__ import annotations

import functools
import re
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import State
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.after_steps import apply_steps
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import registry_pol
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.policy_steps import policy_steps

SystemKind = t.Literal["client", "server"]
_HIVE: t.Final = "HKEY_LOCAL_MACHINE\\"
_VERSION: t.Final = re.compile(r"(\d{1,3})\.(\d{1,3})(?:\s*\((\d{1,6})\))?")
PLACES: t.Final = (
    *((key, name) for key in (f.POLICY_KEY, f.LOCAL_KEY) for name in (f.SUITES_VALUE, f.CURVES_VALUE)),
    (f.FIPS_KEY, f.FIPS_VALUE),
    *((f.schannel_path(key), name) for key in f.SCHANNEL_KEYS for name in f.SCHANNEL_VALUES),
)
"""(key with its hive, value name)"""


class Setting(t.NamedTuple):
    """One value that a policy writes or removes: ``data`` is None where it removes it."""

    path: str
    name: str
    type: str | None = None
    data: t.Any = None


class System(t.NamedTuple):
    """What the directory says of a computer's Windows. ``build`` is None where it says nothing that is understood."""

    build: int | None
    kind: SystemKind | None


def system_of(name: str | None, version: str | None) -> System | None:
    """``Windows Server 2022 Standard``, ``10.0 (20348)``; None for what is no Windows."""
    if name is not None and "windows" not in name.lower():
        return None
    matched = _VERSION.search(version or "")
    kind: SystemKind | None = None if name is None else "server" if "server" in name.lower() else "client"
    return System(int(matched[3]) if matched and matched[3] else None, kind)


def settings_of(pol: registry_pol.RegistryPol) -> tuple[Setting, ...]:
    """What the file does to the values that the verdict knows."""
    found = []
    for path, name in PLACES:
        outcome = registry_pol.outcome(pol, path.removeprefix(_HIVE), name)
        if outcome.action == "deleted":
            found.append(Setting(path, name))
        elif outcome.action == "set" and outcome.entry is not None:
            kind, data = registry_pol.plain(outcome.entry)
            found.append(Setting(path, name, kind, tuple(data) if isinstance(data, list) else data))
    return tuple(found)


def concerns_us(key: str, name: str) -> bool:
    """Whether a value is one that the verdict knows; ``key`` with its hive."""
    return (key.lower(), name.lower()) in _PLACES_LOWER


_PLACES_LOWER: t.Final = frozenset((path.lower(), name.lower()) for path, name in PLACES)


def joined(pols: t.Iterable[registry_pol.RegistryPol]) -> registry_pol.RegistryPol:
    """Several files as Windows processes them: one after the other, so the last one wins."""
    return registry_pol.RegistryPol(tuple(entry for pol in pols for entry in pol.entries))


def state_under(system: System, pol: registry_pol.RegistryPol) -> State:
    """The verdict over a machine of this release under the policy, all else at its defaults."""
    facts = _defaults(system)
    return evaluate(apply_steps(facts, policy_steps(facts, pol)))["state"] if pol.entries else default_state(system)


def fails_under(system: System, pol: registry_pol.RegistryPol) -> bool:
    """Whether the policy, and not the release itself, leaves no accepted suite."""
    return default_state(system) != "non_compliant" and state_under(system, pol) == "non_compliant"


@functools.lru_cache(maxsize=256)
def default_state(system: System) -> State:
    """The verdict over a machine of this release with Windows' defaults."""
    return evaluate(_defaults(system))["state"]


def _defaults(system: System) -> Facts:
    facts = f.empty_facts("", status=f.ABSENT, reason=None)
    facts["os"] = {**facts["os"], "status": f.OK, "build": system.build, "kind": system.kind}
    facts["curves"]["status"] = facts["signature_algorithms"]["status"] = facts["schannel"]["status"] = f.OK
    facts["fips"]["status"] = facts["policy_origin"]["status"] = facts["reboot"]["status"] = f.OK
    facts["policy_origin"]["rsop"]["status"] = facts["policy_origin"]["mdm"]["status"] = f.OK
    facts["connector"]["status"] = facts["connector"]["service"]["status"] = f.OK
    facts["connector"]["tetra"] = {**facts["connector"]["tetra"], "status": f.OK, "enabled": True}
    return facts
