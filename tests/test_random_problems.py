"""A thousand random problems against JAX and a complex step; ten thousand by hand:

python -m tests.random_problems --count 10000 --processes 2
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from functools import partial
from multiprocessing import get_context

import numpy as np
import pytest
from tests.random_problems import (
    Case,
    chain_complaints,
    complaints,
    examined,
    gradient_complaints,
    line_complaints,
    random_case,
)

from handgrad.calculus.expr import Expr, Num
from handgrad.calculus.functions import FUNCTIONS, Rule
from handgrad.model.problem import derive, equations_problem
from handgrad.numbers.evaluate import evaluate
from handgrad.numbers.updates import start

COUNT = 1000
DEEP = 2  # of every other problem the language, the lines and the chains are looked at too


@pytest.mark.parametrize("seed", range(COUNT, COUNT + 20))
def test_a_random_problem_agrees_with_every_witness(seed: int):
    _, said = examined(seed)
    assert not said, "\n".join(said)


@pytest.mark.slow
def test_random_problems_agree_with_every_witness():
    kinds: Counter[str] = Counter()
    said: list[str] = []
    shallow = (seed for seed in range(COUNT) if seed % DEEP)
    with get_context("spawn").Pool(2) as pool:
        results = [
            *pool.imap_unordered(partial(examined, deep=False), shallow, chunksize=10),
            *pool.imap_unordered(examined, range(0, COUNT, DEEP), chunksize=10),
        ]
    for kind, sentences in results:
        kinds[kind] += 1
        said += sentences
    assert not said, "\n".join(said)
    assert sum(kinds.values()) == COUNT
    assert min(kinds.values()) > COUNT / 50, f"too few of one kind: {kinds}"


@pytest.mark.parametrize("seed", [3, 4, 9])
def test_xla_agrees_with_jaxs_program_run_by_numpy(seed: int):
    assert not list(gradient_complaints(random_case(seed), compiled=True))


# --- the tests, tested -----------------------------------------------------------------------


def case(source: str) -> Case:
    rng = np.random.default_rng(6)
    parameters = {"A": rng.normal(size=(2, 3)), "b": rng.normal(size=2)}
    problem = equations_problem(source, "E", parameters, {"x": rng.normal(size=(4, 3))})
    derivation = derive(problem)
    trace = evaluate(derivation, start(problem, derivation))
    return Case(0, "equations", problem, derivation, trace)


@pytest.mark.parametrize(
    "source",
    [
        # the i of the sum is not the i on the left: every h[i] is a path from A[1,1]
        "h[j] = tanh(sum(j, b[j])*logsumexp(i, A[j,i]*x[i]))\nE = sum(j, h[j])",
        "h[i] = log_softmax(j, A[j,i] + b[j])[2]*sum(i, A[1,i]*x[i])\nE = sum(i, h[i]^2)",
        # a sum of more terms than are shown, below a rule with two forms
        "E = tanh(sum(i, sum(j, sum(k, A[j,i]*b[j]*A[j,k]*x[k]))))",
        "E = max(i, A[1,i]*x[i] + b[1])*min(b[1], b[2])",
    ],
)
def test_lines_and_chains_of_awkward_equations(source: str):
    example = case(source)
    rng = np.random.default_rng(9)
    assert not list(line_complaints(example.derivation, example.trace, rng, lines=20))
    assert not list(chain_complaints(example, rng, chains=8))


SOURCE = "a[j] = {}(sum(i, A[j,i]*x[i]) + b[j])\nE = sum(j, a[j]^2)"


def altered(name: str, change: Fraction, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule of a function, times a number."""
    row = FUNCTIONS[name]
    evaluated = (row.stable and row.stable[0]) or row.slopes[0]

    def wrong(*arguments: Expr) -> Expr:
        return Num(change) * evaluated(*arguments)

    rules: tuple[Rule, ...] = (wrong, *row.slopes[1:])
    monkeypatch.setitem(FUNCTIONS, name, replace(row, slopes=rules, stable=()))


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "gelu", "silu", "exp"])
@pytest.mark.parametrize("change", [Fraction(1001, 1000), Fraction(-1)])
def test_a_rule_wrong_by_a_thousandth_or_its_sign_is_reported(
    name: str, change: Fraction, monkeypatch: pytest.MonkeyPatch
):
    assert complaints(case(SOURCE.format(name))) == []
    altered(name, change, monkeypatch)
    said = complaints(case(SOURCE.format(name)), deep=False)
    assert any("JAX" in sentence for sentence in said)
    witness = "central difference" if name == "gelu" else "complex step"
    assert any(witness in sentence for sentence in said)


def test_a_single_wrong_element_is_reported():
    good = case(SOURCE.format("tanh"))
    arrays = dict(good.trace.arrays)
    symbol = good.trace.names["dE/dA"]
    arrays[symbol] = arrays[symbol].copy()
    arrays[symbol][1, 2] *= 1 + 1e-9
    bad = replace(good, trace=type(good.trace)(arrays))
    assert any("A[2,3]" in sentence for sentence in gradient_complaints(bad))
