"""The cells of a notebook as one text, each character with its place in the file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from handgrad.errors import FileError

__all__ = ["cells"]

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_PIECE = re.compile(r"\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL)


def cells(raw: str, path: str) -> tuple[str, list[int]]:
    """The sources of all cells, and the texts they printed. Raises ``FileError``."""
    try:
        notebook = json.loads(raw)
    except (ValueError, RecursionError) as error:
        said = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else "nested too deeply"
        raise FileError(f"{path} is no notebook: {said}. Save it again from Jupyter.") from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise FileError(f"{path} is no notebook: it has no list of cells.")
    places = (match.span() for match in _STRING.finditer(raw))
    text: list[str] = []
    origin: list[int] = []
    for where, _ in _strings(notebook, ()):
        start, end = next(places)
        if _shown(where, notebook):
            last = start
            for piece in _PIECE.finditer(raw, start + 1, end - 1):
                text.append(_meaning(piece[0]))
                last = piece.start()
                origin.append(last)
            if not text or text[-1] != "\n":
                text.append("\n")
                origin.append(last)
    return "".join(text), origin


def _strings(node: Any, where: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every string of the file in the order it is written, keys included, with its path."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield (*where, "key"), key
            yield from _strings(value, (*where, key))
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from _strings(value, (*where, place))
    elif isinstance(node, str):
        yield where, node


def _shown(where: tuple[Any, ...], notebook: Any) -> bool:
    """Whether a reader of the notebook sees this string as text."""
    if len(where) < 3 or where[0] != "cells" or "key" in where:
        return False
    if where[2] == "source":
        return notebook["cells"][where[1]].get("cell_type") in ("markdown", "code", "raw")
    printed = where[2:3] == ("outputs",) and len(where) > 4
    return printed and (where[4] == "text" or where[4:6] == ("data", "text/plain"))


def _meaning(piece: str) -> str:
    """The character that one escape of JSON stands for."""
    if not piece.startswith("\\"):
        return piece
    return str(json.loads(f'"{piece}"')) if len(piece) > 2 else {"n": "\n", "t": " ", "r": " ", "b": " ", "f": " "}.get(piece[1], piece[1])
