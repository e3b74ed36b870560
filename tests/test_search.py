"""Training by L-BFGS: SciPy's search over the derived gradient, as a run like any other."""

import os
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_array_equal

import handgrad as hg
from handgrad.cli import commands
from handgrad.errors import InputError

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(40, 3)), RNG.uniform(size=(40, 2))


def problem(**given):
    return hg.Network([3, 4, 2], activation="tanh", x=X, y=Y, seed=3, **given)


def ran(**given):
    return hg.train(problem(), optimizer="lbfgs", **{"epochs": 30, "engine": "numpy", **given})


def test_it_goes_where_scipy_goes():
    from scipy.optimize import minimize

    p, run = problem(), ran()
    names = [str(s) for s in hg.derive(p).parameters]
    start = {str(s): np.asarray(v) for s, v in p.values.items() if str(s) in names}
    ends = np.cumsum([start[n].size for n in names])[:-1]

    def valued(vector):
        parts = [a.reshape(start[n].shape) for n, a in zip(names, np.split(vector, ends))]  # noqa: B905
        W1, b1, W2, b2 = (dict(zip(names, parts))[n] for n in ("W1", "b1", "W2", "b2"))  # noqa: B905
        a1 = np.tanh(X @ W1.T + b1)
        a2 = np.tanh(a1 @ W2.T + b2)
        loss = ((a2 - Y) ** 2).sum() / 2
        d2 = (a2 - Y) * (1 - a2**2)
        d1 = d2 @ W2 * (1 - a1**2)
        found = {"W1": d1.T @ X, "b1": d1.sum(0), "W2": d2.T @ a1, "b2": d2.sum(0)}
        return loss, np.concatenate([found[n].ravel() for n in names])

    theirs = minimize(
        valued,
        np.concatenate([start[n].ravel() for n in names]),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 30, "gtol": 1e-5},
    )
    mine = np.concatenate([run.parameters[n].ravel() for n in names])
    assert run.updates == theirs.nit == 30
    np.testing.assert_allclose(mine, theirs.x, rtol=1e-8, atol=1e-10)


def test_it_ends_where_nothing_is_gained_and_says_so():
    run = ran(epochs=100_000)
    assert run.stopped == "converged"
    assert run.updates == len(run.history["loss"]) < 100_000
    assert all(b <= a for a, b in zip(run.history["loss"], run.history["loss"][1:], strict=False))


@pytest.mark.parametrize("engine", ["numpy", "jax"])
def test_a_run_taken_up_again_has_the_same_bits(tmp_path, engine):
    whole = ran(engine=engine)
    ran(engine=engine, epochs=12, folder=tmp_path / "run")
    again = hg.load_run(tmp_path / "run").resume(epochs=30)
    assert again.history == whole.history
    for name, array in whole.parameters.items():
        assert_array_equal(again.parameters[name], array)


def test_an_update_is_replayed_and_not_explained():
    run = ran()
    before, after = run.replayed(7)
    assert (before.done, after.done) == (6, 7)
    short = ran(epochs=7)
    for one, other in zip(after.arrays, short.state.arrays, strict=True):
        assert_array_equal(one, other)
    with pytest.raises(InputError, match="search along a line"):
        run.explain(step=7)


def test_thresholds_time_and_examples_held_back_are_kept_to():
    full = ran()
    threshold = full.history["loss"][9] + 1e-12
    below = hg.train(problem(), optimizer="lbfgs", epochs=30, loss_below=threshold, engine="numpy")
    assert below.stopped == "loss below threshold"
    assert below.updates == 9
    assert ran(seconds=0).stopped == "time"
    judged = ran(epochs=200, validation=0.25, patience=3)
    assert len(judged.history["validation"]) == judged.updates
    assert judged.stopped in ("no improvement", "converged")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"batch_size": 8}, "batch_size has no meaning"),
        ({"learning_rate": 0.1}, "learning_rate has no meaning"),
        ({"schedule": "cosine"}, "schedule has no meaning"),
        ({"clip_norm": 1.0}, "clip_norm has no meaning"),
        ({"optimizer": "lbfs"}, "no optimizer 'lbfs'.*lbfgs"),
    ],
)
def test_what_it_has_no_use_for_is_refused(asked, said):
    with pytest.raises(InputError, match=said):
        ran(**asked) if "optimizer" not in asked else hg.train(problem(), **asked)


def test_another_optimizer_takes_the_place_of_the_problems():
    one = hg.train(problem(), optimizer="adam", epochs=5)
    other = hg.train(problem(optimizer="adam"), epochs=5)
    for name, array in one.parameters.items():
        assert_array_equal(array, other.parameters[name])


def test_the_command_searches_too(tmp_path):
    rows = "\n".join(f"{a:.4f},{b:.4f},{c:.4f},{a - 2 * b:.4f}" for a, b, c in X)
    (tmp_path / "t.csv").write_text(f"a,b,c,d\n{rows}\n", encoding="utf-8")
    given = [str(tmp_path / "t.csv"), "--optimizer", "lbfgs", "--hidden", "4", "--epochs", "200"]
    found = CliRunner().invoke(commands, ["train", *given, "--run", str(tmp_path / "run")])
    assert found.exit_code == 0, found.output
    assert "R² 1.0000" in found.output
    of_file = CliRunner().invoke(commands, ["train", "xor", "--optimizer", "lbfgs"])
    assert of_file.exit_code == 0, of_file.output


def test_a_process_ends_though_a_search_is_left_half_way():
    code = (
        "import numpy as np, handgrad as hg\n"
        "p = hg.Network([2, 3, 1], x=np.ones((4, 2)), y=np.zeros((4, 1)))\n"
        "run = hg.train(p, optimizer='lbfgs', epochs=2, engine='numpy')\n"
        "print(run.updates)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ,
    )
    assert (found.returncode, found.stdout.strip()) == (0, "2"), found.stderr


def test_a_search_that_has_ended_stays_where_it_is():
    run = ran(epochs=100_000)
    again = run.resume(epochs=200_000)
    assert (again.updates, again.stopped) == (run.updates, "converged")
    assert run.resume().updates == run.updates


def test_time_is_kept_to_though_an_iteration_takes_long():
    p = hg.Network([300, 300, 1], x=RNG.normal(size=(300, 300)), y=RNG.uniform(size=(300, 1)))
    run = hg.train(p, optimizer="lbfgs", epochs=100_000, seconds=0.05, engine="numpy")
    assert run.stopped == "time"
    assert run.seconds < 2
