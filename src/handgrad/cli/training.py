"""handgrad train, predict, evaluate: networks on problem files and on tables."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from handgrad.cli.files import complete_example, path_of
from handgrad.errors import InputError

if TYPE_CHECKING:
    from handgrad.runs import Run
    from handgrad.training.running import Progress

__all__ = ["evaluate", "opened_run", "predict", "train"]

TABLES = (".csv", ".tsv", ".txt", ".parquet", ".npz")
FEW_NUMBERS = 40  # parameters that are printed


@click.command(epilog="Example: handgrad train data.csv --target species --run model")
@click.argument("file", required=False, shell_complete=complete_example)
@click.option("--target", metavar="COLUMN", help="What is learned. [default: the last column]")
@click.option(
    "--hidden", default="32", show_default=True, metavar="32,16", help="Units of the hidden layers."
)
@click.option("--activation", default="relu", show_default=True, help="Of the hidden layers.")
@click.option("--init", help="How weights are drawn: glorot, he, lecun, … [default: glorot]")
@click.option("--task", help="classification or regression. [default: by the target]")
@click.option("--categorical", multiple=True, metavar="COLUMN", help="Numbers that are categories.")
@click.option("--drop", multiple=True, metavar="COLUMN", help="A column to leave out.")
@click.option(
    "--test",
    default=0.2,
    show_default=True,
    type=click.FloatRange(0, 0.9),
    help="The part of a table kept apart for the report.",
)
@click.option("--epochs", type=click.IntRange(0), help="[default: the file's, or 200]")
@click.option("--batch-size", type=click.IntRange(1), help="[default: the file's; 32 for a table]")
@click.option("--learning-rate", type=click.FloatRange(0), metavar="R")
@click.option(
    "--schedule",
    metavar="NAME,OPTION=VALUE",
    help="Of the learning rate: constant, inverse_scaling, adaptive, cosine; cosine,warmup=5.",
)
@click.option("--clip-norm", type=float, metavar="C", help="Bound the norm of the gradient.")
@click.option("--clip-value", type=float, metavar="C", help="Bound its elements.")
@click.option("--optimizer", help="For a table. [default: adam]")
@click.option("--l2", type=click.FloatRange(0), default=0.0, help="For a table: ½λΣW².")
@click.option("--seed", type=click.IntRange(0), help="[default: the file's, or 0]")
@click.option("--shuffle/--no-shuffle", default=None, help="[default: the file's; on for a table]")
@click.option(
    "--early-stopping", is_flag=True, help="Keep a tenth apart; end when it gains nothing."
)
@click.option(
    "--patience", default=10, show_default=True, type=click.IntRange(1), help="In epochs."
)
@click.option("--loss-below", type=float, metavar="E", help="End when the loss is below.")
@click.option("--seconds", type=click.FloatRange(0), help="End after so long.")
@click.option(
    "--engine", type=click.Choice(("auto", "jax", "numpy")), default="auto", show_default=True
)
@click.option("--dtype", type=click.Choice(("float32", "float64")))
@click.option("--run", "folder", type=click.Path(path_type=Path), metavar="FOLDER", help="Save it.")
@click.option(
    "--resume", type=click.Path(path_type=Path), metavar="FOLDER", help="Go on with a run."
)
@click.option(
    "--save-every", default=10.0, show_default=True, type=click.FloatRange(0), help="In seconds."
)
@click.pass_context
def train(context: click.Context, file: str | None, resume: Path | None, **options: Any) -> None:
    """Train a problem file, or a network for a table.

    FILE is a problem file, an example (handgrad examples), or a table: .csv, .parquet or .npz.
    Ctrl-C ends the training and keeps what is done.
    """
    if (file is None) == (resume is None):
        raise click.UsageError("Give a problem file or a table, or --resume FOLDER.")
    if resume is not None:
        _refuse(
            context, [name for name in options if name not in OF_RESUMING], "a run taken up again"
        )
        _report(_resumed(resume, options))
    elif Path(file or "").suffix.lower() in TABLES:
        _train_table(Path(file or ""), options)
    else:
        _refuse(context, OF_TABLES, "a problem file, which says it itself")
        _report(_train_problem(file or "", options))


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


OF_RESUMING = ("epochs", "seconds", "save_every")
OF_TABLES = (
    "target",
    "hidden",
    "activation",
    "init",
    "task",
    "categorical",
    "drop",
    "test",
    "optimizer",
    "l2",
)


def _refuse(context: click.Context, names: Sequence[str], where: str) -> None:
    """Say which option has no meaning here, rather than leave it unread."""
    for name in names:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            shown = "run" if name == "folder" else name.replace("_", "-")
            raise click.UsageError(f"--{shown} has no meaning for {where}.")


def _resumed(folder: Path, options: dict[str, Any]) -> Run:
    run = opened_run(folder)
    with _watched() as told:
        return run.resume(
            epochs=options["epochs"],
            seconds=options["seconds"],
            save_every=options["save_every"],
            progress=told,
        )


def opened_run(folder: Path) -> Run:
    """The run in a folder; what there is to say of it goes to standard error."""
    from handgrad.runs import Run
    from handgrad.training.trained import opened

    found, notes = opened(folder)
    for note in notes:
        click.echo(note, err=True)
    return Run(**vars(found))


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
    "folder",
    "save_every",
)


def _asked(options: dict[str, Any]) -> dict[str, Any]:
    asked = {name: options[name] for name in COMMON}
    asked["schedule"] = _schedule(options["schedule"])
    if options["early_stopping"]:
        asked |= {"validation": 0.1, "patience": options["patience"]}
    return asked


def _train_problem(file: str, options: dict[str, Any]) -> Run:
    from handgrad import runs, verbs

    problem = verbs.load(path_of(file))
    with _watched() as told:
        return runs.train(problem, progress=told, **_asked(options))


def _report(run: Run) -> None:
    """Where a run has come to, in a few lines."""
    click.echo(_outcome(run))
    if run.folder is not None:
        click.echo(f"Saved in {click.format_filename(run.folder)}.")
    parameters = run.parameters
    if sum(array.size for array in parameters.values()) <= FEW_NUMBERS:
        for name, array in parameters.items():
            click.echo(f"  {name} = {array.tolist()}")


def _outcome(run: Run) -> str:
    losses = run.history["loss"]
    fell = f"loss {losses[0]:.6g} → {losses[-1]:.6g}; " if losses else ""
    return (
        f"{run.updates:,} updates, {run.epochs:,} epochs: {fell}{run.stopped}. "
        f"{run.seconds:.2f} s by {run.engine.name} in {run.setup.task.dtype}."
    )


# --- tables ------------------------------------------------------------------------------------


def _train_table(file: Path, options: dict[str, Any]) -> None:
    import numpy as np

    from handgrad import runs
    from handgrad.training import columns
    from handgrad.training.tables import read_table

    table = read_table(file)
    target: str = options["target"] or list(table.columns)[-1]
    preparation, rows, notes = columns.prepare(
        table,
        target,
        task=options["task"],
        categorical=options["categorical"],
        drop=options["drop"],
    )
    seed = options["seed"] or 0
    order = np.random.default_rng([seed, 3]).permutation(len(rows))
    tested = round(options["test"] * len(rows))
    if tested >= len(rows):
        raise InputError(f"--test {options['test']} leaves no row to learn from.")
    parts = {"train": rows[np.sort(order[tested:])], "test": rows[np.sort(order[:tested])]}
    x, y = (
        columns.inputs(preparation, table, parts["train"], notes),
        columns.targets(preparation.target, table, parts["train"]),
    )
    _say_of_table(table, preparation, parts, notes)
    problem = _network_for(preparation, x, y, options)
    asked = _asked(options)
    asked["batch_size"] = options["batch_size"] or min(32, len(x))
    asked["shuffle"] = options["shuffle"] is not False
    with _watched() as told:
        run = runs.train(problem, x, y, progress=told, extra=preparation.record(), **asked)
    click.echo(_outcome(run))
    for name, chosen in parts.items():
        if len(chosen):
            click.echo(f"  {name:<6} {_score(run, preparation, table, chosen)}")
    if run.folder is not None:
        click.echo(f"Saved in {click.format_filename(run.folder)}.")


def _say_of_table(table: Any, preparation: Any, parts: Any, notes: list[str]) -> None:
    target = preparation.target
    learned = "a number" if target.classes is None else f"{len(target.classes)} classes"
    click.echo(
        f"{table.path.name}: {table.rows:,} rows; {len(preparation.features):,} columns as "
        f"{preparation.width:,} inputs → {target.name}, {learned}. "
        f"{len(parts['train']):,} rows to learn from, {len(parts['test']):,} to test."
    )
    for note in notes:
        click.echo(f"  {note}")


def _network_for(preparation: Any, x: Any, y: Any, options: dict[str, Any]) -> Any:
    from handgrad.model.describe import Network

    hidden = _hidden(options["hidden"])
    classes = preparation.target.classes
    outputs = 1 if classes is None else len(classes)
    last, loss = (
        ("identity", "mean_squared_error") if classes is None else ("softmax", "cross_entropy")
    )
    return Network(
        [preparation.width, *hidden, outputs],
        activation=[*[options["activation"]] * len(hidden), last],
        loss=loss,
        x=x[:1],
        y=y[:1],
        optimizer=options["optimizer"] or "adam",
        learning_rate=options["learning_rate"],
        l2=options["l2"],
        init=options["init"] or "glorot",
        seed=options["seed"] or 0,
    )


def _hidden(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdecimal() and 0 < int(part) <= 65_536 for part in parts):
        raise click.BadParameter(
            f"{text!r:.40}: write numbers of units, as in 32,16.", param_hint="'--hidden'"
        )
    return [int(part) for part in parts]


def _score(run: Run, preparation: Any, table: Any, rows: Any) -> str:
    """How good the outputs for some rows are."""
    import numpy as np

    from handgrad.training import columns

    target = preparation.target
    given = run.predict(columns.inputs(preparation, table, rows, []))
    true = columns.targets(target, table, rows)
    if target.classes is not None:
        right = (given.argmax(axis=1) == true.argmax(axis=1)).mean()
        return f"accuracy {right:.4f}  ({len(rows):,} rows)"
    error = (given - true).astype(float)[:, 0] * target.scale
    spread = float(np.var(true)) * target.scale**2
    square = (error**2).mean().item()
    explained, root = 1 - square / spread if spread else float("nan"), square**0.5
    return f"R² {explained:.4f}, root mean squared error {root:.6g}  ({len(rows):,} rows)"


@click.command(epilog="Example: handgrad predict model new.csv -o answers.csv")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT.csv")
@click.option("--probabilities", is_flag=True, help="Of every class, in place of the likeliest.")
def predict(run: Path, data: Path, output: Path | None, probabilities: bool) -> None:
    """The answers of a trained network for a table, as CSV.

    RUN is the folder that train --run wrote.
    """
    import numpy as np

    from handgrad.render.output import write_whole
    from handgrad.training import columns
    from handgrad.training.tables import read_table

    opened = opened_run(run)
    preparation = columns.preparation_of(opened.extra or {})
    table, notes = read_table(data), list[str]()
    given = opened.predict(columns.inputs(preparation, table, np.arange(table.rows), notes))
    for note in notes:
        click.echo(note, err=True)
    content = _answers(given, preparation.target, probabilities)
    if output is None:
        sys.stdout.write(content)
    else:
        write_whole(output, content)
        click.echo(f"Wrote {click.format_filename(output)}.", err=True)


def _answers(given: Any, target: Any, probabilities: bool) -> str:
    import csv
    import io

    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    if target.classes is None:
        writer.writerow([target.name])
        writer.writerows([repr(float(v) * target.scale + target.mean)] for v in given[:, 0])
    elif probabilities:
        writer.writerow([_cell(name) for name in target.classes])
        writer.writerows([repr(float(v)) for v in row] for row in given)
    else:
        writer.writerow([_cell(target.name)])
        writer.writerows([_cell(target.classes[n])] for n in given.argmax(axis=1))
    return content.getvalue()


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula; numbers stay numbers."""
    try:
        float(text)
    except ValueError:
        return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
    return text


@click.command(epilog="Example: handgrad evaluate model test.csv")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
def evaluate(run: Path, data: Path) -> None:
    """How good a trained network is on the rows of a table.

    RUN is the folder that train --run wrote.
    """
    import numpy as np

    from handgrad.training import columns
    from handgrad.training.tables import read_table

    opened = opened_run(run)
    preparation = columns.preparation_of(opened.extra or {})
    table = read_table(data)
    column = table.columns.get(preparation.target.name)
    rows = np.arange(table.rows)
    if column is not None:
        rows = rows[column.present]
    if not len(rows):
        raise InputError(f"{data}: no row has a value in {preparation.target.name}.")
    click.echo(_score(opened, preparation, table, rows))


@contextmanager
def _watched() -> Generator[Callable[[Progress], None]]:
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
