"""Values that only stand in the calculation: names bound by what is put in for them.

A name that is given nowhere has the number that is first put in for it. One that is given a value and
always used with another is taken as it is used, and that is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from handgrad.auditing.align import Pair, align, numeric
from handgrad.auditing.learning import bare
from handgrad.auditing.reading.nodes import Applied, Chain, Name, Named, Written
from handgrad.auditing.roles import is_generic, is_rate
from handgrad.auditing.statements import heads, stated
from handgrad.auditing.world import World
from handgrad.auditing.worth import replaced
from handgrad.calculus.expr import Call, Expr, Num, Value
from handgrad.calculus.functions import FUNCTIONS
from handgrad.numbers.evaluate import kernel_of

__all__ = ["RENEWED", "Contradiction", "arguments", "bind", "by_formula", "substitutions"]

ACTIVATIONS = ("sigmoid", "tanh", "relu", "softplus", "silu", "identity")
OFTEN = 2  # uses that make a rule
_RENEWED = (
    r"(?:new|updated|improved|adjusted) (?:weights?|parameters?|values)|after (?:the|this|one) "
    r"(?:update|step)|neuen (?:Gewichte|Werte)"
)
RENEWED = re.compile(rf"\b(?:{_RENEWED})\b", re.IGNORECASE)
AGAIN = re.compile(
    rf"\b(?:{_RENEWED}|again|once more|anew|erneut|nochmals?|noch einmal|"
    r"(?:second|next|new|another) (?:forward )?(?:pass|forward))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Contradiction:
    """A name whose stated value is not the one it is used with."""

    name: Name
    stated: Written
    used: Written


def bind(chains: Sequence[Chain], world: World) -> list[Contradiction]:
    """Give names the values they are used with; what contradicts a stated value is told."""
    _infer_functions(chains, world)
    uses: dict[Name, list[tuple[Written, int]]] = {}
    for place, chain in enumerate(chains):
        for symbol, number in substitutions(chain, place, world):
            if isinstance(symbol, Named) and isinstance(number, Written):
                uses.setdefault(symbol.name, []).append((number, place))
    for name, found in uses.items():
        known = name in world.givens or name in world.definitions or name.new or name.of is not None
        if is_rate(name) and world.value(name, found[0][1]) is not None:
            continue  # it is told in words
        if not known and not is_generic(name):
            turns = found[:1] if name in world.updated else _in_turn(found, chains)
            for written, place in turns:
                world.give(name, written, place)
            world.loose.add(name)
    contradictions = [c for name, found in uses.items() if (c := _contradicted(world, name, found))]
    for contradiction in contradictions:
        world.replace_given(contradiction.name, contradiction.used)
    restart(chains, world)
    world.settle()
    return contradictions


def _in_turn(
    found: Sequence[tuple[Written, int]], chains: Sequence[Chain]
) -> Iterator[tuple[Written, int]]:
    """What is put in for a name: first, and where the same quantity is worked out with another value.

    It is that of another example then.
    """
    last, first = found[0][0].value, bare(chains[found[0][1]].members[0].expr or Num(0))
    yield found[0]
    for written, place in found[1:]:
        if written.value != last and bare(chains[place].members[0].expr or Num(0)) == first:
            last = written.value
            yield written, place


def _infer_functions(chains: Sequence[Chain], world: World) -> None:
    """What f is where the document only says a = f(z) = 0.589: the activation that gives its numbers."""
    printed = {n: c.members[-1].number for c in chains for n in heads(c) if c.members[-1].number}
    pairs: dict[str, list[tuple[float, Written]]] = {}
    for chain in chains:
        number = chain.members[-1].number
        for member in chain.members:
            match member.expr:
                case Applied(function, (Named(name),), 0) if (
                    number and function not in world.functions and function not in FUNCTIONS
                ):
                    argument = printed.get(name)
                    if argument is not None:
                        pairs.setdefault(function, []).append((argument.value, number))
                case _:
                    pass
    for function, found in pairs.items():
        known = [name for name in ACTIVATIONS if all(_gives(name, z, a) for z, a in found)]
        if len(known) == 1:
            z = Name("z")
            world.functions[function] = ((z,), Call(known[0], (Named(z, 0, 0),)))


def _gives(function: str, argument: float, number: Written) -> bool:
    """Whether a function gives a printed number, to two steps of its last place."""
    value = float(np.asarray(kernel_of(function)(np.asarray(argument))))
    return abs(value - number.value) <= 2 * number.unit


def restart(chains: Sequence[Chain], world: World) -> None:
    """Find where a second pass begins: a forward line worked out again, with the new values put in."""
    printed: dict[Name, float] = {}  # the new values, as they are printed
    seen: set[Name] = set()
    since: int | None = None  # the first line that is worked out again
    for place, chain in enumerate(chains):
        names = heads(chain)
        number = chain.members[-1].number
        forward = [n for n in names if not n.new and n.of is None]
        again = any(n in seen for n in forward)
        if number is not None and again and printed:
            since = place if since is None and not stated(chain) else since
            pairs = [*substitutions(chain, place, world)]
            if (
                any(_renewed(symbol, written, printed, world, place) for symbol, written in pairs)
                or _comes_out(chain, number, printed, world, place)
                or (stated(chain) and _passed_again(chain, number, world, place))
            ):
                since = place if since is None else since
                world.restart(printed, since)
                printed, seen, since = {}, set(), None
        if number is not None:
            seen |= set(forward)
            for name in names:
                if name.new or world.renewed(name, place):
                    old = name.as_old
                    _carry_on(old, chain, number, printed, world, place)
                    printed[old], since = number.value, None


def _carry_on(
    name: Name,
    chain: Chain,
    number: Written,
    printed: Mapping[Name, float],
    world: World,
    place: int,
) -> None:
    """An update of a name that was updated before: from here on it has that value, if it is used."""
    own = {name: printed[name]} if name in printed else {}
    pairs = substitutions(chain, place, world) if own else ()
    if any(_renewed(symbol, written, own, world, place) for symbol, written in pairs) or (
        own and _comes_out(chain, number, own, world, place)
    ):
        world.restart([name], place)


def _renewed(
    symbol: Expr, number: Expr, printed: dict[Name, float], world: World, place: int
) -> bool:
    """Whether a number is the new value of the parameter it stands for, and not the old one."""
    if not isinstance(symbol, Named) or not isinstance(number, Written):
        return False
    new, old = printed.get(symbol.name), world.value(symbol.name, place)
    return new == number.value and old is not None and old not in number.rounded


def _comes_out(
    chain: Chain, number: Written, printed: Mapping[Name, float], world: World, place: int
) -> bool:
    """Whether the number of a formula comes out with the new values, and does not with the old ones."""

    def new(node: Expr) -> Expr | None:
        if isinstance(node, Named) and node.name in printed:
            return Value(printed[node.name])
        return None

    own = [m.expr for m in chain.members if m.expr is not None and m.name is None]
    if any(numeric(expr) and not isinstance(expr, Written) for expr in own):
        return False  # it says itself which values it is worked out with
    formulas = [expr for expr in own if not isinstance(expr, Written)]
    if not formulas:
        formulas = [d.expr for n in heads(chain) for d in world.holding(n, place)[:1]]
    for expr in formulas:
        before, after = world.number(expr, place), world.number(replaced(expr, new), place)
        if before is not None and after is not None and before not in number.rounded:
            return after in number.rounded
    return False


def _passed_again(chain: Chain, number: Written, world: World, place: int) -> bool:
    """Whether a value that is only stated is that of a pass with the new values, and so told."""
    worked_out = (n for n in heads(chain) if n in world.definitions and not n.new and n.of is None)
    name = next(worked_out, None)
    if name is None or not AGAIN.search(chain.remark):
        return False
    old = world.value(name, place)
    return old is not None and old not in number.rounded


def _contradicted(
    world: World, name: Name, found: Sequence[tuple[Written, int]]
) -> Contradiction | None:
    told = name in world.definitions or name in world.known
    if name not in world.givens or told or len(found) < OFTEN or is_rate(name):
        return None
    values = {number.value for number, _ in found}
    stated = world.givens[name]
    if len(values) != 1 or any(g.value in values for g in stated):
        return None
    if any(_alike(number, g.written) for number, _ in found for g in stated):
        return None
    return Contradiction(name, stated[0].written, found[0][0])


def _alike(one: Written, other: Written) -> bool:
    """Whether one is the other with fewer digits."""
    fewer, more = sorted((one, other), key=lambda w: w.unit, reverse=True)
    return more.value in fewer.rounded and not fewer.whole


def substitutions(chain: Chain, place: int, world: World) -> Iterator[Pair]:
    """What each number of a chain is put in for, as far as the symbols before it tell."""
    names = heads(chain)
    yield from arguments(chain, world)
    for previous, member in zip(chain.members, chain.members[1:], strict=False):
        if member.expr is None or not numeric(member.expr) or member.number is not None:
            continue
        before = previous.expr
        if before is not None and numeric(before):
            continue
        pairs = (
            align(before, member.expr)
            if before is not None and not isinstance(before, Named)
            else []
        )
        if not any(isinstance(symbol, Named) for symbol, _ in pairs):
            pairs = by_formula(names, member.expr, place, world) or pairs
        yield from pairs


def arguments(chain: Chain, world: World) -> Iterator[Pair]:
    """L(1.5, 0.56): the numbers in the places of the function's own names."""
    head = chain.members[0].expr
    if isinstance(head, Applied) and head.function in world.functions:
        names, _ = world.functions[head.function]
        if len(names) == len(head.arguments):
            for name, argument in zip(names, head.arguments, strict=True):
                yield from align(Named(name, 0, 0), argument)


def by_formula(names: Sequence[Name], expr: Expr, place: int, world: World) -> list[Pair]:
    """The pairs by the first equation of the names that has the shape of the numbers."""
    best: list[Pair] = []
    for name in names:
        for definition in world.holding(name, place)[:4]:
            pairs = align(world.applied(definition.expr), expr)
            known = [p for p in pairs if isinstance(p[0], Named) and isinstance(p[1], Written)]
            if len(known) > len([p for p in best if isinstance(p[0], Named)]):
                best = pairs
    return best
