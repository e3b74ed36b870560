"""A stretch of mathematics in, the chains of equalities in it out; what cannot be read is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from handgrad.auditing.reading.cursor import Unreadable
from handgrad.auditing.reading.dialect import Dialect
from handgrad.auditing.reading.grammar import expression
from handgrad.auditing.reading.nodes import Chain, Member, Named, Unread
from handgrad.auditing.reading.tokens import Token, tokens
from handgrad.calculus.expr import Expr

__all__ = ["chains_in"]

LONGEST = 20_000  # characters of one stretch of mathematics
UNEQUAL = "<>≤≥≠∈∝"
SPLITTING = {
    "and", "or", "with", "where", "for", "if", "so", "then", "thus", "since", "when", "we", "get",
    "hence", "therefore", "because", "is", "und", "oder", "mit",
}  # fmt: skip


def chains_in(
    text: str,
    start: int,
    end: int,
    dialect: Dialect,
    *,
    latex: bool,
    context: str = "",
    inline: bool = False,
) -> Iterator[Chain | Unread]:
    """The chains of one stretch of mathematics, in reading order.

    A chain whose first member has a relation goes on with what stood before it.
    """
    if end - start > LONGEST:
        yield Unread(text[start : start + 80], start)
        return
    found = tokens(text, start, end, latex=latex, comma=dialect.comma)
    for statement in _statements(found):
        yield from _chain(text, statement, dialect, context, inline)


def _chain(
    text: str, statement: Sequence[Token], dialect: Dialect, context: str, inline: bool
) -> Iterator[Chain | Unread]:
    """One chain; a member that cannot be read is told, the others stay."""
    members: list[Member] = []
    for relation, part in _parts(statement):
        if not part:
            if relation:
                members.append(Member(relation, None, statement[-1].end, statement[-1].end))
            continue
        expr = _read(part, dialect)
        start, end = part[0].start, part[-1].end
        if expr is None and any(token.kind not in ("op", "open", "close") for token in part):
            yield Unread(text[start:end], start)
        members.append(Member(relation, expr, start, end))
    if members:
        yield Chain(tuple(members), context, inline=inline)


def _read(part: Sequence[Token], dialect: Dialect) -> Expr | None:
    try:
        return expression(part, dialect)
    except (Unreadable, RecursionError):
        return None


def _parts(statement: Sequence[Token]) -> Iterator[tuple[str, list[Token]]]:
    """The members of a chain as tokens, each with the relation before it."""
    relation, part = "", list[Token]()
    depth = 0
    closing: list[Token] = []
    for token in statement:
        depth += _step(token)
        if token.kind == "rel" and depth <= 0:
            added = _added(part, token)
            if part or relation:
                yield relation, part[: -1 if added else None] + closing
            if relation and token.text in UNEQUAL and relation not in UNEQUAL:
                return  # y = 2 > 0 says no more of y
            relation, part = ("←", added) if added else (token.text, [])
            closing = [replace(token, kind="close", text=")")] if added else []
        else:
            part.append(token)
    yield relation, part + closing


def _added(part: Sequence[Token], equals: Token) -> list[Token]:
    """What stands before the value in ``w -= value``: w, minus and a bracket; else nothing."""
    if len(part) > 1 and part[-1].text in "+-*/" and part[-1].end == equals.start:
        return [*part, replace(equals, kind="open", text="(")]
    return []


def _step(token: Token) -> int:
    """How a token changes the depth of brackets."""
    return {"open": 1, "begin": 1, "close": -1, "end": -1}.get(token.kind, 0)


def _statements(found: Sequence[Token]) -> Iterator[list[Token]]:
    """The tokens of each chain: cut at commas, words, implications and rows that begin anew."""
    statement: list[Token] = []
    depth, ended = 0, False  # ended: a row ended with nothing left open
    for token in _without_environments(_parted(found)):
        depth = max(0, depth + _step(token))
        if depth == 0 and token.kind in ("row", "amp"):
            over = token.kind == "row" or any(t.kind == "rel" for t in statement)
            ended = ended or (over and bool(statement) and _complete(statement))
            continue
        cut = depth == 0 and _cuts(token, statement)
        if statement and (cut or (ended and not _goes_on(token))):
            yield statement
            statement = []
        ended = False
        if not cut:
            statement.append(token)
    if statement:
        yield statement


def _parted(found: Sequence[Token]) -> Iterator[Token]:
    """With a comma for each gap behind which something new begins, and without the other gaps."""
    for token, last, following in zip(found, [None, *found], [*found[1:], None], strict=False):
        if token.kind != "gap":
            yield token
        elif last and following and _complete([last]) and not _goes_on(following):
            yield replace(token, kind="op", text=",")


def _complete(statement: Sequence[Token]) -> bool:
    """Whether nothing is left open where a row ends."""
    return statement[-1].kind not in ("op", "rel")


def _goes_on(token: Token) -> bool:
    """Whether a row that begins so goes on with the one before."""
    return token.kind == "rel" or (token.kind == "op" and token.text in "+-*/")


def _cuts(token: Token, statement: Sequence[Token]) -> bool:
    if token.kind == "op" and token.text in ",;":
        return True
    if token.kind == "rel" and token.text == "⇒":
        return True
    if token.kind == "rel" and token.text == "→":
        return not _is_name(statement)
    if token.kind == "text":
        return " " in token.text or token.text.lower() in SPLITTING
    return False


def _is_name(statement: Sequence[Token]) -> bool:
    """Whether the tokens are one name only, so that an arrow after them is an update."""
    expr = _read(statement, Dialect()) if 0 < len(statement) <= 20 else None
    return isinstance(expr, Named)


def _without_environments(found: Iterable[Token]) -> list[Token]:
    r"""Without \begin{aligned} and the like, which only say how rows are set."""
    return [
        t
        for t in found
        if t.kind not in ("begin", "end") or "matrix" in t.text or t.text == "cases"
    ]
