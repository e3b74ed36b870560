"""The document every format is written from: a title, sections, and how things are called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from handgrad.calculus.expr import Expr, Num, Product, Value
from handgrad.model.problem import Problem
from handgrad.numbers.lines import Line
from handgrad.numbers.worked import Formula, Item, Remark, Section
from handgrad.render.digits import Digits
from handgrad.render.notation import Names, clean

__all__ = ["Document", "Formula", "Item", "Line", "Remark", "Section", "equals"]


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
        digits = Digits(4 if notation.digits is None else notation.digits, notation.significant)
        title, source = (clean_text(text) for text in (problem.title, problem.source))
        return Document(title, source, sections, Names.of(problem), digits)


def clean_text(text: str) -> str:
    """A title on one line, without control characters, at most 200 characters."""
    words = " ".join(text.split())
    kept = "".join(clean(c) for c in words)
    return kept if len(kept) <= 200 else kept[:199] + "…"


def equals(part: Expr, digits: Digits, write: Callable[[bool], str]) -> str:
    """The sign before a part: = where what is shown is exact, else ≈ (``write`` says how)."""
    value = part
    if isinstance(part, Product) and len(part.factors) == 2 and part.factors[0] == Num(-1):
        value = part.factors[1]
    return write(not isinstance(value, Value) or digits.exact(value.value))
