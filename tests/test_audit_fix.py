"""Corrected and annotated documents: right numbers in the author's digits, marks where they belong."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.pages import problem
from tests.planted.scoring import written
from tests.planted.story import slipped
from tests.test_audit_network import EXPECTED, network_of

import handgrad as hg
from handgrad.auditing.annotate import annotated
from handgrad.auditing.audit import corrected
from handgrad.auditing.fix import Fixed
from handgrad.auditing.restated import Style, restated, style_of
from handgrad.errors import InputError
from handgrad.model.problem import Problem

DOCUMENTS = Path(__file__).parent / "documents"
GIVEN = "w1 = 0.2, w2 = 0.3, b = 0.1, x1 = 0.5, x2 = 0.4\n\n"
TEXT = GIVEN + "z = w1*x1 + w2*x2 + b = 0.2*0.5 + 0.3*0.4 + 0.1 = {z}\n\na = σ(z) = {a}\n"
WRONG = TEXT.format(z="0.33", a="0.5818")  # σ(0.33)


def fixed(text: str, network: Problem | None = None) -> Fixed:
    return corrected(hg.audit(text, network=network), network)


# The author's digits


@pytest.mark.parametrize(
    ("value", "printed", "shown"),
    [
        (0.123456, "0.33", "0.12"),
        (0.125, "0.13", "0.13"),
        (-0.123456, "0.33", "-0.12"),
        (0.123456, "-0.33", "0.12"),
        (0.123456, ".33", ".12"),
        (1.5, ".33", "1.50"),
        (0.123456, "0,3300", "0,1235"),
        (0.123456, "0{,}33", "0{,}12"),
        (0.00012345, "2.40e-3", "1.23e-4"),
        (12345.6, "1.2 \\times 10^{3}", "1.2 \\times 10^{4}"),
        (-1e-9, "0.000", "0.000"),
        (3.0, "2", "3"),
        (0.56, "1", "0.5600"),
        (float("nan"), "0.1", ""),
        (0.5, "about half", ""),
    ],
)
def test_a_value_in_the_digits_of_what_was_printed(value: float, printed: str, shown: str) -> None:
    assert restated(value, printed) == shown


def test_digits_are_cut_off_by_authors_who_cut_them_off() -> None:
    style = style_of(["0.1234", "0.5"], ["truncated", "truncated", "rounded"])
    assert style == Style(4, cut=True)
    assert restated(0.12999, "0.33", style) == "0.12"
    assert restated(0.3, "0.33", style) == "0.30"  # not 0.29 for want of a bit


@given(st.floats(-1e6, 1e6), st.integers(1, 9))
def test_what_is_restated_is_the_value_rounded(value: float, decimals: int) -> None:
    shown = restated(value, f"0.{'1' * decimals}")
    assert abs(Decimal(shown) - Decimal(repr(value))) <= Decimal(5).scaleb(-decimals - 1)
    assert len(shown.partition(".")[2]) == decimals


# Corrections


def test_a_slip_and_all_that_follows_from_it_is_corrected() -> None:
    made = fixed(WRONG)
    assert made.text == TEXT.format(z="0.32", a="0.5793")
    assert made.report.clean
    assert made.changed == 2


def test_copies_of_a_wrong_number_are_corrected_with_it() -> None:
    made = fixed(WRONG + "\nL = (1 - a)**2 = (1 - 0.5818)**2 = 0.1749\n")
    assert "(1 - 0.5793)**2 = 0.1770" in made.text
    assert made.report.clean


def test_a_lost_sign_comes_back() -> None:
    text = "w = -0.2, x = 0.5, b = 0.05\n\nz = w*x + b = -0.2*0.5 + 0.05 = 0.15\n\ns = 2*z = 0.30\n"
    made = fixed(text)
    assert "+ 0.05 = -0.05\n" in made.text
    assert made.text.rstrip().endswith("= -0.10")
    assert made.report.clean


def test_a_clean_document_stays_as_it_is() -> None:
    clean = TEXT.format(z="0.32", a="0.5793")
    assert fixed(clean) == Fixed(clean, hg.audit(clean), 0)


@pytest.mark.parametrize("name", ["README.md", "flat-weights.txt", "net-out.md"])
def test_documents_with_slips_come_out_clean(name: str, tmp_path: Path) -> None:
    net = network_of(next(d for d in EXPECTED if d["file"] == name))
    report = hg.audit(DOCUMENTS / name, network=net)
    assert not report.clean
    made = corrected(report, net)
    path = tmp_path / name
    path.write_text(made.text, encoding="utf-8")
    again = hg.audit(path, network=net)
    assert again.clean, str(again)
    assert len(made.text.splitlines()) == len(report.source.raw.splitlines())
    bare = [re.sub(r"[-−+()\d.,\s]", "", text) for text in (made.text, report.source.raw)]
    assert bare[0] == bare[1]  # nothing but numbers and their signs has changed


@pytest.mark.parametrize("seed", range(12))
def test_planted_slips_are_corrected_or_what_is_left_is_told(seed: int, tmp_path: Path) -> None:
    slip = ("arithmetic", "digit", "sign", "truncated")[seed % 4]
    story = slipped(seed, [slip])
    if story is None:
        return  # the network drawn has no place for this slip
    document = written(story)
    path = tmp_path / f"planted{document.suffix}"
    path.write_text(document.text, encoding="utf-8")
    made = corrected(hg.audit(path))
    copy = tmp_path / f"fixed{document.suffix}"
    copy.write_text(made.text, encoding="utf-8")
    again = hg.audit(copy)
    assert again.wrong == made.report.wrong
    assert again.wrong <= hg.audit(path).wrong


def test_a_page_of_explain_with_one_wrong_digit_comes_back_to_what_it_was() -> None:
    net = problem("sum-of-two-2-2-1")
    page = hg.explain(net).to_markdown()
    spoilt = page.replace("0.75026", "0.75062", 1)
    assert spoilt != page
    made = fixed(spoilt, net)
    assert made.text == page


def test_a_notebook_stays_a_notebook() -> None:
    raw = json.dumps({"cells": [{"cell_type": "markdown", "source": [WRONG]}]})
    made = fixed("\n" + raw)
    (cell,) = json.loads(made.text)["cells"]
    assert cell["source"] == [TEXT.format(z="0.32", a="0.5793")]


# Marks


def test_markdown_gets_marks_and_footnotes() -> None:
    text = annotated(hg.audit(WRONG))
    assert "+ 0.1 = <mark>0.33</mark>[^audit-1]" in text
    assert "[^audit-1]: z = 0.33 is wrong, right: 0.32" in text
    assert "[^audit-2]: a = 0.5818 follows from 0.33 in line 3, right: 0.5793" in text


def bare(line: str) -> str:
    return re.sub(r"\\underline{([^}]*)}", r"\1", line)


def test_a_formula_is_underlined_and_its_note_stands_below() -> None:
    report = hg.audit(DOCUMENTS / "net-out.md")
    lines = annotated(report).splitlines()
    (at,) = (n for n, line in enumerate(lines) if "\\underline{0.5338661}" in line)
    assert lines[at].endswith("$$")
    assert any("right: -0.1661339" in line for line in lines[at + 1 : at + 7])
    assert "-(\\underline{0.2} - 0.7338661)" in lines[at]  # the operand that is wrong
    raw = report.source.raw.splitlines()
    changed = {f.line - 1 for f in report.findings if f.wrong}
    assert [line for line in lines if not line.startswith(">") and line] == [
        line if n not in changed else next(m for m in lines if bare(m) == line and m != line)
        for n, line in enumerate(raw)
        if line
    ]


def test_code_and_plain_text_get_carets(tmp_path: Path) -> None:
    path = tmp_path / "post.txt"
    path.write_text(WRONG, encoding="utf-8")
    lines = annotated(hg.audit(path)).splitlines()
    at = next(n for n, line in enumerate(lines) if line.endswith("= 0.33"))
    assert lines[at + 1].rindex("^") == len(lines[at]) - 1
    assert lines[at + 2].startswith("z = 0.33 is wrong, right: 0.32")
    fence = annotated(hg.audit(f"# A post\n\n```\n{WRONG}```\n"))
    assert "<mark>" not in fence
    assert "^^^^ z = 0.33 is wrong" in fence


def test_latex_gets_comments_and_html_marks() -> None:
    paper = (DOCUMENTS / "paper.tex").read_text("utf-8").replace("0.52498,", "0.52398,")
    latex = annotated(hg.audit(paper))
    assert [line for line in latex.splitlines() if not line.startswith("%")] == [
        line for line in paper.splitlines() if not line.startswith("%")
    ]
    assert "% a = 0.52398 is wrong, right: 0.52498" in latex
    page = (DOCUMENTS / "mathjax.html").read_text("utf-8").replace("0.5125", "0.5225")
    html = annotated(hg.audit(page))
    assert re.search(r"\\\] <mark title=\"a_2 = 0\.5225 is wrong, right: 0\.5125", html)
    plain = f"<!doctype html><html><body><p>{WRONG.replace(chr(10), '</p><p>')}</p></body></html>"
    assert "0.33</mark>" in annotated(hg.audit(plain + "\n"))


def test_a_clean_document_gets_no_mark() -> None:
    clean = TEXT.format(z="0.32", a="0.5793")
    assert annotated(hg.audit(clean)) == clean


def test_a_notebook_is_not_annotated() -> None:
    with pytest.raises(InputError, match="a notebook is not annotated"):
        annotated(hg.audit(DOCUMENTS / "notebook.ipynb"))
