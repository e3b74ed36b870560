"""Expressions in index notation: a tree of frozen nodes, and the few walks everything else is made of.

An operator builds a node and does nothing else; every simplification is a named pass (``rewrite``).
Indices are bound variables: ``substitute`` renames, so nothing is captured when a symbol occurs twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain, count
from typing import Any

LETTERS = "kijlpqrstuvwcdefgh"


@dataclass(frozen=True, slots=True)
class Symbol:
    """The name of a quantity, as data: ``W1`` is ``Symbol("W", 1)``, ``dL/dW1`` has its ``loss`` set.

    >>> str(Symbol("W", 1)), str(Symbol("W", 1).gradient(Symbol("L"))), str(Symbol("W", 1).updated)
    ('W1', 'dL/dW1', 'W1_new')
    """

    base: str
    number: int | None = None
    state: str = ""  # m in m_W1: what an optimizer remembers of W1; δ for dL/dz
    loss: Symbol | None = None  # L in dL/dW1
    new: bool = False

    def __str__(self) -> str:
        name = self.base if self.number is None else f"{self.base}{self.number}"
        if self.state:
            layered = (self.state, self.base) == ("δ", "z") and self.number is not None
            name = f"δ{self.number}" if layered else f"{self.state}_{name}"
        name = f"d{self.loss}/d{name}" if self.loss else name
        return f"{name}_new" if self.new else name

    def gradient(self, loss: Symbol) -> Symbol:
        """The symbol of d loss / d self."""
        return replace(self, loss=loss)

    @property
    def updated(self) -> Symbol:
        """The symbol of the value after the update."""
        return replace(self, new=True)

    @property
    def plain(self) -> Symbol:
        """The quantity whose shape this one has: ``W1`` for ``dL/dW1``, ``W1_new`` and ``m_W1``."""
        return Symbol(self.base, self.number)


@dataclass(frozen=True, slots=True)
class Index:
    """A bound variable; ``axis`` says whose axis it runs over (symbol, position), once that is known."""

    name: str
    axis: tuple[Symbol, int] | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.name


Position = int | Index  # an index, or a constant counted from 1


class Expr:
    """Base of all nodes. Operators build nodes; a Python number becomes an exact ``Num``."""

    __slots__ = ()

    def __add__(self, other: Expr | int) -> Expr:
        return Sum((self, as_expr(other)))

    def __radd__(self, other: int) -> Expr:
        return Sum((as_expr(other), self))

    def __sub__(self, other: Expr | int) -> Expr:
        return Sum((self, -as_expr(other)))

    def __rsub__(self, other: int) -> Expr:
        return Sum((as_expr(other), -self))

    def __mul__(self, other: Expr | int) -> Expr:
        return Product((self, as_expr(other)))

    def __rmul__(self, other: int) -> Expr:
        return Product((as_expr(other), self))

    def __truediv__(self, other: Expr | int) -> Expr:
        return Product((self, Power(as_expr(other), Num(-1))))

    def __rtruediv__(self, other: int) -> Expr:
        return Product((as_expr(other), Power(self, Num(-1))))

    def __pow__(self, other: Expr | int) -> Expr:
        return Power(self, as_expr(other))

    def __neg__(self) -> Expr:
        return Product((Num(-1), self))


@dataclass(frozen=True, slots=True)
class Num(Expr):
    """An exact number: an integer, a fraction, or the decimal that was written."""

    value: Fraction | int


@dataclass(frozen=True, slots=True)
class Value(Expr):
    """A computed number standing where a symbol stood; shown rounded, kept in full."""

    value: Any  # a float; or an exact number, which compares and calculates like one


@dataclass(frozen=True, slots=True)
class Ref(Expr):
    """A quantity, or an element of it: ``W1[j,i]``, ``x[2]``, ``L``. Constant indices count from 1."""

    symbol: Symbol
    indices: tuple[Position, ...] = ()


@dataclass(frozen=True, slots=True)
class Sum(Expr):
    """Terms added up."""

    terms: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Product(Expr):
    """Factors multiplied; a quotient is a product with a power −1."""

    factors: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Power(Expr):
    """A base to an exponent."""

    base: Expr
    exponent: Expr


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """A named function, element by element; its meaning is a row of ``functions.FUNCTIONS``."""

    function: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Sigma(Expr):
    """The sum of ``body`` over the whole range of each index."""

    indices: tuple[Index, ...]
    body: Expr


@dataclass(frozen=True, slots=True)
class Along(Expr):
    """A function of all values ``body`` takes along ``index``.

    With ``at`` it is a vector function, read at one place (softmax over k, at k = j);
    without, a reduction (the maximum over k). ``index`` is bound in ``body`` only.
    """

    function: str
    index: Index
    body: Expr
    at: Position | None = None


@dataclass(frozen=True, slots=True)
class Delta(Expr):
    """Kronecker's δ: 1 where both indices are equal, else 0."""

    left: Position
    right: Position


@dataclass(frozen=True, slots=True)
class Forms(Expr):
    """One quantity in two forms: the one printed in books, and the one that keeps its digits."""

    book: Expr
    stable: Expr


@dataclass(frozen=True, slots=True)
class Partial(Expr):
    """The name of a local derivative, ∂top/∂bottom; it stands on the left of a worked line.

    ``direct`` tells it from the whole derivative, where top depends on bottom by other paths too.
    """

    top: Ref
    bottom: Ref
    direct: bool


def as_expr(value: Expr | int | Fraction) -> Expr:
    """The expression itself, or the number as an exact ``Num``."""
    return value if isinstance(value, Expr) else Num(value)


def call(function: str, *arguments: Expr | int) -> Call:
    """A call node: ``call("max", 0, z)``."""
    return Call(function, tuple(as_expr(argument) for argument in arguments))


Parts = tuple[Expr, ...]
# for each kind of node that has parts: what they are, and the same node over others
_NODES: dict[type, tuple[Callable[[Any], Parts], Callable[[Any, Parts], Expr]]] = {
    Sum: (lambda node: node.terms, lambda _, parts: Sum(parts)),
    Product: (lambda node: node.factors, lambda _, parts: Product(parts)),
    Power: (lambda node: (node.base, node.exponent), lambda _, parts: Power(*parts)),
    Call: (lambda node: node.arguments, lambda node, parts: Call(node.function, parts)),
    Sigma: (lambda node: (node.body,), lambda node, parts: Sigma(node.indices, *parts)),
    Along: (
        lambda node: (node.body,),
        lambda node, parts: Along(node.function, node.index, *parts, at=node.at),
    ),
    Forms: (lambda node: (node.book, node.stable), lambda _, parts: Forms(*parts)),
    Partial: (lambda node: (node.top, node.bottom), lambda node, _: node),
}


def children(expr: Expr) -> Parts:
    """The direct parts of a node, in reading order."""
    known = _NODES.get(type(expr))
    return known[0](expr) if known else ()


def rebuild(expr: Expr, parts: Parts) -> Expr:
    """The same kind of node over other parts."""
    unchanged = all(new is old for new, old in zip(parts, children(expr), strict=True))
    return expr if unchanged else _NODES[type(expr)][1](expr, parts)


def walk(expr: Expr) -> Iterator[Expr]:
    """The node and everything below it."""
    yield expr
    for part in children(expr):
        yield from walk(part)


def refs(expr: Expr) -> Iterator[Ref]:
    """Every reference in the expression, in reading order, repeated ones included."""
    return (node for node in walk(expr) if isinstance(node, Ref))


def placed(pattern: Ref, ref: Ref) -> dict[str, Position]:
    """What the indices of ``pattern`` stand for in ``ref``: with z[n,j] and z[1,k], n is 1 and j is k."""
    pairs = zip(pattern.indices, ref.indices, strict=True)
    return {index.name: place for index, place in pairs if isinstance(index, Index)}


def transform(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """``change`` applied to every node, from the leaves up."""
    return change(rebuild(expr, tuple(transform(part, change) for part in children(expr))))


def bound_indices(expr: Expr) -> tuple[Index, ...]:
    """The indices this node itself binds."""
    match expr:
        case Sigma(indices):
            return indices
        case Along(_, index):
            return (index,)
        case _:
            return ()


def own_positions(expr: Expr) -> tuple[Position, ...]:
    """The indices written on this node itself, outside what it binds."""
    match expr:
        case Ref(_, indices):
            return indices
        case Delta(left, right):
            return (left, right)
        case Along(_, _, _, at) if at is not None:
            return (at,)
        case _:
            return ()


def free_indices(expr: Expr) -> dict[str, Index]:
    """The indices an expression leaves open, by name, in reading order."""
    inner: dict[str, Index] = {}
    for part in children(expr):
        inner |= free_indices(part)
    for index in bound_indices(expr):
        inner.pop(index.name, None)
    return inner | {p.name: p for p in own_positions(expr) if isinstance(p, Index)}


def index_names(expr: Expr) -> set[str]:
    """Every index name that occurs, bound or free."""
    names: set[str] = set()
    for node in walk(expr):
        names |= {p.name for p in own_positions(node) if isinstance(p, Index)}
        names |= {index.name for index in bound_indices(node)}
    return names


def fresh(index: Index, taken: Set[str]) -> Index:
    """The index under a name that is not taken: its own without primes if possible, else a letter."""
    own = index.name.rstrip("′")
    names = chain((own,), LETTERS, (f"{own}{n}" for n in count(1)))
    return replace(index, name=next(name for name in names if name not in taken))


def substitute(expr: Expr, new: Mapping[str, Position]) -> Expr:
    """The expression with free indices renamed, or fixed to a number; bound ones make way."""
    if not new:
        return expr

    def place(position: Position) -> Position:
        return new.get(position.name, position) if isinstance(position, Index) else position

    match expr:
        case Ref(symbol, indices):
            return Ref(symbol, tuple(map(place, indices)))
        case Delta(left, right):
            return Delta(place(left), place(right))
        case Sigma(indices, body):
            return Sigma(*_below(indices, body, new))
        case Along(function, index, body, at):
            (index,), body = _below((index,), body, new)
            return Along(function, index, body, None if at is None else place(at))
        case _:
            return rebuild(expr, tuple(substitute(part, new) for part in children(expr)))


def _below(
    bound: tuple[Index, ...], body: Expr, new: Mapping[str, Position]
) -> tuple[tuple[Index, ...], Expr]:
    """Substitute below a binder: what it binds stays, and makes way where it would capture."""
    open_names = free_indices(body).keys() - {index.name for index in bound}
    inner = {name: position for name, position in new.items() if name in open_names}
    arriving = {position.name for position in inner.values() if isinstance(position, Index)}
    bound, body = rebound(bound, body, arriving)
    return bound, substitute(body, inner)


def rebound(
    indices: tuple[Index, ...], body: Expr, taken: Set[str]
) -> tuple[tuple[Index, ...], Expr]:
    """What a node binds, under plain letters that are not taken, and its body with them."""
    new: list[Index] = []
    for index in indices:
        others = index_names(body) - {index.name}
        new.append(fresh(index, taken | others | {other.name for other in new}))
    renaming = {i.name: j for i, j in zip(indices, new, strict=True) if i.name != j.name}
    return tuple(new), substitute(body, renaming)
