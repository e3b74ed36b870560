"""How an estimator is trained: epoch by epoch as scikit-learn judges them, or by L-BFGS.

When a run ends, what is printed and what is warned of is as in scikit-learn; the loss, the gradient
and the update are the derivation's, carried out by the engines here.
"""

# scikit-learn says nothing of its types.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from handgrad.calculus.expr import Symbol
from handgrad.estimator.described import Described
from handgrad.estimator.epochs import Epochs, Orders
from handgrad.estimator.preparing import Data, Memory, engine_of, prepared
from handgrad.estimator.threads import cores_for
from handgrad.model.problem import Training
from handgrad.training.beginning import Setup, engine_name
from handgrad.training.engines import State
from handgrad.training.lbfgs import Minimum, minimised

__all__ = ["STOCHASTIC", "Solving"]

Array = Any
STOCHASTIC = ("sgd", "adam")
CLIPPED = "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped"
NO_WEIGHT = "Weights sum to zero, can't be normalized"
SMALLEST_RATE = 1e-6
"""The learning rate at which an adaptive one is lowered no further."""


class Solving(Described):
    """The solvers of an estimator. What it is made of is in ``Perceptron``."""

    def _training(self, rows: int) -> Training:
        """How the solver trains, in the words of a problem."""
        options = {"momentum": self.momentum}
        if self.solver == "adam":
            options = {"beta1": self.beta_1, "beta2": self.beta_2, "epsilon": self.epsilon}
        return Training(
            optimizer=self._shape().optimizer,
            learning_rate=self.learning_rate_init,
            options={} if self.solver == "lbfgs" else options,
            batch_size=self._batch(rows),
            shuffle=self.shuffle,
            l2=self.alpha,
        )

    def _batch(self, rows: int) -> int:
        if self.solver == "lbfgs":
            return rows
        if isinstance(self.batch_size, str):
            return min(200, rows)
        return min(int(self.batch_size), rows)

    def _fit_lbfgs(self, data: Data) -> None:
        if data.weight is not None and not data.weight.sum():
            raise ZeroDivisionError(NO_WEIGHT)
        shape = self._shape(weighted=data.weight is not None)
        setup = prepared(shape, data, self._parameters(), self._training(data.rows))
        engine = engine_name(setup.task, self.max_iter, self.engine)
        with cores_for(setup.task.stage(data.rows), engine):
            found = minimised(
                setup.task,
                setup.inputs,
                setup.first.arrays,
                engine=engine,
                iterations=self.max_iter,
                evaluations=self.max_fun,
                tolerance=self.tol,
                told=self._told,
            )
        self.n_iter_ = min(found.iterations, self.max_iter)
        self.loss_ = found.loss
        self._take(dict(zip(setup.task.state, found.arrays, strict=True)))
        if found.status and not self._low_enough(found.loss):
            self._warn_of(found)

    def _told(self, iteration: int, loss: float, _: object) -> bool:
        if self.verbose:
            _say(f"Iteration {iteration}, loss = {loss:.8f}")
        return self._low_enough(loss)

    def _low_enough(self, loss: float) -> bool:
        return self.loss_threshold is not None and loss < self.loss_threshold

    def _warn_of(self, found: Minimum) -> None:
        said = (
            f"lbfgs failed to converge after {self.n_iter_} iteration(s) "
            f"(status={found.status}):\n{found.message}\n"
        )
        if self.n_iter_ == self.max_iter:
            said += (
                "\nIncrease the number of iterations to improve the "
                f"convergence (max_iter={self.max_iter})."
            )
        said += (
            "\nYou might also want to scale the data as shown in:\n"
            "    https://scikit-learn.org/stable/modules/preprocessing.html"
        )
        warnings.warn(said, ConvergenceWarning, stacklevel=2)

    def _fit_stochastic(self, data: Data, *, incremental: bool) -> None:
        name, memory = self._shape().optimizer, getattr(self, "_optimizer", None)
        if not incremental or memory is None or memory.optimizer != name:
            self._optimizer = Memory(name, float(self.learning_rate_init))
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        data, held = self._split(data) if self.early_stopping else (data, None)
        epochs, setup = self._begun(data, 1 if incremental else self.max_iter)
        with cores_for(setup.task.stage(setup.task.batch), epochs.engine.name):
            try:
                self._run(epochs, data, held, incremental=incremental)
            except KeyboardInterrupt:
                warnings.warn("Training interrupted by user.", stacklevel=2)
        self._kept(epochs.settled(), setup)
        if held is not None:
            self.coefs_, self.intercepts_ = self._best

    def _split(self, data: Data) -> tuple[Data, Data]:
        """The examples to train with, and those to judge by, drawn as scikit-learn draws them."""
        arrays = [data.x, data.y] if data.weight is None else [data.x, data.y, data.weight]
        parts: list[Array] = train_test_split(
            *arrays,
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=data.y if is_classifier(self) and self.n_outputs_ == 1 else None,
        )
        kept, held = Data(*parts[::2]), Data(*parts[1::2])
        if held.rows < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' "
                "or the size of your dataset."
            )
        return kept, replace(held, y=self._labels(held.y))

    def _begun(self, data: Data, most: int) -> tuple[Epochs, Setup]:
        if not isinstance(self.batch_size, str) and self.batch_size > data.rows:
            warnings.warn(CLIPPED, stacklevel=2)
        shape = self._shape(weighted=data.weight is not None)
        training = self._training(data.rows)
        setup = prepared(shape, data, self._parameters(), training, self._optimizer)
        orders = Orders(self._random_state, data.rows) if self.shuffle else None
        inputs = replace(setup.inputs, order=orders, rate=self._rate(data.rows))
        setup = replace(setup, inputs=inputs)
        engine, setup = engine_of(setup, data, most * setup.task.batches, self.engine)
        return Epochs(engine, setup.task, setup.first, orders, most), setup

    def _rate(self, rows: int) -> Callable[[int], float] | None:
        """The factor of the learning rate in each epoch of this call."""
        if self.solver != "sgd" or self.learning_rate == "constant":
            return None
        if self.learning_rate == "adaptive":
            return lambda epoch: self._optimizer.learning_rate / self.learning_rate_init
        first, seen = self._optimizer.learning_rate / self.learning_rate_init, self.t_
        return lambda epoch: (seen + epoch * rows + 1) ** -self.power_t if epoch else first

    def _run(self, epochs: Epochs, data: Data, held: Data | None, *, incremental: bool) -> None:
        """Epoch after epoch, until one of the reasons to end."""
        self.n_iter_ = 0
        while self.n_iter_ < self.max_iter:
            loss = epochs.next(alone=held is not None or incremental or bool(self.verbose))
            self._count(loss, data.rows)
            if math.isnan(loss):
                _refuse_empty_batch(epochs, data)
            if held is not None:
                self._compare_scores(self._score_at(epochs, held))
            elif math.isnan(loss):
                return
            else:
                self._compare_losses()
            if self.learning_rate == "invscaling" and self.solver == "sgd":
                scale = (self.t_ + 1) ** -self.power_t
                self._optimizer.learning_rate = self.learning_rate_init * scale
            if self._no_improvement_count > self.n_iter_no_change:
                epochs.settled()  # at the learning rate that held until here
                if self._ends(early=held is not None):
                    return
                self._no_improvement_count = 0
            if incremental or self._low_enough(loss):
                return
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) "
            "reached and the optimization hasn't converged yet.",
            ConvergenceWarning,
            stacklevel=2,
        )

    def _count(self, loss: float, rows: int) -> None:
        self.n_iter_ += 1
        self.loss_ = loss
        self.t_ += rows
        self.loss_curve_.append(loss)
        if self.verbose:
            _say(f"Iteration {self.n_iter_}, loss = {loss:.8f}")

    def _compare_losses(self) -> None:
        assert self.best_loss_ is not None, "without early stopping there is a best loss"
        waits = self.loss_ > self.best_loss_ - self.tol
        self._no_improvement_count = self._no_improvement_count + 1 if waits else 0
        self.best_loss_ = min(self.best_loss_, self.loss_)

    def _score_at(self, epochs: Epochs, held: Data) -> float:
        state = epochs.settled()
        self._take(dict(zip(epochs.task.state, state.arrays, strict=True)))
        return self._judged_by(held.x, held.y, held.weight)

    def _compare_scores(self, score: float) -> None:
        assert self.validation_scores_ is not None, "with early stopping there are scores"
        assert self.best_validation_score_ is not None, "and a best one"
        self.validation_scores_.append(score)
        if self.verbose:
            _say(f"Validation score: {score:f}")
        waits = score < self.best_validation_score_ + self.tol
        self._no_improvement_count = self._no_improvement_count + 1 if waits else 0
        if score > self.best_validation_score_:
            self.best_validation_score_ = score
            self._best = self.coefs_, self.intercepts_

    def _ends(self, *, early: bool) -> bool:
        """Whether nothing improves any more: an adaptive learning rate is lowered first."""
        what = "Validation score" if early else "Training loss"
        said = (
            f"{what} did not improve more than tol={self.tol:f} for "
            f"{self.n_iter_no_change} consecutive epochs."
        )
        adaptive = self.solver == "sgd" and self.learning_rate == "adaptive"
        if not adaptive or self._optimizer.learning_rate <= SMALLEST_RATE:
            if self.verbose:
                _say(f"{said}{' Learning rate too small.' if adaptive else ''} Stopping.")
            return True
        self._optimizer.learning_rate /= 5.0
        if self.verbose:
            _say(f"{said} Setting learning rate to {self._optimizer.learning_rate:f}")
        return False

    def _kept(self, state: State, setup: Setup) -> None:
        """The parameters of a state as the estimator has them, and what the optimizer remembers."""
        arrays = {s: np.asarray(a) for s, a in zip(setup.task.state, state.arrays, strict=True)}
        self._take(arrays)
        self._optimizer.arrays = {s: a for s, a in arrays.items() if s.state}
        self._optimizer.updates += state.done

    def _take(self, arrays: dict[Symbol, Array]) -> None:
        """Trained arrays in scikit-learn's orientation: one row per input."""
        layers = range(1, len(self.coefs_) + 1)
        self.coefs_ = [np.array(np.asarray(arrays[Symbol("W", n)]).T, order="C") for n in layers]
        self.intercepts_ = [np.array(arrays[Symbol("b", n)]) for n in layers]


def _refuse_empty_batch(epochs: Epochs, data: Data) -> None:
    """Tell of a batch whose weights add up to zero: it has no mean."""
    if data.weight is None:
        return
    used = slice(None) if epochs.orders is None else epochs.orders(epochs.done - 1)
    totals = np.add.reduceat(data.weight[used], range(0, data.rows, epochs.task.batch))
    if not totals.all():
        raise ZeroDivisionError(NO_WEIGHT)


def _say(line: str) -> None:
    print(line)  # noqa: T201 (verbose=True asks for it)
