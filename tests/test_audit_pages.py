"""Every page that explain makes audits clean: nothing wrong, and nothing passed over."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from tests.pages import PROBLEMS, ROOT, problem

import handgrad as hg
from handgrad.model.problem import Problem
from handgrad.render.dialects import DIALECTS

FORMATS = {"text": ".txt", "markdown": ".md", "latex": ".tex", "html": ".html"}
DIGITS = (3, 4, 6, 9)
FEW = ("one-neuron", "two-neurons-in-a-row", "sum-of-two-2-2-1")
FLAGGED = {"wrong", "inherited", "mislabelled", "unexplained"}


LAYERED = [
    name for name in PROBLEMS
    if "network" in tomllib.loads((ROOT / "examples" / f"{name}.toml").read_text("utf-8"))
]  # fmt: skip
DRESSED = [(name, "") for name in PROBLEMS] + list(product(LAYERED, DIALECTS))


def shown(name: str, preset: str, digits: int) -> Problem:
    """The example in this notation; a preset names layered networks only."""
    plain = problem(name)
    names = plain.notation.names if not preset else {}
    presets = (preset,) if preset else plain.notation.preset
    notation = replace(plain.notation, digits=digits, significant=None, preset=presets, names=names)
    return replace(plain, notation=notation)


def page(example: Problem, format_: str) -> str:
    return getattr(hg.explain(example), f"to_{format_}")()


def report_of(text: str, suffix: str, folder: Path, network: Any) -> Mapping[str, Any]:
    path = folder / f"page{suffix}"
    path.write_text(text, encoding="utf-8")
    options = {} if network is None else {"network": network}
    found = hg.audit(path, **options).to_json()
    return json.loads(found) if isinstance(found, str) else found


def is_clean(text: str, suffix: str, folder: Path, network: Any) -> None:
    report = report_of(text, suffix, folder, network)
    lines = text.splitlines()
    wrong = [
        f"{c['line']}: {lines[c['line'] - 1].strip()}\n"
        f"    {c['printed']} is {c['verdict']}, local {c['local']}"
        for c in report["claims"]
        if c["verdict"] in FLAGGED or c["local"] == "wrong"
    ]
    assert not wrong, "\n".join(wrong[:5])
    assert report["wrong"] == 0
    unread = [f"{u['line']}: {u['text']}" for u in report["unread"]]
    assert not unread, "\n".join(unread[:5])
    unjudged = [
        f"{c['line']}: {c['printed']}" for c in report["claims"] if c["verdict"] == "unjudged"
    ]
    assert not unjudged, "\n".join(unjudged[:5])
    assert len(report["claims"]) > 5


@pytest.mark.parametrize("known", [False, True], ids=["alone", "with its network"])
@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("name", FEW)
def test_a_page_of_explain_is_clean(name: str, format_: str, known: bool, tmp_path: Path) -> None:
    example = shown(name, "", 4)
    network = example if known else None
    is_clean(page(example, format_), FORMATS[format_], tmp_path, network)


EVERY = [
    (*dressed, format_, digits) for dressed, format_, digits in product(DRESSED, FORMATS, DIGITS)
]
TURNS = len(FORMATS) * len(DIGITS)
IN_TURN = [EVERY[n * TURNS + n % TURNS] for n in range(len(DRESSED))]  # one page of each


def audits_clean(name: str, preset: str, format_: str, digits: int, folder: Path) -> None:
    example = shown(name, preset, digits)
    text = page(example, format_)
    for network in (None, example):
        is_clean(text, FORMATS[format_], folder, network)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "preset", "format_", "digits"), IN_TURN)
def test_each_example_and_notation_has_a_page_that_is_clean(
    name: str, preset: str, format_: str, digits: int, tmp_path: Path
) -> None:
    audits_clean(name, preset, format_, digits, tmp_path)


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.parametrize(
    ("name", "preset", "format_", "digits"), [page for page in EVERY if page not in IN_TURN]
)
def test_every_page_of_explain_is_clean(
    name: str, preset: str, format_: str, digits: int, tmp_path: Path
) -> None:
    audits_clean(name, preset, format_, digits, tmp_path)


def test_a_digit_altered_on_a_page_is_noticed(tmp_path: Path) -> None:
    name = "sum-of-two-2-2-1"
    text = page(shown(name, "", 6), "text")
    trace = hg.evaluate(hg.derive(problem(name)), problem(name))
    loss = next(f"{float(v):.6f}" for s, v in trace.arrays.items() if str(s) == "L")
    assert loss in text
    other = loss[:-3] + str((int(loss[-3]) + 4) % 10) + loss[-2:]
    report = report_of(text.replace(loss, other), ".txt", tmp_path, problem(name))
    assert report["wrong"] > 0
