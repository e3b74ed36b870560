"""A wrong number in, the slips of the catalogue that give it out: of its line, or of one not printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import product

from handgrad.auditing import symptoms
from handgrad.auditing.causes import Candidate, Scene, candidates, pairs
from handgrad.auditing.choices import Choice, merged
from handgrad.auditing.lines import called, ref_of, system_at
from handgrad.auditing.printed import Reading, reading
from handgrad.auditing.reading.nodes import Name
from handgrad.auditing.record import Record
from handgrad.auditing.symptoms import Reason
from handgrad.auditing.system import System, values
from handgrad.auditing.verdicts import Claim
from handgrad.calculus.expr import Ref, refs
from handgrad.errors import HandgradError

__all__ = ["Catalogued"]

OF_THE_PEN = {"arithmetic", "truncated", "last_digit", "digit"}
OF_OPERANDS = {
    "learning_rate", "wrong_operand", "wrong_weight", "mislabelled",
    "missing_term", "stale_value", "updated_weight",
}  # fmt: skip
MOST_PAIRED = 16  # numbers of a document for which two slips at once are looked for


class Catalogued:
    """The search among slips where a number stands; the lines that hold there are kept."""

    def __init__(self, record: Record) -> None:
        self.record, self.world = record, record.world
        self.systems: dict[int, System | None] = {}
        self.paired = 0

    def reasons(self, claim: Claim) -> Iterator[Reason]:
        """The slips of its line, or of lines before it that are not printed."""
        if claim.name is None:
            return
        system = self.system(claim.place)
        ref = ref_of(claim.name)
        if system is None or ref not in {line.name for line in system.lines}:
            return
        scene = self.scene(claim, system)
        printed = reading(claim.written.text)
        try:
            for candidate in candidates(ref, printed, scene) or self.pairs(ref, printed, scene):
                if claim.local == "ok" and candidate.slip in OF_THE_PEN:
                    continue
                shown = claim.local == "wrong" and candidate.slip in OF_OPERANDS
                solved = 2.0 if candidate.slip == "learning_rate" else 0.0
                cost = candidate.cost + (1.5 + solved if shown else 0.0)
                if not candidate.lines:  # a slip of the pen
                    cost += symptoms.unlike(candidate.values[0], claim)
                yield cost, self.known(candidate, ref, system), candidate.sentence
        except HandgradError:
            return

    def pairs(self, ref: Ref, printed: Reading, scene: Scene) -> list[Candidate]:
        """Two slips at once, for the first numbers of a document that need them."""
        self.paired += 1
        return pairs(ref, printed, scene) if self.paired <= MOST_PAIRED else []

    def known(self, candidate: Candidate, ref: Ref, system: System) -> str:
        """The name of a slip; an old value for a new one is a stale one."""
        after = {*refs(candidate.lines[ref])} if ref in candidate.lines else set[Ref]()
        before = {*refs(system.line[ref].rhs)}
        for gone, came in product(before - after, after - before):
            if gone.symbol.new and came.symbol == replace(gone.symbol, new=False):
                return "stale_value"
            if came.symbol.new and gone.symbol == replace(came.symbol, new=False):
                return "updated_weight"
            pair = {gone, came} & set(system.line)
            inner = any({*refs(system.line[one].rhs)} == {gone, came} - {one} for one in pair)
            often = sum(ref_ == gone for ref_ in refs(system.plain[ref])) > 1
            if inner and often and candidate.slip == "wrong_operand" and ref.symbol.loss:
                return "derivative"
        exchanged = before ^ after
        if (
            candidate.slip == "wrong_operand"
            and exchanged
            and all(one.symbol.loss is None and _weight(one, system) for one in exchanged)
        ):
            return "wrong_weight"
        slopes = [ref_ for ref_ in before - after if _activation(ref_, system)]
        if candidate.slip == "missing_term" and len(before - after) == len(slopes) == 1:
            return "derivative"
        return candidate.slip

    def system(self, place: int) -> System | None:
        """The lines that hold at a place."""
        if place not in self.systems:
            names = dict.fromkeys(c.name for c in self.record.claims if c.name is not None)
            self.systems[place] = system_at(self.world, place, names)
        return self.systems[place]

    def scene(self, claim: Claim, system: System) -> Scene:
        """What the operands of a line may have been where a number stands."""
        choices: dict[Ref, Sequence[Choice]] = {}
        true = values(system)
        for ref, value in true.items():
            found = [Choice(value)]
            name = self.names.get(ref)
            if name is not None and ref != ref_of(claim.name or Name("")):
                found += [Choice(v) for v in self.record.named(name, claim.place, fine=False)]
            choices[ref] = merged(found)
        return Scene(system, choices, self.printed, called)

    @cached_property
    def names(self) -> dict[Ref, Name]:
        """What the document calls its numbers."""
        return {ref_of(name): name for name in self.record.of}

    @cached_property
    def printed(self) -> set[Ref]:
        """The numbers the document prints."""
        named = dict.fromkeys(c.name for c in self.record.claims if c.name is not None)
        return {ref_of(name) for name in named}


def _activation(slope: Ref, system: System) -> bool:
    """Whether a derivative is that of an activation by its weighted sum: da/dz."""
    line = system.line.get(slope)
    return line is not None and slope.symbol.loss not in (None, system.loss.symbol)


def _weight(ref: Ref, system: System) -> bool:
    """Whether it is a parameter, new or old."""
    return replace(ref, symbol=ref.symbol.plain) in system.parameters
