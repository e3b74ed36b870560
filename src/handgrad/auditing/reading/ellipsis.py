"""A sum with an ellipsis in, the sum of all its terms out: w_1 x_1 + w_2 x_2 + … + w_5 x_5."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

from handgrad.auditing.reading.nodes import (
    DOTS,
    Chain,
    Member,
    Name,
    Named,
    Opaque,
    Written,
    named_in,
)
from handgrad.calculus.expr import Expr, Sum, transform, walk

__all__ = ["written_out"]

ELLIPSIS = Opaque(DOTS)
MOST = 400  # terms of one sum that are written out
MOST_NAMES = 4_000  # of a document that are written so
_NUMBER = re.compile(r"\d+")
_DIGIT = re.compile(r"\d")
Slot = tuple[int, int]  # which name of a term, and which number in its subscript


def written_out(chains: Sequence[Chain]) -> list[Chain]:
    """The chains, with the sums that are abbreviated in them; a document of too many keeps the rest."""
    left = MOST_NAMES

    def changed(node: Expr) -> Expr:
        nonlocal left
        if not isinstance(node, Sum) or ELLIPSIS not in node.terms:
            return node
        terms = _completed(node.terms, left)
        left -= (len(terms) - len(node.terms)) * sum(1 for _ in named_in(terms[0]))
        return Sum(terms)

    def whole(member: Member) -> Member:
        if member.expr is None or ELLIPSIS not in walk(member.expr):
            return member
        return replace(member, expr=transform(member.expr, changed))

    return [replace(chain, members=tuple(map(whole, chain.members))) for chain in chains]


def _completed(terms: Sequence[Expr], most: int) -> tuple[Expr, ...]:
    """The terms, with those that an ellipsis stands for where the ones around it tell them.

    The indices go from those of the first term to those of the last, the last index the fastest; a
    sum whose terms before the ellipsis are others is left as it is.
    """
    if len(terms) < 3 or terms.count(ELLIPSIS) != 1 or terms[-2] != ELLIPSIS:
        return tuple(terms)
    told = [*terms[:-2], terms[-1]]
    for numbers in (_DIGIT, _NUMBER):  # w_12 is w_1,2, or else the twelfth
        for every in _countings(told[0], told[-1], numbers, most):
            known = [*every[: len(told) - 1], every[-1]]
            if len(every) >= len(told) and [*map(_bare, known)] == [*map(_bare, told)]:
                return (*told[:-1], *every[len(told) - 1 : -1], told[-1])
    return tuple(terms)


def _countings(
    first: Expr, last: Expr, numbers: re.Pattern[str], most: int
) -> Iterator[list[Expr]]:
    """All terms from the first to the last, for each way in which their indices may run together."""
    names, ends = [*named_in(first)], [*named_in(last)]
    runs: dict[Slot, tuple[int, int]] = {}
    for at, (name, end) in enumerate(zip(names, ends, strict=False)):
        low, high = _places(name.name, numbers), _places(end.name, numbers)
        if len(low) != len(high):
            return
        pairs = enumerate(zip(low, high, strict=True))
        runs |= {(at, k): pair for k, pair in pairs if pair[0] < pair[1]}
    keys: tuple[Callable[[Slot], Hashable], ...] = (runs.__getitem__, lambda slot: slot[1])
    for key in keys:
        groups: dict[Hashable, list[Slot]] = {}
        for slot in runs:
            groups.setdefault(key(slot), []).append(slot)
        spans = [range(runs[slots[0]][0], runs[slots[0]][1] + 1) for slots in groups.values()]
        count = math.prod(map(len, spans))
        if spans and count <= MOST and count * len(names) <= most:
            yield [
                _put(first, names, dict(_assigned([*groups.values()], values)), numbers)
                for values in product(*spans)
            ]


def _assigned(
    groups: Sequence[Sequence[Slot]], values: Sequence[int]
) -> Iterator[tuple[Slot, int]]:
    return ((slot, value) for slots, value in zip(groups, values, strict=True) for slot in slots)


def _put(
    term: Expr, names: Sequence[Named], new: Mapping[Slot, int], numbers: re.Pattern[str]
) -> Expr:
    """The term with other indices."""
    changed: dict[Expr, Expr] = {}
    for at, named in enumerate(names):
        own = _places(named.name, numbers)
        places = [new.get((at, k), place) for k, place in enumerate(own)]
        changed[named] = replace(named, name=_at(named.name, places, numbers))
    return transform(term, lambda node: changed.get(node, node))


def _places(name: Name, numbers: re.Pattern[str]) -> list[int]:
    """The numbers in a subscript: those of 1,2 and o1, and each digit of 12 where they are apart."""
    return [int(found) for found in (numbers if name.sub.isdigit() else _NUMBER).findall(name.sub)]


def _at(name: Name, places: Sequence[int], numbers: re.Pattern[str]) -> Name:
    """The element at other places, written in the same way."""
    if name.sub.isdigit() and numbers is _DIGIT:
        short = all(place < 10 for place in places)
        return replace(name, sub=("" if short else ",").join(map(str, places)))
    left = iter(places)
    return replace(name, sub=_NUMBER.sub(lambda _: str(next(left)), name.sub))


def _bare(term: Expr) -> Expr:
    """The term without its places."""

    def change(node: Expr) -> Expr:
        return replace(node, start=0, end=0) if isinstance(node, Named | Written) else node

    return transform(term, change)
