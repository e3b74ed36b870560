"""Spoken words: a listener writes down the expression that was read out, numbers and all."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad as hg
from handgrad.calculus.expr import (
    Along,
    Call,
    Delta,
    Index,
    Num,
    Partial,
    Power,
    Product,
    Ref,
    Sigma,
    Sum,
    Symbol,
    Value,
    walk,
)
from handgrad.calculus.functions import FUNCTIONS
from handgrad.language.reading import parse_formula
from handgrad.language.writing import text
from handgrad.render import spoken
from handgrad.render.digits import Digits
from handgrad.render.notation import Names
from handgrad.render.spoken import SpokenWriter, sentence, writer_of
from handgrad.render.spoken_words import SpokenNames
from listener import CALLED, hear, meaning
from pages import EXAMPLES, READINGS, formulas, page, problem

DIGITS = Digits(4)
WRITER = SpokenWriter(SpokenNames(Names()), DIGITS)


def said(formula: str) -> str:
    return WRITER.write(parse_formula(formula))


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("W1[2,1]*x[1] + b1[2]", "W 1 row 2 column 1 times x element 1 plus b 1 element 2"),
        ("sigmoid(z1[1])", "sigma of z 1 element 1"),
        ("sigmoid(z1 + 1)", "sigma of open paren z 1 plus 1 close paren"),
        ("a/b", "a over b"),
        ("a/b + c", "the fraction a over b end fraction plus c"),
        ("a/(b + c)", "the fraction a over b plus c end fraction"),
        ("(a + b)/c", "the fraction a plus b over c end fraction"),
        ("a/(b*c)", "the fraction a over b times c end fraction"),
        (
            "(a - y)**2/2",
            "the fraction open paren a minus y close paren squared over 2 end fraction",
        ),
        ("sigmoid(z)**2", "open paren sigma of z close paren squared"),
        ("sigmoid(z**2)", "sigma of open paren z squared close paren"),
        ("exp(-z)", "e to the power minus z"),
        ("exp(-z) + 1", "e to the power minus z end power plus 1"),
        ("sum(n, a[n]*b[n])", "the sum over n of a element n times b element n"),
        ("sum(n, a[n])*b", "the sum over n of a element n end sum times b"),
        ("max(0, z)", "the maximum of open paren 0 and z close paren"),
        ("2**a*b", "2 raised to the power a end power times b"),
        ("-(a - b)", "minus open paren a minus b close paren"),
        ("alpha + α", "name alpha plus alpha"),
    ],
)
def test_words_in_the_manner_of_screen_readers(formula, words):
    assert said(formula) == words


def test_half_is_a_half():
    loss = Sigma((Index("n"), Index("j")), Power(parse_formula("a[n,j] - y[n,j]"), Num(2)))
    assert WRITER.write(Product((Num(Fraction(1, 2)), loss))) == (
        "one half times the sum over n and j of open paren a row n column j minus y row n column j "
        "close paren squared"
    )


# --- a listener ------------------------------------------------------------------------------

NAMES = ["W", "x", "d", "e", "net", "theta", "times", "α", "σ", "φ", "y_pred", "step"]
positions = st.one_of(st.integers(1, 12), st.sampled_from("ijn").map(Index))
symbols = st.builds(
    Symbol,
    st.sampled_from(NAMES),
    st.sampled_from([None, None, 1, 2]),
    st.sampled_from(["", "", "", "m", "vhat"]),
    st.just(None),
    st.booleans(),
)
plain = st.builds(Symbol, st.sampled_from(NAMES), st.sampled_from([None, 1]))
gradients = plain.map(lambda symbol: symbol.gradient(Symbol("L")))
references = st.builds(
    Ref, st.one_of(symbols, plain, gradients), st.lists(positions, max_size=3).map(tuple)
)
own = st.builds(Ref, plain, st.lists(positions, max_size=2).map(tuple))
numbers = st.sampled_from([0.25, -0.5, 1.1, 4.2481e-18, -3e-7, 12.0]).map(Value)
exact = st.sampled_from([0, 1, 2, -1, -4, Fraction(1, 2), Fraction(2, 3), Fraction("0.01")]).map(
    Num
)
leaves = st.one_of(
    references,
    numbers,
    exact,
    st.builds(Partial, own, own, st.booleans()),
    st.builds(Delta, positions, positions),
)
ELEMENTWISE = [(name, row.arity) for name, row in FUNCTIONS.items() if row.arity]
ALONG = ["max", "softmax", "log_softmax", "logsumexp"]


def branches(inner):
    some = st.lists(inner, min_size=2, max_size=3).map(tuple)
    calls = st.sampled_from(ELEMENTWISE).flatmap(
        lambda row: st.tuples(*[inner] * row[1]).map(lambda arguments: Call(row[0], arguments))
    )
    indices = st.lists(st.sampled_from("ijn").map(Index), min_size=1, max_size=2, unique=True)
    powers = st.one_of(st.sampled_from([-2, -1, 2, 3]).map(Num), inner)
    rows = st.lists(some.map(lambda row: Call("row", row)), min_size=1, max_size=2).map(tuple)
    return st.one_of(
        st.builds(Sum, some),
        st.builds(Product, some),
        st.builds(Power, inner, powers),
        inner.map(lambda e: Product((Num(-1), e))),
        calls,
        calls.map(lambda call: Call("′", (call,))),
        st.builds(Sigma, indices.map(tuple), inner),
        st.builds(Along, st.sampled_from(ALONG), st.just(Index("k")), inner, st.none()),
        st.builds(Along, st.sampled_from(ALONG), st.just(Index("k")), inner, st.integers(1, 9)),
        st.sampled_from(["T", "d/dz"]).flatmap(lambda f: inner.map(lambda e: Call(f, (e,)))),
        st.sampled_from("@∘").flatmap(lambda f: some.map(lambda parts: Call(f, parts))),
        rows.map(lambda made: Call("rows", made)),
    )


expressions = st.recursive(leaves, branches, max_leaves=12)


@given(expressions)
def test_a_listener_writes_down_what_was_read_out(expr):
    words = WRITER.write(expr)
    assert meaning(hear(words), DIGITS.show) == meaning(expr, DIGITS.show), words


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("example", EXAMPLES)
def test_a_listener_writes_down_the_formulas_of_the_examples(example, reading):
    loss = problem(example).loss
    writer = SpokenWriter(SpokenNames(Names(loss=loss)), DIGITS)
    for equation in page(example, reading).derivation.equations:
        for expr in (equation.lhs, equation.rhs):
            words = writer.write(expr)
            heard = hear(words, loss)
            assert meaning(heard, DIGITS.show) == meaning(expr, DIGITS.show), words


def test_a_listener_tells_apart_what_differs():
    for one, other in [
        ("a/(b*c)", "a/b*c"),
        ("sigmoid(z)**2", "sigmoid(z**2)"),
        ("sum(n, a[n] + b)", "sum(n, a[n]) + b"),
        ("a - (b + c)", "a - b + c"),
        ("exp(a)*b", "exp(a*b)"),
        ("alpha", "α"),
        ("x2", "x[2]"),
    ]:
        assert said(one) != said(other)
        parsed = [meaning(hear(said(formula)), DIGITS.show) for formula in (one, other)]
        assert parsed[0] != parsed[1]


def test_a_listener_refuses_what_means_nothing():
    for words in ("a plus", "open paren a plus b", "the fraction a over b times c", "a b"):
        with pytest.raises((AssertionError, IndexError)):
            hear(words)


def test_every_function_has_words_of_its_own():
    words = [template.removesuffix(" of {}") for template in spoken.FUNCTIONS.values()]
    assert len(set(words)) == len(words) == len(FUNCTIONS)
    heard = set(CALLED.values()) | {"exp", "equal", "identity"}
    assert heard - {"T"} == set(FUNCTIONS)


# --- pages -----------------------------------------------------------------------------------


def numbers_in(words: str) -> list[str]:
    """The digits of a text, with their signs and exponents, as ``Digits`` shows them."""
    words = re.sub(
        r"times ten to the (minus )?(\d+)", lambda m: f"e{'-' * bool(m[1])}{m[2]}", words
    )
    return re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?: e-?\d+)?", words)


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("example", EXAMPLES)
def test_every_number_said_is_that_of_the_page(example, reading):
    document = page(example, reading).document
    writer = writer_of(document)
    for item in formulas(document):
        for part in getattr(item, "parts", ()):
            expected = [
                document.digits.show(abs(node.value))
                for node in walk(part)
                if isinstance(node, Value)
            ]
            words = writer.write(part)
            heard = [number.replace(" ", "") for number in numbers_in(words)]
            for number in expected:
                assert number in heard, (text(part), words)
        words = sentence(writer, item)
        assert words.endswith(".")
        assert "\n" not in words


def test_a_page_is_one_sentence_a_line():
    shown = hg.explain(problem("one-neuron")).to_spoken().splitlines()
    assert shown[0] == "One neuron"
    assert (
        "z equals w times x plus b, equals 0.3 times 0.5 plus 0.1, equals 0.15 plus 0.1, "
        "equals 0.25." in shown
    )
    assert all(line.endswith(".") for line in shown if " equals " in line)


def test_the_ear_is_told_of_capitals_where_the_small_letter_occurs_too():
    p = hg.Equations("E = W*w + B", loss="E", parameters={"W": 1.0, "w": 2.0, "B": 3.0})
    assert "E equals capital W times w plus B, equals 1 times 2 plus 3" in hg.explain(p).to_spoken()


def test_an_example_is_said_to_be_one():
    shown = hg.explain(problem("maxout")).to_spoken()
    assert "z example 2 element 1 equals w element 1 times x example 2 plus b element 1," in shown


def test_names_with_subscripts_and_layers():
    names = {"W1[1,1]": "w_{11}^{(1)}", "x[1]": "ŷ", "b1": "β"}
    p = hg.Network([1, 1], W=[[[0.5]]], x=[[1.0]], y=[[0.0]])
    worked = hg.explain(replace(p, notation=hg.Notation(names=names)))
    assert "w super 1 sub 11 times y hat plus beta element 1" in worked.to_spoken()
