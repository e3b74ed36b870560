"""What classifier and regressor share: parameters, the network they describe, ``fit``."""

# scikit-learn says nothing of its types.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUntypedBaseClass=false, reportPrivateUsage=false
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from operator import index
from typing import Any, cast

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from handgrad.calculus.expr import Symbol
from handgrad.errors import InputError
from handgrad.estimator.network import Shape, equations_of, formula_of, outputs
from handgrad.estimator.opened import Opened
from handgrad.estimator.parameters import drawn
from handgrad.estimator.preparing import Data
from handgrad.estimator.solving import STOCHASTIC, Solving
from handgrad.model.network import Formula

__all__ = ["Perceptron"]

Array = Any
ENDS = {"softmax": "softmax", "logistic": "sigmoid", "identity": "identity", "exp": "exp"}
"""Activations of the output, and what they are called here."""


class Perceptron(Opened, Solving, BaseEstimator, ABC):
    """A layered network behind scikit-learn's interface; use a class derived from it."""

    loss: str
    n_layers_: int
    out_activation_: str
    n_features_in_: int

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        loss_threshold: float | None = None,
        coefs_init: Sequence[Any] | None = None,
        intercepts_init: Sequence[Any] | None = None,
        engine: str = "auto",
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.loss_threshold = loss_threshold
        self.coefs_init = coefs_init
        self.intercepts_init = intercepts_init
        self.engine = engine

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train on ``X`` (examples × inputs, dense or sparse) and ``y``.

        ``sample_weight`` has one number per example: how often it counts. Returns the estimator.
        Raises ``ValueError`` for parameters or data that cannot be used; warns with
        ``ConvergenceWarning`` where ``max_iter`` ends the training.
        """
        self._validate_params()
        return self._fit(X, y, sample_weight, incremental=False)

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        """Examples as arrays, sparse ones by rows."""
        x: Any
        x, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=not is_classifier(self),
            dtype=(np.float64, np.float32),
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return x.tocsr() if hasattr(x, "tocsr") else x, y

    def _note(self, y: Array, *, incremental: bool) -> None:
        """Take note of what targets there are; a regressor need not."""

    @abstractmethod
    def _targets(self, y: Array) -> Array:
        """Targets as numbers, one column per output."""

    @abstractmethod
    def _end(self) -> str:
        """The activation of the output, in scikit-learn's words."""

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool) -> Any:
        sizes = self._hidden_sizes()
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        x, y = self._checked(X, y, reset=first)
        self._note(y, incremental=incremental)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, x)
        targets = self._targets(y).reshape(x.shape[0], -1)
        units = [x.shape[1], *sizes, targets.shape[1]]
        if not first and units != self._units():
            raise ValueError(
                f"The network has layers of {self._units()} units, and hidden_layer_sizes and the "
                f"data ask for {units}. Fit it anew with warm_start=False."
            )
        self.n_outputs_ = targets.shape[1]
        self._random_state = check_random_state(self.random_state)
        if first:
            self._initialize(units, x.dtype)
        data = Data(x, targets, weight)
        if self.solver in STOCHASTIC:
            if first or not self._curves_fit:
                self._begin_curves()
            self._fit_stochastic(data, incremental=incremental)
        else:
            self._fit_lbfgs(data)
        if not all(np.isfinite(w).all() for w in (*self.coefs_, *self.intercepts_)):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may"
                " contain large values and need to be preprocessed."
            )
        return self

    def _hidden_sizes(self) -> list[int]:
        given = self.hidden_layer_sizes
        sizes = list(cast("Iterable[Any]", given)) if hasattr(given, "__iter__") else [given]
        if any(np.any(np.asarray(size) <= 0) for size in sizes):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
        if any(isinstance(size, bool | np.bool) for size in sizes):
            raise TypeError(f"hidden_layer_sizes must be whole numbers, got {sizes}.")
        try:
            return [index(size) for size in sizes]
        except TypeError:
            raise TypeError(f"hidden_layer_sizes must be whole numbers, got {sizes}.") from None

    def _units(self) -> list[int]:
        return [len(self.coefs_[0]), *(len(b) for b in self.intercepts_)]

    def _activations(self) -> list[Formula]:
        """The activation of each hidden layer."""
        given, count = self.activation, self.n_layers_ - 2
        if isinstance(given, str):
            return [formula_of(given)] * count
        if len(given) != count:
            raise ValueError(
                f"activation lists {len(given)} for {count} hidden layers. Give one for each."
            )
        return [formula_of(name) for name in given]

    def _shape(self, *, weighted: bool = False) -> Shape:
        """What the equations of the network depend on."""
        momentum = "sklearn_nesterov" if self.nesterovs_momentum else "sklearn_momentum"
        return Shape(
            (*self._activations(), Formula(ENDS[self.out_activation_])),
            self.loss,
            self.n_outputs_,
            weighted,
            self.alpha > 0,
            {"sgd": momentum, "adam": "sklearn_adam", "lbfgs": "sgd"}[self.solver],
        )

    def _initialize(self, units: Sequence[int], dtype: Any) -> None:
        """The first weights, drawn as scikit-learn draws them, and nothing done yet."""
        self.n_iter_ = self.t_ = 0
        self.n_layers_ = len(units)
        self.out_activation_ = self._end()
        try:
            equations_of(self._shape())
        except InputError as error:
            raise ValueError(f"activation: {error}") from None
        self.coefs_, self.intercepts_ = self._drawn(units, dtype)
        self._best = self.coefs_, self.intercepts_

    def _begin_curves(self) -> None:
        """Nothing seen yet of losses and scores."""
        self.loss_curve_, self._no_improvement_count = [], 0
        self.best_loss_ = None if self.early_stopping else np.inf
        self.validation_scores_ = [] if self.early_stopping else None
        self.best_validation_score_ = -np.inf if self.early_stopping else None

    @property
    def _curves_fit(self) -> bool:
        """Whether the curves of an earlier fit are those that this solver goes on with."""
        return hasattr(self, "loss_curve_") and self.early_stopping == (self.best_loss_ is None)

    def _drawn(self, units: Sequence[int], dtype: Any) -> tuple[list[Array], list[Array]]:
        """First weights; the bounds of the output are those of the layer before it."""
        names = [formula.name for formula in self._activations()]
        names = [*names, names[-1] if names else self._output_like()]
        given = self.coefs_init, self.intercepts_init
        return drawn(units, names, given, self._random_state, dtype)

    def _output_like(self) -> str:
        return formula_of(self.activation).name if isinstance(self.activation, str) else ""

    def _parameters(self) -> dict[Symbol, Array]:
        """The weights with one row per unit, and the biases, by their symbols."""
        pairs = enumerate(zip(self.coefs_, self.intercepts_, strict=True), 1)
        found: dict[Symbol, Array] = {}
        for n, (W, b) in pairs:
            found |= {Symbol("W", n): np.ascontiguousarray(W.T), Symbol("b", n): np.asarray(b)}
        return found

    def _outputs(self, x: Array) -> Array:
        """The activation of the last layer: examples × outputs."""
        last = Symbol("a", len(self.coefs_))
        return outputs(self._shape(), self._parameters(), x, [last])[last]

    def _inputs(self, X: Any) -> Array:
        """New examples, checked; sparse ones by rows."""
        check_is_fitted(self)
        x: Any = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        return x.tocsr() if hasattr(x, "tocsr") else x

    def _examples(self, X: Any, y: Any, sample_weight: Any) -> Data:
        """Examples for a fitted estimator to be looked at with."""
        check_is_fitted(self)
        x, y = self._checked(X, y, reset=False)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, x)
        return Data(x, self._targets(y).reshape(x.shape[0], -1), weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
