"""A report in, the corrected text of its document out: right numbers, in the author's digits.

Numbers that are computed from corrected ones are found wrong by the next audit and corrected then,
until nothing is wrong or nothing more can be done.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from handgrad.auditing.reading.source import Source
from handgrad.auditing.report import Finding, Report

__all__ = ["Fixed", "fixed"]

MOST_ROUNDS = 12
MINUS = "-−–"
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
    changed: set[int] = set()
    seen = {report.source.raw}
    for _ in range(MOST_ROUNDS):
        edits = [edit for f in report.findings if f.wrong and (edit := _edit(report.source, f))]
        raw = _applied(report.source.raw, edits)
        if raw in seen:
            break
        seen.add(raw)
        changed |= {f.line * 10_000 + f.column for f in report.findings if f.wrong}
        report = audit(raw)
        if report.clean:
            break
    return Fixed(report.source.raw, report, len(changed))


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


def _edit(source: Source, finding: Finding) -> Edit | None:
    """The place in the file of a wrong number, and what belongs there."""
    if finding.verdict in ("exact", "rounded", "truncated", "given") or not finding.shown:
        return None
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
        return _placed(source, start, end, f"(-{number})" if OPERATOR.search(text[:start]) else f"-{number}")
    if negative:
        return _placed(source, start, end, number)
    between = text[minus.end(1) : start]
    sign = "+" if OPERAND.search(text[: minus.start(1)]) else ""
    return _placed(source, minus.start(1), end, sign + between + number)


def _placed(source: Source, start: int, end: int, text: str) -> Edit:
    return source.place(start), source.place(end - 1) + 1, text
