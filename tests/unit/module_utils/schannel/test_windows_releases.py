# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of Windows releases: equal to the extract of Microsoft's pages, complete, and found by build."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import windows_suite_tables as tables
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import (
    IDS,
    algorithms,
    split_curve_suffix,
    suite_id,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import (
    BY_KEY,
    RELEASES,
    release_for,
)

EXTRACT = Path(__file__).resolve().parents[5] / "shared" / "data" / "windows_cipher_suites.yaml"


@pytest.mark.skipif(not EXTRACT.exists(), reason="the extract of Microsoft's pages is not beside this checkout")
def test_the_tables_equal_the_extract() -> None:
    extract = yaml.safe_load(EXTRACT.read_text(encoding="utf-8"))
    assert list(tables.PSK) == extract.pop("psk_list_same_on_1607_and_later")
    assert set(tables.DEFAULT) == set(extract)
    for name, page in extract.items():
        assert list(tables.DEFAULT[name]) == page["default_enabled"]
        assert list(tables.SUPPORTED_NOT_DEFAULT[name]) == page["supported_not_default"]
        assert list(tables.EXPLICIT_ONLY[name]) == page["explicit_only"]
        assert len(tables.DEFAULT[name]) == page["count"]
        assert len(",".join(tables.DEFAULT[name])) == page["comma_joined_length"]


def test_every_table_belongs_to_a_release_and_every_name_is_known() -> None:
    assert {release.table for release in RELEASES} == set(tables.DEFAULT)
    for release in RELEASES:
        for name in release.supported | set(release.local_list):
            assert suite_id(name) is not None, name
            assert algorithms(name).cipher and algorithms(name).hash, name


def test_ids_are_unique() -> None:
    assert len(set(IDS.values())) == len(IDS)


def test_real_hosts_from_1709_on_list_31_names() -> None:
    assert len(BY_KEY["10_1809_2019"].local_list) == 31
    assert len(BY_KEY["2022"].local_list) == 31
    assert len(BY_KEY["10_1703"].local_list) == 25


@pytest.mark.parametrize(
    ("build", "key", "exact"),
    [
        (7601, "7_2008r2", True),
        (9600, "8.1_2012r2", True),
        (17763, "10_1809_2019", True),
        (19045, "10_22h2", True),
        (20348, "2022", True),
        (22631, "11_23h2", True),
        (26100, "11_24h2_2025", True),
        (19046, "10_22h2", False),
        (22635, "11_23h2", False),
        (99999, "11_25h2", False),
    ],
)
def test_a_build_finds_its_release_or_the_nearest_older_one(build: int, key: str, exact: bool) -> None:
    match = release_for(build)
    assert match is not None
    assert (match.release.key, match.exact) == (key, exact)
    assert (match.note is None) is exact


@pytest.mark.parametrize("build", [None, 0, -1, 6002, 7599, True])
def test_vista_and_nonsense_are_no_release(build: int | None) -> None:
    assert release_for(build) is None


def test_names_tell_their_algorithms() -> None:
    found = algorithms("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")
    assert (found.key_exchange, found.authentication, found.cipher, found.hash) == (
        "ECDHE",
        "RSA",
        "AES 256/256",
        "SHA384",
    )
    assert found.protocols == (771,)
    assert algorithms("TLS_AES_128_GCM_SHA256").tls13
    assert algorithms("TLS_RSA_WITH_AES_128_CBC_SHA").protocols == (769, 770, 771)
    assert split_curve_suffix("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA_P256") == (
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        "NistP256",
    )
