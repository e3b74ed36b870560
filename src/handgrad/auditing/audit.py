"""A document in, the report on it out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from handgrad.auditing.align import numeric
from handgrad.auditing.finer import said_of, with_finer
from handgrad.auditing.fix import Fixed, fixed
from handgrad.auditing.formulas import wrong_equations
from handgrad.auditing.judge import judged
from handgrad.auditing.known import known_world
from handgrad.auditing.learning import world_of
from handgrad.auditing.reading.document import document
from handgrad.auditing.reading.nodes import Member, Written
from handgrad.auditing.reading.source import Source, source_of
from handgrad.auditing.reasons import blamed
from handgrad.auditing.record import Record
from handgrad.auditing.report import Cause, Finding, Report
from handgrad.auditing.restated import Style, restated, style_of
from handgrad.auditing.statements import with_loss
from handgrad.auditing.verdicts import WRONG, Claim
from handgrad.auditing.working import claims_report, readable
from handgrad.auditing.worth import leaves
from handgrad.errors import InputError
from handgrad.model.loading import load
from handgrad.model.problem import Problem

__all__ = ["corrected", "report"]


def report(source: Source, problem: Problem | None = None) -> Report:
    """Judge every number of a document, by its own equations or those of a problem.

    Raises ``InputError`` where there is nothing to judge, ``LimitError`` for too large a problem.
    """
    if source.kind == "problem":
        return claims_report(source, problem or load(source.path), given=problem is not None)
    if source.path.lower().endswith((".csv", ".tsv")):
        source = readable(source)
    read = document(source)
    read = replace(read, chains=tuple(with_loss(read.chains)))
    world, conventions = known_world(read, problem) if problem else (world_of(read.chains), {})
    record = with_finer(judged(read, world))
    if problem is not None:
        _leave_unknown(record)
    if problem is None:
        record.claims += wrong_equations(record)
    blame = blamed(record)
    _refuse_nothing(record)
    explained = {id(claim) for one in blame for claim in one.explains}
    claims = [c for c in record.claims if c.kind != "formula" or id(c) in explained]
    claims.sort(key=lambda claim: claim.written.start)
    place = {id(claim): n for n, claim in enumerate(claims)}
    causes = tuple(
        Cause(b.slip, b.sentence, tuple(sorted(place[id(c)] for c in b.explains))) for b in blame
    )
    cause = {id(c): n for n, b in reversed([*enumerate(blame)]) for c in b.explains}
    verdicts = (claim.verdict for claim in claims)
    style = style_of(
        (_as_printed(claim, source) for claim in claims if not claim.written.whole), verdicts
    )
    findings = tuple(_finding(claim, record, cause.get(id(claim)), style) for claim in claims)
    printed = {w.start for chain in read.chains for w in _printed(chain.members)}
    return Report(
        source,
        findings,
        causes,
        tuple((source.line(u.start)[0], u.text) for u in read.unread),
        {**conventions, **said_of(record)},
        len(printed),
        len(printed & (record.checked | {f.start for f in findings if f.verdict != "unjudged"})),
        given=problem is not None,
    )


def corrected(found: Report, problem: Problem | None = None) -> Fixed:
    """The document of a report corrected, and what its own audit says."""
    source = found.source

    def again(raw: str) -> Report:
        return report(source_of(raw, source.path, source.kind), problem)

    return fixed(found, again)


def _refuse_nothing(record: Record) -> None:
    source = record.document.source
    path, verdicts = source.path, {claim.verdict for claim in record.claims}
    unread = record.document.unread
    first = (
        f" Not read, in line {source.line(unread[0].start)[0]}: {unread[0].text:.60}"
        if unread
        else ""
    )
    if verdicts <= {"unjudged"}:
        raise InputError(
            f"{path}: no number was found that could be judged. An audit reads equations such "
            f"as z = w*x + b = 0.25, in Markdown, LaTeX, HTML, a notebook or plain text.{first}"
        )
    if verdicts <= {"unjudged", "given"} and not record.checked and not record.world.known:
        raise InputError(
            f"{path}: values are stated and nothing is calculated, so none can be judged. Say which "
            f"problem they are of: handgrad audit DOCUMENT --network FILE.{first}"
        )


def _leave_unknown(record: Record) -> None:
    """A value stated for a name that means nothing in the problem is not judged."""
    for claim in record.claims:
        known = claim.name is None or claim.name.plain in record.world.known
        if claim.verdict == "given" and not known:
            claim.verdict = "unjudged"


def _printed(members: Sequence[Member]) -> Iterator[Written]:
    """The printed numbers of a chain that stand for values, not those of its formulas."""
    for member in members:
        if member.expr is not None and (member.number is not None or numeric(member.expr)):
            yield from (leaf for leaf in leaves(member.expr) if isinstance(leaf, Written))


def _quantity(claim: Claim, record: Record) -> str | None:
    """The name of a number in the problem, or else in the document."""
    name, world = claim.name, record.world
    if name is None or not world.known:
        return str(name) if name else None
    own = world.called(name, claim.place) or world.called(name.plain, claim.place)
    if own is None or name in world.known:
        return own
    letters, bracket, element = own.partition("[")
    own = f"{letters}_new{bracket}{element}" if name.new else own
    top = world.called(name.of, claim.place) if name.of else None
    return f"d{top}/d{own}" if top else None if name.of else own


def _as_printed(claim: Claim, source: Source) -> str:
    """The number as it stands in the text, with the minus that stands apart from it."""
    shown = source.text[claim.written.start : claim.written.end]
    apart = claim.written.text.startswith("-") and shown[:1] not in ("-", "−", "–")
    return f"-{shown}" if apart else shown


def _finding(claim: Claim, record: Record, cause: int | None, style: Style) -> Finding:
    source = record.document.source
    line, column = source.line(claim.written.start)
    printed = _as_printed(claim, source)
    right = claim.true if claim.verdict in WRONG else None
    return Finding(
        _quantity(claim, record),
        str(claim.name) if claim.name else "",
        printed,
        line,
        column,
        claim.local,
        claim.verdict,
        claim.true,
        claim.step,
        cause,
        claim.written.start,
        claim.written.end,
        "" if right is None else restated(right, printed, style),
        formula=claim.kind == "formula",
    )
