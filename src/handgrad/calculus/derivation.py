"""The list everything else reads: equations in order, each with its phase and a sentence of why.

``validate`` runs after every build or rewrite.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from itertools import islice

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
from handgrad.errors import MOST_TOLD, DerivationError


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
    It holds every such mistake, in the order of the equations.
    """
    mistakes = [*islice(_mistakes(derivation), MOST_TOLD)]
    if mistakes:
        mistakes[0].also = tuple(mistakes[1:])
        raise mistakes[0]
    return derivation


def _mistakes(derivation: Derivation) -> Iterator[DerivationError]:
    ranks = dict(derivation.givens)
    defined = {e.lhs.symbol: {ref.symbol for ref in refs(e.rhs)} for e in derivation.equations}
    for equation in derivation.equations:
        symbol = equation.lhs.symbol
        if symbol in ranks:
            what = "given and also defined" if symbol in derivation.givens else "defined twice"
            yield _mistake(symbol, "", f"{symbol} is {what}. Give each quantity one name.")
        told = {symbol} if symbol in derivation.givens else set[Symbol]()
        for ref in refs(equation.rhs):
            if ref.symbol not in told:
                mistakes = [*_reference_mistakes(ref, ranks, defined, symbol)]
                told |= {ref.symbol} if mistakes else set()
                yield from mistakes
        yield from _index_mistakes(equation)
        yield from _call_mistakes(equation)
        ranks.setdefault(symbol, len(equation.lhs.indices))
    if derivation.loss not in ranks:
        yield DerivationError(
            f"The loss {derivation.loss} is not defined by any equation. "
            f"Write {derivation.loss} = …, or name another quantity as the loss.",
            name=str(derivation.loss),
        )


def _mistake(of: Symbol, name: object, message: str) -> DerivationError:
    return DerivationError(message, of=str(of), name=str(name))


def _reference_mistakes(
    ref: Ref, ranks: Mapping[Symbol, int], defined: Mapping[Symbol, set[Symbol]], of: Symbol
) -> Iterator[DerivationError]:
    name = ref.symbol
    if name == of:
        yield _mistake(
            of,
            name,
            f"{of} is defined by itself. Give the new quantity another name, "
            f"for example {of}_next.",
        )
    elif name not in ranks:
        hint = _undefined(name, of, {*ranks, *defined}, defined)
        yield _mistake(of, name, f"{name}, in the equation of {of}, is {hint}")
    elif ranks[name] != len(ref.indices):
        count, wanted = len(ref.indices), ranks[name]
        example = f"{name}[{','.join('ijkl'[:wanted])}]" if wanted else f"{name}"
        yield _mistake(
            of,
            name,
            f"{name} has {_count(wanted)} but is used with {count} in the equation of {of}. "
            f"Write {example if wanted <= 4 else 'them all'}.",
        )


def _undefined(
    name: Symbol, of: Symbol, known: set[Symbol], uses: Mapping[Symbol, set[Symbol]]
) -> str:
    if name not in uses:
        return f"not defined. {_advice(name, known)}"
    reached, waiting = {name}, [name]
    while waiting:
        for other in uses.get(waiting.pop(), set[Symbol]()) - reached:
            reached.add(other)
            waiting.append(other)
    if of in reached:
        return (
            f"defined by {of} in turn: a circle. Give one of them a value, or one name for each "
            "time step, as in h1, h2."
        )
    return "used before it is defined. Move its equation up."


def _advice(name: Symbol, known: set[Symbol]) -> str:
    names = sorted(map(str, known))[:500]  # comparing is slow
    same = [other for other in names if other.lower() == str(name).lower()]
    near = same or get_close_matches(str(name)[:100], names, cutoff=0.7)
    return f"Did you mean {near[0]}?" if near else "Define it or give its value."


def _count(rank: int) -> str:
    return {0: "no index", 1: "1 index"}.get(rank, f"{rank} indices")


def _index_mistakes(equation: Equation) -> Iterator[DerivationError]:
    of = equation.lhs.symbol
    left = [p.name for p in equation.lhs.indices if isinstance(p, Index)]
    if len(left) != len(equation.lhs.indices) or len(set(left)) != len(left):
        yield _mistake(of, "", f"The left side of {of} needs a different letter for each index.")
    for name in free_indices(equation.rhs):
        if name not in left:
            yield _mistake(
                of,
                name,
                f"The index {name} in the equation of {of} is neither summed nor "
                f"on the left. Write sum({name}, …), or put {name} on the left.",
            )
    for node in walk(equation.rhs):
        for position in own_positions(node):
            if isinstance(position, int) and position < 1:
                said = f"Index {position} in the equation of {of}: count from 1."
                yield _mistake(of, position, said)


def _call_mistakes(equation: Equation) -> Iterator[DerivationError]:
    of = equation.lhs.symbol
    for node in walk(equation.rhs):
        match node:
            case Along(function, at=at):
                row = FUNCTIONS.get(function)
                if row is None or row.pullback is None or row.reduces != (at is None):
                    yield _mistake(of, function, f"{function} is no function along an index.")
            case Call(function, arguments):
                wanted = FUNCTIONS[function].arity if function in FUNCTIONS else 0
                if not wanted or wanted != len(arguments):
                    known = f"takes {wanted} argument{'s' * (wanted != 1)}, not {len(arguments)}"
                    said = known if wanted else "is no function of single numbers"
                    yield _mistake(of, function, f"In the equation of {of}: {function} {said}.")
            case _:
                pass
