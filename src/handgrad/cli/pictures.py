"""handgrad draw and plot: networks, graphs, curves and maps."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from handgrad.cli.files import PATH, complete_example, is_run, path_of
from handgrad.cli.running import opened_run
from handgrad.cli.terminal import progress_bar
from handgrad.errors import InputError

__all__ = ["draw", "plot"]

PLOTS = ("activation", "boundary", "gradients", "history", "loss", "surface")


@click.command(epilog="Example: handgrad draw xor --of 'W1[2,1]' -o xor.svg")
@click.argument("file", shell_complete=complete_example)
@click.option("--of", metavar="NAME", help="Light the paths of one number: W1[2,1], b2[1], a1[2].")
@click.option(
    "--view",
    type=click.Choice(("forward", "backward", "update", "graph")),
    help="[default: backward with --of, graph for equations, else forward]",
)
@click.option(
    "--example",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    metavar="n",
    help="Which example is shown.",
)
@click.option("--step", default=1, show_default=True, type=click.IntRange(1), metavar="k")
@click.option(
    "--theme",
    type=click.Choice(("light", "dark", "auto", "print")),
    help="Colours; print is black on white. [default: auto for SVG, else light]",
)
@click.option("--width", type=click.IntRange(16, 10_000), metavar="PIXELS", help="Of a PNG.")
@click.option(
    "-o",
    "--output",
    type=PATH,
    metavar="OUT",
    help="A file ending in .svg, .png or .pdf. [default: SVG on standard output]",
)
def draw(
    file: str,
    of: str | None,
    view: str | None,
    example: int,
    step: int,
    theme: str | None,
    width: int | None,
    output: Path | None,
) -> None:
    """Draw a network, or the graph of its equations.

    With the numbers of one step. FILE is a problem file, or the name of an example (handgrad examples).
    """
    from handgrad import verbs

    ending = output.suffix.lower() if output else ".svg"
    if ending not in (".svg", ".png", ".pdf"):
        raise InputError(f"{output}: a picture is written as .svg, .png or .pdf.")
    if width is not None and ending != ".png":
        raise click.UsageError("--width is for PNG; the others scale as they are.")
    picture = verbs.draw(verbs.load(path_of(file)), of=of, view=view, example=example, step=step)
    content: str | bytes
    if ending == ".svg":
        content = picture.to_svg(theme or "auto")
    elif ending == ".png":
        content = picture.to_png(width, theme or "light")
    else:
        content = picture.to_pdf(theme or "light")
    if output is None:
        sys.stdout.write(str(content))
        sys.stdout.flush()
        return
    from handgrad.render.output import write_whole

    write_whole(output, content)
    click.echo(f"Wrote {click.format_filename(output)}.", err=True)


def _complete_subject(context: Any, parameter: Any, incomplete: str) -> list[Any]:
    if context.params.get("kind") != "activation":
        return complete_example(context, parameter, incomplete)
    from click.shell_completion import CompletionItem

    from handgrad.calculus.functions import FUNCTIONS

    known = sorted(name for name, row in FUNCTIONS.items() if row.arity)
    return [CompletionItem(name) for name in known if name.startswith(incomplete)]


@click.command(epilog="Example: handgrad plot surface xor --of 'W1[1,1]' --of 'b2[1]' -o s.svg")
@click.argument("kind", metavar="KIND", type=click.Choice(PLOTS))
@click.argument("file", shell_complete=_complete_subject)
@click.option(
    "-o",
    "--output",
    type=PATH,
    metavar="OUT",
    help="The picture: a file ending in .png, .svg or .pdf.",
)
@click.option(
    "--of", multiple=True, metavar="NAME", help="What is drawn: W1[1,1]. May be given again."
)
@click.option(
    "--steps", type=click.IntRange(0), metavar="K", help="How many updates. [default: the file's]"
)
@click.option(
    "--width", default=800, show_default=True, metavar="PX", help="Of a .png; the others scale."
)
@click.option("--theme", type=click.Choice(("light", "dark")), default="light", show_default=True)
@click.option("--log/--linear", default=None, help="The scale of the values. [default: what fits]")
def plot(
    kind: str,
    file: str,
    output: Path | None,
    of: tuple[str, ...],
    steps: int | None,
    width: int,
    theme: str,
    log: bool | None,
) -> None:
    """Draw a curve or a map of a problem with matplotlib.

    KIND is one of:

    \b
    activation  a function and its slope; FILE is its name, or a formula in z
    boundary    what a problem with two inputs gives for each of them
    gradients   the size of the gradient of each parameter
    history     parameters along the updates
    loss        the loss along the updates; of a run in a folder, along its epochs
    surface     the loss over two parameters, with the path of the descent
    """  # noqa: D301 (click asks for the character itself)
    from handgrad.render.figure import image, known_ending
    from handgrad.render.output import write_whole

    if output is None:
        raise click.UsageError("Say where the picture goes: -o OUT.png, OUT.svg or OUT.pdf.")
    known_ending(output.suffix)
    if is_run(Path(file)):
        if kind != "loss" or of or steps is not None:
            raise click.UsageError("Of a run the loss can be drawn: handgrad plot loss RUN -o OUT.")
        axes = opened_run(Path(file)).plot(log=log, theme=theme, width=width)
    else:
        axes = _of_problem(kind, file, of=of, steps=steps, log=log, theme=theme, width=width)
    write_whole(output, image(axes, output.suffix))
    click.echo(f"Wrote {click.format_filename(output)}.", err=True)


def _of_problem(kind: str, file: str, **asked: Any) -> Any:
    """The axes of a plot that runs the updates of a problem itself."""
    from handgrad import verbs
    from handgrad.render.plots import plot as draw

    subject = file if kind == "activation" else verbs.load(path_of(file))
    with progress_bar("Updating") as told:
        return draw(kind, subject, progress=lambda done, planned: told(done / planned), **asked)
