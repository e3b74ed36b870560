"""handgrad predict and evaluate, and training on a table: columns in, answers and scores out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from handgrad.cli.files import PATH
from handgrad.cli.running import asked, opened_run, say_outcome, watched
from handgrad.errors import InputError

if TYPE_CHECKING:
    from handgrad.runs import Run

__all__ = ["evaluate", "learned_from", "predict", "train_table"]


class Learned(NamedTuple):
    """The network for a table, what it learns from, how that was made, and the rows by their use."""

    problem: Any
    x: Any
    y: Any
    preparation: Any
    table: Any
    parts: dict[str, Any]

    def given(self, options: dict[str, Any]) -> dict[str, Any]:
        """What is asked of training in a way of its own for tables."""
        from handgrad.training.searching import LBFGS

        extra = {"extra": self.preparation.record()}
        if options["optimizer"] == LBFGS:
            return {"optimizer": LBFGS, **extra}
        batch = options["batch_size"] or min(32, len(self.x))
        return {"batch_size": batch, "shuffle": options["shuffle"] is not False, **extra}


def train_table(file: Path, options: dict[str, Any]) -> None:
    """Train a network for a table, and say how good it is on rows kept apart."""
    from handgrad import runs

    how = learned_from(file, options)
    given = asked(options) | how.given(options)
    with watched() as told:
        run = runs.train(how.problem, how.x, how.y, progress=told, **given)
    scores = (
        f"{name:<6} {_score(run, how.preparation, how.table, chosen)}"
        for name, chosen in how.parts.items()
        if len(chosen)
    )
    say_outcome(run, *scores)


def learned_from(file: Path, options: dict[str, Any], *, aside: bool = False) -> Learned:
    """The network for a table. What there is to say of it is said, on standard error if ``aside``."""
    from handgrad.training import columns
    from handgrad.training.tables import read_table

    table = read_table(file)
    preparation, rows, notes = columns.prepare(
        table,
        options["target"] or list(table.columns)[-1],
        task=options["task"],
        categorical=options["categorical"],
        drop=options["drop"],
    )
    parts = _parted(rows, options["test"], options["seed"] or 0)
    x = columns.inputs(preparation, table, parts["train"], notes)
    y = columns.targets(preparation.target, table, parts["train"])
    _say_of_table(table, preparation, parts, notes, aside=aside)
    problem = _network_for(preparation, x, y, options)
    return Learned(problem, x, y, preparation, table, parts)


def _parted(rows: Any, tested: float, seed: int) -> dict[str, Any]:
    """The rows to learn from, and those kept apart, drawn at random."""
    import numpy as np

    if not 0 <= tested <= 1:
        raise InputError(f"--test is {tested}; it is a part of the rows, such as 0.2.")
    order = np.random.default_rng([seed, 3]).permutation(len(rows))
    count = round(tested * len(rows))
    if count >= len(rows):
        raise InputError(f"--test {tested} leaves no row to learn from.")
    return {"train": rows[np.sort(order[count:])], "test": rows[np.sort(order[:count])]}


def _say_of_table(
    table: Any, preparation: Any, parts: Any, notes: list[str], *, aside: bool
) -> None:
    target = preparation.target
    learned = "a number" if target.classes is None else f"{len(target.classes)} classes"
    click.echo(
        f"{table.path.name}: {table.rows:,} rows; {len(preparation.features):,} columns as "
        f"{preparation.width:,} inputs → {target.name}, {learned}. "
        f"{len(parts['train']):,} rows to learn from, {len(parts['test']):,} to test.",
        err=aside,
    )
    for note in notes:
        click.echo(f"  {note}", err=aside)


def _network_for(preparation: Any, x: Any, y: Any, options: dict[str, Any]) -> Any:
    from handgrad.model.describe import Network
    from handgrad.training.searching import LBFGS

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
        optimizer="sgd" if options["optimizer"] == LBFGS else options["optimizer"] or "adam",
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
@click.argument("run", type=PATH)
@click.argument("data", type=PATH)
@click.option("-o", "--output", type=PATH, metavar="OUT.csv")
@click.option("--probabilities", is_flag=True, help="Of every class, in place of the likeliest.")
def predict(run: Path, data: Path, output: Path | None, probabilities: bool) -> None:
    """The answers of a trained network for a table, as CSV.

    RUN is the folder that train --run wrote.
    """
    import numpy as np

    from handgrad.render.output import write_whole
    from handgrad.training import columns
    from handgrad.training.tables import read_table

    if output is not None:
        _refuse_over(output, data, run)
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


def _refuse_over(output: Path, data: Path, run: Path) -> None:
    """Raise ``InputError`` where answers would take the place of what they are made from."""
    place = output.resolve()
    if place == data.resolve() or run.resolve() in (place, *place.parents):
        raise InputError(f"{output} is what the answers are made from. Give another file.")


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
@click.argument("run", type=PATH)
@click.argument("data", type=PATH)
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
