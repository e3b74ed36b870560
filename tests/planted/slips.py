"""The catalogue of slips, each as changes of single lines; what follows is computed from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

import numpy as np
from tests.planted import pen
from tests.planted.expressions import (
    HALF,
    ONE,
    TWO,
    Add,
    Div,
    Expr,
    Fn,
    Mul,
    Neg,
    Num,
    Quantity,
    Ref,
    Square,
    exchanged,
    minus,
    references,
    replaced,
)
from tests.planted.networks import ETA, RATES, Net, Step, deltas, slope
from tests.planted.rounding import Habit
from tests.planted.working import Pencil

LEVELS = ("formula", "numbers", "result")


@dataclass(frozen=True)
class Change:
    """A slip at its place: the lines it alters, or what it alters beside the lines."""

    name: str
    lines: Mapping[int, Step]
    detail: str
    pencil: Pencil = "decimal"
    late: int = 0  # updates too many of a long run
    rate: str | None = None  # what the numbers were computed with
    swapped: tuple[Quantity, Quantity] | None = None  # names exchanged in the summary


@dataclass(frozen=True)
class Case:
    """What a slip can be made on."""

    net: Net
    steps: tuple[Step, ...]
    texts: Mapping[Quantity, str]  # clean digits
    layout: str
    early: bool
    count: int | None

    def place(self, target: Quantity) -> int | None:
        return next((n for n, s in enumerate(self.steps) if s.target == target), None)


Maker = Callable[[Case, np.random.Generator], Iterator[Change]]


def altered(step: Step, new: Expr, level: str) -> Step:
    if level == "formula":
        return replace(step, formula=new, numbers=new, computed=new)
    return (
        replace(step, numbers=new, computed=new)
        if level == "numbers"
        else replace(step, computed=new)
    )


def _levels(step: Step) -> tuple[str, ...]:
    """A wrong formula of the forward pass would be another network, and no slip."""
    return LEVELS if step.phase in ("backward", "update") else LEVELS[1:]


def _one(name: str, case: Case, place: int, new: Expr, detail: str) -> Iterator[Change]:
    step = case.steps[place]
    if new != step.formula:
        for level in _levels(step):
            yield Change(name, {place: altered(step, new, level)}, f"{detail} ({level})")


def _many(name: str, case: Case, new: Mapping[int, Expr], detail: str) -> Iterator[Change]:
    """The same slip in several lines."""
    if new:
        for level in LEVELS[1:]:
            lines = {n: altered(case.steps[n], e, level) for n, e in new.items()}
            yield Change(name, lines, f"{detail} ({level})")


def _spoiled(name: str, spoil: Callable[..., str]) -> Maker:
    def make(case: Case, rng: np.random.Generator) -> Iterator[Change]:
        seed = int(rng.integers(2**31))

        def spoiled(raw: Decimal, right: str, habit: Habit, place: int) -> str:
            return spoil(np.random.default_rng([seed, place]), raw, right, habit, place)

        for place, step in enumerate(case.steps):
            yield Change(name, {place: replace(step, spoil=spoiled)}, name)

    return make


def _sign(case: Case, rng: np.random.Generator) -> Iterator[Change]:
    uphill = {}
    for n, s in enumerate(case.steps):
        if s.phase == "update":
            new = replaced(s.formula, lambda e: e.inner if isinstance(e, Neg) else None)
            uphill[n] = new
            yield from _one("sign", case, n, new, "uphill")
        if s.phase == "backward":
            yield from _turned(case, n, s)
            for q in references(s.formula):
                if q != s.target and case.texts[q].startswith("-"):
                    yield from _lost_minus(case, n, s, q)
    yield from _many("sign", case, uphill, "uphill everywhere")


def _turned(case: Case, n: int, s: Step) -> Iterator[Change]:
    """(a − y) becomes (y − a)."""

    def turn(e: Expr) -> Expr | None:
        match e:
            case Add((Ref(a), Neg(Ref(y)))) if a.kind == "a" and y.kind == "y":
                return minus(Ref(y), Ref(a))
        return None

    new = replaced(s.formula, turn)
    if new != s.formula:
        for level in _levels(s)[1:]:
            yield Change("sign", {n: altered(s, new, level)}, f"y - a ({level})")


def _lost_minus(case: Case, n: int, s: Step, q: Quantity) -> Iterator[Change]:
    new = exchanged(s.formula, Ref(q), Fn("abs", Ref(q)))
    for level in LEVELS[1:]:
        yield Change("sign", {n: altered(s, new, level)}, f"minus lost ({level})")


def _stale(case: Case, rng: np.random.Generator) -> Iterator[Change]:
    for n, s in enumerate(case.steps):
        if s.target.turn == 1:
            continue
        fresh = [q for q in references(s.formula) if q.kind in ("Wn", "bn") or q.kind == "a"]
        for q in fresh:
            old = q._replace(kind=q.kind.removesuffix("n"), turn=1)
            yield from _one("stale_value", case, n, exchanged(s.formula, Ref(q), Ref(old)), "stale")


def _updated(case: Case, rng: np.random.Generator) -> Iterator[Change]:
    if not case.early:
        return
    together: dict[int, Expr] = {}
    for n, s in enumerate(case.steps):
        if s.phase == "backward" and s.target.kind in ("gz", "ga"):
            for q in references(s.formula):
                if q.kind == "W":
                    new = exchanged(together.get(n, s.formula), Ref(q), Ref(q._replace(kind="Wn")))
                    together[n] = new
    yield from _many("updated_weight", case, together, "new weights carried back")


def _siblings(case: Case, kind: str, q: Quantity) -> list[Quantity]:
    known = [s.target for s in case.steps] + list(case.net.givens)
    same = [o for o in known if (o.kind, o.layer, o.turn) == (kind, q.layer, q.turn)]
    return [o for o in dict.fromkeys(same) if o != q]


def _operand(case: Case, rng: np.random.Generator) -> Iterator[Change]:
    for n, s in enumerate(case.steps):
        for q in references(s.formula):
            others: list[Quantity] = []
            if q.kind in ("a", "x", "y", "gz"):
                others += _siblings(case, q.kind, q)
            if q.kind == "a" and s.target.kind in ("z", "gW"):
                others += [q._replace(kind="z")]
                others += [Quantity("x", 0, 1)] if s.target.kind == "gW" else []
            for other in others:
                place = case.place(other)
                if place is None or place < n:
                    new = exchanged(s.formula, Ref(q), Ref(other))
                    yield from _one("wrong_operand", case, n, new, f"{other} for {q}")


def _weight(case: Case, rng: np.random.Generator) -> Iterator[Change]:
    transposed: dict[int, Expr] = {}
    for n, s in enumerate(case.steps):
        for q in references(s.formula):
            if q.kind in ("W", "Wn") and s.phase in ("forward", "backward"):
                for other in _siblings(case, q.kind, q):
                    new = exchanged(s.formula, Ref(q), Ref(other))
                    yield from _one("wrong_weight", case, n, new, f"{other} for {q}")
        if s.target.kind == "z" and s.target.turn == 1:
            layer = s.target.layer
            if case.net.sizes[layer] == case.net.sizes[layer - 1] == 2:
                transposed[n] = replaced(s.formula, _transposed)
    for layer in (1, 2):
        some = {n: e for n, e in transposed.items() if case.steps[n].target.layer == layer}
        yield from _many("wrong_weight", case, some, "transposed")


def _transposed(e: Expr) -> Expr | None:
    if isinstance(e, Ref) and e.quantity.kind == "W":
        return Ref(e.quantity._replace(i=e.quantity.j, j=e.quantity.i))
    return None


def _steps(case: Case, rng: np.random.Generator) -> Iterator[Change]:
    for late in (1, -1):
        yield Change("step_count", {}, f"{late:+d} updates", late=late)


def _rate(case: Case, rng: np.random.Generator) -> Iterator[Change]:
    right = case.net.givens[ETA]
    wrong = str(rng.choice([r for r in (*RATES, "0.6", "0.05", "0.65") if r != right]))
    new = {
        n: exchanged(s.formula, Ref(ETA), Num(wrong))
        for n, s in enumerate(case.steps)
        if s.phase == "update"
    }
    for change in _many("learning_rate", case, new, f"{wrong} for {right}"):
        yield replace(change, rate=wrong)


def _factor(case: Case, rng: np.random.Generator) -> Iterator[Change]:
    for n, s in enumerate(case.steps):
        if s.phase == "loss":
            new = replaced(s.formula, _without_half)
            if new != s.formula:
                for level in LEVELS[1:]:
                    yield Change("factor", {n: altered(s, new, level)}, f"½ dropped ({level})")
        errors = [q for q in references(s.formula) if q.kind == "y"]
        if s.phase == "backward" and errors and case.net.loss == "half_squared":
            factors = s.formula.factors if isinstance(s.formula, Mul) else (s.formula,)
            for factor in (TWO, HALF):
                yield from _one(
                    "factor", case, n, Mul((factor, *factors)), f"{factor.text} left in"
                )


def _without_half(e: Expr) -> Expr | None:
    return e.factors[1] if isinstance(e, Mul) and e.factors[0] == HALF else None


def _derivative(case: Case, rng: np.random.Generator) -> Iterator[Change]:
    net = case.net
    for layer in range(1, net.depth + 1):
        right = slope(net, layer, 1)
        if right is None or (layer == net.depth and net.loss == "categorical"):
            continue
        count = len(_slopes(net, layer, 1))
        for other in range(count):
            together: dict[int, Expr] = {}
            for i in range(1, net.sizes[layer] + 1):
                detail, wrong = _slopes(net, layer, i)[other]
                for n, new in _with_slope(case, layer, i, wrong).items():
                    together[n] = new
                    yield from _one("derivative", case, n, new, detail)
            if len(together) > 1:
                yield from _many("derivative", case, together, f"{other} in every unit")


def _slopes(net: Net, layer: int, i: int) -> list[tuple[str, Expr | None]]:
    a, z = Ref(Quantity("a", layer, i)), Ref(Quantity("z", layer, i))
    again = Fn("sigmoid", a)
    match net.activation(layer):
        case "sigmoid":
            return [
                ("left out", None),
                ("taken at a", Mul((again, minus(ONE, again)))),
                ("taken of z", Mul((z, minus(ONE, z)))),
                ("twice", Mul((a, minus(ONE, a), a, minus(ONE, a)))),
            ]
        case "tanh":
            again = Fn("tanh", a)
            return [
                ("left out", None),
                ("taken at a", minus(ONE, Square(again))),
                ("taken of z", minus(ONE, Square(z))),
            ]
    return [("left out", None)]


def _with_slope(case: Case, layer: int, i: int, wrong: Expr | None) -> dict[int, Expr]:
    """The line in which the slope of this unit is used, with the wrong slope in it."""
    fp, gz = Quantity("fp", layer, i), Quantity("gz", layer, i)
    if (place := case.place(fp)) is not None:
        if wrong is not None:
            return {place: wrong}
        at = case.place(gz)
        return {} if at is None else {at: Ref(Quantity("ga", layer, i))}
    for s in deltas(case.net, layer, i, "delta", wrong):
        at = case.place(s.target)
        if at is not None and Quantity("a", layer, i) in references(case.steps[at].formula):
            return {at: s.formula}
    return {}


def _softmax(case: Case, rng: np.random.Generator) -> Iterator[Change]:
    if case.net.output != "softmax":
        return
    together: dict[int, Expr] = {}
    for n, s in enumerate(case.steps):
        if isinstance(s.formula, Div) and s.target.kind == "a" and s.target.turn == 1:
            bare = replaced(s.formula, lambda e: e.argument if isinstance(e, Fn) else None)
            together[n] = bare
        if s.target.kind == "gz" and s.target.layer == case.net.depth:
            a = Quantity("a", s.target.layer, s.target.i)
            new = exchanged(s.formula, Ref(a), Ref(a._replace(kind="z")))
            yield from _one("softmax", case, n, new, "z for a")
    yield from _many("softmax", case, together, "without e")


def _bias(case: Case, rng: np.random.Generator) -> Iterator[Change]:
    for n, s in enumerate(case.steps):
        if s.target.kind == "z" and isinstance(s.formula, Add):
            *others, last = s.formula.terms
            if isinstance(last, Ref):
                left = Add(tuple(others)) if len(others) > 1 else others[0]
                yield from _one("bias", case, n, left, "left out")
                yield from _one("bias", case, n, Add((*s.formula.terms, last)), "added twice")
        if s.target.kind == "bn":
            new = Ref(s.target._replace(kind="b"))
            yield Change("bias", {n: altered(s, new, "result")}, "not updated")


def _mislabelled(case: Case, rng: np.random.Generator) -> Iterator[Change]:
    gradients = [n for n, s in enumerate(case.steps) if s.target.kind == "gW"]
    for n, m in pairwise(gradients):
        one, two = case.steps[n], case.steps[m]
        lines = {n: replace(one, label=two.target), m: replace(two, label=one.target)}
        yield Change("mislabelled", lines, "two gradients under each other's name")
    for n, s in enumerate(case.steps):
        if s.target.kind == "gz" and case.place(s.target._replace(kind="fp")) is not None:
            label = s.target._replace(kind="ga")
            yield Change("mislabelled", {n: replace(s, label=label)}, "dL/dz called dL/da")
    new = [s.target for s in case.steps if s.target.kind == "Wn"]
    for one, two in pairwise(new):
        yield Change("mislabelled", {}, "names exchanged in the summary", swapped=(one, two))


def _precision(case: Case, rng: np.random.Generator) -> Iterator[Change]:
    yield Change("precision", {}, "float32", pencil="float32")
    for digits in (2, 3, 4):
        yield Change("precision", {}, f"{digits} digits carried", pencil=digits)


CATALOGUE: dict[str, Maker] = {
    "arithmetic": _spoiled("arithmetic", pen.miscalculated),
    "truncated": _spoiled("truncated", pen.cut),
    "last_digit": _spoiled("last_digit", pen.off_by_one),
    "sign": _sign,
    "digit": _spoiled("digit", pen.miswritten),
    "stale_value": _stale,
    "updated_weight": _updated,
    "wrong_operand": _operand,
    "wrong_weight": _weight,
    "step_count": _steps,
    "learning_rate": _rate,
    "factor": _factor,
    "derivative": _derivative,
    "softmax": _softmax,
    "bias": _bias,
    "mislabelled": _mislabelled,
    "precision": _precision,
}


def planted(steps: Sequence[Step], change: Change) -> tuple[Step, ...]:
    return tuple(change.lines.get(n, step) for n, step in enumerate(steps))
