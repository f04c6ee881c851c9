# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mounted or extracted Windows volume, its hives written by hivex."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.image.opened import open_image
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import ImageError
from ansible_collections.fleetops.tetra.tests.images import states

pytestmark = pytest.mark.needs("hivexsh")
TIME = "2026-11-24T04:00:00Z"


@pytest.mark.parametrize(
    ("build", "kind"),
    [
        (7601, "client"),
        (19045, "client"),
        (22631, "client"),
        (14393, "server"),
        (17763, "server"),
        (20348, "server"),
        (26100, "server"),
    ],
)
def test_release_defaults_are_read_from_the_current_control_set(tmp_path: Path, build: int, kind: str) -> None:
    state = states.default_state(build, kind)
    with open_image(str(states.write_tree(state, tmp_path / "image"))) as image:
        facts = image.windows.facts("golden", TIME)
    assert facts["local_order"]["data"] == state.system[states.LOCAL]["Functions"][1]
    assert facts["local_order"]["type"] == "REG_MULTI_SZ"
    assert facts["policy_order"]["status"] == "absent"
    assert (facts["os"]["build"], facts["os"]["kind"], facts["os"]["ubr"]) == (build, kind, 1234)
    assert facts["schannel"]["keys"]["Protocols\\TLS 1.2\\Client"]["status"] == "absent"
    assert facts["policy_origin"]["local_gpo"]["status"] == "absent"
    for section in ("cipher_suites", "probe", "psrp"):
        assert facts[section]["status"] == "not_read"


def test_policy_protocol_and_cipher_switches_are_read_as_stored(tmp_path: Path) -> None:
    with open_image(str(states.write_tree(states.policy_state(states.WEAK), tmp_path / "policy"))) as image:
        facts = image.windows.facts("golden", TIME)
    assert facts["policy_order"]["type"] == "REG_SZ"
    assert facts["policy_order"]["data"] == ",".join(states.WEAK)
    with open_image(str(states.write_tree(states.tls12_off_state(), tmp_path / "tls12"))) as image:
        facts = image.windows.facts("golden", TIME)
    assert facts["schannel"]["keys"]["Protocols\\TLS 1.2\\Client"]["values"]["Enabled"] == {
        "type": "REG_DWORD",
        "data": 0,
    }
    with open_image(str(states.write_tree(states.aes128_off_state(), tmp_path / "aes"))) as image:
        facts = image.windows.facts("golden", TIME)
    assert facts["schannel"]["keys"]["Ciphers\\AES 128/128"]["values"]["Enabled"] == {"type": "REG_DWORD", "data": 0}


def test_a_local_gpo_that_was_never_applied_is_seen_in_registry_pol(tmp_path: Path) -> None:
    state = states.unapplied_policy_state(states.WEAK)
    with open_image(str(states.write_tree(state, tmp_path / "image"))) as image:
        facts = image.windows.facts("golden", TIME)
    assert facts["policy_order"]["status"] == "absent"
    entries = facts["policy_origin"]["local_gpo"]["entries"]
    assert [(entry["value"], entry["type"], entry["data"]) for entry in entries] == [
        ("Functions", "REG_SZ", ",".join(states.WEAK))
    ]


def test_names_are_found_in_any_spelling(tmp_path: Path) -> None:
    root = states.write_tree(states.default_state(19045), tmp_path / "image")
    (root / "Windows").rename(root / "windows")
    (root / "windows" / "System32").rename(root / "windows" / "SYSTEM32")
    with open_image(str(root)) as image:
        assert image.windows.facts("golden", TIME)["os"]["build"] == 19045


def test_a_folder_of_hives_alone_is_enough_for_the_registry(tmp_path: Path) -> None:
    root = states.write_tree(states.default_state(19045), tmp_path / "image")
    with open_image(str(root / "Windows" / "System32" / "config")) as image:
        facts = image.windows.facts("golden", TIME)
    assert facts["local_order"]["status"] == "ok"
    assert facts["policy_origin"]["local_gpo"]["status"] == "not_read"


def test_a_folder_without_windows_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no hive SYSTEM"):
        open_image(str(tmp_path))
    with pytest.raises(ImageError, match="There is no file or folder"):
        open_image(str(tmp_path / "missing"))


def test_links_in_an_image_are_not_followed(tmp_path: Path) -> None:
    root = states.write_tree(states.default_state(19045), tmp_path / "image")
    secret = tmp_path / "secret.pol"
    secret.write_bytes(b"PReg\x01\0\0\0")
    group_policy = root / "Windows" / "System32" / "GroupPolicy" / "Machine"
    group_policy.mkdir(parents=True)
    (group_policy / "Registry.pol").symlink_to(secret)
    with open_image(str(root)) as image:
        local_gpo = image.windows.facts("golden", TIME)["policy_origin"]["local_gpo"]
    assert local_gpo["status"] == "error"
    assert "link" in local_gpo["reason"]


def test_two_spellings_of_one_windows_name_are_refused(tmp_path: Path) -> None:
    root = states.write_tree(states.default_state(19045), tmp_path / "image")
    shutil.copytree(root / "Windows", root / "windowS")
    (root / "Windows").rename(root / "WINDOWS")
    with pytest.raises(ImageError, match="one name in Windows"):
        open_image(str(root))


def test_gpt_ini_that_would_keep_the_policy_from_being_applied_is_told(tmp_path: Path) -> None:
    state = states.unapplied_policy_state(states.WEAK)
    good = states.GPT_INI
    for number, (content, words) in enumerate(
        (
            (good, None),
            (None, "There is no gpt.ini"),
            (b"[General]\r\nVersion=1\r\n", "does not name the extension"),
            (good.replace(b"Version=1", b"Version=65536"), "computer half in gpt.ini is 0"),
            (good.replace(b"Version=1", b"Version=x"), "could not be read"),
        )
    ):
        root = states.write_tree(state, tmp_path / str(number))
        path = root / "Windows" / "System32" / "GroupPolicy" / "gpt.ini"
        path.unlink() if content is None else path.write_bytes(content)
        with open_image(str(root)) as image:
            notes = image.windows.notes()
        assert (notes == []) is (words is None)
        assert words is None or words in notes[0]
