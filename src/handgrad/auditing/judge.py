"""Every printed number of a document judged twice: from its own line, and from what the document says.

A number is fine if it is the true value in its digits, or follows from fine numbers before it, each
read as it is printed or in full. What only follows from wrong numbers inherits.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from handgrad.auditing.align import Pair, align, numeric
from handgrad.auditing.bind import arguments, bind, by_formula
from handgrad.auditing.reading.document import Document
from handgrad.auditing.reading.nodes import Chain, Member, Name, Named, Written, literal
from handgrad.auditing.record import Record
from handgrad.auditing.results import Results
from handgrad.auditing.roles import is_parameter
from handgrad.auditing.statements import heads, stated, updates_told
from handgrad.auditing.verdicts import FINE, Claim, fit, fit_value, shown
from handgrad.auditing.world import World
from handgrad.auditing.worth import leaves
from handgrad.calculus.expr import Expr, Num, Product

__all__ = ["judged"]

MOST_EXCHANGED = 6  # numbers of one line that stand in another order


def judged(document: Document, world: World) -> Record:
    """All claims of a document, in reading order."""
    contradictions = bind(document.chains, world)
    record = Record(document, world, contradictions, soft=world.rounded())
    judge = _Judge(record)
    waiting: tuple[Name, Expr] | None = None
    for place, chain in enumerate(document.chains):
        names = heads(chain)
        before = waiting[1] if waiting and names and names[0] == waiting[0] else None
        judge.chain(chain, place, before)
        last = chain.members[-1]
        open_end = names and last.expr is not None and last.number is None and numeric(last.expr)
        waiting = (names[0], last.expr) if open_end and last.expr is not None else None
    return record


class _Judge:
    """One walk over the chains, in reading order; what is found is kept in a ``Record``."""

    def __init__(self, kept: Record) -> None:
        self.kept, self.world, self.results = kept, kept.world, Results(kept)

    def chain(self, chain: Chain, place: int, before: Expr | None = None) -> None:
        """Judge every number of a chain; ``before`` is an expression it goes on from."""
        names = heads(chain)
        if stated(chain) and before is None:
            count = updates_told(chain)
            if count > 1:
                self._later(chain, names, place, count)
            else:
                self._stated(chain, names, place)
            return
        line = before
        flagged: list[Claim] = []
        passed: list[Expr] = []
        for symbol, number in arguments(chain, self.world):  # L(1.5, 0.56)
            if isinstance(symbol, Named) and isinstance(number, Written):
                self.kept.stand(number, symbol)
                flagged += self._copied(symbol.name, number, place)
        for previous, member in zip((None, *chain.members), chain.members, strict=False):
            if member.expr is None:
                line = None
                continue
            known = previous.expr if previous is not None else None
            if isinstance(known, Named) and before is not None:
                known = before
            if member.number is not None and previous is not None:
                source = line if line is not None and not isinstance(line, Named) else None
                claim = self.results.result(member.number, names, source, place)
                self._after_operands(claim, flagged, passed)
                if claim.local != "unread":  # with it the constants of what it follows from
                    self.kept.checked |= {
                        leaf.start
                        for expr in passed
                        for leaf in leaves(expr)
                        if isinstance(leaf, Written) and leaf.whole
                    }
            elif numeric(member.expr):
                flagged += self._substituted(known, names, member, place)
            if not isinstance(member.expr, Named):
                line = member.expr
                passed.append(line)

    def _after_operands(
        self, claim: Claim, flagged: Sequence[Claim], passed: Sequence[Expr]
    ) -> None:
        """A number that follows from a line with a wrong operand inherits from that operand."""
        showing = claim.true is not None and fit_value(claim.written, claim.true)
        if not flagged or claim.verdict == "inherited" or showing in ("exact", "rounded"):
            return
        reached = (self.kept.reached(expr, claim.place, fine=False) for expr in passed)
        if claim.local == "ok" or any(found and fit(claim.written, found) for found in reached):
            claim.verdict, claim.roots = "inherited", [*flagged]

    def _substituted(
        self, before: Expr | None, names: Sequence[Name], member: Member, place: int
    ) -> list[Claim]:
        """A member of numbers: which symbols they stand for, and what was worked out on the way."""
        assert member.expr is not None, "read"
        pairs: list[Pair] = []
        if before is not None and not isinstance(before, Named):
            pairs = align(before, member.expr)
        if not any(isinstance(a, Named) for a, _ in pairs) and not (
            before is not None and numeric(before)
        ):
            pairs = by_formula(names, member.expr, place, self.world) or pairs
        pairs = self._reordered(self._turned_back(pairs, place), place)
        wrong: list[Claim] = []
        for symbol, number in pairs:
            if not isinstance(number, Written):
                continue
            if isinstance(symbol, Named):
                self.kept.stand(number, symbol)
                wrong += self._copied(symbol.name, number, place)
            elif isinstance(symbol, Num) or _fixed(symbol):
                self.kept.checked.add(number.start)
            elif isinstance(symbol, Written):
                self.kept.checked.add(symbol.start)
                wrong += self._again(symbol, number, place)
            else:
                wrong += self._part(symbol, number, place)
        return wrong

    def _turned_back(self, pairs: list[Pair], place: int) -> list[Pair]:
        """Two factors whose signs are exchanged, which leaves their product what it is: −0.4·1.2."""
        result = list(pairs)
        for n, ((one, first), (other, second)) in enumerate(pairwise(pairs)):
            if not (
                isinstance(one, Named)
                and isinstance(other, Named)
                and isinstance(first, Written)
                and isinstance(second, Written)
            ):
                continue
            turned = [literal(Product((Num(-1), number))) for number in (first, second)]
            if (
                turned[0] is not None
                and turned[1] is not None
                and not self._fits(one, first, place)
                and not self._fits(other, second, place)
                and self._fits(one, turned[0], place)
                and self._fits(other, turned[1], place)
            ):
                result[n : n + 2] = [(one, turned[0]), (other, turned[1])]
        return result

    def _reordered(self, pairs: list[Pair], place: int) -> list[Pair]:
        """The same numbers in another order, where that makes every one a copy."""
        odd = {
            n: (symbol, number)
            for n, (symbol, number) in enumerate(pairs)
            if isinstance(symbol, Named)
            and isinstance(number, Written)
            and not self._fits(symbol, number, place)
        }
        if not 2 <= len(odd) <= MOST_EXCHANGED:
            return pairs
        result, free = list(pairs), [number for _, number in odd.values()]
        for n, (symbol, _) in odd.items():
            fitting = next((number for number in free if self._fits(symbol, number, place)), None)
            if fitting is None:
                return pairs
            free.remove(fitting)
            result[n] = (symbol, fitting)
        return result

    def _fits(self, symbol: Named, number: Written, place: int) -> bool:
        found = self.kept.named(symbol.name, place, fine=False)
        return not found or any(shown(v, number) for v in found)

    def _again(self, before: Written, number: Written, place: int) -> list[Claim]:
        """A number written once more: the same, or with more or fewer digits."""
        self.kept.checked.add(number.start)
        known, turned = self.kept.stood(before)
        if known is not None:
            self.kept.stands[number.start] = (known, turned * number.value)
        values = self.kept.choices(before, place, fine=False)
        if any(shown(v, number) for v in values):
            return []
        true = self.kept.truths(before, place)[0]
        claim = Claim("operand", None, number, place, before, "wrong", "wrong", true)
        return [self.kept.add(claim)]

    def _copied(self, name: Name, number: Written, place: int) -> list[Claim]:
        """A number in the place of a name: fine if it is a copy of any value that name has here."""
        self.kept.checked.add(number.start)
        values = self.kept.named(name, place, fine=False)
        copied = not values or any(self.kept.copies(v, number) for v in values)
        if copied and not self._stale(name, number, place):
            return []
        claim = Claim(
            "operand", name, number, place, None, "wrong", "wrong", self.world.value(name, place)
        )
        return [self.kept.add(claim)]

    def _stale(self, name: Name, number: Written, place: int) -> bool:
        """Whether it is the old value of a name, to the letter, where the new one was printed finer.

        It may be the new value with fewer digits by chance; not if the result is not the true one.
        """
        restarted = self.world.restarted(name, place) is not None
        new, old = name.as_new, self.world.given(name.as_old, place)
        if not (name.new or restarted) or old is None or old.written.text != number.text:
            return False
        finer = [c for c in self.kept.of.get(new, ()) if c.written.unit < number.unit]
        if not any(c.verdict in FINE and c.written.value != number.value for c in finer):
            return False
        chain = self.kept.document.chains[place]
        head, result = next(iter(heads(chain)), None), chain.members[-1].number
        true = self.world.value(head, place) if head is not None else None
        return result is not None and true is not None and fit_value(result, true) is None

    def _part(self, expr: Expr, number: Written, place: int) -> list[Claim]:
        """A partial result within a line."""
        claim = Claim("part", None, number, place, expr)
        self.results.local(claim)
        claim.true = self.kept.true_of(expr, place)
        self.results.overall(claim, ())
        if claim.verdict == "unjudged" and claim.local == "unread":
            return []
        self.kept.add(claim)
        return [claim] if claim.verdict == "wrong" else []

    def _worked_out(self, names: Sequence[Name], count: int) -> Claim | None:
        """The last value of a name where the document itself has worked out that many updates."""
        if any(self.world.follows(name) for name in names):
            return None
        own = [
            claim
            for name in (*names, *(name.as_new for name in names))
            for claim in self.kept.of.get(name, ())
            if claim.kind == "result" and claim.line is not None
        ]
        return own[-1] if len(own) == count else None

    def _follows(self, names: Sequence[Name], count: int) -> bool:
        """Whether a value follows from parameters whose updates the document has worked out, so many."""
        trained = [name for name in self.world.updated if not self.world.follows(name)]
        return (
            bool(names and trained)
            and self.world.follows(names[0])
            and all(self._worked_out([name], count) is not None for name in trained)
        )

    def _later(self, chain: Chain, names: Sequence[Name], place: int, count: int) -> None:
        """A value after several updates, which are worked out above; else it waits for the whole run."""
        last, follows = self._worked_out(names, count), self._follows(names, count)
        for number in [m.number for m in chain.members if m.number is not None and names]:
            if last is not None:
                self.results.repeated(number, last, place)
            elif follows:
                self.results.result(number, [names[0].as_new], None, place)
            else:
                parameter = is_parameter(names[0]) or names[0] in self.world.updated
                name = names[0].as_new if parameter else names[0]
                step = count if name.new else count + 1
                self.kept.add(Claim("later", name, number, place, step=step))

    def _stated(self, chain: Chain, names: Sequence[Name], place: int) -> None:
        """A name and its value, without a calculation."""
        for member in chain.members:
            number = member.number
            if number is None:
                continue
            renewed = [n.as_new if self.world.renewed(n, place) else n for n in names]
            claim = Claim("stated", renewed[0] if renewed else None, number, place)
            if any(c.stated == number for c in self.kept.contradictions):
                used = next(c.used for c in self.kept.contradictions if c.stated == number)
                claim.verdict, claim.true = "mislabelled", used.value
                self.kept.add(claim)
                continue
            own = self.world.given(renewed[0], place) if renewed else None
            new = bool(renewed) and not self.kept.of.get(renewed[0])
            if (
                new
                and own is not None
                and own.place == place
                and not self._defined(renewed[0], place)
            ):
                claim.verdict, claim.true = "given", own.value
                self.kept.add(claim)
            else:
                self.results.result(number, renewed, None, place)

    def _defined(self, name: Name, place: int) -> bool:
        """Whether an equation or the chain rule gives a name its value."""
        if name.of is not None:
            return self.world.value(name, place) is not None
        if name.new and self.world.afterwards(name, place) is not None:
            return True
        if name.new and name not in self.world.definitions:
            formula = self.world.descent(name, place) if self.world.descends(place) else None
            return formula is not None and self.world.number(formula, place) is not None
        return any(
            self.world.number(d.expr, d.place) is not None for d in self.world.holding(name, place)
        )


def _fixed(expr: Expr) -> bool:
    """Whether an expression is a constant of the formula, such as 1/2."""
    found = [*leaves(expr)]
    return all(isinstance(leaf, Written) and leaf.whole for leaf in found)
