"""Formulas as text: one walk, three ways to write (LaTeX, LaTeX of a web page, code)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.planted.expressions import Add, Div, Expr, Fn, Mul, Neg, Num, Quantity, Ref, Square

Leaf = Callable[[Quantity], str]


@dataclass(frozen=True)
class Marks:
    """How a dialect writes operations; templates take the parts by position."""

    times: str
    fraction: str
    square: str
    opening: str
    closing: str
    power_of_ten: str
    functions: Mapping[str, str]
    half: str
    beside: str = ""  # between symbols that are multiplied, if not as between numbers
    minus: str = "-"


ADD, MUL, NEG, POWER, ATOM = 1, 2, 2, 3, 4


class Setter:
    """Sets a formula; ``leaf`` gives the text of a quantity: its name or its digits."""

    def __init__(self, marks: Marks, leaf: Leaf, numeric: bool) -> None:
        self.marks, self.leaf, self.numeric = marks, leaf, numeric

    def set(self, expr: Expr) -> str:
        return self._set(expr)[0]

    def number(self, text: str) -> str:
        """Digits as the dialect writes them."""
        mantissa, _, exponent = text.partition("e")
        text = mantissa.replace("-", self.marks.minus)
        return self.marks.power_of_ten.format(text, exponent) if exponent else text

    def _within(self, expr: Expr, least: int) -> str:
        text, level = self._set(expr)
        bracketed = f"{self.marks.opening}{text}{self.marks.closing}"
        return bracketed if level < least else text

    def _digits(self, text: str) -> tuple[str, int]:
        level = ADD if text.startswith("-") else MUL if "e" in text else ATOM
        return self.number(text), level

    def _set(self, expr: Expr) -> tuple[str, int]:
        m = self.marks
        match expr:
            case Num("1/2"):
                return m.half, ATOM
            case Num(text):
                return self._digits(text)
            case Ref(quantity):
                return (
                    self._digits(self.leaf(quantity))
                    if self.numeric
                    else (self.leaf(quantity), ATOM)
                )
            case Neg(inner):
                return m.minus + self._within(inner, MUL), ADD
            case Add(terms):
                return self._sum(terms), ADD
            case Mul(factors):
                times = m.times if self.numeric or not m.beside else m.beside
                return times.join(
                    self._within(f, MUL + (n > 0)) for n, f in enumerate(factors)
                ), MUL
            case Div(top, bottom):
                if "{" in m.fraction.replace("{0}", "").replace("{1}", ""):
                    return m.fraction.format(self.set(top), self.set(bottom)), ATOM
                return m.fraction.format(self._within(top, MUL), self._within(bottom, ATOM)), MUL
            case Square(base):
                return m.square.format(self._within(base, ATOM)), POWER
            case Fn(name, argument):
                return self._call(name, argument)
        raise TypeError(expr)

    def _sum(self, terms: tuple[Expr, ...]) -> str:
        text = self._within(terms[0], ADD)
        for term in terms[1:]:
            if isinstance(term, Neg):
                text += f" {self.marks.minus} {self._within(term.inner, MUL)}"
            else:
                text += f" + {self._within(term, MUL)}"
        return text

    def _call(self, name: str, argument: Expr) -> tuple[str, int]:
        m = self.marks
        if name == "abs":
            text, level = self._set(argument)
            return text.removeprefix(m.minus), ATOM if level == ADD else level
        if name == "sigmoid" and self.numeric:
            return self._set(Div(Num("1"), Add((Num("1"), Fn("exp", Neg(argument))))))
        if name == "step" and self.numeric:
            text = self.set(argument)
            return ("0" if text.startswith(m.minus) or not text.strip("0.") else "1"), ATOM
        return m.functions[name].format(self.set(argument)), ATOM
