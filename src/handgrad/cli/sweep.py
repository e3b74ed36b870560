"""handgrad sweep: a network with many seeds and learning rates, and which did best."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from handgrad.cli.files import PATH, complete_example, path_of
from handgrad.cli.running import OF_A_TABLE, OF_TRAINING, asked, watched, with_options
from handgrad.cli.tables import learned_from
from handgrad.cli.terminal import colours
from handgrad.cli.training import OF_TABLES, TABLES, refuse_options

if TYPE_CHECKING:
    from handgrad.sweeps import Sweep

__all__ = ["sweep"]


@click.command(epilog="Example: handgrad sweep xor --learning-rates 0.1,0.3,1 -o losses.svg")
@click.argument("file", shell_complete=complete_example)
@click.option("--seeds", metavar="N|S,S", help="How many, from 0 on, or which: 3,5,8.")
@click.option("--learning-rates", metavar="R,R", help="[default: the file's]")
@click.option(
    "-o",
    "--output",
    type=PATH,
    metavar="OUT",
    help="The losses as a picture: a file ending in .png, .svg or .pdf.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
)
@with_options(*OF_A_TABLE, *OF_TRAINING)
@click.option(
    "--run",
    "folder",
    type=PATH,
    metavar="FOLDER",
    help="Save each run in a folder of its own inside it.",
)
@click.pass_context
def sweep(
    context: click.Context, file: str, output: Path | None, kind: str, **options: Any
) -> None:
    """Train a network with many seeds and learning rates.

    FILE is a problem file, an example (handgrad examples), or a table: .csv, .parquet or .npz.
    Ctrl-C ends the training and keeps what is done. Exit status 1 if no run has a finite loss.
    """
    from handgrad.render.figure import image, known_ending
    from handgrad.render.output import refuse_unwritable, write_whole

    if output is not None:
        known_ending(output.suffix)
        refuse_unwritable(output)
    found = _swept(context, file, options)
    if kind == "json":
        sys.stdout.write(found.to_json())
    else:
        _show(found)
    if options["folder"] is not None:
        click.echo(f"Saved in {click.format_filename(options['folder'])}.", err=True)
    if output is not None:
        write_whole(output, image(found.plot(), output.suffix))
        click.echo(f"Wrote {click.format_filename(output)}.", err=True)
    if found.best_place is None:
        raise click.exceptions.Exit(1)


def _swept(context: click.Context, file: str, options: dict[str, Any]) -> Sweep:
    from handgrad import sweeps, verbs

    given = asked(options)
    given["seeds"] = _seeds(options["seeds"])
    given["learning_rates"] = _rates(options["learning_rates"])
    if Path(file).suffix.lower() in TABLES:
        alone = {"seed": 0, "learning_rate": None}
        how = learned_from(Path(file), {**options, **alone}, aside=True)
        given |= {"problem": how.problem, "x": how.x, "y": how.y, **how.given(options)}
    else:
        refuse_options(context, (*OF_TABLES, "optimizer"), "a problem file, which says it itself")
        given["problem"] = verbs.load(path_of(file))
    with watched() as progress:
        return sweeps.sweep(progress=progress, **given)


def _seeds(text: str | None) -> int | list[int] | None:
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and len(part) < 10 for part in parts):
        raise click.BadParameter(
            f"{text!r:.40}: write how many, as in 8, or which, as in 3,5,8.",
            param_hint="'--seeds'",
        )
    return [int(part) for part in parts] if "," in text else int(text)


def _rates(text: str | None) -> list[float] | None:
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(
            f"{text!r:.40}: write numbers, as in 0.1,0.3,1.", param_hint="'--learning-rates'"
        ) from None


def _show(found: Sweep) -> None:
    """The table with the best run marked: in colours on a terminal, else in plain text."""
    if not colours():
        sys.stdout.write(found.to_text())
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold cyan")
    heading, *lines = zip(*found.cells(), strict=True)
    for name in heading:
        table.add_column(name, justify="right")
    for n, line in enumerate(lines):
        table.add_row(*line, style="bold green" if n == found.best_place else None)
    Console(highlight=False).print(table)
