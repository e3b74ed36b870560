"""The program of a task, compiled where it is first called and kept, in this process and on the disk."""

# JAX is an extra: it is imported where it is asked for, and its types are not known before.
# pyright: reportMissingImports=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false, reportUnknownParameterType=false
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from handgrad.training.devices import Spread
from handgrad.training.program import is_small, trained_by
from handgrad.training.stored import stored
from handgrad.training.task import Task

__all__ = ["Program", "compiled"]

AS_NATIVE: Mapping[str, str] = {"inlineable": "false", "xla_cpu_small_call": "true"}
"""What tells XLA on a processor to compile a call as one native function."""


@dataclass
class Program:
    """A program, as one native loop where there is such a one and XLA can compile it.

    What its first call compiles is kept on the disk.
    """

    plain: Callable[..., Any]
    loop: Callable[..., Any] | None = None
    refusal: type[Exception] = Exception
    decided: bool = False

    @property
    def native(self) -> bool:
        """Whether it is one native loop; known after the first call."""
        return self.decided and self.loop is not None

    def __call__(self, *arguments: Any) -> Any:
        """One call; see ``compiled``."""
        if self.decided:
            return (self.loop or self.plain)(*arguments)
        with stored():
            found = self._decide(*arguments)
        self.decided = True
        return found

    def _decide(self, *arguments: Any) -> Any:
        if self.loop is not None:
            try:
                return self.loop(*arguments)
            except self.refusal:
                self.loop = None
        return self.plain(*arguments)


@lru_cache(maxsize=64)
def compiled(task: Task, length: int, lanes: int = 0, spread: Spread | None = None) -> Program:
    """The program of a task, compiled at its first call and kept; for at most ``length`` epochs.

    It takes the state; the data; the data held back; the order of the examples in each of the
    epochs, and the factors of their rates, or None; the scalars; the other givens; five numbers
    (threshold; of the patience tolerance, divisor and least factor; updates of the optimizer before the
    run); where the run is (updates
    done, updates wanted, the first epoch, patience, loss of the epoch under way, best loss, epochs
    without a better one, factor of the rate, whether it goes on); and the best state. It gives back
    the state, the best state, and in one array updates begun, whether to go on, where the run is from
    the loss of the epoch on, and the losses of the epochs and of the data held back. With ``lanes``
    the scalars, numbers and where the run is have a column for each network. With a ``spread`` each of
    its devices works at its part of a batch.
    """
    import jax
    from jax.experimental.xla_metadata import set_xla_metadata

    run = partial(trained_by, task, length, lanes, spread)
    if spread is not None:
        return Program(jax.jit(run, out_shardings=spread.everywhere))
    plain = jax.jit(run)
    if not is_small(task):
        return Program(plain)

    def native(*arguments: Any) -> Any:
        with set_xla_metadata(**AS_NATIVE):
            return jax.jit(run)(*arguments)

    return Program(plain, jax.jit(native), jax.errors.JaxRuntimeError)
