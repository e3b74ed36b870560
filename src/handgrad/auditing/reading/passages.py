"""Where in a document the mathematics stands: formulas, tables, lines of code and prose with values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Passage", "passages"]


@dataclass(frozen=True)
class Passage:
    """A stretch of the text: ``kind`` is math, table or plain; ``context`` the heading above it."""

    kind: str
    start: int
    end: int
    context: str = ""
    inline: bool = False


_ENVIRONMENTS = "equation|align|aligned|gather|gathered|multline|eqnarray|flalign|alignat|split|displaymath|math"
_DELIMITED = re.compile(
    r"\$\$(?P<display>.+?)\$\$"
    r"|\\\[(?P<bracket>.+?)\\\]"
    rf"|\\begin\{{(?P<env>{_ENVIRONMENTS})\*?\}}(?P<body>.+?)\\end\{{(?P=env)\*?\}}"
    r"|\\\((?P<paren>.+?)\\\)"
    r"|(?<![\\$\w])\$(?P<inline>(?=\S)(?:[^$\n]|\n(?!\s*\n)){1,400}?)(?<!\\)\$(?!\d)",
    re.DOTALL,
)
_GROUPS = ("display", "bracket", "body", "paren", "inline")
_MATH_FENCE = re.compile(r"^[ \t>]*(?P<fence>```+|~~~+)\s*\{?(?P<language>[\w-]*)[^\n]*$", re.MULTILINE)
_HEADING = re.compile(
    r"^[ \t>]*(?:#{1,6}[ \t]+(?P<hash>[^\n]{1,200})|\*\*(?P<bold>[^*\n]{1,120})\*\*:?[ \t]*"
    r"|\\(?:sub)*section\*?\{(?P<section>[^}\n]{1,200})\}"
    r"|(?P<under>[^\n|=]{1,100})\n[ \t]*(?:[-=─═]{3,}))[ \t]*$",
    re.MULTILINE,
)
_TABULAR = re.compile(r"\\begin\{tabular[x*]?\}(.+?)\\end\{tabular[x*]?\}", re.DOTALL)
_ROW = re.compile(r"^[ \t>]*\|?[^|\n]+\|[^\n]*$", re.MULTILINE)
_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_HIDDEN = re.compile(r"<!--.*?-->|^---\n.*?\n---\n|^\+\+\+\n.*?\n\+\+\+\n", re.DOTALL)
_LINK = re.compile(r"!?\[[^\]\n]*\]\([^)\n]*\)|!\[\[[^\]\n]*\]\]|https?://\S+|<[^<>\n]{1,200}>")


def passages(text: str, kind: str) -> list[Passage]:
    """Every stretch that may hold mathematics, in reading order; what is left is plain text."""
    taken = bytearray(len(text))
    found: list[Passage] = []
    _hide(text, kind, taken)
    headings = [(m.start(), _title(m)) for m in _HEADING.finditer(text)]

    def take(kind: str, start: int, end: int, whole: tuple[int, int], *, inline: bool = False) -> None:
        if any(taken[whole[0] : whole[1]]):
            return
        taken[whole[0] : whole[1]] = b"\1" * (whole[1] - whole[0])
        found.append(Passage(kind, start, end, _under(headings, start), inline))

    for match in _DELIMITED.finditer(text):
        group = next(name for name in _GROUPS if match[name] is not None)
        if not _cell(text, match.start(), match.end()):
            take("math", *match.span(group), match.span(), inline=group in ("paren", "inline"))
    for match in _TABULAR.finditer(text):
        take("table", *match.span(1), match.span())
    for start, end in _tables(text):
        take("table", start, end, (start, end))
    for start, end in _lines(text):
        if not any(taken[start:end]):
            found.append(Passage("plain", start, end, _under(headings, start)))
        else:
            found += _between(text, start, end, taken, _under(headings, start))
    return sorted(found, key=lambda passage: passage.start)


def _hide(text: str, kind: str, taken: bytearray) -> None:
    """Mark what no reader sees: comments, front matter, addresses."""
    for pattern in (_HIDDEN, _LINK, *((_COMMENT,) if kind == "latex" else ())):
        for match in pattern.finditer(text):
            inside = pattern is _LINK and re.search(r"\d[^/]*\|", match[0])
            if not inside:
                taken[match.start() : match.end()] = b"\1" * (match.end() - match.start())
    for match in _MATH_FENCE.finditer(text):
        if match["language"] != "math":
            taken[match.start() : match.end()] = b"\1" * (match.end() - match.start())


def _title(match: re.Match[str]) -> str:
    return (match["hash"] or match["bold"] or match["section"] or match["under"] or "").strip()


def _under(headings: list[tuple[int, str]], place: int) -> str:
    """The two headings that stand above a place."""
    above = [title for start, title in headings if start <= place]
    return " / ".join(above[-2:])


def _cell(text: str, start: int, end: int) -> bool:
    """Whether a formula stands in the cell of a table."""
    line = text[text.rfind("\n", 0, start) + 1 : start]
    return "|" in line and text[start:end].count("\n") == 0 and _is_row(_line(text, start))


def _line(text: str, place: int) -> str:
    end = text.find("\n", place)
    return text[text.rfind("\n", 0, place) + 1 : end if end >= 0 else len(text)]


def _is_row(line: str) -> bool:
    bare = line.strip(" \t>")
    return bare.startswith("|") or bare.count(" | ") >= 1


def _tables(text: str) -> Iterator[tuple[int, int]]:
    """Lines beneath each other that are rows of cells between bars."""
    start = end = -1
    for match in _ROW.finditer(text):
        if not _is_row(match[0]):
            continue
        if start >= 0 and text[end : match.start()].strip(" \t") not in ("\n", "\n\n"):
            yield start, end
            start = -1
        start = match.start() if start < 0 else start
        end = match.end()
    if start >= 0:
        yield start, end


def _lines(text: str) -> Iterator[tuple[int, int]]:
    place = 0
    for line in text.split("\n"):
        if line.strip():
            yield place, place + len(line)
        place += len(line) + 1


def _between(text: str, start: int, end: int, taken: bytearray, context: str) -> Iterator[Passage]:
    """The pieces of a line that belong to nothing else."""
    at = start
    while at < end:
        if taken[at]:
            at += 1
            continue
        stop = at
        while stop < end and not taken[stop]:
            stop += 1
        if text[at:stop].strip():
            yield Passage("plain", at, stop, context, inline=True)
        at = stop
