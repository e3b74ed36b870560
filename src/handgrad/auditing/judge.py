"""Every printed number of a document judged twice: from its own line, and from what the document says.

A number is fine if it is the true value in its digits, or follows from fine numbers before it, each
read as it is printed or in full. What only follows from wrong numbers inherits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from handgrad.auditing.align import align, numeric
from handgrad.auditing.bind import Contradiction, bind, by_formula
from handgrad.auditing.reading.document import Document
from handgrad.auditing.reading.nodes import (
    Chain,
    Interval,
    Member,
    Name,
    Named,
    Written,
)
from handgrad.auditing.roles import is_parameter
from handgrad.auditing.statements import heads, stated, updates_told
from handgrad.auditing.world import World
from handgrad.auditing.worth import Reach, Unknown, leaves, plain, reach, worth
from handgrad.calculus.expr import Expr, Num

__all__ = ["FINE", "WRONG", "Claim", "Judgement", "judged"]

FINE = frozenset({"exact", "rounded", "truncated", "given"})
WRONG = frozenset({"wrong", "inherited", "mislabelled", "unexplained"})
CLOSE = 1e-9  # relative, between two ways to the same value


@dataclass(eq=False)
class Claim:
    """One printed number and what is found of it; ``line`` is the expression it results from."""

    kind: str  # result, part, operand, stated, later
    name: Name | None
    written: Written
    place: int  # the number of its chain
    line: Expr | None = None
    local: str = "unread"
    verdict: str = "unjudged"
    true: float | None = None
    full: tuple[float, ...] = ()  # what the author had before rounding, as far as one can tell
    # the wrong numbers it follows from; the name is not known yet where the class is made
    roots: list[Claim] = field(default_factory=lambda: list[Claim]())  # noqa: PLW0108
    formula: Expr | None = None  # the equation of its name that holds here
    step: int = 1

    @property
    def wrong(self) -> bool:
        """Whether it counts as wrong."""
        return self.verdict in WRONG or self.local == "wrong"


@dataclass
class Judgement:
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
    checked: set[int] = field(
        default_factory=set[int]
    )  # places of printed numbers that were judged

    # what a leaf can be

    def choices(self, leaf: Written | Named, place: int, *, fine: bool) -> tuple[float, ...]:
        """The values a name or printed number may stand for at a place."""
        if isinstance(leaf, Named):
            return self.named(leaf.name, place, fine=fine)
        found = [leaf.value] if not fine or self.copied(leaf, place) else []
        known, turned = self.stood(leaf)
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
            return tuple(v for v in found if _shown(v, leaf))
        told = isinstance(known, Named) and self.world.value(known.name, place) is not None
        for claim in () if told else self.texts.get(abs(leaf.value), ()):
            sign = 1 if (claim.written.value < 0) == (leaf.value < 0) else -1
            if not fine or claim.verdict in FINE:
                true = () if claim.true is None else (claim.true,)
                found += [sign * full for full in (*claim.full, *true)]
        return tuple(v for v in found if _shown(v, leaf))

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
            if any(
                self._copies(turned * v, leaf) for v in self.named(known.name, place, fine=True)
            ):
                return True
            value = self.world.value(known.name, place)
            same = [c for c in same if c.name and c.name.plain == known.name.plain]
            same = [c for c in same if value is None or c.true is None or close(c.true, value)]
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
            found += [given.written.value + given.written.unit * k / 4 for k in (-2, -1, 1, 2)]
        if not name.new and self.world.restarted(name, place) is not None:
            name = replace(name, new=True)
        for claim in self.of.get(name, ()):
            now = true is None or claim.true is None or close(claim.true, true)
            if now and (not fine or claim.verdict in FINE):
                found += [claim.written.value, *claim.full]
        return tuple(found)

    def reached(self, expr: Expr, place: int, *, fine: bool) -> Reach | None:
        """All that an expression can be worth at a place."""
        return reach(self.world.applied(expr), lambda leaf: self.choices(leaf, place, fine=fine))

    # one claim

    def add(self, claim: Claim) -> Claim:
        """Keep a claim; later numbers may be computed from it."""
        self.claims.append(claim)
        self.at.setdefault(claim.written.start, claim)
        if claim.name is not None and claim.kind != "operand":
            self.of.setdefault(claim.name, []).append(claim)
        self.texts.setdefault(abs(claim.written.value), []).append(claim)
        return claim

    def result(
        self, written: Written, names: Sequence[Name], line: Expr | None, place: int
    ) -> Claim:
        """The number at the end of a link, under the names before it."""
        claim = Claim("result", names[0] if names else None, written, place, line)
        self._local(claim)
        told = [n for n in names if not self.world.only_computed(n, place)]
        claim.true = next((v for n in told if (v := self.world.value(n, place)) is not None), None)
        if claim.true is None and line is not None and not numeric(line):
            claim.true = self.world.number(line, place)
        self._global(claim, names)
        for name in names[1:]:
            self.of.setdefault(name, []).append(claim)
        return self.add(claim)

    def _local(self, claim: Claim) -> None:
        if claim.line is None:
            return
        found = self.reached(claim.line, claim.place, fine=False)
        if found is None:
            return
        self.checked |= {leaf.start for leaf in leaves(claim.line) if isinstance(leaf, Written)}
        fits = fit(claim.written, found)
        claim.local = "ok" if fits else "wrong"
        if fits:
            claim.full = tuple(dict.fromkeys((found.printed, found.full)))

    def _global(self, claim: Claim, names: Sequence[Name]) -> None:
        written, place = claim.written, claim.place
        if claim.true is not None:
            claim.verdict = fit_value(written, claim.true) or ""
            if claim.verdict:
                return
        again = self._repeated(claim, names)
        if again is not None:
            claim.verdict, claim.roots, claim.full = again.verdict, [*again.roots], again.full
            return
        lines = [*self._formulas(names, place, claim.true), *([claim.line] if claim.line else [])]
        claim.formula = next(iter(lines), None)
        for expr in lines:
            if expr is claim.line and not self._serves(claim):
                continue
            found = self.reached(expr, place, fine=True)
            verdict = fit(written, found) if found else None
            if verdict:
                claim.verdict = "rounded" if verdict == "exact" else verdict
                if claim.true is None and plain(expr) == written.value:
                    claim.verdict = "exact"
                return
        if claim.true is None and claim.line is None:
            claim.verdict = "given"
            return
        for expr in lines:
            found = self.reached(expr, place, fine=False)
            roots = self.roots(expr, claim)
            if found and fit(written, found) and roots:
                claim.verdict, claim.roots = "inherited", roots
                return
        claim.verdict = "unjudged" if claim.true is None and claim.local == "unread" else "wrong"

    def _repeated(self, claim: Claim, names: Sequence[Name]) -> Claim | None:
        """The claim that this one only repeats, in a summary or a table."""
        if claim.line is not None:
            return None
        earlier = (c for name in names for c in self.of.get(name, ()) if c.verdict != "unjudged")
        same = (c for c in earlier if c.written.text == claim.written.text)
        found = next(
            (c for c in same if c.true is None or claim.true is None or close(c.true, claim.true)),
            None,
        )
        if found is not None and found.verdict in ("wrong", "mislabelled"):
            claim.verdict, claim.roots = "inherited", [found]
            return claim
        return found

    def _formulas(self, names: Sequence[Name], place: int, true: float | None) -> Iterator[Expr]:
        """The equations of the names that hold at a place and are worth the true value."""
        for name in names:
            for definition in self.world.holding(name, place)[:4]:
                value = self.world.number(definition.expr, place)
                if value is not None and (true is None or close(value, true)):
                    yield definition.expr

    def _serves(self, claim: Claim) -> bool:
        """Whether the line printed is a right way to the value: worth it with true operands."""
        assert claim.line is not None, "asked of lines only"
        if claim.true is None:
            return True

        def truth(leaf: Written | Named) -> tuple[float, ...]:
            if isinstance(leaf, Named):
                value = self.world.value(leaf.name, claim.place)
                return () if value is None else (value,)
            return self.truths(leaf, claim.place)

        found = reach(self.world.applied(claim.line), truth)
        slack = abs(claim.true) * 1e-7
        return found is not None and found.meets(Interval(claim.true - slack, claim.true + slack))

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
            for c in self.texts.get(abs(leaf.value), ())
            if c.true is not None and (c.verdict in FINE or _shown(c.true, c.written))
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

    # one chain

    def chain(self, chain: Chain, place: int, before: Expr | None = None) -> None:
        """Judge every number of a chain; ``before`` is an expression it goes on from."""
        names = heads(chain)
        if stated(chain) and before is None:
            count = updates_told(chain)
            if count > 1:
                self._later(chain, names, place, count)
            else:
                self._stated(chain, names, place)
            return
        line = before
        flagged: list[Claim] = []
        passed: list[Expr] = []
        for previous, member in zip((None, *chain.members), chain.members, strict=False):
            if member.expr is None:
                line = None
                continue
            known = previous.expr if previous is not None else None
            if isinstance(known, Named) and before is not None:
                known = before
            if member.number is not None and previous is not None:
                source = line if line is not None and not isinstance(line, Named) else None
                claim = self.result(member.number, names, source, place)
                self._after_operands(claim, flagged, passed)
            elif numeric(member.expr):
                flagged += self._substituted(known, names, member, place)
            if not isinstance(member.expr, Named):
                line = member.expr
                passed.append(line)

    def _after_operands(
        self, claim: Claim, flagged: Sequence[Claim], passed: Sequence[Expr]
    ) -> None:
        """A number that follows from a line with a wrong operand inherits from that operand."""
        if claim.verdict != "wrong" or not flagged:
            return
        reached = (self.reached(expr, claim.place, fine=False) for expr in passed)
        if claim.local == "ok" or any(found and fit(claim.written, found) for found in reached):
            claim.verdict, claim.roots = "inherited", [*flagged]

    def _substituted(
        self, before: Expr | None, names: Sequence[Name], member: Member, place: int
    ) -> list[Claim]:
        """A member of numbers: which symbols they stand for, and what was worked out on the way."""
        assert member.expr is not None, "read"
        pairs: list[tuple[Expr, Expr]] = []
        if before is not None and not isinstance(before, Named):
            pairs = align(before, member.expr)
        if not any(isinstance(a, Named) for a, _ in pairs) and not (
            before is not None and numeric(before)
        ):
            pairs = by_formula(names, member.expr, place, self.world) or pairs
        pairs = self._reordered(pairs, place)
        wrong: list[Claim] = []
        for symbol, number in pairs:
            if not isinstance(number, Written):
                continue
            if isinstance(symbol, Named):
                self.stand(number, symbol)
                wrong += self._copied(symbol.name, number, place)
            elif isinstance(symbol, Num) or _fixed(symbol):
                self.checked.add(number.start)
            elif isinstance(symbol, Written):
                wrong += self._again(symbol, number, place)
            else:
                wrong += self._part(symbol, number, place)
        return wrong

    def _reordered(self, pairs: list[tuple[Expr, Expr]], place: int) -> list[tuple[Expr, Expr]]:
        """The same numbers in another order, where that makes every one a copy."""
        plainly = [
            (n, (a, b))
            for n, (a, b) in enumerate(pairs)
            if isinstance(a, Named) and isinstance(b, Written)
        ]
        bad = [(n, p) for n, p in plainly if not self._fits(p[0], p[1], place)]  # type: ignore[arg-type]
        if not 2 <= len(bad) <= 6:
            return pairs
        result = list(pairs)
        free = [p[1] for _, p in bad]
        for n, (symbol, _) in bad:
            match_ = next((w for w in free if self._fits(symbol, w, place)), None)  # type: ignore[arg-type]
            if match_ is None:
                return pairs
            free.remove(match_)
            result[n] = (symbol, match_)
        return result

    def _fits(self, symbol: Named, number: Written, place: int) -> bool:
        found = self.named(symbol.name, place, fine=False)
        return not found or any(_shown(v, number) for v in found)

    def _again(self, before: Written, number: Written, place: int) -> list[Claim]:
        """A number written once more: the same, or with more or fewer digits."""
        self.checked.add(number.start)
        known, turned = self.stood(before)
        if known is not None:
            self.stands[number.start] = (known, turned * number.value)
        values = self.choices(before, place, fine=False)
        if any(_shown(v, number) for v in values):
            return []
        claim = Claim("operand", None, number, place, before, "wrong", "wrong", before.value)
        return [self.add(claim)]

    def _copied(self, name: Name, number: Written, place: int) -> list[Claim]:
        """A number in the place of a name: fine if it is a copy of any value that name has here."""
        self.checked.add(number.start)
        values = self.named(name, place, fine=False)
        if not values or any(self._copies(v, number) for v in values):
            return []
        claim = Claim(
            "operand", name, number, place, None, "wrong", "wrong", self.world.value(name, place)
        )
        return [self.add(claim)]

    def _copies(self, value: float, number: Written) -> bool:
        """Whether a number is a copy of a value; not with more digits cut off than it is printed with."""
        if not _shown(value, number):
            return False
        if value in number.rounded or number.whole:
            return True
        finer = (c for c in self.claims if c.written.unit < number.unit and c.true is not None)
        return not any(close(abs(c.true or 0.0), abs(value)) for c in finer)

    def _part(self, expr: Expr, number: Written, place: int) -> list[Claim]:
        """A partial result within a line."""
        claim = Claim("part", None, number, place, expr)
        self._local(claim)
        claim.true = self.true_of(expr, place)
        self._global(claim, ())
        if claim.verdict == "unjudged" and claim.local == "unread":
            return []
        self.add(claim)
        return [claim] if claim.verdict == "wrong" else []

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
            return float(worth(self.world.applied(expr), leaf))
        except (Unknown, OverflowError, ZeroDivisionError, ValueError):
            return None

    def _later(self, chain: Chain, names: Sequence[Name], place: int, count: int) -> None:
        """A value after many updates: kept, to be judged from the whole run."""
        for member in chain.members:
            if member.number is not None and names:
                parameter = is_parameter(names[0]) or names[0] in self.world.updated
                name = replace(names[0], new=True) if parameter else names[0]
                step = count if name.new else count + 1
                self.add(Claim("later", name, member.number, place, step=step))

    def _stated(self, chain: Chain, names: Sequence[Name], place: int) -> None:
        """A name and its value, without a calculation."""
        for member in chain.members:
            number = member.number
            if number is None:
                continue
            renewed = [replace(n, new=True) if self.world.renewed(n, place) else n for n in names]
            claim = Claim("stated", renewed[0] if renewed else None, number, place)
            if any(c.stated == number for c in self.contradictions):
                used = next(c.used for c in self.contradictions if c.stated == number)
                claim.verdict, claim.true = "mislabelled", used.value
                self.add(claim)
                continue
            own = self.world.given(renewed[0], place) if renewed else None
            new = bool(renewed) and not self.of.get(renewed[0])
            if (
                new
                and own is not None
                and own.place == place
                and not self._defined(renewed[0], place)
            ):
                claim.verdict, claim.true = "given", own.value
                self.add(claim)
            else:
                self.result(number, renewed, None, place)

    def _defined(self, name: Name, place: int) -> bool:
        """Whether an equation or the chain rule gives a name its value."""
        if name.of is not None:
            return self.world.value(name, place) is not None
        return any(
            self.world.number(d.expr, d.place) is not None for d in self.world.holding(name, place)
        )


def judged(document: Document, world: World) -> Judgement:
    """All claims of a document, in reading order."""
    contradictions = bind(document.chains, world)
    judgement = Judgement(document, world, contradictions, soft=world.rounded())
    waiting: tuple[Name, Expr] | None = None
    for place, chain in enumerate(document.chains):
        names = heads(chain)
        before = waiting[1] if waiting and names and names[0] == waiting[0] else None
        judgement.chain(chain, place, before)
        last = chain.members[-1]
        open_end = names and last.expr is not None and last.number is None and numeric(last.expr)
        waiting = (names[0], last.expr) if open_end and last.expr is not None else None
    return judgement


def _fixed(expr: Expr) -> bool:
    """Whether an expression is a constant of the formula, such as 1/2."""
    found = [*leaves(expr)]
    return all(isinstance(leaf, Written) and leaf.whole for leaf in found)


def fit(written: Written, found: Reach) -> str | None:
    """How a printed number shows what an expression can be worth; None where it does not."""
    if close(found.printed, written.value) and close(found.full, written.value):
        return "exact"
    if found.meets(written.rounded):
        return "rounded"
    cut = written.unit and not written.whole and found.meets(written.truncated)
    return "truncated" if cut else None


def fit_value(written: Written, value: float) -> str | None:
    """How a printed number shows a value: exact, rounded, truncated; None where it does not."""
    return fit(written, Reach(np.array([value]), True, value, value))


def close(one: float, other: float) -> bool:
    """Whether two values are the same but for rounding in double precision."""
    return abs(one - other) <= CLOSE * max(abs(one), abs(other)) + 1e-15


def _shown(value: float, number: Written) -> bool:
    """Whether a printed number can be a copy of a value, in its own digits."""
    if number.whole:
        return close(value, number.value) or (
            number.value != 0 and value in number.rounded and abs(number.value) > 99
        )
    return value in number.rounded or value in number.truncated
