"""Initial weights: shapes and a seed in, matrices out, one row per unit.

Each way of drawing is a distribution, uniform or normal, whose variance follows from the numbers
of inputs and units: Glorot and Bengio 2010, He et al. 2015, LeCun et al. 1998.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handgrad.calculus.expr import Symbol
from handgrad.errors import InputError
from handgrad.model.problem import Problem
from handgrad.model.spelling import did_you_mean

__all__ = ["INITS", "Drawn", "draw", "layer_sizes", "redrawn"]

Array = Any


@dataclass(frozen=True)
class Drawn:
    """A weight matrix to draw: one row per unit."""

    symbol: Symbol
    units: int
    inputs: int


Spread = Callable[[int, int], tuple[int, int]]  # (units, inputs) -> the variance as a fraction
# (random generator, variance as a fraction, shape); the generator loads late
Distribution = Callable[[Any, tuple[int, int], tuple[int, int]], Array]


def _uniform(rng: Any, spread: tuple[int, int], shape: tuple[int, int]) -> Array:
    """Between ± the root of three times the variance."""
    above, below = spread
    bound = np.sqrt(3 * above / below)
    return rng.uniform(-bound, bound, shape)


def _normal(rng: Any, spread: tuple[int, int], shape: tuple[int, int]) -> Array:
    above, below = spread
    return rng.normal(0, np.sqrt(above / below), shape)


def _glorot(units: int, inputs: int) -> tuple[int, int]:
    return 2, units + inputs


def _he(_units: int, inputs: int) -> tuple[int, int]:
    return 2, inputs


def _lecun(_units: int, inputs: int) -> tuple[int, int]:
    return 1, inputs


INITS: Mapping[str, tuple[Distribution, Spread]] = {
    "glorot": (_uniform, _glorot),
    "he": (_normal, _he),
    "lecun": (_normal, _lecun),
    "normal": (_normal, lambda _units, _inputs: (1, 1)),
    "glorot_uniform": (_uniform, _glorot),
    "glorot_normal": (_normal, _glorot),
    "he_uniform": (_uniform, _he),
    "he_normal": (_normal, _he),
    "lecun_uniform": (_uniform, _lecun),
    "lecun_normal": (_normal, _lecun),
}


def draw(weights: Iterable[Drawn], init: str, seed: int) -> dict[Symbol, Array]:
    """Initial weights, each from its own stream of the seed, so that none depends on another.

    The variance is 2/(units + inputs) for ``glorot``, 2/inputs for ``he``, 1/inputs for ``lecun`` and
    1 for ``normal``; without an ending ``glorot`` is uniform, the others are normal.
    """
    if init not in INITS:
        hint = did_you_mean(init, INITS)
        raise InputError(f"There is no init {init!r:.60}.{hint} There are {', '.join(INITS)}.")
    distribution, spread = INITS[init]
    values: dict[Symbol, Array] = {}
    for weight in weights:
        rng = np.random.default_rng([seed, 0, weight.symbol.number or 0])
        shape = (weight.units, weight.inputs)
        values[weight.symbol] = distribution(rng, spread(*shape), shape)
    return values


def redrawn(problem: Problem, seed: int) -> Problem:
    """The problem of another seed: the weights that the old one drew are drawn anew."""
    values = dict(problem.values)
    for weight, init in problem.drawn.items():
        values |= draw([Drawn(weight, *values[weight].shape)], init, seed)
    return replace(problem, values=values, seed=seed)


def layer_sizes(sizes: Sequence[int]) -> list[Drawn]:
    """The weight matrices of a network with these numbers of units, inputs first."""
    pairs = zip(sizes[1:], sizes[:-1], strict=True)
    return [Drawn(Symbol("W", n), units, inputs) for n, (units, inputs) in enumerate(pairs, 1)]
