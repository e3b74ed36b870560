"""The parameters of the estimators: what each may be, and the first weights they ask for."""

# scikit-learn says nothing of its types.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from handgrad.estimator.network import ACTIVATION_NAMES
from handgrad.estimator.solving import STOCHASTIC
from handgrad.training.beginning import ENGINES

__all__ = ["CONSTRAINTS", "drawn", "goes_on"]

Array = Any
POSITIVE, SHARE = Interval(Real, 0, None, closed="neither"), Interval(Real, 0, 1, closed="left")
FROM_ZERO, COUNT = (
    Interval(Real, 0, None, closed="left"),
    Interval(Integral, 1, None, closed="left"),
)
CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", COUNT],
    "activation": [StrOptions(set(ACTIVATION_NAMES)), list, tuple],
    "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
    "alpha": [FROM_ZERO],
    "batch_size": [StrOptions({"auto"}), COUNT],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [POSITIVE],
    "power_t": [FROM_ZERO],
    "max_iter": [COUNT],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [FROM_ZERO],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [SHARE],
    "beta_1": [SHARE],
    "beta_2": [SHARE],
    "epsilon": [POSITIVE],
    "n_iter_no_change": [COUNT, Options(Real, {np.inf})],
    "max_fun": [COUNT],
    "loss_threshold": [Interval(Real, None, None, closed="neither"), None],
    "coefs_init": [list, tuple, None],
    "intercepts_init": [list, tuple, None],
    "engine": [StrOptions(set(ENGINES))],
}
"""What scikit-learn's validation accepts for each parameter."""


def goes_on(estimator: Any) -> bool:
    """Whether the solver goes from batch to batch, so that ``partial_fit`` is there."""
    if estimator.solver not in STOCHASTIC:
        raise AttributeError(
            "partial_fit is only available for stochastic"
            f" optimizers. {estimator.solver} is not stochastic."
        )
    return True


def drawn(
    units: Sequence[int],
    activations: Sequence[str],
    given: tuple[Sequence[Any] | None, Sequence[Any] | None],
    generator: np.random.RandomState,
    dtype: Any,
) -> tuple[list[Array], list[Array]]:
    """Weights (inputs × units) and biases of each layer, uniform within Glorot's bounds.

    They are drawn in scikit-learn's order, also those in whose place others are ``given``.
    """
    count = len(units) - 1
    coefs_init = _each(given[0], "coefs_init", count)
    intercepts_init = _each(given[1], "intercepts_init", count)
    coefs: list[Array] = []
    intercepts: list[Array] = []
    for n, name in enumerate(activations):
        shape = units[n], units[n + 1]
        bound = np.sqrt((2.0 if name == "sigmoid" else 6.0) / sum(shape))
        W, b = (generator.uniform(-bound, bound, size) for size in (shape, shape[1]))
        coefs.append(_given(coefs_init[n], W, f"coefs_init[{n}]").astype(dtype, copy=False))
        intercepts.append(
            _given(intercepts_init[n], b, f"intercepts_init[{n}]").astype(dtype, copy=False)
        )
    return coefs, intercepts


def _each(given: Sequence[Any] | None, name: str, count: int) -> Sequence[Any]:
    if given is None:
        return [None] * count
    if len(given) != count:
        raise ValueError(
            f"{name} lists {len(given)} arrays for {count} layers; give one for each, or None for "
            "what is to be drawn."
        )
    return given


def _given(value: Any, drawn: Array, name: str) -> Array:
    """The array that was given, or the one that was drawn."""
    if value is None:
        return drawn
    array = np.array(value, dtype=np.float64)
    if array.shape != drawn.shape or not np.isfinite(array).all():
        raise ValueError(
            f"{name} has shape {array.shape}; finite numbers of shape {drawn.shape} are expected."
        )
    return array
