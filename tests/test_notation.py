"""Notation: digits, letters and names, in every format; it changes what is shown and nothing else."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from functools import cache

import pytest

import handgrad as hg
from handgrad.calculus.functions import FUNCTIONS
from handgrad.model.problem import Problem
from handgrad.model.vocabulary import PRESETS
from handgrad.render import latex, mathml, spoken, text, typst
from handgrad.render.dialects import DIALECTS
from handgrad.render.digits import Digits
from pages import problem

NETWORK = hg.Network(
    [2, 2, 1],
    W=[[[0.2, 0.4], [0.3, 0.7]], [[0.6, -0.1]]],
    b=[[0.1, 0.2], [0.3]],
    x=[[1.1, 2.2]],
    y=[[3.3]],
)


def noted(problem: Problem = NETWORK, **notation) -> hg.Worked:
    return hg.explain(replace(problem, notation=hg.Notation(**notation)))


# --- digits ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.25, "0.25"),  # shorter than asked for: as it is
        (1.1 * 0.2, "0.22"),  # but for the last bits
        (0.92103, "0.9210"),  # rounded: all decimals
        (2.0, "2"),
        (-1.5, "-1.5"),
        (1234.56789, "1234.5679"),
        (0.00089214, "0.000892"),  # three digits at least
        (0.00001, "1e-5"),
        (4.2481e-18, "4.25e-18"),  # what is not zero is never shown as zero
        (-4.2481e-18, "-4.25e-18"),
        (0.0, "0"),
        (-0.0, "0"),
        (1e14 + 0.5, "100000000000000.5"),
        (1.5e300, "1.5e300"),
        (0.99996, "1.0000"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
        (float("nan"), "undefined"),
    ],
)
def test_four_decimals(value, shown):
    assert Digits(4).show(value) == shown


@pytest.mark.parametrize(
    ("digits", "value", "shown"),
    [
        (Digits(0), 2.6, "3"),
        (Digits(2), 0.5621765, "0.562"),
        (Digits(2), 1.4013, "1.40"),
        (Digits(15), 8.182485757150451e-05, "8.1824857572e-5"),  # as many decimals as asked for
        (Digits(17), 0.1, "0.1"),
        (Digits(4, 3), 0.5621765, "0.562"),
        (Digits(4, 3), 12.3456, "12.3"),
        (Digits(4, 2), 0.000123456, "0.00012"),
        (Digits(4, 2), 4.2481e-18, "4.2e-18"),
        (Digits(4, 5), 0.25, "0.25"),
        (Digits(4, 3), 1.5e300, "1.5e300"),
        (Digits(4, 3), 1.23456e300, "1.23e300"),
    ],
)
def test_other_decimals_and_significant_digits(digits, value, shown):
    assert digits.show(value) == shown


def test_exact_is_said_of_what_is_shown_in_full():
    assert Digits(4).exact(0.25)
    assert Digits(4).exact(1.1 * 0.2)
    assert not Digits(4).exact(0.92103)
    assert not Digits(4).exact(1 / 3)
    assert not Digits(4).exact(float("nan"))


def test_a_page_uses_the_digits_asked_for():
    a = float(hg.explain(NETWORK).traces[0][1]["a1"][0, 0])
    for digits in (2, 5, 9):
        assert f"≈ {Digits(digits).show(a)}" in noted(digits=digits).to_text()
        assert rf"\approx {Digits(digits).show(a)}" in noted(digits=digits).to_latex()
    assert f"≈ {a:.3f}" in noted(significant=3).to_text()


def test_whole_arrays_are_called_equal_only_where_they_are_shown_in_full():
    page = hg.explain(problem("sum-of-two-2-2-1"), reading="matrix")
    assert "= [1.1 1.87]\n" in page.to_text()
    assert "≈ [0.75026 0.86646]\n" in page.to_text()
    assert r"\approx \begin{bmatrix} 0.75026 & 0.86646 \end{bmatrix}" in page.to_markdown()


# --- letters and names -----------------------------------------------------------------------


def test_letters_for_loss_target_and_rate():
    page = noted(loss="E", target="T", learning_rate="α")
    shown = page.to_text()
    assert "E = ½·(a2[1] − T[1])²" in shown
    assert "W1_new[1,1] = W1[1,1] − α·dE/dW1[1,1]" in shown
    assert not re.search(r"\bL\b|\by\[|η", shown)
    formulas = page.to_latex()
    assert r"E = \frac{1}{2} \cdot \left(a^{(2)}_{1} - T_{1}\right)^{2}" in formulas
    assert r"\alpha \cdot \frac{\partial E}{\partial W^{(1)}_{1,1}}" in formulas
    assert not re.search(r"\\eta|\bL\b", formulas)


def test_a_name_for_an_element():
    shown = noted(names={"W1[1,2]": "w_{21}", "dL/dz2[1]": "δ_o"})
    assert "z1[1] = W1[1,1]·x[1] + w_21·x[2] + b1[1]" in shown.to_text()
    assert "dL/dw_21 = dL/dz1[1]·x[2]" in shown.to_text()
    assert "w_21_new = w_21 − η·dL/dw_21" in shown.to_text()
    assert "δ_o = dL/da2[1]·a2[1]·(1 − a2[1])" in shown.to_text()
    assert (
        r"w_{21,\text{new}} = w_{21} - \eta \cdot \frac{\partial L}{\partial w_{21}}"
        in shown.to_latex()
    )


def test_a_name_for_a_whole_quantity_keeps_the_indices():
    shown = noted(names={"W1": "w^{(1)}", "a2": "ŷ"})
    assert "z1[1] = w^(1)[1,1]·x[1] + w^(1)[1,2]·x[2] + b1[1]" in shown.to_text()
    assert "ŷ[1] = σ(z2[1])" in shown.to_text()
    assert r"w^{(1)}_{1,2} \cdot x_{2}" in shown.to_latex()
    assert r"\hat{y}_{1} = \sigma\left(z^{(2)}_{1}\right)" in shown.to_latex()


def test_the_name_of_an_element_goes_before_that_of_the_whole():
    shown = noted(names={"W1": "w", "W1[1,1]": "v"}).to_text()
    assert "z1[1] = v·x[1] + w[1,2]·x[2] + b1[1]" in shown


@pytest.mark.parametrize(
    ("name", "shown", "formula"),
    [
        ("w_{11}^{(1)}", "w_11^(1)", "w^{(1)}_{11}"),
        ("w^{(1)}_{11}", "w_11^(1)", "w^{(1)}_{11}"),
        ("w_1", "w_1", "w_{1}"),
        ("θ", "θ", r"\theta"),
        ("θ1", "θ1", r"\theta_{1}"),
        ("y_{pred}", "y_pred", r"y_{\text{pred}}"),
        ("net", "net", r"\text{net}"),
        ("w_{h1}", "w_h1", "w_{h1}"),
    ],
)
def test_names_are_set_as_mathematics(name, shown, formula):
    page = noted(names={"W1[1,1]": name})
    assert f"z1[1] = {shown}·x[1] + " in page.to_text()
    assert rf"{formula} \cdot x_{{1}} + " in page.to_latex()


def test_every_greek_letter_is_set_by_its_command():
    for letter in "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ":
        assert re.search(r"= \\[a-zA-Z]+ \\cdot x_", noted(names={"W1[1,1]": letter}).to_latex()), (
            letter
        )


def test_a_letter_that_no_font_has_becomes_a_question_mark():
    for letter in "Ħſ¡¿÷字":
        assert r"= \text{?} \cdot x_" in noted(names={"W1[1,1]": letter}).to_latex(), letter
    assert r"= \text{é} \cdot x_" in noted(names={"W1[1,1]": "é"}).to_latex()


def test_a_negative_number_behind_a_minus_has_brackets():
    p = hg.Equations("E = -(w - v)", loss="E", parameters={"w": 0.5, "v": -0.25})
    assert "E = −(w − v) = −(0.5 − (−0.25))" in hg.explain(p).to_text()
    assert (
        r"E = -\left(w - v\right) = -\left(0.5 - \left(-0.25\right)\right)"
        in hg.explain(p).to_latex()
    )


def test_a_function_that_is_written_as_its_argument_keeps_the_brackets():
    p = hg.Equations("E = 2*identity(w + v)**2", loss="E", parameters={"w": 0.5, "v": 0.25})
    assert "E = 2·(w + v)² = 2·(0.5 + 0.25)²" in hg.explain(p).to_text()
    assert r"E = 2 \cdot \left(w + v\right)^{2}" in hg.explain(p).to_latex()


NOTATIONS = [
    {"loss": "E", "target": "T", "learning_rate": "α"},
    {"digits": 0},
    {"significant": 1},
    {"names": {"W1": "v", "W1[1,1]": "L", "z1": "a1", "L": "W1"}},
    {"backward": "delta", "updates": "backward", "appendix": True},
]


@pytest.mark.parametrize("notation", NOTATIONS, ids=", ".join)
def test_notation_never_changes_a_number(notation):
    plain = json.loads(hg.explain(NETWORK, steps=3).to_json())
    shown = replace(NETWORK, notation=hg.Notation(**notation))
    other = json.loads(hg.explain(shown, steps=3).to_json())
    assert other["steps"] == plain["steps"]
    assert other["final"] == plain["final"]
    keys = ("name", "phase", "text", "why")
    texts = [[[e[key] for key in keys] for e in d["equations"]] for d in (plain, other)]
    assert texts[0] == texts[1]


# --- presets -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("preset", "written", "set_as"),
    [
        ("superscript", "w_21^1 z_2^1 a_1^2 b_1^2", "w^{1}_{21} z^{1}_{2} a^{2}_{1} b^{2}_{1}"),
        ("bracket", "W_21^[1] z_2^[1] a_1^[2] b_1^[2]", "W^{[1]}_{21} z^{[1]}_{2}"),
        ("from-to", "w_12^(1) z_2^(1) a_1^(2)", "w^{(1)}_{12} a^{(2)}_{1}"),
        ("flat", "w_1 w_2 w_3 w_4 w_5 w_6 b_1 b_2 b_3 z1[2]", "w_{3} w_{6} b_{3}"),
        ("net-out", "net_h2 out_h1 out_o1 target[1]", r"\text{net}_{h2} \text{out}_{o1}"),
    ],
)
def test_a_preset_names_things_as_textbooks_do(preset, written, set_as):
    worked = noted(preset=(preset,))
    for name in written.split():
        assert re.search(rf"(?<![\w^]){re.escape(name)}(?![\w^])", worked.to_text()), name
    for name in set_as.split():
        assert name in worked.to_latex(), name


def test_presets_are_combined_and_a_users_own_name_goes_first():
    text = noted(preset=("flat", "net-out"), names={"W1[1,1]": "ω"}, loss="C").to_text()
    assert all(name in text for name in ("ω", "w_2", "net_h1", "out_o1", "dC/dw_6"))
    assert "w_1 " not in text


def test_a_larger_network_names_hidden_layers_and_units_apart():
    p = hg.Network([1, 11, 2, 1], x=[[1.0], [2.0]], y=[[0.5], [0.25]])
    text = noted(p, preset=("superscript", "net-out")).to_text()
    assert "net_2,h1,11" in text  # the second example, the first hidden layer, its last unit
    assert "w_1,11^2" in text  # a comma where 111 could be read in two ways


def test_there_is_a_dialect_for_every_preset_that_a_file_may_name():
    assert tuple(DIALECTS) == PRESETS


@pytest.mark.parametrize("preset", ["brackets", ("flat", "nett-out")])
def test_an_unknown_preset_is_told(preset):
    with pytest.raises(hg.InputError, match="There is no preset"):
        noted(preset=preset).to_text()


def test_notation_never_changes_what_is_computed():
    plain = json.loads(noted().to_json())
    for notation in (
        {"preset": ("flat", "net-out")},
        {"decimal_mark": ","},
        {"derivative": "δ"},
        {"vectors": "columns", "backward": "matrix"},
    ):
        other = json.loads(noted(**notation).to_json())
        assert (other["steps"], other["final"]) == (plain["steps"], plain["final"])


def test_a_decimal_comma_stands_for_every_point():
    point, comma = noted(), noted(decimal_mark=",")
    pattern = re.compile(r"(?<=\d)\.(?=\d)")
    assert pattern.sub(",", point.to_text()) == comma.to_text()
    latex = pattern.sub("{,}", point.to_latex().replace("margin=2.5cm", ""))
    assert latex == comma.to_latex().replace("margin=2.5cm", "")


@pytest.mark.parametrize(
    ("sign", "written"), [("∂", r"\partial"), ("d", "d"), ("δ", r"\delta"), ("", r"\partial")]
)
def test_the_sign_of_a_derivative(sign, written):
    worked = noted(derivative=sign)
    assert f"{sign or 'd'}L/{sign or 'd'}W2[1,1] = " in worked.to_text()
    assert rf"\frac{{{written} L}}{{{written} W^{{(2)}}_{{1,1}}}}" in worked.to_latex()
    chain = hg.explain(replace(NETWORK, notation=hg.Notation(derivative=sign)), of="W1[1,1]")
    assert f"{sign or 'd'}z2[1]/{sign or 'd'}a1[1]" in chain.to_text()


def test_vectors_are_columns_in_the_matrix_reading():
    text = noted(vectors="columns", backward="matrix").to_text()
    assert "z1 = W1·x + b1 = [0.2 0.4; 0.3 0.7]·[1.1; 2.2] + [0.1; 0.2] = [1.2; 2.07]" in text
    assert "dL/dW1 = dL/dz1·xᵀ" in text
    assert "dL/da1 = W2ᵀ·dL/dz2" in text


# --- names and titles that mean harm ---------------------------------------------------------

HOSTILE = {
    "a LaTeX command": r"\input{/etc/passwd}",
    "a LaTeX command that writes": r"\immediate\write18{rm -rf x}",
    "braces that do not match": r"}}}{{$ \end{aligned} \begin{",
    "dollars": "$$ a $$ $x$",
    "a comment": "% the rest is gone",
    "scripts": "a^b^c_d_e",
    "an end of CDATA": "]]>",
    "greek letters side by side": "αβγ<>δ",
    "a tag": "<script>alert(1)</script>",
    "an image": '<img src=x onerror="alert(1)">',
    "a link": "[click](javascript:alert(1))",
    "a code fence": "```\n# heading\n```",
    "an escape sequence": "\x1b[31mred\x1b]0;title\x07",
    "a backspace": "good\b\b\b\bevil",
    "a line break": "w\n\n## heading\r\n",
    "other line breaks": "w\u2028x\u2029y\x85z\x0b",
    "right-to-left marks": "w\u202egnp.exe\u2066\u200f\u061c",
    "nothing that shows": "\u200b\ufeff\u00ad",
    "ten thousand characters": "w" * 10_000,
    "ten thousand marks": "w" + "\u0301" * 10_000,
    "a surrogate": "w\ud800",
}


def inert(page: str) -> None:
    """No control character, no change of the direction of writing, no half of a character."""
    for character in page:
        kind = unicodedata.category(character)
        assert character == "\n" or kind not in ("Cc", "Cf", "Cs", "Zl", "Zp"), ascii(character)


@cache
def plain_pages() -> tuple[str, ...]:
    return pages_of(hg.explain(replace(NETWORK, title="t", source="s")))


def pages_of(worked: hg.Worked) -> tuple[str, ...]:
    formulas = worked.to_text(), worked.to_markdown(), worked.to_latex()
    return *formulas, worked.to_spoken(), worked.to_typst()


DANGEROUS = {"input", "include", "immediate", "write", "def", "catcode", "csname", "href"}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_comes_out_inert_and_bounded(name):
    names = {"W1[1,1]": name, "W2": name, "z1": f"z_{{{name}}}^{{{name}}}"}
    notation = hg.Notation(loss=name, target=name, learning_rate=name, names=names)
    worked = hg.explain(replace(NETWORK, notation=notation, title=name, source=name))
    pages = pages_of(worked)
    for page, plain in zip(pages, plain_pages(), strict=True):
        inert(page)
        assert len(page) < 20 * len(plain)
    _, markdown, formulas, *_ = pages
    # no heading, formula or block of code that the page does not have without the name
    starts = [
        [row for row in page.splitlines() if re.match("##|```", row)]
        for page in (markdown, plain_pages()[1])
    ]
    assert starts[0] == starts[1]
    assert markdown.count("$$") == plain_pages()[1].count("$$")
    # no tag and no link; no command but those of the package
    assert not re.search(r"<\w|<!|<\?|\]\(", re.sub(r"\\[<>\[\]]", "", markdown))
    assert not DANGEROUS & set(re.findall(r"\\([a-zA-Z]+)", formulas))
    assert formulas.count(r"\begin{document}") == formulas.count(r"\end{document}") == 1
    assert balanced(formulas)


def balanced(formulas: str) -> bool:
    """Whether every brace that is not escaped has its partner."""
    depth = 0
    for brace in re.findall(r"(?<!\\)(?:\\\\)*([{}])", formulas):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


def test_an_unbalanced_formula_is_noticed():
    assert balanced(r"\frac{1}{2} \{")
    assert not balanced(r"\frac{1}{2")
    assert not balanced(r"a}{b")


def test_a_title_is_one_line_of_at_most_two_hundred_characters():
    worked = hg.explain(replace(NETWORK, title="a\nb\tc " + "x" * 500))
    first = worked.to_text().splitlines()[0]
    assert first.startswith("a b c x")
    assert len(first) == 200
    assert first.endswith("…")


# --- tables of notation ----------------------------------------------------------------------


def missing_rows(table: dict[str, str]) -> list[str]:
    """The functions of the rule table that a table of notation lacks, and those it has in excess."""
    return sorted(FUNCTIONS.keys() ^ table.keys())


TABLES = {module.__name__: module.FUNCTIONS for module in (text, latex, mathml, typst, spoken)}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_table_of_notation_covers_the_rule_table(table):
    assert missing_rows(table) == []
    for function, template in table.items():
        assert template.format("Z").count("Z") == 1, function


def test_a_missing_row_is_noticed():
    assert missing_rows({k: v for k, v in text.FUNCTIONS.items() if k != "tanh"}) == ["tanh"]
    assert missing_rows(text.FUNCTIONS | {"sinh": "sinh({})"}) == ["sinh"]


@pytest.mark.parametrize("function", [f for f, row in FUNCTIONS.items() if row.arity == 1])
def test_every_elementwise_function_can_be_shown_in_every_format(function):
    p = hg.Equations(
        f"z = w*x\nE = {function}(z) + z**2", loss="E", parameters={"w": 0.5}, data={"x": 1.5}
    )
    worked = hg.explain(p, appendix=True)
    template = text.FUNCTIONS[function].format("z")
    assert f"E = {template} + z²" in worked.to_text()
    assert latex.FUNCTIONS[function].format("z") in worked.to_latex()
    name = re.sub("<[^>]*>", "", mathml.FUNCTIONS[function]).format("z")
    assert name in re.sub(r"<[^>]*>", "", worked.to_html())
    assert typst.FUNCTIONS[function].format("z") in worked.to_typst()
    assert spoken.FUNCTIONS[function].format("z") in worked.to_spoken()
    if FUNCTIONS[function].definition:
        assert "′" in worked.to_text().partition("Appendix")[2]
        assert "'" in worked.to_latex().partition("Appendix")[2]
        assert "<mo>′</mo>" in worked.to_html().partition("Appendix")[2]


# --- notebooks -------------------------------------------------------------------------------


def test_a_notebook_may_show_worked_steps_as_html_markdown_and_latex():
    worked = hg.explain(problem("one-neuron"))
    assert worked._repr_html_().startswith('<div class="handgrad ')
    assert worked._repr_markdown_() == worked.to_markdown()
    assert worked._repr_latex_() == worked.to_latex(whole=False)
    assert r"\documentclass" not in worked._repr_latex_()
    assert str(worked) == worked.to_text()


def test_a_notebook_shows_a_problem_by_its_equations():
    shown = problem("one-hidden-neuron-equations")._repr_markdown_()
    assert shown == (
        "```text\nz1 = w1·x + b1\na1 = sigmoid(z1)\nz2 = w2·a1 + b2\na2 = sigmoid(z2)\n"
        "E = (T − a2)²/2\n```\n"
    )


# --- alignment -------------------------------------------------------------------------------


def test_signs_stand_under_each_other_whatever_the_name_is_made_of():
    for name, wide in (("損失", 4), ("y\u0302\u0304", 1), ("\U0001f642", 2), ("ŷ", 1), ("abcd", 4)):
        rows = noted(names={"a2": name}).to_text(width=40).splitlines()
        start = next(n for n, row in enumerate(rows) if row.startswith(f"    {name}[1] ="))
        under = [row.index(sign) for row, sign in zip(rows[start + 1 :], "====≈", strict=False)]
        assert under == [4 + wide + len("[1] ")] * 5, name


def test_fractions_are_written_by_their_signs_where_there_are_any():
    p = hg.Equations("E = w**3/3 + (1/6)*w + (1/7)*w**2", loss="E", parameters={"w": 0.5})
    worked = hg.explain(p, symbols_only=True)
    assert "E = w³/3 + ⅙·w + 1/7·w²" in worked.to_text()
    assert (
        r"E = \frac{w^{3}}{3} + \frac{1}{6} \cdot w + \frac{1}{7} \cdot w^{2}" in worked.to_latex()
    )
    assert "<mfrac><mn>1</mn><mn>6</mn></mfrac>" in worked.to_html()
