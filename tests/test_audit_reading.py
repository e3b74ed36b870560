"""What is read in a text: each case is a text, and the chains that are to be found in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.auditing.reading.document import Document, document
from handgrad.auditing.reading.nodes import Applied, Chain, Matrix, Named, Opaque, Written
from handgrad.auditing.reading.source import source_of
from handgrad.calculus.expr import Call, Expr, Num, Power, Product, Sum
from handgrad.errors import HandgradError


def shown(expr: Expr | None, *, inside: bool = False) -> str:
    """An expression in one spelling, whatever the dialect it was read in."""
    match expr:
        case None:
            return "?"
        case Written(text=text):
            return f"({text})" if text.startswith("-") and inside else text
        case Num(value):
            return str(value)
        case Named(name=name):
            return str(name)
        case Product((Num(-1), *rest)):
            return f"(-{shown(Product(tuple(rest)))})" if inside else f"-{shown(Product(tuple(rest)))}"
        case Sum(terms):
            text = " + ".join(shown(term) for term in terms).replace("+ -", "- ")
            return f"({text})" if inside else text
        case Product((*factors,)):
            return "*".join(shown(factor, inside=True) for factor in factors)
        case Power(base, Num(-1)):
            return f"(1/{shown(base, inside=True)})"
        case Power(base, exponent):
            return f"{shown(base, inside=True)}^{shown(exponent, inside=True)}"
        case Call(function, arguments):
            return f"{function}({', '.join(map(shown, arguments))})"
        case Applied(function, arguments, primes):
            return f"{function}{chr(39) * primes}<{', '.join(map(shown, arguments))}>"
        case Opaque(text, parts):
            return f"{text}{{{', '.join(map(shown, parts))}}}"
        case Matrix(rows):
            return "[" + "; ".join(", ".join(map(shown, row)) for row in rows) + "]"
        case _:
            raise TypeError(type(expr))


def said(chain: Chain) -> str:
    return " ".join(
        f"{member.relation} {shown(member.expr)}".strip() for member in chain.members
    )


def read(text: str) -> Document:
    return document(source_of(text))


CASES = [
