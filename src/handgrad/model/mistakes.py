"""What is wrong in a problem file, with its place: paths of keys come in, lines and columns go out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from handgrad.errors import Mistake, quoted
from handgrad.model.limits import Limits
from handgrad.model.positions import Path, Position, Positions, locate
from handgrad.model.schema import Origin

__all__ = ["Finding", "mistakes", "mistakes_at", "shown"]

_LISTS = (("layers",), ("claims",), ("frozen",))


class Finding(NamedTuple):
    """A mistake without its place; the words are made only if it is shown.

    ``inside`` is the line and column in the text that the value is, from 1; line 0 for the whole.
    """

    path: Path
    words: Callable[[], str]
    at_key: bool = False
    inside: tuple[int, int] = (0, 1)


def mistakes(findings: Sequence[Finding], text: str, limits: Limits) -> list[Mistake]:
    """The mistakes in the order of the file, which has the text ``text``."""
    places, lines = locate(text), text.split("\n")
    found = [(_place(finding, places, lines) or Position(0, 0), finding) for finding in findings]
    ordered = sorted(found, key=lambda pair: pair[0])
    told = [_mistake(finding, place) for place, finding in ordered[: limits.mistakes]]
    more = len(ordered) - limits.mistakes
    return [*told, Mistake(f"and {more} more mistakes.")] if more > 0 else told


def mistakes_at(origin: Origin, findings: Sequence[Finding]) -> list[Mistake]:
    r"""Mistakes found later, in an equation or a formula, with their places in the file.

    >>> origin = Origin(text="[equations]\nforward = 'E = w**2'\nloss = 'F'")
    >>> finding = Finding(("equations", "loss"), lambda: "F is not defined.")
    >>> print(*mistakes_at(origin, [finding]))
    line 3, column 8, equations.loss: F is not defined.
    """
    return mistakes(findings, origin.text, Limits())


def shown(path: Path) -> str:
    """The key in words, layers and claims counted from 1; rows of arrays are in the message."""
    while path and isinstance(path[-1], int) and path[-2:-1] not in _LISTS:
        path = path[:-1]
    written = ""
    for part in path:
        if isinstance(part, int):
            written += f"[{part + 1}]"
        else:
            written += f".{part}" if re.fullmatch(r"[\w-]{1,60}", part) else f".{quoted(part)}"
    return written.removeprefix(".")


def _mistake(finding: Finding, place: Position) -> Mistake:
    line, column = place if place.line else (None, None)
    return Mistake(finding.words(), line=line, column=column, key=shown(finding.path))


def _place(finding: Finding, places: Positions, lines: list[str]) -> Position | None:
    key = places.keys.get(finding.path) if finding.at_key else None
    place = key or places.nearest(finding.path)
    return _within(place, finding.inside, lines) if place and finding.inside[0] else place


def _within(place: Position, inside: tuple[int, int], lines: list[str]) -> Position:
    """The place of a character of a text that begins at ``place``, with its quotes."""
    line, column = inside
    opening = lines[place.line - 1][place.column - 1 :]
    if opening.rstrip() in ('"""', "'''"):  # the text begins on the next line, as written
        return Position(place.line + line, column)
    if opening.startswith(('"""', "'''")):
        shift = place.column + 2 if line == 1 else 0
        return Position(place.line + line - 1, column + shift)
    # A line end in a text between single quotes is written \n: only the first line can be counted.
    return Position(place.line, place.column + column) if line == 1 else place
