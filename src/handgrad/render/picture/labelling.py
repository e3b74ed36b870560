"""Lines and what is to be said on them in, placed texts out; what finds no room is given back.

A label stands on its line, turned with it, where it hides no other label or node and as few other
lines as can be. All labels of a bundle are written alike: in full, or shorter, where all find room.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from handgrad.render.picture.labels import Label, Run, extent
from handgrad.render.picture.scene import Box, Disc, Plate, Point, Text, covers, frame, overlap

__all__ = ["Line", "each_labelled", "labelled", "marked", "on_line", "shortened"]

SIZE = 11.5
CROWD = 20  # lines of a bundle whose labels are written in the shortest form at once
PLACES = (0.5, 0.44, 0.56, 0.38, 0.62, 0.32, 0.68, 0.27, 0.73, 0.22, 0.78, 0.18, 0.82)
HIDDEN = 2  # lines a label may hide
ROOM = 3.0  # left free around a label
TIP = 9.0  # left free at both ends, so that one sees where a line leads


@dataclass(frozen=True)
class Line:
    """A line from ``start`` to ``end``, and what may be said on it, the fullest first."""

    start: Point
    end: Point
    says: tuple[Label, ...] = ()
    role: str = "ink"
    level: bool = False  # its label is not turned with it

    def distance(self, point: Point) -> float:
        """How far a point is from the line."""
        (x, y), (u, v) = self.start, (self.end[0] - self.start[0], self.end[1] - self.start[1])
        along = ((point[0] - x) * u + (point[1] - y) * v) / max(u * u + v * v, 1e-12)
        along = max(0.0, min(1.0, along))
        return math.dist(point, (x + along * u, y + along * v))


def on_line(line: Line, label: Label, along: float, size: float = SIZE) -> Text:
    """A label in the middle of its line, or at another part of it, never upside down."""
    (x1, y1), (x2, y2) = line.start, line.end
    if x1 > x2:
        (x1, y1), (x2, y2), along = line.end, line.start, 1 - along
    angle = 0.0 if line.level else math.degrees(math.atan2(y2 - y1, x2 - x1))
    above, below = extent(label, size)
    down, turn = (above - below) / 2, math.radians(angle)
    x, y = x1 + along * (x2 - x1), y1 + along * (y2 - y1)
    place = (x - down * math.sin(turn), y + down * math.cos(turn))
    return Text(label, *place, size, line.role, angle=angle, halo=True)


def labelled(
    lines: Sequence[Line], taken: Sequence[Text], nodes: Sequence[Disc | Plate]
) -> tuple[list[Text], list[Line]]:
    """The labels of a bundle of lines, and the lines whose label found no room, in their order.

    ``taken`` and ``nodes`` are in the way.
    """
    said = [line for line in lines if line.says]
    levels = max((len(line.says) for line in said), default=0)
    placed: dict[Line, Text] = {}
    for level in range(levels):
        last = level == levels - 1
        placed = {}
        for line in said if last or len(said) <= CROWD else ():
            label = line.says[min(level, len(line.says) - 1)]
            found = placed_on(line, label, lines, [*taken, *placed.values()], nodes)
            if found is not None:
                placed[line] = found
            elif not last:
                break
        if len(placed) == len(said):
            break
    return list(placed.values()), [line for line in said if line not in placed]


def each_labelled(
    lines: Sequence[Line], taken: Sequence[Text], nodes: Sequence[Disc | Plate]
) -> dict[Line, Text]:
    """A label for every line, each as full as there is room for; none where there is no room."""
    placed: dict[Line, Text] = {}
    for line in lines:
        for label in line.says:
            found = placed_on(line, label, lines, [*taken, *placed.values()], nodes)
            if found is not None:
                placed[line] = found
                break
    return placed


def marked(
    line: Line,
    mark: str,
    lines: Sequence[Line],
    taken: Sequence[Text],
    nodes: Sequence[Disc | Plate],
) -> Text | None:
    """A letter on a line that refers to what is written beneath the picture, where it has room."""
    return placed_on(line, (Run(mark, "bold"),), lines, taken, nodes)


def placed_on(
    line: Line,
    label: Label,
    lines: Sequence[Line],
    taken: Sequence[Text],
    nodes: Sequence[Disc | Plate],
) -> Text | None:
    """The label where it hides the fewest other lines, then nearest to the middle; or nowhere."""
    length = math.dist(line.start, line.end)
    reach = on_line(line, label, 0.5).box.reach + ROOM
    texts = [t for t in taken if line.distance((t.box.x, t.box.y)) < reach + t.box.reach]
    frames = [(node, frame(node)) for node in nodes]
    close = [node for node, box in frames if line.distance(box.middle) < reach + box.reach]
    rest = [other for other in lines if other != line]
    best: tuple[int, Text] | None = None
    for along in PLACES:
        text = on_line(line, label, along)
        box = text.box.grown(ROOM)
        if covered(line, box) + TIP > min(along, 1 - along) * length or _hits(box, texts, close):
            continue
        hidden = sum(text.box.crosses(other.start, other.end) for other in rest)
        if best is None or hidden < best[0]:
            best = hidden, text
        if hidden == 0:
            break
    return best[1] if best and best[0] <= HIDDEN else None


def covered(line: Line, box: Box) -> float:
    """How far a label's box covers its line, from its middle."""
    if not line.level:
        return box.width / 2
    dx, dy = line.end[0] - line.start[0], line.end[1] - line.start[1]
    far = max(math.hypot(dx, dy), 1e-9)
    return min(box.width * far / max(abs(dx), 1e-9), box.height * far / max(abs(dy), 1e-9)) / 2


def _hits(box: Box, texts: Sequence[Text], nodes: Sequence[Disc | Plate]) -> bool:
    return any(overlap(box, other.box) for other in texts) or any(covers(n, box) for n in nodes)


def shortened(start: Point, end: Point, first: float, last: float) -> tuple[Point, Point]:
    """A line without its ends, which lie inside what it joins."""
    far = math.dist(start, end)
    ux, uy = (end[0] - start[0]) / far, (end[1] - start[1]) / far
    return (start[0] + first * ux, start[1] + first * uy), (end[0] - last * ux, end[1] - last * uy)
