"""The optimizers at the door of scikit-learn against scikit-learn's own, step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.model.optimizers import AT_THE_DOOR
from handgrad.numbers.updates import Updates

optimizers = pytest.importorskip("sklearn.neural_network._stochastic_optimizers")
STEPS = 50
PARAMETERS = ("W1", "b1", "W2", "b2")
THEIRS: dict[str, Callable[[list[Any], float], Any]] = {
    "sklearn_momentum": lambda arrays, rate: optimizers.SGDOptimizer(arrays, rate, nesterov=False),
    "sklearn_nesterov": lambda arrays, rate: optimizers.SGDOptimizer(arrays, rate, nesterov=True),
    "sklearn_adam": optimizers.AdamOptimizer,
}


def problem(optimizer: str, rate: float) -> hg.Problem:
    rng = np.random.default_rng(12)
    x, y = rng.normal(size=(5, 3)), rng.uniform(size=(5, 2))
    made = hg.Network([3, 4, 2], activation="tanh", x=x, y=y, init="normal", learning_rate=rate)
    return replace(made, training=replace(made.training, optimizer=optimizer, options={}))


@pytest.mark.parametrize("name", AT_THE_DOOR)
@pytest.mark.parametrize("rate", [0.05, 0.3])
def test_each_update_is_scikit_learns(name: str, rate: float) -> None:
    made = problem(name, rate)
    arrays: list[Any] = []
    theirs: Any = None
    for trace in Updates(made, hg.derive(made), STEPS):
        if theirs is None:
            arrays = [np.array(trace[key]) for key in PARAMETERS]
            theirs = THEIRS[name](arrays, rate)
        theirs.update_params(arrays, [np.array(trace[f"dL/d{key}"]) for key in PARAMETERS])
        for key, array in zip(PARAMETERS, arrays, strict=True):
            assert np.abs(trace[f"{key}_new"] - array).max() < 1e-12
            array[...] = trace[f"{key}_new"]
    assert theirs is not None
