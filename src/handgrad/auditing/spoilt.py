"""Numbers printed after many updates: judged from the whole run, and what spoilt it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handgrad.auditing.lines import called, ref_of
from handgrad.auditing.printed import Printed
from handgrad.auditing.record import Record
from handgrad.auditing.roles import is_rate
from handgrad.auditing.search import search
from handgrad.auditing.system import System
from handgrad.auditing.verdicts import Blame, Claim
from handgrad.calculus.expr import Ref

__all__ = ["judge_later", "later_claims"]

Told = Sequence[tuple[Claim, Ref]]


def later_claims(record: Record) -> list[Claim]:
    """The numbers that a document prints for a later update."""
    return [c for c in record.claims if c.kind == "later" and c.name is not None]


def judge_later(record: Record, system: System) -> list[Blame]:
    """Judge the numbers printed after many updates by the lines of one, and say what spoilt the run."""
    known = {line.name for line in system.lines}
    named = ((c, ref_of(c.name)) for c in later_claims(record) if c.name is not None)
    told = [(c, ref) for c, ref in named if ref in known]
    if _follows_other_rate(record, system, told):
        return []
    result = search(system, _printed(told), named=called)
    for (claim, _), one in zip(told, result.judged, strict=True):
        claim.true = one.true
        claim.verdict = "rounded" if one.verdict == "carried" else one.verdict
        claim.roots = [told[n][0] for n in one.origin] if claim.verdict == "inherited" else []
    return [
        Blame(c.slip, c.sentence, told[c.explains[0]][0], [told[n][0] for n in c.explains])
        for c in result.causes
    ]


def _printed(told: Told) -> list[Printed]:
    return [Printed(ref, c.step, c.written.text) for c, ref in told]


def _follows_other_rate(record: Record, system: System, told: Told) -> bool:
    """Whether all follow from a learning rate that was put in everywhere for the stated one."""
    used = [c for c in record.claims if c.kind == "operand" and c.name and is_rate(c.name)]
    rate = record.world.rate(used[0].place) if used else None
    alike = len({c.written.value for c in used}) == 1
    if rate is None or not alike or ref_of(rate) not in system.givens:
        return False
    other = replace(system, givens={**system.givens, ref_of(rate): used[0].written.value})
    if not all(one.fine for one in search(other, _printed(told), named=called).judged):
        return False
    for (claim, _), one in zip(
        told, search(system, _printed(told), named=called).judged, strict=True
    ):
        claim.true = one.true
        claim.verdict = "rounded" if one.fine else "inherited"
        claim.roots = [] if one.fine else [used[0]]
    return True
