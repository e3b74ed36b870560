"""One number judged twice: against its own line, and against what the document says of its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handgrad.auditing.align import numeric
from handgrad.auditing.bind import RENEWED
from handgrad.auditing.origins import origin
from handgrad.auditing.reading.nodes import Interval, Name, Named, Written
from handgrad.auditing.record import Record
from handgrad.auditing.roles import is_parameter
from handgrad.auditing.verdicts import FINE, WRONG, Claim, fit, fit_value, shown
from handgrad.auditing.worth import close, leaves, plain, reach
from handgrad.calculus.expr import Expr

__all__ = ["Results"]


class Results:
    """The judgements of what is worked out, kept in a ``Record``."""

    def __init__(self, kept: Record) -> None:
        self.kept, self.world = kept, kept.world

    def result(
        self, written: Written, names: Sequence[Name], line: Expr | None, place: int
    ) -> Claim:
        """The number at the end of a link, under the names before it."""
        claim = Claim("result", names[0] if names else None, written, place, line)
        self.local(claim)
        told = [n for n in names if not self.world.only_computed(n, place)]
        claim.true = next((v for n in told if (v := self.world.value(n, place)) is not None), None)
        if claim.true is None and line is not None and not numeric(line):
            claim.true = self.world.number(line, place)
        self.overall(claim, names)
        if claim.true is None and claim.verdict in WRONG:
            claim.true = self._begun(place)
        for name in names[1:]:
            self.kept.of.setdefault(name, []).append(claim)
        return self.kept.add(claim)

    def repeated(self, written: Written, last: Claim, place: int) -> None:
        """A number that is said once more where its name was worked out last."""
        claim = Claim("stated", last.name, written, place)
        claim.true = last.written.value if last.true is None else last.true
        if not any(shown(v, written) for v in (last.written.value, *last.full)):
            claim.verdict = "wrong"
        elif last.verdict == "inherited" or not last.wrong:
            claim.verdict, claim.roots = last.verdict, [*last.roots]
        else:
            claim.verdict, claim.roots = "inherited", [last]
        self.kept.add(claim)

    def _begun(self, place: int) -> float | None:
        """What the calculation of a chain begins with: all there is to tell without a formula."""
        members = self.kept.document.chains[place].members
        lines = (m.expr for m in members if m.expr is not None and m.number is None)
        return next((v for e in lines if numeric(e) and (v := plain(e)) is not None), None)

    def local(self, claim: Claim) -> None:
        """Judge whether it follows from its own line; keep what its author had before rounding."""
        if claim.line is None:
            return
        found = self.kept.reached(claim.line, claim.place, fine=False)
        if found is None:
            return
        self.kept.checked |= {
            leaf.start for leaf in leaves(claim.line) if isinstance(leaf, Written)
        }
        fits = fit(claim.written, found)
        claim.local = "ok" if fits else "wrong"
        if fits:
            claim.full = tuple(dict.fromkeys((found.printed, found.full)))

    def overall(self, claim: Claim, names: Sequence[Name]) -> None:
        """Judge whether it is the true value, or follows from right or from wrong numbers."""
        written, place = claim.written, claim.place
        if claim.true is not None:
            claim.verdict = fit_value(written, claim.true) or ""
            if claim.verdict:
                return
        again = self._repeated(claim, names)
        if again is not None:
            claim.verdict, claim.roots, claim.full = again.verdict, [*again.roots], again.full
            return
        lines = [*self._formulas(names, place, claim.true)]
        if claim.line is not None and claim.line not in lines:
            lines.append(claim.line)
        if claim.line is None and self._told_finer(claim, names):
            lines = []  # a copy, which rounding does not change
        claim.formula = next(iter(lines), None)
        for expr in lines:
            if expr is claim.line and not self._serves(claim):
                continue
            found = self.kept.reached(expr, place, fine=True)
            verdict = fit(written, found) if found else None
            if verdict:
                claim.verdict = "rounded" if verdict == "exact" else verdict
                if claim.true is None and plain(expr) == written.value:
                    claim.verdict = "exact"
                return
        if claim.true is None and claim.line is None:
            claim.verdict = "given"
            return
        if not lines and claim.name is not None and claim.name.of is not None:
            lines += filter(None, [origin(self.world, claim.name, place)])
        for expr in (way for line in lines for way in self.kept.ways(line, place)):
            roots = self.kept.roots(expr, claim)
            found = self.kept.reached(expr, place, fine=False) if roots else None
            if found and fit(written, found):
                claim.verdict, claim.roots = "inherited", roots
                return
        unknown = claim.true is None and claim.local == "unread"
        claim.verdict = "unjudged" if unknown else "wrong"
        if self._unseen(claim):
            claim.verdict, claim.true, claim.local = "unjudged", None, "unread"

    def _unseen(self, claim: Claim) -> bool:
        """Whether it is said to be of a pass with new values, and those are not all printed."""
        if claim.name is None or claim.name.new or claim.name.of is not None:
            return False
        put_in = claim.line is not None and any(isinstance(x, Written) for x in leaves(claim.line))
        remark = self.kept.document.chains[claim.place].remark
        if (put_in and claim.local == "wrong") or not RENEWED.search(remark):
            return False
        known = {*self.world.definitions, *self.world.givens}
        trained = (name for name in self.world.givens if is_parameter(name) and not name.new)
        return any(name.as_new not in known for name in trained)

    def _repeated(self, claim: Claim, names: Sequence[Name]) -> Claim | None:
        """The claim that this one only repeats, in a summary or a table."""
        if claim.line is not None:
            return None
        earlier = (
            c for name in names for c in self.kept.of.get(name, ()) if c.verdict != "unjudged"
        )
        same = (c for c in earlier if c.written.text == claim.written.text)
        found = next(
            (c for c in same if c.true is None or claim.true is None or close(c.true, claim.true)),
            None,
        )
        if found is not None and found.verdict in ("wrong", "mislabelled"):
            claim.verdict, claim.roots = "inherited", [found]
            return claim
        return found

    def _told_finer(self, claim: Claim, names: Sequence[Name]) -> bool:
        """Whether the same number was printed rightly before, with as many digits or more."""
        return any(
            earlier.verdict in FINE
            and earlier.written.unit <= claim.written.unit
            and not earlier.written.whole
            and claim.true is not None
            and earlier.true is not None
            and close(earlier.true, claim.true)
            and not any(shown(v, claim.written) for v in (earlier.written.value, *earlier.full))
            for name in names
            for earlier in self.kept.of.get(name, ())
        )

    def _formulas(self, names: Sequence[Name], place: int, true: float | None) -> Iterator[Expr]:
        """The equations of the names that hold at a place and are worth the true value."""
        for name in names:
            for definition in self.world.holding(name, place)[:2]:
                value = self.world.number(definition.expr, place)
                if value is not None and (true is None or close(value, true)):
                    yield definition.expr
            if name.new and name not in self.world.definitions:
                formula = self.world.descent(name, place)
                if formula is not None and (true is not None or self.world.descends(place)):
                    yield formula

    def _serves(self, claim: Claim) -> bool:
        """Whether the line printed is a right way to the value: worth it with true operands."""
        assert claim.line is not None, "asked of lines only"
        if claim.true is None:
            return True

        def truth(leaf: Written | Named) -> tuple[float, ...]:
            if isinstance(leaf, Named):
                value = self.world.value(leaf.name, claim.place)
                return () if value is None else (value,)
            return self.kept.truths(leaf, claim.place)

        found = reach(self.world.applied(claim.line), truth)
        slack = abs(claim.true) * 1e-7
        return found is not None and found.meets(Interval(claim.true - slack, claim.true + slack))
