"""Random problems from a seed, and what every one of them must satisfy.

    python -m tests.random_problems --count 10000        prints a summary; exit status 1 if any disagrees

A problem is a layered network or a list of equations written as text. ``complaints`` derives it and
returns one sentence for each thing that does not hold: against JAX, against a complex step, in the
language, in the worked lines, in the chain of factors.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from multiprocessing import get_context
from typing import Any

import numpy as np
from tests.oracles import complex_step, jax_oracle

from handgrad.calculus.derivation import Derivation, Phase, validate
from handgrad.calculus.expr import Partial, Product, Ref, Sum, Symbol, Value, walk
from handgrad.errors import DerivationError, HandgradError, NumericError
from handgrad.language.reading import parse_equations
from handgrad.language.writing import name, text
from handgrad.model.axes import with_axes
from handgrad.model.network import ACTIVATIONS, Formula, Layer
from handgrad.model.problem import Problem, derive, equations_problem, network_problem
from handgrad.numbers.evaluate import Trace, evaluate, value_of
from handgrad.numbers.lines import DOTS, line
from handgrad.numbers.paths import Chain, chain
from handgrad.numbers.updates import start
from handgrad.rewrites.delta import delta_form
from handgrad.rewrites.names import inlined

Array = Any
Values = Mapping[Symbol, Array]


@dataclass(frozen=True)
class Case:
    """A random problem. ``smooth`` is false where values were put on kinks: only JAX is asked."""

    seed: int
    kind: str
    problem: Problem
    derivation: Derivation
    trace: Trace
    smooth: bool = True


def random_case(seed: int) -> Case:
    """The problem of a seed: every third one is a network, the others are equations."""
    rng = np.random.default_rng([seed, 20])
    smooth = bool(rng.random() > 0.1)
    kind, draw = ("network", random_network) if seed % 3 == 0 else ("equations", random_equations)
    for _ in range(100):
        try:
            problem = draw(rng, smooth=smooth)
            derivation = validate(derive(problem))
            trace = evaluate(derivation, start(problem, derivation))
        except (DerivationError, NumericError):
            continue  # a sum over nothing, or a number outside a domain
        if max(np.max(np.abs(v), initial=0) for v in trace.arrays.values()) < 1e6:
            return Case(seed, kind, problem, derivation, trace, smooth)
    raise AssertionError("no problem in 100 attempts")


# --- layered networks ------------------------------------------------------------------------

OWN_ACTIVATIONS = (
    "z*sigmoid(z)",
    "log(1 + exp(z))",
    "max(0, z) - 0.2*max(0, -z)",
    "z/(1 + abs(z))",
)
OWN_LOSSES = ("(a - y)**4/4", "log(1 + (a - y)**2)", "abs(a - y)**1.5", "sqrt(1 + (a - y)^2) - 1")
LAST = {"cross_entropy": ("softmax", "sigmoid"), "binary_cross_entropy": ("sigmoid", "softmax")}


def random_network(rng: np.random.Generator, *, smooth: bool) -> Problem:
    examples = int(rng.integers(1, 6))
    units = [int(rng.integers(1, 6)) for _ in range(int(rng.integers(1, 5)) + 1)]
    loss = _random_loss(rng)
    layers: list[Layer] = []
    values: dict[Symbol, Array] = {Symbol("x"): _numbers(rng, (examples, units[0]), smooth)}
    for n, (before, here) in enumerate(pairwise(units), 1):
        last = LAST.get(loss.name, ()) if n == len(units) - 1 else ()
        last = (
            ("sigmoid",) if last and here == 1 else last
        )  # softmax of one number is 1: log(1 - 1)
        bias = str(rng.choice(["unit", "unit", "shared", "none"]))
        layers.append(
            Layer(
                _random_activation(rng, last),
                bias,
                train_weight=bool(rng.random() > 0.1) or n == 1,
                train_bias=bool(rng.random() > 0.15),
            )
        )
        values[Symbol("W", n)] = _numbers(rng, (here, before), smooth)
        if bias != "none":
            values[Symbol("b", n)] = _numbers(rng, () if bias == "shared" else (here,), smooth)
    values[Symbol("y")] = _random_target(rng, loss.name, (examples, units[-1]), smooth)
    problem = network_problem(layers, loss, values)
    if rng.random() < 0.3:
        training = replace(problem.training, l2=0.1)
        problem = network_problem(layers, loss, values, training=training)
    return problem


def _random_activation(rng: np.random.Generator, among: tuple[str, ...] = ()) -> Formula:
    if not among and rng.random() < 0.1:
        return Formula(text=str(rng.choice(OWN_ACTIVATIONS)))
    chosen = str(rng.choice(among or list(ACTIVATIONS)))
    options = {option: round(float(rng.uniform(0.05, 1)), 2) for option in ACTIVATIONS[chosen]}
    return Formula(chosen, options if rng.random() < 0.5 else {})


def _random_loss(rng: np.random.Generator) -> Formula:
    names = ("half_squared_error", "squared_error", "half_mean_squared_error", "mean_squared_error")
    names += ("mean_absolute_error", "huber", "binary_cross_entropy", "cross_entropy")
    reduce = str(rng.choice(["", "", "sum", "mean"]))
    if rng.random() < 0.1:
        return Formula(text=str(rng.choice(OWN_LOSSES)), reduce=reduce)
    chosen = str(rng.choice(names + names[-1:] * 2))
    options = {"delta": 0.5} if chosen == "huber" and rng.random() < 0.5 else {}
    return Formula(chosen, options, reduce=reduce)


def _random_target(
    rng: np.random.Generator, loss: str, shape: tuple[int, int], smooth: bool
) -> Array:
    """Targets valid for the loss: one-hot rows, rows that add up to 1, or rows that do not."""
    if loss not in LAST:
        return _numbers(rng, shape, smooth)
    kind = rng.random()
    if kind < 0.6:
        return np.eye(shape[1])[rng.integers(0, shape[1], shape[0])]
    if kind < 0.8:
        return rng.integers(0, 2, shape).astype(float)
    return np.round(rng.uniform(0.05, 0.95, shape), 2)


def _numbers(rng: np.random.Generator, shape: tuple[int, ...], smooth: bool = True) -> Array:
    """Numbers away from 0; or a few round ones, so that ties and zeros come about."""
    if not smooth:
        return rng.choice([-1.0, 0.0, 0.0, 0.5, 1.0], size=shape)
    return np.round(rng.uniform(0.1, 1.5, shape) * rng.choice([-1, 1], size=shape), 9)


# --- equations as text -----------------------------------------------------------------------

UNARY = (
    "tanh({})", "sigmoid({})", "relu({})", "abs({})", "softplus({})", "silu({})", "gelu({})",
    "elu({}, 0.7)", "leaky_relu({}, 0.1)", "huber({}, 0.8)", "log_sigmoid({})", "erf({})",
    "arctan({})", "exp(tanh({}))", "log(1.2 + ({})^2)", "sqrt(0.5 + ({})**2)", "normal_cdf({})",
    "normal_pdf({})", "sech({})", "expm1(tanh({}))", "σ({})", "-({})", "({})²/2", "½·({})",
    "gelu_tanh({})", "mish({})", "selu({})", "softsign({})", "hard_sigmoid({})", "hard_tanh({})",
    "hard_silu({})", "sin({})", "cos({})", "gaussian({}, 0.4)", "gelu_gate({}, 0.9)",
    "identity({})", "1/(1 + exp(-({})))", "max(0, {})", "min({}, 0.3)", "tanh({})³", "−{}/3",
)  # fmt: skip
BINARY = (
    "({} + {})", "({} − {})", "{}*{}", "{}·{}", "({})/(1 + ({})^2)", "max({}, {})", "min({}, {})",
    "(0.5 + ({})^2)^tanh({})", "sigmoid({})**(1 + ({})²)", "leaky_relu({}, {})",
    "gaussian({}, {})", "gelu_gate({}, {})",
    "huber({}, 0.2 + abs({}))", "({} - {})^2", "elu({}, {})", "2^tanh({} + {})",
)  # fmt: skip
FORMS = ("sum({0}, {1})", "Σ_{0} ({1})")


@dataclass
class _Author:
    """Writes equations over quantities it knows; letters are taken again wherever that is allowed."""

    rng: np.random.Generator
    sizes: dict[str, int]  # kinds of axes: how long each is
    shapes: dict[str, tuple[str, ...]]  # quantity: the kinds of its axes

    def pick(self, items: Any) -> Any:
        return items[int(self.rng.integers(len(items)))]

    def letter(self, scope: Mapping[str, str]) -> str:
        """A letter for a new sum: used before in a sibling as a rule, hiding an outer one at times."""
        free = [c for c in "ijkl" if c not in scope]
        return self.pick("ij") if not free or self.rng.random() < 0.1 else free[0]

    def reference(self, scope: Mapping[str, str], through: str = "") -> str:
        """A quantity whose indices are all in scope, or constant; one that uses ``through`` if asked."""
        kind = scope.get(through)
        fitting = [q for q, axes in self.shapes.items() if kind in axes] if kind else []
        quantity = self.pick(fitting or list(self.shapes))
        places: list[str] = []
        for axis in self.shapes[quantity]:
            letters = [c for c, k in scope.items() if k == axis]
            constant = not letters or self.rng.random() < 0.15
            places.append(
                str(self.rng.integers(1, self.sizes[axis] + 1)) if constant else self.pick(letters)
            )
        if kind and through not in places and fitting:
            places[self.shapes[quantity].index(kind)] = through
        return f"{quantity}[{','.join(places)}]" if places else quantity

    def scalar(self, scope: Mapping[str, str], depth: int) -> str:
        """An expression whose open indices are in scope."""
        chance = self.rng.random()
        if depth <= 0 or chance < 0.12:
            return self.reference(scope)
        if chance < 0.35:
            return self.pick(UNARY).format(self.scalar(scope, depth - 1))
        if chance < 0.58:
            return self.pick(BINARY).format(
                self.scalar(scope, depth - 1), self.scalar(scope, depth - 1)
            )
        if chance < 0.7:
            return self.contraction(scope)
        if chance < 0.85:
            return self.total(scope, depth)
        return self.along(scope, depth)

    def opened(self, scope: Mapping[str, str]) -> tuple[str, str, dict[str, str]]:
        """A new letter, a reference that uses it, and the scope below."""
        letter, kind = self.letter(scope), self.pick([k for s in self.shapes.values() for k in s])
        inner = {**scope, letter: kind}
        return letter, self.reference(inner, letter), inner

    def total(self, scope: Mapping[str, str], depth: int) -> str:
        letter, anchor, inner = self.opened(scope)
        body = f"{anchor}·{self.scalar(inner, depth - 1)}"
        if self.rng.random() < 0.3:
            body = f"({self.scalar(inner, depth - 1)} - {anchor})"
        if self.rng.random() < 0.15:  # the range comes from one place, the term from another
            outer = {c: kind for c, kind in scope.items() if c != letter}
            body = f"({self.scalar(outer, 0)} + 0.1·{anchor})"
        return "(" + self.pick(FORMS).format(letter, body) + ")"

    def contraction(self, scope: Mapping[str, str]) -> str:
        """v·x, its square, vᵀAv, or the same with a matrix read twice."""
        i, first, inner = self.opened(scope)
        second = self.reference(inner, i)
        form = int(self.rng.integers(5))
        if form == 0:
            return f"(sum({i}, {first}*{second}))^2"
        if form == 1:
            j, third, deeper = self.opened(inner)
            if j in inner:  # it would hide a letter that the first factor uses
                return f"(Σ_{i} {first})"
            return f"(Σ_{i},{j} {first}·{self.reference(deeper, j)}·{third})"
        if form == 2:
            return f"(log(Σ_{i} exp({first})))"
        if form == 3:
            return f"(Σ_{i} {first}·{second} − Σ_{i} {first}²)"
        return f"(sum({i}, {first}*{second}))"

    def along(self, scope: Mapping[str, str], depth: int) -> str:
        """softmax, log_softmax, logsumexp and max along an index, read here or elsewhere."""
        letter, anchor, inner = self.opened(scope)
        body = f"{anchor} + {self.scalar(inner, depth - 2)}" if self.rng.random() < 0.5 else anchor
        form = self.rng.random()
        if form < 0.2:
            return f"logsumexp({letter}, {body})"
        if form < 0.4:
            return f"max({letter}, {body})"
        function = self.pick(("softmax", "log_softmax"))
        same = [c for c, kind in scope.items() if kind == inner[letter]]
        if same and form < 0.8:
            at = self.pick(same)
            if self.rng.random() < 0.5 and letter not in scope:
                return f"{function}({letter}, {body})[{at}]"
            return f"{function}({at}, {self.reference(scope, at)})"
        return (
            f"{function}({letter}, {body})[{self.rng.integers(1, self.sizes[inner[letter]] + 1)}]"
        )


RECURRENCE = """\
h1[j] = tanh(sum(i, U[j,i]*x1[i]) + sum(k, V[j,k]*h0[k]))
h2[j] = tanh(sum(i, U[j,i]*x2[i]) + sum(k, V[j,k]*h1[k]))
h3[k] = tanh(sum(i, U[k,i]*x1[i]) + sum(j, V[k,j]*h2[j]) + h1[k])
E = sum(k, (h3[k] - t[k])^2)/2 + sum(j, h2[j]*h3[j])
"""


def random_equations(rng: np.random.Generator, *, smooth: bool) -> Problem:
    return _recurrence(rng, smooth) if rng.random() < 0.05 else _written(rng, smooth)


def _recurrence(rng: np.random.Generator, smooth: bool) -> Problem:
    size, inputs = (int(n) for n in rng.integers(1, 4, 2))
    shapes = {"U": (size, inputs), "V": (size, size), "h0": (size,)}
    data = {"x1": (inputs,), "x2": (inputs,), "t": (size,)}
    rows = (int(rng.integers(1, 4)),) if rng.random() < 0.5 else ()
    return equations_problem(
        RECURRENCE,
        "E",
        {k: _numbers(rng, v, smooth) for k, v in shapes.items()},
        {k: _numbers(rng, (*rows, *v) if k != "t" else v, smooth) for k, v in data.items()},
        reduce=str(rng.choice(["sum", "mean"])),
    )


def _written(rng: np.random.Generator, smooth: bool) -> Problem:
    sizes = {"p": int(rng.integers(1, 4)), "q": int(rng.integers(1, 4))}
    known = {
        "w": (),
        "u": (),
        "v": ("p",),
        "A": ("p", "p"),
        "B": ("q", "p"),
        "x": ("p",),
        "c": ("q",),
        "s": (),
        "C": ("p", "q"),
    }
    names = [n for n in known if rng.random() < 0.7 or n in ("v", "A", "x")]
    given = {n: known[n] for n in names}
    author = _Author(rng, sizes, dict(given))
    lines: list[str] = []
    for n in range(1, int(rng.integers(1, 5))):
        axes = tuple(str(k) for k in rng.choice(["p", "q"], size=int(rng.choice([0, 0, 1, 1, 2]))))
        letters = [str(c) for c in rng.choice(list("ijk"), size=len(axes), replace=False)]
        written = author.scalar(dict(zip(letters, axes, strict=True)), 3)
        squash = "tanh({})" if rng.random() < 0.5 else "{}"
        left = f"h{n}[{','.join(letters)}]" if axes else f"h{n}"
        lines.append(f"{left} = {squash.format(written)}")
        author.shapes[f"h{n}"] = axes
    used = " + ".join(_scalar_of(author, q) for q in author.shapes if q.startswith("h"))
    lines.append(
        f"E = {used or 's'} + {author.scalar({}, 3)}" if used else f"E = {author.scalar({}, 4)}"
    )
    data = [n for n in ("x", "c", "s") if n in given]
    rows = (int(rng.integers(1, 4)),) if rng.random() < 0.4 else ()
    with_rows = {n for n in data if rows and rng.random() < 0.7}

    def value(n: str) -> Array:
        shape = tuple(sizes[k] for k in given[n])
        return _numbers(rng, (*rows, *shape) if n in with_rows else shape, smooth)

    parameters = {n: value(n) for n in given if n not in data}
    return equations_problem(
        "\n".join(lines),
        "E",
        parameters,
        {n: value(n) for n in data},
        frozen=[n for n in parameters if n != "v" and rng.random() < 0.1],
        reduce=str(rng.choice(["sum", "mean"])),
    )


def _scalar_of(author: _Author, quantity: str) -> str:
    axes = author.shapes[quantity]
    if not axes:
        return f"{quantity}^2"
    letters = "ij"[: len(axes)]
    other = author.reference(dict(zip(letters, axes, strict=True)))
    inside = ",".join(letters)
    return f"sum({inside}, {quantity}[{inside}]·{other})"


# --- what must hold --------------------------------------------------------------------------

# Ours and the complex step are worked out in extended precision, JAX in float64: what is left is
# JAX's rounding, multiplied by cancellation in the problem itself (a difference of nearly equal
# sums). Per element: CLOSE of itself, plus CLOSE/1000 of the largest number of the backward pass,
# which is what rounding leaves of a gradient that is 0.
CLOSE = 1e-11
DIFFERENCES = 1e-6  # central differences: eps^(2/3), times the third derivative


def complaints(case: Case, *, deep: bool = True) -> list[str]:
    """One sentence for each thing that does not hold; ``deep`` includes language, lines and chains."""
    derivation, trace = case.derivation, case.trace
    found = list(gradient_complaints(case))
    if deep:
        rng = np.random.default_rng([case.seed, 21])
        found += language_complaints(derivation, trace)
        found += line_complaints(derivation, trace, rng)
        found += chain_complaints(case, rng)
        found += delta_complaints(derivation, trace)
    return [f"seed {case.seed} ({case.kind}): {said}" for said in found]


def gradient_complaints(case: Case, *, compiled: bool = False) -> Iterator[str]:
    """The derived gradients against JAX and against evaluation alone."""
    problem, derivation, trace = case.problem, case.derivation, case.trace
    loss, parameters = problem.loss, problem.parameters
    values = start(problem, derivation)
    ours = {s: trace[s.gradient(loss)] for s in parameters}
    value, jax = jax_oracle.gradients(problem.forward, loss, parameters, values, compiled=compiled)
    backward = (trace[e.lhs.symbol] for e in derivation.phase(Phase.BACKWARD))
    scale = max(1.0, *(float(np.max(np.abs(g), initial=0)) for g in backward))  # dL/dL is 1
    if abs(float(trace[loss]) - value) > CLOSE * max(abs(value), 1.0):
        yield f"{loss} is {float(trace[loss])!r}; JAX has {value!r}"
    yield from _compared("JAX", ours, jax, CLOSE, scale)
    if not case.smooth:
        return
    if complex_step.is_analytic(problem.forward):
        witness = complex_step.complex_step(problem.forward, loss, parameters, values)
        yield from _compared("the complex step", ours, witness, CLOSE, scale)
    else:
        both = complex_step.central_difference(problem.forward, loss, parameters, values)
        clear = {
            s: np.where(apart < 1e-3 * (1 + scale), d, ours[s]) for s, (d, apart) in both.items()
        }
        yield from _compared("the central difference", ours, clear, DIFFERENCES, 1 + scale)


def _compared(
    witness: str,
    ours: Mapping[Symbol, Array],
    theirs: Mapping[Symbol, Array],
    close: float,
    scale: float,
) -> Iterator[str]:
    for symbol, expected in theirs.items():
        got = ours[symbol]
        if got.shape != expected.shape:
            yield f"the gradient of {symbol} has the shape {got.shape}; {witness} has {expected.shape}"
            continue
        # per element: relative to itself too, so that one wrong small number among large ones shows
        allowed = close * (1e-3 * scale + np.abs(expected))
        for place in np.argwhere(~(np.abs(got - expected) <= allowed)):
            at = tuple(int(n) for n in place)
            yield (
                f"d/d{name(Ref(symbol, tuple(n + 1 for n in at)))} is {float(got[at])!r}; "
                f"{witness} has {float(expected[at])!r} (largest gradient {scale:.3g})"
            )
            break


def language_complaints(derivation: Derivation, trace: Trace) -> Iterator[str]:
    """Every equation is read back from its text: to the same text, and to the same numbers."""
    names = {str(s): s for s in (*derivation.givens, *(e.lhs.symbol for e in derivation.equations))}
    ranks: dict[Symbol, int] = dict(derivation.givens)
    for equation in derivation.equations:
        written = f"{text(equation.lhs)} = {text(equation.rhs)}"
        (again,) = parse_equations(written, str(derivation.loss), names, equation.phase)
        if again.lhs != equation.lhs or text(again.rhs) != text(equation.rhs):
            yield f"{written!r} is read as {text(again.lhs)} = {text(again.rhs)}"
        given = dict(ranks)
        ranks[equation.lhs.symbol] = len(equation.lhs.indices)
        try:
            (placed,) = with_axes([again], given)
        except DerivationError:
            continue  # a sum over an absent index: the text alone does not say how far it runs
        alone = Derivation((placed,), given, placed.lhs.symbol)
        values = {s: trace[s] for s in given}
        yield from _same(
            written, evaluate(alone, values)[placed.lhs.symbol], trace[equation.lhs.symbol]
        )


def _same(what: str, got: Array, expected: Array, close: float = 1e-9) -> Iterator[str]:
    scale = max(float(np.max(np.abs(expected), initial=0)), 1e-3)
    if (
        np.shape(got) != np.shape(expected)
        or np.max(np.abs(got - expected), initial=0) > close * scale
    ):
        yield f"{what} comes to {got!r} instead of {expected!r}"


def line_complaints(
    derivation: Derivation, trace: Trace, rng: np.random.Generator, lines: int = 6
) -> Iterator[str]:
    """Some worked lines: every part of a line has its value, and that is the trace's."""
    for _ in range(lines):
        equation = derivation.equations[int(rng.integers(len(derivation.equations)))]
        array = trace[equation.lhs.symbol]
        if array.size == 0:
            continue
        place = tuple(int(rng.integers(n)) for n in array.shape)
        worked = line(equation, tuple(n + 1 for n in place), trace.arrays)
        if worked.value != float(array[place]):
            yield f"the line of {text(worked.lhs)} ends in {worked.value!r}, not {float(array[place])!r}"
        yield from part_complaints(worked.lhs, worked.parts, trace.arrays)


def part_complaints(lhs: Any, parts: tuple[Any, ...], values: Values) -> Iterator[str]:
    last = parts[-1].value
    for part in parts[:-1]:
        if DOTS in walk(part):
            continue
        got = float(value_of(part, values))
        sizes = [abs(n.value) for n in walk(part) if isinstance(n, Value)]
        if not abs(got - last) <= 1e-9 * max(abs(last), *sizes, 1e-3):
            yield f"the line of {text(lhs)} has the part {text(part)} = {got!r} before {last!r}"


def chain_complaints(case: Case, rng: np.random.Generator, chains: int = 2) -> Iterator[str]:
    """Some chains: the value is the gradient, and the sum of the products of the factors' values."""
    derivation, trace = case.derivation, case.trace
    forward = derivation.phase(Phase.FORWARD)
    if case.problem.per_example:
        forward = inlined(forward, case.problem.per_example)
    for _ in range(chains):
        symbol = case.problem.parameters[int(rng.integers(len(case.problem.parameters)))]
        place = tuple(int(rng.integers(n)) for n in trace[symbol].shape)
        target = Ref(symbol, tuple(n + 1 for n in place))
        found = chain(derivation, forward, target, trace.arrays)
        gradient = float(trace[symbol.gradient(derivation.loss)][place])
        if found.total.value != gradient:
            yield f"the chain of {name(target)} ends in {found.total.value!r}, not {gradient!r}"
        for factor in found.factors:
            yield from part_complaints(factor.lhs, factor.parts, trace.arrays)
        if found.collapsed or not found.factors:
            yield from part_complaints(found.total.lhs, found.total.parts, trace.arrays)
            continue
        again, size = _multiplied(found)
        if not abs(again - gradient) <= 1e-9 * max(size, abs(gradient), 1e-6):
            yield f"the factors of {name(target)} multiply to {again!r}, not {gradient!r}"


def _multiplied(found: Chain) -> tuple[float, float]:
    """The sum of products a chain writes down, from the values of its factors; and its size."""
    values = {factor.lhs: factor.value for factor in found.factors}
    whole = found.total.parts[0]
    products: list[float] = []
    for path in whole.terms if isinstance(whole, Sum) else (whole,):
        factors = path.factors if isinstance(path, Product) else (path,)
        assert all(isinstance(f, Partial) for f in factors)
        products.append(math.prod(values[f] for f in factors))
    return sum(products), max(map(abs, products), default=0.0)


def delta_complaints(derivation: Derivation, trace: Trace) -> Iterator[str]:
    """The backward pass in δ comes to the same gradients."""
    other = delta_form(derivation)
    numbers = evaluate(other, {s: trace[s] for s in derivation.givens})
    for symbol in derivation.parameters:
        gradient = symbol.gradient(derivation.loss)
        yield from _same(f"{gradient} in δ-form", numbers[gradient], trace[gradient], 1e-11)


# --- many of them ----------------------------------------------------------------------------


def examined(seed: int, *, deep: bool = True) -> tuple[str, list[str]]:
    """What kind of problem a seed gives, and what is wrong with it."""
    kind = "failed"
    try:
        case = random_case(seed)
        kind = case.kind if case.smooth else f"{case.kind} on kinks"
        return kind, complaints(case, deep=deep)
    except (ArithmeticError, AssertionError, HandgradError, LookupError, TypeError) as error:
        return kind, [f"seed {seed} ({kind}): {type(error).__name__}: {error}"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=1)
    chosen = parser.parse_args()
    kinds: Counter[str] = Counter()
    wrong = 0
    seeds = range(chosen.first, chosen.first + chosen.count)
    with get_context("spawn").Pool(chosen.processes) as pool:
        for kind, said in pool.imap_unordered(examined, seeds, chunksize=20):
            kinds[kind] += 1
            wrong += bool(said)
            for sentence in said:
                sys.stdout.write(f"{sentence}\n")
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    sys.stdout.write(f"{chosen.count} random problems ({told}): {wrong} disagree.\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
