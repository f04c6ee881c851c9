# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""connector_log_info, run as Ansible runs a module: a process of its own, arguments in, JSON out."""

from __future__ import annotations

import os
import typing as t
import zipfile
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.tests.unit.modules.module_process import run_module

HEAD = "(978223515, +0 ms) Aug 04 07:30:23 [11944]: "
NEVER = "last upd success - never"
FAILING = "".join(
    f"{HEAD}{message}\r\n"
    for message in (
        r"TetraUpdateInterface::update updateDir: C:\Program Files\Cisco\AMP\tetra, 20, -3000, -3000, 0, 0, 0",
        "ERROR: TetraUpdateInterface::update Update failed with error -3000",
        "PerformTetraUpdate: bUpdated = FALSE, state: 20, status: -3000",
        "PerformTetraUpdate: sig count: 0, version: 0",
        f"AVStat::CopyInternal : engine - 2, defs - 0, first failure - never, last err code - {2**32 - 3000}, {NEVER}",
    )
)
LATER = "(9, +0 ms) Jan 02 03:04:05 [7]: PerformTetraUpdate: bUpdated = FALSE, state: 20, status: 0\r\n"


def run(**arguments: t.Any) -> tuple[int, dict[str, t.Any]]:
    return run_module("connector_log_info", arguments)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sfc.exe.log.1").write_text(FAILING, newline="")
    (tmp_path / "sfc.exe.log").write_text(LATER, newline="")
    os.utime(tmp_path / "sfc.exe.log.1", (1_659_591_060, 1_659_591_060))  # 2022-08-04T05:31:00Z
    os.utime(tmp_path / "sfc.exe.log", (1_672_625_100, 1_672_625_100))  # 2023-01-02T02:05:00Z
    return tmp_path


def test_rotated_log(folder: Path) -> None:
    code, result = run(path=str(folder), utc_offset_minutes=60)
    assert (code, result["changed"], result["count"]) == (0, False, 2)
    assert [Path(file["path"]).name for file in result["files"]] == ["sfc.exe.log.1", "sfc.exe.log"]
    assert [(u["result"], u["code"], u["time"]) for u in result["updates"]] == [
        ("failed", -3000, "2022-08-04T06:30:23Z"),
        ("up_to_date", 0, "2023-01-02T02:04:05Z"),
    ]
    assert result["updates"][0]["directory"] == r"C:\Program Files\Cisco\AMP\tetra"
    assert result["last_update"]["result"] == "up_to_date"
    assert result["statistics"]["last_error"] == -3000


def test_one_file_with_a_given_date(folder: Path) -> None:
    _code, result = run(
        path=str(folder / "sfc.exe.log.1"),
        siblings=False,
        keep=1,
        utc_offset_minutes=0,
        modified="2031-08-05T00:00:00Z",
        _ansible_check_mode=True,
    )
    assert [u["time"] for u in result["updates"]] == ["2031-08-04T07:30:23Z"]


def test_without_a_zone_no_time_is_told(folder: Path) -> None:
    _code, result = run(path=str(folder))
    assert [u["time"] for u in result["updates"]] == [None, None]
    assert [u["code"] for u in result["updates"]] == [-3000, 0]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"path": "{}/none"}, "does not exist"),
        ({"path": "{}", "keep": 0}, "keep is 0"),
        ({"path": "{}", "utc_offset_minutes": 5000}, "less than a day"),
        ({"path": "{}", "modified": "yesterday"}, "not a time like"),
    ],
)
def test_bad_input_gets_one_sentence(folder: Path, arguments: dict[str, t.Any], sentence: str) -> None:
    arguments["path"] = arguments["path"].format(folder)
    code, result = run(**arguments)
    assert code == 1
    assert sentence in result["msg"] and "\n" not in result["msg"]


def test_no_update_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "sfc.exe.log").write_bytes(b"\xff\xfe\x00rubbish")
    _code, result = run(path=str(tmp_path))
    assert (result["count"], result["updates"], result["last_update"]["status"]) == (0, [], "absent")


# Support bundles ----------------------------------------------------------------------------------------------------

POLICY = (
    b'<?xml version="1.0"?><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><Object><config><agent><scansettings><tetra>'
    b"<enable>1</enable><updater><enable>1</enable><server>tetra-defs.eu.amp.cisco.com</server></updater></tetra>"
    b"</scansettings></agent><proxy><server>proxy.example.com</server><port>8080</port><password>hunter2</password></proxy>"
    b"</config></Object></Signature>"
)


def bundle_of(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, (2022, 8, 4, 5, 31, 0))
            archive.writestr(entry, data)
    return path


def test_a_support_bundle(tmp_path: Path) -> None:
    root = "Program Files/Cisco/AMP"
    path = bundle_of(
        tmp_path / "CiscoAMP_Support_Tool_1.7z",
        **{
            f"{root}/7.5.3.20938/sfc.exe.log": LATER.encode(),
            f"{root}/8.2.4.30130/sfc.exe.log": FAILING.encode(),
            f"{root}/policy.xml": POLICY,
            f"{root}/client.pem": b"secret identity",
        },
    )
    code, result = run(path=str(path), utc_offset_minutes=120)
    assert (code, result["last_update"]["code"], result["last_update"]["time"]) == (0, -3000, "2022-08-04T05:30:23Z")
    assert result["bundle"]["version"] == "8.2.4.30130"
    assert result["bundle"]["tetra"]["update_server"] == "tetra-defs.eu.amp.cisco.com"
    assert result["bundle"]["proxy"]["server"] == "proxy.example.com"
    assert "hunter2" not in str(result) and "secret identity" not in str(result)


@pytest.mark.parametrize("names", [{"readme.txt": b"x"}, {"../../sfc.exe.log": b"x"}])
def test_a_zip_that_is_no_bundle(tmp_path: Path, names: dict[str, bytes]) -> None:
    code, result = run(path=str(bundle_of(tmp_path / "x.zip", **names)))
    assert (code, "no support bundle" in result["msg"]) == (1, True)


def test_a_damaged_bundle(tmp_path: Path) -> None:
    path = bundle_of(tmp_path / "x.zip", **{"a/8.2.4.1/sfc.exe.log": FAILING.encode() * 50})
    data = bytearray(path.read_bytes())
    data[80:120] = bytes(40)
    path.write_bytes(data)
    code, result = run(path=str(path))
    assert (code, "cannot be read as a support bundle" in result["msg"]) == (1, True), result
