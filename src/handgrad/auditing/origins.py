"""A name in, what it follows from out, in the document's own names: a way to numbers that are printed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from handgrad.auditing.reading.nodes import Name, Named
from handgrad.auditing.world import World
from handgrad.auditing.worth import close, leaves
from handgrad.calculus.expr import Expr, Num, Product, Sum

__all__ = ["origin"]

MOST_USERS = 6  # quantities by way of which a derivative is told


def origin(world: World, name: Name, place: int) -> Expr | None:
    """What gives a name its value: its equation, or one step of the chain rule."""
    true = world.value(name, place)
    if true is None:
        return None
    values = ((way, world.number(way, place)) for way in _ways(world, name, place))
    return next((way for way, value in values if value is not None and close(value, true)), None)


def _ways(world: World, name: Name, place: int) -> Iterator[Expr]:
    for definition in world.holding(name, place)[:2]:
        yield definition.expr
    if name.of is None:
        return
    bottom = replace(name, of=None)
    delta = replace(bottom, base="δ")
    if delta in world.definitions and world.target(delta, place) == bottom:  # with either sign
        yield Named(delta, 0, 0)
        yield Product((Num(-1), Named(delta, 0, 0)))
    yield _by_chain_rule(world, name.of, bottom, place)


def _by_chain_rule(world: World, top: Name, bottom: Name, place: int) -> Expr:
    """The derivative by way of the quantities that are computed from what it is by."""
    terms: list[Expr] = []
    for name in world.users.get(bottom, ())[:MOST_USERS]:
        definition = world.forward(name, place)
        expr = world.applied(definition.expr) if definition else None
        used = (leaf.name for leaf in leaves(expr) if isinstance(leaf, Named)) if expr else ()
        if expr is None or bottom not in used:
            continue
        local = world.local(expr, bottom)
        outer = Named(replace(name, of=top), 0, 0)
        terms.append(local if name == top else Product((outer, local)))
    return Sum(tuple(terms))
