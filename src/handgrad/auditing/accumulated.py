"""Velocities and moments: what is updated, enters other updates, and nothing of the forward pass.

``v = mu*v + dL/dw`` comes before ``w = w - lr*v``, which goes by the new v. Where a document moves by
such a rule, plain gradient descent says nothing of its new values.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace

from handgrad.auditing.reading.nodes import Chain, Name, Named
from handgrad.auditing.said import Definition, Said
from handgrad.auditing.statements import heads
from handgrad.auditing.worth import leaves, replaced
from handgrad.calculus.expr import Expr

__all__ = ["carry_on"]


def carry_on(chains: Sequence[Chain], said: Said) -> None:
    """Let updates go by what was updated above them, and keep new values that only are stated."""
    forward = {
        leaf.name
        for name, found in said.definitions.items()
        for definition in found
        for leaf in leaves(definition.expr)
        if not name.new and isinstance(leaf, Named)
    }
    for name in [name for name in said.definitions if name.new]:
        for place, definition in enumerate(said.definitions[name]):
            moved = _with_new(definition, name, said, forward)
            if moved != definition.expr:
                said.definitions[name][place] = replace(definition, expr=moved)
                said.accumulates = True
    if not said.accumulates:
        return
    for name, place in said.news:
        number = next((m.number for m in chains[place].members if m.number is not None), None)
        if number is not None and name in heads(chains[place]):
            said.give(name.as_new, number, place)


def _with_new(definition: Definition, name: Name, said: Said, forward: Set[Name]) -> Expr:
    """The right side of an update with the new values of what has one by then."""

    def change(node: Expr) -> Expr | None:
        if not isinstance(node, Named) or node.name in {*forward, name.as_old}:
            return None
        new = node.name.as_new
        told = said.definitions.get(new)  # in reading order
        return replace(node, name=new) if told and told[0].place < definition.place else None

    return replaced(definition.expr, change)
