"""The HTML page: well-formed, MathML Core, the numbers of its trace, inert, seen by a browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from html import escape, unescape
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

import numpy as np
import pytest

import handgrad as hg
from calculator import calculated, from_mathml
from handgrad.calculus.expr import Partial, walk
from handgrad.model.network import ACTIVATIONS, LOSSES
from handgrad.model.problem import Notation
from handgrad.render.document import Line, Picture
from handgrad.verbs import Worked
from pages import EXAMPLES, PROBLEMS, READINGS, ROOT, arrays_of, formulas, page, problem
from test_examples import CLOSE, agrees, numbers_of, precise, shortened, size, whole
from test_notation import HOSTILE, NETWORK

each_problem = pytest.mark.parametrize("example", PROBLEMS)
each_reading = pytest.mark.parametrize("reading", READINGS)

# https://www.w3.org/TR/mathml-core/ without what is only there for old pages
MATHML_CORE = {
    "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "ms", "mfrac", "msqrt", "mroot", "mstyle",
    "merror", "mpadded", "mphantom", "msub", "msup", "msubsup", "munder", "mover", "munderover",
    "mmultiscripts", "mprescripts", "mtable", "mtr", "mtd",
}  # fmt: skip
PAGE = {
    "html", "head", "meta", "title", "style", "body", "main", "header", "nav", "section",
    "h1", "h2", "h3", "h4", "p", "ol", "li", "a", "div", "figure",
}  # fmt: skip
ATTRIBUTES = {
    "html": {"lang"},
    "meta": {"charset", "http-equiv", "content", "name"},
    "main": {"class"},
    "nav": {"aria-label"},
    "h1": {"dir"},
    "h2": {"id"},
    "h3": {"dir"},
    "p": {"class", "dir"},
    "a": {"href"},
    "div": {"class", "style"},
    "figure": {"role", "aria-label"},
    "math": {"alttext"},
    "mo": {"stretchy"},
    "mover": {"accent"},
}


def read(written: str) -> Element:
    """A page as XML; an end tag left out or a stray sign would be an error."""
    return ET.fromstring(written)


def strange(root: Element) -> list[str]:
    """Elements and attributes that are none of ours, and MathML that is not of MathML Core."""
    found = list[str]()
    for element in root.iter():
        allowed = ATTRIBUTES.get(element.tag, set())
        if element.tag not in PAGE | MATHML_CORE:
            found.append(f"<{element.tag}>")
        found += [f"{element.tag} {name}" for name in set(element.keys()) - allowed]
    for math in root.iter("math"):
        found += [f"<{e.tag}> in <math>" for e in math.iter() if e.tag not in MATHML_CORE]
    outside = MATHML_CORE - {"math"}
    inside = {id(e) for math in root.iter("math") for e in math.iter()}
    found += [f"<{e.tag}> outside" for e in root.iter() if e.tag in outside and id(e) not in inside]
    return found


def line_elements(root: Element) -> list[Element]:
    return [e for e in root.iter("div") if e.get("class", "").startswith("line ")]


def parts_of(line: Element) -> list[Element]:
    """The formulas behind the left side, their signs = or ≈ among them."""
    return [math for cell in line[1] for math in cell]


def without_sign(math: Element) -> Element:
    assert math[0].text in ("=", "≈")
    assert len(math) == 2
    return math[1]


# --- structure -------------------------------------------------------------------------------


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_page_is_well_formed_and_of_mathml_core(example):
    for reading in READINGS:
        worked = page(example, reading)
        root = read(worked.to_html())
        assert strange(root) == []
        items = list(formulas(worked.document))
        assert len(line_elements(root)) == len(items)
        assert len(list(root.iter("section"))) == len(worked.document.sections)
        headings = [h.text for h in root.iter("h2")]
        assert headings == [s.title for s in worked.document.sections]
        (main,) = root.iter("main")
        assert root.get("lang") == "en"
        assert next(main.iter("h1")).text == worked.document.title


def test_what_is_strange_is_noticed():
    assert strange(read("<p onclick='x'><script/></p>")) == ["p onclick", "<script>"]
    assert strange(read("<math><menclose/></math>")) == ["<menclose>", "<menclose> in <math>"]
    assert strange(read("<math><div/></math>")) == ["<div> in <math>"]
    assert strange(read("<p><mi>x</mi></p>")) == ["<mi> outside"]
    with pytest.raises(ET.ParseError):
        read("<p>1 < 2</p>")


def test_scripts_have_as_many_parts_as_they_take():
    wanted = {"mfrac": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3}
    for worked in (*map(page, EXAMPLES, READINGS * 6), *every_function()):
        for element in read(worked.to_html()).iter():
            if element.tag in wanted:
                assert len(element) == wanted[element.tag], ET.tostring(element)


def every_function() -> Iterator[Worked]:
    for activation in ACTIVATIONS:
        p = hg.Network([2, 2], activation=activation, x=[[0.5, -1.0]], y=[[0.0, 1.0]])
        yield hg.explain(p, appendix=True)
    for loss in LOSSES:
        p = hg.Network([2, 2], loss=loss, x=[[0.5, -1.0], [1.0, 0.3]], y=[[0.0, 1.0], [1.0, 0.0]])
        yield hg.explain(p)
    for optimizer in ("momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"):
        p = hg.Network([1, 1], x=[[0.5]], y=[[1.0]], optimizer=optimizer, l2=0.1)
        yield hg.explain(p, steps=2)


def test_a_page_loads_nothing_and_runs_nothing():
    written = page("xor", "steps").to_html()
    assert "<script" not in written
    assert not re.search(r"url\(|@import|https?:|src=", written)
    assert "default-src 'none'" in written


def test_contents_are_listed_where_there_are_many_sections_and_lead_to_them():
    few, many = (hg.explain(problem("xor"), steps=n).to_html() for n in (1, 3))
    assert "<nav" not in few
    root = read(many)
    links = [a.get("href", "")[1:] for a in root.iter("a")]
    assert links == [h.get("id") for h in root.iter("h2")]
    assert len(links) == 12
    assert [a.text for a in root.iter("a")] == [h.text for h in root.iter("h2")]


def test_pictures_stand_above_the_steps_with_their_description():
    drawn = '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>'
    root = read(page("xor", "steps").to_html([Picture(drawn, 'a "network" <b>')]))
    (figure,) = root.iter("figure")
    assert figure.get("aria-label") == 'a "network" <b>'
    assert figure.get("role") == "img"
    assert figure[0].tag == "{http://www.w3.org/2000/svg}svg"
    (main,) = root.iter("main")
    order = [child.tag for child in main]
    assert order.index("figure") < order.index("section")


def test_the_text_of_every_formula_is_that_of_the_text_page():
    worked = page("sum-of-two-2-2-1", "chain")
    rows = [r.strip() for r in worked.to_text(width=10**6).splitlines() if r.startswith("    ")]
    for row, line in zip(rows, line_elements(read(worked.to_html())), strict=True):
        said = [math.get("alttext") for math in (line[0][0], *parts_of(line))]
        assert " ".join(filter(None, said)) == row


# --- numbers ---------------------------------------------------------------------------------


def worked_lines(worked: Worked) -> Iterator[tuple[Line, list[Element]]]:
    """Each worked line of a document with the formulas the page has for it."""
    elements = line_elements(read(worked.to_html()))
    for item, element in zip(formulas(worked.document), elements, strict=True):
        if isinstance(item, Line):
            yield item, parts_of(element)


@each_problem
@each_reading
def test_the_page_read_back_comes_to_its_values(example, reading):
    worked = precise(example, reading)
    quantity = quantities(worked)
    seen = 0
    for line, shown in worked_lines(worked):
        if whole(line) or shortened(line):
            continue
        factors = any(isinstance(node, Partial) for node in walk(line.parts[0]))
        scale = max(size(part) for part in line.parts) + 1e-3
        for math in shown[factors:]:
            written = from_mathml(without_sign(math), quantity)
            got = calculated(written)
            assert abs(got - line.value) <= CLOSE * scale, f"{line.lhs}: {written} is {got!r}"
            seen += 1
    assert seen or reading == "matrix"


def quantities(worked: Worked) -> Callable[[str, str, str], float | None]:
    """The number behind a name as it is set: W with 1,2 below and (1) above is W1[1,2]."""
    arrays = {str(s): np.asarray(array) for s, array in arrays_of(worked).items()}
    arrays |= {f"δ_{s.plain}": arrays[str(s)] for s in arrays_of(worked) if s.state == "δ"}

    def number(base: str, below: str, above: str) -> float | None:
        pieces = below.split(",") if below else []
        new = "_new" * ("new" in pieces)
        pieces = [piece for piece in pieces if piece != "new"]
        first = pieces[0] if pieces else ""
        heads = [(f"{base}{above.strip('()')}", 0), (f"{base}_n", 0)]  # E_1 is that of an example
        heads += [(f"{base}{first}", 1), (f"{base}_{first}", 1)]
        for head, taken in heads:
            array = arrays.get(head + new)
            if array is not None and 0 <= array.ndim - len(pieces[taken:]) <= 1:
                return numbers_of(array)(",".join(pieces[taken:]))
        return None

    return number


@each_problem
@each_reading
def test_numbers_on_the_page_are_those_of_the_document_at_the_digits_shown(example, reading):
    for line, shown in worked_lines(page(example, reading)):
        if whole(line):
            continue
        last = "".join(without_sign(shown[-1]).itertext())
        assert agrees(line.parts[-1], scientific(last)), f"{line.parts[-1]} is shown as {last}"


def scientific(written: str) -> str:
    """4.25⋅10−18 as 4.25e-18."""
    return re.sub(r"⋅10(?=[−\d])", "e", written).replace("e−", "e-")


@each_problem
def test_whole_arrays_on_the_page_are_those_of_the_document(example):
    worked = precise(example, "matrix")
    seen = 0
    for line, shown in worked_lines(worked):
        if not whole(line):
            continue
        values = cells(without_sign(shown[-1]))
        array = np.atleast_2d(arrays_of(worked)[line.lhs.symbol])
        np.testing.assert_allclose(values, array, CLOSE, CLOSE)
        seen += 1
    assert seen or not any(array.ndim for array in arrays_of(worked).values())


def cells(shown: Element) -> list[list[float]]:
    """The numbers of a matrix, or of a number as a matrix."""
    tables = list(shown.iter("mtable"))
    if not tables:
        return [[calculated(from_mathml(shown))]]
    return [[calculated("".join(map(from_mathml, cell))) for cell in row] for row in tables[0]]


def test_reading_back_minds_brackets_signs_and_names():
    def value(markup: str) -> float:
        known = {("W", "1,2", "(1)"): 0.25, ("dL/da", "1", ""): -3.0}
        return calculated(from_mathml(read(f"<math>{markup}</math>"), lambda *n: known.get(n)))

    bracketed = "<mrow><mo>(</mo><mn>1.5</mn><mo>−</mo><mn>0.5</mn><mo>)</mo></mrow>"
    half = "<mfrac><mn>1</mn><mn>2</mn></mfrac>"
    assert value(f"{half}<mo>⋅</mo><msup>{bracketed}<mn>2</mn></msup>") == 0.5
    assert value("<mo>−</mo><msup><mn>0.5</mn><mn>2</mn></msup>") == -0.25
    assert value("<msup><mi>e</mi><mrow><mo>−</mo><mn>0</mn></mrow></msup>") == 1
    equal = "<mrow><mo>[</mo><mn>2</mn><mo>=</mo><mn>{}</mn><mo>]</mo></mrow>"
    assert value(equal.format(2)) == 1
    assert value(equal.format(3)) == 0
    name = "<mrow><mn>1</mn><mo>,</mo><mn>2</mn></mrow><mrow><mo>(</mo><mn>1</mn><mo>)</mo></mrow>"
    assert value(f"<msubsup><mi>W</mi>{name}</msubsup>") == 0.25
    below = "<mrow><mi>∂</mi><msub><mi>a</mi><mn>1</mn></msub></mrow>"
    assert value(f"<mfrac><mrow><mi>∂</mi><mi>L</mi></mrow>{below}</mfrac>") == -3.0


def test_a_wrong_digit_or_sign_on_the_page_is_found():
    worked = precise("one-neuron", "steps")
    ((line, shown),) = ((n, s) for n, s in worked_lines(worked) if str(n.lhs.symbol) == "a1")
    math = without_sign(shown[-1])
    assert calculated(from_mathml(math)) == pytest.approx(line.value, rel=CLOSE)
    (number,) = math.iter("mn")
    number.text = (number.text or "").replace("0.56", "0.57")
    assert calculated(from_mathml(math)) != pytest.approx(line.value, rel=CLOSE)


def test_a_negative_number_has_the_sign_of_mathematics():
    p = hg.Equations("E = -(w - v)**3", loss="E", parameters={"w": 0.5, "v": -1e-7})
    written = hg.explain(p).to_html()
    assert "<mo>−</mo><mn>" in written
    assert not re.search(r"<m[no][^>]*>-", written)
    assert "<msup><mn>10</mn><mrow><mo>−</mo><mn>7</mn></mrow></msup>" in written


# --- names and titles that mean harm ---------------------------------------------------------


class Tags(HTMLParser):
    """What a reader of HTML finds: elements, attributes, and comments or declarations."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, frozenset[str]]] = []
        self.other: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, frozenset(name for name, _ in attrs)))

    def handle_comment(self, data):
        self.other.append(data)

    def unknown_decl(self, data):
        self.other.append(data)

    def handle_pi(self, data):
        self.other.append(data)


@cache
def plain_page() -> str:
    return hg.explain(replace(NETWORK, title="t", source="s")).to_html()


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_comes_out_inert_and_bounded(name):
    names = {"W1[1,1]": name, "W2": name, "z1": f"z_{{{name}}}^{{{name}}}"}
    notation = Notation(loss=name, target=name, learning_rate=name, names=names)
    worked = hg.explain(replace(NETWORK, notation=notation, title=name, source=name))
    for written in (worked.to_html(), worked._repr_html_()):
        root = read(written)
        assert strange(root) == []
        assert len(written) < 20 * len(plain_page())
        tags = Tags()
        tags.feed(written)
        assert tags.other == []
        assert {tag for tag, _ in tags.seen} <= PAGE | MATHML_CORE
        assert [(e.tag, frozenset(e.keys())) for e in root.iter()] == tags.seen
        assert all(a.get("href", "").startswith("#s") for a in root.iter("a"))
        for character in "".join(root.itertext()) + "".join(
            value for e in root.iter() for value in e.attrib.values()
        ):
            kind = unicodedata.category(character)
            assert character in "\n\u2061" or kind not in ("Cc", "Cf", "Cs", "Zl", "Zp"), character


def test_a_hostile_name_of_a_quantity_in_a_heading_is_text():
    p = hg.Equations("E = w**2", loss="E", parameters={"w": 1.0})
    named = replace(p, notation=Notation(names={"w": "<b>&amp;"}))
    root = read(hg.explain(named, of="w").to_html())
    assert strange(root) == []
    assert "<b>&amp;" in "".join(root.itertext())


# --- a notebook ------------------------------------------------------------------------------


@pytest.mark.notebook
@pytest.mark.skipif(not find_spec("nbconvert"), reason="nbconvert is not installed")
@pytest.mark.filterwarnings("default")  # theirs
def test_a_notebook_run_and_converted_without_a_network_shows_the_page(tmp_path, monkeypatch):
    import nbformat
    from nbconvert import HTMLExporter, LatexExporter
    from nbconvert.preprocessors import ExecutePreprocessor

    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    path = ROOT / "examples" / "one-neuron.toml"
    source = f"import handgrad as hg\nhg.explain(hg.load({str(path)!r}))"
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    ExecutePreprocessor(timeout=120).preprocess(book, {"metadata": {"path": str(tmp_path)}})
    (shown,) = book.cells[0].outputs
    assert {"text/html", "text/markdown", "text/latex", "text/plain"} <= shown.data.keys()
    converted = HTMLExporter().from_notebook_node(book)[0]
    asked = hg.explain(problem("one-neuron"))._repr_html_()
    for formula in re.findall("<math.*?</math>", asked):
        assert unescape(formula) in unescape(converted)
    assert asked.count("<math") > 50
    assert r"\begin{aligned}" not in converted  # what would need MathJax, from a network
    assert r"\section*{Forward pass}" in LatexExporter().from_notebook_node(book)[0]


def test_a_fragment_keeps_to_itself():
    written = page("xor", "steps")._repr_html_()
    root = read(written)
    assert strange(root) == []
    assert root.get("class") == "handgrad tex2jax_ignore mathjax_ignore"
    style = next(root.iter("style")).text or ""
    rules = re.sub(r"@media\([^)]*\)\{([^{}]*\{[^{}]*\})\}", r"\1", style)
    for selectors in re.findall(r"([^{}]+)\{", rules):
        assert all(s.strip().startswith(".handgrad") for s in selectors.split(",")), selectors
    assert not re.search(r" id=|<h1|<h2|<nav|<html|<main", written)


# --- a browser -------------------------------------------------------------------------------

CHROMIUM = shutil.which("chromium")
chromium = [
    pytest.mark.chromium,
    pytest.mark.skipif(not CHROMIUM, reason="there is no chromium"),
]
# Put into a copy of the page: what was laid out, told as JSON in the title.
MEASURE = """<script>addEventListener("load", () => {
  const box = e => e.getBoundingClientRect();
  const lines = [...document.querySelectorAll(".line")];
  const signs = lines.map(l => [...l.querySelectorAll(".parts > div")].map(d => box(d)));
  const wanted = l => l.style.getPropertyValue("--w") / [...l.querySelectorAll(".parts math")]
    .reduce((sum, m) => sum + box(m).width / parseFloat(getComputedStyle(l).fontSize), 0);
  const told = {
    estimates: lines.filter(l => l.querySelectorAll(".parts math").length > 2).map(wanted),
    width: innerWidth,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    flat: [...document.querySelectorAll("math")].filter(m => box(m).width * box(m).height < 20).length,
    fractions: [...document.querySelectorAll("mfrac")].filter(
      f => box(f.children[0]).bottom > box(f.children[1]).top + 1).length,
    rows: signs.map(s => new Set(s.map(b => Math.round(b.left))).size == 1 ? s.length : 1),
    colours: [getComputedStyle(document.documentElement).color,
              getComputedStyle(document.documentElement).backgroundColor],
  };
  parent.document.title = JSON.stringify(told);
})</script>"""


def marked(test):
    for mark in chromium:
        test = mark(test)
    return test


def browsed(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    fixed = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={path.parent}/profile",
    ]
    command = [str(CHROMIUM), *fixed, "--enable-logging=stderr", *options, path.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def laid_out(worked: Worked, folder: Path, width: int, *options: str) -> dict:
    path = folder / "page.html"
    shown = re.sub("<meta http-equiv[^>]*>", "", worked.to_html())  # it forbids our own script too
    inside = escape(shown.replace("</body>", MEASURE + "</body>"))
    frame = f'<iframe style="border:0;width:{width}px;height:800px" srcdoc="{inside}"></iframe>'
    path.write_text(f"<!DOCTYPE html><title></title>{frame}", "utf-8")  # a window has a least width
    done = browsed(path, "--dump-dom", *options)
    assert done.returncode == 0, done.stderr[-2_000:]
    found = re.search("<title>(.*?)</title>", done.stdout)
    assert found, done.stdout[:500]
    return json.loads(unescape(found[1]))


@marked
@pytest.mark.parametrize(
    ("example", "reading"), [("mean-over-examples", "chain"), ("general-formulation", "matrix")]
)
def test_a_browser_lays_the_page_out_at_every_width(tmp_path, example, reading):
    stacked = list[int]()
    told = dict[str, Any]()
    for width in (400, 800, 1600):
        told = laid_out(page(example, reading), tmp_path, width)
        assert told["width"] == width
        assert told["overflow"] == 0, f"the page scrolls sideways at {width}"
        assert told["flat"] == 0, "a formula takes no place"
        assert told["fractions"] == 0, "a numerator is not above its denominator"
        stacked.append(sum(n > 1 for n in told["rows"]))
    assert stacked[0] > stacked[-1] > 0  # with less room, parts go under each other
    assert 0.7 < min(told["estimates"]) <= max(told["estimates"]) < 2  # widths, asked for and real


@marked
def test_a_browser_shows_it_dark_where_that_is_preferred(tmp_path):
    light = laid_out(page("one-neuron", "chain"), tmp_path, 800)["colours"]
    dark = laid_out(
        page("one-neuron", "chain"), tmp_path, 800, "--blink-settings=preferredColorScheme=0"
    )["colours"]
    for (ink, paper), brighter in ((light, False), (dark, True)):
        assert (brightness(ink) > brightness(paper)) == brighter
        assert abs(brightness(ink) - brightness(paper)) > 500


def brightness(colour: str) -> int:
    return sum(map(int, re.findall(r"\d+", colour)[:3]))


@marked
def test_a_browser_has_no_complaint(tmp_path):
    path = tmp_path / "page.html"
    path.write_text(page("sum-of-two-2-2-1", "delta").to_html(), "utf-8")
    done = browsed(path, "--dump-dom")
    assert done.returncode == 0
    assert "CONSOLE" not in done.stderr
    assert done.stdout.count("<math") == page("sum-of-two-2-2-1", "delta").to_html().count("<math")
    path.write_text("<script>console.error('no')</script><img src='https://example.org/'>", "utf-8")
    assert "CONSOLE" in browsed(path, "--dump-dom").stderr
