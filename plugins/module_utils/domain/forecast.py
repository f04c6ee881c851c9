# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What the policies of a domain do to each of its computers, before one of them is asked.

``fails_by_policy``: under the policies that apply, a machine of that release offers none of the accepted suites.
``not_stopped``: no policy of the domain is a reason why it would fail. Never *compliant*: a policy is not the machine.
``unknown``: what decides cannot be read from here. A GPO that may or may not apply is looked at both ways.
"""

from __future__ import annotations

import collections
import itertools
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.domain.applied import Applied, Chain, chain_of
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.layout import Computer, Domain, Gpo
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.settings import (
    Setting,
    System,
    default_state,
    fails_under,
    joined,
    settings_of,
    state_under,
    system_of,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.registry_pol import RegistryPol

Prediction = t.Literal["fails_by_policy", "not_stopped", "unknown", "not_windows"]
MOST_POSSIBLE: t.Final = 6
"""So many GPOs that may or may not apply are looked at in every combination; with more the answer is unknown."""


class Culprit(t.TypedDict):
    """A GPO whose value stops the computer."""

    guid: str
    name: str
    linked_at: str
    enforced: bool
    settings: list[dict[str, t.Any]]
    """``{path, name, type, data}``"""


class ForecastOf(t.TypedDict):
    """One computer."""

    name: str
    dn: str
    dns_name: str | None
    system: str | None
    build: int | None
    prediction: Prediction
    why: str
    culprits: list[Culprit]
    stale: bool
    last_logon: str | None
    enabled: bool


class Answer(t.NamedTuple):
    """What is the same for all computers of one class."""

    prediction: Prediction
    why: str
    culprits: tuple[Culprit, ...] = ()


class Forecast:
    """Forecasts of one domain. Computers of one release under the same GPOs are judged once."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._settings = {key: settings_of(gpo.sysvol.pol) if _counts(gpo) else () for key, gpo in domain.gpos.items()}
        self._answers: dict[t.Hashable, Answer] = {}

    def of(self, computer: Computer, stale_before: str | None = None) -> ForecastOf:
        """``stale_before``: ISO time; an account that has not logged on since is marked as stale."""
        system = system_of(computer.system, computer.system_version)
        answer = Answer("not_windows", "It is no Windows.") if system is None else self._answer(computer, system)
        return {
            "name": computer.name,
            "dn": computer.dn,
            "dns_name": computer.dns_name,
            "system": computer.system,
            "build": system.build if system else None,
            "prediction": answer.prediction,
            "why": answer.why,
            "culprits": list(answer.culprits),
            "stale": stale_before is not None and (computer.last_logon or "") < stale_before,
            "last_logon": computer.last_logon,
            "enabled": computer.enabled,
        }

    def _answer(self, computer: Computer, system: System) -> Answer:
        chain = chain_of(self._domain, computer)
        telling = tuple(each for each in chain.applied if self._tells(each.gpo))
        key = (system, tuple((each.gpo.key, each.at, each.enforced, each.possibly) for each in telling), chain.doubts)
        if key not in self._answers:
            self._answers[key] = self._judge(system, Chain(telling, chain.doubts))
        return self._answers[key]

    def _tells(self, gpo: Gpo) -> bool:
        """Whether it writes, or could write, a value that the verdict knows."""
        return bool(self._settings[gpo.key] or gpo.sysvol.unread or gpo.sysvol.preferences)

    def _judge(self, system: System, chain: Chain) -> Answer:
        if system.build is None:
            return Answer("unknown", "The directory does not say which build of Windows it runs.")
        certain = [each for each in chain.applied if each.possibly is None]
        possible = [each for each in chain.applied if each.possibly is not None]
        if len(possible) > MOST_POSSIBLE:
            return Answer("unknown", f"Whether {len(possible)} GPOs apply cannot be told from here.")
        worlds = [
            [each for each in chain.applied if each.possibly is None or each in chosen]
            for count in range(len(possible) + 1)
            for chosen in itertools.combinations(possible, count)
        ]
        found = {self._world(system, world) for world in worlds}
        if found == {"fails_by_policy"} and not chain.doubts:
            culprits = self._culprits(system, certain) or self._culprits(system, list(chain.applied))
            return Answer("fails_by_policy", _said(culprits), culprits)
        if found == {"not_stopped"} and not chain.doubts:
            return Answer("not_stopped", "No policy of the domain keeps it from the accepted suites.")
        return Answer("unknown", self._doubt(chain, possible))

    def _world(self, system: System, world: t.Sequence[Applied]) -> Prediction:
        if any(each.gpo.sysvol.preferences for each in world):
            return "unknown"
        unread = max((index for index, each in enumerate(world) if each.gpo.sysvol.unread), default=-1)
        # What an unread GPO writes is written over by those behind it; what they say alone has to be enough.
        pol = self._joined(world[unread + 1 :])
        if fails_under(system, pol):
            return "fails_by_policy"
        if unread >= 0:
            return "unknown"
        state = state_under(system, pol)
        settled = state in ("compliant", "non_compliant") or state == default_state(system)
        return "not_stopped" if settled else "unknown"

    def _joined(self, world: t.Iterable[Applied]) -> RegistryPol:
        return joined(each.gpo.sysvol.pol for each in world if _counts(each.gpo))

    def _culprits(self, system: System, world: list[Applied]) -> tuple[Culprit, ...]:
        """Those without which it would not fail; where no single one is enough, all that write something."""
        winners = self._winners(world)
        needed = [
            each
            for each in world
            if each in winners and not fails_under(system, self._joined(one for one in world if one is not each))
        ]
        chosen = needed or [each for each in world if each in winners]
        return tuple(_culprit(each, winners[each]) for each in chosen)

    def _winners(self, world: t.Iterable[Applied]) -> dict[Applied, list[Setting]]:
        """Which of them has the last word on which value."""
        last: dict[tuple[str, str], tuple[Applied, Setting]] = {}
        for each in world:
            for setting in self._settings[each.gpo.key]:
                last[setting.path, setting.name] = (each, setting)
        found: dict[Applied, list[Setting]] = collections.defaultdict(list)
        for each, setting in last.values():
            found[each].append(setting)
        return dict(found)

    def _doubt(self, chain: Chain, possible: t.Sequence[Applied]) -> str:
        said = [f"GPO {each.gpo.name}: {each.possibly}" for each in possible]
        said += [
            f"GPO {each.gpo.name} could not be read: {each.gpo.sysvol.unread}"
            for each in chain.applied
            if each.gpo.sysvol.unread
        ]
        said += [
            f"GPO {each.gpo.name} writes such values by preferences"
            for each in chain.applied
            if each.gpo.sysvol.preferences
        ]
        said += chain.doubts
        return "; ".join(dict.fromkeys(said)) + "." if said else "The value that a policy sets has no certain effect."


def _counts(gpo: Gpo) -> bool:
    """Windows leaves ``Registry.pol`` alone where the GPO does not name the extension that reads it."""
    return gpo.has_registry_extension and gpo.sysvol.unread is None


def _culprit(applied: Applied, settings: t.Iterable[Setting]) -> Culprit:
    return {
        "guid": applied.gpo.guid,
        "name": applied.gpo.name,
        "linked_at": applied.at,
        "enforced": applied.enforced,
        "settings": [setting._asdict() for setting in settings],
    }


def _said(culprits: t.Sequence[Culprit]) -> str:
    named = [f"GPO {each['name']} linked at {each['linked_at']}" for each in culprits]
    return (
        f"{' and '.join(named)} leaves no accepted suite."
        if len(named) == 1
        else f"{' and '.join(named)} leave no accepted suite."
    )
