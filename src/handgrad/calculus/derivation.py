"""The list everything else reads: equations in order, each with its phase and a sentence of why.

``validate`` runs after every build or rewrite.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from handgrad.calculus.expr import (
    Along,
    Call,
    Expr,
    Index,
    Ref,
    Symbol,
    free_indices,
    own_positions,
    placed,
    refs,
    substitute,
    walk,
)
from handgrad.calculus.functions import FUNCTIONS
from handgrad.errors import DerivationError


class Phase(Enum):
    """Where an equation belongs in one training step."""

    FORWARD = "forward"
    BACKWARD = "backward"
    UPDATE = "update"


@dataclass(frozen=True)
class Equation:
    """``lhs`` is defined as ``rhs``; ``why`` is the sentence a reader sees."""

    lhs: Ref
    rhs: Expr
    phase: Phase
    why: str = ""

    def at(self, ref: Ref) -> Expr:
        """The right side for one reference to the left: z[2,k] of ``z[n,j] = …``."""
        return substitute(self.rhs, placed(self.lhs, ref))


@dataclass(frozen=True)
class Derivation:
    """Equations in the order they are computed, over given quantities.

    ``givens`` maps every symbol that is not defined by an equation (data, parameters, the learning
    rate, optimizer state) to its number of axes; ``parameters`` are those of them that are trained.
    """

    equations: tuple[Equation, ...]
    givens: Mapping[Symbol, int]
    loss: Symbol
    parameters: tuple[Symbol, ...] = ()

    def phase(self, phase: Phase) -> tuple[Equation, ...]:
        """The equations of one phase, in order."""
        return tuple(equation for equation in self.equations if equation.phase is phase)

    def defining(self, symbol: Symbol) -> Equation:
        """The equation that defines a symbol; raises ``DerivationError`` if there is none."""
        for equation in self.equations:
            if equation.lhs.symbol == symbol:
                return equation
        raise DerivationError(f"No equation defines {symbol}.")


def validate(derivation: Derivation) -> Derivation:
    """The derivation itself, once every name is defined once and before use, and indices agree.

    Raises ``DerivationError`` for a name undefined, defined twice or used with another number of
    indices; for an index neither summed nor on the left; for a function given the wrong arguments.
    """
    ranks = dict(derivation.givens)
    defined = {equation.lhs.symbol for equation in derivation.equations}
    for equation in derivation.equations:
        lhs = equation.lhs
        if lhs.symbol in ranks:
            what = "given and also defined" if lhs.symbol in derivation.givens else "defined twice"
            raise DerivationError(f"{lhs.symbol} is {what}. Give each quantity one name.")
        for ref in refs(equation.rhs):
            _check_reference(ref, ranks, defined, lhs)
        _check_indices(equation)
        _check_calls(equation)
        ranks[lhs.symbol] = len(lhs.indices)
    if derivation.loss not in ranks:
        raise DerivationError(f"The loss {derivation.loss} is not defined by any equation.")
    return derivation


def _check_reference(ref: Ref, ranks: Mapping[Symbol, int], defined: set[Symbol], lhs: Ref) -> None:
    if ref.symbol == lhs.symbol:
        raise DerivationError(
            f"{lhs.symbol} is defined by itself. Give the new quantity another name, "
            f"for example {lhs.symbol}_next."
        )
    if ref.symbol not in ranks:
        hint = "used before it is defined" if ref.symbol in defined else "not defined"
        advice = (
            "Move its equation up." if ref.symbol in defined else "Define it or give its value."
        )
        raise DerivationError(f"{ref.symbol}, in the equation of {lhs.symbol}, is {hint}. {advice}")
    if ranks[ref.symbol] != len(ref.indices):
        raise DerivationError(
            f"{ref.symbol} has {_count(ranks[ref.symbol])} but is used with "
            f"{len(ref.indices)} in the equation of {lhs.symbol}."
        )


def _count(rank: int) -> str:
    return {0: "no index", 1: "1 index"}.get(rank, f"{rank} indices")


def _check_indices(equation: Equation) -> None:
    left = [p.name for p in equation.lhs.indices if isinstance(p, Index)]
    if len(left) != len(equation.lhs.indices) or len(set(left)) != len(left):
        raise DerivationError(
            f"The left side of {equation.lhs.symbol} needs a different letter for each index."
        )
    for name in free_indices(equation.rhs):
        if name not in left:
            raise DerivationError(
                f"The index {name} in the equation of {equation.lhs.symbol} is neither summed nor "
                f"on the left. Write sum({name}, …), or put {name} on the left."
            )
    for node in walk(equation.rhs):
        for position in own_positions(node):
            if isinstance(position, int) and position < 1:
                raise DerivationError(
                    f"Index {position} in the equation of {equation.lhs.symbol}: count from 1."
                )


def _check_calls(equation: Equation) -> None:
    for node in walk(equation.rhs):
        match node:
            case Along(function, at=at):
                row = FUNCTIONS.get(function)
                if row is None or row.pullback is None or row.reduces != (at is None):
                    raise DerivationError(f"{function} is no function along an index.")
            case Call(function, arguments):
                wanted = FUNCTIONS[function].arity if function in FUNCTIONS else 0
                if wanted and wanted == len(arguments):
                    continue
                known = f"takes {wanted} argument{'s' * (wanted != 1)}, not {len(arguments)}"
                raise DerivationError(
                    f"In the equation of {equation.lhs.symbol}: {function} "
                    f"{known if wanted else 'is no function of single numbers'}."
                )
            case _:
                pass
