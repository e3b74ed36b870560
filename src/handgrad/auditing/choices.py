"""Which values an operand may have had on an author's paper: the full one, or one that was printed.

A computed operand is its full value or its printed value, mixtures allowed; a given one is exact. A
choice that comes from a wrong printed number says from which: a line made of it inherits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np

from handgrad.auditing.system import number
from handgrad.calculus.expr import Expr, Ref, refs

__all__ = ["Choice", "Choices", "Outcomes", "merged", "outcomes"]

MOST_CHOICES = 12  # of one number
MOST_MIXTURES = 128  # of one line
SAME = 1e-12  # relative

Array = Any


@dataclass(frozen=True, slots=True)
class Choice:
    """One value an operand may have had, and the wrong printed numbers it comes from."""

    value: float
    wrong: frozenset[int] = frozenset()


Choices = Mapping[Ref, Sequence[Choice]]  # the full value first


@dataclass(frozen=True)
class Outcomes:
    """What a line gives for every mixture of its operands."""

    values: Array
    wrong: tuple[frozenset[int], ...]

    def clean(self) -> Array:
        """Which of them come from no wrong number."""
        return np.array([not found for found in self.wrong], dtype=bool)

    def with_one(self, choice: Choice | None) -> Outcomes:
        """One more outcome, where there is one."""
        if choice is None:
            return self
        return Outcomes(np.append(self.values, choice.value), (*self.wrong, choice.wrong))

    def choices(self) -> tuple[Choice, ...]:
        """The outcomes as choices for the lines that use this one."""
        pairs = zip(np.asarray(self.values).tolist(), self.wrong, strict=True)
        return merged(Choice(value, wrong) for value, wrong in pairs)


def merged(found: Iterator[Choice] | Sequence[Choice]) -> tuple[Choice, ...]:
    """The choices with each value once, at most twelve; of two that are equal the cleaner one."""
    kept: list[Choice] = []
    for choice in found:
        if not math.isfinite(choice.value):
            continue
        size = SAME * max(abs(choice.value), 1e-30)
        if not any(abs(choice.value - other.value) <= size for other in kept):
            kept.append(choice)
    return tuple(kept[:1] + sorted(kept[1:], key=lambda c: len(c.wrong))[: MOST_CHOICES - 1])


def outcomes(expr: Expr, choices: Choices) -> Outcomes:
    """The values of an expression for every mixture of its operands' choices, the full ones first."""
    used = tuple(dict.fromkeys(refs(expr)))
    mixtures = list(_mixtures([len(choices[ref]) for ref in used]))
    arrays = {
        ref: np.array([choices[ref][mixture[n]].value for mixture in mixtures])
        for n, ref in enumerate(used)
    }
    wrong = tuple(
        frozenset[int]().union(
            *(choices[ref][k].wrong for ref, k in zip(used, mixture, strict=True))
        )
        for mixture in mixtures
    )
    values = np.broadcast_to(np.asarray(number(expr, arrays), dtype=float), (len(mixtures),))
    return Outcomes(values, wrong)


def _mixtures(sizes: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Places of choices: all mixtures if they are few; else all alike, then one or two others."""
    if math.prod(sizes) <= MOST_MIXTURES:
        yield from product(*map(range, sizes))
        return
    first = (0,) * len(sizes)
    yield first
    last = tuple(min(1, size - 1) for size in sizes)
    yield last
    several = [n for n, size in enumerate(sizes) if size > 1]
    found = 2
    for many in (1, 2):
        for places in combinations(several, many):
            for picks in product(*(range(1, sizes[n]) for n in places)):
                for start in (first, last):
                    if found >= MOST_MIXTURES:
                        return
                    found += 1
                    mixture = list(start)
                    for n, pick in zip(places, picks, strict=True):
                        mixture[n] = pick if start is first or pick != 1 else 0
                    yield tuple(mixture)
