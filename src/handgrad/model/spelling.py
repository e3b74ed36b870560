"""The known name that a misspelt one probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

from handgrad.errors import quoted

__all__ = ["closest", "did_you_mean"]

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
    "invscaling": "inverse_scaling",
    "plateau": "adaptive",
    "cosine_annealing": "cosine",
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

    >>> closest("Leaky-ReLU", ["leaky_relu"]), closest("mse", ["mean_squared_error"])
    ('leaky_relu', 'mean_squared_error')
    """
    names = tuple(islice(known, 500))  # comparing is slow, and a hostile file has many names
    plain = "_".join(word[:100].lower().replace("-", " ").split())
    for candidate in (plain, _OTHER_WORDS.get(plain)):
        if candidate in names:
            return candidate
    joined = {name.replace("_", "").lower(): name for name in names}
    found = get_close_matches(plain.replace("_", ""), joined, n=1, cutoff=0.7)
    return joined[found[0]] if found else None


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """The question, with a blank before it, or nothing.

    >>> did_you_mean("adm", ["sgd", "adam"]), did_you_mean("xyz", ["adam"])
    (' Did you mean "adam"?', '')
    """
    meant = closest(word, known) if isinstance(word, str) else None
    return f" Did you mean {quoted(meant)}?" if meant else ""
