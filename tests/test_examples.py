"""Every example, in every reading and format: its page shows the numbers of its trace.

A worked line says one thing in several ways: symbols = numbers = partial results = value. The tests
take the line from the document that all formats are written from, and from the printed page, and
calculate it again without the package.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import ROUND_DOWN, ROUND_HALF_UP
from decimal import Decimal as D
from functools import cache

import numpy as np
import pytest

import handgrad as hg
from calculator import calculated, from_latex, from_text
from handgrad.calculus.expr import (
    Call,
    Expr,
    Partial,
    Product,
    Ref,
    Sum,
    Symbol,
    Value,
    children,
    refs,
    walk,
)
from handgrad.language.writing import name
from handgrad.model.problem import Notation
from handgrad.numbers.lines import DOTS
from handgrad.render.document import Line
from handgrad.render.latex import LatexWriter
from handgrad.verbs import Worked
from pages import (
    EXAMPLES,
    PROBLEMS,
    READINGS,
    ROOT,
    Reckoner,
    array_value,
    arrays_of,
    formulas,
    left_sides,
    lines,
    page,
    problem,
    slope,
    trace_of,
    value_at,
)

each_example = pytest.mark.parametrize("example", EXAMPLES)
each_problem = pytest.mark.parametrize("example", PROBLEMS)
each_reading = pytest.mark.parametrize("reading", READINGS)

# A part is a sum or product of a few doubles of the size of its operands.
CLOSE = 1e-12


def test_there_are_examples():
    assert len(EXAMPLES) >= 20


# --- every example, reading and format -------------------------------------------------------


@each_example
def test_an_example_derives_and_explains_in_every_reading_and_format(example):
    for reading in READINGS:
        worked = page(example, reading)
        assert worked.to_text().startswith(problem(example).title + "\n")
        assert worked.to_markdown().startswith("# ")
        assert worked.to_latex().endswith("\\end{document}\n")
        assert json.loads(worked.to_json())["steps"][0]["loss"] > 0
        assert any(True for _ in lines(worked.document)), f"{reading}: no worked line"


@each_example
def test_formulas_alone_have_no_number_of_the_problem(example):
    for reading in READINGS:
        worked = hg.explain(problem(example), reading=reading, symbols_only=True, appendix=False)
        assert not any(True for _ in lines(worked.document))
        shown = "\n".join(worked.to_text().splitlines()[2:])  # title and source may hold numbers
        assert not re.search(r"\d\.\d", shown), re.findall(r".*\d\.\d.*", shown)
        for item in formulas(worked.document):
            values = (node.value for node in walk(item.rhs) if isinstance(node, Value))
            assert all(v.is_integer() for v in values), item  # ∂z/∂b = 1


# --- the document: symbols = numbers = partial results = value -------------------------------


def is_array(expr: Expr) -> bool:
    return any(isinstance(node, Call) and node.function == "row" for node in walk(expr))


def whole(line: Line) -> bool:
    """Whether a line of the matrix page shows whole arrays."""
    return any(is_array(part) for part in line.parts)


def size(part: Expr) -> float:
    """The largest number that stands in a part: what rounding is relative to."""
    return max((abs(n.value) for n in walk(part) if isinstance(n, Value)), default=0.0)


def assert_close(got: complex, expected: float, scale: float, where: str) -> None:
    got = complex(got)
    assert got.imag == 0, where
    assert abs(got.real - expected) <= CLOSE * max(scale, abs(expected)), (
        f"{where}: {got.real!r} instead of {expected!r}"
    )


@each_problem
@each_reading
def test_the_value_of_a_line_is_that_of_the_trace(example, reading):
    worked = page(example, reading)
    values = arrays_of(worked)
    for line in lines(worked.document):
        if isinstance(line.lhs, Partial):
            expected = slope(worked, line.lhs.top, line.lhs.bottom)
            where = f"{name(line.lhs.top)} by {name(line.lhs.bottom)}"
            assert_close(line.value, expected, 0, where)
        elif whole(line):
            assert isinstance(line.lhs, Ref)
            assert array_of(line.parts[-1]) == np.atleast_2d(value_at(values, line.lhs)).tolist()
        else:
            assert isinstance(line.lhs, Ref)
            assert line.value == float(value_at(values, line.lhs)), name(line.lhs)


def shortened(line: Line) -> bool:
    """Whether dots stand for some terms of a long sum."""
    return any(node == DOTS for part in line.parts for node in walk(part))


def array_of(expr: Expr) -> list[list[float]]:
    if isinstance(expr, Value):
        return [[expr.value]]
    assert isinstance(expr, Call)
    assert expr.function == "rows"
    return [
        [cell.value for cell in children(row) if isinstance(cell, Value)] for row in children(expr)
    ]


@each_problem
@each_reading
def test_all_parts_of_a_line_are_equal(example, reading):
    worked = page(example, reading)
    values = arrays_of(worked)
    reckoner = Reckoner(worked.derivation, values)
    slopes = slopes_of(worked)
    for line in lines(worked.document):
        if whole(line) or shortened(line):
            continue  # whole arrays and the leaves of long sums are compared below
        for part in line.parts[:-1]:
            if any(isinstance(node, Partial) for node in walk(part)):
                got = product_of_slopes(part, slopes)
            else:
                got = reckoner.value(part)
            assert_close(got, line.value, size(part) + 1e-3, f"{line.lhs} has {part}")


def slopes_of(worked: Worked) -> dict[Expr, float]:
    """The values of all local derivatives that a page works out."""
    found = (line for line in lines(worked.document) if isinstance(line.lhs, Partial))
    return {line.lhs: line.value for line in found}


def product_of_slopes(part: Expr, slopes: dict[Expr, float]) -> float:
    """A chain in symbols, dL/dŷ·dŷ/dz·dz/dw, by the values of its factors' own lines."""
    if isinstance(part, Sum):
        return sum(product_of_slopes(term, slopes) for term in part.terms)
    if isinstance(part, Product):
        return math.prod(product_of_slopes(factor, slopes) for factor in part.factors)
    return slopes[part]


@each_example
def test_formulas_of_whole_arrays_come_to_the_arrays(example):
    worked = page(example, "matrix")
    values = arrays_of(worked)
    for item in formulas(worked.document):
        rhs = item.parts[0] if isinstance(item, Line) else item.rhs
        if isinstance(item.lhs, Ref) and not any(ref.indices for ref in (item.lhs, *refs(rhs))):
            got, expected = array_value(rhs, values), value_at(values, item.lhs)
            scale = max((np.max(np.abs(values[ref.symbol])) for ref in refs(rhs)), default=1.0)
            np.testing.assert_allclose(got, expected, CLOSE, CLOSE * scale, err_msg=str(item.lhs))
            assert np.shape(got) == np.shape(expected)


@each_problem
@each_reading
def test_numbers_put_in_are_those_of_the_symbols(example, reading):
    worked = page(example, reading)
    values, slopes = arrays_of(worked), slopes_of(worked)
    seen = 0
    for line in lines(worked.document):
        symbols, *others = line.parts
        if not others or not any(isinstance(n, Ref | Partial) for n in walk(symbols)):
            continue
        for leaf, number in leaves(symbols, others[0]):
            if isinstance(leaf, Partial):
                assert number == Value(slopes[leaf])
            elif number == DOTS:
                assert leaf == DOTS
            elif is_array(number):
                assert array_of(number) == np.atleast_2d(value_at(values, leaf)).tolist()
            else:
                assert number == Value(float(value_at(values, leaf))), name(leaf)
            seen += 1
    assert seen


def leaves(symbols: Expr, numbers: Expr) -> Iterator[tuple[Expr, Expr]]:
    """Each symbol with the number that stands in its place; all else is the same on both sides."""
    if isinstance(symbols, Ref | Partial):
        yield symbols, numbers
        return
    assert type(symbols) is type(numbers), f"{symbols} became {numbers}"
    pairs = list(zip(children(symbols), children(numbers), strict=True))
    if not pairs:
        assert symbols == numbers
    for part, number in pairs:
        yield from leaves(part, number)


# --- the printed page ------------------------------------------------------------------------

NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?")
EXACT = {"½": 0.5}


def printed_parts(worked: Worked) -> Iterator[tuple[Line, list[str]]]:
    """Each worked line with its parts as the text page prints them."""
    rows = [row[4:] for row in worked.to_text(width=10**6).splitlines() if row.startswith("    ")]
    items = list(formulas(worked.document))
    assert len(rows) == len(items)
    for item, row in zip(items, rows, strict=True):
        if isinstance(item, Line):
            yield item, split(row)[1:]


def split(row: str) -> list[str]:
    """A row at its signs = and ≈, but not inside brackets: [z = a] is a comparison."""
    pieces, depth, start = list[str](), 0, 0
    for n, character in enumerate(row):
        depth += (character in "([") - (character in ")]")
        if depth == 0 and row[n - 1 : n + 2] in (" = ", " ≈ "):
            pieces.append(row[start : n - 1])
            start = n + 2
    return [*pieces, row[start:]]


def agrees(part: Expr, printed: str) -> bool:
    """Whether the numbers printed are those of the part, in order, rounded to the digits printed."""
    tokens = NUMBER.findall(printed)
    for node in walk(part):
        if isinstance(node, Value):
            while tokens and not shows(tokens[0], node.value):
                tokens.pop(0)  # an exact number of the formula, such as 1 in 1 − a
            if not tokens:
                return False
            tokens.pop(0)
    return True


def shows(token: str, value: float) -> bool:
    """Whether digits are a number rounded: off by half a unit of the last place at most."""
    unit = D(1).scaleb(int(D(token).as_tuple().exponent))
    return abs(D(token) - abs(D(value))) <= unit / 2 * D("1.000001")


@each_problem
@each_reading
def test_numbers_on_the_page_are_those_of_the_document_at_the_digits_shown(example, reading):
    for line, printed in printed_parts(page(example, reading)):
        assert agrees(line.parts[-1], printed[-1]), f"{line.parts[-1]} is shown as {printed[-1]}"
        rest = iter(printed)
        shown = next(rest)
        for part in line.parts:
            while not agrees(part, shown):  # a part that reads like the one before is left out
                shown = next(rest, "")
                assert shown, f"{line.lhs}: {part} is not in {printed}"


@each_problem
def test_a_page_keeps_to_its_width_and_wrapping_changes_nothing_else(example):
    for reading in READINGS:
        unbroken = page(example, reading).to_text(width=10**6)
        for width in (60, 88):
            shown = page(example, reading).to_text(width)
            assert "".join(shown.split()) == "".join(unbroken.split()), reading
            rows = [row for row in shown.splitlines() if row.startswith("    ")]
            assert max(map(len, rows)) <= width, max(rows, key=len)


def test_a_wrong_digit_on_the_page_is_found():
    (line,) = (n for n in lines(page("one-neuron", "steps").document) if name_of(n) == "a1[1,1]")
    assert agrees(line.parts[-1], "0.562")
    assert not agrees(line.parts[-1], "0.563")
    assert not agrees(line.parts[-1], "0.5621")  # cut off, not rounded: 0.56218
    assert agrees(line.parts[2], "1/(1 + exp(−0.25))")
    assert not agrees(line.parts[2], "1/(1 + exp(−0.26))")


def name_of(line: Line) -> str:
    return name(line.lhs) if isinstance(line.lhs, Ref) else ""


@cache
def precise(example: str, reading: str) -> Worked:
    """The page in fifteen decimals and without names of its own."""
    own = problem(example)
    return hg.explain(replace(own, notation=Notation(digits=15)), reading=reading, appendix=False)


@each_problem
@each_reading
def test_the_text_page_read_back_comes_to_its_values(example, reading):
    worked = precise(example, reading)
    names = {str(s): numbers_of(array) for s, array in arrays_of(worked).items()}
    seen = 0
    for line, printed in printed_parts(worked):
        if whole(line) or shortened(line) or "Σ" in printed[0]:
            continue
        factors = any(isinstance(node, Partial) for node in walk(line.parts[0]))
        scale = max(size(part) for part in line.parts) + 1e-3
        for shown in printed[factors:]:
            got = calculated(from_text(shown, names))
            assert abs(got - line.value) <= CLOSE * scale, f"{line.lhs}: {shown} comes to {got!r}"
            seen += 1
    assert seen or reading == "matrix"


def numbers_of(array: np.ndarray) -> Callable[[str], float]:
    """The elements of a quantity as a page names them: with one example its index is left out."""

    def number(inside: str) -> float:
        place = tuple(int(n) - 1 for n in inside.split(",") if n)
        return float(array[(0,) * (array.ndim - len(place)) + place])

    return number


@each_problem
@each_reading
def test_latex_read_back_comes_to_its_values(example, reading):
    worked = precise(example, reading)
    writer = LatexWriter(worked.document.names, worked.document.digits)
    for line in lines(worked.document):
        scale = max(size(part) for part in line.parts) + 1e-3
        for part in line.parts:
            if not is_array(part) and not any(isinstance(n, Ref | Partial) for n in walk(part)):
                got = calculated(from_latex(writer.write(part)))
                shown = writer.write(part)
                assert abs(got - line.value) <= CLOSE * scale, f"{shown} comes to {got!r}"


def test_reading_back_minds_brackets_and_signs():
    assert calculated(from_text("½·(1.5 − 0.5)²")) == 0.5
    assert calculated(from_text("½·1.5 − 0.5²")) == 0.5
    assert calculated(from_text("−0.5²")) == -0.25
    assert calculated(from_text("[0.5 = 0.5]/([0.5 = 0.5] + [2 = 0.5])")) == 1
    assert calculated(from_latex(r"\frac{1}{1 + e^{-0.0}} \cdot \left(-3\right)^{2}")) == 4.5
    assert calculated(from_latex(r"\left[2 = 2\right]")) == 1


# --- printed claims --------------------------------------------------------------------------

NOTES = (ROOT / "docs" / "examples-notes.md").read_text("utf-8")
ROW = re.compile(
    r"^\| `(?P<quantity>[^`]+)` \| (?P<printed>\S+) \| (?P<true>\S+) \| (?P<verdict>\w+)",
    re.MULTILINE,
)
RIGHT = ("exact", "given", "rounded", "carried")

# Follow from the rounded numbers printed before them; the line as it is printed.
CARRIED = {
    ("one-neuron", "dL/dW1[1,1]"): D("-0.94") * D("0.25") * D("0.5"),
    ("one-neuron", "dL/db1[1]"): D("-0.94") * D("0.25"),
    ("sum-of-two-2-2-1", "dL/dz2[1]"): D("-2.71011") * D("0.242"),  # cut off, not rounded
    ("sum-of-two-2-2-1", "dL/da1[1]"): D("-0.65584") * D("0.6"),
    ("sum-of-two-2-2-1", "dL/da1[2]"): D("-0.65584") * D("-0.1"),
    ("one-hidden-neuron", "L"): D("0.5") * (D("0.25") - D("0.7153")) ** 2,
    ("one-hidden-neuron-equations", "E"): D("0.5") * (D("0.25") - D("0.7153")) ** 2,
}

# Wrong, or right from a wrong line: what is printed, and what is true.
WRONG = {
    ("one-neuron", "b1_new[1]", "0.125"): 0.1230830327,
    ("one-neuron-two-examples", "z1[1,1]", "0.05"): 0.25,
    ("one-neuron-two-examples", "z1[1,1]", "-0.05"): 0.25,
    ("one-neuron-two-examples", "a1[1,1]", "0.51"): 0.5621765009,
    ("two-neurons-in-a-row", "da2/dz2[1]", "0.235"): 0.2342805597,
    ("two-neurons-in-a-row", "a1[1]", "0.5"): 0.5621765009,
    ("two-neurons-in-a-row", "dL/dW2[1,1]", "-0.103"): -0.1151939683,
    ("two-neurons-in-a-row", "z2[1]", "0.56"): 0.5124353002,
    ("two-neurons-in-a-row", "a2[1]", "0.64"): 0.6253771919,
    ("two-neurons-in-a-row", "W2_new[1,1]", "0.2103"): 0.2115193968,
    ("two-neurons-in-a-row", "b2_new[1]", "0.3795"): 0.4204907121,
    ("sum-of-two-2-2-1", "a1[2]", "0.86607"): 0.8664582775,
    ("sum-of-two-2-2-1", "z2[1]", "0.36355"): 0.3635102356,
    ("sum-of-two-2-2-1", "L", "3.67545"): 3.672348386,
    ("sum-of-two-2-2-1", "dL/dW2[1,1]", "-0.49198"): -0.4918925166,
    ("sum-of-two-2-2-1", "dL/dW2[1,2]", "-0.56795"): -0.5680754441,
    ("sum-of-two-2-2-1", "da1/dz1[1]", "0.1875"): 0.1873698795,
    ("sum-of-two-2-2-1", "dL/dz1[1]", "-0.07382"): -0.07370711109,
    ("sum-of-two-2-2-1", "da1/dz1[2]", "0.1158"): 0.1157083309,
    ("sum-of-two-2-2-1", "dL/dz1[2]", "0.00760"): 0.007586177333,
    ("sum-of-two-2-2-1", "dL/dW1[1,1]", "-0.08120"): -0.08107782220,
    ("sum-of-two-2-2-1", "dL/dW1[1,2]", "-0.16241"): -0.1621556444,
    ("sum-of-two-2-2-1", "dL/dW1[2,1]", "0.00836"): 0.008344795066,
    ("sum-of-two-2-2-1", "dL/dW1[2,2]", "0.01672"): 0.01668959013,
}


def verdicts(example: str) -> list[dict[str, str]]:
    """The rows of the table about one example; two files share the table of one system."""
    shared = "one-hidden-neuron.toml` (names below) and `one-hidden-neuron-equations"
    about = shared if example.startswith("one-hidden-neuron") else example
    _, found, behind = NOTES.partition(f"`{about}.toml`")
    table = re.match(r"[^|#]*((?:^\|.*\n)+)", behind, re.MULTILINE) if found else None
    return [row.groupdict() for row in ROW.finditer(table[1])] if table else []


def true_value(example: str, quantity: str) -> float:
    """The value of a claim's quantity at its step, local derivatives such as da1/dz1[1] included."""
    worked = hg.explain(problem(example))
    names = trace_of(worked).names
    written, _, inside = quantity.partition("[")
    local = re.fullmatch(r"d(\w+)/d(\w+)", written)
    if written in names or local is None:
        return numbers_of(trace_of(worked)[written])(inside.removesuffix("]"))
    places = [int(n) for n in inside.removesuffix("]").split(",")]
    top, bottom = (element(worked, names[part], places) for part in local.groups())
    return slope(worked, top, bottom)


def element(worked: Worked, symbol: Symbol, places: list[int]) -> Ref:
    rank = trace_of(worked).arrays[symbol].ndim
    return Ref(symbol, (*[1] * (rank - len(places)), *places))


def rounded(value: float | D, printed: str) -> D:
    """A value at the digits of a printed one, a half up."""
    return D(value).quantize(D(printed), ROUND_HALF_UP)


def test_every_claim_has_its_row_in_the_notes_and_every_row_its_claim():
    seen = 0
    for example in EXAMPLES:
        claims = [(c.quantity, c.value) for c in problem(example).claims]
        rows = [(row["quantity"], row["printed"]) for row in verdicts(example)]
        if example == "one-hidden-neuron-equations":  # same table, its own names
            claims, rows = [[value for _, value in pairs] for pairs in (claims, rows)]
        assert claims == rows, example
        seen += len(claims)
    assert seen == 89


@each_example
def test_claims_are_judged_as_the_notes_judge_them(example):
    for claim, row in zip(problem(example).claims, verdicts(example), strict=True):
        printed, verdict = claim.value, row["verdict"]
        where = f"{claim.quantity} = {printed}, {verdict}"
        true = true_value(example, claim.quantity)
        assert true == pytest.approx(float(row["true"]), rel=1e-9), where
        right = {
            "exact": abs(true - float(printed)) < 1e-15,
            "given": true == float(printed),
            "rounded": rounded(true, printed) == D(printed),
            "carried": follows(CARRIED.get((example, claim.quantity), D(0)), printed),
            "wrong": rounded(true, printed) != D(printed),
            "inherits": rounded(true, printed) != D(printed),
        }
        assert right[verdict], f"{where}: the true value is {true!r}"
        listed = WRONG.get((example, claim.quantity, printed))
        assert (listed is None) == (verdict in RIGHT), where
        assert listed is None or true == pytest.approx(listed, rel=1e-9), where


def follows(value: D, printed: str) -> bool:
    """Whether a value is printed rounded, or cut off."""
    return D(printed) in (rounded(value, printed), value.quantize(D(printed), ROUND_DOWN))


def test_every_wrong_claim_listed_is_a_claim():
    claims = {(e, c.quantity, c.value) for e in EXAMPLES for c in problem(e).claims}
    assert WRONG.keys() <= claims
    assert {(example, quantity) for example, quantity, _ in claims} >= CARRIED.keys()


# --- the order of the documents --------------------------------------------------------------

# What the pages print, in their order, for two examples of each document; of what a document leaves
# out or prints as a picture only the order of the rest is compared.
ORDER = {
    # the draft: one prediction, then the derivation of σ′; its general section is empty
    "one-neuron-two-examples": ["z_1", "ŷ_1", *["σ′(z)"] * 10],
    "general-formulation": ["z^(2)", "a^(2)", "z^(3)", "a^(3)", "z^(4)", "ŷ", "L"],
    # the walkthrough, line by line; and its appendices
    "sum-of-two-2-2-1": [
        "z_1", "a_1", "z_2", "a_2", "z_o", "y_pred", "L", "δ_o", "dL/dw_h1", "dL/dw_h2",
        "δ_1", "δ_2", "dL/dw_11", "dL/dw_21", "dL/dw_12", "dL/dw_22",
        "w_h1_new", "w_h2_new", "w_11_new", "w_21_new", "w_12_new", "w_22_new",
    ],
    "error-term": ["a_1", "z_o", "y_pred", "δ_o", "dL/dw_o1", "w_o1_new"],
    # the post: prediction and loss, the chain, its factors, their product, the updates
    "one-neuron": [
        "ŷ", "L", "dL/dw", "dL/dŷ", "dŷ/dz", "dz/dw", "dL/dw", "dL/db", "w_new", "b_new",
        *["σ′(z)"] * 10,
    ],
    "two-neurons-in-a-row": [
        "a^(2)", "z^(3)", "ŷ", "L", "dL/dw^(2)", "dL/db^(2)", "dL/dw^(1)", "dz^(3)/da^(2)",
        "da^(2)/dz^(2)", "dz^(2)/dw^(1)", "dL/dw^(1)", "dL/db^(1)",
        "w^(1)_new", "b^(1)_new", "w^(2)_new", "b^(2)_new",
    ],
    # the note: the table of the forward pass, the error, the three factors, the results
    "one-hidden-neuron": [
        "z_1", "a_1", "z_2", "a_2", "E", "dE/dw_2", "dE/da_2", "da_2/dz_2", "dz_2/dw_2", "dE/dw_2",
        "dE/db_2", "dE/dw_1", "dE/db_1", "w_2_new", "b_2_new", "w_1_new", "b_1_new",
    ],
}  # fmt: skip
ORDER["one-hidden-neuron-equations"] = ORDER["one-hidden-neuron"]


@pytest.mark.parametrize("example", ORDER)
def test_the_page_follows_the_order_of_its_document(example):
    printed = left_sides(hg.explain(problem(example)))
    rest = iter(printed)
    for name_ in ORDER[example]:
        assert name_ in rest, f"{name_} does not come where the document has it: {printed}"


def test_the_walkthrough_is_followed_line_by_line():
    printed = left_sides(hg.explain(problem("sum-of-two-2-2-1")))
    worked_out = [left for left in printed if "[" not in left]  # general formulas have indices
    assert worked_out == ORDER["sum-of-two-2-2-1"]


def test_the_derivation_of_the_sigmoid_is_that_of_the_post():
    printed = hg.explain(problem("one-neuron")).to_text(width=200)
    assert re.findall(r"σ′\(z\) = (.*)", printed) == [
        "d/dz(1/(1 + exp(−z)))",
        "−1/(1 + exp(−z))²·d/dz(1 + exp(−z))",
        "−1/(1 + exp(−z))²·exp(−z)·(−1)",
        "exp(−z)/(1 + exp(−z))²",
        "exp(−z)/((1 + exp(−z))·(1 + exp(−z)))",
        "(1/(1 + exp(−z)))·(exp(−z)/(1 + exp(−z)))",
        "(1/(1 + exp(−z)))·(((exp(−z) + 1) − 1)/(1 + exp(−z)))",
        "(1/(1 + exp(−z)))·((1 + exp(−z))/(1 + exp(−z)) − (1/(1 + exp(−z))))",
        "(1/(1 + exp(−z)))·(1 − (1/(1 + exp(−z))))",
        "σ(z)·(1 − σ(z))",
    ]


def test_a_chain_begins_at_the_output_whatever_the_order_of_the_updates():
    forward = replace(problem("one-hidden-neuron"), notation=Notation(updates="forward"))
    printed = left_sides(hg.explain(forward, reading="chain"))
    assert printed.index("dL/dW2[1,1]") < printed.index("dL/dW1[1,1]")
    assert printed.index("W1_new[1,1]") < printed.index("W2_new[1,1]")
