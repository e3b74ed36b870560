"""The verbs of the package: load or describe a problem, derive, evaluate, explain.

p = load("net.toml")                    a Problem, or Network(…), Equations(…)
d = derive(p)                           its equations
t = evaluate(d, p)                      the value of every quantity
w = explain(p, of="W1[2,1]")            worked steps, in every format
"""

# A door: what comes in is whatever a user gave, so types are looked at and not believed.
# pyright: reportUnnecessaryIsInstance=false

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from operator import index
from typing import Any, Literal

import numpy as np

from handgrad.calculus.derivation import Derivation
from handgrad.calculus.expr import Symbol
from handgrad.calculus.rewrite import delta_form
from handgrad.errors import InputError, ShapeError
from handgrad.model import loading
from handgrad.model import problem as problems
from handgrad.model.network import Formula, Layer
from handgrad.model.problem import (
    Notation,
    Problem,
    Training,
    equations_problem,
    network_problem,
)
from handgrad.numbers import evaluate as numbers
from handgrad.numbers.evaluate import Trace
from handgrad.numbers.updates import Updates, start
from handgrad.numbers.witness import Check, compare
from handgrad.numbers.worked import (
    Page,
    Remark,
    Section,
    appendix,
    element,
    known_reading,
    sections,
)
from handgrad.render.document import Document
from handgrad.render.text import to_text

__all__ = [
    "Check",
    "Equations",
    "Network",
    "Worked",
    "check",
    "derive",
    "evaluate",
    "explain",
    "load",
]

Array = Any
MOST_STEPS, MOST_DECIMALS = 1_000_000, 12


def load(path: str | os.PathLike[str]) -> Problem:
    """The problem in a TOML file.

    Raises ``FileError`` if it cannot be read and ``ProblemFileError`` with every mistake in it,
    each with line and column.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"load takes the path of a problem file, got {type(path).__name__}.")
    return loading.load(path)


def derive(problem: Problem) -> Derivation:
    """The forward, backward and update equations of a problem.

    Raises ``DerivationError`` where the equations do not fit together.
    """
    _is_problem(problem, "derive")
    return problems.derive(problem)


def Network(
    sizes: Sequence[int],
    *,
    activation: str | Sequence[str] = "sigmoid",
    loss: str | Mapping[str, Any] = "half_squared_error",
    W: Sequence[Array | None] | None = None,
    b: Sequence[Array | Literal[False] | None] | Literal[False] | None = None,
    x: Array = None,
    y: Array = None,
    optimizer: str = "sgd",
    learning_rate: float | None = None,
    steps: int | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    shuffle: bool = False,
    loss_below: float | None = None,
    l2: float = 0.0,
    init: str = "glorot",
    seed: int = 0,
    title: str = "",
    notation: Notation | None = None,
    **options: float,
) -> Problem:
    """A layered network; what is not given is drawn from the seed, biases start at zero.

    ``sizes`` are the numbers of units, inputs first. ``W[l]`` has one row per unit and one column
    per input; ``b[l]`` one number per unit, a single number if the layer shares it, False for none.
    ``x`` and ``y`` have one row per example. ``activation`` is one name (or formula in z) for all
    layers, or one for each. ``options`` are the optimizer's.

    Raises ``InputError`` for an unknown name and ``ShapeError`` where sizes and arrays disagree.

    >>> p = Network(
    ...     [2, 2, 1],
    ...     W=[[[0.2, 0.4], [0.3, 0.7]], [[0.6, -0.1]]],
    ...     b=False,
    ...     x=[[1.1, 2.2]],
    ...     y=[[3.3]],
    ... )
    >>> float(evaluate(derive(p), p)["L"].round(4))
    3.6723
    """
    sizes = _sizes(sizes)
    count, seed = len(sizes) - 1, _whole(seed, "seed", 0)
    names = _each(activation, "activation", count, ())
    biases = _each(b, "b", count, (None, False))
    weights = _each(W, "W", count, (None,))
    _shown(title, notation)
    made = _formula(loss, loading.LOSS_NAMES)
    values = _examples(sizes, x, y, made.name, seed)
    layers: list[Layer] = []
    drawn = loading.layer_sizes(sizes)
    for number, (name, bias, weight) in enumerate(zip(names, biases, weights, strict=True), 1):
        if weight is not None:
            values[Symbol("W", number)] = _array(weight, f"W of layer {number}")
        if bias is not False:
            zeros = np.zeros(sizes[number])
            values[Symbol("b", number)] = (
                zeros if bias is None else _array(bias, f"b of layer {number}")
            )
        kind = (
            "none"
            if bias is False
            else "shared"
            if np.ndim(values[Symbol("b", number)]) == 0
            else "unit"
        )
        layers.append(Layer(_formula(name, loading.ACTIVATION_NAMES), kind))
    missing = [d for d in drawn if d.symbol not in values]
    values |= loading.draw(missing, init, seed)
    for number, size in enumerate(sizes[1:], 1):
        _fits(values, number, (size, sizes[number - 1]))
    _consistent(steps, epochs, batch_size, l2)
    return network_problem(
        layers,
        made,
        values,
        training=Training(
            optimizer=loading.known_optimizer(optimizer, options),
            learning_rate=loading.learning_rate(optimizer, learning_rate),
            options=options,
            steps=steps,
            epochs=epochs,
            batch_size=batch_size,
            shuffle=shuffle,
            loss_below=loss_below,
            l2=l2,
        ),
        seed=seed,
        title=title,
        notation=notation or Notation(),
    )


def _is_problem(given: object, verb: str) -> None:
    if not isinstance(given, Problem):
        raise InputError(
            f"{verb} takes a Problem, from load, Network or Equations; got {type(given).__name__}."
        )


def _shown(title: object, notation: object) -> None:
    if not isinstance(title, str) or not isinstance(notation, Notation | None):
        raise InputError("title is a text, and notation a handgrad.Notation.")


def _whole(value: object, what: str, least: int) -> int:
    """A whole number of at least ``least``; NumPy's integers count."""
    try:
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or number < least:
        raise InputError(f"{what} is {value!r:.60}; a whole number from {least} up is expected.")
    return number


def _each(given: Any, what: str, count: int, alone: tuple[Any, ...]) -> list[Any]:
    """One entry for each layer: a list, or one of ``alone`` for all layers."""
    if any(given is single for single in alone) or isinstance(given, str | Mapping):
        return [given] * count
    try:
        entries = list(given)
    except TypeError:
        raise InputError(
            f"{what} is {given!r:.60}; a list with one entry per layer is expected."
        ) from None
    if len(entries) != count:
        raise InputError(f"{what} has {len(entries)} entries for {count} layers.")
    return entries


def drawn_network(
    sizes: Sequence[int], examples: int, *, activation: str, loss: str, seed: int
) -> Problem:
    """A network whose weights and data are all drawn from the seed."""
    known = _sizes(sizes)
    data = _examples(known, None, None, loss, seed, examples)
    name = "-".join(map(str, known))
    layers = [activation] * (len(known) - 1)
    if loss == "cross_entropy":
        layers[-1] = "softmax"
    return Network(
        known,
        activation=layers,
        loss=loss,
        x=data[Symbol("x")],
        y=data[Symbol("y")],
        seed=seed,
        title=f"A {name} network, numbers drawn from seed {seed}",
    )


def _sizes(sizes: Sequence[int]) -> list[int]:
    limits = loading.Limits()
    try:
        units = [_whole(size, "a number of units", 1) for size in sizes]
    except TypeError:
        raise InputError(f"sizes is {sizes!r:.60}; a list such as [2, 2, 1] is expected.") from None
    if len(units) < 2:
        raise InputError(f"A network needs inputs and at least one layer, got sizes {units}.")
    if len(units) - 1 > limits.layers or max(units) > limits.units:
        raise loading.LimitError(
            f"At most {limits.layers} layers of {limits.units:,} units are accepted."
        )
    parameters = sum((inputs + 1) * outputs for inputs, outputs in pairwise(units))
    if parameters > limits.parameters:
        raise loading.LimitError(
            f"{parameters:,} parameters; at most {limits.parameters:,} are accepted."
        )
    return units


def _fits(values: Mapping[Symbol, Array], number: int, shape: tuple[int, int]) -> None:
    """Whether the weights of a layer have the shape that its sizes ask for."""
    found = np.shape(values[Symbol("W", number)])
    if found != shape:
        written, wanted = ("×".join(map(str, s)) or "a single number" for s in (found, shape))
        raise ShapeError(
            f"W of layer {number} is {written}; its sizes ask for {wanted}, one row per unit and "
            "one column per input."
        )


def _consistent(steps: int | None, epochs: int | None, batch_size: int | None, l2: float) -> None:
    """The checks of a problem file's [training], for what is given in Python."""
    if steps is not None and epochs is not None:
        raise InputError("steps and epochs are both given. Give one of them.")
    for value, what, least in (
        (steps, "steps", 0),
        (epochs, "epochs", 0),
        (batch_size, "batch_size", 1),
    ):
        if value is not None:
            _whole(value, what, least)
    if not isinstance(l2, int | float) or not 0 <= l2 < float("inf"):
        raise InputError(f"l2 is {l2!r:.60}; a number from 0 up is expected.")


def _array(value: Array, what: str) -> Array:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{what} must be an array of numbers with rows of equal length.") from None
    if not np.isfinite(array).all():
        place = ", ".join(str(n + 1) for n in np.argwhere(~np.isfinite(array))[0])
        where = f" at [{place}]" if place else ""
        raise InputError(f"{what} is not finite{where}. Give finite numbers.")
    return array


def _examples(
    sizes: list[int], x: Array, y: Array, loss: str, seed: int, rows: int = 1
) -> dict[Symbol, Array]:
    """The data: as given, or drawn with two decimals, so that one can calculate with them."""
    given = {what: _array(value, what) for what, value in (("x", x), ("y", y)) if value is not None}
    rows = next((len(value) for value in given.values() if value.ndim), rows)
    rng = np.random.default_rng([seed, 2])
    inputs = rng.uniform(-1, 1, (rows, sizes[0])).round(2)
    if loss == "binary_cross_entropy":
        targets = rng.integers(2, size=(rows, sizes[-1])).astype(float)
    elif loss == "cross_entropy":
        targets = np.eye(sizes[-1])[rng.integers(sizes[-1], size=rows)]
    else:
        targets = rng.uniform(0, 1, (rows, sizes[-1])).round(2)
    return {Symbol("x"): given.get("x", inputs), Symbol("y"): given.get("y", targets)}


def _number(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{what} is {value!r:.60}; a number is expected.")
    return float(value)


def _formula(given: str | Mapping[str, Any], known: Sequence[str]) -> Formula:
    if not isinstance(given, str | Mapping):
        raise InputError(f"{given!r:.60} is neither a name, a formula nor a table with a name.")
    if isinstance(given, str):
        return Formula(given) if given in known or given.isidentifier() else Formula(text=given)
    if "name" not in given:
        raise InputError(
            f"{dict(given)!r:.60} needs a name, such as {{'name': 'huber', 'delta': 1.0}}."
        )
    options = {k: _number(v, k) for k, v in given.items() if k not in ("name", "reduce")}
    return Formula(str(given.get("name", "")), options, reduce=str(given.get("reduce", "")))


def Equations(
    forward: str,
    *,
    loss: str,
    parameters: Mapping[str, Array],
    data: Mapping[str, Array] | None = None,
    frozen: Sequence[str] = (),
    reduce: Literal["sum", "mean"] = "sum",
    optimizer: str = "sgd",
    learning_rate: float | None = None,
    title: str = "",
    notation: Notation | None = None,
    **options: float,
) -> Problem:
    r"""A problem written as forward equations, one a line.

    A data entry with one axis more than its use in the equations has one row per example; then
    ``reduce`` says whether the loss is the sum or the mean over the examples.

    Raises ``LanguageError`` with line and column for a text that is no equation, ``DerivationError``
    for names or indices that do not fit together.

    >>> p = Equations(
    ...     "z = w*x + b\nE = (T - z)**2 / 2",
    ...     loss="E",
    ...     parameters={"w": 2.0, "b": 0.5},
    ...     data={"x": 3.0, "T": 7.0},
    ... )
    >>> float(evaluate(derive(p), p)["dE/dw"])
    -1.5
    """
    if not isinstance(forward, str) or not isinstance(loss, str):
        raise InputError("forward and loss are texts: the equations, and the name of the loss.")
    _shown(title, notation)
    if not all(isinstance(given, Mapping) for given in (parameters, data or {})):
        raise InputError("parameters and data map names to numbers or arrays.")
    return equations_problem(
        forward,
        loss,
        {str(k): _array(v, str(k)) for k, v in parameters.items()},
        {str(k): _array(v, str(k)) for k, v in (data or {}).items()},
        frozen=frozen,
        reduce=reduce,
        training=Training(
            optimizer=loading.known_optimizer(optimizer, options),
            learning_rate=loading.learning_rate(optimizer, learning_rate),
            options=options,
        ),
        title=title,
        notation=notation or Notation(),
    )


def evaluate(derivation: Derivation, problem: Problem, dtype: Any = np.float64) -> Trace:
    """Every quantity of the first update: ``trace["dL/dW1"]`` is an array.

    Raises ``ShapeError`` where arrays do not fit, ``NumericError`` where a number is not finite.
    """
    _is_problem(problem, "evaluate")
    return numbers.evaluate(derivation, start(problem, derivation), _float_type(dtype))


def _float_type(dtype: Any) -> Any:
    known = {"float32": np.float32, "float64": np.float64}
    try:
        return known[np.dtype(dtype).name]
    except (TypeError, KeyError):
        raise InputError(f"dtype is {dtype!r:.60}; it may be float64 or float32.") from None


def check(
    problem: Problem,
    *,
    gradient: Mapping[str, Array] | Callable[[dict[str, Array]], Mapping[str, Array]] | None = None,
) -> Check:
    """Compare gradients with independent derivatives: the derivation's, or somebody else's.

    ``gradient`` maps ``"W1"`` (or ``"dL/dW1"``) to an array of the parameter's shape; or it is a
    function that takes all given arrays by name, data included, and returns such a mapping. The
    result says which witness was used and names every element that disagrees; ``.agrees`` is the
    answer. An element at a kink of the loss is never called wrong.

    Raises ``InputError`` for a name that is no parameter, ``ShapeError`` for a wrong shape.

    >>> p = Network([2, 1], W=[[[0.5, -0.25]]], b=[[0.1]], x=[[1.0, 2.0]], y=[[1.0]])
    >>> check(p).agrees
    True
    >>> check(p, gradient={"W1": [[0.0, 0.0]], "b1": [0.0]}).wrong[0].element.indices
    (1, 1)
    """
    _is_problem(problem, "check")
    derivation = derive(problem)
    values = start(problem, derivation)
    if gradient is None:
        trace = numbers.evaluate(derivation, values)
        found = {s: trace[s.gradient(problem.loss)] for s in derivation.parameters}
        return compare(derivation, found, values)
    if callable(gradient):
        gradient = gradient({str(s): np.array(v) for s, v in values.items()})
    known = {str(s): s for s in derivation.parameters}
    known |= {str(s.gradient(problem.loss)): s for s in derivation.parameters}
    unknown = [name for name in gradient if name not in known]
    if unknown:
        there = ", ".join(map(str, derivation.parameters))
        raise InputError(f"There is no parameter {unknown[0]!r:.60}. There are {there}.")
    arrays = {known[k]: _array(v, f"the gradient of {known[k]}") for k, v in gradient.items()}
    return compare(derivation, arrays, values)


@dataclass(frozen=True)
class Worked:
    """Worked steps of a problem, ready for every format; shows itself in a notebook."""

    problem: Problem
    derivation: Derivation
    traces: tuple[tuple[int, Trace], ...]
    run: Updates
    reading: str
    of: str | None
    symbols_only: bool
    full: bool
    appendix: bool
    carried: bool

    @property
    def stopped(self) -> bool:
        """Whether the threshold of the loss ended the run before all steps were done."""
        return self.run.stopped

    @cached_property
    def final(self) -> Trace:
        """The forward pass after the last update."""
        return self.run.final()

    @cached_property
    def document(self) -> Document:
        """The document that all formats are written from."""
        parts: list[Section] = []
        for step, trace in self.traces:
            digits = self.problem.notation.digits
            page = Page(
                self.problem,
                self.derivation,
                trace,
                self.reading,
                self.symbols_only,
                self.full,
                None if self.carried else 4 if digits is None else digits,
            )
            of = element(self.problem, trace, self.of) if self.of else None
            made = self._with_batch(step, sections(page, of))
            named = len(self.traces) > 1 or step > 1
            parts += [replace(s, title=f"Step {step}: {s.title}") for s in made] if named else made
            if self.symbols_only:
                break
        if self.appendix:
            parts += appendix(self.derivation)
        return Document.of(self.problem, tuple(parts))

    def _with_batch(self, step: int, made: tuple[Section, ...]) -> tuple[Section, ...]:
        """Say first which examples the step used, where it did not use all of them in order."""
        used = [int(row) + 1 for row in self.run.batch(step)]
        if used == list(range(1, self.problem.examples + 1)) or not made:
            return made
        listed = ", ".join(map(str, used[:12])) + (", …" if len(used) > 12 else "")
        said = Remark(
            f"This update uses {len(used)} of {self.problem.examples} examples: {listed}."
        )
        return (replace(made[0], items=(said, *made[0].items)), *made[1:])

    def to_text(self, width: int = 88) -> str:
        """Plain text, wrapped to ``width`` columns."""
        return to_text(self.document, width)

    def to_markdown(self) -> str:
        """Markdown with LaTeX between dollar signs."""
        from handgrad.render.markdown import to_markdown

        return to_markdown(self.document)

    def to_latex(self, *, whole: bool = True) -> str:
        """A complete LaTeX document, or a fragment for one that loads amsmath."""
        from handgrad.render.latex import fragment, to_latex

        return to_latex(self.document) if whole else fragment(self.document)

    def to_json(self) -> str:
        """Equations, the values of every step in full precision, and the final state."""
        from handgrad.render.json import to_json

        return to_json(self.problem, self.derivation, self.traces, self.final)

    def _repr_markdown_(self) -> str:
        return self.to_markdown()

    def _repr_latex_(self) -> str:
        return self.to_latex(whole=False)

    def __str__(self) -> str:
        return self.to_text()


def explain(
    problem: Problem,
    *,
    of: str | None = None,
    steps: int = 1,
    step: int | None = None,
    reading: str | None = None,
    symbols_only: bool = False,
    full: bool = False,
    appendix: bool | None = None,
    carry: int | None = None,
    dtype: Any = np.float64,
) -> Worked:
    """The worked solution of a problem's first updates.

    ``of`` names a quantity or element (``"W1[2,1]"``); ``steps`` how many updates, or ``step`` which
    single one. ``reading`` of the backward pass: ``steps``, ``chain``, ``delta`` or ``matrix``; left
    out, the problem's own. A large problem is summarised unless ``full``. ``appendix`` adds the
    derivation of each activation's derivative, line by line. ``carry`` rounds every line to that
    many decimals and goes on with the rounded numbers, as one does in an exam.

    Raises ``InputError`` for a quantity or reading that does not exist.
    """
    _is_problem(problem, "explain")
    wanted = steps if step is None else step
    if type(wanted) is not int or not 0 < wanted <= MOST_STEPS:
        raise InputError(f"Steps run from 1 to {MOST_STEPS:,}, got {wanted}.")
    if of is not None and not isinstance(of, str):
        raise InputError(f"of is {of!r:.60}; it is a name such as 'W1[2,1]'.")
    derivation = derive(problem)
    if carry is not None and reading == "chain":
        raise InputError("Rounded numbers are carried in the readings steps and delta, not chain.")
    reading = known_reading(reading or problem.notation.backward)
    if carry is not None:
        if not 0 <= carry <= MOST_DECIMALS:
            raise InputError(f"carry is {carry}; it may be 0 to {MOST_DECIMALS} decimals.")
        reading = "steps" if reading == "chain" else reading
        derivation = delta_form(derivation) if reading == "delta" else derivation
        shown = replace(problem.notation, digits=carry, significant=None)
        problem = replace(problem, notation=shown)
    run = Updates(problem, derivation, wanted, _float_type(dtype), carry)
    traces = tuple((n, trace) for n, trace in enumerate(run, 1) if step is None or n == step)
    if not traces and not run.done and wanted == 1:
        traces = ((1, numbers.evaluate(derivation, run.values(1), dtype, carry)),)
    if not traces:
        reached = f"the loss is below {problem.training.loss_below} after {run.done} updates"
        raise InputError(f"There is no step {wanted}: {reached}, and training stops.")
    worked = Worked(
        problem,
        derivation,
        traces,
        run,
        reading,
        of,
        symbols_only,
        full,
        problem.notation.appendix and of is None if appendix is None else appendix,
        carry is not None,
    )
    if of is not None:
        element(problem, traces[0][1], of)
    return worked
