"""Axes to draw on, and a drawn figure as the bytes of a file: the only module that knows matplotlib.

matplotlib is imported here, when a picture is asked for. Its settings are changed in scope only; a
user's own axes keep theirs.
"""

# matplotlib's types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from itertools import cycle, islice
from textwrap import wrap
from typing import Any

import numpy as np

from handgrad.errors import InputError
from handgrad.render.mathtext import plain_text

__all__ = [
    "ENDINGS",
    "THEMES",
    "Ink",
    "Style",
    "bands",
    "blend",
    "image",
    "ink",
    "is_axes",
    "known_ending",
    "label",
    "legend",
    "line_styles",
    "new_axes",
    "styled",
]

Axes = Any
ENDINGS = (".png", ".svg", ".pdf")
INCH = 96  # pixels of a screen
NARROWEST, WIDEST = 200, 10_000


@dataclass(frozen=True)
class Ink:
    """The colours of one background: none is told from another by its hue alone."""

    paper: str
    text: str
    lines: tuple[str, ...]  # after Okabe and Ito, with at least 3:1 against the paper
    deep: str  # where a map of values is largest


THEMES = {
    "light": Ink(
        "#ffffff",
        "#1b1b1b",
        ("#0072b2", "#d55e00", "#007f5f", "#a0528a", "#8c6100", "#1b1b1b"),
        "#5994cc",
    ),
    "dark": Ink(
        "#16181d",
        "#e8e8e8",
        ("#56b4e9", "#e69f00", "#2fc79a", "#e08dbd", "#f0e442", "#e8e8e8"),
        "#296194",
    ),
}
DASHES = ("-", "--", "-.", ":", (0, (4, 1, 1, 1, 1, 1)))
EDGE = 0.09  # inches left free around a picture
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")


@dataclass(frozen=True)
class Style:
    """How one of several lines is told from the others: colour, dashes and marker."""

    color: str
    dashes: Any
    marker: str


@contextmanager
def styled(theme: str) -> Generator[None]:
    """Matplotlib's own settings and a theme, in scope; whatever a user has set comes back after it."""
    _need_matplotlib()
    import matplotlib.style

    colours = THEMES[theme]
    own: dict[str, Any] = {
        **dict.fromkeys(("figure.facecolor", "axes.facecolor"), colours.paper),
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor"), colours.text),
        **dict.fromkeys(("xtick.color", "ytick.color"), colours.text),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 11,
        "legend.frameon": False,
        "svg.hashsalt": "handgrad",
    }
    with matplotlib.style.context(["default", own]):
        yield


def _need_matplotlib() -> None:
    if find_spec("matplotlib") is None:
        raise InputError('Plotting needs matplotlib: pip install "handgrad[plot]".')


def new_axes(width: int) -> Axes:
    """Axes on a figure of their own, ``width`` pixels wide; to be called inside ``styled``.

    Up to 800 pixels a wider picture has more room, beyond that it has more detail.
    """
    from matplotlib.figure import Figure

    if type(width) is not int or not NARROWEST <= width <= WIDEST:
        raise InputError(f"The width is {NARROWEST} to {WIDEST:,} pixels, got {width}.")
    inches = min(max(width, 400), 800) / INCH
    size = (inches, inches * (0.8 if inches < 6 else 0.62))
    figure = Figure(size, dpi=width / inches)
    figure.set_layout_engine("constrained", w_pad=EDGE, h_pad=EDGE)
    return figure.add_subplot()


def is_axes(given: object) -> Axes:
    """The axes a user gave; raises ``InputError`` where they are none."""
    _need_matplotlib()
    from matplotlib.axes import Axes as Known

    if not isinstance(given, Known):
        raise InputError(f"ax is {given!r:.60}; it must be the axes of a matplotlib figure.")
    return given


def ink(axes: Axes) -> Ink:
    """The colours that can be seen on some axes, whoever made them."""
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(axes.get_facecolor())
    return THEMES["light" if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else "dark"]


def line_styles(axes: Axes, count: int) -> list[Style]:
    """One style for each of several lines."""
    styles = map(Style, cycle(ink(axes).lines), cycle(DASHES), cycle(MARKERS))
    return list(islice(styles, count))


def blend(axes: Axes, colour: str, share: float) -> tuple[float, float, float]:
    """A colour thinned with that of the paper: 0 is the paper, 1 the colour."""
    paper, pure = _rgb(ink(axes).paper), _rgb(colour)
    red, green, blue = ((1 - share) * a + share * b for a, b in zip(paper, pure, strict=True))
    return red, green, blue


def bands(axes: Axes, count: int) -> list[tuple[float, float, float]]:
    """Colours for values from small to large."""
    return [blend(axes, ink(axes).deep, n / max(count - 1, 1)) for n in range(count)]


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))


def label(axes: Axes, x: str, y: str, title: str = "", remark: str = "") -> None:
    """What the axes measure, and a title that is text and nothing else; a remark may hold names."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel(x, usetex=False)
    axes.set_ylabel(y, usetex=False)
    if isinstance(axes.xaxis.get_major_locator(), MaxNLocator):  # numbers side by side need room
        axes.locator_params(axis="x", nbins=max(2, int(1.3 * _inches(axes))))
    said = "\n".join(_lines(axes, plain_text(title)))
    axes.set_title(said, loc="left", pad=18 if remark else None, parse_math=False, usetex=False)
    axes.text(0, 1.01, remark, transform=axes.transAxes, usetex=False, fontsize="small")


def _lines(axes: Axes, title: str) -> Sequence[str]:
    """A title on as many lines as it takes, two at most."""
    return wrap(title, max(20, int(_inches(axes) * 11)), max_lines=2, placeholder=" …")


def _inches(axes: Axes) -> float:
    return float(axes.get_window_extent().width / axes.figure.dpi)


def legend(axes: Axes, *, own: bool) -> None:
    """The names of the lines: below the axes on a figure of ours, where there is room on others."""
    handles, names = axes.get_legend_handles_labels()
    if not handles:
        return
    made = axes.legend()
    if own:
        made.remove()
        columns = _columns([_length(name) for name in names], axes.figure.get_figwidth() * 12)
        made = axes.figure.legend(handles, names, loc="outside lower center", ncols=columns)
    for text in made.get_texts():
        text.set_usetex(False)


def _columns(lengths: Sequence[int], room: float) -> int:
    """How many columns of names, filled one after the other, stand beside each other."""
    for count in range(len(lengths), 1, -1):
        if sum(6 + max(column) for column in np.array_split(lengths, count)) <= room:
            return count
    return 1


def _length(name: str) -> int:
    """The signs of a name that are seen, about."""
    return len(re.sub(r"\\mathrm|[${}\\]", "", name))


def known_ending(ending: str) -> str:
    """The format an ending such as ``.png`` stands for; raises ``InputError`` for any other."""
    if ending.lower() not in ENDINGS:
        known = ", ".join(ENDINGS)
        raise InputError(f"{ending!r:.20} is no ending of a picture. Known: {known}.")
    return ending.lower()[1:]


def image(axes: Axes, ending: str) -> bytes:
    """The figure of some axes as a PNG, SVG or PDF file: the same figure, the same bytes."""
    title = axes.get_title(loc="left")
    metadata = {
        "png": {"Title": title.encode("latin-1", "replace").decode("latin-1"), "Software": None},
        "svg": {"Title": title, "Date": None},
        "pdf": {"Title": title, "CreationDate": None},
    }
    file, kind = BytesIO(), known_ending(ending)
    with styled("light"):  # for what is said of the file; the figure has its colours
        axes.figure.savefig(file, format=kind, metadata=metadata[kind])
    return _shortened(file.getvalue()) if kind == "svg" else file.getvalue()


def _shortened(svg: bytes) -> bytes:
    """Paths to a hundredth of a point, finer than any screen: half the bytes."""
    return re.sub(rb' d="[^"]*"', lambda path: re.sub(rb"(\.\d\d)\d+", rb"\1", path[0]), svg)
