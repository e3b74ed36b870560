"""A document and a problem in, what each name of the document stands for out.

Of all callings of a family the one is taken under which most printed numbers agree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from handgrad.auditing.bind import substitutions
from handgrad.auditing.callings import Calling, callings
from handgrad.auditing.reading.nodes import Chain, Name, Named, Written, named_in
from handgrad.auditing.system import System, number
from handgrad.auditing.world import World, heads, stated
from handgrad.calculus.expr import Expr, Ref
from handgrad.model.problem import Problem

__all__ = ["Evidence", "Match", "evidence", "matched"]

CARRIED = 3.0  # units of the last place that carried rounding makes
TELLING = 3  # digits of a number that is no coincidence
GIVEN = 2.0  # how much more a given value tells than a computed one
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
) -> Match:
    """The callings under which most numbers agree, family by family, the surest first."""
    used = set(_used(chains)) | {name.plain for name in told}
    ways = [_Way(calling, told, true, system) for calling in _of(problem, system, used)]
    result = Match()
    named: set[str] = set()
    while best := max(ways, key=lambda way: way.score, default=None):
        if best.score <= 0:
            break
        family = best.calling.family
        if family not in named or best.sure:
            named.add(family)
            result.names |= best.calling.names
            if best.calling.said and family not in result.conventions:
                result.conventions[family] = best.calling.said
        ways = [way for old in ways if old is not best and (way := old.without(result.names, named))]
    return result


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


class _Way:
    """A calling with its score: how many of the printed numbers it makes right."""

    def __init__(
        self,
        calling: Calling,
        told: Mapping[Name, Sequence[Evidence]],
        true: Mapping[Ref, float],
        system: System,
    ) -> None:
        self.calling, self.told, self.true, self.system = calling, told, true, system
        scores = [self._scored(name, own) for name, own in calling.names.items()]
        self.score = sum(score for score, _ in scores)
        self.sure = any(sure for _, sure in scores) and all(score > 0 for score, _ in scores)

    def without(self, taken: Mapping[Name, object], named: set[str]) -> _Way | None:
        """The calling without names that have their meaning; None where nothing is left."""
        left = {n: own for n, own in self.calling.names.items() if n not in taken}
        if not left or (self.calling.family in named and not self.sure):
            return None
        if len(left) == len(self.calling.names):
            return self
        return _Way(Calling(self.calling.family, left, self.calling.said), self.told, self.true, self.system)

    def _scored(self, name: Name, own: tuple[Expr, ...]) -> tuple[float, bool]:
        """What the numbers of a name say for or against it, and whether that is no coincidence."""
        values = [float(number(expr, self.true)) for expr in own]
        given = isinstance(own[0], Ref) and own[0] in self.system.givens
        found = self.told.get(name, ())
        if not found:
            return UNSEEN, False
        hits = [any(_agrees(v, e.written, given) for v in values) for e in found]
        sure = any(hit and _digits(e.written) >= TELLING for hit, e in zip(hits, found, strict=True))
        weight = GIVEN if given else 1.0
        part = sum(hits) / len(hits)
        return weight * (2 * part - 1) + UNSEEN * len(hits), sure or (given and all(hits))


def _agrees(value: float, written: Written, given: bool) -> bool:
    if given:
        return abs(value - written.value) <= 1e-9 * abs(value) or (
            not written.whole and value in written.rounded
        )
    slack = CARRIED * written.unit
    return abs(value - written.value) <= max(slack, 1e-9 * abs(value))


def _digits(written: Written) -> int:
    return len(written.text.partition("e")[0].lstrip("-0.").replace(".", ""))
