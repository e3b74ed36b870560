"""How books call the units of a layer: by number, by letter and number, counted through the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from handgrad.calculus.expr import Ref, Symbol

__all__ = ["Layers", "tags"]

Tag = Callable[[int], str]


@dataclass(frozen=True)
class Layers:
    """How many units each layer has, the inputs first, and how many weights come before each."""

    widths: tuple[int, ...]

    @staticmethod
    def of(families: Mapping[Symbol, Sequence[Ref]]) -> Layers:
        """The layers of a layered problem, by the shapes of its weights."""
        shapes: dict[int, tuple[int, int]] = {}
        for symbol, refs in families.items():
            if symbol.base == "W" and symbol == symbol.plain and symbol.number:
                rows = max(int(str(ref.indices[0])) for ref in refs)
                shapes[symbol.number] = rows, max(int(str(ref.indices[1])) for ref in refs)
        ordered = [shapes[number] for number in sorted(shapes)]
        return Layers((ordered[0][1], *(rows for rows, _ in ordered)))

    @property
    def last(self) -> int:
        """The number of the output layer."""
        return len(self.widths) - 1

    def before(self, layer: int) -> int:
        """How many weights the layers before one have."""
        pairs = zip(self.widths, self.widths[1:], strict=False)
        return sum(i * j for i, j in [*pairs][: layer - 1])

    def after(self, layer: int) -> int:
        """How many weights the layers after one have: some count from the output backwards."""
        pairs = zip(self.widths, self.widths[1:], strict=False)
        return sum(i * j for i, j in [*pairs][layer:])


def tags(layer: int, shape: Layers, *, alone: bool = False) -> Iterator[tuple[Tag, str]]:
    """The subscript of a unit and the superscript of its layer, the usual ways first.

    ``alone`` is one quantity for the whole layer, such as a shared bias.
    """
    width, earlier = 1 if alone else shape.widths[layer], sum(shape.widths[:layer])
    letters = _letters(layer, shape)
    above = ["", str(layer), *([str(layer + 1)] if layer < shape.last else []), *letters]
    for sup in above:
        yield str, sup
        if width == 1:
            yield (lambda _: ""), sup
    if layer:
        yield (lambda _: str(layer)), ""
        yield (lambda j: f"{layer},{j}"), ""
        yield (lambda j: f"{j},{layer}"), ""
    for letter in letters:
        yield (lambda j, letter=letter: f"{letter}{j}"), ""
        if width == 1:
            yield (lambda _, letter=letter: letter), ""
    yield (lambda j: str(earlier + j)), ""
    yield (lambda j: str(earlier - shape.widths[0] + j)), ""


def _letters(layer: int, shape: Layers) -> Sequence[str]:
    if layer == 0:
        return ("i", "x", "in")
    if layer == shape.last:
        return ("o", "y", "out", "output")
    if shape.last == 2:
        return ("h", "hidden", "z", "a")
    return (f"h{layer}", f"h{layer},", "h")
