"""The names under which a problem's quantities are known, before anything is derived."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from handgrad.calculus.expr import Symbol
from handgrad.errors import quoted
from handgrad.model.clipping import CLIPPED
from handgrad.model.optimizers import optimizer_row
from handgrad.model.problem import Problem, constants
from handgrad.model.spelling import closest

__all__ = ["misnamed"]

STATES = ("mhat", "vhat", CLIPPED)
Shape = tuple[int | None, ...]  # None: known only after evaluation


def misnamed(problem: Problem) -> Iterator[tuple[str, str]]:
    """Each key of the notation's names that means no quantity, and what to say of it."""
    if not problem.notation.names:
        return
    shapes = _shapes(problem)
    for key in problem.notation.names:
        found = re.fullmatch(r"(.+?)(?:\[([^\]]*)\])?", key, re.DOTALL)
        written, inside = (found[1], found[2]) if found else (key, None)
        if written not in shapes:
            meant = closest(written, shapes)
            hint = (
                f"Did you mean {meant}?" if meant else f"There are {', '.join(_usual(shapes))}, …"
            )
            yield key, f"there is no quantity {quoted(written)} to name. {hint}"
        elif inside is not None:
            said = _misplaced(inside, shapes[written])
            if said:
                yield key, f"{quoted(key)} names no element: {said}"


def _usual(shapes: Mapping[str, Any]) -> list[str]:
    return [name for name in shapes if not name.startswith("d") and not name.endswith("_new")][:12]


def _misplaced(inside: str, shapes: tuple[Shape, ...]) -> str:
    """What is wrong with the indices of an element that may be written in several ways."""
    if not re.fullmatch(r"[1-9][0-9]{0,8}(,[1-9][0-9]{0,8})*", inside):
        return "write the indices as numbers from 1 without blanks, as in W1[2,1]."
    places = [int(part) for part in inside.split(",")]
    fitting = [shape for shape in shapes if len(shape) == len(places)]
    if not fitting:
        return f"it has {' or '.join(str(len(shape)) for shape in shapes)} indices."
    for place, size in zip(places, fitting[0], strict=True):
        if size is not None and place > size:
            return f"index {place} is more than {size}."
    return ""


def _shapes(problem: Problem) -> dict[str, tuple[Shape, ...]]:
    """Every quantity with its shape; with a single example also the shape without that axis."""
    own: dict[Symbol, Shape] = {s: np.shape(v) for s, v in problem.values.items()}
    for equation in problem.forward:
        own[equation.lhs.symbol] = _defined(problem, equation.lhs.symbol, len(equation.lhs.indices))
    own |= dict.fromkeys(constants(problem), ())
    states = (*optimizer_row(problem.training.optimizer).state, *STATES)
    result: dict[str, tuple[Shape, ...]] = {}
    for symbol, shape in own.items():
        single = symbol in problem.batched and problem.examples == 1 and bool(shape)
        shapes = (shape, shape[1:]) if single else (shape,)
        made = [symbol, symbol.gradient(problem.loss)]
        if symbol in problem.parameters:
            kept = [replace(symbol, state=state) for state in states]
            made += [symbol.updated, *kept, *(state.updated for state in kept)]
        result |= dict.fromkeys(map(str, made), shapes)
    return result


def _defined(problem: Problem, symbol: Symbol, rank: int) -> Shape:
    weight = problem.values.get(Symbol("W", symbol.number))
    if problem.layered and rank == 2 and weight is not None:
        return problem.examples, len(weight)
    return (None,) * rank
