"""The end of a network in, the shapes right of its outputs out: the loss, and the targets beyond it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from handgrad.calculus.expr import Ref
from handgrad.render.picture.labelling import Line, shortened
from handgrad.render.picture.labels import plain, width
from handgrad.render.picture.layout import Gap, Net
from handgrad.render.picture.sayings import Sayings
from handgrad.render.picture.scene import Arrow, Box, Plate, Point, Text

__all__ = ["Outcome", "dots", "outcome"]

SIZE, SMALL = 12.0, 11.5
TIP = 3.0
TALL = 46.0


@dataclass(frozen=True)
class Outcome:
    """Loss and targets; ``lines`` are those from the outputs to the loss, still to be labelled."""

    nodes: list[Plate]
    texts: list[Text]
    arrows: list[Arrow]
    lines: list[Line]


def outcome(
    net: Net, say: Sayings, outputs: Mapping[int | Gap, Point], radius: float, room: float
) -> Outcome:
    """The shapes right of the outputs; ``room`` is half the width of their column."""
    ys = [y for _, y in outputs.values()]
    left, middle = next(iter(outputs.values()))[0], (ys[0] + ys[-1]) / 2
    name, number = say.write.name(Ref(*say.loss)), say.write.number(net.value(say.loss))
    half = max(width(name, SIZE), width(number, SIZE)) / 2 + 12
    said = [label for unit in net.columns[-1].units for label in say.to_loss(unit)[:1]]
    longest = max((width(label, SMALL) for label in said), default=0.0)
    far = max(longest * 1.05 + 40 * bool(longest), room - radius + 24, 62, 0.3 * (ys[-1] - ys[0]))
    box = Box(left + radius + far + half, middle, 2 * half, TALL)
    lit = " lit" if say.loss in say.on_path else ""
    found = Outcome(
        [Plate(box, f"loss{lit}", "loss")],
        [
            Text(plain("loss"), box.x, 12, SIZE, "muted"),
            Text(name, box.x, middle - 6, SIZE + 0.5, owner="loss"),
            Text(number, box.x, middle + 12.5, SIZE, owner="loss"),
        ],
        [],
        [to_loss(net, say, u, p, box, radius) for u, p in outputs.items() if isinstance(u, int)],
    )
    found.arrows.extend(arrow(line, say) for line in found.lines)
    add_targets(found, net, say, outputs, box)
    return found


def to_loss(net: Net, say: Sayings, unit: int, place: Point, box: Box, radius: float) -> Line:
    """The line from an output to the loss."""
    start, end = shortened(place, port(box, place, -1), radius + TIP, TIP)
    last = net.layers
    ends = {(say.loss, net.output(last, unit)), (say.loss, net.total(last, unit))}
    role = "path" if ends & set(say.lit) else "ink"
    return Line(start, end, tuple(say.to_loss(unit)), role)


def port(box: Box, place: Point, side: int) -> Point:
    """Where a line from a place meets the side of a plate: spread a little, by its height."""
    share = max(-1.0, min(1.0, (place[1] - box.y) / 80))
    return box.x + side * box.width / 2, box.y + 14 * share


def arrow(line: Line, say: Sayings) -> Arrow:
    """The arrow on such a line, against the forward direction in the backward view."""
    ends = (line.end, line.start) if say.view == "backward" else (line.start, line.end)
    lit = line.role == "path"
    pale = bool(say.lit) and not lit
    return Arrow(ends, "path" if lit else "rule" if pale else "edge", 2.0 if lit else 1.2)


def add_targets(
    found: Outcome, net: Net, say: Sayings, outputs: Mapping[int | Gap, Point], loss: Box
) -> None:
    """The targets at the height of their outputs, on the other side of the loss."""
    units = [unit for unit in outputs if isinstance(unit, int)]
    names = {u: say.write.name(Ref(*net.target(u))) for u in units}
    numbers = {u: say.write.number(net.value(net.target(u))) for u in units}
    half = max(width(s, SIZE) for s in (*names.values(), *numbers.values())) / 2 + 9
    steep = 0.15 * (max(y for _, y in outputs.values()) - loss.y)
    x = loss.x + loss.width / 2 + half + 56 + steep
    found.texts.append(Text(plain("target"), x, 12, SIZE, "muted"))
    for unit, (_, y) in outputs.items():
        if isinstance(unit, Gap):
            found.texts.extend(dots(unit, x, y))
            continue
        owner = f"target {unit}"
        found.nodes.append(Plate(Box(x, y, 2 * half, 42), "target", owner))
        found.texts.append(Text(names[unit], x, y - 6, SIZE + 0.5, owner=owner))
        found.texts.append(Text(numbers[unit], x, y + 12.5, SIZE, owner=owner))
        tip, start = port(loss, (x, y), 1), (x - half - TIP, y)
        found.arrows.append(
            Arrow((start, (tip[0] + TIP, tip[1])), "rule" if say.lit else "edge", 1.2)
        )


def dots(gap: Gap, x: float, y: float) -> Iterator[Text]:
    """Three dots, and how many units they stand for."""
    yield Text(plain("⋮"), x, y - 4, 15, "muted", halo=True)
    yield Text(plain(f"{gap.count:,} more"), x, y + 14, SMALL, "muted", halo=True)
