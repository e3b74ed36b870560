"""What one does on paper without a word: an expression in, an equal and simpler one out.

The rewrites that a page names, such as δ = a − y, are in ``rewrites``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction

from handgrad.calculus.expr import (
    Along,
    Call,
    Delta,
    Expr,
    Forms,
    Index,
    Num,
    Power,
    Product,
    Ref,
    Sigma,
    Sum,
    children,
    rebound,
    rebuild,
    substitute,
    transform,
)


def simplify(expr: Expr) -> Expr:
    """Drop 0 and 1, gather numbers, powers and like terms, resolve Kronecker's δ under a Σ.

    >>> from handgrad.calculus.expr import Symbol
    >>> z = Ref(Symbol("z"))
    >>> simplify((2 * z) / 2 + 0 * z)
    Ref(symbol=Symbol(base='z', number=None, state='', loss=None, new=False), indices=())
    """
    return transform(expr, _simplified)


def _simplified(expr: Expr) -> Expr:
    match expr:
        case Sum(terms):
            return _sum(terms)
        case Product(factors):
            return _product(factors)
        case Power(base, exponent):
            return _power(base, exponent)
        case Sigma(indices, body):
            return _sigma(indices, body)
        case Delta(int() as left, int() as right):
            return Num(int(left == right))
        case Delta(left, right) if left == right:
            return Num(1)
        case Forms(book, stable) if book == stable:
            return book
        case _:
            return expr


def split(term: Expr) -> tuple[Fraction, tuple[Expr, ...]]:
    """A term as number times the rest."""
    factors = term.factors if isinstance(term, Product) else (term,)
    number = Fraction(1)
    for factor in factors:
        if isinstance(factor, Num):
            number *= factor.value
    return number, tuple(factor for factor in factors if not isinstance(factor, Num))


def joined(number: Fraction, rest: Sequence[Expr]) -> Expr:
    """A number times the rest, as one term."""
    match (*((Num(number),) if number != 1 or not rest else ()), *rest):
        case (only,):
            return only
        case factors:
            return Product(factors)


def _sum(terms: Iterable[Expr]) -> Expr:
    flat = [t for term in terms for t in (term.terms if isinstance(term, Sum) else (term,))]
    gathered: dict[frozenset[tuple[Expr, int]], tuple[Fraction, tuple[Expr, ...]]] = {}
    for term in flat:
        number, rest = split(term)
        key = frozenset(Counter(rest).items())
        gathered[key] = (gathered.get(key, (Fraction(0), rest))[0] + number, rest)
    match tuple(joined(number, rest) for number, rest in gathered.values() if number != 0):
        case ():
            return Num(0)
        case (only,):
            return only
        case kept:
            return Sum(kept)


def _product(factors: Iterable[Expr]) -> Expr:
    flat = [
        f
        for factor in factors
        for f in (factor.factors if isinstance(factor, Product) else (factor,))
    ]
    number = Fraction(1)
    powers: dict[Expr, Fraction] = {}
    for factor in flat:
        match factor:
            case Num(value):
                number *= value
            case Power(base, Num(exponent)):
                powers[base] = powers.get(base, Fraction(0)) + exponent
            case _:
                powers[factor] = powers.get(factor, Fraction(0)) + 1
    if number == 0:
        return Num(0)
    rest = [_power(base, Num(exponent)) for base, exponent in powers.items() if exponent != 0]
    return joined(number, sorted(rest, key=_divides))


def _divides(factor: Expr) -> bool:
    """Whether a factor is written below: exp(z)/(1 + exp(z)), but 1/m·exp(z)."""
    match factor:
        case Power(Sum() | Product() | Call(), Num(exponent)):
            return exponent < 0
        case _:
            return False


def _power(base: Expr, exponent: Expr) -> Expr:
    match base, exponent:
        case _, Num(value) if value == 1:
            return base
        case _, Num(value) if value == 0:
            return Num(1)
        case Num(b), Num(e) if e.denominator == 1 and b != 0 and abs(e) <= 64:
            return Num(Fraction(b) ** int(e))
        case Power(inner, Num(a)), Num(b) if a.denominator == b.denominator == 1:
            return _power(inner, Num(a * b))
        case Product((Num(), *_) as factors), Num(b) if b.denominator == 1:
            return _product(_power(factor, exponent) for factor in factors)
        case _:
            return Power(base, exponent)


def _sigma(indices: tuple[Index, ...], body: Expr) -> Expr:
    if body == Num(0):
        return body
    if isinstance(body, Sigma):
        indices, body = indices + body.indices, body.body
    for factor in body.factors if isinstance(body, Product) else (body,):
        if isinstance(factor, Delta):
            for here, there in ((factor.left, factor.right), (factor.right, factor.left)):
                if isinstance(here, Index) and here in indices:
                    rest = tuple(i for i in indices if i != here)
                    met = simplify(substitute(body, {here.name: there}))
                    return _sigma(rest, met) if rest else met
    return Sigma(indices, body)


def gathered(expr: Expr) -> Expr:
    """The gradient that every term of a sum is multiplied with, once in front of it."""
    match expr:
        case Sigma(indices, body):
            return Sigma(indices, gathered(body))
        case Sum(terms):
            parts = [term.factors if isinstance(term, Product) else (term,) for term in terms]
            first, *others = parts
            gradients = (f for f in first if isinstance(f, Ref) and f.symbol.loss)
            common = next((g for g in gradients if all(g in other for other in others)), None)
            if common is None:
                return expr
            rest = (Product(tuple(f for f in part if f != common)) for part in parts)
            return Product((common, simplify(Sum(tuple(rest)))))
        case _:
            return expr


def relettered(expr: Expr, taken: set[str]) -> Expr:
    """Bound indices under plain letters that are not used outside them."""
    match expr:
        case Sigma(indices, body):
            indices, body = rebound(indices, body, taken)
            return Sigma(indices, relettered(body, taken | {index.name for index in indices}))
        case Along(function, index, body, at):
            outside = taken - {at.name} if isinstance(at, Index) else taken
            (index,), body = rebound((index,), body, outside)
            return Along(function, index, relettered(body, taken | {index.name}), at)
        case _:
            return rebuild(expr, tuple(relettered(part, taken) for part in children(expr)))
