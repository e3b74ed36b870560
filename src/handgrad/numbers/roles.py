"""Which given numbers of a problem are inputs and targets of one of its quantities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from handgrad.calculus.expr import Ref, Symbol, refs
from handgrad.errors import InputError
from handgrad.model.problem import Problem
from handgrad.numbers.grids import leading_to

__all__ = ["inputs_of", "places", "prediction", "rows", "targets_of"]

Array = Any


def prediction(problem: Problem) -> Symbol:
    """The computed quantity that the loss compares. Raises ``InputError`` if it is not a single one."""
    loss = problem.per_example or problem.loss
    computed = {e.lhs.symbol: e for e in problem.forward}
    found = dict.fromkeys(r.symbol for r in refs(computed[loss].rhs) if r.symbol in computed)
    if len(found) != 1:
        raise InputError(f"The loss {problem.loss} uses no single output. Name one with of.")
    return next(iter(found))


def inputs_of(problem: Problem, output: Symbol) -> list[Ref]:
    """The two given numbers that an output is computed from."""
    used = {r.symbol for e in leading_to(problem.forward, output) for r in refs(e.rhs)}
    data = problem.data or tuple(s for s in problem.values if s not in problem.parameters)
    found = [
        Ref(s, (1,) * (s in problem.batched) + at)
        for s in data
        if s in used
        for at in places(np.shape(problem.values[s])[s in problem.batched :])
    ]
    if len(found) != 2:
        raise InputError(f"A boundary is drawn over two inputs; {output} has {len(found)}.")
    return found


def rows(problem: Problem, names: Iterable[Symbol]) -> Array:
    """Given quantities side by side, one row for each example."""
    given = [(np.asarray(problem.values[s]), s in problem.batched) for s in names]
    return np.hstack([v.reshape(len(v) if batched else 1, -1) for v, batched in given])


def targets_of(problem: Problem, output: Ref) -> Array | None:
    """What the loss compares the output with, one row for each example, if that can be told."""
    loss = problem.per_example or problem.loss
    equation = next(e for e in problem.forward if e.lhs.symbol == loss)
    if all(ref.symbol != output.symbol for ref in refs(equation.rhs)):
        return None
    used = {ref.symbol for ref in refs(equation.rhs)}
    found = [s for s in problem.values if s in used and s not in problem.parameters]
    if len(found) != 1:
        return None
    targets = rows(problem, found)
    last = output.indices[-1] if output.indices else None
    return targets[:, [last - 1]] if isinstance(last, int) and targets.shape[1] > 1 else targets


def places(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Every place in an array of a shape, counted from 1."""
    return (tuple(n + 1 for n in at) for at in np.ndindex(shape))
