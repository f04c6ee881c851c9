# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints what a packet capture says about definition updates: make capture FILE=x.pcapng [GOOD=y.pcapng] [RECORD=…]."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.capture import document
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.errors import CaptureError
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST


def main() -> int:
    """Exit code 0 when the capture was read, 2 when it cannot be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--good", type=Path)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    wanted = document.Wanted(everything=options.all)
    try:
        facts = json.loads(options.record.read_text(encoding="utf-8"))["facts"] if options.record else None
        capture = document.read(options.file, wanted, facts=facts)
        good = document.read(options.good, wanted) if options.good else None
    except CaptureError as error:
        print(error, file=sys.stderr)
        return 2
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{options.record} is no record of an audited endpoint ({type(error).__name__}).", file=sys.stderr)
        return 2
    comparison = document.compare(good, capture, ALLOW_LIST) if good else None
    if options.json:
        print(json.dumps({"capture": capture, "comparison": comparison}, indent=2))
        return 0
    print(f"{capture['file']['packets']} packets, {len(capture['connections'])} connections to definition servers")
    print(f"{capture['verdict']}: {capture['sentence']}")
    for judged in capture["connections"]:
        one = judged["connection"]
        print(f"\n#{judged['number']} {one['client']}:{one['client_port']} -> {one['server']}:{one['server_port']}")
        print(f"  {judged['verdict']['code']}: {judged['verdict']['sentence']}")
        if one["hello"]:
            print(f"  JA3 {one['hello']['ja3']}, JA4 {one['hello']['ja4']}")
        if one["certificate"]:
            print(f"  certificate issued by {one['certificate']['issuer']}")
        for row in one["timeline"]:
            print(f"  {row['at']:10.6f} {row['who']:6s} {row['what']}")
        for sentence in judged["expectation"]["sentences"] if judged["expectation"] else []:
            print(f"  against the settings: {sentence}")
    if comparison:
        print(f"\nFirst difference: {comparison['sentence']}")
    for note in [*capture["notes"], *([capture["file"]["problem"]] if capture["file"]["problem"] else [])]:
        print(f"Note: {note}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
