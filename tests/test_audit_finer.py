"""Weights that are only put in, rounded: digits they may have had explain the numbers, or none do."""

from __future__ import annotations

from tests.pages import problem
from tests.test_audit_pages import page, shown

import handgrad as hg
from handgrad.auditing.report import Report

CALCULATION = """\
z = w·x + b = 0.1436·2.5 + 0.1 = {z}
a = σ(z) = σ({z}) = 0.6128
L = ½·(a − y)² = ½·(0.6128 − 1)² = 0.0750
"""  # 0.1436·2.5 + 0.1 is 0.4590; of 0.14357 it is 0.4589


def report(text: str) -> Report:
    return hg.audit(text)


def wrong(text: str) -> list[str]:
    return [
        f.printed for f in report(text).findings if f.verdict not in {"exact", "rounded", "given"}
    ]


def test_a_weight_that_is_put_in_rounded_may_have_had_more_digits() -> None:
    text = CALCULATION.format(z="0.4589")
    assert wrong(text) == []
    assert report(text).conventions == {"values put in": "rounded; taken as w = 0.14358"}
    assert report(CALCULATION.format(z="0.4590")).conventions == {}


def test_no_digits_behind_those_printed_explain_this() -> None:
    assert "0.4587" in wrong(CALCULATION.format(z="0.4587"))


def test_two_results_that_no_one_weight_gives() -> None:
    line = "z_{n} = w·x_{n} = 0.1436·{x} = {z}\n"
    least, most = line.format(n=1, x="2.5", z="0.3589"), line.format(n=2, x="3.5", z="0.5027")
    assert wrong(least) == wrong(most) == []  # w is below 0.14358, and above 0.14361
    assert wrong(least + most)


def test_a_weight_that_is_stated_is_as_it_is_stated() -> None:
    assert "0.4589" in wrong("w = 0.1436\n\n" + CALCULATION.format(z="0.4589"))


def test_an_input_of_fewer_digits_is_as_it_is_printed() -> None:
    text = "z = w·x = 0.14·2.5 = 0.3589\n"
    assert "0.3589" in wrong(text)


def test_a_digit_altered_is_noticed_though_the_weights_are_rounded() -> None:
    name = "two-neurons-side-by-side"
    text = page(shown(name, "", 6), "text")
    trace = hg.evaluate(hg.derive(problem(name)), problem(name))
    loss = next(f"{float(v):.6f}" for s, v in trace.arrays.items() if str(s) == "L")
    altered = loss[:-2] + str((int(loss[-2]) + 5) % 10) + loss[-1:]
    assert not wrong(text)
    assert altered in wrong(text.replace(loss, altered))
