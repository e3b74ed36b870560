"""A problem and how it is trained in, what an engine has to know out: equations, shapes, batches.

A ``Task`` is data. Two runs with equal tasks are the same program on other numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from handgrad.calculus.derivation import Derivation, Equation, Phase
from handgrad.calculus.expr import Symbol
from handgrad.model.network import EXAMPLES, OUTPUTS
from handgrad.model.optimizers import ETA, STEP, optimizer_row
from handgrad.model.problem import Problem
from handgrad.numbers.updates import start
from handgrad.training.graph import Graph, Node, graph_of, work

__all__ = ["Stage", "Task", "parts_of"]

Array = Any
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Stage:
    """The record of one batch: what goes in by symbol, the loss, and the state after the update."""

    graph: Graph
    loss: Node
    updated: tuple[Node, ...]  # in the order of the task's state

    @property
    def outputs(self) -> tuple[Node, ...]:
        """All that the stage is asked for."""
        return (self.loss, *self.updated)

    @property
    def contractions(self) -> list[int]:
        """The multiply-adds of each contraction."""
        return [work(node) for node in self.graph.nodes if node.operation == "contract"]


@dataclass(frozen=True)
class Task:
    """The update of a problem with its shapes.

    ``state`` are the parameters and what the optimizer remembers, ``data`` what has one row per
    example, ``scalars`` the learning rate and the optimizer's constants, ``others`` what is given
    and never changes, ``fixed`` plain numbers that belong to the program.
    """

    equations: tuple[Equation, ...]
    loss: Symbol
    state: tuple[Symbol, ...]
    data: tuple[Symbol, ...]
    scalars: tuple[Symbol, ...]
    others: tuple[Symbol, ...]
    fixed: tuple[tuple[Symbol, float], ...]
    shapes: tuple[tuple[Symbol, Shape], ...]  # of one example, where there is one row per example
    rows: int
    batch: int
    dtype: str
    counted: bool  # whether the loss is a mean over the m examples of the batch
    shuffled: bool = False
    threshold: bool = False
    validated: int = 0  # rows held back to judge by
    patient: bool = False  # whether training ends where nothing improves
    best: bool = False  # whether the best state is kept beside the last

    @property
    def batches(self) -> int:
        """Updates of one epoch."""
        return -(-self.rows // self.batch)

    @property
    def rest(self) -> int:
        """Examples in the last batch of an epoch where it is smaller, else 0."""
        return self.rows % self.batch

    @cached_property
    def _by_symbol(self) -> Mapping[Symbol, Shape]:
        return dict(self.shapes)

    @cached_property
    def _stages(self) -> dict[tuple[int, bool], Stage]:
        return {}

    @property
    def tests_all(self) -> bool:
        """Whether the threshold takes a look at examples that are not in the batch."""
        return self.threshold and self.batch < self.rows

    @property
    def parameters(self) -> tuple[Symbol, ...]:
        """What is trained: the state without what the optimizer remembers."""
        return tuple(s for s in self.state if not s.state)

    def stage(self, rows: int, *, updates: bool = True) -> Stage:
        """The record of a batch of ``rows`` examples; of its loss alone without ``updates``."""
        if (rows, updates) not in self._stages:
            equations = [e for e in self.equations if updates or e.phase is Phase.FORWARD]
            wanted = [s.updated for s in self.state] if updates else []
            self._stages[rows, updates] = self._stage(rows, equations, wanted)
        return self._stages[rows, updates]

    def slope(self, rows: int) -> Stage:
        """The record of the loss of so many examples, with its gradient in place of new values."""
        equations = [e for e in self.equations if e.phase is not Phase.UPDATE]
        return self._stage(rows, equations, [s.gradient(self.loss) for s in self.parameters])

    def _stage(self, rows: int, equations: list[Equation], wanted: list[Symbol]) -> Stage:
        shapes = {s: self._by_symbol[s] for s in (*self.state, *self.others)}
        shapes |= {s: (rows, *self._by_symbol[s]) for s in self.data}
        shapes |= dict.fromkeys(self.scalars, ())
        fixed = dict(self.fixed)
        if self.counted:
            fixed[EXAMPLES] = rows
        graph, found = graph_of(equations, shapes, fixed, {self.loss, *wanted}.__contains__)
        return Stage(graph, found[self.loss], tuple(found[s] for s in wanted))


def parts_of(
    problem: Problem, derivation: Derivation, dtype: str, **options: Any
) -> tuple[Task, dict[Symbol, Array]]:
    """The task of a problem, and every array and number that is given at its start."""
    values = start(problem, derivation)
    counted = EXAMPLES in values and EXAMPLES not in problem.values
    fixed = {s: int(values[s]) for s in (OUTPUTS,) if s in values and s not in problem.values}
    scalars = [ETA] if ETA in values else []
    scalars += [s for s in optimizer_row(problem.training.optimizer).constants if s in values]
    scalars += [s for s in (STEP,) if s in values and s not in problem.values]
    data = [s for s in problem.data if s in values]
    state = [*derivation.parameters]
    state += [s for s in values if s.state and s.plain in derivation.parameters]
    aside = {*fixed, *scalars, *data, *state, *([EXAMPLES] if counted else [])}
    others = [s for s in values if s not in aside]
    batched = problem.batched
    shapes = {s: v.shape[1:] if s in batched else v.shape for s, v in values.items()}
    rows = problem.examples
    batch = min(problem.training.batch_size or rows, rows)
    task = Task(
        equations=derivation.equations,
        loss=problem.loss,
        state=tuple(state),
        data=tuple(data),
        scalars=tuple(scalars),
        others=tuple(others),
        fixed=tuple(fixed.items()),
        shapes=tuple((s, shapes[s]) for s in values if s not in fixed),
        rows=rows,
        batch=batch,
        dtype=dtype,
        counted=counted,
        shuffled=problem.training.shuffle and batch < rows,
        threshold=problem.training.loss_below is not None,
        **options,
    )
    kept = {s: np.asarray(v, dtype) for s, v in values.items()}
    return task, kept
