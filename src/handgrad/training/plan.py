"""A record of array operations in, calls of NumPy on arrays allocated once out.

Which routine serves a contraction is decided here, once, not at each update. The new value of a
parameter is written over the old one where nothing reads the old one any more.
"""

# NumPy says nothing of the type of a result where an argument is any float array or scalar.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from handgrad.calculus.expr import Symbol
from handgrad.numbers.kernels import NUMPY
from handgrad.training.graph import Node, reachable
from handgrad.training.task import Stage

__all__ = ["Plan"]

Array = Any
Call = Callable[[], Any]
FAMILY = ("log_softmax", "softmax", "softmax_rest")
VIEWS = ("given", "transpose", "index", "broadcast")
UFUNCS: Mapping[str, Any] = {
    "add": np.add,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "exp": np.exp,
}


def _sigmoid(z: Array, out: Array, *, sign: int = -1) -> None:
    """1/(1 + e^(sign·z)): σ(z) for −1, σ(−z) for 1."""
    np.negative(z, out=out) if sign < 0 else np.copyto(out, z)
    np.exp(out, out=out)
    out += 1
    np.reciprocal(out, out=out)


class _Exponentials:
    """The softmax family of one array along its last axis, the exponentials worked out once.

    The largest of a row is kept apart from the others, so that nothing cancels.
    """

    def __init__(self, z: Array) -> None:
        self.z, self.less, self.others = z, np.empty_like(z), np.empty_like(z)
        self.top = np.empty(z.shape, bool)
        self.columns = np.moveaxis(z, -1, 0)
        self.ones = np.ones(z.shape[-1], z.dtype)
        self.begun = False

    def call(self, function: str, out: Array) -> Call:
        """The call that writes a function of ``z``; the first to run works out what all need."""
        into = partial(getattr(self, function), out)
        if self.begun:
            return into
        self.begun = True

        def both() -> None:
            self.fill()
            into()

        return both

    def fill(self) -> None:
        """Work out what all of them need."""
        # Along the first axis of a copy this is three times as fast as along the last.
        highest = np.maximum.reduce(self.columns.copy())[..., None]
        np.equal(self.z, highest, self.top)
        np.subtract(self.z, highest, self.less)
        np.exp(self.less, self.others)
        np.copyto(self.others, 0, where=self.top)
        self.rest = np.dot(self.others, self.ones)[..., None]
        self.many = np.dot(self.top, self.ones)[..., None]
        self.total = self.many + self.rest

    def softmax(self, out: Array) -> None:
        """The exponentials as parts of their sum."""
        np.add(self.others, self.top, out)
        out /= self.total

    def log_softmax(self, out: Array) -> None:
        """The logarithm of softmax."""
        np.subtract(self.less, np.log1p(self.rest + (self.many - 1)), out)

    def softmax_rest(self, out: Array) -> None:
        """1 − softmax."""
        np.add(self.others, self.top, out)
        np.subtract(self.many, out, out)
        out += self.rest
        out /= self.total


INTO: Mapping[str, Callable[..., None]] = {  # (arguments…, out)
    "relu": lambda z, out: np.maximum(z, 0, out=out),
    "sigmoid": _sigmoid,
    "sigmoid_rest": partial(_sigmoid, sign=1),
    "step": lambda z, out: np.greater(z, 0, out=out),
}


class Plan:
    """The calls of one batch over fixed arrays.

    ``given`` are the arrays of the givens; those of the state are written over. ``before`` leads
    up to ``loss`` and touches no state, ``after`` is the update.
    """

    def __init__(
        self, stage: Stage, given: Mapping[Symbol, Array], state: Sequence[Symbol]
    ) -> None:
        self.given = given
        self.nodes = reachable(stage.loss.graph, stage.outputs)
        dtype = next((v.dtype for v in given.values()), np.dtype(float))
        self.dtype = dtype
        self.arrays: dict[int, Array] = {}
        self.exponentials: dict[int, _Exponentials] = {}
        kept = dict(zip(map(id, stage.updated), state, strict=True))
        over = {i: given[s] for i, s in kept.items() if self._free(i, s)}
        self.before: list[Call] = []
        self.after: list[Call] = []
        for node in self.nodes:
            calls = self.after if self.after or id(node) in over else self.before
            call = self._place(node, over.get(id(node)))
            if call:
                calls.append(call)
        for node, symbol in zip(stage.updated, state, strict=True):
            if id(node) not in over:
                self.after.append(partial(np.copyto, given[symbol], self.arrays[id(node)]))
        self.loss = self.arrays[id(stage.loss)]

    def _free(self, new: int, symbol: Symbol) -> bool:
        """Whether nothing recorded after the new value reads the old one, which may go then."""
        places = {id(node): n for n, node in enumerate(self.nodes)}
        node = self.nodes[places[new]]
        old = {id(n) for n in self.nodes if n.operation == "given" and n.detail == symbol}
        for each in self.nodes:
            if each.operation in VIEWS and any(id(i) in old for i in each.inputs):
                old.add(id(each))
        late = self.nodes[places[new] + 1 :]
        plain = node.operation == "elementwise" and node.detail in UFUNCS
        return plain and not any(id(i) in old for each in late for i in each.inputs)

    def _place(self, node: Node, out: Array | None) -> Call | None:
        """Give a node its array; the call that fills it, if it takes one."""
        inputs = [self.arrays[id(each)] for each in node.inputs]
        if node.operation in (*VIEWS, "number", "constant"):
            self.arrays[id(node)] = self._view(node, inputs)
            return None
        if out is None:
            out = np.empty(node.shape, self.dtype)
        self.arrays[id(node)] = out
        if node.operation == "along" and node.detail in FAMILY:
            (source,) = node.inputs
            if id(source) not in self.exponentials:
                self.exponentials[id(source)] = _Exponentials(inputs[0])
            return self.exponentials[id(source)].call(node.detail, out)
        return _call(node, inputs, out)

    def _view(self, node: Node, inputs: list[Array]) -> Array:
        match node.operation:
            case "given":
                return self.given[node.detail]
            case "number":
                return np.asarray(node.detail, self.dtype)
            case "constant":
                return np.asarray(node.detail.array, self.dtype)
            case "transpose":
                return inputs[0].transpose(node.detail)
            case "index":
                return inputs[0][node.detail.key]
            case _:
                return np.broadcast_to(inputs[0], node.detail)


def _call(node: Node, inputs: list[Array], out: Array) -> Call:
    name = node.detail
    match node.operation:
        case "elementwise" if name in UFUNCS:
            return partial(UFUNCS[name], *inputs, out)
        case "elementwise" | "along" if name in INTO:
            return partial(INTO[name], *inputs, out)
        case "elementwise":
            return partial(_into, NUMPY.elementwise[name], *inputs, out)
        case "along":
            return partial(_into, NUMPY.along[name], *inputs, out)
        case "sum":
            return partial(np.add.reduce, inputs[0], name, None, out)
        case _:
            return _contraction(node, inputs, out)


def _into(kernel: Callable[..., Array], *arguments: Array) -> None:
    *inputs, out = arguments
    out[...] = kernel(*inputs)


def _contraction(node: Node, inputs: list[Array], out: Array) -> Call:
    """A matrix product where it is one, else NumPy's einsum along the best path."""
    letters, outcome = node.detail
    if len(inputs) == 2:
        (a, b), (left, right) = inputs, letters
        shared = set(left) & set(right) - set(outcome)
        if len(left) == len(right) == 2 and len(shared) == 1 and len(outcome) == 2:
            (k,) = shared
            a, b = (a if left[1] == k else a.T), (b if right[0] == k else b.T)
            rows = left[0] if left[1] == k else left[1]
            pair = (a, b) if outcome[0] == rows else (b.T, a.T)
            return partial(np.matmul, *pair, out)
        if not outcome and left == right and a.flags.c_contiguous and b.flags.c_contiguous:
            return partial(np.dot, a.reshape(-1), b.reshape(-1), out)
    operands = [part for pair in zip(inputs, map(list, letters), strict=True) for part in pair]
    path = np.einsum_path(*operands, list(outcome), optimize="optimal")[0]
    return partial(np.einsum, *operands, list(outcome), out=out, optimize=path)
