"""Chains with matrices in, one chain per entry out: z = W x + b = […] as z_1 = … and z_2 = ….

The shape of a name is that of the matrix it is said to be, or follows from the names it is made of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from handgrad.auditing.reading.nodes import (
    SUM,
    Applied,
    Chain,
    Matrix,
    Member,
    Name,
    Named,
    Opaque,
    Unread,
    Written,
    every,
)
from handgrad.calculus.expr import Call, Expr, Num, Power, Product, Sum, children

__all__ = ["scalar"]

Grid = tuple[tuple[Expr, ...], ...]
Value = Expr | Grid  # a number, or rows of numbers
Size = tuple[int, int]
LARGEST = 400  # entries of a matrix that is taken apart
EQUAL = ("", "=", "≈", "←", "→")
OVER_ROWS = ("n", "m", "i")  # what a sum over the examples is written with
ROUNDS = 4  # how far a shape is handed on from name to name


@dataclass(frozen=True)
class _Shapes:
    """The shape of each name; whether two vectors beside each other make one number."""

    of: Mapping[Name, Size]
    dots: bool


class _Unclear(Exception):
    """The shapes do not fit, or one of them is not known."""


def scalar(chains: Sequence[Chain]) -> tuple[list[Chain], list[Unread]]:
    """The chains with matrices taken apart, and what could not be."""
    if not any(_is_matrix(node) for chain in chains for node in _nodes(chain)):
        return list(chains), []
    shapes = _shapes(chains)
    result: list[Chain] = []
    unread: list[Unread] = []
    for chain in chains:
        if any(_is_matrix(node) or _shaped(node, shapes) for node in _nodes(chain)):
            made, odd = _apart(chain, shapes)
            result += made
            unread += odd
        else:
            result.append(chain)
    return result, unread


def _nodes(chain: Chain) -> Iterator[Expr]:
    if any(member.relation not in EQUAL for member in chain.members):
        return iter(())
    return (node for m in chain.members if m.expr is not None for node in every(m.expr))


def _is_matrix(node: Expr) -> bool:
    """Whether a node says that this is the algebra of matrices: printed entries, a transpose, a ⊙."""
    if isinstance(node, Matrix):
        return all(_is_printed(cell) for row in node.rows for cell in row)
    return isinstance(node, Applied) and node.function in ("transpose", "⊙")


def _is_printed(cell: Expr) -> bool:
    nodes = [*every(cell)]
    return any(isinstance(n, Written) for n in nodes) and not any(
        isinstance(n, Named | Opaque) for n in nodes
    )


def _shaped(node: Expr, shapes: Mapping[Name, Size]) -> bool:
    return isinstance(node, Named) and node.name.plain in shapes


def _shapes(chains: Sequence[Chain]) -> dict[Name, Size]:
    """The rows and columns of every name that is a matrix."""
    found: dict[Name, Size] = {}
    for _ in range(ROUNDS):
        before = len(found)
        for chain in chains:
            for before, after in pairwise(m.expr for m in chain.members if m.expr is not None):
                for name, matrix in _put_in(before, after):
                    found.setdefault(name.plain, _size(name, matrix.rows))
            names = [m.name.plain for m in chain.members if m.name is not None]
            if not names or all(name in found for name in names):
                continue
            known = any(_is_matrix(n) or _shaped(n, found) for n in _nodes(chain))
            values = [
                v for m in chain.members if known and (v := _tried(m.expr, found)) is not None
            ]
            grid = next((v for v in values if isinstance(v, tuple)), None)
            if grid is not None:
                found |= {name: _size(name, grid) for name in names if name not in found}
        if len(found) == before:
            break
    return found


def _put_in(before: Expr, after: Expr) -> Iterator[tuple[Name, Matrix]]:
    """The matrices that stand where names stood, in an expression of the same form."""
    match before, after:
        case Named(name), Matrix() if _is_matrix(after):
            yield name, after
        case Applied(f, left), Applied(g, right) if f == g and len(left) == len(right):
            pairs = zip(left, right, strict=True)
            yield from (found for one, other in pairs for found in _put_in(one, other))
        case _ if type(before) is type(after):
            left, right = children(before), children(after)
            if len(left) == len(right):
                pairs = zip(left, right, strict=True)
                yield from (found for one, other in pairs for found in _put_in(one, other))
        case _:
            return


def _size(name: Name, grid: Grid) -> Size:
    """A list in one row is a column, where its name is that of a vector."""
    rows, columns = len(grid), len(grid[0])
    return (columns, 1) if rows == 1 and name.base[:1].islower() else (rows, columns)


def _tried(expr: Expr | None, shapes: Mapping[Name, Size], *, dots: bool = False) -> Value | None:
    try:
        return None if expr is None else _value(expr, _Shapes(shapes, dots))
    except _Unclear:
        return None


def _apart(chain: Chain, shapes: Mapping[Name, Size]) -> tuple[list[Chain], list[Unread]]:
    """One chain for each entry; members that cannot be taken apart are told."""
    number = any(member.number for member in chain.members)
    values = [_tried(member.expr, shapes, dots=number) for member in chain.members]
    pairs = [*zip(chain.members, values, strict=True)]
    if number:
        if any(isinstance(v, tuple) for _, v in pairs) and all(
            m.name for m, v in pairs if isinstance(v, tuple)
        ):
            return [chain], []  # a matrix elsewhere, a number here
        values = [
            value if not isinstance(value, tuple) else member.expr if member.name else None
            for member, value in pairs
        ]
    unread = [
        Unread("a matrix that cannot be taken apart", member.start)
        for member, value in zip(chain.members, values, strict=True)
        if value is None and member.expr is not None and any(map(_decimal, every(member.expr)))
    ]
    grids = [value for value in values if isinstance(value, tuple)]
    if not grids:
        return [_entry(chain, values)], unread
    size = max(map(_shape, grids), key=math.prod)
    values = [_fitted(value, size) for value in values]
    entries = [(i, j) for i in range(size[0]) for j in range(size[1])]
    return [_entry(chain, [_at(value, *place) for value in values]) for place in entries], unread


def _decimal(node: Expr) -> bool:
    return isinstance(node, Written) and not node.whole


def _fitted(value: Value | None, size: tuple[int, int]) -> Value | None:
    """The value in a shape: a row where a column is meant is turned, a vector is repeated."""
    if not isinstance(value, tuple):
        return value
    own, rows, columns = _shape(value), *size
    if own == size:
        return value
    if 1 not in own:
        return None
    if own == size[::-1]:
        return _turned(value)
    vector = tuple(cell for row in value for cell in row)
    if len(vector) == columns:  # the same for every example, which are rows
        return (vector,) * rows
    return tuple((cell,) * columns for cell in vector) if len(vector) == rows else None


def _at(value: Value | None, row: int, column: int) -> Expr | None:
    return value[row][column] if isinstance(value, tuple) else value


def _entry(chain: Chain, exprs: Sequence[Value | None]) -> Chain:
    members: list[Member] = []
    for member, expr in zip(chain.members, exprs, strict=True):
        if isinstance(expr, Written | Named):
            members.append(replace(member, expr=expr, start=expr.start, end=expr.end))
        else:
            members.append(replace(member, expr=None if isinstance(expr, tuple) else expr))
    return replace(chain, members=tuple(members))


def _value(expr: Expr, shapes: _Shapes) -> Value:
    """An expression with numbers for its matrices, or rows of them. Raises ``_Unclear``."""
    match expr:
        case Named(name, start, end):
            return _named(name, start, end, shapes)
        case Matrix(rows):
            return _plain(_stacked(rows, shapes))
        case Sum(terms):
            return _combined(Sum, [_value(term, shapes) for term in terms])
        case Product(factors):
            return _multiplied([_value(factor, shapes) for factor in factors], dots=shapes.dots)
        case Power(base, exponent):
            return _each(lambda e: Power(e, exponent), _value(base, shapes))
        case Call(function, (argument,)):
            return _each(lambda e: Call(function, (e,)), _value(argument, shapes))
        case Applied("transpose", (argument,)):
            value = _value(argument, shapes)
            return _turned(value) if isinstance(value, tuple) else value
        case Applied("softmax", (argument,), 0):
            value = _value(argument, shapes)
            return _softmax(value) if isinstance(value, tuple) else expr
        case Applied("⊙", arguments):
            return _combined(Product, [_value(a, shapes) for a in arguments])
        case Applied(function, (argument,), primes):
            return _each(lambda e: Applied(function, (e,), primes), _value(argument, shapes))
        case Applied(function, arguments, primes):
            if any(isinstance(_value(a, shapes), tuple) for a in arguments):
                raise _Unclear
            return expr
        case Opaque(text, (body,)) if text.startswith(SUM):
            value = _value(body, shapes)
            return _summed(value, text.removeprefix(SUM)) if isinstance(value, tuple) else expr
        case Opaque(parts=parts) if any(isinstance(_value(p, shapes), tuple) for p in parts):
            raise _Unclear
        case _:
            return expr


def _named(name: Name, start: int, end: int, shapes: _Shapes) -> Value:
    """The entries of a name that is a matrix: w_12, or z_1 of a column."""
    size = shapes.of.get(name.plain)
    if name.of is not None and name.of.plain in shapes.of:
        raise _Unclear
    if size is None:
        return Named(name, start, end)
    rows, columns = size

    def entry(row: int, column: int) -> Named:
        places = f"{row + 1}" if columns == 1 else f"{row + 1},{column + 1}"
        element = f"[{places}]" if name.sub else places.replace(",", "")  # W1[1,2], W_12
        return Named(replace(name, sub=name.sub + element), start, end)

    return tuple(tuple(entry(i, j) for j in range(columns)) for i in range(rows))


def _stacked(rows: Sequence[Sequence[Expr]], shapes: _Shapes) -> Grid:
    cells = (tuple(_value(cell, shapes) for cell in row) for row in rows)
    flat = [tuple(cell for cell in row if not isinstance(cell, tuple)) for row in cells]
    width = len(rows[0]) if rows else 0
    if (
        not width
        or {len(row) for row in flat} != {width}
        or math.prod((len(flat), width)) > LARGEST
    ):
        raise _Unclear
    return tuple(flat)


def _softmax(grid: Grid) -> Grid:
    """The softmax of a row or a column, entry by entry."""
    if 1 not in (len(grid), len(grid[0])):
        raise _Unclear
    total = Sum(tuple(Call("exp", (cell,)) for row in grid for cell in row))

    def part(cell: Expr) -> Expr:
        return Product((Call("exp", (cell,)), Power(total, Num(-1))))

    return tuple(tuple(part(cell) for cell in row) for row in grid)


def _plain(grid: Grid) -> Value:
    """A matrix of one entry is that entry."""
    return grid[0][0] if len(grid) == len(grid[0]) == 1 else grid


def _shape(grid: Grid) -> Size:
    return len(grid), len(grid[0])


def _turned(grid: Grid) -> Grid:
    return tuple(zip(*grid, strict=True))


def _each(function: Callable[[Expr], Expr], value: Value) -> Value:
    if not isinstance(value, tuple):
        return function(value)
    return tuple(tuple(function(cell) for cell in row) for row in value)


def _summed(grid: Grid, over: str) -> Value:
    """The sum over both indices, or over the first, which is that of the examples."""
    indices = over.split(",")
    columns = _turned(grid)
    if len(indices) == 2 or 1 in _shape(grid):
        return Sum(tuple(cell for row in grid for cell in row))
    if indices[0] not in OVER_ROWS:
        raise _Unclear
    return (tuple(Sum(column) for column in columns),)


def _combined(kind: type[Sum] | type[Product], values: Sequence[Value]) -> Value:
    """A sum or a product entry by entry; a number goes with every entry."""
    grids = [value for value in values if isinstance(value, tuple)]
    if not grids:
        return kind(tuple(v for v in values if not isinstance(v, tuple)))
    size = max(map(_shape, grids), key=math.prod)
    fitted = [_fitted(value, size) for value in values]
    if any(value is None for value in fitted):
        raise _Unclear
    return tuple(
        tuple(
            kind(tuple(e for v in fitted if (e := _at(v, i, j)) is not None))
            for j in range(size[1])
        )
        for i in range(size[0])
    )


def _multiplied(values: Sequence[Value], *, dots: bool) -> Value:
    """Factors from left to right: numbers times entries, rows times columns."""
    numbers: list[Expr] = []
    grid: Grid | None = None
    for value in values:
        if not isinstance(value, tuple):
            numbers.append(value)
        elif grid is None:
            grid = value
        else:
            made = _product(grid, value, dots=dots)
            if isinstance(made, tuple):
                grid = made
            else:
                numbers.append(made)
                grid = None
    if grid is None:
        return numbers[0] if len(numbers) == 1 else Product(tuple(numbers))
    return _each(lambda e: Product((*numbers, e)), grid) if numbers else grid


def _product(left: Grid, right: Grid, *, dots: bool) -> Value:
    """The product of two matrices; equal shapes go by entry, a vector is turned where only that fits."""
    if len(left[0]) == len(right):
        return _dots(left, right)
    same = (len(left), len(left[0])) == (len(right), len(right[0]))
    if same and dots and len(left) == 1:
        return _dots(left, _turned(right))
    if same and dots and len(left[0]) == 1:
        return _dots(_turned(left), right)
    if same:
        return _combined(Product, [left, right])
    if 1 in (len(right), len(right[0])) and len(left[0]) == len(right[0]):
        return _dots(left, _turned(right))
    if 1 in (len(left), len(left[0])) and len(left) == len(right):
        return _dots(_turned(left), right)
    raise _Unclear


def _dots(left: Grid, right: Grid) -> Value:
    return _plain(tuple(tuple(_dot(row, column) for column in _turned(right)) for row in left))


def _dot(row: Sequence[Expr], column: Sequence[Expr]) -> Expr:
    terms = tuple(Product((a, b)) for a, b in zip(row, column, strict=True))
    return terms[0] if len(terms) == 1 else Sum(terms)
