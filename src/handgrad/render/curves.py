"""Lines: a function and its slope; loss, gradients and parameters along the updates of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from handgrad.calculus.expr import Expr, Ref, Symbol
from handgrad.errors import InputError
from handgrad.numbers.curves import Curve, curve
from handgrad.numbers.evaluate import Trace
from handgrad.numbers.thinning import Course, Progress, course
from handgrad.numbers.updates import Updates
from handgrad.render.digits import Digits
from handgrad.render.figure import Style, ink, label, line_styles
from handgrad.render.mathtext import mathtext
from handgrad.render.notation import Names

__all__ = [
    "along",
    "draw_activation",
    "draw_gradients",
    "draw_history",
    "draw_loss",
    "scaled",
    "series",
]

Axes = Any
Array = Any
FEW = 40  # rows up to which each has its marker


def draw_activation(
    axes: Axes, title: str, f: Expr, slope: Expr, interval: tuple[float, float]
) -> None:
    """A function of z and its derivative."""
    names = ("$f(z)$", "$f\\,′(z)$")
    both = [curve(expr, interval) for expr in (f, slope)]
    if not all(np.isfinite(drawn.values).any() for drawn in both):
        raise InputError(f"{title} has no finite values from {interval[0]:g} to {interval[1]:g}.")
    for drawn, name, style in zip(both, names, line_styles(axes, 2), strict=True):
        axes.plot(drawn.z, drawn.values, color=style.color, ls=style.dashes, label=name)
        _mark_jumps(axes, drawn, style, name)
    _limits(axes, np.concatenate([drawn.values for drawn in both]))
    axes.axhline(0, color=ink(axes).text, lw=0.6, zorder=0)
    axes.axvline(0, color=ink(axes).text, lw=0.6, zorder=0)
    label(axes, "$z$", "$f(z)$,  $f\\,′(z)$", title)


def _mark_jumps(axes: Axes, drawn: Curve, style: Style, name: str) -> None:
    """Open circles where a piece ends, a filled one where the value at the jump is taken."""
    if not drawn.jumps:
        return
    circle = {"color": style.color, "marker": "o", "ls": "none", "zorder": 3}
    ends = [(jump.at, side) for jump in drawn.jumps for side in (jump.left, jump.right)]
    taken = [(jump.at, jump.value) for jump in drawn.jumps]
    axes.plot(*zip(*ends, strict=True), mfc=ink(axes).paper, **circle)
    axes.plot(*zip(*taken, strict=True), label=f"{name} taken at a jump", **circle)


def _limits(axes: Axes, values: Array) -> None:
    """Leave out what runs off towards a pole: the rest would be flat."""
    low, high = np.nanquantile(values, (0.05, 0.95))
    room = max(high - low, 1.0)
    if np.nanmax(values) > high + 5 * room or np.nanmin(values) < low - 5 * room:
        axes.set_ylim(low - 0.5 * room, high + 0.5 * room)


def draw_loss(
    axes: Axes, run: Updates, names: Names, log: bool | None, progress: Progress | None
) -> None:
    """The loss before each update and after the last; that of a batch where batches are used."""
    problem, loss = run.problem, run.problem.loss
    batches = problem.training.batch_size is not None
    found = course(run, lambda trace: [float(trace[loss])], end=not batches, progress=progress)
    letter = mathtext(names.of_loss)
    said = f"{letter} of a batch" if batches else letter
    (style, other, last) = line_styles(axes, 3)
    values = found.values[:, 0] if len(found.done) else np.array([])
    series(axes, found.done, values, style, said)
    end = float(run.final()[loss])
    if run.stopped or batches:
        name = f"{'stops ' * run.stopped}after {run.done:,} updates{', all examples' * batches}"
        axes.plot([run.done], [end], ls="none", marker="*", ms=11, color=last.color, label=name)
    threshold = problem.training.loss_below
    if threshold is not None:
        name = f"stop below {Digits().show(threshold)}"
        axes.axhline(threshold, color=other.color, ls=other.dashes, lw=1.2, label=name)
    scaled(axes, np.append(values, end), log)
    along(axes, f"loss {letter}", problem.title, found)


def draw_gradients(
    axes: Axes,
    run: Updates,
    names: Names,
    parameters: Sequence[Symbol],
    log: bool | None,
    progress: Progress | None,
) -> None:
    """The norm and the largest element of each parameter's gradient, at every update of a run."""
    gradients = [p.gradient(run.problem.loss) for p in parameters]

    def sizes(trace: Trace) -> list[float]:
        arrays = [np.abs(trace[g]).ravel() for g in gradients]
        return [float(size) for a in arrays for size in (np.linalg.norm(a), a.max())]

    found = course(run, sizes, end=False, progress=progress)
    if not len(found.done):
        raise InputError("No update is made, so there is no gradient to draw. Give more steps.")
    called = [mathtext(names.name(Ref(p))) for p in parameters]
    scaled(axes, found.values, True if log is None else log)
    measured = f"gradient of {mathtext(names.of_loss)}"
    if len(found.done) == 1:
        _one_update(axes, found.values[0], called)
        label(axes, "parameter", f"size of the {measured}", run.problem.title)
        return
    shown = np.where(found.values > 0, found.values, np.nan) if _is_log(axes) else found.values
    for n, style in enumerate(line_styles(axes, len(parameters))):
        series(axes, found.done + 1, shown[:, 2 * n], style, called[n])
        thin = "thin: largest element" if n == len(parameters) - 1 else ""
        fine = {"color": style.color, "ls": style.dashes, "lw": 0.8, "label": thin}
        axes.plot(found.done + 1, shown[:, 2 * n + 1], **fine)
    along(axes, f"norm of the {measured}", run.problem.title, found, "update")


def _one_update(axes: Axes, sizes: Array, called: Sequence[str]) -> None:
    """Norm and largest element of the gradient of each parameter, side by side."""
    for row, name, style in zip(
        sizes.reshape(-1, 2).T, ("norm", "largest element"), line_styles(axes, 2), strict=True
    ):
        shown = np.where(row > 0, row, np.nan) if _is_log(axes) else row
        axes.plot(shown, ls="none", marker=style.marker, color=style.color, label=name)
    axes.set_xticks(range(len(called)), called, usetex=False)
    axes.margins(x=0.5 / len(called))


def draw_history(
    axes: Axes,
    run: Updates,
    names: Names,
    elements: Sequence[Ref],
    log: bool | None,
    progress: Progress | None,
) -> None:
    """Elements of parameters, before each update and after the last."""
    found = course(run, lambda trace: [element_of(trace, e) for e in elements], progress=progress)
    for n, style in enumerate(line_styles(axes, len(elements))):
        series(axes, found.done, found.values[:, n], style, mathtext(names.name(elements[n])))
    scaled(axes, found.values, bool(log))
    along(axes, "value of the parameter", run.problem.title, found)


def element_of(trace: Trace, ref: Ref) -> float:
    """The number of one element."""
    return float(trace[ref.symbol][tuple(p - 1 for p in ref.indices if isinstance(p, int))])


def series(axes: Axes, at: Array, values: Array, style: Style, name: str) -> None:
    """A line, with a marker at each of a few numbers and now and then on a long one."""
    every = 1 if len(at) <= FEW else (0, max(1, len(at) // 8))
    axes.plot(
        at, values, color=style.color, ls=style.dashes, marker=style.marker, ms=4, label=name,
        markevery=every,
    )  # fmt: skip


def scaled(axes: Axes, values: Array, log: bool | None) -> None:
    """Logarithmic where asked for, or where nothing was asked and the numbers span a decade."""
    positive = values[values > 0]
    if log is None:
        log = len(positive) == values.size > 0 and positive.max() > 10 * positive.min()
    if log and len(positive):
        axes.set_yscale("log")


def _is_log(axes: Axes) -> bool:
    return axes.get_yscale() == "log"


def along(
    axes: Axes, measured: str, title: str, found: Course, counted: str = "updates done"
) -> None:
    """Name the axes, and say how far the numbers are thinned."""
    if not _is_log(axes):
        axes.ticklabel_format(useOffset=False)
    axes.locator_params(axis="x", integer=True)
    label(axes, f"{counted} ({found.thinned})" if found.thinned else counted, measured, title)
