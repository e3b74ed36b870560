"""What all commands that train share: options read, a bar while it runs, a line at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from handgrad.runs import Run
    from handgrad.training.running import Progress

__all__ = ["asked", "opened_run", "say_outcome", "watched"]

COMMON = (
    "epochs",
    "batch_size",
    "shuffle",
    "seed",
    "learning_rate",
    "schedule",
    "clip_norm",
    "clip_value",
    "loss_below",
    "seconds",
    "engine",
    "dtype",
    "devices",
    "hosts",
    "host",
    "folder",
    "save_every",
    "tensorboard",
)


def asked(options: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``train`` that the options of a command stand for."""
    given = {name: options[name] for name in COMMON if name in options}
    given["schedule"] = _schedule(options["schedule"])
    if options["early_stopping"]:
        given |= {"validation": 0.1, "patience": options["patience"]}
    return given


def _schedule(given: str | None) -> dict[str, Any] | None:
    """A schedule as it is written in a command: its name, then options as key=value."""
    if given is None:
        return None
    name, *options = (part.strip() for part in given.split(","))
    table: dict[str, Any] = {"name": name}
    for option in options:
        key, _, value = option.partition("=")
        try:
            table[key.strip()] = float(value)
        except ValueError:
            raise click.BadParameter(
                f"{option!r:.60}: write options as in cosine,warmup=5,end=0.01.",
                param_hint="'--schedule'",
            ) from None
    return table


def opened_run(folder: Path) -> Run:
    """The run in a folder; what there is to say of it goes to standard error."""
    from handgrad.runs import Run
    from handgrad.training.trained import opened

    found, notes = opened(folder)
    for note in notes:
        click.echo(note, err=True)
    return Run(**vars(found))


def say_outcome(run: Run, *lines: str) -> None:
    """Where a run has come to, what else there is to say of it, and where it is saved.

    Of several hosts the first says it.
    """
    from handgrad.training.devices import leads

    if not leads():
        return
    click.echo(_outcome(run))
    for line in lines:
        click.echo(f"  {line}")
    if run.folder is not None:
        click.echo(f"Saved in {click.format_filename(run.folder)}.")


def _outcome(run: Run) -> str:
    losses = run.history["loss"]
    fell = f"loss {losses[0]:.6g} → {losses[-1]:.6g}; " if losses else ""
    return (
        f"{run.updates:,} updates, {run.epochs:,} epochs: {fell}{run.stopped}. "
        f"{run.seconds:.2f} s by {run.engine.name} in {run.setup.task.dtype}."
    )


@contextmanager
def watched() -> Generator[Callable[[Progress], None]]:
    """A bar with rate and time left on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        TextColumn("epoch {task.fields[epoch]:,}"),
        BarColumn(),
        TextColumn("loss {task.fields[loss]:.5g}  {task.fields[rate]:,.0f} updates/s"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task("", total=1, epoch=0, loss=float("nan"), rate=0.0)

    def told(now: Progress) -> None:
        bar.start()
        bar.update(
            task,
            total=now.wanted,
            completed=now.done,
            epoch=now.epoch,
            loss=now.loss,
            rate=now.rate,
        )

    try:
        yield told
    finally:
        bar.stop()
