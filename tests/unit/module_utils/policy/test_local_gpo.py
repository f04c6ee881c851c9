# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts section policy_origin.local_gpo: only what concerns the two SSL values, and never an exception."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as fx
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import local_gpo
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import registry_pol as rp


def test_same_shape_as_an_empty_section() -> None:
    keys = set(fx.empty_section("policy_origin")["local_gpo"])
    assert set(local_gpo.local_gpo_section(b"")) == keys
    assert set(local_gpo.unread_local_gpo("denied", "No right.")) == keys


def test_only_the_ssl_values_are_handed_on() -> None:
    pol = rp.RegistryPol(
        (
            rp.Entry("SOFTWARE\\Secret", "password", 1, rp.sz("hunter2")),
            rp.Entry(local_gpo.SSL_KEY.lower(), "functions", 1, rp.sz("TLS_AES_128_GCM_SHA256")),
            rp.Entry(local_gpo.SSL_KEY, "EccCurves", 7, rp.multi_sz(["NistP256", "NistP384"])),
            rp.Entry(local_gpo.SSL_KEY, "Unrelated", 4, b"\x01\x00\x00\x00"),
            rp.Entry(local_gpo.SSL_KEY, "**del.EccCurves", 1, rp.sz(" ")),
        )
    )
    section = local_gpo.local_gpo_section(pol.serialise(), r"D:\Machine\Registry.pol", "2026-01-01T00:00:00Z")
    assert "hunter2" not in json.dumps(section)
    assert section["entry_count"] == 5
    assert (section["status"], section["size"], section["modified"]) == (
        "ok",
        len(pol.serialise()),
        "2026-01-01T00:00:00Z",
    )
    assert section["entries"] == [
        {"key": local_gpo.SSL_KEY.lower(), "value": "functions", "type": "REG_SZ", "data": "TLS_AES_128_GCM_SHA256"},
        {"key": local_gpo.SSL_KEY, "value": "EccCurves", "type": "REG_MULTI_SZ", "data": ["NistP256", "NistP384"]},
        {"key": local_gpo.SSL_KEY, "value": "**del.EccCurves", "type": "REG_SZ", "data": " "},
    ]
    assert local_gpo.entry_for(section, "Functions")[0] == "set"
    assert local_gpo.entry_for(section, "EccCurves")[0] == "deleted"


def test_no_bytes_is_no_policy() -> None:
    section = local_gpo.local_gpo_section(b"")
    assert (section["status"], section["entries"], section["size"]) == ("ok", [], 0)
    assert local_gpo.entry_for(section, "Functions") == ("none", None)


def test_damaged_file_is_an_error_with_one_sentence() -> None:
    section = local_gpo.local_gpo_section(b"MZ")
    assert section["status"] == "error"
    assert section["reason"].count(".") >= 1 and "\n" not in section["reason"]


commands = st.sampled_from(
    ["Functions", "EccCurves", "**del.Functions", "**DelVals.", "**DeleteValues", "**DeleteKeys", "x"]
)
keys = st.sampled_from([local_gpo.SSL_KEY, local_gpo.SSL_KEY.upper(), "SOFTWARE\\Policies\\Microsoft", "Other"])
data = st.sampled_from(
    ["Functions", "EccCurves;functions", "Cryptography", "Cryptography;Other", "TLS_AES_128_GCM_SHA256"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.builds(lambda k, v, d: rp.Entry(k, v, 1, rp.sz(d)), keys, commands, data), max_size=6))
def test_section_tells_the_same_as_the_file(entries: list[rp.Entry]) -> None:
    pol = rp.RegistryPol(tuple(entries))
    section = local_gpo.local_gpo_section(pol.serialise())
    for value in local_gpo.SSL_VALUES:
        assert local_gpo.entry_for(section, value)[0] == rp.outcome(pol, local_gpo.SSL_KEY, value).action
