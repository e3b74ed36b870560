"""A file of examples in, its columns out: CSV, Parquet or NumPy arrays, read without trust.

A column is an array of numbers, NaN where one is missing, or a list of texts, empty where missing.
"""

# pyarrow is an extra: it is imported where it is asked for, and its types are not known before.
# pyright: reportMissingImports=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.errors import FileError, InputError, LimitError, quoted
from handgrad.model.files import read_bytes, regular_file
from handgrad.model.limits import Limits
from handgrad.numbers.archives import read_archive

__all__ = ["MISSING", "Column", "Table", "read_table"]

Array = Any
WHAT = "a table of examples: .csv, .parquet or .npz"
MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "?", "-"))
"""How an absent value is written; capitals count as small letters."""
DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Column:
    """One column; ``texts`` where its cells are words, else ``numbers``. Lines count from 1."""

    name: str
    numbers: Array = None
    texts: tuple[str, ...] | None = None
    unlike: tuple[int, str] | None = None  # the first row, from 0, of a text among numbers

    @property
    def present(self) -> Array:
        """Which rows have a value."""
        if self.texts is not None:
            return np.array([bool(text) for text in self.texts], bool)
        return ~np.isnan(self.numbers)

    @property
    def missing(self) -> int:
        """How many rows have no value."""
        return int((~self.present).sum())


@dataclass(frozen=True)
class Table:
    """The columns of a file by name; ``first`` is the line of its first row, for messages."""

    path: Path
    columns: Mapping[str, Column]
    rows: int
    first: int = 1
    places: tuple[int, ...] = ()  # the row of the file for each, where some are empty

    def place(self, row: int) -> str:
        """Where a row stands, in the words of a message."""
        return f"row {self.places[row] if self.places else row + self.first:,}"


def read_table(path: Path) -> Table:
    """The table in a file, by the ending of its name.

    Raises ``FileError`` for what cannot be read, ``InputError`` with row and column for what does not
    fit, ``LimitError`` for more than is read.
    """
    readers = {
        ".csv": _read_csv,
        ".tsv": _read_csv,
        ".txt": _read_csv,
        ".parquet": _read_parquet,
        ".npz": _read_npz,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: give {WHAT}.")
    table = reader(path)
    if not table.rows:
        raise InputError(f"{path} holds no examples. Give one row per example.")
    return table


# --- CSV ---------------------------------------------------------------------------------------


def _read_csv(path: Path) -> Table:
    content = read_bytes(path, Limits.data_bytes, WHAT)
    if len(content) > Limits.data_bytes:
        raise LimitError(f"{path} has more than the {Limits.data_bytes:,} bytes that are read.")
    text = _decoded(path, content)
    if not text.strip():
        raise InputError(f"{path} is empty. Give a line of names, then one row per example.")
    delimiter = _delimiter(text)
    head = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    if len(head) > Limits.units:
        raise LimitError(
            f"{path} has {len(head):,} columns; at most {Limits.units:,} are read. Leave some out."
        )
    comma = delimiter != ","
    named = not all(_number(cell, comma) is not None for cell in head)
    names = _names(path, head) if named else [f"column{n + 1}" for n in range(len(head))]
    numbers = _plain_numbers(text, delimiter, len(names), skip=int(named))
    if numbers is not None:
        columns = {n: Column(n, numbers[:, k]) for k, n in enumerate(names)}
        return Table(path, columns, len(numbers), 1 + named)
    numbered = [*_rows(path, text, delimiter, len(names), skip=int(named))]
    places, rows = tuple(n for n, _ in numbered), [row for _, row in numbered]
    cells = zip(*rows, strict=True) if rows else ([] for _ in names)
    columns = {n: _column(n, list(c), comma) for n, c in zip(names, cells, strict=True)}
    return Table(path, columns, len(rows), 1 + named, places)


def _decoded(path: Path, content: bytes) -> str:
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise FileError(
            f"{path}: line {line:,} is not UTF-8. Save the file as UTF-8 (in a spreadsheet: CSV UTF-8)."
        ) from None
    if "\0" in text:
        raise FileError(f"{path} is no text: it holds zero bytes. Give {WHAT}.")
    return text


def _delimiter(text: str) -> str:
    """The sign between the cells: of those in the first line the most frequent one."""
    line = text.lstrip().partition("\n")[0]
    outside = "".join(part for n, part in enumerate(line.split('"')) if n % 2 == 0)
    count = Counter(c for c in outside if c in DELIMITERS)
    return max(DELIMITERS, key=lambda c: count[c]) if count else ","


def _names(path: Path, head: Sequence[str]) -> list[str]:
    names = [name.strip() or f"column{n + 1}" for n, name in enumerate(head)]
    twice = [name for name, many in Counter(names).items() if many > 1]
    if twice:
        raise InputError(f"{path}: two columns are called {quoted(twice[0])}. Rename one.")
    return names


def _plain_numbers(text: str, delimiter: str, columns: int, skip: int) -> Array | None:
    """All of a table at once where it holds nothing but numbers; else None."""
    try:
        found = (
            np.loadtxt(
                io.StringIO(text),
                delimiter=delimiter,
                skiprows=skip,
                ndmin=2,
                comments=None,
                quotechar='"',
            )
            if _begins_plain(text, delimiter, skip)
            else None
        )
    except (ValueError, StopIteration):
        return None
    if found is None or found.shape[1] != columns or not np.isfinite(found).all():
        return None
    return found


def _begins_plain(text: str, delimiter: str, skip: int) -> bool:
    """Whether the first row is all numbers, so that it is worth reading on in that way."""
    lines = text.split("\n", skip + 1)
    cells = lines[skip].split(delimiter) if len(lines) > skip else []
    return bool(cells) and all(
        _number(cell.strip().strip('"'), False) is not None for cell in cells
    )


def _rows(
    path: Path, text: str, delimiter: str, columns: int, skip: int
) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for number, row in enumerate(reader, 1):
            if number <= skip or not any(cell.strip() for cell in row):
                continue
            if len(row) != columns:
                raise InputError(
                    f"{path}: row {number:,} has {len(row):,} cells, and the first row {columns:,}. "
                    "Give every row the same number, empty ones included."
                )
            yield number, [cell.strip() for cell in row]
    except csv.Error as error:
        raise InputError(f"{path}: row {reader.line_num:,} cannot be read: {error}.") from None


def _number(cell: str, comma: bool) -> float | None:
    try:
        return float(cell)
    except ValueError:
        if comma and cell.count(",") == 1:
            return _number(cell.replace(",", "."), False)
        return None


def _column(name: str, cells: Sequence[str], comma: bool) -> Column:
    """A column of numbers if most of its cells are numbers, else of texts."""
    values = [math.nan if cell.lower() in MISSING else _number(cell, comma) for cell in cells]
    words = [n for n, value in enumerate(values) if value is None]
    given = sum(cell.lower() not in MISSING for cell in cells)
    if not words and given:
        return Column(name, np.array(values, np.float64))
    texts = tuple("" if cell.lower() in MISSING else cell for cell in cells)
    numbers = given - len(words)
    unlike = (words[0], cells[words[0]]) if words and numbers > given / 2 else None
    return Column(name, texts=texts, unlike=unlike)


# --- Parquet and NumPy -------------------------------------------------------------------------


def _read_parquet(path: Path) -> Table:
    regular_file(path, Limits.data_bytes, WHAT)
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise InputError('Reading Parquet needs pyarrow: pip install "handgrad[data]".') from None
    try:
        found = pq.read_table(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise FileError(f"{path} cannot be read as Parquet: {quoted(str(error))}.") from None
    if found.num_columns > Limits.units:
        raise LimitError(
            f"{path} has {found.num_columns:,} columns; at most {Limits.units:,} are read."
        )
    columns = {
        name: _arrow_column(path, name, found.column(name), pa) for name in found.column_names
    }
    return Table(path, columns, found.num_rows)


def _arrow_column(path: Path, name: str, column: Any, pa: Any) -> Column:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return Column(name, np.array(numbers, np.float64))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind):
        return Column(name, texts=tuple("" if v is None else str(v) for v in column.to_pylist()))
    raise InputError(f"{path}: column {quoted(name)} is of the type {kind}. Give numbers or texts.")


def _read_npz(path: Path) -> Table:
    """The arrays x and y, or any arrays of one or two axes and as many rows."""
    arrays = read_archive(path)
    lengths = {name: len(a) if a.ndim else 0 for name, a in arrays.items()}
    if len(set(lengths.values())) != 1 or any(a.ndim not in (1, 2) for a in arrays.values()):
        said = ", ".join(f"{n} {a.shape}" for n, a in list(arrays.items())[:8])
        raise InputError(
            f"{path}: give arrays of one or two axes with as many rows each; there are {said}."
        )
    count = sum(array[:1].size for array in arrays.values())
    if count > Limits.units:
        raise LimitError(f"{path} has {count:,} columns; at most {Limits.units:,} are read.")
    columns: dict[str, Column] = {}
    for name, array in arrays.items():
        if array.ndim == 1:
            columns[name] = Column(name, array)
        else:
            columns |= {
                f"{name}[{k + 1}]": Column(f"{name}[{k + 1}]", array[:, k])
                for k in range(array.shape[1])
            }
    return Table(path, columns, next(iter(lengths.values())))
