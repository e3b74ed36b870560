"""Runs of many updates under many hypotheses at once: one column each, every line for all columns.

Lines are worked out level by level. What a hypothesis changes is put right afterwards, for all
hypotheses and lines of a level together, as sums of products gathered from the columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad.auditing.columns import Operation, Workspace, operations
from handgrad.auditing.slips.changes import Change
from handgrad.auditing.system import System, booked
from handgrad.calculus.expr import (
    Call,
    Expr,
    Num,
    Power,
    Product,
    Ref,
    Sum,
    Symbol,
    Value,
    refs,
    transform,
    walk,
)
from handgrad.errors import DerivationError

__all__ = ["Recorded", "recorded"]

Array = Any
Term = tuple[float, tuple[Ref | Call, ...]]
MOST_TERMS = 12  # of a right side that is gathered; a longer one is worked out by itself
MOST_FACTORS = 6
FEW_FACTORS = 2  # of every term; of many sums those with more are gathered apart
MANY_SUMS = 500
LAST = math.inf  # depth of what needs all others
FEW_LINES = 4  # of one form that are worked out one by one if an operand serves them all,
WIDE = 64  # in that many columns or more: a row that is stretched over others takes longer than two
WIDTH = 4096  # columns at once; more of them leave the cache of the processor
Recorded = Mapping[int, Mapping[Ref, Array]]  # step -> number -> its value in every column


def recorded(
    system: System, changes: Sequence[Change], steps: Sequence[int], wanted: Sequence[Ref]
) -> dict[int, dict[Ref, Array]]:
    """The wanted numbers at some steps, a column for each change made from the first update on.

    A number that a change makes depend on itself is nan; so is what has no value.
    """
    found: dict[int, dict[Ref, Array]] = {
        step: {ref: np.full(len(changes), np.nan) for ref in wanted} for step in steps
    }
    levels = _levels(system)
    level = {name: n for n, names in enumerate(levels) for name in names}
    lines = [_in_order(change, system, level) for change in changes]
    columns = [n for n, own in enumerate(lines) if own is not None]
    for start in range(0, len(columns), WIDTH):
        own = columns[start : start + WIDTH]
        changed = [_Changed(lines[n] or {}, changes[n].givens) for n in own]
        program = _Program(system, levels, changed, wanted)
        for step, values in program.run(steps):
            for ref in wanted:
                found[step][ref][own] = values[program.row[ref]]
    return found


@dataclass(frozen=True)
class _Changed:
    """Right sides and given numbers of one column that are not those of the others."""

    lines: Mapping[Ref, Expr]
    givens: Mapping[Ref, float]


def _levels(system: System) -> list[list[Ref]]:
    """The lines so that each level uses only those before it; what nothing uses comes last.

    Lines of one form wait for each other where nothing waits for them: they are worked out together.
    """
    levels = _earliest(system)
    at = {name: n for n, names in enumerate(levels) for name in names}
    forms: dict[Expr, list[Ref]] = {}
    for name in reversed(at):
        form = _form(system.plain[name], system.uses[name])
        forms.setdefault(form, []).append(name)
    for names in forms.values():
        last = max(at[name] for name in names)
        for name in names:
            if all(at[user] > last for user in system.users.get(name, ()) if user in at):
                at[name] = last
    return [[name for name in at if at[name] == n] for n in range(len(levels))]


def _earliest(system: System) -> list[list[Ref]]:
    """Each line as soon as what it uses is known."""
    known, levels = set(system.givens), list[list[Ref]]()
    waiting = [name for name in system.line if name in system.users]
    while waiting:
        level = [name for name in waiting if known.issuperset(system.uses[name])]
        if not level:
            raise DerivationError(f"{waiting[0].symbol} is computed from itself.")
        levels.append(level)
        known.update(level)
        waiting = [name for name in waiting if name not in known]
    return [*levels, [name for name in system.line if name not in system.users]]


def _in_order(change: Change, system: System, level: Mapping[Ref, int]) -> dict[Ref, Expr] | None:
    """The changed right sides from what is known where they stand; None where there is a circle.

    What is worked out only later stands there as it is worked out.
    """
    lines = {name: booked(rhs) for name, rhs in change.lines.items()}

    def known(rhs: Expr, at: int, within: frozenset[Ref]) -> Expr:
        def inner(node: Expr) -> Expr:
            if not isinstance(node, Ref) or level.get(node, -1) < at:
                return node
            if node in within:
                raise DerivationError(f"{node.symbol} is computed from itself.")
            return known(lines.get(node, system.plain[node]), at, within | {node})

        return transform(rhs, inner)

    try:
        return {
            name: booked(known(rhs, level[name], frozenset({name}))) for name, rhs in lines.items()
        }
    except DerivationError:
        return None


@dataclass(frozen=True)
class _Sum:
    """A function (or none) of a sum of products of numbers in memory, and where it is put."""

    function: str
    terms: Sequence[tuple[float, Sequence[int]]]
    target: int
    depth: float  # functions it needs stand at a lesser one


class _Program:
    """The operations of one update over columns, and the memory they work in."""

    def __init__(
        self,
        system: System,
        levels: Sequence[Sequence[Ref]],
        changes: Sequence[_Changed],
        wanted: Sequence[Ref],
    ) -> None:
        self.system, self.changes = system, changes
        news = [new for new in system.carried.values() if new in system.line]
        self.row = _rows(system, levels, news)
        self.carried = len(news)
        self.width = len(changes)
        rows = len(self.row) + 1  # the last one stays 1
        calls = sum(_calls(rhs) for change in changes for rhs in change.lines.values())
        self.flat = np.ones(rows * self.width + calls)
        self.memory = self.flat[: rows * self.width].reshape(rows, self.width)
        self.slots: dict[tuple[Call, int], int] = {}  # where a function within a line stands
        self.work: dict[int, Workspace] = {}
        for given, value in system.givens.items():
            self.memory[self.row[given]] = value
            for n, change in enumerate(changes):
                if given in change.givens:
                    self.memory[self.row[given], n] = change.givens[given]
        self.whole = [*self._operations(levels, self._needed([*news, *wanted]))]
        self.short = [*self._operations(levels, self._needed(news))]

    def run(self, steps: Sequence[int]) -> Iterator[tuple[int, Array]]:
        """The memory at each of the steps asked for."""
        last, asked = max(steps, default=0), set(steps)
        old, new = self.memory[: self.carried], self.memory[-1 - self.carried : -1]
        with np.errstate(all="ignore"):
            for step in range(1, last + 1):
                if self.system.counter is not None:
                    self.memory[self.row[self.system.counter]] = step
                for function, arguments in self.whole if step in asked else self.short:
                    function(*arguments)
                if step in asked:
                    yield step, self.memory
                old[:] = new

    def _uses(self) -> dict[Ref, set[Ref]]:
        uses = {name: set(used) for name, used in self.system.uses.items()}
        for change in self.changes:
            for name, rhs in change.lines.items():
                uses[name].update(refs(rhs))
        return uses

    def _needed(self, news: Sequence[Ref]) -> set[Ref]:
        """The lines that the next update is computed from, under any of the changes."""
        uses, found, waiting = self._uses(), set(news), list(news)
        while waiting:
            for ref in uses.get(waiting.pop(), ()):
                if ref not in found:
                    found.add(ref)
                    waiting.append(ref)
        return found

    def _operations(self, levels: Sequence[Sequence[Ref]], wanted: set[Ref]) -> Iterator[Operation]:
        for level in levels:
            own = [name for name in level if name in wanted]
            for block in _blocks(own, self.system, self.row):
                few = len(block) <= FEW_LINES and self.width >= WIDE
                for part in [[line] for line in block] if few and _stretched(block) else [block]:
                    yield from self._block(part)
            yield from self._put_right(own)

    def _block(self, block: Sequence[tuple[Ref, ...]]) -> Iterator[Operation]:
        """Lines of one form, by their names and operands, worked out together."""
        views = [
            _view(self.memory, [self.row[ref] for ref in refs_])
            for refs_ in zip(*block, strict=True)
        ]
        name, *used = block[0]
        work = self.work.setdefault(len(block), Workspace((len(block), self.width)))
        operands = dict(zip(used, views[1:], strict=True))
        yield from operations(self.system.plain[name], operands, views[0], work)

    def _put_right(self, names: Sequence[Ref]) -> Iterator[Operation]:
        """The changed lines of a level, each in its own columns."""
        sums: list[_Sum] = []
        forms: dict[Expr, list[tuple[Ref, int, Expr]]] = {}
        for n, change in enumerate(self.changes):
            for name in change.lines.keys() & set(names):
                rhs = change.lines[name]
                if _terms(_outer(rhs)[1]) is None:
                    form = _form(rhs, tuple(dict.fromkeys(refs(rhs))))
                    forms.setdefault(form, []).append((name, n, rhs))
                else:
                    sums += self._sums(rhs, self._place(name, n), n)
        for found in forms.values():
            yield from self._alike(found)
        for group in _groups(sums):
            yield from self._gathered(group)

    def _sums(self, rhs: Expr, target: int, column: int, within: bool = False) -> list[_Sum]:
        """A changed line as a sum of products, after the functions that stand within it."""
        function, inner = _outer(rhs)
        found: list[_Sum] = []
        terms: list[tuple[float, list[int]]] = []
        for factor, own in _terms(inner) or [(0.0, ())]:
            places: list[int] = []
            for part in own:
                if isinstance(part, Ref):
                    places.append(self._place(part, column))
                    continue
                free = self.memory.size + len(self.slots)
                places.append(self.slots.setdefault((part, column), free))
                found += self._sums(part, places[-1], column, within=True)
            terms.append((factor, places))
        depth = 1 + max((sum_.depth for sum_ in found), default=0)
        return [*found, _Sum(function, terms, target, depth if within else LAST)]

    def _alike(self, found: Sequence[tuple[Ref, int, Expr]]) -> Iterator[Operation]:
        """Changed lines of one form: their operands gathered, worked out together, put in place."""
        used = [tuple(dict.fromkeys(refs(rhs))) for _, _, rhs in found]
        places = [
            [self._place(ref, n) for ref in own] for (_, n, _), own in zip(found, used, strict=True)
        ]
        sources = np.array(places, dtype=np.intp).T.reshape(len(used[0]), len(found))
        targets = np.array([self._place(name, n) for name, n, _ in found], dtype=np.intp)
        taken, out = np.empty(sources.shape), np.empty(len(found))
        yield np.take, (self.flat, sources, None, taken, "clip")
        operands = dict(zip(used[0], taken, strict=True))
        yield from operations(found[0][2], operands, out, Workspace(out.shape))
        yield np.put, (self.flat, targets, out)

    def _place(self, ref: Ref, column: int) -> int:
        return self.row[ref] * self.width + column

    def _gathered(self, found: Sequence[_Sum]) -> Iterator[Operation]:
        """Sums of products: the factors gathered, multiplied, added, put in place.

        The first terms of all sums stand together, then the second ones of those that have them.
        """
        found = sorted(found, key=lambda sum_: -len(sum_.terms))
        ranks = [
            [sum_.terms[n] for sum_ in found if n < len(sum_.terms)]
            for n in range(len(found[0].terms))
        ]
        terms = [term for rank in ranks for term in rank]
        deepest = max(len(own) for _, own in terms) or 1
        sources = np.full((deepest, len(terms)), self.memory.size - 1, dtype=np.intp)  # a one
        for t, (_, own) in enumerate(terms):
            sources[: len(own), t] = own
        factors = np.array([factor for factor, _ in terms])
        taken = np.empty(sources.shape)
        products, values = taken[0], taken[0][: len(found)]
        yield self.flat.take, (sources, None, taken, "clip")
        for more in (factors, *taken[1:]):
            yield np.multiply, (products, more, products)
        first = len(found)
        for rank in ranks[1:]:
            sums = values[: len(rank)]
            yield np.add, (sums, products[first : first + len(rank)], sums)
            first += len(rank)
        if found[0].function:
            argument, out = Ref(Symbol("z")), np.empty(len(found))
            call = Call(found[0].function, (argument,))
            yield from operations(call, {argument: values}, out, Workspace(out.shape))
            values = out
        targets = np.array([sum_.target for sum_ in found], dtype=np.intp)
        yield self.flat.__setitem__, (targets, values)


def _rows(system: System, levels: Sequence[Sequence[Ref]], news: Sequence[Ref]) -> dict[Ref, int]:
    """Where each number stands: what an update carries on first, its new values last.

    Lines follow each other as their operands do, so that those of one form make one block.
    """
    carried = [old for old, new in system.carried.items() if new in system.line]
    steps = dict.fromkeys(
        ref for new in news for ref in system.uses[new] if ref in system.line and ref not in news
    )
    ends = {*carried, *steps, *news}
    row: dict[Ref, int] = {}
    for ref in (*carried, *(given for given in system.givens if given not in ends)):
        row[ref] = len(row)
    for level in levels:
        own = [name for name in level if name not in ends]
        for name in sorted(own, key=lambda name: [row.get(ref, 0) for ref in system.uses[name]]):
            row[name] = len(row)
    return row | {ref: len(row) + n for n, ref in enumerate((*steps, *news))}


def _groups(sums: Sequence[_Sum]) -> Iterator[list[_Sum]]:
    """Sums that are worked out together, those within others first."""
    groups: dict[tuple[float, str, bool], dict[int, _Sum]] = {}
    apart = len(sums) > MANY_SUMS
    for sum_ in sums:
        long = apart and any(len(own) > FEW_FACTORS for _, own in sum_.terms)
        groups.setdefault((sum_.depth, sum_.function, long), {})[sum_.target] = sum_
    for key in sorted(groups):
        yield [*groups[key].values()]


def _calls(expr: Expr) -> int:
    """How many functions stand in an expression."""
    return sum(isinstance(node, Call) for node in walk(expr))


def _blocks(
    names: Sequence[Ref], system: System, row: Mapping[Ref, int]
) -> Iterator[list[tuple[Ref, ...]]]:
    """Lines of one form whose numbers stand at equal distances in memory, gathered in blocks."""
    forms: dict[Expr, list[tuple[Ref, ...]]] = {}
    for name in sorted(names, key=row.__getitem__):
        form = _form(system.plain[name], system.uses[name])
        forms.setdefault(form, []).append((name, *system.uses[name]))
    for lines in forms.values():
        block = [lines[0]]
        for line in lines[1:]:
            if not _in_step([*block[-2:], line], row):
                yield block
                block = []
            block.append(line)
        yield block


def _stretched(block: Sequence[Sequence[Ref]]) -> bool:
    """Whether lines that are worked out together share an operand."""
    return any(len(set(refs_)) < len(refs_) for refs_ in zip(*block, strict=True))


def _form(rhs: Expr, used: Sequence[Ref]) -> Expr:
    """The right side with its operands numbered instead of named."""
    places = {ref: Ref(Symbol("", n)) for n, ref in enumerate(used)}
    return transform(rhs, lambda node: places.get(node, node) if isinstance(node, Ref) else node)


def _in_step(lines: Sequence[tuple[Ref, ...]], row: Mapping[Ref, int]) -> bool:
    for refs_ in zip(*lines, strict=True):
        rows = [row[ref] for ref in refs_]
        if rows[1] < rows[0] or (len(rows) == 3 and rows[2] - rows[1] != rows[1] - rows[0]):
            return False
    return True


def _view(memory: Array, rows: Sequence[int]) -> Array:
    """Some rows at equal distances; one row where it is always the same."""
    step = rows[1] - rows[0] if len(rows) > 1 else 1
    return memory[rows[0] : rows[-1] + 1 : step] if step else memory[rows[0] : rows[0] + 1]


def _outer(rhs: Expr) -> tuple[str, Expr]:
    """The function around a right side, if it has one argument, and what it is of."""
    match rhs:
        case Call(function, (argument,)):
            return function, argument
        case _:
            return "", rhs


def _terms(expr: Expr) -> list[Term] | None:
    """An expression as a sum of products of numbers, None where it is none or a long one."""
    match expr:
        case Num(value):
            return [(float(value), ())]
        case Value(value):
            return [(float(value), ())]
        case Ref():
            return [(1.0, (expr,))]
        case Call(_, (argument,)):
            return None if _terms(argument) is None else [(1.0, (expr,))]
        case Sum(parts):
            found = [_terms(part) for part in parts]
            return _short([term for terms in found for term in terms or ()], found)
        case Product(parts):
            product: list[Term] = [(1.0, ())]
            for part in parts:
                terms = _terms(part)
                if terms is None:
                    return None
                product = [(a * b, (*x, *y)) for a, x in product for b, y in terms]
            return _short(product, [])
        case Power(base, Num(value)) if value == 2:
            return _terms(Product((base, base)))
        case Power(Num(base), Num(value)) if value == -1 and base:
            return [(1.0 / float(base), ())]
        case _:
            return None


def _short(terms: list[Term], parts: Sequence[list[Term] | None]) -> list[Term] | None:
    long = len(terms) > MOST_TERMS or any(len(own) > MOST_FACTORS for _, own in terms)
    return None if long or any(part is None for part in parts) else terms
