# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registry.pol: nothing is lost, one value is touched, bad bytes end in one sentence."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.policy import registry_pol as rp

KEY = r"SOFTWARE\Policies\Microsoft\Cryptography\Configuration\SSL\00010002"
LIST = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"

names = st.text(st.characters(exclude_characters="\x00", min_codepoint=1, max_codepoint=0x1FFFF), max_size=12)
kinds = st.one_of(st.sampled_from([0, 1, 2, 3, 4, 5, 7, 11]), st.integers(0, 2**32 - 1))
complete = st.builds(rp.Entry, names, names, kinds, st.binary(max_size=40))


def entry_bytes(key: str, value: str, kind: int, data: bytes) -> bytes:
    """The layout, written down a second time."""

    def wide(text: str) -> bytes:
        return text.encode("utf-16-le", "surrogatepass")

    return (
        wide("[" + key + "\0;" + value + "\0;")
        + struct.pack("<I", kind)
        + wide(";")
        + struct.pack("<I", len(data))
        + wide(";")
        + data
        + wide("]")
    )


def test_hard_entries_survive_and_read_right() -> None:
    hard = [
        (KEY, "Functions", 1, rp.sz(LIST)),
        (r"SOFTWARE\A;B]C[", "na;me]", 4, b"\x5d\x00\x5b\x00"),
        ("K", "ten", 4, b"\x0a\x00\x00\x00"),
        ("K", "empty", 1, b""),
        ("K", "separators", 3, "];[;".encode("utf-16-le")),
        ("K", "**del.Gone", 1, b" \x00\x00\x00"),
        ("K", "**DelVals.", 1, b" \x00\x00\x00"),
        ("K", "odd", 3, b"\x01"),
        ("K", "unknown type", 4711, b"\x00\x01\x02"),
        ("K", "", 1, rp.sz("default value")),
        ("K", "\ud800lone", 1, b"\x00\xd8"),
        ("K", "many", 7, rp.multi_sz(["NistP256", "NistP384"])),
        ("K", "big", 11, (2**64 - 1).to_bytes(8, "little")),
    ]
    data = rp.HEADER + b"".join(entry_bytes(*entry) for entry in hard)
    pol = rp.parse(data)
    assert [(entry.key, entry.value, entry.type, entry.data) for entry in pol.entries] == hard
    assert pol.serialise() == data
    by_name = {entry.value: rp.plain(entry) for entry in pol.entries}
    assert by_name["Functions"] == ("REG_SZ", LIST)
    assert by_name["ten"] == ("REG_DWORD", 10)
    assert by_name["empty"] == ("REG_SZ", "")
    assert by_name["many"] == ("REG_MULTI_SZ", ["NistP256", "NistP384"])
    assert by_name["big"] == ("REG_QWORD", 2**64 - 1)
    assert by_name["unknown type"] == (None, "000102")


def test_empty_file_and_file_without_entries() -> None:
    assert rp.parse(b"").serialise() == b""
    assert rp.parse(rp.HEADER).serialise() == rp.HEADER
    assert rp.replace(rp.parse(b""), KEY, "Functions", 1, rp.sz(LIST)).serialise().startswith(rp.HEADER)


@pytest.mark.parametrize("tail", ["[K\0]", "[K\0;;;;]", "[K\0;V\0]", "[K\0;V\0;;;]"])
def test_entries_that_only_create_a_key_are_kept(tail: str) -> None:
    data = rp.HEADER + tail.encode("utf-16-le") + entry_bytes(KEY, "Functions", 1, rp.sz("A"))
    pol = rp.parse(data)
    assert [entry.key for entry in pol.entries] == ["K", KEY]
    assert pol.serialise() == data
    changed = rp.replace(pol, KEY, "Functions", 1, rp.sz("B"))
    assert changed.serialise().startswith(rp.HEADER + tail.encode("utf-16-le"))


@settings(max_examples=150, deadline=None)
@given(st.lists(complete, max_size=8))
def test_round_trip(entries: list[rp.Entry]) -> None:
    data = rp.HEADER + b"".join(entry_bytes(e.key, e.value, e.type, e.data) for e in entries)
    assert rp.RegistryPol(tuple(entries)).serialise() == data
    assert rp.parse(data).serialise() == data
    if not any(entry.value.startswith(";;;]") for entry in entries):
        assert rp.parse(data).entries == tuple(entries)


@settings(max_examples=150, deadline=None)
@given(st.lists(complete, min_size=1, max_size=4), st.data())
def test_cut_anywhere(entries: list[rp.Entry], data: st.DataObject) -> None:
    whole = rp.RegistryPol(tuple(entries)).serialise()
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        pol = rp.parse(cut)
    except rp.PolError as error:
        assert error.offset is not None and 0 <= error.offset <= len(cut)
        assert "\n" not in str(error)
    else:
        assert pol.serialise() == cut


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    for candidate in (data, rp.HEADER + data, rp.HEADER + b"[\x00" + data):
        try:
            assert rp.parse(candidate).serialise() == candidate
        except rp.PolError:
            continue


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_wild_sizes(size: int) -> None:
    whole = entry_bytes("K", "V", 3, b"abcd")
    position = whole.rindex(struct.pack("<I", 4))
    data = rp.HEADER + whole[:position] + struct.pack("<I", size) + whole[position + 4 :]
    if size == 4:
        assert rp.parse(data).entries[0].data == b"abcd"
    else:
        with pytest.raises(rp.PolError):
            rp.parse(data)


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(rp.PolError, match="no end"):
        rp.parse(rp.HEADER + b"[\x00" + b"a\x00" * 100_000)
    monkeypatch.setattr(rp, "MAX_ENTRIES", 3)
    with pytest.raises(rp.PolError, match="more than 3 entries"):
        rp.parse(rp.HEADER + entry_bytes("K", "V", 1, b"") * 4)
    monkeypatch.setattr(rp, "MAX_FILE_BYTES", 10)
    with pytest.raises(rp.PolError, match="bytes"):
        rp.parse(rp.HEADER + entry_bytes("K", "V", 1, b""))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"MZ\x90\x00", "no Registry.pol"),
        (b"PReg\x02\x00\x00\x00", "version"),
        (b"PRe", "no Registry.pol"),
        (rp.HEADER + b"x", r"begin with \["),
        (rp.HEADER + entry_bytes("K", "V", 1, b"") + b"\x00", r"begin with \["),
    ],
)
def test_error_sentences(data: bytes, sentence: str) -> None:
    with pytest.raises(rp.PolError, match=sentence):
        rp.parse(data)


# One value is touched ----------------------------------------------------------------------------------------------


def file(*entries: tuple[str, str]) -> rp.RegistryPol:
    return rp.RegistryPol(tuple(rp.Entry(key, value, 1, rp.sz("old")) for key, value in entries))


def shape(pol: rp.RegistryPol) -> list[str]:
    return [entry.value for entry in pol.entries]


def test_replace_takes_the_old_place_and_spelling() -> None:
    pol = file(("A", "x"), (KEY.upper(), "functions"), (KEY.upper(), "EccCurves"), ("B", "y"))
    changed = rp.replace(pol, KEY, "Functions", 1, rp.sz("new"))
    assert shape(changed) == ["x", "Functions", "EccCurves", "y"]
    assert changed.entries[1].key == KEY.upper()
    assert rp.text_of(changed.entries[1].data) == "new"
    assert [changed.entries[index] for index in (0, 2, 3)] == [pol.entries[index] for index in (0, 2, 3)]


def test_replace_appends_behind_its_key_and_removes_the_disabling() -> None:
    pol = file((KEY, "**del.Functions"), (KEY, "EccCurves"), ("B", "y"))
    assert shape(rp.replace(pol, KEY, "Functions", 1, b"")) == ["Functions", "EccCurves", "y"]
    assert shape(rp.replace(file((KEY, "EccCurves"), ("B", "y")), KEY, "Functions", 1, b"")) == [
        "EccCurves",
        "Functions",
        "y",
    ]
    assert shape(rp.replace(file(("B", "y")), KEY, "Functions", 1, b"")) == ["y", "Functions"]


def test_replace_goes_behind_what_would_remove_it() -> None:
    pol = file((KEY, "Functions"), (KEY, "**DelVals."), (KEY, "EccCurves"))
    changed = rp.replace(pol, KEY, "Functions", 1, rp.sz("new"))
    assert shape(changed) == ["**DelVals.", "Functions", "EccCurves"]
    assert rp.outcome(changed, KEY, "Functions").action == "set"
    parent = rp.Entry(KEY.rsplit("\\", 1)[0], "**DeleteKeys", 1, rp.sz("00010002;Other"))
    pol = rp.RegistryPol((rp.Entry(KEY, "Functions", 1, b""), parent))
    assert rp.outcome(pol, KEY, "Functions").action == "deleted"
    assert rp.outcome(rp.replace(pol, KEY, "Functions", 1, b""), KEY, "Functions").action == "set"


def test_instructions_stand_before_the_values_of_their_key() -> None:
    pol = file(("A", "x"), (KEY, "EccCurves"), (KEY, "Functions"))
    changed = rp.disable(pol, KEY, "Functions")
    assert shape(changed) == ["x", "**del.Functions", "EccCurves"]
    assert changed.entries[1].data == b" \x00\x00\x00"
    assert rp.outcome(changed, KEY, "functions").action == "deleted"
    assert shape(rp.disable(file(("A", "x")), KEY, "Functions")) == ["x", "**del.Functions"]


def test_delete_is_not_configured() -> None:
    pol = file((KEY, "**Del.functions"), (KEY, "EccCurves"), (KEY, "Functions"))
    assert shape(rp.delete(pol, KEY, "Functions")) == ["EccCurves"]
    untouched = file((KEY, "EccCurves"))
    assert rp.delete(untouched, KEY, "Functions") is untouched
    assert rp.delete(rp.parse(b""), KEY, "Functions").serialise() == b""


@pytest.mark.parametrize("value", ["**del.Functions", "**Del.FUNCTIONS", "**DelVals", "**delvals."])
def test_what_removes_a_value(value: str) -> None:
    assert rp.removes(rp.Entry(KEY, value, 1, b""), KEY.lower(), "Functions")
    assert not rp.removes(rp.Entry("Other", value, 1, b""), KEY, "Functions")


def test_lists_of_what_is_removed() -> None:
    assert rp.removes(rp.Entry(KEY, "**DeleteValues", 1, rp.sz("EccCurves; functions")), KEY, "Functions")
    assert not rp.removes(rp.Entry(KEY, "**DeleteValues", 1, rp.sz("EccCurves")), KEY, "Functions")
    assert not rp.removes(rp.Entry(KEY, "**SecureKey", 1, b""), KEY, "Functions")
    assert rp.removes(rp.Entry("SOFTWARE", "**DeleteKeys", 1, rp.sz("Policies")), KEY, "Functions")
    assert not rp.removes(rp.Entry("SOFTWARE", "**DeleteKeys", 1, rp.sz("Poli")), KEY, "Functions")


@settings(max_examples=100, deadline=None)
@given(st.lists(complete, max_size=6), names.filter(bool), names, kinds, st.binary(max_size=20))
def test_neighbours_keep_their_bytes(entries: list[rp.Entry], key: str, value: str, kind: int, data: bytes) -> None:
    pol = rp.RegistryPol(tuple(entries))
    changed = rp.replace(pol, key, value, kind, data)
    found = rp.find(changed, key, value)
    assert found is not None
    assert (found.type, found.data) == (kind, data)
    drop = {value.lower(), f"**del.{value.lower()}"}

    def others(one: rp.RegistryPol) -> list[bytes]:
        return [e.serialise() for e in one.entries if not (e.key.lower() == key.lower() and e.value.lower() in drop)]

    assert others(changed) == others(pol)
    assert others(rp.disable(pol, key, value)) == others(pol)
    assert others(rp.delete(pol, key, value)) == others(pol)
    assert rp.parse(changed.serialise()).serialise() == changed.serialise()


def test_names_that_cannot_be_written() -> None:
    with pytest.raises(rp.PolError):
        rp.replace(rp.RegistryPol(), "K", "a\0b", 1, b"")
    with pytest.raises(rp.PolError):
        rp.replace(rp.RegistryPol(), "K", "a" * 40_000, 1, b"")
