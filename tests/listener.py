"""Someone who listens: words in, the expression they mean out; nothing of the page is looked at.

What is still open where the words end is closed there. ``meaning`` is an expression without what words
do not tell apart: brackets around products within products, and a divisor from a factor 1/b.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from handgrad.calculus.expr import (
    Along,
    Call,
    Delta,
    Expr,
    Forms,
    Index,
    Num,
    Partial,
    Position,
    Power,
    Product,
    Ref,
    Sigma,
    Sum,
    Symbol,
    Value,
    free_indices,
    substitute,
)

CALLED = {
    "the absolute value": "abs", "arc tangent": "arctan", "e l u": "elu", "phi": "normal_pdf",
    "the error function": "erf", "exp minus one": "expm1", "g e l u": "gelu", "huber": "huber",
    "leaky r e l u": "leaky_relu", "natural log": "log", "log sigma": "log_sigmoid",
    "log softmax": "log_softmax", "log sum exp": "logsumexp", "the maximum": "max",
    "the minimum": "min", "capital phi": "normal_cdf", "r e l u": "relu", "sigma": "sigmoid",
    "hyperbolic secant": "sech", "the sign": "sign", "s i l u": "silu", "softmax": "softmax",
    "softplus": "softplus", "the square root": "sqrt", "step": "step", "the transpose": "T",
    "hyperbolic tangent": "tanh", "the cosine": "cos", "the sine": "sin", "gaussian": "gaussian",
    "g e l u gate": "gelu_gate", "g e l u tanh": "gelu_tanh", "hard sigmoid": "hard_sigmoid",
    "hard silu": "hard_silu", "hard tanh": "hard_tanh", "hardmax": "hardmax", "mish": "mish",
    "s e l u": "selu", "softmax rest": "softmax_rest", "softsign": "softsign",
}  # fmt: skip
LOSS = Symbol("L")
GREEK = {"alpha": "α", "eta": "η", "sigma": "σ", "delta": "δ", "phi": "φ"}
NUMBER = re.compile(r"\d+(\.\d+)?")
AFTER_A_NAME = {
    "times", "plus", "minus", "over", "close", "end", "and", "comma", "squared", "cubed", "raised",
    "equals", "by", "at", "row", "sub", "element", "place", "example",
}  # fmt: skip


def hear(words: str, loss: Symbol = LOSS) -> Expr:
    """The expression that words mean; an error says where they mean nothing."""
    listener = _Listener(words.replace(",", "").split(), loss)
    expr = listener.whole()
    assert listener.at == len(listener.words), f"left over: {listener.words[listener.at :]}"
    return expr


@dataclass
class _Listener:
    words: list[str]
    loss: Symbol
    at: int = field(default=0)

    def ahead(self, phrase: str) -> bool:
        said = phrase.split()
        return self.words[self.at : self.at + len(said)] == said

    def hears(self, phrase: str) -> bool:
        found = self.ahead(phrase)
        self.at += len(phrase.split()) * found
        return found

    def must(self, phrase: str) -> None:
        assert self.hears(phrase), f"{phrase!r} is missing at {' '.join(self.words[self.at :])!r}"

    def may_end(self, phrase: str) -> None:
        if self.at < len(self.words):
            self.must(phrase)

    def word(self) -> str:
        self.at += 1
        return self.words[self.at - 1]

    # --- arithmetic

    def whole(self) -> Expr:
        expr = self.sum()
        if self.hears("over"):  # 1 over 2, where there is nothing else
            expr = Product((expr, Power(self.sum(), Num(-1))))
        return expr

    def sum(self) -> Expr:
        terms = [self.term()]
        while self.ahead("plus") or self.ahead("minus"):
            self.hears("plus")
            terms.append(self.term())
        return terms[0] if len(terms) == 1 else Sum(tuple(terms))

    def term(self) -> Expr:
        if self.hears("minus"):
            return Product((Num(-1), self.term()))
        factors = [self.factor()]
        sign = None
        while self.hears("times"):
            sign = "∘" if self.hears("element by element") else sign
            factors.append(self.factor())
        if sign:
            return Call(sign, tuple(factors))
        return factors[0] if len(factors) == 1 else Product(tuple(factors))

    def factor(self) -> Expr:
        base = self.atom()
        if self.hears("squared"):
            return Power(base, Num(2))
        if self.hears("cubed"):
            return Power(base, Num(3))
        if self.hears("raised to the power"):
            exponent = self.sum()
            self.may_end("end power")
            return Power(base, exponent)
        return base

    def atom(self) -> Expr:
        if NUMBER.fullmatch(self.words[self.at]) or self.ahead("infinity"):
            return self.number()
        for opening, parse in self.OPENINGS.items():
            if self.hears(opening):
                return parse(self)
        return self.function() or self.quantity()

    def number(self) -> Value:
        digits = self.word().replace("infinity", "inf")
        if self.hears("times ten to the"):
            sign = "-" if self.hears("minus") else ""
            digits += f"e{sign}{self.word()}"
        return Value(float(digits))

    def bracket(self) -> Expr:
        expr = self.sum()
        self.must("close paren")
        return expr

    def fraction(self) -> Expr:
        above = self.sum()
        self.must("over")
        below = self.sum()
        self.must("end fraction")
        return Product((above, Power(below, Num(-1))))

    def total(self) -> Expr:
        letters = self.listed(lambda: Index(self.word()), "and")
        self.must("of")
        body = self.sum()
        self.may_end("end sum")
        return Sigma(letters, body)

    def exponential(self) -> Expr:
        exponent = self.sum()
        self.may_end("end power")
        return Call("exp", (exponent,))

    def indicator(self) -> Expr:
        left = self.sum()
        self.must("equals")
        right = self.sum()
        self.must("end indicator")
        return Call("equal", (left, right))

    def kronecker(self) -> Expr:
        left = self.position()
        self.must("and")
        return Delta(left, self.position())

    def matrix(self) -> Expr:
        rows = self.listed(lambda: Call("row", self.listed(self.sum, "and")), "next row")
        self.must("end matrix")
        return Call("rows", rows)

    def derivative(self) -> Expr:
        if self.hears("by z of"):
            return Call("d/dz", self.arguments())
        if self.hears("of open paren"):
            return Call("′", (self.bracket(),))
        self.must("of")
        name = next(said for said in CALLED if self.ahead(f"{said} at"))
        self.must(f"{name} at")
        return Call("′", (Call(CALLED[name], self.arguments()),))

    OPENINGS = {  # noqa: RUF012 (a table, read and never changed)
        "one half": lambda _: Num(Fraction(1, 2)),
        "open paren": bracket,
        "the fraction": fraction,
        "the sum over": total,
        "e to the power": exponential,
        "the indicator of": indicator,
        "kronecker delta of": kronecker,
        "the matrix of rows": matrix,
        "the derivative": derivative,
    }

    def listed(self, parse: Callable[[], Any], between: str) -> tuple[Any, ...]:
        found = [parse()]
        while self.hears(between):
            found.append(parse())
        return tuple(found)

    # --- functions

    def function(self) -> Expr | None:
        for said, function in CALLED.items():
            if self.hears(f"{said} of"):
                return Call(function, self.arguments())
            after = self.at + len(said.split())
            if self.ahead(f"{said} over") and self.words[after + 2 : after + 3] == ["of"]:
                self.must(f"{said} over")
                index = Index(self.word())
                self.must("of")
                (body,) = self.arguments()
                return Along(function, index, body, self.position() if self.hears("at") else None)
        return None

    def arguments(self) -> tuple[Expr, ...]:
        if self.hears("open paren"):
            found = self.listed(self.sum, "and")
            self.must("close paren")
            return found
        if self.hears("minus"):
            return (Product((Num(-1), *self.arguments())),)
        number = NUMBER.fullmatch(self.words[self.at])
        return (self.number() if number else self.quantity(),)

    # --- names

    def quantity(self) -> Expr:
        direct = self.hears("direct")
        following = [*self.words[self.at + 1 : self.at + 2], "end"][0]
        if self.ahead("d") and following not in AFTER_A_NAME and not NUMBER.match(following):
            self.must("d")
            top = self.ref()
            self.must("by d")
            bottom = self.ref()
            if top == Ref(self.loss) and not direct:
                return Ref(Symbol.gradient(bottom.symbol, top.symbol), bottom.indices)
            return Partial(top, bottom, direct)
        return self.ref()

    def ref(self) -> Ref:
        new = self.hears("new")
        state = ""
        if self.words[self.at + 1 : self.at + 2] == ["for"]:
            state = self.word()
        elif self.words[self.at + 1 : self.at + 3] == ["hat", "for"]:
            state = f"{self.word()}{self.word()}"
        if state:
            self.must("for")
        base = self.base()
        if self.hears("sub"):
            base += f"_{self.base()}"
        number = self.at < len(self.words) and self.words[self.at].isdigit()
        symbol = Symbol(base, int(self.word()) if number else None, state, None, new)
        return Ref(symbol, self.places())

    def base(self) -> str:
        if self.hears("name"):
            return self.word()
        capital = self.hears("capital")
        said = GREEK.get(self.word(), self.words[self.at - 1])
        return said.upper() if capital else said

    def places(self) -> tuple[Position, ...]:
        found = (self.position(),) if self.hears("example") else ()
        if self.hears("row"):
            found += (self.position(),)
            self.must("column")
            found += (self.position(),)
        elif self.hears("element") or self.hears("place"):
            found += self.listed(self.position, "comma")
        return found

    def position(self) -> Position:
        said = self.word()
        return int(said) if said.isdigit() else Index(said)


# --- what words do not tell apart ------------------------------------------------------------


def meaning(expr: Expr, shown: Callable[[float], str]) -> Any:
    """A nested tuple, the same for expressions that mean the same by their form."""

    def of(node: Expr) -> Any:
        return meaning(node, shown)

    match expr:
        case Num() | Value() | Product() | Power(_, Num()) | Call("@"):
            return _product(expr, shown)
        case Forms(book, _) | Call("identity", (book,)):
            return of(book)
        case Sum(terms):
            return ("sum", *map(of, terms))
        case Power(base, exponent):
            return ("power", of(base), of(exponent))
        case Call(function, arguments):
            return (function, *map(of, arguments))
        case Sigma(indices, body):
            return ("Σ", indices, of(body))
        case Along(function, index, body, Index() as at) if at.name not in free_indices(
            replace(expr, at=None)
        ):  # softmax over j of z element j
            return ("along", function, at, of(substitute(body, {index.name: at})), None)
        case Along(function, index, body, at):
            return ("along", function, index, of(body), at)
        case Partial(Ref(top, ()), Ref(bottom, indices), False) if top == LOSS:
            return Ref(bottom.gradient(top), indices)
        case _:
            return expr


def _product(expr: Expr, shown: Callable[[float], str]) -> Any:
    """Its sign, its factors and its divisors, in their order."""
    sign, above, below = 1, [], []

    def gather(node: Expr) -> None:
        nonlocal sign
        match node:
            case Product(factors) | Call("@", factors):
                for factor in factors:
                    gather(factor)
            case Forms(book, _) | Call("identity", (book,)):
                gather(book)
            case Num(Fraction() as value) if value.denominator == 3:
                gather(Product((Num(value.numerator), Power(Num(3), Num(-1)))))
            case Num(value) | Value(value):
                sign = -sign if value < 0 else sign
                above.append(("number", shown(abs(float(value)))))
            case Power(base, Num(value)) if value < 0:
                below.append(meaning(base if value == -1 else Power(base, Num(-value)), shown))
            case Power(base, exponent):
                above.append(("power", meaning(base, shown), meaning(exponent, shown)))
            case _:
                above.append(meaning(node, shown))

    gather(expr)
    above = [factor for factor in above if factor != ("number", "1")]
    if sign == 1 and not below and len(above) == 1:
        return above[0]
    return ("product", sign, *above, "over", *below)
