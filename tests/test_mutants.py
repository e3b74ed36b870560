"""The mutation tool: which mutants it makes, and that it says no."""

from __future__ import annotations

import importlib
import sys

import pytest
from tests import mutants as tool
from tests.mutants import Changed, Mutant, mutants

pytest.importorskip("cosmic_ray", reason="the mutation tool comes with the extra dev")
SURVIVOR = Mutant("model.optimizers", 1, "a + b", "a - b", "")


def test_the_learning_rate_is_turned_around():
    found = [m for m in mutants("model.optimizers") if m.before.startswith("yield after(w), w - ")]
    assert any(m.after.startswith("yield after(w), w + ") for m in found)
    assert all(m.source != found[0].source for m in found[1:])


def test_annotations_make_no_mutants():
    assert tool._meaning("def f(x: int | None) -> int: return x") == tool._meaning(
        "def f(x: int & None) -> bool: return x"
    )
    assert tool._meaning("x = a | b") != tool._meaning("x = a & b")
    assert tool._meaning("f(/a)") is None


def test_guards_make_no_mutants_and_other_options_do():
    assert tool._meaning("zip(a, b, strict=True)") == tool._meaning("zip(a, b, strict=False)")
    assert tool._meaning("f(a, reduces=True)") != tool._meaning("f(a, reduces=False)")


def test_a_module_is_imported_from_its_mutant(monkeypatch):
    finder = Changed("handgrad.made_up", "ANSWER = 42")
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    assert importlib.import_module("handgrad.made_up").ANSWER == 42
    del sys.modules["handgrad.made_up"]


@pytest.mark.parametrize(
    ("listed", "killed", "status"),
    [("", 19, 1), (SURVIVOR.listed, 19, 0), (SURVIVOR.listed, 18, 1)],
    ids=["no reason", "a reason", "too many survive"],
)
def test_survivors_need_a_reason_and_may_not_be_many(
    listed, killed, status, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(tool, "REASONS", tmp_path / "reasons.md")
    tool.REASONS.write_text(listed, encoding="utf-8")
    every = [Mutant("calculus.chain", n, "", "", "") for n in range(killed)]
    monkeypatch.setattr(tool, "noticed", lambda m: m is not SURVIVOR)
    survivors = [SURVIVOR] * (20 - killed)
    assert tool._judged([*every, *survivors], 1) == status
    assert f"{killed} noticed" in capsys.readouterr().out
