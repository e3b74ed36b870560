"""Slips planted by hand in a calculation in NumPy: the search finds which, where, and nothing else."""

import time

import numpy as np
import pytest

import handgrad as hg
from handgrad.auditing.search import Printed, search
from handgrad.auditing.slips import SLIPS, Hypothesis, plant
from handgrad.auditing.system import unrolled, values
from handgrad.calculus.expr import Ref, Symbol
from handgrad.errors import InputError

W1, b1 = np.array([[0.15, 0.2], [0.25, 0.3]]), np.array([0.35, 0.3])
W2, b2 = np.array([[0.4, 0.45], [0.5, 0.55]]), np.array([0.6, 0.5])
X, Y = np.array([0.05, 0.1]), np.array([0.01, 0.99])
ETA = 0.5
L = Symbol("L")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def worked(steps=1, *, decimals=None, slip="", eta=ETA):
    """The calculation on paper, each line rounded to ``decimals``; the numbers of its last update."""
    kept = (lambda v: v) if decimals is None else (lambda v: np.round(v, decimals))
    A, B, c, d = W1.copy(), W2.copy(), b1.copy(), b2.copy()
    for _ in range(steps):
        z1 = kept(A @ X + (0 if slip == "no bias" else c))
        if slip == "wrong weight":
            z1[0] = kept(A[0, 0] * X[0] + A[1, 0] * X[1] + c[0])
        a1 = kept(sigmoid(z1))
        z2 = kept(B @ a1 + d)
        a2 = kept(sigmoid(z2))
        loss = kept((0.5 if slip != "no half" else 1) * ((a2 - Y) ** 2).sum())
        da2 = kept(a2 - Y if slip != "sign" else Y - a2)
        dz2 = kept(da2 * a2 * (1 - a2))
        dB = kept(np.outer(dz2, a1))
        B_new = kept(B - eta * dB)
        if slip == "uphill":
            B_new[0, 1] = kept(B[0, 1] + eta * dB[0, 1])
        da1 = kept((B_new if "updated" in slip else B).T @ dz2)
        slope = {"no slope": 1, "slope at a": sigmoid(a1) * (1 - sigmoid(a1))}
        dz1 = kept(da1 * slope.get(slip, a1 * (1 - a1)))
        dA = kept(np.outer(dz1, X))
        A_new = kept(A - eta * dA)
        c_new, d_new = (c, d) if "frozen" in slip else (kept(c - eta * dz1), kept(d - eta * dz2))
        named = {
            (Symbol("z", 1), 2): z1, (Symbol("a", 1), 2): a1, (Symbol("z", 2), 2): z2,
            (Symbol("a", 2), 2): a2, (L, 0): loss, (Symbol("a", 2, loss=L), 2): da2,
            (Symbol("z", 2, loss=L), 2): dz2, (Symbol("W", 2, loss=L), 1): dB,
            (Symbol("a", 1, loss=L), 2): da1, (Symbol("z", 1, loss=L), 2): dz1,
            (Symbol("W", 1, loss=L), 1): dA, (Symbol("W", 2, new=True), 1): B_new,
            (Symbol("b", 2, new=True), 1): d_new, (Symbol("W", 1, new=True), 1): A_new,
            (Symbol("b", 1, new=True), 1): c_new,
        }  # fmt: skip
        A, B, c, d = A_new, B_new, c_new, d_new
    return {
        Ref(symbol, (*((1,) if rank == 2 else ()), *(n + 1 for n in place))): float(value)
        for (symbol, rank), array in named.items()
        for place, value in np.ndenumerate(array)
    }


def printed(numbers, decimals, step=1):
    return [Printed(ref, step, f"{value:.{decimals}f}") for ref, value in numbers.items()]


def network(eta=ETA):
    return hg.Network(
        [2, 2, 2],
        activation="sigmoid",
        loss="half_squared_error",
        W=[W1, W2],
        b=[b1, b2],
        x=[X],
        y=[Y],
        learning_rate=eta,
    )


@pytest.mark.parametrize("decimals", [2, 3, 4, 6, 10])
@pytest.mark.parametrize("carried", [False, True])
def test_a_clean_text_gets_no_complaint(decimals, carried):
    numbers = worked(decimals=decimals if carried else None)
    result = search(network(), printed(numbers, decimals))
    assert [one for one in result.judged if not one.fine] == []
    assert result.causes == ()
    assert result.unique


def test_three_updates_by_hand_with_rounding_carried_are_clean():
    claims = [p for step in (1, 2, 3) for p in printed(worked(step, decimals=4), 4, step)]
    result = search(network(), claims)
    assert [one for one in result.judged if not one.fine] == []


def test_digits_cut_off_are_said_and_not_called_wrong():
    true = worked()
    claims = [Printed(ref, 1, f"{np.trunc(v * 1e5) / 1e5:.5f}") for ref, v in true.items()]
    verdicts = {one.verdict for one in search(network(), claims).judged}
    assert "truncated" in verdicts
    assert verdicts <= {"exact", "rounded", "carried", "truncated"}


# what was done, the slip, the lines it is made in
SLIPS_BY_HAND = [
    ("no bias", "bias", {"z1"}),
    ("wrong weight", "wrong_weight", {"z1"}),
    ("no half", "factor", {"L"}),
    ("sign", "sign", {"dL/da2"}),
    ("uphill", "sign", {"W2_new"}),
    ("updated", "updated_weight", {"dL/da1"}),
    ("no slope", "derivative", {"dL/dz1"}),
    ("slope at a", "derivative", {"dL/dz1"}),
    ("frozen", "bias", {"b1_new", "b2_new"}),
]


@pytest.mark.parametrize("decimals", [5, 7])
@pytest.mark.parametrize(("done", "slip", "lines"), SLIPS_BY_HAND)
def test_a_slip_is_found_with_its_name_and_place(done, slip, lines, decimals):
    numbers = worked(slip=done)
    result = search(network(), printed(numbers, decimals))
    wrong = [one for one in result.judged if one.verdict == "wrong"]
    assert {str(one.printed.ref.symbol) for one in wrong} == lines
    assert {cause.slip for cause in result.causes} == {slip}
    explained = {n for cause in result.causes for n in cause.explains}
    assert explained == {n for n, one in enumerate(result.judged) if not one.fine}
    right = values(unrolled(network()))
    for one in result.judged:
        true = right[one.printed.ref]
        assert one.true == pytest.approx(true)
        if abs(numbers[one.printed.ref] - true) > 10.0**-decimals:
            assert not one.fine


def test_another_learning_rate_is_told_by_its_number():
    result = search(network(), printed(worked(eta=0.65), 7))
    (cause,) = result.causes
    assert cause.slip == "learning_rate"
    assert "0.65 was used" in cause.sentence


def test_what_only_carries_a_slip_on_inherits_and_says_from_where():
    claims = printed(worked(slip="no bias"), 6)
    judged = search(network(), claims).judged
    a1 = next(one for one in judged if one.printed.ref == Ref(Symbol("a", 1), (1, 1)))
    assert a1.verdict == "inherited"
    assert {claims[n].ref for n in a1.origin} == {Ref(Symbol("z", 1), (1, 1))}


def test_a_misprint_leaves_the_later_numbers_right():
    claims = printed(worked(), 6)
    place = next(n for n, c in enumerate(claims) if c.ref == Ref(Symbol("z", 2), (1, 1)))
    digits = claims[place].text
    swapped = digits[:4] + digits[5] + digits[4] + digits[6:]
    claims[place] = Printed(claims[place].ref, 1, swapped)
    result = search(network(), claims)
    assert [n for n, one in enumerate(result.judged) if not one.fine] == [place]
    assert [cause.slip for cause in result.causes] == ["digit"]


def test_a_number_that_nothing_explains_is_wrong_without_a_cause():
    claims = printed(worked(), 7)
    place = next(n for n, c in enumerate(claims) if c.ref == Ref(L))
    claims[place] = Printed(Ref(L), 1, "0.7182818")
    result = search(network(), claims)
    assert result.unexplained == (place,)
    assert result.causes == ()
    assert not result.unique


def test_two_slips_in_one_line():
    true = worked()
    z1 = W1[0] @ X  # the bias left out, and
    z1 -= 2 * W1[0, 1] * X[1]  # a term subtracted
    claims = [Printed(Ref(Symbol("z", 1), (1, 1)), 1, f"{z1:.7f}")]
    result = search(network(), claims)
    assert result.judged[0].true == pytest.approx(true[claims[0].ref])
    (cause,) = result.causes
    assert set(cause.slip.split("+")) == {"bias", "sign"}


def test_a_line_that_is_not_printed_can_be_the_place():
    numbers = worked(slip="no slope")
    last = {ref: v for ref, v in numbers.items() if ref.symbol.new}
    result = search(network(), printed(last, 8))
    assert {c.slip for c in result.causes} == {"derivative"}
    assert {str(ref.symbol) for c in result.causes for ref in c.where} == {"dL/dz1"}


@pytest.mark.parametrize("slip", [slip.name for slip in SLIPS if slip.of == "line"])
def test_every_slip_of_a_line_is_found_again(slip):
    softmax = hg.Network(
        [2, 2], activation="softmax", loss="cross_entropy", W=[W1], b=[b1], x=[X], y=[[1.0, 0.0]]
    )
    problem = softmax if slip == "softmax" else network()
    located = 0
    for seed in range(4):
        planted = plant(problem, slip, seed=seed)
        result = search(
            problem,
            printed({line.name: planted.values()[line.name] for line in planted.system.lines}, 8),
        )
        wrong = {one.printed.ref for one in result.judged if one.verdict == "wrong"}
        where = set(planted.made[0].where)
        if planted.givens:
            assert all(ref.symbol.new for ref in wrong)
        else:
            assert wrong == where
        assert all(cause.slip == slip for cause in result.causes) or not result.unique
        located += bool(wrong)
    assert located == 4


@pytest.mark.parametrize("seed", range(6))
def test_random_networks_with_rounding_carried_are_clean(seed):
    rng = np.random.default_rng(seed)
    problem = hg.Network(
        [2, 3, 2],
        activation=str(rng.choice(["sigmoid", "tanh", "relu"])),
        x=rng.normal(size=(2, 2)).round(2),
        y=rng.uniform(size=(2, 2)).round(2),
        seed=seed,
    )
    system = unrolled(problem)
    for decimals in (2, 3, 5):
        found = Hypothesis(system, decimals=decimals).values()
        claims = printed({line.name: found[line.name] for line in system.lines}, decimals)
        assert [one for one in search(problem, claims).judged if not one.fine] == []


def after(steps, step=None, **how):
    numbers = worked(steps, **how)
    wanted = [Ref(L), Ref(Symbol("a", 2), (1, 1)), Ref(Symbol("a", 2), (1, 2))]
    return [Printed(ref, step or steps, f"{numbers[ref]:.8f}") for ref in wanted]


@pytest.mark.parametrize(
    ("how", "slip"),
    [
        ({"slip": "updated"}, "updated_weight"),
        ({"slip": "frozen"}, "bias"),
        ({"eta": 0.6}, "learning_rate"),
        ({"step": 299}, "step_count"),
        ({"slip": "frozen, updated"}, "bias+updated_weight"),
        ({"slip": "frozen", "eta": 0.1}, "bias+learning_rate"),
        ({"slip": "frozen", "eta": 0.1, "step": 301}, "bias+learning_rate+step_count"),
    ],
)
def test_slips_of_a_run_of_three_hundred_updates(how, slip):
    result = search(network(), after(300, **how))
    assert [cause.slip for cause in result.causes] == [slip]
    assert result.causes[0].step is None


def test_a_right_claim_after_many_updates_needs_no_cause():
    result = search(network(), after(1000))
    assert [one.verdict for one in result.judged] == ["rounded"] * 3


@pytest.mark.slow
def test_ten_thousand_updates_in_time():
    """Generous: about 1 s and 3 s of processor time on an idle machine."""
    for how, most in (
        ({"slip": "updated"}, 6.0),
        ({"slip": "frozen", "eta": 0.1, "step": 9999}, 15.0),
    ):
        claims = after(10_000, **how)
        start = time.process_time()
        result = search(network(), claims)
        assert len(result.causes) == 1
        assert time.process_time() - start < most


def test_what_is_no_number_is_refused_and_a_far_step_is_not_judged():
    with pytest.raises(InputError, match="no printed number"):
        search(network(), [Printed(Ref(L), 1, "about 3")])
    (one,) = search(network(), [Printed(Ref(L), 10**9, "0.3")]).judged
    assert one.verdict == "unjudged"
