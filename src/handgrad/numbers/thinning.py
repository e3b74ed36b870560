"""The updates of a run in, rows of the numbers to be drawn out: no more of them than a picture shows.

``course`` measures every update and keeps a bounded number of rows, however long the run is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad.errors import InputError
from handgrad.model.limits import Limits
from handgrad.model.problem import Problem
from handgrad.numbers.evaluate import Trace
from handgrad.numbers.updates import Updates

__all__ = ["Course", "Measure", "Progress", "course", "planned", "thinned"]

Array = Any
Row = tuple[float, ...]
Measure = Callable[[Trace], Sequence[float]]
Progress = Callable[[int, int], None]  # (updates done, updates planned)
MOST_ROWS = 1024


@dataclass(frozen=True)
class Course:
    """What was measured along a run.

    ``values`` has one row for each entry of ``done``, the number of updates made before the row was
    measured. Where not every update was kept, two neighbours of every ``2·stride`` were.
    """

    done: Array
    values: Array
    stride: int

    @property
    def thinned(self) -> str:
        """The sentence that says which updates are drawn, empty where all of them are."""
        return f"2 of every {2 * self.stride} drawn" if self.stride > 1 else ""


def course(
    run: Updates, measure: Measure, *, end: bool = True, progress: Progress | None = None
) -> Course:
    """The measure of each update of a run and, with ``end``, of the forward pass after the last."""

    def rows() -> Iterator[Row]:
        for trace in run:
            yield tuple(map(float, measure(trace)))
            if progress:
                progress(run.done, run.steps)
        if end:
            yield tuple(map(float, measure(run.final())))

    kept, stride = thinned(rows())
    return Course(
        np.array([n for n, _ in kept]), np.array([row for _, row in kept], dtype=float), stride
    )


def thinned(rows: Iterable[Row], most: int = MOST_ROWS) -> tuple[list[tuple[int, Row]], int]:
    """At most ``most`` rows with their numbers, the last always; and the stride between the pairs.

    Neighbours are kept together: a loss that jumps up and down at every update still does.

    >>> [n for n, _ in thinned(((float(n),) for n in range(21)), most=10)[0]]
    [0, 1, 8, 9, 16, 17, 20]
    """
    kept: list[tuple[int, Row]] = []
    stride, last = 1, None
    for n, row in enumerate(rows):
        last = (n, row)
        if n // 2 % stride == 0:
            kept.append(last)
        while len(kept) >= most:
            stride *= 2
            kept = [pair for pair in kept if pair[0] // 2 % stride == 0]
    if last is not None and (not kept or kept[-1] != last):
        kept.append(last)
    return kept, stride


def planned(problem: Problem, steps: int | None = None) -> int:
    """How many updates are made: ``steps``, or what the problem says, or one.

    Raises ``InputError`` for a number that is none or beyond the limits.
    """
    training, most = problem.training, Limits.plotted_steps
    if steps is None and training.epochs is not None:
        batches = -(-problem.examples // (training.batch_size or problem.examples))
        steps = training.epochs * batches
    if steps is None:
        steps = 1 if training.steps is None else training.steps
    if type(steps) is not int or not 0 <= steps <= most:
        raise InputError(f"A plot runs 0 to {most:,} updates, got {steps}. Give steps.")
    return steps
