"""Documents audited against a problem that is given: names matched, truth taken from the problem."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.pages import problem

import handgrad as hg
from handgrad.auditing.report import Finding, Report
from handgrad.errors import InputError, LimitError
from handgrad.model.problem import Problem

DOCUMENTS = Path(__file__).parent / "documents"
EXPECTED = tomllib.loads((DOCUMENTS / "expected.toml").read_text("utf-8"))["document"]
READ = [d for d in EXPECTED if d["file"] != "matrix.md"]  # one name for a whole matrix
APART = [d for d in READ if d["file"] != "missing-error.md"]  # two formulas between two dollars

NET = hg.Network(
    [2, 2, 1],
    activation="sigmoid",
    loss="half_squared_error",
    W=[[[0.1, 0.2], [0.3, 0.4]], [[0.5, 0.6]]],
    b=[[0.05, 0.15], [0.25]],
    x=[[1.0, 2.0]],
    y=[[0.5]],
    learning_rate=0.3,
)
TRACE = hg.evaluate(hg.derive(NET), NET)


def network_of(document: Mapping[str, Any]) -> Problem:
    given = dict(document["network"])
    sizes = [len(given["W"][0][0]), *(len(rows) for rows in given["W"])]
    return hg.Network(sizes, **given)


def audited(text: str, network: Problem = NET) -> Report:
    return hg.audit(text + "\n", network=network)


def by_symbol(report: Report) -> dict[str, Finding]:
    return {f.symbol: f for f in report.findings if f.symbol}


def digits(text: str) -> str:
    return text.replace("−", "-").replace(",", ".").lstrip("-")


@pytest.mark.parametrize("document", READ, ids=[d["file"] for d in READ])
def test_numbers_get_the_names_of_the_problem(document: Mapping[str, Any]) -> None:
    report = hg.audit(DOCUMENTS / document["file"], network=network_of(document))
    found = 0
    for expected in (e for kind in ("root", "fine") for e in document.get(kind, [])):
        named = {
            f.quantity
            for f in report.findings
            if digits(f.printed) == digits(expected["printed"]) and f.line == expected["line"]
        }
        letters, _, place = expected["quantity"].partition("[")
        short = (
            f"{letters}[{place.split(',')[-1]}"
            if letters[-2:-1] in ("a", "z")
            else expected["quantity"]
        )
        if named:
            found += 1
            assert short in named, expected
    assert found > 0


@pytest.mark.parametrize("document", APART, ids=[d["file"] for d in APART])
def test_a_right_document_is_clean_and_a_slip_is_found(document: Mapping[str, Any]) -> None:
    report = hg.audit(DOCUMENTS / document["file"], network=network_of(document))
    wrong = {f.line for f in report.findings if f.wrong}
    told = {e["line"] for kind in ("root", "follows") for e in document.get(kind, [])}
    assert wrong <= told
    assert bool(wrong) is bool(document["slip"])


ROWS = "w1 = 0.1\nw2 = 0.2\nw3 = 0.3\nw4 = 0.4\nw5 = 0.5\nw6 = 0.6\n"
COLUMNS = "w1 = 0.1\nw2 = 0.3\nw3 = 0.2\nw4 = 0.4\nw5 = 0.5\nw6 = 0.6\n"
GRAPH = "w_13 = 0.1\nw_23 = 0.2\nw_14 = 0.3\nw_24 = 0.4\nw_35 = 0.5\nw_45 = 0.6\n"
INPUTS = "x_1 = 1.0, x_2 = 2.0\n"
NET_OUT = "net_h1 = 0.55\nout_h1 = 0.6341"
LISTS = {  # one calculation under the names of several books
    "ij": f"w_11 = 0.1, w_12 = 0.3, w_21 = 0.2, w_22 = 0.4\n{INPUTS}z_1 = 0.55\nh_1 = 0.6341",
    "ji": f"w_11 = 0.1, w_12 = 0.2, w_21 = 0.3, w_22 = 0.4\n{INPUTS}z_1 = 0.55\nh_1 = 0.6341",
    "flat": f"{ROWS}i1 = 1.0\ni2 = 2.0\n{NET_OUT}",
    "flat, by input": COLUMNS + NET_OUT,
    "counted units": f"{GRAPH}z_3 = 0.55\na_3 = 0.6341",
    "canonical": "W1[1,1] = 0.1\nW1[1,2] = 0.2\nz1[1] = 0.55\na1[1] = 0.6341",
    "superscripts": "$w^{(1)}_{11} = 0.1$ $w^{(1)}_{12} = 0.2$ $z^{(1)}_1 = 0.55$ "
    "$a^{(1)}_1 = 0.6341$",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_names_and_numbers_is_judged_in_any_dialect(name: str) -> None:
    report = audited(LISTS[name])
    assert report.clean, str(report)
    quantities = {f.quantity for f in report.findings}
    assert {"W1[1,1]", "W1[1,2]", "z1[1]", "a1[1]"} <= quantities
    assert None not in quantities


@pytest.mark.parametrize("name", LISTS)
def test_a_wrong_number_is_found_in_any_dialect(name: str) -> None:
    report = audited(LISTS[name].replace("0.6341", "0.6143"))
    (wrong,) = (f for f in report.findings if f.wrong)
    assert (wrong.quantity, wrong.shown) == ("a1[1]", "0.6341")
    assert wrong.true == pytest.approx(0.6341355910108007, rel=1e-12)


def test_the_order_of_the_indices_is_told() -> None:
    assert "from input i to unit j" in audited(LISTS["ij"]).conventions["W1"]
    assert "to unit i from input j" in audited(LISTS["ji"]).conventions["W1"]
    assert "unit by unit" in audited(LISTS["flat"]).conventions["W1"]
    assert "input by input" in audited(LISTS["flat, by input"]).conventions["W1"]


def test_the_other_sign_of_delta_is_a_convention_when_it_holds_throughout() -> None:
    report = audited(
        f"z_o = {float(TRACE['z2'][0, 0]):.5f}\n"
        f"δ_o = {-float(TRACE['dL/dz2'][0, 0]):.5f}\n"
        f"δ_h1 = {-float(TRACE['dL/dz1'][0, 0]):.6f}"
    )
    assert report.clean, str(report)
    assert "other sign" in report.conventions["δz2"]


def test_gradients_and_new_values_under_another_name_of_the_loss() -> None:
    report = audited(
        "w5 = 0.5\nw6 = 0.6\n"
        f"dE/dw5 = {float(TRACE['dL/dW2'][0, 0]):.5f}\n"
        f"w5_new = {float(TRACE['W2_new'][0, 0]):.5f}\n"
        f"E = {float(TRACE['L']):.6f}"
    )
    assert report.clean, str(report)
    assert {"dL/dW2[1,1]", "W2_new[1,1]", "L"} <= {f.quantity for f in report.findings}


def test_a_given_value_that_is_not_the_problems_is_wrong() -> None:
    found = by_symbol(audited(LISTS["flat"].replace("w2 = 0.2", "w2 = 0.25")))
    assert found["w_2"].wrong
    assert found["w_2"].shown == "0.20"


def test_numbers_carried_with_few_digits_are_no_slip() -> None:
    report = audited("z_h1 = 0.55\nh_1 = 0.63\nz_h2 = 1.25\nh_2 = 0.78\nz_o = 1.03")
    assert float(TRACE["z2"][0, 0]) == pytest.approx(1.0334, abs=1e-4)
    assert report.clean, str(report)  # 0.5·0.63 + 0.6·0.78 + 0.25
    assert not audited("z_h1 = 0.55\nh_1 = 0.63\nz_h2 = 1.25\nh_2 = 0.78\nz_o = 1.06").clean


def test_the_report_begins_with_the_first_wrong_line_and_what_follows_rightly() -> None:
    text = "z_h1 = 0.55\nh_1 = 0.6341\nz_h2 = 1.25\nh_2 = 0.7577\nz_o = 1.0217"
    said = str(audited(text)).splitlines()[0]
    assert said.startswith("First wrong: line 4, h_2 = 0.7577 is wrong, right: 0.7773")
    assert "z_o (line 5)" in said
    assert str(audited("z_h1 = 0.55\nh_1 = 0.6341")).splitlines()[0] == "Every line is right."


def test_a_name_that_means_nothing_in_the_problem_is_not_judged() -> None:
    found = by_symbol(audited("z_h1 = 0.55\nq_7 = 0.3"))
    assert found["q_7"].verdict == "unjudged"
    with pytest.raises(InputError, match="no number was found"):
        audited("q_7 = 0.3\nq_8 = 0.4")


def test_examples_one_after_the_other() -> None:
    xor = problem("xor")
    trace = hg.evaluate(hg.derive(xor), xor)
    lines: list[str] = []
    for n, (x1, x2) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        lines += [
            f"x1 = {x1}",
            f"x2 = {x2}",
            f"h_1 = {trace['a1'][n, 0]:.4f}",
            f"h_2 = {trace['a1'][n, 1]:.4f}",
        ]
    assert audited("\n".join(lines), xor).clean
    lines[10] = "h_1 = 0.5000"
    (wrong,) = (f for f in audited("\n".join(lines), xor).findings if f.wrong)
    assert (wrong.line, wrong.quantity) == (11, "a1[3,1]")


def test_the_network_may_be_the_path_of_a_file(tmp_path: Path) -> None:
    document = tmp_path / "mine.txt"
    document.write_text("z_1 = 1.1\na_1 = 0.7503\n", encoding="utf-8")
    path = Path(__file__).parents[1] / "examples" / "sum-of-two-2-2-1.toml"
    assert hg.audit(document, network=path).clean
    assert hg.audit(document, network=str(path)).as_data()["wrong"] == 0


def test_a_network_too_large_to_be_looked_through_is_refused() -> None:
    wide = hg.Network([200, 200, 1], seed=0, x=[[0.5] * 200], y=[[1.0]])
    with pytest.raises(LimitError, match="numbers"):
        audited("z_1 = 0.5", wide)


# Lists in files of their own


def test_a_csv_of_names_and_values(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("name,value\nz_h1,0.55\nh_1,0.6143\nnote,none\n", encoding="utf-8")
    (wrong,) = (f for f in hg.audit(path, network=NET).findings if f.wrong)
    assert (wrong.line, wrong.column, wrong.printed, wrong.quantity) == (3, 5, "0.6143", "a1[1]")
    path.write_text("z_h1;0,55\nh_1;0,6341\nh_2;0,7773\n", encoding="utf-8")
    assert hg.audit(path, network=NET).clean
    path.write_text("only,words\n", encoding="utf-8")
    with pytest.raises(InputError, match="no row has a name and a number"):
        hg.audit(path, network=NET)


def test_claims_alone_are_judged_by_the_problem(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[[claims]]\nquantity = "a1[1]"\nvalue = "0.6431"\n', encoding="utf-8")
    report = hg.audit(path, network=NET)
    (wrong,) = report.findings
    assert (wrong.line, wrong.column, wrong.shown) == (3, 10, "0.6341")
    assert report.causes[0].slip == "digit"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = 'none'\n", "no \\[\\[claims\\]\\]"),
        ("[[claims]]\nquantity = 'L'\nvalue = 0.3\n", "both as strings"),
        ("[[claims]]\nquantity = 'nothing'\nvalue = '0.3'\n", "no claim names a number"),
        ("[[claims]\n", "no TOML"),
    ],
)
def test_claims_that_are_none_are_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        hg.audit(path, network=NET)


def test_the_claims_of_a_problem_file_at_their_places() -> None:
    path = Path(__file__).parents[1] / "examples" / "one-neuron.toml"
    report = hg.audit(path)
    lines = path.read_text("utf-8").splitlines()
    assert len(report.findings) == 11
    for finding in report.findings:
        assert lines[finding.line - 1][finding.column - 1 :].startswith(finding.printed)
    (wrong,) = (f for f in report.findings if f.wrong)
    assert (wrong.quantity, wrong.shown) == ("b1_new[1]", "0.123")


@pytest.mark.parametrize(("made", "slip"), [(200, None), (199, "step_count"), (201, "step_count")])
def test_values_after_many_updates_are_judged_by_the_run(made: int, slip: str | None) -> None:
    p = hg.Network([2, 2, 1], x=[[0.3, 0.7]], y=[[0.2]], seed=3, learning_rate=0.5)
    weights = hg.train(p, epochs=made, dtype="float64").parameters["W2"][0]
    listed = "".join(f"W2[1,{n}] = {weight:.7f}\n" for n, weight in enumerate(weights, 1))
    report = hg.audit(f"After 200 updates:\n\n{listed}", network=p)
    assert report.judged == 2
    assert [cause.slip for cause in report.causes] == ([slip] if slip else [])
    assert report.clean == (slip is None)
