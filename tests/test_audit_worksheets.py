"""Short worksheets as people write them: nothing wrong in them, and then one number altered."""

from __future__ import annotations

import pytest
from tests.worksheets import right_and_wrong

import handgrad as hg

GIVEN = (
    "x = 1.5, t = 0.7, w = -0.8, b = 0.4, learning rate 0.1\n\n"
    "z = w*x + b = -0.8\n\nE = (z - t)^2 = 2.25\n\n"
)
SLOPES = "dE/dw = 2*(z-t)*x = -4.5\ndE/db = 2*(z-t) = -3\n\n"
ROWS = "| Weight | Gradient | New value |\n|---|---|---|\n| w | -4.5 | -0.35 |\n| b | -3 | 0.7 |\n"
COLUMNS = (
    "| | w | b |\n|--|--|--|\n| value | -0.8 | 0.4 |\n| gradient | -4.5 | -3 |\n"
    "| new value | -0.35 | 0.7 |\n"
)
ARROWS = "The update:\n\n    w: -0.8 -> -0.35\n    b:  0.4 -> 0.7\n"
GERMAN = (
    "$x_1 = 0{,}5$, $x_2 = 0{,}25$\n\n| Gewicht | $w_1$ | $w_2$ | $\\theta$ |\n|---|---|---|---|\n"
    "| Wert | −1,2 | 0,4 | −0,3 |\n\n"
    "$$y = \\sigma(x_1 w_1 + x_2 w_2 - \\theta) = "
    "\\frac{1}{1 + e^{-(-0,5 \\cdot 1,2 + 0,25 \\cdot 0,4 + 0,3)}}"
    " = 0,4502$$\n"
)
EXAMPLES = (
    "w = 0.5  b = -0.25\n\nExample 1: x = 2, t = 1\n  y = w*x + b = 0.75\n  L1 = (y - t)^2 = 0.0625\n\n"
    "Example 2: x = -1, t = 0.5\n  y = w*x + b = -0.75\n  L2 = (y - t)^2 = 1.5625\n\n"
    "Mean loss: L = (L1 + L2)/2 = (0.0625 + 1.5625)/2 = 0.8125\n"
)
ONCE_MORE = GIVEN + SLOPES + ARROWS + "\nIf I run the forward pass once more I get z = 0.175.\n"
UNPRINTED = GIVEN + SLOPES + "With the new weights the output becomes z = w*x + b = 0.175.\n"
MOMENTUM = (
    "$x = 2$, $t = 2$, $w = 0.5$; learning rate $\\eta = 0.1$, momentum $\\mu = 0.9$\n\n"
    "$y = w x = 1.0$\n\n$E = \\frac{1}{2}(y - t)^2 = 0.5$\n\n"
    "$\\frac{\\partial E}{\\partial w} = (y - t) x = -2.0$\n\n"
    "$v = \\mu v - \\eta \\frac{\\partial E}{\\partial w} = 0.9 \\cdot 0 - 0.1 \\cdot (-2.0) = 0.2$\n\n"
    "$w = 0.5 + 0.2 = 0.7$\n\n## Epoch 2\n\n$y = w x = 1.4$\n\n"
    "$\\frac{\\partial E}{\\partial w} = (y - t) x = -1.2$\n\n"
    "$v = \\mu v - \\eta \\frac{\\partial E}{\\partial w} = 0.9 \\cdot 0.2 - 0.1 \\cdot (-1.2) = 0.3$\n\n"
    "$w = 0.7 + 0.3 = 1.0$\n\nAfter two epochs the weight is $w = 1.0$.\n"
)


@pytest.mark.parametrize(
    ("text", "printed", "altered", "slip"),
    [
        (GIVEN + ROWS, "| -3 | 0.7", "| -3 | 0.1", "sign"),
        (GIVEN + ROWS, "-4.5 | -0.35", "-4.6 | -0.35", "last_digit"),
        (GIVEN + COLUMNS, "-0.35 | 0.7", "-0.35 | 0.1", "sign"),
        (GIVEN + SLOPES + ARROWS, "0.4 -> 0.7", "0.4 -> 0.1", "sign"),
        (GERMAN, " + 0,3)}} = 0,4502", ")}} = 0,3775", "missing_term"),
        (EXAMPLES, "L2 = (y - t)^2 = 1.5625", "L2 = (y - t)^2 = 0.0625", None),
        (EXAMPLES, ")/2 = 0.8125", ")/2 = 1.6250", None),
        (MOMENTUM, "0.9 \\cdot 0.2 -", "0.9 \\cdot 0 -", None),
        (MOMENTUM, "the weight is $w = 1.0$", "the weight is $w = 0.7$", None),
        (MOMENTUM, "(y - t) x = -1.2", "(y - t) x = 1.2", "sign"),
        (ONCE_MORE, "z = 0.175", "z = 0.715", None),
    ],
)
def test_one_number_altered_is_found(
    text: str, printed: str, altered: str, slip: str | None
) -> None:
    right, wrong = right_and_wrong(text, printed, altered)
    assert right.judged == right.printed
    assert [f for f in wrong.findings if f.verdict == "wrong"]
    assert slip is None or slip in {cause.slip for cause in wrong.causes}, wrong.causes


def test_a_pass_with_values_that_are_not_printed_is_not_judged() -> None:
    found = hg.audit(UNPRINTED)
    assert found.clean
    assert [f.printed for f in found.findings if f.verdict == "unjudged"] == ["0.175"]
    said = hg.audit(UNPRINTED.replace("With the new weights the output becomes ", "So "))
    assert [f.printed for f in said.findings if f.verdict == "wrong"] == ["0.175"]


@pytest.mark.parametrize("shape", [[6, 6, 6, 4], [2, 8, 8, 1]])
def test_a_large_page_with_weights_put_in_rounded_is_clean(shape: list[int]) -> None:
    problem = hg.Network(
        shape,
        x=[[0.05] * shape[0]],
        y=[[0.5] * shape[-1]],
        learning_rate=0.5,
        loss="half_squared_error",
    )
    page = hg.explain(problem).to_text()
    found = hg.audit(page)
    assert found.clean, [(f.line, f.printed) for f in found.findings if f.wrong]
    wrong = hg.audit(page.replace("0.05 + 0\n", "0.05 + 1\n", 1))
    assert not wrong.clean


SELF = (
    "$w = 0.7$, $g = -0.5$, $\\eta = 0.2$\n\n$$w = w - \\eta g = 0.7 - 0.2 \\cdot (-0.5) = 0.8$$\n"
)
SOFTMAX = (
    "$$s = \\begin{pmatrix} -0.24 \\\\ 0.51 \\end{pmatrix}$$\n\n"
    "$$y = \\begin{pmatrix} 0 \\\\ 1 \\end{pmatrix}$$\n\n"
    "$$p = \\text{softmax}(s) = \\begin{pmatrix} 0.3208 \\\\ 0.6792 \\end{pmatrix}$$\n\n"
    "$$\\delta = p - y = \\begin{pmatrix} 0.3208 \\\\ -0.3208 \\end{pmatrix}$$\n"
)
UNICODE = (
    "c = 0.2, v₁ = 0.7, h₁ = 0.85, η = 0.05\n"
    "y = v₁·h₁ + c = 0.7950\ng = 0.0450\nc ← c − η·g = 0.1978\n"
)
TUPLES = (
    "```python\nx1, x2 = 0.9, -0.4\nd1 = -0.5\ndw1 = d1*x1\ndw2 = d1*x2\n```\n\n"
    "```\ndw1 = -0.45\ndw2 = 0.2\n```\n"
)
CHANGES = (
    GIVEN + "| weight | change | old value | new value |\n|--|--|--|--|\n"
    "| $w$ | 0.45 | -0.8 | -0.35 |\n| $b$ | 0.3 | 0.4 | 0.7 |\n"
)
BARE = (
    "$E = E_1 + E_2$, $E_1 = \\frac{1}{2}(0.05 - o_1)^{2}$, $o_1 = w_5 h$, $w_5 = 0.5$, $h = 0.6$, "
    "$E_2 = 0.0147$\n\n$$\\frac{\\partial E}{\\partial h} = 0.1250 + -0.0207 = 0.1043$$\n"
)
IN_WORDS = (
    GIVEN + "The slope is dE/dw = 2*(z-t)*x = -4.5, so the new weight is -0.35.\n\n"
    "With dE/db = 2*(z-t) = -3 the new b becomes 0.7: b goes from 0.4 to 0.70.\n"
)
GENERAL = (
    "$x = 2$, $t = 1$, $w_1 = 0.2$, $w_2 = 0.4$, $v_1 = 0.7$, $v_2 = -0.3$, $\\eta = 0.5$\n\n"
    "$z_1 = w_1 x = 0.4$, $z_2 = w_2 x = 0.8$, $h_1 = \\sigma(z_1) = 0.5987$, "
    "$h_2 = \\sigma(z_2) = 0.69$\n\n$y = v_1 h_1 + v_2 h_2 = 0.2121$\n\n"
    "$E = \\frac12 (y - t)^2 = 0.3104$\n\n$\\delta_o = y - t = -0.7879$\n\n"
    "Hidden: $\\delta_j = h_j (1 - h_j) v_j \\delta_o$, so\n\n"
    "$\\delta_1 = 0.5987 \\cdot (1 - 0.5987) \\cdot 0.7 \\cdot (-0.7879) = -0.1325$\n\n"
    "$\\delta_2 = 0.69 \\cdot (1 - 0.69) \\cdot (-0.3) \\cdot (-0.7879) = 0.0506$\n\n"
    "| | $w_1$ | $w_2$ |\n|--|--|--|\n| new value | 0.3325 | 0.3494 |\n"
)
CHANGE = (
    "$b = 0.5$, $\\eta = 0.2$, $g = 1.5$\n\n$\\Delta b = 0.2 \\times 1.5 = 0.3$\n\n"
    "Delta c = 0.2 * 3 = 0.6\n"
)
UNEQUAL = "$y = 1$, $t = 3$\n\n$E = \\frac12 (y-t)^2 = 2 > 0$, $q = 3y = 3 \\ge 1$\n"
COLUMNS_OF_EQUATIONS = (
    "$x_1=2$, $x_2=-1$, $d=0.5$.\n\n\\begin{align*}\n"
    "g_1 &= d x_1 = 1.0 & g_2 &= d x_2 = -0.5\n\\end{align*}\n"
)
PRODUCT = "$d = 0.2$, $h = 0.6$, $q = 0.5$\n\n$a = q d = 0.1$\n\n$g = d h(1-h) = 0.048$\n"
WORDS = "z = 0.5, bias = 0.1\n\ny = 2*(z + bias) = 1.2\n\nq = y - z * bias = 1.15\n"
UNITS = (
    "net_h1 = w1*x1 + b1, out_h1 = sigmoid(net_h1)\n\n"
    "| neuron | net | out |\n|:--|--:|--:|\n| h1 | 0.4 | 0.5987 |\n"
)
MACROS = (
    "\\documentclass{article}\n\\newcommand{\\pd}[2]{\\frac{\\partial #1}{\\partial #2}}\n"
    "\\newcommand{\\T}{^{\\mathsf{T}}}\n\\def\\vx{\\mathbf{x}}\n\\begin{document}\n"
    "$\\vx = \\begin{bmatrix} 1 \\\\ 2 \\end{bmatrix}$, $W = \\begin{bmatrix} 0.2 & 0.4 \\end{bmatrix}$, "
    "$d = 0.5$\n\\[ z = W\\vx = 1 \\]\n"
    "\\[ g = W\\T d = \\begin{bmatrix} 0.1 \\\\ 0.2 \\end{bmatrix} \\]\n"
    "$y = 0.5$, $\\pd{L}{y} = 2y = 1$, $\\pd{L}{w} = \\pd{L}{y} d = 0.5$\n\\end{document}\n"
)


@pytest.mark.parametrize(
    ("text", "printed", "altered"),
    [
        (CHANGE, "1.5 = 0.3", "1.5 = 0.2"),
        (UNEQUAL, "= 2 >", "= 4 >"),
        (COLUMNS_OF_EQUATIONS, "x_1 = 1.0", "x_1 = 0.1"),
        (PRODUCT, "0.048", "0.48"),
        (WORDS, "= 1.2", "= 2.1"),
        (WORDS, "1.15", "1.51"),
        (UNITS, "0.5987", "0.9587"),
        (MACROS, "W\\vx = 1", "W\\vx = 7"),
        (MACROS, "0.1 \\\\ 0.2", "0.1 \\\\ 0.7"),
        (MACROS, "d = 0.5$\n\\end", "d = 0.2$\n\\end"),
        (IN_WORDS, "weight is -0.35", "weight is -0.53"),
        (IN_WORDS, "new b becomes 0.7", "new b becomes 0.1"),
        (IN_WORDS, "to 0.70", "to 0.10"),
        (GENERAL, "0.0506", "0.0605"),
        (SELF, "= 0.8$$", "= 0.6$$"),
        (SOFTMAX, "0.3208 \\\\ 0.6792", "0.3280 \\\\ 0.6792"),
        (UNICODE, "0.1978", "0.1987"),
        (TUPLES, "dw2 = 0.2\n", "dw2 = -0.2\n"),
        (CHANGES, "-0.8 | -0.35", "-0.8 | -0.53"),
        (BARE, "0.1043", "0.1034"),
    ],
)
def test_notation_of_many_authors_is_read(text: str, printed: str, altered: str) -> None:
    _, wrong = right_and_wrong(text, printed, altered)
    assert not wrong.clean


def test_a_value_under_another_name_is_no_update() -> None:
    found = hg.audit(GIVEN + "h = z = -0.8\n\nz = z*x = -1.2\n")
    assert not any(f.quantity == "z_new" for f in found.findings)


def test_a_general_formula_tells_which_number_is_wrong_and_what_follows_from_it() -> None:
    exchanged = GENERAL.replace(
        "0.7 \\cdot (-0.7879) = -0.1325", "(-0.3) \\cdot (-0.7879) = 0.0568"
    )
    found = hg.audit(exchanged.replace("0.3325", "0.1432"))
    assert [(f.printed, f.verdict) for f in found.findings if f.wrong] == [
        ("-0.3", "wrong"),
        ("0.0568", "inherited"),
        ("0.1432", "inherited"),
    ]
    (cause,) = found.causes
    assert len(cause.explains) == 3


def test_what_is_not_read_is_listed_with_its_line() -> None:
    said = str(hg.audit(GIVEN + SLOPES + "The learning rate then sinks to $0.0345$.\n"))
    assert said == (
        "<text>:10: not read: 0.0345\n\n9 of 9 numbers judged, 5 of them only stated: "
        "nothing wrong; 1 not read."
    )


@pytest.mark.parametrize("relu", ["relu(z)", "max(0, z)", "max(z, 0)"])
def test_a_forgotten_derivative_of_relu_is_named(relu: str) -> None:
    """The right value is 0, as are other slopes: none of those is taken for what was meant."""
    found = hg.audit(
        "Let x = 2, w = -1.5, b = 1, v = 0.7, y = 1, with learning rate 0.5.\n\n"
        f"z = w*x + b = -1.5*2 + 1 = -2\nh = {relu} = 0\no = v*h = 0\nL = 0.5*(o - y)^2 = 0.5\n"
        "dL/do = o - y = -1\ndL/dv = dL/do * h = -1 * 0 = 0\ndL/dh = dL/do * v = -1 * 0.7 = -0.7\n"
        "dL/dw = dL/dh * x = -0.7 * 2 = -1.4\nw_new = w - 0.5 * dL/dw = -1.5 + 0.7 = -0.8\n"
    )
    assert [cause.slip for cause in found.causes] == ["derivative"]
    assert "relu′(z) was left out" in found.causes[0].sentence
    wrong = [f.printed for f in found.findings if f.verdict in ("wrong", "inherited")]
    assert wrong == ["-1.4", "-0.7", "-0.8"]
