"""Sizes, activations and a loss in scikit-learn's words in, the forward equations and a problem out.

z1[n,j] = Σ_i W1[j,i]·x[n,i] + b1[j]                             and so on, layer by layer
L       = (Σ_n,j loss of one entry + ½·λ·(Σ W1² + Σ W2² + …))/m    over the m examples of a batch

With weights s of the examples every example counts s[n] times, and S = Σ_n s[n] is in place of m.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from handgrad.calculus.derivation import Derivation, Equation, Phase
from handgrad.calculus.expr import Expr, Num, Power, Product, Ref, Sigma, Sum, Symbol, call
from handgrad.model.axes import with_axes
from handgrad.model.network import (
    ACTIVATIONS,
    EXAMPLES,
    OUTPUTS,
    PENALTY,
    Formula,
    I,
    J,
    L,
    Layer,
    N,
    X,
    Y,
    forward_equations,
)
from handgrad.model.problem import Problem, Training, derive
from handgrad.numbers.evaluate import followed
from handgrad.numbers.kernels import NUMPY

__all__ = [
    "ACTIVATION_NAMES",
    "Shape",
    "data_of",
    "equations_of",
    "formula_of",
    "outputs",
    "problem_of",
]

Array = Any
WEIGHT, TOTAL, CONSTANT = Symbol("s"), Symbol("S"), Symbol("c")
OURS = {"logistic": "sigmoid"}
"""scikit-learn's names of what has another name here."""
ACTIVATION_NAMES = ("identity", "logistic", "relu", "tanh", *sorted(ACTIVATIONS))
ROWS = 1 << 12
"""Examples that go through the network at once where only its outputs are asked for."""


@dataclass(frozen=True)
class Shape:
    """What the equations of a network depend on; two networks of one shape share them."""

    activations: tuple[Formula, ...]  # of every layer, the output's last
    loss: str  # squared_error, poisson, log_loss
    outputs: int
    weighted: bool = False
    penalised: bool = False
    optimizer: str = "sgd"

    @property
    def layers(self) -> int:
        """How many layers have weights."""
        return len(self.activations)


def formula_of(given: str | Mapping[str, Any]) -> Formula:
    """An activation by its name, by name and options, or as a formula in z."""
    if isinstance(given, str):
        name = OURS.get(given, given)
        return Formula(name) if name.isidentifier() else Formula(text=name)
    options = {str(k): float(v) for k, v in given.items() if k != "name"}
    name = str(given.get("name", ""))
    return Formula(OURS.get(name, name), options)


def equations_of(shape: Shape) -> tuple[Equation, ...]:
    """The forward equations of a network, from ``x`` to the loss ``L``."""
    layers = [Layer(f if f.name != "exp" else Formula(text="exp(z)")) for f in shape.activations]
    *before, _ = forward_equations(layers, Formula("half_squared_error"))
    return (*before, *_loss(shape))


def _loss(shape: Shape) -> Iterator[Equation]:
    count = Ref(EXAMPLES)
    if shape.weighted:
        weights = Sigma((N,), Ref(WEIGHT, (N,)))
        yield Equation(Ref(TOTAL), weights, Phase.FORWARD, "The weights of the examples added up.")
        count = Ref(TOTAL)
    sign, term, said = _term(shape)
    if shape.weighted:
        term = Ref(WEIGHT, (N,)) * term
        said += ", each example with its weight"
    averaged = shape.loss == "squared_error" and shape.outputs > 1
    divisor = Product((count, Ref(OUTPUTS))) if averaged else count
    total: Expr = Product((sign, Power(divisor, Num(-1)), Sigma((N, J), term)))
    why = f"{said}, mean over the examples of the batch."
    if shape.penalised:
        numbers = range(1, shape.layers + 1)
        squares = tuple(Sigma((J, I), Ref(Symbol("W", n), (J, I)) ** 2) for n in numbers)
        added = Sum(squares) if shape.layers > 1 else next(iter(squares))
        half = Num(Fraction(1, 2))
        total = total + Product((half, Ref(PENALTY), Power(count, Num(-1)), added))
        why += " Plus half λ times the squared weights, for the batch."
    yield Equation(Ref(L), total, Phase.FORWARD, why)


def _term(shape: Shape) -> tuple[Num, Expr, str]:
    """The factor before the loss, the loss of one entry, and what it is called."""
    a, z = (Ref(Symbol(letter, shape.layers), (N, J)) for letter in "az")
    y = Ref(Y, (N, J))
    if shape.loss == "squared_error":
        return Num(Fraction(1, 2)), (a - y) ** 2, "Half the squared error"
    if shape.loss == "poisson":
        return Num(1), a - y * z + Ref(CONSTANT, (N, J)), "Half the Poisson deviance"
    if shape.activations[-1].name == "softmax":
        return Num(-1), y * call("log", a), "Cross-entropy"
    return Num(-1), y * call("log", a) + (1 - y) * call("log", 1 - a), "Binary cross-entropy"


def data_of(shape: Shape, x: Array, y: Array, weight: Array | None) -> dict[Symbol, Array]:
    """The arrays with one row per example. What of the loss depends on ``y`` alone is one of them."""
    found = {X: x, Y: np.asarray(y, x.dtype)}
    if shape.loss == "poisson":
        found[CONSTANT] = _y_log_y(found[Y]) - found[Y]
    if shape.weighted:
        found[WEIGHT] = np.asarray(weight, x.dtype)
    return found


def _y_log_y(y: Array) -> Array:
    return y * np.log(np.where(y > 0, y, 1))


def problem_of(
    shape: Shape,
    data: Mapping[Symbol, Array],
    parameters: Mapping[Symbol, Array],
    training: Training,
    seed: int = 0,
) -> tuple[Problem, Derivation]:
    """A problem over data and parameters, and its derivation."""
    forward, derivation = _derived(shape)
    return replace(forward, values={**parameters, **data}, training=training, seed=seed), derivation


@lru_cache(maxsize=128)
def _derived(shape: Shape) -> tuple[Problem, Derivation]:
    """The problem of a shape over stand-ins of one example, and its derivation."""
    values: dict[Symbol, Array] = {}
    parameters: list[Symbol] = []
    for n in range(1, shape.layers + 1):
        weight, bias = Symbol("W", n), Symbol("b", n)
        parameters += [weight, bias]
        units = shape.outputs if n == shape.layers else 1
        values |= {weight: np.zeros((units, 1)), bias: np.zeros(units)}
    target = np.eye(1, shape.outputs)
    values |= data_of(shape, np.zeros((1, 1)), target, np.ones(1))
    ranks = {s: np.ndim(v) for s, v in values.items()}
    ranks |= dict.fromkeys((EXAMPLES, OUTPUTS, PENALTY), 0)
    batched = {X, Y, CONSTANT, WEIGHT}
    batched |= {Symbol(letter, n) for n in range(1, shape.layers + 1) for letter in "za"}
    problem = Problem(
        forward=with_axes(equations_of(shape), ranks),
        loss=L,
        parameters=tuple(parameters),
        values=values,
        batched=frozenset(batched),
        layered=True,
        training=Training(optimizer=shape.optimizer, l2=1.0 if shape.penalised else 0.0),
    )
    return problem, derive(problem)


def outputs(
    shape: Shape, parameters: Mapping[Symbol, Array], x: Array, wanted: Sequence[Symbol]
) -> dict[Symbol, Array]:
    """Quantities of the forward pass for every example, some thousands of rows at a time.

    ``x`` may be sparse.
    """
    problem, _ = _derived(shape)
    needed = [e for e in problem.forward if e.lhs.symbol.base in ("z", "a")]
    pieces: dict[Symbol, list[Array]] = {symbol: [] for symbol in wanted}
    with np.errstate(all="ignore"):
        for begin in range(0, x.shape[0], ROWS):
            part = x[begin : begin + ROWS]
            given = {**parameters, X: part.toarray() if hasattr(part, "toarray") else part}
            found = followed(needed, given, NUMPY)
            for symbol, kept in pieces.items():
                kept.append(np.asarray(found[symbol]))
    return {s: np.concatenate(kept) for s, kept in pieces.items()}
