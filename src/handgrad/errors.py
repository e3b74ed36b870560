"""The errors a user can meet: each says which thing, what came, what was expected and what to do.

HandgradError            everything this package raises on purpose
├── InputError           what was given cannot be used (exit status 2)
│   ├── TextError        a mistake in a text of equations, with its place where that is known
│   │   ├── LanguageError    an equation or formula that cannot be read
│   │   └── EquationError    equations that do not fit
│   │       ├── DerivationError  together: undefined, defined twice, a stray index
│   │       └── ShapeError       the arrays: their axes, and indices out of range
│   ├── LimitError       more than the limits allow, found before anything is allocated
│   ├── FileError        a file that cannot be read or written
│   └── ProblemFileError every mistake of a problem file at once, each with line and column
└── NumericError         a number that is not finite came up during evaluation
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "MOST_TOLD",
    "DerivationError",
    "EquationError",
    "FileError",
    "HandgradError",
    "InputError",
    "LanguageError",
    "LimitError",
    "Mistake",
    "NumericError",
    "ProblemFileError",
    "ShapeError",
    "TextError",
    "printable",
    "quoted",
]

MOST_TOLD = 50  # mistakes of one text; more of them help nobody


def printable(text: str) -> str:
    r"""A text without what would steer a terminal, or turn the direction of writing; lines stay.

    >>> printable("a\x1b[31mb\nc")
    'a�[31mb\nc'
    """
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)


def quoted(text: str) -> str:
    """A text in quotes for a message, cut if long, without control characters.

    >>> quoted("relu"), quoted("a" * 100)[-6:]
    ('"relu"', 'aaaa…"')
    """
    short = text if len(text) <= 40 else text[:39] + "…"
    return f'"{printable(short)}"'.replace("\n", "�")


class HandgradError(Exception):
    """Base of every error this package raises on purpose."""


class InputError(HandgradError):
    """What was given cannot be used; the message says what to change."""


class TextError(InputError):
    """A mistake in a text of equations, at its place where that is known.

    ``line`` and ``column`` count from 1 and point at the first character that does not fit; 0 stands
    for an unknown place. ``also`` are the mistakes of the other lines, in their order.
    """

    def __init__(
        self,
        message: str,
        *,
        source: str = "",
        line: int = 0,
        column: int = 1,
        also: Sequence[TextError] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.source = source
        self.line = line
        self.column = column
        self.also = tuple(also)

    def __str__(self) -> str:
        return "\n".join((self._block(), *map(str, self.also)))

    def _block(self) -> str:
        if not self.line:
            return self.message
        said = f"line {self.line}, column {self.column}: {self.message}"
        lines = self.source.split("\n")
        if self.line > len(lines):
            return said
        start = max(0, self.column - 60)
        shown = printable(lines[self.line - 1][start : start + 100]).replace("\n", "�")
        return f"{said}\n    {shown}\n    {' ' * (self.column - 1 - start)}^"


class LanguageError(TextError):
    """A text that is no equation or formula."""


class EquationError(TextError):
    """Equations that do not fit: what ``name`` stands for, in the equation of ``of``."""

    def __init__(self, message: str, *, of: str = "", name: str = "", **place: Any) -> None:
        super().__init__(message, **place)
        self.of = of
        self.name = name


class DerivationError(EquationError):
    """Equations that do not fit together."""


class ShapeError(EquationError):
    """Arrays whose axes do not agree with the equations that use them."""


class LimitError(InputError):
    """More than the limits allow; found with plain integers, before anything is allocated."""


class FileError(InputError):
    """A file that cannot be read or written."""


@dataclass(frozen=True)
class Mistake:
    """One thing wrong in a problem file: where it is, what it is, and what to do about it."""

    message: str
    line: int | None = None
    column: int | None = None
    key: str = ""

    def __str__(self) -> str:
        place = f"line {self.line}, column {self.column}" if self.line is not None else ""
        head = ", ".join(part for part in (place, self.key) if part)
        return printable(f"{head}: {self.message}" if head else self.message)


class ProblemFileError(InputError):
    """Every mistake of one problem file, in the order of the file."""

    def __init__(self, path: str, mistakes: list[Mistake]) -> None:
        super().__init__(path, mistakes)
        self.path = path
        self.mistakes = mistakes

    def __str__(self) -> str:
        return "\n".join(f"{self.path}: {mistake}" for mistake in self.mistakes)


class NumericError(HandgradError):
    """A number that is not finite came up; the message names the equation and the example."""
