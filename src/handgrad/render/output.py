"""Output files appear whole or not at all: written beside the target, then put in its place."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from handgrad.errors import FileError

__all__ = ["refuse_unwritable", "write_whole"]


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file, text as UTF-8; an existing one is replaced at once, or stays as it was.

    Raises ``FileError`` for a folder that does not exist, no permission or a full disk.
    """
    content = content.encode() if isinstance(content, str) else content
    refuse_unwritable(path)
    if path.exists() and not path.is_file():
        _write_through(path, content)
    elif path.is_symlink():  # the link stays; the file it leads to is replaced
        try:
            end = path.resolve(strict=True)
        except (OSError, RuntimeError):
            raise FileError(f"{path} is a link that leads nowhere.") from None
        _replace(end, content)
    else:
        _replace(path, content)


def refuse_unwritable(path: Path) -> None:
    """Raise ``FileError`` where no file of that name can be: before what goes into it is worked out."""
    folder = path.parent
    if not folder.is_dir():
        raise FileError(f"{path} cannot be written: there is no folder {folder}. Make it first.")
    if path.is_dir():
        raise FileError(f"{path} is a folder. Give the name of a file.")


def _replace(path: Path, content: bytes) -> None:
    folder = path.parent
    try:
        short = path.name[:40]  # a name may be as long as the file system allows
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{short}.", suffix=".part")
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}.") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        if isinstance(error, OSError):
            raise FileError(f"{path} cannot be written: {error.strerror}.") from None
        raise


def _write_through(path: Path, content: bytes) -> None:
    """Write to a pipe or a device, such as /dev/stdout: there is nothing to keep whole."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}.") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
