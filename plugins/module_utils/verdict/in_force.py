# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Is the configured list the one that the endpoint uses now?

Microsoft: a new order takes effect on the next boot. No standard flag tells that one waits. So only signs can:

* the cmdlet shows another list than the registry holds;
* we changed it ourselves since the last boot;
* the local ``Registry.pol``, which sets the list, was written since the last boot;
* an update failed with -3000 since the last boot, although the configured list would do, and nothing shows that the
  configuration is older than the boot.

Without a sign the answer follows the configuration. With one, it holds only if the list in force would give the same.
What was not read may be a sign: *yes* needs the boot time, our own mark and the local policy file that sets the list.
An image, and the state that a plan leads to, are judged by their next start: nothing waits there.
The flags of a pending reboot are no sign: no change of the list sets one. They are told for themselves.
"""

from __future__ import annotations

import collections.abc as c
import datetime
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.answers import reasons as r
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.kleene import NO, UNKNOWN, YES
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import moment
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Answer, Evidence
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import InForce as InForceAnswer
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import ABSENT, NOT_READ, OK, SUITES_VALUE
from ansible_collections.fleetops.tetra.plugins.module_utils.observations.worlds import ALL, Worlds
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.suite_sources import Sources
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import Release

AFTER_REBOOT: t.Final = "after_reboot"
NOTE = "Microsoft's statements differ on whether a new order of suites needs a reboot; a reboot is assumed."

UNKNOWN_ERROR = -3000


@dataclass(frozen=True)
class InForce:
    """``state``: ``yes``, ``after_reboot`` or ``unknown``. ``otherwise``: reachability if the configured list is not in
    force. ``signs``: what shows that it may not be. ``unread``: where a sign may be that nobody could read."""

    state: InForceAnswer
    otherwise: Answer
    signs: tuple[Evidence, ...]
    unread: tuple[Evidence, ...] = ()


NOTHING_WAITS = InForce(UNKNOWN, UNKNOWN, ())
"""For a state that is judged by its next start."""


def judge(
    facts: Facts,
    release: Release | None,
    sources: Sources,
    configured: Answer,
    shown: Answer | None,
    owned: bool,
    worlds: Worlds = ALL,
) -> InForce:
    """``configured``: reachability by the configured list; ``shown``: by the list of the cmdlet where that is another;
    ``owned``: a GPO sets the very value that the registry holds; ``worlds``: what was observed of this release."""
    if facts["source"] == "image" or facts["reboot"]["status"] == ABSENT:
        return NOTHING_WAITS
    boot = _boot(facts)
    signs: list[Evidence] = []
    state: InForceAnswer = UNKNOWN
    otherwise: Answer = UNKNOWN
    changed = moment(facts["reboot"]["changed_by_us"])
    if changed is not None and (boot is None or changed > boot):
        signs.append(r.evidence("facts", "reboot.changed_by_us", facts["reboot"]["changed_by_us"], "Changed by us."))
        state = AFTER_REBOOT
    written = _local_policy_written_after(facts, boot)
    if written is not None:
        signs.append(written)
        state = AFTER_REBOOT
    if sources.other is not None and shown is not None:
        signs.append(sources.other.proof)
        otherwise = shown
        # A cmdlet that shows a changed policy at once says nothing about what waits.
        of_policy = sources.readings[0].kind == "policy" if sources.readings else False
        lags = not of_policy or worlds.counts("cmdlet_shows_policy", "after_reboot")
        if len(sources.readings) == 1 and sources.unread is None and lags:
            state = AFTER_REBOOT
    age = _policy_files(facts, boot)
    settled = not signs and age == "older" and _nothing_edited(facts, release, owned, worlds)
    failed = _failed_since_boot(facts, boot)
    if failed is not None and configured == YES and not settled:
        signs.append(failed)
        if otherwise == UNKNOWN:
            otherwise = NO
    if settled:
        return InForce(YES, UNKNOWN, ())
    if not signs and _shown_in_force(sources, worlds):
        return InForce(YES, UNKNOWN, ())
    return InForce(state, otherwise, tuple(signs), tuple(_unread(facts, boot)))


def _shown_in_force(sources: Sources, worlds: Worlds) -> bool:
    """The cmdlet shows the policy's list, and was observed to show a changed one not before the restart."""
    readings = sources.readings
    if len(readings) != 1 or sources.unread is not None or readings[0].kind != "policy" or not readings[0].shown:
        return False
    return not worlds.counts("cmdlet_shows_policy", "at_once")


def _unread(facts: Facts, boot: datetime.datetime | None) -> t.Iterator[Evidence]:
    """Places of a sign that could not be read."""
    mark = facts["reboot"]["mark"]
    # Documents of 1.0.0 have no mark; where their section was read, so was it.
    if mark["status"] not in (OK, ABSENT) and not (mark["status"] == NOT_READ and facts["reboot"]["status"] == OK):
        yield r.registry_evidence(mark)
    section = facts["policy_origin"].get("local_gpo") or {}
    if facts["policy_order"]["status"] != OK or section.get("status") == ABSENT:
        return
    if boot is None:
        yield r.evidence("facts", "reboot.last_boot", None, _why(facts["reboot"], "The boot time was not told."))
    if section.get("status") != OK or moment(section.get("modified")) is None:
        why = _why(section, "When the local Registry.pol was written was not told.")
        yield r.evidence("facts", "policy_origin.local_gpo", None, why)


def _why(section: t.Mapping[str, t.Any], otherwise: str) -> str:
    reason = section.get("reason")
    return reason if isinstance(reason, str) and reason else otherwise


def pending_flags(facts: Facts) -> Evidence | None:
    """Evidence that Windows itself waits for a reboot, by servicing or an update; ``None`` where it does not, or nobody
    knows."""
    section = facts["reboot"]
    flags: c.Mapping[str, object] = section["pending"] or {} if section["status"] == OK else {}
    told = [name for name in ("component_based_servicing", "windows_update") if flags.get(name) is True]
    return r.evidence("facts", "reboot.pending", told) if told else None


def _boot(facts: Facts) -> datetime.datetime | None:
    return moment(facts["reboot"]["last_boot"]) if facts["reboot"]["status"] == OK else None


def _local_policy_written_after(facts: Facts, boot: datetime.datetime | None) -> Evidence | None:
    section = facts["policy_origin"].get("local_gpo") or {}
    if section.get("status") != OK or boot is None or facts["policy_order"]["status"] != OK:
        return None
    modified = moment(section["modified"])
    if modified is None or modified <= boot:
        return None
    names = (str(entry.get("value") or "").lower() for entry in section["entries"])
    if not any(name.endswith(SUITES_VALUE.lower()) for name in names):
        return None
    return r.evidence("file", section["path"], section["modified"], "Written after the last boot.")


def _policy_files(facts: Facts, boot: datetime.datetime | None) -> str:
    """``older`` than the last boot, ``newer``, or ``unknown``."""
    if boot is None:
        return "unknown"
    ages = set()
    for section in (facts["policy_origin"]["local_gpo"], facts["policy_origin"]["archive"]):
        if section["status"] == ABSENT:
            continue
        modified = moment(section["modified"]) if section["status"] == OK else None
        ages.add("unknown" if modified is None else "newer" if modified > boot else "older")
    if "newer" in ages:
        return "newer"
    return "unknown" if "unknown" in ages else "older"


def _nothing_edited(facts: Facts, release: Release | None, owned: bool, worlds: Worlds) -> bool:
    policy, local = facts["policy_order"], facts["local_order"]
    if policy["status"] == OK:
        return owned
    if policy["status"] != ABSENT or local["status"] != OK or release is None:
        return False
    if local["data"] in (list(release.local_list), list(release.default)):
        return True
    # A changed local list that was observed to count at once does not wait for anything.
    return not worlds.counts("local_list_in_force", "after_reboot")


def _failed_since_boot(facts: Facts, boot: datetime.datetime | None) -> Evidence | None:
    """An update that failed with -3000 and is not known to be older than the last boot or our own change."""
    last = facts["connector"]["last_update"]
    if last["status"] != OK or last["result"] != "failed" or last["code"] != UNKNOWN_ERROR:
        return None
    time = moment(last["time"])
    if time is not None and boot is not None and time < boot:
        return None
    return r.evidence("log", "sfc.exe.log", last["line"] or last["code"], last["time"])
