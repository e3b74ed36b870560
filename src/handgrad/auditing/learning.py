"""The chains of a document in, its world out: equations, given values, functions, new values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from handgrad.auditing.accumulated import carry_on
from handgrad.auditing.generic import tell_each
from handgrad.auditing.lifted import lift
from handgrad.auditing.reading.nodes import (
    Applied,
    Chain,
    Matrix,
    Member,
    Name,
    Named,
    Opaque,
    Written,
    every,
)
from handgrad.auditing.roles import is_parameter
from handgrad.auditing.statements import heads, stated, updates_told
from handgrad.auditing.world import World
from handgrad.auditing.worth import leaves, plain, replaced
from handgrad.calculus.expr import Call, Expr, Power, Product, Sum
from handgrad.calculus.functions import FUNCTIONS

__all__ = ["bare", "same", "world_of"]


def world_of(chains: Sequence[Chain]) -> World:
    """The equations and given values of a document's chains."""
    world = World()
    for place, chain in enumerate(chains):
        _learn(world, chain, place)
    tell_each(chains, world)
    carry_on(chains, world)
    lift(chains, world)
    world.settle()
    return world


def _learn(world: World, chain: Chain, place: int) -> None:
    names = heads(chain)
    expressions = [m.expr for m in chain.members if m.expr is not None and _symbolic(m)]
    _learn_function(world, chain)
    for name in names:
        if name == names[0] and len(names) > 1 and not all(map(is_parameter, names)):
            world.define(name, Named(names[1], 0, 0), place)
        own = next((e for e in expressions if not _uses(e, name)), None)
        if own is not None:
            world.define(name, own, place)
        if name.new:
            world.updated.add(name.as_old)
    _learn_inner(world, expressions, place)
    result = next((m for m in chain.members[1:] if m.number is not None), None)
    number = result.number if result else None
    if result is not None and number is not None and stated(chain):
        if result.relation == "≈":
            world.loose.update(names)
        for name in names:
            if updates_told(chain) > 1:
                continue
            if world.renews(name, number, chain):
                world.news.add((name, place))
            else:
                world.give(name, number, place)
    elif names and not expressions and number is not None:
        computed = next(
            (m.expr for m in chain.members if m.expr is not None and m.name is None), None
        )
        value = plain(computed) if computed is not None else None
        if value is not None:
            for name in names:
                world.give(name, number, place, value, computed=True)


def _symbolic(member: Member) -> bool:
    """Whether a member is an equation in names that can have a value."""
    expr = member.expr
    return (
        expr is not None
        and member.name is None
        and any(isinstance(leaf, Named) for leaf in leaves(expr))
        and not any(isinstance(node, Opaque | Matrix) for node in every(expr))
    )


def _learn_function(world: World, chain: Chain) -> None:
    """f(z) = …: a function of the document's own; L(y, ŷ) = … as well."""
    for before, after in pairwise(chain.members):
        match before.expr:
            case Applied(function, arguments, 0) if all(isinstance(a, Named) for a in arguments):
                names = tuple(a.name for a in arguments if isinstance(a, Named))
                body = after.expr
                if body is None or not _symbolic(after) or function in FUNCTIONS:
                    continue
                used = {n.name for n in leaves(body) if isinstance(n, Named)}
                if used <= set(names):
                    world.functions.setdefault(function, (names, body))
            case _:
                pass


def _uses(expr: Expr, name: Name) -> bool:
    return any(leaf.name == name for leaf in leaves(expr) if isinstance(leaf, Named))


def _learn_inner(world: World, expressions: Sequence[Expr], place: int) -> None:
    """σ(z) = σ(w·x + b) says z = w·x + b; w·a + b = w·x + b says a = x."""
    for before, after in pairwise(expressions):
        for name, expr in _inner(before, after):
            known = world.definitions.get(name) or world.givens.get(name)
            recent = known and any(
                entry.place == place for entry in world.definitions.get(name, ())
            )
            if not _uses(expr, name) and not recent and not (known and isinstance(expr, Named)):
                world.define(name, expr, place)


def _inner(before: Expr, after: Expr) -> Iterator[tuple[Name, Expr]]:
    """The names that stand where another expression stands in a formula of the same shape."""
    match before, after:
        case Named(name), Expr() if not (isinstance(after, Named) and after.name == name):
            yield name, after
        case (Call(f, a), Call(g, b)) if f == g and len(a) == len(b) == 1:
            yield from _inner(a[0], b[0])
        case (Sum(a), Sum(b)) | (Product(a), Product(b)) if len(a) == len(b):
            differing = [(x, y) for x, y in zip(a, b, strict=True) if not same(x, y)]
            if len(differing) == 1 and len(a) > 1:
                yield from _inner(*differing[0])
        case (Power(x, p), Power(y, q)) if same(p, q):
            yield from _inner(x, y)
        case _:
            return


def same(one: Expr, other: Expr) -> bool:
    """Whether two expressions are the same but for their places."""
    return bare(one) == bare(other)


def bare(expr: Expr) -> Expr:
    """The expression without places."""

    def change(node: Expr) -> Expr | None:
        if isinstance(node, Named):
            return replace(node, start=0, end=0)
        return replace(node, start=0, end=0) if isinstance(node, Written) else None

    return replaced(expr, change)
