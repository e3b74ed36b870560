"""Several runs of one problem in, all of them trained out.

Side by side in one program where that is done first, else one after the other. Side by side they
stand in blocks of one width, and each processor works at blocks of its own.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.errors import InputError
from handgrad.model.problem import derive
from handgrad.numbers.jax_kernels import has_jax
from handgrad.training import costs
from handgrad.training.beginning import Setup, pays, set_up
from handgrad.training.engines import State
from handgrad.training.folder import Begun
from handgrad.training.graph import reachable, work
from handgrad.training.lanes import Lanes, LanesEngine, OneLane
from handgrad.training.memory import check_memory
from handgrad.training.program import is_small
from handgrad.training.running import (
    SLICE,
    History,
    Progress,
    interrupts,
    next_slice,
    reason,
    thinned,
)
from handgrad.training.task import Task
from handgrad.training.trained import Trained, trained

__all__ = ["Swept", "swept", "width_for"]

WIDE = 15 << 10
"""Bytes of the largest array of a block: beyond it XLA cuts operations in parts, no native loop then."""
WIDEST, NARROWEST = 64, 8
Told = Callable[[Progress], None]


@dataclass(frozen=True)
class Swept:
    """The runs in the order they were asked for, and whether they were trained side by side."""

    runs: tuple[Trained, ...]
    together: bool


def swept(
    begun: Sequence[Begun],
    *,
    together: bool | None = None,
    places: Sequence[Path | None],
    save_every: float = 10.0,
    told: Told | None = None,
) -> Swept:
    """Train several networks that differ in first weights, order of examples and learning rate.

    ``together`` says how; without it, as is done first. Raises ``InputError`` where it cannot be.
    One after the other, each is saved at its place while it runs. A loss that is no finite number
    ends its run and no other.
    """
    derivation = derive(begun[0].problem)
    setups = [set_up(each.problem, each.wish, each.held, derivation) for each in begun]
    setups = [replace(setup, task=setups[0].task) for setup in setups]  # they are equal: one record
    width = width_for(setups[0].task, len(begun)) if begun[0].engine != "numpy" else 0
    able = width > 0 and has_jax()
    wanted = able and _pays(setups[0].task, begun[0], len(begun), width)
    if (wanted if together is None else together and able) and (blocks := _blocks(setups, width)):
        return Swept(tuple(_side_by_side(begun, setups, blocks, told)), together=True)
    if together:
        raise InputError(
            "These networks cannot be trained side by side: that is for two and more small ones, by "
            "the engine jax. Leave together out."
        )
    runs = _one_after_another(begun, setups, places, save_every, told)
    return Swept(tuple(runs), together=False)


# --- the choice ----------------------------------------------------------------------------------


def width_for(task: Task, count: int) -> int:
    """How many of ``count`` networks stand side by side in a block; 0 where a block is no gain."""
    if not is_small(task):
        return 0
    stage = task.stage(task.batch)
    nodes = reachable(stage.graph, stage.outputs)
    products = [work(node) for node in nodes if node.operation == "contract"]
    largest = max([math.prod(node.shape) for node in nodes] + products)
    most = min(WIDEST, WIDE // (largest * np.dtype(task.dtype).itemsize))
    if most < NARROWEST or count < 2:
        return 0
    blocks = -(-count // most)
    workers = os.cpu_count() or 1
    if count >= 2 * NARROWEST * workers:
        blocks = -(-blocks // workers) * workers
    return -(-count // blocks)


def _pays(task: Task, one: Begun, count: int, width: int) -> bool:
    """Whether side by side is done before one after the other, compiling included."""
    updates = one.wish.updates
    start, each = costs.xla_start(task), costs.xla_update(task, small=True)
    alone = count * costs.RUN + start + count * updates * each
    if one.engine == "auto":
        alone = min(alone, count * (costs.RUN + updates * costs.numpy_update(task)))
    blocks = -(-count // width)
    return costs.lanes_start(task) + blocks * updates * costs.lanes_update(task, width) < alone


# --- one after the other -------------------------------------------------------------------------


def _one_after_another(
    begun: Sequence[Begun],
    setups: Sequence[Setup],
    places: Sequence[Path | None],
    save_every: float,
    told: Told | None,
) -> list[Trained]:
    """Ctrl-C ends the run that is under way, and those after it before they begin."""
    runs: list[Trained] = []
    engine = _engine_of_all(begun, setups[0].task)
    wanted = sum(each.wish.updates for each in begun)
    started, ended = time.monotonic(), False
    for each, setup, place in zip(begun, setups, places, strict=True):
        left = each.wish.seconds - (time.monotonic() - started)
        wish = replace(each.wish, seconds=0.0 if ended else max(0.0, left))
        before = sum(run.wish.updates for run in runs)
        tell = partial(_told_of_all, told, before, wanted, started) if told else None
        one = replace(each, wish=wish, engine=engine)
        options: dict[str, Any] = {"place": place, "save_every": save_every, "told": tell}
        runs.append(trained(one, setup=setup, lenient=True, **options))
        ended = ended or runs[-1].stopped == "interrupted"
    return runs


def _engine_of_all(begun: Sequence[Begun], task: Task) -> str:
    """The engine that is done first with all runs, which share what is compiled."""
    if begun[0].engine != "auto":
        return begun[0].engine
    return "jax" if has_jax() and pays(task, len(begun) * begun[0].wish.updates) else "numpy"


def _told_of_all(told: Told, before: int, wanted: int, started: float, now: Progress) -> None:
    spent = time.monotonic() - started
    told(replace(now, done=before + now.done, wanted=wanted, seconds=spent))


# --- side by side --------------------------------------------------------------------------------


@dataclass
class _Block:
    """Some networks side by side, and what they leave behind."""

    engine: LanesEngine
    setups: Sequence[Setup]  # fewer than the engine has places where the last ones repeat
    lanes: Lanes
    kept: list[Lanes]
    histories: list[History]

    def advance(self, wanted: int) -> None:
        """Go on with all of them; what they leave behind is noted."""
        step = self.engine.advance(self.lanes, wanted)
        self.lanes = step.lanes
        for n, history in enumerate(self.histories):
            history.loss += step.losses[n].tolist()
            history.validation += step.checked[n].tolist()
        size = sum(a.nbytes for a in self.lanes.arrays)
        self.kept = thinned([*self.kept, self.lanes], size, lambda lanes: int(lanes.done.max()))

    @property
    def done(self) -> int:
        """The updates of the network that is furthest."""
        return int(self.lanes.done.max())

    @property
    def goes_on(self) -> bool:
        """Whether a network has not ended."""
        return bool(self.lanes.going.any())


def _blocks(setups: Sequence[Setup], width: int) -> list[_Block]:
    """The blocks, compiled; none where XLA cannot make one native loop of them."""
    blocks: list[_Block] = []
    for begin in range(0, len(setups), width):
        own = setups[begin : begin + width]
        places = [*own, *[own[-1]] * (width - len(own))]
        check_memory(own[0].task, len(places))
        engine = LanesEngine(own[0].task, [each.inputs for each in places])
        lanes = engine.begin([each.first for each in places])
        engine.advance(lanes, 0)  # no update, but all compiling
        if not engine.native:
            return []
        blocks.append(_Block(engine, own, lanes, [lanes], [History() for _ in own]))
    return blocks


def _side_by_side(
    begun: Sequence[Begun], setups: Sequence[Setup], blocks: list[_Block], told: Told | None
) -> list[Trained]:
    interrupted = _advance(begun[0], setups[0].task, blocks, told)
    runs: list[Trained] = []
    for block in blocks:
        snapshots = [lanes.states() for lanes in block.kept]
        for place in range(len(block.setups)):
            states = _distinct([snapshot[place] for snapshot in snapshots])
            runs.append(_run_of(begun[len(runs)], block, place, states, interrupted))
    return runs


def _advance(one: Begun, task: Task, blocks: list[_Block], told: Told | None) -> bool:
    """All blocks to the end; whether Ctrl-C ended them before."""
    wish, many = one.wish, max(1, int(SLICE / costs.lanes_update(task, blocks[0].engine.count)))
    networks = sum(len(block.setups) for block in blocks)
    started = time.monotonic()
    with interrupts() as interrupted, ThreadPoolExecutor(os.cpu_count()) as pool:
        while not interrupted.is_set() and time.monotonic() - started < wish.seconds:
            busy = [block for block in blocks if block.done < wish.updates and block.goes_on]
            if not busy:
                return False
            before, done = time.perf_counter(), min(block.done for block in busy)
            wanted = min(wish.updates, done + many)
            list(pool.map(_Block.advance, busy, [wanted] * len(busy)))
            spent = time.perf_counter() - before
            many = next_slice(many, min(block.done for block in busy) - done, spent)
            for history in (each for block in blocks for each in block.histories):
                history.seconds += spent / networks
            if told:
                told(_progress(blocks, wish.updates, task, time.monotonic() - started))
        return interrupted.is_set()


def _progress(blocks: list[_Block], wanted: int, task: Task, spent: float) -> Progress:
    """How far all are together; the loss is the best."""
    networks = sum(len(block.setups) for block in blocks)
    losses = [h.loss[-1] for block in blocks for h in block.histories if h.loss]
    done = max(block.done for block in blocks)
    best = min(losses, default=math.nan)
    return Progress(networks * done, networks * wanted, done // task.batches, best, None, spent)


def _distinct(states: Sequence[State]) -> list[State]:
    """The states of a network that may have ended before others; the first and those further on."""
    after = [b for a, b in pairwise(states) if b.done > a.done]
    return [states[0], *after]


def _run_of(
    begun: Begun, block: _Block, place: int, kept: list[State], interrupted: bool
) -> Trained:
    """One of the networks as a run of its own."""
    setup, history = block.setups[place], block.histories[place]
    going = bool(block.lanes.going[place])
    history.stopped = reason(kept[-1], begun.wish, going, going and interrupted, setup)
    wish = replace(begun.wish, lanes=block.engine.count, lane=place)
    engine = OneLane(block.engine, place)
    return Trained(
        setup, wish, engine, kept[-1], history, tuple(kept), begun.held, None, begun.extra
    )
