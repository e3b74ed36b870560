"""The losses of several runs in, curves along their epochs out; runs of one learning rate look alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from handgrad.errors import InputError
from handgrad.render.document import clean_text
from handgrad.render.figure import (
    THEMES,
    Style,
    blend,
    is_axes,
    label,
    legend,
    line_styles,
    new_axes,
    styled,
)

__all__ = ["draw_sweep"]

Axes = Any
MOST = 8  # learning rates that are named
FAR = 1e3  # times the largest first loss
WIDE = 20.0  # the ratio of losses from which on a logarithm shows more


def draw_sweep(
    courses: Sequence[tuple[float, Sequence[float]]],
    best: int | None,
    title: str,
    *,
    held: bool,
    ax: Axes = None,
    log: bool | None = None,
    theme: str = "light",
    width: int = 800,
) -> Axes:
    """Draw the losses of runs, each with its learning rate; ``best`` is the place of the best one.

    ``held`` says that they are losses of examples held back. Raises ``InputError`` where there is
    nothing to draw, and where matplotlib is not installed.
    """
    if theme not in THEMES:
        raise InputError(f"There is no theme {theme!r:.60}. There are {', '.join(THEMES)}.")
    if not any(len(losses) for _, losses in courses):
        raise InputError("No epoch was ended, so there is no loss to draw. Give more epochs.")
    courses, own = _within_reach(courses), ax is None
    with styled(theme) if own else nullcontext():
        axes = new_axes(width) if own else is_axes(ax)
        _curves(axes, courses, best)
        _scale(axes, np.concatenate([np.asarray(losses) for _, losses in courses]), log)
        said = "loss of the examples held back" if held else "loss"
        label(axes, "epoch", said, clean_text(title))
        legend(axes, own=own)
    return axes


def _within_reach(
    courses: Sequence[tuple[float, Sequence[float]]],
) -> list[tuple[float, Sequence[float]]]:
    """Losses far above all first ones left out: beside a run that diverges the rest would be flat."""
    reach = FAR * max(abs(losses[0]) for _, losses in courses if len(losses))
    return [(rate, [v if v <= reach else math.nan for v in losses]) for rate, losses in courses]


def _curves(axes: Axes, courses: Sequence[tuple[float, Sequence[float]]], best: int | None) -> None:
    rates = sorted({rate for rate, _ in courses})
    styles = dict(zip(rates, line_styles(axes, len(rates)), strict=True))
    named: set[float] = set()
    for n, (rate, losses) in enumerate(courses):
        said = f"rate {rate:g}" if rate not in named and len(rates) <= MOST else None
        named.add(rate)
        _curve(axes, losses, styles[rate], said)
        if n == best:
            end = {"marker": "*", "ms": 11, "ls": "none", "color": styles[rate].color}
            axes.plot([len(losses)], [losses[-1]], label="the best", zorder=3, **end)


def _curve(axes: Axes, losses: Sequence[float], style: Style, said: str | None) -> None:
    """A thin line, so that many can be told apart; a point where there is a single epoch."""
    marker = style.marker if len(losses) == 1 else None
    colour = blend(axes, style.color, 0.85)
    axes.plot(
        np.arange(1, len(losses) + 1),
        losses,
        color=colour,
        ls=style.dashes,
        marker=marker,
        lw=1.1,
        label=said,
    )


def _scale(axes: Axes, losses: Any, log: bool | None) -> None:
    losses = losses[np.isfinite(losses)]
    positive = losses[losses > 0]
    if log and not len(positive):
        raise InputError("No loss is above 0, so a logarithm shows nothing. Leave log out.")
    spread = len(positive) == len(losses) and positive.max() / positive.min() > WIDE
    if spread if log is None else log:
        axes.set_yscale("log")
