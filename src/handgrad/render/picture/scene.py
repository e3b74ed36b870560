"""What a picture is made of: discs, plates, arrows and texts at their places, and what overlaps.

A text has a box, never smaller than its ink; ``clashes`` names every pair of things that overlap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

from handgrad.render.picture.labels import Label, extent, width

__all__ = [
    "Arrow",
    "Box",
    "Disc",
    "Plate",
    "Point",
    "Scene",
    "Shape",
    "Text",
    "bounds",
    "clashes",
    "covers",
    "frame",
    "moved",
    "overlap",
    "said",
]

Point = tuple[float, float]
OVERHANG = 0.16  # of the size: slanted letters lean out of the width they are given


@dataclass(frozen=True)
class Box:
    """A rectangle by its middle, turned by ``angle`` degrees."""

    x: float
    y: float
    width: float
    height: float
    angle: float = 0.0

    @cached_property
    def axes(self) -> tuple[Point, Point]:
        """The directions of its sides."""
        turn = math.radians(self.angle)
        return (math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))

    @cached_property
    def reach(self) -> float:
        """From the middle to a corner."""
        return math.hypot(self.width, self.height) / 2

    @cached_property
    def corners(self) -> tuple[Point, ...]:
        """The four corners, in order."""
        (ax, ay), (bx, by) = self.axes
        w, h = self.width / 2, self.height / 2
        signs = ((-w, -h), (w, -h), (w, h), (-w, h))
        return tuple((self.x + u * ax + v * bx, self.y + u * ay + v * by) for u, v in signs)

    @property
    def middle(self) -> Point:
        """Its middle."""
        return self.x, self.y

    def grown(self, by: float) -> Box:
        """The box with a margin around it."""
        return Box(self.x, self.y, self.width + 2 * by, self.height + 2 * by, self.angle)

    def distance(self, point: Point) -> float:
        """How far a point lies outside; 0 inside."""
        (ax, ay), (bx, by) = self.axes
        dx, dy = point[0] - self.x, point[1] - self.y
        across = abs(dx * ax + dy * ay) - self.width / 2
        along = abs(dx * bx + dy * by) - self.height / 2
        return math.hypot(max(across, 0.0), max(along, 0.0))

    def crosses(self, start: Point, end: Point) -> bool:
        """Whether a straight line runs through the box."""
        if (
            min(start[0], end[0]) > self.x + self.reach
            or max(start[0], end[0]) < self.x - self.reach
        ):
            return False
        (ax, ay), (bx, by) = self.axes
        low, high = 0.0, 1.0
        for (ux, uy), half in (((ax, ay), self.width / 2), ((bx, by), self.height / 2)):
            from_ = (start[0] - self.x) * ux + (start[1] - self.y) * uy
            step = (end[0] - start[0]) * ux + (end[1] - start[1]) * uy
            if abs(step) < 1e-12:
                if abs(from_) >= half:
                    return False
                continue
            near, far = sorted(((-half - from_) / step, (half - from_) / step))
            low, high = max(low, near), min(high, far)
        return low < high


@dataclass(frozen=True)
class Disc:
    """A neuron; its ``role`` says how it is painted. ``name`` tells whose label may touch it."""

    x: float
    y: float
    radius: float
    role: str
    name: str = ""


@dataclass(frozen=True)
class Plate:
    """A rectangle with round corners: an input, a target, the loss, a node of a graph."""

    box: Box
    role: str
    name: str = ""


@dataclass(frozen=True)
class Arrow:
    """A line through points, or a curve from the first to the last; ``weight`` is its width."""

    points: tuple[Point, ...]
    role: str
    weight: float = 1.2
    dashed: bool = False
    head: bool = True


@dataclass(frozen=True)
class Text:
    """A label at a place: ``y`` is its baseline, ``anchor`` start, middle or end at ``x``.

    ``owner`` names the disc or plate it stands in; ``halo`` that it has a ground of its own.
    """

    label: Label
    x: float
    y: float
    size: float
    role: str = "ink"
    anchor: str = "middle"
    angle: float = 0.0
    owner: str = ""
    halo: bool = False

    @cached_property
    def box(self) -> Box:
        """The box that holds the text in any of the usual fonts."""
        wide = width(self.label, self.size)
        above, below = extent(self.label, self.size)
        dx = {"start": wide / 2, "middle": 0.0, "end": -wide / 2}[self.anchor]
        dy = (below - above) / 2
        turn = math.radians(self.angle)
        x = self.x + dx * math.cos(turn) - dy * math.sin(turn)
        y = self.y + dx * math.sin(turn) + dy * math.cos(turn)
        return Box(x, y, wide + OVERHANG * self.size, above + below, self.angle)


Shape = Disc | Plate | Arrow | Text


@dataclass(frozen=True)
class Scene:
    """A picture: its size, what is in it from back to front, and what it says in words."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    title: str
    description: str

    def texts(self) -> Iterator[Text]:
        """The texts, in the order they are read."""
        return (shape for shape in self.shapes if isinstance(shape, Text))

    def nodes(self) -> Iterator[Disc | Plate]:
        """The discs and plates."""
        return (shape for shape in self.shapes if isinstance(shape, Disc | Plate))


def overlap(first: Box, second: Box) -> bool:
    """Whether two boxes have more than an edge in common."""
    if math.dist((first.x, first.y), (second.x, second.y)) >= first.reach + second.reach:
        return False
    for ux, uy in (*first.axes, *second.axes):
        one = [x * ux + y * uy for x, y in first.corners]
        two = [x * ux + y * uy for x, y in second.corners]
        if max(one) <= min(two) + 1e-6 or max(two) <= min(one) + 1e-6:
            return False
    return True


def covers(node: Disc | Plate, box: Box) -> bool:
    """Whether a box reaches into a node."""
    if isinstance(node, Plate):
        return overlap(node.box, box)
    return box.distance((node.x, node.y)) < node.radius - 1e-6


def clashes(scene: Scene) -> Iterator[str]:
    """A sentence for every two things that overlap, and for everything outside the picture."""
    texts, nodes = list(scene.texts()), list(scene.nodes())
    for one, two in combinations(texts, 2):
        if overlap(one.box, two.box):
            yield f"{said(one.label)!r} and {said(two.label)!r} overlap"
    for shown in texts:
        for node in nodes:
            if node.name != shown.owner and covers(node, shown.box):
                yield f"{said(shown.label)!r} overlaps {node.name or node.role}"
    for one, two in combinations(nodes, 2):
        if overlap(frame(one), frame(two)) and _touch(one, two):
            yield f"{one.name or one.role} and {two.name or two.role} overlap"
    for shape in (*texts, *nodes):
        box = shape.box if isinstance(shape, Text) else frame(shape)
        if not inside(box.corners, scene):
            name = said(shape.label) if isinstance(shape, Text) else shape.name
            yield f"{name!r} leaves the picture"
    for shape in scene.shapes:
        if isinstance(shape, Arrow) and not inside(shape.points, scene):
            yield "an arrow leaves the picture"


def _touch(one: Disc | Plate, two: Disc | Plate) -> bool:
    if isinstance(one, Disc) and isinstance(two, Disc):
        return math.dist((one.x, one.y), (two.x, two.y)) < one.radius + two.radius
    return covers(one, frame(two)) and covers(two, frame(one))


def frame(node: Disc | Plate) -> Box:
    """The smallest upright box around a node."""
    if isinstance(node, Plate):
        return node.box
    return Box(node.x, node.y, 2 * node.radius, 2 * node.radius)


def inside(points: Iterable[Point], scene: Scene) -> bool:
    """Whether all points lie in the picture."""
    return all(0 <= x <= scene.width and 0 <= y <= scene.height for x, y in points)


def said(label: Label) -> str:
    """A label as one reads it."""
    return "".join(run.text for run in label)


def bounds(shapes: Iterable[Shape]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of some shapes."""
    points: list[Point] = []
    for shape in shapes:
        match shape:
            case Arrow():
                points += shape.points
            case Text():
                points += shape.box.corners
            case _:
                points += frame(shape).corners
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def moved(shape: Shape, dx: float, dy: float) -> Shape:
    """The shape at another place."""
    match shape:
        case Arrow(points):
            return replace(shape, points=tuple((x + dx, y + dy) for x, y in points))
        case Plate(box):
            return replace(shape, box=replace(box, x=box.x + dx, y=box.y + dy))
        case _:
            return replace(shape, x=shape.x + dx, y=shape.y + dy)
