"""Which slip made each wrong number, and which later numbers it explains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from handgrad.auditing.align import numeric
from handgrad.auditing.causes import Candidate, Scene, candidates, pairs
from handgrad.auditing.choices import Choice, merged
from handgrad.auditing.judge import Claim, Judgement
from handgrad.auditing.lines import ref_of, system_at
from handgrad.auditing.printed import Printed, reading
from handgrad.auditing.reading.nodes import Name, Named, Written, every
from handgrad.auditing.roles import is_parameter, is_rate
from handgrad.auditing.search import search
from handgrad.auditing.slips.misprints import misprints
from handgrad.auditing.system import System, values
from handgrad.auditing.worth import leaves, plain, reach, replaced
from handgrad.calculus.expr import Call, Expr, Power, Ref, Sum, refs, walk
from handgrad.errors import HandgradError

__all__ = ["Blame", "blamed"]

Reason = tuple[float, str, str]  # cost, slip, sentence
OF_THE_PEN = {"arithmetic", "truncated", "last_digit", "digit"}
OF_OPERANDS = {"learning_rate", "wrong_operand", "wrong_weight", "mislabelled"}
FEWEST_CARRIED, MOST_OF = 4, 0.8  # wrong lines that make few digits a rule, and their part
MOST_SEARCHED = 40  # wrong numbers whose cause is looked for


@dataclass
class Blame:
    """A slip, its sentence, the number it was made in, and all numbers it explains."""

    slip: str
    sentence: str
    root: Claim
    explains: list[Claim] = field(default_factory=list[Claim])


def blamed(judgement: Judgement) -> list[Blame]:
    """The causes of all wrong numbers, in reading order."""
    finder = _Finder(judgement)
    roots = [c for c in judgement.claims if c.wrong and c.verdict != "inherited"]
    found = finder.precision(roots)
    told = {id(c) for blame in found for c in blame.explains}
    roots = [c for c in roots if id(c) not in told]
    for claim in roots[:MOST_SEARCHED]:
        slip = finder.cause(claim)
        if slip is not None:
            followers = [c for c in judgement.claims if claim in c.roots]
            found.append(Blame(*slip, claim, [claim, *followers]))
    return merged_blames([*found, *finder.later()])


def merged_blames(found: Sequence[Blame]) -> list[Blame]:
    """The same slip in the same words once, with all it explains."""
    first: dict[tuple[str, str], Blame] = {}
    for blame in found:
        known = first.setdefault((blame.slip, blame.sentence), blame)
        if known is not blame:
            known.explains += [c for c in blame.explains if c not in known.explains]
    return [*first.values()]


class _Finder:
    def __init__(self, judgement: Judgement) -> None:
        self.judgement = judgement
        self.world = judgement.world
        self.systems: dict[int, System | None] = {}

    def later(self) -> list[Blame]:
        """Judge the numbers printed after many updates, and find what spoilt the run."""
        claims = [c for c in self.judgement.claims if c.kind == "later" and c.name is not None]
        system = self.system(min(claims[0].place, self.world.first_update)) if claims else None
        if system is None:
            return []
        known = {line.name for line in system.lines}
        told = [(c, ref_of(c.name)) for c in claims if c.name is not None]
        told = [(c, ref) for c, ref in told if ref in known]
        printed = [Printed(ref, c.step, c.written.text) for c, ref in told]
        known_rate = self.other_rate(system)
        if known_rate is not None:
            root, other = known_rate
            spoilt = search(other, printed, named=lambda ref: str(ref.symbol))
            if all(one.fine for one in spoilt.judged):
                right = search(system, printed, named=lambda ref: str(ref.symbol))
                for (claim, _), one in zip(told, right.judged, strict=True):
                    claim.true = one.true
                    claim.verdict = "rounded" if one.fine else "inherited"
                    claim.roots = [] if one.fine else [root]
                return []
        result = search(system, printed, named=lambda ref: str(ref.symbol))
        for (claim, _), one in zip(told, result.judged, strict=True):
            claim.true = one.true
            claim.verdict = "rounded" if one.verdict == "carried" else one.verdict
        for (claim, _), one in zip(told, result.judged, strict=True):
            claim.roots = [told[n][0] for n in one.origin] if claim.verdict == "inherited" else []
        return [
            Blame(c.slip, c.sentence, told[c.explains[0]][0], [told[n][0] for n in c.explains])
            for c in result.causes
        ]

    def other_rate(self, system: System) -> tuple[Claim, System] | None:
        """The lines with the learning rate that was put in everywhere instead of the stated one."""
        used = [
            c for c in self.judgement.claims if c.kind == "operand" and c.name and is_rate(c.name)
        ]
        if len({c.written.value for c in used}) != 1:
            return None
        rate = self.world.rate(used[0].place)
        if rate is None or ref_of(rate) not in system.givens:
            return None
        givens = {**system.givens, ref_of(rate): used[0].written.value}
        return used[0], replace(system, givens=givens)

    def precision(self, roots: Sequence[Claim]) -> list[Blame]:
        """Few digits carried throughout, where that gives nearly all wrong numbers."""
        told = [c for c in roots if c.local == "wrong" and c.line is not None]
        if len(told) < FEWEST_CARRIED:
            return []
        for digits in range(1, 8):
            fitting = [c for c in told if self.with_digits(c, digits)]
            if len(fitting) >= MOST_OF * len(told):
                said = f"only {digits} significant digits were carried throughout"
                followers = [
                    c
                    for c in self.judgement.claims
                    if set(map(id, c.roots)) & set(map(id, fitting))
                ]
                return [Blame("precision", said, fitting[0], [*fitting, *followers])]
        return []

    def with_digits(self, claim: Claim, digits: int) -> bool:
        """Whether a line gives the number if its operands, or all, have so many digits."""
        assert claim.line is not None, "asked of lines only"

        def short(leaf: Written | Named) -> tuple[float, ...]:
            found = self.judgement.choices(leaf, claim.place, fine=False)
            return tuple(float(f"{value:.{digits - 1}e}") for value in found)

        found = reach(self.world.applied(claim.line), short)
        if found is None:
            return False
        cut = [float(f"{value:.{digits - 1}e}") for value in found.values]
        return found.meets(claim.written.rounded) or any(v in claim.written.rounded for v in cut)

    def cause(self, claim: Claim) -> tuple[str, str] | None:
        """Slip and sentence for one wrong number."""
        if claim.verdict == "mislabelled":
            return "mislabelled", self.contradicted(claim)
        if claim.kind == "operand":
            return self.operand(claim)
        if claim.kind == "part" and isinstance(claim.line, Call) and claim.line.function == "exp":
            inner = self.judgement.reached(claim.line.arguments[0], claim.place, fine=False)
            if inner is not None and inner.meets(claim.written.rounded):
                return (
                    "softmax",
                    f"the exponent {claim.written.text} was put in for its exponential",
                )
        if claim.kind == "part" and (said := self.misplaced(claim)):
            return "derivative", said
        others = self.belongs(claim)
        if others is not None and (self.told_rightly(claim) or not [*self.searched(claim)]):
            claim.verdict = "mislabelled"
            return "mislabelled", f"{claim.written.text} is {others}, not {claim.name}"
        return next(self.tried(claim), None)

    def misplaced(self, claim: Claim) -> str | None:
        """A factor such as 1 − a², worked out with another value of the unit in the place of a or z."""
        if claim.line is None:
            return None
        for leaf in leaves(claim.line):
            known = leaf if isinstance(leaf, Named) else self.judgement.stood(leaf)[0]
            if not isinstance(known, Named):
                continue
            definition = self.world.forward(known.name, claim.place)
            inner = definition.expr if definition is not None else None
            if isinstance(inner, Call) and len(inner.arguments) == 1:
                others: list[Expr] = [inner.arguments[0], Call(inner.function, (inner,))]
            else:
                others = [*self.activations(known.name)]
            for other in others:
                put = replaced(claim.line, lambda n: other if n is leaf else None)  # noqa: B023
                found = self.judgement.reached(put, claim.place, fine=False)
                if found is not None and found.meets(claim.written.rounded):
                    return f"the derivative was taken at another value than {known.name}"
        return None

    def activations(self, name: Name) -> Iterator[Named]:
        """What is a function of one name and nothing else."""
        for user, found in self.world.definitions.items():
            for definition in found:
                match definition.expr:
                    case Call(_, (Named(argument),)) if argument == name:
                        yield Named(user, 0, 0)
                    case _:
                        pass

    def told_rightly(self, claim: Claim) -> bool:
        """Whether the first formula of its chain is the right one for its name."""
        chain = self.judgement.document.chains[claim.place]
        for member in chain.members:
            if member.expr is not None and member.name is None and not numeric(member.expr):
                value = self.world.number(member.expr, claim.place)
                return value is not None and claim.true is not None and close(value, claim.true)
        return True

    def tried(self, claim: Claim) -> Iterator[tuple[str, str]]:
        """The explanations of a result, the likeliest first."""
        found = [*self.repeated(claim), *self.searched(claim)]
        if claim.local != "ok":
            found += [*self.carried(claim), *self.stale(claim), *self.miswritten(claim)]
        for _, slip, sentence in sorted(found, key=lambda one: one[0]):
            yield slip, sentence
        if claim.local == "wrong" and claim.line is not None:
            value = plain(claim.line)
            worth = f", which is {value:.7g}" if value is not None else ""
            yield "arithmetic", f"the result is not that of the operation printed{worth}"

    def formulas(self, claim: Claim) -> list[Expr]:
        """The formulas that hold for a claim, and the line of numbers it stands in."""
        found = [] if claim.formula is None else [claim.formula]
        chain = self.judgement.document.chains[claim.place]
        found += [m.expr for m in chain.members if m.expr is not None and not numeric(m.expr)]
        return [e for e in found if not isinstance(e, Named)]

    def stale(self, claim: Claim) -> Iterator[Reason]:
        """One operand as it was in the pass before."""
        judgement, place = self.judgement, claim.place
        for expr in self.formulas(claim)[:2]:
            for name in dict.fromkeys(n.name for n in leaves(expr) if isinstance(n, Named)):
                now = self.world.value(name, place)
                claims = [*judgement.of.get(name, ()), *judgement.of.get(name.plain, ())]
                old = {
                    v for c in claims for v in (c.written.value, c.true, *c.full) if v is not None
                }
                old = {v for v in old if now is not None and not near(v, now)}

                def leaf_values(
                    leaf: Written | Named, name: Name = name, old: set[float] = old
                ) -> Sequence[float]:
                    if isinstance(leaf, Named) and leaf.name == name:
                        return tuple(old)
                    return judgement.choices(leaf, place, fine=False)

                found = reach(self.world.applied(expr), leaf_values) if old else None
                if found is not None and found.meets(claim.written.rounded):
                    yield 0.9, "stale_value", f"{name} was used as it was in the pass before"
                    return

    def repeated(self, claim: Claim) -> Iterator[Reason]:
        """A term of the formula that stands twice among the numbers."""
        terms = claim.line.terms if isinstance(claim.line, Sum) else ()
        for expr in self.formulas(claim)[:2]:
            if not isinstance(expr, Sum) or len(terms) != len(expr.terms) + 1:
                continue
            numbers = [t.value for t in terms if isinstance(t, Written)]
            for term in expr.terms:
                value = self.world.number(term, claim.place)
                twice = value is not None and sum(close(n, value) for n in numbers) > 1
                if twice and isinstance(term, Named):
                    yield 0.1, "bias", f"{term.name} was added twice"

    def contradicted(self, claim: Claim) -> str:
        """What is stated and not used."""
        for one in self.judgement.contradictions:
            if one.stated == claim.written:
                return (
                    f"{one.name} is stated as {one.stated.text} and used as {one.used.text} "
                    "throughout; all else is judged with that"
                )
        return f"{claim.written.text} is another quantity's value"

    def miswritten(self, claim: Claim) -> Iterator[Reason]:
        """A slip of the pen in the number itself."""
        printed = reading(claim.written.text)
        values = list(claim.full)
        line = plain(claim.line) if claim.line is not None else None
        values += [v for v in (line, claim.true) if v is not None]
        for value in dict.fromkeys(values):
            for m in misprints(value, printed):
                yield m.cost, m.slip, f"{claim.name or 'the number'}: {m.sentence}"

    def operand(self, claim: Claim) -> tuple[str, str] | None:
        """Why a number stands in the place of a name that has another value."""
        if claim.name is None:
            if claim.true is not None and close(claim.true, -claim.written.value):
                return (
                    "sign",
                    f"{-claim.written.value:g} became {claim.written.text}: the sign was lost",
                )
        elif is_rate(claim.name):
            stated = f" {claim.true:g}" if claim.true is not None else " another value"
            return (
                "learning_rate",
                f"{claim.name} is{stated}, and was put in as {claim.written.text}",
            )
        else:
            other = self.same_value(claim)
            if other is not None:
                return self.exchanged(claim, claim.name, other)
        return next(((slip, said) for _, slip, said in sorted(self.miswritten(claim))), None)

    def exchanged(self, claim: Claim, name: Name, other: Claim) -> tuple[str, str]:
        """The slip by which the number of one name came to stand for another."""
        assert other.name is not None, "only claims of names are looked up"
        said = f"{other.name} was put in where {name} belongs"
        if other.name in (name, replace(name, new=False)):
            return "stale_value", f"{name} was put in as it was before: {claim.written.text}"
        if other.name == replace(name, new=True):
            return "updated_weight", f"the new {name} was put in where the old one belongs"
        if is_parameter(name) and is_parameter(other.name):
            return "wrong_weight", said
        definition = self.world.forward(name, claim.place)
        argument = definition is not None and any(
            isinstance(leaf, Named) and leaf.name == other.name for leaf in leaves(definition.expr)
        )
        if argument and definition is not None and self.slope_of(name, claim):
            return "derivative", f"{said}: the derivative was taken at the wrong place"
        exponents = definition is not None and sum(
            isinstance(node, Call) and node.function == "exp" for node in walk(definition.expr)
        )
        if argument and exponents and exponents > 1:
            return "softmax", f"{said}, before the softmax"
        return "wrong_operand", said

    def slope_of(self, name: Name, claim: Claim) -> bool:
        """Whether a name stands in its own derivative there: a·(1 − a), 1 − a²."""
        chain = self.judgement.document.chains[claim.place]
        symbolic = [m.expr for m in chain.members if m.expr is not None and m.name is None]
        own = [
            sum(1 for leaf in leaves(e) if isinstance(leaf, Named) and leaf.name == name)
            for e in symbolic
        ]
        squared = any(
            isinstance(node, Power) and isinstance(node.base, Named) and node.base.name == name
            for e in symbolic
            for node in every(e)
        )
        return squared or max(own, default=0) > 1

    def same_value(self, claim: Claim) -> Claim | None:
        """The nearest other claim with the number printed, one of the same name before all others."""
        number = claim.written
        earlier = [
            other
            for other in reversed(self.judgement.claims)
            if other.name is not None
            and other.kind != "operand"
            and other.written.start < number.start
            and other.written.value == number.value
        ]
        earlier.sort(key=lambda other: other.name is not None and other.name.of is not None)
        own = [
            o for o in earlier if o.name in (claim.name, replace(claim.name or Name(""), new=True))
        ]
        return next(iter((*own, *earlier)), None)

    def belongs(self, claim: Claim) -> str | None:
        """The other quantity whose calculation the line is, where the result is right for that."""
        if claim.local != "ok" or claim.true is None or claim.line is None or not claim.name:
            return None
        if len(reading(claim.written.text).digits) < 2 or not claim.written.unit:
            return None
        worth = self.judgement.true_of(claim.line, claim.place)
        for name in self.judgement.world.definitions:
            if (
                name == claim.name
                or name.new != claim.name.new
                or (name.of is None) != (claim.name.of is None)
            ):
                continue
            value = self.world.value(name, claim.place)
            definition = self.world.forward(name, claim.place)
            trivial = definition is not None and isinstance(definition.expr, Named)
            if value is not None and worth is not None and close(value, worth) and not trivial:
                return str(name)
        return None

    def searched(self, claim: Claim) -> Iterator[Reason]:
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
            for candidate in candidates(ref, printed, scene) or pairs(ref, printed, scene):
                if claim.local == "ok" and candidate.slip in OF_THE_PEN:
                    continue
                shown = claim.local == "wrong" and candidate.slip in OF_OPERANDS
                solved = 2.0 if candidate.slip == "learning_rate" else 0.0
                cost = candidate.cost + (1.5 + solved if shown else 0.0)
                yield cost, self.known(candidate, ref, system), candidate.sentence
        except HandgradError:
            return

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
        return candidate.slip

    def carried(self, claim: Claim) -> Iterator[Reason]:
        """A value rounded to few digits, and filled up with zeros."""
        text = claim.written.text.lstrip("-").split("e")[0]
        digits = text.replace(".", "").lstrip("0")
        kept = digits.rstrip("0")
        values = (claim.full + ((claim.true,) if claim.true is not None else ())) or ()
        line = plain(claim.line) if claim.line is not None else None
        values += () if line is None else (line,)
        if "." not in text or not kept or len(digits) < len(kept) + 2:
            return
        for count in range(len(kept), len(digits) - 1):
            for value in values:
                if float(f"{value:.{count - 1}e}") == claim.written.value:
                    yield 0.4, "precision", f"only {count} digits were carried"
                    return

    def system(self, place: int) -> System | None:
        """The lines that hold at a place."""
        if place not in self.systems:
            names = dict.fromkeys(c.name for c in self.judgement.claims if c.name is not None)
            self.systems[place] = system_at(self.world, place, names)
        return self.systems[place]

    def scene(self, claim: Claim, system: System) -> Scene:
        """What the operands of a line may have been where a number stands."""
        names = {ref_of(n): n for n in self.judgement.of}
        choices: dict[Ref, Sequence[Choice]] = {}
        true = values(system)
        for ref, value in true.items():
            found = [Choice(value)]
            if ref in names and ref != ref_of(claim.name or Name("")):
                found += [
                    Choice(v) for v in self.judgement.named(names[ref], claim.place, fine=False)
                ]
            choices[ref] = merged(found)
        printed = {ref_of(c.name) for c in self.judgement.claims if c.name is not None}
        return Scene(system, choices, printed, lambda ref: str(ref.symbol))


def near(one: float, other: float) -> bool:
    """Whether two values agree to three digits: one may be the other, rounded."""
    return abs(one - other) <= 1e-3 * max(abs(one), abs(other))


def close(one: float, other: float) -> bool:
    """Whether two values are the same but for rounding in double precision."""
    return abs(one - other) <= 1e-9 * max(abs(one), abs(other))
