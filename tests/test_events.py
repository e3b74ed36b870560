"""Event files read back by TensorBoard's own reader."""

import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_allclose

import handgrad as hg
from handgrad.cli import commands
from handgrad.errors import HandgradError

pytest.importorskip("tensorboardX")
reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def problem():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(20, 3))
    return hg.Network([3, 2, 1], x=x, y=rng.uniform(size=(20, 1)), batch_size=5)


def scalars(folder):
    """The curves of all event files of a folder: name -> (epochs, values)."""
    found = reader.EventAccumulator(str(folder), size_guidance={reader.SCALARS: 0})
    found.Reload()
    return {
        name: ([e.step for e in found.Scalars(name)], [e.value for e in found.Scalars(name)])
        for name in found.Tags()["scalars"]
    }


@pytest.mark.parametrize("engine", ["numpy", "jax"])
def test_tensorboard_reads_the_losses_of_every_epoch(tmp_path, engine):
    run = hg.train(
        problem(), epochs=30, validation=0.2, engine=engine, tensorboard=tmp_path / "log"
    )
    found = scalars(tmp_path / "log")
    assert sorted(found) == ["loss/training", "loss/validation"]
    for name, key in (("loss/training", "loss"), ("loss/validation", "validation")):
        epochs, values = found[name]
        assert epochs == [*range(1, 31)]
        assert_allclose(values, run.history[key], rtol=1e-7)  # they are kept as float32


def test_a_resumed_run_goes_on_with_its_curves(tmp_path):
    first = hg.train(problem(), epochs=4, tensorboard=tmp_path / "log")
    run = first.resume(epochs=9, tensorboard=tmp_path / "log")
    epochs, values = scalars(tmp_path / "log")["loss/training"]
    assert epochs == [*range(1, 10)]
    assert_allclose(values, run.history["loss"], rtol=1e-7)


def test_the_command_writes_them_too(tmp_path):
    asked = ["train", "xor", "--epochs", "7", "--tensorboard", str(tmp_path / "log")]
    found = CliRunner().invoke(commands, asked)
    assert found.exit_code == 0, found.output
    assert scalars(tmp_path / "log")["loss/training"][0] == [*range(1, 8)]


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(HandgradError, match=r"handgrad\[tensorboard\]"):
        hg.train(problem(), epochs=1, tensorboard=tmp_path / "log")


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HandgradError, match="cannot be written"):
        hg.train(problem(), epochs=1, tensorboard=tmp_path / "file" / "log")


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
import handgrad as hg
import tensorboardX
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
problem = hg.Network([1, 1], x=[[0.5]], y=[[0.1]], learning_rate=0.1)
try:
    hg.train(problem, epochs=20_000, engine="numpy", tensorboard=sys.argv[1])
except hg.HandgradError as error:
    print(error)
"""


def test_a_full_disk_is_told(tmp_path):
    pytest.importorskip("resource")
    command = [sys.executable, "-c", FULL, str(tmp_path / "log")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"{tmp_path / 'log'} cannot be written: File too large.\n", done.stderr
