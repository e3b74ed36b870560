"""A step of a problem in, its picture out: a network of layers, or the graph of its equations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from handgrad.calculus.expr import Ref
from handgrad.errors import InputError
from handgrad.numbers.page import Page
from handgrad.render.document import Document, Picture
from handgrad.render.picture.composing import (
    TITLES,
    Frame,
    composed,
    meaning_of_graph,
    meaning_of_network,
)
from handgrad.render.picture.computation import Computation
from handgrad.render.picture.graph import GraphPicture
from handgrad.render.picture.labels import Label, Writer, plain
from handgrad.render.picture.layout import Net, network
from handgrad.render.picture.network import NetworkPicture
from handgrad.render.picture.raster import to_pdf, to_png
from handgrad.render.picture.sayings import Sayings
from handgrad.render.picture.scene import Scene
from handgrad.render.picture.svg import to_svg
from handgrad.render.picture.through import through

__all__ = ["VIEWS", "Diagram"]

VIEWS = tuple(TITLES)
WIDEST, HIGHEST = (
    1150,
    1300,
)  # on a page of paper; a picture twice as wide has letters half as large
MOST_PARTS = 40  # lines of a network, or equations of a graph: more are not worth placing


@dataclass(frozen=True)
class Diagram:
    """The picture of one step; shows itself in a notebook, and writes itself as SVG or PNG.

    ``row`` is the place of ``example`` among those the step uses.
    """

    page: Page
    view: str
    of: Ref | None = None
    example: int = 1
    row: int = 1
    step: int = 1

    def __post_init__(self) -> None:
        if self.view not in VIEWS:
            there = ", ".join(VIEWS)
            raise InputError(f"There is no view {self.view!r:.60}. There are {there}.")
        if self.view != "graph" and not self.page.problem.layered:
            raise InputError(
                f"The view {self.view} shows a network of layers, and this problem is written as "
                "equations. Its picture is the view graph."
            )

    @cached_property
    def document(self) -> Document:
        """Title, names and digits of the problem, as on its pages."""
        return Document.of(self.page.problem, ())

    @cached_property
    def write(self) -> Writer:
        """The problem's notation, without the index of the example: a picture shows one."""
        names = replace(self.document.names, alone=True)
        return Writer(names, self.document.digits)

    @cached_property
    def net(self) -> Net:
        """The units that are shown of a network of layers."""
        return network(self.page, self.row, self.of)

    @cached_property
    def scene(self) -> Scene:
        """What is drawn, and where; and the picture in words."""
        worked = through(self.page, self.of, self.row, self.write) if self.of else ()
        frame = Frame(self.document.title, self.view, tuple(self.shown()), tuple(worked))
        if self.view == "graph":
            graph = GraphPicture(Computation(self.page, self.of, self.row), self.write)
            return composed(frame, graph.shapes, (*graph.notes, *meaning_of_graph(graph)))
        picture = NetworkPicture(self.net, Sayings(self.net, self.view, self.of, self.write))
        return composed(frame, picture.shapes, (*picture.notes, *meaning_of_network(picture)))

    def shown(self) -> list[Label]:
        """What of the problem is shown: the quantity, the example, the step."""
        parts: list[Label] = []
        if self.of:
            parts.append((*plain("through "), *self.write.name(self.of)))
        if self.page.problem.examples > 1:
            parts.append(plain(f"example {self.example} of {self.page.problem.examples:,}"))
        if self.step > 1:
            parts.append(plain(f"step {self.step:,}"))
        return parts

    @property
    def readable(self) -> bool:
        """Whether its letters are large enough when it is as wide as a page of paper."""
        columns = self.net.columns if self.view != "graph" else ()
        lines = sum(len(a.units) * len(b.units) for a, b in pairwise(columns))
        parts = max(lines, len(self.page.derivation.equations) if self.view == "graph" else 0)
        return parts <= MOST_PARTS and self.scene.width <= WIDEST and self.scene.height <= HIGHEST

    def picture(self, theme: str = "auto") -> Picture:
        """The picture as a page takes it, with its words."""
        return Picture(self.to_svg(theme), self.description)

    def to_svg(self, theme: str = "auto") -> str:
        """SVG text; ``theme`` is light, dark, print, or auto: as the reader's device is set."""
        return to_svg(self.scene, theme)

    def to_png(self, width: int | None = None, theme: str = "light") -> bytes:
        """PNG of ``width`` pixels, or twice the size of the SVG. Needs the extra ``png``."""
        return to_png(self.scene, width, theme)

    def to_pdf(self, theme: str = "light") -> bytes:
        """PDF of one page, as large as the picture. Needs the extra ``pdf``."""
        return to_pdf(self.scene, theme)

    @property
    def description(self) -> str:
        """What is shown, in words."""
        return self.scene.description

    def _repr_svg_(self) -> str:
        return self.to_svg()
