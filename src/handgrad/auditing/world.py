"""What a document says holds: its equations, its given values, and the true value of every name.

The equations are taken as printed. Of several for one name the last one above a place counts there,
since a page may hold two networks. Derivatives follow from the forward equations by the chain rule.
"""

from __future__ import annotations

import re
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from handgrad.auditing.reading.nodes import (
    Applied,
    Chain,
    Member,
    Name,
    Named,
    Written,
)
from handgrad.auditing.roles import RATES, is_computed, is_generic, is_loss, is_parameter, is_rate
from handgrad.auditing.slopes import partial
from handgrad.auditing.worth import Unknown, leaves, replaced, worth
from handgrad.calculus.expr import Expr, Value

__all__ = ["Definition", "World"]

AFTERWARDS = re.compile(
    r"\b(updat\w*|new|results?|after|iteration|epoch \d|neue?|nach|final|adjusted)\b", re.IGNORECASE
)
MOST_COMPARED = 6  # formulas that are asked what a name means
DEEPEST = 200  # names that define each other in turn
Worlds = int  # 0: the document's own numbers; more: others drawn at random, to try formulas


@dataclass(frozen=True)
class Definition:
    """An equation of the document: from ``place`` on (the number of its chain) the name is ``expr``."""

    place: int
    expr: Expr
    member: Member | None = None


@dataclass(frozen=True)
class Given:
    """A value the document states for a name, from a chain on."""

    place: int
    written: Written
    value: float
    computed: bool = False  # worked out from the numbers of its own line, for want of a formula


@dataclass
class World:
    """Names, their equations and values; places count the chains of the document."""

    definitions: dict[Name, list[Definition]] = field(default_factory=dict[Name, list[Definition]])
    givens: dict[Name, list[Given]] = field(default_factory=dict[Name, list[Given]])
    functions: dict[str, tuple[tuple[Name, ...], Expr]] = field(
        default_factory=dict[str, tuple[tuple[Name, ...], Expr]]
    )
    updated: set[Name] = field(default_factory=set[Name])  # names that have a new value somewhere
    restarts: dict[Name, list[int]] = field(
        default_factory=dict[Name, list[int]]
    )  # where the new value is used on
    news: set[tuple[Name, int]] = field(
        default_factory=set[tuple[Name, int]]
    )  # stated where the new value is meant
    known: dict[Name, list[tuple[int, str]]] = field(
        default_factory=dict[Name, list[tuple[int, str]]]
    )  # the names of a problem, and from where on
    top: Name | None = None  # the loss, where a problem tells
    _memo: dict[tuple[Name, int, int], float | None] = field(
        default_factory=dict[tuple[Name, int, int], float | None]
    )
    _active: set[tuple[Name, int, int]] = field(default_factory=set[tuple[Name, int, int]])
    _cuts: int = 0
    _changes: list[int] = field(default_factory=list[int])
    _partials: dict[tuple[int, Name], Expr] = field(default_factory=dict[tuple[int, Name], Expr])
    _kept: list[Expr] = field(
        default_factory=list[Expr]
    )  # so that no other node gets their identity

    def define(self, name: Name, expr: Expr, place: int, member: Member | None = None) -> None:
        """One more equation."""
        self.definitions.setdefault(name, []).append(Definition(place, expr, member))

    def give(self, name: Name, written: Written, place: int, value: float | None = None) -> None:
        """One more given value."""
        number = written.value if value is None else value
        self.givens.setdefault(name, []).append(Given(place, written, number, value is not None))

    def replace_given(self, name: Name, written: Written) -> None:
        """The name has another value than was stated, everywhere."""
        self.givens[name] = [Given(g.place, written, written.value) for g in self.givens[name]]

    def settle(self) -> None:
        """Call it when all is said: from now on values are remembered."""
        several = [d for d in (*self.definitions.values(), *self.givens.values()) if len(d) > 1]
        restarts = {place for places in self.restarts.values() for place in places}
        self._changes = sorted({entry.place for entries in several for entry in entries} | restarts)
        self._memo.clear()

    def _epoch(self, place: int) -> int:
        return bisect_right(self._changes, place)

    def renewed(self, name: Name, place: int) -> bool:
        """Whether the value stated for a name at a place was taken as that after the update."""
        return (name, place) in self.news

    def renews(self, name: Name, written: Written, chain: Chain) -> bool:
        """Whether a stated value is that after the update: a summary, a table of results."""
        if name.new or name.of is not None or not (is_parameter(name) or name in self.updated):
            return False
        before = self.givens.get(name, [])
        if any(written.rounded.low <= entry.value <= written.rounded.high for entry in before):
            return False
        headed = AFTERWARDS.search(chain.context) is not None
        return (name in self.updated and bool(before)) or headed

    def called(self, name: Name, place: int) -> str | None:
        """What a problem calls a name that the document uses at a place."""
        return next(
            (own for since, own in reversed(self.known.get(name, ())) if since <= place), None
        )

    # the entries that hold at a place

    def given(self, name: Name, place: int) -> Given | None:
        """The value stated for a name at a place: the last above it, or else the first below."""
        return _at(self.givens.get(name, ()), place)

    def holding(self, name: Name, place: int) -> list[Definition]:
        """The equations of a name, the one that holds at a place first."""
        entries = self.definitions.get(name, [])
        above = [d for d in entries if d.place <= place]
        below = [d for d in entries if d.place > place]
        return [*reversed(above), *below]

    # values

    def value(self, name: Name, place: int, seed: Worlds = 0) -> float | None:
        """The true value of a name at a place; None where the document does not tell."""
        key = (name, self._epoch(place), seed)
        if key in self._memo:
            return self._memo[key]
        if key in self._active:  # a name that defines itself has no value
            self._cuts += 1
            return None
        cuts = self._cuts
        self._active.add(key)
        value = self._value(name, place, seed)
        self._active.discard(key)
        if cuts == self._cuts or not self._active:  # else it may have one, asked by itself
            self._memo[key] = value
        return value

    def _value(self, name: Name, place: int, seed: Worlds) -> float | None:
        restart = self.restarted(name, place)
        if restart is not None:
            return self.value(replace(name, new=True), restart - 1, seed)
        if name.of is not None:
            value = self.derivative(name.of, replace(name, of=None), place, seed)
            if value is not None:
                return value
        for definition in self.holding(name, place):
            # a new value stays what it was, also where a second pass uses the other names again
            then = definition.place if name.new else place
            value = self.number(definition.expr, then, seed)
            if value is not None and np.isfinite(value):
                return self._meant(name, value, then, seed)
        if name.new:
            descended = self._new(name, place, seed)
            if descended is not None:
                return descended
        given = self.given(name, place)
        if given is not None:
            return _drawn(name, seed) if seed and not given.written.whole else given.value
        if is_rate(name):
            for other in RATES:
                stated = self.given(other, place)
                if stated is not None:
                    return _drawn(other, seed) if seed else stated.value
        if seed and name not in self.definitions and name.of is None:
            return _drawn(name, seed)
        return None

    def restarted(self, name: Name, place: int) -> int | None:
        """Where the pass begins in which a name is used with its new value; None in the first."""
        restart = max((p for p in self.restarts.get(name, ()) if p <= place), default=None)
        stated = self.given(name, place)
        again = restart is not None and stated is not None and restart < stated.place <= place
        return None if again else restart

    def _meant(self, name: Name, value: float, place: int, seed: Worlds) -> float:
        """What an equation's name should be worth, where its use elsewhere tells otherwise."""
        if name.base == "δ" and name.of is None:
            return self._delta(name, value, place, seed)
        if name.new:
            plain_ = self._new(name, place, seed)
            if (
                plain_ is not None
                and not _alike(plain_, value)
                and self._descends(name, value, plain_, place, seed)
            ):
                return plain_
        return value

    def _descends(self, name: Name, value: float, right: float, place: int, seed: Worlds) -> bool:
        """Whether plain gradient descent is meant: it goes uphill here, or downhill for the others."""
        old = self.value(replace(name, new=False), place, seed)
        if old is not None and _alike(value - old, old - right):
            return True
        others = [n for n in self.definitions if n.new and n != name]
        for other in others[:MOST_COMPARED]:
            found = self.number(
                self.definitions[other][0].expr, self.definitions[other][0].place, seed
            )
            descent = self._new(other, place, seed)
            if found is not None and descent is not None and _alike(found, descent):
                return True
        return False

    def _delta(self, name: Name, value: float, place: int, seed: Worlds) -> float:
        """The value of a δ under which the formulas that use it give the right gradients."""
        loss, target = self.loss(), self.target(name, place)
        slope_ = self.derivative(loss, target, place, seed) if loss and target else None
        if slope_ is None or _alike(abs(slope_), abs(value)):
            return value
        uses = [
            (gradient, d.expr)
            for gradient, found in self.definitions.items()
            if gradient.of is not None and gradient.of == loss
            for d in found[:2]
            if any(n.name == name for n in leaves(d.expr) if isinstance(n, Named))
        ][:MOST_COMPARED]
        scores = [self._agreeing(uses, name, v, place, seed) for v in (value, slope_, -slope_)]
        return (value, slope_, -slope_)[scores.index(max(scores))]

    def _agreeing(
        self, uses: Sequence[tuple[Name, Expr]], name: Name, value: float, place: int, seed: Worlds
    ) -> int:
        """How many formulas are right if a name has a value."""
        count = 0
        for gradient, expr in uses:
            put = replaced(
                expr, lambda n: Value(value) if isinstance(n, Named) and n.name == name else None
            )
            found = self.number(put, place, seed)
            true = self.derivative(gradient.of or name, replace(gradient, of=None), place, seed)
            count += found is not None and true is not None and _alike(found, true)
        return count

    def target(self, delta: Name, place: int) -> Name | None:
        """The weighted sum that a δ belongs to: the one with the same subscript and superscript."""
        for base in ("z", "net", "in", "s", "u", "Z"):
            name = replace(delta, base=base)
            if self.forward(name, place) is not None:
                return name
        return None

    def _new(self, name: Name, place: int, seed: Worlds) -> float | None:
        """A new value by plain gradient descent, where no equation of its own says otherwise."""
        old = self.value(replace(name, new=False), place, seed)
        rate, loss = self.rate(place), self.loss()
        if old is None or rate is None or loss is None:
            return None
        step = self.value(rate, place, seed)
        slope = self.value(replace(name, new=False, of=loss), place, seed)
        return None if step is None or slope is None else old - step * slope

    def only_computed(self, name: Name, place: int) -> bool:
        """Whether the value of a name comes from nothing but the numbers of its own line."""
        given = self.given(name, place)
        return given is not None and given.computed and given.value == self.value(name, place)

    def rounded(self) -> set[Name]:
        """The names whose given value is the rounded result of something the document does not tell."""
        return {
            name
            for name in self.givens
            if not is_parameter(name)
            and name not in self.known
            and (name in self.definitions or name.of is not None or is_computed(name))
        }

    @property
    def first_update(self) -> int:
        """Where the document first works out a new value; all before it is the first pass."""
        entries = (*self.definitions.items(), *self.givens.items())
        return min((e.place for name, found in entries if name.new for e in found), default=0)

    def rate(self, place: int) -> Name | None:
        """What the learning rate is called."""
        for name in self.givens:
            if is_rate(name) and self.given(name, place):
                return name
        return None

    def loss(self) -> Name | None:
        """What is differentiated by parameters: the loss."""
        if self.top is not None:
            return self.top
        tops = [n.of for n in (*self.definitions, *self.givens) if n.of is not None]
        named = [top for top in tops if self.definitions.get(top) and not is_generic(top)]
        losses = [top for top in named if is_loss(top)]
        from_tops = losses or named
        if from_tops:
            return max(dict.fromkeys(from_tops), key=from_tops.count)
        known = [n for n in self.definitions if is_loss(n)]
        return known[0] if known else None

    def number(self, expr: Expr, place: int, seed: Worlds = 0) -> float | None:
        """The true value of an expression at a place."""

        def leaf(node: Expr) -> float:
            if isinstance(node, Written):
                return node.value
            assert isinstance(node, Named), "there are no other leaves"
            value = self.value(node.name, place, seed)
            if value is None:
                raise Unknown
            return value

        try:
            return float(worth(self.applied(expr), leaf))
        except (Unknown, OverflowError, ZeroDivisionError, ValueError, RecursionError):
            return None

    def applied(self, expr: Expr) -> Expr:
        """The expression with the document's own functions written out."""

        def change(node: Expr) -> Expr | None:
            if not isinstance(node, Applied) or node.function not in self.functions:
                return None
            names, body = self.functions[node.function]
            if len(names) != len(node.arguments) or node.primes:
                return None
            inner = dict(zip(names, node.arguments, strict=True))
            return replaced(body, lambda n: inner.get(n.name) if isinstance(n, Named) else None)

        return replaced(expr, change) if self.functions else expr

    # derivatives

    def derivative(self, top: Name, bottom: Name, place: int, seed: Worlds = 0) -> float | None:
        """D top/d bottom by the forward equations; None where bottom does not act on top in them."""
        memo: dict[Name, float | None] = {}
        return self._slope(top, bottom, place, seed, memo, 0)

    def _slope(
        self,
        top: Name,
        bottom: Name,
        place: int,
        seed: Worlds,
        memo: dict[Name, float | None],
        depth: int,
    ) -> float | None:
        if top == bottom:
            return 1.0
        if top in memo or depth > DEEPEST:
            return memo.get(top)
        memo[top] = None
        definition = self.forward(top, place)
        if definition is None:
            return None
        total, acts = 0.0, False
        expr = self.applied(definition.expr)
        for name in dict.fromkeys(n.name for n in leaves(expr) if isinstance(n, Named)):
            inner = self._slope(name, bottom, place, seed, memo, depth + 1)
            if inner is None:
                continue
            local = self.number(self._partial(expr, name), place, seed)
            if local is None:
                return None
            total, acts = total + local * inner, True
        memo[top] = total if acts else None
        return memo[top]

    def forward(self, name: Name, place: int) -> Definition | None:
        """The equation of a quantity of the forward pass that holds at a place and has a value."""
        if name.of is not None or name.new:
            return None
        for seed in (0, 1):
            entries = self.holding(name, place)
            valued = [*self._valued([d for d in entries if d.place <= place], place, seed)]
            valued = valued or [*self._valued([d for d in entries if d.place > place], place, seed)]
            if valued:  # the shortest of those that say the same: it goes by way of other names
                first = valued[0][1]
                alike = [d for d, value in valued if abs(value - first) <= 1e-9 * abs(first)]
                return min(alike, key=lambda d: sum(1 for _ in leaves(d.expr)))
        return None

    def _valued(
        self, entries: Sequence[Definition], place: int, seed: Worlds
    ) -> Iterator[tuple[Definition, float]]:
        """The equations that have a value at a place, with it."""
        for definition in entries:
            value = self.number(definition.expr, place, seed)
            if value is not None:
                yield definition, value

    def _partial(self, expr: Expr, name: Name) -> Expr:
        """∂expr/∂name, other names held fixed, in the document's own leaves."""
        key = (id(expr), name)
        if key not in self._partials:
            self._partials[key] = partial(expr, name)
            self._kept.append(expr)
        return self._partials[key]


def _at(entries: Sequence[Given], place: int) -> Given | None:
    above = [entry for entry in entries if entry.place <= place]
    return above[-1] if above else entries[0] if entries else None


def _alike(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-9 * max(abs(one), abs(other)) + 1e-14


def _drawn(name: Name, seed: int) -> float:
    """A number for a name that is not given, the same whenever it is asked for."""
    return 0.15 + 0.7 * (zlib.crc32(f"{name}:{seed}".encode()) / 2**32)
