"""Where a loss has a kink, and which slopes meet there.

The argument of every function with a kink is moved a little, up and down at random for each place;
the derivatives then are those of the smooth pieces that meet, and anything between them is a slope
that a convention may take. Where a value jumps (sign), the value at the jump is a third one, from
which the kinks further on are met elsewhere: so all is looked at once more with the jumps left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handgrad.calculus.derivation import Equation, Phase
from handgrad.calculus.expr import (
    Along,
    Call,
    Expr,
    Index,
    Num,
    Ref,
    Symbol,
    children,
    free_indices,
    rebuild,
    walk,
)
from handgrad.calculus.functions import FUNCTIONS
from handgrad.numbers.checking.complex_step import ComplexStep
from handgrad.numbers.checking.forward import ForwardPass
from handgrad.numbers.evaluate import followed
from handgrad.numbers.kernels import NUMPY

__all__ = ["Bend", "Kinks", "Meeting"]

Array = Any
Moves = Mapping[Symbol, Array]
NEAR = 2.0**-30  # of the argument's size: a kink this close may be crossed by rounding
PATTERNS = 12  # of moves up and down
FEW = 64  # kinks that are crossed one by one


@dataclass(frozen=True)
class Bend:
    """A kink: the argument of ``function``, as written in the forward equations, at one place."""

    function: str
    argument: Expr
    indices: tuple[Index, ...]
    place: tuple[int, ...]


@dataclass(frozen=True)
class Meeting:
    """The slopes that meet at a kink lie from ``low`` to ``high``; ``bend`` is where they differ."""

    low: float
    high: float
    bend: Bend | None = None


@dataclass(frozen=True)
class _Site:
    """A call with a kink, and the symbol whose array moves its argument."""

    node: Call | Along
    shift: Ref

    @property
    def argument(self) -> Expr:
        return self.node.body if isinstance(self.node, Along) else self.node.arguments[0]


class Kinks:
    """The kinks that the arguments are at, or within rounding of, for given values."""

    def __init__(
        self, forward: Sequence[Equation], loss: Symbol, values: Mapping[Symbol, Array]
    ) -> None:
        self.values = {s: np.asarray(v, dtype=np.float64) for s, v in values.items()}
        self.sites = list(_sites(forward))
        shifts: dict[Expr, Ref] = {site.node: site.shift for site in self.sites}
        self.forward = [replace(e, rhs=_moved(e.rhs, shifts)) for e in forward]
        self.loss = loss
        with np.errstate(all="ignore"):
            self.known = followed(forward, self.values, NUMPY)
            self.near = {site.shift.symbol: self._near(site) for site in self.sites}
        self.places = self._places(self.near)
        jumping = [site.shift.symbol for site in self.sites if _jumps(site.node)]
        still = {s: np.zeros(np.shape(self.near[s])) for s in jumping}
        self.choices = [self.near, {**self.near, **still}] if still else [self.near]

    def _places(self, near: Moves) -> list[tuple[_Site, tuple[int, ...]]]:
        return [
            (site, tuple(int(n) for n in at))
            for site in self.sites
            for at in np.argwhere(near[site.shift.symbol])
        ]

    def _near(self, site: _Site) -> Array:
        """How far to move the argument at each place: 0 where there is no kink."""
        value = self._value(site.argument, site.shift)
        size = NEAR * (1 + np.abs(value))
        if isinstance(site.node, Along):
            largest = np.max(value, axis=-1, keepdims=True)
            tied = np.sum(value >= largest - size, axis=-1, keepdims=True) > 1
            return np.where(tied & (value >= largest - size), 2 * size, 0.0)
        away = value
        if site.node.function in ("max", "min"):
            away = value - self._value(site.node.arguments[1], site.shift)
        kinks = FUNCTIONS[site.node.function].kinks
        return np.where(np.min([np.abs(away - k) for k in kinks], axis=0) <= size, 2 * size, 0.0)

    def _value(self, expr: Expr, place: Ref) -> Array:
        equation = Equation(replace(place, symbol=Symbol("value")), expr, Phase.FORWARD)
        return followed([equation], self.known, NUMPY)[Symbol("value")]

    def slopes(self, symbol: Symbol, place: tuple[int, ...]) -> Meeting:
        """The derivatives by one number of the pieces that meet here."""
        found = [self._meeting(symbol, place, near) for near in self.choices]
        bend = next((meeting.bend for meeting in found if meeting.bend), None)
        return Meeting(min(m.low for m in found), max(m.high for m in found), bend)

    def _meeting(self, symbol: Symbol, place: tuple[int, ...], near: Moves) -> Meeting:
        """Those of the pieces that moves by ``near`` lead to.

        With few kinks each is crossed alone, and the slopes of all combinations follow to first
        order; with many, some combinations are drawn and their range is doubled.
        """
        down = {s: -v for s, v in near.items()}
        base = self._slope(symbol, place, down)
        places = self._places(near)
        crossed = [
            (self._slope(symbol, place, self._with(down, site, at)) - base, site, at)
            for site, at in (places if len(places) <= FEW else [])
        ]
        drawn = [self._slope(symbol, place, self._pattern(seed, near)) for seed in range(PATTERNS)]
        spread = 0.0 if crossed else (max(drawn) - min(drawn)) / 2
        low = min(base + sum(min(0.0, c) for c, _, _ in crossed), min(drawn) - spread)
        high = max(base + sum(max(0.0, c) for c, _, _ in crossed), max(drawn) + spread)
        steepest = max(crossed, key=lambda found: abs(found[0]), default=None)
        if steepest is None:
            return Meeting(low, high)
        _, site, at = steepest
        indices = tuple(p for p in site.shift.indices if isinstance(p, Index))
        return Meeting(low, high, Bend(site.node.function, site.argument, indices, at))

    def _with(self, down: Mapping[Symbol, Array], site: _Site, at: tuple[int, ...]) -> Moves:
        """All arguments moved down but one."""
        moved = np.array(down[site.shift.symbol])
        moved[at] *= -1
        return {**down, site.shift.symbol: moved}

    def _pattern(self, seed: int, near: Moves) -> Moves:
        """Every place moved up or down, no two alike, so that ties of three are broken too."""
        rng = np.random.default_rng([seed, 4])
        sides = {s: rng.choice([-1.0, 1.0], np.shape(v)) for s, v in near.items()}
        return {s: v * sides[s] * rng.uniform(0.6, 1.0, np.shape(v)) for s, v in near.items()}

    def _slope(self, symbol: Symbol, place: tuple[int, ...], moves: Moves) -> float:
        moved = ForwardPass(self.forward, self.loss, {**self.values, **moves})
        return ComplexStep(moved).element(symbol, place)[0]


def _sites(forward: Sequence[Equation]) -> Iterator[_Site]:
    """Every call whose derivative jumps; the same call written twice moves as one."""
    seen: set[Expr] = set()
    for equation in forward:
        for node in walk(equation.rhs):
            if not isinstance(node, Call | Along) or node in seen or not _bends(node):
                continue
            seen.add(node)
            yield _Site(node, _place(node, len(seen)))


def _bends(node: Call | Along) -> bool:
    return node.function in FUNCTIONS and bool(FUNCTIONS[node.function].kinks)


def _jumps(node: Call | Along) -> bool:
    """Whether the value itself jumps: flat on both sides of a kink."""
    return isinstance(node, Call) and all(
        rule(*node.arguments, node) == Num(0) for rule in FUNCTIONS[node.function].slopes
    )


def _place(node: Call | Along, number: int) -> Ref:
    """The array that moves an argument: one number for each place, the reduced axis last."""
    if isinstance(node, Along):
        outer = {n: i for n, i in free_indices(node.body).items() if n != node.index.name}
        return Ref(Symbol("argument", number, state="moved"), (*outer.values(), node.index))
    free: dict[str, Index] = {}
    for argument in node.arguments:
        free |= free_indices(argument)
    return Ref(Symbol("argument", number, state="moved"), tuple(free.values()))


def _moved(expr: Expr, shifts: Mapping[Expr, Ref]) -> Expr:
    """The expression with the argument of every site moved."""
    new = rebuild(expr, tuple(_moved(part, shifts) for part in children(expr)))
    shift = shifts.get(expr)
    match new:
        case Along() if shift:
            return replace(new, body=new.body + shift)
        case Call(function, (first, *others)) if shift:
            return Call(function, (first + shift, *others))
        case _:
            return new
