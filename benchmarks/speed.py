"""The table of training speeds, with its peers in the same run.

Run it with ``python benchmarks/speed.py``; ``--rows 1,2`` chooses rows, ``--rounds`` how often. Every
row is one problem. Each program does the same updates on the same numbers; they take turns, so that
what else the machine does touches all of them alike. Warm: set-up and compilation excluded. Peers
that are not installed are left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import handgrad as hg
from handgrad.training.engines import NumpyEngine, XlaEngine
from handgrad.training.running import Wish, set_up

Array = Any


@dataclass(frozen=True)
class Row:
    """One problem of the table."""

    name: str
    sizes: tuple[int, ...]
    rows: int
    batch: int
    updates: int
    dtype: str = "float32"
    hidden: str = "sigmoid"
    last: str = "sigmoid"
    loss: str = "half_mean_squared_error"


ROWS = (
    Row("1-1-1 sigmoid, 1 example", (1, 1, 1), 1, 1, 1000, "float64"),
    Row("XOR 2-4-1, 4 examples", (2, 4, 1), 4, 4, 5000),
    Row("2-8-8-1 sigmoid, batch 16", (2, 8, 8, 1), 16, 16, 2000),
    Row(
        "64-32-10 relu, batch 32",
        (64, 32, 10),
        1792,
        32,
        560,
        hidden="relu",
        last="softmax",
        loss="cross_entropy",
    ),
    Row("784-30-10 sigmoid, batch 10", (784, 30, 10), 6000, 10, 600),
    Row(
        "784-128-10 relu, batch 128",
        (784, 128, 10),
        6400,
        128,
        100,
        hidden="relu",
        last="softmax",
        loss="cross_entropy",
    ),
    Row(
        "784-512-512-10 relu, batch 256",
        (784, 512, 512, 10),
        5120,
        256,
        20,
        hidden="relu",
        last="softmax",
        loss="cross_entropy",
    ),
)
RATE = 0.1


def numbers(row: Row) -> tuple[Array, Array, list[Array], list[Array]]:
    """Examples and first weights, one row per unit."""
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(row.rows, row.sizes[0])).astype(row.dtype)
    y = np.eye(max(2, row.sizes[-1]), dtype=row.dtype)[
        rng.integers(max(2, row.sizes[-1]), size=row.rows)
    ]
    pairs = list(zip(row.sizes[1:], row.sizes[:-1], strict=True))
    weights = [
        rng.normal(size=pair).astype(row.dtype) / np.sqrt(pair[1]).astype(row.dtype)
        for pair in pairs
    ]
    return x, y[:, : row.sizes[-1]], weights, [np.zeros(units, row.dtype) for units, _ in pairs]


def handgrad(row: Row, kind: type[Any]) -> Callable[[], Any]:
    """One of the two engines, from the same first weights."""
    x, y, weights, biases = numbers(row)
    layers = [*[row.hidden] * (len(row.sizes) - 2), row.last]
    problem = hg.Network(
        list(row.sizes),
        activation=layers,
        loss=row.loss,
        W=weights,
        b=biases,
        x=x,
        y=y,
        learning_rate=RATE,
        batch_size=row.batch,
    )
    setup = set_up(problem, Wish(row.updates, dtype=row.dtype))
    engine = kind(setup.task, setup.inputs)

    def run() -> Any:
        state = setup.first
        while state.done < row.updates:
            state = engine.advance(state, row.updates).state
        return state

    return run


def jax_scan(row: Row, *, columns: bool = False) -> Callable[[], Any]:
    """What one writes by hand: grad, jit and scan; weights one row or one column per unit."""
    import jax
    import jax.numpy as jnp

    x, y, weights, biases = numbers(row)
    functions = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu, "softmax": lambda z: z}

    def loss(parameters: Any, x: Array, y: Array) -> Array:
        a = x
        for n, (W, b) in enumerate(parameters):
            a = (a @ W if columns else a @ W.T) + b
            a = functions[row.last if n == len(parameters) - 1 else row.hidden](a)
        if row.last == "softmax":
            return -jnp.sum(y * jax.nn.log_softmax(a)) / len(x)
        return jnp.sum((a - y) ** 2) / (2 * len(x))

    def step(parameters: Any, batch: Any) -> tuple[Any, Array]:
        value, gradient = jax.value_and_grad(loss)(parameters, *batch)
        return jax.tree.map(lambda w, g: w - RATE * g, parameters, gradient), value

    batches = row.rows // row.batch
    epochs = row.updates // batches

    @jax.jit
    def train(parameters: Any, x: Array, y: Array) -> Any:
        if batches == 1:
            return jax.lax.scan(lambda p, _: step(p, (x, y)), parameters, None, length=row.updates)
        split = (x.reshape(batches, row.batch, -1), y.reshape(batches, row.batch, -1))
        epoch = lambda p, _: jax.lax.scan(step, p, split)  # noqa: E731
        return jax.lax.scan(epoch, parameters, None, length=epochs)

    with jax.enable_x64(row.dtype == "float64"):
        parameters = [
            (W.T.copy() if columns else W, b) for W, b in zip(weights, biases, strict=True)
        ]
        given = jax.device_put((parameters, x, y))

    def run() -> Any:
        with jax.enable_x64(row.dtype == "float64"):
            return jax.block_until_ready(train(*given))

    return run


def textbook(row: Row) -> Callable[[], Any]:
    """NumPy as in the textbooks: a new array for every line."""
    x, y, weights, biases = numbers(row)

    def sigmoid(z: Array) -> Array:
        return 1 / (1 + np.exp(-z))

    def softmax(z: Array) -> Array:
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    functions = {"sigmoid": sigmoid, "relu": lambda z: np.maximum(z, 0), "softmax": softmax}
    slopes = {"sigmoid": lambda a: a * (1 - a), "relu": lambda a: a > 0}

    def run() -> Any:
        W, b = [w.copy() for w in weights], [v.copy() for v in biases]
        for update in range(row.updates):
            start = update * row.batch % row.rows
            batch, target = x[start : start + row.batch], y[start : start + row.batch]
            a = [batch]
            for n in range(len(W)):
                name = row.last if n == len(W) - 1 else row.hidden
                a.append(functions[name](a[-1] @ W[n].T + b[n]))
            delta = (a[-1] - target) / len(batch)
            if row.last != "softmax":
                delta = delta * slopes[row.last](a[-1])
            for n in reversed(range(len(W))):
                dW, db = delta.T @ a[n], delta.sum(axis=0)
                if n:
                    delta = delta @ W[n] * slopes[row.hidden](a[n])
                W[n], b[n] = W[n] - RATE * dW, b[n] - RATE * db
        return W

    return run


def torch_eager(row: Row) -> Callable[[], Any]:
    """PyTorch as most write it, operation by operation."""
    import torch

    x, y, weights, biases = (
        [torch.from_numpy(a) for a in part] if isinstance(part, list) else torch.from_numpy(part)
        for part in numbers(row)
    )
    functions = {"sigmoid": torch.nn.Sigmoid, "relu": torch.nn.ReLU, "softmax": torch.nn.Identity}
    parts: list[Any] = []
    for n, (W, b) in enumerate(zip(weights, biases, strict=True)):
        layer = torch.nn.Linear(W.shape[1], W.shape[0], dtype=W.dtype)
        with torch.no_grad():
            layer.weight.copy_(W), layer.bias.copy_(b)
        parts += [layer, functions[row.last if n == len(weights) - 1 else row.hidden]()]
    model = torch.nn.Sequential(*parts)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    batches = list(zip(x.split(row.batch), y.split(row.batch), strict=True))

    def run() -> Any:
        for update in range(row.updates):
            batch, target = batches[update % len(batches)]
            optimizer.zero_grad()
            out = model(batch)
            if row.last == "softmax":
                value = torch.nn.functional.cross_entropy(out, target)
            else:
                value = ((out - target) ** 2).sum() / (2 * len(batch))
            value.backward()
            optimizer.step()
        return model

    return run


def scikit_learn(row: Row) -> Callable[[], Any]:
    """scikit-learn's multilayer perceptron, plain gradient descent."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    x, y, *_ = numbers(row)
    batches = -(-row.rows // row.batch)
    kind = MLPClassifier if row.last == "softmax" else MLPRegressor
    activation = {"sigmoid": "logistic", "relu": "relu"}[row.hidden]
    target = y.argmax(axis=1) if row.last == "softmax" else (y if y.shape[1] > 1 else y[:, 0])

    def run() -> Any:
        model = kind(
            hidden_layer_sizes=row.sizes[1:-1],
            activation=activation,
            solver="sgd",
            alpha=0.0,
            batch_size=row.batch,
            learning_rate_init=RATE,
            momentum=0.0,
            shuffle=False,
            tol=0.0,
            random_state=0,
            max_iter=max(1, row.updates // batches),
            n_iter_no_change=10**9,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return model.fit(x, target)

    return run


PEERS: dict[str, tuple[str, Callable[[Row], Callable[[], Any]]]] = {
    "handgrad, jax": ("jax", partial(handgrad, kind=XlaEngine)),
    "handgrad, numpy": ("numpy", partial(handgrad, kind=NumpyEngine)),
    "JAX scan, rows": ("jax", jax_scan),
    "JAX scan, columns": ("jax", partial(jax_scan, columns=True)),
    "NumPy textbook": ("numpy", textbook),
    "PyTorch eager": ("torch", torch_eager),
    "scikit-learn": ("sklearn", scikit_learn),
}


def measured(row: Row, rounds: int, peers: list[str]) -> dict[str, list[float]]:
    """Seconds of each peer in each round, after one that does not count."""
    programs = {
        name: PEERS[name][1](row) for name in peers if importlib.util.find_spec(PEERS[name][0])
    }
    for program in programs.values():
        program()
    found: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            begun = time.perf_counter()
            program()
            found[name].append(time.perf_counter() - begun)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="", help="numbers of rows, from 1: 1,4")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peers", default="", help="names of peers, between semicolons")
    given = parser.parse_args()
    chosen = [int(n) - 1 for n in given.rows.split(",") if n] or range(len(ROWS))
    peers = [name.strip() for name in given.peers.split(";") if name.strip()] or list(PEERS)
    print("µs an update: median (least … most); beside it, how many times handgrad, jax\n")
    for row in (ROWS[n] for n in chosen):
        print(f"{row.name}, {row.dtype}, {row.updates:,} updates")
        found = measured(row, given.rounds, peers)
        ours = statistics.median(found["handgrad, jax"])
        for name, times in found.items():
            micro = [t / row.updates * 1e6 for t in times]
            middle = statistics.median(micro)
            spread = f"({min(micro):.3f} … {max(micro):.3f})"
            print(
                f"  {name:<18} {middle:11.3f} {spread:<26} ×{statistics.median(times) / ours:9.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
