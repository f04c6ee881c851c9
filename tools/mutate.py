# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes one thing of the judgement or the plan at a time, and looks whether a test notices.

mutate.py [--sample N] [--seed S] [--quick] [--seeded] [FILE...]: each mutant is one comparison, connective, negation,
answer or finding of a target file turned into another. The tests are collected once; for each mutant a fork gets its
code and runs them until one fails, those first that noticed the most before. No file is changed. What the quick tests
let live meets those of many examples. A mutant that no test kills is printed with its place. Ends with 1 where fewer
than 90 % of the mutants die that are not named as equivalent in tools/mutants-equivalent.txt. Without --sample every
mutant is tried.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import inspect
import io
import json
import marshal
import os
import random
import resource
import sys
import types
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[1]
EQUIVALENT = ROOT / "tools" / "mutants-equivalent.txt"
FLOOR = 90.0
CPU_SECONDS = 600
"""For the tests of one mutant; one that makes them run longer is noticed."""
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


def functions_in(module: types.ModuleType | type) -> dict[str, types.FunctionType]:
    """Every function that a module or class defines, by its qualified name, whatever is wrapped around it."""
    found: dict[str, types.FunctionType] = {}
    for thing in list(vars(module).values()):
        bare = next((getattr(thing, name) for name in ("fget", "func", "__func__") if hasattr(thing, name)), thing)
        bare = inspect.unwrap(bare) if callable(bare) else bare
        name = module.__name__ if isinstance(module, types.ModuleType) else module.__module__
        if isinstance(bare, types.FunctionType) and bare.__module__ == name:
            found[bare.__qualname__] = bare
        elif isinstance(bare, type) and bare.__module__ == name and bare is not module:
            found |= functions_in(bare)
    return found


def put_in(mutant: Mutant) -> bool:
    """Puts the mutant's code into the functions that are loaded, whoever imported them; whether any differs."""
    name = ".".join(["ansible_collections", "fleetops", "tetra", *Path(mutant.file).with_suffix("").parts])
    fresh = types.ModuleType(name)
    fresh.__file__ = str(ROOT / mutant.file)
    exec(compile(mutant.text, mutant.file, "exec"), fresh.__dict__)
    changed = False
    old = functions_in(sys.modules[name])
    for qualified, function in functions_in(fresh).items():
        code = old[qualified].__code__
        differs = marshal.dumps(code.replace(co_filename="", co_firstlineno=1)) != marshal.dumps(
            function.__code__.replace(co_filename="", co_firstlineno=1)
        )
        changed = changed or differs
        old[qualified].__code__ = function.__code__
    return changed


class Trial:
    """A plugin of pytest: once the tests are collected, each mutant is put before them in a process of its own."""

    def __init__(self, mutants: list[Mutant], say: Callable[[str], None]) -> None:
        self.mutants, self.say = mutants, say
        self.survivors: list[Mutant] = []
        self.healthy = False
        self._killers: Counter[str] = Counter()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            self.say("The tests cannot be collected.")
            return True
        self.healthy = self._tried(session, None) is None
        if not self.healthy:
            return True
        for number, mutant in enumerate(self.mutants, 1):
            killer = self._tried(session, mutant)
            if killer is None:
                self.survivors.append(mutant)
                self.say(f"survives ({number}): line {mutant.line} of {mutant.key}")
            else:
                self._killers[killer] += 1
            if number % 50 == 0:
                self.say(f"{number} of {len(self.mutants)} tried, {len(self.survivors)} survive")
        return True

    def _tried(self, session: pytest.Session, mutant: Mutant | None) -> str | None:
        """The first test that fails; None where none does. The tests that killed the most come first."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                # Seconds of the processor and not of the clock: a busy machine kills no mutant.
                resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
                os.write(writing, (self._first_failure(session, mutant) or "").encode())
            except BaseException as error:
                os.write(writing, f"{type(error).__name__}".encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read().decode()
        _pid, status = os.waitpid(child, 0)
        if mutant is None and (said or status):
            self.say(f"Without any mutant fails: {said or status}")
        return said or ("no end" if status else None)

    def _first_failure(self, session: pytest.Session, mutant: Mutant | None) -> str | None:
        if mutant is not None and not put_in(mutant):
            return None
        failed: list[str] = []

        class Noting:
            @staticmethod
            def pytest_runtest_logreport(report: pytest.TestReport) -> None:
                if report.failed:
                    failed.append(report.nodeid)

        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        session.config.pluginmanager.register(Noting())
        items = sorted(session.items, key=lambda item: -self._killers[item.nodeid])
        for item, following in zip(items, [*items[1:], None], strict=True):
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if failed:
                return failed[0]
        return None


def _print_to(terminal: int, text: str) -> None:
    os.write(terminal, f"{text}\n".encode())


def try_all(mutants: list[Mutant], tests: list[str]) -> tuple[bool, list[Mutant]]:
    """Whether the tests pass without a mutant, and the mutants that survive them. In a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        hypothesis.settings.register_profile(
            "mutation",
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.settings.load_profile("mutation")
        terminal = os.dup(1)
        trial = Trial(mutants, lambda text: _print_to(terminal, text))
        with contextlib.redirect_stdout(io.StringIO()):
            pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--capture=no", *tests], plugins=[trial])
        answer = {"healthy": trial.healthy, "survivors": [mutants.index(one) for one in trial.survivors]}
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = json.loads(pipe.read() or b'{"healthy": false, "survivors": []}')
    os.waitpid(child, 0)
    return said["healthy"], [mutants[number] for number in said["survivors"]]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sample", type=int, default=0, help="so many mutants of each run, chosen by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="without the tests of many examples: a lower bound")
    parser.add_argument("--seeded", action="store_true", help="only the mutants that once survived all tests")
    parser.add_argument("files", nargs="*", default=list(TARGETS))
    arguments = parser.parse_args()
    equivalent = {
        line.rstrip("\n") for line in EQUIVALENT.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"
    }
    everything = [one for file in arguments.files for one in mutants_of(file)]
    left = [one for one in everything if one.key not in equivalent]
    chosen = random.Random(arguments.seed).sample(left, min(arguments.sample or len(left), len(left)))
    chosen = [*(one for one in seeded() if one.file in arguments.files), *([] if arguments.seeded else chosen)]
    left_out = [f"--ignore=tests/unit/module_utils/{name}" for name in _MANY_EXAMPLES]
    os.chdir(ROOT)
    print(
        f"{len(everything)} mutants, {len(everything) - len(left)} named as equivalent, {len(chosen)} tried", flush=True
    )
    survivors: list[Mutant] = []
    for tests in (_VERDICT, _PLAN):
        mine = [one for one in chosen if TARGETS[one.file] is tests]
        if mine:
            healthy, survived = try_all(mine, [*tests, *left_out])
            if healthy and survived and not arguments.quick:
                print(f"{len(survived)} survive the quick tests and meet the others", flush=True)
                healthy, survived = try_all(survived, tests)
            if not healthy:
                sys.exit(f"The tests fail without any mutant: {' '.join(tests)}")
            survivors += survived
    score = 100.0 * (len(chosen) - len(survivors)) / len(chosen)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} mutants die: {score:.1f} % (at least {FLOOR:.0f} %)")
    return 0 if score >= FLOOR and not any(one.seeded for one in survivors) else 1


if __name__ == "__main__":
    raise SystemExit(main())
