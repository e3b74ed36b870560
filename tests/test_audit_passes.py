"""Worksheets of several updates, passes or examples: all right, and then one number altered."""

from __future__ import annotations

import pytest
from tests.worksheets import right_and_wrong

AFTERWARDS = (
    "x = 3, t = 1, w = 0.5, η = 0.1\n\nz = w*x = 1.5\n\nE = ½(z - t)² = 0.125\n\n"
    "dE/dw = (z - t)*x = 1.5\n\nw_new = w - η*dE/dw = 0.35\n\nz_new = w_new*x = 0.35*3 = 1.05\n\n"
    "E_new = 0.00125\n"
)
STEPS = (
    "$x=2$, $t=1$, $w=0.3$, $\\eta=0.1$\n\n$z = w x = 0.6$\n\n$\\delta = z - t = -0.4$\n\n"
    "$w \\leftarrow 0.3 - 0.1\\cdot(-0.8) = 0.38$\n\nStep 1:\n\n$z = w x = 0.76$\n\n"
    "$\\delta = z - t = -0.24$\n\n$w \\leftarrow 0.38 - 0.1\\cdot(-0.48) = 0.428$\n\n"
    "After the two steps $z=0.856$.\n"
)
PATTERNS = (
    "w = 0.5, eta = 0.1, y = w*x, delta = d - y\n\nPattern 1:\n\ny = 0.5*2 = 1\n\ndelta = 3 - 1 = 2\n\n"
    "w = 0.5 + 0.1*2*2 = 0.9\n\nPattern 2:\n\ny = 0.9*(-1) = -0.9\n\ndelta = 1 - (-0.9) = 1.9\n\n"
    "w = 0.9 + 0.1*1.9*(-1) = 0.71\n"
)
NUMBERED = PATTERNS.replace(
    "Pattern 1:", "| pattern | x | d |\n|--|--|--|\n| 1 | 2 | 3 |\n| 2 | -1 | 1 |\n\nPattern 1:"
)
IN_WORDS = PATTERNS.replace("Pattern 1:", "Pattern 1 (x = 2, d = 3):").replace(
    "Pattern 2:", "Pattern 2 (x = -1, d = 1):"
)
ADAM = (
    "x = 3, t = 1.2, w = 0.5, b = 0.1, alpha = 0.01, eps = 1e-8\n\n"
    "    y = w*x + b = 1.6\n    g = (y - t)*x = 1.2\n    m = 0.9*0 + 0.1*1.2 = 0.12\n"
    "    v = 0.999*0 + 0.001*1.2^2 = 1.440e-3\n    m_hat = m/(1 - 0.9^1) = 1.2\n"
    "    v_hat = v/(1 - 0.999^1) = 1.44\n    w = 0.5 - 0.01*m_hat/(sqrt(v_hat) + eps) = 0.49\n\n"
    "    y = w*x + b = 1.57\n    g = (y - t)*x = 1.11\n    m = 0.9*0.12 + 0.1*1.11 = 0.219\n"
)
VELOCITY = (
    "x = 2, t = 3, w = 0.5, lr = 0.1, mu = 0.9, v = 0\n\n    y = w*x = 1\n"
    "    dL/dw = 2*(y - t)*x = -8\n    v = mu*v + dL/dw = -8\n    w = w - lr*v = 1.3\n"
)
TABLES = (
    "x = 2, t = 3, w = 0.5, lr = 0.1\n\n    y = w*x = 1\n    dL/dw = 2*(y - t)*x = -8\n\n"
    "| param | old | new |\n|---|---:|---:|\n| w | 0.5 | 1.3 |\n\n    y = w*x = 2.6\n"
)
ROWS = (
    "x = 2, t = 0, w = 0.3, u = 0.4, c = 0.6, eta = 0.5\n\nh = w*x = 0.6\n\ny = u*h + c = 0.84\n\n"
    "δ = y - t = 0.84\n\nδ1 = δ*u = 0.336\n\n| | old | gradient | new |\n|---|---|---|---|\n"
    "| c | 0.6 | δ = 0.84 | 0.18 |\n| w | 0.3 | δ1*x = 0.672 | -0.036 |\n"
)
TWICE = (
    "$z=2$, $b_1=b_2=0.5$.\n\n$y_1 = b_1 + z = 2.5$, $y_2 = b_2 z = 1$\n\n"
    "$b_1 = 0.5 - 0.5\\cdot 1.5 = -0.25$\n\n$y_2 = b_2 z = 1$\n"
)
SEVERAL = (
    "$x=2$, $t=1$, $w=0.3$, $\\eta=0.1$, all velocities start at 0.\n\n"
    "```\nv <- mu*v + dL/dparam\nparam <- param - lr*v\n```\n\n$y = w x = 0.6$\n\n"
    "$L = \\frac12 (y - t)^2 = 0.08$\n\n| param | old | v | new |\n|--|--|--|--|\n"
    "| w | 0.3 | -0.8 | 0.38 |\n\n$y = w x = 0.76$\n\n| param | old | v | new |\n|--|--|--|--|\n"
    "| w | 0.38 | -1.2 | 0.5 |\n\n$y = w x = 1.0$\n"
)


@pytest.mark.parametrize(
    ("text", "printed", "altered"),
    [
        (AFTERWARDS, "*3 = 1.05", "*3 = 1.50"),
        (AFTERWARDS, "0.00125", "0.00215"),
        (STEPS, "0.856", "0.76"),
        (PATTERNS, "1.9*(-1) = 0.71", "1.9*(-1) = 1.09"),
        (NUMBERED, "1.9*(-1) = 0.71", "1.9*(-1) = 1.09"),
        (IN_WORDS, "y = 0.9*(-1)", "y = 0.9*(2)"),
        (ADAM, "0.1*1.11 = 0.219", "0.1*1.11 = 0.129"),
        (ADAM, "v_hat = v/(1 - 0.999^1) = 1.44", "v_hat = v/(1 - 0.999^1) = 1.44e-3"),
        (VELOCITY, "lr*v = 1.3", "lr*v = 0.5"),
        (TABLES, "y = w*x = 2.6", "y = w*x = 6.2"),
        (TABLES, "0.5 | 1.3", "0.5 | -0.3"),
        (ROWS, "0.672", "0.627"),
        (TWICE, "1.5 = -0.25", "1.5 = 0.25"),
        (SEVERAL, "y = w x = 1.0", "y = w x = 0.1"),
    ],
)
def test_one_number_altered_is_found(text: str, printed: str, altered: str) -> None:
    _, wrong = right_and_wrong(text, printed, altered)
    assert [f for f in wrong.findings if f.verdict == "wrong"]
