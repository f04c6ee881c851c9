# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hive reader against hivex: every key and value the same, and damage never taken for data."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import struct
import subprocess
import sys
import tarfile
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.image.hive import Hive, Key, Value
from ansible_collections.fleetops.tetra.plugins.module_utils.image.opened import open_image
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import BytesSource, FileSource, ImageError
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.tests.images import hives, states

pytestmark = pytest.mark.needs("hivexsh")

DUMP = """
import hivex, json, sys
sys.setrecursionlimit(10000)
hive = hivex.Hivex(sys.argv[1])
found = {}
def walk(node, path):
    values = [[hive.value_key(v), hive.value_type(v)[0] & 0xFFFFFFFF, hive.value_value(v)[1].hex()]
              for v in hive.node_values(node)]
    found[path] = sorted(values)
    for child in hive.node_children(node):
        walk(child, path + "\\\\" + hive.node_name(child))
walk(hive.root(), "")
json.dump(found, sys.stdout)
"""

Dump = dict[str, list[list[t.Any]]]


def by_hivex(path: Path) -> Dump:
    """Every key with its values as hivex reads them."""
    command = [hives.SYSTEM_PYTHON, "-c", DUMP, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin"})
    return dict(json.loads(done.stdout))


def by_us(hive: Hive, limit: int = 100_000) -> Dump:
    """The same by the reader under test; damage can make keys lead in a circle, hence the limit."""
    found: Dump = {}
    pending: list[tuple[Key, str]] = [(hive.root, "")]
    while pending and len(found) < limit:
        key, path = pending.pop()
        found[path] = sorted([value.name, value.type, value.raw.hex()] for value in key.values())
        pending += [(child, f"{path}\\{child.name}") for child in key.subkeys()]
    return found


def hive_keys(seed: int) -> hives.Keys:
    """Keys of many shapes: long and empty values, many siblings, names beyond ASCII."""
    rng = random.Random(seed)
    keys: hives.Keys = {}
    for number in range(300):
        names = ["Alpha", "beta", "Größe", "日本", "x" * 200]
        path = "\\".join(f"{rng.choice(names)}{rng.randrange(9)}" for _part in range(3))
        keys[f"{path}\\{number}"] = {
            f"v{index}": ("REG_BINARY", rng.randbytes(rng.choice([0, 1, 3, 4, 5, 100, 5000, 16344, 16345, 40000])))
            for index in range(rng.randrange(3))
        }
    keys["Siblings"] = {}
    for number in range(1200):
        keys[f"Siblings\\Key{number:05d}"] = {}
    return keys


@pytest.mark.parametrize("seed", [1, 2])
def test_every_key_and_value_is_what_hivex_reads(tmp_path: Path, seed: int) -> None:
    path = hives.write_hive(tmp_path / "hive", hive_keys(seed))
    assert by_us(Hive(FileSource(str(path)), "hive")) == by_hivex(path)


def real_system_hive(cache: Path) -> Path | None:
    """A SYSTEM hive of a real Windows 10, from the source package of dissect.regf; None without a package index."""
    hive = cache / "SYSTEM"
    if hive.exists():
        return hive
    cache.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "--dest", str(cache)]
    try:
        subprocess.run([*command, "dissect.regf==3.14"], check=True, capture_output=True, timeout=90)
        with tarfile.open(cache / "dissect_regf-3.14.tar.gz") as archive:
            member = archive.extractfile("dissect_regf-3.14/tests/_data/SYSTEM.gz")
            assert member is not None
            temporary = cache / "SYSTEM.new"
            temporary.write_bytes(gzip.decompress(member.read()))
            temporary.replace(hive)
    except (subprocess.SubprocessError, OSError, KeyError):
        return None
    return hive


def test_a_real_windows_hive(tmp_path: Path) -> None:
    path = real_system_hive(Path(__file__).resolve().parents[4] / "build" / "cache" / "hives")
    if path is None:
        pytest.skip("needs the source package of dissect.regf 3.14 from a package index")
    source = FileSource(str(path))
    hive = Hive(source, "SYSTEM")
    key = hive.key(r"ControlSet001\Control\Cryptography\Configuration\Local\SSL\00010002")
    assert key is not None
    functions, curves = key.value("Functions"), key.value("ECCCURVES")
    assert functions is not None and curves is not None
    assert isinstance(functions.data, list) and len(functions.data) == 31
    assert functions.data[:2] == ["TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"]
    assert functions.type_name == curves.type_name == "REG_MULTI_SZ"
    assert source.bytes_read < source.size / 20
    assert by_us(hive) == by_hivex(path)

    # The same hive as that of an image; a SOFTWARE hive of a real Windows is not to be had.
    root = states.write_tree(states.default_state(19045), tmp_path / "root")
    shutil.copyfile(path, root / "Windows" / "System32" / "config" / "SYSTEM")
    with open_image(str(root)) as image:
        facts = image.windows.facts("real", "2026-11-24T04:00:00Z")
    assert facts["local_order"]["data"] == functions.data
    assert facts["curves"]["local"]["data"] == curves.data
    assert facts["schannel"]["keys"]["Protocols\\TLS 1.2\\Client"]["status"] == "absent"
    assert (facts["os"]["computer_name"], facts["os"]["architecture"]) != (None, None)
    assert evaluate(facts)["state"] == "compliant"


def test_values_are_decoded_as_the_documents_write_them() -> None:
    assert Value("v", 1, "text\0".encode("utf-16-le")).data == "text"
    assert Value("v", 1, "text".encode("utf-16-le")).data == "text"
    assert Value("v", 1, b"").data == ""
    assert Value("v", 1, "a\0".encode("utf-16-le") + b"x").data == "a"
    assert Value("v", 7, "one\0two\0\0".encode("utf-16-le")).data == ["one", "two"]
    assert Value("v", 7, b"\0\0").data == []
    assert Value("v", 4, b"\xff\xff\xff\xff").data == 0xFFFFFFFF
    assert Value("v", 4, b"\x01").data is None
    assert Value("v", 11, bytes([1] * 8)).data == 0x0101010101010101
    assert Value("v", 3, b"\x01\xab").data == "01ab"
    assert Value("v", 99, b"").type_name is None


def _patched(hive: bytes, mark: bytes, offset: int, value: bytes, count: int = 1) -> bytes:
    place = 0
    for _key in range(count):
        place = hive.index(mark, place + 1)
    return hive[: place + offset] + value + hive[place + offset + len(value) :]


def test_damage_is_named_and_never_taken_for_data(tmp_path: Path) -> None:
    path = hives.write_hive(tmp_path / "hive", {"Key": {"Value": ("REG_BINARY", bytes(100))}, r"Key\Sub": {}})
    good = path.read_bytes()
    for bad in (
        _patched(good, b"nk", 20, struct.pack("<I", 5)),  # more subkeys than its list has
        _patched(good, b"nk", 28, struct.pack("<I", 0x10)),  # a list that is none
        _patched(good, b"nk", 28, struct.pack("<I", 0xFFFFFFF0)),  # outside of the hive
        _patched(good, b"nk", 72, struct.pack("<H", 0xFFFF)),  # a name that does not end
        _patched(good, b"vk", 4, struct.pack("<I", 0x7FFFFFFF)),  # a value of 2 GiB
        _patched(good, b"vk", 4, struct.pack("<I", 0x80000009)),  # nine bytes inside of four
        _patched(good, b"vk", 8, struct.pack("<I", 4)),  # data at an odd place
        _patched(good, b"nk", 36, struct.pack("<I", 0x7FFFFFFF), count=2),  # two billion values
    ):
        with pytest.raises(ImageError, match=r"hive TEST is damaged: .*\.$"):
            by_us(Hive(BytesSource(bad), "TEST"))
    for bad in (good[:-1], good[:4096], good[:100], b"", b"regf", b"\0" * 8192):
        with pytest.raises(ImageError):
            Hive(BytesSource(bad), "TEST")


def test_random_damage_never_hangs_crashes_or_asks_for_much_memory(tmp_path: Path) -> None:
    path = hives.write_hive(tmp_path / "hive", hive_keys(3))
    good = path.read_bytes()
    rng = random.Random(11)
    for _round in range(60):
        bad = bytearray(good)
        for _change in range(rng.choice([1, 3, 30])):
            place = rng.randrange(4096, len(bad) - 4)
            bad[place : place + 4] = rng.choice([rng.randbytes(4), b"\xff\xff\xff\xff", bytes(4)])
        try:
            by_us(Hive(BytesSource(bytes(bad)), "TEST"), 3000)
        except ImageError as error:
            assert str(error).count("\n") == 0
