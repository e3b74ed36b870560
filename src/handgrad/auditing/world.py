"""The true value of every name of a document, as far as its own equations and given values tell.

Derivatives follow from the forward equations by the chain rule.
"""

from __future__ import annotations

import math
import zlib
from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from handgrad.auditing.reading.nodes import Applied, Name, Named, Written
from handgrad.auditing.roles import RATES, is_loss, is_parameter, is_rate
from handgrad.auditing.said import Definition, Said
from handgrad.auditing.slopes import partial
from handgrad.auditing.worth import Unknown, close, leaves, replaced, worth
from handgrad.calculus.expr import Expr, Num, Product, Sum, Value

__all__ = ["World"]

MOST_COMPARED = 6  # formulas that are asked what a name means
DEEPEST = 200  # names that define each other in turn
Worlds = int  # 0: the document's own numbers; more: others drawn at random, to try formulas


@dataclass
class World(Said):
    """What a document says, and what is true by it; values are remembered once all is said."""

    users: dict[Name, list[Name]] = field(default_factory=dict[Name, list[Name]])
    _counted: set[Name] = field(default_factory=set[Name])  # by example or epoch: L_1, L_2
    _memo: dict[tuple[Name, int, int], float | None] = field(
        default_factory=dict[tuple[Name, int, int], float | None]
    )
    _active: set[tuple[Name, int, int]] = field(default_factory=set[tuple[Name, int, int]])
    _cuts: int = 0
    _changes: list[int] = field(default_factory=list[int])
    _meanings: dict[tuple[Name, int], int] = field(default_factory=dict[tuple[Name, int], int])
    _slopes: dict[tuple[Name, int, int], dict[Name, float | None]] = field(
        default_factory=dict[tuple[Name, int, int], dict[Name, float | None]]
    )
    _forwards: dict[tuple[Name, int], Definition | None] = field(
        default_factory=dict[tuple[Name, int], Definition | None]
    )
    _partials: dict[tuple[Expr, Name], Expr] = field(default_factory=dict[tuple[Expr, Name], Expr])
    _links: dict[tuple[Name, int], list[tuple[Name, Expr]]] = field(
        default_factory=dict[tuple[Name, int], list[tuple[Name, Expr]]]
    )

    def settle(self) -> None:
        """Call it when all is said: from now on values are remembered."""
        several = [d for d in (*self.definitions.values(), *self.givens.values()) if len(d) > 1]
        restarts = {place for places in self.restarts.values() for place in places}
        self._changes = sorted({entry.place for entries in several for entry in entries} | restarts)
        self._counted = self._by_example()
        self.users.clear()
        for name, found in self.definitions.items():
            for used in {used for definition in found for used in _names(definition.expr)}:
                self.users.setdefault(used, []).append(name)
        self._memo.clear()
        self._meanings.clear()
        self._slopes.clear()
        self._forwards.clear()
        self._links.clear()

    def restart(self, names: Iterable[Name], place: int) -> None:
        """From a place on names have their new values; what is remembered of places above stays."""
        for name in names:
            insort(self.restarts.setdefault(name, []), place)
        if place not in self._changes:
            insort(self._changes, place)
        since = self._epoch(place)
        for remembered in (self._memo, self._meanings, self._slopes, self._forwards):
            _forget(remembered, since)

    def _by_example(self) -> set[Name]:
        """Names with a number each for another example: what each is of changes before the next."""
        families: dict[tuple[str, str], list[Name]] = {}
        for name, found in self.definitions.items():
            if name.sub and name.of is None and not name.new and len(found) == 1:
                families.setdefault((name.base, name.sup), []).append(name)
        counted = set[Name]()
        for family in families.values():
            first = [self.definitions[name][0] for name in family]
            first.sort(key=lambda d: d.place)
            if len(family) > 1 and all(
                self._changes_between(one, other.place) for one, other in pairwise(first)
            ):
                counted.update(family)
        return counted

    def _changes_between(self, definition: Definition, place: int) -> bool:
        """Whether what an equation is of is defined or given anew below it, above a place."""
        used = {leaf.name for leaf in leaves(definition.expr) if isinstance(leaf, Named)}
        return any(
            definition.place < entry.place <= place
            for name in used
            for entry in (*self.definitions.get(name, ()), *self.givens.get(name, ()))
        )

    def _epoch(self, place: int) -> int:
        return bisect_right(self._changes, place)

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
            return self.value(name.as_new, restart - 1, seed)
        if name.of is not None:
            value = self.derivative(name.of, replace(name, of=None), place, seed)
            if value is not None:
                return value
        for definition in self.holding(name, place):
            # a new value stays what it was, also where a second pass uses the other names again
            then = definition.place if name.new or name in self._counted else place
            value = self.number(definition.expr, then, seed)
            if value is not None and np.isfinite(value):
                return self._meant(name, value, then, seed)
        if name.new:
            moved = self._new(name, place, seed)
            moved = self.afterwards(name, place, seed) if moved is None else moved
            if moved is not None:
                return moved
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

    def _meant(self, name: Name, value: float, place: int, seed: Worlds) -> float:
        """What an equation's name should be worth, where its use elsewhere tells otherwise."""
        if name.base == "δ" and name.of is None:
            return self._delta(name, value, place, seed)
        if name.new:
            plain_ = self._new(name, place, seed)
            if (
                plain_ is not None
                and not close(plain_, value)
                and self._descends(name, value, plain_, place, seed)
            ):
                return plain_
        return value

    def _descends(self, name: Name, value: float, right: float, place: int, seed: Worlds) -> bool:
        """Whether plain gradient descent is meant: it goes uphill here, or downhill for the others."""
        old = self.value(name.as_old, place, seed)
        if old is not None and close(value - old, old - right):
            return True
        others = [n for n in self.definitions if n.new and n != name]
        for other in others[:MOST_COMPARED]:
            found = self.number(
                self.definitions[other][0].expr, self.definitions[other][0].place, seed
            )
            descent = self._new(other, place, seed)
            if found is not None and descent is not None and close(found, descent):
                return True
        return False

    def _delta(self, name: Name, value: float, place: int, seed: Worlds) -> float:
        """The value of a δ under which the formulas that use it give the right gradients."""
        loss, target = self.loss(), self.target(name, place)
        slope_ = self.derivative(loss, target, place, seed) if loss and target else None
        if slope_ is None or close(abs(slope_), abs(value)):
            return value
        key = name, self._epoch(place)
        meanings = (value, slope_, -slope_)
        if key in self._meanings:
            return meanings[self._meanings[key]]
        uses = [
            (gradient, d.expr)
            for gradient, found in self.definitions.items()
            if gradient.of is not None and gradient.of == loss
            for d in found[:2]
            if any(n.name == name for n in leaves(d.expr) if isinstance(n, Named))
        ][:MOST_COMPARED]
        scores = [self._agreeing(uses, name, v, place, seed) for v in meanings]
        meant = scores.index(max(scores))
        self._meanings[key] = meant  # in every world the same
        return meanings[meant]

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
            count += found is not None and true is not None and close(found, true)
        return count

    def target(self, delta: Name, place: int) -> Name | None:
        """The weighted sum that a δ belongs to: the one with the same subscript and superscript."""
        for base in ("z", "net", "in", "s", "u", "Z"):
            name = replace(delta, base=base)
            if self.forward(name, place) is not None:
                return name
        return None

    def descent(self, name: Name, place: int) -> Expr | None:
        """W − η·∂L/∂w for a new value, in the document's own names."""
        rate, loss, old = self.rate(place), self.loss(), name.as_old
        if rate is None or loss is None or not name.new or self.follows(old):
            return None
        if self.accumulates and name not in self.definitions:
            return None
        slope = Named(replace(old, of=loss), 0, 0)
        return Sum((Named(old, 0, 0), Product((Num(-1), Named(rate, 0, 0), slope))))

    def follows(self, name: Name) -> bool:
        """Whether a quantity is no parameter: its new value follows from those of the parameters."""
        stated = any(not given.computed for given in self.givens.get(name, ()))
        return name in self.definitions and not is_parameter(name) and not stated

    def afterwards(self, name: Name, place: int, seed: Worlds = 0) -> float | None:
        """A new value of what is computed: by its own equation, from the new parameters."""
        old = name.as_old

        def change(node: Expr) -> Expr | None:
            if not isinstance(node, Named) or node.name.new or node.name.of is not None:
                return None
            if node.name not in self.updated and not self.follows(node.name):
                return None  # data
            new = node.name.as_new
            known = self.value(new, place, seed) is not None
            return replace(node, name=new) if known else None

        for definition in self.holding(old, place)[:2] if self.follows(old) else ():
            value = self.number(replaced(definition.expr, change), place, seed)
            if value is not None:
                return value
        return None

    def _new(self, name: Name, place: int, seed: Worlds) -> float | None:
        """A new value by plain gradient descent, where no equation of its own says otherwise."""
        formula = self.descent(name, place)
        return None if formula is None else self.number(formula, place, seed)

    def descends(self, place: int) -> bool:
        """Whether the document is known to go down by plain gradient descent."""
        for name, (first, *_) in self.definitions.items():
            if name.new and name.of is None:
                own, new = self.number(first.expr, first.place), self._new(name, place, 0)
                if own is not None and new is not None and close(own, new):
                    return True
        return self._stated_descent()

    def _stated_descent(self) -> bool:
        """Whether a new value that is only stated is that of plain gradient descent."""
        for name, (first, *_) in self.givens.items():
            if name.new and name.of is None and not first.computed:
                old = self.value(name.as_old, first.place)
                new = self._new(name, first.place, 0)
                bounds = first.written.rounded
                if new is not None and new in bounds and old is not None and old not in bounds:
                    return True
        return False

    def only_computed(self, name: Name, place: int) -> bool:
        """Whether the value of a name comes from nothing but the numbers of its own line."""
        given = self.given(name, place)
        return given is not None and given.computed and given.value == self.value(name, place)

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
        """The derivative by the forward equations; None where bottom does not act on top in them."""
        key = bottom, self._epoch(place), seed
        known, cuts = dict(self._slopes.get(key, {})), self._cuts
        slope = self._slope(top, bottom, place, seed, known, 0)
        if cuts == self._cuts or not self._active:  # else it may have one, asked by itself
            self._slopes[key] = known
        return None if slope is None or math.isnan(slope) else slope

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
            if is_loss(top) and self.given(top, place) is not None:
                memo[top] = math.nan  # a loss that is only stated: it depends on what is not told
            return memo[top]
        total, acts = 0.0, False
        for name, local in self._linked(top, definition):
            inner = self._slope(name, bottom, place, seed, memo, depth + 1)
            if inner is None:
                continue
            outer = self.number(local, place, seed)
            if outer is None:
                return None
            total, acts = total + outer * inner, True
        memo[top] = total if acts else None
        return memo[top]

    def _linked(self, top: Name, definition: Definition) -> list[tuple[Name, Expr]]:
        """The names in an equation of a name, each with the derivative by it."""
        key = top, definition.place
        if key not in self._links:
            expr = self.applied(definition.expr)
            self._links[key] = [(n, self.local(expr, n)) for n in dict.fromkeys(_names(expr))]
        return self._links[key]

    def forward(self, name: Name, place: int) -> Definition | None:
        """The equation of a quantity of the forward pass that holds at a place and has a value."""
        if name.of is not None or name.new:
            return None
        key = name, self._epoch(place)
        if key in self._forwards:
            return self._forwards[key]
        cuts = self._cuts
        found = self._forward(name, place)
        if cuts == self._cuts:
            self._forwards[key] = found
        return found

    def _forward(self, name: Name, place: int) -> Definition | None:
        for seed in (0, 1):
            entries = self.holding(name, place)
            valued = [*self._valued([d for d in entries if d.place <= place], place, seed)]
            valued = valued or [*self._valued([d for d in entries if d.place > place], place, seed)]
            if valued:  # the shortest of those that say the same: it goes by way of other names
                first = valued[0][1]
                alike = [d for d, value in valued if close(value, first)]
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

    def local(self, expr: Expr, name: Name) -> Expr:
        """∂expr/∂name, other names held fixed, in the document's own leaves."""
        key = (expr, name)
        if key not in self._partials:
            self._partials[key] = partial(expr, name)
        return self._partials[key]


def _names(expr: Expr) -> Iterator[Name]:
    return (leaf.name for leaf in leaves(expr) if isinstance(leaf, Named))


def _forget(remembered: dict[Any, Any], since: int) -> None:
    for key in [key for key in remembered if key[1] >= since]:
        del remembered[key]


def _drawn(name: Name, seed: int) -> float:
    """A number for a name that is not given, the same whenever it is asked for."""
    return 0.15 + 0.7 * (zlib.crc32(f"{name}:{seed}".encode()) / 2**32)
