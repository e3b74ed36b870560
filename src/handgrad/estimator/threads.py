"""How many cores the matrix products of a run use.

A product of a few million multiply-adds gains little from a second core, and where other work has
that core, waiting for it costs ten times the product: the rows of a grid search, a busy laptop.
"""

# threadpoolctl, which scikit-learn brings, says nothing of its types.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController

from handgrad.training.task import Stage

__all__ = ["cores_for"]

ALONE = 1 << 22
"""Multiply-adds of a product up to which it stays on one core."""


def cores_for(stage: Stage, engine: str) -> AbstractContextManager[None]:
    """While this holds, NumPy's products use one core if those of the stage are small."""
    if engine != "numpy" or max(stage.contractions, default=0) > ALONE:
        return nullcontext()
    return _one_core().held()


@dataclass
class _OneCore:
    """The limit on all threads of this process: set by the first who holds it, lifted by the last."""

    controller: ThreadpoolController
    lock: Lock = field(default_factory=Lock)
    holders: int = 0
    limit: Any = None

    @contextmanager
    def held(self) -> Generator[None]:
        with self.lock:
            self.holders += 1
            if self.holders == 1:
                self.limit = self.controller.limit(limits=1, user_api="blas")
        try:
            yield
        finally:
            with self.lock:
                self.holders -= 1
                if self.holders == 0:
                    self.limit.restore_original_limits()


@cache
def _one_core() -> _OneCore:
    return _OneCore(ThreadpoolController())
