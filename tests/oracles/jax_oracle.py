"""Forward equations in, JAX's gradient out.

A small walk of its own over the expression tree: every value is an array with one axis for each
index in scope (of length 1 where it does not vary), so that nothing is named, matched or contracted
as ``handgrad.numbers.evaluate`` does it. Only the forward equations are read.

XLA takes about a second to compile a random problem and a microsecond to run it. So JAX
differentiates, and the program it arrives at (its jaxpr) is run by NumPy, a line for each primitive.
``compiled`` asks XLA to run it; the tests do both for some problems.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from handgrad.calculus.derivation import Equation
from handgrad.calculus.expr import (
    Along,
    Call,
    Delta,
    Expr,
    Forms,
    Index,
    Num,
    Position,
    Power,
    Product,
    Ref,
    Sigma,
    Sum,
    Symbol,
)

Array = Any


def gradients(
    forward: Sequence[Equation],
    loss: Symbol,
    parameters: Sequence[Symbol],
    values: Mapping[Symbol, Array],
    *,
    dtype: Any = np.float64,
    compiled: bool = False,
) -> tuple[float, dict[Symbol, Array]]:
    """The loss, and its gradient by each parameter, through ``jax.value_and_grad``."""

    def total(trained: list[Array]) -> Array:
        known = {s: np.asarray(v, dtype) for s, v in values.items() if s not in parameters}
        known |= dict(zip(parameters, trained, strict=True))
        for equation in forward:
            known[equation.lhs.symbol] = _defined(equation, known)
        return known[loss]

    with jax.enable_x64(dtype == np.float64):
        start = [np.asarray(values[s], dtype) for s in parameters]
        function = jax.value_and_grad(total)
        if compiled:
            value, found = function([jnp.asarray(v) for v in start])
        else:
            program = jax.make_jaxpr(function)(start)
            with np.errstate(all="ignore"):
                value, *found = _run(program.jaxpr, program.consts, start)
        return float(value), dict(zip(parameters, map(np.asarray, found), strict=True))


def _defined(equation: Equation, known: Mapping[Symbol, Array]) -> Array:
    indices = [p for p in equation.lhs.indices if isinstance(p, Index)]
    scope = _Scope(known).extended(indices)
    return jnp.broadcast_to(scope.value(equation.rhs), scope.sizes)


def _elu(z: Array, slope: Array) -> Array:
    return jnp.where(z > 0, z, slope * jnp.expm1(jnp.where(z > 0, 0, z)))


def _gelu_inner(z: Array) -> Array:
    return 2 * np.sqrt(2 / np.pi) * (z + 0.044715 * z * z * z)


def _huber(z: Array, delta: Array) -> Array:
    size = z * jnp.sign(z)
    return jnp.where(size <= delta, z * z / 2, delta * (size - delta / 2))


ELEMENTWISE: dict[str, Callable[..., Array]] = {
    "abs": lambda z: z * jnp.sign(z),  # slope 0 at 0 as torch has it; jnp.abs has 1
    "arctan": jnp.arctan,
    "elu": _elu,
    "cos": jnp.cos,
    "equal": lambda x, y: jnp.where(x == y, 1.0, 0.0),
    "erf": jax.lax.erf,
    "exp": jnp.exp,
    "expm1": jnp.expm1,
    "gelu": lambda z: z * jax.lax.erfc(-z / np.sqrt(2)) / 2,
    "gaussian": lambda z, height: height * jnp.exp(-z * z / 2),
    "gelu_gate": lambda z, c: c * jax.lax.logistic(_gelu_inner(z)),
    "gelu_tanh": lambda z: z * jax.lax.logistic(_gelu_inner(z)),
    "hard_sigmoid": lambda z: jnp.where(z <= -3, 0.0, jnp.where(z >= 3, 1.0, (z + 3) / 6)),
    "hard_silu": lambda z: jnp.where(z <= -3, 0.0, jnp.where(z >= 3, z, z * (z + 3) / 6)),
    "hard_tanh": lambda z: jnp.where(z <= -1, -1.0, jnp.where(z >= 1, 1.0, z)),
    "huber": _huber,
    "identity": lambda z: z,
    "leaky_relu": lambda z, slope: jnp.where(z > 0, z, slope * z),  # slope at 0 as torch has it
    "log": jnp.log,
    "log_sigmoid": lambda z: -jnp.logaddexp(0.0, -z),
    "max": jnp.maximum,
    "min": jnp.minimum,
    "mish": lambda z: z * jnp.tanh(jnp.logaddexp(z, 0.0)),
    "normal_cdf": lambda z: jax.lax.erfc(-z / np.sqrt(2)) / 2,
    "normal_pdf": lambda z: jnp.exp(-z * z / 2) / np.sqrt(2 * np.pi),
    "relu": lambda z: jnp.where(z > 0, z, 0.0),
    "sech": lambda z: 1 / jnp.cosh(z),
    "selu": jax.nn.selu,
    "sigmoid": jax.lax.logistic,
    "sign": jnp.sign,
    "silu": lambda z: z * jax.lax.logistic(z),
    "sin": jnp.sin,
    "softplus": lambda z: jnp.logaddexp(z, 0.0),
    "softsign": lambda z: z / (1 + z * jnp.sign(z)),
    "sqrt": jnp.sqrt,
    "step": lambda z: jnp.where(z > 0, 1.0, 0.0),
    "tanh": jnp.tanh,
}


def _ties(z: Array, axis: int) -> Array:
    return jnp.where(z == jnp.max(z, axis=axis, keepdims=True), 1.0, 0.0)


ALONG: dict[str, Callable[..., Array]] = {
    "hardmax": lambda z, axis: _ties(z, axis) / jnp.sum(_ties(z, axis), axis=axis, keepdims=True),
    "log_softmax": jax.nn.log_softmax,
    "logsumexp": lambda z, axis: jax.nn.logsumexp(z, axis=axis),
    "max": lambda z, axis: jnp.max(z, axis=axis),
    "softmax": jax.nn.softmax,
    "softmax_rest": lambda z, axis: 1 - jax.nn.softmax(z, axis=axis),
}


@dataclass(frozen=True)
class _Scope:
    """The indices that may occur: the axis of each by name, and how long every axis is."""

    known: Mapping[Symbol, Array]
    axes: Mapping[str, int] = field(default_factory=dict[str, int])
    sizes: tuple[int, ...] = ()

    def extended(self, indices: Sequence[Index]) -> _Scope:
        """With one axis more at the end for each index; an inner name hides an outer one."""
        axes, sizes = dict(self.axes), list(self.sizes)
        for index in indices:
            assert index.axis is not None
            axes[index.name] = len(sizes)
            sizes.append(self.known[index.axis[0]].shape[index.axis[1]])
        return _Scope(self.known, axes, tuple(sizes))

    def value(self, expr: Expr) -> Array:
        match expr:
            case Num(value):
                return jnp.full((1,) * len(self.sizes), float(value))
            case Ref(symbol, indices):
                return self.reference(self.known[symbol], indices)
            case Sum(terms):
                result = self.value(terms[0])
                for term in terms[1:]:
                    result = result + self.value(term)
                return result
            case Product(factors):
                result = self.value(factors[0])
                for factor in factors[1:]:
                    result = result * self.value(factor)
                return result
            case Power(base, Num(value)) if value.denominator == 1:
                return self.value(base) ** int(value)
            case Power(base, exponent):
                return self.value(base) ** self.value(exponent)
            case Call(function, arguments):
                return ELEMENTWISE[function](*map(self.value, arguments))
            case Sigma(indices, body):
                inner = self.extended(indices)
                axes = tuple(range(len(self.sizes), len(inner.sizes)))
                return jnp.sum(inner.whole(body, axes), axis=axes)
            case Along(function, index, body, at):
                inner = self.extended((index,))
                array = inner.whole(body, (len(self.sizes),))
                result = ALONG[function](array, axis=-1)
                return result if at is None else self.read(result, at)
            case Delta(left, right):
                return jnp.where(self.places(left) == self.places(right), 1.0, 0.0)
            case Forms(book, _):
                return self.value(book)
            case _:
                raise TypeError(type(expr).__name__)

    def whole(self, body: Expr, axes: tuple[int, ...]) -> Array:
        """The value, spread out along some of the axes even where it does not vary."""
        array = self.value(body)
        shape = [self.sizes[n] if n in axes else length for n, length in enumerate(array.shape)]
        return jnp.broadcast_to(array, shape)

    def reference(self, array: Array, indices: tuple[Position, ...]) -> Array:
        slots = [self.axes[p.name] for p in indices if isinstance(p, Index)]
        for n in reversed(range(len(indices))):  # constants
            position = indices[n]
            if isinstance(position, int):
                array = jax.lax.index_in_dim(array, position - 1, n, keepdims=False)
        for slot in sorted({slot for slot in slots if slots.count(slot) > 1}):  # a diagonal
            while slots.count(slot) > 1:
                first, second = (n for n, s in enumerate(slots) if s == slot)
                shape = [array.shape[n] if n in (first, second) else 1 for n in range(array.ndim)]
                diagonal = np.eye(array.shape[first], dtype=bool).reshape(shape)
                array = jnp.sum(jnp.where(diagonal, array, 0.0), axis=second)
                del slots[second]
        order = sorted(range(len(slots)), key=slots.__getitem__)
        shape = [length if n in slots else 1 for n, length in enumerate(self.sizes)]
        return jnp.transpose(array, order).reshape(shape)

    def places(self, position: Position) -> Array:
        """0, 1, 2, … along the axis of an index; a constant counted from 0."""
        if isinstance(position, int):
            return position - 1
        slot = self.axes[position.name]
        shape = [length if n == slot else 1 for n, length in enumerate(self.sizes)]
        return np.arange(self.sizes[slot]).reshape(shape)

    def read(self, array: Array, at: Position) -> Array:
        """A vector, along the last axis, read at one place."""
        if isinstance(at, int):
            return array[..., at - 1]
        picked = np.arange(array.shape[-1]) == self.places(at)[..., None]
        return jnp.sum(jnp.where(picked, array, 0.0), axis=-1)


# --- a jaxpr, run by NumPy -------------------------------------------------------------------

erf, erfc = (np.frompyfunc(f, 1, 1) for f in (math.erf, math.erfc))


def _broadcast(x: Array, shape: tuple[int, ...], broadcast_dimensions: tuple[int, ...]) -> Array:
    lengths = [1] * len(shape)
    for n, length in zip(broadcast_dimensions, np.shape(x), strict=True):
        lengths[n] = length
    return np.broadcast_to(np.reshape(x, lengths), shape)


def _pad(x: Array, value: Array, padding_config: Sequence[tuple[int, int, int]]) -> Array:
    assert not any(inside for _, _, inside in padding_config)
    return np.pad(x, [(low, high) for low, high, _ in padding_config], constant_values=value)


def _slice(x: Array, start_indices: Any, limit_indices: Any, strides: Any) -> Array:
    steps = strides or [1] * len(start_indices)
    return x[tuple(map(slice, start_indices, limit_indices, steps))]


def _dot(x: Array, y: Array, dimension_numbers: tuple[Any, Any]) -> Array:
    """A contraction: axes of both that are one (batch), then those left of x, then of y."""
    (summed_x, summed_y), (batch_x, batch_y) = dimension_numbers
    left, right = list(range(x.ndim)), list(range(x.ndim, x.ndim + y.ndim))
    for n, m in (*zip(summed_x, summed_y, strict=True), *zip(batch_x, batch_y, strict=True)):
        right[m] = left[n]
    batch = [left[n] for n in batch_x]
    rest = [n for m, n in enumerate(left) if m not in (*summed_x, *batch_x)]
    rest += [n for m, n in enumerate(right) if m not in (*summed_y, *batch_y)]
    return np.einsum(x, left, y, right, [*batch, *rest])


PLAIN: dict[str, Callable[..., Array]] = {  # what else they carry concerns compilers only
    "abs": np.abs,
    "add": np.add,
    "add_any": np.add,
    "and": np.logical_and,
    "atan": np.arctan,
    "copy": np.copy,
    "cos": np.cos,
    "cosh": np.cosh,
    "div": np.divide,
    "eq": np.equal,
    "erf": lambda x: np.asarray(erf(x), float),
    "erfc": lambda x: np.asarray(erfc(x), float),
    "exp": np.exp,
    "expm1": np.expm1,
    "ge": np.greater_equal,
    "gt": np.greater,
    "is_finite": np.isfinite,
    "le": np.less_equal,
    "log": np.log,
    "log1p": np.log1p,
    "logistic": lambda x: 1 / (1 + np.exp(-x)),
    "lt": np.less,
    "max": np.maximum,
    "min": np.minimum,
    "mul": np.multiply,
    "ne": np.not_equal,
    "neg": np.negative,
    "pow": np.power,
    "select_n": lambda which, no, yes: np.where(which, yes, no),
    "sign": np.sign,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "square": np.square,
    "stop_gradient": lambda x: x,
    "sub": np.subtract,
    "tanh": np.tanh,
}
SHAPED: dict[str, Callable[[Any, Mapping[str, Any]], Array]] = {
    "convert_element_type": lambda x, p: np.asarray(x, p["new_dtype"]),
    "integer_pow": lambda x, p: np.power(x, float(p["y"])),
    "reduce_max": lambda x, p: np.max(x, axis=p["axes"]),
    "reduce_sum": lambda x, p: np.sum(x, axis=p["axes"]),
    "reshape": lambda x, p: np.reshape(x, p["new_sizes"]),
    "slice": lambda x, p: _slice(x, p["start_indices"], p["limit_indices"], p["strides"]),
    "squeeze": lambda x, p: np.squeeze(x, p["dimensions"]),
    "transpose": lambda x, p: np.transpose(x, p["permutation"]),
    "broadcast_in_dim": lambda x, p: _broadcast(x, p["shape"], p["broadcast_dimensions"]),
}
NESTED = {"jit": "jaxpr", "pjit": "jaxpr", "custom_jvp_call": "call_jaxpr"}


def run_by_numpy(program: Any, arguments: Any) -> Any:
    """What a closed jaxpr comes to for these arguments, as a list in the order of its results."""
    with np.errstate(all="ignore"):
        return _run(program.jaxpr, program.consts, jax.tree.leaves(arguments))


def _run(program: Any, constants: Sequence[Array], arguments: Sequence[Array]) -> list[Array]:
    known = dict(zip((*program.constvars, *program.invars), (*constants, *arguments), strict=True))

    def read(atom: Any) -> Array:
        return atom.val if hasattr(atom, "val") else known[atom]

    for step in program.eqns:
        inputs, name = [read(atom) for atom in step.invars], step.primitive.name
        if name in NESTED:
            inner = step.params[NESTED[name]]
            outputs = _run(inner.jaxpr, inner.consts, inputs)
        elif name == "pad":
            outputs = [_pad(*inputs, step.params["padding_config"])]
        elif name == "dot_general":
            outputs = [_dot(*inputs, step.params["dimension_numbers"])]
        elif name in SHAPED:
            outputs = [SHAPED[name](*inputs, step.params)]
        else:
            outputs = [PLAIN[name](*inputs)]
        known.update(zip(step.outvars, outputs, strict=True))
    return [read(atom) for atom in program.outvars]
