"""The programs of the benchmark do the same work, and it says so where they do not."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("jax")
FOLDER = Path(__file__).parents[1] / "benchmarks"
EXACT = (
    "handgrad, jax",
    "handgrad, numpy",
    "JAX scan, rows",
    "JAX scan, columns",
    "NumPy textbook",
)


@pytest.fixture
def speed(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import speed

    yield speed
    for name in ("speed", "peers", "rows"):
        sys.modules.pop(name, None)


def test_the_programs_come_to_the_same_weights(speed):
    from peers import PEERS
    from rows import Row

    rows = (
        Row("", (2, 3, 1), 4, 4, 50, 1, 1),
        Row("", (5, 6, 3), 24, 8, 30, 1, 1, hidden="relu", last="softmax"),
    )
    for row in rows:
        found = {}
        for name in EXACT:
            program = PEERS[name].made(row)
            found[name] = program.weights(program.run())
        ours = found["handgrad, jax"]
        for name, weights in found.items():
            assert speed.same_work(row, ours, weights), name
        altered = [(W + 0.01, b) for W, b in ours]
        assert not speed.same_work(row, ours, altered)


def test_the_accuracy_is_that_of_a_count(speed):
    from rows import Row, accuracy

    row = Row("", (2, 2), 3, 3, 1, 1, 1)
    x, y = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]), np.array([0, 1, 1])
    assert accuracy(row, [(np.eye(2), np.zeros(2))], x, y) == pytest.approx(2 / 3)


def test_the_command_prints_the_table():
    asked = ["--rows", "1", "--parts", "warm,many", "--rounds", "1", "--updates", "5"]
    command = [sys.executable, FOLDER / "speed.py", *asked, "--peers", ";".join(EXACT)]
    environment = {**os.environ, "PYTHONPATH": str(FOLDER.parent / "src")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "other weights" not in done.stdout
    for name in EXACT:
        assert f"| 1-1-1 sigmoid, 1 example | {name} |" in done.stdout
    assert "64 networks at once" in done.stdout
