"""Softmax and sigmoid with their cross-entropies, so that no rounding spoils the logarithm: δ = a − y."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from handgrad.calculus.derivation import Equation
from handgrad.calculus.expr import (
    Along,
    Call,
    Expr,
    Forms,
    Index,
    Num,
    Product,
    Ref,
    Sigma,
    Sum,
    Symbol,
    call,
    free_indices,
    substitute,
    transform,
)
from handgrad.calculus.simplify import joined, simplify, split

__all__ = ["shortcut", "with_logits"]


def with_logits(forward: Sequence[Equation]) -> tuple[Equation, ...]:
    """Give log(softmax(z)), log(σ(z)) and log(1 - σ(z)) the form that no rounding spoils.

    The page still shows the logarithm of the activation; engines, and so the chain rule, read
    log_softmax(z) or log_sigmoid(±z). The shortcut δ = a - y follows from it.
    """
    defined = {equation.lhs.symbol: equation for equation in forward}

    def stable(node: Expr) -> Expr:
        return _logit(node, defined)

    return tuple(replace(equation, rhs=transform(equation.rhs, stable)) for equation in forward)


def _logit(node: Expr, defined: dict[Symbol, Equation]) -> Expr:
    match node:
        case Call("log", (Ref() as ref,)):
            inner, mirrored = ref, False
        case Call("log", (Sum((Num(1), Product((Num(-1), Ref() as ref)))),)):
            inner, mirrored = ref, True
        case _:
            return node
    if inner.symbol not in defined:
        return node
    match defined[inner.symbol].at(inner):
        case Call("sigmoid", (z,)):
            return Forms(node, call("log_sigmoid", -z if mirrored else z))
        case Along("softmax", index, body, at) if not mirrored:
            return Forms(node, Along("log_softmax", index, body, at))
        case _:
            return node


def shortcut(equation: Equation, one_hot: Symbol | None = None) -> Equation:
    """δ = a - y for softmax with cross-entropy, and for σ with binary cross-entropy.

    ``one_hot`` is the target whose rows add up to 1; for softmax the shortcut needs it. Any other
    equation comes back as it is.
    """
    book = equation.rhs.book if isinstance(equation.rhs, Forms) else equation.rhs
    known = transform(book, lambda node: _known(node, one_hot))
    terms = simplify(transform(simplify(known), _distributed))
    if known == book or not isinstance(terms, Sum) or len(terms.terms) != 2:
        return equation
    one, two = map(split, terms.terms)
    for (scale, first), (other, second) in ((one, two), (two, one)):
        common = Counter(first) & Counter(second)
        match *(Counter(first) - common), *(Counter(second) - common):
            case Along("softmax" as kind, k, at=Index(j)) as a, Ref() as y if y.symbol == one_hot:
                # as one reads it where a − y rounds to 0; and as it is computed
                saturated = Sigma((k,), substitute(y, {j: k}) * a - y * substitute(a, {j: k}))
                rest = replace(a, function="softmax_rest")
                stable = Forms(saturated, (1 - y) * a - y * rest)
            case Call("sigmoid" as kind, (z,)) as a, y:
                stable = (1 - y) * a - y * call("sigmoid", -z)
            case _:
                continue
        if scale == -other:
            rhs = simplify(joined(scale, [*common.elements(), Forms(a - y, stable)]))
            loss = "cross-entropy" if kind == "softmax" else "binary cross-entropy"
            why = f"{kind.capitalize()} with {loss}: the two derivatives together are a − y."
            return replace(equation, rhs=rhs, why=why)
    return equation


def _known(node: Expr, one_hot: Symbol | None) -> Expr:
    """σ(-z) as 1 - σ(z), and the sum of a one-hot target as 1."""
    match node:
        case Call("sigmoid", (Product((Num(-1), *z)),)):
            return 1 - call("sigmoid", joined(Fraction(1), z))
        case Sigma((k,), body):
            number, factors = split(body)
            inside = [f for f in factors if k.name in free_indices(f)]
            rows = [f for f in inside if isinstance(f, Ref) and f.symbol == one_hot]
            if len(inside) == 1 and any(
                y.indices.count(k) == 1 and y.indices[-1] == k for y in rows
            ):
                return joined(number, [f for f in factors if f not in inside])
        case _:
            pass
    return node


def _distributed(node: Expr) -> Expr:
    """A product with a sum among its factors as a sum of products."""
    if isinstance(node, Product):
        for n, factor in enumerate(node.factors):
            if isinstance(factor, Sum):
                before, after = node.factors[:n], node.factors[n + 1 :]
                return Sum(tuple(_distributed(Product((*before, t, *after))) for t in factor.terms))
    return node
