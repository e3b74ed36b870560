"""``MLPRegressor``: scikit-learn's of that name over the derivation and engines here."""

# scikit-learn says nothing of its types.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUntypedBaseClass=false, reportUntypedFunctionDecorator=false
# pyright: reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if

from handgrad.estimator.parameters import CONSTRAINTS, goes_on
from handgrad.estimator.perceptron import Perceptron

__all__ = ["MLPRegressor"]

Array = Any


class MLPRegressor(RegressorMixin, Perceptron):
    """A regressor: a layered network that minimises a squared error or deviance, as scikit-learn's.

    What is not listed by ``sklearn.neural_network.MLPRegressor`` is marked †. With several outputs the
    gradient is that of the loss, a mean over them; scikit-learn's is that of their sum.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}, default="squared_error"
        Half the squared error, or half the Poisson deviance with exp as the output's activation.
    hidden_layer_sizes : array-like of int or int, default=(100,)
        The number of units of each hidden layer.
    activation : str or list, default="relu"
        Activation of the hidden layers: "identity", "logistic", "tanh", "relu" or any other of
        handgrad's. As a list, one for each hidden layer: a name, a mapping with its options such as
        ``{"name": "leaky_relu", "slope": 0.1}``, or a formula in z such as ``"z*sigmoid(z)"``.
    solver : {"lbfgs", "sgd", "adam"}, default="adam"
        Who takes the steps. "lbfgs" is SciPy's.
    alpha : float, default=0.0001
        Strength of the L2 term ½·alpha·ΣW², divided by the examples of a batch.
    batch_size : int or "auto", default="auto"
        Examples of an update; "auto" is ``min(200, n_samples)``.
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        The schedule of "sgd": divided by ``t_ ** power_t``; or by 5 where nothing improves.
    learning_rate_init : float, default=0.001
        The learning rate of "sgd" and "adam".
    power_t : float, default=0.5
        The exponent of "invscaling".
    max_iter : int, default=200
        Epochs at most; for "lbfgs" iterations.
    shuffle : bool, default=True
        Whether the examples are shuffled in each epoch.
    random_state : int, RandomState instance, default=None
        Where weights, shuffles and the split of ``early_stopping`` are drawn from, in
        scikit-learn's order: the same state gives the same numbers.
    tol : float, default=1e-4
        The improvement that counts as one. For "lbfgs" the gradient at which it ends.
    verbose : bool, default=False
        Whether each epoch is printed.
    warm_start : bool, default=False
        Whether ``fit`` goes on from where the estimator is.
    momentum : float, default=0.9
        What remains of the last step of "sgd".
    nesterovs_momentum : bool, default=True
        Whether "sgd" looks ahead.
    early_stopping : bool, default=False
        Whether examples are kept apart, and training ends where their score no longer improves.
    validation_fraction : float, default=0.1
        The part of the examples that is kept apart.
    beta_1, beta_2, epsilon : float, default=0.9, 0.999, 1e-8
        The constants of "adam".
    n_iter_no_change : int, default=10
        Epochs without an improvement that are waited for.
    max_fun : int, default=15000
        Evaluations of the loss by "lbfgs" at most.
    loss_threshold : float, default=None †
        Ends the training where the loss of an epoch is below.
    coefs_init, intercepts_init : list of arrays, default=None †
        First weights and biases, shaped like ``coefs_`` and ``intercepts_``; None, as a whole or in
        the list, for what is to be drawn.
    engine : {"auto", "numpy", "jax"}, default="auto" †
        What carries out the updates; "auto" is what will be done first, compiling included.

    Attributes
    ----------
    coefs_, intercepts_ : list of arrays
        Weights (inputs × units) and biases of each layer.
    loss_, best_loss_, loss_curve_
        The loss of the last epoch, the least, and that of every epoch.
    validation_scores_, best_validation_score_
        With ``early_stopping``: the score of every epoch, and the best.
    n_iter_, t_ : int
        Epochs (iterations) of the last fit, and examples seen in all.
    n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_
        The inputs and their names, the layers with the inputs', the outputs and their activation.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.linspace(-2, 2, 40)[:, None]
    >>> model = MLPRegressor(
    ...     hidden_layer_sizes=(8,), activation="tanh", solver="lbfgs", random_state=0
    ... )
    >>> model.fit(X, np.sin(X).ravel()).score(X, np.sin(X).ravel()) > 0.99
    True
    """

    _parameter_constraints = CONSTRAINTS | {"loss": [StrOptions({"squared_error", "poisson"})]}

    def __init__(
        self,
        loss: str = "squared_error",
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
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
            loss_threshold=loss_threshold,
            coefs_init=coefs_init,
            intercepts_init=intercepts_init,
            engine=engine,
        )
        self.loss = loss

    def predict(self, X: Any) -> Array:
        """The predicted values of the examples ``X``: one number each, or one row."""
        return self._decided(self._outputs(self._inputs(X)))

    @available_if(goes_on)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Go through the examples once more, from where the estimator is."""
        self._validate_params()
        return self._fit(X, y, sample_weight, incremental=True)

    def _targets(self, y: Array) -> Array:
        if y.dtype.kind in "USV":
            raise TypeError(f"y holds {y.dtype} in place of numbers.")
        if self.loss == "poisson" and np.any(y < 0):
            raise ValueError("Some value(s) of y are out of the valid range of the loss 'poisson'.")
        return y

    def _end(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    def _decided(self, found: Array) -> Array:
        return found.ravel() if found.shape[1] == 1 else found

    def _labels(self, y: Array) -> Array:
        return y

    def _judged_by(self, X: Array, y: Array, weight: Array | None) -> float:
        found = self._outputs(X)
        if not np.isfinite(found).all():
            return float("nan")
        return r2_score(y, self._decided(found), sample_weight=weight)
