# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before-images: whole on disk before a write, never lost, damaged ones refused by name."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import (
    SCHEMA,
    BeforeImageError,
    BeforeImageStore,
    parse_image,
)

ABSENT = {"status": "absent", "type": None, "data": None}
VALUE = {"kind": "registry_value", "path": "HKEY_LOCAL_MACHINE\\X", "name": "v", "before": ABSENT, "after": ABSENT}


def test_an_image_is_kept_whole_and_read_back(tmp_path: Path) -> None:
    store = BeforeImageStore(tmp_path)
    kept = store.keep("win01", "run", "token", [VALUE])
    assert store.unrestored("win01") == [kept]
    assert store.hosts() == ["win01"]


def test_the_newest_image_is_undone_first(tmp_path: Path) -> None:
    store = BeforeImageStore(tmp_path)
    first, second = store.keep("a", "run", "t", [VALUE]), store.keep("a", "run", "t", [VALUE])
    assert [image.id for image in store.unrestored("a")] == [second.id, first.id]


def test_a_restored_image_is_passed_over_and_still_there(tmp_path: Path) -> None:
    store = BeforeImageStore(tmp_path)
    image = store.keep("a", "run", "t", [VALUE])
    store.mark_restored(image, [{"path": "x", "name": "v", "outcome": "restored"}])
    store.mark_restored(image, [])
    assert store.unrestored("a") == []
    assert store.hosts() == []
    assert len(list(tmp_path.glob("backups/*/*.json"))) == 1


def test_what_cannot_be_written_is_said_and_leaves_no_half_file(tmp_path: Path) -> None:
    (tmp_path / "backups").write_text("a file stands where the folder should be")
    with pytest.raises(BeforeImageError, match="cannot be written"):
        BeforeImageStore(tmp_path).keep("a", "run", "t", [VALUE])


def test_a_damaged_image_is_refused_by_name(tmp_path: Path) -> None:
    store = BeforeImageStore(tmp_path)
    store.keep("a", "run", "t", [VALUE])
    path = next(tmp_path.glob("backups/*/*.json"))
    path.write_text(path.read_text()[:40])
    with pytest.raises(BeforeImageError, match=path.name):
        store.unrestored("a")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, JSON)
def test_anything_that_is_no_image_is_refused_in_one_sentence(document: t.Any, items: t.Any) -> None:
    whole = {"schema": SCHEMA, "id": "i", "host": "h", "created_at": "c", "run_id": "r", "token": "t", "items": items}
    for candidate in (document, whole):
        try:
            image = parse_image(json.loads(json.dumps(candidate)), "here")
        except BeforeImageError as error:
            assert "here" in str(error)
        else:
            assert all(item["kind"] in ("registry_value", "file") for item in image.items)


GOOD = {"status": "ok", "type": "REG_SZ", "data": "TLS_A"}
LISTS = {
    "before": {**GOOD, "type": "REG_MULTI_SZ", "data": []},
    "after": {**GOOD, "type": "REG_MULTI_SZ", "data": ["a"]},
}
FILE = {"kind": "file", "path": "C:\\x", "before": {"status": "absent"}, "after": {"status": "ok", "content": "eA=="}}


def parsed(item: t.Any) -> bool:
    whole = {"schema": SCHEMA, "id": "i", "host": "h", "created_at": "c", "run_id": "r", "token": "t", "items": [item]}
    try:
        parse_image(whole, "here")
    except BeforeImageError:
        return False
    return True


@pytest.mark.parametrize(
    "item",
    [
        {**VALUE, "before": GOOD},
        {**VALUE, "before": {**GOOD, "type": "REG_DWORD", "data": 0xFFFFFFFF}},
        {**VALUE, "made_keys": 2},
        {**VALUE, **LISTS, "by": "enable_suite"},
        {**VALUE, **LISTS, "by": "arrange_suites", "calls": [{"enable": True, "name": "a", "position": 0}]},
        FILE,
    ],
)
def test_items_as_they_are_written_are_read(item: t.Any) -> None:
    assert parsed(item)


@pytest.mark.parametrize(
    "item",
    [
        {**VALUE, "before": {**GOOD, "data": 1}},
        {**VALUE, "before": {**GOOD, "data": None}},
        {**VALUE, "before": {"status": "ok"}},
        {**VALUE, "before": {**GOOD, "type": "REG_MULTI_SZ", "data": ["a", 1]}},
        {**VALUE, "before": {**GOOD, "type": "REG_DWORD", "data": -1}},
        {**VALUE, "before": {**GOOD, "type": "REG_DWORD", "data": True}},
        {**VALUE, "made_keys": -1},
        {**VALUE, "by": "enable_suite"},
        {**VALUE, **LISTS, "by": "magic"},
        {**VALUE, **LISTS, "by": "arrange_suites"},
        {**VALUE, **LISTS, "by": "arrange_suites", "calls": [{"enable": 1, "name": "a", "position": 0}]},
        {**FILE, "before": {"status": "ok"}},
        {**FILE, "before": {"status": "ok", "content": "no base64!"}},
        {**FILE, "kind": "service"},
    ],
)
def test_an_item_with_a_part_of_the_wrong_type_is_damage(item: t.Any) -> None:
    assert not parsed(item)


def test_only_the_account_that_runs_ansible_may_read_an_image(tmp_path: Path) -> None:
    store = BeforeImageStore(tmp_path)
    image = store.keep("win01", "run", "t", [])
    assert (store.folder_of("win01") / f"{image.id}.json").stat().st_mode & 0o777 == 0o600


def test_a_mark_that_was_cut_off_by_a_kill_can_be_made_again(tmp_path: Path) -> None:
    store = BeforeImageStore(tmp_path)
    image = store.keep("win01", "run", "t", [])
    (store.folder_of("win01") / f".{image.id}.restored.{os.getpid()}.tmp").write_bytes(b"half")
    store.mark_restored(image, [])
    assert store.unrestored("win01") == []
