"""The losses of a run in, event files for TensorBoard out, epoch by epoch as they come."""

# tensorboardX is an extra: it is imported where it is asked for, and its types are not known before.
# pyright: reportMissingImports=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportAttributeAccessIssue=false
from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from handgrad.errors import FileError, InputError
from handgrad.training.running import History

__all__ = ["logged"]

TRAINING, VALIDATION = "loss/training", "loss/validation"
"""The names of the curves; TensorBoard shows what stands before the stroke as one group."""
FLUSHED = 10.0
"""Seconds after which what is written can be read."""


@contextmanager
def logged(folder: Path | None, epochs: int) -> Generator[Callable[[History], None]]:
    """A function that writes the epochs it has not yet seen; ``epochs`` are there already.

    Raises ``InputError`` where the extra is missing, ``FileError`` where something cannot be written.
    """
    if folder is None:
        yield lambda _: None
        return
    with _told(folder):
        curves = _Curves(folder, epochs)
    try:
        yield curves.tell
    finally:
        with _told(folder):
            curves.writer.close()


class _Curves:
    """The losses of a run in one event file, written by whoever tells them, so that a full disk is told.

    The usual writer has a thread of its own, which such an error ends unheard.
    """

    def __init__(self, folder: Path, epochs: int) -> None:
        try:
            from tensorboardX import event_file_writer
        except ImportError:
            raise InputError(
                'Event files for TensorBoard need tensorboardX: pip install "handgrad[tensorboard]".'
            ) from None
        folder.mkdir(parents=True, exist_ok=True)
        # a file is named by the second; one begun in the same must not be written over
        suffix = f".{os.getpid()}.{epochs}"
        self.writer: Any = event_file_writer.EventsWriter(str(folder / "events"), suffix)
        self.folder, self.done, self.flushed = folder, epochs, time.monotonic()

    def tell(self, history: History) -> None:
        """Write the epochs since the last call."""
        with _told(self.folder):
            for name, losses in ((TRAINING, history.loss), (VALIDATION, history.validation)):
                for epoch, loss in enumerate(losses[self.done :], self.done + 1):
                    self.writer.write_event(_event(name, loss, epoch))
            self.done = len(history.loss)
            if time.monotonic() - self.flushed > FLUSHED:
                self.writer.flush()
                self.flushed = time.monotonic()


def _event(name: str, value: float, epoch: int) -> Any:
    from tensorboardX.proto import event_pb2, summary_pb2

    shown = summary_pb2.Summary.Value(tag=name, simple_value=value)
    summary = summary_pb2.Summary(value=[shown])
    return event_pb2.Event(wall_time=time.time(), step=epoch, summary=summary)


@contextmanager
def _told(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(f"{folder} cannot be written: {error.strerror or error}.") from None
