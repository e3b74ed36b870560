"""What a process of several devices, or of several hosts, finds; run by ``test_devices.py``.

It prints, as JSON, parameters and losses of some runs, each of them trained over all devices.
"""

import json
import sys
from pathlib import Path

import numpy as np

import handgrad as hg

RUNS = {
    "whole": {"optimizer": "adam"},
    "batches": {"batch_size": 8},
    "shuffled": {"batch_size": 8, "shuffle": True, "optimizer": "momentum"},
}
ASKED = {
    "whole": {"epochs": 25},
    "batches": {"epochs": 6, "loss_below": 0.01},
    "shuffled": {"epochs": 9, "validation": 0.3, "patience": 3},
}


def problem(name):
    """A network and 28 examples: three batches of 8, and a rest that no four devices divide."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(28, 5)), np.eye(3)[rng.integers(3, size=28)]
    layers = ["tanh", "softmax"]
    options = {"loss": "cross_entropy", "l2": 0.01, "learning_rate": 0.1, **RUNS[name]}
    return hg.Network([5, 7, 3], activation=layers, x=x, y=y, **options)


def shown(run):
    """What two runs are compared by."""
    arrays = {name: array.tolist() for name, array in run.parameters.items()}
    return {"parameters": arrays, "history": run.history, "stopped": run.stopped}


def sums(run):
    """How often the devices add up what each has found, in the program of a run."""
    import jax

    engine, given = run.engine, []
    program = engine.call
    engine.call = lambda *arguments: given.extend(arguments) or program(*arguments)
    engine.advance(run.setup.first, 1)
    engine.call = program
    with jax.enable_x64(True):
        return program.plain.lower(*given).compile().as_text().count(" all-reduce")


def main(devices, folder, hosts, host):
    """Train each problem over the devices; the first host prints what is found."""
    names = [*RUNS] if not hosts else ["whole"]
    spread = {"devices": devices, "hosts": hosts or None, "host": host}
    found = {}
    for name in names:
        run = hg.train(problem(name), **ASKED[name], **spread, folder=Path(folder) / name)
        found[name] = {**shown(run), "spread": run.engine.spread.count, "sums": sums(run)}
        spread = {"devices": run.wish.devices}
    sys.stdout.write("found " + json.dumps(found) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[4:], int(sys.argv[3]))
