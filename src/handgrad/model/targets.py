"""Targets and activations that a loss has no value for; whoever asks says where they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["lonely_softmax", "target_outside"]

RANGES: Mapping[str, tuple[float, float]] = {
    "binary_cross_entropy": (0.0, 1.0),
    "cross_entropy": (0.0, 1.0),
}
"""Between which numbers the targets of a loss lie, where it has bounds."""
ADVICE = {
    "binary_cross_entropy": "Give 0 or 1.",
    "cross_entropy": "Give one column per class: [0, 1, 0] for the second of three.",
}


def target_outside(loss: str, y: Sequence[Sequence[float]]) -> tuple[int, int, str] | None:
    """Row and column, from 0, of the first target that the loss does not take, and what to say."""
    if loss not in RANGES:
        return None
    low, high = RANGES[loss]
    for n, row in enumerate(y):
        for k, value in enumerate(row):
            if not low <= value <= high:
                place = f"row {n + 1}, column {k + 1} of y is {value:g}"
                said = f"{place}; {loss} takes targets from {low:g} to {high:g}. {ADVICE[loss]}"
                return n, k, said
    return None


def lonely_softmax(activation: str, units: int, loss: str) -> str:
    """What to say of a softmax of one unit before binary cross-entropy: its value is always 1."""
    if (activation, units, loss) != ("softmax", 1, "binary_cross_entropy"):
        return ""
    return "softmax of a single unit is always 1, and the loss takes log(1 − 1). Use sigmoid."
