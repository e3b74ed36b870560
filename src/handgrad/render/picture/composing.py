"""The shapes of a picture in, the whole out: title above, what is explained below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from handgrad.calculus.expr import Ref
from handgrad.render.picture.graph import GraphPicture
from handgrad.render.picture.labels import Label, Run, drawable, joined, plain, wrapped
from handgrad.render.picture.layout import Gap
from handgrad.render.picture.network import NetworkPicture
from handgrad.render.picture.scene import Scene, Shape, Text, bounds, moved, said

__all__ = ["TITLES", "Frame", "composed", "meaning_of_graph", "meaning_of_network"]

TITLES = {
    "forward": "Forward pass",
    "backward": "Backward pass",
    "update": "Update",
    "graph": "Computation graph",
}
MEANING = {
    "forward": "In a unit its output, beneath it its weighted sum, above it its bias.",
    "backward": "In a unit δ, the derivative of the loss by its weighted sum; beneath it its output.",
    "update": "On lines and above units: weights and biases before and after the update.",
}
LIT = "Lit are the paths to the loss, with the local derivative on each line and unit."
MIXED = (
    "With softmax every output depends on the weighted sums of all units; beneath a unit stands the "
    "derivative by its own."
)
LINES = "Thicker lines are larger weights, dashed lines negative ones."
MARGIN = 28.0
LEAST = 480.0  # of the width, so that the lines beneath have room
SPOKEN = 60  # numbers of a picture that its description tells


@dataclass(frozen=True)
class Frame:
    """What stands around a picture: ``shown`` in the subtitle, ``worked`` beneath it."""

    title: str
    view: str
    shown: tuple[Label, ...]
    worked: tuple[Label, ...]

    @property
    def subtitle(self) -> Label:
        """The view and what is shown in it."""
        return joined([plain(TITLES[self.view]), *self.shown], "  ·  ")


def composed(frame: Frame, shapes: Sequence[Shape], notes: Sequence[Label]) -> Scene:
    """The whole picture, in a size that holds everything."""
    left, top, right, bottom = bounds(shapes)
    wide = max(right - left + 2 * MARGIN, LEAST)
    above = list(heading(frame, wide))
    y = above[-1].y + 28
    placed = [moved(shape, (wide - left - right) / 2, y - top) for shape in shapes]
    y += bottom - top + 32
    below = list(lines(frame.worked, 12.5, "ink", wide, y, 22.0))
    y = below[-1].y + 26 if below else y
    below += lines(notes, 11.5, "muted", wide, y, 17.0)
    name = f"{frame.title or 'Network'}: {said(frame.subtitle)}"
    high = below[-1].y + 20
    return Scene(wide, high, (*placed, *above, *below), name, words(frame, shapes, notes))


def heading(frame: Frame, wide: float) -> Iterator[Text]:
    """The title of the problem, and beneath it what is shown."""
    y = 34.0
    if frame.title:
        bold = (Run(drawable(frame.title), "bold"),)
        titles = list(lines([bold], 15.0, "ink", wide, y, 20.0))
        yield from titles
        y = titles[-1].y + 22
    yield from lines([frame.subtitle], 12.5, "muted", wide, y, 18.0)


def lines(
    labels: Iterable[Label], size: float, role: str, wide: float, y: float, leading: float
) -> Iterator[Text]:
    """Labels under each other from ``y`` on, wrapped to the width."""
    for label in labels:
        for line in wrapped(label, size, wide - 2 * MARGIN):
            yield Text(line, MARGIN, y, size, role, "start")
            y += leading


def meaning_of_network(picture: NetworkPicture) -> Iterator[Label]:
    """How the picture of a network is to be read, and what is left out of it."""
    net, say = picture.net, picture.say
    yield plain(LIT if say.along_paths else MEANING[say.view])
    yield plain(LINES)
    if say.along_paths and say.mixed:
        yield plain(MIXED)
    many = len(net.page.values[net.target(1)[0]])
    if many > 1:
        yield of_all(many)
    parts = [
        f"{len(column.units):,} of {column.count:,} {f'units of layer {n}' if n else 'inputs'}"
        for n, column in enumerate(net.columns)
        if any(isinstance(row, Gap) for row in column.rows)
    ]
    if parts:
        drawn = sum(len(a.units) * len(b.units) for a, b in pairwise(net.columns))
        weights = sum(a.count * b.count for a, b in pairwise(net.columns))
        yield plain(f"Shown are {', '.join(parts)}; {drawn:,} of {weights:,} weights.")


def of_all(many: int) -> Label:
    """What does not belong to the one example that is shown."""
    return plain(
        f"The loss, and its derivatives by weights and biases, are those of all {many:,} examples."
    )


def meaning_of_graph(picture: GraphPicture) -> Iterator[Label]:
    """How a computation graph is to be read."""
    page = picture.step.page
    loss = picture.write.name(Ref(page.problem.loss))
    slope = picture.write.partial(loss, (Run("…"),))
    if page.problem.parameters:
        last = plain(": how it acts on the loss.")
        yield (*plain("Dotted frames are parameters. In a node, last, "), *slope, *last)
    arrays = any(picture.step.element(s) is None for s in picture.step.symbols.values())
    ending = "; where an array is concerned, none." if arrays else "."
    yield plain(f"On an arrow between numbers, the local derivative{ending}")
    many = [len(page.values[symbol]) for symbol in page.problem.data]
    if max(many, default=1) > 1:
        yield of_all(many[0])


def words(frame: Frame, shapes: Iterable[Shape], notes: Sequence[Label]) -> str:
    """The picture in words: what it shows, and what is written in it."""
    written = [said(shape.label).strip() for shape in shapes if isinstance(shape, Text)]
    more = f" and {len(written) - SPOKEN} more" if len(written) > SPOKEN else ""
    told = ", ".join(written[:SPOKEN]) + more
    worked = " ".join(f"{said(label)}." for label in frame.worked)
    return f"{said(frame.subtitle)}. {' '.join(map(said, notes))} In the picture: {told}. {worked}"
