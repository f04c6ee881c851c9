# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy's XML with the places that Cisco's engineers' tool reads, for the simulated console."""

from __future__ import annotations


def policy_xml(
    tetra: bool = True,
    server: str | None = "tetra-defs.amp.cisco.com",
    interval: int = 3600,
    debug: bool = False,
    proxy: tuple[str, int] | None = None,
) -> bytes:
    """The bytes of a policy. The element of "Allow user to update" is left out, since nobody knows it."""
    level = "549755813887" if debug else "0"
    where = f"<server>{server}</server>" if server is not None else ""
    through = f"<proxy><server>{proxy[0]}</server><port>{proxy[1]}</port><type>http</type></proxy>" if proxy else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><Object Id="x"><config>'
        f"<agent><log><level>{level}</level></log><scansettings><tetra><enable>{int(tetra)}</enable>"
        f"<updater><enable>1</enable>{where}<interval>{interval}</interval></updater></tetra></scansettings></agent>"
        f"<ui><log><level>{level}</level></log></ui>{through}</config></Object></Signature>\n"
    ).encode()
