"""The claims of a problem file judged: each printed number with its verdict, true value and cause."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from handgrad.auditing.printed import Printed, reading
from handgrad.auditing.search import Cause, Result, search
from handgrad.auditing.slips.derivatives import slopes
from handgrad.auditing.slips.writing import Named
from handgrad.auditing.system import Line, System, booked, unrolled
from handgrad.calculus.chain import contributions
from handgrad.calculus.derivation import Phase
from handgrad.calculus.expr import Expr, Num, Ref, Sum
from handgrad.calculus.simplify import simplify
from handgrad.language import writing
from handgrad.model.problem import Claim, Problem

__all__ = ["Judgement", "audit_claims", "with_local_derivatives"]

ELEMENT = re.compile(r"([^\[\]]+)(?:\[([1-9][0-9]*(?:,[1-9][0-9]*)*)\])?")
LOCAL = re.compile(r"d([^/\[\]]+)/d([^/\[\]]+)")


@dataclass(frozen=True)
class Judgement:
    """A claim, its verdict, the true value, its cause, and the wrong claims it starts from.

    ``verdict`` is as in ``search``; unjudged where the name means no number.
    """

    claim: Claim
    verdict: str
    true: float | None = None
    cause: Cause | None = None
    origin: tuple[Claim, ...] = ()


def audit_claims(problem: Problem, *, named: Named | None = None) -> tuple[Judgement, ...]:
    """The claims of a problem, judged in their order.

    A claim may also be a local derivative such as ``da1/dz1[1]``. Raises ``InputError`` for a value
    that is no number, ``LimitError`` for too large a problem.
    """
    system = unrolled(problem)
    wanted = dict.fromkeys(claim.quantity for claim in problem.claims)
    refs = dict(_elements(problem, system, wanted))
    locals_ = dict(_local(problem, system, [name for name in wanted if name not in refs]))
    refs |= {name: line.name for name, (line, _) in locals_.items()}
    system = with_local_derivatives(system, list(locals_.values()))
    known = [claim for claim in problem.claims if claim.quantity in refs and _read(claim)]
    printed = [Printed(refs[claim.quantity], claim.step, claim.value) for claim in known]
    result = search(system, printed, named=named or _short(problem))
    return _judgements(problem.claims, known, result)


def _read(claim: Claim) -> bool:
    reading(claim.value)
    return claim.step >= 1


def _judgements(
    claims: Sequence[Claim], known: Sequence[Claim], result: Result
) -> tuple[Judgement, ...]:
    places = {id(claim): n for n, claim in enumerate(known)}
    found: list[Judgement] = []
    for claim in claims:
        if id(claim) not in places:
            found.append(Judgement(claim, "unjudged"))
            continue
        judged = result.judged[places[id(claim)]]
        cause = None if judged.cause is None else result.causes[judged.cause]
        origin = tuple(known[n] for n in judged.origin)
        found.append(Judgement(claim, judged.verdict, judged.true, cause, origin))
    return tuple(found)


def _short(problem: Problem) -> Named:
    """Names without the index of a single example."""

    def name(ref: Ref) -> str:
        single = problem.examples == 1 and ref.symbol.plain in problem.batched
        return writing.name(Ref(ref.symbol, ref.indices[1:] if single else ref.indices))

    return name


def _elements(
    problem: Problem, system: System, wanted: Mapping[str, None]
) -> Iterator[tuple[str, Ref]]:
    """The written names that are numbers of the system."""
    known: dict[str, Ref] = {}
    short = _short(problem)
    for ref in (*system.givens, *system.line):
        known[writing.name(ref)] = ref
        known.setdefault(short(ref), ref)
        if all(place == 1 for place in ref.indices):
            known.setdefault(str(ref.symbol), ref)
    for name in wanted:
        if name in known:
            yield name, known[name]


def _local(
    problem: Problem, system: System, wanted: Sequence[str]
) -> Iterator[tuple[str, tuple[Line, tuple[Ref, Ref]]]]:
    """The written names that are local derivatives, as lines of their own."""
    short = _short(problem)
    for name in wanted:
        element = ELEMENT.fullmatch(name)
        pair = LOCAL.fullmatch(element[1]) if element else None
        if not element or not pair:
            continue
        inside = f"[{element[2]}]" if element[2] else ""
        edges = [
            (top, bottom)
            for top in system.line
            if str(top.symbol) == pair[1]
            for bottom in system.uses[top]
            if str(bottom.symbol) == pair[2]
            and inside
            in (
                _inside(bottom),
                _inside(top),
                short(bottom)[len(pair[2]) :],
                short(top)[len(pair[1]) :],
            )
        ]
        if len(edges) == 1:
            yield name, (_derivative(*edges[0], system), edges[0])


def _inside(ref: Ref) -> str:
    return writing.name(ref)[len(str(ref.symbol)) :]


def _derivative(top: Ref, bottom: Ref, system: System) -> Line:
    """∂top/∂bottom as a line, all other numbers held fixed."""
    line = system.line[top]
    parts = contributions(line.rhs, Num(1), top, {bottom.symbol})
    total: Expr = simplify(Sum(tuple(part.g for part in parts if part.ref == bottom)))
    symbol = replace(bottom.symbol, loss=top.symbol)
    return Line(Ref(symbol, bottom.indices or top.indices), total, Phase.BACKWARD)


def with_local_derivatives(
    system: System, derivatives: Sequence[tuple[Line, tuple[Ref, Ref]]]
) -> System:
    """The system with lines for local derivatives, which the backward lines then use by name."""
    lines = list(system.lines)
    for new, (top, bottom) in derivatives:
        named = replace(system, lines=tuple(lines), carried=system.carried)
        lines = [_by_name(line, new, top, bottom, named) for line in lines]
        users = [n for n, line in enumerate(lines) if line.phase is not Phase.FORWARD]
        lines.insert(min(users, default=len(lines)), new)
    return replace(system, lines=tuple(lines), carried=system.carried)


def _by_name(line: Line, new: Line, top: Ref, bottom: Ref, system: System) -> Line:
    if line.phase is not Phase.BACKWARD:
        return line
    plain = Line(line.name, booked(line.rhs), line.phase)
    for found in slopes(plain, system):
        if (found.activation, found.argument) == (top, bottom):
            return Line(line.name, found.put(new.name), line.phase)
    return line
