"""Layers in, forward equations out: weighted sum, activation, and the loss as one writes it.

z1[n,j] = Σ_i W1[j,i]·x[n,i] + b1[j]
a1[n,j] = sigmoid(z1[n,j])
L       = Σ_n,j ½·(a1[n,j] − y[n,j])²
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from handgrad.calculus.derivation import Equation, Phase
from handgrad.calculus.expr import (
    Along,
    Delta,
    Expr,
    Index,
    Num,
    Power,
    Product,
    Ref,
    Sigma,
    Sum,
    Symbol,
    call,
    index_names,
    refs,
    transform,
    walk,
)
from handgrad.calculus.functions import FUNCTIONS
from handgrad.errors import InputError, quoted
from handgrad.language.reading import parse_formula
from handgrad.model.spelling import did_you_mean

__all__ = ["ACTIVATIONS", "LOSSES", "Formula", "Layer", "forward_equations"]

X, Y, L = Symbol("x"), Symbol("y"), Symbol("L")
EXAMPLES, OUTPUTS, PENALTY = Symbol("m"), Symbol("K"), Symbol("λ")  # counts of y's axes; l2
N, J, I, K = Index("n"), Index("j"), Index("i"), Index("k")


@dataclass(frozen=True)
class Formula:
    """A named function or loss with its options, or ``text``: a formula of the user's own."""

    name: str = ""
    options: Mapping[str, float] = field(default_factory=dict[str, float], hash=False)
    text: str = ""
    reduce: str = ""  # losses: "sum" or "mean" in place of the loss's own


@dataclass(frozen=True)
class Layer:
    """How one layer is built; the values of W and b are kept elsewhere."""

    activation: Formula
    bias: str = "unit"  # "unit": one for each unit, "shared": one for the layer, "none"
    train_weight: bool = True
    train_bias: bool = True


# name: the options it has, with their defaults
ACTIVATIONS: Mapping[str, Mapping[str, float]] = {
    "identity": {},
    "sigmoid": {},
    "tanh": {},
    "relu": {},
    "leaky_relu": {"slope": 0.01},
    "elu": {"alpha": 1.0},
    "selu": {},
    "gelu": {},
    "gelu_tanh": {},
    "silu": {},
    "mish": {},
    "softplus": {},
    "softsign": {},
    "hard_sigmoid": {},
    "hard_tanh": {},
    "hard_silu": {},
    "gaussian": {"height": 1.0},
    "sin": {},
    "cos": {},
    "arctan": {},
    "abs": {},
    "sign": {},
    "step": {},
    "log_sigmoid": {},
    "hardmax": {},
    "log_softmax": {},
    "softmax": {},
}


@dataclass(frozen=True)
class LossRow:
    """One loss: the term of one entry, its sign, and what it is a mean of.

    ``over`` is "sum", "half" (1/2m), "examples" (1/m) or "entries" (1/mK). ``summed`` and ``averaged``
    name the loss that ``reduce`` makes of it, where it is another one of the table.
    """

    term: Callable[..., Expr]  # (a, y, options…) -> expression
    called: str
    over: str = "sum"
    sign: int = 1
    summed: str = ""
    averaged: str = ""
    options: Mapping[str, float] = field(default_factory=dict[str, float])


def _squared(a: Expr, y: Expr) -> Expr:
    return (a - y) ** 2


def _half_squared(a: Expr, y: Expr) -> Expr:
    return Num(Fraction(1, 2)) * _squared(a, y)


def _absolute(a: Expr, y: Expr) -> Expr:
    return call("abs", a - y)


def _huber(a: Expr, y: Expr, delta: Expr) -> Expr:
    return call("huber", a - y, delta)


def _binary(a: Expr, y: Expr) -> Expr:
    return y * call("log", a) + (1 - y) * call("log", 1 - a)


def _cross(a: Expr, y: Expr) -> Expr:
    return y * call("log", a)


# fmt: off
LOSSES: Mapping[str, LossRow] = {
    "half_squared_error":      LossRow(_half_squared, "Half the squared error", averaged="half_mean_squared_error"),
    "squared_error":           LossRow(_squared, "The squared error", averaged="mean_squared_error"),
    "half_mean_squared_error": LossRow(_squared, "Half the squared error", "half", summed="half_squared_error"),
    "mean_squared_error":      LossRow(_squared, "The squared error", "entries", summed="squared_error"),
    "mean_absolute_error":     LossRow(_absolute, "The absolute error", "entries"),
    "huber":                   LossRow(_huber, "Huber's loss", "entries", options={"delta": 1.0}),
    "binary_cross_entropy":    LossRow(_binary, "Binary cross-entropy", "examples", -1),
    "cross_entropy":           LossRow(_cross, "Cross-entropy", "examples", -1),
}
# fmt: on
OVER = {
    "sum": "summed over examples and outputs",
    "half": "mean over the m examples",
    "examples": "mean over the m examples",
    "entries": "mean over all entries",
}


def forward_equations(
    layers: Sequence[Layer], loss: Formula, *, l2: bool = False
) -> tuple[Equation, ...]:
    """The forward equations of a layered network, from ``x`` to the loss ``L``.

    Raises ``InputError`` for an unknown activation or loss, and for a formula that uses other names.
    """
    equations: list[Equation] = []
    before = X
    for number, layer in enumerate(layers, 1):
        z, a = Ref(Symbol("z", number), (N, J)), Ref(Symbol("a", number), (N, J))
        equations.append(
            Equation(
                z, _weighted_sum(number, before, layer), Phase.FORWARD, _why_sum(number, layer)
            )
        )
        value, sentence = _activation(layer.activation, z)
        equations.append(Equation(a, value, Phase.FORWARD, f"{sentence} of layer {number}."))
        before = a.symbol
    term, why = _loss(loss, Ref(before, (N, J)), Ref(Y, (N, J)))
    if l2:
        squares = (
            Sigma((J, I), Ref(Symbol("W", n), (J, I)) ** 2) for n in range(1, len(layers) + 1)
        )
        total = Sum(tuple(squares)) if len(layers) > 1 else next(squares)
        term = term + Product((Num(Fraction(1, 2)), Ref(PENALTY), total))
        why += " Plus half λ times the sum of the squared weights."
    return (*equations, Equation(Ref(L), term, Phase.FORWARD, why))


def _weighted_sum(number: int, before: Symbol, layer: Layer) -> Expr:
    weight = Ref(Symbol("W", number), (J, I)) * Ref(before, (N, I))
    total = Sigma((I,), weight)
    if layer.bias == "none":
        return total
    b = Symbol("b", number)
    return total + (Ref(b) if layer.bias == "shared" else Ref(b, (J,)))


def _why_sum(number: int, layer: Layer) -> str:
    if layer.bias == "none":
        return f"Weighted sum of layer {number}."
    return f"Weighted sum and bias of layer {number}."


def _activation(formula: Formula, z: Ref) -> tuple[Expr, str]:
    """The activation of z, and how a sentence about it begins."""
    if formula.text:
        return own_formula(formula.text, {"z": z}, "activation"), "Activation"
    name = formula.name
    if name not in ACTIVATIONS:
        raise InputError(_unknown("activation", name, ACTIVATIONS))
    if name == "identity":
        return z, "Activation (identity)"
    if name not in FUNCTIONS or not FUNCTIONS[name].arity:
        return Along(name, K, Ref(z.symbol, (N, K)), J), f"Activation ({name})"
    options = (decimal(v) for v in _options(formula, ACTIVATIONS[name]))
    return call(name, z, *options), f"Activation ({name})"


def _options(formula: Formula, known: Mapping[str, float]) -> list[float]:
    unknown = sorted(set(formula.options) - set(known))
    if unknown:
        there = ", ".join(known) or "none"
        raise InputError(f"{formula.name} has no option {unknown[0]!r}; its options: {there}.")
    if not 0 < formula.options.get("delta", 1.0) < float("inf"):
        raise InputError(f"delta of {formula.name} must be above 0.")
    return [formula.options.get(option, default) for option, default in known.items()]


def decimal(value: float) -> Num:
    """The decimal that was written, exactly: 0.01 is one hundredth."""
    return Num(Fraction(repr(float(value))))


def own_formula(text: str, places: Mapping[str, Ref], what: str) -> Expr:
    """A user's formula with its variables put in; raises ``InputError`` for any other name."""
    expr = parse_formula(text)
    allowed = " and ".join(places)
    for ref in refs(expr):
        if str(ref.symbol) in places and ref.indices:
            raise InputError(f"Write {ref.symbol} without an index in the {what}: it is one entry.")
        if str(ref.symbol) not in places:
            raise InputError(
                f"The {what} {quoted(text)} uses {ref.symbol!s:.60}; it may use {allowed} only."
            )
    if index_names(expr) or any(isinstance(node, Along | Delta) for node in walk(expr)):
        raise InputError(
            f"The {what} {quoted(text)} uses an index; it is worked out entry by entry. "
            f"Use {allowed} and functions of single numbers, or write the problem as equations."
        )
    return transform(
        expr,
        lambda node: (
            places[str(node.symbol)]
            if isinstance(node, Ref) and str(node.symbol) in places and not node.indices
            else node
        ),
    )


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    there = tuple(known)
    hint = did_you_mean(name, there)
    return f"There is no {what} {name!r:.60}.{hint} There are {', '.join(there)}."


def _loss(formula: Formula, a: Ref, y: Ref) -> tuple[Expr, str]:
    """The loss over all examples and outputs, and the sentence about it."""
    if formula.reduce not in ("", "sum", "mean"):
        raise InputError(f"reduce is {formula.reduce!r}; it may be 'sum' or 'mean'.")
    if formula.text:
        row = LossRow(_squared, "The loss")
        term = own_formula(formula.text, {"a": a, "y": y}, "loss")
    elif formula.name in LOSSES:
        given = LOSSES[formula.name]
        row = LOSSES.get(
            {"sum": given.summed, "mean": given.averaged}.get(formula.reduce, ""), given
        )
        term = row.term(a, y, *(decimal(v) for v in _options(formula, row.options)))
    else:
        raise InputError(_unknown("loss", formula.name, LOSSES))
    over = {"sum": "sum", "mean": "entries"}.get(formula.reduce, row.over)
    over = row.over if formula.reduce == "mean" and row.over != "sum" else over
    return scaled(Sigma((N, J), term), row.sign, over), f"{row.called}, {OVER[over]}."


def scaled(total: Expr, sign: int, over: str) -> Expr:
    """A sum, or that sum as a mean over examples or entries."""
    below: dict[str, tuple[Expr, ...]] = {
        "sum": (),
        "half": (Num(2), Ref(EXAMPLES)),
        "examples": (Ref(EXAMPLES),),
        "entries": (Ref(EXAMPLES), Ref(OUTPUTS)),
    }
    match below[over]:
        case ():
            return total if sign == 1 else -total
        case (only,):
            divisor = only
        case parts:
            divisor = Product(parts)
    return Product((Num(sign), Power(divisor, Num(-1)), total))
