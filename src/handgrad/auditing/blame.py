"""The candidates for one wrong number in, the one that says most of the others out; causes gathered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from handgrad.auditing.causes import Candidate
from handgrad.auditing.printed import Reading
from handgrad.auditing.slips.roles import family
from handgrad.auditing.system import System, values
from handgrad.calculus.expr import Ref
from handgrad.errors import DerivationError

__all__ = ["LIKELY", "Chosen", "Found", "added", "chosen"]

AHEAD = 12  # candidates that are compared by what they say of later numbers
LIKELY = 0.5  # a rival whose cost is no more than this above is named
NAMED = 3  # rivals that are named
AGAIN = 2.0  # how much likelier a slip is that was made before
THROUGHOUT = {"derivative", "updated_weight", "learning_rate", "bias", "softmax"}

Later = Sequence[tuple[Ref, Sequence[Reading]]]


@dataclass
class Found:
    """A cause as it grows: every number that follows from it is added.

    ``others`` are the sentences of its likely rivals, ``rivals`` counts all that say as much.
    """

    slip: str
    sentence: str
    where: tuple[Ref, ...]
    step: int | None
    explains: set[int]
    others: list[str] = field(default_factory=list[str])
    key: str = ""
    rivals: int = 0


@dataclass(frozen=True)
class Chosen:
    """The best candidate, and those that reproduce as many of the printed numbers."""

    best: Candidate
    rivals: tuple[Candidate, ...]


def chosen(
    found: Sequence[Candidate],
    causes: Sequence[Found],
    system: System,
    later: Later,
    true: Mapping[Ref, float],
) -> Chosen | None:
    """The candidate that agrees with most other numbers; of equals a slip made before, the likeliest.

    Another learning rate shows in every update; None where it would be all there is and does not.
    """
    known = {(cause.slip, cause.key) for cause in causes if cause.key}
    unchanged = sum(bool(printed.rounds(true[ref])) for ref, own in later for printed in own)
    first = [
        candidate
        for candidate in found[:AHEAD]
        if candidate.slip != "learning_rate"
        or _agreeing(candidate, system, later, true) >= unchanged
    ]
    if not first:
        return None
    agreeing = [_agreeing(candidate, system, later, true) for candidate in first]

    def rank(n: int) -> tuple[float, float]:
        again = (first[n].slip, first[n].key) in known
        return -agreeing[n], first[n].cost - AGAIN * again

    best = min(range(len(first)), key=rank)
    rivals = (n for n in range(len(first)) if n != best and agreeing[n] == agreeing[best])
    return Chosen(first[best], tuple(first[n] for n in rivals))


def _agreeing(candidate: Candidate, system: System, later: Later, true: Mapping[Ref, float]) -> int:
    """How many numbers of this update are as they would be by this slip."""
    world: Mapping[Ref, float] = true
    if candidate.lines:
        given = {ref: true[ref] for ref in system.givens}
        try:
            world = values(system, changed=candidate.lines, givens=given, base=true)
        except DerivationError:
            return 0
    return sum(bool(printed.rounds(world[ref])) for ref, own in later for printed in own)


def added(causes: list[Found], new: Chosen, n: int, step: int | None) -> int:
    """The place of the cause among the causes: one that is known already, or a new one."""
    best = new.best
    for place, cause in enumerate(causes):
        alike = cause.slip in THROUGHOUT or family(cause.where[0]) == family(best.where[0])
        if best.key and (cause.slip, cause.key) == (best.slip, best.key) and alike:
            cause.explains.add(n)
            cause.where = tuple(dict.fromkeys((*cause.where, *best.where)))
            return place
    near = [rival.sentence for rival in new.rivals if rival.cost <= best.cost + LIKELY]
    causes.append(
        Found(
            best.slip,
            best.sentence,
            best.where,
            step,
            {n},
            list(dict.fromkeys(near))[:NAMED],
            best.key,
            len(new.rivals),
        )
    )
    return len(causes) - 1
