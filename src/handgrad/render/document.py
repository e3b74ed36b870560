"""The document every format is written from: a title, sections, and how things are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handgrad.calculus.expr import Call, Expr, Num, Product, Ref, Value, walk
from handgrad.calculus.functions import FUNCTIONS
from handgrad.model.problem import Problem
from handgrad.numbers.evaluate import value_of
from handgrad.numbers.lines import Line
from handgrad.numbers.page import Formula, Item, Remark, Section
from handgrad.render.digits import Digits
from handgrad.render.notation import Names, clean

__all__ = [
    "Document",
    "Formula",
    "Item",
    "Line",
    "Picture",
    "Remark",
    "Section",
    "equals",
    "related",
]


@dataclass(frozen=True)
class Picture:
    """A drawing as SVG, and what it shows in words."""

    svg: str
    description: str


@dataclass(frozen=True)
class Document:
    """What a page says; the writers decide how it looks."""

    title: str
    source: str
    sections: tuple[Section, ...]
    names: Names
    digits: Digits

    @staticmethod
    def of(problem: Problem, sections: tuple[Section, ...]) -> Document:
        """The document of a problem's sections, in the problem's notation."""
        notation = problem.notation
        digits = Digits(
            4 if notation.digits is None else notation.digits,
            notation.significant,
            notation.decimal_mark,
        )
        title, source = (clean_text(text) for text in (problem.title, problem.source))
        return Document(title, source, sections, Names.of(problem), digits)


def clean_text(text: str) -> str:
    """A title on one line, without control characters, at most 200 characters."""
    words = " ".join(text.split())
    kept = "".join(clean(c) for c in words)
    return kept if len(kept) <= 200 else kept[:199] + "…"


def equals(parts: Sequence[Expr], place: int, digits: Digits) -> bool:
    """Whether = stands before a part, and not ≈: it is shown in full, and equals the part before."""
    part = parts[place]
    match part:
        case Value(value) | Product((Num(-1), Value(value))):
            if not isinstance(value, float):  # exact numbers: nothing is rounded on the way
                return digits.exact(value)
            if not digits.exact(value):
                return False
        case Call("rows"):
            numbers = (node.value for node in walk(part) if isinstance(node, Value))
            return all(map(digits.exact, numbers))
        case _:
            return True
    if place == 0 or not all(_has_value(node) for node in walk(parts[place - 1])):
        return True
    before, now = value_of(parts[place - 1], {}), value_of(part, {})
    return bool(abs(before - now) <= 1e-9 * max(abs(before), abs(now)))


def related(item: Line | Formula, digits: Digits) -> list[tuple[bool, Expr]]:
    """What stands right of the name, part by part: whether after = or ≈, and the part."""
    if isinstance(item, Formula):
        return [(True, item.rhs)]
    return [(equals(item.parts, n, digits), part) for n, part in enumerate(item.parts)]


def _has_value(node: Expr) -> bool:
    """Whether a node is made of numbers alone, and not of symbols or whole arrays."""
    match node:
        case Ref():
            return False
        case Call(function):
            return function in FUNCTIONS
        case _:
            return True
