"""``MLPClassifier``: scikit-learn's of that name over the derivation and engines here."""

# scikit-learn says nothing of its types.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUntypedBaseClass=false, reportUntypedFunctionDecorator=false
# pyright: reportPrivateUsage=false
from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels

from handgrad.estimator.parameters import CONSTRAINTS, goes_on
from handgrad.estimator.perceptron import Perceptron

__all__ = ["MLPClassifier"]

Array = Any


class MLPClassifier(ClassifierMixin, Perceptron):
    """A classifier: a layered network that minimises the cross-entropy, as scikit-learn's.

    Two classes, or several labels at once, have logistic outputs; more than two classes a softmax.
    What is not listed by ``sklearn.neural_network.MLPClassifier`` is marked †.

    Parameters
    ----------
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
    classes_ : array
        The classes, in the order of the columns of ``predict_proba``.
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
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((8,), "tanh", solver="lbfgs", random_state=0, max_iter=500).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    """

    _parameter_constraints = CONSTRAINTS
    loss = "log_loss"
    classes_: Array
    _label_binarizer: Any

    def predict(self, X: Any) -> Array:
        """The predicted class of each example of ``X``; with several labels a row of 0 and 1."""
        return self._labels(self._outputs(self._inputs(X)))

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class (examples × classes), in the order of ``classes_``."""
        found = self._outputs(self._inputs(X))
        return np.hstack([1 - found, found]) if self.n_outputs_ == 1 else found

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of ``predict_proba``."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @available_if(goes_on)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> MLPClassifier:
        """Go through the examples once more, from where the estimator is.

        ``classes`` are all there will ever be; the first call needs them.
        """
        self._validate_params()
        if _check_partial_fit_first_call(self, classes):
            self._label_binarizer = LabelBinarizer()
            several = type_of_target(y).startswith("multilabel")
            self._label_binarizer.fit(y if several else classes)
        return self._fit(X, y, sample_weight, incremental=True)

    def _note(self, y: Array, *, incremental: bool) -> None:
        """Take note of the classes, or see that they are those that are known."""
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        elif self.warm_start and set(classes := unique_labels(y)) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same "
                "classes as in the previous call to fit. Previously "
                f"got {self.classes_}, `y` has {classes}"
            )

    def _targets(self, y: Array) -> Array:
        classes = unique_labels(y)
        if len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )
        return self._label_binarizer.transform(y).astype(bool)

    def _end(self) -> str:
        return "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"

    def _labels(self, y: Array) -> Array:
        """Classes from outputs, or from the columns that stand for classes."""
        return self._label_binarizer.inverse_transform(y.ravel() if self.n_outputs_ == 1 else y)

    def _judged_by(self, X: Array, y: Array, weight: Array | None) -> float:
        found = self._labels(self._outputs(X))
        if np.issubdtype(found.dtype, np.floating) and not np.isfinite(found).all():
            return float("nan")
        return accuracy_score(y, found, sample_weight=weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
