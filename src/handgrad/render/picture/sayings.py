"""What a picture of a network says of each weight, bias and unit, in the view that is asked for.

``forward``: the values; ``backward``: δ and ∂L/∂W, or the local derivatives along the paths of one
quantity; ``update``: old → new. Each comes in full first, then shorter, for where there is less room.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from handgrad.calculus.expr import Along, Call, Ref, Symbol
from handgrad.numbers.page import graph_of
from handgrad.numbers.paths import Element
from handgrad.render.picture.labels import Label, Run, Writer, plain
from handgrad.render.picture.layout import Net

__all__ = ["Edge", "Sayings"]

Edge = tuple[int, int, int]  # layer, unit, unit before


@dataclass(frozen=True)
class Sayings:
    """The labels of one network in one view; ``of`` is the quantity whose paths are lit."""

    net: Net
    view: str
    of: Ref | None
    write: Writer

    @cached_property
    def loss(self) -> Element:
        """The loss, at the end of every path."""
        return self.net.page.problem.loss, ()

    @cached_property
    def lit(self) -> dict[tuple[Element, Element], float]:
        """The edges on the paths of ``of``, each with its local derivative."""
        return self.net.lit(graph_of(self.net.page), self.of) if self.of else {}

    @cached_property
    def on_path(self) -> set[Element]:
        """Everything a path runs through."""
        return {element for edge in self.lit for element in edge}

    @property
    def mixed(self) -> bool:
        """Whether a path runs from the weighted sum of one unit to the output of another."""
        return any(
            (up[0].base, low[0].base) == ("a", "z") and up[1] != low[1] for up, low in self.lit
        )

    @property
    def along_paths(self) -> bool:
        """Whether only the paths of one quantity are written on."""
        return self.view == "backward" and self.of is not None

    def name(self, element: Element) -> Label:
        """The name of an element."""
        return self.write.name(Ref(*element))

    def gradient(self, element: Element) -> float | None:
        """The derivative of the loss by an element, where it is derived."""
        symbol = element[0].gradient(self.net.page.problem.loss)
        return self.net.value((symbol, element[1])) if symbol in self.net.page.values else None

    def updated(self, element: Element) -> Label | None:
        """Old → new."""
        if element[0].updated not in self.net.page.values:
            return None
        new = self.net.value((element[0].updated, element[1]))
        return (*self.write.number(self.net.value(element)), Run(" → "), *self.write.number(new))

    def factor(self, upper: Element, lower: Element, *extra: Label) -> list[Label]:
        """∂z/∂a = W = 0.45 and shorter; nothing where the edge is not on a path."""
        if (upper, lower) not in self.lit:
            return []
        bases = (self.write.base(Ref(*e)) for e in (upper, lower))
        slope, value = self.write.partial(*bases), self.lit[upper, lower]
        said = [self.write.equal((*slope, Run(" = "), *more), value) for more in extra]
        return [*said, self.write.equal(slope, value), self.write.number(value)]

    def of_parameter(self, element: Element) -> list[Label]:
        """What a view says of a weight or bias, the fullest form first."""
        name, short = self.name(element), self.write.number(self.net.value(element))
        if self.view == "forward":
            return [self.write.equal(name, self.net.value(element)), short]
        if self.view == "update":
            change = self.updated(element)
            return [(*name, Run(": "), *change), change] if change else [short]
        slope = self.gradient(element)
        if slope is None or self.of is not None:
            return []
        lower = self.write.name(Ref(element[0].gradient(self.net.page.problem.loss), element[1]))
        return [self.write.equal(lower, slope), self.write.number(slope)]

    def of_weight(self, edge: Edge) -> list[Label]:
        """What is said of a weight: its value, or the local derivative on its path."""
        layer, unit, before = edge
        weight, total = self.net.weight(*edge), self.net.total(layer, unit)
        if self.along_paths:
            through = self.net.output(layer - 1, before)
            along = self.factor(total, weight, self.name(through))
            return along or self.factor(total, through, self.name(weight))
        return self.of_parameter(weight)

    def of_bias(self, layer: int, unit: int) -> list[Label]:
        """What is said of a bias."""
        bias = self.net.bias(layer, unit)
        if bias is None:
            return []
        if self.along_paths:
            return self.factor(self.net.total(layer, unit), bias)[:1]
        return self.of_parameter(bias)

    def inside(self, layer: int, unit: int) -> list[Label]:
        """Name and value in the disc of a unit."""
        output = self.net.output(layer, unit)
        delta = Ref(replace(Symbol("z", layer), state="δ"), output[1])
        if layer and self.view == "backward" and self.of is None:
            slope = self.gradient(self.net.total(layer, unit))
            return [
                self.write.name(delta),
                plain("–") if slope is None else self.write.number(slope),
            ]
        return [self.name(output), self.write.number(self.net.value(output))]

    def beneath(self, layer: int, unit: int) -> list[Label]:
        """What stands under a unit."""
        total, output = self.net.total(layer, unit), self.net.output(layer, unit)
        if self.view == "forward":
            return [self.write.equal(self.name(total), self.net.value(total))]
        if self.view == "update":
            return []
        if self.of is not None:
            return self.factor(output, total)[:1]
        return [self.write.equal(self.name(output), self.net.value(output))]

    def heading(self, layer: int) -> str:
        """What a column is, as it stands above it."""
        return f"layer {layer}" if layer else "input"

    def activation(self, layer: int) -> str:
        """The name of a layer's activation; none for the inputs."""
        if not layer:
            return ""
        match self.net.page.derivation.defining(Symbol("a", layer)).rhs:
            case Call(function) | Along(function):
                return function.replace("_", " ")
            case Ref():
                return "identity"
            case _:
                return "own formula"

    def is_lit(self, edge: Edge) -> bool:
        """Whether a path runs along the line of a weight."""
        layer, unit, before = edge
        total, weight = self.net.total(layer, unit), self.net.weight(*edge)
        below = self.net.output(layer - 1, before)
        return (total, weight) in self.lit or (total, below) in self.lit

    def to_loss(self, unit: int) -> list[Label]:
        """The derivative of the loss by an output, on a path."""
        last = self.net.layers
        if self.view != "backward" or self.of is None:
            return []
        ends = (self.net.output(last, unit), self.net.total(last, unit))
        found = [self.factor(self.loss, end) for end in ends]
        return found[0] or found[1]
