"""The benchmark of planted slips judged itself: its numbers, its documents, its scores."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.planted.benchmark import is_enough, story_of, summary
from tests.planted.expressions import Quantity
from tests.planted.markdown import Markdown
from tests.planted.networks import ETA, Net
from tests.planted.paper import Document
from tests.planted.pen import digit_slips
from tests.planted.plain import Plain
from tests.planted.rounding import Habit, last_place
from tests.planted.runs import after
from tests.planted.scoring import number_in, scored, written
from tests.planted.slips import CATALOGUE
from tests.planted.story import FINE, ROOT, STYLES, Story, clean
from tests.planted.webpage import Webpage
from tests.planted.working import true_values

import handgrad as hg

CODE = {
    "exp": math.exp,
    "ln": math.log,
    "tanh": math.tanh,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "max": max,
    "__builtins__": {},
}


NAMING = {"markdown": Markdown, "webpage": Webpage, "plain": Plain}


# --- the printed arithmetic, read again ------------------------------------------------------


def as_code(latex: str) -> str:
    """The numbers put in, from LaTeX to something Python can compute."""
    text = latex.replace(r"\left", "").replace(r"\right", "").replace(r"\cdot", "*")
    text = re.sub(r"(\S+) (?:\\times|\*) 10\^\{(-?\d+)\}", r"(\1e\2)", text)
    while r"\frac" in text:
        text = re.sub(
            r"\\frac\{((?:[^{}]|\{[^{}]*\})*)\}\{((?:[^{}]|\{[^{}]*\})*)\}", r"((\1)/(\2))", text
        )
    text = re.sub(r"e\^\{([^{}]*)\}", r"exp(\1)", text)
    text = re.sub(r"\^\{?2\}?", "**2", text)
    return text.replace("\\", "")


def last_links(document: Document) -> Iterator[tuple[str, str]]:
    """The numbers put in, or the partial results, and the value after them."""
    lines = document.text.splitlines()
    for (kind, _), place in document.places.items():
        if kind == "line":
            before = lines[place.line - 1][: place.column - 1].rstrip("~=≈ ")
            before = before.removesuffix(r"\approx").rstrip()
            link = re.split(r"(?<![<>!])=|\\leftarrow", before)[-1].replace(r"\[", "")
            if not re.search(r"[a-df-wyz]_|[a-z]\d", link.replace("e^", "")):
                yield link, place.printed


@pytest.mark.parametrize("dialect", ["markdown", "webpage", "plain"])
@pytest.mark.parametrize("style", [s for s in STYLES if s != "full"])
def test_the_printed_arithmetic_of_clean_documents_is_right(dialect: str, style: str) -> None:
    seen = 0
    for seed in range(12):
        story = clean(seed, dialect, style)
        for link, printed in last_links(written(story)):
            text = as_code(link)
            if "'" in text or re.search(r"(?<![\w.])(?!exp|ln|tanh|max|sigmoid)[a-z]\w*", text):
                continue  # a name: nothing is put in
            value = eval(text.replace("^", "**"), CODE)
            number = number_in(printed)
            assert number is not None
            unit = float(last_place(str(number)))
            room = unit * (1 if style == "cut" else 0.5)
            assert abs(value - float(number)) <= room * (1 + 1e-6) + 1e-12, (seed, link, printed)
            seen += 1
    assert seen > 100


def test_ties_are_rounded_away_from_zero_or_to_even_and_cut_digits_are_cut() -> None:
    habit = Habit(digits=3)
    assert habit.printed(Decimal("0.0075") / 10 * 10 + Decimal("0.37")) == "0.378"
    assert habit.printed(Decimal("-0.0125")) == "-0.013"
    assert habit.printed(Decimal("-0.0125"), way="half_even") == "-0.012"
    assert habit.printed(Decimal("0.3779"), way="cut") == "0.377"
    significant = Habit(digits=3, significant=True)
    assert significant.printed(Decimal("0.09996")) == "0.100"
    assert significant.printed(Decimal("0.0000123456")) == "1.23e-5"


# --- handgrad's own derivation, as a witness --------------------------------------------------

LOSSES = {
    "half_squared": "half_squared_error",
    "binary": "binary_cross_entropy",
    "categorical": "cross_entropy",
}


def as_problem(net: Net, parameters: dict[Quantity, float] | None = None) -> Any:
    """The same network for handgrad."""
    given = {q: float(v) for q, v in net.givens.items()} | (parameters or {})
    layers = range(1, net.depth + 1)
    biases = {
        n: [
            given.get(Quantity("b", n, i if net.bias == "unit" else 0), 0.0)
            for i in range(1, net.sizes[n] + 1)
        ]
        for n in layers
    }
    return hg.Network(
        list(net.sizes),
        activation=[net.activation(n) for n in layers],
        loss=LOSSES[net.loss],
        W=[
            [
                [given[Quantity("W", n, i, j)] for j in range(1, net.sizes[n - 1] + 1)]
                for i in range(1, net.sizes[n] + 1)
            ]
            for n in layers
        ],
        b=[biases[n] for n in layers],
        x=[[given[Quantity("x", 0, j)] for j in range(1, net.sizes[0] + 1)]],
        y=[[given[Quantity("y", 0, k)] for k in range(1, net.sizes[-1] + 1)]],
        optimizer="sgd",
        learning_rate=given[ETA],
    )


def canonical(q: Quantity) -> tuple[str, tuple[int, ...]] | None:
    """Name and place of a quantity in handgrad's trace."""
    names = {
        "z": f"z{q.layer}", "a": f"a{q.layer}", "L": "L", "gz": f"dL/dz{q.layer}",
        "ga": f"dL/da{q.layer}",
        "gW": f"dL/dW{q.layer}", "gb": f"dL/db{q.layer}", "Wn": f"W{q.layer}_new",
        "bn": f"b{q.layer}_new",
    }  # fmt: skip
    if q.kind not in names or q.turn != 1:
        return None
    place: tuple[int, ...] = (0, q.i - 1) if q.kind in ("z", "a", "gz", "ga") else (q.i - 1,)
    return names[q.kind], () if q.kind == "L" else (q.i - 1, q.j - 1) if q.kind[-2:] in (
        "gW",
        "Wn",
    ) else place


@pytest.mark.parametrize("seed", range(40))
def test_every_true_value_is_that_of_handgrad(seed: int) -> None:
    story = clean(seed)
    problem = as_problem(story.net)
    trace = hg.evaluate(hg.derive(problem), problem)
    arrays = {str(s): np.asarray(v) for s, v in trace.arrays.items()}
    compared = 0
    for quantity, value in true_values(story.clean_steps, story.net.givens).items():
        known = canonical(quantity)
        if known is not None and known[0] in arrays:
            got = arrays[known[0]][known[1]]
            np.testing.assert_allclose(
                got, float(value), rtol=1e-9, atol=1e-15, err_msg=str(quantity)
            )
            compared += 1
    assert compared > 5


@pytest.mark.parametrize("seed", range(6))
def test_the_long_run_is_the_single_update_repeated(seed: int) -> None:
    net = clean(seed).net
    parameters: dict[Quantity, float] = {}
    for _ in range(4):
        problem = as_problem(net, parameters)
        trace = hg.evaluate(hg.derive(problem), problem)
        arrays = {str(s): np.asarray(v) for s, v in trace.arrays.items()}
        for q in net.givens:
            if q.kind == "W":
                parameters[q] = float(arrays[f"W{q.layer}_new"][q.i - 1, q.j - 1])
            elif q.kind == "b" and net.bias == "unit":
                parameters[q] = float(arrays[f"b{q.layer}_new"][q.i - 1])
    for q, value in after(net, 4).items():
        if q.kind in ("Wn", "bn"):
            expected = parameters[q._replace(kind=q.kind[0], turn=1)]
            np.testing.assert_allclose(value, expected, rtol=1e-10)


# --- the slips -------------------------------------------------------------------------------


def stories(name: str, count: int = 12) -> list[Story]:
    number = list(CATALOGUE).index(name)
    found = (story_of(("slips", number + len(CATALOGUE) * n), 1, ()) for n in range(count))
    return [story for story in found if story is not None]


@pytest.mark.parametrize("name", CATALOGUE)
def test_what_has_nothing_to_do_with_the_slip_is_as_in_the_clean_document(name: str) -> None:
    seen = 0
    for story in stories(name):
        assert story.changes[0].name == name
        roles, right = story.roles(), clean(story.seed, "", story.style, 0, name)
        for n, (line, other) in enumerate(zip(story.lines, right.lines, strict=True)):
            if roles["line", n] == FINE:
                assert line.text == other.text
        seen += any(story.visible)
    assert seen > 0


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_visible_root_is_called_a_root_and_its_digits_are_not_the_clean_ones(name: str) -> None:
    for story in stories(name):
        roles, right = story.roles(), clean(story.seed, "", story.style, 0, name)
        for keys in story.roots:
            for kind, n in keys:
                assert roles[kind, n] == ROOT
                if kind == "line" and story.lines[n].step.label is None:
                    assert story.lines[n].text != right.lines[n].text or name == "precision"


def test_slips_of_the_pen() -> None:
    found = digit_slips("0.6023")
    assert {"0.6203", "0.623", "0.06023", "6.023"} <= set(found)
    assert "0.6023" not in found
    assert all(d.startswith("-") for d in digit_slips("-0.15"))


def test_every_number_is_written_where_the_document_says() -> None:
    for seed in range(60):
        story = story_of(("slips", seed), 1, ()) or clean(seed)
        document = written(story)
        lines = document.text.splitlines()
        for place in document.places.values():
            assert lines[place.line - 1][place.column - 1 :].startswith(place.printed)
        assert set(document.places) <= set(story.roles())
        assert sum(kind == "line" for kind, _ in document.places) == len(story.lines)


@pytest.mark.parametrize("dialect", ["markdown", "webpage", "plain"])
def test_no_two_quantities_of_a_document_have_one_name(dialect: str) -> None:
    for seed in range(40):
        story = clean(seed, dialect)
        writer = NAMING[dialect](story)
        first = {q for line in story.lines if line.step.phase != "update" for q in line.operands}
        names = [
            writer.symbol(q)
            for q in first | set(story.net.givens)
            if q.turn == 1 and "n" not in q.kind
        ]
        assert len(names) == len(set(names)), sorted(names)


# --- the scores ------------------------------------------------------------------------------


def reported(story: Story, document: Document, blind: bool = False, nervous: bool = False) -> Any:
    """What a perfect audit would say; a blind one sees nothing, a nervous one complains of a given."""
    roots = {key for keys in story.roots for key in keys}
    roles = story.roles()
    claims = []
    for n, (key, place) in enumerate(document.places.items()):
        wrong = (key in roots and not blind) or (nervous and n == 0)
        verdict = (
            "wrong" if wrong else "inherited" if roles[key] == "follows" and not blind else "exact"
        )
        claims.append(
            {
                "quantity": None,
                "symbol": "?",
                "printed": place.printed,
                "line": place.line,
                "column": place.column,
                "step": 1,
                "local": "ok",
                "true": None,
                "verdict": verdict,
                "cause": 0 if wrong else None,
            }
        )
    names = [c.name.replace("_", " ") for c in story.changes] or ["sign"]
    causes = [{"slip": name, "sentence": "", "explains": []} for name in names]
    return {"claims": claims, "causes": causes, "unread": [], "conventions": {}, "wrong": 0}


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_perfect_audit_gets_full_marks_and_a_blind_one_none(name: str) -> None:
    for story in stories(name, 4):
        document = written(story)
        good, _, _ = scored(story, lambda d, story=story: reported(story, d))
        poor, _, _ = scored(story, lambda d, story=story: reported(story, d, blind=True))
        assert (good.alarms, good.judged) == (0, 1)
        assert good.located == good.named == story.visible
        assert not any(poor.located)
        assert is_enough([good], 1)
        assert is_enough([poor], 1) is not any(story.visible)
        assert document.places


def test_a_false_alarm_and_a_number_passed_over_are_not_enough() -> None:
    story = clean(3)
    calm, _, _ = scored(story, lambda d: reported(story, d))
    nervous, _, _ = scored(story, lambda d: reported(story, d, nervous=True))
    silent, _, _ = scored(story, lambda d: reported(story, d) | {"claims": []})
    assert (calm.alarms, nervous.alarms, silent.judged) == (0, 1, 0)
    assert [is_enough([s], 1) for s in (calm, nervous, silent)] == [True, False, False]
    assert "with alarms" in summary([calm, nervous], ["it broke"])
