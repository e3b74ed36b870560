"""A source in, everything it says in mathematics out: chains in reading order, and what is unread."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from handgrad.auditing.reading.chains import chains_in
from handgrad.auditing.reading.dialect import Dialect, dialect_of
from handgrad.auditing.reading.ellipsis import written_out
from handgrad.auditing.reading.matrices import scalar
from handgrad.auditing.reading.nodes import Chain, Member, Unread, Written, every, written_in
from handgrad.auditing.reading.passages import Passage, passages
from handgrad.auditing.reading.prose import asides, coded, renewals, runs, stated, tupled
from handgrad.auditing.reading.source import Source
from handgrad.auditing.reading.tables import cells
from handgrad.auditing.reading.visible import visible
from handgrad.errors import LimitError

__all__ = ["Document", "document"]

MOST_CHAINS = 600
MOST_NODES = 30_000  # names, numbers and operations of all formulas together
LONGEST_REMARK = 300  # characters
_WORDS = re.compile(r"[^\W\d_]{2,}")
_COUNTED = re.compile(
    r"\d\s+(?:\w+\s+){0,2}(?:updates?|iterations?|epochs?|steps|passes|rounds)\b", re.IGNORECASE
)
_NEAR = re.compile(r"[\s$.,\\()\[\]{}*]*")


@dataclass(frozen=True)
class Document:
    """What a document says: its chains in reading order, and the places nothing was made of."""

    source: Source
    chains: tuple[Chain, ...]
    unread: tuple[Unread, ...]
    dialect: Dialect


def document(source: Source) -> Document:
    """Everything a source says in mathematics. Raises ``LimitError``."""
    text = visible(source.text, source.kind)
    dialect = dialect_of(text)
    chains: list[Chain] = []
    unread: list[Unread] = []
    remark, read = "", 0
    for passage in passages(text):
        words = text[passage.start : passage.end]
        if passage.kind == "plain" and (len(_WORDS.findall(words)) > 3 or _COUNTED.search(words)):
            remark = words[-LONGEST_REMARK:]
        for found in _found(text, passage, dialect):
            if isinstance(found, Unread):
                unread.append(found)
            elif found.members[0].relation and chains and _near(text, chains[-1], found):
                chains[-1] = replace(chains[-1], members=chains[-1].members + found.members)
            else:
                chains.append(replace(found, remark=remark))
            read += 0 if isinstance(found, Unread) else _nodes(found)
            _bound(source, len(chains) + len(unread), read)
    whole, odd = scalar(written_out([_settled(chain) for chain in chains]))
    whole = _with_stated(text, whole, dialect)
    _bound(source, len(whole), sum(map(_nodes, whole)))
    unread += [*odd, *_alone(text, whole)]
    said = tuple(chain for chain in whole if len(chain.members) > 1)
    return Document(source, said, tuple(sorted(unread, key=lambda u: u.start)), dialect)


def _bound(source: Source, chains: int, read: int) -> None:
    for count, most, what in (
        (chains, MOST_CHAINS, "formulas"),
        (read, MOST_NODES, "names, numbers and operations in its formulas"),
    ):
        if count > most:
            raise LimitError(f"{source.path} holds more than {most:,} {what}. Cut it into parts.")


def _nodes(chain: Chain) -> int:
    return sum(1 for member in chain.members if member.expr for _ in every(member.expr))


def _found(text: str, passage: Passage, dialect: Dialect) -> Iterator[Chain | Unread]:
    if passage.kind == "table":
        yield from cells(text, passage, dialect)
    elif passage.kind == "math":
        yield from _chains(text, passage, passage.start, passage.end, dialect)
    else:
        values = [*tupled(text, passage.start, passage.end)]
        if values:
            yield from values
            return
        cut = coded if passage.kind == "code" else runs
        for start, end in cut(text, passage.start, passage.end):
            for found in _chains(text, passage, start, end, dialect):
                # Words before a sign of equality are no mathematics, nor is most of a program.
                digits = isinstance(found, Unread) and re.search(r"\d", found.text)
                if isinstance(found, Chain) or (digits and passage.kind == "plain"):
                    yield found


def _chains(
    text: str, passage: Passage, start: int, end: int, dialect: Dialect
) -> Iterator[Chain | Unread]:
    latex = passage.kind == "math"
    yield from chains_in(
        text, start, end, dialect, latex=latex, context=passage.context, inline=passage.inline
    )


def _with_stated(text: str, chains: Sequence[Chain], dialect: Dialect) -> list[Chain]:
    """The chains, and the values told in words whose numbers are in none of them, in reading order."""
    known = _printed(chain for chain in chains if len(chain.members) > 1)
    told = [*stated(text, dialect), *renewals(text, chains, dialect)]
    told = [c for c in told if c.members[1].start not in known]
    return sorted([*chains, *told], key=_place)


def _place(chain: Chain) -> int:
    """Where a chain stands; a value in a table where it does, and not where its column begins."""
    return chain.members[-1 if len(chain.members) == 2 else 0].start


def _printed(chains: Iterator[Chain]) -> set[int]:
    """Where the numbers of some chains stand."""
    return {number.start for chain in chains for number in _numbers(chain)}


def _numbers(chain: Chain) -> Iterator[Written]:
    return (
        n for member in chain.members if member.expr is not None for n in written_in(member.expr)
    )


def _alone(text: str, chains: Sequence[Chain]) -> Iterator[Unread]:
    """Printed values that are said of nothing: a number alone between dollars or in a cell."""
    known = _printed(chain for chain in chains if len(chain.members) > 1)
    for chain in chains:
        if len(chain.members) == 1 and (expr := chain.members[0].expr) is not None:
            for number in written_in(expr):
                if not number.whole and number.start not in known:
                    yield Unread(text[number.start : number.end], number.start)
    values = {text[n.start : n.end] for chain in chains for n in _numbers(chain)}
    for start, end in asides(text):
        if start not in known and text[start:end] not in values:
            yield Unread(text[start:end], start)


def _near(text: str, chain: Chain, following: Chain) -> bool:
    """Whether nothing but delimiters stands between a chain and what goes on from it."""
    between = text[chain.members[-1].end : following.members[0].start]
    return (
        len(between) < 200
        and _NEAR.fullmatch(between.replace("=", "").replace("≈", "")) is not None
    )


def _settled(chain: Chain) -> Chain:
    """Without members that hold nothing: the sign at the end of one line, and again at the next."""
    members: list[Member] = []
    for member in chain.members:
        if members and members[-1].expr is None and members[-1].start == members[-1].end:
            members.pop()
        members.append(member)
    if members[-1].expr is None and members[-1].start == members[-1].end and len(members) > 1:
        members.pop()
    return replace(chain, members=tuple(members))
