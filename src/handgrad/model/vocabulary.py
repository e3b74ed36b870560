"""The names a problem file can use for activations, losses, optimizers and initial weights."""

from __future__ import annotations

from collections.abc import Mapping

from handgrad.model import drawing, network, optimizers, schedules

__all__ = [
    "ACTIVATIONS",
    "BACKWARD",
    "DECIMAL_MARKS",
    "DERIVATIVES",
    "INITS",
    "LOSSES",
    "OPTIMIZERS",
    "PRESETS",
    "REDUCTIONS",
    "SCHEDULES",
    "UPDATES",
    "VECTORS",
]

ACTIVATIONS: Mapping[str, tuple[str, ...]] = {n: tuple(o) for n, o in network.ACTIVATIONS.items()}
"""Each activation with the options that may stand beside its name."""

LOSSES: Mapping[str, tuple[str, ...]] = {n: tuple(r.options) for n, r in network.LOSSES.items()}
"""Each loss with the options that may stand beside its name; ``reduce`` may stand beside all."""

OPTIMIZERS: Mapping[str, tuple[str, ...]] = {
    name: tuple(key for key, _ in row.constants.values())
    for name, row in optimizers.OPTIMIZERS.items()
}
"""Each optimizer with the options that may stand beside it in ``[training]``."""

SCHEDULES: Mapping[str, tuple[str, ...]] = {
    name: tuple(row.options) for name, row in schedules.SCHEDULES.items()
}
"""Each schedule of the learning rate with the options that may stand beside its name."""

INITS = tuple(drawing.INITS)
REDUCTIONS = ("sum", "mean")
BACKWARD = ("steps", "chain", "delta", "matrix")
"""The readings of the backward pass that a page can print."""
PRESETS = ("superscript", "bracket", "from-to", "flat", "net-out")
"""The ways of textbooks to name the quantities of a layered network."""
DERIVATIVES = ("∂", "d", "δ")
DECIMAL_MARKS = (".", ",")
VECTORS = ("rows", "columns")
"""Whether an example is a row or a column in the matrix reading."""
UPDATES = ("backward", "forward")
"""The order in which a page prints the updates: from the output layer, or from the input."""
