"""A report in, the corrected text of its document out: right numbers, in the author's digits.

Numbers that are computed from corrected ones are found wrong by the next audit and corrected then,
until nothing is wrong or nothing more can be done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from handgrad.auditing.reading.source import Source
from handgrad.auditing.report import Finding, Report
from handgrad.auditing.verdicts import FINE

__all__ = ["Fixed", "fixed"]

MOST_ROUNDS = 12
MINUS = "-−–"
NUMBER = re.compile(r"(?<![\w.,])\d*(?:\{,\}|[.,])?\d+(?![\w.,]*\d)")
BEFORE = re.compile(r"([-−–])[\s{(]*$")
OPERATOR = re.compile(r"(?:[-−–+·×*/^]|\\cdot|\\times)\s*$")
OPERAND = re.compile(r"[\w)\]}']\s*$")


@dataclass(frozen=True)
class Fixed:
    """A corrected document, what its audit says, and how many numbers were changed."""

    text: str
    report: Report
    changed: int


def fixed(report: Report, audit: Callable[[str], Report]) -> Fixed:
    """The document corrected; ``audit`` judges a text of the same kind."""
    changed: set[tuple[int, int]] = set()
    seen = {report.source.raw}
    before: dict[str, str] = {}  # what was printed: what is printed now
    for _ in range(MOST_ROUNDS):
        wrong = [f for f in report.findings if f.wrong and f.verdict not in FINE and f.shown]
        wrong = [f for f in wrong if not _of_macro(report.source, f)]
        edits = {(f.line, f.column): _put(report.source, f) for f in wrong}
        before |= {f.printed.lstrip(MINUS): f.shown for f in wrong}
        edits |= _copies(report, before)
        raw = _applied(report.source.raw, [*edits.values()])
        if raw in seen:
            break
        seen.add(raw)
        changed |= edits.keys()
        report = audit(raw)
        if report.clean:
            break
    return Fixed(report.source.raw, report, len(changed))


def _copies(report: Report, before: Mapping[str, str]) -> dict[tuple[int, int], Edit]:
    """Copies of corrected numbers in lines whose result is right and does not follow any more."""
    found: dict[tuple[int, int], Edit] = {}
    source = report.source
    for finding in report.findings:
        if not finding.wrong or finding.verdict not in FINE:
            continue
        start = source.text.rfind("\n", 0, finding.start) + 1
        for number in NUMBER.finditer(source.text, start, finding.start):
            if number[0] in before:
                copy = replace(finding, start=number.start(), end=number.end(), printed=number[0])
                found[source.line(number.start())] = _put(
                    source, replace(copy, shown=before[number[0]])
                )
    return found


Edit = tuple[int, int, str]


def _applied(raw: str, edits: list[Edit]) -> str:
    """The text with the edits made, from the end on; of two that overlap the first one."""
    end = 0
    kept: list[Edit] = []
    for edit in sorted(edits):
        if edit[0] >= end:
            kept.append(edit)
            end = edit[1]
    for start, stop, text in reversed(kept):
        raw = raw[:start] + text + raw[stop:]
    return raw


def _put(source: Source, finding: Finding) -> Edit:
    """The place in the file of a wrong number, and what belongs there."""
    start, end = finding.start, finding.end
    number, negative = finding.shown.lstrip("-"), finding.shown.startswith("-")
    text = source.text
    if text[start] in MINUS:
        sign = text[start]
        return _placed(source, start, end, (sign if negative else "") + number)
    minus = BEFORE.search(text[:start]) if finding.printed[:1] in MINUS else None
    if minus is None:
        if not negative:
            return _placed(source, start, end, number)
        return _placed(
            source, start, end, f"(-{number})" if OPERATOR.search(text[:start]) else f"-{number}"
        )
    if negative:
        return _placed(source, start, end, number)
    between = text[minus.end(1) : start]
    sign = "+" if OPERAND.search(text[: minus.start(1)]) else ""
    return _placed(source, minus.start(1), end, sign + between + number)


def _of_macro(source: Source, finding: Finding) -> bool:
    """Whether a number stands in the file only as a macro, which may stand elsewhere too."""
    return source.raw[source.place(finding.start)] == "\\" != source.text[finding.start]


def _placed(source: Source, start: int, end: int, text: str) -> Edit:
    return source.place(start), source.place(end - 1) + 1, text
