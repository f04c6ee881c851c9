# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The local group policy of an endpoint: one value in ``Registry.pol``, the version in ``gpt.ini``, a refresh.

Everything else in ``Registry.pol`` stays byte for byte. ``gpt.ini`` is written last, because a higher version is what
makes Windows process the file; the refresh is not forced, so no other policy is applied anew.
"""

from __future__ import annotations

import base64
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.before_image import FileItem, FileState
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.cure import Outcome
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import State
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import gpt_ini, registry_pol
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.local_gpo import GPT_INI, MACHINE_POL, SSL_KEY
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.torn import Damage, damage_of_ini, damage_of_pol
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_files import RemoteFiles
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_registry import (
    RemoteRegistry,
    same,
    texts_of,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker, command

RESTORED: t.Final = "restored"
ALREADY: t.Final = "already_as_before"
KEPT: t.Final = "kept_changed_since"

_LOOKS = 30
_SECONDS_BETWEEN_LOOKS = 2.0
_KINDS = {"REG_SZ": registry_pol.REG_SZ, "REG_MULTI_SZ": registry_pol.REG_MULTI_SZ}


def file_state(content: bytes | None) -> FileState:
    """A file as a before-image keeps it."""
    if content is None:
        return {"status": "absent", "content": None}
    return {"status": "ok", "content": base64.b64encode(content).decode("ascii")}


def file_content(state: FileState) -> bytes | None:
    return None if state["status"] == "absent" else base64.b64decode(state.get("content") or "")


class LocalPolicy:
    """``system_root`` is the endpoint's Windows folder."""

    def __init__(self, asker: Asker, system_root: str = r"C:\Windows") -> None:
        self._asker = asker
        self._files = RemoteFiles(asker)
        self._system_root = system_root.rstrip("\\")
        self.pol_path = MACHINE_POL.replace(r"C:\Windows", self._system_root, 1)
        self.ini_path = GPT_INI.replace(r"C:\Windows", self._system_root, 1)

    def items(self, wanted: t.Mapping[str, State]) -> list[FileItem]:
        """What would be written to make the policy hold ``wanted`` (value name → state), as before-image items."""
        pol_before, ini_before = self._files.read(self.pol_path), self._files.read(self.ini_path)
        if pol_before is None and self._files.interrupted(self.pol_path) is not None:
            raise ChangeError(
                "interrupted",
                f"{self.pol_path} is missing since an earlier change was interrupted while it replaced the file; "
                "put that change back first (fleetops.tetra.rollback).",
            )
        pol = _parse(pol_before, self.pol_path)
        for name, state in wanted.items():
            pol = _with_value(pol, name, state)
        ini_after = self._counted_on(ini_before)
        return [
            {
                "kind": "file",
                "path": self.pol_path,
                "before": file_state(pol_before),
                "after": file_state(pol.serialise()),
            },
            {"kind": "file", "path": self.ini_path, "before": file_state(ini_before), "after": file_state(ini_after)},
        ]

    def write(self, items: t.Iterable[FileItem]) -> None:
        """Writes the files as the items say: Registry.pol first.

        Raises ChangeError with code ``changed_meanwhile`` where an editor has written Registry.pol since; its settings
        would be lost.
        """
        for item in sorted(items, key=lambda item: item["path"].lower() == self.ini_path.lower()):
            before, after = file_content(item["before"]), file_content(item["after"])
            if after is None:
                continue
            if item["path"].lower() != self.ini_path.lower():
                self._files.replace(item["path"], after, self._ours(before, after))
            elif self._files.read(item["path"]) in (before, after):
                self._files.replace(item["path"], after)
            else:
                # Somebody has counted on; the number has to become one that Windows has not seen.
                self._count_on()

    def _ours(self, before: bytes | None, after: bytes | None) -> tuple[bytes | None, ...]:
        """What may stand in Registry.pol without being somebody else's."""
        if before is not None and self._files.interrupted(self.pol_path) in (before, after):
            return before, after, None
        return before, after

    def undo(
        self,
        pol_item: FileItem,
        names: t.Iterable[str],
        is_followed: t.Callable[[], bool] = lambda: True,
        ini_item: FileItem | None = None,
        force: bool = False,
    ) -> bool:
        """Puts ``Registry.pol`` back where it still is as written, else only our values in it; the version counts on.

        What is no policy at all, or a part of what we wrote, is put back whole, and so is such a ``gpt.ini``; with
        ``force`` also a file that is damaged otherwise. ``is_followed`` says whether the registry holds what stood
        there before: where the file does and the registry does not, an undoing was killed in between, and the version
        has to count on once more.

        False where somebody has changed one of our values since: then nothing is written. Raises ChangeError with code
        ``damaged_policy``.
        """
        before, after = file_content(pol_item["before"]), file_content(pol_item["after"])
        ini, ini_damage = self._ini(ini_item)
        self._refuse_damaged(self.ini_path, ini_damage, force)
        present, unfinished = self._look(before, after)
        if unfinished is not None:
            self._files.replace(self.pol_path, unfinished)
        damage = damage_of_pol(present, before, after, _nobody_counted_on(ini, ini_item))
        self._refuse_damaged(self.pol_path, damage, force)
        names = list(names)
        if damage != "whole":
            self._put_whole(before, (present,))
        elif present == before or _as_before(present, before, self.pol_path, names):
            if unfinished is not None or not is_followed() or ini_damage != "whole":
                self._count_on(ini_item, ini_damage)
            return True
        elif present == after:
            self._put_whole(before, self._ours(before, after))
        else:
            pol = _without_our_values(present, before, after, self.pol_path, names)
            if pol is None:
                return False
            self._files.replace(self.pol_path, pol.serialise(), (present,))
        self._count_on(ini_item, ini_damage)
        return True

    def _put_whole(self, before: bytes | None, instead_of: t.Collection[bytes | None]) -> None:
        if before is None:
            self._files.remove(self.pol_path)
        else:
            self._files.replace(self.pol_path, before, instead_of)

    def _ini(self, ini_item: FileItem | None) -> tuple[bytes | None, Damage]:
        """``gpt.ini`` as it is, and what is wrong with it."""
        present = self._files.read(self.ini_path)
        if ini_item is None:
            return present, damage_of_ini(present, present, None)
        return present, damage_of_ini(present, file_content(ini_item["before"]), file_content(ini_item["after"]))

    def _refuse_damaged(self, path: str, damage: Damage, force: bool) -> None:
        if damage == "damaged" and not force:
            raise ChangeError(
                "damaged_policy",
                f"{path} is damaged, and not by an interrupted change of ours; it was left as it is. Look at it, or "
                "put back the whole file of the before-image with force.",
            )

    def _look(self, before: bytes | None, after: bytes | None) -> tuple[bytes | None, bytes | None]:
        """``Registry.pol`` as it is, or as it would have been had replacing it not been interrupted.

        The second is the same where an undoing was interrupted while the settings of others stood in the file: they
        stand in the temporary file only.
        """
        present = self._files.read(self.pol_path)
        if present is not None:
            return present, None
        left = self._files.interrupted(self.pol_path)
        if before is not None and left in (before, after):
            return after, None
        unfinished = left if _is_of_an_undoing(left, before, after) else None
        return unfinished, unfinished

    def foresee(
        self,
        pol_item: FileItem,
        names: t.Iterable[str],
        is_followed: t.Callable[[], bool],
        ini_item: FileItem | None = None,
        force: bool = False,
    ) -> Outcome:
        """What ``undo`` would come to, without writing: ``RESTORED``, ``ALREADY`` or ``KEPT``; raises what it would."""
        before, after = file_content(pol_item["before"]), file_content(pol_item["after"])
        ini, ini_damage = self._ini(ini_item)
        self._refuse_damaged(self.ini_path, ini_damage, force)
        present, unfinished = self._look(before, after)
        damage = damage_of_pol(present, before, after, _nobody_counted_on(ini, ini_item))
        self._refuse_damaged(self.pol_path, damage, force)
        names = list(names)
        if damage != "whole":
            return RESTORED
        if present == before or _as_before(present, before, self.pol_path, names):
            return ALREADY if unfinished is None and is_followed() and ini_damage == "whole" else RESTORED
        if present == after or _without_our_values(present, before, after, self.pol_path, names) is not None:
            return RESTORED
        return KEPT

    def tidy_after(self, pol_item: FileItem) -> None:
        """Like ``tidy``, but a temporary file that is the only one left of a policy of others stays."""
        before, after = file_content(pol_item["before"]), file_content(pol_item["after"])
        left = self._files.interrupted(self.pol_path)
        if left is None or (before is None and not _is_of_an_undoing(left, before, after)):
            self.tidy()

    def tidy(self) -> None:
        """Takes away what a broken connection left of a write: the temporary files."""
        for path in (self.pol_path, self.ini_path):
            self._files.forget_temporary(path)

    def _count_on(self, ini_item: FileItem | None = None, damage: Damage = "whole") -> None:
        """A higher version makes Windows process ``Registry.pol`` at the next refresh.

        A file that is not whole, or missing, gives no number to count on from: the one that we wrote is the last that
        is known, and Windows skips a number that it has seen.
        """
        known = self._files.read(self.ini_path)
        if (damage != "whole" or known is None) and ini_item is not None:
            known = file_content(ini_item["after"])
        self._files.replace(self.ini_path, self._counted_on(known))

    def _counted_on(self, content: bytes | None) -> bytes:
        try:
            return gpt_ini.after_machine_change(content or b"")
        except gpt_ini.GptIniError as error:
            raise ChangeError("damaged_policy", f"{self.ini_path} cannot be changed safely: {error}.") from error

    def refresh(self) -> None:
        """Asks Windows to process the computer policy and waits for it. Its text is localized and is not read."""
        tool = f"{self._system_root}\\System32\\gpupdate.exe"
        answer = self._asker.ask([(command(tool, "/target:computer", "/wait:120"),)])
        if any(refusal.is_missing_command for refusal in answer.refusals):
            raise ChangeError("refresh_did_not_take", f"This session has no {tool}, so the policy was not refreshed.")

    def follow(
        self, registry: RemoteRegistry, path: str, name: str, wanted: State, wait: t.Callable[[float], bool]
    ) -> None:
        """Waits until the registry holds what the policy says. ``wait(seconds)`` is False when time is up.

        The refresh has waited for the processing already, so this is not for long.
        """
        for left in range(_LOOKS, -1, -1):
            if same(registry.read(path, name), wanted):
                return
            if not left or not wait(_SECONDS_BETWEEN_LOOKS):
                raise ChangeError(
                    "refresh_did_not_take",
                    f"The local policy was written, but {path}\\{name} did not follow it after a policy refresh.",
                )


def _nobody_counted_on(ini: bytes | None, ini_item: FileItem | None) -> bool:
    """Whether ``gpt.ini`` is as we left it, or torn with the policy: an editor that saves the policy counts on."""
    if ini_item is None:
        return False
    before, after = file_content(ini_item["before"]), file_content(ini_item["after"])
    return ini in (before, after) or damage_of_ini(ini, before, after) == "torn"


def value_in(content: bytes | None, path: str, name: str) -> State:
    """What a ``Registry.pol`` makes of one of the SSL values: a state, ``absent`` where it removes or does not name it.

    Raises ChangeError for a damaged file.
    """
    found = registry_pol.outcome(_parse(content, path), SSL_KEY, name)
    if found.action != "set" or found.entry is None:
        return {"status": "absent", "type": None, "data": None}
    kind, data = registry_pol.plain(found.entry)
    return {"status": "ok", "type": kind, "data": data}


def _parse(content: bytes | None, path: str) -> registry_pol.RegistryPol:
    try:
        return registry_pol.parse(content or b"")
    except registry_pol.PolError as error:
        raise ChangeError("damaged_policy", f"{path} is damaged and was left as it is: {error}.") from error


def _with_value(pol: registry_pol.RegistryPol, name: str, state: State) -> registry_pol.RegistryPol:
    if state["status"] == "absent":
        return registry_pol.delete(pol, SSL_KEY, name)
    multi = state["type"] == "REG_MULTI_SZ"
    content = registry_pol.multi_sz(texts_of(state)) if multi else registry_pol.sz(str(state["data"]))
    return registry_pol.replace(pol, SSL_KEY, name, _KINDS[state["type"] or ""], content)


def _without_our_values(
    present: bytes | None, before: bytes | None, after: bytes | None, path: str, names: t.Iterable[str]
) -> registry_pol.RegistryPol | None:
    """``Registry.pol`` with our values as before and the rest as it is now; None where one is not ours any more."""
    now, then, ours = _parse(present, path), _parse(before, path), _parse(after, path)
    for name in names:
        here, written = registry_pol.outcome(now, SSL_KEY, name), registry_pol.outcome(ours, SSL_KEY, name)
        if (here.action, _content(here.entry)) != (written.action, _content(written.entry)):
            return None
        old = registry_pol.outcome(then, SSL_KEY, name)
        if old.action == "set" and old.entry is not None:
            now = registry_pol.replace(now, SSL_KEY, name, old.entry.type, old.entry.data)
        elif old.action == "deleted":
            now = registry_pol.disable(now, SSL_KEY, name)
        else:
            now = registry_pol.delete(now, SSL_KEY, name)
    return now


def _is_of_an_undoing(left: bytes | None, before: bytes | None, after: bytes | None) -> bool:
    """Whether a temporary file holds a whole policy that is neither the old one nor (a part of) the new one."""
    if not left or left == before or (after or b"").startswith(left):
        return False
    try:
        registry_pol.parse(left)
    except registry_pol.PolError:
        return False
    return True


def _as_before(present: bytes | None, before: bytes | None, path: str, names: t.Iterable[str]) -> bool:
    """Whether our values are as before, whatever else somebody has set: then none of ours is there any more."""
    now, then = _parse(present, path), _parse(before, path)
    for name in names:
        here, old = registry_pol.outcome(now, SSL_KEY, name), registry_pol.outcome(then, SSL_KEY, name)
        if (here.action, _content(here.entry)) != (old.action, _content(old.entry)):
            return False
    return True


def _content(entry: registry_pol.Entry | None) -> tuple[int, bytes] | None:
    return None if entry is None else (entry.type, entry.data)
