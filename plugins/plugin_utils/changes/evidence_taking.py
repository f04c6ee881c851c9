# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Evidence taken on the endpoint: debug and certificate logging on, packets captured, all off again whatever happens.

Before anything is switched on, a scheduled task is registered that ends the capture, switches logging off, takes the
files away and removes itself (as ``commit_confirm`` does): an endpoint whose controller dies ends it by itself. What
others capture is never ended: the task and ``end`` act only on a capture that this run saw beginning.
"""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import FORMAT
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_files import RemoteFiles
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.restore_task_xml import task_xml
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Asker,
    PSObject,
    SessionError,
    command,
    exit_code,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings import event_logs
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import select

TASK = "fleetops-tetra-evidence"
FOLDER = "fleetops-tetra-evidence"
LONGEST_FETCH = 64 << 20
"""Bytes of a capture that are fetched; a larger file stays where it is until it is taken away."""
SHORTEST = 10.0
"""Seconds; shorter captures of netsh were seen to be empty (microsoft/etl2pcapng issue 40)."""
_BUNDLE_PAUSE = 3.0
_DESCRIPTION = (
    "Ends the packet capture, debug logging and certificate log that fleetops.tetra began for a diagnosis, in case "
    "its controller does not. Delete it when no diagnosis is under way."
)
Waiter = t.Callable[[float], bool]


@dataclass(frozen=True)
class Options:
    """``megabytes``: size of the capture at most; ``minutes``: after which the endpoint ends it by itself."""

    megabytes: int = 16
    minutes: float = 10.0
    capture: bool = True
    debug_logging: bool = True
    certificate_log: bool = True
    """Whether Windows' log of certificate checks (CAPI2) is switched on meanwhile, where it is off."""


@dataclass
class Taken:
    """What was fetched: a capture (pcapng or etl) or why there is none."""

    tool: str | None = None
    data: bytes | None = None
    converted: bool = False
    why_not: str | None = None
    bundle: bytes | None = None
    bundle_why_not: str | None = None
    logging: bool = False
    """Whether this run switched debug logging on."""
    capi2: str | None = None
    """Windows' log of certificate checks: on_already, switched_on, refused; None where it was not asked or not said."""


class EvidenceTaking:
    """One endpoint's evidence. ``sfc``: full path of the connector's tool, or None."""

    def __init__(self, asker: Asker, system_root: str, sfc: str | None, options: Options) -> None:
        self._asker = asker
        self._files = RemoteFiles(asker)
        self._root = system_root
        self._system32 = f"{system_root}\\System32"
        self._folder = f"{system_root}\\{FOLDER}"
        self._sfc = sfc
        self.options = options
        self._stop: tuple[str, ...] | None = None
        self._convert: tuple[str, ...] | None = None
        self._log_off: list[tuple[str, ...]] = []
        self._log_on = False
        self.taken = Taken()

    def begin(self) -> None:
        """Guard, logs, capture. Raises ChangeError where the guard cannot stand (then nothing was switched on)."""
        tool, start = self._choose() if self.options.capture else (None, ())
        self._prepare_certificate_log()
        self._guard(tool)
        if self._log_off:
            self._log_on = True  # before it is so: a refusal that hides a success is taken back as well
            on = self._run(self._wevtutil, "sl", event_logs.CAPI2, "/e:true")
            self.taken.capi2 = "switched_on" if on else "refused"
        if self.options.debug_logging and self._sfc is not None:
            self.taken.logging = self._run(self._sfc, "-l", "start")
        if tool is not None:
            self._capture(tool, start)

    def bundle(self, wait: Waiter) -> bytes | None:
        """The bundle of the connector's own tool; ``taken.bundle_why_not`` says why there is none.

        The tool may come back before its file is whole, so the file counts when it has stopped growing.
        """
        if self._sfc is None:
            return None
        tool = f"{self._sfc.rpartition(chr(92))[0]}\\ipsupporttool.exe"
        try:
            if not self._files.exists(tool) or not self._run(tool, "-o", self._folder):
                raise ChangeError("no_bundle", "The connector's tool for support bundles is missing or was refused.")
            return self._files.read(self._whole_bundle(wait))
        except ChangeError as error:
            self.taken.bundle_why_not = str(error)
            return None

    def _whole_bundle(self, wait: Waiter) -> str:
        before: tuple[str, int] | None = None
        while True:
            found = self._find_bundle()
            if found is not None and found == before:
                if found[1] > LONGEST_FETCH:
                    raise ChangeError(
                        "too_large", f"The support bundle has {found[1] >> 20} MiB, more than is fetched."
                    )
                return found[0]
            if before is not None and not wait(_BUNDLE_PAUSE) and found != before:
                raise ChangeError("no_bundle", "The support bundle was not whole within the time allowed.")
            if found is None and not wait(_BUNDLE_PAUSE):
                raise ChangeError("no_bundle", "The connector's tool left no support bundle within the time allowed.")
            before = found

    def _find_bundle(self) -> tuple[str, int] | None:
        path = f"{self._folder}\\CiscoAMP_Support_Tool*"
        answer = self._asker.ask(
            [(command("Get-ChildItem", Path=path, ErrorAction="Continue"), select("FullName", "Length"))]
        )
        for obj in answer.output:
            name, length = (obj.get("FullName"), obj.get("Length")) if isinstance(obj, PSObject) else (None, None)
            if isinstance(name, str) and isinstance(length, int) and not isinstance(length, bool):
                return name, int(length)
        return None

    def end(self, wait: Waiter, began: float) -> Taken:
        """Ends both, fetches the capture, takes away everything. ``began``: seconds since the capture began."""
        try:
            if self._stop is not None:
                if began < SHORTEST:
                    wait(SHORTEST - began)
                self._finish()
        except ChangeError as error:
            self.taken.why_not = str(error)
        finally:
            self.clean()
        return self.taken

    def clean(self) -> None:
        """Off, and nothing left behind. What fails here is left to the endpoint's own task."""
        with contextlib.suppress(SessionError, ChangeError):
            if self._stop is not None:
                self._run(*self._stop)
                self._stop = None
            if self.taken.logging and self._sfc is not None:
                self._run(self._sfc, "-l", "stop")
            off = all(self._run(*words) for words in self._log_off) if self._log_on else True
            self._log_on = self._log_on and not off
            if self._files.exists(self._folder):
                self._asker.ask([(command("Remove-Item", LiteralPath=self._folder, Recurse=True, Force=True),)])
            # The guard goes last, and only when all that it is there for is done.
            if not self._files.exists(self._folder) and (off or self.taken.capi2 == "refused"):
                self._schtasks("/delete", "/tn", TASK, "/f")

    # Details --------------------------------------------------------------------------------------------------------

    def _choose(self) -> tuple[str, tuple[str, ...]]:
        """(tool, its arguments to start): pktmon in the words that this build knows, else netsh."""
        pktmon, file = f"{self._system32}\\pktmon.exe", f"{self._folder}\\capture.etl"
        size = str(self.options.megabytes)
        if self._files.exists(pktmon):
            answer = self._asker.ask([(command(pktmon, "start", "help"),)])
            words = " ".join(str(line) for line in answer.output if isinstance(line, str))
            converted = f"{self._folder}\\capture.pcapng"
            # The letters changed with servicing, not with the build, so the help is asked.
            if "--capture" in words:
                self._convert = (pktmon, "etl2pcap", file, "--out", converted)
                return pktmon, ("start", "--capture", "--comp", "nics", "--pkt-size", "0", "-f", file, "-s", size)
            if "--etw" in words:
                self._convert = (pktmon, "pcapng", file, "-o", converted)
                return pktmon, ("start", "--etw", "-c", "nics", "-p", "0", "-f", file, "-s", size)
        return f"{self._system32}\\netsh.exe", (
            "trace", "start", "capture=yes", "report=disabled", "correlation=disabled", "persistent=no",
            "overwrite=yes", "fileMode=circular", f"maxSize={size}", f"traceFile={file}",
        )  # fmt: skip

    def _prepare_certificate_log(self) -> None:
        """Whether CAPI2's log is off now, and how it is left as it was: off, and emptied only where it was empty."""
        if not self.options.certificate_log:
            return
        enabled = event_logs.is_enabled(self._asker, self._root, event_logs.CAPI2)
        if enabled is not False:
            self.taken.capi2 = "on_already" if enabled else None
            return
        self._log_off = [(self._wevtutil, "sl", event_logs.CAPI2, "/e:false")]
        if event_logs.is_empty(self._asker, self._root, event_logs.CAPI2):
            self._log_off.append((self._wevtutil, "cl", event_logs.CAPI2))

    @property
    def _wevtutil(self) -> str:
        return f"{self._system32}\\wevtutil.exe"

    def _guard(self, tool: str | None) -> None:
        when = reboot.clock(self._asker)
        if when is None:
            raise ChangeError("not_guarded", "Windows does not tell its time, so the end could not be scheduled.")
        start = datetime.strptime(when, FORMAT).replace(tzinfo=UTC) + timedelta(minutes=self.options.minutes)
        actions: list[tuple[str, str]] = []
        if tool is not None:
            actions.append((tool, "stop" if tool.endswith("pktmon.exe") else "trace stop"))
        if self.options.debug_logging and self._sfc is not None:
            actions.append((self._sfc, "-l stop"))
        actions += [(words[0], " ".join(words[1:])) for words in self._log_off]
        actions += [
            (f"{self._system32}\\cmd.exe", f'/d /c rd /s /q "{self._folder}"'),
            (f"{self._system32}\\schtasks.exe", f"/delete /tn {TASK} /f"),
        ]
        definition = f"{self._folder}\\task.xml"
        self._files.replace(definition, task_xml(start, actions, _DESCRIPTION))
        if not (
            self._schtasks("/create", "/xml", definition, "/tn", TASK, "/f") and self._schtasks("/query", "/tn", TASK)
        ):
            self.clean()
            raise ChangeError(
                "not_guarded",
                "The scheduled task that would end the capture could not be registered; nothing was begun.",
            )

    def _capture(self, tool: str, start: tuple[str, ...]) -> None:
        name = tool.rpartition("\\")[2].removesuffix(".exe").lower()
        self.taken.tool = name
        if self._run(tool, *start) and self._files.exists(f"{self._folder}\\capture.etl"):
            self._stop = (tool, "stop") if name == "pktmon" else (tool, "trace", "stop")
            return
        self.taken.why_not = (
            f"{name} did not begin to capture: a capture is running already, or the account has no right to it."
        )
        # The task must not end what somebody else captures: it is registered anew without that.
        self._guard(None)

    def _finish(self) -> None:
        stop, self._stop = self._stop, None
        if stop is None or not self._run(*stop):
            raise ChangeError("not_stopped", "The capture did not end in order; its file was not fetched.")
        name = "capture.etl"
        if self._convert is not None and self._run(*self._convert):
            name, self.taken.converted = "capture.pcapng", True
        size = self._size(f"{self._folder}\\{name}")
        if size is None:
            raise ChangeError("no_capture", "The capture left no file.")
        if size > LONGEST_FETCH:
            raise ChangeError("too_large", f"The capture has {size >> 20} MiB, more than is fetched.")
        self.taken.data = self._files.read(f"{self._folder}\\{name}")

    def _size(self, path: str) -> int | None:
        answer = self._asker.ask(
            [(command("Get-Item", LiteralPath=path, Force=True, ErrorAction="Continue"), select("FullName", "Length"))]
        )
        for obj in answer.output:
            length = obj.get("Length") if isinstance(obj, PSObject) else None
            if isinstance(length, int) and not isinstance(length, bool):
                return int(length)
        return None

    def _schtasks(self, *arguments: str) -> bool:
        return self._run(f"{self._system32}\\schtasks.exe", *arguments)

    def _run(self, *words: str) -> bool:
        """By the exit code, since the tools' texts are localized."""
        answer = self._asker.ask([(command(*words),), (command("Get-Variable", Name="LASTEXITCODE", ValueOnly=True),)])
        return exit_code(answer) == 0
