# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""From facts and what a task wants of a list of cipher suites to steps, or to a refusal.

``wanted_order(facts, options, over_https)`` is pure. One value is touched: the policy list where its owner keeps it,
or the local list. What a domain GPO or an MDM owns is refused with its owner's name, and so is a list after which
nobody would get onto the endpoint any more. A list that does not help Tetra is only warned about.
"""

from __future__ import annotations

import collections.abc as c

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import Step
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import ABSENT, OK, SUITES_VALUE, UNSUPPORTED
from ansible_collections.fleetops.tetra.plugins.module_utils.plan import steps as steps_
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.planner import (
    Allowed,
    Refused,
    keeper_of,
    lock_out,
    policy_away,
    policy_text,
    readable_local_list,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_change import (
    WantedChange,
    reachability,
    refuse_32_bit,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_order_options import (
    AUTO,
    FRONT,
    LOCAL,
    LOCAL_GPO,
    NOT_CONFIGURED,
    POLICY,
    OrderOptions,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import local_gpo
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.origin import decide_origin
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import split_curve_suffix
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.enable_disable_calls import arrangement
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import Release, release_for

_WHY = "The task wants this list."
_WHY_AWAY = "The task wants the policy to be not configured."
_DEFAULT_TYPES = ("REG_SZ", "REG_SZ_OR_EXPAND_SZ")


def wanted_order(facts: Facts, options: OrderOptions, over_https: bool = False) -> WantedChange:
    """``over_https``: the endpoint is managed through WinRM over HTTPS. Raises Refused."""
    return _OrderChange(facts, options, over_https).make()


class _OrderChange:
    def __init__(self, facts: Facts, options: OrderOptions, over_https: bool) -> None:
        self.facts = facts
        self.options = options
        self.over_https = over_https
        self.warnings: list[str] = []
        refuse_32_bit(facts)
        os_ = facts["os"]
        match = release_for(os_.get("build"), os_.get("kind"))
        if match is None:
            raise Refused(
                "unknown_release",
                "The Windows release is not known, so nobody can say which suites it can use.",
                "Find out why the build number could not be read, and try again.",
            )
        self.release: Release = match.release
        if not match.exact:
            self.warnings.append(str(match.note))
        self.allowed = Allowed(new_policy="local_gpo" if options.new_policy == LOCAL_GPO else "registry")
        self.origin = decide_origin(facts)
        self.policy = facts["policy_order"]
        if self.policy["status"] not in (OK, ABSENT):
            raise Refused(
                "not_read",
                "The policy list could not be read, so nobody can say which list counts.",
                "Use an account that may read it.",
            )

    def make(self) -> WantedChange:
        if self._where() == POLICY:
            steps = self._policy_steps()
        else:
            steps = self._local_steps()
        steps = steps_.numbered(steps)
        reaches = reachability(self.facts, steps)
        if steps:
            self._guard(steps)
        self._warn(reaches["after"])
        return WantedChange(steps, reaches, self.warnings)

    def _where(self) -> str:
        if self.options.where != AUTO:
            return self.options.where
        return POLICY if self.policy["status"] == OK or self.options.state == NOT_CONFIGURED else LOCAL

    # The policy list ------------------------------------------------------------------------------------------------

    def _policy_steps(self) -> list[Step]:
        if self.options.state == NOT_CONFIGURED:
            return self._away()
        if self.policy["status"] == ABSENT and self.options.suites is None:
            return self._added_to_nothing()
        names = self._wanted(steps_.names_of(self.policy))
        if self._holds(",".join(names)):
            return []
        keeper = keeper_of(self.facts, steps_.present("REG_SZ", ",".join(names)), self.allowed)
        after = steps_.present("REG_SZ", policy_text(names))
        self._tell_type()
        return [steps_.policy_list_step(self.facts, after, keeper.target, keeper.owner, _WHY)]

    def _away(self) -> list[Step]:
        if self.policy["status"] == ABSENT and not self._comes_back():
            return []
        return [policy_away(self.facts, keeper_of(self.facts, steps_.nothing(), self.allowed), _WHY_AWAY)]

    def _added_to_nothing(self) -> list[Step]:
        if not self.options.ensure:
            return []
        raise Refused(
            "no_policy_list",
            "No policy list is set on this endpoint, so the local list counts and there is nothing to add to.",
            "Use where: local or where: auto, or give the whole list as suites.",
        )

    def _holds(self, text: str) -> bool:
        """Whether the policy says so already, in the registry and, for a local GPO, in its file."""
        here = self.policy["status"] == OK and self.policy["type"] in _DEFAULT_TYPES and self.policy["data"] == text
        if not here or self.origin["origin"] != "local_gpo":
            return here
        action, entry = local_gpo.entry_for(self.facts["policy_origin"]["local_gpo"], SUITES_VALUE)
        if action == "none":
            return True  # RSoP names the local GPO, and its file could not be read
        return action == "set" and entry is not None and (entry.get("type"), entry.get("data")) == ("REG_SZ", text)

    def _comes_back(self) -> bool:
        """Whether a policy says something else than the registry, and will be applied sooner or later."""
        owned = self.origin["origin"] in ("domain_gpo", "local_gpo", "mdm")
        return owned and self.origin["matches_registry"] is False

    def _tell_type(self) -> None:
        if self.policy["status"] == OK and self.policy["type"] not in _DEFAULT_TYPES:
            self.warnings.append(
                f"The policy list was a {self.policy['type']}, which Windows is reported to pass over; "
                "it is written as REG_SZ."
            )

    # The local list -------------------------------------------------------------------------------------------------

    def _local_steps(self) -> list[Step]:
        local = self.facts["local_order"]
        names = self._wanted(readable_local_list(self.facts))
        if local["data"] == names and local["type"] == "REG_MULTI_SZ":
            return []
        if self.policy["status"] == OK or self._comes_back():
            raise Refused(
                "policy_counts",
                "A policy list is set on this endpoint, so a change of the local list would have no effect.",
                "Use where: policy or where: auto, or take the policy away first with state: not_configured.",
            )
        if not self.release.has_cmdlets or local["type"] != "REG_MULTI_SZ":
            return [steps_.local_list_step(self.facts, names, _WHY)]
        if self.facts["cipher_suites"]["status"] == UNSUPPORTED:
            raise Refused(
                "no_cmdlet",
                "This session has no Enable-TlsCipherSuite, the supported way to change the local list.",
                "Use a session configuration of Windows PowerShell 5.1 that offers it.",
            )
        calls = arrangement(steps_.names_of(local), names, self.release.supported)
        useless = [call.name for call in calls if call.enable and call.name not in self.release.supported]
        if useless:
            raise Refused(
                "not_of_this_release",
                f"{self.release.title()} has no {useless[0]}, so Enable-TlsCipherSuite cannot enable or move it.",
                "Leave it out, or where it is, on this release.",
            )
        return [steps_.arrange_suites_step(self.facts, names, calls, _WHY)]

    # The names ------------------------------------------------------------------------------------------------------

    def _wanted(self, listed: c.Sequence[str]) -> list[str]:
        """The list as it should be; the names that are kept stay in their order."""
        options = self.options
        if options.suites is not None:
            names = list(options.suites)
        else:
            gone = set(options.remove)
            kept = [name for name in listed if name not in gone]
            missing = [name for name in options.ensure if name not in kept]
            names = [*missing, *kept] if options.position == FRONT else [*kept, *missing]
        added = [name for name in names if name not in listed]
        self._check_names(added)
        if not names:
            raise Refused(
                "empty_list",
                "Nothing would be left in the list.",
                "Leave suites in it, or take the policy away with state: not_configured.",
            )
        return names

    def _check_names(self, added: c.Sequence[str]) -> None:
        """A name with a curve has to be one of the release; any other is let pass with a warning."""
        foreign = [name for name in added if name not in self.release.supported]
        suffixed = [name for name in foreign if split_curve_suffix(name)[1] is not None]
        if suffixed and not self.release.suffixed:
            raise Refused(
                "not_of_this_release",
                f"{self.release.title()} does not know {suffixed[0]}: names with a curve belong to Windows 7 to 8.1.",
                f"Write {split_curve_suffix(suffixed[0])[0]}.",
            )
        if suffixed:
            raise Refused(
                "not_of_this_release", f"{self.release.title()} does not know {suffixed[0]}.", "Leave it out here."
            )
        if foreign:
            self.warnings.append(f"{self.release.title()} cannot use {', '.join(foreign)}.")

    # Guards and warnings --------------------------------------------------------------------------------------------

    def _guard(self, steps: c.Sequence[Step]) -> None:
        lost = lock_out(self.facts, steps, self.over_https)
        if lost is not None:
            raise Refused("lock_out", lost.why, lost.what_to_do)

    def _warn(self, after: str) -> None:
        if after == "no":
            self.warnings.append("With this list the endpoint offers no suite that the Tetra servers accept.")
        elif after != "yes":
            self.warnings.append("With this list it is not certain that the endpoint reaches the Tetra servers.")
