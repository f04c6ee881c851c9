# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single registry values of an endpoint: read, written with their type, taken away, and nothing beside them touched."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.machine.registry import (
    BINARY,
    DWORD,
    EXPAND_SZ,
    MULTI_SZ,
    QWORD,
    SZ,
    Value,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import POLICY_KEY, schannel_path
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError, NotWritable
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_registry import (
    ABSENT,
    RemoteRegistry,
    State,
    same,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Answer, Refusal
from ansible_collections.fleetops.tetra.tests.unit.lab_session import Breaking, Fresh

PLAIN = schannel_path("KeyExchangeAlgorithms\\ECDH")
SLASHED = schannel_path("Ciphers\\AES 128/128")
FREE = r"HKEY_LOCAL_MACHINE\SOFTWARE\Somebody\Deep\Below"


def ok(type_: str, data: t.Any) -> State:
    return {"status": "ok", "type": type_, "data": data}


WRITTEN = [
    (FREE, ok("REG_SZ", "one,two"), Value(SZ, "one,two")),
    (FREE, ok("REG_SZ", ""), Value(SZ, "")),
    (FREE, ok("REG_SZ", "fünf, 다섯 & <six> %PATH% $x `n"), Value(SZ, "fünf, 다섯 & <six> %PATH% $x `n")),
    (FREE, ok("REG_EXPAND_SZ", "one,two"), Value(EXPAND_SZ, "one,two")),
    (FREE, ok("REG_MULTI_SZ", ["one", "two"]), Value(MULTI_SZ, ("one", "two"))),
    (FREE, ok("REG_MULTI_SZ", ["one"]), Value(MULTI_SZ, ("one",))),
    (FREE, ok("REG_DWORD", 0), Value(DWORD, 0)),
    (FREE, ok("REG_DWORD", 0xFFFFFFFF), Value(DWORD, 0xFFFFFFFF)),
    (FREE, ok("REG_DWORD", 0x80000000), Value(DWORD, 0x80000000)),
    (PLAIN, ok("REG_DWORD", 0xFFFFFFFF), Value(DWORD, 0xFFFFFFFF)),
    (SLASHED, ok("REG_DWORD", 0), Value(DWORD, 0)),
    (SLASHED, ok("REG_DWORD", 0xFFFFFFFF), Value(DWORD, 0xFFFFFFFF)),
    (SLASHED, ok("REG_SZ", "0"), Value(SZ, "0")),
]


@pytest.mark.parametrize(("path", "wanted", "stored"), WRITTEN)
def test_a_value_is_written_with_its_type_read_back_and_taken_away(
    windows: Fresh, path: str, wanted: State, stored: Value
) -> None:
    pc = windows(registry={path: {"Beside": 7}})
    registry = RemoteRegistry(pc.session)
    assert registry.read(path, "Enabled") == ABSENT
    assert registry.write(path, "Enabled", wanted)
    assert pc.value(path, "Enabled") == stored
    assert same(registry.read(path, "Enabled"), wanted)
    assert not registry.write(path, "Enabled", wanted), "a second time there is nothing to write"
    assert registry.write(path, "Enabled", dict(ABSENT))
    assert pc.value(path, "Enabled") is None
    assert pc.value(path, "Beside") == Value(DWORD, 7)
    assert not registry.write(path, "Enabled", dict(ABSENT))
    assert pc.unmatched == []


@pytest.mark.parametrize("path", [FREE, SLASHED])
def test_a_missing_key_is_made_and_nothing_but_it(windows: Fresh, path: str) -> None:
    pc = windows()
    before = pc.dump()["registry"]
    RemoteRegistry(pc.session).write(path, "Enabled", ok("REG_DWORD", 1))
    after = pc.dump()["registry"]
    assert after[path] == {"Enabled": ["REG_DWORD", 1]}
    assert {key: values for key, values in after.items() if values} == {
        **{key: values for key, values in before.items() if values},
        path: after[path],
    }
    assert path.rpartition("\\")[2] == path.split("\\")[-1], "a slash is no separator"


@pytest.mark.parametrize("path", [PLAIN, SLASHED])
@pytest.mark.parametrize("old", [{"type": "REG_SZ", "data": "0"}, {"type": "REG_DWORD", "data": 0}])
def test_a_value_of_another_type_is_replaced_and_can_be_put_back(
    windows: Fresh, path: str, old: dict[str, t.Any]
) -> None:
    pc = windows(registry={path: {"Enabled": old}})
    registry = RemoteRegistry(pc.session)
    before = registry.read(path, "Enabled")
    assert same(before, {"status": "ok", **old})
    stored = pc.value(path, "Enabled")
    registry.write(path, "Enabled", ok("REG_DWORD", 0xFFFFFFFF))
    assert pc.value(path, "Enabled") == Value(DWORD, 0xFFFFFFFF)
    registry.write(path, "Enabled", before)
    assert pc.value(path, "Enabled") == stored


@pytest.mark.parametrize(
    "odd",
    [
        {"type": "REG_QWORD", "data": 1},
        {"type": "REG_BINARY", "data": "00ff"},
        {"type": "REG_EXPAND_SZ", "data": "%x%"},
        {"type": "REG_MULTI_SZ", "data": ["a"]},
    ],
)
def test_a_type_that_could_not_be_put_back_is_left_alone(windows: Fresh, odd: dict[str, t.Any]) -> None:
    pc = windows(registry={SLASHED: {"Enabled": odd}})
    before = pc.dump()
    with pytest.raises(ChangeError) as caught:
        RemoteRegistry(pc.session).write(SLASHED, "Enabled", ok("REG_DWORD", 0))
    assert caught.value.code == "wrong_type"
    assert str(caught.value).endswith("it was left as it is.")
    assert pc.dump() == before


@pytest.mark.parametrize(
    "value",
    [Value(QWORD, 1 << 40), Value(BINARY, b"\x00\xff"), Value(EXPAND_SZ, "%SystemRoot%"), Value(MULTI_SZ, ("a", "b"))],
)
def test_every_type_can_be_read_where_the_key_has_no_slash(windows: Fresh, value: Value) -> None:
    pc = windows()
    pc.state.registry.set(PLAIN, "Odd", value)
    found = RemoteRegistry(pc.session).read(PLAIN, "Odd")
    assert found["status"] == "ok"
    assert (
        found["type"]
        in {
            QWORD: ("REG_QWORD",),
            BINARY: ("REG_BINARY",),
            EXPAND_SZ: ("REG_EXPAND_SZ",),
            MULTI_SZ: ("REG_MULTI_SZ",),
        }[value.type]
    )


def test_text_of_the_other_type_is_written_anew(windows: Fresh) -> None:
    pc = windows(registry={PLAIN: {"Enabled": {"type": "REG_EXPAND_SZ", "data": "a"}}})
    assert RemoteRegistry(pc.session).write(PLAIN, "Enabled", ok("REG_SZ", "a"))
    assert pc.value(PLAIN, "Enabled") == Value(SZ, "a")


@pytest.mark.parametrize("wmi", ["broken", "denied"])
def test_without_wmi_the_key_itself_tells_the_type_of_a_text(windows: Fresh, wmi: str) -> None:
    pc = windows(policy="A,B", wmi=wmi)
    registry = RemoteRegistry(pc.session)
    before = registry.read(POLICY_KEY, "Functions")
    assert before == ok("REG_SZ", "A,B")
    registry.write(POLICY_KEY, "Functions", ok("REG_SZ", "C"))
    registry.write(POLICY_KEY, "Functions", before)
    assert pc.value(POLICY_KEY, "Functions") == Value(SZ, "A,B")


@pytest.mark.parametrize("path", [POLICY_KEY, SLASHED])
def test_a_key_that_may_not_be_written_is_said_to_be_so(windows: Fresh, path: str) -> None:
    pc = windows(registry={path: {"Enabled": 1}}, write_denied=[path])
    before = pc.dump()
    with pytest.raises(NotWritable, match="the account has no right to it"):
        RemoteRegistry(pc.session).write(path, "Enabled", ok("REG_DWORD", 0))
    assert pc.dump() == before


@pytest.mark.parametrize("path", [POLICY_KEY, SLASHED])
def test_a_key_that_may_not_be_read_is_never_taken_for_an_absent_one(windows: Fresh, path: str) -> None:
    pc = windows(registry={path: {"Enabled": 1}}, denied=[path])
    with pytest.raises(ChangeError, match="could not be read: the account has no right to it"):
        RemoteRegistry(pc.session).read(path, "Enabled")


@pytest.mark.parametrize("wmi", ["broken", "denied"])
def test_a_slashed_key_needs_wmi(windows: Fresh, wmi: str) -> None:
    pc = windows(registry={SLASHED: {"Enabled": 1}}, wmi=wmi)
    with pytest.raises(ChangeError, match="could not be reached through WMI"):
        RemoteRegistry(pc.session).read(SLASHED, "Enabled")


def test_the_key_of_the_curves_keeps_them(windows: Fresh) -> None:
    pc = windows(policy="A", curves={"policy": ["NistP384"]})
    registry = RemoteRegistry(pc.session)
    registry.create_key(POLICY_KEY)
    registry.write(POLICY_KEY, "Functions", ok("REG_SZ", "B"))
    assert pc.value(POLICY_KEY, "EccCurves") == Value(MULTI_SZ, ("NistP384",))


@pytest.mark.parametrize("variants", [{"empty_key_itemproperty": "object"}, {"empty_key_itemproperty": "nothing"}])
def test_a_key_without_values_has_no_value(windows: Fresh, variants: dict[str, str]) -> None:
    pc = windows(registry={PLAIN: {}}, behaviours=variants)
    registry = RemoteRegistry(pc.session)
    assert registry.read(PLAIN, "Enabled") == ABSENT
    assert registry.key_exists(PLAIN)
    assert not registry.key_exists(FREE)


def test_only_an_empty_key_is_taken_away(windows: Fresh) -> None:
    pc = windows(registry={FREE: {"x": 1}})
    registry = RemoteRegistry(pc.session)
    with pytest.raises(ChangeError, match="could not be removed"):
        registry.remove_empty_key(FREE.rpartition("\\")[0])
    registry.remove_empty_key(FREE)
    assert pc.state.registry.find(FREE) is None
    with pytest.raises(ChangeError, match="could not be removed"):
        registry.remove_empty_key(FREE)


@pytest.mark.parametrize("path", [PLAIN, SLASHED])
def test_a_write_whose_answer_is_lost_is_found_done_the_next_time(windows: Fresh, path: str) -> None:
    pc = windows()

    def is_write(name: str, parameters: dict[str | None, t.Any]) -> bool:
        return name == "Set-ItemProperty" or parameters.get("MethodName") == "SetDWORDValue"

    breaking = Breaking(pc, is_write, after=True)
    with pytest.raises(Exception, match="The connection broke"):
        RemoteRegistry(breaking).write(path, "Enabled", ok("REG_DWORD", 0))
    assert not RemoteRegistry(breaking.renew()).write(path, "Enabled", ok("REG_DWORD", 0))


@pytest.mark.parametrize(
    ("left", "right", "answer"),
    [
        (ok("REG_SZ", "a"), ok("REG_SZ", "a"), True),
        (ok("REG_SZ", "a"), ok("REG_SZ", "A"), False),
        (ok("REG_SZ", "a"), ok("REG_SZ_OR_EXPAND_SZ", "a"), True),
        (ok("REG_EXPAND_SZ", "a"), ok("REG_SZ_OR_EXPAND_SZ", "a"), True),
        (ok("REG_SZ", "a"), ok("REG_EXPAND_SZ", "a"), False),
        (ok("REG_SZ", "a"), ok("REG_MULTI_SZ", ["a"]), False),
        (ok("REG_DWORD", 1), ok("REG_QWORD", 1), False),
        (ok("REG_DWORD", 0), dict(ABSENT), False),
        (dict(ABSENT), dict(ABSENT), True),
    ],
)
def test_two_states_are_the_same_value(left: State, right: State, answer: bool) -> None:
    assert same(left, right) is answer
    assert same(right, left) is answer


@pytest.mark.parametrize("path", [FREE, schannel_path("Ciphers\\RC4 128/128")])
def test_keys_that_a_write_made_are_taken_away_again_and_no_others(windows: Fresh, path: str) -> None:
    pc = windows()
    before = pc.dump()
    registry = RemoteRegistry(pc.session)
    made = registry.missing_keys(path)
    assert made > 0
    registry.write(path, "Enabled", ok("REG_DWORD", 0))
    assert registry.missing_keys(path) == 0
    registry.remove_made_keys(path, made)
    assert pc.value(path, "Enabled") == Value(DWORD, 0), "a key that holds something stays"
    registry.write(path, "Enabled", dict(ABSENT))
    registry.remove_made_keys(path, made)
    assert pc.dump() == before


def test_a_key_that_may_not_be_deleted_is_told_as_a_missing_right() -> None:
    """P9: the provider's own answer has no word about rights (recorded on 7.6)."""

    class Refusing:
        def ask(self, _statements: t.Any) -> Answer:
            error_id = "System.ArgumentException,Microsoft.PowerShell.Commands.RemoveItemCommand"
            return Answer([], [Refusal("WriteError", error_id, "Remove-Item", PLAIN)])

    asker: t.Any = Refusing()
    with pytest.raises(NotWritable, match="the account has no right to it"):
        RemoteRegistry(asker).remove_empty_key(PLAIN)
