# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judging: endpoints a second on one core, for a fleet of 10,000 in 200 classes and for endpoints that are all
different, each beside the same without what is remembered; and time and memory of odd endpoints.

Run: PYTHONPATH=build/dev .venv/bin/python tests/benchmarks/bench_evaluate.py
"""

from __future__ import annotations

import json
import random
import sys
import time
import tracemalloc
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import reading
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import effective, suite_list, suite_sources
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import BY_KEY
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import MEMORY, evaluate, evaluate_anew
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts as e

WANTED_BY_CLASSES, CLASSES, ENDPOINTS = 20_000, 200, 10_000
WANTED_DIFFERENT, DIFFERENT = 5_000, 4_000
LONGEST_MILLISECONDS, MOST_MEBIBYTES = 10.0, 5.0
ROUNDS, AT_ONCE = 3, 1
RELEASES = ("8.1_2012r2", "10_1607_2016", "10_1809_2019", "10_21h2", "10_22h2", "2022", "11_23h2", "11_24h2_2025")
Facts = dict[str, t.Any]


def _like(rng: random.Random, policy: str | None) -> Facts:
    """One kind of endpoint: a release, a third with a policy list, some switches, some of them owned by a domain."""
    facts = e.endpoint(rng.choice(RELEASES), policy=policy)
    if policy and rng.random() < 0.5:
        e.set_domain_gpo(facts, policy)
    if rng.random() < 0.1:
        e.set_switch(facts, "Ciphers\\AES 128/128", "Enabled", 0)
    if rng.random() < 0.1:
        e.set_curves(facts, rng.sample(("curve25519", "NistP256", "NistP384"), 2))
    return facts


def _list(rng: random.Random) -> str:
    return ",".join(rng.sample([*BY_KEY["10_21h2"].default, e.CBC], rng.randint(4, 20)))


def _own(rng: random.Random, facts: Facts, number: int) -> str:
    """What no two endpoints share: names, the time of the start, the last update. As text: nothing is one object."""
    facts["host"] = f"host-{number}"
    facts["os"]["computer_name"] = f"PC{number}"
    facts["collected_at"] = f"2026-11-24T03:{number // 60 % 60:02d}:{number % 60:02d}Z"
    facts["reboot"]["last_boot"] = f"2026-11-{rng.randint(1, 20):02d}T{number % 24:02d}:{number % 60:02d}:07Z"
    failed = rng.random() < 0.1
    e.set_last_update(
        facts, "failed" if failed else "ok", -3000 if failed else 0, f"2026-11-21T08:{number % 60:02d}:00Z"
    )
    facts["connector"]["last_update"]["line"] = f"({number}) PerformTetraUpdate: {number}"
    return json.dumps(facts)


def by_classes() -> list[str]:
    """``ENDPOINTS`` endpoints of ``CLASSES`` kinds."""
    rng = random.Random(1)
    kinds = [json.dumps(_like(rng, _list(rng) if rng.random() < 0.33 else None)) for _number in range(CLASSES)]
    return [_own(rng, json.loads(kinds[number % CLASSES]), number) for number in range(ENDPOINTS)]


def all_different() -> list[str]:
    """``DIFFERENT`` endpoints of which every one has a list that no other has."""
    rng = random.Random(2)
    return [_own(rng, _like(rng, f"{_list(rng)},TLS_MADE_UP_{number}"), number) for number in range(DIFFERENT)]


def forget() -> None:
    """All that is remembered of what was judged before."""
    MEMORY.forget()
    for remembered in (suite_list.from_text, suite_list._from_names, suite_sources._shared):
        remembered.cache_clear()
    for kept in (effective._LISTED, effective._OFFERED, effective._CONDITIONS, effective._ROWS, effective._QUICK):
        kept.clear()
    reading._SOUND.clear()
    reading._SOUND_ROWS.clear()


def rate(endpoints: list[str], remember: bool) -> float:
    """Endpoints a second, the best of a few rounds; nothing is remembered from one round to the next. As the records of
    a run are judged: one is read (which does not count here), then judged."""
    judge, best = (evaluate if remember else evaluate_anew), 0.0
    for _round in range(ROUNDS):
        forget()
        spent = 0.0
        for first in range(0, len(endpoints), AT_ONCE):
            read = [json.loads(text) for text in endpoints[first : first + AT_ONCE]]
            started = time.process_time()
            for facts in read:
                judge(facts)
            spent += time.process_time() - started
        best = max(best, len(endpoints) / spent)
    return best


def odd_endpoints() -> dict[str, Facts]:
    """Endpoints with values as nobody should have them, by what is odd."""
    many = [f"TLS_MADE_UP_{number}" for number in range(10_000)]
    every = e.set_policy(e.set_local(e.endpoint(), many), ",".join(many))
    every["cipher_suites"]["suites"] = [{"name": name, "id": 0, "protocols": []} for name in many]
    script = ["ТЛС_МЕЙД_АП", "TLS_한국어", "TLS_ＥＣＤＨＥ_RSA_WITH_AES_256_GCM_SHA384"] * 300
    typed = e.set_policy(e.endpoint(), many, "REG_MULTI_SZ")
    typed["local_order"] = f.registry_value(f.LOCAL_KEY, f.SUITES_VALUE, type="REG_DWORD", data=7)
    return {
        "10,000 names in policy, local list and cmdlet": every,
        "10,000 names in a policy of another type": typed,
        "10,000 curves": e.set_curves(e.endpoint(), many),
        "10,000 signature algorithms": e.set_signatures(e.endpoint(), many),
        "900 names in other scripts": e.set_policy(e.endpoint(), ",".join(script)),
    }


def cost(facts: Facts) -> tuple[float, float]:
    """Milliseconds (the best of five) and the most MiB, of one judgement of something never seen before."""
    times = []
    for _round in range(5):
        forget()
        started = time.process_time()
        evaluate(facts)
        times.append((time.process_time() - started) * 1000)
    forget()
    tracemalloc.start()
    evaluate(facts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return min(times), peak / 2**20


def main() -> int:
    """Prints the figures; exit code 1 where one of them misses its aim."""
    well = True
    for what, endpoints, wanted in (
        (f"{ENDPOINTS:,} endpoints in {CLASSES} classes", by_classes(), WANTED_BY_CLASSES),
        (f"{DIFFERENT:,} endpoints, all different", all_different(), WANTED_DIFFERENT),
    ):
        remembered, anew = rate(endpoints, True), rate(endpoints, False)
        print(
            f"evaluate, {what}: {remembered:,.0f} a second on one core (aim {wanted:,}), "
            f"{remembered / anew:.1f} times as many as without remembering ({anew:,.0f})"
        )
        well = well and remembered >= wanted
    for what, facts in odd_endpoints().items():
        milliseconds, mebibytes = cost(facts)
        rules = sorted({row["rule"] for row in evaluate(facts)["findings"]})
        print(
            f"evaluate, {what}: {milliseconds:.1f} ms (aim {LONGEST_MILLISECONDS:.0f}), {mebibytes:.1f} MiB "
            f"(aim {MOST_MEBIBYTES:.0f}); {', '.join(rules)}"
        )
        well = well and milliseconds <= LONGEST_MILLISECONDS and mebibytes <= MOST_MEBIBYTES
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
