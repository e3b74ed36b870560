"""The claims of a document as far as it is judged, and what each number before a place may stand for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite

from handgrad.auditing.bind import Contradiction
from handgrad.auditing.origins import origin
from handgrad.auditing.reading.document import Document
from handgrad.auditing.reading.nodes import Name, Named, Written
from handgrad.auditing.verdicts import FINE, WRONG, Claim, shown
from handgrad.auditing.world import World
from handgrad.auditing.worth import Reach, Unknown, close, leaves, reach, replaced, worth
from handgrad.calculus.expr import Expr

__all__ = ["Record"]

DEEPEST = 3  # steps from a number to one it follows from, that no number is printed for
MOST_LEAVES = 60  # of an expression that goes by them
MOST_EXPANDED = 300  # expressions of a document that are gone through so
MOST_OF_NAME = 24  # numbers printed for one name that it may stand for


@dataclass
class Record:
    """A document with its world and the claims judged so far."""

    document: Document
    world: World
    contradictions: Sequence[Contradiction] = ()
    claims: list[Claim] = field(default_factory=list[Claim])
    of: dict[Name, list[Claim]] = field(
        default_factory=dict[Name, list[Claim]]
    )  # the claims of each name
    stands: dict[int, tuple[Expr, float]] = field(
        default_factory=dict[int, tuple[Expr, float]]
    )  # symbol and its number
    texts: dict[float, list[Claim]] = field(
        default_factory=dict[float, list[Claim]]
    )  # claims by the number printed
    soft: set[Name] = field(default_factory=set[Name])  # given, but rounded from something not told
    at: dict[int, Claim] = field(default_factory=dict[int, Claim])  # the claim at a place
    finer: dict[Name, float] = field(
        default_factory=dict[Name, float]
    )  # values that had more digits than they were put in with
    checked: set[int] = field(
        default_factory=set[int]
    )  # places of printed numbers that were judged

    expanded: int = 0  # expressions gone through to what their names follow from

    # what a leaf can be

    def choices(self, leaf: Written | Named, place: int, *, fine: bool) -> tuple[float, ...]:
        """The values a name or printed number may stand for at a place."""
        if isinstance(leaf, Named):
            return self.named(leaf.name, place, fine=fine)
        found = [leaf.value] if not fine or self.copied(leaf, place) else []
        known, turned = self.stood(leaf)
        if found and self.world.coarse and not self._exact(known, place):
            found += _within(leaf)
        if isinstance(known, Named):
            found += [turned * v for v in self.named(known.name, place, fine=fine)]
        elif known is not None:
            value = self.world.number(known, place)
            found += [] if value is None else [turned * value]
        own = self.at.get(leaf.start)
        if own is not None and known is None and own.kind == "part":
            kept = not fine or own.verdict in FINE
            sign = 1 if own.written.value == leaf.value else -1
            full = own.full if own.true is None else (*own.full, own.true)
            found += [sign * v for v in full] if kept else []
            return tuple(v for v in found if shown(v, leaf))
        told = isinstance(known, Named) and self.world.value(known.name, place) is not None
        for claim in () if told else self.printed(leaf):
            sign = 1 if (claim.written.value < 0) == (leaf.value < 0) else -1
            if not fine or claim.verdict in FINE:
                true = () if claim.true is None else (claim.true,)
                found += [sign * full for full in (*claim.full, *true)]
        return tuple(v for v in found if shown(v, leaf))

    def _exact(self, known: Expr | None, place: int) -> bool:
        """Whether what a number stands for is given, and with all its digits."""
        if not isinstance(known, Named) or known.name in self.soft:
            return False
        given = self.world.given(known.name, place)
        return given is not None and given.value == self.world.value(known.name, place)

    def printed(self, leaf: Written) -> list[Claim]:
        """The claims of the same digits, whatever their sign; 2 is not 2.00."""
        same = self.texts.get(abs(leaf.value), ())
        return [c for c in same if c.written.whole or not leaf.whole]

    def stood(self, leaf: Written) -> tuple[Expr | None, float]:
        """What a printed number stands for, and −1 where it does so with the other sign."""
        known, number = self.stands.get(leaf.start, (None, leaf.value))
        return known, -1.0 if number == -leaf.value else 1.0

    def stand(self, number: Written, symbol: Expr) -> None:
        """Keep what a number stands for."""
        self.stands[number.start] = (symbol, number.value)

    def copied(self, leaf: Written, place: int) -> bool:
        """Whether a printed number may be carried on: it is no wrong number printed before."""
        own = self.at.get(leaf.start)
        if own is not None and own.verdict in WRONG:
            return False
        known, turned = self.stood(leaf)
        same = [c for c in self.texts.get(abs(leaf.value), ()) if c.written.start != leaf.start]
        if isinstance(known, Named):
            if any(self.copies(turned * v, leaf) for v in self.named(known.name, place, fine=True)):
                return True
            value = self.world.value(known.name, place)
            same = [c for c in same if c.name and c.name.plain == known.name.plain]
            same = [c for c in same if value is None or c.true is None or close(c.true, value)]
            same = [c for c in same if (c.written.value < 0) == (turned * leaf.value < 0)]
            if value is not None:
                return any(c.verdict in FINE for c in same)
        return not same or any(c.verdict in {*FINE, "unjudged"} for c in same)

    def named(self, name: Name, place: int, *, fine: bool) -> tuple[float, ...]:
        """The values of a name: the true one, and those printed for it above."""
        true = self.world.value(name, place)
        found = [] if true is None else [true]
        if fine and true is not None and self.world.only_computed(name, place):
            found = [true] if any(c.verdict in FINE for c in self.of.get(name, ())) else []
        given = self.world.given(name, place) if name in self.soft else None
        if given is not None and true == given.value:
            found += _within(given.written)
        last: list[Claim] = []
        if not name.new and self.world.accumulates:  # w = w - lr*v, v updated above
            last = self.of.get(name.as_new, [])[-1:]
        if not name.new and self.world.restarted(name, place) is not None:
            name = name.as_new
        for claim in [*self.of.get(name, [])[-MOST_OF_NAME:], *last]:
            if fine and claim.verdict not in FINE:
                continue
            now = true is None or claim.true is None or close(claim.true, true)
            if now or claim in last:
                found += [claim.written.value, *claim.full]
        return tuple(found)

    def reached(self, expr: Expr, place: int, *, fine: bool) -> Reach | None:
        """All that an expression can be worth at a place."""
        return reach(self.world.applied(expr), lambda leaf: self.choices(leaf, place, fine=fine))

    def ways(self, expr: Expr, place: int) -> Iterator[Expr]:
        """An expression, then with names that no number is printed for as what they follow from."""
        yield expr
        self.expanded += 1
        for _ in range(DEEPEST if self.expanded <= MOST_EXPANDED else 0):
            deeper = replaced(expr, lambda node: self._origin(node, place))
            if deeper == expr or sum(1 for _ in leaves(deeper)) > MOST_LEAVES:
                return
            yield deeper
            expr = deeper

    def _origin(self, node: Expr, place: int) -> Expr | None:
        if not isinstance(node, Named) or node.name.new or self.of.get(node.name):
            return None
        return origin(self.world, node.name, place)

    # what is kept

    def add(self, claim: Claim) -> Claim:
        """Keep a claim; later numbers may be computed from it."""
        self.claims.append(claim)
        self.at.setdefault(claim.written.start, claim)
        if claim.name is not None and claim.kind != "operand":
            self.of.setdefault(claim.name, []).append(claim)
        self.texts.setdefault(abs(claim.written.value), []).append(claim)
        return claim

    # what is true

    def truths(self, leaf: Written, place: int) -> tuple[float, ...]:
        """What a printed number would be in full, if all were right."""
        known, turned = self.stood(leaf)
        if known is not None:
            value = self.world.number(known, place)
            if value is not None:
                return (turned * value,)
        own = self.at.get(leaf.start)
        if own is not None and own.true is not None:
            return (own.true if own.written.value == leaf.value else -own.true,)
        found = [
            (1 if (c.written.value < 0) == (leaf.value < 0) else -1) * c.true
            for c in self.printed(leaf)
            if c.true is not None and (c.verdict in FINE or shown(c.true, c.written))
        ]
        return tuple(dict.fromkeys(reversed(found))) or (leaf.value,)

    def roots(self, expr: Expr, claim: Claim) -> list[Claim]:
        """The wrong numbers that an expression is computed from."""
        found: list[Claim] = []
        for leaf in leaves(expr):
            known = self.stood(leaf)[0] if isinstance(leaf, Written) else leaf
            sources = self.of.get(known.name, []) if isinstance(known, Named) else []
            if isinstance(leaf, Written):
                sources = [
                    c
                    for c in (*sources, *self.texts.get(abs(leaf.value), ()))
                    if abs(c.written.value) == abs(leaf.value)
                ]
            for source in sources:
                if source.verdict in WRONG and source is not claim:
                    found += source.roots or [source]
        return [*dict.fromkeys(found)]

    def true_of(self, expr: Expr, place: int) -> float | None:
        """What an expression would be worth if every number in it were right and in full."""

        def leaf(node: Expr) -> float:
            if isinstance(node, Written):
                return self.truths(node, place)[0]
            assert isinstance(node, Named), "there are no other leaves"
            value = self.world.value(node.name, place)
            if value is None:
                raise Unknown
            return value

        try:
            value = float(worth(self.world.applied(expr), leaf))
        except (Unknown, OverflowError, ZeroDivisionError, ValueError):
            return None
        return value if isfinite(value) else None

    def copies(self, value: float, number: Written) -> bool:
        """Whether a number is a copy of a value; not with more digits cut off than it is printed with."""
        if not shown(value, number):
            return False
        if value in number.rounded or number.whole:
            return True
        finer = (c for c in self.claims if c.written.unit < number.unit and c.true is not None)
        return not any(close(abs(c.true or 0.0), abs(value)) for c in finer)


def _within(number: Written) -> list[float]:
    """Values that a number may have had before it was rounded."""
    return [number.value + number.unit * k / 8 for k in (-4, -3, -2, -1, 1, 2, 3, 4)]
