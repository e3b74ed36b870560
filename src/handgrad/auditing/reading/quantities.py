"""Letters and words with what hangs on them: names, functions that are applied, derivatives on a line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from handgrad.auditing.reading.cursor import Cursor, Unreadable
from handgrad.auditing.reading.names import FUNCTIONS, UPDATED, name_of, scripted
from handgrad.auditing.reading.nodes import Applied, Matrix, Name, Named, Written, named_in
from handgrad.auditing.reading.tokens import Token
from handgrad.calculus.expr import Call, Expr, Power, call

__all__ = ["Quantities"]

NEW_WORDS = {"new", "neues", "neuer", "updated"}
ARRAYS = {"array", "asarray", "tensor", "Tensor", "Matrix"}
LOSSES = {"L", "E", "C", "J", "Loss", "Error", "MSE", "Cost"}
ALWAYS_FUNCTIONS = {"f", "g", "h", "φ", "ϕ", "S"}


_IN_BRACKETS = re.compile(r"\((?:\w{1,4}|[lLt][-+]1)\)|\[(?:\w{1,3}|[lLt][-+]1)\]")


class Quantities(Cursor):
    """The part of the grammar that knows names."""

    def named(self) -> Expr:
        """A name, a function that is applied, a derivative, or the exponential."""
        token = self.peek()
        linear = self.linear_derivative()
        if linear is not None:
            return linear
        if token.text in ("Δ", "Delta") and self.peek(1).kind in ("letter", "word", "accent"):
            return self.change()
        if token.text.lower() in NEW_WORDS and self.peek(1).kind in (
            "letter",
            "word",
            "text",
            "accent",
        ):
            self.next()
            following = self.named()
            if not isinstance(following, Named):
                raise Unreadable
            return replace(following, name=following.name.as_new, start=token.start)
        if token.text == "e" and token.kind == "letter" and self.peek(1).text == "^":
            self.at += 2
            return call("exp", self.exponent())
        if token.text in ARRAYS and self.peek(1).text == "(":
            self.next()
            return self.bracketed()
        if token.kind == "accent":
            self.next()
            inner = self.under_accent()
            if not inner:
                raise Unreadable
            base = unicodedata.normalize("NFC", inner[0].text + token.text)
            head = Name(base)
        else:
            self.next()
            head = name_of(token.text, token.kind)
        function = FUNCTIONS.get(head.base) if not head.sub else None
        if function and self.peek().text != "_":
            return self.applied(head.base, function, token)
        name, primes = self.scripts(head)
        return self.maybe_applied(name, primes, token)

    def change(self) -> Expr:
        """Δ and the name behind it, which are one name: the change of a quantity."""
        start = self.next().start
        following = self.named()
        if not isinstance(following, Named) or following.name.of is not None:
            raise Unreadable
        name = replace(following.name, base=f"Δ{following.name.base}")
        return replace(following, name=name, start=start)

    def applied(self, base: str, function: str, token: Token) -> Expr:
        """A function of the rule table, its derivative (σ′), or its letter alone."""
        primes = 0
        while self.takes("'"):
            primes += 1
        if self.peek().text == "^":
            if self.peek(1).text == "{" and self.peek(2).text == "'":
                self.at += 4
                primes += 1
            elif self.peek(1).text == "'":
                self.at += 2
                primes += 1
        raised: Expr | None = None  # tanh²(z)
        if self.peek().text == "^" and len(base) > 1 and self.peek(1).text != "-":
            self.next()
            raised = self.exponent()
        rows = self.peek(1).text == "[" or self.peek(1).kind == "begin"  # σ([0.1 0.2; 0.3 0.4])
        if self.peek().kind == "open":
            argument = self.bracketed()
        elif self.begins_factor() and function in ("exp", "log", "tanh") and len(base) > 1:
            argument = self.power()
        else:
            if raised is not None:
                raise Unreadable
            return Named(Name(base, new=False), token.start, token.end)
        if raised is not None:
            return Power(call(function, argument), raised)
        parts: tuple[Expr, ...] = (argument,)
        if isinstance(argument, Matrix) and (not rows or function == "softmax"):
            parts = argument.rows[0]
        if primes:
            return Applied(function, parts, primes)
        above = [part for part in parts if not (isinstance(part, Written) and part.value == 0)]
        if function == "max" and len(parts) == 2 and len(above) == 1:
            return Call("relu", (above[0],))
        if function in ("max", "min") and len(parts) > 1:
            return reduce(lambda inner, part: Call(function, (inner, part)), parts)
        if function == "softmax" or len(parts) != 1:
            return Applied(function, parts)
        return Call(function, parts)

    def under_accent(self) -> list[Token]:
        """The letters an accent stands over: those of its group, or the next."""
        found = self.raw_group() if self.peek().text == "{" else [self.next()]
        return [token for token in found if token.kind in ("letter", "word", "text")]

    def scripts(self, head: Name) -> tuple[Name, int]:
        """Everything below and above a letter that belongs to its name."""
        name, primes = head, 0
        while True:
            sign = self.peek()
            if sign.kind != "op" or sign.text not in ("_", "^", "'"):
                return name, primes
            if sign.text == "'":
                self.next()
                primes += 1
                continue
            if sign.text == "_":
                self.next()
                name = scripted(name, _label(self.raw_script()), above=False)
                continue
            label = self.superscript_label(name)
            if label is None:
                return name, primes
            if label == "'":
                primes += 1
            else:
                name = scripted(name, label, above=True)

    def raw_script(self) -> list[Token]:
        """The tokens of a subscript or superscript."""
        if self.peek().text == "{":
            return self.raw_group()
        token = self.next()
        if token.text in ("(", "["):
            found, close = [token], {"(": ")", "[": "]"}[token.text]
            while self.peek().kind != "finish" and found[-1].text != close:
                found.append(self.next())
            return found
        if token.kind == "accent":
            return [token, *self.raw_script()]
        if token.kind == "finish":
            raise Unreadable
        return [token]

    def superscript_label(self, name: Name) -> str | None:
        """The superscript that comes, if it is a label and no power; it is taken then."""
        before = self.at
        self.next()
        try:
            inner = self.raw_script()
        except Unreadable:
            self.at = before
            return None
        label = _label(inner)
        if re.fullmatch(r"[\[(]\w{1,3}[\])][T⊤]", label):  # A^{[1]T}, which is (A^{[1]})^T
            end = self.found[self.at - 1].end
            turned = (Token("op", "^", end, end), Token("letter", "T", end, end))
            self.found[self.at : self.at] = turned
            return label[:-1]
        bracketed = re.fullmatch(
            r"\((?:\d{1,2}|[lLt]|[lLt][-+]1|\w{1,4})\)|\[(?:\w{1,3}|[lLt][-+]1)\]", label
        )
        if bracketed or label in ("'", "*") or label.strip("()") in UPDATED:
            return label
        layered = name.base in self.dialect.layered and not name.sup  # a second one is a power
        if layered and re.fullmatch(r"\d{1,2}|[lL]([-+]1)?", label):
            return label
        if re.fullmatch(r"[lL]([-+]1)?|[a-z]{2,}|[hoij]\d?", label):
            return label
        self.at = before
        return None

    def maybe_applied(self, name: Name, primes: int, token: Token) -> Expr:
        """A name, or the document's own function: f(z), L(y, ŷ)."""
        end = self.found[self.at - 1].end
        functions = ALWAYS_FUNCTIONS | LOSSES | self.dialect.functions
        bare = not name.sub and not name.sup
        opens = self.peek().kind == "open" and self.peek().text in "(["
        if opens and name.base in functions and (bare or name.base in ALWAYS_FUNCTIONS):
            before, argument = self.at, self.bracketed()
            parts = argument.rows[0] if isinstance(argument, Matrix) else (argument,)
            if primes or not any(inner.name == name for inner in named_in(argument)):
                return Applied(str(name), parts, primes)
            self.at = before  # h(1 − h) is a product
        if primes:
            name = name.as_new
        return Named(name, token.start, max(end, token.end))

    def linear_derivative(self) -> Expr | None:
        """∂L/∂w, dL/dw written on one line."""
        before, start = self.at, self.peek().start
        top = self.one_differential()
        if top is not None and self.takes("/"):
            below = self.one_differential()
            if below is not None:
                end = self.found[self.at - 1].end
                return Named(replace(below, of=top), start, end)
        self.at = before
        return None

    def one_differential(self) -> Name | None:
        """A d or ∂ and the name after it."""
        token = self.peek()
        if token.text in ("∂", "δ", "d") and self.peek(1).kind in (
            "letter",
            "word",
            "text",
            "accent",
        ):
            self.next()
            head = self.peek()
        elif (
            token.kind in ("word", "letter", "text")
            and len(token.text) > 1
            and token.text[0] in "dδ"
        ):
            head = replace(token, text=token.text[1:], kind="word")
            self.found[self.at] = head
            try:
                return self.one_name(head)
            finally:
                self.found[self.found.index(head)] = token
        else:
            return None
        return self.one_name(head)

    def one_name(self, head: Token) -> Name | None:
        """The name that begins with this token, its scripts included."""
        if head.kind == "accent":
            self.next()
            inner = self.under_accent()
            if not inner:
                return None
            name = Name(unicodedata.normalize("NFC", inner[0].text + head.text))
        else:
            self.next()
            name = name_of(head.text, head.kind)
        name, primes = self.scripts(name)
        return replace(name, new=name.new or bool(primes))


def _label(found: Sequence[Token]) -> str:
    """A subscript or superscript as one text: pred, 11, (2), h1."""
    text = "".join(t.text for t in found if t.kind not in ("unknown", "dots", "amp", "row"))
    for blank in "{} ":
        text = text.replace(blank, "")
    return re.sub(r"(?<=\b\d),(?=\d\b)", "", text)
