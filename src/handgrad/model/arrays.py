"""Numbers and arrays as TOML gives them, read into nested tuples of floats with every mistake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from math import isfinite
from typing import TypeAlias, cast

from handgrad.errors import quoted
from handgrad.model.limits import Limits
from handgrad.model.positions import Path

__all__ = [
    "Array",
    "Matrix",
    "Vector",
    "Wrong",
    "as_array",
    "as_number",
    "as_rank",
    "described",
    "shape_of",
]

Vector: TypeAlias = tuple[float, ...]
Matrix: TypeAlias = tuple[Vector, ...]
Array: TypeAlias = "float | tuple[Array, ...]"
"""A number, or rows of equal shape."""

_AXES = Limits.axes
# Of one array; a thousand more of the same kind help nobody.
_WRITTEN_OUT = 20


@dataclass(frozen=True)
class Wrong:
    """A mistake before its place in the text is known: the path to it, and what to say.

    It is at the value of the path, or at its key where the key itself is wrong, or at a line and
    column ``inside`` the text that the value is.
    """

    path: Path
    message: str
    at_key: bool = False
    inside: tuple[int, int] = (0, 1)


def described(value: object) -> str:
    """What a TOML value is, in words for a message.

    >>> described(True), described("1"), described([1]), described(10**400)
    ('true', 'the text "1"', 'a list', 'a whole number of many digits')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value) if abs(value) < 10**40 else "a whole number of many digits"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        ((list, tuple), "a list"),
        (dict, "a table"),
        ((date, datetime, time), "a date or time"),
    )
    return next((words for kind, words in kinds if isinstance(value, kind)), "something else")


def as_number(value: object) -> float | str:
    """A finite float, or the words that say what is wrong with ``value``."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        hint = " Leave out the quotes." if isinstance(value, str) and _reads(value) else ""
        return f"is {described(value)}; a number is expected.{hint}"
    try:
        number = float(value)
    except OverflowError:
        return "is a number too large for a double. Numbers go up to about 1.8e308."
    if not isfinite(number):
        return f"is {number}. Every number has to be finite (up to about 1.8e308)."
    return number


def _reads(text: str) -> bool:
    try:
        return isfinite(float(text[:400]))
    except ValueError:
        return False


def shape_of(value: object) -> tuple[int, ...] | None:
    """The counts along the axes of nested lists, None if ragged; what is no list has no axis."""
    if not isinstance(value, list | tuple):
        return ()
    items = cast("Sequence[object]", value)
    if {*map(type, items)}.isdisjoint({list, tuple}):
        return (len(items),)
    shapes = {shape_of(item) for item in items}
    shape = shapes.pop() if len(shapes) == 1 else None
    return None if shape is None else (len(items), *shape)


def as_array(
    value: object, wrong: list[Wrong], path: Path = (), *, each: str = "Give all the same shape."
) -> Array:
    """Read nested lists into nested tuples of floats, adding to ``wrong`` what cannot be read.

    ``each`` says what to do about rows of unequal length.
    """
    return _Reader(wrong, path, each).read(value, ())


def as_rank(
    value: object, wrong: list[Wrong], rank: int, expected: str, path: Path = ()
) -> tuple[Array, ...]:
    """Read an array of ``rank`` axes, 1 or 2; ``expected`` says in a sentence what they are."""
    depth = _depth(value)
    if depth != rank:
        kind = {1: "a flat list"}.get(depth, described(value))
        axes = f" with {depth} axes" if depth > 1 else ""
        wrong.append(Wrong(path, f"{kind}{axes} was given. {expected}"))
        return ()
    array = as_array(value, wrong, path, each=expected)
    return array if isinstance(array, tuple) else ()


def _depth(value: object) -> int:
    """How many lists are inside each other, looking at the first element of each."""
    depth = 0
    while isinstance(value, list):
        items = cast("list[object]", value)
        depth, value = depth + 1, items[0] if items else None
    return depth


@dataclass
class _Reader:
    wrong: list[Wrong]
    path: Path
    each: str
    room: int = _WRITTEN_OUT

    def add(self, at: tuple[int, ...], message: str) -> None:
        if self.room > 0:
            self.wrong.append(Wrong((*self.path, *at), message))
        self.room -= 1

    def read(self, value: object, at: tuple[int, ...]) -> Array:
        if not isinstance(value, list):
            number = as_number(value)
            if isinstance(number, float):
                return number
            self.add(at, f"{_place(at)} {number}")
            return 0.0
        items = cast("list[object]", value)
        if len(at) >= _AXES:
            self.add(at, f"{_place(at)} is a list, the {_AXES + 1}th inside another. Remove one.")
            return ()
        if not items:
            self.add(at, f"{_place(at)} is an empty list. Give at least one number.")
            return ()
        rows = _plain(items) or tuple(self.read(item, (*at, i)) for i, item in enumerate(items))
        self.compare(rows, at)
        return rows

    def compare(self, rows: tuple[Array, ...], at: tuple[int, ...]) -> None:
        """Rows have the shape of the first one; what is inside a row was compared before."""
        first = _shape(rows[0])
        for i, row in enumerate(rows):
            shape = _shape(row)
            if shape != first:
                one = "row {}" if not at else "part {}"
                self.add(
                    (*at, i),
                    f"{one.format(_indices((*at, i)))} {_counted(shape)}, "
                    f"{one.format(_indices((*at, 0)))} {_counted(first, brief=True)}. {self.each}",
                )


def _plain(items: list[object]) -> Vector:
    """The floats of a list of nothing but finite numbers, else nothing: the common case, quick."""
    if not {*map(type, items)} <= {int, float}:
        return ()
    try:
        numbers = tuple(map(float, cast("list[float]", items)))
    except OverflowError:
        return ()
    return numbers if all(map(isfinite, numbers)) else ()


def _shape(array: Array) -> tuple[int, ...]:
    shape: tuple[int, ...] = ()
    while isinstance(array, tuple):
        shape, array = (*shape, len(array)), next(iter(array), 0.0)
    return shape


def _place(at: tuple[int, ...]) -> str:
    if len(at) == 2:
        return f"row {at[0] + 1}, column {at[1] + 1}"
    return f"number {_indices(at)}" if at else "the value"


def _indices(at: tuple[int, ...]) -> str:
    places = ",".join(str(i + 1) for i in at)
    return places if len(at) == 1 else f"[{places}]"


def _counted(shape: tuple[int, ...], *, brief: bool = False) -> str:
    if len(shape) == 1:
        return f"has {shape[0]}" if brief else f"has {shape[0]} number{'s' * (shape[0] != 1)}"
    return f"is {'×'.join(map(str, shape))}" if shape else "is a number"
