"""A file in, the text that a reader sees out, with the place of every character in the file.

Markdown, LaTeX and plain text are taken as they stand, but for macros of their own; HTML and notebooks
are brought to such text.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from handgrad.auditing.reading.html import readable
from handgrad.auditing.reading.macros import expanded
from handgrad.auditing.reading.notebook import cells
from handgrad.errors import FileError, LimitError

__all__ = ["MOST_BYTES", "MOST_CHARACTERS", "Source", "read", "source_of"]

MOST_BYTES = 4 * 2**20  # of a file, with its pictures
MOST_CHARACTERS = 500_000  # of what a reader sees of it
ENDINGS = {
    ".md": "markdown", ".markdown": "markdown", ".rmd": "markdown", ".qmd": "markdown",
    ".txt": "markdown", ".tex": "latex", ".ltx": "latex", ".html": "html", ".htm": "html",
    ".xhtml": "html", ".ipynb": "notebook", ".toml": "problem", ".rst": "markdown",
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A document: the file's own text, and the readable text with the origin of its characters."""

    path: str
    kind: str  # markdown, latex, html, notebook
    raw: str
    text: str
    origin: Sequence[int] | None = None  # place in ``raw`` of each character of ``text``

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(n + 1 for n, letter in enumerate(self.raw) if letter == "\n")]

    def place(self, at: int) -> int:
        """The place in the file of a place in the readable text."""
        if self.origin is None:
            return at
        if at < len(self.origin):
            return self.origin[at]
        return self.origin[-1] + 1 if self.origin else 0

    def line(self, at: int) -> tuple[int, int]:
        """Line and column in the file, from 1, of a place in the readable text."""
        place = self.place(at)
        line = bisect_right(self._starts, place)
        return line, place - self._starts[line - 1] + 1


def read(path: str | os.PathLike[str]) -> Source:
    """The document in a file. Raises ``FileError`` and ``LimitError``."""
    file = Path(path)
    try:
        if file.is_dir():
            raise FileError(f"{file} is a folder; a document is a file.")
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise LimitError(
                f"{file} has {size / 2**20:.1f} MB; documents of up to {MOST_BYTES >> 20} MB are read. "
                "Cut it into parts."
            )
        with file.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise FileError(f"{file} cannot be read: {error.strerror or error}.") from None
    except ValueError:
        raise FileError("The name of a document holds a NUL character.") from None
    if len(data) > MOST_BYTES:
        raise LimitError(f"{file} is larger than {MOST_BYTES >> 20} MB. Cut it into parts.")
    return source_of(_decoded(data, str(file)), str(file), ENDINGS.get(file.suffix.lower()))


def _decoded(data: bytes, path: str) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise FileError(
            f"{path} is not text in UTF-8: byte {error.start} ({data[error.start]:#04x}) does not fit. "
            "Save it as UTF-8."
        ) from None
    if "\0" in text:
        raise FileError(f"{path} holds NUL characters; a document is text.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def source_of(raw: str, path: str = "<text>", kind: str | None = None) -> Source:
    """The document that a text is; its kind is guessed where it is not said.

    Raises ``FileError`` for a broken notebook, ``LimitError`` for a text that is too long.
    """
    kind = kind or _guessed(raw)
    if kind == "html":
        return _bounded(Source(path, kind, raw, *readable(raw, MOST_CHARACTERS)))
    if kind == "notebook":
        return _bounded(Source(path, kind, raw, *cells(raw, path)))
    text, origin = (expanded(raw) if len(raw) <= MOST_CHARACTERS else None) or (raw, None)
    return _bounded(Source(path, kind, raw, text, origin))


def _bounded(source: Source) -> Source:
    if len(source.text) > MOST_CHARACTERS:
        raise LimitError(
            f"{source.path} holds more than {MOST_CHARACTERS:,} characters of text. Cut it into parts."
        )
    return source


def _guessed(raw: str) -> str:
    head = raw[:2000].lstrip().lower()
    if head.startswith(("<!doctype html", "<html")) or ("<p>" in head and "</" in head):
        return "html"
    if head.startswith("{") and '"cells"' in raw:
        return "notebook"
    return "latex" if "\\documentclass" in raw or "\\begin{document}" in raw else "markdown"
