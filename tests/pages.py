"""What tests of pages share: the examples, their pages, and a calculation of the tests' own.

``Reckoner`` walks an expression element by element in plain Python; nothing of ``handgrad.numbers``
is called. ``slope`` differentiates an equation by a complex step.
"""

from __future__ import annotations

import cmath
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

import handgrad as hg
from handgrad.calculus.derivation import Derivation, Phase
from handgrad.calculus.expr import (
    Along,
    Call,
    Delta,
    Expr,
    Forms,
    Index,
    Num,
    Position,
    Power,
    Product,
    Ref,
    Sigma,
    Sum,
    Symbol,
    Value,
)
from handgrad.model.problem import Problem
from handgrad.numbers.evaluate import Trace
from handgrad.render.document import Document, Formula, Line
from handgrad.verbs import Worked

Array = Any
Place = Mapping[str, int]  # the number each index stands for

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.toml"))
PROBLEMS = [name for name in EXAMPLES if name != "general-layer"]  # general-formulation, renamed
READINGS = ("steps", "chain", "delta", "matrix")
STEP = 1e-30  # of the complex step: far below the last bit of anything


@cache
def problem(name: str) -> Problem:
    """The problem of an example."""
    return hg.load(ROOT / "examples" / f"{name}.toml")


@cache
def page(name: str, reading: str) -> Worked:
    """The first update of an example, worked out."""
    return hg.explain(problem(name), reading=reading)


def trace_of(worked: Worked) -> Trace:
    return worked.traces[0][1]


def arrays_of(worked: Worked) -> dict[Symbol, Array]:
    """The value of every quantity of a page, δ for dL/dz included."""
    arrays, loss = dict(trace_of(worked).arrays), worked.problem.loss
    gradients = [s for s in arrays if s == s.plain.gradient(loss)]
    return {replace(s.plain, state="δ"): arrays[s] for s in gradients} | arrays


def lines(document: Document) -> Iterator[Line]:
    """Every worked line of a document."""
    return (item for item in formulas(document) if isinstance(item, Line))


def formulas(document: Document) -> Iterator[Line | Formula]:
    """Every worked line and every formula, in the order they are printed."""
    items = (item for section in document.sections for item in section.items)
    return (item for item in items if isinstance(item, Line | Formula))


def left_sides(worked: Worked) -> list[str]:
    """What stands left of the first sign, of every line and formula of the text page."""
    rows = worked.to_text(width=10**6).splitlines()
    return [re.split(" [=≈] ", row.strip())[0] for row in rows if row.startswith("    ")]


# --- a calculation of our own ----------------------------------------------------------------


def _softmax(z: list[complex]) -> list[complex]:
    e = [cmath.exp(v) for v in z]
    return [v / sum(e) for v in e]


# Only what the examples use; a new function of theirs wants its line here.
ELEMENTWISE = {
    "exp": cmath.exp,
    "log": cmath.log,
    "sigmoid": lambda z: 1 / (1 + cmath.exp(-z)),
    "log_sigmoid": lambda z: -cmath.log(1 + cmath.exp(-z)),
    "tanh": cmath.tanh,
    "sech": lambda z: 1 / cmath.cosh(z),
    "sqrt": cmath.sqrt,
    "sign": lambda z: math.copysign(bool(z.real), z.real),
    "step": lambda z: float(z.real > 0),
    "equal": lambda x, y: 1.0 if complex(x).real == complex(y).real else 0.0,
    "max": lambda *z: max(z, key=lambda v: complex(v).real),
}
REDUCTIONS = {
    "max": lambda z: max(z, key=lambda v: complex(v).real),
    "logsumexp": lambda z: cmath.log(sum(cmath.exp(v) for v in z)),
}
VECTORS = {
    "softmax": _softmax,
    "log_softmax": lambda z: [cmath.log(v) for v in _softmax(z)],
}


@dataclass
class Reckoner:
    """The value of expressions, element by element.

    ``values`` are arrays by symbol. The element ``moved`` has ``STEP``·i added to it, and quantities
    in ``inlined`` are computed from their own equations. Of two forms of a quantity the one that is
    printed is taken, or the ``stable`` one.
    """

    derivation: Derivation
    values: Mapping[Symbol, Array]
    moved: Ref | None = None
    inlined: frozenset[Symbol] = frozenset()
    stable: bool = False

    def value(self, expr: Expr, at: Place | None = None) -> complex:
        """The value of an expression; ``at`` says what its free indices stand for."""
        at = at or {}
        match expr:
            case Num(value):
                return float(value)
            case Value(value):
                return value
            case Ref(symbol, indices):
                return self.element(symbol, tuple(_number(p, at) for p in indices))
            case Sum(terms):
                return sum(self.value(term, at) for term in terms)
            case Product(factors):
                return math.prod(self.value(factor, at) for factor in factors)
            case Power(base, exponent):
                return self.value(base, at) ** self.value(exponent, at)
            case Call(function, arguments):
                return ELEMENTWISE[function](*(self.value(a, at) for a in arguments))
            case Sigma(indices, body):
                return sum(self.value(body, at | place) for place in self.places(indices))
            case Along(function, index, body, None):
                return REDUCTIONS[function](
                    [self.value(body, at | place) for place in self.places((index,))]
                )
            case Along(function, index, body, where) if where is not None:
                whole = [self.value(body, at | place) for place in self.places((index,))]
                return VECTORS[function](whole)[_number(where, at) - 1]
            case Delta(left, right):
                return float(_number(left, at) == _number(right, at))
            case Forms(book, stable):
                return self.value(stable if self.stable else book, at)
        raise TypeError(f"{expr} has no value here")

    def element(self, symbol: Symbol, place: tuple[int, ...]) -> complex:
        if symbol in self.inlined:
            return self.defined(Ref(symbol, place))
        known = float(self.values[symbol][tuple(n - 1 for n in place)])
        return known + STEP * 1j if self.moved == Ref(symbol, place) else known

    def defined(self, ref: Ref) -> complex:
        """An element by the equation that defines it."""
        equation = self.derivation.defining(ref.symbol)
        pairs = zip(equation.lhs.indices, ref.indices, strict=True)
        return self.value(equation.rhs, {str(i): int(str(n)) for i, n in pairs})

    def places(self, indices: tuple[Index, ...]) -> Iterator[dict[str, int]]:
        sizes = [self.values[i.axis[0]].shape[i.axis[1]] for i in indices if i.axis]
        for numbers in product(*(range(1, size + 1) for size in sizes)):
            yield {i.name: n for i, n in zip(indices, numbers, strict=True)}


def _number(position: Position, at: Place) -> int:
    return position if isinstance(position, int) else at[position.name]


def slope(worked: Worked, top: Ref, bottom: Ref) -> float:
    """∂top/∂bottom by the one equation that defines top, by a complex step."""
    forward = worked.derivation.phase(Phase.FORWARD)
    through = worked.problem.per_example
    inlined = frozenset((through,) if through and through != top.symbol else ())
    derivation = Derivation(forward, worked.derivation.givens, worked.derivation.loss)
    moved = Reckoner(derivation, trace_of(worked).arrays, bottom, inlined, stable=True)
    return complex(moved.defined(top)).imag / STEP


def value_at(arrays: Mapping[Symbol, Array], ref: Ref) -> Array:
    """The array, or the element, that a reference names."""
    array = np.asarray(arrays[ref.symbol])
    return array[tuple(int(str(n)) - 1 for n in ref.indices)] if ref.indices else array


# --- of whole arrays -------------------------------------------------------------------------

WHOLE = {
    "@": np.matmul,
    "T": np.transpose,
    "∘": lambda *arrays: math.prod(arrays),
    "exp": np.exp,
    "log": np.log,
    "max": np.maximum,
    "sign": np.sign,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True),
    "tanh": np.tanh,
}


def array_value(expr: Expr, arrays: Mapping[Symbol, Array]) -> Array:
    """The value of a formula of the matrix page; Σ_n runs over the rows, Σ_n,j over all."""
    match expr:
        case Num(value):
            return float(value)
        case Ref(symbol):
            return arrays[symbol]
        case Sum(terms):
            return sum(array_value(term, arrays) for term in terms)
        case Product(factors):
            return math.prod(array_value(factor, arrays) for factor in factors)
        case Power(base, exponent):
            return array_value(base, arrays) ** array_value(exponent, arrays)
        case Call(function, arguments):
            return WHOLE[function](*(array_value(a, arrays) for a in arguments))
        case Sigma(indices, body):
            return array_value(body, arrays).sum(axis=tuple(range(len(indices))))
        case Forms(book, _):
            return array_value(book, arrays)
    raise TypeError(f"{expr} has no value here")
