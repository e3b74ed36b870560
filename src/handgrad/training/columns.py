"""Columns in, what a network takes and gives out: numbers of one size, categories as 0 and 1.

``Preparation`` remembers how, so that new data are read in the same way; it is stored with the model.
"""

# NumPy says nothing of the type of a result where an argument is any float array or scalar.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from handgrad.errors import InputError, LimitError, quoted
from handgrad.model.limits import Limits
from handgrad.model.spelling import did_you_mean
from handgrad.training.tables import Column, Table

__all__ = ["Preparation", "Target", "inputs", "preparation_of", "prepare", "targets"]

Array = Any
FEW_CLASSES = 20
"""Different whole numbers up to which a column of them is a class unless said otherwise."""
MOST_CATEGORIES = 1_000
ABSENT = "(missing)"
LARGEST = 1e150
"""Its square is a number."""
GROUPED = re.compile(
    r"[-+]?\d{1,3}(?:(?:\.\d{3})+(?:,\d+)?|(?:,\d{3})+(?:\.\d+)?|(?:[ '\u00a0\u202f]\d{3})+(?:[.,]\d+)?)"
)
TASKS = ("classification", "regression")


@dataclass(frozen=True)
class Feature:
    """How one column becomes inputs: (value − mean)/scale, or one input for each category."""

    name: str
    mean: float = 0.0
    scale: float = 1.0
    categories: tuple[str, ...] | None = None

    @property
    def width(self) -> int:
        """How many inputs it takes."""
        return 1 if self.categories is None else len(self.categories)


@dataclass(frozen=True)
class Target:
    """What is learned: classes, or a number of some mean and scale."""

    name: str
    classes: tuple[str, ...] | None = None
    mean: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class Preparation:
    """How a table becomes arrays."""

    features: tuple[Feature, ...]
    target: Target

    @property
    def width(self) -> int:
        """The inputs of the network."""
        return sum(feature.width for feature in self.features)

    def record(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


def preparation_of(record: Mapping[str, Any]) -> Preparation:
    """A preparation from its record."""
    try:
        features = tuple(Feature(**_lists(f)) for f in record["features"])
        return Preparation(features, Target(**_lists(record["target"])))
    except (KeyError, TypeError):
        raise InputError(
            "The run says nothing of how its columns were read: it was not trained on a table."
        ) from None


def _lists(table: Mapping[str, Any]) -> dict[str, Any]:
    """Lists, which JSON has, as the tuples they were."""
    return {k: (*v,) if isinstance(v, list | tuple) else v for k, v in table.items()}


def prepare(
    table: Table,
    target: str,
    *,
    task: str | None = None,
    categorical: Sequence[str] = (),
    drop: Sequence[str] = (),
) -> tuple[Preparation, Array, list[str]]:
    """How a table is read, the rows that have a target, and what there is to say about its columns.

    Raises ``InputError`` for a target that is not there or has one value only, a text among numbers,
    a column of nothing but different texts.
    """
    for name in (target, *categorical, *drop):
        if name not in table.columns:
            known = list(table.columns)
            hint = did_you_mean(name, known[:1000])
            listed = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
            raise InputError(
                f"{table.path} has no column {quoted(name)}.{hint} There are {listed}."
            )
    if target in drop:
        raise InputError(
            f"{quoted(target)} is the target and cannot be dropped. Give another --target."
        )
    if target in categorical and task == "regression":
        raise InputError(
            f"{quoted(target)} is the target: with --categorical it is learned as classes, and the "
            "task is regression. Leave one of them out."
        )
    task = "classification" if target in categorical else task
    notes: list[str] = []
    aim, rows = _target(table, table.columns[target], task, notes)
    features: list[Feature] = []
    for column in table.columns.values():
        if column.name != target and column.name not in drop:
            feature = _feature(table, column, rows, column.name in categorical, notes)
            features += [feature] if feature else []
    if not features:
        raise InputError(f"{table.path} has no column to learn from besides {quoted(target)}.")
    return Preparation(tuple(features), aim), rows, notes


def _target(
    table: Table, column: Column, task: str | None, notes: list[str]
) -> tuple[Target, Array]:
    if task is not None and task not in TASKS:
        raise InputError(f"The task is {quoted(task)}; it may be {' or '.join(TASKS)}.")
    _refuse_unlike(table, column)
    texts, numbers = column.texts, column.numbers
    rows = np.flatnonzero(column.present)
    if column.missing:
        notes.append(f"{column.missing:,} rows have no {quoted(column.name)} and are left out.")
    if len(rows) < 2:
        raise InputError(
            f"{table.path}: {len(rows)} of {table.rows:,} rows with a value in {quoted(column.name)}; "
            "at least 2 are needed to learn anything."
        )
    if texts is None:
        _refuse_beyond(table, column)
    if texts is not None and task == "regression":
        raise InputError(f"{quoted(column.name)} holds texts. Give --task classification.")
    if texts is not None:
        classes = tuple(sorted({texts[int(row)] for row in rows}))
    else:
        values = np.unique(numbers[rows])
        whole = bool(np.all(values == np.floor(values))) and len(values) <= FEW_CLASSES
        if task == "regression" or (task is None and not whole):
            return _regression(table, column.name, numbers[rows]), rows
        classes = tuple(map(_spelled, values.tolist()))
    if len(classes) < 2:
        raise InputError(
            f"{table.path}: every {quoted(column.name)} is {quoted(''.join(classes))}. There is "
            "nothing to tell apart: give data of at least two classes."
        )
    if len(classes) > MOST_CATEGORIES:
        raise LimitError(
            f"{quoted(column.name)} has {len(classes):,} classes; at most {MOST_CATEGORIES:,}."
        )
    return Target(column.name, classes), rows


def _regression(table: Table, name: str, values: Array) -> Target:
    scale = float(values.std())
    if scale == 0:
        raise InputError(
            f"{table.path}: every {quoted(name)} is {values[0]:g}. There is nothing to learn."
        )
    return Target(name, None, float(values.mean()), scale)


def _spelled(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _refuse_unlike(table: Table, column: Column) -> None:
    if column.unlike is not None:
        row, cell = column.unlike
        raise InputError(
            f"{table.path}: {table.place(row)}, column {quoted(column.name)} is {quoted(cell)}, where "
            f"most are numbers. Correct it, leave the cell empty, or give --categorical {column.name}"
        )


def _refuse_beyond(table: Table, column: Column) -> None:
    """Name the first number that is infinite, or whose square is."""
    beyond = np.flatnonzero(np.abs(column.numbers) > LARGEST)
    if len(beyond):
        row = int(beyond[0])
        value = column.numbers[row]
        said = "infinite" if np.isinf(value) else f"{value:g}, too large to be scaled"
        raise InputError(
            f"{table.path}: {table.place(row)}, column {quoted(column.name)} is {said}. "
            "Correct it, leave the cell empty, or give the column in other units."
        )


def _refuse_grouped(table: Table, column: Column) -> None:
    """Name the first number whose thousands are set apart, in a column of them."""
    given = [(row, text) for row, text in enumerate(column.texts or ()) if text]
    grouped = [(row, text) for row, text in given if GROUPED.fullmatch(text)]
    if len(grouped) > len(given) / 2:
        row, text = grouped[0]
        raise InputError(
            f"{table.path}: {table.place(row)}, column {quoted(column.name)} is {quoted(text)}, a number "
            "whose thousands are set apart. Write numbers without, or give "
            f"--categorical {column.name}"
        )


def _refuse_texts(table: Table, column: Column, said: str) -> None:
    """Name the first text of a column that has to hold numbers."""
    _refuse_unlike(table, column)
    for row, text in enumerate(column.texts or ()):
        if text and not _reads(text):
            where = f"{table.place(row)}, column {quoted(column.name)}"
            raise InputError(f"{table.path}: {where} is {quoted(text)}. {said}")


def _reads(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _feature(
    table: Table, column: Column, rows: Array, categorical: bool, notes: list[str]
) -> Feature | None:
    name = quoted(column.name)
    if not categorical:
        _refuse_unlike(table, column)
    if column.missing == table.rows:
        notes.append(f"{name} is empty and left out.")
        return None
    if column.missing:
        filled = "the mean of the others" if column.texts is None else "a category of its own"
        notes.append(f"{name}: {column.missing:,} missing; {filled} stands in.")
    if column.texts is None and not categorical:
        _refuse_beyond(table, column)
        values = column.numbers[rows]
        if np.isnan(values).all():
            notes.append(f"{name} is empty where there is a target, and left out.")
            return None
        mean, scale = float(np.nanmean(values)), float(np.nanstd(values))
        if scale <= 1e-12 * abs(mean):
            notes.append(f"{name} is the same in every row and left out.")
            return None
        return Feature(column.name, mean, scale)
    texts = _texts(column)
    if not categorical:
        _refuse_grouped(table, column)
    categories = tuple(sorted({texts[int(row)] or ABSENT for row in rows}))
    if len(categories) == 1:
        notes.append(f"{name} is the same in every row and left out.")
        return None
    if len(categories) > MOST_CATEGORIES or (len(categories) == len(rows) and len(rows) > 20):
        raise InputError(
            f"{table.path}: {name} has {len(categories):,} different texts in {len(rows):,} rows, "
            f"too many for categories. Leave it out: --drop {column.name}"
        )
    return Feature(column.name, categories=categories)


def _texts(column: Column) -> Sequence[str]:
    if column.texts is not None:
        return column.texts
    return ["" if np.isnan(v) else _spelled(v) for v in column.numbers]


def inputs(preparation: Preparation, table: Table, rows: Array, notes: list[str]) -> Array:
    """The inputs of the network, one row for each of the rows.

    Raises ``InputError`` for a column that is not there.
    """
    if preparation.width * len(rows) > Limits.elements:
        raise LimitError(
            f"{len(rows):,} rows of {preparation.width:,} inputs are too many: at most "
            f"{Limits.elements:,} numbers. Use fewer rows or columns."
        )
    x = np.zeros((len(rows), preparation.width))
    place = 0
    for feature in preparation.features:
        column = table.columns.get(feature.name)
        if column is None:
            raise InputError(
                f"{table.path} has no column {quoted(feature.name)}, which the network was trained with."
            )
        part = x[:, place : place + feature.width]
        _numbers(table, feature, column, rows, part) if feature.categories is None else _categories(
            feature, column, rows, part, notes
        )
        place += feature.width
    return x


def _numbers(table: Table, feature: Feature, column: Column, rows: Array, part: Array) -> None:
    _refuse_texts(table, column, "It held numbers when the network was trained.")
    if column.numbers is None:
        part[:, 0] = 0.0
        return
    _refuse_beyond(table, column)
    values = (column.numbers[rows] - feature.mean) / feature.scale
    part[:, 0] = np.where(np.isnan(values), 0.0, values)


def _categories(
    feature: Feature, column: Column, rows: Array, part: Array, notes: list[str]
) -> None:
    assert feature.categories is not None
    places = {category: n for n, category in enumerate(feature.categories)}
    texts, unknown = _texts(column), set[str]()
    for n, row in enumerate(rows):
        text = texts[int(row)] or ABSENT
        if text in places:
            part[n, places[text]] = 1.0
        else:
            unknown.add(text)
    if unknown:
        listed = ", ".join(quoted(t) for t in sorted(unknown)[:5])
        notes.append(
            f"{quoted(feature.name)}: {listed} did not occur in training and count as none."
        )


def targets(target: Target, table: Table, rows: Array) -> Array:
    """What is to be learned: one column for each class, or the number at its scale."""
    column = table.columns.get(target.name)
    if column is None:
        raise InputError(f"{table.path} has no column {quoted(target.name)} to compare with.")
    if target.classes is None:
        _refuse_texts(table, column, "Numbers are expected.")
        if column.numbers is None:
            raise InputError(f"{table.path}: {quoted(target.name)} is empty.")
        return ((column.numbers[rows] - target.mean) / target.scale)[:, None]
    places = {name: n for n, name in enumerate(target.classes)}
    texts = _texts(column)
    found = [places.get(texts[int(row)], -1) for row in rows]
    if -1 in found:
        row = int(rows[found.index(-1)])
        raise InputError(
            f"{table.path}: {table.place(row)}, {quoted(target.name)} is {quoted(texts[row])}, "
            "a class that did not occur in training."
        )
    return np.eye(len(places))[found]
