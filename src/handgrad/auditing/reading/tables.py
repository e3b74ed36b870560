"""Tables of names and values, as one chain a value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from handgrad.auditing.reading.chains import chains_in
from handgrad.auditing.reading.dialect import Dialect
from handgrad.auditing.reading.nodes import Chain, Member, Name, Named, Unread
from handgrad.auditing.reading.passages import Passage

__all__ = ["ANY_LOSS", "cells"]

_RULE = re.compile(r"[\s|:+-]*")
MOST_CELLS = 20_000
ANY_LOSS = Name("loss of any letter")
_GRADIENT = re.compile(
    r"\b(?:gradients?|derivatives?|slopes?|Gradient(?:en)?|Ableitung(?:en)?)\b", re.IGNORECASE
)
_CHANGE = re.compile(r"\b(?:change|difference|correction|step|delta|Änderung)\b|Δ", re.IGNORECASE)
QUANTITIES = {
    "net", "out", "delta", "Delta", "error", "\\delta", "\\Delta", "in", "output", "input",
}  # fmt: skip
Cell = tuple[int, int]


def cells(text: str, passage: Passage, dialect: Dialect) -> Iterator[Chain | Unread]:
    """Every value of a table under the name it belongs to; formulas in cells as they stand."""
    rows = [row for row in _rows(text, passage) if row]
    if sum(map(len, rows)) > MOST_CELLS:
        yield Unread(f"a table of more than {MOST_CELLS} cells", passage.start)
        return
    if not rows:
        return
    read = [[_cell(text, cell, dialect) for cell in row] for row in rows]
    header = read[0]
    names = [_named(cell) for cell in header]
    label = _words(text, rows[0])
    context = " / ".join(filter(None, (passage.context, label)))
    labels = [name for row in read[1:] if (name := _named(row[0])) is not None]
    symbols = sum(_symbol(text, name) for name in names if name is not None)
    if symbols > 1 and not any(_symbol(text, name) for name in labels):
        labels = []  # words: "value", "before"
    below = bool(labels)
    across = len(rows) > 1 and sum(name is not None for name in names) > 1 and not below
    numbered = across and _numbered([row[0] for row in read[1:]])
    columns = _Columns(text, rows[0], names, across, numbered)
    for number, (row, found) in enumerate(zip(rows, read, strict=True)):
        first = _named(found[0]) if below or found is header else None
        before = _words(text, row[:1])
        for place, (where, chain) in enumerate(zip(row, found, strict=True)):
            if chain is None:
                said = text[slice(*where)].strip()
                if re.search(r"\d", said) and re.search(r"[=≈]", said):
                    yield Unread(said, where[0])
                continue
            head, *others = chain.members
            value = replace(head, relation="=")
            if others:
                yield replace(chain, context=context, inline=True)
            elif head.number:
                owner, kind = columns.owner(place, first, number, before)
                if owner is not None and owner is not head:
                    yield Chain((owner, value), f"{context} / {kind}", inline=True)
                elif not head.number.whole:
                    yield Unread(text[head.start : head.end], head.start)
            elif place and found is not header and first and head.expr is not None:
                yield Chain((first, value), context, inline=True)


@dataclass(frozen=True)
class _Columns:
    """What stands at the head of a table: whose the values below are, and of what kind."""

    text: str
    header: list[Cell]
    names: list[Member | None]
    across: bool  # the values are those of the names at the head
    numbered: bool  # row by row, of one example after the other

    def owner(
        self, place: int, first: Member | None, number: int, before: str
    ) -> tuple[Member | None, str]:
        """What a value in a row is said of, None if of nothing known, and the words that go with it."""
        under = self.across and number and place < len(self.names)
        owner = (self.names[place] if under else None) or (first if place else None)
        column = _words(self.text, self.header[place : place + 1])
        if owner is None:
            return None, f"{column} / {before}"
        of_row = owner is first
        kind = column if of_row else f"{column} / {before}"
        if self.numbered and place:
            owner = _of_example(owner, number)
        if of_row and _quantity(self.text, self.header, place):
            return _together(self.names[place], owner), kind
        if _GRADIENT.search(kind):
            return _slope(owner), kind
        return (None if of_row and _CHANGE.search(kind) else owner), kind


def _named(cell: Chain | None) -> Member | None:
    """The name that a cell begins with."""
    return cell.members[0] if cell is not None and cell.members[0].name is not None else None


def _numbered(first: list[Chain | None]) -> bool:
    """Whether rows are numbered from 1: there is an example in each."""
    heads = [chain.members[0].number if chain is not None else None for chain in first]
    return len(heads) > 1 and [h.value if h else 0 for h in heads] == [*range(1, len(heads) + 1)]


def _of_example(owner: Member, number: int) -> Member:
    """A quantity of one of several examples: x of the second is x^(2)."""
    if owner.name is None or owner.name.sup:
        return owner
    return replace(owner, expr=Named(replace(owner.name, sup=str(number)), owner.start, owner.end))


def _quantity(text: str, header: list[Cell], place: int) -> bool:
    """Whether a column is headed by a quantity, of which each row has one of its own."""
    said = text[slice(*header[place])].strip(" $*`") if place < len(header) else ""
    return said in QUANTITIES or (len(said) == 1 and said.isalpha())


def _together(column: Member | None, row: Member) -> Member | None:
    """The quantity of a column for the unit or parameter of a row: net and h1 are net_h1."""
    if column is None or column.name is None or row.name is None:
        return None
    name = replace(column.name, sub=f"{row.name.base}{row.name.sub}")
    return replace(row, expr=Named(name, row.start, row.end))


def _slope(parameter: Member) -> Member:
    """The derivative of a loss, whatever its letter, by what a row is named after."""
    assert parameter.name is not None, "asked of names"
    name = replace(parameter.name, new=False, of=ANY_LOSS)
    return replace(parameter, expr=Named(name, parameter.start, parameter.end))


def _symbol(text: str, name: Member) -> bool:
    """Whether a name is one of a quantity for certain, and no word."""
    said = text[name.start : name.end]
    return len(said) == 1 or re.search(r"[\d_\\^'′]", said) is not None


def _rows(text: str, passage: Passage) -> Iterator[list[Cell]]:
    """The places of the cells, row by row, without the rule under the header."""
    separator, ends = _marks(text[passage.start : passage.end])
    latex = separator == "&"
    place = passage.start
    for line in re.split(f"({ends})", text[passage.start : passage.end]):
        if not re.fullmatch(ends, line) and not (not latex and _RULE.fullmatch(line)):
            yield [*_split(line, place, separator)]
        place += len(line)


def _marks(table: str) -> tuple[str, str]:
    """What parts the cells of a table, and what its rows."""
    if "&" in table and "\\\\" in table:
        return "&", r"\\\\"
    return next((mark for mark in (r"\|", "\t", ";", ",") if mark[-1] in table), " {2,}"), r"\n"


def _split(line: str, start: int, separator: str) -> Iterator[Cell]:
    """The cells of a line, the empty ones between others included."""
    place, found = 0, list[Cell]()
    for match in re.finditer(rf"(?<!\\){separator}|$", line):
        found.append((start + place, start + match.start()))
        place = match.end()
    empty = [not line[a - start : b - start].strip(" \t>") for a, b in found]
    edged = separator == r"\|" and len(found) > 1
    yield from found[edged and empty[0] : len(found) - (empty[-1] and (edged or len(found) == 1))]


def _cell(text: str, cell: Cell, dialect: Dialect) -> Chain | None:
    """What one cell says, between dollars or as it stands."""
    start, end = cell
    content = text[start:end]
    math = re.search(r"\$(.+)\$|\\\((.+)\\\)", content)
    if math:
        group = 1 if math[1] is not None else 2
        start, end = start + math.start(group), start + math.end(group)
    else:
        stripped = content.strip(" \t>*`")
        start += content.index(stripped)
        end = start + len(stripped)
        if " " in stripped and not re.search(r"[=≈*/+·]", stripped):
            return None
    found = [*chains_in(text, start, end, dialect, latex=bool(math), inline=True)]
    chains = [chain for chain in found if isinstance(chain, Chain)]
    whole = len(found) == len(chains) == 1 and chains[0].members[0].expr is not None
    return chains[0] if whole else None


def _words(text: str, row: list[Cell]) -> str:
    return " ".join(re.sub(r"[$\\{}]", "", text[slice(*cell)]).strip() for cell in row)
