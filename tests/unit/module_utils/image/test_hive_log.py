# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dirty hives: brought up to date by their logs as Windows would, or refused."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.image.hive import Hive
from ansible_collections.fleetops.tetra.plugins.module_utils.image.opened import open_image
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import BytesSource, ImageError
from ansible_collections.fleetops.tetra.tests.images import hives, states

pytestmark = pytest.mark.needs("hivexsh")
STRONG = ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]
KEY = r"Policies\Microsoft\Cryptography\Configuration\SSL\00010002"


def hive_with(path: Path, text: str, more: int = 0) -> bytes:
    """A hive whose policy is ``text``; ``more`` further keys make it grow."""
    keys: hives.Keys = {KEY: {"Functions": ("REG_SZ", text)}}
    for number in range(more):
        keys[rf"Filler\Key{number}"] = {"Data": ("REG_BINARY", bytes(400))}
    return hives.write_hive(path, keys).read_bytes()


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Four hives, each what the one before became."""
    folder = tmp_path_factory.mktemp("hives")
    texts = ("first", "second", "third")
    made = [hive_with(folder / text, text) for text in texts]
    return [*made, hive_with(folder / "grown", "fourth", more=40)]


def policy_of(primary: bytes, *logs: bytes) -> str:
    """The policy in a hive with these logs beside it."""
    named = [(f"LOG{number}", BytesSource(log)) for number, log in enumerate(logs, 1)]
    key = Hive(BytesSource(primary), "SOFTWARE", named).key(KEY)
    assert key is not None
    value = key.value("Functions")
    assert value is not None and isinstance(value.data, str)
    return value.data


def recovered_by_python_registry(primary: bytes, first: bytes, second: bytes | None = None) -> str:
    """The policy after the recovery of an implementation that nobody here wrote."""
    registry = pytest.importorskip("Registry.Registry")
    registry_log = pytest.importorskip("Registry.RegistryLog")
    hive = io.BytesIO(primary)
    last = registry_log.RegistryLog(hive, io.BytesIO(first)).recover_hive()
    if second is not None:
        hive.seek(0)
        registry_log.RegistryLog(hive, io.BytesIO(second)).recover_hive_continue(last + 1)
    hive.seek(0)
    return str(registry.Registry(hive).open(KEY).value("Functions").value())


def test_a_clean_hive_ignores_its_logs(steps: list[bytes]) -> None:
    assert policy_of(hives.with_sequence(steps[0], 7, 7), hives.new_log(steps[:2], 7)) == "first"


def test_one_log_is_applied_entry_by_entry(steps: list[bytes]) -> None:
    dirty = hives.with_sequence(steps[0], 8, 7)
    log = hives.new_log(steps, 7)
    assert policy_of(dirty, log) == recovered_by_python_registry(dirty, log) == "fourth"
    log = hives.new_log(steps[:2], 7)
    assert policy_of(dirty, log, bytes(4096)) == recovered_by_python_registry(dirty, log) == "second"


def test_two_logs_are_applied_in_the_order_of_their_numbers(steps: list[bytes]) -> None:
    dirty = hives.with_sequence(steps[0], 8, 7)
    earlier, later = hives.new_log(steps[:3], 7), hives.new_log(steps[2:], 9)
    assert policy_of(dirty, earlier, later) == "fourth"
    assert policy_of(dirty, later, earlier) == "fourth"
    assert recovered_by_python_registry(dirty, earlier, later) == "fourth"


def test_sequence_numbers_may_overflow(steps: list[bytes]) -> None:
    dirty = hives.with_sequence(steps[0], 0, 0xFFFFFFFF)
    earlier, later = hives.new_log(steps[:2], 0xFFFFFFFF), hives.new_log(steps[1:3], 0)
    assert policy_of(dirty, later, earlier) == "third"


def test_a_log_from_before_the_last_flush_is_not_applied(steps: list[bytes]) -> None:
    dirty = hives.with_sequence(steps[1], 9, 8)
    stale, fresh = hives.new_log(steps[:2], 7), hives.new_log(steps[1:3], 8)
    assert policy_of(dirty, stale, fresh) == "third"
    with pytest.raises(ImageError, match="no transaction log brings it up to date"):
        policy_of(dirty, stale)


def test_a_gap_between_the_logs_ends_the_recovery(steps: list[bytes]) -> None:
    dirty = hives.with_sequence(steps[0], 8, 7)
    assert policy_of(dirty, hives.new_log(steps[:2], 7), hives.new_log(steps[2:], 12)) == "second"


@pytest.mark.parametrize("place", [0, 100, 508, 512 + 20, 512 + 24, 512 + 33, 512 + 60, 600])
def test_a_damaged_log_is_not_applied(steps: list[bytes], place: int) -> None:
    dirty = hives.with_sequence(steps[0], 8, 7)
    log = bytearray(hives.new_log(steps[:2], 7))
    log[place] ^= 0x10
    with pytest.raises(ImageError, match="not closed cleanly and no transaction log"):
        policy_of(dirty, bytes(log))


def test_a_torn_last_entry_is_left_out_as_windows_does(steps: list[bytes]) -> None:
    dirty = hives.with_sequence(steps[0], 8, 7)
    log = bytearray(hives.new_log(steps[:3], 7))
    log[-1] ^= 1
    assert policy_of(dirty, bytes(log)) == "second"
    assert policy_of(dirty, bytes(log[:-512])) == "second"


def test_an_old_log_is_applied(steps: list[bytes]) -> None:
    dirty = hives.with_sequence(steps[0], 8, 7)
    for kind in (1, 2):
        assert policy_of(dirty, hives.old_log(steps[0], steps[3], kind)) == "fourth"
    log = bytearray(hives.old_log(steps[0], steps[1]))
    log[512] = 0
    with pytest.raises(ImageError, match="no transaction log"):
        policy_of(dirty, bytes(log))
    with pytest.raises(ImageError, match="no transaction log"):
        policy_of(dirty, hives.old_log(steps[0], steps[1])[:-100])


def test_an_old_log_older_than_the_hive_is_not_applied(steps: list[bytes]) -> None:
    log = bytearray(hives.old_log(steps[0], steps[1]))
    struct.pack_into("<Q", log, 12, 5)
    log[:512] = hives.with_checksum(bytearray(log[:512]))
    with pytest.raises(ImageError, match="no transaction log"):
        policy_of(hives.with_sequence(steps[0], 8, 7), bytes(log))


def test_a_dirty_hive_in_an_image_is_judged_by_what_the_log_made_of_it(tmp_path: Path) -> None:
    root = states.write_tree(states.policy_state(states.WEAK), tmp_path / "image")
    config = root / "Windows" / "System32" / "config"
    before = (config / "SOFTWARE").read_bytes()
    states.write_tree(states.policy_state(STRONG), tmp_path / "after")
    after = (tmp_path / "after" / "Windows" / "System32" / "config" / "SOFTWARE").read_bytes()
    (config / "SOFTWARE").write_bytes(hives.with_sequence(before, 4, 3))
    with pytest.raises(ImageError, match=r"SOFTWARE was not closed cleanly .*no log file lies beside it"):
        open_image(str(root))
    (config / "SOFTWARE.LOG1").write_bytes(bytes(512))
    (config / "SOFTWARE.LOG2").write_bytes(hives.new_log([before, after], 3))
    with open_image(str(root)) as image:
        assert image.windows.recovered == ["SOFTWARE.LOG2"]
        facts = image.windows.facts("golden", "2026-11-24T04:00:00Z")
    assert facts["policy_order"]["data"] == ",".join(STRONG)
