"""Schedules of the learning rate: PyTorch's and scikit-learn's as witnesses, both engines alike."""

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_allclose

import handgrad as hg
from handgrad.cli import commands
from handgrad.errors import HandgradError
from handgrad.model.schedules import SCHEDULES, Schedule, factor, filled, schedule_of
from handgrad.numbers.updates import Updates
from handgrad.training.beginning import Wish, set_up
from handgrad.training.engines import NumpyEngine, XlaEngine

ENGINES = ("numpy", "jax")
EACH = (
    {"name": "inverse_scaling", "power": 0.3},
    {"name": "cosine", "end": 0.1},
    {"name": "cosine", "warmup": 3},
    {"name": "constant", "warmup": 5},
    {"name": "adaptive", "patience": 1, "tolerance": 0.02, "divisor": 3, "least": 1e-3},
)


def classifier(**options):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(12, 3))
    y = np.eye(2)[rng.integers(2, size=12)]
    return hg.Network(
        [3, 4, 2], activation=["tanh", "softmax"], loss="cross_entropy", x=x, y=y, **options
    )


def torch_factors(epochs, make):
    """What PyTorch's scheduler makes of a rate of 1."""
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(torch.optim.lr_scheduler, optimizer)
    found = []
    for _ in range(epochs):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def factors(schedule, epochs, rows=1):
    return [factor(schedule, n, rows) for n in range(epochs)]


@pytest.mark.torch
@pytest.mark.parametrize("end", [0.0, 0.05])
def test_cosine_is_that_of_pytorch(end):
    expected = torch_factors(21, lambda t, o: t.CosineAnnealingLR(o, T_max=20, eta_min=end))
    assert_allclose(
        factors(schedule_of({"name": "cosine", "epochs": 20, "end": end}), 21), expected, atol=1e-15
    )


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:The epoch parameter")
def test_a_warm_up_goes_before_as_pytorch_chains_its_schedulers():
    def make(t, o):
        first = t.LinearLR(o, start_factor=1 / 5, total_iters=4)
        then = t.CosineAnnealingLR(o, T_max=15)
        return t.SequentialLR(o, [first, then], milestones=[5])

    schedule = filled(Schedule("cosine", {"warmup": 5}), 20)
    assert_allclose(factors(schedule, 20), torch_factors(20, make), rtol=1e-13)


def test_inverse_scaling_is_that_of_scikit_learn():
    stochastic = pytest.importorskip("sklearn.neural_network._stochastic_optimizers")
    optimizer = stochastic.SGDOptimizer([], 0.2, "invscaling", power_t=0.4)
    for epoch in range(6):
        found = 0.2 * factor(Schedule("inverse_scaling", {"power": 0.4}), epoch, 12)
        assert_allclose(found, optimizer.learning_rate, rtol=1e-15)
        optimizer.iteration_ends(12 * (epoch + 1))


def test_adaptive_divides_and_ends_where_scikit_learn_does():
    network = pytest.importorskip("sklearn.neural_network")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 2)), rng.normal(size=(30, 1))
    peer = network.MLPRegressor(
        hidden_layer_sizes=(3,), activation="tanh", solver="sgd", alpha=0, batch_size=30,
        learning_rate="adaptive", learning_rate_init=0.05, momentum=0, n_iter_no_change=4, tol=1e-3,
        max_iter=500, random_state=1, shuffle=False,
    )  # fmt: skip
    peer.partial_fit(x, y[:, 0])
    weights = [w.T.copy() for w in peer.coefs_]
    biases = [b.copy() for b in peer.intercepts_]
    peer.set_params(warm_start=True)
    peer.fit(x, y[:, 0])
    problem = hg.Network(
        [2, 3, 1], activation=["tanh", "identity"], loss="half_mean_squared_error", W=weights, b=biases,
        x=x, y=y, learning_rate=0.05,
    )  # fmt: skip
    schedule = {"name": "adaptive", "patience": 5, "tolerance": 1e-3}
    for engine in ENGINES:
        run = hg.train(problem, epochs=500, engine=engine, schedule=schedule)
        assert run.stopped == "no improvement"
        assert run.epochs == peer.n_iter_ < 500
        assert_allclose(run.history["loss"], peer.loss_curve_[1:], rtol=1e-9)
        assert run.state.pace.factor * 0.05 <= 1e-6 < run.state.pace.factor * 0.05 * 5


@pytest.mark.parametrize(
    "batches", [{}, {"batch_size": 5, "shuffle": True}], ids=["whole", "batches"]
)
@pytest.mark.parametrize("schedule", EACH, ids=str)
@pytest.mark.parametrize("engine", [NumpyEngine, XlaEngine])
def test_each_engine_follows_the_rates_of_the_worked_steps(engine, schedule, batches):
    problem = classifier(schedule=schedule, learning_rate=0.4, epochs=20, **batches)
    run = hg.train(problem, engine=engine.name)
    updates = Updates(problem, hg.derive(problem), run.setup.task.batches * 20)
    rates = [float(trace["η"]) for trace in updates]
    assert updates.done == run.updates
    assert len(set(rates)) > 2
    for name, array in run.parameters.items():
        expected = next(v for s, v in updates.state.items() if str(s) == name)
        assert_allclose(array, expected, rtol=0, atol=1e-12, err_msg=name)
    page = run.explain(step=run.updates)
    assert float(page.traces[0][1]["η"]) == rates[-1]


def test_an_engine_with_another_schedule_is_noticed():
    problem = classifier(schedule={"name": "cosine", "epochs": 20}, learning_rate=0.4)
    other = classifier(schedule={"name": "cosine", "epochs": 21}, learning_rate=0.4)
    ends = [hg.train(p, epochs=20).parameters["W1"] for p in (problem, other)]
    assert np.abs(ends[0] - ends[1]).max() > 1e-6


@pytest.mark.parametrize("schedule", EACH, ids=str)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(tmp_path, engine, schedule):
    problem = classifier(learning_rate=0.4, batch_size=5, shuffle=True, schedule=schedule)
    whole = hg.train(problem, epochs=12, engine=engine)
    hg.train(problem, epochs=12, engine=engine, folder=tmp_path / "run", seconds=0)
    for epochs in (4, 7, 12):
        part = hg.load_run(tmp_path / "run").resume(epochs=epochs)
    assert part.history == whole.history
    assert part.state.pace == whole.state.pace
    for name, array in whole.parameters.items():
        assert np.array_equal(part.parameters[name], array), name


def test_patience_of_the_call_is_that_of_an_adaptive_schedule():
    run = hg.train(classifier(), epochs=3, schedule="adaptive", patience=2, tolerance=0.5)
    assert run.setup.inputs.patience.epochs == 2
    assert run.setup.inputs.patience.tolerance == 0.5


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("cosin", "Did you mean"),
        ({"name": "cosine", "ends": 0.1}, "no option 'ends'"),
        ({"name": "cosine", "end": 2}, "from 0 to 1"),
        ({"name": "adaptive", "patience": 0.5}, "whole number"),
        ({"name": "adaptive", "divisor": "5"}, "a number is expected"),
        ({"warmup": 2}, "no schedule None"),
        (5, "give a name"),
    ],
)
def test_a_schedule_that_means_nothing_is_refused(given, said):
    with pytest.raises(HandgradError, match=said):
        hg.train(classifier(), epochs=1, schedule=given)


FILE = """
[data]
x = [[0.5]]
y = [[1.5]]
[[network.layers]]
units = 1
W = [[0.3]]
[training]
steps = 4
schedule = {schedule}
"""


def test_a_problem_file_has_a_schedule(tmp_path):
    path = tmp_path / "net.toml"
    path.write_text(FILE.format(schedule='{ name = "cosine", end = 0.5 }'))
    problem = hg.load(path)
    rates = [float(trace["η"]) for trace in Updates(problem, hg.derive(problem), 4)]
    expected = 0.1 * (0.5 + 0.25 * (1 + np.cos(np.pi * np.arange(4) / 4)))
    assert_allclose(rates, expected, rtol=1e-15)
    for asked in ({}, {"of": "W1[1,1]"}, {"reading": "matrix"}, {"exact": True}):
        page = hg.explain(problem, step=2, **asked).to_text()
        assert "by the schedule cosine" in page
        assert "η = 0.1·0.9268 ≈ 0.0927" in page


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ('"cosin"', 'Did you mean "cosine"?'),
        ('{ name = "cosine", end = 2 }', "from 0 to 1"),
        ('{ name = "constant", end = 1 }', "constant has no end"),
        ('{ name = "cosine", ends = 1 }', 'Did you mean "end"?'),
        ("3", "a name is expected"),
    ],
)
def test_a_mistake_in_the_schedule_of_a_file_is_told_with_its_line(tmp_path, schedule, said):
    path = tmp_path / "net.toml"
    path.write_text(FILE.format(schedule=schedule))
    with pytest.raises(HandgradError) as caught:
        hg.load(path)
    assert said in str(caught.value)
    assert "line 10" in str(caught.value)


def test_an_audit_does_not_pass_over_a_schedule(tmp_path):
    path = tmp_path / "net.toml"
    claim = '[[claims]]\nquantity = "W1_new[1,1]"\nvalue = "0.36"\nstep = 2\n'
    path.write_text(FILE.format(schedule='"cosine"') + claim)
    with pytest.raises(HandgradError, match="one learning rate"):
        hg.audit(str(path))


def test_the_command_takes_a_schedule(tmp_path):
    found = CliRunner().invoke(
        commands, ["train", "xor", "--epochs", "9", "--schedule", "cosine,end=0.5"]
    )
    assert found.exit_code == 0, found.output
    wrong = CliRunner().invoke(commands, ["train", "xor", "--schedule", "cosine,end"])
    assert wrong.exit_code == 2
    assert "cosine,warmup=5" in wrong.output


def test_every_schedule_begins_at_the_full_rate_and_stays_within_it():
    for name in SCHEDULES:
        found = factors(Schedule(name), 300, rows=7)
        assert found[0] == 1.0
        assert all(0 <= one <= 1 for one in found), name


def test_the_task_of_an_adaptive_schedule_is_patient():
    assert set_up(classifier(schedule="adaptive"), Wish(1)).task.patient
    assert not set_up(classifier(), Wish(1)).task.patient
