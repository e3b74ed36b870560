"""The numbers of one calculation judged in its order, each wrong one given its cause at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handgrad.auditing.blame import LIKELY, Found, added, chosen
from handgrad.auditing.causes import Scene, candidates, pairs
from handgrad.auditing.choices import Choice, Choices, Outcomes, merged, outcomes
from handgrad.auditing.far import Explanation, explanations, true_at
from handgrad.auditing.printed import Printed, Reading, reading
from handgrad.auditing.slips.roles import previous
from handgrad.auditing.slips.writing import Named
from handgrad.auditing.system import System, run
from handgrad.calculus.expr import Ref

__all__ = ["Judge", "Verdict"]

MOST_STEPS = 100_000  # of a run that is followed
IN_A_ROW = 12  # updates that are followed one by one, with all that may have been carried
FULL = 4  # values with all digits that one printed number may stand for
SAMPLES = 81  # values between the roundings of a wrong number
MOST_RIVALS = 8  # explanations of a run; more of them are chance


@dataclass(frozen=True)
class Verdict:
    """The verdict of one printed number."""

    name: str
    true: float | None = None
    origin: frozenset[int] = frozenset()
    cause: int | None = None


class Judge:
    """One walk over the updates; ``causes`` grows with it."""

    def __init__(self, system: System, claims: Sequence[Printed], named: Named) -> None:
        self.system, self.claims, self.named = system, claims, named
        self.readings = [reading(claim.text) for claim in claims]
        self.verdicts: dict[int, Verdict] = {}
        self.causes: list[Found] = []
        self.put_off: list[tuple[int, Scene]] = []  # until whole runs have been tried
        self.places: dict[tuple[int, Ref], list[int]] = {}
        for n, claim in enumerate(claims):
            self.places.setdefault((claim.step, claim.ref), []).append(n)

    def judged(self) -> list[Verdict]:
        """The verdicts in the order of the claims."""
        wanted = {claim.step for claim in self.claims if claim.step <= MOST_STEPS}
        last = max(wanted, default=0)
        before: dict[Ref, Sequence[Choice]] = {}
        old: Mapping[Ref, float] = {}
        for step, true in self._true(wanted, last):
            followed = step in wanted or last <= IN_A_ROW
            before = self.step(step, true, before, old) if followed else {}
            old = true
        if last > 1:
            self._whole_run(wanted)
        for n, scene in self.put_off:
            if self.verdicts[n].cause is None:
                claim = self.claims[n]
                true = {ref: own[0].value for ref, own in scene.choices.items()}
                self._wrong(n, claim.ref, claim.step, true, scene)
        return [self.verdicts.get(n, Verdict("unjudged")) for n in range(len(self.claims))]

    def _true(self, wanted: Set[int], last: int) -> Iterator[tuple[int, Mapping[Ref, float]]]:
        """The right numbers, of every update of a short run, else of those that are asked for."""
        if last <= IN_A_ROW:
            yield from enumerate(run(self.system, last), 1)
            return
        steps = sorted({step for s in wanted for step in (s - 1, s) if step})
        yield from sorted(true_at(self.system, steps).items())

    def _whole_run(self, wanted: Set[int]) -> None:
        """Numbers of later updates that are wrong because a slip was made in every update."""
        later = [n for n, c in enumerate(self.claims) if c.step > 1 and c.step in wanted]
        wrong = [n for n in later if self.verdicts[n].name in ("wrong", "inherited")]
        if not any(self.verdicts[n].name == "wrong" for n in wrong):
            return
        loose = [n for n in later if self.verdicts[n].name in ("carried", "truncated")]
        told = [n for n in later if self.verdicts[n].name != "given"]
        found = self._explained(told)
        if found:  # what one rounding or another would also give is as wrong as the rest
            wrong = sorted([*wrong, *loose])
        elif loose:
            found = self._explained([n for n in told if n not in loose])
        own = {self.verdicts[n].cause for n in wrong}
        if (
            not found
            or len(found) > MOST_RIVALS
            or (None not in own and len(own) < len(wrong) == 1)
        ):
            return
        best = found[0]
        for cause in self.causes:
            cause.explains -= set(wrong)
        rivals = [e.sentence for e in found[1:4] if e.cost <= best.cost + LIKELY]
        self.causes.append(
            Found(
                best.slip,
                best.sentence,
                best.change.where,
                None,
                set(wrong),
                rivals,
                rivals=len(found) - 1,
            )
        )
        for n in wrong:
            self.verdicts[n] = replace(
                self.verdicts[n], name="wrong", origin=frozenset(), cause=len(self.causes) - 1
            )

    def _explained(self, told: Sequence[int]) -> list[Explanation]:
        claims = [(self.claims[n], self.readings[n]) for n in told]
        return explanations(self.system, claims, self.named)

    def step(
        self,
        step: int,
        true: Mapping[Ref, float],
        before: Mapping[Ref, Sequence[Choice]],
        old: Mapping[Ref, float],
    ) -> dict[Ref, Sequence[Choice]]:
        """Judge the numbers of one update; what each may have been is handed on."""
        choices: dict[Ref, Sequence[Choice]] = {}
        for given in self.system.givens:
            carried = before.get(self.system.carried.get(given, given), ()) if before else ()
            choices[given] = merged([Choice(true[given]), *carried])
        stale = {previous(ref): value for ref, value in old.items()}
        choices |= {ref: (Choice(value),) for ref, value in stale.items()}
        system = replace(self.system, givens={**true_givens(self.system, true), **stale})
        printed = {ref for at, ref in self.places if at == step}
        scene = Scene(system, choices, printed, self.named)
        for ref in self.system.line:  # slips may read them before their turn
            expected = (Choice(self.readings[n].value) for n in self.places.get((step, ref), ()))
            choices[ref] = merged([Choice(true[ref]), *expected])
        for ref in (*self.system.givens, *self.system.line):
            if ref in self.system.line:
                result = outcomes(self.system.plain[ref], choices).with_one(scene.authors(ref))
                own = merged([Choice(true[ref]), *result.choices()])
            else:
                own = choices[ref]
                result = Outcomes(
                    np.array([choice.value for choice in own]), tuple(c.wrong for c in own)
                )
            choices[ref] = own
            claims = self.places.get((step, ref), ())
            if claims:
                choices[ref] = self.number(claims, ref, step, true, result, scene)
        return choices

    def number(
        self,
        claims: Sequence[int],
        ref: Ref,
        step: int,
        true: Mapping[Ref, float],
        result: Outcomes,
        scene: Scene,
    ) -> Sequence[Choice]:
        """Judge all that was printed for one number; what it may be from here on."""
        found = [Choice(true[ref])]
        for n in claims:
            found += self.claim(n, ref, step, true, result, scene, claims)
        return merged(found)

    def claim(
        self,
        n: int,
        ref: Ref,
        step: int,
        true: Mapping[Ref, float],
        result: Outcomes,
        scene: Scene,
        claims: Sequence[int],
    ) -> list[Choice]:
        """Judge one printed number; what the operand may be because of it."""
        printed, value = self.readings[n], true[ref]
        clean = result.clean()
        carried = np.where(clean, result.values, np.nan)
        given = ref in self.system.givens and (step == 1 or ref not in self.system.carried)
        if given and printed.exact(value):
            return self.say(n, Verdict("given", value), Choice(printed.value))
        if printed.rounds(value):
            exact = printed.exact(value)
            return self.say(
                n, Verdict("exact" if exact else "rounded", value), Choice(printed.value)
            )
        with np.errstate(all="ignore"):
            if printed.rounds(carried).any():
                full = float(carried[printed.rounds(carried)][0])
                return self.say(n, Verdict("carried", value), Choice(printed.value), Choice(full))
            cut = printed.cuts(value) or printed.cuts(carried).any()
        inherited = self._inherited(printed.rounds, result)
        if inherited is None and cut and self._may_be_cut(n, claims):
            return self.say(n, Verdict("truncated", value), Choice(printed.value))
        if inherited is None:
            inherited = self._inherited(printed.cuts, result)
        if inherited is None:
            inherited = self._unseen_digits(n, ref, step, scene)
        if inherited is not None:
            verdict = Verdict("inherited", value, inherited, self._of(inherited, n))
            full = self._full(printed, result)
            return self.say(n, verdict, Choice(printed.value, inherited), *full)
        return self._wrong(n, ref, step, true, scene)

    def say(self, n: int, verdict: Verdict, *choices: Choice) -> list[Choice]:
        """Keep a verdict."""
        self.verdicts[n] = verdict
        return list(choices)

    def _may_be_cut(self, n: int, claims: Sequence[int]) -> bool:
        """Not with fewer digits than where the number is rounded.

        A single digit tells nothing, unless others are printed with as many decimals.
        """
        finer = (m for m in claims if self.readings[m].unit < self.readings[n].unit)
        rounded = any(
            m in self.verdicts and self.verdicts[m].name in ("exact", "rounded") for m in finer
        )
        alike = [r for r in self.readings if r.unit == self.readings[n].unit]
        return not rounded and (len(self.readings[n].digits) > 1 or len(alike) > 2)

    def _inherited(self, fits: Callable[[Any], Any], result: Outcomes) -> frozenset[int] | None:
        """The fewest wrong numbers it follows from, None if from none."""
        with np.errstate(all="ignore"):
            hits = fits(result.values)
        found = [wrong for hit, wrong in zip(hits, result.wrong, strict=True) if hit and wrong]
        return min(found, key=len) if found else None

    def _full(self, printed: Reading, result: Outcomes) -> list[Choice]:
        """What an inherited number may be with all its digits."""
        with np.errstate(all="ignore"):
            hits = printed.rounds(result.values) | printed.cuts(result.values)
        pairs = zip(result.values.tolist(), result.wrong, hits, strict=True)
        found = [Choice(value, wrong) for value, wrong, hit in pairs if hit and wrong]
        return [*merged(found)[:FULL]]

    def _unseen_digits(self, n: int, ref: Ref, step: int, scene: Scene) -> frozenset[int] | None:
        """A wrong number whose unseen digits explain this one and another that is made of it."""
        for used in self.system.uses.get(ref, ()):
            for wrong in self.places.get((step, used), ()):
                verdict = self.verdicts.get(wrong)
                if verdict is None or verdict.name != "wrong":
                    continue
                own = self._samples(n, ref, wrong, used, scene)
                for user in self.system.users.get(used, ()):
                    for other in self.places.get((step, user), ()):
                        if (
                            other != n
                            and (own & self._samples(other, user, wrong, used, scene)).any()
                        ):
                            return frozenset({wrong})
        return None

    def _samples(self, n: int, ref: Ref, wrong: int, used: Ref, scene: Scene) -> np.ndarray:
        """For which values between the roundings of a wrong number this one follows from it."""
        printed = self.readings[wrong]
        nothing = np.zeros(SAMPLES, dtype=bool)
        if any(operand not in scene.choices for operand in self.system.uses[ref]):
            return nothing
        for place, value in enumerate(np.linspace(printed.low, printed.high, SAMPLES)):
            choices: Choices = {**scene.choices, used: (Choice(float(value)),)}
            result = outcomes(self.system.plain[ref], choices)
            nothing[place] = bool(self.readings[n].rounds(result.values[0]))
        return nothing

    def _wrong(
        self, n: int, ref: Ref, step: int, true: Mapping[Ref, float], scene: Scene
    ) -> list[Choice]:
        printed, wrong = self.readings[n], frozenset({n})
        if step > IN_A_ROW and (n, scene) not in self.put_off:
            self.put_off.append((n, scene))
            self.verdicts[n] = Verdict("wrong", true[ref])
            return [Choice(printed.value, wrong)]
        found = candidates(ref, printed, scene) or pairs(ref, printed, scene)
        if not found:
            self.verdicts[n] = Verdict("wrong", true[ref])
            return [Choice(printed.value, wrong)]
        later = [
            (place, [self.readings[m] for m in own])
            for (at, place), own in self.places.items()
            if at == step and place != ref and place in self.system.line
        ]
        new = chosen(found, self.causes, self.system, later, true)
        if new is None:
            self.verdicts[n] = Verdict("wrong", true[ref])
            return [Choice(printed.value, wrong)]
        best = new.best
        told = (self.readings[m].rounds(true[ref]) for m in self.places[(step, ref)])
        if not any(told):  # what was right elsewhere may have been carried from there
            scene.follow(best.lines, wrong, true)
        self.verdicts[n] = Verdict("wrong", true[ref], cause=added(self.causes, new, n, step))
        for name in best.lines:
            if name != ref and name in self.system.line:
                moved = outcomes(best.lines[name], scene.choices).choices()
                own = scene.choices[name]
                tainted = (Choice(c.value, c.wrong | wrong) for c in moved)
                scene.choices[name] = merged([*own, *tainted])
        return [Choice(printed.value, wrong), *(Choice(value, wrong) for value in best.values)]

    def _off(self, n: int) -> float:
        """How far off a printed number is, for its size."""
        true = self.verdicts[n].true or 0.0
        return abs(self.readings[n].value - true) / max(abs(true), 1e-300)

    def _of(self, origin: frozenset[int], n: int) -> int | None:
        """The cause of the wrong number this one starts from, of several the one furthest off."""
        for wrong in sorted(origin, key=self._off, reverse=True):
            cause = self.verdicts[wrong].cause
            if cause is not None:
                self.causes[cause].explains.add(n)
                return cause
        return None


def true_givens(system: System, true: Mapping[Ref, float]) -> dict[Ref, float]:
    """What is given at an update, out of all its numbers."""
    return {given: true[given] for given in system.givens}
