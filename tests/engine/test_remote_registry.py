# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single registry values, read and written by the product, on a real PowerShell and its registry."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_registry import ABSENT, RemoteRegistry
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import clixml
from ansible_collections.fleetops.tetra.tests.engine.conftest import MakeEngine
from ansible_collections.fleetops.tetra.tests.engine.windows_modules import WMI_DENIED, files

KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\TetraTest"
EXPANDING = "%SystemRoot%\\x;%NoSuchVariable%"


def value(kind: str, data: t.Any) -> dict[str, t.Any]:
    return {"status": "ok", "type": kind, "data": data}


def test_what_is_written_is_what_is_read_and_kept(engine: MakeEngine) -> None:
    """P2 (a number of 2^31 and more was never answered), P3 (``_X`` was read as ``_x``), P4 (the expanded text)."""
    wanted = {
        "dword": value("REG_DWORD", 0xFFFFFFFF),
        "middle": value("REG_DWORD", 1 << 31),
        "qword": value("REG_QWORD", 1 << 31),
        "wide": value("REG_QWORD", (1 << 64) - 1),
        "Basis_XP": value("REG_SZ", "Basis_XP_Härtung _X _x0041_ _X0041_"),
        "list": value("REG_MULTI_SZ", ["_X", "Basis_XP"]),
        "expanding": value("REG_EXPAND_SZ", EXPANDING),
    }
    with engine(keys={KEY: {}}, files=files(WMI_DENIED)) as one:
        registry = RemoteRegistry(one.session())
        for name, state in wanted.items():
            assert registry.write(KEY, name, state), name
            assert registry.read(KEY, name) == state, name
            assert not registry.write(KEY, name, state), name
        stored = one.keys(KEY)["Software\\TetraTest"]
        assert stored["expanding"] == (2, f"{EXPANDING}\0".encode("utf-16-le"))
        assert stored["qword"] == (11, (1 << 31).to_bytes(8, "little"))


def test_a_value_that_cannot_be_read_stops_the_change(engine: MakeEngine) -> None:
    """P1: a before-image would have said "absent", and a rollback would have deleted it."""
    keys: t.Any = {
        KEY: {"Functions": (99, b"\1\0"), "Broken": ("REG_DWORD", b"\1\0"), "Fine": ("REG_SZ", "x")},
        f"{KEY}\\spoilt": {"PSObject": ("REG_SZ", "x"), "Functions": ("REG_SZ", "A,B")},
        f"{KEY}\\empty": {},
    }
    with engine(keys=keys, files=files(WMI_DENIED)) as one:
        registry = RemoteRegistry(one.session())
        for name in ("Functions", "Broken"):
            with pytest.raises(ChangeError, match="exists, and its value could not be read"):
                registry.read(KEY, name)
        assert registry.read(KEY, "Fine")["data"] == "x"
        assert registry.read(f"{KEY}\\spoilt", "Functions") == value("REG_SZ", "A,B")
        for path in (f"{KEY}\\spoilt", f"{KEY}\\empty", f"{KEY}\\missing"):
            assert registry.read(path, "EccCurves") == ABSENT


def test_an_object_that_names_itself_is_read_as_the_engine_writes_it(engine: MakeEngine) -> None:
    with engine() as one:
        make = "$o = [pscustomobject]@{ Name = 'x' }; $o | Add-Member Me $o"
        text = make + "; [Management.Automation.PSSerializer]::Serialize($o)"
        (written,) = one.script(text)
        (found,) = clixml.parse(written)
        assert (found.get("Name"), found.get("Me").get("Name")) == ("x", "x")
