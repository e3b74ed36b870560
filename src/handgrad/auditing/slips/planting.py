"""Slips the other way round: one made on purpose and carried forward, its place known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from handgrad.auditing.slips.catalogue import SLIPS
from handgrad.auditing.slips.changes import Change, of_line, rates
from handgrad.auditing.slips.variants import variants
from handgrad.auditing.slips.writing import Named
from handgrad.auditing.system import System, number, run, unrolled, values
from handgrad.calculus.expr import Expr, Ref, Value
from handgrad.errors import DerivationError, InputError
from handgrad.language import writing
from handgrad.model.problem import Problem

__all__ = ["Hypothesis", "Made", "plant"]

VISIBLE = 1e-3  # relative: a slip that changes less than this is none for a reader
Rounding = Callable[[float], float]


@dataclass(frozen=True)
class Made:
    """One slip that was made: which, where, and in words."""

    slip: str
    where: tuple[Ref, ...]
    sentence: str


@dataclass(frozen=True)
class Hypothesis:
    """A solution as somebody works it out: the slips made, how many updates, how numbers are rounded.

    ``decimals`` are those every line is rounded to and carried on with, None for full precision;
    ``single`` is single precision. A slip is made at ``step``, or in every update if that is None.
    """

    system: System
    made: tuple[Made, ...] = ()
    lines: Mapping[Ref, Expr] = field(default_factory=dict[Ref, Expr])
    givens: Mapping[Ref, float] = field(default_factory=dict[Ref, float])
    steps: int = 1
    step: int | None = None
    decimals: int | None = None
    single: bool = False

    def values(self, step: int | None = None) -> dict[Ref, float]:
        """Every number of one update, the last unless another is asked for."""
        wanted = self.steps if step is None else step
        if not 1 <= wanted <= self.steps:
            raise InputError(f"Step {wanted} of a solution with {self.steps}.")
        return next(found for n, found in enumerate(self, 1) if n == wanted)

    def __iter__(self) -> Iterator[dict[Ref, float]]:
        system = replace(self.system, givens={**self.system.givens, **self.givens})
        rounding = self._rounding()
        done = 0

        def work(given: Mapping[Ref, float]) -> dict[Ref, float]:
            nonlocal done
            done += 1
            changed = self.lines if self.step in (None, done) else dict[Ref, Expr]()
            if rounding is None:
                return values(system, changed=changed, givens=given)
            return _rounded(system, changed, given, rounding)

        return run(system, self.steps, work=work)

    def _rounding(self) -> Rounding | None:
        if self.decimals is not None:
            places = self.decimals
            return lambda value: round(value, places)
        return (lambda value: float(np.float32(value))) if self.single else None


def _rounded(
    system: System, changed: Mapping[Ref, Expr], givens: Mapping[Ref, float], rounding: Rounding
) -> dict[Ref, float]:
    """Every line rounded and carried on."""
    rules = {**system.plain, **changed}
    known = dict(givens)
    for name in _order(system, rules):
        known[name] = rounding(float(number(rules[name], known)))
    return known


def _order(system: System, rules: Mapping[Ref, Expr]) -> list[Ref]:
    """The lines so that each comes after what it uses."""
    known = values(system, changed={n: r for n, r in rules.items() if r is not system.plain[n]})
    return [name for name in known if name in rules]


def plant(
    problem: Problem | System,
    slip: str,
    *,
    seed: int = 0,
    where: Ref | None = None,
    steps: int = 1,
    named: Named = writing.name,
) -> Hypothesis:
    """One slip of the catalogue made in a solution, at a place drawn with ``seed`` or given.

    It changes the number in its line by more than a thousandth, if any place does. Raises
    ``InputError`` for a slip that is not in the catalogue or cannot be made here.

    >>> from handgrad import Network
    >>> p = Network([1, 1], x=[[0.5]], y=[[1.0]], W=[[[0.3]]], b=[[0.1]])
    >>> plant(p, "bias").made[0].sentence
    'b1[1] was not updated'
    """
    kind = next((known for known in SLIPS if known.name == slip), None)
    if kind is None:
        names = ", ".join(known.name for known in SLIPS)
        raise InputError(f"There is no slip {slip!r:.40}. There are {names}.")
    system = problem if isinstance(problem, System) else unrolled(problem)
    rng = np.random.default_rng([seed, [known.name for known in SLIPS].index(slip)])
    if slip == "step_count":
        made = Made(slip, (), "one update was made too many")
        return Hypothesis(system, (made,), steps=steps + 1)
    if slip == "precision":
        decimals = int(rng.integers(2, 4))
        sentence = f"every number was rounded to {decimals} decimals and carried on"
        return Hypothesis(system, (Made(slip, (), sentence),), steps=steps, decimals=decimals)
    drawn = _drawn(system, slip, where, rng, named)
    made = Made(slip, drawn.where, drawn.sentence)
    return Hypothesis(system, (made,), drawn.lines, drawn.givens, steps)


def _drawn(
    system: System, slip: str, where: Ref | None, rng: np.random.Generator, named: Named
) -> Change:
    true = values(system)
    found = list(_candidates(system, slip, where, true, rng, named))
    shown = [change for change in found if _visible(change, system, true)] or found
    if not shown:
        raise InputError(f"No line of this problem can go wrong by {slip!r}.")
    cheap = min(change.cost for change in shown) + 1.0
    likely = [change for change in shown if change.cost <= cheap]
    return likely[int(rng.integers(len(likely)))]


def _candidates(
    system: System,
    slip: str,
    where: Ref | None,
    true: Mapping[Ref, float],
    rng: np.random.Generator,
    named: Named,
) -> Iterator[Change]:
    if slip == "learning_rate" and where is None:
        yield from rates(system, named)
    for line in system.lines:
        if where not in (None, line.name):
            continue
        if slip in ("arithmetic", "digit", "last_digit", "truncated"):
            yield _misread(line.name, true[line.name], slip, rng, named)
            continue
        for variant in variants(line, system, named):
            if variant.slip == slip:
                yield of_line(line, variant)


def _misread(name: Ref, value: float, slip: str, rng: np.random.Generator, named: Named) -> Change:
    """The value of a line spoilt in its digits, and used on."""
    unit = 10.0 ** (np.floor(np.log10(abs(value))) - 3) if value else 1e-4
    steps = int(abs(value) / unit)
    sign = -1.0 if value < 0 else 1.0
    spoilt = {
        "truncated": lambda: steps * unit,
        "last_digit": lambda: (round(abs(value) / unit) + int(rng.choice((-1, 1)))) * unit,
        "digit": lambda: abs(value) * float(rng.choice((0.1, 10.0))),
        "arithmetic": lambda: (steps + int(rng.integers(11, 200))) * unit,
    }[slip]()
    title = next(known.title for known in SLIPS if known.name == slip)
    return Change(slip, (name,), f"{named(name)}: {title}", {name: Value(sign * spoilt)})


def _visible(change: Change, system: System, true: Mapping[Ref, float]) -> bool:
    try:
        found = values(
            system, changed=change.lines, givens={**system.givens, **change.givens}, base=true
        )
    except DerivationError:
        return False
    near = change.slip in ("truncated", "last_digit")
    if change.givens:
        return True
    return all(
        np.isfinite(found[name])
        and abs(found[name] - true[name]) > (0 if near else VISIBLE) * abs(true[name])
        for name in change.where
    )
