# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The power of an endpoint fails at every write of a change and of a rollback: before it, after it, and in its middle.

In its middle a file of Windows is there and zeroed, cut short, empty, or gone with its new content under a temporary
name. Whatever stands there then, a rollback brings the endpoint to what it was: no state is neither.
"""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.machine.group_policy import GPT_INI, REGISTRY_POL
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import (
    CHANGED_AT,
    OUR_KEY,
    POLICY_KEY,
    SUITES_VALUE,
    schannel_path,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_order import wanted_order
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_order_options import parse_order_options
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_switch_options import parse_switch_options
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_switches import wanted_switches
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import gpt_ini
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImageStore
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.transaction import Label, Transaction
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.windows_folders import WindowsFolders
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.work import EndpointWork
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Answer,
    SessionError,
    Statement,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.rollback import (
    Outcome,
    Rollback,
    RollbackOptions,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.tests.unit.lab_session import InProcess, NearWindows

WITHOUT = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA"
NEW = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
# The lab's local policy has one setting of somebody else; here it has been applied already.
OTHERS = {r"HKLM\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU": {"NoAutoUpdate": 1}}
ORDER = {"ensure": [NEW]}
CASES: dict[str, tuple[dict[str, t.Any], dict[str, t.Any]]] = {
    "local policy": (
        {"policy": WITHOUT, "curves": {"policy": ["NistP256"]}, "origin": "local_gpo", "registry": OTHERS},
        ORDER,
    ),
    "no local policy yet": ({}, {"suites": [NEW, *WITHOUT.split(",")], "where": "policy", "new_policy": "local_gpo"}),
    "direct value": ({"policy": WITHOUT, "origin": "direct"}, ORDER),
    "local list": (
        {"local": WITHOUT.split(",")},
        {"suites": [*WITHOUT.split(",")[1:2], NEW, *WITHOUT.split(",")[:1]]},
    ),
    "switches": (
        {"registry": {schannel_path("Ciphers\\AES 256/256"): {"Enabled": "0"}}},
        {"key_exchanges": {"ECDH": "enabled"}, "ciphers": {"AES 128/128": "enabled", "AES 256/256": "enabled"}},
    ),
}
WRITES = frozenset(
    {
        "New-Item",
        "Set-ItemProperty",
        "Remove-ItemProperty",
        "Remove-Item",
        "Set-Content",
        "Move-Item",
        "Enable-TlsCipherSuite",
        "Disable-TlsCipherSuite",
        "Invoke-CimMethod",
        "gpupdate.exe",
    }
)
FILE_WRITES = {"Set-Content", "Move-Item"}
CUTS: t.Final = ("before", "after", "zeroed", "cut short", "cut short and zeros", "empty", "gone")


class PowerCut:
    """An endpoint and its asker; the power fails at one write, and nothing answers after it."""

    def __init__(self, windows: NearWindows, number: int = 1_000_000, kind: str = "after") -> None:
        self._windows = windows
        self._number = number
        self._kind = kind
        self.writes: list[str] = []
        self.failed = False

    def session(self) -> PowerCut:
        return self

    def renew(self) -> PowerCut:
        return self

    def hand_over(self) -> None:
        return None

    def version_table(self) -> dict[str, t.Any]:
        return self._windows.session.version_table()

    def configuration(self) -> str | None:
        return self._windows.session.configuration()

    def ask(self, statements: t.Sequence[Statement]) -> Answer:
        if self.failed:
            raise SessionError("unreachable", "Nothing answers.")
        verb, named = _write_in(statements)
        if verb is None:
            return self._asker.ask(statements)
        self.writes.append(verb)
        if len(self.writes) <= self._number:
            return self._asker.ask(statements)
        self.failed = True
        path = str(named.get("Destination") or named.get("LiteralPath"))
        if self._kind != "before":
            self._asker.ask(statements)
        if self._kind not in ("before", "after"):
            self._tear(path)
        raise SessionError("unreachable", "Nothing answers.")

    @property
    def _asker(self) -> InProcess:
        return self._windows.session

    def _tear(self, path: str) -> None:
        files, state = self._windows.state.files, self._windows.state
        file = files.find(path)
        if file is None:
            return
        whole = file.data
        half = whole[: len(whole) // 2]
        torn = {
            "zeroed": b"\0" * len(whole),
            "cut short": half,
            "cut short and zeros": half + b"\0" * (len(whole) - len(half)),
            "empty": b"",
        }
        if self._kind in torn:
            files.write(path, torn[self._kind], state.now())
            return
        files.remove(path)
        if not path.endswith(".tmp"):
            files.write(f"{path}.fleetops-tetra.tmp", whole, state.now())


def _write_in(statements: t.Sequence[Statement]) -> tuple[str | None, dict[str | None, t.Any]]:
    for statement in statements:
        for command in statement:
            name = command.name.rpartition("\\")[2]
            named = dict(command.parameters)
            reads = name == "Invoke-CimMethod" and not str(named.get("MethodName")).startswith(
                ("Set", "Create", "Delete")
            )
            if name in WRITES and not reads:
                return name, named
    return None, {}


def never(_seconds: float) -> bool:
    return False


def steps_of(pc: NearWindows, wanted: dict[str, t.Any]) -> list[t.Any]:
    facts = collect(pc.session, "pc", now())
    if {"suites", "ensure"} & set(wanted):
        return list(wanted_order(facts, parse_order_options(wanted)).steps)
    return list(wanted_switches(facts, parse_switch_options(wanted)).steps)


def change(endpoint: PowerCut, results: Path, steps: list[t.Any]) -> None:
    def work(left: t.Callable[[float], bool]) -> EndpointWork:
        return EndpointWork(endpoint, WindowsFolders(), left)

    label = Label("pc", "run", "token")
    Transaction(endpoint, work, BeforeImageStore(results), label, never, wait_undoing=never).make(steps)


def roll_back(endpoint: PowerCut, results: Path, **options: t.Any) -> Outcome:
    rollback = Rollback(endpoint, results, "pc", RollbackOptions(deadline=0.0, **options))
    rollback.run()
    return rollback.outcome


def comparable(pc: NearWindows) -> dict[str, t.Any]:
    """All of the registry and of the files but gpt.ini, whose version goes on counting, and Windows' own note of which
    local policy it has applied."""
    dump, left_out = pc.dump(), (GPT_INI.lower(), r"c:\programdata\ntuser.pol")
    files = {path: content for path, content in dump["files"].items() if path.lower() not in left_out}
    return {"registry": dump["registry"], "files": files}


def is_sound(pc: NearWindows) -> bool:
    """gpt.ini can be read, and no note of ours is left."""
    content = pc.file(GPT_INI)
    gpt_ini.after_machine_change(content or b"")
    return (
        b"\0" not in (content or b"") and pc.value(OUR_KEY, CHANGED_AT) is None and not pc.value(OUR_KEY, "WriteTest")
    )


def undisturbed(name: str, results: Path) -> tuple[list[str], list[str]]:
    """The writes of a change and of its rollback."""
    mapping, wanted = CASES[name]
    pc = NearWindows(**mapping)
    before = comparable(pc)
    counting = PowerCut(pc)
    change(counting, results, steps_of(pc, wanted))
    assert steps_of(pc, wanted) == []
    back = PowerCut(pc)
    roll_back(back, results)
    assert comparable(pc) == before
    assert is_sound(pc)
    return counting.writes, back.writes


def kinds(verb: str) -> tuple[str, ...]:
    return CUTS if verb in FILE_WRITES else CUTS[:2]


@pytest.mark.parametrize("name", CASES)
def test_a_power_cut_at_any_write_of_a_change_is_put_back(tmp_path: Path, name: str) -> None:
    mapping, wanted = CASES[name]
    writes, _back = undisturbed(name, tmp_path / "undisturbed")
    assert len(writes) >= 4
    for number, verb in enumerate(writes):
        for kind in kinds(verb):
            results = tmp_path / f"{number}-{kind}"
            pc = NearWindows(**mapping)
            before = comparable(pc)
            with pytest.raises((SessionError, ChangeError)):
                change(PowerCut(pc, number, kind), results, steps_of(pc, wanted))
            outcome = roll_back(PowerCut(pc), results)
            where = (number, verb, kind, outcome.items)
            assert comparable(pc) == before, where
            assert is_sound(pc), where
            assert BeforeImageStore(results).unrestored("pc") == [], where


@pytest.mark.parametrize("name", CASES)
def test_a_power_cut_at_any_write_of_a_rollback_is_finished_by_the_next_one(tmp_path: Path, name: str) -> None:
    mapping, wanted = CASES[name]
    _writes, back = undisturbed(name, tmp_path / "undisturbed")
    for number, verb in enumerate(back):
        for kind in kinds(verb):
            results = tmp_path / f"{number}-{kind}"
            pc = NearWindows(**mapping)
            before = comparable(pc)
            change(PowerCut(pc), results, steps_of(pc, wanted))
            cut = PowerCut(pc, number, kind)
            with contextlib.suppress(SessionError, ChangeError):
                roll_back(cut, results)
            # A note of the same second need not be written again, so one write may be missing.
            assert cut.failed or number >= len(back) - 1
            outcome = roll_back(PowerCut(pc), results)
            where = (number, verb, kind, outcome.items)
            assert comparable(pc) == before, where
            assert is_sound(pc), where


DAMAGES = {
    "irregular version": (GPT_INI, b"[General]\r\nVersion=twelve\r\n"),
    "foreign entry cut off": (REGISTRY_POL, b"PReg\x01\x00\x00\x00[\x00F\x00o\x00r\x00e\x00i\x00g\x00n\x00"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_that_is_not_ours_is_put_back_only_with_force(tmp_path: Path, name: str) -> None:
    path, content = DAMAGES[name]
    mapping, wanted = CASES["local policy"]
    pc = NearWindows(**mapping)
    before = comparable(pc)
    change(PowerCut(pc), tmp_path, steps_of(pc, wanted))
    pc.state.files.write(path, content, pc.state.now())
    with pytest.raises(ChangeError, match="is damaged, and not by an interrupted change of ours") as refused:
        roll_back(PowerCut(pc), tmp_path)
    assert refused.value.code == "damaged_policy"
    assert pc.file(path) == content
    roll_back(PowerCut(pc), tmp_path, force=True)
    assert (comparable(pc), is_sound(pc)) == (before, True)


def test_an_irregular_gpt_ini_ends_a_change_in_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    mapping, wanted = CASES["local policy"]
    pc = NearWindows(**mapping)
    steps = steps_of(pc, wanted)
    pc.state.files.write(GPT_INI, DAMAGES["irregular version"][1], pc.state.now())
    before = pc.dump()
    with pytest.raises(ChangeError, match=r"gpt\.ini cannot be changed safely"):
        change(PowerCut(pc), tmp_path, steps)
    assert pc.dump() == before


def test_a_policy_that_somebody_emptied_is_left_to_them(tmp_path: Path) -> None:
    """A policy of nothing but its header is a part of what we wrote, too; but an editor counts the version on."""
    mapping, wanted = CASES["local policy"]
    pc = NearWindows(**mapping)
    change(PowerCut(pc), tmp_path, steps_of(pc, wanted))
    pc.state.files.write(REGISTRY_POL, b"PReg\x01\x00\x00\x00", pc.state.now())
    counted = gpt_ini.after_machine_change(pc.file(GPT_INI) or b"")
    pc.state.files.write(GPT_INI, counted, pc.state.now())
    outcome = roll_back(PowerCut(pc), tmp_path)
    assert {one["outcome"] for one in outcome.items if one["name"] == SUITES_VALUE} == {"kept_changed_since"}
    assert pc.file(REGISTRY_POL) == b"PReg\x01\x00\x00\x00"
    assert pc.value(POLICY_KEY, SUITES_VALUE) is not None
