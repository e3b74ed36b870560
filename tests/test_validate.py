"""What validate says: every mistake once, in order, with what would be right."""

from __future__ import annotations

import pytest

from handgrad.calculus.derivation import Derivation, Equation, Phase, validate
from handgrad.calculus.expr import Along, Call, Index, Num, Product, Ref, Symbol, call
from handgrad.errors import DerivationError
from handgrad.language.reading import parse_equations, symbol


def mistakes(source: str, **givens: int) -> list[str]:
    """Every mistake that is told of equations, the first first."""
    ranks = {symbol(name): rank for name, rank in givens.items()}
    with pytest.raises(DerivationError) as caught:
        validate(Derivation(parse_equations(source), ranks, Symbol("E")))
    return [each.message for each in (caught.value, *caught.value.also)]


def test_every_mistake_is_told_in_the_order_of_the_equations():
    first, second, third = mistakes("a = p\nb = q\nE = r", w=0)
    assert [said.partition(",")[0] for said in (first, second, third)] == ["p", "q", "r"]


def test_a_name_misused_again_in_the_same_equation_is_told_once():
    assert len(mistakes("E = p*p + exp(p)", w=0)) == 1
    assert len(mistakes("a = p\nE = p*a", w=0)) == 2  # once in each equation
    assert len(mistakes("E = w[1]*w[2]", w=0)) == 1
    assert len(mistakes("E = p*q", w=0)) == 2


@pytest.mark.parametrize(
    ("source", "rank", "said"),
    [
        ("E = A[1]", 0, "A has no index but is used with 1 in the equation of E. Write A."),
        ("E = A", 1, "A has 1 index but is used with 0 in the equation of E. Write A[i]."),
        ("E = A", 2, "A has 2 indices but is used with 0 in the equation of E. Write A[i,j]."),
        ("E = A", 4, "A has 4 indices but is used with 0 in the equation of E. Write A[i,j,k,l]."),
        ("E = A", 5, "A has 5 indices but is used with 0 in the equation of E. Write them all."),
    ],
)
def test_the_right_number_of_indices_is_written_out(source: str, rank: int, said: str):
    assert mistakes(source, A=rank) == [said]


def test_a_circle_of_definitions_is_told_from_an_equation_out_of_place():
    circle, *_ = mistakes("a = b*w\nb = c\nc = a\nE = a", w=0)
    assert circle.startswith("b, in the equation of a, is defined by a in turn: a circle.")
    order, *_ = mistakes("a = b*w\nb = c\nc = w\nE = a", w=0)
    assert order == "b, in the equation of a, is used before it is defined. Move its equation up."
    both, *_ = mistakes("a = b\nb = c\nc = b*w\nE = a", w=0)  # b is in a circle, a is not
    assert both == "b, in the equation of a, is used before it is defined. Move its equation up."


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ("E = Weight*x", "Did you mean weight?"),  # but for the capital
        ("E = wieght*x", "Did you mean weight?"),
        ("E = weights*x", "Did you mean weight?"),
        ("E = zeta*x", "Define it or give its value."),
    ],
)
def test_a_name_that_is_nearly_another_is_recognised(source: str, advice: str):
    (said,) = mistakes(source, weight=0, wait=0, x=0)
    assert said.endswith(f"is not defined. {advice}")


def test_the_nearest_name_is_meant():
    (said,) = mistakes("E = alpha1b", alpha=0, alpha1=0)
    assert said.endswith("Did you mean alpha1?")
    (said,) = mistakes("E = W1*x\n", w1=0, W11=0, x=0)
    assert said.endswith("Did you mean w1?")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("E = sum(i, x[i]) + x[j]", "The index j in the equation of E is neither summed nor"),
        ("z[j] = x[j]\nE = x[0]*z[1]", "Index 0 in the equation of E: count from 1."),
        ("z[1] = x[1]\nE = w", "The left side of z needs a different letter for each index."),
        ("E = x[1]\nE = w", "E is defined twice. Give each quantity one name."),
        ("w = 2\nE = w", "w is given and also defined. Give each quantity one name."),
        ("E = E*w", "E is defined by itself. Give the new quantity another name, for example E_n"),
    ],
)
def test_one_mistake_has_one_sentence(source: str, said: str):
    (only,) = mistakes(source, w=0, x=1)
    assert only.startswith(said)


def test_every_function_given_the_wrong_arguments_is_told():
    k = Index("k")
    x = Ref(Symbol("x"), (k,))
    factors = (
        call("tanh", 1),  # right
        Call("tanh", ()),
        Call("max", (Num(1),)),
        Call("softmax", (Num(1),)),
        Along("nonsense", k, x),
        Along("tanh", k, x),
        Along("logsumexp", k, x, 1),  # one number, read at a place
        Along("softmax", k, x),  # one number for each place, read nowhere
        Along("softmax", k, x, 1),  # right
        Along("logsumexp", k, x),  # right
    )
    equation = Equation(Ref(Symbol("E")), Product(factors), Phase.FORWARD)
    with pytest.raises(DerivationError) as caught:
        validate(Derivation((equation,), {Symbol("x"): 1}, Symbol("E")))
    assert [each.message for each in (caught.value, *caught.value.also)] == [
        "In the equation of E: tanh takes 1 argument, not 0.",
        "In the equation of E: max takes 2 arguments, not 1.",
        "In the equation of E: softmax is no function of single numbers.",
        "nonsense is no function along an index.",
        "tanh is no function along an index.",
        "logsumexp is no function along an index.",
        "softmax is no function along an index.",
    ]
