"""The equations of a text, once they fit together and fit what is given; or every mistake in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from handgrad.calculus.derivation import Derivation, Equation, validate
from handgrad.calculus.expr import Symbol, refs
from handgrad.errors import DerivationError, EquationError
from handgrad.language.reading import parse_equations
from handgrad.language.tokens import places_of
from handgrad.model.axes import with_axes
from handgrad.model.shapes import check_shapes

Shape = tuple[int, ...]

__all__ = ["fitting_equations", "rows_of"]


def fitting_equations(
    source: str, loss: Symbol, shapes: Mapping[Symbol, Shape | None], data: AbstractSet[Symbol]
) -> tuple[Equation, ...]:
    """The equations of a text over givens of these shapes, None where one is not known.

    Of ``data`` the first axis may count examples, and is not written then. Raises ``LanguageError``,
    ``DerivationError`` or ``ShapeError`` with every mistake, each at its line and column.
    """
    equations = parse_equations(source, str(loss))
    if not equations:
        raise DerivationError("There are no equations. Write one a line, such as z1 = w1*x + b1.")
    rows = rows_of(equations, shapes, data)
    own = {s: shape and shape[s in rows :] for s, shape in shapes.items()}
    used = _used(equations)
    ranks = {s: used.get(s, 0) if shape is None else len(shape) for s, shape in own.items()}
    try:
        validate(Derivation(equations, ranks, loss))
        placed = with_axes(equations, ranks)
        known = {s: shape for s, shape in own.items() if shape is not None}
        if len(known) == len(own):
            check_shapes(Derivation(placed, ranks, loss), known)
    except EquationError as error:
        raise _placed(error, source, str(loss)) from None
    return equations


def rows_of(
    equations: Sequence[Equation], shapes: Mapping[Symbol, Shape | None], data: AbstractSet[Symbol]
) -> set[Symbol]:
    """The data with one axis more than the equations use: those hold one row per example."""
    found = (ref for equation in equations for ref in refs(equation.rhs))
    return {
        ref.symbol
        for ref in found
        if ref.symbol in data and len(shapes[ref.symbol] or ()) == len(ref.indices) + 1
    }


def _used(equations: Sequence[Equation]) -> dict[Symbol, int]:
    """The number of indices of every quantity where it is first used."""
    used: dict[Symbol, int] = {}
    for equation in equations:
        for ref in refs(equation.rhs):
            used.setdefault(ref.symbol, len(ref.indices))
    return used


def _placed(error: EquationError, source: str, loss: str) -> EquationError:
    """The same mistakes, each at its place in the text."""
    mistakes = [one for one in (error, *error.also) if isinstance(one, EquationError)]
    places = places_of(source, loss, [(one.of, one.name) for one in mistakes])
    first, *others = (
        type(m)(m.message, of=m.of, name=m.name, source=source, line=line, column=column)
        for m, (line, column) in zip(mistakes, places, strict=True)
    )
    first.also = tuple(others)
    return first
