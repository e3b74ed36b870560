"""A fitted estimator opened: activations and gradients of every layer, and updates as worked steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.calculus.derivation import Derivation
from handgrad.calculus.expr import Symbol
from handgrad.estimator.described import Described
from handgrad.estimator.network import data_of, outputs, problem_of
from handgrad.estimator.preparing import Memory
from handgrad.model.problem import Problem
from handgrad.numbers.evaluate import Trace, evaluate
from handgrad.numbers.updates import Updates, start

if TYPE_CHECKING:
    from handgrad.verbs import Worked

__all__ = ["Gradients", "Opened"]

Array = Any
OF_LBFGS = (
    "This estimator was trained by L-BFGS, whose steps are its own. Shown are the loss and its "
    "gradient, and what one step of gradient descent would make of them."
)


@dataclass(frozen=True)
class Gradients:
    """The loss of some examples and its derivatives, in the orientation of ``coefs_``."""

    loss: float
    coefs: list[Array]  # inputs × units of each layer
    intercepts: list[Array]
    sums: list[Array]  # by the weighted sums of each layer: examples × units
    activations: list[Array]  # by the activations of each layer; where they are not merged away


class Opened(Described):
    """What can be looked at in a fitted estimator."""

    def layer_activations(self, X: Any) -> list[Array]:
        """The activation of every layer for the examples ``X``, the output's last: examples × units."""
        x = self._inputs(X)
        symbols = [Symbol("a", n) for n in range(1, len(self.coefs_) + 1)]
        found = outputs(self._shape(), self._parameters(), x, symbols)
        return [found[symbol] for symbol in symbols]

    def loss_gradients(self, X: Any, y: Any, sample_weight: Any = None) -> Gradients:
        """The loss of these examples as one batch, and its derivatives by everything before it.

        With several outputs they are those of the loss, which scikit-learn's are not: its squared
        error is a mean over the outputs, and its gradient that of their sum.
        """
        problem, derivation = self._problem(X, y, sample_weight)
        trace = evaluate(derivation, start(problem, derivation))
        found = trace.arrays
        layers = range(1, len(self.coefs_) + 1)

        def by(letter: str) -> list[Array]:
            symbols = (Symbol(letter, n).gradient(problem.loss) for n in layers)
            shapes = {s: trace[s.plain].shape for s in symbols if s in found}
            return [np.broadcast_to(found[s], shape).copy() for s, shape in shapes.items()]

        coefs = [array.T.copy() for array in by("W")]
        return Gradients(float(trace[problem.loss]), coefs, by("b"), by("z"), by("a"))

    def to_problem(self, X: Any, y: Any, sample_weight: Any = None) -> Problem:
        """The network with its weights over some examples, for every other verb of handgrad.

        Its weights ``W1`` have one row per unit.
        """
        return self._problem(X, y, sample_weight)[0]

    def explain(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        of: str | None = None,
        reading: str | None = None,
        symbols_only: bool = False,
        full: bool = False,
    ) -> Worked:
        """The worked steps of the update that ``partial_fit`` would do with one batch of examples.

        With the optimizer's memory as it is. ``of`` names a quantity or element, ``"W1[2,1]"`` being
        the weight of unit 2 for input 1, which is ``coefs_[0][0, 1]``.

        Raises ``InputError`` for a quantity or reading that does not exist.
        """
        from handgrad.numbers.page import element
        from handgrad.numbers.worked import known_reading

        problem, derivation = self._problem(X, y, sample_weight)
        name, rate = problem.training.optimizer, self.learning_rate_init
        memory = getattr(self, "_optimizer", None)
        if memory is None or memory.optimizer != name:
            memory = Memory(name, rate)
        step = memory.updates + 1
        training = replace(problem.training, learning_rate=memory.learning_rate)
        updates = Updates(replace(problem, training=training), derivation, step)
        updates.state |= {s: np.asarray(v, np.float64) for s, v in memory.arrays.items()}
        trace = updates.evaluated(derivation, updates.values(step))
        if of is not None:
            element(problem, trace, of)
        usual = "chain" if of is not None else problem.notation.backward
        return _worked(
            updates,
            trace,
            of=of,
            reading=known_reading(reading or usual),
            symbols_only=symbols_only,
            full=full,
            remark=OF_LBFGS if self.solver == "lbfgs" else "",
        )

    def _problem(self, X: Any, y: Any, sample_weight: Any) -> tuple[Problem, Derivation]:
        """A problem in float64 over these examples as one batch."""
        data = self._examples(X, y, sample_weight).dense
        shape = self._shape(weighted=data.weight is not None)
        given = data_of(shape, np.asarray(data.x, np.float64), data.y, data.weight)
        parameters = {s: np.asarray(v, np.float64) for s, v in self._parameters().items()}
        training = replace(self._training(data.rows), batch_size=None, shuffle=False)
        return problem_of(shape, given, parameters, training)


def _worked(updates: Updates, trace: Trace, **shown: Any) -> Worked:
    from handgrad.verbs import Worked

    step = updates.steps
    updates.state = {s: trace.arrays.get(s.updated, v) for s, v in updates.state.items()}
    updates.done = step
    return Worked(
        updates.problem,
        updates.derivation,
        ((step, trace),),
        updates,
        appendix=False,
        carried=False,
        **shown,
    )
