"""Optimizers as equations, in PyTorch's formulas and with its defaults; scikit-learn's for its door.

Every optimizer is a list of equations for one parameter: its state, then the new value. The state
``m_W1`` and ``v_W1`` starts at zero; ``m_W1_new`` is carried to the next step as ``m_W1``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from handgrad.calculus.derivation import Equation, Phase
from handgrad.calculus.expr import Expr, Ref, Symbol, call
from handgrad.calculus.simplify import simplify

__all__ = ["ETA", "OPTIMIZERS", "STEP", "Optimizer", "optimizer_row", "update_equations"]

ETA, STEP = Symbol("η"), Symbol("t")
BETA, BETA1, BETA2 = Symbol("β"), Symbol("β", 1), Symbol("β", 2)
RHO, EPSILON, DECAY = Symbol("ρ"), Symbol("ε"), Symbol("ω")

Piece = tuple[Ref, Expr, str]  # what is defined, its value, why


@dataclass(frozen=True)
class Optimizer:
    """One row: the equations for a parameter w with gradient g, and its constants."""

    rule: Callable[[Ref, Ref], Iterator[Piece]]
    state: tuple[str, ...] = ()
    constants: Mapping[Symbol, tuple[str, float]] = field(
        default_factory=dict[Symbol, tuple[str, float]]
    )  # symbol -> (its key in a problem file, its default)


def kept(w: Ref, state: str) -> Ref:
    """What the optimizer remembers of w: m_W1[j,i]."""
    return Ref(replace(w.symbol, state=state), w.indices)


def after(ref: Ref) -> Ref:
    """The value after the update: W1_new[j,i]."""
    return Ref(ref.symbol.updated, ref.indices)


def _sgd(w: Ref, g: Ref) -> Iterator[Piece]:
    yield after(w), w - Ref(ETA) * g, "Gradient descent: a step against the gradient."


def _momentum(w: Ref, g: Ref) -> Iterator[Piece]:
    v = kept(w, "v")
    yield after(v), Ref(BETA) * v + g, "Velocity: what remains of the last one, plus the gradient."
    yield after(w), w - Ref(ETA) * after(v), "A step along the velocity."


def _nesterov(w: Ref, g: Ref) -> Iterator[Piece]:
    v = kept(w, "v")
    yield after(v), Ref(BETA) * v + g, "Velocity: what remains of the last one, plus the gradient."
    yield after(w), w - Ref(ETA) * (g + Ref(BETA) * after(v)), "Nesterov: a step that looks ahead."


def _scaled_step(w: Ref, top: Expr, square: Expr) -> Piece:
    step = Ref(ETA) * top / (call("sqrt", square) + Ref(EPSILON))
    return after(w), w - step, "A step scaled by the size of the gradients so far."


def _adagrad(w: Ref, g: Ref) -> Iterator[Piece]:
    v = kept(w, "v")
    yield after(v), v + g**2, "The sum of the squared gradients."
    yield _scaled_step(w, g, after(v))


def _rmsprop(w: Ref, g: Ref) -> Iterator[Piece]:
    v = kept(w, "v")
    mean = Ref(RHO) * v + (1 - Ref(RHO)) * g**2
    yield after(v), mean, "Moving average of the squared gradients."
    yield _scaled_step(w, g, after(v))


def _adam(w: Ref, g: Ref) -> Iterator[Piece]:
    yield from _moments(w, g)
    yield _scaled_step(w, kept(w, "mhat"), kept(w, "vhat"))


def _adamw(w: Ref, g: Ref) -> Iterator[Piece]:
    yield from _moments(w, g)
    lhs, step, why = _scaled_step(w, kept(w, "mhat"), kept(w, "vhat"))
    yield lhs, step - Ref(ETA) * Ref(DECAY) * w, f"{why} Plus weight decay."


def _moments(w: Ref, g: Ref) -> Iterator[Piece]:
    t = Ref(STEP)
    yield from _averages(w, g)
    for average, beta in (("m", BETA1), ("v", BETA2)):
        mean = after(kept(w, average)) / (1 - Ref(beta) ** t)
        yield kept(w, f"{average}hat"), mean, "Corrected for its start at zero."


def _averages(w: Ref, g: Ref) -> Iterator[Piece]:
    m, v = kept(w, "m"), kept(w, "v")
    beta1, beta2 = Ref(BETA1), Ref(BETA2)
    yield after(m), beta1 * m + (1 - beta1) * g, "Moving average of the gradients."
    yield after(v), beta2 * v + (1 - beta2) * g**2, "Moving average of the squared gradients."


def _velocity_of_sklearn(w: Ref, g: Ref) -> Piece:
    v = kept(w, "v")
    step = Ref(BETA) * v - Ref(ETA) * g
    return after(v), step, "Velocity: the rate is part of it, as in scikit-learn."


def _momentum_of_sklearn(w: Ref, g: Ref) -> Iterator[Piece]:
    yield _velocity_of_sklearn(w, g)
    yield after(w), w + after(kept(w, "v")), "A step along the velocity."


def _nesterov_of_sklearn(w: Ref, g: Ref) -> Iterator[Piece]:
    yield _velocity_of_sklearn(w, g)
    step = Ref(BETA) * after(kept(w, "v")) - Ref(ETA) * g
    yield after(w), w + step, "Nesterov: a step that looks ahead."


def _adam_of_sklearn(w: Ref, g: Ref) -> Iterator[Piece]:
    yield from _averages(w, g)
    t = Ref(STEP)
    rate = Ref(ETA) * call("sqrt", 1 - Ref(BETA2) ** t) / (1 - Ref(BETA1) ** t)
    step = rate * after(kept(w, "m")) / (call("sqrt", after(kept(w, "v"))) + Ref(EPSILON))
    yield after(w), w - step, "Adam as in scikit-learn: the rate corrects for the start at zero."


_ADAM = {BETA1: ("beta1", 0.9), BETA2: ("beta2", 0.999), EPSILON: ("epsilon", 1e-8)}
OPTIMIZERS: Mapping[str, Optimizer] = {
    "sgd": Optimizer(_sgd),
    "momentum": Optimizer(_momentum, ("v",), {BETA: ("momentum", 0.9)}),
    "nesterov": Optimizer(_nesterov, ("v",), {BETA: ("momentum", 0.9)}),
    "adagrad": Optimizer(_adagrad, ("v",), {EPSILON: ("epsilon", 1e-10)}),
    "rmsprop": Optimizer(_rmsprop, ("v",), {RHO: ("alpha", 0.99), EPSILON: ("epsilon", 1e-8)}),
    "adam": Optimizer(_adam, ("m", "v"), _ADAM),
    "adamw": Optimizer(_adamw, ("m", "v"), {**_ADAM, DECAY: ("weight_decay", 0.01)}),
}

AT_THE_DOOR: Mapping[str, Optimizer] = {  # scikit-learn's formulas, for the estimators alone
    "sklearn_momentum": Optimizer(_momentum_of_sklearn, ("v",), {BETA: ("momentum", 0.9)}),
    "sklearn_nesterov": Optimizer(_nesterov_of_sklearn, ("v",), {BETA: ("momentum", 0.9)}),
    "sklearn_adam": Optimizer(_adam_of_sklearn, ("m", "v"), _ADAM),
}


def optimizer_row(name: str) -> Optimizer:
    """The optimizer of a problem, by its name in a problem file or at the door of scikit-learn."""
    return OPTIMIZERS[name] if name in OPTIMIZERS else AT_THE_DOOR[name]


def update_equations(optimizer: str, gradients: Sequence[Ref]) -> tuple[Equation, ...]:
    """The update of every parameter, in the order of its gradient ``dL/dw``."""
    rule = optimizer_row(optimizer).rule
    pieces = (piece for g in gradients for piece in rule(Ref(g.symbol.plain, g.indices), g))
    return tuple(Equation(lhs, simplify(rhs), Phase.UPDATE, why) for lhs, rhs, why in pieces)
