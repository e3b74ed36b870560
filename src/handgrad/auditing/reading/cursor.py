"""A place in a row of tokens that moves on as they are taken; what every part of the grammar does."""

from __future__ import annotations

from abc import ABC, abstractmethod

from handgrad.auditing.reading.dialect import Dialect
from handgrad.auditing.reading.tokens import Token
from handgrad.calculus.expr import Expr

__all__ = ["Cursor", "Unreadable"]


class Unreadable(Exception):
    """What stands here is no expression; ``token`` is the first that does not fit."""


class Cursor(ABC):
    """Looks ahead, takes tokens and groups of them; the grammar says what they are."""

    def __init__(self, found: list[Token], dialect: Dialect) -> None:
        self.found, self.dialect = found, dialect
        self.at: int = 0
        self.depth: int = 0

    def peek(self, ahead: int = 0) -> Token:
        """The token that comes, or one behind it; the last is of the kind "finish"."""
        place = self.at + ahead
        return self.found[place] if place < len(self.found) else Token("finish", "", -1, -1)

    def next(self) -> Token:
        """Take the token that comes."""
        token = self.peek()
        self.at += 1
        return token

    def takes(self, *texts: str) -> bool:
        """Whether the next token is an operator or bracket of these; then it is taken."""
        if self.peek().kind in ("op", "open", "close") and self.peek().text in texts:
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Take an operator or bracket. Raises ``Unreadable`` where it does not come."""
        if not self.takes(text):
            raise Unreadable

    def raw_group(self) -> list[Token]:
        """The tokens of the group that comes, without its braces; or the next token."""
        if self.peek().text != "{":
            before = self.at
            self.group()
            return self.found[before : self.at]
        depth, start = 0, self.at
        while self.at < len(self.found):
            text = self.next()
            depth += {"{": 1, "}": -1}.get(text.text, 0) if text.kind in ("open", "close") else 0
            if not depth:
                return self.found[start + 1 : self.at - 1]
        raise Unreadable

    @abstractmethod
    def group(self) -> Expr:
        """The argument of a command: a group, or the single token after it."""

    @abstractmethod
    def bracketed(self) -> Expr:
        """What stands in brackets."""

    @abstractmethod
    def power(self) -> Expr:
        """What stands alone, with its superscripts."""

    @abstractmethod
    def exponent(self) -> Expr:
        """What stands in a superscript."""

    @abstractmethod
    def begins_factor(self) -> bool:
        """Whether what comes can be multiplied without a sign between."""
