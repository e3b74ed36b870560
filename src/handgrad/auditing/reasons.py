"""Which slip made each wrong number, and which later numbers it explains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from handgrad.auditing import symptoms
from handgrad.auditing.align import numeric
from handgrad.auditing.catalogued import Catalogued
from handgrad.auditing.formulas import announced_squares, other_name, repair, wrong_formula
from handgrad.auditing.printed import reading
from handgrad.auditing.reading.nodes import Name, Named, Written, every
from handgrad.auditing.record import Record
from handgrad.auditing.roles import is_parameter, is_rate
from handgrad.auditing.spoilt import judge_later, later_claims
from handgrad.auditing.symptoms import Reason
from handgrad.auditing.verdicts import WRONG, Blame, Claim, shown
from handgrad.auditing.worth import close, leaves, plain
from handgrad.calculus.expr import Call, Expr, Power, walk

__all__ = ["blamed"]

LEAST = 4.5  # the cost beyond which a slip is less likely than plain bad arithmetic
MOST_CAUSES = 6  # of one number that another may share
MOST_SEARCHED = 40  # wrong numbers whose cause is looked for
MOST_LINES = 4_000  # of equations that are gone through for all of them together


def blamed(record: Record) -> list[Blame]:
    """The causes of all wrong numbers, in reading order."""
    finder = _Finder(record)
    roots = [c for c in record.claims if c.wrong and c.verdict != "inherited"]
    found = symptoms.few_digits(record, roots)
    told = {id(c) for blame in found for c in blame.explains}
    roots = [c for c in roots if id(c) not in told]
    most = min(MOST_SEARCHED, max(1, MOST_LINES // max(1, len(record.world.definitions))))
    causes = {claim: finder.causes(claim) for claim in roots[:most]}
    shared = Counter(
        cause
        for found in causes.values()
        for cause in dict.fromkeys(found)
        if cause[0] != "arithmetic"  # it says no more than that nothing else is known
    )
    for claim, likely in causes.items():
        slip = max(
            likely, key=lambda cause: max(1, shared[cause]), default=None
        )  # the first of the most
        if slip is not None:
            followers = [c for c in record.claims if claim in c.roots]
            found.append(Blame(*slip, claim, [claim, *followers]))
    return _merged([*found, *finder.later()])


def _merged(found: Sequence[Blame]) -> list[Blame]:
    """The same slip in the same words once, with all it explains."""
    first: dict[tuple[str, str], Blame] = {}
    for blame in found:
        known = first.setdefault((blame.slip, blame.sentence), blame)
        if known is not blame:
            known.explains += [c for c in blame.explains if c not in known.explains]
    return [*first.values()]


class _Finder:
    def __init__(self, record: Record) -> None:
        self.record = record
        self.world = record.world
        self.catalogued = Catalogued(record)

    def later(self) -> list[Blame]:
        """The causes of numbers printed after many updates, by the lines of the first."""
        claims = later_claims(self.record)
        system = (
            self.catalogued.system(min(claims[0].place, self.world.first_update))
            if claims
            else None
        )
        return judge_later(self.record, system) if system is not None else []

    def causes(self, claim: Claim) -> list[tuple[str, str]]:
        """Slips and sentences that may explain one wrong number, the likeliest first."""
        told = self.told(claim)
        if told is not None or claim.kind in ("operand", "formula"):
            return [told] if told is not None else []
        return [*islice(self.tried(claim), MOST_CAUSES)]

    def told(self, claim: Claim) -> tuple[str, str] | None:
        """Slip and sentence where the line itself tells which it was."""
        if claim.verdict == "mislabelled":
            return "mislabelled", self.contradicted(claim)
        if claim.kind == "operand":
            return self.operand(claim)
        if claim.kind == "formula":
            return self.of_formula(claim)
        if claim.kind == "part" and isinstance(claim.line, Call) and claim.line.function == "exp":
            inner = self.record.reached(claim.line.arguments[0], claim.place, fine=False)
            if inner is not None and inner.meets(claim.written.rounded):
                return (
                    "softmax",
                    f"the exponent {claim.written.text} was put in for its exponential",
                )
        if claim.kind == "part" and (said := symptoms.misplaced(self.record, claim)):
            return "derivative", said
        twin = self.twin(claim)
        if twin is not None:
            claim.verdict = "mislabelled"
            first, second = sorted((str(claim.name), str(twin.name)))
            return "mislabelled", f"{first} and {second} stand under each other's name"
        formula = wrong_formula(self.record, claim)
        said = self.repaired(formula, claim) if formula is not None else None
        if said is not None:
            return said
        turned = claim.true is not None and shown(-claim.true, claim.written)
        others = None if turned else self.belongs(claim)
        if others is not None and (
            self.told_rightly(claim) or not [*self.catalogued.reasons(claim)]
        ):
            claim.verdict = "mislabelled"
            return "mislabelled", f"{claim.written.text} is {others}, not {claim.name}"
        return None

    def of_formula(self, claim: Claim) -> tuple[str, str] | None:
        """What is wrong with a printed formula."""
        assert claim.line is not None, "a formula is the line of its claim"
        other = other_name(self.record, claim)
        if other is not None:
            claim.verdict = "mislabelled"
            return "mislabelled", f"the formula is that of {other}, not of {claim.name}"
        if announced_squares(self.record, claim):
            return "factor", "a squared error is announced, and no difference is squared"
        return self.repaired(claim.line, claim)

    def twin(self, claim: Claim) -> Claim | None:
        """The claim of another name that has this one's true value, where this one has its."""
        if claim.local == "wrong":
            return None
        for other in self.record.claims:
            if (
                other is not claim
                and other.local != "wrong"
                and other.name is not None
                and other.name != claim.name
                and other.kind == claim.kind == "result"
                and other.verdict in WRONG
                and other.true is not None
                and claim.true is not None
                and not close(other.true, claim.true)
                and shown(claim.true, other.written)
                and shown(other.true, claim.written)
            ):
                return other
        return None

    def repaired(self, formula: Expr, claim: Claim) -> tuple[str, str] | None:
        """What is wrong with the formula a number follows from."""
        found = repair(self.record, formula, claim)
        match found:
            case "operand", Name() as name, Name() as other:
                if self.of_one_unit(name, other, claim) and self.slope_of(name, claim):
                    said = f"{name} was put in where {other} belongs"
                    return "derivative", f"{said}: the derivative was taken at the wrong place"
                return self.exchanged(claim, other, name)
            case "sign", _, _:
                return "sign", f"the formula of {claim.name} has a wrong sign"
            case "twice", _, _:
                return "derivative", f"a factor stands twice in the formula of {claim.name}"
            case "factor", _, _:
                return "factor", f"the formula of {claim.name} is off by a factor of two"
            case "square", _, _:
                return "factor", f"a square is missing in the formula of {claim.name}"
            case _:
                return None

    def told_rightly(self, claim: Claim) -> bool:
        """Whether the first formula of its chain is the right one for its name."""
        chain = self.record.document.chains[claim.place]
        for member in chain.members:
            if member.expr is not None and member.name is None and not numeric(member.expr):
                value = self.world.number(member.expr, claim.place)
                return value is not None and claim.true is not None and close(value, claim.true)
        return True

    def tried(self, claim: Claim) -> Iterator[tuple[str, str]]:
        """The explanations of a result, the likeliest first."""
        found = [*symptoms.repeated(self.record, claim), *self.catalogued.reasons(claim)]
        if claim.local != "ok":
            found += [
                *symptoms.carried(claim),
                *symptoms.stale(self.record, claim),
                *symptoms.miswritten(claim),
            ]
        found += self.at_last(claim)
        for _, slip, sentence in sorted(found, key=lambda one: one[0]):
            yield slip, sentence

    def at_last(self, claim: Claim) -> Iterator[Reason]:
        """That a result is wrong, where nothing likelier tells why."""
        if claim.local == "wrong" and claim.line is not None:
            value = plain(claim.line)
            worth = f", which is {value:.7g}" if value is not None else ""
            yield LEAST, "arithmetic", f"the result is not that of the operation printed{worth}"
        elif claim.local == "unread" and claim.true is not None:
            said = f"it is not what its formula gives, which is {claim.true:.7g}"
            yield LEAST, "arithmetic", said

    def contradicted(self, claim: Claim) -> str:
        """What is stated and not used."""
        for one in self.record.contradictions:
            if one.stated == claim.written:
                return (
                    f"{one.name} is stated as {one.stated.text} and used as {one.used.text} "
                    "throughout; all else is judged with that"
                )
        return f"{claim.written.text} is another quantity's value"

    def operand(self, claim: Claim) -> tuple[str, str] | None:
        """Why a number stands in the place of a name that has another value."""
        if claim.name is None:
            before = claim.line
            if isinstance(before, Written) and before.value == -claim.written.value:
                return "sign", f"{before.text} became {claim.written.text}: the sign was lost"
        elif is_rate(claim.name):
            stated = f" {claim.true:g}" if claim.true is not None else " another value"
            return (
                "learning_rate",
                f"{claim.name} is{stated}, and was put in as {claim.written.text}",
            )
        else:
            if any(
                c.written.value == -claim.written.value for c in self.record.of.get(claim.name, ())
            ):
                return "sign", f"{claim.name}: the sign was lost in writing the number down"
            other = self.same_value(claim)
            if other is not None:
                return self.exchanged(claim, claim.name, other.name or claim.name)
        return next(
            ((slip, said) for _, slip, said in sorted(symptoms.miswritten(claim))),
            None,
        )

    def exchanged(self, claim: Claim, name: Name, other: Name) -> tuple[str, str]:
        """The slip by which one name, or its number, came to stand for another."""
        said = f"{other} was put in where {name} belongs"
        if other in (name, name.as_old):
            return "stale_value", f"{name} was put in as it was before: {claim.written.text}"
        if other == name.as_new:
            return "updated_weight", f"the new {name} was put in where the old one belongs"
        if is_parameter(name) and is_parameter(other):
            return "wrong_weight", said
        definition = self.world.forward(name, claim.place)
        argument = definition is not None and any(
            isinstance(leaf, Named) and leaf.name == other for leaf in leaves(definition.expr)
        )
        if argument and definition is not None and self.slope_of(name, claim):
            return "derivative", f"{said}: the derivative was taken at the wrong place"
        exponents = definition is not None and sum(
            isinstance(node, Call) and node.function == "exp" for node in walk(definition.expr)
        )
        if argument and exponents and exponents > 1:
            return "softmax", f"{said}, before the softmax"
        return "wrong_operand", said

    def of_one_unit(self, name: Name, other: Name, claim: Claim) -> bool:
        """Whether one is the function of the other: an activation and its weighted sum."""
        for user, used in ((name, other), (other, name)):
            found = self.world.forward(user, claim.place)
            if found is not None and used in {
                leaf.name for leaf in leaves(found.expr) if isinstance(leaf, Named)
            }:
                return True
        return False

    def slope_of(self, name: Name, claim: Claim) -> bool:
        """Whether a name stands in its own derivative there: a·(1 − a), 1 − a²."""
        chain = self.record.document.chains[claim.place]
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
        """The nearest other claim with the number printed; names like its own before all others."""
        number, base = claim.written, claim.name.base if claim.name else ""
        earlier = [
            other
            for other in reversed(self.record.claims)
            if other.name is not None
            and other.kind != "operand"
            and other.written.start < number.start
            and other.written.value == number.value
        ]
        earlier.sort(
            key=lambda o: o.name is not None and (o.name.of is not None, o.name.base != base)
        )
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
        worth = self.record.true_of(claim.line, claim.place)
        for name in self.record.world.definitions:
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
