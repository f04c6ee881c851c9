# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads are rationed: the update that proves waits for a place of its site, after its restart's place is free."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.cure_context import CureOptions
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.limits import NoRebootSlot, RebootSlots
from ansible_collections.fleetops.tetra.tests.unit.lab_session import Fresh
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.remediation.test_cure import cure


@pytest.fixture
def usual() -> dict[str, object]:
    suites = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA"
    return {"policy": suites, "origin": "direct", "boot_seconds": 0.1}


def test_a_place_is_held_during_the_update_and_only_then(windows: Fresh, tmp_path: Path) -> None:
    order: list[str] = []

    @contextlib.contextmanager
    def place(name: str) -> t.Iterator[None]:
        order.append(f"{name} taken")
        try:
            yield
        finally:
            order.append(f"{name} free")

    outcome = cure(
        windows(),
        tmp_path,
        CureOptions(deadline=120.0),
        reboot_slot=lambda _give_up: place("restart"),
        download_slot=lambda: place("download"),
    )
    assert outcome.event == "proven"
    assert order == ["restart taken", "restart free", "download taken", "download free"]


def test_without_an_update_no_place_is_taken(windows: Fresh, tmp_path: Path) -> None:
    def never() -> contextlib.AbstractContextManager[None]:
        raise AssertionError

    options = CureOptions(deadline=120.0, update_definitions=False)
    assert cure(windows(), tmp_path, options, download_slot=never).event == "proven"


def test_each_site_has_places_of_its_own(tmp_path: Path) -> None:
    def slots(site: str) -> RebootSlots:
        return RebootSlots(tmp_path, 1, f"downloads/{site}")

    with (
        slots("seoul").taken(),
        slots("busan").taken(),
        pytest.raises(NoRebootSlot),
        slots("seoul").taken(lambda: True),
    ):
        raise AssertionError
    with slots("seoul").taken(lambda: True):
        pass
