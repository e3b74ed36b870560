"""A problem: forward equations, values, training and notation; and the derivation that follows.

``network`` builds one from layers, ``equations`` from equations as one writes them; ``derive``
turns it into the list of forward, backward and update equations that everything else reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from handgrad.calculus.chain import backward
from handgrad.calculus.derivation import Derivation, Equation, Phase, validate
from handgrad.calculus.expr import Index, Num, Power, Product, Ref, Sigma, Symbol, refs, transform
from handgrad.errors import DerivationError, InputError, ShapeError
from handgrad.language.reading import symbol
from handgrad.language.writing import text
from handgrad.model.axes import with_axes
from handgrad.model.clipping import BOUND, clipped, made_by_clipping
from handgrad.model.equations import fitting_equations, rows_of
from handgrad.model.network import EXAMPLES, OUTPUTS, PENALTY, Formula, Layer, forward_equations
from handgrad.model.optimizers import ETA, STEP, optimizer_row, update_equations
from handgrad.model.schedules import Schedule
from handgrad.model.targets import lonely_softmax, target_outside
from handgrad.rewrites.logits import shortcut, with_logits
from handgrad.rewrites.names import inlined, reuse

__all__ = [
    "TAKEN",
    "Claim",
    "Notation",
    "Problem",
    "Training",
    "derive",
    "equations_problem",
    "network_problem",
    "taken_names",
]

Array = Any


@dataclass(frozen=True)
class Training:
    """How a problem is trained. ``options`` are the optimizer's, by their keys in a problem file."""

    optimizer: str = "sgd"
    learning_rate: float = 0.1
    options: Mapping[str, float] = field(default_factory=dict[str, float])
    steps: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    shuffle: bool = False
    loss_below: float | None = None
    l2: float = 0.0
    clip_norm: float | None = None
    clip_value: float | None = None
    schedule: Schedule = field(default=Schedule())


@dataclass(frozen=True)
class Notation:
    """How a problem is shown; never what is computed."""

    loss: str = ""
    target: str = ""
    learning_rate: str = ""
    digits: int | None = None
    significant: int | None = None
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    preset: tuple[str, ...] = ()  # how textbooks call things: superscript, bracket, from-to, …
    derivative: str = ""  # the sign of a derivative: ∂, d or δ; each format's usual one
    decimal_mark: str = "."
    vectors: str = "rows"  # in the matrix reading an example is a row, or one of the "columns"
    backward: str = "steps"  # the reading of the backward pass: steps, chain, delta or matrix
    updates: str = "backward"  # the order of the updates: output layer first, or "forward"
    appendix: bool = False  # the derivatives of the activations derived, line by line


@dataclass(frozen=True)
class Claim:
    """A number somebody printed, its digits kept."""

    quantity: str
    value: str
    step: int = 1


@dataclass(frozen=True)
class Problem:
    """All one needs to derive, evaluate and train.

    ``values`` holds arrays for the parameters and the data; ``batched`` are the quantities whose
    first axis counts examples, ``per_example`` the loss of one example where it has a name. ``drawn``
    are the weights that the seed drew, and how.
    """

    forward: tuple[Equation, ...]
    loss: Symbol
    parameters: tuple[Symbol, ...]
    values: Mapping[Symbol, Array]
    batched: frozenset[Symbol] = frozenset()
    per_example: Symbol | None = None
    layered: bool = False
    seed: int = 0
    drawn: Mapping[Symbol, str] = field(default_factory=dict[Symbol, str])
    training: Training = Training()
    notation: Notation = Notation()
    claims: tuple[Claim, ...] = ()
    title: str = ""
    source: str = ""

    @property
    def data(self) -> tuple[Symbol, ...]:
        """The given quantities with one row per example."""
        return tuple(s for s in self.values if s in self.batched)

    @property
    def examples(self) -> int:
        """How many examples there are; 1 where the problem has no example axis."""
        return next((len(self.values[s]) for s in self.data), 1)

    def _repr_markdown_(self) -> str:
        """The forward equations, for a notebook."""
        written = (f"{text(e.lhs)} = {text(e.rhs)}" for e in self.forward)
        return "\n".join(("```text", *written, "```", ""))


TAKEN = (
    "{} is a name that the derivation makes itself (gradients, updates, the learning rate and the "
    "optimizer's constants). Choose another name for yours."
)


def derive(problem: Problem) -> Derivation:
    """The forward, backward and update equations of a problem.

    Raises ``DerivationError`` where the equations do not fit together.
    """
    forward = with_logits(problem.forward)
    single = inlined(forward, problem.per_example) if problem.per_example else forward
    ranks = {s: np.ndim(v) for s, v in problem.values.items()}
    derived = backward(single, problem.loss, problem.parameters, ranks)
    target = _one_hot_target(problem)
    merged = reuse(forward, (shortcut(equation, target) for equation in derived))
    gradients = {e.lhs.symbol.plain: e.lhs for e in merged}
    order = problem.parameters
    if problem.notation.updates == "backward":
        order = tuple(s for s in gradients if s in problem.parameters)
    training = problem.training
    clipping, used = clipped([gradients[s] for s in order], training.clip_norm, training.clip_value)
    update = (*clipping, *update_equations(training.optimizer, used))
    givens = {**ranks, **dict.fromkeys(constants(problem), 0)}
    state = {
        replace(parameter, state=kept): ranks[parameter]
        for kept in optimizer_row(problem.training.optimizer).state
        for parameter in problem.parameters
    }
    taken = taken_names(problem)
    if taken:
        raise DerivationError(TAKEN.format(taken[0]))
    return validate(
        Derivation((*forward, *merged, *update), {**givens, **state}, problem.loss, order)
    )


def taken_names(problem: Problem) -> list[str]:
    """The names of a user's that the derivation needs for itself."""
    own = [*problem.values, *(e.lhs.symbol for e in problem.forward)]
    made = {*constants(problem), *(symbol.gradient(problem.loss) for symbol in own)}
    for parameter in problem.parameters:
        kept = {
            replace(parameter, state=k) for k in optimizer_row(problem.training.optimizer).state
        }
        made |= kept | {replace(symbol, new=True) for symbol in (parameter, *kept)}
        made |= made_by_clipping(parameter) if BOUND in made else set()
    names = set(map(str, made))
    return [name for name in dict.fromkeys(map(str, own)) if name in names]


def constants(problem: Problem) -> dict[Symbol, float]:
    """The learning rate, the optimizer's constants, λ, and the counts m and K where they occur."""
    used = {ref.symbol for equation in problem.forward for ref in refs(equation.rhs)}
    training = problem.training
    result = {ETA: training.learning_rate} if problem.parameters else {}
    for name, (key, default) in optimizer_row(training.optimizer).constants.items():
        result[name] = training.options.get(key, default)
    if training.optimizer in ("adam", "adamw", "sklearn_adam"):
        result[STEP] = 1.0
    bound = training.clip_value if training.clip_norm is None else training.clip_norm
    if bound is not None and problem.parameters:
        result[BOUND] = bound
    if PENALTY in used and problem.layered:
        result[PENALTY] = training.l2
    if EXAMPLES in used and EXAMPLES not in problem.values:
        result[EXAMPLES] = float(problem.examples)
    if OUTPUTS in used and problem.layered:
        result[OUTPUTS] = float(np.shape(problem.values[Symbol("y")])[1])
    return result


def _one_hot_target(problem: Problem) -> Symbol | None:
    """The given quantity whose rows all add up to 1: the target of a classifier."""
    for name in problem.data or tuple(problem.values):
        value = np.asarray(problem.values[name])
        if name not in problem.parameters and value.ndim and np.all(value.sum(axis=-1) == 1.0):
            used = (
                r
                for e in problem.forward
                if e.lhs.symbol in (problem.loss, problem.per_example)
                for r in refs(e.rhs)
            )
            if any(ref.symbol == name for ref in used):
                return name
    return None


def network_problem(
    layers: Sequence[Layer],
    loss: Formula,
    values: Mapping[Symbol, Array],
    *,
    training: Training = Training(),
    **details: Any,
) -> Problem:
    """A layered network over ``x`` (examples × inputs) and ``y`` (examples × outputs).

    ``values`` holds x, y, every W and every b. Raises ``ShapeError`` where they do not fit.
    """
    forward = forward_equations(layers, loss, l2=training.l2 != 0)
    known = {s: np.asarray(v, dtype=np.float64) for s, v in values.items()}
    parameters: list[Symbol] = []
    for number, layer in enumerate(layers, 1):
        parameters += [Symbol("W", number)] * layer.train_weight
        parameters += [Symbol("b", number)] * (layer.train_bias and layer.bias != "none")
    _check_network(len(layers), known)
    _check_loss(layers[-1].activation.name, len(known[Symbol("W", len(layers))]), loss.name, known)
    extra = (EXAMPLES, OUTPUTS, PENALTY)
    ranks = {s: v.ndim for s, v in known.items()} | dict.fromkeys(extra, 0)
    batched = {Symbol("x"), Symbol("y")}
    batched |= {Symbol(letter, n) for n in range(1, len(layers) + 1) for letter in "za"}
    return Problem(
        forward=with_axes(forward, ranks),
        loss=Symbol("L"),
        parameters=tuple(parameters),
        values=known,
        batched=frozenset(batched),
        layered=True,
        training=training,
        **details,
    )


def _check_network(layers: int, values: Mapping[Symbol, Array]) -> None:
    """Say in a user's words which layer does not fit the one before it."""
    x, y = values[Symbol("x")], values[Symbol("y")]
    for name, array in (("x", x), ("y", y)):
        if array.ndim != 2 or not len(array):
            raise ShapeError(f"{name} must be a matrix with one row per example.")
    if len(x) != len(y):
        raise ShapeError(
            f"x has {len(x)} examples, y has {len(y)}. Give each example one row of both."
        )
    before, name = x.shape[1], "x has"
    for number in range(1, layers + 1):
        weight = values[Symbol("W", number)]
        if weight.ndim != 2 or weight.shape[1] != before:
            shape = "×".join(map(str, weight.shape))
            raise ShapeError(
                f"layer {number} expects one column of W per input, but W of layer {number} is "
                f"{shape} and {name} {before}. Change the columns of W or what feeds it."
            )
        bias = values.get(Symbol("b", number))
        if bias is not None and bias.shape not in ((), (len(weight),)):
            raise ShapeError(f"b of layer {number} needs {len(weight)} numbers, one per unit.")
        before, name = len(weight), f"layer {number} has units:"
    if y.shape[1] != before:
        raise ShapeError(f"y has {y.shape[1]} columns, but the last layer has {before} units.")


def _check_loss(activation: str, units: int, loss: str, values: Mapping[Symbol, Array]) -> None:
    """Say where the loss has no value, instead of ending in one that is no number."""
    outside = target_outside(loss, values[Symbol("y")])
    said = outside[2] if outside else lonely_softmax(activation, units, loss)
    if said:
        raise InputError(f"{said[0].upper()}{said[1:]}" if outside else said)


def equations_problem(
    text: str,
    loss: str,
    parameters: Mapping[str, Array],
    data: Mapping[str, Array] | None = None,
    *,
    frozen: Sequence[str] = (),
    reduce: str = "sum",
    training: Training = Training(),
    **details: Any,
) -> Problem:
    """Equations as one writes them. A data entry with one axis more than its use holds examples.

    Then every quantity that depends on it has an example axis, ``E_n[n]`` is the loss of one
    example and ``E`` their sum (or mean). Raises ``LanguageError`` and ``DerivationError``.
    """
    if reduce not in ("sum", "mean"):
        raise InputError(f"reduce is {reduce!r:.40}; it may be 'sum' or 'mean'.")
    if isinstance(frozen, str):
        raise InputError(f"frozen is a list of names, such as [{frozen!r:.40}].")
    everything = {**parameters, **(data or {})}
    given = {symbol(k): np.asarray(v, dtype=np.float64) for k, v in everything.items()}
    twice = sorted(set(parameters) & set(data or {}))
    if twice:
        raise InputError(f"{twice[0]} is both a parameter and data. Keep one of them.")
    unknown = sorted(set(frozen) - set(parameters))
    if unknown:
        raise InputError(f"{unknown[0]} is frozen but is no parameter.")
    total, examples = symbol(loss), {symbol(name) for name in data or {}}
    shapes = {s: v.shape for s, v in given.items()}
    equations = fitting_equations(text, total, shapes, examples)
    rows = rows_of(equations, shapes, examples)
    _refuse_unequal({str(s): len(given[s]) for s in rows})
    equations, batched = _batched(equations, rows)
    per_example = None
    if total in batched:
        per_example = Symbol(f"{loss}_n")
        if per_example in given or per_example in {e.lhs.symbol for e in equations}:
            raise DerivationError(f"{per_example} is the loss of one example; choose another name.")
        equations = _totalled(equations, total, per_example, reduce, given)
        batched = (batched - {total}) | {per_example}
    ranks = {s: v.ndim for s, v in given.items()}
    if per_example and reduce == "mean":
        ranks[EXAMPLES] = 0
    validate(Derivation(equations, ranks, total))
    trained = tuple(symbol(name) for name in parameters if name not in frozen)
    return Problem(
        forward=with_axes(equations, ranks),
        loss=total,
        parameters=trained,
        values=given,
        batched=frozenset(batched),
        per_example=per_example,
        training=training,
        **details,
    )


def _refuse_unequal(lengths: Mapping[str, int]) -> None:
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ShapeError(f"The data differ in the number of examples: {said}.")
    if 0 in lengths.values():
        raise ShapeError("The data hold no example.")


def _batched(
    equations: Sequence[Equation], rows: set[Symbol]
) -> tuple[tuple[Equation, ...], set[Symbol]]:
    """Every equation with the example index written in, where it depends on the examples."""
    if not rows:
        return tuple(equations), set()
    index = _example_index(equations)
    batched = set(rows)

    def mark(node: Any) -> Any:
        marked = isinstance(node, Ref) and node.symbol in batched
        return Ref(node.symbol, (index, *node.indices)) if marked else node

    result: list[Equation] = []
    for equation in equations:
        if any(ref.symbol in batched for ref in refs(equation.rhs)):
            rhs = transform(equation.rhs, mark)
            batched.add(equation.lhs.symbol)
            result.append(replace(equation, lhs=mark(equation.lhs), rhs=rhs))
        else:
            result.append(equation)
    return tuple(result), batched


def _example_index(equations: Sequence[Equation]) -> Index:
    taken = {str(r.symbol) for e in equations for r in (*refs(e.rhs), e.lhs)}
    taken |= {str(p) for e in equations for r in (*refs(e.rhs), e.lhs) for p in r.indices}
    return Index(next(name for name in ("n", "p", "q", "example") if name not in taken))


def _totalled(
    equations: Sequence[Equation],
    total: Symbol,
    per_example: Symbol,
    reduce: str,
    given: Mapping[Symbol, Array],
) -> tuple[Equation, ...]:
    """The loss of one example under its own name, and the total over all examples."""
    defining = next(e for e in equations if e.lhs.symbol == total)
    index = defining.lhs.indices[0]
    if len(defining.lhs.indices) != 1 or not isinstance(index, Index):
        raise DerivationError(f"The loss {total} has an index; it must be a single number.")
    single = Ref(per_example, (index,))
    value = Sigma((index,), single)
    why = "The sum over all examples."
    if reduce == "mean":
        if EXAMPLES in given or any(e.lhs.symbol == EXAMPLES for e in equations):
            raise DerivationError(
                "m is the number of examples here; choose another name for yours."
            )
        value, why = Product((Power(Ref(EXAMPLES), Num(-1)), value)), "The mean over all examples."
    renamed = [replace(e, lhs=single) if e is defining else e for e in equations]
    return (*renamed, Equation(Ref(total), value, Phase.FORWARD, why))
