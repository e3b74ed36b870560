"""How initial weights are drawn: spread and shape of the distributions, PyTorch as the witness."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import handgrad as hg
from handgrad.errors import HandgradError

INPUTS, UNITS = 600, 300


def drawn(init):
    problem = hg.Network([INPUTS, UNITS], init=init, seed=7, x=np.zeros((1, INPUTS)))
    return next(v for s, v in problem.values.items() if str(s) == "W1")


def of_torch(init):
    import torch

    linear = {"nonlinearity": "linear"}
    fill, options = {
        "glorot": (torch.nn.init.xavier_uniform_, {}),
        "he": (torch.nn.init.kaiming_normal_, {"nonlinearity": "relu"}),
        "lecun": (torch.nn.init.kaiming_normal_, linear),
        "normal": (torch.nn.init.normal_, {}),
        "glorot_uniform": (torch.nn.init.xavier_uniform_, {}),
        "glorot_normal": (torch.nn.init.xavier_normal_, {}),
        "he_uniform": (torch.nn.init.kaiming_uniform_, {"nonlinearity": "relu"}),
        "he_normal": (torch.nn.init.kaiming_normal_, {"nonlinearity": "relu"}),
        "lecun_uniform": (torch.nn.init.kaiming_uniform_, linear),
        "lecun_normal": (torch.nn.init.kaiming_normal_, linear),
    }[init]
    generator = torch.Generator().manual_seed(1)
    return fill(torch.empty(UNITS, INPUTS), generator=generator, **options).numpy()


NAMES = (
    "glorot", "he", "lecun", "normal", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal",
    "lecun_uniform", "lecun_normal",
)  # fmt: skip


@pytest.mark.torch
@pytest.mark.parametrize("init", NAMES)
def test_the_distribution_is_that_of_pytorch(init):
    found, expected = drawn(init), of_torch(init)
    # 180,000 draws: standard deviations agree to about 0.2 %, quantiles to about 1 %
    assert_allclose(found.std(), expected.std(), rtol=0.01)
    assert abs(found.mean()) < 0.01 * found.std()
    parts = np.linspace(0.05, 0.95, 10)
    assert_allclose(
        np.quantile(found, parts), np.quantile(expected, parts), rtol=0, atol=0.02 * found.std()
    )


@pytest.mark.parametrize(
    ("init", "bound"),
    [
        ("glorot_uniform", np.sqrt(6 / (INPUTS + UNITS))),
        ("he_uniform", np.sqrt(6 / INPUTS)),
        ("lecun_uniform", np.sqrt(3 / INPUTS)),
    ],
)
def test_uniform_draws_fill_their_bounds_and_keep_to_them(init, bound):
    largest = np.abs(drawn(init)).max()
    assert 0.999 * bound < largest <= bound


@pytest.mark.parametrize("init", ["glorot_normal", "he_normal", "lecun_normal"])
def test_normal_draws_go_beyond_what_is_uniform(init):
    weights = drawn(init)
    beyond = (np.abs(weights) > 2 * weights.std()).mean()
    assert_allclose(beyond, 0.0455, rtol=0.05)


@pytest.mark.parametrize(
    ("short", "name"),
    [("glorot", "glorot_uniform"), ("he", "he_normal"), ("lecun", "lecun_normal")],
)
def test_a_short_name_is_the_usual_distribution(short, name):
    assert np.array_equal(drawn(short), drawn(name))


def test_an_unknown_way_is_told():
    with pytest.raises(HandgradError, match='Did you mean "glorot"'):
        drawn("xavier")
