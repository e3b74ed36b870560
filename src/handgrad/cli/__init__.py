"""The command line: it parses, calls the verbs, and shows. Exit status 0 fine, 1 no, 2 unusable input."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import click

from handgrad.errors import HandgradError, printable

__all__ = ["commands", "main"]

HOMES = {  # each command and its module, which is loaded when the command is asked for
    "audit": "audit",
    "check": "check",
    "completion": "start",
    "draw": "pictures",
    "evaluate": "tables",
    "examples": "start",
    "explain": "explain",
    "limits": "start",
    "new": "start",
    "plot": "pictures",
    "predict": "tables",
    "sweep": "sweep",
    "train": "training",
}


class Lazy(click.Group):
    """A group of commands that loads the one it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's interface)
        """Every command, in the order of the alphabet."""
        return list(HOMES)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 (click's interface too)
        cmd_name: str,
    ) -> click.Command | None:
        """A command by its name."""
        home = HOMES.get(cmd_name)
        return getattr(import_module(f"handgrad.cli.{home}"), cmd_name) if home else None


def _say_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        click.echo(f"handgrad {version('handgrad')}")
    except PackageNotFoundError:  # run from a checkout
        click.echo("handgrad, not installed")
    context.exit()


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_say_version,
    help="Show the version and exit.",
)
def commands() -> None:
    """Backpropagation, worked step by step.

    \b
    handgrad examples                        what there is to look at
    handgrad explain two-neurons-in-a-row    every step and number of one of them
    handgrad new net.toml                    a problem of your own
    """  # noqa: D301 (click asks for the character itself)


def main(arguments: list[str] | None = None) -> None:
    """The entry point; ends the process with the exit status."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader that stops early ends us quietly
    _streams()
    try:
        status = commands.main(arguments, prog_name="handgrad", standalone_mode=False)
    except HandgradError as error:
        sys.exit(complain(str(error)))
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except OSError as error:
        sys.exit(complain(f"The output cannot be written: {error.strerror or error}."))
    except RecursionError:
        sys.exit(complain("The problem is nested too deeply."))
    except MemoryError:
        sys.exit(complain("There is not enough memory for this problem."))
    if status:
        sys.exit(status)


def _streams() -> None:
    """Standard output and error as UTF-8; one that is closed takes everything and keeps nothing."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # kept open as long as the process lives, like the stream it stands for
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif (stream.encoding or "utf-8").lower() not in ("utf-8", "utf8"):
            stream.reconfigure(encoding="utf-8")


def complain(message: str) -> int:
    with suppress(OSError):  # standard error may lead nowhere; the status still tells
        click.echo(f"Error: {printable(message)}", err=True)
    return 2
