# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The steps of a plan on one endpoint: what will be written, writing it, and undoing it.

1. ``prepare`` reads every value that the steps name and refuses when one is no longer what was planned upon. Its
   result are the items of a before-image, with what stands there now and what will stand there.
2. ``carry_out`` writes them. It is called only when the before-image is on disk.
3. ``undo`` puts back what is still as we wrote it, and keeps and reports what somebody has changed since.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.before_image import (
    FileItem,
    Item,
    RegistryValueItem,
    ValueState,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.cure import Foreseen, Outcome, Undone
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import State, Step
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import (
    CHANGED_AT,
    LOCAL_KEY,
    OUR_KEY,
    POLICY_KEY,
    SUITES_VALUE,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.steps import (
    ARRANGE_SUITES,
    CNG,
    ENABLE_SUITE,
    LOCAL_GPO,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.enable_disable_calls import (
    Call,
    arrangement,
    states,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError, NotWritable
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.local_policy import (
    ALREADY,
    KEPT,
    RESTORED,
    LocalPolicy,
    file_content,
    value_in,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_registry import (
    RemoteRegistry,
    same,
    texts_of,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker, UInt32, command

Steps = t.Sequence[Step]
Waiter = t.Callable[[float], bool]
"""``wait(seconds)`` waits and says whether there is time left for more."""

_TEST_VALUE = "WriteTest"
_MOST_STATES = 5000


class ChangeSet:
    """Raises ChangeError, NotWritable or SessionError."""

    def __init__(self, asker: Asker, wait: Waiter, system_root: str = r"C:\Windows") -> None:
        self._asker = asker
        self._wait = wait
        self._registry = RemoteRegistry(asker)
        self._policy = LocalPolicy(asker, system_root)

    def test_write(self) -> None:
        """One harmless write and its removal: an account that only reads is found out before the first real one."""
        probe: State = {"status": "ok", "type": "REG_SZ", "data": "test"}
        try:
            self._registry.write(OUR_KEY, _TEST_VALUE, probe)
            self._registry.write(OUR_KEY, _TEST_VALUE, {"status": "absent", "type": None, "data": None})
        except NotWritable as error:
            raise NotWritable(
                "The account may read but not write on this endpoint (no administrator, or filtered by UAC); "
                "nothing was changed."
            ) from error

    def prepare(self, steps: Steps) -> list[Item]:
        """The items of the before-image. Raises ChangeError with code ``changed_meanwhile``."""
        items: list[Item] = []
        for step in steps:
            if step["action"] == ENABLE_SUITE:
                continue
            present = self._registry.read(step["path"], step["name"])
            if not _is_as_planned_upon(present, step["before"]):
                raise ChangeError(
                    "changed_meanwhile",
                    f"{step['path']}\\{step['name']} is no longer what it was when the plan was made; plan again.",
                )
            item = _registry_item(step["path"], step["name"], present, step["after"])
            if step["action"] == ARRANGE_SUITES:
                item["by"], item["calls"] = ARRANGE_SUITES, [{**call} for call in step["calls"]]
            if present["status"] == "absent":
                item["made_keys"] = self._registry.missing_keys(step["path"])
            items.append(item)
        items.extend(self._enabled_items(steps))
        policy = {step["name"]: step["after"] for step in steps if step["target"] == LOCAL_GPO}
        if policy:
            items.extend(self._policy.items(policy))
        return items

    def carry_out(self, steps: Steps, items: t.Sequence[Item]) -> None:
        """Writes in the order of the plan; the local policy last, with its refresh."""
        for step in steps:
            if step["action"] == ENABLE_SUITE:
                self._enable(step["name"])
            elif step["action"] == ARRANGE_SUITES:
                self._arrange(texts_of(step["before"]), _calls(step))
            elif step["target"] != LOCAL_GPO:
                self._write(step, items)
        policy = [step for step in steps if step["target"] == LOCAL_GPO]
        if policy:
            self._policy.write([item for item in items if item["kind"] == "file"])
            self._policy.refresh()
            for step in policy:
                self._policy.follow(self._registry, step["path"], step["name"], step["after"], self._wait)
        self._see_enabled(items)

    def _write(self, step: Step, items: t.Sequence[Item]) -> None:
        """Not over what somebody has set since the before-image was taken."""
        present = self._registry.read(step["path"], step["name"])
        place = step["path"], step["name"]
        for item in _values(items):
            is_ours = (item["path"], item["name"]) == place
            if is_ours and not same(present, item["before"]) and not same(present, step["after"]):
                raise ChangeError(
                    "changed_meanwhile",
                    f"{step['path']}\\{step['name']} was changed by somebody meanwhile; plan again.",
                )
        self._registry.write(step["path"], step["name"], step["after"])

    def note_change(self, when: str) -> None:
        """Leaves the time of our change (UTC) on the endpoint, so that a later audit knows what is not in force yet."""
        self._registry.write(OUR_KEY, CHANGED_AT, {"status": "ok", "type": "REG_SZ", "data": when})

    def noted_change(self) -> State:
        """The note of an earlier change that nobody has proven or undone yet, if there is one."""
        return self._registry.read(OUR_KEY, CHANGED_AT)

    def note_again(self, noted: State) -> None:
        """The note as it was before a change that came to nothing."""
        if noted["status"] == "absent":
            self.forget_change()
        else:
            self._registry.write(OUR_KEY, CHANGED_AT, noted)

    def forget_change(self) -> None:
        """Takes our key away again once the change is proven or undone."""
        if self._registry.key_exists(OUR_KEY):
            self._registry.remove_empty_key(OUR_KEY)

    def undo(self, items: t.Sequence[Item], force: bool = False) -> list[Undone]:
        """``[{path, name, outcome}]`` with outcome ``restored``, ``already_as_before`` or ``kept_changed_since``.

        ``force``: a policy file that is damaged, and not by us, is replaced by the whole file of the before-image.
        """
        outcome: list[Undone] = []
        pol, fed, plain = _sorted_out(items)
        for item in plain:
            outcome.append(_told(item, self._undo_value(item)))
        if pol is not None:
            outcome.extend(self._undo_policy(pol, fed, _ini_of(items), force))
        return outcome

    def tidy(self, items: t.Sequence[Item]) -> None:
        """What a cure that was killed early left although its values are as before: empty keys, temporary files."""
        pol, fed, plain = _sorted_out(items)
        for item in (*plain, *fed):
            if item.get("made_keys") and same(self._registry.read(item["path"], item["name"]), item["before"]):
                self._remove_made_keys(item)
        if pol is not None:
            self._policy.tidy_after(pol)

    def foresee(self, items: t.Sequence[Item], force: bool = False) -> list[Foreseen]:
        """What ``undo`` would do, without writing: ``[{path, name, outcome, present}]``, in the same order."""
        pol, fed, plain = _sorted_out(items)
        told: list[Foreseen] = []
        for item in plain:
            present = self._registry.read(item["path"], item["name"])
            told.append({**_told(item, self.foreseen(item, present)), "present": present})
        if pol is not None:
            names = [item["name"] for item in fed]
            outcome = self._policy.foresee(
                pol, names, lambda: not any(map(self._is_as_written, fed)), _ini_of(items), force
            )
            for item in fed:
                told.append({**_told(item, outcome), "present": self._registry.read(item["path"], item["name"])})
        return told

    @staticmethod
    def foreseen(item: RegistryValueItem, present: ValueState) -> Outcome:
        """What undoing a value comes to that stands as ``present``."""
        if same(present, item["before"]):
            return ALREADY
        ours = same(present, item["after"]) or _partly_enabled(present, item) or _partly_arranged(present, item)
        return RESTORED if ours else KEPT

    # Details --------------------------------------------------------------------------------------------------------

    def _undo_value(self, item: RegistryValueItem) -> Outcome:
        present = self._registry.read(item["path"], item["name"])
        foreseen = self.foreseen(item, present)
        if foreseen == ALREADY:
            # The key may have been made, and the connection lost before the value was.
            self._remove_made_keys(item)
        if foreseen != RESTORED:
            return foreseen
        if item.get("by") == ENABLE_SUITE:
            self._disable({**item, "after": present})
        elif item.get("by") == ARRANGE_SUITES:
            self._arrange_back(texts_of(present), texts_of(item["before"]))
        self._registry.write(item["path"], item["name"], item["before"])
        self._remove_made_keys(item)
        return RESTORED

    def _remove_made_keys(self, item: RegistryValueItem) -> None:
        made = item.get("made_keys")
        if isinstance(made, int):
            self._registry.remove_made_keys(item["path"], made)

    def _undo_policy(
        self, pol: FileItem, fed: t.Sequence[RegistryValueItem], ini: FileItem | None, force: bool
    ) -> list[Undone]:
        names = [item["name"] for item in fed]
        if not self._policy.undo(pol, names, lambda: not any(map(self._is_as_written, fed)), ini, force):
            return [_told(item, KEPT) for item in fed]
        self._policy.tidy()
        self._policy.refresh()
        for item in fed:
            self._follow_back(pol, item)
            self._remove_made_keys(item)
        return [_told(item, RESTORED) for item in fed]

    def _follow_back(self, pol: FileItem, item: RegistryValueItem) -> None:
        """The registry follows the policy as it was; where it had said something else than the policy, that as well."""
        said = value_in(file_content(pol["before"]), pol["path"], item["name"])
        if self._is_as_written(item):
            self._policy.follow(self._registry, item["path"], item["name"], said, self._wait)
        if not same(said, item["before"]) and same(self._registry.read(item["path"], item["name"]), said):
            self._registry.write(item["path"], item["name"], item["before"])

    def _is_as_written(self, item: RegistryValueItem) -> bool:
        present = self._registry.read(item["path"], item["name"])
        return not same(present, item["before"]) and same(present, item["after"])

    def _enabled_items(self, steps: Steps) -> list[RegistryValueItem]:
        names = [step["name"] for step in steps if step["action"] == ENABLE_SUITE]
        if not names:
            return []
        before = self._registry.read(LOCAL_KEY, SUITES_VALUE)
        if before["status"] != "ok" or before["type"] != "REG_MULTI_SZ":
            raise ChangeError(
                "unreadable", "The local list of cipher suites is not where it should be; nothing was changed."
            )
        # Position 0 puts each at the front, so the last one enabled stands first.
        after: State = {**before, "data": [*reversed(names), *(name for name in texts_of(before) if name not in names)]}
        return [{**_registry_item(LOCAL_KEY, SUITES_VALUE, before, after), "by": ENABLE_SUITE}]

    def _arrange(self, before: t.Sequence[str], calls: t.Sequence[Call]) -> None:
        """Goes on where an earlier try was cut off: the list tells how far that one came."""
        present = self._registry.read(LOCAL_KEY, SUITES_VALUE)
        on_the_way = states(before, calls)
        known = texts_of(present)
        if known not in on_the_way:
            raise ChangeError("changed_meanwhile", "The local list was changed by somebody else in the meantime.")
        for call in calls[on_the_way.index(known) :]:
            if call.enable:
                self._enable(call.name, call.position)
            else:
                self._cmdlet("Disable-TlsCipherSuite", call.name)

    def _arrange_back(self, present: t.Sequence[str], before: t.Sequence[str]) -> None:
        """As far as the cmdlets do it: what Windows listed of its own and cannot enable is left to the caller."""
        with contextlib.suppress(ChangeError):
            self._arrange(present, arrangement(present, before, before))

    def _enable(self, name: str, position: int = 0) -> None:
        self._cmdlet("Enable-TlsCipherSuite", name, Position=UInt32(position))

    def _disable(self, item: RegistryValueItem) -> None:
        for name in texts_of(item["after"]):
            if name not in texts_of(item["before"]):
                self._cmdlet("Disable-TlsCipherSuite", name)

    def _cmdlet(self, cmdlet: str, name: str, **more: t.Any) -> None:
        answer = self._asker.ask([(command(cmdlet, Name=name, **more, ErrorAction="Continue"),)])
        if any(refusal.is_denied for refusal in answer.refusals):
            raise NotWritable(f"{cmdlet} was refused for {name}: the account has no right to it.")
        if answer.refusals:
            raise ChangeError("refused", f"{cmdlet} failed for {name}: {answer.refusals[0].sentence()}")

    def _see_enabled(self, items: t.Sequence[Item]) -> None:
        for item in _values(items):
            by_cmdlet = item.get("by") in (ENABLE_SUITE, ARRANGE_SUITES)
            if by_cmdlet and not same(self._registry.read(item["path"], item["name"]), item["after"]):
                raise ChangeError(
                    "not_kept", "Enable-TlsCipherSuite reported no error, but the local list is not as planned."
                )


def _values(items: t.Sequence[Item]) -> list[RegistryValueItem]:
    return [item for item in items if item["kind"] == "registry_value"]


def _sorted_out(
    items: t.Sequence[Item],
) -> tuple[FileItem | None, list[RegistryValueItem], list[RegistryValueItem]]:
    """Registry.pol where it was written, the values that it feeds, and the values that were written directly."""
    pol, values = _file_of(items, ".pol"), _values(items)
    fed = [item for item in values if pol is not None and _is_policy(item)]
    return pol, fed, [item for item in values if item not in fed]


def _ini_of(items: t.Sequence[Item]) -> FileItem | None:
    return _file_of(items, ".ini")


def _file_of(items: t.Sequence[Item], ending: str) -> FileItem | None:
    return next((item for item in items if item["kind"] == "file" and item["path"].lower().endswith(ending)), None)


def _is_as_planned_upon(present: State, before: State) -> bool:
    """Facts name the type of a text below a key with a slash, and not the text itself."""
    unseen = before["status"] == "ok" and before["data"] is None
    return same({**present, "data": None} if unseen else present, before)


def _registry_item(path: str, name: str, before: State, after: State) -> RegistryValueItem:
    return {"kind": "registry_value", "path": path, "name": name, "before": {**before}, "after": {**after}}


def _partly_enabled(present: ValueState, item: RegistryValueItem) -> bool:
    """Whether the list is as it stands between two runs of Enable-TlsCipherSuite: those enabled so far in front."""
    if item.get("by") != ENABLE_SUITE or present["status"] != "ok":
        return False
    names = texts_of(item["after"])
    added = len(names) - len(texts_of(item["before"]))
    return any(present["data"] == names[number:] for number in range(1, added))


def _partly_arranged(present: ValueState, item: RegistryValueItem) -> bool:
    """Whether the list is as it stands between two of the calls that arrange it, or between two that bring it back."""
    if item.get("by") != ARRANGE_SUITES or present["status"] != "ok":
        return False
    before = texts_of(item["before"])
    seen: set[tuple[str, ...]] = set()
    left = [list(one) for one in states(before, _calls(item))]
    while left and len(seen) < _MOST_STATES:
        one = left.pop()
        if tuple(one) in seen:
            continue
        seen.add(tuple(one))
        with contextlib.suppress(ValueError):
            left.extend(list(back) for back in states(one, arrangement(one, before, before)))
    return tuple(texts_of(present)) in seen


def _calls(holder: Step | RegistryValueItem) -> list[Call]:
    """The calls of a step or of an item of a before-image."""
    try:
        return [Call(bool(one["enable"]), str(one["name"]), int(one["position"])) for one in holder["calls"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ChangeError("damaged_image", "A before-image does not say how the local list was arranged.") from error


def _is_policy(item: RegistryValueItem) -> bool:
    return item["path"].lower() == POLICY_KEY.lower()


def _told(item: RegistryValueItem, outcome: Outcome) -> Undone:
    return {"path": item["path"], "name": item["name"], "outcome": outcome}


__all__ = ["ALREADY", "CHANGED_AT", "CNG", "KEPT", "OUR_KEY", "RESTORED", "ChangeSet"]
