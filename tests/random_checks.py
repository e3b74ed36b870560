"""Random networks from a seed: ``check`` finds no fault with them, and finds one that is put in.

    python -m tests.random_checks --count 10000        prints a summary; exit status 1 if any fails

The derived gradient of every network must agree. Then one derivative is changed by a part in a
million, and exactly that element must be named. It is drawn among those where a part in a million
is more than twice what rounding may do by the checker's own account, and where no kink is.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

import jax
import numpy as np
from tests.oracles.jax_oracle import run_by_numpy
from tests.random_problems import random_network

import handgrad as hg
from handgrad.calculus.derivation import Derivation, Phase
from handgrad.calculus.expr import Call, Ref, Symbol, walk
from handgrad.errors import DerivationError, HandgradError, NumericError
from handgrad.language.writing import name
from handgrad.model.problem import Problem, derive
from handgrad.numbers.checking import witness
from handgrad.numbers.checking.kinks import Kinks, Meeting
from handgrad.numbers.checking.rounding import room_of
from handgrad.numbers.evaluate import Trace, evaluate
from handgrad.numbers.kernels import REAL_ONLY
from handgrad.numbers.updates import start

Array = Any
PART = 1e-6
COMPILED = 100  # of every so many networks one is compiled by XLA: that takes a second
SCALES = {"plain": 0.0, "saturated": 1.7, "small": -2.5}  # a power of ten for the weights


@dataclass(frozen=True)
class Outcome:
    """What a seed gave: its kind, complaints, and whether something could be altered, how small."""

    kind: str
    complaints: tuple[str, ...] = ()
    altered: bool = False
    size: float = 0.0  # of the altered derivative, relative to the largest
    eligible: tuple[int, int] = (0, 0)  # derivatives that could be altered, of those that are not 0


def random_problem(seed: int) -> tuple[str, Problem, Derivation, Trace]:
    """A network: numbers as they come, on kinks, saturated, tiny, or with nothing left to learn."""
    rng = np.random.default_rng([seed, 30])
    kinds = ["plain", "plain", "saturated", "small", "mixed", "kinks", "zeros", "fitted"]
    kind = str(rng.choice(kinds))
    for _ in range(100):
        problem = _changed(random_network(rng, smooth=kind not in ("kinks", "zeros")), kind, rng)
        try:
            derivation = derive(problem)
            if kind == "fitted":
                problem = _fitted(problem)
            trace = evaluate(derivation, start(problem, derivation))
        except (DerivationError, NumericError):
            continue
        if max(np.max(np.abs(v), initial=0) for v in trace.arrays.values()) < 1e8:
            return kind, problem, derivation, trace
    raise AssertionError("no problem in 100 attempts")


def _changed(problem: Problem, kind: str, rng: np.random.Generator) -> Problem:
    values = dict(problem.values)
    for symbol in [s for s in values if s.base == "W"]:
        if kind == "zeros" and rng.random() < 0.5:
            values[symbol] = np.zeros_like(values[symbol])
        power = float(rng.uniform(-3, 2)) if kind == "mixed" else SCALES.get(kind, 0.0)
        values[symbol] = values[symbol] * 10**power
    return replace(problem, values=values)


def _fitted(problem: Problem) -> Problem:
    """The targets are the outputs, but for a rounding: what is left of the gradient is noise."""
    derivation = derive(problem)
    trace = evaluate(derivation, start(problem, derivation))
    last = max(s.number or 0 for s in trace.arrays if s.base == "a")
    output = trace[Symbol("a", last)]
    return replace(problem, values={**problem.values, Symbol("y"): output * (1 + 2.0**-51)})


@contextmanager
def jax_in_haste(compiled: bool, asked: bool) -> Iterator[None]:
    """JAX differentiates a network once; what it arrives at is run by NumPy unless ``compiled``."""
    compiling, asking, has_jax = jax.jit, witness.jax_gradient, witness.has_jax
    known: list[Any] = []

    def interpreted(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments: run_by_numpy(jax.make_jaxpr(function)(*arguments), arguments)

    def once(*arguments: Any) -> Any:
        if not known:
            known.append(asking(*arguments))
        return known[0]

    jax.jit = compiling if compiled else interpreted
    witness.jax_gradient, witness.has_jax = once, lambda: asked
    try:
        yield
    finally:
        jax.jit, witness.jax_gradient, witness.has_jax = compiling, asking, has_jax


def examined(seed: int, every: int = 1) -> Outcome:
    """One seed: a network without fault, then one with. JAX is asked at ``every`` n-th, or if needed."""
    kind = "failed"
    try:
        kind, problem, derivation, trace = random_problem(seed)
        asked = seed % every == 0 or _real_only(problem)
        with jax_in_haste(compiled=seed % COMPILED == 0, asked=asked):
            return _examined(seed, kind, problem, derivation, trace)
    except (ArithmeticError, AssertionError, HandgradError, LookupError, TypeError) as error:
        return Outcome(kind, (f"seed {seed} ({kind}): {type(error).__name__}: {error}",))


def _examined(
    seed: int, kind: str, problem: Problem, derivation: Derivation, trace: Trace
) -> Outcome:
    clean = hg.check(problem)
    if not clean.agrees:
        return Outcome(kind, (f"seed {seed} ({kind}): a false alarm\n{clean}",))
    gradient = {s: np.array(trace[s.gradient(problem.loss)]) for s in derivation.parameters}
    places, others = _alterable(problem, derivation, gradient)
    largest = max((float(np.max(np.abs(g), initial=0)) for g in gradient.values()), default=0.0)
    rng = np.random.default_rng([seed, 31])
    kinks = Kinks(derivation.phase(Phase.FORWARD), problem.loss, start(problem, derivation))
    for number in rng.permutation(len(places))[:10]:
        symbol, place = places[int(number)]
        if kinks.places and _bends(kinks.slopes(symbol, place)):
            continue
        gradient[symbol][place] *= 1 + PART
        found = hg.check(problem, gradient={str(s): g for s, g in gradient.items()})
        element = Ref(symbol, tuple(n + 1 for n in place))
        named = [pair.element for pair in found.wrong]
        said = f"seed {seed} ({kind}): {name(element)} was altered; found {list(map(name, named))}"
        size = abs(float(gradient[symbol][place])) / largest
        missed = () if named == [element] else (said,)
        return Outcome(kind, missed, True, size, (len(places), others))
    return Outcome(kind, eligible=(len(places), others))


def _real_only(problem: Problem) -> bool:
    """Whether a function is not continued to complex numbers: then JAX is the closer witness."""
    nodes = (node for equation in problem.forward for node in walk(equation.rhs))
    return any(isinstance(node, Call) and node.function in REAL_ONLY for node in nodes)


def _bends(meeting: Meeting) -> bool:
    return meeting.high - meeting.low > 1e-9 * max(abs(meeting.low), abs(meeting.high))


def _alterable(
    problem: Problem, derivation: Derivation, gradient: dict[Symbol, Array]
) -> tuple[list[tuple[Symbol, tuple[int, ...]]], int]:
    """The elements where a part in a million is twice what rounding may do; how many are not 0."""
    room = room_of(derivation, start(problem, derivation), gradient, book=True)
    places: list[tuple[Symbol, tuple[int, ...]]] = []
    others = 0
    for symbol, array in gradient.items():
        enough = PART * np.abs(array) > 2 * room.of(symbol, array)
        places += [(symbol, tuple(map(int, place))) for place in np.argwhere(enough)]
        others += int(np.count_nonzero(array))
    return places, others


def summary(outcomes: Sequence[Outcome]) -> str:
    kinds = Counter(outcome.kind for outcome in outcomes)
    altered = [outcome for outcome in outcomes if outcome.altered]
    alarms = sum("false alarm" in said for o in outcomes for said in o.complaints)
    other = sum(bool(o.complaints) for o in outcomes) - alarms
    able, others = (sum(o.eligible[n] for o in outcomes) for n in (0, 1))
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return (
        f"{len(outcomes)} random networks ({told}): {alarms} false alarms.\n"
        f"{len(altered)} altered by a part in a million: {other} not found and named.\n"
        f"{able / max(others, 1):.1%} of {others} derivatives could be altered; the smallest that was "
        f"is {min((o.size for o in altered), default=0.0):.0e} of the largest."
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=1)
    chosen = parser.parse_args()
    outcomes: list[Outcome] = []
    seeds = range(chosen.first, chosen.first + chosen.count)
    with get_context("spawn").Pool(chosen.processes) as pool:
        for outcome in pool.imap_unordered(examined, seeds, chunksize=20):
            outcomes.append(outcome)
            for sentence in outcome.complaints:
                sys.stdout.write(f"{sentence}\n")
    sys.stdout.write(f"{summary(outcomes)}\n")
    return 1 if any(outcome.complaints for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
