"""Given values that a document only puts in, rounded: the digits they must have had.

A page may show a weight of −0.14367 as −0.144 wherever it is put in and go on with all its digits. The
rounded numbers that follow say more of it: every one of them bounds what it was. Where the weights
as printed do not give the numbers printed, and some weights within their rounding do, those are taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np

from handgrad.auditing.judge import judged
from handgrad.auditing.reading.nodes import Name, Written
from handgrad.auditing.record import Record
from handgrad.auditing.verdicts import WRONG, Claim
from handgrad.auditing.world import World

__all__ = ["said_of", "with_finer"]

MOST_SAID = 3  # values that are told
MOST_SLOPES = 6_000  # how often one value acts on one printed number
SWEEPS = 400  # over all printed numbers, each time to meet every one of them
INSIDE = 0.02  # of a half unit: how far inside its rounding a number is aimed at

Array = Any


def with_finer(record: Record) -> Record:
    """The document judged anew with finer given values, where fewer numbers are wrong then."""
    loose = _loose(record) if _wrong(record) else []
    if not loose:
        return record
    if len(loose) * len(record.claims) > MOST_SLOPES:
        return _with_coarse(record, loose)
    world = record.world
    start = [world.givens[name][0].value for name in loose]
    finer = _finer(record, loose)
    _give(world, loose, finer)
    again = judged(record.document, world)
    if _wrong(again) < _wrong(record):
        again.finer.update(zip(loose, finer, strict=True))
        return again
    _give(world, loose, start)
    return record


def _with_coarse(record: Record, loose: Sequence[Name]) -> Record:
    """The same where there are too many values to look for: each may be any within its rounding."""
    record.world.coarse.update(loose)
    again = judged(record.document, record.world)
    if _wrong(again) < _wrong(record):
        return again
    record.world.coarse.clear()
    return record


def said_of(record: Record) -> dict[str, str]:
    """That some values are taken with more digits than they are printed with, as a convention."""
    if record.world.coarse:
        return {"values put in": f"rounded; {len(record.world.coarse)} of them have more digits"}
    if not record.finer:
        return {}
    told = [
        f"{name} = {value:.{_digits(record.world.givens[name][0].written) + 2}g}"
        for name, value in record.finer.items()
    ]
    more = f" and {len(told) - MOST_SAID} more" if len(told) > MOST_SAID else ""
    return {"values put in": f"rounded; taken as {', '.join(told[:MOST_SAID])}{more}"}


def _loose(record: Record) -> list[Name]:
    """The given values that are printed with as many digits as what is worked out from them."""
    results = [c.written for c in record.claims if c.kind == "result" and not c.written.whole]
    if not results:
        return []
    digits, unit = median(map(_digits, results)), median(w.unit for w in results)
    found = {
        name: [given.written for given in record.world.givens.get(name, ())]
        for name in record.world.loose
    }
    return [
        name
        for name, written in found.items()
        if written
        and all(not w.whole and (_digits(w) >= digits or w.unit <= unit) for w in written)
    ]


def _digits(written: Written) -> int:
    """How many digits count."""
    return len(written.text.partition("e")[0].lstrip("-0.").replace(".", ""))


def _wrong(record: Record) -> int:
    return sum(claim.verdict in WRONG for claim in record.claims)


def _give(world: World, names: Sequence[Name], values: Sequence[float]) -> None:
    for name, value in zip(names, values, strict=True):
        world.refine(name, value)
    world.settle()


def _finer(record: Record, names: Sequence[Name]) -> list[float]:
    """Values within the rounding of the given ones from which the printed numbers follow."""
    world = record.world
    written = [world.givens[name][0].written for name in names]
    start, slack = np.array([w.value for w in written]), np.array([w.unit / 2 for w in written])
    claims = [
        c for c in record.claims if c.true is not None and c.written.unit and not c.written.whole
    ]
    known = [claim.true for claim in claims]
    base = _true(record, claims)
    slopes = np.empty((len(claims), len(names)))
    for n, step in enumerate(slack):
        _give(world, names[n : n + 1], [float(start[n] + step)])
        slopes[:, n] = (_true(record, claims) - base) / step
        _give(world, names[n : n + 1], [float(start[n])])
    for claim, true in zip(claims, known, strict=True):
        claim.true = true
    printed = np.array([claim.written.value for claim in claims])
    near = np.array([claim.written.unit / 2 for claim in claims])
    off = np.abs(printed - base) - near
    usable = np.isfinite(off) & np.isfinite(slopes).all(axis=1) & (off < np.abs(slopes) @ slack)
    usable &= np.any(slopes != 0, axis=1)
    aim = near * (1 - INSIDE)
    moved = _meeting(
        slopes[usable], (printed - base - aim)[usable], (printed - base + aim)[usable], slack
    )
    return [float(value) for value in start + moved]


def _true(record: Record, claims: Sequence[Claim]) -> Array:
    """The true value of every number, those worked out on the way in the order they stand."""
    for claim in claims:
        if claim.kind == "part" and claim.line is not None:
            claim.true = record.true_of(claim.line, claim.place)
        elif claim.name is not None:
            claim.true = record.world.value(claim.name, claim.place)
    return np.array([np.nan if claim.true is None else claim.true for claim in claims])


def _meeting(slopes: Array, low: Array, high: Array, slack: Array) -> Array:
    """A point of the box from which every line lies between its bounds, or nearly so.

    One bound after the other is met by the shortest way (Kaczmarz), until all are.
    """
    scale = slopes * slack  # in units of the slack of each value
    norms = np.sum(scale * scale, axis=1)
    at = np.zeros(len(slack))
    for _ in range(SWEEPS):
        met = True
        for line, norm, least, most in zip(scale, norms, low, high, strict=True):
            value = line @ at
            over = max(value - most, 0.0) + min(value - least, 0.0)
            if over:
                met = False
                at = np.clip(at - over / norm * line, -1, 1)
        if met:
            break
    return at * slack
