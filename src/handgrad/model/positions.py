"""Where things stand in a TOML text: the text comes in, line and column of every key path go out.

``tomllib`` forgets positions. ``locate`` finds them again, so that a mistake can be shown where it
is. ``refuse_hostile`` runs before ``tomllib``, whose time grows with the square of a dotted key and
which recurses without a bound.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from handgrad.errors import LimitError, Mistake, ProblemFileError
from handgrad.model.limits import Limits

__all__ = ["Path", "Position", "Positions", "decode", "locate", "refuse_hostile", "refuse_size"]

Path = tuple[str | int, ...]
"""Keys from the outside in; places in lists, and in arrays of tables, count from 0."""


class Position(NamedTuple):
    """A place in a text, line and column counted from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Positions:
    """The places of all values and keys of one text.

    ``values`` has every value, table and list element, a table at its header; ``keys`` has what is
    named by a key, at the first character of that key; ``repeated`` has the keys that are given a
    second time, with the second place.
    """

    values: dict[Path, Position]
    keys: dict[Path, Position]
    repeated: list[tuple[Path, Position]]

    def nearest(self, path: Path) -> Position | None:
        """The place of the value at ``path`` or, if there is none, of what would hold it."""
        while path not in self.values:
            if not path:
                return None
            path = path[:-1]
        return self.values[path]


# No alternative can fail after it has read a quote, and none gives back what it has read, so one
# pass over the text is linear. A text that ends inside a string is left for tomllib to refuse.
_STRING = r'''
    """ (?: [^"\\] | \\.? | "{1,2}(?!") )*+ "{0,5}
  | \'\'\' (?: [^'] | '{1,2}(?!') )*+ '{0,5}
  | " (?: [^"\\\n] | \\[^\n]? )*+ "?
  | ' [^'\n]*+ '?
'''
_TOKEN = re.compile(
    rf"{_STRING} | \#[^\n]*+ | [][{{}}.,=\n] | [^][{{}}.,=\n\#\"']++", re.VERBOSE | re.DOTALL
)
_QUOTED = re.compile(_STRING, re.VERBOSE | re.DOTALL)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]++")
_BLANKS = re.compile(r"[ \t]*+")
_FILLING = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_SCALAR = re.compile(r"[^],}#\r\n]++")

# Longer paths are not kept: a hostile text has many, and no problem file needs one.
_LONGEST_PATH = 48


def decode(content: bytes, name: str) -> str:
    """The text of a file; a byte-order mark is skipped.

    Raises `ProblemFileError` with the line for bytes that are not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # With the mark skipped, positions count from after it; the reader counts from the start.
        start = error.start + 3 * content.startswith(b"\xef\xbb\xbf")
        message = f"byte {start} is not UTF-8. Save the file as UTF-8."
        if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            wide = content[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
            message = f"the file is UTF-{32 if wide else 16}. Save it as UTF-8."
        before = content[:start]
        line_start = before.rfind(b"\n") + 1
        column = len(before[line_start:].decode("utf-8-sig", errors="replace")) + 1
        mistake = Mistake(message, line=before.count(b"\n") + 1, column=column)
        raise ProblemFileError(name, [mistake]) from None


def refuse_hostile(text: str, name: str, limits: Limits | None = None) -> None:
    """Refuse, in one linear pass, a text that would keep ``tomllib`` busy or make it crash.

    Raises `LimitError` for a text that is too long, `ProblemFileError` with the place for lists and
    tables too deep inside each other, for dotted keys of too many parts, and for NUL characters.
    """
    limits = limits or Limits()
    refuse_size(len(text), name, limits)
    try:
        refuse_size(len(text.encode()), name, limits)
    except UnicodeEncodeError as error:
        _refuse(text, error.start, name, "this character is half of a surrogate pair. Remove it.")
    nul = text.find("\0")
    if nul >= 0:
        _refuse(text, nul, name, "a NUL character. A problem file is plain text; remove it.")
    _refuse_depth(text, name, limits)


def refuse_size(size: int, name: str, limits: Limits) -> None:
    """Refuse a file of more bytes than the limit."""
    if size > limits.file_bytes:
        raise LimitError(
            f"{name}: a problem file may have {limits.file_bytes} bytes, this one has more. "
            "Put weights into a file named by `values`, and train on data from a file of its own."
        )


def _refuse_depth(text: str, name: str, limits: Limits) -> None:
    depth = parts = 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark == ".":
            parts += 1
            if parts >= limits.key_parts:
                message = f"a dotted key of more than {limits.key_parts} parts. Shorten it."
                _refuse(text, token.start(), name, message)
        elif mark in "[{":
            depth, parts = depth + 1, 0
            if depth > limits.depth:
                message = (
                    f"lists or tables more than {limits.depth} deep inside each other. "
                    "Look for a bracket that is not closed."
                )
                _refuse(text, token.start(), name, message)
        elif mark in "]}":
            depth, parts = max(depth - 1, 0), 0
        elif mark in ",=\n":
            parts = 0


def _refuse(text: str, index: int, name: str, message: str) -> None:
    before = text[:index]
    line, column = before.count("\n") + 1, index - before.rfind("\n")
    raise ProblemFileError(name, [Mistake(message, line=line, column=column)])


def locate(text: str) -> Positions:
    r"""The position of every key path of a TOML text, the text being one that ``tomllib`` reads.

    Of another text it finds what stands before the first thing that is not TOML.

    >>> places = locate("[data]\nx = [[1, 2],\n     [3, 4]]")
    >>> places.values[("data", "x", 1, 0)], places.keys[("data", "x")]
    (Position(line=3, column=7), Position(line=2, column=1))
    """
    scan = _Scan(text)
    with suppress(_NotToml, RecursionError):
        scan.document()
    return Positions(scan.values, scan.keys, scan.repeated)


class _NotToml(Exception):
    """The scanner met something that TOML does not have here."""


class _Scan:
    """One walk over a text; ``at`` is the index of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.values: dict[Path, Position] = {}
        self.keys: dict[Path, Position] = {}
        self.repeated: list[tuple[Path, Position]] = []
        self.tables: dict[Path, int] = {}  # how many tables each array of tables has so far

    def document(self) -> None:
        table: Path = ()
        while self.skip(_FILLING) < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)

    def header(self) -> Path:
        here = self.here()
        many = self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        *outer, (last, place) = self.key_parts()
        self.expect("]]" if many else "]")
        path: Path = ()
        for part, part_place in outer:
            path = self.current((*path, part))
            self.values.setdefault(path, here)
            self.keys.setdefault(path, part_place)
        path = (*path, last)
        if many:
            self.values.setdefault(path, here)
            self.keys.setdefault(path, place)
            self.tables[path] = self.tables.get(path, 0) + 1
            path = self.current(path)
        self.values[path] = here
        self.keys[path] = place
        return path

    def current(self, path: Path) -> Path:
        """In an array of tables, a name means its last table."""
        return (*path, self.tables[path] - 1) if path in self.tables else path

    def pair(self, table: Path) -> None:
        path = table
        *outer, (last, place) = self.key_parts()
        for part, part_place in outer:
            path = (*path, part)
            self.values.setdefault(path, part_place)
            self.keys.setdefault(path, part_place)
        path = (*path, last)
        self.expect("=")
        self.skip(_BLANKS)
        if path in self.keys:
            self.repeated.append((path, place))
        if len(path) <= _LONGEST_PATH:
            self.keys.setdefault(path, place)
        self.value(path)

    def value(self, path: Path) -> None:
        if len(path) <= _LONGEST_PATH:
            self.values.setdefault(path, self.here())
        opening = self.text[self.at : self.at + 1]
        if opening == "[":
            self.items("]", path)
        elif opening == "{":
            self.items("}", path)
        elif opening in ('"', "'"):
            self.read(_QUOTED)
        else:
            self.read(_SCALAR)

    def items(self, closing: str, path: Path) -> None:
        """The elements of a list, or the pairs of an inline table."""
        self.at += 1
        count = 0
        self.skip(_FILLING)
        while not self.text.startswith(closing, self.at):
            if closing == "]":
                self.value((*path, count))
            else:
                self.pair(path)
            count += 1
            self.skip(_FILLING)
            if not self.text.startswith(closing, self.at):
                self.expect(",")
                self.skip(_FILLING)
        self.at += 1

    def key_parts(self) -> list[tuple[str, Position]]:
        parts = [self.key()]
        while self.text.startswith(".", self.skip(_BLANKS)):
            self.at += 1
            parts.append(self.key())
        return parts

    def key(self) -> tuple[str, Position]:
        self.skip(_BLANKS)
        here = self.here()
        if self.text[self.at : self.at + 1] not in ('"', "'"):
            return self.read(_BARE_KEY), here
        quoted = self.read(_QUOTED)
        try:
            return tomllib.loads(f"key = {quoted}")["key"], here
        except tomllib.TOMLDecodeError:
            raise _NotToml from None

    def skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def read(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise _NotToml
        self.at = match.end()
        return match[0]

    def expect(self, mark: str) -> None:
        self.skip(_BLANKS)
        if not self.text.startswith(mark, self.at):
            raise _NotToml
        self.at += len(mark)

    def here(self) -> Position:
        line = bisect_right(self.starts, self.at)
        return Position(line, self.at - self.starts[line - 1] + 1)
