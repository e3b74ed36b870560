"""Arrays and a record in, one file on the disk out, whole and provably undamaged; and back.

A file is in the safetensors format: a table of contents as JSON, then the numbers. The record
stands in its metadata, with a SHA-256 of the whole file in which the digest itself counts as zeros.
It is written beside its target, flushed to the disk, and put in place at once: whenever a process
dies, the file before is there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.errors import FileError, InputError

try:  # Windows has none; there a folder is not guarded against a second process
    import fcntl
except ImportError:  # pragma: no cover
    fcntl = None

__all__ = ["checkpoints", "checksum", "locked", "pack", "read", "unpack", "write"]

Array = Any
KINDS = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4"}
NAMES = {"float64": "F64", "float32": "F32", "int64": "I64", "int32": "I32"}
ZEROS = "0" * 64
MARK = b'"sha256":"'
ENDING = ".safetensors"
PART = ".part"


class _Damaged(Exception):
    """Why a file is not what was written."""


def pack(arrays: Mapping[str, Array], record: Any) -> bytes:
    """The bytes of a file."""
    table: dict[str, Any] = {
        "__metadata__": {"sha256": ZEROS, "handgrad": json.dumps(record, ensure_ascii=True)}
    }
    pieces: list[bytes] = []
    place = 0
    for name, array in arrays.items():
        kind = NAMES[np.asarray(array).dtype.name]
        piece = np.ascontiguousarray(array, KINDS[kind]).tobytes()
        table[name] = {
            "dtype": kind,
            "shape": list(np.shape(array)),
            "data_offsets": [place, place + len(piece)],
        }
        pieces.append(piece)
        place += len(piece)
    header = json.dumps(table, separators=(",", ":"), ensure_ascii=True).encode()
    header += b" " * (-len(header) % 8)
    head = len(header).to_bytes(8, "little") + header
    digest = hashlib.sha256(head)
    for piece in pieces:
        digest.update(piece)
    signed = head.replace(MARK + ZEROS.encode(), MARK + digest.hexdigest().encode(), 1)
    return b"".join((signed, *pieces))


def unpack(content: bytes) -> tuple[dict[str, Array], Any]:
    """The arrays and the record of a file. Raises ``FileError`` where a single bit is not as written."""
    try:
        return _unpacked(content)
    except _Damaged as error:
        raise FileError(f"it is damaged: {error}") from None
    except (ValueError, KeyError, TypeError, IndexError, OverflowError):
        raise FileError("it is damaged: its table of contents cannot be read") from None


def _unpacked(content: bytes) -> tuple[dict[str, Array], Any]:
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > len(content) - 8:
        raise _Damaged("it is cut short")
    at = content.find(MARK, 8, 8 + length)
    if at < 0:
        raise _Damaged("it has no checksum")
    at += len(MARK)
    digest = hashlib.sha256(content[:at])
    digest.update(ZEROS.encode())
    digest.update(memoryview(content)[at + 64 :])
    if digest.hexdigest().encode() != content[at : at + 64]:
        raise _Damaged("its checksum does not agree")
    table = json.loads(content[8 : 8 + length])
    record = json.loads(table.pop("__metadata__")["handgrad"])
    body = 8 + length
    arrays = {
        name: np.frombuffer(
            content[body + entry["data_offsets"][0] : body + entry["data_offsets"][1]],
            KINDS[entry["dtype"]],
        ).reshape(entry["shape"])
        for name, entry in table.items()
    }
    return arrays, record


def write(path: Path, arrays: Mapping[str, Array], record: Any) -> None:
    """Write a file whole or not at all, and flush it to the disk.

    Raises ``FileError`` for a full disk, no permission or no folder; what was there before stays.
    """
    content = pack(arrays, record)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{PART}")
    try:
        free = shutil.disk_usage(path.parent).free
        if free < 2 * len(content):
            raise FileError(
                f"{path} cannot be written: {free:,} bytes are free on its disk, and "
                f"{2 * len(content):,} are needed. Make room, or give another folder."
            )
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise FileError(
            f"{path} cannot be written: {error.strerror or error}. What was saved before is unharmed."
        ) from None


def _flush_folder(folder: Path) -> None:
    """Make the disk know the new name; some systems cannot, and need not."""
    with contextlib.suppress(PermissionError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def read(path: Path) -> tuple[dict[str, Array], Any]:
    """The arrays and the record of a file. Raises ``FileError`` if it is missing or damaged."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}.") from None
    try:
        return unpack(content)
    except FileError as error:
        raise FileError(f"{path}: {error}.") from None


def checksum(path: Path) -> str:
    """The checksum that a file bears. Raises ``FileError`` where it cannot be read or bears none."""
    try:
        with path.open("rb") as file:
            head = file.read(int.from_bytes(file.read(8), "little"))
    except (OSError, OverflowError, MemoryError) as error:
        raise FileError(f"{path} cannot be read: {error}.") from None
    at = head.find(MARK) + len(MARK)
    if at < len(MARK):
        raise FileError(f"{path}: it has no checksum.")
    return head[at : at + len(ZEROS)].decode("ascii", "replace")


def checkpoints(folder: Path, prefix: str = "step-") -> list[tuple[int, Path]]:
    """The checkpoints of a folder by their updates, the latest first."""
    pattern = re.compile(re.escape(prefix) + r"(\d{1,12})" + re.escape(ENDING))
    found = ((pattern.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted(((int(m.group(1)), path) for m, path in found if m), reverse=True)


@contextlib.contextmanager
def locked(folder: Path) -> Generator[None]:
    """Keep a folder to this process, and sweep out what a killed one left half written.

    Raises ``InputError`` where another process trains into it.
    """
    try:
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise FileError(f"{folder} cannot be written to: {error.strerror or error}.") from None
    try:
        if fcntl is not None:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InputError(
                    f"Another process trains into {folder}. Wait for it, or give another folder."
                ) from None
        for path in folder.glob(f".*{PART}"):
            with contextlib.suppress(OSError):
                path.unlink()
        yield
    finally:
        os.close(handle)
