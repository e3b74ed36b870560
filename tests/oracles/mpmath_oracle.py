"""The gradient of a layered network in 60 digits, by backpropagation written out by hand.

Nothing of handgrad is imported: weights, data and the names of activations and loss go in, and the
loss and its gradients come out as mpmath numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpmath import mp, mpf

Array = Any
DIGITS = 60


@dataclass(frozen=True)
class Reference:
    """Loss and gradients, one matrix and one vector a layer, as arrays of mpmath numbers."""

    loss: Any
    dW: tuple[Array, ...]
    db: tuple[Array, ...]


def gradients(
    W: Sequence[Array],
    b: Sequence[Array],
    x: Array,
    y: Array,
    activations: Sequence[str],
    loss: str,
) -> Reference:
    """Activations: identity, sigmoid, tanh, relu, softmax (last). Losses: those of ``_delta``."""
    with mp.workdps(DIGITS):
        W, b = [_exact(w) for w in W], [_exact(v) for v in b]
        x, y = _exact(x), _exact(y)
        a, zs, activity = x, list[Array](), [x]
        for weight, bias, activation in zip(W, b, activations, strict=True):
            z = a.dot(weight.T) + bias
            a = _activation(activation, z)
            zs.append(z)
            activity.append(a)
        value, upper = _loss(loss, a, y)
        dW, db = list[Array](), list[Array]()
        for n in reversed(range(len(W))):
            delta = _through(activations[n], upper, zs[n], activity[n + 1])
            dW.insert(0, delta.T.dot(activity[n]))
            db.insert(0, delta.sum(axis=0))
            upper = delta.dot(W[n])
        return Reference(value, tuple(dW), tuple(db))


def error(found: Sequence[Array], reference: Sequence[Array]) -> tuple[float, float]:
    """The largest absolute error over all gradients, and the largest gradient."""
    with mp.workdps(DIGITS):
        pairs = list(zip(found, reference, strict=True))
        worst = max(np.max(np.abs(_exact(f) - r)) for f, r in pairs)
        return float(worst), float(max(np.max(np.abs(r)) for _, r in pairs))


def _exact(array: Array) -> Array:
    array = np.asarray(array, float)
    flat = np.array([mpf(float(v)) for v in array.ravel()], dtype=object)
    return flat.reshape(array.shape)


def _map(function: Any, *arrays: Array) -> Array:
    return np.frompyfunc(function, len(arrays), 1)(*arrays)


def _activation(name: str, z: Array) -> Array:
    match name:
        case "identity":
            return z
        case "sigmoid":
            return _map(lambda v: 1 / (1 + mp.exp(-v)), z)
        case "tanh":
            return _map(mp.tanh, z)
        case "relu":
            return _map(lambda v: max(v, mpf(0)), z)
        case "softmax":
            e = _map(mp.exp, z)
            return e / e.sum(axis=1, keepdims=True)
    raise ValueError(name)


def _through(name: str, upper: Array, z: Array, a: Array) -> Array:
    """dL/dz from dL/da."""
    match name:
        case "identity":
            return upper
        case "sigmoid":
            return upper * a * (1 - a)
        case "tanh":
            return upper * (1 - a * a)
        case "relu":
            return upper * _map(lambda v: mpf(1 if v > 0 else 0), z)
        case "softmax":
            return a * (upper - (upper * a).sum(axis=1, keepdims=True))
    raise ValueError(name)


def _loss(name: str, a: Array, y: Array) -> tuple[Any, Array]:
    """The loss, and dL/da of the last layer."""
    examples = len(y)
    match name:
        case "half_squared_error":
            return ((a - y) ** 2).sum() / 2, a - y
        case "squared_error":
            return ((a - y) ** 2).sum(), 2 * (a - y)
        case "mean_squared_error":
            return ((a - y) ** 2).sum() / y.size, 2 * (a - y) / y.size
        case "cross_entropy":
            return -(y * _map(mp.log, a)).sum() / examples, -y / a / examples
        case "binary_cross_entropy":
            terms = y * _map(mp.log, a) + (1 - y) * _map(lambda v: mp.log(1 - v), a)
            return -terms.sum() / examples, ((1 - y) / (1 - a) - y / a) / examples
    raise ValueError(name)
