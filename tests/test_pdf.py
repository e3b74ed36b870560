"""Typst and PDF: every page compiles as PDF/UA-1, says what the trace says, and stays on its paper.

Typst itself refuses a formula or picture without words. What is on the paper is read by pypdf, and where
it stands by pdftotext.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from math import inf
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
import pytest
from pypdf import PageObject, PdfReader

import handgrad as hg
from calculator import FUNCTIONS as KNOWN
from calculator import calculated, from_typst
from handgrad.calculus.expr import Ref, Value
from handgrad.cli import main
from handgrad.errors import InputError
from handgrad.render.document import Picture, Remark, equals, related
from handgrad.render.pdf import to_pdf
from handgrad.render.spoken import sentence, writer_of
from handgrad.render.typst import TypstWriter, quoted
from handgrad.render.widths import WIDTHS, widest
from handgrad.verbs import Worked
from pages import (
    EXAMPLES,
    PROBLEMS,
    READINGS,
    ROOT,
    arrays_of,
    formulas,
    lines,
    page,
    problem,
    value_at,
)
from test_examples import CLOSE, precise, size
from test_latex import PRINTABLE, every_function, marked, page_of_names
from test_notation import HOSTILE

pdftotext = [
    pytest.mark.pdftotext,
    pytest.mark.skipif(not shutil.which("pdftotext"), reason="there is no pdftotext"),
]
RIGHT, BOTTOM = 595.28 - 70.87, 841.89 - 76.54  # where the margins of the page begin, in points
HARMFUL = {
    "a file": '#read("/etc/passwd")',
    "a panic": "#panic()",
    "an import": '#import "@preview/cetz:0.3.0": *',
    "a backslash": "a\\",
    "a quotation mark": 'a"b',
    "mathematics": "$x$ ] ) }",
    "raw text": "```x``` `y`",
    "comments": "a // b /* c",
    "a reference": "@ref <label>",
    "an address": "https://example.org/x",
    "an escape": r"\u{41} \n",
}
SIZE = 'width="90" height="40"'
SQUARE = f'<svg xmlns="http://www.w3.org/2000/svg" {SIZE}><rect {SIZE}/></svg>'


def read(pdf: bytes, *options: str) -> str:
    """What pdftotext finds on the paper."""
    done = subprocess.run(
        ["pdftotext", *options, "-", "-"], input=pdf, capture_output=True, check=True, timeout=60
    )
    return done.stdout.decode()


def outside(pdf: bytes) -> list[tuple[str, float, float]]:
    """The words that stand in the margins, but for the numbers of the pages."""
    box = r'xMin="(\S+)" yMin="(\S+)" xMax="(\S+)" yMax="(\S+)">(.*)</word>'
    found = re.findall(box, read(pdf, "-bbox"))
    assert found
    return [
        (word, float(right), float(bottom))
        for _, top, right, bottom, word in found
        if float(right) > RIGHT + 1
        or (float(bottom) > BOTTOM + 4 and not (word.isdigit() and float(top) > BOTTOM + 4))
    ]


# --- every page ------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "example"), list(enumerate(EXAMPLES)))
def test_an_example_is_an_accessible_pdf(number, example):
    made = page(example, READINGS[number % 4]).to_pdf()
    assert made.startswith(b"%PDF-1.7")
    for mark in (b"/MarkInfo", b"/StructTreeRoot", b"/Lang(en", b"pdfuaid"):
        assert mark in made


@pytest.mark.slow
@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_and_reading_is_an_accessible_pdf(example, reading):
    assert page(example, reading).to_pdf().startswith(b"%PDF-1.7")


@pytest.mark.slow
def test_every_function_loss_and_derivation_is_set():
    for worked in every_function():
        assert worked.to_pdf().startswith(b"%PDF-1.7")


def test_formulas_alone_and_states_of_optimizers_are_set():
    p = hg.Network([1, 1], x=[[0.5]], y=[[1.0]], optimizer="adam", l2=0.1)
    assert hg.explain(p, steps=2).to_pdf().startswith(b"%PDF")
    assert hg.explain(problem("xor"), symbols_only=True, appendix=True).to_pdf()


def test_a_formula_or_picture_without_words_is_refused():
    head = '#set document(title: "t")\n'
    assert to_pdf(f'{head}#math.equation(alt: "x", $x$)').startswith(b"%PDF")
    for body in ("$x$", f'#image(bytes({quoted(SQUARE)}), format: "svg")'):
        with pytest.raises(InputError, match="missing alt text"):
            to_pdf(head + body)


def test_the_same_page_is_the_same_bytes():
    worked = page("one-neuron", "chain")
    made = worked.to_pdf()
    assert made == worked.to_pdf()
    assert b"CreationDate" not in made


# --- numbers ---------------------------------------------------------------------------------


def blocks(source: str) -> Iterator[list[str]]:
    """The worked lines of a Typst document, each as its parts."""
    for block in re.findall(r"^#worked\(\n(.*?)^\)$", source, re.DOTALL | re.MULTILINE):
        rows = [re.findall(r"\$(.*?)\$", row) for row in block.splitlines()[3:]]
        assert all(row[0] in ("=", "approx") for row in rows)
        yield [" ".join(pieces) for _, *pieces in rows]


@pytest.mark.parametrize("reading", [r for r in READINGS if r != "matrix"])
@pytest.mark.parametrize("example", PROBLEMS)
def test_typst_read_back_comes_to_the_values_of_the_trace(example, reading):
    worked = precise(example, reading)
    items = list(formulas(worked.document))
    found = list(blocks(worked.to_typst()))
    assert len(found) == len(items)
    seen = 0
    for item, parts in zip(items, found, strict=True):
        if not hasattr(item, "parts") or not isinstance(item.parts[-1], Value):
            continue
        scale = max(map(size, item.parts)) + 1e-3
        for part in parts:
            written = from_typst(part)
            if (
                "…" not in part
                and set(re.findall(r"[^\W\d]\w*", re.sub(r"\de", "", written))) <= KNOWN.keys()
            ):
                assert abs(calculated(written) - item.value) <= CLOSE * scale, part
                seen += 1
    assert seen >= sum(1 for _ in lines(worked.document))


def test_reading_typst_back_minds_brackets_and_signs():
    assert calculated(from_typst(r"frac(1, 1 + e^(-0.0)) dot (-3)^(2)")) == 4.5
    assert calculated(from_typst(r"2 dot \( 1 + 2 \)")) == 6
    assert calculated(from_typst("[0.5 = 0.5]")) == 1


def paper(pdf: bytes) -> str:
    """What is on the paper, in the order of reading, with a blank before smaller or larger letters."""
    sheets = [sheet_text(sheet) for sheet in PdfReader(BytesIO(pdf)).pages]
    return "\n".join(sheet.removesuffix(str(n)) for n, sheet in enumerate(sheets, 1))


def sheet_text(sheet: PageObject) -> str:
    runs = list[tuple[str, float]]()
    sheet.extract_text(visitor_text=lambda text, _cm, _tm, _font, size: runs.append((text, size)))
    runs = [run for run in runs if run[0]]
    sizes = [runs[0][1], *(size for _, size in runs)]
    return "".join(
        text if size == before else f" {text}"
        for (text, size), before in zip(runs, sizes, strict=False)
    )


def decimals(text: str) -> Counter[str]:
    return Counter(re.findall(r"\d+\.\d+", text))


def results(worked: Worked) -> Iterator[str]:
    """Sign and value of each line as they must be on the paper, taken from the trace."""
    arrays, digits = arrays_of(worked), worked.document.digits
    for line in lines(worked.document):
        known = isinstance(line.lhs, Ref) and line.lhs.symbol in arrays
        value = value_at(arrays, line.lhs) if known else line.value
        assert value == pytest.approx(line.value, rel=CLOSE, abs=1e-300)
        mantissa, _, exponent = digits.show(float(value)).replace("-", "−").partition("e")
        sign = "=" if equals(line.parts, len(line.parts) - 1, digits) else "≈"
        yield sign + mantissa + (f"⋅10{exponent}" if exponent else "")


def written(worked: Worked) -> str:
    """The words and formulas of a Typst document, without their alternative text."""
    document = worked.document
    remarks = [i.text for s in document.sections for i in s.items if isinstance(i, Remark)]
    parts = [part for line in blocks(worked.to_typst()) for part in line]
    return " ".join([document.title, document.source, *remarks, *parts])


def assert_the_paper_is_the_trace(worked: Worked, pdf: bytes) -> None:
    shown = paper(pdf)
    assert decimals(shown) == decimals(written(worked))
    shown, place = re.sub(r"\s", "", shown), 0
    for result in [] if worked.reading == "matrix" else results(worked):
        place = shown.find(result, place) + len(result)
        assert place >= len(result), f"{result} is not on the paper"


def spoken(pdf: bytes) -> list[str]:
    """The words of the formulas, in the order in which a screen reader comes to them."""
    waiting, words = [PdfReader(BytesIO(pdf)).root_object["/StructTreeRoot"]], list[str]()
    while waiting:
        element = waiting.pop().get_object()
        if isinstance(element, list):
            waiting += reversed(element)
        elif isinstance(element, dict):
            words += [str(element["/Alt"])] if element.get("/S") == "/Formula" else []
            waiting += [element["/K"]] if "/K" in element else []
    return words


def said(worked: Worked) -> list[str]:
    writer = writer_of(worked.document)
    return [sentence(writer, item) for item in formulas(worked.document)]


@pytest.mark.parametrize(("number", "example"), list(enumerate(EXAMPLES)))
def test_the_paper_and_its_words_are_the_trace(number, example):
    worked = page(example, READINGS[number % 4])
    made = worked.to_pdf()
    assert_the_paper_is_the_trace(worked, made)
    assert spoken(made) == said(worked)


@pytest.mark.slow
@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_paper_of_every_reading_is_the_trace(example, reading):
    worked = page(example, reading)
    assert_the_paper_is_the_trace(worked, worked.to_pdf())


@pytest.mark.parametrize(
    ("right", "wrong"), [("$0.562$", "$0.652$"), ("$0.25$", "$25$"), ("($approx$", "($=$")]
)
def test_a_wrong_digit_on_the_paper_is_noticed(right, wrong):
    worked = page("one-neuron", "steps")
    made = worked.to_typst().replace(right, wrong, 1)
    with pytest.raises(AssertionError):
        assert_the_paper_is_the_trace(worked, to_pdf(made))
    with pytest.raises(AssertionError):
        assert spoken(to_pdf(worked.to_typst().replace("0.562", "0.563", 1))) == said(worked)


# --- widths ----------------------------------------------------------------------------------


def measured(formulas: Sequence[str]) -> list[float]:
    """How wide Typst sets them, in em."""
    import typst

    listed = ", ".join(
        f"measure(math.equation(block: true, ${f}$)).width.pt() / 100" for f in formulas
    )
    font = '#set text(font: "New Computer Modern", size: 100pt)'
    source = f"{font}\n#context [#metadata(({listed},)) <widths>]"
    with NamedTemporaryFile(suffix=".typ") as file:
        file.write(source.encode())
        file.flush()
        compiler = typst.Compiler(file.name, font_paths=typst.Fonts(include_system_fonts=False))
        return json.loads(compiler.query("<widths>", field="value", one=True))


def rows_of(worked: Worked) -> Iterator[list[str]]:
    """Name and parts of each line of a page, as Typst has them."""
    writer = TypstWriter(worked.document.names, worked.document.digits)
    for item in formulas(worked.document):
        parts = [(equal, writer.breakable(part)) for equal, part in related(item, writer.digits)]
        signed = [" ".join(("=" if equal else "approx", *pieces)) for equal, pieces in parts]
        yield [writer.write(item.lhs), *dict.fromkeys(signed)]


def wide_enough(rows: Sequence[list[str]]) -> list[float]:
    """How many times its width each line is given; no part of it may be given less than it is wide."""
    parts = sorted({part for row in rows for part in row if widest(part) < inf})
    width = dict(zip(parts, measured(parts), strict=True))
    for part in parts:
        assert width[part] <= widest(part), part
    known = [row for row in rows if all(part in width for part in row)]
    whole = measured([" ".join(row) for row in known])
    return [sum(map(widest, row)) / real for row, real in zip(known, whole, strict=True)]


@pytest.mark.parametrize("reading", READINGS)
def test_nothing_is_wider_than_the_page_is_told(reading):
    rows = [row for example in EXAMPLES for row in rows_of(page(example, reading))]
    given = sorted(wide_enough(rows))
    assert given[0] >= 1
    assert given[len(given) // 2] < 1.06  # little room is given away
    assert reading == "matrix" or len(given) > 0.9 * len(rows)  # and little is unknown


def test_every_function_loss_and_derivation_is_as_wide_as_the_page_is_told():
    assert len(wide_enough([row for worked in every_function() for row in rows_of(worked)])) > 500


def test_letters_are_as_wide_as_the_page_is_told():
    letters = sorted(letter for letter in WIDTHS if len(letter) == 1 and letter.isalnum())
    shapes = [*letters, *(f'"{c}"' for c in letters), *(f"x_({c})^({c})" for c in letters)]
    shapes += [f"{c}_(1)" for c in letters] + [f"{c}^(1)" for c in letters]
    for shape, width in zip(shapes, measured(shapes), strict=True):
        assert width <= widest(shape), shape
    assert measured(["W W"])[0] > 2 * widest("V")  # and a letter too narrow would be found


def test_of_unknown_words_nothing_is_promised():
    for unknown in ('"我"', "zeta", '"a b"', "x_(我)", "frac(1, 我)", 'mat(delim: "[", 1)'):
        assert widest(unknown) == inf


# --- paper -----------------------------------------------------------------------------------


def wide_pages() -> Iterator[Worked]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, 12)), rng.normal(size=(3, 4))
    names = {"W1": "a rather long name for a matrix of weights indeed", "z2": "w" * 60}
    notation = hg.Notation(loss="the whole loss of this network", names=names)
    small = hg.Network([2, 3, 2], seed=1, x=x[:2, :2], y=y[:2, :2])
    yield hg.explain(replace(small, notation=notation))
    yield hg.explain(replace(small, notation=hg.Notation(digits=15)))
    wide = hg.Network([12, 12, 4], activation="softplus", seed=1, x=x, y=y)
    yield hg.explain(wide, reading="matrix", full=True)
    classes = hg.Network(
        [3, 8], activation="softmax", loss="cross_entropy", seed=1, x=x[:2, :3], y=np.eye(8)[:2]
    )
    yield hg.explain(classes, appendix=True)
    rows = hg.Network([1, 2], seed=1, x=rng.normal(size=(32, 1)), y=rng.normal(size=(32, 2)))
    yield hg.explain(rows, reading="matrix", full=True)
    yield hg.explain(replace(small, title="w" * 300, source="https://example.org/" + "x" * 300))


@marked(*pdftotext)
def test_nothing_stands_in_the_margin():
    for worked in wide_pages():
        assert outside(worked.to_pdf()) == []


@marked(*pdftotext)
def test_what_stands_in_the_margin_is_noticed():
    long = " + ".join(["x"] * 60)
    document = (
        page("one-neuron", "chain").to_typst() + f'#math.equation(block: true, alt: "x", ${long}$)'
    )
    assert outside(to_pdf(document))


@marked(*pdftotext)
def test_no_heading_or_sentence_stands_alone_at_the_foot_of_a_page():
    worked = page("several-outputs", "chain")
    sections = worked.document.sections
    leading = {s.title for s in sections}
    leading |= {i.text for s in sections for i in s.items if hasattr(i, "text")}
    sheets = read(worked.to_pdf()).split("\f")[:-1]
    assert len(sheets) > 3
    for sheet in sheets:
        rows = [row.strip() for row in sheet.splitlines() if row.strip()]
        assert rows[-1].isdigit()
        assert rows[-2] not in leading


@marked(*pdftotext)
def test_long_parts_are_broken_and_stand_under_each_other():
    source = page("general-formulation", "steps").to_typst()
    rows = [
        row for row in read(to_pdf(source), "-layout").splitlines() if re.match(r" +[=≈] ", row)
    ]
    assert len(rows) > 50


# --- names and titles that mean harm ---------------------------------------------------------


@marked(*pdftotext)
@pytest.mark.parametrize("title", HARMFUL.values(), ids=HARMFUL)
def test_a_harmful_title_or_name_is_printed_as_it_is(title):
    notation = hg.Notation(names={"W1[1,1]": title, "z1": title}, loss=title)
    p = replace(problem("one-neuron"), title=title, source=title, notation=notation)
    shown = read(hg.explain(p).to_pdf())
    assert shown.splitlines()[0] == " ".join(title.split())
    assert "root:" not in shown


def test_hostile_names_and_titles_are_inert():
    names = [*HOSTILE.values(), *HARMFUL.values()]
    names += [PRINTABLE[n : n + 20] for n in range(0, len(PRINTABLE), 20)]
    named = page_of_names([*names, *(f"{n}_{{{n}}}^{{{n}}}" for n in names)])
    sources = [named.to_typst()]
    for title in (*HOSTILE.values(), PRINTABLE[:190]):
        titled = hg.explain(replace(problem("circuit-max"), title=title, source=title))
        sources.append(titled.to_typst())
    for source in sources:
        assert not re.search(r"#(read|panic|import|eval|include|plugin)\b", unquoted(source))
        assert to_pdf(source).startswith(b"%PDF")


def unquoted(source: str) -> str:
    """A Typst document without its string literals."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', '""', source)


def test_what_is_not_quoted_is_noticed():
    assert "#panic()" in unquoted('"a" #panic() "b"')
    assert "#panic()" not in unquoted(quoted('a" #panic() \\'))


def test_a_letter_that_no_font_has_becomes_a_question_mark():
    p = replace(problem("one-neuron"), title="Ein 🜁 und \U000e0100\U0001fbff")
    assert hg.explain(p).to_pdf().startswith(b"%PDF")


# --- pictures and doors ----------------------------------------------------------------------


def test_a_picture_is_part_of_the_page_with_its_words():
    worked = page("one-neuron", "chain")
    picture = Picture(SQUARE, 'One "neuron" of #one input')
    made = worked.to_pdf(pictures=[picture])
    assert b"/Figure" in made
    assert b'One "neuron" of #one input' in made
    assert made != worked.to_pdf()


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_page_with_its_own_picture_is_accessible(example):
    worked = hg.explain(problem(example), of="b1" if example == "one-neuron" else None)
    made = worked.to_pdf(pictures=worked.pictures("light"))
    assert made.count(b"/S/Figure") == len(worked.pictures())


def test_the_command_line_writes_pdf_typst_and_words(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("signal.signal", lambda *_: None)
    for ending, start in ((".pdf", b"%PDF"), (".typ", b"// A page")):
        main(["explain", "one-neuron", "-o", str(tmp_path / f"page{ending}")])
        assert (tmp_path / f"page{ending}").read_bytes().startswith(start)
    main(["explain", "one-neuron", "--format", "spoken", "-o", str(tmp_path / "page")])
    assert (tmp_path / "page").read_text("utf-8") == hg.explain(problem("one-neuron")).to_spoken()


def test_pdf_goes_into_a_pipe():
    command = [sys.executable, "-m", "handgrad", "explain", "one-neuron", "--format", "pdf"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, capture_output=True, check=True, timeout=60, env=environment)
    worked = hg.explain(problem("one-neuron"))
    assert done.stdout == worked.to_pdf(pictures=worked.pictures("light"))


def test_pdf_is_not_for_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with pytest.raises(SystemExit) as ended:
        main(["explain", "one-neuron", "--format", "pdf"])
    assert ended.value.code == 2
    assert "-o page.pdf" in capsys.readouterr().err


def test_without_typst_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(InputError, match=r'pip install "handgrad\[pdf\]"'):
        page("one-neuron", "chain").to_pdf()
