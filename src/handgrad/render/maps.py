"""Maps over two numbers: the loss over two parameters, an output over two inputs."""

# NumPy's types are partly unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from handgrad.calculus.expr import Ref
from handgrad.errors import InputError
from handgrad.model.problem import Problem
from handgrad.numbers.grids import at_points
from handgrad.numbers.roles import inputs_of, places, rows, targets_of
from handgrad.numbers.thinning import Progress, course
from handgrad.numbers.updates import Updates
from handgrad.render.curves import element_of
from handgrad.render.digits import Digits
from handgrad.render.figure import bands, blend, ink, label, line_styles
from handgrad.render.mathtext import mathtext
from handgrad.render.notation import Names

__all__ = ["draw_boundary", "draw_surface"]

Axes = Any
Array = Any
GRID = 60  # points along each side
LINES = 9  # contour lines, about
EDGE = 0.04  # of the axes, where no number of a contour line fits
MOST_NAMED = 12  # examples that are shown with their target
ENOUGH = 30.0  # the ratio of largest to smallest loss from which the lines are spaced by ratios


def draw_surface(
    axes: Axes,
    run: Updates,
    names: Names,
    pair: Sequence[Ref],
    log: bool | None,
    progress: Progress | None,
) -> None:
    """The loss over two elements of parameters, the others as they are after the last update.

    The path of the descent lies on it, seen from above.
    """
    found = course(run, lambda trace: [element_of(trace, e) for e in pair], progress=progress)
    path = found.values
    across, along = (_interval(path[:, n]) for n in (0, 1))
    points = _grid(across, along)
    losses = at_points(run.forward.equations, run.state, pair, points, run.problem.loss)
    _contours(axes, across, along, losses.reshape(GRID, GRID), log)
    colour = line_styles(axes, 2)[1].color
    marker = {"marker": ".", "ms": 4} if len(path) <= 40 else {}
    axes.plot(*path.T, color=colour, label="descent", **marker)
    ends = {"color": colour, "ls": "none", "mec": ink(axes).text, "zorder": 4}
    axes.plot(*path[:1].T, marker="o", label="start", **{**ends, "mfc": ink(axes).paper})
    axes.plot(*path[-1:].T, marker="*", ms=12, label=f"after {run.done:,} updates", **ends)
    others = sum(np.size(run.state[p]) for p in run.problem.parameters) > len(pair)
    remark = "The other parameters are those after the last update." if others else ""
    across_name, along_name = (mathtext(names.name(e)) for e in pair)
    label(axes, across_name, along_name, run.problem.title, remark)


def draw_boundary(
    axes: Axes,
    run: Updates,
    names: Names,
    output: Ref,
    log: bool | None,
    progress: Progress | None,
) -> None:
    """What a network of two inputs gives for each of them after a run, and the examples.

    ``output`` is an element of one example, or a whole quantity: then of several numbers the largest
    wins. Raises ``InputError`` where there are not two inputs.
    """
    problem = run.problem
    inputs = inputs_of(problem, output.symbol)
    course(run, lambda _: (), progress=progress)
    examples = rows(problem, dict.fromkeys(place.symbol for place in inputs))
    targets = targets_of(problem, output)
    across, along = (_interval(examples[:, n]) for n in (0, 1))
    layers = _layers(run, inputs, output, _grid(across, along))
    names = _of_one_example(names, problem)
    if len(layers) > 1:
        called = [mathtext(names.name(ref)) for ref in layers]
        _classes(axes, (across, along), list(layers.values()), called, examples)
    else:
        (layer,) = layers.values()
        if targets is not None and _crosses(layer) and np.isin(targets, (0, 1)).all():
            _two_classes(axes, across, along, layer)
        else:
            _contours(axes, across, along, layer, log)
    _examples(axes, examples, targets)
    x, y = (mathtext(names.name(place)) for place in inputs)
    remark = f"{mathtext(names.name(output))} after {run.done:,} updates"
    label(axes, x, y, problem.title, remark)


def _layers(run: Updates, inputs: Sequence[Ref], output: Ref, points: Array) -> dict[Ref, Array]:
    """Each element of an output over the grid, with the parameters as they are now."""
    problem = run.problem
    single = {s: v[:1] if s in problem.batched else v for s, v in run.state.items()}
    values = at_points(problem.forward, single, inputs, points, output.symbol)
    chosen = (
        [output] if output.indices else [Ref(output.symbol, at) for at in places(values.shape[1:])]
    )
    return {
        ref: values[:, *(p - 1 for p in ref.indices if isinstance(p, int))].reshape(GRID, GRID)
        for ref in chosen
    }


def _of_one_example(names: Names, problem: Problem) -> Names:
    """Names without the index of an example, for a picture that is of none."""
    if problem.examples == 1:
        return names
    own = {key: name for key, name in names.own.items() if "[" not in key}
    return replace(names, own=own, alone=True)


def _classes(
    axes: Axes,
    sides: tuple[Array, Array],
    layers: Sequence[Array],
    called: Sequence[str],
    examples: Array,
) -> None:
    """For each output the region where it is the largest, with its name."""
    largest = np.argmax(layers, axis=0)
    present = [n for n in range(len(layers)) if (largest == n).any()]
    styles = line_styles(axes, len(layers))
    for n in present:
        others = np.max([other for m, other in enumerate(layers) if m != n], axis=0)
        ahead = layers[n] - others
        low = ahead.min() - 1 if n == present[0] else 0  # the first lies below all others
        colour = blend(axes, styles[n].color, 0.25)
        axes.contourf(*sides, ahead, [low, ahead.max() + 1], colors=[colour])
        if len(present) > 1:
            axes.contour(*sides, ahead, [0], colors=[ink(axes).text], linewidths=[1.2])
        place = _middle(largest == n, sides, examples)
        axes.text(*place, called[n], ha="center", va="center", usetex=False)


def _middle(region: Array, sides: tuple[Array, Array], examples: Array) -> Array:
    """The point of a region that is far from its border and from the examples."""
    points = np.stack(np.meshgrid(*(np.linspace(0, 1, GRID),) * 2), axis=-1)
    start, length = (np.array([f(side) for side in sides]) for f in (np.min, np.ptp))
    edge = np.pad(region, 1)[2:, 1:-1] & np.pad(region, 1)[:-2, 1:-1]
    edge &= np.pad(region, 1)[1:-1, 2:] & np.pad(region, 1)[1:-1, :-2]
    away = np.concatenate((points[region & ~edge], (examples - start) / length))
    inside = points[region][::4]
    distances = np.linalg.norm(inside[:, None] - away[None], axis=-1).min(axis=1)
    return start + length * inside[distances.argmax()]


def _crosses(layer: Array) -> bool:
    return bool(np.nanmin(layer) < 0.5 < np.nanmax(layer))


def _two_classes(axes: Axes, across: Array, along: Array, layer: Array) -> None:
    """One output between 0 and 1: the line where it is ½, and those that lie close to the ends."""
    levels = (0.1, 0.3, 0.5, 0.7, 0.9)
    axes.contourf(across, along, layer, levels, colors=bands(axes, 6), extend="both")
    for at, dashes, width in (([0.1, 0.9], "--", 0.9), ([0.5], "-", 2.0)):
        style = {"colors": [ink(axes).text], "linestyles": [dashes], "linewidths": [width]}
        axes.contour(across, along, layer, at, **style)
        name = " and ".join(map(str, at))
        axes.plot([], [], color=ink(axes).text, ls=dashes, lw=width, label=f"output {name}")


def _examples(axes: Axes, examples: Array, targets: Array | None) -> None:
    """The examples: a marker for each class where targets are classes, else their target beside it."""
    around = {"ls": "none", "mec": ink(axes).text, "ms": 8, "zorder": 4, "clip_on": False}
    if targets is None:
        axes.plot(*examples.T, marker="o", color=ink(axes).paper, label="examples", **around)
        return
    if np.isin(targets, (0, 1)).all():
        single = targets.shape[1] == 1
        kinds = targets[:, 0].astype(int) if single else targets.argmax(axis=1) + 1
        for kind, style in zip(np.unique(kinds), line_styles(axes, len(set(kinds))), strict=True):
            name = f"target {kind}" if single else f"class {kind}"
            chosen = examples[kinds == kind]
            axes.plot(*chosen.T, marker=style.marker, color=style.color, label=name, **around)
        return
    axes.plot(
        *examples.T, marker="o", color=ink(axes).paper, label="examples, with target", **around
    )
    box = {"fc": ink(axes).paper, "ec": "none", "pad": 1.5}
    for place, target in zip(examples[:MOST_NAMED], targets, strict=False):
        said = ", ".join(Digits().show(float(number)) for number in target)
        axes.annotate(said, place, (8, 8), textcoords="offset points", bbox=box, zorder=5)


def _interval(values: Array) -> Array:
    """Places along one side: what is drawn lies in the middle, with as much room around it."""
    low, high = float(values.min()), float(values.max())
    half = max(high - low, 1.0)
    return (low + high) / 2 + np.linspace(-half, half, GRID)


def _grid(across: Array, along: Array) -> Array:
    return np.stack(np.meshgrid(across, along), axis=-1).reshape(-1, 2)


def _contours(
    axes: Axes,
    across: Array,
    along: Array,
    values: Array,
    log: bool | None,
) -> None:
    """Contour lines with their numbers on bands of colour, the largest values deepest."""
    values = np.ma.masked_invalid(values)
    if not values.count():
        raise InputError("There is no finite value to draw around the run. Take fewer steps.")
    low, high = float(values.min()), float(values.max())
    levels = [v for v in _levels(values, log) if low < v < high]
    axes.set_xlim(across[0], across[-1])
    axes.set_ylim(along[0], along[-1])
    if not levels:
        said = f"everywhere about {Digits().show(low)}"
        axes.text(0.02, 0.02, said, transform=axes.transAxes)
        return
    colours = bands(axes, len(levels) + 1)
    axes.contourf(across, along, values, levels, colors=colours, extend="both")
    style = {"colors": [ink(axes).text], "linewidths": 0.7, "linestyles": "solid"}
    lines = axes.contour(across, along, values, levels, **style)
    for text in axes.clabel(lines, fmt=lambda level: Digits().show(float(level)), fontsize=8):
        x, y = axes.transAxes.inverted().transform(axes.transData.transform(text.get_position()))
        if not (EDGE < x < 1 - EDGE and EDGE < y < 1 - EDGE):
            text.set_visible(False)


def _levels(values: Array, log: bool | None) -> list[float]:
    """Round numbers for the contour lines, spaced evenly or, over a wide range, by ratios."""
    found = values.compressed()
    low, high = (float(v) for v in np.quantile(found, (0.01, 0.97)))
    if log or (log is None and 0 < low * ENOUGH < high):
        if low <= 0:
            low = float(found[found > 0].min()) if (found > 0).any() else 1.0
        if len(ratios := _by_ratios(low, high)) > 2:
            return ratios
    if not high > low:
        return []
    unit = 10.0 ** math.floor(math.log10((high - low) / LINES))
    step = next(unit * n for n in (1, 2, 5, 10) if unit * n * LINES >= high - low)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(f"{n * step:.12g}") for n in range(first, last + 1)]


def _by_ratios(low: float, high: float) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = [float(f"{n}e{decade}") for decade in decades for n in (1, 2, 5)]
    inside = [v for v in every if low <= v <= high]
    return inside[:: -(-len(inside) // (LINES + 2)) or 1]
