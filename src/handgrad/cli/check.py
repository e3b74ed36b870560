"""handgrad check: gradients against independent derivatives."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from handgrad.cli.files import PATH, complete_example, path_of
from handgrad.cli.terminal import interrupted_at_once, progress_bar

__all__ = ["check"]


@click.command()
@click.argument("file", shell_complete=complete_example)
@click.option(
    "--gradient",
    type=PATH,
    metavar="G.npz",
    help="Gradients to check: arrays W1, b1, … in an .npz or .safetensors file.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="JSON has the witnesses and all that is wrong.",
)
def check(file: str, gradient: Path | None, kind: str) -> None:
    """Compare gradients with independent derivatives.

    Element by element: the derivation's, or those in G.npz. The witnesses are the complex step,
    central differences and, where JAX is installed, automatic differentiation. Exit status 1 if
    something disagrees.

    Example: handgrad check net.toml --gradient mine.npz
    """
    from handgrad import verbs
    from handgrad.numbers.checking.submitted import read_gradient

    problem = verbs.load(path_of(file))
    given = read_gradient(gradient) if gradient else None
    with interrupted_at_once(), progress_bar("Checking") as progress:
        found = verbs.check(problem, gradient=given, progress=progress)
    sys.stdout.write(found.to_json() if kind == "json" else f"{found}\n")
    if not found.agrees:
        raise click.exceptions.Exit(1)
