"""Many updates of a small network in double precision: a plain program of its own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
from tests.planted.expressions import Quantity
from tests.planted.networks import ETA, Net, bias_of


def after(net: Net, count: int, rate: Decimal | None = None) -> dict[Quantity, float]:
    """Parameters after ``count`` updates and the loss then."""
    layers = range(1, net.depth + 1)
    g = {q: float(text) for q, text in net.givens.items()}
    eta = float(rate) if rate is not None else g[ETA]
    x = np.array([g[Quantity("x", 0, j)] for j in range(1, net.sizes[0] + 1)])
    y = np.array([g[Quantity("y", 0, k)] for k in range(1, net.sizes[-1] + 1)])
    W, b = {}, {}
    for n in layers:
        shape = range(1, net.sizes[n] + 1), range(1, net.sizes[n - 1] + 1)
        W[n] = np.array([[g[Quantity("W", n, i, j)] for j in shape[1]] for i in shape[0]])
        b[n] = np.array([g.get(bias_of(net, n, i), 0.0) for i in shape[0]])
    for _ in range(count):
        z, a = _pass(net, x, W, b)
        delta = (a[net.depth] - y) * (
            _slope(net.output, z[net.depth], a[net.depth]) if net.loss == "half_squared" else 1.0
        )
        for n in reversed(layers):
            down = (W[n].T @ delta) * _slope(net.hidden, z[n - 1], a[n - 1]) if n > 1 else delta
            W[n] = W[n] - eta * np.outer(delta, a[n - 1])
            b[n] = b[n] - eta * delta if net.bias == "unit" else b[n]
            delta = down
    return _collected(net, W, b, y, _pass(net, x, W, b)[1][net.depth], count)


def _pass(net: Net, x: Any, W: Any, b: Any) -> tuple[dict[int, Any], dict[int, Any]]:
    z, a = {0: x}, {0: x}
    for n in range(1, net.depth + 1):
        z[n] = W[n] @ a[n - 1] + b[n]
        a[n] = _kernel(net.activation(n), z[n])
    return z, a


def _kernel(name: str, z: Any) -> Any:
    match name:
        case "sigmoid":
            return 1 / (1 + np.exp(-z))
        case "softmax":
            return np.exp(z) / np.exp(z).sum()
        case "tanh":
            return np.tanh(z)
        case "relu":
            return np.maximum(z, 0)
    return z


def _slope(name: str, z: Any, a: Any) -> Any:
    match name:
        case "sigmoid":
            return a * (1 - a)
        case "tanh":
            return 1 - a * a
        case "relu":
            return (z > 0).astype(float)
    return np.ones_like(a)


def _collected(net: Net, W: Any, b: Any, y: Any, out: Any, count: int) -> dict[Quantity, float]:
    found = {Quantity("L", turn=count): _loss_value(net, y, out)}
    for q in net.givens:
        if q.kind == "W":
            found[q._replace(kind="Wn", turn=count)] = float(W[q.layer][q.i - 1, q.j - 1])
        elif q.kind == "b" and net.bias == "unit":
            found[q._replace(kind="bn", turn=count)] = float(b[q.layer][q.i - 1])
    return found


def _loss_value(net: Net, y: Any, a: Any) -> float:
    if net.loss == "half_squared":
        return float(0.5 * ((a - y) ** 2).sum())
    if net.loss == "categorical":
        return float(-np.log(a[np.argmax(y)]))
    return float(-(y * np.log(a) + (1 - y) * np.log(1 - a)).sum())
