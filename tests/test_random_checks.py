"""A thousand random networks: ``check`` finds no fault with them, and finds the one put in.

Ten thousand by hand: python -m tests.random_checks --count 10000 --processes 2
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from multiprocessing import get_context

import numpy as np
import pytest
from tests import random_checks
from tests.random_checks import examined, summary

import handgrad as hg

COUNT = 1000
EVERY = 4  # JAX is asked for every fourth: tracing a program takes as long as all the rest


@pytest.mark.parametrize("seed", range(COUNT, COUNT + 15))
def test_a_random_network_is_judged_rightly(seed: int):
    assert not examined(seed).complaints


@pytest.mark.slow
def test_random_networks_are_judged_rightly():
    with get_context("spawn").Pool(2) as pool:
        outcomes = pool.map(partial(examined, every=EVERY), range(COUNT), chunksize=10)
    said = [sentence for outcome in outcomes for sentence in outcome.complaints]
    assert not said, "\n".join([*said, summary(outcomes)])
    kinds = Counter(outcome.kind for outcome in outcomes)
    assert min(kinds.values()) > COUNT / 20, f"too few of one kind: {kinds}"
    assert sum(outcome.altered for outcome in outcomes) > COUNT * 0.8


def test_a_false_alarm_and_a_miss_are_reported(monkeypatch: pytest.MonkeyPatch):
    class Silent:
        agrees, wrong = True, ()

    seed = next(s for s in range(50) if examined(s).altered)
    problem = random_checks.random_problem(seed)[1]
    zeros = {str(s): np.zeros(np.shape(problem.values[s])) for s in problem.parameters}
    wrong = hg.check(problem, gradient=zeros)
    assert not wrong.agrees
    monkeypatch.setattr(random_checks.hg, "check", lambda problem, **options: wrong)
    assert "a false alarm" in examined(seed).complaints[0]
    monkeypatch.setattr(random_checks.hg, "check", lambda problem, **options: Silent)
    assert "was altered; found []" in examined(seed).complaints[0]
