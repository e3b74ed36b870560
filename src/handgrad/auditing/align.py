"""Which number stands for which symbol: one member of a chain beside the next, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise, permutations

from handgrad.auditing.reading.nodes import Applied, Named, Written, literal
from handgrad.auditing.worth import leaves, plain
from handgrad.calculus.expr import Call, Expr, Num, Power, Product, Sum
from handgrad.calculus.functions import FUNCTIONS

__all__ = ["Pair", "align", "numeric"]

Pair = tuple[Expr, Expr]
MOST_GROUPED = 12  # factors or terms that are drawn together
MOST_ORDERS = 5  # factors or terms that are tried in every order


def numeric(expr: Expr) -> bool:
    """Whether an expression holds printed numbers and no names."""
    found = [*leaves(expr)]
    return bool(found) and all(isinstance(leaf, Written) for leaf in found)


def align(before: Expr, after: Expr) -> list[Pair]:
    """The smallest parts of ``before`` that parts of ``after`` stand for, in reading order."""
    return [*_align(before, after)]


def _align(before: Expr, after: Expr) -> Iterator[Pair]:
    number = literal(after)
    if number is not None:
        yield _turned(before, number)
        return
    if isinstance(before, Written | Named):
        yield before, after
        return
    match before, after:
        case (Power(base, exponent), Power(below, above)) if _alike(exponent, above):
            yield from _align(base, below)
            return
        case (Call(f, a), Call(g, b)) if f == g and len(a) == len(b):
            for one, other in zip(a, b, strict=True):
                yield from _align(one, other)
            return
        case (Applied(f, a, p), Applied(g, b, q)) if f == g and p == q and len(a) == len(b):
            for one, other in zip(a, b, strict=True):
                yield from _align(one, other)
            return
        case (Call(f, a), Product() | Sum()) if (
            (row := FUNCTIONS.get(f)) and row.definition and row.arity == len(a)
        ):
            inside = [*_align(row.definition(*a), after)]
            yield from inside if len(inside) > 1 or inside[0][1] is not after else [(before, after)]
            return
        case (Sum(), Sum()):
            pairs = _matched(_terms(before), _terms(after), before)
        case (Product(), Product()):
            pairs = _matched(*_factors(before, after), before)
        case _:
            pairs = None
    if pairs is None or pairs == [(before, after)]:
        yield before, after
        return
    for one, other in pairs:
        yield from _align(one, other)


def _turned(before: Expr, number: Written) -> Pair:
    """A minus before an expression belongs to the number that stands for it."""
    match before:
        case Product((Num(-1), *rest)):
            turned = literal(Product((Num(-1), number)))
            assert turned is not None, "a printed number has a negative"
            return rest[0] if len(rest) == 1 else Product(tuple(rest)), turned
        case _:
            return before, number


def _alike(one: Expr, other: Expr) -> bool:
    left, right = plain(one), plain(other)
    return left is not None and left == right


def _matched(before: list[Expr], after: list[Expr], whole: Expr) -> list[Pair] | None:
    """Parts one to one, constants with the constants they equal; None where the counts differ."""
    left, right = list(before), list(after)
    if len(left) == len(right) and all(_near(a, b) for a, b in zip(left, right, strict=True)):
        return [*zip(left, right, strict=True)]
    pairs: list[Pair] = []
    for part in before:
        value = None if [*_names(part)] else plain(part)
        twin = next((p for p in right if plain(p) == value), None) if value is not None else None
        if twin is not None:
            pairs.append((part, twin))
            _drop(left, part)
            _drop(right, twin)
    for longer, shorter in ((left, right), (right, left)):
        for one in [p for p in longer if plain(p) == 1.0]:  # a factor 1 may be left out
            if len(longer) > len(shorter):
                _drop(longer, one)
    if len(left) > len(right) > 0 and len(pairs) + len(right) > 1:
        left = _grouped(left, right, type(whole))
    if len(left) != len(right):
        return None
    return pairs + _ordered(left, right) if left else pairs


def _grouped(left: list[Expr], right: list[Expr], kind: type) -> list[Expr]:
    """Neighbours drawn together so that as many groups as possible have the numbers' values."""
    if len(left) > MOST_GROUPED or not all(numeric(p) or isinstance(p, Num) for p in left):
        return left
    node = Sum if kind is Sum else Product
    best, most = left, 0
    for cuts in combinations(range(1, len(left)), len(right) - 1):
        ends = [0, *cuts, len(left)]
        groups = [left[a:b] for a, b in pairwise(ends)]
        drawn = [g[0] if len(g) == 1 else node(tuple(g)) for g in groups]
        hits = sum(_near(a, b) for a, b in zip(drawn, right, strict=True))
        if hits > most:
            best, most = drawn, hits
    return best


def _near(one: Expr, other: Expr) -> bool:
    """Whether two expressions of numbers are worth the same to three digits or so."""
    left, right = plain(one), plain(other)
    return left is not None and right is not None and abs(left - right) <= 0.01 * abs(left) + 1e-12


def _names(expr: Expr) -> Iterator[Expr]:
    return (leaf for leaf in leaves(expr) if isinstance(leaf, Named))


def _drop(parts: list[Expr], part: Expr) -> None:
    place = next(n for n, p in enumerate(parts) if p is part)
    del parts[place]


def _ordered(left: list[Expr], right: list[Expr]) -> list[Pair]:
    """In the order they stand, unless another order brings parts of like shape together."""

    def fit(order: tuple[Expr, ...]) -> int:
        return sum(_shape(a) == _shape(b) for a, b in zip(left, order, strict=True))

    best = tuple(right)
    if 1 < len(right) <= MOST_ORDERS and any(_shape(p) != "leaf" for p in (*left, *right)):
        most = fit(best)
        for order in permutations(right):
            if fit(order) > most:
                best, most = order, fit(order)
    return [*zip(left, best, strict=True)]


def _shape(expr: Expr) -> str:
    match expr:
        case Named() | Written():
            return "leaf"
        case Call(f) | Applied(f):
            return f
        case _:
            return type(expr).__name__


def _terms(expr: Expr) -> list[Expr]:
    """The terms of a sum, those of sums in brackets among them."""
    if not isinstance(expr, Sum):
        return [expr]
    return [
        inner
        for term in expr.terms
        for inner in (_terms(term) if isinstance(term, Sum) else [term])
    ]


def _factors(before: Expr, after: Expr) -> tuple[list[Expr], list[Expr]]:
    """The factors of both products without a minus that both have.

    Where one of them has it in front and the other in a number, the number is turned round: a minus
    before the numbers alone is that of the first of them.
    """
    left, minus = _unsigned(before)
    right, other = _unsigned(after)
    if minus != other:
        place = next(
            (n for n, p in enumerate(right) if isinstance(p, Written) and (other or p.value < 0)),
            None,
        )
        if place is None:
            return [before], [after]
        turned = literal(Product((Num(-1), right[place])))
        assert turned is not None, "a printed number has a negative"
        right[place] = turned
    return left, right


def _unsigned(expr: Expr) -> tuple[list[Expr], bool]:
    """The factors without signs and ones, and whether there is a minus."""
    flat = [*_flat(expr)]
    signs = [f for f in flat if isinstance(f, Num) and f.value in (1, -1)]
    kept = [f for f in flat if f not in signs]
    return kept, sum(f.value == -1 for f in signs) % 2 == 1


def _flat(expr: Expr) -> Iterator[Expr]:
    match expr:
        case Product(factors) if not _constant(expr):
            for factor in factors:
                yield from _flat(factor)
        case _:
            yield expr


def _constant(expr: Expr) -> bool:
    """Whether a product is a fraction of whole numbers, such as 1/2."""
    found = [*leaves(expr)]
    return bool(found) and all(isinstance(leaf, Written) and leaf.whole for leaf in found)
