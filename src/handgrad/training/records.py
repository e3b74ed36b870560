"""A problem as plain data for a JSON file, and back: the same equations, node by node.

Names in a file only choose from a fixed table; nothing in it is ever run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from fractions import Fraction
from typing import Any, cast

from handgrad.calculus import expr
from handgrad.calculus.derivation import Equation, Phase
from handgrad.errors import FileError
from handgrad.model.problem import Claim, Notation, Problem, Training
from handgrad.model.schedules import Schedule

__all__ = ["plain", "problem_record", "rebuilt", "recorded_problem"]

CLASSES: Mapping[str, type[Any]] = {
    cls.__name__: cls
    for cls in (
        expr.Along,
        expr.Call,
        expr.Delta,
        expr.Forms,
        expr.Index,
        expr.Num,
        expr.Power,
        expr.Product,
        expr.Ref,
        expr.Sigma,
        expr.Sum,
        expr.Symbol,
        Claim,
        Equation,
        Fraction,
        Notation,
        Phase,
        Problem,
        Schedule,
        Training,
    )
}
KIND = "is"


def plain(value: Any) -> Any:
    """Data of the classes above, and tuples, sets and mappings of them, as JSON has it."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Fraction():
            return {KIND: "Fraction", "value": str(value)}
        case Enum():
            return {KIND: type(value).__name__, "value": value.value}
        case frozenset():
            members = cast("frozenset[Any]", value)
            return {KIND: "set", "of": sorted((plain(v) for v in members), key=str)}
        case Mapping():
            table = cast("Mapping[Any, Any]", value)
            return {KIND: "map", "of": [[plain(k), plain(v)] for k, v in table.items()]}
        case tuple() | list():
            return [plain(v) for v in cast("tuple[Any, ...]", value)]
        case _ if is_dataclass(value) and type(value).__name__ in CLASSES:
            found = {f.name: plain(getattr(value, f.name)) for f in fields(value)}
            return {KIND: type(value).__name__, **found}
        case _:
            raise TypeError(f"{type(value).__name__} is no plain data")


def rebuilt(data: Any) -> Any:
    """What ``plain`` was given. Raises ``FileError`` for data that no problem is written as."""
    try:
        return _rebuilt(data)
    except (KeyError, TypeError, ValueError, RecursionError):
        raise FileError("The record of the problem cannot be read.") from None


def _rebuilt(data: Any) -> Any:
    match data:
        case list():
            return tuple(map(_rebuilt, cast("list[Any]", data)))
        case {"is": "map", "of": pairs}:
            return {_rebuilt(k): _rebuilt(v) for k, v in pairs}
        case {"is": "set", "of": members}:
            return frozenset(map(_rebuilt, members))
        case {"is": "Fraction" | "Phase" as kind, "value": value}:
            return CLASSES[kind](value)
        case {"is": kind, **entries}:
            return CLASSES[kind](**{name: _rebuilt(entry) for name, entry in entries.items()})
        case _:
            return data


def problem_record(problem: Problem) -> Any:
    """A problem without its arrays; their symbols are listed in their order."""
    names = [plain(symbol) for symbol in problem.values]
    return {"problem": plain(replace(problem, values={})), "values": names}


def recorded_problem(record: Any, arrays: list[Any]) -> Problem:
    """The problem of a record, its arrays put in."""
    try:
        symbols = [rebuilt(name) for name in record["values"]]
        problem = rebuilt(record["problem"])
        return replace(problem, values=dict(zip(symbols, arrays, strict=True)))
    except (KeyError, TypeError, ValueError):
        raise FileError("The record of the problem cannot be read.") from None
