# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Small files of an endpoint: read whole, and replaced without ever being truncated in place.

A new content goes into a temporary file beside the old one, is read back and compared, and only then moved over it.
Windows PowerShell spells bytes ``-Encoding Byte``, PowerShell 7 ``-AsByteStream``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError, NotWritable
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Answer,
    Asker,
    Command,
    PSObject,
    command,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import select


class RemoteFiles:
    """Files of one endpoint. Raises ChangeError, NotWritable or SessionError."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    def read(self, path: str) -> bytes | None:
        """The content, or None where there is no such file."""
        answer = self._asker.ask([(self._bytes("Get-Content", LiteralPath=path, Raw=True, ErrorAction="Continue"),)])
        if answer.refusals:
            if all(refusal.proves_absence({path.lower()}) for refusal in answer.refusals):
                return None
            raise _refused(answer, f"{path} could not be read")
        content = _joined(answer.output)
        if content is None:
            raise ChangeError("unreadable", f"{path} came in a form that is no file content.")
        if not content and not self.exists(path):
            raise ChangeError("no_answer", f"{path} could not be read: the endpoint gave no answer.")
        return content

    def exists(self, path: str) -> bool:
        """A file or folder, hidden ones included."""
        answer = self._asker.ask(
            [(command("Get-Item", LiteralPath=path, Force=True, ErrorAction="Continue"), select("FullName"))]
        )
        if any(isinstance(item, PSObject) for item in answer.output):
            return True
        if answer.refusals and all(refusal.proves_absence({path.lower()}) for refusal in answer.refusals):
            return False
        raise _refused(answer, f"Whether {path} exists could not be read")

    def replace(self, path: str, content: bytes, instead_of: t.Collection[bytes | None] | None = None) -> bool:
        """Makes the file hold ``content``; False where it did already. The old file stays whole until the end.

        ``instead_of``: what may stand there (None: no file). Another content is somebody else's, and raises ChangeError
        with code ``changed_meanwhile``; that is looked at last before the file is replaced.
        """
        if self.read(path) == content:
            return False
        folder = path.rpartition("\\")[0]
        self.make_folder(folder)
        temporary = _temporary(path)
        try:
            self._write(temporary, content)
            if self.read(temporary) != content:
                raise ChangeError("not_kept", f"{temporary} was written, but does not hold what was written.")
            if instead_of is not None and self.read(path) not in instead_of:
                raise ChangeError("changed_meanwhile", f"{path} was changed by somebody meanwhile; plan again.")
            answer = self._asker.ask(
                [(command("Move-Item", LiteralPath=temporary, Destination=path, Force=True, ErrorAction="Continue"),)]
            )
            if answer.refusals:
                raise _refused(answer, f"{path} could not be replaced")
        except ChangeError:
            self._forget(temporary)
            raise
        if self.read(path) != content:
            raise ChangeError("not_kept", f"{path} was replaced, but does not hold what was written.")
        return True

    def forget_temporary(self, path: str) -> None:
        """Takes away what an interrupted ``replace`` of this file left behind."""
        self._forget(_temporary(path))

    def interrupted(self, path: str) -> bytes | None:
        """What an interrupted ``replace`` was about to put in place of a file that is missing now; None otherwise.

        ``Move-Item -Force`` takes an existing file away before it moves the new one, so that a power failure in between
        leaves the new content under its temporary name only.
        """
        return self.read(_temporary(path)) if self.read(path) is None else None

    def make_folder(self, path: str) -> None:
        """Makes the folder and those above it that are missing."""
        if path.endswith(":") or self.exists(path):
            return
        self.make_folder(path.rpartition("\\")[0])
        answer = self._asker.ask(
            [(command("New-Item", Path=path, ItemType="Directory", ErrorAction="Continue"), select("FullName"))]
        )
        if answer.refusals:
            raise _refused(answer, f"The folder {path} could not be made")

    def remove(self, path: str) -> None:
        """Takes the file away; one that is not there is no error."""
        if not self.exists(path):
            return
        answer = self._asker.ask([(command("Remove-Item", LiteralPath=path, Force=True, ErrorAction="Continue"),)])
        if answer.refusals:
            raise _refused(answer, f"{path} could not be removed")

    def _write(self, path: str, content: bytes) -> None:
        answer = self._asker.ask(
            [(self._bytes("Set-Content", LiteralPath=path, Value=content, Force=True, ErrorAction="Continue"),)]
        )
        if answer.refusals:
            raise _refused(answer, f"{path} could not be written")

    def _forget(self, path: str) -> None:
        """The temporary file of a failed change; that it cannot be removed adds nothing to the failure."""
        self._asker.ask([(command("Remove-Item", LiteralPath=path, Force=True, ErrorAction="SilentlyContinue"),)])

    def _bytes(self, name: str, **named: t.Any) -> Command:
        version = str(self._asker.version_table().get("PSVersion") or "5.1")
        modern = version.split(".", 1)[0].isdigit() and int(version.split(".", 1)[0]) >= 6
        return command(name, **named, **({"AsByteStream": True} if modern else {"Encoding": "Byte"}))


def _temporary(path: str) -> str:
    """Always the same name: what a killed run left behind is used up by the next one."""
    return f"{path}.fleetops-tetra.tmp"


def _joined(output: t.Sequence[t.Any]) -> bytes | None:
    """Bytes arrive as one block or as single numbers; an empty file gives nothing."""
    if all(isinstance(item, bytes) for item in output):
        return b"".join(output)
    if all(isinstance(item, int) and 0 <= item <= 255 for item in output):
        return bytes(output)
    return None


def _refused(answer: Answer, what: str) -> ChangeError:
    if not answer.refusals:
        return ChangeError("no_answer", f"{what}: the endpoint gave no answer.")
    if any(refusal.is_denied for refusal in answer.refusals):
        return NotWritable(f"{what}: the account has no right to it.")
    return ChangeError("refused", f"{what}: {answer.refusals[0].sentence()}")
