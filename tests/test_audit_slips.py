"""Every slip of the catalogue, each against the number that the slip gives when written out in NumPy."""

import numpy as np
import pytest

import handgrad as hg
from handgrad.auditing.printed import reading
from handgrad.auditing.slips import SLIPS, changes, misprints, plant, variants
from handgrad.auditing.system import number, unrolled, values
from handgrad.calculus.expr import Ref, Symbol
from handgrad.errors import InputError

W1, b1 = np.array([[0.2, 0.4], [0.3, 0.7]]), np.array([0.1, -0.2])
W2, b2 = np.array([[0.6, -0.1], [0.5, 0.8]]), np.array([0.05, 0.15])
x, y, eta = np.array([[1.1, 2.2], [-0.4, 0.6]]), np.array([[0.9, 0.2], [0.3, 0.7]]), 0.1


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


PROBLEM = hg.Network(
    [2, 2, 2],
    activation="sigmoid",
    loss="half_squared_error",
    W=[W1, W2],
    b=[b1, b2],
    x=x,
    y=y,
    learning_rate=eta,
)
CLASSIFIER = hg.Network(
    [2, 2],
    activation="softmax",
    loss="cross_entropy",
    W=[W1],
    b=[b1],
    x=x,
    y=[[1.0, 0.0], [0.0, 1.0]],
    learning_rate=eta,
)
z1 = x @ W1.T + b1
a1 = sigmoid(z1)
z2 = a1 @ W2.T + b2
a2 = sigmoid(z2)
dz2 = (a2 - y) * a2 * (1 - a2)
dW2 = dz2.T @ a1
da1 = dz2 @ W2
dz1 = da1 * a1 * (1 - a1)
logits = x @ W1.T + b1
softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def at(name, *places, new=False):
    """The element of a quantity by its written name."""
    loss = name.startswith("dL/d")
    bare = name.removeprefix("dL/d")
    symbol = Symbol(bare[0], int(bare[1:])) if bare[1:] else Symbol(bare)
    symbol = symbol.gradient(Symbol("L")) if loss else symbol
    return Ref(symbol.updated if new else symbol, places)


# slip, the line it is made in, what the line gives then, and a word of the sentence
MADE_BY_HAND = [
    ("sign", at("dL/da2", 1, 1), y[0, 0] - a2[0, 0], "wrong sign"),
    ("sign", at("dL/da2", 1, 1), a2[0, 0] + y[0, 0], "minus before"),
    ("sign", at("z1", 1, 1), W1[0] @ x[0] - b1[0], "subtracted"),
    ("sign", at("a1", 1, 1), sigmoid(-z1[0, 0]), "sigmoid was taken at"),
    ("sign", at("W2", 1, 2, new=True), W2[0, 1] + eta * dW2[0, 1], "uphill"),
    ("factor", at("L"), ((a2 - y) ** 2).sum(), "½ was dropped"),
    ("factor", at("dL/da2", 1, 1), 2 * (a2 - y)[0, 0], "factor 2 too many"),
    ("factor", at("L"), ((a2 - y) ** 2).sum() / 8, "divided by 4"),
    ("wrong_operand", at("z2", 1, 1), W2[0] @ [a1[1, 0], a1[0, 1]] + b2[0], "a1[2,1] was used"),
    ("wrong_operand", at("z2", 1, 1), W2[0] @ [z1[0, 0], a1[0, 1]] + b2[0], "z1[1,1] was used"),
    ("wrong_operand", at("z2", 1, 1), W2[0] @ [x[0, 0], a1[0, 1]] + b2[0], "x[1,1] was used"),
    ("wrong_operand", at("dL/da2", 1, 1), a2[0, 0] - y[0, 1], "y[1,2] was used"),
    ("wrong_weight", at("z1", 1, 1), W1[1, 0] * x[0, 0] + W1[0, 1] * x[0, 1] + b1[0], "W1[2,1]"),
    ("wrong_weight", at("dL/da1", 1, 1), dz2[0] @ [W2[0, 0], W2[0, 1]], "W2[1,2] was used"),
    ("missing_term", at("dL/da1", 1, 1), dz2[0, 0] * W2[0, 0], "left out"),
    ("updated_weight", at("dL/da1", 1, 1), dz2[0] @ (W2 - eta * dW2)[:, 0], "already updated"),
    ("learning_rate", at("W2", 1, 1, new=True), W2[0, 0] - dW2[0, 0], "left out"),
    ("derivative", at("dL/dz1", 1, 1), da1[0, 0], "left out"),
    ("derivative", at("dL/dz1", 1, 1), da1[0, 0] * (a1 * (1 - a1))[0, 0] ** 2, "twice"),
    (
        "derivative",
        at("dL/dz1", 1, 1),
        da1[0, 0] * sigmoid(a1[0, 0]) * (1 - sigmoid(a1[0, 0])),
        "as if it were z1[1,1]",
    ),
    ("derivative", at("dL/dz1", 1, 1), da1[0, 0] * z1[0, 0] * (1 - z1[0, 0]), "was put where"),
    ("derivative", at("dL/dz1", 1, 1), da1[0, 0] * (a1 * (1 - a1))[0, 1], "z1[1,2] instead"),
    ("bias", at("z1", 1, 1), W1[0] @ x[0], "left out"),
    ("bias", at("z1", 1, 1), W1[0] @ x[0] + 2 * b1[0], "added twice"),
    ("bias", at("b1", 2, new=True), b1[1], "not updated"),
    ("bias", at("dL/db1", 1), dz1[0, 0], "left out"),
    ("stale_value", at("W1", 1, 1, new=True), W1[0, 0], "not updated"),
    ("mislabelled", at("dL/da1", 1, 1), dz1[0, 0], "dL/dz1[1,1] stands under"),
]
SOFTMAX_BY_HAND = [
    (at("a1", 1, 1), logits[0, 0] / logits[0].sum(), "without exponentials"),
    (at("a1", 1, 1), np.exp(logits[0, 0]), "not divided"),
    (at("dL/dz1", 1, 1), (logits[0, 0] - 1) / 2, "before the softmax"),
]


def found(problem, slip, name, value, word):
    system = unrolled(problem)
    known = values(system)
    return [
        variant.sentence
        for variant in variants(system.line[name], system)
        if variant.slip == slip
        and word in variant.sentence
        and number(variant.rhs, known) == pytest.approx(value, rel=1e-12)
    ]


@pytest.mark.parametrize(("slip", "name", "value", "word"), MADE_BY_HAND)
def test_a_slip_made_by_hand_is_among_the_variants_of_its_line(slip, name, value, word):
    assert found(PROBLEM, slip, name, value, word)


@pytest.mark.parametrize(("name", "value", "word"), SOFTMAX_BY_HAND)
def test_slips_of_softmax(name, value, word):
    assert found(CLASSIFIER, "softmax", name, value, word)


def test_a_number_that_no_slip_gives_is_not_found():
    assert not found(PROBLEM, "sign", at("dL/da2", 1, 1), 1.001 * (y - a2)[0, 0], "")


def test_no_variant_is_the_right_line_and_none_comes_twice():
    system = unrolled(PROBLEM)
    for line in system.lines:
        made = list(variants(line, system))
        assert made
        assert len({variant.rhs for variant in made}) == len(made)
        assert system.plain[line.name] not in {variant.rhs for variant in made}
        assert {variant.slip for variant in made} <= {slip.name for slip in SLIPS}


def test_every_variant_can_be_worked_out():
    for problem in (PROBLEM, CLASSIFIER):
        system = unrolled(problem)
        base = values(system)
        for line in system.lines:
            for variant in variants(line, system):
                changed = values(system, changed={line.name: variant.rhs}, base=base)
                assert set(changed) == set(base)


def test_names_are_as_the_reader_calls_them():
    system = unrolled(PROBLEM)
    line = system.line[at("dL/da2", 1, 1)]
    sentences = [v.sentence for v in variants(line, system, lambda ref: f"<{ref.symbol}>")]
    assert "the minus before <y> was lost" in sentences


def test_the_same_slip_in_all_elements_and_in_all_layers():
    made = {change.sentence: change for change in changes(unrolled(PROBLEM))}
    frozen = made["b2[1] was not updated, and so in all layers"]
    assert {str(name.symbol) for name in frozen.lines} == {"b1_new", "b2_new"}
    assert len(frozen.lines) == 4
    rate = made["the learning rate η is 0.1, and 0.5 was used"]
    assert list(rate.givens.values()) == [0.5]


@pytest.mark.parametrize(
    ("value", "printed", "slip", "word"),
    [
        (0.43976, "0.4397", "truncated", "cut off"),
        (-0.20491, "0.2049", "sign", "sign"),
        (0.2343, "0.235", "last_digit", "last digit"),
        (0.75026, "7.5026", "digit", "point"),
        (0.75026, "0.075026", "digit", "point"),
        (0.12345, "0.1345", "digit", "lost"),
        (0.86646, "0.86466", "digit", "exchanged"),
        (0.86646, "0.86146", "digit", "another"),
    ],
)
def test_slips_of_the_printed_number(value, printed, slip, word):
    made = list(misprints(value, reading(printed)))
    assert any(one.slip == slip and word in one.sentence for one in made)


@pytest.mark.parametrize("printed", ["0.6049", "0.605", "0.60491", ".6", "6.0491e-1", "0,6049"])
def test_a_rounded_number_is_no_misprint(printed):
    assert not list(misprints(0.604906, reading(printed)))


@pytest.mark.parametrize("printed", ["0.8123", "-0.31", "1.7", "3"])
def test_a_number_far_away_is_no_misprint(printed):
    assert not list(misprints(0.604906, reading(printed)))


@pytest.mark.parametrize(
    "text", ["", "abc", "1e999999", "0x1F", "1.2.3", "9" * 400, "nan", "1e-999"]
)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(InputError, match="number"):
        reading(text)


@pytest.mark.parametrize("slip", [slip.name for slip in SLIPS])
def test_every_slip_can_be_planted_and_is_carried_forward(slip):
    problem = CLASSIFIER if slip == "softmax" else PROBLEM
    true = values(unrolled(problem))
    for seed in range(3):
        planted = plant(problem, slip, seed=seed)
        assert planted.made[0].slip == slip
        wrong = {name for name, value in planted.values().items() if value != true.get(name)}
        if slip == "step_count":
            assert planted.steps == 2
        elif planted.lines:
            assert wrong & set(planted.made[0].where)
            untouched = [name for name in true if name not in wrong]
            assert any(name in planted.system.line for name in untouched)
        assert wrong


def test_a_planted_slip_is_the_same_for_the_same_seed_and_may_be_placed():
    assert plant(PROBLEM, "sign", seed=4).made == plant(PROBLEM, "sign", seed=4).made
    name = at("dL/dz1", 2, 1)
    assert plant(PROBLEM, "derivative", where=name).made[0].where == (name,)
    with pytest.raises(InputError, match="can go wrong"):
        plant(PROBLEM, "softmax")
    with pytest.raises(InputError, match="There is no slip 'clumsy'"):
        plant(PROBLEM, "clumsy")
