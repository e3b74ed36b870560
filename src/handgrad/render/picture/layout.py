"""A network of layers in, the places of its units out: columns from the inputs to the loss.

A large layer is shown by its first units and its last; a gap between them says how many more.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from handgrad.calculus.expr import Ref, Symbol
from handgrad.numbers.page import Page
from handgrad.numbers.paths import Element, Graph
from handgrad.render.picture.scene import Point

__all__ = ["Column", "Gap", "Net", "network", "stacked"]

MOST = 6  # units of a layer that are all shown
FIRST = 3  # units shown of a larger one, besides the last
GAP = 46.0


@dataclass(frozen=True)
class Gap:
    """Units that are not shown: how many, and after which."""

    count: int
    after: int


@dataclass(frozen=True)
class Column:
    """A layer: how many units it has, and those that are shown with the gaps between them."""

    count: int
    rows: tuple[int | Gap, ...]

    @property
    def units(self) -> tuple[int, ...]:
        """The units that are shown, counted from 1."""
        return tuple(row for row in self.rows if isinstance(row, int))


@dataclass(frozen=True)
class Net:
    """A layered network as it is drawn: its columns (inputs first) and one example of its data."""

    page: Page
    row: int  # the example, counted from 1 within the step
    columns: tuple[Column, ...]

    @property
    def layers(self) -> int:
        """How many layers of weights there are."""
        return len(self.columns) - 1

    def output(self, layer: int, unit: int) -> Element:
        """What a unit gives on; layer 0 are the inputs."""
        return (Symbol("a", layer) if layer else Symbol("x"), (self.row, unit))

    def total(self, layer: int, unit: int) -> Element:
        """The weighted sum of a unit."""
        return Symbol("z", layer), (self.row, unit)

    def weight(self, layer: int, unit: int, before: int) -> Element:
        """The weight from a unit of the layer before."""
        return Symbol("W", layer), (unit, before)

    def bias(self, layer: int, unit: int) -> Element | None:
        """The bias of a unit; one for the whole layer where it is shared."""
        symbol = Symbol("b", layer)
        if symbol not in self.page.values:
            return None
        return symbol, (unit,) if self.page.values[symbol].ndim else ()

    def value(self, element: Element) -> float:
        """The number of an element."""
        return float(self.page.values[element[0]][tuple(n - 1 for n in element[1])])

    def target(self, unit: int) -> Element:
        """What an output should be."""
        return Symbol("y"), (self.row, unit)

    def elements(self) -> set[Element]:
        """What is computed and shown: weighted sums, outputs, the loss."""
        found: set[Element] = {(self.page.problem.loss, ())}
        for layer, column in enumerate(self.columns[1:], 1):
            for unit in column.units:
                found |= {self.total(layer, unit), self.output(layer, unit)}
        return found

    def lit(self, graph: Graph, of: Ref) -> dict[tuple[Element, Element], float]:
        """The edges on the paths from an element to the loss, each with its local derivative."""
        start = (of.symbol, tuple(n for n in of.indices if isinstance(n, int)))
        among, found = self.elements(), dict[tuple[Element, Element], float]()
        waiting, seen = [start], {start}
        while waiting:
            lower = waiting.pop()
            for upper, local in graph.find(lower, among):
                found[upper, lower] = graph.factor(upper, lower, local, direct=False).value
                if upper not in seen:
                    seen.add(upper)
                    waiting.append(upper)
        return found


def network(page: Page, row: int, of: Ref | None) -> Net:
    """The columns of a layered network; what ``of`` touches is always shown."""
    values = page.values
    layers = max(s.number or 0 for s in values if s == s.plain and s.base == "W")
    counts = [values[Symbol("x")].shape[1]]
    counts += [values[Symbol("W", n)].shape[0] for n in range(1, layers + 1)]
    wanted: dict[int, set[int]] = {}
    if of is not None:
        places = [n for n in of.indices if isinstance(n, int)]
        own = of.symbol.number or 0
        if of.symbol.base == "W":
            wanted = {own: {places[0]}, own - 1: {places[1]}}
        elif places:
            wanted = {own: {places[-1]}}
    made = (Column(n, rows(n, wanted.get(place, set()))) for place, n in enumerate(counts))
    return Net(page, row, tuple(made))


def rows(count: int, wanted: Collection[int]) -> tuple[int | Gap, ...]:
    """The units shown of a layer, with the gaps between them; a gap hides two units at least."""
    if count <= MOST:
        return tuple(range(1, count + 1))
    shown = {*range(1, FIRST + 1), *wanted, count}
    shown |= {n for n in range(1, count) if {n - 1, n + 1} <= shown}
    made: list[int | Gap] = []
    before = 0
    for unit in sorted(shown):
        if unit > before + 1:
            made.append(Gap(unit - before - 1, before))
        made.append(unit)
        before = unit
    return tuple(made)


def stacked(column: Column, x: float, middle: float, cell: float) -> dict[int | Gap, Point]:
    """The places of a column's rows, around a middle."""
    heights = [cell if isinstance(row, int) else GAP for row in column.rows]
    y = middle - sum(heights) / 2
    places: dict[int | Gap, Point] = {}
    for row, height in zip(column.rows, heights, strict=True):
        places[row] = (x, y + height / 2)
        y += height
    return places
