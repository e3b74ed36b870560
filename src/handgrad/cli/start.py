"""What one starts with: a file of one's own, the examples, the limits, completion by tab."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from handgrad.cli.files import PATH, complete_example, example, example_names, title_of
from handgrad.errors import FileError

__all__ = ["completion", "examples", "limits", "new"]


@click.command()
@click.argument("file", type=PATH)
@click.option("--equations", is_flag=True, help="A problem of equations instead of layers.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def new(file: Path, equations: bool, force: bool) -> None:
    """Write a commented problem file to start from.

    Example: handgrad new net.toml, then handgrad explain net.toml
    """
    from handgrad.model.starter import EQUATIONS, NETWORK
    from handgrad.render.output import write_whole

    if file.exists() and not force:
        raise FileError(f"{file} is there already. Choose another name, or give --force.")
    write_whole(file, EQUATIONS if equations else NETWORK)
    shown = click.format_filename(file)
    click.echo(f"Wrote {shown}. Next: handgrad explain {shown}")


@click.command()
@click.argument("name", required=False, shell_complete=complete_example)
@click.option("-o", "--output", type=PATH, metavar="OUT", help="Copy it to a file.")
def examples(name: str | None, output: Path | None) -> None:
    """List the examples that come with handgrad, or print one.

    Example: handgrad examples xor -o my-xor.toml
    """
    if name is None:
        if output is not None:
            raise click.UsageError("Say which example to copy.")
        width = max(map(len, example_names()))
        for known in example_names():
            click.echo(f"{known:<{width}}  {title_of(example(known))}")
        return
    content = example(name.removesuffix(".toml"))
    if output is None:
        sys.stdout.write(content)
        return
    from handgrad.render.output import write_whole

    if output.exists():
        raise FileError(f"{output} is there already. Choose another name.")
    write_whole(output, content)
    shown = click.format_filename(output)
    click.echo(f"Wrote {shown}. Next: handgrad explain {shown}")


@click.command()
def limits() -> None:
    """Print the largest sizes accepted."""
    from dataclasses import asdict

    from handgrad.model.limits import Limits

    for name, value in asdict(Limits()).items():
        click.echo(f"{name:<20} {value:>15,}")


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script for completion by tab.

    It completes commands, options and examples.

    Example: eval "$(handgrad completion bash)"
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(
        kind(
            click.get_current_context().find_root().command, {}, "handgrad", "_HANDGRAD_COMPLETE"
        ).source()
    )
