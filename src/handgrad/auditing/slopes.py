"""The derivative of one expression of a document by a name in it, other names held fixed."""

from __future__ import annotations

from handgrad.auditing.reading.nodes import Applied, Name, Named, Opaque, Written
from handgrad.auditing.worth import leaves, replaced
from handgrad.calculus.chain import local_derivative
from handgrad.calculus.derivation import Equation, Phase
from handgrad.calculus.expr import Call, Expr, Forms, Num, Ref, Symbol, Value
from handgrad.calculus.functions import FUNCTIONS, slope
from handgrad.errors import HandgradError

__all__ = ["partial"]


def partial(expr: Expr, name: Name) -> Expr:
    """∂expr/∂name by the rule table, in the leaves of the expression."""
    names = {n.name: n for n in leaves(expr) if isinstance(n, Named)}
    if name not in names:
        return Num(0)
    symbols = {known: Symbol(f"q{number}") for number, known in enumerate(names)}
    back = {Ref(symbol): names[known] for known, symbol in symbols.items()}

    def forth(node: Expr) -> Expr | None:
        if isinstance(node, Named):
            return Ref(symbols[node.name])
        if isinstance(node, Written):
            return Value(node.value)
        if (
            isinstance(node, Applied)
            and node.function in FUNCTIONS
            and len(node.arguments) == 1
            and node.primes == 1
        ):
            argument = node.arguments[0]
            inner = slope(node.function, 0, (argument,), Call(node.function, (argument,)))[1]
            return replaced(inner, forth)
        return None

    equation = Equation(Ref(Symbol("y")), replaced(expr, forth), Phase.FORWARD)
    try:
        found = local_derivative(equation, (), symbols[name], ())
    except HandgradError:
        return Opaque("no derivative")
    value = Ref(Symbol("y"))

    def home(node: Expr) -> Expr | None:
        if node == value:
            return expr
        if isinstance(node, Forms):
            return replaced(node.stable, home)
        return back.get(node) if isinstance(node, Ref) else None

    return replaced(found, home)
