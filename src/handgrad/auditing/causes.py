"""One wrong printed number in, the slips that give it out: of its line, or of a line not printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

import numpy as np

from handgrad.auditing.choices import Choice, outcomes
from handgrad.auditing.printed import Reading
from handgrad.auditing.slips.catalogue import Variant
from handgrad.auditing.slips.misprints import misprints
from handgrad.auditing.slips.variants import variants
from handgrad.auditing.slips.writing import Named
from handgrad.auditing.system import Line, System
from handgrad.calculus.expr import Expr, Ref, refs

__all__ = ["Candidate", "Scene", "candidates", "pairs"]

MOST_TESTED = 4_000  # right sides tried for one number
FEWEST_DIGITS = 4  # that make a pair of slips more than chance


@dataclass(frozen=True)
class Candidate:
    """Slips that give a printed number: the lines they change, and what the number was in full."""

    slip: str
    sentence: str
    where: tuple[Ref, ...]
    value: float
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

    def variants(self, name: Ref) -> tuple[Variant, ...]:
        """The variants of a line whose operands are known here."""
        if name not in self.known:
            line = self.system.line[name]
            found = variants(line, self.system, self.named)
            self.known[name] = tuple(
                v for v in found if all(r in self.choices for r in refs(v.rhs))
            )
        return self.known[name]


def candidates(ref: Ref, printed: Reading, scene: Scene) -> list[Candidate]:
    """Every single slip that gives the printed number, the likeliest first."""
    found = [*_misprinted(ref, printed, scene)]
    if ref in scene.system.line:
        for variant in scene.variants(ref):
            found += _matching(ref, variant, printed, scene, (ref,), {ref: variant.rhs})
        for name in unprinted(ref, scene):
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
                yield Candidate(misprint.slip, sentence, (ref,), choice.value, cost)


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
    values: object,
    variant: Variant,
    printed: Reading,
    where: tuple[Ref, ...],
    lines: Mapping[Ref, Expr],
) -> Iterator[Candidate]:
    array = np.asarray(values)
    with np.errstate(all="ignore"):
        rounds, cuts = printed.rounds(array), printed.cuts(array)
    for hits, extra in ((rounds, 0.0), (cuts, 0.7)):
        if hits.any():
            value = float(array[hits][0])
            cost = variant.cost + extra + (0.0 if hits[0] else 0.1)
            yield Candidate(variant.slip, variant.sentence, where, value, cost, lines, variant.key)
            return


def unprinted(ref: Ref, scene: Scene) -> tuple[Ref, ...]:
    """The lines between a number and the nearest printed ones that it is computed from."""
    found: dict[Ref, None] = {}
    waiting = [ref]
    while waiting:
        for used in scene.system.uses.get(waiting.pop(), ()):
            if used in scene.system.line and used not in scene.printed and used not in found:
                found[used] = None
                waiting.append(used)
    return tuple(found)


def _through(
    ref: Ref, name: Ref, variant: Variant, printed: Reading, scene: Scene
) -> Iterator[Candidate]:
    """A slip in a line that is not printed, seen in a number that is computed from it."""
    start = outcomes(variant.rhs, scene.choices)
    moved = {name: tuple(Choice(c.value) for c in start.choices()[:4])}
    values = _followed(ref, moved, scene)
    lines = {name: variant.rhs}
    if values is not None:
        for hit in _hit(values, variant, printed, (name,), lines):
            yield Candidate(
                hit.slip, hit.sentence, hit.where, hit.value, hit.cost + 0.3, lines, hit.key
            )


def _followed(ref: Ref, moved: Mapping[Ref, Sequence[Choice]], scene: Scene) -> object:
    """A number worked out again with other values for some lines before it."""
    path = [
        line.name
        for line in scene.system.lines
        if line.name not in moved and (line.name == ref or line.name in unprinted(ref, scene))
    ]
    choices = {**scene.choices, **moved}
    touched = set(moved)
    for name in path:
        if touched.isdisjoint(scene.system.uses[name]):
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
    apart = {round(candidate.value, 12) for candidate in ranked}
    return ranked if len(apart) <= 2 else []
