"""Arrays from a NumPy archive, read without trust: no pickles, and no more bytes than it declares."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from handgrad.errors import FileError, LimitError
from handgrad.model.limits import Limits

__all__ = ["read_archive"]

Array = Any
MOST_ARRAYS = 10_000


def read_archive(path: Path, limits: Limits | None = None) -> dict[str, Array]:
    """The arrays of an ``.npz`` file by name, as float64.

    Raises ``FileError`` for a file that is none, ``LimitError`` for one that unpacks to too much.
    """
    limits = limits or Limits()
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if m.filename.endswith(".npy")]
            if len(members) > MOST_ARRAYS:
                raise LimitError(f"{path} holds {len(members):,} arrays; at most {MOST_ARRAYS:,}.")
            unpacked = sum(member.file_size for member in members)
            if unpacked > limits.data_bytes:
                raise LimitError(
                    f"{path} unpacks to {unpacked:,} bytes; at most {limits.data_bytes:,}."
                )
            arrays: dict[str, Array] = {}
            for member in members:
                with archive.open(member) as file:
                    arrays[member.filename.removesuffix(".npy")] = _array(file, member.file_size)
    except FileNotFoundError:
        raise FileError(f"{path}: there is no such file. Give the path of an .npz file.") from None
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (
        zipfile.BadZipFile,
        ValueError,
        NotImplementedError,
        EOFError,
        zlib.error,
    ) as error:
        raise FileError(
            f"{path} is no archive of numbers (.npz, from numpy.savez): {error}"
        ) from None
    return arrays


def _array(file: IO[bytes], size: int) -> Array:
    """One array, its declared shape compared with its size before anything is allocated."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"array format {version} is not known")
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, fortran, dtype = read(file)
    if dtype.kind not in "fiub":
        raise ValueError("it holds something other than numbers")
    count = math.prod(shape)
    if count * dtype.itemsize > size:
        raise ValueError("an array is cut short")
    data = np.frombuffer(file.read(count * dtype.itemsize), dtype=dtype, count=count)
    return data.reshape(shape, order="F" if fortran else "C").astype(np.float64)
