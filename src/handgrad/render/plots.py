"""Curves and maps of a problem: what a user asks for in, matplotlib axes out.

``plot`` looks at what was asked, runs the updates and lets ``curves`` and ``maps`` draw.
"""

# A door: what comes in is whatever a user gave, so types are looked at and not believed.
# pyright: reportUnnecessaryIsInstance=false
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, cast

import numpy as np

from handgrad.calculus.expr import Ref, Symbol
from handgrad.errors import InputError
from handgrad.model.problem import Problem, derive
from handgrad.numbers.curves import activation
from handgrad.numbers.evaluate import Trace, evaluate
from handgrad.numbers.page import element
from handgrad.numbers.roles import places, prediction
from handgrad.numbers.thinning import Progress, planned
from handgrad.numbers.updates import Updates
from handgrad.render.curves import draw_activation, draw_gradients, draw_history, draw_loss
from handgrad.render.document import clean_text
from handgrad.render.figure import THEMES, is_axes, legend, new_axes, styled
from handgrad.render.maps import draw_boundary, draw_surface
from handgrad.render.notation import Names

__all__ = ["KINDS", "plot"]

Axes = Any
KINDS = ("activation", "boundary", "gradients", "history", "loss", "surface")
MOST = 8  # lines in one picture


def plot(
    kind: str,
    problem: Problem | str,
    *,
    of: str | Sequence[str] = (),
    steps: int | None = None,
    ax: Axes = None,
    log: bool | None = None,
    theme: str = "light",
    width: int = 800,
    progress: Progress | None = None,
) -> Axes:
    """Draw a curve or a map with matplotlib; the axes it is on come back.

    ``activation``: a function and its derivative; ``problem`` is its name or a formula in z.
    ``loss``: the loss before each update and after the last. ``gradients``: norm and largest element
    of the gradient of each parameter ``of``. ``history``: elements ``of`` parameters along the
    updates. ``surface``: the loss over two elements ``of`` parameters, with the path of the descent.
    ``boundary``: what a problem with two inputs gives for each of them (the output, or one ``of``).

    ``steps`` is the number of updates, left out that of the problem. ``log`` chooses the scale of the
    values, left out by their range. ``ax`` are axes to draw on; without them a figure is made,
    ``width`` pixels wide, light or dark by its ``theme``: ``plot(…).figure.savefig("loss.png")``.
    ``progress`` is called with the updates done and planned.

    Raises ``InputError`` for what cannot be drawn, and where matplotlib is not installed.
    """
    _known(kind, theme, log)
    names = _names(of)
    own = ax is None
    with styled(theme) if own else nullcontext():
        axes = new_axes(width) if own else is_axes(ax)
        if kind == "activation":
            _activation(axes, problem, given=bool(names or steps is not None or log is not None))
        else:
            _run(axes, kind, problem, names, steps, log, progress)
        legend(axes, own=own)
    return axes


def _known(kind: str, theme: str, log: object) -> None:
    if kind not in KINDS:
        raise InputError(f"There is no plot {kind!r:.60}. There are {', '.join(KINDS)}.")
    if theme not in THEMES:
        raise InputError(f"There is no theme {theme!r:.60}. There are {', '.join(THEMES)}.")
    if not isinstance(log, bool | None):
        raise InputError(f"log is {log!r:.60}; it is True, False, or None for what fits.")


def _names(of: object) -> list[str]:
    names = cast(
        "list[object]", [of] if isinstance(of, str) or not isinstance(of, Iterable) else [*of]
    )
    if not all(isinstance(name, str) for name in names):
        raise InputError(f"of is {of!r:.60}; it is a name such as 'W1[2,1]', or several.")
    return cast("list[str]", names)


def _activation(axes: Axes, written: Problem | str, *, given: bool) -> None:
    if not isinstance(written, str):
        raise InputError("An activation is given by its name or as a formula in z, not a problem.")
    if given:
        raise InputError("An activation is no run: leave of, steps and log out.")
    draw_activation(axes, clean_text(written), *activation(written))


def _run(
    axes: Axes,
    kind: str,
    problem: Problem | str,
    of: Sequence[str],
    steps: int | None,
    log: bool | None,
    progress: Progress | None,
) -> None:
    if not isinstance(problem, Problem):
        raise InputError(f"{kind} takes a Problem, from load, Network or Equations.")
    problem = replace(problem, title=clean_text(problem.title))
    run = Updates(problem, derive(problem), planned(problem, steps))
    names = Names.of(problem)
    if kind == "loss":
        if of:
            raise InputError("There is one loss; of chooses nothing. Leave it out.")
        draw_loss(axes, run, names, log, progress)
    elif kind == "boundary":
        draw_boundary(axes, run, names, _output(problem, run, of), log, progress)
    elif kind == "gradients":
        draw_gradients(axes, run, names, _parameters(run, of), log, progress)
    elif kind == "history":
        draw_history(axes, run, names, _elements(run, of), log, progress)
    else:
        draw_surface(axes, run, names, _pair(run, of), log, progress)


def _output(problem: Problem, run: Updates, of: Sequence[str]) -> Ref:
    """The quantity that a boundary is drawn of, as if there were a single example."""
    if not of:
        return Ref(prediction(problem))
    if len(of) > 1:
        raise InputError("A boundary is drawn of one output. Give one name.")
    cut = {s: v[:1] if s in problem.batched else v for s, v in problem.values.items()}
    state = {s: v[:1] if s in problem.batched else v for s, v in run.state.items()}
    trace = evaluate(run.forward, state)
    found = element(replace(problem, values=cut), trace, of[0])
    if found.symbol in run.state:
        raise InputError(f"{of[0]} is given; a boundary is drawn of what is computed.")
    return found


def _parameters(run: Updates, of: Sequence[str]) -> list[Symbol]:
    """Whole parameters by name; without names all of them, or some spread over the network."""
    known = {str(s): s for s in run.problem.parameters}
    for name in of:
        if name not in known:
            there = ", ".join(known) or "none"
            raise InputError(f"There is no parameter {name!r:.60}. There are {there}.")
    chosen = [known[name] for name in dict.fromkeys(of)] or list(known.values())
    if not chosen:
        raise InputError("This problem trains nothing, so there is no gradient to draw.")
    if of:
        return _few(chosen)
    picked = np.unique(np.linspace(0, len(chosen) - 1, MOST).round().astype(int))
    return [chosen[n] for n in picked]


def _elements(run: Updates, of: Sequence[str]) -> list[Ref]:
    """Elements by name, of a whole parameter all; without names the first of the problem."""
    if of:
        return _few([ref for name in of for ref in _elements_of(run, name)])
    every = (e for s in run.problem.parameters for e in _whole(run, s))
    found = [ref for ref, _ in zip(every, range(MOST), strict=False)]
    if not found:
        raise InputError("This problem trains nothing, so there is no parameter to draw.")
    return found


def _few(chosen: list[Any]) -> list[Any]:
    if len(chosen) > MOST:
        raise InputError(f"{len(chosen)} lines are too many for one picture; name at most {MOST}.")
    return chosen


def _elements_of(run: Updates, name: str) -> list[Ref]:
    ref = element(run.problem, Trace(run.state), name)
    if ref.symbol not in run.problem.parameters:
        there = ", ".join(map(str, run.problem.parameters)) or "none"
        raise InputError(f"{name} is no parameter that is trained. There are {there}.")
    return [ref] if ref.indices else list(_whole(run, ref.symbol))


def _whole(run: Updates, symbol: Symbol) -> Iterator[Ref]:
    """Every element of a quantity."""
    return (Ref(symbol, at) for at in places(np.shape(run.state[symbol])))


def _pair(run: Updates, of: Sequence[str]) -> list[Ref]:
    """The two elements that a surface is drawn over; without names the first two."""
    chosen = _elements(run, of)
    chosen = chosen if of else chosen[:2]
    if len(chosen) != 2 or chosen[0] == chosen[1]:
        raise InputError(
            f"A surface is drawn over two numbers, such as W1[1,1] and b1[1]; got {len(chosen)}."
        )
    return chosen
