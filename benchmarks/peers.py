"""One program per peer: the same updates on the same numbers, each as its users write it.

Each takes a row and gives back a function that trains from the first weights, and one that reads the
weights of what it gave back, one row per unit. Nothing is imported before it is asked for.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from rows import RATE, Layers, Row, numbers

__all__ = ["OURS", "PEERS", "SCANS", "Peer", "Program"]

Array = Any


class Program(NamedTuple):
    """A training that can be run again and again, and how its weights are read."""

    run: Callable[[], Any]
    weights: Callable[[Any], Layers]


class Peer(NamedTuple):
    """A program by what it needs to be installed; ``exact`` if it begins with the same weights."""

    needs: str
    made: Callable[..., Program]
    exact: bool = True


def handgrad(row: Row, engine: str, rate: float = RATE) -> Program:
    """One of the two engines."""
    import handgrad as hg
    from handgrad.training.beginning import Wish, set_up
    from handgrad.training.engines import NumpyEngine, XlaEngine

    x, y, layers = numbers(row)
    problem = hg.Network(
        list(row.sizes),
        activation=[*[row.hidden] * (len(row.sizes) - 2), row.last],
        loss=row.loss,
        W=[W for W, _ in layers],
        b=[b for _, b in layers],
        x=x,
        y=y,
        learning_rate=rate,
        batch_size=row.batch,
    )
    setup = set_up(problem, Wish(row.updates, dtype=row.dtype))
    made = (XlaEngine if engine == "jax" else NumpyEngine)(setup.task, setup.inputs)
    first = made.advance(setup.first, 0).state  # no update, but its arrays are where they are used

    def run() -> Any:
        state = first
        while state.done < row.updates:
            state = made.advance(state, row.updates).state
        return state

    def weights(state: Any) -> Layers:
        found = {str(s): np.asarray(a) for s, a in zip(setup.task.state, state.arrays, strict=True)}
        return [(found[f"W{n}"], found[f"b{n}"]) for n in range(1, len(row.sizes))]

    return Program(run, weights)


def jax_scan(row: Row, *, columns: bool, rate: float = RATE) -> Program:
    """What one writes by hand: grad, jit and scan; weights one row or one column per unit."""
    import jax
    import jax.numpy as jnp

    x, y, layers = numbers(row)
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
        return jax.tree.map(lambda w, g: w - rate * g, parameters, gradient), value

    batches = row.rows // row.batch

    @jax.jit
    def train(parameters: Any, x: Array, y: Array) -> Any:
        if batches == 1:
            return jax.lax.scan(lambda p, _: step(p, (x, y)), parameters, None, length=row.updates)
        split = (x.reshape(batches, row.batch, -1), y.reshape(batches, row.batch, -1))

        def epoch(held: Any, _: Any) -> Any:
            return jax.lax.scan(step, held, split)

        return jax.lax.scan(epoch, parameters, None, length=row.updates // batches)

    with jax.enable_x64(row.dtype == "float64"):
        parameters = [(W.T.copy() if columns else W, b) for W, b in layers]
        given = jax.device_put((parameters, x, y))

    def run() -> Any:
        with jax.enable_x64(row.dtype == "float64"):
            return jax.block_until_ready(train(*given))[0]

    def weights(found: Any) -> Layers:
        pairs = [(np.asarray(W), np.asarray(b)) for W, b in found]
        return [(W.T if columns else W, b) for W, b in pairs]

    return Program(run, weights)


def textbook(row: Row, rate: float = RATE) -> Program:
    """NumPy as in the textbooks: a new array for every line."""
    x, y, layers = numbers(row)

    def sigmoid(z: Array) -> Array:
        return 1 / (1 + np.exp(-z))

    def softmax(z: Array) -> Array:
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    functions = {"sigmoid": sigmoid, "relu": lambda z: np.maximum(z, 0), "softmax": softmax}
    slopes = {"sigmoid": lambda a: a * (1 - a), "relu": lambda a: a > 0}

    def run() -> Layers:
        W, b = [w.copy() for w, _ in layers], [v.copy() for _, v in layers]
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
                W[n], b[n] = W[n] - rate * dW, b[n] - rate * db
        return list(zip(W, b, strict=True))

    return Program(run, lambda found: found)


def torch_loop(row: Row, *, compiled: bool, rate: float = RATE) -> Program:
    """PyTorch as most write it; ``compiled``: model and loss by torch.compile."""
    import torch

    given, wanted, layers = numbers(row)
    x, y = torch.from_numpy(given), torch.from_numpy(wanted)
    functions = {"sigmoid": torch.nn.Sigmoid, "relu": torch.nn.ReLU, "softmax": torch.nn.Identity}
    parts: list[Any] = []
    for n, (W, _) in enumerate(layers):
        parts.append(torch.nn.Linear(W.shape[1], W.shape[0], dtype=getattr(torch, row.dtype)))
        parts.append(functions[row.last if n == len(layers) - 1 else row.hidden]())
    model = torch.nn.Sequential(*parts)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    batches = list(zip(x.split(row.batch), y.split(row.batch), strict=True))

    def loss(batch: Any, target: Any) -> Any:
        out = model(batch)
        if row.last == "softmax":
            return torch.nn.functional.cross_entropy(out, target)
        return ((out - target) ** 2).sum() / (2 * len(batch))

    loss = torch.compile(loss) if compiled else loss

    def run() -> Any:
        with torch.no_grad():
            for layer, (W, b) in zip(parts[::2], layers, strict=True):
                layer.weight.copy_(torch.from_numpy(W))
                layer.bias.copy_(torch.from_numpy(b))
        for update in range(row.updates):
            optimizer.zero_grad()
            loss(*batches[update % len(batches)]).backward()
            optimizer.step()
        return parts[::2]

    def weights(found: Any) -> Layers:
        return [(p.weight.detach().numpy(), p.bias.detach().numpy()) for p in found]

    return Program(run, weights)


def keras_fit(row: Row, rate: float = RATE) -> Program:
    """Keras on JAX: ``model.fit``."""
    os.environ["KERAS_BACKEND"] = "jax"
    import jax
    import keras

    keras.backend.set_floatx(row.dtype)
    precise = partial(jax.enable_x64, row.dtype == "float64")
    x, y, layers = numbers(row)
    names = [*[row.hidden] * (len(row.sizes) - 2), row.last]
    dense = [keras.layers.Dense(W.shape[0], a) for (W, _), a in zip(layers, names, strict=True)]
    with precise():
        model = keras.Sequential([keras.Input((row.sizes[0],)), *dense])

    def half_square(y: Any, a: Any) -> Any:
        return keras.ops.sum((a - y) ** 2, axis=-1) / 2

    loss = "categorical_crossentropy" if row.last == "softmax" else half_square
    model.compile(optimizer=keras.optimizers.SGD(rate), loss=loss)
    epochs = max(1, row.updates // (row.rows // row.batch))

    def run() -> Any:
        with precise():
            for layer, (W, b) in zip(dense, layers, strict=True):
                layer.set_weights([W.T, b])
            model.fit(x, y, batch_size=row.batch, epochs=epochs, shuffle=False, verbose=0)
        return dense

    def weights(found: Any) -> Layers:
        return [(W.T, b) for W, b in (layer.get_weights() for layer in found)]

    return Program(run, weights)


def scikit_learn(row: Row, rate: float = RATE) -> Program:
    """scikit-learn's multilayer perceptron, plain gradient descent from weights of its own."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    x, y, _ = numbers(row)
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
            learning_rate_init=rate,
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

    def weights(model: Any) -> Layers:
        return [(W.T, b) for W, b in zip(model.coefs_, model.intercepts_, strict=True)]

    return Program(run, weights)


OURS = "handgrad, jax"
SCANS = ("JAX scan, rows", "JAX scan, columns")
PEERS = {
    OURS: Peer("jax", partial(handgrad, engine="jax")),
    "handgrad, numpy": Peer("numpy", partial(handgrad, engine="numpy")),
    "JAX scan, rows": Peer("jax", partial(jax_scan, columns=False)),
    "JAX scan, columns": Peer("jax", partial(jax_scan, columns=True)),
    "NumPy textbook": Peer("numpy", textbook),
    "PyTorch eager": Peer("torch", partial(torch_loop, compiled=False)),
    "PyTorch compiled": Peer("torch", partial(torch_loop, compiled=True)),
    "Keras on JAX": Peer("keras", keras_fit),
    "scikit-learn": Peer("sklearn", scikit_learn, exact=False),
}
"""Rivals are those after the textbook."""
