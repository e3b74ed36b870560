"""Both engines against the evaluation of the equations, update by update, and against each other."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import handgrad as hg
from handgrad.calculus.expr import Call, walk
from handgrad.calculus.functions import FUNCTIONS
from handgrad.errors import HandgradError
from handgrad.model.optimizers import OPTIMIZERS
from handgrad.numbers.updates import Updates
from handgrad.training.beginning import Wish, set_up
from handgrad.training.engines import NumpyEngine, XlaEngine
from handgrad.training.program import is_small

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.toml"))
ENGINES = (NumpyEngine, XlaEngine)


def example(name, **changes):
    problem = hg.load(ROOT / "examples" / f"{name}.toml")
    return replace(problem, training=replace(problem.training, **changes))


def classifier(
    rows=12, sizes=(3, 4, 2), seed=3, activation="tanh", loss="cross_entropy", **options
):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, sizes[0]))
    y = np.eye(sizes[-1])[rng.integers(sizes[-1], size=rows)]
    layers = [*[activation] * (len(sizes) - 2), "softmax"]
    return hg.Network(list(sizes), activation=layers, loss=loss, x=x, y=y, seed=seed, **options)


def finished(engine, setup, wanted):
    """The state after so many updates, and the losses on the way."""
    state, losses, going = setup.first, [], True
    while going and state.done < wanted:
        step = engine.advance(state, wanted)
        state, going = step.state, step.going
        losses += step.losses.tolist()
    return state, losses


def assert_same_state(setup, state, values, tolerance):
    for symbol, array in zip(setup.task.state, state.arrays, strict=True):
        size = max(1.0, float(np.max(np.abs(values[symbol]))))
        assert_allclose(array, values[symbol], rtol=0, atol=tolerance * size, err_msg=str(symbol))


SOME = [(name, [*OPTIMIZERS][n % len(OPTIMIZERS)]) for n, name in enumerate(EXAMPLES)]
ALL = [
    pytest.param(name, optimizer, marks=[] if (name, optimizer) in SOME else pytest.mark.sweep)
    for name in EXAMPLES
    for optimizer in OPTIMIZERS
]


@pytest.mark.parametrize(("name", "optimizer"), ALL)
@pytest.mark.parametrize("engine", ENGINES)
def test_each_engine_follows_the_equations_of_each_example(engine, name, optimizer):
    problem = example(name, optimizer=optimizer, options={}, learning_rate=0.01, loss_below=None)
    setup = set_up(problem, Wish(20))
    updates = Updates(problem, setup.derivation, 20)
    losses = [float(trace[problem.loss]) for trace in updates]
    state, found = finished(engine(setup.task, setup.inputs), setup, 20)
    assert state.done == updates.done == 20
    assert_same_state(setup, state, updates.state, 1e-12)
    if setup.task.batches == 1:
        assert_allclose(found, losses, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_one_update_from_each_of_a_hundred_states_is_the_same_on_both_engines(optimizer):
    setup = set_up(classifier(optimizer=optimizer, l2=0.01, batch_size=5, shuffle=True), Wish(100))
    numpy, jax = (engine(setup.task, setup.inputs) for engine in ENGINES)
    state = setup.first
    for done in range(100):
        other = jax.advance(state, done + 1).state
        state = numpy.advance(state, done + 1).state
        for one, two in zip(state.arrays, other.arrays, strict=True):
            assert_allclose(one, two, rtol=1e-12, atol=1e-14)


def is_smooth(setup):
    """Whether no function of the problem has a kink, where a last bit would decide the side."""
    sides = (node for e in setup.problem.forward for node in walk(e.rhs))
    return not any(isinstance(n, Call) and FUNCTIONS[n.function].kinks for n in sides)


@pytest.mark.parametrize(("name", "optimizer"), ALL)
def test_on_every_example_both_engines_make_the_same_hundred_updates(name, optimizer):
    problem = example(name, optimizer=optimizer, options={}, learning_rate=0.01, loss_below=None)
    setup = set_up(problem, Wish(100))
    numpy, jax = (engine(setup.task, setup.inputs) for engine in ENGINES)
    state = setup.first
    for done in range(100):
        other = jax.advance(state, done + 1).state
        state = numpy.advance(state, done + 1).state
        values = dict(zip(setup.task.state, state.arrays, strict=True))
        assert_same_state(setup, other, values, 1e-12)
    whole, _ = finished(jax, setup, 100)
    assert whole.done == state.done == 100
    if is_smooth(setup):
        assert_same_state(setup, whole, values, 1e-12)


BATCHES = (
    {},
    {"batch_size": 4},
    {"batch_size": 5},
    {"batch_size": 5, "shuffle": True},
)


@pytest.mark.parametrize("threshold", [False, True], ids=["all", "stopped"])
@pytest.mark.parametrize("options", BATCHES, ids=str)
@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
@pytest.mark.parametrize("engine", ENGINES)
def test_batches_orders_and_thresholds_are_those_of_the_worked_steps(
    engine, loss, options, threshold
):
    problem = classifier(loss=loss, optimizer="momentum", learning_rate=0.01, **options)
    if threshold:
        half = Updates(problem, hg.derive(problem), 30)
        assert sum(1 for _ in half) == 30
        below = float(half.final()["L"]) * (1 + 1e-9)
        problem = replace(problem, training=replace(problem.training, loss_below=below))
    setup = set_up(problem, Wish(60))
    updates = Updates(problem, setup.derivation, 60)
    assert sum(1 for _ in updates) == updates.done
    assert updates.stopped == threshold
    state, _ = finished(engine(setup.task, setup.inputs), setup, 60)
    assert state.done == updates.done
    assert_same_state(setup, state, updates.state, 1e-12)


def test_the_loss_of_an_epoch_is_the_mean_over_its_examples():
    setup = set_up(classifier(batch_size=5), Wish(3))
    updates = Updates(setup.problem, setup.derivation, 3)
    losses = [float(trace["L"]) for trace in updates]
    expected = (5 * losses[0] + 5 * losses[1] + 2 * losses[2]) / 12
    for engine in ENGINES:
        _, found = finished(engine(setup.task, setup.inputs), setup, 3)
        assert_allclose(found, [expected], rtol=1e-14)


def test_an_engine_that_forgets_a_term_is_noticed():
    setup = set_up(classifier(), Wish(5))
    wrong = replace(setup.inputs, scalars=(setup.inputs.scalars[0] * 1.001,))
    updates = Updates(setup.problem, setup.derivation, 5)
    assert sum(1 for _ in updates) == 5
    for engine in ENGINES:
        state, _ = finished(engine(setup.task, wrong), setup, 5)
        with pytest.raises(AssertionError):
            assert_same_state(setup, state, updates.state, 1e-12)


@pytest.mark.parametrize("engine", ["numpy", "jax"])
def test_parts_of_a_run_are_the_run_to_the_last_bit(engine):
    problem = classifier(optimizer="adam", batch_size=5, shuffle=True)
    whole = hg.train(problem, epochs=12, engine=engine)
    part = hg.train(problem, epochs=5, engine=engine).resume(epochs=12)
    assert part.history == whole.history
    for name, array in whole.parameters.items():
        assert np.array_equal(part.parameters[name], array), name


@pytest.mark.parametrize("engine", ["numpy", "jax"])
def test_training_ends_where_nothing_improves_and_keeps_the_best(engine):
    problem = classifier(rows=40, optimizer="adam", learning_rate=0.1)
    run = hg.train(problem, epochs=2000, engine=engine, validation=0.3, patience=5)
    checked = run.history["validation"]
    assert run.stopped == "no improvement"
    assert len(checked) == run.epochs < 2000
    assert min(checked) < min(checked[-5:])
    best = hg.train(problem, epochs=checked.index(min(checked)) + 1, engine=engine, validation=0.3)
    for name, array in best.parameters.items():
        assert np.array_equal(run.parameters[name], array)


def test_both_engines_stop_for_want_of_improvement_after_the_same_epoch():
    problem = classifier(rows=40, optimizer="adam", learning_rate=0.1)
    runs = [
        hg.train(problem, epochs=2000, engine=engine, validation=0.3, patience=5)
        for engine in ("numpy", "jax")
    ]
    assert runs[0].updates == runs[1].updates
    assert_allclose(runs[0].history["validation"], runs[1].history["validation"], rtol=1e-9)


def test_a_small_task_is_one_native_loop_and_a_large_one_is_not():
    assert is_small(set_up(classifier(), Wish(1)).task)
    assert not is_small(set_up(classifier(rows=64, sizes=(64, 32, 10)), Wish(1)).task)


@pytest.mark.parametrize("engine", ["numpy", "jax"])
def test_a_loss_that_is_no_number_is_told_with_its_update(engine):
    problem = hg.Network(
        [1, 1],
        activation="identity",
        loss="squared_error",
        x=[[10.0]],
        y=[[1.0]],
        learning_rate=1e200,
    )
    with pytest.raises(HandgradError, match=r"Update 2: .*smaller learning rate"):
        hg.train(problem, epochs=10, engine=engine)


@pytest.mark.parametrize("engine", ["numpy", "jax"])
@pytest.mark.parametrize("sizes", [(3, 4, 2), (64, 32, 10)], ids=str)
def test_the_page_of_an_update_has_the_bits_of_the_run(engine, sizes):
    problem = classifier(rows=70, sizes=sizes, batch_size=32, optimizer="adam")
    x, y = (problem.values[s] for s in problem.data)
    run = hg.train(problem, x, y, epochs=40, shuffle=True, engine=engine)
    assert run.parameters["W1"].dtype == np.float32
    shorter = hg.train(problem, x, y, epochs=39, shuffle=True, engine=engine)
    page = run.explain(step=40 * 3, of="W2[1,4]")
    before = hg.train(problem, x, y, epochs=40, shuffle=True, engine=engine)
    trace = page.traces[0][1]
    assert trace["W2_new"].astype(np.float32).tobytes() == run.parameters["W2"].tobytes()
    assert before.parameters["W2"].tobytes() == run.parameters["W2"].tobytes()
    assert not np.array_equal(shorter.parameters["W2"], run.parameters["W2"])
    rounding = np.abs(
        trace["W2"]
        - 0.001 * trace["mhat_W2"] / (np.sqrt(trace["vhat_W2"]) + 1e-8)
        - trace["W2_new"]
    )
    assert rounding.max() < 1e-6
    assert "to the last bit" in page.to_text()


def test_predictions_are_the_outputs_of_the_equations():
    problem = classifier(rows=6)
    run = hg.train(problem, epochs=3)
    trace = hg.evaluate(
        hg.derive(problem),
        replace(
            problem,
            values={**problem.values, **{s: run.parameters[str(s)] for s in problem.parameters}},
        ),
    )
    x = problem.values[problem.data[0]]
    assert_allclose(run.predict(x), trace["a2"], rtol=1e-14)
    assert_allclose(run.predict(x, of="z1"), trace["z1"], rtol=1e-14)
    with pytest.raises(HandgradError, match="no quantity"):
        run.predict(x, of="z9")


def test_what_is_told_on_the_way_ends_with_all_updates():
    told = []
    run = hg.train(classifier(), epochs=50, engine="numpy", progress=told.append)
    assert told[-1].done == told[-1].wanted == run.updates == 50
    assert told[-1].loss == run.history["loss"][-1]
    assert math.isclose(told[-1].left, 0)
