"""Derivatives by evaluation alone: a complex step, or a central difference where one is impossible.

Both go through handgrad's own evaluator, but only through the forward equations; the chain rule and
the rule table have no part in them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from handgrad.calculus.derivation import Derivation, Equation
from handgrad.calculus.expr import Call, Symbol, walk
from handgrad.numbers.evaluate import evaluate

Array = Any
STEP = 1e-30  # its square vanishes: no truncation, and nothing is subtracted
REAL_ONLY = {"erf", "gelu", "normal_cdf"}  # these kernels do not continue to complex numbers


def is_analytic(forward: Sequence[Equation]) -> bool:
    """Whether every function of the equations takes complex numbers."""
    nodes = (node for equation in forward for node in walk(equation.rhs))
    return not any(isinstance(node, Call) and node.function in REAL_ONLY for node in nodes)


def complex_step(
    forward: Sequence[Equation],
    loss: Symbol,
    parameters: Sequence[Symbol],
    values: Mapping[Symbol, Array],
) -> dict[Symbol, Array]:
    """The imaginary part of L(w + ih), over h: as exact as the gradient itself, off the kinks.

    In extended precision where the machine has it, so that log(1 - a) costs no digits.
    """
    lossy = _loss(forward, loss, values, np.clongdouble)
    return {
        symbol: _each(values[symbol], partial(_imaginary, lossy, symbol), STEP * 1j)
        for symbol in parameters
    }


def central_difference(
    forward: Sequence[Equation],
    loss: Symbol,
    parameters: Sequence[Symbol],
    values: Mapping[Symbol, Array],
) -> dict[Symbol, tuple[Array, Array]]:
    """Central differences, and how far the two one-sided ones lie apart; large at a kink."""
    lossy = _loss(forward, loss, values, float)
    result: dict[Symbol, tuple[Array, Array]] = {}
    for symbol in parameters:
        array = np.asarray(values[symbol], float)
        step = np.finfo(float).eps ** (1 / 3) * max(1.0, float(np.max(np.abs(array), initial=0)))
        here = lossy(symbol, array)
        above = _each(array, partial(lossy, symbol), step)
        below = _each(array, partial(lossy, symbol), -step)
        apart = np.abs((above - here) - (here - below)) / step
        result[symbol] = ((above - below) / ((array + step) - (array - step)), apart)
    return result


def _imaginary(lossy: Callable[[Symbol, Array], Any], symbol: Symbol, array: Array) -> float:
    return float(lossy(symbol, array).imag / STEP)


def _loss(
    forward: Sequence[Equation], loss: Symbol, values: Mapping[Symbol, Array], dtype: Any
) -> Callable[[Symbol, Array], Any]:
    ranks = {s: np.ndim(v) for s, v in values.items()}
    derivation = Derivation(tuple(forward), ranks, loss)

    def at(symbol: Symbol, array: Array) -> Any:
        return evaluate(derivation, {**values, symbol: array}, dtype)[loss][()]

    return at


def _each(array: Array, function: Callable[[Array], float], step: complex) -> Array:
    """``function`` of the array with one element moved, for each element in turn."""
    array = np.asarray(array)
    result = np.zeros(array.shape)
    for place in np.ndindex(array.shape):
        moved = array.astype(np.result_type(type(step), float))
        moved[place] += step
        result[place] = function(moved)
    return result
