# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes one thing of the judgement or the plan at a time, and looks whether a test notices.

mutate.py [--sample N] [--seed S] [FILE...]: a copy of the checkout lies under build/mutation; each mutant is one
comparison, connective, negation, answer or finding of a target file turned into another. A mutant that no test kills is
printed with its place. Ends with 1 where fewer than 90 % of the mutants die that are not named as equivalent in
tools/mutants-equivalent.txt. Without --sample every mutant is tried, which takes hours.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TREE = ROOT / "build" / "mutation" / "tree"
EQUIVALENT = ROOT / "tools" / "mutants-equivalent.txt"
FLOOR = 90.0
ROOM = "plugins/module_utils"
_SLOW = ["--ignore-glob=*/test_handshake_oracle.py", "--ignore-glob=*/test_behaviour_variants.py"]
"""Whole fleets of simulated endpoints: too slow to run for each mutant."""
_VERDICT = [
    "tests/unit/module_utils/verdict",
    "tests/unit/module_utils/schannel",
    "--ignore=tests/unit/module_utils/verdict/test_waivers.py",
]
_PLAN = ["tests/unit/module_utils/plan"]
_MANY_EXAMPLES = (
    "verdict/test_less_information.py",
    "verdict/test_independent_model.py",
    "verdict/test_handshake_oracle.py",
    "verdict/test_verdict_properties.py",
    "verdict/test_behaviour_variants.py",
    "verdict/test_treacherous_facts.py",
    "plan/test_domain_gpos.py",
    "plan/test_wanted_switches.py",
)
"""Left out by ``--quick``: most of the time goes there. The score is then a lower bound."""
TARGETS = {
    f"{ROOM}/verdict/evaluate.py": _VERDICT,
    f"{ROOM}/verdict/in_force.py": _VERDICT,
    f"{ROOM}/verdict/cause.py": _VERDICT,
    f"{ROOM}/schannel/effective.py": _VERDICT,
    f"{ROOM}/plan/make_plan.py": _PLAN,
    f"{ROOM}/plan/obstacles.py": _PLAN,
    f"{ROOM}/plan/wanted_order.py": _PLAN,
}
"""Each with the tests that have to notice, the nearest first."""

_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "!=", ast.NotEq: "==", ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">",
}  # fmt: skip
_ANSWERS = {"YES": "UNKNOWN", "NO": "UNKNOWN", "UNKNOWN": "YES"}
_SEEDED: tuple[tuple[str, str, str], ...] = (
    (f"{ROOM}/verdict/evaluate.py", "        self._tell_answer(answer)\n",
     '        self._tell_answer(answer)\n        add("TETRA-TLS13-DEAD-END", r.evidence("facts", "x"))\n'),
    (f"{ROOM}/verdict/evaluate.py", "        self._tell_answer(answer)\n",
     ("        self._tell_answer(answer)\n        if any(self.suites[name].usable == YES for name in self.modern):\n"
      '            add("TETRA-TLS13-ONLY", r.evidence("facts", "x"))\n')),
    (f"{ROOM}/verdict/evaluate.py", '{"usable": UNKNOWN, "reasons"', '{"usable": YES, "reasons"'),
    (f"{ROOM}/plan/make_plan.py", '"ClientMinKeyBitLength", "ClientMaxKeyBitLength"', '"ClientMinKeyBitLength",'),
    (f"{ROOM}/plan/make_plan.py", '"no_suite_for_this_release"', '"no_certain_cure"'),
)  # fmt: skip
"""Mutants that once survived all tests; each has to die."""


@dataclass(frozen=True)
class Mutant:
    """One change of one file. ``key`` names it whatever line it stands in."""

    file: str
    line: int
    key: str
    text: str
    seeded: bool = False


class _Finder(ast.NodeVisitor):
    def __init__(self, file: str, source: str) -> None:
        self.file, self.source = file, source
        self.found: list[Mutant] = []
        self._function = ""
        self._starts = [0]
        for line in source.encode().splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def _place(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column

    def _add(self, node: ast.expr | ast.stmt, new: str) -> None:
        raw = self.source.encode()
        start = self._place(node.lineno, node.col_offset)
        end = self._place(node.end_lineno or node.lineno, node.end_col_offset or 0)
        old = raw[start:end].decode()
        key = f"{self.file} {self._function}: {' '.join(old.split())[:120]} -> {' '.join(new.split())[:120]}"
        self.found.append(Mutant(self.file, node.lineno, key, (raw[:start] + new.encode() + raw[end:]).decode()))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        outer, self._function = self._function, node.name
        for child in node.body:
            self.visit(child)
        self._function = outer

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Compare(self, node: ast.Compare) -> None:
        if self._function and len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS:
            left, right = ast.unparse(node.left), ast.unparse(node.comparators[0])
            self._add(node, f"({left} {_COMPARISONS[type(node.ops[0])]} {right})")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        if self._function:
            word = " or " if isinstance(node.op, ast.And) else " and "
            self._add(node, "(" + word.join(f"({ast.unparse(value)})" for value in node.values) + ")")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if self._function and isinstance(node.op, ast.Not):
            self._add(node, f"bool({ast.unparse(node.operand)})")
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if self._function and isinstance(node.ctx, ast.Load) and node.id in _ANSWERS:
            self._add(node, _ANSWERS[node.id])

    def visit_Constant(self, node: ast.Constant) -> None:
        if self._function and isinstance(node.value, bool):
            self._add(node, str(not node.value))

    def visit_Expr(self, node: ast.Expr) -> None:
        call = node.value
        told = isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr
        if self._function and told in ("add", "append", "update"):
            self._add(node, "pass")
        if not isinstance(call, ast.Constant):
            self.generic_visit(node)


def mutants_of(file: str) -> list[Mutant]:
    source = (ROOT / file).read_text(encoding="utf-8")
    finder = _Finder(file, source)
    finder.visit(ast.parse(source))
    return finder.found


def seeded() -> list[Mutant]:
    found = []
    for file, old, new in _SEEDED:
        source = (ROOT / file).read_text(encoding="utf-8")
        if old not in source:
            sys.exit(f"{file} no longer holds {old!r}: write the seed of tools/mutate.py anew")
        line = source[: source.index(old)].count("\n") + 1
        found.append(Mutant(file, line, f"{file}: {' '.join(new.split())[:120]}", source.replace(old, new, 1), True))
    return found


def copy_tree() -> None:
    shutil.rmtree(TREE, ignore_errors=True)
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in files:
        if name and (ROOT / name).is_file():
            (TREE / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, TREE / name)
    collections = TREE / "build" / "dev" / "ansible_collections" / "fleetops"
    collections.mkdir(parents=True)
    (collections / "tetra").symlink_to(TREE)


_TEST = """
import json, sys, hypothesis, pytest
# The same examples each time, and none that a busy machine refuses.
hypothesis.settings.register_profile(
    "mutation", derandomize=True, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
hypothesis.settings.load_profile("mutation")
class First:
    node = ""
    def pytest_runtest_logreport(self, report):
        if report.failed and not self.node:
            self.node = report.nodeid
    def pytest_collectreport(self, report):
        if report.failed and not self.node:
            self.node = report.nodeid
first = First()
code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *sys.argv[2:]], plugins=[first])
open(sys.argv[1], "w").write(json.dumps([int(code), first.node]))
"""


class Killers:
    """Which test noticed which mutant, kept between runs: it is asked first, then those that noticed the most. What it
    says is never believed without running the test."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.of: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def likely(self, mutant: Mutant) -> list[str]:
        own = [self.of[mutant.key]] if mutant.key in self.of else []
        same_file = [node for key, node in self.of.items() if key.startswith(f"{mutant.file} ")]
        counted = [node for node, _count in Counter(same_file).most_common(25)]
        return [one for one in dict.fromkeys([*own, *counted]) if (TREE / one.partition("::")[0]).exists()]

    def keep(self, mutant: Mutant, node: str) -> None:
        if node and mutant.key:
            self.of[mutant.key] = node
            self.path.write_text(json.dumps(self.of, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def first_failure(tests: list[str]) -> tuple[bool, str]:
    """Whether one of the tests fails or cannot be ended, and the first that does."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(TREE / "build" / "dev"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    answer = TREE.parent / f"{TREE.name}.answer.json"
    answer.unlink(missing_ok=True)
    command = [sys.executable, "-c", _TEST, str(answer), *tests]
    try:
        done = subprocess.run(command, cwd=TREE, env=environment, capture_output=True, check=False, timeout=1800)
    except subprocess.TimeoutExpired:
        return True, ""
    if not answer.exists():
        return done.returncode != 0, ""
    code, node = json.loads(answer.read_text(encoding="utf-8"))
    # 4 and 5: a test that is named and is not there any more. That is no mutant noticed.
    return code not in (0, 4, 5), node


def dies(mutant: Mutant, killers: Killers, left_out: list[str]) -> bool:
    """Whether a test notices. The file is whole again afterwards."""
    target = TREE / mutant.file
    whole = target.read_text(encoding="utf-8")
    target.write_text(mutant.text, encoding="utf-8")
    try:
        likely = killers.likely(mutant)
        for tests in ([likely] if likely and mutant.key else []) + [TARGETS[mutant.file]]:
            noticed, node = first_failure([*tests, *left_out])
            if noticed:
                killers.keep(mutant, node)
                return True
        return False
    finally:
        target.write_text(whole, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sample", type=int, default=0, help="so many mutants of each run, chosen by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="without the tests of many examples: a lower bound")
    parser.add_argument("--seeded", action="store_true", help="only the mutants that once survived all tests")
    parser.add_argument("--tree", default="tree", help="the copy's name, where several runs go on at once")
    parser.add_argument("files", nargs="*", default=list(TARGETS))
    arguments = parser.parse_args()
    equivalent = {
        line.rstrip("\n") for line in EQUIVALENT.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"
    }
    everything = [one for file in arguments.files for one in mutants_of(file)]
    left = [one for one in everything if one.key not in equivalent]
    chosen = random.Random(arguments.seed).sample(left, min(arguments.sample or len(left), len(left)))
    chosen = [*(one for one in seeded() if one.file in arguments.files), *([] if arguments.seeded else chosen)]
    left_out = [f"--ignore=tests/unit/module_utils/{name}" for name in _MANY_EXAMPLES] if arguments.quick else []
    global TREE
    TREE = ROOT / "build" / "mutation" / arguments.tree
    copy_tree()
    killers = Killers(TREE.parent / f"killers-{arguments.tree}.json")
    print(
        f"{len(everything)} mutants, {len(everything) - len(left)} named as equivalent, {len(chosen)} tried", flush=True
    )
    tried: list[list[str]] = []
    for file in sorted({one.file for one in chosen}):
        whole = Mutant(file, 0, "", (ROOT / file).read_text(encoding="utf-8"))
        if TARGETS[file] not in tried and dies(whole, killers, left_out):
            sys.exit(f"The tests of {file} fail without any mutant: {' '.join(TARGETS[file])}")
        tried.append(TARGETS[file])
    survivors = []
    for number, mutant in enumerate(chosen, 1):
        if not dies(mutant, killers, left_out):
            survivors.append(mutant)
            print(f"survives ({number}): line {mutant.line} of {mutant.key}", flush=True)
        if number % 20 == 0:
            print(f"{number} of {len(chosen)} tried, {len(survivors)} survive", flush=True)
    score = 100.0 * (len(chosen) - len(survivors)) / len(chosen)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} mutants die: {score:.1f} % (at least {FLOOR:.0f} %)")
    return 0 if score >= FLOOR and not any(one.seeded for one in survivors) else 1


if __name__ == "__main__":
    raise SystemExit(main())
