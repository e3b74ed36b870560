"""Numbers printed after many updates: which slip, made from the first update on, gives them all.

Singly first, each also one update more or less; then with another learning rate, and two at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from handgrad.auditing.printed import Printed, Reading
from handgrad.auditing.runs import recorded
from handgrad.auditing.slips.changes import FEW_RATES, Change, changes, rates, together
from handgrad.auditing.slips.writing import Named
from handgrad.auditing.system import System
from handgrad.calculus.expr import Ref

__all__ = ["NOTHING", "Explanation", "explanations", "true_at"]

NOTHING = Change("", (), "")
ENOUGH = 1.75  # cost below which a slip is enough: less likely ones are not told beside it
LIKELY = 2.6  # cost below which a slip is tried in a whole run
PAIRED = 1.7  # cost below which it is tried with another
ALIKE = 10  # digits to which runs that are the same agree
DIGITS_OF_A_PAIR = 5  # printed ones, all numbers together, that make a pair more than chance
MOST_PAIRED = 60  # slips that are tried with every learning rate, those of the whole first
MOST_OF_A_SLIP = 3  # that are tried two at a time

Array = Any


@dataclass(frozen=True)
class Explanation:
    """A change, made in every update, and how many updates too many (or too few) were made."""

    change: Change
    offset: int = 0

    @property
    def slip(self) -> str:
        """The name of the slip, two joined by a plus."""
        return "+".join(filter(None, (self.change.slip, "step_count" if self.offset else "")))

    @property
    def sentence(self) -> str:
        """What was done otherwise, in words."""
        how = {1: "one update more was made", -1: "one update less was made"}.get(self.offset, "")
        return "; ".join(filter(None, (self.change.sentence, how)))

    @property
    def cost(self) -> float:
        """The smaller, the likelier."""
        return (self.change.cost if self.change.slip else 0.0) + abs(self.offset)


def true_at(system: System, steps: Sequence[int]) -> dict[int, dict[Ref, float]]:
    """All numbers of some updates of the right run."""
    names = [*system.givens, *system.line]
    found = recorded(system, [NOTHING], steps, names)
    return {step: {ref: float(v[0]) for ref, v in values.items()} for step, values in found.items()}


def explanations(
    system: System, claims: Sequence[tuple[Printed, Reading]], named: Named
) -> list[Explanation]:
    """Every explanation that gives all the printed numbers, the likeliest first.

    Less likely slips are told only where no likely one is enough, and two only where one is not.
    """
    wanted = list(dict.fromkeys(claim.ref for claim, _ in claims))
    single = [change for change in changes(system, named) if change.cost < LIKELY]
    found = [*_matching(system, single, claims, wanted)]
    found = [e for e in found if e.change.cost < ENOUGH] or found
    if not found and sum(len(reading.digits) for _, reading in claims) >= DIGITS_OF_A_PAIR:
        found = [*_matching(system, [*_pairs(system, single, named)], claims, wanted)]
    counted = {e.offset for e in found if not e.change.slip}  # and no slip is needed besides
    found = [e for e in found if not e.change.slip or e.offset not in counted]
    return sorted(found, key=lambda explanation: explanation.cost)


def _matching(
    system: System,
    tried: Sequence[Change],
    claims: Sequence[tuple[Printed, Reading]],
    wanted: Sequence[Ref],
) -> Iterator[Explanation]:
    near = {claim.step + offset for claim, _ in claims for offset in (-1, 0, 1)}
    steps = sorted(step for step in near if step > 0)
    tried = sorted((NOTHING, *tried), key=lambda change: change.cost if change.slip else 0.0)
    runs = recorded(system, tried, steps, wanted)
    columns = np.stack([values[ref] for values in runs.values() for ref in wanted])
    known: set[tuple[int, tuple[str, ...]]] = set()
    for offset in (0, 1, -1):
        for n in np.flatnonzero(_agreeing(runs, claims, offset, len(tried))):
            same = offset, tuple(f"{value:.{ALIKE}g}" for value in columns[:, n])
            if same not in known and (tried[n].slip or offset):
                known.add(same)  # of slips that give the same numbers the likeliest
                yield Explanation(tried[n], offset)


def _agreeing(
    runs: Mapping[int, Mapping[Ref, Array]],
    claims: Sequence[tuple[Printed, Reading]],
    offset: int,
    width: int,
) -> Array:
    """In which columns every printed number comes out, so many updates away."""
    with np.errstate(all="ignore"):
        each = [
            reading.rounds(runs[claim.step + offset][claim.ref])
            if claim.step + offset in runs
            else np.zeros(width, dtype=bool)
            for claim, reading in claims
        ]
    return np.logical_and.reduce(each)


def _pairs(system: System, single: Sequence[Change], named: Named) -> Iterator[Change]:
    """Slips with another learning rate, and slips of whole equations two at a time."""
    likely = [change for change in single if change.cost < PAIRED and change.lines]
    likely.sort(key=lambda change: (len(change.where) < 2, change.cost))
    constants = list(rates(system, named, FEW_RATES))
    wide: list[Change] = []
    for change in likely:
        alike = sum(other.slip == change.slip for other in wide)
        if len(change.where) > 1 and alike < MOST_OF_A_SLIP:
            wide.append(change)
    for first, second in (
        *((change, rate) for change in likely[:MOST_PAIRED] for rate in constants),
        *((a, b) for a, b in combinations(wide, 2) if a.slip != b.slip),
    ):
        both = together(first, second)
        if both is not None:
            yield both
