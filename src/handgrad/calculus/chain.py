"""The chain rule over a list of forward equations: what comes in is forward, what goes out backward.

For each quantity u, dL/du collects one contribution from every place u is used:
dL/dv times the local derivative of v by that place, summed over every index that u does not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from handgrad.calculus.derivation import Equation, Phase
from handgrad.calculus.expr import (
    LETTERS,
    Along,
    Call,
    Delta,
    Expr,
    Forms,
    Index,
    Num,
    Position,
    Power,
    Product,
    Ref,
    Sigma,
    Sum,
    Symbol,
    call,
    free_indices,
    fresh,
    index_names,
    rebound,
    refs,
    substitute,
)
from handgrad.calculus.functions import FUNCTIONS, Pullback, Vector, slope
from handgrad.calculus.simplify import gathered, relettered, simplify
from handgrad.errors import DerivationError


@dataclass(frozen=True)
class Contribution:
    """One place ``ref`` where a quantity is used, and the gradient ``g`` that arrives there.

    The gradient of the quantity is the sum of ``g`` over the indices ``over``.
    """

    ref: Ref
    g: Expr
    over: tuple[Index, ...]


def backward(
    forward: Sequence[Equation],
    loss: Symbol,
    parameters: Sequence[Symbol],
    ranks: Mapping[Symbol, int] | None = None,
) -> tuple[Equation, ...]:
    """The backward equations, from the loss down; only what leads to a parameter.

    ``ranks`` says how many indices a parameter has that no equation uses; its gradient is 0.
    Raises ``DerivationError`` where the loss is no single number, or a function has no rule.
    """
    wanted = _leading_to(forward, parameters)
    arriving: dict[Symbol, list[tuple[Contribution, Symbol]]] = {}
    result: list[Equation] = []
    last_use = _first_equation_using(forward, parameters)
    for place in reversed(range(len(forward))):
        equation = forward[place]
        symbol = equation.lhs.symbol
        seed = _seed(equation, loss, arriving)
        if symbol in wanted and seed is not None:
            if symbol != loss:
                result.append(_gradient(equation.lhs, arriving[symbol], loss))
            for part in contributions(equation.rhs, seed, equation.lhs, wanted):
                arriving.setdefault(part.ref.symbol, []).append((part, symbol))
        for parameter in parameters:
            if last_use.get(parameter) == place:
                ref = _target(forward, parameter, (ranks or {}).get(parameter, 0))
                result.append(_gradient(ref, arriving.get(parameter, []), loss))
    return tuple(result)


def _seed(
    equation: Equation, loss: Symbol, arriving: dict[Symbol, list[tuple[Contribution, Symbol]]]
) -> Expr | None:
    """dL/dv of the equation's left side: 1 for the loss itself, nothing where L does not use v."""
    lhs = equation.lhs
    if lhs.symbol == loss:
        if lhs.indices:
            raise DerivationError(f"The loss {loss} has an index; it must be a single number.")
        return Num(1)
    return Ref(lhs.symbol.gradient(loss), lhs.indices) if lhs.symbol in arriving else None


def _leading_to(forward: Sequence[Equation], parameters: Sequence[Symbol]) -> set[Symbol]:
    wanted = set(parameters)
    for equation in forward:
        if any(ref.symbol in wanted for ref in refs(equation.rhs)):
            wanted.add(equation.lhs.symbol)
    return wanted


def _first_equation_using(
    forward: Sequence[Equation], parameters: Sequence[Symbol]
) -> dict[Symbol, int]:
    first: dict[Symbol, int] = dict.fromkeys(parameters, 0)
    for place in reversed(range(len(forward))):
        for ref in refs(forward[place].rhs):
            if ref.symbol in first:
                first[ref.symbol] = place
    return first


def _target(forward: Sequence[Equation], symbol: Symbol, rank: int) -> Ref:
    """The parameter with a different letter for each axis: those of its first use, if they serve."""
    for equation in forward:
        for ref in refs(equation.rhs):
            if ref.symbol == symbol:
                letters = (p if isinstance(p, Index) else Index("i") for p in ref.indices)
                return Ref(symbol, rebound(tuple(letters), ref, set())[0])
    return Ref(symbol, tuple(map(Index, LETTERS[:rank])))


def _gradient(target: Ref, parts: Sequence[tuple[Contribution, Symbol]], loss: Symbol) -> Equation:
    """dL/du: what arrives at every use of u, brought to the indices of u and added up."""
    indices = tuple(
        replace(p, axis=(target.symbol, n)) if isinstance(p, Index) else p
        for n, p in enumerate(target.indices)
    )
    total = gathered(simplify(Sum(tuple(_collected(part, indices) for part, _ in parts))))
    total = relettered(total, {p.name for p in indices if isinstance(p, Index)})
    users = list(dict.fromkeys(str(symbol) for _, symbol in parts))
    lhs = Ref(target.symbol.gradient(loss), indices)
    return Equation(lhs, total, Phase.BACKWARD, _reason(target.symbol, users, len(parts), loss))


def _reason(symbol: Symbol, users: Sequence[str], places: int, loss: Symbol) -> str:
    if not users:
        return f"{symbol} does not influence the loss."
    if users == [str(loss)]:
        return f"How the loss changes with {symbol}."
    through = [user for user in users if user != str(loss)]
    names = " and ".join(filter(None, (", ".join(through[:-1]), through[-1])))
    directly = "directly and " if len(through) < len(users) else ""
    more = ", summed over every use" if places > 1 else ""
    return f"Chain rule: {symbol} acts on the loss {directly}through {names}{more}."


def _collected(part: Contribution, indices: tuple[Position, ...]) -> Expr:
    """One contribution as a function of the indices of u, summed over all others."""
    aside = {index.name: replace(index, name=f"{index.name}′") for index in part.over}
    positions = substitute(part.ref, dict(aside))
    assert isinstance(positions, Ref)
    g, waiting = substitute(part.g, dict(aside)), {i.name: i for i in aside.values()}
    meets: dict[str, Position] = {}
    deltas: list[Expr] = []
    for position, index in zip(positions.indices, indices, strict=True):
        if isinstance(position, Index) and waiting.pop(position.name, None):
            meets[position.name] = index
        else:
            met = meets.get(position.name, position) if isinstance(position, Index) else position
            deltas.append(Delta(met, index))
    body = Product((substitute(g, meets), *deltas))
    return Sigma(tuple(waiting.values()), body) if waiting else body


def local_derivative(
    equation: Equation, element: tuple[int, ...], symbol: Symbol, at: tuple[int, ...]
) -> Expr:
    """∂v[element]/∂u[at] for the quantity v an equation defines, other quantities held fixed."""
    places = zip(equation.lhs.indices, element, strict=True)
    seed = Product((Num(1), *(Delta(p, n) for p, n in places)))
    parts = contributions(equation.rhs, seed, equation.lhs, {symbol})
    total = simplify(Sum(tuple(_collected(part, at) for part in parts)))
    return relettered(total, set())


def contributions(expr: Expr, g: Expr, lhs: Ref, wanted: Set[Symbol]) -> Iterator[Contribution]:
    """Every place below ``expr`` where a wanted symbol stands, with the gradient arriving there.

    ``g`` is the gradient of the value of ``expr``, which ``lhs`` names.
    """
    over = tuple(p for p in lhs.indices if isinstance(p, Index))
    yield from _Descent(lhs, expr, wanted).down(expr, g, over)


@dataclass(frozen=True)
class _Descent:
    """One walk from the right side of an equation to its leaves."""

    lhs: Ref
    rhs: Expr
    wanted: Set[Symbol]

    def down(self, expr: Expr, g: Expr, over: tuple[Index, ...]) -> Iterator[Contribution]:
        """``g`` is the gradient of ``expr``, for every value of the indices ``over``."""
        if not any(ref.symbol in self.wanted for ref in refs(expr)):
            return
        match expr:
            case Ref():
                yield Contribution(expr, g, over)
            case Sum(terms):
                for term in terms:
                    yield from self.down(term, g, over)
            case Product(factors):
                for n, factor in enumerate(factors):
                    others = factors[:n] + factors[n + 1 :]
                    yield from self.down(factor, Product((g, *others)), over)
            case Power(base, exponent):
                slope_base = Product((exponent, Power(base, exponent - 1)))
                yield from self.down(base, Product((g, slope_base)), over)
                slope_exponent = Product((self.value(expr), call("log", base)))
                yield from self.down(exponent, Product((g, slope_exponent)), over)
            case Call(function, arguments):
                for n, argument in enumerate(arguments):
                    local = Forms(*slope(function, n, arguments, self.value(expr)))
                    yield from self.down(argument, Product((g, local)), over)
            case Sigma(indices, body):
                inner, body = rebound(indices, body, index_names(g) | {i.name for i in over})
                yield from self.down(body, g, over + inner)
            case Along():
                yield from self.along(expr, g, over)
            case Forms(_, stable):
                yield from self.down(stable, g, over)
            case _:
                raise DerivationError(f"No rule for {type(expr).__name__}.")

    def value(self, expr: Expr) -> Expr:
        """The name of the expression where it is all of an equation, else the expression."""
        return self.lhs if expr is self.rhs else expr

    def along(self, expr: Along, g: Expr, over: tuple[Index, ...]) -> Iterator[Contribution]:
        """A vector function or reduction, by its pullback."""
        taken = index_names(g) | {i.name for i in over}
        (index,), body = rebound((expr.index,), expr.body, taken)
        at, outside = expr.at, free_indices(replace(expr, at=None))
        if at is not None and not (isinstance(at, Index) and at in over and at.name not in outside):
            # Read at one place only: δ picks it out of all places.
            every = fresh(Index("j"), taken | index_names(expr))
            picked = Product((g, Delta(every, at)))
            yield from self.along(replace(expr, at=every), picked, (*over, every))
            return
        inner = fresh(replace(index, name="k"), taken | {index.name})
        view = Pullback(_family(g, at), _family(body, index), _family(self.value(expr), at), inner)
        rule = FUNCTIONS[expr.function].pullback
        if rule is None:
            raise DerivationError(f"{expr.function} has no rule along an index.")
        rest = tuple(i for i in over if i != at)
        yield from self.down(body, rule(view, index), (*rest, index))


def _family(expr: Expr, index: Position | None) -> Vector:
    """What an expression is at each place along an index; everywhere the same without one."""
    return lambda place: substitute(expr, {index.name: place}) if isinstance(index, Index) else expr
