"""What the parts of an estimator know of each other: its parameters, attributes and methods, by type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from handgrad.calculus.expr import Symbol
from handgrad.estimator.network import Shape
from handgrad.estimator.preparing import Data, Memory
from handgrad.model.problem import Training

__all__ = ["Described"]

Array = Any


class Described:
    """The parameters are scikit-learn's, in the words of ``MLPClassifier``."""

    solver: str
    alpha: float
    batch_size: int | str
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    tol: float
    verbose: bool | int
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    engine: str
    loss_threshold: float | None
    coefs_: list[Array]
    intercepts_: list[Array]
    loss_: float
    best_loss_: float | None
    loss_curve_: list[float]
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    t_: int
    n_iter_: int
    n_outputs_: int
    _random_state: np.random.RandomState
    _optimizer: Memory
    _no_improvement_count: int
    _best: tuple[list[Array], list[Array]]
    _shape: Callable[..., Shape]
    _training: Callable[[int], Training]
    _parameters: Callable[[], dict[Symbol, Array]]
    _judged_by: Callable[..., float]
    _labels: Callable[[Array], Array]
    _examples: Callable[..., Data]
    _inputs: Callable[[Any], Array]
