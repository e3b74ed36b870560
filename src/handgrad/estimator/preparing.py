"""Data and a network in scikit-learn's terms in, a run of the engines here out.

Sparse data stay sparse until a batch of them is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from handgrad.calculus.expr import Symbol
from handgrad.estimator.network import Shape, data_of, problem_of
from handgrad.model.network import X
from handgrad.model.problem import Training
from handgrad.training.beginning import Setup, Wish, engine_for
from handgrad.training.engines import Engine, Inputs, State
from handgrad.training.memory import check_memory
from handgrad.training.task import Task, parts_of

__all__ = ["Data", "Memory", "engine_of", "prepared"]

Array = Any
Arrays = Mapping[Symbol, Array]


@dataclass(frozen=True)
class Data:
    """Examples as the solvers take them: ``x`` dense or sparse, ``y`` with one column per output."""

    x: Array
    y: Array
    weight: Array | None = None

    @property
    def rows(self) -> int:
        """How many examples there are."""
        return self.x.shape[0]

    @property
    def sparse(self) -> bool:
        """Whether ``x`` is a sparse matrix or array."""
        return not isinstance(self.x, np.ndarray)

    @property
    def dense(self) -> Data:
        """The same with dense ``x``."""
        return replace(self, x=self.x.toarray()) if self.sparse else self


@dataclass
class Memory:
    """What a stochastic solver remembers from one call of ``partial_fit`` to the next."""

    optimizer: str
    learning_rate: float
    arrays: dict[Symbol, Array] = field(default_factory=dict[Symbol, Array])
    updates: int = 0


def prepared(
    shape: Shape, data: Data, parameters: Arrays, training: Training, memory: Memory | None = None
) -> Setup:
    """A run ready to begin, in the type of the numbers of ``data.x``.

    Raises ``LimitError`` where memory will not suffice.
    """
    if (training.batch_size or data.rows) >= data.rows:
        data = data.dense
    # In place of sparse data stand zeros that take no memory.
    x = np.broadcast_to(np.zeros((), data.x.dtype), data.x.shape) if data.sparse else data.x
    given = data_of(shape, x, data.y, data.weight)
    problem, derivation = problem_of(shape, given, parameters, training)
    task, values = parts_of(problem, derivation, np.dtype(data.x.dtype).name)
    # With weights the loss is a mean over the batch as well.
    task = _recorded(replace(task, counted=True))
    check_memory(replace(task, rows=task.batch) if data.sparse else task)
    values |= memory.arrays if memory else {}
    examples = data.x if data.sparse else np.ascontiguousarray(data.x)
    inputs = Inputs(
        data=tuple(examples if s == X else values[s] for s in task.data),
        held=(),
        scalars=tuple(float(values[s]) for s in task.scalars),
        others=tuple(values[s] for s in task.others),
        begun=memory.updates if memory else 0,
    )
    return Setup(problem, derivation, task, inputs, State(tuple(values[s] for s in task.state)))


@lru_cache(maxsize=8)
def _recorded(task: Task) -> Task:
    """The task of an earlier call that is equal, with what it has recorded of its equations."""
    return task


def engine_of(setup: Setup, data: Data, wanted: int, name: str) -> tuple[Engine, Setup]:
    """The engine of a run. Sparse data are NumPy's, or made dense where XLA is asked for."""
    if not data.sparse or setup.task.batch == setup.task.rows:
        return engine_for(setup, Wish(wanted), name), setup
    if name != "jax":
        return engine_for(setup, Wish(wanted), "numpy"), setup
    x = data.dense.x
    places = zip(setup.task.data, setup.inputs.data, strict=True)
    held = tuple(x if s == X else array for s, array in places)
    setup = replace(setup, inputs=replace(setup.inputs, data=held))
    return engine_for(setup, Wish(wanted), name), setup
