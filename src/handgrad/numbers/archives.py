"""Arrays from a NumPy archive, read without trust: no pickles, and no more bytes than it declares."""

from __future__ import annotations

import math
import mmap
import re
import tokenize
import zipfile
import zlib
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np

from handgrad.errors import FileError, LimitError, quoted
from handgrad.model.files import regular_file
from handgrad.model.limits import Limits

__all__ = ["read_archive"]

Array = Any
WHAT = "the path of an .npz file"
HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
DAMAGED = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    OverflowError,
    RuntimeError,  # a member that asks for a password, or a header too deep
    MemoryError,
    SyntaxError,
    tokenize.TokenError,  # NumPy reads a header as Python's literals
    zipfile.BadZipFile,
    zlib.error,
)


def read_archive(path: Path, limits: Limits | None = None) -> dict[str, Array]:
    """The arrays of an ``.npz`` file by name, as float64.

    Raises ``FileError`` for a file that is none, ``LimitError`` for one that unpacks to too much.
    """
    limits = limits or Limits()
    regular_file(path, limits.data_bytes, WHAT)
    try:
        _refuse_entries(path, limits)
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if m.filename.endswith(".npy")]
            _refuse_size(path, members, limits)
            return {m.filename.removesuffix(".npy"): _member(path, archive, m) for m in members}
    except DAMAGED:
        raise FileError(
            f"{path} is no archive of numbers, or it is damaged. "
            "Write it with numpy.savez(file, W1=…, b1=…)."
        ) from None


def _refuse_entries(path: Path, limits: Limits) -> None:
    """Count what the archive lists before it is opened: opening keeps every entry in memory."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        listed = sum(1 for _ in islice(re.finditer(rb"PK\x01\x02", content), limits.arrays + 1))
    if listed > limits.arrays:
        raise LimitError(f"{path} lists more files than the {limits.arrays:,} that are read.")


def _refuse_size(path: Path, members: list[zipfile.ZipInfo], limits: Limits) -> None:
    if not members:
        raise FileError(f"{path} holds no arrays. Write it with numpy.savez(file, W1=…, b1=…).")
    unpacked = sum(member.file_size for member in members)
    if unpacked > limits.data_bytes:
        raise LimitError(f"{path} unpacks to {unpacked:,} bytes; at most {limits.data_bytes:,}.")


def _member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    name = quoted(member.filename.removesuffix(".npy"))
    try:
        with archive.open(member) as file:
            return _array(file, member.file_size)
    except _Unusable as error:
        raise FileError(f"{path}: {name} {error}") from None
    except DAMAGED:
        raise FileError(f"{path}: {name} is damaged. Write the file again.") from None


class _Unusable(Exception):
    """What an array is that nothing can be done with."""


def _array(file: IO[bytes], size: int) -> Array:
    """One array, its declared shape compared with its size before anything is allocated."""
    version = np.lib.format.read_magic(file)
    if version not in HEADERS:
        raise _Unusable("has an array format that is not known. Write the file with numpy.savez.")
    shape, fortran, dtype = HEADERS[version](file)
    if dtype.kind not in "fiub":
        kind = "Python objects" if dtype.hasobject else f"values of the type {dtype.name}"
        raise _Unusable(f"holds {kind}. Give real numbers: W1.astype(float).")
    count = math.prod(shape)
    if count * dtype.itemsize > size:
        raise _Unusable("is cut short. Write the file again.")
    data = np.frombuffer(file.read(count * dtype.itemsize), dtype=dtype, count=count)
    with np.errstate(over="ignore"):  # of long doubles; what is not finite is told later
        return data.reshape(shape, order="F" if fortran else "C").astype(np.float64)
