"""The functions of the rule table on exact numbers: primitives, and the rest by definition."""

# NumPy and mpmath say nothing of the type of a result.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from handgrad.calculus.derivation import Derivation, Equation
from handgrad.calculus.expr import Along, Expr, Num, Sigma, Symbol, Value, children
from handgrad.errors import LimitError, NumericError
from handgrad.language.writing import number as written
from handgrad.model.limits import Limits
from handgrad.model.shapes import check_shapes
from handgrad.numbers.arithmetic import Arithmetic, finite, name_at
from handgrad.numbers.enclosures import EXP, LOG, MP, Bounds, increasing, wave
from handgrad.numbers.exact import UNDEFINED, Exact
from handgrad.numbers.kernels import Library

__all__ = ["ALONG", "ELEMENTWISE", "EXACT", "PRIMITIVES", "check_size"]

Array = Any
SHORT = 12  # characters of a fraction that is shown beside its decimal digits


def _step(z: Exact) -> Exact:
    return Exact.of(int(z.sign > 0)) if z.value is not None else z


def _equal(x: Exact, y: Exact) -> Exact:
    return Exact.of(int(x == y))


def _larger(x: Exact, y: Exact) -> Exact:
    return y if x < y or y.value is None else x


def _by(
    bounds: Callable[[Bounds], Bounds],
    at: tuple[int, Fraction | int] | None = None,
    least: int | None = None,
) -> Callable[[Exact], Exact]:
    """A function by its bounds, above ``least``; ``at`` is a point, and its rational value there."""

    def kernel(z: Exact) -> Exact:
        if at is not None and z.fraction == at[0]:
            return Exact(Fraction(at[1]), z.cut)
        if z.value is None or (least is not None and not z > least):
            return UNDEFINED
        return Exact.between(bounds(z.bounds), z.cut)

    return kernel


def _log_sigmoid(z: Any) -> Any:
    return -MP.log1p(MP.exp(-z))


PRIMITIVES: Mapping[str, Callable[..., Exact]] = {
    "arctan": _by(increasing(MP.atan), (0, 0)),
    "cos": _by(wave(MP.cos), (0, 1)),
    "equal": _equal,
    "erf": _by(increasing(MP.erf), (0, 0)),
    "exp": _by(EXP, (0, 1)),
    "log": _by(LOG, (1, 0), least=0),
    "max": lambda *z: reduce(_larger, z),
    "sin": _by(wave(MP.sin), (0, 0)),
    "sqrt": Exact.sqrt,
    "step": _step,
    # no primitives, but their definitions lose digits near 0, or far from it
    "expm1": _by(increasing(MP.expm1), (0, 0)),
    "log_sigmoid": _by(increasing(_log_sigmoid)),
    "normal_cdf": _by(increasing(lambda z: MP.erfc(-z / MP.sqrt(2)) / 2), (0, Fraction(1, 2))),
    "softplus": _by(increasing(lambda z: -_log_sigmoid(-z))),
    "tanh": _by(increasing(MP.tanh), (0, 0)),
}


def _everywhere(kernel: Callable[..., Exact]) -> Callable[..., Array]:
    """A function of single numbers, element by element."""
    return lambda *z: np.frompyfunc(kernel, len(z), 1)(*z)


ELEMENTWISE: Mapping[str, Callable[..., Array]] = {
    name: _everywhere(kernel) for name, kernel in PRIMITIVES.items()
}
ALONG: Mapping[str, Callable[[Array], Array]] = {
    "max": lambda z: np.frompyfunc(_larger, 2, 1).reduce(z, axis=-1)
}


def _given(array: Array, _dtype: Any) -> Array:
    return np.asarray(np.frompyfunc(Exact.of, 1, 1)(array), dtype=object)


def _checked(equation: Equation, array: Array, dtype: Any, say: Callable[[Array], str]) -> Array:
    """Every element exact and known to a hundred digits; else ``NumericError``."""
    array = _given(array, dtype)
    array = np.asarray(np.frompyfunc(Exact.settled, 1, 1)(array), dtype=object)
    finite(equation, array, np.float64, say)
    known = np.frompyfunc(Exact.certain, 1, 1)(array)
    unknown = ~np.asarray(known, dtype=bool)
    if unknown.any():
        raise NumericError(_uncertain(name_at(equation, unknown)[0]))
    return array


def _uncertain(name: str) -> str:
    return (
        f"{name} is known to fewer than 100 digits: so much is lost on the way. "
        "Ask for fewer steps, or leave out exact."
    )


def _plain(value: Any) -> Exact:
    number = Exact.of(value).settled()
    if not number.certain():
        raise NumericError(_uncertain("A partial result"))
    return number


def _leaf(value: Any) -> Expr:
    """A short fraction as it is; a whole number or half, as a decimal, is short anyway."""
    number = _plain(value)
    f = number.fraction
    if f is None or f.denominator <= 2 or max(abs(f.numerator), f.denominator) >= 10**SHORT:
        return Value(number)
    return Num(f) if len(written(f)) <= SHORT else Value(number)


def _number(value: Fraction | int) -> Exact:
    return Exact(Fraction(value))


EXACT = Arithmetic(_given, Library(np, ELEMENTWISE, ALONG, _number), _checked, _plain, _leaf)


def check_size(derivation: Derivation, values: Mapping[Symbol, Array], steps: int) -> None:
    """Raise ``LimitError`` where a run takes more operations than exact numbers are good for."""
    shapes = check_shapes(derivation, {s: np.shape(v) for s, v in values.items()})
    one = sum(
        _operations(e.rhs, int(np.prod(shapes[e.lhs.symbol], dtype=object)), shapes)
        for e in derivation.equations
    )
    if one * steps > Limits.exact_operations:
        raise LimitError(
            f"{steps:,} step{'s' * (steps > 1)} of {one:,} operations are too much for exact "
            f"numbers; at most {Limits.exact_operations:,} are accepted. Use fewer steps or "
            "examples, a smaller network, or leave out exact."
        )


def _operations(expr: Expr, times: int, shapes: Mapping[Symbol, tuple[int, ...]]) -> int:
    """How many nodes are worked out, each as often as the sums around it say."""
    bound = expr.indices if isinstance(expr, Sigma) else ()
    bound = (expr.index,) if isinstance(expr, Along) else bound
    for index in bound:
        if index.axis is not None:
            times *= shapes[index.axis[0]][index.axis[1]]
    return times + sum(_operations(part, times, shapes) for part in children(expr))
