"""Pictures: nothing overlaps, boxes hold their ink, numbers are the trace's, nothing foreign gets in."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import handgrad as hg
from handgrad.numbers.page import Page
from handgrad.render.digits import Digits
from handgrad.render.picture.computation import Computation
from handgrad.render.picture.graph import GraphPicture
from handgrad.render.picture.labels import Label, Run, plain
from handgrad.render.picture.layout import Gap, network, rows
from handgrad.render.picture.network import NetworkPicture
from handgrad.render.picture.ranks import arranged
from handgrad.render.picture.sayings import Sayings
from handgrad.render.picture.scene import Arrow, Box, Disc, Plate, Scene, Text, clashes, overlap
from handgrad.render.picture.svg import COLOURS, to_svg
from ink import complaints
from pages import EXAMPLES, problem

VIEWS = ("forward", "backward", "update", "graph")
SVG = "{http://www.w3.org/2000/svg}"


def views(p: hg.Problem) -> tuple[str, ...]:
    return VIEWS if p.layered else ("graph",)


def first_number(p: hg.Problem) -> str:
    """The first element of the first parameter."""
    shape = p.values[p.parameters[0]].shape
    return f"{p.parameters[0]}[{','.join('1' for _ in shape)}]" if shape else str(p.parameters[0])


def random_net(seed: int) -> tuple[hg.Problem, str]:
    """A network of up to 12-12-12-4 with numbers of any size, and one of its weights."""
    rng = np.random.default_rng([seed, 7])
    hidden = [int(n) for n in rng.integers(1, 13, size=rng.integers(0, 3))]
    sizes = [int(rng.integers(1, 13)), *hidden, int(rng.integers(1, 5))]
    examples, scale = int(rng.integers(1, 4)), 10.0 ** int(rng.integers(-7, 8))
    p = hg.Network(
        sizes,
        x=rng.normal(size=(examples, sizes[0])) * scale,
        y=rng.normal(size=(examples, sizes[-1])),
        activation=str(rng.choice(["tanh", "sigmoid", "softmax", "identity", "relu"])),
        seed=seed,
    )
    return p, f"W1[{rng.integers(1, sizes[1] + 1)},{rng.integers(1, sizes[0] + 1)}]"


def all_clear(p: hg.Problem, of: str) -> None:
    worked = hg.explain(p)
    for view in views(p):
        for lit in (None, of):
            found = list(clashes(worked.diagram(view, of=lit).scene))
            assert found == [], (view, lit)


# --- nothing overlaps ------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_nothing_overlaps_in_the_examples(name):
    all_clear(problem(name), first_number(problem(name)))


@pytest.mark.parametrize("seed", range(4))
def test_nothing_overlaps_in_random_networks(seed):
    all_clear(*random_net(seed))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4, 200))
def test_nothing_overlaps_in_many_random_networks(seed):
    all_clear(*random_net(seed))


NOTE = Text(plain("0.5"), 50, 50, 12)
SCENE = Scene(100, 100, (NOTE,), "", "")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (Text(plain("0.7"), 60, 50, 12), "'0.5' and '0.7' overlap"),
        (Text(plain("0.7"), 50, 58, 12, angle=40), "'0.5' and '0.7' overlap"),
        (Disc(70, 50, 15, "unit", "disc"), "'0.5' overlaps disc"),
        (Plate(Box(70, 50, 25, 10), "loss", "plate"), "'0.5' overlaps plate"),
        (Text(plain("far"), 95, 80, 12), "'far' leaves the picture"),
        (Disc(8, 20, 10, "unit", "disc"), "'disc' leaves the picture"),
        (Arrow(((5, 5), (5, 101)), "edge"), "an arrow leaves the picture"),
    ],
)
def test_what_overlaps_is_named(more, said):
    assert list(clashes(SCENE)) == []
    assert list(clashes(replace(SCENE, shapes=(NOTE, more)))) == [said]


def test_what_stands_in_its_own_node_or_beside_another_is_fine():
    own = Disc(50, 46, 20, "unit", "disc")
    inside = (replace(NOTE, owner="disc"), own)
    assert list(clashes(replace(SCENE, shapes=inside))) == []
    assert list(clashes(replace(SCENE, shapes=(NOTE, own)))) == ["'0.5' overlaps disc"]
    beside = (NOTE, Text(plain("0.7"), 50, 72, 12, angle=10))
    assert list(clashes(replace(SCENE, shapes=beside))) == []


def test_overlap_agrees_with_points_thrown_at_random():
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(120):
        one, two = (
            Box(*rng.uniform(0, 40, 2), *rng.uniform(5, 40, 2), rng.uniform(0, 180)) for _ in "ab"
        )
        points = rng.uniform(-40, 80, size=(1000, 2))
        both = any(one.distance(p) == 0 and two.distance(p) == 0 for p in points.tolist())
        seen.add(overlap(one, two))
        assert overlap(one, two) or not both  # a point in both boxes: they overlap
    assert seen == {True, False}


def test_a_line_crosses_a_box_where_a_point_of_it_lies_inside():
    rng, seen = np.random.default_rng(1), set()
    for _ in range(120):
        box = Box(*rng.uniform(0, 40, 2), *rng.uniform(5, 40, 2), rng.uniform(0, 180))
        a, b = rng.uniform(-40, 80, size=(2, 2))
        on_it = (a + t * (b - a) for t in np.linspace(0, 1, 400))
        inside = any(box.distance((float(x), float(y))) == 0 for x, y in on_it)
        crosses = box.crosses(tuple(a), tuple(b))
        assert crosses or not inside
        seen.add(crosses)
    assert seen == {True, False}


# --- boxes hold their ink --------------------------------------------------------------------

LABELS: list[Label] = [
    plain("In a unit δ, its weighted sum; −0.1234 → 5.6e7"),
    plain("Wijklmnop ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    (Run("Learning the sum, 2-2-1", "bold"),),
    (Run("W", "letter"), Run("(2)", "sup"), Run("1,12", "sub"), Run(" ≈ −0.0041")),
    (Run("∂"), Run("L", "letter"), Run("/∂"), Run("ŷ", "letter"), Run("pred", "sub")),
    (Run("w", "letter"), Run("11", "sup"), Run("i", "sub"), Run(" = 1")),
    (Run("w", "letter"), Run("1", "sup"), Run("l−1,j,k", "sub"), Run(" = 1")),
    (Run("4.25·10"), Run("−18", "sup")),
    plain("重み權 שלום Ωж é q̄"),
]
FONTS = ("", "DejaVu Sans", "DejaVu Serif", "Liberation Sans", "Liberation Serif")


@pytest.mark.parametrize("font", FONTS)
@pytest.mark.parametrize("label", LABELS, ids=lambda label: label[0].text[:8])
def test_no_ink_outside_its_box(label, font):
    assert list(complaints(label, font)) == []


@pytest.mark.parametrize("angle", [-50.0, -27.0, 8.0])
def test_a_turned_label_stays_in_its_turned_box(angle):
    assert list(complaints(LABELS[3], "DejaVu Sans", angle)) == []


def test_ink_outside_its_box_is_found(monkeypatch):
    monkeypatch.setattr("handgrad.render.picture.scene.width", lambda label, size: 30.0)
    assert list(complaints(LABELS[1], "")) != []


# --- the numbers are the trace's -------------------------------------------------------------


def written(svg: str) -> list[str]:
    """The texts of a picture."""
    return ["".join(node.itertext()) for node in ET.fromstring(svg).iter(f"{SVG}text")]


def numbers(texts: list[str]) -> set[str]:
    return {n for t in texts for n in re.findall(r"−?\d+\.?\d*", t.replace("-", "−"))}


def digit(value: float, digits: Digits | None = None) -> str:
    return (digits or Digits(4)).show(float(value)).replace("-", "−")


def shown(digits: Digits, *arrays: np.ndarray) -> set[str]:
    return {digit(v, digits) for a in arrays for v in np.ravel(a)}


@pytest.mark.parametrize("example", [1, 3])
def test_the_numbers_are_those_of_the_trace(example):
    p = problem("xor")
    t, digits, row = hg.evaluate(hg.derive(p), p), Digits(4), example - 1
    layers, both = ("1", "2"), ("W1", "W2", "b1", "b2")
    units = shown(digits, *(t[f"a{n}"][row] for n in layers), t["x"][row], t["y"][row], t["L"])
    expected = {
        "forward": units | shown(digits, *(t[f"z{n}"][row] for n in layers), *(t[n] for n in both)),
        "backward": units
        | shown(digits, *(t[f"dL/dz{n}"][row] for n in layers), *(t[f"dL/d{n}"] for n in both)),
        "update": units | shown(digits, *(t[n] for n in both), *(t[f"{n}_new"] for n in both)),
    }
    for view, wanted in expected.items():
        assert wanted <= numbers(written(hg.draw(p, view=view, example=example).to_svg())), view


def test_old_and_new_stand_together():
    said = written(hg.draw(problem("one-neuron"), view="update").to_svg())
    t = hg.evaluate(hg.derive(problem("one-neuron")), problem("one-neuron"))
    old, new = (digit(t[n][0, 0], Digits(3)) for n in ("W1", "W1_new"))
    assert f"w: {old} → {new}" in said


def picture_of(p: hg.Problem, of: str, view: str = "backward") -> NetworkPicture:
    diagram = hg.draw(p, of=of, view=view)
    net = network(diagram.page, diagram.row, diagram.of)
    return NetworkPicture(net, Sayings(net, view, diagram.of, diagram.write))


def along(lit: dict, lower: object, loss: object) -> float:
    """The sum over all paths of the products of their factors."""
    if lower == loss:
        return 1.0
    return sum(f * along(lit, up, loss) for (up, low), f in lit.items() if low == lower)


@pytest.mark.parametrize("seed", range(12))
def test_the_factors_on_the_paths_make_the_gradient(seed):
    rng = np.random.default_rng(seed)
    sizes = [int(n) for n in rng.integers(1, 5, size=4)]
    last = "softmax" if seed % 3 == 0 and sizes[-1] > 1 else "tanh"
    p = hg.Network(
        sizes,
        x=rng.normal(size=(1, sizes[0])),
        y=rng.normal(size=(1, sizes[-1])),
        activation=["sigmoid", "tanh", last],
        seed=seed,
    )
    say = picture_of(p, "W1[1,1]").say
    gradient = hg.evaluate(hg.derive(p), p)["dL/dW1"][0, 0]
    (start,) = {low for _, low in say.lit if low[0].base == "W"}
    assert along(say.lit, start, say.loss) == pytest.approx(gradient, rel=1e-9)


def test_the_caption_ends_in_the_gradient_and_has_the_factors_of_explain():
    p = problem("two-neurons-in-a-row")
    said = written(hg.draw(p, of="W1[1,1]").to_svg())
    page = hg.explain(p, of="W1[1,1]").to_text()
    gradient = float(hg.evaluate(hg.derive(p), p)["dL/dW1"][0, 0])
    assert any(s.endswith(f"≈ {digit(gradient, Digits(3))}") for s in said)
    factors = re.findall(r"^    d\S+/d\S+ = .*[=≈] (\S+)$", page, re.MULTILINE)
    assert len(factors) > 4
    assert set(factors[:5]) <= numbers(said)


def test_one_example_of_several_adds_its_share():
    p = problem("xor")
    t = hg.evaluate(hg.derive(p), p)
    rows = [t["dL/dz1"][n, 1] * t["x"][n, 0] for n in range(4)]
    assert sum(rows) == pytest.approx(float(t["dL/dW1"][1, 0]))
    for n, share in enumerate(rows, 1):
        said = written(hg.draw(p, of="W1[2,1]", example=n).to_svg())
        assert any(s.startswith("in numbers") and s.endswith(f" {digit(share)}") for s in said)
        assert any(s.startswith("All examples together") and s.endswith("0.00385") for s in said)


def test_a_penalty_is_no_part_of_an_example():
    p = hg.Network([1, 1], W=[[[2.0]]], b=[[0.5]], x=[[1.0], [2.0]], y=[[1.0], [0.0]], l2=0.1)
    t = hg.evaluate(hg.derive(p), p)
    share = float(t["dL/dz1"][1, 0] * 2.0)
    said = written(hg.draw(p, of="W1[1,1]", example=2).to_svg())
    assert any(s.startswith("in numbers") and s.endswith(digit(share)) for s in said)


def test_an_arrow_of_a_graph_has_the_local_derivative():
    p = problem("skip-connection")
    t = hg.evaluate(hg.derive(p), p)
    said = written(hg.draw(p).to_svg())
    for name in ("L", "p", "r", "a2", "z2", "a1", "z1", "w1", "b1", "v", "c"):
        assert any(digit(t[name]) in s for s in said), name
    slope = 1 - float(t["a1"]) ** 2
    assert f"∂a/∂z ≈ {digit(slope)}" in said
    assert f"∂r/∂a = {digit(1.0)}" in said


# --- nothing is left out without a word ------------------------------------------------------


@pytest.mark.parametrize("count", [1, 6, 7, 8, 12, 64, 1000])
@pytest.mark.parametrize("wanted", [(), (3,), (6, 7), (1000,)])
def test_gaps_and_units_are_all_there_are(count, wanted):
    found = rows(count, {n for n in wanted if n <= count})
    assert sum(row.count if isinstance(row, Gap) else 1 for row in found) == count
    units = [row for row in found if isinstance(row, int)]
    assert units == sorted(units)
    assert {1, count, *(n for n in wanted if n <= count)} <= set(units)
    assert all(row.count > 1 for row in found if isinstance(row, Gap))


@pytest.mark.parametrize("sizes", [[2, 2, 1], [6, 6, 6], [64, 32, 10]])
def test_every_weight_that_is_drawn_is_labelled_or_listed(sizes):
    rng = np.random.default_rng(0)
    p = hg.Network(
        sizes, x=rng.normal(size=(1, sizes[0])), y=rng.normal(size=(1, sizes[-1])), seed=1
    )
    diagram = hg.draw(p)
    net = network(diagram.page, 1, None)
    picture = NetworkPicture(net, Sayings(net, "forward", None, diagram.write))
    texts, missing = picture.on_lines
    marks = [t for t in texts if t.label[0].kind == "bold"]
    drawn = sum(len(a.units) * len(b.units) for a, b in pairwise(net.columns))
    assert len(texts) - len(marks) + len(missing) == drawn
    assert len(marks) == sum(bool(mark) for mark, _ in missing)
    if missing:
        said = " ".join(written(diagram.to_svg()))
        assert "no room" in said or "Without room" in said


def test_a_large_network_says_how_much_is_not_shown():
    rng = np.random.default_rng(0)
    p = hg.Network([64, 32, 10], x=rng.normal(size=(1, 64)), y=rng.normal(size=(1, 10)))
    said = " ".join(written(hg.draw(p).to_svg()))
    assert "4 of 64 inputs, 4 of 32 units of layer 1, 4 of 10 units of layer 2" in said
    assert "32 of 2,368 weights" in said
    assert {"60 more", "28 more", "6 more"} <= set(written(hg.draw(p).to_svg()))
    lit = written(hg.draw(p, of="W1[17,40]").to_svg())
    assert {"a(1)17", "x40"} <= set(lit)


@pytest.mark.parametrize(("last", "said"), [("softmax", True), ("sigmoid", False)])
def test_paths_between_units_of_a_softmax_are_spoken_of(last, said):
    p = hg.Network([2, 2], x=[[1.0, 2.0]], y=[[1.0, 0.0]], activation=last, loss="squared_error")
    texts = " ".join(written(hg.draw(p, of="W1[1,1]").to_svg()))
    assert ("With softmax every output" in texts) == said


@pytest.mark.parametrize("of", [None, "u", "w"])
def test_every_local_derivative_of_a_graph_is_on_its_arrow_or_listed(of):
    diagram = hg.draw(problem("recurrence"), of=of)
    picture = GraphPicture(Computation(diagram.page, diagram.of, 1), diagram.write)
    wanted = [edge for edge, line in picture.lines.items() if line.says]
    assert len(wanted) > 7
    said = " ".join(written(diagram.to_svg()))
    for edge in wanted:
        listed = "".join(run.text for run in picture.full(edge))
        assert edge in picture.on_lines or f"{listed}" in said.partition("Without room")[2]


# --- the file --------------------------------------------------------------------------------

ALLOWED = {
    name: set(attributes.split())
    for name, attributes in {
        "svg": "viewBox width height role class aria-label",
        "title": "",
        "desc": "",
        "style": "",
        "rect": "x y width height rx fill stroke stroke-width stroke-dasharray transform class",
        "circle": "cx cy r fill stroke stroke-width class",
        "path": "d fill stroke stroke-width stroke-dasharray class",
        "text": "x y font-size font-family text-anchor transform fill class "
        "{http://www.w3.org/XML/1998/namespace}space",
        "tspan": "dx dy font-size font-family font-style font-weight textLength lengthAdjust",
    }.items()
}


def foreign(svg: str) -> Iterator[str]:
    """What is not one of our own elements and attributes."""
    for node in ET.fromstring(svg).iter():
        tag = node.tag.removeprefix(SVG)
        if tag not in ALLOWED:
            yield tag
        yield from (f"{tag} {name}" for name in node.attrib if name not in ALLOWED.get(tag, ()))


HOSTILE = (
    "<script>alert(1)</script>",
    "]]></style><image href='x'/>",
    'a" onload="alert(1)',
    "&lt;b&amp;",
    "W" * 10_000,
    "\u202eesrever\u202c\u200f",
    "a\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308",
    "\x00\x08\x1b[31m",
    "﷽﷽﷽",
    "url(javascript:alert(1))",
)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_stays_text_and_stays_in_its_place(name):
    p = problem("sum-of-two-2-2-1")
    names = dict.fromkeys(("W1[1,1]", "a1", "x", "z2[1]", "L", "b2"), name)
    notation = replace(p.notation, names=names | {"W2[1,1]": f"w_{{{name}}}^{{{name}}}"}, loss=name)
    p = replace(p, title=name, notation=notation)
    for view in VIEWS:
        diagram = hg.draw(p, view=view, of="W1[1,1]" if view == "backward" else None)
        for theme in ("auto", "light"):
            assert list(foreign(diagram.to_svg(theme))) == []
        assert list(clashes(diagram.scene)) == []
        assert len(diagram.to_svg()) < 60_000
        assert not set(diagram.to_svg()) & set("\u202e\u202c\u200f\x00\x08\x1b")


def test_a_foreign_element_is_found():
    svg = to_svg(SCENE, "light")
    assert list(foreign(svg)) == []
    assert list(foreign(svg.replace("</svg>", "<script/></svg>"))) == ["script"]
    assert list(foreign(svg.replace("<text", '<text onclick="f()"'))) == ["text onclick"]


@pytest.mark.parametrize("name", ["one-neuron", "xor", "skip-connection"])
def test_a_picture_says_in_words_what_it_shows(name):
    p = problem(name)
    root = ET.fromstring(hg.draw(p).to_svg())
    assert root.get("role") == "img"
    title, words = (root.findtext(f"{SVG}{tag}") or "" for tag in ("title", "desc"))
    assert p.title in title
    assert root.get("aria-label") == title
    assert re.search("Forward pass|Computation graph", words)
    loss = hg.evaluate(hg.derive(p), p)[p.loss]
    assert digit(loss, Digits(p.notation.digits or 4)) in words


def test_the_same_picture_each_time_with_short_coordinates():
    p = problem("xor")
    one, two = (hg.draw(p, of="W2[1,2]", view=v).to_svg() for v in ("backward", "backward"))
    assert one == two
    places = re.findall(r' (?:x|y|d|cx|cy|r|dx|dy|width|height)="([^"]*)"', one)
    assert (
        max(len(n.partition(".")[2]) for place in places for n in re.findall(r"\d+\.\d+", place))
        <= 2
    )


def luminance(colour: str) -> float:
    parts = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1, 2])
def test_text_is_read_easily_on_every_ground(theme):
    """WCAG 2.2, 1.4.3 and 1.4.11: 4.5 for text, 3 for the rims of what is shown."""
    colour = {role: colours[theme] for role, colours in COLOURS.items()}
    grounds = ("ground", "unit", "input", "target", "loss", "lit")
    for ground in grounds:
        assert contrast(colour["ink"], colour[ground]) >= 7
        assert contrast(colour["path"], colour[ground]) >= 4.5
    assert contrast(colour["muted"], colour["ground"]) >= 4.5
    for rim in (role for role in colour if role.endswith("-rim")):
        assert contrast(colour[rim], colour["ground"]) >= 3
    assert contrast("#777777", "#ffffff") < 4.5


def test_the_theme_auto_follows_the_reader_and_the_others_have_no_style():
    diagram = hg.draw(problem("one-neuron"))
    assert "prefers-color-scheme:dark" in diagram.to_svg()
    assert "prefers-color-scheme:dark" in diagram._repr_svg_()
    for n, theme in enumerate(("light", "dark", "print")):
        svg = diagram.to_svg(theme)
        assert "<style" not in svg
        assert f'fill="{COLOURS["ground"][n]}"' in svg
    with pytest.raises(hg.InputError, match="no theme 'sepia'"):
        diagram.to_svg("sepia")


def test_black_and_white_tells_signs_and_paths_apart():
    diagram = hg.draw(problem("sum-of-two-2-2-1"), of="W1[2,1]")
    lit = [a for a in diagram.scene.shapes if isinstance(a, Arrow) and a.role == "path"]
    rest = [a for a in diagram.scene.shapes if isinstance(a, Arrow) and a.role != "path"]
    assert min(a.weight for a in lit) > max(a.weight for a in rest)
    assert [a.dashed for a in lit].count(True) == 1  # w_h2 = −0.1


# --- computation graphs ----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_ranks_lead_forward_and_spots_keep_apart(seed):
    rng = np.random.default_rng(seed)
    nodes = [f"n{n}" for n in range(int(rng.integers(2, 14)))]
    edges = [(a, b) for i, b in enumerate(nodes) for a in nodes[:i] if rng.random() < 0.3]
    sizes = {node: float(rng.uniform(10, 90)) for node in nodes}
    placed = arranged(nodes, edges, sizes, 20.0)
    assert all(placed.rank_of[a] < placed.rank_of[b] for a, b in edges)
    for rank in placed.ranks:
        for one, two in pairwise(rank):
            room = sum(sizes[s[0]] if not s[1] else 16.0 for s in (one, two)) / 2 + 20.0
            assert placed.across[two] - placed.across[one] >= room - 1e-9


# --- PNG and PDF -----------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark", "auto", "print"])
def test_png_has_the_width_asked_for_and_is_not_blank(theme):
    from ink import pixels

    diagram = hg.draw(problem("one-neuron"))
    image = pixels(diagram.to_png(width=400, theme=theme))
    scale = 400 / diagram.scene.width
    assert image.shape[1] == 400
    assert image.shape[0] == pytest.approx(diagram.scene.height * scale, abs=1)
    ground = image[image.shape[0] // 2, 4]
    assert (luminance(f"#{bytes(ground[:3]).hex()}") < 0.5) == (theme == "dark")
    assert np.mean(np.any(image != ground, axis=-1)) > 0.02


def test_png_is_the_same_each_time():
    diagram = hg.draw(problem("one-neuron"))
    assert diagram.to_png() == diagram.to_png()


@pytest.mark.parametrize("width", [0, -3, 15, 10_001, 2.5, "400"])
def test_a_width_that_is_none(width):
    with pytest.raises(hg.InputError, match=r"16 to 10,000 pixels"):
        hg.draw(problem("one-neuron")).to_png(width=width)


def test_without_resvg_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(hg.InputError, match=r'pip install "handgrad\[png\]"'):
        hg.draw(problem("one-neuron")).to_png()


def test_without_any_font_there_is_no_picture_without_text(monkeypatch):
    import resvg_py

    drawn = resvg_py.svg_to_bytes
    monkeypatch.setattr(resvg_py, "svg_to_bytes", lambda **k: drawn(**k, skip_system_fonts=True))
    with pytest.raises(hg.InputError, match="needs a font"):
        hg.draw(problem("one-neuron")).to_png()


def test_without_typst_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(hg.InputError, match=r'pip install "handgrad\[pdf\]"'):
        hg.draw(problem("one-neuron")).to_pdf()


@pytest.mark.parametrize("title", ["One", *HOSTILE[:4], '#read("/etc/passwd") \\" \\u{41}'])
def test_pdf_is_one_page_of_the_size_of_the_picture(title):
    pytest.importorskip("typst")
    diagram = hg.draw(replace(problem("one-neuron"), title=title))
    pdf = diagram.to_pdf()
    assert pdf.startswith(b"%PDF-")
    assert pdf == diagram.to_pdf()
    sizes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", pdf)
    assert [tuple(map(float, s)) for s in sizes] == [
        pytest.approx((diagram.scene.width, diagram.scene.height), abs=0.02)
    ]


# --- what cannot be drawn --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "asked", "said"),
    [
        ("xor", {"view": "sideways"}, "no view 'sideways'"),
        ("xor", {"of": "W9[1,1]"}, "W9"),
        ("xor", {"of": "W1"}, r"such as W1\[1,1\]"),
        ("xor", {"of": "W1[3,1]"}, "runs from 1 to 2"),
        ("xor", {"of": "x[1,1]"}, "no derivative of L by x"),
        ("xor", {"of": "L"}, "no derivative of L by L"),
        ("xor", {"example": 5}, "Example 5 is not in step 1"),
        ("xor", {"example": 0}, "Example 0"),
        ("xor", {"step": 0}, "Steps run from 1"),
        ("skip-connection", {"view": "forward"}, "is the view graph"),
    ],
)
def test_what_does_not_exist_is_said(name, asked, said):
    with pytest.raises(hg.InputError, match=said):
        hg.draw(problem(name), **asked)


def test_the_derivative_is_another_name_of_what_it_is_by():
    p = problem("xor")
    assert hg.draw(p, of="dL/dW1[2,1]").to_svg() == hg.draw(p, of="W1[2,1]").to_svg()


def test_a_quantity_of_an_example_shows_that_example():
    p = problem("xor")
    t = hg.evaluate(hg.derive(p), p)
    diagram = hg.draw(p, of="a1[3,2]")
    assert (diagram.example, diagram.row) == (3, 3)
    assert any(s.endswith(digit(t["dL/da1"][2, 1])) for s in written(diagram.to_svg()))


def test_rounded_numbers_are_not_drawn():
    with pytest.raises(hg.InputError, match="leave carry out"):
        hg.explain(problem("xor"), carry=3).diagram()


def test_a_formula_keeps_its_numbers_apart_from_its_indices():
    p = hg.Equations(
        "z[k] = w[k]*x\na = max(k, z[k])\nr = max(0, a)\nL = r**2",
        loss="L",
        parameters={"w": [1.0, 2.0]},
        data={"x": 0.5},
    )
    said = written(hg.draw(p).to_svg())
    assert {"r = max(0, a)", "a = maxk(zk)"} <= set(said)


def test_a_later_step_shows_its_own_numbers():
    p = problem("sum-of-two-2-2-1")
    worked = hg.explain(p, step=3)
    value = digit(worked.traces[0][1]["L"], Digits(5))
    assert value in written(hg.draw(p, step=3).to_svg())
    assert worked.diagram().to_svg() == hg.draw(p, step=3).to_svg()


def test_a_frozen_layer_has_no_error_term():
    p = problem("xor")
    q = replace(p, parameters=tuple(s for s in p.parameters if s.number == 2))
    said = written(hg.draw(q, view="backward").to_svg())
    assert said.count("–") == 2
    with pytest.raises(hg.InputError, match="no derivative"):
        hg.draw(q, of="W1[1,1]")
    assert math.isfinite(hg.draw(q, view="update").scene.width)


def test_a_page_of_numbers_is_what_a_picture_is_made_from():
    diagram = hg.draw(problem("xor"))
    assert isinstance(diagram.page, Page)
    assert diagram.description == diagram.scene.description


# --- on a page -------------------------------------------------------------------------------


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_page_has_the_picture_that_draw_makes_without_its_title(example):
    untitled = replace(problem(example), title="")
    drawn = hg.draw(untitled)
    expected = [drawn.picture("light")] if drawn.readable else []
    assert list(hg.explain(problem(example)).pictures("light")) == expected


def test_most_examples_have_a_picture_on_their_page():
    assert sum(len(hg.explain(problem(e)).pictures()) for e in EXAMPLES) >= len(EXAMPLES) - 3


def test_the_picture_on_a_page_follows_the_quantity_where_that_is_one_number():
    (lit,) = hg.explain(problem("xor"), of="W1[2,1]").pictures()
    assert "through W" in lit.description
    for many in ("W1", "a2", "L"):
        (whole,) = hg.explain(problem("xor"), of=many).pictures()
        assert whole.description.startswith("Forward pass")


def test_the_picture_on_a_page_is_of_the_step_shown():
    (third,) = hg.explain(problem("one-neuron"), step=3).pictures()
    assert "step 3" in third.description


@pytest.mark.parametrize(
    "asked",
    [{"carry": 3}, {"symbols_only": True}],
)
def test_a_page_of_rounded_numbers_or_of_none_has_no_picture(asked):
    assert hg.explain(problem("xor"), **asked).pictures() == ()


def test_a_problem_too_large_for_paper_has_no_picture_on_its_page():
    x, y = np.ones((1, 12)), np.ones((1, 4))
    assert hg.explain(hg.Network([12, 12, 12, 4], x=x, y=y)).pictures() == ()
    many = "\n".join(f"z{n} = w*z{n - 1}" for n in range(1, 60))
    long = hg.Equations(f"z0 = w\n{many}\nE = z59", loss="E", parameters={"w": 0.9})
    assert hg.explain(long).pictures() == ()


def test_exact_numbers_have_their_picture():
    (shown,) = hg.explain(problem("one-neuron"), exact=True).pictures()
    assert shown == hg.explain(problem("one-neuron")).pictures()[0]
