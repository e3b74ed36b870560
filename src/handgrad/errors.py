"""The errors a user can meet: each says which thing, what came, what was expected and what to do.

HandgradError            everything this package raises on purpose
├── InputError           what was given cannot be used (exit status 2)
│   ├── LanguageError    an equation or formula cannot be read, with its position
│   ├── DerivationError  equations that do not fit together: undefined, twice defined, a stray index
│   ├── ShapeError       arrays whose axes do not agree with the equations
│   ├── LimitError       more than the limits allow, found before anything is allocated
│   ├── FileError        a file that cannot be read or written
│   └── ProblemFileError every mistake of a problem file at once, each with line and column
└── NumericError         a number that is not finite came up during evaluation
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "DerivationError",
    "FileError",
    "HandgradError",
    "InputError",
    "LanguageError",
    "LimitError",
    "Mistake",
    "NumericError",
    "ProblemFileError",
    "ShapeError",
]


class HandgradError(Exception):
    """Base of every error this package raises on purpose."""


class InputError(HandgradError):
    """What was given cannot be used; the message says what to change."""


class LanguageError(InputError):
    """A text that is no equation or formula.

    ``line`` and ``column`` count from 1 and point at the first character that does not fit.
    """

    def __init__(self, message: str, *, source: str = "", line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.source = source
        self.line = line
        self.column = column

    def __str__(self) -> str:
        lines = self.source.splitlines()
        if not 0 < self.line <= len(lines):
            return f"line {self.line}, column {self.column}: {self.message}"
        text = lines[self.line - 1]
        start = max(0, self.column - 60)
        shown, pointer = text[start : start + 100], " " * (self.column - 1 - start) + "^"
        return f"line {self.line}, column {self.column}: {self.message}\n    {shown}\n    {pointer}"


class DerivationError(InputError):
    """Equations that do not fit together."""


class ShapeError(InputError):
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
        return f"{head}: {self.message}" if head else self.message


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
