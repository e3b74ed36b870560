"""The bytes of a file that somebody named: bounded, and never waited for without end."""

from __future__ import annotations

import io
import os
import select
import stat
import time
from pathlib import Path

from handgrad.errors import FileError, LimitError, quoted

__all__ = ["read_bytes", "regular_file"]

PATIENCE = 5.0  # seconds for which a pipe may be silent
PIECE = 1 << 16
FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read_bytes(path: str | os.PathLike[str], most: int, what: str) -> bytes:
    """The bytes of a file or a pipe, at most one more than ``most``.

    ``what`` says what kind of file is expected. Raises ``FileError`` for a file that is not there, is a
    folder or may not be read, and for a pipe that stays silent.
    """
    try:
        handle = os.open(path, FLAGS)
        with io.FileIO(handle) as file:
            if stat.S_ISREG(os.fstat(handle).st_mode):
                return file.read(most + 1)
            return _through_a_pipe(handle, most, path)
    except (OSError, ValueError) as error:
        raise _refused(path, error, what) from None


def regular_file(path: str | os.PathLike[str], most: int, what: str) -> None:
    """Refuse what is no file of at most ``most`` bytes, for readers that jump about in it.

    Raises ``FileError`` as ``read_bytes`` does, and ``LimitError``.
    """
    try:
        found = Path(path).stat()
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError
        if not os.access(path, os.R_OK):
            raise PermissionError
    except (OSError, ValueError) as error:
        raise _refused(path, error, what) from None
    if not stat.S_ISREG(found.st_mode):
        raise FileError(f"{os.fspath(path)} is a pipe or a device. Give {what}.")
    if found.st_size > most:
        raise LimitError(
            f"{os.fspath(path)} has {found.st_size:,} bytes; at most {most:,} are read."
        )


def _through_a_pipe(handle: int, most: int, path: str | os.PathLike[str]) -> bytes:
    content = b""
    waited = time.monotonic()
    while len(content) <= most:
        ready, _, _ = select.select([handle], [], [], PATIENCE)
        piece = os.read(handle, PIECE) if ready else None
        if piece is None or time.monotonic() - waited > 10 * PATIENCE:
            raise FileError(
                f"{os.fspath(path)} is a pipe, and nothing came through it for {PATIENCE:g} seconds. "
                "Give a file, or start what writes to the pipe."
            )
        if not piece:
            break
        content += piece
    return content[: most + 1]


def _refused(path: str | os.PathLike[str], error: OSError | ValueError, what: str) -> FileError:
    name = os.fspath(path) or '""'
    match error:
        case FileNotFoundError():
            return FileError(f"{name}: there is no such file. {_neighbours(Path(name))}")
        case IsADirectoryError():
            return FileError(f"{name} is a folder. Give {what}.")
        case PermissionError():
            return FileError(f"{name}: no permission to read it. Change its permissions.")
        case _:
            reason = getattr(error, "strerror", None) or str(error)
            return FileError(f"{quoted(name)} cannot be read: {reason}. Give {what}.")


def _neighbours(path: Path) -> str:
    """The files of the same kind beside a file that is not there."""
    try:
        entries = sorted(entry.name for entry in path.parent.iterdir())
    except (OSError, ValueError):
        return "There is no such folder either."
    ending = path.suffix or ".toml"
    found = [quoted(entry) for entry in entries if entry.endswith(ending)]
    return f"In that folder are: {', '.join(found[:5])}." if found else "Check the path."
