"""What a name stands for, as far as its letter tells."""

from __future__ import annotations

import re

from handgrad.auditing.reading.nodes import Name

__all__ = ["RATES", "is_computed", "is_generic", "is_loss", "is_parameter", "is_rate"]

RATES = (
    Name("η"), Name("α"), Name("learning_rate"), Name("lr"), Name("ε"), Name("μ"), Name("γ"), Name("λ"),
    Name("rate"), Name("LR"), Name("a"),
)  # fmt: skip
_SURE = {"η", "α", "learning_rate", "lr", "rate", "LR", "learningrate", "step_size"}
_LOSSES = {"L", "E", "C", "J", "Loss", "loss", "Error", "error", "MSE", "Cost", "cost", "ℒ"}


def is_rate(name: Name) -> bool:
    """Whether it is a learning rate, by its letter."""
    return name.base in _SURE and not name.sub and name.of is None


def is_loss(name: Name) -> bool:
    """Whether it is a loss, by its letter."""
    return name.base in _LOSSES and name.of is None


def is_parameter(name: Name) -> bool:
    """Whether it is a weight or bias, by its letter."""
    return (
        name.base in ("w", "W", "b", "B", "θ", "v", "V", "u", "U", "bias", "weight")
        and name.of is None
    )


def is_computed(name: Name) -> bool:
    """Whether it is the result of a forward pass, by its letter."""
    return name.base in (
        "z",
        "a",
        "net",
        "out",
        "h",
        "ŷ",
        "o",
        "δ",
        "Z",
        "A",
        "s",
        "pred",
    ) or is_loss(name)


def is_generic(name: Name) -> bool:
    """Whether it stands for many: w_i, δ^{(l)}_j."""
    letters = re.sub(r"[\d,\[\]()]", "", name.sub + name.sup)
    return bool(letters) and bool(re.fullmatch(r"[ijklmnpqtL+\-]+", letters))
