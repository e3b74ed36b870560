"""The losses of a run in, event files for TensorBoard out, epoch by epoch as they come."""

# tensorboardX is an extra: it is imported where it is asked for, and its types are not known before.
# pyright: reportMissingImports=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from handgrad.errors import FileError, InputError
from handgrad.training.running import History

__all__ = ["logged"]

TRAINING, VALIDATION = "loss/training", "loss/validation"
"""The names of the curves; TensorBoard shows what stands before the stroke as one group."""


@contextmanager
def logged(folder: Path | None, epochs: int) -> Generator[Callable[[History], None]]:
    """A function that writes the epochs it has not yet seen; ``epochs`` are there already.

    Raises ``InputError`` where the extra is missing, ``FileError`` where nothing can be written.
    """
    if folder is None:
        yield lambda _: None
        return
    writer, done = _writer(folder, epochs), epochs

    def tell(history: History) -> None:
        nonlocal done
        for name, losses in ((TRAINING, history.loss), (VALIDATION, history.validation)):
            for epoch, loss in enumerate(losses[done:], done + 1):
                writer.add_scalar(name, loss, epoch)
        done = len(history.loss)

    try:
        yield tell
    finally:
        writer.close()


def _writer(folder: Path, epochs: int) -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise InputError(
            'Event files for TensorBoard need tensorboardX: pip install "handgrad[tensorboard]".'
        ) from None
    try:
        # a file is named by the second; one begun in the same must not be written over
        return SummaryWriter(str(folder), filename_suffix=f".{os.getpid()}.{epochs}")
    except OSError as error:
        raise FileError(f"{folder} cannot be written: {error.strerror or error}.") from None
