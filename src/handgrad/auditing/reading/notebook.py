"""The cells of a notebook as one text, each character with its place in the file."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterator
from typing import Any, cast

from handgrad.errors import FileError, LimitError

__all__ = ["cells"]

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_PIECE = re.compile(
    r"(?:\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[0-9a-fA-F]{4}|\\.|[^\\]+",
    re.DOTALL,
)
MOST_CELLS = 5_000
_ESCAPES = {"n": "\n", "t": " ", "r": " ", "b": " ", "f": " "}
Path = tuple[str | int, ...]


def cells(raw: str, path: str) -> tuple[str, array[int]]:
    """The sources of all cells, and the texts they printed. Raises ``FileError``, ``LimitError``."""
    notebook = _loaded(raw, path)
    if len(notebook["cells"]) > MOST_CELLS:
        raise LimitError(f"{path} has more than {MOST_CELLS:,} cells. Cut it into parts.")
    kinds = [_kind(cell) for cell in notebook["cells"]]
    places = (match.span() for match in _STRING.finditer(raw))
    text: list[str] = []
    origin: array[int] = array("i")
    for where, (start, end) in zip(_strings(notebook, ()), places, strict=False):
        if not _shown(where, kinds):
            continue
        for piece in _PIECE.finditer(raw, start + 1, end - 1):
            text.append(_meaning(piece[0]))
            escape = piece[0].startswith("\\")
            origin.extend([piece.start()] if escape else range(piece.start(), piece.end()))
        if not text or not text[-1].endswith("\n"):
            text.append("\n")
            origin.append(end - 1)
    return "".join(text), origin


def _loaded(raw: str, path: str) -> dict[str, Any]:
    try:
        notebook = json.loads(raw)
    except json.JSONDecodeError as error:
        said = f"line {error.lineno}: {error.msg}"
    except RecursionError:
        said = "nested too deeply"
    except ValueError:
        said = "it holds a number of too many digits"
    else:
        if isinstance(notebook, dict):
            notebook = cast("dict[str, Any]", notebook)
            if isinstance(notebook.get("cells"), list):
                return notebook
        raise FileError(f"{path} is no notebook: it has no list of cells.")
    raise FileError(f"{path} is no notebook: {said}. Save it again from Jupyter.")


def _kind(cell: Any) -> Any:
    return cast("dict[str, Any]", cell).get("cell_type") if isinstance(cell, dict) else None


def _strings(node: Any, where: Path) -> Iterator[Path]:
    """The path to every string of the file in the order it is written, keys included."""
    if isinstance(node, dict):
        for key, value in cast("dict[str, Any]", node).items():
            yield (*where, "key")
            yield from _strings(value, (*where, key))
    elif isinstance(node, list):
        for place, value in enumerate(cast("list[Any]", node)):
            yield from _strings(value, (*where, place))
    elif isinstance(node, str):
        yield where


def _shown(where: Path, kinds: list[Any]) -> bool:
    """Whether a reader of the notebook sees this string as text."""
    match where:
        case ("cells", _, *_, "key"):
            return False
        case ("cells", int(cell), "source", *_):
            return kinds[cell] in ("markdown", "code", "raw")
        case ("cells", _, "outputs", _, "text", *_):
            return True
        case ("cells", _, "outputs", _, "data", "text/plain", *_):
            return True
        case _:
            return False


def _meaning(piece: str) -> str:
    """The characters that are written, or the one that an escape of JSON stands for."""
    if not piece.startswith("\\"):
        return piece
    if len(piece) == 2:
        return _ESCAPES.get(piece[1], piece[1])
    meant = str(json.loads(f'"{piece}"'))
    return "\ufffd" if "\ud800" <= meant <= "\udfff" else meant
