"""Names put back where a document goes on with the numbers it has printed for them.

``out = 1/(1 + e^-1.0143269)`` says what out depends on, if 1.0143269 is what was printed for net: the
chain rule can then go through it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handgrad.auditing.align import numeric
from handgrad.auditing.reading.nodes import Chain, Name, Named, Written
from handgrad.auditing.roles import is_rate
from handgrad.auditing.said import Said
from handgrad.auditing.statements import heads
from handgrad.auditing.worth import replaced
from handgrad.calculus.expr import Expr, Num, Product

__all__ = ["lift"]

TELLING = 3  # significant digits by which the result of a calculation is known again
HALF = 0.5  # it is a factor of formulas more often than the value of a name


def lift(chains: Sequence[Chain], said: Said) -> None:
    """Give the quantities of the forward pass that are only calculated in numbers an equation."""
    printed: dict[str, set[Name]] = {}
    tried: set[Name] = set()  # of several lines the first
    for place, chain in enumerate(chains):
        names = [n for n in heads(chain) if not n.new and n.of is None]
        line = next((m.expr for m in chain.members if _calculation(m.expr)), None)
        known = said.definitions.keys() | tried
        free = not any(n in known or _begun(said, n, place) for n in names)
        if line is not None and names and free:
            tried.update(names)
            others = {t: found for t, found in printed.items() if not found & set(names)}
            again = _named(line, others, said, place)
            if again is not None:
                said.define(names[0], again, place)
                said.lifted.add((names[0], place))
        number = next((m.number for m in chain.members[1:] if m.number is not None), None)
        if number is not None:
            for name in (n for n in names if not is_rate(n)):
                printed.setdefault(number.text, set()).add(name)


def _calculation(expr: Expr | None) -> bool:
    return expr is not None and not isinstance(expr, Written) and numeric(expr)


def _named(line: Expr, printed: Mapping[str, set[Name]], said: Said, place: int) -> Expr | None:
    """The line with each number that only one name has in the place of that name, if one is a result."""
    results: list[Name] = []

    def change(node: Expr) -> Expr | None:
        if not isinstance(node, Written) or node.whole or abs(node.value) == HALF:
            return None
        found = printed.get(node.text, set())
        turned = printed.get(_negative(node.text), set())
        if len(found | turned) != 1:
            return None
        (name,) = found | turned
        given = said.given(name, place)
        if (
            given is not None
            and given.place <= place
            and not any(value in node.rounded for value in (given.value, -given.value))
        ):
            return None  # it has another value by then
        if name in said.definitions or not _stated(said, name):
            if len(node.text.lstrip("-0.").replace(".", "")) < TELLING:
                return None
            results.append(name)
        named = Named(name, node.start, node.end)
        return named if found else Product((Num(-1), named))

    again = replaced(line, change)
    return again if results else None


def _negative(text: str) -> str:
    return text[1:] if text.startswith("-") else f"-{text}"


def _begun(said: Said, name: Name, place: int) -> bool:
    """Whether a name was given a value before: its line is an update."""
    return any(not given.computed and given.place < place for given in said.givens.get(name, ()))


def _stated(said: Said, name: Name) -> bool:
    return any(not given.computed for given in said.givens.get(name, ()))
