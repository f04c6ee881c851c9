# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the connector lies, from its service and from its folders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.connector import paths


@pytest.mark.parametrize(
    "image",
    [
        r"C:\Program Files\Cisco\AMP\8.2.4.30130\sfc.exe",
        r'"C:\Program Files\Cisco\AMP\8.2.4.30130\sfc.exe"',
        r'"C:\Program Files\Cisco\AMP\8.2.4.30130\sfc.exe" -service',
        r"C:\Program Files\Cisco\AMP\8.2.4.30130\SFC.EXE -service",
        r"\??\C:\Program Files\Cisco\AMP\8.2.4.30130\sfc.exe",
    ],
)
def test_layout_from_the_service(image: str) -> None:
    layout = paths.from_service_image(image)
    assert layout is not None
    assert layout.install_dir == paths.DEFAULT_INSTALL_DIR
    assert layout.version == "8.2.4.30130"
    assert layout.log == r"C:\Program Files\Cisco\AMP\8.2.4.30130\sfc.exe.log"
    assert layout.executable == r"C:\Program Files\Cisco\AMP\8.2.4.30130\sfc.exe"
    assert layout.policy_xml == r"C:\Program Files\Cisco\AMP\policy.xml"
    assert layout.local_xml == r"C:\Program Files\Cisco\AMP\local.xml"
    assert layout.tetra_dir == r"C:\Program Files\Cisco\AMP\tetra"
    assert layout.log_pattern.endswith(r"\sfc.exe*.log*")


@pytest.mark.parametrize(
    "image", ["", "sfc.exe", r"C:\Windows\System32\sfcx.exe", r"C:\a\b\other.exe", r"C:\a\b\sfc.exe.bak", r"C:\sfc.exe"]
)
def test_no_layout(image: str) -> None:
    assert paths.from_service_image(image) is None


def test_a_folder_that_is_no_version_keeps_its_path() -> None:
    layout = paths.from_service_image(r"D:\Cisco\AMP\current\sfc.exe")
    assert layout is not None
    assert (layout.folder, layout.version) == (r"D:\Cisco\AMP\current", None)


@pytest.mark.parametrize(
    ("name", "image", "ours"),
    [
        ("CiscoAMP", r"C:\x\8.2.4.1\sfc.exe", True),
        ("CiscoAMP_7.3.15", r"C:\x\7.3.15\sfc.exe", True),
        ("ciscoamp_7.4.1.20500", r"C:\x\7.4.1.20500\sfc.exe", True),
        ("CiscoAMPCEFWDriver", r"C:\x\8.2.4.1\sfc.exe", False),
        ("CiscoSCMS", r"C:\x\8.2.4.1\cscm.exe", False),
        ("CiscoAMP", r"C:\x\8.2.4.1\cscm.exe", False),
        ("CiscoAMP", None, False),
    ],
)
def test_connector_service(name: str, image: str | None, ours: bool) -> None:
    assert paths.is_connector_service(name, image) is ours


def test_versions_compare_as_numbers() -> None:
    folders = ["7.3.15", "8.6.1.30582", "8.10.0.1", "tetra", "8.9", "update"]
    layout = paths.from_version_folders("C:\\Program Files\\Cisco\\AMP\\", folders)
    assert layout is not None
    assert (layout.version, layout.folder) == ("8.10.0.1", r"C:\Program Files\Cisco\AMP\8.10.0.1")
    assert paths.from_version_folders("C:\\x", ["tetra"]) is None


@given(st.text(max_size=60))
def test_any_image_path(image: str) -> None:
    layout = paths.from_service_image(image + "\\1.2.3\\sfc.exe")
    assert layout is None or layout.executable.lower().endswith("\\sfc.exe")
    assert paths.parse_version(image) is None or len(paths.parse_version(image) or ()) in (3, 4)
