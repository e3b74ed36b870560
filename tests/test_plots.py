"""Curves and maps: what is drawn is what was computed, on the user's axes or on a figure of ours."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.mathtext import MathTextParser
from numpy.testing import assert_allclose, assert_array_equal

import handgrad as hg
from handgrad import cli
from handgrad.calculus.expr import Ref, Symbol
from handgrad.calculus.functions import FUNCTIONS
from handgrad.cli import terminal
from handgrad.cli.pictures import PLOTS
from handgrad.numbers.curves import activation, curve
from handgrad.numbers.evaluate import evaluate
from handgrad.numbers.grids import at_points
from handgrad.numbers.kernels import ELEMENTWISE
from handgrad.numbers.thinning import course, planned, thinned
from handgrad.numbers.updates import Updates
from handgrad.render.figure import THEMES, image
from handgrad.render.mathtext import mathtext
from handgrad.render.notation import Name, parsed
from handgrad.render.plots import KINDS
from pages import PROBLEMS, ROOT, problem

STEPS = 4
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
HOSTILE = [
    "<script>alert(1)</script>",
    "]]>&amp;&lt;",
    r"\input{/etc/passwd}",
    r"$\frac{$",
    "a_b^c{d}",
    "%#~`'\"\\",
    "שלום 中文 \u202e\x07🙂",
    "w" * 10_000,
    "$" * 9,
    "",
    "_",
]


def lines(ax) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The data of every labelled line."""
    drawn = {line.get_label(): line.get_data() for line in ax.get_lines()}
    return {name: data for name, data in drawn.items() if not name.startswith("_child")}


def two_inputs(name: str) -> bool:
    try:
        hg.plot("boundary", problem(name), steps=0)
    except hg.InputError:
        return False
    return True


def run_of(name: str, steps: int = STEPS) -> tuple[Updates, list]:
    p = problem(name)
    run = Updates(p, hg.derive(p), steps)
    return run, list(run)


# --- the numbers drawn are the numbers computed -------------------------------------------------


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_loss_drawn_is_the_loss_of_every_update(name):
    run, traces = run_of(name)
    drawn = next(iter(lines(hg.plot("loss", problem(name), steps=STEPS)).values()))
    loss = problem(name).loss
    wanted = [float(trace[loss]) for trace in traces] + [float(run.final()[loss])]
    assert_array_equal(drawn[0], np.arange(run.done + 1))
    assert_array_equal(drawn[1], wanted)


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_history_drawn_is_that_of_the_parameters(name):
    run, traces = run_of(name)
    parameter = problem(name).parameters[0]
    first = str(parameter) + "[" + ",".join("1" * traces[0][parameter].ndim) + "]"
    first = first.removesuffix("[]")
    drawn = next(iter(lines(hg.plot("history", problem(name), of=first, steps=STEPS)).values()))
    wanted = [trace[parameter].flat[0] for trace in traces] + [run.state[parameter].flat[0]]
    assert_array_equal(drawn[1], wanted)


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_gradients_drawn_have_the_size_of_those_computed(name):
    _, traces = run_of(name)
    p = problem(name)
    ax = hg.plot("gradients", p, of=str(p.parameters[0]), steps=STEPS, log=False)
    norm, largest = (data[1] for data in lines(ax).values())
    arrays = [trace[p.parameters[0].gradient(p.loss)] for trace in traces]
    assert_allclose(norm, [np.sqrt((a**2).sum()) for a in arrays], rtol=1e-14)
    assert_allclose(largest, [np.abs(a).max() for a in arrays], rtol=0)


def test_at_one_update_the_gradients_of_all_parameters_stand_side_by_side():
    p = problem("general-formulation")
    ax = hg.plot("gradients", p, steps=1)
    trace = hg.evaluate(hg.derive(p), p)
    arrays = [trace[s.gradient(p.loss)] for s in p.parameters]
    assert_allclose(lines(ax)["norm"][1], [np.linalg.norm(a) for a in arrays], rtol=1e-14)
    assert_array_equal(lines(ax)["largest element"][1], [np.abs(a).max() for a in arrays])
    assert ax.get_xticklabels()[0].get_text() == r"$w^{\mathrm{(1)}}$"


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_path_of_the_descent_lies_on_the_surface(name):
    run, _ = run_of(name)
    p = problem(name)
    ax = hg.plot("surface", p, steps=STEPS)
    path = np.column_stack(lines(ax)["descent"])
    assert len(path) == run.done + 1
    ends = [data for label, data in lines(ax).items() if label.startswith(("start", "after"))]
    assert_array_equal(np.column_stack(ends[0])[0], path[0])
    assert_array_equal(np.column_stack(ends[1])[0], path[-1])
    assert ax.get_xlim()[0] < path[:, 0].min() <= path[:, 0].max() < ax.get_xlim()[1]


@pytest.mark.parametrize("name", PROBLEMS)
def test_many_points_at_once_give_what_each_gives_alone(name):
    p = problem(name)
    run, _ = run_of(name, 1)
    parameter = p.parameters[0]
    place = Ref(parameter, (1,) * p.values[parameter].ndim)
    points = np.linspace(-1.5, 2.0, 5)[:, None]
    together = at_points(run.forward.equations, run.state, [place], points, p.loss)
    for point, loss in zip(points[:, 0], together, strict=True):
        moved = run.state[parameter].copy()
        moved[(0,) * moved.ndim] = point
        alone = evaluate(run.forward, {**run.state, parameter: moved})
        assert_allclose(loss, float(alone[p.loss]), rtol=1e-12)


def test_a_point_without_a_value_is_nan_and_the_others_are_not():
    p = hg.Equations("z = log(w) + b\nE = z**2", loss="E", parameters={"w": 2.0, "b": 1.0})
    run = Updates(p, hg.derive(p), 0)
    points = np.array([[1.0], [-1.0], [np.e]])
    found = at_points(run.forward.equations, run.state, [Ref(Symbol("w"))], points, p.loss)
    assert_allclose(found, [1.0, np.nan, 4.0], rtol=1e-14)
    hg.plot("surface", p, steps=0).figure.canvas.draw()


def test_the_boundary_of_xor_parts_the_examples():
    ax = hg.plot("boundary", problem("xor"))
    drawn = lines(ax)
    assert_array_equal(np.column_stack(drawn["target 0"]), [[0, 0], [1, 1]])
    assert_array_equal(np.column_stack(drawn["target 1"]), [[0, 1], [1, 0]])
    half = ax.collections[-1].get_paths()[0].vertices
    run, _ = run_of("xor", 2000)
    values = {**run.state, Symbol("x"): half, Symbol("y"): np.zeros((len(half), 1))}
    out = evaluate(run.forward, values)["a2"]
    assert_allclose(out, 0.5, atol=0.05)  # the contour is drawn with straight pieces


def test_a_boundary_of_one_output_and_of_every_kind_of_inputs():
    assert [name for name in PROBLEMS if two_inputs(name)] == [
        "error-term",
        "several-outputs",
        "skip-connection-vector",
        "softmax-classifier",
        "sum-of-two-2-2-1",
        "xor",
    ]
    named = hg.plot("boundary", problem("several-outputs"), of="a2[2]", steps=0)
    assert r"$ŷ_{\mathrm{2}}$ after 0 updates" in [text.get_text() for text in named.texts]
    whole = hg.plot("boundary", problem("softmax-classifier"), steps=50)
    assert set(lines(whole)) == {"class 1", "class 2", "class 3"}
    assert whole.get_xlabel() == r"$x_{\mathrm{1}}$"


# --- activations ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(n for n, row in FUNCTIONS.items() if row.arity == 1))
def test_every_function_of_one_number_is_drawn_as_it_is_computed(name):
    f, slope, interval = activation(name)
    drawn = curve(f, interval)
    inside = np.isfinite(drawn.values)
    assert inside.sum() > 700
    with np.errstate(all="ignore"):
        wanted = ELEMENTWISE[name](drawn.z[inside])
    assert_allclose(drawn.values[inside], wanted, rtol=1e-15)
    found = curve(slope, interval)
    jumps = {jump.at for jump in (*drawn.jumps, *found.jumps)}
    assert jumps == set(FUNCTIONS[name].kinks)
    middle = found.z[400] + 1e-3
    h = 1e-6
    numeric = (ELEMENTWISE[name](middle + h) - ELEMENTWISE[name](middle - h)) / (2 * h)
    assert_allclose(np.interp(middle, found.z, found.values), numeric, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("written", "at", "left", "value", "right"),
    [
        ("relu", 0, 0, 0, 1),
        ("leaky_relu", 0, 0.01, 0.01, 1),
        ("max(z - 1, 0)", 1, 0, 0.5, 1),
        ("abs(2*z + 3)", -1.5, -2, 0, 2),
    ],
)
def test_a_slope_that_jumps_is_cut_and_its_ends_are_open(written, at, left, value, right):
    _, slope, interval = activation(written)
    drawn = curve(slope, interval)
    (jump,) = drawn.jumps
    assert_allclose((jump.at, jump.left, jump.value, jump.right), (at, left, value, right))
    assert np.isnan(drawn.values[drawn.z == jump.at]).all()
    ax = hg.plot("activation", written)
    open_ends = next(line for line in ax.get_lines() if line.get_markerfacecolor() == "#ffffff")
    assert_allclose(np.column_stack(open_ends.get_data()), [[at, left], [at, right]])
    assert_allclose(lines(ax)["$f\\,′(z)$ taken at a jump"], [[at], [value]])


def test_a_smooth_function_has_no_jump_however_steep_it_is():
    for written in ("sigmoid", "sigmoid(200*z)", "tanh", "exp", "z**3"):
        f, slope, interval = activation(written)
        assert curve(f, interval).jumps == curve(slope, interval).jumps == ()


def test_a_pole_is_a_gap_without_circles_and_the_rest_stays_visible():
    drawn = curve(activation("1/z")[0], (-4.0, 4.0))
    assert drawn.jumps == ()
    assert np.isnan(drawn.values[np.abs(drawn.z) < 1e-9]).any()
    low, high = hg.plot("activation", "1/z").get_ylim()
    assert -50 < low < high < 50


# --- long runs --------------------------------------------------------------------------------------


def test_a_long_run_is_thinned_to_neighbours_and_never_longer_than_asked():
    for count in (1, 2, 9, 10, 11, 1000, 4321):
        kept, stride = thinned(((float(n),) for n in range(count)), most=10)
        at = [n for n, _ in kept]
        assert len(kept) <= 10
        assert at == sorted(set(at))
        assert at[-1] == count - 1
        assert all(row == (float(n),) for n, row in kept)
        assert stride == 1 or all(n + 1 in at for n in at[:-1] if n % 2 == 0 and n + 1 < count)


def test_a_loss_that_jumps_at_every_update_still_does_when_thinned():
    kept, _ = thinned(((float(n % 2),) for n in range(100_000)), most=50)
    assert {row[0] for _, row in kept} == {0.0, 1.0}


def test_progress_is_told_and_the_thinning_is_said():
    told: list[tuple[int, int]] = []
    p = problem("one-neuron")
    ax = hg.plot("loss", p, steps=1100, progress=lambda done, of: told.append((done, of)))
    assert told == [(n, 1100) for n in range(1, 1101)]
    assert ax.get_xlabel() == "updates done (2 of every 4 drawn)"
    at, _ = lines(ax)["$L$"]
    assert len(at) <= 1024
    assert at[-1] == 1100


@pytest.mark.parametrize(
    ("training", "count"),
    [({"steps": 7}, 7), ({"epochs": 5}, 5), ({"epochs": 5, "batch_size": 3}, 10), ({}, 1)],
)
def test_the_updates_are_those_the_problem_plans(training, count):
    plan = replace(problem("xor").training, steps=None, epochs=None)
    p = replace(problem("xor"), training=replace(plan, **training))
    assert planned(p) == count
    assert planned(p, 0) == 0
    with pytest.raises(hg.InputError, match="1,000,000 updates, got 1000001"):
        planned(p, 1_000_001)


def test_with_batches_the_line_is_of_batches_and_the_star_of_all_examples():
    p = problem("xor")
    p = replace(p, training=replace(p.training, batch_size=2, loss_below=None))
    run = Updates(p, hg.derive(p), 6)
    found = course(run, lambda trace: [trace[p.loss]], end=False)
    drawn = lines(hg.plot("loss", p, steps=6))
    assert_array_equal(drawn["$L$ of a batch"][1], found.values[:, 0])
    assert_array_equal(drawn["after 6 updates, all examples"], [[6], [run.final()[p.loss]]])


def test_a_run_that_stops_shows_where_and_why():
    drawn = lines(hg.plot("loss", problem("one-hidden-neuron")))
    at, loss = drawn["stops after 81 updates"]
    assert at[0] == 81
    assert loss[0] < 0.001
    assert_array_equal(drawn["stop below 0.001"][1], [0.001, 0.001])


def test_the_scale_is_logarithmic_over_more_than_a_decade():
    assert hg.plot("loss", problem("one-hidden-neuron")).get_yscale() == "log"
    assert hg.plot("loss", problem("one-hidden-neuron"), log=False).get_yscale() == "linear"
    assert hg.plot("loss", problem("one-neuron"), steps=3).get_yscale() == "linear"
    assert hg.plot("loss", problem("one-neuron"), steps=3, log=True).get_yscale() == "log"


# --- axes, settings, files --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_own_axes_are_drawn_on_and_given_back_and_no_setting_changes(kind):
    before = dict(mpl.rcParams)
    ax = Figure().add_subplot()
    subject = "relu" if kind == "activation" else problem("xor")
    options = {} if kind == "activation" else {"steps": 2}
    assert hg.plot(kind, subject, ax=ax, **options) is ax
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    assert ax.get_title(loc="left")
    assert hg.plot(kind, subject, **options) is not ax
    image(ax, ".svg")
    assert dict(mpl.rcParams) == before


def test_nothing_opens_a_window():
    program = (
        "import sys, handgrad as hg; hg.plot('activation', 'relu').figure.savefig('/dev/null', "
        "format='png'); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env=ENVIRONMENT)


def test_a_bar_is_shown_on_a_terminal_only_and_only_of_a_long_run(monkeypatch, capfd):
    with terminal.progress_bar("Updating") as told:
        told(0.5)
    assert capfd.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for patience, shown in ((60.0, False), (-1.0, True)):
        monkeypatch.setattr(terminal, "PATIENCE", patience)
        with terminal.progress_bar("Updating") as told:
            told(0.5)
        assert ("Updating" in capfd.readouterr().err) == shown


def test_the_lines_on_dark_axes_are_those_of_the_dark_theme():
    ax = Figure().add_subplot(facecolor="black")
    hg.plot("activation", "tanh", ax=ax)
    assert ax.get_lines()[0].get_color() == THEMES["dark"].lines[0]


def test_settings_of_the_user_neither_matter_nor_are_lost():
    plain = image(hg.plot("activation", "tanh"), ".svg")
    with mpl.rc_context({"lines.linewidth": 9, "svg.hashsalt": "x", "font.size": 30}):
        assert image(hg.plot("activation", "tanh"), ".svg") == plain
        assert mpl.rcParams["font.size"] == 30


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_whole_and_the_same_each_time(kind, theme):
    subject = "relu" if kind == "activation" else problem("xor")
    options = {"theme": theme, "width": 500} | ({} if kind == "activation" else {"steps": 3})
    first, second = (hg.plot(kind, subject, **options) for _ in range(2))
    for ending in (".svg", ".pdf", ".png"):
        assert image(first, ending) == image(second, ending)
    svg = ET.fromstring(image(first, ".svg"))
    assert svg.tag.endswith("svg")
    assert len(image(first, ".svg")) < 100_000
    pixels = imread(io.BytesIO(image(first, ".png")))
    assert pixels.shape[1] == 500
    assert len(np.unique(pixels.reshape(-1, pixels.shape[-1]), axis=0)) > 50
    paper = tuple(int(THEMES[theme].paper[n : n + 2], 16) / 255 for n in (1, 3, 5))
    assert_allclose(pixels[0, 0, :3], paper, atol=1 / 255)


@pytest.mark.parametrize("theme", THEMES)
def test_every_line_stands_out_from_the_paper(theme):
    def light(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for colour in THEMES[theme].lines:
        one, other = sorted((light(colour), light(THEMES[theme].paper)))
        assert (other + 0.05) / (one + 0.05) >= 3, colour  # WCAG 2.2, 1.4.11


# --- names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_name_is_a_name_and_nothing_else(hostile):
    written = mathtext(parsed(hostile))
    assert len(written) < 1500
    MathTextParser("path").parse(written)
    p = problem("xor")
    names = {"W1[1,1]": hostile, "W2": hostile, "a2": hostile, "x[1,1]": hostile, "L": hostile}
    p = replace(p, title=hostile, notation=replace(p.notation, names=names, loss=hostile))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in KINDS[1:]:
            svg = image(hg.plot(kind, p, steps=2), ".svg").decode()
            ET.fromstring(svg)
            assert "<script" not in svg
            assert len(svg) < 200_000
        image(hg.plot("loss", p, steps=2), ".pdf")


def test_every_printable_sign_can_stand_in_a_name():
    parser = MathTextParser("path")
    for code in [*range(0x20, 0x500), *range(0x2000, 0x2300)]:
        if chr(code).isprintable():
            parser.parse(mathtext(Name(f"a{chr(code)}", chr(code), f"{chr(code)}b")))


# --- what cannot be drawn -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "subject", "options", "message"),
    [
        ("pie", "xor", {}, "There is no plot 'pie'. There are activation, boundary"),
        ("loss", "xor", {"theme": "pink"}, "There is no theme 'pink'"),
        ("loss", "xor", {"log": "yes"}, "log is 'yes'"),
        ("loss", "xor", {"of": "W1"}, "There is one loss"),
        ("loss", "xor", {"steps": -1}, "got -1"),
        ("loss", "xor", {"width": 10}, "The width is 200 to 10,000 pixels, got 10"),
        ("loss", "xor", {"ax": "here"}, "ax is 'here'"),
        ("history", "xor", {"of": "x"}, "x is no parameter that is trained"),
        ("history", "xor", {"of": ["W1", "W1", "W1"]}, "12 lines are too many"),
        ("history", "xor", {"of": [3]}, "of is [3]"),
        ("boundary", "xor", {"of": 3}, "of is 3"),
        ("history", "xor", {"of": "W9"}, "W9"),
        ("gradients", "xor", {"of": "W1[1,1]"}, "There is no parameter 'W1[1,1]'"),
        ("gradients", "xor", {"steps": 0}, "No update is made"),
        ("surface", "xor", {"of": "W1[1,1]"}, "A surface is drawn over two numbers"),
        ("surface", "xor", {"of": ["W1[1,1]"] * 2}, "A surface is drawn over two numbers"),
        ("boundary", "xor", {"of": ["a1", "a2"]}, "of one output"),
        ("boundary", "xor", {"of": "W1"}, "W1 is given"),
        ("boundary", "one-neuron", {}, "over two inputs; a1 has 1"),
        ("boundary", "circuit-max", {}, "uses no single output|over two inputs"),
    ],
)
def test_what_cannot_be_drawn_is_said(kind, subject, options, message):
    with pytest.raises(hg.InputError) as said:
        hg.plot(kind, problem(subject), **options)
    assert any(part in str(said.value) for part in message.split("|"))


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("nosuch", "There is no function 'nosuch'"),
        ("softmax", "softmax is no function of one number"),
        ("max", "max is no function of one number"),
        ("3", "does not depend on z"),
        ("z +", "line 1"),
        ("log(-1 - z**2)", "has no finite values"),
    ],
)
def test_what_is_no_activation_is_said(written, message):
    with pytest.raises(hg.InputError, match=message):
        hg.plot("activation", written)


def test_a_problem_is_no_activation_and_a_name_no_problem():
    with pytest.raises(hg.InputError, match="by its name"):
        hg.plot("activation", problem("xor"))
    with pytest.raises(hg.InputError, match="takes a Problem"):
        hg.plot("loss", "xor")
    with pytest.raises(hg.InputError, match="leave of, steps and log out"):
        hg.plot("activation", "relu", steps=3)


def test_the_scale_of_a_map_and_of_a_history_can_be_chosen():
    ax = hg.plot("history", problem("one-neuron"), steps=3, log=True)
    assert ax.get_yscale() == "log"
    p = hg.Equations("E = (w - 1)**2 + b**2", loss="E", parameters={"w": 3.0, "b": 2.0})
    even, ratios = (
        hg.plot("surface", p, steps=3, log=log).collections[-1].levels for log in (False, True)
    )
    assert_allclose(np.diff(even), even[1] - even[0])
    assert set(np.diff(np.log(ratios)).round(6)) <= {0.693147, 0.916291}  # 1, 2, 5, 10


def test_lines_too_close_for_round_ratios_are_spaced_evenly():
    levels = (
        hg.plot("boundary", problem("sum-of-two-2-2-1"), steps=3, log=True).collections[-1].levels
    )
    assert len(levels) > 2
    assert_allclose(np.diff(levels), levels[1] - levels[0])


def test_a_problem_that_trains_nothing_has_a_loss_and_no_history():
    p = hg.Equations("E = (w*x)**2", loss="E", parameters={"w": 1.0}, data={"x": 2.0}, frozen=["w"])
    for kind in ("history", "gradients", "surface"):
        with pytest.raises(hg.InputError, match="trains nothing"):
            hg.plot(kind, p)


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(hg.InputError, match=r'pip install "handgrad\[plot\]"'):
        hg.plot("loss", problem("xor"))


# --- the command line -----------------------------------------------------------------------------------


def call(capsys, *arguments: str) -> tuple[str, int]:
    capsys.readouterr()
    try:
        cli.commands.main(["plot", *arguments], standalone_mode=False)
    except hg.InputError as error:
        return str(error), 2
    except cli.click.ClickException as error:
        return error.format_message(), error.exit_code
    return capsys.readouterr().err, 0


def test_the_kinds_of_the_command_line_are_all_kinds():
    assert PLOTS == KINDS


def test_the_command_writes_what_the_verb_draws(capsys, tmp_path: Path):
    output = tmp_path / "s.svg"
    options = ("--of", "W1[1,1]", "--of", "b2[1]", "--steps", "3", "--theme", "dark", "--log")
    said = call(capsys, "surface", "xor", *options, "-o", str(output))
    assert said == (f"Wrote {output}.\n", 0)
    drawn = hg.plot(
        "surface", problem("xor"), of=["W1[1,1]", "b2[1]"], steps=3, theme="dark", log=True
    )
    assert output.read_bytes() == image(drawn, ".svg")
    assert call(capsys, "activation", "max(z, 0)", "-o", str(tmp_path / "a.pdf"))[1] == 0
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert call(capsys, "loss", "xor", "--steps", "2", "-o", str(tmp_path / "a.PNG"))[1] == 0
    assert (tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["loss", "xor"], "-o OUT.png"),
        (["loss", "xor", "-o", "a.gif"], "'.gif' is no ending of a picture"),
        (["pie", "xor", "-o", "a.png"], "'pie' is not one of"),
        (["loss", "nosuch", "-o", "a.png"], "nosuch"),
        (["surface", "xor", "--of", "W9", "-o", "a.png"], "W9"),
        (["loss", "xor", "--width", "3", "-o", "a.png"], "The width is"),
        (["loss", "xor", "--steps", "2", "-o", "none/a.png"], "there is no folder"),
    ],
)
def test_a_picture_that_cannot_be_made_is_refused(
    capsys, monkeypatch, tmp_path, arguments, message
):
    monkeypatch.chdir(tmp_path)
    said, status = call(capsys, *arguments)
    assert message in said
    assert status == 2
    assert list(tmp_path.iterdir()) == []


def test_kinds_examples_and_functions_are_completed():
    from click.shell_completion import ShellComplete

    def completed(arguments: list[str], incomplete: str) -> list[str]:
        shell = ShellComplete(cli.commands, {}, "handgrad", "_HANDGRAD_COMPLETE")
        return [item.value for item in shell.get_completions(arguments, incomplete)]

    assert completed(["plot"], "") == list(KINDS)
    assert completed(["plot", "activation"], "si") == ["sigmoid", "sign", "silu", "sin"]
    assert "xor" in completed(["plot", "loss"], "xo")


# --- the gallery ----------------------------------------------------------------------------------------


@pytest.fixture
def gallery(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import make_gallery

    return make_gallery


def test_every_picture_of_the_gallery_has_a_command_and_words(gallery):
    page = gallery.page()
    for pictures in gallery.PICTURES.values():
        for command, shown in pictures:
            assert f"$ handgrad {command}\n" in page
            assert f":alt: {shown}\n" in page
            assert shown.endswith(".")
    networks = (*gallery.NETWORKS, *(f"draw {name}" for name in gallery.EXAMPLES))
    assert len(gallery.EXAMPLES) == len(list((ROOT / "examples").glob("*.toml")))
    for command in networks:
        assert f"$ handgrad {command}\n" in page
    many = sum(map(len, gallery.PICTURES.values())) + len(networks)
    assert page.count("```{image}") == 2 * many
    assert re.findall(r"(?m)^:alt: *$", page) == []
    drawn = {
        command.split()[1] for pictures in gallery.PICTURES.values() for command, _ in pictures
    }
    assert drawn == set(KINDS)


def test_the_files_of_the_gallery_are_those_its_page_shows(gallery, monkeypatch, tmp_path):
    few = {title: pictures[:1] for title, pictures in list(gallery.PICTURES.items())[:2]}
    monkeypatch.setattr(gallery, "PICTURES", few)
    monkeypatch.setattr(gallery, "NETWORKS", gallery.NETWORKS[:1])
    monkeypatch.setattr(gallery, "EXAMPLES", ["xor"])
    gallery.make(tmp_path)
    page = (tmp_path / "gallery.md").read_text("utf-8")
    made = sorted(path.name for path in (tmp_path / "images" / "gallery").iterdir())
    assert len(made) == 8
    assert all(f"images/gallery/{name}\n" in page for name in made)


@pytest.mark.slow
def test_every_picture_of_the_gallery_is_small(gallery, tmp_path):
    gallery.make(tmp_path)
    sizes = {path.name: path.stat().st_size for path in tmp_path.rglob("*.svg")}
    assert {name: size for name, size in sizes.items() if size >= 150_000} == {}


def test_names_below_a_narrow_picture_take_few_rows_and_stay_inside():
    axes = hg.plot("gradients", problem("xor"), steps=3, width=400)
    (legend,) = axes.figure.legends
    assert len(legend.get_texts()) == 5
    image(axes, ".png")  # everything has its place once it is drawn
    names = [text.get_window_extent() for text in legend.get_texts()]
    assert len({round(box.y0 / 10) for box in names}) == 2
    assert max(box.x1 for box in names) < 400 - 5
    title = axes._left_title
    assert title.get_window_extent().y1 < axes.figure.bbox.height - 5
