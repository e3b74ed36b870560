"""Matrix form: one equation in index notation in, the same equation between whole arrays out.

    dL/dW1[j,i] = Σ_n dL/dz1[n,j]·x[n,i]      becomes      dL/dW1 = (dL/dz1)ᵀ·x

Three functions of whole arrays stand for themselves: ``@`` the matrix product, ``T`` the transpose,
``∘`` the product element by element. What has no such form is left in index notation.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from handgrad.calculus.derivation import Equation
from handgrad.calculus.expr import (
    Along,
    Call,
    Expr,
    Forms,
    Index,
    Num,
    Power,
    Product,
    Ref,
    Sigma,
    Sum,
    Symbol,
    children,
    free_indices,
    rebuild,
    refs,
)

__all__ = ["MATRIX", "by_columns", "matrix_form"]

MATRIX = ("@", "T", "∘")


class _NoForm(Exception):
    """Raised inside for an expression that has no matrix form."""


def matrix_form(equation: Equation) -> Equation | None:
    """The equation between whole arrays, or None where it has no such form.

    An array of lower rank adds to every row, as a bias does.
    """
    axes = tuple(p.name for p in equation.lhs.indices if isinstance(p, Index))
    if len(axes) > 2:
        return None
    try:
        whole = _whole(equation.rhs, axes)
    except _NoForm:
        return None
    return replace(equation, lhs=Ref(equation.lhs.symbol), rhs=whole)


def by_columns(equation: Equation, matrices: Set[Symbol], batched: Set[Symbol]) -> Equation:
    """A matrix equation with an example in each column instead of each row.

    ``matrices`` are the symbols with two axes. Those of a quantity that is ``batched`` stand for the
    transpose of what they were.
    """

    def turns(ref: Ref) -> bool:
        return ref.symbol in matrices and ref.symbol.plain in batched

    def kept(expr: Expr, turned: bool) -> Expr:
        """The expression, or its transpose, in what the symbols stand for now."""
        match expr:
            case Ref(symbol):
                same = symbol not in matrices or turns(expr) == turned
                return expr if same else Call("T", (expr,))
            case Call("T", (inner,)):
                return kept(inner, not turned)
            case Call("@", (left, right)) if turned:
                return Call("@", (kept(right, True), kept(left, True)))
            case Sigma(indices, body):
                return Sigma(indices, kept(body, any(map(turns, refs(body)))))
            case _:
                return rebuild(expr, tuple(kept(part, turned) for part in children(expr)))

    return replace(equation, rhs=kept(equation.rhs, turns(equation.lhs)))


def _whole(expr: Expr, axes: tuple[str, ...]) -> Expr:
    """The expression as an array with these axes."""
    match expr:
        case Num():
            return expr
        case Ref():
            return _oriented(expr, axes)
        case Sum(terms):
            return Sum(tuple(_whole(term, axes) for term in terms))
        case Product(factors):
            return _product(factors, axes)
        case Power(base, exponent) if not free_indices(exponent):
            return Power(_whole(base, axes), exponent)
        case Call(function, arguments):
            return Call(function, tuple(_whole(a, axes) for a in arguments))
        case Forms(book, stable):
            return Forms(_whole(book, axes), stable)
        case Along(function, index, Ref() as body, at):
            return _along(function, index, body, at, axes)
        case Sigma(indices, body):
            return _sigma(indices, body, axes)
        case _:
            raise _NoForm


def _oriented(ref: Ref, axes: tuple[str, ...]) -> Expr:
    """A whole array, transposed where its axes come in the other order."""
    names = tuple(p.name if isinstance(p, Index) else "" for p in ref.indices)
    if names == axes or names == axes[-1:] or not names:
        return Ref(ref.symbol)
    if names == axes[::-1]:
        return Call("T", (Ref(ref.symbol),))
    raise _NoForm


def _along(function: str, index: Index, body: Ref, at: object, axes: tuple[str, ...]) -> Expr:
    names = tuple(p.name if isinstance(p, Index) else "" for p in body.indices)
    if (
        at is not None
        and names == (*axes[:-1], index.name)
        and isinstance(at, Index)
        and at.name == axes[-1]
    ):
        return Call(function, (Ref(body.symbol),))
    raise _NoForm


def _product(factors: tuple[Expr, ...], axes: tuple[str, ...]) -> Expr:
    """Numbers in front, then arrays, multiplied element by element."""
    flat: list[Expr] = []
    for factor in factors:
        book = factor.book if isinstance(factor, Forms) else factor
        flat += book.factors if isinstance(book, Product) else (book,)
    scalars = [f for f in flat if not free_indices(f)]
    arrays = [_whole(f, axes) for f in flat if free_indices(f)]
    kept = [_whole(s, ()) for s in scalars]
    if len(arrays) > 1:
        arrays = [Call("∘", tuple(arrays))]
    parts = (*kept, *arrays)
    return parts[0] if len(parts) == 1 else Product(parts)


def _sigma(indices: tuple[Index, ...], body: Expr, axes: tuple[str, ...]) -> Expr:
    """A sum over one index as a matrix product; over the first axis alone it stays a Σ of rows."""
    factors = body.factors if isinstance(body, Product) else (body,)
    if not axes:
        inner = tuple(i.name for i in indices)
        return Sigma(indices, _whole(body, inner))
    if len(indices) != 1:
        raise _NoForm
    k = indices[0].name
    outside = [f for f in factors if k not in free_indices(f)]
    inside = [f for f in factors if k in free_indices(f)]
    if any(free_indices(f) for f in outside):
        raise _NoForm
    kept = tuple(_whole(f, ()) for f in outside)
    if len(axes) == 1:
        total: Expr = Sigma(indices, _whole(Product(tuple(inside)), (k, axes[0])))
        return Product((*kept, total)) if kept else total
    row, column = axes
    left = [f for f in inside if column not in free_indices(f)]
    right = [f for f in inside if column in free_indices(f)]
    if not left or not right or any(row in free_indices(f) for f in right):
        raise _NoForm
    product = Call(
        "@", (_whole(Product(tuple(left)), (row, k)), _whole(Product(tuple(right)), (k, column)))
    )
    return Product((*kept, product)) if kept else product
