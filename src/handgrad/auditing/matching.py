"""A document and a problem in, what each name of the document stands for out.

Of all callings of a family the one is taken under which most printed numbers agree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from handgrad.auditing.bind import substitutions
from handgrad.auditing.callings import Calling, callings
from handgrad.auditing.reading.nodes import Chain, Name, Named, Written, named_in
from handgrad.auditing.statements import heads, stated
from handgrad.auditing.system import System, number
from handgrad.auditing.world import World
from handgrad.auditing.worth import Unknown, leaves, worth
from handgrad.calculus.expr import Expr, Ref
from handgrad.model.problem import Problem

__all__ = ["Evidence", "Match", "evidence", "matched"]

CARRIED = 3.0  # units of the last place that carried rounding makes
TELLING = 3  # digits of a number that is no coincidence
GIVEN = 2.0  # how much more a given value tells than a computed one
FORMULA = 3.0  # how much more a formula tells than a number
SAME = 1e-7  # relative, between what a formula is worth and what it should be
DEEPEST = 8  # formulas that are put into each other
UNSEEN = 0.01  # a name without a number


@dataclass(frozen=True)
class Evidence:
    """A number printed for a name, in one of the chains."""

    place: int
    written: Written
    stated: bool  # nothing but name and number


@dataclass
class Match:
    """What the names of a document stand for, and in which of the ways there are.

    ``names`` has one expression for each name, or one for each example.
    """

    names: dict[Name, tuple[Expr, ...]] = field(default_factory=dict[Name, tuple[Expr, ...]])
    conventions: dict[str, str] = field(default_factory=dict[str, str])
    families: set[str] = field(default_factory=set[str])


def evidence(chains: Sequence[Chain], world: World) -> dict[Name, list[Evidence]]:
    """The numbers printed for each name: at the end of its chain, or put in for it."""
    found: defaultdict[Name, list[Evidence]] = defaultdict(list)
    for place, chain in enumerate(chains):
        last = next((m.number for m in reversed(chain.members) if m.number is not None), None)
        if last is not None:
            for name in heads(chain):
                found[name].append(Evidence(place, last, stated(chain)))
        for symbol, put_in in substitutions(chain, place, world):
            if isinstance(symbol, Named) and isinstance(put_in, Written):
                found[symbol.name].append(Evidence(place, put_in, stated=False))
    return dict(found)


def matched(
    problem: Problem,
    system: System,
    true: Mapping[Ref, float],
    chains: Sequence[Chain],
    told: Mapping[Name, Sequence[Evidence]],
    own: World,
) -> Match:
    """The callings under which most numbers agree, family by family, the surest first.

    What is not clear from the numbers may be from the document's own formulas, ``own``.
    """
    used = set(_used(chains)) | {name.plain for name in told}
    found = [*_of(problem, system, used)]
    result = Match()
    formulas: dict[Name, list[float]] = {}
    while True:
        scale = _Scale(told, formulas, true, system)
        _choose(found, scale, result)
        more = dict(_by_formula(own, result, scale, used))
        if more.keys() <= formulas.keys():
            break
        formulas |= more
    unexplained = [_without(calling, own.definitions) for calling in found]
    _choose([c for c in unexplained if c.names], replace(scale, near=True), result)
    return result


def _without(calling: Calling, names: Collection[Name]) -> Calling:
    return replace(calling, names={n: own for n, own in calling.names.items() if n not in names})


def _choose(found: Sequence[Calling], scale: _Scale, result: Match) -> None:
    """Take one calling after the other, the best first; of a family that has one only what is sure."""
    left = [way for c in found if (way := _Way.of(c, scale, result))]
    while best := max(left, key=lambda way: way.score, default=None):
        if best.score <= 0:
            return
        family = best.calling.family
        result.families.add(family)
        result.names |= best.calling.names
        if best.calling.said and family not in result.conventions:
            result.conventions[family] = best.calling.said
        taken = set(best.calling.names)
        left = [
            way
            for old in left
            if old is not best
            and (
                way := old
                if not _touched(old, taken, family)
                else _Way.of(old.calling, scale, result)
            )
        ]


def _touched(way: _Way, taken: set[Name], family: str) -> bool:
    return way.calling.family == family or not taken.isdisjoint(way.calling.names)


def _by_formula(
    own: World, result: Match, scale: _Scale, used: set[Name]
) -> Iterator[tuple[Name, list[float]]]:
    """What the document's formulas say of names that have no meaning yet."""
    active: set[Name] = set()

    def leaf(node: Expr) -> float:
        if isinstance(node, Written):
            return node.value
        assert isinstance(node, Named), "there are no other leaves"
        meant = result.names.get(node.name)
        if meant is not None and len(meant) == 1:
            return scale.value(meant[0])
        values = [] if meant else [*worked_out(node.name)]
        if not values:
            raise Unknown
        return values[0]

    def worked_out(name: Name) -> Iterator[float]:
        if name in active or len(active) > DEEPEST:
            return
        active.add(name)
        for definition in own.definitions.get(name, ()):
            with suppress(Unknown, OverflowError, ZeroDivisionError, ValueError):
                if any(isinstance(node, Named) for node in leaves(definition.expr)):
                    yield float(worth(own.applied(definition.expr), leaf))
        active.discard(name)

    for name in sorted(used - result.names.keys(), key=str):
        values = [*worked_out(name)]
        if values:
            yield name, values


def _used(chains: Sequence[Chain]) -> Iterator[Name]:
    """Every name of a document, without new and d."""
    for chain in chains:
        for name in heads(chain):
            yield name.plain
        for member in chain.members:
            if member.expr is not None:
                for named in named_in(member.expr):
                    yield named.name.plain
                    if named.name.of is not None:
                        yield named.name.of.plain


def _of(problem: Problem, system: System, used: set[Name]) -> Iterator[Calling]:
    """The callings cut to the names that the document has, each once."""
    known: dict[tuple[object, ...], Calling] = {}
    for calling in callings(problem, system, {name.base for name in used}):
        names = {name: own for name, own in calling.names.items() if name in used}
        key = (calling.family, *names.items())
        if names and not (key in known and known[key].said):
            known[key] = Calling(calling.family, names, calling.said)
    yield from known.values()


@dataclass(frozen=True)
class _Scale:
    """What is weighed: the numbers printed for a name, and what its formulas are worth."""

    told: Mapping[Name, Sequence[Evidence]]
    formulas: Mapping[Name, Sequence[float]]
    true: Mapping[Ref, float]
    system: System
    near: bool = False  # whether a wrong number, alone in its family, tells by being near

    def value(self, expr: Expr) -> float:
        return float(number(expr, self.true))

    def weighed(self, name: Name, own: tuple[Expr, ...]) -> tuple[float, bool]:
        """What is said for or against a name, and whether that is no coincidence."""
        values = [self.value(expr) for expr in own]
        given = isinstance(own[0], Ref) and own[0] in self.system.givens
        found, formulas = self.told.get(name, ()), self.formulas.get(name, ())
        if not found and not formulas:
            return UNSEEN, False
        if self.near and found and not formulas:
            return max(_nearness(v, e.written.value) for v in values for e in found), False
        hits = [any(_agrees(v, e.written, given) for v in values) for e in found]
        right = [any(abs(v - f) <= SAME * abs(f) for v in values) for f in formulas]
        sure = any(right) or any(
            hit and _digits(e.written) >= TELLING for hit, e in zip(hits, found, strict=True)
        )
        weight = GIVEN if given else 1.0
        part = (sum(hits) + FORMULA * sum(right)) / (len(hits) + FORMULA * len(right))
        return weight * (2 * part - 1) + UNSEEN * len(hits), sure or (given and all(hits))


@dataclass(frozen=True)
class _Way:
    """A calling of names that have no meaning yet, with its score."""

    calling: Calling
    score: float

    @staticmethod
    def of(calling: Calling, scale: _Scale, result: Match) -> _Way | None:
        """The calling without names that have their meaning; None where nothing is to be had by it."""
        left = {n: own for n, own in calling.names.items() if n not in result.names}
        scores = [scale.weighed(name, own) for name, own in left.items()]
        sure = any(sure for _, sure in scores) and all(score > 0 for score, _ in scores)
        if not left or (calling.family in result.families and not sure):
            return None
        return _Way(Calling(calling.family, left, calling.said), sum(score for score, _ in scores))


def _agrees(value: float, written: Written, given: bool) -> bool:
    if given:
        return abs(value - written.value) <= 1e-9 * abs(value) or (
            not written.whole and value in written.rounded
        )
    slack = CARRIED * written.unit
    return abs(value - written.value) <= max(slack, 1e-9 * abs(value))


def _nearness(one: float, other: float) -> float:
    """Between 0 for numbers that have nothing to do with each other and 1 for equal ones."""
    return UNSEEN + max(0.0, 1 - abs(one - other) / max(abs(one), abs(other), 1e-12))


def _digits(written: Written) -> int:
    return len(written.text.partition("e")[0].lstrip("-0.").replace(".", ""))
