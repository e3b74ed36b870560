"""The values of a problem file that have several forms, each read into one plain kind of data.

    W           a matrix, or { value = …, trainable = false }
    b           a list, a number, false, or { value = …, shared = true, trainable = false }
    activation  a name, { name = …, slope = … }, or a formula in z
    loss        a name, { name = …, delta = …, reduce = … }, or a formula in a and y
    schedule    a name, or { name = …, warmup = … }

Each ``as_…`` function takes what ``tomllib`` returned and raises all mistakes in it as one pydantic
error, which pydantic merges with the mistakes of the rest of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from handgrad.calculus.expr import Ref, Symbol
from handgrad.errors import InputError, LanguageError, quoted
from handgrad.model.arrays import (
    Array,
    Matrix,
    Vector,
    Wrong,
    as_array,
    as_number,
    as_rank,
    described,
)
from handgrad.model.network import own_formula
from handgrad.model.schedules import Schedule, out_of_range
from handgrad.model.spelling import closest
from handgrad.model.vocabulary import ACTIVATIONS, LOSSES, REDUCTIONS, SCHEDULES

__all__ = [
    "Activation",
    "Bias",
    "Loss",
    "Weights",
    "array_form",
    "as_activation",
    "as_bias",
    "as_loss",
    "as_schedule",
    "as_weights",
    "unknown_key",
    "unknown_name",
]


@dataclass(frozen=True)
class Weights:
    """``W`` of a layer, one row per unit; ``value`` is None where it is to be drawn or read."""

    value: Matrix | None = None
    trainable: bool = True


@dataclass(frozen=True)
class Bias:
    """``b`` of a layer: one number per unit, or a single number if ``shared``.

    ``value`` is None where it is left out, which means zeros, or is read from a file.
    """

    value: Vector | float | None = None
    shared: bool = False
    trainable: bool = True


@dataclass(frozen=True)
class Activation:
    """The activation of a layer: ``name`` with the options given, or a ``formula`` in z."""

    name: str | None = "identity"
    formula: str | None = None
    options: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class Loss:
    """The loss: ``name`` with the options given, or a ``formula`` in a and y.

    ``reduce`` is ``"sum"`` or ``"mean"``, or None for what the loss does by itself.
    """

    name: str | None = "half_squared_error"
    formula: str | None = None
    options: Mapping[str, float] = field(default_factory=dict[str, float])
    reduce: str | None = None


def as_weights(raw: object) -> Weights:
    """A matrix, or a table with its value."""
    wrong: list[Wrong] = []
    table = _table(raw, ("value", "trainable"), wrong)
    at = () if table is None else ("value",)
    value = raw if table is None else table.get("value")
    expected = "Give each row one number per input, and one row per unit: [[0.1, 0.2], [0.3, 0.4]]."
    matrix = None
    if value is not None:
        matrix = cast("Matrix", as_rank(value, wrong, 2, expected, at))
    trainable = _flag(table, "trainable", True, wrong)
    _raise(wrong)
    return Weights(matrix, trainable)


def as_bias(raw: object) -> Bias | None:
    """None where the layer has no bias, ``b = false``."""
    if raw is False:
        return None
    wrong: list[Wrong] = []
    table = _table(raw, ("value", "shared", "trainable"), wrong)
    at = () if table is None else ("value",)
    shared = _flag(table, "shared", False, wrong)
    trainable = _flag(table, "trainable", True, wrong)
    value = _bias_value(raw if table is None else table.get("value"), shared, at, wrong)
    _raise(wrong)
    return Bias(value, shared, trainable)


def _bias_value(
    value: object, shared: bool, at: tuple[str, ...], wrong: list[Wrong]
) -> Vector | float | None:
    if value is None:
        return None
    if shared and isinstance(value, list):
        wrong.append(Wrong(at, "a shared bias is one number: value = 0.35."))
    elif isinstance(value, list):
        return cast("Vector", as_rank(cast("object", value), wrong, 1, _BIAS_EXPECTED, at))
    else:
        number = as_number(value)
        if isinstance(number, float):
            return number
        if isinstance(value, bool | str) or not isinstance(value, int | float):
            wrong.append(Wrong(at, f"{described(value)} was given. {_BIAS_EXPECTED}"))
        else:
            wrong.append(Wrong(at, f"the value {number}"))
    return None


_BIAS_EXPECTED = (
    "b is a list of one number per unit, false for no bias, or { value = 0.35, shared = true }."
)


def as_activation(raw: object) -> Activation:
    """A name, a table with a name, or a formula in z."""
    wrong: list[Wrong] = []
    table = _table(raw, ("name", *_all_options(ACTIVATIONS)), wrong)
    name, formula = _name_or_formula(
        raw, table, ACTIVATIONS, wrong, kind="activation", variables=("z",)
    )
    options = _options(table, name, ACTIVATIONS, wrong)
    _raise(wrong)
    return Activation(name, formula, options)


def as_loss(raw: object) -> Loss:
    """A name, a table with a name, or a formula in a and y."""
    wrong: list[Wrong] = []
    table = _table(raw, ("name", *_all_options(LOSSES), "reduce"), wrong)
    name, formula = _name_or_formula(raw, table, LOSSES, wrong, kind="loss", variables=("a", "y"))
    options = _options(table, name, LOSSES, wrong)
    if options.get("delta", 1.0) <= 0:
        wrong.append(Wrong(("delta",), "delta has to be more than 0."))
    reduce = (table or {}).get("reduce")
    if reduce is not None and reduce not in REDUCTIONS:
        wrong.append(Wrong(("reduce",), unknown_name(reduce, REDUCTIONS, "reduction")))
    _raise(wrong)
    return Loss(name, formula, options, cast("str | None", reduce))


def as_schedule(raw: object) -> Schedule:
    """A name, or a table with a name."""
    wrong: list[Wrong] = []
    table = _table(raw, ("name", *dict.fromkeys(_all_options(SCHEDULES))), wrong)
    at = () if table is None else ("name",)
    given = raw if table is None else table.get("name")
    name = given if isinstance(given, str) and given in SCHEDULES else None
    if name is None:
        wrong.append(Wrong(at, unknown_name(given, SCHEDULES, "schedule")))
    options = _options(table, name, SCHEDULES, wrong)
    wrong += [Wrong((key,), said) for key, said in out_of_range(options)]
    _raise(wrong)
    return Schedule(name or "constant", options)


def array_form(raw: object) -> Array:
    """A number or an array of the tables ``[data]`` and ``[parameters]``."""
    wrong: list[Wrong] = []
    array = as_array(raw, wrong)
    _raise(wrong)
    return array


def unknown_name(given: object, known: Iterable[str], kind: str) -> str:
    """The message for a name that is not in the list: the list, and what was probably meant."""
    names = tuple(known)
    if not isinstance(given, str):
        return f"{described(given)} was given; a name is expected, one of {', '.join(names)}."
    meant = closest(given, names)
    hint = f" Did you mean {quoted(meant)}?" if meant else ""
    return f"unknown {kind} {quoted(given)}.{hint} Known are {', '.join(names)}."


def unknown_key(given: str, known: Iterable[str]) -> str:
    """The message for a key that a table does not have."""
    names = tuple(known)
    meant = closest(given, names)
    hint = f"Did you mean {quoted(meant)}?" if meant else f"Known here are {', '.join(names)}."
    return f"unknown key {quoted(given)}. {hint}"


def _table(raw: object, known: tuple[str, ...], wrong: list[Wrong]) -> dict[str, object] | None:
    """The table form, None for the other forms; keys it does not have are mistakes."""
    if not isinstance(raw, dict):
        return None
    table = cast("dict[str, object]", raw)
    unknown = [key for key in table if key not in known]
    wrong.extend(Wrong((key,), unknown_key(key, known), at_key=True) for key in unknown[:20])
    return table


def _flag(table: dict[str, object] | None, key: str, default: bool, wrong: list[Wrong]) -> bool:
    value = (table or {}).get(key, default)
    if isinstance(value, bool):
        return value
    wrong.append(Wrong((key,), f"{described(value)} was given; true or false is expected."))
    return default


def _all_options(rows: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(option for options in rows.values() for option in options)


def _options(
    table: dict[str, object] | None,
    name: str | None,
    rows: Mapping[str, tuple[str, ...]],
    wrong: list[Wrong],
) -> dict[str, float]:
    """The options beside a name, each a number that this name takes."""
    options: dict[str, float] = {}
    for key in dict.fromkeys(_all_options(rows)):
        if table is None or key not in table:
            continue
        number = as_number(table[key])
        if name is not None and key not in rows[name]:
            takes = ", ".join(rows[name]) or "no options"
            wrong.append(Wrong((key,), f"{name} has no {key}; it takes {takes}."))
        elif isinstance(number, str):
            wrong.append(Wrong((key,), f"the value {number}"))
        else:
            options[key] = number
    return options


def _name_or_formula(
    raw: object,
    table: dict[str, object] | None,
    rows: Mapping[str, tuple[str, ...]],
    wrong: list[Wrong],
    *,
    kind: str,
    variables: tuple[str, ...],
) -> tuple[str | None, str | None]:
    """A known name or a formula; what is neither is a mistake, and most likely a misspelt name."""
    given = raw if table is None else table.get("name")
    at = () if table is None else ("name",)
    if isinstance(given, str):
        if given in rows:
            return given, None
        if _is_formula(given, variables, rows):
            wrong.extend(_formula_mistakes(given, variables, kind, at))
            return None, given
    if table is not None and "name" not in table:
        wrong.append(Wrong((), f'the name is missing. Give name = "{next(iter(rows))}".'))
    else:
        formula = f", or a formula in {' and '.join(variables)}"
        wrong.append(Wrong(at, unknown_name(given, rows, kind).removesuffix(".") + f"{formula}."))
    return None, None


def _formula_mistakes(
    text: str, variables: tuple[str, ...], kind: str, at: tuple[str, ...]
) -> Iterator[Wrong]:
    try:
        own_formula(text, {name: Ref(Symbol(name)) for name in variables}, kind)
    except LanguageError as error:
        yield Wrong(at, error.message, inside=(error.line, error.column))
    except InputError as error:
        yield Wrong(at, str(error))


_OPERATOR = re.compile(r"[-+*/^()·−]")
_WORD = re.compile(r"[^\W\d]\w*")


def _is_formula(text: str, variables: tuple[str, ...], names: Iterable[str]) -> bool:
    """A formula has one of its variables, or an operator; "leaky-relu" is a misspelt name."""
    if not {*_WORD.findall(text)}.isdisjoint(variables):
        return True
    return bool(_OPERATOR.search(text)) and closest(text, names) is None


def _raise(wrong: list[Wrong]) -> None:
    if not wrong:
        return
    raise ValidationError.from_exception_data(
        "a value",
        [
            InitErrorDetails(
                type=PydanticCustomError(
                    "unknown_key" if mistake.at_key else "mistake",
                    "{message}",
                    {"message": mistake.message, "inside": mistake.inside},
                ),
                loc=mistake.path,
                input=None,
            )
            for mistake in wrong
        ],
    )
