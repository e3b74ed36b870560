"""Read a problem file: TOML comes in, validated plain data or every mistake at once goes out.

>>> problem = parse_problem('''
... [data]
... x = [[0.5]]
... y = [[1.5]]
... [[network.layers]]
... W = [[0.3]]
... ''')
>>> problem.network.layers[0].units
1
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from functools import partial
from typing import cast

from pydantic_core import ErrorDetails, ValidationError

from handgrad.errors import ProblemFileError
from handgrad.model.agreement import disagreements, settled, too_many
from handgrad.model.arrays import Wrong, as_number, described
from handgrad.model.files import read_bytes
from handgrad.model.forms import unknown_key
from handgrad.model.limits import Limits
from handgrad.model.mistakes import Finding, mistakes, shown
from handgrad.model.positions import (
    Path,
    decode,
    refuse_hostile,
    refuse_size,
)
from handgrad.model.schema import (
    Claim,
    EquationsTable,
    LayerTable,
    NetworkTable,
    NotationTable,
    Origin,
    ProblemFile,
    StopTable,
    TrainingTable,
    read_tables,
)
from handgrad.model.toml_text import read_toml

__all__ = ["parse_problem", "read_problem_file"]


def read_problem_file(path: str | os.PathLike[str], limits: Limits | None = None) -> ProblemFile:
    """The problem in a file.

    Raises `FileError` if the file cannot be read, `LimitError` if it is too long, and
    `ProblemFileError` with every mistake in it.
    """
    limits = limits or Limits()
    name = os.fspath(path)
    content = read_bytes(path, limits.file_bytes, "a problem file, a .toml")
    refuse_size(len(content), name, limits)
    return parse_problem(decode(content, name), name, limits)


def parse_problem(text: str, name: str = "<text>", limits: Limits | None = None) -> ProblemFile:
    """The problem in a text; ``name`` stands for it in messages.

    Raises `LimitError` if it is too long, and `ProblemFileError` with every mistake in it.
    """
    limits = limits or Limits()
    text = text.removeprefix("\ufeff")
    refuse_hostile(text, name, limits)
    document = read_toml(text, name)
    problem, findings = _checked(document, limits)
    if findings or problem is None:
        raise ProblemFileError(name, mistakes(findings, text, limits))
    return replace(settled(problem, document), origin=Origin(name, text))


# --- all mistakes


def _checked(
    document: dict[str, object], limits: Limits
) -> tuple[ProblemFile | None, list[Finding]]:
    """The tables of a document, None if some cannot be read, and what is wrong with them."""
    wrong = too_many(document, limits)
    if wrong:
        return None, [_finding(mistake) for mistake in wrong]
    wrong = [*disagreements(document, limits), *_control_characters(document)]
    findings = [_finding(mistake) for mistake in wrong]
    try:
        return read_tables(document), findings
    except ValidationError as error:
        for details in error.errors(include_url=False):
            at_key = details["type"] in ("unexpected_keyword_argument", "unknown_key")
            inside = details.get("ctx", {}).get("inside", (0, 1))
            findings.append(Finding(details["loc"], partial(_words, details), at_key, inside))
    return None, findings


def _finding(wrong: Wrong) -> Finding:
    return Finding(wrong.path, lambda: wrong.message, wrong.at_key, wrong.inside)


_Trail = tuple["_Trail | None", str | int]
"""A path from its end, sharing what is above: whole paths of a hostile file would fill memory."""


def _control_characters(document: dict[str, object]) -> Iterator[Wrong]:
    """Characters that would steer the terminal or the page on which a text is shown."""
    containers: list[tuple[_Trail | None, object]] = [(None, document)]
    while containers:
        trail, container = containers.pop()
        for key, value in _items(container):
            for text in (key, value):
                if isinstance(text, str) and (found := _CONTROL.search(text)):
                    message = f"the control character U+{ord(found[0]):04X} is here. Remove it."
                    yield Wrong(_path((trail, key)), message)
            if isinstance(value, dict | list):
                containers.append(((trail, key), cast("object", value)))


def _items(container: object) -> Iterable[tuple[str | int, object]]:
    if isinstance(container, dict):
        return cast("dict[str, object]", container).items()
    return enumerate(cast("list[object]", container))


def _path(trail: _Trail | None) -> Path:
    parts: list[str | int] = []
    while trail is not None:
        trail, part = trail
        parts.append(part)
    return tuple(reversed(parts))


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


# --- words


_TABLES: Mapping[Path, type] = {
    (): ProblemFile,
    ("network",): NetworkTable,
    ("network", "layers"): LayerTable,
    ("equations",): EquationsTable,
    ("training",): TrainingTable,
    ("training", "stop"): StopTable,
    ("notation",): NotationTable,
    ("claims",): Claim,
}

_MISSING = {
    "layers": "Add [[network.layers]], one for each layer.",
    "forward": 'Give the equations: forward = """…""".',
    "loss": 'Name the quantity to differentiate: loss = "E".',
    "loss_below": "Give the loss at which to stop.",
    "quantity": 'Name what was printed: quantity = "W1_new[1,1]".',
    "value": 'Give the number as printed, in quotes: value = "0.3005".',
}

_WANTED = {
    "int_type": "a whole number is expected.",
    "int_from_float": "a whole number is expected.",
    "string_type": "a text in quotes is expected.",
    "bool_type": "true or false is expected.",
    "dict_type": "a table is expected.",
    "dataclass_type": "a table is expected.",
}

_BOUNDS = {
    "greater_than_equal": ("ge", "{} or more"),
    "greater_than": ("gt", "more than {}"),
    "less_than_equal": ("le", "{} or less"),
    "less_than": ("lt", "less than {}"),
}


def _words(details: ErrorDetails) -> str:
    """Pydantic's finding in the words of this package."""
    kind, given, path = details["type"], details["input"], details["loc"]
    context = details.get("ctx", {})
    if kind in ("mistake", "unknown_key"):
        return context["message"]
    if kind == "unexpected_keyword_argument":
        return unknown_key(str(path[-1]), _known_keys(path[:-1]))
    if kind == "missing":
        return f"missing. {_MISSING[str(path[-1])]}"
    if path == ("version",):
        return f"{described(given)} was given; this handgrad reads version = 1."
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        expected = words.format(str(context[bound]).removesuffix(".0"))
        return f"{described(given)} was given; {expected} is expected."
    if kind in ("float_type", "finite_number"):
        return f"the value {as_number(given)}"
    if kind == "string_too_short":
        return "this text is empty. Write something, or leave the key out."
    if kind == "tuple_type":
        return f"{described(given)} was given; {_list_wanted(path)}"
    return f"{described(given)} was given; {_WANTED.get(kind, details['msg'] + '.')}"


def _known_keys(table: Path) -> list[str]:
    kind = _TABLES.get(tuple(part for part in table if isinstance(part, str)), ProblemFile)
    return [entry.name for entry in fields(kind) if entry.name != "origin"]


def _list_wanted(path: Path) -> str:
    if path[-1] in ("layers", "claims"):
        return f"a list of tables is expected. Write [[{shown(path)}]] with two brackets."
    return "a list is expected."
