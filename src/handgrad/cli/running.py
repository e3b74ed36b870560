"""What all commands that train share: options read, a bar while it runs, a line at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from handgrad.runs import Run
    from handgrad.training.running import Progress

__all__ = [
    "OF_A_TABLE",
    "OF_TRAINING",
    "asked",
    "opened_run",
    "say_outcome",
    "watched",
    "with_options",
]

Command = Callable[..., Any]

OF_A_TABLE = (
    click.option("--target", metavar="COLUMN", help="What is learned. [default: the last column]"),
    click.option(
        "--hidden",
        default="32",
        show_default=True,
        metavar="32,16",
        help="Units of the hidden layers.",
    ),
    click.option("--activation", default="relu", show_default=True, help="Of the hidden layers."),
    click.option("--init", help="How weights are drawn: glorot, he, lecun, … [default: glorot]"),
    click.option("--task", help="classification or regression. [default: by the target]"),
    click.option(
        "--categorical", multiple=True, metavar="COLUMN", help="Numbers that are categories."
    ),
    click.option("--drop", multiple=True, metavar="COLUMN", help="A column to leave out."),
    click.option(
        "--test",
        default=0.2,
        show_default=True,
        type=click.FloatRange(0, 0.9),
        help="The part of a table kept apart, for train to report on.",
    ),
)
"""Options of a command that may be given a table."""
OF_TRAINING = (
    click.option("--epochs", type=click.IntRange(0), help="[default: the file's, or 200]"),
    click.option(
        "--batch-size", type=click.IntRange(1), help="[default: the file's; 32 for a table]"
    ),
    click.option(
        "--schedule",
        metavar="NAME,OPTION=VALUE",
        help="Of the learning rate: constant, inverse_scaling, adaptive, cosine; cosine,warmup=5.",
    ),
    click.option("--clip-norm", type=float, metavar="C", help="Bound the norm of the gradient."),
    click.option("--clip-value", type=float, metavar="C", help="Bound its elements."),
    click.option(
        "--optimizer",
        metavar="NAME",
        help="sgd, momentum, adam, …; train: or lbfgs. [default: the file's; adam for a table]",
    ),
    click.option("--l2", type=click.FloatRange(0), default=0.0, help="For a table: ½λΣW²."),
    click.option(
        "--shuffle/--no-shuffle", default=None, help="[default: the file's; on for a table]"
    ),
    click.option(
        "--early-stopping", is_flag=True, help="Keep a tenth apart; end when it gains nothing."
    ),
    click.option(
        "--patience",
        type=click.IntRange(1),
        help="End after so many epochs without gain. [default: 10 with --early-stopping]",
    ),
    click.option("--loss-below", type=float, metavar="E", help="End when the loss is below."),
    click.option("--seconds", type=click.FloatRange(0), help="End after so long."),
    click.option(
        "--engine", type=click.Choice(("auto", "jax", "numpy")), default="auto", show_default=True
    ),
    click.option("--dtype", type=click.Choice(("float32", "float64"))),
)
"""Options of every command that trains."""
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


def with_options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """A decorator that gives a command these options, listed in their order."""

    def decorated(command: Command) -> Command:
        return reduce(lambda inner, option: option(inner), reversed(options), command)

    return decorated


def asked(options: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``train`` that the options of a command stand for."""
    given = {name: options[name] for name in COMMON if name in options}
    given["schedule"] = _schedule(options["schedule"])
    given["patience"] = options["patience"]
    if options["early_stopping"]:
        given |= {"validation": 0.1, "patience": options["patience"] or 10}
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
    if not found.updates:
        click.echo(f"{folder} has done no update: its weights are those it began with.", err=True)
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
