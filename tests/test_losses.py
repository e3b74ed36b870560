"""The loss of a run, drawn: what is on the axes is what the run remembers."""

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_array_equal

import handgrad as hg
from handgrad.cli import commands
from handgrad.errors import HandgradError


@pytest.fixture
def run(tmp_path):
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(20, 3)), rng.uniform(size=(20, 1))
    problem = hg.Network([3, 2, 1], x=x, y=y, optimizer="adam", learning_rate=0.3, title="Mine")
    return hg.train(problem, epochs=30, validation=0.3, folder=tmp_path / "run", engine="numpy")


def drawn(axes):
    return {line.get_label(): line.get_data() for line in axes.get_lines()}


def test_both_losses_are_drawn_and_the_best_epoch_is_marked(run):
    found = drawn(run.plot())
    checked = run.history["validation"]
    assert_array_equal(found["training"], (np.arange(1, 31), run.history["loss"]))
    assert_array_equal(found["held back"], (np.arange(1, 31), checked))
    best = checked.index(min(checked))
    assert_array_equal(found[f"best: epoch {best + 1}"], ([best + 1], [min(checked)]))


def test_a_long_history_is_thinned_and_the_axis_says_so():
    problem = hg.Network([1, 1], x=[[1.0]], y=[[0.5]])
    axes = hg.train(problem, epochs=20_000, engine="numpy").plot(log=True)
    at, _ = drawn(axes)["training"]
    assert len(at) < 20_000
    assert at[-1] == 20_000
    assert "epoch (" in axes.get_xlabel()
    assert axes.get_yscale() == "log"


def test_the_command_draws_a_run_from_its_folder(run, tmp_path):
    out = tmp_path / "loss.svg"
    done = CliRunner().invoke(commands, ["plot", "loss", str(run.folder), "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert "<svg" in out.read_text()
    wrong = CliRunner().invoke(commands, ["plot", "surface", str(run.folder), "-o", str(out)])
    assert wrong.exit_code == 2
    assert "handgrad plot loss RUN" in wrong.output


def test_a_run_without_an_epoch_has_nothing_to_draw():
    problem = hg.Network([1, 1], x=[[1.0]], y=[[0.5]])
    with pytest.raises(HandgradError, match="has not finished an epoch"):
        hg.train(problem, epochs=0).plot()
    with pytest.raises(HandgradError, match="no theme"):
        hg.train(problem, epochs=1).plot(theme="pink")
