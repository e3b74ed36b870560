"""Whole pages as they were last looked at: ``tests/golden/<example>.<reading>.<ending>``; pictures too.

    python -m pytest tests/test_golden.py --rewrite-golden        then read the diff

What changes a page on purpose rewrites them; a refactoring leaves every one untouched.
"""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from handgrad.verbs import Worked, draw
from pages import ROOT, page, problem

GOLDEN = ROOT / "tests" / "golden"
WRITERS = {
    "txt": Worked.to_text,
    "md": Worked.to_markdown,
    "tex": Worked.to_latex,
    "html": Worked.to_html,
    "typ": Worked.to_typst,
    "spoken": Worked.to_spoken,
}
PICTURES = {
    "circuit-max.graph.svg": {"theme": "light"},
    "one-neuron.forward.svg": {"theme": "auto"},
    "skip-connection.graph.svg": {"theme": "dark", "of": "w1"},
    "sum-of-two-2-2-1.backward.svg": {"theme": "light", "of": "W1[2,1]"},
    "xor.update.svg": {"theme": "print", "example": 2},
}
IN_THE_DOCS = {
    "docs/images/backward.svg": ("sum-of-two-2-2-1", {"of": "W1[2,1]"}),
    "docs/images/graph.svg": ("circuit-max", {}),
}

# Between them: each reading and format, one example and several, layers and equations, user's names,
# δ, vector functions, a maximum, a mean, an appendix, whole arrays.
PAGES = [
    "circuit-max.steps.md",
    "general-formulation.matrix.md",
    "general-formulation.matrix.txt",
    "general-formulation.matrix.typ",
    "maxout.steps.tex",
    "maxout.steps.txt",
    "mean-over-examples-equations.chain.txt",
    "one-neuron.chain.html",
    "one-neuron.chain.md",
    "one-neuron.chain.spoken",
    "one-neuron.chain.tex",
    "one-neuron.chain.txt",
    "one-neuron.chain.typ",
    "softmax-classifier.delta.spoken",
    "softmax-classifier.delta.txt",
    "sum-of-two-2-2-1.delta.md",
    "sum-of-two-2-2-1.matrix.html",
    "sum-of-two-2-2-1.delta.tex",
    "sum-of-two-2-2-1.delta.txt",
    "sum-of-two-2-2-1.delta.typ",
    "xor.steps.txt",
]


def compare(path: Path, content: str, *, rewrite: bool = False) -> None:
    """Fail with the difference between a file and what it should hold, or write it."""
    if rewrite:
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, "utf-8", newline="\n")
    kept = path.read_text("utf-8") if path.exists() else ""
    lines = difflib.unified_diff(
        kept.splitlines(), content.splitlines(), f"{path.name}, kept", "now", lineterm="", n=1
    )
    difference = "\n".join(lines)
    if difference or kept != content:
        pytest.fail(f"{difference}\n\nIf this is meant: pytest --rewrite-golden", pytrace=False)


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_the_one_that_was_looked_at(name, rewrite_golden):
    example, reading, ending = name.rsplit(".", 2)
    compare(GOLDEN / name, WRITERS[ending](page(example, reading)), rewrite=rewrite_golden)


@pytest.mark.parametrize("name", PICTURES)
def test_the_picture_is_the_one_that_was_looked_at(name, rewrite_golden):
    example, view, _ = name.rsplit(".", 2)
    asked = dict(PICTURES[name])
    theme = asked.pop("theme")
    drawn = draw(problem(example), view=view, **asked).to_svg(theme)
    compare(GOLDEN / name, drawn, rewrite=rewrite_golden)


@pytest.mark.parametrize("name", IN_THE_DOCS)
def test_the_picture_in_the_docs_is_the_one_drawn_now(name, rewrite_golden):
    example, asked = IN_THE_DOCS[name]
    compare(ROOT / name, draw(problem(example), **asked).to_svg(), rewrite=rewrite_golden)


def test_every_golden_file_is_compared():
    assert sorted(path.name for path in GOLDEN.iterdir()) == sorted([*PAGES, *PICTURES])


def test_an_altered_golden_file_is_reported_with_the_difference(tmp_path):
    content = (GOLDEN / "one-neuron.chain.txt").read_text("utf-8")
    kept = tmp_path / "one-neuron.chain.txt"
    kept.write_text(content.replace("≈ −0.231", "≈ −0.235"), "utf-8")
    with pytest.raises(pytest.fail.Exception, match=r"(?s)\n-.*≈ −0\.235\n\+.*≈ −0\.231"):
        compare(kept, content)
    kept.write_text(content + "\n", "utf-8")
    with pytest.raises(pytest.fail.Exception, match="rewrite-golden"):
        compare(kept, content)
    kept.unlink()
    with pytest.raises(pytest.fail.Exception, match=r"\n\+One neuron"):
        compare(kept, content)
    compare(kept, content, rewrite=True)
    compare(kept, content)
