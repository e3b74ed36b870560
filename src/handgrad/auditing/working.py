"""Lists of names and numbers: the claims of a TOML file judged, and CSV read as a document.

A problem file is judged by its own network. A learner's file of nothing but ``[[claims]]``, or a CSV
of names and values, is judged by a problem that is given beside it.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, repeat
from typing import Any, cast

from handgrad.auditing.claims import Judgement, audit_claims
from handgrad.auditing.reading.source import Source
from handgrad.auditing.report import Cause, Finding, Report
from handgrad.auditing.restated import restated
from handgrad.errors import InputError, LimitError
from handgrad.model.limits import Limits
from handgrad.model.positions import locate, refuse_hostile
from handgrad.model.problem import Claim, Problem

__all__ = ["claims_report", "readable"]

NUMBER = re.compile(r"\s*[-−–+]?\d*[.,]?\d+([eE][-+]?\d+)?\s*")


def claims_report(source: Source, problem: Problem, *, given: bool) -> Report:
    """The claims of a TOML text judged; ``given`` if the problem comes from elsewhere.

    Raises ``InputError`` for a file without claims, or claims that are none.
    """
    document = _tables(source)
    claims = _claims(source, document)
    judged = audit_claims(replace(problem, claims=tuple(claims)))
    found: list[Any] = []
    for judgement in judged:
        if judgement.cause is not None and judgement.cause not in found:
            found.append(judgement.cause)
    places = _places(source, len(judged))
    findings = tuple(map(_finding, judged, places, repeat(found)))
    causes = tuple(
        Cause(c.slip, c.sentence, tuple(n for n, j in enumerate(judged) if j.cause == c))
        for c in found
    )
    told = sum(f.verdict != "unjudged" for f in findings)
    if not told:
        names = ", ".join(dict.fromkeys(claim.quantity for claim in claims[:4]))
        raise InputError(
            f"{source.path}: no claim names a number of the problem: {names}. Names are those of "
            "handgrad explain --format json: a1[1], dL/dW1[2,1], W1_new[2,1]."
        )
    return Report(source, findings, causes, printed=len(findings), judged=told, given=given)


def _tables(source: Source) -> Mapping[str, Any]:
    refuse_hostile(source.raw, source.path)
    try:
        return tomllib.loads(source.raw)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise InputError(f"{source.path} is no TOML: {error}.") from None


def _claims(source: Source, document: Mapping[str, Any]) -> list[Claim]:
    rows: Any = document.get("claims")
    if not isinstance(rows, list) or not rows:
        raise InputError(
            f"{source.path}: there are no [[claims]] to judge. A claim has a quantity and a value: "
            'quantity = "W1_new[1,1]", value = "0.3005".'
        )
    found: list[Any] = [*rows]
    most = Limits().claims
    if len(found) > most:
        raise LimitError(f"{source.path} has more than {most:,} claims. Cut it into parts.")
    return [_claim(source, row, n) for n, row in enumerate(found, 1)]


def _claim(source: Source, row: Any, number: int) -> Claim:
    table = cast("dict[str, Any]", row) if isinstance(row, dict) else {}
    quantity, value, step = table.get("quantity"), table.get("value"), table.get("step", 1)
    if isinstance(quantity, str) and isinstance(value, str) and type(step) is int and step > 0:
        return Claim(quantity, value, step)
    raise InputError(
        f"{source.path}: claim {number} needs a quantity and a value, both as strings, so that every "
        'digit counts: quantity = "L", value = "0.2750". A step is a whole number from 1 on.'
    )


def _places(source: Source, count: int) -> Iterator[tuple[int, int, int]]:
    """Line, column and place of the first digit of each claim."""
    places, raw = locate(source.raw), source.raw
    starts = [0, *accumulate(len(line) + 1 for line in raw.split("\n"))]
    for n in range(count):
        found = places.values.get(("claims", n, "value")) or places.nearest(("claims", n))
        line, column = (found.line, found.column) if found else (1, 1)
        start = starts[line - 1] + column - 1
        quotes = len(raw[start : start + 3]) - len(raw[start : start + 3].lstrip("\"'"))
        yield line, column + quotes, start + quotes


def _finding(judgement: Judgement, place: tuple[int, int, int], causes: Sequence[Any]) -> Finding:
    claim, verdict = judgement.claim, judgement.verdict
    line, column, start = place
    verdict = "rounded" if verdict == "carried" else verdict
    shown = ""
    if verdict in ("wrong", "inherited") and judgement.true is not None:
        shown = restated(judgement.true, claim.value)
    return Finding(
        claim.quantity,
        claim.quantity,
        claim.value,
        line,
        column,
        "unread",
        verdict,
        judgement.true,
        claim.step,
        None if judgement.cause is None else causes.index(judgement.cause),
        start,
        start + len(claim.value),
        shown,
    )


def readable(source: Source) -> Source:
    """A CSV of names and values, in columns of that order, as equations.

    Raises ``InputError`` where no row has a name and a number.
    """
    text: list[str] = []
    origin: list[int] = []
    for name, name_at, value, value_at in _rows(source):
        for piece, place in ((name, name_at), (" = ", None), (value, value_at), ("\n", None)):
            start = value_at if place is None else place
            text.append(piece)
            origin += (
                range(start, start + len(piece)) if place is not None else [start] * len(piece)
            )
    if not text:
        raise InputError(f"{source.path}: no row has a name and a number. A row reads: a1, 0.5249")
    return Source(source.path, "markdown", source.raw, "".join(text), origin)


def _rows(source: Source) -> Iterator[tuple[str, int, str, int]]:
    """Name and value of each row, and where they stand; rows without a number are headings."""
    at = 0
    mark = (
        ";"
        if source.raw.count(";") > source.raw.count("\n") // 2
        else "\t"
        if "\t" in source.raw
        else ","
    )
    for line in source.raw.split("\n"):
        try:
            cells = [cell for row in csv.reader(io.StringIO(line), delimiter=mark) for cell in row]
        except csv.Error as error:
            raise InputError(f"{source.path} is no CSV: {error}.") from None
        if len(cells) > 1 and NUMBER.fullmatch(cells[1]) and cells[0].strip():
            name, value = cells[0].strip(), cells[1].strip()
            own = line.find(name)
            yield name, at + own, value, at + line.find(value, own + len(name))
        at += len(line) + 1
