"""The rule table: one row a function, its derivative as books write it, and the form that is evaluated.

A row of ``FUNCTIONS`` is all the calculus knows of a function; nothing elsewhere names one. To add a
function, copy a row here, and give it one line in each table of kernels and of notation.

An elementwise row has one slope for each argument, an expression in the arguments and the value ``a``.
Where rounding would spoil the book form (a(1 - a) at z = 40), ``stable`` is the form engines evaluate.
A vector row (softmax) or reduction (max) has a pullback: from the gradient ``g`` of the value to the
gradient of the argument ``z`` at one place. ``definition`` is the function in simpler terms.
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
    Expr,
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
    samples: tuple[float, float] = (-4.0, 4.0)  # an interval inside the domain

    @property
    def arity(self) -> int:
        """How many arguments it takes, element by element; 0 for a mere vector function."""
        return len(self.slopes)


def row(
    *slopes: Rule,
    stable: Rule | None = None,
    definition: Callable[..., Expr] | None = None,
    kinks: tuple[float, ...] = (),
    samples: tuple[float, float] = (-4.0, 4.0),
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

    at = 1 if expr.at is None else expr.at  # a reduction has the same value everywhere
    return definition(Pullback(argument, argument, argument, expr.index), at)


def _named(name: str) -> Callable[..., Call]:
    return lambda *arguments: call(name, *arguments)


exp, log, sigmoid, step, sech, sign = map(_named, ("exp", "log", "sigmoid", "step", "sech", "sign"))
equal, minimum, maximum, absolute = map(_named, ("equal", "min", "max", "abs"))
normal_cdf, normal_pdf, expm1, erf = map(_named, ("normal_cdf", "normal_pdf", "expm1", "erf"))
HALF = Num(Fraction(1, 2))
ROOT = call("sqrt", 2)
ZERO, ONE = Num(0), Num(1)


def _share(ahead: Expr) -> Expr:
    """The part an argument has in an extremum: 1 where it is ahead, 0 behind, ½ in a tie."""
    return HALF * (1 + sign(ahead))


# fmt: off
FUNCTIONS: dict[str, Function] = {
    # primitives
    "exp":      row(lambda z, a: a),
    "log":      row(lambda z, a: 1 / z, samples=(0.1, 4.0)),
    "erf":      row(lambda z, a: 2 * ROOT * normal_pdf(ROOT * z)),
    "step":     row(lambda z, a: ZERO, kinks=(0.0,)),                                  # 0 at 0
    "equal":    row(lambda x, y, a: ZERO, lambda x, y, a: ZERO),
    "max":      Function((lambda x, y, a: _share(x - y), lambda x, y, a: _share(y - x)), kinks=(0.0,), reduces=True,
                         pullback=lambda v, j: v.g(j) * equal(v.z(j), v.a(j)) / v.total(lambda k: equal(v.z(k), v.a(k)))),
    # elementwise, in the order one meets them
    "identity": row(lambda z, a: ONE, definition=lambda z: z),
    "sqrt":     row(lambda z, a: 1 / (2 * a), definition=lambda z: Power(z, HALF), samples=(0.1, 4.0)),
    "sigmoid":  row(lambda z, a: a * (1 - a), stable=lambda z, a: sigmoid(z) * sigmoid(-z), definition=lambda z: 1 / (1 + exp(-z))),
    "tanh":     row(lambda z, a: 1 - a**2, stable=lambda z, a: sech(z) ** 2, definition=lambda z: (exp(z) - exp(-z)) / (exp(z) + exp(-z))),
    "relu":     row(lambda z, a: step(z), kinks=(0.0,), definition=lambda z: maximum(0, z)),   # slope 0 at 0
    "leaky_relu": row(lambda z, c, a: step(z) + c * (1 - step(z)), lambda z, c, a: minimum(0, z), kinks=(0.0,), definition=lambda z, c: maximum(0, z) + c * minimum(0, z)),
    "elu":      row(lambda z, c, a: step(z) + (1 - step(z)) * c * exp(minimum(0, z)), lambda z, c, a: expm1(minimum(0, z)), kinks=(0.0,), definition=lambda z, c: maximum(0, z) + c * expm1(minimum(0, z))),
    "silu":     row(lambda z, a: sigmoid(z) * (1 + z * (1 - sigmoid(z))), stable=lambda z, a: sigmoid(z) * (1 + z * sigmoid(-z)), definition=lambda z: z * sigmoid(z)),
    "gelu":     row(lambda z, a: normal_cdf(z) + z * normal_pdf(z), definition=lambda z: z * normal_cdf(z)),
    "softplus": row(lambda z, a: sigmoid(z), definition=lambda z: log(1 + exp(z))),
    "huber":    row(lambda z, c, a: maximum(-c, minimum(c, z)), lambda z, c, a: maximum(0, absolute(z) - c), definition=lambda z, c: minimum(absolute(z), c) * (absolute(z) - HALF * minimum(absolute(z), c))),
    "abs":      row(lambda z, a: sign(z), kinks=(0.0,), definition=lambda z: maximum(z, -z)),  # slope 0 at 0
    "sign":     row(lambda z, a: ZERO, kinks=(0.0,), definition=lambda z: step(z) - step(-z)),
    "min":      row(lambda x, y, a: _share(y - x), lambda x, y, a: _share(x - y), kinks=(0.0,), definition=lambda x, y: -maximum(-x, -y)),
    "expm1":    row(lambda z, a: exp(z), definition=lambda z: exp(z) - 1),
    "sech":     row(lambda z, a: -a * call("tanh", z), definition=lambda z: 2 / (exp(z) + exp(-z))),
    "log_sigmoid": row(lambda z, a: sigmoid(-z), definition=lambda z: log(sigmoid(z))),
    "normal_pdf": row(lambda z, a: -z * a, definition=lambda z: exp(-z**2 / 2) / (8 * call("arctan", 1))**HALF),
    "normal_cdf": row(lambda z, a: normal_pdf(z), definition=lambda z: HALF * (1 + erf(z / ROOT))),
    "arctan":   row(lambda z, a: 1 / (1 + z**2)),
    # vector functions and reductions
    "softmax":  Function(pullback=lambda v, j: v.a(j) * (v.g(j) - v.total(lambda k: v.g(k) * v.a(k))),
                         total=lambda v, j: exp(v.z(j)) / v.total(lambda k: exp(v.z(k)))),
    "log_softmax": Function(pullback=lambda v, j: v.g(j) - v.along("softmax", j) * v.total(v.g),
                         total=lambda v, j: log(v.along("softmax", j))),
    "logsumexp": Function(pullback=lambda v, j: v.g(j) * v.along("softmax", j), reduces=True,
                         total=lambda v, j: log(v.total(lambda k: exp(v.z(k))))),
}
# fmt: on
