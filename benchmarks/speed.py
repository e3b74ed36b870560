"""The table of training speeds, with its peers in the same run, as Markdown.

``python benchmarks/speed.py`` prints all of it but the last part: warm, the training itself, programs
taking turns, each in a process of its own that waits meanwhile; cold, whole processes, with imports and
compiling, and their memory; many networks at once. ``--accuracy`` adds 30 epochs on all of MNIST.
``--rows 1,2`` and ``--parts warm,cold``
choose, ``--rounds`` and ``--updates`` say how often. Peers that are not installed are left out:
``pip install "handgrad[bench]"``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from peers import OURS, PEERS, SCANS, Program
from rows import ROWS, Layers, Row, accuracy, mnist, numbers

RIVALS = ("PyTorch eager", "PyTorch compiled", "Keras on JAX", "scikit-learn")
PARTS = ("warm", "cold", "many")
COLD = (2, 4, 5)  # rows that are begun anew
NETWORKS = 64
SECONDS = "seconds of a run: "
WARMING, TURN = 0.25, 0.25  # seconds of a turn at least, before it counts and then


def installed(names: list[str]) -> list[str]:
    """The peers that can be run here."""
    return [name for name in names if find_spec(PEERS[name].needs)]


def timed(program: Program) -> float:
    """Seconds of one run: the median of as many as a turn has time for, after some that do not count.

    A processor that was idle takes a while to come to its speed, and what ran before has taken its
    caches.
    """
    repeated(program, WARMING)
    return statistics.median(repeated(program, TURN))


def repeated(program: Program, seconds: float) -> list[float]:
    """Seconds of each run, for so long."""
    times: list[float] = []
    while sum(times) < seconds:
        begun = time.perf_counter()
        program.run()
        times.append(time.perf_counter() - begun)
    return times


def same_work(row: Row, ours: Layers, theirs: Layers) -> bool:
    """Whether two programs came to the same weights: else their times say nothing."""
    tolerance = 1e-8 if row.dtype == "float64" else 2e-3
    return all(
        np.allclose(a, b, rtol=0, atol=tolerance * max(1.0, float(np.abs(a).max())))
        for one, other in zip(ours, theirs, strict=True)
        for a, b in zip(one, other, strict=True)
    )


class Waiting:
    """A program in a process of its own, which trains when it is told to.

    In one process the threads of one library still spin while the next one is timed.
    """

    def __init__(self, name: str, row: Row, folder: Path) -> None:
        self.weights_at = folder / f"{list(PEERS).index(name)}.npz"
        place = str([other.name for other in ROWS].index(row.name) + 1)
        command = [sys.executable, __file__, "--waiting", name, "--rows", place]
        command += ["--updates", str(row.updates), "--weights", str(self.weights_at)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.turn()  # made, and run once

    def turn(self) -> float:
        """Seconds of a run."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith(SECONDS):
                return float(line.removeprefix(SECONDS))
        raise SystemExit(f"{' '.join(map(str, self.process.args))} ended")

    def weights(self) -> Layers:
        """What the first run came to."""
        with np.load(self.weights_at) as found:
            return [(found[f"W{n}"], found[f"b{n}"]) for n in range(len(found.files) // 2)]

    def end(self) -> None:
        """Let the process go."""
        self.process.kill()
        self.process.communicate()


def wait(name: str, row: Row, weights_at: Path) -> None:
    """What a process of its own does: run whenever a line comes in, and tell the seconds."""
    program = PEERS[name].made(row)
    found = program.weights(program.run())
    arrays = {
        f"{k}{n}": a for n, layer in enumerate(found) for k, a in zip("Wb", layer, strict=True)
    }
    np.savez(weights_at, **arrays)
    for _ in sys.stdin:
        print(f"{SECONDS}{timed(program)!r}", flush=True)


def measured(row: Row, rounds: int, names: list[str]) -> dict[str, list[float]]:
    """Seconds of each program in each round, after one that does not count."""
    with tempfile.TemporaryDirectory() as folder:
        programs = {name: Waiting(name, row, Path(folder)) for name in installed(names)}
        try:
            found = {name: program.weights() for name, program in programs.items()}
            for name, weights in found.items():
                if PEERS[name].exact and not same_work(row, next(iter(found.values())), weights):
                    print(f"\n**{name} came to other weights.**")
            times: dict[str, list[float]] = {name: [] for name in programs}
            for _ in range(rounds):
                for name, program in programs.items():
                    times[name].append(program.turn())
            return times
        finally:
            for program in programs.values():
                program.end()


def spread(values: list[float]) -> str:
    """The median, and from where to where."""
    return f"{statistics.median(values):.3g} ({min(values):.3g} … {max(values):.3g})"


def ratio(times: dict[str, list[float]], names: tuple[str, ...]) -> tuple[float, str]:
    """The median of the best of some peers over ours, and its name."""
    known = {name: statistics.median(times[name]) for name in names if name in times}
    if not known or OURS not in times:
        return float("nan"), "–"
    best = min(known, key=known.__getitem__)
    return known[best] / statistics.median(times[OURS]), best


def warm(rows: list[Row], rounds: int, names: list[str]) -> None:
    """Print the rows warm, and below them every peer of each."""
    details: list[str] = []
    print("\n## Warm: the training itself\n")
    print("| work | µs an update | × the best peer | floor | time of the better scan | at most |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        times = measured(row, rounds, names)
        micro = {n: [t / row.updates * 1e6 for t in found] for n, found in times.items()}
        (faster, best), (scan, _) = ratio(times, RIVALS), ratio(times, SCANS)
        own = spread(micro[OURS]) if OURS in micro else "–"
        print(
            f"| {row.name}, {row.dtype} | {own} | {faster:.1f} ({best}) | {row.floor:g} "
            f"| {1 / scan:.2f} | {row.of_scan:g} |",
            flush=True,
        )
        details += [f"| {row.name} | {name} | {spread(found)} |" for name, found in micro.items()]
        if OURS in times and row.multiply_adds > 1e8:
            share = 2 * row.multiply_adds / (statistics.median(times[OURS]) / row.updates)
            said = f"{share / product_rate():.0%} of the rate of a 2048³ product"
            details.append(f"| {row.name} | {OURS} | {said} |")
    print("\n| work | program | µs an update: median (least … most) |\n|---|---|---|")
    print("\n".join(details), flush=True)


def product_rate() -> float:
    """Floating-point operations in a second of JAX's own product of 2048 × 2048 float32."""
    import jax
    import jax.numpy as jnp

    a = jnp.asarray(np.random.default_rng(0).normal(size=(2048, 2048)).astype(np.float32))
    product = jax.jit(jnp.matmul)
    times: list[float] = []
    for _ in range(6):
        begun = time.perf_counter()
        jax.block_until_ready(product(a, a))
        times.append(time.perf_counter() - begun)
    return 2 * 2048**3 / statistics.median(times[1:])


def cold(rows: list[Row], rounds: int, names: list[str], updates: int | None) -> None:
    """Print whole processes: imports, set-up, compiling and training, and their memory."""
    print("\n## Cold: a process from its start to its end\n")
    print("| work | program | seconds: median (least … most) | MiB at most |\n|---|---|---|---|")
    for row in rows:
        for name in installed(names):
            command = [
                sys.executable,
                __file__,
                "--alone",
                name,
                "--rows",
                str(ROWS.index(row) + 1),
            ]
            command += ["--updates", str(updates)] if updates else []
            found = [whole(command) for _ in range(rounds)]
            memory = max(size for _, size in found)
            times = spread([seconds for seconds, _ in found])
            print(f"| {row.name} | {name} | {times} | {memory:.0f} |", flush=True)


def whole(command: list[str]) -> tuple[float, float]:
    """Seconds and MiB of a process."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - begun, usage.ru_maxrss / 1024


def many(rows: list[Row], rounds: int, updates: int | None) -> None:
    """Print a sweep of 64 networks beside one call of train after the other."""
    import handgrad as hg

    print(f"\n## {NETWORKS} networks at once: whole calls, compiled before\n")
    print("| work | how | sweep, seconds | one after the other | × |\n|---|---|---|---|---|")
    for row in rows:
        x, y, _ = numbers(row)
        layers = [*[row.hidden] * (len(row.sizes) - 2), row.last]
        problem = hg.Network(list(row.sizes), activation=layers, loss=row.loss, x=x[:1], y=y[:1])
        epochs = max(1, (updates or row.updates) // (row.rows // row.batch))
        asked = {"epochs": epochs, "batch_size": row.batch, "dtype": row.dtype, "engine": "jax"}
        times: list[tuple[float, float]] = []
        for _ in range(rounds + 1):
            begun = time.perf_counter()
            found = hg.sweep(problem, x, y, seeds=NETWORKS, **asked)
            between = time.perf_counter()
            for seed in range(NETWORKS):
                hg.train(problem, x, y, seed=seed, **asked)
            times.append((between - begun, time.perf_counter() - between))
        swept, alone = (list(part) for part in zip(*times[1:], strict=True))
        how = "side by side" if found.together else "one by one"
        gain = statistics.median(alone) / statistics.median(swept)
        print(
            f"| {row.name} | {how} | {spread(swept)} | {spread(alone)} | {gain:.1f} |", flush=True
        )


def learned(names: list[str], epochs: int) -> None:
    """Print accuracy and time on all of MNIST: 784-30-10, squared error, batch 10, rate 3."""
    found = mnist()
    if found is None:
        print("\nMNIST cannot be fetched here: npm and a network are needed.")
        return
    row = replace(ROWS[4], rows=60_000, updates=6_000 * epochs)
    print(f"\n## All of MNIST, {epochs} epochs of batches of 10\n")
    print("| program | test accuracy | seconds, compiling included |\n|---|---|---|")
    for name in installed(names):
        begun = time.perf_counter()
        program = PEERS[name].made(row, rate=3.0)
        try:
            weights = program.weights(program.run())
            right = f"{accuracy(row, weights, *found[2:]):.2%}"
        except (
            ValueError
        ) as error:  # scikit-learn has no sigmoid outputs, and diverges at this rate
            right = f"none: {str(error).split('. ')[0]}"
        print(f"| {name} | {right} | {time.perf_counter() - begun:.1f} |", flush=True)


def main() -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="", help="numbers of rows, from 1: 1,4")
    parser.add_argument("--parts", default=",".join(PARTS), help="of warm,cold,many")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--updates", type=int, help="in place of those of each row")
    parser.add_argument("--peers", default="", help="names of peers, between semicolons")
    parser.add_argument("--accuracy", type=int, nargs="?", const=30, metavar="EPOCHS")
    parser.add_argument("--alone", metavar="PEER", help="one run of one peer, and nothing else")
    parser.add_argument("--waiting", metavar="PEER", help="one peer that runs for each line read")
    parser.add_argument("--weights", type=Path, help="where the peer that waits says its weights")
    given = parser.parse_args()
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
    chosen = [int(n) - 1 for n in given.rows.split(",") if n] or list(range(len(ROWS)))
    rows = [ROWS[n] for n in chosen]
    if given.updates:
        rows = [replace(row, updates=_epochs_of(row, given.updates)) for row in rows]
    if given.waiting:
        wait(given.waiting, rows[0], given.weights)
        return
    if given.alone:
        for row in rows:
            PEERS[given.alone].made(row).run()
        return
    names = [name.strip() for name in given.peers.split(";") if name.strip()] or list(PEERS)
    parts = given.parts.split(",")
    if "warm" in parts:
        warm(rows, given.rounds, names)
    if "cold" in parts:
        cold([ROWS[n] for n in chosen if n + 1 in COLD], given.rounds, names, given.updates)
    if "many" in parts:
        many(rows, given.rounds, given.updates)
    if given.accuracy:
        learned(names, given.accuracy)


def _epochs_of(row: Row, updates: int) -> int:
    """About so many updates, whole epochs."""
    batches = row.rows // row.batch
    return max(1, round(updates / batches)) * batches


if __name__ == "__main__":
    main()
