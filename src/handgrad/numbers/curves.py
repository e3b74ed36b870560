"""A function of z in, its values and slopes along an interval out, broken where they jump."""

# NumPy's types are partly unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad.calculus.chain import local_derivative
from handgrad.calculus.derivation import Equation, Phase
from handgrad.calculus.expr import Expr, Ref, Symbol, call, refs, transform
from handgrad.calculus.functions import FUNCTIONS
from handgrad.errors import InputError
from handgrad.model.network import ACTIVATIONS, LOSSES, decimal, own_formula
from handgrad.numbers.evaluate import value_of

__all__ = ["Curve", "Jump", "activation", "curve"]

Array = Any
Z, VALUE = Ref(Symbol("z")), Ref(Symbol("f"))
POINTS, HALVINGS = 801, 80


@dataclass(frozen=True)
class Jump:
    """Where a curve jumps: its value there, and what it comes from on the left and on the right."""

    at: float
    value: float
    left: float
    right: float


@dataclass(frozen=True)
class Curve:
    """Places and values, with nan between two pieces; the jumps whose ends are finite."""

    z: Array
    values: Array
    jumps: tuple[Jump, ...]


def activation(written: str) -> tuple[Expr, Expr, tuple[float, float]]:
    """An activation and its derivative as expressions in z, and an interval inside its domain.

    ``written`` is an elementwise function of the rule table or a formula in z. Raises ``InputError``.

    >>> f, slope, interval = activation("relu")
    >>> float(value_of(slope, {Symbol("z"): np.float64(2.0)})), interval
    (1.0, (-4.0, 4.0))
    """
    row = FUNCTIONS.get(written)
    if row is None and written.isidentifier() and written != "z":
        raise InputError(f"There is no function {written!r:.60}. {_known()}")
    if row is None:
        f = own_formula(written, {"z": Z}, "activation")
        if not any(ref == Z for ref in refs(f)):
            raise InputError(f"{written!r:.60} does not depend on z. {_known()}")
        interval = (-4.0, 4.0)
    else:
        losses = {name: loss.options for name, loss in LOSSES.items()}
        options = [decimal(v) for v in {**losses, **ACTIVATIONS}.get(written, {}).values()]
        if row.arity != 1 + len(options):
            raise InputError(f"{written} is no function of one number. {_known()}")
        f, interval = call(written, Z, *options), row.samples
    taken = local_derivative(Equation(VALUE, f, Phase.FORWARD), (), Z.symbol, ())
    return f, transform(taken, lambda node: f if node == VALUE else node), interval


def _known() -> str:
    names = ", ".join(sorted(name for name, row in FUNCTIONS.items() if row.arity == 1))
    return f"Give a function ({names}) or a formula in z, such as 'max(z, 0)'."


def curve(expr: Expr, interval: tuple[float, float]) -> Curve:
    """The values of an expression in z along an interval."""

    def value(z: Array) -> Array:
        return np.broadcast_to(np.asarray(value_of(expr, {Z.symbol: z}), dtype=float), z.shape)

    z = np.linspace(*interval, POINTS)
    values = value(z)
    found, jumps = _jumps(value, z, values), list[Jump]()
    near = 1e-9 * (interval[1] - interval[0])
    for at in found:
        around = value(np.array([at - 10 * near, at - near, at, at + near, at + 10 * near]))
        z = np.concatenate((z[z < at - near], [at - near, at, at + near], z[z > at + near]))
        scale = np.abs(around).max()
        if np.isfinite(scale) and np.abs(np.diff(around)[[0, 3]]).max() <= 1e-3 * scale:
            jumps.append(Jump(at, around[2], around[1], around[3]))
    values = value(z).copy()
    values[np.isin(z, found) | ~np.isfinite(values)] = np.nan
    return Curve(z, values, tuple(jumps))


def _jumps(value: Callable[[Array], Array], z: Array, values: Array) -> list[float]:
    """Where the values still differ when their places no longer do: every step is halved."""
    finite = np.isfinite(values[:-1]) & np.isfinite(values[1:])
    low, high = z[:-1][finite], z[1:][finite]
    below, above = values[:-1][finite], values[1:][finite]
    if not len(low):
        return []
    least = 1e-6 * max(np.ptp(values[np.isfinite(values)]), 1e-300)
    for _ in range(HALVINGS):
        middle = low + (high - low) / 2
        there = value(middle)
        left = ~(np.abs(there - below) < np.abs(above - there))
        low, below = np.where(left, low, middle), np.where(left, below, there)
        high, above = np.where(left, middle, high), np.where(left, there, above)
    jumps = low[~(np.abs(above - below) <= least)]
    return sorted({round(float(at), 12) + 0.0 for at in jumps})
