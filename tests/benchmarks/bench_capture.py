# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast and in how much memory captures are read, against tshark over the same files in the same run.

The captures hold real handshakes of the lab, each followed by a download of packets of full size, as captures of
updates do. tshark is asked for the same: hellos, answers and alerts, with their streams. Both run in one thread,
and the ratio is of their CPU time, which other work on the machine changes little; the time by the clock is printed
beside it.

Run: PYTHONPATH=build/dev .venv/bin/python tests/benchmarks/bench_capture.py [MEGABYTES]
"""

from __future__ import annotations

import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ansible_collections.fleetops.tetra.lab.capture import wire
from ansible_collections.fleetops.tetra.lab.capture.conversation import Conversation
from ansible_collections.fleetops.tetra.tests.captures import scenarios, tshark

AIM = 5.0
"""Times tshark's rate."""
ROUNDS = 2
"""The quickest of so many counts, for both."""
GROWTH = 1.25
"""Memory for the large capture, as a multiple of that for a tenth of it. The smaller one has fewer connections than are
kept at a time (``flows.MOST_CLOSED``)."""
READ = """
import sys
from pathlib import Path
from ansible_collections.fleetops.tetra.plugins.module_utils.capture import document
found = document.read(Path(sys.argv[1]), document.Wanted(everything=True, most=100))
print(found["file"]["connections"])
"""


def make(path: Path, size: int) -> int:
    """Writes connections with downloads until the file has ``size`` bytes; gives their number."""
    names = ("good", "good-proxy", "weak", "good-modern", "long-hello")
    count = 0
    data = bytes(range(256)) * 6
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        while out.tell() < size:
            one = scenarios.made(names[count % len(names)])
            fresh = Conversation(**{**vars(one), "events": list(one.events), "began": 1_659_591_020.0 + count})
            fresh.client = (f"192.0.2.{10 + count // 20000}", 20000 + count % 20000)
            if one is not scenarios.made("weak"):
                last = fresh.events.pop()
                for _record in range(40):
                    fresh.say("server", b"\x17\x03\x03\x40\x00" + (data * 11)[:16384], 0.001)
                fresh.events.append(last)
            for row in wire.frames(wire.segments(fresh)):
                out.write(struct.pack("<IIII", int(row.at), int(row.at % 1 * 1e6), len(row.kept), row.wire) + row.kept)
            count += 1
    return count


def run(command: list[str]) -> tuple[float, float, float, str]:
    """(seconds of CPU, seconds by the clock, MiB, output) of a process."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    text = process.stdout.read()
    _pid, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    assert status == 0, command
    return usage.ru_utime + usage.ru_stime, seconds, usage.ru_maxrss / 1024, text


def main() -> int:
    """Prints the figures; exit code 1 where an aim is missed."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    memory: list[float] = []
    missed = False
    with tempfile.TemporaryDirectory(prefix="tetra-bench-", dir="/var/tmp") as folder:
        for part in (size // 10, size):
            path = Path(folder) / "bulk.pcap"
            count = make(path, part * 1_000_000)
            cpu, seconds, mib, text = min(run([sys.executable, "-c", READ, str(path)]) for _round in range(ROUNDS))
            memory.append(mib)
            assert int(text) == count, (text, count)
            rate = path.stat().st_size / 1e6 / cpu
            print(
                f"{part} MB, {count} connections: {cpu:.2f} s of CPU ({rate:.0f} MB/s; {seconds:.2f} s), {mib:.0f} MiB"
            )
            fields = ["tcp.stream", "tls.handshake.ja3_full", "tls.handshake.ja3s_full", "tls.alert_message.desc"]
            command = [
                "tshark",
                "-r",
                str(path),
                *tshark.OPTIONS,
                "-Y",
                "tls.handshake or tls.alert_message",
                "-T",
                "fields",
            ]
            command += [word for field in fields for word in ("-e", field)]
            theirs, clock, their_mib, _text = min(run(command) for _round in range(ROUNDS))
            ratio = theirs / cpu
            missed = missed or (part == size and ratio < AIM)  # a small file is mostly the start of Python
            told = f"{theirs:.2f} s of CPU ({clock:.2f} s), {their_mib:.0f} MiB"
            print(f"  tshark: {told}; ratio {ratio:.1f} (aim {AIM:.0f})")
        growth = memory[1] / memory[0]
        missed = missed or growth > GROWTH
        print(f"memory for ten times the bytes: {growth:.2f} times (limit {GROWTH})")
    return 1 if missed else 0


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if shutil.which("tshark") is None:
        print("bench_capture needs tshark (see .ci/run)")
        sys.exit(0)
    sys.exit(main())
