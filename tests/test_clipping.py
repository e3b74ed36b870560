"""Clipped gradients: PyTorch's two functions as witnesses, both engines, pages and files."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_allclose

import handgrad as hg
from handgrad.cli import commands
from handgrad.errors import HandgradError
from handgrad.numbers.updates import Updates

KINDS = ({"clip_norm": 0.3}, {"clip_norm": 1e3}, {"clip_value": 0.05}, {"clip_value": 1e3})


def network(**options):
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
    return hg.Network(
        [3, 4, 2], activation=["tanh", "identity"], loss="squared_error", x=x, y=y, **options
    )


def gradients(trace):
    return {name: trace[f"dL/d{name}"] for name in ("W1", "b1", "W2", "b2")}


@pytest.mark.torch
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_clipping_is_that_of_pytorch(kind):
    import torch

    problem = network(learning_rate=0.01, **kind)
    (trace,) = Updates(problem, hg.derive(problem), 1)
    parameters = {n: torch.nn.Parameter(torch.tensor(trace[n])) for n in gradients(trace)}
    for name, gradient in gradients(trace).items():
        parameters[name].grad = torch.tensor(gradient)
    if "clip_norm" in kind:
        norm = torch.nn.utils.clip_grad_norm_(parameters.values(), kind["clip_norm"])
        assert_allclose(trace["G"], norm.item(), rtol=1e-14)
    else:
        torch.nn.utils.clip_grad_value_(parameters.values(), kind["clip_value"])
    torch.optim.SGD(parameters.values(), lr=0.01).step()
    for name, parameter in parameters.items():
        assert_allclose(trace[f"{name}_new"], parameter.detach().numpy(), rtol=1e-13, err_msg=name)


@pytest.mark.parametrize("kind", KINDS[::2], ids=str)
def test_a_bound_changes_the_update_and_is_kept(kind):
    problem = network(**kind)
    (trace,) = Updates(problem, hg.derive(problem), 1)
    (free,) = Updates(network(), hg.derive(network()), 1)
    clipped = [trace[f"g_{name}"] for name in gradients(trace)]
    if "clip_norm" in kind:
        length = np.sqrt(sum((g**2).sum() for g in clipped))
        assert 0.3 * (1 - 1e-5) < length <= 0.3
    else:
        assert max(np.abs(g).max() for g in clipped) == 0.05
    assert np.abs(trace["W1_new"] - free["W1_new"]).max() > 1e-3


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("kind", KINDS[::2], ids=str)
@pytest.mark.parametrize("engine", ["numpy", "jax"])
def test_both_engines_clip_as_the_worked_steps_do(engine, kind, optimizer):
    problem = network(learning_rate=0.05, optimizer=optimizer, batch_size=3, **kind)
    run = hg.train(problem, epochs=20, engine=engine)
    updates = Updates(problem, hg.derive(problem), 60)
    assert sum(1 for _ in updates) == run.updates
    for symbol in problem.parameters:
        assert_allclose(run.parameters[str(symbol)], updates.state[symbol], rtol=0, atol=1e-12)


def test_the_page_shows_norm_factor_and_clipped_gradient():
    text = hg.explain(network(clip_norm=0.3), of="W2[1,2]").to_text()
    for line in ("G = ", "κ = min(1, ", "g_W2[1,2] = κ·dL/dW2[1,2]", "W2_new[1,2] = "):
        assert line in text
    for kind in ("markdown", "latex", "typst", "html", "spoken"):
        assert getattr(hg.explain(network(clip_norm=0.3)), f"to_{kind}")()


def test_what_the_call_asks_for_takes_the_place_of_the_problem():
    run = hg.train(network(clip_norm=0.3), epochs=1, clip_value=0.1)
    training = run.setup.problem.training
    assert (training.clip_norm, training.clip_value) == (None, 0.1)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"clip_norm": 0}, "above 0"),
        ({"clip_value": float("nan")}, "above 0"),
        ({"clip_norm": "1"}, "above 0"),
        ({"clip_norm": 1.0, "clip_value": 1.0}, "Give one of them"),
    ],
)
def test_a_bound_that_means_nothing_is_refused(asked, said):
    with pytest.raises(HandgradError, match=said):
        hg.train(network(), epochs=1, **asked)
    with pytest.raises(HandgradError, match=said):
        network(**asked)


def test_a_name_that_clipping_needs_is_told():
    problem = hg.Equations("E = G*w**2", loss="E", parameters={"w": 1.0}, data={"G": 2.0})
    clipped = replace(problem, training=replace(problem.training, clip_norm=1.0))
    with pytest.raises(HandgradError, match="G is a name that the derivation makes itself"):
        hg.derive(clipped)
    assert hg.derive(problem)


FILE = """
[data]
x = [[0.5]]
y = [[1.5]]
[[network.layers]]
units = 1
W = [[0.3]]
[training]
{keys}
"""


def test_a_problem_file_clips(tmp_path):
    path = tmp_path / "net.toml"
    path.write_text(FILE.format(keys="clip_value = 0.25"))
    (trace,) = Updates(hg.load(path), hg.derive(hg.load(path)), 1)
    assert trace["g_b1"].tolist() == [-0.25]
    assert trace["b1_new"].tolist() == [0.025]
    path.write_text(FILE.format(keys="clip_value = 0.25\nclip_norm = 1.0"))
    with pytest.raises(HandgradError, match=r"line 9.*Give one of them"):
        hg.load(path)


def test_the_command_clips():
    found = CliRunner().invoke(commands, ["train", "xor", "--epochs", "9", "--clip-norm", "0.1"])
    assert found.exit_code == 0, found.output
    assert CliRunner().invoke(commands, ["train", "xor", "--clip-norm", "0"]).exit_code != 0
