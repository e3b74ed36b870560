"""A report in, its document with a mark and a sentence at each wrong number out.

Markdown gets marks and footnotes, HTML marks with a title, LaTeX comment lines, plain text carets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape
from pathlib import PurePath

from handgrad.auditing.report import Finding, Report
from handgrad.errors import InputError

__all__ = ["annotated"]

Insert = tuple[int, int, str]  # a place in the file, an order among those there, and what is put in
PLAIN = (".txt", ".csv", ".tsv", ".toml")
ENVIRONMENT = r"\\begin\{(?P<env>\w+\*?)\}.*?\\end\{(?P=env)\}"
BLOCK = re.compile(rf"\$\$.+?\$\$|\\\[.+?\\\]|{ENVIRONMENT}", re.DOTALL)
FENCE = re.compile(
    r"^[ \t>]*(```+|~~~+)(?!\s*\{?math).*?^[ \t>]*\1[ \t]*$", re.DOTALL | re.MULTILINE
)
MATH_FENCE = re.compile(r"^[ \t>]*(```+)\s*math.*?^[ \t>]*\1[ \t]*$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"\\\(.+?\\\)|(?<![\\$])\$(?=\S)[^$\n]+?\$", re.DOTALL)
FORMULA = re.compile(rf"<math\b.*?</math>|{BLOCK.pattern}|\\\(.+?\\\)", re.DOTALL)


def annotated(report: Report) -> str:
    """The document with what is wrong in it said where it stands.

    Raises ``InputError`` for a notebook, which has no place for marks.
    """
    source = report.source
    if source.kind == "notebook":
        raise InputError(
            f"{source.path}: a notebook is not annotated. Use --format text, or save it as Markdown."
        )
    wrong = [f for f in report.findings if f.wrong]
    plain = PurePath(source.path).suffix.lower() in PLAIN
    if source.kind == "html":
        return _with(source.raw, _html(report, wrong))
    if source.kind == "latex" or plain:
        return _by_line(report, wrong, "%" if source.kind == "latex" else "")
    inserts, notes = _markdown(report, wrong)
    body = _with(source.raw, inserts)
    return body if not notes else body.rstrip("\n") + "\n\n" + "\n".join(notes) + "\n"


def _with(raw: str, inserts: Sequence[Insert]) -> str:
    for place, _, text in sorted(inserts, reverse=True):
        raw = raw[:place] + text + raw[place:]
    return raw


def _span(report: Report, finding: Finding) -> tuple[int, int]:
    """Where the number stands in the file."""
    source = report.source
    return source.place(finding.start), source.place(finding.end - 1) + 1


def _by_line(report: Report, wrong: Sequence[Finding], comment: str) -> str:
    """A comment after each line: carets below the numbers, and a sentence for each."""
    lines: list[str] = []
    for number, line in enumerate(report.source.raw.split("\n"), 1):
        lines.append(line)
        here = [f for f in wrong if f.line == number]
        if here:
            lines += _carets(report, here, comment)
    return "\n".join(lines)


def _carets(report: Report, here: Sequence[Finding], comment: str) -> list[str]:
    width = max(f.column + f.end - f.start for f in here)
    marks = [" "] * width
    for f in here:
        marks[f.column - 1 : f.column - 1 + f.end - f.start] = "^" * (f.end - f.start)
    below = "".join(marks).rstrip()
    below = comment + below[len(comment) :] if below.startswith(" ") else comment + below
    return [below, *(f"{comment} {report.sentence(f)}".strip() for f in here)]


def _markdown(report: Report, wrong: Sequence[Finding]) -> tuple[list[Insert], list[str]]:
    raw = report.source.raw
    find = _finder(raw)
    inserts: list[Insert] = []
    notes: list[str] = []
    for n, finding in enumerate(wrong, 1):
        start, end = _span(report, finding)
        kind, stop = find(start)
        sentence = report.sentence(finding)
        if kind == "fence":
            after = raw.find("\n", end)
            text = "\n" + " " * (finding.column - 1) + "^" * (end - start) + f" {sentence}"
            inserts.append((len(raw) if after < 0 else after, n, text))
            continue
        mark = ("<mark>", "</mark>") if kind == "text" else ("\\underline{", "}")
        inserts += [(start, n, mark[0]), (end, -n, mark[1])]
        if kind == "block":
            inserts.append(
                (stop, n, f"\n\n> **{finding.symbol or finding.printed}**: {sentence}\n")
            )
        else:
            inserts.append((max(stop, end), n, f"[^audit-{n}]"))
            notes.append(f"[^audit-{n}]: {sentence}")
    return inserts, notes


def _finder(raw: str) -> Callable[[int], tuple[str, int]]:
    """What a place of a Markdown text is in, and where that ends."""
    spans = [
        (match.start(), match.end(), kind)
        for kind, pattern in (
            ("fence", FENCE),
            ("block", MATH_FENCE),
            ("block", BLOCK),
            ("inline", INLINE),
        )
        for match in pattern.finditer(raw)
    ]

    def find(place: int) -> tuple[str, int]:
        return next(
            ((kind, end) for start, end, kind in spans if start <= place < end), ("text", 0)
        )

    return find


def _html(report: Report, wrong: Sequence[Finding]) -> list[Insert]:
    raw = report.source.raw
    formulas = [match.span() for match in FORMULA.finditer(raw)]
    inserts: list[Insert] = []
    for n, finding in enumerate(wrong, 1):
        start, end = _span(report, finding)
        title = escape(report.sentence(finding), quote=True)
        inside = next((b for a, b in formulas if a <= start < b), None)
        if inside is None:
            inserts += [(start, n, f'<mark title="{title}">'), (end, -n, "</mark>")]
        else:
            name = f"{finding.symbol} = " if finding.symbol else ""
            right = f"{name}{finding.printed}, right: {finding.shown}"
            said = escape(right if finding.shown else f"{name}{finding.printed} does not follow")
            inserts.append((inside, n, f' <mark title="{title}">{said}</mark>'))
    return inserts
