"""Printed numbers in, a judgement of each and the smallest set of slips that explains them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from handgrad.auditing.judging import Judge
from handgrad.auditing.printed import Printed
from handgrad.auditing.slips.writing import Named
from handgrad.auditing.system import System, unrolled
from handgrad.calculus.expr import Ref
from handgrad.language import writing
from handgrad.model.problem import Problem

__all__ = ["Cause", "Judged", "Printed", "Result", "search"]


@dataclass(frozen=True)
class Judged:
    """One printed number: what is true, the verdict, and which cause and which numbers explain it.

    ``verdict`` is exact, rounded, carried (fine: it follows from rounded numbers), truncated, given,
    wrong, inherited, or unjudged. ``origin`` are the wrong printed numbers it starts from.
    """

    printed: Printed
    verdict: str
    true: float | None
    cause: int | None = None
    origin: tuple[int, ...] = ()

    @property
    def fine(self) -> bool:
        """Whether nothing is to be said against it."""
        return self.verdict not in ("wrong", "inherited")


@dataclass(frozen=True)
class Cause:
    """A slip, where it was made, in words, and which printed numbers it explains.

    ``step`` is the update it was made in, None if in all. ``rivals`` counts the other slips that
    reproduce as many of the printed numbers, ``others`` says the likely ones.
    """

    slip: str
    sentence: str
    where: tuple[Ref, ...]
    step: int | None
    explains: tuple[int, ...]
    others: tuple[str, ...] = ()
    rivals: int = 0


@dataclass(frozen=True)
class Result:
    """All judgements, in the order of what was printed, and the causes in the order they were met."""

    judged: tuple[Judged, ...]
    causes: tuple[Cause, ...] = ()
    unexplained: tuple[int, ...] = field(default=())

    @property
    def unique(self) -> bool:
        """Whether every wrong number has a cause, and no cause a rival."""
        return not self.unexplained and not any(cause.rivals for cause in self.causes)


def search(
    problem: Problem | System, printed: Sequence[Printed], *, named: Named = writing.name
) -> Result:
    """Judge every printed number, and say by which slips the wrong ones came about.

    Numbers of one update are judged in the order of the calculation: each against its true value,
    then against its line with operands that are each true or as printed. What follows from a wrong
    printed number inherits. For the others the catalogue is searched, singly, then in pairs. Numbers
    of later updates are also compared with whole runs that a slip spoils from the start.

    Raises ``InputError`` for a text that is no number, ``LimitError`` for too large a problem.
    """
    system = problem if isinstance(problem, System) else unrolled(problem)
    judge = Judge(system, tuple(printed), named)
    verdicts = judge.judged()
    kept = [n for n, cause in enumerate(judge.causes) if cause.explains]
    causes = tuple(
        Cause(
            c.slip,
            c.sentence,
            c.where,
            c.step,
            tuple(sorted(c.explains)),
            tuple(c.others),
            c.rivals,
        )
        for c in (judge.causes[n] for n in kept)
    )
    judged = tuple(
        Judged(
            claim,
            verdict.name,
            verdict.true,
            None if verdict.cause is None else kept.index(verdict.cause),
            tuple(sorted(verdict.origin)),
        )
        for claim, verdict in zip(printed, verdicts, strict=True)
    )
    open_ = (n for n, one in enumerate(judged) if one.verdict == "wrong" and one.cause is None)
    return Result(judged, causes, tuple(open_))
