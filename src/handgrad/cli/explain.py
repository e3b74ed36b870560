"""handgrad explain: a problem worked out, in every format."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from handgrad.cli.files import PATH, complete_example, is_run, path_of
from handgrad.cli.terminal import colours, columns, show
from handgrad.errors import InputError, quoted

if TYPE_CHECKING:
    from handgrad.model.problem import Problem
    from handgrad.render.document import Picture
    from handgrad.verbs import Worked

__all__ = ["drawn", "explain"]

FORMATS = ("text", "markdown", "latex", "html", "typst", "pdf", "spoken", "json")
ENDINGS = {
    ".txt": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".tex": "latex",
    ".html": "html",
    ".htm": "html",
    ".typ": "typst",
    ".pdf": "pdf",
    ".json": "json",
}
READINGS = ("steps", "chain", "delta", "matrix")


@click.command(epilog="Example: handgrad explain net.toml --of 'W1[2,1]' --reading chain")
@click.argument("file", required=False, shell_complete=complete_example)
@click.option(
    "--network", metavar="2-2-1", help="A network with numbers drawn from --seed, without a file."
)
@click.option("--activation", default="sigmoid", show_default=True, help="With --network.")
@click.option("--loss", default="half_squared_error", show_default=True, help="With --network.")
@click.option(
    "--examples",
    "rows",
    default=1,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="With --network.",
)
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0), help="With --network."
)
@click.option(
    "--of", metavar="NAME", help="Only what concerns one quantity: W1[2,1], dL/dz1[1], a2."
)
@click.option("--steps", type=click.IntRange(1), metavar="K", help="How many updates. [default: 1]")
@click.option("--step", type=click.IntRange(1), metavar="k", help="Only the k-th update.")
@click.option(
    "--reading",
    type=click.Choice(READINGS),
    help="How the backward pass is read. [default: the file's; chain with --of]",
)
@click.option(
    "--symbols", "--symbols-only", "symbols", is_flag=True, help="Formulas only, no numbers."
)
@click.option("--full", is_flag=True, help="All of a large problem, not a summary.")
@click.option(
    "--appendix",
    is_flag=True,
    default=None,
    help="Also derive the activations' derivatives, line by line.",
)
@click.option(
    "--carry",
    type=click.IntRange(0, 12),
    metavar="K",
    help="Round each line to K decimals and carry that on, as in an exam.",
)
@click.option(
    "--exact",
    is_flag=True,
    help="Fractions and proved digits in place of floating point.",
)
@click.option(
    "--digits",
    type=click.IntRange(0, 50),
    metavar="D",
    help="Decimals shown, up to 17, or 50 with --exact. [default: the file's, or 4]",
)
@click.option(
    "--format", "kind", type=click.Choice(FORMATS), help="[default: text, or by the ending of OUT]"
)
@click.option(
    "--pictures/--no-pictures",
    "pictured",
    default=True,
    show_default=True,
    help="The network or graph above the steps: HTML, Typst, PDF.",
)
@click.option("-o", "--output", type=PATH, metavar="OUT", help="Write to a file.")
def explain(
    file: str | None,
    network: str | None,
    activation: str,
    loss: str,
    rows: int,
    seed: int,
    of: str | None,
    steps: int | None,
    step: int | None,
    reading: str | None,
    symbols: bool,
    full: bool,
    appendix: bool | None,
    carry: int | None,
    exact: bool,
    digits: int | None,
    kind: str | None,
    pictured: bool,
    output: Path | None,
) -> None:
    """Work a problem out: every step, in symbols and numbers.

    FILE is a problem file, the name of an example (handgrad examples), or the folder of a run that
    handgrad train --run wrote.
    """
    from dataclasses import replace

    from handgrad import verbs
    from handgrad.model.limits import Limits

    if (not file) == (network is None):
        raise click.UsageError("Give a FILE, or --network such as 2-2-1.")
    if steps is not None and step is not None:
        raise click.UsageError("Give --steps or --step, not both.")
    if digits is not None and digits > Limits.decimals and not exact:
        raise click.BadParameter(
            f"{digits} is more than {Limits.decimals}; give --exact too.", param_hint="'--digits'"
        )
    kind = kind or _kind(output)
    if file and is_run(Path(file)):
        if steps is not None or carry is not None or exact or appendix or digits is not None:
            raise click.UsageError(
                "Of a run, give --step, --of, --reading, --symbols and --full only."
            )
        worked = _of_run(Path(file), step or 1, of, reading, symbols, full)
        _put_out(worked, kind, output, pictured)
        return
    if network is None:
        problem = verbs.load(path_of(file or ""))
    else:
        problem = drawn(network, activation, loss, rows, seed)
    if digits is not None:
        notation = replace(problem.notation, digits=digits, significant=None)
        problem = replace(problem, notation=notation)
    worked = verbs.explain(
        problem,
        of=of,
        steps=steps or 1,
        step=step,
        reading=reading,
        symbols_only=symbols,
        full=full,
        appendix=appendix,
        carry=carry,
        exact=exact,
    )
    if worked.stopped:
        click.echo(
            f"Training stops after {worked.run.done} updates: the loss is below "
            f"{problem.training.loss_below}.",
            err=True,
        )
    if kind == "json" and (of or symbols):
        given = " and ".join(option for option, on in (("--of", of), ("--symbols", symbols)) if on)
        click.echo(f"JSON has every equation and number, whatever {given} may say.", err=True)
    _put_out(worked, kind, output, pictured)


def _of_run(
    folder: Path, step: int, of: str | None, reading: str | None, symbols: bool, full: bool
) -> Worked:
    """One update of a run, worked out."""
    from handgrad.cli.running import opened_run

    run = opened_run(folder)
    return run.explain(step=step, of=of, reading=reading, symbols_only=symbols, full=full)


def _kind(output: Path | None) -> str:
    if output is None:
        return "text"
    if output.suffix.lower() not in ENDINGS:
        known = ", ".join(ENDINGS)
        raise InputError(
            f"{output}: the ending says nothing about the format. Known: {known}; or give --format."
        )
    return ENDINGS[output.suffix.lower()]


def drawn(network: str, activation: str, loss: str, rows: int, seed: int) -> Problem:
    """A network of units written as 2-2-1, its numbers drawn."""
    from handgrad.model.describe import drawn_network

    parts = network.split("-")
    if not all(re.fullmatch("[0-9]{1,9}", part) for part in parts):
        raise InputError(
            f"--network {quoted(network)}: write the numbers of units, inputs first: 2-2-1."
        )
    sizes = [int(part) for part in parts]
    values = sizes[0] * rows
    if values > 50_000_000:
        raise InputError(f"--network {network}: {rows} examples of {sizes[0]} inputs are too many.")
    return drawn_network(sizes, rows, activation=activation, loss=loss, seed=seed)


def _put_out(worked: Worked, kind: str, output: Path | None, pictured: bool) -> None:
    if kind == "text" and output is None and colours():
        show(worked)
        return
    width = 88 if output is not None or not sys.stdout.isatty() else columns()
    if kind == "pdf" and output is None and sys.stdout.isatty():
        raise InputError("PDF is not for a terminal. Write it to a file: -o page.pdf")

    def pictures(theme: str) -> tuple[Picture, ...]:
        return worked.pictures(theme) if pictured else ()

    writers: dict[str, Callable[[], str | bytes]] = {
        "text": lambda: worked.to_text(width),
        "markdown": worked.to_markdown,
        "latex": worked.to_latex,
        "html": lambda: worked.to_html(pictures("auto")),
        "typst": lambda: worked.to_typst(pictures=pictures("light")),
        "pdf": lambda: worked.to_pdf(pictures=pictures("light")),
        "spoken": worked.to_spoken,
        "json": worked.to_json,
    }
    content = writers[kind]()
    if output is None:
        click.echo(content, nl=False)
        return
    from handgrad.render.output import write_whole

    write_whole(output, content)
    click.echo(f"Wrote {click.format_filename(output)}.", err=True)
