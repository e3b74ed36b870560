"""Networks side by side against each of them trained alone by the other engine; the table, the door."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_allclose

import handgrad as hg
from handgrad.cli import commands
from handgrad.errors import InputError, LimitError
from handgrad.model.optimizers import OPTIMIZERS
from handgrad.training import sweeping
from handgrad.training.beginning import Wish, set_up
from handgrad.training.lanes import LanesEngine

XOR = {"x": [[0, 0], [0, 1], [1, 0], [1, 1]], "y": [[0], [1], [1], [0]]}


def xor(**options):
    return hg.Network([2, 4, 1], **{"learning_rate": 0.5, **XOR, **options})


def classifier(rows=13, **options):
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(rows, 3)), np.eye(2)[rng.integers(2, size=rows)]
    layers = ["tanh", "softmax"]
    given = {"activation": layers, "loss": "cross_entropy", "x": x, "y": y, **options}
    return hg.Network([3, 4, 2], **given)


def assert_is(run, alone, tolerance=1e-12):
    """A run of a sweep is what training it alone with the other engine gives."""
    assert (run.updates, run.stopped) == (alone.updates, alone.stopped)
    for name, losses in alone.history.items():
        assert_allclose(run.history[name], losses, rtol=tolerance, atol=tolerance)
    for name, array in alone.parameters.items():
        scale = max(1.0, float(np.abs(array).max()))
        assert_allclose(run.parameters[name], array, rtol=0, atol=tolerance * scale, err_msg=name)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_each_network_is_what_training_it_alone_gives(optimizer):
    p = xor(optimizer=optimizer, l2=0.01)
    found = hg.sweep(p, seeds=[3, 5, 9], learning_rates=[0.01, 0.1], epochs=40, together=True)
    assert found.together
    pairs = [(rate, seed) for rate in (0.01, 0.1) for seed in (3, 5, 9)]
    assert [(r["learning_rate"], r["seed"]) for r in found.table] == pairs
    for run, (rate, seed) in zip(found.runs, pairs, strict=True):
        alone = hg.train(p, seed=seed, learning_rate=rate, epochs=40, engine="numpy")
        assert_is(run, alone)


OPTIONS = (
    {"batch_size": 4, "shuffle": True},
    {"batch_size": 5, "patience": 3, "tolerance": 0.02},
    {"batch_size": 4, "shuffle": True, "loss_below": 0.6},
    {"loss_below": 0.6, "patience": 30},
    {"schedule": "adaptive", "patience": 2, "tolerance": 0.02},
    {"schedule": {"name": "cosine", "warmup": 4}, "clip_norm": 0.1, "batch_size": 5},
)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_each_network_has_its_own_batches_and_ends_where_it_would_alone(options):
    p = classifier(optimizer="adam")
    found = hg.sweep(p, seeds=9, learning_rates=[0.02], epochs=60, together=True, **options)
    assert found.together
    if {"loss_below", "patience"} & {*options}:
        assert len({run.updates for run in found.runs}) > 1, "no network ends before another"
    for run in found.runs:
        seed = run.setup.problem.seed
        alone = hg.train(p, seed=seed, learning_rate=0.02, epochs=60, engine="numpy", **options)
        assert_is(run, alone, 1e-10)


def test_the_examples_held_back_are_the_same_for_all_and_the_best_parameters_are_kept():
    p = classifier(rows=40, batch_size=8, shuffle=True)
    asked = {"epochs": 80, "patience": 4}
    found = hg.sweep(p, seeds=4, learning_rates=[2.0], validation=0.25, together=True, **asked)
    (held,) = {tuple(run.held[s].tobytes() for s in run.held) for run in found.runs}
    assert held
    run = found.runs[2]
    x, y = (np.asarray(run.held[s]) for s in p.data)
    (kx, ky) = (run.setup.problem.values[s] for s in p.data)
    options = {"seed": 2, "learning_rate": 2.0, "dtype": "float64", "engine": "numpy", **asked}
    alone = hg.train(p, kx, ky, validation=(x, y), **options)
    assert_is(run, alone, 1e-9)
    assert run.stopped == "no improvement"
    assert found.table[2]["validation"] == min(run.history["validation"])


def test_a_network_that_diverges_ends_alone():
    p = hg.Network([1, 1], activation="identity", W=[[[1.0]]], x=[[1.0], [2.0]], y=[[1.0], [0.0]])
    found = hg.sweep(p, learning_rates=[0.1, 1e3, 0.2, 1e9], epochs=400, together=True)
    assert [r.stopped == "not finite" for r in found.runs] == [False, True, False, True]
    assert all(np.isfinite(a).all() for r in found.runs for a in r.parameters.values())
    alone = hg.train(p, learning_rate=0.2, epochs=400, engine="numpy")
    assert_is(found.runs[2], alone)
    one = hg.sweep(p, learning_rates=[0.1, 1e3, 0.2, 1e9], epochs=400, together=False)
    for run, other in zip(found.runs, one.runs, strict=True):
        assert run.stopped == other.stopped
        assert run.updates == other.updates
    with pytest.raises(InputError, match="No run has a finite loss"):
        _ = hg.sweep(p, learning_rates=[1e3, 1e9], epochs=400).best


def test_one_after_the_other_is_the_same_bits_as_training_alone():
    p = classifier(batch_size=4, shuffle=True)
    found = hg.sweep(p, seeds=3, epochs=5, engine="numpy")
    assert not found.together
    for seed, run in enumerate(found.runs):
        alone = hg.train(p, seed=seed, epochs=5, engine="numpy")
        assert run.history == alone.history
        assert all(np.array_equal(run.parameters[k], v) for k, v in alone.parameters.items())


def test_a_run_of_a_sweep_replays_resumes_and_is_saved_to_the_same_bits(tmp_path):
    p = classifier(batch_size=4, shuffle=True, optimizer="adam")
    found = hg.sweep(p, seeds=11, epochs=30, together=True, folder=tmp_path)
    longer = hg.sweep(p, seeds=11, epochs=45, together=True)
    run = hg.load_run(tmp_path / f"seed-7-rate-{p.training.learning_rate!r}")
    assert all(np.array_equal(run.parameters[k], v) for k, v in found.runs[7].parameters.items())
    _, after = run.replayed(run.updates)
    assert all(map(np.array_equal, after.arrays, found.runs[7].state.arrays))
    resumed = run.resume(epochs=45)
    assert resumed.history == longer.runs[7].history
    for name, array in longer.runs[7].parameters.items():
        assert np.array_equal(resumed.parameters[name], array), name
    assert "W1_new" in run.explain(step=17).to_text()


def test_a_network_that_reads_its_neighbour_is_noticed(monkeypatch):
    """The comparison with training alone must say no."""
    p = xor()
    before = LanesEngine.begin

    def mixed(self, states):
        lanes = before(self, states)
        return replace(lanes, arrays=tuple(np.roll(a, 1, axis=-1) for a in lanes.arrays))

    monkeypatch.setattr(LanesEngine, "begin", mixed)
    found = hg.sweep(p, seeds=3, epochs=5, together=True)
    with pytest.raises(AssertionError):
        assert_is(found.runs[1], hg.train(p, seed=1, epochs=5, engine="numpy"))


def test_small_networks_stand_side_by_side_and_large_ones_do_not():
    small = set_up(xor(), Wish(10, dtype="float32")).task
    assert sweeping.width_for(small, 1) == 0
    width = sweeping.width_for(small, 64)
    assert 64 / width <= max(2, os.cpu_count() or 1)
    assert sweeping.width_for(small, 1000) <= sweeping.WIDEST
    large = hg.Network([64, 32, 10], activation="relu")
    assert sweeping.width_for(set_up(large, Wish(10)).task, 64) == 0
    with pytest.raises(InputError, match="cannot be trained side by side"):
        hg.sweep(large, seeds=2, epochs=1, together=True)
    with pytest.raises(InputError, match="cannot be trained side by side"):
        hg.sweep(xor(), seeds=2, epochs=1, together=True, engine="numpy")


def test_the_choice_follows_the_estimate():
    assert not hg.sweep(xor(), seeds=2, epochs=3).together
    assert hg.sweep(xor(), seeds=64, epochs=20_000).together


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"seeds": 0}, "seeds is 0; it is a whole number from 1 up"),
        ({"seeds": [1, 2, 1]}, "seeds has 1 more than once"),
        ({"seeds": "12"}, "'12' is no list of numbers"),
        ({"seeds": [-1]}, "a seed is -1"),
        ({"learning_rates": []}, "a list is empty"),
        ({"learning_rates": 0.1}, "0.1 is no list of numbers"),
        ({"learning_rates": [float("nan")]}, "a learning rate is nan"),
        ({"learning_rates": ["a"]}, "a learning rate is 'a'"),
    ],
)
def test_what_cannot_be_swept_is_said(asked, said):
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        hg.sweep(xor(), epochs=2, **asked)


def test_seeds_that_change_nothing_are_said():
    given = xor(W=[np.ones((4, 2)), np.ones((1, 4))])
    with pytest.raises(InputError, match="The seeds change nothing"):
        hg.sweep(given, seeds=2, epochs=2)
    assert len(hg.sweep(given, learning_rates=[0.1, 0.2], epochs=2)) == 2
    with pytest.raises(LimitError, match="networks"):
        hg.sweep(xor(), seeds=10_001, epochs=2)


def test_another_seed_draws_the_weights_that_a_network_of_that_seed_has():
    run = hg.train(xor(init="he"), seed=6, epochs=0)
    for name, array in run.parameters.items():
        values = {str(s): v for s, v in xor(init="he", seed=6).values.items()}
        assert np.array_equal(array, values[name]), name


def test_the_table_the_best_and_the_json():
    found = hg.sweep(xor(), seeds=3, learning_rates=[0.01, 1.0], epochs=200)
    losses = [run.history["loss"][-1] for run in found.runs]
    assert found.best is found.runs[int(np.argmin(losses))]
    lines = found.to_text().splitlines()
    assert len(lines) == 7
    assert [n for n, line in enumerate(lines[1:]) if line.endswith("*")] == [found.best_place]
    read = json.loads(found.to_json())
    assert [row["loss"] for row in read["runs"]] == losses
    assert read["best"] == found.best_place


def test_every_loss_is_in_the_picture():
    matplotlib = pytest.importorskip("matplotlib.figure")
    found = hg.sweep(xor(), seeds=2, learning_rates=[0.1, 1.0], epochs=20)
    ax = matplotlib.Figure().add_subplot()
    assert found.plot(ax=ax) is ax
    drawn = [line.get_ydata().tolist() for line in ax.lines if len(line.get_ydata()) > 1]
    assert drawn == [run.history["loss"] for run in found.runs]
    labels = ax.get_legend_handles_labels()[1]
    assert sorted(labels) == ["rate 0.1", "rate 1", "the best"]
    far = hg.sweep(hg.Network([1, 1], activation="identity"), learning_rates=[0.1, 1e9], epochs=99)
    shown = [y for line in far.plot().lines for y in line.get_ydata() if np.isfinite(y)]
    assert max(shown) < 1e6, "a run that diverges hides the others"
    with pytest.raises(InputError, match="no loss to draw"):
        hg.sweep(xor(), seeds=2, epochs=0).plot()


def run_command(*arguments):
    return CliRunner().invoke(commands, ["sweep", *map(str, arguments)])


def test_the_command_prints_draws_and_saves(tmp_path):
    file = tmp_path / "net.toml"
    file.write_text(
        "[data]\nx = [[0, 0], [0, 1], [1, 0], [1, 1]]\ny = [[0], [1], [1], [0]]\n[network]\n"
        "seed = 2\n[[network.layers]]\nunits = 4\nactivation = 'tanh'\n"
        "[[network.layers]]\nunits = 1\n"
        "[training]\nlearning_rate = 0.1\n"
    )
    picture = tmp_path / "losses.svg"
    place = tmp_path / "runs"
    asked = (file, "--seeds", "1,4", "--learning-rates", "0.1,0.2", "--epochs", "30")
    said = run_command(*asked, "-o", picture, "--run", place)
    assert said.exit_code == 0, said.output
    found = hg.sweep(hg.load(file), seeds=[1, 4], learning_rates=[0.1, 0.2], epochs=30)
    assert said.stdout == found.to_text()
    assert picture.read_text().startswith("<?xml")
    assert hg.load_run(place / "seed-4-rate-0.2").history == found.runs[3].history
    read = run_command(*asked, "--format", "json")
    assert json.loads(read.stdout) == json.loads(found.to_json())
    assert run_command(*asked, "--run", place).exit_code != 0


def test_the_command_sweeps_a_table(tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{'yes' if a > b else 'no'}" for a, b in rng.normal(size=(40, 2))]
    file = tmp_path / "data.csv"
    file.write_text("a,b,larger\n" + "\n".join(rows) + "\n")
    said = run_command(
        file, "--seeds", "2", "--hidden", "3", "--epochs", "4", "--run", tmp_path / "r"
    )
    assert said.exit_code == 0, said.output
    assert len(said.stdout.splitlines()) == 3
    assert "32 rows to learn from" in said.stderr
    assert len(list((tmp_path / "r").iterdir())) == 2


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--seeds", "x"), "write how many"),
        (("--seeds", "1,,2"), "write how many"),
        (("--learning-rates", "0.1;2"), "write numbers"),
        (("--hidden", "3"), "--hidden has no meaning"),
        (("-o", "a.gif", "--learning-rates", "0.1"), "no ending of a picture"),
    ],
)
def test_the_command_says_what_it_cannot_use(asked, said):
    found = run_command("xor", *asked)
    assert found.exit_code != 0
    assert said in found.output + str(found.exception)


def test_the_command_says_no_where_no_loss_is_finite(tmp_path):
    file = tmp_path / "net.toml"
    file.write_text(
        '[data]\nx = [[1.0]]\ny = [[2.0]]\n[network]\n[[network.layers]]\nactivation = "identity"\n'
        "W = [[1.0]]\n[training]\nlearning_rate = 0.1\n"
    )
    found = run_command(file, "--learning-rates", "1e9,1e8", "--epochs", "900")
    assert found.exit_code == 1, found.output
    assert "not finite" in found.stdout


def test_a_folder_holds_one_sweep(tmp_path):
    p = hg.Network([2, 2, 1], x=[[0.0, 1.0]], y=[[1.0]])
    hg.sweep(p, seeds=2, epochs=3, folder=tmp_path)
    with pytest.raises(InputError, match="holds the runs of a sweep already"):
        hg.sweep(p, seeds=[7, 8], epochs=3, folder=tmp_path)
