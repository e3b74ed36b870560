"""One wrong printed number in, the slips that give it out: of its line, or of a line not printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from handgrad.auditing.choices import Choice, outcomes
from handgrad.auditing.printed import Reading
from handgrad.auditing.slips.catalogue import Variant
from handgrad.auditing.slips.misprints import misprints
from handgrad.auditing.slips.roles import roles
from handgrad.auditing.slips.variants import variants
from handgrad.auditing.slips.writing import Named, with_ref
from handgrad.auditing.system import Line, System, values
from handgrad.calculus.expr import Expr, Num, Ref, refs
from handgrad.errors import DerivationError

__all__ = ["Candidate", "Scene", "candidates", "pairs"]

FULL = 4  # values with all digits that are kept of one candidate
EXACTLY = 0.3  # how much likelier a slip is that gives the very number printed
RATE = 1.5  # the cost of another learning rate
MOST_TESTED = 1_500  # right sides tried for one number
FEWEST_DIGITS = 4  # that make a pair of slips more than chance


@dataclass(frozen=True)
class Candidate:
    """Slips that give a printed number: the lines they change, and what the number was in full."""

    slip: str
    sentence: str
    where: tuple[Ref, ...]
    values: tuple[float, ...]  # with all its digits, as it may have been
    cost: float
    lines: Mapping[Ref, Expr] = field(default_factory=dict[Ref, Expr])
    key: str = ""


@dataclass(frozen=True)
class Scene:
    """What is known where a number stands: the lines, what their operands may be, what is printed."""

    system: System
    choices: dict[Ref, Sequence[Choice]]
    printed: Set[Ref]
    named: Named
    known: dict[Ref, tuple[Variant, ...]] = field(default_factory=dict[Ref, tuple[Variant, ...]])
    slips: dict[Ref, Expr] = field(default_factory=dict[Ref, Expr])
    author: dict[Ref, Choice] = field(default_factory=dict[Ref, Choice])
    paths: dict[Ref, tuple[Ref, ...]] = field(default_factory=dict[Ref, tuple[Ref, ...]])

    def variants(self, name: Ref) -> tuple[Variant, ...]:
        """The variants of a line whose operands are known here."""
        if name not in self.known:
            line = self.system.line[name]
            found = variants(line, self.system, self.named)
            self.known[name] = tuple(
                v for v in found if all(r in self.choices for r in refs(v.rhs))
            )
        return self.known[name]

    def follow(
        self, lines: Mapping[Ref, Expr], wrong: frozenset[int], true: Mapping[Ref, float]
    ) -> None:
        """From here on the author's numbers are those that the slips found so far lead to."""
        if not lines:
            return
        self.slips.update(lines)
        given = {ref: true[ref] for ref in self.system.givens if ref in true}
        with suppress(DerivationError):
            base = {ref: value for ref, value in true.items() if ref in self.system.line}
            world = values(self.system, changed=self.slips, givens=given, base=base | given)
            self.author.update(
                (ref, Choice(value, wrong.union(*(c.wrong for c in (self.author.get(ref),) if c))))
                for ref, value in world.items()
                if ref in true and value != true[ref]
            )

    def authors(self, ref: Ref) -> Choice | None:
        """The number as its author has it with all digits, where slips have changed it."""
        return self.author.get(ref)

    def unprinted(self, ref: Ref) -> tuple[Ref, ...]:
        """The lines between a number and the nearest printed ones, in the order of the system."""
        if ref not in self.paths:
            found: set[Ref] = set()
            waiting = [ref]
            while waiting:
                for used in self.system.uses.get(waiting.pop(), ()):
                    if used in self.system.line and used not in self.printed and used not in found:
                        found.add(used)
                        waiting.append(used)
            self.paths[ref] = tuple(name for name in self.system.line if name in found)
        return self.paths[ref]


def candidates(ref: Ref, printed: Reading, scene: Scene) -> list[Candidate]:
    """Every single slip that gives the printed number, the likeliest first."""
    found = [*_misprinted(ref, printed, scene)]
    if ref in scene.system.line:
        for variant in scene.variants(ref):
            found += _matching(ref, variant, printed, scene, (ref,), {ref: variant.rhs})
        found += _other_rates(ref, printed, scene)
        for name in scene.unprinted(ref):
            for variant in scene.variants(name):
                found += _through(ref, name, variant, printed, scene)
    return sorted(found, key=lambda candidate: candidate.cost)


def _misprinted(ref: Ref, printed: Reading, scene: Scene) -> Iterator[Candidate]:
    """What the number is by a slip of its digits, of the full value or of one that was carried."""
    known: set[tuple[str, str]] = set()
    for n, choice in enumerate(_right(ref, scene)):
        for misprint in misprints(choice.value, printed):
            if (misprint.slip, misprint.sentence) not in known:
                known.add((misprint.slip, misprint.sentence))
                cost = misprint.cost + (0.2 if n else 0.0)
                sentence = f"{scene.named(ref)}: {misprint.sentence}"
                yield Candidate(misprint.slip, sentence, (ref,), (choice.value,), cost)


def _right(ref: Ref, scene: Scene) -> Sequence[Choice]:
    if ref not in scene.system.line:
        return scene.choices[ref]
    return outcomes(scene.system.plain[ref], scene.choices).choices()


def _matching(
    ref: Ref,
    variant: Variant,
    printed: Reading,
    scene: Scene,
    where: tuple[Ref, ...],
    lines: Mapping[Ref, Expr],
) -> Iterator[Candidate]:
    result = outcomes(lines[ref], scene.choices)
    yield from _hit(result.values, variant, printed, where, lines)


def _hit(
    given: object,
    variant: Variant,
    printed: Reading,
    where: tuple[Ref, ...],
    lines: Mapping[Ref, Expr],
) -> Iterator[Candidate]:
    array = np.asarray(given)
    with np.errstate(all="ignore"):
        rounds, cuts = printed.rounds(array), printed.cuts(array)
    for hits, extra in ((rounds, 0.0), (cuts, 0.7)):
        if hits.any():
            full = tuple(dict.fromkeys(array[hits].tolist()))[:FULL]
            exactly = any(printed.exact(value) for value in full)
            cost = variant.cost + extra + (0.0 if hits[0] else 0.1) - (EXACTLY if exactly else 0.0)
            yield Candidate(variant.slip, variant.sentence, where, full, cost, lines, variant.key)
            return


def _through(
    ref: Ref, name: Ref, variant: Variant, printed: Reading, scene: Scene
) -> Iterator[Candidate]:
    """A slip in a line that is not printed, seen in a number that is computed from it."""
    start = outcomes(variant.rhs, scene.choices)
    moved = {name: tuple(Choice(c.value) for c in start.choices()[:4])}
    seen = _followed(ref, moved, scene)
    lines = {name: variant.rhs}
    if seen is not None:
        for hit in _hit(seen, variant, printed, (name,), lines):
            yield Candidate(
                hit.slip, hit.sentence, hit.where, hit.values, hit.cost + 0.3, lines, hit.key
            )


def _followed(ref: Ref, moved: Mapping[Ref, Sequence[Choice]], scene: Scene) -> object:
    """A number worked out again with other values for some lines before it."""
    choices = {**scene.choices, **moved}
    touched = set(moved)
    for name in (*scene.unprinted(ref), ref):
        if name in moved or touched.isdisjoint(scene.system.uses[name]):
            continue
        touched.add(name)
        result = outcomes(scene.system.plain[name], choices)
        if name == ref:
            return result.values
        choices[name] = result.choices()[:4]
    return None


def pairs(ref: Ref, printed: Reading, scene: Scene) -> list[Candidate]:
    """Two slips in one line that together give the printed number; nothing for short numbers."""
    if ref not in scene.system.line or len(printed.digits) < FEWEST_DIGITS:
        return []
    line, found, tested = scene.system.line[ref], list[Candidate](), 0
    scene = replace(scene, choices={r: own[:2] for r, own in scene.choices.items()})
    for first in scene.variants(ref):
        changed = Line(ref, first.rhs, line.phase)
        for second in variants(changed, scene.system, scene.named):
            if tested > MOST_TESTED:
                return _few(found)
            if not all(operand in scene.choices for operand in refs(second.rhs)):
                continue
            tested += 1
            both = Variant(
                f"{first.slip}+{second.slip}",
                second.rhs,
                f"{first.sentence}; and {second.sentence}",
                first.cost + second.cost,
            )
            found += _matching(ref, both, printed, scene, (ref,), {ref: second.rhs})
    return _few(found)


def _few(found: list[Candidate]) -> list[Candidate]:
    """Pairs that are more than chance: those whose number is not hit by many."""
    ranked = sorted(found, key=lambda candidate: candidate.cost)
    apart = {round(candidate.values[0], 12) for candidate in ranked}
    return ranked if len(apart) <= 2 else []


def _other_rates(ref: Ref, printed: Reading, scene: Scene) -> Iterator[Candidate]:
    """Another learning rate in all updates, as short a number as gives what was printed."""
    system = scene.system
    for rate in roles(system).rates & set(system.uses[ref]):
        other = _rate(ref, rate, printed, scene)
        if other is None:
            continue
        true = system.givens[rate]
        number = Num(Fraction(repr(other)))
        lines = {
            name: with_ref(system.plain[name], rate, number)
            for name in system.users[rate]
            if name in system.line
        }
        named = scene.named(rate)
        sentence = f"the learning rate {named} is {true:g}, and {other:g} was used"
        variant = Variant("learning_rate", lines[ref], sentence, RATE, f"rate {other:g}")
        yield from _matching(ref, variant, printed, scene, (rate,), lines)


def _rate(ref: Ref, rate: Ref, printed: Reading, scene: Scene) -> float | None:
    """The shortest rate that gives the printed number, where the update is linear in it."""
    first = {r: own[:1] for r, own in scene.choices.items()}

    def result(value: float) -> float:
        choices = {**first, rate: (Choice(value),)}
        return float(outcomes(scene.system.plain[ref], choices).values[0])

    start, slope = result(0.0), result(1.0) - result(0.0)
    if not np.isfinite(slope) or slope == 0:
        return None
    low, high = sorted((edge - start) / slope for edge in (printed.low, printed.high))
    for digits in (1, 2):
        other = float(f"{(low + high) / 2:.{digits}g}")
        if low <= other <= high and other > 0:
            return other
    return None
