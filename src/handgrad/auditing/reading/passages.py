"""Where in a document the mathematics stands: formulas, tables, lines of code and prose with values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from handgrad.auditing.reading.delimiters import stretches
from handgrad.auditing.reading.headings import Headings

__all__ = ["Passage", "passages"]


@dataclass(frozen=True)
class Passage:
    """A stretch of the text: ``kind`` is math, table, code or plain; ``context`` the heading above it."""

    kind: str
    start: int
    end: int
    context: str = ""
    inline: bool = False


_FENCE = re.compile(r"^[ \t>]{0,40}(?:```+|~~~+)[ \t]*\{?(?P<language>[\w-]*)[^\n]*$", re.MULTILINE)
LANGUAGES = {
    "python", "py", "python3", "ipython", "js", "javascript", "ts", "typescript", "java", "c",
    "cpp", "csharp", "julia", "jl", "r", "matlab", "octave", "rust", "go", "haskell", "sh",
    "bash", "console", "shell", "scala", "kotlin", "swift", "ruby",
}  # fmt: skip
LONGEST = 20_000  # characters of a formula over several lines
_EQUAL = re.compile(r"[=≈←]")
_HANGING = re.compile(r"(?:[·∘×*/+−(]|\s-)\s*$")  # ends with what asks for more
_FOLLOWING = re.compile(
    r"\s+[-+−·∘×]\s(?!.*[^\W\d_]{4})"
)  # begins with it, and is no item of a list
_TABULAR = re.compile(r"\\(begin|end)\{tabular[x*]?\}")
_ROW = re.compile(r"^[ \t>]{0,40}\|?[^|\n]+\|[^\n]*$", re.MULTILINE)
_VALUES = re.compile(
    r"^[ \t]*[^\W\d][\w{}^()']{0,30}(?:[ \t]*[,;\t][ \t]*| {2,})[-−+]?(?:\d+\.?\d*|\.\d+)"
    r"(?:[ \t]*[,;\t][^\n,;\t]{1,30}){0,20}[ \t]*$",
    re.MULTILINE,
)


def passages(text: str) -> list[Passage]:
    """Every stretch that may hold mathematics, in reading order; what is left is plain text."""
    headings = Headings(text)
    taken = bytearray(len(text))
    found: list[Passage] = []

    def take(
        kind: str, start: int, end: int, before: int, after: int, *, inline: bool = False
    ) -> None:
        if taken.find(1, before, after) < 0:
            taken[before:after] = b"\1" * (after - before)
            found.append(Passage(kind, start, end, headings.above(start), inline))

    formulas = [*stretches(text)]
    for formula in formulas:
        if "\n" in text[formula.start : formula.end]:
            take(
                "math",
                formula.start,
                formula.end,
                formula.before,
                formula.after,
                inline=formula.inline,
            )
    for start, end in [*_tabulars(text), *_tables(text), *_values(text)]:
        take("table", start, end, start, end)
    for formula in formulas:
        take(
            "math", formula.start, formula.end, formula.before, formula.after, inline=formula.inline
        )
    code = _fenced(text, taken)
    for start, end in _lines(text):
        kind = "code" if start in code else "plain"
        for left, right in _free(text, start, end, taken):
            whole = (left, right) == (start, end)
            found.append(Passage(kind, left, right, headings.above(start), inline=not whole))
    return sorted(found, key=lambda passage: passage.start)


def _fenced(text: str, taken: bytearray) -> set[int]:
    """Take the marks of code blocks; the first places of the lines that are code."""
    inside: set[int] = set()
    opening = None
    for fence in _FENCE.finditer(text):
        if opening is None and fence["language"] == "math":
            opening = fence
            continue
        taken[fence.start() : fence.end()] = b"\1" * (fence.end() - fence.start())
        if opening is None:
            opening = fence
            continue
        if opening["language"].lower() in LANGUAGES:
            at = text.find("\n", opening.end(), fence.start())
            while at >= 0:
                inside.add(at + 1)
                at = text.find("\n", at + 1, fence.start())
        opening = None
    return inside


def _tabulars(text: str) -> Iterator[tuple[int, int]]:
    start = -1
    for match in _TABULAR.finditer(text):
        if match[1] == "begin":
            start = match.end()
        elif start >= 0:
            yield start, match.start()
            start = -1


def _is_row(line: str) -> bool:
    bare = line.strip(" \t>")
    return bare.startswith("|") or " | " in bare


def _tables(text: str) -> Iterator[tuple[int, int]]:
    """Lines beneath each other that are rows of cells between bars; one line alone begins with a bar."""
    rows = [m.span() for m in _ROW.finditer(text) if _is_row(m[0])]
    for start, end, count in _together(text, rows):
        if count > 1 or text[start:end].lstrip(" \t>").startswith("|"):
            yield start, end


def _values(text: str) -> Iterator[tuple[int, int]]:
    """Lines such as "w1,0.15", two or more beneath each other."""
    rows = [m.span() for m in _VALUES.finditer(text)]
    return ((start, end) for start, end, count in _together(text, rows) if count > 1)


def _together(text: str, rows: list[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """Runs of neighbouring lines, with how many they are."""
    start, end, count = -1, -1, 0
    for left, right in rows:
        if (count and left - end > 40) or text[end:left].strip(" \t") not in ("\n", "\n\n"):
            if count:
                yield start, end, count
            start, count = left, 0
        end, count = right, count + 1
    if count:
        yield start, end, count


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """The lines of a text, those of a formula that goes on below as one."""
    start = place = 0
    lines = text.split("\n")
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        end = place + len(line)
        if end - start > LONGEST or not _goes_on(text[start:end], below):
            if text[start:end].strip():
                yield start, end
            start = end + 1
        place = end + 1


def _goes_on(formula: str, below: str) -> bool:
    """Whether a formula goes on with the next line: it hangs, or that one begins with an operator."""
    if not below.strip() or not _EQUAL.search(formula):
        return False
    opened = any(formula.count(a) > formula.count(b) for a, b in ("()", "[]"))
    deeper = _indent(below) > _indent(formula) and (opened or not _EQUAL.search(below))
    hangs = _HANGING.search(formula) or (deeper and opened)
    return bool(hangs or (deeper and _FOLLOWING.match(below)))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _free(text: str, start: int, end: int, taken: bytearray) -> Iterator[tuple[int, int]]:
    """The pieces of a line that belong to nothing else."""
    while start < end:
        left = taken.find(0, start, end)
        if left < 0:
            return
        right = taken.find(1, left, end)
        right = end if right < 0 else right
        if text[left:right].strip():
            yield left, right
        start = right
