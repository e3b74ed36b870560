"""A task and how many updates in, the engine that is done first out: compiling has to pay.

The constants were measured on a two-core machine; ``benchmarks/`` measures them anew. Their
purpose is to tell milliseconds from seconds.
"""

from __future__ import annotations

import sys

import numpy as np

from handgrad.training.graph import Node, reachable, work
from handgrad.training.task import Task

__all__ = ["RUN", "lanes_start", "lanes_update", "numpy_update", "xla_start", "xla_update"]

CALL = 0.9e-6  # seconds for NumPy to begin an operation
CONTRACTION = 2.5e-6  # the same where it is no plain matrix product
THUNK = 0.12e-6  # for XLA to begin one that is not fused
NUMPY_RATE, XLA_RATE = 1.5e10, 2.5e10  # multiply-adds of large products in a second
ELEMENTS = 8e8  # numbers of elementwise functions in a second, both engines
NATIVE_RATE = 1.5e9  # multiply-adds in a second inside one native loop
IMPORT = 0.6  # seconds to import JAX
COMPILE, COMPILE_NODE = 0.12, 0.010  # to compile a program, and for each of its operations
RUN = 4e-3  # to set up and begin a run
LANES_COMPILE = 1.4  # times as long, where the program trains networks side by side
LANES, LANE = 3e-7, 8e-9  # to begin an update of networks side by side, and for each of them
LANE_RATE = 5e10  # bytes worked out in a second by networks side by side in one native loop


def _nodes(task: Task) -> list[Node]:
    stage = task.stage(task.batch)
    return reachable(stage.graph, stage.outputs)


def _large(nodes: list[Node]) -> tuple[int, int]:
    """Multiply-adds and elements of an update."""
    adds = sum(work(node) for node in nodes if node.operation == "contract")
    elements = 0
    for node in nodes:
        if node.operation in ("elementwise", "along"):
            size = 1
            for length in node.shape:
                size *= length
            elements += size
    return adds, elements


def numpy_update(task: Task) -> float:
    """Seconds of one update by NumPy."""
    nodes = _nodes(task)
    adds, elements = _large(nodes)
    calls = sum(node.operation in ("elementwise", "along", "sum") for node in nodes)
    products = sum(node.operation == "contract" for node in nodes)
    return calls * CALL + products * CONTRACTION + adds / NUMPY_RATE + elements / ELEMENTS


def xla_update(task: Task, *, small: bool) -> float:
    """Seconds of one update by XLA."""
    nodes = _nodes(task)
    adds, elements = _large(nodes)
    if small:
        return 5e-8 + adds / NATIVE_RATE + elements / ELEMENTS
    return len(nodes) * THUNK + adds / XLA_RATE + elements / ELEMENTS


def xla_start(task: Task) -> float:
    """Seconds before the first update by XLA."""
    imported = 0.0 if "jax" in sys.modules else IMPORT
    stages = 1 + (task.rest > 0) + 0.3 * (task.validated > 0) + 0.3 * task.tests_all
    return imported + COMPILE + COMPILE_NODE * len(_nodes(task)) * stages


def lanes_update(task: Task, networks: int) -> float:
    """Seconds of one update of so many networks, side by side in one native loop."""
    adds, elements = _large(_nodes(task))
    return LANES + networks * (LANE + (adds + elements) * np.dtype(task.dtype).itemsize / LANE_RATE)


def lanes_start(task: Task) -> float:
    """Seconds before the first update of networks side by side."""
    imported = 0.0 if "jax" in sys.modules else IMPORT
    return imported + LANES_COMPILE * (xla_start(task) - imported)
