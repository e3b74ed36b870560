"""A text in, the stretches between the delimiters of mathematics out, found in one walk."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Stretch", "stretches"]

_ENVIRONMENTS = (
    "equation|align|aligned|gather|gathered|multline|eqnarray|flalign|alignat|split|displaymath|"
    "math|dmath"
)
_MARK = re.compile(
    rf"\\(?:begin|end)\{{(?:{_ENVIRONMENTS})\*?\}}"
    r"|\\{1,2}[\[\]()]|\\\\|\\\$|\$\$|\$|\n[ \t]*\n"
)
LONGEST_INLINE = 400  # characters between two dollars


@dataclass(frozen=True)
class Stretch:
    """Mathematics from ``start`` to ``end``; with its delimiters it goes from ``before`` to ``after``."""

    start: int
    end: int
    before: int
    after: int
    inline: bool


def stretches(text: str) -> Iterator[Stretch]:
    """Everything between dollars, brackets of LaTeX and environments, in reading order.

    An opening that is never closed is passed over. Each kind of closing is looked up in a list of
    its places, so that the time is that of one walk over the text.
    """
    marks = [(m[0] if m[0][0] != "\n" else "\n", m.start(), m.end()) for m in _MARK.finditer(text)]
    places: dict[str, list[int]] = {}
    for n, (mark, _, _) in enumerate(marks):
        places.setdefault(mark, []).append(n)
    at = 0
    while at < len(marks):
        closing = _closing(text, marks, places, at)
        if closing is None:
            at += 1
            continue
        (mark, before, start), (_, end, after) = marks[at], marks[closing]
        if text[start:end].strip():
            yield Stretch(start, end, before, after, inline=mark in ("$", r"\(", r"\\("))
        at = closing + 1


Mark = tuple[str, int, int]


def _closing(text: str, marks: list[Mark], places: dict[str, list[int]], at: int) -> int | None:
    """Which mark closes the one that opens here."""
    mark = marks[at][0]
    if mark == "$":
        return _dollar(text, marks, at)
    if mark == "$$" or mark.startswith("\\begin"):
        return _next(places, mark.replace("begin", "end"), at)
    if mark.endswith(("[", "(")):
        found = _next(places, mark[:-1] + {"[": "]", "(": ")"}[mark[-1]], at)
        length = 0 if found is None else marks[found][1] - marks[at][2]
        return None if mark.endswith("(") and length > 3 * LONGEST_INLINE else found
    return None


def _next(places: dict[str, list[int]], mark: str, at: int) -> int | None:
    found = places.get(mark, [])
    place = bisect_left(found, at + 1)
    return found[place] if place < len(found) else None


def _dollar(text: str, marks: list[Mark], at: int) -> int | None:
    r"""The dollar that closes, behind marks that close nothing: \\, \$ or \) between dollars."""
    for place in range(at + 1, min(at + 40, len(marks))):
        if marks[place][0] in ("\n", "$$"):
            return None
        if marks[place][0] == "$":
            return place if _dollars(text, marks[at], marks[place]) else None
    return None


def _dollars(text: str, opening: Mark, closing: Mark) -> bool:
    """Whether a formula in running text stands between two dollars, and no sums of money."""
    _, before, start = opening
    mark, end, after = closing
    return (
        mark == "$"
        and 0 < end - start <= LONGEST_INLINE
        and not text[start].isspace()
        and not (before and (text[before - 1].isalnum() or text[before - 1] == "_"))
        and not text[after : after + 1].isdigit()
    )
