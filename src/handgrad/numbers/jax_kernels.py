"""How each function of the rule table is computed with JAX, and JAX's own derivative of equations.

``jax_library`` has a kernel for every row: one of its own, or the row's definition. Kernels say
the value only. They are written so that differentiating them keeps the digits (σ by the exponential
that is small), and takes the slope that the row states at a kink.
"""

# JAX is an extra: it is imported where it is asked for, and its types are not known before.
# pyright: reportMissingImports=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false, reportUnknownParameterType=false
from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache, reduce
from importlib.util import find_spec
from typing import Any

import numpy as np

from handgrad.calculus.derivation import Equation
from handgrad.calculus.expr import Symbol
from handgrad.numbers.evaluate import followed
from handgrad.numbers.kernels import Library

__all__ = ["has_jax", "jax_gradient", "jax_library"]

Array = Any  # a JAX array, or what stands for one while a program is traced
Kernel = Callable[..., Array]


def has_jax() -> bool:
    """Whether JAX is installed; it is not imported by asking."""
    return find_spec("jax") is not None


def jax_gradient(
    forward: Sequence[Equation],
    loss: Symbol,
    parameters: Sequence[Symbol],
    values: Mapping[Symbol, Array],
) -> dict[Symbol, Array]:
    """The gradient of the loss by each parameter, by automatic differentiation in float64.

    Only the forward equations are read; neither the chain rule nor the derivatives of the rule
    table have a part in it. ``values`` holds every given of the equations, of fitting shapes.
    """
    import jax

    names, others = list(parameters), [s for s in values if s not in parameters]

    def total(trained: list[Array], given: list[Array]) -> Array:
        known = dict(zip((*names, *others), (*trained, *given), strict=True))
        return followed(forward, known, jax_library())[loss]

    with jax.enable_x64(True):
        start, given = ([np.asarray(values[s], float) for s in some] for some in (names, others))
        found = jax.jit(jax.grad(total))(start, given)
        return {s: np.asarray(g) for s, g in zip(names, found, strict=True)}


@cache
def jax_library() -> Library:
    """JAX's arrays and kernels. Raises ``ImportError`` where JAX is not installed."""
    import jax
    import jax.numpy as jnp

    def parts(z: Array) -> tuple[Array, Array, Array]:
        """The largest number, the distances to it, and the logarithm of the sum of their powers of e.

        That sum has a 1 in it, so log1p; and the distance of a single largest number to itself is
        0 without a slope, whose 1 − 1 would swallow the slope of the logarithm.
        """
        known = jax.lax.stop_gradient(z)
        top = known == jnp.max(known, axis=-1, keepdims=True)
        ties = jnp.sum(top, axis=-1, keepdims=True)
        largest = jnp.sum(jnp.where(top, z, 0.0), axis=-1, keepdims=True) / ties
        distance = jnp.where(top & (ties == 1), 0.0, z - largest)
        others = jnp.sum(jnp.where(top, 0.0, jnp.exp(distance)), axis=-1, keepdims=True)
        return largest, distance, jnp.log(ties) + jnp.log1p(others / ties)

    def log_softmax(z: Array) -> Array:
        _, distance, total = parts(z)
        return distance - total

    def logsumexp(z: Array) -> Array:
        largest, _, total = parts(z)
        return (largest + total)[..., 0]

    along = {
        "log_softmax": log_softmax,
        "logsumexp": logsumexp,
        "max": lambda z: jnp.max(z, axis=-1),
        "softmax": jax.nn.softmax,
    }
    return Library(jnp, _own(jax, jnp), along)


def _own(jax: Any, jnp: Any) -> dict[str, Kernel]:
    """Primitives, and functions whose definition would overflow, lose digits or tie at its kink."""

    def minus_size(z: Array) -> Array:
        return jnp.where(z >= 0, -z, z)  # −|z|, with a slope at 0

    def sigmoid(z: Array) -> Array:
        e = jnp.exp(minus_size(z))
        return jnp.where(z >= 0, 1 / (1 + e), e / (1 + e))

    def tanh(z: Array) -> Array:
        e = jnp.exp(2 * minus_size(z))
        far = jnp.where(z >= 0, 1 - 2 * e / (1 + e), 2 * e / (1 + e) - 1)
        near = jnp.tanh(jnp.where(jnp.abs(z) < 1, z, 0.0))  # further out 1 − a² loses digits
        return jnp.where(jnp.abs(z) < 1, near, far)

    def softplus(z: Array) -> Array:
        return jnp.log1p(jnp.exp(minus_size(z))) + jnp.where(z >= 0, z, 0.0)

    def sech(z: Array) -> Array:
        e = jnp.exp(minus_size(z))
        return 2 * e / (1 + e * e)

    def expm1(z: Array) -> Array:
        near = jnp.expm1(jnp.where(z < -1, 0.0, z))  # further out its slope a + 1 loses digits
        return jnp.where(z < -1, jnp.exp(z) - 1, near)

    def elu(z: Array, slope: Array) -> Array:
        return jnp.where(z > 0, z, slope * expm1(jnp.where(z > 0, 0.0, z)))

    def gelu_gate(z: Array, height: Array) -> Array:
        near = jnp.clip(z, -99, 99)  # further out the gate is 0 or 1, and z³ leaves every float
        return height * sigmoid(math.sqrt(8 / math.pi) * (near + 0.044715 * near**3))

    return {
        "arctan": jnp.arctan,
        "cos": jnp.cos,
        "elu": elu,
        "equal": lambda x, y: jnp.where(x == y, 1.0, 0.0),
        "erf": jax.lax.erf,
        "exp": jnp.exp,
        "expm1": expm1,
        "gelu_gate": gelu_gate,
        "gelu_tanh": lambda z: gelu_gate(z, z),
        "leaky_relu": lambda z, slope: jnp.where(z > 0, z, slope * z),
        "log": jnp.log,
        "log_sigmoid": lambda z: -softplus(-z),
        "max": lambda *z: reduce(jnp.maximum, z),
        "normal_cdf": lambda z: jax.lax.erfc(-z / math.sqrt(2)) / 2,
        "relu": lambda z: jnp.where(z > 0, z, 0.0),
        "sech": sech,
        "sigmoid": sigmoid,
        "sin": jnp.sin,
        "softplus": softplus,
        "step": lambda z: jnp.where(z > 0, 1.0, 0.0),
        "tanh": tanh,
    }
