"""The terminal: its width, its colours, a bar for what takes long, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handgrad.verbs import Worked

__all__ = ["colours", "columns", "interrupted_at_once", "progress_bar", "show"]

PATIENCE = 1.0  # seconds before a bar shows how far a command is
STYLES = {
    "title": "bold",
    "heading": "bold cyan",
    "remark": "dim",
    "name": "bold",
    "sign": "dim",
    "value": "bold green",
    "plain": "",
}


def columns() -> int:
    """How wide a page is on this terminal."""
    import shutil

    return max(40, min(shutil.get_terminal_size().columns, 120))


def colours() -> bool:
    """Whether the terminal shows colours, and wants them."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def show(worked: Worked) -> None:
    """In a terminal: the same lines, with names, signs and values told apart."""
    from rich.console import Console
    from rich.text import Text

    from handgrad.render.text import spans

    console = Console(width=columns(), highlight=False, soft_wrap=True)
    for line in spans(worked.document, columns()):
        console.print(Text.assemble(*((span.text, STYLES[span.role]) for span in line)))


@contextmanager
def interrupted_at_once() -> Generator[None]:
    """End the process on Ctrl-C: JAX swallows the exception in its callbacks, or dies of it."""

    def end(*_: object) -> None:
        show_cursor = b"\x1b[?25h" if sys.stderr.isatty() else b""
        os.write(2, show_cursor + b"Interrupted.\n")
        os._exit(130)

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def progress_bar(what: str) -> Generator[Callable[[float], None]]:
    """A bar on a terminal for what takes longer than a second; standard output stays clean."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from time import monotonic

    from rich.console import Console
    from rich.progress import Progress

    begun, bar = monotonic(), Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task(what, total=1.0)

    def told(part: float) -> None:
        if monotonic() - begun > PATIENCE:
            bar.start()
            bar.update(task, completed=part)

    try:
        yield told
    finally:
        bar.stop()
