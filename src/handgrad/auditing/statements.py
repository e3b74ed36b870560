"""What a chain of equalities states: the names it gives a value to, and after how many updates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from handgrad.auditing.reading.nodes import (
    Applied,
    Chain,
    Member,
    Name,
    Named,
    Written,
    named_in,
)
from handgrad.auditing.reading.tables import ANY_LOSS
from handgrad.auditing.roles import is_loss
from handgrad.calculus.expr import Product, Sum

__all__ = ["heads", "stated", "updates_told", "with_loss"]

NUMBERS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "ten": 10, "hundred": 100, "thousand": 1000,
    "second": 2, "third": 3,
}  # fmt: skip
_COUNT = r"(\d[\d,. ]*\d|\d|two|three|four|five|ten|(?:a |one )?hundred|(?:a |one )?thousand)"
_UPDATES = r"(?:updates?|iterations?|epochs?|steps|passes|rounds|repetitions|times)\b"
COUNTED = re.compile(
    r"\bafter\s+(?:all\s+|the\s+|about\s+|exactly\s+)?"
    rf"{_COUNT}\s+(?:more |such |of these |training )?{_UPDATES}"
    rf"|\brepeat\w*[^.\d]{{0,50}}?{_COUNT}\s+{_UPDATES}",
    re.IGNORECASE,
)


def stated(chain: Chain) -> bool:
    """Whether a chain is nothing but names and a number."""
    return all(m.name is not None or m.number is not None for m in chain.members)


def updates_told(chain: Chain) -> int:
    """After how many updates the values of a chain hold, where that is told; else 0."""
    for text in (chain.remark, chain.context):
        found = COUNTED.search(text)
        if found:
            told = next(group for group in found.groups() if group)
            number = re.sub(r"[ ,.'’_]", "", told.lower())
            return NUMBERS.get(number) or (
                int(number) if number.isdigit() and len(number) < 8 else 0
            )
    return 0


def heads(chain: Chain) -> list[Name]:
    """The names a chain gives one value to; the left side of an update is the new value."""
    first, *others = chain.members
    arrow = bool(others) and (others[0].relation in ("←", "→") or _goes_on(first, others[0]))
    found = [m.name.as_new if arrow and m is first else m.name for m in chain.members if m.name]
    if first.name is None and first.expr is not None:
        match first.expr:
            case Applied(function, _, 0):
                found.insert(0, Name(function))
            case Product((Named(name), Named(argument, _, end))) if (
                name.base != argument.base and first.end > end  # in brackets: a(z), and not δ h
            ):
                found.insert(0, name)
            case _:
                pass
    return [*dict.fromkeys(found)]


def _goes_on(first: Member, second: Member) -> bool:
    """Whether an equation is an update, as w = w − ηg is."""
    name, sum_ = first.name, second.expr
    if name is None or name.of is not None or not isinstance(sum_, Sum):
        return False
    named = {inner.name for inner in named_in(sum_)}
    moved = isinstance(sum_.terms[0], Written) and name.base in ("w", "W", "b", "B", "θ")
    return name in named or (moved and bool(named))  # b = 0.1 − η·g as well


def with_loss(chains: Sequence[Chain]) -> list[Chain]:
    """The chains with the loss of the document where a table only says "gradient"."""
    names = [member.name for chain in chains for member in chain.members if member.name is not None]
    tops = [name.of for name in names if name.of not in (None, ANY_LOSS)]
    loss = next(filter(None, [*tops, *(name for name in names if is_loss(name))]), None)
    found: list[Chain] = []
    for chain in chains:
        name = chain.members[0].name
        if name is None or name.of != ANY_LOSS:
            found.append(chain)
        elif loss is not None:
            top = chain.members[0]
            own = Named(replace(name, of=loss), top.start, top.end)
            found.append(replace(chain, members=(replace(top, expr=own), *chain.members[1:])))
    return found
