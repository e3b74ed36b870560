"""The derivative of a function derived line by line, every line checked by machine.

``proof`` gives the lines of a textbook where there are some, else what the calculus makes of the
definition. A line whose value differs from the derivative is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from handgrad.calculus.chain import local_derivative
from handgrad.calculus.derivation import Equation, Phase
from handgrad.calculus.expr import Call, Expr, Num, Product, Ref, Symbol, call, transform
from handgrad.calculus.functions import FUNCTIONS
from handgrad.calculus.simplify import simplify
from handgrad.errors import DerivationError, InputError
from handgrad.numbers.evaluate import value_of

__all__ = ["DERIVED", "PRIMED", "Proof", "proof"]

DERIVED, PRIMED = "d/dz", "′"  # the derivative still to be taken, and the name of the derivative
Z = Symbol("z")


@dataclass(frozen=True)
class Proof:
    """``function``′(z) = lines[0] = lines[1] = …, each with a sentence of why."""

    function: str
    lines: tuple[tuple[Expr, str], ...]


def derivative_of(expr: Expr) -> Call:
    """The derivative by z, not yet taken."""
    return Call(DERIVED, (expr,))


def times(*factors: Expr | int) -> Product:
    """A product as it is written, factor by factor."""
    return Product(tuple(f if isinstance(f, Expr) else Num(f) for f in factors))


def _sigmoid(z: Expr) -> Sequence[tuple[Expr, str]]:
    e = call("exp", -z)
    below = 1 + e
    outer = times(-1, below**-2)
    part = 1 / below
    return [
        (derivative_of(below**-1), "The definition, written as a power."),
        (times(*outer.factors, derivative_of(below)), "The outer derivative, times the inner one."),
        (times(*outer.factors, e, -1), "The inner derivative needs the chain rule again."),
        (e / below**2, "The two signs cancel."),
        (e / times(below, below), "The square as a product."),
        (times(part, e / below), "Two fractions."),
        (times(part, (e + 1 - 1) / below), "Add and subtract 1."),
        (times(part, below / below - part), "Split the second fraction."),
        (times(part, 1 - part), "The first quotient is 1."),
        (
            times(call("sigmoid", z), 1 - call("sigmoid", z)),
            "Both fractions are the function itself.",
        ),
    ]


def _tanh(z: Expr) -> Sequence[tuple[Expr, str]]:
    up, down = call("exp", z), call("exp", -z)
    above, below = up - down, up + down
    return [
        (derivative_of(above / below), "The definition."),
        (
            (times(below, below) - times(above, above)) / below**2,
            "The quotient rule: each derives to the other.",
        ),
        (below**2 / below**2 - above**2 / below**2, "Two fractions."),
        (1 - (above / below) ** 2, "The first quotient is 1."),
        (1 - call("tanh", z) ** 2, "The second holds the function itself."),
    ]


BOOK = {"sigmoid": _sigmoid, "tanh": _tanh}


def proof(function: str) -> Proof:
    """The lines that lead to the derivative of a function of one argument.

    Raises ``InputError`` for a function that has none, ``DerivationError`` for a line that is wrong.

    >>> len(proof("sigmoid").lines)
    10
    """
    row = FUNCTIONS.get(function)
    if row is None or row.arity < 1 or row.definition is None:
        known = ", ".join(sorted(f for f, r in FUNCTIONS.items() if r.arity and r.definition))
        raise InputError(f"There is no derivation for {function!r}. There is one for {known}.")
    lines = tuple(BOOK[function](Ref(Z)) if function in BOOK else _by_rules(function))
    check(function, lines)
    return Proof(function, lines)


def _by_rules(function: str) -> Sequence[tuple[Expr, str]]:
    """The definition, its derivative by the rules, and the form that books give."""
    row = FUNCTIONS[function]
    z = Ref(Z)
    constants = tuple(Ref(Symbol("c")) for _ in range(row.arity - 1))
    definition = row.definition(z, *constants) if row.definition else z
    book = simplify(row.slopes[0](z, *constants, Call(function, (z, *constants))))
    last = "The form to remember."
    if row.kinks:
        at = " and ".join(f"{kink:g}".replace("-", "−") for kink in row.kinks)
        last = f"To both sides of {at}. Step is 1 above 0, else 0, and that is the slope taken at {at}."
    lines = [
        (derivative_of(definition), "The definition."),
        *([] if row.kinks else [(_taken(definition), "The rules, one after the other.")]),
        (book, last),
    ]
    return [line for n, line in enumerate(lines) if n == 0 or line[0] != lines[n - 1][0]]


def _taken(expr: Expr) -> Expr:
    """The derivative of an expression by z."""
    name = Ref(Symbol("f"))
    taken = local_derivative(Equation(name, expr, Phase.FORWARD), (), Z, ())
    return transform(taken, lambda node: expr if node == name else node)


def check(function: str, lines: Sequence[tuple[Expr, str]]) -> None:
    """Raise ``DerivationError`` unless every line has the value of the derivative, at many places."""
    row = FUNCTIONS[function]
    points = [z for z in np.linspace(*row.samples, 41) if all(abs(z - k) > 1e-3 for k in row.kinks)]
    constants = {Symbol("c"): np.float64(0.3)}
    arguments = (Ref(Z), *(Ref(Symbol("c")) for _ in range(row.arity - 1)))
    truth = row.slopes[0](*arguments, Call(function, arguments))
    for number, (line, _) in enumerate(lines, 1):
        worked = transform(line, _worked)
        for z in points:
            values: Mapping[Symbol, np.float64] = {Z: np.float64(z), **constants}
            got, wanted = value_of(worked, values), value_of(truth, values)
            if not abs(got - wanted) <= 1e-9 * max(1.0, abs(wanted)):
                raise DerivationError(
                    f"Line {number} of the derivation of {function} is {got} at z = {z}, "
                    f"where the derivative is {wanted}."
                )


def _worked(node: Expr) -> Expr:
    match node:
        case Call("d/dz", (inner,)):
            return _taken(inner)
        case _:
            return node
