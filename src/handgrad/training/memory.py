"""How much memory a run will take, said before it is taken."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from handgrad.errors import LimitError
from handgrad.training.graph import reachable
from handgrad.training.task import Stage, Task

__all__ = ["check_memory", "estimate"]

COPIES = 5  # of the state: given, before and after an update, the best, and one being saved


def estimate(task: Task, networks: int = 1) -> int:
    """Bytes of a run, roughly: the data, the state some times over, and one batch on its way."""
    shapes = dict(task.shapes)
    one = np.dtype(task.dtype).itemsize
    example = sum(math.prod(shapes[s]) for s in task.data)
    state = sum(math.prod(shapes[s]) for s in task.state)
    stages = [task.stage(task.batch)]
    if task.tests_all:
        stages.append(task.stage(task.rows, updates=False))
    if task.validated:
        stages.append(task.stage(task.validated, updates=False))
    busy = max(map(_elements, stages))
    data = 2 * example * (task.rows + task.validated)
    return one * (data + networks * (COPIES * state + busy))


def _elements(stage: Stage) -> int:
    """Numbers of everything that is computed for one batch."""
    nodes = reachable(stage.graph, stage.outputs)
    computed = (n for n in nodes if n.operation in ("elementwise", "along", "sum", "contract"))
    return sum(math.prod(node.shape) for node in computed)


def check_memory(task: Task, networks: int = 1) -> None:
    """Refuse runs side by side that will not fit. Raises ``LimitError`` with the estimate."""
    needed, free = estimate(task, networks), _available()
    if free is not None and needed > free:
        raise LimitError(
            f"Training needs about {_said(needed)} of memory, and {_said(free)} are free. Use a smaller "
            "batch_size, fewer examples or units, or float32."
        )


def _said(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB" if size >= 2**30 else f"{size / 2**20:,.1f} MiB"


def _available() -> int | None:
    """Bytes that can be had without swapping; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        found = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(found.split()[1]) * 1024
    except (OSError, StopIteration, ValueError, IndexError):
        return None
