"""LaTeX by outside oracles: KaTeX in strict mode reads every formula, pdflatex every document.

KaTeX is an npm package; HANDGRAD_KATEX names the folder it is installed in:

    npm install --prefix FOLDER katex@0.19.1 && HANDGRAD_KATEX=FOLDER python -m pytest -m katex
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

import handgrad as hg
from handgrad.calculus.functions import FUNCTIONS
from handgrad.model.network import ACTIVATIONS, LOSSES
from handgrad.verbs import Worked
from pages import EXAMPLES, READINGS, page, problem
from test_notation import HOSTILE

KATEX = os.environ.get("HANDGRAD_KATEX", "")
LATIN_AND_GREEK = (*range(0x20, 0x190), *range(0x370, 0x400))
PRINTABLE = "".join(c for c in map(chr, LATIN_AND_GREEK) if c.isprintable())
READER = """
const katex = require(process.argv[1] + "/node_modules/katex");
const complaints = [];
for (const formula of JSON.parse(require("fs").readFileSync(0, "utf8"))) {
  try {
    katex.renderToString(formula, {displayMode: true, strict: "error", throwOnError: true});
  } catch (error) {
    complaints.push(formula + "\\n    " + error.message);
  }
}
console.log(JSON.stringify(complaints));
"""

katex = [
    pytest.mark.katex,
    pytest.mark.skipif(not KATEX, reason="HANDGRAD_KATEX names no folder"),
]
pdflatex = [
    pytest.mark.pdflatex,
    pytest.mark.skipif(not shutil.which("pdflatex"), reason="there is no pdflatex"),
]


def marked(*marks: pytest.MarkDecorator):
    """Several marks as one decorator."""

    def decorated(test):
        for mark in marks:
            test = mark(test)
        return test

    return decorated


def complaints(formulas: Iterable[str]) -> list[str]:
    """What KaTeX says of the formulas it refuses, each behind its formula."""
    done = subprocess.run(
        ["node", "-e", READER, KATEX],
        input=json.dumps(list(dict.fromkeys(formulas))),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def formulas_of(worked: Worked) -> list[str]:
    """The formulas between the dollar signs of the Markdown page, and those of the JSON."""
    shown = re.findall(r"^\$\$\n(.*?)\n\$\$$", worked.to_markdown(), re.DOTALL | re.MULTILINE)
    assert shown
    return [*shown, *(e["latex"] for e in json.loads(worked.to_json())["equations"])]


def every_function() -> Iterable[Worked]:
    """A page for each activation, loss and function of the rule table, with its derivation."""
    for activation in ACTIVATIONS:
        p = hg.Network([2, 2], activation=activation, x=[[0.5, -1.0]], y=[[0.0, 1.0]])
        yield hg.explain(p, appendix=True)
    for loss in LOSSES:
        p = hg.Network([2, 2], loss=loss, x=[[0.5, -1.0], [1.0, 0.3]], y=[[0.0, 1.0], [1.0, 0.0]])
        yield hg.explain(p)
    for function, row in FUNCTIONS.items():
        if row.arity == 1:
            equation = f"E = {function}(w)"
            yield hg.explain(hg.Equations(equation, loss="E", parameters={"w": 0.5}), appendix=True)


def page_of_names(names: list[str]) -> Worked:
    """The formulas of E = w1 + w2 + …, each w under one of the names."""
    forward = "E = " + " + ".join(f"w{n}" for n in range(len(names)))
    parameters = {f"w{n}": 1.0 for n in range(len(names))}
    notation = hg.Notation(names={f"w{n}": name for n, name in enumerate(names)})
    p = hg.Equations(forward, loss="E", parameters=parameters, notation=notation)
    return hg.explain(p, symbols_only=True)


# --- KaTeX -----------------------------------------------------------------------------------


@marked(*katex)
def test_katex_reads_every_formula_of_every_example():
    formulas = [f for name in EXAMPLES for r in READINGS for f in formulas_of(page(name, r))]
    for example in EXAMPLES:
        worked = hg.explain(problem(example), symbols_only=True, appendix=True)
        formulas += formulas_of(worked)
    assert len(formulas) > 2_000
    assert complaints(formulas) == []


@marked(*katex)
def test_katex_reads_every_function_loss_and_optimizer():
    formulas = [f for worked in every_function() for f in formulas_of(worked)]
    for optimizer in ("momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"):
        p = hg.Network([1, 1], x=[[0.5]], y=[[1.0]], optimizer=optimizer, l2=0.1)
        formulas += formulas_of(hg.explain(p, steps=2))
    assert complaints(formulas) == []


@marked(*katex)
def test_katex_reads_whatever_a_user_calls_things():
    names = [*HOSTILE.values(), *(f"{c}_{{{c}}}^{{{c}{c}}}" for c in PRINTABLE), "αβ·−x"]
    assert complaints(formulas_of(page_of_names(names))) == []


@marked(*katex)
def test_katex_refuses_what_it_must():
    wrong = [r"\frac{1}{", r"\operatornam{x}", "é", r"\text{¡}"]
    refused = complaints([r"\frac{1}{2}", *wrong])
    assert [text.split("\n")[0] for text in refused] == wrong


# --- pdflatex --------------------------------------------------------------------------------


def compiled(worked: Worked, folder: Path) -> subprocess.CompletedProcess[str]:
    return run_pdflatex(worked.to_latex(), folder)


def run_pdflatex(document: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "page.tex").write_text(document, "utf-8")
    command = [
        "pdflatex",
        "-interaction=nonstopmode",
        "-halt-on-error",
        "-no-shell-escape",
        "page.tex",
    ]
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=120,
    )


@marked(*pdflatex)
@pytest.mark.slow
@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("example", EXAMPLES)
def test_pdflatex_compiles_every_example(tmp_path, example, reading):
    done = compiled(page(example, reading), tmp_path)
    assert done.returncode == 0, done.stdout[-2_000:]


@marked(*pdflatex)
def test_pdflatex_compiles_a_fragment_in_a_document_that_loads_amsmath(tmp_path):
    fragment = page("sum-of-two-2-2-1", "delta").to_latex(whole=False)
    whole = "\\documentclass{article}\\usepackage{amsmath}\\begin{document}"
    done = run_pdflatex(f"{whole}\n{fragment}\\end{{document}}\n", tmp_path)
    assert done.returncode == 0, done.stdout[-2_000:]


@marked(*pdflatex)
@pytest.mark.parametrize(("example", "reading"), [("one-neuron", "chain"), ("xor", "matrix")])
def test_pdflatex_compiles_a_document(tmp_path, example, reading):
    done = compiled(page(example, reading), tmp_path)
    assert done.returncode == 0, done.stdout[-2_000:]
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


@marked(*pdflatex)
def test_pdflatex_compiles_a_document_of_hostile_names(tmp_path):
    names = [*HOSTILE.values(), *(PRINTABLE[n : n + 20] for n in range(0, len(PRINTABLE), 20))]
    worked = page_of_names(names)
    titled = replace(worked.problem, title=PRINTABLE[:190], source=PRINTABLE[190:390])
    done = compiled(replace(worked, problem=titled), tmp_path)
    assert done.returncode == 0, done.stdout[-2_000:]


@marked(*pdflatex)
def test_pdflatex_refuses_what_it_must(tmp_path):
    (tmp_path / "page.tex").write_text(
        r"\documentclass{article}\begin{document}$\frac{1}{", "utf-8"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=120)
    assert done.returncode != 0
