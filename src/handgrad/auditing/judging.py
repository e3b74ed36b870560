"""The numbers of one calculation judged in its order, each wrong one given its cause at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

import numpy as np

from handgrad.auditing.causes import Candidate, Scene, candidates, pairs
from handgrad.auditing.choices import Choice, Choices, Outcomes, merged, outcomes
from handgrad.auditing.far import explanations, true_at
from handgrad.auditing.printed import Printed, Reading, reading
from handgrad.auditing.slips.roles import previous
from handgrad.auditing.slips.writing import Named
from handgrad.auditing.system import System, run, values
from handgrad.calculus.expr import Ref
from handgrad.errors import DerivationError

__all__ = ["Found", "Judge", "Verdict"]

MOST_STEPS = 100_000  # of a run that is followed
IN_A_ROW = 12  # updates that are followed one by one, with all that may have been carried
SAMPLES = 81  # values between the roundings of a wrong number
AHEAD = 12  # candidates that are compared by what they say of later numbers
MOST_RIVALS = 8  # explanations of a run; more of them are chance
LIKELY = 0.5  # a rival whose cost is no more than this above is named


@dataclass
class Found:
    """A cause as it grows: every number that follows from it is added."""

    slip: str
    sentence: str
    where: tuple[Ref, ...]
    step: int | None
    explains: set[int]
    others: list[str] = field(default_factory=list[str])
    key: str = ""
    lines: Mapping[Ref, object] = field(default_factory=dict[Ref, object])


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
        told = [n for n in later if self.verdicts[n].name not in ("carried", "truncated", "given")]
        claims = [(self.claims[n], self.readings[n]) for n in told]
        found = explanations(self.system, claims, self.named)
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
            Found(best.slip, best.sentence, best.change.where, None, set(wrong), rivals)
        )
        for n in wrong:
            self.verdicts[n] = replace(
                self.verdicts[n], name="wrong", origin=frozenset(), cause=len(self.causes) - 1
            )

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
        for ref in (*self.system.givens, *self.system.line):
            own = choices.get(ref)
            if own is None:
                result = outcomes(self.system.plain[ref], choices)
                own = merged([Choice(true[ref]), *result.choices()])
            else:
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
        if cut and self._may_be_cut(n, claims):
            return self.say(n, Verdict("truncated", value), Choice(printed.value))
        inherited = self._inherited(printed, result)
        if inherited is None:
            inherited = self._unseen_digits(n, ref, step, scene)
        if inherited is not None:
            verdict = Verdict("inherited", value, inherited, self._of(inherited, n))
            return self.say(n, verdict, Choice(printed.value, inherited))
        return self._wrong(n, ref, step, true, scene)

    def say(self, n: int, verdict: Verdict, *choices: Choice) -> list[Choice]:
        """Keep a verdict."""
        self.verdicts[n] = verdict
        return list(choices)

    def _may_be_cut(self, n: int, claims: Sequence[int]) -> bool:
        """A single digit tells nothing, nor do fewer digits than where the number is rounded."""
        finer = (m for m in claims if self.readings[m].unit < self.readings[n].unit)
        rounded = any(
            m in self.verdicts and self.verdicts[m].name in ("exact", "rounded") for m in finer
        )
        return len(self.readings[n].digits) > 1 and not rounded

    def _inherited(self, printed: Reading, result: Outcomes) -> frozenset[int] | None:
        """The fewest wrong numbers it follows from, None if from none."""
        with np.errstate(all="ignore"):
            rounds, cuts = printed.rounds(result.values), printed.cuts(result.values)
        for hits in (rounds, cuts):
            found = [wrong for hit, wrong in zip(hits, result.wrong, strict=True) if hit and wrong]
            if found:
                return min(found, key=len)
        return None

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
        found = candidates(ref, printed, scene) or pairs(ref, printed, scene)
        if not found:
            self.verdicts[n] = Verdict("wrong", true[ref])
            return [Choice(printed.value, wrong)]
        best = self._best(found, ref, step, true)
        self.verdicts[n] = Verdict("wrong", true[ref], cause=self._add(best, found, n, step))
        for name in best.lines:
            if name != ref and name in self.system.line:
                moved = outcomes(best.lines[name], scene.choices).choices()
                own = scene.choices[name]
                tainted = (Choice(c.value, c.wrong | wrong) for c in moved)
                scene.choices[name] = merged([*own, *tainted])
        return [Choice(printed.value, wrong), Choice(best.value, wrong)]

    def _best(
        self,
        found: Sequence[Candidate],
        ref: Ref,
        step: int,
        true: Mapping[Ref, float],
    ) -> Candidate:
        """The candidate that says most of the later numbers; a slip made before; the likeliest."""
        known = {(cause.slip, cause.key) for cause in self.causes if cause.key}

        def rank(candidate: Candidate) -> tuple[float, float]:
            again = (candidate.slip, candidate.key) in known
            return -self._agreeing(candidate, ref, step, true), candidate.cost - 2.0 * again

        return min(found[:AHEAD], key=rank)

    def _agreeing(
        self, candidate: Candidate, ref: Ref, step: int, true: Mapping[Ref, float]
    ) -> int:
        """How many later numbers of this update are as they would be by this slip."""
        later = [
            (place, claims)
            for (at, place), claims in self.places.items()
            if at == step and place != ref and place in self.system.line
        ]
        world = true
        if candidate.lines:
            try:
                given = true_givens(self.system, true)
                world = values(self.system, changed=candidate.lines, givens=given, base=true)
            except (DerivationError, KeyError):
                return 0
        return sum(
            bool(self.readings[n].rounds(world[place])) for place, claims in later for n in claims
        )

    def _add(self, best: Candidate, found: Sequence[Candidate], n: int, step: int) -> int:
        for place, cause in enumerate(self.causes):
            if best.key and (cause.slip, cause.key) == (best.slip, best.key):
                cause.explains.add(n)
                cause.where = tuple(dict.fromkeys((*cause.where, *best.where)))
                return place
        rivals = [
            other.sentence
            for other in found
            if other is not best and other.cost <= best.cost + LIKELY
        ]
        self.causes.append(
            Found(best.slip, best.sentence, best.where, step, {n}, rivals[:3], best.key, best.lines)
        )
        return len(self.causes) - 1

    def _of(self, origin: frozenset[int], n: int) -> int | None:
        """The cause of the first wrong number this one starts from."""
        for wrong in sorted(origin):
            cause = self.verdicts[wrong].cause
            if cause is not None:
                self.causes[cause].explains.add(n)
                return cause
        return None


def true_givens(system: System, true: Mapping[Ref, float]) -> dict[Ref, float]:
    """What is given at an update, out of all its numbers."""
    return {given: true[given] for given in system.givens}
