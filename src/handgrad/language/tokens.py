"""A text of equations cut into lines and tokens, and the place of a name in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from handgrad.errors import LanguageError

__all__ = ["Token", "places_of", "statements", "tokens"]

TOKEN = re.compile(
    r"""(?P<blank>[ \t]+)
      | (?P<sigma>Σ_(?:\{[^\W\d]\w*(?:,[^\W\d]\w*)*\}|[^\W\d]\w*(?:,[^\W\d]\w*)*))
      | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[½¼¾⅓⅔⅙⅚])
      | (?P<power>[⁰¹²³⁴⁵⁶⁷⁸⁹]+|\*\*|\^)
      | (?P<name>(?:(?![⁰¹²³⁴⁵⁶⁷⁸⁹½¼¾⅓⅔⅙⅚])[^\W\d])(?:(?![⁰¹²³⁴⁵⁶⁷⁸⁹½¼¾⅓⅔⅙⅚])\w)*)
      | (?P<op>[-+*/·×−()\[\],=])""",
    re.VERBOSE,
)


LONGEST_NAME = 100  # and of the letters of one Σ


@dataclass(frozen=True)
class Token:
    """A piece of a line; ``kind`` is a group of ``TOKEN``, or ``end``. Columns count from 1."""

    kind: str
    text: str
    column: int


def statements(source: str) -> Iterator[tuple[int, str]]:
    """The lines that hold equations, with their numbers; without comments."""
    for number, line in enumerate(source.split("\n"), 1):
        content = line.split("#", 1)[0].rstrip()
        if content.strip():
            yield number, content


def tokens(line: str, number: int, source: str, loss: str) -> Iterator[Token]:
    """The tokens of one line, the last of kind ``end``.

    Raises ``LanguageError`` at a character that begins none.
    """
    column = 0
    gradient = re.compile(rf"d{re.escape(loss)}/d[^\W\d]\w*(?!\w)") if loss else None
    while column < len(line):
        found = gradient.match(line, column) if gradient else None
        kind = "name"
        if found is None:
            found = TOKEN.match(line, column)
            if found is None:
                said = f"The character {line[column]!r} means nothing here. Remove it."
                raise LanguageError(said, source=source, line=number, column=column + 1)
            kind = found.lastgroup or ""
        if kind in ("name", "sigma") and len(found[0]) > LONGEST_NAME:
            said = f"A name has at most {LONGEST_NAME} characters. Shorten it."
            raise LanguageError(said, source=source, line=number, column=column + 1)
        if kind != "blank":
            yield Token(kind, found[0], column + 1)
        column = found.end()
    yield Token("end", "", len(line) + 1)


def places_of(source: str, loss: str, wanted: Sequence[tuple[str, str]]) -> list[tuple[int, int]]:
    r"""Line and column of each pair: a name in the equation of a quantity, or that equation itself.

    Of several equations of one quantity the last is meant; (0, 1) stands for one that is not there.

    >>> places_of("z = w*x\nE = z + q", "E", [("E", "q"), ("z", ""), ("a", "")])
    [(2, 9), (1, 1), (0, 1)]
    """
    lines = {
        found[0].text: (number, found)
        for number, line in statements(source)
        if (found := [*tokens(line, number, source, loss)])
    }
    return [
        (lines[of][0], _column(lines[of][1], name)) if of in lines else (0, 1)
        for of, name in wanted
    ]


def _column(line: Sequence[Token], name: str) -> int:
    """Where a name stands on the right, else in the letters of a Σ, else the beginning."""
    left, *right = line
    if not name:
        return left.column
    exact = (token.column for token in right if token.text == name)
    inside = (t.column for t in right if name in re.split(r"\W+", t.text.removeprefix("Σ_")))
    return next(exact, None) or next(inside, left.column)
