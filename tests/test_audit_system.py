"""A problem as scalar lines, against the arrays of the same problem and against NumPy written out."""

from pathlib import Path

import numpy as np
import pytest

import handgrad as hg
from handgrad.auditing.runs import recorded
from handgrad.auditing.slips import Hypothesis, changes
from handgrad.auditing.system import Line, System, number, run, unrolled, values
from handgrad.calculus.derivation import Phase
from handgrad.calculus.expr import Call, Num, Ref, Symbol
from handgrad.errors import DerivationError, LimitError
from handgrad.language.reading import parse_equations, parse_formula
from handgrad.model.problem import derive
from handgrad.numbers.updates import Updates

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.toml"))


def el(name: str, *places: int, number: int | None = None) -> Ref:
    return Ref(Symbol(name, number), places)


def network(**options):
    return hg.Network(
        [2, 2, 1],
        activation="sigmoid",
        loss="half_squared_error",
        W=[[[0.2, 0.4], [0.3, 0.7]], [[0.6, -0.1]]],
        b=[[0.1, -0.2], [0.05]],
        x=[[1.1, 2.2]],
        y=[[0.9]],
        learning_rate=0.1,
        **options,
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_lines_have_the_values_of_the_arrays_for_three_updates(path):
    problem = hg.load(path)
    system = unrolled(problem)
    traces = Updates(problem, derive(problem), 3)
    for trace, found in zip(traces, run(system, 3), strict=False):
        for line in system.lines:
            place = tuple(n - 1 for n in line.name.indices)
            expected = trace[line.name.symbol][place]
            assert found[line.name] == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_the_step_of_adam_is_counted():
    problem = network(optimizer="adam")
    system = unrolled(problem)
    *_, last = Updates(problem, derive(problem), 4)
    *_, found = run(system, 4)
    assert found[Ref(Symbol("W", 1).updated, (2, 1))] == pytest.approx(last["W1_new"][1, 0])


def test_no_index_is_left_open():
    for path in EXAMPLES:
        for line in unrolled(hg.load(path)).lines:
            assert all(isinstance(place, int) for place in line.name.indices)


def test_what_depends_on_a_change_is_worked_out_again_and_nothing_else():
    system = unrolled(network())
    base = values(system)
    name = el("z", 1, 2, number=1)
    changed = values(system, changed={name: Num(3)}, base=base)
    assert changed[name] == 3.0
    a1 = 1 / (1 + np.exp(-np.array([base[el("z", 1, 1, number=1)], 3.0])))
    assert changed[el("a", 1, 2, number=1)] == pytest.approx(a1[1])
    z2 = np.array([0.6, -0.1]) @ a1 + 0.05
    assert changed[el("z", 1, 1, number=2)] == pytest.approx(z2)
    a2 = 1 / (1 + np.exp(-z2))
    gradient = (a2 - 0.9) * a2 * (1 - a2) * -0.1 * a1[1] * (1 - a1[1]) * 1.1
    assert changed[Ref(Symbol("W", 1, loss=Symbol("L")), (2, 1))] == pytest.approx(gradient)
    assert changed[el("z", 1, 1, number=1)] is base[el("z", 1, 1, number=1)]


def test_other_givens_reach_what_uses_them():
    system = unrolled(network())
    base = values(system)
    given = {**system.givens, el("y", 1, 1): 0.5}
    found = values(system, givens=given, base=base)
    a2 = base[el("a", 1, 1, number=2)]
    assert found[Ref(Symbol("L"))] == pytest.approx((a2 - 0.5) ** 2 / 2)
    assert found == pytest.approx(values(system, givens=given))


def test_a_change_may_read_a_later_line_but_not_itself():
    system = unrolled(network())
    z, a = el("z", 1, 1, number=1), el("a", 1, 1, number=1)
    later = values(system, changed={Ref(Symbol("L")): Ref(Symbol("W", 1).updated, (1, 1))})
    assert later[Ref(Symbol("L"))] == later[Ref(Symbol("W", 1).updated, (1, 1))]
    with pytest.raises(DerivationError, match="computed from what is computed from it"):
        values(system, changed={z: a})


def test_one_expression_for_many_hypotheses_at_once():
    expr = parse_formula("sigmoid(u*v)^2/(1 + max(u, v))")
    u, v = np.array([0.5, -1.0, 2.0]), np.array([1.0, 0.25, 3.0])
    found = number(expr, {el("u"): u, el("v"): v})
    s = 1 / (1 + np.exp(-u * v))
    np.testing.assert_allclose(found, s**2 / (1 + np.maximum(u, v)), rtol=1e-14)
    assert np.isinf(number(parse_formula("1/u"), {el("u"): 0.0}))


def test_a_system_of_a_document_s_own_equations():
    text = "z_o = w_h*x\na_o = sigmoid(z_o)\nE = (T - a_o)^2/2"
    lines = [Line(e.lhs, e.rhs, e.phase) for e in parse_equations(text)]
    w = el("w_h")
    new = Line(Ref(Symbol("w_h", new=True)), parse_formula("w_h - η*(a_o - T)"), Phase.UPDATE)
    givens = {w: 0.5, el("x"): 2.0, el("T"): 1.0, el("η"): 0.1}
    system = System((*lines, new), givens, el("E"), (w,))
    first, second = run(system, 2)
    a = 1 / (1 + np.exp(-1.0))
    assert first[el("E")] == pytest.approx((1 - a) ** 2 / 2)
    assert second[w] == pytest.approx(0.5 - 0.1 * (a - 1))
    assert isinstance(system.line[el("a_o")].rhs, Call)


def test_a_problem_of_too_many_lines_is_refused():
    rng = np.random.default_rng(0)
    problem = hg.Network([200, 200, 1], x=rng.normal(size=(1, 200)), y=[[1.0]], seed=0)
    with pytest.raises(LimitError, match=r"at most 20,000"):
        unrolled(problem)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_columns_have_the_numbers_of_every_hypothesis_alone(optimizer):
    system = unrolled(network(optimizer=optimizer))
    tried = list(changes(system))[::29]
    names = [line.name for line in system.lines]
    together = recorded(system, tried, [1, 2, 4], names)
    compared = 0
    for n, change in enumerate(tried):
        try:
            alone = list(Hypothesis(system, (), change.lines, change.givens, 4))
        except DerivationError:
            assert np.isnan(together[1][names[0]][n])
            continue
        for step in (1, 2, 4):
            expected = [alone[step - 1][name] for name in names]
            found = [together[step][name][n] for name in names]
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-13)
            compared += 1
    assert compared > 2 * len(tried)
