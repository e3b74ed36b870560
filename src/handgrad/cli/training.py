"""handgrad train: problem files, and what it takes for a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from handgrad.cli.files import PATH, complete_example, path_of
from handgrad.cli.running import (
    OF_A_TABLE,
    OF_TRAINING,
    asked,
    opened_run,
    say_outcome,
    watched,
    with_options,
)
from handgrad.cli.tables import train_table

if TYPE_CHECKING:
    from handgrad.model.problem import Problem
    from handgrad.runs import Run

__all__ = ["OF_TABLES", "TABLES", "refuse_options", "train"]

TABLES = (".csv", ".tsv", ".txt", ".parquet", ".npz")
FEW_NUMBERS = 40  # parameters that are printed


@click.command(epilog="Example: handgrad train data.csv --target species --run model")
@click.argument("file", required=False, shell_complete=complete_example)
@with_options(*OF_A_TABLE, *OF_TRAINING)
@click.option("--learning-rate", type=click.FloatRange(0), metavar="R")
@click.option("--seed", type=click.IntRange(0), help="[default: the file's, or 0]")
@click.option(
    "--devices", type=click.IntRange(1), metavar="N", help="Divide each batch among so many."
)
@click.option(
    "--hosts",
    metavar="A:PORT,B",
    help="Train on several hosts: their addresses, the first with a free port.",
)
@click.option("--host", type=click.IntRange(0), help="Which of the hosts this is, from 0.")
@click.option("--run", "folder", type=PATH, metavar="FOLDER", help="Save it.")
@click.option("--resume", type=PATH, metavar="FOLDER", help="Go on with a run.")
@click.option(
    "--save-every", default=10.0, show_default=True, type=click.FloatRange(0), help="In seconds."
)
@click.option(
    "--tensorboard",
    type=PATH,
    metavar="FOLDER",
    help="Write the losses there, for TensorBoard.",
)
@click.pass_context
def train(context: click.Context, file: str | None, resume: Path | None, **options: Any) -> None:
    """Train a problem file, or a network for a table.

    FILE is a problem file, an example (handgrad examples), or a table: .csv, .parquet or .npz.
    Ctrl-C ends the training and keeps what is done.
    """
    _check_hosts(options)
    if (file is None) == (resume is None):
        raise click.UsageError("Give a problem file or a table, or --resume FOLDER.")
    if resume is not None:
        refuse_options(
            context, [name for name in options if name not in OF_RESUMING], "a run taken up again"
        )
        _report(_resumed(resume, options))
    elif Path(file or "").suffix.lower() in TABLES:
        train_table(Path(file or ""), options)
    else:
        refuse_options(context, OF_TABLES, "a problem file, which says it itself")
        _report(_train_problem(file or "", options))


def _check_hosts(options: dict[str, Any]) -> None:
    """The addresses of the hosts as a list; devices are made of the processor where that is asked."""
    hosts = options["hosts"]
    if (hosts is None) != (options["host"] is None):
        raise click.UsageError("Give --hosts and --host together: which hosts, and which of them.")
    options["hosts"] = [part.strip() for part in hosts.split(",")] if hosts else None
    options["host"] = options["host"] or 0
    if options["devices"] is not None:
        from handgrad.numbers.jax_kernels import has_jax
        from handgrad.training.devices import offer

        if has_jax():
            offer(options["devices"])


OF_RESUMING = ("epochs", "seconds", "save_every", "tensorboard")
OF_TABLES = (
    "target",
    "hidden",
    "activation",
    "init",
    "task",
    "categorical",
    "drop",
    "test",
    "l2",
)


def refuse_options(context: click.Context, names: Sequence[str], where: str) -> None:
    """Say which option has no meaning here, rather than leave it unread."""
    for name in names:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            shown = "run" if name == "folder" else name.replace("_", "-")
            raise click.UsageError(f"--{shown} has no meaning for {where}.")


def _resumed(folder: Path, options: dict[str, Any]) -> Run:
    run = opened_run(folder)
    with watched() as told:
        return run.resume(
            epochs=options["epochs"],
            seconds=options["seconds"],
            save_every=options["save_every"],
            tensorboard=options["tensorboard"],
            progress=told,
        )


def _train_problem(file: str, options: dict[str, Any]) -> Run:
    from handgrad import runs, verbs

    problem = verbs.load(path_of(file))
    _say_of_optimizer(problem, options)
    with watched() as told:
        return runs.train(problem, progress=told, optimizer=options["optimizer"], **asked(options))


def _say_of_optimizer(problem: Problem, options: dict[str, Any]) -> None:
    """What the file says of training that another optimizer does not go by."""
    from handgrad.model.loading import LEARNING_RATES
    from handgrad.training.searching import LBFGS

    own, name = problem.training, options["optimizer"]
    if name == LBFGS:
        click.echo(
            f"L-BFGS finds its own steps: the file's learning rate {own.learning_rate:g} is unused."
        )
    elif name in LEARNING_RATES and name != own.optimizer and options["learning_rate"] is None:
        rate = LEARNING_RATES[name]
        click.echo(
            f"{name} begins with its usual learning rate {rate:g}; --learning-rate gives another."
        )


def _report(run: Run) -> None:
    """Where a run has come to, and the parameters where they are few; of several hosts the first."""
    from handgrad.training.devices import leads

    say_outcome(run)
    if not leads():
        return
    parameters = run.parameters
    if sum(array.size for array in parameters.values()) <= FEW_NUMBERS:
        for name, array in parameters.items():
            click.echo(f"  {name} = {array.tolist()}")
