"""Every optimizer against PyTorch's: one update from each of a hundred states visited."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.model.optimizers import OPTIMIZERS
from handgrad.numbers.updates import Updates

pytestmark = pytest.mark.torch
STEPS = 100
PARAMETERS = ("W1", "b1", "W2", "b2")


def problem(optimizer: str, **options: Any) -> hg.Problem:
    rng = np.random.default_rng(11)
    x, y = rng.normal(size=(5, 3)), rng.uniform(size=(5, 2))
    return hg.Network(
        [3, 4, 2], activation="tanh", x=x, y=y, init="normal", optimizer=optimizer, **options
    )


def visited(optimizer: str, **options: Any) -> Iterator[tuple[int, hg.Trace]]:
    made = problem(optimizer, **options)
    yield from enumerate(Updates(made, hg.derive(made), STEPS), 1)


def torch_optimizer(name: str, parameter: Any, options: dict[str, float]) -> Any:
    import torch

    rate = options.get("learning_rate", {"adam": 1e-3, "adamw": 1e-3}.get(name, 1e-2))
    betas = (options.get("beta1", 0.9), options.get("beta2", 0.999))
    made: dict[str, Callable[[], Any]] = {
        "sgd": lambda: torch.optim.SGD([parameter], lr=rate),
        "momentum": lambda: torch.optim.SGD(
            [parameter], lr=rate, momentum=options.get("momentum", 0.9)
        ),
        "nesterov": lambda: torch.optim.SGD(
            [parameter], lr=rate, momentum=options.get("momentum", 0.9), nesterov=True
        ),
        "adagrad": lambda: torch.optim.Adagrad([parameter], lr=rate),
        "rmsprop": lambda: torch.optim.RMSprop(
            [parameter], lr=rate, alpha=options.get("alpha", 0.99)
        ),
        "adam": lambda: torch.optim.Adam([parameter], lr=rate, betas=betas),
        "adamw": lambda: torch.optim.AdamW(
            [parameter], lr=rate, betas=betas, weight_decay=options.get("weight_decay", 0.01)
        ),
    }
    return made[name]()


def put_in_state(name: str, optimizer: Any, parameter: Any, step: int, m: Any, v: Any) -> None:
    """Make PyTorch's optimizer remember what ours does before this step."""
    import torch

    state = optimizer.state[parameter]
    before = torch.tensor(float(step - 1))
    match name:
        case "momentum" | "nesterov" if step > 1:
            state["momentum_buffer"] = torch.tensor(v)
        case "adagrad":
            state |= {"sum": torch.tensor(v), "step": before}
        case "rmsprop":
            state |= {"square_avg": torch.tensor(v), "step": before}
        case "adam" | "adamw":
            state |= {"exp_avg": torch.tensor(m), "exp_avg_sq": torch.tensor(v), "step": before}
        case _:
            pass


def largest_difference(name: str, trace: hg.Trace, step: int, options: dict[str, float]) -> float:
    import torch

    largest = 0.0
    for key in PARAMETERS:
        parameter = torch.nn.Parameter(torch.tensor(np.array(trace[key])))
        parameter.grad = torch.tensor(np.array(trace[f"dL/d{key}"]))
        optimizer = torch_optimizer(name, parameter, options)
        m, v = (np.array(trace[f"{s}_{key}"]) if f"{s}_{key}" in trace else None for s in "mv")
        put_in_state(name, optimizer, parameter, step, m, v)
        optimizer.step()
        off = np.abs(parameter.detach().numpy() - trace[f"{key}_new"])
        largest = max(largest, float(off.max()))
    return largest


CASES: list[tuple[str, dict[str, float]]] = [
    *((name, {"learning_rate": 0.05}) for name in OPTIMIZERS),
    ("momentum", {"momentum": 0.5, "learning_rate": 0.1}),
    ("rmsprop", {"alpha": 0.9, "learning_rate": 0.02}),
    ("adam", {"beta1": 0.8, "beta2": 0.99, "learning_rate": 0.1}),
    ("adamw", {"weight_decay": 0.1, "learning_rate": 0.1}),
]


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_each_update_is_pytorchs(name: str, options: dict[str, float]) -> None:
    seen = 0
    for step, trace in visited(name, **options):
        assert largest_difference(name, trace, step, options) < 1e-12, f"step {step}"
        seen += 1
    assert seen == STEPS


@pytest.mark.parametrize("name", ["adagrad", "rmsprop", "adam", "adamw"])
def test_the_default_rate_is_pytorchs(name: str) -> None:
    step, trace = next(visited(name))
    assert largest_difference(name, trace, step, {}) < 1e-12


def test_another_constant_would_be_noticed() -> None:
    step, trace = next(visited("adam", learning_rate=0.1, beta1=0.9))
    assert largest_difference("adam", trace, step, {"learning_rate": 0.1, "beta2": 0.99}) < 1e-12
    for step, trace in visited("adam", learning_rate=0.1):
        if step == 2:
            assert (
                largest_difference("adam", trace, step, {"learning_rate": 0.1, "beta1": 0.8}) > 1e-4
            )
            break


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_an_explanation_shows_every_intermediate(name: str) -> None:
    worked = hg.explain(problem(name), of="W1[1,1]", step=2)
    text = worked.to_text()
    kept = OPTIMIZERS[name].state
    for state in kept:
        assert f"{state}_W1_new[1,1] = " in text
    if name.startswith("adam"):
        assert "mhat_W1[1,1] = m_W1_new[1,1]/(1 − β1^t)" in text
    assert "W1_new[1,1] = W1[1,1] − " in text
