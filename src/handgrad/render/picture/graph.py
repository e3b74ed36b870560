"""The equations of a problem in, the graph of their computation out: what is computed from what.

Every node has its formula, its value and the gradient that arrives there; an arrow between single
numbers has the local derivative. An array is one node, with its shape and its first values.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from handgrad.calculus.expr import Ref, Symbol
from handgrad.model.shapes import shape_text
from handgrad.render.picture.computation import Computation, Edge
from handgrad.render.picture.labelling import Line, each_labelled
from handgrad.render.picture.labels import Label, Run, Writer, joined, plain, width
from handgrad.render.picture.ranks import Placed, Spot, arranged
from handgrad.render.picture.scene import Arrow, Box, Plate, Point, Shape, Text

__all__ = ["GraphPicture"]

SIZE, SMALL = 12.0, 11.5
LONG = 210.0  # the widest formula that is written in a node
FEW = 3  # values of an array that are shown
ACROSS = 5  # ranks that are laid out from left to right; more go from top to bottom
LINE = 18.0
TIP = 3.0

Array = Any


@dataclass(frozen=True)
class GraphPicture:
    """The shapes of a computation graph, left and upper edge near 0."""

    step: Computation
    write: Writer

    # --- what is said ------------------------------------------------------------------------

    def ref(self, symbol: Symbol) -> Ref:
        """A node as it is named: a single number as an element, an array as a whole."""
        element = self.step.element(symbol)
        return Ref(*element) if element else Ref(symbol)

    def said(self, name: str) -> list[tuple[Label, str]]:
        """The lines of a node, each with its role."""
        symbol = self.step.symbols[name]
        lines = [(self.heading(name), "ink"), (self.values(self.step.array(symbol)), "ink")]
        derived = self.step.gradient(symbol)
        if derived in self.step.page.values and symbol != self.step.page.problem.loss:
            array = self.step.array(derived)
            ref = self.ref(symbol)
            slope = self.write.name(Ref(derived, ref.indices))
            lines.append(((*slope, *self.values(array, sign=True)), "path"))
        return lines

    def heading(self, name: str) -> Label:
        """The formula of a node, or its name alone where the formula is long."""
        symbol = self.step.symbols[name]
        equation = self.step.equations.get(name)
        alone = self.write.name(self.ref(symbol))
        if equation is None:
            return alone
        formula = (*self.write.name(equation.lhs), Run(" = "), *self.write.formula(equation.rhs))
        return formula if width(formula, SIZE) <= LONG else alone

    def values(self, array: Array, *, sign: bool = False) -> Label:
        """A number; or the first numbers of an array, and its shape."""
        if array.size == 1:
            value = float(array.ravel()[0])
            return (Run(" "), *self.write.equal((), value)) if sign else self.write.number(value)
        first = [self.write.number(float(v)) for v in array.ravel()[:FEW]]
        more = plain(f"{self.write.comma}…") if array.size > FEW else ()
        shown = (*joined(first, self.write.comma), *more)
        return (Run(": "), *shown) if sign else (*shown, Run(f"  ({shape_text(array.shape)})"))

    # --- where it stands ---------------------------------------------------------------------

    @cached_property
    def sizes(self) -> dict[str, tuple[float, float]]:
        """Width and height of every node."""
        return {
            name: (
                max(width(label, SIZE) for label, _ in lines) + 22,
                LINE * len(lines) + 14,
            )
            for name, lines in ((name, self.said(name)) for name in self.step.symbols)
        }

    @cached_property
    def downwards(self) -> bool:
        """Whether the ranks go from top to bottom."""
        return max(self.placed_with(1).rank_of.values()) >= ACROSS

    def placed_with(self, side: int) -> Placed:
        """The graph with one side of its nodes, 0 width or 1 height, across the ranks."""
        sizes = {name: size[side] for name, size in self.sizes.items()}
        return arranged(list(self.step.symbols), self.step.edges, sizes, 26.0 if side else 34.0)

    @cached_property
    def placed(self) -> Placed:
        """Ranks and places across them."""
        return self.placed_with(0 if self.downwards else 1)

    @cached_property
    def depths(self) -> list[tuple[float, float]]:
        """For every rank its middle, and how deep its nodes are."""
        side = 1 if self.downwards else 0
        room = 52.0 if self.downwards else self.widest_label + 44
        made: list[tuple[float, float]] = []
        edge = 0.0
        for rank in self.placed.ranks:
            deep = max((self.sizes[s[0]][side] for s in rank if not s[1]), default=20.0)
            made.append((edge + deep / 2, deep))
            edge += deep + room
        return made

    @property
    def widest_label(self) -> float:
        """The widest thing said on an arrow."""
        said = (width(self.on_edge(edge)[0], SMALL) for edge in self.step.slopes)
        return max(said, default=16.0)

    def point(self, across: float, along: float) -> Point:
        """A place, by its coordinates across and along the ranks."""
        return (across, along) if self.downwards else (along, across)

    def plate(self, name: str) -> Plate:
        """The node in its place; all of a rank are equally deep."""
        rank = self.placed.rank_of[name]
        middle, deep = self.depths[rank]
        x, y = self.point(self.placed.across[name, "", rank], middle)
        wide, high = self.sizes[name]
        box = Box(x, y, wide, deep) if self.downwards else Box(x, y, deep, high)
        lit = " lit" if any(name in edge for edge in self.step.lit) else ""
        return Plate(box, f"{self.kind(name)}{lit}", name)

    def kind(self, name: str) -> str:
        """How a node is painted."""
        symbol = self.step.symbols[name]
        if symbol == self.step.page.problem.loss:
            return "loss"
        if name in self.step.equations:
            return "unit"
        return "parameter" if symbol in self.step.page.problem.parameters else "input"

    # --- drawing -----------------------------------------------------------------------------

    @cached_property
    def plates(self) -> dict[str, Plate]:
        """All nodes in their places."""
        return {name: self.plate(name) for name in self.step.symbols}

    def texts(self) -> Iterator[Text]:
        """What stands in the nodes."""
        for name, plate in self.plates.items():
            lines = self.said(name)
            top = plate.box.y - LINE * len(lines) / 2
            for n, (label, role) in enumerate(lines):
                y = top + LINE * n + LINE / 2 + 4
                yield Text(label, plate.box.x, y, SIZE if n < 2 else SMALL, role, owner=name)

    def port(self, name: str, edge: Edge, *, out: bool) -> Point:
        """Where an edge leaves or enters a node: those that enter share the side."""
        rank = self.placed.rank_of[name]
        middle, deep = self.depths[rank]
        across = self.placed.across[name, "", rank]
        if out:
            return self.point(across, middle + deep / 2 + 1)
        coming = sorted((e for e in self.step.edges if e[1] == name), key=self.last_across)
        side = self.sizes[name][0 if self.downwards else 1]
        share = (coming.index(edge) + 0.5) / len(coming) - 0.5
        room = min(side - 20, 28.0 * len(coming))
        return self.point(across + share * room, middle - deep / 2 - TIP)

    def last_across(self, edge: Edge) -> float:
        """Where an edge comes from, across the ranks, before it enters its end."""
        passed = self.placed.waypoints(edge)
        start: Spot = (edge[0], "", self.placed.rank_of[edge[0]])
        return self.placed.across[passed[-1] if passed else start]

    def route(self, edge: Edge) -> list[Point]:
        """The points an edge runs through: straight through every rank that it passes."""
        points = [self.port(edge[0], edge, out=True)]
        for spot in self.placed.waypoints(edge):
            middle, deep = self.depths[spot[2]]
            across = self.placed.across[spot]
            points += [self.point(across, middle - deep / 2), self.point(across, middle + deep / 2)]
        return [*points, self.port(edge[1], edge, out=False)]

    def on_edge(self, edge: Edge) -> list[Label]:
        """The local derivative, the fullest form first."""
        if edge not in self.step.slopes:
            return [()]
        lower, upper = (self.write.base(self.ref(self.step.symbols[name])) for name in edge)
        slope, value = self.write.partial(upper, lower), self.step.slopes[edge]
        return [self.write.equal(slope, value), self.write.number(value)]

    @cached_property
    def lines(self) -> dict[Edge, Line]:
        """The straightest piece of every edge, with what is to be said on it."""
        found: dict[Edge, Line] = {}
        for edge in self.step.edges:
            lit = edge in self.step.lit
            said = edge in self.step.slopes and (lit or not self.step.lit)
            longest = max(pairwise(self.route(edge)), key=lambda ends: math.dist(*ends))
            says = tuple(self.on_edge(edge)) if said else ()
            found[edge] = Line(*longest, says, "path" if lit else "muted", self.downwards)
        return found

    @cached_property
    def on_lines(self) -> dict[Edge, Text]:
        """The labels that find room."""
        labels = each_labelled(
            list(self.lines.values()), list(self.texts()), list(self.plates.values())
        )
        return {edge: labels[line] for edge, line in self.lines.items() if line in labels}

    @cached_property
    def notes(self) -> list[Label]:
        """The local derivatives that find no room, beneath the picture."""
        missing = [e for e, line in self.lines.items() if line.says and e not in self.on_lines]
        named = [self.full(edge) for edge in missing]
        return [(Run("Without room above:  "), *joined(named, ",   "))] if named else []

    def full(self, edge: Edge) -> Label:
        """A local derivative with the whole names of both ends."""
        lower, upper = (self.write.name(self.ref(self.step.symbols[name])) for name in edge)
        return self.write.equal(self.write.partial(upper, lower), self.step.slopes[edge])

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """Everything, from back to front."""
        arrows: list[Arrow] = []
        for edge in self.step.edges:
            lit = edge in self.step.lit
            role = "path" if lit else "rule" if self.step.lit else "edge"
            arrows.append(Arrow(tuple(self.route(edge)), role, 2.0 if lit else 1.3))
        return (*arrows, *self.plates.values(), *self.texts(), *self.on_lines.values())
