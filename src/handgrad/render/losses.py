"""The losses of a run by the epoch in, matplotlib axes out."""

# A door: what comes in is whatever a user gave, so types are looked at and not believed.
from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from handgrad.errors import InputError
from handgrad.numbers.thinning import Course, thinned
from handgrad.render.curves import along, scaled, series
from handgrad.render.document import clean_text
from handgrad.render.figure import THEMES, is_axes, legend, line_styles, new_axes, styled

__all__ = ["plot_losses"]

Axes = Any
CALLED = {"loss": "training", "validation": "held back"}


def plot_losses(
    history: Mapping[str, Sequence[float]],
    *,
    title: str = "",
    ax: Axes = None,
    log: bool | None = None,
    theme: str = "light",
    width: int = 800,
) -> Axes:
    """Draw ``loss`` and, where there is one, ``validation`` of each epoch, its best epoch marked.

    Raises ``InputError`` where no epoch is finished, and where matplotlib is not installed.
    """
    if theme not in THEMES:
        raise InputError(f"There is no theme {theme!r:.60}. There are {', '.join(THEMES)}.")
    if not history.get("loss"):
        raise InputError("The run has not finished an epoch, so there is no loss to draw.")
    own = ax is None
    with styled(theme) if own else nullcontext():
        axes = new_axes(width) if own else is_axes(ax)
        _draw(axes, {k: v for k, v in history.items() if v}, clean_text(title), log)
        legend(axes, own=own)
    return axes


def _draw(axes: Axes, curves: Mapping[str, Sequence[float]], title: str, log: bool | None) -> None:
    kept, stride = thinned(zip(*curves.values(), strict=True))
    found = Course(np.array([n for n, _ in kept]), np.array([row for _, row in kept]), stride)
    styles = line_styles(axes, len(curves) + 1)
    for n, name in enumerate(curves):
        series(axes, found.done + 1, found.values[:, n], styles[n], CALLED.get(name, name))
    checked = curves.get("validation")
    if checked:
        best = int(np.nanargmin(checked))
        said = {"label": f"best: epoch {best + 1:,}", "color": styles[-1].color}
        axes.plot([best + 1], [checked[best]], ls="none", marker="*", ms=11, **said)
    scaled(axes, found.values, log)
    along(axes, "loss", title, found, "epoch")
