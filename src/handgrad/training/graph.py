"""Equations and the shapes of their givens in, the list of array operations of one update out.

The walk that evaluates equations runs once, over stand-ins that record what is done to them; an
engine then carries the record out as often as it likes. What two equations both compute (σ(z) in
the activation and in its slope) is one node.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import numpy as np

from handgrad.calculus.derivation import Equation
from handgrad.calculus.expr import Symbol
from handgrad.numbers.evaluate import followed
from handgrad.numbers.kernels import NUMPY, Library

__all__ = ["Graph", "Node", "graph_of", "reachable", "work"]

Array = Any
Shape = tuple[int, ...]
ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "add": lambda a, b: a + b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b if b else math.copysign(math.inf, a) if a else math.nan,
}
RESTS = {"sigmoid": "sigmoid_rest"}
"""Functions of −z that an engine has under a name of their own: σ(−z) = 1 − σ(z), no digit lost."""


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """The outcome of one array operation; ``detail`` says what else it takes (axes, letters, a name)."""

    graph: Graph = field(repr=False)
    operation: str
    inputs: tuple[Node, ...]
    detail: Any
    shape: Shape

    __array_ufunc__ = None  # NumPy's arrays leave arithmetic with a node to the node

    def __add__(self, other: Any) -> Node:
        return self.graph.elementwise("add", self, other)

    def __radd__(self, other: Any) -> Node:
        return self.graph.elementwise("add", other, self)

    def __mul__(self, other: Any) -> Node:
        return self.graph.elementwise("multiply", self, other)

    def __rmul__(self, other: Any) -> Node:
        return self.graph.elementwise("multiply", other, self)

    def transpose(self, order: Sequence[int]) -> Node:
        """The axes in another order."""
        order = tuple(order)
        if not self.shape or order == tuple(range(len(self.shape))):
            return self
        return self.graph.transposed(self, order)

    def __getitem__(self, places: Any) -> Node:
        key = cast("tuple[Any, ...]", places if isinstance(places, tuple) else (places,))
        if len(key) == len(self.shape) and all(place == slice(None) for place in key):
            return self
        shape = np.broadcast_to(np.empty(()), self.shape)[key].shape
        return self.graph.node("index", (self,), _Places(key), shape)


@dataclass(frozen=True)
class _Places:
    """What stands between brackets, as something that has a hash."""

    key: tuple[Any, ...]

    def __hash__(self) -> int:
        return hash(str(self.key))


class Graph:
    """Nodes in the order they were recorded, each operation on the same inputs once."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._known: dict[Any, Node] = {}

    def node(self, operation: str, inputs: tuple[Node, ...], detail: Any, shape: Shape) -> Node:
        """The node of an operation, recorded unless it is known."""
        key = (operation, tuple(map(id, inputs)), detail)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Node(self, operation, inputs, detail, shape)
            self.nodes.append(found)
        return found

    def given(self, symbol: Symbol, shape: Shape) -> Node:
        """What stands for a given quantity."""
        return self.node("given", (), symbol, shape)

    def lift(self, value: Any) -> Node:
        """A node for a number or an array of numbers, or the node itself."""
        if isinstance(value, Node):
            return value
        array = np.asarray(value)
        if array.ndim == 0:
            return self.node("number", (), array.item(), ())
        return self.node("constant", (), _Constant(array), array.shape)

    def elementwise(self, function: str, *arguments: Any) -> Node:
        """A function of arrays that broadcast against each other."""
        inputs = tuple(map(self.lift, arguments))
        if function in ARITHMETIC and all(node.operation == "number" for node in inputs):
            return self.lift(ARITHMETIC[function](*(node.detail for node in inputs)))
        if function == "multiply":
            for one, other in (inputs, inputs[::-1]):
                if one.operation == "number" and one.detail == 1:
                    return other
        shape = np.broadcast_shapes(*(node.shape for node in inputs))
        if function in RESTS and (positive := _opposite(inputs[0])) is not None:
            return self.node("elementwise", (positive,), RESTS[function], shape)
        return self.node("elementwise", inputs, function, shape)

    def transposed(self, node: Node, order: tuple[int, ...]) -> Node:
        """Axes in another order, asked of the inputs where that spares the moving of numbers."""
        shape = tuple(node.shape[axis] for axis in order)
        match node.operation:
            case "elementwise":
                inputs = (self._padded(each, len(order)).transpose(order) for each in node.inputs)
                return self.node("elementwise", tuple(inputs), node.detail, shape)
            case "contract":
                letters, outcome = node.detail
                turned = tuple(outcome[axis] for axis in order)
                return self.node("contract", node.inputs, (letters, turned), shape)
            case "index" if all(p is None or p == slice(None) for p in node.detail.key):
                key = node.detail.key
                turned = tuple(key[axis] for axis in order)
                before = [axis for axis in range(len(key)) if key[axis] is not None]
                inner = [before.index(axis) for axis in order if key[axis] is not None]
                return node.inputs[0].transpose(inner)[turned]
            case _:
                return self.node("transpose", (node,), order, shape)

    def _padded(self, node: Node, axes: int) -> Node:
        """With as many axes as the node it broadcasts against; a single number stays one."""
        missing = axes - len(node.shape)
        if not node.shape:
            return node
        return node[(None,) * missing + (slice(None),) * len(node.shape)] if missing else node

    def along(self, function: str, value: Any) -> Node:
        """A function along the last axis."""
        node, reduces = self.lift(value), function in ("max", "logsumexp")
        return self.node("along", (node,), function, node.shape[:-1] if reduces else node.shape)

    @property
    def library(self) -> Library:
        """The array library whose functions record."""
        functions = {name: partial(self.elementwise, name) for name in NUMPY.elementwise}
        along = {name: partial(self.along, name) for name in NUMPY.along}
        return Library(_Recorder(self), functions, along)


@dataclass(frozen=True, eq=False)
class _Constant:
    array: Array


def _opposite(node: Node) -> Node | None:
    """What the node is −1 times of."""
    if node.operation == "elementwise" and node.detail == "multiply":
        left, right = node.inputs
        if left.operation == "number" and left.detail == -1:
            return right
    return None


@dataclass(frozen=True)
class _Recorder:
    """The few functions of NumPy that the walk over an expression asks for."""

    graph: Graph

    def divide(self, a: Any, b: Any) -> Any:
        if not isinstance(a, Node) and not isinstance(b, Node):
            return np.divide(a, b)
        return self.graph.elementwise("divide", a, b)

    def power(self, a: Any, b: Any) -> Any:
        if not isinstance(a, Node) and not isinstance(b, Node):
            return np.power(a, b)
        return self.graph.elementwise("power", a, b)

    def sqrt(self, a: Any) -> Any:
        return self.graph.elementwise("sqrt", a) if isinstance(a, Node) else np.sqrt(a)

    def asarray(self, a: Any) -> Node:
        return self.graph.lift(a)

    def repeat(self, a: Node, count: int, axis: int) -> Node:
        assert axis == -1, "the walk repeats along the last axis"
        return self.broadcast_to(a, (*a.shape[:-1], count))

    def broadcast_to(self, a: Any, shape: Shape) -> Node:
        node = self.graph.lift(a)
        same = node.shape == tuple(shape)
        return node if same else self.graph.node("broadcast", (node,), tuple(shape), tuple(shape))

    def sum(self, a: Any, axis: tuple[int, ...]) -> Node:
        node = self.graph.lift(a)
        kept = tuple(n for place, n in enumerate(node.shape) if place not in axis)
        return self.graph.node("sum", (node,), axis, kept)

    def einsum(self, *operands: Any, optimize: bool = False) -> Node:  # noqa: ARG002 (NumPy's)
        *pairs, outcome = operands
        nodes = tuple(self.graph.lift(array) for array in pairs[::2])
        letters: tuple[tuple[int, ...], ...] = tuple(map(tuple, pairs[1::2]))
        lengths = {
            n: s
            for node, own in zip(nodes, letters, strict=True)
            for n, s in zip(own, node.shape, strict=True)
        }
        shape = tuple(lengths[letter] for letter in outcome)
        return self.graph.node("contract", nodes, (letters, tuple(outcome)), shape)


def graph_of(
    equations: Sequence[Equation],
    shapes: Mapping[Symbol, Shape],
    fixed: Mapping[Symbol, float],
    wanted: Callable[[Symbol], bool],
) -> tuple[Graph, dict[Symbol, Node]]:
    """The record of some equations, and the nodes of the quantities wanted.

    ``shapes`` are those of the givens, ``fixed`` the givens that are plain numbers.
    """
    graph = Graph()
    known: dict[Symbol, Any] = {s: graph.given(s, shape) for s, shape in shapes.items()}
    known |= {s: graph.lift(value) for s, value in fixed.items()}
    found = followed(equations, known, graph.library)
    return graph, {s: graph.lift(node) for s, node in found.items() if wanted(s)}


def reachable(graph: Graph, outputs: Sequence[Node]) -> list[Node]:
    """The nodes the outputs need, in the order of the record."""
    needed, waiting = set[int](), [*outputs]
    while waiting:
        node = waiting.pop()
        if id(node) not in needed:
            needed.add(id(node))
            waiting += node.inputs
    return [node for node in graph.nodes if id(node) in needed]


def work(node: Node) -> int:
    """The multiply-adds of a contraction."""
    letters, _ = node.detail
    lengths = {
        n: s
        for each, own in zip(node.inputs, letters, strict=True)
        for n, s in zip(own, each.shape, strict=True)
    }
    return math.prod(lengths.values())
