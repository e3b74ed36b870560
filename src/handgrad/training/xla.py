"""A record of array operations in, JAX's arrays out, or what stands for them while it traces.

Each contraction is lowered as suits its size: a small one as products added up, which XLA fuses
into its surroundings, a large one as a matrix product. In a program that is small throughout XLA would
fuse too much: what several sums take it works out again for each number of each; that is kept apart.
With ``lanes`` every array has one more axis, its last, of length 1 or one place for each of several
networks, and nothing goes from one to another.
"""

# JAX is an extra: it is imported where it is asked for, and its types are not known before.
# pyright: reportMissingImports=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false, reportUnknownParameterType=false
from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial, reduce
from itertools import product
from operator import add
from typing import Any

from handgrad.calculus.expr import Symbol
from handgrad.numbers.evaluate import kernel_of
from handgrad.numbers.jax_kernels import jax_library
from handgrad.training.graph import Node, reachable, work

__all__ = ["SMALL", "emitted"]

Array = Any
SMALL = 1 << 12
"""Multiply-adds of a contraction up to which products added up beat a matrix product."""
MOST_TERMS = 16
"""Terms of a sum up to which they are written out one by one: a loop of vectors is left."""

REPEATED = ("multiply", "relu")
"""Functions so quick that XLA works them out anew wherever they are taken, with the sums they take."""


@cache
def _kernels(shared: bool) -> Mapping[str, Callable[..., Array]]:
    """Functions in the form that is fastest in a program; the digits of a slope are kept.

    With ``shared`` σ and 1 − σ go by one exponential: quicker in a small program, but for a single
    number, where two exponentials are worked out side by side.
    """
    import jax
    import jax.numpy as jnp

    def exponential(z: Array) -> Array:
        """e^(−z), always finite."""
        largest = math.floor(math.log(float(jnp.finfo(z.dtype).max))) - 1
        return jnp.exp(-jnp.maximum(z, -largest))

    def sigmoid(z: Array) -> Array:
        return 1 / (1 + exponential(z))

    def sigmoid_rest(z: Array) -> Array:
        return exponential(z) * sigmoid(z)

    return {
        "add": jnp.add,
        "multiply": jnp.multiply,
        "divide": jnp.divide,
        "power": jnp.power,
        "sqrt": jnp.sqrt,
        "relu": lambda z: jnp.maximum(z, 0),
        "sigmoid": sigmoid if shared else jax.lax.logistic,
        "sigmoid_rest": sigmoid_rest if shared else lambda z: jax.lax.logistic(-z),
        "step": lambda z: (z > 0).astype(z.dtype),
        "tanh": jnp.tanh,
    }


@cache
def _along() -> Mapping[str, Callable[[Array], Array]]:
    import jax.numpy as jnp

    def largest(z: Array) -> Array:
        return z == jnp.max(z, axis=-1, keepdims=True)

    def hardmax(z: Array) -> Array:
        top = largest(z).astype(z.dtype)
        return top / jnp.sum(top, axis=-1, keepdims=True)

    def exponentials(z: Array) -> tuple[Array, Array, Array]:
        """The argument less its largest, their exponentials, and the sum of those."""
        less = z - jnp.max(z, axis=-1, keepdims=True)
        e = jnp.exp(less)
        return less, e, jnp.sum(e, axis=-1, keepdims=True)

    def softmax(z: Array) -> Array:
        _, e, total = exponentials(z)
        return e / total

    def log_softmax(z: Array) -> Array:
        less, _, total = exponentials(z)
        return less - jnp.log(total)

    def softmax_rest(z: Array) -> Array:
        """1 − softmax; the sum of all but a single largest, so that nothing cancels."""
        _, e, total = exponentials(z)
        top = largest(z)
        others = jnp.sum(jnp.where(top, 0, e), axis=-1, keepdims=True)
        alone = top & (total - others < 1.5)
        return jnp.where(alone, others, total - e) / total

    own = {"hardmax": hardmax, "log_softmax": log_softmax, "softmax": softmax}
    return {**jax_library().along, **own, "softmax_rest": softmax_rest}


def emitted(
    outputs: Sequence[Node],
    given: Mapping[Symbol, Array],
    dtype: str,
    *,
    small: bool,
    lanes: bool = False,
) -> list[Array]:
    """The outputs of a record, by JAX's arrays or what stands for them while a program is traced."""
    import jax

    nodes = reachable(outputs[0].graph, outputs)
    apart = _taken_often(nodes) if small and not lanes else frozenset()
    value = partial(_value_in_lanes if lanes else _value, given=given, dtype=dtype, small=small)
    known: dict[int, Array] = {}
    for node in nodes:
        inputs = [known[id(each)] for each in node.inputs]
        work_out = partial(value, node)
        known[id(node)] = jax.jit(work_out)(inputs) if id(node) in apart else work_out(inputs)
    return [known[id(node)] for node in outputs]


def _taken_often(nodes: Sequence[Node]) -> frozenset[int]:
    """What several sums take, such as the δ of a layer: each becomes a call of its own.

    XLA itself keeps an exponential or a quotient, and what is a single number is quick to repeat.
    """
    taken = Counter(
        id(each) for node in nodes if node.operation in ("contract", "sum") for each in node.inputs
    )
    repeated = (n for n in nodes if n.operation == "elementwise" and n.detail in REPEATED)
    return frozenset(id(n) for n in repeated if taken[id(n)] > 1 and math.prod(n.shape) > 1)


def _value_in_lanes(
    node: Node, inputs: list[Array], given: Mapping[Symbol, Array], dtype: str, small: bool
) -> Array:
    import jax
    import jax.numpy as jnp

    if node.operation not in ("number", "elementwise"):
        inputs = [x if hasattr(x, "dtype") else jnp.full(1, x, dtype) for x in inputs]
    match node.operation:
        case "constant":
            return jnp.asarray(node.detail.array, dtype)[..., None]
        case "along":
            return jax.vmap(_along()[node.detail], -1, -1)(inputs[0])
        case "contract":
            return _contracted_in_lanes(node, inputs, small)
        case "transpose":
            return jnp.transpose(inputs[0], (*node.detail, len(node.detail)))
        case "broadcast":
            return jnp.broadcast_to(inputs[0], (*node.detail, inputs[0].shape[-1]))
        case _:
            return _value(node, inputs, given, dtype, small)


def _value(
    node: Node, inputs: list[Array], given: Mapping[Symbol, Array], dtype: str, small: bool
) -> Array:
    import jax.numpy as jnp

    match node.operation:
        case "given":
            return given[node.detail]
        case "number":
            return node.detail
        case "constant":
            return jnp.asarray(node.detail.array, dtype)
        case "elementwise":
            own = _kernels(small and math.prod(node.shape) > 1).get(node.detail)
            kernel = own or kernel_of(node.detail, jax_library())
            return jnp.asarray(kernel(*_arrays(inputs, dtype, own is None)), dtype)
        case "along":
            return _along()[node.detail](inputs[0])
        case "sum":
            return jnp.sum(inputs[0], axis=node.detail)
        case "contract":
            return _contracted(node, inputs, dtype, small)
        case "transpose":
            return jnp.transpose(inputs[0], node.detail)
        case "index":
            return inputs[0][node.detail.key]
        case _:
            return jnp.broadcast_to(jnp.asarray(inputs[0], dtype), node.detail)


def _arrays(inputs: list[Array], dtype: str, every: bool) -> list[Array]:
    """The inputs, at least one of them an array: two plain numbers would be no part of a program."""
    import jax.numpy as jnp

    if every or not any(hasattr(each, "dtype") for each in inputs):
        return [jnp.asarray(each, dtype) for each in inputs]
    return inputs


def _contracted(node: Node, inputs: list[Array], dtype: str, small: bool) -> Array:
    import jax.numpy as jnp

    letters, outcome = node.detail
    inputs = [jnp.asarray(each, dtype) for each in inputs]
    if _as_products(node, small):
        return _added_up(inputs, letters, outcome, small)
    operands = [part for pair in zip(inputs, map(list, letters), strict=True) for part in pair]
    return jnp.einsum(*operands, list(outcome))


def _contracted_in_lanes(node: Node, inputs: list[Array], small: bool) -> Array:
    import jax

    letters, outcome = node.detail
    if _as_products(node, small):
        lane = 1 + max((n for own in letters for n in own), default=0)
        return _added_up(inputs, [(*own, lane) for own in letters], (*outcome, lane), small)
    axes = [-1 if each.shape[-1] > 1 else None for each in inputs]
    alone = [each if axis else each[..., 0] for each, axis in zip(inputs, axes, strict=True)]
    one = partial(_contracted, node, dtype=str(inputs[0].dtype), small=small)
    if not any(axes):
        return one(alone)[..., None]
    return jax.vmap(lambda *each: one([*each]), axes, -1)(*alone)


def _as_products(node: Node, small: bool) -> bool:
    """Whether products added up beat a matrix product."""
    plain = all(len(set(own)) == len(own) for own in node.detail[0])
    return plain and (small or work(node) < SMALL)


def _added_up(
    inputs: Sequence[Array],
    letters: Sequence[Sequence[int]],
    outcome: Sequence[int],
    small: bool,
) -> Array:
    import jax.numpy as jnp

    pairs = [*zip(inputs, letters, strict=True)]
    lengths = {n: s for each, own in pairs for n, s in zip(own, each.shape, strict=True)}
    summed = sorted(lengths.keys() - {*outcome})
    side_by_side = small and any(own[-1:] == outcome[-1:] != () for own in letters)
    if side_by_side and math.prod(lengths[n] for n in summed) <= MOST_TERMS:
        places = product(*(range(lengths[n]) for n in summed))
        return reduce(
            add, (_term(pairs, outcome, dict(zip(summed, at, strict=True))) for at in places)
        )
    order = [*outcome, *summed]
    aligned = [_aligned(each, own, order) for each, own in pairs]
    total = math.prod(aligned[1:], start=aligned[0])
    return jnp.sum(total, axis=tuple(range(len(outcome), len(order))))


def _term(
    pairs: Sequence[tuple[Array, Sequence[int]]], outcome: Sequence[int], place: Mapping[int, int]
) -> Array:
    """The product of the inputs at one place of the axes that are summed over."""
    parts = [
        _aligned(
            each[tuple(place.get(n, slice(None)) for n in own)],
            [n for n in own if n not in place],
            outcome,
        )
        for each, own in pairs
    ]
    return math.prod(parts[1:], start=parts[0])


def _aligned(array: Array, letters: Sequence[int], order: Sequence[int]) -> Array:
    turned = array.transpose([letters.index(n) for n in order if n in letters])
    return turned[tuple(slice(None) if n in letters else None for n in order)]
