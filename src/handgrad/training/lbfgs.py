"""A loss with its derived gradient in, the parameters where SciPy's L-BFGS ends out.

The loss and the gradient are those of the derivation, over all examples at once, by NumPy or as one
XLA program. What L-BFGS makes of them, its steps and its line search, is SciPy's.
"""

# SciPy and JAX are extras: they are imported where they are asked for.
# pyright: reportMissingImports=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUnknownParameterType=false
from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Event, Semaphore, Thread
from typing import Any

import numpy as np

from handgrad.calculus.expr import Symbol
from handgrad.errors import InputError
from handgrad.training.engines import Inputs
from handgrad.training.plan import Plan
from handgrad.training.program import is_small
from handgrad.training.task import Task
from handgrad.training.xla import emitted

__all__ = ["Minimum", "iterated", "minimised", "slope_of"]

Array = Any
Arrays = tuple[Array, ...]
Slope = Callable[[Sequence[Array]], tuple[float, Arrays]]
"""The loss at some parameters, and its gradient; the arrays are written over by the next call."""


@dataclass(frozen=True)
class Minimum:
    """Where the search ended, and why: SciPy's status is 0 where it converged."""

    arrays: Arrays  # the parameters, in the order of the task
    loss: float
    iterations: int
    evaluations: int
    status: int
    message: str


def slope_of(task: Task, inputs: Inputs, engine: str = "numpy") -> Slope:
    """The loss of all examples and its gradient as a function of the parameters."""
    return _by_xla(task, inputs) if engine == "jax" else _by_numpy(task, inputs)


def _by_numpy(task: Task, inputs: Inputs) -> Slope:
    shapes = dict(task.shapes)
    held = {s: np.empty(shapes[s], task.dtype) for s in task.parameters}
    found = {s.gradient(task.loss): np.empty_like(array) for s, array in held.items()}
    given: dict[Symbol, Array] = {**held, **found}
    given |= zip(task.data, inputs.data, strict=True)
    given |= zip(task.others, inputs.others, strict=True)
    plan = Plan(task.slope(task.rows), given, tuple(found))

    def slope(parameters: Sequence[Array]) -> tuple[float, Arrays]:
        for array, values in zip(held.values(), parameters, strict=True):
            np.copyto(array, values)
        with np.errstate(all="ignore"):
            for call in (*plan.before, *plan.after):
                call()
        return float(plan.loss), tuple(found.values())

    return slope


@lru_cache(maxsize=16)
def _program(task: Task) -> Callable[..., Any]:
    import jax

    stage, small = task.slope(task.rows), is_small(task)

    def run(parameters: Arrays, data: Arrays, others: Arrays) -> list[Array]:
        given: dict[Symbol, Array] = dict(zip(task.parameters, parameters, strict=True))
        given |= zip(task.data, data, strict=True)
        given |= zip(task.others, others, strict=True)
        return emitted(stage.outputs, given, task.dtype, small=small)

    return jax.jit(run)


def _by_xla(task: Task, inputs: Inputs) -> Slope:
    import jax

    program = _program(task)
    with jax.enable_x64(True):
        data, others = jax.device_put((inputs.data, inputs.others))

    def slope(parameters: Sequence[Array]) -> tuple[float, Arrays]:
        with jax.enable_x64(True):
            given = tuple(np.asarray(array, task.dtype) for array in parameters)
            loss, *gradients = program(given, data, others)
        return float(loss), tuple(map(np.asarray, gradients))

    return slope


def minimised(
    task: Task,
    inputs: Inputs,
    start: Sequence[Array],
    *,
    engine: str = "numpy",
    iterations: int = 200,
    evaluations: int = 15_000,
    tolerance: float = 1e-5,
    told: Callable[[int, float, Callable[[], Arrays]], bool] | None = None,
) -> Minimum:
    """The parameters where L-BFGS ends, from some others.

    It ends where no element of the gradient exceeds ``tolerance``, where the loss hardly moves, after
    so many iterations or evaluations, or where ``told`` says so, which is given the number and the
    loss of each iteration, and what tells its parameters. Raises ``InputError`` where SciPy is absent.
    """
    try:
        from scipy.optimize import minimize
    except ModuleNotFoundError:
        raise InputError('L-BFGS is SciPy\'s: pip install "handgrad[sklearn]".') from None
    slope = slope_of(task, inputs, engine)
    shapes = [np.shape(array) for array in start]
    ends = np.cumsum([np.size(array) for array in start])[:-1]

    def parted(vector: Array) -> list[Array]:
        parts = np.split(vector, ends)
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    def valued(vector: Array) -> tuple[float, Array]:
        loss, gradients = slope(parted(vector))
        return loss, np.concatenate([g.ravel() for g in gradients], dtype=np.float64)

    def arrays_of(vector: Array) -> Arrays:
        return tuple(np.array(part, task.dtype) for part in parted(vector))

    done = 0

    def after(intermediate_result: Any) -> None:
        nonlocal done
        done += 1
        found = intermediate_result
        if told is not None and told(done, float(found.fun), lambda: arrays_of(found.x)):
            raise StopIteration

    found = minimize(
        valued,
        np.concatenate([np.ravel(array) for array in start], dtype=np.float64),
        method="L-BFGS-B",
        jac=True,
        callback=after,
        options={"maxiter": iterations, "maxfun": evaluations, "gtol": tolerance},
    )
    counts = int(found.nit), int(found.nfev), int(found.status)
    return Minimum(arrays_of(found.x), float(found.fun), *counts, str(found.message))


def iterated(
    task: Task, inputs: Inputs, start: Sequence[Array], *, engine: str
) -> Generator[tuple[float, Arrays], None, Minimum]:
    """The loss and the parameters after each iteration, until the search ends by itself.

    SciPy calls back and cannot be held, so it runs in a thread of its own, which waits while nothing
    is asked of it. Raises ``InputError`` where SciPy is absent.
    """
    asked, told = Semaphore(0), Semaphore(0)
    given: list[tuple[float, Arrays]] = []
    ended: list[Minimum | BaseException] = []
    over = Event()

    def wait(_: int, loss: float, arrays: Callable[[], Arrays]) -> bool:
        given.append((loss, arrays()))
        told.release()
        asked.acquire()
        return over.is_set()

    def search() -> None:
        asked.acquire()
        try:
            if not over.is_set():
                most = np.iinfo(np.int32).max
                limits = {"iterations": int(most), "evaluations": int(most)}
                ended.append(minimised(task, inputs, start, engine=engine, told=wait, **limits))
        except BaseException as error:  # noqa: BLE001 (it is raised where the iteration is asked for)
            ended.append(error)
        told.release()

    thread = Thread(target=search, daemon=True)
    thread.start()
    try:
        while True:
            asked.release()
            told.acquire()
            if given:
                yield given.pop()
                continue
            (found,) = ended
            if isinstance(found, BaseException):
                raise found
            return found
    finally:
        over.set()
        asked.release()
        thread.join()
