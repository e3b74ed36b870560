"""Weights from a safetensors file: its header is looked at before anything is read from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from pydantic_core import from_json

from handgrad.errors import FileError, InputError, LimitError, quoted
from handgrad.model.files import read_bytes, regular_file
from handgrad.model.limits import Limits

__all__ = ["read_weights"]

Array = Any
KINDS = ("F64", "F32", "F16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL")
WHAT = "a .safetensors file in network.values"


def read_weights(
    path: Path, limits: Limits | None = None, *, expected: str = WHAT
) -> dict[str, Array]:
    """The arrays of a safetensors file by name, as float64; ``expected`` says what is asked for.

    Raises ``FileError`` for a file that cannot be read or is none, ``LimitError`` for one that is too
    large, ``InputError`` where the package safetensors is missing.
    """
    limits = limits or Limits()
    regular_file(path, limits.data_bytes, expected)
    content = read_bytes(path, limits.data_bytes, expected)
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load  # pyright: ignore[reportUnknownVariableType]
    except ImportError:
        raise InputError(
            'Reading weights needs safetensors: pip install "handgrad[safetensors]".'
        ) from None
    _check_header(path, content, limits)
    try:
        arrays: dict[str, Array] = load(content)
        return {name: _finite(path, name, np.asarray(v, np.float64)) for name, v in arrays.items()}
    except (SafetensorError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise _none(path, f"its header is damaged ({quoted(str(error))})") from None


def _finite(path: Path, name: str, array: Array) -> Array:
    if not np.isfinite(array).all():
        place = ", ".join(str(n + 1) for n in np.argwhere(~np.isfinite(array))[0])
        raise FileError(f"{path}: {quoted(name)} is not finite at [{place}]. Give finite numbers.")
    return array


def _none(path: Path, why: str) -> FileError:
    return FileError(f"{path} is no safetensors file: {why}. Save the weights again.")


def _check_header(path: Path, content: bytes, limits: Limits) -> None:
    """Say in words what is wrong with the table of contents, before it is believed."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > len(content) - 8:
        raise _none(path, f"it is cut short: {len(content):,} bytes are too few for its header")
    if length > limits.header_bytes:
        raise LimitError(
            f"{path}: its header has {length:,} bytes; at most {limits.header_bytes:,} are read."
        )
    try:
        header = from_json(content[8 : 8 + length])
    except ValueError:
        raise _none(path, "its header is no JSON") from None
    if not isinstance(header, dict):
        raise _none(path, "its header is no table of arrays")
    entries = cast("dict[str, object]", header)
    if len(entries) > limits.arrays:
        raise LimitError(f"{path} holds {len(entries):,} arrays; at most {limits.arrays:,}.")
    for name, entry in entries.items():
        if name != "__metadata__":
            _check_entry(path, name, entry, len(content) - 8 - length)


def _check_entry(path: Path, name: str, entry: object, size: int) -> None:
    table: Mapping[str, Any] = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
    kind, shape, offsets = (table.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not _counts(shape) or not _counts(offsets) or len(cast("list[int]", offsets)) != 2:
        raise _none(path, f"the entry of {quoted(name)} has no shape or no place")
    if kind not in KINDS:
        raise FileError(
            f"{path}: {quoted(name)} holds {quoted(str(kind))}; real numbers are read: "
            f"{', '.join(KINDS)}. Convert it."
        )
    if math.prod(cast("list[int]", shape)) > size or cast("list[int]", offsets)[1] > size:
        raise _none(path, f"it is cut short: {quoted(name)} is larger than the file")


def _counts(value: object) -> bool:
    """A list of whole numbers of 63 bits; true and false are none."""
    return isinstance(value, list) and all(
        type(n) is int and 0 <= n < 2**63 for n in cast("list[object]", value)
    )
