# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a power failure makes of a policy file is told apart from what somebody else has written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.policy import registry_pol
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.torn import damage_of_ini, damage_of_pol


def pol(*values: str) -> bytes:
    found = registry_pol.RegistryPol()
    for value in values:
        found = registry_pol.replace(found, r"SOFTWARE\Policies\X", value, registry_pol.REG_SZ, registry_pol.sz("1"))
    return found.serialise()


BEFORE, AFTER, THEIRS = pol("A"), pol("A", "Functions"), pol("A", "B")
INI, NEXT = b"[General]\r\nVersion=3\r\n", b"[General]\r\nVersion=4\r\n"


@given(length=st.integers(0, len(AFTER) - 1), zeros=st.booleans())
def test_any_part_of_ours_is_torn_as_long_as_nobody_counted_on(length: int, zeros: bool) -> None:
    torn = AFTER[:length] + (b"\0" * (len(AFTER) - length) if zeros else b"")
    if torn.rstrip(b"\0") == AFTER.rstrip(b"\0") or torn == BEFORE:
        return
    assert damage_of_pol(torn, BEFORE, AFTER, nobody_counted_on=True) == "torn"


@given(st.binary(max_size=200))
def test_what_is_no_policy_at_all_is_torn_and_nothing_raises(content: bytes) -> None:
    found = damage_of_pol(content, BEFORE, AFTER, nobody_counted_on=False)
    assert found == ("torn" if not content.startswith(b"PReg") else found)
    assert damage_of_ini(content, INI, NEXT) in ("whole", "torn", "damaged")


def test_a_whole_policy_of_others_is_never_torn() -> None:
    for counted in (True, False):
        assert damage_of_pol(THEIRS, BEFORE, AFTER, not counted) == "whole"
        assert damage_of_pol(AFTER, BEFORE, AFTER, not counted) == "whole"
    assert damage_of_pol(registry_pol.HEADER, BEFORE, AFTER, nobody_counted_on=False) == "whole"
    assert damage_of_pol(registry_pol.HEADER, BEFORE, AFTER, nobody_counted_on=True) == "torn"
    assert damage_of_pol(THEIRS[:-3], BEFORE, AFTER, nobody_counted_on=True) == "damaged"


def test_a_gpt_ini() -> None:
    assert [damage_of_ini(one, INI, NEXT) for one in (INI, NEXT, b"[General]\r\nVersion=9\r\n")] == ["whole"] * 3
    assert [damage_of_ini(one, INI, NEXT) for one in (None, b"", b"\0" * 20, NEXT[:-4], NEXT[:9] + b"\0" * 9)] == [
        "torn"
    ] * 5
    assert damage_of_ini(b"[General]\r\nVersion=twelve\r\n", INI, NEXT) == "damaged"
