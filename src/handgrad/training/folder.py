"""A run in a folder: what it began with, its last checkpoints, and what is read back from them.

``start.safetensors`` holds the problem with its data, ``step-….safetensors`` the state after so
many updates. The last three are kept; the best state travels inside each.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.calculus.expr import Symbol
from handgrad.errors import FileError, InputError
from handgrad.model.problem import Problem
from handgrad.model.schedules import Pace
from handgrad.training import checkpoint
from handgrad.training.beginning import Wish
from handgrad.training.engines import State
from handgrad.training.records import plain, problem_record, rebuilt, recorded_problem
from handgrad.training.running import History

__all__ = ["Begun", "begin", "latest", "nearest", "open_run", "refuse_taken", "save_state"]

Array = Any
START = "start.safetensors"
LAST = 3
BEFORE = "The checkpoint before it is used."
NONE_BEFORE = "There is none before it: the run is at its beginning."
FORMAT = 1


@dataclass(frozen=True)
class Begun:
    """What a run began with."""

    problem: Problem
    held: Mapping[Symbol, Array]
    wish: Wish
    engine: str
    extra: Mapping[str, Any]  # what a door wants to find again: how columns were read


def begin(folder: Path, begun: Begun) -> None:
    """Make the folder of a run. Raises ``InputError`` where there is one already."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{folder} cannot be made: {error.strerror or error}.") from None
    refuse_taken(folder)
    arrays = {f"given/{n}": np.asarray(v) for n, v in enumerate(begun.problem.values.values())}
    arrays |= {f"held/{n}": np.asarray(v) for n, v in enumerate(begun.held.values())}
    record = {
        "format": FORMAT,
        **problem_record(begun.problem),
        "held": [plain(symbol) for symbol in begun.held],
        "wish": asdict(begun.wish),
        "engine": begun.engine,
        "extra": dict(begun.extra),
        "made with": made_with(),
    }
    checkpoint.write(folder / START, arrays, record)


def refuse_taken(folder: Path) -> None:
    """Raise ``InputError`` where there is a run in the folder, or what is left of one."""
    if folder.is_dir() and not (folder / START).exists() and checkpoint.checkpoints(folder):
        raise InputError(
            f"{folder} holds checkpoints of a run, but no {START}. Empty it, or give another folder."
        )
    if (folder / START).exists():
        raise InputError(
            f"{folder} holds a run already. Give another folder, or go on with it: --resume {folder}"
        )


def made_with() -> dict[str, str]:
    """What the bits of a run depend on besides its numbers."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    found["processors"] = str(os.cpu_count())
    for name in ("handgrad", "numpy", "jax", "jaxlib"):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def open_run(folder: Path) -> Begun:
    """What a run in a folder began with. Raises ``FileError`` where there is none."""
    if not (folder / START).is_file():
        raise FileError(
            f"{folder} holds no run: there is no {START} in it. Give the folder of a run."
        )
    arrays, record = checkpoint.read(folder / START)
    try:
        given = [arrays[f"given/{n}"] for n in range(len(record["values"]))]
        held = {rebuilt(s): arrays[f"held/{n}"] for n, s in enumerate(record["held"])}
        names = {field.name for field in fields(Wish)}
        wish = Wish(**{k: v for k, v in record["wish"].items() if k in names})
        problem = recorded_problem(record, given)
        return Begun(problem, held, wish, record["engine"], record["extra"])
    except (KeyError, TypeError):
        raise FileError(f"{folder / START} is no run that this version reads.") from None


def save_state(folder: Path, state: State, history: History) -> Path:
    """Write a checkpoint, then let go of all but the last three."""
    arrays = {f"state/{n}": a for n, a in enumerate(state.arrays)}
    arrays |= {f"best/{n}": a for n, a in enumerate(state.best_arrays)}
    arrays["history/loss"] = np.array(history.loss, np.float64)
    arrays["history/validation"] = np.array(history.validation, np.float64)
    record = {
        "format": FORMAT,
        "run": _run_of(folder),
        "done": state.done,
        "total": state.total.hex(),
        "best": state.pace.best.hex(),
        "waited": state.pace.waited,
        "factor": state.pace.factor.hex(),
        "seconds": history.seconds,
        "stopped": history.stopped,
        "made with": made_with(),
    }
    path = folder / f"step-{state.done:09d}.safetensors"
    checkpoint.write(path, arrays, record)
    for _, old in checkpoint.checkpoints(folder)[LAST:]:
        with contextlib.suppress(OSError):
            old.unlink()
    return path


def _run_of(folder: Path) -> str:
    """What tells the run of a folder from others: the checksum of what it began with."""
    try:
        return checkpoint.checksum(folder / START)
    except FileError:
        return ""


def _state(arrays: Mapping[str, Array], record: Any) -> tuple[State, History]:
    def listed(prefix: str) -> tuple[Array, ...]:
        count = sum(name.startswith(f"{prefix}/") for name in arrays)
        return tuple(arrays[f"{prefix}/{n}"] for n in range(count))

    state = State(
        listed("state"),
        record["done"],
        float.fromhex(record["total"]),
        Pace(
            float.fromhex(record["best"]),
            record["waited"],
            float.fromhex(record.get("factor", "0x1p0")),
        ),
        listed("best"),
    )
    losses, checked = (arrays[f"history/{name}"].tolist() for name in ("loss", "validation"))
    return state, History(losses, checked, record["seconds"], record["stopped"])


def _belongs(state: State, first: State) -> bool:
    """Whether the arrays are those of this run's program."""
    own = [np.shape(array) for array in first.arrays]
    best = [np.shape(array) for array in state.best_arrays]
    return [np.shape(array) for array in state.arrays] == own and best in ([], own)


def latest(folder: Path, first: State) -> tuple[State, History, list[str]]:
    """The last undamaged checkpoint, and a sentence about each that is damaged.

    Without any, the run is at its beginning.
    """
    return nearest(folder, first, None)


def nearest(folder: Path, first: State, below: int | None) -> tuple[State, History, list[str]]:
    """The last undamaged checkpoint of fewer updates than ``below``."""
    damaged: list[str] = []
    run = _run_of(folder)
    for done, path in checkpoint.checkpoints(folder):
        if below is not None and done >= below:
            continue
        try:
            arrays, record = checkpoint.read(path)
            state, history = _state(arrays, record)
            if _belongs(state, first) and record.get("run", run) == run:
                return state, history, [f"{said} {BEFORE}" for said in damaged]
            raise FileError(f"{path}: it is no checkpoint of this run.")
        except (FileError, KeyError, TypeError, ValueError) as error:
            said = str(error) if isinstance(error, FileError) else f"{path}: it is damaged."
            damaged.append(said)
    notes = [f"{said} {BEFORE}" for said in damaged[:-1]]
    notes += [f"{said} {NONE_BEFORE}" for said in damaged[-1:]]
    return first, History(), notes
