"""Mutation testing of the mathematics: each small change to it must be noticed by the tests.

    python -m tests.mutants --processes 2            every mutant of the calculus, losses, optimizers
    python -m tests.mutants --module calculus.chain  those of one module
    python -m tests.mutants --list                   which mutants there are, without running them
    python -m tests.mutants --again OUTPUT           those that survived an earlier run, by its output

Cosmic Ray makes the mutants. They are run here, each in a fork of a process that has the libraries
loaded, since a new interpreter for each would take hours. A mutant that no test notices must stand
in ``docs/mutation.md`` with its reason. Exit status 1 if one does not, or if fewer than 95 % of all
mutants are noticed.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.util
import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "handgrad"
REASONS = ROOT / "docs" / "mutation.md"
MODULES = {  # and the tests that are likeliest to notice, which are run first
    "calculus.expr": "tests/test_calculus.py",
    "calculus.functions": "tests/test_functions.py",
    "calculus.derivation": "tests/test_validate.py",
    "calculus.chain": "tests/test_calculus.py",
    "calculus.simplify": "tests/test_calculus.py",
    "rewrites.logits": "tests/test_rewrites.py",
    "rewrites.names": "tests/test_rewrites.py",
    "rewrites.delta": "tests/test_rewrites.py",
    "model.network": "tests/test_calculus.py",
    "model.optimizers": "tests/test_optimizers.py",
}
# What a test starts in a process of its own would not see the mutant.
TESTS = (
    "tests/test_calculus.py",
    "tests/test_functions.py",
    "tests/test_rewrites.py",
    "tests/test_validate.py",
    "tests/test_optimizers.py",
    "tests/test_sklearn_optimizers.py",
    "tests/test_explain_textbook.py",
    "tests/test_golden.py",
    "tests/test_problem_file.py",
    "tests/test_random_problems.py",
)
LOADED = ("numpy", "jax", "jax.numpy", "sympy", "mpmath", "hypothesis", "pytest", "click", "torch")
LIMIT = 60  # seconds of processor time, more than all tests take; beyond, a mutant is noticed
LEAST = 0.95
GUARDS = ("frozen", "slots", "strict")  # of dataclasses and of zip
BROKEN = 70  # the exit code of a process in which the tests themselves could not be run

# One change of each kind. The other operators of Cosmic Ray replace + by << and the like, which
# nothing survives: they would only raise the rate.
OPERATORS = (
    "AddNot",
    "NumberReplacer",
    "RemoveDecorator",
    "ExceptionReplacer",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_Delete_USub",
    "ZeroIterationForLoop",
    "ReplaceBinaryOperator_Add_Sub",
    "ReplaceBinaryOperator_Sub_Add",
    "ReplaceBinaryOperator_Mul_Div",
    "ReplaceBinaryOperator_Mul_Add",
    "ReplaceBinaryOperator_Div_Mul",
    "ReplaceBinaryOperator_Pow_Mul",
    "ReplaceBinaryOperator_BitOr_BitAnd",
    "ReplaceBinaryOperator_BitAnd_BitOr",
    "ReplaceComparisonOperator_Eq_NotEq",
    "ReplaceComparisonOperator_NotEq_Eq",
    "ReplaceComparisonOperator_Is_IsNot",
    "ReplaceComparisonOperator_IsNot_Is",
    "ReplaceComparisonOperator_Lt_LtE",
    "ReplaceComparisonOperator_LtE_Lt",
    "ReplaceComparisonOperator_Gt_GtE",
    "ReplaceComparisonOperator_GtE_Gt",
)


@dataclass(frozen=True)
class Mutant:
    """One change of one module: where it is, and both versions of the line."""

    module: str
    line: int
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: `{self.before}` → `{self.after}`"

    def is_told_in(self, line: str) -> bool:
        """Whether it stands in a line of output, on whatever line of the module it was then."""
        return line.startswith(f"{self.module}:") and self.listed.partition(": ")[2] in line

    @property
    def listed(self) -> str:
        """How it stands in the list of reasons, where line numbers would go stale."""
        return f"`{self.module}`: `{self.before}` → `{self.after}`"


def mutants(module: str) -> Iterator[Mutant]:
    """Every mutant of a module, but for those of its annotations, which nothing evaluates."""
    from cosmic_ray.mutating import MutationVisitor  # only where the tool is asked for
    from cosmic_ray.plugins import get_operator

    source = (SOURCE / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    shape = _meaning(source)
    seen: set[str] = set()
    for operator in OPERATORS:
        occurrence = 0
        while mutated := MutationVisitor.mutate_code(
            source, get_operator(f"core/{operator}")(), occurrence
        ):
            occurrence += 1
            if mutated not in seen and _meaning(mutated) not in (shape, None):
                seen.add(mutated)
                yield _described(module, source, mutated)


def _meaning(source: str) -> str | None:
    """What a module does when all is well; None for a star that became no operator.

    Annotations, and the guards that only a mistake in the program would meet, do not count.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        for field in ("annotation", "returns"):
            if getattr(node, field, None) is not None:
                setattr(node, field, ast.Constant(0))
        if isinstance(node, ast.keyword) and node.arg in GUARDS:
            node.value = ast.Constant(0)
    return ast.dump(tree)


def _described(module: str, source: str, mutated: str) -> Mutant:
    pairs = enumerate(zip(source.splitlines(), mutated.splitlines(), strict=False), 1)
    line, (before, after) = next((n, pair) for n, pair in pairs if pair[0] != pair[1])
    return Mutant(module, line, before.strip(), after.strip(), mutated)


class Changed(importlib.abc.SourceLoader, importlib.abc.MetaPathFinder):
    """Imports one module from a text, and leaves all others alone."""

    def __init__(self, name: str, source: str) -> None:
        self.name, self.source = name, source

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        """The module of that name, and no other."""
        ours = fullname == self.name
        return importlib.util.spec_from_loader(fullname, self) if ours else None

    def get_filename(self, fullname: str) -> str:
        """Where the module seems to come from."""
        return f"<{fullname}>"

    def get_data(self, path: str | bytes) -> bytes:  # noqa: ARG002 (the loader's interface)
        """The changed text."""
        return self.source.encode()


def noticed(mutant: Mutant) -> bool:
    """Whether a test fails on the mutant, in a process of its own."""
    child = os.fork()
    if child == 0:
        status = BROKEN
        try:
            status = _tested(mutant)
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == BROKEN:
        raise RuntimeError(f"The tests could not be run on {mutant}.")
    return code != 0


def _tested(mutant: Mutant) -> int:
    import pytest

    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    sys.meta_path.insert(0, Changed(f"handgrad.{mutant.module}", mutant.source))
    options = ["-x", "-q", "-p", "no:cacheprovider", "-m", "not slow"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # hypothesis is loaded already
    first = MODULES.get(mutant.module, TESTS[0])
    rest = (test for test in TESTS if test != first)
    return int(pytest.main([*options, first]) or pytest.main([*options, *rest]))


def main() -> int:
    """Run the mutants that were asked for; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--module", choices=list(MODULES), action="append")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="say which there are, run none")
    parser.add_argument(
        "--again", type=Path, metavar="OUTPUT", help="those an output names, no other"
    )
    asked = parser.parse_args()
    every = [mutant for module in asked.module or MODULES for mutant in mutants(module)]
    if asked.again:
        lines = asked.again.read_text(encoding="utf-8").splitlines()
        every = [mutant for mutant in every if any(map(mutant.is_told_in, lines))]
    if asked.list:
        say(*every, f"{len(every)} mutants")
        return 0
    if importlib.util.find_spec("torch") is None:
        say("The tests of the optimizers need torch, which no extra installs: pip install torch")
        return 2
    os.chdir(ROOT)
    warnings.simplefilter("ignore")  # libraries warn of fork; no thread of theirs runs yet
    for library in LOADED:
        if importlib.util.find_spec(library.partition(".")[0]):
            importlib.import_module(library)
    if noticed(Mutant("none", 0, "", "", "")):
        say("The tests fail as they are: nothing can be learnt from mutants.")
        return 2
    return _judged(every, asked.processes)


def _judged(every: Sequence[Mutant], processes: int) -> int:
    """Run them all, say which survive, and return the exit status."""
    began, survivors, unknown = time.monotonic(), 0, 0
    reasons = REASONS.read_text(encoding="utf-8")
    with ThreadPoolExecutor(processes) as pool:
        for done, (mutant, killed) in enumerate(
            zip(every, pool.map(noticed, every), strict=True), 1
        ):
            if not killed:
                known = mutant.listed in reasons
                survivors, unknown = survivors + 1, unknown + (not known)
                say(f"{mutant}{'' if known else '  (no reason is given)'}")
            if done % 100 == 0:
                say(f"{done} of {len(every)} in {time.monotonic() - began:.0f} s")
    rate = 1 - survivors / len(every)
    say(
        f"{len(every)} mutants, {len(every) - survivors} noticed: {rate:.1%}; {survivors} survive, "
        f"{unknown} of them without a reason in docs/{REASONS.name}"
    )
    return int(unknown > 0 or rate < LEAST)


def say(*lines: object) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
