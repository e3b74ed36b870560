"""What is read in a text: each case is a text, and the chains that are to be found in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.auditing.reading import source
from handgrad.auditing.reading.dialect import dialect_of
from handgrad.auditing.reading.document import Document, document
from handgrad.auditing.reading.nodes import Applied, Chain, Matrix, Named, Opaque, Written, every
from handgrad.auditing.reading.source import source_of
from handgrad.calculus.expr import Call, Expr, Num, Power, Product, Sum
from handgrad.errors import HandgradError, LimitError


def shown(expr: Expr | None, *, inside: bool = False) -> str:
    """An expression in one spelling, whatever the dialect it was read in."""
    match expr:
        case None:
            return "?"
        case Written(text=text):
            return f"({text})" if text.startswith("-") and inside else text
        case Num(value):
            return str(value)
        case Named(name=name):
            return str(name)
        case Product((Num(-1), *rest)):
            return (
                f"(-{shown(Product(tuple(rest)))})" if inside else f"-{shown(Product(tuple(rest)))}"
            )
        case Sum(terms):
            text = " + ".join(shown(term) for term in terms).replace("+ -", "- ")
            return f"({text})" if inside else text
        case Product((*factors,)):
            return "*".join(shown(factor, inside=True) for factor in factors)
        case Power(base, Num(-1)):
            return f"(1/{shown(base, inside=True)})"
        case Power(base, exponent):
            return f"{shown(base, inside=True)}^{shown(exponent, inside=True)}"
        case Call(function, arguments):
            return f"{function}({', '.join(map(shown, arguments))})"
        case Applied(function, arguments, primes):
            return f"{function}{chr(39) * primes}<{', '.join(map(shown, arguments))}>"
        case Opaque(text, parts):
            return f"{text}{{{', '.join(map(shown, parts))}}}"
        case Matrix(rows):
            return "[" + "; ".join(", ".join(map(shown, row)) for row in rows) + "]"
        case _:
            raise TypeError(type(expr))


def said(chain: Chain) -> str:
    return " ".join(f"{member.relation} {shown(member.expr)}".strip() for member in chain.members)


def read(text: str, kind: str | None = None) -> Document:
    return document(source_of(text, kind=kind))


def told(text: str, kind: str | None = None) -> str:
    """The chains between semicolons, and what is unread behind an exclamation mark each."""
    found = read(text, kind)
    return " ; ".join([*map(said, found.chains), *(f"! {place.text}" for place in found.unread)])


LATEX = [
    ("$w_{11} = 0.2$", "w_11 = 0.2"),
    ("$w_{1,1} = 0.2$", "w_11 = 0.2"),
    ("$w_1' = 0.2$", "w_1_new = 0.2"),
    ("$w_1^+ = 0.2$", "w_1_new = 0.2"),
    ("$w_1^{new} = 0.2$", "w_1_new = 0.2"),
    ("$w_{1}^{(t+1)} = 0.2$", "w_1_new = 0.2"),
    (r"$w_1^{\text{new}} = 0.2$", "w_1_new = 0.2"),
    (r"$\text{new } w_1 = 0.2$", "w_1_new = 0.2"),
    ("$w^{(2)}_{11} = 0.5$", "w^(2)_11 = 0.5"),
    ("$w^{[2]}_{11} = 0.5$", "w^(2)_11 = 0.5"),
    ("$W^2 = 4$", "W^(2) = 4"),
    ("$x^2 = 0.25$", "x^(2) = 0.25"),
    (r"$\hat{y} = 0.5$", "ŷ = 0.5"),
    (r"$\hat y_1 = 0.5$", "ŷ_1 = 0.5"),
    ("$E_{total} = 0.5$", "E_total = 0.5"),
    (r"$E_{\text{total}} = 0.5$", "E_total = 0.5"),
    ("$net_{h1} = 0.5$", "net_h1 = 0.5"),
    (r"$\text{net}_{h1} = 0.5$", "net_h1 = 0.5"),
    ("$out_{o1} = 0.5$", "out_o1 = 0.5"),
    (r"$\mathrm{net}_{h1} = 0.5$", "net_h1 = 0.5"),
    (r"$\operatorname{out}_{o1} = 0.5$", "out_o1 = 0.5"),
    (r"$\sigma(z) = \frac{1}{1+e^{-z}}$", "sigmoid(z) = 1*(1/(1 + exp(-z)))"),
    (r"$\sigma(z) = \dfrac{1}{1+\exp(-z)} = 0.5$", "sigmoid(z) = 1*(1/(1 + exp(-z))) = 0.5"),
    (r"$a = \tfrac12 b = \frac{1}{2} b$", "a = 1*(1/2)*b = 1*(1/2)*b"),
    ("$z = w x + b$", "z = w*x + b"),
    (r"$z = wx+b = 0.3 \times 0.5 + 0.1 = 0.25$", "z = w*x + b = 0.3*0.5 + 0.1 = 0.25"),
    (r"$\frac{\partial L}{\partial w_1} = 0.5$", "dL/dw_1 = 0.5"),
    (r"$\partial L / \partial w_1 = 0.5$", "dL/dw_1 = 0.5"),
    ("$dL/dw_1 = 0.5$", "dL/dw_1 = 0.5"),
    (r"$\frac{dL}{dw_1} = 0.5$", "dL/dw_1 = 0.5"),
    (r"$\frac{\mathrm{d}L}{\mathrm{d}w_1} = 0.5$", "dL/dw_1 = 0.5"),
    (r"$\frac{\delta E}{\delta w_1} = 0.5$", "dE/dw_1 = 0.5"),
    (r"$w_1 \leftarrow w_1 - 0.5 \cdot 0.2 = 0.1$", "w_1 ← w_1 - 0.5*0.2 = 0.1"),
    (r"$w_1 := w_1 - \eta \delta$", "w_1 ← w_1 - η*δ"),
    (r"$z = \left( 0.1 + 0.2 \right) \cdot 3 = 0.9$", "z = (0.1 + 0.2)*3 = 0.9"),
    (r"$z = \Big(0.1 + 0.2\Big) \cdot 3 = 0.9$", "z = (0.1 + 0.2)*3 = 0.9"),
    (r"$z = \left\{ 0.1 + 0.2 \right\} \cdot 3 = 0.9$", "z = (0.1 + 0.2)*3 = 0.9"),
    (r"$z = \left[ 0.1 + 0.2 \right] \cdot 3 = 0.9$", "z = (0.1 + 0.2)*3 = 0.9"),
    (r"$z = \{ 0.1 + 0.2 \} 3 = 0.9$", "z = (0.1 + 0.2)*3 = 0.9"),
    (r"$\boxed{z = 0.5}$", "z = 0.5"),
    (r"$z = \boxed{0.5}$", "z = 0.5"),
    (r"$z = \color{red}{0.5}$", "z = 0.5"),
    (r"$z = {\color{red} 0.5}$", "z = 0.5"),
    (r"$z = \textcolor{red}{0.5}$", "z = 0.5"),
    (r"$z = \underbrace{0.2 \cdot 0.5}_{w x} + 0.1 = 0.2$", "z = 0.2*0.5 + 0.1 = 0.2"),
    (r"$z = \mathbf{0.5}$", "z = 0.5"),
    (r"$\mathbf{w}_1 = 0.5$", "w_1 = 0.5"),
    (r"$z = 2.46519 \cdot 10^{-32}$", "z = 2.46519e-32"),
    (r"$z = 2.5 \times 10^{3}$", "z = 2.5e3"),
    ("$z = 2.5e-3$", "z = 2.5e-3"),
    ("$z = 1{,}234.5$", "z = 1234.5"),
    ("$z = 1,234.5$", "z = 1234.5"),
    ("$z = .85$", "z = 0.85"),
    (r"$z = -0.5 \cdot (-0.3) = 0.15$", "z = (-0.5)*(-0.3) = 0.15"),
    ("$z = 0.5 - -0.3 = 0.8$", "z = 0.5 - (-0.3) = 0.8"),
    (r"$z = \sqrt{0.25} = 0.5$", "z = sqrt(0.25) = 0.5"),
    (r"$L = \frac{1}{2}\sum_i (y_i - a_i)^2 = 0.5$", "L = 1*(1/2)*Σi{(y_i - a_i)^2} = 0.5"),
    (r"$L = \sum_{i=1}^{2} \frac{1}{2}(t_i - o_i)^2$", "L = Σi{1*(1/2)*(t_i - o_i)^2}"),
    (
        r"$z = w_1 x_1 + w_2 x_2 + \dots + w_4 x_4$",
        "z = w_1*x_1 + w_2*x_2 + w_3*x_3 + w_4*x_4",
    ),
    (
        r"$L = y_{1,1} + y_{1,2} + \dots + y_{2,2}$",
        "L = y_11 + y_12 + y_21 + y_22",
    ),
    (r"$L = y_{1,1} + y_{2,2} + \dots + y_{4,4}$", "L = y_11 + y_22 + y_33 + y_44"),
    (r"$E = e_{1,o1} + e_{1,o2} + \dots + e_{2,o2}$", "E = e_1,o1 + e_1,o2 + e_2,o1 + e_2,o2"),
    (r"$z = x_8 + \dots + x_{11}$", "z = x_8 + x_9 + x_10 + x_11"),
    (r"$z = w_1 x_2 + w_2 x_1 + \dots + w_4 x_4$", "z = w_1*x_2 + w_2*x_1 + …{} + w_4*x_4"),
    (r"$z = w_1 + w_3 + \dots + w_9$", "z = w_1 + w_3 + …{} + w_9"),
    (r"$z = w_1 + \dots + v_3$", "z = w_1 + …{} + v_3"),
    (r"$z = w_1 + w_2 + \dots + w_{9999}$", "z = w_1 + w_2 + …{} + w_9999"),
    ("$a = 0.5, b = 0.2$", "a = 0.5 ; b = 0.2"),
    ("$a = 0.5; b = 0.2$", "a = 0.5 ; b = 0.2"),
    (r"$a = 0.5 \qquad b = 0.2$", "a = 0.5 ; b = 0.2"),
    (r"$a = 0.5 \quad\text{and}\quad b = 0.2$", "a = 0.5 ; b = 0.2"),
    (r"$a = 0.5 \qquad = \frac12$", "a = 0.5 = 1*(1/2)"),
    (r"$x_1 = 0.5,\ x_2 = 0.1, \ldots, x_n = 0.3$", "x_1 = 0.5 ; x_2 = 0.1 ; x_n = 0.3"),
    ("$f'(z) = a (1 - a) = 0.25$", "f'<z> = a*(1 - a) = 0.25"),
    (r"$\sigma'(z) = 0.25$", "sigmoid'<z> = 0.25"),
    (r"$\sigma^{\prime}(z) = 0.25$", "sigmoid'<z> = 0.25"),
    (r"$\max(0, 0.3) = 0.3$", "relu(0.3) = 0.3"),
    (r"$a = \mathrm{ReLU}(0.3) = 0.3$", "a = relu(0.3) = 0.3"),
    (r"$a = \tanh 0.5 = 0.46$", "a = tanh(0.5) = 0.46"),
    (r"$a = \tanh^2(0.5) = 0.2$", "a = tanh(0.5)^2 = 0.2"),
    (r"$L = -\ln 0.5 = 0.693$", "L = -log(0.5) = 0.693"),
    (r"$L = -\log(0.5) = 0.693$", "L = -log(0.5) = 0.693"),
    (r"$z = 0.5 \pm 0.1$", r"z = ? ; ! 0.5 \pm 0.1"),
    (r"$z = \foo{0.5} = 0.2$", r"z = ? = 0.2 ; ! \foo{0.5}"),
    (r"$z = \frac{0.5}{0.2 = 2.5$", r"z = ? ; ! \frac{0.5}{0.2 = 2.5"),
    (r"$ z = 5\% $", r"z = ? ; ! 5\%"),
    (r"$\begin{aligned} z &= 0.1 + 0.2 \\ &= 0.3 \end{aligned}$", "z = 0.1 + 0.2 = 0.3"),
    (r"$$z = \begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix} \begin{bmatrix} 0.5 \\ 0.1 \end{bmatrix} = \begin{bmatrix} 0.7 \\ 1.9 \end{bmatrix}$$", "z_1 = 1*0.5 + 2*0.1 = 0.7 ; z_2 = 3*0.5 + 4*0.1 = 1.9"),
    (r"$$\mathbf{z} = \begin{pmatrix} 0.1 \\ 0.2 \end{pmatrix} \odot \begin{pmatrix} 3 \\ 4 \end{pmatrix} = \begin{pmatrix} 0.3 \\ 0.8 \end{pmatrix}$$", "z_1 = 0.1*3 = 0.3 ; z_2 = 0.2*4 = 0.8"),
    (r"$\delta = 0.1 \odot 0.2 = 0.02$", "δ = 0.1*0.2 = 0.02"),
    (r"$z = 0{,}5 \cdot 0{,}3 = 0{,}15$ und $x = 0{,}2$", "z = 0.5*0.3 = 0.15 ; x = 0.2"),
    (r"$z = 0,5 \cdot 0,3 = 0,15$ und $x = 0,2$, $y = 1.234,5$", "z = 0.5*0.3 = 0.15 ; x = 0.2 ; y = 1234.5"),
    (r"$\boxed{z = 0.5 + 0.1 = 0.6}$", "z = 0.5 + 0.1 = 0.6"),
    ("x = `0.9` and `w1` = `0.3`", "x = 0.9 ; w_1 = 0.3"),
    (r"$w \cdot x = 0.5$ where $x \in \{0, 1\}$", "w*x = 0.5 ; x ∈ [0, 1]"),
    (r"$a^{[1]} = \sigma(z^{[1]}) = 0.5$", "a^(1) = sigmoid(z^(1)) = 0.5"),
    ("$a^1_1 = 0.5$, $a^2_1 = 0.6$", "a^(1)_1 = 0.5 ; a^(2)_1 = 0.6"),
    (r"$\theta_{11}^{(1)} = 0.5$", "θ^(1)_11 = 0.5"),
    (r"$\vec{x} = 0.5$", "x = 0.5"),
    (r"$\delta_{o1} = (o_1 - t_1) \, o_1 (1 - o_1) = 0.1$", "δ_o1 = (o_1 - t_1)*o_1*(1 - o_1) = 0.1"),
    (r"$\delta^{(2)} = 0.1$", "δ^(2) = 0.1"),
    (r"$\nabla_w L = 0.5$", "∇_w*L = 0.5"),
    (r"$w_1^\star = 0.3$", "w^(*)_1 = 0.3"),
    ("$w_1^{*} = 0.3$", "w^(*)_1 = 0.3"),
    (r"$\mathcal{L} = 0.5$", "L = 0.5"),
    (r"$\|x\| = 0.5$", r"? = 0.5 ; ! \|x\|"),
    ("$0.5 < z < 0.7$", "0.5 < z < 0.7"),
    ("$e^{-0.5} = 0.6065$", "exp(-0.5) = 0.6065"),
    (r"$\exp\left(-0.5\right) = 0.6065$", "exp(-0.5) = 0.6065"),
    ("$P(y=1|x) = 0.5$", "? = 0.5 ; ! P(y=1|x)"),
]  # fmt: skip

PLAIN = [
    ("w1 = 0.2", "w_1 = 0.2"),
    ("w_1 = 0.2", "w_1 = 0.2"),
    ("w11_new = 0.2", "w_11_new = 0.2"),
    ("w₁ = 0.2", "w_1 = 0.2"),
    ("x² = 0.25", "x^2 = 0.25"),
    ("ŷ = 0.5", "ŷ = 0.5"),
    ("y_hat = 0.5", "ŷ = 0.5"),
    ("∂L/∂w₁ = 0.5", "dL/dw_1 = 0.5"),
    ("z = w·x + b = 0.3·0.5 + 0.1 = 0.25", "z = w*x + b = 0.3*0.5 + 0.1 = 0.25"),
    ("z = 0.3 × 0.5 − 0.1 = 0.05", "z = 0.3*0.5 - 0.1 = 0.05"),
    ("a = sigmoid(z) = sigmoid(0.5) = 0.62", "a = sigmoid(z) = sigmoid(0.5) = 0.62"),
    ("a = sigma(0.5) = 0.62", "a = sigmoid(0.5) = 0.62"),
    ("a = σ(0.5) ≈ 0.62", "a = sigmoid(0.5) ≈ 0.62"),
    ("a = 1/(1+np.exp(-0.5)) = 0.62", "a = 1*(1/(1 + exp(-0.5))) = 0.62"),
    ("a = 1 / (1 + math.exp(-z))", "a = 1*(1/(1 + exp(-z)))"),
    ("L = 0.5*(y - a)**2 = 0.125", "L = 0.5*(y - a)^2 = 0.125"),
    ("L = 1/2 (y - a)^2", "L = 1*(1/2)*(y - a)^2"),
    ("z = W @ x", "z = W*x"),
    ("w1 → 0.15", "w_1 → 0.15"),
    ("w1: 0.15", "w_1 = 0.15"),
    ("- w1: 0.15", "w_1 = 0.15"),
    ("- w1: 0.15, w2: 0.2", "w_1 = 0.15 ; w_2 = 0.2"),
    ("w1 = 0.2, w2 = 0.3 and b = 0.1", "w_1 = 0.2 ; w_2 = 0.3 ; b = 0.1"),
    ("w1 = 0.3    w2 = -0.2    # weights", "w_1 = 0.3 ; w_2 = -0.2"),
    ("z = w*x + b    # 0.25", "z = w*x + b = 0.25"),
    ("The learning rate is set to 0.1.", "learning_rate = 0.1"),
    ("The learning rate is $0.1$.", "learning_rate = 0.1"),
    ("with a learning rate of 0.1 and", "learning_rate = 0.1"),
    ("learning rate η = 0.5", "η = 0.5"),
    ("learning rate: 0.5", "learning_rate = 0.5"),
    ("The target is 0.8.", "target = 0.8"),
    ("The total error is now 0.298371109.", "loss = 0.298371109"),
    ("step 1: 0.5", ""),
    ("see [the page](https://example.com/a?b=0.5) for x = 0.5", "x = 0.5"),
    ("the loss `E = 0.5*(y - o)^2`, x = `0.9`", "E = 0.5*(y - o)^2 ; x = 0.9"),
    ("z = [0.1, 0.2] · [3, 4] = 1.1", "z = [0.1, 0.2]*[3, 4] = 1.1"),
    ("L = (0.8 - 0.5)² = 0.09", "L = (0.8 - 0.5)^2 = 0.09"),
    ("Δw = -0.5 * 0.1 = -0.05", "Δw = (-0.5)*0.1 = -0.05"),
    ("new w1 = 0.2 - 0.1 = 0.1", "w_1_new = 0.2 - 0.1 = 0.1"),
    ("w -= 0.5 * 0.1", "w ← w - 0.5*0.1"),
]  # fmt: skip

DOCUMENTS = {
    "values between commas": (
        "name,value\nw1,0.15\nw2,0.20\nb1,0.35\n",
        "w_1 = 0.15 ; w_2 = 0.20 ; b_1 = 0.35",
    ),
    "names in the header of a table": (
        "| w1 | w2 |\n|---|---|\n| 0.15 | 0.2 |\n",
        "w_1 = 0.15 ; w_2 = 0.2",
    ),
    "names in the first column": (
        "| name | value |\n|---|---|\n| $w_1$ | 0.15 |\n| z | 0.3*0.5 |\n| a = σ(z) | 0.6 |\n",
        "w_1 = 0.15 ; z = 0.3*0.5 ; a = sigmoid(z) ; a = 0.6",
    ),
    "LaTeX with a preamble": (
        "\\documentclass[11pt]{article}\n\\usepackage[margin=2.5cm]{geometry}\n\\setlength{\\parindent}{0pt}\n\\begin{document}\n\\begin{tabular}{l|c}\nname & value \\\\ \\hline\n$w_1$ & 0.15 \\\\\n$w_2$ & $0.20$ \\\\\n\\end{tabular}\n\\includegraphics[width=0.5\\textwidth]{a.png}\nSee \\cite[p.~3]{x=2}. $z = 0.5$ % z = 0.7\n\\end{document}\n",
        "w_1 = 0.15 ; w_2 = 0.20 ; z = 0.5",
    ),
    "HTML with a table": (
        "<html><body><p>w<sub>1</sub> = 0.15, x<sup>2</sup> = 0.25</p><table><tr><th>name</th><th>value</th></tr><tr><td>w<sub>1</sub></td><td>0.15</td></tr><tr><td>w2</td><td>&minus;0.2</td></tr></table><p>z &asymp; 0.5 &middot; 0.3 = 0.15</p></body></html>",
        "w_1 = 0.15 ; x^(2) = 0.25 ; w_1 = 0.15 ; w_2 = -0.2 ; z ≈ 0.5*0.3 = 0.15",
    ),
    "MathML": (
        "<html><body><math><mi>z</mi><mo>=</mo><mfrac><mn>1</mn><mn>2</mn></mfrac><mo>⋅</mo><msub><mi>w</mi><mn>1</mn></msub><mo>=</mo><mn>0.5</mn></math></body></html>",
        "z = 1*(1/2)*w_1 = 0.5",
    ),
    "a program": (
        "```python\nimport numpy as np\nx = 0.5\nw1 = 0.3  # weight\ndef sigmoid(z):\n    return 1/(1+np.exp(-z))\nz = w1*x\nprint('z =', z)\na = sigmoid(z)  # 0.5374\nx = np.array([[0.5, 0.1]])\nfor i in range(10): lr = 0.1\n```\n",
        "x = 0.5 ; w_1 = 0.3 ; z_1 = w_1*x_1 ; z_2 = w_1*x_2 ; a = ? = 0.5374 ; x_1 = 0.5 ; x_2 = 0.1",
    ),
    "values in sentences": (
        "A bias of 0.35 is added, with inputs of 0.05 and 0.10. The learning rate is\n0.1. We wanted 0.8.\n",
        "learning_rate = 0.1 ; ! 0.35 ; ! 0.05 ; ! 0.10",
    ),
    "a number alone": ("Here is $0.1234$ and $x = 0.5$.\n", "x = 0.5 ; ! 0.1234"),
    "headings without marks": (
        "1. The network\n\nw1 = 0.5\n\n2. Forward pass\n\nz = w1*0.5 = 0.25\n",
        "w_1 = 0.5 ; z = w_1*0.5 = 0.25",
    ),
    "lists": (
        "Weights:\n- w1 → 0.15\n- w2 -> 0.2\n* **b1**: 0.35\n",
        "w_1 → 0.15 ; w_2 → 0.2 ; b_1 = 0.35",
    ),
    "a chain over two formulas": ("$$z = 0.1 + 0.2$$\n$$= 0.3$$\n", "z = 0.1 + 0.2 = 0.3"),
    "aligned rows": (
        "\\begin{align}\nz_1 &= 0.1 + 0.2 \\\\\n&= 0.3 \\\\\nz_2 &= 0.5\n\\end{align}\n",
        "z_1 = 0.1 + 0.2 = 0.3 ; z_2 = 0.5",
    ),
    "several on a line": ("z ~ 0.5\nx1 = 1.5, x2 = 2.5; y = 1\n", "x_1 = 1.5 ; x_2 = 2.5 ; y = 1"),
    "addresses and citations": (
        "https://x.org/?a=0.5 and ![w=0.5](a.png) [1] z = 0.5 [2]\n",
        "z = 0.5",
    ),
    "an augmented assignment": ("w1 = 0.5\nw1 -= 0.1 * 0.2\n", "w_1 = 0.5 ; w_1 ← w_1 - 0.1*0.2"),
    "German": (
        "Die Lernrate beträgt 0,5. Mit $w = 0,25$ und $x = 0,5$ wird $z = 0,25 \\cdot 0,5 = 0,125$.\n",
        "learning_rate = 0.5 ; w = 0.25 ; x = 0.5 ; z = 0.25*0.5 = 0.125",
    ),
    "values between blanks": (
        "name   value\nw1     0.15\nw2     0.20\n",
        "w_1 = 0.15 ; w_2 = 0.20",
    ),
    "values between tabs": ("w1\t0.15\nw2\t0.2\n", "w_1 = 0.15 ; w_2 = 0.2"),
    "a macro": (
        "\\newcommand{\\pd}[2]{\\frac{\\partial #1}{\\partial #2}}\n$\\pd{L}{w} = 0.5$\n",
        "dL/dw = 0.5",
    ),
    "cases": (
        "$$f(z) = \\begin{cases} z & z > 0 \\\\ 0.01 z & z \\le 0 \\end{cases}$$\n",
        r"f<z> = ? ; ! \begin{cases} z & z > 0 \\ 0.01 z & z \le 0 \end{cases}",
    ),
}


@pytest.mark.parametrize(("text", "expected"), LATEX, ids=[text for text, _ in LATEX])
def test_latex(text: str, expected: str) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(("text", "expected"), PLAIN, ids=[text for text, _ in PLAIN])
def test_plain_text(text: str, expected: str) -> None:
    assert told(text) == expected


@pytest.mark.parametrize("name", DOCUMENTS)
def test_whole_documents(name: str) -> None:
    text, expected = DOCUMENTS[name]
    assert told(text) == expected


@pytest.mark.parametrize(
    ("text", "layered"),
    [
        ("a_1^1 = 0.5\n", "a"),
        ("a_n,j^2 = 0.5\n", "a"),
        ("b_1^1_new = 0.5\n", "b"),
        ("dL/dw_11^2 = 0.5\n", "w"),
        (r"$\delta^{2}_{1} = 0.5$", "δ"),
        ("$ {z }_{1, 1}^{1}$\n $= 0.5$", "z"),
        (r"$\frac{∂ L }{∂ {w }_{11}^{1}}$", "w"),
        ("L = x^2 + 1\n", ""),
        ("the square $x^2$ of x\n", ""),
        ("d^2L/dw^2 = 0.5\n", ""),
        (r"$\frac{\partial^2 L}{\partial w^2} = 0.5$", ""),
    ],
)
def test_superscripts_that_are_labels(text: str, layered: str) -> None:
    assert dialect_of(text).layered == set(layered)


def test_a_second_superscript_is_a_power() -> None:
    text = "a_1^1 = 0.5\n\nd = 1 − a_1^1² = 0.75\n"
    assert told(text) == "a^(1)_1 = 0.5 ; d = 1 - a^(1)_1^2 = 0.75"


def test_headings_without_marks_stand_above() -> None:
    chains = read(DOCUMENTS["headings without marks"][0]).chains
    assert [chain.context for chain in chains] == [
        "1. The network",
        "1. The network / 2. Forward pass",
    ]


def test_a_power_of_ten_ends_behind_its_brace() -> None:
    text = r"$z = 2.46519 \cdot 10^{-32}$"
    number = read(text).chains[0].members[1].number
    assert number is not None
    assert text[number.start : number.end] == r"2.46519 \cdot 10^{-32}"


def places(document: Document) -> Iterator[tuple[str, Written]]:
    """Each printed number, and what stands in the file where it is said to stand."""
    source = document.source
    for chain in document.chains:
        for member in chain.members:
            for node in every(member.expr) if member.expr is not None else ():
                if isinstance(node, Written) and "e" not in node.text:
                    yield (
                        source.raw[source.place(node.start) : source.place(node.end - 1) + 1],
                        node,
                    )


@pytest.mark.parametrize(
    "file", sorted((Path(__file__).parent / "documents").glob("*.[!t]*")), ids=lambda f: f.name
)
def test_every_number_stands_where_it_is_said_to(file: Path) -> None:
    found = [*places(document(source.read(file)))]
    for stands, number in found:
        digits = "".join(re.findall(r"[\d.,]+", stands)).replace(",", ".")
        assert float(digits) == abs(number.value), (stands, number)
    assert len(found) > 10 or file.suffix == ".toml"


def test_too_many_formulas_are_refused_in_one_line() -> None:
    with pytest.raises(LimitError, match=r"more than 600 formulas\. Cut it into parts"):
        read("".join(f"w{n} = 0.5\n" for n in range(1, 1600)))
    with pytest.raises(LimitError, match=r"more than 30,000 names, numbers and operations in"):
        read("".join(f"z{n} = {' + '.join(['x1*w1'] * 200)}\n" for n in range(1, 100)))


def test_a_long_text_is_refused_in_one_line() -> None:
    with pytest.raises(LimitError, match=r"holds more than 500,000 characters of text"):
        read("a " * 300_000)


MARKS = [
    "$", "$$", "\\(", "\\)", "\\[", "\\]", "\\begin{align}", "\\end{align}", "\\frac", "{", "}", "^", "_", "=", "0.5",
    "w", "-", "\n", "|", "---", "&", "\\\\", "<td>", "</td>", "<sub>", "<math>", "<mfrac>", "</", "&lt;", "\\sqrt",
    "\\begin{bmatrix}", "\\end{bmatrix}", "\\left", "(", ")", "[", "]", ",", "#", "`", "```python", "\\hat", "e", "T",
    "\\text{", "\\boxed", "d", "∂", "/", "²", "₁", "′", "·", "learning rate is ", "1,234", "{,}", "⊙", "\\quad", "    ",
    "%", "\\newcommand", "<!--", "-->", "<script>", "~", "→", "\t", "-=", "'", "10", "\\sum", "\\partial", "new ",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.text(max_size=80), st.lists(st.sampled_from(MARKS), max_size=40).map("".join)),
    st.sampled_from([None, "latex", "html", "notebook"]),
)
def test_no_text_is_too_odd(text: str, kind: str | None) -> None:
    """Whatever stands there is read, or refused with an error of our own."""
    try:
        found = read(text, kind)
    except HandgradError:
        return
    for chain in found.chains:
        assert said(chain)
        assert all(
            0 <= member.start <= member.end <= len(found.source.text) for member in chain.members
        )
    assert all(found.source.line(place.start) >= (1, 1) for place in found.unread)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=20)))
def test_every_notebook_is_read(cells: list[str]) -> None:
    made = [{"cell_type": "markdown", "metadata": {}, "source": cell} for cell in cells]
    for ascii_only in (True, False):
        try:
            raw = json.dumps({"cells": made}, ensure_ascii=ascii_only)
        except UnicodeEncodeError:
            continue
        read(raw, "notebook")


def test_the_text_of_a_notebook_is_that_of_its_cells() -> None:
    cell = 'a "quoted" \\frac{1}{2} and \U0001d70e\n$x = 0.5$'
    raw = json.dumps({"cells": [{"cell_type": "markdown", "source": [cell]}]})
    found = source_of(raw, kind="notebook")
    assert found.text == cell + "\n"
    assert raw[found.place(found.text.index("0.5")) :].startswith("0.5")
