"""A layered network and what is said of it in, the shapes of its picture out.

Units are discs in columns, weights the lines between them: thicker for larger ones, dashed for
negative ones. What acts through one chosen quantity is lit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from handgrad.render.picture.labelling import Line, labelled, marked, shortened
from handgrad.render.picture.labels import Label, Run, joined, plain, width
from handgrad.render.picture.layout import Column, Gap, Net, stacked
from handgrad.render.picture.outcome import Outcome, dots, outcome
from handgrad.render.picture.sayings import Edge, Sayings
from handgrad.render.picture.scene import Arrow, Disc, Plate, Point, Shape, Text

__all__ = ["NetworkPicture"]

SIZE, SMALL = 12.0, 11.5
HEAD = 30.0  # height of the headings
TIP = 3.0  # between an arrow's tip and what it points to
LISTED = 24  # numbers without room in the picture that are listed beneath it
PALE = 0.8  # width of a line that is off the paths
WIDEST = 400.0  # between two columns

Places = dict[int | Gap, Point]


@dataclass(frozen=True)
class NetworkPicture:
    """The shapes of a network, left and upper edge at 0; ``notes`` go beneath it."""

    net: Net
    say: Sayings

    # --- where it stands ---------------------------------------------------------------------

    @cached_property
    def units(self) -> list[tuple[int, int]]:
        """The units shown, inputs left out: layer and number."""
        return [(n, u) for n, c in enumerate(self.net.columns) if n for u in c.units]

    @cached_property
    def radius(self) -> float:
        """Discs as large as the longest number in them needs."""
        columns = enumerate(self.net.columns)
        said = (s for n, c in columns for u in c.units for s in self.say.inside(n, u))
        wide = max(width(label, SIZE) for label in said)
        return max(23.0, math.hypot(wide / 2 + 1.5, 17.0))

    @cached_property
    def above(self) -> float:
        """Room above the discs, where something stands there."""
        return 20.0 * any(self.say.of_bias(*unit) for unit in self.units)

    @cached_property
    def under(self) -> float:
        """Room beneath the discs, where something stands there."""
        return 20.0 * any(self.say.beneath(*unit) for unit in self.units)

    @property
    def cell(self) -> float:
        """The height of a row: a disc, what stands above and beneath it, and room."""
        return 2 * self.radius + self.above + self.under + 22

    @cached_property
    def places(self) -> list[Places]:
        """Where the rows of each column are."""
        middle = HEAD + max(map(self.height_of, self.net.columns)) / 2
        middle += (self.above - self.under) / 2
        x, made = self.column_width(0) / 2, list[Places]()
        for n, column in enumerate(self.net.columns):
            x += self.between(n) if n else 0.0
            made.append(stacked(column, x, middle, self.cell))
        return made

    def height_of(self, column: Column) -> float:
        """How much a column takes."""
        ys = [y for _, y in stacked(column, 0.0, 0.0, self.cell).values()]
        return ys[-1] - ys[0] + self.cell

    def column_width(self, layer: int) -> float:
        """The widest thing of a column."""
        said = [plain(self.say.heading(layer)), plain(self.say.activation(layer))]
        for unit in self.net.columns[layer].units if layer else ():
            said += self.say.of_bias(layer, unit)[:1] + self.say.beneath(layer, unit)[:1]
        return max(2 * self.radius, *(width(label, SIZE) for label in said)) + 4

    def between(self, layer: int) -> float:
        """From a column's middle to the one before: room for its labels, and slopes one can read."""
        column, before = self.net.columns[layer], self.net.columns[layer - 1]
        said = [label[0] for label in map(self.say.of_weight, self.edges(layer)) if label]
        longest = max((width(label, SMALL) for label in said), default=0.0)
        crowded = min(len(column.units), len(before.units)) > 1
        steep = 0.55 * max(self.height_of(column), self.height_of(before)) if crowded else 0.0
        room = longest * (1.75 if crowded and len(said) > 2 else 1.1) + 48
        gap = max(room if len(said) <= 16 else 150.0, steep, 110.0)
        least = (self.column_width(layer) + self.column_width(layer - 1)) / 2 + 12
        return max(2 * self.radius + min(gap, WIDEST), least)

    def edges(self, layer: int) -> list[Edge]:
        """The weights of a layer between units that are shown."""
        column, before = self.net.columns[layer], self.net.columns[layer - 1]
        return [(layer, j, i) for j in column.units for i in before.units]

    # --- drawing -----------------------------------------------------------------------------

    @cached_property
    def outcome(self) -> Outcome:
        """Loss and targets, right of the outputs."""
        room = self.column_width(self.net.layers) / 2
        return outcome(self.net, self.say, self.places[-1], self.radius, room)

    @cached_property
    def fixed(self) -> tuple[list[Disc | Plate], list[Text]]:
        """The nodes, and the texts in and around them."""
        nodes = [*self.discs(), *self.outcome.nodes]
        texts = [t for layer in range(self.net.layers + 1) for t in self.around(layer)]
        return nodes, [*texts, *self.outcome.texts]

    @cached_property
    def on_lines(self) -> tuple[list[Text], list[tuple[str, Edge]]]:
        """The labels of the weights; those without room get a letter, if that has room."""
        nodes, texts = self.fixed
        made: list[Text] = []
        without: list[tuple[Line, Edge]] = []
        for layer in range(1, self.net.layers + 1):
            edges = {line: edge for edge, line in self.of_layer(layer).items()}
            found, left = labelled(list(edges), [*texts, *made], nodes)
            made += found
            without += [(line, edges[line]) for line in left]
        found, _ = labelled(self.outcome.lines, [*texts, *made], nodes)
        made += found
        missing: list[tuple[str, Edge]] = []
        for line, edge in without:
            mark = chr(97 + len(missing)) if len(without) <= LISTED else ""
            others = list(self.of_layer(edge[0]).values())
            sign = marked(line, mark, others, [*texts, *made], nodes) if mark else None
            made += [sign] if sign else []
            missing.append((mark if sign else "", edge))
        return made, missing

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """Everything, from back to front: lines, nodes, texts."""
        arrows = [a for layer in range(1, self.net.layers + 1) for a in self.arrows(layer)]
        nodes, texts = self.fixed
        return (*arrows, *self.outcome.arrows, *nodes, *texts, *self.on_lines[0])

    @cached_property
    def notes(self) -> list[Label]:
        """What found no room, beneath the picture; where it is much, how much."""
        missing = self.on_lines[1]
        if len(missing) > LISTED:
            drawn = sum(len(self.edges(layer)) for layer in range(1, self.net.layers + 1))
            count = f"{len(missing):,} of the {drawn:,} weights drawn"
            return [plain(f"{count} have no room for their numbers.")]
        named = [
            (*((Run(f"{mark}  ", "bold"),) if mark else ()), *self.say.of_weight(edge)[0])
            for mark, edge in missing
        ]
        return [(Run("Without room above:  "), *joined(named, ",   "))] if named else []

    def discs(self) -> Iterator[Disc]:
        """A disc for every unit that is shown."""
        for layer, column in enumerate(self.places):
            for unit, (x, y) in column.items():
                if isinstance(unit, int):
                    ends = {self.net.output(layer, unit), self.net.total(layer, unit)}
                    lit = " lit" if layer and ends & self.say.on_path else ""
                    role = f"{'unit' if layer else 'input'}{lit}"
                    yield Disc(x, y, self.radius, role, node_name(layer, unit))

    def around(self, layer: int) -> Iterator[Text]:
        """Headings, what stands in and around the discs of a column, and the dots of a gap."""
        places = self.places[layer]
        x, _ = next(iter(places.values()))
        yield Text(plain(self.say.heading(layer)), x, 12, SIZE, "muted")
        if layer:
            yield Text(plain(self.say.activation(layer)), x, 27, SMALL, "muted")
        for row, (x, y) in places.items():
            if isinstance(row, Gap):
                yield from dots(row, x, y)
                continue
            name, number = self.say.inside(layer, row)
            owner = node_name(layer, row)
            yield Text(name, x, y - 6, SIZE + 0.5, owner=owner)
            yield Text(number, x, y + 12.5, SIZE, owner=owner)
            if layer:
                yield from self.beside(layer, row, (x, y))

    def beside(self, layer: int, unit: int, place: Point) -> Iterator[Text]:
        """Bias above a unit, what comes of it beneath."""
        x, y = place
        lit = self.say.along_paths
        for label in self.say.of_bias(layer, unit)[:1]:
            yield Text(label, x, y - self.radius - 8, SMALL, "path" if lit else "ink", halo=True)
        for label in self.say.beneath(layer, unit)[:1]:
            role = "path" if lit else "muted" if self.say.view == "backward" else "ink"
            yield Text(label, x, y + self.radius + 15, SMALL, role, halo=True)

    def ordered(self, layer: int) -> list[Edge]:
        """The weights of a layer, those on a path first, then by size."""

        def place(edge: Edge) -> tuple[bool, float]:
            return not self.say.is_lit(edge), -self.size(edge)

        return sorted(self.edges(layer), key=place)

    def size(self, edge: Edge) -> float:
        """How large a weight is."""
        return abs(self.net.value(self.net.weight(*edge)))

    def arrows(self, layer: int) -> Iterator[Arrow]:
        """An arrow for every weight, the strongest last: it lies on top."""
        edges = self.of_layer(layer)
        largest = max(map(self.size, edges)) or 1.0
        for edge, line in reversed(edges.items()):
            lit = self.say.is_lit(edge)
            negative = self.net.value(self.net.weight(*edge)) < 0
            thick = 0.8 + 1.6 * self.size(edge) / largest + 0.8 * lit
            pale = bool(self.say.lit) and not lit
            role = "path" if lit else "rule" if pale else "minus" if negative else "edge"
            back = self.say.view == "backward"
            ends = (line.end, line.start) if back else (line.start, line.end)
            yield Arrow(ends, role, PALE if pale else thick, negative, not pale)

    @cached_property
    def lines(self) -> dict[Edge, Line]:
        """The line of every weight, those on a path first, then by size."""
        layers = range(1, self.net.layers + 1)
        return {edge: self.line(edge) for n in layers for edge in self.ordered(n)}

    def of_layer(self, layer: int) -> dict[Edge, Line]:
        """The lines that lead to a layer."""
        return {edge: line for edge, line in self.lines.items() if edge[0] == layer}

    def line(self, edge: Edge) -> Line:
        """The line of a weight, from rim to rim, with what may be said on it."""
        layer, unit, before = edge
        start, end = self.places[layer - 1][before], self.places[layer][unit]
        gap = self.radius + TIP
        role = "path" if self.say.is_lit(edge) and self.say.along_paths else "ink"
        return Line(*shortened(start, end, gap, gap), tuple(self.say.of_weight(edge)), role)


def node_name(layer: int, unit: int) -> str:
    """What a disc is called, so that its own text may touch it."""
    return f"unit {layer}.{unit}"
