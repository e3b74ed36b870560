"""Tables of names and values, as one chain a value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from handgrad.auditing.reading.chains import chains_in
from handgrad.auditing.reading.dialect import Dialect
from handgrad.auditing.reading.nodes import Chain, Member, Unread
from handgrad.auditing.reading.passages import Passage

__all__ = ["cells"]

_RULE = re.compile(r"[\s|:+-]*")
MOST_CELLS = 20_000
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
    below = any(_named(row[0]) for row in read[1:])
    across = len(rows) > 1 and sum(name is not None for name in names) > 1 and not below
    for row, found in zip(rows, read, strict=True):
        first = _named(found[0])
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
                under = across and place < len(names) and found is not header
                owner = (names[place] if under else None) or (first if place else None)
                if owner is not None and owner is not head:
                    column = _words(text, [rows[0][place]]) if place < len(rows[0]) else ""
                    yield Chain((owner, value), f"{context} / {column}", inline=True)
                elif not head.number.whole:
                    yield Unread(text[head.start : head.end], head.start)
            elif place and found is not header and first and head.expr is not None:
                yield Chain((first, value), context, inline=True)


def _named(cell: Chain | None) -> Member | None:
    """The name that a cell begins with."""
    return cell.members[0] if cell is not None and cell.members[0].name is not None else None


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
    place = 0
    for match in re.finditer(rf"(?<!\\){separator}|$", line):
        content = line[place : match.start()]
        if content.strip(" \t>"):
            yield start + place, start + match.start()
        place = match.end()


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
