"""What comes of training: parameters and history, predictions, and any update of it once more."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from handgrad.calculus.expr import Symbol
from handgrad.errors import InputError
from handgrad.training import checkpoint, folder
from handgrad.training.beginning import Setup, Wish, engine_for, set_up
from handgrad.training.devices import devices_there
from handgrad.training.engines import Engine, State
from handgrad.training.events import logged
from handgrad.training.examples import forward, output_of
from handgrad.training.folder import Begun
from handgrad.training.memory import check_memory
from handgrad.training.running import History, Progress, refuse, run

__all__ = ["Trained", "opened", "trained"]

Array = Any


@dataclass(frozen=True)
class Trained:
    """A run, finished or ended early.

    ``setup`` is what it began with, ``state`` where it is, ``kept`` states on the way.
    """

    setup: Setup
    wish: Wish
    engine: Engine
    state: State
    record: History
    kept: tuple[State, ...]
    held: Mapping[Symbol, Array]
    folder: Path | None = None
    extra: Mapping[str, Any] | None = None
    exact: bool = (
        True  # whether the engine is the one it was trained by, so that replays have its bits
    )

    @property
    def parameters(self) -> dict[str, Array]:
        """The trained arrays by name: the best where the run was asked for them, else the last."""
        arrays = self.state.best_arrays or self.state.arrays
        trained = self.setup.derivation.parameters
        pairs = zip(self.setup.task.state, arrays, strict=True)
        return {str(s): np.array(a) for s, a in pairs if s in trained}

    @property
    def history(self) -> dict[str, list[float]]:
        """The loss of each epoch, taken before its updates, and of the data held back after them."""
        found = {"loss": list(self.record.loss)}
        return found | ({"validation": list(self.record.validation)} if self.held else {})

    @property
    def stopped(self) -> str:
        """Why the run ended."""
        return self.record.stopped

    @property
    def updates(self) -> int:
        """How many updates were done."""
        return self.state.done

    @property
    def epochs(self) -> int:
        """How many times all examples were gone through."""
        return self.state.done // self.setup.task.batches

    @property
    def seconds(self) -> float:
        """Seconds of training, without set-up and compiling."""
        return self.record.seconds

    def predict(self, x: Any, of: str | None = None) -> Array:
        """The outputs for new examples, one row each; or any quantity of the forward pass by name.

        For a problem of equations ``x`` maps the names of its data to arrays.
        """
        problem, derivation = self.setup.problem, self.setup.derivation
        names = {str(e.lhs.symbol): e.lhs.symbol for e in problem.forward}
        if of is not None and of not in names:
            raise InputError(f"There is no quantity {of!r:.40}; there are {', '.join(names)}.")
        wanted = names[of] if of else output_of(problem, derivation)
        given = cast("Mapping[Any, Any]", x) if isinstance(x, Mapping) else {"x": x}
        symbols = {str(s): s for s in problem.data}
        unknown = [str(k) for k in given if str(k) not in symbols]
        if unknown:
            raise InputError(f"There are no data {unknown[0]:.40}; there are {', '.join(symbols)}.")
        dtype = self.setup.task.dtype
        data = {
            symbols[str(k)]: _rows(str(k), v, dtype, problem, symbols) for k, v in given.items()
        }
        parameters = {s: self.parameters[str(s)] for s in derivation.parameters}
        return forward(problem, derivation, parameters, data, wanted)

    def replayed(self, step: int) -> tuple[State, State]:
        """The states before and after one update, by the same program, to the same bits."""
        if type(step) is not int or not 1 <= step <= self.state.done:
            raise InputError(f"The run has updates 1 to {self.state.done:,}, got {step!r:.20}.")
        near = max((s for s in self.kept if s.done < step), key=lambda s: s.done)
        if self.folder is not None:
            saved = folder.nearest(self.folder, self.setup.first, step)[0]
            near = max(near, saved, key=lambda s: s.done)
        before = _until(self.engine, near, step - 1)
        return before, _until(self.engine, before, step)

    def save(self, path: str | Path) -> Path:
        """Write the run to a new folder, from which it is opened again."""
        place = Path(path)
        folder.begin(place, self._begun())
        with checkpoint.locked(place):
            folder.save_state(place, self.state, self.record)
        return place

    def _begun(self) -> Begun:
        extra = self.extra or {}
        return Begun(self.setup.problem, self.held, self.wish, self.engine.name, extra)


def _rows(name: str, value: Any, dtype: str, problem: Any, symbols: Mapping[str, Symbol]) -> Array:
    array = np.asarray(value, dtype)
    wanted = np.shape(problem.values[symbols[name]])[1:]
    if array.shape[1:] != wanted or array.ndim == 0:
        shape = "×".join(map(str, wanted)) or "one number"
        raise InputError(f"{name} needs one row of {shape} per example, got {array.shape}.")
    return array


def _until(engine: Engine, state: State, done: int) -> State:
    while state.done < done:
        state = engine.advance(state, done).state
    return state


def trained(
    begun: Begun,
    *,
    place: Path | None = None,
    save_every: float = 10.0,
    events: Path | None = None,
    told: Callable[[Progress], None] | None = None,
    setup: Setup | None = None,
    lenient: bool = False,
) -> Trained:
    """Train from the beginning; into a folder where one is given, its losses into ``events``.

    A ``setup`` spares making it anew. Raises ``NumericError`` where the loss is no finite number, and
    says where that began; not if ``lenient``, where that only ends the run.
    """
    setup = setup or set_up(begun.problem, begun.wish, begun.held)
    check_memory(setup.task)
    engine = engine_for(setup, begun.wish, begun.engine)
    start = Trained(
        setup,
        begun.wish,
        engine,
        setup.first,
        History(),
        (setup.first,),
        begun.held,
        place,
        begun.extra,
    )
    if place is not None:
        folder.begin(place, replace(begun, engine=engine.name))
    options: dict[str, Any] = {"save_every": save_every, "events": events, "told": told}
    return continued(start, begun.wish, lenient=lenient, **options)


def continued(
    before: Trained,
    wish: Wish,
    *,
    save_every: float = 10.0,
    events: Path | None = None,
    told: Callable[[Progress], None] | None = None,
    lenient: bool = False,
) -> Trained:
    """Go on with a run until the wish is fulfilled."""
    with logged(events, len(before.record.loss)) as log:
        if before.folder is None:
            return _continued(before, wish, None, log, told, lenient)
        with checkpoint.locked(before.folder):
            saving = _Saving(before.folder, save_every)
            return _continued(before, wish, saving, log, told, lenient)


@dataclass
class _Saving:
    """Saves a run into its folder from time to time."""

    folder: Path
    every: float
    last: float = 0.0

    def __call__(self, state: State, history: History) -> None:
        now = time.monotonic()
        if now - self.last >= self.every and all(np.isfinite(a).all() for a in state.arrays):
            folder.save_state(self.folder, state, history)
            self.last = time.monotonic()


def _continued(
    before: Trained,
    wish: Wish,
    saving: _Saving | None,
    log: Callable[[History], None],
    told: Callable[[Progress], None] | None,
    lenient: bool,
) -> Trained:
    def kept_up(state: State, history: History) -> None:
        log(history)
        if saving is not None:
            saving(state, history)

    history = replace(before.record, loss=[*before.record.loss], stopped="")
    history.validation = [*before.record.validation]
    state, kept = run(
        before.setup, before.engine, wish, before.state, history, told=told, saved=kept_up
    )
    if state.done == before.state.done:  # there was nothing to go on to
        history.stopped = before.record.stopped or history.stopped
    if history.stopped == "not finite" and not lenient:
        refuse(before.setup, state)
    if saving is not None:
        folder.save_state(saving.folder, state, history)
    states = (*before.kept, *kept[1:]) if before.state.done else tuple(kept)
    return replace(before, wish=wish, state=state, record=history, kept=states)


def opened(place: Path) -> tuple[Trained, list[str]]:
    """The run in a folder, at its last undamaged checkpoint, and what there is to say of others."""
    begun = folder.open_run(place)
    setup = set_up(begun.problem, begun.wish, begun.held)
    check_memory(setup.task)
    state, history, notes = folder.latest(place, setup.first)
    wish, exact = begun.wish, begun.wish.devices == 1 or devices_there(begun.wish.devices)
    if not exact:
        notes.append(
            f"{place} was trained on {wish.devices} devices, which are not here. One is used: what is "
            "replayed or done from here on agrees with it to rounding."
        )
        wish = replace(wish, devices=1)
    engine = engine_for(setup, wish, begun.engine)
    kept = (setup.first, state) if state.done else (setup.first,)
    start = (setup, wish, engine, state, history, kept, begun.held, place, begun.extra)
    return Trained(*start, exact=exact), notes
