"""The rule table: one row a function, its derivative as books write it, and the form that is evaluated.

A row of ``FUNCTIONS`` is all the calculus knows of a function; nothing elsewhere names one. To add a
function, copy a row here, and give it one line in each table of kernels and of notation.

An elementwise row has one slope for each argument, an expression in the arguments and the value ``a``.
Where rounding would spoil the book form (a(1 - a) at z = 40), ``stable`` is the form engines evaluate.
A vector row (softmax) or reduction (max) has a pullback: from the gradient ``g`` of the value to the
gradient of the argument ``z`` at one place, in both forms where they differ. ``definition`` is the
function in simpler terms.
"""

# The rules are lambdas over any number of expressions; Rule says what they give.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from handgrad.calculus.expr import (
    Along,
    Call,
    Delta,
    Expr,
    Forms,
    Index,
    Num,
    Position,
    Power,
    Sigma,
    call,
    substitute,
)

Rule = Callable[..., Expr]  # (arguments…, value) -> expression
Vector = Callable[[Position], Expr]  # a family of expressions, one for each place along an axis


ANYWHERE, POSITIVE = (-4.0, 4.0), (0.1, 4.0)  # where rules are sampled and curves are drawn
FAR = 99  # e^z² has left every float, and no power of z has


@dataclass(frozen=True)
class Pullback:
    """What a vector rule may use: the gradient ``g``, argument ``z`` and value ``a`` at any place.

    ``index`` is the index the argument runs over. For a reduction ``g`` and ``a`` are the same
    everywhere.
    """

    g: Vector
    z: Vector
    a: Vector
    index: Index

    def total(self, term: Vector) -> Expr:
        """The sum of a term over all places."""
        return Sigma((self.index,), term(self.index))

    def along(self, function: str, at: Position) -> Expr:
        """Another vector function of the same argument, read at one place."""
        return Along(function, self.index, self.z(self.index), at)


@dataclass(frozen=True)
class Function:
    """One row of the table."""

    slopes: tuple[Rule, ...] = ()  # elementwise: derivative by each argument, as books write it
    stable: tuple[Rule | None, ...] = ()  # the same, in the form that keeps its digits
    pullback: Callable[[Pullback, Position], Expr] | None = None  # vector functions and reductions
    definition: Callable[..., Expr] | None = None  # in simpler terms; None for a primitive
    total: Callable[[Pullback, Position], Expr] | None = None  # a vector function's definition
    reduces: bool = False  # the value has one axis less than the argument
    kinks: tuple[float, ...] = ()  # where there is no derivative; the slope given is the convention
    samples: tuple[float, float] = ANYWHERE  # an interval inside the domain

    @property
    def arity(self) -> int:
        """How many arguments it takes, element by element; 0 for a mere vector function."""
        return len(self.slopes)


def row(
    *slopes: Rule,
    stable: Rule | None = None,
    definition: Callable[..., Expr] | None = None,
    kinks: tuple[float, ...] = (),
    samples: tuple[float, float] = ANYWHERE,
) -> Function:
    """An elementwise row; ``stable`` is for the first argument."""
    return Function(slopes, (stable,), None, definition, kinks=kinks, samples=samples)


def slope(function: str, place: int, arguments: tuple[Expr, ...], value: Expr) -> tuple[Expr, Expr]:
    """The derivative by one argument: (book form, stable form), the same twice where one serves."""
    entry = FUNCTIONS[function]
    book = entry.slopes[place](*arguments, value)
    stable = entry.stable[place] if place < len(entry.stable) else None
    return book, stable(*arguments, value) if stable else book


def by_definition(expr: Along) -> Expr | None:
    """A function along an index in simpler terms: softmax by its exponentials; None for a primitive."""
    definition = FUNCTIONS[expr.function].total
    if definition is None:
        return None

    def argument(place: Position) -> Expr:
        return substitute(expr.body, {expr.index.name: place})

    at = expr.index if expr.at is None else expr.at  # a reduction has the same value everywhere
    return definition(Pullback(argument, argument, argument, expr.index), at)


def _named(name: str) -> Callable[..., Call]:
    return lambda *arguments: call(name, *arguments)


exp, log, sigmoid, step, sech, sign = map(_named, ("exp", "log", "sigmoid", "step", "sech", "sign"))
equal, minimum, maximum, absolute = map(_named, ("equal", "min", "max", "abs"))
normal_cdf, normal_pdf, expm1, erf = map(_named, ("normal_cdf", "normal_pdf", "expm1", "erf"))
tanh, softplus, silu, gaussian, gelu_gate = map(
    _named, ("tanh", "softplus", "silu", "gaussian", "gelu_gate")
)
HALF = Num(Fraction(1, 2))
ROOT = call("sqrt", 2)
ZERO, ONE = Num(0), Num(1)
QUARTER_PI = call("arctan", 1)
ROOT_2PI = (8 * QUARTER_PI) ** HALF
SELU_SCALE = Num(Fraction("1.0507009873554804934193349852946"))  # Klambauer et al. 2017
SELU_ALPHA = Num(Fraction("1.6732632423543772848170429916717"))
CUBE = Num(Fraction("0.044715"))  # Hendrycks and Gimpel 2016


def _share(ahead: Expr) -> Expr:
    """The part an argument has in an extremum: 1 where it is ahead, 0 behind, ½ in a tie."""
    return HALF * (1 + sign(ahead))


def _within(low: int, z: Expr, high: int) -> Expr:
    """1 between two kinks, 0 at them and beyond."""
    return step(z - low) * step(high - z)


def _gelu_inner(z: Expr) -> Expr:
    """√(2/π)·(z + 0.044715·z³), the argument of its tanh."""
    return (z + CUBE * z**3) / (2 * QUARTER_PI) ** HALF


def _gelu_inner_slope(z: Expr) -> Expr:
    return (1 + 3 * CUBE * z**2) / (2 * QUARTER_PI) ** HALF


def _near(z: Expr) -> Expr:
    """z, but no further than ``FAR``, so that no power of z overflows."""
    return maximum(-FAR, minimum(FAR, z))


def _arctan_slope(z: Expr) -> Expr:
    """1/(1 + z²) without a square that overflows."""
    u = 1 / maximum(1, absolute(z))
    return u / (u**2 + (z * u) ** 2) * u


def _softmax_slope(v: Pullback, a: Vector, j: Position) -> Expr:
    """The gradients are taken relative to that of the largest: 1 − a loses no digit."""
    top = v.total(lambda k: v.g(k) * v.along("hardmax", k))
    stable = a(j) * (v.g(j) - top - v.total(lambda k: a(k) * (v.g(k) - top)))
    return Forms(a(j) * (v.g(j) - v.total(lambda k: v.g(k) * a(k))), stable)


def _softmax_rest_slope(v: Pullback, j: Position) -> Expr:
    return -_softmax_slope(v, lambda k: v.along("softmax", k), j)


def _log_softmax_slope(v: Pullback, j: Position) -> Expr:
    """The gradient of the largest is kept apart from the sum of the others: nothing cancels."""
    a, rest = v.along("softmax", j), v.along("softmax_rest", j)
    top = v.total(lambda k: v.g(k) * v.along("hardmax", k))
    below = v.total(lambda k: v.g(k) * (1 - v.along("hardmax", k)))
    stable = v.g(j) * rest - a * (top - v.g(j) + below)
    return Forms(v.g(j) - a * v.total(v.g), stable)


def _ties(v: Pullback, j: Position) -> Expr:
    """1 at the largest, shared by those that are equal to it."""
    top = Along("max", v.index, v.z(v.index))
    return equal(v.z(j), top) / v.total(lambda k: equal(v.z(k), top))


# fmt: off
FUNCTIONS: dict[str, Function] = {
    # primitives
    "exp":      row(lambda z, a: a),
    "log":      row(lambda z, a: 1 / z, samples=POSITIVE),
    "erf":      row(lambda z, a: 2 * ROOT * normal_pdf(ROOT * z), stable=lambda z, a: gaussian(z, gaussian(z, 1 / QUARTER_PI**HALF))),
    "sin":      row(lambda z, a: call("cos", z)),
    "cos":      row(lambda z, a: -call("sin", z)),
    "arctan":   row(lambda z, a: 1 / (1 + z**2), stable=lambda z, a: _arctan_slope(z)),
    "step":     row(lambda z, a: ZERO, kinks=(0.0,)),                                  # 0 at 0
    "equal":    row(lambda x, y, a: ZERO, lambda x, y, a: ZERO),
    "max":      Function((lambda x, y, a: _share(x - y), lambda x, y, a: _share(y - x)), kinks=(0.0,), reduces=True,
                         pullback=lambda v, j: v.g(j) * equal(v.z(j), v.a(j)) / v.total(lambda k: equal(v.z(k), v.a(k)))),
    # elementwise, in the order one meets them
    "identity": row(lambda z, a: ONE, definition=lambda z: z),
    "sqrt":     row(lambda z, a: 1 / (2 * a), definition=lambda z: Power(z, HALF), samples=POSITIVE),
    "sigmoid":  row(lambda z, a: a * (1 - a), stable=lambda z, a: sigmoid(z) * sigmoid(-z), definition=lambda z: 1 / (1 + exp(-z))),
    "tanh":     row(lambda z, a: 1 - a**2, stable=lambda z, a: sech(z) ** 2, definition=lambda z: (exp(z) - exp(-z)) / (exp(z) + exp(-z))),
    "relu":     row(lambda z, a: step(z), kinks=(0.0,), definition=lambda z: maximum(0, z)),   # slope 0 at 0
    "leaky_relu": row(lambda z, c, a: step(z) + c * (1 - step(z)), lambda z, c, a: minimum(0, z), kinks=(0.0,), definition=lambda z, c: maximum(0, z) + c * minimum(0, z)),
    "elu":      row(lambda z, c, a: step(z) + (1 - step(z)) * c * exp(minimum(0, z)), lambda z, c, a: expm1(minimum(0, z)), kinks=(0.0,), definition=lambda z, c: maximum(0, z) + c * expm1(minimum(0, z))),
    "silu":     row(lambda z, a: sigmoid(z) * (1 + z * (1 - sigmoid(z))), stable=lambda z, a: sigmoid(z) + silu(z) * sigmoid(-z), definition=lambda z: z * sigmoid(z)),
    "gelu":     row(lambda z, a: normal_cdf(z) + z * normal_pdf(z), stable=lambda z, a: normal_cdf(z) + gaussian(z, z / ROOT_2PI), definition=lambda z: z * normal_cdf(z)),
    "gelu_tanh": row(lambda z, a: HALF * (1 + tanh(_gelu_inner(z))) + HALF * z * (1 - tanh(_gelu_inner(z)) ** 2) * _gelu_inner_slope(z), stable=lambda z, a: gelu_gate(z, 1 + gelu_gate(-z, 2 * _near(z) * _gelu_inner_slope(_near(z)))), definition=lambda z: HALF * z * (1 + tanh(_gelu_inner(z)))),
    "gelu_gate": row(lambda z, c, a: 2 * _gelu_inner_slope(z) * a * (1 - gelu_gate(z, 1)), lambda z, c, a: gelu_gate(z, 1), stable=lambda z, c, a: gelu_gate(-z, gelu_gate(z, 2 * c * _gelu_inner_slope(_near(z)))), definition=lambda z, c: HALF * c * (1 + tanh(_gelu_inner(z)))),
    "mish":     row(lambda z, a: tanh(softplus(z)) + z * sigmoid(z) * (1 - tanh(softplus(z)) ** 2), stable=lambda z, a: tanh(softplus(z)) + silu(z) * sech(softplus(z)) ** 2, definition=lambda z: z * tanh(softplus(z))),
    "selu":     row(lambda z, a: SELU_SCALE * (step(z) + (1 - step(z)) * SELU_ALPHA * exp(minimum(0, z))), kinks=(0.0,), definition=lambda z: SELU_SCALE * (maximum(0, z) + SELU_ALPHA * expm1(minimum(0, z)))),
    "softsign": row(lambda z, a: 1 / (1 + absolute(z)) ** 2, stable=lambda z, a: (1 / (1 + absolute(z))) ** 2, definition=lambda z: z / (1 + absolute(z))),
    "hard_sigmoid": row(lambda z, a: _within(-3, z, 3) / 6, kinks=(-3.0, 3.0), definition=lambda z: minimum(6, maximum(0, z + 3)) / 6),  # slopes at kinks as PyTorch has them
    "hard_tanh": row(lambda z, a: _within(-1, z, 1), kinks=(-1.0, 1.0), definition=lambda z: maximum(-1, minimum(1, z))),
    "hard_silu": row(lambda z, a: 1 - step(3 - z) + _within(-3, z, 3) * (z + Fraction(3, 2)) / 3, kinks=(-3.0, 3.0), definition=lambda z: z * minimum(6, maximum(0, z + 3)) / 6),
    "softplus": row(lambda z, a: sigmoid(z), definition=lambda z: log(1 + exp(z))),
    "huber":    row(lambda z, c, a: maximum(-c, minimum(c, z)), lambda z, c, a: maximum(0, absolute(z) - c), definition=lambda z, c: minimum(absolute(z), c) * (absolute(z) - HALF * minimum(absolute(z), c))),
    "abs":      row(lambda z, a: sign(z), kinks=(0.0,), definition=lambda z: maximum(z, -z)),  # slope 0 at 0
    "sign":     row(lambda z, a: ZERO, kinks=(0.0,), definition=lambda z: step(z) - step(-z)),
    "min":      row(lambda x, y, a: _share(y - x), lambda x, y, a: _share(x - y), kinks=(0.0,), definition=lambda x, y: -maximum(-x, -y)),
    "expm1":    row(lambda z, a: exp(z), definition=lambda z: exp(z) - 1),
    "sech":     row(lambda z, a: -a * call("tanh", z), definition=lambda z: 2 / (exp(z) + exp(-z))),
    "log_sigmoid": row(lambda z, a: sigmoid(-z), definition=lambda z: log(sigmoid(z))),
    "gaussian": row(lambda z, c, a: -z * a, lambda z, c, a: gaussian(z, 1), stable=lambda z, c, a: gaussian(z, -_near(z) * c), definition=lambda z, c: c * exp(-z**2 / 2)),
    "normal_pdf": row(lambda z, a: -z * a, stable=lambda z, a: gaussian(z, -z / ROOT_2PI), definition=lambda z: exp(-z**2 / 2) / ROOT_2PI),
    "normal_cdf": row(lambda z, a: normal_pdf(z), definition=lambda z: HALF * (1 + erf(z / ROOT))),
    # vector functions and reductions
    "softmax":  Function(pullback=lambda v, j: _softmax_slope(v, v.a, j),
                         total=lambda v, j: exp(v.z(j)) / v.total(lambda k: exp(v.z(k)))),
    "softmax_rest": Function(pullback=_softmax_rest_slope,                                               # 1 - softmax
                         total=lambda v, j: v.total(lambda k: v.along("softmax", k) * (1 - Delta(k, j)))),
    "log_softmax": Function(pullback=_log_softmax_slope,
                         total=lambda v, j: log(v.along("softmax", j))),
    "logsumexp": Function(pullback=lambda v, j: v.g(j) * v.along("softmax", j), reduces=True,
                         total=lambda v, j: log(v.total(lambda k: exp(v.z(k))))),
    "hardmax":  Function(pullback=lambda v, j: ZERO, total=_ties),
}
# fmt: on
