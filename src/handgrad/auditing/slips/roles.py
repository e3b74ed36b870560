"""What each number of a system is, told from how it is used and never from its name."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from handgrad.auditing.system import System
from handgrad.calculus.derivation import Phase
from handgrad.calculus.expr import Call, Expr, Power, Product, Ref, Sum, walk

__all__ = ["Roles", "family", "previous", "roles"]

LETTERS = re.compile(r"\W*[^\W\d_]+")


@dataclass(frozen=True)
class Roles:
    """``kind`` is weight, value, gradient, new or constant; the rest are closer relations."""

    kind: Mapping[Ref, str]
    before: Mapping[Ref, Ref]  # an activation and its weighted sum
    after: Mapping[Ref, Ref]  # a weighted sum and its activation
    biases: frozenset[Ref]  # weights that are added and never multiplied
    rates: frozenset[Ref]  # constants of the updates alone

    def alike(self, kind: str) -> list[Ref]:
        """All numbers of one kind, in their order."""
        return [ref for ref, own in self.kind.items() if own == kind]


def family(ref: Ref) -> Hashable:
    """Numbers of one family differ in their indices only, or in what follows their letter."""
    if ref.indices:
        return ref.symbol
    found = LETTERS.match(ref.symbol.base)
    return replace(ref.symbol, base=found[0] if found else ref.symbol.base, number=None)


def previous(ref: Ref) -> Ref:
    """The number as it was one update before."""
    return Ref(replace(ref.symbol, state="previous"), ref.indices)


@lru_cache(maxsize=16)
def roles(system: System) -> Roles:
    """The roles of all numbers of a system."""
    phases = {line.name: line.phase for line in system.lines}
    where: dict[Ref, set[Phase]] = {
        given: {phases[user] for user in system.users.get(given, ())} for given in system.givens
    }
    rates = {g for g, used in where.items() if used == {Phase.UPDATE} and g not in system.carried}
    pairs = [(line.name, z) for line in system.lines for z in _argument(line.rhs, line.phase)]
    kind: dict[Ref, str] = {}
    for given in system.givens:
        kind[given] = _kind_of_given(given, system, rates)
    for name, phase in phases.items():
        kind[name] = {Phase.FORWARD: "value", Phase.BACKWARD: "gradient", Phase.UPDATE: "new"}[
            phase
        ]
    added = _added(system) - _multiplied(system)
    return Roles(
        kind=kind,
        before=dict(pairs),
        after={z: a for a, z in pairs},
        biases=frozenset(ref for ref in added if kind.get(ref) in ("weight", "value")),
        rates=frozenset(rates),
    )


def _kind_of_given(given: Ref, system: System, rates: set[Ref]) -> str:
    if given in system.parameters or given in system.carried:
        return "weight" if not given.symbol.state else "state"
    if given.symbol.state == "previous":
        return "previous"
    if given in rates or _divides(given, system):
        return "constant"
    frozen = {family(ref) for ref in system.parameters}
    return "weight" if family(given) in frozen or given in _added(system) else "value"


def _divides(given: Ref, system: System) -> bool:
    """A count: a given that one divides by."""
    return any(
        isinstance(node, Power) and node.base == given
        for user in system.users.get(given, ())
        for node in walk(system.plain[user])
    )


def _argument(rhs: Expr, phase: Phase) -> tuple[Ref, ...]:
    """z, of a line a = f(z)."""
    match rhs:
        case Call(_, (Ref() as z, *_)) if phase is Phase.FORWARD:
            return (z,)
        case Product((Call(_, (Ref() as z,)), Power())) if phase is Phase.FORWARD:
            return (z,)
        case _:
            return ()


@lru_cache(maxsize=16)
def _added(system: System) -> frozenset[Ref]:
    """Givens that stand alone as a term of a weighted sum."""
    return frozenset(
        term
        for line in system.lines
        if line.phase is Phase.FORWARD and isinstance(rhs := system.plain[line.name], Sum)
        for term in rhs.terms
        if isinstance(term, Ref) and term in system.givens
        if any(isinstance(other, Product) for other in rhs.terms)
    )


@lru_cache(maxsize=16)
def _multiplied(system: System) -> frozenset[Ref]:
    return frozenset(
        factor
        for line in system.lines
        if line.phase is Phase.FORWARD
        for node in walk(line.rhs)
        if isinstance(node, Product)
        for factor in node.factors
        if isinstance(factor, Ref)
    )
