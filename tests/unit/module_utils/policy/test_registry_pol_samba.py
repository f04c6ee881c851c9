# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registry.pol checked against an implementation that nobody here wrote: Samba's (Debian package python3-samba)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.policy import local_gpo
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import registry_pol as rp

pytestmark = pytest.mark.needs("system-python:samba")

LIST = ",".join(f"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384_{number}" for number in range(40))

READ = """
import json, sys
from samba.dcerpc import preg
from samba.ndr import ndr_unpack
found = ndr_unpack(preg.file, open(sys.argv[1], "rb").read())
def plain(data):
    return data.hex() if isinstance(data, bytes) else data
print(json.dumps([[e.keyname, e.valuename, e.type, plain(e.data)] for e in found.entries]))
"""

WRITE = """
import json, sys
from samba.dcerpc import preg
from samba.ndr import ndr_pack
made = preg.file()
made.header.signature = "PReg"
made.header.version = 1
entries = []
for key, value, kind, data in json.loads(sys.argv[2]):
    entry = preg.entry()
    entry.keyname, entry.valuename, entry.type = key, value, kind
    entry.data = bytes.fromhex(data["hex"]) if isinstance(data, dict) else data
    entries.append(entry)
made.entries = entries
made.num_entries = len(entries)
open(sys.argv[1], "wb").write(ndr_pack(made))
"""


def samba(script: str, *arguments: str) -> str:
    """Samba's module is compiled for the system's Python, so it runs there, in a process of its own."""
    done = subprocess.run(
        ["/usr/bin/python3", "-c", script, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_samba_reads_what_we_write(tmp_path: Path) -> None:
    pol = rp.RegistryPol(
        (
            rp.Entry(local_gpo.SSL_KEY, "Functions", rp.REG_SZ, rp.sz(LIST)),
            rp.Entry(r"SOFTWARE\A;B]C[", "na;me]", rp.REG_DWORD, b"\x5d\x00\x5b\x00"),
            rp.Entry("K", "ten", rp.REG_DWORD, b"\x0a\x00\x00\x00"),
            rp.Entry("K", "binary", rp.REG_BINARY, "];[;".encode("utf-16-le")),
            rp.Entry("K", "many", rp.REG_MULTI_SZ, rp.multi_sz(["NistP256", "NistP384"])),
        )
    )
    pol = rp.disable(pol, "K", "gone")
    path = tmp_path / "Registry.pol"
    path.write_bytes(pol.serialise())
    read = json.loads(samba(READ, str(path)))
    assert [entry[:3] for entry in read] == [[e.key, e.value, e.type] for e in pol.entries]
    data = {value: data for _key, value, _kind, data in read}
    assert data["Functions"] == LIST
    assert data["na;me]"] == 0x5B005D
    assert data["ten"] == 10
    assert data["binary"] == "];[;".encode("utf-16-le").hex()
    assert data["**del.gone"] == " "


def test_we_read_what_samba_writes(tmp_path: Path) -> None:
    path = tmp_path / "Registry.pol"
    entries: list[tuple[str, str, int, object]] = [
        (local_gpo.SSL_KEY, "Functions", 1, LIST),
        (local_gpo.SSL_KEY, "EccCurves", 7, {"hex": rp.multi_sz(["NistP256", "NistP384"]).hex()}),
        ("SOFTWARE\\Policies\\\u00e9\ud55c", "n", 4, 4294967295),
        ("K", "**del.x", 1, " "),
        ("K", "blob", 3, {"hex": "5d005b00"}),
    ]
    samba(WRITE, str(path), json.dumps(entries))
    data = path.read_bytes()
    pol = rp.parse(data)
    assert pol.serialise() == data
    assert [(e.key, e.value, e.type) for e in pol.entries] == [entry[:3] for entry in entries]
    assert [rp.plain(e)[1] for e in pol.entries] == [LIST, ["NistP256", "NistP384"], 4294967295, " ", "5d005b00"]


def test_samba_sees_one_value_changed(tmp_path: Path) -> None:
    path = tmp_path / "Registry.pol"
    samba(
        WRITE,
        str(path),
        json.dumps(
            [
                ("A", "first", 4, 1),
                (local_gpo.SSL_KEY, "Functions", 1, "TLS_RSA_WITH_AES_128_CBC_SHA"),
                ("Z", "last", 1, "end"),
            ]
        ),
    )
    before = json.loads(samba(READ, str(path)))
    pol = rp.replace(rp.parse(path.read_bytes()), local_gpo.SSL_KEY, "Functions", rp.REG_SZ, rp.sz(LIST))
    path.write_bytes(pol.serialise())
    after = json.loads(samba(READ, str(path)))
    assert after == [before[0], [local_gpo.SSL_KEY, "Functions", 1, LIST], before[2]]
