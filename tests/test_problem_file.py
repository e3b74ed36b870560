"""Problem files: every accepted form, and every mistake with its line, column and words."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.errors import FileError, InputError, LimitError, ProblemFileError
from handgrad.model.forms import Activation, Bias, Loss, Weights
from handgrad.model.limits import Limits
from handgrad.model.mistakes import Finding, mistakes_at
from handgrad.model.problem_file import parse_problem, read_problem_file
from handgrad.model.schema import Claim, StopTable
from handgrad.model.vocabulary import ACTIVATIONS, INITS, LOSSES, OPTIMIZERS

WHOLE = """\
version = 1
title  = "Two neurons in series"
source = "where the numbers come from"

[data]
x = [[0.5]]
y = [[1.5]]

[network]
loss = "half_squared_error"
seed = 3
init = "he"
values = "w.safetensors"
[[network.layers]]
units = 1
activation = "sigmoid"
W = [[0.3]]
b = [0.1]
[[network.layers]]
activation = { name = "leaky_relu", slope = 0.2 }
W = { value = [[0.2]], trainable = false }
b = false

[training]
optimizer = "adam"
beta1 = 0.8
learning_rate = 0.1
epochs = 10
batch_size = 1
shuffle = true
l2 = 0.01
stop = { loss_below = 0.001 }

[notation]
loss = "L"
target = "t"
learning_rate = "α"
digits = 4
names = { "W1[1,1]" = "w_{11}" }
backward = "delta"

[[claims]]
quantity = "W1_new[1,1]"
value = "0.3005"
[[claims]]
quantity = "L"
value = "-.5e-3"
step = 2
"""

EQUATIONS = """\
[data]
x = 1.0
T = [0.5, 0.25]
[equations]
forward = '''
z1 = w1*x + b1
E  = (T - z1)**2 / 2
'''
loss = "E"
reduce = "mean"
frozen = ["b1"]
[parameters]
w1 = 0.3
b1 = 0.1
c = [[[[1, 2]]]]
"""


def layers(*texts, x="[[1, 2]]", y="[[1]]"):
    """A problem of layers; the first layer starts at line 5."""
    tables = "".join(f"[[network.layers]]\n{text}\n".replace("\n\n", "\n") for text in texts)
    return f"[data]\nx = {x}\ny = {y}\n{tables}"


def first_layer(text, **data):
    return parse_problem(layers(text, **data)).network.layers[0]


def mistakes(text, limits=None):
    with pytest.raises(ProblemFileError) as caught:
        parse_problem(text, "net.toml", limits)
    return caught.value.mistakes


# --- what is accepted


def test_a_whole_file():
    problem = parse_problem(WHOLE)
    assert (problem.version, problem.title) == (1, "Two neurons in series")
    assert problem.source == "where the numbers come from"
    assert problem.data == {"x": ((0.5,),), "y": ((1.5,),)}
    assert problem.equations is None
    assert problem.parameters == {}

    network = problem.network
    assert (network.seed, network.init, network.values) == (3, "he", "w.safetensors")
    assert network.loss == Loss("half_squared_error")
    first, second = network.layers
    assert (first.units, first.W, first.b) == (1, Weights(((0.3,),)), Bias((0.1,)))
    assert second.activation == Activation("leaky_relu", options={"slope": 0.2})
    assert (second.units, second.W, second.b) == (1, Weights(((0.2,),), trainable=False), None)

    training = problem.training
    assert (training.optimizer, training.learning_rate, training.l2) == ("adam", 0.1, 0.01)
    assert training.options() == {"beta1": 0.8}
    assert (training.steps, training.epochs, training.batch_size) == (None, 10, 1)
    assert training.shuffle
    assert training.stop == StopTable(0.001)

    notation = problem.notation
    assert (notation.loss, notation.target, notation.learning_rate) == ("L", "t", "α")
    assert (notation.digits, notation.significant, notation.backward) == (4, None, "delta")
    assert notation.names == {"W1[1,1]": "w_{11}"}
    assert problem.claims == (Claim("W1_new[1,1]", "0.3005", 1), Claim("L", "-.5e-3", 2))


def test_equations():
    problem = parse_problem(EQUATIONS)
    assert problem.network is None
    assert problem.data == {"x": 1.0, "T": (0.5, 0.25)}
    assert problem.parameters == {"w1": 0.3, "b1": 0.1, "c": ((((1.0, 2.0),),),)}
    equations = problem.equations
    assert (equations.loss, equations.reduce, equations.frozen) == ("E", "mean", ("b1",))
    assert equations.forward.splitlines() == ["z1 = w1*x + b1", "E  = (T - z1)**2 / 2"]


def test_what_is_left_out():
    problem = parse_problem(layers("units = 3", "", x="[[1, 2]]", y="[[1, 2, 3, 4]]"))
    assert [layer.units for layer in problem.network.layers] == [3, 4]
    assert problem.network.layers[0].activation == Activation("identity")
    assert Weights(None, trainable=True) == problem.network.layers[0].W
    assert problem.network.layers[0].b == Bias(None, shared=False, trainable=True)
    assert problem.network.loss == Loss("half_squared_error")
    assert (problem.training.optimizer, problem.training.learning_rate) == ("sgd", None)
    assert (problem.training.steps, problem.training.epochs) == (None, None)
    assert problem.notation.backward == "steps"


@pytest.mark.parametrize(
    ("b", "bias"),
    [
        ("[0.1, 2]", Bias((0.1, 2.0))),
        ("false", None),
        ("{ value = [1, 2] }", Bias((1.0, 2.0))),
        ("{ value = [1, 2], trainable = false }", Bias((1.0, 2.0), trainable=False)),
        ("{ value = 0.35, shared = true }", Bias(0.35, shared=True)),
        (
            "{ value = 0.35, shared = true, trainable = false }",
            Bias(0.35, shared=True, trainable=False),
        ),
        ("{ shared = true }", Bias(None, shared=True)),
        ("{ trainable = false }", Bias(None, trainable=False)),
    ],
)
def test_forms_of_b(b, bias):
    assert first_layer(f"units = 2\nb = {b}", y="[[1, 2]]").b == bias


def test_b_as_a_number_is_the_bias_of_a_single_unit():
    assert first_layer("units = 1\nb = 0.35").b == Bias((0.35,))


@pytest.mark.parametrize(
    ("W", "weights"),
    [
        ("[[1, 2.5]]", Weights(((1.0, 2.5),))),
        ("{ value = [[1, 2]] }", Weights(((1.0, 2.0),))),
        ("{ value = [[1, 2]], trainable = false }", Weights(((1.0, 2.0),), trainable=False)),
        ("{ trainable = false }", Weights(None, trainable=False)),
    ],
)
def test_forms_of_W(W, weights):
    assert weights == first_layer(f"units = 1\nW = {W}").W


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_names_of_activations(name):
    assert first_layer(f"activation = '{name}'").activation == Activation(name)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("{ name = 'elu', alpha = 2 }", Activation("elu", options={"alpha": 2.0})),
        ("{ name = 'tanh' }", Activation("tanh")),
        ("'z'", Activation(None, "z")),
        ("'z**2'", Activation(None, "z**2")),
        ("'relu(z)'", Activation(None, "relu(z)")),
        ("'1/(1 + exp(-z))'", Activation(None, "1/(1 + exp(-z))")),
        ("{ name = 'z*tanh(z)' }", Activation(None, "z*tanh(z)")),
    ],
)
def test_forms_of_activation(activation, expected):
    assert first_layer(f"activation = {activation}").activation == expected


@pytest.mark.parametrize("name", LOSSES)
def test_names_of_losses(name):
    assert parse_problem(layers("") + f"[network]\nloss = '{name}'").network.loss == Loss(name)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("{ name = 'huber', delta = 2 }", Loss("huber", options={"delta": 2.0})),
        ("{ name = 'squared_error', reduce = 'mean' }", Loss("squared_error", reduce="mean")),
        ("'(a - y)**4'", Loss(None, "(a - y)**4")),
        ("'abs(a - y)'", Loss(None, "abs(a - y)")),
        ("{ name = '(a-y)**4', reduce = 'sum' }", Loss(None, "(a-y)**4", reduce="sum")),
    ],
)
def test_forms_of_loss(loss, expected):
    assert parse_problem(layers("") + f"[network]\nloss = {loss}").network.loss == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("[[1, 2], [3, 4]]", ((1.0, 2.0), (3.0, 4.0))),
        ("[1, 2]", ((1.0, 2.0),)),
        ("[1]", ((1.0,),)),
        ("0.5", ((0.5,),)),
    ],
)
def test_examples_become_rows(data, expected):
    assert parse_problem(layers("", x=data, y=data)).data == {"x": expected, "y": expected}


def test_a_network_without_data():
    assert parse_problem("[[network.layers]]\nW = [[1, 2]]").network.layers[0].units == 1


def test_units_that_only_a_file_of_values_knows():
    problem = parse_problem("[network]\nvalues = 'w.npz'\n[[network.layers]]\nb = 0.1")
    assert problem.network.layers[0].units is None


def test_a_formula_as_loss_needs_no_targets():
    parse_problem("[data]\nx = [1]\n[network]\nloss = 'a**2'\n[[network.layers]]\nunits = 1")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers_with_their_options(optimizer):
    options = "".join(f"{option} = 0.5\n" for option in OPTIMIZERS[optimizer])
    text = layers("") + f"[training]\noptimizer = '{optimizer}'\n{options}"
    assert parse_problem(text).training.options() == dict.fromkeys(OPTIMIZERS[optimizer], 0.5)


@pytest.mark.parametrize("init", INITS)
def test_ways_of_drawing(init):
    assert parse_problem(layers("") + f"[network]\ninit = '{init}'").network.init == init


def test_claims_keep_their_digits():
    for value in ("0.3005", "-0.50", ".85", "5.", "1e-3", "+2", "−2.406e−3", "0149780716"):
        text = layers("") + f"[[claims]]\nquantity = 'L'\nvalue = '{value}'"
        assert parse_problem(text).claims[0].value == value


def test_a_byte_order_mark_is_skipped():
    assert parse_problem("\ufeff" + WHOLE) == parse_problem(WHOLE)


def test_windows_line_ends_change_nothing():
    assert parse_problem(WHOLE.replace("\n", "\r\n")) == parse_problem(WHOLE)


def test_the_data_is_frozen():
    with pytest.raises(FrozenInstanceError):
        parse_problem(WHOLE).title = "another"


# --- what is not: one mistake each, with its place and a piece of its words

EQ = "[equations]\nforward = 'E = 2'\nloss = 'E'\n"

BAD = [
    # TOML itself
    ("seed = ", 1, 8, "a value is expected here"),
    ("a = .5", 1, 5, '".5" is no number here. Write a digit before the point: 0.5.'),
    ("a = [1,\n  -.5]", 2, 3, "Write a digit before the point: -0.5."),
    ("a = sgd", 1, 5, '"sgd" is not a value. Put text in quotes.'),
    ("a = True", 1, 5, '"True" is written true.'),
    ("a = 0,5", 1, 6, "one key and value stand on a line"),
    ("a = 1.2.3", 1, 8, "one key and value stand on a line"),
    ("a = 'text", 1, 10, "Close it with '"),
    ('a = "\\sigma"', 1, 8, "Use '…' for LaTeX"),
    ("[data\nx = 1", 1, 6, "] is expected here"),
    ("x = [1 2]", 1, 8, "a comma, or the ] of a list"),
    ("x 1", 1, 3, "= is expected after the key"),
    ("[data]\nx = 1\ny = 2\nx = [\n3]\n", 4, 1, '"x" is given twice, first at line 2.'),
    ("[data]\n[data]\n", 2, 1, "was given before"),
    ("seed = " + "9" * 5000, 1, 8, "a number of several thousand digits"),
    ("a = '\0'", 1, 6, "NUL"),
    # what there has to be
    ("", None, None, "a problem has a [network] or [equations]; neither is here."),
    ("title = 'x'", None, None, "neither is here"),
    (layers("") + EQ, 5, 1, "[network] and [equations] are both given."),
    (layers("") + "[parameters]\nw = 1", 5, 1, "[parameters] belongs to [equations]"),
    ("[network]\nseed = 1", 1, 1, "network.layers: missing. Add [[network.layers]]"),
    ("[network]\nlayers = []", 2, 10, "at least one layer"),
    ("[network.layers]\nunits = 1", 1, 1, "Write [[network.layers]] with two brackets."),
    ("network = 1", 1, 11, "network: 1 was given; a table is expected."),
    ("[network]\nlayers = [1]", 2, 11, "network.layers[1]: 1 was given; a table is expected."),
    # unknown keys
    ("[netwrok]\n", 1, 2, 'unknown key "netwrok". Did you mean "network"?'),
    (layers("units = 1\nactivations = 'relu'"), 6, 1, 'Did you mean "activation"?'),
    (layers("bias = [1]"), 5, 1, 'network.layers[1].bias: unknown key "bias". Did you mean "b"?'),
    (layers("W = { valu = [[1, 2]] }"), 5, 7, 'layers[1].W.valu: unknown key "valu". Did you mean'),
    (layers("") + "[training]\nlr = 1", 6, 1, 'Did you mean "learning_rate"?'),
    (layers("") + "[training]\nqqq = 1", 6, 1, "Known here are optimizer, learning_rate"),
    (
        "[data]\nx = [1]\ny = [1]\nz = 1\n[[network.layers]]",
        4,
        1,
        'data.z: unknown key "z". Known here are x, y.',
    ),
    # unknown names
    (layers("activation = 'reluu'"), 5, 14, 'unknown activation "reluu". Did you mean "relu"?'),
    (layers("activation = 'Leaky-ReLU'"), 5, 14, 'Did you mean "leaky_relu"?'),
    (layers("activation = 'swish'"), 5, 14, 'Did you mean "silu"?'),
    (layers("activation = 'foo'"), 5, 14, "softmax, or a formula in z."),
    (layers("activation = { slope = 1 }"), 5, 14, "the name is missing"),
    (layers("activation = { name = 'relu', slope = 1 }"), 5, 39, "relu has no slope"),
    (layers("activation = 3"), 5, 14, "3 was given; a name is expected"),
    (layers("") + "[network]\nloss = 'mse'", 6, 8, 'Did you mean "mean_squared_error"?'),
    (layers("") + "[network]\nloss = {name='huber', delta=0}", 6, 29, "more than 0"),
    (layers("") + "[network]\nloss = {name='huber', reduce='max'}", 6, 30, "Known are sum, mean"),
    (layers("") + "[network]\ninit = 'xavier'", 6, 8, 'Did you mean "glorot"?'),
    (layers("") + "[training]\noptimizer = 'Adam'", 6, 13, 'Did you mean "adam"?'),
    (layers("") + "[notation]\nbackward = 'chains'", 6, 12, 'Did you mean "chain"?'),
    # numbers
    (layers("W = [[1, nan]]"), 5, 10, "network.layers[1].W: row 1, column 2 is nan."),
    (layers("W = [[1, 1e999]]"), 5, 10, "row 1, column 2 is inf."),
    (layers("W = [[1, '2']]"), 5, 10, 'column 2 is the text "2"; a number is expected. Leave out'),
    (layers("W = [[1, true]]"), 5, 10, "row 1, column 2 is true; a number is expected."),
    (layers(f"W = [[1, {'9' * 400}]]"), 5, 10, "too large for a double"),
    (
        layers("W = [\n    [1, 2],\n    [3, 4, 5]]", y="[[1, 2]]"),
        7,
        5,
        "network.layers[1].W: row 2 has 3 numbers, row 1 has 2. Give each row one number per input",
    ),
    (layers("W = [[1, 2], 3]"), 5, 14, "row 2 is a number, row 1 has 2."),
    (layers("W = [1, 2]"), 5, 5, "a flat list was given. Give each row"),
    (layers("W = 1"), 5, 5, "1 was given. Give each row one number per input"),
    (layers("W = []"), 5, 5, "a flat list was given"),
    (layers("W = [[]]"), 5, 6, "an empty list"),
    (layers("units = '1'"), 5, 9, 'the text "1" was given; a whole number is expected.'),
    (layers("units = 1.0"), 5, 9, "1.0 was given; a whole number is expected."),
    (layers("units = true"), 5, 9, "true was given; a whole number is expected."),
    (layers(f"units = 0x{'f' * 9999}"), 5, 9, "a whole number of many digits was given"),
    (layers("units = 0"), 5, 9, "0 was given; 1 or more is expected."),
    (layers("b = true"), 5, 5, "b is a list of one number per unit, false for no bias"),
    (layers("b = inf"), 5, 5, "the value is inf."),
    (layers("b = [nan]"), 5, 6, "network.layers[1].b: number 1 is nan."),
    (layers("b = { value = [1], shared = true }"), 5, 15, "a shared bias is one number"),
    (layers("b = { shared = 1 }"), 5, 16, "1 was given; true or false is expected."),
    (layers("W = 1979-05-27"), 5, 5, "a date or time was given"),
    (
        EQ + "[parameters]\nw = [[1], [2, 3]]",
        5,
        11,
        "parameters.w: row 2 has 2 numbers, row 1 has 1",
    ),
    (EQ + "[parameters]\nw = [[[1], [2]], [[1]]]", 5, 18, "row 2 is 1×1, row 1 is 2×1"),
    (EQ + "[parameters]\nw = [[[[[1]]]]]", 5, 9, "the 5th inside another"),
    (layers("") + "[network]\nseed = -1", 6, 8, "-1 was given; 0 or more is expected."),
    (layers("") + "[training]\nlearning_rate = -0.1", 6, 17, "-0.1 was given; 0 or more"),
    (layers("") + "[training]\nlearning_rate = inf", 6, 17, "the value is inf."),
    (layers("") + "[training]\nlearning_rate = '0.1'", 6, 17, "Leave out the quotes."),
    (layers("") + "[training]\nsteps = -1", 6, 9, "0 or more is expected."),
    (layers("") + "[training]\nsteps = 1\nepochs = 1", 7, 10, "steps and epochs are both given."),
    (layers("") + "[training]\nbatch_size = 2", 6, 14, "2 is more than the 1 example in x."),
    (layers("") + "[training]\nmomentum = 0.9", 6, 1, "sgd has no momentum; it takes no options."),
    (layers("") + "[training]\nstop = {}", 6, 8, "loss_below: missing."),
    (layers("") + "[training]\noptimizer='adam'\nbeta1 = 1", 7, 9, "less than 1 is expected."),
    (layers("") + "[notation]\ndigits = 18", 6, 10, "18 was given; 17 or less is expected."),
    (layers("") + "[notation]\ndigits = 4\nsignificant = 4", 7, 15, "Give one of them."),
    (layers("") + "[notation]\nnames = { a = 1 }", 6, 15, "1 was given; a text in quotes"),
    (layers("") + "[notation]\nloss = ''", 6, 8, "this text is empty."),
    # sizes
    (
        layers("units = 2\nW = [[1, 2]]", y="[[1, 2]]"),
        5,
        9,
        "units is 2, but W has 1 row, one per unit.",
    ),
    (layers("W = [[1, 2, 3]]"), 5, 5, "W has 3 columns, but x has 2 columns."),
    (layers("units = 3", "W = [[1, 2]]"), 7, 5, "W has 2 columns, but layer 1 has 3 units."),
    (layers("units = 1\nb = [1, 2]"), 6, 5, "b has 2 numbers, the layer has 1 unit."),
    (layers("units = 2\nb = 1", y="[[1, 2]]"), 6, 5, "b is one number for 2 units."),
    (layers("units = 2"), 3, 5, "y has 1 column, but the last layer has 2 units."),
    (layers("", x="[[1], [2]]"), 3, 5, "y has 1 row, but x has 2. Give one row per example"),
    (layers("", x="[[1], [2]]", y="[0, 1]"), 3, 5, "a flat list is one example, so y has 1 row"),
    (layers("W = [[1]]", x="[1, 2]"), 2, 5, "a flat list is one example, so x has 2 inputs"),
    (layers("", x="[[[1]]]"), 2, 5, "x has 3 axes"),
    (layers("", x="[[1], [2, 3]]"), 2, 11, "data.x: row 2 has 2 numbers, row 1 has 1."),
    ("[data]\nx = [1]\n[[network.layers]]\nunits = 1", 1, 1, "y is missing."),
    ("[data]\ny = [1]\n[[network.layers]]\nW = [[1]]", 1, 1, "x is missing."),
    ("[[network.layers]]\nunits = 1", 1, 1, "the number of inputs is not known."),
    (layers("", "units = 1"), 4, 1, "the number of units is not known. Give units, or W."),
    (layers("units = 65537", "units = 1"), 5, 9, "65537 units are more than the 65536"),
    # claims and equations
    ("[claims]\nvalue = '1'\n" + EQ, 1, 1, "claims: a table was given; a list of tables"),
    (EQ + "[[claims]]\nvalue = '1'", 4, 1, "claims[1].quantity: missing."),
    (EQ + "[[claims]]\nquantity = 'E'\nvalue = 0.3005", 6, 9, "Put it in quotes"),
    (EQ + "[[claims]]\nquantity = 'E'\nvalue = 'abc'", 6, 9, '"abc" is not a number.'),
    (EQ + "[[claims]]\nquantity = 'E'\nvalue = '0,5'", 6, 9, "The decimal mark is a point."),
    (EQ + "[[claims]]\nquantity = 'E'\nvalue = '1'\nstep = 0", 7, 8, "1 or more is expected."),
    (EQ + "frozen = ['w1']\n[parameters]\nW1 = 1", 4, 11, 'Did you mean "W1"?'),
    (EQ + "frozen = 'w1'", 4, 10, 'the text "w1" was given; a list is expected.'),
    (EQ + "reduce = 'max'", 4, 10, "Known are sum, mean."),
    (EQ + "[parameters]\n'a b' = 1", 5, 1, '"a b" is no name.'),
    (EQ + "[data]\nw = 1\n[parameters]\nw = 1", 7, 1, "is also in [data]."),
    ("[equations]\nforward = 'E = w'", 1, 1, "equations.loss: missing."),
    ("[equations]\nforward = ''\nloss = 'E'", 2, 11, "this text is empty."),
    ("version = 2\n" + EQ, 1, 11, "2 was given; this handgrad reads version = 1."),
    ("title = 1\n" + EQ, 1, 9, "1 was given; a text in quotes is expected."),
    ('title = "\\u001b[31m"\n' + EQ, 1, 9, "the control character U+001B is here."),
]


@pytest.mark.parametrize(("text", "line", "column", "fragment"), BAD)
def test_mistakes(text, line, column, fragment):
    [mistake] = mistakes(text)
    assert fragment in str(mistake)
    assert (mistake.line, mistake.column) == (line, column)


def test_all_mistakes_at_once_in_the_order_of_the_file():
    text = """\
[data]
x = [[1, 2], [3]]
y = [["1"], [0]]
[[network.layers]]
activation = "sigmod"
W = [[1, 2], [nan, 4]]
b = [0.1]
[[network.layers]]
units = 2
W = [[1, 2, 3]]
[training]
optmizer = "sgd"
steps = 1.5
[[claims]]
quantity = "L"
value = 1.0
"""
    with pytest.raises(ProblemFileError) as caught:
        parse_problem(text, "net.toml")
    starts = [line.split(": ")[:2] for line in str(caught.value).splitlines()]
    assert starts == [
        ["net.toml", "line 2, column 14, data.x"],
        ["net.toml", "line 3, column 5, data.y"],
        ["net.toml", "line 3, column 7, data.y"],
        ["net.toml", "line 5, column 14, network.layers[1].activation"],
        ["net.toml", "line 6, column 15, network.layers[1].W"],
        ["net.toml", "line 7, column 5, network.layers[1].b"],
        ["net.toml", "line 9, column 9, network.layers[2].units"],
        ["net.toml", "line 10, column 5, network.layers[2].W"],
        ["net.toml", "line 12, column 1, training.optmizer"],
        ["net.toml", "line 13, column 9, training.steps"],
        ["net.toml", "line 16, column 9, claims[1].value"],
    ]


def test_many_mistakes_are_counted_not_written_out():
    found = mistakes(EQ + "".join(f"key{i} = 1\n" for i in range(500)))
    assert len(found) == Limits().mistakes + 1
    assert str(found[-1]) == "and 450 more mistakes."
    assert mistakes("[network]\n" + "[[network.layers]]\n" * 300)[0].message.startswith(
        "300 layers"
    )


def test_limits_can_be_changed():
    assert "at most 1 are accepted" in mistakes(WHOLE, Limits(layers=1))[0].message
    [mistake] = mistakes(layers("units = 99"), replace(Limits(), units=100, parameters=200))[1:]
    assert "the network has 297 parameters; at most 200 are accepted." in str(mistake)
    assert "more than the 5" in mistakes(WHOLE, replace(Limits(), epochs=5))[0].message


def test_mistakes_found_later_have_their_place():
    problem = parse_problem("\n" + EQUATIONS, "net.toml")
    finding = Finding(("equations", "forward"), lambda: "w2 is not defined.")
    [whole] = mistakes_at(problem.origin, [finding])
    assert str(whole) == "line 6, column 11, equations.forward: w2 is not defined."
    [second] = mistakes_at(problem.origin, [finding._replace(inside=(2, 6))])
    assert str(second) == "line 8, column 6, equations.forward: w2 is not defined."
    assert problem.origin.name == "net.toml"


# --- hostile files

LONG_KEY = ".".join("a" * 16)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        ".".join("a" * 40_000) + " = 1",
        "[[network.layers]]\nactivation = 'reluu'\n" * 20_000,
        "[data]\n" + "".join(f"k{i} = 1\n" for i in range(20_000)) + "[network]\nlayers=[{}]",
        EQ
        + "frozen = ["
        + "'w9', " * 20_000
        + "]\n[parameters]\n"
        + "".join(f"w{i}x = 1\n" for i in range(10_000)),
        layers("W = [" + "[nan]," * 50_000 + "]"),
        f"{LONG_KEY} = " + f"{{ {LONG_KEY} = " * 31 + "['\\u0001', " * 9_000,
        f"{LONG_KEY} = " + f"{{ {LONG_KEY} = " * 30 + f"[{'[],' * 9_000} '\\u0001']" + "}" * 30,
        "claims = [" + "{}," * 30_000 + "]",
        "[[claims]]\nvalue = '" + "1" * 100_000 + "q'",
        "a = " + "1" * 4299 + "\nb = " + "1" * 4301,
    ],
    ids=[
        *("deep", "dotted", "layers", "data", "frozen", "nan"),
        *("unclosed", "long paths", "claims", "claim", "digits"),
    ],
)
def test_hostile_files_get_an_error(text):
    assert 1 <= len(mistakes(text)) <= Limits().mistakes + 1


def test_a_long_file_gets_an_error():
    with pytest.raises(LimitError):
        parse_problem("#" * 2_000_000)


PIECES = (
    *(
        "",
        "\n",
        "0",
        "-1",
        "1e999",
        "nan",
        "true",
        "'x'",
        "1979-05-27",
        "9" * 400,
        "0x" + "f" * 9999,
    ),
    *("[", "]", "[[", "{", "}", "=", ".", "#", "\\", '"""', "ä", "\0", "\ud800"),
    *("[]", "[[]]", "{}", "[[1,[2]]]", "{value=1}", "[network]\n", "[[claims]]\n", "[training]\n"),
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_mutated_file_is_read_or_refused(data):
    text = data.draw(st.sampled_from([WHOLE, EQUATIONS]))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = start + data.draw(st.integers(0, 8))
        text = text[:start] + data.draw(st.sampled_from(PIECES)) + text[end:]
    try:
        problem = parse_problem(text)
    except InputError:
        return
    assert (problem.network is None) != (problem.equations is None)


VALUES = st.recursive(
    st.none().map(lambda _: {}) | st.integers() | st.floats() | st.booleans() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "name", "shared", "slope", "q"]), inner, max_size=2
        )
    ),
    max_leaves=6,
)


def as_toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {as_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(c):08x}" for c in value) + '"'
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "inf", -math.inf: "-inf"}.get(value, "nan")
    return str(value).lower()


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(
        ["x", "y", "units", "W", "b", "activation", "loss", "layers", "steps", "claims"]
    ),
    VALUES,
)
def test_any_value_anywhere_is_read_or_refused(key, value):
    given = {"x": "[[1, 2]]", "y": "[[1]]", "units": "1"} | {key: as_toml(value)}
    tables = {"data": ["x", "y"], "training": ["steps"], "network": ["loss", "layers"]}
    lines = [f"claims = {given['claims']}"] if "claims" in given else []
    for table, keys in tables.items():
        lines += [f"[{table}]", *(f"{k} = {given[k]}" for k in keys if k in given)]
    if key != "layers":
        lines.append("[[network.layers]]")
        lines += [f"{k} = {given[k]}" for k in ("units", "W", "b", "activation") if k in given]
    with suppress(InputError):
        parse_problem("\n".join(lines))


# --- files


def test_a_file(tmp_path):
    path = tmp_path / "net.toml"
    path.write_bytes(b"\xef\xbb\xbf" + WHOLE.encode())
    problem = read_problem_file(path)
    assert problem == parse_problem(WHOLE)
    assert problem.origin.name == str(path)


def test_a_file_that_is_not_there(tmp_path):
    (tmp_path / "other.toml").touch()
    with pytest.raises(FileError, match=r"no such file. In that folder are: \"other.toml\"."):
        read_problem_file(tmp_path / "net.toml")
    with pytest.raises(FileError, match="no such folder either"):
        read_problem_file(tmp_path / "absent" / "net.toml")


def test_a_folder(tmp_path):
    with pytest.raises(FileError, match="is a folder"):
        read_problem_file(tmp_path)


def test_a_file_without_permission(tmp_path, monkeypatch):
    def refuse(*_arguments):
        raise PermissionError

    # Tests may run as root, who may read everything.
    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(FileError, match="no permission to read it"):
        read_problem_file(tmp_path / "net.toml")


@pytest.mark.parametrize("name", ["a\0b", "a" * 5000])
def test_names_no_file_can_have(name):
    with pytest.raises(FileError):
        read_problem_file(name)


def test_a_long_file(tmp_path):
    path = tmp_path / "net.toml"
    path.write_text("# ä\n" * 300_000, encoding="utf-8")
    with pytest.raises(LimitError, match="may have 1048576 bytes"):
        read_problem_file(path)


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "net.toml"
    path.write_bytes(b"a = 1\n\xff")
    with pytest.raises(ProblemFileError, match=r"line 2, column 1: byte 6 is not UTF-8"):
        read_problem_file(path)
