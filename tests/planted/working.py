"""The pencil: steps in, lines with their printed digits out; and which digits are admissible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Any

import numpy as np
from tests.planted.expressions import (
    Add,
    Expr,
    Mul,
    Neg,
    Num,
    Quantity,
    Ref,
    references,
    value,
)
from tests.planted.networks import Step
from tests.planted.rounding import Habit

Pencil = str | int  # "decimal", "float32", or the digits that are really carried
DECIMAL: Pencil = "decimal"


@dataclass(frozen=True)
class Line:
    """A worked line: what is put in, the partial results if any, the value as printed."""

    step: Step
    operands: Mapping[Quantity, str]
    partial: Expr | None
    raw: Decimal
    text: str
    digits: int


@dataclass
class Sheet:
    """What is known so far: the digits on paper, and the value that is carried on."""

    texts: dict[Quantity, str]
    values: dict[Quantity, Any]


def work(
    steps: Sequence[Step], givens: Mapping[Quantity, str], habit: Habit, pencil: Pencil = DECIMAL
) -> list[Line]:
    """Every line in turn."""
    sheet = Sheet(dict(givens), {q: Decimal(text) for q, text in givens.items()})
    return [_line(s, place, sheet, habit, pencil) for place, s in enumerate(steps)]


def _line(step: Step, place: int, sheet: Sheet, habit: Habit, pencil: Pencil) -> Line:
    number: Callable[[Any], Any] = np.float32 if pencil == "float32" else Decimal
    raw = (
        Decimal(str(float(value(step.computed, sheet.values, number))))
        if (pencil == "float32")
        else value(step.computed, sheet.values, Decimal)
    )
    partial = None
    if habit.partials and step.numbers == step.computed and pencil == DECIMAL:
        partial = partial_results(step.numbers, sheet.texts, sheet.values, habit, place)
        if partial is not None and habit.carried:
            raw = value(partial, {}, Decimal)
    text = right = habit.printed(raw, place)
    if step.spoil:
        text = step.spoil(raw, right, habit, place)
    operands = {q: sheet.texts[q] for q in references(step.numbers)}
    sheet.texts[step.target] = text
    sheet.values[step.target] = _carried(raw, text, right, habit, place, pencil)
    return Line(step, operands, partial, raw, text, habit.digits_at(place))


def _carried(raw: Decimal, text: str, right: str, habit: Habit, place: int, pencil: Pencil) -> Any:
    if text != right or (habit.carried and pencil == DECIMAL):
        return Decimal(text)
    if isinstance(pencil, int):
        return habit.rounded(raw, pencil, habit.way)
    return raw


def partial_results(
    expr: Expr,
    texts: Mapping[Quantity, str],
    values: Mapping[Quantity, Any],
    habit: Habit,
    place: int,
) -> Expr | None:
    """0.22 + 0.88 of 1.1·0.2 + 2.2·0.4; none where there is only one operation."""
    if isinstance(expr, Neg):
        inner = partial_results(expr.inner, texts, values, habit, place)
        return None if inner is None else Neg(inner)
    parts = expr.terms if isinstance(expr, Add) else expr.factors if isinstance(expr, Mul) else ()
    if all(_is_leaf(part) for part in parts):
        return None
    done = tuple(_partial(part, texts, values, habit, place) for part in parts)
    return Add(done) if isinstance(expr, Add) else Mul(done)


def _is_leaf(expr: Expr) -> bool:
    return isinstance(expr.inner if isinstance(expr, Neg) else expr, Num | Ref)


def _partial(
    expr: Expr,
    texts: Mapping[Quantity, str],
    values: Mapping[Quantity, Any],
    habit: Habit,
    place: int,
) -> Expr:
    match expr:
        case Neg(inner):
            return Neg(_partial(inner, texts, values, habit, place))
        case Num():
            return expr
        case Ref(quantity):
            return Num(texts[quantity])
    return Num(habit.printed(value(expr, values, Decimal), place))


# --- what a clean line may show --------------------------------------------------------------


def admissible(
    step: Step, place: int, known: Sequence[Mapping[Quantity, Decimal]], habit: Habit, slip: str
) -> set[str]:
    """Every printed value of the line, from printed, unrounded or true operands, mixed as you like.

    Digits cut off are an explanation too, but where cutting them off is the slip in question.
    """
    quantities = references(step.formula)
    choices = [list(dict.fromkeys(v[q] for v in known)) for q in quantities]
    if np.prod([float(len(c)) for c in choices]) > 729:
        choices = [c[:2] for c in choices]
    found: set[str] = set()
    ways = {"half_away", "half_even", habit.way if slip == "truncated" else "cut"}
    for chosen in product(*choices):
        values = dict(zip(quantities, chosen, strict=True))
        for raw in _raw_values(step.formula, values, habit, place):
            found |= {habit.printed(raw, place, way) for way in ways}
    return found


def _raw_values(
    formula: Expr, values: Mapping[Quantity, Decimal], habit: Habit, place: int
) -> Iterator[Decimal]:
    yield value(formula, values, Decimal)
    texts = {q: str(v) for q, v in values.items()}
    if (partial := partial_results(formula, texts, values, habit, place)) is not None:
        yield value(partial, {}, Decimal)


def true_values(steps: Sequence[Step], givens: Mapping[Quantity, str]) -> dict[Quantity, Decimal]:
    """The value of everything, by the clean formulas, never rounded."""
    values = {q: Decimal(text) for q, text in givens.items()}
    for step in steps:
        values[step.target] = value(step.formula, values, Decimal)
    return values
