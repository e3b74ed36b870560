"""What an audit found, ready to be read: as text, as JSON, or in the document itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from handgrad.auditing.reading.source import Source
from handgrad.auditing.verdicts import WRONG

__all__ = ["Cause", "Finding", "Report"]

MOST_LISTED = 8
WORDS = {"a", "the", "only", "all", "one", "it", "two"}  # with which a sentence begins


@dataclass(frozen=True)
class Finding:
    """One printed number, or one printed formula, and what is true of it.

    ``start`` and ``end`` are places in the readable text; ``cause`` counts the causes of the report.
    """

    quantity: str | None
    symbol: str
    printed: str
    line: int
    column: int
    local: str
    verdict: str
    true: float | None = None
    step: int = 1
    cause: int | None = None
    start: int = 0
    end: int = 0
    shown: str = ""  # the true value in the author's digits
    formula: bool = False

    @property
    def wrong(self) -> bool:
        """Whether it counts as wrong."""
        return self.verdict in WRONG or self.local == "wrong"


@dataclass(frozen=True)
class Cause:
    """A slip, told in a sentence, and the places in ``findings`` of the numbers it explains."""

    slip: str
    sentence: str
    explains: tuple[int, ...]


@dataclass(frozen=True)
class Report:
    """The audit of one document; shows itself as text."""

    source: Source
    findings: tuple[Finding, ...]
    causes: tuple[Cause, ...] = ()
    unread: tuple[tuple[int, str], ...] = ()
    conventions: Mapping[str, str] = field(default_factory=dict[str, str])
    printed: int = 0  # numbers in the document's mathematics
    judged: int = 0
    given: bool = False  # judged by a problem, not by its own equations

    @cached_property
    def wrong(self) -> int:
        """How many numbers and formulas are wrong."""
        return sum(finding.wrong for finding in self.findings)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return self.wrong == 0

    def as_data(self) -> dict[str, object]:
        """The report as the object that ``to_json`` writes."""
        return {
            "document": self.source.path,
            "claims": [
                {
                    "quantity": f.quantity,
                    "symbol": f.symbol,
                    "printed": f.printed,
                    "line": f.line,
                    "column": f.column,
                    "step": f.step,
                    "local": f.local,
                    "true": f.true,
                    "verdict": f.verdict,
                    "cause": f.cause,
                }
                for f in self.findings
            ],
            "causes": [
                {"slip": c.slip, "sentence": c.sentence, "explains": [*c.explains]}
                for c in self.causes
            ],
            "unread": [{"line": line, "text": text} for line, text in self.unread],
            "conventions": dict(self.conventions),
            "numbers": {"printed": self.printed, "judged": self.judged},
            "wrong": self.wrong,
        }

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(self.as_data(), ensure_ascii=False, indent=1) + "\n"

    def to_text(self) -> str:
        """What is wrong, line by line, and the sum of it."""
        return "\n".join(self._lines()) + "\n"

    def __str__(self) -> str:
        return self.to_text().rstrip("\n")

    @property
    def first(self) -> str:
        """The first wrong number, why it is wrong, and what still follows rightly from it."""
        wrong = [f for f in self.findings if f.wrong]
        if not wrong:
            return "Every line is right." if self.given else ""
        start = next((f for f in wrong if f.verdict != "inherited"), wrong[0])
        said = f"First wrong: line {start.line}, {self.sentence(start)}."
        follow = [f for f in wrong if f.verdict == "inherited" and f.cause == start.cause]
        if not follow:
            return said
        listed = ", ".join(f"{f.symbol or f.printed} (line {f.line})" for f in follow[:MOST_LISTED])
        more = f" and {len(follow) - MOST_LISTED} more" if len(follow) > MOST_LISTED else ""
        return f"{said} What follows from it is calculated rightly: {listed}{more}."

    def _lines(self) -> list[str]:
        lines: list[str] = [self.first, ""] if self.given else []
        raw = self.source.raw.split("\n")
        for line in sorted({f.line for f in self.findings if f.wrong}):
            here = [f for f in self.findings if f.wrong and f.line == line]
            shown, marks = _marked(raw[line - 1], here)
            lines += [f"{self.source.path}:{line}", f"    {shown}", f"    {marks}"]
            lines += [f"  {self.sentence(f)}" for f in here]
            lines.append("")
        lines += self._not_read()
        for name, said in self.conventions.items():
            lines.append(f"{name}: {said}")
        lines.append(self.summary)
        return lines

    def _not_read(self) -> list[str]:
        """The formulas and values that nothing was made of, with their lines."""
        listed = [
            f"{self.source.path}:{line}: not read: {_cut(text)}"
            for line, text in self.unread[:MOST_LISTED]
        ]
        left = len(self.unread) - len(listed)
        more = [f"and {left} more, all listed by --format json"] if left else []
        return [*listed, *more, ""] if listed else []

    def sentence(self, finding: Finding) -> str:
        """What is wrong with a number, what is right, and which slip made it."""
        head = f"{finding.symbol} = {finding.printed}" if finding.symbol else finding.printed
        if finding.formula:
            head = f"the formula of {finding.symbol}"
        right = (
            f", right: {finding.shown}"
            if finding.shown and finding.shown != finding.printed
            else ""
        )
        root = self._root_of(finding)
        source = f"{root.printed} in line {root.line}" if root else "a wrong number"
        said = {
            "inherited": f"follows from {source}",
            "mislabelled": "is another quantity's",
            "wrong": "is wrong",
            "unexplained": "is wrong in its last digit",
        }.get(finding.verdict, "does not follow from its line, though it is right")
        if finding.cause is None or root:
            return f"{head} {said}{right}"
        return f"{head} {said}{right}. {_begun(self.causes[finding.cause].sentence)}"

    def _root_of(self, finding: Finding) -> Finding | None:
        """The wrong number that another follows from, and that has the sentence of its cause."""
        if finding.verdict != "inherited" or finding.cause is None:
            return None
        made = (self.findings[n] for n in self.causes[finding.cause].explains)
        return next((f for f in made if f.verdict != "inherited" and not f.formula), None)

    @property
    def summary(self) -> str:
        """One line: how many numbers were judged, how many are wrong, how many not read."""
        formulas = sum(f.wrong and f.formula for f in self.findings)
        roots = sum(f.wrong and f.verdict != "inherited" for f in self.findings) - formulas
        follow = self.wrong - roots - formulas
        what = f"{roots} wrong" if self.wrong else "nothing wrong"
        what += f", {follow} more that follow from wrong ones" if follow else ""
        what += f", {formulas} wrong formula{'s' * (formulas > 1)}" if formulas else ""
        missed = self.printed - self.judged
        unread = f"; {len(self.unread)} not read" if self.unread else ""
        not_judged = f"; {missed} not judged" if missed else ""
        stated = sum(f.verdict == "given" for f in self.findings)
        given = f", {stated} of them only stated" if stated and not self.given else ""
        return f"{self.judged} of {self.printed} numbers judged{given}: {what}{not_judged}{unread}."


def _begun(sentence: str) -> str:
    """The sentence with a capital, unless it begins with a name."""
    first = sentence.split(" ", 1)[0]
    return sentence[0].upper() + sentence[1:] if first in WORDS else sentence


def _cut(text: str, width: int = 72) -> str:
    """A text on one line, its end left out where it is long."""
    said = " ".join(text.split())
    return said if len(said) <= width else f"{said[: width - 1]}…"


def _marked(line: str, findings: Sequence[Finding], width: int = 96) -> tuple[str, str]:
    """A line of the document, cut to what matters, and carets under the wrong numbers."""
    first = min(f.column for f in findings) - 1
    start = max(0, min(first - width // 2, len(line) - width))
    shown = line[start : start + width]
    marks = [" "] * len(shown)
    for f in findings:
        for place in range(f.column - 1 - start, f.column - 1 - start + len(f.printed)):
            if 0 <= place < len(marks):
                marks[place] = "^"
    return shown, "".join(marks).rstrip()
