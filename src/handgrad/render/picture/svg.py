"""A scene in, SVG out: our own few elements, every text escaped, coordinates with two decimals.

Colours are attributes, so that any program shows them; the theme ``auto`` adds a style that follows
the reader's light or dark setting. Nothing is told by colour alone: it prints in black and white.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

from handgrad.errors import InputError
from handgrad.render.picture.labels import NARROW, SIZES, WIDTH, Label, Run, spread
from handgrad.render.picture.scene import Arrow, Disc, Plate, Point, Scene, Shape, Text

__all__ = ["THEMES", "to_svg"]

SANS = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
SERIF = "'STIX Two Text', 'Times New Roman', 'Liberation Serif', 'DejaVu Serif', serif"
STYLES = {"letter": f' font-family="{SERIF}" font-style="italic"', "bold": ' font-weight="bold"'}
RAISED, LOWERED = 0.42, 0.28  # of the size

# role: light, dark, print
COLOURS = {
    "ground": ("#ffffff", "#14181f", "#ffffff"),
    "ink": ("#1c2430", "#e8ecf2", "#000000"),
    "muted": ("#5b6675", "#9aa7b8", "#404040"),
    "rule": ("#d9dee5", "#343d4a", "#a0a0a0"),
    "edge": ("#8fa0b4", "#66788f", "#707070"),
    "minus": ("#c08a6a", "#a87c63", "#707070"),
    "path": ("#b3400f", "#ff9d5c", "#000000"),
    "unit": ("#eaf0f8", "#1f2b3b", "#ffffff"),
    "unit-rim": ("#46658b", "#7f9fc6", "#000000"),
    "input": ("#f4f5f7", "#222831", "#ffffff"),
    "input-rim": ("#7b8796", "#8a96a6", "#000000"),
    "target": ("#eaf5ef", "#1b2f28", "#ffffff"),
    "target-rim": ("#45806a", "#6fb398", "#000000"),
    "loss": ("#f3eef9", "#2a2338", "#ffffff"),
    "loss-rim": ("#6f5796", "#a890d0", "#000000"),
    "lit": ("#fdf0e7", "#3a2718", "#e8e8e8"),
    "lit-rim": ("#b3400f", "#ff9d5c", "#000000"),
}
THEMES = ("light", "dark", "auto", "print")
RIMS = {"target": "3 2", "parameter": "1.5 2"}  # which rims are not drawn through


def to_svg(scene: Scene, theme: str = "auto") -> str:
    """The picture as SVG. Raises ``InputError`` for a theme that does not exist."""
    if theme not in THEMES:
        raise InputError(f"There is no theme {theme!r:.40}. There are {', '.join(THEMES)}.")
    return "\n".join(_lines(scene, theme)) + "\n"


def _lines(scene: Scene, theme: str) -> Iterator[str]:
    paint = _Paint(theme)
    wide, high = number(scene.width), number(scene.height)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'height="{high}" role="img" class="handgrad-{theme}" aria-label={quoteattr(scene.title)}>'
    )
    yield f"<title>{escape(scene.title)}</title>"
    yield f"<desc>{escape(scene.description)}</desc>"
    if theme == "auto":
        yield f"<style>{_style()}</style>"
    yield f'<rect width="{wide}" height="{high}" rx="6"{paint.fill("ground")}/>'
    for shape in scene.shapes:
        yield from paint.shape(shape)
    yield "</svg>"


def _style() -> str:
    """Custom properties, light and dark: a page may set them, too."""
    light, dark = (
        "".join(f"--hg-{role}:{colours[n]};" for role, colours in COLOURS.items()) for n in (0, 1)
    )
    scope = ".handgrad-auto"
    rules = "".join(
        f"{scope} .{kind}-{role}{{{kind}:var(--hg-{role})}}"
        for role in COLOURS
        for kind in ("fill", "stroke")
    )
    return f"{scope}{{{light}}}@media(prefers-color-scheme:dark){{{scope}{{{dark}}}}}{rules}"


def number(value: float) -> str:
    """A coordinate: two decimals, none that are zero."""
    written = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


class _Paint:
    """The elements of each shape, in the colours of a theme."""

    def __init__(self, theme: str) -> None:
        self.column = {"dark": 1, "print": 2}.get(theme, 0)
        self.classed = theme == "auto"

    def colour(self, kind: str, role: str) -> str:
        return f' {kind}="{COLOURS[role][self.column]}"'

    def fill(self, role: str) -> str:
        named = f' class="fill-{role}"' if self.classed else ""
        return self.colour("fill", role) + named

    def rim(self, role: str, inner: str) -> str:
        """Filled and framed."""
        named = f' class="fill-{inner} stroke-{role}"' if self.classed else ""
        return self.colour("fill", inner) + self.colour("stroke", role) + named

    def stroke(self, role: str) -> str:
        named = f' class="stroke-{role}"' if self.classed else ""
        return ' fill="none"' + self.colour("stroke", role) + named

    def shape(self, shape: Shape) -> Iterator[str]:
        match shape:
            case Disc(x, y, radius, role):
                place = f'cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"'
                yield f"<circle {place}{self.node(role)}/>"
            case Plate(box, role):
                x, y = box.x - box.width / 2, box.y - box.height / 2
                size = f'width="{number(box.width)}" height="{number(box.height)}" rx="7"'
                yield f'<rect x="{number(x)}" y="{number(y)}" {size}{self.node(role)}/>'
            case Arrow():
                yield from self.arrow(shape)
            case Text():
                yield from self.text(shape)

    def node(self, role: str) -> str:
        """Fill and rim; a lit node has a thicker one, a target a dashed one."""
        kind, _, lit = role.partition(" ")
        inner = "lit" if lit else {"parameter": "ground"}.get(kind, kind)
        outer = "lit-rim" if lit else {"parameter": "input-rim"}.get(kind, f"{kind}-rim")
        dashes = f' stroke-dasharray="{RIMS[kind]}"' if kind in RIMS else ""
        return f'{self.rim(outer, inner)} stroke-width="{2.2 if lit else 1.3}"{dashes}'

    def arrow(self, arrow: Arrow) -> Iterator[str]:
        size = 5.5 + 1.4 * arrow.weight
        points = list(arrow.points)
        tip, before = points[-1], points[-2]
        far = max(math.dist(tip, before), 1e-9)
        ux, uy = (tip[0] - before[0]) / far, (tip[1] - before[1]) / far
        if arrow.head:
            points[-1] = (tip[0] - 0.8 * size * ux, tip[1] - 0.8 * size * uy)
        dashes = ' stroke-dasharray="5 3.5"' if arrow.dashed else ""
        width = f' stroke-width="{number(arrow.weight)}"'
        yield f'<path d="{path(points)}"{self.stroke(arrow.role)}{width}{dashes}/>'
        if arrow.head:
            back, half = (tip[0] - size * ux, tip[1] - size * uy), 0.38 * size
            sides = [(back[0] - half * uy, back[1] + half * ux)]
            sides += [(back[0] + half * uy, back[1] - half * ux)]
            corners = " L".join(place(p) for p in (tip, *sides))
            yield f'<path d="M{corners} Z"{self.fill(arrow.role)}/>'

    def text(self, text: Text) -> Iterator[str]:
        turn = ""
        if text.angle:
            turn = f' transform="rotate({number(text.angle)} {place((text.x, text.y))})"'
        if text.halo:
            yield self.halo(text)
        anchor = "" if text.anchor == "start" else f' text-anchor="{text.anchor}"'
        where = f'x="{number(text.x)}" y="{number(text.y)}"'
        font = f' font-size="{number(text.size)}" font-family="{SANS}" xml:space="preserve"'
        inner = "".join(_runs(text.label, text.size))
        yield f"<text {where}{font}{anchor}{turn}{self.fill(text.role)}>{inner}</text>"

    def halo(self, text: Text) -> str:
        """The ground behind a text that stands on a line, as wide as the text mostly is."""
        box = replace(text.box, width=0.9 * text.box.width + 2)
        x, y = box.x - box.width / 2, box.y - box.height / 2
        turn = f' transform="rotate({number(box.angle)} {place((box.x, box.y))})"'
        size = f'width="{number(box.width)}" height="{number(box.height)}" rx="3"'
        return (
            f'<rect x="{number(x)}" y="{number(y)}" {size}'
            f"{turn if box.angle else ''}{self.fill('ground')}/>"
        )


def place(point: Point) -> str:
    """Two coordinates."""
    return f"{number(point[0])} {number(point[1])}"


def path(points: list[Point]) -> str:
    """Straight lines between two or three points; through more a curve that bends softly."""
    if len(points) == 2:
        return f"M{place(points[0])} L{place(points[1])}"
    start, second, end = points[0], points[-2], points[-1]
    written = f"M{place(start)}"
    for (ax, ay), (bx, by) in pairwise(points[1:-1]):
        written += f" Q{place((ax, ay))} {place(((ax + bx) / 2, (ay + by) / 2))}"
    return f"{written} Q{place(second)} {place(end)}"


def _runs(label: Label, size: float) -> Iterator[str]:
    """The runs as tspans; what is lowered goes back below what is raised before it."""
    shift, owed, before = 0.0, 0.0, Run("")
    for run in label:
        level = {"sup": -RAISED, "sub": LOWERED}.get(run.kind, 0.0)
        back = 0.0
        if run.kind == "sub" and before.kind == "sup":
            back = NARROW * spread(before)
            owed = max(0.0, back - NARROW * spread(run))
        attributes = _moved(size * (level - shift), size * (owed if not back else -back))
        owed = owed if back else 0.0
        shift, before = level, run
        attributes += STYLES.get(run.kind, "")
        if run.kind in SIZES:
            attributes += f' font-size="{number(SIZES[run.kind] * size)}"'
        if any(c not in WIDTH for c in run.text):  # in whatever font it is found, it fits its box
            wide = number(spread(run) * size)
            attributes += f' textLength="{wide}" lengthAdjust="spacingAndGlyphs"'
        written = escape(run.text)
        yield f"<tspan{attributes}>{written}</tspan>" if attributes else written


def _moved(dy: float, dx: float) -> str:
    down = f' dy="{number(dy)}"' if abs(dy) > 0.005 else ""
    return (f' dx="{number(dx)}"' if abs(dx) > 0.005 else "") + down
