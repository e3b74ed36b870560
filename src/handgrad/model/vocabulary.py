"""The names a problem file can use for activations, losses, optimizers and initial weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import islice

from handgrad.model import network, optimizers

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
    "UPDATES",
    "VECTORS",
    "closest",
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

INITS = ("glorot", "he", "lecun", "normal")
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

_OTHER_WORDS = {
    "linear": "identity",
    "none": "identity",
    "logistic": "sigmoid",
    "swish": "silu",
    "mse": "mean_squared_error",
    "sse": "squared_error",
    "mae": "mean_absolute_error",
    "l1": "mean_absolute_error",
    "smooth_l1": "huber",
    "bce": "binary_cross_entropy",
    "log_loss": "binary_cross_entropy",
    "categorical_crossentropy": "cross_entropy",
    "gradient_descent": "sgd",
    "gd": "sgd",
    "xavier": "glorot",
    "kaiming": "he",
    "eps": "epsilon",
    "betas": "beta1",
    "rho": "alpha",
    "decay": "weight_decay",
    "lr": "learning_rate",
    "eta": "learning_rate",
    "iterations": "steps",
    "batch": "batch_size",
    "decimals": "digits",
    "weight": "W",
    "weights": "W",
    "bias": "b",
    "biases": "b",
    "neurons": "units",
    "nodes": "units",
    "size": "units",
    "input": "x",
    "inputs": "x",
    "target": "y",
    "targets": "y",
}
"""What other libraries and books call the same thing."""


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant, or None.

    >>> closest("Leaky-ReLU", ACTIVATIONS), closest("mse", LOSSES), closest("xyz", INITS)
    ('leaky_relu', 'mean_squared_error', None)
    """
    names = tuple(islice(known, 500))  # comparing is slow, and a hostile file has many names
    plain = "_".join(word[:100].lower().replace("-", " ").split())
    for candidate in (plain, _OTHER_WORDS.get(plain)):
        if candidate in names:
            return candidate
    joined = {name.replace("_", "").lower(): name for name in names}
    found = get_close_matches(plain.replace("_", ""), joined, n=1, cutoff=0.7)
    return joined[found[0]] if found else None
