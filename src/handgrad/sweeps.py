"""Many networks at once: a problem, seeds and learning rates in, a table of runs out.

found = sweep(p, x, y, seeds=8, learning_rates=[0.1, 0.3, 1])     a Sweep: .table .best .plot()
found.best.predict(x); found.runs[3].explain(step=7)              each of them is a Run
"""

# A door: what comes in is whatever a user gave, so types are looked at and not believed.
# pyright: reportUnnecessaryIsInstance=false
from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import Any, cast

from handgrad.errors import InputError, LimitError
from handgrad.model.drawing import redrawn
from handgrad.model.limits import Limits
from handgrad.model.problem import Problem
from handgrad.render.sweeps import draw_sweep
from handgrad.runs import Run
from handgrad.training.folder import Begun, refuse_taken
from handgrad.training.running import Progress
from handgrad.training.sweeping import swept
from handgrad.training.wanted import begun_run, real, whole

__all__ = ["Sweep", "sweep"]

Axes = Any


@dataclass(frozen=True)
class Sweep:
    """Runs that differ in seed and learning rate, in the order they were asked for.

    ``together`` says whether they were trained side by side in one program.
    """

    runs: tuple[Run, ...]
    together: bool

    @property
    def table(self) -> list[dict[str, Any]]:
        """One row for each run; ``loss`` is that of the last epoch, ``validation`` the best."""
        return [_row(run) for run in self.runs]

    @property
    def best(self) -> Run:
        """The run of the least loss, of the examples held back where there are such.

        Raises ``InputError`` where every run ended in a loss that is no finite number.
        """
        found = self.best_place
        if found is None:
            raise InputError("No run has a finite loss. Use smaller learning rates.")
        return self.runs[found]

    @property
    def best_place(self) -> int | None:
        """Where the best run stands; None where no run has a finite loss."""
        measured = [_measure(run) for run in self.runs]
        least = min(measured)
        return measured.index(least) if least < math.inf else None

    def to_text(self) -> str:
        """The table in plain text; a star marks the best."""
        columns = self.cells()
        widths = [max(map(len, column)) for column in columns]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in zip(*columns, strict=True)
        ]
        return "\n".join(lines) + "\n"

    def cells(self) -> list[list[str]]:
        """The columns of the table as text, each with its heading first."""
        rows = self.table
        shown = {
            "seed": [str(row["seed"]) for row in rows],
            "learning rate": [f"{row['learning_rate']:g}" for row in rows],
            "loss": [_number(row["loss"]) for row in rows],
            "validation": [_number(row["validation"]) for row in rows],
            "epochs": [f"{row['epochs']:,}" for row in rows],
            "stopped": [row["stopped"] for row in rows],
            "": ["*" if n == self.best_place else "" for n in range(len(rows))],
        }
        if all(row["validation"] is None for row in rows):
            del shown["validation"]
        return [[heading, *cells] for heading, cells in shown.items()]

    def to_json(self) -> str:
        """The table as JSON, with the place of the best run."""
        found = {"runs": self.table, "best": self.best_place, "together": self.together}
        return json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def plot(
        self,
        *,
        ax: Axes = None,
        log: bool | None = None,
        theme: str = "light",
        width: int = 800,
    ) -> Axes:
        """Draw the loss of each run along its epochs with matplotlib; the axes come back.

        Runs of one learning rate look alike. ``ax`` are axes to draw on; without them a figure is
        made, ``width`` pixels wide. Raises ``InputError`` where matplotlib is not installed.
        """
        courses = [
            (_rate(run), run.history.get("validation") or run.history["loss"]) for run in self.runs
        ]
        held = any(run.held for run in self.runs)
        options: dict[str, Any] = {"ax": ax, "log": log, "theme": theme, "width": width}
        title = self.runs[0].setup.problem.title
        return draw_sweep(courses, self.best_place, title, held=held, **options)

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write each run to a folder of its own inside ``folder``; ``load_run`` opens it again."""
        places = _places(Path(folder), self.runs)
        for place in places:
            refuse_taken(place)
        return [run.save(place) for run, place in zip(self.runs, places, strict=True)]

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        how = "side by side" if self.together else "one after the other"
        return f"<Sweep: {len(self.runs):,} runs, {how}>"

    def __len__(self) -> int:
        return len(self.runs)


def _row(run: Run) -> dict[str, Any]:
    losses, checked = run.history["loss"], run.history.get("validation", [])
    return {
        "seed": run.setup.problem.seed,
        "learning_rate": _rate(run),
        "loss": losses[-1] if losses else None,
        "validation": min(checked) if checked else None,
        "epochs": run.epochs,
        "updates": run.updates,
        "stopped": run.stopped,
    }


def _rate(run: Run) -> float:
    return float(run.setup.problem.training.learning_rate)


def _measure(run: Run) -> float:
    """What a run is compared by."""
    row = _row(run)
    found = row["loss"] if row["validation"] is None else row["validation"]
    return math.inf if found is None or run.stopped == "not finite" else found


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"


def _name(seed: int, rate: float) -> str:
    return f"seed-{seed}-rate-{rate!r}"


def _places(folder: Path, runs: Sequence[Run]) -> list[Path]:
    return [folder / _name(run.setup.problem.seed, _rate(run)) for run in runs]


def sweep(
    problem: Problem,
    x: Any = None,
    y: Any = None,
    *,
    seeds: int | Iterable[int] | None = None,
    learning_rates: Iterable[float] | None = None,
    together: bool | None = None,
    folder: str | os.PathLike[str] | None = None,
    save_every: float = 10.0,
    progress: Callable[[Progress], None] | None = None,
    **training: Any,
) -> Sweep:
    """Train a problem once with each seed and each learning rate.

    ``seeds`` are whole numbers, or how many from 0 on; each draws the weights anew that the problem's
    seed drew, and the order of the examples. What is left out is the problem's. The rest is as for
    ``train``: each run is what ``train`` with that ``seed`` and ``learning_rate`` gives, to the
    rounding of its ``dtype``, except that a ``validation`` given as a part of the examples holds back
    the same ones in every run. A loss that is no finite number ends its run and no other.

    Small networks are trained side by side in one program where that is done first; ``together`` says
    it in place of the estimate. With ``folder`` each run is saved in a folder of its own inside it.

    Raises ``InputError`` for seeds and rates that are none, or that change nothing, and what ``train``
    raises.

    >>> from handgrad import Network
    >>> p = Network([2, 2, 1], x=[[0, 1], [1, 0]], y=[[1], [0]])
    >>> found = sweep(p, seeds=2, learning_rates=[0.1, 1.0], epochs=50)
    >>> len(found), found.best.setup.problem.training.learning_rate
    (4, 1.0)
    """
    begun = begun_run(problem, x, y, **training)
    variants = _variants(begun, seeds, learning_rates)
    places: list[Path | None] = [None] * len(variants)
    if folder is not None:
        names = [_name(v.problem.seed, v.problem.training.learning_rate) for v in variants]
        places = [Path(folder) / name for name in names]
        if next(Path(folder).glob("seed-*-rate-*/*.safetensors"), None) is not None:
            raise InputError(f"{folder} holds the runs of a sweep already. Give another folder.")
        for place in places:
            refuse_taken(cast("Path", place))
    found = swept(variants, together=together, places=places, save_every=save_every, told=progress)
    runs = tuple(Run(**vars(run)) for run in found.runs)
    if folder is not None and found.together:
        for run, place in zip(runs, places, strict=True):
            run.save(cast("Path", place))
    return Sweep(runs, found.together)


def _variants(begun: Begun, seeds: Any, learning_rates: Any) -> list[Begun]:
    problem = begun.problem
    numbers = [problem.seed] if seeds is None else _seeds(seeds)
    if begun.wish.search and learning_rates is not None:
        raise InputError("learning_rates have no meaning for L-BFGS. Leave them out.")
    given = [problem.training.learning_rate] if learning_rates is None else _listed(learning_rates)
    rates = [real(rate, "a learning rate") for rate in given]
    _distinct(numbers, "seeds")
    _distinct(rates, "learning_rates")
    if len(numbers) * len(rates) > Limits.networks:
        raise LimitError(
            f"{len(numbers):,} seeds and {len(rates):,} learning rates are more than "
            f"{Limits.networks:,} networks. Ask for fewer."
        )
    if len(numbers) > 1 and not problem.drawn and not _shuffled(problem):
        raise InputError(
            "The seeds change nothing: every weight is given, and the examples keep their order. "
            "Leave weights out, so that they are drawn, or shuffle batches."
        )
    return [_variant(begun, seed, rate) for rate in rates for seed in numbers]


def _variant(begun: Begun, seed: int, rate: float) -> Begun:
    problem = redrawn(begun.problem, seed)
    training = replace(problem.training, learning_rate=rate)
    return replace(begun, problem=replace(problem, training=training))


def _shuffled(problem: Problem) -> bool:
    batch = problem.training.batch_size
    return problem.training.shuffle and batch is not None and batch < problem.examples


def _seeds(given: Any) -> list[int]:
    if isinstance(given, Integral):
        return list(range(whole(given, "seeds", 1)))
    return [whole(seed, "a seed", 0) for seed in _listed(given)]


def _listed(given: Any) -> list[Any]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InputError(f"{given!r:.60} is no list of numbers.")
    found = list(cast("Iterable[Any]", given))
    if not found:
        raise InputError("There is nothing to sweep: a list is empty.")
    return found


def _distinct(values: Sequence[float], name: str) -> None:
    twice = [value for n, value in enumerate(values) if value in values[:n]]
    if twice:
        raise InputError(f"{name} has {twice[0]:g} more than once.")
